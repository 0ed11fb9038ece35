/* test_refcounts.c: the ways in which counts and references go wrong, each told as a trace with a known answer: what it
 * is called, and where the graph says that the count is. */
#include "image.h"

#include <prof/graph.h>
#include <track/track.h>

static struct rig rig_, *const rig = &rig_;
static struct image image;
static struct prof_graph *graph;

enum { A = 0x100000, B = 0x100100, C = 0x100200, D = 0x100300 };
#define GLOBAL MK_APP_DATA

static int begin(void **state)
{
    (void)state;
    rig_begin(rig);
    memset(&image, 0, sizeof image);
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

static void born(uint64_t addr)
{
    mk_born(rig->t, "conn", addr, 64, AT("conn_new c.c:3 < main m.c:5"));
}

/* Born into a variable. */
static void born_in(uint64_t addr, uint64_t slot)
{
    born(addr);
    mk_own(rig->t, addr, slot, AT("main m.c:6"));
}

static void must(struct prof_error *error)
{
    if (error != NULL)
        fail_msg("%s", error->message);
}

/* Findings and graph of one heap. */
static void find(void)
{
    struct prof_heap *heap = mk_heap(rig->t);

    must(prof_findings_create(heap, rig->symbols, NULL, &rig->findings));
    rig->count = prof_findings_list(rig->findings, &rig->list);
    must(prof_graph_create(heap, rig->symbols, NULL, &graph));
}

static prof_node node(uint64_t addr)
{
    prof_node v = prof_graph_of_obj(graph, prof_heap_obj_at(prof_graph_heap(graph), addr));
    assert_true(prof_graph_has(graph, v));
    return v;
}

/* What is said of the object at addr; 0: nothing. */
static int verdict(uint64_t addr)
{
    const struct prof_finding *f = prof_findings_of(rig->findings, prof_graph_obj(graph, node(addr)));
    return f != NULL ? (int)f->verdict : 0;
}

static bool nothing_is(enum prof_verdict verdict)
{
    for (size_t i = 0; i < rig->count; i++)
        if (rig->list[i].verdict == verdict)
            return false;
    return true;
}

static void assert_gone(uint64_t addr, int gone)
{
    assert_int_equal(prof_graph_refcount(graph, node(addr)).gone, gone);
}

static void assert_count(uint64_t addr, int heap, int roots, int anonymous, int unaccounted)
{
    struct prof_refcount rc = prof_graph_refcount(graph, node(addr));
    assert_int_equal(rc.count, rc.heap + rc.roots + rc.stacks + rc.gone + rc.anonymous);
    assert_int_equal(rc.heap, heap);
    assert_int_equal(rc.roots, roots);
    assert_int_equal(rc.anonymous, anonymous);
    assert_int_equal(rc.unaccounted, unaccounted);
}

/* One reference too many without an owner: the object itself, and where it was taken. */
static void r1_missing_unref(void **state)
{
    (void)state;
    born(A);
    mk_ref(rig->t, A, 0, AT("watch w.c:5"));
    mk_ref(rig->t, A, 0, AT("watch w.c:5"));
    mk_unref(rig->t, A, 0, AT("unwatch w.c:9"));
    mk_unref(rig->t, A, 0, AT("conn_put c.c:9"));
    mk_exit(rig->t, 0);
    find();
    assert_int_equal(verdict(A), PROF_MISSING_UNREF);
    assert_count(A, 0, 0, 1, 0);
}

/* By the events A and B hold each other, and nothing else does. */
static void make_ring(void)
{
    born(B);
    born_in(A, B + 8);
    mk_own(rig->t, B, A + 8, AT("main m.c:7"));
}

/* A cycle with one reference more from nowhere: that one is the cause, not the cycle; it is a cycle once that is given
 * back. */
static void r2_cycle_kept_by_one_reference(void **state)
{
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        if (turn > 0) {
            end(NULL);
            begin(NULL);
        }
        make_ring();
        mk_ref(rig->t, A, 0, AT("watch w.c:5"));
        if (turn > 0)
            mk_unref(rig->t, A, 0, AT("unwatch w.c:9"));
        mk_exit(rig->t, 0);
        find();
        assert_int_equal(nothing_is(PROF_CYCLE), turn == 0);
        assert_int_equal(verdict(A), turn == 0 ? PROF_CYCLE_HELD : PROF_CYCLE);
        assert_count(A, 1, 0, turn == 0, 0);
        assert_count(B, 1, 0, 0, 0);
    }
}

/* Two causes share what they lead to: it is retained by both together. */
static void r3_shared_tail(void **state)
{
    uint64_t bytes, nodes;
    (void)state;

    born(A);
    born(B);
    born_in(C, A + 8);
    mk_ref(rig->t, C, B + 8, AT("main m.c:7"));
    born_in(D, A + 16);
    mk_exit(rig->t, 0);
    find();
    must(prof_graph_dominate(graph));
    assert_int_equal(prof_graph_retained(graph, node(A)), 128);
    assert_int_equal(prof_graph_retained(graph, node(B)), 64);
    assert_int_equal(prof_graph_dominator(graph, node(C)), PROF_NODE_NONE);
    prof_node both[] = { node(A), node(B) };
    must(prof_graph_retained_by(graph, both, 2, &bytes, &nodes));
    assert_int_equal(nodes, 4);
    assert_int_equal(verdict(A), PROF_MISSING_UNREF);
    assert_int_equal(verdict(B), PROF_MISSING_UNREF);
}

static void r4_slot_overwritten(void **state)
{
    (void)state;
    born_in(A, GLOBAL);
    born_in(B, A + 8);
    born_in(C, A + 8);
    mk_exit(rig->t, 0);
    find();
    assert_int_equal(verdict(B), PROF_SLOT_OVERWRITTEN);
    assert_count(B, 0, 0, 0, 0);
    assert_gone(B, 1);
    assert_count(C, 1, 0, 0, 0);
}

static void r5_holder_freed_with_three(void **state)
{
    (void)state;
    born(A);
    born_in(B, A + 8);
    born_in(C, A + 16);
    born_in(D, A + 24);
    mk_unref(rig->t, A, 0, AT("conn_put c.c:9"));
    mk_gone(rig->t, A, AT("conn_free c.c:10"));
    mk_exit(rig->t, 0);
    find();
    for (uint64_t addr = B; addr <= D; addr += 0x100) {
        assert_int_equal(verdict(addr), PROF_HOLDER_FREED);
        assert_count(addr, 0, 0, 0, 0);
        assert_gone(addr, 1);
    }
    assert_int_equal(rig_one(rig, PROF_HOLDER_FREED)->objects, 3);
}

/* The block with the variable moves, and they move with it. */
static void r6_realloc_moves_holder(void **state)
{
    (void)state;
    mk_alloc(rig->t, A, 64, AT("table_new t.c:3"));
    born_in(B, A + 8);
    born_in(C, A + 16);
    mk_realloc(rig->t, A, D, 128, AT("table_grow t.c:7"));
    mk_end(rig->t, TRK_END_STOPPED, 0);
    find();
    for (uint64_t addr = B; addr <= C; addr += 0x100) {
        assert_count(addr, 1, 0, 0, 0);
        assert_int_equal(prof_graph_referrers(graph, node(addr)), 1);
        assert_int_equal(prof_graph_referrer(graph, node(addr), 0).at, D + 8 + (addr - B) / 0x20);
    }
    assert_true(nothing_is(PROF_HOLDER_FREED));
}

static void r7_double_unref(void **state)
{
    (void)state;
    born(A);
    mk_unref(rig->t, A, 0, AT("conn_put c.c:9"));
    mk_unref(rig->t, A, 0, AT("timeout t.c:40"));
    mk_gone(rig->t, A, AT("conn_free c.c:10"));
    mk_exit(rig->t, 0);
    find();
    rig_at(rig, rig_one(rig, PROF_OVER_RELEASED)->open[0].stack, "timeout:40");
}

static void r8_zero_not_freed(void **state)
{
    (void)state;
    born(B); // the type's objects are told to die
    mk_unref(rig->t, B, 0, AT("conn_put c.c:9"));
    mk_gone(rig->t, B, AT("conn_free c.c:10"));
    born(A);
    mk_unref(rig->t, A, 0, AT("conn_put c.c:9"));
    mk_exit(rig->t, 0);
    find();
    assert_int_equal(verdict(A), PROF_ZERO_NOT_FREED);
}

/* obj->rc++ by hand: the count in memory is one more than told. */
static void r9_counted_in_silence(void **state)
{
    (void)state;
    born_in(A, GLOBAL);
    mk_count_seen(rig->t, A, 2);
    mk_exit(rig->t, 0);
    find();
    assert_count(A, 0, 1, 0, 1);
    assert_true(prof_graph_refcount(graph, node(A)).observed);
}

/* Another object at the same address is another object. */
static void r10_address_reused(void **state)
{
    (void)state;
    born(B);
    born_in(A, B + 8);
    mk_unref(rig->t, A, B + 8, AT("main m.c:9"));
    mk_gone(rig->t, A, AT("conn_free c.c:10"));
    born(A);
    mk_exit(rig->t, 0);
    find();
    assert_count(A, 0, 0, 1, 0);
    assert_int_equal(prof_graph_referrers(graph, node(A)), 0);
    assert_int_equal(prof_graph_referents(graph, node(B)), 0);
    assert_string_equal(prof_graph_name(graph, node(A)), "conn#3");
}

/* Another thread gives it back in the same tick in which it was born, and is read first. */
static void r11_unref_read_before_birth(void **state)
{
    (void)state;
    mk_thread(rig->t, 101);
    mk_unref(rig->t, A, 0, AT("worker w.c:9"));
    mk_gone(rig->t, A, AT("conn_free c.c:10"));
    mk_thread(rig->t, 100);
    born(A);
    mk_exit(rig->t, 0);
    find();
    rig_expect(rig, 0);
    assert_int_equal(prof_heap_totals(prof_graph_heap(graph))->live_objects, 0);
}

/* Events were lost: nothing is proven. */
static void r12_lost_events(void **state)
{
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        if (turn > 0) {
            end(NULL);
            begin(NULL);
            mk_loss(rig->t, &(struct trk_loss){ .dropped = 7 });
        }
        born_in(A, LOCAL(1));
        mk_exit(rig->t, 0);
        find();
        assert_int_equal(verdict(A), PROF_MISSING_UNREF);
        assert_int_equal(rig_one(rig, PROF_MISSING_UNREF)->strength == PROF_PROVEN, turn == 0);
    }
}

/* The program still has a pointer to the ring: no cycle that nobody knows. */
static void r13_borrowed_pointer_vetoes(void **state)
{
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        if (turn > 0) {
            end(NULL);
            begin(NULL);
            image_poke(&image, GLOBAL, A);
        }
        make_ring();
        image_poke(&image, B + 8, A);
        image_poke(&image, A + 8, B);
        image_exit(&image, rig->t);
        find();
        assert_int_equal(nothing_is(PROF_CYCLE), turn > 0);
    }
}

/* No verb makes an edge without a count, but for trk_own of what is owned already: then there are more owners than
 * references, which shows in the split. Weak ones are no edges. */
static void r14_more_owners_than_references(void **state)
{
    (void)state;
    born_in(A, GLOBAL);
    born_in(B, A + 8);
    mk_weak_set(rig->t, B, A + 24, AT("main m.c:7"));
    born_in(C, A + 16);
    mk_own(rig->t, C, A + 32, AT("main m.c:8")); // there is no other
    mk_exit(rig->t, 0);
    find();
    assert_count(B, 1, 0, 0, 0);
    assert_count(C, 1, 0, 0, 0);
    assert_int_equal(prof_graph_refcount(graph, node(C)).unbacked, 1);
    assert_int_not_equal(prof_heap_open(prof_graph_heap(graph), prof_graph_referrer(graph, node(C), 0).open)->flags +
                             prof_heap_open(prof_graph_heap(graph), prof_graph_referrer(graph, node(C), 1).open)->flags,
                         PROF_OPEN_WAS_BIRTH);
}

/* b->x = a->x; a->x = NULL, nothing told: the variable that should hold it does not. Alive, and no cycle. */
static void r14b_moved_in_silence(void **state)
{
    (void)state;
    make_ring();
    image_poke(&image, A + 8, B);
    image_poke(&image, GLOBAL, A); // but A went to a global
    image_exit(&image, rig->t);
    find();
    assert_true(nothing_is(PROF_CYCLE));
    assert_count(A, 0, 1, 0, 0);
    assert_count(B, 1, 0, 0, 0);
}

/* Three references from one holder count three times. */
static void r15_three_from_one_holder(void **state)
{
    (void)state;
    born_in(A, GLOBAL);
    born_in(B, A + 8);
    mk_ref(rig->t, B, A + 16, AT("main m.c:7"));
    mk_ref(rig->t, B, A + 24, AT("main m.c:8"));
    mk_exit(rig->t, 0);
    find();
    assert_count(B, 3, 0, 0, 0);
    assert_int_equal(prof_graph_referents(graph, node(A)), 3);
    must(prof_graph_dominate(graph));
    assert_int_equal(prof_graph_dominator(graph, node(B)), node(A));
}

static void r16_pinned(void **state)
{
    (void)state;
    born(A);
    mk_pin(rig->t, A, "the application");
    born_in(B, A + 8);
    mk_exit(rig->t, 0);
    find();
    rig_expect(rig, 0);
    must(prof_graph_distances(graph, PROF_ROOT_PURPOSE));
    assert_int_equal(prof_graph_distance(graph, PROF_ROOT_PURPOSE, node(B)), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(r1_missing_unref),
        TEST(r2_cycle_kept_by_one_reference),
        TEST(r3_shared_tail),
        TEST(r4_slot_overwritten),
        TEST(r5_holder_freed_with_three),
        TEST(r6_realloc_moves_holder),
        TEST(r7_double_unref),
        TEST(r8_zero_not_freed),
        TEST(r9_counted_in_silence),
        TEST(r10_address_reused),
        TEST(r11_unref_read_before_birth),
        TEST(r12_lost_events),
        TEST(r13_borrowed_pointer_vetoes),
        TEST(r14_more_owners_than_references),
        TEST(r14b_moved_in_silence),
        TEST(r15_three_from_one_holder),
        TEST(r16_pinned),
    };
    return cmocka_run_group_tests_name("refcounts", tests, NULL, NULL);
}
