/* test_cache.c: captures with a cache give what captures without one give, and the options of a capture mean what they
 * say. */
#include "stack_util.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>

#include "calltree.h"

struct capture {
    struct arena arena;
    struct trk_stack_cache *cache;
    uintptr_t lo, hi;
    unsigned depth, generation;
    uintptr_t caller;
    uint64_t events, hits, different;
    uint32_t id;
};

/* A depot in which nothing is found and nothing fits: what comes back comes from the cache. */
static uint32_t cached_only(struct capture *c, const struct trk_frame *at)
{
    uint64_t used = c->arena.depot.bytes, full = 0;
    struct trk_depot none = c->arena.depot;
    none.used = &used;
    none.full = &full;
    none.hash_count = 0;
    return trk_stack_capture(&none, c->cache, at, c->lo, c->hi, c->depth, c->caller, c->generation);
}

static NOINLINE void capture_both(void *arg)
{
    struct capture *c = arg;
    struct trk_frame at = TRK_FRAME_CALLER;
    uint32_t hit = cached_only(c, &at);
    errno = 4711;
    uint32_t with = trk_stack_capture(&c->arena.depot, c->cache, &at, c->lo, c->hi, c->depth, c->caller, c->generation);
    uint32_t without = trk_stack_capture(&c->arena.depot, NULL, &at, c->lo, c->hi, c->depth, c->caller, c->generation);
    c->events++;
    c->hits += hit != 0;
    c->different += with == 0 || with != without || (hit && hit != with) || errno != 4711;
    c->id = with;
    __asm__ volatile("" ::: "memory");
}

static void capture_init(struct capture *c)
{
    memset(c, 0, sizeof *c);
    arena_init(&c->arena, 1 << 18, 64 << 20);
    c->cache = cache_create();
    c->depth = 16;
    stack_bounds(&c->lo, &c->hi);
}

static void capture_deinit(struct capture *c)
{
    arena_deinit(&c->arena);
    cache_destroy(c->cache);
}

/* Few kinds in many orders: the same sp and the same innermost frames below different callers, again and again. */
static void random_trees(void **state)
{
    (void)state;
    static const uint8_t mixes[][4] = {
        { 0, 0, 0, 0 }, { 0, 6, 0, 6 }, { 0, 7, 8, 3 },   { 2, 2, 3, 3 },
        { 5, 9, 8, 2 }, { 1, 4, 0, 5 }, { 10, 11, 0, 1 }, { 9, 9, 5, 8 },
    };
    struct capture c;
    capture_init(&c);
    uint64_t seed = 99;
    uint8_t path[14];
    for (unsigned mix = 0; mix < sizeof mixes / sizeof mixes[0]; mix++) {
        for (unsigned i = 0; i < 18000; i++) {
            unsigned n = 3 + random_next(&seed) % 5;
            for (unsigned k = 0; k < n; k++)
                path[k] = mixes[mix][random_next(&seed) % 4];
            c.depth = 2 + random_next(&seed) % 2 * 14;
            calltree_run(path, n, capture_both, &c);
            assert_int_equal(c.different, 0);
        }
    }
    /* Everything, deep. */
    for (unsigned i = 0; i < 6000; i++) {
        unsigned n = random_next(&seed) % sizeof path;
        for (unsigned k = 0; k < n; k++)
            path[k] = (uint8_t)(random_next(&seed) % (CALLTREE_KINDS - 1));
        c.depth = 64;
        calltree_run(path, n, capture_both, &c);
        assert_int_equal(c.different, 0);
    }
    assert_true(c.events >= 150000);
    assert_true(c.hits > c.events / 4);
    assert_true(c.hits < c.events);
    assert_int_equal(c.arena.full, 0);
    capture_deinit(&c);
}

/* Trees that repeat hit from the third time on, the second being what makes them worth keeping; in known and unknown
 * stacks. */
static void repeated_trees_hit(void **state)
{
    (void)state;
    struct capture c;
    capture_init(&c);
    static const uint8_t paths[][6] = {
        { 0, 1, 2, 0, 1, 0 }, { 8, 8, 8, 0, 0, 0 }, { 2, 3, 2, 3, 2, 0 }, { 9, 5, 9, 0, 0, 0 }, { 10, 11, 0, 0, 0, 0 },
    };
    for (unsigned known = 0; known < 2; known++) {
        if (known == 0)
            c.lo = c.hi = 0;
        else
            stack_bounds(&c.lo, &c.hi);
        c.generation++;
        c.events = c.hits = 0;
        for (volatile unsigned i = 0; i < 200; i++)
            calltree_run(paths[i % 5], 6, capture_both, &c);
        assert_int_equal(c.different, 0);
        assert_int_equal(c.events, 200);
        assert_int_equal(c.hits, 190);
    }
    capture_deinit(&c);
}

/* More stacks than the cache holds. */
static void overflowing_cache(void **state)
{
    (void)state;
    struct capture c;
    capture_init(&c);
    c.depth = 64;
    uint64_t seed = 5;
    uint8_t path[60];
    for (unsigned i = 0; i < 6000; i++) {
        unsigned n = 30 + random_next(&seed) % 30;
        for (unsigned k = 0; k < n; k++)
            path[k] = (uint8_t)(random_next(&seed) % 10);
        for (volatile unsigned times = 0; times < 3; times++) /* one call site: not to be unrolled */
            calltree_run(path, n, capture_both, &c);
        assert_int_equal(c.different, 0);
    }
    assert_true(c.hits > 5500);
    capture_deinit(&c);
}

static void big_frames(void **state)
{
    (void)state;
    struct capture c;
    capture_init(&c);
    uint8_t path[] = { CALLTREE_HUGE, 0, CALLTREE_HUGE, 1 };
    for (volatile unsigned i = 0; i < 10; i++) /* one call site: not to be unrolled */
        calltree_run(path, sizeof path, capture_both, &c);
    assert_int_equal(c.different, 0);
    assert_int_equal(c.hits, 8);
    capture_deinit(&c);
}

/* ---- Options
 * --------------------------------------------------------------------------------------------------------- */

struct nested {
    struct capture *c;
    uint64_t pcs[128];
    unsigned n;
    unsigned depth;
    unsigned caller_at; /* of which frame of the walk the return address is to be the first; 0: none */
};

static NOINLINE void capture_nested(struct nested *x)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    unsigned flags;
    x->n = trk_stack_walk(NULL, &at, x->c->lo, x->c->hi, x->pcs, 128, &flags);
    assert_int_equal(flags, 0);
    x->c->depth = x->depth;
    x->c->caller = x->caller_at == ~0u ? 0x1234 : x->caller_at ? (uintptr_t)x->pcs[x->caller_at] : 0;
    for (unsigned i = 0; i < 2; i++) {
        uint32_t with =
            trk_stack_capture(&x->c->arena.depot, x->c->cache, &at, x->c->lo, x->c->hi, x->depth, x->c->caller, 0);
        uint32_t without =
            trk_stack_capture(&x->c->arena.depot, NULL, &at, x->c->lo, x->c->hi, x->depth, x->c->caller, 0);
        assert_int_equal(with, without);
        x->c->id = with;
    }
}

static NOINLINE void descend(struct nested *x, unsigned depth)
{
    if (depth == 0)
        capture_nested(x);
    else if (depth & 1)
        descend(x, depth - 1);
    else {
        __asm__ volatile("" ::: "memory");
        descend(x, depth - 1);
    }
    __asm__ volatile("" ::: "memory");
}

static void depth_and_flags(void **state)
{
    (void)state;
    struct capture c;
    capture_init(&c);
    struct nested x = { .c = &c };
    static const unsigned levels[] = { 0, 3, 20, 50, 70 };
    for (unsigned i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        for (unsigned depth = 0; depth <= 80; depth++) {
            x.depth = depth;
            descend(&x, levels[i]);
            const struct trk_shm_stack *s = arena_stack(&c.arena, c.id);
            unsigned want = depth == 0 ? 1 : depth > 64 ? 64 : depth;
            bool all = x.n <= want;
            assert_int_equal(stack_frames(s), all ? x.n : want);
            assert_memory_equal(s->pcs, x.pcs, stack_frames(s) * 8);
            assert_int_equal(stack_flags(s), want == 1 ? TRK_STACK_SITE_ONLY : all ? 0 : TRK_STACK_TRUNCATED);
        }
    }
    capture_deinit(&c);
}

static void caller_is_the_first_frame(void **state)
{
    (void)state;
    struct capture c;
    capture_init(&c);
    struct nested x = { .c = &c };
    for (unsigned depth = 1; depth <= 64; depth += 3) {
        for (unsigned at = 0; at < 20; at++) {
            x.depth = depth;
            x.caller_at = at;
            descend(&x, 15);
            /* Recursion repeats return addresses: the innermost one counts. */
            unsigned first = 0;
            while (at && x.pcs[first] != x.pcs[at])
                first++;
            const struct trk_shm_stack *s = arena_stack(&c.arena, c.id);
            if (first > 15)
                first = 0; /* beyond what is searched: all frames are kept */
            unsigned left = x.n - first, n = left < depth ? left : depth;
            assert_int_equal(stack_frames(s), n);
            assert_memory_equal(s->pcs, x.pcs + first, n * 8);
        }
        x.caller_at = ~0u; /* never met */
        descend(&x, 15);
        const struct trk_shm_stack *s = arena_stack(&c.arena, c.id);
        assert_int_equal(stack_frames(s), x.n < depth ? x.n : depth);
        assert_memory_equal(s->pcs, x.pcs, stack_frames(s) * 8);
        assert_int_equal(stack_flags(s) & ~(unsigned)TRK_STACK_TRUNCATED, 0);
    }
    capture_deinit(&c);
}

static void sites(void **state)
{
    (void)state;
    struct capture c;
    capture_init(&c);
    uint64_t seed = 3;
    static uint64_t pcs[5000];
    static uint32_t ids[5000];
    for (unsigned round = 0; round < 4; round++) {
        unsigned generation = round / 2;
        for (unsigned i = 0; i < 5000; i++) {
            if (round == 0)
                pcs[i] = 0x7f0000000000ull + random_next(&seed);
            uint32_t id = trk_stack_site(&c.arena.depot, c.cache, pcs[i], generation);
            assert_int_equal(id, trk_stack_site(&c.arena.depot, NULL, pcs[i], generation));
            assert_int_equal(id, trk_stack_site(&c.arena.depot, c.cache, pcs[i], generation));
            const struct trk_shm_stack *s = arena_stack(&c.arena, id);
            assert_int_equal(stack_frames(s), 1);
            assert_int_equal(stack_flags(s), TRK_STACK_SITE_ONLY);
            assert_int_equal(s->head & TRK_STACK_GEN_MASK, generation);
            assert_true(s->pcs[0] == pcs[i]);
            if (round & 1)
                assert_int_equal(id, ids[i]);
            else if (round)
                assert_int_not_equal(id, ids[i]);
            ids[i] = id;
        }
    }
    static const uint64_t odd[] = { 0, 1, ~0ull, 1ull << 48, (1ull << 48) - 1, 1ull << 63 };
    for (unsigned i = 0; i < 12; i++)
        assert_true(arena_stack(&c.arena, trk_stack_site(&c.arena.depot, c.cache, odd[i % 6], 0))->pcs[0] ==
                    odd[i % 6]);
    capture_deinit(&c);
}

static void flush_and_change(void **state)
{
    (void)state;
    struct capture c;
    capture_init(&c);
    uint8_t path[] = { 0, 1, 8 };
    static const char *const what[] = { "nothing", "flush", "generation", "depot", "full depot" };
    for (unsigned round = 0; round < 5; round++) {
        uint64_t hits = 0;
        for (volatile unsigned i = 0; i < 3; i++) { /* one call site: not to be unrolled */
            if (i == 2) {
                hits = c.hits;
                if (round == 1)
                    trk_stack_flush();
                if (round == 2)
                    c.generation++;
                if (round == 3) {
                    struct arena old = c.arena;
                    arena_init(&c.arena, 1 << 10, 1 << 20);
                    c.arena.used += 64; /* other ids than before */
                    arena_deinit(&old);
                }
                if (round == 4)
                    c.arena.used = c.arena.depot.bytes;
            }
            calltree_run(path, 3, capture_both, &c);
        }
        if ((c.hits == hits) != (round >= 1 && round <= 3))
            printf("after %s\n", what[round]);
        assert_int_equal(c.hits == hits, round >= 1 && round <= 3);
        assert_int_equal(c.different, 0);
    }
    capture_deinit(&c);
}

/* What the depot refuses is counted each time and never cached. */
static void full_depot(void **state)
{
    (void)state;
    struct capture c;
    capture_init(&c);
    c.arena.used = c.arena.depot.bytes;
    uint8_t path[] = { 0, 1, 8 };
    for (unsigned i = 0; i < 5; i++) {
        calltree_run(path, 3, capture_both, &c);
        assert_int_equal(c.id, 0);
    }
    assert_int_equal(c.arena.full, 10);
    assert_int_equal(c.hits, 0);
    assert_int_equal(trk_stack_site(&c.arena.depot, c.cache, 0x401000, 0), 0);
    assert_int_equal(trk_stack_site(&c.arena.depot, c.cache, 0x401000, 0), 0);
    assert_int_equal(c.arena.full, 12);
    capture_deinit(&c);
}

/* ---- Concurrency
 * -------------------------------------------------------------------------------------------------------- */

static struct capture *signal_capture;
static volatile sig_atomic_t handled;
static volatile bool leave;
static sigjmp_buf way_out;
static void on_signal(int sig)
{
    (void)sig;
    int saved = errno;
    /* The same cache as the interrupted code. capture_both counts, and may have been interrupted itself: own counters.
     */
    struct capture mine = *signal_capture;
    mine.events = mine.hits = mine.different = 0;
    mine.arena.depot.used = &signal_capture->arena.used;
    mine.arena.depot.full = &signal_capture->arena.full;
    static const uint8_t path[] = { 2, 0, 8 };
    static unsigned turn;
    calltree_run(path, turn++ % 4, capture_both, &mine);
    signal_capture->different += mine.different;
    handled++;
    errno = saved;
    if (leave && handled % 3 == 0)
        siglongjmp(way_out, 1);
}

static void signals_share_the_cache(void **state)
{
    (void)state;
    static struct capture c;
    static uint64_t seed;
    static uint8_t path[10];
    capture_init(&c);
    seed = 11;
    signal_capture = &c;
    struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    sigaction(SIGALRM, &sa, NULL);
    struct itimerval timer = { { 0, 100 }, { 0, 100 } }, off = { { 0, 0 }, { 0, 0 } };
    for (unsigned part = 0; part < 2; part++) {
        handled = 0;
        leave = part == 1;
        setitimer(ITIMER_REAL, &timer, NULL);
        for (volatile unsigned i = 0; i < 40000 && handled < 1000; i++) {
            if (leave && sigsetjmp(way_out, 1))
                continue;
            for (unsigned k = 0; k < sizeof path; k++)
                path[k] = random_next(&seed) % 3 ? 0 : 8;
            calltree_run(path, 4 + random_next(&seed) % 6, capture_both, &c);
        }
        /* No handler may use way_out from here on. */
        setitimer(ITIMER_REAL, &off, NULL);
        leave = false;
        assert_true(handled > 20);
        assert_int_equal(c.different, 0);
    }
    signal(SIGALRM, SIG_DFL);
    capture_deinit(&c);
}

#if defined(__x86_64__) /* where a return address is the last word of its frame, and programs can step through         \
                           themselves */
/* ---- Stacks made by hand
 * ------------------------------------------------------------------------------------------------- */

/* Words that look like frames: each return address is that of a call in calltree_twice, whose frame size the walk
 * itself tells us. Two contents for the same sp and pc. */
struct fake {
    struct capture c;
    uint64_t *words;
    struct trk_frame at;
    unsigned frame; /* words from one return address to the next */
    unsigned top;   /* words of the stack in use */
    uint64_t pc[2];
    uint32_t id[2];
};

static NOINLINE void fake_pc(void *arg)
{
    *(uint64_t *)arg = TRK_FRAME_CALLER.pc;
    __asm__ volatile("" ::: "memory");
}

static void fake_fill(struct fake *f, unsigned content)
{
    for (unsigned i = 0; f->frame && i < f->top; i += f->frame)
        f->words[i + f->frame - 1] = i + f->frame >= f->top ? 0 : f->pc[content >> (i / f->frame) % 4 & 1];
}

static uint32_t fake_capture(struct fake *f, struct trk_stack_cache *cache)
{
    return trk_stack_capture(&f->c.arena.depot, cache, &f->at, f->c.lo, f->c.hi, 16, 0, 0);
}

static void fake_init(struct fake *f, unsigned words)
{
    memset(f, 0, sizeof *f);
    capture_init(&f->c);
    f->words = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    calltree_twice(fake_pc, &f->pc[0], &f->pc[1]);
    assert_true(f->pc[0] != f->pc[1]);
    f->c.lo = (uintptr_t)f->words;
    f->c.hi = f->c.lo + 3 * 4096;
    f->at = (struct trk_frame){ f->pc[0], (uintptr_t)f->words, 0 };
    /* The slot of the first return address: the only word that changes the walk when it is 0. */
    uint64_t pcs[4];
    unsigned flags;
    for (unsigned i = 0; i < 100 && f->frame == 0; i++) {
        memset(f->words, 0, 4096);
        f->words[i] = f->pc[1];
        if (trk_stack_walk(NULL, &f->at, f->c.lo, f->c.hi, pcs, 4, &flags) > 1)
            f->frame = i + 1;
    }
    assert_int_not_equal(f->frame, 0);
    f->top = words / f->frame * f->frame;
}

static void fake_deinit(struct fake *f)
{
    munmap(f->words, 3 * 4096);
    capture_deinit(&f->c);
}

/* A cached stack whose upper page goes away. */
static void upper_page_unmapped(void **state)
{
    (void)state;
    struct fake f;
    fake_init(&f, 900);
    f.c.lo = f.c.hi = 0;
    f.at.sp += 4096 - f.frame * 8 * 4;
    f.words = (uint64_t *)f.at.sp;
    f.top = f.frame * 9;
    fake_fill(&f, 5);
    uint32_t id = fake_capture(&f, NULL);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(fake_capture(&f, f.c.cache), id);
    assert_int_equal(stack_frames(arena_stack(&f.c.arena, id)), 9);
    assert_int_equal(cached_only(&f.c, &f.at), id);
    uintptr_t page = (f.at.sp | 4095) + 1;
    assert_int_equal(mprotect((void *)page, 4096, PROT_NONE), 0);
    uint32_t cut = fake_capture(&f, f.c.cache);
    assert_int_not_equal(cut, id);
    assert_int_equal(stack_flags(arena_stack(&f.c.arena, cut)), TRK_STACK_TRUNCATED);
    assert_true(stack_frames(arena_stack(&f.c.arena, cut)) < 9);
    assert_int_equal(mprotect((void *)page, 4096, PROT_READ | PROT_WRITE), 0);
    assert_int_equal(fake_capture(&f, f.c.cache), id);
    f.words = (uint64_t *)(page - 4096);
    fake_deinit(&f);
}

/* Single-steps captures, and now and then captures other contents of the same stack in between. */
static struct fake *stepped;
static uint64_t step_seed;
static unsigned steps, nested_captures, step_wrong;
static uint32_t step_truth[8];
static unsigned step_now;
static bool step_leave;
static sigjmp_buf step_out;
enum { CONTENTS = 8, TRAP_FLAG = 0x100 };

static void on_step(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)info;
    (void)context;
    steps++;
    if (random_next(&step_seed) % 3 != 0)
        return;
    nested_captures++;
    unsigned other = random_next(&step_seed) % CONTENTS;
    fake_fill(stepped, other);
    step_wrong += fake_capture(stepped, stepped->c.cache) != step_truth[other];
    fake_fill(stepped, step_now);
    if (step_leave && random_next(&step_seed) % 128 == 0)
        siglongjmp(step_out, 1);
}

static inline __attribute__((always_inline)) void set_trap(bool on)
{
    uint64_t flags = __builtin_ia32_readeflags_u64();
    __builtin_ia32_writeeflags_u64(on ? flags | TRAP_FLAG : flags & ~(uint64_t)TRAP_FLAG);
}

static void interrupted_anywhere(void **state)
{
    (void)state;
    static struct fake f;
    fake_init(&f, 400);
    stepped = &f;
    step_seed = 17;
    struct sigaction sa = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO }, old;
    uint32_t *truth = step_truth;
    for (unsigned i = 0; i < CONTENTS; i++) {
        fake_fill(&f, i);
        truth[i] = fake_capture(&f, NULL);
    }
    sigaction(SIGTRAP, &sa, &old);
    for (volatile unsigned round = 0; round < 12; round++) {
        step_leave = round & 1;
        if (round % 8 == 0)
            trk_stack_flush();
        step_now = random_next(&step_seed) % CONTENTS;
        fake_fill(&f, step_now);
        volatile uint32_t got = truth[step_now];
        if (sigsetjmp(step_out, 1) == 0) {
            set_trap(true);
            got = fake_capture(&f, f.c.cache);
            set_trap(false);
        } else {
            fake_fill(&f, step_now);
        }
        assert_int_equal(got, truth[step_now]);
        assert_int_equal(step_wrong, 0);
        for (unsigned i = 0; i < CONTENTS; i++) {
            fake_fill(&f, i);
            assert_int_equal(fake_capture(&f, f.c.cache), truth[i]);
        }
    }
    sigaction(SIGTRAP, &old, NULL);
    assert_true(steps > 5000);
    assert_true(nested_captures > 150);
    fake_deinit(&f);
}
#endif

static void *thread_body(void *arg)
{
    struct capture *shared = arg, c = *shared;
    c.events = c.hits = c.different = 0;
    c.arena.depot.used = &shared->arena.used;
    c.arena.depot.full = &shared->arena.full;
    c.cache = cache_create();
    stack_bounds(&c.lo, &c.hi);
    uint64_t seed = (uintptr_t)&c;
    uint8_t path[12];
    for (unsigned i = 0; i < 6000; i++) {
        unsigned n = 2 + random_next(&seed) % 10;
        for (unsigned k = 0; k < n; k++)
            path[k] = (uint8_t)(random_next(&seed) % 3);
        calltree_run(path, n, capture_both, &c);
        if (i % 500 == 0)
            trk_stack_flush();
    }
    cache_destroy(c.cache);
    __atomic_fetch_add(&shared->different, c.different, __ATOMIC_RELAXED);
    __atomic_fetch_add(&shared->events, c.events, __ATOMIC_RELAXED);
    return NULL;
}

static void threads_share_the_rows(void **state)
{
    (void)state;
    struct capture c;
    capture_init(&c);
    pthread_t t[4];
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, thread_body, &c), 0);
    for (unsigned i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    assert_int_equal(c.events, 24000);
    assert_int_equal(c.different, 0);
    capture_deinit(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_trees),
        cmocka_unit_test(repeated_trees_hit),
        cmocka_unit_test(overflowing_cache),
        cmocka_unit_test(big_frames),
        cmocka_unit_test(depth_and_flags),
        cmocka_unit_test(caller_is_the_first_frame),
        cmocka_unit_test(sites),
        cmocka_unit_test(flush_and_change),
        cmocka_unit_test(full_depot),
        cmocka_unit_test(signals_share_the_cache),
        cmocka_unit_test(threads_share_the_rows),
#if defined(__x86_64__)
        cmocka_unit_test(upper_page_unmapped),
        cmocka_unit_test(interrupted_anywhere),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
