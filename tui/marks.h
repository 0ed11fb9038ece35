/* marks.h: named moments: the marks of the trace, whatever moment is looked at, and the bookmarks of this viewer, which
 * stand in no trace and end with it. */
#ifndef TUI_MARKS_H
#define TUI_MARKS_H

#include "app.h"

/* Of the trace first, then bookmarks; each part by time. */
size_t tui_marks_count(const struct tui_app *app);
const struct tui_mark *tui_marks_at(const struct tui_app *app, size_t i);
bool tui_mark_is_bookmark(const struct tui_mark *mark);
/* It has a name to go by: a mark, a checkpoint, a bookmark; not a scope, a fork, a mere look at memory. */
bool tui_mark_is_named(const struct tui_mark *mark);

/* The nearest named moment before, or behind, a moment; false: there is none. */
bool tui_marks_before(const struct tui_app *app, uint64_t at_us, uint64_t *ret);
bool tui_marks_after(const struct tui_app *app, uint64_t at_us, uint64_t *ret);
/* The named moment that it is; NULL: none. */
const struct tui_mark *tui_marks_here(const struct tui_app *app, uint64_t at_us);

/* Is what is looked at the present of a program that runs, so that m sets a mark in its trace? */
bool tui_marks_can_set(const struct tui_app *app);
/* Asks the recorder for one; it is said later what became of it. */
void tui_marks_set(struct tui_app *app, const char *name);
/* The moment that is looked at becomes a bookmark; says what became of it. */
void tui_marks_bookmark(struct tui_app *app, const char *name);
void tui_marks_deinit(struct tui_app *app);

#endif
