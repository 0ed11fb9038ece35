/* findings_text.c: one finding in words: the headline and what to do first, the evidence below it. */
#include "findings_text.h"
#include "ledger_text.h"

#include <prof/wrapper.h>

#include <stdlib.h>
#include <string.h>

enum { LABEL = 10 };

static enum cli_role headline_role(const struct prof_finding *finding)
{
    return finding->gating ? CLI_BAD : CLI_WARN;
}

void text_label(struct cli_out *out, const char *word)
{
    cli_printf(out, CLI_FAINT, "     %-*s%s", LABEL, word, strlen(word) < LABEL ? "" : " ");
}

void text_place(struct cli_session *session, struct cli_out *out, uint32_t stack)
{
    char site[1024];
    cli_put(out, CLI_PLACE, prof_view_site(session->view, stack, site, sizeof site));
}

/* The frames above the site, one per line. */
static void whole_stack(struct cli_session *session, struct cli_out *out, uint32_t stack)
{
    const struct prof_frame *frames;
    size_t count = stack != 0 ? prof_symbols_stack(session->symbols, stack, &frames) : 0;
    size_t site = count != 0 ? prof_symbols_site(session->symbols, stack) : 0;
    for (size_t i = site + 1; i < count; i++) {
        char text[1024];
        cli_printf(out, CLI_FAINT, "     %*s  from ", LABEL, "");
        cli_put(out, CLI_FAINT, prof_fmt_frame(text, sizeof text, &frames[i], false));
        fputc('\n', out->file);
    }
}

static void owner(struct cli_session *session, struct cli_out *out, const struct prof_finding_open *open)
{
    char name[512];
    if (open->holder_serial != 0) {
        fputs(", in ", out->file);
        cli_put(out, CLI_TYPE, prof_view_holder(session->view, open, name, sizeof name));
    } else if (open->holder_type != NULL) {
        fputs(", in ", out->file);
        cli_put(out, CLI_TYPE, open->holder_type);
        if (open->holder_field != NULL) {
            if (open->holder_field[0] != '+')
                fputc('.', out->file);
            cli_put(out, CLI_TYPE, open->holder_field);
        }
        if (open->holder_obj != 0) {
            fputs(" (", out->file);
            cli_put(out, CLI_PLAIN, prof_fmt_obj(name, sizeof name, session->heap, open->holder_obj));
            fputc(')', out->file);
        }
    } else if (open->holder_text != NULL) {
        fputs(", in ", out->file);
        cli_put(out, CLI_PLAIN, open->holder_text);
    }
}

char text_pair_mark(enum prof_pairing pairing)
{
    return pairing == PROF_PAIR_SLOT ? '=' : '~';
}

static void more_places(struct cli_out *out, size_t count)
{
    cli_printf(out, CLI_FAINT, "     %*s  and %zu more place%s; -v lists %s\n", LABEL, "", count, count == 1 ? "" : "s",
               count == 1 ? "it" : "them");
}

void text_taken(struct cli_session *session, struct cli_out *out, const struct prof_finding *finding, bool verbose)
{
    size_t most = verbose ? finding->open_count : finding->open_count < 4 ? finding->open_count : 4;
    for (size_t i = 0; i < most; i++) {
        const struct prof_finding_open *open = &finding->open[i];
        char count[32];
        text_label(out, open->birth ? "born" : finding->headline == PROF_HEADLINE_MISUSED ? "where" : "taken");
        fprintf(out->file, "%c ", text_pair_mark(open->pairing));
        text_place(session, out, open->stack);
        if (open->count > 1)
            fprintf(out->file, "  %s times", prof_fmt_count(count, sizeof count, open->count));
        if (open->birth)
            fputs(", its birth reference", out->file);
        owner(session, out, open);
        text_taken_when(session, out, finding, open);
        fputc('\n', out->file);
        if (verbose)
            whole_stack(session, out, open->stack);
    }
    if (most < finding->open_count)
        more_places(out, finding->open_count - most);
}

/* What grows: who holds it and where it came there. */
static void holders(struct cli_session *session, struct cli_out *out, const struct prof_finding *finding, bool verbose)
{
    size_t most = verbose || finding->open_count < 4 ? finding->open_count : 4;
    char text[1024], count[32];
    for (size_t i = 0; i < most; i++) {
        const struct prof_finding_open *open = &finding->open[i];
        uint32_t stack = open->moved_stack != 0 ? open->moved_stack : open->stack;
        text_label(out, i == 0 ? "held" : "");
        fprintf(out->file, "%c by ", text_pair_mark(open->pairing));
        cli_put(out, CLI_TYPE, prof_view_holder(session->view, open, text, sizeof text));
        fputs(", put there at ", out->file);
        text_place(session, out, stack);
        fprintf(out->file, "  %s of them\n", prof_fmt_count(count, sizeof count, open->count));
        if (verbose)
            whole_stack(session, out, stack);
    }
    if (most < finding->open_count)
        more_places(out, finding->open_count - most);
}

/* Sites of anonymous events: what was given back, and by how much it falls short of healthy objects. */
static void balance(struct cli_session *session, struct cli_out *out, const struct prof_finding *finding, bool verbose)
{
    size_t shown = 0;
    for (size_t i = 0; i < finding->site_count; i++) {
        const struct prof_finding_site *site = &finding->sites[i];
        char count[32];
        if (site->given == 0 || (shown == 4 && !verbose))
            continue;
        shown++;
        text_label(out, "gave back");
        fputs("~ ", out->file);
        text_place(session, out, site->stack);
        fprintf(out->file, "  %s times\n", prof_fmt_count(count, sizeof count, site->given));
        if (verbose)
            whole_stack(session, out, site->stack);
    }
}

/* One release that never came, up to what siblings say. */
static void missing_line(struct cli_session *session, struct cli_out *out, const struct prof_finding *finding,
                         const struct prof_finding_missing *missing)
{
    char a[32], b[32];
    text_label(out, "missing");
    fputs("~ ", out->file);
    text_place(session, out, missing->stack);
    fprintf(out->file, "  %s for %s of %s",
            text_gives_at(session, finding, missing->stack) ? "one call short" : "not called",
            prof_fmt_count(a, sizeof a, missing->named), prof_fmt_count(b, sizeof b, finding->objects));
    if (missing->healthy_of != 0)
        fprintf(out->file, "; %s of %s healthy ones were released there",
                prof_fmt_count(a, sizeof a, missing->healthy_named), prof_fmt_count(b, sizeof b, missing->healthy_of));
}

void text_missing(struct cli_session *session, struct cli_out *out, const struct prof_finding *finding)
{
    struct prof_finding_missing first = { .stack = finding->missing_stack,
                                          .named = finding->missing_named,
                                          .healthy_named = finding->healthy_named,
                                          .healthy_of = finding->healthy_of };
    if (finding->missing_stack == 0)
        return;
    missing_line(session, out, finding, &first);
    text_release_when(session, out, finding);
    fputc('\n', out->file);
    for (size_t i = 0; i < finding->also_count; i++) {
        const struct prof_finding_missing *also = &finding->also_missing[i];
        missing_line(session, out, finding, also);
        fputs(", for ", out->file);
        fputs(also->birth ? "the birth reference of " : "what was taken at ", out->file);
        text_place(session, out, also->take_stack);
        fputc('\n', out->file);
    }
}

static void cycle(struct cli_session *session, struct cli_out *out, const struct prof_finding *finding)
{
    char name[512];
    for (size_t i = 0; i < finding->edge_count; i++) {
        const struct prof_finding_edge *edge = &finding->edges[i];
        text_label(out, i == 0 ? "cycle" : "");
        fprintf(out->file, "%c ", text_pair_mark(edge->adopted ? PROF_PAIR_ADOPTED : PROF_PAIR_SLOT));
        cli_put(out, CLI_TYPE, prof_fmt_obj(name, sizeof name, session->heap, edge->from));
        fputs(" --", out->file);
        cli_put(out, CLI_PLAIN, edge->field != NULL ? edge->field : "?");
        fputs("--> ", out->file);
        cli_put(out, CLI_TYPE, prof_fmt_obj(name, sizeof name, session->heap, edge->to));
        if (edge->stack != 0) {
            fputs("  set at ", out->file);
            text_place(session, out, edge->stack);
        }
        if (i == finding->break_edge)
            cli_printf(out, CLI_HEAD, "  break here: ");
        for (size_t r = 0; i == finding->break_edge && r < finding->break_reason_count; r++) {
            fputs(r != 0 ? ", " : "", out->file);
            cli_put(out, CLI_PLAIN, finding->break_reasons[r]);
        }
        fputc('\n', out->file);
    }
}

static void examples(struct cli_session *session, struct cli_out *out, const struct prof_finding *finding, bool verbose)
{
    char name[512];
    size_t most = verbose ? finding->sample_count : finding->sample_count < 3 ? finding->sample_count : 3;
    if (most == 0 && finding->sample_addr == 0)
        return;
    text_label(out, "examples");
    fputs("  ", out->file);
    for (size_t i = 0; i < most; i++) {
        fputs(i != 0 ? ", " : "", out->file);
        cli_put(out, CLI_PLAIN, prof_fmt_obj(name, sizeof name, session->heap, finding->samples[i]));
    }
    if (most == 0)
        fputs(prof_fmt_addr(name, sizeof name, finding->sample_addr), out->file);
    fputc('\n', out->file);
}

/* Where all that a place says is the line of a function that counts for others: how to see who called it. */
static void undeclared(struct cli_session *session, struct cli_out *out, const struct prof_finding *finding)
{
    const struct prof_wrapper *told = NULL;
    if (!prof_finding_is_object(finding) || finding->open_count == 0)
        return;
    if (session->wrappers == NULL) {
        struct prof_error *error = prof_wrappers_create(session->heap, session->symbols, &session->wrappers);
        if (error != NULL) {
            prof_error_destroy(error);
            return;
        }
    }
    for (size_t i = 0; i <= finding->open_count && told == NULL; i++)
        told = prof_wrappers_of(session->wrappers,
                                i < finding->open_count ? finding->open[i].stack : finding->missing_stack);
    if (told == NULL)
        return;
    text_label(out, "hint");
    fputs("~ ", out->file);
    cli_put(out, CLI_TYPE, told->function);
    fprintf(out->file, "() %s for %zu places that call it: --wrapper ", told->taken != 0 ? "takes" : "gives back",
            told->callers);
    cli_put(out, CLI_PLAIN, told->function);
    fputs(" names these, TRK_WRAPPER in the source always does\n", out->file);
}

/* "lost  1.3 MiB in 32 struct conn" */
static void subject(struct cli_out *out, const struct prof_finding *finding)
{
    char bytes[32], count[32];
    prof_fmt_bytes(bytes, sizeof bytes, finding->bytes, out->units);
    prof_fmt_count(count, sizeof count, finding->objects);
    cli_printf(out, headline_role(finding), "%s", prof_headline_name(finding->headline));
    fprintf(out->file, "  %s in %s ", bytes, count);
    if (finding->type[0] != '\0')
        cli_put(out, CLI_TYPE, finding->type);
    else
        fprintf(out->file, "%s%s", prof_finding_is_object(finding) ? "object" : "block",
                finding->objects == 1 ? "" : "s");
    if (finding->block_type != NULL) {
        fputs(" of ", out->file);
        cli_put(out, CLI_TYPE, finding->block_type);
    }
}

void text_finding(struct cli_session *session, struct cli_out *out, const struct prof_finding *finding, bool verbose)
{
    char text[2048], inner[1024], count[32];
    double rate;
    if (finding->total)
        fputs("sum. ", out->file);
    else
        fprintf(out->file, "%3u. ", finding->id);
    subject(out, finding);
    if (prof_finding_rate(finding, &rate))
        fprintf(out->file, ", %s", prof_fmt_rate(text, sizeof text, rate, out->units));
    fprintf(out->file, ", first seen %s", prof_fmt_time(text, sizeof text, finding->first_us));
    if (finding->baseline_objects != 0)
        fprintf(out->file, " (%s in the baseline%s)", prof_fmt_count(count, sizeof count, finding->baseline_objects),
                finding->baseline_elsewhere ? ", at other lines of the function" : "");
    fputc('\n', out->file);

    text_label(out, "do");
    fputs("  ", out->file);
    cli_put(out, CLI_PLAIN, prof_view_action(session->view, finding, text, sizeof text));
    fputc('\n', out->file);
    text_label(out, "why");
    fputs(finding->verdict == PROF_GROWTH ? "~ " : "  ", out->file);
    cli_put(out, CLI_PLAIN, prof_view_why(finding, out->units, text, sizeof text));
    fputc('\n', out->file);
    if (finding->verdict == PROF_GROWTH || finding->open_count == 0 || !finding->open[0].birth ||
        finding->open[0].stack != finding->born_stack) {
        text_label(out, prof_finding_is_object(finding) ? "born" : "allocated");
        fputs("  ", out->file);
        text_place(session, out, finding->born_stack);
        fputc('\n', out->file);
        if (verbose)
            whole_stack(session, out, finding->born_stack);
    }
    if (finding->verdict == PROF_GROWTH)
        holders(session, out, finding, verbose);
    else
        text_taken(session, out, finding, verbose);
    text_extra(session, out, finding);
    if (!text_given_back(session, out, finding, verbose))
        balance(session, out, finding, verbose);
    text_missing(session, out, finding);
    undeclared(session, out, finding);
    text_siblings(session, out, finding);
    cycle(session, out, finding);
    if (finding->other_stack != 0) {
        text_label(out, "also");
        fputs("  ", out->file);
        cli_put(out, CLI_PLAIN, finding->other_what != NULL ? finding->other_what : "at");
        fputc(' ', out->file);
        if (finding->verdict == PROF_HOLDER_FREED)
            cli_put(out, CLI_PLACE, prof_view_inner_site(session->view, finding->other_stack, inner, sizeof inner));
        else
            text_place(session, out, finding->other_stack);
        fputc('\n', out->file);
        if (verbose)
            whole_stack(session, out, finding->other_stack);
    }
    if (finding->path_count != 0) {
        text_label(out, "held by");
        fputs("  ", out->file);
        cli_put(out, CLI_PLAIN, prof_view_path(finding, text, sizeof text));
        fputs(finding->objects > 1 ? ", the example\n" : "\n", out->file);
    }
    if (finding->collateral_objects != 0) {
        text_label(out, "holds");
        fprintf(out->file, "  %s more %s%s, %s, %s only because of it\n",
                prof_fmt_count(count, sizeof count, finding->collateral_objects), finding->plain ? "block" : "object",
                finding->collateral_objects == 1 ? "" : "s",
                prof_fmt_bytes(text, sizeof text, finding->collateral_bytes, out->units),
                finding->verdict == PROF_LOST ? "lost" : "alive");
    }
    if (finding->scope != NULL) {
        text_label(out, "scope");
        fputs("  ", out->file);
        cli_put(out, CLI_PLAIN, finding->scope);
        fputc('\n', out->file);
    }
    examples(session, out, finding, verbose);
    text_label(out, "class");
    fprintf(out->file, "  %s: %s\n", prof_verdict_name(finding->verdict), prof_verdict_words(finding->verdict));
    text_label(out, "proof");
    fprintf(out->file, "  %s", prof_strength_name(finding->strength));
    if (finding->reasons != NULL && finding->reasons[0] != '\0') {
        fputs(": ", out->file);
        cli_put(out, CLI_PLAIN, finding->reasons);
    } else if (text_guilt(session, finding) != NULL) {
        fprintf(out->file, ": %s", text_guilt(session, finding));
    }
    fputc('\n', out->file);
    if (verbose) {
        text_label(out, "id");
        fprintf(out->file, "  %s\n", finding->fingerprint);
    }
}

void text_finding_line(struct cli_session *session, struct cli_out *out, const struct prof_finding *finding)
{
    char text[2048];
    fputs("  ", out->file);
    subject(out, finding);
    fputs(": ", out->file);
    cli_put(out, CLI_PLAIN, prof_view_action(session->view, finding, text, sizeof text));
    fputc('\n', out->file);
}
