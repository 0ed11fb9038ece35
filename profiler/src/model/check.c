/* check.c: walks all invariants of a heap, for tests. */
#include "state.h"

#include <stdlib.h>

#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            return #condition;                                                                                         \
    } while (0)

static const char *check_blocks(const struct prof_heap *h)
{
    uint64_t live = 0, bytes = 0, maps = 0, map_bytes = 0, custom = 0;
    for (uint32_t id = 1; id < h->blocks.max; id++) {
        const struct prof_block *b = block_of(h, id);
        if ((b->flags & PROF_BLOCK_ALIVE) == 0)
            continue;
        if (b->kind == TRK_ALLOC_MMAP) {
            maps++;
            map_bytes += b->size;
        } else {
            const struct addr_entry *entry =
                addr_find(&h->addrs, b->kind == TRK_ALLOC_CUSTOM ? b->addr | ADDR_CUSTOM : b->addr);
            MUST((b->flags & BLOCK_IN_LIMBO) != 0 || (entry != NULL && entry->block == id));
            live++;
            bytes += b->size;
            custom += b->kind == TRK_ALLOC_CUSTOM;
        }
        prof_obj_id before = 0;
        for (prof_obj_id obj = b->first_obj; obj != 0; obj = obj_of(h, obj)->next_in_block) {
            MUST(obj < h->objs.max && obj_alive(obj_of(h, obj)));
            MUST(obj_of(h, obj)->block == id && obj_of(h, obj)->prev_in_block == before);
            MUST((b->flags & PROF_BLOCK_HAS_OBJECT) != 0);
            before = obj;
        }
    }
    MUST(live == h->totals.live_blocks && bytes == h->totals.live_bytes);
    MUST(maps == h->totals.mmap_blocks && map_bytes == h->totals.mmap_bytes && maps == h->maps.count);
    MUST(custom == h->custom_blocks);
    MUST(h->totals.peak_bytes >= h->totals.live_bytes);
    for (size_t i = 0; i < h->maps.count; i++) {
        const struct prof_block *b = block_of(h, h->maps.items[i]);
        MUST(b->size > 0 && (b->flags & PROF_BLOCK_ALIVE) != 0);
        if (i > 0) {
            const struct prof_block *before = block_of(h, h->maps.items[i - 1]);
            MUST(before->addr + before->size <= b->addr);
        }
    }
    return NULL;
}

static const char *check_table(const struct prof_heap *h)
{
    uint64_t used = 0;
    for (uint64_t i = 0; i < h->addrs.size; i++) {
        const struct addr_entry *entry = &h->addrs.entries[i];
        if (entry->key == 0)
            continue;
        used++;
        if (entry->block == 0 && entry->obj == 0)
            continue; /* removed */
        MUST(addr_find(&h->addrs, entry->key) == entry);
        MUST(entry->block < h->blocks.max || entry->block == 0);
        if (entry->block != 0)
            MUST(block_of(h, entry->block)->addr == (entry->key & ~ADDR_CUSTOM));
        if (entry->obj != 0)
            MUST(entry->obj < h->objs.max && obj_of(h, entry->obj)->addr == entry->key);
    }
    MUST(used == h->addrs.count);
    return NULL;
}

static const char *check_references(const struct prof_heap *h, prof_obj_id id)
{
    const struct prof_obj *obj = obj_of(h, id);
    uint32_t opens = 0, births = 0, before = 0;
    bool doubted = false;
    for (uint32_t i = obj->first_open; i != 0; i = open_of(h, i)->next) {
        MUST(i < h->opens.max);
        const struct prof_open *open = open_of(h, i);
        MUST(open->obj == id && open->prev == before);
        MUST(open->kind >= PROF_OPEN_SLOT && open->kind <= PROF_OPEN_BIRTH);
        births += open->kind == PROF_OPEN_BIRTH;
        if (open->kind == PROF_OPEN_BIRTH)
            MUST(open->slot == 0 && open->index == OPEN_NOWHERE);
        else if (obj_alive(obj))
            MUST(open->index != OPEN_NOWHERE);
        if (open->kind != PROF_OPEN_BIRTH) {
            MUST(!doubted || (open->flags & PROF_OPEN_DOUBTED) != 0);
            doubted = (open->flags & PROF_OPEN_DOUBTED) != 0;
        }
        before = i;
        MUST(++opens <= obj->opens);
    }
    MUST(opens == obj->opens);
    if (obj_alive(obj))
        MUST(births == ((obj->internal & OBJ_BIRTH_OPEN) != 0));
    int64_t balance = 0;
    for (uint32_t i = obj->first_site; i != 0; i = site_of(h, i)->next) {
        MUST(i < h->sites.max);
        balance += (int64_t)site_of(h, i)->taken - site_of(h, i)->given;
    }
    if ((obj->flags & PROF_OBJ_SKEWED) == 0) {
        MUST((int64_t)obj->count == 1 + (int64_t)obj->refs - (int64_t)obj->unrefs);
        if ((obj->internal & OBJ_UNSURE) == 0)
            MUST(balance == (int64_t)obj->count - (int64_t)obj->opens);
    }
    return NULL;
}

static const char *check_objects(const struct prof_heap *h)
{
    struct prof_type *sums = calloc(h->type_max, sizeof *sums);
    if (sums == NULL)
        return "no memory to check with";
    const char *what = NULL;
    uint64_t live = 0;
    for (uint32_t id = 1; id < h->objs.max && what == NULL; id++) {
        const struct prof_obj *obj = obj_of(h, id);
        if (obj->state == PROF_OBJ_NONE)
            continue;
        what = check_references(h, id);
        if (!obj_alive(obj))
            continue;
        struct prof_type *sum = &sums[obj->type];
        sum->live++;
        sum->live_bytes += obj->size;
        sum->zero += obj->state == PROF_OBJ_ZERO;
        sum->parked += obj->state == PROF_OBJ_PARKED;
        live++;
        bool limbo = obj->block != 0 && (block_of(h, obj->block)->flags & BLOCK_IN_LIMBO) != 0;
        const struct addr_entry *entry = addr_find(&h->addrs, obj->addr);
        if (!limbo && (entry == NULL || entry->obj != id))
            what = "a living object is not found by its address";
    }
    for (uint32_t type = 0; type < h->type_max && what == NULL; type++) {
        const struct prof_type *t = &h->types[type].pub;
        if (t->live != sums[type].live || t->live_bytes != sums[type].live_bytes || t->zero != sums[type].zero ||
            t->parked != sums[type].parked)
            what = "totals of a type do not fit its objects";
        else if (t->born - t->died != t->live)
            what = "births and deaths of a type do not fit";
    }
    if (what == NULL && live != h->totals.live_objects)
        what = "number of living objects";
    free(sums);
    return what;
}

static const char *check_index(const struct prof_heap *h)
{
    size_t by_slot = 0, aside = 0, by_holder = 0, pages = 0, holder_pages = 0;
    for (uint32_t i = 1; i < h->opens.max; i++) {
        const struct prof_open *open = open_of(h, i);
        by_slot += open->index == OPEN_BY_SLOT;
        aside += open->index == OPEN_ASIDE;
        by_holder += open->index == OPEN_BY_HOLDER;
        if (open->index != OPEN_NOWHERE)
            MUST(open->obj != 0 && open->obj < h->objs.max);
        if (open->chain_next != 0)
            MUST(open_of(h, open->chain_next)->chain_prev == i);
    }
    for (size_t i = 0; i < SLOT_PAGES; i++) {
        pages += h->slot_pages[i];
        holder_pages += h->holder_pages[i];
    }
    MUST(by_slot == h->slot_count && aside == h->aside_count && by_holder == h->holder_count);
    MUST(pages == by_slot && holder_pages == by_holder);
    size_t chained = 0;
    for (size_t i = 0; h->slot_heads != NULL && i <= h->slot_mask; i++)
        for (uint32_t at = h->slot_heads[i]; at != 0; at = open_of(h, at)->chain_next) {
            MUST(open_of(h, at)->index == OPEN_BY_SLOT);
            MUST(++chained <= by_slot);
        }
    MUST(chained == by_slot);
    return NULL;
}

static const char *check_stats(const struct prof_heap *h)
{
    uint64_t live = 0, bytes = 0, peak = 0, allocs = 0, births = 0;
    for (size_t i = 0; i < h->stats.count; i++) {
        const struct prof_stack_stat *s = &h->stats.items[i].pub;
        MUST(s->allocs - s->frees == s->live);
        live += s->live;
        bytes += s->live_bytes;
        /* Stacks that did not change since the heap was largest have not been told yet. */
        peak += h->stats.items[i].epoch == h->peak_epoch ? s->peak_bytes : s->live_bytes;
        allocs += s->allocs;
        births += s->births;
    }
    MUST(live == h->totals.live_blocks && bytes == h->totals.live_bytes);
    MUST(peak == h->totals.peak_bytes);
    MUST(allocs <= h->totals.allocs);
    MUST(births >= h->totals.by_op[TRK_OP_NEW] || h->totals.by_op[TRK_OP_NEW] > 0);
    return NULL;
}

const char *prof_heap_check(const struct prof_heap *h)
{
    const char *what = check_blocks(h);
    if (what == NULL)
        what = check_table(h);
    if (what == NULL)
        what = check_objects(h);
    if (what == NULL)
        what = check_index(h);
    if (what == NULL)
        what = check_stats(h);
    return what;
}
