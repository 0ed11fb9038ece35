/* picture.h: gathering the nodes and edges of a picture. */
#ifndef VIEW_PICTURE_H
#define VIEW_PICTURE_H

#include "internal.h"

#include <prof/links.h>

struct name_key {
    uint64_t kind;
    const char *name; /* interned */
};
struct name_entry {
    UT_hash_handle hh;
    struct name_key key;
    uint32_t index;
};
struct edge_key {
    uint64_t from, to, kind;
    const char *field; /* interned */
};
struct edge_entry {
    UT_hash_handle hh;
    struct edge_key key;
    size_t index;
};
struct painter {
    struct prof_view *view;
    struct prof_graph *graph;
    PROF_VEC(struct prof_picture_node) nodes;
    PROF_VEC(struct prof_picture_edge) edges;
    struct name_entry *by_name;
    struct edge_entry *by_edge;
    bool failed; /* no memory */
};

void picture_begin(struct painter *p, struct prof_view *view, struct prof_graph *graph);
/* Index of a new node; UINT32_MAX without memory. */
uint32_t picture_add(struct painter *p, const struct prof_picture_node *node);
/* Index of the node of this kind and name, a new one when there is none. */
uint32_t picture_named(struct painter *p, enum prof_picture_kind kind, const char *name);
/* One more edge, or one that is there with more times. */
void picture_edge(struct painter *p, uint32_t from, uint32_t to, const char *field, enum prof_link_kind kind,
                  uint64_t times);
/* Hands the picture over unless there is an error; ends the painter. */
struct prof_error *picture_end(struct painter *p, struct prof_error *error, struct prof_picture *ret);

#endif
