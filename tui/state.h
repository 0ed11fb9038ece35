/* state.h: what the viewer remembers from one session to the next: the order of each list, and which columns it shows.
 *
 *     sort TABLE KEY[,KEY]       -KEY: the other way round
 *     columns TABLE +KEY -KEY    shown, and hidden, other than usual
 *
 * The file is the viewer's own ($XDG_STATE_HOME/reftrack/state). It is written anew and put in place at once, so that
 * whoever reads it finds one whole file. Only what changed in this session is put into what the file says by then, so
 * several viewers do not undo each other. Lines that say nothing to this version are kept. */
#ifndef TUI_STATE_H
#define TUI_STATE_H

#include <stdbool.h>
#include <stddef.h>

enum { TUI_STATE_TABLES = 32, TUI_STATE_TABLE = 24, TUI_STATE_SORT = 64, TUI_STATE_COLUMNS = 512 };
struct tui_state {
    struct {
        char table[TUI_STATE_TABLE], sort[TUI_STATE_SORT], columns[TUI_STATE_COLUMNS]; /* "": nothing is said */
        bool sort_changed, columns_changed;
    } entry[TUI_STATE_TABLES];
    size_t count;
};
/* Zero-initialize. */

/* What a text says, line by line; what is no such line is skipped. */
void tui_state_read_text(struct tui_state *state, const char *text, size_t length);
/* The file at a path; nothing when it is not there or cannot be read. */
void tui_state_read(struct tui_state *state, const char *path);
/* Borrowed; NULL: nothing is remembered. */
const char *tui_state_sort(const struct tui_state *state, const char *table);
const char *tui_state_columns(const struct tui_state *state, const char *table);
/* From now on; what is too long is not remembered. */
void tui_state_set_sort(struct tui_state *state, const char *table, const char *sort);
void tui_state_set_columns(struct tui_state *state, const char *table, const char *columns);
/* Puts what changed into the file, whose folder is made (0700). false: errno says why not; the file is as it was. */
bool tui_state_write(const struct tui_state *state, const char *path);

#endif
