/* timer.c: see server.h. What is due first comes first. */
#include "server.h"

static struct obj *first; /* a list; counted */

static void end(struct obj *obj)
{
    obj_unref(((struct timer *)obj)->session);
}

static const struct obj_class timer_class = { "timer", sizeof(struct timer), end };

struct timer *timer_start(struct session *session, unsigned long due)
{
    struct timer *timer = obj_new(&timer_class);
    struct obj **at = &first;
    timer->session = obj_ref(session);
    timer->due = due;
    while (*at != NULL && ((struct timer *)*at)->due <= due)
        at = &(*at)->next;
    timer->obj.next = *at;
    *at = obj_ref(timer);
    return timer;
}

void timer_stop(struct timer *timer)
{
    for (struct obj **at = &first; *at != NULL; at = &(*at)->next)
        if (*at == &timer->obj) {
            *at = timer->obj.next;
            timer->obj.next = NULL;
            obj_unref(timer);
            return;
        }
}

void timer_cancel(struct timer *timer)
{
    timer_stop(timer);
    obj_unref(timer->session);
    timer->session = NULL;
    obj_unref(timer);
}

struct timer *timer_next_due(unsigned long now)
{
    return first != NULL && ((struct timer *)first)->due <= now ? obj_ref(first) : NULL;
}
