/* incident.c: what was noticed while events were applied: releases too many, uses after death, broken promises.
 * Incidents that only explain a leak (overwritten slots, freed holders) are findings of the leaked objects, not of
 * their own. */
#include "analysis.h"

#include <string.h>
#include <xxhash.h>

struct incidents {
    struct analysis *a;
    struct map index;     /* fingerprint, line and wording -> out->list */
    struct map scope_now; /* (type, birth stack, scope name) -> objects alive now */
};

static uint64_t scope_key(prof_type_id type, uint32_t stack, const char *scope)
{
    return map_mix((uint64_t)type << 32 | stack, XXH64(scope, strlen(scope), 11));
}

/* Objects alive now that were born in a scope: they are reported as leaked, not once more as left. */
static bool count_scopes(struct incidents *in)
{
    struct analysis *a = in->a;
    const struct prof_scope *scopes;
    size_t count = prof_heap_scopes(a->heap, &scopes);

    for (prof_obj_id id = 1; count > 1 && id < prof_heap_obj_max(a->heap); id++) {
        const struct prof_obj *obj = prof_heap_obj(a->heap, id);
        if ((obj->state != PROF_OBJ_ALIVE && obj->state != PROF_OBJ_ZERO) || obj->scope == 0 || obj->scope >= count ||
            scopes[obj->scope].end_us == 0)
            continue;
        uint64_t key = scope_key(obj->type, obj->stack, scopes[obj->scope].name);
        uint32_t now = map_get(&in->scope_now, key);
        if (!map_put(&in->scope_now, key, now == UINT32_MAX ? 1 : now + 1))
            return false;
    }
    return true;
}

static void weaken(struct prof_str *why, enum prof_strength *strength, enum prof_strength to, const char *text)
{
    if (*strength < to)
        *strength = to;
    if (why->length > 0)
        prof_str_add(why, "; ");
    prof_str_add(why, text);
}

enum {
    NEAR_US = 50000,      /* a few ticks of the recorder's clock */
    NEAR_EXACT_US = 5000, /* with exact times: what a thread may be stopped for between its deed and its word */
};

/* Which of the two places came first is not known: the merge said so, other threads acted at one time as far as clocks
 * tell, or they did so at times near each other while the merge had to guess elsewhere (a wrong choice shows later than
 * where it was made). */
static bool order_is_guess(const struct analysis *a, const struct prof_incident *incident)
{
    bool same_thread = incident->other_tid != 0 && incident->tid == incident->other_tid;
    bool forced = prof_heap_totals(a->heap)->forced > 0;
    const struct prof_trace *trace = prof_heap_trace(a->heap);
    const struct prof_trace_info *info = prof_trace_info(trace);
    uint64_t near = info->exact_time || info->exact_hooked ? NEAR_EXACT_US : NEAR_US;
    uint64_t apart = incident->at_us > incident->other_us ? incident->at_us - incident->other_us
                                                          : incident->other_us - incident->at_us;
    if (incident->told)
        return false;
    if (incident->forced)
        return true;
    if (apart >= near)
        return false;
    // Of a free, the thread that last took a reference says little: the releases that are missing may be another's.
    if (same_thread)
        return forced && incident->kind == PROF_INCIDENT_FREED_ALIVE;
    return forced || (incident->other_tid != 0 && prof_trace_same_time(trace, incident->at_us, incident->other_us));
}

static void judge(struct analysis *a, const struct prof_incident *incident, const struct prof_obj *obj, uint64_t times,
                  struct prof_str *why, enum prof_strength *strength)
{
    *strength = PROF_PROVEN;
    if (incident->kind == PROF_INCIDENT_FREED_ALIVE)
        weaken(why, strength, incident->count > 1 ? PROF_PROBABLE : PROF_SUSPECT,
               incident->count > 1 ? "an object may be destroyed by force"
                                   : "the last owner may free without giving its reference back");
    if (incident->kind == PROF_INCIDENT_SCOPE_LEFT)
        weaken(why, strength, PROF_PROBABLE, "it was released later");
    if (order_is_guess(a, incident))
        weaken(why, strength, PROF_SUSPECT, "the order of the threads is a guess here");
    if (incident->reused)
        weaken(why, strength, order_is_guess(a, incident) ? PROF_SUSPECT : PROF_PROBABLE,
               "the address was used again in the meantime");
    if (obj != NULL && (obj->flags & PROF_OBJ_SKEWED) != 0)
        weaken(why, strength, PROF_SUSPECT, "born before recording began");
    if (obj != NULL && (obj->flags & PROF_OBJ_MISCOUNT) != 0)
        weaken(why, strength, PROF_SUSPECT,
               "an observed count does not fit the events: somebody counts without telling");
    if (a->lost > 0)
        weaken(why, strength, a->lost >= times ? PROF_SUSPECT : PROF_PROBABLE, "events were lost");
}

/* The words of an incident; false: it is no finding of its own. */
static bool describe(struct analysis *a, const struct prof_incident *incident, const struct prof_obj *obj,
                     struct prof_finding *f, struct prof_str *text)
{
    const char *scope;

    f->other_stack = incident->other_stack;
    switch (incident->kind) {
    case PROF_INCIDENT_OVER_RELEASE:
        f->verdict = PROF_OVER_RELEASED;
        f->other_what = "count reached 0 at";
        prof_str_addf(text, "released once more after its count had reached 0: count is %lld",
                      (long long)incident->count);
        return true;
    case PROF_INCIDENT_USE_AFTER:
        f->verdict = PROF_USE_AFTER_RELEASE;
        // The release that ended it says more than its destructor.
        if (obj != NULL && obj->zero_stack != 0)
            f->other_stack = obj->zero_stack;
        f->other_what = f->other_stack != incident->other_stack ? "last released at" : "died at";
        prof_str_add(text, "used after it had died");
        return true;
    case PROF_INCIDENT_FREED_ALIVE:
        f->verdict = PROF_OVER_RELEASED;
        f->other_what = incident->other_stack != 0 ? "last referenced at" : NULL;
        prof_str_addf(text, "freed while %lld reference%s open", (long long)incident->count,
                      incident->count == 1 ? " was" : "s were");
        return true;
    case PROF_INCIDENT_DOUBLE_FREE:
        /* Threads that take turns with an address faster than the clock tells leave nothing to be known; and once one
         * event was placed by a guess, a later free may be the one that is missing there. */
        if (order_is_guess(a, incident) || prof_heap_totals(a->heap)->forced > 0)
            return false;
        f->verdict = PROF_OVER_RELEASED;
        f->other_what = "first freed at";
        prof_str_add(text, "its block was freed twice");
        return true;
    case PROF_INCIDENT_ASSERT_FREED:
        f->verdict = PROF_MISSING_UNREF;
        f->other_what = incident->other_stack != 0 ? "born at" : NULL;
        prof_str_addf(text, "asserted to be freed, but its count was %lld", (long long)incident->count);
        return true;
    case PROF_INCIDENT_RESURRECTED:
        f->verdict = PROF_RESURRECTED;
        f->other_what = incident->other_stack != 0 ? "destroyed at" : NULL;
        prof_str_add(text, "a reference was taken inside its destructor and kept");
        return true;
    case PROF_INCIDENT_SCOPE_LEFT:
        f->verdict = PROF_MISSING_UNREF;
        f->other_what = incident->other_stack != 0 ? "scope ended at" : NULL;
        scope = incident->text != 0 ? prof_trace_text(prof_heap_trace(a->heap), incident->text) : NULL;
        f->scope = scope != NULL ? scope : "?";
        prof_str_addf(text, "born in scope %s and alive at its end", f->scope);
        return true;
    case PROF_INCIDENT_WEAK_LEFT:
        f->verdict = PROF_WEAK_HAZARD;
        f->other_what = "pointer set at";
        prof_str_add(text, "a pointer to it that owns nothing was not cleared when it died");
        return true;
    case PROF_INCIDENT_WEAK_FREED:
        f->verdict = PROF_WEAK_HAZARD;
        f->other_what = "pointer set at";
        f->slot_freed = true;
        prof_str_add(text, incident->stack != 0
                               ? "a weak pointer to it was cleared in memory that had been freed"
                               : "a weak pointer to it is in memory that was freed: when the object dies, "
                                 "that is written to");
        return true;
    default:
        return false;
    }
}

/* A broken assertion about an object that leaks anyway explains that leak. */
static bool attach(struct analysis *a, const struct prof_incident *incident)
{
    if (incident->obj == 0 || incident->obj >= a->out->obj_max || a->out->of[incident->obj] == 0)
        return false;
    struct prof_finding *finding = &a->out->list.items[a->out->of[incident->obj] - 1];
    if (incident->kind == PROF_INCIDENT_ASSERT_FREED && finding->other_what == NULL) {
        finding->other_what = "asserted to be freed at";
        finding->other_stack = incident->stack;
    }
    return true;
}

/* Threads met at the object faster than the clock tells, and the merge chose an order: what looks like misuse may be
 * the choice and not the program. The audit counts the events that were placed like that. */
static bool only_by_guess(const struct analysis *a, const struct prof_incident *incident)
{
    switch (incident->kind) {
    case PROF_INCIDENT_OVER_RELEASE:
    case PROF_INCIDENT_USE_AFTER:
    case PROF_INCIDENT_FREED_ALIVE:
        return order_is_guess(a, incident);
    default:
        return false;
    }
}

static bool add_incident(struct incidents *in, const struct prof_incident *incident)
{
    struct analysis *a = in->a;
    const struct prof_obj *obj =
        incident->obj != 0 && incident->obj < prof_heap_obj_max(a->heap) ? prof_heap_obj(a->heap, incident->obj) : NULL;
    const char *type = obj != NULL ? prof_heap_type(a->heap, obj->type)->name : "";
    struct prof_finding f = finding_blank(PROF_OVER_RELEASED, type);
    struct prof_str text = { 0 }, why = { 0 };
    uint64_t times = incident->repeats > 0 ? incident->repeats : 1, objects = incident->objects;
    bool good = false;

    if (!in_window(a, incident->at_us))
        return true;
    if (incident->kind == PROF_INCIDENT_ASSERT_FREED || incident->kind == PROF_INCIDENT_RESURRECTED) {
        if (attach(a, incident))
            return true;
    }
    if (only_by_guess(a, incident)) {
        a->untold += times;
        return true;
    }
    if (!describe(a, incident, obj, &f, &text)) {
        prof_str_deinit(&text);
        return true;
    }
    if (incident->kind == PROF_INCIDENT_SCOPE_LEFT && obj != NULL) {
        uint32_t now = map_get(&in->scope_now, scope_key(obj->type, obj->stack, f.scope));
        if (now != UINT32_MAX && now >= objects) {
            prof_str_deinit(&text);
            return true;
        }
        objects = times = objects - (now != UINT32_MAX ? now : 0);
    }
    struct prof_finding blank = finding_blank(f.verdict, type);
    f.headline = blank.headline;
    f.objects = objects;
    f.bytes = obj != NULL && incident->kind == PROF_INCIDENT_SCOPE_LEFT ? obj->size * objects : incident->bytes;
    f.first_us = f.last_us = obj != NULL ? obj->born_us : incident->at_us;
    f.born_stack = obj != NULL ? obj->stack : 0;
    f.sample_addr = incident->addr;
    judge(a, incident, obj, times, &why, &f.strength);
    if (times > 1)
        prof_str_addf(&text, " (%llu times)", (unsigned long long)times);
    f.place_stack = incident->stack != 0 ? incident->stack : f.born_stack;
    fingerprint_make(a->symbols, f.verdict, type, f.place_stack, f.fingerprint);
    uint32_t site = site_of(a, f.place_stack);
    if (site == UINT32_MAX)
        goto out;
    uint64_t key = map_mix(XXH64(f.fingerprint, strlen(f.fingerprint), 3), incident->kind);
    key = map_mix(key, a->sites.items[site].key);
    uint32_t known = map_get(&in->index, key);
    if (known != UINT32_MAX) {
        struct prof_finding *same = &a->out->list.items[known];
        // The same object again, only its other place is another one.
        if (f.objects > 1 || same->objects > 1 || obj == NULL || same->sample_count == 0 ||
            same->samples[0] != incident->obj) {
            same->objects += f.objects;
            same->bytes += f.bytes;
        }
        if (f.strength < same->strength) {
            same->strength = f.strength;
            same->reasons = why.length > 0 ? prof_arena_strdup(a->arena, why.text) : NULL;
        }
        good = true;
        goto out;
    }
    struct prof_finding_open *open = prof_arena_alloc(a->arena, sizeof *open);
    prof_obj_id *sample = prof_arena_alloc(a->arena, sizeof *sample);
    if (open == NULL || sample == NULL || text.failed)
        goto out;
    // The event of the incident is the place to look at first, as the open reference of a leak is.
    *open = (struct prof_finding_open){ .stack = incident->stack, .count = times, .pairing = PROF_PAIR_SLOT };
    f.open = open;
    f.open_count = incident->stack != 0 ? 1 : 0;
    if (obj != NULL) {
        *sample = incident->obj;
        f.samples = sample;
        f.sample_count = 1;
    }
    f.sentence = prof_arena_strdup(a->arena, text.text);
    f.reasons = why.length > 0 ? prof_arena_strdup(a->arena, why.text) : NULL;
    if (f.sentence == NULL || !map_put(&in->index, key, (uint32_t)a->out->list.count))
        goto out;
    good = prof_vec_push(&a->out->list, f);
    if (good && obj != NULL && a->out->of[incident->obj] == 0)
        a->out->of[incident->obj] = (uint32_t)a->out->list.count;
out:
    prof_str_deinit(&text);
    prof_str_deinit(&why);
    return good;
}

struct prof_error *incident_findings(struct analysis *a)
{
    struct incidents in = { .a = a };
    const struct prof_incident *list;
    size_t count = prof_heap_incidents(a->heap, &list);
    bool good = count_scopes(&in);

    for (size_t i = 0; good && i < count; i++)
        good = add_incident(&in, &list[i]);
    map_deinit(&in.index);
    map_deinit(&in.scope_now);
    return good ? NULL : prof_error_memory();
}
