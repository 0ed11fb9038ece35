/* timer.c: what is to be done later. */
#include "server.h"

static struct timer *g_timers; /* by time */
static long g_now;

struct timer *timer_start(long after, void (*fire)(struct timer *timer), struct session *session)
{
    struct timer **place = &g_timers, *timer = TRK_NEW0(struct timer);
    if (timer == NULL)
        abort();
    timer->due = g_now + after;
    timer->fire = fire;
    if (session != NULL)
        hold(&timer->session, session);
    while (*place != NULL && (*place)->due <= timer->due)
        place = &(*place)->next;
    timer->next = *place;
    *place = timer;
    return timer;
}

static void timer_end(struct timer *timer)
{
    drop(&timer->session);
    free(timer);
}

void timer_stop(struct timer *timer)
{
    struct timer **place = &g_timers;
    while (*place != timer)
        place = &(*place)->next;
    *place = timer->next;
    timer_end(timer);
}

void timers_run(long now)
{
    g_now = now;
    while (g_timers != NULL && g_timers->due <= now) {
        struct timer *timer = g_timers;
        g_timers = timer->next;
        timer->fire(timer);
        timer_end(timer);
    }
}
