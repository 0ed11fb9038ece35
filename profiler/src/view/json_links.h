/* json_links.h: parts of JSON documents about the object graph. */
#ifndef VIEW_JSON_LINKS_H
#define VIEW_JSON_LINKS_H

#include "json_document.h"

#include <prof/links.h>

/* "0x55d0..." */
json_t *doc_address(uint64_t addr);
/* {name, type, object, block, addr, bytes}; null for none. */
json_t *doc_node(struct document *doc, struct prof_view *view, struct prof_graph *graph, prof_node node);
/* {kind, mark, from, root, place, field, at, interior, to, taken, tid}; stack: where it was taken. */
json_t *doc_link(struct document *doc, struct prof_view *view, struct prof_graph *graph, const struct prof_link *link,
                 uint32_t stack);
/* {count, heap, roots, stacks, anonymous, unaccounted}; null for blocks. */
json_t *doc_refcount(struct document *doc, struct prof_graph *graph, prof_node node);

#endif
