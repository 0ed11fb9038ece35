/* closure: a connection owns its timer, the timer its callback, and the callback's user data is the connection.
 *
 * The closure is no object, only a block with a function and a pointer; it belongs to the timer, and the cycle shows
 * through it. Data that a callback gets back must not be owned by it, when its owner owns the caller. */
#include "counted.h"

struct closure {
    void (*call)(void *user_data);
    void *user_data;
};
struct timer {
    struct counted base;
    struct closure *closure;
};
struct conn {
    struct counted base;
    struct timer *timeout;
    char buffer[256];
};
static TRK_TYPE_COUNTED(timer_type, struct timer, base.refs);
static TRK_TYPE_COUNTED(conn_type, struct conn, base.refs);

static void timer_destroy(void *object)
{
    struct timer *timer = object;
    counted_unref(timer->closure->user_data, &timer->closure->user_data);
    free(timer->closure);
}

static void conn_destroy(void *object)
{
    struct conn *conn = object;
    counted_unref(conn->timeout, &conn->timeout);
}

static void on_timeout(void *user_data)
{
    ((struct conn *)user_data)->buffer[0] = '\0';
}

static struct timer *timer_new(void (*call)(void *), void *user_data)
{
    struct timer *timer = counted_new(sizeof *timer, &timer_type, timer_destroy);
    struct closure *closure = TRK_NEW(struct closure);
    closure->call = call;
    TRK_OWN(closure->user_data, counted_ref(user_data));
    timer->closure = closure;
    return timer;
}

int main(void)
{
    struct conn *conn;
    TRK_OWN(conn, counted_new(sizeof *conn, &conn_type, conn_destroy));
    TRK_OWN(conn->timeout, timer_new(on_timeout, conn));
    conn->timeout->closure->call(conn);
    counted_unref(conn, &conn);
    return 0;
}
