/* adopt.c: references without a slot are matched with the pointers in memory that may own them.
 *
 * Which takings are left: each release is given, in the order of events as in ledgers, to the taking before it that it
 * serves most in healthy objects; what is left of them to one in the same function, else to the birth (what a pointer
 * in memory stands for was rather taken for it), else to what looks most like its partner. Which pointer stands for
 * which taking: objects with one taking left show which fields belong to which sites, and they vote for the others. All
 * of it is a guess. */
#include "group.h"
#include "hold.h"

#include <stdlib.h>

/* A place that gave back: how many are left to match, and when it did so last. */
struct give {
    uint32_t stack, left;
    uint32_t event; /* number within the life */
};

static int by_event(const void *left, const void *right)
{
    const struct give *a = left, *b = right;
    if (a->event != b->event)
        return a->event < b->event ? -1 : 1;
    return a->stack < b->stack ? -1 : a->stack > b->stack;
}

static void match(struct take *take, struct give *give)
{
    uint32_t n = take->left < give->left ? take->left : give->left;
    take->left -= n;
    give->left -= n;
}

/* The taking before a release that it serves most; NULL: none that was learned. */
static bool learned_taking(struct analysis *a, struct learned *learned, const struct prof_obj *obj,
                           const struct give *give, struct takes *takes, struct take **ret)
{
    double most = PAIRING_SHARE_LEAST;

    *ret = NULL;
    for (size_t i = 0; i < takes->count; i++) {
        struct take *take = &takes->list[i];
        double share;
        if (take->left == 0 || (give->event != 0 && take->event > give->event))
            continue;
        if (!pair_share(a, learned, obj, take->stack, take->birth, give->stack, &share))
            return false;
        if (share > most || (*ret != NULL && share == most && take->event > (*ret)->event)) {
            *ret = take;
            most = share;
        }
    }
    return true;
}

static bool by_learning(struct analysis *a, struct learned *learned, const struct prof_obj *obj, struct takes *takes,
                        struct give *gives, size_t count)
{
    if (count > 1)
        qsort(gives, count, sizeof *gives, by_event);
    for (size_t i = 0; i < count; i++) {
        struct take *take;
        do {
            if (!learned_taking(a, learned, obj, &gives[i], takes, &take))
                return false;
            if (take != NULL)
                match(take, &gives[i]);
        } while (take != NULL && gives[i].left > 0);
    }
    return true;
}

struct release {
    uint32_t take, give;
    unsigned score;
};

static int by_score(const void *left, const void *right)
{
    const struct release *a = left, *b = right;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    if (a->take != b->take)
        return a->take < b->take ? -1 : 1; // births come first
    return a->give < b->give ? -1 : a->give > b->give;
}

enum { SCORE_BIRTH = 999, SCORE_FUNCTION = 1000 }; /* of pair_affinity */

static unsigned score_of(struct analysis *a, const struct take *take, uint32_t give)
{
    unsigned score = pair_affinity(a, take->stack, give);

    if (score >= SCORE_FUNCTION)
        return score;
    return take->birth ? SCORE_BIRTH : score < SCORE_BIRTH ? score : SCORE_BIRTH - 1;
}

static void by_names(struct analysis *a, struct takes *takes, struct give *gives, size_t count)
{
    enum { PAIRS_MOST = 256 };
    struct release pairs[PAIRS_MOST];
    size_t pair_count = 0;

    for (uint32_t t = 0; t < takes->count; t++) {
        for (uint32_t g = 0; g < count && pair_count < PAIRS_MOST; g++) {
            if (takes->list[t].left > 0 && gives[g].left > 0)
                pairs[pair_count++] = (struct release){ t, g, score_of(a, &takes->list[t], gives[g].stack) };
        }
    }
    if (pair_count > 1)
        qsort(pairs, pair_count, sizeof *pairs, by_score);
    for (size_t i = 0; i < pair_count; i++)
        match(&takes->list[pairs[i].take], &gives[pairs[i].give]);
}

bool adopt_left(struct analysis *a, struct learned *learned, const struct prof_obj *obj, struct takes *ret)
{
    struct give gives[TAKES_MOST];
    size_t give_count = 0, kept = 0;
    uint64_t births = group_births(a, obj);

    *ret = (struct takes){ .count = 0 };
    if (births > 0)
        ret->list[ret->count++] = (struct take){ .stack = obj->stack, .left = (uint32_t)births, .birth = true };
    for (uint32_t i = obj->first_site; i != 0;) {
        const struct prof_site_count *site = prof_heap_site_count(a->heap, i);
        if (site->taken > 0 && site->stack != obj->stack && ret->count < TAKES_MOST)
            ret->list[ret->count++] =
                (struct take){ .stack = site->stack, .left = site->taken, .event = site->first_event };
        if (site->given > 0 && give_count < TAKES_MOST)
            gives[give_count++] = (struct give){ site->stack, site->given, site->last_event };
        i = site->next;
    }
    if (!by_learning(a, learned, obj, ret, gives, give_count))
        return false;
    by_names(a, ret, gives, give_count);
    for (size_t i = 0; i < ret->count; i++) {
        if (ret->list[i].left > 0)
            ret->list[kept++] = ret->list[i];
    }
    ret->count = kept;
    return true;
}

/* Takes out what healthy objects give back in the function that took it: no pointer in memory stands for that. Returns
 * in *ret how many references that are. */
static bool drop_scoped(struct analysis *a, const struct prof_obj *obj, struct takes *takes, uint32_t *ret)
{
    size_t kept = 0;

    *ret = 0;
    for (size_t i = 0; i < takes->count; i++) {
        const struct take take = takes->list[i];
        bool scoped = false;
        if (!take.birth && !pair_is_scoped(a, &a->hold->learned, obj->type, take.stack, &scoped))
            return false;
        if (scoped)
            *ret += take.left;
        else
            takes->list[kept++] = take;
    }
    takes->count = kept;
    return true;
}

bool adopt_kind(struct analysis *a, prof_obj_id id, struct left *ret)
{
    const struct prof_obj *obj = prof_heap_obj(a->heap, id);
    struct takes takes;
    uint32_t scoped;

    if (!adopt_left(a, &a->hold->learned, obj, &takes) || !drop_scoped(a, obj, &takes, &scoped))
        return false;
    *ret = (struct left){ scoped == 0 && takes.count > 0, scoped > 0 && takes.count == 0 };
    for (size_t i = 0; i < takes.count; i++)
        ret->births &= takes.list[i].birth;
    return true;
}

/* The kind of place a word stands in. */
static bool place_key(struct analysis *a, const struct hold_word *word, uint64_t *ret)
{
    struct owner owner;

    if (!hold_owner(a, word, &owner))
        return false;
    *ret = map_mix(group_hash(owner.type), map_mix(group_hash(owner.field), group_hash(owner.text)));
    return true;
}

static bool may_own(const struct hold_word *word)
{
    return word->start && (word->live || word->kind == HOLD_NODE);
}

struct votes {
    struct map of; /* (taking site, place) -> objects */
};

static bool vote_key(struct analysis *a, const struct hold_word *word, const struct take *take, uint64_t *ret)
{
    uint32_t site = site_of(a, take->stack);
    uint64_t place;

    if (site == UINT32_MAX || !place_key(a, word, &place))
        return false;
    *ret = map_mix(place, (uint64_t)site << 1 | take->birth);
    return true;
}

static uint32_t votes_for(const struct votes *votes, uint64_t key)
{
    uint32_t count = map_get(&votes->of, key);
    return count != UINT32_MAX ? count : 0;
}

/* One taking that is left, or pointers of one kind: they belong together. */
static bool cast_votes(struct analysis *a, prof_obj_id id, const struct takes *takes, struct votes *votes)
{
    const struct hold *hold = a->hold;

    for (uint32_t i = hold->row[id]; takes->count == 1 && i < hold->row[id + 1]; i++) {
        uint64_t key;
        if (!may_own(&hold->words.items[i]))
            continue;
        if (!vote_key(a, &hold->words.items[i], &takes->list[0], &key))
            return false;
        uint32_t now = votes_for(votes, key);
        if (now < UINT32_MAX / 2 && !map_put(&votes->of, key, now + 1))
            return false;
    }
    return true;
}

static bool match_words(struct analysis *a, prof_obj_id id, struct takes *takes, uint32_t scoped,
                        const struct votes *votes)
{
    struct hold *hold = a->hold;
    struct hold_facts *facts = &hold->facts[id];

    for (uint32_t i = hold->row[id]; i < hold->row[id + 1] && facts->adopted + scoped < facts->anonymous; i++) {
        struct hold_word *word = &hold->words.items[i];
        struct take *best = NULL;
        uint32_t best_votes = 0;
        if (!may_own(word))
            continue;
        for (size_t t = 0; t < takes->count; t++) {
            uint64_t key;
            if (takes->list[t].left == 0)
                continue;
            if (takes->count > 1 && !vote_key(a, word, &takes->list[t], &key))
                return false;
            uint32_t now = takes->count > 1 ? votes_for(votes, key) : 0;
            // Of takings that nothing tells apart the later kinds come before births: those are less often kept.
            if (best == NULL || now > best_votes || (now == best_votes && best->birth)) {
                best = &takes->list[t];
                best_votes = now;
            }
        }
        word->adopted = true;
        facts->adopted++;
        if (best == NULL)
            continue; // counted without telling, or its slot is stale
        word->stack = best->stack;
        word->birth = best->birth;
        best->left--;
    }
    return true;
}

static bool wants(const struct analysis *a, prof_obj_id id)
{
    const struct hold_facts *facts = &a->hold->facts[id];
    return a->fate[id] == FATE_LEAKED && facts->anonymous > 0 && !facts->borrowed && facts->live + facts->dead > 0;
}

/* The takings that words may stand for. */
static bool ownable(struct analysis *a, prof_obj_id id, struct takes *takes, uint32_t *ret_scoped)
{
    const struct prof_obj *obj = prof_heap_obj(a->heap, id);
    return adopt_left(a, &a->hold->learned, obj, takes) && drop_scoped(a, obj, takes, ret_scoped);
}

bool adopt_takes(struct analysis *a)
{
    struct votes votes = { 0 };
    struct takes takes;
    uint32_t scoped;
    bool good = true;

    for (prof_obj_id id = 1; good && id < a->hold->objects; id++) {
        if (wants(a, id))
            good = ownable(a, id, &takes, &scoped) && cast_votes(a, id, &takes, &votes);
    }
    for (prof_obj_id id = 1; good && id < a->hold->objects; id++) {
        if (wants(a, id))
            good = ownable(a, id, &takes, &scoped) && match_words(a, id, &takes, scoped, &votes);
    }
    map_deinit(&votes.of);
    return good;
}
