/* cmd_mark.c: `reftrack mark`: puts a named moment into the trace of a program that is being recorded. */
#include "ask_say.h"
#include "cli.h"

#include <string.h>

struct mark_args {
    bool all;
};

static const struct cli_option options[] = {
    { .name = "all",
      .letter = 'a',
      .kind = CLI_FLAG,
      .offset = offsetof(struct mark_args, all),
      .help = "every process that is recorded for this user" },
    { 0 },
};

static const char *const examples[] = {
    "reftrack mark 4711 warm",
    "Now process 4711 has settled; 'reftrack report --pid 4711 --from warm' asks what came since.",
    "reftrack mark --all release",
    "The same moment in every trace that is being recorded.",
    NULL,
};

const struct cli_command cli_command_mark = {
    .name = "mark",
    .main = cmd_mark,
    .synopsis = "PID NAME | --all NAME",
    .summary = "put a named moment into the trace of a running program",
    .about = "The program is not touched: its recorder writes the mark, in order with the program's events to the "
             "resolution of its clock. 'reftrack marks' lists marks; --from and --to of the reports take their names.",
    .examples = examples,
    .options = options,
    .operands_min = 1,
    .operands_max = 2,
    .operand_hint = CLI_HINT_PID,
};

static bool is_good_name(const char *name)
{
    return name[0] != '\0' && strlen(name) < ASK_NAME_MAX;
}

int cmd_mark(int argc, char **argv)
{
    struct mark_args args = { 0 };
    struct cli_common common;
    struct cli_operands operands;
    uint64_t pid = 0;
    int code = cli_parse(&cli_command_mark, argc, argv, &args, &common, &operands);
    if (code >= 0)
        return code;
    if (operands.count != (args.all ? 1u : 2u))
        return cli_usage(&cli_command_mark, args.all ? "--all takes a NAME and no PID" : "a PID and a NAME are wanted");
    const char *name = operands.items[operands.count - 1];
    if (!is_good_name(name))
        return cli_usage(&cli_command_mark, "a mark's name has 1 to %d bytes", ASK_NAME_MAX - 1);
    const struct cli_ask ask = { &cli_command_mark, ASK_MARK, name, "marked" };
    if (args.all)
        return cli_ask_all(&ask, &common);
    if (!cli_parse_number(operands.items[0], &pid))
        return cli_usage(&cli_command_mark, "'%s' is not a process id", operands.items[0]);
    struct ask_reply reply;
    return cli_ask_one(&ask, pid, &reply);
}
