/* growth.c: what is more than it ever was before, what is new, and which references hold it. */
#include <prof/links.h>
#include <prof/tell.h>
#include <prof/text.h>

#include <stdio.h>

struct page {
    const struct prof_text *t;
    const struct prof_growth *growth;
    const struct prof_growth_moment *moments;
    size_t moment_count, top;
};

/* "warm", "+12.5s" of the target, escaped. */
static const char *moment_text(const struct page *page, size_t at, char *buf, size_t size)
{
    char raw[256];
    return prof_escape_terminal(buf, size, prof_tell_moment(raw, sizeof raw, &page->moments[at]));
}

static void more(const struct page *page, size_t shown, size_t count, const char *what)
{
    if (shown < count)
        prof_text_printf(page->t, PROF_TEXT_FAINT, "  %zu more %s; %s shows all\n", count - shown, what, page->t->all);
}

static size_t shown_of(const struct page *page, size_t count)
{
    return page->top != 0 && count > page->top ? page->top : count;
}

static void head(const struct page *page)
{
    char first[600], last[600], took[32];
    size_t n = page->moment_count;
    prof_text_printf(page->t, PROF_TEXT_HEAD, "From %s to %s", moment_text(page, 0, first, sizeof first),
                     moment_text(page, n - 1, last, sizeof last));
    prof_text_printf(page->t, PROF_TEXT_PLAIN, ": %zu moment%s, %s\n", n, n == 1 ? "" : "s",
                     prof_fmt_duration(took, sizeof took, page->moments[n - 1].at_us - page->moments[0].at_us));
    /* A program that cleans up says nothing of how it grew. */
    uint64_t before = 0, end = page->moments[n - 1].live_objects;
    for (size_t i = 0; i + 1 < n; i++)
        before = page->moments[i].live_objects > before ? page->moments[i].live_objects : before;
    if (n > 1 && end * 10 < before)
        prof_text_printf(page->t, PROF_TEXT_WARN,
                         "  nearly all objects were gone at the last moment: --to names one before that\n");
}

static void news(const struct page *page)
{
    const struct prof_growth_new *list;
    size_t count = prof_growth_news(page->growth, &list), shown = shown_of(page, count);
    prof_text_printf(page->t, PROF_TEXT_HEAD, "\nNew since %s\n", moment_text(page, 0, (char[600]){ 0 }, 600));
    if (count == 0)
        prof_text_add(page->t, "  no object\n");
    else
        prof_text_printf(page->t, PROF_TEXT_FAINT, "  %8s %8s %8s %8s %11s  TYPE\n", "OLD", "CURRENT", "NEW", "DELTA",
                         "PER MINUTE");
    for (size_t i = 0; i < shown; i++) {
        const struct prof_growth_new *n = &list[i];
        char rate[32] = "-";
        if (page->moments[page->moment_count - 1].at_us - page->moments[0].at_us >= 1000000)
            snprintf(rate, sizeof rate, "%+.1f", n->per_minute);
        prof_text_printf(page->t, PROF_TEXT_PLAIN, "  %8llu %8llu %8llu %+8lld %11s  ", (unsigned long long)n->old,
                         (unsigned long long)n->current, (unsigned long long)n->fresh,
                         (long long)n->current - (long long)n->old, rate);
        prof_text_put(page->t, PROF_TEXT_TYPE, n->type);
        for (size_t j = 0; j < n->sample_count; j++)
            prof_text_printf(page->t, PROF_TEXT_PLAIN, "%s#%u", j == 0 ? "  " : " ", n->samples[j]);
        prof_text_add(page->t, n->fresh > n->sample_count ? " ...\n" : "\n");
    }
    more(page, shown, count, "types");
}

static void kinds(const struct page *page)
{
    const struct prof_growth_kind *list;
    size_t count = prof_growth_kinds(page->growth, &list), shown = shown_of(page, count);
    prof_text_printf(page->t, PROF_TEXT_HEAD, "\nAbove their peak\n");
    if (count == 0)
        prof_text_add(page->t, "  nothing\n");
    for (size_t i = 0; i < shown; i++) {
        const struct prof_growth_kind *k = &list[i];
        const struct prof_then *peak = &k->series.then[k->series.peak_at];
        const struct prof_then *now = &k->series.then[page->moment_count - 1];
        char text[600], bytes[32], was[32];
        prof_text_add(page->t, "  ");
        prof_text_printf(page->t, PROF_TEXT_HEAD, "%s",
                         prof_fmt_delta(bytes, sizeof bytes, (double)k->series.delta_bytes, page->t->units));
        prof_text_printf(page->t, PROF_TEXT_PLAIN, " in %s ", prof_fmt_count(text, sizeof text, k->series.delta));
        if (k->blocks)
            prof_text_add(page->t, "blocks");
        else
            prof_text_put(page->t, PROF_TEXT_TYPE, k->type);
        prof_text_add(page->t, " born at ");
        prof_text_place(page->t, k->stack);
        prof_text_printf(page->t, PROF_TEXT_PLAIN, ": %s now, %s at %s",
                         prof_fmt_bytes(bytes, sizeof bytes, now->bytes, page->t->units),
                         prof_fmt_bytes(was, sizeof was, peak->bytes, page->t->units),
                         moment_text(page, k->series.peak_at, text, sizeof text));
        prof_text_printf(page->t, PROF_TEXT_PLAIN, ", %s\n",
                         prof_tell_rate(text, sizeof text, page->growth, &k->series));
    }
    more(page, shown, count, "kinds");
}

static struct prof_error *path(const struct page *page, const struct prof_growth_edge *e)
{
    enum { PATH_MOST = 12 };
    prof_node node = prof_tell_example(page->t->graph, e);
    struct prof_ways ways;
    if (node == PROF_NODE_NONE)
        return NULL;
    struct prof_error *error = prof_view_ways(page->t->view, page->t->graph, node, PATH_MOST, &ways);
    if (error != NULL)
        return error;
    const struct prof_way *way = &ways.ways[0];
    prof_text_label(page->t, "example");
    prof_text_node(page->t, node);
    prof_text_add(page->t, ways.way_count == 0           ? ", to which no root leads\n"
                           : way->root == PROF_ROOT_NONE ? ", by references without an owner\n"
                                                         : ", the newest; from the nearest root:\n");
    if (ways.way_count != 0)
        prof_text_path_lines(page->t, way->links, way->count, way->count / 2, way->left_out);
    return NULL;
}

static void inserted(const struct page *page, const struct prof_growth_edge *e)
{
    enum { MOST = 3 };
    for (size_t i = 0; i < e->inserter_count && i < MOST; i++) {
        const struct prof_growth_inserter *in = &e->inserters[i];
        char text[32];
        prof_text_label(page->t, i == 0 ? "inserted" : "");
        prof_text_add(page->t, "= ");
        prof_text_place(page->t, in->stack);
        prof_text_printf(page->t, PROF_TEXT_PLAIN, "  %llu of them, %+lld since the first moment, the newest %s\n",
                         (unsigned long long)in->last, (long long)in->last - (long long)in->first,
                         prof_fmt_time(text, sizeof text, in->last_us));
    }
}

static void removed(const struct page *page, const struct prof_growth_edge *e)
{
    enum { MOST = 3 };
    if (e->remover_count == 0) {
        prof_text_label(page->t, "removed");
        prof_text_add(page->t, "  never: nothing gave back or moved on what was put there\n");
    }
    for (size_t i = 0; i < e->remover_count && i < MOST; i++) {
        const struct prof_growth_remover *r = &e->removers[i];
        char text[600], times[32];
        prof_text_label(page->t, i == 0 ? "removed" : "");
        prof_text_add(page->t, "~ ");
        prof_text_place(page->t, r->stack);
        if (r->count > 0)
            prof_text_printf(page->t, PROF_TEXT_PLAIN, "  %s time%s", prof_fmt_count(times, sizeof times, r->count),
                             r->count == 1 ? "" : "s");
        if (r->before > 0)
            prof_text_printf(page->t, PROF_TEXT_PLAIN, "%s%s time%s before %s", r->count > 0 ? ", and " : "  ",
                             prof_fmt_count(times, sizeof times, r->before), r->before == 1 ? "" : "s",
                             moment_text(page, 0, text, sizeof text));
        prof_text_printf(page->t, PROF_TEXT_PLAIN, ", the last %s", prof_fmt_time(text, sizeof text, r->last_us));
        if (r->late == 0)
            prof_text_printf(page->t, PROF_TEXT_WARN, ": it has stopped\n");
        else
            prof_text_printf(page->t, PROF_TEXT_PLAIN, ", %s of these while the last half was added\n",
                             prof_fmt_count(times, sizeof times, r->late));
    }
}

static struct prof_error *edges(const struct page *page)
{
    const struct prof_growth_edge *list;
    size_t all, count = prof_growth_edges(page->growth, &list, &all), shown = shown_of(page, count);
    struct prof_error *error = NULL;
    prof_text_printf(page->t, PROF_TEXT_HEAD, "\nReferences that become more\n");
    if (page->moment_count < PROF_GROWTH_ENOUGH && count == 0)
        prof_text_printf(page->t, PROF_TEXT_PLAIN, "  %zu moments are too few to tell: %d are needed\n",
                         page->moment_count, PROF_GROWTH_ENOUGH);
    else if (count == 0)
        prof_text_add(page->t, "  none\n");
    for (size_t i = 0; i < shown && error == NULL; i++) {
        const struct prof_growth_edge *e = &list[i];
        const struct prof_growth_moment *moments;
        size_t moment_count = prof_growth_moments_of(page->growth, &e->series, &moments);
        char text[1024], bytes[32];
        prof_text_printf(page->t, PROF_TEXT_PLAIN, "%3zu. %s", i + 1, e->series.seen ? "~ " : "");
        prof_text_put(page->t, PROF_TEXT_TYPE, prof_tell_edge(text, sizeof text, e));
        prof_text_printf(page->t, PROF_TEXT_PLAIN, "  %s", prof_tell_rate(text, sizeof text, page->growth, &e->series));
        prof_text_printf(page->t, PROF_TEXT_PLAIN, ", %s more than ever before, to %s\n",
                         prof_fmt_count(text, sizeof text, e->series.delta),
                         prof_fmt_bytes(bytes, sizeof bytes, e->series.then[moment_count - 1].bytes, page->t->units));
        prof_text_label(page->t, e->series.seen ? "looks" : "moments");
        prof_text_add(page->t, " ");
        for (size_t m = 0; m < moment_count; m++)
            prof_text_printf(page->t, PROF_TEXT_PLAIN, " %llu", (unsigned long long)e->series.then[m].live);
        prof_text_add(page->t, e->series.seen ? ": pointers in memory that nobody told of\n" : "\n");
        if (!e->series.seen) {
            inserted(page, e);
            removed(page, e);
        }
        if (e->below != 0) {
            prof_text_label(page->t, "below");
            prof_text_printf(page->t, PROF_TEXT_PLAIN, "  %zu more kind%s of references that grow hang%s below it\n",
                             e->below, e->below == 1 ? "" : "s", e->below == 1 ? "s" : "");
        }
        error = path(page, e);
    }
    more(page, shown, count, "of such references");
    return error;
}

struct prof_error *prof_text_growth(const struct prof_text *t, const struct prof_growth *growth, size_t top)
{
    struct page page = { .t = t, .growth = growth, .top = top };
    page.moment_count = prof_growth_moments(growth, &page.moments);
    head(&page);
    news(&page);
    kinds(&page);
    return edges(&page);
}
