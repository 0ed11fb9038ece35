/* dominate.c: immediate dominators by Semi-NCA, and what they retain. */
#include <graph/dominate.h>

#include <stdlib.h>
#include <string.h>

#include <base/large.h>

/* How far ahead what lies at random is fetched: nodes by number, and edges. */
enum { AHEAD_NODE = 24, AHEAD_ROW = 16, AHEAD_NUMBER = 8, AHEAD_PLACE = 4, AHEAD_HOLDER = 32, AHEAD_RETAINED = 16 };

/* Two that are needed together, in one line of the cache. */
struct pair {
    uint32_t up;   /* walk: next edge; path compression: an ancestor; dominators: jump pointer */
    uint32_t best; /* walk: end of the row; the least semidominator on the way to `up`; depth */
};
/* Nodes are called by their number in the depth-first walk; 0 stands for all roots together, real nodes are 1..k. */
struct work {
    const struct graph *graph;
    uint32_t k;
    size_t edges;     /* that the walk went along */
    uint32_t *number; /* by node, 0 not reached */
    uint32_t *node;   /* by number, and so the following */
    uint32_t *parent; /* in the tree of the walk; later the immediate dominator */
    uint32_t *semi;   /* semidominator */
    struct pair *pair;
    uint32_t *first, *holders; /* rows backwards, among numbers */
    uint32_t *stack;
};

static void work_deinit(struct work *w)
{
    void *arrays[] = { w->number, w->node, w->parent, w->semi, w->pair, w->first, w->holders, w->stack };
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        free(arrays[i]);
}

static void enter(struct work *w, uint32_t v, uint32_t parent)
{
    const struct graph *g = w->graph;
    struct pair row = { g->first[v], g->first[v + 1] };

    for (uint32_t e = row.up; e < row.best && e - row.up < AHEAD_NUMBER; e++) {
        __builtin_prefetch(&w->number[g->to[e]], 1);
        __builtin_prefetch(&g->first[g->to[e]]);
    }
    w->number[v] = ++w->k;
    w->node[w->k] = v;
    w->parent[w->k] = parent;
    w->pair[w->k] = row;
    w->edges += row.best - row.up;
}

/* Also counts who is held how often, while the numbers are at hand. */
static void walk(struct work *w, uint32_t root)
{
    if (w->number[root] != 0)
        return;
    enter(w, root, 0);
    for (uint32_t at = w->k; at != 0;) {
        struct pair *row = &w->pair[at];
        if (row->up == row->best) {
            at = w->parent[at];
            continue;
        }
        uint32_t t = w->graph->to[row->up++];
        if (w->number[t] == 0) {
            enter(w, t, at);
            at = w->k;
        }
        w->first[w->number[t] + 2]++;
    }
}

/* Roots for what is not reached: the first node of each component that no other one holds. */
static bool attach_rest(struct work *w, const uint8_t *attach, bool *is_root)
{
    const struct graph *g = w->graph;
    uint32_t count = 0;
    uint8_t *rest = calloc((size_t)g->n + 1, 1);
    uint32_t *component = malloc(((size_t)g->n + 1) * sizeof *component);
    uint8_t *held = NULL;
    bool good = rest != NULL && component != NULL;

    for (uint32_t v = 0; good && v < g->n; v++)
        rest[v] = attach[v] != 0 && w->number[v] == 0;
    good = good && graph_components(g, rest, component, &count) && (held = calloc((size_t)count + 1, 1)) != NULL;
    for (uint32_t v = 0; good && v < g->n; v++) {
        for (uint32_t e = g->first[v]; rest[v] && e < g->first[v + 1]; e++) {
            uint32_t t = g->to[e];
            if (rest[t] && component[t] != component[v])
                held[component[t]] = 1;
        }
    }
    for (uint32_t v = 0; good && v < g->n; v++) {
        if (rest[v] && !held[component[v]]) {
            held[component[v]] = 1; // only its first node
            is_root[v] = true;
            walk(w, v);
        }
    }
    free(rest);
    free(component);
    free(held);
    return good;
}

/* What the filling of rows will look at soon. */
static void fetch_ahead(const struct work *w, uint32_t at)
{
    const struct graph *g = w->graph;

    if (at + AHEAD_NODE <= w->k)
        __builtin_prefetch(&g->first[w->node[at + AHEAD_NODE]]);
    if (at + AHEAD_ROW <= w->k)
        __builtin_prefetch(&g->to[g->first[w->node[at + AHEAD_ROW]]]);
    for (uint32_t far = AHEAD_NUMBER; far >= AHEAD_PLACE && at + far <= w->k; far -= AHEAD_NUMBER - AHEAD_PLACE) {
        uint32_t v = w->node[at + far], first = g->first[v], count = g->first[v + 1] - first;
        for (uint32_t i = 0; i < count && i < AHEAD_NUMBER; i++) {
            const uint32_t *number = &w->number[g->to[first + i]];
            __builtin_prefetch(far == AHEAD_NUMBER ? number : &w->first[*number + 1]);
        }
    }
}

/* Who holds whom, backwards. Sorted by holder, so that the least one comes first. */
static bool turn_around(struct work *w, const bool *is_root)
{
    const struct graph *g = w->graph;
    size_t edges = w->edges;

    for (uint32_t at = 1; at <= w->k; at++) {
        w->first[at + 2] += is_root[w->node[at]];
        edges += is_root[w->node[at]];
    }
    if (edges >= GRAPH_NONE || (w->holders = prof_large_malloc(edges + 1, sizeof *w->holders)) == NULL)
        return false;
    for (uint32_t at = 0; at <= w->k; at++)
        w->first[at + 2] += w->first[at + 1];
    for (uint32_t at = 1; at <= w->k; at++)
        if (is_root[w->node[at]])
            w->holders[w->first[at + 1]++] = 0;
    for (uint32_t at = 1; at <= w->k; at++) {
        fetch_ahead(w, at);
        uint32_t v = w->node[at];
        for (uint32_t e = g->first[v]; e < g->first[v + 1]; e++)
            w->holders[w->first[w->number[g->to[e]] + 1]++] = at;
    }
    return true;
}

/* The least semidominator on the tree path from v up to the nodes that are not linked yet, those up to `last`. */
static uint32_t least(struct work *w, uint32_t v, uint32_t last)
{
    struct pair *pair = w->pair;
    uint32_t depth = 0;

    for (uint32_t u = v; pair[u].up > last; u = pair[u].up)
        w->stack[depth++] = u;
    while (depth > 0) {
        struct pair *u = &pair[w->stack[--depth]], *over = &pair[u->up];
        if (over->best < u->best)
            u->best = over->best;
        u->up = over->up;
    }
    return pair[v].best;
}

static void semidominators(struct work *w)
{
    for (uint32_t at = 0; at <= w->k; at++)
        w->pair[at].up = w->parent[at];
    for (uint32_t at = w->k; at > 0; at--) {
        uint32_t found = w->parent[at];
        for (uint32_t i = w->first[at]; i < w->first[at + 1]; i++) {
            if (i >= AHEAD_HOLDER) // rows come backwards
                __builtin_prefetch(&w->pair[w->holders[i - AHEAD_HOLDER]]);
            uint32_t v = w->holders[i];
            uint32_t by = v > at ? least(w, v, at) : v;
            if (by < found)
                found = by;
        }
        w->semi[at] = w->pair[at].best = found;
    }
}

/* The dominator of a node is the nearest dominator of its parent (or the parent) that is not below its semidominator.
 * Pairs serve as jump pointers and depths of the tree that grows here. */
static void dominators(struct work *w)
{
    uint32_t *dominator = w->parent;
    struct pair *pair = w->pair;

    pair[0] = (struct pair){ 0, 0 };
    for (uint32_t at = 1; at <= w->k; at++) {
        uint32_t d = w->parent[at], semi = w->semi[at];
        while (d > semi)
            d = pair[d].up > semi ? pair[d].up : dominator[d];
        dominator[at] = d;
        struct pair over = pair[d], jump = pair[over.up];
        bool longer = over.best - jump.best == jump.best - pair[jump.up].best;
        pair[at] = (struct pair){ longer ? jump.up : d, over.best + 1 };
    }
}

bool graph_dominate(const struct graph *graph, const uint32_t *roots, size_t root_count, const uint8_t *attach,
                    struct graph_dominators *ret)
{
    size_t room = (size_t)graph->n + 1;
    struct work w = { .graph = graph };
    struct graph_dominators d = { .n = graph->n };
    bool *is_root = calloc(room, sizeof *is_root);

    w.number = prof_large_calloc(room, sizeof *w.number);
    w.node = prof_large_malloc(room, sizeof *w.node);
    w.parent = prof_large_malloc(room, sizeof *w.parent);
    w.pair = prof_large_malloc(room, sizeof *w.pair);
    w.first = prof_large_calloc(room + 2, sizeof *w.first);
    bool good =
        is_root != NULL && w.number != NULL && w.node != NULL && w.parent != NULL && w.pair != NULL && w.first != NULL;
    if (good) {
        w.parent[0] = 0;
        for (size_t i = 0; i < root_count; i++) {
            is_root[roots[i]] = true;
            walk(&w, roots[i]);
        }
        uint32_t reached = w.k;
        good = attach == NULL || w.k == graph->n || attach_rest(&w, attach, is_root);
        d.attached = w.k - reached;
    }
    room = (size_t)w.k + 1;
    if (good) {
        w.semi = prof_large_malloc(room, sizeof *w.semi);
        w.stack = prof_large_malloc(room, sizeof *w.stack);
        d.dominator = prof_large_malloc((size_t)graph->n + 1, sizeof *d.dominator);
        good = w.semi != NULL && w.stack != NULL && d.dominator != NULL && turn_around(&w, is_root);
    }
    free(is_root);
    if (!good) {
        graph_dominators_deinit(&d);
        work_deinit(&w);
        return false;
    }
    semidominators(&w);
    dominators(&w);
    memset(d.dominator, 0xff, (size_t)graph->n * sizeof *d.dominator); // GRAPH_NONE
    for (uint32_t at = 1; at <= w.k; at++)
        d.dominator[w.node[at]] = w.parent[at] == 0 ? graph->n : w.node[w.parent[at]];
    d.count = w.k;
    memmove(w.node, w.node + 1, w.k * sizeof *w.node); // a walk meets dominators before what they dominate
    d.order = w.node;
    w.node = NULL;
    work_deinit(&w);
    *ret = d;
    return true;
}

void graph_dominators_deinit(struct graph_dominators *dominators)
{
    free(dominators->dominator);
    free(dominators->order);
    *dominators = (struct graph_dominators){ 0 };
}

void graph_retained(const struct graph_dominators *dominators, const uint64_t *size, uint64_t *ret)
{
    memset(ret, 0, ((size_t)dominators->n + 1) * sizeof *ret);
    for (uint32_t i = dominators->count; i-- > 0;) {
        if (i >= AHEAD_RETAINED) {
            uint32_t ahead = dominators->order[i - AHEAD_RETAINED];
            __builtin_prefetch(&ret[ahead], 1);
            __builtin_prefetch(&size[ahead]);
            __builtin_prefetch(&dominators->dominator[ahead]);
        }
        uint32_t v = dominators->order[i];
        uint64_t *over = &ret[dominators->dominator[v]];
        if (__builtin_add_overflow(ret[v], size[v], &ret[v]))
            ret[v] = UINT64_MAX;
        if (__builtin_add_overflow(*over, ret[v], over))
            *over = UINT64_MAX;
    }
}

bool graph_dominated(const struct graph_dominators *dominators, struct graph *ret)
{
    struct graph tree;

    if (!graph_alloc(&tree, dominators->n + 1, dominators->count))
        return false;
    for (uint32_t i = 0; i < dominators->count; i++)
        graph_count(&tree, dominators->dominator[dominators->order[i]]);
    graph_rows(&tree);
    for (uint32_t i = 0; i < dominators->count; i++)
        graph_put(&tree, dominators->dominator[dominators->order[i]], dominators->order[i], 0);
    *ret = tree;
    return true;
}
