/* lines.h: a text of labelled lines that can be scrolled: evidence, details, help. Each line has a label, spans of
 * roles, and may name something that Enter opens. */
#ifndef TUI_LINES_H
#define TUI_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "action.h"
#include "canvas.h"
#include "view.h"

enum { TUI_LINE_SPANS = 12, TUI_LINE_LABEL = 12 };
struct tui_line {
    char label[TUI_LINE_LABEL];
    struct {
        enum tui_role role;
        char *text; /* owned */
    } span[TUI_LINE_SPANS];
    char *target;  /* an object as people write it, NULL: none */
    json_t *place; /* {function, file, line, stack}; NULL: none */
    bool heading;
    int hang;     /* columns by which it goes on further to the right below itself */
    bool aligned; /* begins where others do behind their labels */
};
/* Zero-initialize. */
struct tui_lines {
    struct tui_line *items;
    size_t count, room;
    size_t cursor, top, page;
    struct tui_area area; /* where it was drawn last */
    char find[128];       /* is marked wherever it stands; "" nothing */
};

void tui_lines_clear(struct tui_lines *lines); /* keeps the cursor */
void tui_lines_deinit(struct tui_lines *lines);
/* A new line with one span. label: "" for a line that goes on below a label, NULL for one without. Long lines are
 * broken at blanks. Without memory it is left out. */
void tui_lines_add(struct tui_lines *lines, const char *label, enum tui_role role, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* One more span of the last line. */
void tui_lines_span(struct tui_lines *lines, enum tui_role role, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Where the last line goes on when it is broken. */
void tui_lines_hang(struct tui_lines *lines, int columns);
/* What the last line is about. */
void tui_lines_target(struct tui_lines *lines, const char *object);
/* Where it happened; takes a reference of its own. */
void tui_lines_place(struct tui_lines *lines, json_t *place);
/* A rule across the area with a word at its end. */
void tui_lines_heading(struct tui_lines *lines, const char *word);

/* cursor: whether one is shown. */
void tui_lines_draw(struct tui_lines *lines, struct tui_canvas *canvas, struct tui_area area, bool cursor);
bool tui_lines_act(struct tui_lines *lines, enum tui_action action);
/* The line that was drawn on a row of the canvas; false: none was. */
bool tui_lines_at(const struct tui_lines *lines, int y, size_t *ret);

/* ---- Searches and the mouse (lines_find.c) ---- */
/* As tui_lines_act, and to the next or previous place of what was searched. */
bool tui_lines_act_found(struct tui_app *app, struct tui_lines *lines, enum tui_action action);
/* `find TEXT` as views have it. */
bool tui_lines_command(struct tui_app *app, struct tui_lines *lines, const char *word, const char *rest);
/* Ends a search; false: there was none. */
bool tui_lines_clear_found(struct tui_lines *lines);
void tui_lines_mouse(struct tui_app *app, struct tui_lines *lines, const struct tui_mouse *mouse);
/* "line 3 of 20   find text" */
void tui_lines_title(const struct tui_lines *lines, char *buf, size_t size);

/* Of the line under the cursor; NULL: none. */
const char *tui_lines_selected(const struct tui_lines *lines);
json_t *tui_lines_selected_place(const struct tui_lines *lines); /* borrowed */

#endif
