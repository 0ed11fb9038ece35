/* report.c: groups to findings: open references in order, the balance table, the cycle, strength and sentence. */
#include "group.h"

#include <stdlib.h>
#include <string.h>

static double distance(double a, double b)
{
    return a > b ? a - b : b - a;
}

static double imbalance(const struct prof_finding_site *s)
{
    return distance((double)s->taken, (double)s->given);
}

static int by_imbalance(const void *left, const void *right)
{
    const struct prof_finding_site *a = left, *b = right;
    double da = imbalance(a), db = imbalance(b);
    if (da != db)
        return da > db ? -1 : 1;
    return a->stack < b->stack ? -1 : a->stack > b->stack;
}

static int by_bytes(const void *left, const void *right)
{
    const struct prof_finding_site *a = left, *b = right;
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    return a->stack < b->stack ? -1 : a->stack > b->stack;
}

static bool fill_sites(struct groups *g, const struct group *group, bool total, struct prof_finding *ret)
{
    struct analysis *a = g->a;
    size_t count = group->tally_count + (group->births > 0 ? 1 : 0), n = 0;
    struct prof_finding_site *sites = calloc(count + 1, sizeof *sites), *copy;
    uint64_t healthy = g->learned.types.items[group->type].healthy;

    if (sites == NULL)
        return false;
    if (group->births > 0)
        sites[n++] = (struct prof_finding_site){
            .stack = group->born_stack,
            .taken = group->births,
            .healthy_taken = healthy > 0 ? (double)g->learned.types.items[group->type].births / (double)healthy : 0,
        };
    for (uint32_t i = 0; i < group->tally_count; i++) {
        const struct tally *tally = &g->tallies.items[group->tally_first + i];
        struct prof_finding_site *site = &sites[n++];
        *site = (struct prof_finding_site){ .stack = tally->stack, .taken = tally->taken, .given = tally->given };
        if (total) {
            site->bytes = tally->given; // tally_reachable stores bytes there
            site->given = 0;
            continue;
        }
        uint32_t at = map_get(&g->learned.index, (uint64_t)group->type << 32 | tally->site);
        if (at != UINT32_MAX && healthy > 0) {
            site->healthy_taken = (double)g->learned.sites.items[at].taken / (double)healthy;
            site->healthy_given = (double)g->learned.sites.items[at].given / (double)healthy;
        }
    }
    qsort(sites, n, sizeof *sites, total ? by_bytes : by_imbalance);
    if (n > GROUP_SITES_MAX)
        n = GROUP_SITES_MAX;
    copy = prof_arena_alloc(a->arena, (n + 1) * sizeof *copy);
    if (copy != NULL)
        memcpy(copy, sites, n * sizeof *copy);
    free(sites);
    ret->sites = copy;
    ret->site_count = n;
    return copy != NULL;
}

/* When no site could be named: all that took, with what is left at them after what the same function gave back. */
static bool list_takings(struct groups *g, uint32_t index)
{
    struct analysis *a = g->a;
    const struct group *group = &g->list.items[index];
    uint64_t given = 0;

    if (group->surplus == 0 || group->paired)
        return true;
    for (uint32_t i = 0; i < group->tally_count; i++)
        given += g->tallies.items[group->tally_first + i].given;
    enum prof_pairing pairing = given == 0 ? PROF_PAIR_COUNT : PROF_PAIR_ANONYMOUS;
    if (group->births > 0) {
        struct open_sum sum = {
            .group = index,
            .rank = 2,
            .open = { .stack = group->born_stack, .count = group->births, .pairing = pairing, .birth = true }
        };
        if (!prof_vec_push(&g->opens, sum))
            return false;
    }
    for (uint32_t i = 0; i < group->tally_count; i++) {
        const struct tally *tally = &g->tallies.items[group->tally_first + i];
        uint64_t left = tally->taken;
        for (uint32_t j = 0; j < group->tally_count && left > 0 && given > 0; j++) {
            const struct tally *other = &g->tallies.items[group->tally_first + j];
            if (a->sites.items[other->site].function == a->sites.items[tally->site].function)
                left -= other->given < left ? other->given : left;
        }
        if (left == 0)
            continue;
        struct open_sum sum = { .group = index,
                                .rank = 2,
                                .open = { .stack = tally->stack, .count = left, .pairing = pairing } };
        if (!prof_vec_push(&g->opens, sum))
            return false;
    }
    return true;
}

/* The objects in the cycles of a group, those of the example's first: of a crowd of findings in one huge component,
 * only the first ones get all of it. */
static bool list_members(struct groups *g, const struct group *group, uint32_t component, struct group_members *ret)
{
    struct analysis *a = g->a;

    for (uint32_t i = 0; i <= group->cycle_count; i++) {
        uint32_t c = i == 0 ? component : g->cycles.items[group->cycle_first + i - 1].component;
        if ((i != 0 && c == component) || a->component_size[c] > a->cycle_budget)
            continue;
        a->cycle_budget -= a->component_size[c];
        for (uint32_t e = g->of_component.first[c]; e < g->of_component.first[c + 1]; e++) {
            if (!prof_vec_push(ret, g->of_component.to[e]))
                return false;
        }
    }
    return true;
}

static bool fill_cycle(struct groups *g, const struct group *group, struct prof_finding *ret)
{
    struct analysis *a = g->a;
    struct prof_finding_edge edges[CYCLE_EDGES_MAX], *copy;
    prof_obj_id start = group_is_trash(group->verdict)   ? group->cycle_start
                        : group_is_cycle(group->verdict) ? group->example
                                                         : group->held_example;
    prof_obj_id cause = group_is_cycle(group->verdict) ? 0 : a->root[start];
    struct group_members members = { 0 };
    const char *signature;
    size_t count;

    if (a->component_size[a->component[start]] > a->cycle_budget)
        return true;
    if (!cycle_describe(a, start, edges, &count, &signature))
        return false;
    if (count == 0)
        return true;
    if ((copy = prof_arena_alloc(a->arena, count * sizeof *copy)) == NULL)
        return false;
    memcpy(copy, edges, count * sizeof *copy);
    ret->edge_count = count;
    bool good = list_members(g, group, a->component[start], &members) && break_cycle(a, &members, cause, copy, ret) &&
                (ret->verdict != PROF_UNCOLLECTABLE || danger_needs(a, &members, ret));
    prof_vec_deinit(&members);
    return good;
}

/* Where the slot was overwritten or its memory freed: from the first open reference of an example that knows. */
static void fill_other(struct analysis *a, const struct group *group, struct prof_finding *ret)
{
    const struct prof_obj *obj = prof_heap_obj(a->heap, group->example);

    if (group->verdict == PROF_ZERO_NOT_FREED) {
        ret->other_stack = obj->zero_stack;
        ret->other_what = obj->zero_stack != 0 ? "count reached 0 at" : NULL;
        return;
    }
    unsigned flag = group->verdict == PROF_HOLDER_FREED       ? PROF_OPEN_HOLDER_FREED
                    : group->verdict == PROF_SLOT_OVERWRITTEN ? PROF_OPEN_OVERWRITTEN
                                                              : 0;
    for (uint32_t i = obj->first_open; flag != 0 && i != 0;) {
        const struct prof_open *open = prof_heap_open(a->heap, i);
        if ((open->flags & flag) != 0) {
            ret->other_stack = open->spoil_stack;
            ret->other_what = flag == PROF_OPEN_HOLDER_FREED ? "freed at" : "overwritten at";
            return;
        }
        i = open->next;
    }
}

static bool report_group(struct groups *g, uint32_t index)
{
    struct analysis *a = g->a;
    const struct group *group = &g->list.items[index];
    bool total = g->reachable_total != UINT32_MAX && g->bundles.items[g->reachable_total].group == index;
    const char *type = total && group->mixed       ? ""
                       : group->cycle_type != NULL ? group->cycle_type
                                                   : prof_heap_type(a->heap, group->type)->name;
    struct prof_finding f = finding_blank(group->verdict, type);

    memcpy(f.fingerprint, group->fingerprint, sizeof f.fingerprint);
    f.objects = group->objects;
    f.bytes = group->bytes;
    f.purposed = group->purposed;
    f.collateral_objects = group->collateral_objects;
    f.collateral_bytes = group->collateral_bytes;
    f.first_us = group->first_us;
    f.last_us = group->last_us;
    f.born_stack = group->born_stack;
    f.place_stack = group->place_stack;
    f.scope = group->scope;
    f.missing_stack = group->pairing.first.missing_stack;
    f.missing_named = group->pairing.first.missing_named;
    f.missing_of = f.missing_stack != 0 ? group->objects : 0;
    f.healthy_named = group->pairing.first.healthy_named;
    f.healthy_of = group->pairing.first.healthy_of;
    if (f.missing_named > f.missing_of)
        f.missing_named = f.missing_of;
    prof_obj_id *samples = prof_arena_alloc(a->arena, sizeof group->samples);
    if (samples == NULL)
        return false;
    memcpy(samples, group->samples, sizeof group->samples);
    f.samples = samples;
    f.sample_count = group->sample_count;
    if (!fill_sites(g, group, total, &f) ||
        !open_sum_fill(g->a, g->opens.items, group->open_first, group->open_count, &f))
        return false;
    f.retained_bytes = group->retained;
    f.retained_objects = group->retained_objects;
    f.held_cycles = group->held_cycles;
    if ((group_is_cycle(group->verdict) || group->held_example != 0) && !fill_cycle(g, group, &f))
        return false;
    if (!missing_fill(g, index, &f))
        return false;
    fill_other(a, group, &f);
    f.reasons = reasons_of(a, group, &f.strength);
    f.broken_off = group_broken_off(a, group);
    if ((group->doubts & DOUBT_VETOED) != 0 || f.broken_off)
        f.headline = PROF_HEADLINE_HELD;
    if (f.broken_off)
        f.missing_stack = f.also_count = 0;
    f.sentence = sentence_of(a, group);
    bool may_leak = group->reason != NULL && strncmp(group->reason, "may leak: ", 10) == 0;
    if (may_leak && (f.suppressed_by = prof_arena_printf(a->arena, "may-leak: %s", group->reason + 10)) == NULL)
        return false;
    f.total = total;
    f.apart = group->verdict == PROF_REACHABLE && !total && !may_leak;
    return f.sentence != NULL && prof_vec_push(&a->out->list, f);
}

struct prof_error *report_groups(struct groups *g)
{
    struct prof_findings *out = g->a->out;
    uint32_t base = (uint32_t)out->list.count;

    for (uint32_t i = 0; i < g->list.count; i++) {
        if (!list_takings(g, i))
            return prof_error_memory();
    }
    if (g->opens.count > 0)
        qsort(g->opens.items, g->opens.count, sizeof *g->opens.items, open_sum_order);
    for (size_t i = 0; i < g->opens.count; i++) {
        struct group *group = &g->list.items[g->opens.items[i].group];
        if (group->open_count++ == 0)
            group->open_first = (uint32_t)i;
    }
    for (uint32_t i = 0; i < g->list.count; i++) {
        if (!report_group(g, i))
            return prof_error_memory();
    }
    // Until here `of` named groups; they are in the list in the same order.
    for (uint32_t id = 0; id < out->obj_max; id++) {
        if (out->of[id] != 0)
            out->of[id] += base;
    }
    return NULL;
}
