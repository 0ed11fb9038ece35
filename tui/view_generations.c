/* view_generations.c: the three generations of the cycle detector in detail: how many objects survived so many passes,
 * what died while in them, and what the last passes found. */
#include <stdio.h>

#include "page.h"
#include "said.h"

enum { WIDE = 80 };

static uint64_t at(const json_t *array, size_t i)
{
    return (uint64_t)json_integer_value(json_array_get(array, i));
}

/* wide: there is room for what is less important. */
static void add_row(struct tui_lines *lines, size_t generation, const json_t *row, enum prof_units units, bool wide)
{
    static const char *const survived[] = { "no pass", "one pass", "two or more" };
    char objects[32], bytes[32], count[32], limit[32], passes[32], died[32], found[32], both[72], survival[16] = "-";
    uint64_t examined = tui_said_number(row, "examined"), gone = tui_said_number(row, "found");
    tui_lines_add(lines, NULL, gone > 0 ? TUI_WARN : TUI_NORMAL, "%zu  %-11s %8s %9s %6s %7s %6s", generation,
                  generation < 3 ? survived[generation] : "",
                  prof_fmt_count(objects, sizeof objects, tui_said_number(row, "objects")),
                  prof_fmt_bytes(bytes, sizeof bytes, tui_said_number(row, "bytes"), units),
                  prof_fmt_count(passes, sizeof passes, tui_said_number(row, "passes")),
                  prof_fmt_count(died, sizeof died, tui_said_number(row, "died")),
                  prof_fmt_count(found, sizeof found, gone));
    if (!wide)
        return;
    snprintf(both, sizeof both, "%s/%s", prof_fmt_count(count, sizeof count, tui_said_number(row, "count")),
             prof_fmt_count(limit, sizeof limit, tui_said_number(row, "threshold")));
    if (examined > 0)
        snprintf(survival, sizeof survival, "%.1f %%", 100.0 * (double)(examined - gone) / (double)examined);
    tui_lines_span(lines, TUI_NORMAL, " %8s %13s", survival, both);
}

static void add_rows(struct tui_lines *lines, const json_t *rows, enum prof_units units, bool wide)
{
    size_t i;
    json_t *row;
    tui_lines_add(lines, NULL, TUI_HEADER, "   %-11s %8s %9s %6s %7s %6s", "SURVIVED", "OBJECTS", "BYTES", "PASSES",
                  "DIED", "FOUND");
    if (wide)
        tui_lines_span(lines, TUI_HEADER, " %8s %13s", "SURVIVAL", "COUNT/LIMIT");
    json_array_foreach(rows, i, row)
    {
        add_row(lines, i, row, units, wide);
    }
}

static void add_types(struct tui_lines *lines, const json_t *types)
{
    char text[6][32];
    size_t i;
    json_t *row;
    tui_lines_heading(lines, "types: alive in, died while in");
    if (json_array_size(types) == 0) {
        tui_lines_add(lines, NULL, TUI_DIM, "no object was in a generation so far");
        return;
    }
    tui_lines_add(lines, NULL, TUI_HEADER, "%7s %7s %7s %7s %7s %7s  TYPE", "IN 0", "IN 1", "IN 2", "DIED 0", "DIED 1",
                  "DIED 2");
    json_array_foreach(types, i, row)
    {
        const json_t *now = json_object_get(row, "now"), *died = json_object_get(row, "died");
        for (size_t k = 0; k < 3; k++) {
            prof_fmt_count(text[k], sizeof text[k], at(now, k));
            prof_fmt_count(text[k + 3], sizeof text[k + 3], at(died, k));
        }
        tui_lines_add(lines, NULL, TUI_NORMAL, "%7s %7s %7s %7s %7s %7s  ", text[0], text[1], text[2], text[3], text[4],
                      text[5]);
        tui_lines_span(lines, TUI_ACCENT, "%s", tui_said(row, "name"));
    }
}

static void add_passes(struct tui_lines *lines, const json_t *answer)
{
    uint64_t all = tui_said_number(answer, "passes_all");
    char when[32], examined[32], found[32];
    size_t i;
    json_t *pass;
    tui_lines_heading(lines, "last passes");
    if (all == 0) {
        tui_lines_add(lines, NULL, TUI_DIM, "no pass so far: too little was born, or they are off");
        return;
    }
    tui_lines_add(lines, NULL, TUI_HEADER, "%8s %12s  OVER %10s %8s  WHY", "PASS", "AT", "EXAMINED", "FOUND");
    json_array_foreach(json_object_get(answer, "last"), i, pass)
    {
        tui_lines_add(lines, NULL, tui_said_number(pass, "found") > 0 ? TUI_WARN : TUI_NORMAL,
                      "%8llu %12s  %-4llu %10s %8s  %s", (unsigned long long)tui_said_number(pass, "number"),
                      prof_fmt_time(when, sizeof when, tui_said_number(pass, "at")),
                      (unsigned long long)tui_said_number(pass, "generation"),
                      prof_fmt_count(examined, sizeof examined, tui_said_number(pass, "examined")),
                      prof_fmt_count(found, sizeof found, tui_said_number(pass, "found")),
                      json_is_true(json_object_get(pass, "automatic")) ? "it was due" : "it was asked for");
    }
    if (all > i)
        tui_lines_add(lines, NULL, TUI_DIM, "(%llu passes before)", (unsigned long long)all - i);
}

static void fill(struct tui_page *page, const json_t *answer)
{
    struct tui_lines *lines = &page->lines;
    uint64_t garbage = tui_said_number(answer, "garbage"), frozen = tui_said_number(answer, "frozen");
    add_rows(lines, json_object_get(answer, "rows"), page->view.app->units, page->view.app->canvas.width >= WIDE);
    if (garbage + frozen > 0)
        tui_lines_add(lines, NULL, TUI_NORMAL, "besides: %llu garbage that passes found, %llu frozen",
                      (unsigned long long)garbage, (unsigned long long)frozen);
    if (json_is_false(json_object_get(answer, "enabled")))
        tui_lines_add(lines, NULL, TUI_WARN, "automatic passes are off");
    add_types(lines, json_object_get(answer, "types"));
    add_passes(lines, answer);
}

static const enum tui_action hints[] = { TUI_FIND, TUI_EXPORT, TUI_BACK, TUI_NO_ACTION };
static const struct tui_page_spec spec = {
    .ops = TUI_PAGE_OPS("generations", TUI_GENERATIONS, hints),
    .ask = "generations",
    .fill = fill,
    .command = "reftrack gc TRACE",
};

struct tui_view *tui_view_generations(struct tui_app *app)
{
    return tui_page_create(app, &spec, NULL, NULL);
}
