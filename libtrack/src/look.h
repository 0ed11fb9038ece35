/* look.h: asking the recorder to look at the memory of this process. Internal.
 *
 * Any thread, any time, never fails, no lock, errno is kept. A handler that interrupted the engine, a look of its own
 * thread included, is refused. */
#ifndef TRACK_LOOK_H
#define TRACK_LOOK_H

#include "engine.h"

enum { TRK_LOOK_NUMBERS = 10 };

/* Frozen: it goes from copy to copy (struct trk_engine_table). */
struct trk_look_ask {
    uint32_t why;      /* enum trk_memory_why */
    uint32_t check;    /* enum trk_leak_check_kind */
    const char *name;  /* may be NULL */
    uint64_t *numbers; /* TRK_LOOK_NUMBERS of struct trk_shm_look, or NULL; untouched without an answer */
};

/* Waits until the recorder looked: TRK_YES; for a leak check TRK_YES or TRK_NO as it found. TRK_NO: this recording
 * reads no memory. TRK_UNKNOWN: nobody records, the recording does not want this look, somebody else's took too long,
 * or this one did: longer than TRACK_OPTIONS=look_ms; at exit, before it was begun. */
int trk_look(const struct trk_look_ask *what);

#endif
