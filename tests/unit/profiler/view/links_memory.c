/* links_memory.c: the N-th allocation fails, for every N, in each question of the view to the object graph: an error or
 * the answer, never a crash, never a leak (run it with AddressSanitizer), and the next question is answered. */
#include "graph_program.h"

#include <jansson.h>
#include <stdlib.h>

#include <prof/links.h>
#include <prof/tell.h>

#include "failing.h"

enum what {
    FIND,
    REFS,
    WAYS,
    RETAINED,
    BY_SITE,
    DOMINATORS,
    WHAT_IF,
    PICTURE,
    TYPES,
    JSON_REFS,
    JSON_WHY,
    JSON_SUSPECTS,
    JSON_GROWTH,
    WHAT_COUNT
};

static struct rig rig_, *const rig = &rig_;
static struct prof_heap *heap;
static struct prof_view *view;
static struct prof_graph *graph;

static struct prof_error *json_of(struct prof_table const *table, const struct prof_selection *selection)
{
    char *text = NULL;
    struct prof_error *error = prof_json_retained(view, graph, table, selection, &text);

    free(text);
    return error;
}

static struct prof_error *drop(void)
{
    static const char *const specs[] = { "session#1", "ring#1+8->ring#2" };
    struct prof_what_if what;
    struct prof_error *error = prof_view_what_if(view, graph, specs, 2, 0, &what);
    char *text = NULL;

    if (error != NULL)
        return error;
    error = prof_json_what_if(view, graph, &what, 0, &text);
    free(text);
    prof_fall_deinit(&what.fall);
    return error;
}

static struct prof_error *draw(bool types)
{
    struct prof_picture picture;
    prof_node hub = prof_graph_of_obj(graph, prof_heap_obj_at(heap, GP_CONN + 2 * GP_STEP));
    char *dot = NULL, *text = NULL;
    struct prof_error *error =
        types ? prof_view_picture_types(view, graph, 3, &picture)
              : prof_view_picture(view, graph, &hub, 1, PROF_REFS_IN | PROF_REFS_OUT, 2, 4, &picture);

    if (error == NULL)
        error = prof_picture_dot(&picture, PROF_UNITS_IEC, &dot);
    if (error == NULL)
        error = prof_json_picture(view, graph, &picture, &text);
    free(dot);
    free(text);
    return error;
}

static struct prof_error *tell_growth(void)
{
    struct prof_growth *growth;
    char *text = NULL;
    struct prof_error *error = prof_growth_create(heap, rig->symbols, NULL, &growth);

    if (error != NULL)
        return error;
    error = prof_json_growth(view, graph, growth, &text);
    free(text);
    prof_growth_destroy(growth);
    return error;
}

static struct prof_error *tell_suspects(void)
{
    struct prof_suspects *suspects;
    char *text = NULL;
    struct prof_error *error = prof_suspects_create(graph, NULL, &suspects);

    if (error != NULL)
        return error;
    error = prof_json_suspects(view, graph, suspects, &text);
    free(text);
    prof_suspects_destroy(suspects);
    return error;
}

static struct prof_error *attempt(enum what what)
{
    prof_node session = prof_graph_of_obj(graph, prof_heap_obj_at(heap, GP_SESSION)), found;
    const struct prof_query query = { .where = "retained>64", .top = 4 };
    const struct prof_dominated *tree;
    const struct prof_table *table;
    struct prof_selection selection;
    struct prof_refs refs;
    struct prof_ways ways;
    struct prof_error *error = NULL;
    char *text = NULL;
    size_t count;

    switch (what) {
    case FIND:
        return prof_view_find_node(view, graph, "conn#2", &found);
    case REFS:
        error = prof_view_refs(view, graph, session, false, 0, &refs);
        return error != NULL ? error : prof_view_refs(view, graph, session, true, 1, &refs);
    case WAYS:
        return prof_view_ways(view, graph, session, 4, &ways);
    case RETAINED:
    case BY_SITE:
        error =
            prof_view_retained(view, graph, what == RETAINED ? PROF_BY_NODE : PROF_BY_SITE, &query, &table, &selection);
        return error != NULL ? error : json_of(table, &selection);
    case DOMINATORS:
        error = prof_view_dominators(view, graph, PROF_NODE_NONE, 4, 3, &tree, &count);
        if (error == NULL)
            error = prof_json_dominators(view, graph, tree, count, &text);
        break;
    case WHAT_IF:
        return drop();
    case PICTURE:
    case TYPES:
        return draw(what == TYPES);
    case JSON_REFS:
        error = prof_json_refs(view, graph, session, PROF_REFS_IN | PROF_REFS_OUT | PROF_REFS_PATH, 2, &text);
        break;
    case JSON_WHY:
        error = prof_json_why(view, graph, session, 2, &text);
        break;
    case JSON_SUSPECTS:
        return tell_suspects();
    case JSON_GROWTH:
        return tell_growth();
    case WHAT_COUNT:
        break;
    }
    free(text);
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
    for (enum what what = FIND; what < WHAT_COUNT; what++) {
        long failures = 0;
        for (long n = 0, met = 1; met; n += 1 + n / 256) { // every one of the first 256, then a sample
            must(prof_view_create(heap, rig->symbols, rig->findings, &view), what, n);
            must(prof_graph_create(heap, rig->symbols, NULL, &graph), what, n);
            must(prof_graph_dominate(graph), what, n);
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
            prof_view_destroy(view);
        }
        if (failures == 0 && what != FIND)
            fail_msg("%u never failed", what);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_failure) };
    json_set_alloc_funcs(malloc, free);
    rig_begin(rig);
    gp_tell(rig);
    gp_end(rig);
    heap = mk_heap(rig->t);
    if (prof_findings_create(heap, rig->symbols, NULL, &rig->findings) != NULL)
        return 99;
    int failed = cmocka_run_group_tests_name("links memory", tests, NULL, NULL);
    rig_end(rig);
    return failed;
}
