/* rows_objects.c: one row for each object that is not dead. */
#include "object_cells.h"

#include <stdlib.h>

/* These take long: symbols, names, walks along lists. */
static bool dear(size_t column)
{
    return column == OBJECT_SITE || column == OBJECT_NAME || column == OBJECT_OWNED;
}

static void finish(struct rows *rows, struct prof_cell *row, uint64_t key)
{
    struct object_texts texts;
    for (size_t i = 0; i < OBJECT_COLUMNS; i++) {
        if (!dear(i) || rows_wants(rows, i))
            continue;
        row[i] = object_cell(rows->view, (prof_obj_id)key, (enum object_column)i, &texts);
        if (object_columns[i].kind == PROF_CELL_TEXT && row[i].text != NULL)
            row[i].text = view_text(rows->view, row[i].text);
        rows->failed |= object_columns[i].kind == PROF_CELL_TEXT && row[i].text == NULL;
    }
}

struct prof_error *rows_objects(struct prof_view *view, const struct prof_query *query, const struct prof_table **ret)
{
    struct rows rows;
    struct prof_error *error = rows_begin(&rows, view, object_columns, OBJECT_COLUMNS, query, "bytes,id");
    if (error != NULL)
        return error;
    struct prof_heap *heap = view->heap;
    bool *named = query->type != NULL ? object_types_named(heap, query->type, &error) : NULL;
    if (error != NULL) {
        const struct prof_table *dropped;
        prof_error_destroy(rows_end(&rows, NULL, &dropped));
        return error;
    }
    uint32_t max = prof_heap_obj_max(heap);
    for (prof_obj_id id = 1; id < max && !rows.failed; id++) {
        struct object_texts texts[OBJECT_COLUMNS];
        struct prof_cell row[OBJECT_COLUMNS];
        if (!object_is_listed(heap, query, id) || (named != NULL && !named[prof_heap_obj(heap, id)->type]))
            continue;
        for (size_t i = 0; i < OBJECT_COLUMNS; i++)
            row[i] = dear(i) && !rows_wants(&rows, i) ? cell_text("")
                                                      : object_cell(view, id, (enum object_column)i, &texts[i]);
        rows_offer(&rows, row, id);
    }
    free(named);
    return rows_end(&rows, finish, ret);
}
