/* ask_say.h: asking recorders for something, and saying on stderr what became of it. */
#ifndef CLI_ASK_SAY_H
#define CLI_ASK_SAY_H

#include "cli.h"

struct cli_ask {
    const struct cli_command *command;
    enum ask_what what;
    const char *text; /* NULL: none */
    const char *done; /* "marked": what happened to the processes */
};
/* Every recorded process. Returns the exit code. */
int cli_ask_all(const struct cli_ask *ask, const struct cli_common *common);
/* One process; *ret is what its recorder answered when the exit code is CLI_OK. */
int cli_ask_one(const struct cli_ask *ask, uint64_t pid, struct ask_reply *ret);
/* The same with a command to its generations. */
int cli_ask_gc(const struct cli_ask *ask, uint64_t pid, const struct ask_gc *gc, struct ask_reply *ret);

#endif
