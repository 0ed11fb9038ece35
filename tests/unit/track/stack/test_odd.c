/* test_odd.c: stacks that are not as they should be, or where one would not expect them; and what a capture itself
 * needs of a stack. */
#include "stack_util.h"

#include <stdio.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "calltree.h"
#if defined(__x86_64__)
#include "bare_x86_64.h"
#elif defined(__aarch64__)
#include "bare_aarch64.h"
#endif

void bare_frame(calltree_leaf leaf, void *arg);
void bare_nothing(calltree_leaf leaf, void *arg);
void bare_zero(calltree_leaf leaf, void *arg);
extern const char bare_frame_end[];

struct look {
    struct arena *arena;
    struct trk_stack_cache *cache;
    uintptr_t lo, hi;
    uintptr_t fp; /* not 0: in place of the true one */
    uint64_t pcs[64];
    unsigned n, flags;
    uint32_t id;
};

/* Walks from its caller, and captures twice: both must be that walk. */
static NOINLINE void look_here(void *arg)
{
    struct look *l = arg;
    struct trk_frame at = TRK_FRAME_CALLER;
    if (l->fp)
        at.fp = l->fp;
    l->n = trk_stack_walk(NULL, &at, l->lo, l->hi, l->pcs, 64, &l->flags);
    for (unsigned i = 0; l->arena && i < 3; i++) {
        l->id = trk_stack_capture(&l->arena->depot, l->cache, &at, l->lo, l->hi, 64, 0, 0);
        const struct trk_shm_stack *s = arena_stack(l->arena, l->id);
        assert_int_equal(stack_frames(s), l->n);
        assert_int_equal(stack_flags(s), l->flags);
        assert_memory_equal(s->pcs, l->pcs, l->n * 8);
    }
    __asm__ volatile("" ::: "memory");
}

static struct arena arena;
static struct look looker(void)
{
    struct look l = { .arena = &arena, .cache = cache_create() };
    if (!arena.depot.base)
        arena_init(&arena, 1 << 14, 4 << 20);
    stack_bounds(&l.lo, &l.hi);
    return l;
}

/* Generated code without a frame pointer of its own: one frame, and the frame pointer that it passed through names its
 * caller's caller, or nobody. Nothing is invented, and with a wild one the stack is marked. */
static void generated_code(void **state)
{
    (void)state;
    struct look l = looker(), whole = l;
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page, (const void *)(uintptr_t)bare_nothing, 64);
    mprotect(page, 4096, PROT_READ | PROT_EXEC);
    __builtin___clear_cache(page, page + 64);
    look_here(&whole);
    static const uintptr_t wild[] = { 8, 24, 0x1001, 0xdeadbeef0, (uintptr_t)1 << 46, ~(uintptr_t)15 };
    for (unsigned i = 0; i < sizeof wild / sizeof wild[0]; i++) {
        l.fp = wild[i];
        ((void (*)(calltree_leaf, void *))(uintptr_t)page)(look_here, &l);
        assert_true(l.pcs[0] > (uintptr_t)page && l.pcs[0] < (uintptr_t)page + 64);
        assert_int_equal(l.n, 1);
        assert_int_equal(l.flags, TRK_STACK_BROKEN);
    }
    l.fp = 0;
    ((void (*)(calltree_leaf, void *))(uintptr_t)page)(look_here, &l);
    assert_true(l.n >= 1 && l.n <= whole.n + 1);
    for (unsigned i = 1; i < l.n; i++)
        assert_true(l.pcs[l.n - i] == whole.pcs[whole.n - i]);
    munmap(page, 4096);
    cache_destroy(l.cache);
}

/* The call is the last instruction of its function: the return address belongs to the next one. */
static NOINLINE __attribute__((noreturn)) void leave(struct look *l)
{
    look_here(l);
    pthread_exit(NULL);
}
static NOINLINE void *call_last(void *arg)
{
    struct look *l = arg;
    stack_bounds(&l->lo, &l->hi);
    leave(l);
}
static void last_instruction(void **state)
{
    (void)state;
    struct look l = looker();
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, call_last, &l), 0);
    pthread_join(t, NULL);
    assert_int_equal(l.flags, 0);
    assert_true(l.n >= 3);
    /* One byte before the return address lies call_last; the address itself may be anybody's. */
    assert_true(l.pcs[1] - 1 >= (uintptr_t)call_last && l.pcs[1] - 1 < (uintptr_t)call_last + 256);
    cache_destroy(l.cache);
}

/* Coroutines on stacks from malloc, given back and used again with other frames at the same place. */
static ucontext_t outside, inside;
static struct look *co_look;
static unsigned co_depth;
static NOINLINE void co_recurse(unsigned depth)
{
    if (depth)
        co_recurse(depth - 1);
    else
        look_here(co_look);
    __asm__ volatile("" ::: "memory");
}
static void co_body(void)
{
    co_recurse(co_depth);
    __asm__ volatile("" ::: "memory");
}

/* Out of line: contexts that are not used again still hold the address. */
static NOINLINE void give_back(void *memory)
{
    __asm__ volatile("" : "+r"(memory));
    free(memory);
}

static void borrowed_stacks(void **state)
{
    (void)state;
    struct look l = looker();
    co_look = &l;
    unsigned least = ~0u, most = 0;
    for (unsigned round = 0; round < 200; round++) {
        size_t size = 32 << 10;
        char *memory = malloc(size);
        getcontext(&inside);
        inside.uc_stack.ss_sp = memory;
        inside.uc_stack.ss_size = size;
        inside.uc_link = &outside;
        co_depth = round % 7;
        makecontext(&inside, co_body, 0);
        swapcontext(&outside, &inside);
        give_back(memory);
        assert_int_equal(l.flags, 0);
        /* co_recurse depth + 1 times, co_body, and libc's end of a context. */
        assert_int_equal(l.n, co_depth + 3);
        least = l.n < least ? l.n : least;
        most = l.n > most ? l.n : most;
    }
    assert_int_equal(most - least, 6);
    cache_destroy(l.cache);
}

/* A child has the parent's caches and finds the same stacks; so does the parent afterwards. */
static void fork_between(void **state)
{
    (void)state;
    struct look l = looker();
    co_look = &l;
    for (unsigned i = 0; i < 8; i++)
        co_recurse(i % 3);
    const unsigned before = l.n;
    pid_t pid = fork();
    if (pid == 0) {
        for (unsigned i = 0; i < 8; i++)
            co_recurse(i % 3);
        _exit(l.n == before ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    for (unsigned i = 0; i < 8; i++)
        co_recurse(i % 3);
    cache_destroy(l.cache);
}

/* ---- What a capture needs of the stack ----------------------------------------------------------------------------
 */

enum { PAINT = 0x5c, SMALL = 16 << 10, HOT_MOST = 1024, MISS_MOST = 3 << 10, COLD_MOST = 4 << 10 };

static struct look *used_look;
static struct trk_frame used_at;
static void used_body(void)
{
    struct look *l = used_look;
    l->id = trk_stack_capture(&l->arena->depot, l->cache, &used_at, l->lo, l->hi, 64, 0, 0);
}

/* Bytes of a painted stack that one capture of used_at touches. */
static size_t bytes_used(struct look *l)
{
    char *memory = mmap(NULL, SMALL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(memory, PAINT, SMALL);
    used_look = l;
    getcontext(&inside);
    inside.uc_stack.ss_sp = memory;
    inside.uc_stack.ss_size = SMALL;
    inside.uc_link = &outside;
    makecontext(&inside, used_body, 0);
    swapcontext(&outside, &inside);
    size_t untouched = 0;
    while (untouched < SMALL && memory[untouched] == PAINT)
        untouched++;
    munmap(memory, SMALL);
    return SMALL - untouched;
}

static NOINLINE void measure(void *arg)
{
    struct look *l = arg;
    used_at = TRK_FRAME_CALLER;
    trk_stack_flush();
    size_t cold = bytes_used(l);
    bytes_used(l);
    size_t hot = bytes_used(l);
    struct trk_stack_cache *cache = l->cache;
    l->cache = NULL;
    size_t miss = bytes_used(l);
    l->cache = cache;
    printf("stack used: %zu bytes by a hit, %zu by a miss, %zu when rows are read\n", hot, miss, cold);
    assert_true(hot <= HOT_MOST);
    assert_true(miss <= MISS_MOST);
    assert_true(cold <= COLD_MOST);
    __asm__ volatile("" ::: "memory");
}

static void stack_needed(void **state)
{
    (void)state;
    struct look l = looker();
    uint8_t path[30];
    for (unsigned i = 0; i < sizeof path; i++)
        path[i] = (uint8_t)(i % 9);
    calltree_run(path, sizeof path, measure, &l);
    cache_destroy(l.cache);
}

static void *small_body(void *arg)
{
    struct look *l = arg;
    stack_bounds(&l->lo, &l->hi);
    look_here(l);
    l->lo = l->hi = 0;
    look_here(l);
    return NULL;
}

static void small_thread(void **state)
{
    (void)state;
    struct look l = looker();
    pthread_attr_t attr;
    pthread_t t;
    pthread_attr_init(&attr);
    if (pthread_attr_setstacksize(&attr, SMALL) != 0)
        skip(); /* machines with larger pages */
    assert_int_equal(pthread_create(&t, &attr, small_body, &l), 0);
    pthread_join(t, NULL);
    pthread_attr_destroy(&attr);
    assert_int_equal(l.flags, 0);
    assert_true(l.n >= 3);
    cache_destroy(l.cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generated_code), cmocka_unit_test(last_instruction), cmocka_unit_test(borrowed_stacks),
        cmocka_unit_test(fork_between),   cmocka_unit_test(stack_needed),     cmocka_unit_test(small_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
