/* calls.c: which tree of calls is shown, and its numbers. See calls.h. */
#include "calls.h"

#include <stdio.h>
#include <string.h>

#include "said.h"

const struct tui_calls_metric tui_calls_metrics[TUI_CALLS_METRICS] = {
    { "bytes", "LIVE BYTES", "live bytes", 11 },
    { "objects", "OBJECTS", "objects alive", 8 },
    { "open", "OPEN", "open references", 7 },
    { "events", "EVENTS", "events", 9 },
};

int tui_calls_metric_named(const char *key)
{
    for (int i = 0; i < TUI_CALLS_METRICS; i++)
        if (strcmp(tui_calls_metrics[i].key, key) == 0)
            return i;
    return -1;
}

json_t *tui_calls_question(const struct tui_calls *calls, const char *ask, json_t *way)
{
    json_t *question = json_pack("{s:s,s:s,s:b,s:s,s:O}", "ask", ask, "by", calls->by_callee ? "callee" : "caller",
                                 "lines", calls->lines, "sort", tui_calls_metrics[calls->metric].key, "way", way);
    if (calls->where[0] != '\0')
        json_object_set_new(question, "where", json_string(calls->where));
    return question;
}

const char *tui_calls_number(const json_t *node, int metric, enum prof_units units, char *buf, size_t size)
{
    uint64_t value = tui_said_number(node, tui_calls_metrics[metric].key);
    char number[32];
    if (metric == 0)
        return prof_fmt_bytes(buf, size, value, units);
    bool guessed = strcmp(tui_calls_metrics[metric].key, "open") == 0 && tui_said_number(node, "guessed") > 0;
    snprintf(buf, size, "%s%s", guessed ? "~" : "", prof_fmt_count(number, sizeof number, value));
    return buf;
}

bool tui_calls_act(struct tui_calls *calls, enum tui_action action, bool *ret_anew)
{
    *ret_anew = action == TUI_INVERT || action == TUI_LINES;
    switch (action) {
    case TUI_INVERT:
        calls->by_callee = !calls->by_callee;
        return true;
    case TUI_LINES:
        calls->lines = !calls->lines;
        return true;
    case TUI_SORT_NEXT:
        calls->metric = (calls->metric + 1) % TUI_CALLS_METRICS;
        return true;
    case TUI_SORT_PREVIOUS:
        calls->metric = (calls->metric + TUI_CALLS_METRICS - 1) % TUI_CALLS_METRICS;
        return true;
    default:
        return false;
    }
}

/* ---- The menu ---------------------------------------------------------------------------------------------------- */

static size_t menu_count(const void *of)
{
    (void)of;
    return TUI_CALLS_METRICS;
}

static void menu_line(const void *of, size_t i, struct tui_menu_line *ret)
{
    const struct tui_calls *calls = of;
    snprintf(ret->mark, sizeof ret->mark, "%s", (size_t)calls->metric == i ? "v" : "");
    snprintf(ret->text, sizeof ret->text, "%s", tui_calls_metrics[i].key);
    snprintf(ret->more, sizeof ret->more, "%s", tui_calls_metrics[i].words);
}

static bool menu_act(void *of, size_t i, enum tui_action action)
{
    struct tui_calls *calls = of;
    if (action != TUI_OPEN)
        return false;
    calls->metric = (int)i;
    return true;
}

void tui_calls_menu(struct tui_calls *calls, struct tui_app *app)
{
    app->menu = (struct tui_menu){ .title = "Sort and measure by",
                                   .hint = "Enter Choose  Esc",
                                   .of = calls,
                                   .count = menu_count,
                                   .line = menu_line,
                                   .act = menu_act,
                                   .cursor = (size_t)calls->metric };
}

/* ------------------------------------------------------------------------------------------------------------------ */

void tui_calls_command_line(const struct tui_calls *calls, char *buf, size_t size)
{
    char where[TUI_PROMPT_MOST + 16] = "";
    if (calls->where[0] != '\0')
        snprintf(where, sizeof where, " --where \"%s\"", calls->where);
    snprintf(buf, size, "reftrack sites TRACE --tree%s%s --sort %s%s", calls->by_callee ? " --by callee" : "",
             calls->lines ? " --lines" : "", tui_calls_metrics[calls->metric].key, where);
}

bool tui_calls_say(const struct tui_calls *calls, const struct tui_app *app, const struct tui_query *query,
                   struct tui_canvas *canvas, struct tui_area area)
{
    const char *error = tui_said(query->answer, "error"), *trouble = tui_source_trouble(app->source);
    const json_t *whole = json_object_get(query->answer, "whole");
    int y = area.y + 1, x = area.x + 2, width = area.width - 3;
    if (query->answer == NULL && trouble != NULL)
        tui_text(canvas, y, x, width, TUI_BAD, trouble);
    else if (query->answer == NULL)
        tui_printf(canvas, y, x, width, TUI_DIM, "adding up the stacks  %u %% ...", (unsigned)(query->share * 100));
    else if (error[0] != '\0')
        tui_text(canvas, y, x, width, TUI_BAD, error);
    else if (tui_said_number(whole, "events") > 0 || tui_said_number(whole, "blocks") > 0)
        return false;
    else if (calls->where[0] != '\0')
        tui_printf(canvas, y, x, width, TUI_WARN, "Nothing matches  %s  Esc clears the filter.", calls->where);
    else
        tui_text(canvas, y, x, width, TUI_DIM, "Nothing was allocated, born or referenced until this moment.");
    return true;
}
