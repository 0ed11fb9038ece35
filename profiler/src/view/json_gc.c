/* json_gc.c: the JSON document of the cycle detector's generations. */
#include "json_document.h"

#include <string.h>

/* The rows of a table as an array. */
static struct prof_error *add_table(struct document *doc, struct prof_view *view, const struct prof_gc_report *report,
                                    enum prof_gc_table which, const char *key)
{
    static const struct prof_query all;
    const struct prof_table *table;
    struct prof_error *error = prof_view_gc(view, report, which, &all, &table);
    if (error == NULL)
        doc_set(doc, doc->root, key, doc_rows(doc, table));
    return error;
}

struct named {
    struct document *doc;
    struct prof_view *view;
    json_t *array;
};
static void add_object(void *ctx, prof_obj_id id)
{
    struct named *to = ctx;
    doc_append(to->doc, to->array, doc_object_name(to->view, id));
}

static void add_hazard(void *ctx, const struct prof_gc_hazard *hazard)
{
    struct named *to = ctx;
    char addr[32];
    json_t *object = json_object();
    doc_set(to->doc, object, "object", doc_object_name(to->view, hazard->obj));
    doc_set(to->doc, object, "holder", doc_object_name(to->view, hazard->holder));
    doc_set(to->doc, object, "slot", json_string(prof_fmt_addr(addr, sizeof addr, hazard->slot)));
    doc_set(to->doc, object, "set", doc_site(to->doc, to->view, hazard->stack, false));
    doc_append(to->doc, to->array, object);
}

static struct prof_error *add_lists(struct document *doc, struct prof_view *view, const struct prof_gc_report *report)
{
    struct named to = { doc, view, json_array() };
    struct prof_error *error = prof_gc_retained(report->gc, add_object, &to);
    doc_set(doc, doc->root, "retained", to.array);
    to.array = json_array();
    if (error == NULL)
        error = prof_gc_hazards(report->gc, add_hazard, &to);
    doc_set(doc, doc->root, "hazards", to.array);
    to.array = json_array();
    prof_gc_sources(report->gc, add_object, &to);
    doc_set(doc, doc->root, "sources", to.array);
    to.array = json_array();
    prof_gc_underflows(report->gc, add_object, &to);
    doc_set(doc, doc->root, "underflows", to.array);
    return error;
}

struct prof_error *prof_json_gc(struct prof_view *view, const struct prof_gc_report *report, char **ret)
{
    struct document doc;
    struct prof_gc_totals t;

    doc_begin(&doc, "gc");
    prof_gc_totals(report->gc, &t);
    const struct doc_number numbers[] = {
        { "passes", t.passes }, { "tracked", t.tracked },     { "frozen", t.frozen },   { "garbage", t.garbage },
        { "found", t.found },   { "confirmed", t.confirmed }, { "revived", t.revived }, { "withdrawn", t.withdrawn },
    };
    doc_set(&doc, doc.root, "trace", json_of_text(prof_trace_info(prof_heap_trace(view->heap))->path));
    doc_set(&doc, doc.root, "enabled", json_boolean(prof_gc_is_enabled(report->gc)));
    doc_set(&doc, doc.root, "debug", json_of_number(prof_gc_debug(report->gc)));
    doc_set(&doc, doc.root, "totals", doc_numbers(&doc, numbers, sizeof numbers / sizeof *numbers));
    struct prof_error *error = add_table(&doc, view, report, PROF_GC_TABLE_GARBAGE, "garbage");
    if (error == NULL)
        error = add_table(&doc, view, report, PROF_GC_TABLE_STATS, "stats");
    if (error == NULL)
        error = add_table(&doc, view, report, PROF_GC_TABLE_PASSES, "passes");
    if (error == NULL)
        error = add_lists(&doc, view, report);
    if (error != NULL) {
        json_decref(doc.root);
        return error;
    }
    return doc_finish(&doc, ret);
}
