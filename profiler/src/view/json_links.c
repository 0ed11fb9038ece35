/* json_links.c: the JSON documents about one node of the object graph: who refers to it, and why it is alive. */
#include "json_links.h"

#include <string.h>

json_t *doc_address(uint64_t addr)
{
    char text[32];
    return json_string(prof_fmt_addr(text, sizeof text, addr));
}

json_t *doc_node(struct document *doc, struct prof_view *view, struct prof_graph *graph, prof_node node)
{
    if (node == PROF_NODE_NONE)
        return json_null();
    json_t *object = json_object();
    prof_obj_id obj = prof_graph_obj(graph, node);
    prof_block_id block = prof_graph_block(graph, node);
    uint64_t addr = obj != 0 ? prof_heap_obj(view->heap, obj)->addr : prof_heap_block(view->heap, block)->addr;
    doc_set(doc, object, "name", json_of_text(prof_graph_name(graph, node)));
    doc_set(doc, object, "type", json_of_text(prof_graph_kind(graph, node)));
    doc_set(doc, object, "object", obj != 0 ? json_of_number(obj) : json_null());
    doc_set(doc, object, "block", block != 0 ? json_of_number(block) : json_null());
    doc_set(doc, object, "addr", doc_address(addr));
    doc_set(doc, object, "bytes", json_of_number(prof_graph_size(graph, node).flat));
    return object;
}

json_t *doc_link(struct document *doc, struct prof_view *view, struct prof_graph *graph, const struct prof_link *link,
                 uint32_t stack)
{
    json_t *object = json_object();
    char mark[2] = { prof_link_mark(link), '\0' };
    const char *place = link->kind != 0 ? prof_graph_place(graph, link) : NULL;
    const char *field = prof_graph_field(graph, link);
    bool root = link->from == PROF_NODE_NONE && !link->gone && link->root != PROF_ROOT_NONE;
    doc_set(doc, object, "kind", json_string(prof_link_kind_name(link->kind)));
    doc_set(doc, object, "mark", mark[0] != ' ' ? json_string(mark) : json_null());
    doc_set(doc, object, "from", doc_node(doc, view, graph, link->from));
    doc_set(doc, object, "root", root ? json_string(prof_root_name(link->root)) : json_null());
    doc_set(doc, object, "place", json_of_text(place));
    doc_set(doc, object, "field", field != NULL && field[0] != '\0' ? json_of_text(field) : json_null());
    doc_set(doc, object, "at", link->kind != 0 ? doc_address(link->at) : json_null());
    doc_set(doc, object, "interior", json_boolean(link->interior));
    doc_set(doc, object, "to", doc_node(doc, view, graph, link->to));
    doc_set(doc, object, "taken", doc_site(doc, view, stack, true));
    doc_set(doc, object, "tid", link->tid != 0 ? json_of_number(link->tid) : json_null());
    return object;
}

json_t *doc_refcount(struct document *doc, struct prof_graph *graph, prof_node node)
{
    if (prof_graph_obj(graph, node) == 0)
        return json_null();
    struct prof_refcount rc = prof_graph_refcount(graph, node);
    json_t *object = json_object();
    doc_set(doc, object, "count", json_integer(rc.count));
    doc_set(doc, object, "heap", json_integer(rc.heap));
    doc_set(doc, object, "roots", json_integer(rc.roots));
    doc_set(doc, object, "stacks", json_integer(rc.stacks));
    doc_set(doc, object, "gone", json_integer(rc.gone));
    doc_set(doc, object, "anonymous", json_integer(rc.anonymous));
    doc_set(doc, object, "unbacked", json_integer(rc.unbacked));
    doc_set(doc, object, "unaccounted", rc.observed ? json_integer(rc.unaccounted) : json_null());
    return object;
}

static struct prof_error *taken(struct document *doc, struct prof_view *view, struct prof_graph *graph, prof_node node,
                                json_t *into)
{
    const struct prof_taken *list;
    size_t count;
    struct prof_error *error = prof_graph_taken(graph, node, &list, &count);
    if (error != NULL)
        return error;
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *object = list[i].stack != 0 ? doc_site(doc, view, list[i].stack, true) : json_object();
        doc_set(doc, object, "count", json_of_number(list[i].count));
        doc_set(doc, object, "birth", json_boolean(list[i].birth));
        doc_append(doc, array, object);
    }
    doc_set(doc, into, "taken_without_owner", array);
    return NULL;
}

/* ---- refs ---- */

static json_t *list(struct document *doc, struct prof_view *view, struct prof_graph *graph,
                    const struct prof_ref_list *list)
{
    json_t *object = json_object(), *rows = json_array(), *more = json_array();
    for (size_t i = 0; i < list->count; i++) {
        json_t *row = doc_link(doc, view, graph, &list->rows[i].link, list->rows[i].stack);
        doc_set(doc, row, "times", json_of_number(list->rows[i].times));
        doc_append(doc, rows, row);
    }
    for (size_t i = 0; i < list->group_count; i++) {
        json_t *group = json_object();
        doc_set(doc, group, "type", json_of_text(list->groups[i].kind));
        doc_set(doc, group, "field", json_of_text(list->groups[i].field));
        doc_set(doc, group, "times", json_of_number(list->groups[i].times));
        doc_append(doc, more, group);
    }
    doc_set(doc, object, "links", json_of_number(list->links));
    doc_set(doc, object, "rows", rows);
    doc_set(doc, object, "more", more);
    return object;
}

static struct prof_error *direction(struct document *doc, struct prof_view *view, struct prof_graph *graph,
                                    prof_node node, bool in, size_t most)
{
    static const char *const keys[] = { [PROF_REF_COUNTED] = "counted",
                                        [PROF_REF_GONE] = "gone",
                                        [PROF_REF_POINTER] = "pointers",
                                        [PROF_REF_WEAK] = "weak" };
    struct prof_refs refs;
    struct prof_error *error = prof_view_refs(view, graph, node, in, most, &refs);
    if (error != NULL)
        return error;
    json_t *object = json_object();
    for (int c = 0; c < PROF_REF_CLASSES_; c++)
        doc_set(doc, object, keys[c], list(doc, view, graph, &refs.of[c]));
    doc_set(doc, doc->root, in ? "referrers" : "referents", object);
    return NULL;
}

static json_t *way(struct document *doc, struct prof_view *view, struct prof_graph *graph, const struct prof_way *way)
{
    json_t *object = json_object(), *path = json_array();
    for (size_t i = 0; i < way->count; i++)
        doc_append(doc, path, doc_link(doc, view, graph, &way->links[i], way->links[i].stack));
    doc_set(doc, object, "root", way->root != PROF_ROOT_NONE ? json_string(prof_root_name(way->root)) : json_null());
    doc_set(doc, object, "distance", json_of_number(way->count + way->left_out));
    doc_set(doc, object, "path", path);
    doc_set(doc, object, "left_out", json_of_number(way->left_out));
    return object;
}

static void begin(struct document *doc, const char *kind, struct prof_view *view, struct prof_graph *graph,
                  prof_node node)
{
    doc_begin(doc, kind);
    doc_set(doc, doc->root, "object", doc_node(doc, view, graph, node));
    doc_set(doc, doc->root, "memory_not_read", json_of_text(prof_graph_unread(graph)));
    doc_set(doc, doc->root, "examined", json_boolean(prof_graph_examined(graph, node)));
}

struct prof_error *prof_json_refs(struct prof_view *view, struct prof_graph *graph, prof_node node, unsigned parts,
                                  size_t most, char **ret)
{
    enum { PATH_MOST = 64 };
    struct document doc;
    struct prof_ways why;
    struct prof_error *error = NULL;
    begin(&doc, "refs", view, graph, node);
    doc_set(&doc, doc.root, "refcount", doc_refcount(&doc, graph, node));
    if ((parts & PROF_REFS_PATH) != 0) {
        error = prof_view_ways(view, graph, node, PATH_MOST, &why);
        if (error == NULL)
            doc_set(&doc, doc.root, "nearest", why.way_count != 0 ? way(&doc, view, graph, &why.ways[0]) : json_null());
    }
    if (error == NULL && (parts & PROF_REFS_IN) != 0)
        error = direction(&doc, view, graph, node, true, most);
    if (error == NULL && (parts & PROF_REFS_IN) != 0)
        error = taken(&doc, view, graph, node, doc.root);
    if (error == NULL && (parts & PROF_REFS_OUT) != 0)
        error = direction(&doc, view, graph, node, false, most);
    if (error == NULL && (parts & PROF_REFS_OPEN) != 0)
        error = doc_open(&doc, view, prof_graph_obj(graph, node));
    return doc_end(&doc, error, ret);
}

/* ---- why ---- */

struct prof_error *prof_json_why(struct prof_view *view, struct prof_graph *graph, prof_node node, size_t most,
                                 char **ret)
{
    struct document doc;
    struct prof_ways why;
    uint64_t others = 0;
    struct prof_error *error = prof_view_ways(view, graph, node, most, &why);
    if (error == NULL)
        error = prof_view_other_ways(graph, node, &why, &others);
    if (error != NULL)
        return error;
    begin(&doc, "why", view, graph, node);
    json_t *ways = json_array();
    for (size_t i = 0; i < why.way_count && error == NULL; i++) {
        json_t *object = way(&doc, view, graph, &why.ways[i]);
        if (why.ways[i].root == PROF_ROOT_NONE)
            error = taken(&doc, view, graph, why.ways[i].links[0].to, object);
        doc_append(&doc, ways, object);
    }
    doc_set(&doc, doc.root, "alive", json_boolean(why.way_count != 0));
    doc_set(&doc, doc.root, "ways", ways);
    doc_set(&doc, doc.root, "other_ways", json_of_number(others));
    json_t *loop = json_null();
    if (why.way_count == 0) {
        loop = way(&doc, view, graph, &why.loop);
        doc_set(&doc, loop, "cycle", json_of_number(why.loop_cycle));
    }
    doc_set(&doc, doc.root, "hangs_on", loop);
    return doc_end(&doc, error, ret);
}
