/* prof/tell.h: growth (prof/growth.h) and suspects (prof/suspect.h) in words and as JSON documents.
 *
 * Layer view. Texts are raw text of the target: escape them. */
#ifndef PROF_TELL_H
#define PROF_TELL_H

#include <prof/graph.h>
#include <prof/growth.h>
#include <prof/suspect.h>
#include <prof/view.h>

/* "Table.buckets[].val -> Entry". */
char *prof_tell_edge(char *buf, size_t size, const struct prof_growth_edge *edge);
/* The object that the newest reference of an edge leads to; PROF_NODE_NONE: the graph has it no more. */
prof_node prof_tell_example(const struct prof_graph *graph, const struct prof_growth_edge *edge);
/* "mark warm", or the time. */
char *prof_tell_moment(char *buf, size_t size, const struct prof_growth_moment *moment);
/* The slope: "+3.1 %/min"; of moments that are less than a second apart in all how much more it is: "+40 % in all";
 * "none before". */
char *prof_tell_rate(char *buf, size_t size, const struct prof_growth *growth, const struct prof_growth_series *series);
/* "app#1 keeps 10.2 KiB alive, 98 % of everything", "90 session keep ...". */
char *prof_tell_suspect(char *buf, size_t size, struct prof_graph *graph, const struct prof_suspect *suspect,
                        enum prof_units units);
/* "table#1 keeps 80 entry alive that are 7.8 KiB of its 9.8 KiB"; "" for a part without a kind. */
char *prof_tell_part(char *buf, size_t size, struct prof_graph *graph, prof_node node, uint64_t bytes,
                     const struct prof_suspect_part *part, enum prof_units units);

struct prof_error *prof_json_growth(struct prof_view *view, struct prof_graph *graph, const struct prof_growth *growth,
                                    char **ret);
struct prof_error *prof_json_suspects(struct prof_view *view, struct prof_graph *graph,
                                      const struct prof_suspects *suspects, char **ret);

#endif
