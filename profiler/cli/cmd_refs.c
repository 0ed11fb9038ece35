/* cmd_refs.c: who refers to an object or block, and to whom it refers. */
#include "graph_text.h"

#include <stdlib.h>

struct refs_args {
    bool in, out, path, open;
    uint64_t top;
};

static const struct cli_option options[] = {
    { .name = "in", .kind = CLI_FLAG, .offset = offsetof(struct refs_args, in), .help = "only who refers to it" },
    { .name = "out", .kind = CLI_FLAG, .offset = offsetof(struct refs_args, out), .help = "only to whom it refers" },
    { .name = "path",
      .kind = CLI_FLAG,
      .offset = offsetof(struct refs_args, path),
      .help = "also the shortest path from the nearest root; 'reftrack why' has one for each kind" },
    { .name = "open",
      .kind = CLI_FLAG,
      .offset = offsetof(struct refs_args, open),
      .help = "only the open references of an object (taken, not given back): when, in which thread and where each was "
              "taken, and who owns it; needs a second reading of the trace" },
    CLI_OPTION_TOP(refs_args,
                   "only N lines of each list (20), roots first, then what retains most, the others folded by type and "
                   "field; 0 for all"),
    { 0 }
};

static const char *const examples[] = {
    "reftrack refs app.trk 'struct conn#12'",
    "Where its references are, who holds them, and what it holds.",
    "reftrack refs @leak:1 --in --path",
    "Who holds the example of the first finding, and the way to it from a root.",
    "reftrack refs @leak:1 --open",
    "Which of its references nobody gave back.",
    "reftrack refs 0x55d0c3a1b0 --out",
    "What the object or block around an address refers to.",
    NULL,
};

const struct cli_command cli_command_refs = {
    .name = "refs",
    .main = cmd_refs,
    .synopsis = "[TRACE] OBJECT",
    .summary = "who refers to an object or block, and to whom it refers",
    .about = "OBJECT is written as for 'reftrack show'. = marks a reference that the program told, with the field or "
             "variable that owns it and where it was taken; ~ a pointer in memory that stands for a reference told "
             "without an owner (a guess). Pointers that count nothing, and weak ones, stand apart: they keep no object "
             "alive, but are all there is to know about plain blocks. Equal references are one line with their number.",
    .examples = examples,
    .options = options,
    .groups = CLI_GROUP_FORMAT | CLI_GROUP_TRACE | CLI_GROUP_MOMENT | CLI_GROUP_PID,
    CLI_OPERANDS_OBJECT,
};

static void row(struct cli_session *session, struct cli_out *out, const struct prof_ref *ref, bool in)
{
    char text[1024];
    fprintf(out->file, "  %c ", prof_link_mark(&ref->link));
    if (in) {
        cli_put(out, CLI_PLAIN, ref->place);
    } else {
        cli_put(out, CLI_PLAIN, ref->field[0] != '\0' ? ref->field : "(holder)");
        fputs(" -> ", out->file);
        prof_text_node(cli_text(session, out), ref->other);
    }
    if (in && ref->other != PROF_NODE_NONE && prof_graph_block(session->graph, ref->other) != 0)
        fprintf(out->file, " (block#%u)", prof_graph_block(session->graph, ref->other));
    if (in && ref->link.kind == PROF_LINK_HOLDER)
        fputs(" (holder)", out->file);
    if (ref->times > 1)
        cli_printf(out, CLI_HEAD, "  x%llu", (unsigned long long)ref->times);
    if (ref->link.interior)
        fputs("  into its middle", out->file);
    if (ref->stack != 0) {
        fputs(ref->link.kind == PROF_LINK_WEAK ? "  set at " : "  taken at ", out->file);
        cli_put(out, CLI_PLACE, prof_view_site(session->view, ref->stack, text, sizeof text));
    }
    fputc('\n', out->file);
}

static void list(struct cli_session *session, struct cli_out *out, const char *title, const struct prof_ref_list *refs,
                 bool in)
{
    enum { GROUPS_SHOWN = 3 };
    if (refs->links == 0)
        return;
    cli_printf(out, CLI_HEAD, "\n%s: %llu\n", title, (unsigned long long)refs->links);
    for (size_t i = 0; i < refs->count; i++)
        row(session, out, &refs->rows[i], in);
    if (refs->more == 0)
        return;
    cli_printf(out, CLI_FAINT, "    %llu more:", (unsigned long long)refs->more);
    for (size_t i = 0; i < refs->group_count && i < GROUPS_SHOWN; i++) {
        const struct prof_ref_more *group = &refs->groups[i];
        bool dot = group->field[0] != '\0' && group->field[0] != '+' && group->field[0] != '[';
        fprintf(out->file, "%s %llu ", i != 0 ? "," : "", (unsigned long long)group->times);
        cli_put(out, CLI_FAINT, group->kind);
        fputs(dot ? "." : group->field[0] != '\0' ? " " : "", out->file);
        cli_put(out, CLI_FAINT, group->field);
    }
    cli_printf(out, CLI_FAINT, "%s; --top 0 shows all\n", refs->group_count > GROUPS_SHOWN ? ", others" : "");
}

static struct prof_error *direction(struct cli_session *session, struct cli_out *out, prof_node node, bool in,
                                    size_t top)
{
    struct prof_refs refs;
    struct prof_error *error = prof_view_refs(session->view, session->graph, node, in, top, &refs);
    if (error != NULL)
        return error;
    bool object = prof_graph_obj(session->graph, node) != 0, any = false;
    for (int c = 0; c < PROF_REF_CLASSES_; c++)
        any |= refs.of[c].links != 0;
    if (!any)
        cli_printf(out, CLI_HEAD, in ? "\nNobody refers to it\n" : "\nIt refers to nothing\n");
    list(session, out, in ? "Referrers" : "Referents", &refs.of[PROF_REF_COUNTED], in);
    list(session, out, in ? "References whose variable is no more" : "Gone", &refs.of[PROF_REF_GONE], in);
    list(session, out,
         !in      ? "Pointers in it"
         : object ? "Pointers to it that count nothing"
                  : "Pointers to it",
         &refs.of[PROF_REF_POINTER], in);
    list(session, out, in ? "Weak or borrowed pointers to it" : "Weak or borrowed pointers in it",
         &refs.of[PROF_REF_WEAK], in);
    return NULL;
}

static struct prof_error *path(struct cli_session *session, struct cli_out *out, prof_node node)
{
    enum { PATH_MOST = 24 };
    struct prof_ways ways;
    struct prof_error *error = prof_view_ways(session->view, session->graph, node, PATH_MOST, &ways);
    if (error != NULL)
        return error;
    const struct prof_way *way = &ways.ways[0];
    if (ways.way_count == 0)
        cli_printf(out, CLI_HEAD, "\nNo root leads to it; 'reftrack why' says what it hangs on\n");
    else if (way->root == PROF_ROOT_NONE)
        cli_printf(out, CLI_HEAD, "\nNo root leads to it, only references without an owner\n");
    else
        cli_printf(out, CLI_HEAD, "\nThe nearest root: %s\n", prof_root_name(way->root));
    if (ways.way_count != 0)
        prof_text_path_lines(cli_text(session, out), way->links, way->count, way->count / 2, way->left_out);
    return NULL;
}

static struct prof_error *open_ones(struct cli_session *session, struct cli_out *out, prof_obj_id id, uint64_t top)
{
    const struct prof_obj *obj = prof_heap_obj(session->heap, id);
    struct prof_ledgers_options wanted = { .type = prof_heap_type(session->heap, obj->type)->name,
                                           .serial = obj->serial };
    struct prof_ledgers *ledgers = NULL;
    struct prof_error *error =
        prof_ledgers_create(session->heap, session->symbols, session->findings, &wanted, &ledgers);
    if (error != NULL)
        return error;
    if (obj->count <= 0)
        cli_printf(out, CLI_HEAD, "\nNo reference is open\n");
    else
        error = prof_text_open_references(cli_text(session, out), id,
                                          prof_ledgers_of(ledgers, wanted.type, wanted.serial), top);
    prof_ledgers_destroy(ledgers);
    return error;
}

static struct prof_error *refs(struct cli_session *session, const struct refs_args *args, struct cli_out *out,
                               prof_node node)
{
    struct prof_error *error = NULL;
    prof_text_node_line(cli_text(session, out), node);
    prof_text_count_lines(cli_text(session, out), node);
    if (args->open)
        return open_ones(session, out, prof_graph_obj(session->graph, node), args->top == 0 ? UINT64_MAX : args->top);
    if (args->path)
        error = path(session, out, node);
    if (error == NULL && args->in)
        error = direction(session, out, node, true, (size_t)args->top);
    if (error == NULL && args->in)
        error = prof_text_taken_section(cli_text(session, out), node);
    if (error == NULL && args->out)
        error = direction(session, out, node, false, (size_t)args->top);
    return error;
}

/* Findings say which reference is the one too many, so that no hint hides it. */
static int begin_open(const struct cli_common *common, const struct cli_operands *operands, struct cli_session *session,
                      prof_node *ret)
{
    const char *path, *object;
    *session = (struct cli_session){ .path = NULL };
    int code = cli_operands_object(&cli_command_refs, operands, &path, &object);
    if (code < 0)
        code = cli_session_open(session, common, path,
                                CLI_PART_VIEW | CLI_PART_ALL_KINDS | CLI_PART_GRAPH | CLI_PART_PAST);
    if (code >= 0)
        return code;
    struct prof_error *error = prof_view_find_node(session->view, session->graph, object, ret);
    if (error == NULL && prof_graph_obj(session->graph, *ret) == 0)
        error = prof_error_create(PROF_ERROR_ARGUMENT,
                                  "'%s' is a plain block: nobody counts references to it; leave out --open", object);
    return error != NULL ? cli_error(error) : -1;
}

int cmd_refs(int argc, char **argv)
{
    struct refs_args args = { .top = 20 };
    struct cli_common common;
    struct cli_operands operands;
    struct cli_session session;
    prof_node node;
    int code = cli_parse(&cli_command_refs, argc, argv, &args, &common, &operands);
    if (code >= 0)
        return code;
    if (!args.in && !args.out)
        args.in = args.out = true;
    code = args.open ? begin_open(&common, &operands, &session, &node)
                     : graph_begin(&cli_command_refs, &common, &operands, &session, &node);
    if (code < 0) {
        struct prof_error *error;
        struct cli_out out;
        cli_out_open(&out, &common);
        if (common.format == CLI_FORMAT_JSON) {
            unsigned parts =
                (args.in ? PROF_REFS_IN : 0) | (args.out ? PROF_REFS_OUT : 0) | (args.path ? PROF_REFS_PATH : 0);
            parts = args.open ? PROF_REFS_OPEN : parts;
            char *text = NULL;
            error = prof_json_refs(session.view, session.graph, node, parts, (size_t)args.top, &text);
            code = cli_json(&out, error, text);
        } else {
            error = refs(&session, &args, &out, node);
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
