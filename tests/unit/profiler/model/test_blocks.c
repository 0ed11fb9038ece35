/* test_blocks.c: allocation, free, realloc, mappings, totals, peaks. */
#include "helper.h"

enum { A = 0x10000, B = 0x20000, C = 0x30000 };

static void alloc_and_free(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_alloc(t, A, 100, "a.c:1");
    mk_alloc(t, B, 50, "b.c:1");
    mk_free(t, A, "a.c:9");
    struct prof_heap *heap = heap_of(t);
    const struct prof_heap_totals *totals = prof_heap_totals(heap);
    assert_int_equal(totals->live_blocks, 1);
    assert_int_equal(totals->live_bytes, 50);
    assert_int_equal(totals->peak_bytes, 150);
    assert_int_equal(totals->allocs, 2);
    assert_int_equal(totals->frees, 1);
    assert_int_equal(prof_heap_block_at(heap, A), 0);
    prof_block_id id = prof_heap_block_at(heap, B + 49);
    assert_int_not_equal(id, 0);
    assert_int_equal(prof_heap_block(heap, id)->addr, B);
    assert_int_equal(prof_heap_block_at(heap, B + 50), 0);
    const struct prof_stack_stat *stat = prof_heap_stack_stat(heap, mk_stack(t, "a.c:1"));
    assert_int_equal(stat->allocs, 1);
    assert_int_equal(stat->frees, 1);
    assert_int_equal(stat->peak_bytes, 100);
    assert_int_equal(stat->temporary, 0);
    no_incidents(heap);
    mk_destroy(t);
}

static void peak_is_the_moment_of_the_heap(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_alloc(t, A, 100, "a");
    mk_free(t, A, "f");
    mk_alloc(t, B, 80, "b");
    mk_time(t, 7);
    mk_alloc(t, C, 30, "c"); /* the peak: 80 + 30, a has nothing */
    mk_free(t, B, "f");
    mk_free(t, C, "f");
    mk_alloc(t, A, 109, "a");
    struct prof_heap *heap = heap_of(t);
    assert_int_equal(prof_heap_totals(heap)->peak_bytes, 110);
    assert_int_equal(prof_heap_totals(heap)->peak_us, 7);
    assert_int_equal(prof_heap_stack_stat(heap, mk_stack(t, "a"))->peak_bytes, 0);
    assert_int_equal(prof_heap_stack_stat(heap, mk_stack(t, "b"))->peak_bytes, 80);
    assert_int_equal(prof_heap_stack_stat(heap, mk_stack(t, "c"))->peak_bytes, 30);
    mk_destroy(t);
}

static void temporary_blocks(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_alloc(t, A, 10, "a");
    mk_free(t, A, "f");
    mk_alloc(t, A, 10, "a");
    mk_thread(t, 200);
    mk_alloc(t, B, 10, "b"); /* another thread does not come between */
    mk_thread(t, 100);
    mk_free(t, A, "f");
    mk_alloc(t, A, 10, "a");
    mk_alloc(t, C, 10, "c");
    mk_free(t, A, "f");
    struct prof_heap *heap = heap_of(t);
    assert_int_equal(prof_heap_stack_stat(heap, mk_stack(t, "a"))->temporary, 2);
    mk_destroy(t);
}

static void double_and_unknown_free(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_alloc(t, A, 10, "a");
    mk_time(t, 5);
    mk_free(t, A, "first");
    mk_time(t, 9);
    mk_free(t, A, "second");
    mk_free(t, B, "x");
    struct prof_heap *heap = heap_of(t);
    const struct prof_incident *i = only_incident(heap, PROF_INCIDENT_DOUBLE_FREE);
    assert_int_equal(i->stack, mk_stack(t, "second"));
    assert_int_equal(i->other_stack, mk_stack(t, "first"));
    assert_int_equal(i->at_us, 9);
    assert_int_equal(i->other_us, 5);
    assert_int_equal(i->addr, A);
    assert_int_equal(prof_heap_totals(heap)->unknown_frees, 1);
    assert_int_equal(prof_heap_totals(heap)->frees, 1);
    mk_destroy(t);
}

/* The same place does it for certain and, of another block, perhaps only by the order that was chosen. */
static void guesses_are_counted_apart(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    for (uint64_t i = 0; i < 4; i++) {
        mk_alloc(t, 0x1000 + i * 0x100, 64, "alloc");
        mk_free(t, 0x1000 + i * 0x100, "free");
        mk_thread(t, i == 3 ? 100 : 101);
        mk_free(t, 0x1000 + i * 0x100, "again");
        mk_thread(t, 100);
    }
    struct prof_heap *heap = heap_of(t);
    const struct prof_incident *list;
    uint64_t certain = 0, guessed = 0;
    for (size_t i = prof_heap_incidents(heap, &list); i-- > 0;)
        *(list[i].forced ? &guessed : &certain) += list[i].repeats;
    assert_int_equal(certain, 1);
    assert_int_equal(guessed, 3);
    mk_destroy(t);
}

static void reused_address_is_no_double_free(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    for (int i = 0; i < 5; i++) {
        mk_alloc(t, A, 10, "a");
        mk_free(t, A, "f");
    }
    struct prof_heap *heap = heap_of(t);
    no_incidents(heap);
    assert_int_equal(prof_heap_totals(heap)->live_blocks, 0);
    mk_destroy(t);
}

static void allocated_twice(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_alloc(t, A, 10, "a");
    mk_alloc(t, A, 20, "b");
    struct prof_heap *heap = heap_of(t);
    const struct prof_block *b = prof_heap_block(heap, prof_heap_block_at(heap, A));
    assert_int_equal(b->size, 20);
    assert_true((b->flags & PROF_BLOCK_FORCED) != 0);
    assert_int_equal(prof_heap_totals(heap)->live_bytes, 20);
    mk_destroy(t);
}

static void realloc_moves(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "item", C, 16, "c");
    mk_born(t, "vec", A, 64, "a");
    mk_own(t, C, A + 8, "o");
    mk_realloc(t, A, B, 128, "r");
    struct prof_heap *heap = heap_of(t);
    assert_int_equal(prof_heap_totals(heap)->live_bytes, 16 + 128);
    const struct prof_obj *vec = obj_at(heap, B);
    assert_int_equal(vec->start, B);
    assert_int_equal(prof_heap_obj_by_addr(heap, A), 0);
    const struct prof_open *open = open_at(heap, obj_at(heap, C), 0);
    assert_int_equal(open->slot, B + 8);
    assert_true((open->flags & PROF_OPEN_WAS_BIRTH) != 0);
    assert_int_equal(prof_heap_stack_stat(heap, mk_stack(t, "a"))->live, 0);
    assert_int_equal(prof_heap_stack_stat(heap, mk_stack(t, "r"))->live_bytes, 128);
    no_incidents(heap);
    mk_destroy(t);
}

static void realloc_fails(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "vec", A, 64, "a");
    mk_born(t, "item", C, 16, "c");
    mk_own(t, C, A + 8, "o");
    mk_op(t, TRK_OP_REALLOC, A, "r");
    mk_op(t, TRK_OP_REALLOC_FAIL, A, "r");
    mk_unref(t, C, A + 8, "u");
    mk_gone(t, C, "d");
    struct prof_heap *heap = heap_of(t);
    no_incidents(heap);
    assert_int_equal(prof_heap_totals(heap)->live_bytes, 64);
    assert_int_equal(obj_at(heap, A)->state, PROF_OBJ_ALIVE);
    mk_destroy(t);
}

static void realloc_meets_other_thread(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "item", C, 16, "c");
    mk_alloc(t, A, 64, "a");
    mk_own(t, C, A + 8, "o");
    mk_time(t, 1);
    mk_op(t, TRK_OP_REALLOC, A, "r");
    mk_thread(t, 200);
    mk_time(t, 2);
    mk_alloc(t, A, 32, "other"); /* the old address is free from the begin on */
    mk_thread(t, 100);
    mk_time(t, 3);
    mk_raw(t, TRK_OP_ALLOC, TRK_ALLOC_REALLOC, B, 128, mk_stack(t, "r"));
    mk_ext(t, TRK_EXT_OLD, A);
    struct prof_heap *heap = heap_of(t);
    assert_int_equal(prof_heap_totals(heap)->live_bytes, 16 + 32 + 128);
    assert_int_equal(open_at(heap, obj_at(heap, C), 0)->slot, B + 8);
    no_incidents(heap);
    mk_destroy(t);
}

static void nothing_joins_a_moving_block(void **state)
{
    /* An object told at the old address meanwhile is not in the block, though the block was just found there. */
    (void)state;
    struct mk_trace *t = mk_create();
    mk_type(t, "part", 8);
    mk_alloc(t, A, 64, "a");
    mk_new(t, "part", A + 16, "n"); /* found inside the block */
    mk_unref(t, A + 16, 0, "u");
    mk_del(t, A + 16, "d");
    mk_time(t, 1);
    mk_op(t, TRK_OP_REALLOC, A, "r");
    mk_thread(t, 200);
    mk_time(t, 2);
    mk_new(t, "part", A + 24, "n");
    mk_thread(t, 100);
    mk_time(t, 3);
    mk_raw(t, TRK_OP_ALLOC, TRK_ALLOC_REALLOC, B, 16, mk_stack(t, "r"));
    mk_ext(t, TRK_EXT_OLD, A);
    struct prof_heap *heap = heap_of(t);
    assert_int_equal(obj_at(heap, A + 24)->state, PROF_OBJ_ALIVE);
    assert_int_equal(obj_at(heap, A + 24)->addr, A + 24);
    assert_int_equal(obj_at(heap, A + 24)->block, 0);
    no_incidents(heap);
    mk_destroy(t);
}

static void realloc_shrinks_over_a_slot(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "item", C, 16, "c");
    mk_alloc(t, A, 64, "a");
    mk_own(t, C, A + 40, "o");
    mk_realloc(t, A, A, 16, "shrink");
    struct prof_heap *heap = heap_of(t);
    const struct prof_incident *i = only_incident(heap, PROF_INCIDENT_HOLDER_FREED);
    assert_int_equal(i->stack, mk_stack(t, "shrink"));
    assert_int_equal(i->slot, A + 40);
    mk_destroy(t);
}

static void mappings_have_holes(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    const uint64_t m = 0x7f0000000000, page = 4096;
    mk_mmap(t, m, 10 * page, "m");
    mk_new(t, "low", m + 8, "l");
    mk_new(t, "mid", m + 4 * page, "l");
    mk_new(t, "high", m + 8 * page, "l");
    mk_munmap(t, m + 4 * page, 2 * page, "u");
    mk_munmap(t, m - page, 2 * page, "u"); /* head, and nothing before it */
    mk_munmap(t, m + 100 * page, page, "u");
    struct prof_heap *heap = heap_of(t);
    assert_int_equal(prof_heap_totals(heap)->mmap_blocks, 2);
    assert_int_equal(prof_heap_totals(heap)->mmap_bytes, 7 * page);
    assert_int_equal(prof_heap_totals(heap)->live_blocks, 0);
    assert_int_equal(prof_heap_totals(heap)->live_bytes, 0);
    assert_int_equal(prof_heap_totals(heap)->unknown_frees, 1);
    assert_int_equal(prof_heap_block_at(heap, m), 0);
    assert_int_equal(prof_heap_block_at(heap, m + 4 * page), 0);
    assert_int_not_equal(prof_heap_block_at(heap, m + 6 * page), 0);
    assert_int_equal(prof_heap_totals(heap)->live_objects, 1);
    assert_int_equal(prof_heap_block(heap, obj_at(heap, m + 8 * page)->block)->addr, m + 6 * page);
    assert_int_equal(count_incidents(heap, PROF_INCIDENT_FREED_ALIVE), 2);
    mk_destroy(t);
}

static void custom_blocks_nest(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_alloc(t, A, 4096, "slab");
    uint32_t s = mk_stack(t, "chunk");
    mk_raw(t, TRK_OP_ALLOC, TRK_ALLOC_CUSTOM, A, 32, s); /* begins where the slab begins */
    mk_raw(t, TRK_OP_ALLOC, TRK_ALLOC_CUSTOM, A + 32, 32, s);
    mk_new(t, "thing", A, "n");
    mk_new(t, "thing", A + 32, "n");
    mk_raw(t, TRK_OP_FREE, TRK_ALLOC_CUSTOM, A, 0, s);
    struct prof_heap *heap = heap_of(t);
    assert_int_equal(prof_heap_totals(heap)->live_blocks, 2);
    const struct prof_obj *second = obj_at(heap, A + 32);
    assert_int_equal(second->size, 32);
    assert_int_equal(prof_heap_block(heap, second->block)->size, 32);
    assert_int_equal(prof_heap_totals(heap)->live_objects, 1);
    mk_destroy(t);
}

static void arena_goes_with_its_chunks(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_alloc(t, A, 4096, "slab");
    for (int i = 0; i < 10; i++)
        mk_raw(t, TRK_OP_ALLOC, TRK_ALLOC_CUSTOM, (uint64_t)A + 64u * (unsigned)i, 64, 0);
    mk_free(t, A, "f");
    struct prof_heap *heap = heap_of(t);
    assert_int_equal(prof_heap_totals(heap)->live_blocks, 0);
    mk_destroy(t);
}

static void memory_samples_and_until(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_alloc(t, A, 10, "a");
    struct trk_mem mem = { .at_us = 50, .rss = 4096 };
    mk_time(t, 40);
    mk_alloc(t, B, 10, "a");
    mk_mem(t, &mem);
    mk_time(t, 60);
    mk_alloc(t, C, 10, "a");
    mk_mark(t, "here", "m");
    mk_free(t, A, "f");
    struct prof_heap *heap = heap_of(t);
    const struct trk_mem *list;
    const struct prof_mem_live *live;
    assert_int_equal(prof_heap_mem(heap, &list), 1);
    assert_int_equal(prof_heap_mem_live(heap, &live), 1);
    assert_int_equal(list[0].rss, 4096);
    assert_int_equal(live[0].live_blocks, 2);
    assert_false(prof_heap_totals(heap)->cut);
    struct prof_heap_options options = { .until_us = 45 };
    heap = mk_heap_with(t, &options);
    assert_int_equal(prof_heap_totals(heap)->live_blocks, 2);
    assert_int_equal(prof_heap_mem(heap, &list), 0);
    assert_true(prof_heap_totals(heap)->cut);
    options = (struct prof_heap_options){ .until_mark = "here" };
    heap = mk_heap_with(t, &options);
    assert_int_equal(prof_heap_totals(heap)->live_blocks, 3);
    const struct prof_mark *marks;
    assert_int_equal(prof_heap_marks(heap, &marks), 1);
    assert_string_equal(marks[0].name, "here");
    assert_int_equal(marks[0].live_bytes, 30);
    assert_int_equal(marks[0].events, 3);
    mk_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alloc_and_free),
        cmocka_unit_test(peak_is_the_moment_of_the_heap),
        cmocka_unit_test(temporary_blocks),
        cmocka_unit_test(double_and_unknown_free),
        cmocka_unit_test(guesses_are_counted_apart),
        cmocka_unit_test(reused_address_is_no_double_free),
        cmocka_unit_test(allocated_twice),
        cmocka_unit_test(realloc_moves),
        cmocka_unit_test(realloc_fails),
        cmocka_unit_test(realloc_meets_other_thread),
        cmocka_unit_test(nothing_joins_a_moving_block),
        cmocka_unit_test(realloc_shrinks_over_a_slot),
        cmocka_unit_test(mappings_have_holes),
        cmocka_unit_test(custom_blocks_nest),
        cmocka_unit_test(arena_goes_with_its_chunks),
        cmocka_unit_test(memory_samples_and_until),
    };
    return cmocka_run_group_tests_name("model: blocks", tests, NULL, NULL);
}
