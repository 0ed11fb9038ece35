/* emitter_odd.c: programs that do to themselves what programs do: handlers, jumps, coroutines, processes made behind
 * libc's back, sandboxes. */
#include "emitter.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <track/track.h>

enum { SOME = 1000, HANDLER_LANE = 500 };

static void some(unsigned lane)
{
    for (int i = 0; i < SOME; i++)
        emit(lane);
}

static void *some_in_thread(void *lane)
{
    some((unsigned)(uintptr_t)lane);
    return NULL;
}

static void in_new_thread(unsigned lane)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, some_in_thread, (void *)(uintptr_t)lane) == 0)
        pthread_join(thread, NULL);
}

static void wait_all(void)
{
    while (wait(NULL) > 0 || errno == EINTR)
        continue;
}

static void nap_ms(long ms)
{
    nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- Threads and their ends ---------------------------------------------------------------------------------------
 */

static pthread_key_t keys[3];

/* Records in the destructors of thread-local storage, again and again: the last round of them included. */
static void at_thread_end(void *value)
{
    uintptr_t v = (uintptr_t)value, lane = v & 0xffff, round = v >> 16;
    emit((unsigned)lane);
    void *volatile p = malloc(10);
    free(p);
    if (round < 6)
        pthread_setspecific(keys[round % 3], (void *)(lane | (round + 1) << 16));
}

static void *with_keys(void *lane)
{
    emit((unsigned)(uintptr_t)lane);
    for (int i = 0; i < 3; i++)
        pthread_setspecific(keys[i], i == 0 ? lane : NULL);
    return NULL;
}

static int run_tls(long a, long b)
{
    (void)b;
    for (int i = 0; i < 3; i++)
        pthread_key_create(&keys[i], at_thread_end);
    for (long i = 0; i < a; i += 8) {
        pthread_t threads[8];
        for (uintptr_t k = 0; k < 8; k++)
            if (pthread_create(&threads[k], NULL, with_keys, (void *)(k + 1)) != 0)
                return 91;
        for (int k = 0; k < 8; k++)
            pthread_join(threads[k], NULL);
    }
    return 0;
}

/* ---- Handlers -----------------------------------------------------------------------------------------------------
 */

static __thread unsigned my_lane __attribute__((tls_model("initial-exec")));
static __thread sigjmp_buf *my_jump __attribute__((tls_model("initial-exec")));
static bool over; /* atomic */

/* Interrupts code that never allocates, so it may. */
static void on_alarm(int sig)
{
    (void)sig;
    int saved = errno;
    void *volatile p = malloc(24); /* or the compiler takes it for useless */
    emit(HANDLER_LANE + my_lane);
    free(p);
    emit(HANDLER_LANE + my_lane);
    __atomic_fetch_add(&emitter_page->allocated, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&emitter_page->handled, 1, __ATOMIC_RELAXED);
    errno = saved;
    if (my_jump != NULL)
        siglongjmp(*my_jump, 1);
}

static void *interrupted(void *lane)
{
    my_lane = (unsigned)(uintptr_t)lane;
    while (!__atomic_load_n(&over, __ATOMIC_RELAXED))
        emit(my_lane);
    return NULL;
}

static void *jumping(void *lane)
{
    static char stacks[64][64 << 10];
    unsigned mine = (unsigned)(uintptr_t)lane;
    stack_t alternate = { .ss_sp = stacks[mine % 64], .ss_size = sizeof stacks[0] };
    sigjmp_buf here;
    sigaltstack(&alternate, NULL);
    my_lane = mine;
    while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
        if (sigsetjmp(here, 1) == 0)
            my_jump = &here;
        while (!__atomic_load_n(&over, __ATOMIC_RELAXED))
            emit(mine);
        my_jump = NULL;
    }
    my_jump = NULL;
    return NULL;
}

/* a threads, b milliseconds, a signal every `usec` microseconds. */
static int with_alarms(long a, long b, void *(*body)(void *), int flags, long usec)
{
    pthread_t threads[64];
    struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART | flags };
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    for (long i = 0; i < a && i < 64; i++)
        if (pthread_create(&threads[i], NULL, body, (void *)(uintptr_t)(i + 1)) != 0)
            return 91;
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* the others take them */
    nap_ms(20);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &(struct itimerval){ { 0, usec }, { 0, usec } }, NULL);
    nap_ms(b);
    setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
    nap_ms(20);
    __atomic_store_n(&over, true, __ATOMIC_RELAXED);
    for (long i = 0; i < a && i < 64; i++)
        pthread_join(threads[i], NULL);
    return 0;
}

static int run_signals(long a, long b)
{
    return with_alarms(a, b, interrupted, 0, 100);
}

static int run_jumps(long a, long b)
{
    return with_alarms(a, b, jumping, SA_ONSTACK, 100);
}

static int run_rare_jumps(long a, long b)
{
    return with_alarms(a, b, jumping, SA_ONSTACK, 20000);
}

/* ---- Coroutines ---------------------------------------------------------------------------------------------------
 */

enum { COROUTINES = 32, CO_STACK = 64 << 10, CO_TURNS = 50 };
static struct coroutine {
    ucontext_t context, *back;
    unsigned lane;
    int turns;
    bool running, ended;
    char *stack;
} coroutines[COROUTINES];
static pthread_mutex_t co_lock = PTHREAD_MUTEX_INITIALIZER;

static void coroutine_main(unsigned index)
{
    struct coroutine *self = &coroutines[index];
    for (int i = 0; i < CO_TURNS; i++) {
        for (int k = 0; k < 20; k++)
            emit(self->lane);
        swapcontext(&self->context, self->back);
    }
    self->ended = true;
    setcontext(self->back);
}

/* Runs whichever coroutine is ready, so that each wanders from thread to thread. */
static void *co_scheduler(void *arg)
{
    ucontext_t here;
    unsigned at = (unsigned)(uintptr_t)arg;
    for (;;) {
        struct coroutine *next = NULL;
        bool any = false;
        pthread_mutex_lock(&co_lock);
        for (int i = 0; i < COROUTINES && next == NULL; i++) {
            struct coroutine *co = &coroutines[++at % COROUTINES];
            any |= !co->ended;
            if (!co->ended && !co->running)
                next = co;
        }
        if (next != NULL)
            next->running = true;
        pthread_mutex_unlock(&co_lock);
        if (next == NULL) {
            if (!any)
                return NULL;
            continue;
        }
        next->back = &here;
        swapcontext(&here, &next->context);
        pthread_mutex_lock(&co_lock);
        next->running = false;
        pthread_mutex_unlock(&co_lock);
    }
}

static int run_coroutines(long a, long b)
{
    pthread_t threads[16];
    (void)b;
    for (unsigned i = 0; i < COROUTINES; i++) {
        struct coroutine *co = &coroutines[i];
        co->lane = i + 1;
        co->stack = malloc(CO_STACK);
        getcontext(&co->context);
        co->context.uc_stack.ss_sp = co->stack;
        co->context.uc_stack.ss_size = CO_STACK;
        co->context.uc_link = NULL;
        makecontext(&co->context, (void (*)(void))(uintptr_t)coroutine_main, 1, i);
    }
    for (long i = 0; i < a && i < 16; i++)
        if (pthread_create(&threads[i], NULL, co_scheduler, (void *)(uintptr_t)(i * 7)) != 0)
            return 91;
    for (long i = 0; i < a && i < 16; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < COROUTINES; i++)
        free(coroutines[i].stack);
    return 0;
}

/* ---- Processes ----------------------------------------------------------------------------------------------------
 */

extern char **environ;

/* a vforks that emit in the parent's memory and exec, a posix_spawns, a raw clones that emit in a lane of their own.
 */
static int run_vfork(long a, long b)
{
    (void)b;
    for (volatile long i = 0; i < a; i++) {
        emit(0);
        pid_t pid = vfork();
        if (pid == 0) {
            emit(1);
            execl("/bin/true", "true", (char *)NULL);
            _exit(1);
        }
        emit(0);
        wait_all();
    }
    return 0;
}

static int run_spawn(long a, long b)
{
    char name[] = "true", *const argv[] = { name, NULL };
    (void)b;
    for (long i = 0; i < a; i++) {
        pid_t pid;
        emit(0);
        if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ) != 0)
            return 92;
        emit(0);
    }
    wait_all();
    return 0;
}

static int run_clone(long a, long b)
{
    (void)b;
    for (long i = 1; i <= a && i < EMITTER_LANES; i++) {
        emit(0);
        if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) == 0) {
            some((unsigned)i);
            syscall(SYS_exit_group, 0);
        }
        emit(0);
    }
    wait_all();
    return 0;
}

static int run_daemon(long a, long b)
{
    (void)a, (void)b;
    some(0);
    if (daemon(1, 1) != 0)
        return 93;
    nap_ms(100);
    some(1);
    in_new_thread(2);
    return 0;
}

/* ---- What a process does to itself --------------------------------------------------------------------------------
 */

static void after(void)
{
    some(1);
    in_new_thread(2);
    if (fork() == 0) {
        some(3);
        _exit(0);
    }
    wait_all();
    some(4);
}

static int run_closefrom(long a, long b)
{
    (void)a, (void)b;
    some(0);
    if (syscall(SYS_close_range, 3u, ~0u, 0u) != 0)
        for (int fd = 3; fd < 4096; fd++)
            close(fd);
    after();
    return 0;
}

static int run_chroot(long a, long b)
{
    (void)a, (void)b;
    const char *dir = getenv("EMITTER_ROOT");
    some(0);
    if (dir == NULL || chroot(dir) != 0 || chdir("/") != 0)
        return 77;
    after();
    return 0;
}

static int run_setuid(long a, long b)
{
    (void)a, (void)b;
    some(0);
    if (setgroups(0, NULL) != 0 || setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0)
        return 77;
    after();
    return 0;
}

static int run_undump(long a, long b)
{
    (void)a, (void)b;
    some(0);
    if (prctl(PR_SET_DUMPABLE, 0) != 0)
        return 77;
    after();
    return 0;
}

/* Installs a filter that lets only the named calls through and does `otherwise` with the rest. */
static bool sandbox(const int *calls, size_t count, uint32_t otherwise)
{
    struct sock_filter code[64];
    size_t n = 0;
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < count && n < 60; i++) {
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[i], 0, 1);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, otherwise);
    struct sock_fprog program = { .len = (unsigned short)n, .filter = code };
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static bool go; /* atomic */

static void *late_start(void *lane)
{
    while (!__atomic_load_n(&go, __ATOMIC_ACQUIRE))
        syscall(SYS_sched_yield);
    for (int i = 0; i < 20; i++)
        some((unsigned)(uintptr_t)lane);
    return NULL;
}

/* A thread that has recorded, and one that has not, go on inside a sandbox. a: 0 refused calls fail, 1 they kill.
 * b: 0 only what the program itself still needs, 1 also all that docs/ARCHITECTURE.md says recording needs. */
static int run_seccomp(long a, long b)
{
    static const int calls[] = { SYS_write, SYS_exit, SYS_exit_group, SYS_sched_yield, SYS_rt_sigreturn,
                                 SYS_rt_sigprocmask, SYS_madvise, SYS_futex,
                                 /* b only: */
                                 SYS_mmap, SYS_munmap, SYS_getpid, SYS_gettid, SYS_clock_gettime, SYS_tgkill,
                                 SYS_openat, SYS_read, SYS_close };
    pthread_t thread;
    some(0);
    if (pthread_create(&thread, NULL, late_start, (void *)(uintptr_t)1) != 0)
        return 91;
    size_t count = sizeof calls / sizeof calls[0];
    if (!sandbox(calls, b ? count : count - 9, a ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | EPERM))
        return 77;
    __atomic_store_n(&go, true, __ATOMIC_RELEASE);
    for (int i = 0; i < 20; i++)
        some(0);
    pthread_join(thread, NULL);
    return 0;
}

/* a threads emit, then one of them measures what is mapped for recording: the arena and private memory of the engine.
 */
static void *emit_and_stay(void *lane)
{
    for (int i = 0; i < 40000; i++)
        emit((unsigned)(uintptr_t)lane);
    __atomic_fetch_add(&emitter_page->handled, 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE))
        nap_ms(1);
    return NULL;
}

static int run_stay(long a, long b)
{
    static pthread_t threads[EMITTER_LANES];
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 64 << 10);
    for (long i = 0; i < a && i < EMITTER_LANES; i++)
        if (pthread_create(&threads[i], &attr, emit_and_stay, (void *)(uintptr_t)i) != 0)
            return 91;
    while (__atomic_load_n(&emitter_page->handled, __ATOMIC_ACQUIRE) < (uint64_t)a)
        nap_ms(1);
    puts("ready");
    fflush(stdout);
    uint64_t until = now_ms() + (uint64_t)b;
    while (now_ms() < until && getchar() == EOF)
        nap_ms(1);
    __atomic_store_n(&over, true, __ATOMIC_RELEASE);
    for (long i = 0; i < a && i < EMITTER_LANES; i++)
        pthread_join(threads[i], NULL);
    return 0;
}

int emitter_odd(const char *name, long a, long b)
{
    static const struct {
        const char *name;
        int (*run)(long a, long b);
    } programs[] = {
        { "tls", run_tls },
        { "signals", run_signals },
        { "jumps", run_jumps },
        { "rare-jumps", run_rare_jumps },
        { "stay", run_stay },
        { "vfork", run_vfork },
        { "coroutines", run_coroutines },
        { "spawn", run_spawn },
        { "clone", run_clone },
        { "daemon", run_daemon },
        { "closefrom", run_closefrom },
        { "chroot", run_chroot },
        { "setuid", run_setuid },
        { "undump", run_undump },
        { "seccomp", run_seccomp },
    };
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
        if (strcmp(name, programs[i].name) == 0)
            return programs[i].run(a, b);
    return -1;
}
