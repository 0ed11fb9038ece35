/* prof/graph.h: who refers to whom, among all that is alive at one moment of a trace.
 *
 * Layer analysis. Nodes are objects and plain blocks; links are references as they were told (slot or holder), and,
 * where memory was read, the pointers that stand in it. What has no node as its holder is a root: a global, a
 * thread-local variable, a stack. Only counted links (prof_link_counted) may be subtracted from counts; pointers show
 * who knows of an object, and are all there is about plain blocks.
 *
 * A graph borrows heap and symbols and does not follow them when they change. Read-only once made, but for texts, which
 * are made on demand and live as long as the graph; not thread-safe. About 70 bytes for each node and 20 for each
 * link. */
#ifndef PROF_GRAPH_H
#define PROF_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <prof/error.h>
#include <prof/finding.h>
#include <prof/heap.h>
#include <prof/symbol.h>

/* Dense from 0, not all in use: prof_graph_has. Stays what it is as long as the graph. */
typedef uint32_t prof_node;
#define PROF_NODE_NONE UINT32_MAX

enum prof_link_kind {
    PROF_LINK_SLOT = 1, /* counted: told with the variable that owns it */
    PROF_LINK_HOLDER,   /* counted: told with what holds it (TRK_HOLDER), as often as it does */
    PROF_LINK_ADOPTED,  /* counted, a guess: a pointer in memory that stands for a reference told without an owner */
    PROF_LINK_POINTER,  /* a pointer in memory, borrowed; or what holds a plain block */
    PROF_LINK_WEAK,     /* told as weak or borrowed */
};
struct prof_link {
    prof_node from; /* PROF_NODE_NONE: a root */
    prof_node to;
    enum prof_link_kind kind;
    enum prof_root_kind root; /* PROF_ROOT_NONE: from is a node */
    uint64_t at;              /* where the pointer stands; PROF_LINK_HOLDER: the holder's address */
    uint32_t stack, tid;      /* where it was taken, 0 not known */
    bool interior;            /* it points to the middle */
    bool gone;                /* a reference whose variable is no more: overwritten, freed, moved on, out of scope */
    bool doubted;             /* a slot or holder that may have given its reference on: prof_open_certain says no */
    bool unbacked;            /* told to own a reference when none was left: keeps the object, explains no count */
    uint32_t open;            /* index for prof_heap_open, 0 none */
    uint32_t word;            /* index into the words of the checkpoint, UINT32_MAX none */
};
static inline bool prof_link_counted(enum prof_link_kind kind)
{
    return kind == PROF_LINK_SLOT || kind == PROF_LINK_HOLDER || kind == PROF_LINK_ADOPTED;
}

/* Where the references of an object are: count = heap + roots + stacks + gone + anonymous, and observed = count +
 * unaccounted. All that says where references are says this. */
struct prof_refcount {
    int64_t count;       /* by events */
    int64_t heap;        /* in objects and blocks (slots, holders, adopted) */
    int64_t roots;       /* in globals, thread-local variables, root regions */
    int64_t stacks;      /* in local variables of a program that runs on */
    int64_t gone;        /* told with a variable that is no more: freed, overwritten, out of scope, stale in memory */
    int64_t anonymous;   /* told without an owner, births nobody owned; below 0: more owners than references */
    int64_t unbacked;    /* variables that were told to own a reference when none was left: in none of the others */
    int64_t unaccounted; /* counted without telling (above 0), or references that are not in the count */
    bool observed;       /* the program's own count is known; else unaccounted is 0 and means nothing */
};

struct prof_graph;
struct prof_graph_options {
    uint32_t without_roots; /* bits (1 << enum prof_root_kind): these hold nothing */
    bool no_pointers;       /* only what was told: memory is not looked at */
};
struct prof_error *prof_graph_create(struct prof_heap *heap, struct prof_symbols *symbols,
                                     const struct prof_graph_options *options, struct prof_graph **ret);
void prof_graph_destroy(struct prof_graph *graph);

struct prof_heap *prof_graph_heap(const struct prof_graph *graph);
/* Memory was not read, so that pointers, and all about plain blocks, are missing: "was not read (--no-memory)". NULL:
 * it was read. */
const char *prof_graph_unread(struct prof_graph *graph);
/* Memory was read while the node was there as it is now: false also when it was born, moved or counted later. */
bool prof_graph_examined(const struct prof_graph *graph, prof_node node);
prof_node prof_graph_max(const struct prof_graph *graph); /* nodes are below this */
bool prof_graph_has(const struct prof_graph *graph, prof_node node);
/* PROF_NODE_NONE: dead. Of a block with objects in it: its first object. */
prof_node prof_graph_of_obj(const struct prof_graph *graph, prof_obj_id id);
prof_node prof_graph_of_block(const struct prof_graph *graph, prof_block_id id);
/* Exactly one is not 0. */
prof_obj_id prof_graph_obj(const struct prof_graph *graph, prof_node node);
prof_block_id prof_graph_block(const struct prof_graph *graph, prof_node node);

/* Links from and to a node, i from 0, in the same order in each run: what was told, then pointers. */
uint32_t prof_graph_referents(const struct prof_graph *graph, prof_node node);
struct prof_link prof_graph_referent(const struct prof_graph *graph, prof_node node, uint32_t i);
uint32_t prof_graph_referrers(const struct prof_graph *graph, prof_node node);
struct prof_link prof_graph_referrer(const struct prof_graph *graph, prof_node node, uint32_t i);
size_t prof_graph_links(const struct prof_graph *graph); /* all, roots included */

/* Objects only; zeros for blocks. */
struct prof_refcount prof_graph_refcount(const struct prof_graph *graph, prof_node node);
/* Kept by design: pinned, may leak, immortal, parked. */
bool prof_graph_pinned(const struct prof_graph *graph, prof_node node);

/* Does anything keep a node alive that may ever let go of it? Objects as findings have it (PROF_HEADLINE_LOST), plain
 * blocks by memory. */
enum prof_keeping {
    PROF_KEEPING_HELD = 1,
    PROF_KEEPING_LOST,
    PROF_KEEPING_UNKNOWN, /* memory was not read while it was there, and the program could go on: nobody knows */
};
enum prof_keeping prof_graph_keeping(const struct prof_graph *graph, prof_node node);

/* What was taken without an owner and is not given back, by where it was taken, births first. Which release gave back
 * which is concluded from objects of the type that were freed, else guessed. References that `~` links stand for are
 * among them. Objects only; borrowed until the graph is destroyed. */
struct prof_taken {
    uint32_t stack, count;
    bool birth;
};
struct prof_error *prof_graph_taken(struct prof_graph *graph, prof_node node, const struct prof_taken **ret,
                                    size_t *ret_count);

/* "Conn#40", "struct item (~ from list.c:7)"; NULL without memory. */
const char *prof_graph_name(struct prof_graph *graph, prof_node node);
/* What it has in common with others: "Conn", or what blocks of its type and site are called. NULL without memory. */
const char *prof_graph_kind(struct prof_graph *graph, prof_node node);
/* Where a link stands: "Session#3.conn", "struct item.next", "global g_cache", "local variable of f()"; NULL without
 * memory. */
const char *prof_graph_place(struct prof_graph *graph, const struct prof_link *link);
/* Its field alone: "conn", "buckets[].val", "+16"; "" for roots and holders. NULL without memory. */
const char *prof_graph_field(struct prof_graph *graph, const struct prof_link *link);

/* ---- Sizes ----------------------------------------------------------------------------------------------------------
 * A link retains what it leads to when it is counted, or leads to a plain block and is not weak. */
struct prof_node_size {
    uint64_t flat;        /* as it was asked for: the object's extent, the block's request */
    uint64_t usable;      /* what the program may use of it, as far as the allocator is known */
    uint64_t chunk;       /* what it costs the heap, header included */
    uint64_t item, items; /* of an array one element and how many; else flat and 1 */
};
/* Of an object that shares its block with others: its extent in all three. */
struct prof_node_size prof_graph_size(struct prof_graph *graph, prof_node node);
/* Flat sizes of a node and of all that it leads to along retaining links at most `limit` links away, each once.
 * limit 0: its own; UINT32_MAX: all. */
struct prof_error *prof_graph_deep(struct prof_graph *graph, prof_node node, uint32_t limit, uint64_t *ret_bytes,
                                   uint64_t *ret_nodes);
/* What would be released if all references to these nodes were gone, these included; repeated ones count once. */
struct prof_error *prof_graph_retained_by(struct prof_graph *graph, const prof_node *nodes, size_t count,
                                          uint64_t *ret_bytes, uint64_t *ret_nodes);
/* Makes the tree of dominators (graph/dominate.h), once: needed by the functions below. What no root leads to counts as
 * held, too: of each cycle that nothing else holds one node. */
struct prof_error *prof_graph_dominate(struct prof_graph *graph);
/* Flat sizes of a node and of all that only it keeps alive. PROF_NODE_NONE: of everything. */
uint64_t prof_graph_retained(const struct prof_graph *graph, prof_node node);
/* Who alone keeps it alive, PROF_NODE_NONE: nobody does. */
prof_node prof_graph_dominator(const struct prof_graph *graph, prof_node node);
/* Whom it keeps alive directly, the largest first; PROF_NODE_NONE: those that nobody dominates. Returns how many. */
size_t prof_graph_dominated(const struct prof_graph *graph, prof_node node, const prof_node **ret);

/* ---- What if
 * --------------------------------------------------------------------------------------------------------- Objects die
 * with their last reference, plain blocks when no pointer from outside leads to them any more (blocks that point to
 * each other are one); what dies gives back its references. Pinned objects do not die. */
struct prof_drop {
    prof_node node;        /* it loses all its references; PROF_NODE_NONE: the link is dropped */
    struct prof_link link; /* as told by prof_graph_referrer */
};
struct prof_left {
    prof_node node;
    int64_t before, after; /* references; of blocks pointers from outside */
};
struct prof_fall {
    prof_node *freed; /* in the order of their end */
    size_t count;
    uint64_t objects, blocks, bytes;
    struct prof_left *left; /* lost references and lives on, in the order of their first loss */
    size_t left_count;
};
struct prof_error *prof_graph_what_if(struct prof_graph *graph, const struct prof_drop *drops, size_t count,
                                      struct prof_fall *ret);
void prof_fall_deinit(struct prof_fall *fall);

/* ---- Paths ----------------------------------------------------------------------------------------------------------
 */
/* A way to be alive is a place that is a root, or references whose owner is not known (PROF_ROOT_NONE).
 *
 * How many links a node is from the nearest root of a kind, along retaining links: 1 for what the root itself holds;
 * UINT32_MAX: no such way, also before prof_graph_distances. */
uint32_t prof_graph_distance(const struct prof_graph *graph, enum prof_root_kind kind, prof_node node);
/* Makes distances and shortest paths from all roots of a kind: O(n + e), 12 bytes per node, once per kind. */
struct prof_error *prof_graph_distances(struct prof_graph *graph, enum prof_root_kind kind);
/* A shortest path, from the root: its links in order, the last one leads to the node. At most `most` are written; of a
 * longer path the first most / 2 and the last ones. Returns its length, 0: none. The first link of kind PROF_ROOT_NONE
 * has no place: it stands for references without an owner. */
size_t prof_graph_path(const struct prof_graph *graph, enum prof_root_kind kind, prof_node node, struct prof_link *ret,
                       size_t most);
/* What keeps a node alive that no root and no reference without an owner leads to: the way from a node of a cycle, in
 * *ret_cycle links (a shortest one through it), and from it on to the node: in order, the cycle first. At most `most`
 * are written. *ret_length: of both together; 0: not even that, nothing refers to it. */
struct prof_error *prof_graph_loop(struct prof_graph *graph, prof_node node, struct prof_link *ret, size_t most,
                                   size_t *ret_cycle, size_t *ret_length);

#endif
