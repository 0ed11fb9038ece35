/* walk.c: breadth-first marking. */
#include <graph/graph.h>

#include <stdlib.h>

#include <base/large.h>

#include "ahead.h"

bool graph_reach(const struct graph *graph, const uint8_t *in, const uint32_t *seeds, size_t seed_count, uint32_t *from)
{
    uint32_t *queue = prof_large_malloc((size_t)graph->n + 1, sizeof *queue);
    size_t head = 0, tail = 0;

    if (queue == NULL)
        return false;
    for (size_t i = 0; i < seed_count; i++) {
        if (from[seeds[i]] == GRAPH_NONE) {
            from[seeds[i]] = seeds[i];
            queue[tail++] = seeds[i];
        }
    }
    while (head < tail) {
        ahead_fetch(graph, queue, head, tail, from, sizeof *from);
        uint32_t v = queue[head++];
        for (uint32_t e = graph->first[v]; e < graph->first[v + 1]; e++) {
            uint32_t t = graph->to[e];
            if (from[t] == GRAPH_NONE && (in == NULL || in[t])) {
                from[t] = from[v];
                queue[tail++] = t;
            }
        }
    }
    free(queue);
    return true;
}
