/* cmd_snapshot.c: `reftrack snapshot`: saves what the rings of a flight recording hold while the program runs on. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/str.h>

struct snapshot_args {
    const char *output;
};

static const struct cli_option options[] = {
    { .name = "output",
      .letter = 'o',
      .kind = CLI_TEXT,
      .offset = offsetof(struct snapshot_args, output),
      .argument = "FILE",
      .hint = CLI_HINT_FILE,
      .help = "write it to FILE, which must not exist (a numbered name beside the trace)" },
    { 0 },
};

static const char *const examples[] = {
    "reftrack run --on-full flight -- ./server",
    "Record for as long as you like; only the newest events are kept, in memory.",
    "reftrack snapshot 4711 -o odd.trk",
    "Something odd happened: save them. The recording goes on.",
    NULL,
};

const struct cli_command cli_command_snapshot = {
    .name = "snapshot",
    .main = cmd_snapshot,
    .synopsis = "PID",
    .summary = "save what a flight recording holds now",
    .about =
        "Writes a trace with the newest events of process PID, which was started with --on-full flight, and prints "
        "its name. The program is not stopped and goes on recording. What lived before the first event that is "
        "still there is seen without its birth, and reports say how far back the snapshot reaches.",
    .examples = examples,
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .operand_hint = CLI_HINT_PID,
};

int cmd_snapshot(int argc, char **argv)
{
    struct snapshot_args args = { 0 };
    struct cli_common common;
    struct cli_operands operands;
    uint64_t pid;
    int code = cli_parse(&cli_command_snapshot, argc, argv, &args, &common, &operands);
    if (code >= 0)
        return code;
    if (!cli_parse_number(operands.items[0], &pid) || pid == 0 || pid > INT32_MAX)
        return cli_usage(&cli_command_snapshot, "'%s' is not a process id", operands.items[0]);
    struct prof_str path = { 0 };
    if (args.output != NULL && args.output[0] != '/') {
        /* The recorder is in another folder. */
        char *here = getcwd(NULL, 0);
        prof_str_addf(&path, "%s/", here != NULL ? here : ".");
        free(here);
    }
    prof_str_add(&path, args.output != NULL ? args.output : "");
    struct ask_reply reply;
    code = CLI_UNREADABLE;
    if (path.failed)
        code = cli_error(prof_error_memory());
    else if (path.length >= ASK_TEXT_MAX)
        cli_warn("the name of the snapshot is too long");
    else if (!ask_process(ASK_SNAPSHOT, (pid_t)pid, path.text, &reply))
        cli_not_recorded(pid);
    else if (reply.status != 0)
        cli_warn("%s", reply.text[0] != '\0' ? reply.text : strerror(reply.status));
    else
        code = CLI_OK;
    prof_str_deinit(&path);
    if (code != CLI_OK)
        return code;
    struct cli_out out;
    cli_out_init(&out, &common, stdout);
    cli_put(&out, CLI_PLAIN, reply.process.path);
    fputc('\n', stdout);
    return fflush(stdout) == 0 ? CLI_OK : CLI_UNREADABLE;
}
