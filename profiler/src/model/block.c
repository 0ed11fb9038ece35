/* block.c: blocks of memory: allocation, free, realloc in two steps, mappings with holes. */
#include "state.h"

static uint64_t block_key(const struct prof_block *b)
{
    return b->kind == TRK_ALLOC_CUSTOM ? b->addr | ADDR_CUSTOM : b->addr;
}

static void count_in(struct prof_heap *h, const struct prof_block *b)
{
    h->totals.allocs++;
    h->totals.alloc_bytes += b->size;
    if (b->kind == TRK_ALLOC_MMAP) {
        h->totals.mmap_blocks++;
        h->totals.mmap_bytes += b->size;
        return;
    }
    h->totals.live_blocks++;
    h->totals.live_bytes += b->size;
    h->custom_blocks += b->kind == TRK_ALLOC_CUSTOM;
    stat_alloc(h, b->stack, b->size);
    if (h->totals.live_bytes > h->totals.peak_bytes)
        stat_peak(h, b->born_us);
}

static void count_out(struct prof_heap *h, const struct prof_block *b, bool temporary)
{
    h->totals.frees++;
    if (b->kind == TRK_ALLOC_MMAP) {
        h->totals.mmap_blocks--;
        h->totals.mmap_bytes -= b->size;
        return;
    }
    h->totals.live_blocks--;
    h->totals.live_bytes -= b->size;
    h->custom_blocks -= b->kind == TRK_ALLOC_CUSTOM;
    stat_free(h, b->stack, b->size, temporary);
}

/* Ends all objects in the block, then the references that its memory owned. */
static void end_contents(struct prof_heap *h, prof_block_id id, const struct prof_event *e)
{
    while (block_of(h, id)->first_obj != 0)
        object_end(h, block_of(h, id)->first_obj, e, true);
    const struct prof_block *b = block_of(h, id);
    /* What is left lay behind the extent of its type: that of a deleted object still belongs to it. */
    const struct addr_entry *entry = (b->flags & PROF_BLOCK_HAS_OBJECT) != 0 ? addr_find(&h->addrs, b->addr) : NULL;
    open_range_died(h, b->addr, b->size, entry != NULL ? entry->obj : 0, e);
}

/* The oldest freed block is forgotten, unless its record serves again already. */
static void forget_freed(struct prof_heap *h, const struct freed_block *f)
{
    struct prof_block *old = block_of(h, f->block);
    if ((old->flags & PROF_BLOCK_ALIVE) != 0 || old->first_obj != h->freed_at + 1)
        return;
    struct addr_entry *entry = addr_find(&h->addrs, f->key);
    if (entry != NULL && entry->block == f->block)
        entry->block = 0;
    pool_put(&h->blocks, f->block, sizeof *old);
}

/* The freed block stays known by its address for the next FREED frees. Its first_obj tells the place in that list. */
static void remember_freed(struct prof_heap *h, prof_block_id id, const struct prof_event *e)
{
    struct freed_block *f = &h->freed[h->freed_at];
    if (f->block != 0)
        forget_freed(h, f);
    struct prof_block *b = block_of(h, id);
    b->flags = 0;
    b->first_obj = (uint32_t)h->freed_at + 1;
    *f = (struct freed_block){ block_key(b), id, place_of(e) };
    h->freed_at = (h->freed_at + 1) % FREED;
    const struct freed_block *soon = &h->freed[(h->freed_at + 8) % FREED];
    addr_prefetch(&h->addrs, soon->key);
    __builtin_prefetch(block_of(h, soon->block));
}

static void end_one(struct prof_heap *h, prof_block_id id, const struct prof_event *e, bool temporary)
{
    struct prof_block *b = block_of(h, id);
    if ((b->flags & PROF_BLOCK_EXAMINED) != 0)
        checkpoint_freed(h, b->addr, b->size);
    count_out(h, b, temporary);
    if (h->chunks != NULL && b->kind == TRK_ALLOC_CUSTOM)
        chunk_gone(h, b->addr);
    typed_gone(h, id);
    if (b->first_obj != 0 || h->slot_count != 0 || h->holder_count != 0)
        end_contents(h, id, e);
    space_drop_large(h, id);
    remember_freed(h, id, e);
}

/* Blocks of custom allocators that begin in the arena. Those in them begin there, too: nothing recurses. */
static void end_nested(struct prof_heap *h, prof_block_id arena, const struct prof_event *e)
{
    uint64_t start = block_of(h, arena)->addr, size = block_of(h, arena)->size;
    if (size / 8 > h->blocks.max) {
        for (prof_block_id id = 1; id < h->blocks.max && h->custom_blocks != 0; id++) {
            const struct prof_block *b = block_of(h, id);
            if (id != arena && b->flags != 0 && b->kind == TRK_ALLOC_CUSTOM && b->addr >= start &&
                b->addr - start < size)
                end_one(h, id, e, false);
        }
        return;
    }
    for (uint64_t at = (start + 7) & ~(uint64_t)7; at < start + size && h->custom_blocks != 0; at += 8) {
        const struct addr_entry *entry = addr_find(&h->addrs, at | ADDR_CUSTOM);
        prof_block_id id = entry != NULL ? entry->block : 0;
        if (id != 0 && id != arena && (block_of(h, id)->flags & PROF_BLOCK_ALIVE) != 0)
            end_one(h, id, e, false);
    }
}

/* An arena goes with all blocks that a custom allocator cut from it: memory of malloc, and a chunk of a pool (where
 * there are custom blocks that are no chunks). */
static void end_block(struct prof_heap *h, prof_block_id id, const struct prof_event *e, bool temporary)
{
    const struct prof_block *b = block_of(h, id);
    if (b->kind == TRK_ALLOC_CUSTOM ? chunk_may_hold_blocks(h, b->addr) : h->custom_blocks != 0)
        end_nested(h, id, e);
    end_one(h, id, e, temporary);
}

/* ---- Mappings: kept in an array by address ---- */

static prof_block_id new_map(struct prof_heap *h, size_t at, const struct prof_block *like)
{
    prof_block_id id = pool_get(&h->blocks, sizeof *like);
    if (id == 0 || !prof_vec_reserve(&h->maps, 1)) {
        h->no_memory = true;
        return 0;
    }
    *block_of(h, id) = *like;
    memmove(h->maps.items + at + 1, h->maps.items + at, (h->maps.count - at) * sizeof *h->maps.items);
    h->maps.items[at] = id;
    h->maps.count++;
    return id;
}

/* Ends the objects of a mapping inside [start, end). */
static void end_map_objects(struct prof_heap *h, prof_block_id id, uint64_t start, uint64_t end,
                            const struct prof_event *e)
{
    prof_obj_id next;
    for (prof_obj_id obj = block_of(h, id)->first_obj; obj != 0; obj = next) {
        next = obj_of(h, obj)->next_in_block;
        if (obj_of(h, obj)->addr >= start && obj_of(h, obj)->addr < end)
            object_end(h, obj, e, true);
    }
}

/* Objects of `from` that lie in `to` now belong to it. */
static void hand_over_objects(struct prof_heap *h, prof_block_id from, prof_block_id to)
{
    prof_obj_id next;
    for (prof_obj_id id = block_of(h, from)->first_obj; id != 0; id = next) {
        next = obj_of(h, id)->next_in_block;
        if (obj_of(h, id)->addr >= block_of(h, to)->addr) {
            object_leave_block(h, id);
            struct prof_obj *obj = obj_of(h, id);
            struct prof_block *b = block_of(h, to);
            obj->block = to;
            obj->next_in_block = b->first_obj;
            if (b->first_obj != 0)
                obj_of(h, b->first_obj)->prev_in_block = id;
            b->first_obj = id;
            b->flags |= PROF_BLOCK_HAS_OBJECT;
        }
    }
}

/* Returns whether anything was mapped there. */
static bool unmap(struct prof_heap *h, uint64_t start, uint64_t size, const struct prof_event *e)
{
    uint64_t end = start + size;
    size_t at = space_map_from(h, start);
    bool any = false;
    while (at < h->maps.count && block_of(h, h->maps.items[at])->addr < end) {
        prof_block_id id = h->maps.items[at];
        struct prof_block was = *block_of(h, id);
        uint64_t was_end = was.addr + was.size;
        any = true;
        end_map_objects(h, id, start, end, e);
        if ((was.flags & PROF_BLOCK_EXAMINED) != 0) {
            uint64_t from = was.addr > start ? was.addr : start;
            checkpoint_freed(h, from, (was_end < end ? was_end : end) - from);
        }
        struct prof_block *b = block_of(h, id);
        if (was.addr >= start && was_end <= end) {
            count_out(h, b, false);
            typed_gone(h, id);
            pool_put(&h->blocks, id, sizeof *b);
            memmove(h->maps.items + at, h->maps.items + at + 1, (h->maps.count - at - 1) * sizeof *h->maps.items);
            h->maps.count--;
            continue;
        }
        h->totals.mmap_bytes -= (was_end < end ? was_end : end) - (was.addr > start ? was.addr : start);
        if (was.addr < start) {
            b->size = start - was.addr;
            if (was_end > end) { /* a hole in the middle */
                struct prof_block tail = was;
                tail.addr = end;
                tail.size = was_end - end;
                tail.first_obj = 0;
                prof_block_id rest = new_map(h, at + 1, &tail);
                if (rest == 0)
                    break;
                hand_over_objects(h, id, rest);
                h->totals.mmap_blocks++;
            }
        } else {
            b->addr = end;
            b->size = was_end - end;
        }
        at++;
    }
    if (any)
        open_range_died(h, start, size, 0, e);
    return any;
}

static void map_alloc(struct prof_heap *h, const struct prof_event *e, const struct thread *th)
{
    if (e->size == 0)
        return;
    unmap(h, e->addr, e->size, e); /* a mapping over mappings replaces them */
    struct prof_block b = { .addr = e->addr,
                            .size = e->size,
                            .born_us = e->time_us,
                            .stack = e->stack,
                            .tid = e->tid,
                            .kind = TRK_ALLOC_MMAP,
                            .flags = PROF_BLOCK_ALIVE };
    if (th->scopes.count > 0)
        b.scope = th->scopes.items[th->scopes.count - 1].index;
    prof_block_id id = new_map(h, space_map_from(h, e->addr), &b);
    if (id != 0)
        count_in(h, &b);
}

/* ---- Blocks ---- */

/* Makes addr free for a block: whoever still lives there must have ended unseen. Returns the id of the remembered freed
 * block at addr, whose record may be used again, or 0. */
static prof_block_id clear_address(struct prof_heap *h, struct addr_entry **entry, uint64_t key,
                                   const struct prof_event *e, bool *ret_forced)
{
    prof_block_id id = (*entry)->block;
    if (id != 0 && (block_of(h, id)->flags & PROF_BLOCK_ALIVE) != 0) {
        *ret_forced = true;
        end_block(h, id, e, false);
        *entry = addr_make(&h->addrs, key);
        id = *entry != NULL ? (*entry)->block : 0;
    }
    return id;
}

/* A block begins at addr: an object remembered there, or living there in memory nobody reported, is over. */
static void clear_object(struct prof_heap *h, uint64_t addr, const struct prof_event *e)
{
    struct addr_entry *entry = addr_find(&h->addrs, addr);
    prof_obj_id id = entry != NULL ? entry->obj : 0;
    if (id == 0)
        return;
    if (obj_alive(obj_of(h, id))) {
        if (obj_of(h, id)->block != 0)
            return; /* it lives in an enclosing block */
        object_end(h, id, e, true);
    }
    object_bury(h, id, false);
}

static void fill_block(struct prof_heap *h, prof_block_id id, const struct prof_event *e, const struct thread *th,
                       bool forced)
{
    struct prof_block *b = block_of(h, id);
    *b = (struct prof_block){ .addr = e->addr,
                              .size = e->size,
                              .born_us = e->time_us,
                              .stack = e->stack,
                              .tid = e->tid,
                              .kind = e->aux,
                              .first_obj = b->first_obj,
                              .flags = (uint8_t)(PROF_BLOCK_ALIVE | (forced ? PROF_BLOCK_FORCED : 0)) };
    if (th->scopes.count > 0)
        b->scope = th->scopes.items[th->scopes.count - 1].index;
    if (th->disabled > 0)
        b->flags |= PROF_BLOCK_IGNORED;
}

static void realloc_end(struct prof_heap *h, const struct prof_event *e, struct thread *th);

void block_alloc(struct prof_heap *h, const struct prof_event *e)
{
    struct thread *th = thread_of(h, e->tid);
    th->last_alloc = 0;
    if (e->addr == 0)
        return;
    if (e->aux == TRK_ALLOC_MMAP) {
        map_alloc(h, e, th);
        return;
    }
    if (e->aux == TRK_ALLOC_REALLOC && e->from != 0) {
        if (!th->in_limbo || th->limbo_addr != e->from)
            block_realloc_begin(
                h,
                &(struct prof_event){
                    .op = TRK_OP_REALLOC, .addr = e->from, .time_us = e->time_us, .stack = e->stack, .tid = e->tid });
        realloc_end(h, e, th);
        return;
    }
    uint64_t key = e->aux == TRK_ALLOC_CUSTOM ? e->addr | ADDR_CUSTOM : e->addr;
    struct addr_entry *entry = addr_make(&h->addrs, key);
    bool forced = false;
    prof_block_id id = entry != NULL ? clear_address(h, &entry, key, e, &forced) : 0;
    if (entry != NULL && id == 0)
        id = pool_get(&h->blocks, sizeof(struct prof_block));
    if (entry == NULL || id == 0) {
        h->no_memory = true;
        return;
    }
    entry->block = id;
    block_of(h, id)->first_obj = 0;
    if (entry->obj != 0 || e->aux == TRK_ALLOC_CUSTOM)
        clear_object(h, e->addr, e);
    fill_block(h, id, e, th, forced);
    space_add_large(h, id);
    count_in(h, block_of(h, id));
    th->last_alloc = id;
    if ((e->flags & PROF_EVENT_POOL) != 0 && e->aux == TRK_ALLOC_CUSTOM)
        (void)chunk_born(h, e->addr, e->from);
}

/* A free of an address where no block lives. */
static void free_unknown(struct prof_heap *h, const struct prof_event *e, const struct addr_entry *entry)
{
    prof_obj_id id = entry != NULL ? entry->obj : 0;
    if (id != 0 && obj_alive(obj_of(h, id)) && obj_of(h, id)->block == 0) {
        /* An object in memory whose allocation was not seen. */
        h->totals.unknown_frees++;
        object_end(h, id, e, true);
        return;
    }
    if (entry == NULL || entry->block == 0) {
        h->totals.unknown_frees++;
        return;
    }
    /* The place of its free in the list tells who freed it first. */
    const struct prof_block *b = block_of(h, entry->block);
    const struct freed_block *f = &h->freed[b->first_obj - 1];
    struct place at = place_of(e);
    bool forced = h->forced;
    h->forced |= f->death.tid != e->tid && prof_trace_same_time(h->trace, f->death.at_us, e->time_us);
    struct prof_incident *incident = incident_add(h, PROF_INCIDENT_DOUBLE_FREE, id, &at, &f->death);
    h->forced = forced;
    if (incident != NULL) {
        incident->addr = e->addr;
        incident->bytes = b->size;
    }
}

void block_free(struct prof_heap *h, const struct prof_event *e)
{
    struct thread *th = thread_of(h, e->tid);
    prof_block_id last = th->last_alloc;
    th->last_alloc = 0;
    if (e->addr == 0)
        return;
    if (e->aux == TRK_ALLOC_MMAP) {
        if (!unmap(h, e->addr, e->size, e))
            h->totals.unknown_frees++;
        return;
    }
    struct addr_entry *entry = addr_find(&h->addrs, e->aux == TRK_ALLOC_CUSTOM ? e->addr | ADDR_CUSTOM : e->addr);
    if (entry == NULL || entry->block == 0 || (block_of(h, entry->block)->flags & PROF_BLOCK_ALIVE) == 0) {
        free_unknown(h, e, entry);
        return;
    }
    end_block(h, entry->block, e, entry->block == last);
}

void block_ignore(struct prof_heap *h, const struct prof_event *e)
{
    prof_block_id id = space_block_at(h, e->addr);
    if (id == 0)
        return;
    block_of(h, id)->flags |= PROF_BLOCK_IGNORED;
    for (prof_obj_id obj = block_of(h, id)->first_obj; obj != 0; obj = obj_of(h, obj)->next_in_block)
        obj_of(h, obj)->flags |= PROF_OBJ_MAY_LEAK;
}

/* ---- Realloc ----
 * Between its two events the block is nowhere: its old address may already belong to another thread. */

void block_realloc_begin(struct prof_heap *h, const struct prof_event *e)
{
    struct thread *th = thread_of(h, e->tid);
    th->last_alloc = 0;
    if (th->in_limbo) /* its end was lost */
        block_realloc_fail(h, &(struct prof_event){ .addr = th->limbo_addr, .tid = e->tid, .time_us = e->time_us });
    th->in_limbo = true;
    th->limbo_addr = e->addr;
    th->limbo_place = place_of(e);
    th->limbo_opens = 0;
    th->limbo_block = 0;
    struct addr_entry *entry = e->addr < ADDR_CUSTOM ? addr_find(&h->addrs, e->addr) : NULL;
    prof_block_id id = entry != NULL ? entry->block : 0;
    if (id == 0 || (block_of(h, id)->flags & PROF_BLOCK_ALIVE) == 0)
        return;
    th->limbo_block = id;
    entry->block = 0;
    space_drop_large(h, id);
    struct prof_block *b = block_of(h, id);
    b->flags |= BLOCK_IN_LIMBO;
    for (prof_obj_id obj = b->first_obj; obj != 0; obj = obj_of(h, obj)->next_in_block) {
        entry = addr_find(&h->addrs, obj_of(h, obj)->addr);
        if (entry != NULL && entry->obj == obj)
            entry->obj = 0;
    }
    th->limbo_opens = open_range_take(h, b->addr, b->size);
}

/* Puts the block in limbo at addr, with its objects and slots. */
static void leave_limbo(struct prof_heap *h, struct thread *th, uint64_t addr, uint64_t size,
                        const struct prof_event *e)
{
    prof_block_id id = th->limbo_block;
    uint64_t old = block_of(h, id)->addr;
    bool forced = false;
    struct addr_entry *entry = addr_make(&h->addrs, addr);
    prof_block_id there = entry != NULL ? clear_address(h, &entry, addr, e, &forced) : 0;
    if (entry == NULL) {
        h->no_memory = true;
        return;
    }
    if (there != 0)
        pool_put(&h->blocks, there, sizeof(struct prof_block));
    entry->block = id;
    if (entry->obj != 0)
        clear_object(h, addr, e);
    struct prof_block *b = block_of(h, id);
    b->addr = addr;
    b->size = size;
    b->flags &= (uint8_t)~BLOCK_IN_LIMBO;
    if (forced)
        b->flags |= PROF_BLOCK_FORCED;
    space_add_large(h, id);
    prof_obj_id next;
    for (prof_obj_id obj = b->first_obj; obj != 0; obj = next) {
        struct prof_obj *o = obj_of(h, obj);
        next = o->next_in_block;
        o->addr += addr - old;
        o->start += addr - old;
        if (o->start < addr || o->start - addr >= (size != 0 ? size : 1)) {
            object_end(h, obj, e, true); /* cut off */
            continue;
        }
        entry = addr_make(&h->addrs, o->addr);
        if (entry == NULL) {
            h->no_memory = true;
            return;
        }
        prof_obj_id other = entry->obj;
        entry->obj = obj;
        if (other != 0 && obj_alive(obj_of(h, other)))
            object_end(h, other, e, true);
        if (other != 0)
            object_bury(h, other, true);
    }
    open_range_put(h, th->limbo_opens, old, addr, size, &th->limbo_place);
    th->limbo_opens = 0;
    th->limbo_block = 0;
}

static void realloc_end(struct prof_heap *h, const struct prof_event *e, struct thread *th)
{
    th->in_limbo = false;
    if (th->limbo_block == 0) {
        h->totals.unknown_frees++;
        struct prof_event plain = *e;
        plain.from = 0;
        block_alloc(h, &plain);
        return;
    }
    prof_block_id id = th->limbo_block;
    const struct prof_block *b = block_of(h, id);
    if ((b->flags & PROF_BLOCK_EXAMINED) != 0)
        checkpoint_freed(h, b->addr, b->size);
    count_out(h, b, false);
    leave_limbo(h, th, e->addr, e->size, e);
    uint8_t kept = block_of(h, id)->flags & (PROF_BLOCK_HAS_OBJECT | PROF_BLOCK_FORCED | PROF_BLOCK_IGNORED);
    fill_block(h, id, e, th, false);
    block_of(h, id)->flags |= kept;
    count_in(h, block_of(h, id));
    th->last_alloc = id;
}

void block_realloc_fail(struct prof_heap *h, const struct prof_event *e)
{
    struct thread *th = thread_of(h, e->tid);
    th->last_alloc = 0;
    if (!th->in_limbo || th->limbo_addr != e->addr)
        return;
    th->in_limbo = false;
    if (th->limbo_block != 0)
        leave_limbo(h, th, e->addr, block_of(h, th->limbo_block)->size, e);
}

void block_settle(struct prof_heap *h)
{
    struct thread *th, *next;
    HASH_ITER (hh, h->threads, th, next) {
        if (th->in_limbo)
            block_realloc_fail(
                h, &(struct prof_event){ .addr = th->limbo_addr, .tid = th->tid, .time_us = h->totals.end_us });
    }
}
