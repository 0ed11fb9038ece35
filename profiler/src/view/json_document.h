/* json_document.h: building the JSON documents. Only schema 1 exists: keys may be added to it, never removed or changed
 * in meaning. What is not known is null; times are seconds, sizes bytes. */
#ifndef VIEW_JSON_DOCUMENT_H
#define VIEW_JSON_DOCUMENT_H

#include "internal.h"

#include <jansson.h>

/* Every doc_ function hands the value to jansson; what could not be made is noted, and doc_finish then fails as a
 * whole. */
struct document {
    json_t *root;
    bool failed;
};
void doc_begin(struct document *doc, const char *kind);
/* Dumps and ends the document; the text is malloc'ed. */
struct prof_error *doc_finish(struct document *doc, char **ret);
/* The same, or ends it and hands on the error that was met. */
struct prof_error *doc_end(struct document *doc, struct prof_error *error, char **ret);
void doc_set(struct document *doc, json_t *object, const char *key, json_t *value);
void doc_append(struct document *doc, json_t *array, json_t *value);
/* An object of numbers, in their order. */
struct doc_number {
    const char *key;
    uint64_t value;
};
json_t *doc_numbers(struct document *doc, const struct doc_number *numbers, size_t count);

/* The rows of a table as an array of objects. */
json_t *doc_rows(struct document *doc, const struct prof_table *table);
/* The trace, the number of rows and the rows of a table, into the document itself. */
void doc_table(struct document *doc, struct prof_view *view, const struct prof_table *table);

/* Text of the target: JSON must be UTF-8, so what is not is written as \xNN. NULL becomes null. */
json_t *json_of_text(const char *value);
json_t *json_of_number(uint64_t n);
json_t *json_of_real(double value); /* null unless finite */
json_t *json_of_seconds(uint64_t us);

/* Adds function, file, line, and module and offset where those are not known. */
void doc_frame(struct document *doc, json_t *object, const struct prof_frame *frame);
/* {function, file, line, stack[]} of a stack's site; null for 0. */
json_t *doc_site(struct document *doc, struct prof_view *view, uint32_t stack, bool with_stack);
/* "Type#12"; null for 0. */
json_t *doc_object_name(struct prof_view *view, prof_obj_id obj);
/* From the root to what holds the example: [{text, object, at, interior}]; null when nothing does. */
json_t *doc_root_path(struct document *doc, struct prof_view *view, const struct prof_finding *finding);
/* {signature, edges[], closing, break, release_alone, destructors[], dangling[], dangling_all}; null without edges. */
json_t *doc_cycle(struct document *doc, struct prof_view *view, const struct prof_finding *finding);
/* One event of a life: {function, file, line, number, event, count, pair, evidence, open, at, tid, slot, text}. */
json_t *doc_ledger_entry(struct document *doc, struct prof_view *view, const struct prof_ledger_entry *entry);
/* The open references of an object into the document itself: as "open" [{function, file, line, stack[], owner, slot,
 * birth, overwritten, holder_freed, at, tid}] of those with an owner (and a birth that the trace did not see), as
 * "open_unowned" the events of its ledger (NULL: none) that no release was matched with. */
void doc_opens(struct document *doc, struct prof_view *view, prof_obj_id id, const struct prof_ledger *ledger);
/* The same, of a ledger made for it. */
struct prof_error *doc_open(struct document *doc, struct prof_view *view, prof_obj_id id);
/* {example, life[], life_events, leaked, compared, all, alike_up_to, here, there, through, release_after,
 * release_in_other_thread}; null when nobody compared them. */
json_t *doc_siblings(struct document *doc, struct prof_view *view, const struct prof_finding *finding);
/* One of findings[]. */
json_t *doc_finding(struct document *doc, struct prof_view *view, const struct prof_finding *finding);
json_t *doc_audit(struct document *doc, struct prof_view *view);
/* {path, args, pid, exit, build_id} */
json_t *doc_program(struct document *doc, struct prof_view *view);

#endif
