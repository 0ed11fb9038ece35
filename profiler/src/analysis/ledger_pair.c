/* ledger_pair.c: which release gives back what no slot tells: learned from healthy objects, else a hint. */
#include "ledger_state.h"

/* A taking or a release that no slot matched. */
struct loose {
    struct prof_ledger_entry *entry;
    uint32_t site; /* SITE_BIRTH: the birth */
    bool done;
};
struct loose_list {
    PROF_VEC(struct loose) list;
};

static bool gather(struct prof_ledgers *l, struct life *life, bool takings, struct loose_list *ret)
{
    for (size_t i = 0; i < life->book.entries.count; i++) {
        struct prof_ledger_entry *entry = &life->book.entries.items[i];
        bool birth = entry->event.op == TRK_OP_NEW || entry->event.op == TRK_OP_REUSE;
        if (entry->pair != 0 || entry->open || (takings ? !ledger_takes(entry) : entry->event.op != TRK_OP_UNREF))
            continue;
        uint32_t site = birth ? SITE_BIRTH : site_of(&l->a, entry->event.stack);
        if (site == UINT32_MAX || !prof_vec_push(&ret->list, (struct loose){ .entry = entry, .site = site }))
            return false;
    }
    return true;
}

static void match(struct loose *take, struct loose *give, enum prof_evidence evidence)
{
    take->done = give->done = true;
    take->entry->pair = give->entry->number;
    give->entry->pair = take->entry->number;
    take->entry->evidence = give->entry->evidence = evidence;
}

/* The newest taking before a release: of its own thread if there is one. by_site: only where releases at its site give
 * back what was taken. spare: not one of this site, unless nothing else is left. false without memory. */
static bool find(struct prof_ledgers *l, const struct prof_obj *obj, struct loose_list *takes, const struct loose *give,
                 bool by_site, uint32_t spare, struct loose **ret)
{
    struct loose *best = NULL;
    unsigned best_score = 0;

    for (size_t i = takes->list.count; i-- > 0;) {
        struct loose *take = &takes->list.items[i];
        bool serves = true;
        if (take->done || take->entry->number > give->entry->number)
            continue;
        if (by_site && !pair_serves(&l->a, &l->learned, obj, take->entry->event.stack, take->site == SITE_BIRTH,
                                    give->entry->event.stack, &serves))
            return false;
        unsigned score = 1 + (take->entry->event.tid == give->entry->event.tid) + (take->site != spare ? 2 : 0);
        if (serves && score > best_score) {
            best = take;
            best_score = score;
        }
    }
    *ret = best;
    return true;
}

bool ledger_pair(struct prof_ledgers *l, struct life *life, uint32_t blamed)
{
    // What pair_serves has to know of an object: siblings are not in the heap any more.
    const struct prof_obj obj = { .type = life->type, .stack = life->stack };
    struct loose_list takes = { 0 }, gives = { 0 };
    bool good = gather(l, life, true, &takes) && gather(l, life, false, &gives);

    for (size_t i = 0; i < life->book.entries.count; i++)
        life->book.entries.items[i].owned = life->book.entries.items[i].open;
    for (int round = 0; good && round < 2; round++) {
        for (size_t i = 0; good && i < gives.list.count; i++) {
            struct loose *give = &gives.list.items[i], *take = NULL;
            if (give->done)
                continue;
            good = find(l, &obj, &takes, give, round == 0, blamed, &take);
            if (take != NULL)
                match(take, give, round == 0 ? PROF_EVIDENCE_LEARNED : PROF_EVIDENCE_HINT);
        }
    }
    for (size_t i = 0; i < takes.list.count; i++)
        takes.list.items[i].entry->open = !takes.list.items[i].done && !life->out.freed;
    prof_vec_deinit(&takes.list);
    prof_vec_deinit(&gives.list);
    return good;
}
