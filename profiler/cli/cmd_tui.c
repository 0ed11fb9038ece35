/* cmd_tui.c: finds the trace, or that of a running program, and becomes the viewer, which is a program of its own. */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recorder/launch.h"

struct tui_args {
    bool ascii, no_mouse;
    bool no_config;
    const char *theme, *script, *size, *config, *state;
    struct cli_list suppressions;
};
static const struct cli_option options[] = {
    { .name = "ascii",
      .kind = CLI_FLAG,
      .offset = offsetof(struct tui_args, ascii),
      .help = "draw with ASCII characters (the default where the locale is not UTF-8)" },
    { .name = "no-mouse",
      .kind = CLI_FLAG,
      .offset = offsetof(struct tui_args, no_mouse),
      .help = "leave the mouse to the terminal" },
    { .name = "theme",
      .kind = CLI_TEXT,
      .offset = offsetof(struct tui_args, theme),
      .argument = "THEME",
      .help = "colours: default, light, mono or contrast (NO_COLOR and --color=never mean mono)" },
    { .name = "config",
      .kind = CLI_TEXT,
      .offset = offsetof(struct tui_args, config),
      .argument = "FILE",
      .hint = CLI_HINT_FILE,
      .help = "options, keys and colours are those of FILE instead of $XDG_CONFIG_HOME/reftrack/tuirc" },
    { .name = "no-config",
      .kind = CLI_FLAG,
      .offset = offsetof(struct tui_args, no_config),
      .help = "they are those that stand when nothing is configured; nothing is remembered, either" },
    { .name = "state",
      .kind = CLI_TEXT,
      .offset = offsetof(struct tui_args, state),
      .argument = "FILE",
      .hint = CLI_HINT_FILE,
      .help = "order and columns of lists are remembered in FILE instead of $XDG_STATE_HOME/reftrack/state" },
    { .name = "suppressions",
      .kind = CLI_LIST,
      .offset = offsetof(struct tui_args, suppressions),
      .argument = "FILE",
      .hint = CLI_HINT_FILE,
      .help = "findings that match this file's rules are excluded (x shows them; i adds rules to a file)" },
    { .name = "script",
      .kind = CLI_TEXT,
      .offset = offsetof(struct tui_args, script),
      .argument = "FILE",
      .hint = CLI_HINT_FILE,
      .help = "no terminal: press the keys in FILE (-: standard input) and print screens where it says 'show'" },
    { .name = "size",
      .kind = CLI_TEXT,
      .offset = offsetof(struct tui_args, size),
      .argument = "COLUMNSxROWS",
      .help = "size of these screens (80x24)" },
    { 0 }
};
static const char *const examples[] = {
    "reftrack tui",
    "Browse the newest trace of this folder.",
    "reftrack tui --pid 4711",
    "Watch a program that is being recorded; it is not touched.",
    NULL,
};

const struct cli_command cli_command_tui = {
    .name = "tui",
    .main = cmd_tui,
    .synopsis = "[TRACE]",
    .summary = "browse a trace, or a program that is being recorded, in the terminal",
    .about = "An overview, types, objects, who holds whom, cycles, leaks with their evidence, sites, marks, what "
             "grows; at any moment "
             "of the trace. '?' lists the keys. Lines of a script: key NAME ..., type TEXT, do COMMAND, click "
             "COLUMN,ROW (also double-click, wheel-up, wheel-down), resize COLUMNSxROWS, show, roles.",
    .options = options,
    .examples = examples,
    .groups = CLI_GROUP_TRACE | CLI_GROUP_PID,
    .operands_max = 1,
    .operand_hint = CLI_HINT_TRACE,
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

static int become_viewer(const struct cli_session *session, const struct cli_common *common,
                         const struct tui_args *args)
{
    struct words words = { .count = 0 };
    char pid[16];
    char *viewer = launch_find_viewer();
    if (viewer == NULL)
        return cli_error(prof_error_create(PROF_ERROR_NOT_FOUND, "reftrack-tui is neither beside this program nor "
                                                                 "installed; is the installation complete?"));
    add(&words, viewer, NULL);
    if (args->ascii)
        add(&words, "--ascii", NULL);
    if (args->no_mouse)
        add(&words, "--no-mouse", NULL);
    if (args->theme != NULL || common->color == CLI_NEVER)
        add(&words, "--theme", args->theme != NULL ? args->theme : "mono");
    if (common->units != PROF_UNITS_IEC)
        add(&words, "--units", common->units == PROF_UNITS_SI ? "si" : "bytes");
    if (args->config != NULL)
        add(&words, "--config", args->config);
    if (args->state != NULL)
        add(&words, "--state", args->state);
    if (args->no_config)
        add(&words, "--no-config", NULL);
    for (size_t i = 0; i < args->suppressions.count; i++)
        add(&words, "--suppressions", args->suppressions.items[i]);
    if (args->script != NULL)
        add(&words, "--script", args->script);
    if (args->size != NULL)
        add(&words, "--size", args->size);
    if (common->symfs != NULL)
        add(&words, "--symfs", common->symfs);
    for (size_t i = 0; i < common->wrappers.count; i++)
        add(&words, "--wrapper", common->wrappers.items[i]);
    if (session->running) {
        snprintf(pid, sizeof pid, "%u", session->info->pid);
        add(&words, "--pid", pid);
    }
    add(&words, "--", session->path);
    words.items[words.count] = NULL;
    execv(viewer, (char *const *)words.items);
    cli_warn("'%s' cannot be started: %s", viewer, strerror(errno));
    free(viewer);
    return CLI_UNREADABLE;
}

int cmd_tui(int argc, char **argv)
{
    struct tui_args args = { .ascii = false };
    struct cli_common common;
    struct cli_operands operands;
    struct cli_session session;
    int code = cli_parse(&cli_command_tui, argc, argv, &args, &common, &operands);
    if (code >= 0)
        return code;
    if (args.script == NULL && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)))
        return cli_usage(&cli_command_tui, "it needs a terminal; for scripts use 'reftrack report', or --script");
    common.quiet = true; /* which trace it is stands on the screen */
    code = cli_session_open(&session, &common, operands.items[0], CLI_PART_TRACE);
    if (code < 0)
        code = become_viewer(&session, &common, &args);
    cli_session_close(&session);
    return code;
}
