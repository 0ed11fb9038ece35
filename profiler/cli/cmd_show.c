/* cmd_show.c: everything about one object; plain blocks are shown by show_block.c. */
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

static int show(struct cli_session *session, const struct show_args *args, struct cli_out *out, const char *spec,
                prof_obj_id id)
{
    const struct prof_obj *obj = prof_heap_obj(session->heap, id);
    const struct prof_text_life_options how = { .top = args->top == 0 ? UINT64_MAX : args->top };
    struct prof_ledgers_options wanted = { .type = prof_heap_type(session->heap, obj->type)->name,
                                           .serial = obj->serial,
                                           .whole = args->top == 0 };
    const struct prof_ledger *ledger = NULL;
    struct prof_error *error = NULL;
    if (!args->no_history) {
        error = prof_ledgers_create(session->heap, session->symbols, session->findings, &wanted, &session->ledgers);
        if (error != NULL)
            return cli_error(error);
        prof_view_compare(session->view, session->ledgers);
        ledger = prof_ledgers_of(session->ledgers, wanted.type, wanted.serial);
    }
    const struct prof_text *text = cli_text(session, out);
    error = prof_text_whole_object(text, id, prof_text_finding_of(text, spec, id), ledger, &how);
    return error != NULL ? cli_error(error) : -1;
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
