/* marks.c: the marks of the trace and the bookmarks of the viewer. See marks.h. */
#include "marks.h"

#include <stdlib.h>
#include <string.h>

#include "said.h"

static const char bookmark[] = "bookmark";

size_t tui_marks_count(const struct tui_app *app)
{
    const struct tui_mark *marks;
    return tui_source_marks(app->source, &marks) + app->bookmarks.count;
}

const struct tui_mark *tui_marks_at(const struct tui_app *app, size_t i)
{
    const struct tui_mark *marks;
    size_t count = tui_source_marks(app->source, &marks);
    return i < count ? &marks[i] : &app->bookmarks.items[i - count];
}

bool tui_mark_is_bookmark(const struct tui_mark *mark)
{
    return strcmp(mark->kind, bookmark) == 0;
}

bool tui_mark_is_named(const struct tui_mark *mark)
{
    return mark->name[0] != '\0' &&
           (strcmp(mark->kind, "mark") == 0 || strcmp(mark->kind, "checkpoint") == 0 || tui_mark_is_bookmark(mark));
}

bool tui_marks_before(const struct tui_app *app, uint64_t at_us, uint64_t *ret)
{
    bool found = false;
    for (size_t i = 0; i < tui_marks_count(app); i++) {
        const struct tui_mark *mark = tui_marks_at(app, i);
        if (!tui_mark_is_named(mark) || mark->at_us >= at_us || (found && mark->at_us <= *ret))
            continue;
        *ret = mark->at_us;
        found = true;
    }
    return found;
}

bool tui_marks_after(const struct tui_app *app, uint64_t at_us, uint64_t *ret)
{
    bool found = false;
    for (size_t i = 0; i < tui_marks_count(app); i++) {
        const struct tui_mark *mark = tui_marks_at(app, i);
        if (!tui_mark_is_named(mark) || mark->at_us <= at_us || (found && mark->at_us >= *ret))
            continue;
        *ret = mark->at_us;
        found = true;
    }
    return found;
}

const struct tui_mark *tui_marks_here(const struct tui_app *app, uint64_t at_us)
{
    for (size_t i = 0; i < tui_marks_count(app); i++) {
        const struct tui_mark *mark = tui_marks_at(app, i);
        if (tui_mark_is_named(mark) && mark->at_us == at_us)
            return mark;
    }
    return NULL;
}

bool tui_marks_can_set(const struct tui_app *app)
{
    return app->pid != 0 && !app->read_only && tui_source_phase(app->source) == TUI_LIVE &&
           tui_source_at(app->source) == TUI_AT_NOW && !tui_source_paused(app->source);
}

void tui_marks_set(struct tui_app *app, const char *name)
{
    char pid[16], done[TUI_PROMPT_MOST + 64];
    const char *const words[] = { "mark", "--", pid, name, NULL };
    snprintf(pid, sizeof pid, "%u", app->pid);
    snprintf(done, sizeof done, "mark %s is in the trace of process %s", name, pid);
    tui_job_start(app, words, done);
}

void tui_marks_bookmark(struct tui_app *app, const char *name)
{
    const json_t *totals = json_object_get(app->summary.answer, "totals");
    uint64_t at_us, events, blocks = tui_said_number(totals, "block_bytes"),
                            own = tui_said_number(totals, "object_bytes");
    char when[32];
    tui_source_snapshot_at(app->source, &at_us, &events);
    if (tui_source_at(app->source) != TUI_AT_NOW)
        at_us = tui_source_at(app->source);
    struct tui_mark mark = { .at_us = at_us,
                             .objects = tui_said_number(totals, "objects"),
                             .bytes = blocks > own ? blocks : own };
    memcpy(mark.kind, bookmark, sizeof bookmark);
    mark.name = strdup(name);
    if (mark.name == NULL || !prof_vec_push(&app->bookmarks, mark)) {
        free(mark.name);
        tui_app_say(app, TUI_BAD, "there is no memory");
        return;
    }
    size_t i = app->bookmarks.count - 1;
    for (; i > 0 && app->bookmarks.items[i - 1].at_us > at_us; i--)
        app->bookmarks.items[i] = app->bookmarks.items[i - 1];
    app->bookmarks.items[i] = mark;
    tui_app_say(app, TUI_GOOD, "bookmark %s at %s: of this viewer only, the trace stays as it is", name,
                prof_fmt_time(when, sizeof when, at_us));
}

void tui_marks_deinit(struct tui_app *app)
{
    for (size_t i = 0; i < app->bookmarks.count; i++)
        free(app->bookmarks.items[i].name);
    prof_vec_deinit(&app->bookmarks);
}
