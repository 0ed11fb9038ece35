/* test_programs.c: random programs on a simulated heap that counts references, told as a trace; who lives is known.
 *
 * P1: passes over generations of any age call nothing alive garbage, whatever is hidden (holders nobody told of),
 * over-told (borrowed pointers told as references) or stale (references moved on in silence, when memory is read at the
 * end); when all is told they find everything. P2: what happens between two cuts may come in any order that keeps the
 * order of each object. P3: a state that was saved and read back gives the same graph. PROGRAM_RUNS: programs of each
 * kind (400). */
#include "programs.h"

#include <unistd.h>

#include <prof/gc.h>
#include <prof/graph.h>
#include <track/track.h>

static struct prof_gc *gc;

/* ---- P1 ---------------------------------------------------------------------------------------------------------- */

struct tally {
    uint64_t garbage, checks, refuted;
    uint64_t found; /* bit set: what the last look saw as garbage */
    int marks;
};

static void add_found(void *ctx, prof_obj_id id)
{
    struct tally *tally = ctx;
    tally->found |= (uint64_t)1 << holder_of(prof_heap_obj(prof_gc_heap(gc), id)->addr);
}

static void add_garbage(void *ctx, const struct prof_gc_garbage *garbage)
{
    add_found(ctx, garbage->obj);
}

static void no_error(struct prof_error *error)
{
    if (error != NULL)
        fail_msg("%s", error->message);
}

static void look(struct tally *tally, uint64_t must_live)
{
    tally->found = 0;
    no_error(prof_gc_garbage(gc, add_garbage, tally));
    if (tally->found & must_live)
        fail_msg("alive and called garbage: 0x%llx", (unsigned long long)(tally->found & must_live));
    tally->garbage += (uint64_t)__builtin_popcountll(tally->found);
    tally->checks++;
}

/* Own passes over any generation at marks, between those that thresholds make due. */
static void at_event(void *ctx, struct prof_gc *driver, const struct prof_event *event)
{
    struct tally *tally = ctx;

    if (event->op != TRK_OP_MARK)
        return;
    no_error(prof_gc_collect(driver, (int)rnd(3), NULL));
    uint64_t must_live = odds.silent > 0 ? 0 : alive_at[tally->marks] | counted_at[tally->marks];
    tally->marks++;
    look(tally, must_live);
}

static void run_passes(struct tally *tally)
{
    uint32_t thresholds[] = { 1 + (uint32_t)rnd(20), 1 + (uint32_t)rnd(3), 1 + (uint32_t)rnd(3) };
    struct prof_gc_options options = { .event = at_event, .event_ctx = tally, .every_events = 1 + rnd(60) };
    struct prof_gc_totals totals;

    rig_begin(rig);
    tell(-1);
    tell_memory();
    if (odds.silent == 0 && rnd(2))
        mk_exit(rig->t, 0);
    tally->marks = 0;
    no_error(prof_gc_create(&options, &gc));
    prof_gc_set_threshold(gc, thresholds);
    mk_heap_with(rig->t, &(struct prof_heap_options){ .follow = prof_gc_follow(gc) });
    assert_int_equal(tally->marks, mark_count);
    no_error(prof_gc_collect(gc, 2, NULL));
    look(tally, alive | counted);
    prof_gc_totals(gc, &totals);
    tally->refuted += totals.revived + totals.withdrawn;
    if (odds.hidden == 0 && odds.borrowed == 0 && odds.silent == 0) {
        uint64_t all = 0;
        for (int i = 0; i < object_count; i++)
            all |= dead[i] ? 0 : (uint64_t)1 << i;
        no_error(prof_gc_retained(gc, add_found, tally));
        if (tally->found != (all & ~counted))
            fail_msg("garbage 0x%llx instead of 0x%llx", (unsigned long long)tally->found,
                     (unsigned long long)(all & ~counted));
    }
    rig_end(rig);
    prof_gc_destroy(gc);
}

static uint64_t runs(void)
{
    const char *more = getenv("PROGRAM_RUNS");
    return more != NULL ? strtoull(more, NULL, 10) : 400;
}

static struct tally p1(uint64_t first, struct odds of)
{
    struct tally tally = { 0 };

    for (uint64_t i = 0; i < runs(); i++) {
        run(first + i, of);
        run_passes(&tally);
    }
    print_message("%llu looks, garbage seen %llu times, %llu refuted\n", (unsigned long long)tally.checks,
                  (unsigned long long)tally.garbage, (unsigned long long)tally.refuted);
    assert_true(tally.garbage > runs() / 2);
    return tally;
}

static void p1_all_told(void **state)
{
    (void)state;
    assert_int_equal(p1(1, (struct odds){ .leaks = 50 }).refuted, 0);
}

static void p1_hidden_holders(void **state)
{
    (void)state;
    assert_int_equal(p1(1000000, (struct odds){ .hidden = 20, .leaks = 20 }).refuted, 0);
}

static void p1_borrowed_told_as_references(void **state)
{
    (void)state;
    // What dies while borrowed pointers still count for it may have been garbage for a moment: not refuted by truth.
    p1(2000000, (struct odds){ .borrowed = 20, .hidden = 5 });
}

static void p1_stale(void **state)
{
    (void)state;
    assert_true(p1(3000000, (struct odds){ .silent = 40 }).refuted > 0); // it mattered
}

/* ---- What a graph says ------------------------------------------------------------------------------------------- */

enum { TEXT = 1 << 16 };

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static uint64_t address_of(struct prof_graph *graph, prof_node node)
{
    return node == PROF_NODE_NONE ? 0 : prof_heap_obj(prof_graph_heap(graph), prof_graph_obj(graph, node))->addr;
}

/* Lines that depend neither on ids nor on order. */
static void describe(struct prof_heap *heap, char *text)
{
    struct prof_graph *graph;
    char *lines[OBJECTS + REFS], *at = text;
    size_t count = 0;
    static char unsorted[TEXT];
    char *to = unsorted;

    no_error(prof_graph_create(heap, rig->symbols, NULL, &graph));
    no_error(prof_graph_dominate(graph));
    no_error(prof_graph_distances(graph, PROF_ROOT_NONE));
    no_error(prof_graph_distances(graph, PROF_ROOT_GLOBAL));
    for (prof_node v = 0; v < prof_graph_max(graph); v++) {
        if (!prof_graph_has(graph, v))
            continue;
        struct prof_refcount rc = prof_graph_refcount(graph, v);
        // Of a cycle that nothing holds the first by id stands for all.
        uint32_t away = prof_graph_distance(graph, PROF_ROOT_NONE, v);
        bool held = away != UINT32_MAX || prof_graph_distance(graph, PROF_ROOT_GLOBAL, v) != UINT32_MAX;
        lines[count++] = to;
        to += 1 + sprintf(to, "%llx: %lld = %lld + %lld + %lld + %lld, retains %llu, under %llx, %u away\n",
                          (unsigned long long)address_of(graph, v), (long long)rc.count, (long long)rc.heap,
                          (long long)rc.roots, (long long)rc.stacks, (long long)rc.anonymous,
                          held ? (unsigned long long)prof_graph_retained(graph, v) : 0,
                          held ? (unsigned long long)address_of(graph, prof_graph_dominator(graph, v)) : 0, away);
        for (uint32_t i = 0; i < prof_graph_referrers(graph, v); i++) {
            struct prof_link link = prof_graph_referrer(graph, v, i);
            lines[count++] = to;
            to += 1 + sprintf(to, "%llx from %llx at %llx, %d %d %d\n", (unsigned long long)address_of(graph, v),
                              (unsigned long long)address_of(graph, link.from), (unsigned long long)link.at, link.kind,
                              link.root, link.gone);
        }
        assert_true(to - unsorted < TEXT - 1000);
    }
    qsort(lines, count, sizeof *lines, by_text);
    for (size_t i = 0; i < count; i++)
        at = stpcpy(at, lines[i]);
    *at = '\0';
    prof_graph_destroy(graph);
}

/* ---- P2 ---------------------------------------------------------------------------------------------------------- */

/* They are about one object, by itself or as a holder, or about one variable. */
static bool must_keep_order(const struct act *a, const struct act *b)
{
    const uint64_t places[] = { a->slot, a->from, b->slot, b->from };
    uint64_t of_a = (uint64_t)1 << a->object, of_b = (uint64_t)1 << b->object;

    if (a->kind == MARK || b->kind == MARK)
        return true;
    for (int i = 0; i < 4; i++) {
        int holder = places[i] != 0 ? holder_of(places[i]) : -1;
        *(i < 2 ? &of_a : &of_b) |= holder >= 0 ? (uint64_t)1 << holder : 0;
        for (int j = 2; i < 2 && j < 4; j++)
            if (places[i] != 0 && places[i] == places[j])
                return true;
    }
    return (of_a & of_b) != 0;
}

static int shuffle_acts(void)
{
    int swapped = 0;

    for (int i = 0; i < 20 * act_count; i++) {
        struct act *a = &acts[rnd((uint64_t)act_count - 1)], first = *a;
        if (must_keep_order(&a[0], &a[1]))
            continue;
        a[0] = a[1];
        a[1] = first;
        swapped++;
    }
    return swapped;
}

static void p2_order_within_a_cut(void **state)
{
    static char texts[2][TEXT];
    struct odds of = { .hidden = 10, .leaks = 20 };
    uint64_t found[2] = { 0 };
    int swapped = 0, garbage = 0;
    (void)state;

    for (uint64_t i = 0; i < runs(); i++) {
        run(4000000 + i, of);
        for (int turn = 0; turn < 2; turn++) {
            struct tally tally = { 0 };
            swapped += turn > 0 ? shuffle_acts() : 0;
            rig_begin(rig);
            tell(-1);
            mk_exit(rig->t, 0);
            no_error(prof_gc_create(&(struct prof_gc_options){ .disabled = true }, &gc));
            describe(mk_heap_with(rig->t, &(struct prof_heap_options){ .follow = prof_gc_follow(gc) }), texts[turn]);
            no_error(prof_gc_collect(gc, 2, NULL));
            look(&tally, alive | counted);
            found[turn] = tally.found;
            garbage += tally.found != 0;
            rig_end(rig);
            prof_gc_destroy(gc);
        }
        assert_string_equal(texts[0], texts[1]);
        assert_true(found[0] == found[1]);
    }
    assert_true(swapped > 1000 && garbage > 0);
}

/* ---- P3 ---------------------------------------------------------------------------------------------------------- */

static void p3_saved_and_restored(void **state)
{
    static char texts[2][TEXT];
    struct odds of = { .hidden = 10, .leaks = 20 };
    char path[] = "/tmp/programs-folded-XXXXXX";
    (void)state;

    close(mkstemp(path));
    for (uint64_t i = 0; i < runs(); i++) {
        static const uint8_t id[16] = "saved";
        struct prof_writer_options options = { .pid = 4711, .trace_id = id, .force = true };
        struct prof_writer *writer;
        struct prof_trace *folded;
        struct prof_heap *heap;

        run(5000000 + i, of);
        rig_begin(rig);
        tell((int)rnd((uint64_t)act_count));
        mk_end(rig->t, 0, 0);
        describe(mk_heap(rig->t), texts[0]);
        no_error(prof_writer_open(path, &options, &writer));
        no_error(prof_heap_fold(mk_open(rig->t), 0, NULL, writer));
        no_error(prof_writer_close(writer));
        no_error(prof_trace_open(path, &folded));
        no_error(prof_heap_create(folded, &(struct prof_heap_options){ .keep_type_sites = true }, &heap));
        describe(heap, texts[1]);
        assert_string_equal(texts[0], texts[1]);
        prof_heap_destroy(heap);
        prof_trace_close(folded);
        rig_end(rig);
    }
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(p1_all_told),
        cmocka_unit_test(p1_hidden_holders),
        cmocka_unit_test(p1_borrowed_told_as_references),
        cmocka_unit_test(p1_stale),
        cmocka_unit_test(p2_order_within_a_cut),
        cmocka_unit_test(p3_saved_and_restored),
    };
    return cmocka_run_group_tests_name("programs", tests, NULL, NULL);
}
