/* export.h: what a view shows, to a file: all rows, not only those on the screen.
 *
 * The ending of the file's name says the form: .txt as people read it, .csv, .json. Tables, and documents in JSON, are
 * written by the worker, which has them all; texts of other views here. A file is put in place once it is whole; one
 * that is there already is not replaced without being asked for. */
#ifndef TUI_EXPORT_H
#define TUI_EXPORT_H

#include "app.h"

/* Begins it; says what became of it, at once or later. again: it was asked whether the file may be replaced. */
void tui_export(struct tui_app *app, const char *to, bool again);
/* Takes the worker's answer, if there is one. */
void tui_export_step(struct tui_app *app);
/* Forgets it. */
void tui_export_deinit(struct tui_app *app);

#endif
