/* look.h: asking the recorder to look at the memory of this process. Internal.
 *
 * Any thread, any time, never fails, no lock, errno is kept. A handler that interrupted the engine, a look of its own
 * thread included, is refused. */
#ifndef TRACK_LOOK_H
#define TRACK_LOOK_H

#include "engine.h"

enum { TRK_LEAK_NUMBERS = 10, TRK_LOOK_NUMBERS = 16 };

/* Frozen: it goes from copy to copy (struct trk_engine_table). What begins at `arg` was added, and is there when the
 * question is TRK_ASK_GC or greater. */
struct trk_look_ask {
    uint32_t why;      /* enum trk_memory_why, or TRK_LOOK_NONE */
    uint32_t question; /* enum trk_question */
    const char *name;  /* may be NULL */
    uint64_t *numbers; /* of struct trk_shm_look, or NULL; untouched without an answer. TRK_LEAK_NUMBERS, later
                          questions TRK_LOOK_NUMBERS */
    uint64_t arg[2];
    uint64_t *list; /* of an answer of TRK_YES: its first `room` words */
    uint64_t room;
};

/* Waits until the recorder looked: TRK_YES; for a question TRK_YES or TRK_NO as it found. TRK_NO: this recording reads
 * no memory. TRK_UNKNOWN: nobody records, the recording does not want this look, somebody else's took too long,
 * or this one did: longer than TRACK_OPTIONS=look_ms; at exit, before it was begun. Questions from TRK_ASK_GC on: what
 * took too long is TRK_TIMEOUT, and they are answered where memory is not read, too. */
int trk_look(const struct trk_look_ask *what);

#endif
