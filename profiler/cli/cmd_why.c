/* cmd_why.c: why an object or block is alive: the shortest way from each kind of root, references without an owner, or
 * the cycle that it hangs on. */
#include "graph_text.h"

struct why_args {
    uint64_t top;
};

static const struct cli_option options[] = {
    CLI_OPTION_TOP(why_args, "of longer paths only N links, the middle left out (16)"), { 0 }
};

static const char *const examples[] = {
    "reftrack why app.trk 'struct conn#12'",
    "One path from each kind of root that leads to it.",
    "reftrack why @leak:1",
    "What keeps the example of the first finding, or the cycle it hangs on.",
    NULL,
};

const struct cli_command cli_command_why = {
    .name = "why",
    .main = cmd_why,
    .synopsis = "[TRACE] OBJECT",
    .summary = "why an object or block is alive: the shortest path from each kind of root",
    .about = "OBJECT is written as for 'reftrack show'. Paths follow what keeps alive: counted references to objects, "
             "any pointer to plain blocks. References that the program told without an owner are a way of their own, "
             "with the stacks that took them. Of each kind the shortest path is shown, and how many other references "
             "lead to "
             "it besides. When nothing leads to it, the cycle is shown that it belongs to or hangs "
             "on.",
    .examples = examples,
    .options = options,
    .groups = CLI_GROUP_FORMAT | CLI_GROUP_TRACE | CLI_GROUP_MOMENT | CLI_GROUP_PID,
    CLI_OPERANDS_OBJECT,
};

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static struct prof_error *way(struct cli_session *session, struct cli_out *out, const struct prof_way *way)
{
    enum { FRAMES = 8 };
    size_t length = way->count + way->left_out;
    if (way->root != PROF_ROOT_NONE) {
        cli_printf(out, CLI_HEAD, "\n%s: %zu link%s\n", prof_root_name(way->root), length, plural(length));
        graph_path_lines(session, out, way->links, way->count, way->count / 2, way->left_out);
        return NULL;
    }
    prof_node holder = way->links[0].to;
    char name[1024];
    cli_printf(out, CLI_HEAD, "\nreferences without an owner");
    if (length > 1) {
        fputs(", of ", out->file);
        cli_printf(out, CLI_TYPE, "%s", graph_name(session, holder, name, sizeof name));
        fprintf(out->file, " (%zu link%s)", length - 1, plural(length - 1));
    }
    fputc('\n', out->file);
    struct prof_refs refs;
    struct prof_error *error = graph_taken_lines(session, out, holder, FRAMES);
    if (error == NULL)
        error = prof_view_refs(session->view, session->graph, holder, true, FRAMES, &refs);
    if (error != NULL)
        return error;
    const struct prof_ref_list *gone = &refs.of[PROF_REF_GONE];
    for (size_t i = 0; i < gone->count; i++) {
        char text[1024];
        fputs("  = ", out->file);
        cli_put(out, CLI_PLAIN, gone->rows[i].place);
        fputs(", which is no more, taken at ", out->file);
        cli_put(out, CLI_PLACE, prof_view_site(session->view, gone->rows[i].stack, text, sizeof text));
        fputc('\n', out->file);
    }
    if (way->count > 1)
        graph_path_lines(session, out, way->links + 1, way->count - 1, way->count / 2 - (way->left_out != 0),
                         way->left_out);
    return NULL;
}

/* Nothing keeps it: it waits for nobody. */
static void loop(struct cli_session *session, struct cli_out *out, prof_node node, const struct prof_ways *ways)
{
    const struct prof_way *loop = &ways->loop;
    size_t cycle = ways->loop_cycle < loop->count ? ways->loop_cycle : loop->count;
    prof_obj_id obj = prof_graph_obj(session->graph, node);
    if (obj != 0 && prof_heap_obj(session->heap, obj)->state == PROF_OBJ_ZERO) {
        char text[1024];
        cli_printf(out, CLI_BAD, "\nNothing keeps it alive: its count came to 0");
        fputs(" at ", out->file);
        cli_put(out, CLI_PLACE,
                prof_view_site(session->view, prof_heap_obj(session->heap, obj)->zero_stack, text, sizeof text));
        fputs(", and it was not freed\n", out->file);
        return;
    }
    if (loop->count == 0) {
        cli_printf(out, CLI_BAD, "\nNothing keeps it alive: nothing refers to it\n");
        return;
    }
    cli_printf(out, CLI_BAD, "\nNothing keeps it alive: no root and no reference without an owner leads to it\n");
    if (cycle != 0) {
        cli_printf(out, CLI_HEAD, "\n%s of %zu link%s\n",
                   ways->loop_cycle == loop->count + loop->left_out ? "It stands in a cycle" : "It hangs on a cycle",
                   ways->loop_cycle, plural(ways->loop_cycle));
        graph_path_lines(session, out, loop->links, cycle, cycle,
                         ways->loop_cycle > cycle ? ways->loop_cycle - cycle : 0);
    }
    if (loop->count > cycle) {
        char name[1024];
        cli_printf(out, CLI_HEAD, cycle != 0 ? "\nAnd is held from there\n" : "\nIt is held by ");
        if (cycle == 0) {
            cli_printf(out, CLI_TYPE, "%s", graph_name(session, loop->links[cycle].from, name, sizeof name));
            fputs(", to which nothing refers\n", out->file);
        }
        graph_path_lines(session, out, loop->links + cycle, loop->count - cycle, loop->count - cycle, loop->left_out);
    }
}

static struct prof_error *why(struct cli_session *session, struct cli_out *out, prof_node node, size_t most)
{
    struct prof_ways ways;
    uint64_t others = 0;
    struct prof_error *error = prof_view_ways(session->view, session->graph, node, most, &ways);
    if (error == NULL)
        error = prof_view_other_ways(session->graph, node, &ways, &others);
    if (error != NULL)
        return error;
    graph_node_line(session, out, node);
    for (size_t i = 0; i < ways.way_count && error == NULL; i++)
        error = way(session, out, &ways.ways[i]);
    if (others != 0)
        cli_printf(out, CLI_HEAD,
                   "\nAlso reached through %llu other way%s: 'reftrack refs --in' lists who refers to it\n",
                   (unsigned long long)others, plural((size_t)others));
    if (ways.way_count == 0)
        loop(session, out, node, &ways);
    return error;
}

int cmd_why(int argc, char **argv)
{
    enum { MOST = 10000 };
    struct why_args args = { .top = 16 };
    struct cli_common common;
    struct cli_operands operands;
    struct cli_session session;
    prof_node node;
    int code = cli_parse(&cli_command_why, argc, argv, &args, &common, &operands);
    if (code >= 0)
        return code;
    if (args.top < 4 || args.top > MOST)
        return cli_usage(&cli_command_why, "--top is a number from 4 to %d here", (int)MOST);
    code = graph_begin(&cli_command_why, &common, &operands, &session, &node);
    if (code < 0) {
        struct cli_out out;
        cli_out_open(&out, &common);
        if (common.format == CLI_FORMAT_JSON) {
            char *text = NULL;
            struct prof_error *error = prof_json_why(session.view, session.graph, node, (size_t)args.top, &text);
            code = cli_json(&out, error, text);
        } else {
            struct prof_error *error = why(&session, &out, node, (size_t)args.top);
            if (error == NULL)
                graph_notes(&session, &common, &out, node);
            code = error != NULL ? cli_error(error) : -1;
        }
        int closed = cli_out_close(&out);
        code = code >= 0 ? code : closed;
    }
    cli_session_close(&session);
    return code;
}
