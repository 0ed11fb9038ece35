/* test_trial_verdicts.c: verdicts about leaked objects agree, object by object, with trial deletion (graph/trial.h)
 * over the object graph of the same heap, in random programs without memory. TRIAL_RUNS=N: how many. */
#include "rig.h"

#include <stdlib.h>

#include <graph/trial.h>
#include <prof/graph.h>

enum { OBJECTS_MAX = 24, REFS_MAX = 80, FIELDS = 4 };
#define GLOBAL MK_APP_DATA

static uint64_t seed;

static unsigned some(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % n;
}

static uint64_t addr(unsigned i)
{
    return 0x100000 + i * 0x100ull;
}

/* A variable that nothing else uses; 0: none. Fields, globals and locals are given out in order. */
struct places {
    unsigned field[OBJECTS_MAX], globals, locals;
};

static uint64_t place(struct places *p, unsigned objects)
{
    unsigned kind = some(10), in = some(objects);

    if (kind < 6)
        return p->field[in] < FIELDS ? addr(in) + 8 + 8 * p->field[in]++ : 0;
    if (kind == 6)
        return p->globals < 8 ? GLOBAL + 8ull * p->globals++ : 0;
    if (kind == 7)
        return LOCAL(p->locals++);
    return 0;
}

struct held {
    unsigned to;
    uint64_t slot;
};

/* Births get owners or not, references are taken, and some given back; nothing comes to zero. */
static void run(struct rig *rig)
{
    struct places places = { { 0 }, 0, 0 };
    struct held refs[REFS_MAX];
    unsigned objects = 2 + some(OBJECTS_MAX - 1), count = 0, left[OBJECTS_MAX] = { 0 };

    for (unsigned i = 0; i < objects; i++)
        mk_born(rig->t, some(3) != 0 ? "node" : "leaf", addr(i), 64, AT("node_new n.c:1 < main m.c:2"));
    for (unsigned i = 0; i < objects; i++) {
        uint64_t slot = place(&places, objects);
        if (slot != 0)
            mk_own(rig->t, addr(i), slot, AT("main m.c:3"));
        refs[count++] = (struct held){ i, slot };
        left[i] = 1;
    }
    for (unsigned more = some(2 * objects); more > 0 && count < REFS_MAX; more--) {
        unsigned to = some(objects);
        refs[count] = (struct held){ to, place(&places, objects) };
        mk_ref(rig->t, addr(to), refs[count].slot, AT("main m.c:4"));
        left[to]++;
        count++;
    }
    for (unsigned i = 0; i < count; i++) {
        bool in_object = refs[i].slot != 0 && refs[i].slot < GLOBAL;
        if (left[refs[i].to] < 2 || in_object || some(4) == 0)
            continue;
        mk_unref(rig->t, addr(refs[i].to), refs[i].slot, AT("main m.c:5"));
        left[refs[i].to]--;
    }
    mk_exit(rig->t, 0);
}

static void try_graph(struct prof_graph *graph, struct trial_result *ret)
{
    struct graph_edges edges = { 0 };
    struct graph rows;
    prof_node n = prof_graph_max(graph);
    int32_t *count = calloc(n + 1, sizeof *count);
    uint32_t *known = calloc(n + 1, sizeof *known);
    uint8_t *flags = calloc(n + 1, 1);

    edges.items = calloc(REFS_MAX + 1, sizeof *edges.items);
    for (prof_node v = 0; v < n; v++) {
        if (!prof_graph_has(graph, v) || prof_graph_obj(graph, v) == 0)
            continue;
        struct prof_refcount rc = prof_graph_refcount(graph, v);
        count[v] = (int32_t)rc.count;
        known[v] = (uint32_t)(rc.roots + rc.stacks + rc.anonymous);
        flags[v] = TRIAL_CANDIDATE | (rc.roots + rc.stacks > 0 ? TRIAL_ROOT : 0);
        for (uint32_t i = 0; i < prof_graph_referents(graph, v); i++) {
            struct prof_link link = prof_graph_referent(graph, v, i);
            if (prof_link_counted(link.kind))
                edges.items[edges.count++] = (struct graph_edge){ v, link.to, 0 };
        }
    }
    assert_true(graph_init(&rows, n, edges.items, edges.count));
    assert_true(trial_run(
        &(struct trial){ .graph = &rows, .count = count, .known = known, .flags = flags, .whole = true }, ret));
    graph_deinit(&rows);
    free(edges.items);
    free(count);
    free(known);
    free(flags);
}

static bool is_cycle(const struct prof_finding *f)
{
    return f->verdict == PROF_CYCLE || f->verdict == PROF_UNCOLLECTABLE;
}

static void compare(struct rig *rig, uint64_t number)
{
    struct prof_graph *graph;
    struct trial_result trial;

    rig_find(rig, NULL);
    struct prof_heap *heap = mk_heap(rig->t);
    assert_null(prof_graph_create(heap, rig->symbols, NULL, &graph));
    try_graph(graph, &trial);
    for (prof_obj_id id = 1; id < prof_heap_obj_max(heap); id++) {
        const struct prof_finding *f = prof_findings_of(rig->findings, id);
        uint8_t wanted = f == NULL || f->verdict == PROF_REACHABLE ? TRIAL_ALIVE
                         : is_cycle(f)                             ? TRIAL_TRASH
                                                                   : TRIAL_OVER;
        uint8_t found = trial.class_of[prof_graph_of_obj(graph, id)];
        if (found != wanted) {
            rig_print(rig);
            fail_msg("program %llu: object %u is %u by trial deletion, %u by its verdict", (unsigned long long)number,
                     id, found, wanted);
        }
    }
    trial_result_deinit(&trial);
    prof_graph_destroy(graph);
}

static void test_agree(void **state)
{
    (void)state;
    const char *runs = getenv("TRIAL_RUNS");
    uint64_t most = runs != NULL ? strtoull(runs, NULL, 10) : 600, cycles = 0, held = 0;

    for (uint64_t i = 1; i <= most; i++) {
        struct rig rig;
        seed = i * 0x9e3779b97f4a7c15ull;
        rig_begin(&rig);
        run(&rig);
        compare(&rig, i);
        for (size_t f = 0; f < rig.count; f++) {
            const struct prof_finding *finding = &rig.list[f];
            cycles += is_cycle(finding);
            held += finding->verdict == PROF_CYCLE_HELD;
            if (finding->edge_count == 0)
                continue;
            // Making any field of a cycle weak frees at most what the finding keeps alive alone; the best one most.
            const struct prof_finding_edge *best = &finding->edges[finding->break_edge];
            for (size_t e = 0; e < finding->edge_count; e++) {
                assert_true(finding->edges[e].tried);
                assert_true(finding->edges[e].frees_bytes <= best->frees_bytes);
            }
            if (is_cycle(finding))
                assert_true(best->frees_objects <= finding->objects + finding->collateral_objects);
        }
        rig_end(&rig);
    }
    assert_true(most < 100 || (cycles > most / 10 && held > most / 100)); // the programs are of some interest
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_agree) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
