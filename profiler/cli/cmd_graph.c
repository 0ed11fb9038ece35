/* cmd_graph.c: a part of the object graph as a picture: for graphviz, or as JSON. */
#include "graph_text.h"

#include <stdlib.h>

struct graph_args {
    bool dot, in, out;
    uint64_t depth, too_many;
};

#define UNSET UINT64_MAX
static const struct cli_option options[] = {
    { .name = "dot",
      .kind = CLI_FLAG,
      .offset = offsetof(struct graph_args, dot),
      .help = "in the language of graphviz (the default); --json for programs" },
    { .name = "in", .kind = CLI_FLAG, .offset = offsetof(struct graph_args, in), .help = "only who refers to them" },
    { .name = "out", .kind = CLI_FLAG, .offset = offsetof(struct graph_args, out), .help = "only to whom they refer" },
    { .name = "depth",
      .letter = 'd',
      .kind = CLI_NUMBER,
      .offset = offsetof(struct graph_args, depth),
      .argument = "N",
      .help = "how many links far (3)" },
    { .name = "too-many",
      .kind = CLI_NUMBER,
      .offset = offsetof(struct graph_args, too_many),
      .argument = "N",
      .help = "of more neighbours than N (10) the others are one node, roots and what retains most drawn; without "
              "objects: how many types (20); 0: all" },
    { 0 }
};

static const char *const examples[] = {
    "reftrack graph app.trk 'struct conn#12' --in | dot -Tsvg >conn.svg",
    "Who refers to an object, and to those, as a picture.",
    "reftrack graph @leak:1 --out --depth 5 --too-many 3",
    "What the example of the first finding leads to.",
    "reftrack graph app.trk",
    "Which types refer to which.",
    NULL,
};

const struct cli_command cli_command_graph = {
    .name = "graph",
    .main = cmd_graph,
    .synopsis = "[TRACE] [OBJECT...]",
    .summary = "who refers to whom, as a picture for graphviz or as JSON",
    .about =
        "Around objects and blocks, or, without any, of types. Edges bear the field. Dashed ones are pointers that "
        "stand for references told without an owner, grey ones pointers that count nothing, dotted ones weak. "
        "Blue boxes are roots, grey ones plain blocks, red ones what is left of variables that are no more.",
    .examples = examples,
    .options = options,
    .groups = CLI_GROUP_FORMAT | CLI_GROUP_TRACE | CLI_GROUP_MOMENT | CLI_GROUP_PID,
    .operands_any = true,
    .operand_hint = CLI_HINT_TRACE,
};

static struct prof_error *picture(struct cli_session *session, const struct graph_args *args, const prof_node *nodes,
                                  size_t count, struct prof_picture *ret)
{
    enum { NEIGHBOURS = 10, TYPES = 20 };
    unsigned directions = (args->in ? PROF_REFS_IN : 0) | (args->out ? PROF_REFS_OUT : 0);
    if (count == 0)
        return prof_view_picture_types(session->view, session->graph,
                                       args->too_many != UNSET ? (size_t)args->too_many : TYPES, ret);
    return prof_view_picture(session->view, session->graph, nodes, count,
                             directions != 0 ? directions : PROF_REFS_IN | PROF_REFS_OUT, (unsigned)args->depth,
                             args->too_many != UNSET ? (size_t)args->too_many : NEIGHBOURS, ret);
}

int cmd_graph(int argc, char **argv)
{
    enum { DEPTH_MOST = 1000 };
    struct graph_args args = { .depth = 3, .too_many = UNSET };
    struct cli_common common;
    struct cli_operands operands;
    struct cli_session session;
    size_t count;
    int code = cli_parse(&cli_command_graph, argc, argv, &args, &common, &operands);
    if (code >= 0)
        return code;
    if (args.depth < 1 || args.depth > DEPTH_MOST)
        return cli_usage(&cli_command_graph, "--depth is a number from 1 to %d", (int)DEPTH_MOST);
    if (common.format == CLI_FORMAT_CSV || common.format == CLI_FORMAT_TSV ||
        (args.dot && common.format == CLI_FORMAT_JSON))
        return cli_usage(&cli_command_graph, "a picture is either --dot or --json");
    prof_node *nodes = calloc(operands.count + 1, sizeof *nodes);
    if (nodes == NULL)
        return cli_error(prof_error_memory());
    code = graph_begin_some(&cli_command_graph, &common, &operands, NULL, &session, nodes, &count);
    if (code < 0) {
        struct prof_picture drawn;
        struct prof_error *error = picture(&session, &args, nodes, count, &drawn);
        char *text = NULL;
        struct cli_out out;
        if (error == NULL && common.format == CLI_FORMAT_JSON)
            error = prof_json_picture(session.view, session.graph, &drawn, &text);
        else if (error == NULL)
            error = prof_picture_dot(&drawn, (enum prof_units)common.units, &text);
        if (error != NULL) {
            code = cli_error(error);
        } else {
            cli_out_open(&out, &common);
            code = cli_json(&out, NULL, text);
            int closed = cli_out_close(&out);
            code = code >= 0 ? code : closed;
        }
    }
    cli_session_close(&session);
    free(nodes);
    return code;
}
