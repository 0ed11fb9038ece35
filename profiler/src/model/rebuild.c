/* rebuild.c: a state has been read: what follows from its records is made again, and what does not fit together is
 * refused. Afterwards every index that the model follows leads to a record, every list ends, and every back link
 * agrees; whether the numbers agree is left to check.c. */
#include "restore.h"

#include <stdlib.h>
#include <string.h>

static bool in_use(const struct restore *r, enum state_pool pool, uint32_t id)
{
    return id != 0 && id_in(&r->pools[pool].used, id);
}

/* ---- Pools ---- */

static const char *link_pool(struct prof_heap *h, struct pool *pool, struct restored_pool *from, size_t bytes)
{
    size_t unused = from->unused.count, max = from->rows + unused + 1;
    if (max == 1)
        return NULL;
    if (max > UINT32_MAX || from->last >= max)
        return "ids are missing";
    id_set seen = { 0 };
    if (!pool_cover(pool, (uint32_t)max, bytes) || !id_set_cover(&from->used, (uint32_t)max) ||
        !id_set_cover(&seen, (uint32_t)max)) {
        prof_vec_deinit(&seen);
        h->no_memory = true;
        return NULL;
    }
    const char *what = NULL;
    memset(pool->items, 0, bytes);
    for (size_t i = unused; i > 0 && what == NULL; i--) {
        uint32_t id = from->unused.items[i - 1];
        if (id == 0 || id >= max || id_in(&from->used, id) || !id_add(&seen, id)) {
            what = "a list of unused ids is wrong";
            break;
        }
        char *item = (char *)pool->items + (size_t)id * bytes;
        memset(item, 0, bytes);
        memcpy(item, &pool->free, sizeof pool->free);
        pool->free = id;
    }
    pool->max = (uint32_t)max;
    pool->live = from->rows;
    prof_vec_deinit(&seen);
    return what;
}

static const char *link_pools(struct prof_heap *h, struct restore *r)
{
    struct pool *pools[POOLS] = { &h->blocks, &h->objs, &h->opens, &h->sites, &h->weaks };
    static const size_t bytes[POOLS] = { sizeof(struct prof_block), sizeof(struct prof_obj), sizeof(struct prof_open),
                                         sizeof(struct prof_site_count), sizeof(struct weak) };
    const char *what = NULL;
    for (size_t i = 0; i < POOLS && what == NULL; i++)
        what = link_pool(h, pools[i], &r->pools[i], bytes[i]);
    return what;
}

/* ---- Blocks ---- */

/* The entry of an address that nothing else of its kind names. */
static const char *name_block(struct prof_heap *h, uint64_t key, prof_block_id id)
{
    struct addr_entry *entry = addr_make(&h->addrs, key);
    h->no_memory |= entry == NULL;
    if (entry == NULL)
        return NULL;
    if (entry->block != 0)
        return "two blocks are at one address";
    entry->block = id;
    return NULL;
}

static uint64_t key_of_block(const struct prof_block *b)
{
    return b->kind == TRK_ALLOC_CUSTOM ? b->addr | ADDR_CUSTOM : b->addr;
}

static const char *place_freed(struct prof_heap *h, const struct restore *r)
{
    for (uint32_t i = 0; i < FREED; i++) {
        struct freed_block *f = &h->freed[i];
        if (f->block == 0)
            continue;
        if (!in_use(r, POOL_BLOCKS, f->block) || block_of(h, f->block)->flags != 0 ||
            block_of(h, f->block)->first_obj != i + 1)
            return "a freed block is not one";
        f->key = key_of_block(block_of(h, f->block));
        const char *what = name_block(h, f->key, f->block);
        if (what != NULL)
            return what;
    }
    return NULL;
}

struct mapping {
    uint64_t addr;
    prof_block_id id;
};

static int by_addr(const void *a, const void *b)
{
    const struct mapping *x = a, *y = b;
    return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static const char *sort_maps(struct prof_heap *h)
{
    size_t count = h->maps.count;
    struct mapping *maps = malloc((count + 1) * sizeof *maps);
    if (maps == NULL) {
        h->no_memory = true;
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        maps[i] = (struct mapping){ block_of(h, h->maps.items[i])->addr, h->maps.items[i] };
    qsort(maps, count, sizeof *maps, by_addr);
    const char *what = NULL;
    uint64_t end = 0;
    for (size_t i = 0; i < count && what == NULL; i++) {
        const struct prof_block *b = block_of(h, maps[i].id);
        if (b->size == 0 || b->addr < end || b->addr + b->size < b->addr)
            what = "mappings overlap";
        end = b->addr + b->size;
        h->maps.items[i] = maps[i].id;
    }
    free(maps);
    return what;
}

static const char *place_blocks(struct prof_heap *h, const struct restore *r)
{
    size_t limbo = 0, freed = 0, remembered = 0;
    const unsigned flags = PROF_BLOCK_ALIVE | PROF_BLOCK_HAS_OBJECT | PROF_BLOCK_FORCED | PROF_BLOCK_EXAMINED |
                           PROF_BLOCK_IGNORED | BLOCK_IN_LIMBO;
    for (uint32_t id = 1; id < h->blocks.max && !h->no_memory; id++) {
        const struct prof_block *b = block_of(h, id);
        if (!id_in(&r->pools[POOL_BLOCKS].used, id))
            continue;
        if (b->addr == 0 || b->addr >= ADDR_CUSTOM || b->size >= ADDR_CUSTOM || (b->flags & ~flags) != 0 ||
            b->scope >= h->scopes.count || (b->flags != 0 && (b->flags & PROF_BLOCK_ALIVE) == 0))
            return "a block is impossible";
        freed += b->flags == 0;
        if (b->flags == 0)
            continue;
        h->custom_blocks += b->kind == TRK_ALLOC_CUSTOM;
        if ((b->flags & BLOCK_IN_LIMBO) != 0) {
            limbo++;
            if (b->kind == TRK_ALLOC_MMAP || b->kind == TRK_ALLOC_CUSTOM)
                return "a block is between the events of a realloc that it cannot have";
        } else if (b->kind == TRK_ALLOC_MMAP) {
            if (!prof_vec_push(&h->maps, id))
                h->no_memory = true;
        } else {
            const char *what = name_block(h, key_of_block(b), id);
            if (what != NULL)
                return what;
        }
    }
    for (size_t i = 0; i < FREED; i++)
        remembered += h->freed[i].block != 0;
    struct thread *th, *next;
    HASH_ITER (hh, h->threads, th, next) {
        if (th->limbo_block == 0)
            continue;
        /* Each names another one: the flag is taken away and comes back below. */
        if (!th->in_limbo || !in_use(r, POOL_BLOCKS, th->limbo_block) ||
            (block_of(h, th->limbo_block)->flags & BLOCK_IN_LIMBO) == 0)
            return "a realloc has no block";
        block_of(h, th->limbo_block)->flags &= (uint8_t)~BLOCK_IN_LIMBO;
        limbo--;
    }
    HASH_ITER (hh, h->threads, th, next)
        if (th->limbo_block != 0)
            block_of(h, th->limbo_block)->flags |= BLOCK_IN_LIMBO;
    if (limbo != 0 || freed != remembered)
        return "a block belongs to no list";
    const char *what = place_freed(h, r);
    return what != NULL ? what : sort_maps(h);
}

static const char *place_large(struct prof_heap *h, const struct restore *r)
{
    size_t count = 0;
    for (size_t i = 0; i < r->large.count; i++) {
        prof_block_id id = r->large.items[i];
        if (!in_use(r, POOL_BLOCKS, id))
            return "a large block does not exist";
        const struct prof_block *b = block_of(h, id);
        if ((b->flags & (PROF_BLOCK_ALIVE | BLOCK_IN_LIMBO)) != PROF_BLOCK_ALIVE || b->kind == TRK_ALLOC_MMAP)
            return "a large block does not exist";
        space_add_large(h, id);
    }
    for (size_t i = 0; i < sizeof h->large_classes / sizeof h->large_classes[0][0]; i++)
        count += (&h->large_classes[0][0])[i];
    return h->no_memory || count == r->large.count ? NULL : "two large blocks are at one place";
}

/* ---- Objects ---- */

static const char *check_obj(const struct prof_heap *h, const struct restore *r, prof_obj_id id)
{
    const struct prof_obj *obj = obj_of(h, id);
    if (obj->state == PROF_OBJ_NONE || obj->state > PROF_OBJ_DEAD || obj->addr == 0 || obj->addr >= ADDR_CUSTOM ||
        obj->type >= h->type_max || obj->scope >= h->scopes.count || (obj->internal & OBJ_EXCUSED) != 0)
        return "an object is impossible";
    if (obj->context != 0 && (obj->context >= h->contexts.count || h->contexts.items[obj->context].pub.key == NULL))
        return "an object was born in no context";
    if (obj_alive(obj))
        return obj->block == 0 || in_use(r, POOL_BLOCKS, obj->block) ? NULL : "an object lies in no block";
    uint32_t place = obj->next_in_block;
    if (obj->block != 0 || place > GRAVES || (place != 0 && h->graves[place - 1].obj != id))
        return "a dead object lies nowhere";
    return NULL;
}

/* Walks the objects of each block. Those of a block in limbo are at no address. */
static const char *link_block_objects(struct prof_heap *h, const struct restore *r, id_set *seen)
{
    for (uint32_t id = 1; id < h->blocks.max; id++) {
        const struct prof_block *b = block_of(h, id);
        if ((b->flags & PROF_BLOCK_ALIVE) == 0)
            continue;
        prof_obj_id before = 0;
        for (prof_obj_id at = b->first_obj; at != 0; at = obj_of(h, at)->next_in_block) {
            if (!in_use(r, POOL_OBJS, at) || !obj_alive(obj_of(h, at)) || obj_of(h, at)->block != id ||
                !id_add(seen, at))
                return "the objects of a block are not a list";
            obj_of(h, at)->prev_in_block = before;
            before = at;
        }
    }
    return NULL;
}

static const char *name_obj(struct prof_heap *h, prof_obj_id id)
{
    struct addr_entry *entry = addr_make(&h->addrs, obj_of(h, id)->addr);
    h->no_memory |= entry == NULL;
    if (entry == NULL)
        return NULL;
    if (entry->obj != 0)
        return "two objects are at one address";
    entry->obj = id;
    return NULL;
}

static const char *place_graves(struct prof_heap *h, const struct restore *r)
{
    for (uint32_t i = 0; i < GRAVES; i++) {
        struct grave *g = &h->graves[i];
        if (g->obj == 0)
            continue;
        if (!in_use(r, POOL_OBJS, g->obj) || obj_of(h, g->obj)->state != PROF_OBJ_DEAD ||
            obj_of(h, g->obj)->next_in_block != i + 1)
            return "a grave is not that of its object";
        g->addr = obj_of(h, g->obj)->addr;
        const char *what = r->found[i] ? name_obj(h, g->obj) : NULL;
        if (what != NULL)
            return what;
    }
    return NULL;
}

static const char *place_objects(struct prof_heap *h, const struct restore *r, id_set *seen)
{
    const char *what = NULL;
    for (uint32_t id = 1; id < h->objs.max && what == NULL; id++)
        if (id_in(&r->pools[POOL_OBJS].used, id))
            what = check_obj(h, r, id);
    if (what == NULL)
        what = link_block_objects(h, r, seen);
    for (uint32_t id = 1; id < h->objs.max && what == NULL && !h->no_memory; id++) {
        const struct prof_obj *obj = obj_of(h, id);
        if (!obj_alive(obj))
            continue;
        if (obj->block != 0 && !id_in(seen, id))
            what = "an object is not in the list of its block";
        else if (obj->block == 0 && (obj->next_in_block != 0))
            what = "an object in no block is in the list of one";
        else if (obj->block == 0 || (block_of(h, obj->block)->flags & BLOCK_IN_LIMBO) == 0)
            what = name_obj(h, id);
    }
    return what != NULL ? what : place_graves(h, r);
}

/* ---- References ---- */

static const char *link_references(struct prof_heap *h, const struct restore *r, id_set *opens, id_set *sites)
{
    size_t open_count = 0, site_count = 0, spoiled = 0;
    for (uint32_t id = 1; id < h->objs.max; id++) {
        const struct prof_obj *obj = obj_of(h, id);
        if (obj->state == PROF_OBJ_NONE)
            continue;
        uint32_t before = 0;
        for (uint32_t at = obj->first_open; at != 0; at = open_of(h, at)->next, open_count++) {
            if (!in_use(r, POOL_OPENS, at) || open_of(h, at)->obj != id || !id_add(opens, at))
                return "the references of an object are not a list";
            struct prof_open *open = open_of(h, at);
            if (open->kind < PROF_OPEN_SLOT || open->kind > PROF_OPEN_BIRTH || open->index > OPEN_LIMBO ||
                (open->flags & ~(PROF_OPEN_OVERWRITTEN | PROF_OPEN_HOLDER_FREED | PROF_OPEN_WAS_BIRTH |
                                 PROF_OPEN_NO_SOURCE | PROF_OPEN_DOUBTED | PROF_OPEN_CHOSEN)) != 0)
                return "a reference is impossible";
            spoiled += (open->flags & (PROF_OPEN_OVERWRITTEN | PROF_OPEN_HOLDER_FREED)) != 0;
            open->prev = before;
            before = at;
        }
        for (uint32_t at = obj->first_site; at != 0; at = site_of(h, at)->next, site_count++)
            if (!in_use(r, POOL_SITES, at) || !id_add(sites, at))
                return "the balance of an object is not a list";
    }
    if (open_count != h->opens.live || site_count != h->sites.live)
        return "a reference belongs to no object";
    return spoiled == r->spoils ? NULL : "a spoiled reference does not say by what";
}

static const char *link_weaks(struct prof_heap *h, const struct restore *r, id_set *seen)
{
    size_t count = 0, marked = 0;
    for (size_t i = 0; i < r->heads.count && !h->no_memory; i++) {
        struct row_weak_head head = r->heads.items[i];
        if (!in_use(r, POOL_OBJS, head.obj) || (obj_of(h, head.obj)->internal & OBJ_HAS_WEAK) == 0 || head.first == 0 ||
            !weak_restore(h, head.obj, head.first))
            return "weak pointers are of no object";
        for (uint32_t at = head.first; at != 0; at = weak_of(h, at)->next, count++) {
            if (!in_use(r, POOL_WEAKS, at) || !id_add(seen, at))
                return "the weak pointers of an object are not a list";
            if (weak_of(h, at)->block >= h->blocks.max && weak_of(h, at)->block != 0)
                return "a weak pointer lay in no block";
        }
    }
    for (uint32_t id = 1; id < h->objs.max; id++)
        marked += (obj_of(h, id)->internal & OBJ_HAS_WEAK) != 0;
    return h->no_memory || (count == h->weaks.live && marked == r->heads.count) ? NULL
                                                                                : "a weak pointer is of no object";
}

/* ---- The rest ---- */

static const char *check_contexts(struct prof_heap *h)
{
    size_t unused = 0, listed = 0;
    uint32_t *users = calloc(h->contexts.count + 1, sizeof *users);
    if (users == NULL) {
        h->no_memory = true;
        return NULL;
    }
    bool good = true;
    for (uint32_t id = 1; id < h->objs.max; id++)
        if (obj_of(h, id)->state != PROF_OBJ_NONE)
            users[obj_of(h, id)->context]++;
    struct thread *th, *next;
    HASH_ITER (hh, h->threads, th, next) {
        if (th->context == 0)
            continue;
        good = good && th->context < h->contexts.count && h->contexts.items[th->context].pub.key != NULL;
        if (good)
            users[th->context]++;
    }
    for (size_t i = 1; i < h->contexts.count && good; i++) {
        const struct context *c = &h->contexts.items[i];
        unused += c->pub.key == NULL;
        good = c->users == users[i] && (c->users == 0) == (c->pub.key == NULL) && c->next_free < h->contexts.count;
    }
    for (uint32_t at = h->context_free; at != 0 && good;) {
        good = at < h->contexts.count && h->contexts.items[at].pub.key == NULL && ++listed <= unused;
        at = good ? h->contexts.items[at].next_free : 0;
    }
    free(users);
    return good && listed == unused ? NULL : "contexts are not counted well";
}

static const char *check_rest(struct prof_heap *h, const struct restore *r)
{
    struct thread *th, *next_thread;
    HASH_ITER (hh, h->threads, th, next_thread) {
        for (size_t i = 0; i < th->scopes.count; i++)
            for (size_t k = 0; k < th->scopes.items[i].births.count; k++) {
                const struct scope_birth *birth = &th->scopes.items[i].births.items[k];
                if (birth->obj == 0 || birth->obj >= h->objs.max)
                    return "an object that does not exist was born in a scope";
            }
    }
    struct finalizer *f, *next;
    HASH_ITER (hh, h->finalizers, f, next)
        if (f->obj == 0 || f->obj >= h->objs.max)
            return "a destructor runs for no object";
    for (size_t i = 0; i < h->incidents.count; i++)
        if (h->incidents.items[i].obj != 0 && !in_use(r, POOL_OBJS, h->incidents.items[i].obj))
            return "an incident is about no object";
    if (h->grave_at >= GRAVES || h->freed_at >= FREED || h->late_at >= LATE_LIVES || h->late_count > LATE_LIVES)
        return "a list is longer than it can be";
    if (h->options.keep_type_sites && r->life_at < r->lives.count)
        return "a life has no events";
    return h->mem.count == h->mem_live.count ? NULL : "samples of memory are not complete";
}

const char *rebuild(struct prof_heap *h, struct restore *r)
{
    id_set seen[4] = { 0 };
    const char *what = link_pools(h, r);
    if (what == NULL && !h->no_memory &&
        (!id_set_cover(&seen[0], h->objs.max) || !id_set_cover(&seen[1], h->opens.max) ||
         !id_set_cover(&seen[2], h->sites.max) || !id_set_cover(&seen[3], h->weaks.max) ||
         !addr_reserve(&h->addrs, (uint64_t)h->blocks.live + h->objs.live)))
        h->no_memory = true;
    if (what == NULL && !h->no_memory)
        what = check_rest(h, r);
    if (what == NULL && !h->no_memory)
        what = place_blocks(h, r);
    if (what == NULL && !h->no_memory)
        what = place_large(h, r);
    if (what == NULL && !h->no_memory)
        what = place_objects(h, r, &seen[0]);
    if (what == NULL && !h->no_memory)
        what = link_references(h, r, &seen[1], &seen[2]);
    if (what == NULL && !h->no_memory)
        what = opens_relink(h);
    if (what == NULL && !h->no_memory)
        what = link_weaks(h, r, &seen[3]);
    if (what == NULL && !h->no_memory)
        what = check_contexts(h);
    if (what == NULL && !h->no_memory)
        what = remember_checkpoints(h, r);
    for (size_t i = 0; i < 4; i++)
        prof_vec_deinit(&seen[i]);
    for (uint32_t id = 0; id < h->type_max; id++)
        h->types[id].restored_serial = h->types[id].next_serial;
    moments_tell(h);
    return what;
}
