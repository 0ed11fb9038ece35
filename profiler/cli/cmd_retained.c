/* cmd_retained.c: how large objects and blocks are with all that only they keep alive, each, by type, by site,
 * together.
 */
#include "graph_text.h"

#include <stdlib.h>

#include <base/str.h>

enum { OBJECTS_MOST = 16 };

struct retained_args {
    int by; /* enum prof_retained_by */
};

static const struct cli_option options[] = { { .name = "by",
                                               .kind = CLI_CHOICE,
                                               .offset = offsetof(struct retained_args, by),
                                               .argument = "WHAT",
                                               .choices = "object|type|site",
                                               .help = "one row for each object and plain block (object), for each "
                                                       "type, or for each place where they were born" },
                                             { 0 } };

static const char *const examples[] = {
    "reftrack retained app.trk",
    "What holds most, whatever its own size is.",
    "reftrack retained --by type",
    "The same by type: what the program would be without any of them.",
    "reftrack retained app.trk conn#12 conn#13",
    "Two connections, and what they keep alive together.",
    "reftrack retained --where 'type~cache && age>60s'",
    "What these keep alive together stands below the table.",
    NULL,
};

const struct cli_command cli_command_retained = {
    .name = "retained",
    .main = cmd_retained,
    .synopsis = "[TRACE] [OBJECT...]",
    .summary = "how large objects and blocks are with all that only they keep alive",
    .about = "Of the objects and blocks that are named, up to 16, else of all. FLAT is its own size, DEEP with all "
             "that it leads to, RETAINED with what it alone keeps alive and what "
             "would be released with it. Counted references lead to objects, any pointer to plain blocks. Keys: object "
             "retained share flat deep count age site kind type usable addr id; with --by type or site: type or site, "
             "retained share flat live objects exact. Below the table stands what all rows that fulfil --where retain "
             "together, which is more than the sum of what each does alone.",
    .examples = examples,
    .options = options,
    .groups = CLI_GROUP_FORMAT | CLI_GROUP_TABLE | CLI_GROUP_TRACE | CLI_GROUP_MOMENT | CLI_GROUP_PID,
    .operands_max = 1 + OBJECTS_MOST,
    .operand_hint = CLI_HINT_TRACE,
};

static void together(struct cli_out *out, const struct cli_common *common, const struct prof_selection *sum)
{
    char flat[32], retained[32], all[32], nodes[32], share[32];
    cli_printf(out, CLI_HEAD, "\n%s", common->where != NULL ? "Together" : "All");
    fprintf(out->file, " %s objects and blocks, %s", prof_fmt_count(nodes, sizeof nodes, sum->nodes),
            prof_fmt_bytes(flat, sizeof flat, sum->flat, out->units));
    if (common->where != NULL)
        fprintf(out->file, "; they retain %s, %s of the %s that are alive",
                prof_fmt_bytes(retained, sizeof retained, sum->retained, out->units),
                prof_fmt_ratio(share, sizeof share, sum->all != 0 ? (double)sum->retained / (double)sum->all : 0),
                prof_fmt_bytes(all, sizeof all, sum->all, out->units));
    fputc('\n', out->file);
}

/* --where, and one of these nodes. NULL without memory. */
static char *where_of(const struct cli_session *session, const char *where, const prof_node *nodes, size_t count)
{
    struct prof_str text = { 0 };

    for (size_t i = 0; i < count; i++) {
        prof_block_id block = prof_graph_block(session->graph, nodes[i]);
        unsigned id = block != 0 ? block : prof_graph_obj(session->graph, nodes[i]);
        prof_str_addf(&text, "%s id == \"%s#%u\"", i == 0 ? "(" : " ||", block != 0 ? "block" : "", id);
    }
    prof_str_add(&text, ")");
    if (where != NULL)
        prof_str_addf(&text, " && (%s)", where);
    return prof_str_take(&text);
}

int cmd_retained(int argc, char **argv)
{
    enum { TOP = 30 };
    struct retained_args args = { .by = PROF_BY_NODE };
    struct cli_common common;
    struct cli_operands operands;
    struct cli_session session;
    prof_node nodes[1 + OBJECTS_MOST];
    char *where = NULL;
    size_t count;
    int code = cli_parse(&cli_command_retained, argc, argv, &args, &common, &operands);
    if (code >= 0)
        return code;
    bool named = operands.count > 1 || (operands.count == 1 && !cli_is_trace(operands.items[0]));
    if (named && args.by != PROF_BY_NODE)
        return cli_usage(&cli_command_retained, "--by type and --by site are for all that is alive, not for '%s'",
                         operands.items[operands.count - 1]);
    if (operands.count > OBJECTS_MOST && !cli_is_trace(operands.items[0]))
        return cli_usage(&cli_command_retained, "'%s' is one too many: up to %d objects can be named",
                         operands.items[operands.count - 1], (int)OBJECTS_MOST);
    code = graph_begin_some(&cli_command_retained, &common, &operands, NULL, &session, nodes, &count);
    if (code < 0 && count > 0) {
        common.where = where = where_of(&session, common.where, nodes, count);
        code = where == NULL ? cli_error(prof_error_memory()) : -1;
    }
    if (code < 0) {
        bool for_people = common.format == CLI_FORMAT_TEXT && !common.plain;
        struct prof_query query = { .where = common.where,
                                    .sort = common.sort,
                                    .top = common.top != CLI_TOP_DEFAULT ? common.top
                                           : for_people                  ? TOP
                                                                         : 0 };
        const struct prof_table *table;
        struct prof_selection sum;
        struct prof_error *error =
            prof_view_retained(session.view, session.graph, (enum prof_retained_by)args.by, &query, &table, &sum);
        struct cli_out out;
        char *text = NULL;
        if (error != NULL) {
            code = cli_error(error);
        } else {
            cli_out_open(&out, &common);
            if (common.format == CLI_FORMAT_JSON) {
                error = prof_json_retained(session.view, session.graph, table, &sum, &text);
                code = cli_json(&out, error, text);
            } else {
                code = cli_table(&session, &common, &out, "retained", table);
            }
            if (for_people && table->total_rows != 0) {
                together(&out, &common, &sum);
                graph_notes(&session, &common, &out, PROF_NODE_NONE);
            }
            int closed = cli_out_close(&out);
            code = code >= 0 ? code : closed;
        }
    }
    cli_session_close(&session);
    free(where);
    return code;
}
