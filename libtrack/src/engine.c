/* engine.c: start, gates, the process entry, re-entrancy marks and the end. */
#include "engine.h"

#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "addr.h"
#include "control.h"
#include "filter.h"
#include "look.h"
#include "own.h"
#include "wake.h"

struct trk_engine trk_eng;

static struct trk_arena no_arena;
static struct trk_arena arenas[TRK_ERAS];
struct trk_arena *trk_arena_newest = &no_arena;

static const uint64_t no_tick = 0;

enum {
    TRK_CHILD_WAIT_NS = 200000000, /* for another thread of a new process to claim its entry */
    TRK_STALE_MARK_US = 200000,    /* longer than anything done under a mark without refreshing it */
};
#define TRK_COOKIE 0x6c69627472616b31ull

/* ---- Gates --------------------------------------------------------------------------------------------------------
 */

void trk_engine_gate(bool on)
{
    bool with_malloc = on && __atomic_load_n(&trk_eng.want_malloc, __ATOMIC_RELAXED);
    trk_gate_v1 = on;
    trk_malloc_gate_v1 = with_malloc;
    for (unsigned i = 0; i < TRK_GATES; i++) {
        volatile unsigned char *gate = __atomic_load_n(&trk_eng.gates[i], __ATOMIC_ACQUIRE);
        if (gate != NULL) {
            *gate = on;
            *trk_eng.malloc_gates[i] = with_malloc;
        }
    }
}

void trk_engine_over(const struct trk_arena *arena)
{
    int expected = TRK_PHASE_LIVE;
    if (arena == trk_arena() && __atomic_compare_exchange_n(&trk_eng.phase, &expected, TRK_PHASE_IDLE, false,
                                                            __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        trk_wake_idle();
}

/* ---- Re-entrancy ----------------------------------------------------------------------------------------------------
 */

/* Whether the frame that set the mark was left by a jump. Stacks grow down: a handler that interrupted it is deeper and
 * leaves its cookie alone. Only memory between us and the top of our own stack is looked at. To take a live frame for a
 * dead one (a handler that runs for long) costs at most a ring. */
__attribute__((no_sanitize_address)) static bool mark_stale(uintptr_t sp)
{
    const struct trk_thread *st = trk_tls.self;
    uintptr_t mark = trk_tls.busy_sp;
    if (trk_clock() != NULL && trk_load64(trk_clock()) - trk_tls.busy_tick > TRK_STALE_MARK_US)
        return true;
    if (st == NULL || st->hi == 0)
        return sp >= mark && sp - mark < (64 << 10);
    if (sp < st->lo || sp >= st->hi || mark < st->lo || mark >= st->hi)
        return false;
    return sp >= mark || *(const volatile uint64_t *)mark != (TRK_COOKIE ^ mark);
}

bool trk_engine_enter(uint64_t *cookie)
{
    uintptr_t sp = (uintptr_t)cookie;
    if (TRK_UNLIKELY(trk_tls.busy) && !mark_stale(sp))
        return false;
    *(volatile uint64_t *)cookie = TRK_COOKIE ^ sp;
    trk_tls.busy_sp = sp;
    trk_tls.busy_tick = trk_clock() ? trk_load64(trk_clock()) : 0;
    __atomic_store_n(&trk_tls.busy, 1, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return true;
}

void trk_engine_leave(uint64_t *cookie)
{
    *(volatile uint64_t *)cookie = 0;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n(&trk_tls.busy, 0, __ATOMIC_RELAXED);
}

bool trk_engine_busy(void)
{
    return trk_eng.phase == TRK_PHASE_FORWARD ? trk_eng.forward->busy() : trk_tls.busy != 0;
}

void trk_engine_emergency(void)
{
    const struct trk_arena *a = trk_arena();
    if (a->proc != NULL)
        __atomic_fetch_add(&a->proc->emergency, 1, __ATOMIC_RELAXED);
}

void trk_engine_dropped(void)
{
    const struct trk_arena *a = trk_arena();
    if (a->proc != NULL)
        __atomic_fetch_add(&a->proc->dropped, 1, __ATOMIC_RELAXED);
}

uint64_t trk_engine_now_us(void)
{
    const struct trk_arena *a = trk_arena();
    uint64_t now = trk_now_ns();
    return now > a->epoch_ns ? (now - a->epoch_ns) / 1000 : 0;
}

/* ---- Processes
 * -------------------------------------------------------------------------------------------------------- */

static void publish_malloc_owner(const struct trk_arena *a)
{
    if (trk_eng.malloc_flag == 0)
        __atomic_fetch_or(&a->proc->flags, TRK_PROC_MALLOC_NONE, __ATOMIC_RELAXED);
    else
        __atomic_fetch_or(&a->proc->flags, trk_eng.malloc_flag, __ATOMIC_RELAXED);
    if (trk_eng.malloc_who[0])
        __atomic_store_n(&a->proc->malloc_text, trk_text_string(trk_eng.malloc_who), __ATOMIC_RELEASE);
}

/* Claims entry i for this process. */
static bool claim_proc(struct trk_arena *a, uint32_t i, uint32_t parent_pid, uint32_t parent_index,
                       uint32_t modules_text)
{
    struct trk_shm_proc *p = &a->procs[i];
    uint32_t expected = TRK_PROC_FREE;
    if (!__atomic_compare_exchange_n(&p->state, &expected, TRK_PROC_CLAIMED, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        return false;
    if (a->proc != p) { /* others may look at it meanwhile */
        a->proc = p;
        a->proc_index = i;
    }
    uint32_t pid = (uint32_t)trk_sys0(SYS_getpid);
    if (trk_eng.pid != pid)
        trk_eng.pid = pid;
    p->pid = trk_eng.pid;
    p->parent_pid = parent_pid;
    p->parent_index = parent_index;
    p->start_us = trk_engine_now_us();
    p->modules_text = modules_text;
    publish_malloc_owner(a);
    trk_own_publish(a->own != NULL ? &a->own[i] : NULL);
    __atomic_store_n(&p->state, TRK_PROC_LIVE, __ATOMIC_RELEASE); /* partner: the recorder's look at the entries */
    return true;
}

/* First slow path of a forked child. Private states are wiped; everything else is a copy of the parent's. */
static void become_child(void)
{
    struct trk_arena *a = trk_arena();
    uint32_t parent_index = a->proc_index;
    uint32_t parent_pid = trk_eng.pid;
    uint32_t modules_text = trk_load32(&a->procs[parent_index].modules_text);
    trk_eng.modules_busy = 0;
    __atomic_store_n(&a->several, 0, __ATOMIC_RELAXED); /* the child has one thread */
    __atomic_store_n(&a->exact, (a->flags & TRK_SHM_EXACT_TIME) != 0, __ATOMIC_RELAXED);
    trk_filter_child();
    trk_wake_child(); /* unless the handler of fork did */
    if (a->flags & TRK_SHM_FOLLOW_CHILDREN && trk_load32(&a->hdr->recorder_state) != TRK_REC_LEFT) {
        for (uint32_t i = 0; i < TRK_PROC_MAX; i++) {
            if (claim_proc(a, i, parent_pid, parent_index, modules_text))
                return;
        }
        trk_engine_dropped(); /* in the parent's entry: an untraced child is a loss */
    }
    __atomic_store_n(&trk_eng.phase, TRK_PHASE_IDLE, __ATOMIC_RELEASE);
    trk_wake_idle();
}

bool trk_engine_here(void)
{
    struct trk_sentinel *s = trk_eng.sentinel;
    uint32_t state = __atomic_load_n(&s->state, __ATOMIC_ACQUIRE);
    if (TRK_UNLIKELY(state == 0) &&
        __atomic_compare_exchange_n(&s->state, &state, 1, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        become_child();
        __atomic_store_n(&s->state, 2, __ATOMIC_RELEASE);
        state = 2;
    }
    for (uint64_t end = 0; TRK_UNLIKELY(state == 1); state = __atomic_load_n(&s->state, __ATOMIC_ACQUIRE)) {
        uint64_t now = trk_now_ns();
        end = end ? end : now + TRK_CHILD_WAIT_NS;
        if (now >= end)
            return false;
        trk_futex_wait(&s->state, 1, 1000000);
    }
    return __atomic_load_n(&trk_eng.phase, __ATOMIC_ACQUIRE) == TRK_PHASE_LIVE;
}

bool trk_engine_sentinel(void)
{
    if (trk_eng.sentinel != NULL)
        return true;
    struct trk_sentinel *s = trk_map(TRK_PAGE);
    if (s == NULL)
        return false;
    trk_eng.wipes = !trk_failed(trk_sys3(SYS_madvise, s, TRK_PAGE, MADV_WIPEONFORK));
    trk_eng.sentinel = s;
    trk_own_add(s, TRK_PAGE, TRK_OWN_PRIVATE);
    return true;
}

struct trk_arena *trk_engine_new_arena(void)
{
    uint32_t eras = trk_arena()->era;
    if (eras >= TRK_ERAS)
        return NULL;
    struct trk_arena *a = &arenas[eras];
    struct trk_thread **threads = a->threads ? a->threads : trk_map(TRK_RING_MAX * sizeof(void *));
    if (threads != NULL)
        trk_own_add(threads, TRK_RING_MAX * sizeof(void *), TRK_OWN_PRIVATE);
    *a = (struct trk_arena){ .threads = threads, .era = eras + 1 };
    return threads != NULL ? a : NULL;
}

uint32_t trk_engine_eras_left(void)
{
    return TRK_ERAS - trk_arena()->era;
}

/* Takes the memory out of an arena that is left, while other threads may be in the middle of anything: states of
 * threads become zeros, which send a write in flight to their scratch slot, and so do the tables and rings, where what
 * is still written reaches nobody. The address ranges stay. */
static void retire(struct trk_arena *a)
{
    if (a->base == NULL)
        return;
    __atomic_store_n(&a->over, 1, __ATOMIC_SEQ_CST); /* partner: acquire() of thread.c */
    for (uint32_t i = 0; i < a->ring_count; i++) {
        struct trk_thread *st = __atomic_load_n(&a->threads[i], __ATOMIC_SEQ_CST);
        if (st != NULL)
            trk_sys3(SYS_madvise, st, trk_eng.thread_bytes, MADV_DONTNEED);
    }
    trk_sys6(SYS_mmap, (long)a->base, (long)a->bytes, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    trk_own_add(a->base, a->bytes & ~(uint64_t)7, TRK_OWN_PRIVATE);
}

bool trk_engine_adopt_arena(struct trk_arena *a)
{
    struct trk_arena *before = trk_arena();
    if (!trk_engine_sentinel())
        return false;
    if (trk_eng.thread_bytes == 0) {
        size_t bytes = TRK_WIPE + TRK_SITES * sizeof(uint64_t) + trk_stack_cache_bytes();
        trk_eng.thread_bytes = (bytes + TRK_WIPE - 1) & ~(size_t)(TRK_WIPE - 1);
    }
    a->proc = a->procs; /* entry 0: see claim_proc */
    /* Threads that are still in the arena before read these, too: any mixture of old and new is harmless to them. */
    __atomic_store_n(&trk_eng.sentinel->state, 2, __ATOMIC_RELEASE);
    __atomic_store_n(&trk_eng.gen, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&trk_eng.type_tag, trk_type_tag(a), __ATOMIC_RELAXED);
    __atomic_store_n(&trk_eng.modules_busy, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&trk_eng.modules_next, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&trk_eng.modules_backoff, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&trk_eng.tick, &a->hdr->tick_us, __ATOMIC_RELEASE);
    __atomic_store_n(&trk_arena_newest, a, __ATOMIC_RELEASE); /* partner: trk_arena() */
    retire(before);
    if (!claim_proc(a, 0, (uint32_t)trk_sys0(SYS_getppid), 0, 0))
        return false;
    __atomic_store_n(&trk_eng.want_malloc, a->flags & TRK_SHM_MALLOC && trk_options.malloc != 0, __ATOMIC_RELAXED);
    return true;
}

/* ---- Start --------------------------------------------------------------------------------------------------------
 */

bool trk_engine_privileged(void)
{
    return getauxval(AT_SECURE) != 0 || trk_sys1(SYS_prctl, PR_GET_DUMPABLE) != 1;
}

/* Kernels map from the top: where the stack lies tells what addresses look like. False: this library lies where
 * addresses have no code, as with an unlimited stack, then most of the program does. */
static bool addresses_fit(void)
{
    uintptr_t stack = getauxval(AT_RANDOM); /* this may be another thread's, or a coroutine's */
    trk_eng.addr_high = TRK_HIGH_ADDRESSES ? stack & (uint64_t)1 << TRK_ADDR_BITS : 0;
    return trk_addr_code(stack, trk_eng.addr_high) != TRK_ADDR_UNFIT &&
           trk_addr_code((uintptr_t)&trk_eng, trk_eng.addr_high) != TRK_ADDR_UNFIT;
}

static void say_unfit(void)
{
    static const char line[] = "libtrack: not recording: this program's addresses have more bits than records hold; "
                               "start it with a limited stack (ulimit -s 8192)\n";
    trk_sys3(SYS_write, 2, line, sizeof line - 1);
}

static enum trk_phase start(void)
{
    __atomic_store_n(&trk_eng.tick, &no_tick, __ATOMIC_RELAXED);
    if (trk_engine_privileged())
        return TRK_PHASE_INERT;
    bool fit = addresses_fit(), asked = trk_options_read();
    const struct trk_engine_table *owner = trk_copy_find();
    if (owner != NULL) {
        if (owner->abi != TRK_TABLE_ABI || owner->bytes < offsetof(struct trk_engine_table, look))
            return TRK_PHASE_INERT;
        trk_eng.forward = owner;
        owner->start();
        owner->adopt(&trk_gate_v1, &trk_malloc_gate_v1);
        return TRK_PHASE_FORWARD;
    }
    if (asked)
        trk_options_talk();
    if (!fit) {
        if (asked)
            say_unfit();
        return TRK_PHASE_IDLE;
    }
    trk_wake_open();
    return asked && trk_control_connect() ? TRK_PHASE_LIVE : TRK_PHASE_IDLE;
}

void trk_engine_live(void)
{
    uint64_t cookie;
    bool grew, shrank;
    uint32_t maps = 0;
    if (trk_engine_enter(&cookie)) {
        maps = trk_module_update(&grew, &shrank);
        trk_engine_leave(&cookie);
    }
    trk_wake_live();
    __atomic_store_n(&trk_eng.phase, TRK_PHASE_LIVE, __ATOMIC_SEQ_CST); /* partner: gates_close of wake.c */
    trk_module_event(maps);
    trk_engine_gate(true);
}

void trk_engine_start(void)
{
    int expected = TRK_PHASE_NEW;
    uint64_t cookie;
    if (__atomic_load_n(&trk_eng.phase, __ATOMIC_ACQUIRE) != TRK_PHASE_NEW || !trk_engine_enter(&cookie))
        return;
    if (!__atomic_compare_exchange_n(&trk_eng.phase, &expected, TRK_PHASE_STARTING, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED)) {
        trk_engine_leave(&cookie);
        return;
    }
    enum trk_phase phase = start();
    if (phase != TRK_PHASE_LIVE)
        __atomic_store_n(&trk_eng.phase, phase, __ATOMIC_RELEASE);
    trk_engine_leave(&cookie);
    if (phase == TRK_PHASE_LIVE)
        trk_engine_live();
}

/* ---- End ------------------------------------------------------------------------------------------------------------
 */

static void look_last(void)
{
    static const struct trk_look_ask last = { .why = TRK_LOOK_EXIT };
    if (__atomic_load_n(&trk_eng.checked_pid, __ATOMIC_RELAXED) != trk_eng.pid)
        trk_look(&last);
}

static void record_exit(bool known, int status)
{
    const struct trk_arena *a = trk_arena();
    struct trk_event ev = { .op = TRK_OP_EXIT, .aux = known, .arg = (uint64_t)status & 0xff };
    if (__atomic_load_n(&trk_eng.phase, __ATOMIC_ACQUIRE) != TRK_PHASE_LIVE || trk_eng.sentinel->state != 2)
        return; /* idle, or a forked child that never recorded anything */
    trk_emit(&ev);
    __atomic_fetch_or(&a->proc->flags, TRK_PROC_EXITING, __ATOMIC_RELAXED);
    if (trk_load32(&a->hdr->recorder_state) == TRK_REC_RUNNING) {
        /* Both are asked for, then waited for: the recorder answers them together. */
        uint64_t since = trk_now_ns();
        uint32_t sample = trk_ring_mem_ask();
        look_last();
        trk_ring_mem_wait(sample, since);
    }
}

static void module_change(bool unloaded)
{
    uint64_t cookie;
    bool grew, shrank;
    if (!trk_engine_enter(&cookie)) {
        trk_eng.modules_dirty = 1;
        return;
    }
    uint32_t id = 0;
    if (trk_engine_here()) {
        id = trk_module_update(&grew, &shrank);
        if (unloaded && shrank) {
            trk_stack_flush();
            uint32_t gen = __atomic_add_fetch(&trk_arena()->hdr->module_gen, 1, __ATOMIC_RELAXED);
            __atomic_store_n(&trk_eng.gen, gen, __ATOMIC_RELEASE);
            __atomic_store_n(&trk_eng.site_salt, (uint64_t)gen * 0x5851f42d4c957f2dull, __ATOMIC_RELEASE);
        }
    }
    trk_engine_leave(&cookie);
    trk_module_event(id);
}

void trk_engine_control(enum trk_control what, uint64_t number, const char *text)
{
    int phase = __atomic_load_n(&trk_eng.phase, __ATOMIC_ACQUIRE);
    if (phase == TRK_PHASE_FORWARD) {
        trk_eng.forward->control(what, number, text);
        return;
    }
    if (what == TRK_CONTROL_MALLOC_OWNER) {
        trk_eng.malloc_flag |= (uint32_t)number;
        for (size_t i = 0; text != NULL && i + 1 < sizeof trk_eng.malloc_who && (i == 0 || text[i - 1]); i++)
            trk_eng.malloc_who[i] = text[i];
        if (phase == TRK_PHASE_LIVE)
            publish_malloc_owner(trk_arena());
    }
    if (what == TRK_CONTROL_OWN)
        trk_own_add(text, number & ~(uint64_t)7, (enum trk_own_kind)(number & 7));
    if (what == TRK_CONTROL_EXIT)
        record_exit(true, (int)number);
    if (what == TRK_CONTROL_ABORT)
        look_last();
    if (what == TRK_CONTROL_CHECKED)
        __atomic_store_n(&trk_eng.checked_pid, trk_eng.pid, __ATOMIC_RELAXED); /* partner: look_last */
    if (phase != TRK_PHASE_LIVE)
        return;
    if (what == TRK_CONTROL_LOADED || what == TRK_CONTROL_UNLOADED)
        module_change(what == TRK_CONTROL_UNLOADED);
}

static void at_exit(int status, void *arg)
{
    (void)arg;
    record_exit(true, status);
}

/* The loader runs this after our dependencies' constructors; on_exit handlers registered here run after everything that
 * the program registers. */
__attribute__((constructor(101))) static void engine_constructor(void)
{
    trk_engine_start();
    if (trk_eng.phase != TRK_PHASE_LIVE && !trk_wake_ready())
        return;
    trk_fork_init();
    if (!trk_copy_stays())
        trk_copy_pin();
    trk_eng.exit_known = trk_copy_stays() && on_exit(at_exit, NULL) == 0;
}

__attribute__((destructor(101))) static void engine_destructor(void)
{
    if (trk_eng.phase == TRK_PHASE_FORWARD)
        trk_copy_leave();
    else if (!trk_eng.exit_known)
        record_exit(false, 0);
}

/* ---- The table ------------------------------------------------------------------------------------------------------
 */

const struct trk_engine_table trk_engine_v1 = {
    .abi = TRK_TABLE_ABI,
    .bytes = sizeof(struct trk_engine_table),
    .emit = trk_emit,
    .type_register = trk_type_id,
    .control = trk_engine_control,
    .busy = trk_engine_busy,
    .start = trk_engine_start,
    .adopt = trk_copy_adopt,
    .abandon = trk_copy_abandon,
    .look = trk_look,
};
/* The same table under a name that no other copy can take over. */
extern const struct trk_engine_table trk_engine_self __attribute__((alias("trk_engine_v1"), visibility("hidden")));
