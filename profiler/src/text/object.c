/* object.c: one object in words: facts, where its references are, the balance by site, its history. */
#include <prof/text.h>

#include <stdio.h>
#include <string.h>

static void speaks_of_it(const struct prof_text *t, const struct prof_finding *finding)
{
    char text[1024], name[32];
    snprintf(name, sizeof name, "@leak:%u", finding->id);
    prof_text_fact(t, "finding");
    if (finding->id != 0) { /* one that is listed */
        prof_text_printf(t, finding->gating ? PROF_TEXT_BAD : PROF_TEXT_WARN, "%s ", name);
        prof_text_about(t, name);
    }
    prof_text_printf(t, finding->gating ? PROF_TEXT_BAD : PROF_TEXT_WARN, "%s", prof_headline_name(finding->headline));
    prof_text_printf(t, PROF_TEXT_PLAIN, ", %s, %s: ", prof_verdict_name(finding->verdict),
                     prof_strength_name(finding->strength));
    prof_text_put(t, PROF_TEXT_PLAIN, prof_view_action(t->view, finding, text, sizeof text));
    prof_text_add(t, "\n");
}

static void sizes(const struct prof_text *t, const struct prof_text_life_options *o)
{
    char flat[32], usable[32], deep[32], retained[32];
    prof_text_fact(t, "size");
    prof_text_printf(t, PROF_TEXT_PLAIN, "%s flat, %s usable, %s deep, ",
                     prof_fmt_bytes(flat, sizeof flat, o->flat, t->units),
                     prof_fmt_bytes(usable, sizeof usable, o->usable, t->units),
                     prof_fmt_bytes(deep, sizeof deep, o->deep, t->units));
    prof_text_printf(t, PROF_TEXT_PLAIN, "%s retained\n",
                     prof_fmt_bytes(retained, sizeof retained, o->retained, t->units));
}

static void facts(const struct prof_text *t, prof_obj_id id, const struct prof_finding *finding,
                  const struct prof_text_life_options *options)
{
    const struct prof_obj *obj = prof_heap_obj(t->heap, id);
    uint64_t end = prof_heap_totals(t->heap)->end_us;
    char name[512], text[1024];
    prof_text_object(t, prof_fmt_obj(name, sizeof name, t->heap, id));
    prof_text_printf(t, PROF_TEXT_PLAIN, "  at %s, id #%u, %s", prof_fmt_addr(text, sizeof text, obj->addr), id,
                     prof_state_name(obj->state));
    if (obj->size != 0)
        prof_text_printf(t, PROF_TEXT_PLAIN, ", %s", prof_fmt_bytes(text, sizeof text, obj->size, t->units));
    if (options->generation != NULL)
        prof_text_printf(t, PROF_TEXT_PLAIN, ", %s", options->generation);
    prof_text_add(t, "\n");
    prof_text_fact(t, "born");
    prof_text_printf(t, PROF_TEXT_PLAIN, "%s in thread %u at ", prof_fmt_time(text, sizeof text, obj->born_us),
                     obj->tid);
    prof_text_place(t, obj->stack);
    prof_text_add(t, "\n");
    prof_text_fact(t, "age");
    prof_text_add(t, prof_fmt_age(text, sizeof text, end > obj->born_us ? end - obj->born_us : 0));
    prof_text_printf(t, PROF_TEXT_PLAIN, ", last event %s\n", prof_fmt_time(text, sizeof text, obj->last_us));
    if (options->sized)
        sizes(t, options);
    if (obj->context != 0) {
        const struct prof_context *context = prof_heap_context(t->heap, obj->context);
        prof_text_fact(t, "context");
        prof_text_put(t, PROF_TEXT_PLAIN, context->key != NULL ? context->key : "");
        prof_text_printf(t, PROF_TEXT_PLAIN, " %llu\n", (unsigned long long)context->id);
    }
    if (obj->why_text != 0) {
        const char *why = prof_trace_text(t->trace, obj->why_text);
        prof_text_fact(t, (obj->flags & PROF_OBJ_PINNED) != 0 ? "pinned" : "may leak");
        prof_text_put(t, PROF_TEXT_PLAIN, why != NULL ? why : "");
        prof_text_add(t, "\n");
    }
    if (finding != NULL)
        speaks_of_it(t, finding);
}

/* What came behind the end of an object: its counts have it no more. */
struct late {
    uint64_t refs, unrefs, others;
};
static struct late behind_end(const struct prof_ledger *ledger)
{
    struct late late = { 0 };
    bool dead = false;
    for (size_t i = 0; ledger != NULL && i < ledger->count; i++) {
        unsigned op = ledger->entries[i].event.op;
        late.refs += dead && (op == TRK_OP_REF || op == TRK_OP_SINK);
        late.unrefs += dead && op == TRK_OP_UNREF;
        late.others += dead && (op == TRK_OP_TOUCH || op == TRK_OP_MOVE || op == TRK_OP_BORROW);
        dead |= op == TRK_OP_DEL || op == TRK_OP_FREE;
    }
    return late;
}

/* What died has no references any more, only a count: with what came too late, as its finding says it. */
static void count_split(const struct prof_text *t, prof_obj_id id, const struct prof_ledger *ledger)
{
    const struct prof_obj *obj = prof_heap_obj(t->heap, id);
    prof_node node = prof_graph_of_obj(t->graph, id);
    struct late late = behind_end(ledger);
    uint64_t refs = obj->refs + late.refs, unrefs = obj->unrefs + late.unrefs;
    if (node != PROF_NODE_NONE) {
        prof_text_count_lines(t, node);
    } else {
        prof_text_fact(t, "count");
        prof_text_printf(t, PROF_TEXT_PLAIN, "%lld\n",
                         (long long)(obj->count + (int64_t)late.refs - (int64_t)late.unrefs));
    }
    prof_text_fact(t, "");
    prof_text_printf(t, PROF_TEXT_PLAIN, "%llu ref%s, %llu unref%s in this life\n", (unsigned long long)refs,
                     refs == 1 ? "" : "s", (unsigned long long)unrefs, unrefs == 1 ? "" : "s");
    uint64_t all = late.refs + late.unrefs + late.others;
    if (all == 0)
        return;
    prof_text_fact(t, "");
    prof_text_printf(t, PROF_TEXT_PLAIN, "%llu event%s came after its end\n", (unsigned long long)all,
                     all == 1 ? "" : "s");
}

static void balance(const struct prof_text *t, const struct prof_obj *obj)
{
    if (obj->first_site != 0)
        prof_text_printf(t, PROF_TEXT_HEAD, "\nReferences without owner, by site\n   TAKEN   GIVEN  SITE\n");
    for (uint32_t i = obj->first_site; i != 0;) {
        const struct prof_site_count *count = prof_heap_site_count(t->heap, i);
        i = count->next;
        prof_text_printf(t, PROF_TEXT_PLAIN, "%8u%8u  ", count->taken, count->given);
        prof_text_place(t, count->stack);
        prof_text_add(t, "\n");
    }
}

/* What every place took and gave back in this life. */
static void balance_of_life(const struct prof_text *t, const struct prof_ledger *ledger)
{
    prof_text_printf(t, PROF_TEXT_HEAD, "\nBalance by site, with birth and owned references\n   TAKEN   GIVEN  SITE\n");
    for (size_t i = 0; i < ledger->line_count; i++) {
        const struct prof_ledger_line *line = &ledger->lines[i];
        uint64_t taken = line->taken, given = line->given;
        char text[1024], other[1024];
        bool told = false;
        prof_view_site(t->view, line->stack, text, sizeof text);
        for (size_t k = 0; k < ledger->line_count; k++) {
            const struct prof_ledger_line *same = &ledger->lines[k];
            if (k == i || strcmp(text, prof_view_site(t->view, same->stack, other, sizeof other)) != 0)
                continue;
            told |= k < i;
            taken += same->taken;
            given += same->given;
        }
        if (told)
            continue;
        prof_text_printf(t, PROF_TEXT_PLAIN, "%8llu%8llu  ", (unsigned long long)taken, (unsigned long long)given);
        prof_text_place(t, line->stack);
        prof_text_add(t, "\n");
    }
}

const struct prof_finding *prof_text_finding_of(const struct prof_text *t, const char *spec, prof_obj_id id)
{
    const struct prof_finding *list;
    size_t count = prof_findings_list(t->findings, &list);
    unsigned number = 0;
    for (size_t i = 0; sscanf(spec, "@leak:%u", &number) == 1 && i < count; i++)
        if (list[i].id == number && list[i].sample_count != 0)
            return &list[i];
    return prof_findings_of(t->findings, id);
}

void prof_text_before(const struct prof_text *t, const char *more)
{
    char time[32];
    prof_text_printf(
        t, PROF_TEXT_FAINT,
        "\nWhat happened to it before the state at %s, which the trace begins with, is not in the file%s\n",
        prof_fmt_time(time, sizeof time, prof_trace_info(t->trace)->state_us), more);
}

struct prof_error *prof_text_whole_object(const struct prof_text *t, prof_obj_id id, const struct prof_finding *finding,
                                          const struct prof_ledger *ledger,
                                          const struct prof_text_life_options *options)
{
    const struct prof_obj *obj = prof_heap_obj(t->heap, id);
    facts(t, id, finding, options);
    count_split(t, id, ledger);
    struct prof_error *error = prof_text_open_references(t, id, ledger, options->top);
    if (error != NULL)
        return error;
    if (ledger == NULL) {
        balance(t, obj);
        return NULL;
    }
    if (prof_heap_named_before(t->heap, id)) {
        balance(t, obj);
        prof_text_before(t, ": the history\ncounts from there. =before gives back a reference of that time.");
    } else {
        balance_of_life(t, ledger);
    }
    prof_text_life(t, ledger, finding != NULL && t->ledgers != NULL ? prof_ledgers_parting(t->ledgers, finding) : NULL,
                   options->top);
    return NULL;
}
