/* test_graph.c: reach, components and cycles against slow oracles on random graphs; sizes that would overflow a stack.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <graph/graph.h>

enum { MOST = 24 };

static uint32_t random_state = 1;
static uint32_t random_below(uint32_t n)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % n;
}

/* reach[i][j]: j can be reached from i by at least one edge, inside `in`. */
static void oracle(bool reach[MOST][MOST], uint32_t n, const struct graph_edge *edges, size_t count, const uint8_t *in)
{
    memset(reach, 0, sizeof(bool) * MOST * MOST);
    for (size_t i = 0; i < count; i++) {
        if (in[edges[i].from] && in[edges[i].to])
            reach[edges[i].from][edges[i].to] = true;
    }
    for (uint32_t k = 0; k < n; k++)
        for (uint32_t i = 0; i < n; i++)
            for (uint32_t j = 0; j < n; j++)
                reach[i][j] |= reach[i][k] && reach[k][j];
}

static void test_random(void **state)
{
    (void)state;
    for (int round = 0; round < 3000; round++) {
        uint32_t n = 1 + random_below(MOST), component[MOST], count, from[MOST], parent[MOST];
        size_t m = random_below(3 * n);
        struct graph_edge edges[3 * MOST];
        uint8_t in[MOST];
        bool reach[MOST][MOST];
        struct graph graph;

        for (uint32_t v = 0; v < n; v++)
            in[v] = random_below(8) != 0;
        for (size_t i = 0; i < m; i++)
            edges[i] = (struct graph_edge){ random_below(n), random_below(n), (uint32_t)i };
        oracle(reach, n, edges, m, in);
        assert_true(graph_init(&graph, n, edges, m));
        assert_int_equal(graph.first[n], m);
        for (uint32_t v = 0; v < n; v++) {
            for (uint32_t e = graph.first[v]; e < graph.first[v + 1]; e++) {
                assert_int_equal(edges[graph.label[e]].from, v);
                assert_int_equal(edges[graph.label[e]].to, graph.to[e]);
            }
        }

        assert_true(graph_components(&graph, in, component, &count));
        for (uint32_t v = 0; v < n; v++) {
            assert_true(in[v] ? component[v] < count : component[v] == GRAPH_NONE);
            for (uint32_t w = 0; in[v] && w < n; w++) {
                if (!in[w])
                    continue;
                bool together = v == w || (reach[v][w] && reach[w][v]);
                assert_int_equal(component[v] == component[w], together);
                if (!together && reach[v][w])
                    assert_true(component[w] < component[v]);
            }
        }

        uint32_t seed = random_below(n);
        for (uint32_t v = 0; v < n; v++)
            from[v] = parent[v] = GRAPH_NONE;
        if (in[seed]) {
            assert_true(graph_reach(&graph, in, &seed, 1, from));
            for (uint32_t v = 0; v < n; v++)
                assert_int_equal(from[v] != GRAPH_NONE, v == seed || reach[seed][v]);
            uint32_t cycle[MOST];
            size_t length = graph_cycle(&graph, component, seed, parent, cycle, MOST);
            assert_int_equal(length > 0, reach[seed][seed]);
            for (uint32_t v = 0; v < n; v++)
                assert_int_equal(parent[v], GRAPH_NONE);
            uint32_t at = seed;
            for (size_t i = 0; i < length; i++) {
                assert_int_equal(edges[graph.label[cycle[i]]].from, at);
                at = graph.to[cycle[i]];
            }
            if (length > 0)
                assert_int_equal(at, seed);
            if (length > 1)
                assert_int_equal(graph_cycle(&graph, component, seed, parent, cycle, length - 1), 0);
        }
        graph_deinit(&graph);
    }
}

/* O9: two parts and what is in neither; only members of cycles are left over; an empty graph has none. */
static void o9_components(void **state)
{
    static const struct graph_edge edges[] = { { 0, 1, 0 }, { 1, 2, 1 }, { 2, 0, 2 }, { 2, 3, 3 },
                                               { 4, 5, 4 }, { 5, 4, 5 }, { 6, 6, 6 } };
    enum { N = 8, EDGES = sizeof edges / sizeof *edges };
    uint32_t component[N], size[N] = { 0 }, count, left = 0;
    struct graph graph;
    (void)state;

    assert_true(graph_init(&graph, N, edges, EDGES));
    assert_true(graph_components(&graph, NULL, component, &count));
    assert_int_equal(count, 5); // 0 1 2, 3, 4 5, 6, 7
    for (uint32_t v = 0; v < N; v++)
        size[component[v]]++;
    for (uint32_t v = 0; v < N; v++) {
        bool loop = false;
        for (uint32_t e = graph.first[v]; e < graph.first[v + 1]; e++)
            loop |= graph.to[e] == v;
        left |= size[component[v]] > 1 || loop ? 1u << v : 0;
    }
    assert_int_equal(left, 0x77);
    assert_true(component[3] < component[0]); // what a component leads to comes before it
    graph_deinit(&graph);
    assert_true(graph_init(&graph, 0, edges, 0));
    assert_true(graph_components(&graph, NULL, component, &count));
    assert_int_equal(count, 0);
    graph_deinit(&graph);
}

/* A chain and a ring of a million nodes: recursion would need a hundred megabytes of stack. */
static void test_long(void **state)
{
    const uint32_t n = 1000000;
    struct graph_edge *edges = malloc(n * sizeof *edges);
    uint32_t *component = malloc(n * sizeof *component), *parent = malloc(n * sizeof *parent);
    uint32_t *from = malloc(n * sizeof *from), count, seed = 0, cycle[4];
    struct graph graph;
    (void)state;

    assert_true(edges != NULL && component != NULL && parent != NULL && from != NULL);
    for (uint32_t v = 0; v < n; v++) {
        edges[v] = (struct graph_edge){ v, (v + 1) % n, v };
        parent[v] = from[v] = GRAPH_NONE;
    }
    assert_true(graph_init(&graph, n, edges, n - 1));
    assert_true(graph_components(&graph, NULL, component, &count));
    assert_int_equal(count, n);
    assert_true(graph_reach(&graph, NULL, &seed, 1, from));
    assert_int_equal(from[n - 1], 0);
    graph_deinit(&graph);
    assert_true(graph_init(&graph, n, edges, n));
    assert_true(graph_components(&graph, NULL, component, &count));
    assert_int_equal(count, 1);
    assert_int_equal(graph_cycle(&graph, component, 5, parent, cycle, 4), 0); // longer than asked for
    for (uint32_t v = 0; v < n; v++)
        assert_int_equal(parent[v], GRAPH_NONE);
    graph_deinit(&graph);
    free(edges);
    free(component);
    free(parent);
    free(from);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(o9_components),
        cmocka_unit_test(test_long),
    };
    return cmocka_run_group_tests_name("graph", tests, NULL, NULL);
}
