/* fuzz_graph.c: any bytes as a trace (fuzz_file.h), through the generations with the commands that stand in it, the
 * findings, and the object graph with its memory: sizes, paths, what if, suspects, rows and pictures. */
#include "fuzz_file.h"

#include <prof/gc.h>
#include <prof/graph.h>
#include <prof/links.h>
#include <prof/suspect.h>
#include <prof/tell.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NODES = 64 }; /* looked at one by one */

static void no_bug(struct prof_error *error)
{
    if (error != NULL && error->code != PROF_ERROR_NO_MEMORY && error->code != PROF_ERROR_NOT_FOUND) {
        fprintf(stderr, "invariant: %s\n", error->message);
        abort();
    }
    prof_error_destroy(error);
}

static void ignore_garbage(void *ctx, const struct prof_gc_garbage *garbage)
{
    (void)ctx;
    (void)garbage;
}

static void ignore_hazard(void *ctx, const struct prof_gc_hazard *hazard)
{
    (void)ctx;
    (void)hazard;
}

static void ignore_object(void *ctx, prof_obj_id id)
{
    (void)ctx;
    (void)id;
}

static void ask_gc(struct prof_gc *gc)
{
    no_bug(prof_gc_collect(gc, 2, NULL));
    no_bug(prof_gc_garbage(gc, ignore_garbage, NULL));
    no_bug(prof_gc_retained(gc, ignore_object, NULL));
    no_bug(prof_gc_hazards(gc, ignore_hazard, NULL));
}

static void ask_node(struct prof_view *view, struct prof_graph *graph, prof_node node)
{
    struct prof_drop drop = { .node = node };
    struct prof_fall fall = { 0 };
    struct prof_refs refs;
    struct prof_ways ways;
    uint64_t bytes, nodes;
    char *json = NULL;

    (void)prof_graph_size(graph, node);
    (void)prof_graph_refcount(graph, node);
    no_bug(prof_graph_deep(graph, node, 3, &bytes, &nodes));
    if (prof_graph_retained(graph, node) > prof_graph_retained(graph, PROF_NODE_NONE))
        abort();
    no_bug(prof_graph_what_if(graph, &drop, 1, &fall));
    prof_fall_deinit(&fall);
    for (int in = 0; in < 2; in++)
        no_bug(prof_view_refs(view, graph, node, in != 0, 3, &refs));
    no_bug(prof_view_ways(view, graph, node, 4, &ways));
    no_bug(prof_json_why(view, graph, node, 4, &json));
    free(json);
}

static void ask_graph(struct prof_view *view, struct prof_graph *graph)
{
    struct prof_picture picture;
    struct prof_suspects *suspects;
    prof_node some[2];
    size_t count = 0;

    no_bug(prof_graph_dominate(graph));
    for (prof_node v = 0; v < prof_graph_max(graph) && v < NODES; v++) {
        if (!prof_graph_has(graph, v))
            continue;
        ask_node(view, graph, v);
        if (count < 2)
            some[count++] = v;
    }
    struct prof_error *error =
        prof_view_picture(view, graph, some, count, PROF_REFS_IN | PROF_REFS_OUT, 3, 4, &picture);
    if (error == NULL) {
        char *dot = NULL;
        error = prof_picture_dot(&picture, PROF_UNITS_IEC, &dot);
        free(dot);
    }
    no_bug(error);
    no_bug(prof_view_picture_types(view, graph, 5, &picture));
    error = prof_suspects_create(graph, NULL, &suspects);
    if (error == NULL)
        prof_suspects_destroy(suspects);
    no_bug(error);
}

static struct prof_error *ask(struct prof_heap *heap)
{
    static const struct prof_symbols_options symbols_options = { .no_symbols = true };
    struct prof_symbols *symbols = NULL;
    struct prof_findings *findings = NULL;
    struct prof_view *view = NULL;
    struct prof_graph *graph = NULL;
    struct prof_error *error = prof_symbols_create(prof_heap_trace(heap), &symbols_options, &symbols);

    if (error == NULL)
        error = prof_findings_create(heap, symbols, NULL, &findings);
    if (error == NULL)
        error = prof_view_create(heap, symbols, findings, &view);
    if (error == NULL)
        error = prof_graph_create(heap, symbols, NULL, &graph);
    if (error == NULL)
        ask_graph(view, graph);
    prof_graph_destroy(graph);
    prof_view_destroy(view);
    prof_findings_destroy(findings);
    prof_symbols_destroy(symbols);
    return error;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct prof_trace *trace;
    int fd;
    struct prof_error *error = open_bytes(data, size, &fd, &trace);
    if (error == NULL && trace != NULL) {
        struct prof_gc_commands commands = { 0 };
        const struct prof_gc_options gc_options = { .event = prof_gc_obey, .event_ctx = &commands };
        struct prof_gc *gc = NULL;
        struct prof_heap *heap = NULL;
        error = prof_gc_create(&gc_options, &gc);
        if (error == NULL) {
            const struct prof_heap_options options = { .keep_type_sites = true, .follow = prof_gc_follow(gc) };
            error = prof_heap_create(trace, &options, &heap);
        }
        if (error == NULL) {
            ask_gc(gc);
            error = ask(heap);
        }
        prof_heap_destroy(heap);
        prof_gc_destroy(gc);
        prof_error_destroy(commands.error);
        prof_trace_close(trace);
    }
    prof_error_destroy(error);
    close(fd);
    return 0;
}
