/* group.c: bundles are judged by their healthy siblings; those with equal fingerprints and lines become one group. */
#include "group.h"
#include "hold.h"

#include <stdlib.h>
#include <string.h>

int open_sum_order(const void *left, const void *right)
{
    const struct open_sum *a = left, *b = right;
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    if (a->open.count != b->open.count)
        return a->open.count > b->open.count ? -1 : 1;
    return a->open.stack < b->open.stack ? -1 : a->open.stack > b->open.stack;
}

bool open_sum_fill(struct analysis *a, const struct open_sum *sums, size_t first, size_t count,
                   struct prof_finding *ret)
{
    if (count > GROUP_OPEN_MAX)
        count = GROUP_OPEN_MAX;
    struct prof_finding_open *open = prof_arena_alloc(a->arena, (count + 1) * sizeof *open);
    if (open == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        open[i] = sums[first + i].open;
    ret->open = open;
    ret->open_count = count;
    return true;
}

static int by_group(const void *left, const void *right)
{
    const struct tally *a = left, *b = right;
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    return a->site < b->site ? -1 : a->site > b->site;
}

static void sort_tallies(struct groups *g)
{
    if (g->tallies.count > 0)
        qsort(g->tallies.items, g->tallies.count, sizeof *g->tallies.items, by_group);
}

/* Decides by which stack a bundle is known, and asks the healthy siblings where only counts exist. */
static bool judge_bundle(struct groups *g, struct bundle *bundle)
{
    struct analysis *a = g->a;
    const struct prof_obj *obj = prof_heap_obj(a->heap, bundle->example);

    if (group_is_trash(bundle->verdict) || bundle->verdict == PROF_REACHABLE)
        return true;
    if (bundle->verdict == PROF_ZERO_NOT_FREED) {
        bundle->take_stack = obj->zero_stack != 0 ? obj->zero_stack : obj->stack;
        return true;
    }
    if (!group_owned_take(a, obj, &bundle->take_stack))
        return false;
    if (bundle->surplus > 0 && !bundle->pairing.learned && !pair_has_siblings(&g->learned, bundle->type)) {
        struct balance balance = { .births = bundle->births,
                                   .birth_stack = bundle->birth_stack,
                                   .surplus = bundle->surplus,
                                   .tallies = bundle->tally_count > 0 ? &g->tallies.items[bundle->tally_first] : NULL,
                                   .count = bundle->tally_count };
        if (!pair_alone(a, &balance, &bundle->pairing))
            return false;
    }
    if (bundle->take_stack == 0 && bundle->pairing.first.taking.site < SITE_BIRTH)
        bundle->take_stack = bundle->pairing.first.taking.stack;
    if (bundle->take_stack == 0)
        bundle->take_stack = bundle->birth_stack;
    return true;
}

static bool bundle_to_group(struct groups *g, uint32_t index)
{
    struct analysis *a = g->a;
    struct bundle *bundle = &g->bundles.items[index];
    struct group fresh = { .verdict = bundle->verdict,
                           .type = bundle->type,
                           .example = bundle->example,
                           .doubts = bundle->doubts,
                           .first_us = UINT64_MAX,
                           .pairing = { .first.taking = { .site = UINT32_MAX } } };
    uint64_t key = (uint64_t)bundle->verdict << 16 | bundle->doubts;

    if (group_is_trash(bundle->verdict)) {
        struct prof_finding_edge edges[CYCLE_EDGES_MAX];
        size_t count;
        if (!cycle_describe(a, bundle->example, edges, &count, &fresh.signature))
            return false;
        fresh.cycle_start = bundle->example;
        fresh.cycle_type = prof_heap_type(a->heap, bundle->type)->name;
        fingerprint_make(a->symbols, bundle->verdict, fresh.signature, 0, fresh.fingerprint);
    } else if (bundle->verdict == PROF_REACHABLE && index == g->reachable_total) {
        fingerprint_make(a->symbols, PROF_REACHABLE, "", 0, fresh.fingerprint);
    } else {
        uint32_t site = site_of(a, bundle->take_stack);
        if (site == UINT32_MAX)
            return false;
        key = map_mix(key, a->sites.items[site].key);
        fresh.place_stack = bundle->take_stack;
        fingerprint_make(a->symbols, bundle->verdict, prof_heap_type(a->heap, bundle->type)->name, bundle->take_stack,
                         fresh.fingerprint);
    }
    if (bundle->verdict == PROF_REACHABLE && index != g->reachable_total) {
        if (!group_held_reason(a, bundle->example, &fresh.reason))
            return false;
        key = map_mix(key, group_hash(fresh.reason));
    }
    key = map_mix(key, group_hash(fresh.fingerprint));
    uint32_t at = map_get(&g->group_of_key, key);
    if (at == UINT32_MAX) {
        at = (uint32_t)g->list.count;
        if (!map_put(&g->group_of_key, key, at) || !prof_vec_push(&g->list, fresh))
            return false;
    }
    struct group *group = &g->list.items[at];
    bundle->group = at;
    group->bundled += bundle->objects;
    if (bundle->pairing.first.taking.site == UINT32_MAX)
        return true;
    group->paired = true;
    uint64_t named = bundle->pairing.first.missing_named;
    if (bundle->pairing.first.missing_stack == group->pairing.first.missing_stack)
        named += group->pairing.first.missing_named;
    if (bundle->objects > group->pairing_objects) {
        group->pairing = bundle->pairing;
        group->pairing_objects = bundle->objects;
        group->pairing.first.missing_named = named;
    } else if (bundle->pairing.first.missing_stack == group->pairing.first.missing_stack) {
        group->pairing.first.missing_named = named;
    }
    return true;
}

/* Adds one open reference to the group's table; equal ones are counted together. */
static bool sum_open(struct groups *g, uint32_t group, uint8_t rank, uint32_t site,
                     const struct prof_finding_open *open)
{
    uint64_t key =
        map_mix((uint64_t)group << 32 | site, (uint64_t)open->pairing << 8 | (uint64_t)open->birth << 4 | rank);
    key = map_mix(key, group_hash(open->holder_type));
    key = map_mix(key, group_hash(open->holder_field));
    key = map_mix(key, group_hash(open->holder_text));
    uint32_t at = map_get(&g->open_of_key, key);
    if (at == UINT32_MAX) {
        struct open_sum fresh = { .group = group, .rank = rank, .open = *open };
        return map_put(&g->open_of_key, key, (uint32_t)g->opens.count) && prof_vec_push(&g->opens, fresh);
    }
    g->opens.items[at].open.count += open->count;
    return true;
}

/* What a bundle's pairing says: the named takings, and those that fit as well. */
static bool sum_pairing(struct groups *g, const struct bundle *bundle)
{
    struct analysis *a = g->a;
    const struct pair_answer *p = &bundle->pairing;

    if (p->first.taking.site == UINT32_MAX)
        return true;
    for (size_t i = 0; i <= p->tie_count + p->more_count; i++) {
        bool tie = i > p->more_count;
        const struct pair_open *of = i == 0 || tie ? &p->first : &p->more[i - 1];
        const struct pair_taking *taking = tie ? &p->ties[i - p->more_count - 1] : &of->taking;
        struct prof_finding_open open = { .stack = taking->stack,
                                          .pairing = p->learned ? PROF_PAIR_LEARNED : PROF_PAIR_COUNT,
                                          .count = of->count,
                                          .birth = taking->site == SITE_BIRTH };
        uint32_t site = site_of(a, taking->stack);
        if (site == UINT32_MAX || !sum_open(g, bundle->group, tie ? 2 : 0, site, &open) ||
            (!tie && !missing_sum(g, bundle->group, of)))
            return false;
    }
    return true;
}

/* Where the last release of the object that named no owner came from; 0: there was none. */
static uint32_t nameless_release(const struct analysis *a, const struct prof_obj *obj)
{
    const struct prof_site_count *last = NULL;

    for (uint32_t i = obj->first_site; i != 0;) {
        const struct prof_site_count *count = prof_heap_site_count(a->heap, i);
        if (count->given > 0 && (last == NULL || count->last_event > last->last_event))
            last = count;
        i = count->next;
    }
    return last != NULL ? last->stack : 0;
}

/* roots: only what keeps the object by design. */
static bool sum_owned(struct groups *g, uint32_t at, prof_obj_id id, bool roots)
{
    struct analysis *a = g->a;
    const struct prof_obj *obj = prof_heap_obj(a->heap, id);

    for (uint32_t i = obj->first_open; i != 0;) {
        const struct prof_open *ref = prof_heap_open(a->heap, i);
        struct owner owner;
        i = ref->next;
        if (ref->kind == PROF_OPEN_BIRTH)
            continue;
        if (!roots && untold_open(a, ref)) {
            g->list.items[at].untold_stack = ref->stack;
            continue;
        }
        uint32_t site = site_of(a, ref->stack);
        if (site == UINT32_MAX || !owner_of(a, ref, &owner))
            return false;
        if (roots && !owner_is_root(a, &owner))
            continue;
        if (!roots && !prof_open_certain(ref)) {
            g->list.items[at].told_stack = ref->stack;
            g->list.items[at].doubt_stack = nameless_release(a, obj);
        }
        struct prof_finding_open open = { .stack = ref->stack,
                                          .moved_stack = ref->moved_stack,
                                          .count = 1,
                                          .pairing = prof_open_certain(ref) ? PROF_PAIR_SLOT : PROF_PAIR_TOLD,
                                          .birth = (ref->flags & PROF_OPEN_WAS_BIRTH) != 0,
                                          .holder_type = owner.type,
                                          .holder_field = owner.field,
                                          .holder_obj = owner.obj,
                                          .holder_serial = owner.serial,
                                          .holder_text = owner.text };
        if (owner.kind != OWNER_OBJECT)
            g->list.items[at].owned++;
        if (!sum_open(g, at, group_rank(&owner), site, &open))
            return false;
    }
    return true;
}

/* References without a slot, and the pointers in memory that stand for them. */
static bool sum_adopted(struct groups *g, uint32_t at, prof_obj_id id)
{
    struct analysis *a = g->a;

    if (a->hold == NULL || a->hold->facts[id].adopted == 0 || a->fate[id] != FATE_LEAKED)
        return true;
    for (uint32_t i = a->hold->row[id]; i < a->hold->row[id + 1]; i++) {
        const struct hold_word *word = &a->hold->words.items[i];
        struct owner owner;
        if (!word->adopted)
            continue;
        uint32_t site = site_of(a, word->stack);
        if (site == UINT32_MAX || !hold_owner(a, word, &owner))
            return false;
        struct prof_finding_open open = { .stack = word->stack,
                                          .count = 1,
                                          .pairing = PROF_PAIR_ADOPTED,
                                          .birth = word->birth,
                                          .holder_type = owner.type,
                                          .holder_field = owner.field,
                                          .holder_obj = owner.obj,
                                          .holder_text = owner.text };
        if (!sum_open(g, at, 3, site, &open))
            return false;
    }
    return true;
}

/* What memory says about a member. */
static void add_facts(struct analysis *a, struct group *group, prof_obj_id id)
{
    const struct hold_facts *facts = a->hold != NULL ? &a->hold->facts[id] : NULL;

    if (facts == NULL || !facts->examined || a->fate[id] != FATE_LEAKED)
        return;
    group->examined++;
    group->nowhere += facts->words == 0;
    group->adopted += facts->adopted;
    group->unaccounted += facts->unaccounted;
    group->apart += facts->unaccounted != 0;
    group->same += facts->again == HOLD_AGAIN_SAME;
    group->fresh += facts->again == HOLD_AGAIN_OTHER;
    group->loose += facts->loose;
    if (facts->counted) {
        group->counted++;
        group->told += prof_heap_obj(a->heap, id)->count;
        group->bare += facts->unaccounted == 0 && facts->words < facts->anonymous;
    }
    if (facts->anonymous > 0)
        group->living += facts->live + facts->middle;
    if (group->pointed == 0 && facts->reached)
        group->pointed = id;
}

static void add_sample(struct analysis *a, struct group *group, prof_obj_id id)
{
    uint32_t serial = prof_heap_obj(a->heap, id)->serial, at = group->sample_count;

    if (at == GROUP_SAMPLES) {
        if (prof_heap_obj(a->heap, group->samples[at - 1])->serial <= serial)
            return;
        at--;
    } else {
        group->sample_count++;
    }
    for (; at > 0 && prof_heap_obj(a->heap, group->samples[at - 1])->serial > serial; at--)
        group->samples[at] = group->samples[at - 1];
    group->samples[at] = id;
}

static void add_member(struct analysis *a, struct group *group, prof_obj_id id)
{
    const struct prof_obj *obj = prof_heap_obj(a->heap, id);
    uint64_t left;

    if (group->objects > 0 &&
        (group->refs != obj->refs * group->objects || group->unrefs != obj->unrefs * group->objects))
        group->uneven = true;
    group->objects++;
    group->bytes += group_bytes(a, obj);
    group->purposed += kept_on_purpose(a, obj);
    group->refs += obj->refs;
    group->unrefs += obj->unrefs;
    group->excess += a->fate[id] == FATE_LEAKED ? a->extra[id] : 0;
    if (a->fate[id] == FATE_LEAKED && a->extra[id] < 0)
        group->doubts |= DOUBT_UNEVEN;
    if (obj->born_us < group->first_us)
        group->first_us = obj->born_us;
    if (obj->born_us > group->last_us)
        group->last_us = obj->born_us;
    // Majority vote: right whenever one stack has more than half.
    if (group->born_votes == 0)
        group->born_stack = obj->stack;
    if (obj->stack == group->born_stack)
        group->born_votes++;
    else
        group->born_votes--;
    if (group->scope == NULL && (group->scope = group_scope(a, obj, &left)) != NULL)
        group->scope_left = left;
    add_facts(a, group, id);
    add_sample(a, group, id);
}

/* seen: by component, zeros. */
static bool fill_groups(struct groups *g, uint8_t *seen)
{
    struct analysis *a = g->a;

    for (prof_obj_id id = 1; id < a->n; id++) {
        if (a->fate[id] == FATE_NONE || a->root[id] == GRAPH_NONE)
            continue;
        prof_obj_id cause = a->root[id];
        uint32_t at = g->of[cause];
        if (at == UINT32_MAX)
            continue; // outside the window, or nothing speaks against the cause
        at = g->bundles.items[at].group;
        struct group *group = &g->list.items[at];
        bool member = id == cause || (a->fate[id] == FATE_LEAKED && a->role[id] == ROLE_CYCLE);
        a->out->of[id] = at + 1;
        if (id == cause && !group_note_cause(g, at, id))
            return false;
        if (!member) {
            group->collateral_objects++;
            group->collateral_bytes += group_bytes(a, prof_heap_obj(a->heap, id));
            if (a->fate[id] == FATE_LEAKED)
                group_note_held_cycle(a, group, id, seen);
            continue;
        }
        add_member(a, group, id);
        if (group_is_trash(group->verdict))
            continue;
        bool total = g->of[cause] == g->reachable_total;
        if (total && prof_heap_obj(a->heap, id)->type != group->type)
            group->mixed = true;
        if (!sum_owned(g, at, id, total))
            return false;
        if (!sum_adopted(g, at, id))
            return false;
        int64_t unmatched = group_unmatched(a, id);
        group = &g->list.items[at];
        if (unmatched > 0 && group->verdict != PROF_REACHABLE && group->verdict != PROF_ZERO_NOT_FREED) {
            const struct prof_obj *obj = prof_heap_obj(a->heap, id);
            group->surplus += (uint64_t)unmatched;
            group->births += group_births(a, obj) - group_adopted(a, id, obj->stack, true);
        }
    }
    return group_sort_cycles(g);
}

/* Births of held objects by stack, for the totals. */
static bool tally_reachable(struct groups *g)
{
    struct analysis *a = g->a;

    if (g->reachable_total == UINT32_MAX)
        return true;
    uint32_t to = g->bundles.items[g->reachable_total].group;
    for (prof_obj_id id = 1; id < a->n; id++) {
        if (a->fate[id] != FATE_REACHABLE || a->root[id] != id || g->of[id] != g->reachable_total)
            continue;
        const struct prof_obj *obj = prof_heap_obj(a->heap, id);
        uint32_t site = site_of(a, obj->stack);
        uint64_t key = (uint64_t)to << 32 | site;
        uint32_t at = map_get(&g->tally_of_key, key);
        if (site == UINT32_MAX)
            return false;
        if (at == UINT32_MAX) {
            at = (uint32_t)g->tallies.count;
            if (!map_put(&g->tally_of_key, key, at) ||
                !prof_vec_push(&g->tallies, (struct tally){ .group = to, .site = site, .stack = obj->stack }))
                return false;
        }
        g->tallies.items[at].taken++;
        g->tallies.items[at].given += group_bytes(a, obj); // report.c reads it back as bytes
    }
    return true;
}

/* Bundle tallies become group tallies. */
static bool merge_tallies(struct groups *g)
{
    PROF_VEC(struct tally) old = { g->tallies.items, g->tallies.count, g->tallies.room };
    bool good = true;

    g->tallies.items = NULL;
    g->tallies.count = g->tallies.room = 0;
    map_deinit(&g->tally_of_key);
    for (size_t i = 0; good && i < old.count; i++) {
        struct tally tally = old.items[i];
        tally.group = g->bundles.items[tally.group].group;
        uint64_t key = (uint64_t)tally.group << 32 | tally.site;
        uint32_t at = map_get(&g->tally_of_key, key);
        if (at == UINT32_MAX) {
            good = map_put(&g->tally_of_key, key, (uint32_t)g->tallies.count) && prof_vec_push(&g->tallies, tally);
        } else {
            g->tallies.items[at].taken += tally.taken;
            g->tallies.items[at].given += tally.given;
        }
    }
    prof_vec_deinit(&old);
    return good;
}

static bool make_groups(struct groups *g)
{
    sort_tallies(g);
    for (size_t i = 0; i < g->tallies.count; i++) {
        struct bundle *bundle = &g->bundles.items[g->tallies.items[i].group];
        if (bundle->tally_count++ == 0)
            bundle->tally_first = (uint32_t)i;
    }
    for (size_t i = 0; i < g->bundles.count; i++) {
        if (!judge_bundle(g, &g->bundles.items[i]) || !bundle_to_group(g, (uint32_t)i) ||
            !sum_pairing(g, &g->bundles.items[i]))
            return false;
    }
    uint8_t *seen = calloc((size_t)g->a->component_count + 1, 1);
    bool good = seen != NULL && merge_tallies(g) && fill_groups(g, seen) && tally_reachable(g);
    free(seen);
    if (!good)
        return false;
    sort_tallies(g);
    for (size_t i = 0; i < g->tallies.count; i++) {
        struct group *group = &g->list.items[g->tallies.items[i].group];
        if (group->tally_count++ == 0)
            group->tally_first = (uint32_t)i;
    }
    return true;
}

struct prof_error *group_objects(struct analysis *a)
{
    struct groups g = { .a = a, .reachable_total = UINT32_MAX };
    struct prof_error *error = NULL;

    g.of = malloc(((size_t)a->n + 1) * sizeof *g.of);
    if (g.of == NULL)
        return prof_error_memory();
    memset(g.of, 0xff, ((size_t)a->n + 1) * sizeof *g.of);
    if (!pair_learn(a, &g.learned) || !bundle_objects(&g) || !make_groups(&g))
        error = prof_error_memory();
    else
        error = report_groups(&g);
    if (error == NULL && (!danger_hazards(a) || !danger_underflows(a)))
        error = prof_error_memory();
    prof_vec_deinit(&g.bundles);
    prof_vec_deinit(&g.list);
    prof_vec_deinit(&g.tallies);
    prof_vec_deinit(&g.opens);
    prof_vec_deinit(&g.missings);
    map_deinit(&g.missing_of_key);
    prof_vec_deinit(&g.cycles);
    graph_deinit(&g.of_component);
    prof_vec_deinit(&g.keys);
    map_deinit(&g.bundle_of_key);
    map_deinit(&g.tally_of_key);
    map_deinit(&g.group_of_key);
    map_deinit(&g.open_of_key);
    pair_forget(&g.learned);
    free(g.of);
    return error;
}
