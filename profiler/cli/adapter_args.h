/* adapter_args.h: which adapters there are, which of them a recording uses, and their rules for hooks. */
#ifndef CLI_ADAPTER_ARGS_H
#define CLI_ADAPTER_ARGS_H

#include <prof/adapter.h>

#include "opt.h"

struct rec_hooks;

/* As given; borrowed from argv. */
struct cli_adapter_args {
    struct cli_list given;
    bool none; /* only those that are given */
};

/* The shipped ones and the user's. What cannot be read of the user's is told on stderr and left out. false: an error
 * was printed. The caller ends it with prof_adapters_destroy. */
bool cli_adapters_open(struct prof_adapters **ret);

/* Adds the rules of the adapters that a recording uses. *hooks: the rules so far (hook_args.h), or NULL, made when
 * there are rules. An adapter that nobody asked for gives way when a rule that somebody asked for names one of its
 * functions, or there is no room for it; that is told. false: an error was printed, and *hooks is as it was. */
bool cli_adapter_rules(const struct cli_adapter_args *args, struct rec_hooks **hooks);

/* The user's folder of adapters. malloc'ed; NULL: there is no home. */
char *cli_adapters_folder(void);

#endif
