/* view_findings.c: leaks and cycles: the list above, all the evidence for the selected one below. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "list.h"
#include "page.h"
#include "told.h"

struct findings_view {
    struct tui_view view;
    struct tui_list list;
    struct tui_query detail;
    struct tui_lines lines;
    uint64_t drawn; /* version of the answer that the lines were made of */
    char of[16];
    bool below, alone; /* the pane below has the cursor; it has the whole area */
    bool unfolded;     /* nothing is left out of the evidence */
    struct tui_area area;
};

static struct findings_view *as_findings(struct tui_view *view)
{
    return (struct findings_view *)view;
}

static void destroy(struct tui_view *base)
{
    struct findings_view *view = as_findings(base);
    tui_list_deinit(&view->list);
    tui_source_forget(base->app->source, &view->detail);
    tui_lines_deinit(&view->lines);
    free(view);
}

static void ask(struct tui_view *base)
{
    struct findings_view *view = as_findings(base);
    tui_list_ask(&view->list);
    const char *id = tui_list_cell(&view->list, "id");
    if (id == NULL)
        return;
    if (strcmp(id, view->of) != 0) {
        snprintf(view->of, sizeof view->of, "%s", id);
        view->lines.cursor = view->lines.top = 0;
    }
    tui_source_ask(base->app->source, &view->detail,
                   json_pack("{s:s,s:s,s:i,s:b}", "ask", "finding", "of", view->of, "units", (int)base->app->units,
                             "all", view->unfolded));
}

static void draw_detail(struct findings_view *view, struct tui_canvas *canvas, struct tui_area area)
{
    if (view->drawn != view->detail.version) {
        tui_told(&view->lines, view->detail.answer);
        view->drawn = view->detail.version;
    }
    if (view->list.total > 0)
        tui_lines_draw(&view->lines, canvas, area, view->below);
}

static void draw(struct tui_view *base, struct tui_canvas *canvas, struct tui_area area)
{
    struct findings_view *view = as_findings(base);
    int above = area.height / 3 > 4 ? area.height / 3 : 4;
    if ((size_t)above > view->list.total + 2)
        above = (int)view->list.total + 2;
    struct tui_area top = area, bottom = area;
    top.height = view->alone ? 0 : above;
    bottom.y += top.height;
    bottom.height -= top.height;
    view->area = top;
    if (view->list.total == 0 && view->list.query.answer != NULL && view->list.where[0] == '\0') {
        const json_t *audit = json_object_get(base->app->summary.answer, "audit");
        bool certain = json_is_true(json_object_get(audit, "certain"));
        const char *why = json_string_value(json_object_get(audit, "why"));
        tui_printf(canvas, area.y + 1, 2, area.width - 3, certain ? TUI_GOOD : TUI_WARN, "No %s found%s%s.",
                   view->list.spec->table[0] == 'c' ? "cycle" : "leak",
                   certain ? "" : ", but uncertain: ", certain || why == NULL ? "" : why);
        return;
    }
    if (!view->alone)
        tui_list_draw(&view->list, canvas, top);
    draw_detail(view, canvas, bottom);
}

static bool act(struct tui_view *base, enum tui_action action)
{
    struct findings_view *view = as_findings(base);
    const char *object;
    switch (action) {
    case TUI_NEXT_PANE:
    case TUI_PREVIOUS_PANE:
        view->below = !view->below || view->alone;
        return true;
    case TUI_MAXIMISE:
        view->alone = !view->alone;
        view->below = view->below || view->alone;
        return true;
    case TUI_OPEN:
        object = view->below ? tui_lines_selected(&view->lines) : NULL;
        if (object != NULL)
            tui_page_open_target(base->app, object);
        else
            view->below = true;
        return true;
    case TUI_UNFOLD:
    case TUI_FOLD:
    case TUI_FOLD_ALL:
        view->unfolded = action == TUI_UNFOLD || (action == TUI_FOLD_ALL && !view->unfolded);
        return true;
    case TUI_STACK:
        return view->below && tui_page_act_on_line(base->app, &view->lines, action);
    default:
        return view->below ? tui_lines_act(&view->lines, action) || tui_list_act(&view->list, action)
                           : tui_list_act(&view->list, action);
    }
}

static const char *selected(const struct tui_view *base)
{
    const struct findings_view *view = (const struct findings_view *)base;
    const char *object = view->below ? tui_lines_selected(&view->lines) : NULL;
    if (object == NULL)
        object = json_string_value(json_array_get(json_object_get(view->detail.answer, "samples"), 0));
    return object != NULL ? object : "";
}

static void title(const struct tui_view *base, char *buf, size_t size)
{
    tui_list_title(&((const struct findings_view *)base)->list, buf, size);
}

static bool command(struct tui_view *base, const char *word, const char *rest)
{
    return strcmp(word, "find") == 0 && tui_list_command(&as_findings(base)->list, word, rest);
}

static void mouse(struct tui_view *base, const struct tui_mouse *what)
{
    tui_list_mouse(&as_findings(base)->list, what, as_findings(base)->area);
}

static bool clear(struct tui_view *base)
{
    struct findings_view *view = as_findings(base);
    bool was = view->alone || view->below;
    view->alone = view->below = false;
    return was || tui_list_clear(&view->list);
}

static void command_line(const struct tui_view *base, char *buf, size_t size)
{
    snprintf(buf, size, "reftrack %s TRACE", ((const struct findings_view *)base)->list.spec->table);
}

static const struct tui_column columns[] = {
    { "headline", "WHAT", TUI_COLUMN_TEXT, 0, 8 },
    { "objects", "OBJS", TUI_COLUMN_NUMBER, 0, 5 },
    { "bytes", "BYTES", TUI_COLUMN_NUMBER, 1, 8 },
    { "retained", "RETAINED", TUI_COLUMN_NUMBER, 3, 8 },
    { "type", "TYPE", TUI_COLUMN_NAME, 0, 12 },
    { "site", "WHERE", TUI_COLUMN_PLACE, 0, 16 },
    { "verdict", "VERDICT", TUI_COLUMN_TEXT, 4, 8 },
    { "strength", "PROOF", TUI_COLUMN_TEXT, 5, 7 },
    { .key = NULL },
};
static const struct tui_list_spec leaks_spec = { .table = "leaks", .columns = columns, .name = "id", .sort = "" };
static const struct tui_list_spec cycles_spec = { .table = "cycles", .columns = columns, .name = "id", .sort = "" };
static const enum tui_action hints[] = { TUI_OPEN, TUI_NEXT_PANE, TUI_REFERRERS, TUI_FIND, TUI_BACK, TUI_NO_ACTION };

#define OPS(word, action)                                                                                              \
    {                                                                                                                  \
        .name = word, .tab = action, .hints = hints, .destroy = destroy, .ask = ask, .draw = draw, .act = act,         \
        .title = title, .selected = selected, .command = command, .mouse = mouse, .command_line = command_line,        \
        .clear = clear,                                                                                                \
    }
static const struct tui_view_ops leaks_ops = OPS("leaks", TUI_LEAKS);
static const struct tui_view_ops cycles_ops = OPS("cycles", TUI_CYCLES);

static struct tui_view *create(struct tui_app *app, const struct tui_view_ops *ops, const struct tui_list_spec *spec)
{
    struct findings_view *view = calloc(1, sizeof *view);
    if (view == NULL)
        return NULL;
    view->view = (struct tui_view){ .ops = ops, .app = app };
    tui_list_init(&view->list, app, spec);
    return &view->view;
}

struct tui_view *tui_view_leaks(struct tui_app *app, size_t row)
{
    struct tui_view *view = create(app, &leaks_ops, &leaks_spec);
    if (view != NULL)
        as_findings(view)->list.cursor = row;
    return view;
}

struct tui_view *tui_view_cycles(struct tui_app *app)
{
    return create(app, &cycles_ops, &cycles_spec);
}
