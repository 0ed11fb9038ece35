/* rec_args.c: the options that say how programs are recorded, shared by all commands that start a recording. */
#include "rec_args.h"

#include <stdlib.h>
#include <string.h>

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
      .argument = "1/N",
      .help = "record one in N blocks and objects, chosen by their address" },
    { .name = "on-full",
      .kind = CLI_CHOICE,
      .offset = RECORD(on_full),
      .argument = "block|drop|flight",
      .choices = "default|block|drop|flight",
      .help =
          "what a program does that is faster than the recorder: wait a bounded time, drop and count, or never care: "
          "the newest events stay in memory until the end or a snapshot (block)" },
    { .name = "budget",
      .kind = CLI_SIZE,
      .offset = RECORD(budget),
      .argument = "SIZE",
      .help = "shared memory per program (64MiB)" },
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

static bool filters_ok(const struct cli_command *command, const struct cli_record *args)
{
    if (args->types != NULL && !list_ok(args->types))
        cli_usage(command, "--types takes type names joined by '|', at most 255 characters, as in 'conn|sess*'");
    else if (args->modules != NULL && !list_ok(args->modules))
        cli_usage(command, "--modules takes file names joined by '|', at most 255 characters, as in 'server|libfoo*'");
    else if (args->objects != NULL && !share_ok(args->objects))
        cli_usage(command, "--objects takes 1/N with N from 1 to %d, as in 1/16", REC_SHARE_MAX);
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

bool cli_rec_options(const struct cli_command *command, const struct cli_common *common, struct rec_options *ret)
{
    const struct cli_record *args = &common->record;
    struct rec_options options = { .out = args->output,
                                   .replace = args->force,
                                   .no_children = args->children == 1,
                                   .budget = args->budget,
                                   .on_full = (uint32_t)args->on_full,
                                   .types = args->types,
                                   .modules = args->modules,
                                   .objects = args->objects,
                                   .version = REFTRACK_VERSION,
                                   .text = getenv("TRACK_OPTIONS"),
                                   .wrappers = common->wrappers.count > 0 ? common->wrappers.items : NULL };
    if (args->stacks != NULL && !parse_stacks(args->stacks, &options)) {
        cli_usage(command, "--stacks takes up to three numbers from 0 to %d, as in 64,8,1", TRK_STACK_MAX_FRAMES);
        return false;
    }
    if (!filters_ok(command, args))
        return false;
    *ret = options;
    return true;
}
