/* missing.c: the releases that never came: the one that a finding names first, and those of other references of the
 * same objects. */
#include "group.h"

#include <string.h>

bool missing_sum(struct groups *g, uint32_t group, const struct pair_open *open)
{
    struct prof_finding_missing fresh = { .stack = open->missing_stack,
                                          .take_stack = open->taking.stack,
                                          .birth = open->taking.site == SITE_BIRTH,
                                          .named = open->missing_named,
                                          .healthy_named = open->healthy_named,
                                          .healthy_of = open->healthy_of };
    uint32_t site = open->missing_stack != 0 ? site_of(g->a, open->missing_stack) : 0;

    if (open->missing_stack == 0)
        return true;
    uint64_t key = map_mix((uint64_t)group << 32 | site, open->taking.site);
    uint32_t at = site != UINT32_MAX ? map_get(&g->missing_of_key, key) : 0;
    if (site == UINT32_MAX)
        return false;
    if (at == UINT32_MAX)
        return map_put(&g->missing_of_key, key, (uint32_t)g->missings.count) &&
               prof_vec_push(&g->missings, (struct missing_sum){ .group = group, .missing = fresh });
    g->missings.items[at].missing.named += open->missing_named;
    return true;
}

/* The usual release of a reference with a slot; false: not known. */
static bool of_slot(struct groups *g, const struct group *group, const struct prof_finding_open *open,
                    struct prof_finding_missing *ret)
{
    const struct learned_pair *pair;

    if (!prof_pairing_owned(open->pairing) || open->holder_obj != 0 ||
        (pair = pair_of_slot(g->a, &g->learned, group->type, open->stack)) == NULL)
        return false;
    *ret = (struct prof_finding_missing){ .stack = pair->given,
                                          .take_stack = open->stack,
                                          .birth = open->birth,
                                          .named = open->count < group->objects ? open->count : group->objects,
                                          .healthy_named = pair->count,
                                          .healthy_of = pair->all };
    return true;
}

/* Adds one to the list, unless its release or its taking is in the finding already. */
static bool add(struct groups *g, const struct prof_finding *f, struct prof_finding_missing *list, size_t *count,
                const struct prof_finding_missing *one)
{
    uint32_t give = site_of(g->a, one->stack), take = site_of(g->a, one->take_stack);
    uint32_t first = site_of(g->a, f->missing_stack);
    bool known = give == first;

    if (give == UINT32_MAX || take == UINT32_MAX || first == UINT32_MAX)
        return false;
    for (size_t i = 0; i < *count && !known; i++)
        known = site_of(g->a, list[i].stack) == give || site_of(g->a, list[i].take_stack) == take;
    if (!known && *count < PROF_MISSING_MOST)
        list[(*count)++] = *one;
    return true;
}

bool missing_fill(struct groups *g, uint32_t index, struct prof_finding *ret)
{
    const struct group *group = &g->list.items[index];
    struct prof_finding_missing list[PROF_MISSING_MOST], one;
    size_t count = 0;

    if (group->verdict == PROF_REACHABLE || group->verdict == PROF_ZERO_NOT_FREED)
        return true;
    if (ret->missing_stack == 0 && ret->open_count > 0 && of_slot(g, group, ret->open, &one)) {
        ret->missing_stack = one.stack;
        ret->missing_named = one.named;
        ret->missing_of = group->objects;
        ret->healthy_named = one.healthy_named;
        ret->healthy_of = one.healthy_of;
    }
    if (ret->missing_stack == 0)
        return true;
    for (size_t i = 0; i < g->missings.count; i++) {
        if (g->missings.items[i].group == index && !add(g, ret, list, &count, &g->missings.items[i].missing))
            return false;
    }
    for (size_t i = 0; i < ret->open_count; i++) {
        if (of_slot(g, group, &ret->open[i], &one) && !add(g, ret, list, &count, &one))
            return false;
    }
    if (count == 0)
        return true;
    struct prof_finding_missing *copy = prof_arena_alloc(g->a->arena, count * sizeof *copy);
    if (copy == NULL)
        return false;
    memcpy(copy, list, count * sizeof *copy);
    ret->also_missing = copy;
    ret->also_count = count;
    return true;
}
