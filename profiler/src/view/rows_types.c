/* rows_types.c: one row for each type: of objects, as the model counts them, and of plain blocks; those whose type is
 * not known are one row, so that sums are those of all blocks. */
#include "internal.h"

#include <prof/block.h>

#include <stdlib.h>

#include <string.h>

enum {
    TYPE,
    KIND,
    LIVE,
    BYTES,
    UNUSED,
    LEAKED,
    BORN,
    DIED,
    PEAK,
    PEAK_BYTES,
    REFS,
    UNREFS,
    COVERAGE,
    MISCOUNTS,
    ZERO,
    PARKED,
    SKEWED,
    SIZE,
    ITEM,
    USABLE,
    COLUMNS
};
static const struct prof_column columns[COLUMNS] = {
    [TYPE] = { .key = "type", .title = "TYPE", .kind = PROF_CELL_TEXT, .wide = true },
    [KIND] = { .key = "kind", .title = "KIND", .kind = PROF_CELL_TEXT },
    [UNUSED] = { .key = "unused", .title = "UNUSED", .kind = PROF_CELL_BYTES },
    [LIVE] = { .key = "live", .title = "LIVE", .kind = PROF_CELL_COUNT },
    [BYTES] = { .key = "bytes", .title = "BYTES", .kind = PROF_CELL_BYTES },
    [LEAKED] = { .key = "leaked", .title = "LEAKED", .kind = PROF_CELL_COUNT },
    [BORN] = { .key = "born", .title = "BORN", .kind = PROF_CELL_COUNT },
    [DIED] = { .key = "died", .title = "DIED", .kind = PROF_CELL_COUNT, .extra = true },
    [PEAK] = { .key = "peak", .title = "PEAK", .kind = PROF_CELL_COUNT, .extra = true },
    [PEAK_BYTES] = { .key = "peak_bytes", .title = "PEAK BYTES", .kind = PROF_CELL_BYTES },
    [REFS] = { .key = "refs", .title = "REFS", .kind = PROF_CELL_COUNT },
    [UNREFS] = { .key = "unrefs", .title = "UNREFS", .kind = PROF_CELL_COUNT, .extra = true },
    [COVERAGE] = { .key = "coverage", .title = "OWNED", .kind = PROF_CELL_RATIO },
    [MISCOUNTS] = { .key = "miscounts", .title = "MISCOUNTS", .kind = PROF_CELL_COUNT, .extra = true },
    [ZERO] = { .key = "zero", .title = "ZERO", .kind = PROF_CELL_COUNT, .extra = true },
    [PARKED] = { .key = "parked", .title = "PARKED", .kind = PROF_CELL_COUNT, .extra = true },
    [SKEWED] = { .key = "skewed", .title = "SKEWED", .kind = PROF_CELL_COUNT, .extra = true },
    [SIZE] = { .key = "size", .title = "SIZE", .kind = PROF_CELL_BYTES, .extra = true },
    [ITEM] = { .key = "item", .title = "ITEM", .kind = PROF_CELL_BYTES, .extra = true },
    [USABLE] = { .key = "usable", .title = "USABLE", .kind = PROF_CELL_BYTES, .extra = true },
};

/* Objects of this type in findings that say that something is lost or held by mistake. */
static uint64_t leaked(const struct prof_view *view, const char *name)
{
    const struct prof_finding *list = NULL;
    size_t count = view->findings != NULL ? prof_findings_list(view->findings, &list) : 0;
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        const struct prof_finding *finding = &list[i];
        if (finding->suppressed_by == NULL && finding->headline != PROF_HEADLINE_MISUSED &&
            finding->verdict != PROF_REACHABLE && finding->verdict != PROF_UNFREED && finding->verdict != PROF_GROWTH &&
            strcmp(finding->type, name) == 0)
            sum += finding->objects;
    }
    return sum;
}

static struct prof_cell share(uint64_t part, uint64_t whole)
{
    if (whole == 0)
        return cell_none();
    return (struct prof_cell){ .ratio = (double)part / (double)whole };
}

/* ---- Plain blocks ---- */

struct block_type {
    UT_hash_handle hh;
    char *text; /* key */
    uint64_t live, bytes, usable, leaked, size, item;
};
/* What prof_block_type told; many blocks share it. */
struct told_key {
    const char *name;
    uint32_t array, mark;
};
struct told {
    UT_hash_handle hh;
    struct told_key key;
    struct block_type *type;
};
struct block_types {
    struct block_type *by_text;
    struct told *by_key;
};

static struct block_type *by_text(struct block_types *types, const char *text)
{
    struct block_type *type = NULL;
    HASH_FIND_STR(types->by_text, text, type);
    if (type != NULL)
        return type;
    type = calloc(1, sizeof *type);
    if (type == NULL || (type->text = strdup(text)) == NULL) {
        free(type);
        return NULL;
    }
    HASH_ADD_KEYPTR(hh, types->by_text, type->text, strlen(type->text), type);
    if (type->hh.tbl == NULL) {
        free(type->text);
        free(type);
        return NULL;
    }
    return type;
}

static struct block_type *by_name(struct block_types *types, const struct prof_block_type *known)
{
    /* Where a guess comes from differs from place to place. */
    struct prof_block_type plain = *known;
    char text[512];
    plain.by = NULL;
    plain.how = PROF_BIRTH_ASSIGNED;
    prof_block_type_text(text, sizeof text, &plain, 0);
    struct block_type *type = by_text(types, text);
    if (type != NULL && type->live == 0) {
        type->size = known->size;
        type->item = prof_block_type_item(known);
    }
    return type;
}

static struct block_type *type_of(struct block_types *types, const struct prof_block_type *known)
{
    const struct told_key key = { known->name, known->array, (uint32_t)known->mark };
    struct told *told = NULL;
    HASH_FIND(hh, types->by_key, &key, sizeof key, told);
    if (told != NULL)
        return told->type;
    struct block_type *type = by_name(types, known);
    told = type != NULL ? calloc(1, sizeof *told) : NULL;
    if (told == NULL)
        return type; /* found anew the next time */
    told->key = key;
    told->type = type;
    HASH_ADD(hh, types->by_key, key, sizeof told->key, told);
    if (told->hh.tbl == NULL)
        free(told);
    return type;
}

static void block_types_deinit(struct block_types *types)
{
    struct block_type *type, *next_type;
    struct told *told, *next;
    HASH_ITER (hh, types->by_key, told, next) {
        HASH_DEL(types->by_key, told);
        free(told);
    }
    HASH_ITER (hh, types->by_text, type, next_type) {
        HASH_DEL(types->by_text, type);
        free(type->text);
        free(type);
    }
}

static bool sum_block(struct prof_view *view, struct block_types *types, prof_block_id id)
{
    const struct prof_block *block = prof_heap_block(view->heap, id);
    struct prof_block_type known;
    bool is_known = prof_block_type(view->heap, view->symbols, id, &known);
    struct block_type *type = is_known ? type_of(types, &known) : by_text(types, "(unknown type)");
    enum prof_verdict verdict = view->findings != NULL ? prof_findings_of_block(view->findings, id) : PROF_UNFREED;
    if (type == NULL)
        return false;
    type->live++;
    type->bytes += block->size;
    type->usable += prof_block_usable(block);
    type->leaked += verdict == PROF_LOST || verdict == PROF_INDIRECT;
    return true;
}

/* The block belongs to the first object in it. */
static void sum_objects(const struct prof_heap *heap, const struct prof_block *block, uint64_t *usable)
{
    prof_obj_id first = block->first_obj;
    for (prof_obj_id id = first; id != 0; id = prof_heap_obj(heap, id)->next_in_block)
        if (prof_heap_obj(heap, id)->start < prof_heap_obj(heap, first)->start)
            first = id;
    if (first != 0 && block->kind != TRK_ALLOC_MMAP)
        usable[prof_heap_obj(heap, first)->type] += prof_block_usable(block);
}

static void offer_blocks(struct rows *rows, const struct block_types *types)
{
    for (const struct block_type *type = types->by_text; type != NULL; type = type->hh.next) {
        struct prof_cell row[COLUMNS];
        for (size_t i = 0; i < COLUMNS; i++)
            row[i] = cell_none();
        row[TYPE] = cell_text(type->text);
        row[KIND] = cell_text("blocks");
        row[LIVE] = cell_number(type->live);
        row[BYTES] = cell_number(type->bytes);
        row[UNUSED] = cell_number(type->usable - type->bytes);
        row[LEAKED] = cell_number(type->leaked);
        row[SIZE] = type->size != 0 ? cell_number(type->size) : cell_none();
        row[ITEM] = type->item != 0 ? cell_number(type->item) : cell_none();
        row[USABLE] = cell_number(type->usable);
        rows_offer(rows, row, 0);
    }
}

struct prof_error *rows_types(struct prof_view *view, const struct prof_query *query, const struct prof_table **ret)
{
    struct rows rows;
    struct prof_error *error = rows_begin(&rows, view, columns, COLUMNS, query, "bytes,live,type");
    if (error != NULL)
        return error;
    uint32_t max = prof_heap_type_max(view->heap);
    struct block_types types = { 0 };
    uint64_t *usable = calloc((size_t)max + 1, sizeof *usable);
    rows.failed |= usable == NULL;
    for (prof_block_id id = 1; id < prof_heap_block_max(view->heap) && !rows.failed; id++) {
        const struct prof_block *block = prof_heap_block(view->heap, id);
        if ((block->flags & PROF_BLOCK_ALIVE) == 0)
            continue;
        if ((block->flags & PROF_BLOCK_HAS_OBJECT) != 0)
            sum_objects(view->heap, block, usable);
        else
            rows.failed |= !sum_block(view, &types, id);
    }
    for (prof_type_id id = 0; id < max && !rows.failed; id++) {
        const struct prof_type *type = prof_heap_type(view->heap, id);
        uint64_t refs = type->refs_slot + type->refs_holder + type->refs_anon;
        if (type->born == 0 && type->live == 0 && refs == 0)
            continue;
        struct prof_cell row[COLUMNS] = {
            [TYPE] = cell_text(type->name),
            [KIND] = cell_text("objects"),
            [LIVE] = cell_number(type->live),
            [BYTES] = cell_number(type->live_bytes),
            [UNUSED] = usable[id] > type->live_bytes ? cell_number(usable[id] - type->live_bytes)
                       : usable[id] != 0             ? cell_number(0)
                                                     : cell_none(),
            [LEAKED] = cell_number(leaked(view, type->name)),
            [BORN] = cell_number(type->born),
            [DIED] = cell_number(type->died),
            [PEAK] = cell_number(type->peak_live),
            [PEAK_BYTES] = cell_number(type->peak_bytes),
            [REFS] = cell_number(refs),
            [UNREFS] = cell_number(type->unrefs_slot + type->unrefs_holder + type->unrefs_anon),
            [COVERAGE] = share(type->refs_slot + type->refs_holder, refs),
            [MISCOUNTS] = type->counts_seen != 0 ? cell_number(type->counts_wrong) : cell_none(),
            [ZERO] = cell_number(type->zero),
            [PARKED] = cell_number(type->parked),
            [SKEWED] = cell_number(type->skewed),
            [SIZE] = type->object_size != 0 ? cell_number(type->object_size) : cell_none(),
            [ITEM] = cell_none(),
            [USABLE] = usable[id] != 0 ? cell_number(usable[id]) : cell_none(),
        };
        rows_offer(&rows, row, id);
    }
    if (!rows.failed)
        offer_blocks(&rows, &types);
    block_types_deinit(&types);
    free(usable);
    return rows_end(&rows, NULL, ret);
}
