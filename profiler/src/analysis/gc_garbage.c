/* gc_garbage.c: what passes found. It stays garbage as long as nothing refutes it: no event happens to it, and no
 * memory says that a variable that was to hold it holds something else. What is refuted leaves with all that it leads
 * to, because the program still knows that, too. */
#include "analysis.h"
#include "gc_state.h"

#include <stdlib.h>
#include <string.h>

/* ---- Records ----------------------------------------------------------------------------------------------------- */

bool gc_garbage_reserve(struct prof_gc *gc, size_t more)
{
    uint32_t max = prof_heap_obj_max(gc->heap);

    if (!prof_vec_reserve(&gc->records, more + 1))
        return false;
    if (gc->records.count == 0)
        gc->records.items[gc->records.count++] = (struct gc_record){ 0 };
    if (max <= gc->record_room)
        return true;
    size_t room = (size_t)max + max / 2;
    uint32_t *grown = reallocarray(gc->record_of, room, sizeof *grown);
    if (grown == NULL)
        return false;
    memset(grown + gc->record_room, 0, (room - gc->record_room) * sizeof *grown);
    gc->record_of = grown;
    gc->record_room = (uint32_t)room;
    return true;
}

void gc_garbage_add(struct prof_gc *gc, prof_obj_id id, bool uncollectable, bool checked)
{
    uint32_t at = gc->record_free;
    if (at != 0)
        gc->record_free = gc->records.items[at].next_free;
    else
        at = (uint32_t)gc->records.count++;
    gc->records.items[at] = (struct gc_record){ .obj = id,
                                                .found_us = gc->pass.at_us,
                                                .found_events = gc->pass.events,
                                                .pass = gc->pass.number,
                                                .generation = (uint8_t)gc->pass.generation,
                                                .uncollectable = uncollectable,
                                                .checked = checked };
    gc->record_of[id] = at;
    gc->found++;
}

static struct gc_record *record_of(const struct prof_gc *gc, prof_obj_id id)
{
    return &gc->records.items[gc->record_of[id]];
}

void gc_garbage_drop(struct prof_gc *gc, prof_obj_id id)
{
    uint32_t at = gc->record_of[id];
    gc->record_of[id] = 0;
    gc->records.items[at] = (struct gc_record){ .next_free = gc->record_free };
    gc->record_free = at;
}

/* Back among the living. */
static void release(struct prof_gc *gc, prof_obj_id id)
{
    gc_garbage_drop(gc, id);
    generations_put(&gc->g, id, GENERATION_2); // needs no memory: it is in a generation
}

void gc_garbage_revive(struct prof_gc *gc, prof_obj_id id)
{
    gc->revived++;
    gc->unsettled = true;
    release(gc, id);
}

/* ---- Refuting ---------------------------------------------------------------------------------------------------- */

static bool list(const struct prof_gc *gc, enum generation generation, prof_obj_id **ret, size_t *ret_count)
{
    size_t count = 0;
    prof_obj_id *ids = malloc(((size_t)gc->g.size[generation] + 1) * sizeof *ids);

    if (ids == NULL)
        return false;
    for (uint32_t id = generations_first(&gc->g, generation); id != GENERATIONS_END; id = generations_next(&gc->g, id))
        ids[count++] = id;
    *ret = ids;
    *ret_count = count;
    return true;
}

/* Garbage that somebody else holds by now. Whoever does was garbage when it was found and was refuted; or what held it
 * died or was written to, so that the program knew where it was. */
static bool is_held(const struct gc_graph *g, uint32_t v)
{
    return (g->flags[v] & TRIAL_ROOT) != 0 || g->known[v] > 0;
}

/* Seeds: what is held by others, and what stale variables were to hold; *ret_stale: how many the latter. */
static size_t find_seeds(struct prof_gc *gc, const struct gc_graph *g, bool memory, uint32_t *seeds, size_t *ret_stale)
{
    size_t count = 0;

    for (uint32_t v = 0; memory && v < g->n; v++)
        record_of(gc, g->ids[v])->checked = true;
    for (uint32_t v = 0; memory && v < g->n; v++) {
        for (uint32_t e = g->graph.first[v]; e < g->graph.first[v + 1]; e++) {
            enum gc_slot slot = gc_slot_check(gc, g->ids[v], g->graph.label[e]);
            if (slot != GC_SLOT_GOOD || (g->graph.label[e] & GC_FOLDED) != 0)
                record_of(gc, g->ids[g->graph.to[e]])->checked = false;
            if (slot == GC_SLOT_STALE && (g->flags[g->graph.to[e]] & TRIAL_TOUCHED) == 0) {
                g->flags[g->graph.to[e]] |= TRIAL_TOUCHED;
                seeds[count++] = g->graph.to[e];
            }
        }
    }
    *ret_stale = count;
    for (uint32_t v = 0; v < g->n; v++) {
        if (is_held(g, v) && (g->flags[v] & TRIAL_TOUCHED) == 0)
            seeds[count++] = v;
    }
    return count;
}

bool gc_garbage_settle(struct prof_gc *gc)
{
    const struct prof_memory *memory = gc->heap != NULL ? prof_heap_memory(gc->heap) : NULL;
    bool fresh = memory != NULL && (memory != gc->settled || memory->number != gc->settled_number);
    prof_obj_id *ids = NULL;
    size_t n = 0, stale = 0;
    struct gc_graph g = { 0 };

    if (gc->g.size[GENERATION_GARBAGE] == 0 || (!fresh && !gc->unsettled)) {
        gc->unsettled = false;
        return true;
    }
    if (!list(gc, GENERATION_GARBAGE, &ids, &n))
        return false;
    bool good = gc_graph_make(gc, ids, n, true, &g);
    uint32_t *seeds = malloc((n + 1) * sizeof *seeds), *from = malloc((n + 1) * sizeof *from);
    good = good && seeds != NULL && from != NULL;
    if (good) {
        size_t count = find_seeds(gc, &g, fresh, seeds, &stale);
        for (size_t v = 0; v < n; v++)
            from[v] = GRAPH_NONE;
        good = graph_reach(&g.graph, NULL, seeds, count, from);
        for (size_t v = 0; good && v < n; v++) {
            if (from[v] == GRAPH_NONE)
                continue;
            if (g.flags[from[v]] & TRIAL_TOUCHED)
                gc->withdrawn++;
            else
                gc->revived++;
            release(gc, ids[v]);
        }
    }
    if (good) {
        gc->unsettled = false;
        gc->settled = memory;
        gc->settled_number = memory != NULL ? memory->number : 0;
    }
    gc_graph_deinit(&g);
    free(ids);
    free(seeds);
    free(from);
    return good;
}

/* ---- Lists ------------------------------------------------------------------------------------------------------- */

/* As findings judge the same cycles (analysis.h). A pass that found the same again, with nothing that happened in
 * between, says no less than the end of the run. */
static struct prof_gc_garbage tell(const struct prof_gc *gc, struct analysis *a, prof_obj_id id)
{
    const struct gc_record *r = record_of(gc, id);
    struct prof_gc_garbage garbage = { .obj = id,
                                       .uncollectable = r->uncollectable,
                                       .confirmed = gc->confirm_events > r->found_events,
                                       .checked = r->checked,
                                       .generation = r->generation,
                                       .pass = r->pass,
                                       .found_us = r->found_us,
                                       .strength = PROF_PROBABLE };
    if (a == NULL)
        return garbage;
    garbage.strength = reach_garbage_strength(a, r->checked, gc->g.size[GENERATION_GARBAGE]);
    if (garbage.strength == PROF_SUSPECT && garbage.confirmed && a->lost == 0)
        garbage.strength = PROF_PROBABLE;
    return garbage;
}

struct prof_error *prof_gc_garbage(struct prof_gc *gc, void (*each)(void *ctx, const struct prof_gc_garbage *garbage),
                                   void *ctx)
{
    if (!gc_garbage_settle(gc))
        return prof_error_memory();
    static const struct prof_findings_options none;
    struct prof_findings out = { .heap = gc->heap };
    struct analysis a;
    prof_arena_init(&out.arena);
    analysis_init(&a, &out, &none);
    if (gc->heap != NULL)
        run_facts(&a);
    for (uint32_t id = generations_first(&gc->g, GENERATION_GARBAGE); id != GENERATIONS_END;
         id = generations_next(&gc->g, id)) {
        struct prof_gc_garbage garbage = tell(gc, gc->heap != NULL ? &a : NULL, id);
        each(ctx, &garbage);
    }
    prof_arena_deinit(&out.arena);
    return NULL;
}

void prof_gc_totals(struct prof_gc *gc, struct prof_gc_totals *ret)
{
    struct prof_gc_totals totals = { .passes = gc->pass.number,
                                     .frozen = gc->g.size[GENERATION_PERMANENT],
                                     .garbage = gc->g.size[GENERATION_GARBAGE],
                                     .found = gc->found,
                                     .revived = gc->revived,
                                     .withdrawn = gc->withdrawn };
    for (int i = 0; i < PROF_GC_GENERATIONS; i++)
        totals.tracked += totals.size[i] = gc->g.size[i];
    totals.tracked += totals.frozen + totals.garbage;
    for (uint32_t id = generations_first(&gc->g, GENERATION_GARBAGE); id != GENERATIONS_END;
         id = generations_next(&gc->g, id))
        totals.confirmed += gc->confirm_events > record_of(gc, id)->found_events;
    *ret = totals;
}

struct prof_error *prof_gc_retained(struct prof_gc *gc, prof_gc_each each, void *ctx)
{
    PROF_VEC(prof_obj_id) ids = { 0 };
    struct gc_graph g = { 0 };
    struct trial_result result = { 0 };
    static const enum generation from[] = { GENERATION_PERMANENT, GENERATION_2, GENERATION_1, GENERATION_0,
                                            GENERATION_GARBAGE };

    if (!gc_garbage_settle(gc))
        return prof_error_memory();
    if (gc->g.size[GENERATION_GARBAGE] == 0)
        return NULL;
    bool good = true;
    for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
        for (uint32_t id = generations_first(&gc->g, from[i]); good && id != GENERATIONS_END;
             id = generations_next(&gc->g, id))
            good = prof_vec_push(&ids, id);
    }
    good = good && gc_graph_make(gc, ids.items, ids.count, false, &g);
    struct trial trial = { .graph = &g.graph, .count = g.count, .known = g.known, .flags = g.flags };
    good = good && trial_run(&trial, &result);
    for (uint32_t v = 0; good && v < g.n; v++) {
        if (result.class_of[v] == TRIAL_TRASH && generations_of(&gc->g, ids.items[v]) != GENERATION_GARBAGE)
            each(ctx, ids.items[v]);
    }
    if (good)
        trial_result_deinit(&result);
    gc_graph_deinit(&g);
    prof_vec_deinit(&ids);
    return good ? NULL : prof_error_memory();
}

struct hazards {
    struct prof_gc *gc;
    void (*each)(void *ctx, const struct prof_gc_hazard *hazard);
    void *ctx;
};
static void hazard(void *ctx, const struct prof_weak *weak)
{
    const struct hazards *h = ctx;
    if (generations_of(&h->gc->g, weak->obj) != GENERATION_GARBAGE)
        return;
    prof_obj_id holder = prof_heap_holder_at(h->gc->heap, weak->slot);
    struct prof_gc_hazard found = { .obj = weak->obj, .holder = holder, .slot = weak->slot, .stack = weak->stack };
    if (generations_of(&h->gc->g, holder) != GENERATION_GARBAGE)
        h->each(h->ctx, &found);
}

struct prof_error *prof_gc_hazards(struct prof_gc *gc, void (*each)(void *ctx, const struct prof_gc_hazard *hazard),
                                   void *ctx)
{
    struct hazards hazards = { gc, each, ctx };
    if (!gc_garbage_settle(gc))
        return prof_error_memory();
    if (gc->heap != NULL)
        prof_heap_weak_each(gc->heap, hazard, &hazards);
    return NULL;
}
