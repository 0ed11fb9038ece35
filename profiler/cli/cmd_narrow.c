/* cmd_narrow.c: `reftrack narrow`: the command that records just a few objects again, and what to tell gdb. */
#include "cli.h"

#include <prof/narrow.h>

struct narrow_args {
    uint64_t top;
};

static const struct cli_option options[] = {
    { .name = "top",
      .letter = 'n',
      .kind = CLI_NUMBER,
      .offset = offsetof(struct narrow_args, top),
      .argument = "N",
      .help = "at most N objects, those that were born first (8); 0 for as many as fit" },
    { 0 }
};

static const char *const examples[] = {
    "reftrack narrow app.trk @leak:1",
    "How to record the objects of the first finding again, and nothing else.",
    "reftrack narrow 'struct conn#12'",
    "How to stop gdb at each change of its count.",
    NULL,
};

const struct cli_command cli_command_narrow = {
    .name = "narrow",
    .main = cmd_narrow,
    .synopsis = "[TRACE] TYPE|OBJECT",
    .summary = "the command that records just these objects again, and the line for gdb",
    .about = "TYPE and OBJECT are written as for 'reftrack balance'. The command takes whole stacks of every event of "
             "these objects, and of a few that were freed for comparison, and leaves all other objects out, so it "
             "costs next to nothing however busy the program is; "
             "they keep their numbers, and every other command works on that trace. The line for gdb stops where the "
             "first of them is born and then at each change of its count. Nothing is run: copy what you want.",
    .examples = examples,
    .options = options,
    .groups = CLI_GROUP_FORMAT | CLI_GROUP_TRACE | CLI_GROUP_PID,
    .operands_min = 1,
    .operands_max = 2,
    .operand_hint = CLI_HINT_TRACE,
};

static void put_command(struct cli_out *out, const char *command)
{
    fputs("  ", out->file);
    cli_put(out, CLI_PLACE, command);
    fputc('\n', out->file);
}

static void narrow_text(const struct cli_common *common, struct cli_out *out, const struct prof_narrow *narrow)
{
    char count[32], of[32];
    fprintf(out->file, "To record %s of %s again, ", prof_fmt_count(count, sizeof count, narrow->count),
            prof_fmt_count(of, sizeof of, narrow->of));
    if (narrow->healthy != 0)
        fprintf(out->file, "and %s that %s freed to compare with, ",
                prof_fmt_count(count, sizeof count, narrow->healthy), narrow->healthy == 1 ? "was" : "were");
    fputs("with all stacks, and no other object:\n", out->file);
    put_command(out, narrow->command);
    fputs("or, when it is linked with libtrack:\n", out->file);
    put_command(out, narrow->environment);
    if (narrow->gdb != NULL) {
        fputs("To stop at each change of the count of ", out->file);
        cli_put(out, CLI_TYPE, narrow->watched);
        fputs(":\n", out->file);
        put_command(out, narrow->gdb);
    } else {
        fputs("For gdb there is no line: ", out->file);
        cli_put(out, CLI_PLAIN, narrow->gdb_why_not);
        fputs(".\n", out->file);
    }
    for (size_t i = 0; narrow->notes[i] != NULL && !common->quiet; i++) {
        cli_printf(out, CLI_FAINT, "Note: ");
        cli_put(out, CLI_FAINT, narrow->notes[i]);
        fputs(".\n", out->file);
    }
}

int cmd_narrow(int argc, char **argv)
{
    struct narrow_args args = { .top = 8 };
    struct cli_common common;
    struct cli_operands operands;
    struct cli_session session;
    const char *path, *spec;
    int code = cli_parse(&cli_command_narrow, argc, argv, &args, &common, &operands);
    if (code >= 0)
        return code;
    if (common.format == CLI_FORMAT_CSV || common.format == CLI_FORMAT_TSV)
        return cli_usage(&cli_command_narrow, "commands are text or json; csv and tsv are for tables");
    code = cli_operands_object(&cli_command_narrow, &operands, &path, &spec);
    if (code >= 0)
        return code;
    code = cli_session_open(&session, &common, path, CLI_PART_VIEW | CLI_PART_PAST);
    if (code < 0) {
        struct prof_selection selection;
        struct prof_narrow narrow;
        struct prof_error *error = prof_view_select(session.view, spec, true, &selection);
        if (error == NULL)
            error = prof_view_narrow(&selection, args.top != 0 ? (size_t)args.top : SIZE_MAX, &narrow);
        if (error != NULL) {
            code = cli_error(error);
        } else {
            struct cli_out out;
            cli_out_open(&out, &common);
            if (common.format == CLI_FORMAT_JSON) {
                char *text = NULL;
                error = prof_json_narrow(&selection, &narrow, &text);
                code = cli_json(&out, error, text);
            } else {
                narrow_text(&common, &out, &narrow);
            }
            int closed = cli_out_close(&out);
            code = code >= 0 ? code : closed;
        }
    }
    cli_session_close(&session);
    return code;
}
