/* attach_proc.h: finding the control page of a process. Internal to attach. */
#ifndef RECORDER_ATTACH_PROC_H
#define RECORDER_ATTACH_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <prof/error.h>
#include <track/format.h>

struct attach_proc {
    pid_t pid;    /* as we see it */
    pid_t ns_pid; /* as it sees itself */
    uid_t uid;
    char program[64];    /* fit to be shown */
    uint64_t start_time; /* clock ticks after boot */
    bool seccomp;
    char path[512]; /* of the control file, as the process sees it; "" none */
    uint64_t inode;
    bool deleted;
};

/* What /proc says about the process. An error tells why it cannot be woken. */
struct prof_error *attach_proc_find(pid_t pid, struct attach_proc *ret) __attribute__((warn_unused_result));
/* Opens and maps its control file after checking owner, directory and identity. On errors *ret_fd may be open. */
struct prof_error *attach_proc_page(const struct attach_proc *proc, int *ret_fd, struct trk_control_page **ret)
    __attribute__((warn_unused_result));
/* Who records it now; 0: nobody who lives. */
pid_t attach_proc_recorder(const struct trk_control_page *page);

#endif
