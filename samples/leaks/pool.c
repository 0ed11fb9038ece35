/* pool: chunks of a pool are blocks of their own, once the pool tells.
 *
 * The pool cuts its chunks from one large block that stays reachable; without the calls a lost chunk would never be
 * seen. */
#include <stdlib.h>
#include <track/track.h>

static struct pool {
    char *memory;
    size_t used;
} pool;
static void *kept; /* a chunk that is in use */

static void *pool_get(size_t size)
{
    void *chunk = pool.memory + pool.used;
    pool.used += size;
    trk_pool_alloc(&pool, chunk, size);
    return chunk;
}

static void handle(int request)
{
    char *volatile chunk = pool_get(64);
    if (request == 0)
        kept = chunk;
    else if (request != 2)
        trk_pool_free(&pool, chunk); /* forgotten for the third request */
}

int main(void)
{
    pool.memory = malloc(4096);
    if (pool.memory == NULL)
        return 1;
    trk_pool_create(&pool);
    for (int request = 0; request < 4; request++)
        handle(request);
    return kept == NULL;
}
