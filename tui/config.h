/* config.h: what a user configures: options, keys, colours; and the file that says so, tuirc.
 *
 *     # a comment
 *     set NAME = VALUE
 *     bind [VIEW] KEY ACTION        KEY as in the help: j, C-d, PgDn; ACTION none: nothing
 *     color ROLE FG [BG [ATTR,...]]
 *
 * The file is only ever read. A line that says nothing is left out and told: FILE:LINE, what it is, what is expected.
 */
#ifndef TUI_CONFIG_H
#define TUI_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "action.h"
#include "canvas.h"
#include "option.h"

/* How a role looks. */
enum { TUI_LOOK_BOLD = 1, TUI_LOOK_DIM = 2, TUI_LOOK_UNDERLINE = 4, TUI_LOOK_REVERSE = 8 };
struct tui_look {
    bool set;         /* else the theme says it */
    short fore, back; /* 0 to 255; -1: the terminal's own */
    unsigned attributes;
};

struct tui_config {
    struct tui_settings settings;
    struct tui_keymap keymap;
    struct tui_look look[TUI_ROLES];
};
void tui_config_init(struct tui_config *config);

/* What was wrong with a file: the first of the lines, and how many there were. */
enum { TUI_PROBLEMS = 16, TUI_PROBLEM = 320 };
struct tui_problems {
    char text[TUI_PROBLEMS][TUI_PROBLEM];
    size_t count; /* of all */
};

/* One line without its end. ret_why: of TUI_PROBLEM bytes, what is wrong with it and what is expected. false: it is
 * wrong, nothing changed. */
bool tui_config_line(struct tui_config *config, const char *line, char *ret_why);
/* A whole file in memory. name: for problems. */
void tui_config_read_text(struct tui_config *config, const char *name, const char *text, size_t length,
                          struct tui_problems *problems);
/* The file at a path. must: that it is not there is a problem, too. true: it was there. */
bool tui_config_read(struct tui_config *config, const char *path, bool must, struct tui_problems *problems);

/* "$XDG_CONFIG_HOME/reftrack/tuirc" and the like: variable XDG_..._HOME, or home/fallback; "" when neither is known.
 * Relative folders are ignored, as the specification of these variables says. Returns buf. */
const char *tui_config_path(const char *variable, const char *fallback, const char *name, char *buf, size_t size);

/* Names of colours, by number; ended by NULL. */
extern const char *const tui_color_names[];

#endif
