/* cmd_run.c: `reftrack run`: starts a program with libtrack in it, records it and all its children, and ends as it
 * ended.
 *
 * The program keeps its standard files, its process group and its terminal. Signals sent to reftrack are handed on;
 * what the terminal sends reaches the program by itself. When processes are left after the program's end (daemons),
 * recording goes on in the background. */
#include "adapter_args.h"
#include "cli.h"
#include "hook_args.h"
#include "hook_check.h"
#include "rec_args.h"
#include "rec_say.h"
#include "run_tui.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <base/str.h>

#include "recorder/launch.h"
#include "recorder/recorder.h"

enum { FAILED = 125, GRACE_MS = 300, ROOT_END_MS = 2000, STEP_MS = 250, NO_EXIT_CODE = 23, UNCERTAIN_CODE = 24 };

struct run_args {
    uint64_t exit_code;
    bool preload, no_preload, check, no_summary, fill, tui;
    struct cli_hooks hooks;
    struct cli_adapter_args adapters;
};

static const struct cli_option options[] = {
    { .name = "preload",
      .kind = CLI_FLAG,
      .offset = offsetof(struct run_args, preload),
      .help = "preload libtrack-preload.so, which also records malloc and free (the default)" },
    { .name = "no-preload",
      .kind = CLI_FLAG,
      .offset = offsetof(struct run_args, no_preload),
      .help = "preload nothing: the program was linked with libtrack" },
    { .name = "ref",
      .kind = CLI_LIST,
      .offset = offsetof(struct run_args, hooks.refs),
      .argument = "FUNCTION",
      .help =
          "the program's own function that takes a reference on its first argument: its calls are hooked, nothing "
          "needs to be recompiled; LIBRARY:FUNCTION for one of that file only; * is any characters; ns::Class::ref "
          "for one of C++, whose first argument is this; 0x1250 for one without a name, by its address in the file; "
          "repeatable; x86-64 only" },
    { .name = "unref",
      .kind = CLI_LIST,
      .offset = offsetof(struct run_args, hooks.unrefs),
      .argument = "FUNCTION",
      .help = "the same for one that gives a reference back" },
    { .name = "new",
      .kind = CLI_LIST,
      .offset = offsetof(struct run_args, hooks.news),
      .argument = "FUNCTION",
      .help = "the same for one that returns a new object with one reference; the type is what its debug information "
              "says, else called like the function" },
    { .name = "adapter",
      .kind = CLI_LIST,
      .offset = offsetof(struct run_args, adapters.given),
      .argument = "FILE|NAME",
      .hint = CLI_HINT_FILE,
      .help = "a description of a library's own counting functions, whose calls are hooked; a file, or the name of a "
              "shipped one; repeatable ('reftrack adapters' lists those that are used when their library is loaded)" },
    { .name = "no-adapters",
      .kind = CLI_FLAG,
      .offset = offsetof(struct run_args, adapters.none),
      .help = "no adapter but those given with --adapter" },
    { .name = "fill",
      .kind = CLI_FLAG,
      .offset = offsetof(struct run_args, fill),
      .help =
          "let glibc's malloc fill what it hands out, so that pointers which a block holds only because it was used "
          "before hold nothing; slower" },
    { .name = "check",
      .kind = CLI_FLAG,
      .offset = offsetof(struct run_args, check),
      .help = "exit 23 when the program succeeded and there are gating findings, 24 when that is uncertain" },
    { .name = "exitcode",
      .kind = CLI_NUMBER,
      .offset = offsetof(struct run_args, exit_code),
      .argument = "N",
      .help = "exit code of --check for findings instead of 23" },
    { .name = "tui",
      .kind = CLI_FLAG,
      .offset = offsetof(struct run_args, tui),
      .help = "show the viewer meanwhile; what the program writes to the terminal goes to a file beside the trace "
              "(.out), which the viewer shows" },
    { .name = "no-summary",
      .kind = CLI_FLAG,
      .offset = offsetof(struct run_args, no_summary),
      .help = "only record; do not analyse the traces at the end" },
    { 0 },
};

static const char *const examples[] = {
    "reftrack run -- ./server -p 8080",
    "record ./server and everything it starts",
    "reftrack run --check -o traces/ -- make test",
    "one trace per process in traces/, exit 23 when something leaks",
    "reftrack run --new obj_new --ref obj_ref --unref obj_unref -- ./server",
    "see the references of a program that was not changed for it",
    "reftrack run --tui -- ./server",
    "watch it from the start; q asks what becomes of it",
    NULL,
};

const struct cli_command cli_command_run = {
    .name = "run",
    .main = cmd_run,
    .synopsis = "[--] PROGRAM [ARG...]",
    .summary = "record a program and its children, then report",
    .about =
        "Starts PROGRAM with libtrack preloaded and records every allocation, free, reference and release of it and of "
        "the processes it starts, one trace each. The program's input, output and terminal are its own. At its end a "
        "summary goes to standard error.\n\n"
        "The exit code is the program's; 128+N when signal N ended it; 125 when reftrack failed, 126 when PROGRAM "
        "cannot "
        "be executed, 127 when it was not found. With --check a program that succeeded is followed by 23 for gating "
        "findings and 24 when the answer is uncertain.\n\n"
        "With --tui the viewer has the terminal. The program gets nothing to read there, and a terminal of its own to "
        "write to, if its output is not redirected. When it ends, the viewer stays and shows how; quitting before that "
        "asks: e ends the program (SIGTERM), then everything is as without --tui; l leaves it running and recorded, "
        "and "
        "the exit code is 0.",
    .examples = examples,
    .options = options,
    .groups = CLI_GROUP_RECORD | CLI_GROUP_TRACE | CLI_GROUP_GATE,
    .operands_min = 1,
    .operands_any = true,
    .stop_at_operand = true,
    .operand_hint = CLI_HINT_COMMAND,
};

struct run {
    const struct cli_common *common;
    struct recorder *rec;
    pid_t pid;
    int signal_fd;
    sigset_t inherited;
    struct run_tui tui;
    bool ended;
    int code; /* the program's, as a shell shows it */
};

static int fail(struct prof_error *error, int code)
{
    cli_error(error);
    return code;
}

/* ---- Signals ------------------------------------------------------------------------------------------------------
 */

static bool catch_signals(struct run *run)
{
    static const int caught[] = { SIGCHLD, SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTSTP, SIGALRM };
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++)
        sigaddset(&set, caught[i]);
    sigprocmask(SIG_BLOCK, &set, &run->inherited);
    run->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return run->signal_fd >= 0;
}

static bool has_terminal(void)
{
    int fd = open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* The program was stopped by job control: so are we, and both go on together. */
static void stop_along(struct run *run, int signal)
{
    if ((signal != SIGTSTP && signal != SIGTTIN && signal != SIGTTOU) || !has_terminal())
        return;
    rec_flush(run->rec);
    kill(getpid(), SIGSTOP);
    kill(run->pid, SIGCONT);
}

static void look_at_child(struct run *run)
{
    siginfo_t info = { 0 };
    while (waitid(P_PID, (id_t)run->pid, &info, WSTOPPED | WNOHANG) == 0 && info.si_pid == run->pid) {
        stop_along(run, info.si_status);
        info.si_pid = 0;
    }
    /* Left as a zombie until its trace is finished: the recorder asks how it ended. */
    if (!run->ended && waitid(P_PID, (id_t)run->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        info.si_pid == run->pid) {
        run->ended = true;
        run->code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
    }
}

static void take_signals(struct run *run)
{
    struct signalfd_siginfo info;
    while (read(run->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        /* What the kernel sends (terminal keys, hang-up) went to the program as well: same process group. */
        if (info.ssi_signo != SIGCHLD && info.ssi_code <= 0 && !run->ended)
            kill(run->pid, (int)info.ssi_signo);
    look_at_child(run);
}

/* ---- Recording ----------------------------------------------------------------------------------------------------
 */

static void widen_limits(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    signal(SIGXFSZ, SIG_IGN); /* a file size limit is a full disk to us */
    signal(SIGPIPE, SIG_IGN);
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void record(struct run *run)
{
    while (!run->ended) {
        if (rec_step(run->rec, run->signal_fd, STEP_MS))
            take_signals(run);
        run_tui_tell(&run->tui, run->rec, run->pid);
    }
    uint64_t until = now_ms() + ROOT_END_MS;
    while (rec_knows(run->rec, run->pid) && now_ms() < until)
        rec_step(run->rec, -1, 1);
    /* Children that end with their parent, as those of a pipeline do. */
    until = now_ms() + GRACE_MS;
    while (rec_live(run->rec) > 0 && now_ms() < until)
        if (rec_step(run->rec, run->signal_fd, STEP_MS))
            take_signals(run);
    rec_flush(run->rec);
    run_tui_tell(&run->tui, run->rec, run->pid);
}

/* Somebody wants the background process to end: the traces end then, the programs go on. */
static bool asked_to_end(const struct run *run)
{
    struct signalfd_siginfo info;
    while (read(run->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
            return true;
    return false;
}

/* Processes outlived the program: a background process records them to their end. Returns false when that could not be
 * arranged; their traces are ended then. */
static bool go_on_in_background(struct run *run)
{
    int ready[2];
    if (pipe2(ready, O_CLOEXEC) != 0)
        return false;
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        rec_moved(run->rec);
        close(ready[0]);
        launch_detach_files(-1);
        close(ready[1]);
        while (rec_live(run->rec) > 0 && !asked_to_end(run))
            rec_step(run->rec, run->signal_fd, STEP_MS);
        rec_destroy(run->rec);
        _exit(0);
    }
    close(ready[1]);
    char nothing;
    bool ok = pid > 0 && read(ready[0], &nothing, 1) == 0;
    close(ready[0]);
    return ok;
}

/* ---- What is said at the end ----------------------------------------------------------------------------------------
 */

static void say_silent(const struct run *run, const char *program, size_t traces)
{
    if (rec_root_seen(run->rec))
        return;
    char *why = launch_why_silent(program);
    cli_warn("%s was not recorded: it %s%s", program,
             why != NULL ? why : "never connected (libtrack-preload.so was not loaded)",
             traces > 0 ? "; its children were" : "");
    free(why);
}

/* Whether the traces are analysed now. */
static bool wants_summary(const struct run_args *args, uint64_t records)
{
    return args->check || (!args->no_summary && rec_say_few(records));
}

static bool warn_of_hooks(const struct rec_result *const *results, size_t count, const char *program)
{
    const char **texts = calloc(count + 1, sizeof *texts);
    if (texts == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        texts[i] = results[i]->hooks;
    cli_hooks_warn(texts, count, program);
    free(texts);
    return true;
}

/* Prints what the recorder has to say and then the findings; returns the command's exit code. */
static int conclude(struct run *run, const struct run_args *args, const char *program)
{
    const struct rec_result *const *results;
    size_t count = rec_results(run->rec, &results), traces = 0;
    char **paths = calloc(count + 1, sizeof *paths);
    if (paths == NULL)
        return fail(prof_error_memory(), FAILED);
    /* Of a program that replaced itself nothing is left that could have leaked; its successor has a trace of its own.
     */
    size_t written = 0;
    for (size_t i = 0; i < count; i++) {
        written += results[i]->path != NULL;
        if (results[i]->path != NULL && (results[i]->reason != TRK_END_EXEC || results[i]->into_unknown))
            paths[traces++] = results[i]->path;
    }
    say_silent(run, program, written);
    if (rec_problem(run->rec) != NULL)
        cli_warn("%s", rec_problem(run->rec));
    if (!warn_of_hooks(results, count, program)) {
        free(paths);
        return fail(prof_error_memory(), FAILED);
    }
    if (rec_note(run->rec) != NULL)
        cli_warn("%s", rec_note(run->rec));
    uint64_t records = 0;
    bool incomplete = !rec_root_seen(run->rec) || rec_problem(run->rec) != NULL;
    for (size_t i = 0; i < count; i++) {
        rec_say_trace(results[i]);
        records += results[i]->records;
        incomplete |= results[i]->into_unknown || results[i]->problem != NULL || results[i]->malloc_note != NULL;
    }
    if (!run->common->quiet)
        rec_say_totals(results, count, rec_live(run->rec));
    if (!run->common->quiet && !args->no_summary && count == 1)
        rec_say_look(results[0]);
    int verdict = CLI_UNCERTAIN;
    bool gates = args->check && run->code == 0;
    if (traces > 0 && wants_summary(args, records))
        verdict = cli_summary(run->common, paths, traces, gates, stderr);
    free(paths);
    if (gates && (traces == 0 || (verdict == CLI_OK && incomplete)))
        cli_warn("uncertain: %s", traces == 0 ? "nothing was recorded" : "not everything that ran was recorded");
    if (verdict == CLI_OK && incomplete)
        verdict = CLI_UNCERTAIN;
    if (!gates || verdict == CLI_OK)
        return run->code;
    return verdict == CLI_FINDINGS ? (int)args->exit_code : UNCERTAIN_CODE;
}

int cmd_run(int argc, char **argv)
{
    struct run_args args = { .exit_code = NO_EXIT_CODE };
    struct cli_common common;
    struct cli_operands operands;
    int code = cli_parse(&cli_command_run, argc, argv, &args, &common, &operands);
    if (code >= 0)
        return code == CLI_USAGE ? FAILED : code;
    struct rec_options recording;
    if (!cli_rec_options(&cli_command_run, &common, &recording))
        return FAILED;
    if (args.exit_code > 255) {
        cli_usage(&cli_command_run, "--exitcode takes a number from 0 to 255");
        return FAILED;
    }
    if (args.preload && args.no_preload) {
        cli_usage(&cli_command_run, "--preload and --no-preload exclude each other");
        return FAILED;
    }
    /* Nobody wants to hear of a mistyped option after an hour of tests. */
    if (cli_gate_check(&common) >= 0)
        return FAILED;
    struct rec_hooks *hooks;
    if (!cli_hook_options(&cli_command_run, &args.hooks, operands.items[0], &hooks))
        return FAILED;
    if ((hooks != NULL || args.adapters.given.count > 0) && args.no_preload) {
        cli_usage(&cli_command_run,
                  "--new, --ref, --unref and --adapter need libtrack-preload.so in the program: leave "
                  "--no-preload away");
        free(hooks);
        return FAILED;
    }
    if (!args.no_preload && !cli_adapter_rules(&args.adapters, &hooks)) {
        free(hooks);
        return FAILED;
    }
    if (hooks != NULL)
        cli_hook_copies(hooks, operands.items[0]);
    recording.hooks = hooks;
    struct run run = { .common = &common, .tui = { .link = -1 } };
    static const struct viewer_args looks;
    code = args.tui ? run_tui_begin(&run.tui, &common, &looks, operands.items[0]) : -1;
    if (code >= 0) {
        free(hooks);
        return code;
    }
    struct prof_error *error = rec_output_check(recording.out, recording.replace);
    if (error == NULL)
        error = rec_create(&recording, &run.rec);
    if (error != NULL) {
        free(hooks);
        return fail(error, FAILED);
    }
    char *preload = args.no_preload ? NULL : launch_find_preload();
    if (!args.no_preload && preload == NULL)
        error =
            prof_error_create(PROF_ERROR_NOT_FOUND, "libtrack-preload.so is neither beside this program nor installed; "
                                                    "install libtrack, or use --no-preload for a linked program");
    else if (!catch_signals(&run))
        error = prof_error_os(errno, "watch", "signals", NULL);
    struct launch launch = { .argv = operands.items,
                             .socket = rec_socket(run.rec),
                             .preload = preload,
                             .signals = &run.inherited,
                             .files = { -1, -1, -1 },
                             .fill = args.fill };
    run_tui_launch(&run.tui, &launch);
    code = FAILED;
    if (error == NULL)
        error = launch_program(&launch, &run.pid, &code);
    free(preload);
    if (error != NULL) {
        rec_destroy(run.rec);
        free(hooks);
        return fail(error, code);
    }
    widen_limits();
    rec_set_root(run.rec, run.pid);
    run_tui_started(&run.tui, &common, operands.items[0], run.pid);
    record(&run);
    bool told = run_tui_wait(&run.tui, run.rec);
    bool handed_over = rec_live(run.rec) > 0 && go_on_in_background(&run);
    code = told ? conclude(&run, &args, operands.items[0]) : run.code;
    run_tui_end(&run.tui);
    siginfo_t info;
    waitid(P_PID, (id_t)run.pid, &info, WEXITED | WNOHANG);
    if (!handed_over)
        rec_destroy(run.rec);
    close(run.signal_fd);
    free(hooks);
    return code;
}
