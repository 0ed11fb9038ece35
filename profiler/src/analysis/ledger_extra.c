/* ledger_extra.c: of an object that was released too often, which release is the one too many.
 *
 * The release that met a count of zero, and the one that made it zero, are most often innocent: they come last. Slots
 * tell for certain: one that gives back twice what it took once. Else siblings tell: the release that they do not make,
 * unless the object took a reference there that they did not take either. */
#include "ledger_state.h"

/* Takings, or releases, at one site. */
struct place {
    uint64_t own;          /* how often the example did it */
    uint64_t siblings, of; /* how many did it as often, of all */
};

static bool has_slot(const struct prof_event *e)
{
    return (e->flags & (PROF_EVENT_SLOT | PROF_EVENT_HOLDER)) == PROF_EVENT_SLOT;
}

static const struct prof_ledger_entry *entry_of(const struct prof_ledger *ledger, uint64_t number)
{
    for (size_t i = 0; i < ledger->count; i++) {
        if (ledger->entries[i].number == number)
            return &ledger->entries[i];
    }
    return NULL;
}

/* ---- By slots ---------------------------------------------------------------------------------------------------- */

/* The release that emptied the slot of entry `at`, when nothing was put into it in between; NULL: there is none. */
static const struct prof_ledger_entry *emptied_before(const struct prof_ledger *ledger, size_t at)
{
    const struct prof_event *e = &ledger->entries[at].event;

    for (size_t i = at; i-- > 0;) {
        const struct prof_ledger_entry *entry = &ledger->entries[i];
        if (!has_slot(&entry->event) || entry->event.slot != e->slot)
            continue;
        bool gave = entry->event.op == TRK_OP_UNREF && entry->evidence == PROF_EVIDENCE_SLOT;
        return gave ? entry : NULL;
    }
    return NULL;
}

static void by_slot(struct prof_parting *ret)
{
    const struct prof_ledger *ledger = ret->example;

    for (size_t i = 0; i < ledger->count; i++) {
        const struct prof_ledger_entry *entry = &ledger->entries[i];
        if (entry->event.op != TRK_OP_UNREF || !has_slot(&entry->event) || entry->evidence == PROF_EVIDENCE_SLOT)
            continue;
        const struct prof_ledger_entry *before = emptied_before(ledger, i);
        if (before == NULL)
            continue;
        ret->extra = entry;
        ret->extra_before = before;
        ret->extra_evidence = PROF_EVIDENCE_SLOT;
        return;
    }
}

/* ---- By siblings ------------------------------------------------------------------------------------------------- */

/* How often a life took or gave back at a site. false without memory. */
static bool times_at(struct prof_ledgers *l, const struct prof_ledger *ledger, uint32_t site, bool take, uint64_t *ret)
{
    *ret = 0;
    for (size_t i = 0; i < ledger->line_count; i++) {
        const struct prof_ledger_line *line = &ledger->lines[i];
        uint32_t at = site_of(&l->a, line->stack);
        if (at == UINT32_MAX)
            return false;
        *ret += at != site ? 0 : take ? line->taken : line->given;
    }
    return true;
}

static bool compare(struct prof_ledgers *l, const struct life *first, const struct prof_ledger_entry *entry,
                    struct place *ret)
{
    uint32_t site = site_of(&l->a, entry->event.stack);
    bool take = ledger_takes(entry);

    *ret = (struct place){ 0 };
    if (site == UINT32_MAX || !times_at(l, &first->out, site, take, &ret->own))
        return false;
    for (size_t i = 0; i < l->lives.count; i++) {
        uint64_t times;
        if (!ledger_is_sibling(l->lives.items[i], first))
            continue;
        if (!times_at(l, &l->lives.items[i]->out, site, take, &times))
            return false;
        ret->siblings += times >= ret->own;
        ret->of++;
    }
    return true;
}

/* Only few do it. */
static bool is_rare(const struct place *place)
{
    return place->of > 0 && place->siblings * 10 <= place->of;
}

static bool by_siblings(struct prof_ledgers *l, const struct life *first, struct prof_parting *ret)
{
    const struct prof_ledger *ledger = ret->example;
    const struct prof_ledger_entry *found = NULL;
    struct place found_place = { 0 };
    uint32_t found_site = UINT32_MAX;
    int64_t rare = 0; // releases less takings that siblings do not make

    for (size_t i = 0; i < ledger->count; i++) {
        const struct prof_ledger_entry *entry = &ledger->entries[i];
        bool gives = entry->event.op == TRK_OP_UNREF;
        struct place place;
        if (!gives && !ledger_takes(entry))
            continue;
        if (!compare(l, first, entry, &place))
            return false;
        if (!is_rare(&place))
            continue;
        rare += gives ? 1 : -1;
        const struct prof_ledger_entry *taken = gives ? entry_of(ledger, entry->pair) : NULL;
        if (!gives || (taken != NULL && entry->evidence <= PROF_EVIDENCE_HOLDER))
            continue;
        uint32_t site = site_of(&l->a, entry->event.stack);
        if (found != NULL && site != found_site)
            return true; // several places: one of them
        found_site = site;
        found_place = place;
        found = entry;
    }
    if (found != NULL && rare > 0) {
        ret->extra = found;
        ret->extra_siblings = found_place.siblings;
        ret->extra_of = found_place.of;
        ret->extra_evidence = PROF_EVIDENCE_LEARNED;
    }
    return true;
}

bool ledger_extra(struct prof_ledgers *ledgers, const struct life *first, struct prof_parting *parting)
{
    const struct prof_ledger *ledger = &first->out;
    uint64_t taken = 0, given = 0;

    for (size_t i = 0; i < ledger->line_count; i++) {
        taken += ledger->lines[i].taken;
        given += ledger->lines[i].given;
    }
    parting->too_many = !ledger->before && given > taken;
    if (!parting->too_many)
        return true;
    by_slot(parting);
    return parting->extra != NULL || by_siblings(ledgers, first, parting);
}
