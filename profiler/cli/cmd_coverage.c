/* cmd_coverage.c: `reftrack coverage`: which references have a known owner, by type and by module, and which annotation
 * would tell the most next. */
#include "coverage_text.h"
#include "findings_text.h"

#include <string.h>

#include <prof/annotate.h>

enum { STEPS = 5, TYPES = 20, MODULES = 20, SITES = 20, WRAPPERS = 10 };

struct coverage_args {
    int by; /* 1 + enum prof_coverage_table; 0: the report */
    const char *module;
};

static const struct cli_option options[] = {
    { .name = "by",
      .kind = CLI_CHOICE,
      .offset = offsetof(struct coverage_args, by),
      .argument = "WHAT",
      .choices = "report|type|site|module",
      .help = "one table instead of the report, as it takes --where, --sort, --format csv" },
    { .name = "module",
      .kind = CLI_TEXT,
      .offset = offsetof(struct coverage_args, module),
      .argument = "FILE",
      .help = "only what the code of this file took and gave back: 'libmine.so', 'lib*'" },
    { 0 }
};

static const char *const examples[] = {
    "reftrack coverage app.trk",
    "How many references have an owner, and what to annotate next.",
    "reftrack coverage --module libmine.so",
    "What your plugin took and gave back, inside a program that is not yours.",
    "reftrack coverage --by site --where 'taken>0 && type~conn'",
    "All places that take references to connections without telling who owns them.",
    NULL,
};

const struct cli_command cli_command_coverage = {
    .name = "coverage",
    .main = cmd_coverage,
    .synopsis = "[TRACE]",
    .summary = "which references have a known owner, by type and module; what to annotate next",
    .about =
        "A reference has an owner when the program told the variable or the holder that keeps it. UNDECIDED are the "
        "objects in findings that say ~: an owner would make them certain. What to annotate next is ranked by that, "
        "then by how many references it gives an owner; TIED are objects for which several places fit. The line of "
        "source is shown as it is and as it should be, by its words alone: look at it before you copy it. Functions "
        "that only count for their callers and were not declared so are named too. By module: TOOK and GAVE BACK are "
        "what its own lines did (births included); ALIVE is the difference over objects that are alive. "
        "Keys of --by type: type refs coverage slot holder anonymous unrefs unrefs_anonymous undecided counts_seen "
        "counts_wrong skewed; of --by site: site type module birth taken given owned_taken owned_given open alive "
        "undecided tied; of --by module: module type born taken given difference alive anonymous. Counted from the "
        "beginning, up to --to; there is no --from.",
    .examples = examples,
    .options = options,
    .groups = CLI_GROUP_FORMAT | CLI_GROUP_TABLE | CLI_GROUP_TRACE | CLI_GROUP_WINDOW | CLI_GROUP_PID,
    .operands_max = 1,
    .operand_hint = CLI_HINT_TRACE,
};

struct report {
    struct cli_session *session;
    const struct cli_common *common;
    struct cli_out *out;
    const struct prof_coverage *coverage;
    const char *module;
};

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

/* How many lines of a part are shown. */
static size_t most(const struct report *r, size_t usual)
{
    uint64_t top = r->common->top;
    return top == CLI_TOP_DEFAULT ? usual : top == 0 ? SIZE_MAX : (size_t)top;
}

static struct prof_error *table(const struct report *r, enum prof_coverage_table which, size_t usual)
{
    struct prof_query query = { .top = most(r, usual) == SIZE_MAX ? 0 : most(r, usual) };
    const struct prof_table *table;
    struct prof_error *error = prof_view_coverage(r->session->view, r->coverage, which, r->module, &query, &table);
    if (error == NULL && cli_table(r->session, r->common, r->out, "references", table) >= 0)
        return NULL;
    return error;
}

/* ---- What to annotate ----------------------------------------------------------------------------------------------
 */

/* gives: also where such references are given back. */
static void step(const struct report *r, size_t number, const struct prof_coverage_step *s, bool gives)
{
    FILE *file = r->out->file;
    char a[32], b[32];
    const struct prof_coverage_site *take = s->take;
    fprintf(file, "%3zu. ", number);
    cli_put(r->out, CLI_TYPE, prof_heap_type(r->session->heap, take->type)->name);
    fprintf(file, ": %s of its %s reference%s without owner", prof_fmt_count(a, sizeof a, take->taken),
            prof_fmt_count(b, sizeof b, s->of), plural(s->of));
    if (take->objects != 0)
        fprintf(file, "; would decide %s finding%s about %s object%s", prof_fmt_count(a, sizeof a, take->findings),
                plural(take->findings), prof_fmt_count(b, sizeof b, take->objects), plural(take->objects));
    if (take->tied != 0)
        fprintf(file, ", %s of them tied with other places", prof_fmt_count(a, sizeof a, take->tied));
    fputc('\n', file);
    if (s->wrapper != NULL) {
        text_declare(r->out, s->wrapper);
        return;
    }
    text_annotation(r->session, r->out, take, take->birth ? PROF_ANNOTATE_BIRTH : PROF_ANNOTATE_TAKE);
    if (!gives)
        return;
    for (size_t i = 0; i < s->give_count; i++) {
        const struct prof_wrapper *wrapper = prof_wrappers_of(prof_coverage_wrappers(r->coverage), s->gives[i]->stack);
        if (wrapper != NULL)
            text_declare(r->out, wrapper);
        else
            text_annotation(r->session, r->out, s->gives[i], PROF_ANNOTATE_GIVE);
    }
    if (s->one_of)
        cli_printf(r->out, CLI_FAINT, "     of these one ends it, as a rule: which one, nothing tells\n");
    if (s->gives_more != 0)
        cli_printf(r->out, CLI_FAINT, "     and %zu more places where it is given back\n", s->gives_more);
}

static void steps(const struct report *r)
{
    const struct prof_coverage_step *list;
    size_t count = prof_coverage_steps(r->coverage, &list), fit = 0, shown = most(r, STEPS);
    for (size_t i = 0; i < count; i++) {
        if (r->module != NULL && !prof_module_fits(r->module, list[i].take->module))
            continue;
        if (fit++ == 0)
            cli_printf(r->out, CLI_HEAD, "\nWhat to annotate next\n");
        if (fit > shown)
            continue;
        bool again = false;
        for (size_t j = 0; j < i; j++)
            again |= !list[i].paired && !list[j].paired && list[j].take->type == list[i].take->type &&
                     list[j].wrapper == NULL &&
                     (r->module == NULL || prof_module_fits(r->module, list[j].take->module));
        step(r, fit, &list[i], !again);
    }
    if (fit > shown)
        cli_printf(r->out, CLI_FAINT, "     %zu more; --top 0 shows all\n", fit - shown);
    if (fit != 0 && !r->common->quiet)
        cli_printf(r->out, CLI_FAINT,
                   "     Name the variable that keeps the reference, and the same where it is given back.\n");
}

static void wrappers(const struct report *r)
{
    const struct prof_wrapper *list;
    size_t count = prof_wrappers_list(prof_coverage_wrappers(r->coverage), &list), fit = 0, shown = most(r, WRAPPERS);
    char events[32];
    for (size_t i = 0; i < count; i++) {
        const struct prof_wrapper *w = &list[i];
        if ((r->module != NULL && !prof_module_fits(r->module, w->module)) || fit++ >= shown)
            continue;
        if (fit == 1)
            cli_printf(r->out, CLI_HEAD, "\nFunctions that look like wrappers\n");
        fputs("  ~ ", r->out->file);
        prof_text_place(cli_text(r->session, r->out), w->stack);
        fprintf(r->out->file, "  %s %s times, called from %zu places: TRK_WRAPPER in the source, or --wrapper ",
                w->taken != 0 ? "took" : "gave back", prof_fmt_count(events, sizeof events, w->taken + w->given),
                w->callers);
        cli_put(r->out, CLI_PLAIN, w->function);
        fputc('\n', r->out->file);
    }
    if (fit > shown)
        cli_printf(r->out, CLI_FAINT, "     %zu more; --top 0 shows all\n", fit - shown);
}

/* ---- Modules ----------------------------------------------------------------------------------------------------- */

/* "libmine.so took 3, gave back 2". */
static void module_line(const struct report *r)
{
    const struct prof_coverage_module *list;
    size_t count = prof_coverage_modules(r->coverage, &list);
    uint64_t taken = 0, given = 0;
    int64_t alive = 0;
    char a[32], b[32], c[32];
    for (size_t i = 0; i < count; i++) {
        if (!prof_module_fits(r->module, list[i].module))
            continue;
        taken += list[i].taken;
        given += list[i].given;
        alive += list[i].alive;
    }
    cli_put(r->out, CLI_HEAD, r->module);
    fprintf(r->out->file, " took %s, gave back %s", prof_fmt_count(a, sizeof a, taken),
            prof_fmt_count(b, sizeof b, given));
    if (alive != 0)
        fprintf(r->out->file, "; of objects that are alive it %s %s more than it %s", alive > 0 ? "took" : "gave back",
                prof_fmt_count(c, sizeof c, (uint64_t)(alive > 0 ? alive : -alive)), alive > 0 ? "gave back" : "took");
    fputc('\n', r->out->file);
}

static bool has_module(const struct prof_coverage *coverage, const char *pattern)
{
    const struct prof_coverage_module *list;
    size_t count = prof_coverage_modules(coverage, &list);
    for (size_t i = 0; i < count; i++)
        if (prof_module_fits(pattern, list[i].module))
            return true;
    return false;
}

static int no_module(const struct prof_coverage *coverage, const char *pattern)
{
    const struct prof_coverage_module *list;
    size_t count = prof_coverage_modules(coverage, &list);
    char names[512] = "", name[256];
    for (size_t i = 0; i < count; i++) {
        size_t used = strlen(names);
        if (i != 0 && strcmp(list[i].module, list[i - 1].module) == 0)
            continue;
        const char *slash = strrchr(list[i].module, '/');
        prof_escape_terminal(name, sizeof name, slash != NULL ? slash + 1 : list[i].module);
        snprintf(names + used, sizeof names - used, "%s%s", used != 0 ? ", " : "", name);
    }
    cli_warn("no module '%s' took or gave back a reference%s%s", pattern, names[0] != '\0' ? "; these did: " : "",
             names);
    return CLI_USAGE;
}

static struct prof_error *report(const struct report *r)
{
    const struct prof_audit *audit = prof_findings_audit(r->session->findings);
    struct prof_error *error = NULL;
    char a[32], b[32], c[32];
    if (r->module == NULL) {
        if (audit->refs == 0) {
            fputs("No references were recorded: there is nothing to own. docs/PORTING.md has the first three lines.\n",
                  r->out->file);
            return NULL;
        }
        cli_printf(r->out, CLI_HEAD, "%s of %s reference%s a known owner", prof_fmt_ratio(a, sizeof a, audit->coverage),
                   prof_fmt_count(b, sizeof b, audit->refs), audit->refs == 1 ? " has" : "s have");
        fprintf(r->out->file, ", %s without\n\n", prof_fmt_count(c, sizeof c, audit->refs_anon));
        error = table(r, PROF_COVERAGE_TABLE_TYPES, TYPES);
    } else {
        module_line(r);
        fputc('\n', r->out->file);
    }
    if (error == NULL && r->module == NULL)
        fputc('\n', r->out->file);
    if (error == NULL)
        error = table(r, PROF_COVERAGE_TABLE_MODULES, MODULES);
    if (error == NULL && r->module != NULL) {
        fputc('\n', r->out->file);
        error = table(r, PROF_COVERAGE_TABLE_SITES, SITES);
    }
    if (error != NULL)
        return error;
    steps(r);
    wrappers(r);
    if (audit->skewed != 0 && !r->common->quiet)
        fprintf(r->out->file, "\n%s object%s not seen being born: what %s took before is in no number here.\n",
                prof_fmt_count(a, sizeof a, audit->skewed), audit->skewed == 1 ? " was" : "s were",
                audit->skewed == 1 ? "it" : "they");
    if (!audit->certain && !r->common->quiet) {
        cli_printf(r->out, CLI_WARN, "\nThe record is incomplete: ");
        cli_put(r->out, CLI_WARN, audit->why_uncertain);
        cli_printf(r->out, CLI_WARN, ".\n");
    }
    return NULL;
}

static int one_table(struct report *r, enum prof_coverage_table which)
{
    const struct cli_common *common = r->common;
    struct prof_query query = { .where = common->where,
                                .sort = common->sort,
                                .top = common->top != CLI_TOP_DEFAULT                        ? common->top
                                       : common->format == CLI_FORMAT_TEXT && !common->plain ? 30
                                                                                             : 0 };
    const struct prof_table *table;
    struct prof_error *error = prof_view_coverage(r->session->view, r->coverage, which, r->module, &query, &table);
    return error != NULL ? cli_error(error) : cli_table(r->session, common, r->out, "references", table);
}

int cmd_coverage(int argc, char **argv)
{
    struct coverage_args args = { .by = 0 };
    struct cli_common common;
    struct cli_operands operands;
    struct cli_session session;
    int code = cli_parse(&cli_command_coverage, argc, argv, &args, &common, &operands);
    if (code >= 0)
        return code;
    bool rows = common.where != NULL || common.sort != NULL || common.plain || common.format == CLI_FORMAT_CSV ||
                common.format == CLI_FORMAT_TSV;
    if (common.from != NULL)
        return cli_usage(&cli_command_coverage, "--from does not work here: coverage counts from the beginning");
    if (args.by == 0 && rows)
        return cli_usage(&cli_command_coverage,
                         "--where, --sort, --plain, csv and tsv are for one table: say which with --by");
    code = cli_session_open(&session, &common, operands.items[0], CLI_PART_VIEW);
    if (code < 0) {
        struct prof_coverage *coverage = NULL;
        struct prof_error *error = prof_coverage_create(session.heap, session.symbols, session.findings, &coverage);
        if (error != NULL) {
            code = cli_error(error);
        } else if (args.module != NULL && !has_module(coverage, args.module)) {
            code = no_module(coverage, args.module);
        } else {
            struct cli_out out;
            struct report r = { &session, &common, &out, coverage, args.module };
            cli_say_state(&session, &common);
            cli_out_open(&out, &common);
            if (args.by != 0) {
                code = one_table(&r, (enum prof_coverage_table)(args.by - 1));
            } else if (common.format == CLI_FORMAT_JSON) {
                char *text = NULL;
                error = prof_json_coverage(session.view, coverage, args.module, &text);
                code = cli_json(&out, error, text);
            } else {
                error = report(&r);
                code = error != NULL ? cli_error(error) : -1;
            }
            int closed = cli_out_close(&out);
            code = code >= 0 ? code : closed;
        }
        prof_coverage_destroy(coverage);
    }
    cli_session_close(&session);
    return code;
}
