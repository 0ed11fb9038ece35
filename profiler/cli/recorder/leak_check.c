/* leak_check.c: a thread that had memory looked at wants to know what is lost (trk_leak_check).
 *
 * A forked helper replays the trace up to the look and judges it as reports do; meanwhile the recorder goes on, and the
 * thread waits. What the helper says comes through a pipe: the sums, then one row for each place whose blocks are lost.
 * The rows are kept for the next check to compare with. */
#include "private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <prof/finding.h>
#include <prof/heap.h>
#include <prof/symbol.h>
#include <track/track.h>

#include "launch.h"

enum { ROWS_MAX = 1 << 20 };
_Static_assert(sizeof(struct trk_leak_numbers) == sizeof((struct trk_shm_look *)0)->numbers, "one is the other");

/* ---- The helper ---- */

static bool put(int out, const void *bytes, size_t size)
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

/* Is it one of its own, and not a consequence of others or held? */
static bool is_definite(const struct prof_finding *f)
{
    return f->headline == PROF_HEADLINE_LOST && f->suppressed_by == NULL && f->verdict != PROF_INDIRECT &&
           f->verdict != PROF_COLLATERAL && f->verdict != PROF_POSSIBLE && f->verdict != PROF_UNFREED;
}

static struct trk_leak_amount ignored(const struct prof_heap *heap)
{
    struct trk_leak_amount sum = { 0, 0 };
    const unsigned both = PROF_BLOCK_ALIVE | PROF_BLOCK_EXAMINED | PROF_BLOCK_IGNORED;
    for (prof_block_id id = 1; id < prof_heap_block_max(heap); id++) {
        const struct prof_block *block = prof_heap_block(heap, id);
        if ((block->flags & both) == both) {
            sum.blocks++;
            sum.bytes += block->size;
        }
    }
    return sum;
}

static bool tell(const struct prof_heap *heap, const struct prof_findings *findings, int out)
{
    const struct prof_audit_memory *memory = &prof_findings_audit(findings)->memory;
    const struct prof_finding *list;
    size_t count = prof_findings_list(findings, &list);
    if (!memory->read)
        return false;
    struct trk_leak_amount left_out = ignored(heap), held = { memory->held_bytes, memory->held };
    held.bytes -= left_out.bytes < held.bytes ? left_out.bytes : held.bytes;
    held.blocks -= left_out.blocks < held.blocks ? left_out.blocks : held.blocks;
    struct trk_leak_numbers numbers = { .definite = { memory->lost_bytes, memory->lost },
                                        .indirect = { memory->indirect_bytes, memory->indirect },
                                        .possible = { memory->possible_bytes, memory->possible },
                                        .reachable = held,
                                        .suppressed = left_out };
    bool ok = put(out, &numbers, sizeof numbers);
    for (size_t i = 0; i < count && ok; i++) {
        struct leak_row row = { .blocks = list[i].objects, .bytes = list[i].bytes };
        memcpy(row.place, list[i].fingerprint, sizeof row.place);
        if (is_definite(&list[i]))
            ok = put(out, &row, sizeof row);
    }
    return ok;
}

/* The process ends with it: nothing is worth freeing. */
static bool check(const struct proc *proc, uint64_t end, int out)
{
    int fd = dup(prof_writer_fd(proc->writer));
    struct prof_trace *trace;
    struct prof_heap *heap;
    struct prof_symbols *symbols;
    struct prof_findings *findings;
    const struct prof_heap_options heap_options = { .keep_type_sites = true };
    const struct prof_symbols_options symbol_options = { 0 };
    const struct prof_findings_options options = { 0 };
    return fd >= 0 && prof_trace_open_fd(fd, proc->result.path, end, &trace) == NULL &&
           prof_heap_create(trace, &heap_options, &heap) == NULL &&
           prof_symbols_create(trace, &symbol_options, &symbols) == NULL &&
           prof_findings_create(heap, symbols, &options, &findings) == NULL && tell(heap, findings, out);
}

/* It must not outlive the recorder, and must not be what the target waits for. */
static void run_helper(const struct proc *proc, pid_t parent, int out, uint64_t end)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    launch_detach_files(-1);
    _exit(check(proc, end, out) ? 0 : 1);
}

/* ---- The recorder ---- */

void rec_leak_check_stop(struct proc *proc)
{
    struct leak_check *c = &proc->check;
    struct rusage usage;
    if (c->helper == 0)
        return;
    close(c->pipe);
    c->pipe = -1;
    kill(c->helper, SIGKILL); /* not reaped yet, or not our child any more: then it dies with its parent */
    if (wait4(c->helper, NULL, 0, &usage) == c->helper)
        proc->arena->rec->folding_cpu_us += (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000u +
                                            (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    c->helper = 0;
    c->said.count = 0;
}

void rec_leak_check_give_up(struct proc *proc)
{
    if (proc->check.helper == 0)
        return;
    rec_leak_check_stop(proc);
    rec_look_answer(proc, TRK_UNKNOWN, NULL);
}

void rec_leak_check_free(struct proc *proc)
{
    prof_vec_deinit(&proc->check.said);
    prof_vec_deinit(&proc->check.before);
}

bool rec_leak_check_begin(struct proc *proc, uint32_t kind)
{
    struct leak_check *c = &proc->check;
    int ends[2];
    if (kind < TRK_CHECK_FULL || kind > TRK_CHECK_NEW || proc->writer == NULL || rec_is_flight(proc->arena))
        return false;
    rec_proc_problem(proc, prof_writer_flush(proc->writer));
    uint64_t end = prof_writer_bytes(proc->writer);
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
    c->helper = pid;
    c->pipe = ends[0];
    c->kind = kind;
    c->said.count = 0;
    return true;
}

static int by_place(const void *left, const void *right)
{
    const struct leak_row *a = left, *b = right;
    return memcmp(a->place, b->place, sizeof a->place);
}

/* Rows in order of their places, one for each; returns how many are left. */
static size_t in_order(struct leak_row *rows, size_t count)
{
    size_t kept = 0;
    qsort(rows, count, sizeof *rows, by_place);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && by_place(&rows[kept - 1], &rows[i]) == 0) {
            rows[kept - 1].blocks += rows[i].blocks;
            rows[kept - 1].bytes += rows[i].bytes;
        } else {
            rows[kept++] = rows[i];
        }
    }
    return kept;
}

static const struct leak_row *row_of(const struct leak_row *rows, size_t count, const struct leak_row *like)
{
    return count > 0 ? bsearch(like, rows, count, sizeof *rows, by_place) : NULL;
}

/* Is there, in what is lost now, what was asked for? */
static bool differs(const struct leak_check *c, const struct leak_row *now, size_t count)
{
    bool more = false, less = false, fresh = false;
    for (size_t i = 0; i < count; i++) {
        const struct leak_row *was = row_of(c->before.items, c->before.count, &now[i]);
        fresh |= was == NULL;
        more |= was == NULL || now[i].blocks > was->blocks || now[i].bytes > was->bytes;
        less |= was != NULL && (now[i].blocks < was->blocks || now[i].bytes < was->bytes);
    }
    for (size_t i = 0; i < c->before.count; i++)
        less |= row_of(now, count, &c->before.items[i]) == NULL;
    switch (c->kind) {
    case TRK_CHECK_ADDED:
        return more;
    case TRK_CHECK_CHANGED:
        return more || less;
    default:
        return fresh;
    }
}

/* All that the helper had to say is there. */
static void conclude(struct proc *proc)
{
    struct leak_check *c = &proc->check;
    struct trk_leak_numbers numbers;
    size_t count = c->said.count >= sizeof numbers ? (c->said.count - sizeof numbers) / sizeof(struct leak_row) : 0;
    if (c->said.count != sizeof numbers + count * sizeof(struct leak_row)) {
        rec_leak_check_stop(proc);
        rec_look_answer(proc, TRK_UNKNOWN, NULL);
        return;
    }
    memcpy(&numbers, c->said.items, sizeof numbers);
    struct leak_row *now = calloc(count + 1, sizeof *now);
    bool known = now != NULL;
    bool some = false;
    if (known) {
        memcpy(now, c->said.items + sizeof numbers, count * sizeof *now);
        count = in_order(now, count);
        some = c->kind == TRK_CHECK_FULL ? numbers.definite.blocks > 0 : differs(c, now, count);
        c->before.count = 0;
        known = prof_vec_reserve(&c->before, count);
        for (size_t i = 0; i < count && known; i++)
            known = prof_vec_push(&c->before, now[i]);
    }
    free(now);
    rec_leak_check_stop(proc);
    rec_look_answer(proc, !known ? TRK_UNKNOWN : some ? TRK_NO : TRK_YES, known ? &numbers : NULL);
}

void rec_leak_check_look(struct proc *proc)
{
    struct leak_check *c = &proc->check;
    if (c->helper == 0)
        return;
    /* Partner: release() of libtrack. */
    if (__atomic_load_n(&proc->arena->procs[proc->index].look.tid, __ATOMIC_ACQUIRE) == 0) {
        rec_leak_check_stop(proc); /* it waits no longer */
        return;
    }
    for (;;) {
        ssize_t n = prof_vec_reserve(&c->said, 65536) ? read(c->pipe, c->said.items + c->said.count, 65536) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0 || c->said.count > ROWS_MAX * sizeof(struct leak_row)) {
            conclude(proc);
            return;
        }
        c->said.count += (size_t)n;
    }
}
