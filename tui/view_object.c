/* view_object.c: one object: its count and where its references are, its sizes, balance by site, history. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "evidence.h"

struct object_view {
    struct tui_view view;
    struct tui_query query;
    struct tui_lines lines;
    uint64_t drawn; /* version of the answer that the lines were made of */
    enum prof_units drawn_units;
    char of[512];
};

static void destroy(struct tui_view *base)
{
    struct object_view *view = (struct object_view *)base;
    tui_source_forget(base->app->source, &view->query);
    tui_lines_deinit(&view->lines);
    free(view);
}

static void ask(struct tui_view *base)
{
    struct object_view *view = (struct object_view *)base;
    tui_source_ask(base->app->source, &view->query, json_pack("{s:s,s:s}", "ask", "object", "of", view->of));
}

static void draw(struct tui_view *base, struct tui_canvas *canvas, struct tui_area area)
{
    struct object_view *view = (struct object_view *)base;
    if (view->query.answer == NULL) {
        tui_text(canvas, area.y + 1, 2, area.width - 3, TUI_DIM, "asking ...");
        return;
    }
    if (view->drawn != view->query.version || view->drawn_units != base->app->units) {
        tui_evidence_of_object(&view->lines, view->query.answer, base->app->units);
        view->drawn = view->query.version;
        view->drawn_units = base->app->units;
    }
    tui_lines_draw(&view->lines, canvas, area, true);
}

static bool act(struct tui_view *base, enum tui_action action)
{
    struct object_view *view = (struct object_view *)base;
    if (action == TUI_OPEN) {
        tui_app_open(base->app, tui_view_links(base->app, view->of, true));
        return true;
    }
    return tui_lines_act(&view->lines, action);
}

static void title(const struct tui_view *base, char *buf, size_t size)
{
    const struct object_view *view = (const struct object_view *)base;
    snprintf(buf, size, "%s   line %zu of %zu", view->of, view->lines.count > 0 ? view->lines.cursor + 1 : 0,
             view->lines.count);
}

static const char *selected(const struct tui_view *base)
{
    return ((const struct object_view *)base)->of;
}

static void command_line(const struct tui_view *base, char *buf, size_t size)
{
    snprintf(buf, size, "reftrack show TRACE '%s'", ((const struct object_view *)base)->of);
}

static const enum tui_action hints[] = { TUI_REFERRERS, TUI_REFERENTS, TUI_COPY, TUI_BACK, TUI_NO_ACTION };
static const struct tui_view_ops ops = {
    .name = "object",
    .hints = hints,
    .destroy = destroy,
    .ask = ask,
    .draw = draw,
    .act = act,
    .title = title,
    .selected = selected,
    .command_line = command_line,
};

struct tui_view *tui_view_object(struct tui_app *app, const char *of)
{
    struct object_view *view = calloc(1, sizeof *view);
    if (view == NULL)
        return NULL;
    view->view = (struct tui_view){ .ops = &ops, .app = app };
    snprintf(view->of, sizeof view->of, "%s", of);
    return &view->view;
}
