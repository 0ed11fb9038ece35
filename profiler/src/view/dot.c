/* dot.c: a picture in the language of graphviz. Names of the target stand in quotes, escaped twice: for terminals,
 * since pictures are text, and for graphviz. */
#include <base/str.h>
#include <prof/links.h>

/* Between quotes. */
static void add_text(struct prof_str *str, const char *raw)
{
    char shown[1024];
    prof_escape_terminal(shown, sizeof shown, raw);
    for (const char *c = shown; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            prof_str_add(str, "\\");
        prof_str_addn(str, c, 1);
    }
}

static void add_node(struct prof_str *str, size_t i, const struct prof_picture_node *node, enum prof_units units)
{
    static const char *const looks[] = {
        [PROF_PICTURE_OBJECT] = "", /* as the default says */
        [PROF_PICTURE_BLOCK] = ", style=filled, fillcolor=\"#eeeeee\"",
        [PROF_PICTURE_ROOT] = ", style=filled, fillcolor=\"#d6e6ff\"",
        [PROF_PICTURE_GONE] = ", style=\"filled,dashed\", fillcolor=\"#ffe0e0\"",
        [PROF_PICTURE_MORE] = ", shape=plaintext, style=\"\", fontcolor=\"#666666\"",
        [PROF_PICTURE_TYPE] = "",
    };
    char bytes[32], count[32];
    prof_str_addf(str, "  n%zu [label=\"", i);
    add_text(str, node->name);
    if (node->nodes != 0 && node->kind != PROF_PICTURE_MORE)
        prof_str_addf(str, "\\n%s", prof_fmt_bytes(bytes, sizeof bytes, node->bytes, units));
    if (node->kind == PROF_PICTURE_TYPE)
        prof_str_addf(str, " in %s", prof_fmt_count(count, sizeof count, node->nodes));
    if (node->count >= 0)
        prof_str_addf(str, ", count %lld", (long long)node->count);
    prof_str_addf(str, "\"%s%s];\n", looks[node->kind], node->target ? ", fillcolor=\"#ffe9a8\", penwidth=2" : "");
}

static void add_edge(struct prof_str *str, const struct prof_picture_edge *edge)
{
    static const char *const looks[] = {
        [0] = ", style=dotted, color=\"#999999\"",
        [PROF_LINK_SLOT] = "",
        [PROF_LINK_HOLDER] = "",
        [PROF_LINK_ADOPTED] = ", style=dashed",
        [PROF_LINK_POINTER] = ", color=\"#888888\", fontcolor=\"#888888\"",
        [PROF_LINK_WEAK] = ", style=dotted, arrowhead=empty",
    };
    char count[32];
    prof_str_addf(str, "  n%u -> n%u [label=\"", edge->from, edge->to);
    add_text(str, edge->field);
    if (edge->times > 1 && edge->kind != 0)
        prof_str_addf(str, "%sx%s", edge->field[0] != '\0' ? " " : "",
                      prof_fmt_count(count, sizeof count, edge->times));
    prof_str_addf(str, "\"%s];\n", looks[edge->kind]);
}

struct prof_error *prof_picture_dot(const struct prof_picture *picture, enum prof_units units, char **ret)
{
    struct prof_str str = { 0 };
    prof_str_add(&str, "digraph reftrack {\n"
                       "  node [shape=box, style=\"filled,rounded\", fillcolor=white, fontname=\"sans-serif\", "
                       "fontsize=10];\n"
                       "  edge [fontname=\"sans-serif\", fontsize=9];\n");
    for (size_t i = 0; i < picture->node_count; i++)
        add_node(&str, i, &picture->nodes[i], units);
    for (size_t i = 0; i < picture->edge_count; i++)
        add_edge(&str, &picture->edges[i]);
    prof_str_add(&str, "}");
    char *text = prof_str_take(&str);
    if (text == NULL)
        return prof_error_memory();
    *ret = text;
    return NULL;
}
