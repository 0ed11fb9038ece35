/* addr.h: from an address to the block and the object that begin there.
 *
 * Own open addressing instead of the keyed table of the base layer: every event of a replay looks here, most of them in
 * a cold cache line. 16-byte entries in one array let the caller prefetch a batch of events ahead (addr_prefetch), need
 * no pointer chase and no allocation per entry, and cost 22 to 35 bytes per address where a chained table costs 80.
 * Linear probing, any table size (multiply instead of mask) so that it grows by half. A removed entry keeps its key and
 * place: allocators hand out the same addresses again and again; what never came back is swept when the table is full.
 * Private to this folder. */
#ifndef MODEL_ADDR_H
#define MODEL_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Keys: an address; with ADDR_CUSTOM the block is one of a custom allocator, which may begin where a malloc block does.
 */
#define ADDR_CUSTOM ((uint64_t)1 << 63)

struct addr_entry {
    uint64_t key;        /* 0: empty */
    uint32_t block, obj; /* both 0: removed */
};
struct addr_table {
    struct addr_entry *entries;
    uint64_t size;
    uint64_t count, limit; /* entries with a key, removed ones included */
};

static inline uint64_t addr_home(const struct addr_table *t, uint64_t key)
{
    uint64_t h = (key ^ key >> 32) * 0x9e3779b97f4a7c15ull;
    return ((h >> 32) * t->size) >> 32;
}
/* always_inline: as a function of its own it would look free of effects, and gcc would drop the call. */
static inline __attribute__((always_inline)) void addr_prefetch(const struct addr_table *t, uint64_t key)
{
    if (t->size != 0)
        __builtin_prefetch(&t->entries[addr_home(t, key)]);
}
/* NULL: not there. Valid until the next addr_make. */
static inline struct addr_entry *addr_find(const struct addr_table *t, uint64_t key)
{
    if (t->size == 0)
        return NULL;
    for (uint64_t i = addr_home(t, key);; i = i + 1 == t->size ? 0 : i + 1) {
        struct addr_entry *entry = &t->entries[i];
        if (entry->key == key)
            return (entry->block | entry->obj) != 0 ? entry : NULL;
        if (entry->key == 0)
            return NULL;
    }
}
/* Finds or adds. The caller makes it name something before it looks again. NULL: out of memory. */
struct addr_entry *addr_make(struct addr_table *t, uint64_t key);
/* Room for `more` keys besides those that are in it. false: out of memory. */
bool addr_reserve(struct addr_table *t, uint64_t more);
void addr_deinit(struct addr_table *t);

#endif
