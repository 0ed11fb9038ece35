/* frame.h: what surrounds a view: who and how at the top, tabs, title, and keys or the prompt at the bottom. */
#ifndef TUI_FRAME_H
#define TUI_FRAME_H

#include "app.h"

/* The first two lines of the canvas and the last two. */
void tui_frame_draw(struct tui_app *app, const struct tui_view *view);
/* What is wrong with where the data come from, and what can be done; "" nothing is. Returns buf. */
const char *tui_frame_notice(const struct tui_app *app, char *buf, size_t size);
void tui_frame_too_small(struct tui_app *app);
/* What a click on a tab or a hint means. */
enum tui_action tui_frame_action_at(const struct tui_app *app, int y, int x);

#endif
