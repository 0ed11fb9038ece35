/* test_graph_memory.c: the N-th allocation fails, for every N, in each question to the object graph, in growth,
 * suspects and generations: an error or the answer, never a crash, never a leak (run it with AddressSanitizer), and the
 * next question is answered. */
#include "graph_program.h"

#include "../base/failing.h"

#include <prof/gc.h>
#include <prof/graph.h>
#include <prof/growth.h>
#include <prof/suspect.h>

enum what { GRAPH, TEXTS, TAKEN, DEEP, RETAINED, TREE, DISTANCES, LOOP, FALL, SUSPECTS, GROWTH, PASSES, WHAT_COUNT };

static struct rig rig_, *const rig = &rig_;
static struct prof_heap *heap;
static struct prof_graph *graph;

static prof_node node(uint64_t addr)
{
    return prof_graph_of_obj(graph, prof_heap_obj_at(heap, addr));
}

static struct prof_error *no_memory_if(bool failed)
{
    return failed ? prof_error_memory() : NULL;
}

static struct prof_error *all_texts(void)
{
    bool missing = false;

    for (prof_node v = 0; v < prof_graph_max(graph); v++) {
        if (!prof_graph_has(graph, v))
            continue;
        missing |= prof_graph_name(graph, v) == NULL || prof_graph_kind(graph, v) == NULL;
        for (uint32_t i = 0; i < prof_graph_referrers(graph, v); i++) {
            struct prof_link link = prof_graph_referrer(graph, v, i);
            missing |= prof_graph_place(graph, &link) == NULL || prof_graph_field(graph, &link) == NULL;
        }
    }
    return no_memory_if(missing);
}

static struct prof_error *all_taken(void)
{
    struct prof_error *error = NULL;

    for (prof_node v = 0; v < prof_graph_max(graph) && error == NULL; v++) {
        const struct prof_taken *taken;
        size_t count;
        if (prof_graph_has(graph, v) && prof_graph_obj(graph, v) != 0)
            error = prof_graph_taken(graph, v, &taken, &count);
    }
    return error;
}

static struct prof_error *fall(void)
{
    struct prof_drop drops[] = { { .node = node(GP_SESSION) }, { .node = node(GP_RING) } };
    struct prof_fall result = { 0 };
    struct prof_error *error = prof_graph_what_if(graph, drops, 2, &result);

    if (error == NULL) {
        assert_true(result.count >= 4);
        prof_fall_deinit(&result);
    }
    return error;
}

static void count_garbage(void *ctx, const struct prof_gc_garbage *garbage)
{
    (void)garbage;
    ++*(size_t *)ctx;
}

static void count_hazard(void *ctx, const struct prof_gc_hazard *hazard)
{
    (void)ctx;
    (void)hazard;
}

static void count_object(void *ctx, prof_obj_id id)
{
    (void)ctx;
    (void)id;
}

static void on_pass(void *ctx, struct prof_gc *gc, bool stop, const struct prof_gc_pass *pass)
{
    (void)ctx;
    (void)gc;
    (void)stop;
    (void)pass;
}

static struct prof_error *passes(void)
{
    struct prof_gc *gc = NULL;
    struct prof_heap *followed = NULL;
    struct prof_graph *own;
    size_t garbage = 0;
    struct prof_error *error = prof_gc_create(&(struct prof_gc_options){ .every_events = 20 }, &gc);

    if (error == NULL)
        error = no_memory_if(!prof_gc_add_callback(gc, on_pass, NULL));
    if (error == NULL)
        error =
            prof_heap_create(mk_open(rig->t), &(struct prof_heap_options){ .follow = prof_gc_follow(gc) }, &followed);
    if (error == NULL)
        error = prof_gc_collect(gc, 2, NULL);
    if (error == NULL)
        error = prof_gc_garbage(gc, count_garbage, &garbage);
    if (error == NULL)
        error = prof_gc_retained(gc, count_object, NULL);
    if (error == NULL)
        error = prof_gc_hazards(gc, count_hazard, NULL);
    if (error == NULL)
        error = prof_gc_graph(gc, rig->symbols, &own);
    if (error == NULL)
        assert_int_equal(garbage, 2); // the ring
    prof_heap_destroy(followed);
    prof_gc_destroy(gc);
    return error;
}

static struct prof_error *attempt(enum what what)
{
    struct prof_error *error = NULL;
    struct prof_graph *another;
    struct prof_suspects *suspects;
    struct prof_growth *growth;
    struct prof_link path[8];
    prof_node some[] = { node(GP_SESSION), node(GP_RING) };
    uint64_t bytes, nodes;
    size_t cycle, length;

    switch (what) {
    case GRAPH:
        error = prof_graph_create(heap, rig->symbols, NULL, &another);
        if (error == NULL) {
            assert_int_equal(prof_graph_links(another), prof_graph_links(graph));
            prof_graph_destroy(another);
        }
        break;
    case TEXTS:
        error = all_texts();
        break;
    case TAKEN:
        error = all_taken();
        break;
    case DEEP:
        error = prof_graph_deep(graph, node(GP_SESSION), UINT32_MAX, &bytes, &nodes);
        if (error == NULL)
            assert_int_equal(nodes, 5);
        break;
    case RETAINED:
        error = prof_graph_retained_by(graph, some, 2, &bytes, &nodes);
        break;
    case TREE:
        error = prof_graph_dominate(graph);
        if (error == NULL)
            assert_int_equal(prof_graph_retained(graph, PROF_NODE_NONE), GP_NODES * 64);
        break;
    case DISTANCES:
        for (enum prof_root_kind kind = PROF_ROOT_NONE; kind < PROF_ROOT_COUNT_ && error == NULL; kind++)
            error = prof_graph_distances(graph, kind);
        if (error == NULL)
            assert_int_equal(prof_graph_path(graph, PROF_ROOT_GLOBAL, node(GP_CONN), path, 8), 2);
        break;
    case LOOP:
        error = prof_graph_loop(graph, node(GP_RING), path, 8, &cycle, &length);
        if (error == NULL)
            assert_int_equal(cycle, 2);
        break;
    case FALL:
        error = fall();
        break;
    case SUSPECTS:
        error = prof_suspects_create(graph, NULL, &suspects);
        if (error == NULL) {
            assert_int_equal(prof_suspects_lost(suspects), 3 * 64); // GP_LOST and both rings
            assert_int_equal(prof_suspects_total(suspects), (GP_NODES - 3) * 64);
            prof_suspects_destroy(suspects);
        }
        break;
    case GROWTH:
        error = prof_growth_create(heap, rig->symbols, NULL, &growth);
        if (error == NULL) {
            const struct prof_growth_kind *kinds;
            assert_true(prof_growth_kinds(growth, &kinds) > 0);
            prof_growth_destroy(growth);
        }
        break;
    case PASSES:
        error = passes();
        break;
    case WHAT_COUNT:
        break;
    }
    return error;
}

static void must(struct prof_error *error, enum what what, long n)
{
    if (error != NULL)
        fail_msg("%u, allocation %ld: %s", what, n, error->message);
}

static void every_failure(void **state)
{
    (void)state;
    for (enum what what = GRAPH; what < WHAT_COUNT; what++) {
        long failures = 0;
        for (long n = 0, met = 1; met; n += 1 + n / 256) { // every one of the first 256, then a sample
            must(prof_graph_create(heap, rig->symbols, NULL, &graph), what, n);
            fail_after(n);
            struct prof_error *error = attempt(what);
            met = has_failed();
            fail_after(-1);
            if (error != NULL && error->code != PROF_ERROR_NO_MEMORY)
                must(error, what, n);
            failures += error != NULL;
            prof_error_destroy(error);
            must(attempt(what), what, n); // it works again
            prof_graph_destroy(graph);
        }
        if (failures == 0 && what != TAKEN) // what that needs has room already
            fail_msg("%u never failed", what);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_failure) };
    rig_begin(rig);
    gp_tell(rig);
    gp_end(rig);
    heap = mk_heap(rig->t);
    int failed = cmocka_run_group_tests_name("graph memory", tests, NULL, NULL);
    rig_end(rig);
    return failed;
}
