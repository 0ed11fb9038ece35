/* pair.c: learns from healthy objects which releases serve which takings, and judges leaked groups by it. */
#include "pair.h"

#include <stdlib.h>
#include <string.h>

#define PAIR_BIRTH (UINT32_MAX - 1)
#define PAIR_LUMP  UINT32_MAX /* cannot be attributed: all of these together */

enum { LEARN_SITES_MAX = 192 }; /* types with more sites are compared as a whole */

/* ---- Learning ---------------------------------------------------------------------------------------------------- */

static int by_type(const void *left, const void *right)
{
    const struct learned_site *a = left, *b = right;
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    return a->site < b->site ? -1 : a->site > b->site;
}

static uint64_t type_site_key(prof_type_id type, uint32_t site)
{
    return (uint64_t)type << 32 | site;
}

static bool learn_slots(struct analysis *a, struct learned *learned)
{
    const struct prof_type_pair *given;
    size_t count = prof_heap_type_pairs(a->heap, &given);

    // The list is sorted by taking stack; stacks of one site follow each other only by chance, so sites are merged
    // here.
    for (size_t i = 0; i < count; i++) {
        uint32_t site = site_of(a, given[i].taken);
        uint64_t key = type_site_key(given[i].type, site);
        uint32_t at = map_get(&learned->pair_of, key);
        if (site == UINT32_MAX)
            return false;
        if (at == UINT32_MAX) {
            at = (uint32_t)learned->pairs.count;
            if (!map_put(&learned->pair_of, key, at) || !prof_vec_push(&learned->pairs, (struct learned_pair){ 0 }))
                return false;
        }
        struct learned_pair *pair = &learned->pairs.items[at];
        pair->all += given[i].count;
        if (given[i].count > pair->count) {
            pair->count = given[i].count;
            pair->given = given[i].given;
        }
    }
    return true;
}

bool pair_learn(struct analysis *a, struct learned *learned)
{
    const struct prof_type_site *given;
    size_t count = prof_heap_type_sites(a->heap, &given);
    uint32_t types = prof_heap_type_max(a->heap);

    if (!prof_vec_reserve(&learned->types, types + (size_t)1))
        return false;
    memset(learned->types.items, 0, (types + (size_t)1) * sizeof *learned->types.items);
    learned->types.count = types;
    for (size_t i = 0; i < count; i++) {
        if (given[i].type >= types || (given[i].taken == 0 && given[i].given == 0))
            continue;
        uint32_t site = site_of(a, given[i].stack);
        if (site == UINT32_MAX)
            return false;
        uint64_t key = type_site_key(given[i].type, site);
        uint32_t at = map_get(&learned->index, key);
        if (at == UINT32_MAX) {
            at = (uint32_t)learned->sites.count;
            struct learned_site fresh = {
                .type = given[i].type, .site = site, .stack = given[i].stack, .pair = PAIR_LUMP
            };
            if (!map_put(&learned->index, key, at) || !prof_vec_push(&learned->sites, fresh))
                return false;
        }
        // A birth that was given back without a slot counts as taken where the object was born.
        const struct prof_stack_stat *stat = prof_heap_stack_stat(a->heap, given[i].stack);
        if (stat != NULL && stat->births > 0)
            learned->types.items[given[i].type].births += given[i].taken;
        else
            learned->sites.items[at].taken += given[i].taken;
        learned->sites.items[at].given += given[i].given;
        learned->sites.items[at].objects += given[i].objects;
    }
    if (learned->sites.count > 0)
        qsort(learned->sites.items, learned->sites.count, sizeof *learned->sites.items, by_type);
    map_deinit(&learned->index);
    for (size_t i = 0; i < learned->sites.count; i++) {
        struct learned_site *s = &learned->sites.items[i];
        struct learned_type *t = &learned->types.items[s->type];
        if (!map_put(&learned->index, type_site_key(s->type, s->site), (uint32_t)i))
            return false;
        if (t->count++ == 0)
            t->first = (uint32_t)i;
    }
    return learn_slots(a, learned);
}

const struct learned_pair *pair_of_slot(struct analysis *a, const struct learned *learned, prof_type_id type,
                                        uint32_t stack)
{
    uint32_t site = site_of(a, stack);
    uint32_t at = site != UINT32_MAX ? map_get(&learned->pair_of, type_site_key(type, site)) : UINT32_MAX;

    return at != UINT32_MAX ? &learned->pairs.items[at] : NULL;
}

void pair_forget(struct learned *learned)
{
    prof_vec_deinit(&learned->pairs);
    map_deinit(&learned->pair_of);
    prof_vec_deinit(&learned->sites);
    prof_vec_deinit(&learned->types);
    map_deinit(&learned->index);
}

/* Words at the ends that two names share: conn_open and conn_close, list_add_conn and list_del_conn. */
static unsigned common_words(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b), i = 0, j = 0;
    unsigned words = 0;

    for (; a[i] != '\0' && a[i] == b[i]; i++)
        words += a[i] == '_';
    for (; j < la && j < lb && a[la - 1 - j] == b[lb - 1 - j]; j++)
        words += a[la - 1 - j] == '_';
    return words;
}

unsigned pair_affinity(struct analysis *a, uint32_t take, uint32_t give)
{
    const struct prof_frame *ft, *fg;
    size_t nt = prof_symbols_stack(a->symbols, take, &ft), ng = prof_symbols_stack(a->symbols, give, &fg);
    size_t st = nt > 0 ? prof_symbols_site(a->symbols, take) : 0, sg = ng > 0 ? prof_symbols_site(a->symbols, give) : 0;
    unsigned score = 0;

    if (st >= nt || sg >= ng || ft[st].function == NULL || fg[sg].function == NULL)
        return 0;
    if (strcmp(ft[st].function, fg[sg].function) == 0)
        score += 1000;
    else
        score += 50 * common_words(ft[st].function, fg[sg].function);
    // Shared callers, as long as they agree from the outermost inwards; the nearer to the site the better.
    for (size_t i = nt, j = ng; i > st + 1 && j > sg + 1; i--, j--) {
        if (ft[i - 1].function == NULL || fg[j - 1].function == NULL ||
            strcmp(ft[i - 1].function, fg[j - 1].function) != 0)
            break;
        score++;
    }
    return score;
}

struct candidate {
    uint32_t take, give;
    unsigned score;
};

static int by_score(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    if (a->take != b->take)
        return a->take < b->take ? -1 : 1;
    return a->give < b->give ? -1 : a->give > b->give;
}

/* Exact agreement of totals: one release serves one taking, or two releases together do. */
static bool pair_type(struct analysis *a, struct learned *learned, prof_type_id type, uint32_t birth_stack)
{
    struct learned_type *t = &learned->types.items[type];
    struct learned_site *sites;
    PROF_VEC(struct candidate) list = { 0 };

    t->done = true;
    if (t->count == 0)
        return true;
    sites = &learned->sites.items[t->first];
    t->healthy = prof_heap_type(a->heap, type)->died;
    if (t->healthy == 0)
        t->healthy = 1;
    if (t->count > LEARN_SITES_MAX)
        return true;

    for (uint32_t g = 0; g < t->count; g++) {
        if (sites[g].given == 0)
            continue;
        if (birth_stack != 0 && t->births == sites[g].given &&
            !prof_vec_push(&list, (struct candidate){ PAIR_BIRTH, g, pair_affinity(a, birth_stack, sites[g].stack) }))
            goto no_memory;
        for (uint32_t s = 0; s < t->count; s++) {
            if (sites[s].taken == sites[g].given &&
                !prof_vec_push(&list, (struct candidate){ s, g, pair_affinity(a, sites[s].stack, sites[g].stack) }))
                goto no_memory;
        }
    }
    if (list.count > 0)
        qsort(list.items, list.count, sizeof *list.items, by_score);
    for (size_t i = 0; i < list.count; i++) {
        struct candidate c = list.items[i];
        bool *used = c.take == PAIR_BIRTH ? &t->birth_paired : &sites[c.take].paired;
        if (*used || sites[c.give].pair != PAIR_LUMP)
            continue;
        *used = true;
        sites[c.give].pair = c.take;
    }
    // Two ways out of one taking (a normal and an error path).
    for (uint32_t s = 0; s <= t->count; s++) {
        bool *used = s == t->count ? &t->birth_paired : &sites[s].paired;
        uint64_t want = s == t->count ? t->births : sites[s].taken;
        for (uint32_t g = 0; want > 0 && !*used && g < t->count; g++) {
            if (sites[g].given == 0 || sites[g].pair != PAIR_LUMP)
                continue;
            for (uint32_t h = g + 1; h < t->count && !*used; h++) {
                if (sites[h].given == 0 || sites[h].pair != PAIR_LUMP || sites[g].given + sites[h].given != want)
                    continue;
                *used = true;
                sites[g].pair = sites[h].pair = s == t->count ? PAIR_BIRTH : s;
            }
        }
    }
    prof_vec_deinit(&list);
    return true;
no_memory:
    prof_vec_deinit(&list);
    return false;
}

/* ---- Judging ----------------------------------------------------------------------------------------------------- */

/* A taking site of the group with the releases that were put against it. */
struct bucket {
    uint32_t site; /* SITE_BIRTH, UINT32_MAX for the lump */
    uint32_t pair; /* index within the type, PAIR_BIRTH, PAIR_LUMP; for sites unknown to healthy objects: PAIR_LUMP */
    uint64_t function;
    uint32_t stack;
    uint64_t taken, given;
    double healthy_taken; /* mean */
    bool known;           /* healthy objects take here too */
};
struct buckets {
    PROF_VEC(struct bucket) list;
    uint64_t lump_given;
};

static int64_t surplus_of(const struct bucket *b)
{
    return (int64_t)b->taken - (int64_t)b->given;
}

/* What healthy objects do at a site; NULL: nothing. */
static const struct learned_site *known_site(const struct learned *learned, prof_type_id type, uint32_t site)
{
    uint32_t at = map_get(&learned->index, type_site_key(type, site));
    return at != UINT32_MAX && learned->sites.items != NULL ? &learned->sites.items[at] : NULL;
}

bool pair_serves(struct analysis *a, struct learned *learned, const struct prof_obj *obj, uint32_t take, uint32_t give,
                 bool *ret)
{
    struct learned_type *t = &learned->types.items[obj->type];

    *ret = false;
    if (!t->done && !pair_type(a, learned, obj->type, obj->stack))
        return false;
    const struct learned_site *given = known_site(learned, obj->type, give);
    const struct learned_site *taken = take != SITE_BIRTH ? known_site(learned, obj->type, take) : NULL;
    if (given == NULL || given->pair == PAIR_LUMP)
        return true;
    if (take == SITE_BIRTH)
        *ret = given->pair == PAIR_BIRTH;
    else
        *ret = taken != NULL && given->pair == (uint32_t)(taken - learned->sites.items) - t->first;
    return true;
}

static bool fill(struct analysis *a, struct learned *learned, const struct balance *balance, struct buckets *ret)
{
    const struct learned_type *t = &learned->types.items[balance->type];
    double healthy = t->healthy > 0 ? (double)t->healthy : 1;

    if (balance->births > 0) {
        uint32_t site = site_of(a, balance->birth_stack);
        struct bucket b = { .site = SITE_BIRTH,
                            .pair = t->birth_paired ? PAIR_BIRTH : PAIR_LUMP,
                            .stack = balance->birth_stack,
                            .taken = balance->births,
                            .healthy_taken = (double)t->births / healthy,
                            .known = t->births > 0 };
        if (site == UINT32_MAX)
            return false;
        b.function = a->sites.items[site].function;
        if (!prof_vec_push(&ret->list, b))
            return false;
    }
    for (size_t i = 0; i < balance->count; i++) {
        const struct tally *tally = &balance->tallies[i];
        const struct learned_site *l = known_site(learned, balance->type, tally->site);
        if (tally->taken == 0)
            continue;
        struct bucket b = { .site = tally->site,
                            .pair =
                                l != NULL && l->paired ? (uint32_t)(l - learned->sites.items) - t->first : PAIR_LUMP,
                            .stack = tally->stack,
                            .taken = tally->taken,
                            .function = a->sites.items[tally->site].function,
                            .healthy_taken = l != NULL ? (double)l->taken / healthy : 0,
                            .known = l != NULL && l->taken > 0 };
        if (!prof_vec_push(&ret->list, b))
            return false;
    }
    // Releases: to the taking that they serve in healthy objects; unknown ones to an unknown taking of the same
    // function.
    for (size_t i = 0; i < balance->count; i++) {
        const struct tally *tally = &balance->tallies[i];
        const struct learned_site *l = known_site(learned, balance->type, tally->site);
        if (l != NULL && l->given == 0)
            l = NULL;
        uint64_t left = tally->given;
        for (size_t b = 0; left > 0 && b < ret->list.count; b++) {
            struct bucket *bucket = &ret->list.items[b];
            bool mine = l != NULL && l->pair != PAIR_LUMP
                            ? bucket->pair == l->pair
                            : bucket->pair == PAIR_LUMP && bucket->function == a->sites.items[tally->site].function;
            if (!mine || surplus_of(bucket) <= 0)
                continue;
            uint64_t room = (uint64_t)surplus_of(bucket);
            bucket->given += left < room ? left : room;
            left -= left < room ? left : room;
        }
        ret->lump_given += left;
    }
    return true;
}

/* The release that serves a taking in healthy objects: most frequent first. */
static const struct learned_site *server_of(const struct learned *learned, const struct learned_type *t, uint32_t pair)
{
    const struct learned_site *best = NULL;
    for (uint32_t i = 0; i < t->count; i++) {
        const struct learned_site *s = &learned->sites.items[t->first + i];
        if (s->given > 0 && s->pair == pair && (best == NULL || s->given > best->given))
            best = s;
    }
    return best;
}

/* Of the releases nobody could attribute: the one that the group lacks most. */
static const struct learned_site *most_missing(const struct learned *learned, const struct learned_type *t,
                                               const struct balance *balance)
{
    const struct learned_site *best = NULL;
    double worst = 0.25;

    for (uint32_t i = 0; i < t->count; i++) {
        const struct learned_site *s = &learned->sites.items[t->first + i];
        if (s->given == 0 || s->pair != PAIR_LUMP)
            continue;
        double lacks = (double)s->given / (double)t->healthy;
        for (size_t j = 0; j < balance->count; j++) {
            if (balance->tallies[j].site == s->site)
                lacks -= (double)balance->tallies[j].given / (double)balance->objects;
        }
        if (lacks > worst) {
            worst = lacks;
            best = s;
        }
    }
    return best;
}

static void name_missing(const struct learned_type *t, const struct learned_site *site, const struct balance *balance,
                         uint64_t count, struct pairing *ret)
{
    if (site == NULL)
        return;
    ret->missing_stack = site->stack;
    ret->missing_named = count < balance->objects ? count : balance->objects;
    ret->healthy_of = t->healthy;
    ret->healthy_named = site->objects < t->healthy ? site->objects : t->healthy;
}

/* Other takings that healthy objects make as often and that look as much like the release. */
static void find_ties(struct analysis *a, const struct learned *learned, const struct balance *balance,
                      const struct buckets *buckets, const struct bucket *chosen, struct pairing *ret)
{
    const struct learned_type *t = &learned->types.items[balance->type];
    uint64_t total = chosen->pair == PAIR_BIRTH ? t->births : learned->sites.items[t->first + chosen->pair].taken;
    unsigned own = pair_affinity(a, chosen->stack, ret->missing_stack);

    for (size_t i = 0; i < buckets->list.count && ret->tie_count < PAIR_TIES; i++) {
        const struct bucket *b = &buckets->list.items[i];
        if (b == chosen || b->pair == PAIR_LUMP)
            continue;
        uint64_t other = b->pair == PAIR_BIRTH ? t->births : learned->sites.items[t->first + b->pair].taken;
        if (other == total && pair_affinity(a, b->stack, ret->missing_stack) >= own)
            ret->ties[ret->tie_count++] = b->site;
    }
}

static void choose(struct analysis *a, const struct learned *learned, const struct balance *balance,
                   const struct buckets *buckets, struct pairing *ret)
{
    const struct learned_type *t = &learned->types.items[balance->type];
    const struct bucket *best = NULL, *only = NULL;
    uint64_t lump_open = 0;
    size_t lump_takes = 0;

    for (size_t i = 0; i < buckets->list.count; i++) {
        const struct bucket *b = &buckets->list.items[i];
        int64_t surplus = surplus_of(b);
        if (surplus <= 0)
            continue;
        if (b->pair == PAIR_LUMP && (b->known || t->count == 0)) {
            lump_open += (uint64_t)surplus;
            lump_takes++;
            only = b;
        } else if (best == NULL || surplus > surplus_of(best)) {
            best = b;
        }
    }
    uint64_t lump = lump_open > buckets->lump_given ? lump_open - buckets->lump_given : 0;
    if (best != NULL && (uint64_t)surplus_of(best) >= lump) {
        ret->site = best->site;
        ret->count = (uint64_t)surplus_of(best) < balance->surplus ? (uint64_t)surplus_of(best) : balance->surplus;
        if (best->pair != PAIR_LUMP) {
            name_missing(t, server_of(learned, t, best->pair), balance, ret->count, ret);
            find_ties(a, learned, balance, buckets, best, ret);
        }
        return;
    }
    if (lump == 0)
        return; // more was given back than taken: the events do not tell
    const struct learned_site *missing = t->count > 0 && t->healthy > 0 ? most_missing(learned, t, balance) : NULL;
    name_missing(t, missing, balance, lump, ret);
    if (lump_takes == 1) {
        ret->site = only->site;
        ret->count = lump < balance->surplus ? lump : balance->surplus;
        return;
    }
    if (lump_takes == 0 || t->count == 0)
        return;
    // Several takings, not separable by totals: the one that the group makes more often than healthy objects do.
    double most = 0.25;
    for (size_t i = 0; i < buckets->list.count; i++) {
        const struct bucket *b = &buckets->list.items[i];
        double more = (double)b->taken / (double)balance->objects - b->healthy_taken;
        if (b->pair == PAIR_LUMP && surplus_of(b) > 0 && more > most) {
            most = more;
            ret->site = b->site;
            ret->count = lump < balance->surplus ? lump : balance->surplus;
        }
    }
}

bool pair_judge(struct analysis *a, struct learned *learned, const struct balance *balance, struct pairing *ret)
{
    struct learned_type *t = &learned->types.items[balance->type];
    struct buckets buckets = { 0 };
    uint64_t given = 0;

    *ret = (struct pairing){ .site = UINT32_MAX };
    if (!t->done && !pair_type(a, learned, balance->type, balance->birth_stack))
        return false;
    ret->healthy = t->count > 0;
    for (size_t i = 0; i < balance->count; i++)
        given += balance->tallies[i].given;
    if (given == 0 && balance->births > 0 && balance->surplus == balance->births) {
        // Nothing was ever taken or given back except the births.
        ret->site = SITE_BIRTH;
        ret->count = balance->births;
        if (t->birth_paired)
            name_missing(t, server_of(learned, t, PAIR_BIRTH), balance, balance->births, ret);
        else if (t->count > 0)
            name_missing(t, most_missing(learned, t, balance), balance, balance->births, ret);
        return true;
    }
    bool good = fill(a, learned, balance, &buckets);
    if (good)
        choose(a, learned, balance, &buckets, ret);
    prof_vec_deinit(&buckets.list);
    return good;
}
