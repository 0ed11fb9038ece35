/* test_large.c: shapes that punish recursion and quadratic work, told as traces: a chain, a star, a list linked both
 * ways. Graph, dominators, distances and a full pass over each. LARGE_OBJECTS: how many objects (20 000). */
#include "rig.h"

#include <stdlib.h>

#include <prof/gc.h>
#include <prof/graph.h>

static struct rig rig_, *const rig = &rig_;
static struct prof_gc *gc;
static struct prof_graph *graph;

enum { STEP = 64, TABLE_ROOM = 8 };
#define GLOBAL  MK_APP_DATA
#define FIRST   UINT64_C(0x600000000)
#define TABLE   UINT64_C(0x400000000) /* the hub: a word for each object */
#define OBJ(v)  (FIRST + (uint64_t)(v)*STEP)
#define WORD(v) (TABLE + TABLE_ROOM * (uint64_t)(v))

static uint32_t size(void)
{
    const char *text = getenv("LARGE_OBJECTS");
    return text != NULL ? (uint32_t)strtoul(text, NULL, 10) : 20000;
}

static void must(struct prof_error *error)
{
    if (error != NULL)
        fail_msg("%s", error->message);
}

static void own(uint64_t addr, uint64_t slot)
{
    mk_own(rig->t, addr, slot, AT("main m.c:6"));
}

static void ref(uint64_t addr, uint64_t slot)
{
    mk_ref(rig->t, addr, slot, AT("main m.c:7"));
}

static void born(uint64_t addr, uint64_t bytes)
{
    static uint32_t events;
    mk_born(rig->t, "node", addr, bytes, AT("node_new n.c:3 < main m.c:5"));
    if (++events % 100000 == 0)
        mk_round(rig->t);
}

/* What a full pass finds, and all of it dominated from the root when there is one. */
static void check(uint32_t objects, uint64_t garbage, uint32_t farthest)
{
    struct prof_gc_pass pass;

    mk_exit(rig->t, 0);
    must(prof_gc_create(&(struct prof_gc_options){ .disabled = true }, &gc));
    struct prof_heap *heap = mk_heap_with(rig->t, &(struct prof_heap_options){ .follow = prof_gc_follow(gc) });
    must(prof_graph_create(heap, rig->symbols, NULL, &graph));
    must(prof_graph_dominate(graph));
    must(prof_graph_distances(graph, PROF_ROOT_GLOBAL));
    uint32_t far = 0, nodes = 0;
    for (prof_node v = 0; v < prof_graph_max(graph); v++) {
        uint32_t away = prof_graph_distance(graph, PROF_ROOT_GLOBAL, v);
        far = away != UINT32_MAX && away > far ? away : far;
        nodes += prof_graph_has(graph, v);
    }
    assert_int_equal(nodes, objects);
    assert_int_equal(far, farthest);
    const prof_node *top;
    assert_int_equal(prof_graph_dominated(graph, PROF_NODE_NONE, &top), 1);
    assert_int_equal(prof_graph_retained(graph, top[0]), prof_graph_retained(graph, PROF_NODE_NONE));
    must(prof_gc_collect(gc, 2, &pass));
    assert_int_equal(pass.collected, garbage);
}

static int begin(void **state)
{
    (void)state;
    rig_begin(rig);
    fake_global(rig->symbols, GLOBAL, 8, "g_first");
    return 0;
}

static int end(void **state)
{
    (void)state;
    prof_graph_destroy(graph);
    rig_end(rig);
    prof_gc_destroy(gc);
    return 0;
}

static void chain(void **state)
{
    uint32_t n = size();
    (void)state;

    for (uint32_t v = 0; v < n; v++) {
        born(OBJ(v), 48);
        own(OBJ(v), v == 0 ? GLOBAL : OBJ(v - 1) + 8);
    }
    check(n, 0, n);
}

static void make_double(uint32_t n, uint64_t first_slot)
{
    for (uint32_t v = 0; v < n; v++) {
        born(OBJ(v), 48);
        if (v > 0) {
            own(OBJ(v), OBJ(v - 1) + 8);
            ref(OBJ(v - 1), OBJ(v) + 16);
        }
    }
    own(OBJ(0), first_slot);
}

static void doubly_linked(void **state)
{
    uint32_t n = size();
    (void)state;

    make_double(n, GLOBAL);
    check(n, 0, n);
}

/* And nobody holds it: one cycle of them all. */
static void doubly_linked_and_lost(void **state)
{
    uint32_t n = size();
    (void)state;

    make_double(n, OBJ(n - 1) + 8);
    check(n, n, 0);
}

/* One holds all, and all hold it. */
static void star(void **state)
{
    uint32_t n = size();
    (void)state;

    born(TABLE, TABLE_ROOM * (uint64_t)n);
    own(TABLE, GLOBAL);
    for (uint32_t v = 0; v < n; v++) {
        born(OBJ(v), 48);
        own(OBJ(v), WORD(v));
        ref(TABLE, OBJ(v) + 8);
    }
    check(n + 1, 0, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(chain),
        TEST(doubly_linked),
        TEST(doubly_linked_and_lost),
        TEST(star),
    };
    return cmocka_run_group_tests_name("large", tests, NULL, NULL);
}
