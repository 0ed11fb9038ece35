/* cmd_gc.c: Python's gc for a recorded program: replays the trace with the driver of generations going along, and shows
 * what it found, when, and how it stands. */
#include "ask_say.h"
#include "cli.h"

#include <base/nearest.h>
#include <base/vec.h>

#include <stdlib.h>
#include <string.h>

struct gc_args {
    int compat; /* 1: cpython */
    const char *until, *debug, *threshold, *gen, *type, *at;
    bool disable;
};

static const struct cli_option options[] = {
    { .name = "compat",
      .kind = CLI_CHOICE,
      .offset = offsetof(struct gc_args, compat),
      .argument = "WHOM",
      .choices = "none|cpython",
      .help = "behave as CPython: thresholds 700, 10, 10, and no passes by events or time" },
    { .name = "threshold",
      .kind = CLI_TEXT,
      .offset = offsetof(struct gc_args, threshold),
      .argument = "A,B,C",
      .help = "examine generation 0 when A more were born than died, 1 after B passes over 0, 2 after C over 1; A 0: "
              "no automatic passes (10000,10,10)" },
    { .name = "disable", .kind = CLI_FLAG, .offset = offsetof(struct gc_args, disable), .help = "no automatic passes" },
    { .name = "until",
      .kind = CLI_TEXT,
      .offset = offsetof(struct gc_args, until),
      .argument = "MOMENT",
      .help = "stop there: a mark or a time, the same as --to" },
    { .name = "debug",
      .kind = CLI_TEXT,
      .offset = offsetof(struct gc_args, debug),
      .argument = "FLAGS",
      .help = "show more: stats (a line for each pass), collectable, uncollectable (each object found), leak (both); "
              "saveall is taken and always so; without it, what the program asked for (trk_gc_set_debug)" },
    { .name = "gen",
      .kind = CLI_TEXT,
      .offset = offsetof(struct gc_args, gen),
      .argument = "N",
      .help = "objects: only those of generation 0, 1 or 2, frozen ones, or garbage" },
    { .name = "type",
      .kind = CLI_TEXT,
      .offset = offsetof(struct gc_args, type),
      .argument = "TYPE",
      .help = "objects: only those of this type" },
    { .name = "at",
      .kind = CLI_TEXT,
      .offset = offsetof(struct gc_args, at),
      .argument = "MARK",
      .help = "freeze: the mark at which what is alive becomes permanent" },
    { 0 }
};

static const char *const examples[] = {
    "reftrack gc app.trk",
    "What is garbage, and how long after its birth it was found.",
    "reftrack gc app.trk collect 0 --until after-load --disable",
    "What one pass over everything born before a mark finds.",
    "reftrack gc app.trk objects --gen 2 --type 'struct conn'",
    "Connections that survived two passes; QUIET is how long nothing happened to them.",
    "reftrack gc app.trk freeze --at ready",
    "What was there when the program was ready is no concern.",
    "reftrack gc app.trk --compat cpython --debug stats",
    "Each pass that CPython would have made.",
    "reftrack gc --pid 4711 threshold 700,10,10",
    "From now on passes are made as often in process 4711's recording; trk_gc_get_threshold() says so, too.",
    "reftrack gc --pid 4711 collect",
    "One pass over everything now, with a look at its memory.",
    NULL,
};

const struct cli_command cli_command_gc = {
    .name = "gc",
    .main = cmd_gc,
    .synopsis = "[TRACE] [ACTION]",
    .summary = "generations, passes and garbage of the cycle detector, like gc in Python",
    .about =
        "Replays the trace while objects grow old: those that survive a pass belong to the next generation. A pass "
        "finds objects that only hold each other, by references told with the variable or holder that owns them; "
        "what it finds stays garbage until an event on it, or memory, refutes that. Settings and passes of the program "
        "itself (trk_gc_*) happen where it made them; options go before. "
        "ACTION is nothing (automatic passes, and one over everything at the end), collect [0|1|2], stats, count, "
        "threshold [A,B,C], objects, garbage, or freeze. "
        "With --pid, collect, threshold A,B,C, enable, disable, freeze, unfreeze and debug FLAGS go to the recording "
        "of "
        "that process: they happen now, as though it had called trk_gc_*, the process is told of them when it asks, "
        "and later replays find them where they happened. "
        "Keys of stats: generation objects count threshold collections collected uncollectable candidates took_us; "
        "of passes: pass at generation why candidates collected uncollectable over sources underflow stale events "
        "took_us; of garbage: type objects bytes found_after found_after_most found_by_0 found_by_1 found_by_2 "
        "uncollectable confirmed checked strength; of objects: object generation count bytes age quiet site type "
        "addr id.",
    .examples = examples,
    .options = options,
    .groups = CLI_GROUP_FORMAT | CLI_GROUP_TABLE | CLI_GROUP_TRACE | CLI_GROUP_WINDOW | CLI_GROUP_PID,
    .operands_max = 3,
    .operand_hint = CLI_HINT_TRACE,
};

enum action {
    REPORT,
    COLLECT,
    STATS,
    COUNT,
    THRESHOLD,
    OBJECTS,
    GARBAGE,
    FREEZE,
    UNFREEZE, /* this and what follows: only of a program that is being recorded */
    ENABLE,
    DISABLE,
    DEBUG,
    ACTIONS
};
static const char *const action_names[ACTIONS] = {
    [REPORT] = "",         [COLLECT] = "collect", [STATS] = "stats",       [COUNT] = "count",
    [OBJECTS] = "objects", [GARBAGE] = "garbage", [FREEZE] = "freeze",     [THRESHOLD] = "threshold",
    [ENABLE] = "enable",   [DISABLE] = "disable", [UNFREEZE] = "unfreeze", [DEBUG] = "debug"
};
struct request {
    const struct gc_args *args;
    const char *path;
    enum action action;
    int generation; /* collect; objects, -1: all */
    unsigned debug;
    bool has_threshold, argument; /* argument: one behind the action */
    uint32_t threshold[PROF_GC_GENERATIONS];
    bool frozen; /* the mark was there */
    bool asked;  /* the recorder did it */
    struct prof_gc_commands commands;
    PROF_VEC(struct prof_gc_pass) passes;
    bool no_memory;
};

/* ---- What was asked ---------------------------------------------------------------------------------------------- */

static int bad_generation(const char *text, const char *known)
{
    return cli_usage(&cli_command_gc, "there is no generation '%s'; there are %s", text, known);
}

static int parse_threshold(struct request *r, const char *text)
{
    uint64_t value;
    char part[32];
    const char *p = text;

    for (int i = 0; i < PROF_GC_GENERATIONS && *p != '\0'; i++) {
        size_t length = strcspn(p, ",");
        snprintf(part, sizeof part, "%.*s", (int)(length < sizeof part ? length : sizeof part - 1), p);
        if (!cli_parse_number(part, &value) || value > UINT32_MAX)
            return cli_usage(&cli_command_gc, "'%s' is no threshold; it is one to three numbers such as 700,10,10",
                             text);
        r->threshold[i] = (uint32_t)value;
        p += length;
        p += *p == ',' && p[1] != '\0';
    }
    if (*p != '\0' || *text == '\0')
        return cli_usage(&cli_command_gc, "'%s' is no threshold; it is one to three numbers such as 700,10,10", text);
    r->has_threshold = true;
    return -1;
}

static int parse_debug(struct request *r, const char *text)
{
    static const struct {
        const char *name;
        unsigned flags;
    } known[] = { { "stats", PROF_GC_DEBUG_STATS },
                  { "collectable", PROF_GC_DEBUG_COLLECTABLE },
                  { "uncollectable", PROF_GC_DEBUG_UNCOLLECTABLE },
                  { "saveall", PROF_GC_DEBUG_SAVEALL },
                  { "leak", PROF_GC_DEBUG_LEAK },
                  { "none", 0 } };
    for (const char *p = text; *p != '\0';) {
        size_t length = strcspn(p, ","), i = 0;
        while (i < sizeof known / sizeof *known &&
               (strlen(known[i].name) != length || strncmp(known[i].name, p, length) != 0))
            i++;
        if (i == sizeof known / sizeof *known)
            return cli_usage(&cli_command_gc,
                             "debug: there is no flag '%.*s'; there are stats, collectable, uncollectable, saveall "
                             "and leak",
                             (int)length, p);
        r->debug |= known[i].flags;
        p += length;
        p += *p == ',';
    }
    return -1;
}

static int parse_generation(const char *text, bool members, int *ret)
{
    static const char *const names[] = { "0", "1", "2", "frozen", "garbage" };
    for (int i = 0; i < (members ? 5 : 3); i++) {
        if (strcmp(text, names[i]) == 0) {
            *ret = i;
            return -1;
        }
    }
    return bad_generation(text, members ? "0, 1, 2, frozen and garbage" : "0, 1 and 2");
}

static enum action action_of(const char *word)
{
    enum action action = COLLECT;
    while (action < ACTIONS && strcmp(word, action_names[action]) != 0)
        action++;
    return action;
}

static int parse_action(struct request *r, const struct cli_operands *operands)
{
    size_t at = 0;
    if (operands->count > 0 && (cli_is_trace(operands->items[0]) || action_of(operands->items[0]) == ACTIONS))
        r->path = operands->items[at++];
    if (at == operands->count)
        return -1;
    const char *word = operands->items[at++];
    r->action = action_of(word);
    if (r->action == ACTIONS) {
        const char *near = prof_nearest(word, action_names + 1, ACTIONS - 1);
        return cli_usage(&cli_command_gc, "there is no action '%s'%s%s%s", word, near != NULL ? "; did you mean '" : "",
                         near != NULL ? near : "", near != NULL ? "'?" : "");
    }
    const char *argument = at < operands->count ? operands->items[at++] : NULL;
    r->argument = argument != NULL;
    bool takes = r->action == COLLECT || r->action == THRESHOLD || r->action == DEBUG;
    if (at < operands->count || (argument != NULL && !takes))
        return cli_usage(&cli_command_gc, "'%s' is one too many behind '%s'",
                         operands->items[at < operands->count ? at : at - 1], word);
    if (argument == NULL)
        return -1;
    return r->action == COLLECT ? parse_generation(argument, false, &r->generation)
           : r->action == DEBUG ? parse_debug(r, argument)
                                : parse_threshold(r, argument);
}

/* Does the action change something in the recording of a program that runs? */
static bool is_request(const struct request *r, const struct cli_common *common)
{
    return r->action >= UNFREEZE ||
           (common->pid != 0 && (r->action == COLLECT || (r->action == THRESHOLD && r->argument) ||
                                 (r->action == FREEZE && r->args->at == NULL)));
}

static int check_request(const struct request *r, const struct cli_common *common)
{
    const struct gc_args *args = r->args;
    const char *word = action_names[r->action];
    if (common->pid == 0)
        return cli_usage(&cli_command_gc, "%s is for a program that is being recorded: name it with --pid", word);
    if (r->path != NULL)
        return cli_usage(&cli_command_gc, "%s goes to the recording of --pid %llu; '%s' is one too many", word,
                         (unsigned long long)common->pid, r->path);
    if (common->to != NULL || args->until != NULL)
        return cli_usage(&cli_command_gc, "%s happens now: --until and --to have no meaning with --pid", word);
    if (r->action != COLLECT && (args->threshold != NULL || args->disable || args->debug != NULL || args->compat != 0))
        return cli_usage(&cli_command_gc,
                         "%s changes the recording of --pid %llu; --threshold, --disable, --debug and --compat are for "
                         "what is shown",
                         word, (unsigned long long)common->pid);
    if (r->action == DEBUG && !r->argument)
        return cli_usage(&cli_command_gc,
                         "debug needs flags: stats, collectable, uncollectable, saveall, leak or none");
    return -1;
}

static int parse(struct request *r, const struct cli_operands *operands, struct cli_common *common)
{
    const struct gc_args *args = r->args;
    int code = parse_action(r, operands);
    if (code < 0 && args->threshold != NULL)
        code = parse_threshold(r, args->threshold);
    if (code < 0 && args->debug != NULL)
        code = parse_debug(r, args->debug);
    if (code >= 0)
        return code;
    if ((args->gen != NULL || args->type != NULL) && r->action != OBJECTS)
        return cli_usage(&cli_command_gc, "--gen and --type are for objects");
    if (args->at != NULL && r->action != FREEZE)
        return cli_usage(&cli_command_gc, "--at is for freeze");
    if (is_request(r, common))
        return check_request(r, common);
    if (r->action == FREEZE && args->at == NULL)
        return cli_usage(&cli_command_gc, "freeze needs --at MARK, or --pid N of a program that runs");
    if (args->until != NULL && common->to != NULL)
        return cli_usage(&cli_command_gc, "--until and --to are the same: give one of them");
    if (args->until != NULL)
        common->to = args->until;
    if (r->action != OBJECTS)
        return -1;
    r->generation = -1;
    return args->gen != NULL ? parse_generation(args->gen, true, &r->generation) : -1;
}

/* ---- The replay -------------------------------------------------------------------------------------------------- */

static void on_pass(void *ctx, struct prof_gc *gc, bool stop, const struct prof_gc_pass *pass)
{
    struct request *r = ctx;
    (void)gc;
    if (stop && !prof_vec_push(&r->passes, *pass))
        r->no_memory = true;
}

/* What the program said to its generations while it ran; options go before. */
static void obey(struct request *r, struct prof_gc *gc, const struct prof_event *event)
{
    bool mine = (event->aux == TRK_GC_DO_THRESHOLD && r->has_threshold) ||
                (event->aux == TRK_GC_DO_ENABLE && r->args->disable) ||
                (event->aux == TRK_GC_DO_DEBUG && r->debug != 0);
    if (!mine)
        prof_gc_obey(&r->commands, gc, event);
}

static void on_event(void *ctx, struct prof_gc *gc, const struct prof_event *event)
{
    struct request *r = ctx;
    if (event->op == TRK_OP_GC)
        obey(r, gc, event);
    if (r->action != FREEZE || (event->op != TRK_OP_MARK && event->op != TRK_OP_CHECKPOINT) || r->frozen)
        return;
    const char *name = prof_trace_text(prof_heap_trace(prof_gc_heap(gc)), event->text);
    if (name == NULL || strcmp(name, r->args->at) != 0)
        return;
    prof_gc_freeze(gc);
    r->frozen = true;
}

static struct prof_error *make(struct request *r, struct prof_gc **ret)
{
    const struct prof_gc_options own = { .cpython = r->args->compat == 1,
                                         .disabled = r->args->disable,
                                         .keep_threshold = r->has_threshold,
                                         .keep_debug = r->debug != 0,
                                         .event = on_event,
                                         .event_ctx = r };
    struct prof_gc *gc;
    struct prof_error *error = prof_gc_create(&own, &gc);
    if (error != NULL)
        return error;
    error = prof_gc_set_debug(gc, r->debug);
    if (error == NULL && !prof_gc_add_callback(gc, on_pass, r))
        error = prof_error_memory();
    if (error != NULL) {
        prof_gc_destroy(gc);
        return error;
    }
    if (r->has_threshold) {
        uint32_t threshold[PROF_GC_GENERATIONS];
        prof_gc_threshold(gc, threshold);
        for (int i = 0; i < PROF_GC_GENERATIONS; i++)
            threshold[i] = r->threshold[i] != UINT32_MAX ? r->threshold[i] : threshold[i];
        prof_gc_set_threshold(gc, threshold);
    }
    *ret = gc;
    return NULL;
}

/* ---- In words ---------------------------------------------------------------------------------------------------- */

struct counter {
    uint64_t count;
    char first[512];
    struct cli_session *session;
};
static void count_object(void *ctx, prof_obj_id id)
{
    struct counter *counter = ctx;
    if (counter->count++ == 0)
        prof_fmt_obj(counter->first, sizeof counter->first, counter->session->heap, id);
}
static void count_hazard(void *ctx, const struct prof_gc_hazard *hazard)
{
    count_object(ctx, hazard->obj);
}

/* "3 objects ..., such as node#4": a line when there is one. */
static void say(struct cli_out *out, const struct counter *counter, const char *one, const char *many)
{
    char text[32];
    if (counter->count == 0)
        return;
    cli_printf(out, CLI_WARN, "%s", prof_fmt_count(text, sizeof text, counter->count));
    fprintf(out->file, " %s, such as ", counter->count == 1 ? one : many);
    cli_put(out, CLI_TYPE, counter->first);
    fputc('\n', out->file);
}

static struct prof_error *notes(struct cli_session *session, struct cli_out *out, struct prof_gc *gc)
{
    struct counter retained = { .session = session }, weak = retained, sources = retained, low = retained;
    struct prof_gc_totals t;
    char a[32], b[32], c[32], d[32];
    struct prof_error *error = prof_gc_retained(gc, count_object, &retained);
    if (error == NULL)
        error = prof_gc_hazards(gc, count_hazard, &weak);
    if (error != NULL)
        return error;
    prof_gc_sources(gc, count_object, &sources);
    prof_gc_underflows(gc, count_object, &low);
    prof_gc_totals(gc, &t);
    fprintf(out->file, "\n%s pass%s found %s object%s", prof_fmt_count(a, sizeof a, t.passes),
            t.passes == 1 ? "" : "es", prof_fmt_count(b, sizeof b, t.found), t.found == 1 ? "" : "s");
    if (t.found != 0)
        fprintf(out->file, "; %s refuted by later events, %s by memory", prof_fmt_count(c, sizeof c, t.revived),
                prof_fmt_count(d, sizeof d, t.withdrawn));
    fputc('\n', out->file);
    if (t.frozen != 0)
        fprintf(out->file, "%s objects are frozen: they are not examined\n", prof_fmt_count(a, sizeof a, t.frozen));
    say(out, &retained, "more object is held only by garbage", "more objects are held only by garbage");
    say(out, &weak, "weak pointer into garbage stands elsewhere and would dangle",
        "weak pointers into garbage stand elsewhere and would dangle");
    say(out, &sources, "object has a count that nothing explains and that no root leads to",
        "objects have counts that nothing explains and that no root leads to");
    say(out, &low, "object has fewer counts than references", "objects have fewer counts than references");
    if (t.garbage + sources.count != 0)
        cli_printf(out, CLI_FAINT, "'reftrack cycles' shows which reference to break\n");
    return NULL;
}

struct lines {
    struct cli_session *session;
    struct cli_out *out;
    unsigned debug;
    uint64_t shown, left, top;
};
static void found_line(void *ctx, const struct prof_gc_garbage *garbage)
{
    struct lines *lines = ctx;
    char text[512], name[1024];
    if ((lines->debug & (garbage->uncollectable ? PROF_GC_DEBUG_UNCOLLECTABLE : PROF_GC_DEBUG_COLLECTABLE)) == 0)
        return;
    if (lines->top != 0 && lines->shown == lines->top) {
        lines->left++;
        return;
    }
    if (lines->shown++ == 0)
        cli_printf(lines->out, CLI_HEAD, "\nFound\n");
    fprintf(lines->out->file, "  %-13s  ", garbage->uncollectable ? "uncollectable" : "collectable");
    cli_put(lines->out, CLI_TYPE, prof_fmt_obj(name, sizeof name, lines->session->heap, garbage->obj));
    fprintf(lines->out->file, "  by pass %llu over %u, %s, %s\n", (unsigned long long)garbage->pass,
            garbage->generation, prof_fmt_time(text, sizeof text, garbage->found_us),
            prof_strength_name(garbage->strength));
}

static int show_table(struct cli_session *session, const struct cli_common *common, struct cli_out *out,
                      const struct prof_gc_report *report, enum prof_gc_table which, const char *name, uint64_t top,
                      const char *type)
{
    struct prof_query query = { .where = common->where, .sort = common->sort, .top = top, .type = type };
    const struct prof_table *table;
    struct prof_error *error = prof_view_gc(session->view, report, which, &query, &table);
    if (error != NULL)
        return cli_error(error);
    return cli_table(session, common, out, name, table);
}

static int report(struct cli_session *session, const struct cli_common *common, struct cli_out *out,
                  const struct prof_gc_report *report)
{
    struct cli_common plain = *common;
    const unsigned debug = prof_gc_debug(report->gc); // by --debug, else by the program
    struct lines lines = { session, out, debug, 0, 0, common->top != CLI_TOP_DEFAULT ? common->top : 40 };
    struct prof_gc_totals t;
    int code = -1;

    plain.where = plain.sort = NULL;
    prof_gc_totals(report->gc, &t);
    if ((debug & PROF_GC_DEBUG_STATS) != 0) {
        code = show_table(session, &plain, out, report, PROF_GC_TABLE_PASSES, "passes", 0, NULL);
        fputc('\n', out->file);
    }
    if (code < 0 && t.garbage == 0)
        cli_printf(out, CLI_GOOD, "No garbage: none of the objects followed only hold each other.\n");
    else if (code < 0)
        code = show_table(session, common, out, report, PROF_GC_TABLE_GARBAGE, "garbage", 0, NULL);
    fputc('\n', out->file);
    if (code < 0)
        code = show_table(session, &plain, out, report, PROF_GC_TABLE_STATS, "stats", 0, NULL);
    if (code >= 0)
        return code;
    struct prof_error *error = prof_gc_garbage(report->gc, found_line, &lines);
    if (lines.left != 0)
        cli_printf(out, CLI_FAINT, "  %llu more; --top 0 shows all\n", (unsigned long long)lines.left);
    if (error == NULL)
        error = notes(session, out, report->gc);
    return error != NULL ? cli_error(error) : -1;
}

/* ---- A program that runs ------------------------------------------------------------------------------------------
 */

static struct ask_gc command_of(const struct request *r, const uint64_t threshold[PROF_GC_GENERATIONS])
{
    switch (r->action) {
    case COLLECT:
        return (struct ask_gc){ .command = TRK_GC_DO_COLLECT, .arg = (uint64_t)r->generation };
    case THRESHOLD:
        return (struct ask_gc){ .command = TRK_GC_DO_THRESHOLD,
                                .arg = threshold[0],
                                .value = threshold[1] | threshold[2] << 32 };
    case FREEZE:
    case UNFREEZE:
        return (struct ask_gc){ .command = TRK_GC_DO_FREEZE, .arg = r->action == FREEZE };
    case DEBUG:
        return (struct ask_gc){ .command = TRK_GC_DO_DEBUG, .arg = r->debug };
    default:
        return (struct ask_gc){ .command = TRK_GC_DO_ENABLE, .arg = r->action == ENABLE };
    }
}

static void say_settings(uint64_t pid, const struct ask_reply *reply)
{
    static const struct {
        unsigned flag;
        const char *name;
    } flags[] = { { PROF_GC_DEBUG_STATS, "stats" },
                  { PROF_GC_DEBUG_COLLECTABLE, "collectable" },
                  { PROF_GC_DEBUG_UNCOLLECTABLE, "uncollectable" },
                  { PROF_GC_DEBUG_SAVEALL, "saveall" } };
    char debug[64] = "";
    size_t length = 0;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if ((reply->gc.debug & flags[i].flag) != 0)
            length +=
                (size_t)snprintf(debug + length, sizeof debug - length, "%s%s", length != 0 ? "," : "", flags[i].name);
    cli_warn("process %llu: automatic passes %s, thresholds %u, %u, %u, debug %s", (unsigned long long)pid,
             reply->gc.enabled != 0 ? "on" : "off", (unsigned)reply->gc.threshold[0], (unsigned)reply->gc.threshold[1],
             (unsigned)reply->gc.threshold[2], length != 0 ? debug : "none");
}

/* What thresholds are not given stay what they are in the recording. */
static int ask_recorder(struct request *r, const struct cli_common *common)
{
    struct cli_ask ask = { .command = &cli_command_gc, .what = ASK_NEXT, .done = "told" };
    struct ask_reply reply;
    uint64_t threshold[PROF_GC_GENERATIONS];
    int code = CLI_OK;
    for (int i = 0; i < PROF_GC_GENERATIONS; i++)
        threshold[i] = r->threshold[i];
    if (r->action == THRESHOLD && (r->threshold[1] == UINT32_MAX || r->threshold[2] == UINT32_MAX)) {
        const struct ask_gc nothing = { .command = 0 };
        code = cli_ask_gc(&ask, common->pid, &nothing, &reply);
        for (int i = 0; code == CLI_OK && i < PROF_GC_GENERATIONS; i++)
            threshold[i] = r->threshold[i] != UINT32_MAX ? r->threshold[i] : reply.gc.threshold[i];
    }
    const struct ask_gc command = command_of(r, threshold);
    if (code == CLI_OK)
        code = cli_ask_gc(&ask, common->pid, &command, &reply);
    if (code != CLI_OK)
        return code;
    r->asked = true;
    if (r->action != COLLECT && !common->quiet)
        say_settings(common->pid, &reply);
    return r->action == COLLECT ? -1 : CLI_OK;
}

/* ---- Everything -------------------------------------------------------------------------------------------------- */

static int unknown_type(const struct cli_session *session, const char *type)
{
    for (prof_type_id id = 0; id < prof_heap_type_max(session->heap); id++)
        if (strcmp(prof_heap_type(session->heap, id)->name, type) == 0)
            return -1;
    cli_warn("--type: no type '%s' in this trace; 'reftrack types' lists them", type);
    return CLI_USAGE;
}

static void triple(struct cli_out *out, const uint32_t values[PROF_GC_GENERATIONS])
{
    fprintf(out->file, "%u, %u, %u\n", values[0], values[1], values[2]);
}

static int show(struct request *r, struct cli_session *session, const struct cli_common *common,
                const struct prof_gc_report *all)
{
    uint64_t top = common->top != CLI_TOP_DEFAULT                        ? common->top
                   : common->format == CLI_FORMAT_TEXT && !common->plain ? 40
                                                                         : 0;
    bool text = common->format == CLI_FORMAT_TEXT, json = common->format == CLI_FORMAT_JSON;
    uint32_t values[PROF_GC_GENERATIONS];
    struct cli_out out;
    int code;

    cli_out_open(&out, common);
    switch (r->action) {
    case OBJECTS:
        code = show_table(session, common, &out, all, PROF_GC_TABLE_OBJECTS, "objects", top, r->args->type);
        break;
    case GARBAGE:
        code = show_table(session, common, &out, all, PROF_GC_TABLE_GARBAGE, "garbage", top, NULL);
        break;
    case COUNT:
    case THRESHOLD:
        if (text) {
            if (r->action == COUNT)
                prof_gc_count(all->gc, values);
            else
                prof_gc_threshold(all->gc, values);
            triple(&out, values);
            code = -1;
            break;
        }
        __attribute__((fallthrough));
    case STATS:
        code = show_table(session, common, &out, all, PROF_GC_TABLE_STATS, "stats", 0, NULL);
        break;
    default:
        if (json) {
            char *document = NULL;
            struct prof_error *error = prof_json_gc(session->view, all, &document);
            code = cli_json(&out, error, document);
        } else if (text) {
            code = report(session, common, &out, all);
        } else {
            code = show_table(session, common, &out, all, PROF_GC_TABLE_GARBAGE, "garbage", top, NULL);
        }
    }
    int closed = cli_out_close(&out);
    return code >= 0 ? code : closed;
}

static int run(struct request *r, const struct cli_common *common, struct prof_gc *gc)
{
    struct cli_session session;
    int code =
        cli_session_open_followed(&session, common, r->path, CLI_PART_HEAP | CLI_PART_SYMBOLS, prof_gc_follow(gc));
    if (code < 0 && r->action == FREEZE && !r->frozen) {
        cli_warn("--at: no mark '%s' was met; 'reftrack marks' lists those of the trace", r->args->at);
        code = CLI_USAGE;
    }
    if (code < 0 && r->args->type != NULL)
        code = unknown_type(&session, r->args->type);
    if (code < 0) {
        cli_say_state(&session, common);
        bool final = r->action == REPORT || r->action == COLLECT || r->action == GARBAGE || r->action == FREEZE;
        struct prof_error *error = r->commands.error;
        r->commands.error = NULL;
        if (error == NULL && final && !r->asked)
            error = prof_gc_collect(gc, r->generation >= 0 ? r->generation : 2, NULL);
        if (error == NULL && r->no_memory)
            error = prof_error_memory();
        if (error == NULL)
            error = prof_view_create(session.heap, session.symbols, NULL, &session.view);
        struct prof_gc_report all = { gc, r->passes.items, r->passes.count, r->generation };
        code = error != NULL ? cli_error(error) : show(r, &session, common, &all);
    }
    cli_session_close(&session);
    return code;
}

int cmd_gc(int argc, char **argv)
{
    struct gc_args args = { 0 };
    struct request r = { .args = &args, .generation = 2, .threshold = { UINT32_MAX, UINT32_MAX, UINT32_MAX } };
    struct cli_common common;
    struct cli_operands operands;
    struct prof_gc *gc;
    int code = cli_parse(&cli_command_gc, argc, argv, &args, &common, &operands);
    if (code < 0)
        code = parse(&r, &operands, &common);
    if (code >= 0)
        return code;
    if (common.from != NULL)
        return cli_usage(&cli_command_gc, "--from has no meaning here: the generations begin with the trace");
    if (is_request(&r, &common))
        code = ask_recorder(&r, &common);
    if (code >= 0)
        return code;
    struct prof_error *error = make(&r, &gc);
    if (error != NULL)
        return cli_error(error);
    code = run(&r, &common, gc);
    prof_gc_destroy(gc);
    prof_error_destroy(r.commands.error);
    prof_vec_deinit(&r.passes);
    return code;
}
