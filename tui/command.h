/* command.h: what can be said behind ':', beside the names of actions. */
#ifndef TUI_COMMAND_H
#define TUI_COMMAND_H

#include "app.h"

struct tui_command {
    const char *name; /* "where" */
    const char *args; /* "EXPR"; "" none */
    const char *help; /* one line, no full stop */
};
/* Ended by name NULL. Views do some of them (view.h). */
extern const struct tui_command tui_commands[];

/* Completes the word before the prompt's cursor. */
void tui_command_complete(struct tui_app *app);
/* Puts a text at the end of a command line, as one word of a shell. */
void tui_command_quote(char *buf, size_t size, const char *text);
/* A path as people write it: "~/" is the home folder. Returns buf; "" when it is too long. */
const char *tui_command_path(const char *text, char *buf, size_t size);
/* false: there is a file of this name, and the prompt asks whether `line` is to be done (which says that it may be
 * replaced). */
bool tui_command_may_write(struct tui_app *app, const char *path, const char *line);

#endif
