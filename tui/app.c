/* app.c: views, keys, prompt and messages. See app.h; frame.c draws what surrounds the views. */
#include "app.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "export.h"
#include "editor.h"
#include "frame.h"
#include "marks.h"
#include "strip.h"
#include "trend.h"

enum { MESSAGE_MS = 5000 };

bool tui_app_init(struct tui_app *app, struct tui_source *source, int height, int width, bool ascii)
{
    *app = (struct tui_app){ .source = source, .name = "", .path = "" };
    tui_config_init(&app->config);
    snprintf(app->ignore_path, sizeof app->ignore_path, "reftrack.supp");
    if (!tui_canvas_init(&app->canvas, height, width, ascii))
        return false;
    app->views[0] = tui_view_overview(app);
    app->depth = app->views[0] != NULL;
    return app->depth == 1;
}

void tui_app_deinit(struct tui_app *app)
{
    while (app->depth > 0) {
        app->depth--;
        app->views[app->depth]->ops->destroy(app->views[app->depth]);
    }
    tui_marks_deinit(app);
    tui_job_deinit(&app->job);
    if (app->source != NULL) {
        tui_source_forget(app->source, &app->summary);
        tui_editor_deinit(app);
    }
    if (app->source != NULL)
        tui_export_deinit(app);
    tui_tags_deinit(&app->tags);
    tui_canvas_deinit(&app->canvas);
}

struct tui_view *tui_app_top(const struct tui_app *app)
{
    return app->views[app->depth - 1];
}

static void close_top(struct tui_app *app)
{
    app->menu.title = NULL; /* it is about that view */
    app->depth--;
    app->views[app->depth]->ops->destroy(app->views[app->depth]);
}

void tui_app_open(struct tui_app *app, struct tui_view *view)
{
    if (view == NULL) {
        tui_app_say(app, TUI_BAD, "there is no memory for another view");
    } else if (app->depth == TUI_VIEWS_MOST) {
        view->ops->destroy(view);
        tui_app_say(app, TUI_WARN, "that is deep enough: Esc goes back");
    } else {
        app->views[app->depth++] = view;
    }
}

/* A tab is the second view at most: the overview stays below. */
static void open_tab(struct tui_app *app, struct tui_view *view)
{
    while (app->depth > 1)
        close_top(app);
    tui_app_open(app, view);
}

void tui_app_say(struct tui_app *app, enum tui_role role, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(app->message, sizeof app->message, format, args);
    va_end(args);
    app->message_role = role;
    app->message_until_ms = app->now_ms + MESSAGE_MS;
}

void tui_app_configured(struct tui_app *app)
{
    const struct tui_settings *settings = &app->config.settings;
    app->units = (enum prof_units)settings->units;
    app->canvas.ascii = settings->ascii == TUI_ASCII_YES || (settings->ascii == TUI_ASCII_AUTO && !app->utf8);
    if (app->terminal != NULL)
        app->terminal->configure(&app->config);
}

void tui_app_configure(struct tui_app *app, const struct tui_config *config, const char *path,
                       const struct tui_problems *problems, const char *state_path)
{
    app->config = *config;
    tui_app_configured(app);
    app->config_path = path;
    app->problems = problems;
    app->state_path = state_path;
    if (app->state_path != NULL && config->settings.remember != 0)
        tui_state_read(&app->state, app->state_path);
    char first[16]; /* called as the action that opens it */
    tui_option_word(tui_option_named("first"), config->settings.first, first, sizeof first);
    if (config->settings.first != 0)
        tui_app_act(app, tui_action_named(first));
    if (problems != NULL && problems->count == 1)
        tui_app_say(app, TUI_WARN, "%s", problems->text[0]);
    else if (problems != NULL && problems->count > 1)
        tui_app_say(app, TUI_WARN, "%zu lines are wrong (the log has all): %s", problems->count, problems->text[0]);
}

void tui_app_remember(struct tui_app *app)
{
    if (app->state_path == NULL || app->config.settings.remember == 0 || tui_state_write(&app->state, app->state_path))
        return;
    tui_app_say(app, TUI_WARN, "order and columns are not remembered: %s: %s", app->state_path, strerror(errno));
    app->state_path = NULL; /* said once */
}

/* ---- Actions ---- */

/* Who started a program says what becomes of it. */
static void leave(struct tui_app *app)
{
    if (app->started && tui_source_phase(app->source) != TUI_ENDED)
        tui_prompt_open(&app->prompt, TUI_PROMPT_LEAVE, "");
    else
        app->quit = true;
}

static void close_or_quit(struct tui_app *app)
{
    if (app->depth > 1)
        close_top(app);
    else if (app->started)
        leave(app);
    else if (app->pid != 0 && tui_source_phase(app->source) == TUI_LIVE && !app->quit_asked &&
             app->config.settings.confirm_quit) {
        app->quit_asked = true;
        tui_app_say(app, TUI_WARN, "q again quits; %s keeps running", app->name);
    } else {
        app->quit = true;
    }
}

static void go_back(struct tui_app *app)
{
    struct tui_view *view = tui_app_top(app);
    if (view->ops->clear != NULL && view->ops->clear(view))
        return;
    if (app->depth > 1)
        close_top(app);
}

static void travel(struct tui_app *app, int step)
{
    uint64_t end = tui_trend_end(app), at = tui_source_at(app->source), part = end / 50 + 1;
    at = at == TUI_AT_NOW ? end : at;
    if (step < 0)
        tui_source_go(app->source, at > part ? at - part : 1);
    else
        tui_source_go(app->source, at + part >= end ? TUI_AT_NOW : at + part);
}

static void travel_to_mark(struct tui_app *app, int step)
{
    uint64_t at = tui_source_at(app->source), to;
    if (step < 0 ? tui_marks_before(app, at, &to) : tui_marks_after(app, at, &to))
        tui_source_go(app->source, to);
    else if (step > 0)
        tui_source_go(app->source, TUI_AT_NOW);
    else
        tui_app_say(app, TUI_WARN, "there is no mark before this moment");
}

/* Shown and left: keys go there. Shown and there: it goes. */
static void toggle_strip(struct tui_app *app)
{
    bool leave = app->strip.focus;
    app->strip.shown = app->strip.focus = !leave;
}

/* Those that are the same everywhere. false: it is none of these. */
static bool act_anywhere(struct tui_app *app, enum tui_action action)
{
    switch (action) {
    case TUI_OVERVIEW:
        while (app->depth > 1)
            close_top(app);
        return true;
    case TUI_TYPES:
        open_tab(app, tui_view_types(app));
        return true;
    case TUI_OBJECTS:
        open_tab(app, tui_view_objects(app, NULL));
        return true;
    case TUI_CYCLES:
        open_tab(app, tui_view_cycles(app));
        return true;
    case TUI_LEAKS:
        open_tab(app, tui_view_leaks(app, 0));
        return true;
    case TUI_SITES:
        open_tab(app, tui_view_sites(app));
        return true;
    case TUI_MARKS:
        open_tab(app, tui_view_marks(app));
        return true;
    case TUI_DIFF:
    case TUI_DIFF_SINCE:
        open_tab(app, tui_view_diff(app, action == TUI_DIFF_SINCE));
        return true;
    case TUI_GROWTH:
        open_tab(app, tui_view_growth(app));
        return true;
    case TUI_LOG:
        open_tab(app, tui_view_log(app));
        return true;
    case TUI_GENERATIONS:
        open_tab(app, tui_view_generations(app));
        return true;
    case TUI_OUTPUT:
        if (app->output != NULL)
            tui_app_open(app, tui_view_output(app));
        else
            tui_app_say(app, TUI_WARN, "what the program writes is its own: it was not started with run --tui");
        return true;
    case TUI_HELP:
        tui_app_open(app, tui_view_help(app));
        return true;
    case TUI_BACK:
        go_back(app);
        return true;
    case TUI_CLOSE:
        close_or_quit(app);
        return true;
    case TUI_QUIT:
        leave(app);
        return true;
    case TUI_FIND:
        tui_prompt_open(&app->prompt, TUI_PROMPT_FIND, "");
        return true;
    case TUI_FILTER:
        tui_prompt_open(&app->prompt, TUI_PROMPT_FILTER, "");
        return true;
    case TUI_COMMAND:
        tui_prompt_open(&app->prompt, TUI_PROMPT_COMMAND, "");
        return true;
    case TUI_EXPORT:
        tui_prompt_open(&app->prompt, TUI_PROMPT_EXPORT, "");
        return true;
    case TUI_EARLIER:
    case TUI_LATER:
        travel(app, action == TUI_EARLIER ? -1 : 1);
        return true;
    case TUI_MARK_EARLIER:
    case TUI_MARK_LATER:
        travel_to_mark(app, action == TUI_MARK_EARLIER ? -1 : 1);
        return true;
    case TUI_TIMELINE:
        toggle_strip(app);
        return true;
    case TUI_SET_MARK:
        tui_prompt_open(&app->prompt, tui_marks_can_set(app) ? TUI_PROMPT_MARK : TUI_PROMPT_BOOKMARK, "");
        return true;
    case TUI_NOW:
        tui_source_go(app->source, TUI_AT_NOW);
        return true;
    case TUI_PAUSE:
        tui_source_pause(app->source, !tui_source_paused(app->source));
        return true;
    case TUI_REFRESH:
        tui_source_refresh(app->source);
        return true;
    case TUI_UNITS:
        app->units = app->units == PROF_UNITS_BYTES ? PROF_UNITS_IEC : (enum prof_units)(app->units + 1);
        app->config.settings.units = (int)app->units;
        return true;
    default:
        return false;
    }
}

/* Returns its name. */
static const char *next_theme(struct tui_app *app)
{
    static char name[16];
    const struct tui_option *option = tui_option_named("theme");
    app->config.settings.theme++;
    if (tui_option_word(option, app->config.settings.theme, name, sizeof name)[0] == '\0') {
        app->config.settings.theme = 0;
        tui_option_word(option, 0, name, sizeof name);
    }
    app->terminal->configure(&app->config);
    return name;
}

static bool act_on_terminal(struct tui_app *app, enum tui_action action)
{
    const struct tui_terminal *terminal = app->terminal;
    const struct tui_view *view = tui_app_top(app);
    const char *why = NULL;
    switch (action) {
    case TUI_REDRAW:
        if (terminal != NULL)
            terminal->redraw();
        return true;
    case TUI_SUSPEND:
        if (terminal != NULL)
            terminal->suspend();
        return true;
    case TUI_THEME:
        if (terminal != NULL)
            tui_app_say(app, TUI_NORMAL, "theme %s", next_theme(app));
        return true;
    case TUI_COPY:
        if (view->ops->selected == NULL || view->ops->selected(view)[0] == '\0') {
            tui_app_say(app, TUI_WARN, "nothing is selected");
        } else {
            if (terminal != NULL)
                terminal->copy(view->ops->selected(view));
            tui_app_say(app, TUI_NORMAL, "copied: %s", view->ops->selected(view));
        }
        return true;
    case TUI_RECONNECT:
        if (tui_source_phase(app->source) != TUI_LOST_LINK)
            tui_app_say(app, TUI_NORMAL, "the link is there");
        else if (!tui_source_restart(app->source, &why))
            tui_app_say(app, TUI_BAD, "%s", why);
        return true;
    default:
        return false;
    }
}

void tui_app_act(struct tui_app *app, enum tui_action action)
{
    struct tui_view *view = tui_app_top(app);
    bool again = action == TUI_CLOSE, strip = action == TUI_LEFT || action == TUI_RIGHT;
    strip = strip && tui_strip_height(app, view, app->canvas.height) > 0;
    if (!(app->strip.focus && tui_strip_act(app, action)) && !view->ops->act(view, action) &&
        !(strip && tui_strip_act(app, action)) && !act_anywhere(app, action) && !act_on_terminal(app, action)) {
        const char *selected = view->ops->selected != NULL ? view->ops->selected(view) : "";
        if ((action == TUI_REFERRERS || action == TUI_REFERENTS) && selected[0] != '\0')
            tui_app_open(app, tui_view_links(app, selected, action == TUI_REFERRERS));
        else if (action == TUI_WHY && selected[0] != '\0')
            tui_app_open(app, tui_view_why(app, selected));
        else
            tui_app_say(app, TUI_WARN, "%s does nothing here", tui_actions[action].name);
    }
    app->quit_asked = app->quit_asked && again;
}

static struct tui_area strip_area(const struct tui_app *app)
{
    int height = tui_strip_height(app, tui_app_top(app), app->canvas.height - 4);
    return (struct tui_area){ .y = app->canvas.height - 2 - height, .height = height, .width = app->canvas.width };
}

void tui_app_key(struct tui_app *app, uint32_t key, const struct tui_mouse *mouse)
{
    struct tui_view *view = tui_app_top(app);
    bool small = app->canvas.height < TUI_LEAST_HEIGHT || app->canvas.width < TUI_LEAST_WIDTH;
    if (small && !app->ignore_size) {
        app->ignore_size = key == 'i';
        app->quit = key == 'q' || key == 'Q' || key == ('c' & 31);
        return;
    }
    if (key == TUI_KEY_MOUSE && app->prompt.kind != TUI_PROMPT_NONE) {
        if (mouse != NULL && mouse->what != TUI_MOUSE_UP && mouse->what != TUI_MOUSE_DOWN)
            app->prompt.kind = TUI_PROMPT_NONE; /* it is about what stands there now */
        return;
    }
    if (key == TUI_KEY_MOUSE && app->menu.title != NULL) {
        if (mouse != NULL)
            tui_menu_mouse(&app->menu, mouse);
        return;
    }
    if (key == TUI_KEY_MOUSE) {
        enum tui_action action = mouse != NULL ? tui_frame_action_at(app, mouse->y, mouse->x) : TUI_NO_ACTION;
        if (action != TUI_NO_ACTION)
            tui_app_act(app, action);
        else if (mouse != NULL && tui_strip_click(app, strip_area(app), mouse))
            return;
        else if (mouse != NULL && view->ops->mouse != NULL)
            view->ops->mouse(view, mouse);
        return;
    }
    if (app->prompt.kind != TUI_PROMPT_NONE) {
        tui_prompt_key(app, key);
        return;
    }
    enum tui_action action = tui_keymap_find(&app->config.keymap, view->ops->name, key);
    char name[16], help[16];
    app->message[0] = '\0';
    if (app->menu.title != NULL && action != TUI_QUIT)
        tui_menu_act(&app->menu, key == ' ' ? TUI_OPEN : key == TUI_KEY_ESC ? TUI_BACK : action);
    else if (action != TUI_NO_ACTION)
        tui_app_act(app, action);
    else
        tui_app_say(app, TUI_WARN, "%s is no key here: %s shows all", tui_key_name(key, name, sizeof name),
                    tui_keymap_key(&app->config.keymap, view->ops->name, TUI_HELP, help, sizeof help));
}

void tui_app_resize(struct tui_app *app, int height, int width)
{
    if (!tui_canvas_resize(&app->canvas, height, width))
        app->quit = true;
}

void tui_app_draw(struct tui_app *app)
{
    struct tui_view *view = tui_app_top(app);
    if (app->message_until_ms <= app->now_ms)
        app->message[0] = '\0';
    tui_export_step(app);
    tui_source_ask(app->source, &app->summary, json_pack("{s:s}", "ask", "summary"));
    if (view->ops->ask != NULL)
        view->ops->ask(view);
    tui_editor_step(app);
    tui_canvas_clear(&app->canvas);
    bool small = app->canvas.height < TUI_LEAST_HEIGHT || app->canvas.width < TUI_LEAST_WIDTH;
    if (small && !app->ignore_size) {
        tui_frame_too_small(app);
        return;
    }
    struct tui_area strip = strip_area(app),
                    area = { .y = 2, .height = app->canvas.height - 4 - strip.height, .width = app->canvas.width };
    char notice[320];
    area.height -= tui_frame_notice(app, notice, sizeof notice)[0] != '\0';
    view->ops->draw(view, &app->canvas, area);
    if (notice[0] != '\0')
        tui_text(&app->canvas, area.y + area.height, 1, area.width - 1, TUI_BAD, notice);
    if (strip.height > 0)
        tui_strip_draw(app, &app->canvas, strip);
    if (app->menu.title != NULL)
        tui_menu_draw(&app->menu, &app->canvas, area);
    tui_frame_draw(app, view); /* behind the view, whose title tells what was drawn */
}
