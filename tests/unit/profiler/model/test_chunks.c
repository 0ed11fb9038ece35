/* test_chunks.c: pools of chunks, and what the program says is no leak. */
#include "helper.h"

enum { A = 0x10000, B = 0x20000, C = 0x30000, POOL = 0x40000, OTHER = 0x50000 };

static void chunk(struct mk_trace *t, uint64_t pool, uint64_t addr, uint64_t size)
{
    mk_raw(t, TRK_OP_ALLOC, TRK_ALLOC_CUSTOM, addr, size, mk_stack(t, "chunk.c:1"));
    mk_ext(t, TRK_EXT_POOL, pool);
}

static void unchunk(struct mk_trace *t, uint64_t addr)
{
    mk_raw(t, TRK_OP_FREE, TRK_ALLOC_CUSTOM, addr, 0, 0);
}

static void pool(struct mk_trace *t, uint64_t addr, bool begin)
{
    mk_raw(t, TRK_OP_POOL, begin, addr, 0, 0);
}

static bool alive(struct prof_heap *heap, uint64_t addr)
{
    prof_block_id id = prof_heap_block_at(heap, addr);
    return id != 0 && prof_heap_block(heap, id)->addr == addr;
}

static unsigned flags_at(struct prof_heap *heap, uint64_t addr)
{
    prof_block_id id = prof_heap_block_at(heap, addr);
    assert_int_not_equal(id, 0);
    return prof_heap_block(heap, id)->flags;
}

static void a_pool_ends_with_its_chunks(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_alloc(t, A, 4096, "super.c:1");
    pool(t, POOL, true);
    chunk(t, POOL, A + 16, 100);
    chunk(t, POOL, A + 256, 100);
    chunk(t, OTHER, A + 512, 100);
    mk_raw(t, TRK_OP_ALLOC, TRK_ALLOC_CUSTOM, A + 1024, 100, 0); /* of no pool */
    pool(t, POOL, false);
    struct prof_heap *heap = heap_of(t);
    assert_false(alive(heap, A + 16));
    assert_false(alive(heap, A + 256));
    assert_true(alive(heap, A + 512));
    assert_true(alive(heap, A + 1024));
    assert_true(alive(heap, A));
    assert_int_equal(prof_heap_totals(heap)->live_blocks, 3);
    no_incidents(heap);
    mk_destroy(t);
}

static void a_chunk_belongs_to_its_last_pool(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_alloc(t, A, 4096, "super.c:1");
    chunk(t, POOL, A + 16, 100);
    unchunk(t, A + 16);
    chunk(t, OTHER, A + 16, 50);
    chunk(t, POOL, A + 256, 50);
    unchunk(t, A + 256);
    mk_raw(t, TRK_OP_ALLOC, TRK_ALLOC_CUSTOM, A + 256, 100, 0);
    pool(t, POOL, false);
    struct prof_heap *heap = heap_of(t);
    assert_true(alive(heap, A + 16));
    assert_true(alive(heap, A + 256));
    mk_destroy(t);
}

static void a_superblock_ends_its_chunks(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_alloc(t, A, 4096, "super.c:1");
    chunk(t, POOL, A + 16, 100);
    mk_free(t, A, "super.c:9");
    mk_alloc(t, A, 4096, "super.c:1");
    chunk(t, OTHER, A + 16, 100);
    pool(t, POOL, false); /* which has none any more */
    struct prof_heap *heap = heap_of(t);
    assert_true(alive(heap, A + 16));
    no_incidents(heap);
    mk_destroy(t);
}

static void a_chunk_ends_what_was_cut_from_it(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    pool(t, POOL, true);
    chunk(t, POOL, A, 4096);
    mk_raw(t, TRK_OP_ALLOC, TRK_ALLOC_CUSTOM, A + 64, 100, 0);
    mk_raw(t, TRK_OP_ALLOC, TRK_ALLOC_CUSTOM, A + 128, 8, 0); /* in the other */
    chunk(t, POOL, B, 4096);
    mk_raw(t, TRK_OP_ALLOC, TRK_ALLOC_CUSTOM, B + 64, 100, 0);
    mk_raw(t, TRK_OP_ALLOC, TRK_ALLOC_CUSTOM, C, 4096, 0); /* no chunk: its end is no word about what lies there */
    mk_raw(t, TRK_OP_ALLOC, TRK_ALLOC_CUSTOM, C + 64, 100, 0);
    unchunk(t, A);
    unchunk(t, C);
    struct prof_heap *heap = heap_of(t);
    assert_false(alive(heap, A));
    assert_false(alive(heap, A + 64));
    assert_false(alive(heap, A + 128));
    assert_true(alive(heap, B));
    assert_true(alive(heap, B + 64));
    assert_false(alive(heap, C));
    assert_true(alive(heap, C + 64));
    assert_int_equal(prof_heap_totals(heap)->live_blocks, 3);
    no_incidents(heap);
    mk_destroy(t);
}

static void ignored_blocks(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_alloc(t, A, 100, "a");
    mk_alloc(t, B, 100, "b");
    mk_raw(t, TRK_OP_IGNORE, 0, A + 40, 0, 0); /* in the middle */
    mk_raw(t, TRK_OP_IGNORE, 0, C, 0, 0);      /* nowhere */
    struct prof_heap *heap = heap_of(t);
    assert_true(flags_at(heap, A) & PROF_BLOCK_IGNORED);
    assert_false(flags_at(heap, B) & PROF_BLOCK_IGNORED);
    mk_destroy(t);
}

static void disabled_threads(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_raw(t, TRK_OP_DISABLE, 1, 0, 1, 0);
    mk_raw(t, TRK_OP_DISABLE, 1, 0, 2, 0);
    mk_raw(t, TRK_OP_DISABLE, 0, 0, 1, 0);
    mk_alloc(t, A, 100, "a");
    mk_new(t, "thing", A, "a");
    mk_raw(t, TRK_OP_DISABLE, 0, 0, 0, 0);
    mk_alloc(t, B, 100, "b");
    struct prof_heap *heap = heap_of(t);
    assert_true(flags_at(heap, A) & PROF_BLOCK_IGNORED);
    assert_false(flags_at(heap, B) & PROF_BLOCK_IGNORED);
    prof_obj_id obj = prof_heap_obj_at(heap, A);
    assert_int_not_equal(obj, 0);
    assert_true(prof_heap_obj(heap, obj)->flags & PROF_OBJ_MAY_LEAK);
    mk_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pool_ends_with_its_chunks),
        cmocka_unit_test(a_chunk_belongs_to_its_last_pool),
        cmocka_unit_test(a_superblock_ends_its_chunks),
        cmocka_unit_test(a_chunk_ends_what_was_cut_from_it),
        cmocka_unit_test(ignored_blocks),
        cmocka_unit_test(disabled_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
