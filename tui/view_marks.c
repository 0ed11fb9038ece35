/* view_marks.c: the named moments: marks of the trace, whatever moment is looked at, and bookmarks; from one of them to
 * another leads the diff. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "list.h"
#include "marks.h"

struct marks_view {
    struct tui_view view;
    struct tui_list list;
    struct tui_area area;
    uint64_t from_us; /* where the diff begins; 0: at the moment before the selected one */
    json_t *rows;     /* made of so many marks, the last of them at, and with: */
    size_t count;
    uint64_t last_us, made_from_us;
    enum prof_units units;
};

static struct marks_view *as_marks(struct tui_view *view)
{
    return (struct marks_view *)view;
}

static void destroy(struct tui_view *base)
{
    tui_list_deinit(&as_marks(base)->list);
    json_decref(as_marks(base)->rows);
    free(base);
}

/* ---- Rows ---- */

enum { FROM, AT, MARK, KIND, OBJECTS, OBJECTS_GREW, BYTES, BYTES_GREW, SINCE };
static const struct tui_column columns[] = {
    [FROM] = { "from", "", TUI_COLUMN_TEXT, 0, 4 },
    [AT] = { "at", "AT", TUI_COLUMN_NUMBER, 0, 8 },
    [MARK] = { "mark", "MARK", TUI_COLUMN_NAME, 0, 10 },
    [KIND] = { "kind", "KIND", TUI_COLUMN_TEXT, 1, 6 },
    [OBJECTS] = { "objects", "OBJECTS", TUI_COLUMN_NUMBER, 0, 6 },
    [OBJECTS_GREW] = { "grown_objects", "GREW BY", TUI_COLUMN_NUMBER, 3, 6 },
    [BYTES] = { "bytes", "BYTES", TUI_COLUMN_NUMBER, 0, 8 },
    [BYTES_GREW] = { "grown_bytes", "GREW BY", TUI_COLUMN_NUMBER, 2, 8 },
    [SINCE] = { "since", "SINCE", TUI_COLUMN_NUMBER, 4, 6 },
    { .key = NULL },
};
static const struct tui_list_spec spec = {
    .table = "marks",
    .columns = columns,
    .name = "at",
    .sort = "",
    .note = "Enter: what changed from the mark before, or where d put 'from', to this one.",
    .local = true,
};

static int by_time(const void *left, const void *right)
{
    const struct tui_mark *a = *(const struct tui_mark *const *)left, *b = *(const struct tui_mark *const *)right;
    return a->at_us < b->at_us ? -1 : a->at_us > b->at_us;
}

static json_t *row_of(const struct marks_view *view, const struct tui_mark *mark, const struct tui_mark *before)
{
    enum prof_units units = view->view.app->units;
    char at[32], objects[32], grown[32] = "-", bytes[32], more[32] = "-", since[32] = "-";
    long long object_step = before != NULL ? (long long)(mark->objects - before->objects) : 0,
              byte_step = before != NULL ? (long long)(mark->bytes - before->bytes) : 0;
    if (before != NULL) {
        snprintf(grown, sizeof grown, "%+lld", object_step);
        prof_fmt_delta(more, sizeof more, (double)byte_step, units);
        prof_fmt_duration(since, sizeof since, mark->at_us - before->at_us);
    }
    return json_pack(
        "{s:[s,s,s,s,s,s,s,s,s],s:[i,I,s,s,I,I,I,I,I]}", "cells",
        view->from_us != 0 && mark->at_us == view->from_us ? "from" : "", prof_fmt_time(at, sizeof at, mark->at_us),
        mark->name, mark->kind, prof_fmt_count(objects, sizeof objects, mark->objects), grown,
        prof_fmt_bytes(bytes, sizeof bytes, mark->bytes, units), more, since, "keys", 0, (json_int_t)mark->at_us,
        mark->name, mark->kind, (json_int_t)mark->objects, (json_int_t)object_step, (json_int_t)mark->bytes,
        (json_int_t)byte_step, (json_int_t)(before != NULL ? mark->at_us - before->at_us : 0));
}

static json_t *make_rows(const struct marks_view *view)
{
    const struct tui_app *app = view->view.app;
    size_t count = tui_marks_count(app);
    const struct tui_mark **marks = calloc(count + 1, sizeof *marks);
    json_t *rows = json_array();
    for (size_t i = 0; marks != NULL && i < count; i++)
        marks[i] = tui_marks_at(app, i);
    if (marks != NULL && count > 0)
        qsort(marks, count, sizeof *marks, by_time);
    for (size_t i = 0; marks != NULL && i < count; i++)
        json_array_append_new(rows, row_of(view, marks[i], i > 0 ? marks[i - 1] : NULL));
    free(marks);
    return rows;
}

static void ask(struct tui_view *base)
{
    struct marks_view *view = as_marks(base);
    size_t count = tui_marks_count(base->app);
    uint64_t last_us = count > 0 ? tui_marks_at(base->app, count - 1)->at_us : 0;
    if (view->rows == NULL || view->count != count || view->last_us != last_us || view->units != base->app->units ||
        view->made_from_us != view->from_us) {
        json_decref(view->rows);
        view->rows = make_rows(view);
        view->count = count;
        view->last_us = last_us;
        view->units = base->app->units;
        view->made_from_us = view->from_us;
    }
    tui_list_give(&view->list, json_incref(view->rows));
    tui_list_ask(&view->list);
}

static void draw(struct tui_view *base, struct tui_canvas *canvas, struct tui_area area)
{
    struct marks_view *view = as_marks(base);
    view->area = area;
    if (view->list.total == 0 && view->list.where[0] == '\0') {
        tui_text(canvas, area.y + 1, 2, area.width - 3, TUI_NORMAL, "No mark. m sets one now;");
        tui_text(canvas, area.y + 2, 2, area.width - 3, TUI_DIM,
                 "programs set them with trk_mark(\"name\"), everybody with 'reftrack mark PID NAME'.");
    } else {
        tui_list_draw(&view->list, canvas, area);
    }
}

/* ---- Actions ---- */

/* The one under the cursor; NULL: there is none. */
static const struct tui_mark *selected(const struct marks_view *view)
{
    const char *at = tui_list_cell(&view->list, "at"), *name = tui_list_cell(&view->list, "mark"),
               *kind = tui_list_cell(&view->list, "kind");
    for (size_t i = 0; at != NULL && i < tui_marks_count(view->view.app); i++) {
        const struct tui_mark *mark = tui_marks_at(view->view.app, i);
        char text[32];
        if (strcmp(prof_fmt_time(text, sizeof text, mark->at_us), at) == 0 && strcmp(mark->name, name) == 0 &&
            strcmp(mark->kind, kind) == 0)
            return mark;
    }
    return NULL;
}

static void open_diff(struct marks_view *view, const struct tui_mark *mark)
{
    struct tui_app *app = view->view.app;
    uint64_t at_us = mark->at_us, from = 0;
    if (view->from_us != 0)
        from = view->from_us;
    else
        tui_marks_before(app, at_us, &from);
    tui_source_go(app->source, from > at_us ? from : at_us);
    tui_app_open(app, tui_view_diff_from(app, from > at_us ? at_us : from));
}

static bool act(struct tui_view *base, enum tui_action action)
{
    struct marks_view *view = as_marks(base);
    const struct tui_mark *mark = selected(view);
    char when[32];
    switch (action) {
    case TUI_OPEN:
        if (mark != NULL)
            open_diff(view, mark);
        return true;
    case TUI_DIFF_SINCE:
        if (mark == NULL)
            return true;
        view->from_us = view->from_us == mark->at_us ? 0 : mark->at_us;
        tui_app_say(base->app, TUI_NORMAL, "the diff begins at %s",
                    view->from_us != 0 ? prof_fmt_time(when, sizeof when, mark->at_us)
                                       : "the mark before the selected one");
        return true;
    default:
        return tui_list_act(&view->list, action);
    }
}

static void title(const struct tui_view *base, char *buf, size_t size)
{
    tui_list_title(&((const struct marks_view *)base)->list, buf, size);
}

static bool command(struct tui_view *base, const char *word, const char *rest)
{
    return tui_list_command(&as_marks(base)->list, word, rest);
}

static struct tui_list *list_of(struct tui_view *base)
{
    return &as_marks(base)->list;
}

static void mouse(struct tui_view *base, const struct tui_mouse *what)
{
    tui_list_mouse(&as_marks(base)->list, what, as_marks(base)->area);
}

static bool clear(struct tui_view *base)
{
    return tui_list_clear(&as_marks(base)->list);
}

static void command_line(const struct tui_view *base, char *buf, size_t size)
{
    (void)base;
    snprintf(buf, size, "reftrack marks TRACE");
}

static const enum tui_action hints[] = { TUI_OPEN, TUI_SET_MARK, TUI_DIFF_SINCE, TUI_FILTER, TUI_FIND, TUI_NO_ACTION };
static const struct tui_view_ops ops = {
    .name = "marks",
    .tab = TUI_MARKS,
    .hints = hints,
    .destroy = destroy,
    .ask = ask,
    .draw = draw,
    .act = act,
    .title = title,
    .command = command,
    .mouse = mouse,
    .command_line = command_line,
    .list = list_of,
    .flat = "marks", /* bookmarks are no part of the trace */
    .scrolls = true,
    .clear = clear,
};

struct tui_view *tui_view_marks(struct tui_app *app)
{
    struct marks_view *view = calloc(1, sizeof *view);
    if (view == NULL)
        return NULL;
    view->view = (struct tui_view){ .ops = &ops, .app = app };
    tui_list_init(&view->list, app, &spec);
    return &view->view;
}
