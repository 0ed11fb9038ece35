/* stack.c: capture of call stacks: a per-thread cache of verified walks in front of the walker and the depot.
 *
 * A walk is a function of its start (sp, pc, sometimes fp), of the stack words it reads, and of the loaded code. A
 * cache entry keeps all three: start and the values of all those words, and the epoch stands for the code. When every
 * word still holds its value the walk would give the same stack, so a hit is exact.
 *
 * The cache belongs to one thread, but a signal handler may use it in the middle of an update, and may leave by
 * longjmp. Hence no flag is ever held: entries carry a unique number at both ends of their update, and are ignored
 * while these differ. */
#include "stack.h"

#include <string.h>

#include "stack_walk.h"

enum {
    SITE_BITS = 10, /* direct-mapped return addresses */
    SET_BITS = 8,
    WAYS = 4,
    LOG_WORDS = 32 * 1024, /* slot values and offsets of all entries, oldest overwritten */
    WALK_MAX = TRK_STACK_MAX_FRAMES + TRK_WALK_SEARCH,
    SLOTS_MAX = 128,
    ADDRESS_BITS = 48,
    UNKNOWN_REACH = 16 * 4096, /* entries that reach further are used inside known bounds only */
};
_Static_assert(ADDRESS_BITS - SITE_BITS + TRK_STACK_ID_BITS <= 64, "a site must fit a word");

struct entry {
    uint32_t begin, end; /* unique number of the update that wrote this; unequal: torn. 0: never used */
    uintptr_t sp, pc, fp, caller;
    uint64_t at; /* position in the log: count values, then count offsets of 32 bits */
    uint32_t id;
    uint16_t count; /* multiple of 4, filled up with repetitions */
    uint8_t depth;
    bool uses_fp;
    uint32_t reach; /* words from sp to the end of the last slot */
    uint32_t pad;
};

struct trk_stack_cache {
    uint64_t stamp;    /* epoch and module generation that all content belongs to */
    const char *depot; /* and the depot */
    uint32_t turn;
    uint32_t pad;
    uint64_t log_end;               /* position of the next entry; grows for ever */
    uint64_t log_floor;             /* entries in front of it are forgotten */
    uint64_t sites[1 << SITE_BITS]; /* (address bits above SITE_BITS) << 24 | stack id */
    struct entry entries[1 << SET_BITS][WAYS] __attribute__((aligned(64)));
    uint64_t log[LOG_WORDS];
};

/* Orders accesses against signal handlers of this thread. */
#define SIGNAL_FENCE() __atomic_signal_fence(__ATOMIC_SEQ_CST)

size_t trk_stack_cache_bytes(void)
{
    return sizeof(struct trk_stack_cache);
}

void trk_stack_flush(void)
{
    trk_walk_flush();
}

static uint64_t current_stamp(unsigned generation)
{
    return (uint64_t)__atomic_load_n(&trk_walk_epoch, __ATOMIC_ACQUIRE) << 16 | (generation & TRK_STACK_GEN_MASK);
}

static __attribute__((noinline)) void forget(struct trk_stack_cache *cache, const struct trk_depot *depot,
                                             uint64_t stamp)
{
    memset(cache->sites, 0, sizeof cache->sites);
    cache->log_floor = cache->log_end;
    cache->depot = depot->base;
    SIGNAL_FENCE();
    cache->stamp = stamp;
}

static inline void forget_if_stale(struct trk_stack_cache *cache, const struct trk_depot *depot, uint64_t stamp)
{
    if (__builtin_expect(cache->stamp != stamp || cache->depot != depot->base, 0))
        forget(cache, depot, stamp);
}

/* ---- Verified walks ---------------------------------------------------------------------------------------------- */

static inline struct entry *entry_set(struct trk_stack_cache *cache, const struct trk_frame *at)
{
    uint64_t h = ((at->sp >> 3) + at->pc * 0x9e3779b97f4a7c15ull) * 0xc2b2ae3d27d4eb4full;
    return cache->entries[h >> (64 - SET_BITS)];
}

/* True while the log still holds what an entry wrote at `at`. */
static inline bool log_holds(const struct trk_stack_cache *cache, uint64_t at)
{
    return at >= cache->log_floor && cache->log_end - at <= LOG_WORDS;
}

static inline bool slots_unchanged(const struct trk_stack_cache *cache, const struct entry *e, uintptr_t sp)
{
    const uint64_t *value = &cache->log[e->at & (LOG_WORDS - 1)];
    const uint32_t *off = (const uint32_t *)(value + e->count);
    for (unsigned i = 0, n = e->count; i < n; i += 4) {
        uint64_t changed = 0;
        for (unsigned k = i; k < i + 4; k++)
            changed |= trk_stack_word(sp + (uintptr_t)off[k] * 8) ^ value[k];
        if (changed)
            return false;
    }
    return true;
}

static inline uint32_t find_walk(struct trk_stack_cache *cache, const struct trk_frame *at, uintptr_t lo, uintptr_t hi,
                                 unsigned depth, uintptr_t caller)
{
    struct entry *set = entry_set(cache, at);
    struct trk_window window;
    trk_window_init(&window, at->sp, lo, hi);
    for (unsigned way = 0; way < WAYS; way++) {
        struct entry *e = &set[way];
        if (e->sp != at->sp || e->pc != at->pc)
            continue;
        uint32_t update = __atomic_load_n(&e->begin, __ATOMIC_RELAXED);
        SIGNAL_FENCE();
        if (update == 0 || e->end != update || e->depth != depth || e->caller != caller ||
            (e->uses_fp && e->fp != at->fp) || !log_holds(cache, e->at))
            continue;
        uintptr_t top = at->sp + (uintptr_t)e->reach * 8;
        if (__builtin_expect(top > window.hi, 0) && !trk_window_extend(&window, top))
            continue;
        if (!slots_unchanged(cache, e, at->sp))
            continue;
        uint32_t id = e->id;
        SIGNAL_FENCE();
        /* A handler that ran meanwhile may have reused the entry or its part of the log. */
        if (__atomic_load_n(&e->begin, __ATOMIC_RELAXED) == update && log_holds(cache, e->at))
            return id;
    }
    return 0;
}

/* Takes `words` contiguous words of the log. A signal handler may take some in between, another thread may not. */
static uint64_t take_log(struct trk_stack_cache *cache, unsigned words)
{
    uint64_t end = __atomic_load_n(&cache->log_end, __ATOMIC_RELAXED), at;
    do {
        at = end;
        if ((at & (LOG_WORDS - 1)) + words > LOG_WORDS)
            at = (at | (LOG_WORDS - 1)) + 1;
    } while (!trk_cfi_local_exchange(&cache->log_end, &end, at + words));
    return at;
}

static void keep_walk(struct trk_stack_cache *cache, uint64_t stamp, const struct trk_frame *at,
                      const struct trk_walk *w, unsigned depth, uintptr_t caller, uint32_t id)
{
    const unsigned n = w->nslots, count = (n + 3) & ~3u;
    /* Prefer a way that can give no hit any more. Where all can, more stacks pass than there is room for: only every
     * fourth gets in, so that the others pay little and what is in gets its hits. */
    struct entry *set = entry_set(cache, at), *e = NULL;
    for (unsigned way = 0; way < WAYS && !e; way++)
        if (set[way].begin == 0 || set[way].begin != set[way].end || !log_holds(cache, set[way].at))
            e = &set[way];
    if (!e) {
        if (++cache->turn % 4 != 0)
            return;
        e = &set[cache->turn / 4 % WAYS];
    }
    const uint64_t pos = take_log(cache, count + count / 2);
    const uint32_t update = (uint32_t)pos + 1; /* no other update has this position; positions are even: never 0 */
    __atomic_store_n(&e->begin, update, __ATOMIC_RELAXED);
    SIGNAL_FENCE();
    uint64_t *value = &cache->log[pos & (LOG_WORDS - 1)];
    uint32_t *off = (uint32_t *)(value + count);
    uint32_t reach = 0;
    for (unsigned i = 0; i < n; i++) {
        off[i] = w->slots[i];
        value[i] = trk_stack_word(at->sp + (uintptr_t)off[i] * 8);
        reach = off[i] > reach ? off[i] : reach;
    }
    for (unsigned i = n; i < count; i++) {
        off[i] = off[0];
        value[i] = value[0];
    }
    e->sp = at->sp;
    e->pc = at->pc;
    e->fp = at->fp;
    e->caller = caller;
    e->at = pos;
    e->id = id;
    e->count = (uint16_t)count;
    e->depth = (uint8_t)depth;
    e->uses_fp = w->used_fp;
    e->reach = reach + 1;
    SIGNAL_FENCE();
    if (cache->log_end - pos > LOG_WORDS) {
        /* Handlers filled the whole log while we wrote: we may have damaged entries that look whole. */
        cache->log_floor = cache->log_end;
        return;
    }
    if (cache->stamp == stamp)
        __atomic_store_n(&e->end, update, __ATOMIC_RELAXED);
}

/* ---- Entry points ---------------------------------------------------------------------------------------------------
 */

uint32_t trk_stack_capture(const struct trk_depot *depot, struct trk_stack_cache *cache, const struct trk_frame *at,
                           uintptr_t lo, uintptr_t hi, unsigned depth, uintptr_t caller, unsigned generation)
{
    if (depth > TRK_STACK_MAX_FRAMES)
        depth = TRK_STACK_MAX_FRAMES;
    if (depth <= 1 && (caller == 0 || caller == at->pc))
        return trk_stack_site(depot, cache, at->pc, generation);
    if (depth == 0)
        depth = 1;
    uint64_t stamp = 0;
    if (cache) {
        stamp = current_stamp(generation);
        forget_if_stale(cache, depot, stamp);
        uint32_t id = find_walk(cache, at, lo, hi, depth, caller);
        if (__builtin_expect(id != 0, 1))
            return id;
    }
    uint64_t pcs[WALK_MAX];
    uint32_t slots[SLOTS_MAX];
    struct trk_walk w;
    w.lo = lo;
    w.hi = hi;
    w.caller = caller;
    w.pcs = pcs;
    w.slots = slots;
    w.max = WALK_MAX;
    w.slots_max = cache ? SLOTS_MAX : 0;
    w.keep = depth;
    trk_walk_run(&w, at);
    uint64_t before = __atomic_load_n(depot->used, __ATOMIC_RELAXED);
    uint32_t id = trk_depot_put(depot, pcs + w.first, w.n - w.first, w.flags, generation);
    /* Keep only what came before: a stack that is new to the depot may well never come again. */
    bool again = (uint64_t)id * TRK_STACK_UNIT < before;
    bool near = at->sp >= lo && at->sp < hi;
    if (id != 0 && again && cache && w.repeatable && w.nslots > 0 && (near || w.window.hi - at->sp <= UNKNOWN_REACH))
        keep_walk(cache, stamp, at, &w, depth, caller, id);
    return id;
}

uint32_t trk_stack_site(const struct trk_depot *depot, struct trk_stack_cache *cache, uintptr_t pc, unsigned generation)
{
    uint64_t frame = pc;
    if (!cache || pc >> ADDRESS_BITS)
        return trk_depot_put(depot, &frame, 1, TRK_STACK_SITE_ONLY, generation);
    uint64_t stamp = current_stamp(generation);
    forget_if_stale(cache, depot, stamp);
    /* The set number and the bits above it determine the address: a word is exact and whole by itself. */
    uint64_t *site = &cache->sites[(pc ^ pc >> SITE_BITS) & ((1 << SITE_BITS) - 1)];
    uint64_t word = __atomic_load_n(site, __ATOMIC_RELAXED);
    if (__builtin_expect(word >> TRK_STACK_ID_BITS == pc >> SITE_BITS && word != 0, 1))
        return (uint32_t)(word & ((1 << TRK_STACK_ID_BITS) - 1));
    uint32_t id = trk_depot_put(depot, &frame, 1, TRK_STACK_SITE_ONLY, generation);
    if (id != 0 && cache->stamp == stamp)
        __atomic_store_n(site, (uint64_t)(pc >> SITE_BITS) << TRK_STACK_ID_BITS | id, __ATOMIC_RELAXED);
    return id;
}

unsigned trk_stack_walk(struct trk_stack_cache *cache, const struct trk_frame *at, uintptr_t lo, uintptr_t hi,
                        uint64_t *pcs, unsigned max, unsigned *flags)
{
    (void)cache; /* rows are shared by all threads; the cache holds finished walks */
    if (max == 0)
        return 0;
    struct trk_walk w;
    w.lo = lo;
    w.hi = hi;
    w.caller = 0;
    w.pcs = pcs;
    w.slots = NULL;
    w.max = w.keep = max;
    w.slots_max = 0;
    trk_walk_run(&w, at);
    *flags = w.flags;
    return w.n;
}
