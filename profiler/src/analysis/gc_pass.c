/* gc_pass.c: which candidates of a pass only hold each other; what no order of destructors could free; and, over the
 * whole heap, what lives by counts that nothing explains. */
#include "gc_state.h"

#include <stdlib.h>
#include <string.h>

#include <track/track.h>

static uint32_t find(uint32_t *parent, uint32_t v)
{
    for (; parent[v] != v; v = parent[v])
        parent[v] = parent[parent[v]];
    return v;
}

/* Memory said whose the blocks are in which some of these variables stand. When something happened to any of those that
 * hang together with one, later than that, the program may have handed its block to somebody who lives: then the
 * reference has an owner nobody knows. *ret: there are such. */
static bool doubt_folded(const struct prof_gc *gc, struct gc_graph *g, const struct trial_result *result, bool *ret)
{
    const struct prof_memory *m = prof_heap_memory(gc->heap);
    uint32_t *parent = malloc(((size_t)g->n + 1) * sizeof *parent);
    uint64_t *last_us = malloc(((size_t)g->n + 1) * sizeof *last_us);
    bool good = parent != NULL && last_us != NULL;

    *ret = false;
    for (uint32_t v = 0; good && v < g->n; v++) {
        parent[v] = v;
        last_us[v] = prof_heap_obj(gc->heap, g->ids[v])->last_us;
    }
    for (int doubting = 0; good && doubting < 2; doubting++) {
        for (uint32_t v = 0; v < g->n; v++) {
            for (uint32_t e = g->graph.first[v]; e < g->graph.first[v + 1]; e++) {
                uint32_t to = g->graph.to[e], a = find(parent, v), b = find(parent, to);
                if (result->class_of[v] != TRIAL_TRASH || result->class_of[to] != TRIAL_TRASH)
                    continue;
                if (doubting == 0) {
                    parent[b] = a;
                    last_us[a] = last_us[a] > last_us[b] ? last_us[a] : last_us[b];
                } else if ((g->graph.label[e] & GC_FOLDED) != 0 && (m == NULL || last_us[a] > m->at_us) &&
                           (g->flags[to] & TRIAL_TOUCHED) == 0) {
                    g->flags[to] |= TRIAL_TOUCHED;
                    *ret = true;
                }
            }
        }
    }
    free(parent);
    free(last_us);
    return good;
}

/* Does memory contradict what was told? Then the reference is elsewhere, with an owner nobody knows: what it refers to
 * lives for now, and so may others. Only edges from trash matter: a stale one of a living holder can hide garbage, but
 * accuse nobody. checked[v]: memory confirms every reference to v. */
static bool drop_stale(struct prof_gc *gc, struct gc_graph *g, const struct trial *trial, struct trial_result *result,
                       uint8_t *checked)
{
    for (;;) {
        uint64_t before = gc->pass.stale;
        bool folded = false, doubted = false;

        memset(checked, 1, g->n);
        for (uint32_t v = 0; v < g->n; v++) {
            if (result->class_of[v] != TRIAL_TRASH)
                continue;
            for (uint32_t e = g->graph.first[v]; e < g->graph.first[v + 1]; e++) {
                uint32_t to = g->graph.to[e];
                enum gc_slot slot = gc_slot_check(gc, g->ids[v], g->graph.label[e]);
                folded = folded || (g->graph.label[e] & GC_FOLDED) != 0;
                if (slot != GC_SLOT_GOOD || (g->graph.label[e] & GC_FOLDED) != 0)
                    checked[to] = 0; /* whose a block is, is no more than probable */
                if (slot == GC_SLOT_STALE && (g->flags[to] & TRIAL_TOUCHED) == 0) {
                    g->flags[to] |= TRIAL_TOUCHED;
                    gc->pass.stale++;
                }
            }
        }
        if (gc->pass.stale == before && folded && !doubt_folded(gc, g, result, &doubted))
            return false;
        if (gc->pass.stale == before && !doubted)
            return true;
        struct trial_result again;
        if (!trial_run(trial, &again))
            return false;
        trial_result_deinit(result);
        *result = again;
    }
}

/* Marks what ordered finalizers among the trash lead to, themselves included. */
static bool mark_uncollectable(const struct prof_gc *gc, const struct gc_graph *g, const struct trial_result *result,
                               uint8_t *kinds)
{
    uint8_t *trash = malloc((size_t)g->n + 1);
    uint32_t *seeds = malloc(((size_t)g->n + 1) * sizeof *seeds);
    uint32_t *from = malloc(((size_t)g->n + 1) * sizeof *from);
    size_t count = 0;
    bool good = trash != NULL && seeds != NULL && from != NULL;

    for (uint32_t v = 0; good && v < g->n; v++) {
        const struct prof_obj *obj = prof_heap_obj(gc->heap, g->ids[v]);
        trash[v] = result->class_of[v] == TRIAL_TRASH;
        from[v] = GRAPH_NONE;
        if (trash[v] && (prof_heap_type(gc->heap, obj->type)->flags & TRK_TYPE_ORDERED_FINALIZER) != 0)
            seeds[count++] = v;
    }
    good = good && (count == 0 || graph_reach(&g->graph, trash, seeds, count, from));
    for (uint32_t v = 0; good && v < g->n; v++) {
        if (trash[v])
            kinds[v] = from[v] != GRAPH_NONE ? GENERATIONS_UNCOLLECTABLE : GENERATIONS_FOUND;
    }
    free(trash);
    free(seeds);
    free(from);
    return good;
}

/* What callers may ask of the last pass. */
static bool note_counts(struct prof_gc *gc, const struct gc_graph *g, const struct trial_result *result, bool whole)
{
    gc->underflows.count = 0;
    gc->pass.underflow = result->underflow;
    if (whole) {
        gc->sources.count = 0;
        gc->pass.over = result->over;
    }
    for (uint32_t v = 0; v < g->n; v++) {
        if ((result->notes[v] & TRIAL_UNDERFLOW) != 0 && !prof_vec_push(&gc->underflows, g->ids[v]))
            return false;
        if (whole && result->class_of[v] == TRIAL_OVER && (result->notes[v] & TRIAL_SOURCE) != 0 &&
            !prof_vec_push(&gc->sources, g->ids[v]))
            return false;
    }
    if (whole)
        gc->pass.sources = gc->sources.count;
    return true;
}

static bool note_garbage(struct prof_gc *gc, const struct gc_graph *g, uint32_t trash, const uint8_t *checked,
                         const uint8_t *kinds)
{
    if (!gc_garbage_reserve(gc, trash))
        return false;
    for (uint32_t v = 0; v < g->n; v++) {
        if (kinds[v] != GENERATIONS_ALIVE)
            gc_garbage_add(gc, g->ids[v], kinds[v] == GENERATIONS_UNCOLLECTABLE, checked[v] != 0);
    }
    return true;
}

bool gc_examine(void *ctx, const uint32_t *ids, size_t count, bool whole, uint8_t *kinds)
{
    struct prof_gc *gc = ctx;
    struct gc_graph g;
    struct trial_result result;
    if (gc->heap == NULL)
        return true; // nobody is followed yet
    uint8_t *checked = malloc(count + 1);
    if (checked == NULL || !gc_graph_make(gc, ids, count, whole, &g)) {
        free(checked);
        return false;
    }
    struct trial trial = { .graph = &g.graph, .count = g.count, .known = g.known, .flags = g.flags, .whole = whole };
    bool good = trial_run(&trial, &result);
    if (good) {
        good = (result.trash == 0 || drop_stale(gc, &g, &trial, &result, checked)) &&
               note_counts(gc, &g, &result, whole) &&
               (result.trash == 0 ||
                (mark_uncollectable(gc, &g, &result, kinds) && note_garbage(gc, &g, result.trash, checked, kinds)));
        if (!good)
            memset(kinds, 0, count);
        trial_result_deinit(&result);
    }
    gc_graph_deinit(&g);
    free(checked);
    return good;
}
