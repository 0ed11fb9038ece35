/* page.c: views that are one text. See page.h. */
#include "page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "editor.h"
#include "said.h"

static struct tui_page *as_page(struct tui_view *base)
{
    return (struct tui_page *)base;
}

struct tui_view *tui_page_create(struct tui_app *app, const struct tui_page_spec *spec, const char *of, json_t *given)
{
    struct tui_page *page = calloc(1, sizeof *page);
    if (page == NULL) {
        json_decref(given);
        return NULL;
    }
    page->view = (struct tui_view){ .ops = &spec->ops, .app = app };
    page->spec = spec;
    page->given = given;
    snprintf(page->of, sizeof page->of, "%s", of != NULL ? of : "");
    return &page->view;
}

void tui_page_destroy(struct tui_view *base)
{
    struct tui_page *page = as_page(base);
    tui_source_forget(base->app->source, &page->query);
    tui_lines_deinit(&page->lines);
    json_decref(page->given);
    free(page);
}

void tui_page_ask(struct tui_view *base)
{
    struct tui_page *page = as_page(base);
    if (page->spec->ask != NULL)
        tui_source_ask(base->app->source, &page->query,
                       json_pack("{s:s,s:s,s:i,s:b}", "ask", page->spec->ask, "of", page->of, "units",
                                 (int)base->app->units, "all", page->unfolded));
}

static void fill(struct tui_page *page, const json_t *answer)
{
    enum prof_units units = page->view.app->units;
    if (page->fresh && page->drawn == page->query.version && page->drawn_units == units)
        return;
    tui_lines_clear(&page->lines);
    if (json_object_get(answer, "error") != NULL)
        tui_lines_add(&page->lines, "", TUI_BAD, "%s", tui_said(answer, "error"));
    else
        page->spec->fill(page, answer);
    page->drawn = page->query.version;
    page->drawn_units = units;
    page->fresh = true;
}

void tui_page_draw(struct tui_view *base, struct tui_canvas *canvas, struct tui_area area)
{
    struct tui_page *page = as_page(base);
    const json_t *answer = page->spec->ask != NULL ? page->query.answer : page->given;
    if (answer == NULL) {
        const char *trouble = tui_source_trouble(base->app->source);
        tui_text(canvas, area.y + 1, 2, area.width - 3, trouble != NULL ? TUI_BAD : TUI_DIM,
                 trouble != NULL ? trouble : "asking ...");
        return;
    }
    fill(page, answer);
    tui_lines_draw(&page->lines, canvas, area, true);
}

void tui_page_open_target(struct tui_app *app, const char *target)
{
    unsigned finding;
    if (sscanf(target, "@leak:%u", &finding) == 1)
        tui_app_open(app, tui_view_leaks(app, finding > 0 ? finding - 1 : 0));
    else if (strstr(target, "block#") != NULL) /* has no page of its own, but referrers */
        tui_app_open(app, tui_view_links(app, target, true));
    else
        tui_app_open(app, tui_view_object(app, target));
}

void tui_page_open_source(struct tui_app *app, const json_t *place, enum tui_action action)
{
    const char *file = tui_said(place, "file");
    unsigned line = (unsigned)tui_said_number(place, "line");
    if (file[0] == '\0')
        tui_app_say(app, TUI_WARN, "where that is in the source is not known: no debug information");
    else if (action == TUI_EDIT)
        tui_editor_open(app, file, line);
    else
        tui_app_open(app, tui_view_source(app, file, line));
}

bool tui_page_act_on_line(struct tui_app *app, const struct tui_lines *lines, enum tui_action action)
{
    const char *target = tui_lines_selected(lines);
    json_t *place = tui_lines_selected_place(lines);
    if (action == TUI_OPEN && target != NULL) {
        tui_page_open_target(app, target);
        return true;
    }
    bool frame = place != NULL && json_object_get(place, "stack") == NULL; /* nothing further out is known */
    if (place != NULL && (action == TUI_SOURCE || action == TUI_EDIT || (action == TUI_OPEN && frame))) {
        tui_page_open_source(app, place, action);
        return true;
    }
    if ((action == TUI_STACK || action == TUI_OPEN) && place != NULL) {
        tui_app_open(app, tui_view_stack(app, place));
        return true;
    }
    return false;
}

bool tui_page_act(struct tui_view *base, enum tui_action action)
{
    struct tui_page *page = as_page(base);
    bool folds = action == TUI_UNFOLD || action == TUI_FOLD || action == TUI_FOLD_ALL;
    if (folds) {
        page->unfolded = action == TUI_UNFOLD || (action == TUI_FOLD_ALL && !page->unfolded);
        page->fresh = false;
        return true;
    }
    if (action == TUI_REFERRERS || action == TUI_REFERENTS || action == TUI_WHY)
        return false; /* the same everywhere, of what is selected */
    /* The line that names the object itself leads on, not to the same page again. */
    bool itself = action == TUI_OPEN && page->of[0] != '\0' && page->spec->is_object &&
                  strcmp(tui_page_selected(base), page->of) == 0;
    if (!itself &&
        (tui_page_act_on_line(base->app, &page->lines, action) || tui_lines_act_found(base->app, &page->lines, action)))
        return true;
    if (action == TUI_OPEN && page->of[0] != '\0') {
        tui_app_open(base->app, tui_view_links(base->app, page->of, true));
        return true;
    }
    return false;
}

void tui_page_title(const struct tui_view *base, char *buf, size_t size)
{
    const struct tui_page *page = (const struct tui_page *)base;
    snprintf(buf, size, "%s%s", page->of, page->of[0] != '\0' ? "   " : "");
    tui_lines_title(&page->lines, buf + strlen(buf), size - strlen(buf));
}

const char *tui_page_selected(const struct tui_view *base)
{
    const struct tui_page *page = (const struct tui_page *)base;
    const char *target = tui_lines_selected(&page->lines);
    return target != NULL ? target : page->of;
}

const char *tui_page_document(const struct tui_view *base, const char **ret_of)
{
    const struct tui_page *page = (const struct tui_page *)base;
    *ret_of = page->of;
    return page->spec->document;
}

bool tui_page_command(struct tui_view *base, const char *word, const char *rest)
{
    return tui_lines_command(base->app, &as_page(base)->lines, word, rest);
}

void tui_page_mouse(struct tui_view *base, const struct tui_mouse *what)
{
    tui_lines_mouse(base->app, &as_page(base)->lines, what);
}

bool tui_page_clear(struct tui_view *base)
{
    return tui_lines_clear_found(&as_page(base)->lines);
}

void tui_page_command_line(const struct tui_view *base, char *buf, size_t size)
{
    const struct tui_page *page = (const struct tui_page *)base;
    if (page->spec->command == NULL)
        return;
    snprintf(buf, size, "%s%s", page->spec->command, page->of[0] != '\0' ? " " : "");
    if (page->of[0] != '\0')
        tui_command_quote(buf, size, page->of);
}
