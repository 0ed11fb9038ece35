/* lines.c: texts of labelled lines. See lines.h. */
#include "lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/vec.h>

#include "glyph.h"

void tui_lines_clear(struct tui_lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        for (int k = 0; k < TUI_LINE_SPANS; k++)
            free(lines->items[i].span[k].text);
        free(lines->items[i].target);
        json_decref(lines->items[i].place);
    }
    lines->count = 0;
}

void tui_lines_deinit(struct tui_lines *lines)
{
    tui_lines_clear(lines);
    prof_vec_deinit(lines);
}

__attribute__((format(printf, 3, 0))) static void put_span(struct tui_lines *lines, enum tui_role role,
                                                           const char *format, va_list args)
{
    if (lines->count == 0)
        return;
    struct tui_line *line = &lines->items[lines->count - 1];
    int k = 0;
    while (k < TUI_LINE_SPANS && line->span[k].text != NULL)
        k++;
    if (k == TUI_LINE_SPANS) { /* it goes on as the last one, whatever it is */
        char *more = NULL, *whole = NULL;
        if (vasprintf(&more, format, args) >= 0 && asprintf(&whole, "%s%s", line->span[k - 1].text, more) >= 0) {
            free(line->span[k - 1].text);
            line->span[k - 1].text = whole;
        }
        free(more);
        return;
    }
    line->span[k].role = role;
    if (vasprintf(&line->span[k].text, format, args) < 0)
        line->span[k].text = NULL;
}

void tui_lines_add(struct tui_lines *lines, const char *label, enum tui_role role, const char *format, ...)
{
    struct tui_line line = { .label = "" };
    va_list args;
    line.aligned = label != NULL;
    snprintf(line.label, sizeof line.label, "%s", label != NULL ? label : "");
    if (!prof_vec_push(lines, line))
        return;
    va_start(args, format);
    put_span(lines, role, format, args);
    va_end(args);
}

void tui_lines_span(struct tui_lines *lines, enum tui_role role, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put_span(lines, role, format, args);
    va_end(args);
}

void tui_lines_hang(struct tui_lines *lines, int columns)
{
    if (lines->count > 0)
        lines->items[lines->count - 1].hang = columns;
}

void tui_lines_target(struct tui_lines *lines, const char *object)
{
    if (lines->count == 0 || object == NULL)
        return;
    free(lines->items[lines->count - 1].target);
    lines->items[lines->count - 1].target = strdup(object);
}

void tui_lines_place(struct tui_lines *lines, json_t *place)
{
    if (lines->count == 0 || !json_is_object(place))
        return;
    json_decref(lines->items[lines->count - 1].place);
    lines->items[lines->count - 1].place = json_incref(place);
}

void tui_lines_heading(struct tui_lines *lines, const char *word)
{
    tui_lines_add(lines, NULL, TUI_HEADER, "%s", word);
    if (lines->count > 0)
        lines->items[lines->count - 1].heading = true;
}

static void draw_heading(const struct tui_line *line, struct tui_canvas *canvas, int y, struct tui_area area)
{
    const char *word = line->span[0].text != NULL ? line->span[0].text : "";
    int width = tui_width(word);
    tui_fill(canvas, y, area.x, area.width - width - 3, TUI_DIM, tui_glyph(canvas, TUI_GLYPH_RULE));
    tui_text(canvas, y, area.x + area.width - width - 2, width, TUI_HEADER, word);
}

/* Columns of the word that begins here, up to a blank; in all spans from this one on. */
static int word_width(const struct tui_line *line, int span, const char *text)
{
    int all = 0, columns;
    for (; span < TUI_LINE_SPANS && text != NULL; text = ++span < TUI_LINE_SPANS ? line->span[span].text : NULL)
        for (uint32_t ch; (ch = tui_next_char(&text, &columns)) != 0; all += columns)
            if (ch == ' ')
                return all;
    return all;
}

/* How far in a line without a label goes on. */
static int hanging(const struct tui_line *line, int width)
{
    int blanks = line->span[0].text != NULL ? (int)strspn(line->span[0].text, " ") : 0;
    return blanks == 0 ? 0 : blanks + 2 < width / 3 ? blanks + 2 : width / 3;
}

/* Draws a line, on as many rows as it takes, broken at blanks; canvas NULL: only counts. Returns the rows. */
static int draw_line(const struct tui_line *line, struct tui_canvas *canvas, int y, struct tui_area area)
{
    int indent = line->label[0] != '\0' || line->aligned ? TUI_LINE_LABEL - 2 : 0, begin = area.x + 1 + indent,
        end = area.x + area.width - 1, x = begin, rows = 1;
    if (line->heading) {
        if (canvas != NULL && y < area.y + area.height)
            draw_heading(line, canvas, y, area);
        return 1;
    }
    if (canvas != NULL)
        tui_text(canvas, y, area.x + 1, TUI_LINE_LABEL - 3, TUI_DIM, line->label);
    bool blank = true;
    if (indent == 0) /* goes on a bit further in than it begins */
        begin += hanging(line, area.width);
    for (int k = 0; k < TUI_LINE_SPANS && line->span[k].text != NULL; k++) {
        int columns;
        for (const char *text = line->span[k].text, *here = text; *here != '\0'; here = text) {
            uint32_t ch = tui_next_char(&text, &columns);
            int needs = blank && ch != ' ' ? word_width(line, k, here) : columns;
            bool breaks = x + (needs < end - begin ? needs : columns) > end;
            if (breaks) {
                x = line->hang < (end - begin) * 2 / 3 ? begin + line->hang : begin;
                rows++;
            }
            blank = ch == ' ';
            if (breaks && blank)
                continue;
            if (canvas != NULL && y + rows - 1 < area.y + area.height) {
                tui_put(canvas, y + rows - 1, x, line->span[k].role, ch);
                if (columns == 2)
                    tui_put(canvas, y + rows - 1, x + 1, line->span[k].role, 0);
            }
            x += columns;
        }
    }
    return rows;
}

/* The first line that is drawn so that the one under the cursor is in view, all of it if it fits. */
static void keep_in_view(struct tui_lines *lines, struct tui_area area)
{
    if (lines->count > 0 && lines->cursor >= lines->count)
        lines->cursor = lines->count - 1;
    if (lines->cursor < lines->top || lines->count == 0)
        lines->top = lines->cursor;
    int rows = 0;
    for (size_t i = lines->top; i <= lines->cursor && i < lines->count; i++)
        rows += draw_line(&lines->items[i], NULL, 0, area);
    while (rows > area.height && lines->top < lines->cursor)
        rows -= draw_line(&lines->items[lines->top++], NULL, 0, area);
}

void tui_lines_draw(struct tui_lines *lines, struct tui_canvas *canvas, struct tui_area area, bool cursor)
{
    lines->page = area.height > 0 ? (size_t)area.height : 1;
    lines->area = area;
    keep_in_view(lines, area);
    int y = area.y;
    for (size_t i = lines->top; i < lines->count && y < area.y + area.height; i++) {
        int rows = draw_line(&lines->items[i], canvas, y, area);
        for (int k = 0; lines->find[0] != '\0' && k < rows && y + k < area.y + area.height; k++)
            tui_match(canvas, y + k, area.x, area.width, lines->find);
        if (cursor && i == lines->cursor) {
            tui_put(canvas, y, area.x, TUI_KEY, tui_glyph(canvas, TUI_GLYPH_CURSOR));
            for (int k = 0; k < rows && y + k < area.y + area.height; k++)
                tui_select(canvas, y + k, area.x, area.width);
        }
        y += rows;
    }
}

bool tui_lines_at(const struct tui_lines *lines, int y, size_t *ret)
{
    int row = lines->area.y;
    if (y < row || y >= row + lines->area.height)
        return false;
    for (size_t i = lines->top; i < lines->count; i++) {
        row += draw_line(&lines->items[i], NULL, 0, lines->area);
        if (y < row) {
            *ret = i;
            return true;
        }
    }
    return false;
}

bool tui_lines_act(struct tui_lines *lines, enum tui_action action)
{
    size_t last = lines->count > 0 ? lines->count - 1 : 0, step = 1;
    switch (action) {
    case TUI_HALF_UP:
    case TUI_HALF_DOWN:
        step = lines->page / 2 + 1;
        break;
    case TUI_PAGE_UP:
    case TUI_PAGE_DOWN:
        step = lines->page;
        break;
    default:
        break;
    }
    switch (action) {
    case TUI_UP:
    case TUI_HALF_UP:
    case TUI_PAGE_UP:
        lines->cursor = lines->cursor > step ? lines->cursor - step : 0;
        return true;
    case TUI_DOWN:
    case TUI_HALF_DOWN:
    case TUI_PAGE_DOWN:
        lines->cursor = lines->cursor + step < last ? lines->cursor + step : last;
        return true;
    case TUI_FIRST:
        lines->cursor = 0;
        return true;
    case TUI_LAST:
        lines->cursor = last;
        return true;
    default:
        return false;
    }
}

const char *tui_lines_selected(const struct tui_lines *lines)
{
    return lines->cursor < lines->count ? lines->items[lines->cursor].target : NULL;
}

json_t *tui_lines_selected_place(const struct tui_lines *lines)
{
    return lines->cursor < lines->count ? lines->items[lines->cursor].place : NULL;
}
