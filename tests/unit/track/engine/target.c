/* target.c: programs for the engine tests, by name: `target NAME [NUMBER...]`. Each prints key=value lines. */
#include <track/track.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct thing {
    int a;
    int refs;
};

static TRK_TYPE_COUNTED(thing_type, struct thing, refs);
static TRK_TYPE(other_type, struct timeval);
static atomic_bool no_malloc;

/* Every allocation of the program passes here; while no_malloc is set, one is a failure. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t m);
void *__libc_realloc(void *p, size_t n);
void __libc_free(void *p);

static void allocated(void)
{
    if (no_malloc) {
        static const char text[] = "malloc called\n";
        (void)!write(2, text, sizeof text - 1);
        abort();
    }
}

#ifndef TARGET_PLAIN_MALLOC
void *malloc(size_t n)
{
    allocated();
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t m)
{
    allocated();
    return __libc_calloc(n, m);
}

void *realloc(void *p, size_t n)
{
    allocated();
    return __libc_realloc(p, n);
}

void free(void *p)
{
    if (p)
        allocated();
    __libc_free(p);
}
#endif

static void *number(uint64_t n)
{
    return (void *)(uintptr_t)n;
}

/* Each verb once, with arguments that the test knows. errno must come through. */
#define CHECKED(call)                                                                                                  \
    do {                                                                                                               \
        errno = 1234;                                                                                                  \
        call;                                                                                                          \
        errno_kept &= errno == 1234;                                                                                   \
    } while (0)

static int errno_kept = 1;

static void verbs_first(void)
{
    CHECKED(trk_new(number(0x10010), &thing_type));
    CHECKED(trk_new_floating(number(0x10020), &other_type));
    CHECKED(trk_new(number(0x10030), NULL));
    CHECKED(trk_ref(number(0x10010), number(0x20008)));
    CHECKED(trk_ref(number(0x10010), NULL));
    CHECKED(trk_ref(number(0x10010), number(0x20009)));
    CHECKED(trk_ref(number(0x10010), TRK_HOLDER(0x30010)));
    CHECKED(trk_unref(number(0x10010), number(0x20008)));
    CHECKED(trk_ref_rc(number(0x10010), number(0x20010), 5));
    CHECKED(trk_unref_rc(number(0x10010), number(0x20010), 61));
    CHECKED(trk_ref_rc(number(0x10010), number(0x20010), 62));
    CHECKED(trk_unref_rc(number(0x10010), number(0x20011), -1));
    CHECKED(trk_move(number(0x10010), number(0x20018), number(0x20010)));
    CHECKED(trk_move(number(0x10010), TRK_HOLDER(0x30010), TRK_HOLDER(0x30020)));
    CHECKED(trk_own(number(0x10010), number(0x20020)));
    CHECKED(trk_disown(number(0x10010), number(0x20020)));
    CHECKED(trk_move_range(number(0x40000), number(0x50000), 256));
    CHECKED(trk_sink(number(0x10020), number(0x20028)));
    CHECKED(trk_weak_set(number(0x10010), number(0x20030)));
    CHECKED(trk_weak_clear(number(0x10010), number(0x20030)));
    CHECKED(trk_borrow(number(0x10010), number(0x20038)));
    CHECKED(trk_return(number(0x10010), number(0x20038)));
}

static void verbs_second(void)
{
    void *caller = __builtin_extract_return_addr(__builtin_return_address(0));
    CHECKED(trk_new_from(number(0x10040), &thing_type, caller));
    CHECKED(trk_ref_from(number(0x10040), number(0x20040), caller));
    CHECKED(trk_unref_from(number(0x10040), number(0x20040), caller));
    CHECKED(trk_ref_rc_from(number(0x10040), number(0x20040), 2, caller));
    CHECKED(trk_unref_rc_from(number(0x10040), number(0x20040), 1, caller));
    CHECKED(trk_move_from(number(0x10040), number(0x20048), number(0x20040), caller));
    CHECKED(trk_del_from(number(0x10040), caller));
    CHECKED(trk_retype(number(0x10010), &other_type));
    CHECKED(trk_dtor_begin(number(0x10010)));
    CHECKED(trk_dtor_end(number(0x10010)));
    CHECKED(trk_park(number(0x10010)));
    CHECKED(trk_reuse(number(0x10010)));
    CHECKED(trk_pin(number(0x10010), "why pin"));
    CHECKED(trk_unpin(number(0x10010)));
    CHECKED(trk_may_leak(number(0x10010), "why leak"));
    CHECKED(trk_root_add(number(0x60000), 64, "my root"));
    CHECKED(trk_root_del(number(0x60000)));
    CHECKED(trk_touch(number(0x10010), "crumb"));
    CHECKED(trk_context("request", 4711));
    CHECKED(trk_context(NULL, 0));
    CHECKED(trk_alloc(number(0x70000), 100));
    CHECKED(trk_free(number(0x70000)));
    CHECKED(trk_pool_create(number(0x71000)));
    CHECKED(trk_pool_alloc(number(0x71000), number(0x71010), 24));
    CHECKED(trk_pool_free(number(0x71000), number(0x71010)));
    CHECKED(trk_pool_destroy(number(0x71000)));
    CHECKED(trk_ignore(number(0x72000)));
    CHECKED(trk_typed(number(0x73000), &other_type));
    CHECKED(trk_typed_array(number(0x73000), &other_type));
    CHECKED(trk_typed(NULL, &other_type));
    CHECKED(trk_disable());
    CHECKED(trk_disable());
    CHECKED(trk_enable());
    CHECKED(trk_enable());
    CHECKED(trk_enable()); /* one too many */
    CHECKED(trk_mark("here"));
    CHECKED(trk_scope_begin("outer"));
    CHECKED(trk_scope_begin("inner"));
    CHECKED(trk_scope_end());
    CHECKED(trk_scope_end());
    CHECKED(trk_scope_end());
    CHECKED(trk_assert_freed(number(0x10010)));
    CHECKED(trk_count_seen(number(0x10010), 17));
    CHECKED(trk_checkpoint("look"));
    CHECKED(trk_leak_check(TRK_LEAK_FULL, NULL));
    CHECKED(trk_gc_disable());
    CHECKED(trk_gc_enable());
    CHECKED(trk_gc_set_threshold(700, 10, 11));
    CHECKED(trk_gc_freeze());
    CHECKED(trk_gc_unfreeze());
    CHECKED(trk_gc_set_debug(TRK_GC_DEBUG_LEAK));
    CHECKED(trk_gc_set_debug(64));
    CHECKED(trk_gc_collect(3));
    CHECKED(trk_del(number(0x10010)));
}

static void run_verbs(long a, long b)
{
    (void)a, (void)b;
    no_malloc = true;
    verbs_first();
    verbs_second();
    no_malloc = false;
    printf("errno_kept=%d\nrecording=%d\nregistered=%u\n", errno_kept, trk_is_recording(),
           trk_type_register(&thing_type));
}

/* ---- Amounts
 * --------------------------------------------------------------------------------------------------------- */

static void *refs(void *count)
{
    for (long i = 0; i < (long)(intptr_t)count; i++)
        trk_ref(number(0x10010), number(0x100000 + 8 * (uint64_t)i));
    return NULL;
}

/* a threads, each b events. */
static void run_threads(long a, long b)
{
    pthread_t t[256];
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 128 << 10);
    for (long i = 0; i < a; i++)
        pthread_create(&t[i], &attr, refs, (void *)(intptr_t)b);
    for (long i = 0; i < a; i++)
        pthread_join(t[i], NULL);
}

/* a threads one after the other, b at a time, with one event each. */
static void run_short(long a, long b)
{
    pthread_t t[16];
    for (long i = 0; i < a; i += b) {
        for (long k = 0; k < b; k++)
            pthread_create(&t[k], NULL, refs, (void *)1);
        for (long k = 0; k < b; k++)
            pthread_join(t[k], NULL);
    }
}

static void run_refs(long a, long b)
{
    struct timespec start, end;
    (void)b;
    clock_gettime(CLOCK_MONOTONIC, &start);
    refs((void *)(intptr_t)a);
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("ms=%ld\n", (end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000);
}

/* Events without end; how many are done is kept in the file named by the environment. */
static void run_forever(long a, long b)
{
    int fd = open(getenv("TARGET_COUNTER"), O_RDWR);
    volatile uint64_t *done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)a, (void)b;
    for (uint64_t i = 0;; i++) {
        trk_ref(number(0x10010), number(0x100000 + 8 * i));
        *done = i + 1;
    }
}

/* ---- Signals
 * --------------------------------------------------------------------------------------------------------- */

static volatile sig_atomic_t handled;
static sigjmp_buf jump;
static volatile int jumps;

static void on_signal_record(int sig)
{
    (void)sig;
    for (int i = 0; i < 3; i++)
        trk_unref(number(0x10020), number(0x200000));
    handled++;
}

static void on_signal_jump(int sig)
{
    (void)sig;
    trk_unref(number(0x10020), number(0x200000));
    handled++;
    if (jumps)
        siglongjmp(jump, 1);
}

static void start_timer(void (*handler)(int), long usec)
{
    struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART };
    struct itimerval it = { { 0, usec }, { 0, usec } };
    sigaction(SIGALRM, &sa, NULL);
    setitimer(ITIMER_REAL, &it, NULL);
}

static void stop_timer(void)
{
    struct itimerval off = { { 0, 0 }, { 0, 0 } };
    setitimer(ITIMER_REAL, &off, NULL);
}

/* a events, interrupted by handlers that record, too. */
static void run_signals(long a, long b)
{
    start_timer(on_signal_record, b);
    refs((void *)(intptr_t)a);
    stop_timer();
    printf("handled=%d\n", (int)handled);
}

/* a events; every handler jumps away from what it interrupted, at most one event each. */
static void run_jumps(long a, long b)
{
    volatile long done = 0;
    start_timer(on_signal_jump, b);
    while (done < a) {
        sigsetjmp(jump, 1);
        jumps = 1;
        while (done < a) {
            done = done + 1;
            trk_ref(number(0x10010), number(0x100000 + 8 * (uint64_t)done));
        }
        jumps = 0;
    }
    stop_timer();
    printf("handled=%d\n", (int)handled);
}

/* ---- Processes
 * ------------------------------------------------------------------------------------------------------- */

static void wait_all(void)
{
    while (wait(NULL) > 0 || errno == EINTR)
        continue;
}

/* A child, its child, and a child made behind libc's back. */
static void run_fork(long a, long b)
{
    (void)a, (void)b;
    trk_ref(number(0x10010), number(0x100008));
    no_malloc = true;
    pid_t pid = fork();
    if (pid == 0) {
        trk_ref(number(0x10010), number(0x200008));
        if (fork() == 0) {
            trk_ref(number(0x10010), number(0x300008));
            _exit(0);
        }
        wait_all();
        trk_ref(number(0x10010), number(0x200010));
        _exit(0);
    }
    if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) == 0) {
        trk_ref(number(0x10010), number(0x400008));
        syscall(SYS_exit_group, 0);
    }
    pid_t v = vfork();
    if (v == 0) {
        trk_ref(number(0x10010), number(0x500008));
        _exit(0);
    }
    wait_all();
    no_malloc = false;
    trk_ref(number(0x10010), number(0x100010));
    printf("child=%d\n", (int)pid);
}

/* Threads that record while the process forks, a times; every child records from two threads. */
static atomic_bool stop_refs;

static void *refs_until(void *arg)
{
    (void)arg;
    while (!stop_refs)
        trk_ref(number(0x10010), number(0x100008));
    return NULL;
}

static void run_forks(long a, long b)
{
    pthread_t t[2];
    int bad = 0;
    (void)b;
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, refs_until, NULL);
    for (long i = 0; i < a; i++) {
        if (fork() == 0) {
            pthread_t c[2];
            for (int k = 0; k < 2; k++)
                pthread_create(&c[k], NULL, refs, (void *)100);
            refs((void *)100);
            for (int k = 0; k < 2; k++)
                pthread_join(c[k], NULL);
            _exit(0);
        }
        int status;
        wait(&status);
        bad += status != 0;
    }
    stop_refs = true;
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    printf("bad=%d\n", bad);
}

static void late(void)
{
    trk_ref(number(0x10010), number(0x600008));
}

static void run_exit(long a, long b)
{
    (void)b;
    atexit(late);
    trk_ref(number(0x10010), number(0x100008));
    exit((int)a);
}

/* The address behind the call below, to compare with what is recorded; and a wrapper that ends with its event. */
static __attribute__((noinline)) void *site_of(void)
{
    return __builtin_return_address(0);
}

static __attribute__((noinline)) void wrapper(void *obj)
{
    ((struct thing *)obj)->refs++;
    trk_ref(obj, NULL);
}

static void run_site(long a, long b)
{
    static struct thing t;
    (void)a, (void)b;
    char *near = site_of();
    wrapper(&t);
    printf("near=%p\nwrapper=%p\n", (void *)near, (void *)(uintptr_t)wrapper);
}

/* The most that an event can say. */
static void run_widest(long a, long b)
{
    (void)a, (void)b;
    trk_unref_seq((void *)(intptr_t)0x10010, (void *)(intptr_t)0x20009, 99, 7);
}

static void run_idle(long a, long b)
{
    struct timespec start, end;
    (void)b;
    clock_gettime(CLOCK_MONOTONIC, &start);
    refs((void *)(intptr_t)a);
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("recording=%d\nns=%ld\n", trk_is_recording(),
           (long)((end.tv_sec - start.tv_sec) * 1000000000 + end.tv_nsec - start.tv_nsec));
}

/* Loads the plugin of the environment, lets it record, and unloads it; twice. */
static void run_plugin(long a, long b)
{
    (void)a, (void)b;
    for (int i = 0; i < 2; i++) {
        void *handle = dlopen(getenv("TARGET_PLUGIN"), RTLD_NOW | RTLD_LOCAL);
        void (*work)(void);
        *(void **)&work = handle ? dlsym(handle, "plugin_work") : NULL;
        if (work == NULL) {
            printf("dlopen: %s\n", dlerror());
            exit(1);
        }
        work();
        dlclose(handle);
    }
    trk_ref(number(0x10010), number(0x100008));
}

/* What a program can notice of a recorder that was started for it. */
static volatile sig_atomic_t child_signals;

static void on_child(int sig)
{
    (void)sig;
    child_signals++;
}

__attribute__((constructor(102))) static void watch_children(void)
{
    if (getenv("TARGET_WATCH"))
        signal(SIGCHLD, on_child);
}

static void run_alone(long a, long b)
{
    int fds = 0;
    (void)b;
    refs((void *)(intptr_t)a);
    for (int fd = 3; fd < 64; fd++)
        fds += fcntl(fd, F_GETFD) >= 0;
    int none = wait(NULL) == -1 && errno == ECHILD;
    printf("recording=%d\nsignals=%d\nno_children=%d\nfds=%d\n", trk_is_recording(), (int)child_signals, none, fds);
}

static const struct {
    const char *name;
    void (*run)(long a, long b);
} programs[] = {
    { "verbs", run_verbs },     { "threads", run_threads }, { "short", run_short },   { "refs", run_refs },
    { "forever", run_forever }, { "signals", run_signals }, { "jumps", run_jumps },   { "fork", run_fork },
    { "forks", run_forks },     { "exit", run_exit },       { "site", run_site },     { "idle", run_idle },
    { "plugin", run_plugin },   { "alone", run_alone },     { "widest", run_widest },
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof programs / sizeof programs[0]; i++) {
        if (strcmp(argv[1], programs[i].name) == 0) {
            programs[i].run(argc > 2 ? atol(argv[2]) : 0, argc > 3 ? atol(argv[3]) : 0);
            return 0;
        }
    }
    return 2;
}
