/* growth.c: what keeps growing: live objects of one type and place of birth, and plain blocks of one place, compared at
 * moments of the run.
 *
 * Two marks or more decide, where they cover the run: a kind grows when there is more of it at every mark than at the
 * one before, and the last interval still adds a tenth of the mean (the rule is that of CPython's refleak hunter: one
 * interval without growth acquits). One interval alone cannot tell filling from growing and needs a kind that was there
 * already, and more than a trickle. What there is less of at the end than at the last moment shrank again. Without
 * marks samples of memory over a minute or more serve: growth in each of the last two thirds of the run, well above the
 * scatter around its trend.
 *
 * A kind held mostly by another growing kind is folded below it. What is lost for certain is not said twice. */
#include "group.h"

#include <stdlib.h>
#include <string.h>

enum {
    STEPS_MAX = 32,
    FEW_OBJECTS = 16,       /* what one interval must add */
    FEW_BY_TIME = 8,        /* what two thirds of a run must add */
    FEW_BYTES = 64 << 10,   /* of plain blocks */
    LONG_US = 60 * 1000000, /* samples of memory say something from here on */
};

/* The moments that are compared. */
struct scale {
    const struct prof_moment *moments;
    size_t at[STEPS_MAX], count;
    size_t samples[STEPS_MAX], sample_count; /* by time: all samples from the first step on */
    bool by_time;
};

/* A population, or several that differ only above the site. */
struct kin {
    bool blocks, grows;
    bool rose; /* it does not grow, but is above its peak: see struct prof_rise */
    prof_type_id type;
    uint32_t born_stack; /* of the largest one */
    uint64_t born_live;
    uint64_t live, bytes, with_objects; /* now, all of them */
    struct prof_then *then;             /* by moment */
    /* Living members in the window. */
    uint64_t objects, object_bytes, leaked, excused, first_us, last_us, sample_addr;
    prof_obj_id samples[GROUP_SAMPLES];
    size_t sample_count, open_first, open_count;
    uint64_t below, below_votes; /* members held only by members of other growing kinds; majority vote for: */
    uint32_t holder;             /* index into list, UINT32_MAX */
    uint64_t folded_objects, folded_bytes;
};

struct growth {
    struct analysis *a;
    struct scale scale;
    size_t moment_count;
    PROF_VEC(struct kin) list;
    PROF_VEC(struct open_sum) opens; /* group: index into list */
    struct map of_population, of_site, open_of_key;
    struct prof_then *then;
};

/* ---- Moments ------------------------------------------------------------------------------------------------------
 */

/* Samples of memory from the end of the first third on, and the thirds as steps. */
static void scale_by_time(const struct analysis *a, const struct prof_moment *moments, size_t count,
                          struct scale *scale)
{
    size_t samples[STEPS_MAX], n = 0;

    *scale = (struct scale){ .moments = moments, .by_time = true };
    for (size_t i = 0; i < count && n < STEPS_MAX; i++) {
        if (moments[i].name == NULL && in_window(a, moments[i].at_us))
            samples[n++] = i;
    }
    if (n < 2)
        return;
    uint64_t begin = moments[samples[0]].at_us, span = moments[samples[n - 1]].at_us - begin;
    if (span < LONG_US)
        return;
    for (size_t i = 0; i < n; i++) {
        uint64_t since = moments[samples[i]].at_us - begin;
        if (since < span / 3)
            continue;
        scale->samples[scale->sample_count++] = samples[i];
        if (scale->count == 0 || (scale->count == 1 && since >= span / 3 * 2 && i + 1 < n) || i + 1 == n)
            scale->at[scale->count++] = samples[i];
    }
    if (scale->count < 3 || scale->sample_count < 4)
        scale->count = 0;
}

static void scale_make(const struct analysis *a, const struct prof_moment *moments, size_t count, struct scale *scale)
{
    struct scale by_time;

    *scale = (struct scale){ .moments = moments };
    for (size_t i = 0; i < count && scale->count < STEPS_MAX; i++) {
        if (moments[i].name != NULL && in_window(a, moments[i].at_us))
            scale->at[scale->count++] = i;
    }
    scale_by_time(a, moments, count, &by_time);
    // Marks around the start of a long run say nothing about the rest.
    bool covered = scale->count >= 2;
    if (covered && by_time.count > 0) {
        uint64_t marks = moments[scale->at[scale->count - 1]].at_us - moments[scale->at[0]].at_us;
        covered = marks >= (moments[by_time.at[2]].at_us - moments[by_time.at[0]].at_us) / 2;
    }
    if (!covered)
        *scale = by_time;
}

/* ---- Judgement ----------------------------------------------------------------------------------------------------
 */

/* Blocks are measured in bytes: a buffer that is enlarged again and again stays one block. */
static uint64_t value_at(const struct kin *kin, size_t moment)
{
    return kin->blocks ? kin->then[moment].bytes : kin->then[moment].live;
}

/* The trend over all samples stands out from the scatter around it. */
static bool above_scatter(const struct growth *g, const struct kin *kin)
{
    const struct scale *s = &g->scale;
    struct bytes_point points[STEPS_MAX];
    double mean = 0, mean_us = 0, rest = 0;
    size_t n = s->sample_count;

    if (n < 3)
        return false;
    for (size_t i = 0; i < n; i++) {
        points[i] = (struct bytes_point){ s->moments[s->samples[i]].at_us, (double)value_at(kin, s->samples[i]) };
        mean += points[i].value / (double)n;
        mean_us += (double)points[i].at_us / (double)n;
    }
    double slope = bytes_slope(points, n) / 3600e6;
    for (size_t i = 0; i < n; i++) {
        double off = points[i].value - mean - slope * ((double)points[i].at_us - mean_us);
        rest += off * off / (double)(n - 2);
    }
    double rise = slope * (double)(points[n - 1].at_us - points[0].at_us);
    return rise > 0 && rise * rise > 16 * rest;
}

size_t growth_peak(const uint64_t *values, size_t count)
{
    size_t rise = count - 1, peak = 0;

    while (rise > 0 && values[rise - 1] <= values[rise])
        rise--;
    for (size_t i = 1; i <= rise; i++)
        peak = values[i] > values[peak] ? i : peak;
    return peak;
}

static bool grows(const struct growth *g, const struct kin *kin)
{
    const struct scale *s = &g->scale;
    uint64_t values[STEPS_MAX + 1], now = kin->blocks ? kin->bytes : kin->live, first = value_at(kin, s->at[0]);
    uint64_t before = first;

    for (size_t i = 0; i < s->count; i++)
        values[i] = value_at(kin, s->at[i]);
    values[s->count] = now;
    if (now <= values[growth_peak(values, s->count + 1)] || kin->with_objects * 2 > kin->live)
        return false;
    for (size_t i = 1; i < s->count; i++) {
        if (values[i] <= before)
            return false;
        if (i + 1 == s->count && (values[i] - before) * 10 * (s->count - 1) < values[i] - first)
            return false;
        before = values[i];
    }
    uint64_t total = before - first;
    if (kin->blocks && total < FEW_BYTES)
        return false;
    if (s->by_time)
        return (kin->blocks || total >= FEW_BY_TIME) && above_scatter(g, kin);
    return s->count > 2 || (first > 0 && total * 10 > first && (kin->blocks || total >= FEW_OBJECTS));
}

/* Not more at every mark, but more than at any before it rose, and not yet done with that. */
static bool rose(const struct growth *g, const struct kin *kin)
{
    const struct scale *s = &g->scale;
    uint64_t values[STEPS_MAX + 1];

    if (kin->grows || kin->blocks || s->by_time || s->count < 3)
        return false;
    for (size_t i = 0; i < s->count; i++)
        values[i] = value_at(kin, s->at[i]);
    values[s->count] = kin->live;
    uint64_t peak = values[growth_peak(values, s->count + 1)], last = values[s->count - 1];
    if (last < peak + FEW_OBJECTS || kin->live < last || last <= values[s->count - 2])
        return false;
    return (last - values[s->count - 2]) * 10 * (s->count - 1) >= last - peak && (last - peak) * 10 > peak;
}

/* ---- Kinds --------------------------------------------------------------------------------------------------------
 */

static uint64_t key_of(bool blocks, prof_type_id type, uint32_t stack)
{
    return ((uint64_t)blocks << 63) ^ (((uint64_t)type + 1) << 32 | stack);
}

static bool gather(struct growth *g, const struct prof_population *populations, size_t count)
{
    struct analysis *a = g->a;

    g->then = calloc(count * g->moment_count + 1, sizeof *g->then);
    if (g->then == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct prof_population *p = &populations[i];
        uint32_t site = site_of(a, p->stack);
        uint64_t key = key_of(p->blocks, p->type, site);
        uint32_t at = map_get(&g->of_site, key);
        if (site == UINT32_MAX)
            return false;
        if (at == UINT32_MAX) {
            at = (uint32_t)g->list.count;
            struct kin fresh = { .blocks = p->blocks, .type = p->type, .first_us = UINT64_MAX, .holder = UINT32_MAX };
            fresh.then = g->then + (size_t)at * g->moment_count;
            if (!map_put(&g->of_site, key, at) || !prof_vec_push(&g->list, fresh))
                return false;
        }
        if (!map_put(&g->of_population, key_of(p->blocks, p->type, p->stack), at))
            return false;
        struct kin *kin = &g->list.items[at];
        if (p->live > kin->born_live || (p->live == kin->born_live && p->stack < kin->born_stack)) {
            kin->born_live = p->live;
            kin->born_stack = p->stack;
        }
        kin->live += p->live;
        kin->bytes += p->bytes;
        kin->with_objects += p->with_objects;
        for (size_t m = 0; m < g->moment_count; m++) {
            kin->then[m].live += p->then[m].live;
            kin->then[m].bytes += p->then[m].bytes;
        }
    }
    return true;
}

/* ---- Members ------------------------------------------------------------------------------------------------------
 */

static void add_sample(const struct analysis *a, struct kin *kin, prof_obj_id id)
{
    uint32_t serial = prof_heap_obj(a->heap, id)->serial;
    size_t at = kin->sample_count;

    if (at == GROUP_SAMPLES) {
        if (prof_heap_obj(a->heap, kin->samples[at - 1])->serial <= serial)
            return;
        at--;
    } else {
        kin->sample_count++;
    }
    for (; at > 0 && prof_heap_obj(a->heap, kin->samples[at - 1])->serial > serial; at--)
        kin->samples[at] = kin->samples[at - 1];
    kin->samples[at] = id;
}

static bool sum_holder(struct growth *g, uint32_t at, uint8_t rank, const struct prof_finding_open *open)
{
    uint32_t site = site_of(g->a, open->moved_stack != 0 ? open->moved_stack : open->stack);
    uint64_t key = map_mix((uint64_t)at << 32 | site, rank);

    if (site == UINT32_MAX)
        return false;
    key = map_mix(key, group_hash(open->holder_type));
    key = map_mix(key, group_hash(open->holder_field));
    key = map_mix(key, group_hash(open->holder_text));
    uint32_t index = map_get(&g->open_of_key, key);
    if (index == UINT32_MAX) {
        struct open_sum fresh = { .group = at, .rank = rank, .open = *open };
        return map_put(&g->open_of_key, key, (uint32_t)g->opens.count) && prof_vec_push(&g->opens, fresh);
    }
    g->opens.items[index].open.count++;
    return true;
}

static bool sum_owner(struct growth *g, uint32_t at, uint8_t rank, const struct prof_open *ref,
                      const struct owner *owner)
{
    struct prof_finding_open open = { .stack = ref->stack,
                                      .moved_stack = ref->moved_stack,
                                      .count = 1,
                                      .pairing = PROF_PAIR_SLOT,
                                      .birth = (ref->flags & PROF_OPEN_WAS_BIRTH) != 0,
                                      .holder_type = owner->type,
                                      .holder_field = owner->field,
                                      .holder_obj = owner->obj,
                                      .holder_serial = owner->serial,
                                      .holder_text = owner->text };
    return sum_holder(g, at, rank, &open);
}

/* What holds the object that a member hangs on: its globals, or the reason it may stay. */
static bool sum_root(struct growth *g, uint32_t at, prof_obj_id root)
{
    struct analysis *a = g->a;
    const struct prof_obj *obj = prof_heap_obj(a->heap, root);
    bool found = false;

    for (uint32_t i = obj->first_open; i != 0;) {
        const struct prof_open *ref = prof_heap_open(a->heap, i);
        struct owner owner;
        i = ref->next;
        if (!owner_of(a, ref, &owner))
            return false;
        if (!owner_is_root(a, &owner))
            continue;
        found = true;
        if (!sum_owner(g, at, 0, ref, &owner))
            return false;
    }
    if (found)
        return true;
    struct prof_finding_open open = { .stack = obj->stack, .count = 1, .pairing = PROF_PAIR_SLOT };
    return group_held_reason(a, root, &open.holder_text) && sum_holder(g, at, 0, &open);
}

/* The growing kind of an object; UINT32_MAX: none. */
static uint32_t kin_of(const struct growth *g, prof_obj_id id)
{
    const struct prof_obj *obj = prof_heap_obj(g->a->heap, id);
    uint32_t at = map_get(&g->of_population, key_of(false, obj->type, obj->stack));
    return at != UINT32_MAX && g->list.items[at].grows ? at : UINT32_MAX;
}

/* Its own owners that are objects or other memory; who of them grows too. */
static bool sum_direct(struct growth *g, uint32_t at, prof_obj_id id)
{
    struct analysis *a = g->a;
    uint32_t other = UINT32_MAX;
    bool elsewhere = false;

    for (uint32_t i = prof_heap_obj(a->heap, id)->first_open; i != 0;) {
        const struct prof_open *ref = prof_heap_open(a->heap, i);
        struct owner owner;
        i = ref->next;
        if (!owner_of(a, ref, &owner))
            return false;
        if (owner.kind == OWNER_NOBODY)
            continue;
        uint32_t by = owner.kind == OWNER_OBJECT ? kin_of(g, owner.obj) : UINT32_MAX;
        if (by != UINT32_MAX && by != at)
            other = by;
        else
            elsewhere = true;
        if (!owner_is_root(a, &owner) && !sum_owner(g, at, 1, ref, &owner))
            return false;
    }
    struct kin *kin = &g->list.items[at];
    if (other == UINT32_MAX || elsewhere)
        return true;
    kin->below++;
    if (kin->below_votes == 0)
        kin->holder = other;
    kin->below_votes += kin->holder == other ? 1 : (uint64_t)-1;
    return true;
}

static void see_birth(struct kin *kin, uint64_t at_us, uint64_t bytes)
{
    kin->objects++;
    kin->object_bytes += bytes;
    kin->first_us = at_us < kin->first_us ? at_us : kin->first_us;
    kin->last_us = at_us > kin->last_us ? at_us : kin->last_us;
}

static bool add_objects(struct growth *g)
{
    struct analysis *a = g->a;

    for (prof_obj_id id = 1; id < a->n; id++) {
        const struct prof_obj *obj = prof_heap_obj(a->heap, id);
        bool alive = obj->state == PROF_OBJ_ALIVE || obj->state == PROF_OBJ_ZERO || obj->state == PROF_OBJ_PARKED;
        if (!alive || (obj->flags & PROF_OBJ_SKEWED) != 0 || !in_window(a, obj->born_us))
            continue;
        uint32_t at = kin_of(g, id);
        if (at == UINT32_MAX)
            continue;
        struct kin *kin = &g->list.items[at];
        see_birth(kin, obj->born_us, group_bytes(a, obj));
        kin->leaked += a->fate[id] == FATE_LEAKED;
        kin->excused += (obj->flags & PROF_OBJ_MAY_LEAK) != 0;
        add_sample(a, kin, id);
        bool hangs = a->fate[id] == FATE_REACHABLE && a->root[id] != GRAPH_NONE;
        if (!sum_direct(g, at, id) || (hangs && !sum_root(g, at, a->root[id])))
            return false;
    }
    return true;
}

static void add_blocks(struct growth *g)
{
    struct analysis *a = g->a;

    for (prof_block_id id = 1; id < prof_heap_block_max(a->heap); id++) {
        const struct prof_block *block = prof_heap_block(a->heap, id);
        if (!block_is_plain(block) || !in_window(a, block->born_us))
            continue;
        uint32_t at = map_get(&g->of_population, key_of(true, 0, block->stack));
        if (at == UINT32_MAX || !g->list.items[at].grows)
            continue;
        struct kin *kin = &g->list.items[at];
        if (kin->objects == 0)
            kin->sample_addr = block->addr;
        see_birth(kin, block->born_us, block->size);
    }
}

/* ---- Findings -----------------------------------------------------------------------------------------------------
 */

static bool is_told(const struct growth *g, const struct kin *kin)
{
    // When the run has ended what leaked is certain, and a finding of its own.
    return kin->grows && kin->objects > 0 && !(g->a->ended && kin->leaked * 2 >= kin->objects);
}

/* Kinds held mostly by another growing kind are folded below the outermost one. */
static void fold(struct growth *g)
{
    for (size_t i = 0; i < g->list.count; i++) {
        struct kin *kin = &g->list.items[i];
        if (!is_told(g, kin) || kin->below * 2 <= kin->objects || !is_told(g, &g->list.items[kin->holder]))
            kin->holder = UINT32_MAX;
    }
    for (size_t i = 0; i < g->list.count; i++) {
        uint32_t top = (uint32_t)i;
        size_t steps = 0;
        while (g->list.items[top].holder != UINT32_MAX && steps++ < g->list.count)
            top = g->list.items[top].holder;
        if (steps > g->list.count) { // they hold each other: this one stands for all
            g->list.items[i].holder = UINT32_MAX;
            continue;
        }
        if (top == i)
            continue;
        g->list.items[top].folded_objects += g->list.items[i].objects;
        g->list.items[top].folded_bytes += g->list.items[i].object_bytes;
    }
}

static const struct prof_finding_step *steps_of(struct growth *g, const struct kin *kin)
{
    const struct scale *s = &g->scale;
    struct prof_finding_step *steps = prof_arena_alloc(g->a->arena, s->count * sizeof *steps);

    for (size_t i = 0; steps != NULL && i < s->count; i++)
        steps[i] = (struct prof_finding_step){ .mark = s->moments[s->at[i]].name,
                                               .at_us = s->moments[s->at[i]].at_us,
                                               .objects = kin->then[s->at[i]].live,
                                               .bytes = kin->then[s->at[i]].bytes };
    return steps;
}

/* "between marks warm and end: +1000 objects, +1016000 bytes". */
static const char *sentence(struct analysis *a, const struct prof_finding *f)
{
    const struct prof_finding_step *first = &f->steps[0], *last = &f->steps[f->step_count - 1];
    long long objects = (long long)(last->objects - first->objects), bytes = (long long)(last->bytes - first->bytes);
    const char *what = f->type[0] != '\0' ? "object" : "block";
    struct prof_str str = { 0 };
    const char *copy = NULL;

    if (first->mark != NULL)
        prof_str_addf(&str, "between marks %s and %s", first->mark, last->mark);
    else
        prof_str_addf(&str, "from %llu s to %llu s", (unsigned long long)(first->at_us / 1000000),
                      (unsigned long long)(last->at_us / 1000000));
    prof_str_addf(&str, ": %+lld %s%s, %+lld bytes", objects, what, objects == 1 ? "" : "s", bytes);
    if (f->step_count > 2)
        prof_str_addf(&str, ", more in each of %zu intervals", f->step_count - 1);
    if (!str.failed)
        copy = prof_arena_strdup(a->arena, str.text);
    prof_str_deinit(&str);
    return copy;
}

static bool tell(struct growth *g, const struct kin *kin)
{
    struct analysis *a = g->a;
    struct prof_finding f = finding_blank(PROF_GROWTH, kin->blocks ? "" : prof_heap_type(a->heap, kin->type)->name);
    prof_obj_id *samples = prof_arena_alloc(a->arena, sizeof kin->samples);

    if (samples == NULL)
        return false;
    memcpy(samples, kin->samples, sizeof kin->samples);
    f.samples = samples;
    f.sample_count = kin->sample_count;
    f.sample_addr = kin->sample_addr;
    f.objects = kin->objects;
    f.bytes = kin->object_bytes;
    f.collateral_objects = kin->folded_objects;
    f.collateral_bytes = kin->folded_bytes;
    f.first_us = kin->first_us;
    f.last_us = kin->last_us;
    f.born_stack = f.place_stack = kin->born_stack;
    f.strength = g->scale.count > 2 ? PROF_STATISTICAL : PROF_SUSPECT;
    f.reasons = a->lost > 0           ? "events were lost: what died may have been missed"
                : g->scale.count == 2 ? "what fills up once looks the same between two marks; a third one would tell"
                                      : "a trend, which may be meant";
    if (kin->excused * 2 > kin->objects)
        f.suppressed_by = "may-leak: most of them";
    fingerprint_make(a->symbols, PROF_GROWTH, f.type, f.born_stack, f.fingerprint);
    if (!open_sum_fill(g->a, g->opens.items, kin->open_first, kin->open_count, &f) ||
        (f.steps = steps_of(g, kin)) == NULL)
        return false;
    f.step_count = g->scale.count;
    f.sentence = sentence(a, &f);
    return f.sentence != NULL && prof_vec_push(&a->out->list, f);
}

static bool tell_all(struct growth *g)
{
    if (g->opens.count > 0)
        qsort(g->opens.items, g->opens.count, sizeof *g->opens.items, open_sum_order);
    for (size_t i = 0; i < g->opens.count; i++) {
        struct kin *kin = &g->list.items[g->opens.items[i].group];
        if (kin->open_count++ == 0)
            kin->open_first = i;
    }
    for (size_t i = 0; i < g->list.count; i++) {
        const struct kin *kin = &g->list.items[i];
        if (is_told(g, kin) && kin->holder == UINT32_MAX && !tell(g, kin))
            return false;
    }
    return true;
}

/* Of the kinds that rose and are held, not kept on purpose, the one of most bytes. false without memory. */
static bool tell_rise(struct growth *g)
{
    struct analysis *a = g->a;
    const struct kin *most = NULL;

    for (prof_obj_id id = 1; id < a->n; id++) {
        const struct prof_obj *obj = prof_heap_obj(a->heap, id);
        uint32_t at = map_get(&g->of_population, key_of(false, obj->type, obj->stack));
        struct kin *kin = at != UINT32_MAX ? &g->list.items[at] : NULL;
        if (kin != NULL && kin->rose && a->fate[id] == FATE_REACHABLE && !kept_on_purpose(a, obj) &&
            in_window(a, obj->born_us))
            kin->objects++;
    }
    for (size_t i = 0; i < g->list.count; i++) {
        const struct kin *kin = &g->list.items[i];
        if (kin->rose && kin->objects * 2 > kin->live && (most == NULL || kin->bytes > most->bytes))
            most = kin;
    }
    if (most == NULL)
        return true;
    struct prof_rise rise = { .type = prof_heap_type(a->heap, most->type)->name,
                              .born_stack = most->born_stack,
                              .steps = steps_of(g, most),
                              .step_count = g->scale.count,
                              .now = most->live };
    if (rise.steps != NULL)
        a->out->rise = rise;
    return rise.steps != NULL;
}

struct prof_error *growth_findings(struct analysis *a)
{
    struct growth g = { .a = a };
    const struct prof_moment *moments;
    const struct prof_population *populations;
    size_t count, growing = 0, rising = 0;

    g.moment_count = prof_heap_moments(a->heap, &moments);
    scale_make(a, moments, g.moment_count, &g.scale);
    if (g.scale.count < 2)
        return NULL;
    struct prof_error *error = prof_heap_populations(a->heap, &populations, &count);
    if (error != NULL)
        return error;
    bool good = gather(&g, populations, count);
    for (size_t i = 0; good && i < g.list.count; i++)
        growing += g.list.items[i].grows = grows(&g, &g.list.items[i]);
    for (size_t i = 0; good && i < g.list.count; i++)
        rising += g.list.items[i].rose = rose(&g, &g.list.items[i]);
    if (good && rising > 0)
        good = tell_rise(&g);
    if (good && growing > 0) {
        good = add_objects(&g);
        add_blocks(&g);
        fold(&g);
        good = good && tell_all(&g);
    }
    prof_vec_deinit(&g.list);
    prof_vec_deinit(&g.opens);
    map_deinit(&g.of_population);
    map_deinit(&g.of_site);
    map_deinit(&g.open_of_key);
    free(g.then);
    return good ? NULL : prof_error_memory();
}
