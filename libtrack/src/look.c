/* look.c: a thread asks the recorder to look at the memory of this process, and waits for it. The protocol stands at
 * struct trk_shm_look in track/format.h.
 *
 * Bounds are counted in time that this thread slept here, never more than a nap at a time: a program that the recorder
 * stops, or the user, has not waited meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>

#include <track/track.h>

#include "control.h"
#include "look.h"
#include "look_exit.h"
#include "wake.h"

enum { TRK_LOOK_NAP_NS = 10000000, TRK_LOOK_MS = 5000 };

struct waiter {
    const struct trk_arena *arena;
    struct trk_shm_proc *proc;
    struct trk_shm_look *look;
    uint32_t tid;
    uint32_t mine; /* number of the look, 0 before */
    bool patient;  /* as long as it is worked on */
    bool late;     /* the bound passed */
    uint64_t slept_ns, bound_ns;
    struct trk_heart heart;
};

/* What the recording wants is fixed when it begins. */
static int wanted_by(const struct trk_arena *a, unsigned why)
{
    uint32_t flag = why == TRK_LOOK_EXIT    ? TRK_SHM_LOOK_EXIT
                    : why == TRK_LOOK_MARK  ? TRK_SHM_LOOK_MARK
                    : why == TRK_LOOK_SCOPE ? TRK_SHM_LOOK_SCOPE
                                            : TRK_SHM_LOOKS;
    if (why == TRK_LOOK_GC || why == TRK_LOOK_NONE)
        return (a->flags & (TRK_SHM_LOOKS | TRK_SHM_NO_MEMORY)) && a->lists != NULL ? TRK_YES : TRK_UNKNOWN;
    if (a->flags & TRK_SHM_NO_MEMORY)
        return why == TRK_LOOK_LEAK_CHECK ? TRK_UNKNOWN : TRK_NO;
    return (a->flags & TRK_SHM_LOOKS) && (a->flags & flag) ? TRK_YES : TRK_UNKNOWN;
}

/* A child that a handler of this thread forked goes on behind the handler, with the mapping of its parent's look; and
 * the process may be woken by another recorder meanwhile. */
static bool still_ours(const struct waiter *w)
{
    const struct trk_arena *a = trk_arena();
    return a == w->arena && a->proc == w->proc && __atomic_load_n(&trk_eng.sentinel->state, __ATOMIC_ACQUIRE) == 2;
}

/* False: waiting longer is pointless. */
static bool nap(struct waiter *w, uint32_t *word, uint32_t seen)
{
    uint64_t before = trk_now_ns();
    bool kept = w->patient && w->mine != 0 && trk_load32(&w->look->working) == w->mine;
    w->late = !kept && w->slept_ns >= w->bound_ns;
    if (w->late || !still_ours(w) || !trk_recorder_alive(&w->heart, w->slept_ns + 1))
        return false;
    trk_tls.busy_tick = trk_load64(trk_clock()); /* the mark is not stale */
    trk_futex_wait(word, seen, TRK_LOOK_NAP_NS);
    uint64_t gone = trk_now_ns() - before;
    w->slept_ns += gone < TRK_LOOK_NAP_NS ? gone : TRK_LOOK_NAP_NS;
    return true;
}

/* One look at a time. The id of a dead thread, and our own, were left behind: by a thread that was cancelled, and by a
 * handler that jumped. */
static bool claim(struct waiter *w)
{
    for (;;) {
        uint32_t who = __atomic_load_n(&w->look->tid, __ATOMIC_RELAXED);
        if ((who == 0 || who == w->tid || trk_thread_dead(who)) &&
            __atomic_compare_exchange_n(&w->look->tid, &who, w->tid, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
            return true; /* partner: release() */
        if (who != 0 && !nap(w, &w->look->tid, who))
            return false;
    }
}

static void release(struct waiter *w)
{
    uint32_t tid = w->tid;
    if (still_ours(w) && __atomic_compare_exchange_n(&w->look->tid, &tid, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        trk_futex_wake(&w->look->tid);
}

/* As much of it as is readable from its start. A plain load could meet memory that another thread just gives back. */
static uint64_t copy_own(char *to, uint64_t from, uint64_t size)
{
    struct iovec here = { .iov_base = to, .iov_len = size };
    struct iovec there = { .iov_base = (void *)(uintptr_t)from, .iov_len = size };
    long n = trk_sys6(SYS_process_vm_readv, (long)trk_eng.pid, (long)&here, 1, (long)&there, 1, 0);
    if (n == -EPERM || n == -ENOSYS || n == -EACCES) {
        int fd = trk_open_read("/proc/self/mem");
        if (fd < 0)
            return 0;
        n = trk_sys4(SYS_pread64, fd, to, size, from);
        trk_close(fd);
    }
    return n > 0 ? (uint64_t)n : 0;
}

static void serve(const struct waiter *w, uint32_t number)
{
    struct trk_shm_look *look = w->look;
    uint64_t at = trk_load64(&look->read_at), bytes = trk_load64(&look->read_bytes);
    if (bytes > w->arena->look_bytes)
        bytes = w->arena->look_bytes;
    uint64_t got = bytes > 0 && at < UINT64_MAX - bytes ? copy_own(w->arena->look_window, at, bytes) : 0;
    if (!still_ours(w))
        return;
    __atomic_store_n(&look->got, got, __ATOMIC_RELAXED);
    __atomic_store_n(&look->served, number, __ATOMIC_RELEASE); /* partner: the recorder, which takes the bytes then */
    trk_futex_wake(&look->served);
}

static bool wait_answer(struct waiter *w)
{
    struct trk_shm_look *look = w->look;
    for (;;) {
        uint32_t answered = __atomic_load_n(&look->answered, __ATOMIC_ACQUIRE); /* partner: the recorder, when done */
        if (answered == w->mine)
            return true;
        uint32_t read = __atomic_load_n(&look->read, __ATOMIC_ACQUIRE); /* partner: the recorder, behind read_at */
        bool over = read == UINT32_MAX;
        if (!over && read != trk_load32(&look->served)) {
            if (!still_ours(w))
                return false;
            serve(w, read);
        } else if (!nap(w, over ? &look->answered : &look->read, over ? answered : read)) {
            /* The last chance of an answer that came while we were kept from running. */
            return still_ours(w) && __atomic_load_n(&look->answered, __ATOMIC_ACQUIRE) == w->mine;
        }
    }
}

/* It has the members that were added. */
static bool is_long(const struct trk_look_ask *ask)
{
    return ask->question >= TRK_ASK_GC;
}

/* Asks, and waits. False: there is no answer. */
static bool ask_one(struct waiter *w, const struct trk_look_ask *ask, uintptr_t sp)
{
    struct trk_shm_look *look = w->look;
    look->why = ask->why;
    look->question = ask->question;
    for (unsigned i = 0; i < 2; i++)
        look->arg[i] = is_long(ask) ? ask->arg[i] : 0;
    look->text = ask->name != NULL ? trk_text_string(ask->name) : 0;
    look->sp = sp;
    look->tp = trk_thread_pointer();
    __atomic_store_n(&look->served, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&look->read, 0, __ATOMIC_RELAXED);
    w->mine = trk_load32(&look->wanted) + 1;
    __atomic_store_n(&look->wanted, w->mine, __ATOMIC_RELEASE); /* partner: the recorder's look at the entries */
    w->slept_ns = 0;
    w->heart = (struct trk_heart){ 0, 0 };
    if (!wait_answer(w))
        return false;
    /* Else it looked, and told nothing. */
    return ask->question == TRK_ASK_NOTHING || trk_load32(&look->told) == w->mine;
}

/* The words of the answer's list, part by part. False: the rest did not come. */
static bool take_list(struct waiter *w, const struct trk_look_ask *ask, uintptr_t sp)
{
    const struct trk_shm_list *from = &w->arena->lists[w->arena->proc_index];
    uint64_t done = 0;
    for (;;) {
        uint64_t words = trk_load32(&w->look->list_words), left = ask->room - done;
        words = words < left ? words : left;
        words = words < TRK_LIST_WORDS ? words : TRK_LIST_WORDS;
        if (!still_ours(w))
            return false;
        for (uint64_t i = 0; i < words; i++)
            ask->list[done + i] = trk_load64(&from->words[i]);
        done += words;
        if (words < TRK_LIST_WORDS || done == ask->room)
            return true;
        const struct trk_look_ask more = { .question = TRK_ASK_MORE, .arg = { 0, done } };
        if (!ask_one(w, &more, sp))
            return false;
    }
}

static int ask(struct waiter *w, const struct trk_look_ask *ask, uintptr_t sp)
{
    struct trk_shm_look *look = w->look;
    int nothing = is_long(ask) ? TRK_TIMEOUT : TRK_UNKNOWN;
    if (!ask_one(w, ask, sp))
        return w->late ? nothing : TRK_UNKNOWN;
    int32_t answer = __atomic_load_n(&look->answer, __ATOMIC_RELAXED);
    uint64_t numbers[TRK_LOOK_NUMBERS]; /* before the list is asked for */
    for (unsigned i = 0; i < TRK_LOOK_NUMBERS; i++)
        numbers[i] = trk_load64(&look->numbers[i]);
    if (is_long(ask) && answer == TRK_YES && ask->room > 0 && !take_list(w, ask, sp))
        return w->late ? nothing : TRK_UNKNOWN;
    if (ask->numbers != NULL)
        trk_copy(ask->numbers, numbers, (is_long(ask) ? TRK_LOOK_NUMBERS : TRK_LEAK_NUMBERS) * sizeof numbers[0]);
    return answer == TRK_YES || answer == TRK_NO ? answer : TRK_UNKNOWN;
}

/* Inside the engine. */
static int look_here(const struct trk_look_ask *what, const struct trk_frame *at, uintptr_t sp)
{
    if (!trk_engine_here() || trk_sys0(SYS_getpid) != trk_eng.pid) /* the latter: between vfork and exec */
        return TRK_UNKNOWN;
    const struct trk_arena *a = trk_arena();
    int wanted = wanted_by(a, what->why);
    if (wanted != TRK_YES || trk_load32(&a->hdr->recorder_state) != TRK_REC_RUNNING)
        return wanted == TRK_NO ? TRK_NO : TRK_UNKNOWN;
    int64_t ms = trk_options.look_ms;
    struct waiter w = { .arena = a,
                        .proc = a->proc,
                        .look = &a->proc->look,
                        .tid = (uint32_t)trk_sys0(SYS_gettid),
                        .patient = what->why == TRK_LOOK_EXIT,
                        .bound_ns = (uint64_t)(ms >= 0 ? ms : TRK_LOOK_MS) * 1000000u };
    if (!claim(&w))
        return w.late && is_long(what) ? TRK_TIMEOUT : TRK_UNKNOWN;
    int answer = ask(&w, what, what->why == TRK_LOOK_EXIT ? trk_look_exit_sp(at, sp) : sp);
    release(&w);
    return answer;
}

static __attribute__((noinline)) int look_from(const struct trk_look_ask *what, const struct trk_frame *at,
                                               uintptr_t sp)
{
    uint64_t cookie;
    int phase = __atomic_load_n(&trk_eng.phase, __ATOMIC_ACQUIRE);
    if (phase == TRK_PHASE_FORWARD)
        return trk_eng.forward->bytes > offsetof(struct trk_engine_table, look) ? trk_eng.forward->look(what)
                                                                                : TRK_UNKNOWN;
    if (phase != TRK_PHASE_LIVE || !trk_engine_enter(&cookie))
        return TRK_UNKNOWN;
    int answer = look_here(what, at, sp);
    trk_engine_leave(&cookie);
    return answer;
}

__attribute__((noinline)) int trk_look(const struct trk_look_ask *what)
{
    const struct trk_frame at = TRK_FRAME_CALLER;
    uintptr_t saved[TRK_SAVED_REGISTERS];
    TRK_SAVE_REGISTERS(saved);
    int answer = look_from(what, &at, (uintptr_t)saved);
    __asm__ volatile("" : : "r"(saved) : "memory"); /* they stand there until it is over */
    return answer;
}
