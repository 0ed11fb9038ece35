/* test_walk.c: walks against an oracle: glibc's backtrace(), or libunwind when built with WITH_LIBUNWIND. */
#include "stack_util.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "calltree.h"
#if defined(__x86_64__)
#include "bare_x86_64.h"
#elif defined(__aarch64__)
#include "bare_aarch64.h"
#endif

#ifdef WITH_LIBUNWIND
#define UNW_LOCAL_ONLY
#include <libunwind.h>
#define ORACLE(frames, max) unw_backtrace((frames), (max))
enum { ODD = 0 }; /* it never forgets what it knows of an address: one plugin only */
#else
enum { ODD = 1 };
#define ORACLE(frames, max) backtrace((frames), (max))
#endif

#if defined(__aarch64__)
enum { ORACLE_STOPS = 1 }; /* in linkage tables, which nothing describes there */
#else
enum { ORACLE_STOPS = 0 };
#endif

enum { MAX = 4000 };
struct check {
    uintptr_t lo, hi;
    unsigned walks;     /* done */
    unsigned different; /* of them, not as the oracle says */
    unsigned least;     /* frames of the shortest */
    unsigned flags;     /* all flags seen */
    unsigned last;      /* frames of the last */
    bool report;
};

static bool is_signal_return(uintptr_t pc)
{
    return pc && memcmp((const void *)pc, bare_signal_return, sizeof bare_signal_return) == 0;
}

/* Walks from its caller and compares. Async-signal-safe as long as nothing differs. */
static NOINLINE void check_here(void *arg)
{
    struct check *c = arg;
    static __thread uint64_t pcs[MAX];
    static __thread void *expected[MAX + 1];
    unsigned flags = ~0u;
    errno = 4711;
    unsigned n = trk_stack_walk(NULL, &TRK_FRAME_CALLER, c->lo, c->hi, pcs, MAX, &flags);
    bool same = errno == 4711;
    unsigned m = (unsigned)ORACLE(expected, MAX + 1) - 1;
    while (m > 0 && expected[m] == NULL)
        m--;
    for (unsigned i = 0; same && i < n && i < m; i++) {
        uintptr_t want = (uintptr_t)expected[i + 1];
        bool interrupted = i > 0 && is_signal_return((uintptr_t)expected[i]);
        if (i == 0)
            continue; /* two calls of one function: different return addresses would be no surprise here */
        same = pcs[i] == want + (interrupted ? 1 : 0);
    }
    same = same && (n == m || (ORACLE_STOPS && n > m)) && flags == 0;
    c->walks++;
    c->different += !same;
    c->flags |= flags;
    c->last = n;
    if (c->least == 0 || n < c->least)
        c->least = n;
    if (!same && (c->report || c->different == 1)) {
        printf("walk of %u frames, oracle %u, flags %u\n", n, m, flags);
        for (unsigned i = 0; i < n || i < m; i++)
            printf("  %2u %#lx %p\n", i, i < n ? (unsigned long)pcs[i] : 0, i < m ? expected[i + 1] : NULL);
    }
    __asm__ volatile("" ::: "memory");
}

static struct check checker(void)
{
    struct check c = { .report = true };
    stack_bounds(&c.lo, &c.hi);
    return c;
}

static NOINLINE void recurse(struct check *c, unsigned depth)
{
    if (depth == 0)
        check_here(c);
    else
        recurse(c, depth - 1);
    __asm__ volatile("" ::: "memory");
}

static void deep_recursion(void **state)
{
    (void)state;
    struct check c = checker();
    static const unsigned depths[] = { 0, 1, 2, 10, 63, 64, 65, 500, 3000 };
    for (unsigned i = 0; i < sizeof depths / sizeof depths[0]; i++) {
        recurse(&c, depths[i]);
        assert_true(c.last >= depths[i] + 3);
    }
    assert_int_equal(c.different, 0);
    /* Without bounds the same, page by page. */
    c.lo = c.hi = 0;
    recurse(&c, 60);
    recurse(&c, 1000);
    assert_int_equal(c.different, 0);
}

static void random_trees(void **state)
{
    (void)state;
    struct check c = checker();
    uint64_t seed = 42;
    uint8_t path[40];
    for (unsigned kind = 0; kind < CALLTREE_KINDS; kind++) {
        path[0] = (uint8_t)kind;
        calltree_run(path, 1, check_here, &c);
        if (c.different)
            printf("kind %u\n", kind);
        assert_int_equal(c.different, 0);
    }
    for (unsigned i = 0; i < 3000; i++) {
        unsigned n = random_next(&seed) % sizeof path;
        for (unsigned k = 0; k < n; k++) {
            path[k] = (uint8_t)(random_next(&seed) % CALLTREE_KINDS);
            if (path[k] == CALLTREE_HUGE && random_next(&seed) % 16)
                path[k] = 0;
        }
        calltree_run(path, n, check_here, &c);
        assert_int_equal(c.different, 0);
    }
    assert_int_equal(c.walks, 3000 + CALLTREE_KINDS);
}

static struct check *once_check;
static void once_body(void)
{
    check_here(once_check);
}

static void *thread_body(void *arg)
{
    struct check *c = arg;
    stack_bounds(&c->lo, &c->hi);
    check_here(c);
    recurse(c, 30);
    pthread_once_t once = PTHREAD_ONCE_INIT;
    once_check = c;
    pthread_once(&once, once_body);
    c->lo = c->hi = 0;
    recurse(c, 30);
    return NULL;
}

static void threads_and_callbacks(void **state)
{
    (void)state;
    struct check c = { .report = true };
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, thread_body, &c), 0);
    pthread_join(t, NULL);
    assert_int_equal(c.walks, 4);
    assert_int_equal(c.different, 0);
    struct check here = checker();
    once_check = &here;
    pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, once_body);
    assert_int_equal(here.walks, 1);
    assert_int_equal(here.different, 0);
}

/* ---- Signals ---------------------------------------------------------------------------------------------------- */

static struct check *signal_check;
static void on_signal(int sig)
{
    (void)sig;
    int saved = errno;
    check_here(signal_check);
    errno = saved;
}

static void install(int sig, int flags)
{
    struct sigaction sa = { .sa_handler = on_signal, .sa_flags = flags };
    assert_int_equal(sigaction(sig, &sa, NULL), 0);
}

static NOINLINE void raise_deep(unsigned depth)
{
    if (depth)
        raise_deep(depth - 1);
    else
        raise(SIGUSR1);
    __asm__ volatile("" ::: "memory");
}

static void raise_leaf(void *arg)
{
    (void)arg;
    raise(SIGUSR1);
}

static void signal_handlers(void **state)
{
    (void)state;
    struct check c = checker();
    signal_check = &c;
    c.report = false; /* printing is not for handlers; the counters tell */
    install(SIGUSR1, 0);
    raise_deep(12);
    assert_int_equal(c.walks, 1);
    assert_int_equal(c.different, 0);
    assert_true(c.last > 16);
    uint8_t path[12];
    for (unsigned i = 0; i < CALLTREE_KINDS; i++) {
        for (unsigned k = 0; k < sizeof path; k++)
            path[k] = (uint8_t)((i + k) % (CALLTREE_KINDS - 1));
        calltree_run(path, sizeof path, raise_leaf, NULL);
    }
    assert_int_equal(c.different, 0);

    /* On a stack of its own, with and without bounds. Its top page borders on memory that cannot be read. */
    char *map = mmap(NULL, 20 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(map + 4096, 18 * 4096, PROT_READ | PROT_WRITE);
    stack_t alt = { .ss_sp = map + 4096, .ss_size = 18 * 4096 }, old;
    assert_int_equal(sigaltstack(&alt, &old), 0);
    install(SIGUSR1, SA_ONSTACK);
    unsigned before = c.last;
    raise_deep(12);
    assert_int_equal(c.different, 0);
    assert_true(c.last > 16);
    c.lo = c.hi = 0;
    raise_deep(12);
    assert_int_equal(c.different, 0);
    assert_true(c.last > 16 && before > 16);
    sigaltstack(&old, NULL);
    signal(SIGUSR1, SIG_DFL);
    munmap(map, 20 * 4096);
}

static void enter_kernel(void *arg)
{
    (void)arg;
    getppid();
    for (unsigned i = 0; i < 20; i++) { /* and the code that the kernel lends us */
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
    }
}

/* Interrupts running trees anywhere: prologues, epilogues, linkage tables, our own code. */
static void signals_anywhere(void **state)
{
    (void)state;
    struct check c = checker();
    c.report = false;
    signal_check = &c;
    install(SIGALRM, SA_RESTART);
    struct itimerval timer = { { 0, 150 }, { 0, 150 } }, off = { { 0, 0 }, { 0, 0 } };
    uint64_t seed = 7;
    uint8_t path[24];
    setitimer(ITIMER_REAL, &timer, NULL);
    for (unsigned i = 0; i < 200000 && c.walks < 1500; i++) {
        for (unsigned k = 0; k < sizeof path; k++) {
            path[k] = (uint8_t)(random_next(&seed) % CALLTREE_HUGE);
            if (path[k] == CALLTREE_REALIGNED)
                path[k] = 0;
        }
        calltree_run(path, random_next(&seed) % sizeof path, enter_kernel, NULL);
    }
    setitimer(ITIMER_REAL, &off, NULL);
    signal(SIGALRM, SIG_DFL);
    assert_true(c.walks >= 100);
    assert_int_equal(c.different, 0);
}

/* ---- Other stacks ---------------------------------------------------------------------------------------------------
 */

static ucontext_t main_context, co_context;
static struct check *co_check;
static void co_body(void)
{
    recurse(co_check, 5);
    recurse(co_check, 200);
    swapcontext(&co_context, &main_context);
    recurse(co_check, 7);
}

static void coroutines(void **state)
{
    (void)state;
    struct check c = checker();
    co_check = &c;
    for (unsigned known = 0; known < 2; known++) {
        char *map = mmap(NULL, 18 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        mprotect(map + 4096, 16 * 4096, PROT_READ | PROT_WRITE);
        getcontext(&co_context);
        co_context.uc_stack.ss_sp = map + 4096;
        co_context.uc_stack.ss_size = 16 * 4096;
        co_context.uc_link = &main_context;
        makecontext(&co_context, co_body, 0);
        if (!known)
            c.lo = c.hi = 0;
        else
            stack_bounds(&c.lo, &c.hi); /* of the thread: not where the coroutine runs */
        swapcontext(&main_context, &co_context);
        swapcontext(&main_context, &co_context);
        munmap(map, 18 * 4096);
    }
    assert_int_equal(c.walks, 6);
    assert_int_equal(c.different, 0);
}

static jmp_buf far_away;
static void jump(void *arg)
{
    (void)arg;
    longjmp(far_away, 1);
}

static void after_longjmp(void **state)
{
    (void)state;
    struct check c = checker();
    uint8_t path[20] = { 1, 2, 3, 5, 7, 9, 1, 2 };
    for (volatile unsigned i = 0; i < 20; i++) {
        if (setjmp(far_away) == 0)
            calltree_run(path, i, jump, NULL);
        check_here(&c);
    }
    assert_int_equal(c.walks, 20);
    assert_int_equal(c.different, 0);
}

typedef int (*plugin_call_fn)(calltree_leaf, void *);
typedef void (*plugin_resolve_fn)(calltree_leaf, void *);

static void loaded_libraries(void **state)
{
    (void)state;
    struct check c = checker();
    signal_check = &c;
    install(SIGUSR1, 0);
    unsigned same_place = 0;
    void *last = NULL;
    for (unsigned i = 0; i < 6; i++) {
        void *h = dlopen(i & ODD ? PLUGIN_DIR "/stack_plugin_two.so" : PLUGIN_DIR "/stack_plugin_one.so", RTLD_LAZY);
        assert_non_null(h);
        plugin_call_fn call = (plugin_call_fn)(uintptr_t)dlsym(h, "plugin_call");
        plugin_resolve_fn resolve = (plugin_resolve_fn)(uintptr_t)dlsym(h, "plugin_resolve");
        assert_non_null(call);
        assert_non_null(resolve);
        same_place += (void *)(uintptr_t)call == last;
        last = (void *)(uintptr_t)call;
        call(check_here, &c);
        call(check_here, &c);
        if (i < 3)
            resolve(check_here, &c);
        else
            resolve(raise_leaf, NULL); /* all registers are known in the handler, and change hands in between */
        assert_int_equal(c.different, 0);
        assert_int_equal(dlclose(h), 0);
        trk_stack_flush();
    }
    /* Bound at once, the resolver runs before the callback is set. */
    assert_int_equal(c.walks, getenv("LD_BIND_NOW") ? 12 : 18);
    if (same_place == 0)
        printf("the loader never used an address twice: unloading was not put to the test\n");
}

/* ---- Without unwind information
 * -------------------------------------------------------------------------------------- */

/* Calls its first argument with the second; the first one keeps a frame pointer, the second does not. */
void bare_frame(calltree_leaf leaf, void *arg);
void bare_nothing(calltree_leaf leaf, void *arg);
void bare_zero(calltree_leaf leaf, void *arg); /* marks the outermost frame as entry code does */
extern const char bare_frame_end[];

struct plain {
    uintptr_t lo, hi;
    uint64_t pcs[64];
    unsigned n, flags;
};
static NOINLINE void walk_plain(void *arg)
{
    struct plain *p = arg;
    p->n = trk_stack_walk(NULL, &TRK_FRAME_CALLER, p->lo, p->hi, p->pcs, 64, &p->flags);
    __asm__ volatile("" ::: "memory");
}

static NOINLINE void call_bare(void (*bare)(calltree_leaf, void *), struct plain *p, struct plain *reference)
{
    walk_plain(reference);
    bare(walk_plain, p);
    __asm__ volatile("" ::: "memory");
}

static void code_without_rows(void **state)
{
    (void)state;
    struct plain p = { 0 }, reference = { 0 };
    stack_bounds(&p.lo, &p.hi);
    reference = p;

    /* One frame more than the caller's own walk, the rest alike. */
    call_bare(bare_frame, &p, &reference);
    assert_int_equal(p.flags, 0);
    assert_int_equal(p.n, reference.n + 1);
    assert_true(p.pcs[0] > (uintptr_t)bare_frame && p.pcs[0] < (uintptr_t)bare_frame_end);
    assert_memory_equal(p.pcs + 2, reference.pcs + 1, (reference.n - 1) * 8);

    /* The same code where no module is. */
    size_t size = (size_t)(bare_frame_end - (const char *)(uintptr_t)bare_frame);
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page, (const void *)(uintptr_t)bare_frame, size);
    mprotect(page, 4096, PROT_READ | PROT_EXEC);
    call_bare((void (*)(calltree_leaf, void *))(uintptr_t)page, &p, &reference);
    assert_int_equal(p.flags, 0);
    assert_int_equal(p.n, reference.n + 1);
    assert_true(p.pcs[0] > (uintptr_t)page && p.pcs[0] < (uintptr_t)page + size);
    assert_memory_equal(p.pcs + 2, reference.pcs + 1, (reference.n - 1) * 8);
    munmap(page, 4096);

    /* No frame pointer of its own: it finds its caller's, thus leaves that caller out, or breaks; it never invents
     * frames. */
    call_bare(bare_nothing, &p, &reference);
    assert_true(p.n >= 1 && p.n <= reference.n + 1);
    for (unsigned i = 1; i < p.n; i++)
        assert_true(p.pcs[p.n - i] == reference.pcs[reference.n - i]);
}

static void frame_pointer_zero_ends(void **state)
{
    (void)state;
    struct plain p = { 0 }, reference = { 0 };
    stack_bounds(&p.lo, &p.hi);
    reference = p;
    call_bare(bare_zero, &p, &reference);
    assert_int_equal(p.n, 1);
    assert_int_equal(p.flags, 0);
}

/* Stack memory that leads the walk on and on, up to the last readable word. */
static void edge_of_memory(void **state)
{
    (void)state;
    struct plain real = { 0 };
    stack_bounds(&real.lo, &real.hi);
    walk_plain(&real);
    uint64_t pcs[2000];
    for (unsigned pages = 1; pages <= 3; pages++) {
        char *map = mmap(NULL, 8 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        mprotect(map + 4096, pages * 4096, PROT_READ | PROT_WRITE);
        uint64_t *words = (uint64_t *)(map + 4096);
        for (unsigned i = 0; i < pages * 512; i++)
            words[i] = real.pcs[0];
        for (unsigned start = 1; start < pages * 512; start += 13) {
            struct trk_frame at = { real.pcs[0], (uintptr_t)&words[start], (uintptr_t)&words[start + 4] };
            unsigned flags = 0;
            unsigned n = trk_stack_walk(NULL, &at, 0, 0, pcs, 2000, &flags);
            assert_true(n >= 1 && n < 2000);
            assert_true(flags == TRK_STACK_TRUNCATED || flags == TRK_STACK_BROKEN);
            /* Bounds that stop short stop the walk as well, or it asks. */
            n = trk_stack_walk(NULL, &at, (uintptr_t)words, (uintptr_t)&words[pages * 512], pcs, 2000, &flags);
            assert_true(n >= 1 && n < 2000 && flags != 0);
        }
        munmap(map, 8 * 4096);
    }
    /* Starts that are no stacks at all. */
    static const uintptr_t odd[] = { 8, 1, 0x1000, 0xdeadbeef, (uintptr_t)1 << 47, ~(uintptr_t)0 - 7, ~(uintptr_t)0 };
    for (unsigned i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        unsigned flags = 0;
        struct trk_frame at = { odd[i], real.lo + (real.hi - real.lo) / 2, odd[i] };
        assert_int_equal(trk_stack_walk(NULL, &at, 0, 0, pcs, 2000, &flags), 1);
        assert_int_equal(flags, TRK_STACK_BROKEN);
    }
}

/* Where the kernel refuses to tell, only the page at hand is read. */
static NOINLINE void refused_walk(unsigned depth, struct plain *p)
{
    if (depth)
        refused_walk(depth - 1, p);
    else
        walk_plain(p);
    __asm__ volatile("" ::: "memory");
}

static int refused_child(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigprocmask, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog prog = { sizeof code / sizeof code[0], code };
    static struct plain with, without;
    stack_bounds(&with.lo, &with.hi);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
        return 77;
    for (unsigned depth = 0; depth < 50; depth++) {
        for (volatile unsigned i = 0; i < 2; i++)
            refused_walk(depth * 8, i ? &without : &with);
        if (without.n < 1 || without.n > with.n || memcmp(without.pcs, with.pcs, without.n * 8) != 0)
            return 1;
        if (depth > 10 && (without.n == 64 ? with.n != 64 : without.flags != TRK_STACK_TRUNCATED))
            return 2;
    }
    return 0;
}

static void no_answer_from_the_kernel(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0)
        _exit(refused_child());
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    void *warm[4];
    ORACLE(warm, 4); /* loads what it needs outside of signal handlers */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deep_recursion),        cmocka_unit_test(random_trees),
        cmocka_unit_test(threads_and_callbacks), cmocka_unit_test(signal_handlers),
        cmocka_unit_test(signals_anywhere),      cmocka_unit_test(coroutines),
        cmocka_unit_test(after_longjmp),         cmocka_unit_test(loaded_libraries),
        cmocka_unit_test(code_without_rows),     cmocka_unit_test(frame_pointer_zero_ends),
        cmocka_unit_test(edge_of_memory),        cmocka_unit_test(no_answer_from_the_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
