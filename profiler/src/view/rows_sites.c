/* rows_sites.c: one row for each site, the stacks that share it summed. */
#include "internal.h"

enum { SITE, LIVE, LIVE_BYTES, ALLOCS, BYTES, FREES, PEAK_BYTES, TEMPORARY, BIRTHS, REFS, UNREFS, STACKS, COLUMNS };
static const struct prof_column columns[COLUMNS] = {
    [SITE] = { .key = "site", .title = "SITE", .kind = PROF_CELL_TEXT, .wide = true },
    [LIVE] = { .key = "live", .title = "LIVE", .kind = PROF_CELL_COUNT },
    [LIVE_BYTES] = { .key = "live_bytes", .title = "LIVE BYTES", .kind = PROF_CELL_BYTES },
    [ALLOCS] = { .key = "allocs", .title = "ALLOCS", .kind = PROF_CELL_COUNT },
    [BYTES] = { .key = "bytes", .title = "BYTES", .kind = PROF_CELL_BYTES },
    [FREES] = { .key = "frees", .title = "FREED", .kind = PROF_CELL_COUNT, .extra = true },
    [PEAK_BYTES] = { .key = "peak_bytes", .title = "PEAK BYTES", .kind = PROF_CELL_BYTES, .extra = true },
    [TEMPORARY] = { .key = "temporary", .title = "TEMPORARY", .kind = PROF_CELL_COUNT, .extra = true },
    [BIRTHS] = { .key = "births", .title = "BIRTHS", .kind = PROF_CELL_COUNT },
    [REFS] = { .key = "refs", .title = "REFS", .kind = PROF_CELL_COUNT },
    [UNREFS] = { .key = "unrefs", .title = "UNREFS", .kind = PROF_CELL_COUNT },
    [STACKS] = { .key = "stacks", .title = "STACKS", .kind = PROF_CELL_COUNT, .extra = true },
};

/* Keyed by the interned words of the site: equal words, equal pointer. */
struct site {
    const char *text;
    struct prof_stack_stat sum;
    uint64_t stacks;
    UT_hash_handle hh;
};
struct gather {
    struct prof_view *view;
    struct site *sites;
    bool failed;
};

static void add_stack(void *ctx, uint32_t stack, const struct prof_stack_stat *stat)
{
    struct gather *gather = ctx;
    const char *text = stack != 0 ? view_site_text(gather->view, stack) : view_text(gather->view, "(no stack)");
    struct site *site = NULL;
    if (text == NULL || gather->failed) {
        gather->failed = true;
        return;
    }
    HASH_FIND_PTR(gather->sites, &text, site);
    if (site == NULL) {
        site = prof_arena_alloc(&gather->view->arena, sizeof *site);
        if (site == NULL) {
            gather->failed = true;
            return;
        }
        site->text = text;
        HASH_ADD_PTR(gather->sites, text, site);
        if (site->hh.tbl == NULL) {
            gather->failed = true;
            return;
        }
    }
    site->stacks++;
    site->sum.allocs += stat->allocs;
    site->sum.frees += stat->frees;
    site->sum.bytes += stat->bytes;
    site->sum.live += stat->live;
    site->sum.live_bytes += stat->live_bytes;
    site->sum.peak_bytes += stat->peak_bytes;
    site->sum.temporary += stat->temporary;
    site->sum.births += stat->births;
    site->sum.refs += stat->refs;
    site->sum.unrefs += stat->unrefs;
}

struct prof_error *rows_sites(struct prof_view *view, const struct prof_query *query, const struct prof_table **ret)
{
    struct rows rows;
    struct prof_error *error = rows_begin(&rows, view, columns, COLUMNS, query, "live_bytes,bytes,refs,site");
    if (error != NULL)
        return error;
    struct gather gather = { .view = view };
    prof_heap_stack_each(view->heap, add_stack, &gather);
    rows.failed = gather.failed;
    struct site *site, *next;
    HASH_ITER (hh, gather.sites, site, next) {
        struct prof_cell row[COLUMNS] = {
            // cppcheck-suppress uninitvar
            [SITE] = cell_text(site->text),
            [LIVE] = cell_number(site->sum.live),
            [LIVE_BYTES] = cell_number(site->sum.live_bytes),
            [ALLOCS] = cell_number(site->sum.allocs),
            [BYTES] = cell_number(site->sum.bytes),
            [FREES] = cell_number(site->sum.frees),
            [PEAK_BYTES] = cell_number(site->sum.peak_bytes),
            [TEMPORARY] = cell_number(site->sum.temporary),
            [BIRTHS] = cell_number(site->sum.births),
            [REFS] = cell_number(site->sum.refs),
            [UNREFS] = cell_number(site->sum.unrefs),
            [STACKS] = cell_number(site->stacks),
        };
        rows_offer(&rows, row, 0);
    }
    HASH_CLEAR(hh, gather.sites);
    return rows_end(&rows, NULL, ret);
}
