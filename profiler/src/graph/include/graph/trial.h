/* graph/trial.h: trial deletion. Which objects are alive only because they hold each other, and which only because of
 * counts that nobody explains.
 *
 * The algorithm of CPython's cycle collector (InternalDocs/garbage_collector.md), for a graph that is seen from
 * outside: take the counts, subtract the references among the candidates, and keep what a count that is left over
 * reaches. It is sound for every choice of candidates and for every set of unknown holders, because what is not known
 * can only leave more counts over; it is unsound when an edge is told without its count, so only counted references may
 * be edges. Time is proportional to the candidates and their edges; nothing recurses. */
#ifndef GRAPH_TRIAL_H
#define GRAPH_TRIAL_H

#include <graph/graph.h>

/* By node, given. */
enum trial_flags {
    TRIAL_CANDIDATE = 1 << 0, /* examined; all others count as holders from outside */
    TRIAL_ROOT = 1 << 1,      /* a global, thread-local, stack variable or region owns a reference */
    TRIAL_PINNED = 1 << 2,    /* kept by design: alive, whatever its count */
    TRIAL_TOUCHED = 1 << 3,   /* something happened to it since the cut: alive for this time */
};
/* By node, found. */
enum trial_class {
    TRIAL_OUTSIDE = 0, /* no candidate */
    TRIAL_ALIVE,       /* a root or something kept by design leads to it; when `whole` was not asked for: or a count */
    TRIAL_OVER,        /* only counts that no root and no known holder explains lead to it */
    TRIAL_TRASH,       /* nothing leads to it but what is trash itself */
};
enum trial_notes {
    TRIAL_SOURCE = 1 << 0,    /* of TRIAL_OVER: an unexplained count is its own */
    TRIAL_UNDERFLOW = 1 << 1, /* fewer counts than known references: taken for alive */
};

struct trial {
    const struct graph *graph; /* counted references, as often as they are held; labels are not read */
    const int32_t *count;      /* by node */
    const uint32_t *known;     /* by node: references of roots and references without an owner, NULL none. All are
                                  expected in count */
    const uint8_t *flags;      /* enum trial_flags */
    bool whole;                /* candidates are all there is: tell TRIAL_OVER from TRIAL_ALIVE */
};
struct trial_result {
    uint8_t *class_of; /* by node: enum trial_class */
    uint8_t *notes;    /* by node: enum trial_notes */
    int32_t *left;     /* by node: its count minus the references among the candidates; saturates */
    uint32_t alive, over, trash, underflow;
};
/* false without memory; ret is not touched then. */
bool trial_run(const struct trial *trial, struct trial_result *ret);
void trial_result_deinit(struct trial_result *result);

/* What would die if references were given back: `drop` are nodes that lose one each (they may repeat). Nodes that
 * come to zero die and give back theirs, in the order of ret_died, first in, first out. Counts of nodes that do not die
 * are not changed. Pinned nodes do not die. false without memory. */
struct trial_fall {
    uint32_t *died;
    uint32_t count, room;
};
/* scratch: n entries of 0, and again so afterwards. The room of ret is used again; free(ret->died) when done. */
bool trial_what_if(const struct graph *graph, const int32_t *count, const uint8_t *flags, const uint32_t *drop,
                   size_t drop_count, int32_t *scratch, struct trial_fall *ret);

#endif
