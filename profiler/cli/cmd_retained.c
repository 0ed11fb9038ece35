/* cmd_retained.c: how large objects and blocks are with all that only they keep alive, each, by type, by site,
 * together.
 */
#include "graph_text.h"

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
    "reftrack retained --where 'type~cache && age>60s'",
    "What these keep alive together stands below the table.",
    NULL,
};

const struct cli_command cli_command_retained = {
    .name = "retained",
    .main = cmd_retained,
    .synopsis = "[TRACE]",
    .summary = "how large objects and blocks are with all that only they keep alive",
    .about = "FLAT is its own size, DEEP with all that it leads to, RETAINED with what it alone keeps alive and what "
             "would be released with it. Counted references lead to objects, any pointer to plain blocks. Keys: object "
             "retained share flat deep count age site kind type usable addr id; with --by type or site: type or site, "
             "retained share flat live objects exact. Below the table stands what all rows that fulfil --where retain "
             "together, which is more than the sum of what each does alone.",
    .examples = examples,
    .options = options,
    .groups = CLI_GROUP_FORMAT | CLI_GROUP_TABLE | CLI_GROUP_TRACE | CLI_GROUP_MOMENT | CLI_GROUP_PID,
    .operands_max = 1,
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

int cmd_retained(int argc, char **argv)
{
    enum { TOP = 30 };
    struct retained_args args = { .by = PROF_BY_NODE };
    struct cli_common common;
    struct cli_operands operands;
    struct cli_session session;
    size_t count;
    int code = cli_parse(&cli_command_retained, argc, argv, &args, &common, &operands);
    if (code >= 0)
        return code;
    if (operands.count != 0 && !cli_is_trace(operands.items[0]))
        return cli_usage(&cli_command_retained, "there is no trace '%s'; --where 'object==\"%s\"' selects an object",
                         operands.items[0], operands.items[0]);
    code = graph_begin_some(&cli_command_retained, &common, &operands, NULL, &session, NULL, &count);
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
    return code;
}
