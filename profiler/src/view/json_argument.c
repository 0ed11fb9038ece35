/* json_argument.c: the JSON document of the whole argument behind a finding. */
#include "json_document.h"

#include <string.h>

#include <prof/annotate.h>
#include <prof/argument.h>

static bool same_site(struct prof_view *view, uint32_t a, uint32_t b)
{
    const struct prof_frame *x = prof_symbols_site_frame(view->symbols, a);
    const struct prof_frame *y = prof_symbols_site_frame(view->symbols, b);
    return x->offset == y->offset && strcmp(x->module, y->module) == 0 && x->line == y->line;
}

const struct prof_coverage_step *prof_view_deciding(struct prof_view *view, const struct prof_coverage *coverage,
                                                    const struct prof_finding *finding)
{
    const struct prof_coverage_step *list;
    size_t count = prof_coverage_steps(coverage, &list);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < finding->open_count; j++)
            if (finding->open[j].pairing != PROF_PAIR_SLOT &&
                same_site(view, list[i].take->stack, finding->open[j].stack))
                return &list[i];
    return NULL;
}

static json_t *divergence(struct document *doc, const struct prof_balance *balance)
{
    const struct prof_balance_node *nodes;
    uint32_t at = balance != NULL ? prof_balance_divergence(balance) : 0;
    if (at == 0)
        return json_null();
    prof_balance_nodes(balance, &nodes);
    json_t *object = json_object(), *lines = json_array();
    doc_frame(doc, object, nodes[at].frame);
    doc_set(doc, object, "difference", json_of_real(nodes[at].difference));
    for (uint32_t i = nodes[at].first; i != PROF_BALANCE_NONE; i = nodes[i].next) {
        json_t *line = json_object();
        doc_frame(doc, line, nodes[i].frame);
        doc_set(doc, line, "leaked", json_of_real(nodes[i].leaked));
        doc_set(doc, line, "freed", json_of_real(nodes[i].freed));
        doc_append(doc, lines, line);
    }
    doc_set(doc, object, "lines", lines);
    return object;
}

static json_t *annotate(struct document *doc, struct prof_view *view, const struct prof_coverage_step *step)
{
    struct prof_annotation a;
    if (step == NULL)
        return json_null();
    prof_view_annotation(view, step->take->stack, step->take->birth ? PROF_ANNOTATE_BIRTH : PROF_ANNOTATE_TAKE, &a);
    json_t *object = json_object();
    doc_set(doc, object, "place", json_of_text(a.place));
    doc_set(doc, object, "is", a.is[0] != '\0' ? json_of_text(a.is) : json_null());
    doc_set(doc, object, "becomes", json_of_text(a.becomes));
    doc_set(doc, object, "wrapper", step->wrapper != NULL ? json_of_text(step->wrapper->function) : json_null());
    return object;
}

struct prof_error *prof_json_argument(struct prof_view *view, const struct prof_argument *argument, char **ret)
{
    struct document doc;
    doc_begin(&doc, "explain");
    json_t *life = argument->life != NULL ? json_array() : json_null();
    for (size_t i = 0; argument->life != NULL && i < argument->life->count; i++)
        doc_append(&doc, life, doc_ledger_entry(&doc, view, &argument->life->entries[i]));
    json_t *narrow = argument->narrow != NULL ? json_object() : json_null();
    if (argument->narrow != NULL) {
        doc_set(&doc, narrow, "command", json_of_text(argument->narrow->command));
        doc_set(&doc, narrow, "gdb", json_of_text(argument->narrow->gdb));
    }
    doc_set(&doc, doc.root, "trace", json_of_text(prof_trace_info(prof_heap_trace(view->heap))->path));
    doc_set(&doc, doc.root, "finding", doc_finding(&doc, view, argument->finding));
    doc_set(&doc, doc.root, "life", life);
    doc_set(&doc, doc.root, "divergence", divergence(&doc, argument->balance));
    doc_set(&doc, doc.root, "annotate", annotate(&doc, view, argument->annotate));
    doc_set(&doc, doc.root, "narrow", narrow);
    doc_set(&doc, doc.root, "audit", doc_audit(&doc, view));
    return doc_finish(&doc, ret);
}
