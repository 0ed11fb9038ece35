/* depot.c: interns call stacks in the shared arena. Lock-free; two processes and any number of threads may insert.
 *
 * The arena is writable by the program we live in, so what is found in it is compared, bounds-checked and never
 * followed blindly: a damaged table costs duplicates or a counted failure. */
#include "stack.h"

#include <string.h>

enum { PROBE_MAX = 64 }; /* slots looked at; a table this crowded is as good as full */

/* Four independent lanes, because a multiplication takes longer than a load. */
static uint64_t hash_stack(const uint64_t *pcs, unsigned n, uint64_t meta)
{
    const uint64_t mul = 0x9e3779b97f4a7c15ull;
    uint64_t a = meta, b = 0x243f6a8885a308d3ull, c = 0x13198a2e03707344ull, d = 0xa4093822299f31d0ull;
    unsigned i = 0;
    for (; i + 4 <= n; i += 4) {
        a = (a ^ pcs[i]) * mul;
        b = (b ^ pcs[i + 1]) * mul;
        c = (c ^ pcs[i + 2]) * mul;
        d = (d ^ pcs[i + 3]) * mul;
        /* A product's low bits know nothing of its factors' high bits: fold, or outer frames would not reach the
         * result. */
        a ^= a >> 32;
        b ^= b >> 32;
        c ^= c >> 32;
        d ^= d >> 32;
    }
    for (; i < n; i++) {
        a = (a ^ pcs[i]) * mul;
        a ^= a >> 32;
    }
    uint64_t h = (a ^ (b * 3)) + (c * 5 ^ (d * 7));
    h ^= h >> 29;
    h *= 0xbf58476d1ce4e5b9ull;
    return h ^ (h >> 32);
}

/* True when the entry with this id holds exactly this stack. */
static bool entry_equals(const struct trk_depot *depot, uint32_t id, uint64_t head, const uint64_t *pcs, unsigned n)
{
    uint64_t off = (uint64_t)id * TRK_STACK_UNIT;
    uint64_t need = sizeof(struct trk_shm_stack) + (uint64_t)n * 8;
    if (off < TRK_STACK_UNIT || off > depot->bytes || need > depot->bytes - off)
        return false;
    const struct trk_shm_stack *entry = (const struct trk_shm_stack *)(depot->base + off);
    /* Pairs with the release store in store_entry. */
    return __atomic_load_n(&entry->head, __ATOMIC_ACQUIRE) == head && memcmp(entry->pcs, pcs, (size_t)n * 8) == 0;
}

/* Writes a new entry; 0 when there is no room. */
static uint32_t store_entry(const struct trk_depot *depot, uint64_t head, const uint64_t *pcs, unsigned n)
{
    uint64_t need = sizeof(struct trk_shm_stack) + (uint64_t)n * 8;
    uint64_t limit = (uint64_t)1 << TRK_STACK_ID_BITS;
    limit *= TRK_STACK_UNIT;
    if (limit > depot->bytes)
        limit = depot->bytes;
    /* Look before adding: `used` must not run away while the depot is full. Overshoot is bounded by the number of
     * threads. */
    uint64_t off = __atomic_load_n(depot->used, __ATOMIC_RELAXED);
    if (need > limit || off > limit - need)
        return 0;
    off = __atomic_fetch_add(depot->used, need, __ATOMIC_RELAXED);
    if (off > limit - need || off < TRK_STACK_UNIT || off % TRK_STACK_UNIT != 0)
        return 0;
    struct trk_shm_stack *entry = (struct trk_shm_stack *)(depot->base + off);
    memcpy(entry->pcs, pcs, (size_t)n * 8);
    /* Pairs with entry_equals and with the recorder. */
    __atomic_store_n(&entry->head, head, __ATOMIC_RELEASE);
    return (uint32_t)(off / TRK_STACK_UNIT);
}

uint32_t trk_depot_put(const struct trk_depot *depot, const uint64_t *pcs, unsigned n, unsigned flags,
                       unsigned generation)
{
    if (n == 0 || n > TRK_STACK_MAX_FRAMES || depot->hash_count == 0)
        return 0;
    uint64_t meta = (uint64_t)n << TRK_STACK_COUNT_SHIFT | (uint64_t)(flags & 0xff) << TRK_STACK_FLAGS_SHIFT |
                    (generation & TRK_STACK_GEN_MASK);
    uint64_t hash = hash_stack(pcs, n, meta);
    uint64_t head = (hash & 0xffffffff) << TRK_STACK_HASH_SHIFT | meta;
    uint64_t mask = depot->hash_count - 1;
    uint64_t index = hash >> 32 ^ hash << 8;
    uint32_t mine = 0;
    for (unsigned probe = 0; probe < PROBE_MAX && probe <= mask; probe++, index++) {
        uint32_t *slot = &depot->hash[index & mask];
        /* Pairs with the compare-exchange below: an id seen here names an entry that is complete. */
        uint32_t id = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
        if (id == 0) {
            if (mine == 0)
                mine = store_entry(depot, head, pcs, n);
            if (mine == 0)
                break;
            if (__atomic_compare_exchange_n(slot, &id, mine, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
                return mine;
            /* Lost the slot; id is the winner's now. When it is the same stack, ours stays behind unused. */
        }
        if (entry_equals(depot, id, head, pcs, n))
            return id;
    }
    __atomic_fetch_add(depot->full, 1, __ATOMIC_RELAXED);
    return 0;
}
