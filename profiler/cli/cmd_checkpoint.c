/* cmd_checkpoint.c: `reftrack checkpoint`: has the memory of programs that are being recorded looked at, now. */
#include "ask_say.h"
#include "cli.h"
#include "rec_say.h"

#include <string.h>

#include <prof/view.h>

struct checkpoint_args {
    uint64_t pid;
};

static const struct cli_option options[] = {
    { .name = "pid",
      .letter = 'p',
      .kind = CLI_NUMBER,
      .offset = offsetof(struct checkpoint_args, pid),
      .argument = "N",
      .hint = CLI_HINT_PID,
      .help = "this process (all that are recorded for this user)" },
    { 0 },
};

static const char *const examples[] = {
    "reftrack checkpoint --pid 4711",
    "Which blocks does process 4711 still point to? 'reftrack leaks --pid 4711' judges by it.",
    "reftrack checkpoint warm",
    "The same for every process that is being recorded, and the checkpoint has a name.",
    NULL,
};

const struct cli_command cli_command_checkpoint = {
    .name = "checkpoint",
    .main = cmd_checkpoint,
    .synopsis = "[--pid N] [NAME]",
    .summary = "read the memory of a running program for pointers",
    .about =
        "The recorder stops the program for a moment, reads which words of its memory may point to its blocks and "
        "writes them to the trace; nothing else of the contents is kept. Reports then tell what is lost from what is "
        "still held. Where the system does not allow a stop, memory is read while the program runs, and verdicts are "
        "weaker. 'reftrack run --pause' bounds the stop; with --no-memory there are no checkpoints.",
    .examples = examples,
    .options = options,
    .operands_max = 1,
};

int cmd_checkpoint(int argc, char **argv)
{
    struct checkpoint_args args = { 0 };
    struct cli_common common;
    struct cli_operands operands;
    int code = cli_parse(&cli_command_checkpoint, argc, argv, &args, &common, &operands);
    if (code >= 0)
        return code;
    const char *name = operands.count > 0 ? operands.items[0] : "";
    if (strlen(name) >= ASK_NAME_MAX)
        return cli_usage(&cli_command_checkpoint, "a checkpoint's name has at most %d bytes", ASK_NAME_MAX - 1);
    const struct cli_ask ask = { &cli_command_checkpoint, ASK_CHECKPOINT, name, "looked at" };
    if (args.pid == 0)
        return cli_ask_all(&ask, &common);
    struct ask_reply reply;
    char why[2 * ASK_TEXT_MAX];
    code = cli_ask_one(&ask, args.pid, &reply);
    if (code == CLI_OK && !common.quiet) {
        prof_escape_terminal(why, sizeof why, reply.text);
        rec_say_look(&(struct rec_result){ .looks = 1,
                                           .look_rung = reply.process.look_rung,
                                           .look_pause_us = reply.process.look_pause_us,
                                           .look_took_us = reply.process.look_took_us,
                                           .look_bytes = reply.process.look_bytes,
                                           .look_note = why[0] != '\0' ? why : NULL });
    }
    return code;
}
