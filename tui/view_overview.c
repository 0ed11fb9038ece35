/* view_overview.c: the first screen: is something wrong, and where do I look. Graphs, generations, findings in short,
 * and what retains most. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "glyph.h"
#include "trend.h"

enum { GRAPH_MOST = 512, SECOND_US = 1000000, WINDOW_US = 60 * SECOND_US };

struct overview {
    struct tui_view view;
    size_t cursor, rows, looks; /* rows: findings, then types; looks: how many are findings */
};

static const json_t *get(const struct tui_view *view, const char *key)
{
    return json_object_get(view->app->summary.answer, key);
}

static uint64_t number(const json_t *object, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* ---- Graphs ---- */

static double largest(const double *values, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++)
        most = values[i] > most ? values[i] : most;
    return most;
}

/* The moment that is looked at. */
static uint64_t moment(const struct tui_view *view)
{
    uint64_t at_us, events, wanted = tui_source_at(view->app->source);
    tui_source_snapshot_at(view->app->source, &at_us, &events);
    return wanted != TUI_AT_NOW ? wanted : at_us;
}

static size_t graph_columns(const struct tui_canvas *canvas, int width)
{
    int columns = canvas->ascii ? width : width * 2;
    return columns < 1 ? 1 : columns < GRAPH_MOST ? (size_t)columns : GRAPH_MOST; /* terminals may be tiny */
}

static void draw_amount(const struct tui_view *view, struct tui_canvas *canvas, int y, int x, int width,
                        enum tui_series series, uint64_t amount, bool tall)
{
    double values[GRAPH_MOST];
    char now[32], peak[48], text[32];
    bool bytes = series == TUI_TREND_BYTES;
    size_t columns = graph_columns(canvas, width);
    tui_trend(view->app, series, 0, moment(view), values, columns);
    values[columns - 1] = (double)amount > values[columns - 1] ? (double)amount : values[columns - 1];
    double most = largest(values, columns);
    if (bytes)
        prof_fmt_bytes(text, sizeof text, (uint64_t)most, view->app->units);
    else
        prof_fmt_count(text, sizeof text, (uint64_t)most);
    if (bytes)
        prof_fmt_bytes(now, sizeof now, amount, view->app->units);
    else
        prof_fmt_count(now, sizeof now, amount);
    snprintf(peak, sizeof peak, "peak %s", text);
    int used = tui_printf(canvas, y, x, width, TUI_HEADER, "%-8s", bytes ? "Bytes" : "Objects");
    used += tui_text(canvas, y, x + used, width - used, TUI_NORMAL, now) + 3;
    tui_text(canvas, y, x + used, width - used, TUI_DIM, peak);
    tui_graph(canvas, y + 1, x, tall ? 2 : 1, width, TUI_GRAPH1, values, columns, most);
}

static void short_rate(double value, char *buf, size_t size)
{
    if (value >= 1e6)
        snprintf(buf, size, "%.1fM", value / 1e6);
    else if (value >= 1e3)
        snprintf(buf, size, "%.1fk", value / 1e3);
    else
        snprintf(buf, size, "%.0f", value);
}

/* Graphs of rates begin here: of a program that runs for longer only the last minute is shown. */
static uint64_t rates_begin(const struct tui_view *view)
{
    uint64_t at_us = moment(view);
    return tui_source_phase(view->app->source) == TUI_LIVE && at_us > WINDOW_US ? at_us - WINDOW_US : 0;
}

static void draw_rate(const struct tui_view *view, struct tui_canvas *canvas, int y, int x, int width,
                      enum tui_series series, const char *name)
{
    double values[GRAPH_MOST], last;
    char now[16], average[16];
    uint64_t at_us = moment(view);
    int room = width - 7 - 16;
    if (room < 4)
        return;
    size_t columns = graph_columns(canvas, room);
    const struct tui_pulse pulse = tui_trend_at(view->app, at_us);
    tui_trend(view->app, series, rates_begin(view), at_us, values, columns);
    tui_trend(view->app, series, at_us > SECOND_US ? at_us - SECOND_US : 0, at_us, &last, 1);
    short_rate(last, now, sizeof now);
    short_rate(tui_trend_value(&pulse, series) * 1e6 / (double)(at_us > 0 ? at_us : 1), average, sizeof average);
    tui_text(canvas, y, x, 7, TUI_DIM, name);
    tui_graph(canvas, y, x + 7, 1, room, TUI_GRAPH2, values, columns, 0);
    tui_number(canvas, y, x + 7 + room, 8, TUI_NORMAL, now);
    tui_number(canvas, y, x + 7 + room + 8, 8, TUI_DIM, average);
}

static int draw_graphs(struct tui_view *view, struct tui_canvas *canvas, struct tui_area area)
{
    const json_t *totals = get(view, "totals");
    int half = area.width / 2, left = half - 4;
    bool tall = area.height >= 18;
    uint64_t bytes = number(totals, "block_bytes"), own = number(totals, "object_bytes");
    int step = tall ? 3 : 2;
    draw_amount(view, canvas, area.y, 1, left, TUI_TREND_OBJECTS, number(totals, "objects"), tall);
    draw_amount(view, canvas, area.y + step, 1, left, TUI_TREND_BYTES, bytes > own ? bytes : own, tall);
    int right = area.width - half - 1;
    tui_text(canvas, area.y, half, right, TUI_HEADER, rates_begin(view) > 0 ? "Rates, last 60 s" : "Rates");
    tui_number(canvas, area.y, area.width - 17, 8, TUI_DIM, "now/s");
    tui_number(canvas, area.y, area.width - 9, 8, TUI_DIM, "avg/s");
    static const char *const names[] = { "born", "died", "ref", "unref" };
    for (int i = 0; i < 4 && i < 2 * step - 1; i++)
        draw_rate(view, canvas, area.y + 1 + i, half, right, (enum tui_series)(TUI_TREND_BORN + i), names[i]);
    return area.y + 2 * step;
}

/* ---- Generations ---- */

enum generation_column { IN_OBJECTS, IN_BYTES, IN_COUNT, IN_PASSES, IN_DIED, IN_FOUND };

static void generation_cell(const struct tui_view *view, const json_t *row, enum generation_column column, char *buf,
                            size_t size)
{
    char count[32], limit[32];
    switch (column) {
    case IN_OBJECTS:
        prof_fmt_count(buf, size, number(row, "objects"));
        break;
    case IN_BYTES:
        prof_fmt_bytes(buf, size, number(row, "bytes"), view->app->units);
        break;
    case IN_COUNT:
        snprintf(buf, size, "%s/%s", prof_fmt_count(count, sizeof count, number(row, "count")),
                 prof_fmt_count(limit, sizeof limit, number(row, "threshold")));
        break;
    case IN_PASSES:
        prof_fmt_count(buf, size, number(row, "passes"));
        break;
    case IN_DIED:
        if (json_is_real(json_object_get(row, "died_share")))
            snprintf(buf, size, "%.1f %%", json_real_value(json_object_get(row, "died_share")) * 100);
        else
            snprintf(buf, size, "-");
        break;
    case IN_FOUND:
        prof_fmt_count(buf, size, number(row, "found"));
        break;
    }
}

/* least: width of the screen from which on it is shown. */
static const struct {
    const char *title;
    int width, least;
} generation_columns[] = {
    [IN_OBJECTS] = { "objects", 10, 0 }, [IN_BYTES] = { "bytes", 10, 0 }, [IN_COUNT] = { "count/limit", 14, 0 },
    [IN_PASSES] = { "passes", 8, 70 },   [IN_DIED] = { "died", 8, 60 },   [IN_FOUND] = { "found", 8, 78 },
};
enum { GENERATION_COLUMNS = sizeof generation_columns / sizeof *generation_columns };

static int draw_generations(struct tui_view *view, struct tui_canvas *canvas, struct tui_area area, int y)
{
    const json_t *generations = get(view, "generations"), *rows = json_object_get(generations, "rows");
    uint64_t all = number(get(view, "totals"), "objects");
    char text[80];
    int bar = area.width >= 100 ? 30 : 12, x = 3 + bar + 1;
    tui_printf(canvas, y, 1, bar + 3, TUI_HEADER, "Generations%s",
               json_is_false(json_object_get(generations, "enabled")) ? " off" : "");
    for (size_t i = 0, at = (size_t)x; i < GENERATION_COLUMNS; i++) {
        if (area.width < generation_columns[i].least)
            continue;
        tui_number(canvas, y, (int)at, generation_columns[i].width, TUI_DIM, generation_columns[i].title);
        at += (size_t)generation_columns[i].width;
    }
    for (size_t g = 0; g < 3; g++) {
        const json_t *row = json_array_get(rows, g);
        int line = y + 1 + (int)g;
        tui_printf(canvas, line, 1, 3, TUI_NORMAL, "%zu", g);
        tui_bar(canvas, line, 3, bar, TUI_GRAPH1, all > 0 ? (double)number(row, "objects") / (double)all : 0);
        for (size_t i = 0, at = (size_t)x; i < GENERATION_COLUMNS; i++) {
            if (area.width < generation_columns[i].least)
                continue;
            generation_cell(view, row, (enum generation_column)i, text, sizeof text);
            tui_number(canvas, line, (int)at, generation_columns[i].width,
                       i == IN_FOUND && number(row, "found") > 0 ? TUI_WARN : TUI_NORMAL, text);
            at += (size_t)generation_columns[i].width;
        }
    }
    return y + 4;
}

/* ---- Rows ---- */

static void draw_cursor(const struct overview *view, struct tui_canvas *canvas, int y, size_t row)
{
    if (row != view->cursor)
        return;
    tui_put(canvas, y, 0, TUI_KEY, tui_glyph(canvas, TUI_GLYPH_CURSOR));
    tui_select(canvas, y, 0, canvas->width);
}

static int draw_looks(struct overview *view, struct tui_canvas *canvas, struct tui_area area, int y, int most)
{
    const json_t *looks = get(&view->view, "looks"), *audit = get(&view->view, "audit");
    size_t count = json_array_size(looks);
    char text[64];
    tui_text(canvas, y, 1, area.width, TUI_HEADER, "What needs a look");
    if (looks == NULL) {
        const char *doing = tui_source_doing(view->view.app->source);
        tui_printf(canvas, y + 1, 3, area.width - 4, TUI_DIM, "%s ...", doing != NULL ? doing : "looking for leaks");
        return y + 2;
    }
    if (tui_source_phase(view->view.app->source) == TUI_LIVE && json_is_true(json_object_get(audit, "end_is_all")))
        tui_text(canvas, y, 20, area.width - 21, TUI_DIM, "so far: it runs, and may still give back what is told here");
    else if (!json_is_true(json_object_get(audit, "certain")))
        tui_printf(canvas, y, 20, area.width - 21, TUI_WARN, "uncertain: %s", text_of(audit, "why"));
    y++;
    unsigned long long suppressed = (unsigned long long)number(view->view.app->summary.answer, "suppressed");
    char without[48] = "";
    if (suppressed > 0)
        snprintf(without, sizeof without, " (%llu suppressed)", suppressed);
    if (count == 0) {
        tui_printf(canvas, y, 3, area.width - 4, json_is_true(json_object_get(audit, "certain")) ? TUI_GOOD : TUI_WARN,
                   "No leak found%s. %s objects are alive; %s events, %llu lost.", without,
                   prof_fmt_count(text, sizeof text, number(get(&view->view, "totals"), "objects")),
                   prof_fmt_count((char[32]){ "" }, 32, number(get(&view->view, "totals"), "events")),
                   (unsigned long long)number(audit, "lost"));
        return y + 1;
    }
    int shown = 0;
    for (; shown < (int)count && shown < most; shown++, y++) {
        const json_t *look = json_array_get(looks, (size_t)shown);
        bool gating = json_is_true(json_object_get(look, "gating"));
        const char *action = text_of(look, "action"), *site = text_of(look, "site"),
                   *subject_text = text_of(look, "subject");
        int place = area.width / 3, subject = area.width - place - 14,
            rest = area.width - 12 - tui_width(subject_text) - 3;
        bool tells = tui_width(action) <= rest; /* what to do, where there is room; else where */
        if (tells) {
            place = place > tui_width(action) ? place : tui_width(action);
            subject = area.width - place - 14;
        }
        tui_put(canvas, y, 1, gating ? TUI_BAD : TUI_WARN, gating ? '!' : '~');
        tui_text(canvas, y, 3, 8, gating ? TUI_BAD : TUI_WARN, text_of(look, "headline"));
        tui_text(canvas, y, 12, subject, TUI_NORMAL, subject_text);
        tui_text(canvas, y, area.width - place - 1, place, tells ? TUI_NORMAL : TUI_PLACE, tells ? action : site);
        draw_cursor(view, canvas, y, (size_t)shown);
    }
    view->rows = view->looks = (size_t)shown;
    return y;
}

static void draw_biggest(struct overview *view, struct tui_canvas *canvas, struct tui_area area, int y)
{
    const json_t *biggest = get(&view->view, "biggest");
    char text[48];
    int name = area.width / 3, bar = area.width >= 100 ? 30 : 14, x = name + 2;
    if (y + 1 >= area.y + area.height)
        return;
    tui_text(canvas, y, 1, name, TUI_HEADER, "Biggest by retained size");
    tui_number(canvas, y, x, 9, TUI_DIM, "objs");
    tui_number(canvas, y, x + 9, 11, TUI_DIM, "shallow");
    tui_number(canvas, y, x + 20, 11, TUI_DIM, "retained");
    if (biggest == NULL)
        tui_text(canvas, y + 1, 3, area.width - 4, TUI_DIM, "counting what is retained ...");
    for (size_t i = 0; i < json_array_size(biggest) && y + 1 < area.y + area.height; i++) {
        const json_t *row = json_array_get(biggest, i);
        y++;
        tui_name(canvas, y, 1, name, TUI_ACCENT, text_of(row, "type"));
        tui_number(canvas, y, x, 9, TUI_NORMAL, prof_fmt_count(text, sizeof text, number(row, "live")));
        tui_number(canvas, y, x + 9, 11, TUI_NORMAL,
                   prof_fmt_bytes(text, sizeof text, number(row, "flat"), view->view.app->units));
        tui_number(canvas, y, x + 20, 11, TUI_NORMAL,
                   prof_fmt_bytes(text, sizeof text, number(row, "retained"), view->view.app->units));
        if (x + 33 + bar <= area.width)
            tui_bar(canvas, y, x + 33, bar, TUI_GRAPH1, json_real_value(json_object_get(row, "share")));
        draw_cursor(view, canvas, y, view->rows++);
    }
}

static void draw_empty(const struct tui_view *view, struct tui_canvas *canvas, struct tui_area area)
{
    const struct tui_app *app = view->app;
    const char *doing = tui_source_doing(app->source), *trouble = tui_source_trouble(app->source);
    uint64_t done, all;
    char read[32], whole[32];
    tui_source_progress(app->source, &done, &all);
    if (trouble != NULL) {
        tui_text(canvas, area.y + 2, 3, area.width - 4, TUI_BAD, trouble);
        return;
    }
    tui_printf(canvas, area.y + 2, 3, area.width - 4, TUI_NORMAL, "Reading %s   %s of %s", app->name,
               prof_fmt_bytes(read, sizeof read, done, PROF_UNITS_IEC),
               prof_fmt_bytes(whole, sizeof whole, all, PROF_UNITS_IEC));
    if (doing != NULL)
        tui_printf(canvas, area.y + 4, 3, area.width - 4, TUI_DIM, "%s ...", doing);
}

static void draw(struct tui_view *base, struct tui_canvas *canvas, struct tui_area area)
{
    struct overview *view = (struct overview *)base;
    const json_t *error = json_object_get(base->app->summary.answer, "error");
    view->rows = view->looks = 0;
    if (base->app->summary.answer == NULL) {
        draw_empty(base, canvas, area);
        return;
    }
    if (error != NULL) {
        tui_text(canvas, area.y + 2, 3, area.width - 4, TUI_BAD, json_string_value(error));
        return;
    }
    int y = draw_graphs(base, canvas, area);
    y = draw_generations(base, canvas, area, y + (area.height >= 20));
    int left = area.y + area.height - y - 1, most = left > 9 ? left * 2 / 3 : left - 3;
    y = draw_looks(view, canvas, area, y + (left > 8), most > 1 ? most : 1);
    draw_biggest(view, canvas, area, y + (left > 10));
    if (view->cursor >= view->rows && view->rows > 0)
        view->cursor = view->rows - 1;
}

/* ---- Actions ---- */

static void destroy(struct tui_view *view)
{
    free(view);
}

static void open_row(struct overview *view)
{
    struct tui_app *app = view->view.app;
    if (view->cursor < view->looks) {
        tui_app_open(app, tui_view_leaks(app, view->cursor));
        return;
    }
    const char *type = text_of(json_array_get(get(&view->view, "biggest"), view->cursor - view->looks), "type");
    if (type[0] != '\0')
        tui_app_open(app, tui_view_objects(app, type));
}

static bool act(struct tui_view *base, enum tui_action action)
{
    struct overview *view = (struct overview *)base;
    switch (action) {
    case TUI_UP:
        view->cursor -= view->cursor > 0;
        return true;
    case TUI_DOWN:
        view->cursor += view->cursor + 1 < view->rows;
        return true;
    case TUI_OPEN:
        open_row(view);
        return true;
    default:
        return false;
    }
}

static void title(const struct tui_view *base, char *buf, size_t size)
{
    const struct overview *view = (const struct overview *)base;
    snprintf(buf, size, "line %zu of %zu", view->rows > 0 ? view->cursor + 1 : 0, view->rows);
}

static const enum tui_action hints[] = { TUI_OPEN, TUI_PAUSE, TUI_EXPORT, TUI_NO_ACTION };
static void command_line(const struct tui_view *view, char *buf, size_t size)
{
    (void)view;
    snprintf(buf, size, "reftrack report TRACE");
}

static const struct tui_view_ops ops = {
    .name = "overview",
    .command_line = command_line,
    .tab = TUI_OVERVIEW,
    .hints = hints,
    .destroy = destroy,
    .draw = draw,
    .act = act,
    .title = title,
};

struct tui_view *tui_view_overview(struct tui_app *app)
{
    struct overview *view = calloc(1, sizeof *view);
    if (view == NULL)
        return NULL;
    view->view = (struct tui_view){ .ops = &ops, .app = app };
    return &view->view;
}
