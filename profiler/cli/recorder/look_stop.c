/* look_stop.c: all threads of a process stand still for a moment, and go on as if nothing had been.
 *
 * PTRACE_SEIZE stops nothing and sends no signal; PTRACE_INTERRUPT stops a thread wherever it is. New threads can
 * appear as long as one runs: the list is read again until nothing new is in it while all stand still. Whoever dies
 * here takes nothing along: without PTRACE_O_EXITKILL the kernel lets the threads of a dead tracer go on.
 *
 * Nobody else is disturbed: a thread in a group stop goes back to it, a signal that stopped a thread first is handed on
 * to it, the end of a thread that is also our child is left for whoever waits for that child. A thread that sleeps in
 * the kernel and cannot be woken (it waits for a vfork child, or a disk) counts as standing still; the interrupt that
 * waits for it is taken back by detaching as soon as it wakes up. */
#include "look.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    STOP_MOST_US = 1000000, /* for all threads; a machine may be busy */
    SLEEP_MOST_US = 10000,  /* for one that sleeps in the kernel */
    NAP_NS = 20000,
    PASSES = 1000,
};
#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif

/* ---- Lists of threads ---- */

static bool knows(const struct look_threads *threads, pid_t tid)
{
    for (size_t i = 0; i < threads->items.count; i++)
        if (threads->items.items[i].tid == tid)
            return true;
    return false;
}

/* State letter of a thread; 0: it is gone. */
static char state_of(pid_t pid, pid_t tid)
{
    char path[80], text[512];
    snprintf(path, sizeof path, "/proc/%d/task/%d/stat", (int)pid, (int)tid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    const char *at = strrchr(text, ')'); /* the name may hold anything */
    return at != NULL && at[1] == ' ' ? at[2] : 0;
}

/* Appends the threads that are not in the list yet. false: it cannot be read. */
static bool list_new(pid_t pid, struct look_threads *threads, size_t *ret_new)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return false;
    bool ok = true;
    size_t before = threads->items.count;
    for (struct dirent *entry; ok && (entry = readdir(dir)) != NULL;) {
        pid_t tid = (pid_t)atoi(entry->d_name);
        if (tid > 0 && !knows(threads, tid))
            ok = threads->items.count < LOOK_TASKS_MAX &&
                 prof_vec_push(&threads->items, (struct look_thread){ .tid = tid });
    }
    closedir(dir);
    *ret_new = threads->items.count - before;
    return ok;
}

/* Those that ended stay in the list until all stand still: they may be listed again. */
static void drop_ended(struct look_threads *threads)
{
    size_t kept = 0;
    for (size_t i = 0; i < threads->items.count; i++)
        if (!threads->items.items[i].ended)
            threads->items.items[kept++] = threads->items.items[i];
    threads->items.count = kept;
}

bool look_list(struct proc *proc, struct look_threads *ret)
{
    size_t count;
    struct look_threads threads = { 0 };
    bool ok = list_new(proc->pid, &threads, &count);
    for (size_t i = 0; i < threads.items.count; i++) {
        char state = state_of(proc->pid, threads.items.items[i].tid);
        threads.items.items[i].ended = state == 0 || state == 'Z' || state == 'X';
    }
    drop_ended(&threads);
    if (!ok || threads.items.count == 0) {
        prof_vec_deinit(&threads.items);
        return false;
    }
    *ret = threads;
    return true;
}

/* ---- One thread ---- */

/* Lets a thread that stands in a ptrace stop go on, with the signal that brought it there if one did. */
static bool let_go(pid_t tid)
{
    siginfo_t info;
    unsigned long signal = 0;
    /* A stop that is no signal has the event in its code, or no information at all (group stop). */
    if (ptrace(PTRACE_GETSIGINFO, tid, NULL, &info) == 0 && info.si_code >> 8 != PTRACE_EVENT_STOP)
        signal = (unsigned long)info.si_signo;
    return ptrace(PTRACE_DETACH, tid, NULL, signal) == 0;
}

/* Who waits for a zombie: a thread that is no process is ours to reap as its tracer; so is a process that is somebody
 * else's child, who can only then wait for it. Our own child stays. */
static void reap(pid_t pid, pid_t tid)
{
    char path[64], line[256];
    bool own = false;
    snprintf(path, sizeof path, "/proc/%d/status", (int)tid);
    FILE *file = tid == pid ? fopen(path, "re") : NULL;
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "PPid:", 5) == 0)
            own = atoi(line + 5) == (int)getpid();
    if (file != NULL)
        fclose(file);
    if (!own)
        (void)waitpid(tid, NULL, __WALL | WNOHANG);
}

enum step { STEP_RUNS, STEP_STOPPED, STEP_ENDED };

static enum step look_at(pid_t pid, pid_t tid)
{
    siginfo_t info = { 0 };
    int options = WSTOPPED | WEXITED | WNOHANG | __WALL;
    if (waitid(P_PID, (id_t)tid, &info, options | WNOWAIT) != 0)
        return errno == ECHILD ? STEP_ENDED : STEP_RUNS;
    if (info.si_pid == 0)
        return STEP_RUNS;
    if (info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED) {
        info.si_pid = 0;
        (void)waitid(P_PID, (id_t)tid, &info, WSTOPPED | WNOHANG | __WALL);
        return STEP_STOPPED;
    }
    if (info.si_code == CLD_CONTINUED)
        return STEP_RUNS;
    reap(pid, tid);
    return STEP_ENDED;
}

/* ---- What it has in hand ---- */

static void read_registers(struct look_thread *thread)
{
    struct iovec io = { .iov_base = thread->registers, .iov_len = sizeof thread->registers };
    if (ptrace(PTRACE_GETREGSET, thread->tid, (void *)NT_PRSTATUS, &io) != 0)
        return;
#if defined(__x86_64__)
    struct user_regs_struct user;
    if (io.iov_len != sizeof user) /* of a 32-bit program */
        return;
    memcpy(&user, thread->registers, sizeof user);
    thread->sp = user.rsp;
    thread->tp = user.fs_base;
#elif defined(__aarch64__)
    struct user_regs_struct user;
    if (io.iov_len != sizeof user)
        return;
    memcpy(&user, thread->registers, sizeof user);
    thread->sp = user.sp;
    struct iovec tls = { .iov_base = &thread->tp, .iov_len = sizeof thread->tp };
    if (ptrace(PTRACE_GETREGSET, thread->tid, (void *)NT_ARM_TLS, &tls) != 0)
        thread->tp = 0;
#else
    return;
#endif
    thread->register_count = (unsigned)(io.iov_len / sizeof thread->registers[0]);
}

size_t look_vectors(const struct look_thread *thread, unsigned char *to, size_t room)
{
#if defined(__x86_64__)
    /* An XSAVE area begins with that struct. */
    const size_t set = NT_X86_XSTATE, first = offsetof(struct user_fpregs_struct, xmm_space);
#else
    const size_t set = NT_PRFPREG, first = 0;
#endif
    struct iovec io = { .iov_base = to, .iov_len = room };
    if (!thread->stopped || ptrace(PTRACE_GETREGSET, thread->tid, (void *)set, &io) != 0 || io.iov_len <= first)
        return 0;
    memmove(to, to + first, io.iov_len - first);
    return io.iov_len - first;
}

/* "NUMBER 0xARG ... 0xSP 0xPC" of a thread that sleeps in a system call. */
static void read_sleeper(pid_t pid, struct look_thread *thread)
{
    char path[80], text[512];
    snprintf(path, sizeof path, "/proc/%d/task/%d/syscall", (int)pid, (int)thread->tid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    char *last = strrchr(text, ' ');
    if (last == NULL)
        return;
    *last = '\0';
    last = strrchr(text, ' ');
    if (last != NULL)
        thread->sp = strtoull(last + 1, NULL, 16);
}

/* ---- All ---- */

static const char *why_refused(pid_t pid, int err)
{
    char path[64], line[256];
    bool traced = false;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "TracerPid:", 10) == 0)
            traced = atoi(line + 10) != 0;
    if (file != NULL)
        fclose(file);
    return traced                          ? "a debugger has it already"
           : err == EPERM || err == EACCES ? "the system does not allow to stop it"
                                           : "it could not be stopped";
}

/* Seizes and interrupts what is new in the list, from `from` on. false: not possible. */
static bool seize(pid_t pid, struct look_threads *threads, size_t from)
{
    for (size_t i = from; i < threads->items.count; i++) {
        pid_t tid = threads->items.items[i].tid;
        if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) == 0) {
            (void)ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
            continue;
        }
        int err = errno;
        char state = state_of(pid, tid);
        /* It ended: perhaps as the first thread of a process that goes on. */
        threads->items.items[i].ended = err == ESRCH || state == 0 || state == 'Z' || state == 'X';
        if (threads->items.items[i].ended)
            continue;
        /* The rest was never touched. */
        threads->items.count = i;
        threads->refused = why_refused(pid, err);
        return false;
    }
    return true;
}

/* Waits until nobody in the list runs. */
static bool settle(struct proc *proc, struct look_threads *threads, uint64_t begin)
{
    for (;;) {
        size_t running = 0;
        uint64_t now = rec_now_us();
        for (size_t i = 0; i < threads->items.count; i++) {
            struct look_thread *thread = &threads->items.items[i];
            if (thread->stopped || thread->ended)
                continue;
            enum step step = look_at(proc->pid, thread->tid);
            thread->ended = step == STEP_ENDED;
            thread->stopped = step == STEP_STOPPED;
            thread->asleep =
                step == STEP_RUNS &&
                (thread->asleep || (now - begin > SLEEP_MOST_US && state_of(proc->pid, thread->tid) == 'D'));
            running += step == STEP_RUNS && !thread->asleep;
        }
        if (running == 0)
            return true;
        if (now - begin > STOP_MOST_US) {
            threads->refused = "its threads did not stop in time";
            return false;
        }
        nanosleep(&(struct timespec){ .tv_nsec = NAP_NS }, NULL);
    }
}

static bool stop_all(struct proc *proc, struct look_threads *threads)
{
    uint64_t begin = rec_now_us();
    for (int pass = 0; pass < PASSES; pass++) {
        size_t known = threads->items.count, count;
        if (!list_new(proc->pid, threads, &count)) {
            threads->items.count = known;
            threads->refused = "its threads cannot be listed";
            return false;
        }
        if (count == 0) { /* all stood still when the list was read */
            drop_ended(threads);
            return threads->items.count > 0;
        }
        if (!seize(proc->pid, threads, known) || !settle(proc, threads, begin))
            return false;
    }
    threads->refused = "it makes threads faster than they can be stopped";
    return false;
}

static bool lives(struct look_sleeper sleeper)
{
    return syscall(SYS_tgkill, sleeper.pid, sleeper.tid, 0) == 0;
}

void look_resume(struct proc *proc, struct look_threads *threads)
{
    for (size_t i = 0; i < threads->items.count; i++) {
        const struct look_thread *thread = &threads->items.items[i];
        struct look_sleeper sleeper = { proc->pid, thread->tid };
        /* Those that do not stand still yet come to it later; those that cannot be noted then are let go by our end. */
        if (!thread->ended && !let_go(thread->tid) && lives(sleeper))
            (void)prof_vec_push(&proc->arena->rec->sleepers, sleeper);
    }
    prof_vec_deinit(&threads->items);
    *threads = (struct look_threads){ 0 };
}

bool look_stop(struct proc *proc, struct look_threads *ret)
{
    *ret = (struct look_threads){ 0 };
    bool sandboxed = look_sandboxed(proc);
    if (!look_calls_allow(sandboxed)) {
        ret->refused = "it is in a sandbox";
        return false;
    }
    if (!stop_all(proc, ret)) {
        if (ret->refused == NULL)
            ret->refused = "it is gone";
        const char *refused = ret->refused;
        look_resume(proc, ret);
        ret->refused = refused;
        return false;
    }
    for (size_t i = 0; i < ret->items.count; i++) {
        struct look_thread *thread = &ret->items.items[i];
        if (thread->stopped) {
            read_registers(thread);
            (void)look_calls_go_on(thread, sandboxed);
        } else {
            read_sleeper(proc->pid, thread);
        }
    }
    return true;
}

void rec_look_let_go(struct recorder *rec)
{
    size_t kept = 0;
    for (size_t i = 0; i < rec->sleepers.count; i++) {
        struct look_sleeper sleeper = rec->sleepers.items[i];
        /* A tracee that died is kept by the kernel until its tracer has seen that, and its whole process with it. */
        if (!let_go(sleeper.tid) && lives(sleeper) && look_at(sleeper.pid, sleeper.tid) != STEP_ENDED)
            rec->sleepers.items[kept++] = sleeper;
    }
    rec->sleepers.count = kept;
}
