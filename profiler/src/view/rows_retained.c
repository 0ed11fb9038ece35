/* rows_retained.c: what objects and plain blocks retain: one row for each, for each type, or for each site of birth. */
#include "internal.h"

#include <prof/links.h>

#include <stdio.h>
#include <stdlib.h>

/* How many nodes passes may look at for what has to be worked out row by row: some seconds. */
enum { BUDGET = 1000000000 };

struct birth {
    uint64_t addr, born_us;
    uint32_t stack;
    int64_t count; /* -1: a block has none */
};

static struct birth birth_of(const struct prof_graph *graph, prof_node node)
{
    const struct prof_heap *heap = prof_graph_heap(graph);
    prof_obj_id id = prof_graph_obj(graph, node);
    if (id != 0) {
        const struct prof_obj *obj = prof_heap_obj(heap, id);
        return (struct birth){ obj->addr, obj->born_us, obj->stack, obj->count };
    }
    const struct prof_block *block = prof_heap_block(heap, prof_graph_block(graph, node));
    return (struct birth){ block->addr, block->born_us, block->stack, -1 };
}

/* ---- The nodes that pass --where ---- */

struct selection {
    PROF_VEC(prof_node) nodes;
    uint64_t flat;
    bool failed;
};

static struct prof_error *sum_up(struct prof_graph *graph, struct selection *selection, struct prof_selection *ret)
{
    struct prof_selection sum = { .nodes = selection->nodes.count, .flat = selection->flat };
    struct prof_error *error = NULL;
    sum.all = prof_graph_retained(graph, PROF_NODE_NONE);
    for (prof_node v = 0; v < prof_graph_max(graph); v++)
        sum.all_nodes += prof_graph_has(graph, v);
    if (selection->failed)
        error = prof_error_memory();
    else if (sum.nodes == sum.all_nodes)
        sum.retained = sum.all, sum.retained_nodes = sum.all_nodes;
    else
        error = prof_graph_retained_by(graph, selection->nodes.items, selection->nodes.count, &sum.retained,
                                       &sum.retained_nodes);
    prof_vec_deinit(&selection->nodes);
    if (error == NULL)
        *ret = sum;
    return error;
}

/* ---- One row for each node --------------------------------------------------------------------------------------- */

enum { NAME, RETAINED, SHARE, FLAT, DEEP, COUNT, AGE, SITE, KIND, TYPE, USABLE, ADDR, ID, NODE_COLUMNS };
static const struct prof_column node_columns[NODE_COLUMNS] = {
    [NAME] = { .key = "object", .title = "OBJECT", .kind = PROF_CELL_TEXT, .wide = true },
    [RETAINED] = { .key = "retained", .title = "RETAINED", .kind = PROF_CELL_BYTES },
    [SHARE] = { .key = "share", .title = "SHARE", .kind = PROF_CELL_RATIO },
    [FLAT] = { .key = "flat", .title = "FLAT", .kind = PROF_CELL_BYTES },
    [DEEP] = { .key = "deep", .title = "DEEP", .kind = PROF_CELL_BYTES },
    [COUNT] = { .key = "count", .title = "COUNT", .kind = PROF_CELL_COUNT },
    [AGE] = { .key = "age", .title = "AGE", .kind = PROF_CELL_TIME },
    [SITE] = { .key = "site", .title = "BORN AT", .kind = PROF_CELL_TEXT, .wide = true },
    [KIND] = { .key = "kind", .title = "KIND", .kind = PROF_CELL_TEXT, .extra = true },
    [TYPE] = { .key = "type", .title = "TYPE", .kind = PROF_CELL_TEXT, .extra = true },
    [USABLE] = { .key = "usable", .title = "USABLE", .kind = PROF_CELL_BYTES, .extra = true },
    [ADDR] = { .key = "addr", .title = "ADDR", .kind = PROF_CELL_ADDR, .extra = true },
    [ID] = { .key = "id", .title = "ID", .kind = PROF_CELL_TEXT, .extra = true },
};

static struct prof_cell text_of(struct prof_view *view, const char *raw)
{
    char shown[1024];
    return cell_text(raw != NULL ? view_text(view, prof_escape_terminal(shown, sizeof shown, raw)) : NULL);
}

struct node_rows {
    struct rows rows; /* the first member: finish() gets it */
    struct prof_graph *graph;
    uint64_t budget;
    struct prof_error *error;
};

/* Cells that take symbols. */
static void fill_texts(struct node_rows *all, struct prof_cell *row, prof_node node)
{
    struct prof_view *view = all->rows.view;
    prof_block_id block = prof_graph_block(all->graph, node);
    char raw[512];
    const char *name = prof_graph_name(all->graph, node);
    if (name != NULL && block != 0)
        snprintf(raw, sizeof raw, "block#%u %s", block, name);
    row[NAME] = text_of(view, name != NULL && block != 0 ? raw : name);
    row[TYPE] = text_of(view, prof_graph_kind(all->graph, node));
    row[SITE] = cell_text(view_site_text(view, birth_of(all->graph, node).stack));
    snprintf(raw, sizeof raw, block != 0 ? "block#%u" : "#%u", block != 0 ? block : prof_graph_obj(all->graph, node));
    row[ID] = cell_text(view_text(view, raw));
    for (int c = 0; c < NODE_COLUMNS; c++)
        all->rows.failed |= node_columns[c].kind == PROF_CELL_TEXT && row[c].text == NULL;
}

static void finish_node(struct rows *rows, struct prof_cell *row, uint64_t key)
{
    struct node_rows *all = (struct node_rows *)rows;
    uint64_t bytes, nodes;
    fill_texts(all, row, (prof_node)key);
    if (all->error != NULL || all->budget < prof_graph_max(all->graph))
        return;
    all->budget -= prof_graph_max(all->graph);
    all->error = prof_graph_deep(all->graph, (prof_node)key, UINT32_MAX, &bytes, &nodes);
    if (all->error == NULL)
        row[DEEP] = cell_number(bytes);
}

static struct prof_error *by_node(struct prof_view *view, struct prof_graph *graph, const struct prof_query *query,
                                  const struct prof_table **ret, struct selection *selection)
{
    struct node_rows all = { .graph = graph, .budget = BUDGET };
    const uint32_t texts = 1u << NAME | 1u << SITE | 1u << TYPE | 1u << ID;
    struct prof_error *error = rows_begin(&all.rows, view, node_columns, NODE_COLUMNS, query, "retained,flat");
    if (error != NULL)
        return error;
    if ((all.rows.early & 1u << DEEP) != 0) {
        prof_error_destroy(rows_end(&all.rows, NULL, ret));
        return prof_error_create(PROF_ERROR_SYNTAX, "deep is worked out only for the rows that are shown: --where and "
                                                    "--sort cannot look at it; retained is known for all");
    }
    uint64_t end = prof_heap_totals(view->heap)->end_us, everything = prof_graph_retained(graph, PROF_NODE_NONE);
    for (prof_node v = 0; v < prof_graph_max(graph) && !all.rows.failed; v++) {
        if (!prof_graph_has(graph, v))
            continue;
        struct birth birth = birth_of(graph, v);
        struct prof_node_size size = prof_graph_size(graph, v);
        uint64_t retained = prof_graph_retained(graph, v), passed = all.rows.total;
        struct prof_cell row[NODE_COLUMNS] = {
            [NAME] = cell_text(""),
            [RETAINED] = cell_number(retained),
            [SHARE] = { .ratio = everything != 0 ? (double)retained / (double)everything : 0 },
            [FLAT] = cell_number(size.flat),
            [DEEP] = cell_none(),
            [COUNT] = birth.count >= 0 ? cell_number((uint64_t)birth.count) : cell_none(),
            [AGE] = cell_number(end > birth.born_us ? end - birth.born_us : 0),
            [SITE] = cell_text(""),
            [KIND] = cell_text(birth.count >= 0 ? "object" : "block"),
            [TYPE] = cell_text(""),
            [USABLE] = cell_number(size.usable),
            [ADDR] = { .number = birth.addr },
            [ID] = cell_text(""),
        };
        if ((all.rows.early & texts) != 0)
            fill_texts(&all, row, v);
        rows_offer(&all.rows, row, v);
        if (all.rows.total == passed)
            continue;
        selection->flat += size.flat;
        selection->failed |= !prof_vec_push(&selection->nodes, v);
    }
    error = rows_end(&all.rows, finish_node, ret);
    if (error != NULL || all.error == NULL) {
        prof_error_destroy(all.error);
        return error;
    }
    return all.error;
}

/* ---- One row for each type or site ------------------------------------------------------------------------------- */

struct group {
    UT_hash_handle hh;
    const char *text; /* interned, escaped; the key */
    uint32_t first;   /* of its nodes, once they are sorted */
    uint32_t number;
    uint64_t nodes, objects, flat, retained;
    uint32_t open; /* how many of its nodes are above the present one in the tree */
    bool exact;
};
struct groups {
    struct prof_view *view;
    struct prof_graph *graph;
    struct group *by_text;
    PROF_VEC(struct group *) list;
    uint32_t *of;      /* by node: number of its group */
    prof_node *sorted; /* nodes by group */
};

static void groups_deinit(struct groups *groups)
{
    HASH_CLEAR(hh, groups->by_text); /* they lie in the arena */
    prof_vec_deinit(&groups->list);
    free(groups->of);
    free(groups->sorted);
}

static struct group *group_of(struct groups *groups, enum prof_retained_by by, prof_node node)
{
    struct prof_view *view = groups->view;
    const char *text = by == PROF_BY_TYPE ? text_of(view, prof_graph_kind(groups->graph, node)).text
                                          : view_site_text(view, birth_of(groups->graph, node).stack);
    struct group *group;
    if (text == NULL)
        return NULL;
    HASH_FIND_PTR(groups->by_text, &text, group);
    if (group != NULL)
        return group;
    group = prof_arena_alloc(&view->arena, sizeof *group);
    if (group == NULL)
        return NULL;
    group->text = text;
    group->number = (uint32_t)groups->list.count;
    HASH_ADD_PTR(groups->by_text, text, group);
    return group->hh.tbl != NULL && prof_vec_push(&groups->list, group) ? group : NULL;
}

static bool make_groups(struct groups *groups, enum prof_retained_by by)
{
    struct prof_graph *graph = groups->graph;
    size_t room = (size_t)prof_graph_max(graph) + 1;
    uint32_t at = 0;
    groups->of = calloc(room, sizeof *groups->of);
    groups->sorted = malloc(room * sizeof *groups->sorted);
    if (groups->of == NULL || groups->sorted == NULL)
        return false;
    for (prof_node v = 0; v < prof_graph_max(graph); v++) {
        struct group *group = prof_graph_has(graph, v) ? group_of(groups, by, v) : NULL;
        groups->of[v] = group != NULL ? group->number : UINT32_MAX;
        if (group == NULL && prof_graph_has(graph, v))
            return false;
        if (group == NULL)
            continue;
        group->nodes++;
        group->objects += prof_graph_obj(graph, v) != 0;
        group->flat += prof_graph_size(graph, v).flat;
    }
    struct group **list = groups->list.items;
    if (list == NULL)
        return true;
    for (size_t i = 0; i < groups->list.count; i++) {
        list[i]->first = at;
        at += (uint32_t)list[i]->nodes;
        list[i]->nodes = 0;
    }
    for (prof_node v = 0; v < prof_graph_max(graph); v++) {
        if (groups->of[v] == UINT32_MAX)
            continue;
        struct group *group = list[groups->of[v]];
        groups->sorted[group->first + group->nodes++] = v;
    }
    return true;
}

/* Sums what nodes retain that no node of their group is above: one walk over the tree of dominators. */
static bool sum_tree(struct groups *groups)
{
    struct prof_graph *graph = groups->graph;
    struct place {
        prof_node node;
        size_t next;
    };
    PROF_VEC(struct place) stack = { 0 };
    bool good = prof_vec_push(&stack, (struct place){ PROF_NODE_NONE, 0 });
    while (good && stack.count > 0) {
        struct place *top = &stack.items[stack.count - 1];
        const prof_node *children;
        size_t count = prof_graph_dominated(graph, top->node, &children);
        struct group *group = top->node != PROF_NODE_NONE ? groups->list.items[groups->of[top->node]] : NULL;
        if (top->next == 0 && group != NULL && group->open++ == 0)
            group->retained += prof_graph_retained(graph, top->node);
        if (top->next < count) {
            good = prof_vec_push(&stack, (struct place){ children[top->next++], 0 });
            continue;
        }
        if (group != NULL)
            group->open--;
        stack.count--;
    }
    prof_vec_deinit(&stack);
    return good;
}

static struct prof_error *retain(struct groups *groups)
{
    struct prof_graph *graph = groups->graph;
    uint64_t once = prof_graph_max(graph) + prof_graph_links(graph), nodes;
    bool exact = groups->list.count * once <= BUDGET;
    if (!exact && !sum_tree(groups))
        return prof_error_memory();
    for (size_t i = 0; i < groups->list.count; i++) {
        struct group *group = groups->list.items[i];
        struct prof_error *error = NULL;
        group->exact = exact || group->nodes == 1;
        if (group->nodes == 1)
            group->retained = prof_graph_retained(graph, groups->sorted[group->first]);
        else if (exact)
            error =
                prof_graph_retained_by(graph, &groups->sorted[group->first], group->nodes, &group->retained, &nodes);
        if (error != NULL)
            return error;
    }
    return NULL;
}

enum { GROUP, G_RETAINED, G_SHARE, G_FLAT, G_LIVE, G_OBJECTS, G_EXACT, GROUP_COLUMNS };
#define GROUP_REST                                                                                                     \
    [G_RETAINED] = { .key = "retained", .title = "RETAINED", .kind = PROF_CELL_BYTES },                                \
    [G_SHARE] = { .key = "share", .title = "SHARE", .kind = PROF_CELL_RATIO },                                         \
    [G_FLAT] = { .key = "flat", .title = "FLAT", .kind = PROF_CELL_BYTES },                                            \
    [G_LIVE] = { .key = "live", .title = "LIVE", .kind = PROF_CELL_COUNT },                                            \
    [G_OBJECTS] = { .key = "objects", .title = "OBJECTS", .kind = PROF_CELL_COUNT, .extra = true },                    \
    [G_EXACT] = { .key = "exact", .title = "EXACT", .kind = PROF_CELL_TEXT, .extra = true }
static const struct prof_column type_columns[GROUP_COLUMNS] = {
    [GROUP] = { .key = "type", .title = "TYPE", .kind = PROF_CELL_TEXT, .wide = true }, GROUP_REST
};
static const struct prof_column site_columns[GROUP_COLUMNS] = {
    [GROUP] = { .key = "site", .title = "BORN AT", .kind = PROF_CELL_TEXT, .wide = true }, GROUP_REST
};

static void offer_groups(struct rows *rows, const struct groups *groups, struct selection *selection)
{
    uint64_t everything = prof_graph_retained(groups->graph, PROF_NODE_NONE);
    for (size_t i = 0; i < groups->list.count && !rows->failed; i++) {
        const struct group *group = groups->list.items[i];
        uint64_t passed = rows->total;
        struct prof_cell row[GROUP_COLUMNS] = {
            [GROUP] = cell_text(group->text),
            [G_RETAINED] = cell_number(group->retained),
            [G_SHARE] = { .ratio = everything != 0 ? (double)group->retained / (double)everything : 0 },
            [G_FLAT] = cell_number(group->flat),
            [G_LIVE] = cell_number(group->nodes),
            [G_OBJECTS] = cell_number(group->objects),
            [G_EXACT] = cell_text(group->exact ? "yes" : "at least"),
        };
        rows_offer(rows, row, i);
        if (rows->total == passed)
            continue;
        selection->flat += group->flat;
        for (uint64_t n = 0; n < group->nodes; n++)
            selection->failed |= !prof_vec_push(&selection->nodes, groups->sorted[group->first + n]);
    }
}

static struct prof_error *by_group(struct prof_view *view, struct prof_graph *graph, enum prof_retained_by by,
                                   const struct prof_query *query, const struct prof_table **ret,
                                   struct selection *selection)
{
    struct groups groups = { .view = view, .graph = graph };
    struct rows rows;
    struct prof_error *error = rows_begin(&rows, view, by == PROF_BY_TYPE ? type_columns : site_columns, GROUP_COLUMNS,
                                          query, by == PROF_BY_TYPE ? "retained,flat,type" : "retained,flat,site");
    if (error != NULL)
        return error;
    rows.failed = !make_groups(&groups, by);
    if (!rows.failed)
        error = retain(&groups);
    if (error == NULL && !rows.failed)
        offer_groups(&rows, &groups, selection);
    groups_deinit(&groups);
    const struct prof_table *table;
    struct prof_error *ended = rows_end(&rows, NULL, &table);
    if (error != NULL) {
        prof_error_destroy(ended);
        return error;
    }
    if (ended == NULL)
        *ret = table;
    return ended;
}

struct prof_error *prof_view_retained(struct prof_view *view, struct prof_graph *graph, enum prof_retained_by by,
                                      const struct prof_query *query, const struct prof_table **ret,
                                      struct prof_selection *ret_selection)
{
    struct selection selection = { .flat = 0 };
    const struct prof_table *table;
    struct prof_error *error = prof_graph_dominate(graph);
    if (error == NULL)
        error = by == PROF_BY_NODE ? by_node(view, graph, query, &table, &selection)
                                   : by_group(view, graph, by, query, &table, &selection);
    if (error != NULL) {
        prof_vec_deinit(&selection.nodes);
        return error;
    }
    error = sum_up(graph, &selection, ret_selection);
    if (error == NULL)
        *ret = table;
    return error;
}
