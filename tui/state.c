/* state.c: what the viewer remembers. See state.h. */
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/str.h>

#include "textfile.h"

static const char key_bytes[] = "abcdefghijklmnopqrstuvwxyz0123456789_-+, ";

/* Words and signs of tables, orders and columns; nothing else is ever read or written. */
static bool is_plain(const char *text, size_t room)
{
    size_t length = strlen(text);
    return length < room && strspn(text, key_bytes) == length;
}

static size_t entry_of(struct tui_state *state, const char *table)
{
    size_t i = 0;
    while (i < state->count && strcmp(state->entry[i].table, table) != 0)
        i++;
    if (i == state->count && i < TUI_STATE_TABLES && is_plain(table, TUI_STATE_TABLE) && table[0] != '\0') {
        memset(&state->entry[i], 0, sizeof state->entry[i]);
        snprintf(state->entry[i].table, TUI_STATE_TABLE, "%s", table);
        state->count++;
    }
    return i;
}

/* "sort TABLE VALUE": where the table and the value begin in a line, which is cut up. false: it is no such line. */
static bool parts_of(char *line, const char *word, char **ret_table, char **ret_value)
{
    size_t length = strlen(word);
    if (strncmp(line, word, length) != 0 || line[length] != ' ')
        return false;
    char *table = line + length + strspn(line + length, " "), *end = table + strcspn(table, " ");
    if (end == table || *end == '\0')
        return false;
    *end = '\0';
    *ret_table = table;
    *ret_value = end + 1 + strspn(end + 1, " ");
    return true;
}

/* false: the line is none that this version knows. */
static bool take_line(struct tui_state *state, char *line)
{
    char *table, *value;
    bool sort = parts_of(line, "sort", &table, &value);
    if (!sort && !parts_of(line, "columns", &table, &value))
        return false;
    size_t i = is_plain(value, sort ? TUI_STATE_SORT : TUI_STATE_COLUMNS) ? entry_of(state, table) : state->count;
    if (i == state->count)
        return true; /* it is a line of ours, but a broken one */
    if (sort && !state->entry[i].sort_changed)
        snprintf(state->entry[i].sort, TUI_STATE_SORT, "%s", value);
    else if (!sort && !state->entry[i].columns_changed)
        snprintf(state->entry[i].columns, TUI_STATE_COLUMNS, "%s", value);
    return true;
}

/* unknown: takes lines that this version does not know; may be NULL. */
static void take_text(struct tui_state *state, const char *text, size_t length, struct prof_str *unknown)
{
    char line[TUI_STATE_COLUMNS + 64];
    for (const char *at = text, *end = text + length; at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t bytes = (size_t)((stop != NULL ? stop : end) - at);
        bool fits = bytes < sizeof line && memchr(at, '\0', bytes) == NULL;
        snprintf(line, sizeof line, "%.*s", fits ? (int)bytes : 0, at);
        if (fits && bytes > 0 && !take_line(state, line) && unknown != NULL) {
            prof_str_addn(unknown, at, bytes);
            prof_str_add(unknown, "\n");
        }
        at = stop != NULL ? stop + 1 : end;
    }
}

void tui_state_read_text(struct tui_state *state, const char *text, size_t length)
{
    take_text(state, text, length, NULL);
}

void tui_state_read(struct tui_state *state, const char *path)
{
    const char *why;
    size_t length;
    char *text = tui_textfile_read(path, &length, &why);
    if (text != NULL)
        take_text(state, text, length, NULL);
    free(text);
}

/* ---- What is remembered ---- */

static size_t known(const struct tui_state *state, const char *table)
{
    size_t i = 0;
    while (i < state->count && strcmp(state->entry[i].table, table) != 0)
        i++;
    return i;
}

const char *tui_state_sort(const struct tui_state *state, const char *table)
{
    size_t i = known(state, table);
    return i < state->count && state->entry[i].sort[0] != '\0' ? state->entry[i].sort : NULL;
}

const char *tui_state_columns(const struct tui_state *state, const char *table)
{
    size_t i = known(state, table);
    return i < state->count && state->entry[i].columns[0] != '\0' ? state->entry[i].columns : NULL;
}

void tui_state_set_sort(struct tui_state *state, const char *table, const char *sort)
{
    size_t i = is_plain(sort, TUI_STATE_SORT) ? entry_of(state, table) : state->count;
    if (i == state->count)
        return;
    snprintf(state->entry[i].sort, TUI_STATE_SORT, "%s", sort);
    state->entry[i].sort_changed = true;
}

void tui_state_set_columns(struct tui_state *state, const char *table, const char *columns)
{
    size_t i = is_plain(columns, TUI_STATE_COLUMNS) ? entry_of(state, table) : state->count;
    if (i == state->count)
        return;
    snprintf(state->entry[i].columns, TUI_STATE_COLUMNS, "%s", columns);
    state->entry[i].columns_changed = true;
}

/* ---- Writing ---- */

/* All folders above a path, as the specification of $XDG_STATE_HOME wants them. */
static void make_folders(const char *path)
{
    char folder[4096];
    snprintf(folder, sizeof folder, "%s", path);
    for (char *at = folder + 1; (at = strchr(at, '/')) != NULL; *at++ = '/') {
        *at = '\0';
        (void)mkdir(folder, 0700); /* that it is not there is told by who opens the file */
    }
}

bool tui_state_write(const struct tui_state *state, const char *path)
{
    static const char head[] = "# what reftrack tui remembers: written by it\n";
    struct tui_state merged = { .count = 0 };
    struct prof_str text = { .text = NULL }, unknown = { .text = NULL };
    const char *why;
    size_t length;
    for (size_t i = 0; i < state->count; i++) {
        if (state->entry[i].sort_changed)
            tui_state_set_sort(&merged, state->entry[i].table, state->entry[i].sort);
        if (state->entry[i].columns_changed)
            tui_state_set_columns(&merged, state->entry[i].table, state->entry[i].columns);
    }
    char *old = tui_textfile_read(path, &length, &why);
    if (old == NULL && why != NULL) {
        errno = EIO; /* it is there, but no file to be replaced */
        return false;
    }
    if (old != NULL && length >= sizeof head - 1 && memcmp(old, head, sizeof head - 1) == 0)
        take_text(&merged, old + sizeof head - 1, length - (sizeof head - 1), &unknown);
    else if (old != NULL)
        take_text(&merged, old, length, &unknown);
    free(old);
    prof_str_add(&text, head);
    for (size_t i = 0; i < merged.count; i++) {
        if (merged.entry[i].sort[0] != '\0')
            prof_str_addf(&text, "sort %s %s\n", merged.entry[i].table, merged.entry[i].sort);
        if (merged.entry[i].columns[0] != '\0')
            prof_str_addf(&text, "columns %s %s\n", merged.entry[i].table, merged.entry[i].columns);
    }
    if (unknown.text != NULL)
        prof_str_add(&text, unknown.text);
    bool good = !text.failed && !unknown.failed;
    errno = ENOMEM;
    make_folders(path);
    good = good && tui_textfile_replace(path, text.text, text.length, true, 0600);
    int kept = errno;
    prof_str_deinit(&text);
    prof_str_deinit(&unknown);
    errno = kept;
    return good;
}
