/* test_queries.c: what Python's graph tools answer, asked of the object graph: chains of referrers, sizes of what
 * refers to itself, who alone keeps whom, what nobody refers to. */
#include "rig.h"

#include <prof/graph.h>

static struct rig rig_, *const rig = &rig_;
static struct prof_graph *graph;

enum { A = 0x100000, B = 0x100100, C = 0x100200, D = 0x100300, E = 0x100400 };
#define GLOBAL MK_APP_DATA

static int begin(void **state)
{
    (void)state;
    rig_begin(rig);
    fake_global(rig->symbols, GLOBAL, 64, "g_table");
    return 0;
}

static int end(void **state)
{
    (void)state;
    prof_graph_destroy(graph);
    graph = NULL;
    rig_end(rig);
    return 0;
}

static void must(struct prof_error *error)
{
    if (error != NULL)
        fail_msg("%s", error->message);
}

static void born_in(uint64_t addr, uint64_t slot)
{
    mk_born(rig->t, "net::conn", addr, 64, AT("conn_new c.c:3 < main m.c:5"));
    if (slot != 0)
        mk_own(rig->t, addr, slot, AT("main m.c:6"));
}

static void ref(uint64_t addr, uint64_t slot)
{
    mk_ref(rig->t, addr, slot, AT("main m.c:7"));
}

static void make(void)
{
    mk_exit(rig->t, 0);
    must(prof_graph_create(mk_heap(rig->t), rig->symbols, NULL, &graph));
    must(prof_graph_distances(graph, PROF_ROOT_GLOBAL));
    must(prof_graph_dominate(graph));
}

static prof_node node(uint64_t addr)
{
    prof_node v = prof_graph_of_obj(graph, prof_heap_obj_at(prof_graph_heap(graph), addr));
    assert_true(prof_graph_has(graph, v));
    return v;
}

/* find_backref_chain: the shortest of several, cut to what is asked for, none. */
static void o1_chain_of_referrers(void **state)
{
    struct prof_link path[8];
    (void)state;

    born_in(A, GLOBAL);
    born_in(B, A + 8);
    born_in(C, B + 8);
    born_in(D, C + 8);
    ref(D, A + 16); // the short way
    ref(A, D + 8);  // and back
    born_in(E, 0);
    ref(E, E + 8);
    make();
    assert_int_equal(prof_graph_path(graph, PROF_ROOT_GLOBAL, node(D), path, 8), 2);
    assert_int_equal(path[0].to, node(A));
    assert_int_equal(path[0].root, PROF_ROOT_GLOBAL);
    assert_int_equal(path[1].from, node(A));
    assert_int_equal(path[1].at, A + 16);
    assert_int_equal(prof_graph_distance(graph, PROF_ROOT_GLOBAL, node(C)), 3);
    assert_int_equal(prof_graph_path(graph, PROF_ROOT_GLOBAL, node(C), path, 2), 3); // its beginning and its end
    assert_int_equal(path[0].to, node(A));
    assert_int_equal(path[1].to, node(C));
    assert_int_equal(prof_graph_path(graph, PROF_ROOT_GLOBAL, node(E), path, 8), 0);
}

/* get_leaking_objects: alive, and nobody refers to them. */
static void o5_without_referrers(void **state)
{
    uint32_t without = 0;
    (void)state;

    born_in(A, GLOBAL);
    born_in(B, A + 8);
    born_in(C, 0);
    born_in(D, C + 8);
    make();
    for (prof_node v = 0; v < prof_graph_max(graph); v++)
        without += prof_graph_has(graph, v) && prof_graph_referrers(graph, v) == 0;
    assert_int_equal(without, 1);
    assert_int_equal(prof_graph_referrers(graph, node(C)), 0);
}

static uint32_t nodes(void)
{
    uint32_t count = 0;
    for (prof_node v = 0; v < prof_graph_max(graph); v++)
        count += prof_graph_has(graph, v);
    return count;
}

/* What asks is not in the answer: findings, names, sizes and paths add nothing. */
static void o6_own_data(void **state)
{
    (void)state;
    born_in(A, GLOBAL);
    born_in(B, A + 8);
    make();
    size_t links = prof_graph_links(graph);
    assert_int_equal(nodes(), 2);
    struct prof_heap *heap = prof_graph_heap(graph);
    assert_string_equal(prof_graph_name(graph, node(B)), "net::conn#2");
    must(prof_findings_create(heap, rig->symbols, NULL, &rig->findings));
    struct prof_graph *before = graph;
    must(prof_graph_create(heap, rig->symbols, NULL, &graph));
    assert_int_equal(nodes(), 2);
    assert_int_equal(prof_graph_links(graph), links);
    prof_graph_destroy(before);
}

/* Nothing is alive: every question has an answer. */
static void o9_empty(void **state)
{
    const prof_node *list;
    uint64_t bytes, count;
    (void)state;

    born_in(A, GLOBAL);
    mk_unref(rig->t, A, GLOBAL, AT("main m.c:8"));
    mk_gone(rig->t, A, AT("main m.c:8"));
    make();
    assert_int_equal(nodes(), 0);
    assert_int_equal(prof_graph_links(graph), 0);
    assert_int_equal(prof_graph_dominated(graph, PROF_NODE_NONE, &list), 0);
    assert_int_equal(prof_graph_retained(graph, PROF_NODE_NONE), 0);
    must(prof_graph_retained_by(graph, NULL, 0, &bytes, &count));
    assert_int_equal(count, 0);
}

static void o7_namespaced_types(void **state)
{
    (void)state;
    born_in(A, GLOBAL);
    make();
    assert_string_equal(prof_graph_name(graph, node(A)), "net::conn#1");
}

/* asizeof of what refers to itself: each once; limit 0 is the object alone, 1 what it refers to. */
static void o8_deep_size_of_a_cycle(void **state)
{
    static const uint64_t expect[] = { 1, 3, 4, 4 };
    uint64_t bytes, nodes;
    (void)state;

    born_in(A, GLOBAL);
    born_in(B, A + 8);
    born_in(C, A + 16);
    ref(A, B + 8);
    ref(C, B + 16);
    ref(A, A + 24);
    born_in(D, C + 8);
    make();
    for (uint32_t limit = 0; limit < 4; limit++) {
        must(prof_graph_deep(graph, node(A), limit, &bytes, &nodes));
        assert_int_equal(nodes, expect[limit]);
        assert_int_equal(bytes, 64 * expect[limit]);
    }
    must(prof_graph_deep(graph, node(A), UINT32_MAX, &bytes, &nodes));
    assert_int_equal(nodes, 4);
}

/* domisize and imdom of a diamond. */
static void o10_diamond(void **state)
{
    const prof_node *list;
    (void)state;

    born_in(A, GLOBAL);
    born_in(B, A + 8);
    born_in(C, A + 16);
    born_in(D, B + 8);
    ref(D, C + 8);
    born_in(E, D + 8);
    make();
    assert_int_equal(prof_graph_dominator(graph, node(D)), node(A));
    assert_int_equal(prof_graph_dominator(graph, node(E)), node(D));
    assert_int_equal(prof_graph_dominated(graph, node(A), &list), 3);
    assert_int_equal(list[0], node(D)); // the largest first
    assert_int_equal(prof_graph_retained(graph, node(A)), 5 * 64);
    assert_int_equal(prof_graph_retained(graph, node(B)), 64);
    assert_int_equal(prof_graph_retained(graph, node(D)), 128);
    prof_node pair[] = { node(B), node(C) };
    uint64_t bytes, nodes;
    must(prof_graph_retained_by(graph, pair, 2, &bytes, &nodes));
    assert_int_equal(nodes, 4);
}

/* All roots together retain everything, also what nothing holds; a cycle stands for itself. */
static void d9_everything_is_retained(void **state)
{
    uint64_t sum = 0;
    const prof_node *list;
    (void)state;

    born_in(A, GLOBAL);
    born_in(B, A + 8);
    born_in(D, 0);
    born_in(C, D + 8);
    mk_own(rig->t, D, C + 8, AT("main m.c:8"));
    born_in(E, D + 16);
    make();
    size_t count = prof_graph_dominated(graph, PROF_NODE_NONE, &list);
    assert_int_equal(count, 2);
    for (size_t i = 0; i < count; i++)
        sum += prof_graph_retained(graph, list[i]);
    assert_int_equal(sum, 5 * 64);
    assert_int_equal(prof_graph_retained(graph, PROF_NODE_NONE), 5 * 64);
}

/* A weak reference keeps nothing alive: neither a dominator nor a way. */
static void d10_weak_keeps_nothing(void **state)
{
    (void)state;
    born_in(A, GLOBAL);
    born_in(B, A + 8);
    born_in(C, GLOBAL + 8);
    born_in(D, B + 8);
    mk_weak_set(rig->t, D, C + 8, AT("main m.c:8"));
    make();
    assert_int_equal(prof_graph_referrers(graph, node(D)), 2);
    assert_int_equal(prof_graph_dominator(graph, node(D)), node(B));
    assert_int_equal(prof_graph_distance(graph, PROF_ROOT_GLOBAL, node(D)), 3);
    assert_int_equal(prof_graph_retained(graph, node(C)), 64);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(o1_chain_of_referrers),  TEST(o5_without_referrers),    TEST(o6_own_data), TEST(o9_empty),
        TEST(o7_namespaced_types),    TEST(o8_deep_size_of_a_cycle), TEST(o10_diamond), TEST(d9_everything_is_retained),
        TEST(d10_weak_keeps_nothing),
    };
    return cmocka_run_group_tests_name("queries", tests, NULL, NULL);
}
