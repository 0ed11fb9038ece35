/* option.h: what can be set in the viewer, in one table: tuirc, `:set`, the help and the man page are made from it.
 *
 * Every option is a choice among words; its value is the index of the word. */
#ifndef TUI_OPTION_H
#define TUI_OPTION_H

#include <stdbool.h>
#include <stddef.h>

enum tui_ascii { TUI_ASCII_AUTO = 0, TUI_ASCII_YES, TUI_ASCII_NO };

struct tui_settings {
    int theme;        /* index into tui_themes (term.h) */
    int units;        /* enum prof_units */
    int ascii;        /* enum tui_ascii */
    int mouse;        /* bool */
    int wheel;        /* index into the lines that a step of the wheel moves: tui_wheel_lines */
    int first;        /* the view that opens first: its words are names of actions */
    int remember;     /* bool: order and columns, from one session to the next */
    int confirm_quit; /* bool: q asks before it leaves a running program */
};

struct tui_option {
    const char *name;    /* "theme" */
    const char *choices; /* "default|light|mono|contrast" */
    const char *help;    /* one line, no full stop */
    size_t offset;       /* of the int in struct tui_settings */
    int otherwise;       /* its value when nothing is said */
};
enum { TUI_OPTIONS = 8 };
extern const struct tui_option tui_options[TUI_OPTIONS];

void tui_settings_init(struct tui_settings *settings);
/* NULL: no such option. */
const struct tui_option *tui_option_named(const char *name);
int tui_option_get(const struct tui_settings *settings, const struct tui_option *option);
/* false: it is none of the choices; nothing changed. */
bool tui_option_set(struct tui_settings *settings, const struct tui_option *option, const char *word);
/* The index-th word of the choices. Returns buf; "" when there are not so many. */
const char *tui_option_word(const struct tui_option *option, int index, char *buf, size_t size);
/* How many lines a step of the wheel moves. */
int tui_option_wheel(const struct tui_settings *settings);

#endif
