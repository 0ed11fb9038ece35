/* event.c: a call of a watched function becomes an event. See watch.h.
 *
 * Compiled without vector registers. The first handlers take the shortest paths of record.h and direct.h; what these
 * leave to others is done by the second, with all registers saved. A call is counted where it was dealt with, once. */
#include "watch.h"

#include "../src/addr.h"
#include "../src/direct.h"
#include "../src/filter.h"
#include "../src/verb.h"

#define ADDRESSES ((uint64_t)1 << 57) /* of programs */

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
    [TRK_HOOK_STAYS] = { TRK_OP_MAY_LEAK, TRK_DEPTH_NONE, 0 },
};

/* ---- What a call is about ------------------------------------------------------------------------------------------
 */

static bool holds(const struct trk_about *a, const struct trk_hook_test *test)
{
    uint64_t value;
    return test->place.base == TRK_HOOK_NOWHERE ||
           (trk_place_value(a, &test->place, &value) && ((value & test->mask) == test->value) == (test->differs == 0));
}

/* Neither NULL nor a little beside it. */
static bool is_address(uint64_t value)
{
    return value - TRK_LEAST_ADDRESS < ADDRESSES - TRK_LEAST_ADDRESS;
}

/* The count of such an object never changes. */
static bool is_immortal(const struct trk_hook_rule *r, uint64_t object)
{
    uint64_t word;
    return r->immortal_mask != 0 && r->count_width != 0 &&
           trk_place_word(object - r->object_before + r->count_offset, r->count_width, &word) &&
           (word & r->immortal_mask) == r->immortal_value;
}

/* Finds out what the call says by this rule. False: nothing. */
static bool speaks(const struct trk_watch *w, struct trk_about *a)
{
    const struct trk_hook_rule *r = w->rule;
    if (TRK_LIKELY(w->plain)) {
        a->object = (r->object.base < TRK_HOOK_RESULT ? trk_call_argument(a->call, r->object.base)
                                                      : a->result[r->object.base - TRK_HOOK_RESULT]);
        a->object += (uint64_t)(int64_t)r->object.add[0];
        return is_address(a->object);
    }
    if (!trk_place_value(a, &r->object, &a->object) || !is_address(a->object))
        return false;
    for (unsigned i = 0; i < TRK_HOOK_TESTS; i++)
        if (!holds(a, &r->test[i]))
            return false;
    return !is_immortal(r, a->object);
}

/* A slot or holder; NULL: nobody's. */
static const void *owner_at(const struct trk_about *a, const struct trk_hook_place *place, bool holder)
{
    uint64_t value;
    if (place->base == TRK_HOOK_NOWHERE || !trk_place_value(a, place, &value) || !is_address(value))
        return NULL;
    return (const void *)(holder ? value | TRK_ADDR_TOKEN : value);
}

static const void *slot_of(const struct trk_watch *w, const struct trk_about *a)
{
    return owner_at(a, &w->rule->slot, (w->rule->flags & TRK_HOOK_SLOT_IS_HOLDER) != 0);
}

static const void *from_of(const struct trk_watch *w, const struct trk_about *a)
{
    return owner_at(a, &w->rule->from, (w->rule->flags & TRK_HOOK_FROM_IS_HOLDER) != 0);
}

static struct trk_frame frame_of(const struct trk_call *call)
{
    return (struct trk_frame){ .pc = call->caller, .sp = (uintptr_t)call->stack, .fp = call->fp };
}

/* ---- A constructor that calls another one -----------------------------------------------------------------------
 *
 * Both return the same object; it is born once, in the inner one. Each thread remembers its last births, numbered; a
 * call knows the number that it began with. Addresses are kept inverted, so that nobody takes them for pointers. */

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

/* A birth that an inner call has told already. One that speaks before the call knows of no inner one. */
static bool told_inside(const struct trk_watch *w, const struct trk_about *a)
{
    return w->depth == TRK_DEPTH_BIRTH && w->late && born_inside(a->call, a->object);
}

/* ---- Calls ---------------------------------------------------------------------------------------------------------
 */

/* True: the event is written, by the shortest paths. */
static bool tell_fast(const struct trk_watch *w, const struct trk_about *a)
{
    const struct trk_frame at = frame_of(a->call);
    const uint64_t addr = trk_addr((const void *)a->object);
    uint64_t arg = 0;
    if (w->op == TRK_OP_NEW) {
        arg = trk_known_type(trk_name_known(w, a));
        if (arg == 0)
            return false;
    } else if (w->rule->slot.base != TRK_HOOK_NOWHERE) {
        uint64_t slot = trk_addr_slot(slot_of(w, a));
        if (!trk_addr_slot_fits(slot))
            return false;
        arg = slot >> 3;
    }
    if (w->op == TRK_OP_MOVE && from_of(w, a) != NULL)
        return false;
    if (!trk_fast(w->op, w->aux, addr, arg, w->depth, at.pc) && !trk_direct(w->op, w->aux, addr, arg, w->depth, &at, 0))
        return false;
    if (w->depth == TRK_DEPTH_BIRTH)
        trk_watch_born(a->object);
    return true;
}

static void tell(const struct trk_watch *w, const struct trk_about *a)
{
    struct trk_event ev = { .op = w->op,
                            .aux = w->aux,
                            .depth = w->depth,
                            .addr = trk_addr((const void *)a->object),
                            .at = frame_of(a->call) };
    if (w->op == TRK_OP_NEW)
        ev.type = trk_name_ask(w, a);
    else
        trk_set_slot(&ev, slot_of(w, a), w->op == TRK_OP_MOVE ? TRK_EXT_TO_HOLDER : TRK_EXT_HOLDER);
    if (w->op == TRK_OP_MOVE && from_of(w, a) != NULL)
        trk_add_ext(&ev, TRK_EXT_FROM, trk_addr_whole(from_of(w, a)));
    const bool birth = w->depth == TRK_DEPTH_BIRTH;
    if (birth || !trk_filter_on || !trk_filter_skips(ev.op, 0, ev.addr))
        trk_emit(&ev);
    if (birth)
        trk_watch_born(a->object);
}

/* Where a thread counts; NULL: it has no place for that yet. */
static uint64_t *calls_of(const struct trk_thread *st)
{
    return st != NULL ? __atomic_load_n(&st->calls, __ATOMIC_RELAXED) : NULL;
}

/* The call begins (result NULL), or has returned. True: done. A call is counted when it begins. */
static bool fast(const struct trk_call *call, const struct trk_hook *hook, const uint64_t *result)
{
    const struct trk_watch *first = (const struct trk_watch *)hook, *one = NULL;
    uint64_t *calls = calls_of(trk_tls.self);
    struct trk_about about = { .call = call }, a = { call, result, 0 };
    if (calls == NULL)
        return false;
    for (const struct trk_watch *w = first; w != NULL; w = w->next) {
        if (w->late != (result != NULL) || !speaks(w, &a) || told_inside(w, &a))
            continue;
        if (one != NULL) /* or the second handler would not know where this one stopped */
            return false;
        one = w;
        about = a;
    }
    if (one != NULL && !tell_fast(one, &about))
        return false;
    if (result == NULL)
        trk_take(&calls[first->index], 1);
    return true;
}

/* Counts a call of a thread that has no place of its own for that. */
static void count_slowly(const struct trk_watch *w)
{
    uint64_t *calls = calls_of(trk_tls.self);
    if (calls == NULL) /* a new thread, or a child that fork made */
        calls = calls_of(trk_thread_ready());
    const struct trk_arena *a = trk_arena();
    if (calls != NULL)
        trk_take(&calls[w->index], 1);
    else if (a->hooks != NULL)
        __atomic_fetch_add(&a->hooks->unringed[a->proc_index][w->index], 1, __ATOMIC_RELAXED);
}

static void slow(const struct trk_call *call, const struct trk_hook *hook, const uint64_t *result)
{
    const struct trk_watch *first = (const struct trk_watch *)hook;
    for (const struct trk_watch *w = first; w != NULL; w = w->next) {
        struct trk_about a = { call, result, 0 };
        if (w->late == (result != NULL) && speaks(w, &a) && !told_inside(w, &a))
            tell(w, &a);
    }
    if (result == NULL)
        count_slowly(first);
}

static bool enter(const struct trk_call *call, const struct trk_hook *hook)
{
    return trk_gate_v1 && !fast(call, hook, NULL);
}

static void enter_slow(const struct trk_call *call, const struct trk_hook *hook)
{
    slow(call, hook, NULL);
}

static struct trk_begun begin(const struct trk_call *call, const struct trk_hook *hook)
{
    return (struct trk_begun){ .kept = trk_tls.births, .slow = enter(call, hook) };
}

static bool leave(const struct trk_call *call, const struct trk_hook *hook, const uint64_t result[2])
{
    return trk_gate_v1 && !fast(call, hook, result);
}

static void leave_slow(const struct trk_call *call, const struct trk_hook *hook, const uint64_t result[2])
{
    slow(call, hook, result);
}

/* ---- Watches -------------------------------------------------------------------------------------------------------
 */

static bool is_late(const struct trk_hook_rule *r)
{
    return r->role == TRK_HOOK_NEW || (r->flags & TRK_HOOK_LATE) != 0 || trk_place_is_late(&r->object) ||
           trk_place_is_late(&r->slot) || trk_place_is_late(&r->from) || trk_place_is_late(&r->test[0].place) ||
           trk_place_is_late(&r->test[1].place);
}

bool trk_watch_fits(const struct trk_hook_rule *r)
{
    if (r->role == TRK_HOOK_CALL)
        return true;
    return r->role > 0 && r->role < TRK_HOOK_WRAPPER && trk_place_fits(&r->object, 1, TRK_HOOK_RESULT_HIGH) &&
           trk_place_fits(&r->slot, 0, TRK_HOOK_OBJECT) && trk_place_fits(&r->from, 0, TRK_HOOK_OBJECT) &&
           trk_place_fits(&r->name, 0, TRK_HOOK_OBJECT) && trk_place_fits(&r->test[0].place, 0, TRK_HOOK_OBJECT) &&
           trk_place_fits(&r->test[1].place, 0, TRK_HOOK_OBJECT) && r->count_width <= 8 &&
           (r->count_width & (r->count_width - 1u)) == 0;
}

static uint8_t aux_of(const struct trk_hook_rule *r)
{
    unsigned flag = r->role == TRK_HOOK_NEW                                 ? TRK_HOOK_FLOATING
                    : r->role == TRK_HOOK_PARK || r->role == TRK_HOOK_REUSE ? TRK_HOOK_KEPT
                                                                            : 0;
    return r->flags & flag ? 1 : roles[r->role].aux;
}

static uint8_t op_of(const struct trk_hook_rule *r)
{
    if ((r->flags & TRK_HOOK_BORROWED) != 0 && r->role == TRK_HOOK_WEAK_SET)
        return TRK_OP_BORROW;
    if ((r->flags & TRK_HOOK_BORROWED) != 0 && r->role == TRK_HOOK_WEAK_CLEAR)
        return TRK_OP_RETURN;
    return roles[r->role].op;
}

void trk_watch_init(struct trk_watch *first)
{
    bool late = false;
    for (struct trk_watch *w = first; w != NULL; w = w->next) {
        const struct trk_hook_rule *r = w->rule;
        w->op = op_of(r);
        w->depth = roles[r->role].depth;
        w->aux = aux_of(r);
        w->late = is_late(r);
        w->plain = r->object.reads == 0 && r->test[0].place.base == TRK_HOOK_NOWHERE &&
                   r->test[1].place.base == TRK_HOOK_NOWHERE && r->immortal_mask == 0;
        late |= w->late;
    }
    first->hook.enter = late ? NULL : enter;
    first->hook.enter_slow = enter_slow;
    first->hook.begin = late ? begin : NULL;
    first->hook.leave = late ? leave : NULL;
    first->hook.leave_slow = late ? leave_slow : NULL;
    trk_watch_quick(first);
}

bool trk_watch_anyway(const struct trk_call *call, const struct trk_hook *hook)
{
    (void)call;
    (void)hook;
    return trk_gate_v1;
}
