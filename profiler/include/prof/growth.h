/* prof/growth.h: what becomes more from moment to moment of a run: objects by type and site, and references by holder,
 * field and type.
 *
 * Layer analysis. Moments are the program's marks when there are enough of them between the ends of the window, else
 * evenly spaced ones as well (by events when the run is shorter than a second). Costs one replay of the trace, and at
 * each moment a walk over what is alive then; memory for one more heap. What grew is compared with its peak at the
 * moments before, so that what fills up again (a cache) is silent; where there are two marks, at marks and the ends of
 * the window only, as in the findings (PROF_GROWTH), which ask for more besides. Nothing here is a verdict: a trend may
 * be meant.
 *
 * Read-only once made; texts are borrowed until prof_growth_destroy. */
#ifndef PROF_GROWTH_H
#define PROF_GROWTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <prof/error.h>
#include <prof/heap.h>
#include <prof/symbol.h>

enum {
    PROF_GROWTH_MOMENTS = 32, /* at most */
    PROF_GROWTH_ENOUGH = 4,   /* fewer say nothing about edges */
    PROF_GROWTH_LOOKS = 2,    /* fewer looks at memory say nothing about pointers */
    PROF_GROWTH_SAMPLES = 4,
    PROF_GROWTH_EDGES = 64, /* told at most */
};

struct prof_growth_moment {
    const char *mark; /* NULL: not a mark */
    uint64_t at_us;
    uint64_t live_objects, live_bytes; /* bytes of all blocks */
};

/* Something at each moment, and what that means. */
struct prof_growth_series {
    bool seen; /* pointers in memory: its moments are those at which memory was read (prof_growth_moments_of) */
    const struct prof_then *then; /* by moment */
    size_t peak_at;               /* the moment with the most of it, up to where it began to rise to what it is now */
    bool grows;                  /* there is more of it at the last moment than there was then; of blocks, more bytes */
    uint64_t delta, delta_bytes; /* how much more */
    double per_minute;           /* slope over what is compared, by least squares; of blocks, bytes */
    double percent_per_minute;   /* of its mean */
};

/* A type, whatever is above the site; or plain blocks of one site. */
struct prof_growth_kind {
    bool blocks;
    const char *type; /* "" for blocks */
    uint32_t stack;   /* of birth: one of those with this site */
    struct prof_growth_series series;
};

/* Who is there at the last moment, and was not at the first. */
struct prof_growth_new {
    const char *type;
    uint64_t old, current, fresh; /* alive at the first and the last moment, and those of the last that are new */
    double per_minute;            /* slope of all of the type */
    uint32_t samples[PROF_GROWTH_SAMPLES]; /* serials of new ones, the oldest */
    size_t sample_count;
};

struct prof_growth_inserter {
    uint32_t stack;
    uint64_t first, last; /* references taken there that are open at the first and the last moment */
    uint64_t last_us;     /* when the newest of these was taken */
};
/* Where references of this type were given back, or moved on, that had been put where those of the edge were put. Of
 * holders that are objects only what left that field of theirs; else a guess, by sites. */
struct prof_growth_remover {
    uint32_t stack;
    uint64_t before;      /* ahead of a window that begins later than the trace */
    uint64_t count, late; /* in the window; of these, while the last half of what was added was added */
    uint64_t last_us;     /* when that was last done: late is 0: it has stopped */
};

/* References from one field of one kind of holder to one type. Where series.seen: pointers that nobody told of, which
 * may be borrowed; nothing is known of who inserts and removes. They are told only of types of which no told references
 * grow. */
struct prof_growth_edge {
    const char *from, *field, *to; /* "Table" "buckets[].val" "Entry"; "global g_cache" "" "Entry" */
    bool root;                     /* from is a variable, not an object or block */
    struct prof_growth_series series;
    const struct prof_growth_inserter *inserters; /* by what they added */
    size_t inserter_count;
    const struct prof_growth_remover *removers; /* those that stopped first, then by number */
    size_t remover_count;
    const char *example_type; /* the newest one leads to this object */
    uint32_t example_serial;
    uint64_t example_slot;
    size_t below; /* growing edges that hang below what this one leads to: they are not in the list */
};

struct prof_growth_options {
    uint64_t from_us;      /* window of the comparison; it ends where the heap does */
    const char *from_mark; /* wins; NULL */
    unsigned moments;      /* evenly spaced ones, 0: 8; at most PROF_GROWTH_MOMENTS */
    bool (*progress)(void *ctx, uint64_t done_bytes, uint64_t all_bytes);
    void *progress_ctx;
};
struct prof_growth;
/* heap and symbols must outlive it. */
struct prof_error *prof_growth_create(struct prof_heap *heap, struct prof_symbols *symbols,
                                      const struct prof_growth_options *options, struct prof_growth **ret);
void prof_growth_destroy(struct prof_growth *growth);

size_t prof_growth_moments(const struct prof_growth *growth, const struct prof_growth_moment **ret);
/* Those of a series. */
size_t prof_growth_moments_of(const struct prof_growth *growth, const struct prof_growth_series *series,
                              const struct prof_growth_moment **ret);
/* Those above their peak, by bytes. */
size_t prof_growth_kinds(const struct prof_growth *growth, const struct prof_growth_kind **ret);
/* Types with something new, by how many. */
size_t prof_growth_news(const struct prof_growth *growth, const struct prof_growth_new **ret);
/* The edges above their peak that lead to all others, by the bytes that they added; none of told ones with too few
 * moments.
 * *ret_all: how many of all edges are above their peak. */
size_t prof_growth_edges(const struct prof_growth *growth, const struct prof_growth_edge **ret, size_t *ret_all);

#endif
