/* show_block.h: everything about one plain block. */
#ifndef CLI_SHOW_BLOCK_H
#define CLI_SHOW_BLOCK_H

#include "cli.h"

/* thing: no object. Prints it (JSON when the format says so) and returns -1 or the exit code. top: lines of each list.
 */
int show_block(struct cli_session *session, const struct cli_common *common, struct cli_out *out, const char *spec,
               const struct prof_thing *thing, uint64_t top, bool no_history);

#endif
