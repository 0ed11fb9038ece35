/* Programs that count references and tell no slot: `slotless NAME`. Each is a small piece of ordinary C with, or
 * without, one mistake; slotless.py knows what should be said about it.
 *
 * Pointers that a mistake should lose are wiped from the stack, as far as callees left any. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <track/track.h>

#define OUT __attribute__((noinline))

struct object {
    int refs;
    void (*destroy)(struct object *object);
};

OUT static void wipe(void)
{
    volatile char room[16384];
    for (size_t i = 0; i < sizeof room; i++)
        room[i] = 0;
}

static TRK_WRAPPER void *object_new(struct trk_type *type, size_t size, void (*destroy)(struct object *object))
{
    struct object *object = calloc(1, size);
    if (object == NULL)
        abort();
    object->refs = 1;
    object->destroy = destroy;
    trk_new(object, type);
    return object;
}

static TRK_WRAPPER void *ref(void *of)
{
    struct object *object = of;
    object->refs++;
    trk_ref(object, NULL);
    return object;
}

static TRK_WRAPPER void unref(void *of)
{
    struct object *object = of;
    trk_unref(object, NULL);
    if (--object->refs == 0) {
        object->destroy(object);
        trk_del(object);
        free(object);
    }
}

/* ---- Parents and children ---------------------------------------------------------------------------------------- */

struct child {
    struct object object;
    struct parent *parent; /* counted when the case says so */
    int counted;
};
struct parent {
    struct object object;
    struct child *child;
    char name[32];
};
static TRK_TYPE_COUNTED(parent_type, struct parent, object.refs);
static TRK_TYPE_COUNTED(child_type, struct child, object.refs);

static void child_destroy(struct object *object)
{
    struct child *child = (struct child *)object;
    if (child->counted && child->parent != NULL)
        unref(child->parent);
}

static void parent_destroy(struct object *object)
{
    struct parent *parent = (struct parent *)object;
    if (parent->child != NULL)
        unref(parent->child);
}

OUT static struct parent *parent_new(void)
{
    return object_new(&parent_type, sizeof(struct parent), parent_destroy);
}

OUT static void parent_adopt(struct parent *parent, int counted)
{
    struct child *child = object_new(&child_type, sizeof *child, child_destroy);
    child->counted = counted;
    child->parent = counted ? ref(parent) : parent;
    parent->child = child;
}

OUT static void parent_disband(struct parent *parent)
{
    struct child *child = parent->child;
    parent->child = NULL;
    unref(child);
}

/* The child counts its parent and nobody parts them. */
OUT static void parent_child(void)
{
    for (int i = 0; i < 4; i++) {
        struct parent *parent = parent_new();
        parent_adopt(parent, 1);
        unref(parent);
    }
}

/* The same, parted as it should be. */
OUT static void parent_child_parted(void)
{
    for (int i = 0; i < 4; i++) {
        struct parent *parent = parent_new();
        parent_adopt(parent, 1);
        parent_disband(parent);
        unref(parent);
    }
}

/* The child borrows; the program forgets the parent. */
OUT static void parent_forgotten(void)
{
    struct parent *parent = parent_new();
    parent_adopt(parent, 0);
}

/* ---- Lists ------------------------------------------------------------------------------------------------------- */

struct node {
    struct object object;
    struct node *next;
    int value;
};
static TRK_TYPE_COUNTED(node_type, struct node, object.refs);

static void node_destroy(struct object *object)
{
    struct node *node = (struct node *)object;
    if (node->next != NULL)
        unref(node->next);
}

OUT static struct node *node_new(struct node *next)
{
    struct node *node = object_new(&node_type, sizeof *node, node_destroy);
    node->next = next; // hands its reference over
    return node;
}

OUT static struct node *list_new(int length)
{
    struct node *head = NULL;
    for (int i = 0; i < length; i++)
        head = node_new(head);
    return head;
}

OUT static void list_close(struct node *head)
{
    struct node *last = head;
    while (last->next != NULL)
        last = last->next;
    last->next = ref(head);
}

/* A ring of five, of which the program let go. */
OUT static void list_ring(void)
{
    struct node *head = list_new(5);
    list_close(head);
    unref(head);
}

OUT static void list_forgotten(void)
{
    (void)list_new(5);
}

OUT static void list_handed_over(void)
{
    unref(list_new(5));
}

/* ---- Closures and observers -------------------------------------------------------------------------------------- */

struct closure {
    void (*call)(void *data);
    void *data;
    struct closure *next;
};
struct subject {
    struct object object;
    struct closure *closures;
    int value;
};
static TRK_TYPE_COUNTED(subject_type, struct subject, object.refs);

static void subject_destroy(struct object *object)
{
    struct subject *subject = (struct subject *)object;
    while (subject->closures != NULL) {
        struct closure *closure = subject->closures;
        subject->closures = closure->next;
        unref(closure->data);
        free(closure);
    }
}

static void ignore(void *data)
{
    (void)data;
}

OUT static struct subject *subject_new(void)
{
    return object_new(&subject_type, sizeof(struct subject), subject_destroy);
}

OUT static void subject_connect(struct subject *subject, void *data)
{
    struct closure *closure = calloc(1, sizeof *closure);
    if (closure == NULL)
        abort();
    *closure = (struct closure){ .call = ignore, .data = ref(data), .next = subject->closures };
    subject->closures = closure;
}

/* A callback with its own subject as data. */
OUT static void closure_of_itself(void)
{
    struct subject *subject = subject_new();
    subject_connect(subject, subject);
    unref(subject);
}

/* Two that watch each other. */
OUT static void observers(void)
{
    struct subject *one = subject_new(), *two = subject_new();
    subject_connect(one, two);
    subject_connect(two, one);
    unref(one);
    unref(two);
}

OUT static void observer_freed(void)
{
    struct subject *one = subject_new(), *two = subject_new();
    subject_connect(one, two);
    unref(two);
    unref(one);
}

/* ---- A table in a global ----------------------------------------------------------------------------------------- */

enum { BUCKETS = 8 };
struct entry {
    struct entry *next;
    struct node *value;
};
struct table {
    struct object object;
    struct entry **buckets;
};
static TRK_TYPE_COUNTED(table_type, struct table, object.refs);
static struct table *volatile the_table;

static void table_destroy(struct object *object)
{
    struct table *table = (struct table *)object;
    free(table->buckets);
}

OUT static struct table *table_new(void)
{
    struct table *table = object_new(&table_type, sizeof *table, table_destroy);
    table->buckets = calloc(BUCKETS, sizeof(struct entry *));
    return table;
}

OUT static void table_put(struct table *table, struct node *value)
{
    struct entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL)
        abort();
    struct entry **bucket = &table->buckets[value->value % BUCKETS];
    *entry = (struct entry){ .next = *bucket, .value = ref(value) };
    *bucket = entry;
}

OUT static struct node *table_find(struct table *table, int value)
{
    for (struct entry *entry = table->buckets[value % BUCKETS]; entry != NULL; entry = entry->next) {
        if (entry->value->value == value)
            return ref(entry->value);
    }
    return NULL;
}

OUT static void fill_table(void)
{
    the_table = table_new();
    for (int i = 0; i < 20; i++) {
        struct node *node = node_new(NULL);
        node->value = i;
        table_put(the_table, node);
        unref(node);
    }
}

OUT static void table_held(void)
{
    fill_table();
}

OUT static void table_over_retained(void)
{
    fill_table();
    unref(table_find(the_table, 2));
    (void)table_find(the_table, 3);
}

/* The table itself is forgotten: it is the cause, what it holds is below it. */
OUT static void table_forgotten(void)
{
    fill_table();
    the_table = NULL;
}

/* A reference too many of something that nothing points to any more. */
OUT static void extra_ref(void)
{
    struct node *node = node_new(NULL);
    (void)ref(node);
    unref(node);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } cases[] = {
        { "parent_child", parent_child },
        { "parent_child_parted", parent_child_parted },
        { "parent_forgotten", parent_forgotten },
        { "list_ring", list_ring },
        { "list_forgotten", list_forgotten },
        { "list_handed_over", list_handed_over },
        { "closure_of_itself", closure_of_itself },
        { "observers", observers },
        { "observer_freed", observer_freed },
        { "table_held", table_held },
        { "table_over_retained", table_over_retained },
        { "table_forgotten", table_forgotten },
        { "extra_ref", extra_ref },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (argc == 2 && strcmp(argv[1], cases[i].name) == 0) {
            cases[i].run();
            wipe();
            return 0;
        }
    }
    fprintf(stderr, "slotless: which?\n");
    return 2;
}
