/* oracle.h: what the oracle, loaded into a program, tells the test that runs it: one struct in a shared file, because
 * programs end in many ways. All counters are added to atomically, from any thread and any forked child. */
#ifndef TEST_ORACLE_H
#define TEST_ORACLE_H

#include <stdint.h>

/* How a pair of stacks compares. Everything but ORACLE_UNEXPLAINED is understood. */
enum oracle_class {
    ORACLE_SAME,
    ORACLE_ZERO,        /* libunwind adds a frame 0 behind the outermost one */
    ORACLE_SIGNAL,      /* an interrupted instruction: ours is stored as the instruction + 1, libunwind's is not */
    ORACLE_FAST_TRACE,  /* unw_backtrace remembers a wrong step; unw_step, which reads anew, agrees with us */
    ORACLE_NO_ROWS,     /* no table shows the way out: we end there and say so, libunwind guesses on, or the reverse */
    ORACLE_UNEXPLAINED, /* the test fails */
    ORACLE_CLASSES
};

enum { ORACLE_TEXT = 4096 };

struct oracle_results {
    /* Set by the test. */
    uint64_t every;    /* one event of so many is compared */
    uint64_t most;     /* stop comparing after so many */
    uint64_t timer_us; /* also compare in a signal handler at this interval; 0: never */
    uint64_t stop;     /* call oracle_stop for one of so many samples; 0: never */
    uint64_t timed;    /* 1: measure both on every event, compare none */
    /* Set by the oracle. */
    uint64_t loaded;    /* processes that it runs in */
    uint64_t no_unwind; /* processes in which libunwind could not be loaded */
    uint64_t events, samples, interrupts;
    uint64_t classes[ORACLE_CLASSES];
    uint64_t cached_differs; /* samples whose stack through the cache was not that of a fresh walk */
    uint64_t frames;         /* of all samples */
    uint64_t track_cycles, unwind_cycles, timed_events;
    uint64_t text_used;
    char text[ORACLE_TEXT]; /* the first differences that are not understood */
};

#endif
