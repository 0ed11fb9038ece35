/* Compiled without vector registers: see handlers.h. */
#include "handlers.h"

static void note(const struct trk_call *call, const struct trk_hook *hook, const uint64_t *result)
{
    struct counting *c = (struct counting *)(uintptr_t)hook;
    __atomic_fetch_add(&c->calls, 1, __ATOMIC_RELAXED);
    c->first_argument = trk_call_argument(call, 1);
    c->caller = call->caller;
    c->sp = (uintptr_t)call->stack;
    if (result != NULL) {
        c->result[0] = result[0];
        c->result[1] = result[1];
    }
}

static bool enter(const struct trk_call *call, const struct trk_hook *hook)
{
    note(call, hook, NULL);
    return false;
}

static bool want_slow(const struct trk_call *call, const struct trk_hook *hook)
{
    (void)call;
    (void)hook;
    return true;
}

static void enter_slow(const struct trk_call *call, const struct trk_hook *hook)
{
    note(call, hook, NULL);
    counting_spoil();
}

static bool leave(const struct trk_call *call, const struct trk_hook *hook, const uint64_t result[2])
{
    note(call, hook, result);
    return false;
}

static bool leave_want_slow(const struct trk_call *call, const struct trk_hook *hook, const uint64_t result[2])
{
    (void)call;
    (void)hook;
    (void)result;
    return true;
}

static void leave_slow(const struct trk_call *call, const struct trk_hook *hook, const uint64_t result[2])
{
    note(call, hook, result);
    counting_spoil();
}

void counting_init(struct counting *counting, enum way way)
{
    counting->hook = (struct trk_hook){ .enter = way == WAY_ENTER        ? enter
                                                 : way == WAY_ENTER_SLOW ? want_slow
                                                                         : NULL,
                                        .enter_slow = enter_slow,
                                        .leave = way == WAY_LEAVE        ? leave
                                                 : way == WAY_LEAVE_SLOW ? leave_want_slow
                                                                         : NULL,
                                        .leave_slow = leave_slow,
                                        .stack_bytes = 2048 };
}
