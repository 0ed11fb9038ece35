/* view_source.c: a source file with what happened at each of its lines. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "editor.h"
#include "glyph.h"
#include "said.h"

enum { WINDOW = 300, BEFORE = 100, WIDE = 80, NUMBER = 6 };

static const struct {
    const char *key, *title, *words;
    int width;
    bool narrow; /* also where there is little room */
} columns[] = {
    { "bytes", "BYTES", "live bytes", 9, true },          { "objects", "OBJS", "objects alive", 6, false },
    { "open", "OPEN", "open references", 6, true },       { "refs", "REFS", "references taken", 6, false },
    { "unrefs", "UNREFS", "references given", 6, false },
};
enum { COLUMNS = sizeof columns / sizeof *columns };

struct source_view {
    struct tui_view view;
    struct tui_query query;
    char *file;
    bool any;      /* sums of all frames, not of sites alone */
    int metric;    /* index of columns */
    size_t cursor; /* row: of the text, or of the lines with numbers when there is no text */
    size_t top, page;
    uint32_t begin; /* the line that it was opened at; 0 once the cursor is there */
    char find[128];
    bool seek, seek_back;
    struct tui_area area;
};

static struct source_view *as_source(struct tui_view *base)
{
    return (struct source_view *)base;
}

/* ---- Lines ------------------------------------------------------------------------------------------------------- */

static const json_t *hot_of(const struct source_view *view)
{
    return json_object_get(view->query.answer, "hot");
}

static bool has_text(const struct source_view *view)
{
    return json_is_true(json_object_get(view->query.answer, "text"));
}

static size_t rows_of(const struct source_view *view)
{
    return has_text(view) ? (size_t)tui_said_number(view->query.answer, "total") : json_array_size(hot_of(view));
}

/* The index of the first line with numbers that is not before this one. */
static size_t hot_from(const struct source_view *view, uint64_t line)
{
    const json_t *hot = hot_of(view);
    size_t low = 0, high = json_array_size(hot);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tui_said_number(json_array_get(hot, middle), "line") < line)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Lines count from 1, rows from 0. */
static uint64_t line_of(const struct source_view *view, size_t row)
{
    return has_text(view) ? row + 1 : tui_said_number(json_array_get(hot_of(view), row), "line");
}

static size_t row_of(const struct source_view *view, uint64_t line)
{
    return has_text(view) ? (size_t)line - 1 : hot_from(view, line);
}

/* What is known of a line; NULL: nothing happened there. */
static const json_t *known(const struct source_view *view, uint64_t line)
{
    const json_t *hot = json_array_get(hot_of(view), hot_from(view, line));
    return hot != NULL && tui_said_number(hot, "line") == line ? hot : NULL;
}

static const json_t *sum_of(const struct source_view *view, const json_t *hot)
{
    return json_object_get(hot, view->any ? "any" : "site");
}

static bool is_hot(const struct source_view *view, size_t hot)
{
    const json_t *sum = sum_of(view, json_array_get(hot_of(view), hot));
    return tui_said_number(sum, "events") > 0 || tui_said_number(sum, "blocks") > 0;
}

/* ---- Asking ------------------------------------------------------------------------------------------------------ */

static void destroy(struct tui_view *base)
{
    struct source_view *view = as_source(base);
    tui_source_forget(base->app->source, &view->query);
    free(view->file);
    free(view);
}

static void keep_in_view(struct source_view *view)
{
    size_t rows = rows_of(view);
    if (view->cursor >= rows)
        view->cursor = rows > 0 ? rows - 1 : 0;
    if (view->cursor < view->top)
        view->top = view->cursor;
    if (view->cursor >= view->top + view->page)
        view->top = view->cursor - view->page + 1;
    if (view->top + view->page > rows)
        view->top = rows > view->page ? rows - view->page : 0;
}

static void take_answer(struct source_view *view)
{
    const json_t *found = json_object_get(view->query.answer, "found");
    if (view->query.answer == NULL || view->query.number != 0)
        return;
    if (view->begin != 0) {
        view->cursor = row_of(view, view->begin);
        view->top = view->cursor > view->page / 2 ? view->cursor - view->page / 2 : 0;
        view->begin = 0;
    }
    if (view->seek && found != NULL) {
        view->seek = false;
        if (json_is_integer(found))
            view->cursor = (size_t)json_integer_value(found);
        else
            tui_app_say(view->view.app, TUI_WARN, "'%s' was not found", view->find);
    }
}

static void ask(struct tui_view *base)
{
    struct source_view *view = as_source(base);
    size_t first = (size_t)tui_said_number(view->query.answer, "first"),
           count = json_array_size(json_object_get(view->query.answer, "lines")), rows;
    take_answer(view);
    keep_in_view(view);
    rows = rows_of(view);
    bool covered =
        view->query.answer != NULL &&
        (!has_text(view) || (view->top >= first && (view->top + view->page <= first + count || first + count >= rows)));
    if (!covered)
        first = view->top > BEFORE ? view->top - BEFORE : 0;
    if (view->begin > WINDOW / 2 && view->query.answer == NULL)
        first = view->begin - WINDOW / 2;
    json_t *question = json_pack("{s:s,s:s,s:I,s:i}", "ask", "source", "file", view->file, "first", (json_int_t)first,
                                 "count", WINDOW);
    if (view->seek) {
        json_object_set_new(question, "find", json_string(view->find));
        json_object_set_new(question, "after", json_integer((json_int_t)view->cursor));
        json_object_set_new(question, "back", json_boolean(view->seek_back));
    }
    tui_source_ask(base->app->source, &view->query, question);
}

/* ---- Drawing ----------------------------------------------------------------------------------------------------- */

static void draw_numbers(const struct source_view *view, struct tui_canvas *canvas, int y, const json_t *hot)
{
    char text[64];
    const json_t *sum = sum_of(view, hot);
    int x = view->area.x + 1;
    for (int i = 0; i < COLUMNS; i++) {
        if (view->area.width < WIDE && !columns[i].narrow)
            continue;
        uint64_t value = tui_said_number(sum, columns[i].key);
        bool guessed = i == 2 && tui_said_number(sum, "guessed") > 0;
        if (i == 0)
            prof_fmt_bytes(text, sizeof text, value, view->view.app->units);
        else
            snprintf(text, sizeof text, "%s%llu", guessed ? "~" : "", (unsigned long long)value);
        if (value > 0)
            tui_number(canvas, y, x, columns[i].width, i == view->metric ? TUI_ACCENT : TUI_NORMAL, text);
        x += columns[i].width + 1;
    }
}

static int draw_header(const struct source_view *view, struct tui_canvas *canvas, int y)
{
    int x = view->area.x + 1;
    for (int i = 0; i < COLUMNS; i++) {
        if (view->area.width < WIDE && !columns[i].narrow)
            continue;
        tui_number(canvas, y, x, columns[i].width, i == view->metric ? TUI_SORTED : TUI_HEADER, columns[i].title);
        x += columns[i].width + 1;
    }
    tui_number(canvas, y, x, NUMBER, TUI_HEADER, "LINE");
    return x;
}

static void draw_line(const struct source_view *view, struct tui_canvas *canvas, int y, int x, size_t row)
{
    const json_t *lines = json_object_get(view->query.answer, "lines");
    size_t first = (size_t)tui_said_number(view->query.answer, "first");
    const json_t *text = row >= first ? json_array_get(lines, row - first) : NULL;
    uint64_t line = line_of(view, row);
    const json_t *hot = known(view, line);
    char number[32];
    int right = view->area.x + view->area.width - 1;
    if (hot != NULL)
        draw_numbers(view, canvas, y, hot);
    snprintf(number, sizeof number, "%llu", (unsigned long long)line);
    tui_number(canvas, y, x, NUMBER, hot != NULL ? TUI_PLACE : TUI_DIM, number);
    x += NUMBER + 1;
    if (hot != NULL && json_is_true(json_object_get(hot, "inlined")))
        tui_put(canvas, y, x - 1, TUI_DIM, 'i');
    if (json_is_string(text))
        tui_text(canvas, y, x + 1, right - x - 1, TUI_NORMAL, json_string_value(text));
    else
        tui_text(canvas, y, x + 1, right - x - 1, TUI_DIM, has_text(view) ? "..." : "(no text)");
    if (view->find[0] != '\0')
        tui_match(canvas, y, x, right - x, view->find);
}

static void draw(struct tui_view *base, struct tui_canvas *canvas, struct tui_area area)
{
    struct source_view *view = as_source(base);
    const char *error = tui_said(view->query.answer, "error"), *words = tui_said(view->query.answer, "words"),
               *path = tui_said(view->query.answer, "path"), *trouble = tui_source_trouble(base->app->source);
    view->area = area;
    view->page = area.height > 2 ? (size_t)area.height - 2 : 1;
    if (view->query.answer == NULL || error[0] != '\0') {
        tui_text(canvas, area.y + 1, area.x + 2, area.width - 3,
                 error[0] != '\0' || trouble != NULL ? TUI_BAD : TUI_DIM,
                 error[0] != '\0'  ? error
                 : trouble != NULL ? trouble
                                   : "adding up the stacks ...");
        return;
    }
    keep_in_view(view);
    int x = 1 + tui_name(canvas, area.y, 1, words[0] != '\0' ? area.width / 3 : area.width - 2, TUI_PLACE,
                         path[0] != '\0' ? path : view->file);
    if (words[0] != '\0')
        tui_text(canvas, area.y, x + 1, area.width - x - 2, TUI_WARN, words);
    x = draw_header(view, canvas, area.y + 1);
    for (size_t row = view->top; row < rows_of(view) && row < view->top + view->page; row++) {
        int y = area.y + 2 + (int)(row - view->top);
        draw_line(view, canvas, y, x, row);
        if (row == view->cursor) {
            tui_put(canvas, y, area.x, TUI_KEY, tui_glyph(canvas, TUI_GLYPH_CURSOR));
            tui_select(canvas, y, area.x, area.width);
        }
    }
}

/* ---- Actions ----------------------------------------------------------------------------------------------------- */

/* To the next line with a number, or to the one before. */
static void to_hot(struct source_view *view, bool back)
{
    uint64_t line = line_of(view, view->cursor);
    size_t count = json_array_size(hot_of(view)), i = hot_from(view, back ? line : line + 1);
    while (back ? i-- > 0 : i < count) {
        if (is_hot(view, i)) {
            view->cursor = row_of(view, tui_said_number(json_array_get(hot_of(view), i), "line"));
            return;
        }
        i += !back;
    }
    tui_app_say(view->view.app, TUI_NORMAL, "no line %s has a number", back ? "before" : "behind");
}

static void to_hottest(struct source_view *view)
{
    uint64_t most = 0;
    for (size_t i = 0; i < json_array_size(hot_of(view)); i++) {
        const json_t *hot = json_array_get(hot_of(view), i);
        uint64_t value = tui_said_number(sum_of(view, hot), columns[view->metric].key);
        if (value > most) {
            most = value;
            view->cursor = row_of(view, tui_said_number(hot, "line"));
        }
    }
}

static void seek(struct source_view *view, bool back)
{
    if (view->find[0] == '\0' || !has_text(view)) {
        tui_app_say(view->view.app, TUI_WARN,
                    has_text(view) ? "nothing to find: / asks for a text" : "there is no text to look through");
        return;
    }
    view->seek = true;
    view->seek_back = back;
}

static void open_objects(struct source_view *view)
{
    const char *base = strrchr(view->file, '/');
    unsigned line = (unsigned)line_of(view, view->cursor);
    const json_t *hot = known(view, line);
    char words[200];
    if (hot == NULL || tui_said_number(sum_of(view, hot), "objects") == 0) {
        tui_app_say(view->view.app, TUI_NORMAL, "no object that is alive was born %s this line%s",
                    view->any ? "through" : "at", view->any ? "" : "; t counts all frames");
        return;
    }
    snprintf(words, sizeof words, "%.150s:%u", base != NULL ? base + 1 : view->file, line);
    tui_app_open(view->view.app, tui_view_objects_under(view->view.app, words,
                                                        json_pack("{s:s,s:I,s:b}", "file", view->file, "line",
                                                                  (json_int_t)line, "any", view->any)));
}

static bool move(struct source_view *view, enum tui_action action)
{
    size_t rows = rows_of(view), last = rows > 0 ? rows - 1 : 0, step = 1;
    if (action == TUI_PAGE_UP || action == TUI_PAGE_DOWN)
        step = view->page;
    else if (action == TUI_HALF_UP || action == TUI_HALF_DOWN)
        step = view->page / 2 + 1;
    switch (action) {
    case TUI_UP:
    case TUI_PAGE_UP:
    case TUI_HALF_UP:
        view->cursor = view->cursor > step ? view->cursor - step : 0;
        return true;
    case TUI_DOWN:
    case TUI_PAGE_DOWN:
    case TUI_HALF_DOWN:
        view->cursor = view->cursor + step < last ? view->cursor + step : last;
        return true;
    case TUI_FIRST:
        view->cursor = 0;
        return true;
    case TUI_LAST:
        view->cursor = last;
        return true;
    case TUI_SIBLING_NEXT:
    case TUI_SIBLING_PREVIOUS:
        to_hot(view, action == TUI_SIBLING_PREVIOUS);
        return true;
    case TUI_BIGGEST:
        to_hottest(view);
        return true;
    default:
        return false;
    }
}

static bool act(struct tui_view *base, enum tui_action action)
{
    struct source_view *view = as_source(base);
    if (move(view, action))
        return true;
    switch (action) {
    case TUI_OPEN:
        open_objects(view);
        return true;
    case TUI_EDIT:
        tui_editor_open(base->app, view->file, (unsigned)line_of(view, view->cursor));
        return true;
    case TUI_INVERT:
        view->any = !view->any;
        return true;
    case TUI_SORT_NEXT:
    case TUI_SORT_PREVIOUS:
        view->metric = (view->metric + (action == TUI_SORT_NEXT ? 1 : COLUMNS - 1)) % COLUMNS;
        return true;
    case TUI_FIND_NEXT:
    case TUI_FIND_PREVIOUS:
        seek(view, action == TUI_FIND_PREVIOUS);
        return true;
    default:
        return false;
    }
}

static bool command(struct tui_view *base, const char *word, const char *rest)
{
    struct source_view *view = as_source(base);
    if (strcmp(word, "find") != 0)
        return false;
    snprintf(view->find, sizeof view->find, "%s", rest);
    if (rest[0] != '\0')
        seek(view, false);
    return true;
}

static bool clear(struct tui_view *base)
{
    struct source_view *view = as_source(base);
    bool any = view->find[0] != '\0';
    view->find[0] = '\0';
    return any;
}

static void mouse(struct tui_view *base, const struct tui_mouse *what)
{
    struct source_view *view = as_source(base);
    size_t row = view->top + (size_t)(what->y - view->area.y - 2);
    if (what->what == TUI_MOUSE_UP || what->what == TUI_MOUSE_DOWN) {
        for (int i = 0; i < tui_option_wheel(&base->app->config.settings); i++)
            move(view, what->what == TUI_MOUSE_UP ? TUI_UP : TUI_DOWN);
    } else if (what->y >= view->area.y + 2 && row < rows_of(view)) {
        bool again = row == view->cursor;
        view->cursor = row;
        if (again || what->what == TUI_MOUSE_DOUBLE)
            tui_app_act(base->app, TUI_OPEN);
    }
}

static void title(const struct tui_view *base, char *buf, size_t size)
{
    const struct source_view *view = (const struct source_view *)base;
    const char *name = strrchr(view->file, '/');
    snprintf(buf, size, "%s:%llu   %s   %s%s%s", name != NULL ? name + 1 : view->file,
             (unsigned long long)line_of(view, view->cursor), columns[view->metric].words,
             view->any ? "all frames" : "sites alone", view->find[0] != '\0' ? "   find " : "", view->find);
}

static const enum tui_action hints[] = { TUI_OPEN, TUI_SIBLING_NEXT, TUI_BIGGEST, TUI_INVERT,
                                         TUI_EDIT, TUI_FIND,         TUI_BACK,    TUI_NO_ACTION };
static const struct tui_view_ops ops = {
    .name = "source",
    .hints = hints,
    .destroy = destroy,
    .ask = ask,
    .draw = draw,
    .act = act,
    .title = title,
    .command = command,
    .mouse = mouse,
    .clear = clear,
};

struct tui_view *tui_view_source(struct tui_app *app, const char *file, unsigned line)
{
    struct source_view *view = calloc(1, sizeof *view);
    if (view == NULL)
        return NULL;
    *view = (struct source_view){ .view = { .ops = &ops, .app = app }, .begin = line, .page = 1 };
    view->file = strdup(file);
    if (view->file != NULL)
        return &view->view;
    free(view);
    return NULL;
}
