/* test_checkpoint.c: the heap knows what memory said last, which blocks were there, and what was freed since. */
#include "helper.h"

static void checkpoint_with_word(struct mk_trace *t, uint64_t value)
{
    mk_memory_begin(t, TRK_RUNG_STOPPED);
    mk_memory_area(t, TRK_AREA_DATA, 0, MK_APP_DATA, 0x1000);
    mk_memory_word(t, MK_APP_DATA + 8, value);
    mk_memory_end(t);
}

static bool examined(struct prof_heap *heap, uint64_t addr)
{
    prof_block_id id = prof_heap_block_at(heap, addr);
    assert_int_not_equal(id, 0);
    return (prof_heap_block(heap, id)->flags & PROF_BLOCK_EXAMINED) != 0;
}

static void none(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_alloc(t, 0x1000, 64, "a.c:1");
    mk_free(t, 0x1000, "a.c:2");
    struct prof_heap *heap = heap_of(t);
    assert_null(prof_heap_memory(heap));
    assert_false(prof_heap_freed_since(heap, 0x1000));
    assert_true(prof_heap_freed_since_complete(heap));
    assert_int_equal(prof_heap_totals(heap)->memories, 0);
    mk_destroy(t);
}

/* The last one counts, with what was there then. */
static void last_one(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_alloc(t, 0x1000, 64, "a.c:1");
    mk_alloc(t, 0x2000, 64, "a.c:1");
    checkpoint_with_word(t, 0x1000);
    mk_time(t, 100);
    mk_free(t, 0x1000, "a.c:2");
    mk_alloc(t, 0x3000, 64, "a.c:1");
    checkpoint_with_word(t, 0x2000);
    mk_time(t, 200);
    mk_free(t, 0x2000, "a.c:2");
    mk_alloc(t, 0x4000, 64, "a.c:1");
    mk_alloc(t, 0x5000, 64, "a.c:1");
    mk_free(t, 0x5000, "a.c:2");
    mk_alloc(t, 0x2000, 32, "a.c:1");
    struct prof_heap *heap = heap_of(t);
    const struct prof_memory *memory = prof_heap_memory(heap);
    assert_non_null(memory);
    assert_int_equal(memory->number, 2);
    assert_int_equal(memory->word_count, 1);
    assert_int_equal(memory->words[0].value, 0x2000);
    assert_int_equal(prof_heap_totals(heap)->memories, 2);
    assert_true(prof_heap_freed_since(heap, 0x2000));
    assert_true(prof_heap_freed_since(heap, 0x203f));
    assert_false(prof_heap_freed_since(heap, 0x2040));
    assert_false(prof_heap_freed_since(heap, 0x1fff));
    assert_false(prof_heap_freed_since(heap, 0x1000)); /* before the last one */
    assert_false(prof_heap_freed_since(heap, 0x5000)); /* it was not there */
    assert_true(prof_heap_freed_since_complete(heap));
    assert_true(examined(heap, 0x3000));
    assert_false(examined(heap, 0x4000));
    assert_false(examined(heap, 0x2000)); /* a new one at an old address */
    mk_destroy(t);
}

/* realloc gives the old memory back, also in place; a failed one does not. */
static void reallocs(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    for (uint64_t addr = 0x1000; addr <= 0x4000; addr += 0x1000)
        mk_alloc(t, addr, 64, "a.c:1");
    mk_op(t, TRK_OP_REALLOC, 0x3000, "a.c:3"); /* is under way when memory is read */
    checkpoint_with_word(t, 0x1000);
    mk_time(t, 100);
    mk_raw(t, TRK_OP_ALLOC, TRK_ALLOC_REALLOC, 0x7000, 128, mk_stack(t, "a.c:3"));
    mk_ext(t, TRK_EXT_OLD, 0x3000);
    mk_realloc(t, 0x1000, 0x8000, 128, "a.c:3");
    mk_realloc(t, 0x2000, 0x2000, 128, "a.c:3");
    mk_op(t, TRK_OP_REALLOC, 0x4000, "a.c:3");
    mk_op(t, TRK_OP_REALLOC_FAIL, 0x4000, "a.c:3");
    struct prof_heap *heap = heap_of(t);
    assert_true(prof_heap_freed_since(heap, 0x1000));
    assert_true(prof_heap_freed_since(heap, 0x2000));
    assert_true(prof_heap_freed_since(heap, 0x3000));
    assert_false(prof_heap_freed_since(heap, 0x4000));
    assert_false(examined(heap, 0x7000));
    assert_false(examined(heap, 0x8000));
    assert_false(examined(heap, 0x2000));
    assert_true(examined(heap, 0x4000));
    mk_destroy(t);
}

static void mappings(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_mmap(t, 0x100000, 0x10000, "m.c:1");
    checkpoint_with_word(t, 0x100000);
    mk_time(t, 100);
    mk_munmap(t, 0x104000, 0x2000, "m.c:2");
    mk_mmap(t, 0x10f000, 0x4000, "m.c:3"); /* over its end */
    struct prof_heap *heap = heap_of(t);
    assert_false(prof_heap_freed_since(heap, 0x103fff));
    assert_true(prof_heap_freed_since(heap, 0x104000));
    assert_true(prof_heap_freed_since(heap, 0x105fff));
    assert_false(prof_heap_freed_since(heap, 0x106000));
    assert_true(prof_heap_freed_since(heap, 0x10f000));
    assert_false(prof_heap_freed_since(heap, 0x110000)); /* was not mapped */
    assert_true(examined(heap, 0x100000));
    assert_true(examined(heap, 0x106000));
    assert_false(examined(heap, 0x10f000));
    mk_destroy(t);
}

/* Behind the events of its round and in front of later ones, wherever its blocks stand. */
static void place(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        struct mk_trace *t = mk_create();
        mk_alloc(t, 0x1000, 64, "a.c:1");
        mk_thread(t, 200);
        mk_alloc(t, 0x2000, 64, "a.c:1");
        mk_memory_begin(t, TRK_RUNG_CONFIRMED);
        if (!late)
            mk_memory_end(t);
        mk_free(t, 0x2000, "a.c:1");
        mk_round(t);
        mk_thread(t, 100);
        mk_free(t, 0x1000, "a.c:1");
        mk_round(t);
        if (late)
            mk_memory_end(t);
        struct prof_heap *heap = heap_of(t);
        assert_non_null(prof_heap_memory(heap));
        assert_int_equal(prof_heap_memory(heap)->late, 0);
        assert_true(prof_heap_freed_since(heap, 0x1000));
        assert_true(prof_heap_freed_since(heap, 0x2000));
        assert_true(prof_heap_freed_since_complete(heap));
        mk_destroy(t);
    }
}

static void words(struct mk_trace *t, const uint64_t *at_value, size_t count)
{
    mk_memory_begin(t, TRK_RUNG_STOPPED);
    mk_memory_area(t, TRK_AREA_REGISTERS, 7, 0, 0x100);
    mk_memory_word(t, 8, 0x1000); /* registers are no memory */
    mk_memory_area(t, TRK_AREA_ANON, 0, 0x1000, 0x1000);
    for (size_t i = 0; i < count; i += 2)
        mk_memory_word(t, at_value[i], at_value[i + 1]);
    mk_memory_end(t);
    mk_time(t, 100 * (at_value[0] + count));
}

/* Which words stood there the time before, and no other time. */
static void again(void **state)
{
    (void)state;
    static const uint64_t first[] = { 0x1000, 0x1000, 0x1010, 0x1000, 0x1018, 0x1000, 0x1030, 0x1000 };
    static const uint64_t second[] = { 0x1008, 0x1000, 0x1010, 0x1008, 0x1018, 0x1000, 0x1028, 0x1000, 0x1030, 0x1000 };
    static const uint64_t third[] = { 0x1000, 0x1000, 0x1010, 0x1008 };
    struct mk_trace *t = mk_create();
    mk_alloc(t, 0x1000, 64, "a.c:1");
    words(t, first, 8);
    struct prof_heap *heap = heap_of(t);
    assert_null(prof_heap_memory_before(heap));
    assert_false(prof_heap_memory_again(heap, 1));
    mk_destroy(t);
    t = mk_create();
    words(t, first, 8);
    words(t, second, 10);
    heap = heap_of(t);
    assert_int_equal(prof_heap_memory_before(heap)->number, 1);
    static const bool expected[] = { false, false, false, true, false, true };
    for (size_t i = 0; i < sizeof expected; i++)
        assert_int_equal(prof_heap_memory_again(heap, i), expected[i]);
    mk_destroy(t);
    t = mk_create();
    words(t, first, 8);
    words(t, second, 10);
    words(t, third, 4);
    heap = heap_of(t);
    assert_int_equal(prof_heap_memory_before(heap)->number, 2);
    assert_false(prof_heap_memory_again(heap, 0) || prof_heap_memory_again(heap, 1));
    assert_true(prof_heap_memory_again(heap, 2));
    mk_destroy(t);
}

static void until(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_alloc(t, 0x1000, 64, "a.c:1");
    mk_time(t, 100);
    checkpoint_with_word(t, 1);
    mk_time(t, 200);
    mk_alloc(t, 0x2000, 64, "a.c:1");
    checkpoint_with_word(t, 2);
    struct prof_heap_options options = { .until_us = 150 };
    assert_int_equal(prof_heap_memory(mk_heap_with(t, &options))->number, 1);
    options.until_us = 50;
    assert_null(prof_heap_memory(mk_heap_with(t, &options)));
    assert_int_equal(prof_heap_memory(mk_heap(t))->number, 2);
    mk_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none),  cmocka_unit_test(last_one), cmocka_unit_test(reallocs), cmocka_unit_test(mappings),
        cmocka_unit_test(place), cmocka_unit_test(until),    cmocka_unit_test(again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
