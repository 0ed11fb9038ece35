/* chunk.c: pools of chunks: which pool a custom block is a chunk of, and the end of all chunks of a pool at once. Only
 * chunks cost memory here; other blocks do not know of it. */
#include "state.h"

struct chunk {
    UT_hash_handle hh;
    uint64_t addr;
    struct chunk_pool *pool;
    struct chunk *prev, *next; /* in the pool */
};
struct chunk_pool {
    UT_hash_handle hh;
    uint64_t addr;
    struct chunk *first;
};

static struct chunk_pool *pool_find(const struct prof_heap *h, uint64_t addr)
{
    struct chunk_pool *pool = NULL;
    HASH_FIND(hh, h->chunk_pools, &addr, sizeof addr, pool);
    return pool;
}

static struct chunk_pool *pool_make(struct prof_heap *h, uint64_t addr)
{
    struct chunk_pool *pool = pool_find(h, addr);
    if (pool != NULL)
        return pool;
    pool = calloc(1, sizeof *pool);
    if (pool != NULL) {
        pool->addr = addr;
        HASH_ADD(hh, h->chunk_pools, addr, sizeof pool->addr, pool);
    }
    if (pool == NULL || pool->hh.tbl == NULL) {
        free(pool);
        h->no_memory = true;
        return NULL;
    }
    return pool;
}

static void drop(struct prof_heap *h, struct chunk *c)
{
    struct chunk_pool *pool = c->pool;
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        pool->first = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    HASH_DELETE(hh, h->chunks, c);
    free(c);
    if (pool->first == NULL) {
        HASH_DELETE(hh, h->chunk_pools, pool);
        free(pool);
    }
}

static struct chunk *chunk_find(const struct prof_heap *h, uint64_t addr)
{
    struct chunk *c = NULL;
    HASH_FIND(hh, h->chunks, &addr, sizeof addr, c);
    return c;
}

void chunk_gone(struct prof_heap *h, uint64_t addr)
{
    struct chunk *c = chunk_find(h, addr);
    if (c != NULL)
        drop(h, c);
}

bool chunk_may_hold_blocks(const struct prof_heap *h, uint64_t addr)
{
    return h->chunks != NULL && h->custom_blocks > HASH_COUNT(h->chunks) && chunk_find(h, addr) != NULL;
}

bool chunk_born(struct prof_heap *h, uint64_t addr, uint64_t pool_addr)
{
    if (chunk_find(h, addr) != NULL)
        return false;
    struct chunk_pool *pool = pool_make(h, pool_addr);
    if (pool == NULL)
        return true;
    struct chunk *c = calloc(1, sizeof *c);
    if (c != NULL) {
        c->addr = addr;
        HASH_ADD(hh, h->chunks, addr, sizeof c->addr, c);
    }
    if (c == NULL || c->hh.tbl == NULL) {
        free(c);
        h->no_memory = true;
        if (pool->first == NULL) {
            HASH_DELETE(hh, h->chunk_pools, pool);
            free(pool);
        }
        return true;
    }
    c->pool = pool;
    c->next = pool->first;
    if (c->next != NULL)
        c->next->prev = c;
    pool->first = c;
    return true;
}

void chunk_pool_event(struct prof_heap *h, const struct prof_event *e)
{
    struct chunk_pool *pool = e->aux == 0 ? pool_find(h, e->addr) : NULL;
    while (pool != NULL) {
        struct prof_event end = *e;
        end.op = TRK_OP_FREE;
        end.aux = TRK_ALLOC_CUSTOM;
        end.addr = pool->first->addr;
        block_free(h, &end); /* which leads to chunk_gone, unless a damaged state told of a chunk that is no block */
        chunk_gone(h, end.addr);
        pool = pool_find(h, e->addr);
    }
}

void chunk_each(const struct prof_heap *h, void (*each)(void *ctx, uint64_t addr, uint64_t pool), void *ctx)
{
    for (const struct chunk *c = h->chunks; c != NULL; c = c->hh.next)
        each(ctx, c->addr, c->pool->addr);
}

void chunks_deinit(struct prof_heap *h)
{
    while (h->chunks != NULL)
        drop(h, h->chunks);
}
