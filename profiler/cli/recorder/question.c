/* question.c: a thread of the target asked something that takes the whole recording to answer (trk_leak_check,
 * trk_gc_*).
 *
 * A forked helper (question_help.c) knows the trace up to that moment; meanwhile the recorder goes on, and the thread
 * waits. It stays for the next question. What it says comes in parts: an answer, then what is longer. Lists go to the
 * thread in parts, too. A helper that fails costs an answer, and one whose file was replaced by a fold is replaced. */
#include "private.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <track/track.h>

enum { SAID_MAX = 1 << 30 };

bool rec_question_is_leak_check(uint32_t kind)
{
    return kind >= TRK_ASK_LEAKS_FULL && kind <= TRK_ASK_LEAKS_NEW;
}

/* ---- Its helper ---- */

/* With WNOHANG it may take some more looks until its memory is gone. */
static void reap(struct proc *proc, int flags)
{
    struct question *q = &proc->question;
    struct rusage usage;
    pid_t pid = q->dying != 0 ? wait4(q->dying, NULL, flags, &usage) : 0;
    if (q->dying == 0 || pid == 0)
        return;
    if (pid == q->dying) {
        uint64_t all = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000u +
                       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
        proc->arena->rec->folding_cpu_us += all > q->cpu_us ? all - q->cpu_us : 0;
    }
    q->dying = 0;
    q->cpu_us = 0;
}

static void end_helper(struct proc *proc)
{
    struct question *q = &proc->question;
    if (q->helper == 0)
        return;
    close(q->pipe);
    q->pipe = -1;
    reap(proc, 0);
    kill(q->helper, SIGKILL); /* not reaped yet, or not our child any more: then it dies with its parent */
    q->dying = q->helper;
    q->helper = 0;
    reap(proc, WNOHANG);
}

void rec_question_forget(struct proc *proc)
{
    proc->question.waits = false;
    proc->question.said.count = 0;
}

void rec_question_stop(struct proc *proc)
{
    rec_question_forget(proc);
    end_helper(proc);
    reap(proc, 0);
}

void rec_question_give_up(struct proc *proc)
{
    bool waits = proc->question.waits;
    rec_question_stop(proc);
    if (waits)
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

static bool start_helper(struct proc *proc)
{
    struct question *q = &proc->question;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        rec_question_help(proc, parent, ends[1]);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return false;
    }
    q->helper = pid;
    q->pipe = ends[0];
    q->folds = proc->fold.count;
    return true;
}

static bool send_request(struct question *q, bool given_up)
{
    struct question_request request = {
        .number = q->number, .end = q->end, .arg = { q->arg[0], q->arg[1] }, .kind = q->kind, .given_up = given_up
    };
    return send(q->pipe, &request, sizeof request, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof request;
}

/* The helper that is there, or a new one. */
static bool send_question(struct proc *proc)
{
    struct question *q = &proc->question;
    bool given_up = q->unanswered;
    if (q->helper != 0 && q->folds != proc->fold.count)
        end_helper(proc);
    q->again = q->helper == 0 || !send_request(q, given_up);
    if (q->again) {
        end_helper(proc);
        q->unanswered = start_helper(proc) && send_request(q, false);
    } else {
        q->unanswered = true;
    }
    return q->unanswered;
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
    bool gc = kind >= TRK_ASK_GC && kind < TRK_ASK_GC_END;
    if (kind == TRK_ASK_MORE)
        return tell_more(proc, arg[1]);
    if ((!gc && !rec_question_is_leak_check(kind)) || proc->writer == NULL || rec_is_flight(proc->arena))
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
    if (!bring_up_to_date(proc, &q->end))
        return false;
    q->number++;
    q->waits = send_question(proc);
    return q->waits;
}

/* All that the helper had to say is there. known: an answer. */
static void conclude(struct proc *proc, bool known)
{
    struct question *q = &proc->question;
    struct question_answer answer;
    size_t said = q->said.count;
    int result = TRK_UNKNOWN;
    if (known && said >= sizeof answer) {
        memcpy(&answer, q->said.items, sizeof answer);
        result = (int)answer.answer;
        if (rec_question_is_leak_check(q->kind)) {
            result = rec_leak_check_conclude(proc, &answer, q->said.items + sizeof answer, said - sizeof answer);
            q->said.count = 0;
        } else {
            hand_over(proc, 0); /* more of it may be asked for */
        }
    }
    q->waits = false;
    rec_look_answer(proc, result, result != TRK_UNKNOWN ? &answer : NULL);
}

/* The helper is gone. One that lived on from an earlier question is replaced, and the new one is asked. */
static void helper_ended(struct proc *proc)
{
    struct question *q = &proc->question;
    bool again = q->again;
    q->said.count = 0;
    q->unanswered = false;
    end_helper(proc);
    if (!q->waits || (!again && send_question(proc)))
        return;
    conclude(proc, false);
}

static void take_part(struct proc *proc, const struct question_part *part)
{
    struct question *q = &proc->question;
    q->cpu_us += part->cpu_us;
    proc->arena->rec->folding_cpu_us += part->cpu_us;
    if (part->number != q->number)
        return; /* of a question that was given up */
    bool good =
        part->all <= SAID_MAX && q->said.count + part->here <= part->all && prof_vec_reserve(&q->said, part->here);
    if (good && part->here > 0)
        memcpy(q->said.items + q->said.count, part->bytes, part->here);
    q->said.count += good ? part->here : 0;
    if (good && q->said.count < part->all)
        return;
    q->unanswered = false;
    if (!good || part->last)
        end_helper(proc);
    if (q->waits)
        conclude(proc, good && part->all > 0);
    else
        q->said.count = 0;
}

void rec_question_look(struct proc *proc)
{
    struct question *q = &proc->question;
    struct question_part part;
    reap(proc, WNOHANG);
    /* Partner: release() of libtrack. */
    if (q->waits && __atomic_load_n(&proc->arena->procs[proc->index].look.tid, __ATOMIC_ACQUIRE) == 0)
        rec_question_forget(proc); /* it waits no longer */
    while (q->helper != 0) {
        ssize_t n = recv(q->pipe, &part, sizeof part, MSG_DONTWAIT);
        size_t least = sizeof part - sizeof part.bytes;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (n < (ssize_t)least || (size_t)n != least + part.here || part.here > sizeof part.bytes) {
            helper_ended(proc);
            return;
        }
        take_part(proc, &part);
    }
    if (q->helper != 0 && !q->unanswered && q->folds != proc->fold.count)
        end_helper(proc); /* it holds on to a file that has no name any more */
}
