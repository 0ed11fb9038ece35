/* run_tui.h: `reftrack run --tui`: two processes. One has the terminal and starts the viewer; the other one, in a
 * session of its own, starts the program and records it, as `run` always does.
 *
 * What the program would write to the terminal goes through a terminal of its own into a file, which the viewer shows;
 * it reads nothing from there. What is redirected stays so. */
#ifndef CLI_RUN_TUI_H
#define CLI_RUN_TUI_H

#include "recorder/launch.h"
#include "recorder/recorder.h"
#include "viewer.h"

struct run_tui {
    int link;     /* to the process that has the terminal; -1: this is no `run --tui` */
    int terminal; /* the program's: what it writes comes here; -1: everything is redirected */
    int files[3]; /* of the program, for struct launch */
    char *output; /* the file, malloc'ed; NULL: none */
    bool told;
};

/* Parts the processes. Returns -1 in the one that goes on to record; in the other one, when all is over, the exit code.
 */
int run_tui_begin(struct run_tui *tui, const struct cli_common *common, const struct viewer_args *args,
                  const char *program);
/* For struct launch: where the program's files go. */
void run_tui_launch(const struct run_tui *tui, struct launch *launch);
/* It runs: its output begins to go to the file. */
void run_tui_started(struct run_tui *tui, const struct cli_common *common, const char *program, pid_t pid);
/* Once its trace has a name, the viewer is told of it. To be called again and again. */
void run_tui_tell(struct run_tui *tui, const struct recorder *rec, pid_t pid);
/* The program has ended: records on until the viewer is closed. false: nobody wants to hear how it ended. */
bool run_tui_wait(struct run_tui *tui, struct recorder *rec);
void run_tui_end(struct run_tui *tui);

#endif
