/* prof/suspect.h: what holds most of the memory: single nodes and groups of one kind that retain a large share of all
 * that is alive, where below them it comes together, and where it falls apart.
 *
 * Layer analysis, over the tree of dominators of the object graph (prof/graph.h), after Eclipse MAT's leak suspects.
 * What is lost holds nothing that anybody still uses: it is counted, and left out of all else (findings tell it).
 * Not a verdict: what is large may be meant. Read-only once made; borrows the graph, texts are borrowed from it. */
#ifndef PROF_SUSPECT_H
#define PROF_SUSPECT_H

#include <prof/graph.h>

struct prof_suspects_options {
    double percent;      /* of all bytes, that a suspect retains more than; 0: 10 */
    double ratio;        /* of a node's retained size, that its largest child has at least on the way to where it comes
                            together; 0: 0.7 */
    double drop_percent; /* of all bytes, that a drop is larger than; 0: 1 */
};

/* Of what a node alone keeps alive directly, the kind that retains the most. */
struct prof_suspect_part {
    const char *kind; /* NULL: it keeps nothing else alive */
    uint64_t count, bytes;
};

enum { PROF_SUSPECT_PATH = 16 };
struct prof_suspect {
    bool group;
    prof_node node;     /* of a group the member that retains the most */
    const char *kind;   /* of the node, and of all in a group */
    uint64_t members;   /* of a group, which nothing alone keeps alive; else 1 */
    uint64_t bytes;     /* retained, all together */
    double percent;     /* of all */
    prof_node at;       /* where it comes together: from the node to its largest child as long as that has most of it */
    size_t depth;       /* how many steps below the node that is */
    uint64_t at_bytes;  /* retained there */
    size_t at_children; /* how many it keeps alive directly */
    struct prof_suspect_part part;
    /* The way from the nearest root: to `at`; of a group what more than 80 % of the ways to its members (a sample of
     * many) have in common. root PROF_ROOT_NONE: references without an owner; path_length 0: nothing leads to it, or
     * nothing is common. Of longer ways the first and last links. */
    enum prof_root_kind root;
    struct prof_link path[PROF_SUSPECT_PATH];
    size_t path_count, path_length;
    size_t sampled, shared; /* of a group: how many ways were looked at, and how many begin so */
    bool unknown; /* no way: not because nothing leads to it, but because memory was not read while it was there */
};

/* A node that retains much, of which its largest child has little. */
struct prof_big_drop {
    prof_node node, child; /* child PROF_NODE_NONE: none */
    uint64_t bytes, child_bytes;
    size_t children;
    struct prof_suspect_part part;
};

struct prof_suspects;
/* Makes dominators and distances of the graph when they are not there yet. options may be NULL. */
struct prof_error *prof_suspects_create(struct prof_graph *graph, const struct prof_suspects_options *options,
                                        struct prof_suspects **ret);
void prof_suspects_destroy(struct prof_suspects *suspects);
uint64_t
prof_suspects_total(const struct prof_suspects *suspects); /* flat bytes of everything alive that is not lost */
uint64_t
prof_suspects_lost(const struct prof_suspects *suspects); /* flat bytes of what is, with what only that holds */
/* Single ones first, the largest first; likewise drops. */
size_t prof_suspects_list(const struct prof_suspects *suspects, const struct prof_suspect **ret);
size_t prof_suspects_drops(const struct prof_suspects *suspects, const struct prof_big_drop **ret);

#endif
