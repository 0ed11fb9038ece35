/* cmd_growth.c: `reftrack growth`: what is more than it ever was before, what is new, and which references hold it. */
#include "findings_text.h"
#include "graph_text.h"

#include <prof/tell.h>

struct growth_args {
    uint64_t moments;
};

static const struct cli_option options[] = { { .name = "moments",
                                               .kind = CLI_NUMBER,
                                               .offset = offsetof(struct growth_args, moments),
                                               .argument = "N",
                                               .help = "without enough marks, cut the run into N even parts (8)" },
                                             { 0 } };

static const char *const examples[] = {
    "reftrack growth app.trk",
    "What is above its peak, and which references made it so.",
    "reftrack growth --from warm --to end app.trk",
    "What is there at the mark 'end' and was not at the mark 'warm'.",
    "reftrack growth --moments 16 --json | jq '.edges[0].removed'",
    "Where the references of the edge that grows most used to be given back.",
    NULL,
};

const struct cli_command cli_command_growth = {
    .name = "growth",
    .main = cmd_growth,
    .synopsis = "[TRACE]",
    .summary = "what grows from moment to moment, which references hold it, who stopped removing",
    .about =
        "Compares moments of the run: the program's marks between --from and --to, and even parts when these are "
        "fewer than 4. NEW counts objects that were not there at the first moment. Objects of a type and site, and "
        "blocks of a site, are told when they are above their peak of all moments before: a cache that fills up "
        "again is silent; where there are two marks only they and the ends are compared, as for what 'reftrack leaks' "
        "calls growing. References from one field of one kind of holder to one type are counted at each moment; "
        "those that grow are told with the slope, who inserts, and who used to remove (~: by the sites that put "
        "such references there); what only grows below is counted. Where memory was read twice or more, pointers that "
        "nobody told of are counted at these looks (~), for types of which no told references grow. The program may "
        "free all at its end: --to names "
        "a moment before that. The trace is replayed once more for this.",
    .examples = examples,
    .options = options,
    .groups = CLI_GROUP_FORMAT | CLI_GROUP_TRACE | CLI_GROUP_WINDOW | CLI_GROUP_PID | CLI_GROUP_TOP,
    .operands_max = 1,
    .operand_hint = CLI_HINT_TRACE,
};

struct page {
    struct cli_session *session;
    struct cli_out *out;
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
        cli_printf(page->out, CLI_FAINT, "  %zu more %s; --top 0 shows all\n", count - shown, what);
}

static size_t shown_of(const struct page *page, size_t count)
{
    return page->top != 0 && count > page->top ? page->top : count;
}

static void head(const struct page *page)
{
    char first[600], last[600], took[32];
    size_t n = page->moment_count;
    cli_printf(page->out, CLI_HEAD, "From %s to %s", moment_text(page, 0, first, sizeof first),
               moment_text(page, n - 1, last, sizeof last));
    fprintf(page->out->file, ": %zu moment%s, %s\n", n, n == 1 ? "" : "s",
            prof_fmt_duration(took, sizeof took, page->moments[n - 1].at_us - page->moments[0].at_us));
    /* A program that cleans up says nothing of how it grew. */
    uint64_t before = 0, end = page->moments[n - 1].live_objects;
    for (size_t i = 0; i + 1 < n; i++)
        before = page->moments[i].live_objects > before ? page->moments[i].live_objects : before;
    if (n > 1 && end * 10 < before)
        cli_printf(page->out, CLI_WARN,
                   "  nearly all objects were gone at the last moment: --to names one before that\n");
}

static void news(const struct page *page)
{
    const struct prof_growth_new *list;
    size_t count = prof_growth_news(page->growth, &list), shown = shown_of(page, count);
    cli_printf(page->out, CLI_HEAD, "\nNew since %s\n", moment_text(page, 0, (char[600]){ 0 }, 600));
    if (count == 0)
        fputs("  no object\n", page->out->file);
    else
        cli_printf(page->out, CLI_FAINT, "  %8s %8s %8s %8s %11s  TYPE\n", "OLD", "CURRENT", "NEW", "DELTA",
                   "PER MINUTE");
    for (size_t i = 0; i < shown; i++) {
        const struct prof_growth_new *n = &list[i];
        char rate[32] = "-";
        if (page->moments[page->moment_count - 1].at_us - page->moments[0].at_us >= 1000000)
            snprintf(rate, sizeof rate, "%+.1f", n->per_minute);
        fprintf(page->out->file, "  %8llu %8llu %8llu %+8lld %11s  ", (unsigned long long)n->old,
                (unsigned long long)n->current, (unsigned long long)n->fresh, (long long)n->current - (long long)n->old,
                rate);
        cli_put(page->out, CLI_TYPE, n->type);
        for (size_t j = 0; j < n->sample_count; j++)
            fprintf(page->out->file, "%s#%u", j == 0 ? "  " : " ", n->samples[j]);
        fputs(n->fresh > n->sample_count ? " ...\n" : "\n", page->out->file);
    }
    more(page, shown, count, "types");
}

static void kinds(const struct page *page)
{
    const struct prof_growth_kind *list;
    size_t count = prof_growth_kinds(page->growth, &list), shown = shown_of(page, count);
    cli_printf(page->out, CLI_HEAD, "\nAbove their peak\n");
    if (count == 0)
        fputs("  nothing\n", page->out->file);
    for (size_t i = 0; i < shown; i++) {
        const struct prof_growth_kind *k = &list[i];
        const struct prof_then *peak = &k->series.then[k->series.peak_at];
        const struct prof_then *now = &k->series.then[page->moment_count - 1];
        char text[600], bytes[32], was[32];
        fputs("  ", page->out->file);
        cli_printf(page->out, CLI_HEAD, "%s",
                   prof_fmt_delta(bytes, sizeof bytes, (double)k->series.delta_bytes, page->out->units));
        fprintf(page->out->file, " in %s ", prof_fmt_count(text, sizeof text, k->series.delta));
        if (k->blocks)
            fputs("blocks", page->out->file);
        else
            cli_put(page->out, CLI_TYPE, k->type);
        fputs(" born at ", page->out->file);
        text_place(page->session, page->out, k->stack);
        fprintf(page->out->file, ": %s now, %s at %s",
                prof_fmt_bytes(bytes, sizeof bytes, now->bytes, page->out->units),
                prof_fmt_bytes(was, sizeof was, peak->bytes, page->out->units),
                moment_text(page, k->series.peak_at, text, sizeof text));
        fprintf(page->out->file, ", %s\n", prof_tell_rate(text, sizeof text, page->growth, &k->series));
    }
    more(page, shown, count, "kinds");
}

static struct prof_error *path(const struct page *page, const struct prof_growth_edge *e)
{
    enum { PATH_MOST = 12 };
    prof_node node = prof_tell_example(page->session->graph, e);
    struct prof_ways ways;
    char text[1024];
    if (node == PROF_NODE_NONE)
        return NULL;
    struct prof_error *error = prof_view_ways(page->session->view, page->session->graph, node, PATH_MOST, &ways);
    if (error != NULL)
        return error;
    const struct prof_way *way = &ways.ways[0];
    text_label(page->out, "example");
    cli_printf(page->out, CLI_TYPE, "%s", graph_name(page->session, node, text, sizeof text));
    fputs(ways.way_count == 0           ? ", to which no root leads\n"
          : way->root == PROF_ROOT_NONE ? ", by references without an owner\n"
                                        : ", the newest; from the nearest root:\n",
          page->out->file);
    if (ways.way_count != 0)
        graph_path_lines(page->session, page->out, way->links, way->count, way->count / 2, way->left_out);
    return NULL;
}

static void inserted(const struct page *page, const struct prof_growth_edge *e)
{
    enum { MOST = 3 };
    for (size_t i = 0; i < e->inserter_count && i < MOST; i++) {
        const struct prof_growth_inserter *in = &e->inserters[i];
        char text[32];
        text_label(page->out, i == 0 ? "inserted" : "");
        fputs("= ", page->out->file);
        text_place(page->session, page->out, in->stack);
        fprintf(page->out->file, "  %llu of them, %+lld since the first moment, the newest %s\n",
                (unsigned long long)in->last, (long long)in->last - (long long)in->first,
                prof_fmt_time(text, sizeof text, in->last_us));
    }
}

static void removed(const struct page *page, const struct prof_growth_edge *e)
{
    enum { MOST = 3 };
    if (e->remover_count == 0) {
        text_label(page->out, "removed");
        fputs("  never: nothing gave back or moved on what was put there\n", page->out->file);
    }
    for (size_t i = 0; i < e->remover_count && i < MOST; i++) {
        const struct prof_growth_remover *r = &e->removers[i];
        char text[600], times[32];
        text_label(page->out, i == 0 ? "removed" : "");
        fputs("~ ", page->out->file);
        text_place(page->session, page->out, r->stack);
        if (r->count > 0)
            fprintf(page->out->file, "  %s time%s", prof_fmt_count(times, sizeof times, r->count),
                    r->count == 1 ? "" : "s");
        if (r->before > 0)
            fprintf(page->out->file, "%s%s time%s before %s", r->count > 0 ? ", and " : "  ",
                    prof_fmt_count(times, sizeof times, r->before), r->before == 1 ? "" : "s",
                    moment_text(page, 0, text, sizeof text));
        fprintf(page->out->file, ", the last %s", prof_fmt_time(text, sizeof text, r->last_us));
        if (r->late == 0)
            cli_printf(page->out, CLI_WARN, ": it has stopped\n");
        else
            fprintf(page->out->file, ", %s of these while the last half was added\n",
                    prof_fmt_count(times, sizeof times, r->late));
    }
}

static struct prof_error *edges(const struct page *page)
{
    const struct prof_growth_edge *list;
    size_t all, count = prof_growth_edges(page->growth, &list, &all), shown = shown_of(page, count);
    struct prof_error *error = NULL;
    cli_printf(page->out, CLI_HEAD, "\nReferences that become more\n");
    if (page->moment_count < PROF_GROWTH_ENOUGH && count == 0)
        fprintf(page->out->file, "  %zu moments are too few to tell: %d are needed\n", page->moment_count,
                PROF_GROWTH_ENOUGH);
    else if (count == 0)
        fputs("  none\n", page->out->file);
    for (size_t i = 0; i < shown && error == NULL; i++) {
        const struct prof_growth_edge *e = &list[i];
        const struct prof_growth_moment *moments;
        size_t moment_count = prof_growth_moments_of(page->growth, &e->series, &moments);
        char text[1024], bytes[32];
        fprintf(page->out->file, "%3zu. %s", i + 1, e->series.seen ? "~ " : "");
        cli_put(page->out, CLI_TYPE, prof_tell_edge(text, sizeof text, e));
        fprintf(page->out->file, "  %s", prof_tell_rate(text, sizeof text, page->growth, &e->series));
        fprintf(page->out->file, ", %s more than ever before, to %s\n",
                prof_fmt_count(text, sizeof text, e->series.delta),
                prof_fmt_bytes(bytes, sizeof bytes, e->series.then[moment_count - 1].bytes, page->out->units));
        text_label(page->out, e->series.seen ? "looks" : "moments");
        fputc(' ', page->out->file);
        for (size_t m = 0; m < moment_count; m++)
            fprintf(page->out->file, " %llu", (unsigned long long)e->series.then[m].live);
        fputs(e->series.seen ? ": pointers in memory that nobody told of\n" : "\n", page->out->file);
        if (!e->series.seen) {
            inserted(page, e);
            removed(page, e);
        }
        if (e->below != 0) {
            text_label(page->out, "below");
            fprintf(page->out->file, "  %zu more kind%s of references that grow hang%s below it\n", e->below,
                    e->below == 1 ? "" : "s", e->below == 1 ? "s" : "");
        }
        error = path(page, e);
    }
    more(page, shown, count, "of such references");
    return error;
}

static struct prof_error *growth_text(struct page *page)
{
    head(page);
    news(page);
    kinds(page);
    return edges(page);
}

static int answer(struct cli_session *session, const struct cli_common *common, const struct prof_growth *growth)
{
    enum { TOP = 10 };
    struct cli_out out;
    int code;
    cli_out_open(&out, common);
    if (common->format == CLI_FORMAT_JSON) {
        char *text = NULL;
        struct prof_error *error = prof_json_growth(session->view, session->graph, growth, &text);
        code = cli_json(&out, error, text);
    } else {
        struct page page = { .session = session, .out = &out, .growth = growth };
        page.moment_count = prof_growth_moments(growth, &page.moments);
        page.top = common->top != CLI_TOP_DEFAULT ? (size_t)common->top : TOP;
        struct prof_error *error = growth_text(&page);
        code = error != NULL ? cli_error(error) : -1;
    }
    int closed = cli_out_close(&out);
    return code >= 0 ? code : closed;
}

int cmd_growth(int argc, char **argv)
{
    struct growth_args args = { .moments = 0 };
    struct cli_common common;
    struct cli_operands operands;
    struct cli_session session;
    int code = cli_parse(&cli_command_growth, argc, argv, &args, &common, &operands);
    if (code >= 0)
        return code;
    if (args.moments != 0 && (args.moments < PROF_GROWTH_ENOUGH || args.moments > PROF_GROWTH_MOMENTS / 2))
        return cli_usage(&cli_command_growth, "--moments is a number from %d to %d", (int)PROF_GROWTH_ENOUGH,
                         (int)PROF_GROWTH_MOMENTS / 2);
    code = cli_session_open(&session, &common, operands.count != 0 ? operands.items[0] : NULL, CLI_PART_GRAPH);
    if (code < 0) {
        struct prof_growth *growth = NULL;
        struct prof_growth_options growth_options = { .from_us = session.from_us,
                                                      .from_mark = session.from_mark,
                                                      .moments = (unsigned)args.moments,
                                                      .progress = cli_progress_step,
                                                      .progress_ctx = &session.progress };
        cli_say_state(&session, &common);
        cli_progress_begin(&session.progress, &common, "comparing moments");
        struct prof_error *error = prof_growth_create(session.heap, session.symbols, &growth_options, &growth);
        cli_progress_end(&session.progress);
        code = error != NULL ? cli_error(error) : answer(&session, &common, growth);
        prof_growth_destroy(growth);
    }
    cli_session_close(&session);
    return code;
}
