/* cmd_recorder.c: `reftrack recorder`: the hidden command that a linked program starts for itself. It has no terminal,
 * says nothing but a fatal problem, and ends when the program and its forked children have ended. */
#include "cli.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rec_args.h"
#include "recorder/launch.h"
#include "recorder/recorder.h"

enum { STEP_MS = 250 };

struct recorder_args {
    uint64_t fd, pid;
    const char *out, *options;
};

static const struct cli_option options[] = {
    { .name = "fd",
      .kind = CLI_NUMBER,
      .offset = offsetof(struct recorder_args, fd),
      .argument = "N",
      .help = "connected socket of the program" },
    { .name = "pid",
      .kind = CLI_NUMBER,
      .offset = offsetof(struct recorder_args, pid),
      .argument = "PID",
      .hint = CLI_HINT_PID,
      .help = "process at the other end" },
    { .name = "out",
      .kind = CLI_TEXT,
      .offset = offsetof(struct recorder_args, out),
      .argument = "FILE",
      .hint = CLI_HINT_FILE,
      .help = "where the trace goes, as with run -o" },
    { .name = "options",
      .kind = CLI_TEXT,
      .offset = offsetof(struct recorder_args, options),
      .argument = "TEXT",
      .help = "TRACK_OPTIONS of the program" },
    { 0 },
};

const struct cli_command cli_command_recorder = {
    .name = "recorder",
    .main = cmd_recorder,
    .synopsis = "",
    .summary = "record the program at the other end of a socket",
    .about = "Started by programs that are linked with libtrack and run with TRACK_OPTIONS=out=FILE.",
    .options = options,
    .hidden = true,
};

int cmd_recorder(int argc, char **argv)
{
    struct recorder_args args = { 0 };
    struct cli_common common;
    struct cli_operands operands;
    int code = cli_parse(&cli_command_recorder, argc, argv, &args, &common, &operands);
    if (code >= 0)
        return code;
    int fd = (int)args.fd;
    if (args.fd > INT32_MAX || args.pid == 0 || args.pid > INT32_MAX || fcntl(fd, F_GETFD) < 0)
        return cli_usage(&cli_command_recorder, "--fd must be a connected socket and --pid the process behind it");
    struct ucred who;
    socklen_t length = sizeof who;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &length) != 0 || who.uid != geteuid())
        return cli_usage(&cli_command_recorder, "--fd is not a socket to a process of this user");
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);

    /* The program's signals, limits and files are not ours. */
    static const int ignored[] = { SIGHUP,  SIGINT,  SIGQUIT, SIGPIPE, SIGXFSZ,
                                   SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2 };
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        signal(ignored[i], SIG_IGN);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    struct rec_options recording = { .out = args.out,
                                     .version = REFTRACK_VERSION,
                                     .text = args.options,
                                     .root = (pid_t)args.pid,
                                     .looks = REC_LOOK_EXIT,
                                     .pause_us = REC_PAUSE_US };
    cli_rec_environment(recording.text, &recording);
    struct recorder *rec;
    struct prof_error *error = rec_create_for(&recording, fd, (pid_t)args.pid, &rec);
    if (error != NULL)
        return cli_error(error);
    /* Until the trace exists there may be something to say; afterwards nobody must wait for our copies of its files. */
    const struct rec_result *const *results;
    size_t count = 0;
    while (rec_live(rec) > 0 && (count = rec_results(rec, &results)) == 0)
        rec_step(rec, -1, 10);
    if (rec_problem(rec) != NULL)
        cli_warn("%s", rec_problem(rec));
    if (rec_note(rec) != NULL)
        cli_warn("%s", rec_note(rec));
    if (count > 0 && results[0]->problem != NULL)
        cli_warn("%s", results[0]->problem);
    launch_detach_files(fd);
    while (rec_live(rec) > 0)
        rec_step(rec, -1, STEP_MS);
    rec_destroy(rec);
    return 0;
}
