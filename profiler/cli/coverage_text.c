/* coverage_text.c: the line that tells an owner, as it is and as it should be. */
#include "coverage_text.h"

#include "findings_text.h"

static void put_line(struct cli_out *out, const char *word, const char *text)
{
    prof_text_label(cli_text(NULL, out), word);
    cli_put(out, CLI_PLAIN, text);
    fputc('\n', out->file);
}

void text_annotation(struct cli_session *session, struct cli_out *out, const struct prof_coverage_site *site,
                     enum prof_annotation_kind kind)
{
    struct prof_annotation a;
    char count[32];
    uint64_t events = kind == PROF_ANNOTATE_GIVE ? site->given : site->taken;
    prof_view_annotation(session->view, site->stack, kind, &a);
    prof_text_label(cli_text(NULL, out), kind == PROF_ANNOTATE_GIVE    ? "given"
                                         : kind == PROF_ANNOTATE_BIRTH ? "born"
                                                                       : "taken");
    cli_put(out, CLI_PLACE, a.place);
    fprintf(out->file, "  %s time%s\n", prof_fmt_count(count, sizeof count, events), events == 1 ? "" : "s");
    if (a.is[0] != '\0')
        put_line(out, "  is", a.is);
    put_line(out, "  becomes", a.becomes);
}

void text_declare(struct cli_out *out, const struct prof_wrapper *wrapper)
{
    prof_text_label(cli_text(NULL, out), "first");
    fputs("declare ", out->file);
    cli_put(out, CLI_PLACE, wrapper->function);
    fprintf(out->file, " as a wrapper: the %zu places that call it are what matters\n", wrapper->callers);
}
