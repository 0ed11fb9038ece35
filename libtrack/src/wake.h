/* wake.h: an idle process can be woken by `reftrack record --pid`. Internal.
 *
 * The page that holds the gates is mapped over by a file that reftrack can write (struct trk_control_page in
 * track/format.h): the branch that every verb has anyway then notices the request, and nothing costs anything while
 * there is none. Raw system calls only; everything is bounded and async-signal-safe. */
#ifndef TRACK_WAKE_H
#define TRACK_WAKE_H

#include "engine.h"

/* The mapped control page of this process, NULL: there is none, it cannot be woken. */
extern struct trk_control_page *trk_wake_page __attribute__((visibility("hidden")));

/* Makes the process wakeable when it may be (wake=0, odd page size, no private directory: not). Once, at start. The
 * file outlives the process: to remove it at the end takes system calls that a program in a sandbox may die of; whoever
 * comes next does it. */
void trk_wake_open(void);
static inline bool trk_wake_ready(void)
{
    return trk_wake_page != NULL;
}

/* Lets the gates of a following copy show what ours show, when they have a page of their own. */
void trk_wake_share(volatile unsigned char *gate, volatile unsigned char *malloc_gate);

/* Around fork, in the parent: decides whether the next child gets a file. In a child, also one that was made behind
 * libc's back and notices now: gives it gates of its own. Not for a child of vfork. */
void trk_wake_before_fork(void);
void trk_wake_child(void);

/* The gate is open and the engine idle: does what was asked, once per request. True when this process records now. */
bool trk_wake_look(void);
/* Recording began; is over. The latter closes the gates, unless the next request is there already. */
void trk_wake_live(void);
void trk_wake_idle(void);

/* A request that nobody has looked at. */
static inline bool trk_wake_asked(void)
{
    const struct trk_control_page *p = trk_wake_page;
    return p != NULL && trk_load32(&p->request) != trk_load32(&p->answered);
}

/* ---- wake_file.c ------------------------------------------------------------------------------------------------- */

enum { TRK_WAKE_NAME = 64, TRK_WAKE_DIR = 256 };

/* Opens, and makes where needed, the directory of this user that nobody else can enter, and writes its path to dir
 * (TRK_WAKE_DIR bytes); a path that is there already is the only one tried. -1: none. */
int trk_wake_file_dir(char *dir);
/* Creates the file of this process with the page as content, pid and start time filled in, and writes its name
 * (TRK_WAKE_NAME bytes). Removes a few files that dead processes left. -1: not possible. */
int trk_wake_file_create(int dir, struct trk_control_page *content, char *name);

#endif
