/* gc_graph.c: the references that some objects hold among themselves, while the heap changes.
 *
 * Who contains a variable is asked of the heap, which looks into its tables: cheap when there is an owner, and dear
 * when there is none, as for globals and stacks. So the addresses of all variables and the memory of all objects
 * examined are sorted, and only those that lie in it are asked for: linear in what is examined. */
#include "gc_state.h"

#include "hold.h"

#include <stdlib.h>

#include <base/radix.h>
#include <track/track.h>

struct held { /* a variable or holder, and whom it refers to */
    uint64_t slot;
    uint32_t to, open;
};
struct span {
    uint64_t start, end;
};
struct builder {
    struct prof_gc *gc;
    struct gc_graph *out;
    PROF_VEC(struct held) held;
    struct span *spans;
    uint32_t *resolved; /* by number: references that other candidates hold */
    struct graph_edges edges;
};

bool gc_may_be_tracked(const struct prof_gc *gc, const struct prof_obj *obj)
{
    return (prof_heap_type(gc->heap, obj->type)->flags & TRK_TYPE_ACYCLIC) == 0;
}

/* The count as it is known best. */
static int32_t count_of(const struct prof_obj *obj)
{
    return (obj->flags & PROF_OBJ_COUNTED) != 0 ? obj->observed : obj->count;
}

/* Its birth was not seen, nor its count: events say only what changed. */
static bool is_relative(const struct prof_obj *obj)
{
    return (obj->flags & (PROF_OBJ_SKEWED | PROF_OBJ_COUNTED)) == PROF_OBJ_SKEWED;
}

/* Kept by design, in the hands of its destructor, or with a count that means nothing. Without any count left it is on
 * its way to be destroyed, and so is nothing that others hold. */
static bool is_pinned(const struct prof_gc *gc, const struct prof_obj *obj)
{
    const unsigned kept = PROF_OBJ_PINNED | PROF_OBJ_MAY_LEAK | PROF_OBJ_FINALIZING;
    return (obj->flags & kept) != 0 || obj->state != PROF_OBJ_ALIVE || count_of(obj) <= 0 || is_relative(obj) ||
           (prof_heap_type(gc->heap, obj->type)->flags & TRK_TYPE_IMMORTAL) != 0;
}

static bool owns(const struct prof_open *open)
{
    return prof_open_backed(open) && !prof_open_doubled(open) &&
           (open->flags & (PROF_OPEN_OVERWRITTEN | PROF_OPEN_HOLDER_FREED)) == 0;
}

/* Memory in which variables belong to the object, perhaps more. */
static struct span span_of(const struct prof_gc *gc, const struct prof_obj *obj)
{
    struct span span = { obj->start, obj->start + (obj->size != 0 ? obj->size : 1) };
    const struct prof_block *block = obj->block != 0 ? prof_heap_block(gc->heap, obj->block) : NULL;

    if (block != NULL && block->kind != TRK_ALLOC_MMAP) {
        if (block->addr < span.start)
            span.start = block->addr;
        if (block->addr + block->size > span.end)
            span.end = block->addr + block->size;
    }
    return span;
}

/* What is known of one object without the others; its references are noted where they matter. */
static bool look_at(struct builder *b, uint32_t v, bool all)
{
    struct gc_graph *out = b->out;
    const struct prof_heap *heap = b->gc->heap;
    const struct prof_obj *obj = prof_heap_obj(heap, out->ids[v]);
    bool pinned = is_pinned(b->gc, obj);
    int32_t owned = 0;

    b->spans[v] = span_of(b->gc, obj);
    out->flags[v] = TRIAL_CANDIDATE | (pinned ? TRIAL_PINNED : 0);
    if (obj->state == PROF_OBJ_ZERO)
        return true; // slots that still name it own nothing
    for (uint32_t i = obj->first_open; i != 0; i = prof_heap_open(heap, i)->next)
        owned += owns(prof_heap_open(heap, i));
    int32_t events = obj->count > owned ? obj->count : owned;
    out->count[v] = is_relative(obj) ? events : count_of(obj);
    out->known[v] = (uint32_t)events; // not below `owned`, which is a number of references
    if (owned < obj->count || pinned || out->count[v] != obj->count) {
        if (!all)
            return true; // it lives by itself: who else holds it does not matter
    }
    for (uint32_t i = obj->first_open; i != 0;) {
        const struct prof_open *open = prof_heap_open(heap, i);
        struct held held = { open->slot, v, i };
        if (owns(open) && !prof_vec_push(&b->held, held))
            return false;
        i = open->next;
    }
    return true;
}

/* Owners, in the order of addresses. */
static bool resolve(struct builder *b, bool all)
{
    struct gc_graph *out = b->out;
    const struct prof_memory *memory = prof_heap_memory(b->gc->heap);
    uint64_t end = 0;
    uint32_t at = 0;

    if (!prof_radix_sort(b->held.items, b->held.count, sizeof *b->held.items) ||
        !prof_radix_sort(b->spans, out->n, sizeof *b->spans))
        return false;
    for (size_t i = 0; i < b->held.count; i++) {
        const struct held *held = &b->held.items[i];
        for (; at < out->n && b->spans[at].start <= held->slot; at++) {
            if (b->spans[at].end > end)
                end = b->spans[at].end;
        }
        prof_obj_id holder = held->slot < end ? prof_heap_holder_at(b->gc->heap, held->slot) : 0;
        uint32_t from = holder != 0 && holder < b->gc->local_room ? b->gc->local[holder] : 0, folded = 0;
        if (holder == 0 && memory != NULL && prof_heap_obj(b->gc->heap, out->ids[held->to])->last_us <= memory->at_us) {
            if (!gc_fold_owner(b->gc, held->slot, &holder))
                return false;
            folded = GC_FOLDED;
            from = holder != 0 && holder < b->gc->local_room ? b->gc->local[holder] : 0;
        }
        if (from == 0) {
            if (all)
                out->flags[held->to] |= TRIAL_ROOT;
            continue;
        }
        struct graph_edge edge = { from - 1, held->to, held->open | folded };
        if (!prof_vec_push(&b->edges, edge))
            return false;
        b->resolved[held->to]++;
    }
    return true;
}

static bool make_room(struct prof_gc *gc)
{
    uint32_t max = prof_heap_obj_max(gc->heap);
    if (max <= gc->local_room)
        return true;
    uint32_t *local = prof_large_calloc((size_t)max + max / 2, sizeof *local);
    if (local == NULL)
        return false;
    free(gc->local);
    gc->local = local;
    gc->local_room = max + max / 2;
    return true;
}

bool gc_graph_make(struct prof_gc *gc, const prof_obj_id *ids, size_t count, bool all, struct gc_graph *ret)
{
    struct gc_graph out = { .ids = ids, .n = (uint32_t)count };
    struct builder b = { .gc = gc, .out = &out };

    out.count = calloc(count + 1, sizeof *out.count);
    out.known = calloc(count + 1, sizeof *out.known);
    out.flags = calloc(count + 1, 1);
    b.spans = malloc((count + 1) * sizeof *b.spans);
    b.resolved = calloc(count + 1, sizeof *b.resolved);
    bool good = out.count != NULL && out.known != NULL && out.flags != NULL && b.spans != NULL && b.resolved != NULL &&
                make_room(gc);
    for (uint32_t v = 0; good && v < out.n; v++)
        good = look_at(&b, v, all);
    if (good) {
        for (uint32_t v = 0; v < out.n; v++)
            gc->local[ids[v]] = v + 1;
        good = resolve(&b, all);
        for (uint32_t v = 0; v < out.n; v++)
            gc->local[ids[v]] = 0;
    }
    good = good && graph_init(&out.graph, out.n, b.edges.items, b.edges.count);
    for (uint32_t v = 0; good && v < out.n; v++)
        out.known[v] -= b.resolved[v] < out.known[v] ? b.resolved[v] : out.known[v];
    prof_vec_deinit(&b.held);
    prof_vec_deinit(&b.edges);
    free(b.spans);
    free(b.resolved);
    if (!good) {
        gc_graph_deinit(&out);
        return false;
    }
    *ret = out;
    return true;
}

void gc_graph_deinit(struct gc_graph *graph)
{
    graph_deinit(&graph->graph);
    free(graph->count);
    free(graph->known);
    free(graph->flags);
    *graph = (struct gc_graph){ 0 };
}

/* Memory speaks of an object that was there, and to which nothing happened since. */
static bool was_same(const struct prof_gc *gc, const struct prof_memory *m, const struct prof_obj *obj)
{
    return obj->born_us <= m->at_us &&
           (obj->block == 0 || (prof_heap_block(gc->heap, obj->block)->flags & PROF_BLOCK_EXAMINED) != 0);
}

enum gc_slot gc_slot_check(const struct prof_gc *gc, prof_obj_id holder, uint32_t index)
{
    const struct prof_memory *m = prof_heap_memory(gc->heap);
    const struct prof_open *open = prof_heap_open(gc->heap, index & ~GC_FOLDED);
    const struct prof_obj *obj = prof_heap_obj(gc->heap, open->obj);
    uint32_t word;

    if (m == NULL || obj->last_us > m->at_us || !was_same(gc, m, obj) ||
        !was_same(gc, m, prof_heap_obj(gc->heap, holder)))
        return GC_SLOT_UNKNOWN;
    // Named holders are no variables; what lies in no area that was read is not contradicted.
    if (open->kind != PROF_OPEN_SLOT || !hold_word_at(m, open->slot, &word))
        return GC_SLOT_GOOD;
    for (; word < m->word_count && m->words[word].at == open->slot; word++) {
        uint64_t value = m->words[word].value;
        if (value == obj->addr || (value >= obj->start && value - obj->start < (obj->size != 0 ? obj->size : 1)))
            return GC_SLOT_GOOD;
    }
    return GC_SLOT_STALE;
}
