/* event.c: a call of a watched function becomes an event. See watch.h.
 *
 * Compiled without vector registers. The first handlers take the shortest paths of record.h and direct.h; what these
 * leave to others is done by the second, with all registers saved. A call is counted where it was dealt with, once. */
#include "watch.h"

#include "../src/addr.h"
#include "../src/direct.h"
#include "../src/filter.h"
#include "../src/verb.h"

enum { LEAST_ADDRESS = 4096 }; /* below lies nothing */

static const struct {
    uint8_t op, depth, aux;
} roles[TRK_HOOK_ROLES] = {
    [TRK_HOOK_NEW] = { TRK_OP_NEW, TRK_DEPTH_BIRTH, 0 },
    [TRK_HOOK_REF] = { TRK_OP_REF, TRK_DEPTH_REF, TRK_COUNT_UNKNOWN },
    [TRK_HOOK_UNREF] = { TRK_OP_UNREF, TRK_DEPTH_REF, TRK_COUNT_UNKNOWN },
    [TRK_HOOK_FREE] = { TRK_OP_DEL, TRK_DEPTH_REF, 0 },
    [TRK_HOOK_SINK] = { TRK_OP_SINK, TRK_DEPTH_REF, 0 },
    [TRK_HOOK_WEAK_SET] = { TRK_OP_WEAK_SET, TRK_DEPTH_REF, 0 },
    [TRK_HOOK_WEAK_CLEAR] = { TRK_OP_WEAK_CLEAR, TRK_DEPTH_REF, 0 },
};

/* result: NULL before there is one. */
static uint64_t value_at(const struct trk_call *call, unsigned where, const uint64_t *result)
{
    if (where < TRK_HOOK_RESULT)
        return trk_call_argument(call, where);
    return result == NULL ? 0 : result[where - TRK_HOOK_RESULT];
}

/* The object that a call is about; 0: none, or the call does not count. */
static uint64_t object_of(const struct trk_watch *w, const struct trk_call *call, const uint64_t *result)
{
    if (w->test != 0 && (value_at(call, w->test, result) & w->test_mask) != w->test_value)
        return 0;
    uint64_t object = value_at(call, w->object, result);
    if (w->flags & TRK_HOOK_DEREF) /* the function itself reads it, or did */
        object = object < LEAST_ADDRESS ? 0 : *(const uint64_t *)object;
    return object;
}

static uint64_t slot_of(const struct trk_watch *w, const struct trk_call *call)
{
    return w->slot == 0 ? 0 : trk_call_argument(call, w->slot);
}

static struct trk_frame frame_of(const struct trk_call *call)
{
    return (struct trk_frame){ .pc = call->caller, .sp = (uintptr_t)call->stack, .fp = call->fp };
}

/* ---- A constructor that calls another one -----------------------------------------------------------------------
 *
 * Both return the same object; it is born once, in the inner one. Each thread remembers its last births, numbered; a
 * call knows the number that it began with. Addresses are kept inverted, so that nobody takes them for pointers. */

static uint64_t begin_new(const struct trk_call *call, const struct trk_hook *hook)
{
    (void)call;
    (void)hook;
    return trk_tls.births;
}

static bool born_inside(const struct trk_call *call, uint64_t object)
{
    uint64_t first = trk_call_kept(call), last = trk_tls.births;
    if (last - first > TRK_BIRTHS)
        first = last - TRK_BIRTHS;
    for (uint64_t i = first; i < last; i++)
        if (trk_tls.born[i % TRK_BIRTHS] == ~object)
            return true;
    return false;
}

static void note_birth(uint64_t object)
{
    trk_tls.born[trk_tls.births % TRK_BIRTHS] = ~object;
    trk_tls.births++;
}

/* ---- Calls ---------------------------------------------------------------------------------------------------------
 */

/* True: done. */
static bool fast(const struct trk_call *call, const struct trk_hook *hook, const uint64_t *result)
{
    const struct trk_watch *w = (const struct trk_watch *)hook;
    const struct trk_thread *st = trk_tls.self;
    uint64_t *calls = st != NULL ? __atomic_load_n(&st->calls, __ATOMIC_RELAXED) : NULL;
    uint64_t object = object_of(w, call, result), slot = trk_addr_slot((const void *)slot_of(w, call));
    if (calls == NULL || !trk_addr_slot_fits(slot))
        return false;
    const bool birth = w->role == TRK_HOOK_NEW;
    if (object != 0 && !(birth && born_inside(call, object))) {
        const struct trk_frame at = frame_of(call);
        uint64_t addr = trk_addr((const void *)object), arg = birth ? trk_known_type(w->type) : slot >> 3;
        if ((birth && arg == 0) || (!trk_fast(w->op, w->aux, addr, arg, w->depth, at.pc) &&
                                    !trk_direct(w->op, w->aux, addr, arg, w->depth, &at, 0)))
            return false;
        if (birth)
            note_birth(object);
    }
    trk_take(&calls[w->index], 1);
    return true;
}

/* Counts a call of a thread that has no place of its own for that. */
static void count_slowly(const struct trk_watch *w)
{
    struct trk_thread *st = trk_tls.self != NULL ? trk_tls.self : trk_thread_ready();
    const struct trk_arena *a = trk_arena();
    uint64_t *calls = st != NULL ? __atomic_load_n(&st->calls, __ATOMIC_RELAXED) : NULL;
    if (calls != NULL)
        trk_take(&calls[w->index], 1);
    else if (a->hooks != NULL)
        __atomic_fetch_add(&a->hooks->unringed[a->proc_index][w->index], 1, __ATOMIC_RELAXED);
}

static void slow(const struct trk_call *call, const struct trk_hook *hook, const uint64_t *result)
{
    const struct trk_watch *w = (const struct trk_watch *)hook;
    uint64_t object = object_of(w, call, result);
    struct trk_event ev = {
        .op = w->op, .aux = w->aux, .depth = w->depth, .addr = trk_addr((const void *)object), .at = frame_of(call)
    };
    const bool birth = w->role == TRK_HOOK_NEW;
    if (birth)
        ev.type = w->type;
    else
        trk_set_slot(&ev, (const void *)slot_of(w, call), TRK_EXT_HOLDER);
    if (object != 0 && !(birth ? born_inside(call, object) : trk_filter_on && trk_filter_skips(ev.op, 0, ev.addr))) {
        trk_emit(&ev);
        if (birth)
            note_birth(object);
    }
    count_slowly(w);
}

static bool enter(const struct trk_call *call, const struct trk_hook *hook)
{
    return trk_gate_v1 && !fast(call, hook, NULL);
}

static void enter_slow(const struct trk_call *call, const struct trk_hook *hook)
{
    slow(call, hook, NULL);
}

static bool leave(const struct trk_call *call, const struct trk_hook *hook, const uint64_t result[2])
{
    return trk_gate_v1 && !fast(call, hook, result);
}

static void leave_slow(const struct trk_call *call, const struct trk_hook *hook, const uint64_t result[2])
{
    slow(call, hook, result);
}

void trk_watch_init(struct trk_watch *w)
{
    bool late = w->role == TRK_HOOK_NEW || w->object >= TRK_HOOK_RESULT || w->test >= TRK_HOOK_RESULT;
    w->op = roles[w->role].op;
    w->depth = roles[w->role].depth;
    w->aux = roles[w->role].aux;
    w->hook.enter = late ? NULL : enter;
    w->hook.enter_slow = late ? NULL : enter_slow;
    w->hook.begin = w->role == TRK_HOOK_NEW ? begin_new : NULL;
    w->hook.leave = late ? leave : NULL;
    w->hook.leave_slow = late ? leave_slow : NULL;
}

bool trk_watch_anyway(const struct trk_call *call, const struct trk_hook *hook)
{
    (void)call;
    (void)hook;
    return trk_gate_v1;
}
