/* doubt.c: which open references are open for certain, when other events of their object name no owner.
 *
 * A release that names nobody takes one of the references without owner, as far as the model goes. But a variable may
 * have handed its reference on without telling, and then the release was the one of that variable's reference. The same
 * goes for an owner that turns up (trk_own) and says of which reference. Nothing in the events tells these apart, so
 * whatever was owned at that moment is doubted from then on: it may well be open, and is so by what was told.
 *
 * Two things are believed: trk_own right behind a taking, by the function that had it done, means what was taken there;
 * and a release right behind trk_disown, by the same function, is the one of that reference. */
#include "state.h"

enum { CUT = TRK_STACK_TRUNCATED | TRK_STACK_SITE_ONLY };
enum { CALLEES = 1 }; /* how much deeper than the call of trk_own or trk_disown the count may have been changed */

bool doubt_one_call(const struct prof_heap *h, uint32_t changed, uint32_t told)
{
    struct prof_stack take, own;

    if (!prof_trace_stack(h->trace, changed, &take) || !prof_trace_stack(h->trace, told, &own))
        return false;
    for (unsigned deeper = 0; deeper <= CALLEES; deeper++) {
        unsigned i = 1;
        while (i < own.frames && i + deeper < take.frames && own.pcs[i] == take.pcs[i + deeper])
            i++;
        bool own_ends = i >= own.frames, take_ends = i + deeper >= take.frames;
        if ((own_ends && (take_ends || (own.flags & CUT) != 0)) || (take_ends && (take.flags & CUT) != 0))
            return true;
    }
    return false;
}

bool doubt_follows(const struct prof_heap *h, prof_obj_id id, uint32_t owned)
{
    const struct prof_obj *obj = obj_of(h, id);
    const struct prof_site_count *site = obj->first_site != 0 ? site_of(h, obj->first_site) : NULL;

    return site != NULL && site->taken > 0 && site->last_event == obj->refs + obj->unrefs &&
           doubt_one_call(h, site->stack, owned);
}

void doubt_owners(struct prof_heap *h, prof_obj_id id)
{
    for (uint32_t i = obj_of(h, id)->first_open; i != 0; i = open_of(h, i)->next) {
        struct prof_open *open = open_of(h, i);
        if (open->kind == PROF_OPEN_BIRTH)
            continue;
        if ((open->flags & PROF_OPEN_DOUBTED) != 0)
            return; /* and so are those behind it: the newest is first */
        open->flags |= PROF_OPEN_DOUBTED;
    }
}
