/* cmd_dump.c: raw events in their order, one per line. */
#include "cli.h"

#include <base/nearest.h>

#include <stdlib.h>
#include <string.h>

struct dump_args {
    bool stacks;
    const char *op;
    const char *addr;
    uint64_t skip, top;
};

static const struct cli_option options[] = {
    { .name = "stacks",
      .kind = CLI_FLAG,
      .offset = offsetof(struct dump_args, stacks),
      .help = "the whole stack below each event" },
    { .name = "event",
      .letter = 'e',
      .kind = CLI_TEXT,
      .offset = offsetof(struct dump_args, op),
      .argument = "NAME[,NAME]",
      .help = "only events of these kinds, such as ref,unref; memory: where it was read" },
    { .name = "address",
      .letter = 'a',
      .kind = CLI_TEXT,
      .offset = offsetof(struct dump_args, addr),
      .argument = "ADDR",
      .help = "only events about this address" },
    { .name = "skip",
      .kind = CLI_NUMBER,
      .offset = offsetof(struct dump_args, skip),
      .argument = "N",
      .help = "leave out the first N events of the trace" },
    { .name = "top",
      .letter = 'n',
      .kind = CLI_NUMBER,
      .offset = offsetof(struct dump_args, top),
      .argument = "N",
      .help = "only the first N events; 0 for all" },
    { 0 }
};

static const char *const examples[] = {
    "reftrack dump --top 20",
    "The first events of the newest trace.",
    "reftrack dump -e new,ref,unref,del -a 0x55d0c3a1b0 app.trk",
    "What happened at one address.",
    NULL,
};

const struct cli_command cli_command_dump = {
    .name = "dump",
    .main = cmd_dump,
    .synopsis = "[TRACE]",
    .summary = "the raw events in their order, one per line",
    .about = "Number, time (to nanoseconds when recorded with --clock tsc), thread, event, address, details, site. The "
             "fields are separated by one tab with --plain. "
             "A line without number is a place where memory was read ('memory' for --event; pause in microseconds). "
             "A '?' behind the number says that the place of the event among those of other threads is a guess.",
    .examples = examples,
    .options = options,
    .groups = CLI_GROUP_TRACE | CLI_GROUP_PID,
    .operands_max = 1,
    .operand_hint = CLI_HINT_TRACE,
};

struct dump {
    struct cli_session *session;
    const struct cli_common *common;
    const struct dump_args *args;
    struct cli_out *out;
    bool wanted[TRK_OP_COUNT_];
    bool wanted_memory; /* the places where memory was read, which are no events */
    bool by_addr;
    uint64_t addr, number, top, shown;
};

/* The comma-separated kinds. -1, or the exit code. */
static int parse_events(struct dump *dump, const char *list)
{
    if (list == NULL) {
        memset(dump->wanted, true, sizeof dump->wanted);
        dump->wanted_memory = true;
        return -1;
    }
    for (const char *p = list; *p != '\0';) {
        char word[32];
        size_t length = strcspn(p, ",");
        bool found = false;
        snprintf(word, sizeof word, "%.*s", (int)(length < 31 ? length : 31), p);
        const char *names[TRK_OP_COUNT_ + 1] = { [TRK_OP_COUNT_] = "memory" };
        if (strcmp(word, "memory") == 0)
            dump->wanted_memory = found = true;
        for (unsigned op = 0; op < TRK_OP_COUNT_; op++) {
            names[op] = prof_op_name(op);
            if (strcmp(names[op], word) == 0)
                dump->wanted[op] = found = true;
        }
        if (!found) {
            const char *near = prof_nearest(word, names, TRK_OP_COUNT_ + 1);
            if (near != NULL)
                return cli_usage(&cli_command_dump, "there is no event '%s'; did you mean '%s'?", word, near);
            return cli_usage(&cli_command_dump, "there is no event '%s'", word);
        }
        p += length;
        p += *p == ',';
    }
    return -1;
}

/* A blank between details, none before the first. */
static FILE *detail(struct dump *dump, bool *first)
{
    if (!*first)
        fputc(' ', dump->out->file);
    *first = false;
    return dump->out->file;
}

static void details(struct dump *dump, const struct prof_event *e)
{
    bool first = true;
    const char *name = NULL;
    switch (e->op) {
    case TRK_OP_ALLOC:
    case TRK_OP_ROOT_ADD:
    case TRK_OP_MOVE_RANGE:
        fprintf(detail(dump, &first), "size=%llu", (unsigned long long)e->size);
        break;
    case TRK_OP_FREE:
        if (e->size != 0)
            fprintf(detail(dump, &first), "size=%llu", (unsigned long long)e->size);
        break;
    case TRK_OP_NEW:
    case TRK_OP_RETYPE:
    case TRK_OP_TYPED:
        fputs("type=", detail(dump, &first));
        if (prof_trace_type(dump->session->trace, (uint32_t)e->size, &name) != NULL && name != NULL)
            cli_put(dump->out, CLI_TYPE, name);
        else
            fprintf(dump->out->file, "%llu", (unsigned long long)e->size);
        break;
    default:
        break;
    }
    if (e->flags & PROF_EVENT_SLOT)
        fprintf(detail(dump, &first), "slot=0x%llx", (unsigned long long)e->slot);
    if (e->flags & PROF_EVENT_HOLDER)
        fprintf(detail(dump, &first), "holder=0x%llx", (unsigned long long)e->slot);
    if ((e->flags & (PROF_EVENT_FROM | PROF_EVENT_FROM_HOLDER)) != 0 || (e->op == TRK_OP_ALLOC && e->from != 0))
        fprintf(detail(dump, &first), "%s=0x%llx",
                e->flags & PROF_EVENT_FROM_HOLDER ? "from-holder"
                : e->flags & PROF_EVENT_POOL      ? "pool"
                                                  : "from",
                (unsigned long long)e->from);
    if (e->flags & PROF_EVENT_COUNT)
        fprintf(detail(dump, &first), "count=%lld", (long long)e->count);
    if (e->flags & PROF_EVENT_SEQ)
        fprintf(detail(dump, &first), "seq=%u", (unsigned)e->from);
    if (e->text != 0 && e->op != TRK_OP_MODULES) {
        name = prof_trace_text(dump->session->trace, e->text);
        fputs("text=", detail(dump, &first));
        cli_put(dump->out, CLI_PLAIN, name != NULL ? name : "?");
    }
}

/* The details filled up to a common width, so that the places behind them stand below each other. */
static void aligned_details(struct dump *dump, const struct prof_event *e)
{
    enum { DETAILS_WIDTH = 22 };
    struct cli_out *out = dump->out, real = *out;
    char *text = NULL;
    size_t length = 0;
    FILE *words = open_memstream(&text, &length);
    if (words == NULL) { /* no memory for order: at least the words */
        details(dump, e);
        return;
    }
    out->file = words;
    out->color = false; /* control sequences have no width */
    details(dump, e);
    fclose(words);
    *out = real;
    fprintf(out->file, "%-*s", e->stack != 0 ? DETAILS_WIDTH : 0, text != NULL ? text : "");
    free(text);
}

static void one(struct dump *dump, const struct prof_event *e)
{
    FILE *file = dump->out->file;
    bool plain = dump->common->plain;
    char text[1024], raw[1024];
    if (plain)
        fprintf(file, "%llu%s\t%llu.%0*u\t%u\t%s\t0x%llx\t", (unsigned long long)dump->number,
                e->flags & PROF_EVENT_FORCED ? "?" : "", (unsigned long long)(e->time_us / 1000000),
                e->fine != 0 ? 9 : 6, (unsigned)(e->fine != 0 ? prof_event_ns(e) % 1000000000 : e->time_us % 1000000),
                e->tid, prof_op_name(e->op), (unsigned long long)e->addr);
    else
        fprintf(file, "%8llu%c %-*s %7u  %-12s %-14s  ", (unsigned long long)dump->number,
                e->flags & PROF_EVENT_FORCED ? '?' : ' ',
                dump->session->info->exact_time || dump->session->info->exact_hooked ? 17 : 11,
                prof_fmt_event_time(text, sizeof text, e), e->tid, prof_op_name(e->op),
                e->addr != 0 ? prof_fmt_addr(raw, sizeof raw, e->addr) : "-");
    if (plain)
        details(dump, e);
    else
        aligned_details(dump, e);
    if (plain)
        fputc('\t', file);
    else if (e->stack != 0)
        fputs("  ", file);
    if (e->stack != 0) {
        prof_fmt_frame(raw, sizeof raw, prof_symbols_site_frame(dump->session->symbols, e->stack), false);
        cli_put(dump->out, CLI_PLACE, raw);
    }
    fputc('\n', file);
    if (!dump->args->stacks || e->stack == 0)
        return;
    const struct prof_frame *frames;
    size_t count = prof_symbols_stack(dump->session->symbols, e->stack, &frames);
    for (size_t i = 0; i < count; i++) {
        fprintf(file, "%*s0x%llx  ", plain ? 1 : 24, plain ? "\t" : "", (unsigned long long)frames[i].pc);
        cli_put(dump->out, CLI_FAINT, prof_fmt_frame(raw, sizeof raw, &frames[i], false));
        fputs(frames[i].inlined ? " (inlined)\n" : "\n", file);
    }
}

static struct prof_error *on_events(void *ctx, const struct prof_event *events, size_t n)
{
    struct dump *dump = ctx;
    for (size_t i = 0; i < n; i++) {
        const struct prof_event *e = &events[i];
        dump->number++;
        if (e->op >= TRK_OP_COUNT_ || !dump->wanted[e->op] || (dump->by_addr && e->addr != dump->addr) ||
            dump->number <= dump->args->skip)
            continue;
        if (dump->shown == dump->top || ferror(dump->out->file))
            return prof_error_create(PROF_ERROR_CANCELLED, "enough");
        dump->shown++;
        one(dump, e);
    }
    return NULL;
}

/* Memory was read here: a line without a number, as it is no event. */
static struct prof_error *on_memory(void *ctx, const struct prof_memory *memory)
{
    struct dump *dump = ctx;
    FILE *file = dump->out->file;
    char time[64];
    if (!dump->wanted_memory || dump->by_addr || dump->number < dump->args->skip)
        return NULL;
    if (dump->common->plain)
        fprintf(file, "-\t%llu.%06u\t-\tmemory\t-\t", (unsigned long long)(memory->at_us / 1000000),
                (unsigned)(memory->at_us % 1000000));
    else
        fprintf(file, "%8s  %-*s %7s  %-12s %-14s  ", "-",
                dump->session->info->exact_time || dump->session->info->exact_hooked ? 17 : 11,
                prof_fmt_time(time, sizeof time, memory->at_us), "-", "memory", "-");
    fprintf(file, "number=%u why=%s read=%s words=%zu bytes=%llu pause=%llu", memory->number,
            prof_look_name(memory->why), prof_rung_name(memory->rung), memory->word_count,
            (unsigned long long)memory->read_bytes, (unsigned long long)memory->pause_us);
    if (memory->name[0] != '\0') {
        fputs(" text=", file);
        cli_put(dump->out, CLI_PLAIN, memory->name);
    }
    fputs(dump->common->plain ? "\t\n" : "\n", file);
    return NULL;
}

/* Its events are not in the file: those that are keep the numbers that they have in the whole trace. */
static struct prof_error *on_state(void *ctx, struct prof_merge *merge, const void *bytes, size_t size)
{
    struct dump *dump = ctx;
    (void)merge;
    (void)bytes;
    (void)size;
    dump->number = dump->session->info->state_events;
    return NULL;
}

int cmd_dump(int argc, char **argv)
{
    struct dump_args args = { 0 };
    struct cli_common common;
    struct cli_operands operands;
    int code = cli_parse(&cli_command_dump, argc, argv, &args, &common, &operands);
    if (code >= 0)
        return code;
    struct cli_session session;
    struct cli_out out;
    struct dump dump = { .session = &session, .common = &common, .args = &args, .out = &out };
    dump.top = args.top == 0 ? UINT64_MAX : args.top;
    dump.by_addr = args.addr != NULL;
    if (dump.by_addr && !prof_parse_quantity(args.addr, PROF_UNIT_NONE, &dump.addr))
        return cli_usage(&cli_command_dump, "--address wants an address such as 0x55d0c3a1b0, not '%s'", args.addr);
    code = parse_events(&dump, args.op);
    if (code >= 0)
        return code;
    code = cli_session_open(&session, &common, operands.items[0], CLI_PART_SYMBOLS);
    if (code < 0) {
        static const struct prof_trace_sink sink = { .events = on_events, .state = on_state, .memory = on_memory };
        if (session.info->damage != NULL && !session.running)
            cli_warn("%s is incomplete: %s", session.path, session.info->damage);
        if (session.info->has_state && !common.quiet) {
            char count[32], time[32];
            cli_warn("%s begins with the state at %s: the %s events before it are not in the file", session.path,
                     prof_fmt_time(time, sizeof time, session.info->state_us),
                     prof_fmt_count(count, sizeof count, session.info->state_events));
        }
        cli_out_open(&out, &common);
        struct prof_error *error = prof_trace_replay(session.trace, &sink, &dump);
        if (error != NULL && error->code == PROF_ERROR_CANCELLED) {
            prof_error_destroy(error);
            error = NULL;
        }
        if (error != NULL)
            code = cli_error(error);
        int closed = cli_out_close(&out);
        code = code >= 0 ? code : closed;
    }
    cli_session_close(&session);
    return code;
}
