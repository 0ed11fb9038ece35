/* test_depot.c: interning of stacks: identity, races, exhaustion, a damaged arena. */
#include "stack_util.h"

static unsigned make_stack(uint64_t seed, uint64_t *pcs)
{
    uint64_t state = seed;
    unsigned n = 1 + random_next(&state) % TRK_STACK_MAX_FRAMES;
    for (unsigned i = 0; i < n; i++)
        pcs[i] = 0x400000 + random_next(&state) % 64;
    return n;
}

static void check_stack(const struct arena *a, uint32_t id, const uint64_t *pcs, unsigned n, unsigned flags,
                        unsigned gen)
{
    const struct trk_shm_stack *s = arena_stack(a, id);
    assert_int_equal(stack_frames(s), n);
    assert_int_equal(stack_flags(s), flags);
    assert_int_equal(s->head & TRK_STACK_GEN_MASK, gen);
    assert_memory_equal(s->pcs, pcs, n * 8);
}

static void equal_input_equal_id(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 14, 8 << 20);
    enum { N = 4000 };
    static uint32_t ids[N];
    uint64_t pcs[TRK_STACK_MAX_FRAMES];
    for (unsigned round = 0; round < 2; round++) {
        uint64_t used = a.used;
        for (unsigned i = 0; i < N; i++) {
            unsigned n = make_stack(i, pcs);
            uint32_t id = trk_depot_put(&a.depot, pcs, n, i & 7, i & 3);
            check_stack(&a, id, pcs, n, i & 7, i & 3);
            if (round)
                assert_int_equal(id, ids[i]);
            ids[i] = id;
        }
        if (round)
            assert_int_equal(a.used, used);
    }
    assert_int_equal(a.full, 0);
    arena_deinit(&a);
}

static void every_part_counts(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 12, 1 << 20);
    uint64_t pcs[TRK_STACK_MAX_FRAMES + 1];
    for (unsigned i = 0; i < TRK_STACK_MAX_FRAMES; i++)
        pcs[i] = 0x7f0000001000 + i * 16;
    uint32_t id = trk_depot_put(&a.depot, pcs, TRK_STACK_MAX_FRAMES, 0, 0);
    for (unsigned i = 0; i < TRK_STACK_MAX_FRAMES; i++) {
        for (unsigned bit = 0; bit < 64; bit += 7) {
            pcs[i] ^= 1ull << bit;
            assert_int_not_equal(trk_depot_put(&a.depot, pcs, TRK_STACK_MAX_FRAMES, 0, 0), id);
            pcs[i] ^= 1ull << bit;
        }
    }
    assert_int_not_equal(trk_depot_put(&a.depot, pcs, TRK_STACK_MAX_FRAMES, TRK_STACK_BROKEN, 0), id);
    assert_int_not_equal(trk_depot_put(&a.depot, pcs, TRK_STACK_MAX_FRAMES, 0, 1), id);
    assert_int_not_equal(trk_depot_put(&a.depot, pcs, TRK_STACK_MAX_FRAMES - 1, 0, 0), id);
    assert_int_equal(trk_depot_put(&a.depot, pcs, TRK_STACK_MAX_FRAMES, 0, 0x10000), id); /* 16 bits of it are kept */
    assert_int_equal(trk_depot_put(&a.depot, pcs, 0, 0, 0), 0);
    assert_int_equal(trk_depot_put(&a.depot, pcs, TRK_STACK_MAX_FRAMES + 1, 0, 0), 0);
    assert_int_equal(a.full, 0);
    arena_deinit(&a);
}

enum { THREADS = 8, RACED = 3000 };
static struct arena race_arena;
static pthread_barrier_t barrier;
static uint32_t race_ids[THREADS][RACED];

static void *race(void *arg)
{
    unsigned self = (unsigned)(uintptr_t)arg;
    uint64_t pcs[TRK_STACK_MAX_FRAMES];
    pthread_barrier_wait(&barrier);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < RACED; i++) {
            unsigned which = self & 1 ? i : RACED - 1 - i;
            unsigned n = make_stack(which, pcs);
            race_ids[self][which] = trk_depot_put(&race_arena.depot, pcs, n, 0, 0);
        }
    }
    return NULL;
}

static void threads_agree(void **state)
{
    (void)state;
    arena_init(&race_arena, 1 << 13, 16 << 20);
    pthread_barrier_init(&barrier, NULL, THREADS);
    pthread_t t[THREADS];
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, race, (void *)(uintptr_t)i), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    pthread_barrier_destroy(&barrier);
    uint64_t pcs[TRK_STACK_MAX_FRAMES];
    for (unsigned i = 0; i < RACED; i++) {
        check_stack(&race_arena, race_ids[0][i], pcs, make_stack(i, pcs), 0, 0);
        for (unsigned k = 1; k < THREADS; k++)
            assert_int_equal(race_ids[k][i], race_ids[0][i]);
    }
    assert_int_equal(race_arena.full, 0);
    arena_deinit(&race_arena);
}

static void full_is_counted(void **state)
{
    (void)state;
    struct arena a;
    uint64_t pcs[TRK_STACK_MAX_FRAMES];
    /* No bytes left: what is in stays found. */
    arena_init(&a, 1 << 12, 4096);
    unsigned stored = 0, n;
    for (unsigned i = 0; i < 1000; i++) {
        n = make_stack(i, pcs);
        uint32_t id = trk_depot_put(&a.depot, pcs, n, 0, 0);
        if (id) {
            assert_true((uint64_t)id * TRK_STACK_UNIT + 8 + n * 8 <= 4096);
            assert_int_equal(trk_depot_put(&a.depot, pcs, n, 0, 0), id);
            stored++;
        }
    }
    assert_true(stored > 5 && stored < 100);
    assert_int_equal(a.full, 1000 - stored);
    assert_true(a.used <= 4096 + 8 + TRK_STACK_MAX_FRAMES * 8);
    arena_deinit(&a);

    /* No table slots left. */
    arena_init(&a, 16, 1 << 20);
    stored = 0;
    for (unsigned i = 0; i < 100; i++) {
        n = make_stack(i, pcs);
        stored += trk_depot_put(&a.depot, pcs, n, 0, 0) != 0;
    }
    assert_int_equal(stored, 16);
    assert_int_equal(a.full, 84);
    arena_deinit(&a);

    /* Ids have 24 bits: a depot beyond their reach is not used beyond it. */
    arena_init(&a, 1 << 10, (uint64_t)TRK_STACK_UNIT << TRK_STACK_ID_BITS << 1);
    a.used = ((uint64_t)TRK_STACK_UNIT << TRK_STACK_ID_BITS) - 32;
    assert_int_not_equal(trk_depot_put(&a.depot, (uint64_t[]){ 1, 2, 3 }, 3, 0, 0), 0);
    assert_int_equal(trk_depot_put(&a.depot, (uint64_t[]){ 4 }, 1, 0, 0), 0);
    assert_int_equal(a.full, 1);
    arena_deinit(&a);
}

/* Whatever is in the arena: nothing outside of it is touched, and an id that comes back holds what was put. */
static void damaged_arena(void **state)
{
    (void)state;
    enum { HASH = 256, BYTES = 8192 };
    char *map = mmap(NULL, 4096 * 6, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(map != MAP_FAILED);
    assert_int_equal(mprotect(map + 4096, 4096, PROT_READ | PROT_WRITE), 0);
    assert_int_equal(mprotect(map + 3 * 4096, BYTES, PROT_READ | PROT_WRITE), 0);
    uint64_t used, full = 0, seed = 1;
    struct trk_depot depot = {
        .hash = (uint32_t *)(map + 4096 + 4096 - HASH * 4),
        .hash_count = HASH,
        .base = map + 3 * 4096,
        .bytes = BYTES,
        .used = &used,
        .full = &full,
    };
    static const uint64_t bad_used[] = { 0,         1,     7,         8,          12,         4096,
                                         BYTES - 8, BYTES, BYTES + 8, 1ull << 32, ~0ull - 15, ~0ull };
    uint64_t pcs[TRK_STACK_MAX_FRAMES];
    unsigned good = 0;
    for (unsigned i = 0; i < 60000; i++) {
        if (i % 16 == 0) {
            for (unsigned k = 0; k < HASH; k++)
                depot.hash[k] = random_next(&seed) % 4 ? 0 : random_next(&seed) >> random_next(&seed) % 32;
            for (unsigned k = 0; k < BYTES / 4; k++)
                ((uint32_t *)depot.base)[k] = random_next(&seed);
            used = bad_used[random_next(&seed) % (sizeof bad_used / sizeof bad_used[0])];
        }
        unsigned n = make_stack(random_next(&seed) % 512, pcs);
        uint32_t id = trk_depot_put(&depot, pcs, n, 0, 0);
        if (id) {
            assert_true((uint64_t)id * 8 + 8 + n * 8 <= BYTES);
            assert_memory_equal(depot.base + (uint64_t)id * 8 + 8, pcs, n * 8);
            good++;
        }
    }
    assert_true(good > 1000 && full > 1000);
    munmap(map, 4096 * 6);
}

/* The head alone convinces nobody. */
static void overwritten_entry(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 10, 1 << 16);
    uint64_t pcs[] = { 1, 2, 3 };
    uint32_t id = trk_depot_put(&a.depot, pcs, 3, 0, 0);
    ((struct trk_shm_stack *)(a.depot.base + (uint64_t)id * TRK_STACK_UNIT))->pcs[2] = 4;
    uint32_t other = trk_depot_put(&a.depot, pcs, 3, 0, 0);
    assert_int_not_equal(other, id);
    check_stack(&a, other, pcs, 3, 0, 0);
    assert_int_equal(trk_depot_put(&a.depot, pcs, 3, 0, 0), other);
    arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_input_equal_id), cmocka_unit_test(every_part_counts),
        cmocka_unit_test(threads_agree),        cmocka_unit_test(full_is_counted),
        cmocka_unit_test(damaged_arena),        cmocka_unit_test(overwritten_entry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
