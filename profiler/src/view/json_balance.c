/* json_balance.c: the JSON document of a balance tree, its nodes in the order of a walk. */
#include "json_document.h"

#include <prof/selection.h>

struct prof_error *prof_json_balance(const struct prof_selection *selection, const struct prof_balance *balance,
                                     char **ret)
{
    const struct prof_balance_node *nodes;
    size_t count = prof_balance_nodes(balance, &nodes);
    struct document doc;
    doc_begin(&doc, "balance");
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct prof_balance_node *node = &nodes[i];
        json_t *object = json_object();
        doc_set(&doc, object, "id", json_of_number(i));
        doc_set(&doc, object, "parent", i != 0 ? json_of_number(node->parent) : json_null());
        doc_set(&doc, object, "depth", json_of_number(node->depth));
        if (i != 0)
            doc_frame(&doc, object, node->frame);
        doc_set(&doc, object, "event", json_boolean(node->line));
        doc_set(&doc, object, "leaked", json_of_real(node->leaked));
        doc_set(&doc, object, "freed", json_of_real(node->freed));
        doc_set(&doc, object, "difference", json_of_real(node->difference));
        doc_set(&doc, object, "taken", json_of_real(node->taken));
        doc_set(&doc, object, "given", json_of_real(node->given));
        doc_set(&doc, object, "freed_taken", json_of_real(node->freed_taken));
        doc_set(&doc, object, "freed_given", json_of_real(node->freed_given));
        doc_append(&doc, array, object);
    }
    doc_set(&doc, doc.root, "trace", json_of_text(prof_trace_info(prof_heap_trace(selection->view->heap))->path));
    doc_set(&doc, doc.root, "type", json_of_text(prof_heap_type(selection->view->heap, selection->type)->name));
    doc_set(&doc, doc.root, "objects", json_of_number(prof_balance_objects(balance)));
    doc_set(&doc, doc.root, "skewed", json_of_number(prof_balance_skewed(balance)));
    doc_set(&doc, doc.root, "freed", json_of_number(prof_balance_freed(balance)));
    doc_set(&doc, doc.root, "excluded", json_of_number(prof_balance_excluded(balance)));
    doc_set(&doc, doc.root, "divergence", json_of_number(prof_balance_divergence(balance)));
    doc_set(&doc, doc.root, "nodes", array);
    return doc_finish(&doc, ret);
}
