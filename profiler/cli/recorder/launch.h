/* launch.h: starting a program under a recorder, and explaining why one stayed silent. */
#ifndef RECORDER_LAUNCH_H
#define RECORDER_LAUNCH_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include <prof/error.h>

struct launch {
    char *const *argv;       /* program and arguments, NULL-terminated; the program is searched in PATH */
    const char *socket;      /* of the recorder */
    const char *preload;     /* libtrack-preload.so, NULL: the program carries libtrack itself */
    const char *options;     /* more TRACK_OPTIONS, in front of the socket; NULL none */
    const sigset_t *signals; /* the mask the program gets */
    int files[3];            /* that become its standard files; -1: those of the caller */
    bool session;            /* it leads a session of its own; a terminal among its files is that session's */
    bool fill;               /* memory of glibc's malloc is filled when it is handed out */
};

/* Starts the program: standard files, signal handlers, limits and working directory are those of the caller. On failure
 * *ret_code is 127 (not found), 126 (cannot be executed) or 125. */
struct prof_error *launch_program(const struct launch *launch, pid_t *ret_pid, int *ret_code)
    __attribute__((warn_unused_result));

/* Path of libtrack-preload.so: beside the running executable, in its build tree, or where it was installed. malloc'ed;
 * NULL: not found. */
char *launch_find_preload(void);
/* The folder of the shipped adapters, in the build tree or where it was installed. malloc'ed; NULL: not found. */
char *launch_find_adapters(void);
/* reftrack-tui, as launch_find_preload. */
char *launch_find_viewer(void);

/* Why a program that ran never said hello, as one sentence about it ("is statically linked"): malloc'ed, NULL: no idea.
 */
char *launch_why_silent(const char *program);

/* Ends every descriptor that this process inherited and that somebody may wait for: all that are not close-on-exec,
 * except `keep` (-1: none). Standard files become /dev/null. */
void launch_detach_files(int keep);

#endif
