/* test_story.c: what memory says of one block: class, path, who points to it, what it points to. */
#include "rig.h"

#include <prof/block.h>

static struct rig rig_, *const rig = &rig_;

/* struct pair { long number; struct pair *next; } */
static const struct prof_layout_span spans[] = { { 8, 16, PROF_WORD_POINTER, "pair" } };
static const struct prof_layout pair = { .type = "struct pair", .size = 16, .spans = spans, .span_count = 1 };

enum { HELD = 0x10000, NEXT = 0x20000, LOST = 0x30000, BELOW = 0x40000, LATE = 0x50000, OBJ = 0x60000 };

static struct prof_block_story *story_of(uint64_t addr)
{
    struct prof_heap *heap = mk_heap(rig->t);
    struct prof_block_story *story;
    struct prof_error *error =
        prof_block_story_create(heap, rig->symbols, NULL, prof_heap_block_at(heap, addr), &story);
    if (error != NULL)
        fail_msg("%s", error->message);
    return story;
}

static void world(void)
{
    static const uint64_t all[] = { HELD, NEXT, LOST, BELOW };
    rig_begin(rig);
    fake_global(rig->symbols, MK_APP_DATA, 8, "g_list");
    fake_birth(rig->symbols, "pair_new", '=', &pair);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        mk_alloc(rig->t, all[i], 16, AT("pair_new p.c:3"));
    mk_born(rig->t, "conn", OBJ, 64, AT("conn_new c.c:3"));
    mk_memory_begin(rig->t, TRK_RUNG_STOPPED);
    mk_memory_area(rig->t, TRK_AREA_ANON, 0, 0x10000, 0x100000);
    mk_memory_word(rig->t, HELD + 8, NEXT);
    mk_memory_word(rig->t, NEXT + 8, OBJ + 8);
    mk_memory_word(rig->t, LOST + 8, BELOW);
    mk_memory_word(rig->t, BELOW + 8, HELD);
    mk_memory_word(rig->t, OBJ + 16, NEXT);
    mk_memory_area(rig->t, TRK_AREA_DATA, 0, MK_APP_DATA, 0x100);
    mk_memory_word(rig->t, MK_APP_DATA, HELD);
    mk_memory_end(rig->t);
    mk_time(rig->t, 50000);
    mk_alloc(rig->t, LATE, 16, AT("pair_new p.c:3"));
    mk_exit(rig->t, 0);
}

static void held(void **state)
{
    (void)state;
    world();
    struct prof_block_story *story = story_of(NEXT);
    assert_int_equal(story->about.verdict, PROF_REACHABLE);
    assert_int_equal(story->about.strength, PROF_PROVEN);
    assert_int_equal(story->about.path_count, 2);
    assert_string_equal(story->about.path[1].text, "struct pair.to_pair");
    assert_int_equal(story->all_holders, 2);
    assert_int_equal(story->holder_count, 2);
    bool object = false, block = false;
    for (size_t i = 0; i < 2; i++) {
        object |= story->holders[i].obj != 0 && story->holders[i].at == OBJ + 16;
        block |= story->holders[i].block != 0 && story->holders[i].at == HELD + 8 && !story->holders[i].interior;
    }
    assert_true(object && block);
    assert_int_equal(story->held_count, 1);
    assert_string_equal(story->held[0].text, "to_pair");
    assert_string_equal(story->held[0].name, "conn#1");
    assert_true(story->held[0].interior);
    prof_block_story_destroy(story);
    story = story_of(HELD);
    assert_int_equal(story->all_holders, 2); /* a global, and a lost one */
    bool root = false;
    for (size_t i = 0; i < 2; i++)
        root |= story->holders[i].block == 0 && strcmp(story->holders[i].text, "global g_list") == 0;
    assert_true(root);
    prof_block_story_destroy(story);
    rig_end(rig);
}

static void lost(void **state)
{
    (void)state;
    world();
    struct prof_block_story *story = story_of(LOST);
    assert_int_equal(story->about.verdict, PROF_LOST);
    assert_int_equal(story->all_holders, 0);
    assert_int_equal(story->about.path_count, 0);
    assert_string_equal(story->held[0].name, "struct pair");
    prof_block_story_destroy(story);
    story = story_of(BELOW);
    assert_int_equal(story->about.verdict, PROF_INDIRECT);
    assert_int_equal(prof_heap_block(mk_heap(rig->t), story->leader)->addr, LOST);
    prof_block_story_destroy(story);
    rig_end(rig);
}

static void not_examined(void **state)
{
    (void)state;
    world();
    struct prof_block_story *story = story_of(LATE);
    assert_int_equal(story->about.verdict, PROF_UNFREED);
    assert_string_equal(story->about.reasons, "allocated or moved after memory had been read");
    assert_int_equal(story->all_holders + story->all_held, 0);
    prof_block_story_destroy(story);
    rig_end(rig);
}

/* Variables of threads are named by where their thread pointer is; without it, or a symbol, only the thread is, when it
 * is known. */
static void thread_local_roots(void **state)
{
    static const char *const texts[] = { "thread-local 'cache' (main thread)", "thread-local 'cache' (thread 8) +8",
                                         "thread-local variable of thread 8", "thread-local variable of thread 9",
                                         "thread-local variable of a thread" };
    const uint64_t tls = 0x7f0000000000;
    (void)state;
    rig_begin(rig);
    mk_thread(rig->t, 4711);
    for (uint64_t i = 0; i < 5; i++)
        mk_alloc(rig->t, 0x10000 * (i + 1), 16, AT("a a.c:3"));
    mk_memory_begin(rig->t, TRK_RUNG_STOPPED);
    mk_memory_area(rig->t, TRK_AREA_REGISTERS, 4711, 0, 1024);
    mk_memory_word(rig->t, TRK_REGISTERS_THREAD, tls + 0x1000 + 64);
    mk_memory_area(rig->t, TRK_AREA_REGISTERS, 8, 0, 1024);
    mk_memory_word(rig->t, TRK_REGISTERS_THREAD, tls + 0x2000 + 64);
    mk_memory_area(rig->t, TRK_AREA_ANON, 0, 0x10000, 0x100000);
    mk_memory_area(rig->t, TRK_AREA_TLS, 4711, tls + 0x1000, 0x100);
    mk_memory_word(rig->t, tls + 0x1000, 0x10000);
    mk_memory_area(rig->t, TRK_AREA_TLS, 8, tls + 0x2000, 0x100);
    mk_memory_word(rig->t, tls + 0x2008, 0x20000);
    mk_memory_word(rig->t, tls + 0x2028, 0x30000);
    mk_memory_area(rig->t, TRK_AREA_TLS, 9, tls + 0x3000, 0x100);
    mk_memory_word(rig->t, tls + 0x3000, 0x40000);
    mk_memory_area(rig->t, TRK_AREA_TLS, 0, tls + 0x4000, 0x100);
    mk_memory_word(rig->t, tls + 0x4000, 0x50000);
    mk_memory_end(rig->t);
    mk_exit(rig->t, 0);
    for (uint64_t i = 0; i < 5; i++) {
        struct prof_block_story *story = story_of(0x10000 * (i + 1));
        assert_int_equal(story->about.root, PROF_ROOT_TLS);
        assert_string_equal(story->about.path[0].text, texts[i]);
        prof_block_story_destroy(story);
    }
    rig_end(rig);
}

static void sizes(void **state)
{
    (void)state;
    struct prof_block block = { .size = 25, .kind = TRK_ALLOC_MALLOC };
    struct prof_block_type type = { .name = "struct pair", .size = 16, .layout = &pair };
    assert_int_equal(prof_block_usable(&block), 40);
    block.kind = TRK_ALLOC_CUSTOM;
    assert_int_equal(prof_block_usable(&block), 25);
    assert_int_equal(prof_block_type_item(&type), 0);
    type.array = true;
    assert_int_equal(prof_block_type_item(&type), 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(held),         cmocka_unit_test(lost),
        cmocka_unit_test(not_examined), cmocka_unit_test(thread_local_roots),
        cmocka_unit_test(sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
