/* prof/salvage.h: takes the good part of a trace over into a new one, which can then be continued and ended.
 *
 * Layer input. The original is only read. */
#ifndef PROF_SALVAGE_H
#define PROF_SALVAGE_H

#include <prof/trace.h>

/* What is known of one ring at the end of what was copied. */
struct prof_salvage_ring {
    uint64_t events; /* first slots but TICK, THREAD, DROP, SKIP: as trk_shm_ring.reached counts them */
    uint64_t now_us; /* by its last TICK or THREAD */
    uint32_t tid;
};
struct prof_salvage {
    uint64_t bytes; /* of the original, up to the end of the last block that was copied */
    uint64_t records, slots;
    uint64_t last_us; /* of the newest record */
    uint64_t round;   /* of the newest event block */
    bool rings_told; /* behind the state, a fold told about the rings what that stands for: `events` counts that, too */
    bool whole;      /* all that prof_trace_open called usable was copied */
    struct prof_salvage_ring rings[TRK_RING_MAX + 1];
};

/* Appends every good block of `from` but END to `to`, up to the first that cannot be used. Event blocks are checked to
 * the last byte, which prof_trace_open does not do. */
struct prof_error *prof_salvage(const struct prof_trace *from, struct prof_writer *to, struct prof_salvage *ret);

/* Appends a block as it stands in another file; only its number changes. records: first slots in it. */
struct prof_error *prof_writer_block(struct prof_writer *w, const struct trk_block *block, const void *stored,
                                     uint64_t records);

#endif
