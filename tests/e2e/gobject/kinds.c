/* kinds.c: one mistake with each kind of counted value that GLib and GObject have. Usage: kinds BUG [N]. Each part runs
 * N * 10 times (70) and makes its mistake, when that is asked for, N times; `none` makes no mistake at all. Lines say
 * whose reference they take (`taken: NAME`) and where the release is that is forgotten (`missing: NAME`); `kept: NAME`:
 * GLib has a list of all of these, so they are held by it. It prints what it did and exits 3. */
#include <glib-object.h>
#include <stdlib.h>
#include <string.h>

static guint64 total;

static void use(gconstpointer p)
{
    total += p != NULL;
}

static gboolean never(gpointer data)
{
    use(data);
    return G_SOURCE_REMOVE;
}

/* Destroyed, but the own reference is forgotten. */
static void source(gboolean bug)
{
    GMainContext *context = g_main_context_new();
    GSource *source = g_timeout_source_new_seconds(1000); /* taken: source */
    g_source_set_callback(source, never, NULL, NULL);
    g_source_attach(source, context);
    use(g_main_context_find_source_by_id(context, g_source_get_id(source)));
    g_source_destroy(source);
    if (!bug)
        g_source_unref(source); /* missing: source */
    g_main_context_unref(context);
}

static void context(gboolean bug)
{
    GMainContext *context = g_main_context_new(); /* kept: context */
    g_main_context_push_thread_default(context);
    g_main_context_pop_thread_default(context);
    if (!bug)
        g_main_context_unref(context);
}

static void callback(void) {}

static void closure(gboolean bug)
{
    GClosure *closure = g_cclosure_new(callback, NULL, NULL); /* taken: closure */
    g_closure_ref(closure);
    g_closure_sink(closure);
    if (!bug)
        g_closure_unref(closure); /* missing: closure */
}

/* Nobody ever owned it. */
static void loose(gboolean bug)
{
    GClosure *closure = g_cclosure_new(callback, NULL, NULL); /* taken: loose */
    if (!bug)
        g_closure_sink(closure); /* missing: loose */
}

static void param(gboolean bug)
{
    GParamSpec *param = g_param_spec_int("p", "p", "p", 0, 1, 0, G_PARAM_READABLE); /* taken: param */
    if (!bug)
        g_param_spec_sink(param); /* missing: param */
}

static void variant(gboolean bug)
{
    GVariant *value = g_variant_ref_sink(g_variant_new("(ss)", "a", "b")); /* taken: variant */
    GVariant *child = g_variant_get_child_value(value, 1);
    use(child);
    g_variant_unref(child);
    if (!bug)
        g_variant_unref(value); /* missing: variant */
}

/* A child of a value that came as bytes is made for the caller. */
static void child(gboolean bug)
{
    static const guint32 data[2] = { 1, 2 };
    GVariant *value = g_variant_ref_sink(g_variant_new_from_data(G_VARIANT_TYPE("au"), data, 8, TRUE, NULL, NULL));
    GVariant *item = g_variant_get_child_value(value, 1); /* taken: child */
    use(item);
    if (!bug)
        g_variant_unref(item); /* missing: child */
    g_variant_unref(value);
}

static void floating(gboolean bug)
{
    GVariant *value = g_variant_new_string("nobody's"); /* taken: floating */
    if (!bug)
        g_variant_unref(g_variant_ref_sink(value)); /* missing: floating */
}

static void builder(gboolean bug)
{
    GVariantBuilder *builder = g_variant_builder_new(G_VARIANT_TYPE("as")); /* taken: builder */
    g_variant_builder_add(builder, "s", "text");
    g_variant_unref(g_variant_ref_sink(g_variant_builder_end(builder)));
    if (!bug)
        g_variant_builder_unref(builder); /* missing: builder */
}

static void dict(gboolean bug)
{
    GVariantDict *dict = g_variant_dict_new(NULL); /* taken: dict */
    g_variant_dict_insert(dict, "key", "i", 1);
    if (!bug)
        g_variant_dict_unref(dict); /* missing: dict */
}

static void bytes(gboolean bug)
{
    GBytes *bytes = g_bytes_new("0123456789", 10); /* taken: bytes */
    GBytes *part = g_bytes_new_from_bytes(bytes, 2, 5);
    g_bytes_unref(part);
    if (!bug)
        g_bytes_unref(bytes); /* missing: bytes */
}

static void table(gboolean bug)
{
    GHashTable *table = g_hash_table_new(g_str_hash, g_str_equal);
    g_hash_table_ref(table); /* taken: table */
    g_hash_table_insert(table, "a", "b");
    if (!bug)
        g_hash_table_destroy(table); /* missing: table */
    g_hash_table_unref(table);
}

static void pointers(gboolean bug)
{
    GPtrArray *array = g_ptr_array_new(); /* taken: pointers */
    g_ptr_array_add(array, "a");
    if (!bug)
        g_ptr_array_unref(array); /* missing: pointers */
}

static void array(gboolean bug)
{
    GArray *array = g_array_new(FALSE, FALSE, sizeof(int)); /* taken: array */
    int value = 7;
    g_array_append_val(array, value);
    if (!bug)
        g_array_free(array, TRUE); /* missing: array */
}

static void byte_array(gboolean bug)
{
    GByteArray *array = g_byte_array_new(); /* taken: byte_array */
    g_byte_array_append(array, (const guint8 *)"abc", 3);
    if (!bug)
        g_byte_array_unref(array); /* missing: byte_array */
}

static int compare(gconstpointer a, gconstpointer b)
{
    return strcmp(a, b);
}

static void tree(gboolean bug)
{
    GTree *tree = g_tree_new(compare); /* taken: tree */
    g_tree_insert(tree, "a", "b");
    if (!bug)
        g_tree_destroy(tree); /* missing: tree */
}

static void key_file(gboolean bug)
{
    GKeyFile *file = g_key_file_new(); /* taken: key_file */
    g_key_file_load_from_data(file, "[a]\nb=c\n", (gsize)-1, 0, NULL);
    if (!bug)
        g_key_file_free(file); /* missing: key_file */
}

static void mapped(gboolean bug)
{
    GMappedFile *file = g_mapped_file_new("/etc/passwd", FALSE, NULL); /* taken: mapped */
    GBytes *bytes = g_mapped_file_get_bytes(file);
    g_bytes_unref(bytes);
    if (!bug)
        g_mapped_file_unref(file); /* missing: mapped */
}

static void date(gboolean bug)
{
    GDateTime *now = g_date_time_new_now_utc();
    GDateTime *then = g_date_time_add_days(now, 3); /* taken: date */
    use(then);
    g_date_time_unref(now);
    if (!bug)
        g_date_time_unref(then); /* missing: date */
}

static void zone(gboolean bug)
{
    GTimeZone *zone = g_time_zone_new_offset(3600 + (gint32)(total % 1000) * 60); /* kept: zone */
    GDateTime *date = g_date_time_new_now(zone);
    use(date);
    g_date_time_unref(date);
    if (!bug)
        g_time_zone_unref(zone);
}

static void queue(gboolean bug)
{
    GAsyncQueue *queue = g_async_queue_new(); /* taken: queue */
    g_async_queue_push(queue, "a");
    use(g_async_queue_pop(queue));
    if (!bug)
        g_async_queue_unref(queue); /* missing: queue */
}

/* The watch owns it as well. */
static void channel(gboolean bug)
{
    GIOChannel *channel = g_io_channel_unix_new(0); /* taken: channel */
    GSource *watch = g_io_create_watch(channel, G_IO_IN);
    g_source_unref(watch);
    if (!bug)
        g_io_channel_unref(channel); /* missing: channel */
}

static void regex(gboolean bug)
{
    GRegex *regex = g_regex_new("a+", 0, 0, NULL); /* taken: regex */
    use(GINT_TO_POINTER(g_regex_match(regex, "caat", 0, NULL)));
    if (!bug)
        g_regex_unref(regex); /* missing: regex */
}

static void match(gboolean bug)
{
    GRegex *regex = g_regex_new("a+", 0, 0, NULL);
    GMatchInfo *match;
    g_regex_match(regex, "caat", 0, &match); /* taken: match */
    if (!bug)
        g_match_info_free(match); /* missing: match */
    g_regex_unref(regex);
}

static void markup(gboolean bug)
{
    static const GMarkupParser parser = { NULL, NULL, NULL, NULL, NULL };
    GMarkupParseContext *context = g_markup_parse_context_new(&parser, 0, NULL, NULL); /* taken: markup */
    g_markup_parse_context_parse(context, "<a/>", 4, NULL);
    if (!bug)
        g_markup_parse_context_free(context); /* missing: markup */
}

static void group(gboolean bug)
{
    GOptionGroup *group = g_option_group_new("a", "b", "c", NULL, NULL); /* taken: group */
    use(group);
    if (!bug)
        g_option_group_unref(group); /* missing: group */
}

static void hmac(gboolean bug)
{
    GHmac *hmac = g_hmac_new(G_CHECKSUM_SHA1, (const guchar *)"k", 1); /* taken: hmac */
    g_hmac_update(hmac, (const guchar *)"abc", 3);
    if (!bug)
        g_hmac_unref(hmac); /* missing: hmac */
}

struct box {
    int a, b;
};

static void box(gboolean bug)
{
    struct box *box = g_rc_box_new0(struct box); /* taken: box */
    use(g_rc_box_acquire(box));
    g_rc_box_release(box);
    if (!bug)
        g_rc_box_release(box); /* missing: box */
}

static void uri(gboolean bug)
{
    GUri *uri = g_uri_parse("http://host/path", 0, NULL); /* taken: uri */
    use(g_uri_get_host(uri));
    if (!bug)
        g_uri_unref(uri); /* missing: uri */
}

static void value(gboolean bug)
{
    GValue value = G_VALUE_INIT;
    GObject *object = g_object_new(G_TYPE_OBJECT, NULL);
    g_value_init(&value, G_TYPE_OBJECT);
    g_value_set_object(&value, object); /* taken: value */
    g_object_unref(object);
    if (!bug)
        g_value_unset(&value); /* missing: value */
}

/* The object would give it back when it ends. */
static void data(gboolean bug)
{
    GObject *object = g_object_new(G_TYPE_OBJECT, NULL);
    GObject *other = g_object_new(G_TYPE_OBJECT, NULL); /* taken: data */
    g_object_set_data_full(object, "other", other, bug ? NULL : g_object_unref);
    g_object_unref(object); /* missing: data */
}

int main(int argc, char **argv)
{
    const char *bug = argc > 1 ? argv[1] : "none";
    int n = argc > 2 ? atoi(argv[2]) : 7;
    static const struct {
        const char *name;
        void (*run)(gboolean bug);
    } parts[] = {
        { "source", source },     { "context", context },   { "closure", closure },
        { "loose", loose },       { "param", param },       { "variant", variant },
        { "child", child },       { "floating", floating }, { "builder", builder },
        { "dict", dict },         { "bytes", bytes },       { "table", table },
        { "pointers", pointers }, { "array", array },       { "byte_array", byte_array },
        { "tree", tree },         { "key_file", key_file }, { "mapped", mapped },
        { "date", date },         { "zone", zone },         { "queue", queue },
        { "channel", channel },   { "regex", regex },       { "match", match },
        { "markup", markup },     { "group", group },       { "hmac", hmac },
        { "box", box },           { "uri", uri },           { "value", value },
        { "data", data },
    };
    for (int i = 0; i < 10 * n; i++)
        for (guint p = 0; p < G_N_ELEMENTS(parts); p++)
            parts[p].run(i % 10 == 5 && strcmp(bug, parts[p].name) == 0);
    g_print("counted %" G_GUINT64_FORMAT "\n", total);
    return 3;
}
