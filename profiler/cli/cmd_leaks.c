/* cmd_leaks.c: the findings with their evidence, and nothing else. */
#include "findings_text.h"
#include "lsan_text.h"

#include <stdlib.h>
#include <string.h>

struct leaks_args {
    int style;
    bool gen_suppressions;
    bool all;
};
enum { STYLE_REFTRACK = 0, STYLE_LSAN };

static const struct cli_option options[] = {
    { .name = "style",
      .kind = CLI_CHOICE,
      .offset = offsetof(struct leaks_args, style),
      .argument = "STYLE",
      .choices = "reftrack|lsan",
      .help = "shape of the text: our own, or the lines of LeakSanitizer that editors and scripts already parse" },
    { .name = "gen-suppressions",
      .kind = CLI_FLAG,
      .offset = offsetof(struct leaks_args, gen_suppressions),
      .help = "print a suppression for each finding instead of the finding" },
    { .name = "all",
      .letter = 'a',
      .kind = CLI_FLAG,
      .offset = offsetof(struct leaks_args, all),
      .help =
          "also what is folded away otherwise: suppressed, held by globals, plain blocks; each kind by itself, with "
          "the reason it may stay" },
    { 0 }
};

static const char *const examples[] = {
    "reftrack leaks app.4711.trk",
    "What was lost, held, growing or released too often, and the release that is missing.",
    "reftrack leaks --gen-suppressions >known.supp",
    "Suppressions for everything found, to be used with --suppressions.",
    "reftrack leaks --json | jq '.findings[].headline'",
    "For scripts; the keys are stable.",
    NULL,
};

const struct cli_command cli_command_leaks = {
    .name = "leaks",
    .main = cmd_leaks,
    .synopsis = "[TRACE]",
    .summary = "the findings with their evidence",
    .about =
        "Each finding says what was lost, is held, keeps growing or was released too often, what to do first, and "
        "why: where the references were taken, where they were given back, and which release is missing; of what "
        "grows, by how much and who holds it. = marks what is certain and ~ what was learned from objects that were "
        "freed, or counted from mark to mark. A finding is one line of the program. Its number is its name for other "
        "commands, @leak:N, and the same whatever is suppressed, in a baseline or in --fail-on; what only --all lists "
        "has the last numbers. 'reftrack help leaks' explains the verdicts.",
    .examples = examples,
    .options = options,
    .groups = CLI_GROUP_FORMAT | CLI_GROUP_TRACE | CLI_GROUP_WINDOW | CLI_GROUP_GATE | CLI_GROUP_PID | CLI_GROUP_TOP |
              CLI_GROUP_SIBLINGS,
    .operands_max = 1,
    .operand_hint = CLI_HINT_TRACE,
};

/* Findings that differ only in their line have one suppression. */
static bool said_before(const struct prof_finding *list, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (list[i].suppressed_by == NULL && strcmp(list[i].fingerprint, list[at].fingerprint) == 0)
            return true;
    return false;
}

static void suppressions(struct cli_session *session, struct cli_out *out, const struct leaks_args *args)
{
    const struct prof_finding *list;
    size_t count = prof_findings_list(session->findings, &list);
    for (size_t i = 0; i < count; i++) {
        if (list[i].suppressed_by != NULL || (!args->all && prof_finding_is_folded(&list[i])) || said_before(list, i))
            continue;
        char *text = prof_suppression_for(session->findings, &list[i]);
        if (text == NULL)
            continue;
        /* line by line: the text is ours, the names in it are not */
        for (char *line = text; *line != '\0';) {
            char *end = line;
            while (*end != '\0' && *end != '\n')
                end++;
            char last = *end;
            *end = '\0';
            cli_put(out, CLI_PLAIN, line);
            fputc('\n', out->file);
            line = end + (last != '\0');
        }
        free(text);
    }
}

static void findings(struct cli_session *session, const struct cli_common *common, const struct leaks_args *args,
                     struct cli_out *out)
{
    const struct prof_finding *list;
    size_t count = prof_findings_list(session->findings, &list), shown = 0, listed = 0;
    const struct prof_finding *first = NULL; /* with an object that can be shown */
    uint64_t top = common->top == CLI_TOP_DEFAULT || common->top == 0 ? UINT64_MAX : common->top;
    for (size_t i = 0; i < count; i++)
        listed += args->all || prof_finding_is_listed(&list[i]);
    text_malloc_note(session, out);
    fprintf(out->file, "%zu finding%s in ", listed, listed == 1 ? "" : "s");
    text_head(session, out);
    for (size_t i = 0; i < count && shown < top; i++) {
        if (!args->all && !prof_finding_is_listed(&list[i]))
            continue;
        shown++;
        if (first == NULL && list[i].sample_count != 0 && !list[i].total)
            first = &list[i];
        fputc('\n', out->file);
        prof_text_finding(cli_text(session, out), &list[i], common->verbose);
        if (list[i].suppressed_by != NULL) {
            cli_printf(out, CLI_FAINT, "     suppressed by ");
            cli_put(out, CLI_FAINT, list[i].suppressed_by);
            fputc('\n', out->file);
        }
    }
    if (shown < listed)
        cli_printf(out, CLI_HEAD, "\n%zu more; --top 0 shows all\n", listed - shown);
    if (listed == 0) {
        text_clean(session, out);
    } else {
        text_not_compared(session, out);
        text_rise(session, out, "\n");
    }
    if (common->verbose)
        text_on_purpose(session, out, SIZE_MAX);
    text_suppressions(session, out);
    text_nameless(session, out);
    text_memory_not_read(session, out, "\n");
    const struct prof_audit *audit = prof_findings_audit(session->findings);
    if (listed != 0 && !audit->certain && audit->why_uncertain != NULL) {
        cli_printf(out, CLI_WARN, "\nThere may be more: ");
        cli_put(out, CLI_WARN, audit->why_uncertain);
        cli_printf(out, CLI_WARN, ".\n");
    }
    if (first != NULL && !common->quiet)
        cli_printf(out, CLI_HEAD, "\nLook closer:  reftrack show %s @leak:%u\n", session->name, first->id);
    else if (listed != 0 && !common->quiet)
        cli_printf(out, CLI_HEAD, "\nLook closer:  reftrack blocks %s\n", session->name);
}

int cmd_leaks(int argc, char **argv)
{
    struct leaks_args args = { 0 };
    struct cli_common common;
    struct cli_operands operands;
    int code = cli_parse(&cli_command_leaks, argc, argv, &args, &common, &operands);
    if (code >= 0)
        return code;
    if (common.format == CLI_FORMAT_CSV || common.format == CLI_FORMAT_TSV)
        return cli_usage(&cli_command_leaks, "findings are text or json; csv and tsv are for tables");
    struct cli_session session;
    bool kinds = args.all || args.style == STYLE_LSAN;
    bool lives = args.style == STYLE_REFTRACK && !args.gen_suppressions && !common.plain;
    code = cli_session_open(&session, &common, operands.items[0],
                            CLI_PART_VIEW | (kinds ? CLI_PART_ALL_KINDS : 0u) | (lives ? CLI_PART_SIBLINGS : 0u));
    if (code < 0) {
        struct cli_out out;
        cli_out_open(&out, &common);
        if (common.format == CLI_FORMAT_JSON) {
            char *text = NULL;
            struct prof_error *error = prof_json_leaks(session.view, &text);
            code = cli_json(&out, error, text);
        } else if (args.gen_suppressions) {
            suppressions(&session, &out, &args);
        } else if (args.style == STYLE_LSAN) {
            lsan_text(&session, &out, args.all);
        } else if (common.plain) {
            text_plain_findings(&session, &out, args.all,
                                common.top == CLI_TOP_DEFAULT || common.top == 0 ? UINT64_MAX : common.top);
        } else {
            findings(&session, &common, &args, &out);
        }
        int closed = cli_out_close(&out);
        code = code >= 0 ? code : closed;
    }
    cli_session_close(&session);
    return code;
}
