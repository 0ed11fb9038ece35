/* prof/links.h: questions about the object graph (prof/graph.h), answered in rows and words, and as JSON documents.
 *
 * Layer view. Rows and strings are borrowed until view and graph are destroyed; strings are raw text of the target:
 * escape them. */
#ifndef PROF_LINKS_H
#define PROF_LINKS_H

#include <prof/graph.h>
#include <prof/view.h>

/* The node that somebody means (prof_view_find_thing); PROF_ERROR_NOT_FOUND tells of what died when and where. */
struct prof_error *prof_view_find_node(struct prof_view *view, struct prof_graph *graph, const char *spec,
                                       prof_node *ret);

/* "Conn#12", "struct item block#7"; "" without memory. Returns buf. */
char *prof_node_text(struct prof_graph *graph, prof_node node, char *buf, size_t size);

/* ---- Who refers to it, to whom it refers --------------------------------------------------------------------------
 */
/* Links of one node to or from the same other end, from the same field and taking site. */
struct prof_ref {
    struct prof_link link; /* the first of them */
    uint64_t times;
    prof_node other;   /* PROF_NODE_NONE: a root, or what is left of a variable */
    const char *name;  /* of the other end, NULL */
    const char *place; /* where it stands: "Session#3.conn", "global g_cache", "freed memory" */
    const char *field; /* alone: "conn"; "" */
    uint32_t stack;    /* where it was taken; of `~` when there is but one place that can be meant; 0 */
};
/* What was left out, by what it is: "980 Session.conn". */
struct prof_ref_more {
    const char *kind, *field; /* kind of the holder (prof_graph_kind), "a root" */
    uint64_t times;
};
struct prof_ref_list {
    const struct prof_ref *rows;
    size_t count;
    uint64_t links, more; /* all; not in rows */
    const struct prof_ref_more *groups;
    size_t group_count;
};
enum prof_ref_class {
    PROF_REF_COUNTED = 0, /* counted, and there */
    PROF_REF_GONE,        /* counted, but its variable is no more: part of what has no owner */
    PROF_REF_POINTER,     /* in memory: borrowed, or all there is about a plain block */
    PROF_REF_WEAK,        /* told as weak or borrowed */
    PROF_REF_CLASSES_
};
struct prof_refs {
    struct prof_ref_list of[PROF_REF_CLASSES_];
};
/* in: referrers, else referents. most: rows of each class, 0 all. Rows are in the order in which links were told; of
 * more than `most` or PROF_REFS_FEW links roots come first, then those from, or to, the nodes that retain most, for
 * which dominators are made. */
#define PROF_REFS_FEW 20
struct prof_error *prof_view_refs(struct prof_view *view, struct prof_graph *graph, prof_node node, bool in,
                                  size_t most, struct prof_refs *ret);
/* '=' told, '~' a guess, ' ' a pointer or weak. */
char prof_link_mark(const struct prof_link *link);
const char *prof_link_kind_name(enum prof_link_kind kind); /* "slot", "holder", "adopted", "pointer", "weak" */

/* ---- Why it is alive ----------------------------------------------------------------------------------------------
 */
struct prof_way {
    enum prof_root_kind root; /* PROF_ROOT_NONE: references without an owner, of the node that links[0] leads to */
    const struct prof_link *links;
    size_t count;    /* of the links */
    size_t left_out; /* behind the first count / 2; of a loop behind all */
};
struct prof_ways {
    struct prof_way ways[PROF_ROOT_COUNT_]; /* the nearest root first, references without an owner last */
    size_t way_count;                       /* 0: nothing keeps it alive */
    struct prof_way loop; /* then: from a cycle (its first loop_cycle links), or from what nothing refers to, to it */
    size_t loop_cycle;
};
struct prof_error *prof_view_ways(struct prof_view *view, struct prof_graph *graph, prof_node node, size_t most,
                                  struct prof_ways *ret);
/* How many more references keep the node alive: those that the ways do not end with, from roots and from what would be
 * alive without the node. Makes the tree of dominators. */
struct prof_error *prof_view_other_ways(struct prof_graph *graph, prof_node node, const struct prof_ways *ways,
                                        uint64_t *ret);

/* ---- What it retains ----------------------------------------------------------------------------------------------
 */
enum prof_retained_by { PROF_BY_NODE = 0, PROF_BY_TYPE, PROF_BY_SITE };
/* What the rows that pass --where retain together, before --top. */
struct prof_selection {
    uint64_t nodes, flat;
    uint64_t retained, retained_nodes;
    uint64_t all, all_nodes; /* of everything that is alive */
};
/* One row for each object and plain block, or for each of their types or birth sites. What a type or site retains is
 * more than the sum of what each of its nodes does alone; when there are so many that it would take long, it is that
 * sum (column exact). Deep sizes are of the rows that are kept, as many as take no long time. */
struct prof_error *prof_view_retained(struct prof_view *view, struct prof_graph *graph, enum prof_retained_by by,
                                      const struct prof_query *query, const struct prof_table **ret,
                                      struct prof_selection *ret_selection);

/* The tree of dominators: who alone keeps whom alive. */
struct prof_dominated {
    prof_node node; /* PROF_NODE_NONE: everything */
    uint32_t level; /* 0: the first */
    uint64_t flat;  /* of what `run` stands for together */
    uint64_t retained;
    prof_node last; /* of a run: its end; else node */
    uint64_t run;   /* so many of one kind, each the only one that the one before keeps alive directly; 1: no such */
    uint64_t more, more_bytes; /* children left out behind the ones listed */
};
/* Depth first from a node (PROF_NODE_NONE: from everything), at most `depth` levels below it and `most` children of
 * each. */
struct prof_error *prof_view_dominators(struct prof_view *view, struct prof_graph *graph, prof_node node,
                                        unsigned depth, size_t most, const struct prof_dominated **ret,
                                        size_t *ret_count);

/* ---- What if ---- */
struct prof_what_if {
    const struct prof_drop *drops;
    size_t drop_count;
    const char *const *drop_places; /* of each what was meant: "Session#3.conn -> Conn#12", "Conn#12" */
    struct prof_fall fall;
    const struct prof_link *dangling; /* from what lives on to what would be freed, counting nothing */
    size_t dangling_count;
    uint64_t dangling_all;
};
/* What is dropped, as people write it: an OBJECT (all references to it), or "HOLDER.field->OBJECT", a place as
 * 'reftrack refs' tells it or a node alone, for all that OBJECT has from there. PROF_ERROR_NOT_FOUND names what there
 * is. most: dangling pointers listed, 0 all; of more of them those that roots hold come first, then those in the nodes
 * that retain most, and of more nodes that live on those that retain most. ret is ended with
 * prof_fall_deinit(&ret->fall). */
struct prof_error *prof_view_what_if(struct prof_view *view, struct prof_graph *graph, const char *const *specs,
                                     size_t count, size_t most, struct prof_what_if *ret);

/* ---- Pictures ------------------------------------------------------------------------------------------------------
 */
enum prof_picture_kind {
    PROF_PICTURE_OBJECT = 1,
    PROF_PICTURE_BLOCK,
    PROF_PICTURE_ROOT,
    PROF_PICTURE_GONE, /* what is left of a variable that is no more */
    PROF_PICTURE_MORE, /* stands for what was left out */
    PROF_PICTURE_TYPE, /* all objects or blocks of one kind */
};
struct prof_picture_node {
    enum prof_picture_kind kind;
    prof_node node; /* PROF_NODE_NONE: none */
    const char *name;
    uint64_t nodes, bytes; /* that it stands for */
    int64_t count;         /* references of an object; -1 none */
    bool target;           /* asked for */
};
struct prof_picture_edge {
    uint32_t from, to; /* indices of nodes */
    const char *field; /* "" */
    enum prof_link_kind kind;
    uint64_t times;
};
struct prof_picture {
    const struct prof_picture_node *nodes;
    size_t node_count;
    const struct prof_picture_edge *edges;
    size_t edge_count;
};
/* Nodes with who refers to them (PROF_REFS_IN), to whom they refer (PROF_REFS_OUT), or both, `depth` links far; of more
 * than `most` neighbours (0: all) the others are one node. */
struct prof_error *prof_view_picture(struct prof_view *view, struct prof_graph *graph, const prof_node *nodes,
                                     size_t count, unsigned directions, unsigned depth, size_t most,
                                     struct prof_picture *ret);
/* Which types refer to which, through which fields: the `most` (0: all) types with the most bytes. */
struct prof_error *prof_view_picture_types(struct prof_view *view, struct prof_graph *graph, size_t most,
                                           struct prof_picture *ret);
/* In the language of graphviz. The caller frees the text. */
struct prof_error *prof_picture_dot(const struct prof_picture *picture, enum prof_units units, char **ret);

/* ---- JSON documents ------------------------------------------------------------------------------------------------
 */
/* OPEN: only for objects, and with findings in the view. */
enum prof_refs_parts { PROF_REFS_IN = 1, PROF_REFS_OUT = 2, PROF_REFS_PATH = 4, PROF_REFS_OPEN = 8 };
struct prof_error *prof_json_refs(struct prof_view *view, struct prof_graph *graph, prof_node node, unsigned parts,
                                  size_t most, char **ret);
struct prof_error *prof_json_why(struct prof_view *view, struct prof_graph *graph, prof_node node, size_t most,
                                 char **ret);
struct prof_error *prof_json_retained(struct prof_view *view, struct prof_graph *graph, const struct prof_table *table,
                                      const struct prof_selection *selection, char **ret);
struct prof_error *prof_json_picture(struct prof_view *view, struct prof_graph *graph,
                                     const struct prof_picture *picture, char **ret);
/* At most `most` of what would be freed, and of what would live on, are listed; 0: all. */
struct prof_error *prof_json_what_if(struct prof_view *view, struct prof_graph *graph, const struct prof_what_if *what,
                                     size_t most, char **ret);
struct prof_error *prof_json_dominators(struct prof_view *view, struct prof_graph *graph,
                                        const struct prof_dominated *list, size_t count, char **ret);

#endif
