/* track/layout.h: what verbs that are written in place (track/inline.h) know of the recorder's state in a thread.
 * Version 1, frozen: binaries were compiled with it. Not for use by programs. */
#ifndef TRACK_LAYOUT_H
#define TRACK_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

/* A thread's ring, version 1: its first 72 bytes. The thread itself changes it and a signal handler in it may, at any
 * point; all may become 0 at any point (after fork, at the end of a recording), and then limit 0 leads to the call and
 * delta 0 and mask 0 send a write that is under way to `scratch`. */
struct trk_inline_ring {
    uint64_t scratch[2];
    uint64_t cursor; /* position of the next slot */
    uint64_t limit;  /* write in place only in front of it */
    int64_t delta;   /* from this struct to the slots */
    uint64_t mask;   /* slots - 1 */
    uint64_t tick;   /* time of the last record */
    uint32_t shift;  /* log2 of the slots */
    uint32_t era;    /* recording */
    uint64_t extras; /* slots that begin no event */
};

/* In a thread's local storage, version 1. */
struct trk_inline_self {
    struct trk_inline_ring *ring; /* NULL: call */
    const uint64_t *clock;        /* it differs from tick: call */
};

/* First argument of trk_inline_v1: an operation, and what is told. */
enum {
    TRK_INLINE_REF = 9,
    TRK_INLINE_UNREF = 10,
    TRK_INLINE_OP = 0x3f,
    TRK_INLINE_COUNT = 0x100, /* count is told */
    TRK_INLINE_SEQ = 0x200,   /* seq is told */
};

/* A place's word, 0 or: distance of struct trk_inline_self from the thread pointer << 32 | site << 8 | low bits of era.
 * A site has 24 bits: the upper four go to bit 13 of a record's first word, the others to the start of its second. */
enum { TRK_INLINE_WORD_SELF = 32, TRK_INLINE_WORD_SITE = 8 };

/* Of records, as in track/format.h. */
enum {
    TRK_INLINE_COUNT_MAX = 61,
    TRK_INLINE_COUNT_UNKNOWN = 63,
    TRK_INLINE_OBJ_SHIFT = 17,
    TRK_INLINE_ARG_SHIFT = 20,
    TRK_INLINE_SEQ_SLOT = 9 << 7 | 1 << 1, /* the slot with the number of a change */
};
#define TRK_INLINE_SLOT_UNFIT 0xffff800000000007u /* addresses with one of these bits do not fit */

#endif
