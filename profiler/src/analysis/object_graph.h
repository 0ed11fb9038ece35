/* object_graph.h: what the files about the object graph share (prof/graph.h). Layer-private. */
#ifndef ANALYSIS_OBJECT_GRAPH_H
#define ANALYSIS_OBJECT_GRAPH_H

#include <graph/dominate.h>
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
    struct graph_dominators dominators; /* empty before prof_graph_dominate, as the next two */
    uint64_t *retained;
    struct graph dominated;                     /* the tree, children by size */
    struct object_ways *ways[PROF_ROOT_COUNT_]; /* by kind of root, NULL before prof_graph_distances */
    struct learned learned;                     /* without memory: which releases serve which takings */
    bool has_learned;
};
struct object_ways {
    uint32_t *distance; /* by node */
    uint32_t *parent;   /* by node reached: from where, GRAPH_NONE: a root */
    uint32_t *label;    /* by node reached: along which edge, 0: a root that has no place */
};

/* ---- object_link.c ---- */
struct prof_link object_link(const struct prof_graph *g, uint32_t from, uint32_t to, uint32_t label);

/* ---- object_size.c, object_path.c ---- */
void object_sizes_deinit(struct prof_graph *g);
void object_ways_deinit(struct prof_graph *g);
/* The edges that retain, as rows of their own, labels are edges of `to`. false without memory. */
bool object_retaining(const struct prof_graph *g, struct graph *ret);
/* Something but a node keeps it alive. */
static inline bool node_is_held(const struct prof_graph *g, uint32_t v)
{
    return (g->flags[v] & NODE_ALIVE) != 0 && ((g->flags[v] & (NODE_PINNED | NODE_ROOT)) != 0 || g->unowned[v] > 0);
}

/* A pointer keeps a plain block alive, a counted reference an object: edges along which memory is retained. */
static inline bool label_retains(const struct prof_graph *g, uint32_t to, uint32_t label)
{
    return to < g->a.n ? prof_link_counted(label_kind(label)) : label_kind(label) != PROF_LINK_WEAK;
}

#endif
