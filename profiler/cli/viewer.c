/* viewer.c: the options of the viewer, and becoming it: it is a program of its own. See viewer.h. */
#include "viewer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recorder/launch.h"

const struct cli_option viewer_options[] = {
    { .name = "ascii",
      .kind = CLI_FLAG,
      .offset = offsetof(struct viewer_args, ascii),
      .help = "draw with ASCII characters (the default where the locale is not UTF-8)" },
    { .name = "no-mouse",
      .kind = CLI_FLAG,
      .offset = offsetof(struct viewer_args, no_mouse),
      .help = "leave the mouse to the terminal" },
    { .name = "theme",
      .kind = CLI_TEXT,
      .offset = offsetof(struct viewer_args, theme),
      .argument = "THEME",
      .help = "colours: default, light, mono or contrast (NO_COLOR and --color=never mean mono)" },
    { .name = "config",
      .kind = CLI_TEXT,
      .offset = offsetof(struct viewer_args, config),
      .argument = "FILE",
      .hint = CLI_HINT_FILE,
      .help = "options, keys and colours are those of FILE instead of $XDG_CONFIG_HOME/reftrack/tuirc" },
    { .name = "no-config",
      .kind = CLI_FLAG,
      .offset = offsetof(struct viewer_args, no_config),
      .help = "they are those that stand when nothing is configured; nothing is remembered, either" },
    { .name = "state",
      .kind = CLI_TEXT,
      .offset = offsetof(struct viewer_args, state),
      .argument = "FILE",
      .hint = CLI_HINT_FILE,
      .help = "order and columns of lists are remembered in FILE instead of $XDG_STATE_HOME/reftrack/state" },
    { .name = "suppressions",
      .kind = CLI_LIST,
      .offset = offsetof(struct viewer_args, suppressions),
      .argument = "FILE",
      .hint = CLI_HINT_FILE,
      .help = "findings that match this file's rules are excluded (x shows them; i adds rules to a file)" },
    { .name = "read-only",
      .kind = CLI_FLAG,
      .offset = offsetof(struct viewer_args, read_only),
      .help = "ask nothing of the recording, not even for marks" },
    { .name = "script",
      .kind = CLI_TEXT,
      .offset = offsetof(struct viewer_args, script),
      .argument = "FILE",
      .hint = CLI_HINT_FILE,
      .help = "no terminal: press the keys in FILE (-: standard input) and print screens where it says 'show'" },
    { .name = "size",
      .kind = CLI_TEXT,
      .offset = offsetof(struct viewer_args, size),
      .argument = "COLUMNSxROWS",
      .help = "size of these screens (80x24)" },
    { 0 }
};

enum { WORDS = 256 };
struct words {
    const char *items[WORDS];
    size_t count;
};

static void add(struct words *words, const char *option, const char *value)
{
    if (words->count + 3 < WORDS) {
        words->items[words->count++] = option;
        if (value != NULL)
            words->items[words->count++] = value;
    }
}

static void add_number(struct words *words, const char *option, uint32_t number, char buf[16])
{
    if (number == 0)
        return;
    snprintf(buf, 16, "%u", number);
    add(words, option, buf);
}

static void add_args(struct words *words, const struct cli_common *common, const struct viewer_args *args)
{
    if (args->ascii)
        add(words, "--ascii", NULL);
    if (args->no_mouse)
        add(words, "--no-mouse", NULL);
    if (args->theme != NULL || common->color == CLI_NEVER)
        add(words, "--theme", args->theme != NULL ? args->theme : "mono");
    if (common->units != PROF_UNITS_IEC)
        add(words, "--units", common->units == PROF_UNITS_SI ? "si" : "bytes");
    if (args->config != NULL)
        add(words, "--config", args->config);
    if (args->state != NULL)
        add(words, "--state", args->state);
    if (args->no_config)
        add(words, "--no-config", NULL);
    for (size_t i = 0; i < args->suppressions.count; i++)
        add(words, "--suppressions", args->suppressions.items[i]);
    if (args->read_only)
        add(words, "--read-only", NULL);
    if (args->script != NULL)
        add(words, "--script", args->script);
    if (args->size != NULL)
        add(words, "--size", args->size);
    if (common->symfs != NULL)
        add(words, "--symfs", common->symfs);
    for (size_t i = 0; i < common->wrappers.count; i++)
        add(words, "--wrapper", common->wrappers.items[i]);
}

int viewer_exec(const struct viewer *viewer)
{
    struct words words = { .count = 0 };
    char pid[16], recorder[16];
    char *program = launch_find_viewer(), *self = realpath("/proc/self/exe", NULL);
    if (program == NULL) {
        free(self);
        return cli_error(prof_error_create(PROF_ERROR_NOT_FOUND, "reftrack-tui is neither beside this program nor "
                                                                 "installed; is the installation complete?"));
    }
    add(&words, program, NULL);
    add_args(&words, viewer->common, viewer->args);
    add_number(&words, "--pid", viewer->pid, pid);
    if (viewer->orphan)
        add(&words, "--recorder", "none");
    else
        add_number(&words, "--recorder", viewer->recorder, recorder);
    if (self != NULL)
        add(&words, "--command", self);
    if (viewer->output != NULL)
        add(&words, "--output", viewer->output);
    if (viewer->started)
        add(&words, "--started", NULL);
    add(&words, "--", viewer->path);
    words.items[words.count] = NULL;
    execv(program, (char *const *)words.items);
    cli_warn("'%s' cannot be started: %s", program, strerror(errno));
    free(program);
    free(self);
    return CLI_UNREADABLE;
}

int viewer_check_terminal(const struct cli_command *command, const struct viewer_args *args)
{
    if (args->script == NULL && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)))
        return cli_usage(command, "it needs a terminal; for scripts use 'reftrack report', or --script");
    return -1;
}

struct search {
    const struct cli_session *session;
    uint32_t recorder;
};

static void look_at(void *ctx, const struct ask_process *process)
{
    struct search *search = ctx;
    if (process->pid == search->session->info->pid)
        search->recorder = process->recorder_pid;
}

/* Recorders of other users do not answer. */
static bool is_own(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && st.st_uid == geteuid();
}

int viewer_of_session(const struct cli_command *command, const struct cli_common *common,
                      const struct viewer_args *args, const char *path)
{
    struct cli_common quiet = *common;
    struct cli_session session;
    int code = viewer_check_terminal(command, args);
    if (code >= 0)
        return code;
    quiet.quiet = true; /* which trace it is stands on the screen */
    code = cli_session_open(&session, &quiet, path, CLI_PART_TRACE);
    if (code < 0) {
        struct search search = { .session = &session };
        if (session.running)
            ask_each(look_at, &search);
        const struct viewer viewer = { .common = common,
                                       .args = args,
                                       .path = session.path,
                                       .pid = session.running ? session.info->pid : 0,
                                       .recorder = search.recorder,
                                       .orphan = session.running && search.recorder == 0 && is_own(session.path) };
        code = viewer_exec(&viewer);
    }
    cli_session_close(&session);
    return code;
}
