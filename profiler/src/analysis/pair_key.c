/* pair_key.c: places where references are taken and given back, told apart as finely as needed, and what their names
 * say about which belong together. */
#include "pair.h"

#include <string.h>

enum { DEPTH_MOST = 3, CALLERS_MOST = 16 };
#define SHARE_ONE   1e6  /* in site_shares */
#define SHARE_WORTH 0.01 /* less is noise */

/* ---- Names ------------------------------------------------------------------------------------------------------- */

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

/* What undoes what, by the words that programs use. */
static bool opposite(const char *take, size_t nt, const char *give, size_t ng)
{
    static const char *const pairs[][2] = {
        { "open", "close" },      { "add", "del" },         { "add", "remove" },     { "insert", "remove" },
        { "insert", "delete" },   { "get", "put" },         { "push", "pop" },       { "begin", "end" },
        { "start", "stop" },      { "create", "destroy" },  { "new", "free" },       { "alloc", "free" },
        { "acquire", "release" }, { "attach", "detach" },   { "enter", "leave" },    { "init", "fini" },
        { "grab", "drop" },       { "take", "give" },       { "retain", "release" }, { "hold", "release" },
        { "put", "evict" },       { "send", "receive" },    { "send", "recv" },      { "arm", "fire" },
        { "set", "clear" },       { "enqueue", "dequeue" }, { "up", "down" },        { "put", "get" },
        { "add", "drop" },        { "insert", "erase" },    { "open", "abort" },     { "link", "unlink" },
    };

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (strlen(pairs[i][0]) == nt && strlen(pairs[i][1]) == ng && memcmp(pairs[i][0], take, nt) == 0 &&
            memcmp(pairs[i][1], give, ng) == 0)
            return true;
    }
    return ng == nt + 2 && memcmp(give, "un", 2) == 0 && memcmp(give + 2, take, nt) == 0;
}

static const char *next_word(const char *word)
{
    word += strcspn(word, "_");
    return *word == '_' ? word + 1 : word;
}

/* Some word of one name undoes one of the other: list_add and list_del. */
static bool opposite_words(const char *take, const char *give)
{
    for (const char *t = take; *t != '\0'; t = next_word(t)) {
        for (const char *g = give; *g != '\0'; g = next_word(g)) {
            if (opposite(t, strcspn(t, "_"), g, strcspn(g, "_")))
                return true;
        }
    }
    return false;
}

/* How much two names of functions look as if one undid the other. */
static unsigned alike_names(const char *take, const char *give)
{
    return 50 * common_words(take, give) + (opposite_words(take, give) ? 50 : 0);
}

size_t pair_frames(struct analysis *a, uint32_t stack, const struct prof_frame **ret)
{
    size_t count = prof_symbols_stack(a->symbols, stack, ret);
    size_t site = count > 0 ? prof_symbols_site(a->symbols, stack) : 0;

    if (site >= count || (*ret)[site].function == NULL)
        return 0;
    *ret += site;
    return count - site;
}

unsigned pair_affinity(struct analysis *a, uint32_t take, uint32_t give)
{
    const struct prof_frame *ft, *fg;
    size_t nt = pair_frames(a, take, &ft), ng = pair_frames(a, give, &fg);
    unsigned score = 0;

    if (nt == 0 || ng == 0)
        return 0;
    if (strcmp(ft[0].function, fg[0].function) == 0)
        score += 1000;
    else
        score += alike_names(ft[0].function, fg[0].function);
    // Shared callers, as long as they agree from the outermost inwards; the nearer to the site the better.
    for (size_t i = nt, j = ng; i > 1 && j > 1; i--, j--) {
        if (ft[i - 1].function == NULL || fg[j - 1].function == NULL ||
            strcmp(ft[i - 1].function, fg[j - 1].function) != 0)
            break;
        score++;
    }
    return score;
}

static uint32_t depth_of(const struct learned_type *t, uint32_t site)
{
    uint32_t depth = map_get(&t->depth_of_site, site);
    return depth != UINT32_MAX ? depth : 0;
}

/* Places that are told apart by their callers are also alike by those. */
static unsigned alike_callers(struct analysis *a, const struct learned_type *t, const struct pair_key *take,
                              const struct pair_key *give)
{
    const struct prof_frame *ft, *fg;
    size_t nt = pair_frames(a, take->stack, &ft), ng = pair_frames(a, give->stack, &fg);
    size_t dt = take->birth ? 0 : depth_of(t, take->site), dg = depth_of(t, give->site);
    unsigned best = 0;

    for (size_t i = 0; i < nt && i <= dt; i++) {
        for (size_t j = 0; j < ng && j <= dg; j++) {
            if ((i == 0 && j == 0) || ft[i].function == NULL || fg[j].function == NULL)
                continue;
            bool same = strcmp(ft[i].function, fg[j].function) == 0;
            unsigned score = same ? 500 : alike_names(ft[i].function, fg[j].function);
            best = score > best ? score : best;
        }
    }
    return best;
}

static uint64_t sites_key(const struct pair_key *take, const struct pair_key *give)
{
    return map_mix((uint64_t)take->site << 1 | take->birth, give->site);
}

double pair_alike(void *ctx, uint32_t take, uint32_t give)
{
    const struct pair_look *look = ctx;
    const struct pair_key *kt = &look->t->keys.items[take], *kg = &look->t->keys.items[give];
    unsigned own = pair_affinity(look->a, kt->stack, kg->stack);
    unsigned callers = alike_callers(look->a, look->t, kt, kg);
    unsigned score = own >= 1000 ? 1000 : own + callers;
    double handed_over = pair_handed_over(look->t, take, give);

    // What one statement takes and gives away is more than what one function does.
    if (handed_over > 0)
        return 1 + handed_over;
    return score >= 1000 ? 1 : score >= 100 ? 0.75 : 0.0075 * score;
}

double pair_coarse(void *ctx, uint32_t take, uint32_t give)
{
    const struct learned_type *t = ((const struct pair_look *)ctx)->t;
    uint32_t share = map_get(&t->site_shares, sites_key(&t->keys.items[take], &t->keys.items[give]));

    return share != UINT32_MAX ? share / SHARE_ONE : 0;
}

bool pair_is_birth(void *ctx, uint32_t take)
{
    return ((const struct pair_look *)ctx)->t->keys.items[take].birth;
}

bool pair_remember(struct learned_type *t)
{
    for (uint32_t take = 0; take < t->keys.count; take++) {
        for (uint32_t give = 0; give < t->keys.count; give++) {
            double share = pairing_share(t->pairing, take, give);
            uint64_t key = sites_key(&t->keys.items[take], &t->keys.items[give]);
            if (share >= SHARE_WORTH && !map_put(&t->site_shares, key, (uint32_t)(share * SHARE_ONE)))
                return false;
        }
    }
    return true;
}

/* ---- Places ------------------------------------------------------------------------------------------------------ */

/* Function and line of the callers next to a site, as one number. */
static uint64_t callers_hash(struct analysis *a, uint32_t stack, uint32_t depth)
{
    const struct prof_frame *frames;
    size_t count = prof_symbols_stack(a->symbols, stack, &frames);
    size_t site = count > 0 ? prof_symbols_site(a->symbols, stack) : 0;
    uint64_t hash = 0;

    for (size_t i = site + 1; i < count && i <= site + depth; i++) {
        const struct prof_frame *f = &frames[i];
        uint64_t name = 0;
        for (const char *at = f->function; at != NULL && *at != '\0'; at++)
            name = map_mix(name, (uint64_t)*at);
        hash = map_mix(hash, map_mix(name, f->function != NULL && f->line != 0 ? f->line : f->offset));
    }
    return hash;
}

uint32_t pair_key_of(struct analysis *a, struct learned_type *t, uint32_t stack, bool birth)
{
    uint64_t by_stack = (uint64_t)stack << 1 | birth;
    uint32_t at = map_get(&t->key_of_stack, by_stack), site;

    if (at != UINT32_MAX)
        return at;
    if ((site = site_of(a, stack)) == UINT32_MAX)
        return UINT32_MAX;
    uint32_t depth = depth_of(t, site);
    uint64_t hash = map_mix(a->sites.items[site].key, birth);
    if (depth > 0)
        hash = map_mix(hash, callers_hash(a, stack, depth));
    at = map_get(&t->key_of_hash, hash);
    if (at == UINT32_MAX) {
        at = (uint32_t)t->keys.count;
        if (!map_put(&t->key_of_hash, hash, at) ||
            !prof_vec_push(&t->keys, (struct pair_key){ hash, site, stack, birth }))
            return UINT32_MAX;
    }
    return map_put(&t->key_of_stack, by_stack, at) ? at : UINT32_MAX;
}

/* How many places a site would be with one more caller; 0 without memory. Stacks are those that were met. */
static size_t places(struct analysis *a, const struct learned_type *t, uint32_t site, uint32_t depth)
{
    uint64_t seen[CALLERS_MOST + 1];
    size_t count = 0;

    for (size_t i = 0; i < t->key_of_stack.room && count <= CALLERS_MOST; i++) {
        if (t->key_of_stack.values[i] == 0)
            continue;
        const struct pair_key *key = &t->keys.items[t->key_of_stack.values[i] - 1];
        if (key->site != site)
            continue;
        uint64_t hash = callers_hash(a, (uint32_t)(t->key_of_stack.keys[i] >> 1), depth);
        size_t at = 0;
        while (at < count && seen[at] != hash)
            at++;
        if (at == count)
            seen[count++] = hash;
    }
    return count;
}

static bool deepen(struct analysis *a, struct learned_type *t, uint32_t site, bool *changed)
{
    for (uint32_t depth = depth_of(t, site); depth < DEPTH_MOST; depth++) {
        size_t now = places(a, t, site, depth), then = places(a, t, site, depth + 1);
        if (then > CALLERS_MOST)
            return true;
        if (then <= now)
            continue; // one caller for all: the next one may differ
        *changed = true;
        return map_put(&t->depth_of_site, site, depth + 1);
    }
    return true;
}

bool pair_refine(struct analysis *a, struct learned_type *t, bool *ret)
{
    enum { KEYS_WORTH = 256 };
    size_t count = t->keys.count;

    *ret = false;
    if (count > KEYS_WORTH)
        return true;
    for (uint32_t k = 0; k < count; k++) {
        double in = 0, out = 0, most_in = 0, most_out = 0;
        for (uint32_t other = 0; other < count; other++) {
            double given = pairing_flow(t->pairing, other, k), taken = pairing_flow(t->pairing, k, other);
            in += given;
            out += taken;
            most_in = given > most_in ? given : most_in;
            most_out = taken > most_out ? taken : most_out;
        }
        bool serves_several = in > 0 && most_in<0.9 * in, ends_at_several = out> 0 && most_out < 0.9 * out;
        if ((serves_several || ends_at_several) && !deepen(a, t, t->keys.items[k].site, ret))
            return false;
    }
    return true;
}
