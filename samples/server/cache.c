/* cache.c: replies that are ready made, until they are too many. */
#include "server.h"

enum { PAGES = 4096 };
static TRK_TYPE_COUNTED(reply_type, struct reply, base.refs);
static struct {
    struct reply *replies[PAGES];
    int oldest, end; /* replies[oldest % PAGES] up to replies[(end - 1) % PAGES] */
    int limit, every;
    struct timer *expiry;
} g_cache;

static void reply_end(void *object)
{
    (void)object;
}

static void expire(struct timer *timer)
{
    (void)timer;
    while (g_cache.end - g_cache.oldest > g_cache.limit)
        drop(&g_cache.replies[g_cache.oldest++ % PAGES]);
    g_cache.expiry = timer_start(g_cache.every, expire, NULL);
}

void cache_configure(const struct config *config)
{
    if (g_cache.expiry != NULL)
        timer_stop(g_cache.expiry);
    g_cache.limit = config->limit;
    if (g_cache.every == config->expire_every)
        return; /* the mistake: the timer is stopped already, and nobody starts it again */
    g_cache.every = config->expire_every;
    g_cache.expiry = timer_start(g_cache.every, expire, NULL);
}

static void make_room(void)
{
    if (g_cache.end - g_cache.oldest == PAGES)
        drop(&g_cache.replies[g_cache.oldest++ % PAGES]);
}

void cache_get(struct reply **variable, int page)
{
    for (int i = g_cache.end; i-- > g_cache.oldest;)
        if (g_cache.replies[i % PAGES]->page == page) {
            hold(variable, g_cache.replies[i % PAGES]);
            return;
        }
    make_room();
    struct reply **place = &g_cache.replies[g_cache.end++ % PAGES];
    object_new(place, sizeof **place, &reply_type, reply_end);
    (*place)->page = page;
    hold(variable, *place);
}
