/* json_what_if.c: the JSON document of what would be freed if references were gone. */
#include "json_links.h"

struct prof_error *prof_json_what_if(struct prof_view *view, struct prof_graph *graph, const struct prof_what_if *what,
                                     size_t most, char **ret)
{
    const struct prof_fall *fall = &what->fall;
    struct document doc;
    size_t freed = most != 0 && most < fall->count ? most : fall->count;
    size_t left = most != 0 && most < fall->left_count ? most : fall->left_count;
    doc_begin(&doc, "what-if");
    json_t *drops = json_array(), *order = json_array(), *stays = json_array(), *dangling = json_array();
    for (size_t i = 0; i < what->drop_count; i++) {
        const struct prof_drop *drop = &what->drops[i];
        bool all = drop->node != PROF_NODE_NONE;
        json_t *object = all ? json_object() : doc_link(&doc, view, graph, &drop->link, drop->link.stack);
        if (all)
            doc_set(&doc, object, "to", doc_node(&doc, view, graph, drop->node));
        doc_set(&doc, object, "all", json_boolean(all));
        doc_append(&doc, drops, object);
    }
    for (size_t i = 0; i < freed; i++)
        doc_append(&doc, order, doc_node(&doc, view, graph, fall->freed[i]));
    for (size_t i = 0; i < left; i++) {
        json_t *object = json_object();
        doc_set(&doc, object, "object", doc_node(&doc, view, graph, fall->left[i].node));
        doc_set(&doc, object, "before", json_integer(fall->left[i].before));
        doc_set(&doc, object, "after", json_integer(fall->left[i].after));
        doc_append(&doc, stays, object);
    }
    for (size_t i = 0; i < what->dangling_count; i++)
        doc_append(&doc, dangling, doc_link(&doc, view, graph, &what->dangling[i], what->dangling[i].stack));
    const struct doc_number numbers[] = { { "objects", fall->objects },
                                          { "blocks", fall->blocks },
                                          { "bytes", fall->bytes },
                                          { "left_out", fall->count - freed } };
    json_t *sums = doc_numbers(&doc, numbers, sizeof numbers / sizeof *numbers);
    doc_set(&doc, sums, "order", order);
    doc_set(&doc, doc.root, "memory_not_read", json_of_text(prof_graph_unread(graph)));
    doc_set(&doc, doc.root, "drops", drops);
    doc_set(&doc, doc.root, "freed", sums);
    doc_set(&doc, doc.root, "stays", stays);
    doc_set(&doc, doc.root, "stays_all", json_of_number(fall->left_count));
    doc_set(&doc, doc.root, "dangling", dangling);
    doc_set(&doc, doc.root, "dangling_all", json_of_number(what->dangling_all));
    return doc_finish(&doc, ret);
}
