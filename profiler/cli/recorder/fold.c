/* fold.c: keeps the trace of a process within its budget while it grows (keep=folded, keep=window, max_trace=).
 *
 * The trace is a log: blocks are appended, and when enough gathered the file is folded. A helper process (fold_help.c)
 * writes another file beside it: the state reached, what that still cites, and the events after it, then what was
 * appended meanwhile. The recorder copies the last bit, renames the new file over the old one and goes on in it. So a
 * complete trace stands under the name at any moment.
 *
 * Why a helper and not a heap of our own that follows the events: between its begin and its end the rings are looked at
 * as without folding, whatever a fold costs, while a state would be saved in one go; events that wait to be folded wait
 * in the file and not in memory; between folds there is no heap; and a helper that dies costs a fold, not the
 * recording. A thread would do as well, but for the recorder that goes on in a forked process, and memory that is given
 * back.
 *
 * Measured (a server of four threads with 500 000 references a second, ring_most and fold_ring_most of META): where a
 * fold begins or ends a ring was at most 9 % full and nobody waited for room; at any moment at most 19 %, while the
 * whole trace was recorded (keep=all) 15 %. A fork of the recorder takes 0.1 to 1.1 ms, a rename 0.15 ms at most.
 *
 * When a fold begins no slot is pending, so that every definition written so far stands in front of the cut. What is
 * cited later is defined anew, because the new file holds only what the state and its rest cite. */
#include "private.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    SEGMENT = 4 << 20, /* less than this is not worth a fold, where the budget allows */
    WINDOW_STEPS = 64, /* how exactly the begin of a window is known: parts of it */
    SLOT_BYTES = 6,    /* what a slot takes in the file, before that is known */
    END_BYTES = 512,   /* of its last blocks */
};

/* Takes the helper's end, which comes when we close; with WNOHANG it may take some more looks until its memory is gone.
 */
static void reap_helper(struct proc *proc, int flags)
{
    struct fold *fold = &proc->fold;
    struct rusage usage;
    if (fold->pipe >= 0)
        close(fold->pipe);
    fold->pipe = -1;
    pid_t pid = wait4(fold->helper, NULL, flags, &usage);
    if (pid == 0)
        return;
    if (pid == fold->helper)
        proc->arena->rec->folding_cpu_us += (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000u +
                                            (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    fold->helper = 0;
    proc->arena->rec->folding = false;
}

static void say(struct proc *proc, const char *what)
{
    char failed[64], note[320];
    snprintf(failed, sizeof failed, "folds_failed=%u", proc->fold.failed);
    snprintf(note, sizeof note, "fold_note=%.300s", what);
    const char *const pairs[] = { failed, note, NULL };
    free(proc->result.note);
    proc->result.note = strdup(what);
    if (proc->writer != NULL)
        rec_proc_problem(proc, prof_writer_meta(proc->writer, pairs));
}

static void failed(struct proc *proc, const char *why)
{
    struct fold *fold = &proc->fold;
    char text[300];
    unlink(fold->file);
    fold->failed++;
    fold->failing = true;
    /* Not again before as much came as a fold is worth. */
    uint64_t budget = proc->arena->rec->options.max_trace;
    fold->retry_bytes =
        prof_writer_bytes(proc->writer) + (budget != 0 && budget / 16 < SEGMENT / 4 ? budget / 16 : SEGMENT / 4);
    snprintf(text, sizeof text, "the trace could not be made shorter, recording goes on: %s", why);
    say(proc, text);
}

static void start(struct proc *proc, uint64_t round)
{
    struct fold *fold = &proc->fold;
    if (fold->file == NULL) {
        const char *slash = strrchr(proc->result.path, '/');
        int folder = slash != NULL ? (int)(slash + 1 - proc->result.path) : 0;
        if (asprintf(&fold->file, "%.*s.%s.fold", folder, proc->result.path, proc->result.path + folder) < 0) {
            fold->file = NULL;
            return;
        }
    }
    /* Nobody else has the name as long as we have that of the trace: it is what a killed recorder left. */
    unlink(fold->file);
    uint64_t end = prof_writer_bytes(proc->writer);
    pid_t pid = rec_fold_helper(proc, round, end, &fold->pipe);
    if (pid < 0) {
        failed(proc, strerror(errno));
        return;
    }
    fold->helper = pid;
    fold->began = end;
    fold->edge = true;
    proc->arena->rec->folding = true;
    rec_define_again(proc);
}

/* ---- The end of a fold ---- */

static void note_budget(struct proc *proc)
{
    uint64_t budget = proc->arena->rec->options.max_trace;
    struct fold *fold = &proc->fold;
    if (budget == 0 || fold->warned || fold->base * 2 <= budget / 4 * 3)
        return;
    char text[200];
    fold->warned = true;
    snprintf(text, sizeof text,
             "what is alive needs %llu KiB in the trace, too much for max-trace=%llu KiB: the trace grows beyond it",
             (unsigned long long)(fold->base >> 10), (unsigned long long)(budget >> 10));
    say(proc, text);
}

static void take_over(struct proc *proc, const struct fold_report *report)
{
    struct fold *fold = &proc->fold;
    uint64_t before = prof_writer_bytes(proc->writer);
    struct prof_error *error =
        prof_writer_replace(proc->writer, fold->file, report->bytes, report->blocks, report->upto);
    if (error != NULL) {
        failed(proc, error->message);
        prof_error_destroy(error);
        return;
    }
    fold->count++;
    fold->failing = false;
    fold->retry_bytes = 0;
    fold->base = report->base;
    fold->grown = before - fold->began;
    uint64_t gone = before - prof_writer_bytes(proc->writer);
    size_t kept = 0;
    for (size_t i = 0; i < fold->marks.count; i++) {
        struct fold_mark mark = fold->marks.items[i];
        if (mark.round <= fold->round)
            continue;
        mark.offset = mark.offset > gone ? mark.offset - gone : 0;
        fold->marks.items[kept++] = mark;
    }
    fold->marks.count = kept;
    proc->result.folds = fold->count;
    note_budget(proc);
}

/* Has the helper finished? */
static void look_at_helper(struct proc *proc)
{
    struct fold_report report;
    ssize_t n = read(proc->fold.pipe, &report, sizeof report);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    report.problem[sizeof report.problem - 1] = '\0';
    if (n != (ssize_t)sizeof report)
        failed(proc, "the helper ended before it was done");
    else if (report.problem[0] != '\0')
        failed(proc, report.problem);
    else
        take_over(proc, &report);
    proc->fold.edge = true;
    reap_helper(proc, WNOHANG); /* after the old file was given up: the helper has it open, and frees what it took */
}

void rec_fold_finish(struct recorder *rec)
{
    for (size_t a = 0; a < rec->arenas.count; a++)
        for (int i = 0; i < TRK_PROC_MAX; i++) {
            struct proc *proc = rec->arenas.items[a]->proc[i];
            if (proc != NULL && proc->fold.pipe >= 0)
                look_at_helper(proc);
            else if (proc != NULL && proc->fold.helper != 0)
                reap_helper(proc, WNOHANG);
        }
}

void rec_fold_stop(struct proc *proc)
{
    struct fold *fold = &proc->fold;
    if (fold->helper != 0) {
        kill(fold->helper, SIGKILL); /* not reaped yet, or not our child any more: then it dies with its parent */
        reap_helper(proc, 0);
        unlink(fold->file);
    }
    free(fold->file);
    fold->file = NULL;
    prof_vec_deinit(&fold->marks);
}

void rec_fold_moved(struct proc *proc)
{
    struct fold *fold = &proc->fold;
    if (fold->helper == 0)
        return;
    kill(fold->helper, SIGKILL);
    reap_helper(proc, 0);
}

/* ---- When ---- */

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* How much may gather before a fold is due. held: bytes that stand in both files while it is made. The trace grows
 * meanwhile, perhaps twice as much as last time, and a quarter of the budget is spare. */
static uint64_t gather(const struct proc *proc, uint64_t held, uint64_t worth)
{
    uint64_t budget = proc->arena->rec->options.max_trace, limit = most(most(SEGMENT, worth), budget / 2);
    if (budget == 0)
        return limit;
    uint64_t room = budget / 4 * 3, grown = proc->fold.count > 0 ? proc->fold.grown : budget / 8;
    uint64_t taken = 2 * held + 2 * grown;
    uint64_t left = most(room > taken ? room - taken : 0, budget / 16);
    return left < limit ? left : limit;
}

static void mark_now(struct proc *proc, uint64_t now_us, uint64_t bytes)
{
    const struct rec_options *options = &proc->arena->rec->options;
    struct fold *fold = &proc->fold;
    const struct fold_mark *last = fold->marks.count > 0 ? &fold->marks.items[fold->marks.count - 1] : NULL;
    uint64_t step = options->window_us / WINDOW_STEPS, step_bytes = options->window_bytes / WINDOW_STEPS;
    if (last != NULL && (now_us - last->us < step || bytes - last->offset < step_bytes))
        return;
    (void)prof_vec_push(&fold->marks, (struct fold_mark){ now_us, proc->arena->rec->round - 1, bytes });
}

/* The newest round that has left the window, and where it ends in the file. */
static struct fold_mark window_begin(struct proc *proc, uint64_t now_us, uint64_t bytes)
{
    const struct rec_options *options = &proc->arena->rec->options;
    struct fold *fold = &proc->fold;
    uint64_t room = options->max_trace / 4 * 3, inside_most = UINT64_MAX;
    if (options->max_trace != 0)
        inside_most = room > 2 * fold->base ? (room - 2 * fold->base) / 5 * 2 : 0;
    struct fold_mark begin = { 0 };
    for (size_t i = 0; i < fold->marks.count; i++) {
        const struct fold_mark *mark = &fold->marks.items[i];
        uint64_t inside = bytes > mark->offset ? bytes - mark->offset : 0;
        bool left =
            options->window_bytes != 0 ? inside >= options->window_bytes : now_us - mark->us >= options->window_us;
        if (left || inside > inside_most)
            begin = *mark;
    }
    size_t kept = 0;
    for (size_t i = 0; i < fold->marks.count; i++)
        if (fold->marks.items[i].round >= begin.round)
            fold->marks.items[kept++] = fold->marks.items[i];
    fold->marks.count = kept;
    return begin;
}

void rec_fold_look(struct proc *proc, uint64_t now_us)
{
    struct recorder *rec = proc->arena->rec;
    const struct rec_options *options = &rec->options;
    struct fold *fold = &proc->fold;
    if (proc->writer == NULL || options->keep == REC_KEEP_ALL || rec_is_flight(proc->arena))
        return;
    uint64_t bytes = prof_writer_bytes(proc->writer);
    if (options->keep == REC_KEEP_WINDOW)
        mark_now(proc, now_us, bytes);
    if (rec->folding || rec->round < 2 || bytes < fold->retry_bytes)
        return;
    /* What is pending in other processes' rings does not matter: blocks of this file are complete up to the last round.
     */
    uint64_t round = rec->round - 2, folded = bytes - fold->base, worth = fold->base, held = worth;
    if (options->keep == REC_KEEP_WINDOW) {
        struct fold_mark begin = window_begin(proc, now_us, bytes);
        round = begin.round;
        folded = begin.offset > fold->base ? begin.offset - fold->base : 0;
        held += bytes - most(begin.offset, fold->base);
        worth = most(worth, (bytes - most(begin.offset, fold->base)) / 2);
        if (round == 0)
            return;
    }
    if (folded < gather(proc, held, worth))
        return;
    fold->round = round;
    start(proc, round);
}

/* Exactly what the pending slots of a process would take. */
static uint64_t measure(struct proc *proc)
{
    struct arena *arena = proc->arena;
    rec_proc_problem(proc, prof_writer_measure(proc->writer));
    for (uint32_t i = 0; i < arena->ring_count; i++)
        if (arena->rings[i].proc == proc->index)
            rec_proc_problem(proc, rec_write_slots(proc, &arena->rings[i], i));
    return prof_writer_measured(proc->writer);
}

/* Would the trace with that many more slots be longer than it may ever be? */
static bool is_over(struct proc *proc, uint64_t slots)
{
    const struct rec_options *options = &proc->arena->rec->options;
    if (options->max_trace == 0 || proc->writer == NULL)
        return false;
    uint64_t bytes = prof_writer_bytes(proc->writer) + prof_writer_gathered(proc->writer);
    if (options->keep != REC_KEEP_ALL)
        return proc->fold.failing && proc->fold.helper == 0 && bytes > options->max_trace;
    /* What a slot took so far and half as much again. Near the limit that is not good enough. */
    uint64_t events = bytes > proc->look_bytes ? bytes - proc->look_bytes : 0;
    uint64_t each = proc->slots_in > 0 ? events * 3 / 2 / proc->slots_in + 1 : SLOT_BYTES;
    if (bytes + slots * each <= options->max_trace)
        return false;
    uint64_t more = measure(proc); /* and the definitions are blocks now */
    return prof_writer_bytes(proc->writer) + prof_writer_gathered(proc->writer) + more + END_BYTES > options->max_trace;
}

void rec_fold_limits(struct arena *arena)
{
    if (arena->rec->options.max_trace == 0)
        return;
    for (int p = 0; p < TRK_PROC_MAX; p++) {
        struct proc *proc = arena->proc[p];
        uint64_t slots = 0;
        for (uint32_t i = 0; proc != NULL && i < arena->ring_count; i++)
            if (arena->rings[i].proc == p)
                slots += arena->rings[i].pending.count;
        if (slots > 0 && is_over(proc, slots))
            rec_proc_limit(proc);
    }
}
