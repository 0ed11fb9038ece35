/* record.c: writes any event, with its stack, its extra slots, and the records that are due before it. */
#include "wake.h"

#include "record.h"

#include "filter.h"

enum {
    TRK_LEADS = 3, /* DROP, THREAD, TICK */
};

static uint32_t event_stack(struct trk_thread *st, const struct trk_event *ev)
{
    const struct trk_arena *a = trk_arena();
    unsigned depth = a->depth[ev->depth];
    uint32_t id;
    if (depth == 0)
        return 0;
    if (depth == 1) {
        uintptr_t pc = ev->caller ? ev->caller : ev->at.pc;
        id = trk_site_find(st, pc);
        if (id)
            return id;
        id = trk_stack_site(&a->depot, trk_thread_stack_cache(st), pc, trk_load32(&trk_eng.gen));
        if (id)
            trk_site_keep(st, pc, id);
    } else {
        id = trk_stack_capture(&a->depot, trk_thread_stack_cache(st), &ev->at, st->lo, st->hi, depth, ev->caller,
                               trk_load32(&trk_eng.gen));
    }
    if (TRK_UNLIKELY(id > st->max_stack))
        trk_module_check(st, id);
    return id;
}

/* Named moments are rare and people compare them: they carry the clock itself beside the coarse tick. */
static bool is_moment(unsigned op)
{
    return op == TRK_OP_MARK || op == TRK_OP_CHECKPOINT || op == TRK_OP_SCOPE_BEGIN || op == TRK_OP_SCOPE_END ||
           op == TRK_OP_EXIT;
}

/* Writes one record at pos, EXT slots first. cycles: 0 when the record does not carry them. */
static void write_slots(struct trk_thread *st, uint64_t pos, uint64_t w0, uint64_t w1, const struct trk_event *ev,
                        uint64_t cycles)
{
    if (TRK_UNLIKELY(cycles != 0))
        trk_slot_write(st, pos + 1 + ev->exts, trk_ext_w0(TRK_EXT_CYCLES), cycles);
    for (unsigned i = 0; i < ev->exts; i++)
        trk_slot_write(st, pos + 1 + i, trk_ext_w0(ev->ext_kind[i]), ev->ext_value[i]);
    trk_slot_write(st, pos, w0, w1);
}

/* The recorder went away and left the process, or it died and another one asks. */
static bool arena_left(void)
{
    const struct trk_arena *a = trk_arena();
    if (__atomic_load_n(&trk_eng.phase, __ATOMIC_ACQUIRE) != TRK_PHASE_LIVE)
        return true;
    if (TRK_LIKELY(trk_load32(&a->hdr->recorder_state) != TRK_REC_LEFT && !trk_wake_asked()))
        return false;
    trk_engine_over(a);
    return true;
}

/* Read first of all, as near to what happened as can be. 0: the recording does not want it. The ops that have three EXT
 * slots already are REF and UNREF; no record has more with this one than TRK_MAX_EXT. */
static uint64_t stamp(void)
{
    return TRK_UNLIKELY(trk_exact_time(trk_arena())) ? trk_cycles() : 0;
}

/* Exact times begin with a tick: the shortest paths end there. */
static void learn_exact(struct trk_thread *st)
{
    const struct trk_arena *a = trk_arena();
    if (trk_exact_time(a) && st->want[TRK_DEPTH_REF] != TRK_STACK)
        trk_thread_exact(st, a);
}

/* Every time in a ring is a copy of the one tick that all threads read, never a clock of its own: only then is an event
 * that happened before another one never later by its time. False: there is no recording any more. */
static bool emit_simple(const struct trk_event *ev, struct trk_thread *st, uint64_t cycles)
{
    if (TRK_UNLIKELY(st == NULL || trk_thread_ring(st) == NULL)) {
        st = trk_thread_ready();
        if (st == NULL)
            return !arena_left();
    }
    uint32_t id = ev->depth ? event_stack(st, ev) : 0;
    /* Partner: the recorder that leaves moves the clock behind its word that it did. */
    uint64_t tick = __atomic_load_n(trk_clock(), __ATOMIC_ACQUIRE);
    if (TRK_UNLIKELY(tick != st->tick)) {
        if (arena_left())
            return false;
        if (cycles == 0)
            cycles = stamp();
        learn_exact(st);
    }
    unsigned need = 1 + ev->exts + (cycles != 0);
    if (TRK_UNLIKELY(trk_cursor(st) + need + TRK_LEADS > trk_load64(&st->limit))) {
        st = trk_ring_room(st, need + TRK_LEADS);
        if (st == NULL)
            return __atomic_load_n(&trk_eng.phase, __ATOMIC_ACQUIRE) ==
                   TRK_PHASE_LIVE;                             /* a recorder that died is noticed here */
        tick = __atomic_load_n(trk_clock(), __ATOMIC_ACQUIRE); /* it may have waited, and changed its ring */
        if (arena_left())
            return false;
        learn_exact(st);
    }
    /* What is due before the record. A handler that interrupts here may write the same once more: harmless. */
    uint64_t lost = st->pending;
    bool greet = st->due;
    bool lead = greet || tick != st->tick;
    if (TRK_UNLIKELY(lost))
        lost = __atomic_exchange_n(&st->pending, 0, __ATOMIC_RELAXED);
    unsigned slots = need + (lost != 0) + greet + lead;
    uint64_t pos = trk_take(&st->cursor, slots);
    if (TRK_UNLIKELY(trk_arena()->on_full == TRK_FULL_FLIGHT))
        trk_take(&st->extras, slots - 1);
    if (TRK_UNLIKELY(lost))
        trk_slot_write(st, pos++, trk_w0(TRK_OP_DROP, 0, 0, 0), trk_w1(lost, 0));
    if (TRK_UNLIKELY(greet)) {
        trk_slot_write(st, pos++, trk_w0(TRK_OP_THREAD, 0, (uint32_t)st->owner, 0), trk_w1(tick, 0));
        st->due = 0;
    }
    if (lead) {
        trk_slot_write(st, pos++, trk_w0(TRK_OP_TICK, 0, 0, 0), trk_w1(tick, 0));
        st->tick = tick;
    }
    write_slots(st, pos, trk_w0(ev->op, ev->aux, ev->addr, id), trk_w1(ev->arg, id), ev, cycles);
    return true;
}

/* Opens or closes a scope of this thread and returns its number, 0 for none. */
static uint32_t scope_number(enum trk_op op)
{
    uint32_t depth = trk_tls.scope_depth;
    if (op == TRK_OP_SCOPE_BEGIN) {
        uint32_t n = __atomic_add_fetch(&trk_eng.scope_next, 1, __ATOMIC_RELAXED);
        if (depth < TRK_SCOPES)
            trk_tls.scopes[depth] = n;
        trk_tls.scope_depth = depth + 1;
        return n;
    }
    if (depth == 0)
        return 0;
    trk_tls.scope_depth = --depth;
    return depth < TRK_SCOPES ? trk_tls.scopes[depth] : 0;
}

/* How deep the thread is in trk_disable from here on; an end without a begin is none. */
static uint32_t disabled_depth(bool deeper)
{
    uint32_t depth = trk_tls.disabled;
    return trk_tls.disabled = deeper ? depth + (depth < UINT32_MAX) : depth - (depth > 0);
}

/* Replaces text, type and scope by their ids. */
static bool emit_rare(const struct trk_event *ev, uint64_t cycles)
{
    struct trk_event e = *ev;
    struct trk_thread *st = trk_tls.self;
    if (st == NULL || trk_thread_ring(st) == NULL)
        st = trk_thread_ready(); /* first: in a forked child the arena may not be ours to write */
    if (st == NULL)
        return !arena_left();
    if (e.text != NULL && e.exts < TRK_MAX_EXT) {
        uint32_t id = trk_text_string(e.text);
        if (id) {
            e.ext_kind[e.exts] = TRK_EXT_TEXT;
            e.ext_value[e.exts++] = id;
        }
    }
    if (e.type != NULL)
        e.arg = trk_type_id(e.type);
    if (is_moment(e.op) && e.exts < TRK_MAX_EXT) {
        e.ext_kind[e.exts] = TRK_EXT_VALUE;
        e.ext_value[e.exts++] = trk_engine_now_us();
    }
    if (e.op == TRK_OP_SCOPE_BEGIN || e.op == TRK_OP_SCOPE_END)
        e.arg = scope_number(e.op);
    if (e.op == TRK_OP_SCOPE_END && e.arg == 0)
        return true;
    if (e.op == TRK_OP_DISABLE)
        e.arg = disabled_depth(e.aux);
    if (st->era != trk_arena()->era)
        return false; /* the ids above may be of one arena, the ring of another */
    return emit_simple(&e, st, cycles);
}

static bool emit_any(const struct trk_event *ev, uint64_t cycles)
{
    bool plain = ev->text == NULL && ev->type == NULL && !is_moment(ev->op) && ev->op != TRK_OP_DISABLE;
    return plain ? emit_simple(ev, trk_tls.self, cycles) : emit_rare(ev, cycles);
}

static __attribute__((noinline)) bool emit_judged(const struct trk_event *ev, uint64_t cycles)
{
    struct trk_event extra;
    struct trk_event alone;
    const struct trk_thread *st = trk_tls.self;
    if (TRK_UNLIKELY(st == NULL || trk_thread_ring(st) == NULL) && trk_thread_ready() == NULL)
        return true;
    enum trk_filter_verdict verdict = trk_filter_judge(ev, &extra);
    if (TRK_UNLIKELY(extra.op != 0))
        emit_simple(&extra, trk_tls.self, cycles);
    switch (verdict) {
    case TRK_FILTER_RECORD:
        return emit_any(ev, cycles);
    case TRK_FILTER_REALLOC_NEW:
        alone = *ev;
        alone.exts = 0;
        return emit_simple(&alone, trk_tls.self, cycles);
    case TRK_FILTER_FULL:
        trk_engine_dropped();
        return true;
    default:
        return true;
    }
}

static bool emit_live(const struct trk_event *ev)
{
    uint64_t cycles = stamp();
    if (TRK_UNLIKELY(ev->addr >> TRK_ADDR_BITS)) { /* TRK_ADDR_UNFIT */
        trk_engine_dropped();
        return true;
    }
    return TRK_UNLIKELY(trk_filter_on) ? emit_judged(ev, cycles) : emit_any(ev, cycles);
}

/* The gate is open and there is no recording, or no longer. */
static __attribute__((noinline, cold)) void emit_other(const struct trk_event *ev, int phase)
{
    if (phase == TRK_PHASE_FORWARD)
        trk_eng.forward->emit(ev);
    else if (phase == TRK_PHASE_STARTING && trk_tls.busy)
        trk_engine_emergency();
    else if (phase == TRK_PHASE_IDLE && trk_wake_look())
        emit_live(ev);
}

void trk_emit(const struct trk_event *ev)
{
    int phase = __atomic_load_n(&trk_eng.phase, __ATOMIC_ACQUIRE);
    if (TRK_UNLIKELY(phase != TRK_PHASE_LIVE) || TRK_UNLIKELY(!emit_live(ev)))
        emit_other(ev, __atomic_load_n(&trk_eng.phase, __ATOMIC_ACQUIRE));
}
