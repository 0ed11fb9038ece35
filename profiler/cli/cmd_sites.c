/* cmd_sites.c: `reftrack sites`: places that allocate, ref or unref, as a table, as a tree of calls, as lines for flame
 * graphs. */
#include "cmd_table.h"

#include <prof/calls.h>

struct sites_args {
    bool tree, lines, folded;
    int by; /* enum by */
    uint64_t depth, prune;
};
enum by { BY_DEFAULT = 0, BY_CALLER, BY_CALLEE };
enum { MARGIN_MOST = 60 };
#define PRUNE_DEFAULT UINT64_MAX

static const struct cli_option options[] = {
    { .name = "tree",
      .kind = CLI_FLAG,
      .offset = offsetof(struct sites_args, tree),
      .help = "a tree of calls: from main() and the functions of threads down to the sites" },
    { .name = "by",
      .kind = CLI_CHOICE,
      .offset = offsetof(struct sites_args, by),
      .argument = "WHICH",
      .choices = "default|caller|callee",
      .help = "--tree: caller begins with main() (default), callee with the sites, whose callers are below them" },
    { .name = "lines",
      .kind = CLI_FLAG,
      .offset = offsetof(struct sites_args, lines),
      .help = "--tree, --folded: lines of one function are apart" },
    { .name = "depth",
      .kind = CLI_NUMBER,
      .offset = offsetof(struct sites_args, depth),
      .argument = "N",
      .help = "--tree: only the first N levels; 0 for all (0)" },
    { .name = "prune",
      .kind = CLI_NUMBER,
      .offset = offsetof(struct sites_args, prune),
      .argument = "N",
      .help = "--tree: leave out what has less than N percent of the whole (1; 0 with --json and --plain)" },
    { .name = "folded",
      .kind = CLI_FLAG,
      .offset = offsetof(struct sites_args, folded),
      .help = "one line for each stack, 'main;serve;parse 4096', for programs that draw flame graphs" },
    { 0 }
};

static const char *const examples[] = {
    "reftrack sites --sort allocs --top 10",
    "The busiest places.",
    "reftrack sites --tree --depth 6",
    "Who calls what holds the memory, the first six levels.",
    "reftrack sites --tree --by callee --sort open",
    "Where open references were taken, with the callers of each place.",
    "reftrack sites --folded --sort objects | flamegraph.pl >objects.svg",
    "A flame graph of the objects that are alive.",
    NULL,
};

const struct cli_command cli_command_sites = {
    .name = "sites",
    .main = cmd_sites,
    .synopsis = "[TRACE]",
    .summary = "one line for each place that allocates, refs or unrefs; as a tree of calls with --tree",
    .about =
        "A site is the first line outside allocators, libc and registered wrappers. Keys: site live live_bytes allocs "
        "bytes frees peak_bytes temporary births refs unrefs stacks. Counted from the beginning, up to --to; there "
        "is no --from.\n"
        "With --tree and --folded, --sort is one of bytes (alive), objects (alive, by where they were born), open "
        "(references, by where they were taken) and events; SHARE is that of it. --where chooses stacks; its keys are "
        "site stack bytes live objects open events allocs births refs unrefs, where stack is 'main;serve;parse'. "
        "What has no stack, what was cut off and events that were lost are lines of their own. Open references "
        "without an owner of which some were given back elsewhere are marked ~: the newest are taken to be those. "
        "(r) stands for calls of itself, or in turns, that follow each other.",
    .examples = examples,
    .options = options,
    .groups = CLI_GROUPS_OF_SUMS,
    .operands_max = 1,
    .operand_hint = CLI_HINT_TRACE,
};

/* ---- The tree in words ------------------------------------------------------------------------------------------- */

struct text {
    struct cli_out *out;
    enum prof_calls_value by;
    uint64_t whole;
    bool plain;
};

static bool tree_line(void *ctx, const struct prof_calls_node *node, uint32_t level, bool last, uint64_t trunks)
{
    const struct text *text = ctx;
    struct cli_out *out = text->out;
    const uint64_t *value = node->sum.value;
    char name[1024], place[1024], bytes[32], share[32], objects[32], open[32], events[32];
    (void)last;
    (void)trunks;
    prof_calls_words(name, sizeof name, node);
    prof_calls_place(place, sizeof place, node);
    if (text->plain)
        return fprintf(out->file, "%u\t%llu\t%llu\t%llu\t%llu\t%s\t%s\n", level,
                       (unsigned long long)value[PROF_CALLS_BYTES], (unsigned long long)value[PROF_CALLS_OBJECTS],
                       (unsigned long long)value[PROF_CALLS_OPEN], (unsigned long long)value[PROF_CALLS_EVENTS], name,
                       place) >= 0;
    prof_fmt_ratio(share, sizeof share, text->whole > 0 ? (double)value[text->by] / (double)text->whole : 0);
    prof_fmt_count(open, sizeof open, value[PROF_CALLS_OPEN]);
    fprintf(out->file, "%11s  %6s  %8s  %1s%6s  %9s  %*s",
            prof_fmt_bytes(bytes, sizeof bytes, value[PROF_CALLS_BYTES], out->units), share,
            prof_fmt_count(objects, sizeof objects, value[PROF_CALLS_OBJECTS]), node->sum.guessed > 0 ? "~" : "", open,
            prof_fmt_count(events, sizeof events, value[PROF_CALLS_EVENTS]),
            2 * (int)(level < MARGIN_MOST ? level : MARGIN_MOST), "");
    cli_put(out, node->frame != NULL ? CLI_PLAIN : CLI_FAINT, name);
    if (place[0] != '\0') {
        fputs("  ", out->file);
        cli_put(out, CLI_PLACE, place);
    }
    return fputc('\n', out->file) != EOF;
}

static struct prof_error *print_tree(struct cli_out *out, struct prof_calls *calls, struct prof_calls_walk *walk,
                                     bool plain)
{
    static const char *const what[PROF_CALLS_METRICS] = { "bytes", "objects", "open references", "events" };
    struct prof_calls_node root;
    uint64_t left_out = 0;
    prof_calls_root(calls, &root);
    struct text text = { .out = out, .by = walk->by, .whole = root.sum.value[walk->by], .plain = plain };
    walk->each = tree_line;
    walk->ctx = &text;
    if (plain)
        fputs("level\tbytes\tobjects\topen\tevents\tname\tplace\n", out->file);
    else
        cli_printf(out, CLI_HEAD, "%11s  %6s  %8s  %7s  %9s  %s\n", "LIVE BYTES", "SHARE", "OBJECTS", "OPEN", "EVENTS",
                   "CALL TREE");
    struct prof_error *error = prof_calls_go(calls, &root, walk, &left_out);
    if (error == NULL && left_out > 0 && !plain)
        cli_printf(out, CLI_FAINT, "%llu with less than %g %% of the %s are not shown; --prune 0 shows them\n",
                   (unsigned long long)left_out, walk->least * 100, what[walk->by]);
    return error;
}

/* ---- The command ------------------------------------------------------------------------------------------------- */

static bool folded_line(void *ctx, const char *text)
{
    const struct cli_out *out = ctx;
    return fprintf(out->file, "%s\n", text) >= 0;
}

static int print(struct cli_session *session, const struct cli_common *common, const struct sites_args *args,
                 enum prof_calls_value by)
{
    const struct prof_calls_options how = { .by_callee = args->by == BY_CALLEE,
                                            .lines = args->lines,
                                            .lost = prof_findings_audit(session->findings)->lost,
                                            .where = common->where };
    bool for_people = common->format == CLI_FORMAT_TEXT && !common->plain;
    uint64_t prune = args->prune != PRUNE_DEFAULT ? args->prune : for_people ? 1 : 0;
    struct prof_calls_walk walk = {
        .by = by, .depth = (uint32_t)args->depth, .least = (double)prune / 100, .with_zeros = prune == 0
    };
    struct prof_calls *calls;
    struct prof_error *error = prof_calls_create(session->view, &how, &calls);
    struct cli_out out;
    int code = -1;
    if (error != NULL)
        return cli_error(error);
    cli_say_state(session, common);
    cli_out_open(&out, common);
    if (args->folded) {
        error = prof_calls_folded(calls, by, folded_line, &out);
    } else if (common->format == CLI_FORMAT_JSON) {
        char *text = NULL;
        error = prof_json_calls(calls, &walk, &text);
        code = cli_json(&out, error, text);
        error = NULL;
    } else {
        error = print_tree(&out, calls, &walk, common->plain);
    }
    if (error != NULL)
        code = cli_error(error);
    int closed = cli_out_close(&out);
    prof_calls_destroy(calls);
    return code >= 0 ? code : closed;
}

/* What does not fit together: an exit code; -1: all does. */
static int check(const struct sites_args *args, const struct cli_common *common, enum prof_calls_value *ret_by)
{
    const struct cli_command *command = &cli_command_sites;
    *ret_by = PROF_CALLS_BYTES;
    if (!args->tree && (args->by != BY_DEFAULT || args->depth != 0 || args->prune != PRUNE_DEFAULT))
        return cli_usage(command, "--by, --depth and --prune go with --tree");
    if (!args->tree && !args->folded)
        return args->lines ? cli_usage(command, "--lines goes with --tree or --folded") : -1;
    if (args->tree && args->folded)
        return cli_usage(command, "--tree and --folded are two ways to print the same: choose one");
    if (common->sort != NULL && !prof_calls_metric(common->sort, ret_by))
        return cli_usage(command, "--sort '%s': a tree is sorted by bytes, objects, open or events", common->sort);
    if (common->format == CLI_FORMAT_CSV || common->format == CLI_FORMAT_TSV)
        return cli_usage(command, "a tree is text or json; csv and tsv are for tables");
    if (args->folded && (common->format != CLI_FORMAT_TEXT || common->plain))
        return cli_usage(command, "--folded is a format of its own; --tree --json is the same for programs");
    if (common->top != CLI_TOP_DEFAULT)
        return cli_usage(command, "--top is for the table; --depth and --prune make a tree shorter");
    if (args->prune != PRUNE_DEFAULT && args->prune > 100)
        return cli_usage(command, "--prune is a percentage from 0 to 100");
    if (args->depth > UINT16_MAX)
        return cli_usage(command, "--depth is a number up to %d", UINT16_MAX);
    return -1;
}

int cmd_sites(int argc, char **argv)
{
    struct sites_args args = { .prune = PRUNE_DEFAULT };
    struct cli_common common;
    struct cli_operands operands;
    struct cli_session session;
    enum prof_calls_value by;
    int code = cli_parse(&cli_command_sites, argc, argv, &args, &common, &operands);
    if (code >= 0 || (code = check(&args, &common, &by)) >= 0)
        return code;
    if (common.from != NULL || (!args.tree && !args.folded))
        return cli_table_command(&cli_command_sites, PROF_TABLE_SITES, NULL, 30, &common, &operands);
    code = cli_session_open(&session, &common, operands.items[0], CLI_PART_VIEW);
    if (code < 0)
        code = print(&session, &common, &args, by);
    cli_session_close(&session);
    return code;
}
