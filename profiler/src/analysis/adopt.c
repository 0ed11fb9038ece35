/* adopt.c: references without a slot are matched with the pointers in memory that may own them.
 *
 * Which takings are left: each release is given to the taking that it serves in healthy objects, else to one in the
 * same function, else to the birth (what a pointer in memory stands for was rather taken for it), else to what looks
 * most like its partner. Which pointer stands for which taking: objects with one taking left show which fields belong
 * to which sites, and they vote for the others. All of it is a guess. */
#include "group.h"
#include "hold.h"

#include <stdlib.h>

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

enum { SCORE_BIRTH = 999, SCORE_FUNCTION = 1000, SCORE_LEARNED = 100000 }; /* of pair_affinity: below 1000 otherwise */

static bool score_of(struct analysis *a, struct learned *learning, const struct prof_obj *obj, const struct take *take,
                     uint32_t give, unsigned *ret)
{
    bool learned;

    if (!pair_serves(a, learning, obj, take->stack, take->birth, give, &learned))
        return false;
    *ret = pair_affinity(a, take->stack, give);
    if (learned)
        *ret = SCORE_LEARNED;
    else if (take->birth && *ret < SCORE_FUNCTION)
        *ret = SCORE_BIRTH;
    else if (*ret < SCORE_FUNCTION && *ret >= SCORE_BIRTH)
        *ret = SCORE_BIRTH - 1;
    return true;
}

bool adopt_left(struct analysis *a, struct learned *learned, const struct prof_obj *obj, struct takes *ret)
{
    enum { PAIRS_MOST = 256 };
    struct take gives[TAKES_MOST];
    struct release pairs[PAIRS_MOST];
    size_t give_count = 0, pair_count = 0;
    uint64_t births = group_births(a, obj);

    *ret = (struct takes){ .count = 0 };
    if (births > 0)
        ret->list[ret->count++] = (struct take){ obj->stack, (uint32_t)births, true };
    for (uint32_t i = obj->first_site; i != 0;) {
        const struct prof_site_count *site = prof_heap_site_count(a->heap, i);
        if (site->taken > 0 && site->stack != obj->stack && ret->count < TAKES_MOST)
            ret->list[ret->count++] = (struct take){ site->stack, site->taken, false };
        if (site->given > 0 && give_count < TAKES_MOST)
            gives[give_count++] = (struct take){ site->stack, site->given, false };
        i = site->next;
    }
    for (uint32_t t = 0; t < ret->count; t++) {
        for (uint32_t g = 0; g < give_count && pair_count < PAIRS_MOST; g++) {
            struct release *pair = &pairs[pair_count++];
            *pair = (struct release){ t, g, 0 };
            if (!score_of(a, learned, obj, &ret->list[t], gives[g].stack, &pair->score))
                return false;
        }
    }
    if (pair_count > 1)
        qsort(pairs, pair_count, sizeof *pairs, by_score);
    for (size_t i = 0; i < pair_count; i++) {
        uint32_t *left = &ret->list[pairs[i].take].left, *given = &gives[pairs[i].give].left;
        uint32_t n = *left < *given ? *left : *given;
        *left -= n;
        *given -= n;
    }
    size_t kept = 0;
    for (size_t i = 0; i < ret->count; i++) {
        if (ret->list[i].left > 0)
            ret->list[kept++] = ret->list[i];
    }
    ret->count = kept;
    return true;
}

bool adopt_only_births(struct analysis *a, prof_obj_id id, bool *ret)
{
    struct takes takes;

    if (!adopt_left(a, &a->hold->learned, prof_heap_obj(a->heap, id), &takes))
        return false;
    *ret = takes.count > 0;
    for (size_t i = 0; i < takes.count; i++)
        *ret &= takes.list[i].birth;
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

static bool match_words(struct analysis *a, prof_obj_id id, struct takes *takes, const struct votes *votes)
{
    struct hold *hold = a->hold;
    struct hold_facts *facts = &hold->facts[id];

    for (uint32_t i = hold->row[id]; i < hold->row[id + 1] && facts->adopted < facts->anonymous; i++) {
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

bool adopt_takes(struct analysis *a)
{
    struct votes votes = { 0 };
    struct takes takes;
    bool good = true;

    for (prof_obj_id id = 1; good && id < a->hold->objects; id++) {
        if (!wants(a, id))
            continue;
        good =
            adopt_left(a, &a->hold->learned, prof_heap_obj(a->heap, id), &takes) && cast_votes(a, id, &takes, &votes);
    }
    for (prof_obj_id id = 1; good && id < a->hold->objects; id++) {
        if (!wants(a, id))
            continue;
        good =
            adopt_left(a, &a->hold->learned, prof_heap_obj(a->heap, id), &takes) && match_words(a, id, &takes, &votes);
    }
    map_deinit(&votes.of);
    return good;
}
