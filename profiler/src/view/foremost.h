/* foremost.h: what comes first where not all is shown: roots, then what retains most, then as it came. */
#ifndef VIEW_FOREMOST_H
#define VIEW_FOREMOST_H

#include <base/vec.h>
#include <prof/graph.h>

struct foremost {
    uint64_t key; /* what stands at the other end; behind foremost_sort what it was sorted by */
    prof_node node;
    uint32_t index; /* of a link of that node, or of whatever is sorted */
};
struct foremost_list {
    struct foremost *items;
    size_t count, room;
};
/* other: PROF_NODE_NONE a root. false without memory. */
bool foremost_add(struct foremost_list *list, prof_node other, prof_node node, uint32_t index);
/* Makes dominators. */
struct prof_error *foremost_sort(struct foremost_list *list, struct prof_graph *graph);

#endif
