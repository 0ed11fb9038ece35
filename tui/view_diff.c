/* view_diff.c: what changed between two moments: the begin, which [ moves from mark to mark, and the moment that is
 * looked at, which ] and travelling move. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "glyph.h"
#include "list.h"
#include "marks.h"

/* Types above, sites below. */
enum { PANES = 2 };
struct diff_view {
    struct tui_view view;
    struct tui_list list[PANES];
    struct tui_area area[PANES];
    int pane;       /* that has the cursor */
    bool alone;     /* and the whole area */
    uint64_t begin; /* microseconds */
};

static struct diff_view *as_diff(struct tui_view *view)
{
    return (struct diff_view *)view;
}

static struct tui_list *list_of(struct tui_view *view)
{
    return &as_diff(view)->list[as_diff(view)->pane];
}

/* ---- Moments ---- */

/* The last mark before a moment, 0: the begin of the trace. */
static uint64_t mark_before(const struct tui_view *base, uint64_t at_us)
{
    uint64_t before = 0;
    return tui_marks_before(base->app, at_us, &before) ? before : 0;
}

/* "mark warm +30ms", "+30ms", "the begin". */
static const char *moment(const struct tui_view *base, uint64_t at_us, char *buf, size_t size)
{
    const struct tui_mark *mark = tui_marks_here(base->app, at_us);
    char when[32];
    prof_fmt_time(when, sizeof when, at_us);
    if (at_us == 0)
        snprintf(buf, size, "the begin");
    else if (mark != NULL)
        snprintf(buf, size, "%s %s %s", mark->kind, mark->name, when);
    else
        snprintf(buf, size, "%s", when);
    return buf;
}

/* The moment that is looked at. */
static uint64_t end_of(const struct tui_view *base)
{
    uint64_t at_us, events, wanted = tui_source_at(base->app->source);
    tui_source_snapshot_at(base->app->source, &at_us, &events);
    return at_us < wanted ? at_us : wanted;
}

static void set_begin(struct diff_view *view, uint64_t at_us)
{
    view->begin = at_us;
    for (int i = 0; i < PANES; i++)
        view->list[i].from_us = at_us;
}

/* The mark before the begin; from the begin of the trace around to the last mark before the end. */
static void earlier(struct tui_view *base)
{
    uint64_t begin = as_diff(base)->begin;
    set_begin(as_diff(base), mark_before(base, begin > 0 ? begin : end_of(base)));
}

static void open_new_ones(struct tui_view *base, const char *type)
{
    uint64_t at_us = end_of(base), begin = as_diff(base)->begin;
    char where[64];
    struct tui_view *objects = tui_view_objects(base->app, type);
    if (objects != NULL && begin > 0 && begin < at_us) {
        snprintf(where, sizeof where, "age<%lluus", (unsigned long long)(at_us - begin));
        objects->ops->command(objects, "where", where);
    }
    tui_app_open(base->app, objects);
}

/* ---- The view ---- */

static void destroy(struct tui_view *base)
{
    for (int i = 0; i < PANES; i++)
        tui_list_deinit(&as_diff(base)->list[i]);
    free(base);
}

static void ask(struct tui_view *base)
{
    for (int i = 0; i < PANES; i++)
        tui_list_ask(&as_diff(base)->list[i]);
}

static void draw_heading(struct tui_canvas *canvas, struct tui_area area, bool here, const char *word)
{
    int width = tui_width(word) + 1;
    tui_fill(canvas, area.y, area.x, area.width - width, TUI_DIM, tui_glyph(canvas, TUI_GLYPH_RULE));
    tui_text(canvas, area.y, area.x + area.width - width + 1, width, here ? TUI_TITLE : TUI_HEADER, word);
}

static void draw(struct tui_view *base, struct tui_canvas *canvas, struct tui_area area)
{
    static const char *const words[PANES] = { "objects", "memory, by where it was allocated" };
    struct diff_view *view = as_diff(base);
    char from[512], to[512];
    int rows = area.height - 1, needs = (int)(view->list[0].total < 1000 ? view->list[0].total : 1000) + 2,
        half = rows - rows / 3, heights[PANES];
    tui_printf(canvas, area.y, area.x + 1, area.width - 2, TUI_NORMAL, "From %s to %s",
               moment(base, view->begin, from, sizeof from), moment(base, end_of(base), to, sizeof to));
    heights[0] = view->alone ? (view->pane == 0 ? rows : 0) : needs < half ? needs + (rows > needs + 6) : half;
    heights[1] = rows - heights[0];
    for (int i = 0, y = area.y + 1; i < PANES; y += heights[i++]) {
        struct tui_area part = { .y = y, .x = area.x, .height = heights[i], .width = area.width };
        if (part.height > 0)
            draw_heading(canvas, part, view->pane == i, words[i]);
        part.y++;
        part.height--;
        view->area[i] = part;
        view->list[i].idle = view->pane != i;
        if (part.height > 0)
            tui_list_draw(&view->list[i], canvas, part);
    }
}

static bool act(struct tui_view *base, enum tui_action action)
{
    struct diff_view *view = as_diff(base);
    const char *type = tui_list_cell(&view->list[0], "type");
    switch (action) {
    case TUI_MARK_EARLIER:
        earlier(base);
        return true;
    case TUI_MARK_LATER:
        return false; /* the end is the moment that is looked at */
    case TUI_DIFF_SINCE:
        set_begin(view, mark_before(base, end_of(base)));
        return true;
    case TUI_NEXT_PANE:
    case TUI_PREVIOUS_PANE:
        view->pane = (view->pane + 1) % PANES;
        return true;
    case TUI_MAXIMISE:
        view->alone = !view->alone;
        return true;
    case TUI_OPEN:
        if (view->pane == 0 && type != NULL)
            open_new_ones(base, type);
        return true;
    default:
        return tui_list_act(list_of(base), action);
    }
}

static void mouse(struct tui_view *base, const struct tui_mouse *what)
{
    struct diff_view *view = as_diff(base);
    for (int i = 0; i < PANES; i++)
        if (what->y >= view->area[i].y && what->y < view->area[i].y + view->area[i].height) {
            view->pane = i;
            tui_list_mouse(&view->list[i], what, view->area[i]);
            return;
        }
}

static bool command(struct tui_view *base, const char *word, const char *rest)
{
    return tui_list_command(list_of(base), word, rest);
}

static bool clear(struct tui_view *base)
{
    bool was = as_diff(base)->alone;
    as_diff(base)->alone = false;
    return was || tui_list_clear(list_of(base));
}

static void title(const struct tui_view *base, char *buf, size_t size)
{
    const struct diff_view *view = (const struct diff_view *)base;
    char from[512];
    tui_list_title(&view->list[view->pane], buf, size);
    size_t used = strlen(buf);
    snprintf(buf + used, size - used, "   since %s ([ earlier)", moment(base, view->begin, from, sizeof from));
}

static const struct tui_column type_columns[] = {
    { "then", "THEN", TUI_COLUMN_NUMBER, 3, 6 },
    { "now", "NOW", TUI_COLUMN_NUMBER, 0, 6 },
    { "delta", "DELTA", TUI_COLUMN_MORE, 0, 6 },
    { "bytes", "BYTES", TUI_COLUMN_MORE, 0, 9 },
    { "born", "BORN", TUI_COLUMN_NUMBER, 2, 6 },
    { "stay", "STAY", TUI_COLUMN_NUMBER, 1, 5 },
    { "type", "TYPE", TUI_COLUMN_NAME, 0, 12 },
    { "site", "NEWEST BORN IN", TUI_COLUMN_PLACE, 4, 14 },
    { .key = NULL },
};
static const struct tui_column site_columns[] = {
    { "then", "THEN", TUI_COLUMN_NUMBER, 1, 6 }, { "now", "NOW", TUI_COLUMN_NUMBER, 0, 6 },
    { "delta", "DELTA", TUI_COLUMN_MORE, 0, 6 }, { "bytes", "BYTES", TUI_COLUMN_MORE, 0, 9 },
    { "site", "SITE", TUI_COLUMN_PLACE, 0, 16 }, { .key = NULL },
};
static const struct tui_list_spec specs[PANES] = {
    { .table = "diff",
      .columns = type_columns,
      .name = "type",
      .matches = "type site",
      .sort = "bytes",
      .note = "STAY: born between and still there.",
      .none = "None was born, and none was there.",
      .timed = true },
    { .table = "diff-sites",
      .columns = site_columns,
      .name = "site",
      .sort = "bytes",
      .none = "As much as before everywhere.",
      .timed = true },
};
static const enum tui_action hints[] = { TUI_OPEN,      TUI_DIFF_SINCE, TUI_SORT, TUI_FILTER,
                                         TUI_NEXT_PANE, TUI_EXPORT,     TUI_BACK, TUI_NO_ACTION };
static const struct tui_view_ops ops = {
    .name = "diff",
    .tab = TUI_DIFF,
    .hints = hints,
    .destroy = destroy,
    .ask = ask,
    .draw = draw,
    .act = act,
    .title = title,
    .command = command,
    .mouse = mouse,
    .clear = clear,
    .list = list_of,
};

struct tui_view *tui_view_diff_from(struct tui_app *app, uint64_t from_us)
{
    struct diff_view *view = calloc(1, sizeof *view);
    if (view == NULL)
        return NULL;
    view->view = (struct tui_view){ .ops = &ops, .app = app };
    for (int i = 0; i < PANES; i++)
        tui_list_init(&view->list[i], app, &specs[i]);
    set_begin(view, from_us);
    return &view->view;
}

struct tui_view *tui_view_diff(struct tui_app *app, bool since_mark)
{
    struct tui_view *view = tui_view_diff_from(app, 0);
    if (view != NULL && since_mark)
        set_begin(as_diff(view), mark_before(view, end_of(view)));
    return view;
}
