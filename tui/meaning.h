/* meaning.h: what signs, words and columns of the viewer mean: for its help and its manual page. */
#ifndef TUI_MEANING_H
#define TUI_MEANING_H

#include <stddef.h>

struct tui_meaning {
    const char *word, *text; /* text: one line, no full stop */
};
/* Signs and words that stand on the screens; ended by word NULL. */
extern const struct tui_meaning tui_meanings[];

/* What a column of a table is, by their keys; NULL: nobody wrote it down. */
const char *tui_meaning_of_column(const char *table, const char *key);

#endif
