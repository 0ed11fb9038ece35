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
    [TRK_HOOK_MOVE] = { TRK_OP_MOVE, TRK_DEPTH_REF, 0 },
    [TRK_HOOK_PARK] = { TRK_OP_PARK, TRK_DEPTH_REF, 0 },
    [TRK_HOOK_REUSE] = { TRK_OP_REUSE, TRK_DEPTH_BIRTH, 0 },
};

/* A call and what it is about. result: NULL before there is one. */
struct about {
    const struct trk_call *call;
    const uint64_t *result;
    uint64_t object;
};

static uint64_t base_of(const struct about *a, unsigned base)
{
    if (base == TRK_HOOK_NOWHERE)
        return 0;
    if (base < TRK_HOOK_RESULT)
        return trk_call_argument(a->call, base);
    if (base == TRK_HOOK_OBJECT)
        return a->object;
    return a->result == NULL ? 0 : a->result[base - TRK_HOOK_RESULT];
}

/* False: memory at the place cannot be read. */
static bool value_at(const struct about *a, const struct trk_hook_place *place, uint64_t *ret)
{
    uint64_t value = base_of(a, place->base);
    for (unsigned i = 0; i < place->reads; i++) {
        value += (uint64_t)(int64_t)place->add[i];
        if (value < LEAST_ADDRESS) /* the function itself reads it, or did */
            return false;
        unsigned width = i + 1 < place->reads || place->width == 0 ? 8 : place->width;
        uint64_t word = 0;
        __builtin_memcpy(&word, (const void *)value, width);
        value = word;
    }
    *ret = place->base == TRK_HOOK_NOWHERE ? 0 : value + (uint64_t)(int64_t)place->add[place->reads];
    return true;
}

static bool holds(const struct about *a, const struct trk_hook_test *test)
{
    uint64_t value;
    return test->place.base == TRK_HOOK_NOWHERE ||
           (value_at(a, &test->place, &value) && ((value & test->mask) == test->value) == (test->differs == 0));
}

/* The object that a call is about; 0: none, or the call does not count. */
static uint64_t object_of(const struct trk_watch *w, struct about *a)
{
    if (!value_at(a, &w->rule->object, &a->object))
        return 0;
    for (unsigned i = 0; i < TRK_HOOK_TESTS; i++)
        if (!holds(a, &w->rule->test[i]))
            return 0;
    return a->object;
}

static uint64_t slot_of(const struct trk_watch *w, const struct about *a)
{
    uint64_t slot;
    return value_at(a, &w->rule->slot, &slot) ? slot : 0;
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
    struct about a = { call, result, 0 };
    uint64_t object = object_of(w, &a), slot = trk_addr_slot((const void *)slot_of(w, &a));
    if (calls == NULL || !trk_addr_slot_fits(slot))
        return false;
    const bool birth = w->rule->role == TRK_HOOK_NEW;
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
    struct about a = { call, result, 0 };
    uint64_t object = object_of(w, &a);
    struct trk_event ev = {
        .op = w->op, .aux = w->aux, .depth = w->depth, .addr = trk_addr((const void *)object), .at = frame_of(call)
    };
    const bool birth = w->rule->role == TRK_HOOK_NEW;
    if (birth)
        ev.type = w->type;
    else
        trk_set_slot(&ev, (const void *)slot_of(w, &a), TRK_EXT_HOLDER);
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

static bool of_result(const struct trk_hook_place *place)
{
    return place->base == TRK_HOOK_RESULT || place->base == TRK_HOOK_RESULT_HIGH;
}

static bool place_fits(const struct trk_hook_place *place, unsigned least, unsigned most)
{
    return place->base >= least && place->base <= most && place->reads <= TRK_HOOK_READS && place->width <= 8 &&
           (place->width & (place->width - 1u)) == 0;
}

bool trk_watch_fits(const struct trk_hook_rule *r)
{
    return r->role > 0 && r->role < TRK_HOOK_ROLES && place_fits(&r->object, 1, TRK_HOOK_RESULT_HIGH) &&
           place_fits(&r->slot, 0, TRK_HOOK_OBJECT) && place_fits(&r->from, 0, TRK_HOOK_OBJECT) &&
           place_fits(&r->name, 0, TRK_HOOK_OBJECT) && place_fits(&r->test[0].place, 0, TRK_HOOK_OBJECT) &&
           place_fits(&r->test[1].place, 0, TRK_HOOK_OBJECT);
}

void trk_watch_init(struct trk_watch *w)
{
    const struct trk_hook_rule *r = w->rule;
    bool late = r->role == TRK_HOOK_NEW || r->flags & TRK_HOOK_LATE || of_result(&r->object) || of_result(&r->slot) ||
                of_result(&r->test[0].place) || of_result(&r->test[1].place);
    w->op = roles[r->role].op;
    w->depth = roles[r->role].depth;
    w->aux = roles[r->role].aux;
    w->hook.enter = late ? NULL : enter;
    w->hook.enter_slow = late ? NULL : enter_slow;
    w->hook.begin = w->rule->role == TRK_HOOK_NEW ? begin_new : NULL;
    w->hook.leave = late ? leave : NULL;
    w->hook.leave_slow = late ? leave_slow : NULL;
}

bool trk_watch_anyway(const struct trk_call *call, const struct trk_hook *hook)
{
    (void)call;
    (void)hook;
    return trk_gate_v1;
}
