/* view_object.c: one object: its count and where its references are, its sizes, balance by site, history; why it is
 * alive; and one call stack. */
#include <stdio.h>
#include <string.h>

#include "evidence.h"
#include "page.h"
#include "said.h"

/* ---- The object ---- */

static void fill_object(struct tui_page *page, const json_t *answer)
{
    tui_evidence_of_object(&page->lines, answer, page->view.app->units, page->unfolded);
}

static const enum tui_action object_hints[] = { TUI_REFERRERS, TUI_REFERENTS, TUI_WHY,      TUI_STACK,
                                                TUI_COPY,      TUI_BACK,      TUI_NO_ACTION };
static const struct tui_page_spec object_spec = {
    .ops = TUI_PAGE_OPS("object", TUI_NO_ACTION, object_hints),
    .ask = "object",
    .fill = fill_object,
    .command = "reftrack show TRACE",
};

struct tui_view *tui_view_object(struct tui_app *app, const char *of)
{
    return tui_page_create(app, &object_spec, of, NULL);
}

/* ---- Why it is alive ---- */

static void add_step(struct tui_lines *lines, json_t *step)
{
    json_t *taken = json_object_get(step, "taken");
    const char *to = tui_said(json_object_get(step, "to"), "name");
    char at[512];
    tui_lines_add(lines, NULL, TUI_NORMAL, "  %s %s -> ", tui_said(step, "mark"), tui_said(step, "place"));
    tui_lines_span(lines, TUI_ACCENT, "%s", to);
    tui_lines_target(lines, to);
    if (!json_is_object(taken))
        return;
    tui_lines_span(lines, TUI_PLACE, "  taken at %s", tui_said_place(taken, at, sizeof at));
    tui_lines_place(lines, taken);
}

/* Steps from `first` on, and where some are left out, how many. */
static void add_path(struct tui_lines *lines, const json_t *way, size_t first, size_t end, size_t gap)
{
    json_t *path = json_object_get(way, "path");
    unsigned long long left_out = tui_said_number(way, "left_out");
    size_t count = json_array_size(path);
    for (size_t i = first; i < count && i < end; i++) {
        if (i == gap && left_out > 0)
            tui_lines_add(lines, NULL, TUI_DIM, "    (%llu more steps)", left_out);
        add_step(lines, json_array_get(path, i));
    }
    if (gap == end && left_out > 0)
        tui_lines_add(lines, NULL, TUI_DIM, "    (%llu more steps)", left_out);
}

static void add_way(struct tui_lines *lines, const json_t *way)
{
    json_t *path = json_object_get(way, "path"), *taken;
    const char *root = tui_said(way, "root"), *holder;
    unsigned long long distance = tui_said_number(way, "distance");
    size_t count = json_array_size(path), i;
    char text[600];
    if (root[0] != '\0') {
        snprintf(text, sizeof text, "%s: %llu step%s", root, distance, distance == 1 ? "" : "s");
        tui_lines_heading(lines, text);
        add_path(lines, way, 0, count, count / 2);
        return;
    }
    holder = tui_said(json_object_get(json_array_get(path, 0), "to"), "name");
    tui_lines_heading(lines, "references without an owner");
    tui_lines_add(lines, NULL, TUI_NORMAL, "  of ");
    tui_lines_span(lines, TUI_ACCENT, "%s", holder);
    tui_lines_target(lines, holder);
    json_array_foreach(json_object_get(way, "taken_without_owner"), i, taken)
    {
        char at[512];
        tui_lines_add(lines, NULL, TUI_NORMAL, "  %llu %s at ", (unsigned long long)tui_said_number(taken, "count"),
                      json_is_true(json_object_get(taken, "birth")) ? "by birth" : "taken");
        tui_lines_span(lines, TUI_PLACE, "%s", tui_said_place(taken, at, sizeof at));
        tui_lines_place(lines, taken);
    }
    add_path(lines, way, 1, count, count / 2 > 1 ? count / 2 : 1);
}

static void fill_why(struct tui_page *page, const json_t *answer)
{
    struct tui_lines *lines = &page->lines;
    const json_t *object = json_object_get(answer, "object"), *loop = json_object_get(answer, "hangs_on");
    unsigned long long others = tui_said_number(answer, "other_ways");
    char bytes[32];
    size_t i;
    json_t *way;
    tui_lines_add(lines, "object", TUI_ACCENT, "%s", tui_said(object, "name"));
    tui_lines_target(lines, tui_said(object, "name"));
    tui_lines_span(lines, TUI_NORMAL, "  at %s, %s", tui_said(object, "addr"),
                   prof_fmt_bytes(bytes, sizeof bytes, tui_said_number(object, "bytes"), page->view.app->units));
    json_array_foreach(json_object_get(answer, "ways"), i, way) add_way(lines, way);
    if (others > 0) {
        tui_lines_heading(lines, "besides");
        tui_lines_add(lines, NULL, TUI_NORMAL, "%llu other way%s: r shows who refers to it", others,
                      others == 1 ? "" : "s");
    }
    if (json_is_object(loop)) {
        size_t count = json_array_size(json_object_get(loop, "path")), cycle = tui_said_number(loop, "cycle");
        tui_lines_add(lines, "alive", TUI_BAD,
                      count == 0 ? "nothing keeps it: nothing refers to it"
                                 : "nothing keeps it: no root and no reference without an owner leads to it");
        if (count > 0)
            tui_lines_heading(lines, cycle > 0 ? "the cycle that it is in, or hangs on"
                                               : "what holds it, to which nothing refers");
        add_path(lines, loop, 0, count, count);
    }
    if (tui_said(answer, "memory_not_read")[0] != '\0')
        tui_lines_add(lines, "memory", TUI_DIM, "%s: only references that the program told are known, no pointers",
                      tui_said(answer, "memory_not_read"));
}

static const enum tui_action why_hints[] = { TUI_OPEN, TUI_REFERRERS, TUI_REFERENTS, TUI_STACK,
                                             TUI_COPY, TUI_BACK,      TUI_NO_ACTION };
static const struct tui_page_spec why_spec = {
    .ops = TUI_PAGE_OPS("why", TUI_NO_ACTION, why_hints),
    .ask = "ways",
    .fill = fill_why,
    .command = "reftrack why TRACE",
};

struct tui_view *tui_view_why(struct tui_app *app, const char *of)
{
    return tui_page_create(app, &why_spec, of, NULL);
}

/* ---- One call stack ---- */

static void fill_stack(struct tui_page *page, const json_t *place)
{
    const json_t *stack = json_object_get(place, "stack");
    char at[512];
    size_t i;
    json_t *frame;
    json_array_foreach(stack, i, frame)
    {
        tui_lines_add(&page->lines, NULL, TUI_DIM, "%3zu  ", i);
        tui_lines_span(&page->lines, TUI_PLACE, "%s", tui_said_place(frame, at, sizeof at));
        tui_lines_span(&page->lines, TUI_DIM, "  %s", tui_said(frame, "module"));
    }
    if (json_array_size(stack) == 0)
        tui_lines_add(&page->lines, NULL, TUI_DIM, "only this is known: %s", tui_said_place(place, at, sizeof at));
}

static const enum tui_action stack_hints[] = { TUI_BACK, TUI_NO_ACTION };
static const struct tui_page_spec stack_spec = {
    .ops = TUI_PAGE_OPS("stack", TUI_NO_ACTION, stack_hints),
    .fill = fill_stack,
};

struct tui_view *tui_view_stack(struct tui_app *app, json_t *place)
{
    return tui_page_create(app, &stack_spec, NULL, json_incref(place));
}

static void fill_birth(struct tui_page *page, const json_t *answer)
{
    fill_stack(page, json_object_get(json_object_get(answer, "object"), "born"));
}

static const struct tui_page_spec birth_spec = {
    .ops = TUI_PAGE_OPS("born in", TUI_NO_ACTION, stack_hints),
    .ask = "object",
    .fill = fill_birth,
};

struct tui_view *tui_view_birth(struct tui_app *app, const char *of)
{
    return tui_page_create(app, &birth_spec, of, NULL);
}
