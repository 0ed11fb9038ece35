/* ledger_text.c: ledgers in words: when references were taken and given back, lives, where they parted. */
#include "ledger_text.h"

#include <string.h>

#include "findings_text.h"
#include "graph_text.h"

static const struct prof_parting *parting_of(const struct cli_session *session, const struct prof_finding *finding)
{
    return session->ledgers != NULL ? prof_ledgers_parting(session->ledgers, finding) : NULL;
}

const struct prof_ledger *text_example(const struct cli_session *session, const struct prof_finding *finding)
{
    const struct prof_parting *parting = parting_of(session, finding);
    return parting != NULL ? parting->example : NULL;
}

/* Equal for who reads them. */
static bool same_place(struct cli_session *session, uint32_t a, uint32_t b)
{
    char left[1024], right[1024];
    return a == b || strcmp(prof_view_site(session->view, a, left, sizeof left),
                            prof_view_site(session->view, b, right, sizeof right)) == 0;
}

static bool is_birth(const struct prof_ledger_entry *entry)
{
    return entry->event.op == TRK_OP_NEW || entry->event.op == TRK_OP_REUSE;
}

static bool is_taking(const struct prof_ledger_entry *entry)
{
    return is_birth(entry) || entry->event.op == TRK_OP_REF || entry->event.op == TRK_OP_SINK;
}

static const struct prof_ledger_entry *entry_of(const struct prof_ledger *ledger, uint64_t number)
{
    for (size_t i = 0; i < ledger->count; i++)
        if (ledger->entries[i].number == number)
            return &ledger->entries[i];
    return NULL;
}

/* "#21 at +50ms in thread 100" */
static void when(struct cli_out *out, const struct prof_ledger *ledger, const struct prof_event *event)
{
    char time[48];
    fprintf(out->file, "#%u at %s in thread %u", ledger->serial, prof_fmt_event_time(time, sizeof time, event),
            event->tid);
}

void text_taken_when(struct cli_session *session, struct cli_out *out, const struct prof_finding *finding,
                     const struct prof_finding_open *open)
{
    const struct prof_ledger *ledger = text_example(session, finding);
    const struct prof_ledger_entry *found = NULL;
    for (size_t i = 0; ledger != NULL && i < ledger->count; i++) {
        const struct prof_ledger_entry *entry = &ledger->entries[i];
        if (!is_taking(entry) || is_birth(entry) != open->birth ||
            !same_place(session, entry->event.stack, open->stack))
            continue;
        if (found == NULL || entry->open >= found->open)
            found = entry;
    }
    if (found == NULL)
        return;
    fputs(", ", out->file);
    when(out, ledger, &found->event);
}

/* ---- What was given back ----------------------------------------------------------------------------------------- */

/* What a release gives back, where that is more than a hint; NULL not known. */
static const struct prof_ledger_entry *given(const struct prof_ledger *ledger, const struct prof_ledger_entry *entry)
{
    return entry->evidence != PROF_EVIDENCE_HINT ? entry_of(ledger, entry->pair) : NULL;
}

/* The same for who reads it: the place, the evidence, the place of the taking. */
static bool equal_releases(struct cli_session *session, const struct prof_ledger *ledger,
                           const struct prof_ledger_entry *x, const struct prof_ledger_entry *y)
{
    const struct prof_ledger_entry *takes_x = given(ledger, x), *takes_y = given(ledger, y);
    return y->event.op == TRK_OP_UNREF && x->evidence == y->evidence && (takes_x == NULL) == (takes_y == NULL) &&
           same_place(session, x->event.stack, y->event.stack) &&
           (takes_x == NULL || same_place(session, takes_x->event.stack, takes_y->event.stack));
}

/* How many releases are like this one, which is the first of them; 0: it is not. */
static size_t times_given(struct cli_session *session, const struct prof_ledger *ledger, size_t at)
{
    size_t times = 0;
    for (size_t i = 0; i < ledger->count; i++) {
        if (!equal_releases(session, ledger, &ledger->entries[at], &ledger->entries[i]))
            continue;
        if (i < at)
            return 0;
        times++;
    }
    return times;
}

static void what_it_gave(struct cli_session *session, struct cli_out *out, const struct prof_ledger *ledger,
                         const struct prof_ledger_entry *entry)
{
    const struct prof_ledger_entry *taken = given(ledger, entry);
    if (taken != NULL && is_birth(taken)) {
        fputs("  the birth reference", out->file);
    } else if (taken != NULL) {
        fputs("  what was taken at ", out->file);
        text_place(session, out, taken->event.stack);
    } else if (entry->pair == PROF_HISTORY_BEFORE) {
        fputs("  what was taken before", out->file);
    }
}

/* Of cycles the references are all there; only a difference to siblings says more. */
static bool is_worth_it(const struct cli_session *session, const struct prof_finding *finding)
{
    const struct prof_parting *parting = parting_of(session, finding);
    bool cycle = finding->verdict == PROF_CYCLE || finding->verdict == PROF_UNCOLLECTABLE;
    return parting != NULL && (!cycle || parting->parted);
}

bool text_given_back(struct cli_session *session, struct cli_out *out, const struct prof_finding *finding, bool verbose)
{
    enum { SHOWN = 4 };
    const struct prof_ledger *ledger = text_example(session, finding);
    size_t shown = 0, left = 0;
    if (!is_worth_it(session, finding))
        return false;
    for (size_t i = 0; i < ledger->count; i++) {
        const struct prof_ledger_entry *entry = &ledger->entries[i];
        size_t times = entry->event.op == TRK_OP_UNREF ? times_given(session, ledger, i) : 0;
        if (times == 0)
            continue;
        if (shown == SHOWN && !verbose) {
            left++;
            continue;
        }
        shown++;
        text_label(out, "gave back");
        fprintf(out->file, "%c ", entry->evidence == PROF_EVIDENCE_NONE ? '~' : prof_evidence_mark(entry->evidence));
        text_place(session, out, entry->event.stack);
        what_it_gave(session, out, ledger, entry);
        if (times > 1)
            fprintf(out->file, "  %zu times", times);
        fputs(", ", out->file);
        when(out, ledger, &entry->event);
        fputc('\n', out->file);
    }
    if (left != 0) {
        text_label(out, "");
        cli_printf(out, CLI_FAINT, "  and at %zu more place%s; -v lists %s\n", left, left == 1 ? "" : "s",
                   left == 1 ? "it" : "them");
    }
    return true;
}

/* ---- Siblings ---------------------------------------------------------------------------------------------------- */

/* "unref at conn_close net.c:77" and a note that the program made */
static void step(struct cli_session *session, struct cli_out *out, const struct prof_event *event)
{
    fprintf(out->file, "%s at ", prof_op_name(event->op));
    text_place(session, out, event->stack);
    const char *note = event->text != 0 ? prof_trace_text(session->trace, event->text) : NULL;
    if (note != NULL) {
        fputs(" \"", out->file);
        cli_put(out, CLI_PLAIN, note);
        fputc('"', out->file);
    }
}

static void here(struct cli_session *session, struct cli_out *out, const struct prof_parting *parting)
{
    fprintf(out->file, "  #%u then: ", parting->example->serial);
    if (parting->here.entry != NULL) {
        step(session, out, &parting->here.entry->event);
        fprintf(out->file, " (%llu of %llu; %llu of %llu siblings)", (unsigned long long)parting->here.leaked,
                (unsigned long long)parting->leaked, (unsigned long long)parting->here.siblings,
                (unsigned long long)parting->siblings);
    } else if (parting->next != NULL) {
        step(session, out, &parting->next->event);
    } else {
        fputs("nothing more", out->file);
    }
    fputc('\n', out->file);
}

/* "siblings then: unref at conn_close net.c:77 (20 of 20; 0 of 5 here)" */
static void there(struct cli_session *session, struct cli_out *out, const struct prof_parting *parting)
{
    fputs("siblings then: ", out->file);
    step(session, out, &parting->there.entry->event);
    fprintf(out->file, " (%llu of %llu; %llu of %llu here)", (unsigned long long)parting->there.siblings,
            (unsigned long long)parting->siblings, (unsigned long long)parting->there.leaked,
            (unsigned long long)parting->leaked);
}

/* How much later, if the clock can tell, and where. */
static void later(struct cli_out *out, uint64_t us, const char *what, bool elsewhere)
{
    char text[32];
    if (us >= PROF_TIME_RESOLUTION_US)
        fprintf(out->file, ", %s %s", prof_fmt_age(text, sizeof text, us), what);
    if (elsewhere)
        fputs(", in another thread", out->file);
}

void text_release_when(struct cli_session *session, struct cli_out *out, const struct prof_finding *finding)
{
    const struct prof_parting *parting = parting_of(session, finding);
    if (parting != NULL && parting->release_of != 0)
        later(out, parting->release_us, "after the taking", parting->release_elsewhere);
}

/* Where they parted, in two lines at most; the first after a label. */
static void where_parted(struct cli_session *session, struct cli_out *out, const struct prof_parting *parting)
{
    char frame[1024];
    if (parting->there.entry != NULL || parting->here.entry != NULL) {
        text_label(out, "parted");
        here(session, out, parting);
    }
    if (parting->there.entry != NULL) {
        text_label(out, "");
        fputs("  ", out->file);
        there(session, out, parting);
        later(out, parting->there.after_us, "later", parting->there.other_thread);
        fputc('\n', out->file);
    }
    if (parting->frame != NULL) {
        text_label(out, parting->there.entry != NULL ? "" : "parted");
        fputs("  only leaked ones came through ", out->file);
        cli_put(out, CLI_PLACE, prof_fmt_frame(frame, sizeof frame, parting->frame, false));
        fputs(" to ", out->file);
        step(session, out, &parting->through->event);
        fprintf(out->file, " (%llu of %llu; %llu of %llu siblings)\n", (unsigned long long)parting->frame_leaked,
                (unsigned long long)parting->leaked, (unsigned long long)parting->frame_siblings,
                (unsigned long long)parting->siblings);
    }
}

void text_siblings(struct cli_session *session, struct cli_out *out, const struct prof_finding *finding)
{
    const struct prof_parting *parting = parting_of(session, finding);
    char a[32], b[32], time[48];
    if (!is_worth_it(session, finding) || (finding->headline == PROF_HEADLINE_MISUSED && !parting->parted))
        return;
    text_label(out, "siblings");
    // What was freed before the state has no events any more.
    bool gone = session->info->has_state;
    if (parting->siblings == 0) {
        fputs(gone
                  ? "  those freed before the trace was folded are not in it, later none was: nothing to compare with\n"
                  : "  none was freed: nothing to compare with\n",
              out->file);
        return;
    }
    fprintf(out->file, "  %s freed one%s%s", prof_fmt_count(a, sizeof a, parting->siblings),
            parting->siblings == 1 ? "" : "s", parting->took_too ? " that took it there, too" : "");
    if (parting->siblings_all > parting->siblings)
        fprintf(out->file, " (of %s)", prof_fmt_count(b, sizeof b, parting->siblings_all));
    if (gone)
        fputs(" (those freed before the trace was folded are not in it)", out->file);
    if (!parting->parted) {
        fputs(": no event tells them apart\n", out->file);
        return;
    }
    if (parting->common != NULL) {
        fputs(", alike up to ", out->file);
        step(session, out, &parting->common->event);
        fprintf(out->file, ", %s", prof_fmt_event_time(time, sizeof time, &parting->common->event));
    }
    fputc('\n', out->file);
    where_parted(session, out, parting);
}

void text_extra(struct cli_session *session, struct cli_out *out, const struct prof_finding *finding)
{
    const struct prof_parting *parting = parting_of(session, finding);
    char a[32], b[32];
    if (parting == NULL || parting->extra == NULL)
        return;
    text_label(out, "too many");
    fprintf(out->file, "%c ", prof_evidence_mark(parting->extra_evidence));
    text_place(session, out, parting->extra->event.stack);
    if (parting->extra_before != NULL) {
        fputs("  its variable gave back what it owned at ", out->file);
        text_place(session, out, parting->extra_before->event.stack);
    } else {
        fprintf(out->file, "  %s of %s healthy ones release there as often",
                prof_fmt_count(a, sizeof a, parting->extra_siblings), prof_fmt_count(b, sizeof b, parting->extra_of));
    }
    fputs(", ", out->file);
    when(out, parting->example, &parting->extra->event);
    fputc('\n', out->file);
}

const char *text_guilt(const struct cli_session *session, const struct prof_finding *finding)
{
    const struct prof_parting *parting = parting_of(session, finding);
    if (parting == NULL || !parting->too_many || parting->extra_evidence == PROF_EVIDENCE_SLOT)
        return NULL;
    if (parting->extra != NULL)
        return "that one is too many; which one is compared with freed ones";
    return "that one is too many; which one is not known";
}

bool text_gives_at(struct cli_session *session, const struct prof_finding *finding, uint32_t stack)
{
    const struct prof_ledger *ledger = text_example(session, finding);
    for (size_t i = 0; ledger != NULL && i < ledger->count; i++)
        if (ledger->entries[i].event.op == TRK_OP_UNREF && same_place(session, ledger->entries[i].event.stack, stack))
            return true;
    return false;
}

void text_not_compared(const struct cli_session *session, struct cli_out *out)
{
    char text[32];
    if (!session->not_compared)
        return;
    prof_fmt_count(text, sizeof text, prof_heap_totals(session->heap)->events);
    cli_printf(out, CLI_FAINT, "\nnot compared with siblings: %s events; --siblings always does it\n", text);
}

/* ---- Open references ---- */

static void owned_reference(struct cli_session *session, struct cli_out *out, const struct prof_open *open)
{
    char text[1024];
    bool birth = (open->flags & PROF_OPEN_WAS_BIRTH) != 0;
    fprintf(out->file, "  %-10s %c ", prof_fmt_time(text, sizeof text, open->at_us),
            prof_open_certain(open) ? '=' : '~');
    text_place(session, out, open->stack);
    fputs(birth ? "  birth reference, owner: " : "  owner: ", out->file);
    cli_put(out, CLI_PLAIN, prof_view_owner(session->view, open, text, sizeof text));
    if ((open->flags & PROF_OPEN_OVERWRITTEN) != 0 && !prof_view_owner_is_local(session->view, open)) {
        cli_printf(out, CLI_BAD, "  overwritten at ");
        text_place(session, out, open->spoil_stack);
    }
    if ((open->flags & PROF_OPEN_HOLDER_FREED) != 0) {
        cli_printf(out, CLI_BAD, "  holder freed at ");
        text_place(session, out, open->spoil_stack);
    }
    fprintf(out->file, "  thread %u\n", open->tid);
}

struct prof_error *text_open_references(struct cli_session *session, struct cli_out *out, prof_obj_id id,
                                        const struct prof_ledger *ledger, uint64_t top)
{
    const struct prof_obj *obj = prof_heap_obj(session->heap, id);
    bool whole = ledger != NULL && !ledger->before;
    uint64_t n = 0, left = 0;
    char text[48];
    for (uint32_t i = obj->first_open; i != 0;) {
        const struct prof_open *open = prof_heap_open(session->heap, i);
        i = open->next;
        if (open->kind == PROF_OPEN_BIRTH)
            continue; // whether it is the birth that is open, its ledger says
        left += n >= top;
        if (n++ == 0)
            cli_printf(out, CLI_HEAD, "\nOpen references, newest first\n");
        if (n <= top)
            owned_reference(session, out, open);
    }
    for (size_t i = whole ? ledger->count : 0; i-- > 0;) {
        const struct prof_ledger_entry *entry = &ledger->entries[i];
        if (!entry->open || entry->owned)
            continue;
        left += n >= top;
        if (n++ == 0)
            cli_printf(out, CLI_HEAD, "\nOpen references, newest first\n");
        if (n > top)
            continue;
        fprintf(out->file, "  %-10s ~ ", prof_fmt_event_time(text, sizeof text, &entry->event));
        text_place(session, out, entry->event.stack);
        fprintf(out->file, "%s  thread %u\n", is_birth(entry) ? "  birth reference, no owner told" : "  no owner told",
                entry->event.tid);
    }
    if (left != 0)
        cli_printf(out, CLI_FAINT, "  %llu more; --top 0 shows all\n", (unsigned long long)left);
    prof_node node = whole ? PROF_NODE_NONE : prof_graph_of_obj(session->graph, id);
    return node != PROF_NODE_NONE ? graph_taken_section(session, out, node) : NULL;
}

/* ---- A life ------------------------------------------------------------------------------------------------------ */

static void life_line(struct cli_session *session, struct cli_out *out, const struct prof_ledger_entry *entry)
{
    const struct prof_event *e = &entry->event;
    char text[1024];
    fprintf(out->file, "%6llu  %-10s  %5lld  %-12s ", (unsigned long long)entry->number,
            prof_fmt_event_time(text, sizeof text, e), (long long)entry->count, prof_op_name(e->op));
    cli_put(out, CLI_PLACE, e->stack != 0 ? prof_view_site(session->view, e->stack, text, sizeof text) : "");
    if (entry->pair == PROF_HISTORY_BEFORE)
        fputs("  =before", out->file);
    else if (e->op == TRK_OP_UNREF && entry->pair != 0)
        fprintf(out->file, "  %c%llu", prof_evidence_mark(entry->evidence), (unsigned long long)entry->pair);
    if ((e->flags & PROF_EVENT_SLOT) != 0)
        fprintf(out->file, "  slot %s", prof_fmt_addr(text, sizeof text, e->slot));
    if ((e->flags & PROF_EVENT_HOLDER) != 0)
        fprintf(out->file, "  holder %s", prof_fmt_addr(text, sizeof text, e->slot));
    if (e->text != 0) {
        const char *note = prof_trace_text(session->trace, e->text);
        fputs("  ", out->file);
        cli_put(out, CLI_PLAIN, note != NULL ? note : "");
    }
    if ((e->flags & PROF_EVENT_FORCED) != 0)
        fputs("  (order guessed)", out->file);
    fprintf(out->file, "  thread %u", e->tid);
    if (entry->open)
        cli_printf(out, CLI_BAD, "  not given back");
    fputc('\n', out->file);
}

static void left_out(struct cli_out *out, uint64_t folded, uint64_t skipped)
{
    if (folded != 0)
        cli_printf(out, CLI_FAINT, "        %llu pair%s of ref and unref\n", (unsigned long long)folded,
                   folded == 1 ? "" : "s");
    if (skipped != 0)
        cli_printf(out, CLI_FAINT, "        %llu event%s\n", (unsigned long long)skipped, skipped == 1 ? "" : "s");
}

/* Behind the last entry that siblings have as well. */
static void parting_lines(struct cli_session *session, struct cli_out *out, const struct prof_parting *parting)
{
    if (parting->there.entry != NULL) {
        fputs("        ^^ ", out->file);
        there(session, out, parting);
        fputc('\n', out->file);
    } else {
        fprintf(out->file, "        ^^ what follows, %llu of %llu siblings did not do\n",
                (unsigned long long)(parting->siblings - parting->here.siblings),
                (unsigned long long)parting->siblings);
    }
}

void text_life(struct cli_session *session, struct cli_out *out, const struct prof_ledger *ledger,
               const struct prof_parting *parting, uint64_t top)
{
    uint64_t folded = 0, skipped = 0, last = top / 4, n = 0;
    bool parts = parting != NULL && parting->example == ledger && parting->common != NULL && parting->frame == NULL;
    if (ledger->count != 0)
        cli_printf(out, CLI_HEAD, "\nHistory\n     N  TIME        COUNT  EVENT\n");
    for (size_t i = 0; i < ledger->count; i++) {
        const struct prof_ledger_entry *entry = &ledger->entries[i];
        bool marked = parts && (entry == parting->common || entry == parting->here.entry);
        folded += entry->folded;
        skipped += entry->skipped;
        /* in front, at the end, and where it parted */
        if (ledger->count > top && n >= top - last && i < ledger->count - last && !marked) {
            skipped++;
            continue;
        }
        n++;
        left_out(out, folded, skipped);
        folded = skipped = 0;
        life_line(session, out, entry);
        if (parts && entry == parting->common)
            parting_lines(session, out, parting);
    }
    left_out(out, folded, skipped);
    if (ledger->count > top || ledger->skipped != 0)
        cli_printf(out, CLI_FAINT, "%llu events in all; --top 0 shows all\n", (unsigned long long)ledger->events);
}
