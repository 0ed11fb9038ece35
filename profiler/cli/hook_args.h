/* hook_args.h: functions of the program that count references, named on the command line. */
#ifndef CLI_HOOK_ARGS_H
#define CLI_HOOK_ARGS_H

#include "opt.h"

struct rec_hooks;

/* As given; borrowed from argv. */
struct cli_hooks {
    struct cli_list news, refs, unrefs;
};

/* The rules for them: malloc'ed, NULL when none were given. program: as it will be started; what its debug information
 * says of a constructor's result, or else of what is given to the first --ref, is the objects' type. false: a usage
 * error was printed. */
bool cli_hook_options(const struct cli_command *command, const struct cli_hooks *args, const char *program,
                      struct rec_hooks **ret);

/* Warns of functions whose calls are not seen, each once. texts: META values hooks of all processes, elements may be
 * NULL; program: as it was started. */
void cli_hooks_warn(const char *const *texts, size_t count, const char *program);

#endif
