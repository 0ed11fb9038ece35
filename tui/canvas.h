/* canvas.h: a grid of cells that views draw on. Knows no terminal: the same canvas goes to ncurses (term.h), to tests
 * and into files (:save-display).
 *
 * A cell has one character, a role that the theme turns into colours, and marks for what is under the cursor. Texts are
 * UTF-8 from anywhere: bytes that are no UTF-8, and characters that control terminals, are written from right to left
 * or of which terminals disagree how wide they are, become '?'. Characters of two columns take two cells, combining
 * ones are left out; half of one is never left. Everything is clipped. Rows are counted from the top, columns from the
 * left, from 0. */
#ifndef TUI_CANVAS_H
#define TUI_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a text is, not how it looks. */
enum tui_role {
    TUI_NORMAL = 0,
    TUI_DIM,
    TUI_TITLE,  /* the first line */
    TUI_TAB,    /* a tab that is open */
    TUI_HEADER, /* names of columns */
    TUI_SORTED, /* the column that rows are ordered by */
    TUI_GOOD,
    TUI_WARN,
    TUI_BAD,
    TUI_ACCENT, /* types, names to follow */
    TUI_PLACE,  /* functions and lines */
    TUI_GRAPH1,
    TUI_GRAPH2,
    TUI_KEY,   /* a key in a hint */
    TUI_MATCH, /* what a search found */
    TUI_ROLES
};
/* "normal", "dim", ...: in configuration files. */
extern const char *const tui_role_names[TUI_ROLES];

struct tui_cell {
    uint32_t ch; /* 0: the second column of the character before it */
    uint8_t role;
    bool selected;
};

struct tui_canvas {
    int height, width;
    bool ascii; /* nothing above 0x7e is drawn: glyphs.h chooses by it, texts get '?' */
    struct tui_cell *cells;
};

/* An empty canvas. false: no memory. Sizes are at least 1. */
bool tui_canvas_init(struct tui_canvas *canvas, int height, int width, bool ascii);
void tui_canvas_deinit(struct tui_canvas *canvas);
/* Blank, of another size. false: no memory, nothing changed. */
bool tui_canvas_resize(struct tui_canvas *canvas, int height, int width);
void tui_canvas_clear(struct tui_canvas *canvas);

/* One character; outside of the canvas nothing happens. */
void tui_put(struct tui_canvas *canvas, int y, int x, enum tui_role role, uint32_t ch);
/* As much of the text as fits into `width` columns; what does not fit is cut off, the last column shows that (… or ~).
 * Returns the columns that were used. */
int tui_text(struct tui_canvas *canvas, int y, int x, int width, enum tui_role role, const char *text);
/* The same at the right end of the columns. Numbers are never cut: too long ones become ###. */
void tui_number(struct tui_canvas *canvas, int y, int x, int width, enum tui_role role, const char *text);
/* Cut in the middle: "json_obj~map". */
int tui_name(struct tui_canvas *canvas, int y, int x, int width, enum tui_role role, const char *text);
int tui_printf(struct tui_canvas *canvas, int y, int x, int width, enum tui_role role, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
void tui_fill(struct tui_canvas *canvas, int y, int x, int width, enum tui_role role, uint32_t ch);
/* Changes how cells look that are drawn already. */
void tui_paint(struct tui_canvas *canvas, int y, int x, int width, enum tui_role role);
void tui_select(struct tui_canvas *canvas, int y, int x, int width);
/* Marks every place where `needle` stands in the row, whatever its case. */
void tui_match(struct tui_canvas *canvas, int y, int x, int width, const char *needle);

/* Columns that a text takes. */
int tui_width(const char *text);

/* The next character of a text, made harmless; *text is behind it. 0 at the end. columns: 1 or 2. */
uint32_t tui_next_char(const char **text, int *columns);

/* UTF-8 of a character, at most 4 bytes, without an end. Returns how many. */
size_t tui_encode(uint32_t ch, char *bytes);

/* All rows as UTF-8, each ended by '\n', blanks at their ends left out. The caller frees it; NULL: no memory. */
char *tui_canvas_save(const struct tui_canvas *canvas);
/* The same with a letter for the role of each cell (upper case when selected) instead of its character; blank: NORMAL.
 */
char *tui_canvas_save_roles(const struct tui_canvas *canvas);

#endif
