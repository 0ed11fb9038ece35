/* rows_marks.c: one row for each named moment, with what changed since the one before. */
#include "internal.h"

enum { MARK, KIND, AT, OBJECTS, BLOCKS, BYTES, GROWN_OBJECTS, GROWN_BLOCKS, GROWN_BYTES, EVENTS, TID, SITE, COLUMNS };
static const struct prof_column columns[COLUMNS] = {
    [MARK] = { .key = "mark", .title = "MARK", .kind = PROF_CELL_TEXT, .wide = true },
    [KIND] = { .key = "kind", .title = "KIND", .kind = PROF_CELL_TEXT },
    [AT] = { .key = "at", .title = "AT", .kind = PROF_CELL_MOMENT },
    [OBJECTS] = { .key = "objects", .title = "OBJECTS", .kind = PROF_CELL_COUNT },
    [BLOCKS] = { .key = "blocks", .title = "BLOCKS", .kind = PROF_CELL_COUNT },
    [BYTES] = { .key = "bytes", .title = "BYTES", .kind = PROF_CELL_BYTES },
    [GROWN_OBJECTS] = { .key = "grown_objects", .title = "+OBJECTS", .kind = PROF_CELL_COUNT },
    [GROWN_BLOCKS] = { .key = "grown_blocks", .title = "+BLOCKS", .kind = PROF_CELL_COUNT, .extra = true },
    [GROWN_BYTES] = { .key = "grown_bytes", .title = "+BYTES", .kind = PROF_CELL_COUNT },
    [EVENTS] = { .key = "events", .title = "EVENTS", .kind = PROF_CELL_COUNT, .extra = true },
    [TID] = { .key = "tid", .title = "THREAD", .kind = PROF_CELL_COUNT, .extra = true },
    [SITE] = { .key = "site", .title = "SITE", .kind = PROF_CELL_TEXT, .extra = true },
};

struct prof_error *rows_marks(struct prof_view *view, const struct prof_query *query, const struct prof_table **ret)
{
    struct rows rows;
    struct prof_error *error = rows_begin(&rows, view, columns, COLUMNS, query, NULL);
    if (error != NULL)
        return error;
    const struct prof_mark *marks;
    size_t count = prof_heap_marks(view->heap, &marks);
    for (size_t i = 0; i < count && !rows.failed; i++) {
        const struct prof_mark *mark = &marks[i];
        bool first = i == 0;
        struct prof_cell row[COLUMNS] = {
            [MARK] = cell_text(mark->name != NULL ? mark->name : ""),
            [KIND] = cell_text(prof_op_name(mark->kind)),
            [AT] = cell_number(mark->at_us),
            [OBJECTS] = cell_number(mark->live_objects),
            [BLOCKS] = cell_number(mark->live_blocks),
            [BYTES] = cell_number(mark->live_bytes),
            [GROWN_OBJECTS] = first ? cell_none() : cell_number(mark->live_objects - marks[i - 1].live_objects),
            [GROWN_BLOCKS] = first ? cell_none() : cell_number(mark->live_blocks - marks[i - 1].live_blocks),
            [GROWN_BYTES] = first ? cell_none() : cell_number(mark->live_bytes - marks[i - 1].live_bytes),
            [EVENTS] = cell_number(mark->events),
            [TID] = cell_number(mark->tid),
            [SITE] = cell_text(view_site_text(view, mark->stack)),
        };
        rows_offer(&rows, row, i);
    }
    return rows_end(&rows, NULL, ret);
}
