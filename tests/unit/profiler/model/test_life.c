/* test_life.c: what became of the block at an address. */
#include "helper.h"

enum { A = 0x10000, B = 0x20000, POOL = 0x90000 };

static struct prof_block_life life_at(struct mk_trace *t, uint64_t addr)
{
    struct prof_block_life life;
    struct prof_error *error = prof_heap_block_life(heap_of(t), addr, &life);
    if (error != NULL)
        fail_msg("%s", error->message);
    return life;
}

static void check(struct mk_trace *t, uint64_t addr, bool alive, uint64_t start, uint64_t lives, const uint8_t *ops,
                  size_t count)
{
    struct prof_block_life life = life_at(t, addr);
    assert_true(life.found);
    assert_int_equal(life.alive, alive);
    assert_int_equal(life.addr, start);
    assert_int_equal(life.lives, lives);
    assert_int_equal(life.count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(life.events[i].op, ops[i]);
    prof_block_life_deinit(&life);
}
#define CHECK(t, addr, alive, start, lives, ...)                                                                       \
    check(t, addr, alive, start, lives, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void born_and_freed(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_alloc(t, A, 64, "a");
    mk_free(t, A, "b");
    mk_alloc(t, A + 16, 64, "c"); /* contains A + 40, too */
    mk_typed(t, A + 16, "struct x", false);
    mk_free(t, A + 16, "d");
    mk_alloc(t, B, 64, "e");
    CHECK(t, A + 40, false, A + 16, 2, TRK_OP_ALLOC, TRK_OP_TYPED, TRK_OP_FREE);
    CHECK(t, A + 8, false, A, 1, TRK_OP_ALLOC, TRK_OP_FREE);
    CHECK(t, B + 63, true, B, 1, TRK_OP_ALLOC);
    struct prof_block_life life = life_at(t, B + 64);
    assert_false(life.found);
    mk_destroy(t);
}

static void moved(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_alloc(t, A, 64, "a");
    mk_realloc(t, A, A, 128, "b"); /* in place */
    mk_realloc(t, A, B, 256, "c");
    CHECK(t, A + 8, false, A, 1, TRK_OP_ALLOC, TRK_OP_REALLOC, TRK_OP_ALLOC, TRK_OP_REALLOC, TRK_OP_ALLOC);
    struct prof_block_life life = life_at(t, B);
    assert_true(life.alive);
    assert_int_equal(life.size, 256);
    prof_block_life_deinit(&life);
    mk_destroy(t);
}

static void chunks(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_alloc(t, A, 4096, "super");
    mk_raw(t, TRK_OP_POOL, 1, POOL, 0, 0);
    mk_raw(t, TRK_OP_ALLOC, TRK_ALLOC_CUSTOM, A + 64, 64, 0);
    mk_ext(t, TRK_EXT_POOL, POOL);
    CHECK(t, A + 70, true, A + 64, 1, TRK_OP_ALLOC);
    CHECK(t, A + 10, true, A, 1, TRK_OP_ALLOC);
    mk_destroy(t);
    for (int by_pool = 0; by_pool < 2; by_pool++) {
        t = mk_create();
        mk_alloc(t, A, 4096, "super");
        mk_raw(t, TRK_OP_ALLOC, TRK_ALLOC_CUSTOM, A + 64, 64, 0);
        mk_ext(t, TRK_EXT_POOL, POOL);
        if (by_pool)
            mk_raw(t, TRK_OP_POOL, 0, POOL, 0, 0);
        else
            mk_free(t, A, "super");
        /* The chunk is over; what it was cut from is, or goes on. */
        struct prof_block_life life = life_at(t, A + 70);
        assert_int_equal(life.addr, A);
        assert_int_equal(life.alive, by_pool);
        prof_block_life_deinit(&life);
        mk_destroy(t);
    }
}

static void many_events(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_alloc(t, A, 64, "a");
    for (uint64_t i = 0; i < 2000; i++)
        mk_realloc(t, A, A, 64 + i, "grow");
    mk_free(t, A, "b");
    struct prof_block_life life = life_at(t, A);
    assert_true(life.count <= 1024);
    assert_int_equal(life.count + life.left_out, 4002);
    assert_int_equal(life.events[0].aux, TRK_ALLOC_MALLOC);
    assert_int_equal(life.events[life.count - 1].op, TRK_OP_FREE);
    prof_block_life_deinit(&life);
    mk_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(born_and_freed),
        cmocka_unit_test(moved),
        cmocka_unit_test(chunks),
        cmocka_unit_test(many_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
