/* job.h: commands of reftrack that the viewer starts for what only they do, such as marks in the trace of a program
 * that runs: processes of their own, so nothing waits for them. One at a time. */
#ifndef TUI_JOB_H
#define TUI_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct tui_app;

enum { TUI_JOB_WORDS = 512 };
/* Zero-initialize. */
struct tui_job {
    pid_t pid; /* 0: none runs */
    int fd;    /* what it says; poll for it while it runs */
    char said[TUI_JOB_WORDS], done[TUI_JOB_WORDS];
    size_t length;
};

/* words: of the command line behind "reftrack", ended by NULL. done: is shown when it went well. Says it when it cannot
 * be started. */
void tui_job_start(struct tui_app *app, const char *const *words, const char *done);
/* Takes what came; says how it ended. true: something to show changed. */
bool tui_job_step(struct tui_app *app);
/* Leaves it alone. */
void tui_job_deinit(struct tui_job *job);

#endif
