/* cmd_record.c: `reftrack record --pid`: wakes a running program that carries libtrack and records nothing, records it
 * for a while, and leaves it as it was. Without --pid: which programs that can be done with. */
#include "cli.h"
#include "rec_args.h"
#include "rec_say.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "recorder/attach.h"
#include "recorder/recorder.h"

enum { STEP_MS = 50, PATIENCE_MS = 500, WAIT_S = 60 };

struct record_args {
    uint64_t pid, for_us, wait_us;
    bool no_summary, confined;
};

static const struct cli_option options[] = {
    { .name = "pid",
      .letter = 'p',
      .kind = CLI_NUMBER,
      .offset = offsetof(struct record_args, pid),
      .argument = "PID",
      .hint = CLI_HINT_PID,
      .help = "the program to record; without it, those that can be recorded are listed" },
    { .name = "for",
      .kind = CLI_DURATION,
      .offset = offsetof(struct record_args, for_us),
      .argument = "TIME",
      .help = "stop after this time, as in 30m (until Ctrl-C or the program's end)" },
    { .name = "wait",
      .kind = CLI_DURATION,
      .offset = offsetof(struct record_args, wait_us),
      .argument = "TIME",
      .help = "give up when the program does nothing that counts for so long (60s)" },
    { .name = "confined",
      .kind = CLI_FLAG,
      .offset = offsetof(struct record_args, confined),
      .help = "wake it even though it runs under a seccomp filter, which ends it when sockets are forbidden there" },
    { .name = "no-summary",
      .kind = CLI_FLAG,
      .offset = offsetof(struct record_args, no_summary),
      .help = "only record; do not analyse the trace at the end" },
    { 0 },
};

static const char *const examples[] = {
    "reftrack record",
    "list the programs that can be recorded, and those that are",
    "reftrack record --pid 4711 --for 30m -o server.trk",
    "record a running server for half an hour",
    NULL,
};

const struct cli_command cli_command_record = {
    .name = "record",
    .main = cmd_record,
    .synopsis = "",
    .summary = "record a running program for a while",
    .about =
        "A program that is linked with libtrack, or was started with libtrack-preload.so in LD_PRELOAD, records "
        "nothing "
        "until it is asked to. This command asks: the program begins to record at the next reference it counts (or "
        "block it allocates), and is idle again when the time is over; nothing else happens to it. It can be recorded "
        "again, 256 times in its life; each time leaves an address range of the size of --budget behind in it, without "
        "memory.\n\n"
        "What the program had before is not known: releases of it are not judged, and the report speaks of what "
        "changed since.\n\n"
        "Not possible with programs of other users, privileged ones, those started with TRACK_OPTIONS=wake=0, and "
        "children of programs that fork many times a second. Exit code: 0 recorded, 2 usage, 3 the program cannot be "
        "recorded.",
    .examples = examples,
    .options = options,
    .groups = CLI_GROUP_RECORD | CLI_GROUP_TRACE | CLI_GROUP_GATE,
};

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- Without --pid -------------------------------------------------------------------------------------------------
 */

static int list(const struct cli_common *common)
{
    struct attach_row *rows = NULL;
    size_t count = 0;
    struct prof_error *error = attach_list(&rows, &count);
    if (error != NULL)
        return cli_error(error);
    struct cli_out out;
    cli_out_open(&out, common);
    if (count == 0)
        fputs("No program of this user carries a libtrack that can be woken.\n", out.file);
    else
        cli_printf(&out, CLI_HEAD, "%8s  %-24s %8s  %s\n", "PID", "PROGRAM", "RUNNING", "STATE");
    for (size_t i = 0; i < count; i++) {
        char age[32], name[256];
        prof_escape_terminal(name, sizeof name, rows[i].program);
        fprintf(out.file, "%8d  %-24s %8s  ", (int)rows[i].pid, name,
                prof_fmt_duration(age, sizeof age, rows[i].age_s * 1000000));
        if (rows[i].recorder_pid != 0)
            fprintf(out.file, "recorded by %d\n", (int)rows[i].recorder_pid);
        else if (rows[i].wakes_left == 0)
            fputs("was recorded too often, restart it\n", out.file);
        else
            fputs("idle: reftrack record --pid can wake it\n", out.file);
    }
    free(rows);
    return cli_out_close(&out);
}

/* ---- With --pid ----------------------------------------------------------------------------------------------------
 */

struct session {
    const struct record_args *args;
    const struct cli_common *common;
    struct recorder *rec;
    struct attach *attach;
    pid_t pid;
    int signal_fd;
    bool stopped; /* by a signal */
};

static bool catch_signals(struct session *s)
{
    static const int caught[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++)
        sigaddset(&set, caught[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGXFSZ, SIG_IGN); /* a file size limit is a full disk to us */
    signal(SIGPIPE, SIG_IGN);
    s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return s->signal_fd >= 0;
}

static void step(struct session *s, uint64_t until_us)
{
    struct signalfd_siginfo info;
    uint64_t now = now_us();
    uint64_t left = until_us > now ? (until_us - now) / 1000 + 1 : 0;
    if (rec_step(s->rec, s->signal_fd, left < STEP_MS ? (int)left : STEP_MS))
        s->stopped |= read(s->signal_fd, &info, sizeof info) == (ssize_t)sizeof info;
}

/* Until the program said hello. False after saying why not. */
static bool wait_for_hello(struct session *s)
{
    uint64_t begin = now_us(), until = begin + (s->args->wait_us != 0 ? s->args->wait_us : (uint64_t)WAIT_S * 1000000);
    const char *name = attach_program(s->attach), *why;
    bool said = false;
    while (!rec_root_seen(s->rec)) {
        if (attach_answer(s->attach, &why) == ATTACH_FAILED) {
            cli_warn("process %d (%s) was woken, but %s", (int)s->pid, name, why);
            return false;
        }
        if (kill(s->pid, 0) != 0 && errno == ESRCH) {
            cli_warn("process %d (%s) ended before it did anything that counts", (int)s->pid, name);
            return false;
        }
        if (s->stopped || now_us() >= until) {
            attach_withdraw(s->attach);
            cli_warn("process %d (%s) did nothing that counts%s", (int)s->pid, name,
                     s->stopped ? "" : ": no reference, no allocation; wait longer with --wait");
            return false;
        }
        if (!said && !s->common->quiet && now_us() - begin > (uint64_t)PATIENCE_MS * 1000) {
            said = true;
            cli_warn("waiting for process %d (%s) to do something that counts", (int)s->pid, name);
        }
        step(s, until);
    }
    return true;
}

static void record(struct session *s)
{
    uint64_t until = s->args->for_us != 0 ? now_us() + s->args->for_us : UINT64_MAX;
    while (!s->stopped && now_us() < until && rec_knows(s->rec, s->pid))
        step(s, until);
    if (rec_knows(s->rec, s->pid))
        attach_withdraw(s->attach); /* the gates first: what is counted from here on is not recorded */
    rec_leave(s->rec);
}

static void conclude(const struct session *s)
{
    const struct rec_result *const *results;
    size_t count = rec_results(s->rec, &results), traces = 0;
    uint64_t records = 0;
    char **paths = calloc(count + 1, sizeof *paths);
    if (rec_problem(s->rec) != NULL)
        cli_warn("%s", rec_problem(s->rec));
    if (rec_note(s->rec) != NULL)
        cli_warn("%s", rec_note(s->rec));
    for (size_t i = 0; i < count; i++) {
        rec_say_trace(results[i]);
        records += results[i]->records;
        if (paths != NULL && results[i]->path != NULL)
            paths[traces++] = results[i]->path;
    }
    if (!s->common->quiet)
        rec_say_totals(results, count, 0);
    if (traces > 0 && !s->args->no_summary && rec_say_few(records))
        cli_summary(s->common, paths, traces, false, stderr);
    free(paths);
}

int cmd_record(int argc, char **argv)
{
    struct record_args args = { 0 };
    struct cli_common common;
    struct cli_operands operands;
    struct rec_options recording;
    int code = cli_parse(&cli_command_record, argc, argv, &args, &common, &operands);
    if (code >= 0)
        return code;
    if (args.pid == 0 && (args.for_us != 0 || args.wait_us != 0 || common.record.output != NULL))
        return cli_usage(&cli_command_record, "--pid says which program to record; 'reftrack record' lists them, "
                                              "'reftrack run' starts one");
    if (args.pid == 0)
        return list(&common);
    if (args.pid > INT32_MAX)
        return cli_usage(&cli_command_record, "--pid takes the number of a process");
    if (!cli_rec_options(&cli_command_record, &common, &recording) || cli_gate_check(&common) >= 0)
        return CLI_USAGE;
    struct session s = { .args = &args, .common = &common, .pid = (pid_t)args.pid, .signal_fd = -1 };
    recording.root = s.pid;
    struct prof_error *error = attach_open(s.pid, &s.attach);
    if (error == NULL && attach_confined(s.attach) && !args.confined)
        error = prof_error_create(PROF_ERROR_ARGUMENT,
                                  "process %d (%s) runs under a seccomp filter, which ends it if sockets are forbidden "
                                  "there; add --confined when they are not",
                                  (int)s.pid, attach_program(s.attach));
    if (error == NULL)
        error = rec_output_check(recording.out, recording.replace);
    if (error == NULL)
        error = rec_create(&recording, &s.rec);
    if (error == NULL && !catch_signals(&s))
        error = prof_error_os(errno, "watch", "signals", NULL);
    if (error == NULL)
        error = attach_ask(s.attach, rec_socket(s.rec));
    if (error != NULL) {
        cli_error(error);
        code = CLI_UNREADABLE;
    } else if (!wait_for_hello(&s)) {
        code = CLI_UNREADABLE;
    } else {
        if (!common.quiet)
            cli_warn("recording process %d (%s)%s", (int)s.pid, attach_program(s.attach),
                     args.for_us != 0 ? "" : ", Ctrl-C stops");
        record(&s);
        conclude(&s);
        code = CLI_OK;
    }
    if (s.rec != NULL)
        rec_destroy(s.rec);
    attach_close(s.attach);
    if (s.signal_fd >= 0)
        close(s.signal_fd);
    return code;
}
