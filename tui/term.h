/* term.h: the terminal: canvas out, keys in. The one file behind it knows ncurses.
 *
 * One terminal at a time; one thread. A crash, or a signal that ends the process, leaves the terminal as it was found:
 * the strings that do so are fetched at the start and written with write(2). */
#ifndef TUI_TERM_H
#define TUI_TERM_H

#include <stdbool.h>
#include <stdint.h>

#include "canvas.h"
#include "config.h"
#include "key.h"

/* Theme, colours and mouse are those of config. false: *ret_why says why, in words for the user (static). */
bool tui_term_open(const struct tui_config *config, const char **ret_why);
/* Gives the terminal back. Also after a failed open. */
void tui_term_close(void);

void tui_term_size(int *ret_height, int *ret_width);
/* Takes over a new size after TUI_KEY_RESIZE. */
void tui_term_resized(void);
void tui_term_draw(const struct tui_canvas *canvas);
/* Everything anew at the next draw. */
void tui_term_redraw(void);

/* The file descriptor to poll for keys, and the next key without waiting: TUI_KEY_NONE when there is none,
 * TUI_KEY_END_OF_INPUT at the end of standard input. */
int tui_term_fd(void);
uint32_t tui_term_key(struct tui_mouse *ret_mouse);

/* Hands the terminal to somebody else (an editor, the shell after SIGSTOP), and takes it back. */
void tui_term_leave(void);
void tui_term_enter(void);
/* Runs a program in the terminal until it ends; argv[0] is looked for in PATH. *ret_status: its exit code, 128+N after
 * a signal. false: it could not be started. */
bool tui_term_run(char *const argv[], int *ret_status);
/* Stops this process as Ctrl-Z does; returns when it goes on. */
void tui_term_suspend(void);
/* Sends text to the clipboard of the terminal (OSC 52; terminals that do not know it ignore it). */
void tui_term_copy(const char *text);

/* Theme, colours and mouse as they are configured now. Themes are the choices of the option "theme" in their order. */
void tui_term_configure(const struct tui_config *config);

#endif
