/* json.c: what all JSON documents share, and the one of tables. */
#include "json_document.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifndef REFTRACK_VERSION
#define REFTRACK_VERSION "unknown"
#endif

/* Text of the target: JSON must be UTF-8, so what is not is written as \xNN. */
json_t *json_of_text(const char *value)
{
    if (value == NULL)
        return json_null();
    json_t *plain = json_string(value);
    if (plain != NULL)
        return plain;
    size_t size = strlen(value) * 4 + 2;
    char *escaped = malloc(size);
    if (escaped != NULL)
        plain = json_string(prof_escape_terminal(escaped, size, value));
    free(escaped);
    return plain;
}

json_t *json_of_number(uint64_t n)
{
    return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

json_t *json_of_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *json_of_seconds(uint64_t us)
{
    return json_real((double)us / 1e6);
}

void doc_set(struct document *doc, json_t *object, const char *key, json_t *value)
{
    if (value == NULL || json_object_set_new(object, key, value) != 0)
        doc->failed = true;
}

void doc_append(struct document *doc, json_t *array, json_t *value)
{
    if (value == NULL || json_array_append_new(array, value) != 0)
        doc->failed = true;
}

json_t *doc_numbers(struct document *doc, const struct doc_number *numbers, size_t count)
{
    json_t *object = json_object();
    for (size_t i = 0; i < count; i++)
        doc_set(doc, object, numbers[i].key, json_of_number(numbers[i].value));
    return object;
}

void doc_begin(struct document *doc, const char *kind)
{
    *doc = (struct document){ .root = json_object() };
    if (doc->root == NULL)
        doc->failed = true;
    doc_set(doc, doc->root, "schema", json_integer(1));
    doc_set(doc, doc->root, "tool", json_pack("{s:s, s:s}", "name", "reftrack", "version", REFTRACK_VERSION));
    doc_set(doc, doc->root, "kind", json_string(kind));
}

struct prof_error *doc_finish(struct document *doc, char **ret)
{
    char *dump = doc->failed ? NULL : json_dumps(doc->root, JSON_INDENT(1) | JSON_REAL_PRECISION(15));
    json_decref(doc->root);
    if (dump == NULL)
        return prof_error_memory();
    *ret = dump;
    return NULL;
}

struct prof_error *doc_end(struct document *doc, struct prof_error *error, char **ret)
{
    if (error == NULL)
        return doc_finish(doc, ret);
    json_decref(doc->root);
    return error;
}

/* ---- Places --------------------------------------------------------------------------------------------------------
 */
void doc_frame(struct document *doc, json_t *object, const struct prof_frame *frame)
{
    bool named = frame->function != NULL || frame->file != NULL;
    doc_set(doc, object, "function", json_of_text(frame->function));
    doc_set(doc, object, "file", json_of_text(frame->file));
    doc_set(doc, object, "line", frame->line != 0 ? json_integer(frame->line) : json_null());
    if (!named || frame->file == NULL) {
        doc_set(doc, object, "module", json_of_text(frame->module));
        doc_set(doc, object, "offset", json_of_number(frame->offset));
    }
}

static json_t *stack_array(struct document *doc, struct prof_view *view, uint32_t stack)
{
    const struct prof_frame *frames;
    size_t count = stack != 0 ? prof_symbols_stack(view->symbols, stack, &frames) : 0;
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *frame = json_object();
        doc_frame(doc, frame, &frames[i]);
        if (frames[i].inlined)
            doc_set(doc, frame, "inlined", json_true());
        doc_append(doc, array, frame);
    }
    return array;
}

/* {function, file, line, stack[]} of a stack id; null for 0. */
json_t *doc_site(struct document *doc, struct prof_view *view, uint32_t stack, bool with_stack)
{
    if (stack == 0)
        return json_null();
    json_t *object = json_object();
    doc_frame(doc, object, prof_symbols_site_frame(view->symbols, stack));
    if (with_stack)
        doc_set(doc, object, "stack", stack_array(doc, view, stack));
    return object;
}

json_t *doc_object_name(struct prof_view *view, prof_obj_id obj)
{
    char name[512];
    return obj != 0 ? json_of_text(prof_fmt_obj(name, sizeof name, view->heap, obj)) : json_null();
}

/* ---- tables --------------------------------------------------------------------------------------------------------
 */
static json_t *cell(const struct prof_cell *cell, enum prof_cell_kind kind)
{
    if (cell->none)
        return json_null();
    switch (kind) {
    case PROF_CELL_TEXT:
        return json_of_text(cell->text);
    case PROF_CELL_COUNT:
    case PROF_CELL_MORE:
    case PROF_CELL_MORE_BYTES:
        return json_integer((json_int_t)cell->number);
    case PROF_CELL_BYTES:
        return json_of_number(cell->number);
    case PROF_CELL_TIME:
    case PROF_CELL_MOMENT:
        return json_of_seconds(cell->number);
    case PROF_CELL_ADDR: {
        char addr[32];
        return json_string(prof_fmt_addr(addr, sizeof addr, cell->number));
    }
    case PROF_CELL_RATIO:
        return json_of_real(cell->ratio);
    }
    return json_null();
}

json_t *doc_rows(struct document *doc, const struct prof_table *table)
{
    json_t *rows = json_array();
    for (size_t r = 0; r < table->row_count && !doc->failed; r++) {
        json_t *row = json_object();
        for (size_t c = 0; c < table->column_count; c++)
            doc_set(doc, row, table->columns[c].key,
                    cell(&table->cells[r * table->column_count + c], table->columns[c].kind));
        doc_append(doc, rows, row);
    }
    return rows;
}

void doc_table(struct document *doc, struct prof_view *view, const struct prof_table *table)
{
    doc_set(doc, doc->root, "trace", json_of_text(prof_trace_info(prof_heap_trace(view->heap))->path));
    doc_set(doc, doc->root, "total_rows", json_of_number(table->total_rows));
    doc_set(doc, doc->root, "rows", doc_rows(doc, table));
}

struct prof_error *prof_json_table(struct prof_view *view, const char *name, const struct prof_table *table, char **ret)
{
    struct document doc;
    doc_begin(&doc, name);
    doc_table(&doc, view, table);
    return doc_finish(&doc, ret);
}
