/* trend.h: what trend.c counts at moments of a run, for trend_tell.c. Layer-private. */
#ifndef ANALYSIS_TREND_H
#define ANALYSIS_TREND_H

#include <prof/growth.h>

#include "analysis.h"

/* Where in the stream a moment is: behind so many events, or behind the last event not later than a time. */
struct trend_plan {
    const char *mark; /* NULL: none */
    bool by_events;   /* else by time */
    uint64_t at_us, events;
};

/* Each has one row of `then`, with the same index. */
struct trend_kind {
    bool blocks;
    prof_type_id type;
    uint32_t site, stack;
};
struct trend_edge {
    const char *from, *field; /* interned */
    const char *object;       /* == from when it is an object; NULL */
    bool root;
    bool seen; /* pointers in memory that nobody told of: the row is by look, not by moment */
    prof_type_id to;
    uint64_t newest_us; /* of the last moment, as the next two */
    uint64_t slot;
    uint32_t serial;
};
struct trend_insert { /* references of an edge taken at a site */
    uint32_t edge, site, stack;
    uint64_t first, last, last_us;
};
struct trend_left {           /* references to a type that were put at one stack and left at another */
    const char *from, *field; /* interned: the object that they left; NULL: no object */
    prof_type_id type;
    uint32_t put, left;
    uint64_t last_us;
};
/* Who was alive at the first moment, by object id. */
struct trend_id {
    prof_type_id type;
    uint32_t serial;
};

struct prof_growth {
    struct analysis a; /* its heap is the replayed one while that is there, else the one that was given */
    struct prof_heap *heap;
    const struct prof_growth_options *options; /* while it is made */
    bool windowed;                             /* what happened before the first moment does not count */
    struct trend_plan plan[PROF_GROWTH_MOMENTS];
    size_t planned, next; /* next: index into plan */
    struct prof_growth_moment moments[PROF_GROWTH_MOMENTS];
    size_t moment_count;
    struct prof_growth_moment looks[PROF_GROWTH_MOMENTS]; /* when memory was read */
    size_t look_count;
    uint64_t look_number;   /* of the last one and 1, 0 none */
    uint64_t moment_events; /* applied before the last moment */
    bool failed;            /* no memory, in a callback that cannot say so */

    PROF_VEC(struct trend_kind) kinds;
    PROF_VEC(struct trend_edge) edges;
    PROF_VEC(struct trend_insert) inserts;
    PROF_VEC(struct trend_left) lefts;
    /* Rows of PROF_GROWTH_MOMENTS each; of lefts by interval: 0 before the first moment. */
    PROF_VEC(struct prof_then) kind_then, edge_then, type_then;
    PROF_VEC(uint64_t) left_counts;
    struct map kind_of, edge_of, insert_of, left_of, field_of_block;
    PROF_VEC(const char *) block_fields;
    struct trend_id *first_ids;
    uint32_t first_max;

    /* Results. */
    PROF_VEC(struct prof_growth_kind) told_kinds;
    PROF_VEC(struct prof_growth_new) told_news;
    PROF_VEC(struct prof_growth_edge) told_edges;
    size_t rising; /* all edges above their peak */
};

static inline struct prof_then *trend_row(struct prof_then *rows, size_t index)
{
    return rows + index * PROF_GROWTH_MOMENTS;
}

/* ---- trend.c ---- */
/* The edge of a reference, or of a pointer that was seen in memory; false without memory. *ret UINT32_MAX: it is held
 * by nothing. */
bool trend_edge_of(struct prof_growth *g, const struct prof_open *open, prof_type_id to, bool seen, uint32_t *ret);
/* Of the last moment, or look, only what it says itself stays. */
void trend_forget(struct prof_growth *g, bool seen);

/* ---- trend_look.c ---- */
/* Counts what memory says now, in the replayed heap. false without memory. */
bool trend_look(struct prof_growth *g, const struct prof_memory *memory);

/* ---- trend_fold.c ---- */
/* Joins edges from elements of arrays whose field has no name. false without memory. */
bool trend_fold(struct prof_growth *g);

/* ---- trend_tell.c ---- */
/* Everything new at the last moment, which is now. false without memory. */
bool trend_news(struct prof_growth *g);
/* Results from rows. false without memory. */
bool trend_tell(struct prof_growth *g);

#endif
