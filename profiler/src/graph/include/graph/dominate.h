/* graph/dominate.h: who keeps whom alive alone. A node is dominated by d when every way from a root to it leads through
 * d; the immediate dominators make a tree, and what a node retains is the sum over its subtree.
 *
 * Semi-NCA (Georgiadis, Tarjan, Werneck, "Finding Dominators in Practice", 2004) on nodes renumbered in the order of a
 * depth-first walk. Its last step climbs by jump pointers (Myers, "An applicative random-access stack", 1983), so that
 * no shape is quadratic: O((n + e) log n), and linear on lists and trees. Nothing recurses. 28 bytes per node and 4 per
 * edge while it works, 8 per node of result. */
#ifndef GRAPH_DOMINATE_H
#define GRAPH_DOMINATE_H

#include <graph/graph.h>

struct graph_dominators {
    uint32_t n;
    uint32_t *dominator; /* by node: immediate dominator, n: none but the roots together, GRAPH_NONE: not reached */
    uint32_t *order;     /* the nodes reached: dominators before what they dominate */
    uint32_t count;      /* entries of order */
    uint32_t attached;   /* of the nodes: those attached, and what hangs on them */
};
/* Roots may repeat. attach (by node, NULL: none): of these, nodes that no root reaches are made reachable: one node of
 * each component that none of the others holds (its first by number) counts as a root, too. false without memory; ret
 * is not touched then. */
bool graph_dominate(const struct graph *graph, const uint32_t *roots, size_t root_count, const uint8_t *attach,
                    struct graph_dominators *ret);
void graph_dominators_deinit(struct graph_dominators *dominators);

/* What each node retains: its own size and that of all it dominates. ret has n + 1 entries; the last is the sum of all
 * nodes reached, entries of others are 0. Sums saturate. */
void graph_retained(const struct graph_dominators *dominators, const uint64_t *size, uint64_t *ret);

/* The tree as rows: children of v, and of n for those without a dominator, in the order of `order`. Labels are unused.
 * false without memory. */
bool graph_dominated(const struct graph_dominators *dominators, struct graph *ret);

#endif
