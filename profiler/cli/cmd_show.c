/* cmd_show.c: everything about one object: facts, where its references are, the balance by site, its history. Plain
 * blocks are shown by show_block.c. */
#include <string.h>

#include "findings_text.h"
#include "graph_text.h"
#include "ledger_text.h"
#include "show_block.h"

struct show_args {
    bool no_history;
    uint64_t top;
};

static const struct cli_option options[] = {
    { .name = "no-history",
      .kind = CLI_FLAG,
      .offset = offsetof(struct show_args, no_history),
      .help = "leave the history out; it needs a second reading of the trace" },
    CLI_OPTION_TOP(show_args, "only the first N lines of the open references and of the "
                              "history (40); 0 for all"),
    { 0 }
};

static const char *const examples[] = {
    "reftrack show app.trk @leak:1",
    "An example of the first finding.",
    "reftrack show 'struct conn#12'",
    "The twelfth struct conn of the newest trace.",
    "reftrack show app.trk 0x55d0c3a1b0",
    "The object or block at, or around, an address; of a block that was freed, where.",
    "reftrack show app.trk block#7",
    "A plain block by its id, as 'reftrack blocks -v' tells it.",
    NULL,
};

const struct cli_command cli_command_show = {
    .name = "show",
    .main = cmd_show,
    .synopsis = "[TRACE] OBJECT",
    .summary = "one object or block: who holds it, who took and gave back, its history",
    .about = "OBJECT is Type#12, #1204 (id), block#7 (id of a block), 0x55d0c3a1b0 (address), or @leak:3 (an example "
             "of finding 3 as 'reftrack leaks' and 'leaks --all' number them). "
             "The count is split as in 'reftrack refs': references held by blocks and objects, by globals, by local "
             "variables, in variables that are no more (freed, overwritten, out of scope), and those without a known "
             "owner. In the history, =N says which event a release gives back for certain, ~N for which healthy "
             "objects release there, and ?N is no more than a hint. Of an object that leaks, the history also says "
             "where siblings (born at the same place and freed) went another way, and what nobody gave back. "
             "Of a plain block: its type and how that is known, where it was allocated and freed, whether and how a "
             "root still leads to it, which pointers lead to it and which stand in it.",
    .examples = examples,
    .options = options,
    .groups = CLI_GROUP_FORMAT | CLI_GROUP_TRACE | CLI_GROUP_WINDOW | CLI_GROUP_PID,
    CLI_OPERANDS_OBJECT,
};

static void facts(struct cli_session *session, struct cli_out *out, prof_obj_id id, const struct prof_finding *finding)
{
    const struct prof_obj *obj = prof_heap_obj(session->heap, id);
    uint64_t end = prof_heap_totals(session->heap)->end_us;
    char name[512], text[1024];
    cli_put(out, CLI_TYPE, prof_fmt_obj(name, sizeof name, session->heap, id));
    fprintf(out->file, "  at %s, id #%u, %s", prof_fmt_addr(text, sizeof text, obj->addr), id,
            prof_state_name(obj->state));
    if (obj->size != 0)
        fprintf(out->file, ", %s", prof_fmt_bytes(text, sizeof text, obj->size, out->units));
    fprintf(out->file, "\n  born      %s", prof_fmt_time(text, sizeof text, obj->born_us));
    fprintf(out->file, " in thread %u at ", obj->tid);
    cli_put(out, CLI_PLACE, prof_view_site(session->view, obj->stack, text, sizeof text));
    fprintf(out->file, "\n  age       %s",
            prof_fmt_age(text, sizeof text, end > obj->born_us ? end - obj->born_us : 0));
    fprintf(out->file, ", last event %s\n", prof_fmt_time(text, sizeof text, obj->last_us));
    if (obj->context != 0) {
        const struct prof_context *context = prof_heap_context(session->heap, obj->context);
        fputs("  context   ", out->file);
        cli_put(out, CLI_PLAIN, context->key != NULL ? context->key : "");
        fprintf(out->file, " %llu\n", (unsigned long long)context->id);
    }
    if (obj->why_text != 0) {
        const char *why = prof_trace_text(session->trace, obj->why_text);
        fputs((obj->flags & PROF_OBJ_PINNED) != 0 ? "  pinned    " : "  may leak  ", out->file);
        cli_put(out, CLI_PLAIN, why != NULL ? why : "");
        fputc('\n', out->file);
    }
    if (finding != NULL) {
        fputs("  finding   ", out->file);
        cli_printf(out, finding->gating ? CLI_BAD : CLI_WARN, "@leak:%u %s", finding->id,
                   prof_headline_name(finding->headline));
        fprintf(out->file, ", %s, %s: ", prof_verdict_name(finding->verdict), prof_strength_name(finding->strength));
        cli_put(out, CLI_PLAIN, prof_view_action(session->view, finding, text, sizeof text));
        fputc('\n', out->file);
    }
}

/* What came behind the end of an object: its counts have it no more. */
struct late {
    uint64_t refs, unrefs, others;
};
static struct late behind_end(const struct prof_ledger *ledger)
{
    struct late late = { 0 };
    bool dead = false;
    for (size_t i = 0; ledger != NULL && i < ledger->count; i++) {
        unsigned op = ledger->entries[i].event.op;
        late.refs += dead && (op == TRK_OP_REF || op == TRK_OP_SINK);
        late.unrefs += dead && op == TRK_OP_UNREF;
        late.others += dead && (op == TRK_OP_TOUCH || op == TRK_OP_MOVE || op == TRK_OP_BORROW);
        dead |= op == TRK_OP_DEL || op == TRK_OP_FREE;
    }
    return late;
}

/* What died has no references any more, only a count: with what came too late, as its finding says it. */
static void count_split(struct cli_session *session, struct cli_out *out, prof_obj_id id,
                        const struct prof_ledger *ledger)
{
    const struct prof_obj *obj = prof_heap_obj(session->heap, id);
    prof_node node = prof_graph_of_obj(session->graph, id);
    struct late late = behind_end(ledger);
    uint64_t refs = obj->refs + late.refs, unrefs = obj->unrefs + late.unrefs;
    if (node != PROF_NODE_NONE)
        graph_count_lines(session, out, node);
    else
        fprintf(out->file, "  count     %lld\n", (long long)(obj->count + (int64_t)late.refs - (int64_t)late.unrefs));
    fprintf(out->file, "            %llu ref%s, %llu unref%s in this life\n", (unsigned long long)refs,
            refs == 1 ? "" : "s", (unsigned long long)unrefs, unrefs == 1 ? "" : "s");
    uint64_t all = late.refs + late.unrefs + late.others;
    if (all != 0)
        fprintf(out->file, "            %llu event%s came after its end\n", (unsigned long long)all,
                all == 1 ? "" : "s");
}

static void balance(struct cli_session *session, struct cli_out *out, const struct prof_obj *obj)
{
    char text[1024];
    if (obj->first_site != 0)
        cli_printf(out, CLI_HEAD, "\nReferences without owner, by site\n   TAKEN   GIVEN  SITE\n");
    for (uint32_t i = obj->first_site; i != 0;) {
        const struct prof_site_count *count = prof_heap_site_count(session->heap, i);
        i = count->next;
        fprintf(out->file, "%8u%8u  ", count->taken, count->given);
        cli_put(out, CLI_PLACE, prof_view_site(session->view, count->stack, text, sizeof text));
        fputc('\n', out->file);
    }
}

/* What every place took and gave back in this life. */
static void balance_of_life(struct cli_session *session, struct cli_out *out, const struct prof_ledger *ledger)
{
    cli_printf(out, CLI_HEAD, "\nBalance by site, with birth and owned references\n   TAKEN   GIVEN  SITE\n");
    for (size_t i = 0; i < ledger->line_count; i++) {
        const struct prof_ledger_line *line = &ledger->lines[i];
        uint64_t taken = line->taken, given = line->given;
        char text[1024], other[1024];
        bool told = false;
        prof_view_site(session->view, line->stack, text, sizeof text);
        for (size_t k = 0; k < ledger->line_count; k++) {
            const struct prof_ledger_line *same = &ledger->lines[k];
            if (k == i || strcmp(text, prof_view_site(session->view, same->stack, other, sizeof other)) != 0)
                continue;
            told |= k < i;
            taken += same->taken;
            given += same->given;
        }
        if (told)
            continue;
        fprintf(out->file, "%8llu%8llu  ", (unsigned long long)taken, (unsigned long long)given);
        cli_put(out, CLI_PLACE, text);
        fputc('\n', out->file);
    }
}

/* The finding that the user named, or else one that speaks of the object. */
static const struct prof_finding *finding_of(struct cli_session *session, const char *spec, prof_obj_id id)
{
    const struct prof_finding *list;
    size_t count = prof_findings_list(session->findings, &list);
    unsigned number = 0;
    for (size_t i = 0; sscanf(spec, "@leak:%u", &number) == 1 && i < count; i++)
        if (list[i].id == number && list[i].sample_count != 0)
            return &list[i];
    return prof_findings_of(session->findings, id);
}

static int show(struct cli_session *session, const struct show_args *args, struct cli_out *out, const char *spec,
                prof_obj_id id)
{
    const struct prof_obj *obj = prof_heap_obj(session->heap, id);
    const struct prof_finding *finding = finding_of(session, spec, id);
    uint64_t top = args->top == 0 ? UINT64_MAX : args->top;
    if (args->no_history) {
        facts(session, out, id, finding);
        count_split(session, out, id, NULL);
        struct prof_error *error = text_open_references(session, out, id, NULL, top);
        if (error != NULL)
            return cli_error(error);
        balance(session, out, obj);
        return -1;
    }
    struct prof_ledgers_options wanted = { .type = prof_heap_type(session->heap, obj->type)->name,
                                           .serial = obj->serial,
                                           .whole = args->top == 0 };
    struct prof_error *error =
        prof_ledgers_create(session->heap, session->symbols, session->findings, &wanted, &session->ledgers);
    if (error != NULL)
        return cli_error(error);
    prof_view_compare(session->view, session->ledgers);
    const struct prof_ledger *ledger = prof_ledgers_of(session->ledgers, wanted.type, wanted.serial);
    facts(session, out, id, finding);
    count_split(session, out, id, ledger);
    error = text_open_references(session, out, id, ledger, top);
    if (error != NULL)
        return cli_error(error);
    if (prof_heap_named_before(session->heap, id)) {
        balance(session, out, obj);
        show_before(session, out, ": the history\ncounts from there. =before gives back a reference of that time.");
    } else {
        balance_of_life(session, out, ledger);
    }
    text_life(session, out, ledger, finding != NULL ? prof_ledgers_parting(session->ledgers, finding) : NULL, top);
    return -1;
}

int cmd_show(int argc, char **argv)
{
    struct show_args args = { .top = 40 };
    struct cli_common common;
    struct cli_operands operands;
    int code = cli_parse(&cli_command_show, argc, argv, &args, &common, &operands);
    if (code >= 0)
        return code;
    if (common.format == CLI_FORMAT_CSV || common.format == CLI_FORMAT_TSV)
        return cli_usage(&cli_command_show, "an object is text or json; csv and tsv are for tables");
    const char *path, *spec;
    code = cli_operands_object(&cli_command_show, &operands, &path, &spec);
    if (code >= 0)
        return code;
    struct cli_session session;
    code = cli_session_open(&session, &common, path, CLI_PART_VIEW | CLI_PART_PAST | CLI_PART_ALL_KINDS);
    if (code < 0) {
        struct prof_thing thing;
        struct prof_error *error = prof_view_find_thing(session.view, spec, &thing);
        if (error == NULL && thing.obj != 0)
            error = prof_graph_create(session.heap, session.symbols, NULL, &session.graph);
        if (error != NULL) {
            code = cli_error(error);
        } else {
            struct cli_out out;
            cli_out_open(&out, &common);
            if (thing.obj == 0) {
                code = show_block(&session, &common, &out, spec, &thing, args.top == 0 ? UINT64_MAX : args.top,
                                  args.no_history);
            } else if (common.format == CLI_FORMAT_JSON) {
                char *text = NULL;
                error = prof_json_object(session.view, session.graph, thing.obj, &text);
                code = cli_json(&out, error, text);
            } else {
                code = show(&session, &args, &out, spec, thing.obj);
            }
            int closed = cli_out_close(&out);
            code = code >= 0 ? code : closed;
        }
    }
    cli_session_close(&session);
    return code;
}
