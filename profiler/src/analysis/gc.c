/* gc.c: goes along with a heap: who is young and who is old, when a pass is due, and what callers set and ask. */
#include "gc_state.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    EVERY_EVENTS = 1000000,
    EVERY_US = 10000000,
    /* CPython's rule of a quarter of new old ones never lets a steady heap be examined as a whole. A pass over all
     * costs about as much for one object as applying a few events, so that one for every 64 events and object is
     * cheap. */
    EVENTS_PER_OBJECT = 64,
};

static uint64_t later(uint64_t from, uint64_t by)
{
    return by > UINT64_MAX - from ? UINT64_MAX : from + by;
}

void gc_due(struct prof_gc *gc)
{
    gc->due_events = gc->g.every_events == 0 ? UINT64_MAX : later(gc->g.last_events, gc->g.every_events);
    gc->due_us = gc->g.every_us == 0 ? UINT64_MAX : later(gc->g.last_us, gc->g.every_us);
}

static void set_due_full(struct prof_gc *gc)
{
    uint64_t tracked = 0;
    for (int i = 0; i < PROF_GC_GENERATIONS; i++)
        tracked += gc->g.size[i];
    gc->due_full =
        gc->g.every_events == 0 ? UINT64_MAX : later(gc->g.events, gc->g.every_events + EVENTS_PER_OBJECT * tracked);
}

/* ---- Passes ------------------------------------------------------------------------------------------------------ */

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static void on_pass(void *ctx, bool stop, const struct generations_pass *pass)
{
    struct prof_gc *gc = ctx;

    gc->pass.candidates = pass->candidates;
    gc->pass.collected = pass->collected;
    gc->pass.uncollectable = pass->uncollectable;
    if (stop) {
        gc->pass.duration_us = now_us() - gc->pass.duration_us;
        gc->duration_us[pass->generation] += gc->pass.duration_us;
    }
    struct prof_gc_pass told = gc->pass;
    if (!stop)
        told.duration_us = 0;
    for (size_t i = 0; i < gc->callbacks.count; i++)
        gc->callbacks.items[i].call(gc->callbacks.items[i].ctx, gc, stop, &told);
    if (!stop)
        gc->pass.duration_us = now_us();
}

static bool collect(struct prof_gc *gc, unsigned generation, bool automatic)
{
    if (!gc_garbage_settle(gc))
        return false;
    gc->pass = (struct prof_gc_pass){ .generation = generation,
                                      .automatic = automatic,
                                      .number = gc->pass.number + 1,
                                      .events = gc->totals->events,
                                      .at_us = gc->totals->end_us };
    gc->confirm_events = gc->pass.events;
    generations_clock(&gc->g, gc->pass.events, gc->pass.at_us);
    bool good = generations_collect(&gc->g, generation, gc_examine, gc, NULL);
    gc_due(gc);
    if (generation == GENERATION_2)
        set_due_full(gc);
    return good;
}

struct prof_error *prof_gc_collect(struct prof_gc *gc, int generation, struct prof_gc_pass *ret)
{
    struct prof_gc_pass none = { 0 };

    if (generation < 0 || generation >= PROF_GC_GENERATIONS)
        return prof_error_create(PROF_ERROR_ARGUMENT, "there is no generation %d: generations are 0, 1 and 2",
                                 generation);
    bool nested = gc->g.collecting;
    if (!nested && !collect(gc, (unsigned)generation, false))
        return prof_error_memory();
    if (ret != NULL)
        *ret = nested ? none : gc->pass;
    return NULL;
}

/* What was just born is counted, and joins behind the pass that it makes due, as in CPython: nothing is known of it
 * that a pass could look at. */
static bool collect_due(struct prof_gc *gc, prof_obj_id newborn)
{
    generations_clock(&gc->g, gc->totals->events, gc->totals->end_us);
    int generation = generations_due(&gc->g);
    if (generation < 0)
        return true;
    if (gc->g.events >= gc->due_full)
        generation = GENERATION_2;
    bool aside = generations_of(&gc->g, newborn) == GENERATION_0;
    if (aside)
        generations_put(&gc->g, newborn, GENERATION_NONE);
    bool good = collect(gc, (unsigned)generation, true);
    return (!aside || generations_put(&gc->g, newborn, GENERATION_0)) && good;
}

/* ---- The heap ---------------------------------------------------------------------------------------------------- */

static void on_begin(void *ctx, struct prof_heap *heap)
{
    struct prof_gc *gc = ctx;
    gc->heap = heap;
    gc->totals = prof_heap_totals(heap);
}

static void on_born(void *ctx, prof_obj_id id, bool old)
{
    struct prof_gc *gc = ctx;

    if (!gc_may_be_tracked(gc, prof_heap_obj(gc->heap, id)))
        return;
    bool good = old ? generations_put(&gc->g, id, GENERATION_2) : generations_born(&gc->g, id);
    gc->newborn = old ? 0 : id;
    gc->no_memory = gc->no_memory || !good;
    gc->g.long_lived_total += old;
}

static void on_died(void *ctx, prof_obj_id id)
{
    struct prof_gc *gc = ctx;

    if (generations_of(&gc->g, id) == GENERATION_GARBAGE) {
        gc_garbage_drop(gc, id);
        gc->revived++;
        gc->unsettled = true;
    }
    generations_died(&gc->g, id);
}

/* Its type may say now that it can, or cannot, be part of a cycle. */
static void retyped(struct prof_gc *gc, prof_obj_id id)
{
    const struct prof_obj *obj = prof_heap_obj(gc->heap, id);
    bool tracked = generations_of(&gc->g, id) != GENERATION_NONE;
    bool may = (obj->state == PROF_OBJ_ALIVE || obj->state == PROF_OBJ_ZERO) && gc_may_be_tracked(gc, obj);

    if (tracked != may && !generations_put(&gc->g, id, may ? GENERATION_0 : GENERATION_NONE))
        gc->no_memory = true;
}

static bool on_applied(void *ctx, const struct prof_event *event, prof_obj_id id)
{
    struct prof_gc *gc = ctx;

    if (id != 0 && generations_of(&gc->g, id) == GENERATION_GARBAGE)
        gc_garbage_revive(gc, id);
    if (event->op == TRK_OP_RETYPE && id != 0)
        retyped(gc, id);
    if (gc->options.event != NULL)
        gc->options.event(gc->options.event_ctx, gc, event);
    prof_obj_id newborn = gc->newborn;
    gc->newborn = 0;
    const struct prof_heap_totals *now = gc->totals;
    bool due = (newborn != 0 && gc->g.count[0] > gc->g.threshold[0]) || now->events >= gc->due_events ||
               now->end_us >= gc->due_us;
    return !gc->no_memory && (!due || collect_due(gc, newborn));
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

struct prof_error *prof_gc_create(const struct prof_gc_options *options, struct prof_gc **ret)
{
    static const struct prof_gc_options defaults;
    static const struct prof_heap_totals nothing;
    struct prof_gc *gc = calloc(1, sizeof *gc);

    if (gc == NULL)
        return prof_error_memory();
    gc->totals = &nothing;
    gc->options = options != NULL ? *options : defaults;
    gc->follow = (struct prof_heap_follow){ .begin = on_begin,
                                            .born = on_born,
                                            .died = on_died,
                                            .applied = on_applied,
                                            .save = gc_save,
                                            .restored = gc_restored,
                                            .ctx = gc };
    generations_init(&gc->g);
    gc->g.enabled = !gc->options.disabled;
    gc->g.callback = on_pass;
    gc->g.callback_ctx = gc;
    if (gc->options.cpython) {
        gc->g.threshold[0] = 700;
    } else {
        uint64_t events = gc->options.every_events, us = gc->options.every_us;
        gc->g.every_events = events == 0 ? EVERY_EVENTS : events == UINT64_MAX ? 0 : events;
        gc->g.every_us = us == 0 ? EVERY_US : us == UINT64_MAX ? 0 : us;
    }
    gc_due(gc);
    set_due_full(gc);
    *ret = gc;
    return NULL;
}

void prof_gc_destroy(struct prof_gc *gc)
{
    if (gc == NULL)
        return;
    prof_graph_destroy(gc->graph);
    generations_deinit(&gc->g);
    prof_vec_deinit(&gc->callbacks);
    prof_vec_deinit(&gc->records);
    prof_vec_deinit(&gc->folds);
    prof_vec_deinit(&gc->sources);
    prof_vec_deinit(&gc->underflows);
    free(gc->local);
    free(gc->record_of);
    free(gc);
}

const struct prof_heap_follow *prof_gc_follow(struct prof_gc *gc)
{
    return &gc->follow;
}

struct prof_heap *prof_gc_heap(const struct prof_gc *gc)
{
    return gc->heap;
}

/* ---- Settings ---------------------------------------------------------------------------------------------------- */

void prof_gc_enable(struct prof_gc *gc, bool enable)
{
    gc->g.enabled = enable;
}

bool prof_gc_is_enabled(const struct prof_gc *gc)
{
    return gc->g.enabled;
}

void prof_gc_threshold(const struct prof_gc *gc, uint32_t ret[PROF_GC_GENERATIONS])
{
    memcpy(ret, gc->g.threshold, sizeof gc->g.threshold);
}

void prof_gc_set_threshold(struct prof_gc *gc, const uint32_t threshold[PROF_GC_GENERATIONS])
{
    memcpy(gc->g.threshold, threshold, sizeof gc->g.threshold);
}

unsigned prof_gc_debug(const struct prof_gc *gc)
{
    return gc->debug;
}

struct prof_error *prof_gc_set_debug(struct prof_gc *gc, unsigned flags)
{
    if ((flags & ~(unsigned)(PROF_GC_DEBUG_STATS | PROF_GC_DEBUG_LEAK)) != 0)
        return prof_error_create(PROF_ERROR_ARGUMENT,
                                 "debug flags 0x%x: known are stats (1), collectable (2), uncollectable (4), saveall "
                                 "(32) and leak (38)",
                                 flags);
    gc->debug = flags;
    return NULL;
}

bool prof_gc_add_callback(struct prof_gc *gc, prof_gc_callback callback, void *ctx)
{
    return prof_vec_push(&gc->callbacks, (struct gc_callback){ callback, ctx });
}

void prof_gc_remove_callback(struct prof_gc *gc, prof_gc_callback callback, void *ctx)
{
    size_t kept = 0;
    for (size_t i = 0; i < gc->callbacks.count; i++) {
        struct gc_callback entry = gc->callbacks.items[i];
        if (entry.call != callback || entry.ctx != ctx)
            gc->callbacks.items[kept++] = entry;
    }
    gc->callbacks.count = kept;
}

/* ---- Questions --------------------------------------------------------------------------------------------------- */

void prof_gc_count(const struct prof_gc *gc, uint32_t ret[PROF_GC_GENERATIONS])
{
    memcpy(ret, gc->g.count, sizeof gc->g.count);
}

void prof_gc_stats(const struct prof_gc *gc, struct prof_gc_stats ret[PROF_GC_GENERATIONS])
{
    for (int i = 0; i < PROF_GC_GENERATIONS; i++) {
        const struct generations_stats *stats = &gc->g.stats[i];
        ret[i] = (struct prof_gc_stats){ stats->collections, stats->collected, stats->uncollectable, stats->candidates,
                                         gc->duration_us[i] };
    }
}

static void each_of(const struct prof_gc *gc, enum generation generation, prof_gc_each each, void *ctx)
{
    for (uint32_t id = generations_first(&gc->g, generation); id != GENERATIONS_END; id = generations_next(&gc->g, id))
        each(ctx, id);
}

struct prof_error *prof_gc_objects(const struct prof_gc *gc, int generation, prof_gc_each each, void *ctx)
{
    if (generation < -1 || generation >= PROF_GC_GENERATIONS)
        return prof_error_create(PROF_ERROR_ARGUMENT,
                                 "there is no generation %d: generations are 0, 1 and 2, and -1 is all of them",
                                 generation);
    for (int i = PROF_GC_GENERATIONS - 1; i >= 0; i--) {
        if (generation == -1 || generation == i)
            each_of(gc, (enum generation)i, each, ctx);
    }
    return NULL;
}

int prof_gc_generation(const struct prof_gc *gc, prof_obj_id id)
{
    enum generation generation = generations_of(&gc->g, id);
    return generation == GENERATION_NONE ? -1 : (int)generation;
}

bool prof_gc_is_tracked(const struct prof_gc *gc, prof_obj_id id)
{
    return prof_gc_generation(gc, id) >= 0;
}

bool prof_gc_is_finalized(const struct prof_gc *gc, prof_obj_id id)
{
    return gc->heap != NULL && id < prof_heap_obj_max(gc->heap) &&
           (prof_heap_obj(gc->heap, id)->flags & PROF_OBJ_FINALIZED) != 0;
}

void prof_gc_freeze(struct prof_gc *gc)
{
    generations_freeze(&gc->g);
}

void prof_gc_unfreeze(struct prof_gc *gc)
{
    generations_unfreeze(&gc->g);
}

uint64_t prof_gc_freeze_count(const struct prof_gc *gc)
{
    return gc->g.size[GENERATION_PERMANENT];
}

void prof_gc_sources(const struct prof_gc *gc, prof_gc_each each, void *ctx)
{
    for (size_t i = 0; i < gc->sources.count; i++)
        each(ctx, gc->sources.items[i]);
}

void prof_gc_underflows(const struct prof_gc *gc, prof_gc_each each, void *ctx)
{
    for (size_t i = 0; i < gc->underflows.count; i++)
        each(ctx, gc->underflows.items[i]);
}

struct prof_error *prof_gc_graph(struct prof_gc *gc, struct prof_symbols *symbols, struct prof_graph **ret)
{
    if (gc->heap == NULL)
        return prof_error_create(PROF_ERROR_ARGUMENT, "there is no heap yet");
    if (gc->graph != NULL && gc->graph_events == gc->totals->events) {
        *ret = gc->graph;
        return NULL;
    }
    prof_graph_destroy(gc->graph);
    gc->graph = NULL;
    struct prof_error *error = prof_graph_create(gc->heap, symbols, NULL, &gc->graph);
    if (error != NULL)
        return error;
    gc->graph_events = gc->totals->events;
    *ret = gc->graph;
    return NULL;
}
