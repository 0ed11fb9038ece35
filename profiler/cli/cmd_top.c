/* cmd_top.c: `reftrack top`: the viewer of a program that is being recorded, chosen among those there are. */
#include "cli.h"
#include "viewer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/vec.h>

static const char *const examples[] = {
    "reftrack top",
    "Watch the program that is being recorded; of several one is chosen.",
    "reftrack top --pid 4711",
    "Watch that one; the same as reftrack tui --pid 4711.",
    NULL,
};

const struct cli_command cli_command_top = {
    .name = "top",
    .main = cmd_top,
    .synopsis = "",
    .summary = "watch a program that is being recorded, in the terminal",
    .about =
        "A short name for 'reftrack tui --pid': without --pid it finds out what is being recorded for this user. When "
        "that are several programs it lists them and asks which one is meant. The program is not touched; several "
        "viewers may watch one program, and come and go. Exit code: 0, 2 usage, 3 nothing is being recorded.",
    .options = viewer_options,
    .examples = examples,
    .groups = CLI_GROUP_TRACE | CLI_GROUP_PID,
};

struct recordings {
    struct ask_process *items;
    size_t count, room;
};

static void take(void *ctx, const struct ask_process *process)
{
    struct recordings *recordings = ctx;
    if (process->path[0] != '\0') /* flight recordings have no trace to read yet */
        (void)prof_vec_push(recordings, *process);
}

static int by_pid(const void *left, const void *right)
{
    const struct ask_process *a = left, *b = right;
    return a->pid < b->pid ? -1 : a->pid > b->pid;
}

static void list(const struct recordings *recordings)
{
    fprintf(stderr, "%3s %8s  %-24s %9s  %9s  %s\n", "", "PID", "PROGRAM", "SINCE", "TRACE", "FILE");
    for (size_t i = 0; i < recordings->count; i++) {
        const struct ask_process *process = &recordings->items[i];
        char name[256], path[1024], since[32], bytes[32];
        fprintf(stderr, "%3zu %8u  %-24s %9s  %9s  %s\n", i + 1, process->pid,
                prof_escape_terminal(name, sizeof name, process->program),
                prof_fmt_duration(since, sizeof since, process->now_us),
                prof_fmt_bytes(bytes, sizeof bytes, process->bytes, PROF_UNITS_IEC),
                prof_escape_terminal(path, sizeof path, process->path));
    }
}

/* Which of several; 0: none. */
static uint32_t choose(const struct recordings *recordings)
{
    char line[64];
    uint64_t number;
    list(recordings);
    for (;;) {
        fprintf(stderr, "Which one (1 to %zu, or its PID; Enter: none)? ", recordings->count);
        if (fgets(line, sizeof line, stdin) == NULL || line[0] == '\n')
            return 0;
        line[strcspn(line, "\n")] = '\0';
        if (!cli_parse_number(line, &number))
            continue;
        if (number >= 1 && number <= recordings->count)
            return recordings->items[number - 1].pid;
        for (size_t i = 0; i < recordings->count; i++)
            if (recordings->items[i].pid == number)
                return recordings->items[i].pid;
    }
}

static int watch(struct cli_common *common, const struct viewer_args *args)
{
    struct recordings recordings = { .count = 0 };
    int code = viewer_check_terminal(&cli_command_top, args);
    if (code >= 0)
        return code;
    ask_each(take, &recordings);
    if (recordings.count > 1)
        qsort(recordings.items, recordings.count, sizeof *recordings.items, by_pid);
    if (recordings.count == 0) {
        cli_warn("nothing is being recorded; 'reftrack run --tui -- PROGRAM' starts a program and shows it, 'reftrack "
                 "record' lists what can be recorded");
        code = CLI_UNREADABLE;
    } else if (recordings.count > 1 && args->script != NULL) {
        list(&recordings);
        code = cli_usage(&cli_command_top, "%zu programs are being recorded: --pid says which one", recordings.count);
    } else {
        common->pid = recordings.count == 1 ? recordings.items[0].pid : choose(&recordings);
        code = common->pid == 0 ? CLI_OK : -1;
    }
    prof_vec_deinit(&recordings);
    return code;
}

int cmd_top(int argc, char **argv)
{
    struct viewer_args args = { .ascii = false };
    struct cli_common common;
    struct cli_operands operands;
    int code = cli_parse(&cli_command_top, argc, argv, &args, &common, &operands);
    if (code < 0 && common.pid == 0)
        code = watch(&common, &args);
    return code >= 0 ? code : viewer_of_session(&cli_command_top, &common, &args, NULL);
}
