/* summary.c: the few lines that `reftrack run` ends with. */
#include "findings_text.h"

#include <string.h>

enum { LINES_PER_TRACE = 5 };

/* What a trace came to that is counted instead of described. */
enum outcome { DESCRIBED, FINE, WITHOUT_OBJECTS };

static void uncertain_line(struct cli_session *session, struct cli_out *out, const char *before)
{
    const struct prof_audit *audit = prof_findings_audit(session->findings);
    cli_printf(out, CLI_WARN, "%suncertain: ", before);
    cli_put(out, CLI_WARN, audit->why_uncertain != NULL ? audit->why_uncertain : "the record is incomplete");
}

/* Quiet: only what decides the exit status, which nobody could understand otherwise. */
static void decisive_lines(struct cli_session *session, struct cli_out *out, int verdict, bool gates)
{
    const struct prof_finding *list;
    size_t count = prof_findings_list(session->findings, &list), gating = 0, shown = 0;
    if (verdict == CLI_UNCERTAIN && gates) {
        uncertain_line(session, out, "reftrack: ");
        fprintf(out->file, "; see 'reftrack report %s'\n", session->name);
    }
    if (verdict != CLI_FINDINGS)
        return;
    fputs("reftrack: ", out->file);
    text_head(session, out);
    for (size_t i = 0; i < count; i++) {
        gating += list[i].gating;
        if (!list[i].gating || shown == LINES_PER_TRACE)
            continue;
        shown++;
        prof_text_finding_line(cli_text(session, out), &list[i]);
    }
    if (gating > shown)
        fprintf(out->file, "  and %zu more\n", gating - shown);
}

/* Describes a trace; `terse`: unless nothing is wrong with it. */
static enum outcome one(struct cli_session *session, struct cli_out *out, int verdict, bool terse)
{
    const struct prof_finding *list;
    size_t count = prof_findings_list(session->findings, &list), shown = 0, listed = 0;
    char text[128], objects[32];
    const struct prof_audit *audit = prof_findings_audit(session->findings);
    const struct prof_heap_totals *totals = prof_heap_totals(session->heap);
    bool no_objects = text_has_no_objects(session);
    for (size_t i = 0; i < count; i++)
        listed += prof_finding_is_listed(&list[i]);
    if (terse && listed == 0 && verdict == CLI_OK)
        return no_objects ? WITHOUT_OBJECTS : FINE;
    fputs("reftrack: ", out->file);
    text_head(session, out);
    for (size_t i = 0; i < count && shown < LINES_PER_TRACE; i++) {
        if (!prof_finding_is_listed(&list[i]))
            continue;
        shown++;
        prof_text_finding_line(cli_text(session, out), &list[i]);
    }
    if (listed > shown)
        fprintf(out->file, "  and %zu more\n", listed - shown);
    if (listed == 0 && audit->certain && no_objects)
        fprintf(out->file, "  no counted objects, references say nothing; %s\n",
                text_unfreed(session, out, text, sizeof text));
    else if (listed == 0 && audit->certain)
        cli_printf(out, CLI_GOOD, "  nothing lost; %s object%s and %s alive at the end\n",
                   prof_fmt_count(objects, sizeof objects, totals->live_objects), totals->live_objects == 1 ? "" : "s",
                   prof_fmt_bytes(text, sizeof text, totals->live_bytes, out->units));
    text_rise(session, out, "  ");
    if (!audit->certain) {
        uncertain_line(session, out, "  ");
        fputc('\n', out->file);
    }
    cli_printf(out, CLI_HEAD, "  reftrack report %s\n", session->name);
    return DESCRIBED;
}

int cli_summary(const struct cli_common *common, char *const *traces, size_t count, bool gates, FILE *file)
{
    struct cli_out out;
    cli_out_init(&out, common, file);
    int worst = CLI_OK;
    size_t of[WITHOUT_OBJECTS + 1] = { 0 };
    for (size_t i = 0; i < count; i++) {
        struct cli_session session;
        int code = cli_session_open(&session, common, traces[i], CLI_PART_VIEW);
        if (code < 0) {
            code = cli_verdict(&session);
            if (common->quiet)
                decisive_lines(&session, &out, code, gates);
            else
                of[one(&session, &out, code, i != 0 && !common->verbose)]++;
        }
        cli_session_close(&session);
        worst = cli_worse(worst, code);
    }
    if (of[FINE] != 0)
        fprintf(file, "reftrack: nothing lost in %zu more process%s\n", of[FINE], of[FINE] == 1 ? "" : "es");
    if (of[WITHOUT_OBJECTS] != 0)
        fprintf(file, "reftrack: no counted objects in %zu more process%s\n", of[WITHOUT_OBJECTS],
                of[WITHOUT_OBJECTS] == 1 ? "" : "es");
    fflush(file);
    return worst;
}
