/* finding.c: one finding in words: the headline and what to do first, the evidence below it. */
#include <prof/text.h>

#include <stdlib.h>
#include <string.h>

static enum prof_text_role headline_role(const struct prof_finding *finding)
{
    return finding->gating ? PROF_TEXT_BAD : PROF_TEXT_WARN;
}

/* The frames above the site, one per line. */
static void whole_stack(const struct prof_text *t, uint32_t stack)
{
    const struct prof_frame *frames;
    size_t count = stack != 0 ? prof_symbols_stack(t->symbols, stack, &frames) : 0;
    size_t site = count != 0 ? prof_symbols_site(t->symbols, stack) : 0;
    for (size_t i = site + 1; i < count; i++) {
        char text[1024];
        prof_text_label(t, "");
        prof_text_printf(t, PROF_TEXT_FAINT, "  from ");
        prof_text_put(t, PROF_TEXT_FAINT, prof_fmt_frame(text, sizeof text, &frames[i], false));
        prof_text_add(t, "\n");
    }
}

static void owner(const struct prof_text *t, const struct prof_finding_open *open)
{
    char name[512];
    if (open->holder_serial != 0) {
        prof_text_add(t, ", in ");
        prof_text_object(t, prof_view_holder(t->view, open, name, sizeof name));
    } else if (open->holder_type != NULL) {
        prof_text_add(t, ", in ");
        prof_text_put(t, PROF_TEXT_TYPE, open->holder_type);
        if (open->holder_field != NULL) {
            if (open->holder_field[0] != '+')
                prof_text_add(t, ".");
            prof_text_put(t, PROF_TEXT_TYPE, open->holder_field);
        }
        if (open->holder_obj != 0) {
            prof_text_add(t, " (");
            prof_text_object(t, prof_fmt_obj(name, sizeof name, t->heap, open->holder_obj));
            prof_text_add(t, ")");
        }
    } else if (open->holder_text != NULL) {
        prof_text_add(t, ", in ");
        prof_text_put(t, PROF_TEXT_PLAIN, open->holder_text);
    }
}

static void more_places(const struct prof_text *t, size_t count)
{
    prof_text_label(t, "");
    prof_text_printf(t, PROF_TEXT_FAINT, "  and %zu more place%s; %s lists %s\n", count, count == 1 ? "" : "s", t->more,
                     count == 1 ? "it" : "them");
}

void prof_text_taken(const struct prof_text *t, const struct prof_finding *finding, bool verbose)
{
    size_t most = verbose ? finding->open_count : finding->open_count < 4 ? finding->open_count : 4;
    for (size_t i = 0; i < most; i++) {
        const struct prof_finding_open *open = &finding->open[i];
        char count[32];
        prof_text_label(t, open->birth ? "born" : finding->headline == PROF_HEADLINE_MISUSED ? "where" : "taken");
        prof_text_printf(t, PROF_TEXT_PLAIN, "%c ", prof_text_pair_mark(open->pairing));
        prof_text_place(t, open->stack);
        if (open->count > 1)
            prof_text_printf(t, PROF_TEXT_PLAIN, "  %s times", prof_fmt_count(count, sizeof count, open->count));
        if (open->birth)
            prof_text_add(t, ", its birth reference");
        owner(t, open);
        prof_text_taken_when(t, finding, open);
        prof_text_add(t, "\n");
        if (verbose)
            whole_stack(t, open->stack);
    }
    if (most < finding->open_count)
        more_places(t, finding->open_count - most);
}

/* What grows: who holds it and where it came there. */
static void holders(const struct prof_text *t, const struct prof_finding *finding, bool verbose)
{
    size_t most = verbose || finding->open_count < 4 ? finding->open_count : 4;
    char text[1024], count[32];
    for (size_t i = 0; i < most; i++) {
        const struct prof_finding_open *open = &finding->open[i];
        uint32_t stack = open->moved_stack != 0 ? open->moved_stack : open->stack;
        prof_text_label(t, i == 0 ? "held" : "");
        prof_text_printf(t, PROF_TEXT_PLAIN, "%c by ", prof_text_pair_mark(open->pairing));
        prof_text_put(t, PROF_TEXT_TYPE, prof_view_holder(t->view, open, text, sizeof text));
        prof_text_add(t, ", put there at ");
        prof_text_place(t, stack);
        prof_text_printf(t, PROF_TEXT_PLAIN, "  %s of them\n", prof_fmt_count(count, sizeof count, open->count));
        if (verbose)
            whole_stack(t, stack);
    }
    if (most < finding->open_count)
        more_places(t, finding->open_count - most);
}

/* Sites of anonymous events: what was given back, and by how much it falls short of healthy objects. */
static void balance(const struct prof_text *t, const struct prof_finding *finding, bool verbose)
{
    size_t shown = 0;
    for (size_t i = 0; i < finding->site_count; i++) {
        const struct prof_finding_site *site = &finding->sites[i];
        char count[32];
        if (site->given == 0 || (shown == 4 && !verbose))
            continue;
        shown++;
        prof_text_label(t, "gave back");
        prof_text_add(t, "~ ");
        prof_text_place(t, site->stack);
        prof_text_printf(t, PROF_TEXT_PLAIN, "  %s times\n", prof_fmt_count(count, sizeof count, site->given));
        if (verbose)
            whole_stack(t, site->stack);
    }
}

/* One release that never came, up to what siblings say. */
static void missing_line(const struct prof_text *t, const struct prof_finding *finding,
                         const struct prof_finding_missing *missing)
{
    char a[32], b[32];
    prof_text_label(t, "missing");
    prof_text_add(t, "~ ");
    prof_text_place(t, missing->stack);
    prof_text_printf(t, PROF_TEXT_PLAIN, "  %s for %s of %s",
                     prof_text_gives_at(t, finding, missing->stack) ? "one call short" : "not called",
                     prof_fmt_count(a, sizeof a, missing->named), prof_fmt_count(b, sizeof b, finding->objects));
    if (missing->healthy_of != 0)
        prof_text_printf(t, PROF_TEXT_PLAIN, "; %s of %s healthy ones were released there",
                         prof_fmt_count(a, sizeof a, missing->healthy_named),
                         prof_fmt_count(b, sizeof b, missing->healthy_of));
}

void prof_text_missing(const struct prof_text *t, const struct prof_finding *finding)
{
    struct prof_finding_missing first = { .stack = finding->missing_stack,
                                          .named = finding->missing_named,
                                          .healthy_named = finding->healthy_named,
                                          .healthy_of = finding->healthy_of };
    if (finding->missing_stack == 0)
        return;
    missing_line(t, finding, &first);
    prof_text_release_when(t, finding);
    prof_text_add(t, "\n");
    for (size_t i = 0; i < finding->also_count; i++) {
        const struct prof_finding_missing *also = &finding->also_missing[i];
        missing_line(t, finding, also);
        prof_text_add(t, ", for ");
        prof_text_add(t, also->birth ? "the birth reference of " : "what was taken at ");
        prof_text_place(t, also->take_stack);
        prof_text_add(t, "\n");
    }
}

static void cycle(const struct prof_text *t, const struct prof_finding *finding)
{
    char name[512];
    for (size_t i = 0; i < finding->edge_count; i++) {
        const struct prof_finding_edge *edge = &finding->edges[i];
        prof_text_label(t, i == 0 ? "cycle" : "");
        prof_text_printf(t, PROF_TEXT_PLAIN, "%c ",
                         prof_text_pair_mark(edge->adopted ? PROF_PAIR_ADOPTED : PROF_PAIR_SLOT));
        prof_text_object(t, prof_fmt_obj(name, sizeof name, t->heap, edge->from));
        prof_text_add(t, " --");
        prof_text_put(t, PROF_TEXT_PLAIN, edge->field != NULL ? edge->field : "?");
        prof_text_add(t, "--> ");
        prof_text_object(t, prof_fmt_obj(name, sizeof name, t->heap, edge->to));
        if (edge->stack != 0) {
            prof_text_add(t, "  set at ");
            prof_text_place(t, edge->stack);
        }
        if (i == finding->break_edge)
            prof_text_printf(t, PROF_TEXT_HEAD, "  break here: ");
        for (size_t r = 0; i == finding->break_edge && r < finding->break_reason_count; r++) {
            prof_text_add(t, r != 0 ? ", " : "");
            prof_text_put(t, PROF_TEXT_PLAIN, finding->break_reasons[r]);
        }
        prof_text_add(t, "\n");
    }
}

static void examples(const struct prof_text *t, const struct prof_finding *finding, bool verbose)
{
    char name[512];
    size_t most = verbose ? finding->sample_count : finding->sample_count < 3 ? finding->sample_count : 3;
    if (most == 0 && finding->sample_addr == 0)
        return;
    prof_text_label(t, "examples");
    prof_text_add(t, "  ");
    for (size_t i = 0; i < most; i++) {
        prof_text_add(t, i != 0 ? ", " : "");
        prof_text_object(t, prof_fmt_obj(name, sizeof name, t->heap, finding->samples[i]));
    }
    if (most == 0)
        prof_text_add(t, prof_fmt_addr(name, sizeof name, finding->sample_addr));
    prof_text_add(t, "\n");
}

/* Where all that a place says is the line of a function that counts for others: how to see who called it. */
static void undeclared(const struct prof_text *t, const struct prof_finding *finding)
{
    const struct prof_wrapper *told = NULL;
    if (!prof_finding_is_object(finding) || finding->open_count == 0)
        return;
    if (*t->wrappers == NULL) {
        struct prof_error *error = prof_wrappers_create(t->heap, t->symbols, t->wrappers);
        if (error != NULL) {
            prof_error_destroy(error);
            return;
        }
    }
    for (size_t i = 0; i <= finding->open_count && told == NULL; i++)
        told =
            prof_wrappers_of(*t->wrappers, i < finding->open_count ? finding->open[i].stack : finding->missing_stack);
    if (told == NULL)
        return;
    prof_text_label(t, "hint");
    prof_text_add(t, "~ ");
    prof_text_put(t, PROF_TEXT_TYPE, told->function);
    prof_text_printf(t, PROF_TEXT_PLAIN, "() %s for %zu places that call it: --wrapper ",
                     told->taken != 0 ? "takes" : "gives back", told->callers);
    prof_text_put(t, PROF_TEXT_PLAIN, told->function);
    prof_text_add(t, " names these, TRK_WRAPPER in the source always does\n");
}

/* "lost  1.3 MiB in 32 struct conn" */
static void subject(const struct prof_text *t, const struct prof_finding *finding)
{
    char bytes[32], count[32];
    prof_fmt_bytes(bytes, sizeof bytes, finding->bytes, t->units);
    prof_fmt_count(count, sizeof count, finding->objects);
    prof_text_printf(t, headline_role(finding), "%s", prof_headline_name(finding->headline));
    prof_text_printf(t, PROF_TEXT_PLAIN, "  %s in %s ", bytes, count);
    if (finding->type[0] != '\0')
        prof_text_put(t, PROF_TEXT_TYPE, finding->type);
    else
        prof_text_printf(t, PROF_TEXT_PLAIN, "%s%s", prof_finding_is_object(finding) ? "object" : "block",
                         finding->objects == 1 ? "" : "s");
    if (finding->block_type != NULL) {
        prof_text_add(t, " of ");
        prof_text_put(t, PROF_TEXT_TYPE, finding->block_type);
    }
}

void prof_text_finding(const struct prof_text *t, const struct prof_finding *finding, bool verbose)
{
    char text[2048], inner[1024], count[32];
    double rate;
    if (finding->total)
        prof_text_add(t, "sum. ");
    else
        prof_text_printf(t, PROF_TEXT_PLAIN, "%3u. ", finding->id);
    subject(t, finding);
    if (prof_finding_rate(finding, &rate))
        prof_text_printf(t, PROF_TEXT_PLAIN, ", %s", prof_fmt_rate(text, sizeof text, rate, t->units));
    prof_text_printf(t, PROF_TEXT_PLAIN, ", first seen %s", prof_fmt_time(text, sizeof text, finding->first_us));
    if (finding->baseline_objects != 0)
        prof_text_printf(t, PROF_TEXT_PLAIN, " (%s in the baseline%s)",
                         prof_fmt_count(count, sizeof count, finding->baseline_objects),
                         finding->baseline_elsewhere ? ", at other lines of the function" : "");
    prof_text_add(t, "\n");

    prof_text_label(t, "do");
    prof_text_add(t, "  ");
    prof_text_put(t, PROF_TEXT_PLAIN, prof_view_action(t->view, finding, text, sizeof text));
    prof_text_add(t, "\n");
    prof_text_label(t, "why");
    prof_text_add(t, finding->verdict == PROF_GROWTH ? "~ " : "  ");
    prof_text_put(t, PROF_TEXT_PLAIN, prof_view_why(finding, t->units, text, sizeof text));
    prof_text_add(t, "\n");
    if (finding->verdict == PROF_GROWTH || finding->open_count == 0 || !finding->open[0].birth ||
        finding->open[0].stack != finding->born_stack) {
        prof_text_label(t, prof_finding_is_object(finding) ? "born" : "allocated");
        prof_text_add(t, "  ");
        prof_text_place(t, finding->born_stack);
        prof_text_add(t, "\n");
        if (verbose)
            whole_stack(t, finding->born_stack);
    }
    if (finding->verdict == PROF_GROWTH)
        holders(t, finding, verbose);
    else
        prof_text_taken(t, finding, verbose);
    prof_text_extra(t, finding);
    if (!prof_text_given_back(t, finding, verbose))
        balance(t, finding, verbose);
    prof_text_missing(t, finding);
    undeclared(t, finding);
    prof_text_siblings(t, finding);
    cycle(t, finding);
    if (finding->other_stack != 0) {
        prof_text_label(t, "also");
        prof_text_add(t, "  ");
        prof_text_put(t, PROF_TEXT_PLAIN, finding->other_what != NULL ? finding->other_what : "at");
        prof_text_add(t, " ");
        if (finding->verdict == PROF_HOLDER_FREED)
            prof_text_put(t, PROF_TEXT_PLACE, prof_view_inner_site(t->view, finding->other_stack, inner, sizeof inner));
        else
            prof_text_place(t, finding->other_stack);
        prof_text_add(t, "\n");
        if (verbose)
            whole_stack(t, finding->other_stack);
    }
    if (finding->path_count != 0) {
        prof_text_label(t, "held by");
        prof_text_add(t, "  ");
        prof_text_put(t, PROF_TEXT_PLAIN, prof_view_path(finding, text, sizeof text));
        prof_text_add(t, finding->objects > 1 ? ", the example\n" : "\n");
    }
    if (finding->collateral_objects != 0) {
        prof_text_label(t, "holds");
        prof_text_printf(t, PROF_TEXT_PLAIN, "  %s more %s%s, %s, %s only because of it\n",
                         prof_fmt_count(count, sizeof count, finding->collateral_objects),
                         finding->plain ? "block" : "object", finding->collateral_objects == 1 ? "" : "s",
                         prof_fmt_bytes(text, sizeof text, finding->collateral_bytes, t->units),
                         finding->verdict == PROF_LOST ? "lost" : "alive");
    }
    if (finding->scope != NULL) {
        prof_text_label(t, "scope");
        prof_text_add(t, "  ");
        prof_text_put(t, PROF_TEXT_PLAIN, finding->scope);
        prof_text_add(t, "\n");
    }
    examples(t, finding, verbose);
    prof_text_label(t, "class");
    prof_text_printf(t, PROF_TEXT_PLAIN, "  %s: %s\n", prof_verdict_name(finding->verdict),
                     prof_verdict_words(finding->verdict));
    prof_text_label(t, "proof");
    prof_text_printf(t, PROF_TEXT_PLAIN, "  %s", prof_strength_name(finding->strength));
    if (finding->reasons != NULL && finding->reasons[0] != '\0') {
        prof_text_add(t, ": ");
        prof_text_put(t, PROF_TEXT_PLAIN, finding->reasons);
    } else if (prof_text_guilt(t, finding) != NULL) {
        prof_text_printf(t, PROF_TEXT_PLAIN, ": %s", prof_text_guilt(t, finding));
    }
    prof_text_add(t, "\n");
    if (verbose) {
        prof_text_label(t, "id");
        prof_text_printf(t, PROF_TEXT_PLAIN, "  %s\n", finding->fingerprint);
    }
}

void prof_text_finding_line(const struct prof_text *t, const struct prof_finding *finding)
{
    char text[2048];
    prof_text_add(t, "  ");
    subject(t, finding);
    prof_text_add(t, ": ");
    prof_text_put(t, PROF_TEXT_PLAIN, prof_view_action(t->view, finding, text, sizeof text));
    prof_text_add(t, "\n");
}
