/* balance_text.c: a balance tree in words: its steps with what leaked and freed objects did there, and where it
 * diverges. */
#include "balance_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *signed_text(char *buf, size_t size, double value)
{
    snprintf(buf, size, fabs(value) < 0.005 ? "0" : "%+.2f", value);
    return buf;
}

static const char *step_text(char *buf, size_t size, const struct prof_balance_node *node, int by)
{
    const struct prof_frame *frame = node->frame;
    const char *slash;
    if (!node->line && by == PROF_BALANCE_MODULE && frame->module[0] != '\0') {
        slash = strrchr(frame->module, '/');
        snprintf(buf, size, "%s", slash != NULL ? slash + 1 : frame->module);
    } else if (!node->line && by == PROF_BALANCE_FILE && frame->file != NULL) {
        slash = strrchr(frame->file, '/');
        snprintf(buf, size, "%s", slash != NULL ? slash + 1 : frame->file);
    } else if (!node->line && by == PROF_BALANCE_FUNCTION && frame->function != NULL) {
        snprintf(buf, size, "%s", frame->function);
    } else {
        prof_fmt_frame(buf, size, frame, false);
    }
    return buf;
}

/* The greatest difference at or below each node: children come behind their parents. malloc'ed, NULL without memory. */
static double *greatest(const struct prof_balance_node *nodes, size_t count)
{
    double *ret = calloc(count, sizeof *ret);
    for (size_t i = count; ret != NULL && i-- > 0;) {
        if (fabs(nodes[i].difference) > ret[i])
            ret[i] = fabs(nodes[i].difference);
        if (i != 0 && ret[i] > ret[nodes[i].parent])
            ret[nodes[i].parent] = ret[i];
    }
    return ret;
}

bool text_balance_tree(struct cli_out *out, const struct text_balance *how, const struct prof_balance *balance)
{
    const struct prof_balance_node *nodes;
    size_t count = prof_balance_nodes(balance, &nodes), hidden = 0;
    double *most = greatest(nodes, count);
    uint32_t divergence = prof_balance_divergence(balance);
    char leaked[32], freed[32], diff[32], step[1024];
    if (most == NULL)
        return false;
    double whole = fabs(nodes[0].difference) > 1e-9 ? fabs(nodes[0].difference) : most[0];
    double least = whole * (double)how->prune / 100;
    cli_printf(out, CLI_HEAD, "  LEAKED    FREED     DIFF\n");
    for (size_t i = 0; i < count; i++) {
        const struct prof_balance_node *node = &nodes[i];
        bool too_deep = how->depth != 0 && node->depth > how->depth;
        if (i != 0 && (too_deep || (!how->all && (most[i] < least || most[i] < 0.005)))) {
            hidden += !too_deep;
            continue;
        }
        fprintf(out->file, "%8s %8s ", signed_text(leaked, sizeof leaked, node->leaked),
                signed_text(freed, sizeof freed, node->freed));
        cli_printf(out, node->difference >= 0.005 ? CLI_BAD : CLI_PLAIN, "%8s",
                   signed_text(diff, sizeof diff, node->difference));
        fprintf(out->file, "  %*s", 2 * (int)(node->depth < 60 ? node->depth : 60), "");
        if (i == 0)
            fputs("all", out->file);
        else
            cli_put(out, node->line ? CLI_PLACE : CLI_PLAIN, step_text(step, sizeof step, node, how->by));
        if (divergence != 0 && i == divergence)
            cli_printf(out, CLI_HEAD, "  <- here");
        fputc('\n', out->file);
    }
    if (hidden != 0)
        cli_printf(out, CLI_FAINT, "%zu steps where both agree are not shown; --all shows them\n", hidden);
    free(most);
    return true;
}

/* "from handle: it gives back less often at net.c:47 (0 times for each, freed ones 1.00 times)" */
void text_balance_conclusion(struct cli_out *out, const struct text_balance *how, const struct prof_balance *balance)
{
    const struct prof_balance_node *nodes;
    uint32_t at = prof_balance_divergence(balance);
    char text[1024], a[32], b[32];
    prof_balance_nodes(balance, &nodes);
    if (prof_balance_freed(balance) == 0) {
        fputs("\nNo object of the type was freed: there is nothing to compare with, DIFF is LEAKED.\n", out->file);
        return;
    }
    if (at == 0)
        return;
    fputs("\nThe difference comes from ", out->file);
    cli_put(out, CLI_PLACE, step_text(text, sizeof text, &nodes[at], how->by));
    fprintf(out->file, ": %s of %s, and nothing that it calls has it alone\n",
            signed_text(a, sizeof a, nodes[at].difference), signed_text(b, sizeof b, nodes[0].difference));
    for (uint32_t i = nodes[at].first; i != PROF_BALANCE_NONE; i = nodes[i].next) {
        const struct prof_balance_node *line = &nodes[i];
        bool given = line->given + line->freed_given > line->taken + line->freed_taken;
        if (line->difference < 0.005)
            continue;
        fputs("  ", out->file);
        cli_put(out, CLI_PLACE, step_text(text, sizeof text, line, how->by));
        if (given)
            fprintf(out->file, "  gives back %.2f times, for freed ones %.2f times\n", line->given, line->freed_given);
        else
            fprintf(out->file, "  takes %.2f times, for freed ones %.2f times\n", line->taken, line->freed_taken);
    }
}
