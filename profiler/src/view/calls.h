/* calls.h: the ways of all stacks, of which trees of calls are made. Internal to the view layer. */
#ifndef VIEW_CALLS_H
#define VIEW_CALLS_H

#include "internal.h"
#include "query.h"
#include "stack_sums.h"

#include <prof/calls.h>

/* What has no frame. */
enum spot_kind {
    SPOT_FRAME = 0,
    SPOT_NO_STACK, /* the event has none, or its definition was lost */
    SPOT_CUT,      /* callers were not recorded */
    SPOT_BROKEN,   /* callers could not be followed */
    SPOT_LOST,     /* events that were lost */
    SPOT_KINDS
};
/* A line of a function; a place that has no line. What tells two apart. */
struct spot_identity {
    const char *function, *file; /* interned by the view; file: the module when no file is known */
    uint64_t at;                 /* the line; without a function the offset into the module */
    uint64_t kind;
};
struct spot {
    struct spot_identity id;
    UT_hash_handle hh;
    const struct prof_frame *frame; /* the first that was met; NULL: none */
    uint32_t index, group;
};
/* The spots that are one step of a way: a function, or a line of it. */
struct group {
    struct spot_identity id;
    UT_hash_handle hh;
    const char *key, *name;
    uint32_t index;
};

/* Bits of a step of a way. */
enum { STEP_REPEATED = 1u << 31, STEP_SPOT = STEP_REPEATED - 1 };

struct way {
    uint32_t stack, length;
    uint64_t first; /* of its steps, innermost first */
    struct prof_calls_sum sum;
};

struct prof_calls {
    struct prof_view *view;
    bool by_callee, lines;
    /* While it is made. */
    struct stack_sums sums;
    bool summed;
    size_t next; /* of the sums */
    uint64_t lost;
    struct prof_filter *filter; /* of stacks; NULL: all */
    struct prof_str text;
    struct calls_known *seen; /* frames by address: which spot they are */
    uint32_t *scratch;        /* steps of a stack */

    struct prof_arena arena; /* spots and groups */
    struct spot *spots_by_id;
    struct group *groups_by_id;
    PROF_VEC(struct spot *) spots;
    PROF_VEC(struct group *) groups;
    PROF_VEC(struct way) ways;
    PROF_VEC(uint32_t) steps;
    struct calls_pair {
        uint64_t key, way;
    } * order; /* of ways: those of a node stand together */
    bool failed;
};

/* The step of a way at a level of the tree; level < way->length. */
static inline uint32_t calls_step(const struct prof_calls *calls, const struct way *way, uint32_t level)
{
    return calls->steps.items[way->first + (calls->by_callee ? level : way->length - 1 - level)];
}
static inline uint32_t calls_group(const struct prof_calls *calls, uint32_t step)
{
    return calls->spots.items[step & STEP_SPOT]->group;
}

#endif
