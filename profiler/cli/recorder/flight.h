/* flight.h: what a ring that nobody drains still holds.
 *
 * In flight mode the producer never waits: it writes over its oldest slots. The ring then holds the last lap of its
 * log, and the lap bits tell how far: behind a position that the producer is known to have reached, slots are new as
 * long as their bit is the one of that lap. Pure functions on memory that a running producer may change at any time. */
#ifndef RECORDER_FLIGHT_H
#define RECORDER_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <track/format.h>

enum {
    FLIGHT_GAP = 64,    /* widest run of unwritten slots in front of written ones: records of nested handlers */
    FLIGHT_MARGIN = 64, /* slots in front of the newest one that a running producer may be writing */
};

struct flight_ring {
    const struct trk_slot *slots;
    uint32_t log2_slots;
};

/* A position and how many events (as rec_is_event counts) stand before it, exactly, as the producer last told. */
struct flight_base {
    uint64_t position, events;
};
struct flight_base flight_base(const struct trk_shm_ring *shm);

/* The last lap. */
struct flight_window {
    struct trk_slot *slots; /* count of them, malloc'ed; lap bits cleared; TRK_OP_NONE where nothing was written */
    size_t count;
    uint64_t first;     /* position of the first */
    uint64_t before;    /* events that were written before it, and are gone */
    uint64_t unwritten; /* records that were begun and not finished */
    bool cut;           /* something was written over: it begins inside the log */
};

/* The position behind the newest slot. base: a position that was reached, not more than a quarter lap (and some
 * records) ago. */
uint64_t flight_cursor(const struct flight_ring *ring, uint64_t base);

/* Copies the last lap. again, again_shm: where ring and header are looked at once more after copying when the producer
 * may have gone on meanwhile (the same memory, or a later copy of it); what it may have touched is left out then. NULL:
 * it did not. false: no memory. */
bool flight_copy(const struct flight_ring *ring, const struct trk_shm_ring *shm, const struct flight_ring *again,
                 const struct trk_shm_ring *again_shm, struct flight_window *ret);

/* Index of the first slot from which on the window has everything of every tick in it: 0 when it is not cut, else that
 * of the first record at which the clock moved (or, when it did not, that tells it: everything is from one tick then).
 * *ret_us: that time; UINT64_MAX when no record tells it (index 0 then). */
size_t flight_begin(const struct flight_window *window, uint64_t *ret_us);
/* The time of the first record that tells it; otherwise, when none does. */
uint64_t flight_first_us(const struct flight_window *window, uint64_t otherwise);
/* Index of the first slot at or behind `from` that is not older than us; count when there is none. */
size_t flight_since(const struct flight_window *window, size_t from, uint64_t us);
/* Events in slots [from, to). */
uint64_t flight_events(const struct flight_window *window, size_t from, size_t to);

#endif
