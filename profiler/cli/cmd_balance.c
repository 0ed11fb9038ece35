/* cmd_balance.c: `reftrack balance`: by call path, what leaked objects took and gave back, less what freed ones did. */
#include "balance_text.h"

#include <prof/selection.h>

struct balance_args {
    struct text_balance how;
    bool reverse;
    struct cli_list exclude;
};

static const struct cli_option options[] = {
    { .name = "by",
      .kind = CLI_CHOICE,
      .offset = offsetof(struct balance_args, how.by),
      .argument = "WHAT",
      .choices = "function|line|file|module",
      .help = "what makes one step of a call path (function); with line, calls from different lines are apart" },
    { .name = "reverse",
      .kind = CLI_FLAG,
      .offset = offsetof(struct balance_args, reverse),
      .help = "begin at the lines that take and give back, and go outwards to their callers" },
    { .name = "exclude",
      .kind = CLI_LIST,
      .offset = offsetof(struct balance_args, exclude),
      .argument = "GLOB",
      .help = "leave out all stacks with such a function: what you have understood already; may be repeated" },
    { .name = "prune",
      .kind = CLI_NUMBER,
      .offset = offsetof(struct balance_args, how.prune),
      .argument = "N",
      .help = "leave out paths whose difference is below N percent of the whole (5)" },
    { .name = "depth",
      .kind = CLI_NUMBER,
      .offset = offsetof(struct balance_args, how.depth),
      .argument = "N",
      .help = "only the first N steps of each path; 0 for all (0)" },
    { .name = "all",
      .kind = CLI_FLAG,
      .offset = offsetof(struct balance_args, how.all),
      .help = "balanced paths, too" },
    { 0 }
};

static const char *const examples[] = {
    "reftrack balance app.trk @leak:1",
    "The objects of the first finding against those of their type that were freed.",
    "reftrack balance 'struct conn#12' --reverse",
    "One object, from the lines outwards.",
    "reftrack balance 'struct conn' --exclude 'cache_*' --by line",
    "Without what goes through the cache, lines apart.",
    NULL,
};

const struct cli_command cli_command_balance = {
    .name = "balance",
    .main = cmd_balance,
    .synopsis = "[TRACE] TYPE|OBJECT",
    .summary = "by call path: what leaked objects took and gave back, less what freed ones did",
    .about =
        "TYPE compares the objects of a type that findings speak of (all that are alive, when none do) with those "
        "that were freed; OBJECT is written as for 'reftrack show', and @leak:3 means all objects of that finding. "
        "Each number is a mean per object: references taken (the birth, too) less references given back on all "
        "paths through a step. DIFF is LEAKED less FREED. A function where DIFF rises, and which no single callee "
        "explains, owns the bug; the lines below it are those that take (+) and give back (-). Nothing is guessed, "
        "and no line is paired with another: this is what to look at where 'reftrack leaks' cannot tell. References "
        "that were paired by their owner are 0 and left out. Counted from the beginning, up to --to.",
    .examples = examples,
    .options = options,
    .groups = CLI_GROUP_FORMAT | CLI_GROUP_TRACE | CLI_GROUP_WINDOW | CLI_GROUP_PID,
    .operands_min = 1,
    .operands_max = 2,
    .operand_hint = CLI_HINT_TRACE,
};

static int balance_text(struct cli_out *out, const struct balance_args *args, const struct prof_selection *selection,
                        const struct prof_balance *balance)
{
    char text[600], freed[32];
    struct prof_selection counted = *selection;
    counted.count = prof_balance_objects(balance);
    cli_put(out, CLI_HEAD, prof_selection_text(&counted, text, sizeof text));
    fprintf(out->file, "%s, compared with %s that %s freed\n", selection->all ? " (all that are alive)" : "",
            prof_fmt_count(freed, sizeof freed, prof_balance_freed(balance)),
            prof_balance_freed(balance) == 1 ? "was" : "were");
    if (prof_balance_skewed(balance) != 0)
        fprintf(out->file, "%s more were not seen being born and are left out\n",
                prof_fmt_count(freed, sizeof freed, prof_balance_skewed(balance)));
    if (prof_balance_excluded(balance) != 0)
        fprintf(out->file, "%s events left out by --exclude\n",
                prof_fmt_count(freed, sizeof freed, prof_balance_excluded(balance)));
    fputc('\n', out->file);
    if (!text_balance_tree(out, &args->how, balance))
        return cli_error(prof_error_memory());
    text_balance_conclusion(out, &args->how, balance);
    return -1;
}

static int run(struct cli_session *session, const struct cli_common *common, const struct balance_args *args,
               const char *spec)
{
    struct prof_selection selection;
    struct prof_balance *balance = NULL;
    const char *exclude[CLI_LIST_MAX + 1] = { NULL };
    for (size_t i = 0; i < args->exclude.count; i++)
        exclude[i] = args->exclude.items[i];
    struct prof_balance_options how = { (enum prof_balance_by)args->how.by, args->reverse, exclude };
    struct prof_error *error = prof_view_select(session->view, spec, false, &selection);
    if (error == NULL)
        error = prof_balance_create(session->heap, session->symbols, selection.type, prof_selection_has, &selection,
                                    &how, &balance);
    if (error != NULL)
        return cli_error(error);
    struct cli_out out;
    int code;
    cli_say_state(session, common);
    cli_out_open(&out, common);
    if (common->format == CLI_FORMAT_JSON) {
        char *text = NULL;
        error = prof_json_balance(&selection, balance, &text);
        code = cli_json(&out, error, text);
    } else {
        code = balance_text(&out, args, &selection, balance);
    }
    int closed = cli_out_close(&out);
    prof_balance_destroy(balance);
    return code >= 0 ? code : closed;
}

int cmd_balance(int argc, char **argv)
{
    struct balance_args args = { .how = { .prune = 5 } };
    struct cli_common common;
    struct cli_operands operands;
    struct cli_session session;
    const char *path, *spec;
    int code = cli_parse(&cli_command_balance, argc, argv, &args, &common, &operands);
    if (code >= 0)
        return code;
    if (args.how.prune > 100)
        return cli_usage(&cli_command_balance, "--prune is a percentage from 0 to 100");
    if (common.from != NULL)
        return cli_usage(&cli_command_balance, "--from does not work here: the balance counts from the beginning");
    if (common.format == CLI_FORMAT_CSV || common.format == CLI_FORMAT_TSV)
        return cli_usage(&cli_command_balance, "a tree is text or json; csv and tsv are for tables");
    code = cli_operands_object(&cli_command_balance, &operands, &path, &spec);
    if (code >= 0)
        return code;
    code = cli_session_open(&session, &common, path, CLI_PART_VIEW);
    if (code < 0)
        code = run(&session, &common, &args, spec);
    cli_session_close(&session);
    return code;
}
