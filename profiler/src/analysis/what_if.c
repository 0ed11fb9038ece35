/* what_if.c: what would be freed if references of what leaks did not count; what each cause keeps alive alone. */
#include "what_if.h"

#include <stdlib.h>

#include <graph/dominate.h>

#include "group.h"
#include "hold.h"

static bool is_leaked(const struct analysis *a, uint32_t node)
{
    return a->fate[node] == FATE_LEAKED;
}

/* Blocks that point at each other stand for one another: representative[v] is the first of them, v itself else. */
static bool join_blocks(const struct analysis *a, uint32_t *representative)
{
    uint8_t *in = calloc((size_t)a->nodes + 1, 1);
    uint32_t *first = NULL, count;
    bool good = in != NULL;

    for (uint32_t v = 0; v < a->nodes; v++)
        representative[v] = v;
    for (uint32_t v = a->n; good && v < a->nodes; v++)
        in[v] = is_leaked(a, v);
    uint32_t *component = good ? malloc(((size_t)a->nodes + 1) * sizeof *component) : NULL;
    good = component != NULL && graph_components(&a->graph, in, component, &count) &&
           (first = malloc(((size_t)count + 1) * sizeof *first)) != NULL;
    for (uint32_t c = 0; good && c < count; c++)
        first[c] = GRAPH_NONE;
    for (uint32_t v = a->n; good && v < a->nodes; v++) {
        if (!in[v])
            continue;
        uint32_t *to = &first[component[v]];
        if (*to == GRAPH_NONE)
            *to = v;
        representative[v] = *to;
    }
    free(in);
    free(component);
    free(first);
    return good;
}

static void number(struct analysis *a, struct what_if *w, const uint32_t *representative)
{
    uint32_t n = 0;

    for (uint32_t v = 0; v < a->nodes; v++) {
        w->index[v] = GRAPH_NONE;
        if (is_leaked(a, v)) // a representative is the first of its blocks
            w->index[v] = representative[v] == v ? n++ : w->index[representative[v]];
    }
    w->graph.n = n;
}

int32_t what_if_count(const struct analysis *a, prof_obj_id id)
{
    int64_t count = prof_heap_obj(a->heap, id)->count;

    if (a->hold != NULL && a->hold->facts[id].counted)
        count += a->hold->facts[id].unaccounted;
    return count > INT32_MAX ? INT32_MAX : count < 0 ? 0 : (int32_t)count;
}

static bool make_nodes(struct analysis *a, struct what_if *w)
{
    size_t n = (size_t)w->graph.n + 1;

    w->count = calloc(n, sizeof *w->count);
    w->flags = calloc(n, 1);
    w->scratch = calloc(n, sizeof *w->scratch);
    w->bytes = calloc(n, sizeof *w->bytes);
    w->objects = calloc(n, sizeof *w->objects);
    w->retained = calloc(n, sizeof *w->retained);
    w->retained_objects = calloc(n, sizeof *w->retained_objects);
    w->node = calloc(n, sizeof *w->node);
    if (w->node == NULL || w->count == NULL || w->flags == NULL || w->scratch == NULL || w->bytes == NULL ||
        w->objects == NULL || w->retained == NULL || w->retained_objects == NULL)
        return false;
    for (uint32_t v = 0; v < a->nodes; v++) {
        uint32_t at = w->index[v];
        if (at == GRAPH_NONE)
            continue;
        w->node[at] = v; // of blocks the last one: nobody asks for them
        if (v < a->n) {
            w->count[at] = what_if_count(a, v);
            w->objects[at] = 1;
            w->bytes[at] = group_bytes(a, prof_heap_obj(a->heap, v));
        } else {
            w->bytes[at] += prof_heap_block(a->heap, v - a->n)->size;
        }
    }
    return true;
}

/* Calls each edge between leaked nodes; pointers inside of joined blocks hold nothing. */
static void each_edge(const struct analysis *a, struct what_if *w, void (*each)(struct what_if *, uint32_t, uint32_t))
{
    for (uint32_t v = 0; v < a->nodes; v++) {
        uint32_t from = w->index[v];
        if (from == GRAPH_NONE)
            continue;
        for (uint32_t e = a->graph.first[v]; e < a->graph.first[v + 1]; e++) {
            uint32_t to = w->index[a->graph.to[e]];
            if (to != GRAPH_NONE && (to != from || v < a->n))
                each(w, from, to);
        }
    }
}

static void one_more(struct what_if *w, uint32_t from, uint32_t to)
{
    (void)from;
    w->budget++; // counts all edges first
    w->count[to] += w->objects[to] == 0;
}

static void note_edge(struct what_if *w, uint32_t from, uint32_t to)
{
    (void)to;
    graph_count(&w->graph, from);
}

static void put_edge(struct what_if *w, uint32_t from, uint32_t to)
{
    graph_put(&w->graph, from, to, 0);
}

static bool make_edges(struct analysis *a, struct what_if *w)
{
    uint32_t n = w->graph.n;

    each_edge(a, w, one_more);
    if (!graph_alloc(&w->graph, n, w->budget))
        return false;
    each_edge(a, w, note_edge);
    graph_rows(&w->graph);
    each_edge(a, w, put_edge);
    return true;
}

/* The tree of dominators hangs on the causes: what several of them keep alive belongs to none. */
static bool retain(struct analysis *a, struct what_if *w)
{
    struct graph_dominators dominators;
    uint32_t *roots = malloc(((size_t)w->graph.n + 1) * sizeof *roots);
    size_t count = 0;

    for (uint32_t v = 0; roots != NULL && v < a->n; v++) {
        if (w->index[v] != GRAPH_NONE && a->root[v] == v)
            roots[count++] = w->index[v];
    }
    bool good = roots != NULL && graph_dominate(&w->graph, roots, count, NULL, &dominators);
    free(roots);
    if (!good)
        return false;
    graph_retained(&dominators, w->bytes, w->retained);
    graph_retained(&dominators, w->objects, w->retained_objects);
    graph_dominators_deinit(&dominators);
    return true;
}

struct what_if *what_if_of(struct analysis *a)
{
    if (a->what_if != NULL)
        return a->what_if;
    struct what_if *w = calloc(1, sizeof *w);
    uint32_t *representative = malloc(((size_t)a->nodes + 1) * sizeof *representative);
    bool good = w != NULL && representative != NULL &&
                (w->index = calloc((size_t)a->nodes + 1, sizeof *w->index)) != NULL && join_blocks(a, representative);
    if (good) {
        number(a, w, representative);
        good = make_nodes(a, w) && make_edges(a, w) && retain(a, w);
    }
    free(representative);
    if (!good) {
        what_if_free(w);
        return NULL;
    }
    w->budget = 16 * (w->graph.n + w->budget) + 1000000;
    a->what_if = w;
    return w;
}

void what_if_free(struct what_if *w)
{
    if (w == NULL)
        return;
    graph_deinit(&w->graph);
    free(w->index);
    free(w->node);
    free(w->count);
    free(w->flags);
    free(w->bytes);
    free(w->objects);
    free(w->retained);
    free(w->retained_objects);
    free(w->scratch);
    free(w->fall.died);
    free(w);
}

bool what_if_drop(struct what_if *w, const uint32_t *drop, size_t count, uint64_t *ret_objects, uint64_t *ret_bytes)
{
    uint64_t objects = 0, bytes = 0, work = count;

    if (!trial_what_if(&w->graph, w->count, w->flags, drop, count, w->scratch, &w->fall))
        return false;
    for (uint32_t i = 0; i < w->fall.count; i++) {
        uint32_t v = w->fall.died[i];
        objects += w->objects[v];
        bytes += w->bytes[v];
        work += 1 + w->graph.first[v + 1] - w->graph.first[v];
    }
    w->budget -= work < w->budget ? work : w->budget;
    *ret_objects = objects;
    *ret_bytes = bytes;
    return true;
}
