/* resume.h: an index as the replay reads it. Private to this folder. */
#ifndef INPUT_RESUME_PRIVATE_H
#define INPUT_RESUME_PRIVATE_H

#include "replay.h"

#include <prof/resume.h>

struct resume_ring {
    uint32_t number;
    uint64_t time_us;
};
struct prof_resume {
    struct prof_trace *index;
    uint64_t offset; /* in the trace, where the blocks begin that the index does not stand for */
    size_t begin;    /* the same in its stream */
    uint64_t round;  /* that the state stands for */
    uint64_t records;
    uint64_t loaded; /* blocks of rounds up to this one were in view: what is asked for once more costs other turns */
    size_t memories; /* checkpoints of the trace that the state stands for: as many of the first */
    size_t known;    /* blocks in front of the index's stream that are no events: see known.c */
    bool numbered;   /* some change bore its number */
    bool merging;    /* the order of several rings was made, with what is known of addresses */
    PROF_VEC(struct resume_ring) rings;
};

/* How many blocks known_write makes; what is known, behind a state; and into it again from the first blocks of an
 * index: what is wrong with them, NULL nothing. */
uint64_t known_blocks(const struct causal *causal);
struct prof_error *known_write(const struct causal *causal, struct prof_writer *writer);
const char *known_read(struct causal *causal, const struct prof_trace *index, size_t blocks);

/* First slots before what the replay reads. */
uint64_t resume_records(const struct replay *r);
/* Runs up to the end of the last round that can be relied on, *ret_round; 0: there is none, as far as is known.
 * *ret_late: only now it is seen that changes bear numbers, so that it went further than that. */
struct prof_error *resume_run(struct replay *r, uint64_t *ret_round, bool *ret_late);
/* The same, and calls when there is one. */
struct prof_error *resume_pause(struct replay *r, void (*paused)(void *ctx, const struct prof_pause *pause));

#endif
