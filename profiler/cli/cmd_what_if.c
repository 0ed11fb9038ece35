/* cmd_what_if.c: what would be freed if references were given back. */
#include "graph_text.h"

struct what_if_args {
    struct cli_list drop;
    uint64_t top;
};

static const struct cli_option options[] = {
    { .name = "drop",
      .kind = CLI_LIST,
      .offset = offsetof(struct what_if_args, drop),
      .argument = "OBJECT | 'HOLDER.FIELD->OBJECT'",
      .help = "all references to an object or block, or those from one place, written as 'reftrack refs' tells it; "
              "repeatable" },
    CLI_OPTION_TOP(
        what_if_args,
        "only N lines of each list (20): the first to be freed; of others roots first, then what retains most; 0 "
        "for all"),
    { 0 }
};

static const char *const examples[] = {
    "reftrack what-if app.trk --drop 'struct node#2.parent -> struct node#1'",
    "Would making this reference weak free the cycle?",
    "reftrack what-if app.trk --drop 'struct cache#1'",
    "Everything that would go with it, in order.",
    NULL,
};

const struct cli_command cli_command_what_if = {
    .name = "what-if",
    .main = cmd_what_if,
    .synopsis = "[TRACE] --drop OBJECT | --drop 'HOLDER.FIELD->OBJECT'",
    .summary = "what would be freed if references were given back, and in which order",
    .about = "Objects die with their last reference and give back what they hold. Plain blocks are taken to be freed "
             "when no pointer from outside leads to them any more; blocks that point to each other are one. What would "
             "live on, with how many references, and which pointers would lead to freed memory, is listed, too.",
    .examples = examples,
    .options = options,
    .groups = CLI_GROUP_FORMAT | CLI_GROUP_TRACE | CLI_GROUP_MOMENT | CLI_GROUP_PID,
    .operands_max = 1,
    .operand_hint = CLI_HINT_TRACE,
};

static void more(struct cli_out *out, uint64_t all, uint64_t shown)
{
    char rest[32];
    if (all > shown)
        cli_printf(out, CLI_FAINT, "  %s more; --top 0 shows all\n", prof_fmt_count(rest, sizeof rest, all - shown));
}

static size_t fewer(size_t count, uint64_t top)
{
    return top != 0 && top < count ? (size_t)top : count;
}

static void dropped(struct cli_out *out, const struct prof_what_if *what, size_t n)
{
    cli_printf(out, CLI_HEAD, "Without\n");
    for (size_t i = 0; i < n; i++) {
        fputs(what->drops[i].node != PROF_NODE_NONE ? "  all references to " : "  ", out->file);
        cli_put(out, CLI_PLAIN, what->drop_places[i]);
        fputc('\n', out->file);
    }
    more(out, what->drop_count, n);
}

static void freed(struct cli_session *session, struct cli_out *out, const struct prof_fall *fall, size_t n)
{
    char text[1024], objects[32], blocks[32];
    if (fall->count == 0) {
        cli_printf(out, CLI_HEAD, "\nNothing would be freed\n");
        return;
    }
    cli_printf(out, CLI_HEAD, "\nWould be freed: ");
    if (fall->objects != 0)
        fprintf(out->file, "%s object%s%s", prof_fmt_count(objects, sizeof objects, fall->objects),
                fall->objects == 1 ? "" : "s", fall->blocks != 0 ? " and " : "");
    if (fall->blocks != 0)
        fprintf(out->file, "%s plain block%s", prof_fmt_count(blocks, sizeof blocks, fall->blocks),
                fall->blocks == 1 ? "" : "s");
    fprintf(out->file, ", %s, in this order\n", prof_fmt_bytes(text, sizeof text, fall->bytes, out->units));
    for (size_t i = 0; i < n; i++) {
        fprintf(out->file, "%6zu  ", i + 1);
        prof_text_node(cli_text(session, out), fall->freed[i]);
        fprintf(out->file, "  %s\n",
                prof_fmt_bytes(text, sizeof text, prof_graph_size(session->graph, fall->freed[i]).flat, out->units));
    }
    more(out, fall->count, n);
}

static void stays(struct cli_session *session, struct cli_out *out, const struct prof_fall *fall, size_t n)
{
    if (fall->left_count == 0)
        return;
    cli_printf(out, CLI_HEAD, "\nWould live on, with fewer references\n");
    for (size_t i = 0; i < n; i++) {
        const struct prof_left *left = &fall->left[i];
        fputs("  ", out->file);
        prof_text_node(cli_text(session, out), left->node);
        if (prof_graph_pinned(session->graph, left->node) && left->after <= 0)
            fputs("  kept on purpose\n", out->file);
        else
            fprintf(out->file, "  %lld instead of %lld\n", (long long)left->after, (long long)left->before);
    }
    more(out, fall->left_count, n);
}

static void dangling(struct cli_session *session, struct cli_out *out, const struct prof_what_if *what)
{
    if (what->dangling_all == 0)
        return;
    cli_printf(out, CLI_WARN, "\nPointers that would lead to freed memory\n");
    prof_text_path_lines(cli_text(session, out), what->dangling, what->dangling_count, 0, 0);
    more(out, what->dangling_all, what->dangling_count);
}

static void print(struct cli_session *session, const struct cli_common *common, struct cli_out *out,
                  const struct prof_what_if *what, uint64_t top)
{
    const struct prof_fall *fall = &what->fall;
    dropped(out, what, fewer(what->drop_count, top));
    freed(session, out, fall, fewer(fall->count, top));
    stays(session, out, fall, fewer(fall->left_count, top));
    dangling(session, out, what);
    graph_notes(session, common, out, PROF_NODE_NONE);
}

int cmd_what_if(int argc, char **argv)
{
    struct what_if_args args = { .top = 20 };
    struct cli_common common;
    struct cli_operands operands;
    struct cli_session session;
    size_t count;
    int code = cli_parse(&cli_command_what_if, argc, argv, &args, &common, &operands);
    if (code >= 0)
        return code;
    if (args.drop.count == 0)
        return cli_usage(&cli_command_what_if, "--drop is missing: name an object, or a reference as "
                                               "'HOLDER.FIELD->OBJECT'");
    if (operands.count != 0 && !cli_is_trace(operands.items[0]))
        return cli_usage(&cli_command_what_if, "there is no trace '%s'; --drop names objects", operands.items[0]);
    code = graph_begin_some(&cli_command_what_if, &common, &operands, &args.drop, &session, NULL, &count);
    if (code < 0) {
        struct prof_what_if what;
        struct prof_error *error =
            prof_view_what_if(session.view, session.graph, args.drop.items, args.drop.count, (size_t)args.top, &what);
        struct cli_out out;
        if (error != NULL) {
            code = cli_error(error);
        } else {
            cli_out_open(&out, &common);
            if (common.format == CLI_FORMAT_JSON) {
                char *text = NULL;
                error = prof_json_what_if(session.view, session.graph, &what, (size_t)args.top, &text);
                code = cli_json(&out, error, text);
            } else {
                print(&session, &common, &out, &what, args.top);
            }
            prof_fall_deinit(&what.fall);
            int closed = cli_out_close(&out);
            code = code >= 0 ? code : closed;
        }
    }
    cli_session_close(&session);
    return code;
}
