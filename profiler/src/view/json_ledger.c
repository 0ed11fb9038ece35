/* json_ledger.c: the life of an object, and where leaked ones parted from their siblings, as JSON. */
#include "json_document.h"

json_t *doc_ledger_entry(struct document *doc, struct prof_view *view, const struct prof_ledger_entry *entry)
{
    const struct prof_event *e = &entry->event;
    json_t *object = e->stack != 0 ? doc_site(doc, view, e->stack, false) : json_object();
    char addr[32];
    bool owned = (e->flags & (PROF_EVENT_SLOT | PROF_EVENT_HOLDER)) != 0;
    doc_set(doc, object, "number", json_of_number(entry->number));
    doc_set(doc, object, "event", json_string(prof_op_name(e->op)));
    doc_set(doc, object, "count", json_integer(entry->count));
    /* What it gives back; takings say themselves whether something did. */
    bool gives = e->op == TRK_OP_UNREF && entry->pair != 0;
    if (gives && entry->pair == PROF_HISTORY_BEFORE)
        doc_set(doc, object, "pair", json_string("before"));
    else
        doc_set(doc, object, "pair", gives ? json_of_number(entry->pair) : json_null());
    doc_set(doc, object, "evidence", gives ? json_string(prof_evidence_name(entry->evidence)) : json_null());
    doc_set(doc, object, "open", json_boolean(entry->open));
    doc_set(doc, object, "at", json_of_seconds(e->time_us));
    doc_set(doc, object, "tid", json_of_number(e->tid));
    doc_set(doc, object, "slot", owned ? json_string(prof_fmt_addr(addr, sizeof addr, e->slot)) : json_null());
    const char *note = e->text != 0 ? prof_trace_text(prof_heap_trace(view->heap), e->text) : NULL;
    doc_set(doc, object, "text", json_of_text(note));
    return object;
}

static json_t *owned(struct document *doc, struct prof_view *view, prof_obj_id id)
{
    const struct prof_obj *obj = prof_heap_obj(view->heap, id);
    bool before = prof_heap_named_before(view->heap, id);
    json_t *array = json_array();
    for (uint32_t i = obj->first_open; i != 0 && !doc->failed;) {
        const struct prof_open *open = prof_heap_open(view->heap, i);
        char owner[1024], addr[32];
        i = open->next;
        if (open->kind == PROF_OPEN_BIRTH && !before)
            continue; /* whether it is the birth that is open, its ledger says */
        json_t *object = open->stack != 0 ? doc_site(doc, view, open->stack, true) : json_object();
        doc_set(doc, object, "owner", json_of_text(prof_view_owner(view, open, owner, sizeof owner)));
        doc_set(doc, object, "slot",
                open->slot != 0 ? json_string(prof_fmt_addr(addr, sizeof addr, open->slot)) : json_null());
        doc_set(doc, object, "birth",
                json_boolean(open->kind == PROF_OPEN_BIRTH || (open->flags & PROF_OPEN_WAS_BIRTH) != 0));
        doc_set(doc, object, "overwritten", json_boolean((open->flags & PROF_OPEN_OVERWRITTEN) != 0));
        doc_set(doc, object, "holder_freed", json_boolean((open->flags & PROF_OPEN_HOLDER_FREED) != 0));
        doc_set(doc, object, "at", json_of_seconds(open->at_us));
        doc_set(doc, object, "tid", json_of_number(open->tid));
        doc_append(doc, array, object);
    }
    return array;
}

void doc_opens(struct document *doc, struct prof_view *view, prof_obj_id id, const struct prof_ledger *ledger)
{
    json_t *unowned = json_array();
    for (size_t i = 0; ledger != NULL && i < ledger->count; i++)
        if (ledger->entries[i].open && !ledger->entries[i].owned)
            doc_append(doc, unowned, doc_ledger_entry(doc, view, &ledger->entries[i]));
    doc_set(doc, doc->root, "open", owned(doc, view, id));
    doc_set(doc, doc->root, "open_unowned", unowned);
}

struct prof_error *doc_open(struct document *doc, struct prof_view *view, prof_obj_id id)
{
    const struct prof_obj *obj = prof_heap_obj(view->heap, id);
    const struct prof_ledgers_options wanted = { .type = prof_heap_type(view->heap, obj->type)->name,
                                                 .serial = obj->serial };
    struct prof_ledgers *ledgers;
    struct prof_error *error = prof_ledgers_create(view->heap, view->symbols, view->findings, &wanted, &ledgers);
    if (error != NULL)
        return error;
    doc_opens(doc, view, id, prof_ledgers_of(ledgers, wanted.type, wanted.serial));
    prof_ledgers_destroy(ledgers);
    return NULL;
}

static json_t *step(struct document *doc, struct prof_view *view, const struct prof_parting_step *step)
{
    if (step->entry == NULL)
        return json_null();
    json_t *object = doc_ledger_entry(doc, view, step->entry);
    doc_set(doc, object, "leaked", json_of_number(step->leaked));
    doc_set(doc, object, "siblings", json_of_number(step->siblings));
    return object;
}

static json_t *there(struct document *doc, struct prof_view *view, const struct prof_parting *parting)
{
    json_t *object = step(doc, view, &parting->there);
    if (parting->there.entry == NULL)
        return object;
    doc_set(doc, object, "after", json_of_seconds(parting->there.after_us));
    doc_set(doc, object, "other_thread", json_boolean(parting->there.other_thread));
    return object;
}

static json_t *through(struct document *doc, struct prof_view *view, const struct prof_parting *parting)
{
    if (parting->frame == NULL)
        return json_null();
    json_t *object = json_object();
    doc_frame(doc, object, parting->frame);
    doc_set(doc, object, "leaked", json_of_number(parting->frame_leaked));
    doc_set(doc, object, "siblings", json_of_number(parting->frame_siblings));
    doc_set(doc, object, "to", doc_ledger_entry(doc, view, parting->through));
    return object;
}

static json_t *extra(struct document *doc, struct prof_view *view, const struct prof_parting *parting)
{
    if (parting->extra == NULL)
        return json_null();
    bool learned = parting->extra_evidence == PROF_EVIDENCE_LEARNED;
    json_t *object = doc_ledger_entry(doc, view, parting->extra);
    doc_set(doc, object, "why", json_string(prof_evidence_name(parting->extra_evidence)));
    doc_set(doc, object, "before", learned ? json_null() : json_of_number(parting->extra_before->number));
    doc_set(doc, object, "siblings", learned ? json_of_number(parting->extra_siblings) : json_null());
    doc_set(doc, object, "siblings_of", learned ? json_of_number(parting->extra_of) : json_null());
    return object;
}

json_t *doc_siblings(struct document *doc, struct prof_view *view, const struct prof_finding *finding)
{
    const struct prof_parting *parting = view->ledgers != NULL ? prof_ledgers_parting(view->ledgers, finding) : NULL;
    char name[512];
    if (parting == NULL)
        return json_null();
    json_t *object = json_object(), *life = json_array();
    snprintf(name, sizeof name, "%s#%u", parting->example->type, parting->example->serial);
    doc_set(doc, object, "example", json_of_text(name));
    for (size_t i = 0; i < parting->example->count; i++)
        doc_append(doc, life, doc_ledger_entry(doc, view, &parting->example->entries[i]));
    doc_set(doc, object, "life", life);
    doc_set(doc, object, "life_events", json_of_number(parting->example->events));
    doc_set(doc, object, "leaked", json_of_number(parting->leaked));
    doc_set(doc, object, "compared", json_of_number(parting->siblings));
    doc_set(doc, object, "all", json_of_number(parting->siblings_all));
    doc_set(doc, object, "alike_up_to",
            parting->parted && parting->common != NULL ? json_of_number(parting->common->number) : json_null());
    doc_set(doc, object, "here", step(doc, view, &parting->here));
    doc_set(doc, object, "there", there(doc, view, parting));
    doc_set(doc, object, "through", through(doc, view, parting));
    doc_set(doc, object, "extra", extra(doc, view, parting));
    bool timed = parting->release_of != 0;
    doc_set(doc, object, "release_after", timed ? json_of_seconds(parting->release_us) : json_null());
    doc_set(doc, object, "release_in_other_thread", timed ? json_boolean(parting->release_elsewhere) : json_null());
    return object;
}
