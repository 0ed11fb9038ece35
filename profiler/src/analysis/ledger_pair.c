/* ledger_pair.c: which release gives back what no slot tells: learned from healthy objects, else a hint. */
#include "ledger_state.h"

#include <stdlib.h>

/* A taking or a release that no slot matched. */
struct loose {
    struct prof_ledger_entry *entry;
    uint32_t site;
    bool take, birth, done;
};
struct loose_list {
    PROF_VEC(struct loose) list; /* in order */
};

static bool gather(struct prof_ledgers *l, struct life *life, struct loose_list *ret)
{
    for (size_t i = 0; i < life->book.entries.count; i++) {
        struct prof_ledger_entry *entry = &life->book.entries.items[i];
        bool take = ledger_takes(entry);
        if (entry->pair != 0 || entry->open || (!take && entry->event.op != TRK_OP_UNREF))
            continue;
        struct loose loose = { .entry = entry, .site = site_of(&l->a, entry->event.stack), .take = take };
        loose.birth = entry->event.op == TRK_OP_NEW || entry->event.op == TRK_OP_REUSE;
        if (loose.site == UINT32_MAX || !prof_vec_push(&ret->list, loose))
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

static bool by_learning(struct prof_ledgers *l, const struct life *life, struct loose_list *loose)
{
    size_t count = loose->list.count;
    struct pair_event *events = calloc(count + 1, sizeof *events);
    size_t *partner = calloc(count + 1, sizeof *partner);
    bool good = events != NULL && partner != NULL;

    for (size_t i = 0; good && i < count; i++) {
        const struct loose *one = &loose->list.items[i];
        events[i] = (struct pair_event){ .stack = one->entry->event.stack, .take = one->take, .birth = one->birth };
    }
    good = good && pair_match(&l->a, &l->learned, life->type, events, count, partner);
    for (size_t i = 0; good && i < count; i++) {
        struct loose *give = &loose->list.items[i];
        if (!give->take && partner[i] != SIZE_MAX)
            match(&loose->list.items[partner[i]], give, PROF_EVIDENCE_LEARNED);
    }
    free(events);
    free(partner);
    return good;
}

/* The newest taking before a release that is left, of its own thread if there is one; one of the site that the finding
 * names only when there is no other. NULL none. */
static struct loose *hint(struct loose_list *loose, size_t give, uint32_t blamed)
{
    struct loose *best = NULL;
    unsigned best_score = 0;

    for (size_t i = give; i-- > 0;) {
        struct loose *take = &loose->list.items[i];
        if (!take->take || take->done)
            continue;
        bool own = take->entry->event.tid == loose->list.items[give].entry->event.tid;
        unsigned score = 1 + own + (take->birth || take->site != blamed ? 2 : 0);
        if (score > best_score) {
            best = take;
            best_score = score;
        }
    }
    return best;
}

bool ledger_pair(struct prof_ledgers *l, struct life *life, uint32_t blamed)
{
    struct loose_list loose = { 0 };

    for (size_t i = 0; i < life->book.entries.count; i++)
        life->book.entries.items[i].owned = life->book.entries.items[i].open;
    bool good = gather(l, life, &loose) && by_learning(l, life, &loose);
    for (size_t i = 0; good && i < loose.list.count; i++) {
        struct loose *give = &loose.list.items[i];
        struct loose *take = give->take || give->done ? NULL : hint(&loose, i, blamed);
        if (take != NULL)
            match(take, give, PROF_EVIDENCE_HINT);
    }
    for (size_t i = 0; i < loose.list.count; i++) {
        struct loose *one = &loose.list.items[i];
        one->entry->open = one->take && !one->done && !life->out.freed;
    }
    prof_vec_deinit(&loose.list);
    return good;
}
