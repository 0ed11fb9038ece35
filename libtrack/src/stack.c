/* stack.c: capture of call stacks: a per-thread cache of verified walks in front of the walker and the depot.
 *
 * A walk is a function of its start (sp, pc, sometimes fp), of the stack words it reads, and of the loaded code. The
 * cache keeps all three: start and the values of all those words, and the epoch stands for the code. When every word
 * still holds its value the walk would give the same stack, so a hit is exact.
 *
 * The cache belongs to one thread, but a signal handler may use it in the middle of an update, and may leave by
 * longjmp. Hence nothing is ever half done where another can see it: what is kept lies in a part of the log that nobody
 * else was given, and one store of its position, when it is complete, makes it visible. */
#include "stack.h"

#include <string.h>

#include "stack_cache.h"

enum {
    WALK_MAX = TRK_STACK_MAX_FRAMES + TRK_WALK_SEARCH,
    SLOTS_MAX = 128,
    UNKNOWN_REACH = 16 * 4096, /* entries that reach further are used inside known bounds only */
};

size_t trk_stack_cache_bytes(void)
{
    return sizeof(struct trk_stack_cache);
}

void trk_stack_flush(void)
{
    trk_walk_flush();
}

static __attribute__((noinline)) void forget(struct trk_stack_cache *cache, const struct trk_depot *depot,
                                             uint64_t stamp)
{
    memset(cache->sites, 0, sizeof cache->sites);
    cache->log_floor = cache->log_end;
    cache->depot = depot->base;
    TRK_CACHE_FENCE();
    cache->stamp = stamp;
}

static inline void forget_if_stale(struct trk_stack_cache *cache, const struct trk_depot *depot, uint64_t stamp)
{
    if (__builtin_expect(cache->stamp != stamp || cache->depot != depot->base, 0))
        forget(cache, depot, stamp);
}

/* ---- Verified walks ---------------------------------------------------------------------------------------------- */

/* Takes `words` contiguous words of the log. A signal handler may take some in between, another thread may not. */
static uint64_t take_log(struct trk_stack_cache *cache, unsigned words)
{
    uint64_t end = __atomic_load_n(&cache->log_end, __ATOMIC_RELAXED), at;
    do {
        at = end;
        if ((at & (TRK_CACHE_LOG_WORDS - 1)) + words > TRK_CACHE_LOG_WORDS)
            at = (at | (TRK_CACHE_LOG_WORDS - 1)) + 1;
    } while (!trk_cfi_local_exchange(&cache->log_end, &end, at + words));
    return at;
}

static void keep_walk(struct trk_stack_cache *cache, uint64_t stamp, const struct trk_frame *at,
                      const struct trk_walk *w, unsigned depth, uintptr_t caller, uint32_t id)
{
    const unsigned n = w->nslots, count = (n + 3) & ~3u;
    const uint64_t hash = trk_cache_hash(at->pc, at->sp, caller);
    /* Prefer a way that can give no hit any more. Where all can, more stacks pass than there is room for: only every
     * fourth gets in, so that the others pay little and what is in gets its hits. */
    uint64_t *set = trk_cache_set(cache, hash), *entry = NULL;
    for (unsigned way = 0; way < TRK_CACHE_WAYS && !entry; way++)
        if (set[way] == 0 || !trk_cache_holds(cache, set[way] >> TRK_CACHE_TAG_BITS))
            entry = &set[way];
    if (!entry) {
        if (++cache->turn % 4 != 0)
            return;
        entry = &set[cache->turn / 4 % TRK_CACHE_WAYS];
    }
    const uint64_t pos = take_log(cache, TRK_CACHE_KEPT_WORDS + count + count / 2);
    struct trk_kept *k = trk_cache_kept(cache, pos);
    uint64_t *value = (uint64_t *)(k + 1);
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
    *k = (struct trk_kept){ .sp = at->sp,
                            .pc = at->pc,
                            .fp = at->fp,
                            .caller = caller,
                            .id = id,
                            .count = (uint16_t)count,
                            .depth = (uint8_t)depth,
                            .uses_fp = w->used_fp,
                            .reach = (uint64_t)reach + 1 };
    TRK_CACHE_FENCE();
    if (cache->log_end - pos > TRK_CACHE_LOG_WORDS) {
        /* Handlers filled the whole log while we wrote: we may have damaged walks that look whole. */
        cache->log_floor = cache->log_end;
        return;
    }
    if (cache->stamp == stamp)
        __atomic_store_n(entry, pos << TRK_CACHE_TAG_BITS | trk_cache_tag(hash), __ATOMIC_RELAXED);
}

/* ---- Entry points ------------------------------------------------------------------------------------------------ */

/* A stack that the cache does not know. Apart, so that a hit needs little of the program's stack. */
static __attribute__((noinline)) uint32_t capture_walk(const struct trk_depot *depot, struct trk_stack_cache *cache,
                                                       uint64_t stamp, const struct trk_frame *at, uintptr_t lo,
                                                       uintptr_t hi, unsigned depth, uintptr_t caller,
                                                       unsigned generation)
{
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
        stamp = trk_cache_stamp(generation);
        forget_if_stale(cache, depot, stamp);
        struct trk_window window;
        trk_window_init(&window, at->sp, lo, hi);
        uint32_t id = trk_cache_find(cache, at->pc, at->sp, at->fp, window.hi, &window, depth, caller);
        if (__builtin_expect(id != 0, 1))
            return id;
    }
    return capture_walk(depot, cache, stamp, at, lo, hi, depth, caller, generation);
}

uint32_t trk_stack_site(const struct trk_depot *depot, struct trk_stack_cache *cache, uintptr_t pc, unsigned generation)
{
    uint64_t frame = pc;
    if (!cache || pc >> TRK_CACHE_ADDRESS_BITS)
        return trk_depot_put(depot, &frame, 1, TRK_STACK_SITE_ONLY, generation);
    uint64_t stamp = trk_cache_stamp(generation);
    forget_if_stale(cache, depot, stamp);
    /* The set number and the bits above it determine the address: a word is exact and whole by itself. */
    uint64_t *site = &cache->sites[(pc ^ pc >> TRK_CACHE_SITE_BITS) & ((1 << TRK_CACHE_SITE_BITS) - 1)];
    uint64_t word = __atomic_load_n(site, __ATOMIC_RELAXED);
    if (__builtin_expect(word >> TRK_STACK_ID_BITS == pc >> TRK_CACHE_SITE_BITS && word != 0, 1))
        return (uint32_t)(word & ((1 << TRK_STACK_ID_BITS) - 1));
    uint32_t id = trk_depot_put(depot, &frame, 1, TRK_STACK_SITE_ONLY, generation);
    if (id != 0 && cache->stamp == stamp)
        __atomic_store_n(site, (uint64_t)(pc >> TRK_CACHE_SITE_BITS) << TRK_STACK_ID_BITS | id, __ATOMIC_RELAXED);
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
