/* work/table.c: tables of the view layer as answers: the rows that a list shows, ready for the screen. See work.h. */
#include "internal.h"

#include <string.h>

#include <prof/links.h>

enum { ROWS_MOST = 2000, SEARCHED = 100000 };

static const struct {
    const char *name;
    enum prof_table_kind kind;
} tables[] = {
    { "types", PROF_TABLE_TYPES }, { "objects", PROF_TABLE_OBJECTS }, { "sites", PROF_TABLE_SITES },
    { "marks", PROF_TABLE_MARKS }, { "blocks", PROF_TABLE_BLOCKS },
};

static struct prof_error *make(struct work *work, const char *name, const struct prof_query *query,
                               const struct prof_table **ret)
{
    static const struct {
        const char *name;
        enum prof_retained_by by;
    } retained[] = { { "retained", PROF_BY_NODE },
                     { "retained-types", PROF_BY_TYPE },
                     { "retained-sites", PROF_BY_SITE } };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (strcmp(tables[i].name, name) == 0)
            return prof_view_table(work->view, tables[i].kind, query, ret);
    for (size_t i = 0; i < sizeof retained / sizeof *retained; i++)
        if (strcmp(retained[i].name, name) == 0) {
            struct prof_selection selection;
            struct prof_error *error = NULL;
            struct prof_graph *graph = work_graph(work, &error);
            return error != NULL ? error
                                 : prof_view_retained(work->view, graph, retained[i].by, query, ret, &selection);
        }
    return prof_error_create(PROF_ERROR_ARGUMENT, "there is no table '%s'", name);
}

static const char *kind_name(enum prof_cell_kind kind)
{
    return kind == PROF_CELL_TEXT ? "text" : kind == PROF_CELL_BYTES ? "bytes" : "number";
}

static json_t *columns_of(const struct prof_table *table)
{
    json_t *columns = json_array();
    for (size_t i = 0; i < table->column_count; i++) {
        const struct prof_column *c = &table->columns[i];
        json_array_append_new(columns, json_pack("{s:s,s:s,s:s,s:b,s:b}", "key", c->key, "title", c->title, "kind",
                                                 kind_name(c->kind), "wide", c->wide, "extra", c->extra));
    }
    return columns;
}

static json_t *rows_of(const struct prof_table *table, size_t first, size_t count, enum prof_units units)
{
    json_t *rows = json_array();
    char text[1024];
    for (size_t i = first; i < table->row_count && i < first + count; i++) {
        json_t *row = json_array();
        for (size_t k = 0; k < table->column_count; k++) {
            const struct prof_cell *cell = &table->cells[i * table->column_count + k];
            json_array_append_new(
                row, cell->none ? json_null()
                                : work_text(prof_fmt_cell(text, sizeof text, cell, table->columns[k].kind, units)));
        }
        json_array_append_new(rows, row);
    }
    return rows;
}

/* The next row behind, or before, `after` in which a text stands; null: there is none. */
static json_t *find(const struct prof_table *table, const char *text, size_t after, bool back)
{
    for (size_t step = 1; step <= table->row_count; step++) {
        size_t i = (after % table->row_count + (back ? table->row_count - step : step)) % table->row_count;
        for (size_t k = 0; k < table->column_count; k++)
            if (table->columns[k].kind == PROF_CELL_TEXT &&
                strcasestr(table->cells[i * table->column_count + k].text, text) != NULL)
                return json_integer((json_int_t)i);
    }
    return json_null();
}

json_t *work_table(struct work *work, const json_t *question, struct prof_error **ret_error)
{
    const char *name = work_asked(question, "table");
    size_t first = (size_t)work_asked_number(question, "first", 0),
           count = (size_t)work_asked_number(question, "count", 100);
    enum prof_units units = (enum prof_units)work_asked_number(question, "units", PROF_UNITS_IEC);
    if (name != NULL && (strcmp(name, "leaks") == 0 || strcmp(name, "cycles") == 0))
        return work_finding_rows(work, question, ret_error);
    count = count > ROWS_MOST ? ROWS_MOST : count;
    struct prof_query query = { .where = work_asked(question, "where"),
                                .sort = work_asked(question, "sort"),
                                .type = work_asked(question, "type"),
                                .from_us = work_asked_number(question, "from", 0),
                                .top = first + count };
    const struct prof_table *table;
    const char *wanted = work_asked(question, "find");
    if (wanted != NULL && query.top < SEARCHED)
        query.top = SEARCHED;
    *ret_error = make(work, name != NULL ? name : "", &query, &table);
    if (*ret_error != NULL)
        return NULL;
    json_t *result = json_pack("{s:I,s:I,s:o,s:o}", "total", (json_int_t)table->total_rows, "first", (json_int_t)first,
                               "columns", columns_of(table), "rows", rows_of(table, first, count, units));
    if (wanted != NULL && result != NULL)
        json_object_set_new(result, "found",
                            find(table, wanted, (size_t)work_asked_number(question, "after", 0),
                                 json_is_true(json_object_get(question, "back"))));
    return result;
}
