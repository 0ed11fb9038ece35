/* reach.h: which block holds which, by the words of memory that a checkpoint kept, and what the roots still reach.
 *
 * Nodes are the blocks that are alive now and were there at the checkpoint, and objects in memory that is no block's.
 * A node is a number from 0, in order of addresses. A word that stands in a node and points into one is an edge; one
 * that stands in a root (enum prof_root_kind) keeps what it points at. Blocks nest: a word belongs to the innermost
 * node around it, whether it stands there or points there.
 *
 * Pointers to the first byte are start pointers, as are those to an object's own address inside a block, those
 * behind the head of a C++ array, and those into what GLib made for its types, instances and slices; all others are
 * interior ones, which are weaker evidence, and so are all pointers in vector registers. Classes are those of Valgrind
 * and LeakSanitizer: held       reached from a root by start pointers possible   reached from a root, but only through
 * an interior pointer lost       not reached, and first of its kind: nothing lost points at it, or it is the first of a
 * cycle (a strongly connected component) that nothing lost outside of it points at indirect   not reached, but a lost
 * one (its leader) leads to it; of several leaders the first by address counts An arena that live blocks lie in is
 * reached when one of these is.
 *
 * Nothing recurses; memory is about 60 bytes per node and 13 per word, plus 8 per edge. Resolving a word costs one
 * probe of a table of addresses, not a search through all blocks. Read-only once made, but for the holders, which
 * are made on demand; not thread-safe. */
#ifndef ANALYSIS_REACH_H
#define ANALYSIS_REACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <graph/graph.h>
#include <prof/finding.h>
#include <prof/memory.h>

enum reach_class { REACH_UNKNOWN = 0, REACH_HELD, REACH_POSSIBLE, REACH_LOST, REACH_INDIRECT };
enum reach_node_flags {
    REACH_NODE_OBJECT = 1,   /* an object in memory that is no block's: id is its id */
    REACH_NODE_PURPOSE = 2,  /* kept on purpose (trk_pin, trk_may_leak, trk_ignore): a root */
    REACH_NODE_MMAP = 4,     /* the program mapped it itself: held, and a root as far as it is no other node */
    REACH_NODE_LOADER = 8,   /* the dynamic loader's: a root */
    REACH_NODE_COUNTED = 16, /* a block with counted objects: leads what is lost with it */
};
struct reach_node {
    uint64_t start;
    uint64_t size : 56; /* 0: as if it were 1 */
    uint64_t flags : 8; /* enum reach_node_flags */
    uint32_t id;        /* prof_block_id or prof_obj_id */
    uint32_t around;    /* innermost node that contains it, GRAPH_NONE */
};

/* place[word]: where a word stands, in the lower bits enum prof_root_kind, and what it says. */
enum {
    REACH_PLACE_ROOT = 0x1f,
    REACH_PLACE_NODE = 0x20, /* it stands in a node: an edge of `out`, when it points into one; may be a root as well */
    REACH_PLACE_START = 0x40, /* it points into a node, and at a start */
};

struct reach_index; /* addresses to nodes */

struct reach {
    const struct prof_memory *memory; /* borrowed */
    uint32_t n;
    struct reach_node *nodes;
    struct reach_index *index;
    uint8_t *place;      /* by word */
    uint32_t *target;    /* by word: node that it points into, GRAPH_NONE */
    struct graph out;    /* node -> nodes that its words point into; label: the word */
    uint32_t *root_word; /* words in roots that point into a node */
    size_t root_count;
    struct graph in; /* empty before reach_holders. node -> what points into it: to is the node in which the word
                        stands, GRAPH_NONE for roots; label: the word. A word that is both stands there twice */

    uint8_t *class_; /* by node: enum reach_class */
    uint8_t *root;   /* by node, held and possible: enum prof_root_kind of the path that via and from tell */
    /* by node, held and possible: the word by which it was reached, and the node that this word stands in (GRAPH_NONE:
     * a root). For held ones the path that they make is a shortest. Without a word (GRAPH_NONE): kept on purpose or
     * mapped (from is GRAPH_NONE), or reached because the node `from` lies in it.
     * lost and indirect: from is the leader (a lost one's is itself), via GRAPH_NONE. */
    uint32_t *via, *from;
    uint32_t *component;      /* by node, lost and indirect: strongly connected component, GRAPH_NONE for others */
    uint32_t *component_size; /* by component */
    uint32_t component_count;
    uint64_t count[REACH_INDIRECT + 1], bytes[REACH_INDIRECT + 1]; /* by class; mappings left out */
};

struct reach_input {
    const struct prof_memory *memory; /* must outlive the result */
    struct reach_node *nodes;         /* malloc'ed, in any order; becomes the result's, also on failure */
    uint32_t n;
    const struct prof_root_region *regions;
    size_t region_count;
    /* Is an interior pointer to addr as good as one to the start of the node? Also asked when nothing is at addr and
     * the node ends there: an array without elements begins behind its head. NULL: none is. */
    bool (*starts)(void *ctx, const struct reach_node *node, uint64_t addr);
    /* Did a block stand at addr that was freed since? What it held may be held elsewhere now. NULL: none did. */
    bool (*freed)(void *ctx, uint64_t addr);
    /* Is what stands at addr, in this node, certainly no pointer, by its type? NULL: nothing is known of types. */
    bool (*number)(void *ctx, const struct reach_node *node, uint64_t addr);
    void *ctx;
    uint32_t without;  /* bits (1 << enum prof_root_kind): these are no roots */
    bool no_unaligned; /* words at addresses that are no multiples of their size are not looked at */
    uint64_t halves;   /* bit n: words of decoding n are stored in 4 bytes, as prof_trace_halves tells */
    bool unrecorded;   /* blocks exist whose birth was not seen: what stands in no node's memory is a root */
};
struct prof_error *reach_create(const struct reach_input *input, struct reach **ret);
void reach_destroy(struct reach *reach);

/* The innermost node around addr, GRAPH_NONE. */
uint32_t reach_at(const struct reach *reach, uint64_t addr);
/* Makes `in`; false without memory. */
bool reach_holders(struct reach *reach);
/* The words of the path from a root to a held or possible node, first the root's: at most `most` of them are written,
 * the rest of a longer path, in its middle, is left out. Returns the true length. Steps without a word, because
 * the node before lies in the one behind, are GRAPH_NONE. */
size_t reach_path(const struct reach *reach, uint32_t node, uint32_t *ret, size_t most);
/* The area in which a word stands. */
const struct prof_memory_area *reach_area(const struct reach *reach, uint32_t word);
/* A word there is of a vector register. Nobody keeps his only pointer in one for long, and what was copied through it
 * stays there: weak evidence. */
static inline bool reach_in_vector(const struct prof_memory_area *area, uint64_t at)
{
    return area->kind == TRK_AREA_REGISTERS && at >= TRK_REGISTERS_VECTOR;
}

/* ---- reach_index.c ---- */
/* Sorts the nodes by address, outer before inner, and sets `around`. The nodes must outlive it. */
struct reach_index *reach_index_create(struct reach_node *nodes, uint32_t n);
void reach_index_destroy(struct reach_index *index);
uint32_t reach_index_at(const struct reach_index *index, uint64_t addr);
/* addr will be looked up: fetches the table, and `sooner` what the table names, so that caches have it then. */
void reach_index_soon(const struct reach_index *index, uint64_t addr, bool sooner);
/* The last node that begins before addr, GRAPH_NONE. */
uint32_t reach_index_before(const struct reach_index *index, uint64_t addr);
/* For walks in address order: the last node that begins at or before addr, from the one known before. */
uint32_t reach_index_next(const struct reach_index *index, uint32_t before, uint64_t addr);
/* The innermost of a node that reach_index_next told, and of those around it, that contains addr. */
uint32_t reach_index_climb(const struct reach_index *index, uint32_t node, uint64_t addr);

#endif
