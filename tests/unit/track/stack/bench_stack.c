/* bench_stack.c: nanoseconds per captured stack against libunwind's unw_backtrace in the same rounds.
 *
 * A chain of 16 functions without frame pointers ends in a loop that captures ("fixed"), or its lower part is entered
 * anew for each event, each function being one of two ("re-entered", 2^k different stacks). Prints medians over rounds
 * of (variant - empty call), and the ratio to libunwind. Machines drift: compare ratios, and only inside one run. */
#define UNW_LOCAL_ONLY
#include <libunwind.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "calltree.h"
#include "stack.h"

enum { DEPTH = 16, ROUNDS = 9 };

static struct trk_depot depot;
static uint64_t used, full;
static struct trk_stack_cache *cache;
static uintptr_t lo, hi;
static uint32_t sink;

typedef void (*record_fn)(void);
static NOINLINE void record_nothing(void)
{
    __asm__ volatile("" ::: "memory");
}
static NOINLINE void record_site(void)
{
    sink += trk_stack_site(&depot, cache, TRK_FRAME_CALLER.pc, 0);
}
static NOINLINE void record_cached(void)
{
    sink += trk_stack_capture(&depot, cache, &TRK_FRAME_CALLER, lo, hi, DEPTH, 0, 0);
}
static NOINLINE void record_uncached(void)
{
    sink += trk_stack_capture(&depot, NULL, &TRK_FRAME_CALLER, lo, hi, DEPTH, 0, 0);
}
static NOINLINE void record_walk(void)
{
    uint64_t pcs[DEPTH];
    unsigned flags;
    sink += trk_stack_walk(NULL, &TRK_FRAME_CALLER, lo, hi, pcs, DEPTH, &flags);
}
static NOINLINE void record_unwind(void)
{
    void *pcs[DEPTH + 1];
    sink += (uint32_t)unw_backtrace(pcs, DEPTH + 1);
}

static record_fn record;
static unsigned loop_level; /* at which level the loop is; DEPTH: in the leaf */
static uint32_t choice_mask, events;
static double result;
static uint32_t choices[1 << 16];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void enter(unsigned level, uint32_t choice);
static void loop(unsigned level)
{
    double start = now();
    for (uint32_t i = 0; i < events; i++) {
        if (level == DEPTH)
            record();
        else
            enter(level + 1, choices[i & 0xffff] & choice_mask);
    }
    result = (now() - start) / events;
}

/* Two functions per level with frames of different sizes. */
#define LEVEL(n, below)                                                                                                \
    static NOINLINE void a##n(uint32_t choice)                                                                         \
    {                                                                                                                  \
        char pad[16 + n * 8];                                                                                          \
        __asm__ volatile("" ::"r"(pad) : "memory");                                                                    \
        (void)choice;                                                                                                  \
        below;                                                                                                         \
        __asm__ volatile("" ::"r"(pad) : "memory", "rbx");                                                             \
    }                                                                                                                  \
    static NOINLINE void b##n(uint32_t choice)                                                                         \
    {                                                                                                                  \
        char pad[16 + n * 8];                                                                                          \
        __asm__ volatile("" ::"r"(pad) : "memory");                                                                    \
        (void)choice;                                                                                                  \
        below;                                                                                                         \
        __asm__ volatile("" ::"r"(pad) : "memory", "r12");                                                             \
    }
#define NEXT(level, n)                                                                                                 \
    if (loop_level == level)                                                                                           \
        loop(level);                                                                                                   \
    else if (choice >> level & 1)                                                                                      \
        a##n(choice);                                                                                                  \
    else                                                                                                               \
        b##n(choice)
LEVEL(16, if (loop_level == DEPTH) loop(DEPTH); else record())
LEVEL(15, NEXT(15, 16))
LEVEL(14, NEXT(14, 15))
LEVEL(13, NEXT(13, 14))
LEVEL(12, NEXT(12, 13))
LEVEL(11, NEXT(11, 12))
LEVEL(10, NEXT(10, 11))
LEVEL(9, NEXT(9, 10))
LEVEL(8, NEXT(8, 9))
LEVEL(7, NEXT(7, 8))
LEVEL(6, NEXT(6, 7))
LEVEL(5, NEXT(5, 6))
LEVEL(4, NEXT(4, 5))
LEVEL(3, NEXT(3, 4))
LEVEL(2, NEXT(2, 3))
LEVEL(1, NEXT(1, 2))

static void enter(unsigned level, uint32_t choice)
{
    static void (*const a[])(uint32_t) = { a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16 };
    static void (*const b[])(uint32_t) = { b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15, b16 };
    (choice >> (level - 1) & 1 ? a : b)[level - 1](choice);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void *map(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (p == MAP_FAILED)
        exit(1);
    return p;
}

int main(void)
{
    pthread_attr_t attr;
    void *start;
    size_t size;
    pthread_getattr_np(pthread_self(), &attr);
    pthread_attr_getstack(&attr, &start, &size);
    lo = (uintptr_t)start;
    hi = lo + size;
    used = TRK_STACK_UNIT;
    depot = (struct trk_depot){ map(4 << 18), 1 << 18, map(32 << 20), 32 << 20, &used, &full };
    cache = map(trk_stack_cache_bytes());
    for (unsigned i = 0; i < 1 << 16; i++)
        choices[i] = (uint32_t)rand() ^ (uint32_t)rand() << 12;

    static const struct {
        const char *name;
        record_fn fn;
    } variants[] = {
        { "empty call", record_nothing },    { "site", record_site },
        { "capture, cache", record_cached }, { "capture, no cache", record_uncached },
        { "walk only", record_walk },        { "libunwind unw_backtrace", record_unwind },
    };
    enum { N = sizeof variants / sizeof variants[0] };
    static const unsigned lower[] = { 0, 2, 4, 8, 12 }; /* functions entered anew for each event */
    for (unsigned w = 0; w < sizeof lower / sizeof lower[0]; w++) {
        loop_level = DEPTH - lower[w];
        choice_mask = ((1u << lower[w]) - 1) << loop_level;
        printf("lower %u functions re-entered at random (%u stacks)\n", lower[w], 1u << lower[w]);
        static double over[N][ROUNDS];
        for (unsigned r = 0; r < ROUNDS + 1; r++) {
            double bare = 0;
            for (unsigned v = 0; v < N; v++) {
                record = variants[v].fn;
                events = v == N - 1 ? 100000 : 300000;
                a1(0);
                if (v == 0)
                    bare = result;
                if (r > 0)
                    over[v][r - 1] = result - (v ? bare : 0);
            }
        }
        for (unsigned v = 0; v < N; v++)
            qsort(over[v], ROUNDS, sizeof(double), by_value);
        for (unsigned v = 0; v < N; v++)
            printf("  %-26s %8.1f ns  %5.2f x libunwind\n", variants[v].name, over[v][ROUNDS / 2],
                   over[v][ROUNDS / 2] / over[N - 1][ROUNDS / 2]);
    }
    printf("stacks %u, refused %lu\n", (unsigned)(used / (8 + DEPTH * 8)), (unsigned long)full);
    return sink == 1;
}
