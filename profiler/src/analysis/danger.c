/* danger.c: what stands in the way of taking leaked cycles apart: destructors that need their referents, pointers that
 * would dangle; and counts that are lower than the references that are known. */
#include "group.h"
#include "hold.h"

#include <stdlib.h>
#include <string.h>

#include <track/track.h>

enum { NEEDS_MAX = 8, HAZARDS_MAX = 8, UNDERFLOWS_MAX = 64 };

/* ---- Destructors ---------------------------------------------------------------------------------------------------
 */

static bool is_told(struct analysis *a, const struct prof_finding_edge *needs, size_t count,
                    const struct prof_finding_edge *edge)
{
    for (size_t i = 0; i < count; i++) {
        if (cycle_same_field(a, &needs[i], edge))
            return true;
    }
    return false;
}

bool danger_needs(struct analysis *a, const struct group_members *members, struct prof_finding *ret)
{
    struct prof_finding_edge *needs = prof_arena_alloc(a->arena, NEEDS_MAX * sizeof *needs);
    size_t n = 0;

    if (needs == NULL)
        return false;
    for (size_t i = 0; i < members->count && n < NEEDS_MAX; i++) {
        prof_obj_id id = members->items[i];
        if ((prof_heap_type(a->heap, prof_heap_obj(a->heap, id)->type)->flags & TRK_TYPE_ORDERED_FINALIZER) == 0)
            continue;
        for (uint32_t e = a->graph.first[id]; e < a->graph.first[id + 1] && n < NEEDS_MAX; e++) {
            struct prof_finding_edge edge = { .from = id, .to = a->graph.to[e], .needed = true };
            if (edge.to >= a->n || a->component[edge.to] != a->component[id])
                continue;
            if (!cycle_edge(a, id, e, &edge))
                return false;
            if (!is_told(a, needs, n, &edge))
                needs[n++] = edge;
        }
    }
    ret->needs = needs;
    ret->need_count = n;
    return true;
}

/* ---- Pointers that would dangle ------------------------------------------------------------------------------------
 */

struct weaks {
    struct analysis *a;
    PROF_VEC(struct prof_weak) list; /* to what leaks in cycles, or hangs on them */
    bool good;
};

static struct prof_finding *cycle_of(struct analysis *a, prof_obj_id id)
{
    if (id >= a->n || a->fate[id] != FATE_LEAKED || a->out->of[id] == 0)
        return NULL;
    struct prof_finding *f = &a->out->list.items[a->out->of[id] - 1];
    return group_is_trash(f->verdict) ? f : NULL;
}

static void add_weak(void *ctx, const struct prof_weak *weak)
{
    struct weaks *w = ctx;
    prof_obj_id obj;
    prof_block_id block;

    if (cycle_of(w->a, weak->obj) == NULL)
        return;
    owner_memory(w->a, weak->slot, &obj, &block);
    bool leaks = obj != 0     ? w->a->fate[obj] == FATE_LEAKED
                 : block != 0 ? w->a->n + block < w->a->nodes && w->a->fate[w->a->n + block] == FATE_LEAKED
                              : false;
    w->good = w->good && (leaks || prof_vec_push(&w->list, *weak));
}

static int by_time(const void *left, const void *right)
{
    const struct prof_weak *a = left, *b = right;
    if (a->at_us != b->at_us)
        return a->at_us < b->at_us ? -1 : 1;
    return a->slot < b->slot ? -1 : a->slot > b->slot;
}

static const char *place_of(struct analysis *a, const struct owner *owner)
{
    if (owner->kind != OWNER_OBJECT)
        return owner->text;
    const char *field = owner->field != NULL ? owner->field : "";
    return prof_arena_printf(a->arena, "%s#%u%s%s", owner->type, prof_heap_obj(a->heap, owner->obj)->serial,
                             field[0] != '\0' && field[0] != '+' ? "." : "", field);
}

static bool add_hazard(struct analysis *a, const struct prof_weak *weak)
{
    struct prof_finding *f = cycle_of(a, weak->obj);
    struct prof_open slot = { .kind = PROF_OPEN_SLOT,
                              .slot = weak->slot,
                              .at_us = weak->at_us,
                              .stack = weak->stack,
                              .tid = weak->tid,
                              .obj = weak->obj };
    struct prof_finding_hazard *all;
    struct owner owner;

    if (!owner_of(a, &slot, &owner))
        return false;
    if (a->ended && (owner.kind == OWNER_STACK || owner.kind == OWNER_THREAD))
        return true; // its frame is gone
    f->hazards_all++;
    if (f->hazard_count == HAZARDS_MAX)
        return true;
    if ((all = prof_arena_alloc(a->arena, HAZARDS_MAX * sizeof *all)) == NULL)
        return false;
    if (f->hazard_count > 0)
        memcpy(all, f->hazards, f->hazard_count * sizeof *all);
    struct prof_finding_hazard hazard = { .obj = weak->obj, .stack = weak->stack, .text = place_of(a, &owner) };
    all[f->hazard_count++] = hazard;
    f->hazards = all;
    return hazard.text != NULL;
}

bool danger_hazards(struct analysis *a)
{
    struct weaks w = { .a = a, .good = true };

    prof_heap_weak_each(a->heap, add_weak, &w);
    if (w.list.count > 1)
        qsort(w.list.items, w.list.count, sizeof *w.list.items, by_time);
    for (size_t i = 0; w.good && i < w.list.count; i++)
        w.good = add_hazard(a, &w.list.items[i]);
    prof_vec_deinit(&w.list);
    return w.good;
}

/* ---- Counts that are too low ---------------------------------------------------------------------------------------
 */

static int64_t known_references(const struct analysis *a, const struct prof_obj *obj)
{
    int64_t known = 0;

    for (uint32_t i = obj->first_open; i != 0;) {
        const struct prof_open *open = prof_heap_open(a->heap, i);
        bool gone = (open->flags & (PROF_OPEN_HOLDER_FREED | PROF_OPEN_OVERWRITTEN)) != 0;
        known += open->kind != PROF_OPEN_BIRTH && !gone && !prof_open_doubled(open) && !hold_is_stale(a->hold, open);
        i = open->next;
    }
    return known;
}

bool danger_underflows(struct analysis *a)
{
    struct prof_findings *out = a->out;

    for (prof_obj_id id = 1; id < a->n; id++) {
        const struct prof_obj *obj = prof_heap_obj(a->heap, id);
        const struct hold_facts *facts = a->hold != NULL ? &a->hold->facts[id] : NULL;
        if (obj->state != PROF_OBJ_ALIVE || (obj->flags & PROF_OBJ_SKEWED) != 0 || !in_window(a, obj->born_us))
            continue;
        struct prof_underflow under = { .obj = id, .count = obj->count, .known = known_references(a, obj) };
        if (facts != NULL && facts->counted) {
            under.count += facts->unaccounted;
            under.observed = true;
        }
        if (under.count >= under.known)
            continue;
        out->underflows_all++;
        if (out->underflows.count < UNDERFLOWS_MAX && !prof_vec_push(&out->underflows, under))
            return false;
    }
    return true;
}
