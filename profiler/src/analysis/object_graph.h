/* object_graph.h: what the files about the object graph share (prof/graph.h). Layer-private. */
#ifndef ANALYSIS_OBJECT_GRAPH_H
#define ANALYSIS_OBJECT_GRAPH_H

#include <prof/graph.h>

#include "hold.h"

/* Labels of edges: enum prof_link_kind in the upper bits, below them an index: of prof_heap_open for slots and holders,
 * into `weak` for weak ones, into the words of the checkpoint for adopted ones and pointers. */
#define LABEL_SHIFT 29
#define LABEL_INDEX ((1u << LABEL_SHIFT) - 1)
static inline enum prof_link_kind label_kind(uint32_t label)
{
    return (enum prof_link_kind)(label >> LABEL_SHIFT);
}

enum node_flags {
    NODE_ALIVE = 1 << 0,
    NODE_PINNED = 1 << 1,
    NODE_ROOT = 1 << 2, /* a root owns a counted reference to it; a root points to it, when it is a block */
};

struct prof_graph {
    struct prof_findings out; /* only its arena is used */
    struct prof_findings_options options;
    struct analysis a;
    struct graph to;   /* node -> what it refers to */
    struct graph from; /* node -> who refers to it, GRAPH_NONE for roots; labels as in `to` */
    uint8_t *flags;    /* by node: enum node_flags */
    int32_t *unowned;  /* by node: references without an owner that is alive */
    PROF_VEC(struct prof_weak) weak;
    struct map name_of; /* by node: index into names */
    PROF_VEC(const char *) names;
};

/* A pointer keeps a plain block alive, a counted reference an object: edges along which memory is retained. */
static inline bool label_retains(const struct prof_graph *g, uint32_t to, uint32_t label)
{
    return to < g->a.n ? prof_link_counted(label_kind(label)) : label_kind(label) != PROF_LINK_WEAK;
}

#endif
