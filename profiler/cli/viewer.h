/* viewer.h: starting reftrack-tui, for all commands that do. */
#ifndef CLI_VIEWER_H
#define CLI_VIEWER_H

#include "cli.h"

/* How it looks and what it reads, as given: viewer_options. */
struct viewer_args {
    bool ascii, no_mouse, no_config, read_only;
    const char *theme, *script, *size, *config, *state;
    struct cli_list suppressions;
};
extern const struct cli_option viewer_options[];

struct viewer {
    const struct cli_common *common;
    const struct viewer_args *args;
    const char *path;   /* of the trace */
    uint32_t pid;       /* of its process, which runs; 0: it does not */
    uint32_t recorder;  /* the process that records it; 0: not known */
    bool orphan;        /* nobody records it any more */
    bool started;       /* this command started it: at the end it is asked what becomes of it */
    const char *output; /* the file that it writes to; NULL: not known */
};
/* Exit codes of the viewer of a program that was started for it, and runs. */
enum { VIEWER_ENDS = 40 /* is to be ended */, VIEWER_LEAVES = 41 /* is to be left alone */ };
/* Becomes the viewer; returns an exit code after it printed why not. */
int viewer_exec(const struct viewer *viewer);

/* A terminal is there, or a script takes its place: -1, or the exit code after a usage error. */
int viewer_check_terminal(const struct cli_command *command, const struct viewer_args *args);
/* The trace, or that of --pid, in the viewer. */
int viewer_of_session(const struct cli_command *command, const struct cli_common *common,
                      const struct viewer_args *args, const char *path);

#endif
