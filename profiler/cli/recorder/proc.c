/* proc.c: one recorded process: its trace from the first record to END.
 *
 * Death is noticed through a pidfd, or by kill(pid, 0) and /proc on kernels without. How it ended is asked of
 * whoever knows: the kernel for our own children, the pidfd, /proc while it is a zombie, its last EXIT record. */
#include "private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* PIDFD_GET_INFO of Linux 6.13 (exit code since 6.15); older kernels refuse it. */
struct pidfd_info_v0 {
    uint64_t mask, cgroup;
    uint32_t ids[11];
    int32_t exit_code;
};
#define PIDFD_GET_INFO_V0   _IOWR(0xFF, 11, struct pidfd_info_v0)
#define PIDFD_INFO_EXIT_BIT ((uint64_t)1 << 3)

int rec_pidfd(pid_t pid)
{
#ifdef SYS_pidfd_open
    return (int)syscall(SYS_pidfd_open, pid, 0);
#else
    (void)pid;
    return -1;
#endif
}

int rec_maps_fd(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* State letter of /proc/PID/stat and, in *ret_code, the wait status of a zombie; 0 when it cannot be read. */
static char read_state(pid_t pid, int *ret_code)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    /* The name may hold anything; the last parenthesis ends it. */
    char *at = strrchr(text, ')');
    if (at == NULL || at[1] != ' ')
        return 0;
    char state = at[2];
    char *last = strrchr(at, ' '); /* exit_code is the last of the 52 members */
    *ret_code = last != NULL ? atoi(last + 1) : 0;
    return state;
}

bool rec_pid_alive(pid_t pid, int pidfd)
{
    if (pidfd >= 0) {
        struct pollfd p = { .fd = pidfd, .events = POLLIN };
        return poll(&p, 1, 0) <= 0;
    }
    int code;
    if (kill(pid, 0) != 0 && errno == ESRCH)
        return false;
    char state = read_state(pid, &code);
    return state != 'Z' && state != 'X' && (state != 0 || access("/proc/self/stat", F_OK) != 0);
}

bool rec_proc_alive(struct proc *proc)
{
    if (!proc->dead && !rec_pid_alive(proc->pid, proc->pidfd))
        proc->dead = true;
    return !proc->dead;
}

void rec_proc_problem(struct proc *proc, struct prof_error *error)
{
    if (error == NULL)
        return;
    if (proc->result.problem == NULL)
        proc->result.problem = strdup(error->message);
    prof_error_destroy(error);
}

struct proc *rec_proc_create(struct arena *arena, int index, pid_t pid)
{
    struct recorder *rec = arena->rec;
    struct proc *proc = calloc(1, sizeof *proc);
    if (proc == NULL)
        return NULL;
    proc->arena = arena;
    proc->index = index;
    proc->epoch_ns = arena->epoch_ns;
    proc->pid = proc->result.pid = pid;
    proc->exit_status = -1;
    proc->maps_fd = -1;
    proc->fold.pipe = proc->question.pipe = -1;
    rec_gc_init(&proc->gc);
    /* The image's descriptor is older: it tells how the process ended even when somebody has waited for it. */
    proc->pidfd = pid == arena->image_pid && arena->image_pidfd >= 0 ? fcntl(arena->image_pidfd, F_DUPFD_CLOEXEC, 3)
                                                                     : rec_pidfd(pid);
    proc->stacks_seen = calloc(arena->depot_bytes / TRK_STACK_UNIT / 8 + 1, 1);
    proc->texts_seen = calloc(arena->text_bytes / TRK_TEXT_UNIT / 8 + 1, 1);
    proc->types_seen = calloc(TRK_TYPE_MAX / 8 + 1, 1);
    if (proc->stacks_seen == NULL || proc->texts_seen == NULL || proc->types_seen == NULL ||
        !prof_vec_push(&rec->results, &proc->result)) {
        rec_proc_free(proc);
        return NULL;
    }
    arena->proc[index] = proc;
    return proc;
}

void rec_proc_begin(struct proc *proc, const struct proc *parent)
{
    struct arena *arena = proc->arena;
    struct trk_shm_proc *shm = &arena->procs[proc->index];
    proc->result.program = arena->program != NULL ? strdup(arena->program) : NULL;
    if (proc->result.program == NULL) {
        rec_proc_problem(proc, prof_error_memory());
        return;
    }
    rec_proc_problem(proc, rec_name_open(proc, &proc->writer, &proc->result.path));
    if (proc->writer == NULL)
        return;
    if (!arena->rec->swept)
        rec_fold_sweep(proc->result.path);
    arena->rec->swept = true;
    rec_meta_write(proc, parent);
    uint32_t text = __atomic_load_n(&shm->modules_text, __ATOMIC_ACQUIRE);
    if (text == 0 && parent != NULL)
        text = parent->modules_text;
    if (text != 0)
        rec_modules_write(proc, text, parent != NULL ? parent->modules_gen : 0, proc->start_us);
    rec_proc_problem(proc, prof_writer_flush(proc->writer));
}

void rec_proc_free(struct proc *proc)
{
    if (proc->pidfd >= 0)
        close(proc->pidfd);
    if (proc->maps_fd >= 0)
        close(proc->maps_fd);
    free(proc->stacks_seen);
    free(proc->texts_seen);
    free(proc->types_seen);
    rec_question_free(proc);
    rec_counted_free(proc);
    prof_vec_deinit(&proc->forked);
    prof_vec_deinit(&proc->marks.pending);
    for (size_t i = 0; i < proc->own_texts.count; i++)
        free(proc->own_texts.items[i]);
    prof_vec_deinit(&proc->own_texts);
    free(proc->result.path);
    free(proc->result.program);
    free(proc->result.hooks);
    free(proc->result.malloc_note);
    free(proc->result.problem);
    free(proc->result.note);
    free(proc->result.look_note);
    free(proc);
}

void rec_proc_loss(struct proc *proc, struct trk_loss *ret)
{
    struct arena *arena = proc->arena;
    struct trk_shm_proc *shm = &arena->procs[proc->index];
    struct trk_loss loss = {
        .dropped = __atomic_load_n(&shm->dropped, __ATOMIC_RELAXED),
        .emergency = __atomic_load_n(&shm->emergency, __ATOMIC_RELAXED),
        .depot_full = __atomic_load_n(&arena->h->depot_full, __ATOMIC_RELAXED),
        .text_full = __atomic_load_n(&arena->h->text_full, __ATOMIC_RELAXED),
        .write_lost = proc->lost_unwritten + (proc->writer != NULL ? prof_writer_lost(proc->writer) : 0),
        .in_flight = proc->in_flight,
        .holes = proc->holes,
    };
    for (uint32_t i = 0; i < arena->ring_count; i++) {
        if (arena->rings[i].proc != proc->index)
            continue;
        loss.dropped += __atomic_load_n(&arena->shm_rings[i].dropped, __ATOMIC_RELAXED);
        loss.holes += arena->rings[i].holes;
    }
    *ret = loss;
}

/* Turns a wait status into a reason and a value. */
static void from_status(int status, uint32_t *ret_reason, int32_t *ret_value)
{
    if (WIFSIGNALED(status)) {
        *ret_reason = TRK_END_SIGNAL;
        *ret_value = WTERMSIG(status);
    } else {
        *ret_reason = TRK_END_EXIT;
        *ret_value = WEXITSTATUS(status);
    }
}

static bool reaped_status(const struct proc *proc, int *ret)
{
    struct pidfd_info_v0 kernel = { .mask = PIDFD_INFO_EXIT_BIT };
    if (proc->pidfd < 0 || ioctl(proc->pidfd, PIDFD_GET_INFO_V0, &kernel) != 0 || !(kernel.mask & PIDFD_INFO_EXIT_BIT))
        return false;
    *ret = kernel.exit_code;
    return true;
}

static void find_reason(struct proc *proc, uint32_t *ret_reason, int32_t *ret_value)
{
    siginfo_t info = { 0 };
    *ret_value = proc->exit_status >= 0 ? proc->exit_status : 0;
    *ret_reason = proc->exit_status >= 0 ? TRK_END_EXIT : proc->exec_seen ? TRK_END_EXEC : TRK_END_GONE;
    if (proc->unseen)
        return;
    if (waitid(P_PID, (id_t)proc->pid, &info, WEXITED | WNOWAIT | WNOHANG) == 0 && info.si_pid == proc->pid) {
        *ret_reason = info.si_code == CLD_EXITED ? TRK_END_EXIT : TRK_END_SIGNAL;
        *ret_value = info.si_status;
        return;
    }
    if (rec_pid_alive(proc->pid, proc->pidfd)) {
        /* It lives, but not with our memory: it is another program now. */
        *ret_reason = TRK_END_EXEC;
        *ret_value = 0;
        return;
    }
    /* A zombie tells through /proc, a process that somebody has waited for through its descriptor; which of them it is
     * may change while we ask. */
    int status;
    if (reaped_status(proc, &status) || (proc->pidfd >= 0 && read_state(proc->pid, &status) == 'Z') ||
        reaped_status(proc, &status))
        from_status(status, ret_reason, ret_value);
}

static void write_end(struct proc *proc, uint32_t reason, int32_t value)
{
    struct trk_end end = { .at_us = reason == TRK_END_LIMIT ? proc->round_us : rec_arena_us(proc->arena),
                           .reason = reason,
                           .value = value };
    if (proc->writer != NULL) /* END tells what is missing: first all else is in the file, or lost */
        rec_proc_problem(proc, prof_writer_flush(proc->writer));
    rec_proc_loss(proc, &end.loss);
    uint64_t unwritten = end.loss.write_lost - proc->lost_unwritten;
    end.records = proc->records_in > unwritten ? proc->records_in - unwritten : 0;
    end.slots = proc->slots_in;
    proc->result.loss = end.loss;
    proc->result.records = end.records;
    proc->result.slots = end.slots;
    proc->result.reason = reason;
    proc->result.value = value;
    if (proc->writer == NULL)
        return;
    if (memcmp(&end.loss, &proc->loss_written, sizeof end.loss) != 0)
        rec_proc_problem(proc, prof_writer_loss(proc->writer, &end.loss));
    rec_proc_problem(proc, prof_writer_end(proc->writer, &end));
    rec_proc_problem(proc, prof_writer_flush(proc->writer));
    uint64_t lost = prof_writer_lost(proc->writer);
    if (lost > unwritten) {
        proc->result.loss.write_lost += lost - unwritten;
        proc->result.records -= lost - unwritten < proc->result.records ? lost - unwritten : proc->result.records;
    }
    proc->result.bytes = prof_writer_bytes(proc->writer);
    proc->result.finished = proc->result.problem == NULL;
    rec_proc_problem(proc, prof_writer_close(proc->writer));
    proc->writer = NULL;
}

void rec_proc_limit(struct proc *proc)
{
    rec_fold_stop(proc);
    rec_question_give_up(proc);
    write_end(proc, TRK_END_LIMIT, 0);
    proc->over = true;
    rec_image_limit(proc->arena);
}

void rec_proc_end(struct proc *proc, enum trk_end_reason reason)
{
    struct arena *arena = proc->arena;
    struct recorder *rec = arena->rec;
    rec_fold_stop(proc);
    rec_question_stop(proc);
    rec_drain_final(arena, proc->index);
    rec_round_proc(proc);
    rec_meta_malloc(proc);
    rec_meta_filtered(proc);
    rec_meta_hooks(proc);
    rec_meta_use(proc);
    if (reason == 0)
        rec_meta_look(proc);
    uint32_t why = reason;
    int32_t value = 0;
    if (reason == 0 && !proc->over)
        find_reason(proc, &why, &value);
    if (proc->exec_seen && why != TRK_END_EXEC && proc->exit_status < 0)
        proc->result.into_unknown = true;
    if (!proc->over)
        write_end(proc, why, value);
    for (uint32_t i = 0; i < arena->ring_count; i++)
        if (arena->rings[i].proc == proc->index)
            rec_ring_give_back(arena, i);
    /* Children that have not touched the arena yet keep it alive. */
    for (size_t i = 0; i < proc->forked.count && arena->forked.count < REC_FORKED_MAX; i++)
        (void)prof_vec_push(&arena->forked, proc->forked.items[i]);
    arena->proc[proc->index] = NULL;
    rec_proc_give_back(arena, proc->index);
    proc->arena = NULL;
    proc->ended_us = rec_now_us();
    if (proc->pidfd >= 0)
        close(proc->pidfd);
    if (proc->maps_fd >= 0)
        close(proc->maps_fd);
    proc->pidfd = proc->maps_fd = -1;
    free(proc->stacks_seen);
    free(proc->texts_seen);
    free(proc->types_seen);
    proc->stacks_seen = proc->texts_seen = proc->types_seen = NULL;
    rec_counted_free(proc);
    prof_vec_deinit(&proc->forked);
    if (!prof_vec_push(&rec->ended, proc))
        rec_problem_set(rec, prof_error_memory()); /* its result stays listed, the memory is lost */
}
