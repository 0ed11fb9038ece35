/* cmd_report.c: the one-page story of a trace. */
#include "findings_text.h"

static const char *const examples[] = {
    "reftrack report",
    "The newest trace of this folder.",
    "reftrack report --pid 4711",
    "A program that is still running.",
    "reftrack report --from warm app.4711.trk",
    "Only what was born after the mark 'warm'.",
    NULL,
};

const struct cli_command cli_command_report = {
    .name = "report",
    .main = cmd_report,
    .synopsis = "[TRACE]",
    .summary = "the one-page story: findings, memory, types, and how far to believe it",
    .about =
        "First the memory of the process and what it is made of; then the findings, each beginning with one of the "
        "words lost, held or growing; then what was folded away, the largest types, and the audit. In the "
        "evidence, = marks what is certain and ~ what was learned from the other objects.\n\n"
        "With --plain only the findings are printed, one per line, as 'reftrack leaks --plain' does.\n\n"
        "The exit status is 0 whatever was found; 'reftrack check' is for gating.",
    .examples = examples,
    .groups = CLI_GROUP_FORMAT | CLI_GROUP_TRACE | CLI_GROUP_WINDOW | CLI_GROUP_GATE | CLI_GROUP_PID | CLI_GROUP_TOP |
              CLI_GROUP_SIBLINGS,
    .operands_max = 1,
    .operand_hint = CLI_HINT_TRACE,
};

static int types_section(struct cli_session *session, const struct cli_common *common, struct cli_out *out)
{
    const struct prof_table *table;
    struct prof_query query = { .where = "live>0", .top = common->verbose ? 0 : 5 };
    struct prof_error *error = prof_view_table(session->view, PROF_TABLE_TYPES, &query, &table);
    if (error != NULL)
        return cli_error(error);
    if (table->total_rows == 0)
        return -1;
    struct cli_common plain = *common;
    plain.verbose = false;
    plain.quiet = true;
    fputs(session->from_us != 0 ? "\nSince the beginning:\n" : "\n", out->file);
    int code = cli_table(session, &plain, out, "types", table);
    if (code < 0 && table->total_rows > table->row_count)
        cli_printf(out, CLI_FAINT, "%llu more: reftrack types %s\n",
                   (unsigned long long)(table->total_rows - table->row_count), session->name);
    return code;
}

/* How many findings are listed, and the first of them. */
static size_t listed(const struct cli_session *session, const struct prof_finding **ret_first)
{
    const struct prof_finding *list;
    size_t count = prof_findings_list(session->findings, &list), n = 0;
    for (size_t i = 0; i < count; i++) {
        if (!prof_finding_is_listed(&list[i]))
            continue;
        if (n++ == 0)
            *ret_first = &list[i];
    }
    return n;
}

static void next_steps(struct cli_session *session, struct cli_out *out, const struct prof_finding *first)
{
    const char *name = session->name;
    fputs("\nLook closer:  ", out->file);
    if (first != NULL && first->sample_count != 0)
        cli_printf(out, CLI_HEAD, "reftrack show %s @leak:%u    reftrack leaks -v %s", name, first->id, name);
    else if (first != NULL)
        cli_printf(out, CLI_HEAD, "reftrack leaks -v %s    reftrack sites %s", name, name);
    else if (prof_heap_totals(session->heap)->by_op[TRK_OP_NEW] == 0)
        cli_printf(out, CLI_HEAD, "reftrack sites %s    reftrack blocks %s", name, name);
    else if (session->running)
        cli_printf(out, CLI_HEAD, "reftrack report --pid %u    reftrack sites %s", session->info->pid, name);
    else
        cli_printf(out, CLI_HEAD, "reftrack types %s    reftrack sites %s", name, name);
    fputc('\n', out->file);
}

static int story(struct cli_session *session, const struct cli_common *common, struct cli_out *out)
{
    const struct prof_finding *list, *first = NULL;
    size_t count = prof_findings_list(session->findings, &list);
    uint64_t top = common->top == CLI_TOP_DEFAULT ? 10 : common->top == 0 ? UINT64_MAX : common->top;
    text_malloc_note(session, out);
    text_bytes(session, out, common->verbose);
    text_head(session, out);
    fputc('\n', out->file);
    size_t n = listed(session, &first);
    uint64_t shown = 0;
    if (n == 0)
        text_clean(session, out);
    for (size_t i = 0; i < count && shown < top; i++) {
        if (!prof_finding_is_listed(&list[i]))
            continue;
        if (shown++ != 0)
            fputc('\n', out->file);
        prof_text_finding(cli_text(session, out), &list[i], common->verbose);
    }
    if (n > shown)
        cli_printf(out, CLI_HEAD, "\n%zu more findings; --top 0 shows all\n", n - (size_t)shown);
    if (n != 0) {
        text_not_compared(session, out);
        text_rise(session, out, "\n");
    }
    text_folded(session, out, common->verbose ? 20 : 5);
    text_on_purpose(session, out, common->verbose ? 20 : 5);
    int code = types_section(session, common, out);
    if (code >= 0)
        return code;
    fputc('\n', out->file);
    text_suppressions(session, out);
    text_audit(session, out);
    const struct prof_audit *audit = prof_findings_audit(session->findings);
    if (n != 0 && !session->running && !audit->certain && audit->why_uncertain != NULL) {
        cli_printf(out, CLI_WARN, "There may be more: ");
        cli_put(out, CLI_WARN, audit->why_uncertain);
        cli_printf(out, CLI_WARN, ".\n");
    }
    if (!common->quiet)
        next_steps(session, out, first);
    return -1;
}

int cmd_report(int argc, char **argv)
{
    struct cli_common common;
    struct cli_operands operands;
    int code = cli_parse(&cli_command_report, argc, argv, NULL, &common, &operands);
    if (code >= 0)
        return code;
    if (common.format == CLI_FORMAT_CSV || common.format == CLI_FORMAT_TSV)
        return cli_usage(&cli_command_report, "a report is text or json; csv and tsv are for tables");
    struct cli_session session;
    code =
        cli_session_open(&session, &common, operands.items[0], CLI_PART_VIEW | (common.plain ? 0u : CLI_PART_SIBLINGS));
    if (code < 0) {
        struct cli_out out;
        cli_out_open(&out, &common);
        if (common.format == CLI_FORMAT_JSON) {
            char *text = NULL;
            struct prof_error *error = prof_json_leaks(session.view, &text);
            code = cli_json(&out, error, text);
        } else if (common.plain) {
            text_plain_findings(&session, &out, false,
                                common.top == CLI_TOP_DEFAULT || common.top == 0 ? UINT64_MAX : common.top);
        } else {
            code = story(&session, &common, &out);
        }
        int closed = cli_out_close(&out);
        code = code >= 0 ? code : closed;
    }
    cli_session_close(&session);
    return code;
}
