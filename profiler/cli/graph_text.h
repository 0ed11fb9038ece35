/* graph_text.h: what commands about the object graph print alike, and how they begin. */
#ifndef CLI_GRAPH_TEXT_H
#define CLI_GRAPH_TEXT_H

#include <prof/links.h>

#include "cli.h"

/* Operands [TRACE] OBJECT to a session with the graph and the node that is meant. -1 to go on, or the exit code after
 * it printed what is wrong. cli_session_close is fine after both. */
int graph_begin(const struct cli_command *command, const struct cli_common *common, const struct cli_operands *operands,
                struct cli_session *session, prof_node *ret) __attribute__((warn_unused_result));
/* Operands [TRACE] [OBJECT...]: *ret_count nodes, for which ret has room for as many as there are operands. `named`
 * (NULL: none) are objects that options name, which the caller looks up. */
int graph_begin_some(const struct cli_command *command, const struct cli_common *common,
                     const struct cli_operands *operands, const struct cli_list *named, struct cli_session *session,
                     prof_node *ret, size_t *ret_count) __attribute__((warn_unused_result));

/* "Conn#12", "struct item block#7", escaped; returns buf. */
char *graph_name(struct cli_session *session, prof_node node, char *buf, size_t size);
/* "Conn#12  at 0x55..., 96 B" and a line feed. */
void graph_node_line(struct cli_session *session, struct cli_out *out, prof_node node);
/* "count  3 = 1 in blocks + ..." of objects; with the program's own count, and why there are more owners than
 * references; of what died nothing. */
void graph_count_lines(struct cli_session *session, struct cli_out *out, prof_node node);
/* Links in order, one line each, in columns; `left_out` of them are missing behind the first `front`. */
void graph_path_lines(struct cli_session *session, struct cli_out *out, const struct prof_link *links, size_t count,
                      size_t front, size_t left_out);
/* Who took what has no owner, with up to `frames` frames of each stack below its site. */
struct prof_error *graph_taken_lines(struct cli_session *session, struct cli_out *out, prof_node node, size_t frames);
/* The same with a headline; nothing when nobody took such a one, or a `~` pointer of the list above it says all. */
struct prof_error *graph_taken_section(struct cli_session *session, struct cli_out *out, prof_node node);
/* What the answer may be missing, about a node when it is not PROF_NODE_NONE; nothing when it is complete. */
void graph_notes(struct cli_session *session, const struct cli_common *common, struct cli_out *out, prof_node node);

#endif
