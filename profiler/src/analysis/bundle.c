/* bundle.c: objects with the same cause and the same evidence come together. */
#include "group.h"
#include "hold.h"

#include <stdlib.h>
#include <string.h>

#include <track/track.h>

static int by_number(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

/* The set of open references, and the taking that is one too many (else all sites with anonymous events), as one
 * number. */
static bool evidence_key(struct groups *g, const struct prof_obj *obj, const struct pair_answer *answer, uint64_t *ret)
{
    struct analysis *a = g->a;

    g->keys.count = 0;
    for (uint32_t i = obj->first_open; i != 0;) {
        const struct prof_open *open = prof_heap_open(a->heap, i);
        struct owner owner;
        i = open->next;
        if (untold_open(a, open))
            continue;
        uint32_t site = site_of(a, open->stack);
        if (site == UINT32_MAX || !owner_of(a, open, &owner))
            return false;
        uint64_t key = map_mix(a->sites.items[site].key, owner.kind);
        key = map_mix(key, group_hash(owner.type));
        key = map_mix(key, group_hash(owner.field));
        key = map_mix(key, group_hash(owner.text));
        if (!prof_vec_push(&g->keys, key))
            return false;
    }
    if (answer->learned && !prof_vec_push(&g->keys, answer->first.key))
        return false;
    for (size_t i = 0; i < answer->more_count; i++) {
        if (!prof_vec_push(&g->keys, answer->more[i].key))
            return false;
    }
    for (uint32_t i = answer->learned ? 0 : obj->first_site; i != 0;) {
        const struct prof_site_count *count = prof_heap_site_count(a->heap, i);
        uint32_t site = site_of(a, count->stack);
        if (site == UINT32_MAX || !prof_vec_push(&g->keys, a->sites.items[site].key))
            return false;
        i = count->next;
    }
    uint64_t key = 0;
    if (g->keys.count > 1)
        qsort(g->keys.items, g->keys.count, sizeof *g->keys.items, by_number);
    for (size_t i = 0; i < g->keys.count; i++) {
        if (i == 0 || g->keys.items[i] != g->keys.items[i - 1])
            key = map_mix(key, g->keys.items[i]);
    }
    *ret = key;
    return true;
}

static bool add_tally(struct groups *g, struct map *index, uint32_t to, uint32_t stack, uint32_t taken, uint32_t given)
{
    uint32_t site = site_of(g->a, stack);
    uint64_t key = (uint64_t)to << 32 | site;
    uint32_t at = map_get(index, key);
    if (site == UINT32_MAX)
        return false;
    if (at == UINT32_MAX && (taken != 0 || given != 0)) {
        at = (uint32_t)g->tallies.count;
        if (!map_put(index, key, at) ||
            !prof_vec_push(&g->tallies, (struct tally){ .group = to, .site = site, .stack = stack }))
            return false;
    }
    if (at != UINT32_MAX) {
        g->tallies.items[at].taken += taken;
        g->tallies.items[at].given += given;
    }
    return true;
}

/* What pointers in memory stand for is no open question: it is left out. */
static bool add_tallies(struct groups *g, struct map *index, uint32_t to, prof_obj_id id)
{
    struct analysis *a = g->a;
    const struct prof_obj *obj = prof_heap_obj(a->heap, id);

    for (uint32_t i = obj->first_site; i != 0;) {
        const struct prof_site_count *count = prof_heap_site_count(a->heap, i);
        uint32_t taken = count->stack != obj->stack ? count->taken : 0; // else a birth
        taken -= taken > 0 ? group_adopted(a, id, count->stack, false) : 0;
        if (!add_tally(g, index, to, count->stack, taken, count->given))
            return false;
        i = count->next;
    }
    for (uint32_t i = obj->first_open; i != 0;) {
        const struct prof_open *open = prof_heap_open(a->heap, i);
        i = open->next;
        if (open->stack != obj->stack && untold_open(a, open) && !add_tally(g, index, to, open->stack, 1, 0))
            return false;
    }
    return true;
}

/* Finds or makes the bundle of a key. */
static uint32_t bundle_at(struct groups *g, uint64_t key, const struct bundle *fresh)
{
    uint32_t at = map_get(&g->bundle_of_key, key);
    if (at != UINT32_MAX)
        return at;
    at = (uint32_t)g->bundles.count;
    if (!map_put(&g->bundle_of_key, key, at) || !prof_vec_push(&g->bundles, *fresh))
        return UINT32_MAX;
    return at;
}

/* It has references without an owner that nothing explains. */
static bool is_surplus(struct analysis *a, prof_obj_id id)
{
    return group_unmatched(a, id) > 0 && !hold_is_zero(a, id);
}

/* One more object with the same takings too many. */
static void add_answer(struct pair_answer *sum, const struct pair_answer *one)
{
    for (size_t i = 0; i <= sum->more_count && i <= one->more_count; i++) {
        struct pair_open *to = i == 0 ? &sum->first : &sum->more[i - 1];
        const struct pair_open *from = i == 0 ? &one->first : &one->more[i - 1];
        to->count += from->count;
        to->missing_named += from->missing_named;
    }
}

static bool bundle_cause(struct groups *g, prof_obj_id id)
{
    struct analysis *a = g->a;
    const struct prof_obj *obj = prof_heap_obj(a->heap, id);
    struct bundle fresh = { .type = obj->type, .example = id, .birth_stack = obj->stack, .group = UINT32_MAX };
    uint32_t site = site_of(a, obj->stack);
    uint64_t key, left;
    struct pair_answer answer = { .first.taking = { .site = UINT32_MAX } };

    if (site == UINT32_MAX || !group_verdict(a, id, &fresh.verdict, &fresh.doubts) ||
        (is_surplus(a, id) && !pair_ask(a, &g->learned, id, &answer)) || !evidence_key(g, obj, &answer, &key))
        return false;
    fresh.pairing.first.taking.site = UINT32_MAX;
    key = map_mix(key, a->sites.items[site].key);
    key = map_mix(key, (uint64_t)fresh.type << 32 | (uint64_t)fresh.doubts << 8 | (uint64_t)fresh.verdict);
    key = map_mix(key, group_hash(group_scope(a, obj, &left)));
    uint32_t at = bundle_at(g, key, &fresh);
    if (at == UINT32_MAX)
        return false;
    struct bundle *bundle = &g->bundles.items[at];
    g->of[id] = at;
    bundle->objects++;
    if (answer.learned) {
        if (bundle->objects > 1)
            add_answer(&bundle->pairing, &answer);
        else
            bundle->pairing = answer;
    }
    if (is_surplus(a, id)) {
        bundle->surplus += (uint64_t)group_unmatched(a, id);
        bundle->births += group_births(a, obj) - group_adopted(a, id, obj->stack, true);
        return add_tallies(g, &g->tally_of_key, at, id);
    }
    return true;
}

static bool bundle_held(struct groups *g, prof_obj_id id)
{
    struct analysis *a = g->a;
    const struct prof_obj *obj = prof_heap_obj(a->heap, id);
    struct bundle fresh = { .verdict = PROF_REACHABLE,
                            .pairing = { .first.taking = { .site = UINT32_MAX } },
                            .type = obj->type,
                            .example = id,
                            .birth_stack = obj->stack,
                            .take_stack = obj->stack,
                            .group = UINT32_MAX };
    const char *reason;
    uint32_t site = site_of(a, obj->stack);
    uint64_t key = 1;

    if (site == UINT32_MAX || !group_held_reason(a, id, &reason))
        return false;
    bool may_leak = (obj->flags & PROF_OBJ_MAY_LEAK) != 0; // always listed with its reason
    if (a->options->leak_kinds_all || may_leak) {
        key = map_mix(group_hash(reason), a->sites.items[site].key);
        key = map_mix(key, (uint64_t)obj->type << 32 | PROF_REACHABLE);
    }
    uint32_t at = bundle_at(g, key, &fresh);
    if (at == UINT32_MAX)
        return false;
    if (key == 1)
        g->reachable_total = at;
    g->of[id] = at;
    g->bundles.items[at].objects++;
    return true;
}

/* Where the description of each cycle begins: equal cycles must begin at the same type. ordered: the destructor of
 * some member needs its referents alive, so that no order of destructors is right. */
struct cycle_start {
    prof_obj_id obj;
    bool ordered;
};
static bool cycle_starts(struct analysis *a, struct cycle_start **ret)
{
    struct cycle_start *start = calloc((size_t)a->component_count + 1, sizeof *start);

    if (start == NULL)
        return false;
    for (prof_obj_id id = 1; id < a->n; id++) {
        if (a->fate[id] != FATE_LEAKED || a->role[id] != ROLE_CYCLE)
            continue;
        struct cycle_start *cycle = &start[a->component[id]];
        prof_obj_id *best = &cycle->obj;
        const struct prof_obj *obj = prof_heap_obj(a->heap, id), *other = prof_heap_obj(a->heap, *best);
        cycle->ordered |= (prof_heap_type(a->heap, obj->type)->flags & TRK_TYPE_ORDERED_FINALIZER) != 0;
        if (*best == 0) {
            *best = id;
            continue;
        }
        int order = obj->type == other->type
                        ? 0
                        : strcmp(prof_heap_type(a->heap, obj->type)->name, prof_heap_type(a->heap, other->type)->name);
        if (order < 0 || (order == 0 && obj->serial < other->serial))
            *best = id;
    }
    *ret = start;
    return true;
}

static bool bundle_cycle(struct groups *g, prof_obj_id first, const struct cycle_start *start)
{
    struct analysis *a = g->a;
    struct prof_finding_edge edges[CYCLE_EDGES_MAX];
    struct bundle fresh = { .verdict = start->ordered ? PROF_UNCOLLECTABLE : PROF_CYCLE,
                            .example = start->obj,
                            .pairing = { .first.taking = { .site = UINT32_MAX } },
                            .group = UINT32_MAX };
    size_t count;
    const char *signature;

    if (!cycle_describe(a, start->obj, edges, &count, &signature))
        return false;
    prof_obj_id from = count > 0 ? edges[0].from : start->obj;
    fresh.type = prof_heap_obj(a->heap, from)->type;
    fresh.birth_stack = prof_heap_obj(a->heap, from)->stack;
    uint32_t at = bundle_at(g, map_mix(group_hash(signature), fresh.verdict), &fresh);
    if (at == UINT32_MAX)
        return false;
    g->of[first] = at;
    g->bundles.items[at].objects++;
    return true;
}

/* Also outside the window: what they did teaches all the same. */
static bool is_cause(const struct analysis *a, prof_obj_id id)
{
    return a->fate[id] == FATE_LEAKED && a->root[id] == id && a->role[id] == ROLE_SOURCE;
}

bool bundle_objects(struct groups *g)
{
    struct analysis *a = g->a;
    struct cycle_start *start;
    bool good = true;

    if (!cycle_starts(a, &start))
        return false;
    for (prof_obj_id id = 1; good && id < a->n; id++) {
        if (is_cause(a, id) && is_surplus(a, id))
            good = pair_note(&g->learned, prof_heap_obj(a->heap, id), id);
    }
    for (prof_obj_id id = 1; good && id < a->n; id++) {
        if (a->fate[id] == FATE_NONE || a->root[id] != id || !in_window(a, prof_heap_obj(a->heap, id)->born_us))
            continue;
        if (a->fate[id] == FATE_REACHABLE)
            good = bundle_held(g, id);
        else if (a->role[id] == ROLE_CYCLE)
            good = bundle_cycle(g, id, &start[a->component[id]]);
        else if (a->role[id] == ROLE_SOURCE)
            good = bundle_cause(g, id);
    }
    free(start);
    return good;
}
