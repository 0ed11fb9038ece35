/* emitter.h: numbered events: what a recording must contain is known without asking the recorder.
 *
 * A program issues events in lanes, numbered from 0 in each lane, and keeps in a shared page how many were begun and
 * how many are done. The page outlives the program, however that ends. Afterwards `audit` compares a trace with it.
 * The event number N of lane L is trk_ref(EMITTER_OBJECT + 16 * L, EMITTER_SLOT + 8 * N).
 *
 * A lane has one writer at a time: a thread, a handler that is never interrupted by itself, or a coroutine. */
#ifndef HARNESS_ISSUE_H
#define HARNESS_ISSUE_H

#include <stdint.h>

#define EMITTER_OBJECT 0x100000ull
#define EMITTER_SLOT   0x10000000ull
#define EMITTER_MAGIC  0x6575737369ull

enum { EMITTER_LANES = 1024 };

/* All members are written by the lane's writer and read by others after its end. */
struct emitter_lane {
    uint64_t begun;
    uint64_t done; /* equal to begun, or one less while an event is on its way */
    uint64_t torn; /* left by a jump before they were done */
    uint32_t pid;
    uint32_t pad;
};

struct emitter_page {
    uint64_t magic;
    uint64_t handled;    /* signals handled; atomic */
    uint64_t allocated;  /* malloc calls that the program counted itself; atomic */
    uint64_t smaps_peak; /* bytes; written by programs that measure themselves */
    struct emitter_lane lane[EMITTER_LANES];
};

/* Only in programs that emitter: */

/* The page named by EMITTER_PAGE, or private memory. */
struct emitter_page *emitter_map(void);
extern struct emitter_page *emitter_page;

/* Issues the next event of a lane. Async-signal-safe. */
void emit(unsigned lane);

/* emitter_odd.c: programs that do to themselves what programs do; named by argv[1]. Returns an exit code, -1: no such
 * program. */
int emitter_odd(const char *name, long a, long b);
/* emitter_die.c: programs that end in many ways; the same. */
int emitter_die(const char *name, long a, long b);

#endif
