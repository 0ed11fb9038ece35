/* view_icicle.c: a part of the tree of calls as boxes: a function stands below the one that calls it, as wide as its
 * share. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "glyph.h"
#include "page.h"
#include "said.h"

enum { BOXES = 4096, LEVELS_MOST = 200 };

struct box {
    const json_t *node; /* of the answer */
    int level, x, end;  /* columns: end is not one of them */
    int parent;         /* index of a box; -1: none */
};
struct icicle_view {
    struct tui_view view;
    struct tui_query query;
    struct tui_calls calls;
    json_t *begin, *way; /* keys from the root: to where it began, to what is the widest now */
    int cursor;          /* index of a box */
    struct tui_area area;
    size_t count;
    struct box boxes[BOXES];
};

static struct icicle_view *as_icicle(struct tui_view *base)
{
    return (struct icicle_view *)base;
}

static void destroy(struct tui_view *base)
{
    struct icicle_view *view = as_icicle(base);
    tui_source_forget(base->app->source, &view->query);
    json_decref(view->begin);
    json_decref(view->way);
    free(view);
}

/* ---- Boxes ------------------------------------------------------------------------------------------------------- */

static int boxes_height(struct tui_area area)
{
    return area.height > 3 ? area.height - 2 : 1;
}

static void ask(struct tui_view *base)
{
    struct icicle_view *view = as_icicle(base);
    const struct tui_canvas *canvas = &base->app->canvas;
    json_t *question = tui_calls_question(&view->calls, "calls", view->way);
    json_object_set_new(question, "depth", json_integer(canvas->height)); /* less than what nobody could see */
    json_object_set_new(question, "least", json_real(0.5 / canvas->width));
    tui_source_ask(base->app->source, &view->query, question);
}

/* Where a share of the width ends, in columns. */
static int column(const struct icicle_view *view, double part, double whole)
{
    return whole > 0 ? (int)(part / whole * view->area.width + 0.5) : 0;
}

/* Places the nodes of the answer; those that would have no column are left out, with what is below them. */
static void lay_out(struct icicle_view *view)
{
    const json_t *nodes = json_object_get(view->query.answer, "nodes");
    const char *metric = tui_calls_metrics[view->calls.metric].key;
    double whole = (double)tui_said_number(json_array_get(nodes, 0), metric);
    double next[LEVELS_MOST + 1] = { 0 }; /* by level: where the next box begins */
    int open[LEVELS_MOST + 1];            /* the box that is being filled; -1: it was left out */
    size_t i;
    json_t *node;
    view->count = 0;
    json_array_foreach(nodes, i, node)
    {
        size_t level = (size_t)tui_said_number(node, "level");
        if (level >= LEVELS_MOST || view->count == BOXES)
            continue;
        double begin = next[level], end = begin + (double)tui_said_number(node, metric);
        struct box box = { .node = node,
                           .level = (int)level,
                           .x = column(view, begin, whole),
                           .end = column(view, end, whole),
                           .parent = level > 0 ? open[level - 1] : -1 };
        next[level] = end;
        next[level + 1] = begin;
        open[level] = -1;
        if (box.end > box.x && (level == 0 || box.parent >= 0)) {
            open[level] = (int)view->count;
            view->boxes[view->count++] = box;
        }
    }
    if (view->cursor >= (int)view->count)
        view->cursor = 0;
}

/* Keys from the root to a box. A new reference. */
static json_t *way_to(const struct icicle_view *view, int box)
{
    json_t *way = json_copy(view->way);
    size_t begin = json_array_size(way);
    for (; box > 0; box = view->boxes[box].parent)
        json_array_insert(way, begin, json_object_get(view->boxes[box].node, "key"));
    return way;
}

/* ---- Drawing ----------------------------------------------------------------------------------------------------- */

static void draw_box(const struct icicle_view *view, struct tui_canvas *canvas, int i, int top)
{
    const struct box *box = &view->boxes[i];
    int y = view->area.y + 1 + box->level - top, width = box->end - box->x;
    bool special = json_is_true(json_object_get(box->node, "special"));
    enum tui_role role = special ? TUI_DIM : json_is_true(json_object_get(box->node, "leaf")) ? TUI_ACCENT : TUI_PLACE;
    if (box->level < top || box->level - top >= boxes_height(view->area))
        return;
    tui_fill(canvas, y, view->area.x + box->x, width, role, ' ');
    tui_put(canvas, y, view->area.x + box->x, TUI_DIM, tui_glyph(canvas, TUI_GLYPH_WALL));
    if (width > 1)
        tui_name(canvas, y, view->area.x + box->x + 1, width - 1, role, tui_said(box->node, "name"));
    if (i == view->cursor)
        tui_select(canvas, y, view->area.x + box->x, width);
}

static void draw_selected(const struct icicle_view *view, struct tui_canvas *canvas)
{
    const json_t *node = view->boxes[view->cursor].node, *whole = json_object_get(view->query.answer, "whole");
    const struct tui_calls_metric *metric = &tui_calls_metrics[view->calls.metric];
    uint64_t all = tui_said_number(whole, metric->key);
    char number[64], share[32];
    int x = 1, right = view->area.width - 1;
    tui_calls_number(node, view->calls.metric, view->view.app->units, number, sizeof number);
    prof_fmt_ratio(share, sizeof share, all > 0 ? (double)tui_said_number(node, metric->key) / (double)all : 0);
    x += tui_printf(canvas, view->area.y, x, right - x, TUI_NORMAL, "%s %s, %s  ", number, metric->words, share);
    x += tui_text(canvas, view->area.y, x, right - x, TUI_ACCENT, tui_said(node, "name"));
    tui_text(canvas, view->area.y, x + 2, right - x - 2, TUI_PLACE, tui_said(node, "place"));
}

static void draw(struct tui_view *base, struct tui_canvas *canvas, struct tui_area area)
{
    struct icicle_view *view = as_icicle(base);
    view->area = area;
    view->count = 0;
    if (tui_calls_say(&view->calls, base->app, &view->query, canvas, area))
        return;
    lay_out(view);
    if (view->count == 0) {
        tui_printf(canvas, area.y + 1, area.x + 2, area.width - 3, TUI_DIM,
                   "There are no %s here; > measures by another.", tui_calls_metrics[view->calls.metric].words);
        return;
    }
    int level = view->boxes[view->cursor].level, height = boxes_height(area);
    int top = level >= height ? level - height + 1 : 0;
    draw_selected(view, canvas);
    for (size_t i = 0; i < view->count; i++)
        draw_box(view, canvas, (int)i, top);
}

/* ---- Actions ----------------------------------------------------------------------------------------------------- */

/* The first box below one is the greatest; -1: there is none. */
static int below(const struct icicle_view *view, int box)
{
    for (size_t i = (size_t)box + 1; i < view->count; i++)
        if (view->boxes[i].parent == box)
            return (int)i;
    return -1;
}

/* The nearest box of the same level to the left or right. */
static int beside(const struct icicle_view *view, bool right)
{
    const struct box *here = &view->boxes[view->cursor];
    int best = view->cursor;
    for (size_t i = 0; i < view->count; i++) {
        const struct box *box = &view->boxes[i];
        bool that_way = right ? box->x > here->x : box->x < here->x;
        if (box->level == here->level && that_way &&
            (best == view->cursor || abs(box->x - here->x) < abs(view->boxes[best].x - here->x)))
            best = (int)i;
    }
    return best;
}

static bool move(struct icicle_view *view, enum tui_action action)
{
    int to;
    switch (action) {
    case TUI_UP:
    case TUI_PARENT:
        to = view->boxes[view->cursor].parent;
        break;
    case TUI_DOWN:
    case TUI_BIGGEST:
        to = below(view, view->cursor);
        break;
    case TUI_LEFT:
    case TUI_RIGHT:
    case TUI_SIBLING_PREVIOUS:
    case TUI_SIBLING_NEXT:
        to = beside(view, action == TUI_RIGHT || action == TUI_SIBLING_NEXT);
        break;
    case TUI_FIRST:
        to = 0;
        break;
    default:
        return false;
    }
    view->cursor = to >= 0 ? to : view->cursor;
    return true;
}

static void zoom(struct icicle_view *view)
{
    json_t *way = way_to(view, view->cursor);
    json_decref(view->way);
    view->way = way;
    view->cursor = 0;
}

/* One level out, not beyond where it began. */
static bool zoom_out(struct tui_view *base)
{
    struct icicle_view *view = as_icicle(base);
    size_t levels = json_array_size(view->way);
    if (levels <= json_array_size(view->begin))
        return false;
    json_array_remove(view->way, levels - 1);
    view->cursor = 0;
    return true;
}

static bool act(struct tui_view *base, enum tui_action action)
{
    struct icicle_view *view = as_icicle(base);
    bool anew;
    if (tui_calls_act(&view->calls, action, &anew)) {
        if (anew) { /* other ways: from the root */
            json_array_clear(view->way);
            json_array_clear(view->begin);
        }
        view->cursor = 0;
        return true;
    }
    if (action == TUI_SORT) {
        tui_calls_menu(&view->calls, base->app);
        return true;
    }
    if (view->count == 0)
        return false;
    if (action == TUI_OPEN)
        zoom(view);
    else if (action == TUI_SOURCE || action == TUI_EDIT)
        tui_page_open_source(base->app, view->boxes[view->cursor].node, action);
    else
        return move(view, action);
    return true;
}

static void mouse(struct tui_view *base, const struct tui_mouse *what)
{
    struct icicle_view *view = as_icicle(base);
    int level = what->y - view->area.y - 1, height = boxes_height(view->area);
    int top = view->count > 0 ? view->boxes[view->cursor].level - height + 1 : 0;
    level += top > 0 ? top : 0;
    if (what->what == TUI_MOUSE_UP || what->what == TUI_MOUSE_DOWN) {
        if (view->count > 0)
            move(view, what->what == TUI_MOUSE_UP ? TUI_UP : TUI_DOWN);
        return;
    }
    for (size_t i = 0; i < view->count; i++) {
        const struct box *box = &view->boxes[i];
        int x = what->x - view->area.x;
        if (box->level != level || x < box->x || x >= box->end)
            continue;
        bool again = view->cursor == (int)i;
        view->cursor = (int)i;
        if (again || what->what == TUI_MOUSE_DOUBLE)
            zoom(view);
        return;
    }
}

static void title(const struct tui_view *base, char *buf, size_t size)
{
    const struct icicle_view *view = (const struct icicle_view *)base;
    snprintf(buf, size, "width: %s   by %s%s   %s%s", tui_calls_metrics[view->calls.metric].words,
             view->calls.by_callee ? "callee" : "caller", view->calls.lines ? ", lines apart" : "",
             view->calls.where[0] != '\0' ? "where " : "all", view->calls.where);
}

static const char *selected(const struct tui_view *base)
{
    const struct icicle_view *view = (const struct icicle_view *)base;
    return view->count > 0 ? tui_said(view->boxes[view->cursor].node, "name") : "";
}

static void command_line(const struct tui_view *base, char *buf, size_t size)
{
    tui_calls_command_line(&((const struct icicle_view *)base)->calls, buf, size);
}

static const enum tui_action hints[] = {
    TUI_OPEN, TUI_INVERT, TUI_SORT, TUI_SOURCE, TUI_EDIT, TUI_BACK, TUI_NO_ACTION
};
static const struct tui_view_ops ops = {
    .name = "icicle",
    .hints = hints,
    .destroy = destroy,
    .ask = ask,
    .draw = draw,
    .act = act,
    .title = title,
    .selected = selected,
    .mouse = mouse,
    .command_line = command_line,
    .clear = zoom_out,
};

struct tui_view *tui_view_icicle(struct tui_app *app, const struct tui_calls *calls, json_t *way)
{
    struct icicle_view *view = calloc(1, sizeof *view);
    if (view == NULL)
        return NULL;
    view->view = (struct tui_view){ .ops = &ops, .app = app };
    view->calls = *calls;
    view->begin = json_copy(way);
    view->way = json_copy(way);
    return &view->view;
}
