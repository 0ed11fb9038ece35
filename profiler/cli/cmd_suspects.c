/* cmd_suspects.c: `reftrack suspects`: what keeps most of the memory alive, where that comes together, where large
 * sizes fall apart. */
#include "findings_text.h"
#include "graph_text.h"

#include <prof/tell.h>

struct suspects_args {
    uint64_t percent, ratio;
};

static const struct cli_option options[] = {
    { .name = "percent",
      .kind = CLI_NUMBER,
      .offset = offsetof(struct suspects_args, percent),
      .argument = "N",
      .help = "what keeps more than N percent of everything alive is a suspect (10)" },
    { .name = "ratio",
      .kind = CLI_NUMBER,
      .offset = offsetof(struct suspects_args, ratio),
      .argument = "N",
      .help = "go on to the largest child while it has N percent of its parent (70)" },
    { 0 }
};

static const char *const examples[] = {
    "reftrack suspects app.trk",
    "What keeps a tenth of the memory or more alive, alone or as a kind.",
    "reftrack suspects --to peak --percent 5",
    "At the mark 'peak', from 5 percent on.",
    NULL,
};

const struct cli_command cli_command_suspects = {
    .name = "suspects",
    .main = cmd_suspects,
    .synopsis = "[TRACE]",
    .summary = "what keeps most of the memory alive, where it comes together, what to look at next",
    .about =
        "An object or block is a suspect when it alone keeps more than a tenth of all bytes that are held (lost ones, "
        "which 'reftrack leaks' tells, are left out); a kind is one "
        "when those of its objects that nothing alone holds do so together. From a suspect the way goes down to "
        "the largest child as long as that has 70 percent of its parent: where it ends, the memory comes together. "
        "Of a kind stands what more than 80 percent of the ways to its objects have in common. Below are the "
        "places where large sizes fall apart into small ones. What is large may be meant: 'reftrack growth' tells "
        "what becomes more. Sizes as in 'reftrack retained'.",
    .examples = examples,
    .options = options,
    .groups = CLI_GROUP_FORMAT | CLI_GROUP_TRACE | CLI_GROUP_WINDOW | CLI_GROUP_PID | CLI_GROUP_TOP,
    .operands_max = 1,
    .operand_hint = CLI_HINT_TRACE,
};

static void put_text(struct cli_out *out, enum cli_role role, const char *text)
{
    cli_put(out, role, text);
    fputc('\n', out->file);
}

static void way(struct cli_session *session, struct cli_out *out, const struct prof_suspect *s)
{
    prof_text_label(cli_text(NULL, out), s->group ? "in common" : "way");
    if (s->path_count == 0) {
        fputs(s->unknown ? "not known: memory was not read while it was there\n"
              : s->group ? "nothing: the ways to them differ from the root on\n"
                         : "no root leads to it\n",
              out->file);
        return;
    }
    if (s->group)
        fprintf(out->file, "%zu of %zu ways begin like this:\n", s->shared, s->sampled);
    else
        fprintf(out->file, "%s\n", s->root == PROF_ROOT_NONE ? "references without an owner" : prof_root_name(s->root));
    prof_text_path_lines(cli_text(session, out), s->path, s->path_count, s->path_count / 2,
                         s->path_length - s->path_count);
}

static void suspect(struct cli_session *session, struct cli_out *out, size_t number, const struct prof_suspect *s)
{
    char text[1200], name[600], bytes[32];
    fprintf(out->file, "%3zu. ", number);
    put_text(out, CLI_HEAD, prof_tell_suspect(text, sizeof text, session->graph, s, out->units));
    if (s->group) {
        prof_text_label(cli_text(NULL, out), "largest");
        prof_text_node(cli_text(session, out), s->node);
        fprintf(out->file, ", %s; nothing alone holds them\n",
                prof_fmt_bytes(bytes, sizeof bytes, prof_graph_retained(session->graph, s->node), out->units));
    }
    if (s->depth != 0) {
        prof_text_label(cli_text(NULL, out), "together");
        fprintf(out->file, "%zu step%s below, at ", s->depth, s->depth == 1 ? "" : "s");
        prof_text_node(cli_text(session, out), s->at);
        fprintf(out->file, ": %s\n", prof_fmt_bytes(bytes, sizeof bytes, s->at_bytes, out->units));
    }
    if (s->part.kind != NULL) {
        prof_text_label(cli_text(NULL, out), "what");
        put_text(out, CLI_PLAIN,
                 prof_tell_part(text, sizeof text, session->graph, s->at, s->at_bytes, &s->part, out->units));
    }
    way(session, out, s);
    prof_text_label(cli_text(NULL, out), "next");
    if (prof_graph_obj(session->graph, s->at) != 0)
        fprintf(out->file, "reftrack refs '%s' --out\n",
                prof_text_name(cli_text(session, out), s->at, name, sizeof name));
    else
        fprintf(out->file, "reftrack refs %s --out\n",
                prof_fmt_addr(name, sizeof name,
                              prof_heap_block(session->heap, prof_graph_block(session->graph, s->at))->addr));
}

static void drop(struct cli_session *session, struct cli_out *out, const struct prof_big_drop *d)
{
    char bytes[32], child[32];
    fputs("  ", out->file);
    prof_text_node(cli_text(session, out), d->node);
    fprintf(out->file, "  %s", prof_fmt_bytes(bytes, sizeof bytes, d->bytes, out->units));
    if (d->child == PROF_NODE_NONE) {
        fputs(" of its own\n", out->file);
        return;
    }
    fprintf(out->file, ", its largest child %s: ", prof_fmt_bytes(child, sizeof child, d->child_bytes, out->units));
    fprintf(out->file, "%llu ", (unsigned long long)d->part.count);
    cli_put(out, CLI_PLAIN, d->part.kind);
    fprintf(out->file, " keep%s %s of it\n", d->part.count == 1 ? "s" : "",
            prof_fmt_bytes(bytes, sizeof bytes, d->part.bytes, out->units));
}

static void suspects_text(struct cli_session *session, const struct cli_common *common, struct cli_out *out,
                          const struct prof_suspects *suspects)
{
    enum { TOP = 10 };
    const struct prof_suspect *list;
    const struct prof_big_drop *drops;
    size_t count = prof_suspects_list(suspects, &list), drop_count = prof_suspects_drops(suspects, &drops);
    size_t top = common->top == CLI_TOP_DEFAULT ? TOP : common->top == 0 ? SIZE_MAX : (size_t)common->top;
    char bytes[32];
    cli_printf(out, CLI_HEAD, "%s held, %zu suspect%s\n",
               prof_fmt_bytes(bytes, sizeof bytes, prof_suspects_total(suspects), out->units), count,
               count == 1 ? "" : "s");
    if (prof_suspects_lost(suspects) != 0)
        cli_printf(out, CLI_WARN, "%s more are lost: nothing holds them any more; see 'reftrack leaks'\n",
                   prof_fmt_bytes(bytes, sizeof bytes, prof_suspects_lost(suspects), out->units));
    for (size_t i = 0; i < count && i < top; i++)
        suspect(session, out, i + 1, &list[i]);
    if (count > top)
        cli_printf(out, CLI_FAINT, "  %zu more; --top 0 shows all\n", count - top);
    if (drop_count != 0)
        cli_printf(out, CLI_HEAD, "\nWhere large sizes fall apart\n");
    for (size_t i = 0; i < drop_count && i < top; i++)
        drop(session, out, &drops[i]);
    if (drop_count > top)
        cli_printf(out, CLI_FAINT, "  %zu more; --top 0 shows all\n", drop_count - top);
    graph_notes(session, common, out, PROF_NODE_NONE);
}

int cmd_suspects(int argc, char **argv)
{
    struct suspects_args args = { .percent = 10, .ratio = 70 };
    struct cli_common common;
    struct cli_operands operands;
    struct cli_session session;
    size_t count;
    int code = cli_parse(&cli_command_suspects, argc, argv, &args, &common, &operands);
    if (code >= 0)
        return code;
    if (args.percent < 1 || args.percent > 100 || args.ratio < 1 || args.ratio > 100)
        return cli_usage(&cli_command_suspects, "--percent and --ratio are numbers from 1 to 100");
    if (operands.count != 0 && !cli_is_trace(operands.items[0]))
        return cli_usage(&cli_command_suspects, "there is no trace '%s'", operands.items[0]);
    code = graph_begin_some(&cli_command_suspects, &common, &operands, NULL, &session, NULL, &count);
    if (code < 0) {
        struct prof_suspects *suspects = NULL;
        struct prof_suspects_options limits = { .percent = (double)args.percent, .ratio = (double)args.ratio / 100 };
        struct prof_error *error = prof_suspects_create(session.graph, &limits, &suspects);
        if (error != NULL) {
            code = cli_error(error);
        } else {
            struct cli_out out;
            cli_out_open(&out, &common);
            if (common.format == CLI_FORMAT_JSON) {
                char *text = NULL;
                error = prof_json_suspects(session.view, session.graph, suspects, &text);
                code = cli_json(&out, error, text);
            } else {
                suspects_text(&session, &common, &out, suspects);
            }
            int closed = cli_out_close(&out);
            code = code >= 0 ? code : closed;
        }
        prof_suspects_destroy(suspects);
    }
    cli_session_close(&session);
    return code;
}
