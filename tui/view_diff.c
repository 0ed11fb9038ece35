/* view_diff.c: what changed between two moments: the begin, which [ moves from mark to mark, and the moment that is
 * looked at, which ] and travelling move. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "marks.h"
#include "page.h"
#include "said.h"

/* The last mark before a moment, 0: the begin of the trace. */
static uint64_t mark_before(const struct tui_view *base, uint64_t at_us)
{
    uint64_t before = 0;
    return tui_marks_before(base->app, at_us, &before) ? before : 0;
}

/* "mark warm +30ms", "+30ms", "the begin". */
static const char *moment(const struct tui_view *base, uint64_t at_us, char *buf, size_t size)
{
    const struct tui_mark *mark = tui_marks_here(base->app, at_us);
    char when[32];
    prof_fmt_time(when, sizeof when, at_us);
    if (at_us == 0)
        snprintf(buf, size, "the begin");
    else if (mark != NULL)
        snprintf(buf, size, "%s %s %s", mark->kind, mark->name, when);
    else
        snprintf(buf, size, "%s", when);
    return buf;
}

/* ---- Lines ---- */

static int64_t grown(const json_t *row)
{
    return (int64_t)tui_said_number(row, "bytes_now") - (int64_t)tui_said_number(row, "bytes_then");
}

static int most_first(const void *left, const void *right)
{
    const json_t *a = *(json_t *const *)left, *b = *(json_t *const *)right;
    int64_t x = grown(a), y = grown(b);
    return x != y ? (x > y ? -1 : 1) : strcmp(tui_said(a, "name"), tui_said(b, "name"));
}

static void add_numbers(struct tui_lines *lines, const json_t *row, int64_t bytes_grown, enum prof_units units)
{
    char then[32], now[32], delta[32] = ".", bytes[32] = ".";
    long long more = (long long)tui_said_number(row, "now") - (long long)tui_said_number(row, "then");
    if (more != 0)
        snprintf(delta, sizeof delta, "%+lld", more);
    if (bytes_grown != 0)
        prof_fmt_delta(bytes, sizeof bytes, (double)bytes_grown, units);
    tui_lines_add(lines, NULL,
                  more > 0   ? TUI_WARN
                  : more < 0 ? TUI_GOOD
                             : TUI_DIM,
                  "%7s %7s %7s %10s", prof_fmt_count(then, sizeof then, tui_said_number(row, "then")),
                  prof_fmt_count(now, sizeof now, tui_said_number(row, "now")), delta, bytes);
}

static void add_types(struct tui_lines *lines, const json_t *types, enum prof_units units)
{
    size_t count = json_array_size(types), i;
    json_t **rows = calloc(count + 1, sizeof(json_t *));
    char born[32], stayed[32];
    if (rows == NULL)
        return;
    for (i = 0; i < count; i++)
        rows[i] = json_array_get(types, i);
    qsort(rows, count, sizeof(json_t *), most_first);
    tui_lines_heading(lines, "objects");
    if (count > 0)
        tui_lines_add(lines, NULL, TUI_HEADER, "%7s %7s %7s %10s %6s %6s  TYPE", "THEN", "NOW", "DELTA", "BYTES",
                      "BORN", "STAY");
    else
        tui_lines_add(lines, NULL, TUI_DIM, "none was born, and none was there");
    for (i = 0; i < count; i++) {
        add_numbers(lines, rows[i], grown(rows[i]), units);
        tui_lines_span(lines, TUI_NORMAL, " %6s %6s  ",
                       prof_fmt_count(born, sizeof born, tui_said_number(rows[i], "born")),
                       prof_fmt_count(stayed, sizeof stayed, tui_said_number(rows[i], "stayed")));
        tui_lines_span(lines, TUI_ACCENT, "%s", tui_said(rows[i], "name"));
        tui_lines_target(lines, tui_said(rows[i], "name"));
        if (tui_said(rows[i], "site")[0] != '\0')
            tui_lines_span(lines, TUI_PLACE, "  %s", tui_said(rows[i], "site"));
    }
    if (count > 0)
        tui_lines_add(lines, NULL, TUI_DIM, "STAY: born between and still there; the place is that of the newest.");
    free(rows);
}

static void add_sites(struct tui_lines *lines, const json_t *answer, enum prof_units units)
{
    const json_t *sites = json_object_get(answer, "sites");
    uint64_t all = tui_said_number(answer, "sites_all");
    size_t i;
    json_t *row;
    tui_lines_heading(lines, "memory, by where it was allocated");
    if (json_array_size(sites) == 0)
        tui_lines_add(lines, NULL, TUI_DIM, "as much as before everywhere");
    else
        tui_lines_add(lines, NULL, TUI_HEADER, "%7s %7s %7s %10s  SITE", "THEN", "NOW", "DELTA", "BYTES");
    json_array_foreach(sites, i, row)
    {
        add_numbers(lines, row, (int64_t)tui_said_number(row, "bytes"), units);
        tui_lines_span(lines, TUI_PLACE, "  %s", tui_said(row, "site"));
    }
    if (all > i)
        tui_lines_add(lines, NULL, TUI_DIM, "(%llu more sites)", (unsigned long long)all - i);
}

static void fill(struct tui_page *page, const json_t *answer)
{
    struct tui_lines *lines = &page->lines;
    char from[512], to[512];
    tui_lines_add(lines, NULL, TUI_NORMAL, "From %s to ",
                  moment(&page->view, tui_said_number(answer, "from"), from, sizeof from));
    tui_lines_span(lines, TUI_NORMAL, "%s", moment(&page->view, tui_said_number(answer, "to"), to, sizeof to));
    add_types(lines, json_object_get(answer, "types"), page->view.app->units);
    add_sites(lines, answer, page->view.app->units);
}

/* ---- The view ---- */

static uint64_t begin_of(const struct tui_view *base)
{
    return strtoull(((const struct tui_page *)base)->of, NULL, 10);
}

static void set_begin(struct tui_view *base, uint64_t at_us)
{
    struct tui_page *page = (struct tui_page *)base;
    snprintf(page->of, sizeof page->of, "%llu", (unsigned long long)at_us);
}

/* The moment that is looked at. */
static uint64_t end_of(const struct tui_view *base)
{
    uint64_t at_us, events, wanted = tui_source_at(base->app->source);
    tui_source_snapshot_at(base->app->source, &at_us, &events);
    return at_us < wanted ? at_us : wanted;
}

/* The mark before the begin; from the begin of the trace around to the last mark before the end. */
static void earlier(struct tui_view *base)
{
    uint64_t begin = begin_of(base);
    set_begin(base, mark_before(base, begin > 0 ? begin : end_of(base)));
}

static void open_new_ones(struct tui_view *base, const char *type)
{
    uint64_t at_us = end_of(base), begin = begin_of(base);
    char where[64];
    struct tui_view *objects = tui_view_objects(base->app, type);
    if (objects != NULL && begin > 0 && begin < at_us) {
        snprintf(where, sizeof where, "age<%lluus", (unsigned long long)(at_us - begin));
        objects->ops->command(objects, "where", where);
    }
    tui_app_open(base->app, objects);
}

static bool act(struct tui_view *base, enum tui_action action)
{
    const char *type = tui_lines_selected(&((struct tui_page *)base)->lines);
    switch (action) {
    case TUI_MARK_EARLIER:
        earlier(base);
        return true;
    case TUI_MARK_LATER:
        return false; /* the end is the moment that is looked at */
    case TUI_DIFF_SINCE:
        set_begin(base, mark_before(base, end_of(base)));
        return true;
    case TUI_OPEN:
        if (type != NULL)
            open_new_ones(base, type);
        return true;
    default:
        return tui_page_act(base, action);
    }
}

static void title(const struct tui_view *base, char *buf, size_t size)
{
    char from[512];
    snprintf(buf, size, "since %s   [ moves the begin, ] the end", moment(base, begin_of(base), from, sizeof from));
}

static const enum tui_action hints[] = { TUI_OPEN, TUI_DIFF_SINCE, TUI_EXPORT, TUI_BACK, TUI_NO_ACTION };
static const struct tui_page_spec spec = {
    .ops = {
        .name = "diff",
        .tab = TUI_DIFF,
        .hints = hints,
        .destroy = tui_page_destroy,
        .ask = tui_page_ask,
        .draw = tui_page_draw,
        .act = act,
        .title = title,
    },
    .ask = "diff",
    .fill = fill,
};

struct tui_view *tui_view_diff(struct tui_app *app, bool since_mark)
{
    struct tui_view *view = tui_page_create(app, &spec, "0", NULL);
    if (view != NULL && since_mark)
        set_begin(view, mark_before(view, end_of(view)));
    return view;
}
