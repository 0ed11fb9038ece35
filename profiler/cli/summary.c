/* summary.c: the few lines that `reftrack run` ends with. */
#include "findings_text.h"

#include <string.h>

enum { LINES_PER_TRACE = 5 };

/* false: there is nothing to say about it but that nothing is wrong, and `terse` wants no more. */
static bool one(struct cli_session *session, const struct cli_common *common, struct cli_out *out, int verdict,
                bool terse)
{
    const struct prof_finding *list;
    size_t count = prof_findings_list(session->findings, &list), shown = 0, listed = 0;
    char bytes[32], objects[32];
    const struct prof_audit *audit = prof_findings_audit(session->findings);
    const struct prof_heap_totals *totals = prof_heap_totals(session->heap);
    for (size_t i = 0; i < count; i++)
        listed += text_is_listed(&list[i]);
    if (common->quiet && verdict != CLI_FINDINGS)
        return true;
    if (terse && listed == 0 && verdict == CLI_OK)
        return false;
    fputs("reftrack: ", out->file);
    text_head(session, out);
    for (size_t i = 0; i < count && shown < LINES_PER_TRACE; i++) {
        if (!text_is_listed(&list[i]) || (common->quiet && !list[i].gating))
            continue;
        shown++;
        text_finding_line(session, out, &list[i]);
    }
    if (listed > shown && !common->quiet)
        fprintf(out->file, "  and %zu more\n", listed - shown);
    prof_fmt_bytes(bytes, sizeof bytes, totals->live_bytes, out->units);
    if (listed == 0 && audit->certain && totals->by_op[TRK_OP_NEW] == 0) // blocks alone say nothing about references
        cli_printf(out, CLI_GOOD, "  no counted objects; %s in %s blocks not freed at the end\n", bytes,
                   prof_fmt_count(objects, sizeof objects, totals->live_blocks));
    else if (listed == 0 && audit->certain)
        cli_printf(out, CLI_GOOD, "  nothing lost; %s objects and %s alive at the end\n",
                   prof_fmt_count(objects, sizeof objects, totals->live_objects), bytes);
    if (!audit->certain) {
        cli_printf(out, CLI_WARN, "  uncertain: ");
        cli_put(out, CLI_WARN, audit->why_uncertain != NULL ? audit->why_uncertain : "the record is incomplete");
        fputc('\n', out->file);
    }
    if (!common->quiet)
        cli_printf(out, CLI_HEAD, "  reftrack report %s\n", session->name);
    return true;
}

int cli_summary(const struct cli_common *common, char *const *traces, size_t count, FILE *file)
{
    struct cli_out out;
    cli_out_init(&out, common, file);
    int worst = CLI_OK;
    size_t fine = 0;
    for (size_t i = 0; i < count; i++) {
        struct cli_session session;
        int code = cli_session_open(&session, common, traces[i], CLI_PART_VIEW);
        if (code < 0) {
            code = cli_verdict(&session);
            fine += !one(&session, common, &out, code, i != 0 && !common->verbose);
        }
        cli_session_close(&session);
        worst = cli_worse(worst, code);
    }
    if (fine != 0)
        fprintf(file, "reftrack: nothing lost in %zu more process%s\n", fine, fine == 1 ? "" : "es");
    fflush(file);
    return worst;
}
