/* main.c: the reftrack command. It picks a subcommand; each one opens a trace, asks the library, prints, and returns
 * an exit code.
 *
 * Where things are, in the order in which data flows:
 *
 *   libtrack/               goes into the target and writes records into shared memory
 *     include/track/        track.h: the verbs;  format.h: every byte that leaves the target
 *     src/                  engine, rings, stacks, types, texts, fork, control
 *     hook/                 calls of compiled functions, seen where they arrive
 *     src/malloc_*.c ...    the allocator hooks of libtrack-preload.so and -ltrack-malloc
 *   profiler/include/prof/  the analyzer library, one header for each layer
 *   profiler/src/base/      errors, memory, strings, tables
 *   profiler/src/graph/     whole-set passes over numbered nodes and edges
 *   profiler/src/adapter/   texts that tell how libraries count references;  profiler/adapters/: those shipped
 *   profiler/src/symbol/    addresses to functions, lines, variables, fields (ELF, DWARF)
 *   profiler/src/input/     the bytes of a trace to events in one order, and writing traces
 *   profiler/src/model/     events to the state of the heap
 *   profiler/src/analysis/  the heap to findings: verdicts, pairing, suppressions, baselines
 *   profiler/src/view/      what command line and viewer show in the same words
 *     fmt.c escape.c        numbers, times, places; hostile names
 *     query.c               --where and --sort
 *     calls*.c              sites as a tree of calls
 *     view.c rows_*.c       tables;  find.c: object names;  describe.c: objects and findings in words
 *     json*.c               the documents of --json
 *   profiler/src/text/      findings, objects, ways and growth in words, for whoever shows them
 *   profiler/cli/           this program
 *     opt.[ch]              parsing by tables;  opt_help.c, opt_complete.c: what else is made from them
 *     cli.h                 what commands share
 *     session.c find_trace.c  which trace, opened, with everything computed from it
 *     out_text.c pager.c progress.c message.c  output
 *     audit_text.c hooks_text.c memory_text.c lsan_text.c summary.c  findings in words
 *     graph_text.c          how commands about the object graph begin and end
 *     cmd_mark.c cmd_checkpoint.c cmd_snapshot.c cmd_recover.c  commands about recorders that run, or died
 *     rec_args.[ch] rec_say.[ch]  what commands that record share: options, words at the end
 *     hook_args.[ch] adapter_args.[ch]  functions of the program that are hooked; adapters that name them
 *     hook_check.[ch]                   what the program's file says of such functions
 *     cmd_NAME.c            one command each; cmd_table.c: types, objects, marks, blocks
 *     topics.c              the pages of `reftrack help`
 *     recorder/             takes records out of shared memory and writes traces (run, recorder)
 *     viewer.[ch] run_tui.[ch]  becoming the viewer (tui, top); run --tui
 *   tui/                    the viewer; main.c there is its map
 *   tests/, samples/, docs/ */
#include "cli.h"

#include <string.h>

/* One in a line. */
// clang-format off
const struct cli_command *const cli_commands[] = {
    &cli_command_run,
    &cli_command_record,
    &cli_command_report,
    &cli_command_tui,
    &cli_command_top,
    &cli_command_leaks,
    &cli_command_cycles,
    &cli_command_gc,
    &cli_command_check,
    &cli_command_types,
    &cli_command_objects,
    &cli_command_show,
    &cli_command_sites,
    &cli_command_blocks,
    &cli_command_refs,
    &cli_command_why,
    &cli_command_retained,
    &cli_command_dominators,
    &cli_command_what_if,
    &cli_command_graph,
    &cli_command_suspects,
    &cli_command_growth,
    &cli_command_explain,
    &cli_command_balance,
    &cli_command_coverage,
    &cli_command_narrow,
    &cli_command_marks,
    &cli_command_info,
    &cli_command_adapters,
    &cli_command_dump,
    &cli_command_mark,
    &cli_command_checkpoint,
    &cli_command_snapshot,
    &cli_command_recover,
    &cli_command_help,
    &cli_command_recorder,
    NULL,
};
// clang-format on

const struct cli_command *cli_command_find(const char *name)
{
    for (size_t i = 0; cli_commands[i] != NULL; i++)
        if (strcmp(cli_commands[i]->name, name) == 0)
            return cli_commands[i];
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        cli_help_overview(stderr);
        return CLI_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        cli_help_overview(stdout);
        return CLI_OK;
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        puts("reftrack " REFTRACK_VERSION);
        return CLI_OK;
    }
    const struct cli_command *command = cli_command_find(name);
    if (command == NULL)
        return cli_unknown_command(name);
    return command->main(argc - 1, argv + 1);
}
