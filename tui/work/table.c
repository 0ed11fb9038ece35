/* work/table.c: tables of the view layer as answers: the rows that a list shows, ready for the screen. See work.h.
 *
 * A table is gathered once, whole; then filtered and sorted as it is asked for. Objects, of which there may be very
 * many, have their own way (objects.c). */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <prof/links.h>

enum { ROWS_MOST = 2000 };

static const struct {
    const char *name;
    enum prof_table_kind kind;
} tables[] = {
    { "types", PROF_TABLE_TYPES },
    { "sites", PROF_TABLE_SITES },
    { "marks", PROF_TABLE_MARKS },
    { "blocks", PROF_TABLE_BLOCKS },
};

/* Whole tables by name, and the one that was asked for last as it was asked for. */
struct work_tables {
    struct {
        char *key;                      /* name, and what else makes it another one */
        const struct prof_table *table; /* of the view */
    } whole[16];
    size_t count;
    char *key; /* of `asked`: that, where, sort */
    struct prof_view *view;
    const struct prof_table *asked;
};

static struct prof_error *make(struct work *work, const json_t *question, const struct prof_table **ret)
{
    static const struct {
        const char *name;
        enum prof_retained_by by;
    } retained[] = { { "retained", PROF_BY_NODE },
                     { "retained-types", PROF_BY_TYPE },
                     { "retained-sites", PROF_BY_SITE } };
    static const struct {
        const char *name;
        work_make *make;
    } own[] = { { "leaks", work_finding_table },
                { "cycles", work_finding_table },
                { "diff", work_diff_types },
                { "diff-sites", work_diff_sites } };
    const struct prof_query all = { .top = 0 };
    const char *name = work_asked(question, "table");
    name = name != NULL ? name : "";
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(own[i].name, name) == 0)
            return own[i].make(work, question, ret);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (strcmp(tables[i].name, name) == 0)
            return prof_view_table(work->view, tables[i].kind, &all, ret);
    for (size_t i = 0; i < sizeof retained / sizeof *retained; i++)
        if (strcmp(retained[i].name, name) == 0) {
            struct prof_selection selection;
            struct prof_error *error = NULL;
            struct prof_graph *graph = work_graph(work, &error);
            return error != NULL ? error : prof_view_retained(work->view, graph, retained[i].by, &all, ret, &selection);
        }
    return prof_error_create(PROF_ERROR_ARGUMENT, "there is no table '%s'", name);
}

/* Takes over the key. */
static struct prof_error *whole(struct work *work, const json_t *question, char *key, const struct prof_table **ret)
{
    struct work_tables *t = work->tables;
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->whole[i].key, key) == 0) {
            *ret = t->whole[i].table;
            free(key);
            return NULL;
        }
    struct prof_error *error = make(work, question, ret);
    if (error == NULL && t->count < sizeof t->whole / sizeof *t->whole) {
        t->whole[t->count].key = key;
        t->whole[t->count++].table = *ret;
    } else {
        free(key);
    }
    return error;
}

/* What the question says under these keys, ended by NULL; NULL: no memory. */
static char *key_of(const json_t *question, const char *const *keys)
{
    json_t *said = json_array();
    for (; *keys != NULL; keys++) {
        json_t *value = json_object_get(question, *keys);
        json_array_append_new(said, value != NULL ? json_incref(value) : json_null());
    }
    char *key = said != NULL ? json_dumps(said, JSON_COMPACT) : NULL;
    json_decref(said);
    return key;
}

/* Each in a view of its own, so that what was asked before goes. */
struct prof_error *work_table_of(struct work *work, const json_t *question, const struct prof_table **ret)
{
    static const char *const which[] = { "table", "from", "all", NULL }, *const how[] = { "table", "from", "all",
                                                                                          "where", "sort", NULL };
    const struct prof_query query = { .where = work_asked(question, "where"), .sort = work_asked(question, "sort") };
    const struct prof_table *all;
    if (work->tables == NULL)
        work->tables = calloc(1, sizeof *work->tables);
    struct work_tables *t = work->tables;
    char *key = key_of(question, how), *table = key_of(question, which);
    if (key == NULL || table == NULL || t == NULL) {
        free(key);
        free(table);
        return prof_error_create(PROF_ERROR_NO_MEMORY, "there is no memory");
    }
    if (t->key != NULL && strcmp(t->key, key) == 0) {
        free(key);
        free(table);
        *ret = t->asked;
        return NULL;
    }
    free(t->key);
    prof_view_destroy(t->view);
    t->key = NULL;
    t->view = NULL;
    struct prof_error *error = whole(work, question, table, &all);
    if (error == NULL)
        error = prof_view_create(work->heap, work->symbols, work->findings, &t->view);
    if (error == NULL)
        error = prof_view_refine(t->view, all, &query, ret);
    if (error != NULL) {
        free(key);
        return error;
    }
    t->key = key;
    t->asked = *ret;
    return NULL;
}

static const char *kind_name(enum prof_cell_kind kind)
{
    return kind == PROF_CELL_TEXT ? "text" : kind == PROF_CELL_BYTES ? "bytes" : "number";
}

json_t *work_table_columns(const struct prof_table *table)
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
    for (size_t i = first; i < table->row_count && i - first < count; i++) {
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

json_t *work_table_rows(const struct prof_table *table, enum prof_units units)
{
    return rows_of(table, 0, table->row_count, units);
}

/* The next row behind, or before, `after` in which a text stands. */
static bool find(const struct prof_table *table, const char *text, size_t after, bool back, size_t *ret)
{
    for (size_t step = 1; step <= table->row_count; step++) {
        size_t i = (after % table->row_count + (back ? table->row_count - step : step)) % table->row_count;
        for (size_t k = 0; k < table->column_count; k++)
            if (table->columns[k].kind == PROF_CELL_TEXT &&
                strcasestr(table->cells[i * table->column_count + k].text, text) != NULL) {
                *ret = i;
                return true;
            }
    }
    return false;
}

/* The row with this text in the column that names rows: `by`. */
static bool named(const struct prof_table *table, const char *text, const char *by, size_t *ret)
{
    char shown[1024];
    for (size_t i = 0; i < table->row_count; i++)
        for (size_t k = 0; k < table->column_count; k++)
            if (strcmp(table->columns[k].key, by) == 0 &&
                strcmp(prof_fmt_cell(shown, sizeof shown, &table->cells[i * table->column_count + k],
                                     table->columns[k].kind, PROF_UNITS_IEC),
                       text) == 0) {
                *ret = i;
                return true;
            }
    return false;
}

json_t *work_table(struct work *work, const json_t *question, struct prof_error **ret_error)
{
    const char *name = work_asked(question, "table"), *wanted = work_asked(question, "find"),
               *keep = work_asked(question, "keep"), *by = work_asked(question, "by");
    size_t first = (size_t)work_asked_number(question, "first", 0),
           count = (size_t)work_asked_number(question, "count", 100), row;
    enum prof_units units = (enum prof_units)work_asked_number(question, "units", PROF_UNITS_IEC);
    const struct prof_table *table;
    if (name != NULL && strcmp(name, "objects") == 0)
        return work_objects(work, question, ret_error);
    *ret_error = work_table_of(work, question, &table);
    if (*ret_error != NULL)
        return NULL;
    bool found = wanted != NULL ? find(table, wanted, (size_t)work_asked_number(question, "after", 0),
                                       json_is_true(json_object_get(question, "back")), &row)
                                : keep != NULL && by != NULL && named(table, keep, by, &row);
    count = count > ROWS_MOST ? ROWS_MOST : count;
    if (found)
        first = row > count / 2 ? row - count / 2 : 0;
    json_t *result = json_pack("{s:I,s:I,s:o,s:o}", "total", (json_int_t)table->row_count, "first", (json_int_t)first,
                               "columns", work_table_columns(table), "rows", rows_of(table, first, count, units));
    if (json_object_get(question, "all") != NULL)
        work_finding_counts(work, question, result);
    if ((wanted != NULL || keep != NULL) && result != NULL)
        json_object_set_new(result, "found", found ? json_integer((json_int_t)row) : json_null());
    return result;
}
