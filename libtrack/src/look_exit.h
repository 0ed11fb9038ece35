/* look_exit.h: where the program's own frames end when it ends. Internal. */
#ifndef TRACK_LOOK_EXIT_H
#define TRACK_LOOK_EXIT_H

#include "stack.h"

/* The stack pointer of whoever called exit, _exit, _Exit, quick_exit, abort or a failed assert, the innermost of these
 * calls that `at` lies in; of the code that called main when that returned. What is below it are frames of libc and of
 * libtrack, and nothing the program left in them, or in the registers that they saved, will ever be used. sp: the
 * answer when the walk cannot tell. Inside the engine; async-signal-safe. */
uintptr_t trk_look_exit_sp(const struct trk_frame *at, uintptr_t sp);

#endif
