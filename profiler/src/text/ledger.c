/* ledger.c: ledgers in words: when references were taken and given back, lives, where they parted. */
#include <prof/text.h>

#include <string.h>

static const struct prof_parting *parting_of(const struct prof_text *t, const struct prof_finding *finding)
{
    return t->ledgers != NULL ? prof_ledgers_parting(t->ledgers, finding) : NULL;
}

const struct prof_ledger *prof_text_example(const struct prof_text *t, const struct prof_finding *finding)
{
    const struct prof_parting *parting = parting_of(t, finding);
    return parting != NULL ? parting->example : NULL;
}

/* Equal for who reads them. */
static bool same_place(const struct prof_text *t, uint32_t a, uint32_t b)
{
    char left[1024], right[1024];
    return a == b ||
           strcmp(prof_view_site(t->view, a, left, sizeof left), prof_view_site(t->view, b, right, sizeof right)) == 0;
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
static void when(const struct prof_text *t, const struct prof_ledger *ledger, const struct prof_event *event)
{
    char time[48];
    prof_text_printf(t, PROF_TEXT_PLAIN, "#%u at %s in thread %u", ledger->serial,
                     prof_fmt_event_time(time, sizeof time, event), event->tid);
}

void prof_text_taken_when(const struct prof_text *t, const struct prof_finding *finding,
                          const struct prof_finding_open *open)
{
    const struct prof_ledger *ledger = prof_text_example(t, finding);
    const struct prof_ledger_entry *found = NULL;
    for (size_t i = 0; ledger != NULL && i < ledger->count; i++) {
        const struct prof_ledger_entry *entry = &ledger->entries[i];
        if (!is_taking(entry) || is_birth(entry) != open->birth || !same_place(t, entry->event.stack, open->stack))
            continue;
        if (found == NULL || entry->open >= found->open)
            found = entry;
    }
    if (found == NULL)
        return;
    prof_text_add(t, ", ");
    when(t, ledger, &found->event);
}

/* ---- What was given back ----------------------------------------------------------------------------------------- */

/* What a release gives back, where that is more than a hint; NULL not known. */
static const struct prof_ledger_entry *given(const struct prof_ledger *ledger, const struct prof_ledger_entry *entry)
{
    return entry->evidence != PROF_EVIDENCE_HINT ? entry_of(ledger, entry->pair) : NULL;
}

/* The same for who reads it: the place, the evidence, the place of the taking. */
static bool equal_releases(const struct prof_text *t, const struct prof_ledger *ledger,
                           const struct prof_ledger_entry *x, const struct prof_ledger_entry *y)
{
    const struct prof_ledger_entry *takes_x = given(ledger, x), *takes_y = given(ledger, y);
    return y->event.op == TRK_OP_UNREF && x->evidence == y->evidence && (takes_x == NULL) == (takes_y == NULL) &&
           same_place(t, x->event.stack, y->event.stack) &&
           (takes_x == NULL || same_place(t, takes_x->event.stack, takes_y->event.stack));
}

/* How many releases are like this one, which is the first of them; 0: it is not. */
static size_t times_given(const struct prof_text *t, const struct prof_ledger *ledger, size_t at)
{
    size_t times = 0;
    for (size_t i = 0; i < ledger->count; i++) {
        if (!equal_releases(t, ledger, &ledger->entries[at], &ledger->entries[i]))
            continue;
        if (i < at)
            return 0;
        times++;
    }
    return times;
}

static void what_it_gave(const struct prof_text *t, const struct prof_ledger *ledger,
                         const struct prof_ledger_entry *entry)
{
    const struct prof_ledger_entry *taken = given(ledger, entry);
    if (taken != NULL && is_birth(taken)) {
        prof_text_add(t, "  the birth reference");
    } else if (taken != NULL) {
        prof_text_add(t, "  what was taken at ");
        prof_text_place(t, taken->event.stack);
    } else if (entry->pair == PROF_HISTORY_BEFORE) {
        prof_text_add(t, "  what was taken before");
    }
}

/* Of cycles the references are all there; only a difference to siblings says more. */
static bool is_worth_it(const struct prof_text *t, const struct prof_finding *finding)
{
    const struct prof_parting *parting = parting_of(t, finding);
    bool cycle = finding->verdict == PROF_CYCLE || finding->verdict == PROF_UNCOLLECTABLE;
    return parting != NULL && (!cycle || parting->parted);
}

bool prof_text_given_back(const struct prof_text *t, const struct prof_finding *finding, bool verbose)
{
    enum { SHOWN = 4 };
    const struct prof_ledger *ledger = prof_text_example(t, finding);
    size_t shown = 0, left = 0;
    if (!is_worth_it(t, finding))
        return false;
    for (size_t i = 0; i < ledger->count; i++) {
        const struct prof_ledger_entry *entry = &ledger->entries[i];
        size_t times = entry->event.op == TRK_OP_UNREF ? times_given(t, ledger, i) : 0;
        if (times == 0)
            continue;
        if (shown == SHOWN && !verbose) {
            left++;
            continue;
        }
        shown++;
        prof_text_label(t, "gave back");
        prof_text_printf(t, PROF_TEXT_PLAIN, "%c ",
                         entry->evidence == PROF_EVIDENCE_NONE ? '~' : prof_evidence_mark(entry->evidence));
        prof_text_place(t, entry->event.stack);
        what_it_gave(t, ledger, entry);
        if (times > 1)
            prof_text_printf(t, PROF_TEXT_PLAIN, "  %zu times", times);
        prof_text_add(t, ", ");
        when(t, ledger, &entry->event);
        prof_text_add(t, "\n");
    }
    if (left != 0) {
        prof_text_label(t, "");
        prof_text_printf(t, PROF_TEXT_FAINT, "  and at %zu more place%s; %s lists %s\n", left, left == 1 ? "" : "s",
                         t->more, left == 1 ? "it" : "them");
    }
    return true;
}

/* ---- Siblings ---------------------------------------------------------------------------------------------------- */

/* "unref at conn_close net.c:77" and a note that the program made */
static void step(const struct prof_text *t, const struct prof_event *event)
{
    prof_text_printf(t, PROF_TEXT_PLAIN, "%s at ", prof_op_name(event->op));
    prof_text_place(t, event->stack);
    const char *note = event->text != 0 ? prof_trace_text(t->trace, event->text) : NULL;
    if (note != NULL) {
        prof_text_add(t, " \"");
        prof_text_put(t, PROF_TEXT_PLAIN, note);
        prof_text_add(t, "\"");
    }
}

static void here(const struct prof_text *t, const struct prof_parting *parting)
{
    prof_text_printf(t, PROF_TEXT_PLAIN, "  #%u then: ", parting->example->serial);
    if (parting->here.entry != NULL) {
        step(t, &parting->here.entry->event);
        prof_text_printf(t, PROF_TEXT_PLAIN, " (%llu of %llu; %llu of %llu siblings)",
                         (unsigned long long)parting->here.leaked, (unsigned long long)parting->leaked,
                         (unsigned long long)parting->here.siblings, (unsigned long long)parting->siblings);
    } else if (parting->next != NULL) {
        step(t, &parting->next->event);
    } else {
        prof_text_add(t, "nothing more");
    }
    prof_text_add(t, "\n");
}

/* "siblings then: unref at conn_close net.c:77 (20 of 20; 0 of 5 here)" */
static void there(const struct prof_text *t, const struct prof_parting *parting)
{
    prof_text_add(t, "siblings then: ");
    step(t, &parting->there.entry->event);
    prof_text_printf(t, PROF_TEXT_PLAIN, " (%llu of %llu; %llu of %llu here)",
                     (unsigned long long)parting->there.siblings, (unsigned long long)parting->siblings,
                     (unsigned long long)parting->there.leaked, (unsigned long long)parting->leaked);
}

/* How much later, if the clock can tell, and where. */
static void later(const struct prof_text *t, uint64_t us, const char *what, bool elsewhere)
{
    char text[32];
    if (us >= PROF_TIME_RESOLUTION_US)
        prof_text_printf(t, PROF_TEXT_PLAIN, ", %s %s", prof_fmt_age(text, sizeof text, us), what);
    if (elsewhere)
        prof_text_add(t, ", in another thread");
}

void prof_text_release_when(const struct prof_text *t, const struct prof_finding *finding)
{
    const struct prof_parting *parting = parting_of(t, finding);
    if (parting != NULL && parting->release_of != 0)
        later(t, parting->release_us, "after the taking", parting->release_elsewhere);
}

/* Where they parted, in two lines at most; the first after a label. */
static void where_parted(const struct prof_text *t, const struct prof_parting *parting)
{
    char frame[1024];
    if (parting->there.entry != NULL || parting->here.entry != NULL) {
        prof_text_label(t, "parted");
        here(t, parting);
    }
    if (parting->there.entry != NULL) {
        prof_text_label(t, "");
        prof_text_add(t, "  ");
        there(t, parting);
        later(t, parting->there.after_us, "later", parting->there.other_thread);
        prof_text_add(t, "\n");
    }
    if (parting->frame != NULL) {
        prof_text_label(t, parting->there.entry != NULL ? "" : "parted");
        prof_text_add(t, "  only leaked ones came through ");
        prof_text_put(t, PROF_TEXT_PLACE, prof_fmt_frame(frame, sizeof frame, parting->frame, false));
        prof_text_add(t, " to ");
        step(t, &parting->through->event);
        prof_text_printf(t, PROF_TEXT_PLAIN, " (%llu of %llu; %llu of %llu siblings)\n",
                         (unsigned long long)parting->frame_leaked, (unsigned long long)parting->leaked,
                         (unsigned long long)parting->frame_siblings, (unsigned long long)parting->siblings);
    }
}

void prof_text_siblings(const struct prof_text *t, const struct prof_finding *finding)
{
    const struct prof_parting *parting = parting_of(t, finding);
    char a[32], b[32], time[48];
    if (!is_worth_it(t, finding) || (finding->headline == PROF_HEADLINE_MISUSED && !parting->parted))
        return;
    prof_text_label(t, "siblings");
    // What was freed before the state has no events any more.
    bool gone = prof_trace_info(t->trace)->has_state;
    if (parting->siblings == 0) {
        prof_text_add(
            t,
            gone ? "  those freed before the trace was folded are not in it, later none was: nothing to compare with\n"
                 : "  none was freed: nothing to compare with\n");
        return;
    }
    prof_text_printf(t, PROF_TEXT_PLAIN, "  %s freed one%s%s", prof_fmt_count(a, sizeof a, parting->siblings),
                     parting->siblings == 1 ? "" : "s", parting->took_too ? " that took it there, too" : "");
    if (parting->siblings_all > parting->siblings)
        prof_text_printf(t, PROF_TEXT_PLAIN, " (of %s)", prof_fmt_count(b, sizeof b, parting->siblings_all));
    if (gone)
        prof_text_add(t, " (those freed before the trace was folded are not in it)");
    if (!parting->parted) {
        prof_text_add(t, ": no event tells them apart\n");
        return;
    }
    if (parting->common != NULL) {
        prof_text_add(t, ", alike up to ");
        step(t, &parting->common->event);
        prof_text_printf(t, PROF_TEXT_PLAIN, ", %s", prof_fmt_event_time(time, sizeof time, &parting->common->event));
    }
    prof_text_add(t, "\n");
    where_parted(t, parting);
}

void prof_text_extra(const struct prof_text *t, const struct prof_finding *finding)
{
    const struct prof_parting *parting = parting_of(t, finding);
    char a[32], b[32];
    if (parting == NULL || parting->extra == NULL)
        return;
    prof_text_label(t, "too many");
    prof_text_printf(t, PROF_TEXT_PLAIN, "%c ", prof_evidence_mark(parting->extra_evidence));
    prof_text_place(t, parting->extra->event.stack);
    if (parting->extra_before != NULL) {
        prof_text_add(t, "  its variable gave back what it owned at ");
        prof_text_place(t, parting->extra_before->event.stack);
    } else {
        prof_text_printf(t, PROF_TEXT_PLAIN, "  %s of %s healthy ones release there as often",
                         prof_fmt_count(a, sizeof a, parting->extra_siblings),
                         prof_fmt_count(b, sizeof b, parting->extra_of));
    }
    prof_text_add(t, ", ");
    when(t, parting->example, &parting->extra->event);
    prof_text_add(t, "\n");
}

const char *prof_text_guilt(const struct prof_text *t, const struct prof_finding *finding)
{
    const struct prof_parting *parting = parting_of(t, finding);
    if (parting == NULL || !parting->too_many || parting->extra_evidence == PROF_EVIDENCE_SLOT)
        return NULL;
    if (parting->extra != NULL)
        return "that one is too many; which one is compared with freed ones";
    return "that one is too many; which one is not known";
}

bool prof_text_gives_at(const struct prof_text *t, const struct prof_finding *finding, uint32_t stack)
{
    const struct prof_ledger *ledger = prof_text_example(t, finding);
    for (size_t i = 0; ledger != NULL && i < ledger->count; i++)
        if (ledger->entries[i].event.op == TRK_OP_UNREF && same_place(t, ledger->entries[i].event.stack, stack))
            return true;
    return false;
}

/* ---- Open references ---- */

static void owned_reference(const struct prof_text *t, const struct prof_open *open)
{
    char text[1024];
    bool birth = (open->flags & PROF_OPEN_WAS_BIRTH) != 0;
    prof_text_printf(t, PROF_TEXT_PLAIN, "  %-10s %c ", prof_fmt_time(text, sizeof text, open->at_us),
                     prof_open_certain(open) ? '=' : '~');
    prof_text_place(t, open->stack);
    prof_text_add(t, birth ? "  birth reference, owner: " : "  owner: ");
    prof_text_put(t, PROF_TEXT_PLAIN, prof_view_owner(t->view, open, text, sizeof text));
    if ((open->flags & PROF_OPEN_OVERWRITTEN) != 0 && !prof_view_owner_is_local(t->view, open)) {
        prof_text_printf(t, PROF_TEXT_BAD, "  overwritten at ");
        prof_text_place(t, open->spoil_stack);
    }
    if ((open->flags & PROF_OPEN_HOLDER_FREED) != 0) {
        prof_text_printf(t, PROF_TEXT_BAD, "  holder freed at ");
        prof_text_place(t, open->spoil_stack);
    }
    prof_text_printf(t, PROF_TEXT_PLAIN, "  thread %u\n", open->tid);
}

struct prof_error *prof_text_open_references(const struct prof_text *t, prof_obj_id id,
                                             const struct prof_ledger *ledger, uint64_t top)
{
    const struct prof_obj *obj = prof_heap_obj(t->heap, id);
    bool whole = ledger != NULL && !ledger->before;
    uint64_t n = 0, left = 0;
    char text[48];
    for (uint32_t i = obj->first_open; i != 0;) {
        const struct prof_open *open = prof_heap_open(t->heap, i);
        i = open->next;
        if (open->kind == PROF_OPEN_BIRTH)
            continue; // whether it is the birth that is open, its ledger says
        left += n >= top;
        if (n++ == 0)
            prof_text_printf(t, PROF_TEXT_HEAD, "\nOpen references, newest first\n");
        if (n <= top)
            owned_reference(t, open);
    }
    for (size_t i = whole ? ledger->count : 0; i-- > 0;) {
        const struct prof_ledger_entry *entry = &ledger->entries[i];
        if (!entry->open || entry->owned)
            continue;
        left += n >= top;
        if (n++ == 0)
            prof_text_printf(t, PROF_TEXT_HEAD, "\nOpen references, newest first\n");
        if (n > top)
            continue;
        prof_text_printf(t, PROF_TEXT_PLAIN, "  %-10s ~ ", prof_fmt_event_time(text, sizeof text, &entry->event));
        prof_text_place(t, entry->event.stack);
        prof_text_printf(t, PROF_TEXT_PLAIN, "%s  thread %u\n",
                         is_birth(entry) ? "  birth reference, no owner told" : "  no owner told", entry->event.tid);
    }
    if (left != 0)
        prof_text_printf(t, PROF_TEXT_FAINT, "  %llu more; %s shows all\n", (unsigned long long)left, t->all);
    prof_node node = whole ? PROF_NODE_NONE : prof_graph_of_obj(t->graph, id);
    return node != PROF_NODE_NONE ? prof_text_taken_section(t, node) : NULL;
}

/* ---- A life ------------------------------------------------------------------------------------------------------ */

static void life_line(const struct prof_text *t, const struct prof_ledger_entry *entry)
{
    const struct prof_event *e = &entry->event;
    char text[1024];
    prof_text_printf(t, PROF_TEXT_PLAIN, "%6llu  %-10s  %5lld  %-12s ", (unsigned long long)entry->number,
                     prof_fmt_event_time(text, sizeof text, e), (long long)entry->count, prof_op_name(e->op));
    if (e->stack != 0)
        prof_text_place(t, e->stack);
    if (entry->pair == PROF_HISTORY_BEFORE)
        prof_text_add(t, "  =before");
    else if (e->op == TRK_OP_UNREF && entry->pair != 0)
        prof_text_printf(t, PROF_TEXT_PLAIN, "  %c%llu", prof_evidence_mark(entry->evidence),
                         (unsigned long long)entry->pair);
    if ((e->flags & PROF_EVENT_SLOT) != 0)
        prof_text_printf(t, PROF_TEXT_PLAIN, "  slot %s", prof_fmt_addr(text, sizeof text, e->slot));
    if ((e->flags & PROF_EVENT_HOLDER) != 0)
        prof_text_printf(t, PROF_TEXT_PLAIN, "  holder %s", prof_fmt_addr(text, sizeof text, e->slot));
    if (e->text != 0) {
        const char *note = prof_trace_text(t->trace, e->text);
        prof_text_add(t, "  ");
        prof_text_put(t, PROF_TEXT_PLAIN, note != NULL ? note : "");
    }
    if ((e->flags & PROF_EVENT_FORCED) != 0)
        prof_text_add(t, "  (order guessed)");
    prof_text_printf(t, PROF_TEXT_PLAIN, "  thread %u", e->tid);
    if (entry->open)
        prof_text_printf(t, PROF_TEXT_BAD, "  not given back");
    prof_text_add(t, "\n");
}

static void left_out(const struct prof_text *t, uint64_t folded, uint64_t skipped)
{
    if (folded != 0)
        prof_text_printf(t, PROF_TEXT_FAINT, "        %llu pair%s of ref and unref\n", (unsigned long long)folded,
                         folded == 1 ? "" : "s");
    if (skipped != 0)
        prof_text_printf(t, PROF_TEXT_FAINT, "        %llu event%s\n", (unsigned long long)skipped,
                         skipped == 1 ? "" : "s");
}

/* Behind the last entry that siblings have as well. */
static void parting_lines(const struct prof_text *t, const struct prof_parting *parting)
{
    if (parting->there.entry != NULL) {
        prof_text_add(t, "        ^^ ");
        there(t, parting);
        prof_text_add(t, "\n");
    } else {
        prof_text_printf(t, PROF_TEXT_PLAIN, "        ^^ what follows, %llu of %llu siblings did not do\n",
                         (unsigned long long)(parting->siblings - parting->here.siblings),
                         (unsigned long long)parting->siblings);
    }
}

void prof_text_life(const struct prof_text *t, const struct prof_ledger *ledger, const struct prof_parting *parting,
                    uint64_t top)
{
    uint64_t folded = 0, skipped = 0, last = top / 4, n = 0;
    bool parts = parting != NULL && parting->example == ledger && parting->common != NULL && parting->frame == NULL;
    if (ledger->count != 0)
        prof_text_printf(t, PROF_TEXT_HEAD, "\nHistory\n     N  TIME        COUNT  EVENT\n");
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
        left_out(t, folded, skipped);
        folded = skipped = 0;
        life_line(t, entry);
        if (parts && entry == parting->common)
            parting_lines(t, parting);
    }
    left_out(t, folded, skipped);
    if (ledger->count > top || ledger->skipped != 0)
        prof_text_printf(t, PROF_TEXT_FAINT, "%llu events in all; %s shows all\n", (unsigned long long)ledger->events,
                         t->all);
}
