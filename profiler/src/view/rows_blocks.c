/* rows_blocks.c: one row for each block that is allocated. */
#include "internal.h"

#include <prof/block.h>

#include <string.h>

enum { ADDR, BYTES, AGE, KIND, CLASS, OBJECT, TYPE, SITE, BORN, TID, SCOPE, ID, COLUMNS };
static const struct prof_column columns[COLUMNS] = {
    [ADDR] = { .key = "addr", .title = "ADDR", .kind = PROF_CELL_ADDR },
    [BYTES] = { .key = "bytes", .title = "BYTES", .kind = PROF_CELL_BYTES },
    [AGE] = { .key = "age", .title = "AGE", .kind = PROF_CELL_TIME },
    [KIND] = { .key = "kind", .title = "KIND", .kind = PROF_CELL_TEXT },
    [CLASS] = { .key = "class", .title = "CLASS", .kind = PROF_CELL_TEXT },
    [OBJECT] = { .key = "object", .title = "OBJECT", .kind = PROF_CELL_TEXT, .extra = true },
    [TYPE] = { .key = "type", .title = "TYPE", .kind = PROF_CELL_TEXT },
    [SITE] = { .key = "site", .title = "BORN IN", .kind = PROF_CELL_TEXT, .wide = true },
    [BORN] = { .key = "born", .title = "BORN", .kind = PROF_CELL_MOMENT, .extra = true },
    [TID] = { .key = "tid", .title = "THREAD", .kind = PROF_CELL_COUNT, .extra = true },
    [SCOPE] = { .key = "scope", .title = "SCOPE", .kind = PROF_CELL_TEXT, .extra = true },
    [ID] = { .key = "id", .title = "ID", .kind = PROF_CELL_COUNT, .extra = true },
};

/* What memory says of it; "" when it says nothing. */
static const char *class_name(const struct prof_view *view, prof_block_id id)
{
    enum prof_verdict verdict = view->findings != NULL ? prof_findings_of_block(view->findings, id) : PROF_UNFREED;
    return verdict != PROF_UNFREED ? prof_verdict_name(verdict) : "";
}

/* The object that lies in the block, named; an object may begin anywhere in it. */
static const char *object_in(struct prof_view *view, const struct prof_block *block, char *buf, size_t size)
{
    if ((block->flags & PROF_BLOCK_HAS_OBJECT) == 0)
        return "";
    prof_obj_id obj = prof_heap_obj_at(view->heap, block->addr);
    return obj != 0 ? prof_fmt_obj(buf, size, view->heap, obj) : "(object)";
}

/* What is known of a plain block's type; "" nothing. */
static const char *type_text(struct prof_view *view, prof_block_id id, char *buf, size_t size)
{
    struct prof_block_type type;
    if (!prof_block_type(view->heap, view->symbols, id, &type))
        return "";
    return prof_block_type_text(buf, size, &type, prof_heap_block(view->heap, id)->size);
}

static void finish(struct rows *rows, struct prof_cell *row, uint64_t key)
{
    const struct prof_block *block = prof_heap_block(rows->view->heap, (prof_block_id)key);
    if (!rows_wants(rows, SITE)) {
        row[SITE].text = view_site_text(rows->view, block->stack);
        rows->failed |= row[SITE].text == NULL;
    }
    if (!rows_wants(rows, OBJECT)) {
        char name[512];
        row[OBJECT].text = view_text(rows->view, object_in(rows->view, block, name, sizeof name));
        rows->failed |= row[OBJECT].text == NULL;
    }
    if (!rows_wants(rows, TYPE)) {
        char name[512];
        row[TYPE].text = view_text(rows->view, type_text(rows->view, (prof_block_id)key, name, sizeof name));
        rows->failed |= row[TYPE].text == NULL;
    }
}

struct prof_error *rows_blocks(struct prof_view *view, const struct prof_query *query, const struct prof_table **ret)
{
    struct rows rows;
    struct prof_error *error = rows_begin(&rows, view, columns, COLUMNS, query, "bytes,addr");
    if (error != NULL)
        return error;
    uint32_t max = prof_heap_block_max(view->heap);
    uint64_t end = prof_heap_totals(view->heap)->end_us;
    const struct prof_scope *scopes;
    size_t scope_count = prof_heap_scopes(view->heap, &scopes);
    for (prof_block_id id = 1; id < max && !rows.failed; id++) {
        const struct prof_block *block = prof_heap_block(view->heap, id);
        char name[512], type[512];
        if ((block->flags & PROF_BLOCK_ALIVE) == 0 || block->born_us < query->from_us ||
            (query->to_us != 0 && block->born_us > query->to_us) ||
            (query->class_name != NULL && strcmp(class_name(view, id), query->class_name) != 0))
            continue;
        struct prof_cell row[COLUMNS] = {
            [ADDR] = cell_number(block->addr),
            [BYTES] = cell_number(block->size),
            [AGE] = cell_number(end > block->born_us ? end - block->born_us : 0),
            [KIND] = cell_text(prof_block_kind_text(block->kind)),
            [CLASS] = cell_text(class_name(view, id)),
            [OBJECT] = cell_text(rows_wants(&rows, OBJECT) ? object_in(view, block, name, sizeof name) : ""),
            [TYPE] = cell_text(rows_wants(&rows, TYPE) ? type_text(view, id, type, sizeof type) : ""),
            [SITE] = cell_text(rows_wants(&rows, SITE) ? view_site_text(view, block->stack) : ""),
            [BORN] = cell_number(block->born_us),
            [TID] = cell_number(block->tid),
            [SCOPE] = cell_text(block->scope != 0 && block->scope < scope_count ? scopes[block->scope].name : ""),
            [ID] = cell_number(id),
        };
        rows_offer(&rows, row, id);
    }
    return rows_end(&rows, finish, ret);
}
