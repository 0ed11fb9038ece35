/* json_calls.c: the JSON document of a tree of calls, its nodes in the order of a walk. */
#include "calls.h"
#include "json_document.h"

struct writing {
    struct document doc;
    json_t *nodes;
    const struct prof_calls_walk *walk;
    uint64_t whole;
    PROF_VEC(json_int_t) parents; /* by level */
    json_int_t count;
};

static void put_sum(struct document *doc, json_t *object, const struct prof_calls_sum *sum)
{
    static const char *const keys[PROF_CALLS_VALUES] = { "bytes",  "objects", "open", "events", "blocks",
                                                         "allocs", "births",  "refs", "unrefs" };
    for (int i = 0; i < PROF_CALLS_VALUES; i++)
        doc_set(doc, object, keys[i], json_of_number(sum->value[i]));
    doc_set(doc, object, "open_guessed", json_of_number(sum->guessed));
}

static bool put_node(void *ctx, const struct prof_calls_node *node, uint32_t level, bool last, uint64_t trunks)
{
    struct writing *w = ctx;
    struct document *doc = &w->doc;
    json_t *object = json_object(), *self = json_object();
    uint64_t value = node->sum.value[w->walk->by];
    (void)last;
    (void)trunks;
    w->parents.count = level;
    doc_set(doc, object, "id", json_integer(w->count));
    doc_set(doc, object, "parent", level > 0 ? json_integer(w->parents.items[level - 1]) : json_null());
    doc_set(doc, object, "depth", json_of_number(level));
    doc_set(doc, object, "name", json_of_text(node->name));
    if (node->frame != NULL)
        doc_frame(doc, object, node->frame);
    doc_set(doc, object, "lines", json_of_number(node->lines));
    doc_set(doc, object, "recursive", json_boolean(node->recursive));
    doc_set(doc, object, "inlined", json_boolean(node->inlined));
    doc_set(doc, object, "share", w->whole > 0 ? json_of_real((double)value / (double)w->whole) : json_null());
    put_sum(doc, object, &node->sum);
    put_sum(doc, self, &node->self);
    doc_set(doc, object, "self", self);
    doc_append(doc, w->nodes, object);
    if (!prof_vec_push(&w->parents, w->count))
        doc->failed = true;
    w->count++;
    return !doc->failed;
}

struct prof_error *prof_json_calls(struct prof_calls *calls, const struct prof_calls_walk *walk, char **ret)
{
    struct writing w = { .walk = walk, .nodes = json_array() };
    struct prof_calls_walk writing = *walk;
    struct prof_calls_node root;
    uint64_t left_out = 0;
    prof_calls_root(calls, &root);
    w.whole = root.sum.value[walk->by];
    writing.each = put_node;
    writing.ctx = &w;
    doc_begin(&w.doc, "calls");
    struct prof_error *error = prof_calls_go(calls, &root, &writing, &left_out);
    prof_vec_deinit(&w.parents);
    doc_set(&w.doc, w.doc.root, "trace", json_of_text(prof_trace_info(prof_heap_trace(calls->view->heap))->path));
    doc_set(&w.doc, w.doc.root, "by", json_string(calls->by_callee ? "callee" : "caller"));
    doc_set(&w.doc, w.doc.root, "sort", json_string(prof_calls_metric_name(walk->by)));
    doc_set(&w.doc, w.doc.root, "lines", json_boolean(calls->lines));
    doc_set(&w.doc, w.doc.root, "left_out", json_of_number(left_out));
    doc_set(&w.doc, w.doc.root, "nodes", w.nodes);
    return doc_end(&w.doc, error, ret);
}
