/* graph.h: whole-set passes over "who holds whom", without recursion. Knows numbers only: nodes are 0..n-1, an edge
 * goes from the holder to what it holds and may occur several times. All memory is proportional to nodes plus edges. */
#ifndef GRAPH_GRAPH_H
#define GRAPH_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRAPH_NONE UINT32_MAX

struct graph_edge {
    uint32_t from, to, label;
};
struct graph_edges { /* a vector (base/vec.h), while they are gathered */
    struct graph_edge *items;
    size_t count, room;
};
struct graph {
    uint32_t n;
    uint32_t *first; /* n + 1 entries: edges of v are first[v] .. first[v + 1] - 1 */
    uint32_t *to;
    uint32_t *label; /* the caller's */
};
/* The rows in three steps, for edges that stand in no array: graph_alloc makes room for exactly `count` edges;
 * graph_count for each of them; graph_rows; graph_put for each of them again. Edges of one node keep their order. */
bool graph_alloc(struct graph *graph, uint32_t n, size_t count);
void graph_rows(struct graph *graph);
static inline void graph_count(struct graph *graph, uint32_t from)
{
    graph->first[from + 2]++;
}
static inline void graph_put(struct graph *graph, uint32_t from, uint32_t to, uint32_t label)
{
    uint32_t at = graph->first[from + 1]++;
    graph->to[at] = to;
    graph->label[at] = label;
}

/* Sorts edges by holder; false without memory. Edges out of range must not occur; at most 2^32 - 2 of them. */
bool graph_init(struct graph *graph, uint32_t n, const struct graph_edge *edges, size_t count);
void graph_deinit(struct graph *graph);

/* Walks along edges from the seeds (in their order, breadth first), entering only nodes with in[v] != 0 (NULL: all).
 * from[v] becomes the seed by which v was reached; seeds reach themselves; nodes with from[v] != GRAPH_NONE on entry
 * are not entered again. */
bool graph_reach(const struct graph *graph, const uint8_t *in, const uint32_t *seeds, size_t seed_count,
                 uint32_t *from);

/* Strongly connected components of the nodes with in[v] != 0 (NULL: all): component[v], GRAPH_NONE for the others. A
 * component gets its number before any component that reaches it. */
bool graph_components(const struct graph *graph, const uint8_t *in, uint32_t *component, uint32_t *ret_count);

/* A shortest cycle through `start` that stays in its component: edge indices in order, ret must have room for `most`.
 * Returns its length; 0: none, longer than most, or no memory. `parent` is scratch of n entries, all GRAPH_NONE before
 * and after. */
size_t graph_cycle(const struct graph *graph, const uint32_t *component, uint32_t start, uint32_t *parent,
                   uint32_t *ret, size_t most);

#endif
