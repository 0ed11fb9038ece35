/* canvas.c: the grid of cells. See canvas.h. */
#include "canvas.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wchar.h>
#include <wctype.h>

#include <base/str.h>

enum { ELLIPSIS = 0x2026, LAST_ASCII = 0x7e };

const char *const tui_role_names[TUI_ROLES] = {
    [TUI_NORMAL] = "normal", [TUI_DIM] = "dim",       [TUI_TITLE] = "title", [TUI_TAB] = "tab",
    [TUI_HEADER] = "header", [TUI_SORTED] = "sorted", [TUI_GOOD] = "good",   [TUI_WARN] = "warn",
    [TUI_BAD] = "bad",       [TUI_ACCENT] = "accent", [TUI_PLACE] = "place", [TUI_GRAPH1] = "graph1",
    [TUI_GRAPH2] = "graph2", [TUI_KEY] = "key",       [TUI_MATCH] = "match",
};

bool tui_canvas_init(struct tui_canvas *canvas, int height, int width, bool ascii)
{
    *canvas = (struct tui_canvas){ .ascii = ascii };
    return tui_canvas_resize(canvas, height, width);
}

void tui_canvas_deinit(struct tui_canvas *canvas)
{
    free(canvas->cells);
    canvas->cells = NULL;
}

bool tui_canvas_resize(struct tui_canvas *canvas, int height, int width)
{
    height = height < 1 ? 1 : height;
    width = width < 1 ? 1 : width;
    struct tui_cell *cells = calloc((size_t)height * (size_t)width, sizeof *cells);
    if (cells == NULL)
        return false;
    free(canvas->cells);
    canvas->cells = cells;
    canvas->height = height;
    canvas->width = width;
    tui_canvas_clear(canvas);
    return true;
}

void tui_canvas_clear(struct tui_canvas *canvas)
{
    size_t count = (size_t)canvas->height * (size_t)canvas->width;
    for (size_t i = 0; i < count; i++)
        canvas->cells[i] = (struct tui_cell){ .ch = ' ' };
}

static struct tui_cell *cell_at(const struct tui_canvas *canvas, int y, int x)
{
    if (y < 0 || x < 0 || y >= canvas->height || x >= canvas->width)
        return NULL;
    return &canvas->cells[(size_t)y * (size_t)canvas->width + (size_t)x];
}

/* ---- Characters ---- */

/* Bytes of the character that begins here; 0: it is none. *ret: the character. */
static int decode(const unsigned char *s, uint32_t *ret)
{
    int more = s[0] < 0x80 ? 0 : (s[0] & 0xe0) == 0xc0 ? 1 : (s[0] & 0xf0) == 0xe0 ? 2 : (s[0] & 0xf8) == 0xf0 ? 3 : -1;
    static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
    if (more < 0)
        return 0;
    uint32_t ch = more == 0 ? s[0] : s[0] & (0x3fu >> more);
    for (int i = 1; i <= more; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        ch = ch << 6 | (s[i] & 0x3f);
    }
    if (ch < least[more] || ch > 0x10ffff || (ch >= 0xd800 && ch < 0xe000))
        return 0;
    *ret = ch;
    return more + 1;
}

static bool between(uint32_t ch, uint32_t first, uint32_t last)
{
    return ch >= first && ch <= last;
}

/* Many terminals turn a line around where letters are written from right to left, whatever the program says. */
static bool right_to_left(uint32_t ch)
{
    return between(ch, 0x590, 0x8ff) || between(ch, 0xfb1d, 0xfdff) || between(ch, 0xfe70, 0xfefe) ||
           between(ch, 0x10800, 0x10fff) || between(ch, 0x1e800, 0x1efff);
}

/* Controls of terminals, characters that reorder what is around them, and those of which terminals disagree how wide
 * they are: soft hyphens, and colours of skin, which merge with what stands before them. */
static bool harmful(uint32_t ch)
{
    return right_to_left(ch) || ch == 0xad || between(ch, 0x1f3fb, 0x1f3ff) || ch < 0x20 || (ch >= 0x7f && ch < 0xa0) ||
           (ch >= 0x200b && ch <= 0x200f) || (ch >= 0x2028 && ch <= 0x202e) || (ch >= 0x2060 && ch <= 0x206f) ||
           ch == 0xfeff || (ch >= 0xfff9 && ch <= 0xfffb) || ch >= 0xe0000;
}

uint32_t tui_next_char(const char **text, int *columns)
{
    for (;;) {
        uint32_t ch;
        if (**text == '\0')
            return 0;
        int bytes = decode((const unsigned char *)*text, &ch);
        *text += bytes == 0 ? 1 : bytes;
        *columns = 1;
        if (bytes == 0 || harmful(ch))
            return '?';
        if (ch <= LAST_ASCII)
            return ch;
        int width = wcwidth((wchar_t)ch);
        if (width == 0)
            continue; /* combines with the one before it */
        if (width < 0)
            return '?';
        *columns = width;
        return ch;
    }
}

int tui_width(const char *text)
{
    int all = 0, columns;
    while (tui_next_char(&text, &columns) != 0)
        all += columns;
    return all;
}

/* ---- Drawing ---- */

/* Half a character that is left over becomes a blank: else the rest of the row would be shifted. */
void tui_put(struct tui_canvas *canvas, int y, int x, enum tui_role role, uint32_t ch)
{
    struct tui_cell *cell = cell_at(canvas, y, x), *before = cell_at(canvas, y, x - 1),
                    *after = cell_at(canvas, y, x + 1);
    if (cell == NULL)
        return;
    if (cell->ch == 0 && before != NULL)
        before->ch = ' ';
    if (cell->ch != 0 && after != NULL && after->ch == 0)
        after->ch = ' ';
    *cell = (struct tui_cell){ .ch = canvas->ascii && ch > LAST_ASCII ? '?' : ch, .role = (uint8_t)role };
}

static void put_wide(struct tui_canvas *canvas, int y, int x, enum tui_role role, uint32_t ch)
{
    bool whole = !canvas->ascii && cell_at(canvas, y, x) != NULL && cell_at(canvas, y, x + 1) != NULL;
    tui_put(canvas, y, x + 1, role, '?');
    tui_put(canvas, y, x, role, whole ? ch : '?');
    if (whole)
        cell_at(canvas, y, x + 1)->ch = 0;
}

/* Draws until `width` columns are used or the text ends; without a sign that something is missing. */
static int draw(struct tui_canvas *canvas, int y, int x, int width, enum tui_role role, const char *text)
{
    int used = 0, columns;
    for (uint32_t ch; (ch = tui_next_char(&text, &columns)) != 0 && used + columns <= width; used += columns) {
        if (columns == 2)
            put_wide(canvas, y, x + used, role, ch);
        else
            tui_put(canvas, y, x + used, role, ch);
    }
    return used;
}

int tui_text(struct tui_canvas *canvas, int y, int x, int width, enum tui_role role, const char *text)
{
    if (width <= 0)
        return 0;
    if (tui_width(text) <= width)
        return draw(canvas, y, x, width, role, text);
    int used = draw(canvas, y, x, width - 1, role, text);
    tui_put(canvas, y, x + used, role, canvas->ascii ? '~' : ELLIPSIS);
    return used + 1;
}

void tui_number(struct tui_canvas *canvas, int y, int x, int width, enum tui_role role, const char *text)
{
    int needs = tui_width(text);
    if (needs > width)
        tui_fill(canvas, y, x, width, role, '#');
    else
        draw(canvas, y, x + width - needs, needs, role, text);
}

int tui_name(struct tui_canvas *canvas, int y, int x, int width, enum tui_role role, const char *text)
{
    int needs = tui_width(text);
    if (width < 5 || needs <= width)
        return tui_text(canvas, y, x, width, role, text);
    int head = (width - 1) * 2 / 3, tail = width - 1 - head;
    int used = draw(canvas, y, x, head, role, text);
    tui_fill(canvas, y, x + used, head - used + 1, role, '~');
    const char *rest = text;
    for (int skip = needs - tail, columns; skip > 0 && tui_next_char(&rest, &columns) != 0;)
        skip -= columns;
    return head + 1 + draw(canvas, y, x + head + 1, tail, role, rest);
}

int tui_printf(struct tui_canvas *canvas, int y, int x, int width, enum tui_role role, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return tui_text(canvas, y, x, width, role, text);
}

void tui_fill(struct tui_canvas *canvas, int y, int x, int width, enum tui_role role, uint32_t ch)
{
    for (int i = 0; i < width; i++)
        tui_put(canvas, y, x + i, role, ch);
}

void tui_paint(struct tui_canvas *canvas, int y, int x, int width, enum tui_role role)
{
    for (int i = 0; i < width; i++) {
        struct tui_cell *cell = cell_at(canvas, y, x + i);
        if (cell != NULL)
            cell->role = (uint8_t)role;
    }
}

void tui_select(struct tui_canvas *canvas, int y, int x, int width)
{
    for (int i = 0; i < width; i++) {
        struct tui_cell *cell = cell_at(canvas, y, x + i);
        if (cell != NULL)
            cell->selected = true;
    }
}

void tui_match(struct tui_canvas *canvas, int y, int x, int width, const char *needle)
{
    int columns;
    for (int at = 0; *needle != '\0' && at < width; at++) {
        const char *rest = needle;
        int length = 0;
        for (uint32_t ch; (ch = tui_next_char(&rest, &columns)) != 0; length += columns) {
            const struct tui_cell *cell = at + length < width ? cell_at(canvas, y, x + at + length) : NULL;
            if (cell == NULL || towlower((wint_t)cell->ch) != towlower((wint_t)ch)) {
                length = 0;
                break;
            }
        }
        if (length > 0)
            tui_paint(canvas, y, x + at, length, TUI_MATCH);
    }
}

/* ---- Saving ---- */

size_t tui_encode(uint32_t ch, char *bytes)
{
    if (ch < 0x80) {
        bytes[0] = (char)ch;
        return 1;
    }
    int more = ch < 0x800 ? 1 : ch < 0x10000 ? 2 : 3;
    for (int i = more; i > 0; i--, ch >>= 6)
        bytes[i] = (char)(0x80 | (ch & 0x3f));
    static const unsigned char lead[] = { 0, 0xc0, 0xe0, 0xf0 };
    bytes[0] = (char)(lead[more] | ch);
    return (size_t)more + 1;
}

static char *save(const struct tui_canvas *canvas, bool roles)
{
    static const char letters[TUI_ROLES + 1] = " dtohsgwbapxykm";
    struct prof_str text = { 0 };
    for (int y = 0; y < canvas->height; y++) {
        const struct tui_cell *row = &canvas->cells[(size_t)y * (size_t)canvas->width];
        int end = canvas->width;
        while (end > 0 && row[end - 1].ch == ' ' && !(roles && (row[end - 1].selected || row[end - 1].role != 0)))
            end--;
        for (int x = 0; x < end; x++) {
            char bytes[8] = "";
            int length = 0;
            if (roles) {
                bytes[0] = letters[row[x].role];
                bytes[0] = row[x].selected ? (bytes[0] == ' ' ? 'N' : (char)(bytes[0] - 'a' + 'A')) : bytes[0];
                length = 1;
            } else if (row[x].ch != 0) {
                length = (int)tui_encode(row[x].ch, bytes);
            }
            prof_str_addf(&text, "%.*s", length, bytes);
        }
        prof_str_addf(&text, "\n");
    }
    return prof_str_take(&text);
}

char *tui_canvas_save(const struct tui_canvas *canvas)
{
    return save(canvas, false);
}

char *tui_canvas_save_roles(const struct tui_canvas *canvas)
{
    return save(canvas, true);
}
