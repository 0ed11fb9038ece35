/* shop.c: a GObject program with bugs to choose from. Usage: shop BUG [N]. Each bug is made N times (7) beside ten
 * times as many objects that are treated well; `none` makes no mistake at all. It prints what it did and exits 3.
 *
 * The objects: ShopItem (GObject), ShopLabel (GInitiallyUnowned), ShopCart, which holds items and emits "changed". */
#include <glib-object.h>
#include <string.h>

/* ---- Types --------------------------------------------------------------------------------------------------------
 */

#define SHOP_TYPE_ITEM (shop_item_get_type())
G_DECLARE_FINAL_TYPE(ShopItem, shop_item, SHOP, ITEM, GObject)
struct _ShopItem {
    GObject parent;
    GObject *partner;
    int price;
};
G_DEFINE_TYPE(ShopItem, shop_item, G_TYPE_OBJECT)

static void shop_item_dispose(GObject *object)
{
    g_clear_object(&SHOP_ITEM(object)->partner);
    G_OBJECT_CLASS(shop_item_parent_class)->dispose(object);
}

static void shop_item_class_init(ShopItemClass *class)
{
    G_OBJECT_CLASS(class)->dispose = shop_item_dispose;
}

static void shop_item_init(ShopItem *item)
{
    item->price = 1;
}

#define SHOP_TYPE_LABEL (shop_label_get_type())
G_DECLARE_FINAL_TYPE(ShopLabel, shop_label, SHOP, LABEL, GInitiallyUnowned)
struct _ShopLabel {
    GInitiallyUnowned parent;
    char text[40];
};
G_DEFINE_TYPE(ShopLabel, shop_label, G_TYPE_INITIALLY_UNOWNED)

static void shop_label_class_init(ShopLabelClass *class)
{
    (void)class;
}

static void shop_label_init(ShopLabel *label)
{
    strcpy(label->text, "cheap");
}

#define SHOP_TYPE_CART (shop_cart_get_type())
G_DECLARE_FINAL_TYPE(ShopCart, shop_cart, SHOP, CART, GObject)
struct _ShopCart {
    GObject parent;
    GPtrArray *items;
    ShopLabel *label;
    ShopItem *favourite;
};
/* The private part of its instances lies before them. */
typedef struct {
    int visits[30];
} ShopCartPrivate;
G_DEFINE_TYPE_WITH_PRIVATE(ShopCart, shop_cart, G_TYPE_OBJECT)
static guint changed;

static void shop_cart_dispose(GObject *object)
{
    ShopCart *cart = SHOP_CART(object);
    g_clear_pointer(&cart->items, g_ptr_array_unref);
    g_clear_object(&cart->label);
    g_clear_object(&cart->favourite);
    G_OBJECT_CLASS(shop_cart_parent_class)->dispose(object);
}

static void shop_cart_class_init(ShopCartClass *class)
{
    G_OBJECT_CLASS(class)->dispose = shop_cart_dispose;
    changed = g_signal_new("changed", SHOP_TYPE_CART, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

/* It takes and drops a reference of itself before it is complete, as constructors may. */
static void shop_cart_init(ShopCart *cart)
{
    g_object_ref(cart);
    ((ShopCartPrivate *)shop_cart_get_instance_private(cart))->visits[0] = 1;
    cart->items = g_ptr_array_new_with_free_func(g_object_unref);
    g_object_unref(cart);
}

static void shop_cart_add(ShopCart *cart, ShopItem *item)
{
    g_ptr_array_add(cart->items, g_object_ref(item));
    g_signal_emit(cart, changed, 0);
}

static void shop_cart_set_label(ShopCart *cart, ShopLabel *label)
{
    g_object_ref_sink(label);
    g_clear_object(&cart->label);
    cart->label = label;
}

/* ---- Things to do -------------------------------------------------------------------------------------------------
 */

static guint sold;

static void on_changed(ShopCart *cart, gpointer data)
{
    (void)cart;
    (void)data;
    sold++;
}

/* bug: forgets the item when it costs nothing. */
static gboolean sell(ShopCart *cart, int price, gboolean bug)
{
    ShopItem *item = g_object_new(SHOP_TYPE_ITEM, NULL);
    item->price = price;
    if (item->price == 0) {
        if (!bug)
            g_object_unref(item);
        return FALSE;
    }
    shop_cart_add(cart, item);
    g_object_unref(item);
    return TRUE;
}

static void label_it(ShopCart *cart, gboolean bug)
{
    ShopLabel *label = g_object_new(SHOP_TYPE_LABEL, NULL);
    if (!bug)
        shop_cart_set_label(cart, label);
}

static void pair_up(gboolean bug)
{
    ShopItem *left = g_object_new(SHOP_TYPE_ITEM, NULL), *right = g_object_new(SHOP_TYPE_ITEM, NULL);
    left->partner = g_object_ref(G_OBJECT(right));
    if (bug)
        right->partner = g_object_ref(G_OBJECT(left));
    g_object_unref(left);
    g_object_unref(right);
}

static void drop(gpointer data, GClosure *closure)
{
    (void)closure;
    g_object_unref(data);
}

/* bug: the handler owns the object that it is connected to. */
static void listen_to(gboolean bug)
{
    ShopCart *cart = g_object_new(SHOP_TYPE_CART, NULL);
    if (bug)
        g_signal_connect_data(cart, "changed", G_CALLBACK(on_changed), g_object_ref(cart), drop, 0);
    else
        g_signal_connect(cart, "changed", G_CALLBACK(on_changed), NULL);
    g_signal_emit(cart, changed, 0);
    g_object_unref(cart);
}

struct window {
    ShopItem *watched; /* weak */
    int size;
};

/* bug: the window is freed while the item still knows where its weak pointer was. */
static void watch(ShopCart *cart, gboolean bug)
{
    struct window *window = g_malloc0(sizeof *window);
    ShopItem *item = g_object_new(SHOP_TYPE_ITEM, NULL);
    window->watched = item;
    g_object_add_weak_pointer(G_OBJECT(item), (gpointer *)&window->watched);
    shop_cart_add(cart, item);
    g_object_unref(item);
    if (!bug)
        g_object_remove_weak_pointer(G_OBJECT(item), (gpointer *)&window->watched);
    g_free(window);
}

static guint64 total;

static void count_up(gboolean bug)
{
    GVariant *value = g_variant_ref_sink(g_variant_new("(si)", "price", 7));
    total += g_variant_n_children(value);
    if (!bug)
        g_variant_unref(value);
}

static void read_bytes(gboolean bug)
{
    GBytes *bytes = g_bytes_new("0123456789", 10), *part = g_bytes_new_from_bytes(bytes, 2, 5);
    total += g_bytes_get_size(part);
    g_bytes_unref(part);
    if (!bug)
        g_bytes_unref(bytes);
}

static void toggled(gpointer data, GObject *object, gboolean last)
{
    (void)data;
    (void)object;
    total += last;
}

static void toggle(gboolean bug)
{
    ShopItem *item = g_object_new(SHOP_TYPE_ITEM, NULL);
    g_object_add_toggle_ref(G_OBJECT(item), toggled, NULL);
    g_object_unref(item);
    if (!bug)
        g_object_remove_toggle_ref(G_OBJECT(item), toggled, NULL);
}

static void upgrade(gboolean bug)
{
    ShopItem *item = g_object_new(SHOP_TYPE_ITEM, NULL);
    GWeakRef weak;
    g_weak_ref_init(&weak, item);
    ShopItem *strong = g_weak_ref_get(&weak);
    g_object_unref(item);
    if (!bug)
        g_object_unref(strong);
    g_weak_ref_clear(&weak);
}

static ShopItem *best;

/* bug: the shop's reference is given back without having been taken. */
static void prefer(gboolean bug)
{
    ShopItem *item = g_object_new(SHOP_TYPE_ITEM, NULL);
    best = bug ? item : g_object_ref(item);
    g_object_unref(item);
    g_clear_object(&best);
}

static void fill_table(gboolean bug)
{
    GHashTable *table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_object_unref);
    for (int i = 0; i < 3; i++)
        g_hash_table_insert(table, g_strdup_printf("%d", i), g_object_new(SHOP_TYPE_ITEM, NULL));
    if (!bug)
        g_hash_table_unref(table);
}

static gboolean stop(gpointer loop)
{
    g_main_loop_quit(loop);
    return G_SOURCE_REMOVE;
}

static void wait_a_moment(gboolean bug)
{
    GMainContext *context = g_main_context_new();
    GMainLoop *loop = g_main_loop_new(context, FALSE);
    GSource *source = g_idle_source_new();
    g_source_set_callback(source, stop, loop, NULL);
    g_source_attach(source, context);
    g_source_unref(source);
    g_main_loop_run(loop);
    if (!bug)
        g_main_loop_unref(loop);
    g_main_context_unref(context);
}

static void give_away(gboolean bug)
{
    GByteArray *array = g_byte_array_new();
    g_byte_array_append(array, (const guint8 *)"abc", 3);
    GBytes *bytes = g_byte_array_free_to_bytes(array);
    gsize size;
    if (!bug)
        g_free(g_bytes_unref_to_data(bytes, &size));
}

int main(int argc, char **argv)
{
    const char *bug = argc > 1 ? argv[1] : "none";
    int n = argc > 2 ? atoi(argv[2]) : 7;
    ShopCart *cart = g_object_new(SHOP_TYPE_CART, NULL);
    g_signal_connect(cart, "changed", G_CALLBACK(on_changed), NULL);
    static const struct {
        const char *name;
        void (*alone)(gboolean bug);
        void (*in_cart)(ShopCart *cart, gboolean bug);
    } parts[] = {
        { "floating", NULL, label_it }, { "cycle", pair_up, NULL },      { "signal", listen_to, NULL },
        { "weak", NULL, watch },        { "variant", count_up, NULL },   { "bytes", read_bytes, NULL },
        { "toggle", toggle, NULL },     { "upgrade", upgrade, NULL },    { "over", prefer, NULL },
        { "table", fill_table, NULL },  { "loop", wait_a_moment, NULL }, { "steal", give_away, NULL },
    };
    for (int i = 0; i < 10 * n; i++) {
        gboolean now = i % 10 == 5;
        sell(cart, now ? 0 : i, now && strcmp(bug, "error") == 0);
        for (guint p = 0; p < G_N_ELEMENTS(parts); p++) {
            gboolean wrong = now && strcmp(bug, parts[p].name) == 0;
            if (parts[p].alone != NULL)
                parts[p].alone(wrong);
            else
                parts[p].in_cart(cart, wrong);
        }
    }
    g_print("sold %u, counted %" G_GUINT64_FORMAT "\n", sold, total);
    g_object_unref(cart);
    return 3;
}
