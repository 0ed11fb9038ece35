/* merge.h: the merge of a trace and the live one are the same; they differ in where blocks come from. Private to this
 * folder. */
#ifndef INPUT_MERGE_H
#define INPUT_MERGE_H

#include "order.h"

#include <prof/memory.h>

/* What a merge asks of whoever feeds it. */
struct merge_source {
    /* The next block in order of rounds, given away; *ret NULL: there is none (yet). */
    struct prof_error *(*next)(void *ctx, struct loaded **ret);
    /* A second ring appeared, and until then no states were kept: applies all blocks in front of `place` to them. */
    struct prof_error *(*catch_up)(void *ctx, struct causal *states, size_t place);
    /* Everything in front of `place` (SIZE_MAX: all) was handed on; an error ends the merge. May be NULL. */
    struct prof_error *(*used)(void *ctx, size_t place);
    /* The checkpoint of this number among those that were announced, shared; *ret NULL: it cannot be used. May be NULL
     * when none is announced without its contents. */
    struct prof_error *(*memory)(void *ctx, size_t number, const struct prof_memory **ret);
};

/* A checkpoint that waits for its place. */
struct merge_memory {
    uint64_t round;
    size_t number;
    const struct prof_memory *memory; /* shared; NULL: the source has it */
};

struct prof_merge {
    struct outlet out;
    struct order order;
    const struct merge_source *source;
    void *source_ctx;
    struct loaded *waiting; /* taken from the source, but of a later round */
    bool merging;           /* states are kept: there was more than one ring, or nobody can catch up */
    size_t window_bytes;    /* of the blocks that rings have */
    uint64_t max_round;
    struct loaded *queue, **queue_end;      /* of a live merge: added, not yet asked for */
    PROF_VEC(struct merge_memory) memories; /* in order of rounds */
    size_t memory_at;                       /* those in front of it were handed on */
    uint64_t begun;                         /* behind the last round of which something was handed on */
};

/* flags: TRK_FILE_* of the trace. */
bool merge_init(struct prof_merge *merge, uint32_t flags, const struct prof_trace_sink *sink, void *ctx,
                const struct merge_source *source, void *source_ctx);
void merge_deinit(struct prof_merge *merge);
/* Hands on all events up to `round` that the source has. Afterwards the sink has seen all that was handed on. */
struct prof_error *merge_run(struct prof_merge *merge, uint64_t round);
/* The same, looking for what is missing as far as the round `most`, which is a later one and known as a whole. */
struct prof_error *merge_run_within(struct prof_merge *merge, uint64_t round, uint64_t most);
/* Did some event that was looked at bear the number of its change? */
bool merge_numbered(const struct prof_merge *merge);
/* When there are numbers, in what was handed on or (`numbered`) before: makes the states of it, if they were not needed
 * until now. */
struct prof_error *merge_states(struct prof_merge *merge, bool numbered);
/* Nothing comes after this: hands on the memory samples that are left. */
struct prof_error *merge_end(struct prof_merge *merge);
struct prof_error *merge_mem(struct prof_merge *merge, const struct trk_mem *mem);
/* A checkpoint comes behind this round, or behind the one before it. memory: taken over also on failure; NULL: the
 * source has it by this number. */
struct prof_error *merge_memory(struct prof_merge *merge, uint64_t round, size_t number,
                                const struct prof_memory *memory);
/* First slots seen so far. */
uint64_t merge_records(const struct prof_merge *merge);
/* Tells for every ring how far the sink's knowledge of it goes, as prof_merge_rest has it: the time reached, and the
 * first slots up to there. */
void merge_rings(const struct prof_merge *merge,
                 void (*each)(void *ctx, uint32_t ring, uint64_t time_us, uint64_t records), void *ctx);
/* After merge_run: was it done with whole rounds, which may be fewer, and all of the round behind `round` in view? */
bool merge_reached(const struct prof_merge *merge, uint64_t round);

#endif
