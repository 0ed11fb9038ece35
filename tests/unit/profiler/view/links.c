/* links.c: rows and pictures of the object graph of a program that is known (graph_program.h): who refers to whom, why
 * it lives, what it retains, what would fall with it, what is drawn. */
#include "graph_program.h"

#include <stdlib.h>

#include <prof/links.h>
#include <prof/tell.h>

static struct rig rig_, *const rig = &rig_;
static struct prof_heap *heap;
static struct prof_view *view;
static struct prof_graph *graph;

static void must(struct prof_error *error)
{
    if (error != NULL)
        fail_msg("%s", error->message);
}

static int begin(void **state)
{
    (void)state;
    rig_begin(rig);
    gp_tell(rig);
    gp_end(rig);
    heap = mk_heap(rig->t);
    must(prof_findings_create(heap, rig->symbols, NULL, &rig->findings));
    must(prof_view_create(heap, rig->symbols, rig->findings, &view));
    must(prof_graph_create(heap, rig->symbols, NULL, &graph));
    must(prof_graph_dominate(graph));
    return 0;
}

static int end(void **state)
{
    (void)state;
    prof_graph_destroy(graph);
    prof_view_destroy(view);
    rig_end(rig);
    return 0;
}

static prof_node node(const char *spec)
{
    prof_node found;
    must(prof_view_find_node(view, graph, spec, &found));
    return found;
}

static void names(void **state)
{
    char text[64];
    prof_node found = 77;
    (void)state;

    assert_string_equal(prof_node_text(graph, node("conn#2"), text, sizeof text), "conn#2");
    assert_int_equal(node("0x100000"), node("session#1"));
    struct prof_error *error = prof_view_find_node(view, graph, "conn#9", &found);
    assert_non_null(error);
    assert_int_equal(found, 77);
    prof_error_destroy(error);
}

static void referrers(void **state)
{
    struct prof_refs refs;
    (void)state;

    must(prof_view_refs(view, graph, node("conn#1"), true, 0, &refs));
    const struct prof_ref_list *counted = &refs.of[PROF_REF_COUNTED], *weak = &refs.of[PROF_REF_WEAK];
    assert_int_equal(counted->count, 2);
    assert_int_equal(counted->links, 2);
    assert_int_equal(counted->more, 0);
    for (size_t i = 0; i < counted->count; i++) {
        assert_string_equal(counted->rows[i].field, "conn");
        assert_int_equal(prof_link_mark(&counted->rows[i].link), '=');
        assert_string_equal(prof_link_kind_name(counted->rows[i].link.kind), "slot");
        assert_int_equal(counted->rows[i].times, 1);
    }
    assert_int_equal(weak->count, 1);
    assert_string_equal(weak->rows[0].name, "session#1");
    assert_int_equal(refs.of[PROF_REF_GONE].count, 0);
    must(prof_view_refs(view, graph, node("session#1"), true, 0, &refs));
    bool global = false;
    for (size_t i = 0; i < refs.of[PROF_REF_COUNTED].count; i++) {
        const struct prof_ref *row = &refs.of[PROF_REF_COUNTED].rows[i];
        global |= row->other == PROF_NODE_NONE && strcmp(row->place, "global g_first") == 0;
    }
    assert_true(global);
    // What a block points to, and an object whose only reference a pointer accounts for.
    must(prof_view_refs(view, graph, node("conn#2"), true, 0, &refs));
    assert_int_equal(refs.of[PROF_REF_COUNTED].count, 1);
    assert_int_equal(prof_link_mark(&refs.of[PROF_REF_COUNTED].rows[0].link), '~');
}

/* O2: too many referrers: as many as asked for, and the rest by what it is. */
static void o2_too_many(void **state)
{
    struct prof_refs refs;
    (void)state;

    must(prof_view_refs(view, graph, node("conn#3"), true, 5, &refs));
    const struct prof_ref_list *list = &refs.of[PROF_REF_COUNTED];
    assert_int_equal(list->count, 5);
    assert_int_equal(list->links, GP_ENTRIES);
    assert_int_equal(list->more, GP_ENTRIES - 5);
    assert_int_equal(list->group_count, 1);
    assert_string_equal(list->groups[0].kind, "entry");
    assert_string_equal(list->groups[0].field, "conn");
    assert_int_equal(list->groups[0].times, GP_ENTRIES - 5);
    must(prof_view_refs(view, graph, node("conn#3"), true, 0, &refs));
    assert_int_equal(list->count, GP_ENTRIES);
    assert_int_equal(list->more, 0);
}

static void referents(void **state)
{
    struct prof_refs refs;
    (void)state;

    must(prof_view_refs(view, graph, node("session#1"), false, 0, &refs));
    assert_int_equal(refs.of[PROF_REF_COUNTED].count, 2);
    assert_int_equal(refs.of[PROF_REF_WEAK].count, 1);
    must(prof_view_refs(view, graph, node("session#2"), false, 0, &refs));
    assert_int_equal(refs.of[PROF_REF_POINTER].count, 1); // the plain block
    must(prof_view_refs(view, graph, node("lost#1"), false, 0, &refs));
    for (int class = 0; class < PROF_REF_CLASSES_; class ++)
        assert_int_equal(refs.of[class].count, 0);
}

static void ways(void **state)
{
    struct prof_ways found;
    (void)state;

    must(prof_view_ways(view, graph, node("conn#2"), 8, &found));
    assert_true(found.way_count >= 1);
    assert_int_equal(found.ways[0].root, PROF_ROOT_GLOBAL);
    assert_int_equal(found.ways[0].count, 4); // g_first, session#1.next, session#2's pointer, the block's
    must(prof_view_ways(view, graph, node("conn#2"), 2, &found));
    assert_int_equal(found.ways[0].count, 2);
    assert_int_equal(found.ways[0].left_out, 2);
    must(prof_view_ways(view, graph, node("ring#1"), 8, &found));
    assert_int_equal(found.way_count, 0);
    assert_int_equal(found.loop_cycle, 2);
    must(prof_view_ways(view, graph, node("lost#1"), 8, &found));
    assert_int_equal(found.ways[0].root, PROF_ROOT_NONE);
}

static void retained(void **state)
{
    const struct prof_table *table;
    struct prof_selection selection;
    (void)state;

    must(prof_view_retained(view, graph, PROF_BY_NODE, &(struct prof_query){ .top = 3 }, &table, &selection));
    assert_int_equal(selection.nodes, GP_NODES);
    assert_int_equal(selection.retained, GP_NODES * 64);
    assert_int_equal(selection.all, GP_NODES * 64);
    assert_int_equal(table->row_count, 3);
    must(prof_view_retained(view, graph, PROF_BY_NODE, &(struct prof_query){ .where = "type==entry" }, &table,
                            &selection));
    assert_int_equal(selection.nodes, GP_ENTRIES);
    assert_int_equal(selection.retained_nodes, GP_ENTRIES + 1); // with what they share
    assert_int_equal(table->row_count, GP_ENTRIES);
    must(prof_view_retained(view, graph, PROF_BY_TYPE, &(struct prof_query){ .where = "type==session" }, &table,
                            &selection));
    assert_int_equal(table->row_count, 1);
    assert_int_equal(selection.retained_nodes, 5);
    const struct prof_dominated *tree;
    size_t count;
    must(prof_view_dominators(view, graph, node("session#1"), 3, 0, &tree, &count));
    assert_int_equal(tree[0].node, node("session#1"));
    assert_int_equal(tree[0].retained, 5 * 64);
}

static void what_if(void **state)
{
    static const char *const all[] = { "session#1" }, *const one[] = { "session#1.conn->conn#1" },
                             *const none[] = { "session#1.nothing->conn#1" };
    struct prof_what_if found;
    (void)state;

    must(prof_view_what_if(view, graph, all, 1, 0, &found));
    assert_int_equal(found.fall.objects, 4);
    assert_int_equal(found.fall.blocks, 1);
    assert_int_equal(found.fall.bytes, 5 * 64);
    prof_fall_deinit(&found.fall);
    must(prof_view_what_if(view, graph, one, 1, 0, &found));
    assert_int_equal(found.drop_count, 1);
    assert_int_equal(found.fall.count, 0); // session#2 has it, too
    assert_int_equal(found.fall.left_count, 1);
    assert_int_equal(found.fall.left[0].before, 2);
    assert_int_equal(found.fall.left[0].after, 1);
    prof_fall_deinit(&found.fall);
    struct prof_error *error = prof_view_what_if(view, graph, none, 1, 0, &found);
    assert_non_null(error);
    assert_int_equal(error->code, PROF_ERROR_NOT_FOUND);
    prof_error_destroy(error);
}

static size_t drawn(const struct prof_picture *picture, enum prof_picture_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < picture->node_count; i++)
        count += picture->nodes[i].kind == kind;
    for (size_t i = 0; i < picture->edge_count; i++)
        assert_true(picture->edges[i].from < picture->node_count && picture->edges[i].to < picture->node_count);
    return count;
}

static void pictures(void **state)
{
    struct prof_picture picture;
    prof_node hub = node("conn#3");
    (void)state;

    must(prof_view_picture(view, graph, &hub, 1, PROF_REFS_IN, 1, 4, &picture));
    assert_int_equal(drawn(&picture, PROF_PICTURE_OBJECT), 1 + 4);
    assert_int_equal(drawn(&picture, PROF_PICTURE_MORE), 1);
    for (size_t i = 0; i < picture.node_count; i++) {
        assert_int_equal(picture.nodes[i].target, picture.nodes[i].node == hub);
        if (picture.nodes[i].kind == PROF_PICTURE_MORE)
            assert_int_equal(picture.nodes[i].nodes, GP_ENTRIES - 4);
    }
    char *dot;
    must(prof_picture_dot(&picture, PROF_UNITS_BYTES, &dot));
    assert_non_null(strstr(dot, "digraph"));
    assert_non_null(strstr(dot, "conn#3"));
    free(dot);
    must(prof_view_picture(view, graph, &hub, 1, PROF_REFS_OUT, 3, 0, &picture));
    assert_int_equal(picture.node_count, 1);
    assert_int_equal(picture.edge_count, 0);
    must(prof_view_picture_types(view, graph, 0, &picture));
    bool found = false;
    for (size_t i = 0; i < picture.edge_count; i++) {
        const struct prof_picture_edge *edge = &picture.edges[i];
        found |= strcmp(picture.nodes[edge->from].name, "entry") == 0 &&
                 strcmp(picture.nodes[edge->to].name, "conn") == 0 && edge->times == GP_ENTRIES &&
                 strcmp(edge->field, "conn") == 0;
    }
    assert_true(found);
}

/* Growth and suspects in words. */
static void words(void **state)
{
    struct prof_growth *growth;
    const struct prof_growth_edge *edges;
    struct prof_suspects *suspects;
    const struct prof_suspect *list;
    size_t all;
    char text[256];
    (void)state;

    must(prof_growth_create(heap, rig->symbols, NULL, &growth));
    assert_true(prof_growth_edges(growth, &edges, &all) >= 1);
    assert_string_equal(prof_tell_edge(text, sizeof text, &edges[0]), "global g_entries -> entry");
    assert_int_equal(prof_tell_example(graph, &edges[0]), node("entry#12"));
    prof_growth_destroy(growth);
    must(prof_suspects_create(graph, NULL, &suspects));
    assert_true(prof_suspects_list(suspects, &list) >= 1);
    assert_non_null(strstr(prof_tell_suspect(text, sizeof text, graph, &list[0], PROF_UNITS_BYTES), "session#1 keeps"));
    prof_suspects_destroy(suspects);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names),    TEST(referrers), TEST(o2_too_many), TEST(referents), TEST(ways),
        TEST(retained), TEST(what_if),   TEST(pictures),    TEST(words),
    };
    return cmocka_run_group_tests_name("links", tests, NULL, NULL);
}
