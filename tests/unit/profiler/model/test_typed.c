/* test_typed.c: types that a program tells of plain blocks: whose they are, and for how long. */
#include "helper.h"

enum { A = 0x10000, B = 0x20000, MAIN = 100, OTHER = 200 };

/* "" when nothing was told. */
static const char *type_at(struct prof_heap *heap, uint64_t addr, bool *array)
{
    prof_block_id id = prof_heap_block_at(heap, addr);
    assert_int_not_equal(id, 0);
    prof_type_id type = prof_heap_block_type(heap, id, array);
    return type != 0 ? prof_heap_type(heap, type)->name : "";
}

static void told(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    bool array = true;
    mk_alloc(t, A, 100, "a.c:1");
    mk_typed(t, A, "struct node", false);
    mk_alloc(t, B, 100, "b.c:1");
    mk_typed(t, B + 8, "struct node", false); /* not where it begins */
    mk_typed(t, 0x90000, "struct node", false);
    struct prof_heap *heap = heap_of(t);
    assert_string_equal(type_at(heap, A, &array), "struct node");
    assert_false(array);
    assert_string_equal(type_at(heap, B, NULL), "");
    /* No objects were born, and none is counted. */
    assert_int_equal(prof_heap_totals(heap)->live_objects, 0);
    mk_destroy(t);
}

static void ends_with_the_block(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    for (int i = 0; i < 3000; i++) { /* more than are remembered as freed: records serve again */
        mk_alloc(t, A + (uint64_t)i * 64, 32, "a.c:1");
        mk_typed(t, A + (uint64_t)i * 64, "struct node", false);
        mk_free(t, A + (uint64_t)i * 64, "a.c:2");
    }
    for (int i = 0; i < 3000; i++)
        mk_alloc(t, A + (uint64_t)i * 64, 32, "a.c:3");
    struct prof_heap *heap = heap_of(t);
    for (int i = 0; i < 3000; i++)
        assert_string_equal(type_at(heap, A + (uint64_t)i * 64, NULL), "");
    mk_destroy(t);
}

static void realloc_keeps_it(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    bool array = false;
    mk_alloc(t, A, 32, "a.c:1");
    mk_typed(t, A, "struct node", true);
    mk_realloc(t, A, B, 320, "a.c:2");
    mk_alloc(t, A, 32, "a.c:3");
    struct prof_heap *heap = heap_of(t);
    assert_string_equal(type_at(heap, B, &array), "struct node");
    assert_true(array);
    assert_string_equal(type_at(heap, A, NULL), "");
    mk_destroy(t);
}

/* In one moment the order of threads is not known: an event that comes when the address is another thread's says
 * nothing about what that allocated. Later it does. */
static void of_another_thread(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_thread(t, MAIN);
    mk_alloc(t, A, 32, "a.c:1");
    mk_alloc(t, B, 32, "b.c:1");
    mk_thread(t, OTHER);
    mk_typed(t, A, "struct node", false);
    mk_time(t, 20000);
    mk_typed(t, B, "struct node", false);
    struct prof_heap *heap = heap_of(t);
    assert_string_equal(type_at(heap, A, NULL), "");
    assert_string_equal(type_at(heap, B, NULL), "struct node");
    mk_destroy(t);
}

/* The births were left out: nothing is there that a type could be of, not even room for it. */
static void without_blocks(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_typed(t, A, "struct node", false);
    assert_int_equal(prof_heap_block_at(heap_of(t), A), 0);
    mk_destroy(t);
}

/* A chunk has its own type, and so has the block that it lies in. */
static void nested(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_alloc(t, A, 4096, "super.c:1");
    mk_typed(t, A, "struct arena", false);
    mk_raw(t, TRK_OP_ALLOC, TRK_ALLOC_CUSTOM, A, 64, 0);
    mk_typed(t, A, "struct chunk", false);
    struct prof_heap *heap = heap_of(t);
    assert_string_equal(type_at(heap, A, NULL), "struct chunk");
    assert_string_equal(type_at(heap, A + 64, NULL), "struct arena");
    mk_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(told),
        cmocka_unit_test(ends_with_the_block),
        cmocka_unit_test(realloc_keeps_it),
        cmocka_unit_test(of_another_thread),
        cmocka_unit_test(nested),
        cmocka_unit_test(without_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
