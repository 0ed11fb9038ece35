/* object_size.c: how large a node is: flat, deep, and what it retains; the tree of dominators. */
#include "object_graph.h"

#include <stdlib.h>
#include <string.h>

#include <prof/block.h>

static uint64_t flat_of(const struct prof_graph *g, uint32_t v)
{
    if (v >= g->a.n)
        return prof_heap_block(g->a.heap, v - g->a.n)->size;
    const struct prof_obj *obj = prof_heap_obj(g->a.heap, v);
    if (obj->size == 0 && obj->block != 0) { // the rest of its block
        const struct prof_block *block = prof_heap_block(g->a.heap, obj->block);
        return obj->start >= block->addr && obj->start - block->addr < block->size
                   ? block->size - (obj->start - block->addr)
                   : 0;
    }
    return obj->size;
}

/* The block that belongs to the node alone, NULL. */
static const struct prof_block *block_of(const struct prof_graph *g, uint32_t v)
{
    if (v >= g->a.n)
        return prof_heap_block(g->a.heap, v - g->a.n);
    const struct prof_obj *obj = prof_heap_obj(g->a.heap, v);
    return obj->block != 0 && obj->next_in_block == 0 && obj->prev_in_block == 0
               ? prof_heap_block(g->a.heap, obj->block)
               : NULL;
}

struct prof_node_size prof_graph_size(struct prof_graph *g, prof_node node)
{
    uint64_t flat = flat_of(g, node);
    struct prof_node_size size = { flat, flat, flat, flat, 1 };
    const struct prof_block *block = block_of(g, node);
    struct prof_block_type type;

    if (block != NULL && block->kind != TRK_ALLOC_MMAP && block->kind != TRK_ALLOC_CUSTOM) {
        size.usable = bytes_usable(block->size);
        size.chunk = bytes_chunk(block->size);
    }
    if (node >= g->a.n && prof_block_type(g->a.heap, g->a.symbols, node - g->a.n, &type) && type.array &&
        type.size > 0 && flat >= type.size) {
        size.item = type.size;
        size.items = flat / type.size;
    }
    return size;
}

/* ---- Everything that it leads to ----------------------------------------------------------------------------------
 */

/* Marks what `queue` leads to, at most `limit` links further; true marks in `seen` are not passed. */
static void spread(const struct prof_graph *g, bool *seen, uint32_t *queue, size_t tail, uint32_t limit,
                   uint64_t *bytes, uint64_t *nodes)
{
    size_t head = 0, level_end = tail;

    for (uint32_t steps = 0; head < tail; steps++, level_end = tail) {
        for (; head < level_end; head++) {
            uint32_t v = queue[head];
            *bytes += flat_of(g, v);
            ++*nodes;
            for (uint32_t e = g->to.first[v]; steps < limit && e < g->to.first[v + 1]; e++) {
                uint32_t t = g->to.to[e];
                if (seen[t] || !label_retains(g, t, g->to.label[e]))
                    continue;
                seen[t] = true;
                queue[tail++] = t;
            }
        }
    }
}

struct prof_error *prof_graph_deep(struct prof_graph *g, prof_node node, uint32_t limit, uint64_t *ret_bytes,
                                   uint64_t *ret_nodes)
{
    bool *seen = calloc((size_t)g->a.nodes + 1, sizeof *seen);
    uint32_t *queue = malloc(((size_t)g->a.nodes + 1) * sizeof *queue);
    uint64_t bytes = 0, nodes = 0;

    if (seen == NULL || queue == NULL) {
        free(seen);
        free(queue);
        return prof_error_memory();
    }
    seen[node] = true;
    queue[0] = node;
    spread(g, seen, queue, 1, limit, &bytes, &nodes);
    free(seen);
    free(queue);
    *ret_bytes = bytes;
    *ret_nodes = nodes;
    return NULL;
}

/* Released is what they lead to and nothing else does: all they lead to, without what the rest of the world reaches. */
struct prof_error *prof_graph_retained_by(struct prof_graph *g, const prof_node *list, size_t count,
                                          uint64_t *ret_bytes, uint64_t *ret_nodes)
{
    size_t room = (size_t)g->a.nodes + 1, tail = 0;
    bool *seen = calloc(room, sizeof *seen), *theirs = calloc(room, sizeof *theirs);
    uint32_t *queue = malloc(room * sizeof *queue);
    uint64_t bytes = 0, nodes = 0;

    if (seen == NULL || theirs == NULL || queue == NULL) {
        free(seen);
        free(theirs);
        free(queue);
        return prof_error_memory();
    }
    for (size_t i = 0; i < count; i++) {
        if (!theirs[list[i]]) {
            theirs[list[i]] = true;
            queue[tail++] = list[i];
        }
    }
    spread(g, theirs, queue, tail, UINT32_MAX, &bytes, &nodes);
    // The rest of the world: what is held by itself, and what they do not lead to at all.
    for (size_t i = 0; i < count; i++)
        seen[list[i]] = true;
    tail = 0;
    for (uint32_t v = 0; v < g->a.nodes; v++) {
        if ((g->flags[v] & NODE_ALIVE) != 0 && !seen[v] && (node_is_held(g, v) || !theirs[v])) {
            seen[v] = true;
            queue[tail++] = v;
        }
    }
    spread(g, seen, queue, tail, UINT32_MAX, &(uint64_t){ 0 }, &(uint64_t){ 0 });
    bytes = nodes = 0;
    for (size_t i = 0; i < count; i++)
        seen[list[i]] = false;
    for (uint32_t v = 0; v < g->a.nodes; v++) {
        if (theirs[v] && !seen[v]) {
            bytes += flat_of(g, v);
            nodes++;
        }
    }
    free(seen);
    free(theirs);
    free(queue);
    *ret_bytes = bytes;
    *ret_nodes = nodes;
    return NULL;
}

/* ---- Dominators -------------------------------------------------------------------------------------------------- */

bool object_retaining(const struct prof_graph *g, struct graph *ret)
{
    size_t count = 0;

    for (uint32_t v = 0; v < g->a.nodes; v++)
        for (uint32_t e = g->to.first[v]; e < g->to.first[v + 1]; e++)
            count += label_retains(g, g->to.to[e], g->to.label[e]);
    if (!graph_alloc(ret, g->a.nodes, count))
        return false;
    for (uint32_t v = 0; v < g->a.nodes; v++)
        for (uint32_t e = g->to.first[v]; e < g->to.first[v + 1]; e++)
            if (label_retains(g, g->to.to[e], g->to.label[e]))
                graph_count(ret, v);
    graph_rows(ret);
    for (uint32_t v = 0; v < g->a.nodes; v++)
        for (uint32_t e = g->to.first[v]; e < g->to.first[v + 1]; e++)
            if (label_retains(g, g->to.to[e], g->to.label[e]))
                graph_put(ret, v, g->to.to[e], e);
    return true;
}

struct by_size {
    uint64_t retained;
    uint32_t node;
};

static int larger_first(const void *left, const void *right)
{
    const struct by_size *a = left, *b = right;
    if (a->retained != b->retained)
        return a->retained > b->retained ? -1 : 1;
    return a->node < b->node ? -1 : a->node > b->node;
}

static bool sort_children(struct prof_graph *g)
{
    const struct graph *tree = &g->dominated;
    struct by_size *list = malloc(((size_t)g->dominators.count + 1) * sizeof *list);

    if (list == NULL)
        return false;
    for (uint32_t v = 0; v <= g->a.nodes; v++) {
        uint32_t first = tree->first[v], count = tree->first[v + 1] - first;
        for (uint32_t i = 0; count > 1 && i < count; i++)
            list[i] = (struct by_size){ g->retained[tree->to[first + i]], tree->to[first + i] };
        if (count > 1)
            qsort(list, count, sizeof *list, larger_first);
        for (uint32_t i = 0; count > 1 && i < count; i++)
            tree->to[first + i] = list[i].node;
    }
    free(list);
    return true;
}

struct prof_error *prof_graph_dominate(struct prof_graph *g)
{
    struct graph rows = { 0 };
    size_t room = (size_t)g->a.nodes + 1, roots = 0;

    if (g->retained != NULL)
        return NULL;
    uint32_t *held = malloc(room * sizeof *held);
    uint64_t *size = calloc(room, sizeof *size), *retained = malloc(room * sizeof *retained);
    uint8_t *alive = calloc(room, 1);
    bool good = held != NULL && size != NULL && retained != NULL && alive != NULL && object_retaining(g, &rows);
    for (uint32_t v = 0; good && v < g->a.nodes; v++) {
        alive[v] = (g->flags[v] & NODE_ALIVE) != 0;
        size[v] = alive[v] ? flat_of(g, v) : 0;
        if (node_is_held(g, v))
            held[roots++] = v;
    }
    good = good && graph_dominate(&rows, held, roots, alive, &g->dominators);
    if (good)
        graph_retained(&g->dominators, size, retained);
    graph_deinit(&rows);
    free(held);
    free(size);
    free(alive);
    g->retained = good ? retained : NULL;
    if (!good)
        free(retained);
    if (!good || !graph_dominated(&g->dominators, &g->dominated) || !sort_children(g)) {
        object_sizes_deinit(g);
        return prof_error_memory();
    }
    return NULL;
}

uint64_t prof_graph_retained(const struct prof_graph *g, prof_node node)
{
    return g->retained[node == PROF_NODE_NONE ? g->a.nodes : node];
}

prof_node prof_graph_dominator(const struct prof_graph *g, prof_node node)
{
    uint32_t by = g->dominators.dominator[node];
    return by == g->a.nodes ? PROF_NODE_NONE : by;
}

size_t prof_graph_dominated(const struct prof_graph *g, prof_node node, const prof_node **ret)
{
    uint32_t v = node == PROF_NODE_NONE ? g->a.nodes : node;
    *ret = g->dominated.to + g->dominated.first[v];
    return g->dominated.first[v + 1] - g->dominated.first[v];
}

void object_sizes_deinit(struct prof_graph *g)
{
    graph_dominators_deinit(&g->dominators);
    graph_deinit(&g->dominated);
    free(g->retained);
    g->retained = NULL;
}
