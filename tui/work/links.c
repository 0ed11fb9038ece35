/* work/links.c: who refers to a node, to whom it refers: the branches of the viewer's trees; and why it is alive. See
 * work.h. */
#include "internal.h"

#include <string.h>

#include <prof/links.h>

enum { BRANCHES = 200 };

static json_t *node_of(struct prof_graph *graph, prof_node node)
{
    char name[512];
    return node == PROF_NODE_NONE ? json_null() : work_text(prof_node_text(graph, node, name, sizeof name));
}

static json_t *row_of(struct work *work, struct prof_graph *graph, const struct prof_ref *ref)
{
    char site[1024] = "", mark[2] = { prof_link_mark(&ref->link), '\0' };
    json_t *row =
        json_pack("{s:o,s:o,s:o,s:s,s:s,s:I,s:o}", "node", node_of(graph, ref->other), "place", work_text(ref->place),
                  "field", work_text(ref->field), "mark", mark, "kind", prof_link_kind_name(ref->link.kind), "times",
                  (json_int_t)ref->times, "site",
                  work_text(ref->stack != 0 ? prof_view_site(work->view, ref->stack, site, sizeof site) : ""));
    if (ref->other == PROF_NODE_NONE) {
        json_object_set_new(row, "root", json_string(ref->link.gone ? "gone" : prof_root_name(ref->link.root)));
        return row;
    }
    struct prof_refcount count = prof_graph_refcount(graph, ref->other);
    if (prof_graph_obj(graph, ref->other) != 0)
        json_object_set_new(row, "count", json_integer(count.count));
    json_object_set_new(row, "bytes", json_integer((json_int_t)prof_graph_size(graph, ref->other).flat));
    json_object_set_new(row, "retained", json_integer((json_int_t)prof_graph_retained(graph, ref->other)));
    return row;
}

json_t *work_links(struct work *work, const json_t *question, struct prof_error **ret_error)
{
    static const char *const classes[PROF_REF_CLASSES_] = { "counted", "gone", "pointer", "weak" };
    const char *of = work_asked(question, "of");
    struct prof_graph *graph = work_graph(work, ret_error);
    struct prof_refs refs;
    prof_node node = 0;
    bool in = json_is_true(json_object_get(question, "in"));
    if (graph != NULL)
        *ret_error = prof_graph_dominate(graph);
    if (*ret_error == NULL)
        *ret_error = prof_view_find_node(work->view, graph, of != NULL ? of : "", &node);
    if (*ret_error == NULL)
        *ret_error = prof_view_refs(work->view, graph, node, in, BRANCHES, &refs);
    if (*ret_error != NULL)
        return NULL;
    json_t *rows = json_array();
    uint64_t more = 0;
    for (int k = 0; k < PROF_REF_CLASSES_; k++) {
        for (size_t i = 0; i < refs.of[k].count; i++) {
            json_t *row = row_of(work, graph, &refs.of[k].rows[i]);
            json_object_set_new(row, "class", json_string(classes[k]));
            json_array_append_new(rows, row);
        }
        more += refs.of[k].more;
    }
    struct prof_refcount count = prof_graph_refcount(graph, node);
    json_t *self =
        json_pack("{s:o,s:I,s:I,s:I,s:I}", "node", node_of(graph, node), "count", (json_int_t)count.count, "anonymous",
                  (json_int_t)count.anonymous, "bytes", (json_int_t)prof_graph_size(graph, node).flat, "retained",
                  (json_int_t)prof_graph_retained(graph, node));
    const char *unread = prof_graph_unread(graph);
    return json_pack("{s:o,s:o,s:I,s:o}", "self", self, "rows", rows, "more", (json_int_t)more, "unread",
                     unread != NULL ? work_text(unread) : json_null());
}

json_t *work_ways(struct work *work, const json_t *question, struct prof_error **ret_error)
{
    enum { LINKS = 64, MOST = 10000 };
    const char *of = work_asked(question, "of");
    struct prof_graph *graph = work_graph(work, ret_error);
    struct work_told told;
    prof_node node = 0;
    if (graph != NULL)
        *ret_error = prof_view_find_node(work->view, graph, of != NULL ? of : "", &node);
    if (*ret_error != NULL)
        return NULL;
    const struct prof_text *text = work_tell(&told, work, question);
    *ret_error = prof_text_why(text, node, work_asked_all(question) ? MOST : LINKS);
    if (*ret_error != NULL)
        return work_told_not(&told);
    prof_text_graph_notes(text, node);
    return work_told(&told);
}
