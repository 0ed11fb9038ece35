/* cmd_why.c: why an object or block is alive: the shortest way from each kind of root, references without an owner, or
 * the cycle that it hangs on. */
#include "graph_text.h"

struct why_args {
    uint64_t top;
};

static const struct cli_option options[] = {
    CLI_OPTION_TOP(why_args, "of longer paths only N links, the middle left out (16)"), { 0 }
};

static const char *const examples[] = {
    "reftrack why app.trk 'struct conn#12'",
    "One path from each kind of root that leads to it.",
    "reftrack why @leak:1",
    "What keeps the example of the first finding, or the cycle it hangs on.",
    NULL,
};

const struct cli_command cli_command_why = {
    .name = "why",
    .main = cmd_why,
    .synopsis = "[TRACE] OBJECT",
    .summary = "why an object or block is alive: the shortest path from each kind of root",
    .about = "OBJECT is written as for 'reftrack show'. Paths follow what keeps alive: counted references to objects, "
             "any pointer to plain blocks. References that the program told without an owner are a way of their own, "
             "with the stacks that took them. Of each kind the shortest path is shown, and how many other references "
             "lead to "
             "it besides. When nothing leads to it, the cycle is shown that it belongs to or hangs "
             "on.",
    .examples = examples,
    .options = options,
    .groups = CLI_GROUP_FORMAT | CLI_GROUP_TRACE | CLI_GROUP_MOMENT | CLI_GROUP_PID,
    CLI_OPERANDS_OBJECT,
};

int cmd_why(int argc, char **argv)
{
    enum { MOST = 10000 };
    struct why_args args = { .top = 16 };
    struct cli_common common;
    struct cli_operands operands;
    struct cli_session session;
    prof_node node;
    int code = cli_parse(&cli_command_why, argc, argv, &args, &common, &operands);
    if (code >= 0)
        return code;
    if (args.top < 4 || args.top > MOST)
        return cli_usage(&cli_command_why, "--top is a number from 4 to %d here", (int)MOST);
    code = graph_begin(&cli_command_why, &common, &operands, &session, &node);
    if (code < 0) {
        struct cli_out out;
        cli_out_open(&out, &common);
        if (common.format == CLI_FORMAT_JSON) {
            char *text = NULL;
            struct prof_error *error = prof_json_why(session.view, session.graph, node, (size_t)args.top, &text);
            code = cli_json(&out, error, text);
        } else {
            struct prof_error *error = prof_text_why(cli_text(&session, &out), node, (size_t)args.top);
            if (error == NULL)
                graph_notes(&session, &common, &out, node);
            code = error != NULL ? cli_error(error) : -1;
        }
        int closed = cli_out_close(&out);
        code = code >= 0 ? code : closed;
    }
    cli_session_close(&session);
    return code;
}
