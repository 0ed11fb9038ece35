/* rows.c: compressed rows, sorted by holder and backwards. */
#include <graph/graph.h>

#include <stdlib.h>

#include <base/large.h>

bool graph_alloc(struct graph *graph, uint32_t n, size_t count)
{
    struct graph g = { .n = n };

    if (count >= GRAPH_NONE)
        return false;
    g.first = prof_large_calloc((size_t)n + 2, sizeof *g.first);
    g.to = prof_large_malloc(count + 1, sizeof *g.to);
    g.label = prof_large_malloc(count + 1, sizeof *g.label);
    if (g.first == NULL || g.to == NULL || g.label == NULL) {
        graph_deinit(&g);
        return false;
    }
    *graph = g;
    return true;
}

// Counting sort: first[v + 2] counts, its running sum is the start, and placing an edge moves the start to the end.
void graph_rows(struct graph *graph)
{
    for (uint32_t v = 0; v < graph->n; v++)
        graph->first[v + 2] += graph->first[v + 1];
}

bool graph_init(struct graph *graph, uint32_t n, const struct graph_edge *edges, size_t count)
{
    struct graph g;

    if (!graph_alloc(&g, n, count))
        return false;
    for (size_t i = 0; i < count; i++)
        graph_count(&g, edges[i].from);
    graph_rows(&g);
    for (size_t i = 0; i < count; i++)
        graph_put(&g, edges[i].from, edges[i].to, edges[i].label);
    *graph = g;
    return true;
}

void graph_deinit(struct graph *graph)
{
    free(graph->first);
    free(graph->to);
    free(graph->label);
    *graph = (struct graph){ 0 };
}
