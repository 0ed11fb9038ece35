/* opt.h: one table of commands and options for everything.
 *
 * Each command is a `struct cli_command` with a table of its own options and a set of shared groups. Parsing, --help,
 * "did you mean", the man pages of commands and the completions for bash, zsh and fish all read the same
 * tables, so none of them can drift.
 *
 *     struct my_args { bool fast; const char *out; };
 *     static const struct cli_option options[] = {
 *         { .name = "fast", .letter = 'f', .kind = CLI_FLAG, .offset = offsetof(struct my_args, fast), .help = "..." },
 *         { .name = "output", .letter = 'o', .kind = CLI_TEXT, .offset = offsetof(struct my_args, out),
 *           .argument = "FILE", .hint = CLI_HINT_FILE, .help = "..." },
 *         { 0 }
 *     };
 *     const struct cli_command cli_command_my = { .name = "my", .main = cmd_my, .options = options,
 *                                                 .groups = CLI_GROUP_OUTPUT, ... };
 *     int cmd_my(int argc, char **argv)
 *     {
 *         struct my_args args = { 0 };
 *         struct cli_common common;
 *         struct cli_operands operands;
 *         int code = cli_parse(&cli_command_my, argc, argv, &args, &common, &operands);
 *         if (code >= 0)
 *             return code;
 *         ...
 *     }
 *
 * and one line in main.c's table. */
#ifndef CLI_OPT_H
#define CLI_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <prof/view.h>

/* What an option stores at `offset` of its struct. */
enum cli_kind {
    CLI_NONE = 0,
    CLI_FLAG,     /* bool: becomes true */
    CLI_SET,      /* int: becomes `set` */
    CLI_TEXT,     /* const char *: the argument, borrowed from argv */
    CLI_NUMBER,   /* uint64_t */
    CLI_SIZE,     /* uint64_t bytes: 4096, 4KiB, 4K, 1.5MB */
    CLI_DURATION, /* uint64_t microseconds: 500ms, 60s, 5m, 2h, 1d; a bare number is seconds */
    CLI_CHOICE,   /* int: index of the argument in `choices` ("auto|always|never") */
    CLI_LIST,     /* struct cli_list: every argument, repeatable */
};

/* What a completion may offer for the argument. */
enum cli_hint {
    CLI_HINT_NONE = 0,
    CLI_HINT_FILE,
    CLI_HINT_DIR,
    CLI_HINT_TRACE,
    CLI_HINT_COMMAND,
    CLI_HINT_PID,
    CLI_HINT_TOPIC
};

enum { CLI_LIST_MAX = 64 };
struct cli_list {
    const char *items[CLI_LIST_MAX];
    size_t count;
};

struct cli_option {
    const char *name;     /* long name without the dashes; NULL ends a table */
    size_t offset;        /* of the member that receives it */
    const char *argument; /* "FILE": shown in help; NULL for flags */
    const char *choices;  /* CLI_CHOICE: "a|b|c" */
    const char *help;     /* one sentence without final full stop */
    enum cli_kind kind;
    int set; /* CLI_SET */
    enum cli_hint hint;
    char letter; /* 0: none */
    bool hidden;
};

/* Options that several commands share; they land in struct cli_common. */
enum cli_groups {
    CLI_GROUP_OUTPUT =
        1 << 0, /* --color --no-pager --width --units --plain -q -v: every command has these and --help */
    CLI_GROUP_FORMAT = 1 << 1,   /* --format --json */
    CLI_GROUP_TABLE = 1 << 2,    /* --where --sort --top */
    CLI_GROUP_TRACE = 1 << 3,    /* --symfs --no-symbols --no-index --wrapper */
    CLI_GROUP_WINDOW = 1 << 4,   /* --from --to */
    CLI_GROUP_GATE = 1 << 5,     /* --suppressions --baseline --fail-on --without-roots ... */
    CLI_GROUP_PID = 1 << 6,      /* --pid */
    CLI_GROUP_TOP = 1 << 7,      /* --top alone */
    CLI_GROUP_RECORD = 1 << 8,   /* --output --force --children --stacks --on-full --clock --budget --keep
                                    --window --max-trace --checkpoint --no-memory and the like: rec_args.h */
    CLI_GROUP_SIBLINGS = 1 << 9, /* --siblings */
    CLI_GROUP_MOMENT = 1 << 10,  /* --to alone; --from is understood, and refused by the command with the reason */
    CLI_GROUP_COUNT_ = 11
};

enum cli_format { CLI_FORMAT_TEXT = 0, CLI_FORMAT_JSON, CLI_FORMAT_CSV, CLI_FORMAT_TSV };
enum cli_when { CLI_AUTO = 0, CLI_ALWAYS, CLI_NEVER };

/* How programs are recorded, as given; rec_args.h makes sense of it. */
struct cli_record {
    const char *output, *stacks, *window;
    const char *types, *modules, *objects, *checkpoint;
    struct cli_list pointers;
    int children, on_full, keep, clock;
    uint64_t budget, max_trace, pause;
    bool force, no_memory, unaligned;
};

struct cli_common {
    int color; /* enum cli_when */
    bool no_pager;
    uint64_t width; /* 0: the terminal's */
    int units;      /* enum prof_units */
    bool quiet, verbose;
    int format; /* enum cli_format */
    bool plain;
    const char *where, *sort;
    uint64_t top; /* CLI_TOP_DEFAULT until given */
    const char *symfs;
    bool no_symbols, no_index;
    struct cli_list wrappers;
    const char *from, *to;
    struct cli_list suppressions;
    const char *baseline, *fail_on;
    const char *without_roots;
    bool no_unaligned, no_heuristics;
    int siblings; /* enum cli_when */
    uint64_t pid;
    struct cli_record record;
};
#define CLI_TOP_DEFAULT UINT64_MAX

/* What is neither an option nor its argument, in order; borrowed from argv, NULL-terminated. */
struct cli_operands {
    char **items;
    size_t count;
};

struct cli_command {
    const char *name;
    int (*main)(int argc, char **argv); /* argv[0] is the command's name; returns the exit code */
    const char *synopsis;               /* "[TRACE] [TYPE]": what follows the options */
    const char *summary;                /* one line, no full stop */
    const char *about;                  /* a paragraph or more, plain text, wrapped when shown */
    const char *const *examples;        /* "command line\0explanation" as alternating strings, NULL ends; may be NULL */
    const struct cli_option *options;   /* own options; may be NULL */
    unsigned groups;                    /* enum cli_groups; CLI_GROUP_OUTPUT is implied */
    size_t operands_min, operands_max;  /* operands_max 0 with the next member false: none */
    bool operands_any;                  /* no upper limit */
    bool stop_at_operand;               /* the first operand ends the options, as `run PROG -x` wants */
    bool hidden;                        /* not listed; still has --help */
    enum cli_hint operand_hint;
};

/* A command's own --top (commands of CLI_GROUP_TABLE and CLI_GROUP_TOP share theirs): `top`, a uint64_t of its struct.
 */
#define CLI_OPTION_TOP(args, words)                                                                                    \
    {                                                                                                                  \
        .name = "top", .letter = 'n', .kind = CLI_NUMBER, .offset = offsetof(struct args, top), .argument = "N",       \
        .help = (words)                                                                                                \
    }
/* Operands [TRACE] OBJECT (cli_operands_object). */
#define CLI_OPERANDS_OBJECT .operands_min = 1, .operands_max = 2, .operand_hint = CLI_HINT_TRACE

/* CLI_GROUP_RECORD (rec_args.c); offsets are those of struct cli_common. */
extern const struct cli_option cli_group_record[];

/* Topics of `reftrack help`, ended by NULL. */
extern const char *const cli_topics[];

/* The table of main.c, ended by NULL. */
extern const struct cli_command *const cli_commands[];
/* NULL: no such command. */
const struct cli_command *cli_command_find(const char *name);

/* Parses argv[1..]. Options may stand before and after operands, `--` ends them, --name=value and --name value are
 * the same, as are -n5 and -n 5. Fills `common` with defaults first; `own` (may be NULL when the command has no own
 * options) keeps what it held where no option was given. argv is permuted.
 * Returns -1 to go on, or the exit code to leave with: 0 after --help, 2 after a usage error that was printed. */
int cli_parse(const struct cli_command *command, int argc, char **argv, void *own, struct cli_common *common,
              struct cli_operands *operands) __attribute__((warn_unused_result));

/* Prints "reftrack CMD: MESSAGE" and where to read on, to stderr; returns 2. */
int cli_usage(const struct cli_command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "4KiB", "60s" and the like. false: not such a value; *ret untouched. */
bool cli_parse_number(const char *text, uint64_t *ret);

/* Calls `each` for every visible option of the command: --help first, then its own, then its groups. */
void cli_option_each(const struct cli_command *command, void (*each)(void *ctx, const struct cli_option *option),
                     void *ctx);

/* The help page of a command. */
void cli_help_command(FILE *out, const struct cli_command *command);
/* Prints plain text from `column` on, where the cursor is; later lines are indented. Line feeds stay; ends with one.
 * width 0: lines of any length. */
void cli_wrap_text(FILE *out, const char *text, unsigned column, unsigned indent, unsigned width);
/* Prints a page whose lines are paragraphs of any length. "word   explanation" is continued under the explanation; a
 * line that begins with blanks and has none is left as it is. */
void cli_wrap_page(FILE *out, const char *text, unsigned width);
/* The man page of a command, in mdoc. */
void cli_help_man(FILE *out, const struct cli_command *command);
/* The completion script of "bash", "zsh" or "fish"; false: another shell. */
bool cli_completions(FILE *out, const char *shell);

#endif
