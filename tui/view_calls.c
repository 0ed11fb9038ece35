/* view_calls.c: sites as a tree of calls: who calls what holds the memory, the objects, the open references. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "glyph.h"
#include "page.h"
#include "said.h"
#include "tree.h"

enum { CHILDREN = 200, MORE = 1000, BAR = 12, SHARE = 7, WIDE = 72, WIDER = 100, GAP = 2 };

struct node {
    struct tui_branch base;
    json_t *said;      /* what the worker says of it; of the row that says how many more there are, NULL */
    json_t *way;       /* keys from the root */
    uint64_t children; /* to ask for */
    uint64_t more, value;
};

struct calls_view {
    struct tui_view view;
    struct tui_tree tree;
    struct tui_calls calls, asked; /* asked: the last that was drawn */
    char find[128];
    struct tui_query finding;
    bool seek, seek_back;
    json_t *from; /* the way that the search begins at */
    json_t *goal; /* keys of the node that the cursor is to go to; NULL: none */
};

static struct calls_view *as_calls(struct tui_view *base)
{
    return (struct calls_view *)base;
}

static const struct calls_view *view_of(const struct tui_tree *tree)
{
    return (const struct calls_view *)((const char *)tree - offsetof(struct calls_view, tree));
}

static const char *key_of(const struct tui_branch *base)
{
    return tui_said(((const struct node *)base)->said, "key");
}

/* ---- Branches ---------------------------------------------------------------------------------------------------- */

static json_t *question(struct tui_tree *tree, const struct tui_branch *base)
{
    const struct node *node = (const struct node *)base;
    json_t *question = tui_calls_question(&view_of(tree)->calls, "calls", node->way);
    json_object_set_new(question, "count", json_integer((json_int_t)node->children));
    return question;
}

static size_t count(const json_t *answer)
{
    return json_array_size(json_object_get(answer, "rows")) + (tui_said_number(answer, "more") > 0);
}

static bool is(const struct tui_tree *tree, const struct tui_branch *base, const json_t *answer, size_t index)
{
    const json_t *row = json_array_get(json_object_get(answer, "rows"), index);
    (void)tree;
    return row != NULL && ((const struct node *)base)->said != NULL && strcmp(tui_said(row, "key"), key_of(base)) == 0;
}

static void clear(struct tui_branch *base)
{
    struct node *node = (struct node *)base;
    json_decref(node->said);
    json_decref(node->way);
    node->said = node->way = NULL;
}

static void set_said(const struct tui_tree *tree, struct node *node, json_t *said)
{
    json_incref(said);
    json_decref(node->said);
    node->said = said;
    node->value = tui_said_number(said, tui_calls_metrics[view_of(tree)->calls.metric].key);
}

static void set(struct tui_tree *tree, size_t above, struct tui_branch *base, const json_t *answer, size_t index)
{
    struct node *node = (struct node *)base;
    const struct node *parent = (const struct node *)tree->rows.items[above];
    json_t *row = json_array_get(json_object_get(answer, "rows"), index);
    node->base.leaf = row == NULL || json_is_true(json_object_get(row, "leaf"));
    node->children = node->children > 0 ? node->children : CHILDREN;
    node->more = row == NULL ? tui_said_number(answer, "more") : 0;
    if (row == NULL)
        return;
    set_said(tree, node, row);
    if (node->way == NULL) {
        node->way = json_copy(parent->way);
        json_array_append(node->way, json_object_get(row, "key"));
    }
}

static void self(struct tui_tree *tree, struct tui_branch *base, const json_t *answer)
{
    json_t *said = json_object_get(answer, "self");
    if (said != NULL)
        set_said(tree, (struct node *)base, said);
}

static uint64_t weight(const struct tui_branch *base)
{
    return ((const struct node *)base)->value;
}

static const struct tui_tree_ops tree_ops = {
    .size = sizeof(struct node),
    .question = question,
    .count = count,
    .is = is,
    .set = set,
    .self = self,
    .clear = clear,
    .weight = weight,
    .chains = true,
};

/* ---- Finding ----------------------------------------------------------------------------------------------------- */

static void seek(struct calls_view *view, bool back)
{
    const struct node *node = (const struct node *)tui_tree_selected(&view->tree);
    if (view->find[0] == '\0') {
        tui_app_say(view->view.app, TUI_WARN, "nothing to find: / asks for a text");
        return;
    }
    json_decref(view->from);
    view->from = json_incref(node->way != NULL ? node->way : ((const struct node *)view->tree.rows.items[0])->way);
    json_decref(view->goal);
    view->goal = NULL;
    view->seek = true;
    view->seek_back = back;
}

static void ask_find(struct calls_view *view)
{
    struct tui_source *source = view->view.app->source;
    if (!view->seek)
        return;
    json_t *question = tui_calls_question(&view->calls, "calls-find", view->from);
    json_object_set_new(question, "text", json_string(view->find));
    json_object_set_new(question, "back", json_boolean(view->seek_back));
    tui_source_ask(source, &view->finding, question);
    if (view->finding.answer == NULL || view->finding.number != 0)
        return;
    json_t *way = json_object_get(view->finding.answer, "way");
    view->seek = false;
    if (json_array_size(way) > 0)
        view->goal = json_incref(way);
    else
        tui_app_say(view->view.app, TUI_WARN, "'%s' was not found", view->find);
    tui_source_forget(source, &view->finding);
}

/* The row of a child with a key; SIZE_MAX: none. more: the row behind which others are. */
static size_t child_with(const struct calls_view *view, size_t row, const char *key, bool *ret_more)
{
    const struct tui_tree *tree = &view->tree;
    *ret_more = false;
    for (size_t i = row + 1; i <= row + tui_tree_below(tree, row); i++) {
        const struct node *node = (const struct node *)tree->rows.items[i];
        if (node->base.depth != tree->rows.items[row]->depth + 1)
            continue;
        *ret_more = node->said == NULL;
        if (node->said != NULL && strcmp(key_of(&node->base), key) == 0)
            return i;
    }
    return SIZE_MAX;
}

/* Towards the goal, as far as branches are there; opens the next one. */
static void go_to_goal(struct calls_view *view)
{
    struct tui_tree *tree = &view->tree;
    size_t row = 0, i;
    json_t *key;
    if (view->goal == NULL)
        return;
    json_array_foreach(view->goal, i, key)
    {
        struct node *node = (struct node *)tree->rows.items[row];
        bool more;
        tui_tree_set_open(tree, row, true);
        if (node->base.query.answer == NULL || node->base.query.number != 0 ||
            node->base.filled != node->base.query.version)
            return;
        size_t child = child_with(view, row, json_string_value(key), &more);
        if (child == SIZE_MAX && more) {
            node->children += MORE;
            return;
        }
        if (child == SIZE_MAX)
            break;
        row = child;
    }
    tree->cursor = row;
    json_decref(view->goal);
    view->goal = NULL;
}

/* ---- The view ---------------------------------------------------------------------------------------------------- */

static void destroy(struct tui_view *base)
{
    struct calls_view *view = as_calls(base);
    tui_tree_deinit(&view->tree);
    tui_source_forget(base->app->source, &view->finding);
    json_decref(view->from);
    json_decref(view->goal);
    free(view);
}

/* What the user said about the tree may come from a menu or from the icicle. */
static void take_changes(struct calls_view *view)
{
    if (view->asked.by_callee != view->calls.by_callee || view->asked.lines != view->calls.lines ||
        strcmp(view->asked.where, view->calls.where) != 0) {
        tui_tree_restart(&view->tree);
        json_decref(view->goal);
        view->goal = NULL;
        view->seek = false;
    }
    view->asked = view->calls;
}

static void ask(struct tui_view *base)
{
    struct calls_view *view = as_calls(base);
    take_changes(view);
    tui_tree_ask(&view->tree);
    ask_find(view);
    go_to_goal(view);
    tui_tree_ask(&view->tree); /* for what was opened on the way */
}

/* Is the column of a metric shown? */
static bool is_shown(const struct calls_view *view, int metric, int width)
{
    return metric == view->calls.metric || metric < 2 || width >= WIDER || (metric == 2 && width >= WIDE);
}

/* Calls for each column from the left; returns where the tree begins. metric -1: the share, -2: the bar. */
static int each_column(const struct calls_view *view, struct tui_area area,
                       void (*each)(void *ctx, int metric, int x, int width), void *ctx)
{
    int x = area.x + 1;
    for (int i = 0; i < TUI_CALLS_METRICS; i++) {
        if (is_shown(view, i, area.width)) {
            each(ctx, i, x, tui_calls_metrics[i].width);
            x += tui_calls_metrics[i].width + GAP;
        }
        if (i == 0) {
            each(ctx, -1, x - 1, SHARE);
            x += SHARE - 1 + GAP;
            if (area.width >= WIDE) {
                each(ctx, -2, x, BAR);
                x += BAR + GAP;
            }
        }
    }
    return x;
}

struct row {
    const struct calls_view *view;
    struct tui_canvas *canvas;
    int y;
    const struct node *node;
};

static double share_of(const struct calls_view *view, const struct node *node)
{
    const char *metric = tui_calls_metrics[view->calls.metric].key;
    uint64_t whole = tui_said_number(((const struct node *)view->tree.rows.items[0])->said, metric);
    return whole > 0 ? (double)tui_said_number(node->said, metric) / (double)whole : 0;
}

static void draw_title(void *ctx, int metric, int x, int width)
{
    const struct row *row = ctx;
    bool sorted = metric == row->view->calls.metric;
    if (metric == -1)
        tui_number(row->canvas, row->y, x, width, TUI_HEADER, "SHARE");
    if (metric < 0)
        return;
    tui_number(row->canvas, row->y, x - (sorted ? 1 : 0), width, sorted ? TUI_SORTED : TUI_HEADER,
               tui_calls_metrics[metric].title);
    if (sorted)
        tui_put(row->canvas, row->y, x + width - 1, TUI_SORTED, tui_glyph(row->canvas, TUI_GLYPH_DOWN));
}

static void draw_cell(void *ctx, int metric, int x, int width)
{
    const struct row *row = ctx;
    char text[64];
    if (metric == -2)
        tui_bar(row->canvas, row->y, x, width, TUI_GRAPH1, share_of(row->view, row->node));
    else if (metric == -1)
        tui_number(row->canvas, row->y, x, width, TUI_NORMAL,
                   prof_fmt_ratio(text, sizeof text, share_of(row->view, row->node)));
    else
        tui_number(row->canvas, row->y, x, width, TUI_NORMAL,
                   tui_calls_number(row->node->said, metric, row->view->view.app->units, text, sizeof text));
}

static void no_cell(void *ctx, int metric, int x, int width)
{
    (void)ctx;
    (void)metric;
    (void)x;
    (void)width;
}

static void draw_node(struct tui_tree *tree, struct tui_canvas *canvas, int y, const struct tui_branch *base)
{
    const struct node *node = (const struct node *)base;
    struct row row = { .view = view_of(tree), .canvas = canvas, .y = y, .node = node };
    int x = each_column(row.view, tree->area, node->said != NULL ? draw_cell : no_cell, &row);
    int right = tree->area.x + tree->area.width - 1;
    char number[32];
    x = tui_tree_prefix(tree, canvas, y, x, base);
    if (node->said == NULL) {
        if (node->more > 0)
            tui_printf(canvas, y, x, right - x, TUI_DIM, "(%s more)",
                       prof_fmt_count(number, sizeof number, node->more));
        return;
    }
    bool special = json_is_true(json_object_get(node->said, "special"));
    const char *place = tui_said(node->said, "place");
    x += tui_name(canvas, y, x, right - x,
                  special            ? TUI_WARN
                  : base->depth == 0 ? TUI_DIM
                                     : TUI_ACCENT,
                  tui_said(node->said, "name"));
    if (place[0] != '\0' && right - x > 2)
        tui_text(canvas, y, x + 2, right - x - 2, TUI_PLACE, place);
    if (row.view->find[0] != '\0')
        tui_match(canvas, y, tree->area.x, tree->area.width, row.view->find);
}

static void draw(struct tui_view *base, struct tui_canvas *canvas, struct tui_area area)
{
    struct calls_view *view = as_calls(base);
    struct row header = { .view = view, .canvas = canvas, .y = area.y };
    if (tui_calls_say(&view->calls, base->app, &view->tree.rows.items[0]->query, canvas, area))
        return;
    int x = each_column(view, area, draw_title, &header);
    tui_text(canvas, area.y, x, area.width - x, TUI_HEADER, view->calls.by_callee ? "BY CALLEE" : "CALL TREE");
    area.y++;
    area.height--;
    tui_tree_draw(&view->tree, canvas, area, draw_node);
}

/* ---- Actions ----------------------------------------------------------------------------------------------------- */

static struct node *selected_node(const struct tui_view *base)
{
    return (struct node *)tui_tree_selected(&((const struct calls_view *)base)->tree);
}

static void open_node(struct calls_view *view)
{
    struct node *node = selected_node(&view->view);
    if (node->more > 0) {
        size_t parent = tui_tree_parent(&view->tree, view->tree.cursor);
        ((struct node *)view->tree.rows.items[parent])->children += MORE;
    } else if (tui_said_number(node->said, "objects") > 0) {
        tui_app_open(view->view.app, tui_view_objects_under(view->view.app, tui_said(node->said, "name"),
                                                            tui_calls_question(&view->calls, "calls", node->way)));
    } else {
        tui_tree_set_open(&view->tree, view->tree.cursor, !node->base.open);
    }
}

/* The functions from the selected one outwards, as a stack. */
static void open_stack(struct calls_view *view)
{
    json_t *frames = json_array();
    for (size_t row = view->tree.cursor; row > 0; row = tui_tree_parent(&view->tree, row)) {
        const struct node *node = (const struct node *)view->tree.rows.items[row];
        json_t *frame = json_pack("{s:s,s:O?,s:O?}", "function", tui_said(node->said, "name"), "file",
                                  json_object_get(node->said, "file"), "line", json_object_get(node->said, "line"));
        if (view->calls.by_callee)
            json_array_insert_new(frames, 0, frame);
        else
            json_array_append_new(frames, frame);
    }
    json_t *place = json_pack("{s:o}", "stack", frames);
    tui_app_open(view->view.app, tui_view_stack(view->view.app, place));
    json_decref(place);
}

static bool act(struct tui_view *base, enum tui_action action)
{
    struct calls_view *view = as_calls(base);
    const struct node *node = selected_node(base);
    bool anew;
    if (tui_calls_act(&view->calls, action, &anew) || tui_tree_act(&view->tree, action))
        return true;
    switch (action) {
    case TUI_OPEN:
        open_node(view);
        return true;
    case TUI_SORT:
        tui_calls_menu(&view->calls, base->app);
        return true;
    case TUI_FIND_NEXT:
    case TUI_FIND_PREVIOUS:
        seek(view, action == TUI_FIND_PREVIOUS);
        return true;
    case TUI_STACK:
        if (view->tree.cursor > 0 && node->said != NULL)
            open_stack(view);
        return true;
    case TUI_ICICLE:
        if (node->way != NULL)
            tui_app_open(base->app, tui_view_icicle(base->app, &view->calls, node->way));
        return true;
    case TUI_SOURCE:
    case TUI_EDIT:
        tui_page_open_source(base->app, node->said, action);
        return true;
    case TUI_NEXT_PANE:
    case TUI_PREVIOUS_PANE:
        tui_app_open(base->app, tui_view_flat_sites(base->app));
        return true;
    case TUI_REFERRERS:
    case TUI_REFERENTS:
    case TUI_WHY:
        tui_app_say(base->app, TUI_WARN, "that is asked of objects: Enter shows those that were born here");
        return true;
    default:
        return false;
    }
}

/* A text means the way: any function on it. */
static void set_where(struct calls_view *view, const char *text)
{
    char *where = view->calls.where;
    size_t size = sizeof view->calls.where;
    if (text[0] == '\0' || strpbrk(text, "=<>~()&|") != NULL)
        snprintf(where, size, "%s", text);
    else
        snprintf(where, size, "stack%s'%.200s'", text[0] == '!' ? "!~" : "~", text + (text[0] == '!'));
}

static bool command(struct tui_view *base, const char *word, const char *rest)
{
    struct calls_view *view = as_calls(base);
    int metric = tui_calls_metric_named(rest);
    if (strcmp(word, "where") == 0) {
        set_where(view, rest);
    } else if (strcmp(word, "sort") == 0) {
        if (metric >= 0)
            view->calls.metric = metric;
        else
            tui_app_say(base->app, TUI_BAD, "a tree is sorted by bytes, objects, open or events");
    } else if (strcmp(word, "find") == 0) {
        snprintf(view->find, sizeof view->find, "%s", rest);
        if (rest[0] != '\0')
            seek(view, false);
    } else {
        return false;
    }
    return true;
}

static bool clear_filter(struct tui_view *base)
{
    struct calls_view *view = as_calls(base);
    bool any = view->find[0] != '\0' || view->calls.where[0] != '\0';
    if (view->find[0] != '\0')
        view->find[0] = '\0';
    else
        view->calls.where[0] = '\0';
    return any;
}

static void title(const struct tui_view *base, char *buf, size_t size)
{
    const struct calls_view *view = (const struct calls_view *)base;
    const struct tui_calls *calls = &view->calls;
    char now[32], all[32];
    snprintf(buf, size, "%s of %s   by %s%s   %s   %s%s%s%s%s", prof_fmt_count(now, sizeof now, view->tree.cursor + 1),
             prof_fmt_count(all, sizeof all, view->tree.rows.count), calls->by_callee ? "callee" : "caller",
             calls->lines ? ", lines apart" : "", tui_calls_metrics[calls->metric].words,
             calls->where[0] != '\0' ? "where " : "all", calls->where, view->find[0] != '\0' ? "   find " : "",
             view->find, view->seek ? " ..." : "");
}

static const char *selected(const struct tui_view *base)
{
    return tui_said(selected_node(base)->said, "name");
}

static void mouse(struct tui_view *base, const struct tui_mouse *what)
{
    tui_tree_mouse(&as_calls(base)->tree, what);
}

static void command_line(const struct tui_view *base, char *buf, size_t size)
{
    tui_calls_command_line(&((const struct calls_view *)base)->calls, buf, size);
}

static const enum tui_action hints[] = { TUI_OPEN, TUI_SOURCE, TUI_BIGGEST, TUI_INVERT, TUI_ICICLE,
                                         TUI_SORT, TUI_FILTER, TUI_FIND,    TUI_STACK,  TUI_NO_ACTION };
static const struct tui_view_ops ops = {
    .name = "sites",
    .tab = TUI_SITES,
    .hints = hints,
    .destroy = destroy,
    .ask = ask,
    .draw = draw,
    .act = act,
    .title = title,
    .selected = selected,
    .command = command,
    .mouse = mouse,
    .command_line = command_line,
    .clear = clear_filter,
    .scrolls = true,
    .flat = "sites",
};

static struct tui_branch *make_root(void)
{
    struct node *root = calloc(1, sizeof *root);
    if (root == NULL)
        return NULL;
    root->way = json_array();
    root->children = CHILDREN;
    return &root->base;
}

struct tui_view *tui_view_sites(struct tui_app *app)
{
    struct calls_view *view = calloc(1, sizeof *view);
    if (view == NULL)
        return NULL;
    view->view = (struct tui_view){ .ops = &ops, .app = app };
    if (tui_tree_init(&view->tree, app, &tree_ops, make_root()))
        return &view->view;
    free(view);
    return NULL;
}
