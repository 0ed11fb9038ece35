/* attach.h: waking processes that carry libtrack and record nothing (struct trk_control_page in track/format.h). */
#ifndef RECORDER_ATTACH_H
#define RECORDER_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <prof/error.h>

/* A process that can be woken, or is recorded; held open and locked against other reftracks until attach_close. */
struct attach;

/* Finds the control page of a process of this user. Every reason why there is none, or why it must not be used now
 * (recorded already), is an error that says what to do. */
struct prof_error *attach_open(pid_t pid, struct attach **ret) __attribute__((warn_unused_result));
/* Leaves the page alone and unlocks it; NULL is fine. */
void attach_close(struct attach *attach);

/* Base name of its program; valid until attach_close. */
const char *attach_program(const struct attach *attach);
/* It runs under a seccomp filter: connecting to a socket may end it. */
bool attach_confined(const struct attach *attach);

/* Asks it to record to the recorder behind the socket, at its next event. */
struct prof_error *attach_ask(struct attach *attach, const char *socket) __attribute__((warn_unused_result));
enum attach_answer { ATTACH_WAITS = 0, ATTACH_RECORDS, ATTACH_FAILED };
/* What came of it; *ret_why (for FAILED) is a text for people. */
enum attach_answer attach_answer(const struct attach *attach, const char **ret_why);
/* Takes the request back when it is unanswered, and closes the gates. */
void attach_withdraw(struct attach *attach);

struct attach_row {
    pid_t pid;
    char program[64];
    uint64_t age_s;     /* of the process */
    pid_t recorder_pid; /* 0: it can be woken; else who records it */
    uint32_t wakes_left;
};
/* All processes of this user with a control page, by pid; removes what dead ones left. *ret is malloc'ed. */
struct prof_error *attach_list(struct attach_row **ret, size_t *ret_count) __attribute__((warn_unused_result));

#endif
