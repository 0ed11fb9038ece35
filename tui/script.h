/* script.h: the viewer without a terminal: a script of keys, for tests and for whoever wants screens made by programs.
 *
 *     key NAME ...      presses keys: key j Down F1
 *     type TEXT         types a text
 *     do COMMAND        as behind ':'
 *     click COLUMN,ROW  with the mouse; both from 0; also double-click, wheel-up, wheel-down
 *     resize WxH
 *     show              prints the screen
 *     roles             prints the roles of its cells
 *     # ...             a comment
 *
 * Before each key and each screen it waits until everything that was asked is answered, so what comes out depends on
 * the trace alone. */
#ifndef TUI_SCRIPT_H
#define TUI_SCRIPT_H

#include <stdio.h>

#include "app.h"

/* Runs a script to its end. name: for messages. Returns 0, or an exit code after it has printed what is wrong. */
int tui_script_run(struct tui_app *app, FILE *script, const char *name, FILE *out);

#endif
