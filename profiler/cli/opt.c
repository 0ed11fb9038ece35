/* opt.c: parses command lines by the option tables, and guesses what a mistyped word meant. The tables of the shared
 * option groups live here; help texts and completions made from them are in opt_help.c and opt_complete.c. */
#include "opt.h"

#include <base/nearest.h>

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define COMMON(member) offsetof(struct cli_common, member)

static const struct cli_option group_output[] = {
    { .name = "color",
      .kind = CLI_CHOICE,
      .offset = COMMON(color),
      .argument = "WHEN",
      .choices = "auto|always|never",
      .help = "colour the output: auto (on a terminal), always, never" },
    { .name = "no-pager", .kind = CLI_FLAG, .offset = COMMON(no_pager), .help = "do not send long output to a pager" },
    { .name = "width",
      .kind = CLI_NUMBER,
      .offset = COMMON(width),
      .argument = "N",
      .help = "columns to fill instead of the terminal's" },
    { .name = "units",
      .kind = CLI_CHOICE,
      .offset = COMMON(units),
      .argument = "UNITS",
      .choices = "iec|si|bytes",
      .help = "sizes as KiB and MiB (iec), kB and MB (si), or plain bytes" },
    { .name = "plain",
      .kind = CLI_FLAG,
      .offset = COMMON(plain),
      .help = "for scripts: no colour, no pager; tables, events and findings as one line each, separated by tabs, with "
              "full "
              "numbers" },
    { .name = "quiet",
      .letter = 'q',
      .kind = CLI_FLAG,
      .offset = COMMON(quiet),
      .help = "only results and errors: no hints, no progress" },
    { .name = "verbose",
      .letter = 'v',
      .kind = CLI_FLAG,
      .offset = COMMON(verbose),
      .help = "more detail: whole stacks, whole paths" },
    { 0 }
};
static const struct cli_option group_format[] = { { .name = "format",
                                                    .kind = CLI_CHOICE,
                                                    .offset = COMMON(format),
                                                    .argument = "FORMAT",
                                                    .choices = "text|json|csv|tsv",
                                                    .help = "form of the result; csv and tsv only for tables" },
                                                  { .name = "json",
                                                    .kind = CLI_SET,
                                                    .offset = COMMON(format),
                                                    .set = CLI_FORMAT_JSON,
                                                    .help = "the same as --format json" },
                                                  { 0 } };
static const struct cli_option group_table[] = {
    { .name = "where",
      .kind = CLI_TEXT,
      .offset = COMMON(where),
      .argument = "EXPR",
      .help = "only rows for which EXPR holds, such as 'live>100 && type~json_'" },
    { .name = "sort",
      .letter = 's',
      .kind = CLI_TEXT,
      .offset = COMMON(sort),
      .argument = "KEY[,KEY]",
      .help = "order by these columns; -KEY turns the order round" },
    { .name = "top",
      .letter = 'n',
      .kind = CLI_NUMBER,
      .offset = COMMON(top),
      .argument = "N",
      .help = "only the first N rows; 0 for all" },
    { 0 }
};
static const struct cli_option group_trace[] = {
    { .name = "symfs",
      .kind = CLI_TEXT,
      .offset = COMMON(symfs),
      .argument = "DIR",
      .hint = CLI_HINT_DIR,
      .help = "look for programs and libraries of the trace under DIR" },
    { .name = "no-symbols",
      .kind = CLI_FLAG,
      .offset = COMMON(no_symbols),
      .help = "name places as module+offset; faster" },
    { .name = "no-index",
      .kind = CLI_FLAG,
      .offset = COMMON(no_index),
      .help = "read the whole trace; neither use nor leave a TRACE.idx beside a large one" },
    { .name = "wrapper",
      .kind = CLI_LIST,
      .offset = COMMON(wrappers),
      .argument = "NAME",
      .help = "functions that only pass a reference on: their caller is the site; repeatable, globs allowed" },
    { 0 }
};
#define OPTION_FROM(is_hidden)                                                                                         \
    {                                                                                                                  \
        .name = "from", .kind = CLI_TEXT, .offset = COMMON(from), .argument = "MARK", .hidden = (is_hidden),           \
        .help = "only what was born after this mark, or after a moment such as 90s"                                    \
    }
#define OPTION_TO                                                                                                      \
    {                                                                                                                  \
        .name = "to", .kind = CLI_TEXT, .offset = COMMON(to), .argument = "MARK",                                      \
        .help = "the state at this mark, or at a moment such as 5m, instead of the end"                                \
    }
static const struct cli_option group_window[] = { OPTION_FROM(false), OPTION_TO, { 0 } };
static const struct cli_option group_moment[] = { OPTION_FROM(true), OPTION_TO, { 0 } };
static const struct cli_option group_gate[] = {
    { .name = "suppressions",
      .kind = CLI_LIST,
      .offset = COMMON(suppressions),
      .argument = "FILE",
      .hint = CLI_HINT_FILE,
      .help = "known findings that do not count, in LSan, Valgrind or own syntax; repeatable" },
    { .name = "baseline",
      .kind = CLI_TEXT,
      .offset = COMMON(baseline),
      .argument = "FILE",
      .hint = CLI_HINT_FILE,
      .help = "findings of this earlier --json output do not count unless they grew" },
    { .name = "fail-on",
      .kind = CLI_TEXT,
      .offset = COMMON(fail_on),
      .argument = "LIST",
      .help = "verdicts that count, comma-separated; +NAME and -NAME change the default set" },
    { .name = "without-roots",
      .kind = CLI_TEXT,
      .offset = COMMON(without_roots),
      .argument = "LIST",
      .help = "pointers that stand there hold nothing, comma-separated: globals, tls, stacks, registers, regions, "
              "mapped, mmap, freed, purpose, loader ('reftrack help leaks')" },
    { .name = "no-unaligned",
      .kind = CLI_FLAG,
      .offset = COMMON(no_unaligned),
      .help = "pointers at addresses that are no multiples of their size (8, of compressed ones 4) hold nothing, where "
              "the recording read them" },
    { .name = "no-heuristics",
      .kind = CLI_FLAG,
      .offset = COMMON(no_heuristics),
      .help = "a pointer behind the head of a C++ array, or into what GLib made, holds it only possibly, as any other "
              "into its middle" },
    { 0 }
};
static const struct cli_option group_pid[] = { { .name = "pid",
                                                 .letter = 'p',
                                                 .kind = CLI_NUMBER,
                                                 .offset = COMMON(pid),
                                                 .argument = "N",
                                                 .hint = CLI_HINT_PID,
                                                 .help = "the growing trace of this running process" },
                                               { 0 } };
static const struct cli_option group_top[] = { { .name = "top",
                                                 .letter = 'n',
                                                 .kind = CLI_NUMBER,
                                                 .offset = COMMON(top),
                                                 .argument = "N",
                                                 .help = "only the first N findings; 0 for all" },
                                               { 0 } };
static const struct cli_option group_siblings[] = {
    { .name = "siblings",
      .kind = CLI_CHOICE,
      .offset = COMMON(siblings),
      .argument = "WHEN",
      .choices = "auto|always|never",
      .help = "compare what leaked with objects born at the same place that were freed: when they took and gave back, "
              "and the first event that differed; it needs a second reading of the trace, so auto leaves it out above "
              "20 million events" },
    { 0 }
};
/* In the order of enum cli_groups. */
static const struct cli_option *const groups[CLI_GROUP_COUNT_] = { group_output,   group_format, group_table,
                                                                   group_trace,    group_window, group_gate,
                                                                   group_pid,      group_top,    cli_group_record,
                                                                   group_siblings, group_moment };
static const struct cli_option help_option = {
    .name = "help", .letter = 'h', .kind = CLI_NONE, .help = "show this help and leave"
};

void cli_option_each(const struct cli_command *command, void (*each)(void *ctx, const struct cli_option *option),
                     void *ctx)
{
    for (const struct cli_option *option = command->options; option != NULL && option->name != NULL; option++)
        if (!option->hidden)
            each(ctx, option);
    static const unsigned order[CLI_GROUP_COUNT_] = { CLI_GROUP_RECORD, CLI_GROUP_PID,      CLI_GROUP_WINDOW,
                                                      CLI_GROUP_MOMENT, CLI_GROUP_TABLE,    CLI_GROUP_TOP,
                                                      CLI_GROUP_GATE,   CLI_GROUP_SIBLINGS, CLI_GROUP_FORMAT,
                                                      CLI_GROUP_TRACE,  CLI_GROUP_OUTPUT };
    for (size_t i = 0; i < CLI_GROUP_COUNT_; i++) {
        if (((command->groups | CLI_GROUP_OUTPUT) & order[i]) == 0)
            continue;
        for (const struct cli_option *option = groups[__builtin_ctz(order[i])]; option->name != NULL; option++)
            if (!option->hidden)
                each(ctx, option);
    }
    each(ctx, &help_option);
}

int cli_usage(const struct cli_command *command, const char *format, ...)
{
    va_list args;
    size_t length = strlen(format);
    fprintf(stderr, "reftrack %s: ", command->name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "%s see 'reftrack %s --help'\n", length != 0 && format[length - 1] == '?' ? " or" : ";",
            command->name);
    return 2;
}

/* ---- Values -------------------------------------------------------------------------------------------------------
 */
bool cli_parse_number(const char *text, uint64_t *ret)
{
    if (*text < '0' || *text > '9')
        return false;
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 0);
    if (errno != 0 || *end != '\0')
        return false;
    *ret = value;
    return true;
}

static bool parse_choice(const char *text, const char *choices, int *ret)
{
    size_t length = strlen(text);
    int index = 0;
    for (const char *choice = choices; choice != NULL; index++) {
        const char *bar = strchr(choice, '|');
        size_t n = bar != NULL ? (size_t)(bar - choice) : strlen(choice);
        if (n == length && memcmp(choice, text, n) == 0) {
            *ret = index;
            return true;
        }
        choice = bar != NULL ? bar + 1 : NULL;
    }
    return false;
}

/* Stores one option. -1, or the exit code after a message. */
static int store(const struct cli_command *command, const struct cli_option *option, void *base, const char *value)
{
    void *where = (char *)base + option->offset;
    enum prof_unit unit = option->kind == CLI_SIZE ? PROF_UNIT_BYTES : PROF_UNIT_US;
    switch (option->kind) {
    case CLI_FLAG:
        *(bool *)where = true;
        return -1;
    case CLI_SET:
        *(int *)where = option->set;
        return -1;
    case CLI_TEXT:
        *(const char **)where = value;
        return -1;
    case CLI_NUMBER:
        if (cli_parse_number(value, where))
            return option->hint != CLI_HINT_PID || *(uint64_t *)where != 0
                       ? -1 /* 0 would mean that it was not given */
                       : cli_usage(command, "--%s: there can be no process 0", option->name);
        return cli_usage(command, "--%s wants a whole number, not '%s'", option->name, value);
    case CLI_SIZE:
    case CLI_DURATION:
        if (prof_parse_quantity(value, unit, where))
            return -1;
        return cli_usage(command, "--%s wants a %s, not '%s'", option->name,
                         unit == PROF_UNIT_BYTES ? "size such as 64KiB" : "time such as 500ms, 60s or 2h", value);
    case CLI_CHOICE:
        if (parse_choice(value, option->choices, where))
            return -1;
        return cli_usage(command, "--%s is one of %s, not '%s'", option->name,
                         option->choices + (strncmp(option->choices, "default|", 8) == 0 ? 8 : 0), value);
    case CLI_LIST: {
        struct cli_list *list = where;
        if (list->count == CLI_LIST_MAX)
            return cli_usage(command, "--%s may be given %d times", option->name, CLI_LIST_MAX);
        list->items[list->count++] = value;
        return -1;
    }
    case CLI_NONE:
        break;
    }
    return -1;
}

/* ---- Parsing ------------------------------------------------------------------------------------------------------
 */
struct lookup {
    const char *name; /* long name, or NULL */
    size_t length;
    char letter;
    const struct cli_option *found;
    bool is_common;
};

static void match_table(struct lookup *lookup, const struct cli_option *table, bool is_common)
{
    for (; lookup->found == NULL && table != NULL && table->name != NULL; table++) {
        bool fits = lookup->name != NULL ? strlen(table->name) == lookup->length &&
                                               memcmp(table->name, lookup->name, lookup->length) == 0
                                         : table->letter == lookup->letter;
        if (fits) {
            lookup->found = table;
            lookup->is_common = is_common;
        }
    }
}

static void find_option(const struct cli_command *command, struct lookup *lookup)
{
    lookup->found = NULL;
    match_table(lookup, command->options, false);
    for (size_t i = 0; i < CLI_GROUP_COUNT_; i++)
        if ((command->groups | CLI_GROUP_OUTPUT) & (1u << i))
            match_table(lookup, groups[i], true);
}

struct name_list {
    const char *names[64];
    size_t count;
};
static void gather_name(void *ctx, const struct cli_option *option)
{
    struct name_list *list = ctx;
    if (list->count < sizeof list->names / sizeof *list->names)
        list->names[list->count++] = option->name;
}

static int unknown_option(const struct cli_command *command, const char *name, size_t length)
{
    struct name_list list = { .count = 0 };
    enum { WORD_MAX = 32 };
    char word[WORD_MAX + 1];
    snprintf(word, sizeof word, "%.*s", (int)(length > WORD_MAX ? WORD_MAX : length), name);
    cli_option_each(command, gather_name, &list);
    const char *near = prof_nearest(word, list.names, list.count);
    if (near != NULL)
        return cli_usage(command, "unknown option '--%.*s'; did you mean --%s?", (int)length, name, near);
    return cli_usage(command, "unknown option '--%.*s'", (int)length, name);
}

int cli_parse(const struct cli_command *command, int argc, char **argv, void *own, struct cli_common *common,
              struct cli_operands *operands)
{
    *common = (struct cli_common){ .top = CLI_TOP_DEFAULT };
    size_t kept = 0;
    bool only_operands = false;
    for (int i = 1; i < argc; i++) {
        char *word = argv[i];
        if (only_operands || word[0] != '-' || word[1] == '\0') {
            argv[1 + kept++] = word;
            only_operands |= command->stop_at_operand;
            continue;
        }
        if (strcmp(word, "--") == 0) {
            only_operands = true;
            continue;
        }
        bool is_long = word[1] == '-';
        const char *value = NULL;
        const char *letters = is_long ? NULL : word + 1;
        do {
            struct lookup lookup = { 0 };
            if (is_long) {
                lookup.name = word + 2;
                lookup.length = strcspn(word + 2, "=");
                value = word[2 + lookup.length] == '=' ? word + 3 + lookup.length : NULL;
                if (lookup.length == 4 && memcmp(lookup.name, "help", 4) == 0) {
                    cli_help_command(stdout, command);
                    return 0;
                }
            } else {
                lookup.letter = *letters++;
                value = *letters != '\0' ? letters : NULL;
                if (lookup.letter == 'h') {
                    cli_help_command(stdout, command);
                    return 0;
                }
            }
            find_option(command, &lookup);
            const struct cli_option *option = lookup.found;
            if (option == NULL && is_long)
                return unknown_option(command, lookup.name, lookup.length);
            if (option == NULL)
                return cli_usage(command, "unknown option '-%c'", lookup.letter);
            bool wants = option->kind != CLI_FLAG && option->kind != CLI_SET;
            if (!wants && is_long && value != NULL)
                return cli_usage(command, "--%s takes no value", option->name);
            if (wants && value == NULL) {
                if (i + 1 >= argc || strcmp(argv[i + 1], "--") == 0) /* ends the options, is no value */
                    return cli_usage(command, "--%s wants %s", option->name, option->argument);
                value = argv[++i];
            }
            int code = store(command, option, lookup.is_common ? (void *)common : own, value);
            if (code >= 0)
                return code;
            if (wants)
                break; /* the rest of the word was the value */
        } while (!is_long && *letters != '\0');
    }
    argv[1 + kept] = NULL;
    *operands = (struct cli_operands){ .items = argv + 1, .count = kept };
    if (!command->operands_any && kept > command->operands_max)
        return cli_usage(command, "'%s' is one argument too many", argv[1 + command->operands_max]);
    if (kept < command->operands_min)
        return cli_usage(command, "it wants %s", command->synopsis);
    if (common->plain) {
        common->color = CLI_NEVER;
        common->no_pager = true;
    }
    return -1;
}
