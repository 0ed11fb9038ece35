/* stack_cache.h: the layout of a thread's cache of verified walks, and the search in it. Internal to the stack part and
 * to the direct path of events (direct.h); how it is filled, and why a hit is exact, stands in stack.c.
 *
 * The search reads the memory of the stack above sp and nothing else of the program; it is async-signal-safe and takes
 * no locks. */
#ifndef TRACK_STACK_CACHE_H
#define TRACK_STACK_CACHE_H

#include "stack_walk.h"

enum {
    TRK_CACHE_SITE_BITS = 10, /* direct-mapped return addresses */
    TRK_CACHE_SET_BITS = 8,
    TRK_CACHE_WAYS = 4,
    TRK_CACHE_TAG_BITS = 16,
    TRK_CACHE_LOG_WORDS = 32 * 1024, /* kept walks, oldest overwritten */
    TRK_CACHE_ADDRESS_BITS = 48,
};
_Static_assert(TRK_CACHE_ADDRESS_BITS - TRK_CACHE_SITE_BITS + TRK_STACK_ID_BITS <= 64, "a site must fit a word");

/* A kept walk, in the log: this, then `count` values of stack words, then `count` offsets of 32 bits. */
struct trk_kept {
    uintptr_t sp, pc, fp, caller;
    uint32_t id;
    uint16_t count; /* multiple of 4, filled up with repetitions */
    uint8_t depth;
    bool uses_fp;
    uint64_t reach; /* words from sp to the end of the last slot */
};
enum { TRK_CACHE_KEPT_WORDS = sizeof(struct trk_kept) / sizeof(uint64_t) };
_Static_assert(sizeof(struct trk_kept) % sizeof(uint64_t) == 0, "what follows is aligned");

struct trk_stack_cache {
    uint64_t stamp;    /* epoch and module generation that all content belongs to */
    const char *depot; /* and the depot */
    uint32_t turn;
    uint32_t pad;
    uint64_t log_end;                         /* position of the next walk; grows for ever */
    uint64_t log_floor;                       /* walks in front of it are forgotten */
    uint64_t sites[1 << TRK_CACHE_SITE_BITS]; /* (address bits above TRK_CACHE_SITE_BITS) << 24 | stack id */
    uint64_t entries[1 << TRK_CACHE_SET_BITS][TRK_CACHE_WAYS]
        __attribute__((aligned(64))); /* position in the log << 16 | tag; 0: none */
    uint64_t log[TRK_CACHE_LOG_WORDS];
};

/* Orders accesses against signal handlers of this thread. */
#define TRK_CACHE_FENCE() __atomic_signal_fence(__ATOMIC_SEQ_CST)

/* What all content of a cache belongs to: the loaded code. */
static inline uint64_t trk_cache_stamp(unsigned generation)
{
    return (uint64_t)__atomic_load_n(&trk_walk_epoch, __ATOMIC_ACQUIRE) << 16 | (generation & TRK_STACK_GEN_MASK);
}

/* Two products that do not wait for each other. All calls of a wrapper have one pc: its caller is what differs. */
static inline uint64_t trk_cache_hash(uintptr_t pc, uintptr_t sp, uintptr_t caller)
{
    return (sp >> 3) * 0x9e3779b97f4a7c15ull + (pc ^ caller << 16) * 0xc2b2ae3d27d4eb4full;
}

/* The set of a start is in the top bits of its hash, its tag in the middle. */
static inline uint64_t *trk_cache_set(struct trk_stack_cache *cache, uint64_t hash)
{
    return cache->entries[hash >> (64 - TRK_CACHE_SET_BITS)];
}

static inline uint64_t trk_cache_tag(uint64_t hash)
{
    return hash >> 32 & ((1 << TRK_CACHE_TAG_BITS) - 1);
}

static inline struct trk_kept *trk_cache_kept(struct trk_stack_cache *cache, uint64_t at)
{
    return (struct trk_kept *)(void *)&cache->log[at & (TRK_CACHE_LOG_WORDS - 1)];
}

/* True while the log still holds what was written at `at`. */
static inline bool trk_cache_holds(const struct trk_stack_cache *cache, uint64_t at)
{
    return at >= cache->log_floor && cache->log_end - at <= TRK_CACHE_LOG_WORDS;
}

static inline bool trk_cache_unchanged(const struct trk_kept *k, uintptr_t sp)
{
    /* Read once: another thread may empty the whole cache under our feet (a recording that ended). */
    const unsigned n = __atomic_load_n(&k->count, __ATOMIC_RELAXED);
    const uint64_t *value = (const uint64_t *)(k + 1);
    const uint32_t *off = (const uint32_t *)(value + n);
    for (unsigned i = 0; i < n; i += 4) {
        uint64_t changed = trk_stack_word(sp + (uintptr_t)off[i] * 8) ^ value[i];
        changed |= trk_stack_word(sp + (uintptr_t)off[i + 1] * 8) ^ value[i + 1];
        changed |= trk_stack_word(sp + (uintptr_t)off[i + 2] * 8) ^ value[i + 2];
        changed |= trk_stack_word(sp + (uintptr_t)off[i + 3] * 8) ^ value[i + 3];
        if (changed)
            return false;
    }
    return true;
}

/* The stack that begins at (pc, sp, fp), 0 when no kept walk is proved. hi: end of the memory above sp that may be
 * read; window: NULL, or asked for more of it. */
static inline __attribute__((always_inline)) uint32_t trk_cache_find(struct trk_stack_cache *cache, uintptr_t pc,
                                                                     uintptr_t sp, uintptr_t fp, uintptr_t hi,
                                                                     struct trk_window *window, unsigned depth,
                                                                     uintptr_t caller)
{
    const uint64_t hash = trk_cache_hash(pc, sp, caller), tag = trk_cache_tag(hash);
    const uint64_t *set = trk_cache_set(cache, hash);
    for (unsigned way = 0; way < TRK_CACHE_WAYS; way++) {
        /* Partner: the store at the end of keep_walk, in this thread. */
        const uint64_t entry = __atomic_load_n(&set[way], __ATOMIC_RELAXED);
        if ((entry & ((1 << TRK_CACHE_TAG_BITS) - 1)) != tag || entry == 0)
            continue;
        const uint64_t pos = entry >> TRK_CACHE_TAG_BITS;
        TRK_CACHE_FENCE();
        const struct trk_kept *k = trk_cache_kept(cache, pos);
        if (!trk_cache_holds(cache, pos) || k->sp != sp || k->pc != pc || k->depth != depth || k->caller != caller ||
            (k->uses_fp && k->fp != fp))
            continue;
        const uintptr_t top = sp + (uintptr_t)k->reach * 8;
        if (__builtin_expect(top > hi, 0) && (window == NULL || !trk_window_extend(window, top)))
            continue;
        if (!trk_cache_unchanged(k, sp))
            continue;
        const uint32_t id = k->id;
        TRK_CACHE_FENCE();
        /* A handler that ran meanwhile may have reused this part of the log. */
        if (trk_cache_holds(cache, pos))
            return id;
    }
    return 0;
}

#endif
