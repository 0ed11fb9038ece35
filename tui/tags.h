/* tags.h: rows that the user has tagged, by the table that they are of and by their names; until the viewer ends. */
#ifndef TUI_TAGS_H
#define TUI_TAGS_H

#include <stdbool.h>
#include <stddef.h>

#include <base/vec.h>

enum { TUI_TAGS_MOST = 1000 };
struct tui_tags {
    PROF_VEC(char *) list; /* "TABLE\nNAME" */
};
/* Zero-initialize. */
void tui_tags_deinit(struct tui_tags *tags);

bool tui_tags_has(const struct tui_tags *tags, const char *table, const char *name);
/* Tags a row, or untags it. false: there are too many, or there is no memory. */
bool tui_tags_toggle(struct tui_tags *tags, const char *table, const char *name);
void tui_tags_clear(struct tui_tags *tags, const char *table);
size_t tui_tags_count(const struct tui_tags *tags, const char *table);
/* A --where expression for those of them, by the column that has the names, for which `where` holds ("": all of them).
 * The caller frees it; NULL: no memory. */
char *tui_tags_where(const struct tui_tags *tags, const char *table, const char *key, const char *where);

#endif
