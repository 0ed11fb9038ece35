/* pane.h: a text about what is selected in a list, beside the list: to its right where the screen is wide enough, else
 * below it or not at all. */
#ifndef TUI_PANE_H
#define TUI_PANE_H

#include "app.h"
#include "lines.h"

enum { TUI_PANE_WIDE = 120, TUI_PANE_OF = 512 };

struct tui_pane {
    struct tui_app *app;
    struct tui_query query;
    struct tui_lines lines;
    uint64_t drawn;       /* version of the answer that the lines were made of */
    char of[TUI_PANE_OF]; /* what the answer is about, or will be; "" nothing is selected */
    bool below;           /* it has a place on narrow screens, too */
    bool focus, alone;    /* keys go to it; it has the whole area */
    bool hidden;          /* the list has it */
    bool unfolded;        /* nothing is left out of the text */
};

void tui_pane_init(struct tui_pane *pane, struct tui_app *app, bool below);
void tui_pane_deinit(struct tui_pane *pane);
/* Divides an area; rows: of the list, with its header, so that the part below does not begin further down than needed.
 * Parts that are not there have no height. */
void tui_pane_divide(struct tui_pane *pane, struct tui_area area, size_t rows, struct tui_area *ret_list,
                     struct tui_area *ret_pane);
/* question: of work.h; it is asked with "of", of what is selected (NULL: nothing), one at a time however fast the
 * selection moves. */
void tui_pane_ask(struct tui_pane *pane, const char *question, const char *of);
void tui_pane_draw(struct tui_pane *pane, struct tui_canvas *canvas, struct tui_area area);
/* Keys that concern panes, and all that move and open in this one while it has the focus. false: the list's. */
bool tui_pane_act(struct tui_pane *pane, enum tui_action action);
/* A click on one of its lines, or the wheel over it: keys go to it. false: it was elsewhere. */
bool tui_pane_mouse(struct tui_pane *pane, const struct tui_mouse *mouse);
/* Gives the keys back to the list; false: it has them. */
bool tui_pane_leave(struct tui_pane *pane);
/* The object of the line under the cursor while the pane has the focus; NULL: none. */
const char *tui_pane_selected(const struct tui_pane *pane);

#endif
