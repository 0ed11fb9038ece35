/* space.c: which block, and which object, contains an address, while the heap changes.
 *
 * Nothing here is on the path of plain events: blocks up to LARGE_BYTES are found by looking backwards in the address
 * table, larger ones through a table keyed by size class and window. Blocks of one class that do not overlap cannot
 * begin in the same window of their size, so a window names at most one, and three windows per class cover an address.
 */
#include "state.h"

enum { LARGE_SHIFT = 10, LARGE_BYTES = 1 << LARGE_SHIFT };

static unsigned size_class(uint64_t size)
{
    return 63 - (unsigned)__builtin_clzll(size);
}

static uint64_t large_key(unsigned kind, uint64_t addr, bool custom)
{
    return (custom ? ADDR_CUSTOM : 0) | (uint64_t)kind << 56 | ((addr >> kind) + 1);
}

void space_add_large(struct prof_heap *h, prof_block_id id)
{
    const struct prof_block *b = block_of(h, id);
    if (b->size < LARGE_BYTES)
        return;
    bool custom = b->kind == TRK_ALLOC_CUSTOM;
    unsigned kind = size_class(b->size);
    struct addr_entry *entry = addr_make(&h->large, large_key(kind, b->addr, custom));
    if (entry == NULL) {
        h->no_memory = true;
        return;
    }
    if (entry->block == 0)
        h->large_classes[custom][kind]++;
    entry->block = id;
}

void space_drop_large(struct prof_heap *h, prof_block_id id)
{
    const struct prof_block *b = block_of(h, id);
    if (b->size < LARGE_BYTES)
        return;
    bool custom = b->kind == TRK_ALLOC_CUSTOM;
    unsigned kind = size_class(b->size);
    struct addr_entry *entry = addr_find(&h->large, large_key(kind, b->addr, custom));
    if (entry == NULL || entry->block != id)
        return;
    entry->block = 0;
    h->large_classes[custom][kind]--;
}

bool space_in_large(const struct prof_heap *h, prof_block_id id)
{
    const struct prof_block *b = block_of(h, id);
    if ((b->flags & PROF_BLOCK_ALIVE) == 0 || b->size < LARGE_BYTES || b->kind == TRK_ALLOC_MMAP)
        return false;
    const struct addr_entry *entry =
        addr_find(&h->large, large_key(size_class(b->size), b->addr, b->kind == TRK_ALLOC_CUSTOM));
    return entry != NULL && entry->block == id;
}

size_t space_map_from(const struct prof_heap *h, uint64_t addr)
{
    size_t low = 0, high = h->maps.count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const struct prof_block *b = block_of(h, h->maps.items[mid]);
        if (b->addr + b->size <= addr)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static bool contains(const struct prof_heap *h, prof_block_id id, uint64_t addr)
{
    const struct prof_block *b = block_of(h, id);
    return (b->flags & (PROF_BLOCK_ALIVE | BLOCK_IN_LIMBO)) == PROF_BLOCK_ALIVE && addr >= b->addr &&
           addr - b->addr < b->size;
}

/* Nearest small block of this kind whose memory contains addr. */
static prof_block_id small_at(const struct prof_heap *h, uint64_t addr, uint64_t tag)
{
    uint64_t at = addr & ~(uint64_t)7;
    for (unsigned step = 0; step <= LARGE_BYTES / 8 && at != 0; step++, at -= 8) {
        const struct addr_entry *entry = addr_find(&h->addrs, at | tag);
        if (entry != NULL && entry->block != 0 && contains(h, entry->block, addr))
            return entry->block;
    }
    return 0;
}

static prof_block_id large_at(const struct prof_heap *h, uint64_t addr, bool custom)
{
    prof_block_id best = 0;
    for (unsigned kind = LARGE_SHIFT; kind < 56; kind++) {
        if (h->large_classes[custom][kind] == 0)
            continue;
        for (uint64_t back = 0; back <= 2 && addr >> kind >= back; back++) {
            const struct addr_entry *entry = addr_find(&h->large, large_key(kind, addr - (back << kind), custom));
            if (entry != NULL && contains(h, entry->block, addr) &&
                (best == 0 || block_of(h, entry->block)->addr > block_of(h, best)->addr))
                best = entry->block;
        }
    }
    return best;
}

/* Blocks nest: custom blocks lie in malloc blocks or mappings, malloc blocks may lie in mappings. */
prof_block_id space_block_at(struct prof_heap *h, uint64_t addr)
{
    prof_block_id *recent = &h->recent[mix64(addr >> 12) % RECENT_BLOCKS];
    bool custom = h->custom_blocks != 0;
    if (!custom && *recent != 0 && *recent < h->blocks.max && contains(h, *recent, addr) &&
        block_of(h, *recent)->kind != TRK_ALLOC_MMAP)
        return *recent;
    prof_block_id id = 0;
    if (custom) {
        id = small_at(h, addr, ADDR_CUSTOM);
        if (id == 0)
            id = large_at(h, addr, true);
    }
    if (id == 0 && h->totals.live_blocks != 0)
        id = small_at(h, addr, 0);
    if (id == 0)
        id = large_at(h, addr, false);
    if (id == 0 && h->maps.count != 0) {
        size_t at = space_map_from(h, addr);
        if (at < h->maps.count && contains(h, h->maps.items[at], addr))
            id = h->maps.items[at];
    }
    if (id != 0)
        *recent = id;
    return id;
}

static bool obj_contains(const struct prof_obj *obj, uint64_t addr)
{
    return obj_alive(obj) && addr >= obj->start && addr - obj->start < (obj->size != 0 ? obj->size : 1);
}

prof_obj_id space_obj_at(struct prof_heap *h, uint64_t addr)
{
    prof_block_id block = space_block_at(h, addr);
    prof_obj_id best = 0;
    if (block != 0) {
        for (prof_obj_id id = block_of(h, block)->first_obj; id != 0; id = obj_of(h, id)->next_in_block) {
            const struct prof_obj *obj = obj_of(h, id);
            if (obj_contains(obj, addr) && (best == 0 || obj->size < obj_of(h, best)->size))
                best = id;
        }
        return best;
    }
    uint64_t at = addr & ~(uint64_t)7;
    for (unsigned step = 0; step <= LARGE_BYTES / 8 && at != 0; step++, at -= 8) {
        const struct addr_entry *entry = addr_find(&h->addrs, at);
        if (entry != NULL && entry->obj != 0 && obj_contains(obj_of(h, entry->obj), addr))
            return entry->obj;
    }
    return 0;
}

prof_obj_id prof_heap_holder_at(struct prof_heap *h, uint64_t addr)
{
    prof_obj_id id = space_obj_at(h, addr);
    prof_block_id block = id == 0 ? space_block_at(h, addr) : 0;
    if (block == 0 || block_of(h, block)->kind == TRK_ALLOC_MMAP)
        return id;
    id = block_of(h, block)->first_obj;
    return id != 0 && obj_of(h, id)->next_in_block == 0 ? id : 0;
}

prof_block_id prof_heap_plain_at(struct prof_heap *h, uint64_t addr)
{
    prof_block_id block = space_block_at(h, addr);
    const struct prof_block *b = block_of(h, block);
    return block != 0 && b->kind != TRK_ALLOC_MMAP && b->first_obj == 0 ? block : 0;
}
