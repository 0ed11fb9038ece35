/* pool.h: records of one size with dense 32-bit ids and a free list. Index 0 is never given out. The memory of ids
 * never used is never touched; growing does not copy on systems that remap. Private to this folder. */
#ifndef MODEL_POOL_H
#define MODEL_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <base/large.h>

struct pool {
    void *items;
    uint32_t max; /* ids below it were given out at some time */
    uint32_t room;
    uint32_t free; /* first free id, linked through the first 4 bytes of the record; 0 none */
    uint32_t live;
};

/* Room for ids below `max`, whose records nobody has touched yet. false: no memory. */
static inline bool pool_cover(struct pool *pool, uint32_t max, size_t size)
{
    uint32_t room = pool->room == 0 ? 1024 : pool->room;
    while (room < max && room < UINT32_MAX / 2)
        room *= 2;
    if (max > room)
        return false;
    if (room > pool->room) {
        void *items = realloc(pool->items, (size_t)room * size);
        if (items == NULL)
            return false;
        prof_large_advise(items, (size_t)room * size);
        pool->items = items;
        pool->room = room;
    }
    return true;
}

/* A zeroed record; 0 without memory or ids. */
static inline uint32_t pool_get(struct pool *pool, size_t size)
{
    if (pool->free != 0) {
        uint32_t id = pool->free;
        char *item = (char *)pool->items + (size_t)id * size;
        memcpy(&pool->free, item, sizeof pool->free);
        memset(item, 0, size);
        pool->live++;
        return id;
    }
    if (pool->max >= pool->room && !pool_cover(pool, pool->max + 1, size))
        return 0;
    if (pool->max == 0) {
        memset(pool->items, 0, size);
        pool->max = 1;
    }
    uint32_t id = pool->max++;
    memset((char *)pool->items + (size_t)id * size, 0, size);
    pool->live++;
    return id;
}

/* Zeroes all but the link, so that readers see an unused record (the link overlays an address or slot). */
static inline void pool_put(struct pool *pool, uint32_t id, size_t size)
{
    char *item = (char *)pool->items + (size_t)id * size;
    memset(item, 0, size);
    memcpy(item, &pool->free, sizeof pool->free);
    pool->free = id;
    pool->live--;
}

#endif
