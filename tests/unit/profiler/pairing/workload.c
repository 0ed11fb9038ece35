/* workload.c: made-up programs that count references, with planted bugs. */
#include "workload.h"

#include <stdlib.h>
#include <string.h>

/* Keys: function * 4 + 0 taking, 1 release. */
enum function {
    F_BIRTH = 1,
    F_OWNER,
    F_SCOPE_A,
    F_SCOPE_B,
    F_SCOPE_C,
    F_LIST_ADD,
    F_LIST_DEL,
    F_CACHE_PUT,
    F_CACHE_EVICT,
    F_TREE_ADD,
    F_INDEX_ADD,
    F_NODE_PUT, /* helper of tree and index */
    F_SEND,
    F_RECEIVE_DONE,
    F_ARM,
    F_FIRE,
    F_CALL_A,
    F_CALL_B,
    F_CLOSURE_FREE, /* helper of both callbacks */
    F_LOOKUP,       /* hands over what two callers give back */
    F_USER_A,
    F_USER_B,
    F_STEAL, /* gives to one who keeps */
    F_KEEPER_DROP,
    F_DETOUR,
    CALLERS = 32, /* a function with its caller: function + caller * CALLERS */
};
#define TAKE(f)     ((uint32_t)(f)*4)
#define GIVE(f)     ((uint32_t)(f)*4 + 1)
#define FUNCTION(k) ((k) / 4 % CALLERS)

enum lasting { BRIEF, LONG, MEDIUM };
static const struct kind {
    enum function take, give;
    unsigned take_caller, give_caller; /* 0: always the same */
    enum lasting lasting;
} kinds[] = {
    { F_SCOPE_A, F_SCOPE_A, 0, 0, BRIEF },
    { F_SCOPE_B, F_SCOPE_B, 0, 0, BRIEF },
    { F_SCOPE_C, F_SCOPE_C, 0, 0, BRIEF },
    { F_LIST_ADD, F_LIST_DEL, 0, 0, LONG },
    { F_CACHE_PUT, F_CACHE_EVICT, 0, 0, LONG },
    { F_TREE_ADD, F_NODE_PUT, 0, 1, LONG },
    { F_INDEX_ADD, F_NODE_PUT, 0, 2, LONG },
    { F_SEND, F_RECEIVE_DONE, 0, 0, MEDIUM },
    { F_ARM, F_FIRE, 0, 0, MEDIUM },
    { F_CALL_A, F_CLOSURE_FREE, 0, 1, MEDIUM },
    { F_CALL_B, F_CLOSURE_FREE, 0, 2, MEDIUM },
    { F_LOOKUP, F_USER_A, 1, 0, BRIEF },
    { F_LOOKUP, F_USER_B, 2, 0, MEDIUM },
    { F_STEAL, F_KEEPER_DROP, 0, 0, LONG },
};
enum { KINDS = sizeof kinds / sizeof *kinds, BIRTH = KINDS };

unsigned work_kinds(void)
{
    return KINDS + 1;
}

static uint32_t key_of(enum function f, unsigned caller, bool take, bool callers)
{
    uint32_t named = (uint32_t)f + (callers ? caller * CALLERS : 0);
    return take ? TAKE(named) : GIVE(named);
}

static uint32_t take_key(int kind, bool callers)
{
    return kind == BIRTH ? TAKE(F_BIRTH) : key_of(kinds[kind].take, kinds[kind].take_caller, true, callers);
}

static uint32_t give_key(int kind, bool callers)
{
    return kind == BIRTH ? GIVE(F_OWNER) : key_of(kinds[kind].give, kinds[kind].give_caller, false, callers);
}

/* ---- Chance (xorshift) ------------------------------------------------------------------------------------------- */

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static double chance(uint64_t *state)
{
    return (double)(next(state) >> 11) / 9007199254740992.0;
}

static unsigned poisson(uint64_t *state, double mean)
{
    unsigned n = 0;

    while (mean > 8) {
        n += poisson(state, 8);
        mean -= 8;
    }
    double least = 1;
    for (double term = 1, i = 1; i < 40; i++)
        least += term *= mean / i; // e^mean
    for (double product = chance(state); product * least > 1; product *= chance(state))
        n++;
    return n;
}

/* ---- Lives ------------------------------------------------------------------------------------------------------- */

struct moment {
    double at;
    unsigned number;
    struct pairing_event event;
};

static int by_time(const void *left, const void *right)
{
    const struct moment *a = left, *b = right;
    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    return a->number < b->number ? -1 : 1;
}

static double lasts(uint64_t *state, enum lasting lasting)
{
    double c = chance(state);
    return lasting == BRIEF ? 0.01 + 0.29 * c : lasting == LONG ? 0.5 + 8.5 * c : 0.2 + 3.8 * c;
}

static void make_life(const struct work_options *o, const int *guilty, uint64_t *state, struct work *w,
                      struct work_life *ret)
{
    enum { MOST = 400 };
    struct moment moments[MOST];
    unsigned n = 0, refs = poisson(state, o->refs);
    const double end = 10;

    moments[n] = (struct moment){ 0, n, { take_key(BIRTH, o->callers), true } };
    n++;
    for (unsigned i = 0; i <= refs && n + 2 < MOST; i++) {
        bool birth = i == refs;
        int k = birth ? BIRTH : (int)(next(state) % KINDS);
        double begin = birth ? 0 : 0.1 + 8.9 * chance(state);
        double over = birth ? end : begin + lasts(state, kinds[k].lasting);
        bool missing = false;
        if (!birth)
            moments[n] = (struct moment){ begin, n, { take_key(k, o->callers), true } }, n++;
        for (unsigned b = 0; b < o->bugs && !ret->leaked; b++) {
            if (guilty[b] == k && chance(state) < o->missing) {
                missing = ret->leaked = true;
                w->by_bug[b]++;
            }
        }
        if (missing)
            continue;
        uint32_t give = !birth && chance(state) < o->detour ? GIVE(F_DETOUR) : give_key(k, o->callers);
        moments[n] = (struct moment){ over < end || birth ? over : end - 0.05, n, { give, false } };
        n++;
    }
    qsort(moments, n, sizeof *moments, by_time);
    ret->events = calloc(n, sizeof *ret->events);
    for (unsigned i = 0; ret->events != NULL && i < n; i++)
        ret->events[ret->count++] = moments[i].event;
}

void work_make(const struct work_options *options, uint32_t seed, struct work *ret)
{
    uint64_t state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
    int guilty[WORK_BUGS];

    for (int i = 0; i < 8; i++)
        next(&state);
    guilty[0] = options->kind >= 0 ? options->kind : (int)(next(&state) % (KINDS + 1));
    // Two bugs are of two takings and two releases.
    do
        guilty[1] = (int)(next(&state) % (KINDS + 1));
    while (take_key(guilty[1], options->callers) == take_key(guilty[0], options->callers) ||
           give_key(guilty[1], options->callers) == give_key(guilty[0], options->callers));
    *ret = (struct work){ .lives = calloc(options->objects, sizeof *ret->lives), .count = options->objects };
    for (int b = 0; b < WORK_BUGS; b++) {
        ret->take[b] = take_key(guilty[b], options->callers);
        ret->give[b] = give_key(guilty[b], options->callers);
    }
    for (size_t i = 0; i < ret->count; i++) {
        make_life(options, guilty, &state, ret, &ret->lives[i]);
        *(ret->lives[i].leaked ? &ret->leaked : &ret->healthy) += 1;
    }
}

void work_deinit(struct work *work)
{
    for (size_t i = 0; i < work->count; i++)
        free(work->lives[i].events);
    free(work->lives);
    *work = (struct work){ 0 };
}

size_t work_entries(const struct work_life *life, bool order, struct pairing_entry *ret)
{
    size_t n = 0;

    for (size_t i = 0; i < life->count; i++) {
        size_t at = 0;
        while (at < n && ret[at].key != life->events[i].key)
            at++;
        if (at == n) {
            if (n == PAIRING_ENTRIES_MOST)
                abort();
            ret[n++] = (struct pairing_entry){ .key = life->events[i].key, .first = order ? (uint32_t)i + 1 : 0 };
        }
        *(life->events[i].take ? &ret[at].taken : &ret[at].given) += 1;
        ret[at].last = order ? (uint32_t)i + 1 : 0;
    }
    return n;
}

static double same_function(void *ctx, uint32_t take, uint32_t give)
{
    (void)ctx;
    return FUNCTION(take) == FUNCTION(give) ? 1 : 0;
}

struct pairing *work_learn(const struct work *work, const struct work_options *options)
{
    struct pairing_options learn = { .affinity = options->alike ? same_function : NULL };
    struct pairing *pairing = pairing_create(&learn);
    struct pairing_entry entries[PAIRING_ENTRIES_MOST];

    for (size_t i = 0; pairing != NULL && i < work->count; i++) {
        size_t n = work_entries(&work->lives[i], options->order, entries);
        if (!pairing_add(pairing, entries, n, 1))
            abort();
    }
    if (pairing == NULL || !pairing_solve(pairing))
        abort();
    return pairing;
}

uint32_t work_guess(const struct work *work, bool oldest)
{
    enum { KEYS = CALLERS * CALLERS * 4 };
    static unsigned votes[KEYS];
    uint32_t open[512], best = 0;

    memset(votes, 0, sizeof votes);
    for (size_t i = 0; i < work->count; i++) {
        const struct work_life *life = &work->lives[i];
        size_t n = 0;
        for (size_t e = 0; e < life->count; e++) {
            if (life->events[e].take)
                open[n++] = life->events[e].key;
            else if (n > 0 && oldest)
                memmove(open, open + 1, --n * sizeof *open);
            else if (n > 0)
                n--;
        }
        for (size_t k = 0; life->leaked && k < n; k++)
            votes[open[k] % KEYS]++;
    }
    for (uint32_t k = 1; k < KEYS; k++)
        best = votes[k] > votes[best] ? k : best;
    return best;
}

/* ---- Measured ---------------------------------------------------------------------------------------------------- */

static unsigned siblings_of(const struct work *work, uint32_t take)
{
    unsigned count = 0;

    for (size_t i = 0; i < work->count; i++) {
        bool took = false;
        for (size_t e = 0; e < work->lives[i].count; e++)
            took |= work->lives[i].events[e].take && work->lives[i].events[e].key == take;
        count += took && !work->lives[i].leaked;
    }
    return count;
}

static void measure_bug(const struct work *w, const struct pairing *pairing, unsigned bugs, unsigned bug,
                        struct work_tally *ret)
{
    const struct pairing_suspect *list;
    size_t count = pairing_suspects(pairing, &list);
    bool found = false;

    ret->runs++;
    ret->oldest += work_guess(w, true) == w->take[bug];
    ret->newest += work_guess(w, false) == w->take[bug];
    for (size_t i = 0; i < count && i < bugs; i++) {
        ret->first += list[i].take == w->take[bug];
        found |= list[i].missing == w->give[bug];
    }
    ret->missing += found;
    // Wrong answers are wrong for all bugs: they are counted with the first.
    for (size_t i = 0; i < count && i < bugs && (bug == 0 || w->by_bug[0] == 0); i++) {
        bool guilty = false, lacks = false;
        for (unsigned b = 0; b < WORK_BUGS; b++) {
            guilty |= w->by_bug[b] > 0 && list[i].take == w->take[b];
            lacks |= w->by_bug[b] > 0 && list[i].missing == w->give[b];
        }
        ret->alone += list[i].ties_all == 0;
        ret->alone_wrong += list[i].ties_all == 0 && !guilty;
        ret->missing_wrong += list[i].missing != PAIRING_NONE && !lacks;
    }
}

void work_measure(const struct work_options *options, unsigned seeds, struct work_tally ret[WORK_CLASSES])
{
    for (unsigned seed = 0; seed < seeds; seed++) {
        struct work_options o = *options;
        struct work w;
        o.kind = (int)((seed + 4 * (o.objects + o.refs + (unsigned)(100 * o.missing))) % work_kinds());
        work_make(&o, seed * 1000 + o.objects * 7 + o.refs, &w);
        unsigned bugs = (w.by_bug[0] > 0) + (w.by_bug[1] > 0);
        struct pairing *pairing = w.leaked > 0 && w.healthy > 0 ? work_learn(&w, &o) : NULL;
        for (unsigned bug = 0; pairing != NULL && bug < o.bugs; bug++) {
            uint64_t leaked = w.by_bug[bug];
            if (leaked == 0 || siblings_of(&w, w.take[bug]) < WORK_SIBLINGS)
                continue;
            measure_bug(&w, pairing, bugs, bug, &ret[leaked == 1 ? 0 : leaked < 5 ? 1 : 2]);
            measure_bug(&w, pairing, bugs, bug, &ret[WORK_CLASSES - 1]);
        }
        pairing_destroy(pairing);
        work_deinit(&w);
    }
}
