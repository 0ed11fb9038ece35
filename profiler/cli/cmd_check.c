/* cmd_check.c: the gate for continuous integration: quiet on success, findings on failure, fixed exit codes. */
#include "findings_text.h"

#include <stdlib.h>

static const char *const examples[] = {
    "reftrack run -o tests.trk -- ./tests && reftrack check tests.trk",
    "Fails when the tests leaked.",
    "reftrack check --baseline known.json *.trk",
    "Fails only for what is new or grew since 'reftrack leaks --json >known.json'.",
    "reftrack check --fail-on +unfreed,-cycle-held app.trk",
    "Other verdicts than the default ones.",
    NULL,
};

const struct cli_command cli_command_check = {
    .name = "check",
    .main = cmd_check,
    .synopsis = "[TRACE...]",
    .summary = "the gate for continuous integration: fails when something leaked",
    .about = "Exit status: 0 clean; 1 findings that count; 2 wrong usage, suppressions or baseline; 3 a trace that "
             "cannot be read; 4 nothing found, but the record is not complete enough to say so. Of several traces the "
             "worst decides, in the order 3, 1, 4.\n\n"
             "Findings count when their verdict is in the default set (see 'reftrack help ci') or in --fail-on, they "
             "are proven or "
             "probable, and nothing suppresses them.",
    .examples = examples,
    .groups = CLI_GROUP_FORMAT | CLI_GROUP_TRACE | CLI_GROUP_WINDOW | CLI_GROUP_GATE | CLI_GROUP_SIBLINGS,
    .operands_any = true,
    .operand_hint = CLI_HINT_TRACE,
};

static int severity(int code)
{
    static const int order[] = { CLI_OK, CLI_UNCERTAIN, CLI_FINDINGS, CLI_USAGE, CLI_UNREADABLE };
    for (int i = 0; i < (int)(sizeof order / sizeof *order); i++)
        if (order[i] == code)
            return i;
    return 0;
}

int cli_worse(int a, int b)
{
    return severity(a) >= severity(b) ? a : b;
}

int cli_verdict(const struct cli_session *session)
{
    if (prof_findings_gating(session->findings) != 0)
        return CLI_FINDINGS;
    return prof_findings_audit(session->findings)->certain ? CLI_OK : CLI_UNCERTAIN;
}

static void one_trace(struct cli_session *session, const struct cli_common *common, struct cli_out *out, int verdict)
{
    const struct prof_finding *list;
    size_t count = prof_findings_list(session->findings, &list);
    size_t gating = prof_findings_gating(session->findings), suppressed = 0;
    char events[32];
    for (size_t i = 0; i < count; i++) {
        suppressed += list[i].suppressed_by != NULL && prof_verdict_gates(list[i].verdict);
        if (list[i].gating) {
            prof_text_finding(cli_text(session, out), &list[i], common->verbose);
            fputc('\n', out->file);
        }
    }
    if (verdict == CLI_FINDINGS)
        text_suppressions(session, out);
    prof_fmt_count(events, sizeof events, prof_findings_audit(session->findings)->events);
    cli_printf(out,
               verdict == CLI_OK         ? CLI_GOOD
               : verdict == CLI_FINDINGS ? CLI_BAD
                                         : CLI_WARN,
               "%s",
               verdict == CLI_OK         ? "clean"
               : verdict == CLI_FINDINGS ? "FAILED"
                                         : "UNCERTAIN");
    fprintf(out->file, ": %s: ", session->name);
    cli_put(out, CLI_PLAIN, session->info->program);
    fprintf(out->file, ", %s events", events);
    if (gating != 0)
        fprintf(out->file, ", %zu finding%s", gating, gating == 1 ? "" : "s");
    if (suppressed != 0)
        fprintf(out->file, ", %zu suppressed", suppressed);
    const struct prof_audit *audit = prof_findings_audit(session->findings);
    if (audit->certain && text_has_no_objects(session)) {
        char text[128];
        fprintf(out->file, "; no counted objects, references say nothing; %s",
                text_unfreed(session, out, text, sizeof text));
    }
    if (!audit->certain) {
        fputs("; ", out->file);
        cli_put(out, CLI_PLAIN, audit->why_uncertain != NULL ? audit->why_uncertain : "the record is incomplete");
    }
    fputc('\n', out->file);
    if (verdict == CLI_FINDINGS && !common->quiet)
        cli_printf(out, CLI_HEAD, "Look closer:  reftrack leaks -v %s\n", session->name);
}

int cmd_check(int argc, char **argv)
{
    struct cli_common common;
    struct cli_operands operands;
    int code = cli_parse(&cli_command_check, argc, argv, NULL, &common, &operands);
    if (code >= 0)
        return code;
    if (common.format == CLI_FORMAT_CSV || common.format == CLI_FORMAT_TSV)
        return cli_usage(&cli_command_check, "findings are text or json; csv and tsv are for tables");
    size_t count = operands.count != 0 ? operands.count : 1;
    if (common.format == CLI_FORMAT_JSON && count > 1)
        return cli_usage(&cli_command_check, "--json is for one trace at a time");
    struct cli_out out;
    cli_out_init(&out, &common, stdout);
    int worst = CLI_OK;
    for (size_t i = 0; i < count; i++) {
        struct cli_session session;
        const char *path = operands.count != 0 ? operands.items[i] : NULL;
        code = cli_session_open(&session, &common, path, CLI_PART_VIEW | CLI_PART_SIBLINGS);
        if (code < 0) {
            int verdict = cli_verdict(&session);
            if (common.format == CLI_FORMAT_JSON) {
                char *text = NULL;
                struct prof_error *error = prof_json_leaks(session.view, &text);
                code = cli_json(&out, error, text);
            } else if (verdict != CLI_OK || !common.quiet) {
                one_trace(&session, &common, &out, verdict);
            }
            code = code >= 0 ? code : verdict;
        }
        cli_session_close(&session);
        worst = cli_worse(worst, code);
        if (worst == CLI_USAGE)
            break;
    }
    int closed = cli_out_close(&out);
    return closed != CLI_OK ? closed : worst;
}
