/* dominate.c: immediate dominators by Semi-NCA, and what they retain. */
#include <graph/dominate.h>

#include <stdlib.h>
#include <string.h>

/* Nodes are called by their number in the depth-first walk; 0 stands for all roots together, real nodes are 1..k. */
struct work {
    const struct graph *graph;
    uint32_t k;
    uint32_t *number;          /* by node, 0 not reached */
    uint32_t *node;            /* by number */
    uint32_t *parent;          /* in the tree of the walk; later the immediate dominator */
    uint32_t *cursor;          /* the walk: next edge; later the semidominator */
    uint32_t *up, *best;       /* path compression: an ancestor, and the least semidominator on the way to it */
    uint32_t *first, *holders; /* rows backwards, among numbers */
    uint32_t *stack;
};

static void work_deinit(struct work *w)
{
    uint32_t *arrays[] = { w->number, w->node, w->parent, w->cursor, w->up, w->best, w->first, w->holders, w->stack };
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        free(arrays[i]);
}

static void enter(struct work *w, uint32_t v, uint32_t parent)
{
    w->number[v] = ++w->k;
    w->node[w->k] = v;
    w->parent[w->k] = parent;
    w->cursor[w->k] = w->graph->first[v];
}

static void walk(struct work *w, uint32_t root)
{
    const struct graph *g = w->graph;

    if (w->number[root] != 0)
        return;
    enter(w, root, 0);
    for (uint32_t at = w->k; at != 0;) {
        uint32_t v = w->node[at];
        if (w->cursor[at] == g->first[v + 1]) {
            at = w->parent[at];
            continue;
        }
        uint32_t t = g->to[w->cursor[at]++];
        if (w->number[t] == 0) {
            enter(w, t, at);
            at = w->k;
        }
    }
}

/* Roots for what is not reached: the first node of each component that no other one holds. */
static bool attach_rest(struct work *w, const uint8_t *attach, bool *is_root)
{
    const struct graph *g = w->graph;
    uint32_t count = 0;
    uint8_t *rest = malloc((size_t)g->n + 1);
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

/* Who holds whom, backwards. Sorted by holder, so that the least one comes first. */
static bool turn_around(struct work *w, const bool *is_root)
{
    const struct graph *g = w->graph;
    size_t edges = 0;

    w->first = calloc((size_t)w->k + 3, sizeof *w->first);
    if (w->first == NULL)
        return false;
    for (uint32_t at = 1; at <= w->k; at++) {
        uint32_t v = w->node[at];
        edges += g->first[v + 1] - g->first[v] + is_root[v];
        w->first[at + 2] += is_root[v];
        for (uint32_t e = g->first[v]; e < g->first[v + 1]; e++)
            w->first[w->number[g->to[e]] + 2]++;
    }
    if (edges >= GRAPH_NONE || (w->holders = malloc((edges + 1) * sizeof *w->holders)) == NULL)
        return false;
    for (uint32_t at = 0; at <= w->k; at++)
        w->first[at + 2] += w->first[at + 1];
    for (uint32_t at = 1; at <= w->k; at++)
        if (is_root[w->node[at]])
            w->holders[w->first[at + 1]++] = 0;
    for (uint32_t at = 1; at <= w->k; at++) {
        uint32_t v = w->node[at];
        for (uint32_t e = g->first[v]; e < g->first[v + 1]; e++)
            w->holders[w->first[w->number[g->to[e]] + 1]++] = at;
    }
    return true;
}

/* The least semidominator on the tree path from v up to the nodes that are not linked yet, those up to `last`. */
static uint32_t least(struct work *w, uint32_t v, uint32_t last)
{
    uint32_t depth = 0;

    for (uint32_t u = v; w->up[u] > last; u = w->up[u])
        w->stack[depth++] = u;
    while (depth > 0) {
        uint32_t u = w->stack[--depth], over = w->up[u];
        if (w->best[over] < w->best[u])
            w->best[u] = w->best[over];
        w->up[u] = w->up[over];
    }
    return w->best[v];
}

static void semidominators(struct work *w)
{
    uint32_t *semi = w->cursor;

    memcpy(w->up, w->parent, ((size_t)w->k + 1) * sizeof *w->up);
    for (uint32_t at = w->k; at > 0; at--) {
        uint32_t found = w->parent[at];
        for (uint32_t i = w->first[at]; i < w->first[at + 1]; i++) {
            uint32_t v = w->holders[i];
            uint32_t by = v > at ? least(w, v, at) : v;
            if (by < found)
                found = by;
        }
        semi[at] = w->best[at] = found;
    }
}

/* The dominator of a node is the nearest dominator of its parent (or the parent) that is not below its semidominator.
 * up and best serve as jump pointers and depths of the tree that grows here. */
static void dominators(struct work *w)
{
    uint32_t *semi = w->cursor, *dominator = w->parent, *jump = w->up, *depth = w->best;

    jump[0] = depth[0] = 0;
    for (uint32_t at = 1; at <= w->k; at++) {
        uint32_t d = w->parent[at];
        while (d > semi[at])
            d = jump[d] > semi[at] ? jump[d] : dominator[d];
        dominator[at] = d;
        depth[at] = depth[d] + 1;
        uint32_t j = jump[d];
        jump[at] = depth[d] - depth[j] == depth[j] - depth[jump[j]] ? jump[j] : d;
    }
}

bool graph_dominate(const struct graph *graph, const uint32_t *roots, size_t root_count, const uint8_t *attach,
                    struct graph_dominators *ret)
{
    size_t room = (size_t)graph->n + 1;
    struct work w = { .graph = graph };
    struct graph_dominators d = { .n = graph->n };
    bool *is_root = calloc(room, sizeof *is_root);

    w.number = calloc(room, sizeof *w.number);
    w.node = malloc(room * sizeof *w.node);
    w.parent = malloc(room * sizeof *w.parent);
    w.cursor = malloc(room * sizeof *w.cursor);
    bool good = is_root != NULL && w.number != NULL && w.node != NULL && w.parent != NULL && w.cursor != NULL;
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
        w.up = malloc(room * sizeof *w.up);
        w.best = malloc(room * sizeof *w.best);
        w.stack = malloc(room * sizeof *w.stack);
        d.dominator = malloc(((size_t)graph->n + 1) * sizeof *d.dominator);
        good = w.up != NULL && w.best != NULL && w.stack != NULL && d.dominator != NULL && turn_around(&w, is_root);
    }
    free(is_root);
    if (!good) {
        graph_dominators_deinit(&d);
        work_deinit(&w);
        return false;
    }
    semidominators(&w);
    dominators(&w);
    for (uint32_t v = 0; v < graph->n; v++) {
        uint32_t at = w.number[v];
        d.dominator[v] = at == 0 ? GRAPH_NONE : w.parent[at] == 0 ? graph->n : w.node[w.parent[at]];
    }
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
