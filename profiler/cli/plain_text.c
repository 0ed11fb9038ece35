/* plain_text.c: findings for scripts: one line each, columns separated by one tab, full numbers. */
#include "findings_text.h"

void text_plain_findings(struct cli_session *session, struct cli_out *out, bool all, uint64_t top)
{
    const struct prof_finding *list;
    size_t count = prof_findings_list(session->findings, &list);
    uint64_t shown = 0;
    fputs("id\theadline\tverdict\tstrength\tgating\tobjects\tbytes\ttype\tborn\taction\tfingerprint\tsuppressed_by\n",
          out->file);
    for (size_t i = 0; i < count && shown < top; i++) {
        const struct prof_finding *finding = &list[i];
        char text[2048];
        if (!all && !prof_finding_is_listed(finding))
            continue;
        shown++;
        fprintf(out->file, "%u\t%s\t%s\t%s\t%d\t%llu\t%llu\t", finding->id, prof_headline_name(finding->headline),
                prof_verdict_name(finding->verdict), prof_strength_name(finding->strength), finding->gating,
                (unsigned long long)finding->objects, (unsigned long long)finding->bytes);
        cli_put(out, CLI_PLAIN, finding->type);
        fputc('\t', out->file);
        cli_put(out, CLI_PLAIN,
                finding->born_stack != 0 ? prof_view_site(session->view, finding->born_stack, text, sizeof text) : "");
        fputc('\t', out->file);
        cli_put(out, CLI_PLAIN, prof_view_action(session->view, finding, text, sizeof text));
        fprintf(out->file, "\t%s\t", finding->fingerprint);
        cli_put(out, CLI_PLAIN, finding->suppressed_by != NULL ? finding->suppressed_by : "");
        fputc('\n', out->file);
    }
}
