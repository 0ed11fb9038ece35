/* gc_resume.c: the generations as a part of the state of a heap, in words of 64 bits: a driver that is given them goes
 * on as if it had seen everything. docs/FORMAT.md tells the layout. Words that were read are not believed. */
#include "gc_state.h"

#include <stdlib.h>
#include <string.h>

enum { VERSION = 1, UNCOLLECTABLE = 1, CHECKED = 2, SETTINGS = 5, GENERATION_SHIFT = 8 };

/* ---- One after the other: what is saved is read back in the same order ---- */

/* A stream of words, out or in. */
struct stream {
    struct prof_error *(*put)(void *to, const uint64_t *words, size_t count); /* NULL: it is read */
    void *to;
    struct prof_error *error;
    const uint64_t *words;
    size_t count, at;
    bool failed; /* it ends early, or says what cannot be */
};

static void word(struct stream *s, uint64_t *value)
{
    if (s->put != NULL) {
        if (s->error == NULL)
            s->error = s->put(s->to, value, 1);
    } else if (s->at < s->count) {
        *value = s->words[s->at++];
    } else {
        s->failed = true;
    }
}

static void word32(struct stream *s, uint32_t *value)
{
    uint64_t wide = *value;
    word(s, &wide);
    s->failed = s->failed || wide > UINT32_MAX;
    *value = (uint32_t)wide;
}

static void flag(struct stream *s, bool *value)
{
    uint64_t wide = *value;
    word(s, &wide);
    s->failed = s->failed || wide > 1;
    *value = wide != 0;
}

static void numbers(struct stream *s, struct prof_gc *gc)
{
    struct prof_gc_pass *pass = &gc->pass;
    uint32_t generation = pass->generation;
    uint64_t *const of_pass[] = { &pass->number,    &pass->events,        &pass->at_us,      &pass->candidates,
                                  &pass->collected, &pass->uncollectable, &pass->over,       &pass->sources,
                                  &pass->underflow, &pass->stale,         &pass->duration_us };
    uint64_t *const others[] = { &gc->g.long_lived_pending,
                                 &gc->g.long_lived_total,
                                 &gc->g.last_events,
                                 &gc->g.last_us,
                                 &gc->due_full,
                                 &gc->found,
                                 &gc->revived,
                                 &gc->withdrawn,
                                 &gc->confirm_events };
    word32(s, &generation);
    s->failed = s->failed || generation >= PROF_GC_GENERATIONS;
    pass->generation = generation;
    flag(s, &pass->automatic);
    for (size_t i = 0; i < sizeof of_pass / sizeof *of_pass; i++)
        word(s, of_pass[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        word(s, others[i]);
    for (unsigned i = 0; i < PROF_GC_GENERATIONS; i++) {
        struct generations_stats *stats = &gc->g.stats[i];
        word32(s, &gc->g.count[i]);
        word(s, &stats->collections);
        word(s, &stats->collected);
        word(s, &stats->uncollectable);
        word(s, &stats->candidates);
        word(s, &gc->duration_us[i]);
    }
    flag(s, &gc->unsettled);
    word32(s, &gc->settled_number);
}

/* ---- Out ---- */

static void put_one(struct stream *s, uint64_t value)
{
    word(s, &value);
}

static void put_ids(struct stream *s, const prof_obj_id *ids, size_t count)
{
    put_one(s, count);
    for (size_t i = 0; i < count; i++)
        put_one(s, ids[i]);
}

static void put_record(struct stream *s, const struct gc_record *r)
{
    put_one(s, r->found_us);
    put_one(s, r->found_events);
    put_one(s, r->pass);
    put_one(s, (uint64_t)r->generation << GENERATION_SHIFT | (r->uncollectable ? UNCOLLECTABLE : 0) |
                   (r->checked ? CHECKED : 0));
}

struct prof_error *gc_save(void *ctx, struct prof_error *(*put)(void *to, const uint64_t *words, size_t count),
                           void *to)
{
    const struct prof_gc *gc = ctx;
    struct prof_gc copy = *gc; /* only its numbers are looked at */
    struct stream s = { .put = put, .to = to };
    const uint64_t settings[SETTINGS] = { gc->g.enabled, gc->g.threshold[0], gc->g.threshold[1], gc->g.threshold[2],
                                          gc->debug };
    put_one(&s, VERSION);
    for (size_t i = 0; i < SETTINGS; i++)
        put_one(&s, settings[i]);
    copy.settled_number = gc->settled != NULL ? gc->settled_number : 0;
    numbers(&s, &copy);
    for (unsigned generation = 0; generation < GENERATION_COUNT_; generation++) {
        put_one(&s, gc->g.size[generation]);
        for (uint32_t id = generations_first(&gc->g, (enum generation)generation); id != GENERATIONS_END;
             id = generations_next(&gc->g, id)) {
            put_one(&s, id);
            if (generation == GENERATION_GARBAGE)
                put_record(&s, &gc->records.items[gc->record_of[id]]);
        }
    }
    put_ids(&s, gc->sources.items, gc->sources.count);
    put_ids(&s, gc->underflows.items, gc->underflows.count);
    return s.error;
}

/* ---- In ---- */

static uint64_t take_one(struct stream *s)
{
    uint64_t value = 0;
    word(s, &value);
    return value;
}

static uint64_t take_count(struct stream *s)
{
    uint64_t count = take_one(s);
    s->failed = s->failed || count > s->count - s->at;
    return s->failed ? 0 : count;
}

static prof_obj_id take_id(struct stream *s, const struct prof_gc *gc)
{
    uint64_t id = take_one(s);
    s->failed = s->failed || id == 0 || id >= prof_heap_obj_max(gc->heap);
    return s->failed ? 0 : (prof_obj_id)id;
}

static void take_record(struct stream *s, struct prof_gc *gc, prof_obj_id id)
{
    struct gc_record r = { .obj = id };
    r.found_us = take_one(s);
    r.found_events = take_one(s);
    r.pass = take_one(s);
    uint64_t how = take_one(s);
    s->failed = s->failed || how >> GENERATION_SHIFT >= PROF_GC_GENERATIONS;
    r.generation = (uint8_t)(how >> GENERATION_SHIFT);
    r.uncollectable = (how & UNCOLLECTABLE) != 0;
    r.checked = (how & CHECKED) != 0;
    gc->record_of[id] = (uint32_t)gc->records.count;
    gc->records.items[gc->records.count++] = r;
}

/* Everybody who lives is in the oldest generation until a list says otherwise; `placed` of those in one. */
static void take_generation(struct stream *s, struct prof_gc *gc, enum generation generation, uint8_t *placed)
{
    uint64_t count = take_count(s);
    if (generation == GENERATION_GARBAGE && !s->failed && !gc_garbage_reserve(gc, count))
        gc->no_memory = s->failed = true;
    for (uint64_t i = 0; i < count && !s->failed; i++) {
        prof_obj_id id = take_id(s, gc);
        if (s->failed || generations_of(&gc->g, id) == GENERATION_NONE || placed[id] != 0) {
            s->failed = true;
            return;
        }
        placed[id] = 1;
        if (generation == GENERATION_GARBAGE)
            take_record(s, gc, id);
        (void)generations_put(&gc->g, id, generation); /* needs no memory: it is in one */
    }
}

static void take_ids(struct stream *s, struct prof_gc *gc, bool sources)
{
    uint64_t count = take_count(s);
    for (uint64_t i = 0; i < count && !s->failed; i++) {
        prof_obj_id id = take_id(s, gc);
        if (!s->failed && !(sources ? prof_vec_push(&gc->sources, id) : prof_vec_push(&gc->underflows, id)))
            gc->no_memory = s->failed = true;
    }
}

static void take_settings(struct stream *s, struct prof_gc *gc)
{
    bool enabled = true;
    uint32_t threshold[PROF_GC_GENERATIONS] = { 0 }, debug = 0;
    flag(s, &enabled);
    for (unsigned i = 0; i < PROF_GC_GENERATIONS; i++)
        word32(s, &threshold[i]);
    word32(s, &debug);
    s->failed = s->failed || (debug & ~(unsigned)(PROF_GC_DEBUG_STATS | PROF_GC_DEBUG_LEAK)) != 0;
    if (s->failed)
        return;
    if (!gc->options.disabled)
        gc->g.enabled = enabled;
    if (!gc->options.cpython && !gc->options.keep_threshold)
        memcpy(gc->g.threshold, threshold, sizeof threshold);
    if (!gc->options.keep_debug)
        gc->debug = debug;
}

const char *gc_restored(void *ctx, const uint64_t *words, size_t count)
{
    struct prof_gc *gc = ctx;
    struct stream s = { .words = words, .count = count };
    if (count == 0 || take_one(&s) != VERSION)
        return NULL; /* nobody went along, or somebody of another time */
    uint8_t *placed = calloc(prof_heap_obj_max(gc->heap), 1);
    if (placed == NULL) {
        gc->no_memory = true;
        return NULL;
    }
    take_settings(&s, gc);
    numbers(&s, gc);
    for (unsigned generation = 0; generation < GENERATION_COUNT_; generation++)
        take_generation(&s, gc, (enum generation)generation, placed);
    take_ids(&s, gc, true);
    take_ids(&s, gc, false);
    free(placed);
    const struct prof_memory *memory = prof_heap_memory(gc->heap);
    gc->settled = memory != NULL && memory->number == gc->settled_number ? memory : NULL;
    gc_due(gc);
    return s.failed && !gc->no_memory ? "its generations are impossible" : NULL;
}
