/* what_if.h: what would be freed if references of what leaks did not count, and what each cause keeps alive alone: by
 * simulation, on a graph of leaked objects and plain blocks. Layer-private.
 *
 * Objects die when their count comes to zero, as in the program (graph/trial.h). A plain block dies when the last
 * pointer to it is gone; blocks that point at each other (a list) are one node for that. What lives takes no part: it
 * neither dies nor is it counted. 30 bytes for each leaked node, 4 for the others, 8 for each edge. Lives as long as
 * the analysis, after classify; not thread-safe. */
#ifndef ANALYSIS_WHAT_IF_H
#define ANALYSIS_WHAT_IF_H

#include <graph/trial.h>

#include "analysis.h"

struct what_if {
    uint32_t *index; /* by node of the analysis: in `graph`, GRAPH_NONE of what does not leak */
    uint32_t *node;  /* by node of `graph`, of objects: in the analysis */
    struct graph graph;
    int32_t *count;
    uint8_t *flags;
    uint64_t *bytes, *objects;             /* of a node: its own */
    uint64_t *retained, *retained_objects; /* of a node: its own and all that only it keeps alive; n + 1 entries */
    int32_t *scratch;
    struct trial_fall fall; /* of the last simulation */
    uint64_t budget;        /* edges that simulations may still look at */
};
/* The one of the analysis, made when it is asked for first; NULL without memory. */
struct what_if *what_if_of(struct analysis *a);
void what_if_free(struct what_if *w);

/* What an object's count is, as far as it is known: in memory, else by the events. */
int32_t what_if_count(const struct analysis *a, prof_obj_id id);
/* References to these nodes of `graph` (of each one, so often as it is there) no longer count: how many objects die,
 * and their bytes with those of blocks. w->fall tells the order. false without memory. */
bool what_if_drop(struct what_if *w, const uint32_t *drop, size_t count, uint64_t *ret_objects, uint64_t *ret_bytes);

#endif
