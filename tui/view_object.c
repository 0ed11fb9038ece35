/* view_object.c: pages of text: one object: its count and where its references are, its sizes, balance by site,
 * history; why it is alive; what grows; and one call stack. */
#include <stdio.h>
#include <string.h>

#include "page.h"
#include "said.h"
#include "told.h"

/* ---- The object ---- */

static void fill_told(struct tui_page *page, const json_t *answer)
{
    tui_told(&page->lines, answer);
}

static const enum tui_action object_hints[] = { TUI_REFERRERS, TUI_REFERENTS, TUI_WHY,      TUI_STACK,
                                                TUI_COPY,      TUI_BACK,      TUI_NO_ACTION };
static const struct tui_page_spec object_spec = {
    .ops = TUI_PAGE_OPS("object", TUI_NO_ACTION, object_hints),
    .ask = "object",
    .is_object = true,
    .document = "object",
    .fill = fill_told,
    .command = "reftrack show TRACE",
};

struct tui_view *tui_view_object(struct tui_app *app, const char *of)
{
    return tui_page_create(app, &object_spec, of, NULL);
}

/* ---- Why it is alive ---- */

static const enum tui_action why_hints[] = { TUI_OPEN, TUI_REFERRERS, TUI_REFERENTS, TUI_STACK,
                                             TUI_COPY, TUI_BACK,      TUI_NO_ACTION };
static const struct tui_page_spec why_spec = {
    .ops = TUI_PAGE_OPS("why", TUI_NO_ACTION, why_hints),
    .ask = "ways",
    .document = "why",
    .fill = fill_told,
    .command = "reftrack why TRACE",
};

struct tui_view *tui_view_why(struct tui_app *app, const char *of)
{
    return tui_page_create(app, &why_spec, of, NULL);
}

/* ---- What grows ---- */

static const enum tui_action growth_hints[] = { TUI_OPEN, TUI_STACK, TUI_DIFF_SINCE, TUI_BACK, TUI_NO_ACTION };
static const struct tui_page_spec growth_spec = {
    .ops = TUI_PAGE_OPS("growth", TUI_GROWTH, growth_hints),
    .ask = "growth",
    .document = "growth",
    .fill = fill_told,
    .command = "reftrack growth TRACE",
};

struct tui_view *tui_view_growth(struct tui_app *app)
{
    return tui_page_create(app, &growth_spec, NULL, NULL);
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
        tui_lines_span(&page->lines, TUI_DIM, "%s  %s",
                       json_is_true(json_object_get(frame, "inlined")) ? "  inlined" : "", tui_said(frame, "module"));
        tui_lines_place(&page->lines, frame);
    }
    if (json_array_size(stack) == 0)
        tui_lines_add(&page->lines, NULL, TUI_DIM, "only this is known: %s", tui_said_place(place, at, sizeof at));
}

static const enum tui_action stack_hints[] = { TUI_SOURCE, TUI_EDIT, TUI_BACK, TUI_NO_ACTION };
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
