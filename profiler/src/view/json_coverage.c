/* json_coverage.c: the JSON document of references with and without owner, and of what to annotate next. */
#include "json_document.h"

#include <prof/annotate.h>

static struct prof_error *add_table(struct document *doc, struct prof_view *view, const struct prof_coverage *coverage,
                                    enum prof_coverage_table which, const char *module, const char *key)
{
    static const struct prof_query all;
    const struct prof_table *table;
    struct prof_error *error = prof_view_coverage(view, coverage, which, module, &all, &table);
    if (error == NULL)
        doc_set(doc, doc->root, key, doc_rows(doc, table));
    return error;
}

/* {site, count, place, file, line, is, becomes}: place, file and line are those of the line to be changed */
static json_t *place(struct document *doc, struct prof_view *view, const struct prof_coverage_site *site,
                     enum prof_annotation_kind kind)
{
    struct prof_annotation annotation;
    json_t *object = json_object();
    prof_view_annotation(view, site->stack, kind, &annotation);
    doc_set(doc, object, "site", doc_site(doc, view, site->stack, false));
    doc_set(doc, object, "count", json_of_number(kind == PROF_ANNOTATE_GIVE ? site->given : site->taken));
    doc_set(doc, object, "place", json_of_text(annotation.place));
    doc_set(doc, object, "file", json_of_text(annotation.file));
    doc_set(doc, object, "line", annotation.line != 0 ? json_of_number(annotation.line) : json_null());
    doc_set(doc, object, "is", annotation.is[0] != '\0' ? json_of_text(annotation.is) : json_null());
    doc_set(doc, object, "becomes", json_of_text(annotation.becomes));
    return object;
}

static json_t *step_json(struct document *doc, struct prof_view *view, const struct prof_coverage_step *step)
{
    json_t *object = json_object(), *gives = json_array();
    const struct prof_coverage_site *take = step->take;
    doc_set(doc, object, "type", json_of_text(prof_heap_type(view->heap, take->type)->name));
    doc_set(doc, object, "birth", json_boolean(take->birth));
    doc_set(doc, object, "taken", place(doc, view, take, take->birth ? PROF_ANNOTATE_BIRTH : PROF_ANNOTATE_TAKE));
    doc_set(doc, object, "of", json_of_number(step->of));
    doc_set(doc, object, "findings", json_of_number(take->findings));
    doc_set(doc, object, "undecided", json_of_number(take->objects));
    doc_set(doc, object, "tied", json_of_number(take->tied));
    doc_set(doc, object, "bytes", json_of_number(take->bytes));
    doc_set(doc, object, "wrapper", step->wrapper != NULL ? json_of_text(step->wrapper->function) : json_null());
    for (size_t i = 0; i < step->give_count; i++)
        doc_append(doc, gives, place(doc, view, step->gives[i], PROF_ANNOTATE_GIVE));
    doc_set(doc, object, "given", gives);
    doc_set(doc, object, "given_one_of", json_boolean(step->one_of));
    doc_set(doc, object, "given_more", json_of_number(step->gives_more));
    return object;
}

static json_t *wrappers(struct document *doc, const struct prof_wrappers *wrappers)
{
    const struct prof_wrapper *list;
    size_t count = prof_wrappers_list(wrappers, &list);
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *object = json_object();
        doc_set(doc, object, "function", json_of_text(list[i].function));
        doc_set(doc, object, "file", json_of_text(list[i].file));
        doc_set(doc, object, "line", list[i].line != 0 ? json_of_number(list[i].line) : json_null());
        doc_set(doc, object, "module", json_of_text(list[i].module));
        doc_set(doc, object, "taken", json_of_number(list[i].taken));
        doc_set(doc, object, "given", json_of_number(list[i].given));
        doc_set(doc, object, "callers", json_of_number(list[i].callers));
        doc_set(doc, object, "named", json_boolean(list[i].named));
        doc_append(doc, array, object);
    }
    return array;
}

struct prof_error *prof_json_coverage(struct prof_view *view, const struct prof_coverage *coverage, const char *module,
                                      char **ret)
{
    enum { STEPS_MOST = 100 };
    const struct prof_coverage_step *list;
    size_t count = prof_coverage_steps(coverage, &list), steps = 0;
    struct document doc;
    doc_begin(&doc, "coverage");
    doc_set(&doc, doc.root, "trace", json_of_text(prof_trace_info(prof_heap_trace(view->heap))->path));
    struct prof_error *error = add_table(&doc, view, coverage, PROF_COVERAGE_TABLE_TYPES, module, "types");
    json_t *array = json_array();
    for (size_t i = 0; i < count && steps < STEPS_MOST; i++) {
        if (module != NULL && !prof_module_fits(module, list[i].take->module))
            continue;
        steps++;
        doc_append(&doc, array, step_json(&doc, view, &list[i]));
    }
    doc_set(&doc, doc.root, "steps", array);
    doc_set(&doc, doc.root, "wrappers", wrappers(&doc, prof_coverage_wrappers(coverage)));
    if (error == NULL)
        error = add_table(&doc, view, coverage, PROF_COVERAGE_TABLE_MODULES, module, "modules");
    if (error == NULL)
        error = add_table(&doc, view, coverage, PROF_COVERAGE_TABLE_SITES, module, "sites");
    return doc_end(&doc, error, ret);
}
