/* cmd_explain.c: `reftrack explain`: the whole argument behind a finding. */
#include "balance_text.h"
#include "coverage_text.h"
#include "findings_text.h"

#include <string.h>

#include <prof/argument.h>

static const char *const examples[] = {
    "reftrack explain app.trk @leak:1",
    "Why the first finding is one, and how to be sure.",
    "reftrack explain 2 --json",
    "The second of the newest trace, for a script.",
    NULL,
};

const struct cli_command cli_command_explain = {
    .name = "explain",
    .main = cmd_explain,
    .synopsis = "[TRACE] FINDING",
    .summary = "the whole argument behind one finding",
    .about =
        "FINDING is @leak:3, or its number. What 'reftrack leaks -v' says of it; the life of an example, each release "
        "with the taking that it gives back (= certain, ~ learned from siblings, ? a hint), and where it parted from "
        "its siblings; the call paths where its objects are out of balance, which needs no pairing; how sure that is, "
        "and the one line that would make it surer; how to look at the same objects again.",
    .examples = examples,
    .groups =
        CLI_GROUP_FORMAT | CLI_GROUP_TRACE | CLI_GROUP_WINDOW | CLI_GROUP_GATE | CLI_GROUP_PID | CLI_GROUP_SIBLINGS,
    .operands_min = 1,
    .operands_max = 2,
    .operand_hint = CLI_HINT_TRACE,
};

/* "@leak:3", "3". NULL after it printed what is wrong. */
static const struct prof_finding *find(const struct cli_session *session, const char *spec)
{
    const struct prof_finding *list;
    size_t count = prof_findings_list(session->findings, &list);
    uint64_t number;
    if (!cli_parse_number(strncmp(spec, "@leak:", 6) == 0 ? spec + 6 : spec, &number)) {
        cli_warn("'%s' is not a finding; write @leak:3, 'reftrack leaks' lists them", spec);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        if (list[i].id == number && !list[i].total)
            return &list[i];
    cli_warn("there is no finding %s; 'reftrack leaks' lists them", spec);
    return NULL;
}

static void head(struct cli_out *out, const char *text)
{
    cli_printf(out, CLI_HEAD, "\n%s\n", text);
}

static void how_sure(struct cli_session *session, struct cli_out *out, const struct prof_finding *finding)
{
    const struct prof_audit *audit = prof_findings_audit(session->findings);
    uint64_t certain = 0, told = 0, guessed = 0;
    char a[32], b[32];
    for (size_t i = 0; i < finding->open_count; i++)
        *(finding->open[i].pairing == PROF_PAIR_SLOT   ? &certain
          : finding->open[i].pairing == PROF_PAIR_TOLD ? &told
                                                       : &guessed) += finding->open[i].count;
    head(out, "How sure that is");
    fprintf(out->file, "  %s", prof_strength_name(finding->strength));
    if (finding->reasons != NULL && finding->reasons[0] != '\0') {
        fputs(": ", out->file);
        cli_put(out, CLI_PLAIN, finding->reasons);
    }
    fputc('\n', out->file);
    if (told != 0)
        fprintf(out->file, "  of %s, the variable that the program named perhaps gave it on untold (~)\n",
                prof_fmt_count(a, sizeof a, told));
    if (certain + guessed != 0)
        fprintf(out->file, "  of the open references, %s %s a variable that the program named (=), %s %s not (~)\n",
                prof_fmt_count(a, sizeof a, certain), certain == 1 ? "has" : "have",
                prof_fmt_count(b, sizeof b, guessed), guessed == 1 ? "does" : "do");
    if (finding->healthy_of != 0)
        fprintf(out->file, "  the missing release was made for %s of %s healthy objects\n",
                prof_fmt_count(a, sizeof a, finding->healthy_named), prof_fmt_count(b, sizeof b, finding->healthy_of));
    if (!audit->certain) {
        fputs("  the record is incomplete: ", out->file);
        cli_put(out, CLI_PLAIN, audit->why_uncertain);
        fputc('\n', out->file);
    }
}

static void surer(struct cli_session *session, struct cli_out *out, const struct prof_coverage_step *step)
{
    if (step == NULL)
        return;
    head(out, "What would make it surer");
    if (step->wrapper != NULL)
        text_declare(out, step->wrapper);
    else
        text_annotation(session, out, step->take, step->take->birth ? PROF_ANNOTATE_BIRTH : PROF_ANNOTATE_TAKE);
}

static void again(struct cli_out *out, const struct prof_narrow *narrow)
{
    head(out, "To look at the same objects again");
    fputs("  ", out->file);
    cli_put(out, CLI_PLACE, narrow->command);
    fputc('\n', out->file);
    if (narrow->gdb != NULL) {
        fputs("  ", out->file);
        cli_put(out, CLI_PLACE, narrow->gdb);
        fputc('\n', out->file);
    }
}

static int explain_text(struct cli_session *session, struct cli_out *out, const struct prof_argument *argument)
{
    enum { LIFE_LINES = 40 };
    const struct text_balance how = { .prune = 5 };
    const struct prof_finding *finding = argument->finding;
    prof_text_finding(cli_text(session, out), finding, true);
    if (argument->life != NULL) {
        char name[600];
        snprintf(name, sizeof name, "The life of %s#%u", argument->life->type, argument->life->serial);
        fputc('\n', out->file);
        cli_put(out, CLI_HEAD, name);
        prof_text_life(cli_text(session, out), argument->life, prof_ledgers_parting(session->ledgers, finding),
                       LIFE_LINES);
    }
    if (argument->balance != NULL) {
        head(out, "By call path");
        if (!text_balance_tree(out, &how, argument->balance))
            return cli_error(prof_error_memory());
        text_balance_conclusion(out, &how, argument->balance);
    }
    how_sure(session, out, finding);
    surer(session, out, argument->annotate);
    if (argument->narrow != NULL)
        again(out, argument->narrow);
    fputc('\n', out->file);
    text_audit(session, out);
    return -1;
}

/* The parts that only objects have, when some of the finding's are alive. */
static struct prof_error *gather(struct cli_session *session, struct prof_argument *argument,
                                 struct prof_coverage **coverage, struct prof_balance **balance,
                                 struct prof_narrow *narrow)
{
    enum { OBJECTS = 8 };
    struct prof_selection selection;
    char spec[32];
    const struct prof_finding *finding = argument->finding;
    const struct prof_parting *parting =
        session->ledgers != NULL ? prof_ledgers_parting(session->ledgers, finding) : NULL;
    argument->life = parting != NULL ? parting->example : NULL;
    if (finding->plain || finding->sample_count == 0 || finding->headline == PROF_HEADLINE_MISUSED)
        return NULL;
    snprintf(spec, sizeof spec, "@leak:%u", finding->id);
    struct prof_error *error = prof_coverage_create(session->heap, session->symbols, session->findings, coverage);
    if (error != NULL)
        return error;
    argument->annotate = prof_view_deciding(session->view, *coverage, finding);
    error = prof_view_select(session->view, spec, false, &selection);
    if (error != NULL) { /* none of them is alive: there is nothing to weigh or to record */
        prof_error_destroy(error);
        return NULL;
    }
    error = prof_balance_create(session->heap, session->symbols, selection.type, prof_selection_has, &selection, NULL,
                                balance);
    if (error == NULL)
        error = prof_view_narrow(&selection, OBJECTS, narrow);
    argument->balance = *balance != NULL && prof_balance_freed(*balance) != 0 ? *balance : NULL;
    argument->narrow = error == NULL ? narrow : NULL;
    return error;
}

int cmd_explain(int argc, char **argv)
{
    struct cli_common common;
    struct cli_operands operands;
    struct cli_session session;
    int code = cli_parse(&cli_command_explain, argc, argv, NULL, &common, &operands);
    if (code >= 0)
        return code;
    const char *spec = operands.items[operands.count - 1], *path = operands.count > 1 ? operands.items[0] : NULL;
    if (operands.count == 1 && cli_is_trace(spec))
        return cli_usage(&cli_command_explain, "FINDING is missing behind '%s': name one such as @leak:1", spec);
    if (common.format == CLI_FORMAT_CSV || common.format == CLI_FORMAT_TSV)
        return cli_usage(&cli_command_explain, "an argument is text or json; csv and tsv are for tables");
    code = cli_session_open(&session, &common, path, CLI_PART_VIEW | CLI_PART_PAST | CLI_PART_SIBLINGS);
    if (code < 0) {
        struct prof_argument argument = { .finding = find(&session, spec) };
        struct prof_coverage *coverage = NULL;
        struct prof_balance *balance = NULL;
        struct prof_narrow narrow;
        struct prof_error *error =
            argument.finding != NULL ? gather(&session, &argument, &coverage, &balance, &narrow) : NULL;
        if (argument.finding == NULL) {
            code = CLI_USAGE;
        } else if (error != NULL) {
            code = cli_error(error);
        } else {
            struct cli_out out;
            cli_say_state(&session, &common);
            cli_out_open(&out, &common);
            if (common.format == CLI_FORMAT_JSON) {
                char *text = NULL;
                error = prof_json_argument(session.view, &argument, &text);
                code = cli_json(&out, error, text);
            } else {
                code = explain_text(&session, &out, &argument);
            }
            int closed = cli_out_close(&out);
            code = code >= 0 ? code : closed;
        }
        prof_balance_destroy(balance);
        prof_coverage_destroy(coverage);
    }
    cli_session_close(&session);
    return code;
}
