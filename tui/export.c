/* export.c: views to files. See export.h. */
#include "export.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "command.h"
#include "glyph.h"
#include "list.h"
#include "said.h"
#include "textfile.h"

enum { LINES_MOST = 65536, LIST_MORE = 4 };

/* "csv" of "a.csv"; NULL: no form has this ending. */
static const char *form_of(const char *path)
{
    static const char *const forms[][2] = {
        { ".txt", "text" }, { ".text", "text" }, { ".csv", "csv" }, { ".json", "json" }
    };
    const char *end = strrchr(path, '.');
    for (size_t i = 0; end != NULL && i < sizeof forms / sizeof *forms; i++)
        if (strcasecmp(end, forms[i][0]) == 0)
            return forms[i][1];
    return NULL;
}

/* ---- By the worker ---- */

static json_t *shown_columns(const struct tui_list *list)
{
    json_t *shown = json_array();
    for (size_t i = 0; i < list->columns.count; i++) {
        const struct tui_column *column = &list->columns.item[i];
        bool right = column->look == TUI_COLUMN_NUMBER || column->look == TUI_COLUMN_MORE;
        if (list->columns.shown[i])
            json_array_append_new(shown, json_pack("[s,s,b]", column->key, column->title, right));
    }
    return shown;
}

static void ask(struct tui_app *app, json_t *question, const char *path, const char *form, bool again)
{
    json_object_set_new(question, "ask", json_string("export"));
    json_object_set_new(question, "path", json_string(path));
    json_object_set_new(question, "form", json_string(form));
    json_object_set_new(question, "replace", json_boolean(again));
    json_object_set_new(question, "units", json_integer(app->units));
    tui_source_forget(app->source, &app->export); /* also an answer that was not looked at */
    app->export.once = true;
    tui_source_ask(app->source, &app->export, question);
    snprintf(app->export_path, sizeof app->export_path, "%s", path);
    tui_app_say(app, TUI_NORMAL, "writing %s ...", path);
}

static void ask_rows(struct tui_app *app, const struct tui_list *list, const char *path, const char *form, bool again)
{
    json_t *question = tui_list_question(list);
    json_object_set_new(question, "shown", shown_columns(list));
    ask(app, question, path, form, again);
}

void tui_export_step(struct tui_app *app)
{
    char rows[32];
    if (app->export.answer == NULL)
        return;
    uint64_t count = tui_said_number(app->export.answer, "rows");
    prof_fmt_count(rows, sizeof rows, count);
    if (json_object_get(app->export.answer, "error") != NULL)
        tui_app_say(app, TUI_BAD, "%s", tui_said(app->export.answer, "error"));
    else if (count > 0)
        tui_app_say(app, TUI_GOOD, "written to %s: %s row%s", app->export_path, rows, count == 1 ? "" : "s");
    else
        tui_app_say(app, TUI_GOOD, "written to %s", app->export_path);
    tui_source_forget(app->source, &app->export);
}

void tui_export_deinit(struct tui_app *app)
{
    tui_source_forget(app->source, &app->export);
}

/* ---- Here: the text of a view as it would be on a screen without an end ---- */

/* The view draws less than all of this canvas: nothing stands in the last row. */
static bool fits(const struct tui_canvas *canvas)
{
    const struct tui_cell *row = canvas->cells + (size_t)(canvas->height - 1) * (size_t)canvas->width;
    int x = 0;
    while (x < canvas->width && row[x].ch == ' ')
        x++;
    return x == canvas->width;
}

static void blank_cursor(struct tui_canvas *canvas)
{
    uint32_t cursor = tui_glyph(canvas, TUI_GLYPH_CURSOR);
    for (int y = 0; y < canvas->height; y++) {
        struct tui_cell *cell = canvas->cells + (size_t)y * (size_t)canvas->width;
        if (cell->selected && cell->ch == cursor)
            cell->ch = ' ';
    }
}

/* The caller frees it; NULL: *ret_why says why not. */
static char *text_of(struct tui_app *app, const char **ret_why)
{
    struct tui_view *view = tui_app_top(app);
    struct tui_canvas canvas;
    char *text = NULL;
    int height = app->canvas.height - 4;
    struct tui_list *list = view->ops->list != NULL ? view->ops->list(view) : NULL;
    if (list != NULL && list->total < LINES_MOST && (int)list->total + LIST_MORE > height)
        height = (int)list->total + LIST_MORE; /* it says more at its end, however high that is */
    *ret_why = "there is no memory";
    if (!tui_canvas_init(&canvas, height, app->canvas.width, app->canvas.ascii))
        return NULL;
    for (;;) {
        struct tui_area area = { .height = canvas.height, .width = canvas.width };
        view->ops->draw(view, &canvas, area);
        if (!view->ops->scrolls || list != NULL || fits(&canvas)) {
            blank_cursor(&canvas);
            text = tui_canvas_save(&canvas);
            break;
        }
        if (canvas.height >= LINES_MOST) {
            *ret_why = "it has more than 65 536 lines";
            break;
        }
        if (!tui_canvas_resize(&canvas, canvas.height * 4, canvas.width))
            break;
    }
    tui_canvas_deinit(&canvas);
    return text;
}

static void write_text(struct tui_app *app, const char *path, bool again)
{
    const char *why;
    char *text = text_of(app, &why);
    size_t length = text != NULL ? strlen(text) : 0;
    while (length > 1 && text[length - 1] == '\n' && text[length - 2] == '\n')
        length--; /* a view has blank rows at its end */
    if (text == NULL)
        tui_app_say(app, TUI_BAD, "%s cannot be written: %s", path, why);
    else if (tui_textfile_replace(path, text, length, again, 0666))
        tui_app_say(app, TUI_GOOD, "written to %s", path);
    else
        tui_app_say(app, TUI_BAD, "%s cannot be written: %s", path, strerror(errno));
    free(text);
}

/* ---- Both ---- */

void tui_export(struct tui_app *app, const char *to, bool again)
{
    char path[sizeof app->export_path], line[TUI_PROMPT_MOST + 32];
    struct tui_view *view = tui_app_top(app);
    struct tui_list *list = view->ops->list != NULL && view->ops->flat == NULL ? view->ops->list(view) : NULL;
    const char *of = "", *document = view->ops->document != NULL ? view->ops->document(view, &of) : NULL;
    const char *form = form_of(tui_command_path(to, path, sizeof path));
    snprintf(line, sizeof line, "export! %s", to);
    if (form == NULL)
        tui_app_say(app, TUI_BAD, "the name says the form: end it with .txt, .csv or .json");
    else if (list == NULL && view->ops->flat == NULL && strcmp(form, "csv") == 0)
        tui_app_say(app, TUI_BAD, "this view is no table: end the name with %s",
                    document != NULL ? ".txt or .json" : ".txt");
    else if (list == NULL && view->ops->flat == NULL && document == NULL && strcmp(form, "json") == 0)
        tui_app_say(app, TUI_BAD, "of this view there is no JSON: end the name with .txt");
    else if (!again && !tui_command_may_write(app, path, line))
        return;
    else if (list != NULL)
        ask_rows(app, list, path, form, again);
    else if (view->ops->flat != NULL && strcmp(form, "text") != 0)
        ask(app, json_pack("{s:s}", "table", view->ops->flat), path, form, again);
    else if (strcmp(form, "json") == 0)
        ask(app, json_pack("{s:s,s:s}", "document", document, "of", of), path, form, again);
    else
        write_text(app, path, again);
}
