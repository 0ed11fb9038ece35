/* test_dominate.c: dominators against the definition on small random graphs, known figures, and large shapes that
 * punish recursion, iteration and climbing. DOMINATE_NODES: how large (one million). */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <graph/dominate.h>

enum { MOST = 16 };

static uint32_t random_state = 7;
static uint32_t random_below(uint32_t n)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % n;
}

/* Nodes that the roots reach when `without` is not there; as bits. */
static uint32_t reached(uint32_t n, const struct graph_edge *edges, size_t count, uint32_t roots, uint32_t without)
{
    uint32_t in = roots & ~(1u << without), before = 0;
    (void)n;
    while (in != before) {
        before = in;
        for (size_t i = 0; i < count; i++)
            if (in >> edges[i].from & 1 && edges[i].to != without)
                in |= 1u << edges[i].to;
    }
    return in;
}

static void check_small(uint32_t n, const struct graph_edge *edges, size_t count, uint32_t roots)
{
    struct graph graph;
    struct graph_dominators d;
    uint32_t list[MOST], root_count = 0, dominates[MOST];
    uint32_t all = reached(n, edges, count, roots, 31);
    uint64_t size[MOST], retained[MOST + 1];

    for (uint32_t v = 0; v < n; v++)
        if (roots >> v & 1)
            list[root_count++] = v;
    assert_true(graph_init(&graph, n, edges, count));
    assert_true(graph_dominate(&graph, list, root_count, NULL, &d));
    assert_int_equal(d.count, __builtin_popcount(all));
    for (uint32_t v = 0; v < n; v++) {
        dominates[v] = all >> v & 1 ? all & ~reached(n, edges, count, roots, v) : 0;
        size[v] = 1 + random_below(100);
    }
    graph_retained(&d, size, retained);
    uint64_t sum = 0;
    for (uint32_t v = 0; v < n; v++) {
        if (!(all >> v & 1)) {
            assert_int_equal(d.dominator[v], GRAPH_NONE);
            assert_int_equal(retained[v], 0);
            continue;
        }
        sum += size[v];
        uint64_t expect = 0;
        for (uint32_t u = 0; u < n; u++)
            expect += dominates[v] >> u & 1 ? size[u] : 0;
        assert_int_equal(retained[v], expect);
        // The immediate dominator is the one that all others dominate.
        uint32_t by = n;
        for (uint32_t u = 0; u < n; u++)
            if (u != v && dominates[u] >> v & 1 && (by == n || dominates[by] >> u & 1))
                by = u;
        assert_int_equal(d.dominator[v], by);
    }
    assert_int_equal(retained[n], sum);
    graph_dominators_deinit(&d);
    graph_deinit(&graph);
}

/* Each dominator is what the definition says, and what is retained is what would not be reached without it. */
static void d8_d9_random(void **state)
{
    (void)state;
    for (int round = 0; round < 20000; round++) {
        struct graph_edge edges[3 * MOST];
        uint32_t n = 1 + random_below(MOST), count = random_below(3 * n + 1);
        for (uint32_t i = 0; i < count; i++)
            edges[i] = (struct graph_edge){ random_below(n), random_below(n), i };
        check_small(n, edges, count, random_below(1u << n));
    }
}

static void check_all(uint32_t n, const uint32_t (*pairs)[2], size_t count, const uint32_t *expect)
{
    struct graph_edge edges[32];
    struct graph graph;
    struct graph_dominators d;
    uint32_t root = 0;

    assert_true(count <= 32);
    for (size_t i = 0; i < count; i++)
        edges[i] = (struct graph_edge){ pairs[i][0], pairs[i][1], 0 };
    assert_true(graph_init(&graph, n, edges, count));
    assert_true(graph_dominate(&graph, &root, 1, NULL, &d));
    for (uint32_t v = 0; v < n; v++)
        assert_int_equal(d.dominator[v], expect[v]);
    graph_dominators_deinit(&d);
    graph_deinit(&graph);
    check_small(n, edges, count, 1);
}

/* The flow graph of Lengauer and Tarjan's paper (1979), figure 1: R A B C D E F G H I J K L as 0..12. */
static void d1_paper(void **state)
{
    enum { R, A, B, C, D, E, F, G, H, I, J, K, L };
    static const uint32_t pairs[][2] = { { R, A }, { R, B }, { R, C }, { A, D }, { B, A }, { B, D }, { B, E },
                                         { C, F }, { C, G }, { D, L }, { E, H }, { F, I }, { G, I }, { G, J },
                                         { H, E }, { H, K }, { I, K }, { J, I }, { K, I }, { K, R }, { L, H } };
    static const uint32_t expect[] = { 13, R, R, R, R, R, C, C, R, R, G, R, D };
    (void)state;
    check_all(13, pairs, 21, expect);
}

static void d2_diamond(void **state)
{
    static const uint32_t pairs[][2] = { { 0, 1 }, { 0, 2 }, { 1, 3 }, { 2, 3 }, { 3, 4 } };
    static const uint32_t expect[] = { 5, 0, 0, 0, 3 };
    (void)state;
    check_all(5, pairs, 5, expect);
}

/* They change nothing. */
static void d3_self_loops_and_repeated_edges(void **state)
{
    static const uint32_t pairs[][2] = {
        { 0, 0 }, { 0, 1 }, { 0, 1 }, { 1, 1 }, { 1, 2 }, { 1, 2 }, { 2, 2 }, { 2, 1 }
    };
    static const uint32_t expect[] = { 3, 0, 1 };
    (void)state;
    check_all(3, pairs, 8, expect);
}

/* Loops with two entries, nested and in a row: what iterating algorithms need several rounds for. */
static void d13_irreducible(void **state)
{
    static const uint32_t two[][2] = { { 0, 1 }, { 0, 2 }, { 1, 2 }, { 2, 1 } };
    static const uint32_t row[][2] = { { 0, 4 }, { 0, 5 }, { 5, 1 }, { 4, 2 }, { 4, 3 },
                                       { 1, 2 }, { 2, 1 }, { 2, 3 }, { 3, 2 } };
    static const uint32_t nested[][2] = { { 0, 1 }, { 1, 2 }, { 1, 3 }, { 2, 4 }, { 3, 4 }, { 4, 2 },
                                          { 4, 3 }, { 2, 5 }, { 5, 6 }, { 6, 5 }, { 3, 6 }, { 6, 1 } };
    (void)state;
    check_all(3, two, 4, (const uint32_t[]){ 3, 0, 0 });
    check_all(6, row, 9, (const uint32_t[]){ 6, 0, 0, 0, 0, 0 });
    check_all(7, nested, 12, (const uint32_t[]){ 7, 0, 1, 1, 1, 1, 1 });
}

/* A ring with a tail, and a lone node, that no root reaches: one root for the ring, which retains its tail. */
static void d4_attached(void **state)
{
    static const struct graph_edge edges[] = { { 0, 1, 0 }, { 4, 2, 0 }, { 4, 5, 0 }, { 5, 4, 0 }, { 5, 3, 0 } };
    const uint64_t size[] = { 1, 1, 1, 1, 1, 1, 1 };
    uint8_t attach[7];
    uint64_t retained[8];
    struct graph graph, tree;
    struct graph_dominators d;
    uint32_t root = 0;
    (void)state;

    memset(attach, 1, sizeof attach);
    assert_true(graph_init(&graph, 7, edges, 5));
    assert_true(graph_dominate(&graph, &root, 1, attach, &d));
    assert_int_equal(d.attached, 5);
    assert_int_equal(d.count, 7);
    assert_int_equal(d.dominator[4], 7);
    assert_int_equal(d.dominator[2], 4);
    assert_int_equal(d.dominator[5], 4);
    assert_int_equal(d.dominator[3], 5);
    assert_int_equal(d.dominator[6], 7);
    graph_retained(&d, size, retained);
    assert_int_equal(retained[4], 4);
    assert_int_equal(retained[7], 7);
    assert_true(graph_dominated(&d, &tree));
    assert_int_equal(tree.first[8] - tree.first[7], 3); // 0, 4 and 6
    assert_int_equal(tree.first[5] - tree.first[4], 2);
    graph_dominators_deinit(&d);
    attach[6] = 0; // does not exist
    assert_true(graph_dominate(&graph, &root, 1, attach, &d));
    assert_int_equal(d.count, 6);
    assert_int_equal(d.attached, 4);
    assert_int_equal(d.dominator[6], GRAPH_NONE);
    graph_deinit(&tree);
    graph_dominators_deinit(&d);
    graph_deinit(&graph);
}

struct shape {
    size_t (*make)(uint32_t n, struct graph_edge *edges); /* at most 2 n */
    void (*check)(uint32_t n, const struct graph_dominators *d);
};

static size_t make_list(uint32_t n, struct graph_edge *edges)
{
    for (uint32_t v = 0; v + 1 < n; v++)
        edges[v] = (struct graph_edge){ v, v + 1, 0 };
    return n - 1;
}
static void check_list(uint32_t n, const struct graph_dominators *d)
{
    for (uint32_t v = 1; v < n; v++)
        assert_int_equal(d->dominator[v], v - 1);
}
static size_t make_double_list(uint32_t n, struct graph_edge *edges)
{
    size_t count = make_list(n, edges);
    for (uint32_t v = 0; v + 1 < n; v++)
        edges[count++] = (struct graph_edge){ v + 1, v, 0 };
    return count;
}
static size_t make_ring_of_backs(uint32_t n, struct graph_edge *edges)
{
    size_t count = make_list(n, edges);
    for (uint32_t v = 1; v < n; v++)
        edges[count++] = (struct graph_edge){ v, 0, 0 };
    return count;
}
static size_t make_star(uint32_t n, struct graph_edge *edges)
{
    size_t count = 0;
    for (uint32_t v = 1; v < n; v++) {
        edges[count++] = (struct graph_edge){ 0, v, 0 };
        edges[count++] = (struct graph_edge){ v, 0, 0 };
    }
    return count;
}
static void check_star(uint32_t n, const struct graph_dominators *d)
{
    for (uint32_t v = 1; v < n; v++)
        assert_int_equal(d->dominator[v], 0);
}
/* A list whose last node holds as many others, all of which the first node holds, too: who climbs step by step from
 * each of them to the first node needs n * n / 4 steps. */
static size_t make_comb(uint32_t n, struct graph_edge *edges)
{
    size_t count = make_list(n / 2, edges);
    for (uint32_t v = n / 2; v < n; v++) {
        edges[count++] = (struct graph_edge){ n / 2 - 1, v, 0 };
        edges[count++] = (struct graph_edge){ 0, v, 0 };
    }
    return count;
}
static void check_comb(uint32_t n, const struct graph_dominators *d)
{
    for (uint32_t v = 1; v < n; v++)
        assert_int_equal(d->dominator[v], v < n / 2 ? v - 1 : 0);
}
/* A binary tree, children with a pointer to their parent. */
static size_t make_tree(uint32_t n, struct graph_edge *edges)
{
    size_t count = 0;
    for (uint32_t v = 1; v < n; v++) {
        edges[count++] = (struct graph_edge){ (v - 1) / 2, v, 0 };
        edges[count++] = (struct graph_edge){ v, (v - 1) / 2, 0 };
    }
    return count;
}
static void check_tree(uint32_t n, const struct graph_dominators *d)
{
    for (uint32_t v = 1; v < n; v++)
        assert_int_equal(d->dominator[v], (v - 1) / 2);
}

static void check_shape(const struct shape *shape)
{
    uint32_t n = getenv("DOMINATE_NODES") != NULL ? (uint32_t)strtoul(getenv("DOMINATE_NODES"), NULL, 10) : 1000000;
    struct graph_edge *edges = malloc(2 * (size_t)n * sizeof *edges);
    uint64_t *size = malloc(n * sizeof *size), *retained = malloc(((size_t)n + 1) * sizeof *retained);
    struct graph graph;
    struct graph_dominators d;
    uint32_t root = 0;

    assert_non_null(edges);
    assert_non_null(size);
    assert_non_null(retained);
    for (uint32_t v = 0; v < n; v++)
        size[v] = 16;
    assert_true(graph_init(&graph, n, edges, shape->make(n, edges)));
    assert_true(graph_dominate(&graph, &root, 1, NULL, &d));
    assert_int_equal(d.count, n);
    assert_int_equal(d.dominator[0], n);
    shape->check(n, &d);
    graph_retained(&d, size, retained);
    assert_int_equal(retained[0], 16 * (uint64_t)n);
    graph_dominators_deinit(&d);
    graph_deinit(&graph);
    free(edges);
    free(size);
    free(retained);
}

static void d5_doubly_linked_list(void **state)
{
    (void)state;
    check_shape(&(struct shape){ make_double_list, check_list });
}

static void d6_list(void **state)
{
    (void)state;
    check_shape(&(struct shape){ make_list, check_list });
}

static void d7_star(void **state)
{
    (void)state;
    check_shape(&(struct shape){ make_star, check_star });
    check_shape(&(struct shape){ make_ring_of_backs, check_list });
}

static void test_comb_and_tree(void **state)
{
    (void)state;
    check_shape(&(struct shape){ make_comb, check_comb });
    check_shape(&(struct shape){ make_tree, check_tree });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(d1_paper),
        cmocka_unit_test(d2_diamond),
        cmocka_unit_test(d3_self_loops_and_repeated_edges),
        cmocka_unit_test(d4_attached),
        cmocka_unit_test(d5_doubly_linked_list),
        cmocka_unit_test(d6_list),
        cmocka_unit_test(d7_star),
        cmocka_unit_test(d8_d9_random),
        cmocka_unit_test(d13_irreducible),
        cmocka_unit_test(test_comb_and_tree),
    };
    return cmocka_run_group_tests_name("dominate", tests, NULL, NULL);
}
