/* cmd_recover.c: `reftrack recover`: completes what a recorder left behind that was killed. */
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/recorder.h"

struct recover_args {
    const char *output;
};

static const struct cli_option options[] = {
    { .name = "output",
      .letter = 'o',
      .kind = CLI_TEXT,
      .offset = offsetof(struct recover_args, output),
      .argument = "FILE",
      .hint = CLI_HINT_FILE,
      .help = "write the new trace to FILE, which must not exist (the old name with .recovered in it)" },
    { 0 },
};

static const char *const examples[] = {
    "reftrack recover 4711",
    "The recorder of process 4711 was killed: save what is still in the program's memory.",
    "reftrack recover app.4711.trk",
    "A cut or damaged trace becomes a complete one, up to its last good block.",
    NULL,
};

const struct cli_command cli_command_recover = {
    .name = "recover",
    .main = cmd_recover,
    .synopsis = "PID [TRACE] | TRACE",
    .summary = "complete a trace whose recorder was killed",
    .about =
        "With PID, a program that still runs: a new trace gets the good blocks of the old one (found as --pid finds "
        "it, "
        "or named) and every event that the program has in memory since; no event twice. Events that only the recorder "
        "had are counted as lost. The program is not stopped; it must be yours to trace, or you root.\n\n"
        "With TRACE alone, or when the program is gone: the good blocks of the file. The original is never changed.",
    .examples = examples,
    .options = options,
    .operands_min = 1,
    .operands_max = 2,
    .operand_hint = CLI_HINT_TRACE,
};

/* "app.4711.trk" becomes "app.4711.recovered.trk"; without an old trace "recovered.PID.trk". malloc'ed. */
static char *name_output(const char *old, uint64_t pid)
{
    char *name;
    if (old == NULL)
        return asprintf(&name, "recovered.%llu.trk", (unsigned long long)pid) >= 0 ? name : NULL;
    size_t length = strlen(old);
    bool suffix = length > 4 && strcmp(old + length - 4, ".trk") == 0;
    return asprintf(&name, "%.*s.recovered.trk", (int)(suffix ? length - 4 : length), old) >= 0 ? name : NULL;
}

static void say(const struct rec_recovery *told, const char *path, bool memory, const struct cli_common *common)
{
    char shown[512], a[32], b[32], c[64] = "";
    if (common->quiet)
        return;
    prof_escape_terminal(shown, sizeof shown, path);
    if (memory)
        snprintf(c, sizeof c, ", %s from the program's memory", prof_fmt_count(b, sizeof b, told->from_rings));
    cli_warn("%s: %s records from the old file%s", shown, prof_fmt_count(a, sizeof a, told->from_file), c);
    if (told->bytes_left != 0)
        cli_warn("%s of the old file were behind its last good block and are left out",
                 prof_fmt_bytes(a, sizeof a, told->bytes_left, PROF_UNITS_IEC));
    if (memory && told->lost_known)
        cli_warn("%s events were lost with the recorder", prof_fmt_count(a, sizeof a, told->lost));
    else if (memory)
        cli_warn("what the recorder had in hand when it died is not known");
}

int cmd_recover(int argc, char **argv)
{
    struct recover_args args = { 0 };
    struct cli_common common;
    struct cli_operands operands;
    uint64_t pid = 0;
    int code = cli_parse(&cli_command_recover, argc, argv, &args, &common, &operands);
    if (code >= 0)
        return code;
    bool is_pid = cli_parse_number(operands.items[0], &pid) && !cli_file_exists(operands.items[0]);
    if (!is_pid && operands.count == 2)
        return cli_usage(&cli_command_recover, "'%s' is not a process id", operands.items[0]);
    if (is_pid && (pid == 0 || pid > INT32_MAX))
        return cli_usage(&cli_command_recover, "there can be no process %s", operands.items[0]);
    char *old = is_pid && operands.count == 1 ? cli_trace_of_pid(pid) : strdup(operands.items[operands.count - 1]);
    if (is_pid && kill((pid_t)pid, 0) != 0 && errno == ESRCH) {
        if (old == NULL) {
            cli_not_recorded(pid);
            return CLI_UNREADABLE;
        }
        cli_warn("process %llu is gone, and its memory with it: only the file can be saved", (unsigned long long)pid);
        is_pid = false;
    }
    if (!is_pid)
        pid = 0;
    char *out = args.output != NULL ? strdup(args.output) : name_output(old, pid);
    struct rec_recovery told = { 0 };
    struct prof_error *error =
        out == NULL || (old == NULL && !is_pid) ? prof_error_memory() : rec_recover((pid_t)pid, old, out, &told);
    if (error == NULL)
        say(&told, out, is_pid, &common);
    code = error == NULL ? CLI_OK : cli_error(error);
    free(out);
    free(old);
    return code;
}
