/* cmd_cycles.c: `reftrack cycles`: leaked cycles with the reference to break, what references too many keep alive, and
 * counts that are too low. */
#include "findings_text.h"

#include <stdlib.h>

static const char *const examples[] = {
    "reftrack cycles app.4711.trk",
    "Cycles that nothing holds, those that a reference too many holds, and what else is held too long.",
    "reftrack cycles --to warm app.4711.trk",
    "The same for the moment of the mark 'warm'.",
    "reftrack cycles --json | jq '.cycles[].cycle.break'",
    "The reference to break of each kind of cycle, with the reasons.",
    NULL,
};

const struct cli_command cli_command_cycles = {
    .name = "cycles",
    .main = cmd_cycles,
    .synopsis = "[TRACE]",
    .summary = "leaked cycles and the reference to break, what is over-retained",
    .about =
        "The object graph, examined by trial deletion: objects that only hold each other, cycles that live on because "
        "of a reference too many, and what such references keep alive. Equal cycles are one row. Of each reference of "
        "a "
        "cycle stands what making that field weak would free, by simulation; the one to break frees most, its "
        "destructor needs it least, its name points back, or it closed the cycle. What hangs on a cause is "
        "counted with it. The verdicts are those of 'reftrack leaks'; docs/CYCLES.md explains each.",
    .examples = examples,
    .groups = CLI_GROUP_FORMAT | CLI_GROUP_TRACE | CLI_GROUP_WINDOW | CLI_GROUP_GATE | CLI_GROUP_PID | CLI_GROUP_TOP,
    .operands_max = 1,
    .operand_hint = CLI_HINT_TRACE,
};

struct page {
    struct cli_session *session;
    struct cli_out *out;
    bool verbose;
    uint64_t top;
};

static void name(const struct page *page, prof_obj_id obj)
{
    char text[512];
    cli_put(page->out, CLI_TYPE, prof_fmt_obj(text, sizeof text, page->session->heap, obj));
}

/* "6 objects, 384 B" */
static void amount(const struct page *page, uint64_t objects, uint64_t bytes)
{
    char count[32], text[32];
    fprintf(page->out->file, "%s object%s, %s", prof_fmt_count(count, sizeof count, objects), objects == 1 ? "" : "s",
            prof_fmt_bytes(text, sizeof text, bytes, page->out->units));
}

static void edge(const struct page *page, const struct prof_finding *f, size_t i)
{
    const struct prof_finding_edge *e = &f->edges[i];
    char text[64];
    prof_text_label(cli_text(NULL, page->out), i == 0 ? "cycle" : "");
    fprintf(page->out->file, "%c ", prof_text_pair_mark(e->adopted ? PROF_PAIR_ADOPTED : PROF_PAIR_SLOT));
    name(page, e->from);
    fputs(" --", page->out->file);
    cli_put(page->out, CLI_PLAIN, e->field != NULL ? e->field : "?");
    fputs("--> ", page->out->file);
    name(page, e->to);
    if (e->stack != 0) {
        fputs("  set at ", page->out->file);
        prof_text_place(cli_text(page->session, page->out), e->stack);
    }
    if (i == f->closing_edge && e->timed)
        fprintf(page->out->file, ", last, %s", prof_fmt_time(text, sizeof text, e->taken_us));
    fputc('\n', page->out->file);
    if (!e->tried)
        return;
    fprintf(page->out->file, "     %*s   weak, it frees ", 10, "");
    if (e->frees_objects == 0 && e->frees_bytes == 0)
        fputs("nothing", page->out->file);
    else
        amount(page, e->frees_objects, e->frees_bytes);
    fputc('\n', page->out->file);
}

static void cycle(const struct page *page, const struct prof_finding *f)
{
    enum { MOST = 12 };
    FILE *file = page->out->file;
    size_t most = page->verbose || f->edge_count <= MOST ? f->edge_count : MOST;
    for (size_t i = 0; i < most; i++)
        edge(page, f, i);
    if (most < f->edge_count)
        cli_printf(page->out, CLI_FAINT, "     %*s  and %zu more; -v lists them\n", 10, "", f->edge_count - most);
    if (f->break_edge >= f->edge_count)
        return;
    const struct prof_finding_edge *best = &f->edges[f->break_edge];
    prof_text_label(cli_text(NULL, page->out), "break");
    fputs("  ", file);
    cli_put(page->out, CLI_TYPE,
            prof_heap_type(page->session->heap, prof_heap_obj(page->session->heap, best->from)->type)->name);
    fputs(best->field != NULL && best->field[0] != '+' ? "." : "", file);
    cli_put(page->out, CLI_TYPE, best->field != NULL ? best->field : "");
    for (size_t i = 0; i < f->break_reason_count; i++) {
        fputs(i != 0 ? ", " : ": ", file);
        cli_put(page->out, CLI_PLAIN, f->break_reasons[i]);
    }
    fputc('\n', file);
    if (f->end_count > 1) {
        prof_text_label(cli_text(NULL, page->out), "then end");
        for (size_t i = 0; i < f->end_count; i++) {
            fputs(i != 0 ? ", " : "  ", file);
            name(page, f->ends[i]);
        }
        fputs(best->frees_objects > f->end_count ? ", ...\n" : "\n", file);
    }
}

static void dangers(const struct page *page, const struct prof_finding *f)
{
    FILE *file = page->out->file;
    for (size_t i = 0; i < f->need_count; i++) {
        prof_text_label(cli_text(NULL, page->out), i == 0 ? "order" : "");
        fputs("  the destructor of ", file);
        name(page, f->needs[i].from);
        fputs(" needs ", file);
        name(page, f->needs[i].to);
        fputs(" (", file);
        cli_put(page->out, CLI_PLAIN, f->needs[i].field != NULL ? f->needs[i].field : "?");
        fputs(")\n", file);
    }
    for (size_t i = 0; i < f->hazard_count; i++) {
        prof_text_label(cli_text(NULL, page->out), i == 0 ? "dangling" : "");
        fputs("  ", file);
        cli_put(page->out, CLI_PLAIN, f->hazards[i].text);
        fputs(" points to ", file);
        name(page, f->hazards[i].obj);
        fputs(" and owns nothing; clear it before, set at ", file);
        prof_text_place(cli_text(page->session, page->out), f->hazards[i].stack);
        fputc('\n', file);
    }
    if (f->hazards_all > f->hazard_count)
        fprintf(file, "     %*s  and %llu more\n", 10, "", (unsigned long long)(f->hazards_all - f->hazard_count));
}

static void row(const struct page *page, const struct prof_finding *f)
{
    FILE *file = page->out->file;
    char text[2048];
    bool trash = f->verdict == PROF_CYCLE || f->verdict == PROF_UNCOLLECTABLE;

    fprintf(file, "\n%3u. ", f->id);
    if (f->edge_count != 0 && (trash || f->verdict == PROF_CYCLE_HELD))
        cli_put(page->out, CLI_TYPE, prof_view_cycle(page->session->view, f, text, sizeof text));
    else
        cli_put(page->out, CLI_TYPE, f->type);
    fputs(": ", file);
    amount(page, f->objects, f->bytes);
    if (f->retained_objects > f->objects || f->retained_bytes > f->bytes) {
        fputs("; with all that only this keeps alive ", file);
        amount(page, f->retained_objects, f->retained_bytes);
    }
    fprintf(file, ", first seen %s\n", prof_fmt_time(text, sizeof text, f->first_us));
    prof_text_label(cli_text(NULL, page->out), "why");
    fputs("  ", file);
    cli_put(page->out, CLI_PLAIN, prof_view_why(f, page->out->units, text, sizeof text));
    fputc('\n', file);
    prof_text_label(cli_text(NULL, page->out), "born");
    fputs("  ", file);
    prof_text_place(cli_text(page->session, page->out), f->born_stack);
    fputc('\n', file);
    if (!trash) {
        prof_text_taken(cli_text(page->session, page->out), f, page->verbose);
        prof_text_missing(cli_text(page->session, page->out), f);
    }
    if (!trash && f->edge_count != 0) {
        prof_text_label(cli_text(NULL, page->out), "released");
        fputs("  giving the references too many back ", file);
        if (f->release_objects != 0) {
            fputs("frees ", file);
            amount(page, f->release_objects, f->release_bytes);
        } else {
            fputs("frees nothing", file);
        }
        fputs("; the cycle below stays, and must be broken, too\n", file);
    }
    cycle(page, f);
    dangers(page, f);
    prof_text_label(cli_text(NULL, page->out), "class");
    fprintf(file, "  %s: %s\n", prof_verdict_name(f->verdict), prof_verdict_words(f->verdict));
    prof_text_label(cli_text(NULL, page->out), "proof");
    fprintf(file, "  %s", prof_strength_name(f->strength));
    if (f->reasons != NULL && f->reasons[0] != '\0') {
        fputs(": ", file);
        cli_put(page->out, CLI_PLAIN, f->reasons);
    }
    fputc('\n', file);
}

static void underflows(const struct page *page)
{
    const struct prof_underflow *list;
    uint64_t all, most;
    size_t count = prof_findings_underflows(page->session->findings, &list, &all);

    if (count == 0)
        return;
    cli_printf(page->out, CLI_HEAD, "\nCounts lower than the references that are known: %llu\n",
               (unsigned long long)all);
    most = page->top < count ? page->top : count;
    for (uint64_t i = 0; i < most; i++) {
        fputs("     ", page->out->file);
        name(page, list[i].obj);
        fprintf(page->out->file, "  count %lld%s, %lld variables and holders own one\n", (long long)list[i].count,
                list[i].observed ? " in memory" : " by the events", (long long)list[i].known);
    }
    if (most < all)
        cli_printf(page->out, CLI_HEAD, "     %llu more\n", (unsigned long long)(all - most));
}

/* Cycles of plain blocks are findings about memory, not about counts: they are told elsewhere. */
static void plain_cycles(const struct page *page)
{
    const struct prof_finding *list;
    size_t count = prof_findings_list(page->session->findings, &list);
    unsigned long long cycles = 0;

    if (prof_findings_audit(page->session->findings)->memory.not_read != NULL &&
        prof_heap_totals(page->session->heap)->live_blocks != 0) {
        cli_printf(page->out, CLI_WARN,
                   "Cycles of plain blocks are not known: only pointers in memory make them, and it was not read.\n");
        return;
    }

    for (size_t i = 0; i < count; i++)
        cycles += list[i].plain && list[i].suppressed_by == NULL ? list[i].cycles : 0;
    if (cycles > 0)
        cli_printf(page->out, CLI_WARN, "%llu cycle%s of plain blocks: see 'reftrack leaks'.\n", cycles,
                   cycles == 1 ? "" : "s");
}

static struct prof_error *parts(const struct page *page)
{
    static const char *const titles[PROF_CYCLES_COUNT_] = {
        [PROF_CYCLES_LEAKED] = "Cycles that nothing holds",
        [PROF_CYCLES_HELD] = "Cycles that references too many hold",
        [PROF_CYCLES_OVER] = "Held too long, without a cycle",
        [PROF_CYCLES_ZERO] = "Count 0, and not freed",
    };
    size_t all = 0;
    for (int part = 0; part < PROF_CYCLES_COUNT_; part++) {
        const struct prof_finding *const *list;
        size_t count;
        struct prof_error *error = prof_view_cycles(page->session->view, (enum prof_cycles_part)part, &list, &count);
        if (error != NULL)
            return error;
        all += count;
        if (count == 0)
            continue;
        cli_printf(page->out, CLI_HEAD, "\n%s: %zu kind%s\n", titles[part], count, count == 1 ? "" : "s");
        size_t most = page->top < count ? (size_t)page->top : count;
        for (size_t i = 0; i < most; i++)
            row(page, list[i]);
        if (most < count)
            cli_printf(page->out, CLI_HEAD, "\n%zu more; --top 0 shows all\n", count - most);
    }
    underflows(page);
    const struct prof_audit *audit = prof_findings_audit(page->session->findings);
    if (all == 0 && audit->certain)
        cli_printf(page->out, CLI_GOOD, "No cycle of counted objects leaks, and none is held too long.\n");
    else if (!audit->certain && audit->why_uncertain != NULL) {
        cli_printf(page->out, CLI_WARN, all == 0 ? "Nothing found, but that is uncertain: " : "\nThere may be more: ");
        cli_put(page->out, CLI_WARN, audit->why_uncertain);
        cli_printf(page->out, CLI_WARN, ".\n");
    }
    plain_cycles(page);
    return NULL;
}

int cmd_cycles(int argc, char **argv)
{
    struct cli_common common;
    struct cli_operands operands;
    int code = cli_parse(&cli_command_cycles, argc, argv, NULL, &common, &operands);
    if (code >= 0)
        return code;
    if (common.format == CLI_FORMAT_CSV || common.format == CLI_FORMAT_TSV)
        return cli_usage(&cli_command_cycles, "cycles are text or json; csv and tsv are for tables");
    struct cli_session session;
    code = cli_session_open(&session, &common, operands.items[0], CLI_PART_VIEW);
    if (code < 0) {
        struct cli_out out;
        cli_out_open(&out, &common);
        if (common.format == CLI_FORMAT_JSON) {
            char *text = NULL;
            struct prof_error *error = prof_json_cycles(session.view, &text);
            code = cli_json(&out, error, text);
        } else {
            bool whole = common.top == CLI_TOP_DEFAULT || common.top == 0;
            struct page page = { &session, &out, common.verbose, whole ? UINT64_MAX : common.top };
            text_malloc_note(&session, &out);
            text_head(&session, &out);
            struct prof_error *error = parts(&page);
            text_memory_not_read(&session, &out, "\n");
            code = error != NULL ? cli_error(error) : -1;
        }
        int closed = cli_out_close(&out);
        code = code >= 0 ? code : closed;
    }
    cli_session_close(&session);
    return code;
}
