/* object_graph.c: makes the graph of all that is alive: told references, and pointers in memory. */
#include "object_graph.h"

#include <stdlib.h>

#include <track/track.h>

struct build {
    struct prof_graph *g;
    struct graph_edges edges; /* from: GRAPH_NONE for roots */
    struct map slots;         /* recorded slots with their objects */
};

static uint32_t label_of(enum prof_link_kind kind, uint32_t index)
{
    return (uint32_t)kind << LABEL_SHIFT | index;
}

static bool push(struct build *b, uint32_t from, uint32_t to, enum prof_link_kind kind, uint32_t index)
{
    struct graph_edge edge = { from, to, label_of(kind, index) };
    return index <= LABEL_INDEX && prof_vec_push(&b->edges, edge);
}

static uint64_t slot_key(uint64_t slot, prof_obj_id obj)
{
    return map_mix(slot, obj);
}

/* Only words in memory ask for slots. */
static bool note_slot(struct build *b, uint64_t slot, prof_obj_id obj)
{
    return b->g->a.hold == NULL || map_put(&b->slots, slot_key(slot, obj), 0);
}

/* ---- Nodes ------------------------------------------------------------------------------------------------------- */

static bool is_pinned(const struct prof_graph *g, const struct prof_obj *obj)
{
    return (obj->flags & (PROF_OBJ_PINNED | PROF_OBJ_MAY_LEAK)) != 0 || obj->state == PROF_OBJ_PARKED ||
           (prof_heap_type(g->a.heap, obj->type)->flags & TRK_TYPE_IMMORTAL) != 0;
}

static void make_nodes(struct prof_graph *g)
{
    for (prof_obj_id id = 1; id < g->a.n; id++) {
        const struct prof_obj *obj = prof_heap_obj(g->a.heap, id);
        if (obj->state != PROF_OBJ_ALIVE && obj->state != PROF_OBJ_ZERO && obj->state != PROF_OBJ_PARKED)
            continue;
        g->flags[id] = NODE_ALIVE | (is_pinned(g, obj) ? NODE_PINNED : 0);
        g->unowned[id] = obj->count;
    }
    for (prof_block_id id = 1; id < prof_heap_block_max(g->a.heap); id++) {
        const struct prof_block *block = prof_heap_block(g->a.heap, id);
        if (block_is_plain(block))
            g->flags[g->a.n + id] = NODE_ALIVE | (block->flags & PROF_BLOCK_IGNORED ? NODE_PINNED : 0);
    }
}

/* ---- What was told ----------------------------------------------------------------------------------------------- */

/* The node in which an address lies, GRAPH_NONE. */
static uint32_t node_at(struct prof_graph *g, uint64_t addr)
{
    prof_obj_id obj;
    prof_block_id block;

    owner_memory(&g->a, addr, &obj, &block);
    uint32_t node = obj != 0 ? obj : block != 0 ? g->a.n + block : GRAPH_NONE;
    return node != GRAPH_NONE && (g->flags[node] & NODE_ALIVE) ? node : GRAPH_NONE;
}

static struct prof_error *add_told(struct build *b)
{
    struct prof_graph *g = b->g;

    for (prof_obj_id id = 1; id < g->a.n; id++) {
        const struct prof_obj *obj = prof_heap_obj(g->a.heap, id);
        if (!(g->flags[id] & NODE_ALIVE) || obj->state == PROF_OBJ_ZERO)
            continue; // slots that still name it own nothing
        for (uint32_t i = obj->first_open; i != 0;) {
            const struct prof_open *open = prof_heap_open(g->a.heap, i);
            struct owner owner;
            uint32_t from = GRAPH_NONE;
            if (open->kind == PROF_OPEN_BIRTH) {
                i = open->next;
                continue;
            }
            if (!owner_unnamed(&g->a, open, &owner))
                return prof_error_memory();
            if (owner.kind == OWNER_OBJECT)
                from = owner.obj;
            else if (owner.kind == OWNER_BLOCK)
                from = g->a.n + owner.block;
            if (from != GRAPH_NONE && !(g->flags[from] & NODE_ALIVE))
                from = GRAPH_NONE;
            bool root = from == GRAPH_NONE && owner_is_root(&g->a, &owner);
            if (root)
                g->flags[id] |= NODE_ROOT;
            if ((root || from != GRAPH_NONE) && prof_open_backed(open))
                g->unowned[id]--;
            if (!push(b, from, id, open->kind == PROF_OPEN_SLOT ? PROF_LINK_SLOT : PROF_LINK_HOLDER, i) ||
                !note_slot(b, open->slot, id))
                return prof_error_memory();
            i = open->next;
        }
    }
    return NULL;
}

struct weak_walk {
    struct build *build;
    bool good;
};
static void add_weak(void *ctx, const struct prof_weak *weak)
{
    struct weak_walk *walk = ctx;
    struct prof_graph *g = walk->build->g;

    if (weak->obj >= g->a.n || !(g->flags[weak->obj] & NODE_ALIVE))
        return;
    walk->good = walk->good && prof_vec_push(&g->weak, *weak) &&
                 push(walk->build, node_at(g, weak->slot), weak->obj, PROF_LINK_WEAK, (uint32_t)g->weak.count - 1) &&
                 note_slot(walk->build, weak->slot, weak->obj);
}

/* ---- What stands in memory --------------------------------------------------------------------------------------- */

/* May the word own a reference, and nothing told so? */
static bool may_own(const struct prof_graph *g, const struct build *b, const struct hold_word *word)
{
    const struct prof_memory_word *w = &g->a.hold->memory->words[word->index];
    const struct prof_obj *obj = prof_heap_obj(g->a.heap, word->to);

    return w->at % 8 == 0 && (w->value == obj->addr || w->value == obj->start) && word->kind != HOLD_STACK &&
           map_get(&b->slots, slot_key(w->at, word->to)) == UINT32_MAX;
}

/* Pointers to an object that can own exactly the references without an owner stand for these. When there are more of
 * them, some are borrowed, and nobody knows which; only those that analysis of causes chose are taken then. */
static bool adopts_all(const struct prof_graph *g, const struct build *b, prof_obj_id id)
{
    const struct hold *hold = g->a.hold;
    int64_t count = 0;

    for (uint32_t i = hold->row[id]; i < hold->row[id + 1]; i++)
        count += may_own(g, b, &hold->words.items[i]);
    return count == g->unowned[id];
}

static struct prof_error *add_pointers(struct build *b)
{
    struct prof_graph *g = b->g;
    const struct hold *hold = g->a.hold;

    for (uint32_t v = 1; v < hold->nodes; v++) {
        if (!(g->flags[v] & NODE_ALIVE))
            continue;
        bool all = v < g->a.n && g->unowned[v] > 0 && adopts_all(g, b, v);
        for (uint32_t i = hold->row[v]; i < hold->row[v + 1]; i++) {
            const struct hold_word *word = &hold->words.items[i];
            uint64_t at = hold->memory->words[word->index].at;
            if (v < g->a.n && map_get(&b->slots, slot_key(at, v)) != UINT32_MAX)
                continue; // told
            bool adopted = v < g->a.n && g->unowned[v] > 0 && may_own(g, b, word) && (all || word->adopted);
            uint32_t from = word->kind == HOLD_NODE && (g->flags[word->from] & NODE_ALIVE) ? word->from : GRAPH_NONE;
            if (adopted)
                g->unowned[v]--;
            // Stacks do not own references (may_own), but what they point to at the end is not lost.
            if (from == GRAPH_NONE && (adopted || v >= g->a.n))
                g->flags[v] |= NODE_ROOT;
            if (!push(b, from, v, adopted ? PROF_LINK_ADOPTED : PROF_LINK_POINTER, word->index))
                return prof_error_memory();
        }
    }
    return NULL;
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

static bool make_rows(struct prof_graph *g, const struct graph_edges *edges)
{
    size_t inner = 0;

    for (size_t i = 0; i < edges->count; i++)
        inner += edges->items[i].from != GRAPH_NONE;
    if (!graph_alloc(&g->to, g->a.nodes, inner) || !graph_alloc(&g->from, g->a.nodes, edges->count))
        return false;
    for (size_t i = 0; i < edges->count; i++) {
        if (edges->items[i].from != GRAPH_NONE)
            graph_count(&g->to, edges->items[i].from);
        graph_count(&g->from, edges->items[i].to);
    }
    graph_rows(&g->to);
    graph_rows(&g->from);
    for (size_t i = 0; i < edges->count; i++) {
        const struct graph_edge *e = &edges->items[i];
        if (e->from != GRAPH_NONE)
            graph_put(&g->to, e->from, e->to, e->label);
        graph_put(&g->from, e->to, e->from, e->label);
    }
    return true;
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

static struct prof_error *build(struct prof_graph *g, bool pointers)
{
    struct build b = { .g = g };
    struct weak_walk walk = { &b, true };
    struct prof_error *error = NULL;

    run_facts(&g->a);
    g->a.pointers_wanted = pointers;
    if (pointers)
        error = reach_of_heap(&g->a);
    if (error == NULL)
        error = classify(&g->a);
    if (error != NULL)
        return error;
    g->a.nodes = g->a.n + prof_heap_block_max(g->a.heap);
    g->flags = calloc((size_t)g->a.nodes + 1, 1);
    g->unowned = calloc((size_t)g->a.nodes + 1, sizeof *g->unowned);
    if (g->flags == NULL || g->unowned == NULL)
        return prof_error_memory();
    make_nodes(g);
    error = add_told(&b);
    if (error == NULL)
        prof_heap_weak_each(g->a.heap, add_weak, &walk);
    if (error == NULL && !walk.good)
        error = prof_error_memory();
    if (error == NULL && g->a.hold != NULL)
        error = add_pointers(&b);
    if (error == NULL && !make_rows(g, &b.edges))
        error = prof_error_memory();
    prof_vec_deinit(&b.edges);
    map_deinit(&b.slots);
    return error;
}

struct prof_error *prof_graph_create(struct prof_heap *heap, struct prof_symbols *symbols,
                                     const struct prof_graph_options *options, struct prof_graph **ret)
{
    static const struct prof_graph_options none;
    struct prof_graph *g = calloc(1, sizeof *g);

    if (g == NULL)
        return prof_error_memory();
    if (options == NULL)
        options = &none;
    prof_arena_init(&g->out.arena);
    g->out.heap = heap;
    g->out.symbols = symbols;
    g->options.without_roots = options->without_roots;
    analysis_init(&g->a, &g->out, &g->options);
    struct prof_error *error = build(g, !options->no_pointers);
    if (error != NULL) {
        prof_graph_destroy(g);
        return error;
    }
    *ret = g;
    return NULL;
}

void prof_graph_destroy(struct prof_graph *g)
{
    if (g == NULL)
        return;
    object_sizes_deinit(g);
    object_ways_deinit(g);
    pair_forget(&g->learned);
    graph_deinit(&g->to);
    graph_deinit(&g->from);
    free(g->flags);
    free(g->unowned);
    prof_vec_deinit(&g->weak);
    prof_vec_deinit(&g->names);
    map_deinit(&g->name_of);
    analysis_deinit(&g->a);
    prof_arena_deinit(&g->out.arena);
    free(g);
}
