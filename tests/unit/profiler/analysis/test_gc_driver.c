/* test_gc_driver.c: when the driver examines what, and what it tells of itself: counters, thresholds, statistics,
 * callbacks, freezing (the other half of G1 to G30, see test_gc.c), triggers of its own, saved states. */
#include "gc_rig.h"

#include <stdlib.h>

#include "fake_symbols.h"

/* ---- Counters ---------------------------------------------------------------------------------------------------- */

static void g9_get_count(void **state)
{
    (void)state;
    collect(2);
    assert_count(0, 0, 0);
    born(0);
    assert_count(1, 0, 0);
    released(0, 0);
    assert_count(0, 0, 0);
    born(1);
    collect(0);
    assert_count(0, 1, 0);
    released(1, 0);
    assert_count(0, 1, 0); // never below 0
}

static void g10_collect_generations(void **state)
{
    (void)state;
    collect(2);
    born(0);
    collect(0);
    assert_count(0, 1, 0);
    assert_int_equal(generation(0), 1);
    collect(1);
    assert_count(0, 0, 1);
    assert_int_equal(generation(0), 2);
    collect(2);
    assert_count(0, 0, 0);
}

/* A birth inside of a destructor makes a pass due; what is being destroyed, and all that it leads to, lives. */
static void g8_inside_destructor(void **state)
{
    const uint32_t always[3] = { 1, 0, 0 };
    (void)state;
    born(0);
    born(1);
    link_birth(0, 0, 1);
    link_birth(1, 0, 0);
    op(TRK_OP_DTOR_BEGIN, 0, 0);
    prof_gc_set_threshold(gr_gc, always);
    born(2);
    born(3);
    assert_true(totals().passes > 0);
    assert_int_equal(totals().found, 0);
    op(TRK_OP_DTOR_END, 0, 0);
    assert_int_equal(collect(2), 2);
    assert_true(prof_gc_is_finalized(gr_gc, id_of(0)));
}

static void g14_is_tracked(void **state)
{
    (void)state;
    collect(2);
    born(0);
    born_as(1, ATOM);
    assert_true(prof_gc_is_tracked(gr_gc, id_of(0)));
    assert_false(prof_gc_is_tracked(gr_gc, id_of(1)));
    assert_int_equal(generation(1), -1);
    assert_count(1, 0, 0);
    assert_false(prof_gc_is_tracked(gr_gc, 0));
    assert_false(prof_gc_is_tracked(gr_gc, 1000000));
    apply((struct prof_event){ .op = TRK_OP_RETYPE, .addr = OBJ(1), .size = NODE });
    assert_int_equal(generation(1), 0);
    apply((struct prof_event){ .op = TRK_OP_RETYPE, .addr = OBJ(0), .size = ATOM });
    assert_int_equal(generation(0), -1);
    // An acyclic holder is outside of all passes: what it holds lives.
    born(2);
    link_birth(0, 0, 2);
    link_ref(2, 0, 2);
    assert_int_equal(collect(2), 0);
}

static void g15_is_finalized(void **state)
{
    (void)state;
    born(0);
    assert_false(prof_gc_is_finalized(gr_gc, id_of(0)));
    op(TRK_OP_DTOR_BEGIN, 0, 0);
    assert_false(prof_gc_is_finalized(gr_gc, id_of(0)));
    op(TRK_OP_DTOR_END, 0, 0);
    assert_true(prof_gc_is_finalized(gr_gc, id_of(0)));
    assert_false(prof_gc_is_finalized(gr_gc, 1000000));
}

/* Lives of pooled objects are lives. */
static void pools(void **state)
{
    (void)state;
    born(0);
    unref(0, 0);
    op(TRK_OP_PARK, 0, 0);
    assert_int_equal(generation(0), -1);
    op(TRK_OP_REUSE, 0, 0);
    assert_int_equal(generation(0), 0);
    assert_count(1, 0, 0);
    op(TRK_OP_REUSE, 0, 0); // anew without having been parked
    assert_count(1, 0, 0);
    assert_int_equal(totals().tracked, 1);
    unref(0, 0);
    op(TRK_OP_PARK, 0, 0);
    gone(0);
    assert_int_equal(totals().tracked, 0);
    assert_count(0, 0, 0);
}

/* ---- Statistics, lists ------------------------------------------------------------------------------------------- */

static void g21_get_stats(void **state)
{
    struct prof_gc_stats before[3], after[3];
    (void)state;
    for (int generation = 0; generation < 3; generation++) {
        prof_gc_stats(gr_gc, before);
        born(generation);
        link_birth(generation, 0, generation);
        born_as(10 + generation, ORDERED);
        link_birth(10 + generation, 0, 10 + generation);
        assert_int_equal(collect(generation), 2);
        prof_gc_stats(gr_gc, after);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(after[i].collections, before[i].collections + (i == generation));
            assert_int_equal(after[i].collected, before[i].collected + (i == generation));
            assert_int_equal(after[i].uncollectable, before[i].uncollectable + (i == generation));
            assert_int_equal(after[i].candidates, before[i].candidates + 2 * (i == generation));
        }
    }
}

static void g22_freeze(void **state)
{
    (void)state;
    born(0);
    born(1);
    link_birth(0, 0, 0);
    prof_gc_freeze(gr_gc);
    assert_int_equal(prof_gc_freeze_count(gr_gc), 2);
    assert_int_equal(generation(0), PROF_GC_PERMANENT);
    assert_int_equal(collect(2), 0); // no candidate
    born(2);
    own(2, FIELD(1, 0)); // held by what is frozen
    assert_int_equal(collect(2), 0);
    prof_gc_unfreeze(gr_gc);
    assert_int_equal(prof_gc_freeze_count(gr_gc), 0);
    assert_int_equal(generation(1), 2);
    assert_int_equal(collect(2), 1);
}

static struct gr_list list_of(int generation)
{
    struct gr_list list = { .count = 0 };
    must(prof_gc_objects(gr_gc, generation, gr_push, &list));
    return list;
}

static void assert_argument(struct prof_error *error)
{
    assert_non_null(error);
    assert_int_equal(error->code, PROF_ERROR_ARGUMENT);
    assert_null(strchr(error->message, '\n'));
    prof_error_destroy(error);
}

static void g23_get_objects(void **state)
{
    static const int ages[] = { 0, 1, 2, 2 };
    struct gr_list list;
    (void)state;
    born(0);
    for (size_t pass = 0; pass < 4; pass++) {
        for (int generation = 0; generation < 3; generation++) {
            list = list_of(generation);
            assert_int_equal(gr_has(&list, 0), generation == ages[pass]);
        }
        collect(ages[pass]);
    }
    born(1);
    list = list_of(-1);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.ids[0], id_of(0)); // the oldest first
    for (int bad = 3; bad >= -2; bad -= 5)
        assert_argument(prof_gc_objects(gr_gc, bad, gr_push, &list));
}

static void settings(void **state)
{
    uint32_t threshold[3];
    (void)state;
    assert_argument(prof_gc_collect(gr_gc, 3, NULL));
    assert_argument(prof_gc_collect(gr_gc, -1, NULL));
    prof_gc_threshold(gr_gc, threshold);
    assert_int_equal(threshold[0], 700);
    assert_int_equal(threshold[1], 10);
    assert_int_equal(threshold[2], 10);
    assert_int_equal(prof_gc_debug(gr_gc), 0);
    must(prof_gc_set_debug(gr_gc, PROF_GC_DEBUG_LEAK | PROF_GC_DEBUG_STATS));
    assert_int_equal(prof_gc_debug(gr_gc), 39);
    assert_argument(prof_gc_set_debug(gr_gc, 64));
    assert_int_equal(prof_gc_debug(gr_gc), 39);
    assert_true(prof_gc_is_enabled(gr_gc));
    prof_gc_enable(gr_gc, false);
    assert_false(prof_gc_is_enabled(gr_gc));
}

/* ---- Callbacks --------------------------------------------------------------------------------------------------- */

struct visits {
    int starts, stops, order;
    struct prof_gc_pass last;
    int nested; /* what a pass from inside of a pass returned */
};
static int visit_order;
static void visit(void *ctx, struct prof_gc *gc, bool stop, const struct prof_gc_pass *pass)
{
    struct visits *v = ctx;
    struct prof_gc_pass nested;
    v->starts += !stop;
    v->stops += stop;
    v->order = ++visit_order;
    v->last = *pass;
    must(prof_gc_collect(gc, 2, &nested));
    v->nested += (int)(nested.collected + nested.candidates);
    if (!stop) {
        assert_int_equal(pass->collected, 0);
        assert_int_equal(pass->uncollectable, 0);
        assert_int_equal(pass->duration_us, 0);
    }
}

static void g26_callbacks(void **state)
{
    struct visits first = { 0 }, second = { 0 };
    (void)state;
    assert_true(prof_gc_add_callback(gr_gc, visit, &first));
    assert_true(prof_gc_add_callback(gr_gc, visit, &second));
    born(0);
    link_birth(0, 0, 0);
    assert_int_equal(collect(1), 1);
    assert_int_equal(first.starts, 1);
    assert_int_equal(first.stops, 1);
    assert_int_equal(second.order, first.order + 1);
    assert_int_equal(first.last.generation, 1);
    assert_int_equal(first.last.candidates, 1);
    assert_int_equal(first.last.collected, 1);
    assert_false(first.last.automatic);
    assert_int_equal(first.last.number, 1);
    assert_int_equal(first.nested, 0);
    prof_gc_remove_callback(gr_gc, visit, &first);
    collect(0);
    assert_int_equal(first.starts, 1);
    assert_int_equal(second.starts, 2);
    assert_int_equal(second.last.number, 2);
}

/* ---- When passes are due ----------------------------------------------------------------------------------------- */

static void g29_quarter_rule(void **state)
{
    const uint32_t thresholds[3] = { 0, 0, 0 };
    struct prof_gc_stats stats[3];
    (void)state;
    prof_gc_set_threshold(gr_gc, thresholds);
    for (int n = 0; n < 1000; n++)
        born(n);
    collect(2); // 1000 old ones
    for (int n = 1000; n < 1249; n++)
        born(n);
    collect(1); // 249 new old ones
    born(1249);
    collect(0);
    const uint32_t soon[3] = { 1, 0, 0 };
    prof_gc_set_threshold(gr_gc, soon);
    born(1250);
    born(1251); // count 2 exceeds 1; generation 1 is due instead of 2
    prof_gc_stats(gr_gc, stats);
    assert_int_equal(stats[2].collections, 1);
    assert_int_equal(stats[1].collections, 2);
    born(1252);
    born(1253); // 252 by now
    prof_gc_stats(gr_gc, stats);
    assert_int_equal(stats[2].collections, 2);
}

static void g30_disabled(void **state)
{
    const uint32_t never[3] = { 0, 10, 10 };
    const uint32_t always[3] = { 1, 10, 10 };
    (void)state;
    prof_gc_set_threshold(gr_gc, never);
    for (int n = 0; n < 50; n++)
        born(n);
    prof_gc_set_threshold(gr_gc, always);
    prof_gc_enable(gr_gc, false);
    for (int n = 50; n < 100; n++)
        born(n);
    assert_int_equal(totals().passes, 0);
    assert_count(100, 0, 0);
    prof_gc_enable(gr_gc, true);
    born(100);
    assert_int_equal(totals().passes, 1);
}

/* In a steady heap counters do not move: events, and time, do. */
static void triggers(void **state)
{
    struct prof_gc_stats stats[3];
    (void)state;
    gr_end(NULL);
    gr_begin_with(&(struct prof_gc_options){ .every_events = 100, .every_us = 1000000 });
    born(0);
    link_birth(0, 0, 0);
    born(1);
    for (int i = 0; i < 200; i++)
        op(TRK_OP_TOUCH, 1, 0);
    prof_gc_stats(gr_gc, stats);
    assert_int_equal(stats[2].collections, 1); // nobody was examined as a whole before
    assert_int_equal(stats[0].collections, 1);
    assert_int_equal(totals().garbage, 1);
    gr_now = 2000000;
    op(TRK_OP_TOUCH, 1, 0);
    prof_gc_stats(gr_gc, stats);
    assert_int_equal(stats[0].collections, 2);
    // Old garbage is found, too, though nothing new gets old.
    born(2);
    own(2, GLOBAL(0));
    link_ref(2, 0, 2);
    collect(2);
    unref(2, GLOBAL(0));
    for (int i = 0; i < 600; i++)
        op(TRK_OP_TOUCH, 1, 0);
    assert_int_equal(totals().garbage, 2);
    // CPython knows no such thing.
    gr_end(NULL);
    gr_begin_with(&(struct prof_gc_options){ .cpython = true, .every_events = 1, .every_us = 1 });
    born(0);
    for (int i = 0; i < 100; i++)
        op(TRK_OP_TOUCH, 0, 0);
    assert_int_equal(totals().passes, 0);
}

static int marks;
static void at_mark(void *ctx, struct prof_gc *gc, const struct prof_event *event)
{
    if (event->op != TRK_OP_MARK)
        return;
    assert_ptr_equal(ctx, &marks);
    marks++;
    prof_gc_freeze(gc);
}

static void settings_at_events(void **state)
{
    (void)state;
    gr_end(NULL);
    gr_begin_with(&(struct prof_gc_options){ .event = at_mark, .event_ctx = &marks, .disabled = true });
    uint32_t threshold[3];
    prof_gc_threshold(gr_gc, threshold);
    assert_int_equal(threshold[0], 10000);
    assert_false(prof_gc_is_enabled(gr_gc));
    born(0);
    apply((struct prof_event){ .op = TRK_OP_MARK, .text = 1 });
    assert_int_equal(marks, 1);
    assert_int_equal(prof_gc_freeze_count(gr_gc), 1);
}

/* ---- Graph, state ------------------------------------------------------------------------------------------------ */

/* Referrers and referents, as often as they hold; nothing of what holds nothing. */
static void g13_referents(void **state)
{
    struct prof_symbols *symbols = fake_create();
    struct prof_graph *graph, *same;
    (void)state;
    assert_argument(prof_gc_set_debug(gr_gc, 1 << 10));
    born(0);
    born(1);
    born_as(2, ATOM);
    link_ref(0, 0, 1);
    link_ref(0, 1, 1);
    link_ref(0, 2, 2);
    link_ref(1, 0, 2);
    must(prof_gc_graph(gr_gc, symbols, &graph));
    must(prof_gc_graph(gr_gc, symbols, &same));
    assert_ptr_equal(graph, same);
    prof_node a = prof_graph_of_obj(graph, id_of(0)), b = prof_graph_of_obj(graph, id_of(1)),
              c = prof_graph_of_obj(graph, id_of(2));
    assert_int_equal(prof_graph_referents(graph, a), 3);
    assert_int_equal(prof_graph_referrers(graph, b), 2);
    assert_int_equal(prof_graph_referrers(graph, c), 2);
    assert_int_equal(prof_graph_referents(graph, c), 0);
    struct prof_refcount rc = prof_graph_refcount(graph, b);
    assert_int_equal(rc.count, 3);
    assert_int_equal(rc.heap, 2);
    assert_int_equal(rc.anonymous, 1);
    unref(1, FIELD(0, 0));
    must(prof_gc_graph(gr_gc, symbols, &graph));
    assert_int_equal(prof_graph_refcount(graph, prof_graph_of_obj(graph, id_of(1))).heap, 1);
    prof_gc_destroy(gr_gc);
    gr_gc = NULL;
    prof_symbols_destroy(symbols);
}

struct saved {
    unsigned char bytes[1 << 20];
    size_t size;
};
static struct prof_error *save_part(void *ctx, const void *bytes, size_t size)
{
    struct saved *saved = ctx;
    assert_int_equal(saved->size, 0);
    assert_true(size <= sizeof saved->bytes);
    memcpy(saved->bytes, bytes, size);
    saved->size = size;
    return NULL;
}

/* What was alive in a state that nobody went along with is old, and is examined as a whole. */
static void restored(void **state)
{
    static struct saved saved;
    (void)state;
    prof_heap_destroy(gr_heap);
    must(prof_heap_create_live(gr_trace, NULL, &gr_heap));
    born(0);
    born(1);
    link_birth(0, 0, 1);
    link_birth(1, 0, 0);
    born(2);
    born_as(3, ATOM);
    must(prof_heap_save(gr_heap, save_part, &saved));
    gr_end(NULL);
    gr_begin(NULL);
    must(prof_heap_restore(gr_heap, NULL, saved.bytes, saved.size));
    assert_int_equal(generation(0), 2);
    assert_int_equal(generation(3), -1);
    assert_int_equal(totals().tracked, 3);
    assert_count(0, 0, 0);
    born(4);
    assert_int_equal(generation(4), 0);
    assert_int_equal(collect(1), 0);
    assert_int_equal(collect(2), 2);
}

/* What happens behind a pass to what it found shows that the program still knows it: alive with all it leads to. */
static void g12_touched_later(void **state)
{
    (void)state;
    born(0);
    born(1);
    link_birth(0, 0, 1);
    link_ref(1, 0, 0);
    unref(0, 0);
    assert_int_equal(collect(2), 2);
    ref(1, GLOBAL(0));
    assert_int_equal(garbage_list().count, 0);
    assert_int_equal(totals().revived, 2);
    assert_int_equal(collect(2), 0);
}

/* P8: as many die as are born, so that no threshold is met: time finds the garbage. */
static void p8_delay(void **state)
{
    enum { EVERY = 1000000, STEP = 50000 };
    (void)state;
    gr_end(NULL);
    gr_begin_with(&(struct prof_gc_options){ .every_events = UINT64_MAX, .every_us = EVERY });
    for (int turn = 0; turn < 20; turn++) {
        int a = 2 * turn, b = a + 1;
        born(a);
        born(b);
        link_birth(a, 0, b);
        link_ref(b, 0, a);
        unref(a, 0);
        uint64_t lost = gr_now, garbage = 2 * (uint64_t)(turn + 1);
        while (totals().found < garbage && gr_now < lost + 10 * EVERY) {
            gr_now += STEP;
            born(1000);
            released(1000, 0);
        }
        assert_int_equal(totals().found, garbage);
        assert_true(gr_now - lost <= EVERY + 2 * STEP);
    }
}

/* Settings and statistics outlive the heap. */
static void before_and_after(void **state)
{
    struct prof_gc *gc;
    struct prof_gc_stats stats[3];
    (void)state;
    must(prof_gc_create(NULL, &gc));
    assert_null(prof_gc_heap(gc));
    struct prof_gc_pass pass;
    must(prof_gc_collect(gc, 2, &pass)); // there is nothing yet
    assert_int_equal(pass.candidates, 0);
    prof_gc_stats(gc, stats);
    assert_int_equal(stats[2].collections, 1);
    struct prof_graph *graph;
    assert_argument(prof_gc_graph(gc, NULL, &graph));
    prof_gc_destroy(gc);
    prof_gc_destroy(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, gr_begin, gr_end)
    const struct CMUnitTest tests[] = {
        TEST(g8_inside_destructor),
        TEST(g9_get_count),
        TEST(g10_collect_generations),
        TEST(g13_referents),
        TEST(g14_is_tracked),
        TEST(g15_is_finalized),
        TEST(g21_get_stats),
        TEST(g22_freeze),
        TEST(g23_get_objects),
        TEST(g26_callbacks),
        TEST(g29_quarter_rule),
        TEST(g30_disabled),
        TEST(pools),
        TEST(settings),
        TEST(triggers),
        TEST(settings_at_events),
        TEST(restored),
        TEST(g12_touched_later),
        TEST(p8_delay),
        TEST(before_and_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
