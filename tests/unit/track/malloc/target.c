/* target.c: a program with one mode per situation in which a malloc hook is easily wrong. Each mode counts by itself
 * what it does, compares that with the stub's count, and exits with 0, or with a status the caller expects. */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target.h"

static struct stub_api stub;
static void *(*volatile do_malloc)(size_t) = malloc;
static void *(*volatile do_calloc)(size_t, size_t) = calloc;
static void *(*volatile do_realloc)(void *, size_t) = realloc;
static void (*volatile do_free)(void *) = free;

/* For modes that also run under the real engine, where nobody can be asked. */
#define CHECK_SEEN(condition) CHECK(!stub.count || (condition))

static void record_anew(void)
{
    if (stub.reset)
        stub.reset(true);
}

static void stop_recording(void)
{
    if (stub.count)
        *stub.gate = 0;
}

/* ---- early and late: before main, thread ends, signal handlers, exit handlers ------------------------------- */

static void *early;

static void __attribute__((constructor)) before_main(void)
{
    early = do_malloc(12345);
}

static void seen_once(const void *p, size_t size)
{
    size_t found = 0;
    for (size_t i = 0; i < stub.kept(); i++) {
        const struct stub_event *ev = stub.event(i);
        found += ev->op == STUB_ALLOC && ev->p == p && ev->size == size;
    }
    CHECK(found == 1);
}

static void leave_handler(int sig)
{
    _exit(sig == SIGABRT ? 7 : 97);
}

static pthread_key_t key;
static void *from_destructor, *from_handler, *at_exit_block;

static void thread_end(void *p)
{
    do_free(p);
    from_destructor = do_malloc(4444);
}

static void *thread_main(void *arg)
{
    (void)arg;
    pthread_setspecific(key, do_malloc(3333));
    return NULL;
}

static void handler(int sig)
{
    (void)sig;
    from_handler = do_malloc(5555);
}

static void late(void)
{
    at_exit_block = do_malloc(6666);
    seen_once(at_exit_block, 6666);
    do_free(at_exit_block);
}

static int mode_early(void)
{
    seen_once(early, 12345);
    CHECK(pthread_key_create(&key, thread_end) == 0);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, thread_main, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    seen_once(from_destructor, 4444);
    signal(SIGUSR1, handler);
    raise(SIGUSR1);
    seen_once(from_handler, 5555);
    atexit(late);
    return 0;
}

/* A handler that leaves the allocator's caller by siglongjmp, many times: recording goes on. */
static sigjmp_buf jump;

static void jumper(int sig)
{
    (void)sig;
    void *p = do_malloc(77);
    do_free(p);
    siglongjmp(jump, 1);
}

static int mode_longjmp(void)
{
    signal(SIGUSR2, jumper);
    stub.reset(true);
    for (volatile int i = 0; i < 1000; i++)
        if (sigsetjmp(jump, 1) == 0)
            raise(SIGUSR2);
    *stub.gate = 0;
    CHECK(stub.count(STUB_ALLOC) == 1000 && stub.count(STUB_FREE) == 1000);
    return 0;
}

/* ---- threads ------------------------------------------------------------------------------------------------- */

enum { THREADS = 8, ROUNDS = 20000, HELD = 64 };

struct tally {
    uint64_t allocs, frees, begins, ends;
    unsigned seed;
};
static void *shared[HELD]; /* blocks change hands here */

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void *stress(void *arg)
{
    struct tally *tally = arg;
    void *mine[HELD] = { 0 };
    for (int i = 0; i < ROUNDS; i++) {
        unsigned r = next_random(&tally->seed);
        void **slot = &mine[r % HELD];
        size_t size = next_random(&tally->seed) % 700;
        switch (r / HELD % 8) {
        case 0:
        case 1:
            tally->frees += *slot != NULL;
            do_free(*slot);
            *slot = do_malloc(size);
            tally->allocs++;
            break;
        case 2:
            tally->frees += *slot != NULL;
            do_free(*slot);
            *slot = do_calloc(1 + size, 3);
            tally->allocs++;
            break;
        case 3:
        case 4:
            tally->begins += *slot != NULL;
            tally->ends += *slot != NULL;
            tally->allocs += *slot == NULL;
            *slot = do_realloc(*slot, size + 1);
            break;
        case 5:
            tally->frees += *slot != NULL;
            do_free(*slot);
            *slot = NULL;
            if (posix_memalign(slot, 64, size) == 0)
                tally->allocs++;
            break;
        default:
            *slot = __atomic_exchange_n(&shared[size % HELD], *slot, __ATOMIC_ACQ_REL);
            break;
        }
    }
    for (int i = 0; i < HELD; i++) {
        tally->frees += mine[i] != NULL;
        do_free(mine[i]);
    }
    return NULL;
}

static int mode_threads(void)
{
    struct tally tally[THREADS] = { 0 };
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        tally[i].seed = i + 1;
        CHECK(pthread_create(&threads[i], NULL, stress, &tally[i]) == 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    /* Thread creation allocates as well; a second round over finished stacks and caches tells what the work itself
     * does. */
    if (!stub.count)
        return 0;
    stub.reset(true);
    struct tally sum = { 0 };
    for (unsigned i = 0; i < THREADS; i++) {
        tally[i] = (struct tally){ .seed = i + 100 };
        CHECK(pthread_create(&threads[i], NULL, stress, &tally[i]) == 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        sum.allocs += tally[i].allocs;
        sum.frees += tally[i].frees;
        sum.begins += tally[i].begins;
        sum.ends += tally[i].ends;
    }
    for (int i = 0; i < HELD; i++) {
        sum.frees += shared[i] != NULL;
        do_free(shared[i]);
    }
    *stub.gate = 0;
    uint64_t allocs = stub.count(STUB_ALLOC), frees = stub.count(STUB_FREE);
    fprintf(stderr, "threads: own %llu/%llu/%llu stub %llu/%llu/%llu\n", (unsigned long long)sum.allocs,
            (unsigned long long)sum.frees, (unsigned long long)sum.ends, (unsigned long long)allocs,
            (unsigned long long)frees, (unsigned long long)stub.count(STUB_REALLOC_END));
    /* glibc allocates one block per new thread for its TLS vector, at most, and an arena's worth of nothing else. */
    CHECK(allocs >= sum.allocs && allocs - sum.allocs <= 2 * THREADS);
    CHECK(frees >= sum.frees && frees - sum.frees <= 2 * THREADS);
    CHECK(stub.count(STUB_REALLOC_BEGIN) == sum.begins && stub.count(STUB_REALLOC_END) == sum.ends);
    return 0;
}

/* ---- processes ----------------------------------------------------------------------------------------------- */

static int wait_status(pid_t pid)
{
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int mode_fork(void)
{
    void *kept = do_malloc(10);
    for (int round = 0; round < 3; round++) {
        record_anew();
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (!pid) {
            record_anew();
            void *p = do_malloc(20);
            do_free(p);
            do_free(kept);
            CHECK_SEEN(stub.count(STUB_ALLOC) == 1 && stub.count(STUB_FREE) == 2);
            _exit(round == 2 ? 42 : 0);
        }
        CHECK(wait_status(pid) == (round == 2 ? 42 : 0));
        CHECK_SEEN(stub.count(STUB_EXIT) == 0);
    }
    do_free(kept);
    /* a child made without libc's fork */
    pid_t pid = (pid_t)syscall(SYS_fork);
    if (!pid) {
        record_anew();
        do_free(do_malloc(20));
        stop_recording();
        CHECK_SEEN(stub.count(STUB_ALLOC) == 1 && stub.count(STUB_FREE) == 1);
        _exit(0);
    }
    CHECK(wait_status(pid) == 0);
    return 0;
}

/* A vfork child's exit and exec are not ours; neither are those of a vfork child of a forked child. */
static void vfork_once(void)
{
    record_anew();
    pid_t pid = vfork();
    if (!pid)
        _exit(3);
    CHECK(wait_status(pid) == 3);
    CHECK_SEEN(stub.count(STUB_EXIT) == 0);
    pid = vfork();
    if (!pid) {
        execl("/does/not/exist", "exist", (char *)NULL);
        execl("/bin/sh", "sh", "-c", "exit 5", (char *)NULL);
        _exit(4);
    }
    CHECK(wait_status(pid) == 5);
    CHECK_SEEN(stub.count(STUB_EXIT) == 0 && stub.count(STUB_EXEC) == 0 && stub.count(STUB_EXEC_FAILED) == 0);
    CHECK(system("exit 6") >> 8 == 6);
    CHECK_SEEN(stub.count(STUB_EXIT) == 0 && stub.count(STUB_EXEC) == 0);
}

static int mode_vfork(void)
{
    vfork_once();
    pid_t pid = fork();
    if (!pid) {
        vfork_once();
        errno = 0;
        CHECK(execl("/does/not/exist", "exist", (char *)NULL) == -1 && errno == ENOENT);
        CHECK_SEEN(stub.count(STUB_EXEC) == 1 && stub.count(STUB_EXEC_FAILED) == 1);
        stop_recording();
        _exit(0);
    }
    CHECK(wait_status(pid) == 0);
    return 0;
}

/* ---- the arena and foreign blocks ------------------------------------------------------------------------------ */

/* Works with every allocator: the whole family in odd sizes. */
static int mode_family(void)
{
    for (size_t size = 0; size < 3000; size = size * 3 / 2 + 1) {
        char *p = do_malloc(size);
        CHECK(p && malloc_usable_size(p) >= size);
        memset(p, 'x', size);
        p = do_realloc(p, size * 2 + 1);
        CHECK(p && (size == 0 || (p[0] == 'x' && p[size - 1] == 'x')));
        p = reallocarray(p, size + 1, 3);
        CHECK(p);
        do_free(p);
        p = do_calloc(size + 1, 2);
        CHECK(p && p[0] == 0 && p[size] == 0);
        do_free(p);
        void *q = NULL;
        CHECK(posix_memalign(&q, 256, size + 1) == 0 && (uintptr_t)q % 256 == 0);
        do_free(q);
        q = aligned_alloc(64, 64 * (size + 1));
        CHECK(q && (uintptr_t)q % 64 == 0);
        do_free(q);
        q = memalign(128, size + 1);
        CHECK(q && (uintptr_t)q % 128 == 0);
        do_free(q);
        q = valloc(size + 1);
        CHECK(q && (uintptr_t)q % 4096 == 0);
        do_free(q);
        void *none = do_realloc(do_malloc(size + 1), 0);
        if (none)
            do_free(none);
    }
    CHECK(!do_malloc(SIZE_MAX / 2) && errno == ENOMEM);
    volatile size_t half = SIZE_MAX / 2;
    CHECK(!reallocarray(NULL, half, 4) && errno == ENOMEM);
    if (stub.count && stub.owner() == TRK_PROC_MALLOC_OURS) {
        CHECK(stub.count(STUB_ALLOC) > 50);
        CHECK(stub.count(STUB_REALLOC_BEGIN) == stub.count(STUB_REALLOC_END) + stub.count(STUB_REALLOC_FAIL));
    }
    return 0;
}

/* Says who serves malloc, on stdout. */
static int mode_owner(void)
{
    CHECK(do_malloc == malloc && do_free == free); /* code that uses the addresses themselves */
    void *p = do_malloc(100);
    do_free(p);
    printf("%u %s\n", stub.owner ? stub.owner() : 0, stub.owner_text ? stub.owner_text() : "");
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } modes[] = {
        { "early", mode_early }, { "longjmp", mode_longjmp }, { "threads", mode_threads }, { "fork", mode_fork },
        { "vfork", mode_vfork }, { "family", mode_family },   { "owner", mode_owner },
    };
    stub = stub_api();
    if (argc < 2)
        return 98;
    if (strcmp(argv[1], "exits") == 0) {
        if (strcmp(argv[2], "_exit") == 0)
            _exit(7);
        if (strcmp(argv[2], "_Exit") == 0)
            _Exit(7);
        if (strcmp(argv[2], "quick_exit") == 0)
            quick_exit(7);
        if (strcmp(argv[2], "abort") == 0) {
            signal(SIGABRT, leave_handler);
            abort();
        }
        return 7;
    }
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (strcmp(argv[1], modes[i].name) == 0)
            return modes[i].run();
    return 98;
}
