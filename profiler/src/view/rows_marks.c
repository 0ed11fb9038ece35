/* rows_marks.c: one row for each named moment, and each moment when memory was read, with what changed since the one
 * before. */
#include "internal.h"

enum {
    MARK,
    KIND,
    AT,
    OBJECTS,
    BLOCKS,
    BYTES,
    GROWN_OBJECTS,
    GROWN_BLOCKS,
    GROWN_BYTES,
    READ,
    WORDS,
    PAUSE,
    EVENTS,
    TID,
    SITE,
    COLUMNS
};
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
    [READ] = { .key = "read", .title = "READ", .kind = PROF_CELL_TEXT, .extra = true },
    [WORDS] = { .key = "words", .title = "WORDS", .kind = PROF_CELL_COUNT, .extra = true },
    [PAUSE] = { .key = "pause_us", .title = "PAUSE us", .kind = PROF_CELL_COUNT, .extra = true },
    [EVENTS] = { .key = "events", .title = "EVENTS", .kind = PROF_CELL_COUNT, .extra = true },
    [TID] = { .key = "tid", .title = "THREAD", .kind = PROF_CELL_COUNT, .extra = true },
    [SITE] = { .key = "site", .title = "SITE", .kind = PROF_CELL_TEXT, .extra = true },
};

/* A checkpoint with memory as a row between marks. */
static struct prof_mark mark_of(const struct prof_checkpoint *checkpoint)
{
    return (struct prof_mark){ .name = checkpoint->name,
                               .at_us = checkpoint->at_us,
                               .live_objects = checkpoint->live_objects,
                               .live_blocks = checkpoint->live_blocks,
                               .live_bytes = checkpoint->live_bytes,
                               .events = checkpoint->events };
}

struct prof_error *rows_marks(struct prof_view *view, const struct prof_query *query, const struct prof_table **ret)
{
    struct rows rows;
    struct prof_error *error = rows_begin(&rows, view, columns, COLUMNS, query, NULL);
    if (error != NULL)
        return error;
    const struct prof_mark *marks;
    const struct prof_checkpoint *checkpoints;
    size_t count = prof_heap_marks(view->heap, &marks), looks = prof_heap_checkpoints(view->heap, &checkpoints);
    struct prof_mark before = { 0 };
    for (size_t i = 0, k = 0; i + k < count + looks && !rows.failed;) {
        /* Memory is read behind the events before it: a mark that asked for it comes first. */
        bool look = k < looks && (i == count || checkpoints[k].events <= marks[i].events);
        bool first = i + k == 0;
        struct prof_mark mark = look ? mark_of(&checkpoints[k]) : marks[i];
        struct prof_cell row[COLUMNS] = {
            [MARK] = cell_text(mark.name != NULL ? mark.name : ""),
            [KIND] = cell_text(look ? "memory" : prof_op_name(mark.kind)),
            [AT] = cell_number(mark.at_us),
            [OBJECTS] = cell_number(mark.live_objects),
            [BLOCKS] = cell_number(mark.live_blocks),
            [BYTES] = cell_number(mark.live_bytes),
            [GROWN_OBJECTS] = first ? cell_none() : cell_number(mark.live_objects - before.live_objects),
            [GROWN_BLOCKS] = first ? cell_none() : cell_number(mark.live_blocks - before.live_blocks),
            [GROWN_BYTES] = first ? cell_none() : cell_number(mark.live_bytes - before.live_bytes),
            [READ] = look ? cell_text(prof_rung_name(checkpoints[k].rung)) : cell_none(),
            [WORDS] = look ? cell_number(checkpoints[k].words) : cell_none(),
            [PAUSE] = look ? cell_number(checkpoints[k].pause_us) : cell_none(),
            [EVENTS] = cell_number(mark.events),
            [TID] = look ? cell_none() : cell_number(mark.tid),
            [SITE] = cell_text(view_site_text(view, mark.stack)),
        };
        rows_offer(&rows, row, i + k);
        before = mark;
        i += !look;
        k += look;
    }
    return rows_end(&rows, NULL, ret);
}
