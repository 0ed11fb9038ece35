/* strip.c: the strip of time. See strip.h. */
#include "strip.h"

#include <stdio.h>

#include "glyph.h"
#include "marks.h"
#include "trend.h"

enum { TALL = 26, USUAL = 16, LABEL = 7, TOP = 10, VALUES = 1024 };

/* Columns of the canvas for the run from its begin to its end. */
struct scale {
    int x, width;
    uint64_t end_us;
};

static struct scale scale_of(const struct tui_app *app, struct tui_area area)
{
    int width = area.width - LABEL - TOP;
    return (struct scale){ .x = area.x + LABEL, .width = width > 1 ? width : 1, .end_us = tui_trend_end(app) };
}

static int column_of(const struct scale *scale, uint64_t at_us)
{
    if (at_us >= scale->end_us)
        return scale->width - 1;
    return (int)((double)at_us / (double)scale->end_us * scale->width);
}

/* The last moment of a column: what happened in it has happened. */
static uint64_t moment_of(const struct scale *scale, int column)
{
    uint64_t at_us = (uint64_t)((double)scale->end_us * (double)(column + 1) / scale->width);
    return column + 1 >= scale->width ? TUI_AT_NOW : at_us > 1 ? at_us - 1 : 1;
}

static uint64_t shown(const struct tui_app *app, const struct scale *scale)
{
    uint64_t at_us, events;
    if (tui_source_at(app->source) != TUI_AT_NOW)
        return tui_source_at(app->source);
    tui_source_snapshot_at(app->source, &at_us, &events);
    return tui_source_paused(app->source) ? at_us : scale->end_us;
}

/* ---- Drawing ---- */

int tui_strip_height(const struct tui_app *app, const struct tui_view *view, int height)
{
    if (!app->strip.shown && (view->ops->tab != TUI_OVERVIEW || height < USUAL))
        return 0;
    return height >= TALL ? 3 : height >= USUAL ? 2 : 1;
}

static void draw_graph(const struct tui_app *app, struct tui_canvas *canvas, int y, const struct scale *scale,
                       enum tui_series series)
{
    double values[VALUES];
    size_t count = (size_t)(canvas->ascii ? scale->width : scale->width * 2);
    count = count < VALUES ? count : VALUES;
    char top[32];
    double most = 0;
    bool bytes = series == TUI_TREND_BYTES;
    tui_trend(app, series, 0, scale->end_us, values, count);
    for (size_t i = 0; i < count; i++)
        most = values[i] > most ? values[i] : most;
    tui_text(canvas, y, scale->x - LABEL + 1, LABEL - 2, TUI_DIM, bytes ? "bytes" : "objs");
    tui_graph(canvas, y, scale->x, 1, scale->width, bytes ? TUI_GRAPH1 : TUI_GRAPH2, values, count, most);
    tui_text(canvas, y, scale->x + scale->width + 1, TOP - 2, TUI_DIM,
             bytes ? prof_fmt_bytes(top, sizeof top, (uint64_t)most, app->units)
                   : prof_fmt_count(top, sizeof top, (uint64_t)most));
}

/* free_from: the column from which on its name may stand. */
static void draw_tick(const struct tui_app *app, struct tui_canvas *canvas, int y, const struct scale *scale,
                      const struct tui_mark *mark, int *free_from)
{
    int column = column_of(scale, mark->at_us), x = scale->x + column, needs = tui_width(mark->name);
    bool own = tui_mark_is_bookmark(mark);
    if (!tui_mark_is_named(mark) || mark->at_us > tui_trend_end(app))
        return;
    tui_put(canvas, y, x, own ? TUI_WARN : TUI_ACCENT, own ? '*' : tui_glyph(canvas, TUI_GLYPH_TICK));
    if (column >= *free_from && column + 1 + needs < scale->width) {
        tui_text(canvas, y, x + 1, needs, own ? TUI_WARN : TUI_ACCENT, mark->name);
        *free_from = column + needs + 2;
    }
}

static void draw_ruler(const struct tui_app *app, struct tui_canvas *canvas, int y, const struct scale *scale)
{
    char end[32];
    int free_from = 0;
    prof_fmt_duration(end, sizeof end, scale->end_us);
    tui_text(canvas, y, scale->x - LABEL + 1, LABEL - 2, TUI_DIM, "time");
    tui_fill(canvas, y, scale->x, scale->width, TUI_DIM, tui_glyph(canvas, TUI_GLYPH_RULE));
    tui_text(canvas, y, scale->x + scale->width + 1, TOP - 2, TUI_DIM, end);
    for (size_t i = 0; i < tui_marks_count(app); i++)
        draw_tick(app, canvas, y, scale, tui_marks_at(app, i), &free_from);
}

void tui_strip_draw(const struct tui_app *app, struct tui_canvas *canvas, struct tui_area area)
{
    struct scale scale = scale_of(app, area);
    int y = area.y, column = column_of(&scale, shown(app, &scale));
    draw_graph(app, canvas, y++, &scale, TUI_TREND_BYTES);
    if (area.height > 2)
        draw_graph(app, canvas, y++, &scale, TUI_TREND_OBJECTS);
    if (area.height > 1)
        draw_ruler(app, canvas, y++, &scale);
    if (app->strip.focus)
        tui_put(canvas, area.y, area.x, TUI_KEY, tui_glyph(canvas, TUI_GLYPH_CURSOR));
    if (area.height > 1)
        tui_put(canvas, y - 1, scale.x + column, TUI_KEY, tui_glyph(canvas, TUI_GLYPH_UP));
    for (int line = area.y; line < y; line++)
        tui_select(canvas, line, scale.x + column, 1);
}

/* ---- Travelling ---- */

const enum tui_action tui_strip_hints[] = { TUI_LEFT, TUI_RIGHT,    TUI_MARK_EARLIER, TUI_MARK_LATER,
                                            TUI_NOW,  TUI_SET_MARK, TUI_BACK,         TUI_NO_ACTION };

static void step(struct tui_app *app, int by)
{
    struct tui_area area = { .width = app->canvas.width };
    struct scale scale = scale_of(app, area);
    int column = column_of(&scale, shown(app, &scale)) + by;
    if (scale.end_us > 0)
        tui_source_go(app->source, moment_of(&scale, column < 0 ? 0 : column));
}

bool tui_strip_act(struct tui_app *app, enum tui_action action)
{
    switch (action) {
    case TUI_LEFT:
    case TUI_RIGHT:
        step(app, action == TUI_LEFT ? -1 : 1);
        return true;
    case TUI_FIRST:
        tui_source_go(app->source, 1);
        return true;
    case TUI_LAST:
        tui_source_go(app->source, TUI_AT_NOW);
        return true;
    case TUI_OPEN:
    case TUI_BACK:
        app->strip.focus = false;
        return true;
    default:
        return false;
    }
}

bool tui_strip_click(struct tui_app *app, struct tui_area area, const struct tui_mouse *mouse)
{
    struct scale scale = scale_of(app, area);
    int column = mouse->x - scale.x;
    if (mouse->y < area.y || mouse->y >= area.y + area.height)
        return false;
    if (mouse->what == TUI_MOUSE_UP || mouse->what == TUI_MOUSE_DOWN)
        step(app, mouse->what == TUI_MOUSE_UP ? -1 : 1);
    else if (column >= 0 && column < scale.width && scale.end_us > 0)
        tui_source_go(app->source, moment_of(&scale, column));
    return true;
}
