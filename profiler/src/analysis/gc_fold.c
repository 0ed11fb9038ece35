/* gc_fold.c: plain blocks that belong to one object: the array of a table, the nodes of a list. What stands in them is
 * held by that object, as far as passes are concerned.
 *
 * Who owns a block is what memory said last: every pointer to it stands in one object, or in plain blocks of that one,
 * or in itself. So a block that a root, another object or memory that nobody knows points to as well belongs to nobody.
 * It is made when a pass meets a variable in a plain block, once for each checkpoint, and O(words). */
#include "gc_state.h"

#include <stdlib.h>

#include <base/radix.h>
#include <track/track.h>

enum { NOBODY = 0 };
#define SHARED UINT32_MAX

struct folding {
    struct prof_gc *gc;
    const struct prof_memory *m;
    prof_obj_id *owner; /* by block */
    struct graph_edges edges;
    PROF_VEC(prof_block_id) changed;
    bool no_memory;
};

/* A plain block that stands there since memory was read; 0: none. */
static prof_block_id plain_then(const struct prof_gc *gc, uint64_t addr)
{
    prof_block_id id = prof_heap_plain_at(gc->heap, addr);
    return id != 0 && (prof_heap_block(gc->heap, id)->flags & PROF_BLOCK_EXAMINED) != 0 ? id : 0;
}

static void meet(struct folding *f, prof_block_id block, prof_obj_id owner)
{
    prof_obj_id before = f->owner[block];
    if (before == SHARED || before == owner)
        return;
    f->owner[block] = before == NOBODY ? owner : SHARED;
    f->no_memory = f->no_memory || !prof_vec_push(&f->changed, block);
}

static void take_word(struct folding *f, const struct prof_memory_word *word, bool root)
{
    prof_block_id to = plain_then(f->gc, word->value);
    if (to == 0)
        return;
    prof_obj_id obj = root ? 0 : prof_heap_holder_at(f->gc->heap, word->at);
    if (obj != 0) {
        bool then = prof_heap_obj(f->gc->heap, obj)->born_us <= f->m->at_us;
        meet(f, to, then ? obj : SHARED);
        return;
    }
    prof_block_id from = root ? 0 : plain_then(f->gc, word->at);
    if (from == 0)
        meet(f, to, SHARED);
    else if (from != to && !prof_vec_push(&f->edges, (struct graph_edge){ from, to, 0 }))
        f->no_memory = true;
}

/* Owners go along pointers between blocks; each block changes twice at most. */
static bool spread(struct folding *f, uint32_t blocks)
{
    struct graph graph;
    if (!graph_init(&graph, blocks, f->edges.items, f->edges.count))
        return false;
    while (f->changed.count > 0 && !f->no_memory) {
        prof_block_id block = f->changed.items[--f->changed.count];
        for (uint32_t e = graph.first[block]; e < graph.first[block + 1]; e++)
            meet(f, graph.to[e], f->owner[block]);
    }
    graph_deinit(&graph);
    return !f->no_memory;
}

static bool list(struct folding *f, uint32_t blocks)
{
    struct prof_gc *gc = f->gc;
    for (prof_block_id id = 1; id < blocks; id++) {
        const struct prof_block *block = prof_heap_block(gc->heap, id);
        struct gc_fold fold = { block->addr, id, f->owner[id] };
        if (fold.owner != NOBODY && fold.owner != SHARED && !prof_vec_push(&gc->folds, fold))
            return false;
    }
    return prof_radix_sort(gc->folds.items, gc->folds.count, sizeof *gc->folds.items);
}

static bool make(struct prof_gc *gc, const struct prof_memory *m)
{
    uint32_t blocks = prof_heap_block_max(gc->heap);
    struct folding f = { .gc = gc, .m = m, .owner = calloc(blocks, sizeof *f.owner) };
    gc->folds.count = 0;
    gc->folds_number = m->number;
    bool good = f.owner != NULL;
    /* Pointers that were not read may be further owners. */
    bool whole = !m->cut && m->unread_bytes == 0 && m->threads_unread == 0;
    for (size_t a = 0; good && whole && a < m->area_count; a++) {
        const struct prof_memory_area *area = &m->areas[a];
        for (size_t i = 0; i < area->count; i++)
            take_word(&f, &m->words[area->first + i], area->kind != TRK_AREA_ANON);
    }
    good = good && !f.no_memory && (!whole || (spread(&f, blocks) && list(&f, blocks)));
    free(f.owner);
    prof_vec_deinit(&f.edges);
    prof_vec_deinit(&f.changed);
    return good;
}

/* Where blocks lie: what stands elsewhere need not be looked for among them. */
static bool is_heap(const struct prof_memory *m, uint64_t addr)
{
    size_t low = 0, high = m->area_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct prof_memory_area *area = &m->areas[middle];
        if (area->kind == TRK_AREA_REGISTERS || area->start + area->size <= addr)
            low = middle + 1;
        else
            high = middle;
    }
    return low < m->area_count && m->areas[low].start <= addr && m->areas[low].kind == TRK_AREA_ANON;
}

bool gc_fold_owner(struct prof_gc *gc, uint64_t addr, prof_obj_id *ret)
{
    const struct prof_memory *m = prof_heap_memory(gc->heap);
    prof_block_id block = m != NULL && is_heap(m, addr) ? plain_then(gc, addr) : 0;
    *ret = 0;
    if (block == 0)
        return true;
    if (gc->folds_number != m->number && !make(gc, m))
        return false;
    uint64_t start = prof_heap_block(gc->heap, block)->addr;
    size_t low = 0, high = gc->folds.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (gc->folds.items[middle].addr < start)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == gc->folds.count || gc->folds.items[low].block != block)
        return true;
    prof_obj_id owner = gc->folds.items[low].owner;
    const struct prof_obj *obj = prof_heap_obj(gc->heap, owner);
    /* Whom something happened to since may have given it away. */
    if (obj->state == PROF_OBJ_ALIVE && obj->born_us <= m->at_us && obj->last_us <= m->at_us)
        *ret = owner;
    return true;
}
