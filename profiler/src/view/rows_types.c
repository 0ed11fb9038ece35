/* rows_types.c: one row for each type. */
#include "internal.h"

#include <string.h>

enum {
    TYPE,
    LIVE,
    BYTES,
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
    COLUMNS
};
static const struct prof_column columns[COLUMNS] = {
    [TYPE] = { .key = "type", .title = "TYPE", .kind = PROF_CELL_TEXT, .wide = true },
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

struct prof_error *rows_types(struct prof_view *view, const struct prof_query *query, const struct prof_table **ret)
{
    struct rows rows;
    struct prof_error *error = rows_begin(&rows, view, columns, COLUMNS, query, "bytes,live,type");
    if (error != NULL)
        return error;
    uint32_t max = prof_heap_type_max(view->heap);
    for (prof_type_id id = 0; id < max; id++) {
        const struct prof_type *type = prof_heap_type(view->heap, id);
        uint64_t refs = type->refs_slot + type->refs_holder + type->refs_anon;
        if (type->born == 0 && type->live == 0 && refs == 0)
            continue;
        struct prof_cell row[COLUMNS] = {
            [TYPE] = cell_text(type->name),
            [LIVE] = cell_number(type->live),
            [BYTES] = cell_number(type->live_bytes),
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
        };
        rows_offer(&rows, row, id);
    }
    return rows_end(&rows, NULL, ret);
}
