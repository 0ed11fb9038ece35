/* ahead.h: fetches what a breadth-first walk will look at soon. Where objects lie at random, a walk waits for memory at
 * nearly every step; a queue says early what comes, row by row, edge by edge, mark by mark (Cher, Hosking, Vitek,
 * "Software Prefetching for Mark-Sweep Garbage Collection", 2004). */
#ifndef GRAPH_AHEAD_H
#define GRAPH_AHEAD_H

#include <graph/graph.h>

enum { AHEAD_ROW = 24, AHEAD_EDGE = 16, AHEAD_MARK = 8, AHEAD_ROW_MOST = 8 };

/* marks: by node, `width` bytes each. */
static inline void ahead_fetch(const struct graph *g, const uint32_t *queue, size_t head, size_t tail,
                               const void *marks, size_t width)
{
    if (head + AHEAD_ROW < tail)
        __builtin_prefetch(&g->first[queue[head + AHEAD_ROW]]);
    if (head + AHEAD_EDGE < tail)
        __builtin_prefetch(&g->to[g->first[queue[head + AHEAD_EDGE]]]);
    if (head + AHEAD_MARK < tail) {
        uint32_t v = queue[head + AHEAD_MARK], first = g->first[v], count = g->first[v + 1] - first;
        for (uint32_t i = 0; i < count && i < AHEAD_ROW_MOST; i++)
            __builtin_prefetch((const char *)marks + g->to[first + i] * width, 1);
    }
}

#endif
