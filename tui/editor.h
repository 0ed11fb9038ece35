/* editor.h: a source line in the user's editor, which gets the terminal meanwhile. No shell is involved: file names are
 * those of debug information, which anybody may have written. */
#ifndef TUI_EDITOR_H
#define TUI_EDITOR_H

#include "app.h"

/* Opens a file, named as in frames, as soon as the workers have said where it is. */
void tui_editor_open(struct tui_app *app, const char *file, unsigned line);
/* Before each draw. */
void tui_editor_step(struct tui_app *app);
void tui_editor_deinit(struct tui_app *app);

enum { TUI_EDITOR_WORDS = 32 };
struct tui_editor_command {
    char *argv[TUI_EDITOR_WORDS + 1]; /* ended by NULL; point into room */
    char room[8192];
};
/* The command that opens a file at a line: words of $VISUAL or $EDITOR, which blanks separate unless they stand in
 * quotes, and behind them line and file in the way that this editor wants. NULL: that is done; else why not (static):
 * no editor is set, a file name that is none, too long. */
const char *tui_editor_make(struct tui_editor_command *command, const char *editor, const char *path, unsigned line);

#endif
