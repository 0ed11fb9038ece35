/* test_suspect.c: what retains most, where it comes together, what the members of a group have in common, big drops. */
#include "image.h"

#include <prof/suspect.h>

static struct rig rig_, *const rig = &rig_;
static struct prof_graph *graph;
static struct prof_suspects *suspects;
static const struct prof_suspect *list;
static const struct prof_big_drop *drops;
static size_t count, drop_count;
static uint64_t next_addr;
static bool ended; /* else recording was stopped while the program ran on */

#define GLOBAL MK_APP_DATA

static int begin(void **state)
{
    (void)state;
    rig_begin(rig);
    fake_global(rig->symbols, GLOBAL, 8, "g_app");
    fake_global(rig->symbols, GLOBAL + 0x100, 0x4000, "g_table");
    next_addr = 0x100000;
    ended = false;
    return 0;
}

static int end(void **state)
{
    (void)state;
    prof_suspects_destroy(suspects);
    prof_graph_destroy(graph);
    suspects = NULL;
    graph = NULL;
    rig_end(rig);
    return 0;
}

static void make(const struct prof_suspects_options *options)
{
    if (ended)
        mk_exit(rig->t, 0);
    else
        mk_end(rig->t, TRK_END_STOPPED, 0);
    struct prof_error *error = prof_graph_create(mk_heap(rig->t), rig->symbols, NULL, &graph);
    if (error == NULL)
        error = prof_suspects_create(graph, options, &suspects);
    if (error != NULL)
        fail_msg("%s", error->message);
    count = prof_suspects_list(suspects, &list);
    drop_count = prof_suspects_drops(suspects, &drops);
}

/* A new object of so many bytes, owned by a slot. */
static uint64_t own(const char *type, uint64_t size, uint64_t slot)
{
    uint64_t addr = next_addr;
    next_addr += (size + 0xff) & ~(uint64_t)0xff;
    mk_born(rig->t, type, addr, size, AT("make c.c:3 < main m.c:5"));
    mk_own(rig->t, addr, slot, AT("main m.c:6"));
    return addr;
}

static const char *name(prof_node node)
{
    return prof_graph_name(graph, node);
}

/* D10: a weak pointer retains nothing. */
static void test_d10_weak(void **state)
{
    (void)state;
    uint64_t watcher = own("watcher", 64, GLOBAL);
    uint64_t big = own("big", 10000, GLOBAL + 0x100);
    mk_weak_set(rig->t, big, watcher + 8, AT("main m.c:7"));
    make(NULL);
    assert_int_equal(prof_suspects_total(suspects), 10064);
    assert_int_equal(count, 1);
    assert_string_equal(name(list[0].node), "big#1");
    prof_node node = prof_graph_of_obj(graph, prof_heap_obj_by_name(prof_graph_heap(graph), "watcher", 1));
    assert_int_equal(prof_graph_retained(graph, node), 64);
    assert_int_equal(prof_graph_dominator(graph, list[0].node), PROF_NODE_NONE);
}

/* D11: down to the largest child as long as it has 70 % of its parent. */
static void test_d11_accumulation(void **state)
{
    (void)state;
    uint64_t app = own("app", 100, GLOBAL);         // 10000 + 100 + 300
    uint64_t cache = own("cache", 100, app + 8);    // 10000 + 100
    uint64_t table = own("table", 2000, cache + 8); // 10000
    own("other", 200, app + 16);
    for (unsigned i = 0; i < 80; i++)
        own("entry", 100, table + 8 * (uint64_t)i);
    make(NULL);
    assert_int_equal(prof_suspects_total(suspects), 10400);
    assert_int_equal(count, 1);
    assert_false(list[0].group);
    assert_string_equal(name(list[0].node), "app#1");
    assert_int_equal(list[0].bytes, 10400);
    assert_string_equal(name(list[0].at), "table#1");
    assert_int_equal(list[0].depth, 2);
    assert_int_equal(list[0].at_bytes, 10000);
    assert_int_equal(list[0].at_children, 80);
    assert_string_equal(list[0].part.kind, "entry");
    assert_int_equal(list[0].part.count, 80);
    assert_int_equal(list[0].part.bytes, 8000);
    assert_int_equal(list[0].root, PROF_ROOT_GLOBAL);
    assert_int_equal(list[0].path_length, 3);
    assert_int_equal(list[0].path[2].to, list[0].at);
    assert_string_equal(prof_graph_place(graph, &list[0].path[0]), "global g_app");

    // The table is where it falls apart; above it each has one large child, its entries are small.
    assert_int_equal(drop_count, 3);
    assert_string_equal(name(drops[0].node), "table#1");
    assert_int_equal(drops[0].bytes - drops[0].child_bytes, 9900);
    assert_int_equal(drops[0].part.count, 80);
    assert_string_equal(name(drops[1].node), "app#1");
    assert_string_equal(name(drops[2].node), "other#1"); // it ends there

    // A stricter ratio stays above.
    prof_suspects_destroy(suspects);
    assert_null(prof_suspects_create(graph, &(struct prof_suspects_options){ .ratio = 0.985 }, &suspects));
    count = prof_suspects_list(suspects, &list);
    assert_string_equal(name(list[0].at), "app#1");
}

/* What is lost keeps nothing alive that anybody uses: a cycle, an object with a reference too many, and what they hold.
 */
static void test_lost(void **state)
{
    (void)state;
    own("held", 1000, GLOBAL);
    uint64_t a = own("ring", 2000, GLOBAL + 8), b = own("ring", 2000, a + 8);
    mk_move(rig->t, a, b + 8, GLOBAL + 8, AT("main m.c:8"));
    uint64_t leaked = next_addr;
    next_addr += 0x1000;
    mk_born(rig->t, "leaked", leaked, 3000, AT("make c.c:3 < main m.c:5"));
    own("inner", 500, leaked + 8);
    ended = true;
    make(NULL);
    assert_int_equal(prof_suspects_total(suspects), 1000);
    assert_int_equal(prof_suspects_lost(suspects), 7500);
    assert_int_equal(count, 1);
    assert_string_equal(name(list[0].node), "held#1");
    assert_true(list[0].percent > 99);
    assert_int_equal(drop_count, 1);
}

/* Without memory nobody knows who holds a plain block: that is not that nobody does. */
static void test_unknown(void **state)
{
    (void)state;
    mk_alloc(rig->t, 0x900000, 1000, AT("buf b.c:3 < main m.c:5"));
    for (uint64_t i = 0; i < 50; i++)
        mk_alloc(rig->t, 0xa00000 + i * 0x100, 20, AT("tiny b.c:9 < main m.c:5"));
    ended = true;
    make(NULL);
    assert_int_equal(prof_suspects_lost(suspects), 0);
    assert_int_equal(count, 2);
    assert_true(list[0].unknown && list[1].unknown && list[1].group);
    assert_int_equal(list[0].path_length, 0);
}

/* D12: more than 10 % alone, or a kind together; what its members have in common. */
static void test_d12_groups(void **state)
{
    (void)state;
    own("single", 1101, GLOBAL);
    for (unsigned i = 0; i < 90; i++)
        own("session", 100, GLOBAL + 0x100 + 8 * (uint64_t)i);
    for (unsigned i = 0; i < 5; i++)
        own("small", 100, GLOBAL + 0x2000 + 8 * (uint64_t)i);
    for (unsigned i = 0; i < 4; i++)
        own("noise", 100, MK_APP_DATA + 0x6000 + 8 * (uint64_t)i);
    make(NULL);
    assert_int_equal(prof_suspects_total(suspects), 11001);
    assert_int_equal(count, 2);
    assert_string_equal(list[0].kind, "single");
    assert_true(list[0].percent > 10 && list[0].percent < 10.1);
    assert_true(list[1].group);
    assert_string_equal(list[1].kind, "session");
    assert_int_equal(list[1].members, 90);
    assert_int_equal(list[1].bytes, 9000);
    assert_int_equal(list[1].sampled, 90);
    assert_int_equal(list[1].shared, 90);
    assert_int_equal(list[1].root, PROF_ROOT_GLOBAL);
    assert_int_equal(list[1].path_length, 1);
    assert_string_equal(prof_graph_place(graph, &list[1].path[0]), "global g_table");

    // Exactly the share is not more than it.
    prof_suspects_destroy(suspects);
    assert_null(
        prof_suspects_create(graph, &(struct prof_suspects_options){ .percent = 9000.0 / 11001 * 100 }, &suspects));
    assert_int_equal(prof_suspects_list(suspects, &list), 0);
}

/* Large ones of one kind and size are told once; one of another size, or with something below, is told apart. */
static void test_alike(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        own("buffer", 1000, GLOBAL + 0x100 + 8 * (uint64_t)i);
    own("buffer", 1500, GLOBAL + 0x200);
    for (unsigned i = 0; i < 2; i++)
        own("part", 200, own("buffer", 1000, GLOBAL + 0x300 + 8 * (uint64_t)i) + 8);
    make(NULL);
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(list[i].members, list[i].group ? 4 : 1);
        assert_int_equal(list[i].bytes, list[i].group ? 4000 : i == 0 ? 1500 : 1200);
    }
}

/* The way of a group goes on as long as more than 80 % agree. */
static void test_common_way(void **state)
{
    (void)state;
    uint64_t a = own("hub", 64, GLOBAL), b = own("hub", 64, a + 8), strays = own("stray", 2048, GLOBAL + 0x100);
    for (unsigned i = 0; i < 100; i++) {
        uint64_t leaf = next_addr;
        next_addr += 0x100;
        mk_born(rig->t, "leaf", leaf, 200, AT("make c.c:4"));
        // Held twice, so that nobody alone keeps it alive.
        mk_own(rig->t, leaf, i < 85 ? MK_HOLDER(b) : MK_HOLDER(a), AT("main m.c:8"));
        mk_ref(rig->t, leaf, strays + 8 * (uint64_t)i, AT("main m.c:9"));
        mk_ref(rig->t, leaf, i < 85 ? MK_HOLDER(b) : MK_HOLDER(a), AT("main m.c:8"));
    }
    mk_unref(rig->t, strays, GLOBAL + 0x100, AT("main m.c:10"));
    make(NULL);
    const struct prof_suspect *group = NULL;
    for (size_t i = 0; i < count; i++)
        group = list[i].group ? &list[i] : group;
    assert_non_null(group);
    assert_string_equal(group->kind, "leaf");
    assert_int_equal(group->members, 100);
    assert_int_equal(group->sampled, 100);
    assert_int_equal(group->shared, 85);
    assert_int_equal(group->path_length, 2);
    assert_string_equal(name(group->path[1].to), "hub#2");
}

/* Nothing alive, nothing suspected. */
static void test_empty(void **state)
{
    (void)state;
    make(NULL);
    assert_int_equal(count, 0);
    assert_int_equal(drop_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_d10_weak, begin, end),
        cmocka_unit_test_setup_teardown(test_d11_accumulation, begin, end),
        cmocka_unit_test_setup_teardown(test_d12_groups, begin, end),
        cmocka_unit_test_setup_teardown(test_alike, begin, end),
        cmocka_unit_test_setup_teardown(test_common_way, begin, end),
        cmocka_unit_test_setup_teardown(test_lost, begin, end),
        cmocka_unit_test_setup_teardown(test_unknown, begin, end),
        cmocka_unit_test_setup_teardown(test_empty, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
