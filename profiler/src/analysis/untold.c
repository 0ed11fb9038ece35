/* untold.c: owners that were told once and not when they gave a reference on: what they are told to own proves nothing.
 *
 * Healthy objects show it: some died while such an owner was still told to hold a reference, so a release that named
 * nobody gave it back. The same may have been meant for a leaked object, so its reference is one without owner. */
#include "group.h"

static bool find_places(struct analysis *a)
{
    const struct prof_type_site *list;
    size_t count = prof_heap_type_sites(a->heap, &list);

    for (size_t i = 0; i < count; i++) {
        uint32_t site = list[i].untold > 0 ? site_of(a, list[i].stack) : 0;
        if (list[i].untold > 0 &&
            (site == UINT32_MAX || !map_put(&a->untold_places, (uint64_t)list[i].type << 32 | site, 0)))
            return false;
    }
    a->untold_known = true;
    return true;
}

bool untold_open(struct analysis *a, const struct prof_open *open)
{
    struct owner owner;

    if (!prof_open_backed(open) || prof_open_doubled(open) || (!a->untold_known && !find_places(a)) ||
        a->untold_places.count == 0)
        return false;
    uint32_t site = site_of(a, open->stack);
    uint64_t key = (uint64_t)prof_heap_obj(a->heap, open->obj)->type << 32 | site;
    if (site == UINT32_MAX || map_get(&a->untold_places, key) == UINT32_MAX || !owner_unnamed(a, open, &owner))
        return false;
    switch (owner.kind) {
    case OWNER_OBJECT: // still there to be looked at
    case OWNER_BLOCK:
    case OWNER_GLOBAL:
    case OWNER_REGION:
        return false;
    default:
        return true;
    }
}

bool untold_owns(struct analysis *a, const struct prof_open *open)
{
    return prof_open_backed(open) && !prof_open_doubled(open) && !untold_open(a, open);
}
