/* json_narrow.c: the JSON document of how to look at a few objects again. */
#include "json_document.h"

#include <prof/narrow.h>

struct prof_error *prof_json_narrow(const struct prof_selection *selection, const struct prof_narrow *narrow,
                                    char **ret)
{
    struct document doc;
    doc_begin(&doc, "narrow");
    json_t *notes = json_array();
    for (size_t i = 0; narrow->notes[i] != NULL; i++)
        doc_append(&doc, notes, json_of_text(narrow->notes[i]));
    doc_set(&doc, doc.root, "trace", json_of_text(prof_trace_info(prof_heap_trace(selection->view->heap))->path));
    doc_set(&doc, doc.root, "type", json_of_text(prof_heap_type(selection->view->heap, selection->type)->name));
    doc_set(&doc, doc.root, "objects", json_of_text(narrow->objects));
    doc_set(&doc, doc.root, "count", json_of_number(narrow->count));
    doc_set(&doc, doc.root, "healthy", json_of_number(narrow->healthy));
    doc_set(&doc, doc.root, "of", json_of_number(narrow->of));
    doc_set(&doc, doc.root, "command", json_of_text(narrow->command));
    doc_set(&doc, doc.root, "environment", json_of_text(narrow->environment));
    doc_set(&doc, doc.root, "watched", json_of_text(narrow->watched));
    doc_set(&doc, doc.root, "gdb", json_of_text(narrow->gdb));
    doc_set(&doc, doc.root, "gdb_why_not", json_of_text(narrow->gdb_why_not));
    doc_set(&doc, doc.root, "notes", notes);
    return doc_finish(&doc, ret);
}
