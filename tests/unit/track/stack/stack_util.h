/* stack_util.h: an arena of our own, and reading stacks back. */
#ifndef TEST_STACK_UTIL_H
#define TEST_STACK_UTIL_H

#include <pthread.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "stack.h"

struct arena {
    struct trk_depot depot;
    uint64_t used, full;
};

static inline void arena_init(struct arena *a, uint64_t hash_count, uint64_t bytes)
{
    memset(a, 0, sizeof *a);
    a->depot.hash_count = hash_count;
    a->depot.bytes = bytes;
    a->depot.hash = mmap(NULL, hash_count * 4, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    a->depot.base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(a->depot.hash != MAP_FAILED && a->depot.base != MAP_FAILED);
    a->used = TRK_STACK_UNIT;
    a->depot.used = &a->used;
    a->depot.full = &a->full;
}

static inline void arena_deinit(struct arena *a)
{
    munmap(a->depot.hash, a->depot.hash_count * 4);
    munmap(a->depot.base, a->depot.bytes);
}

static inline const struct trk_shm_stack *arena_stack(const struct arena *a, uint32_t id)
{
    assert_int_not_equal(id, 0);
    assert_true((uint64_t)id * TRK_STACK_UNIT < a->used);
    return (const struct trk_shm_stack *)(a->depot.base + (uint64_t)id * TRK_STACK_UNIT);
}

static inline unsigned stack_frames(const struct trk_shm_stack *s)
{
    return s->head >> TRK_STACK_COUNT_SHIFT & 0xff;
}

static inline unsigned stack_flags(const struct trk_shm_stack *s)
{
    return s->head >> TRK_STACK_FLAGS_SHIFT & 0xff;
}

static inline struct trk_stack_cache *cache_create(void)
{
    void *p = mmap(NULL, trk_stack_cache_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    return p;
}

static inline void cache_destroy(struct trk_stack_cache *cache)
{
    munmap(cache, trk_stack_cache_bytes());
}

/* Bounds of the calling thread's stack. */
static inline void stack_bounds(uintptr_t *lo, uintptr_t *hi)
{
    pthread_attr_t attr;
    void *start;
    size_t size;
    assert_int_equal(pthread_getattr_np(pthread_self(), &attr), 0);
    pthread_attr_getstack(&attr, &start, &size);
    pthread_attr_destroy(&attr);
    *lo = (uintptr_t)start;
    *hi = (uintptr_t)start + size;
}

static inline uint32_t random_next(uint64_t *state)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(*state >> 33);
}

#endif
