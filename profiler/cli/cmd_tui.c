/* cmd_tui.c: the viewer, with a trace or a program that is being recorded. */
#include "cli.h"

#include "viewer.h"

static const char *const examples[] = {
    "reftrack tui",
    "Browse the newest trace of this folder.",
    "reftrack tui --pid 4711",
    "Watch a program that is being recorded; it is not touched.",
    NULL,
};

const struct cli_command cli_command_tui = {
    .name = "tui",
    .main = cmd_tui,
    .synopsis = "[TRACE]",
    .summary = "browse a trace, or a program that is being recorded, in the terminal",
    .about = "An overview, types, objects, who holds whom, cycles, leaks with their evidence, sites, marks, what "
             "grows; at any moment "
             "of the trace. '?' lists the keys. Lines of a script: key NAME ..., type TEXT, do COMMAND, click "
             "COLUMN,ROW (also double-click, wheel-up, wheel-down), resize COLUMNSxROWS, show, roles.",
    .options = viewer_options,
    .examples = examples,
    .groups = CLI_GROUP_TRACE | CLI_GROUP_PID,
    .operands_max = 1,
    .operand_hint = CLI_HINT_TRACE,
};

int cmd_tui(int argc, char **argv)
{
    struct viewer_args args = { .ascii = false };
    struct cli_common common;
    struct cli_operands operands;
    int code = cli_parse(&cli_command_tui, argc, argv, &args, &common, &operands);
    return code >= 0 ? code : viewer_of_session(&cli_command_tui, &common, &args, operands.items[0]);
}
