/* quick.c: which calls are recorded without a handler, what their routines in stub_x86_64.S take for granted, and which
 * routine a stub leads to. See hook.h. */
#include "watch.h"

#include "../src/addr.h"
#include "../src/direct.h"
#include "../src/verb.h"

#include "stub.h"

#define SAME(struct, member, offset) _Static_assert(offsetof(struct, member) == (offset), "as in stub.h")
SAME(struct trk_hook, code, TRK_HOOK_CODE);
SAME(struct trk_hook, enter, TRK_HOOK_ENTER);
SAME(struct trk_hook, enter_slow, TRK_HOOK_ENTER_SLOW);
SAME(struct trk_hook, leave, TRK_HOOK_LEAVE);
SAME(struct trk_hook, leave_slow, TRK_HOOK_LEAVE_SLOW);
SAME(struct trk_hook, quick.type, TRK_HOOK_TYPE);
SAME(struct trk_hook, quick.index, TRK_HOOK_INDEX);
SAME(struct trk_hook, quick.word, TRK_HOOK_WORD);
SAME(struct trk_hook, stack_bytes, TRK_HOOK_STACK_BYTES);
SAME(struct trk_thread, lo, TRK_THREAD_LO);
SAME(struct trk_thread, hi, TRK_THREAD_HI);
SAME(struct trk_thread, cursor, TRK_THREAD_CURSOR);
SAME(struct trk_thread, limit, TRK_THREAD_LIMIT);
SAME(struct trk_thread, delta, TRK_THREAD_DELTA);
SAME(struct trk_thread, mask, TRK_THREAD_MASK);
SAME(struct trk_thread, tick, TRK_THREAD_TICK);
SAME(struct trk_thread, shift, TRK_THREAD_SHIFT);
SAME(struct trk_thread, want, TRK_THREAD_WANT);
SAME(struct trk_thread, calls, TRK_THREAD_CALLS);
SAME(struct trk_tls, self, 0);
SAME(struct trk_tls, births, TRK_TLS_BIRTHS);
SAME(struct trk_tls, born, TRK_TLS_BORN);
SAME(struct trk_engine, type_tag, TRK_ENGINE_TYPE_TAG);
SAME(struct trk_engine, tick, TRK_ENGINE_TICK);
SAME(struct trk_engine, site_salt, TRK_ENGINE_SALT);
SAME(struct trk_slot, w0, 0);
SAME(struct trk_slot, w1, 8);
_Static_assert(sizeof(struct trk_slot) == 16 && (int)TRK_WIPE == TRK_THREAD_SITES && (int)TRK_SITE == TRK_THREAD_SITE &&
                   (int)TRK_LEAST_ADDRESS == TRK_LEAST_OBJECT && (int)TRK_DEPTH_BIRTH == TRK_WANT_BIRTH &&
                   (int)TRK_DEPTH_REF == TRK_WANT_REF && (int)TRK_BIRTHS == TRK_TLS_BORN_COUNT &&
                   (int)TRK_SITES_LOG2 == TRK_SITE_INDEX_BITS && (int)TRK_STACK_ID_BITS == TRK_SITE_ID_BITS &&
                   (int)TRK_TYPE_MAX == TRK_TYPES && (int)TRK_ADDR_SHIFT == TRK_RECORD_ADDR &&
                   (int)TRK_ARG_SHIFT == TRK_RECORD_ARG && (int)TRK_SITE_BITS == TRK_SITE_ADDRESS_BITS &&
                   (int)TRK_STACK_HI_SHIFT == TRK_RECORD_STACK_HI && (int)TRK_STACK_LO_BITS == TRK_RECORD_STACK_LO,
               "as in stub.h");

const void *trk_stub_routine(const struct trk_hook *hook)
{
    static const void *const quick[TRK_QUICK_ARGUMENTS + 1] = { trk_stub_enter, trk_stub_quick1, trk_stub_quick2,
                                                                trk_stub_quick3 };
    if (hook->leave != NULL)
        return hook->quick.object == TRK_HOOK_RESULT ? trk_stub_birth : trk_stub_around;
    return quick[hook->quick.object <= TRK_QUICK_ARGUMENTS ? hook->quick.object : 0];
}

static bool is_plain(const struct trk_hook_rule *r)
{
    return r->object.reads == 0 && r->object.add[0] == 0 && r->slot.base == TRK_HOOK_NOWHERE &&
           r->from.base == TRK_HOOK_NOWHERE && r->test[0].place.base == TRK_HOOK_NOWHERE &&
           r->test[1].place.base == TRK_HOOK_NOWHERE && r->immortal_mask == 0 && (r->flags & ~TRK_HOOK_AUTOMATIC) == 0;
}

/* What is left to these handlers are calls whose stack is wanted, and unusual ones: as in event.c, true hands them on.
 */
static inline __attribute__((always_inline)) bool record(const struct trk_call *call, enum trk_op op, unsigned aux,
                                                         uint64_t object, uint64_t arg, enum trk_depth depth)
{
    const struct trk_frame at = { .pc = call->caller, .sp = (uintptr_t)call->stack, .fp = call->fp };
    uint64_t addr = trk_addr((const void *)object);
    return object >= TRK_LEAST_ADDRESS &&
           (trk_direct(op, aux, addr, arg, depth, &at, 0) || trk_fast(op, aux, addr, arg, depth, at.pc));
}

static inline __attribute__((always_inline)) bool enter(const struct trk_call *call, const struct trk_hook *hook,
                                                        enum trk_op op)
{
    const struct trk_thread *st = trk_tls.self;
    uint64_t *calls = st != NULL ? __atomic_load_n(&st->calls, __ATOMIC_RELAXED) : NULL;
    if (!trk_gate_v1)
        return false;
    if (calls == NULL ||
        !record(call, op, TRK_COUNT_UNKNOWN, trk_call_argument(call, hook->quick.object), 0, TRK_DEPTH_REF))
        return true;
    trk_take(&calls[hook->quick.index], 1);
    return false;
}

static bool enter_ref(const struct trk_call *call, const struct trk_hook *hook)
{
    return enter(call, hook, TRK_OP_REF);
}

static bool enter_unref(const struct trk_call *call, const struct trk_hook *hook)
{
    return enter(call, hook, TRK_OP_UNREF);
}

/* The call was counted when it began. */
static bool leave_new(const struct trk_call *call, const struct trk_hook *hook, const uint64_t result[2])
{
    uint32_t type = trk_known_type(((const struct trk_watch *)hook)->type);
    if (!trk_gate_v1)
        return false;
    if (type == 0 || trk_call_kept(call) != trk_tls.births ||
        !record(call, TRK_OP_NEW, 0, result[0], type, TRK_DEPTH_BIRTH))
        return true;
    trk_watch_born(result[0]);
    return false;
}

void trk_watch_quick(struct trk_watch *w)
{
    const struct trk_hook_rule *r = w->rule;
    bool birth = r->role == TRK_HOOK_NEW && r->object.base == TRK_HOOK_RESULT && r->name_kind == TRK_HOOK_NAME_TYPE &&
                 w->type != NULL;
    bool reference = (r->role == TRK_HOOK_REF || r->role == TRK_HOOK_UNREF) && r->object.base >= 1 &&
                     r->object.base <= TRK_QUICK_ARGUMENTS;
    w->hook.quick = (struct trk_quick){ 0 };
    if (w->next != NULL || !is_plain(r) || !(birth || reference))
        return;
    w->hook.quick = (struct trk_quick){ .type = birth ? &w->type->id : NULL,
                                        .index = w->index,
                                        .word = (uint32_t)trk_w0(w->op, w->aux, 0, 0),
                                        .object = r->object.base };
    w->hook.enter = birth ? NULL : r->role == TRK_HOOK_REF ? enter_ref : enter_unref;
    w->hook.leave = birth ? leave_new : NULL;
}
