/* rec_args.c: the options that say how programs are recorded, shared by all commands that start a recording. */
#include "rec_args.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <prof/view.h>

#include "cli.h"

enum { MAX_TRACE_LEAST = 64 << 10, WINDOW_US = 300 * 1000000 };

#define RECORD(member) offsetof(struct cli_common, record.member)

const struct cli_option cli_group_record[] = {
    { .name = "output",
      .letter = 'o',
      .kind = CLI_TEXT,
      .offset = RECORD(output),
      .argument = "FILE",
      .hint = CLI_HINT_FILE,
      .help =
          "write the trace to FILE, or into it when it is a folder; %p is the process id, %e the program (%e.%p.trk)" },
    { .name = "force",
      .letter = 'f',
      .kind = CLI_FLAG,
      .offset = RECORD(force),
      .help = "replace an older trace of the same name" },
    { .name = "children",
      .kind = CLI_CHOICE,
      .offset = RECORD(children),
      .argument = "yes|no",
      .choices = "yes|no",
      .help = "record forked children and programs they execute, one trace each (yes)" },
    { .name = "stacks",
      .kind = CLI_TEXT,
      .offset = RECORD(stacks),
      .argument = "B,R,F",
      .help = "frames kept on births, on references, on frees; 1: the call site, 0: none (64,8,1)" },
    { .name = "types",
      .kind = CLI_TEXT,
      .offset = RECORD(types),
      .argument = "LIST",
      .help = "record only objects of these types, patterns with * joined by '|'; blocks are recorded all the same" },
    { .name = "modules",
      .kind = CLI_TEXT,
      .offset = RECORD(modules),
      .argument = "LIST",
      .help = "record only blocks and objects whose call site is in these files: 'server|libfoo*'" },
    { .name = "objects",
      .kind = CLI_TEXT,
      .offset = RECORD(objects),
      .argument = "WHICH",
      .help = "1/N: record one in N blocks and objects, chosen by their address; 'conn#4,7-9|node#1': only these "
              "objects, by type and number as reports call them, as 'reftrack narrow' prints it" },
    { .name = "on-full",
      .kind = CLI_CHOICE,
      .offset = RECORD(on_full),
      .argument = "block|drop|flight",
      .choices = "default|block|drop|flight",
      .help =
          "what a program does that is faster than the recorder: wait a bounded time, drop and count, or never care: "
          "the newest events stay in memory until the end or a snapshot (block)" },
    { .name = "clock",
      .kind = CLI_CHOICE,
      .offset = RECORD(clock),
      .argument = "coarse|tsc",
      .choices = "default|coarse|tsc",
      .help =
          "the time of an event: that of a tick of some milliseconds; or its own, by the counter of the processor, and "
          "threads are put in the order of these times as far as causes leave it open: 25 ns and 2 bytes of trace more "
          "per event (coarse; tsc as soon as functions are hooked and a second thread runs)" },
    { .name = "budget",
      .kind = CLI_SIZE,
      .offset = RECORD(budget),
      .argument = "SIZE",
      .help = "shared memory per program, 1MiB to 4GiB (64MiB)" },
    { .name = "keep",
      .kind = CLI_CHOICE,
      .offset = RECORD(keep),
      .argument = "all|folded|window",
      .choices = "default|all|folded|window",
      .help = "what stays in the trace: all events; folded: the state they led to, counted exactly, for runs of weeks; "
              "window: the state and the newest events (all)" },
    { .name = "window",
      .kind = CLI_TEXT,
      .offset = RECORD(window),
      .argument = "TIME|SIZE",
      .help = "with --keep=window: how long, or in how much of the trace, events stay (5m)" },
    { .name = "max-trace",
      .kind = CLI_SIZE,
      .offset = RECORD(max_trace),
      .argument = "SIZE",
      .help = "the trace stays below this size: folded and window fold earlier, all stops recording there (no limit)" },
    { .name = "checkpoint",
      .kind = CLI_TEXT,
      .offset = RECORD(checkpoint),
      .argument = "WHEN",
      .help = "when memory is looked at for pointers: exit, mark, scope, joined by commas; none: only on request of "
              "another "
              "command or the program (exit)" },
    { .name = "no-memory",
      .kind = CLI_FLAG,
      .offset = RECORD(no_memory),
      .help = "never read the memory of programs: what is lost and what is held cannot be told apart then" },
    { .name = "pause",
      .kind = CLI_DURATION,
      .offset = RECORD(pause),
      .argument = "TIME",
      .help = "stop a program no longer than this to read its memory, but at its exit; the rest is read while it runs "
              "(200ms)" },
    { .name = "unaligned",
      .kind = CLI_FLAG,
      .offset = RECORD(unaligned),
      .help = "pointers may stand at any address, as in packed structures, not only at multiples of 8" },
    { .name = "pointer",
      .kind = CLI_LIST,
      .offset = RECORD(pointers),
      .argument = "HOW",
      .help = "pointers are also stored like this: mask=M, xor=K, base=B:shift=S:bits=N; repeatable" },
    { 0 }
};

/* Patterns joined by '|', none of them empty, and not longer than the program's own option may be. */
static bool list_ok(const char *text)
{
    size_t length = strlen(text);
    return length > 0 && length < 256 && text[0] != '|' && text[length - 1] != '|' && strstr(text, "||") == NULL;
}

/* "1/16". */
static bool share_ok(const char *text)
{
    size_t digits = strncmp(text, "1/", 2) == 0 ? strspn(text + 2, "0123456789") : 0;
    return digits > 0 && digits < 8 && text[2 + digits] == '\0' && atoi(text + 2) >= 1 &&
           atoi(text + 2) <= REC_SHARE_MAX;
}

/* "4,7-9". */
static bool numbers_ok(const char *text, size_t length)
{
    for (const char *end = text + length; text <= end;) {
        char *stop;
        if (text == end || !isdigit((unsigned char)*text))
            return false;
        unsigned long first = strtoul(text, &stop, 10), last = first;
        if (*stop == '-' && isdigit((unsigned char)stop[1]))
            last = strtoul(stop + 1, &stop, 10);
        if (first == 0 || last < first || last > UINT32_MAX || stop > end || (stop < end && *stop != ','))
            return false;
        text = stop + 1;
    }
    return true;
}

/* "conn#4,7-9|node#1": at most 32 types. */
static bool named_ok(const char *text)
{
    size_t items = 0;
    if (strlen(text) >= 256)
        return false;
    for (;; text++) {
        size_t length = strcspn(text, "|");
        const char *hash = memrchr(text, '#', length);
        if (++items > 32 || hash == NULL || hash == text || !numbers_ok(hash + 1, (size_t)(text + length - hash - 1)))
            return false;
        text += length;
        if (*text == '\0')
            return true;
    }
}

static bool filters_ok(const struct cli_command *command, const struct cli_record *args)
{
    if (args->types != NULL && !list_ok(args->types))
        cli_usage(command, "--types takes type names joined by '|', at most 255 characters, as in 'conn|sess*'");
    else if (args->modules != NULL && !list_ok(args->modules))
        cli_usage(command, "--modules takes file names joined by '|', at most 255 characters, as in 'server|libfoo*'");
    else if (args->objects != NULL && !share_ok(args->objects) && !named_ok(args->objects))
        cli_usage(
            command,
            "--objects takes 1/N with N from 1 to %d, as in 1/16, or objects by number, as in 'conn#4,7-9|node#1'",
            REC_SHARE_MAX);
    else
        return true;
    return false;
}

/* "64,8,1": one to three numbers. */
static bool parse_stacks(const char *text, struct rec_options *ret)
{
    uint16_t depths[3] = { 0 }; /* 0: not given */
    for (int i = 0; i < 3 && text != NULL; i++) {
        char *end;
        unsigned long n = strtoul(text, &end, 10);
        if (end == text || n > TRK_STACK_MAX_FRAMES || (*end != '\0' && (*end != ',' || i == 2)))
            return false;
        depths[i] = n == 0 ? TRK_WISH_NO_STACK : (uint16_t)n;
        text = *end == ',' ? end + 1 : NULL;
    }
    ret->depth_birth = depths[0];
    ret->depth_ref = depths[1];
    ret->depth_free = depths[2];
    return true;
}

static bool parse_keep(const char *text, size_t length, enum rec_keep *ret)
{
    static const char *const words[] = {
        [REC_KEEP_ALL] = "all", [REC_KEEP_FOLDED] = "folded", [REC_KEEP_WINDOW] = "window"
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i]) == length && memcmp(words[i], text, length) == 0) {
            *ret = (enum rec_keep)i;
            return true;
        }
    }
    return false;
}

/* "5m" or "64MiB". A bare number is in seconds. */
static bool parse_window(const char *text, struct rec_options *ret)
{
    uint64_t us = 0, bytes = 0;
    if (!prof_parse_quantity(text, PROF_UNIT_US, &us) && !prof_parse_quantity(text, PROF_UNIT_BYTES, &bytes))
        return false;
    if (us == 0 && bytes == 0)
        return false;
    ret->window_us = us;
    ret->window_bytes = bytes;
    return true;
}

/* One key=value of TRACK_OPTIONS. false: it makes no sense. */
static bool set_from_environment(const char *key, size_t key_length, const char *value, struct rec_options *ret)
{
    if (key_length == 4 && memcmp(key, "keep", 4) == 0)
        return parse_keep(value, strlen(value), &ret->keep);
    if (key_length == 6 && memcmp(key, "window", 6) == 0)
        return parse_window(value, ret);
    if (key_length == 9 && memcmp(key, "max_trace", 9) == 0)
        return prof_parse_quantity(value, PROF_UNIT_BYTES, &ret->max_trace) && ret->max_trace >= MAX_TRACE_LEAST;
    if (key_length == 10 && memcmp(key, "checkpoint", 10) == 0)
        return cli_look_when(value, &ret->looks);
    if (key_length == 6 && memcmp(key, "memory", 6) == 0) {
        ret->no_memory = strcmp(value, "0") == 0;
        return ret->no_memory || strcmp(value, "1") == 0;
    }
    return true;
}

void cli_rec_environment(const char *text, struct rec_options *ret)
{
    while (text != NULL && *text != '\0') {
        size_t length = strcspn(text, ":\n");
        const char *equals = memchr(text, '=', length);
        char value[64];
        if (equals != NULL && (size_t)(text + length - equals) <= sizeof value) {
            size_t n = (size_t)(text + length - equals) - 1;
            memcpy(value, equals + 1, n);
            value[n] = '\0';
            if (!set_from_environment(text, (size_t)(equals - text), value, ret))
                cli_warn("TRACK_OPTIONS: '%.*s' is ignored: keep=all|folded|window, window=5m or window=64MiB, "
                         "max_trace=64KiB or more, checkpoint=exit,mark,scope or none, memory=0|1",
                         (int)length, text);
        }
        text += length + (text[length] != '\0');
    }
}

bool cli_rec_options(const struct cli_command *command, const struct cli_common *common, struct rec_options *ret)
{
    const struct cli_record *args = &common->record;
    struct rec_options options = { .out = args->output,
                                   .replace = args->force,
                                   .no_children = args->children == 1,
                                   .budget = args->budget,
                                   .on_full = (uint32_t)args->on_full,
                                   .clock = (uint32_t)args->clock,
                                   .types = args->types,
                                   .modules = args->modules,
                                   .objects = args->objects,
                                   .version = REFTRACK_VERSION,
                                   .text = getenv("TRACK_OPTIONS"),
                                   .wrappers = common->wrappers.count > 0 ? common->wrappers.items : NULL,
                                   .window_us = WINDOW_US,
                                   .looks = REC_LOOK_EXIT,
                                   .pause_us = REC_PAUSE_US };
    cli_rec_environment(options.text, &options);
    if (args->keep != 0)
        options.keep = (enum rec_keep)(args->keep - 1);
    if (args->max_trace != 0)
        options.max_trace = args->max_trace;
    if (options.max_trace != 0 && options.max_trace < MAX_TRACE_LEAST) {
        cli_usage(command, "--max-trace is at least %d KiB: the definitions alone need that", MAX_TRACE_LEAST >> 10);
        return false;
    }
    if (args->budget != 0 && (args->budget < REC_BUDGET_LEAST || args->budget > REC_BUDGET_MOST)) {
        cli_usage(command, "--budget is from 1MiB to 4GiB");
        return false;
    }
    if (args->window != NULL && !parse_window(args->window, &options)) {
        cli_usage(command, "--window takes a time or a size, as in 5m or 64MiB, not '%s'", args->window);
        return false;
    }
    if (args->window != NULL && options.keep != REC_KEEP_WINDOW) {
        cli_usage(command, "--window means nothing without --keep=window");
        return false;
    }
    if (args->stacks != NULL && !parse_stacks(args->stacks, &options)) {
        cli_usage(command, "--stacks takes up to three numbers from 0 to %d, as in 64,8,1", TRK_STACK_MAX_FRAMES);
        return false;
    }
    if (options.on_full == TRK_FULL_FLIGHT + 1 && (args->keep > 1 || args->max_trace != 0)) {
        cli_usage(command, "--on-full flight writes nothing before the end: --keep and --max-trace mean nothing there");
        return false;
    }
    if (!filters_ok(command, args) || !cli_look_options(command, args, &options))
        return false;
    *ret = options;
    return true;
}
