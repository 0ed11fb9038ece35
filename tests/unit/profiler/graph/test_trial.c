/* test_trial.c: trial deletion against a heap whose truth is known. Random heaps with hidden holders, leaked counts and
 * edges that were never told: nothing alive is ever called trash, for any choice of candidates; with all edges known
 * the classes are exact. TRIAL_RUNS: how many heaps. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <graph/trial.h>

enum { MOST = 40 };

static uint32_t random_state = 11;
static uint32_t random_below(uint32_t n)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % n;
}

struct truth {
    uint32_t n, edge_count, told_count;
    struct graph_edge edges[3 * MOST], told[3 * MOST];
    uint8_t root[MOST], hidden[MOST];      /* references by a known root; by a root that nobody told of */
    uint8_t leaked[MOST];                  /* counts without any holder */
    bool alive[MOST], by_known_root[MOST]; /* reached from any root; from a known one, along told edges */
    bool counted[MOST];                    /* reached from a root or a leaked count */
};

static void spread(const struct graph_edge *edges, uint32_t count, bool *in)
{
    for (bool more = true; more;) {
        more = false;
        for (uint32_t i = 0; i < count; i++) {
            if (in[edges[i].from] && !in[edges[i].to])
                in[edges[i].to] = more = true;
        }
    }
}

static void make(struct truth *t, uint32_t hidden_percent, bool hidden_roots)
{
    *t = (struct truth){ .n = 1 + random_below(MOST) };
    t->edge_count = random_below(3 * t->n);
    for (uint32_t i = 0; i < t->edge_count; i++) {
        t->edges[i] = (struct graph_edge){ random_below(t->n), random_below(t->n), 0 };
        if (random_below(100) >= hidden_percent)
            t->told[t->told_count++] = t->edges[i];
    }
    for (uint32_t v = 0; v < t->n; v++) {
        t->root[v] = random_below(8) == 0;
        t->hidden[v] = hidden_roots && random_below(10) == 0;
    }
    for (uint32_t i = random_below(3); i > 0; i--)
        t->leaked[random_below(t->n)]++;
    for (uint32_t v = 0; v < t->n; v++) {
        t->alive[v] = t->root[v] || t->hidden[v];
        t->counted[v] = t->alive[v] || t->leaked[v] > 0;
        t->by_known_root[v] = t->root[v];
    }
    spread(t->edges, t->edge_count, t->alive);
    spread(t->edges, t->edge_count, t->counted);
    spread(t->told, t->told_count, t->by_known_root);
}

static void run(const struct truth *t, const uint8_t *flags, bool whole, struct graph *graph, struct trial_result *ret)
{
    int32_t count[MOST] = { 0 };
    uint32_t known[MOST] = { 0 };

    for (uint32_t i = 0; i < t->edge_count; i++)
        count[t->edges[i].to]++;
    for (uint32_t v = 0; v < t->n; v++) {
        count[v] += t->root[v] + t->hidden[v] + t->leaked[v];
        known[v] = t->root[v];
    }
    assert_true(graph_init(graph, t->n, t->told, t->told_count));
    assert_true(trial_run(&(struct trial){ graph, count, known, flags, whole }, ret));
}

static void test_oracle(void **state)
{
    long runs = getenv("TRIAL_RUNS") != NULL ? strtol(getenv("TRIAL_RUNS"), NULL, 10) : 20000;
    static const uint32_t hidden[] = { 0, 10, 50 };
    (void)state;

    for (long i = 0; i < runs; i++) {
        struct truth t;
        struct graph graph;
        struct trial_result r;
        uint8_t flags[MOST];
        bool whole = random_below(2) == 0;
        uint32_t percent = hidden[i % 3];
        make(&t, percent, i % 2 == 1);
        for (uint32_t v = 0; v < t.n; v++)
            flags[v] = (uint8_t)((whole || random_below(2) ? TRIAL_CANDIDATE : 0) | (t.root[v] ? TRIAL_ROOT : 0));
        run(&t, flags, whole, &graph, &r);
        for (uint32_t v = 0; v < t.n; v++) {
            if (r.class_of[v] == TRIAL_TRASH)
                assert_false(t.alive[v] || t.counted[v]); // sound, whatever is not known
            assert_int_equal(r.class_of[v] == TRIAL_OUTSIDE, !(flags[v] & TRIAL_CANDIDATE));
            assert_false(r.notes[v] & TRIAL_UNDERFLOW);
            if (whole && percent == 0) {
                assert_int_equal(r.class_of[v] == TRIAL_TRASH, !t.counted[v]); // complete
                assert_int_equal(r.class_of[v] == TRIAL_ALIVE, t.by_known_root[v]);
                if (r.class_of[v] == TRIAL_OVER)
                    assert_int_equal(!!(r.notes[v] & TRIAL_SOURCE), t.leaked[v] + t.hidden[v] > 0);
            }
        }
        trial_result_deinit(&r);
        graph_deinit(&graph);
    }
}

/* Two nodes in a ring, a third held by one of them. */
struct ring {
    struct graph graph;
    int32_t count[3];
    uint32_t known[3];
    uint8_t flags[3];
};
static void make_ring(struct ring *ring)
{
    static const struct graph_edge edges[] = { { 0, 1, 0 }, { 1, 0, 0 }, { 1, 2, 0 } };
    *ring = (struct ring){ .count = { 1, 1, 1 }, .flags = { 1, 1, 1 } };
    assert_true(graph_init(&ring->graph, 3, edges, 3));
}
static void expect(struct ring *ring, uint8_t a, uint8_t b, uint8_t c)
{
    struct trial_result r;
    assert_true(trial_run(&(struct trial){ &ring->graph, ring->count, ring->known, ring->flags, true }, &r));
    assert_int_equal(r.class_of[0], a);
    assert_int_equal(r.class_of[1], b);
    assert_int_equal(r.class_of[2], c);
    trial_result_deinit(&r);
    graph_deinit(&ring->graph);
}

static void test_ring(void **state)
{
    struct ring ring;
    (void)state;

    make_ring(&ring);
    expect(&ring, TRIAL_TRASH, TRIAL_TRASH, TRIAL_TRASH);
    make_ring(&ring); // one count too many
    ring.count[1]++;
    expect(&ring, TRIAL_OVER, TRIAL_OVER, TRIAL_OVER);
    make_ring(&ring); // a root
    ring.count[0]++;
    ring.known[0] = 1;
    ring.flags[0] |= TRIAL_ROOT;
    expect(&ring, TRIAL_ALIVE, TRIAL_ALIVE, TRIAL_ALIVE);
    make_ring(&ring); // kept by design
    ring.flags[1] |= TRIAL_PINNED;
    expect(&ring, TRIAL_ALIVE, TRIAL_ALIVE, TRIAL_ALIVE);
    make_ring(&ring); // only the tail is
    ring.flags[2] |= TRIAL_TOUCHED;
    expect(&ring, TRIAL_TRASH, TRIAL_TRASH, TRIAL_ALIVE);
    make_ring(&ring); // half of it is older: the count from there is one from outside
    ring.flags[0] = 0;
    expect(&ring, TRIAL_OUTSIDE, TRIAL_OVER, TRIAL_OVER);
}

/* Fewer counts than references: told, and never called trash. */
static void test_underflow(void **state)
{
    static const struct graph_edge edges[] = { { 0, 1, 0 }, { 0, 1, 0 }, { 1, 0, 0 } };
    int32_t count[] = { 1, 1 };
    uint8_t flags[] = { TRIAL_CANDIDATE, TRIAL_CANDIDATE };
    struct graph graph;
    struct trial_result r;
    (void)state;

    assert_true(graph_init(&graph, 2, edges, 3));
    assert_true(trial_run(&(struct trial){ &graph, count, NULL, flags, true }, &r));
    assert_int_equal(r.underflow, 1);
    assert_true(r.notes[1] & TRIAL_UNDERFLOW);
    assert_int_equal(r.left[1], -1);
    assert_int_equal(r.trash, 0);
    trial_result_deinit(&r);
    graph_deinit(&graph);
}

/* What falls is what counting by hand says: nodes whose references all come from what fell. */
static void test_what_if(void **state)
{
    int32_t scratch[MOST] = { 0 };
    struct trial_fall fall = { 0 };
    (void)state;

    for (int i = 0; i < 5000; i++) {
        struct truth t;
        struct graph graph;
        int32_t count[MOST] = { 0 }, by_hand[MOST];
        uint8_t flags[MOST];
        bool dead[MOST] = { false };
        make(&t, 0, false);
        for (uint32_t e = 0; e < t.edge_count; e++)
            count[t.edges[e].to]++;
        for (uint32_t v = 0; v < t.n; v++) {
            count[v] += t.root[v] + t.leaked[v];
            flags[v] = random_below(10) == 0 ? TRIAL_PINNED : 0;
        }
        uint32_t drop[3], drops = 1 + random_below(3);
        memcpy(by_hand, count, sizeof by_hand);
        for (uint32_t k = 0; k < drops; k++) {
            drop[k] = random_below(t.n);
            by_hand[drop[k]]--;
        }
        for (bool more = true; more;) {
            more = false;
            for (uint32_t v = 0; v < t.n; v++) {
                bool dropped = false;
                for (uint32_t k = 0; k < drops; k++)
                    dropped |= drop[k] == v;
                // Only who loses a reference dies; one drop more than there are counts: it died at zero.
                if (dead[v] || by_hand[v] > 0 || (flags[v] & TRIAL_PINNED) || (by_hand[v] == count[v] && !dropped) ||
                    count[v] == 0)
                    continue;
                dead[v] = more = true;
                for (uint32_t e = 0; e < t.edge_count; e++)
                    by_hand[t.edges[e].to] -= t.edges[e].from == v;
            }
        }
        assert_true(graph_init(&graph, t.n, t.edges, t.edge_count));
        assert_true(trial_what_if(&graph, count, flags, drop, drops, scratch, &fall));
        uint32_t deaths = 0;
        for (uint32_t v = 0; v < t.n; v++) {
            deaths += dead[v];
            assert_int_equal(scratch[v], 0);
        }
        assert_int_equal(fall.count, deaths);
        for (uint32_t k = 0; k < fall.count; k++)
            assert_true(dead[fall.died[k]]);
        graph_deinit(&graph);
    }
    free(fall.died);
}

/* A list of a million in which each also holds the one before: no recursion, one falls after the other. */
static void test_long(void **state)
{
    enum { N = 1000000 };
    struct graph_edge *edges = malloc(2 * N * sizeof *edges);
    int32_t *count = malloc(N * sizeof *count), *scratch = calloc(N, sizeof *scratch);
    uint8_t *flags = malloc(N);
    struct graph graph;
    struct trial_result r;
    struct trial_fall fall = { 0 };
    uint32_t edge_count = 0, first = 0;
    (void)state;

    for (uint32_t v = 0; v + 1 < N; v++)
        edges[edge_count++] = (struct graph_edge){ v, v + 1, 0 };
    assert_true(graph_init(&graph, N, edges, edge_count));
    for (uint32_t v = 0; v < N; v++) {
        count[v] = 1;
        flags[v] = TRIAL_CANDIDATE;
    }
    assert_true(trial_what_if(&graph, count, flags, &first, 1, scratch, &fall));
    assert_int_equal(fall.count, N);
    graph_deinit(&graph);
    for (uint32_t v = 0; v + 1 < N; v++) {
        edges[edge_count++] = (struct graph_edge){ v + 1, v, 0 };
        count[v] += v > 0;
    }
    assert_true(graph_init(&graph, N, edges, edge_count));
    assert_true(trial_run(&(struct trial){ &graph, count, NULL, flags, true }, &r));
    assert_int_equal(r.trash, N);
    trial_result_deinit(&r);
    count[N / 2]++;
    assert_true(trial_run(&(struct trial){ &graph, count, NULL, flags, true }, &r));
    assert_int_equal(r.over, N);
    trial_result_deinit(&r);
    graph_deinit(&graph);
    free(fall.died);
    free(edges);
    free(count);
    free(scratch);
    free(flags);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oracle),  cmocka_unit_test(test_ring), cmocka_unit_test(test_underflow),
        cmocka_unit_test(test_what_if), cmocka_unit_test(test_long),
    };
    return cmocka_run_group_tests_name("trial", tests, NULL, NULL);
}
