/* cmd_mark.c: `reftrack mark`: puts a named moment into the trace of a program that is being recorded. */
#include "cli.h"

#include <errno.h>
#include <signal.h>
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

static int mark_all(const char *name, const struct cli_common *common)
{
    struct ask_reply reply;
    size_t count = ask_all(ASK_MARK, name, &reply);
    if (reply.status != 0)
        cli_warn("%s", reply.text[0] != '\0' ? reply.text : strerror(reply.status));
    if (count == 0)
        cli_warn("nothing is being recorded; 'reftrack run -- PROGRAM' records a program");
    else if (!common->quiet)
        cli_warn("marked %zu process%s", count, count == 1 ? "" : "es");
    return count != 0 && reply.status == 0 ? CLI_OK : CLI_UNREADABLE;
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
    if (args.all)
        return mark_all(name, &common);
    if (!cli_parse_number(operands.items[0], &pid) || pid == 0 || pid > INT32_MAX)
        return cli_usage(&cli_command_mark, "'%s' is not a process id", operands.items[0]);
    struct ask_reply reply;
    if (!ask_process(ASK_MARK, (pid_t)pid, name, &reply)) {
        cli_not_recorded(pid);
        return CLI_UNREADABLE;
    }
    if (reply.status != 0) {
        cli_warn("process %llu was not marked: %s", (unsigned long long)pid,
                 reply.text[0] != '\0' ? reply.text : strerror(reply.status));
        return CLI_UNREADABLE;
    }
    return CLI_OK;
}
