/* verb.h: what the files with exported verbs share. Internal. */
#ifndef TRACK_VERB_H
#define TRACK_VERB_H

#include "engine.h"

/* The C functions have names of their own; the symbols are those of track.h. */
#define VERB(name) __asm__(#name) __attribute__((visibility("default"), noinline))

static inline uint64_t trk_arg_bits(uint64_t n)
{
    uint64_t max = ((uint64_t)1 << TRK_ARG_BITS) - 1;
    return n < max ? n : max;
}

static inline void trk_add_ext(struct trk_event *ev, enum trk_ext kind, uint64_t value)
{
    if (ev->exts < TRK_MAX_EXT) {
        ev->ext_kind[ev->exts] = kind;
        ev->ext_value[ev->exts++] = value;
    }
}

#endif
