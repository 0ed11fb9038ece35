/* foremost.c: what comes first where not all is shown. */
#include "foremost.h"

#include <base/radix.h>

bool foremost_add(struct foremost_list *list, prof_node other, prof_node node, uint32_t index)
{
    struct foremost item = { other, node, index };
    return prof_vec_push(list, item);
}

struct prof_error *foremost_sort(struct foremost_list *list, struct prof_graph *graph)
{
    struct prof_error *error = prof_graph_dominate(graph);
    for (size_t i = 0; i < list->count && error == NULL; i++) {
        prof_node other = (prof_node)list->items[i].key;
        list->items[i].key = other != PROF_NODE_NONE ? UINT64_MAX - prof_graph_retained(graph, other) : 0;
    }
    if (error == NULL && !prof_radix_sort(list->items, list->count, sizeof *list->items))
        error = prof_error_memory();
    return error;
}
