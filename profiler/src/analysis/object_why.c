/* object_why.c: what the object graph says of things that no root leads to: who took the references that nobody owns,
 * and which cycle they hang on. */
#include "object_graph.h"

#include <stdlib.h>

/* ---- References without an owner --------------------------------------------------------------------------------- */

/* What correctly freed objects teach; with memory it was learned already. */
static struct learned *learning(struct prof_graph *g)
{
    if (g->a.hold != NULL)
        return &g->a.hold->learned;
    if (!g->has_learned && !pair_learn(&g->a, &g->learned)) {
        pair_forget(&g->learned);
        g->learned = (struct learned){ 0 };
        return NULL;
    }
    g->has_learned = true;
    return &g->learned;
}

struct prof_error *prof_graph_taken(struct prof_graph *g, prof_node node, const struct prof_taken **ret,
                                    size_t *ret_count)
{
    struct takes takes = { .count = 0 };

    if (node < g->a.n) {
        struct learned *learned = learning(g);
        if (learned == NULL || !adopt_left(&g->a, learned, prof_heap_obj(g->a.heap, node), &takes))
            return prof_error_memory();
    }
    struct prof_taken *list = prof_arena_alloc(&g->out.arena, (takes.count + 1) * sizeof *list);
    if (list == NULL)
        return prof_error_memory();
    for (size_t i = 0; i < takes.count; i++)
        list[i] = (struct prof_taken){ takes.list[i].stack, takes.list[i].left, takes.list[i].birth };
    *ret = list;
    *ret_count = takes.count;
    return NULL;
}

/* ---- Cycles ------------------------------------------------------------------------------------------------------ */

struct loop {
    const struct prof_graph *g;
    struct graph rows;   /* retaining edges, labels are edges of g->to */
    uint8_t *in;         /* by node: it leads to the one asked for */
    uint32_t *queue;     /* those, the nearest first */
    uint32_t *next;      /* by node of these: the edge of g->to that leads nearer, GRAPH_NONE: the one asked for */
    uint32_t *component; /* by node of these */
    uint32_t *scratch;
    size_t count;
};

/* Everything that leads to the node, backwards and breadth first. */
static void gather(struct loop *loop, uint32_t node)
{
    const struct prof_graph *g = loop->g;

    loop->in[node] = 1;
    loop->next[node] = GRAPH_NONE;
    loop->queue[loop->count++] = node;
    for (size_t head = 0; head < loop->count; head++) {
        uint32_t v = loop->queue[head];
        for (uint32_t e = g->from.first[v]; e < g->from.first[v + 1]; e++) {
            uint32_t u = g->from.to[e], out;
            if (u == GRAPH_NONE || loop->in[u] || !label_retains(g, v, g->from.label[e]))
                continue;
            for (out = g->to.first[u]; g->to.to[out] != v || g->to.label[out] != g->from.label[e];)
                out++;
            loop->in[u] = 1;
            loop->next[u] = out;
            loop->queue[loop->count++] = u;
        }
    }
}

/* The nearest node that stands in a cycle, or that nothing leads to. */
static uint32_t nearest_end(const struct loop *loop, bool *ret_cycle)
{
    for (size_t i = 0; i < loop->count; i++) {
        uint32_t v = loop->queue[i];
        bool held = false;
        for (uint32_t e = loop->rows.first[v]; e < loop->rows.first[v + 1]; e++) {
            uint32_t t = loop->rows.to[e];
            if (loop->in[t] && loop->component[t] == loop->component[v]) {
                *ret_cycle = true;
                return v;
            }
        }
        for (uint32_t e = loop->g->from.first[v]; e < loop->g->from.first[v + 1]; e++)
            held = held || (loop->g->from.to[e] != GRAPH_NONE && label_retains(loop->g, v, loop->g->from.label[e]));
        if (!held)
            return v;
    }
    return GRAPH_NONE;
}

/* The links of a cycle through v, then those from v to the node. false without memory. */
static bool tell(const struct loop *loop, uint32_t v, bool cycle, struct prof_link *ret, size_t most, size_t *ret_cycle,
                 size_t *ret_length)
{
    const struct prof_graph *g = loop->g;
    size_t length = 0;

    if (cycle) {
        uint32_t from = v;
        length = graph_cycle(&loop->rows, loop->component, v, loop->scratch, loop->queue, g->a.nodes);
        if (length == 0) // there is one
            return false;
        for (size_t i = 0; i < length; i++) {
            uint32_t e = loop->rows.label[loop->queue[i]];
            if (i < most)
                ret[i] = object_link(g, from, g->to.to[e], g->to.label[e]);
            from = g->to.to[e];
        }
    }
    *ret_cycle = length;
    for (uint32_t e = loop->next[v]; e != GRAPH_NONE; e = loop->next[g->to.to[e]], length++) {
        if (length < most)
            ret[length] = object_link(g, v, g->to.to[e], g->to.label[e]);
        v = g->to.to[e];
    }
    *ret_length = length;
    return true;
}

struct prof_error *prof_graph_loop(struct prof_graph *g, prof_node node, struct prof_link *ret, size_t most,
                                   size_t *ret_cycle, size_t *ret_length)
{
    size_t room = (size_t)g->a.nodes + 1;
    struct loop loop = { .g = g };
    uint32_t components;
    bool cycle = false;

    loop.in = calloc(room, 1);
    loop.queue = malloc(room * sizeof *loop.queue);
    loop.next = malloc(room * sizeof *loop.next);
    loop.component = malloc(room * sizeof *loop.component);
    loop.scratch = malloc(room * sizeof *loop.scratch);
    bool good = loop.in != NULL && loop.queue != NULL && loop.next != NULL && loop.component != NULL &&
                loop.scratch != NULL && object_retaining(g, &loop.rows);
    if (good) {
        gather(&loop, node);
        for (uint32_t v = 0; v < g->a.nodes; v++)
            loop.scratch[v] = GRAPH_NONE;
        good = graph_components(&loop.rows, loop.in, loop.component, &components);
    }
    if (good) {
        uint32_t end = nearest_end(&loop, &cycle);
        good = tell(&loop, end, cycle, ret, most, ret_cycle, ret_length);
    }
    graph_deinit(&loop.rows);
    free(loop.in);
    free(loop.queue);
    free(loop.next);
    free(loop.component);
    free(loop.scratch);
    return good ? NULL : prof_error_memory();
}
