/* view_log.c: the log: what could not be read, what is missing in the trace, which modules have no debug information,
 * and what became of hooks and adapters. */
#include "page.h"
#include "said.h"

static void number_line(struct tui_lines *lines, const char *label, enum tui_role role, uint64_t n, const char *what)
{
    char count[32];
    tui_lines_add(lines, label, role, "%s %s", prof_fmt_count(count, sizeof count, n), what);
}

static void add_reading(struct tui_page *page, const json_t *info)
{
    struct tui_lines *lines = &page->lines;
    const json_t *trace = json_object_get(info, "trace"), *flight = json_object_get(trace, "flight"),
                 *keep = json_object_get(trace, "keep");
    const char *trouble = tui_source_trouble(page->view.app->source), *damage = tui_said(trace, "damage"),
               *note = tui_said(trace, "malloc_note");
    char bytes[32];
    tui_lines_heading(lines, "reading");
    if (trouble != NULL)
        tui_lines_add(lines, "trouble", TUI_BAD, "%s", trouble);
    tui_lines_add(lines, "trace", damage[0] != '\0' ? TUI_BAD : TUI_NORMAL, "%s, %s, format %s%s%s",
                  tui_said(trace, "path"),
                  prof_fmt_bytes(bytes, sizeof bytes, tui_said_number(trace, "bytes"), page->view.app->units),
                  tui_said(trace, "format"), damage[0] != '\0' ? ": " : "", damage);
    if (tui_said_number(trace, "unknown_blocks") > 0)
        number_line(lines, "", TUI_WARN, tui_said_number(trace, "unknown_blocks"), "parts of a kind that is not known");
    if (json_is_true(json_object_get(trace, "attached")))
        tui_lines_add(lines, "", TUI_WARN, "recorded from the middle on: what the program had before is not judged");
    if (note[0] != '\0')
        tui_lines_add(lines, "", TUI_WARN, "allocations are not recorded: %s", note);
    if (json_is_object(flight))
        number_line(lines, "", TUI_WARN, tui_said_number(flight, "overwritten"),
                    "events before the begin of this flight recording are overwritten");
    if (json_is_object(keep))
        tui_lines_add(lines, "", TUI_NORMAL, "kept: %s%s%s", tui_said(keep, "mode"),
                      tui_said(keep, "note")[0] != '\0' ? ": " : "", tui_said(keep, "note"));
}

static void add_losses(struct tui_lines *lines, const json_t *loss)
{
    static const struct {
        const char *key, *what;
    } parts[] = {
        { "dropped", "records dropped because the recorder was too slow" },
        { "holes", "records that never became complete" },
        { "emergency", "events of signal handlers that interrupted the library itself, not recorded" },
        { "depot_full", "events without stack, the table was full" },
        { "text_full", "texts lost, the table was full" },
        { "write_lost", "records that could not be written" },
        { "in_flight", "records cut off when the process died" },
    };
    bool any = false;
    tui_lines_heading(lines, "lost");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        uint64_t n = tui_said_number(loss, parts[i].key);
        if (n > 0)
            number_line(lines, any ? "" : "lost", TUI_WARN, n, parts[i].what);
        any = any || n > 0;
    }
    if (!any)
        tui_lines_add(lines, "lost", TUI_GOOD, "nothing");
}

static void add_audit(struct tui_lines *lines, const json_t *audit, const json_t *answer)
{
    const json_t *info = json_object_get(answer, "info");
    bool certain = json_is_true(json_object_get(audit, "certain"));
    char share[32];
    tui_lines_heading(lines, "how far verdicts can be believed");
    if (json_is_object(audit)) {
        tui_lines_add(lines, "verdicts", certain ? TUI_GOOD : TUI_WARN, "%s%s",
                      certain ? "certain" : "uncertain: ", certain ? "" : tui_said(audit, "why"));
        if (tui_said_number(audit, "references") > 0)
            tui_lines_add(lines, "owners", TUI_NORMAL, "%s of the references have a known owner",
                          prof_fmt_ratio(share, sizeof share, json_number_value(json_object_get(audit, "coverage"))));
        if (tui_said(audit, "memory")[0] != '\0')
            tui_lines_add(lines, "memory", TUI_WARN, "%s", tui_said(audit, "memory"));
    }
    if (tui_said_number(info, "checkpoints_all") > 0)
        number_line(lines, "looks", TUI_NORMAL, tui_said_number(info, "checkpoints_all"), "looks at memory");
    if (tui_said_number(info, "checkpoints_lost") > 0)
        number_line(lines, "", TUI_WARN, tui_said_number(info, "checkpoints_lost"), "of them cannot be used");
    if (tui_said(answer, "memory_damage")[0] != '\0')
        tui_lines_add(lines, "", TUI_WARN, "%s", tui_said(answer, "memory_damage"));
}

static void add_gaps(struct tui_lines *lines, const json_t *gaps)
{
    size_t i;
    json_t *gap;
    tui_lines_heading(lines, "symbols");
    json_array_foreach(gaps, i, gap)
    {
        char count[32];
        tui_lines_add(lines, i == 0 ? "missing" : "", TUI_PLACE, "%s", tui_said(gap, "module"));
        tui_lines_span(lines, TUI_NORMAL, "  %s, asked for %s address%s", tui_said(gap, "what"),
                       prof_fmt_count(count, sizeof count, tui_said_number(gap, "frames")),
                       tui_said_number(gap, "frames") == 1 ? "" : "es");
    }
    if (json_array_size(gaps) == 0)
        tui_lines_add(lines, "symbols", TUI_GOOD, "every module that was asked for has them");
}

static void add_hooks(struct tui_lines *lines, const json_t *adapters, const json_t *hooks)
{
    size_t i;
    json_t *row;
    char calls[32];
    if (json_array_size(adapters) + json_array_size(hooks) == 0)
        return;
    tui_lines_heading(lines, "hooks and adapters");
    json_array_foreach(adapters, i, row)
    {
        bool used = tui_said(row, "module")[0] != '\0';
        tui_lines_add(lines, i == 0 ? "adapters" : "", TUI_ACCENT, "%s", tui_said(row, "name"));
        if (used)
            tui_lines_span(lines, TUI_NORMAL, "  %s calls, %llu of %llu functions",
                           prof_fmt_count(calls, sizeof calls, tui_said_number(row, "calls")),
                           (unsigned long long)tui_said_number(row, "functions_called"),
                           (unsigned long long)tui_said_number(row, "functions"));
        else
            tui_lines_span(lines, TUI_DIM, "  no file that was loaded is called %s", tui_said(row, "libraries"));
        if (used)
            tui_lines_span(lines, TUI_PLACE, "  %s", tui_said(row, "module"));
    }
    json_array_foreach(hooks, i, row)
    {
        bool hooked = json_is_true(json_object_get(row, "hooked"));
        tui_lines_add(lines, i == 0 ? "functions" : "", hooked ? TUI_NORMAL : TUI_WARN, "%s",
                      tui_said(row, "function"));
        if (hooked)
            tui_lines_span(lines, TUI_NORMAL, "  %s calls",
                           prof_fmt_count(calls, sizeof calls, tui_said_number(row, "calls")));
        else
            tui_lines_span(lines, TUI_WARN, "  not hooked: %s", tui_said(row, "words"));
        if (tui_said(row, "module")[0] != '\0')
            tui_lines_span(lines, TUI_PLACE, "  %s", tui_said(row, "module"));
    }
}

static void add_config(struct tui_lines *lines, const struct tui_app *app)
{
    const struct tui_problems *problems = app->problems;
    if (app->config_path == NULL && (problems == NULL || problems->count == 0))
        return;
    tui_lines_heading(lines, "configuration");
    if (app->config_path != NULL)
        tui_lines_add(lines, "read", TUI_NORMAL, "%s", app->config_path);
    for (size_t i = 0; problems != NULL && i < problems->count && i < TUI_PROBLEMS; i++)
        tui_lines_add(lines, i == 0 ? "wrong" : "", TUI_WARN, "%s", problems->text[i]);
    if (problems != NULL && problems->count > TUI_PROBLEMS)
        tui_lines_add(lines, "", TUI_DIM, "(%zu more)", problems->count - TUI_PROBLEMS);
}

static void fill(struct tui_page *page, const json_t *answer)
{
    const json_t *info = json_object_get(answer, "info");
    add_reading(page, info);
    add_losses(&page->lines, json_object_get(info, "loss"));
    add_audit(&page->lines, json_object_get(page->view.app->summary.answer, "audit"), answer);
    add_gaps(&page->lines, json_object_get(info, "symbol_gaps"));
    add_hooks(&page->lines, json_object_get(info, "adapters"), json_object_get(answer, "hooks"));
    add_config(&page->lines, page->view.app);
}

static const enum tui_action hints[] = { TUI_EXPORT, TUI_BACK, TUI_NO_ACTION };
static const struct tui_page_spec spec = {
    .ops = TUI_PAGE_OPS("log", TUI_LOG, hints),
    .ask = "log",
    .document = "info",
    .fill = fill,
    .command = "reftrack info TRACE",
};

struct tui_view *tui_view_log(struct tui_app *app)
{
    return tui_page_create(app, &spec, NULL, NULL);
}
