/* cli.h: what the commands share: an opened trace with everything computed from it, output for people, exit codes.
 *
 * Every command is `int cmd_NAME(int argc, char **argv)`, described by a `struct cli_command` (opt.h) and listed in
 * main.c. Results go to stdout, messages to stderr through cli_warn and cli_error. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <prof/graph.h>
#include <prof/ledger.h>
#include <prof/text.h>
#include <prof/view.h>

#include "opt.h"
#include "recorder/ask.h"

/* Exit codes of everything but `run`, which hands on the target's. */
enum cli_exit {
    CLI_OK = 0,
    CLI_FINDINGS = 1, /* check: gating findings */
    CLI_USAGE = 2,
    CLI_UNREADABLE = 3, /* no such trace, not a trace, newer version; or the result cannot be written */
    CLI_UNCERTAIN = 4,  /* check: nothing found, but events were lost or an identity does not hold */
};

/* ---- Commands ---------------------------------------------------------------------------------------------------- */
int cmd_adapters(int argc, char **argv);
int cmd_balance(int argc, char **argv);
int cmd_blocks(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_coverage(int argc, char **argv);
int cmd_cycles(int argc, char **argv);
int cmd_dominators(int argc, char **argv);
int cmd_dump(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_gc(int argc, char **argv);
int cmd_graph(int argc, char **argv);
int cmd_growth(int argc, char **argv);
int cmd_help(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_leaks(int argc, char **argv);
int cmd_checkpoint(int argc, char **argv);
int cmd_mark(int argc, char **argv);
int cmd_marks(int argc, char **argv);
int cmd_narrow(int argc, char **argv);
int cmd_objects(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_recorder(int argc, char **argv);
int cmd_recover(int argc, char **argv);
int cmd_refs(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_retained(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_sites(int argc, char **argv);
int cmd_snapshot(int argc, char **argv);
int cmd_suspects(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_tui(int argc, char **argv);
int cmd_types(int argc, char **argv);
int cmd_what_if(int argc, char **argv);
int cmd_why(int argc, char **argv);
extern const struct cli_command cli_command_blocks, cli_command_check, cli_command_cycles, cli_command_dump,
    cli_command_help, cli_command_info, cli_command_leaks, cli_command_mark, cli_command_checkpoint, cli_command_marks,
    cli_command_objects, cli_command_record, cli_command_recorder, cli_command_recover, cli_command_refs,
    cli_command_report, cli_command_run, cli_command_show, cli_command_sites, cli_command_snapshot, cli_command_top,
    cli_command_tui, cli_command_types, cli_command_why, cli_command_dominators, cli_command_retained,
    cli_command_what_if, cli_command_gc, cli_command_graph, cli_command_growth, cli_command_suspects,
    cli_command_coverage, cli_command_balance, cli_command_narrow, cli_command_explain, cli_command_adapters;

/* The page of bare `reftrack` and `reftrack help`. */
void cli_help_overview(FILE *out);
/* Says that there is no such command, with a suggestion; returns CLI_USAGE. */
int cli_unknown_command(const char *name);

#ifndef REFTRACK_VERSION
#define REFTRACK_VERSION "unknown"
#endif

/* ---- Messages: one line each on stderr, "reftrack: ..." ---------------------------------------------------------- */
void cli_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Prints and ends the error; returns the exit code that fits it (CLI_UNREADABLE, or CLI_USAGE for syntax errors). */
int cli_error(struct prof_error *error);

/* ---- Progress: one line on stderr that erases itself; only on a terminal, only after 0.1 s ------------------------
 */
struct cli_progress {
    const char *what; /* "reading app.trk" */
    bool wanted, shown;
    uint64_t begin_us, last_us;
};
void cli_progress_begin(struct cli_progress *progress, const struct cli_common *common, const char *what);
/* Fits prof_trace_sink and prof_heap_options; ctx is the struct. Never cancels. */
bool cli_progress_step(void *progress, uint64_t done_bytes, uint64_t all_bytes);
void cli_progress_end(struct cli_progress *progress);

/* ---- A trace and what is known about it -------------------------------------------------------------------------- */
enum cli_parts {
    CLI_PART_TRACE = 0, /* header and definitions only */
    CLI_PART_HEAP = 1 << 0,
    CLI_PART_SYMBOLS = 1 << 1,
    CLI_PART_FINDINGS = 1 << 2,  /* with heap and symbols */
    CLI_PART_ALL_KINDS = 1 << 4, /* findings: each kind of held object and unfreed block by itself, no totals */
    CLI_PART_VIEW = 1 << 3,      /* tables and documents; with heap, symbols and findings */
    CLI_PART_PAST = 1 << 5,      /* what happened to single objects: the heap is not made by way of an index */
    CLI_PART_SIBLINGS = 1 << 7,  /* ledgers of the findings' examples and of their siblings, if --siblings wants them */
    CLI_PART_GRAPH = 1 << 6,     /* the object graph, with heap, symbols and a view; findings only if asked for, too */
};
struct cli_session {
    char *path;               /* of the trace */
    char *name;               /* the same as shown: escaped */
    bool running;             /* its process still lives: the trace grows */
    struct ask_process *live; /* what its recorder says, with --pid; NULL: nobody was asked, or nobody answered */
    bool chosen;              /* the newest of the folder was taken, nobody named it */
    struct prof_trace *trace;
    const struct prof_trace_info *info;
    struct prof_heap *heap;
    struct prof_symbols *symbols;
    struct prof_suppressions *suppressions;
    struct prof_baseline *baseline;
    struct prof_findings *findings;
    struct prof_graph *graph;
    struct prof_wrappers *wrappers; /* made when a report asks (text_finding); NULL */
    struct prof_ledgers *ledgers;   /* NULL: nobody asked, or --siblings did not want it */
    bool not_compared;              /* --siblings=auto: the trace is too long for a second reading */
    struct prof_view *view;
    struct cli_progress progress; /* of every reading; the heap keeps its address */
    uint64_t from_us, to_us;      /* --from and --to; 0: open */
    const char *from_mark;        /* --from is a mark; NULL */
    const char *end_note;         /* "stopped at mark m3", NULL */
};
/* Opens `path` (NULL: the trace of --pid, or the newest *.trk of the current folder, and says which on stderr) and
 * computes the parts, with progress on stderr. Returns -1 to go on, or the exit code after it printed what is wrong.
 * cli_session_close is fine after both. */
int cli_session_open(struct cli_session *session, const struct cli_common *common, const char *path, unsigned parts)
    __attribute__((warn_unused_result));
/* The same, with somebody who goes along with the replay of the whole trace. */
int cli_session_open_followed(struct cli_session *session, const struct cli_common *common, const char *path,
                              unsigned parts, const struct prof_heap_follow *follow)
    __attribute__((warn_unused_result));
void cli_session_close(struct cli_session *session);
/* Says on stderr that the process still runs, or that the trace is incomplete. */
void cli_say_state(const struct cli_session *session, const struct cli_common *common);
/* Says that no recorder and no trace of that process is to be found. */
void cli_not_recorded(uint64_t pid);
/* Whether --fail-on, --suppressions and --baseline can be used, before there is a trace: -1, or the exit code after it
 * printed what is wrong. */
int cli_gate_check(const struct cli_common *common) __attribute__((warn_unused_result));

/* Traces of a running process, newest first: NAME.PID.trk (or .N.trk) here, then where its TRACK_OPTIONS say.
 * malloc'ed, NULL when there is none. */
char *cli_trace_of_pid(uint64_t pid);
/* The newest *.trk of the current folder, malloc'ed, NULL none. */
char *cli_trace_newest(void);

bool cli_file_exists(const char *path);
/* A word names a trace, and no object or type: by its end, or because there is such a file. */
bool cli_is_trace(const char *word);
/* Operands [TRACE] OBJECT: *ret_path is NULL when there is no TRACE. -1, or the exit code after a usage error. */
int cli_operands_object(const struct cli_command *command, const struct cli_operands *operands, const char **ret_path,
                        const char **ret_object) __attribute__((warn_unused_result));

/* What a session with findings means for the exit code: CLI_OK, CLI_FINDINGS or CLI_UNCERTAIN. */
int cli_verdict(const struct cli_session *session);
/* The worse of two exit codes: unreadable, usage, findings, uncertain, fine. */
int cli_worse(int a, int b);

/* ---- The end of `run` -------------------------------------------------------------------------------------------- */
/* Analyses the traces, one of each process, and prints the few lines that `run` ends with: one line per process, the
 * gating findings, and what to type next. With common->quiet only the gating findings and, when the result `gates` (it
 * becomes the exit status), why it is uncertain. Uses common's gate, symbol and output options. Returns the worst of
 * CLI_OK, CLI_UNCERTAIN, CLI_FINDINGS, CLI_UNREADABLE (findings before uncertain). */
int cli_summary(const struct cli_common *common, char *const *traces, size_t count, bool gates, FILE *out);

/* ---- Output ------------------------------------------------------------------------------------------------------ */
/* Colour roles, not colours. */
enum cli_role {
    CLI_PLAIN = PROF_TEXT_PLAIN,
    CLI_HEAD = PROF_TEXT_HEAD, /* titles */
    CLI_BAD = PROF_TEXT_BAD,   /* findings that gate */
    CLI_WARN = PROF_TEXT_WARN, /* uncertain, damaged */
    CLI_GOOD = PROF_TEXT_GOOD,
    CLI_PLACE = PROF_TEXT_PLACE, /* function and file:line */
    CLI_FAINT = PROF_TEXT_FAINT,
    CLI_TYPE = PROF_TEXT_TYPE,
};
struct cli_out {
    FILE *file;
    bool color;
    unsigned width; /* columns; 0: unlimited */
    enum prof_units units;
    int pager; /* process id, 0 none */
    FILE *saved;
    struct prof_text text; /* cli_text */
};
/* Colour and width for a stream: --color, FORCE_COLOR, NO_COLOR, TERM=dumb, tty. */
void cli_out_init(struct cli_out *out, const struct cli_common *common, FILE *file);
/* Standard output, through the pager when it is a terminal and the pager is wanted. */
void cli_out_open(struct cli_out *out, const struct cli_common *common);
/* Ends the pager, flushes. Returns CLI_OK, or CLI_UNREADABLE after a message when writing failed. */
int cli_out_close(struct cli_out *out) __attribute__((warn_unused_result));
/* printf in a role. What comes from the target must have passed prof_escape_terminal. */
void cli_printf(struct cli_out *out, enum cli_role role, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Text of the target, escaped. */
void cli_put(struct cli_out *out, enum cli_role role, const char *text);
/* What the text layer is told: about the trace of the session (NULL: about none), to this output in its colours. */
const struct prof_text *cli_text(struct cli_session *session, struct cli_out *out);
/* A table in the format that was asked for; `name` is the key of the JSON document. Returns an exit code or -1. */
int cli_table(struct cli_session *session, const struct cli_common *common, struct cli_out *out, const char *name,
              const struct prof_table *table);
/* A JSON document from the view layer: prints and frees it. Returns an exit code or -1. */
int cli_json(struct cli_out *out, struct prof_error *error, char *text);

#endif
