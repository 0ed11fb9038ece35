/* question.c: a thread of the target asked something that takes the whole recording to answer (trk_leak_check,
 * trk_gc_*).
 *
 * A forked helper replays the trace up to that moment; meanwhile the recorder goes on, and the thread waits. What the
 * helper says comes through a pipe: an answer, then what is longer. Lists go to the thread in parts. */
#include "private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <track/track.h>

#include "launch.h"

enum { SAID_MAX = 1 << 30 };

static bool is_leak_check(uint32_t kind)
{
    return kind >= TRK_ASK_LEAKS_FULL && kind <= TRK_ASK_LEAKS_NEW;
}

/* ---- The helper ---- */

bool rec_question_put(int out, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        ssize_t n = write(out, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

/* The process ends with it: nothing is worth freeing. */
static bool judge(const struct proc *proc, uint64_t end, int out)
{
    const struct question *q = &proc->question;
    struct prof_trace *trace;
    int fd = dup(prof_writer_fd(proc->writer));
    if (fd < 0 || prof_trace_open_fd(fd, proc->result.path, end, &trace) != NULL)
        return false;
    return is_leak_check(q->kind) ? rec_leak_check_tell(trace, out) : rec_gc_tell(trace, q, out);
}

/* It must not outlive the recorder, and must not be what the target waits for. */
static void run_helper(const struct proc *proc, pid_t parent, int out, uint64_t end)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    launch_detach_files(-1);
    _exit(judge(proc, end, out) ? 0 : 1);
}

/* ---- The recorder ---- */

void rec_question_stop(struct proc *proc)
{
    struct question *q = &proc->question;
    struct rusage usage;
    if (q->helper == 0)
        return;
    close(q->pipe);
    q->pipe = -1;
    kill(q->helper, SIGKILL); /* not reaped yet, or not our child any more: then it dies with its parent */
    if (wait4(q->helper, NULL, 0, &usage) == q->helper)
        proc->arena->rec->folding_cpu_us += (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000u +
                                            (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    q->helper = 0;
    q->said.count = 0;
}

void rec_question_give_up(struct proc *proc)
{
    if (proc->question.helper == 0)
        return;
    rec_question_stop(proc);
    rec_look_answer(proc, TRK_UNKNOWN, NULL);
}

void rec_question_free(struct proc *proc)
{
    prof_vec_deinit(&proc->question.said);
    prof_vec_deinit(&proc->question.before);
}

/* Everything that the process did so far is in the file, whose end is *ret. */
static bool bring_up_to_date(struct proc *proc, uint64_t *ret)
{
    rec_look_settle(proc->arena->rec);
    if (proc->writer == NULL)
        return false;
    rec_proc_problem(proc, prof_writer_flush(proc->writer));
    *ret = prof_writer_bytes(proc->writer);
    return true;
}

static bool start_helper(struct proc *proc, uint64_t end)
{
    struct question *q = &proc->question;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        close(ends[0]);
        run_helper(proc, parent, ends[1], end);
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return false;
    }
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    q->helper = pid;
    q->pipe = ends[0];
    return true;
}

/* The words of the list from the given one on, as many as go at once. */
static void hand_over(struct proc *proc, uint64_t from)
{
    const struct question *q = &proc->question;
    struct arena *arena = proc->arena;
    size_t head = sizeof(struct question_answer), all = q->said.count > head ? (q->said.count - head) / 8 : 0;
    size_t words = from < all ? all - (size_t)from : 0;
    words = words < TRK_LIST_WORDS ? words : TRK_LIST_WORDS;
    struct trk_shm_list *to = (struct trk_shm_list *)(void *)(arena->base + arena->list_off) + proc->index;
    for (size_t i = 0; i < words; i++) {
        uint64_t word;
        memcpy(&word, q->said.items + head + (from + i) * 8, sizeof word);
        __atomic_store_n(&to->words[i], word, __ATOMIC_RELAXED);
    }
    __atomic_store_n(&arena->procs[proc->index].look.list_words, (uint32_t)words, __ATOMIC_RELAXED);
}

/* The list of the answer before goes on. */
static bool tell_more(struct proc *proc, uint64_t from)
{
    struct question_answer answer;
    if (proc->question.said.count < sizeof answer)
        return false;
    memcpy(&answer, proc->question.said.items, sizeof answer);
    hand_over(proc, from);
    rec_look_answer(proc, TRK_YES, &answer);
    return true;
}

static void tell_settings(struct proc *proc)
{
    struct question_answer answer = { .answer = TRK_YES };
    rec_drain(proc->arena); /* what the thread set before it asked */
    answer.numbers[0] = proc->gc.enabled;
    memcpy(&answer.numbers[1], proc->gc.threshold, sizeof proc->gc.threshold);
    answer.numbers[4] = proc->gc.debug;
    rec_look_answer(proc, TRK_YES, &answer);
}

bool rec_question_begin(struct proc *proc, uint32_t kind, const uint64_t arg[2])
{
    struct question *q = &proc->question;
    uint64_t end;
    bool gc = kind >= TRK_ASK_GC && kind < TRK_ASK_GC_END;
    if (kind == TRK_ASK_MORE)
        return tell_more(proc, arg[1]);
    if ((!gc && !is_leak_check(kind)) || proc->writer == NULL || rec_is_flight(proc->arena))
        return false;
    if (kind == TRK_ASK_GC_SETTINGS) {
        tell_settings(proc);
        return true;
    }
    q->kind = kind;
    q->arg[0] = arg[0];
    q->arg[1] = arg[1];
    q->said.count = 0;
    if (kind == TRK_ASK_GC_COLLECT && !rec_gc_command(proc, TRK_GC_DO_COLLECT, arg[0], 0))
        return false;
    return bring_up_to_date(proc, &end) && start_helper(proc, end);
}

/* All that the helper had to say is there. */
static void conclude(struct proc *proc)
{
    struct question *q = &proc->question;
    struct question_answer answer;
    size_t said = q->said.count;
    int result = TRK_UNKNOWN;
    rec_question_stop(proc);
    if (said >= sizeof answer) {
        memcpy(&answer, q->said.items, sizeof answer);
        result = (int)answer.answer;
        if (is_leak_check(q->kind)) {
            result = rec_leak_check_conclude(proc, &answer, q->said.items + sizeof answer, said - sizeof answer);
        } else {
            q->said.count = said; /* more of it may be asked for */
            hand_over(proc, 0);
        }
    }
    rec_look_answer(proc, result, result != TRK_UNKNOWN ? &answer : NULL);
}

void rec_question_look(struct proc *proc)
{
    struct question *q = &proc->question;
    if (q->helper == 0)
        return;
    /* Partner: release() of libtrack. */
    if (__atomic_load_n(&proc->arena->procs[proc->index].look.tid, __ATOMIC_ACQUIRE) == 0) {
        rec_question_stop(proc); /* it waits no longer */
        return;
    }
    for (;;) {
        ssize_t n = prof_vec_reserve(&q->said, 65536) ? read(q->pipe, q->said.items + q->said.count, 65536) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0 || q->said.count > SAID_MAX) {
            conclude(proc);
            return;
        }
        q->said.count += (size_t)n;
    }
}
