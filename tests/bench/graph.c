/* The object graph at size: `graph rows SHAPE OBJECTS ROUNDS` measures the passes over rows of numbers, `graph trace
 * SHAPE OBJECTS` the whole way of a recording: replay, graph, dominators, distances. Prints "name value" lines, seconds
 * and bytes; see shapes.h for the shapes. Memory is what became resident, at the highest. */
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <unistd.h>

#include <graph/dominate.h>
#include <graph/trial.h>
#include <prof/graph.h>

#include "clock.h"
#include "mktrace.h"
#include "shapes.h"

static void must(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "graph: %s\n", what);
        exit(1);
    }
}

static void *must_alloc(void *made)
{
    must(made != NULL, "no memory");
    return made;
}

/* Processor time: everything here is one thread, and a busy machine changes it least. */
static double cpu_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static double since(double *start)
{
    double now = cpu_ns(), took = (now - *start) / 1e9;
    *start = now;
    return took;
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

/* Bytes, of a line of /proc/self/status. */
static double resident(const char *line)
{
    char text[256];
    double kib = 0;
    FILE *file = fopen("/proc/self/status", "r");

    must(file != NULL, "/proc is not there");
    while (fgets(text, sizeof text, file) != NULL)
        if (strncmp(text, line, strlen(line)) == 0)
            kib = strtod(text + strlen(line) + 1, NULL);
    fclose(file);
    return kib * 1024;
}

/* The highest is what is resident now. */
static void forget_highest(void)
{
    int fd = open("/proc/self/clear_refs", O_WRONLY);
    must(fd >= 0 && write(fd, "5", 1) == 1, "/proc/self/clear_refs cannot be written");
    close(fd);
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

struct heap {
    uint32_t n;
    struct graph_edge *edges;
    size_t count, room;
    int32_t *counts;
    uint32_t *known, *roots;
    uint8_t *flags;
    size_t root_count;
};

static void born(void *ctx, uint32_t v)
{
    ((struct heap *)ctx)->flags[v] = TRIAL_CANDIDATE;
}

static void add_edge(void *ctx, uint32_t from, uint32_t to, uint32_t word, bool first)
{
    struct heap *h = ctx;
    (void)word, (void)first;

    h->counts[to]++;
    if (from == SHAPE_ROOT) {
        h->known[to]++;
        h->flags[to] |= TRIAL_ROOT;
        h->roots[h->root_count++] = to;
        return;
    }
    if (h->count == h->room) {
        h->room += h->room / 2 + 1024;
        h->edges = must_alloc(reallocarray(h->edges, h->room, sizeof *h->edges));
    }
    h->edges[h->count++] = (struct graph_edge){ from, to, word };
}

enum { CSR, PASS, SCC, DOMINATE, RETAINED, DISTANCE, PHASES };
static const char *const phase_names[PHASES] = { "csr", "pass", "scc", "dominate", "retained", "distance" };

/* One round over all phases; what the pass and the dominators need at most, the rows included. */
static void rows_round(const struct heap *h, double *seconds, double *pass_bytes, double *dominate_bytes)
{
    struct graph graph;
    struct trial_result result;
    struct graph_dominators dominators;
    uint32_t n = h->n, components = 0;
    double before = resident("VmRSS:"), start;

    forget_highest();
    start = cpu_ns();
    must(graph_init(&graph, n, h->edges, h->count), "no memory");
    seconds[CSR] = since(&start);
    must(trial_run(&(struct trial){ &graph, h->counts, h->known, h->flags, true }, &result), "no memory");
    seconds[PASS] = since(&start);
    *pass_bytes = resident("VmHWM:") - before;

    uint8_t *trash = must_alloc(malloc(n));
    uint32_t *component = must_alloc(malloc(n * sizeof *component));
    start = cpu_ns();
    for (uint32_t v = 0; v < n; v++)
        trash[v] = result.class_of[v] == TRIAL_TRASH;
    must(graph_components(&graph, trash, component, &components), "no memory");
    seconds[SCC] = since(&start);
    must(components * 2 == result.trash, "trash is not what it was made of");
    free(trash);
    free(component);
    trial_result_deinit(&result);

    uint64_t *size = must_alloc(malloc(n * sizeof *size)), *retained = must_alloc(malloc(((size_t)n + 1) * 8));
    for (uint32_t v = 0; v < n; v++)
        size[v] = 64;
    forget_highest();
    start = cpu_ns();
    must(graph_dominate(&graph, h->roots, h->root_count, NULL, &dominators), "no memory");
    seconds[DOMINATE] = since(&start);
    graph_retained(&dominators, size, retained);
    seconds[RETAINED] = since(&start);
    *dominate_bytes = resident("VmHWM:") - before;
    must(retained[n] == (uint64_t)64 * dominators.count, "not everything is retained by all roots");
    graph_dominators_deinit(&dominators);
    free(size);
    free(retained);

    uint32_t *from = must_alloc(malloc(n * sizeof *from));
    memset(from, 0xff, n * sizeof *from);
    start = cpu_ns();
    must(graph_reach(&graph, NULL, h->roots, h->root_count, from), "no memory");
    seconds[DISTANCE] = since(&start);
    free(from);
    graph_deinit(&graph);
}

static void rows(const char *shape, uint32_t n, int rounds)
{
    struct heap h = { .n = n };
    double seconds[PHASES][ROUNDS_MAX], one[PHASES], pass_bytes = 0, dominate_bytes = 0;
    uint8_t *words = must_alloc(calloc(n, 1));

    h.counts = must_alloc(calloc(n, sizeof *h.counts));
    h.known = must_alloc(calloc(n, sizeof *h.known));
    h.roots = must_alloc(malloc(n * sizeof *h.roots));
    h.flags = must_alloc(malloc(n));
    must(shape_make(shape, n, &(struct shape_sink){ born, add_edge, &h, words, 0 }), "there is no such shape");
    free(words);
    for (int i = 0; i < rounds; i++) {
        rows_round(&h, one, &pass_bytes, &dominate_bytes);
        for (int p = 0; p < PHASES; p++)
            seconds[p][i] = one[p];
    }
    bench_say("edges", (double)h.count);
    for (int p = 0; p < PHASES; p++)
        printf("%s %.6f\n", phase_names[p], bench_median(seconds[p], rounds));
    bench_say("pass_bytes", pass_bytes);
    bench_say("dominate_bytes", dominate_bytes);
    free(h.edges);
    free(h.counts);
    free(h.known);
    free(h.roots);
    free(h.flags);
}

/* ---- A trace ----------------------------------------------------------------------------------------------------- */

enum { STEP = 80, SIZE = 64, EVENTS_A_ROUND = 1 << 20 };
#define FIRST UINT64_C(0x600000000)
#define TABLE UINT64_C(0x10000000)

struct told {
    struct mk_trace *t;
    uint64_t events, edges;
};

static void tell(struct told *told)
{
    if (++told->events % EVENTS_A_ROUND == 0)
        mk_round(told->t);
}

static void tell_born(void *ctx, uint32_t v)
{
    struct told *told = ctx;

    mk_born(told->t, "node", FIRST + (uint64_t)v * STEP, SIZE, "node_new n.c:3 < main m.c:5");
    tell(told);
}

static void tell_edge(void *ctx, uint32_t from, uint32_t to, uint32_t word, bool first)
{
    struct told *told = ctx;
    uint64_t addr = FIRST + (uint64_t)to * STEP;
    uint64_t slot = (from == SHAPE_ROOT ? TABLE : FIRST + (uint64_t)from * STEP) + 8 * (uint64_t)word;

    if (first)
        mk_own(told->t, addr, slot, "node_add n.c:9 < main m.c:6");
    else
        mk_ref(told->t, addr, slot, "node_link n.c:15 < main m.c:7");
    told->edges++;
    tell(told);
}

static void no_error(struct prof_error *error)
{
    must(error == NULL, error != NULL ? error->message : "");
}

static void trace(const char *shape, uint32_t n)
{
    struct told told = { .t = mk_create() };
    struct prof_symbols *symbols;
    struct prof_graph *graph;
    uint8_t *words = must_alloc(calloc(n, 1));

    mk_root_add(told.t, TABLE, 8 * (uint64_t)n, "table");
    must(shape_make(shape, n, &(struct shape_sink){ tell_born, tell_edge, &told, words, 0 }), "there is no such shape");
    free(words);
    mk_exit(told.t, 0);
    mk_open(told.t);
    no_error(prof_symbols_create(mk_open(told.t), &(struct prof_symbols_options){ 0 }, &symbols));
    double before = resident("VmRSS:"), start = cpu_ns();
    struct prof_heap *heap = mk_heap(told.t);
    double replay = since(&start), heap_bytes = resident("VmRSS:") - before;
    before = resident("VmRSS:");
    forget_highest();
    start = cpu_ns();
    no_error(prof_graph_create(heap, symbols, NULL, &graph));
    double create = since(&start), kept = resident("VmRSS:") - before, most = resident("VmHWM:") - before;
    start = cpu_ns();
    no_error(prof_graph_dominate(graph));
    double dominate = since(&start), all = resident("VmHWM:") - before;
    start = cpu_ns();
    no_error(prof_graph_distances(graph, PROF_ROOT_REGION));
    double distances = since(&start);
    must(prof_graph_retained(graph, PROF_NODE_NONE) == (uint64_t)SIZE * n, "not everything is retained by all roots");
    must(prof_graph_links(graph) == told.edges, "references are missing");
    bench_say("edges", (double)told.edges);
    bench_say("events", (double)(told.events + n));
    bench_say("replay", replay);
    bench_say("create", create);
    bench_say("dominate", dominate);
    bench_say("distance", distances);
    bench_say("heap_bytes", heap_bytes);
    bench_say("graph_bytes", kept);
    bench_say("create_bytes", most);
    bench_say("dominate_bytes", all);
    prof_graph_destroy(graph);
    prof_symbols_destroy(symbols);
    mk_destroy(told.t);
}

int main(int argc, char **argv)
{
    // Large arrays come from the system and go back there: memory is told as a program would see it that does each
    // thing once.
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    must(argc >= 4, "graph rows SHAPE OBJECTS ROUNDS, graph trace SHAPE OBJECTS");
    uint32_t n = (uint32_t)strtoul(argv[3], NULL, 10);
    if (strcmp(argv[1], "trace") == 0)
        trace(argv[2], n);
    else
        rows(argv[2], n, argc > 4 ? (int)strtoul(argv[4], NULL, 10) : 1);
    return 0;
}
