/* strip.h: the strip of time at the bottom of a screen: how much was alive over the whole run, marks as ticks, the
 * moment that is looked at. Keys and clicks on it travel. On the overview it is always there, as far as there is room,
 * elsewhere when it is asked for. */
#ifndef TUI_STRIP_H
#define TUI_STRIP_H

#include "app.h"

/* Lines that it takes of so many; 0: it is not shown. */
int tui_strip_height(const struct tui_app *app, const struct tui_view *view, int height);
void tui_strip_draw(const struct tui_app *app, struct tui_canvas *canvas, struct tui_area area);
/* false: it is none of its actions. */
bool tui_strip_act(struct tui_app *app, enum tui_action action);
/* A click on it; area: as it was drawn. false: beside it. */
bool tui_strip_click(struct tui_app *app, struct tui_area area, const struct tui_mouse *mouse);
/* For the line of hints, while keys go to it. */
extern const enum tui_action tui_strip_hints[];

#endif
