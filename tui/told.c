/* told.c: texts that the worker answers with, as lines. See told.h. */
#include "told.h"

#include <prof/text.h>

#include "said.h"

static const enum tui_role roles[] = {
    [PROF_TEXT_PLAIN] = TUI_NORMAL, [PROF_TEXT_HEAD] = TUI_HEADER, [PROF_TEXT_BAD] = TUI_BAD,
    [PROF_TEXT_WARN] = TUI_WARN,    [PROF_TEXT_GOOD] = TUI_GOOD,   [PROF_TEXT_PLACE] = TUI_PLACE,
    [PROF_TEXT_FAINT] = TUI_DIM,    [PROF_TEXT_TYPE] = TUI_ACCENT,
};

static const char *text_of(const json_t *span)
{
    const char *text = json_string_value(json_array_get(span, 1));
    return text != NULL ? text : "";
}

static enum tui_role role_of(const json_t *span)
{
    size_t role = (size_t)json_integer_value(json_array_get(span, 0));
    return role < sizeof roles / sizeof *roles ? roles[role] : TUI_NORMAL;
}

void tui_told(struct tui_lines *lines, const json_t *answer)
{
    size_t i, k;
    json_t *line, *span;
    tui_lines_clear(lines);
    if (json_object_get(answer, "error") != NULL)
        tui_lines_add(lines, "", TUI_BAD, "%s", tui_said(answer, "error"));
    json_array_foreach(json_object_get(answer, "lines"), i, line)
    {
        const json_t *spans = json_object_get(line, "spans"), *first = json_array_get(spans, 0);
        const char *label = json_string_value(json_object_get(line, "label")),
                   *target = json_string_value(json_object_get(line, "target")),
                   *place = json_string_value(json_object_get(line, "place"));
        if (json_is_true(json_object_get(line, "heading"))) {
            tui_lines_heading(lines, text_of(first));
            continue;
        }
        tui_lines_add(lines, label, role_of(first), "%s", text_of(first));
        for (k = 1; (span = json_array_get(spans, k)) != NULL; k++)
            tui_lines_span(lines, role_of(span), "%s", text_of(span));
        tui_lines_target(lines, target);
        if (place != NULL)
            tui_lines_place(lines, json_object_get(json_object_get(answer, "places"), place));
    }
}
