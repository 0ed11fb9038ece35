/* twin.c: does a leaked object have twins to which no pointer exists?
 *
 * Memory that nobody wrote to since it was allocated holds what stood there before, and that may happen to point to an
 * object: within a few leaked ones it closes circles that are none. An object of which most twins (same type, same
 * places where references were taken and given back, as many left) leak without any pointer to them needs no circle
 * to leak. */
#include "hold.h"

static uint64_t ledger_of(struct analysis *a, prof_obj_id id)
{
    const struct prof_obj *obj = prof_heap_obj(a->heap, id);
    uint64_t places = 0, open = 0; // in no order

    for (uint32_t i = obj->first_site; i != 0;) {
        const struct prof_site_count *site = prof_heap_site_count(a->heap, i);
        places += map_mix(site->stack, (uint64_t)(site->taken > 0) << 1 | (site->given > 0));
        open += site->taken - (uint64_t)site->given;
        i = site->next;
    }
    return map_mix(map_mix(obj->type, obj->stack), map_mix(places, open));
}

enum { LONELY_LEAST = 8, LONELY_EACH = 2 }; /* in all; for each one in a circle */

static bool is_lonely(const struct analysis *a, prof_obj_id id)
{
    const struct hold_facts *facts = &a->hold->facts[id];
    return facts->examined && facts->words == 0 && facts->anonymous > 0 && a->role[id] == ROLE_SOURCE;
}

static bool count_in(struct map *counts, uint64_t ledger)
{
    uint32_t count = map_get(counts, ledger);
    return map_put(counts, ledger, count != UINT32_MAX ? count + 1 : 1);
}

bool twin_find(struct analysis *a, struct twins *ret)
{
    for (prof_obj_id id = 1; id < a->n; id++) {
        bool leaked = a->fate[id] == FATE_LEAKED;
        struct map *counts = leaked && is_lonely(a, id)            ? &ret->lonely
                             : leaked && a->role[id] == ROLE_CYCLE ? &ret->circling
                                                                   : NULL;
        if (counts != NULL && !count_in(counts, ledger_of(a, id)))
            return false;
    }
    return true;
}

bool twin_has(struct analysis *a, const struct twins *twins, prof_obj_id id)
{
    if (twins->lonely.count == 0)
        return false;
    uint64_t ledger = ledger_of(a, id);
    uint32_t lonely = map_get(&twins->lonely, ledger), circling = map_get(&twins->circling, ledger);
    return lonely != UINT32_MAX && circling != UINT32_MAX && lonely >= LONELY_LEAST && lonely / LONELY_EACH >= circling;
}

void twin_free(struct twins *twins)
{
    map_deinit(&twins->lonely);
    map_deinit(&twins->circling);
}
