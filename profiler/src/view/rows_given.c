/* rows_given.c: rows that somebody else has, selected and ordered as those of the tables are. */
#include "internal.h"

struct prof_error *prof_view_rows(struct prof_view *view, const struct prof_rows *given, const struct prof_query *query,
                                  const struct prof_table **ret)
{
    struct rows rows;
    struct prof_cell row[ROWS_COLUMNS_MAX];
    if (given->column_count > ROWS_COLUMNS_MAX)
        return prof_error_create(PROF_ERROR_ARGUMENT, "a table of more than %d columns", (int)ROWS_COLUMNS_MAX);
    struct prof_error *error = rows_begin(&rows, view, given->columns, given->column_count, query, given->sort);
    if (error != NULL)
        return error;
    for (size_t i = 0; i < given->count && !rows.failed; i++) {
        for (size_t c = 0; c < given->column_count; c++)
            row[c] = cell_none();
        given->fill(given->ctx, i, row);
        rows_offer(&rows, row, i);
    }
    return rows_end(&rows, NULL, ret);
}
