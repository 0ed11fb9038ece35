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

/* What the answer may be missing, about a node when it is not PROF_NODE_NONE; nothing when it is complete. */
void graph_notes(struct cli_session *session, const struct cli_common *common, struct cli_out *out, prof_node node);

#endif
