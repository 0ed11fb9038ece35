/* object_path.c: distances and shortest paths from each kind of root, along links that keep alive. */
#include "object_graph.h"

#include <stdlib.h>

/* Does a root of this kind hold the node directly? ret: the label of the link, 0: references without an owner, or it is
 * kept on purpose. */
static bool held_directly(const struct prof_graph *g, enum prof_root_kind kind, uint32_t v, uint32_t *ret)
{
    *ret = 0;
    if (kind == PROF_ROOT_NONE)
        return g->unowned[v] > 0;
    if (kind == PROF_ROOT_PURPOSE)
        return (g->flags[v] & NODE_PINNED) != 0;
    if (!(g->flags[v] & NODE_ROOT))
        return false;
    for (uint32_t e = g->from.first[v]; e < g->from.first[v + 1]; e++) {
        if (g->from.to[e] != GRAPH_NONE || !label_retains(g, v, g->from.label[e]))
            continue;
        struct prof_link link = object_link(g, GRAPH_NONE, v, g->from.label[e]);
        if (link.gone || link.root != kind)
            continue;
        *ret = g->from.label[e];
        return true;
    }
    return false;
}

static void ways_free(struct object_ways *ways)
{
    if (ways == NULL)
        return;
    free(ways->distance);
    free(ways->parent);
    free(ways->label);
    free(ways);
}

static struct object_ways *ways_create(const struct prof_graph *g)
{
    size_t room = (size_t)g->a.nodes + 1;
    struct object_ways *ways = calloc(1, sizeof *ways);

    if (ways == NULL)
        return NULL;
    ways->distance = malloc(room * sizeof *ways->distance);
    ways->parent = malloc(room * sizeof *ways->parent);
    ways->label = malloc(room * sizeof *ways->label);
    if (ways->distance != NULL && ways->parent != NULL && ways->label != NULL)
        return ways;
    ways_free(ways);
    return NULL;
}

struct prof_error *prof_graph_distances(struct prof_graph *g, enum prof_root_kind kind)
{
    size_t head = 0, tail = 0;

    if (g->ways[kind] != NULL)
        return NULL;
    struct object_ways *ways = ways_create(g);
    uint32_t *queue = malloc(((size_t)g->a.nodes + 1) * sizeof *queue);
    if (ways == NULL || queue == NULL) {
        ways_free(ways);
        free(queue);
        return prof_error_memory();
    }
    for (uint32_t v = 0; v < g->a.nodes; v++) {
        ways->distance[v] = UINT32_MAX;
        if (!(g->flags[v] & NODE_ALIVE) || !held_directly(g, kind, v, &ways->label[v]))
            continue;
        ways->distance[v] = 1;
        ways->parent[v] = GRAPH_NONE;
        queue[tail++] = v;
    }
    while (head < tail) {
        uint32_t v = queue[head++];
        for (uint32_t e = g->to.first[v]; e < g->to.first[v + 1]; e++) {
            uint32_t t = g->to.to[e];
            if (ways->distance[t] != UINT32_MAX || !label_retains(g, t, g->to.label[e]))
                continue;
            ways->distance[t] = ways->distance[v] + 1;
            ways->parent[t] = v;
            ways->label[t] = g->to.label[e];
            queue[tail++] = t;
        }
    }
    free(queue);
    g->ways[kind] = ways;
    return NULL;
}

uint32_t prof_graph_distance(const struct prof_graph *g, enum prof_root_kind kind, prof_node node)
{
    return g->ways[kind] != NULL ? g->ways[kind]->distance[node] : UINT32_MAX;
}

size_t prof_graph_path(const struct prof_graph *g, enum prof_root_kind kind, prof_node node, struct prof_link *ret,
                       size_t most)
{
    const struct object_ways *ways = g->ways[kind];
    uint32_t length = prof_graph_distance(g, kind, node), v = node;

    if (length == UINT32_MAX)
        return 0;
    size_t left_out = length > most ? length - most : 0, first = left_out > 0 ? most / 2 : 0;
    for (size_t at = length; at > 0; v = ways->parent[v]) {
        at--;
        if (at >= first && at < first + left_out)
            continue;
        struct prof_link *link = &ret[at < first ? at : at - left_out];
        if (ways->label[v] != 0)
            *link = object_link(g, ways->parent[v], v, ways->label[v]);
        else
            *link = (struct prof_link){ .from = PROF_NODE_NONE, .to = v, .root = kind, .word = UINT32_MAX };
    }
    return length;
}

void object_ways_deinit(struct prof_graph *g)
{
    for (int kind = 0; kind < PROF_ROOT_COUNT_; kind++) {
        ways_free(g->ways[kind]);
        g->ways[kind] = NULL;
    }
}
