/* work/history.c: what goes along with a heap for the viewer: generations, passes, deaths, how much was alive when. See
 * history.h. */
#include "history.h"
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include <base/vec.h>

#include "../source.h"

/* At first a moment is kept for each millisecond; each time so many were kept half as often. */
enum { FIRST_STEP_US = 1000, PER_STEP = 1024 };

struct deaths {
    uint64_t in[PROF_GC_GENERATIONS];
};

struct work_history {
    struct prof_heap_follow follow;
    const struct prof_heap_follow *inner; /* of the driver */
    struct prof_gc *gc;
    struct prof_gc_commands commands;
    const struct prof_heap *heap;
    const struct prof_heap_totals *totals;
    uint64_t born, died; /* since the trace began */
    bool counted;        /* those of the state that it begins with as well */

    PROF_VEC(struct tui_pulse) samples;
    size_t told_marks, told_looks;
    uint64_t told_thinned;
    uint64_t step_us, due_us, kept, lost;
    uint64_t most_objects, most_bytes; /* since the last sample */

    struct prof_gc_pass passes[WORK_PASSES * 2]; /* the newest at the end: when it is full the first half goes */
    size_t pass_count;
    uint64_t pass_all;

    PROF_VEC(struct deaths) deaths; /* by type */
    struct deaths all;
    bool no_memory;
};

/* ---- Samples ---- */

static uint64_t bytes_of(const struct prof_heap_totals *t)
{
    return t->live_bytes > t->live_object_bytes ? t->live_bytes : t->live_object_bytes;
}

static struct tui_pulse take(struct work_history *h)
{
    const struct prof_heap_totals *t = h->totals;
    struct tui_pulse pulse = { .at_us = t->end_us,
                               .events = t->events,
                               .lost = h->lost,
                               .objects = t->live_objects,
                               .object_bytes = t->live_object_bytes,
                               .blocks = t->live_blocks,
                               .block_bytes = t->live_bytes,
                               .most_objects = h->most_objects,
                               .most_bytes = h->most_bytes,
                               .born = h->born,
                               .died = h->died,
                               .refs = t->refs,
                               .unrefs = t->unrefs };
    h->most_objects = t->live_objects;
    h->most_bytes = bytes_of(t);
    return pulse;
}

static void sample(struct work_history *h)
{
    if (!prof_vec_push(&h->samples, take(h)))
        h->no_memory = true;
    if (++h->kept % PER_STEP == 0)
        h->step_us *= 2;
    h->due_us = h->totals->end_us + h->step_us;
}

/* Births and deaths before the state that a trace begins with are known by type only. */
static void count_before(struct work_history *h)
{
    uint64_t born = 0, died = 0;
    for (prof_type_id id = 0; id < prof_heap_type_max(h->heap); id++) {
        born += prof_heap_type(h->heap, id)->born;
        died += prof_heap_type(h->heap, id)->died;
    }
    h->born = born;
    h->died = died;
    h->counted = true;
}

/* ---- Going along ---- */

static void on_begin(void *ctx, struct prof_heap *heap)
{
    struct work_history *h = ctx;
    h->heap = heap;
    h->totals = prof_heap_totals(heap);
    h->inner->begin(h->inner->ctx, heap);
}

static void on_born(void *ctx, prof_obj_id id, bool old)
{
    struct work_history *h = ctx;
    h->born += !old;
    h->inner->born(h->inner->ctx, id, old);
}

static void on_died(void *ctx, prof_obj_id id)
{
    struct work_history *h = ctx;
    int generation = prof_gc_generation(h->gc, id);
    prof_type_id type = prof_heap_obj(h->heap, id)->type;
    h->died++;
    while (generation >= 0 && generation < PROF_GC_GENERATIONS && type >= h->deaths.count && !h->no_memory)
        h->no_memory = !prof_vec_push(&h->deaths, (struct deaths){ 0 });
    if (generation >= 0 && generation < PROF_GC_GENERATIONS && type < h->deaths.count) {
        h->deaths.items[type].in[generation]++;
        h->all.in[generation]++;
    }
    h->inner->died(h->inner->ctx, id);
}

static bool on_applied(void *ctx, const struct prof_event *event, prof_obj_id id)
{
    struct work_history *h = ctx;
    const struct prof_heap_totals *t = h->totals;
    uint64_t bytes = bytes_of(t);
    if (!h->counted)
        count_before(h);
    bool good = h->inner->applied(h->inner->ctx, event, id);
    h->most_bytes = bytes > h->most_bytes ? bytes : h->most_bytes;
    h->most_objects = t->live_objects > h->most_objects ? t->live_objects : h->most_objects;
    if (t->end_us >= h->due_us)
        sample(h);
    return good && !h->no_memory;
}

static struct prof_error *on_save(void *ctx, struct prof_error *(*put)(void *to, const uint64_t *words, size_t count),
                                  void *to)
{
    const struct work_history *h = ctx;
    return h->inner->save(h->inner->ctx, put, to);
}

static const char *on_restored(void *ctx, const uint64_t *words, size_t count)
{
    const struct work_history *h = ctx;
    return h->inner->restored(h->inner->ctx, words, count);
}

static void on_pass(void *ctx, struct prof_gc *gc, bool stop, const struct prof_gc_pass *pass)
{
    struct work_history *h = ctx;
    (void)gc;
    if (!stop)
        return;
    if (h->pass_count == WORK_PASSES * 2) {
        h->pass_count = WORK_PASSES;
        memmove(h->passes, h->passes + WORK_PASSES, WORK_PASSES * sizeof *h->passes);
    }
    h->passes[h->pass_count++] = *pass;
    h->pass_all = pass->number;
}

/* ---- Life ---- */

struct prof_error *work_history_create(struct work_history **ret)
{
    struct work_history *h = calloc(1, sizeof *h);
    if (h == NULL)
        return prof_error_memory();
    const struct prof_gc_options options = { .event = prof_gc_obey, .event_ctx = &h->commands };
    struct prof_error *error = prof_gc_create(&options, &h->gc);
    if (error == NULL && !prof_gc_add_callback(h->gc, on_pass, h))
        error = prof_error_memory();
    if (error != NULL) {
        work_history_destroy(h);
        return error;
    }
    h->inner = prof_gc_follow(h->gc);
    h->follow = (struct prof_heap_follow){ .begin = on_begin,
                                           .born = on_born,
                                           .died = on_died,
                                           .applied = on_applied,
                                           .save = on_save,
                                           .restored = on_restored,
                                           .ctx = h };
    h->step_us = FIRST_STEP_US;
    *ret = h;
    return NULL;
}

void work_history_destroy(struct work_history *h)
{
    if (h == NULL)
        return;
    prof_gc_destroy(h->gc);
    prof_error_destroy(h->commands.error);
    prof_vec_deinit(&h->samples);
    prof_vec_deinit(&h->deaths);
    free(h);
}

struct prof_gc *work_history_gc(struct work_history *h)
{
    return h->gc;
}

const struct prof_heap_follow *work_history_follow(struct work_history *h)
{
    return &h->follow;
}

/* ---- What is told ---- */

static json_t *pulse_json(const struct tui_pulse *pulse)
{
    const uint64_t values[] = { pulse->at_us,        pulse->events, pulse->lost,        pulse->objects,
                                pulse->object_bytes, pulse->blocks, pulse->block_bytes, pulse->born,
                                pulse->died,         pulse->refs,   pulse->unrefs,      pulse->most_objects,
                                pulse->most_bytes };
    json_t *array = json_array();
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        json_array_append_new(array, json_integer((json_int_t)values[i]));
    return array;
}

static json_t *mark_json(const char *name, uint64_t at_us, const char *kind, uint64_t objects, uint64_t bytes)
{
    return json_pack("[o,I,s,I,I]", work_text(name), (json_int_t)at_us, kind, (json_int_t)objects, (json_int_t)bytes);
}

/* From those on that were not told yet. Of very many some go: then all are told again. */
static void tell_marks(struct work_history *h, json_t *news)
{
    const struct prof_mark *marks;
    const struct prof_checkpoint *looks;
    size_t mark_count = prof_heap_marks(h->heap, &marks), look_count = prof_heap_checkpoints(h->heap, &looks);
    bool anew = h->totals->marks_thinned != h->told_thinned;
    size_t m = anew ? 0 : h->told_marks, k = anew ? 0 : h->told_looks, from = m + k;
    json_t *told = json_array();
    while (m < mark_count || k < look_count) {
        /* in the order of `reftrack marks`: a mark that asked for a look comes first */
        bool look = k < look_count && (m == mark_count || looks[k].events <= marks[m].events);
        json_array_append_new(
            told, look ? mark_json(looks[k].name, looks[k].at_us, "memory", looks[k].live_objects, looks[k].live_bytes)
                       : mark_json(marks[m].name, marks[m].at_us, prof_op_name(marks[m].kind), marks[m].live_objects,
                                   marks[m].live_bytes));
        m += !look;
        k += look;
    }
    h->told_marks = m;
    h->told_looks = k;
    h->told_thinned = h->totals->marks_thinned;
    json_object_update_new(
        news, json_pack("{s:o,s:I,s:b}", "marks", told, "marks_from", (json_int_t)from, "marks_anew", anew));
}

json_t *work_history_news(struct work_history *h, const struct prof_trace *trace)
{
    json_t *moments = json_array();
    h->lost = work_lost(trace);
    if (!h->counted)
        count_before(h);
    for (size_t i = 0; i < h->samples.count; i++)
        json_array_append_new(moments, pulse_json(&h->samples.items[i]));
    h->samples.count = 0;
    const struct tui_pulse now = take(h);
    json_t *news = json_pack("{s:o,s:o}", "pulse", pulse_json(&now), "history", moments);
    tell_marks(h, news);
    return news;
}

size_t work_history_passes(struct work_history *h, const struct prof_gc_pass **ret, uint64_t *ret_all)
{
    size_t count = h->pass_count < WORK_PASSES ? h->pass_count : WORK_PASSES;
    *ret = h->passes + h->pass_count - count;
    *ret_all = h->pass_all;
    return count;
}

uint64_t work_history_died(const struct work_history *h, prof_type_id type, unsigned generation)
{
    return type < h->deaths.count ? h->deaths.items[type].in[generation] : 0;
}

uint64_t work_history_all_died(const struct work_history *h, unsigned generation)
{
    return h->all.in[generation];
}
