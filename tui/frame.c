/* frame.c: the lines around a view. See frame.h. */
#include "frame.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <track/format.h>

#include "strip.h"

static const enum tui_action tabs[] = { TUI_OVERVIEW, TUI_TYPES, TUI_OBJECTS, TUI_CYCLES, TUI_LEAKS,
                                        TUI_SITES,    TUI_DIFF,  TUI_MARKS,   TUI_GROWTH };
enum { TABS = sizeof tabs / sizeof *tabs };

/* ---- Line 0: who, how, how much ---- */

static void end_words(const json_t *program, char *buf, size_t size)
{
    const json_t *end = json_object_get(program, "end");
    int reason = (int)json_integer_value(json_array_get(end, 0)),
        value = (int)json_integer_value(json_array_get(end, 1));
    if (!json_is_true(json_object_get(program, "finished")))
        snprintf(buf, size, "CUT");
    else if (reason == TRK_END_SIGNAL)
        snprintf(buf, size, "KILLED signal %d", value);
    else if (reason == TRK_END_EXIT)
        snprintf(buf, size, "ENDED exit %d", value);
    else
        snprintf(buf, size, "ENDED");
}

/* "  9 s left", or "". */
static void left_words(const struct tui_app *app, char *buf, size_t size)
{
    uint64_t seconds = (tui_source_left_ms(app->source) + 999) / 1000;
    buf[0] = '\0';
    if (seconds > 0 && seconds < 120)
        snprintf(buf, size, "  %u s left", (unsigned)seconds);
    else if (seconds > 0)
        snprintf(buf, size, "  %u min left", (unsigned)(seconds / 60));
}

static enum tui_role state_words(const struct tui_app *app, char *buf, size_t size)
{
    const json_t *program = json_object_get(app->summary.answer, "program");
    const struct tui_pulse *pulses;
    size_t count = tui_source_pulses(app->source, &pulses);
    uint64_t done, all, at_us, events;
    char text[32];
    switch (tui_source_phase(app->source)) {
    case TUI_READING:
        tui_source_progress(app->source, &done, &all);
        left_words(app, text, sizeof text);
        snprintf(buf, size, "READING %u %%%s", all > 0 ? (unsigned)(done * 100 / all) : 0, text);
        return TUI_WARN;
    case TUI_LOST_LINK:
        snprintf(buf, size, "LOST LINK");
        if (tui_source_retries(app->source, &done, &all))
            snprintf(buf, size, "LOST LINK %llu s", (unsigned long long)done / 1000);
        return TUI_BAD;
    case TUI_ORPHANED:
        snprintf(buf, size, "NO RECORDER");
        return TUI_BAD;
    case TUI_LIVE:
        tui_source_snapshot_at(app->source, &at_us, &events);
        if (tui_source_paused(app->source)) {
            uint64_t behind = count > 0 && pulses[count - 1].events > events ? pulses[count - 1].events - events : 0;
            snprintf(buf, size, "PAUSED +%s ev", prof_fmt_count(text, sizeof text, behind));
            return TUI_WARN;
        }
        snprintf(buf, size, "LIVE");
        return TUI_GOOD;
    case TUI_ENDED:
        break;
    }
    if (json_is_string(json_object_get(program, "damage"))) {
        snprintf(buf, size, "PARTIAL");
        return TUI_WARN;
    }
    end_words(program, buf, size);
    return TUI_NORMAL;
}

static void draw_head(const struct tui_app *app, struct tui_canvas *canvas)
{
    const json_t *program = json_object_get(app->summary.answer, "program"),
                 *totals = json_object_get(app->summary.answer, "totals"),
                 *audit = json_object_get(app->summary.answer, "audit");
    const char *name = json_string_value(json_object_get(program, "name"));
    char state[48], text[64], bytes[32], who[96];
    uint64_t at_us, events;
    int pid = program != NULL ? (int)json_integer_value(json_object_get(program, "pid")) : (int)app->pid;
    snprintf(who, sizeof who, "%.60s", name != NULL ? name : app->name);
    if (pid != 0)
        snprintf(who + strlen(who), sizeof who - strlen(who), "[%d]", pid);
    tui_fill(canvas, 0, 0, canvas->width, TUI_TITLE, ' ');
    int x = 1 + tui_text(canvas, 0, 1, 10, TUI_TITLE, "reftrack") + 2;
    x += tui_name(canvas, 0, x, canvas->width / 4, TUI_ACCENT, who) + 2;
    enum tui_role role = state_words(app, state, sizeof state);
    x += tui_text(canvas, 0, x, 22, role, state) + 1;
    if (totals == NULL)
        return;
    tui_source_snapshot_at(app->source, &at_us, &events);
    bool past = tui_source_at(app->source) != TUI_AT_NOW;
    x += tui_printf(canvas, 0, x, 16, past ? TUI_WARN : TUI_NORMAL, "%s%s", past ? "at " : "",
                    past ? prof_fmt_time(text, sizeof text, at_us) : prof_fmt_duration(text, sizeof text, at_us)) +
         2;
    uint64_t objects = (uint64_t)json_integer_value(json_object_get(totals, "objects")),
             lost = (uint64_t)json_integer_value(json_object_get(audit, "lost")),
             blocks = (uint64_t)json_integer_value(json_object_get(totals, "block_bytes")),
             own = (uint64_t)json_integer_value(json_object_get(totals, "object_bytes"));
    char lost_text[48], right[160];
    snprintf(lost_text, sizeof lost_text, "lost %s", prof_fmt_count(text, sizeof text, lost));
    snprintf(right, sizeof right, "%s objs   %s   ", prof_fmt_count(text, sizeof text, objects),
             prof_fmt_bytes(bytes, sizeof bytes, blocks > own ? blocks : own, app->units));
    int needs = tui_width(right) + tui_width(lost_text) + 1, at = canvas->width - needs;
    if (at < x)
        return;
    at += tui_text(canvas, 0, at, needs, TUI_NORMAL, right);
    tui_text(canvas, 0, at, needs, lost > 0 ? TUI_BAD : TUI_DIM, lost_text);
}

const char *tui_frame_notice(const struct tui_app *app, char *buf, size_t size)
{
    uint64_t at_us, events, lost_ms, next_ms;
    char when[32], key[16];
    buf[0] = '\0';
    tui_source_snapshot_at(app->source, &at_us, &events);
    prof_fmt_duration(when, sizeof when, at_us);
    if (tui_source_retries(app->source, &lost_ms, &next_ms)) {
        snprintf(buf, size,
                 "What reads the trace broke off %llu s ago; it begins anew in %llu s, %s: now. You see the state at "
                 "%s.",
                 (unsigned long long)lost_ms / 1000, (unsigned long long)(next_ms + 999) / 1000,
                 tui_keymap_key(&app->config.keymap, NULL, TUI_RECONNECT, key, sizeof key), when);
    } else if (tui_source_phase(app->source) == TUI_ORPHANED) {
        snprintf(buf, size,
                 "The recorder is gone, nothing is recorded since %s: 'reftrack recover %u' saves what the program "
                 "still has.",
                 when, app->pid);
    }
    return buf;
}

/* ---- Line 1: tabs ---- */

/* Names of tabs where the line is too short for all: those that are no longer than these stay. */
static const struct {
    enum tui_action tab;
    const char *name;
} brief[] = { { TUI_OVERVIEW, "Over" }, { TUI_TYPES, "Type" }, { TUI_OBJECTS, "Obj" }, { TUI_CYCLES, "Cycl" },
              { TUI_LEAKS, "Leak" },    { TUI_SITES, "Site" }, { TUI_MARKS, "Mark" },  { TUI_GROWTH, "Grow" } };

/* What is left of the names, step by step, until the line fits; the tab that is open keeps its name. */
enum tab_form { TABS_WHOLE = 0, TABS_NO_HELP, TABS_BRIEF, TABS_KEYS };

static enum tui_action open_tab(const struct tui_app *app)
{
    enum tui_action open = TUI_NO_ACTION;
    for (size_t i = app->depth; open == TUI_NO_ACTION && i > 0; i--)
        open = app->views[i - 1]->ops->tab;
    return open;
}

static int tab_text(const struct tui_app *app, int tab, bool open, enum tab_form form, char *buf, size_t size)
{
    char key[16];
    const char *name = tui_actions[tabs[tab]].name;
    tui_keymap_key(&app->config.keymap, NULL, tabs[tab], key, sizeof key);
    for (size_t i = 0; i < sizeof brief / sizeof *brief; i++)
        if (form >= TABS_BRIEF && !open && brief[i].tab == tabs[tab])
            name = brief[i].name;
    if (form >= TABS_KEYS && !open)
        snprintf(buf, size, "%s", key);
    else
        snprintf(buf, size, "%s%c%s", key, toupper(name[0]), name + 1);
    return tui_width(buf);
}

static int help_text(const struct tui_app *app, enum tab_form form, char *buf, size_t size)
{
    char key[16];
    snprintf(buf, size, "%s%s", tui_keymap_key(&app->config.keymap, NULL, TUI_HELP, key, sizeof key),
             form == TABS_WHOLE ? " Help" : "");
    return tui_width(buf);
}

/* The fullest form that fits. */
static enum tab_form tab_form(const struct tui_app *app)
{
    enum tab_form form = TABS_WHOLE;
    enum tui_action open = open_tab(app);
    char text[32];
    for (; form < TABS_KEYS; form++) {
        int width = 1 + help_text(app, form, text, sizeof text) + 1;
        for (int i = 0; i < TABS; i++)
            width += tab_text(app, i, tabs[i] == open, form, text, sizeof text) + 1;
        if (width <= app->canvas.width)
            break;
    }
    return form;
}

static void draw_tabs(const struct tui_app *app, struct tui_canvas *canvas)
{
    char text[32];
    enum tui_action open = open_tab(app);
    enum tab_form form = tab_form(app);
    for (int i = 0, x = 1; i < TABS; i++) {
        int width = tab_text(app, i, tabs[i] == open, form, text, sizeof text);
        tui_text(canvas, 1, x, canvas->width - x, tabs[i] == open ? TUI_TAB : TUI_DIM, text);
        x += width + 1;
    }
    int width = help_text(app, form, text, sizeof text);
    tui_text(canvas, 1, canvas->width - width - 1, width, TUI_DIM, text);
}

/* ---- The last two lines ---- */

static void draw_title(const struct tui_app *app, struct tui_canvas *canvas, const struct tui_view *view)
{
    char title[512] = "";
    const char *doing = tui_source_doing(app->source), *trouble = tui_source_trouble(app->source);
    int y = canvas->height - 2, x = 1;
    tui_fill(canvas, y, 0, canvas->width, TUI_TITLE, ' ');
    if (app->prompt.kind != TUI_PROMPT_NONE && app->prompt.said[0] != '\0') {
        tui_text(canvas, y, 1, canvas->width - 2, TUI_TITLE, app->prompt.said);
        return;
    }
    if (view->ops->title != NULL)
        view->ops->title(view, title, sizeof title);
    x += tui_printf(canvas, y, 0, canvas->width, TUI_TITLE, "[%s] ", view->ops->name);
    x += tui_text(canvas, y, x, canvas->width - x, TUI_TITLE, title);
    if (trouble != NULL)
        tui_text(canvas, y, x + 2, canvas->width - x - 2, TUI_BAD, trouble);
    else if (doing != NULL && tui_source_phase(app->source) != TUI_LIVE)
        tui_printf(canvas, y, x + 2, canvas->width - x - 2, TUI_DIM, "%s ...", doing);
}

/* Calls for each hint that fits, with its place. */
static void each_hint(const struct tui_app *app, const struct tui_view *view, int width,
                      bool (*each)(void *ctx, enum tui_action action, const char *key, int x, int columns), void *ctx)
{
    static const enum tui_action always[] = { TUI_COMMAND, TUI_HELP, TUI_CLOSE, TUI_NO_ACTION };
    const enum tui_action *lists[] = { app->strip.focus ? tui_strip_hints : view->ops->hints, always };
    int x = 1;
    for (int k = 0; k < 2; k++)
        for (const enum tui_action *a = lists[k]; a != NULL && *a != TUI_NO_ACTION; a++) {
            char key[16];
            if (tui_keymap_key(&app->config.keymap, view->ops->name, *a, key, sizeof key)[0] == '\0' ||
                tui_actions[*a].word == NULL)
                continue;
            int columns = tui_width(key) + 1 + tui_width(tui_actions[*a].word);
            if (x + columns > width || each(ctx, *a, key, x, columns))
                return;
            x += columns + 2;
        }
}

static bool draw_hint(void *ctx, enum tui_action action, const char *key, int x, int columns)
{
    struct tui_canvas *canvas = ctx;
    int used = tui_text(canvas, canvas->height - 1, x, columns, TUI_KEY, key);
    tui_text(canvas, canvas->height - 1, x + used + 1, columns - used - 1, TUI_DIM, tui_actions[action].word);
    return false;
}

static void draw_bottom(const struct tui_app *app, struct tui_canvas *canvas, const struct tui_view *view)
{
    int y = canvas->height - 1;
    if (app->prompt.kind != TUI_PROMPT_NONE) {
        tui_prompt_draw(&app->prompt, canvas, y);
    } else if (app->message[0] != '\0') {
        tui_text(canvas, y, 1, canvas->width - 1, app->message_role, app->message);
    } else {
        each_hint(app, view, canvas->width, draw_hint, canvas);
    }
}

void tui_frame_draw(struct tui_app *app, const struct tui_view *view)
{
    struct tui_canvas *canvas = &app->canvas;
    draw_head(app, canvas);
    draw_tabs(app, canvas);
    draw_title(app, canvas, view);
    draw_bottom(app, canvas, view);
}

void tui_frame_too_small(struct tui_app *app)
{
    struct tui_canvas *canvas = &app->canvas;
    tui_printf(canvas, 1, 2, canvas->width - 2, TUI_WARN, "This terminal is %dx%d;", canvas->width, canvas->height);
    tui_printf(canvas, 2, 2, canvas->width - 2, TUI_WARN, "reftrack needs %dx%d.", TUI_LEAST_WIDTH, TUI_LEAST_HEIGHT);
    tui_text(canvas, 4, 2, canvas->width - 2, TUI_NORMAL, "i Ignore   q Quit");
}

/* ---- Clicks ---- */

struct hit {
    int x;
    enum tui_action action;
};

static bool hit_hint(void *ctx, enum tui_action action, const char *key, int x, int columns)
{
    struct hit *hit = ctx;
    (void)key;
    if (hit->x < x || hit->x >= x + columns)
        return false;
    hit->action = action;
    return true;
}

enum tui_action tui_frame_action_at(const struct tui_app *app, int y, int x)
{
    char text[32];
    struct hit hit = { .x = x, .action = TUI_NO_ACTION };
    const struct tui_view *view = app->views[app->depth - 1];
    if (y == 1) {
        enum tui_action open = open_tab(app);
        enum tab_form form = tab_form(app);
        for (int i = 0, at = 1; i < TABS; i++) {
            int width = tab_text(app, i, tabs[i] == open, form, text, sizeof text);
            if (x >= at && x < at + width)
                return tabs[i];
            at += width + 1;
        }
        return x >= app->canvas.width - help_text(app, form, text, sizeof text) - 1 ? TUI_HELP : TUI_NO_ACTION;
    }
    if (y == app->canvas.height - 1 && app->prompt.kind == TUI_PROMPT_NONE)
        each_hint(app, view, app->canvas.width, hit_hint, &hit);
    return hit.action;
}
