/* pair.c: learns from healthy objects which releases serve which takings, and asks what leaked ones have too many. */
#include "pair.h"

#include <stdlib.h>
#include <string.h>

#include "group.h"

enum { REFINE_ROUNDS = 3 };

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
        if (given[i].type >= types || (given[i].taken == 0 && given[i].given == 0 && given[i].untold == 0))
            continue;
        uint32_t site = site_of(a, given[i].stack);
        if (site == UINT32_MAX)
            return false;
        uint64_t key = type_site_key(given[i].type, site);
        uint32_t at = map_get(&learned->index, key);
        if (at == UINT32_MAX) {
            at = (uint32_t)learned->sites.count;
            struct learned_site fresh = { .type = given[i].type, .site = site, .stack = given[i].stack };
            if (!map_put(&learned->index, key, at) || !prof_vec_push(&learned->sites, fresh))
                return false;
        }
        // A birth that was given back without a slot counts as taken where the object was born.
        const struct prof_stack_stat *stat = prof_heap_stack_stat(a->heap, given[i].stack);
        if (stat != NULL && stat->births > 0)
            learned->types.items[given[i].type].births += given[i].taken + given[i].untold;
        else
            learned->sites.items[at].taken += given[i].taken + given[i].untold;
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

static void forget_keys(struct learned_type *t)
{
    prof_vec_deinit(&t->keys);
    map_deinit(&t->key_of_hash);
    map_deinit(&t->key_of_stack);
}

void pair_forget(struct learned *learned)
{
    prof_vec_deinit(&learned->pairs);
    map_deinit(&learned->pair_of);
    prof_vec_deinit(&learned->sites);
    for (size_t i = 0; i < learned->types.count; i++) {
        struct learned_type *t = &learned->types.items[i];
        pairing_destroy(t->pairing);
        forget_keys(t);
        map_deinit(&t->depth_of_site);
        map_deinit(&t->site_shares);
        map_deinit(&t->handed_over);
        prof_vec_deinit(&t->leaked);
    }
    prof_vec_deinit(&learned->types);
    map_deinit(&learned->index);
}

bool pair_note(struct learned *learned, const struct prof_obj *obj, prof_obj_id id)
{
    struct learned_type *t = &learned->types.items[obj->type];
    return prof_vec_push(&t->leaked, id);
}

/* ---- Lives ------------------------------------------------------------------------------------------------------- */

/* A life while it is gathered: of very long ones the rest is left out, and they are not used. */
enum { GATHER_MOST = 4 * PAIRING_ENTRIES_MOST };
struct gathered {
    struct pairing_entry entries[GATHER_MOST];
    size_t count;
};

static bool gather(struct analysis *a, struct learned_type *t, struct gathered *to, uint32_t stack, bool birth,
                   struct pairing_entry entry)
{
    if ((entry.taken == 0 && entry.given == 0) || to->count == GATHER_MOST)
        return true;
    entry.key = pair_key_of(a, t, stack, birth);
    to->entries[to->count++] = entry;
    return entry.key != UINT32_MAX;
}

static bool add_healthy(struct analysis *a, struct learned_type *t, prof_type_id type)
{
    struct prof_life_entry entries[PROF_LIFE_ENTRIES];
    struct gathered life;
    uint64_t left_out, lives;
    size_t count = prof_heap_lives(a->heap, type, &left_out);

    for (size_t i = 0; i < count; i++) {
        size_t n = prof_heap_life(a->heap, type, i, entries, &lives);
        life.count = 0;
        for (size_t e = 0; e < n; e++) {
            const struct prof_stack_stat *stat = prof_heap_stack_stat(a->heap, entries[e].stack);
            bool birth = stat != NULL && stat->births > 0;
            struct pairing_entry taken = { .taken = entries[e].taken, .first = entries[e].first };
            struct pairing_entry given = { .given = entries[e].given, .last = entries[e].last };
            taken.last = taken.first;
            given.first = given.last;
            if (!gather(a, t, &life, entries[e].stack, birth, taken) ||
                !gather(a, t, &life, entries[e].stack, false, given))
                return false;
        }
        if (!pairing_add(t->pairing, life.entries, life.count, lives))
            return false;
    }
    pairing_left_out(t->pairing, left_out);
    return true;
}

/* What pointers in memory stand for is no open question: it is left out. */
static bool gather_object(struct analysis *a, struct learned_type *t, prof_obj_id id, struct gathered *ret)
{
    const struct prof_obj *obj = prof_heap_obj(a->heap, id);
    struct pairing_entry birth = { .taken = (uint32_t)(group_births(a, obj) - group_adopted(a, id, obj->stack, true)) };

    ret->count = 0;
    if (!gather(a, t, ret, obj->stack, true, birth))
        return false;
    for (uint32_t i = obj->first_site; i != 0;) {
        const struct prof_site_count *site = prof_heap_site_count(a->heap, i);
        struct pairing_entry taken = { .first = site->first_event, .last = site->first_event };
        struct pairing_entry given = { .given = site->given, .first = site->last_event, .last = site->last_event };
        if (site->stack != obj->stack && site->taken > 0)
            taken.taken = site->taken - group_adopted(a, id, site->stack, false);
        if (!gather(a, t, ret, site->stack, false, taken) || !gather(a, t, ret, site->stack, false, given))
            return false;
        i = site->next;
    }
    for (uint32_t i = obj->first_open; i != 0;) {
        const struct prof_open *open = prof_heap_open(a->heap, i);
        struct pairing_entry taken = { .taken = 1 };
        i = open->next;
        if (open->stack != obj->stack && untold_open(a, open) && !gather(a, t, ret, open->stack, false, taken))
            return false;
    }
    return true;
}

/* Adds all lives and solves, until places that serve several are told apart by their callers. */
static bool solve(struct analysis *a, struct learned *learned, prof_type_id type)
{
    struct learned_type *t = &learned->types.items[type];
    struct pair_look look = { a, t };
    struct pairing_options options = {
        .affinity = pair_alike, .coarse = pair_coarse, .birth = pair_is_birth, .ctx = &look
    };
    uint64_t left_out;
    struct gathered life;
    bool again = true;

    if (t->done)
        return true;
    t->done = true;
    t->healthy = prof_heap_type(a->heap, type)->died;
    if (t->healthy == 0)
        t->healthy = 1;
    if (prof_heap_lives(a->heap, type, &left_out) == 0)
        return true;
    for (int round = 0; again && round < REFINE_ROUNDS; round++) {
        pairing_destroy(t->pairing);
        forget_keys(t);
        t->pairing = pairing_create(&options);
        if (t->pairing == NULL || !add_healthy(a, t, type))
            return false;
        for (size_t i = 0; i < t->leaked.count; i++) {
            if (!gather_object(a, t, t->leaked.items[i], &life) ||
                !pairing_add(t->pairing, life.entries, life.count, 1))
                return false;
        }
        if (!pair_statements(a, t) || !pairing_solve(t->pairing))
            return false;
        again = false;
        if (round + 1 < REFINE_ROUNDS && !pair_refine(a, t, &again))
            return false;
        if (round == 0 && again && !pair_remember(t))
            return false;
    }
    return true;
}

/* ---- Asking ------------------------------------------------------------------------------------------------------ */

bool pair_share(struct analysis *a, struct learned *learned, const struct prof_obj *obj, uint32_t take, bool birth,
                uint32_t give, double *ret)
{
    struct learned_type *t = &learned->types.items[obj->type];

    *ret = 0;
    if (!solve(a, learned, obj->type))
        return false;
    if (t->pairing == NULL)
        return true;
    uint32_t taken = pair_key_of(a, t, take, birth), given = pair_key_of(a, t, give, false);
    *ret = pairing_share(t->pairing, taken, given);
    return taken != UINT32_MAX && given != UINT32_MAX;
}

/* The same function, and the same place that called it. */
static bool same_scope(struct analysis *a, uint32_t take, uint32_t give)
{
    const struct prof_frame *ft, *fg;
    size_t nt = pair_frames(a, take, &ft), ng = pair_frames(a, give, &fg);

    if (nt == 0 || ng == 0 || fg[0].function == NULL || strcmp(ft[0].function, fg[0].function) != 0)
        return false;
    return nt == 1 || ng == 1 ||
           (ft[1].function != NULL && fg[1].function != NULL && ft[1].line == fg[1].line &&
            strcmp(ft[1].function, fg[1].function) == 0);
}

bool pair_is_scoped(struct analysis *a, struct learned *learned, prof_type_id type, uint32_t take, bool *ret)
{
    enum { HEALTHY_LEAST = 3 };
    const double most = 0.9;
    struct learned_type *t = &learned->types.items[type];
    double share;

    *ret = false;
    if (!solve(a, learned, type))
        return false;
    if (t->pairing == NULL)
        return true;
    uint32_t key = pair_key_of(a, t, take, false);
    if (key == UINT32_MAX)
        return false;
    uint32_t give = pairing_release_of(t->pairing, key, &share);
    *ret = give != PAIRING_NONE && share >= most && pairing_flow(t->pairing, key, give) >= HEALTHY_LEAST &&
           same_scope(a, take, t->keys.items[give].stack);
    return true;
}

bool pair_match(struct analysis *a, struct learned *learned, prof_type_id type, const struct pair_event *events,
                size_t count, size_t *partner)
{
    struct learned_type *t = &learned->types.items[type];
    bool good = solve(a, learned, type);

    for (size_t i = 0; i < count; i++)
        partner[i] = SIZE_MAX;
    if (!good || t->pairing == NULL)
        return good;
    struct pairing_event *keys = calloc(count + 1, sizeof *keys);
    good = keys != NULL;
    for (size_t i = 0; good && i < count; i++) {
        keys[i] = (struct pairing_event){ pair_key_of(a, t, events[i].stack, events[i].birth), events[i].take };
        good = keys[i].key != UINT32_MAX;
    }
    good = good && pairing_match(t->pairing, keys, count, partner);
    free(keys);
    return good;
}

static struct pair_taking taking_of(const struct learned_type *t, uint32_t key)
{
    const struct pair_key *k = &t->keys.items[key];
    return (struct pair_taking){ k->birth ? SITE_BIRTH : k->site, k->stack };
}

/* The stack of a place that the object itself has: others of the place may look different further out. */
static uint32_t own_stack(struct analysis *a, struct learned_type *t, const struct prof_obj *obj, uint32_t key)
{
    if (t->keys.items[key].birth)
        return obj->stack;
    for (uint32_t i = obj->first_site; i != 0;) {
        const struct prof_site_count *site = prof_heap_site_count(a->heap, i);
        if (site->taken > 0 && pair_key_of(a, t, site->stack, false) == key)
            return site->stack;
        i = site->next;
    }
    return t->keys.items[key].stack;
}

/* The suspect that explains the rest of a life best, and its taking is taken out of it once; SIZE_MAX: there is none.
 */
static size_t next_suspect(const struct learned_type *t, struct gathered *rest)
{
    const struct pairing_suspect *suspects;
    size_t at = pairing_judge(t->pairing, rest->entries, rest->count);

    if (at == SIZE_MAX)
        return at;
    pairing_suspects(t->pairing, &suspects);
    for (size_t i = 0; i < rest->count; i++) {
        if (rest->entries[i].key == suspects[at].take && rest->entries[i].taken > 0) {
            rest->entries[i].taken--;
            return at;
        }
    }
    return SIZE_MAX;
}

static uint64_t taken_at(const struct gathered *life, uint32_t key)
{
    uint64_t taken = 0;

    for (size_t i = 0; i < life->count; i++)
        taken += life->entries[i].key == key ? life->entries[i].taken : 0;
    return taken;
}

static struct pair_open open_of(struct analysis *a, struct learned_type *t, const struct prof_obj *obj,
                                const struct pairing_suspect *s, uint64_t count)
{
    struct pair_open open = { .taking = taking_of(t, s->take), .key = t->keys.items[s->take].hash, .count = count };

    open.taking.stack = own_stack(a, t, obj, s->take);
    if (s->missing == PAIRING_NONE)
        return open;
    open.missing_stack = t->keys.items[s->missing].stack;
    open.missing_named = 1;
    open.healthy_of = s->healthy_took;
    open.healthy_named = s->healthy_gave;
    return open;
}

/* What healthy lives gave back at `give` of all that they took where the suspect and its ties are. */
static double flow_to(const struct learned_type *t, const struct pairing_suspect *s, uint32_t give)
{
    double flow = pairing_flow(t->pairing, s->take, give);

    for (uint32_t i = 0; i < s->tie_count; i++)
        flow += pairing_flow(t->pairing, s->ties[i], give);
    return flow;
}

static bool gave_at(const struct gathered *life, uint32_t key)
{
    bool gave = false;

    for (size_t i = 0; i < life->count; i++)
        gave |= life->entries[i].key == key && life->entries[i].given > 0;
    return gave;
}

/* Takings that fit equally end, between them, at several releases. The one of these that the life lacks altogether is
 * missing, whichever taking it would have ended. */
static void name_absent(const struct learned_type *t, const struct gathered *life, const struct pairing_suspect *s,
                        struct pair_open *open)
{
    const double nearly_all = 0.9;
    uint32_t absent = PAIRING_NONE, lacking = 0;
    double lives = 0;

    for (uint32_t key = 0; key < t->keys.count; key++)
        lives += flow_to(t, s, key) / (s->tie_count + 1);
    for (uint32_t key = 0; key < t->keys.count && lives > 0; key++) {
        if (flow_to(t, s, key) >= nearly_all * lives && !gave_at(life, key)) {
            absent = key;
            lacking++;
        }
    }
    if (lacking != 1)
        return;
    double named = flow_to(t, s, absent);
    open->missing_stack = t->keys.items[absent].stack;
    open->missing_named = 1;
    open->healthy_of = (uint64_t)(lives + 0.5);
    open->healthy_named = (uint64_t)((named < lives ? named : lives) + 0.5);
}

/* How often each suspect is one too many: the references that are open are explained one after the other, a few of
 * them; the best explanation has the rest, as far as it took so many. false: nothing tells the first one apart. */
static bool share_out(const struct learned_type *t, const struct gathered *life, uint64_t open, uint64_t *counts,
                      size_t *ret_best)
{
    enum { ROUNDS = 8 };
    const struct pairing_suspect *suspects;
    struct gathered rest = *life;
    uint64_t left = open;

    pairing_suspects(t->pairing, &suspects);
    *ret_best = SIZE_MAX;
    for (int round = 0; round < ROUNDS && left > 0; round++) {
        size_t at = next_suspect(t, &rest);
        if (at == SIZE_MAX || suspects[at].ties_all > PAIR_TIES)
            break;
        *ret_best = round == 0 ? at : *ret_best;
        counts[at]++;
        left--;
    }
    if (*ret_best == SIZE_MAX)
        return false;
    uint64_t room = taken_at(life, suspects[*ret_best].take) - counts[*ret_best];
    counts[*ret_best] += left < room ? left : room;
    return true;
}

bool pair_ask(struct analysis *a, struct learned *learned, prof_obj_id id, struct pair_answer *ret)
{
    const struct prof_obj *obj = prof_heap_obj(a->heap, id);
    struct learned_type *t = &learned->types.items[obj->type];
    const struct pairing_suspect *suspects;
    uint64_t counts[PAIRING_SUSPECTS] = { 0 }, open = 0;
    struct gathered life;
    size_t best;

    *ret = (struct pair_answer){ .first.taking = { .site = UINT32_MAX } };
    if (!solve(a, learned, obj->type))
        return false;
    if (t->pairing == NULL)
        return true;
    if (!gather_object(a, t, id, &life))
        return false;
    for (size_t i = 0; i < life.count; i++)
        open += life.entries[i].taken;
    for (size_t i = 0; i < life.count; i++)
        open -= life.entries[i].given < open ? life.entries[i].given : open;
    if (!share_out(t, &life, open, counts, &best))
        return true;
    // In the order of suspects: objects with the same ones have the same first.
    size_t all = pairing_suspects(t->pairing, &suspects);
    for (size_t s = 0; s < all; s++) {
        if (counts[s] == 0)
            continue;
        struct pair_open one = open_of(a, t, obj, &suspects[s], counts[s]);
        if (suspects[s].tie_count > 0 && one.missing_stack == 0)
            name_absent(t, &life, &suspects[s], &one);
        if (!ret->learned) {
            ret->first = one;
            for (uint32_t i = 0; i < suspects[s].tie_count; i++)
                ret->ties[ret->tie_count++] = taking_of(t, suspects[s].ties[i]);
        } else if (ret->more_count < PAIR_MORE) {
            ret->more[ret->more_count++] = one;
        }
        ret->learned = true;
    }
    return true;
}

/* ---- Without siblings -------------------------------------------------------------------------------------------- */

bool pair_alone(struct analysis *a, const struct balance *balance, struct pair_answer *ret)
{
    uint64_t births = balance->births, given = 0, open = 0, unpaired = 0;
    const struct tally *only = NULL;
    size_t takings = 0;
    uint32_t born = births > 0 ? site_of(a, balance->birth_stack) : 0;

    *ret = (struct pair_answer){ .first.taking = { .site = UINT32_MAX } };
    if (born == UINT32_MAX)
        return false;
    // A release ends what its own function took.
    for (size_t i = 0; i < balance->count; i++) {
        const struct tally *take = &balance->tallies[i];
        uint64_t left = take->taken;
        given += take->given;
        for (size_t j = 0; j < balance->count && left > 0; j++) {
            const struct tally *give = &balance->tallies[j];
            if (give->given > 0 && a->sites.items[give->site].function == a->sites.items[take->site].function)
                left -= give->given < left ? give->given : left;
        }
        unpaired += take->taken - left;
        open += left;
        if (left > 0) {
            takings++;
            only = take;
        }
    }
    unpaired = given > unpaired ? given - unpaired : 0;
    if (births > 0) {
        open += births;
        takings++;
    }
    bool just_born = given == 0 && births == balance->surplus;
    if (!just_born && (takings != 1 || open <= unpaired))
        return true; // the events do not tell
    uint64_t count = open - unpaired < balance->surplus ? open - unpaired : balance->surplus;
    if (just_born || only == NULL) {
        ret->first.taking = (struct pair_taking){ SITE_BIRTH, balance->birth_stack };
        ret->first.count = just_born ? births : count;
    } else {
        ret->first.taking = (struct pair_taking){ only->site, only->stack };
        ret->first.count = count;
    }
    return true;
}
