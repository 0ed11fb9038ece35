/* json_picture.c: the JSON document of a part of the object graph. */
#include "json_links.h"

struct prof_error *prof_json_picture(struct prof_view *view, struct prof_graph *graph,
                                     const struct prof_picture *picture, char **ret)
{
    static const char *const kinds[] = {
        [PROF_PICTURE_OBJECT] = "object", [PROF_PICTURE_BLOCK] = "block", [PROF_PICTURE_ROOT] = "root",
        [PROF_PICTURE_GONE] = "gone",     [PROF_PICTURE_MORE] = "more",   [PROF_PICTURE_TYPE] = "type",
    };
    struct document doc;
    doc_begin(&doc, "graph");
    json_t *nodes = json_array(), *edges = json_array();
    for (size_t i = 0; i < picture->node_count && !doc.failed; i++) {
        const struct prof_picture_node *node = &picture->nodes[i];
        json_t *object = json_object();
        doc_set(&doc, object, "id", json_of_number(i));
        doc_set(&doc, object, "kind", json_string(kinds[node->kind]));
        doc_set(&doc, object, "name", json_of_text(node->name));
        doc_set(&doc, object, "object", doc_node(&doc, view, graph, node->node));
        doc_set(&doc, object, "nodes", json_of_number(node->nodes));
        doc_set(&doc, object, "bytes", json_of_number(node->bytes));
        doc_set(&doc, object, "count", node->count >= 0 ? json_integer(node->count) : json_null());
        doc_set(&doc, object, "target", json_boolean(node->target));
        doc_append(&doc, nodes, object);
    }
    for (size_t i = 0; i < picture->edge_count && !doc.failed; i++) {
        const struct prof_picture_edge *edge = &picture->edges[i];
        json_t *object = json_object();
        doc_set(&doc, object, "from", json_of_number(edge->from));
        doc_set(&doc, object, "to", json_of_number(edge->to));
        doc_set(&doc, object, "field", edge->field[0] != '\0' ? json_of_text(edge->field) : json_null());
        doc_set(&doc, object, "kind", json_string(prof_link_kind_name(edge->kind)));
        doc_set(&doc, object, "times", json_of_number(edge->times));
        doc_append(&doc, edges, object);
    }
    doc_set(&doc, doc.root, "memory_not_read", json_of_text(prof_graph_unread(graph)));
    doc_set(&doc, doc.root, "nodes", nodes);
    doc_set(&doc, doc.root, "edges", edges);
    return doc_finish(&doc, ret);
}
