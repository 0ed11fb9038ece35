/* cycles.h: from the cycle counter of the processor to nanoseconds.
 *
 * Both clocks are read together now and then. Between two readings time goes evenly; before the first and behind the
 * last it stands still, so any number of cycles, also one that a hostile program made up, leads to a moment that was
 * recorded. The mapping never falls, whatever the readings say, and is as good at each reading as that was: an error
 * of the counter's rate cannot add up.
 *
 * Nothing changes behind a moment that was told while the readings around it are among the newest CYCLES_RECENT. Older
 * ones are thinned so that what is left is spread over the whole time: for the rings of a flight recording, which reach
 * back far, and for threads that were stopped between reading the counter and writing their record.
 *
 * Not thread-safe. Only cycles_now and cycles_unusable look at the machine. */
#ifndef RECORDER_CYCLES_H
#define RECORDER_CYCLES_H

#include <stdbool.h>
#include <stdint.h>

struct cycles_point {
    uint64_t cycles, ns;
};

enum { CYCLES_OLD = 4096, CYCLES_RECENT = 512 };

struct cycles;

/* Without any reading; free() ends it. NULL: no memory. */
struct cycles *cycles_create(void);
/* A reading of both clocks. One that is not later than the last one by both is left out; when the counter went back
 * (the machine was restored from an image), everything before is forgotten. */
void cycles_add(struct cycles *c, uint64_t cycles, uint64_t ns);
/* The last reading that counts; zeros without any. */
struct cycles_point cycles_last(const struct cycles *c);
uint64_t cycles_ns(const struct cycles *c, uint64_t cycles);

/* Reads the counter and CLOCK_MONOTONIC. */
struct cycles_point cycles_now(void);

/* Why the counter cannot serve as a clock on this machine, in a few words; NULL: it can. It must run at one rate on all
 * processors whatever they do, and the kernel must not have found it wanting. */
const char *cycles_unusable(void);
/* The decision behind it. invariant: the processor promises that rate. current, available: what the kernel says about
 * clock sources, as in /sys/devices/system/clocksource/clocksource0; "" unknown. */
const char *cycles_judge(bool invariant, const char *current, const char *available);

#endif
