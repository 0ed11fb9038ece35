/* cmd_dominators.c: the tree of who alone keeps whom alive. */
#include "graph_text.h"

struct dominators_args {
    uint64_t depth, top;
};

static const struct cli_option options[] = { { .name = "depth",
                                               .letter = 'd',
                                               .kind = CLI_NUMBER,
                                               .offset = offsetof(struct dominators_args, depth),
                                               .argument = "N",
                                               .help = "levels of the tree (3)" },
                                             CLI_OPTION_TOP(dominators_args,
                                                            "only the N largest below each (10); 0 for all"),
                                             { 0 } };

static const char *const examples[] = {
    "reftrack dominators app.trk",
    "What keeps most alive, and through whom.",
    "reftrack dominators app.trk 'struct cache#1' --depth 5",
    "The same below one object, and who keeps that alive.",
    NULL,
};

const struct cli_command cli_command_dominators = {
    .name = "dominators",
    .main = cmd_dominators,
    .synopsis = "[TRACE] [OBJECT]",
    .summary = "the tree of who alone keeps whom alive, with shares",
    .about =
        "Whatever stands below an object or block would be released with it, because every way to it leads through "
        "it. What several hold together stands beside them. Percents are shares of all that is alive. A row of "
        "things of one kind, each the only one that the one before keeps, is one line: a list is told by its "
        "head.",
    .examples = examples,
    .options = options,
    .groups = CLI_GROUP_FORMAT | CLI_GROUP_TRACE | CLI_GROUP_MOMENT | CLI_GROUP_PID,
    .operands_max = 2,
    .operand_hint = CLI_HINT_TRACE,
};

static void line(struct cli_session *session, struct cli_out *out, const struct prof_dominated *row, uint64_t all)
{
    char text[1024], bytes[32], share[32];
    snprintf(share, sizeof share, "%.1f %%", all != 0 ? 100.0 * (double)row->retained / (double)all : 0.0);
    fprintf(out->file, "%8s  %10s  %*s", share, prof_fmt_bytes(bytes, sizeof bytes, row->retained, out->units),
            (int)row->level * 2, "");
    if (row->node == PROF_NODE_NONE) {
        cli_printf(out, CLI_HEAD, "everything that is alive\n");
        return;
    }
    prof_text_node(cli_text(session, out), row->node);
    if (row->run > 1)
        fprintf(out->file, " .. %s, %llu in a row",
                prof_text_name(cli_text(session, out), row->last, text, sizeof text), (unsigned long long)row->run);
    if (row->flat != row->retained)
        fprintf(out->file, "  (%s by %s)", prof_fmt_bytes(bytes, sizeof bytes, row->flat, out->units),
                row->run > 1 ? "themselves" : "itself");
    fputc('\n', out->file);
}

static void left_out(struct cli_out *out, const struct prof_dominated *row, uint64_t all)
{
    char bytes[32], share[32];
    snprintf(share, sizeof share, "%.1f %%", all != 0 ? 100.0 * (double)row->more_bytes / (double)all : 0.0);
    cli_printf(out, CLI_FAINT, "%8s  %10s  %*s%llu more\n", share,
               prof_fmt_bytes(bytes, sizeof bytes, row->more_bytes, out->units), (int)row->level * 2 + 2, "",
               (unsigned long long)row->more);
}

/* "N more" stands behind all that is below a line. */
static void tree(struct cli_session *session, struct cli_out *out, const struct prof_dominated *list, size_t count)
{
    enum { LEVELS = 65 };
    const struct prof_dominated *open[LEVELS] = { NULL };
    uint64_t all = prof_graph_retained(session->graph, PROF_NODE_NONE);
    cli_printf(out, CLI_HEAD, "   SHARE    RETAINED\n");
    for (size_t i = 0; i <= count; i++) {
        uint32_t level = i < count ? list[i].level : 0;
        for (uint32_t l = LEVELS; l-- > level;) {
            if (open[l] != NULL && open[l]->more != 0)
                left_out(out, open[l], all);
            open[l] = NULL;
        }
        if (i == count)
            break;
        line(session, out, &list[i], all);
        open[level] = &list[i];
    }
}

/* Who keeps the object alive, from the nearest on. */
static void above(struct cli_session *session, struct cli_out *out, prof_node node)
{
    enum { MOST = 8 };
    char text[1024];
    int n = 0;
    for (node = prof_graph_dominator(session->graph, node); node != PROF_NODE_NONE && n < MOST; n++) {
        fprintf(out->file, "%s%s", n == 0 ? "Kept alive by " : ", that by ",
                prof_text_name(cli_text(session, out), node, text, sizeof text));
        node = prof_graph_dominator(session->graph, node);
    }
    fputs(n == 0                   ? "No other object or block alone keeps it alive\n\n"
          : node != PROF_NODE_NONE ? ", and so on\n\n"
                                   : "\n\n",
          out->file);
}

int cmd_dominators(int argc, char **argv)
{
    enum { DEPTH_MOST = 64 };
    struct dominators_args args = { .depth = 3, .top = 10 };
    struct cli_common common;
    struct cli_operands operands;
    struct cli_session session;
    prof_node nodes[2] = { PROF_NODE_NONE }, node;
    size_t objects;
    int code = cli_parse(&cli_command_dominators, argc, argv, &args, &common, &operands);
    if (code >= 0)
        return code;
    if (args.depth < 1 || args.depth > DEPTH_MOST)
        return cli_usage(&cli_command_dominators, "--depth is a number from 1 to %d", (int)DEPTH_MOST);
    if (operands.count == 2 && !cli_is_trace(operands.items[0]))
        return cli_usage(&cli_command_dominators, "there is no trace '%s'", operands.items[0]);
    code = graph_begin_some(&cli_command_dominators, &common, &operands, NULL, &session, nodes, &objects);
    node = nodes[0];
    if (code < 0) {
        const struct prof_dominated *list;
        size_t count = 0;
        struct prof_error *error = prof_view_dominators(session.view, session.graph, node, (unsigned)args.depth,
                                                        (size_t)args.top, &list, &count);
        struct cli_out out;
        if (error != NULL) {
            code = cli_error(error);
        } else {
            cli_out_open(&out, &common);
            if (common.format == CLI_FORMAT_JSON) {
                char *text = NULL;
                error = prof_json_dominators(session.view, session.graph, list, count, &text);
                code = cli_json(&out, error, text);
            } else {
                if (node != PROF_NODE_NONE)
                    above(&session, &out, node);
                tree(&session, &out, list, count);
                graph_notes(&session, &common, &out, node);
            }
            int closed = cli_out_close(&out);
            code = code >= 0 ? code : closed;
        }
    }
    cli_session_close(&session);
    return code;
}
