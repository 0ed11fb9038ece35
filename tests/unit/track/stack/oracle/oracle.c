/* oracle.c: loaded into any program (LD_PRELOAD): takes the stack of every call of malloc and friends through
 * libtrack's cache, and compares samples of them with a fresh walk and with libunwind.
 *
 * libunwind defines _Unwind_* and backtrace(): in the global scope it would replace the target's own unwinder. It is
 * loaded by dlopen with RTLD_LOCAL, so nobody else binds to it. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define UNW_LOCAL_ONLY
#include <libunwind.h>

#include "cfi.h"
#include "oracle.h"
#include "stack.h"

enum { MAX = 400, DEPOT_BYTES = 1 << 26, DEPOT_HASH = 1 << 20, SKIP_MAX = 8, INTERRUPTED = 20000 };
#define EXPORT       __attribute__((visibility("default")))
#define NOINLINE     __attribute__((noinline))
#define STRING_OF(x) #x
#define NAME_OF(x)   STRING_OF(x)

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);
void __libc_free(void *p);
void oracle_stop(const uint64_t *pcs, uint64_t n);

static struct oracle_results *results; /* NULL: not up, or nobody asked */
static int (*backtrace_of)(void **, int);
static int (*get_context)(unw_context_t *);
static int (*init_local)(unw_cursor_t *, unw_context_t *);
static int (*step)(unw_cursor_t *);
static int (*get_reg)(unw_cursor_t *, unw_regnum_t, unw_word_t *);
static void (*flush_cache)(unw_addr_space_t, unw_word_t, unw_word_t);
static unw_addr_space_t *local_space;
static int (*real_dlclose)(void *);

static struct trk_depot depot;
static uint64_t depot_used = TRK_STACK_UNIT, depot_full;

static __thread struct {
    struct trk_stack_cache *cache;
    uintptr_t lo, hi;
    bool busy, known;
    uint64_t count, order;
    uint64_t fresh[MAX];
    void *theirs[MAX + SKIP_MAX];
} own __attribute__((tls_model("initial-exec")));

static void add(uint64_t *counter, uint64_t n)
{
    __atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

static uint64_t cycles(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    uint64_t t;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(t));
    return t;
#endif
}

/* With all pages there when time is measured: page faults belong to whoever provides the memory. */
static void *map(size_t bytes, bool touched)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (touched ? MAP_POPULATE : 0), -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static void know_thread(void)
{
    pthread_attr_t attr;
    void *start;
    size_t size;
    own.known = true;
    own.cache = map(trk_stack_cache_bytes(), results->timed);
    if (pthread_getattr_np(pthread_self(), &attr) != 0)
        return;
    pthread_attr_getstack(&attr, &start, &size);
    pthread_attr_destroy(&attr);
    own.lo = (uintptr_t)start;
    own.hi = own.lo + size;
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    char line[256];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    uint64_t at = __atomic_fetch_add(&results->text_used, (uint64_t)n, __ATOMIC_RELAXED);
    if (at + (uint64_t)n < ORACLE_TEXT)
        memcpy(results->text + at, line, (size_t)n);
}

static bool signal_return(uintptr_t pc)
{
    static const unsigned char code[] = { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 };
    return memcmp((const void *)pc, code, sizeof code) == 0;
}

/* Frame 0 is where the two were aligned. *diff: the first difference. */
static enum oracle_class compare(const uint64_t *ours, unsigned n, void *const *theirs, unsigned m, unsigned *diff)
{
    bool signal = false, zero = false;
    if (m > 0 && theirs[m - 1] == NULL && n < m) {
        m--;
        zero = true;
    }
    for (unsigned i = 1; i < n && i < m; i++) {
        *diff = i;
        if (ours[i] == (uintptr_t)theirs[i])
            continue;
        if (ours[i] != (uintptr_t)theirs[i] + 1 || !signal_return(ours[i - 1]))
            return ORACLE_UNEXPLAINED;
        signal = true;
    }
    *diff = n < m ? n : m;
    if (n != m)
        return ORACLE_UNEXPLAINED;
    return zero ? ORACLE_ZERO : signal ? ORACLE_SIGNAL : ORACLE_SAME;
}

/* The stack as unw_step sees it, from the frame whose return address is first. */
static NOINLINE unsigned by_steps(void **pcs, uintptr_t first)
{
    unw_context_t context;
    unw_cursor_t cursor;
    unw_word_t ip = 0;
    unsigned n = 0;
    get_context(&context);
    if (init_local(&cursor, &context) < 0)
        return 0;
    do {
        if (get_reg(&cursor, UNW_REG_IP, &ip) < 0)
            break;
        if (n > 0 || ip == first)
            pcs[n++] = (void *)(uintptr_t)ip;
    } while (n < MAX && step(&cursor) > 0);
    return n;
}

static void describe(const uint64_t *ours, unsigned n, unsigned flags, void *const *theirs, unsigned m, unsigned diff)
{
    say("ours: %u frames, flags %u; theirs: %u; first difference at %u\n", n, flags, m, diff);
    for (unsigned i = diff > 2 ? diff - 2 : 0; i < diff + 3 && (i < n || i < m); i++) {
        Dl_info ours_at = { 0 }, theirs_at = { 0 };
        if (i < n)
            dladdr((void *)(uintptr_t)ours[i], &ours_at);
        if (i < m)
            dladdr(theirs[i], &theirs_at);
        say("  %2u %#lx %s %s | %p %s %s\n", i, i < n ? (unsigned long)ours[i] : 0,
            ours_at.dli_fname ? ours_at.dli_fname : "", ours_at.dli_sname ? ours_at.dli_sname : "",
            i < m ? theirs[i] : NULL, theirs_at.dli_fname ? theirs_at.dli_fname : "",
            theirs_at.dli_sname ? theirs_at.dli_sname : "");
    }
}

/* No table covers pc - 1, or the one that does keeps the return address where a backtrace cannot look for it: vfork has
 * it in a register while the child uses the stack. */
static bool undescribed(uintptr_t pc)
{
    struct trk_cfi_row row;
    enum trk_cfi_result r = trk_cfi_find(pc - 1, &row);
    return r == TRK_CFI_NO_OBJECT || r == TRK_CFI_NO_ENTRY ||
           (r == TRK_CFI_OK && row.rule[TRK_CFI_RA].how == TRK_CFI_LOST);
}

static enum oracle_class judge(unsigned n, unsigned flags, unsigned m)
{
    unsigned diff = 0;
    enum oracle_class c = compare(own.fresh, n, own.theirs, m, &diff);
    if (c != ORACLE_UNEXPLAINED) {
        if (flags == 0 || n == MAX)
            return c;
        /* Both end where no table shows the way out, and ours says so. */
        if ((flags & TRK_STACK_BROKEN) && n > 0 && undescribed((uintptr_t)own.fresh[n - 1]))
            return ORACLE_NO_ROWS;
        describe(own.fresh, n, flags, own.theirs, m, n);
        return ORACLE_UNEXPLAINED;
    }
    void *steps[MAX];
    unsigned steps_n = by_steps(steps, own.fresh[0]);
    unsigned steps_diff;
    enum oracle_class d = steps_n ? compare(own.fresh, n, steps, steps_n, &steps_diff) : ORACLE_UNEXPLAINED;
    if (d != ORACLE_UNEXPLAINED && flags == 0)
        return ORACLE_FAST_TRACE;
    /* Where one of them ends because no table shows the way out, the other may guess on. */
    if (diff > 0 && (diff == n ? flags & TRK_STACK_BROKEN : diff == m) && undescribed((uintptr_t)own.theirs[diff - 1]))
        return ORACLE_NO_ROWS;
    describe(own.fresh, n, flags, own.theirs, m, diff);
    return ORACLE_UNEXPLAINED;
}

/* For a debugger: stops here, and compares its own backtrace with pcs[0..n). */
EXPORT NOINLINE void oracle_stop(const uint64_t *pcs, uint64_t n)
{
    __asm__ volatile("" ::"r"(pcs), "r"(n) : "memory");
}

static NOINLINE void sample(const struct trk_frame *at, uint32_t id)
{
    unsigned flags = 0;
    uint64_t serial = __atomic_add_fetch(&results->samples, 1, __ATOMIC_RELAXED);
    unsigned n = trk_stack_walk(own.cache, at, own.lo, own.hi, own.fresh, MAX, &flags);
    add(&results->frames, n);
    if (id) {
        const struct trk_shm_stack *kept = (const void *)(depot.base + (uint64_t)id * TRK_STACK_UNIT);
        unsigned have = kept->head >> TRK_STACK_COUNT_SHIFT & 0xff;
        unsigned kept_flags = kept->head >> TRK_STACK_FLAGS_SHIFT & 0xff;
        bool cut = n > TRK_STACK_MAX_FRAMES;
        if (have != (cut ? TRK_STACK_MAX_FRAMES : n) || memcmp(kept->pcs, own.fresh, have * 8) != 0 ||
            (cut ? kept_flags != TRK_STACK_TRUNCATED : kept_flags != flags))
            add(&results->cached_differs, 1);
    }
    int all = backtrace_of(own.theirs, MAX + SKIP_MAX);
    unsigned skip = 0;
    while ((int)skip < all && (uintptr_t)own.theirs[skip] != own.fresh[0])
        skip++;
    unsigned m = all > (int)skip ? (unsigned)all - skip : 0;
    if (m > MAX)
        m = MAX;
    memmove(own.theirs, own.theirs + skip, m * sizeof own.theirs[0]);
    enum oracle_class c = judge(n, flags, m);
    add(&results->classes[c], 1);
    if (results->stop && serial % results->stop == 0)
        oracle_stop(own.fresh, n);
}

/* Times both on this event, in either order. What took longer than any walk was interrupted and does not count. */
static void measure(const struct trk_frame *at)
{
    uint64_t track = 0, unwind = 0;
    own.order = own.order * 6364136223846793005ull + 1442695040888963407ull;
    for (unsigned turn = 0; turn < 2; turn++) {
        uint64_t start = cycles();
        if ((own.order >> 63 ^ turn) != 0) {
            trk_stack_capture(&depot, own.cache, at, own.lo, own.hi, TRK_STACK_MAX_FRAMES, 0, 0);
            track = cycles() - start;
        } else {
            backtrace_of(own.theirs, TRK_STACK_MAX_FRAMES + 2);
            unwind = cycles() - start;
        }
    }
    if (track > INTERRUPTED || unwind > INTERRUPTED)
        return;
    add(&results->track_cycles, track);
    add(&results->unwind_cycles, unwind);
    add(&results->timed_events, 1);
}

static NOINLINE void event(const struct trk_frame *at)
{
    if (own.busy)
        return;
    int saved = errno;
    own.busy = true;
    if (!own.known)
        know_thread();
    own.count++;
    add(&results->events, 1);
    if (results->timed) {
        measure(at);
    } else {
        uint32_t id = trk_stack_capture(&depot, own.cache, at, own.lo, own.hi, TRK_STACK_MAX_FRAMES, 0, 0);
        if (own.count % results->every == 0 && results->samples < results->most)
            sample(at, id);
    }
    own.busy = false;
    errno = saved;
}

#define EVENT()                                                                                                        \
    if (results) {                                                                                                     \
        struct trk_frame at = TRK_FRAME_CALLER;                                                                        \
        event(&at);                                                                                                    \
        __asm__ volatile("");                                                                                          \
    }

EXPORT NOINLINE void *malloc(size_t size)
{
    EVENT();
    return __libc_malloc(size);
}

EXPORT NOINLINE void *calloc(size_t count, size_t size)
{
    EVENT();
    return __libc_calloc(count, size);
}

EXPORT NOINLINE void *realloc(void *p, size_t size)
{
    EVENT();
    return __libc_realloc(p, size);
}

EXPORT NOINLINE void free(void *p)
{
    EVENT();
    __libc_free(p);
}

EXPORT int dlclose(void *handle)
{
    int ret = real_dlclose ? real_dlclose(handle) : -1;
    trk_stack_flush();
    if (results)
        flush_cache(*local_space, 0, 0);
    return ret;
}

static void on_timer(int sig)
{
    (void)sig;
    if (own.busy || !own.known || results->samples >= results->most)
        return;
    int saved = errno;
    own.busy = true;
    struct trk_frame at = TRK_FRAME_CALLER;
    uint32_t id = trk_stack_capture(&depot, own.cache, &at, own.lo, own.hi, TRK_STACK_MAX_FRAMES, 0, 0);
    add(&results->interrupts, 1);
    sample(&at, id);
    own.busy = false;
    errno = saved;
}

static bool find_unwinder(void)
{
    void *lib = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
    if (!lib)
        return false;
    backtrace_of = (int (*)(void **, int))(uintptr_t)dlsym(lib, "unw_backtrace");
    get_context = (int (*)(unw_context_t *))(uintptr_t)dlsym(lib, NAME_OF(UNW_ARCH_OBJ(getcontext)));
    init_local = (int (*)(unw_cursor_t *, unw_context_t *))(uintptr_t)dlsym(lib, NAME_OF(UNW_OBJ(init_local)));
    step = (int (*)(unw_cursor_t *))(uintptr_t)dlsym(lib, NAME_OF(UNW_OBJ(step)));
    get_reg = (int (*)(unw_cursor_t *, unw_regnum_t, unw_word_t *))(uintptr_t)dlsym(lib, NAME_OF(UNW_OBJ(get_reg)));
    flush_cache =
        (void (*)(unw_addr_space_t, unw_word_t, unw_word_t))(uintptr_t)dlsym(lib, NAME_OF(UNW_ARCH_OBJ(flush_cache)));
    local_space = dlsym(lib, NAME_OF(UNW_OBJ(local_addr_space)));
    return backtrace_of && init_local && step && get_reg && get_context && flush_cache && local_space;
}

__attribute__((constructor)) static void start(void)
{
    const char *path = getenv("ORACLE_RESULTS");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    real_dlclose = (int (*)(void *))(uintptr_t)dlsym(RTLD_NEXT, "dlclose");
    if (fd < 0)
        return;
    struct oracle_results *r = mmap(NULL, sizeof *r, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (r == MAP_FAILED)
        return;
    depot = (struct trk_depot){
        map(DEPOT_HASH * 4ul, r->timed), DEPOT_HASH, map(DEPOT_BYTES, r->timed), DEPOT_BYTES, &depot_used, &depot_full
    };
    if (!depot.hash || !depot.base)
        return;
    add(&r->loaded, 1);
    if (!find_unwinder()) {
        add(&r->no_unwind, 1);
        return;
    }
    void *warm[8];
    backtrace_of(warm, 8);
    __atomic_store_n(&results, r, __ATOMIC_RELEASE);
    if (r->timer_us) {
        struct sigaction act = { .sa_handler = on_timer, .sa_flags = SA_RESTART };
        struct itimerspec often = { { 0, (long)r->timer_us * 1000 }, { 0, (long)r->timer_us * 1000 } };
        struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGPROF };
        timer_t timer; /* unlike those of setitimer it does not outlive exec, nor does a forked child have it */
        sigaction(SIGPROF, &act, NULL);
        if (timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer) == 0)
            timer_settime(timer, 0, &often, NULL);
    }
}
