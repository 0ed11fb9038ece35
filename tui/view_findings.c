/* view_findings.c: leaks and cycles: the list, and all the evidence for the selected one below it or beside it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "list.h"
#include "page.h"
#include "pane.h"

struct findings_view {
    struct tui_view view;
    struct tui_list list;
    struct tui_pane pane;
    struct tui_area area; /* of the list */
};

static struct findings_view *as_findings(struct tui_view *view)
{
    return (struct findings_view *)view;
}

static void destroy(struct tui_view *base)
{
    tui_list_deinit(&as_findings(base)->list);
    tui_pane_deinit(&as_findings(base)->pane);
    free(base);
}

static void ask(struct tui_view *base)
{
    struct findings_view *view = as_findings(base);
    tui_list_ask(&view->list);
    tui_pane_ask(&view->pane, "finding", tui_list_cell(&view->list, "number"));
}

static void draw(struct tui_view *base, struct tui_canvas *canvas, struct tui_area area)
{
    struct findings_view *view = as_findings(base);
    struct tui_area beside;
    if (view->list.total == 0 && view->list.query.answer != NULL && view->list.where[0] == '\0') {
        const json_t *audit = json_object_get(base->app->summary.answer, "audit");
        bool certain = json_is_true(json_object_get(audit, "certain"));
        const char *why = json_string_value(json_object_get(audit, "why"));
        tui_printf(canvas, area.y + 1, 2, area.width - 3, certain ? TUI_GOOD : TUI_WARN, "No %s found%s%s.",
                   view->list.spec->table[0] == 'c' ? "cycle" : "leak",
                   certain ? "" : ", but uncertain: ", certain || why == NULL ? "" : why);
        return;
    }
    tui_pane_divide(&view->pane, area, view->list.total + 1, &view->area, &beside);
    if (view->area.height > 0)
        tui_list_draw(&view->list, canvas, view->area);
    if (view->list.total > 0)
        tui_pane_draw(&view->pane, canvas, beside);
}

/* The first object of the finding; NULL: it has none. */
static const char *example(const struct findings_view *view)
{
    return json_string_value(json_array_get(json_object_get(view->pane.query.answer, "samples"), 0));
}

static bool act(struct tui_view *base, enum tui_action action)
{
    struct findings_view *view = as_findings(base);
    bool in_pane = view->pane.focus;
    if (tui_pane_act(&view->pane, action))
        return true;
    if (action == TUI_OPEN && !in_pane) {
        view->pane.focus = true;
        return true;
    }
    if (action == TUI_OPEN && example(view) != NULL) { /* a line that is about nothing leads to the example */
        tui_page_open_target(base->app, example(view));
        return true;
    }
    const char *number = tui_list_cell(&view->list, "number");
    if (action == TUI_IGNORE && number != NULL) {
        tui_app_open(base->app, tui_view_ignore(base->app, number));
        return true;
    }
    return tui_list_act(&view->list, action);
}

static const char *selected(const struct tui_view *base)
{
    const struct findings_view *view = (const struct findings_view *)base;
    const char *object = tui_pane_selected(&view->pane);
    object = object != NULL ? object : example(view);
    return object != NULL ? object : "";
}

static void title(const struct tui_view *base, char *buf, size_t size)
{
    const struct tui_list *list = &((const struct findings_view *)base)->list;
    const char *trouble = json_string_value(json_object_get(list->query.answer, "trouble"));
    tui_list_title(list, buf, size);
    size_t used = strlen(buf);
    if (trouble != NULL)
        snprintf(buf + used, size - used, "   no suppressions: %s", trouble);
}

static bool command(struct tui_view *base, const char *word, const char *rest)
{
    return tui_list_command(&as_findings(base)->list, word, rest);
}

static void mouse(struct tui_view *base, const struct tui_mouse *what)
{
    if (tui_pane_mouse(&as_findings(base)->pane, what))
        return;
    as_findings(base)->pane.focus = false;
    tui_list_mouse(&as_findings(base)->list, what, as_findings(base)->area);
}

static struct tui_list *list_of(struct tui_view *base)
{
    return &as_findings(base)->list;
}

static bool clear(struct tui_view *base)
{
    struct findings_view *view = as_findings(base);
    return tui_pane_leave(&view->pane) || tui_list_clear(&view->list);
}

static void command_line(const struct tui_view *base, char *buf, size_t size)
{
    const struct tui_list *list = &((const struct findings_view *)base)->list;
    const char *at = tui_source_suppressions(base->app->source);
    char path[1024];
    snprintf(buf, size, "reftrack %s TRACE%s", list->spec->table,
             list->all && list->spec->table[0] == 'l' ? " --all" : "");
    for (; *at != '\0'; at += strcspn(at, "\n") + 1) {
        size_t used = strlen(buf);
        snprintf(path, sizeof path, "%.*s", (int)strcspn(at, "\n"), at);
        snprintf(buf + used, size - used, " --suppressions ");
        tui_command_quote(buf, size, path);
    }
}

static const struct tui_column columns[] = {
    { "headline", "WHAT", TUI_COLUMN_ALERT, 0, 8 },    { "objects", "OBJS", TUI_COLUMN_NUMBER, 0, 5 },
    { "bytes", "BYTES", TUI_COLUMN_NUMBER, 1, 8 },     { "retained", "RETAINED", TUI_COLUMN_NUMBER, 3, 8 },
    { "type", "TYPE", TUI_COLUMN_NAME, 0, 12 },        { "site", "WHERE", TUI_COLUMN_PLACE, 0, 16 },
    { "verdict", "VERDICT", TUI_COLUMN_TEXT, 4, 8 },   { "strength", "PROOF", TUI_COLUMN_TEXT, 5, 7 },
    { "excluded", "EXCLUDED", TUI_COLUMN_TEXT, 2, 0 }, { .key = NULL },
};
static const struct tui_list_spec leaks_spec = { .table = "leaks",
                                                 .columns = columns,
                                                 .name = "fingerprint",
                                                 .matches = "type site headline verdict",
                                                 .sort = "",
                                                 .excludes = "excluded" };
static const struct tui_list_spec cycles_spec = { .table = "cycles",
                                                  .columns = columns,
                                                  .name = "fingerprint",
                                                  .matches = "type site headline verdict",
                                                  .sort = "",
                                                  .excludes = "excluded" };
static const enum tui_action hints[] = { TUI_OPEN, TUI_NEXT_PANE, TUI_IGNORE, TUI_EXCLUDED, TUI_REFERRERS,
                                         TUI_SORT, TUI_FIND,      TUI_BACK,   TUI_NO_ACTION };

#define OPS(word, action)                                                                                              \
    {                                                                                                                  \
        .name = word, .tab = action, .hints = hints, .destroy = destroy, .ask = ask, .draw = draw, .act = act,         \
        .title = title, .selected = selected, .command = command, .mouse = mouse, .command_line = command_line,        \
        .clear = clear, .list = list_of,                                                                               \
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
    tui_pane_init(&view->pane, app, true);
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
