/* loop.h: keys, data and time come together: one poll, at most ten pictures a second, keys first. */
#ifndef TUI_LOOP_H
#define TUI_LOOP_H

#include "app.h"

/* Milliseconds of a clock that only goes on. */
uint64_t tui_now_ms(void);

/* Until the user quits. The terminal is open. */
void tui_loop_run(struct tui_app *app);

#endif
