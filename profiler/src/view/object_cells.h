/* object_cells.h: what is told of an object, column by column: for tables (rows_objects.c) and orders (order.c). */
#ifndef VIEW_OBJECT_CELLS_H
#define VIEW_OBJECT_CELLS_H

#include "internal.h"

enum object_column {
    OBJECT_NAME,
    OBJECT_COUNT,
    OBJECT_OWNED,
    OBJECT_BYTES,
    OBJECT_AGE,
    OBJECT_STATE,
    OBJECT_FINDING,
    OBJECT_SITE,
    OBJECT_TYPE,
    OBJECT_ADDR,
    OBJECT_ID,
    OBJECT_BORN,
    OBJECT_LAST,
    OBJECT_OBSERVED,
    OBJECT_REFS,
    OBJECT_UNREFS,
    OBJECT_TID,
    OBJECT_SCOPE,
    OBJECT_CONTEXT,
    OBJECT_FLAGS,
    OBJECT_COLUMNS
};
extern const struct prof_column object_columns[OBJECT_COLUMNS];

/* Room for texts that are made. */
struct object_texts {
    char name[512], words[256];
};

/* Alive, and born in the query's window. Its type is not looked at. */
bool object_is_listed(const struct prof_heap *heap, const struct prof_query *query, prof_obj_id id);
/* The types of this name, by id; NULL: *ret_error says why (PROF_ERROR_NOT_FOUND: there is none). The caller frees. */
bool *object_types_named(const struct prof_heap *heap, const char *name, struct prof_error **ret_error);

/* A text may stand in `texts` (until the next use of that), in the view or in the heap; NULL: no memory. */
struct prof_cell object_cell(struct prof_view *view, prof_obj_id id, enum object_column column,
                             struct object_texts *texts);

/* Text columns but OBJECT_NAME: many objects share a text, so they have a small number that stands for it. */
uint32_t object_value(const struct prof_view *view, prof_obj_id id, enum object_column column);
const char *object_value_text(struct prof_view *view, enum object_column column, uint32_t value,
                              struct object_texts *texts);

#endif
