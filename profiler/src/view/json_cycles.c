/* json_cycles.c: a cycle with what breaking each of its references would free, and the JSON document of cycles. */
#include "json_document.h"

#include <stdlib.h>

static json_t *edge(struct document *doc, struct prof_view *view, const struct prof_finding_edge *edge)
{
    json_t *object = edge->stack != 0 ? doc_site(doc, view, edge->stack, false) : json_object();
    doc_set(doc, object, "from", doc_object_name(view, edge->from));
    doc_set(doc, object, "field", json_of_text(edge->field));
    doc_set(doc, object, "to", doc_object_name(view, edge->to));
    doc_set(doc, object, "pairing", json_string(prof_pairing_name(edge->adopted ? PROF_PAIR_ADOPTED : PROF_PAIR_SLOT)));
    doc_set(doc, object, "taken", edge->timed ? json_of_seconds(edge->taken_us) : json_null());
    doc_set(doc, object, "frees", edge->tried ? json_of_number(edge->frees_bytes) : json_null());
    doc_set(doc, object, "frees_objects", edge->tried ? json_of_number(edge->frees_objects) : json_null());
    return object;
}

static json_t *objects(struct document *doc, struct prof_view *view, const prof_obj_id *list, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        doc_append(doc, array, doc_object_name(view, list[i]));
    return array;
}

static json_t *needs(struct document *doc, struct prof_view *view, const struct prof_finding *finding)
{
    json_t *array = json_array();
    for (size_t i = 0; i < finding->need_count; i++) {
        json_t *object = json_object();
        doc_set(doc, object, "destructor_of", doc_object_name(view, finding->needs[i].from));
        doc_set(doc, object, "field", json_of_text(finding->needs[i].field));
        doc_set(doc, object, "object", doc_object_name(view, finding->needs[i].to));
        doc_append(doc, array, object);
    }
    return array;
}

static json_t *dangling(struct document *doc, struct prof_view *view, const struct prof_finding *finding)
{
    json_t *array = json_array();
    for (size_t i = 0; i < finding->hazard_count; i++) {
        const struct prof_finding_hazard *hazard = &finding->hazards[i];
        json_t *object = hazard->stack != 0 ? doc_site(doc, view, hazard->stack, false) : json_object();
        doc_set(doc, object, "text", json_of_text(hazard->text));
        doc_set(doc, object, "object", doc_object_name(view, hazard->obj));
        doc_append(doc, array, object);
    }
    return array;
}

static const char *type_of(struct prof_view *view, prof_obj_id obj)
{
    return obj != 0 && obj < prof_heap_obj_max(view->heap)
               ? prof_heap_type(view->heap, prof_heap_obj(view->heap, obj)->type)->name
               : "?";
}

static json_t *signature(struct prof_view *view, const struct prof_finding *finding)
{
    struct prof_str text = { 0 };
    for (size_t i = 0; i < finding->edge_count; i++)
        prof_str_addf(&text, "%s --%s--> ", type_of(view, finding->edges[i].from),
                      finding->edges[i].field != NULL ? finding->edges[i].field : "?");
    prof_str_add(&text, type_of(view, finding->edges[0].from));
    char *words = prof_str_take(&text);
    json_t *value = words != NULL ? json_of_text(words) : NULL;
    free(words);
    return value;
}

json_t *doc_cycle(struct document *doc, struct prof_view *view, const struct prof_finding *finding)
{
    if (finding->edge_count == 0)
        return json_null();
    json_t *object = json_object(), *edges = json_array(), *cut = json_null(), *release = json_null();
    doc_set(doc, object, "signature", signature(view, finding));
    for (size_t i = 0; i < finding->edge_count; i++)
        doc_append(doc, edges, edge(doc, view, &finding->edges[i]));
    doc_set(doc, object, "edges", edges);
    doc_set(doc, object, "closing",
            finding->closing_edge < finding->edge_count ? json_of_number(finding->closing_edge) : json_null());
    if (finding->break_edge < finding->edge_count) {
        json_t *reasons = json_array();
        cut = edge(doc, view, &finding->edges[finding->break_edge]);
        for (size_t i = 0; i < finding->break_reason_count; i++)
            doc_append(doc, reasons, json_of_text(finding->break_reasons[i]));
        doc_set(doc, cut, "reasons", reasons);
        doc_set(doc, cut, "ends", objects(doc, view, finding->ends, finding->end_count));
    }
    doc_set(doc, object, "break", cut);
    if (finding->verdict != PROF_CYCLE && finding->verdict != PROF_UNCOLLECTABLE) {
        release = json_object();
        doc_set(doc, release, "frees", json_of_number(finding->release_bytes));
        doc_set(doc, release, "frees_objects", json_of_number(finding->release_objects));
    }
    doc_set(doc, object, "release_alone", release);
    doc_set(doc, object, "destructors", needs(doc, view, finding));
    doc_set(doc, object, "dangling", dangling(doc, view, finding));
    doc_set(doc, object, "dangling_all", json_of_number(finding->hazards_all));
    return object;
}

static struct prof_error *add_part(struct document *doc, struct prof_view *view, const char *key,
                                   enum prof_cycles_part part)
{
    const struct prof_finding *const *list;
    json_t *array = json_array();
    size_t count = 0;
    struct prof_error *error = prof_view_cycles(view, part, &list, &count);

    for (size_t i = 0; i < count; i++) {
        json_t *object = doc_finding(doc, view, list[i]);
        doc_set(doc, object, "cost", json_of_real(prof_finding_cost(view, list[i])));
        doc_append(doc, array, object);
    }
    doc_set(doc, doc->root, key, array);
    return error;
}

static json_t *underflows(struct document *doc, struct prof_view *view)
{
    const struct prof_underflow *list;
    uint64_t all;
    size_t count = prof_findings_underflows(view->findings, &list, &all);
    json_t *array = json_array();

    for (size_t i = 0; i < count; i++) {
        json_t *object = json_object();
        doc_set(doc, object, "object", doc_object_name(view, list[i].obj));
        doc_set(doc, object, "count", json_integer(list[i].count));
        doc_set(doc, object, "known", json_integer(list[i].known));
        doc_set(doc, object, "observed", json_boolean(list[i].observed));
        doc_append(doc, array, object);
    }
    doc_set(doc, doc->root, "underflows_all", json_of_number(all));
    return array;
}

struct prof_error *prof_json_cycles(struct prof_view *view, char **ret)
{
    static const char *const keys[PROF_CYCLES_COUNT_] = { [PROF_CYCLES_LEAKED] = "cycles",
                                                          [PROF_CYCLES_HELD] = "held",
                                                          [PROF_CYCLES_OVER] = "over_retained",
                                                          [PROF_CYCLES_ZERO] = "zero_not_freed" };
    struct document doc;
    struct prof_error *error = NULL;

    doc_begin(&doc, "cycles");
    if (view->findings == NULL)
        error = prof_error_create(PROF_ERROR_ARGUMENT, "this view has no findings");
    if (error == NULL) {
        doc_set(&doc, doc.root, "program", doc_program(&doc, view));
        doc_set(&doc, doc.root, "audit", doc_audit(&doc, view));
    }
    for (int part = 0; error == NULL && part < PROF_CYCLES_COUNT_; part++)
        error = add_part(&doc, view, keys[part], (enum prof_cycles_part)part);
    if (error != NULL) {
        json_decref(doc.root);
        return error;
    }
    doc_set(&doc, doc.root, "underflows", underflows(&doc, view));
    return doc_finish(&doc, ret);
}
