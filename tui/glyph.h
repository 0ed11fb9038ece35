/* glyph.h: the characters that are drawn, in UTF-8 and in ASCII; bars and graphs made of them. */
#ifndef TUI_GLYPH_H
#define TUI_GLYPH_H

#include <stddef.h>
#include <stdint.h>

#include "canvas.h"

enum tui_glyph {
    TUI_GLYPH_CURSOR, /* before the selected row */
    TUI_GLYPH_RULE,   /* a horizontal line */
    TUI_GLYPH_BRANCH, /* trees: more follow at this level */
    TUI_GLYPH_CORNER, /* trees: the last one */
    TUI_GLYPH_TRUNK,  /* trees: a level above goes on */
    TUI_GLYPH_ARM,    /* behind branch and corner */
    TUI_GLYPH_FOLDED, /* has children that are not shown */
    TUI_GLYPH_OPEN,   /* its children follow */
    TUI_GLYPH_LEAF,
    TUI_GLYPH_ARROW, /* points to */
    TUI_GLYPH_UP,    /* sorted upwards */
    TUI_GLYPH_DOWN,
    TUI_GLYPH_WALL, /* between panes */
    TUI_GLYPH_TICK, /* a moment on a line of time */
    TUI_GLYPHS
};
uint32_t tui_glyph(const struct tui_canvas *canvas, enum tui_glyph glyph);

/* "[####....]" with this share (0 to 1) of its inside filled. */
void tui_bar(struct tui_canvas *canvas, int y, int x, int width, enum tui_role role, double share);

/* Values over time, the newest at the right end, `height` rows from y on downwards. most: what reaches the top; 0: the
 * largest of them. Braille dots in UTF-8, " .:|" in ASCII. NAN: not known, left blank. */
void tui_graph(struct tui_canvas *canvas, int y, int x, int height, int width, enum tui_role role, const double *values,
               size_t count, double most);

#endif
