/* json_info.c: the JSON documents of a trace's facts, of one object, of one place. */
#include "json_document.h"

#include <stdlib.h>
#include <string.h>

/* ---- info ----------------------------------------------------------------------------------------------------------
 */
static json_t *modules(struct document *doc, struct prof_view *view)
{
    const struct prof_module_map *maps;
    size_t count = prof_trace_module_maps(prof_heap_trace(view->heap), &maps);
    json_t *array = json_array();
    const char *last = NULL;
    for (size_t i = 0; count != 0 && i < maps[count - 1].count; i++) {
        const struct prof_module *module = &maps[count - 1].modules[i];
        char hex[64], addr[32];
        if (module->path[0] == '\0' || (last != NULL && strcmp(last, module->path) == 0))
            continue;
        last = module->path;
        json_t *object = json_object();
        bool known = module->build_id_len != 0 && module->build_id_len <= sizeof module->build_id;
        doc_set(doc, object, "path", json_of_text(module->path));
        doc_set(doc, object, "start", json_string(prof_fmt_addr(addr, sizeof addr, module->start)));
        doc_set(doc, object, "build_id",
                known ? json_string(prof_fmt_hex(hex, sizeof hex, module->build_id, module->build_id_len))
                      : json_null());
        doc_append(doc, array, object);
    }
    return array;
}

static json_t *loss(struct document *doc, const struct trk_loss *loss)
{
    const struct doc_number numbers[] = {
        { "dropped", loss->dropped },       { "holes", loss->holes },         { "emergency", loss->emergency },
        { "depot_full", loss->depot_full }, { "text_full", loss->text_full }, { "write_lost", loss->write_lost },
        { "in_flight", loss->in_flight },
    };
    return doc_numbers(doc, numbers, sizeof numbers / sizeof *numbers);
}

static json_t *events(struct document *doc, const struct prof_heap_totals *totals)
{
    json_t *object = json_object();
    for (unsigned op = 0; op < TRK_OP_COUNT_; op++)
        if (totals->by_op[op] != 0)
            doc_set(doc, object, prof_op_name(op), json_of_number(totals->by_op[op]));
    if (totals->marks_thinned != 0)
        doc_set(doc, object, "marks_left_out", json_of_number(totals->marks_thinned));
    return object;
}

static json_t *checkpoints(struct document *doc, const struct prof_heap *heap)
{
    const struct prof_checkpoint *list;
    size_t count = prof_heap_checkpoints(heap, &list);
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *object = json_object();
        doc_set(doc, object, "number", json_of_number(list[i].number));
        doc_set(doc, object, "name", json_of_text(list[i].name));
        doc_set(doc, object, "at", json_of_seconds(list[i].at_us));
        doc_set(doc, object, "why", json_string(prof_look_name(list[i].why)));
        doc_set(doc, object, "read", json_string(prof_rung_name(list[i].rung)));
        doc_set(doc, object, "single_thread", json_boolean(list[i].single));
        doc_set(doc, object, "cut", json_boolean(list[i].cut));
        doc_set(doc, object, "late", json_boolean(list[i].late));
        doc_set(doc, object, "pause", json_of_seconds(list[i].pause_us));
        doc_set(doc, object, "took", json_of_seconds(list[i].took_us));
        doc_set(doc, object, "words", json_of_number(list[i].words));
        doc_set(doc, object, "counts", json_of_number(list[i].counts));
        doc_set(doc, object, "bytes", json_of_number(list[i].read_bytes));
        doc_set(doc, object, "unread_bytes", json_of_number(list[i].unread_bytes));
        doc_set(doc, object, "threads", json_of_number(list[i].threads));
        doc_set(doc, object, "threads_unread", json_of_number(list[i].threads_unread));
        doc_append(doc, array, object);
    }
    return array;
}

static json_t *gaps(struct document *doc, struct prof_view *view)
{
    const struct prof_symbols_gap *list;
    size_t count = prof_symbols_gaps(view->symbols, &list);
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *object = json_object();
        doc_set(doc, object, "module", json_of_text(list[i].module));
        doc_set(doc, object, "what", json_of_text(list[i].what));
        doc_set(doc, object, "frames", json_of_number(list[i].frames));
        doc_append(doc, array, object);
    }
    return array;
}

/* null: everything was kept. */
static json_t *flight(struct document *doc, struct prof_view *view)
{
    struct prof_flight flight = prof_trace_flight(prof_heap_trace(view->heap));
    if (!flight.active)
        return json_null();
    json_t *object = json_object();
    doc_set(doc, object, "from", json_of_seconds(flight.from_us));
    doc_set(doc, object, "overwritten", json_of_number(flight.overwritten));
    return object;
}

static uint64_t number_of(const char *text)
{
    uint64_t number = 0;
    return text != NULL && prof_parse_quantity(text, PROF_UNIT_NONE, &number) ? number : 0;
}

/* What of the events is in the file; null when that is all and may be all. */
static json_t *kept(struct document *doc, struct prof_view *view)
{
    const struct prof_trace *trace = prof_heap_trace(view->heap);
    const struct prof_trace_info *info = prof_trace_info(trace);
    const char *keep = prof_trace_meta(trace, "keep");
    uint64_t most = number_of(prof_trace_meta(trace, "max_trace"));
    if (keep == NULL || (strcmp(keep, "all") == 0 && most == 0))
        return json_null();
    json_t *object = json_object();
    doc_set(doc, object, "mode", json_of_text(keep));
    doc_set(doc, object, "max_bytes", most != 0 ? json_of_number(most) : json_null());
    doc_set(doc, object, "folds", json_of_number(number_of(prof_trace_meta(trace, "folds"))));
    doc_set(doc, object, "folds_failed", json_of_number(number_of(prof_trace_meta(trace, "folds_failed"))));
    doc_set(doc, object, "note", json_of_text(prof_trace_meta(trace, "fold_note")));
    static const char *const use[] = { "ring_most", "ring_waits", "fold_ring_most", "fold_ring_waits" };
    for (size_t i = 0; i < sizeof use / sizeof *use; i++) {
        const char *number = prof_trace_meta(trace, use[i]);
        doc_set(doc, object, use[i], number != NULL ? json_of_number(number_of(number)) : json_null());
    }
    doc_set(doc, object, "state_at", info->has_state ? json_of_seconds(info->state_us) : json_null());
    doc_set(doc, object, "state_events", json_of_number(info->state_events));
    return object;
}

static json_t *adapters(struct document *doc, const struct prof_trace *trace)
{
    const char *at = prof_trace_meta(trace, "adapters"), *hooks = prof_trace_meta(trace, "hooks");
    struct prof_adapted adapted;
    json_t *array = json_array();
    while (prof_adapted_next(&at, hooks, &adapted)) {
        json_t *object = json_object();
        doc_set(doc, object, "name", json_of_text(adapted.name));
        doc_set(doc, object, "origin", json_of_text(adapted.how));
        doc_set(doc, object, "path", json_of_text(adapted.path));
        doc_set(doc, object, "libraries", json_of_text(adapted.libraries));
        doc_set(doc, object, "module", json_of_text(adapted.module[0] != '\0' ? adapted.module : NULL));
        doc_set(doc, object, "functions", json_of_number(adapted.functions));
        doc_set(doc, object, "functions_called", json_of_number(adapted.called));
        doc_set(doc, object, "calls", json_of_number(adapted.calls));
        doc_append(doc, array, object);
    }
    return array;
}

struct prof_error *prof_json_info(struct prof_view *view, char **ret)
{
    const struct prof_trace_info *info = prof_trace_info(prof_heap_trace(view->heap));
    const struct prof_heap_totals *totals = prof_heap_totals(view->heap);
    struct document doc;
    char id[64], date[64];
    doc_begin(&doc, "info");
    doc_set(&doc, doc.root, "program", doc_program(&doc, view));
    json_t *trace = json_object();
    doc_set(&doc, trace, "path", json_of_text(info->path));
    doc_set(&doc, trace, "bytes", json_of_number(info->file_bytes));
    doc_set(&doc, trace, "usable_bytes", json_of_number(info->usable_bytes));
    if (info->has_state) {
        json_t *state = json_object();
        doc_set(&doc, state, "at", json_of_seconds(info->state_us));
        doc_set(&doc, state, "events", json_of_number(info->state_events));
        doc_set(&doc, trace, "state", state);
    }
    doc_set(&doc, trace, "format", json_sprintf("%u.%u", info->major, info->minor));
    doc_set(&doc, trace, "id", json_string(prof_fmt_hex(id, sizeof id, info->trace_id, sizeof info->trace_id)));
    doc_set(&doc, trace, "created",
            info->created_ns != 0 ? json_string(prof_fmt_date(date, sizeof date, info->created_ns)) : json_null());
    doc_set(&doc, trace, "finished", json_boolean(info->finished));
    doc_set(&doc, trace, "damage", json_of_text(info->damage));
    doc_set(&doc, trace, "duration", json_of_seconds(info->end_us));
    doc_set(&doc, trace, "records", json_of_number(info->records));
    doc_set(&doc, trace, "blocks", json_of_number(info->blocks));
    doc_set(&doc, trace, "unknown_blocks", json_of_number(info->unknown_blocks));
    doc_set(&doc, trace, "host", json_of_text(info->host));
    doc_set(&doc, trace, "recorder", json_of_text(info->recorder));
    doc_set(&doc, trace, "options", json_of_text(info->options));
    doc_set(&doc, trace, "keep", kept(&doc, view));
    doc_set(&doc, trace, "parent_pid", json_of_number(info->parent_pid));
    doc_set(&doc, trace, "parent_trace", json_of_text(info->parent_trace));
    doc_set(&doc, trace, "malloc_note", json_of_text(info->malloc_note));
    doc_set(&doc, trace, "attached", json_boolean(info->attached));
    doc_set(&doc, trace, "flight", flight(&doc, view));
    doc_set(&doc, doc.root, "trace", trace);
    doc_set(&doc, doc.root, "loss", loss(&doc, &info->loss));
    doc_set(&doc, doc.root, "events", events(&doc, totals));
    json_t *heap = json_object();
    doc_set(&doc, heap, "live_objects", json_of_number(totals->live_objects));
    doc_set(&doc, heap, "live_blocks", json_of_number(totals->live_blocks));
    doc_set(&doc, heap, "live_bytes", json_of_number(totals->live_bytes));
    doc_set(&doc, heap, "mmap_bytes", json_of_number(totals->mmap_bytes));
    doc_set(&doc, heap, "peak_bytes", json_of_number(totals->peak_bytes));
    doc_set(&doc, heap, "peak_at", json_of_seconds(totals->peak_us));
    doc_set(&doc, heap, "allocs", json_of_number(totals->allocs));
    doc_set(&doc, heap, "frees", json_of_number(totals->frees));
    doc_set(&doc, heap, "alloc_bytes", json_of_number(totals->alloc_bytes));
    doc_set(&doc, heap, "unknown_frees", json_of_number(totals->unknown_frees));
    doc_set(&doc, heap, "unknown_objects", json_of_number(totals->unknown_objects));
    doc_set(&doc, heap, "forced", json_of_number(totals->forced));
    doc_set(&doc, doc.root, "heap", heap);
    doc_set(&doc, doc.root, "checkpoints", checkpoints(&doc, view->heap));
    doc_set(&doc, doc.root, "checkpoints_all", json_of_number(totals->memories));
    doc_set(&doc, doc.root, "checkpoints_lost", json_of_number(info->memories_lost));
    doc_set(&doc, doc.root, "adapters", adapters(&doc, prof_heap_trace(view->heap)));
    doc_set(&doc, doc.root, "modules", modules(&doc, view));
    doc_set(&doc, doc.root, "symbol_gaps", gaps(&doc, view));
    return doc_finish(&doc, ret);
}

/* ---- one object ----------------------------------------------------------------------------------------------------
 */
/* Null of what died. */
static json_t *split(struct document *doc, struct prof_graph *graph, prof_node node)
{
    if (node == PROF_NODE_NONE)
        return json_null();
    struct prof_refcount rc = prof_graph_refcount(graph, node);
    json_t *object = json_object();
    doc_set(doc, object, "holders", json_integer(rc.heap));
    doc_set(doc, object, "roots", json_integer(rc.roots));
    doc_set(doc, object, "stacks", json_integer(rc.stacks));
    doc_set(doc, object, "elsewhere", json_integer(rc.gone));
    doc_set(doc, object, "anonymous", json_integer(rc.anonymous));
    doc_set(doc, object, "unbacked", json_integer(rc.unbacked));
    doc_set(doc, object, "unaccounted", rc.observed ? json_integer(rc.unaccounted) : json_null());
    return object;
}

static json_t *balance(struct document *doc, struct prof_view *view, const struct prof_obj *obj)
{
    json_t *array = json_array();
    for (uint32_t i = obj->first_site; i != 0 && !doc->failed;) {
        const struct prof_site_count *count = prof_heap_site_count(view->heap, i);
        i = count->next;
        json_t *object = count->stack != 0 ? doc_site(doc, view, count->stack, true) : json_object();
        doc_set(doc, object, "taken", json_of_number(count->taken));
        doc_set(doc, object, "given", json_of_number(count->given));
        doc_append(doc, array, object);
    }
    return array;
}

struct prof_error *prof_json_object(struct prof_view *view, struct prof_graph *graph, prof_obj_id id, char **ret)
{
    struct document doc;
    char addr[32];
    if (id == 0 || id >= prof_heap_obj_max(view->heap))
        return prof_error_create(PROF_ERROR_ARGUMENT, "there is no object with id %u", id);
    const struct prof_obj *obj = prof_heap_obj(view->heap, id);
    const struct prof_type *type = prof_heap_type(view->heap, obj->type);
    const struct prof_finding *finding = view->findings != NULL ? prof_findings_of(view->findings, id) : NULL;
    doc_begin(&doc, "object");
    doc_set(&doc, doc.root, "object", doc_object_name(view, id));
    doc_set(&doc, doc.root, "type", json_of_text(type->name));
    doc_set(&doc, doc.root, "serial", json_of_number(obj->serial));
    doc_set(&doc, doc.root, "id", json_of_number(id));
    doc_set(&doc, doc.root, "addr", json_string(prof_fmt_addr(addr, sizeof addr, obj->addr)));
    doc_set(&doc, doc.root, "bytes", obj->size != 0 ? json_of_number(obj->size) : json_null());
    doc_set(&doc, doc.root, "state", json_string(prof_state_name(obj->state)));
    doc_set(&doc, doc.root, "count", json_integer(obj->count));
    doc_set(&doc, doc.root, "observed",
            (obj->flags & PROF_OBJ_COUNTED) != 0 ? json_integer(obj->observed) : json_null());
    doc_set(&doc, doc.root, "refs", json_of_number(obj->refs));
    doc_set(&doc, doc.root, "unrefs", json_of_number(obj->unrefs));
    doc_set(&doc, doc.root, "split", split(&doc, graph, prof_graph_of_obj(graph, id)));
    doc_set(&doc, doc.root, "born", doc_site(&doc, view, obj->stack, true));
    doc_set(&doc, doc.root, "born_at", json_of_seconds(obj->born_us));
    doc_set(&doc, doc.root, "last_at", json_of_seconds(obj->last_us));
    doc_set(&doc, doc.root, "tid", json_of_number(obj->tid));
    doc_set(&doc, doc.root, "verdict",
            finding != NULL ? json_string(prof_verdict_name(finding->verdict)) : json_null());
    doc_set(&doc, doc.root, "finding", finding != NULL ? json_integer(finding->id) : json_null());
    doc_set(&doc, doc.root, "balance", balance(&doc, view, obj));
    const struct prof_ledgers_options whole = { .type = type->name, .serial = obj->serial, .whole = true };
    struct prof_ledgers *ledgers = NULL;
    struct prof_error *error = prof_ledgers_create(view->heap, view->symbols, view->findings, &whole, &ledgers);
    const struct prof_ledger *ledger = error == NULL ? prof_ledgers_of(ledgers, type->name, obj->serial) : NULL;
    doc_opens(&doc, view, id, ledger);
    json_t *history = json_array();
    for (size_t i = 0; ledger != NULL && i < ledger->count && !doc.failed; i++)
        doc_append(&doc, history, doc_ledger_entry(&doc, view, &ledger->entries[i]));
    doc_set(&doc, doc.root, "history", history);
    prof_ledgers_destroy(ledgers);
    if (prof_heap_named_before(view->heap, id))
        doc_set(&doc, doc.root, "history_from",
                json_of_seconds(prof_trace_info(prof_heap_trace(view->heap))->state_us));
    return doc_end(&doc, error, ret);
}

struct prof_error *prof_json_place(struct prof_view *view, uint32_t stack, char **ret)
{
    struct document doc;
    doc_begin(&doc, "place");
    doc_set(&doc, doc.root, "place", doc_site(&doc, view, stack, true));
    return doc_finish(&doc, ret);
}
