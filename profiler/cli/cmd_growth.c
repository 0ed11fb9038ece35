/* cmd_growth.c: `reftrack growth`: what is more than it ever was before, what is new, and which references hold it. */
#include "cli.h"

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
        size_t top = common->top != CLI_TOP_DEFAULT ? (size_t)common->top : TOP;
        struct prof_error *error = prof_text_growth(cli_text(session, &out), growth, top);
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
