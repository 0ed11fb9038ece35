/* media.c: a GStreamer program with bugs to choose from. Usage: media BUG [N]. Each bug is made N times (7) beside ten
 * times as many objects that are treated well; `none` makes no mistake at all. It needs no plugins, prints what it did
 * and exits 3. */
#include <gst/gst.h>

#include <string.h>

static guint64 total;

static void use_buffer(gboolean bug)
{
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, 64, NULL), *other = gst_buffer_ref(buffer);
    total += gst_buffer_get_size(other);
    gst_buffer_unref(other);
    if (!bug)
        gst_buffer_unref(buffer);
}

static void use_caps(gboolean bug)
{
    GstCaps *caps = gst_caps_new_simple("video/x-raw", "width", G_TYPE_INT, 320, NULL);
    GstCaps *wide = gst_caps_copy(caps);
    gst_caps_set_simple(wide, "width", G_TYPE_INT, 640, NULL);
    total += gst_caps_is_subset(wide, caps);
    gst_caps_unref(wide);
    if (!bug)
        gst_caps_unref(caps);
}

static void use_event(gboolean bug)
{
    GstEvent *event = gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty("hello"));
    total += GST_EVENT_IS_SERIALIZED(event);
    if (!bug)
        gst_event_unref(event);
}

/* bug: what gst_bus_pop returns is the caller's. */
static void use_message(GstBus *bus, gboolean bug)
{
    gst_bus_post(bus, gst_message_new_application(NULL, gst_structure_new_empty("news")));
    GstMessage *message = gst_bus_pop(bus);
    total += GST_MESSAGE_TYPE(message) == GST_MESSAGE_APPLICATION;
    if (!bug)
        gst_message_unref(message);
}

static void use_query(gboolean bug)
{
    GstQuery *query = gst_query_new_latency();
    total += GST_QUERY_TYPE(query) == GST_QUERY_LATENCY;
    if (!bug)
        gst_query_unref(query);
}

static void use_pool(GstBufferPool *pool, gboolean bug)
{
    GstBuffer *buffer = NULL;
    if (gst_buffer_pool_acquire_buffer(pool, &buffer, NULL) == GST_FLOW_OK)
        total += gst_buffer_get_size(buffer);
    if (!bug)
        gst_buffer_unref(buffer);
}

/* bug: an element that is never put into a bin floats. */
static void use_element(gboolean bug)
{
    GstElement *bin = gst_bin_new("inner"), *outer = gst_bin_new("outer");
    gst_object_ref_sink(outer);
    if (!bug)
        gst_bin_add(GST_BIN(outer), bin);
    total += GST_BIN_NUMCHILDREN(outer);
    gst_object_unref(outer);
}

/* bug: a reference too many on an element. */
static void use_reference(gboolean bug)
{
    GstElement *outer = gst_object_ref_sink(gst_bin_new("outer"));
    if (bug)
        gst_object_ref(outer);
    total += GST_BIN_NUMCHILDREN(outer);
    gst_object_unref(outer);
}

/* bug: what gst_element_get_static_pad returns is the caller's. */
static void use_pad(gboolean bug)
{
    GstElement *bin = gst_object_ref_sink(gst_bin_new("bin"));
    gst_element_add_pad(bin, gst_ghost_pad_new_no_target("src", GST_PAD_SRC));
    GstPad *pad = gst_element_get_static_pad(bin, "src");
    total += gst_pad_is_active(pad);
    if (!bug)
        gst_object_unref(pad);
    gst_object_unref(bin);
}

static GstCaps *current;

/* Replaces, takes and steals what a variable owns. bug: what was stolen is forgotten. */
static void use_variable(gboolean bug)
{
    GstCaps *caps = gst_caps_new_empty_simple("audio/x-raw");
    gst_caps_replace(&current, caps);
    gst_caps_unref(caps);
    gst_caps_take(&current, gst_caps_new_empty_simple("audio/x-raw"));
    caps = (GstCaps *)gst_mini_object_steal((GstMiniObject **)&current);
    total += gst_caps_get_size(caps);
    if (!bug)
        gst_caps_unref(caps);
}

/* bug: gives back what the sample owns. */
static void use_sample(gboolean bug)
{
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, 64, NULL);
    GstSample *sample = gst_sample_new(buffer, NULL, NULL, NULL);
    gst_buffer_unref(buffer);
    total += gst_buffer_get_size(gst_sample_get_buffer(sample));
    if (bug)
        gst_buffer_unref(gst_sample_get_buffer(sample));
    gst_sample_unref(sample);
}

int main(int argc, char **argv)
{
    gst_init(NULL, NULL);
    const char *bug = argc > 1 ? argv[1] : "none";
    int n = argc > 2 ? atoi(argv[2]) : 7;
    GstBus *bus = gst_bus_new();
    GstBufferPool *pool = gst_buffer_pool_new();
    GstStructure *config = gst_buffer_pool_get_config(pool);
    gst_buffer_pool_config_set_params(config, NULL, 256, 2, 0);
    gst_buffer_pool_set_config(pool, config);
    gst_buffer_pool_set_active(pool, TRUE);
    static const struct {
        const char *name;
        void (*alone)(gboolean bug);
    } parts[] = {
        { "buffer", use_buffer },     { "caps", use_caps },       { "event", use_event },
        { "query", use_query },       { "element", use_element }, { "pad", use_pad },
        { "variable", use_variable }, { "over", use_sample },     { "ref", use_reference },
    };
    for (int i = 0; i < 10 * n; i++) {
        gboolean now = i % 10 == 5;
        use_message(bus, now && strcmp(bug, "message") == 0);
        use_pool(pool, now && strcmp(bug, "pool") == 0);
        for (guint p = 0; p < G_N_ELEMENTS(parts); p++)
            parts[p].alone(now && strcmp(bug, parts[p].name) == 0);
    }
    g_print("counted %" G_GUINT64_FORMAT "\n", total);
    gst_buffer_pool_set_active(pool, FALSE);
    gst_object_unref(pool);
    gst_object_unref(bus);
    gst_deinit();
    return 3;
}
