/* rows_coverage.c: references with and without owner: one row for each type, for each site, for each module. */
#include "internal.h"

#include <fnmatch.h>
#include <string.h>

#include <prof/annotate.h>

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

bool prof_module_fits(const char *pattern, const char *path)
{
    return fnmatch(pattern, last_part(path), 0) == 0;
}

static struct prof_cell cell_signed(int64_t number)
{
    return (struct prof_cell){ .number = (uint64_t)number };
}

/* ---- One row for each type --------------------------------------------------------------------------------------- */

enum { TYPE, REFS, OWNED, SLOT, HOLDER, NO_OWNER, UNREFS, GIVEN_SO, UNSURE, COUNTS, MISCOUNTS, SKEWED, TYPE_COLUMNS };
static const struct prof_column type_columns[TYPE_COLUMNS] = {
    [TYPE] = { .key = "type", .title = "TYPE", .kind = PROF_CELL_TEXT, .wide = true },
    [REFS] = { .key = "refs", .title = "REFS", .kind = PROF_CELL_COUNT },
    [OWNED] = { .key = "coverage", .title = "OWNED", .kind = PROF_CELL_RATIO },
    [SLOT] = { .key = "slot", .title = "SLOT", .kind = PROF_CELL_COUNT },
    [HOLDER] = { .key = "holder", .title = "HOLDER", .kind = PROF_CELL_COUNT },
    [NO_OWNER] = { .key = "anonymous", .title = "NO OWNER", .kind = PROF_CELL_COUNT },
    [UNREFS] = { .key = "unrefs", .title = "UNREFS", .kind = PROF_CELL_COUNT, .extra = true },
    [GIVEN_SO] = { .key = "unrefs_anonymous", .title = "UNREFS ~", .kind = PROF_CELL_COUNT, .extra = true },
    [UNSURE] = { .key = "undecided", .title = "UNDECIDED", .kind = PROF_CELL_COUNT },
    [COUNTS] = { .key = "counts_seen", .title = "COUNTS", .kind = PROF_CELL_COUNT, .extra = true },
    [MISCOUNTS] = { .key = "counts_wrong", .title = "WRONG", .kind = PROF_CELL_COUNT, .extra = true },
    [SKEWED] = { .key = "skewed", .title = "SKEWED", .kind = PROF_CELL_COUNT, .extra = true },
};

static struct prof_error *rows_of_types(struct prof_view *view, const struct prof_coverage *coverage,
                                        const struct prof_query *query, const struct prof_table **ret)
{
    struct rows rows;
    struct prof_error *error = rows_begin(&rows, view, type_columns, TYPE_COLUMNS, query, NULL);
    const struct prof_coverage_type *list;
    size_t count = prof_coverage_types(coverage, &list);
    if (error != NULL)
        return error;
    for (size_t i = 0; i < count; i++) {
        const struct prof_coverage_type *t = &list[i];
        struct prof_cell row[TYPE_COLUMNS] = {
            [TYPE] = cell_text(t->name),
            [REFS] = cell_number(t->refs),
            [OWNED] = { .ratio = t->refs != 0 ? (double)(t->slot + t->holder) / (double)t->refs : 0,
                        .none = t->refs == 0 },
            [SLOT] = cell_number(t->slot),
            [HOLDER] = cell_number(t->holder),
            [NO_OWNER] = cell_number(t->anonymous),
            [UNREFS] = cell_number(t->unrefs),
            [GIVEN_SO] = cell_number(t->unrefs_anonymous),
            [UNSURE] = cell_number(t->objects),
            [COUNTS] = cell_number(t->counts_seen),
            [MISCOUNTS] = cell_number(t->counts_wrong),
            [SKEWED] = cell_number(t->skewed),
        };
        rows_offer(&rows, row, i);
    }
    return rows_end(&rows, NULL, ret);
}

/* ---- One row for each site of a type ----------------------------------------------------------------------------- */

enum { SITE, OF, MODULE, BIRTH, TAKEN, GIVEN, TAKEN_BY, GIVEN_BY, OPEN, ALIVE, DECIDES, TIED, SITE_COLUMNS };
static const struct prof_column site_columns[SITE_COLUMNS] = {
    [SITE] = { .key = "site", .title = "SITE", .kind = PROF_CELL_TEXT, .wide = true },
    [OF] = { .key = "type", .title = "TYPE", .kind = PROF_CELL_TEXT },
    [MODULE] = { .key = "module", .title = "MODULE", .kind = PROF_CELL_TEXT, .extra = true },
    [BIRTH] = { .key = "birth", .title = "BIRTH", .kind = PROF_CELL_COUNT, .extra = true },
    [TAKEN] = { .key = "taken", .title = "TAKEN ~", .kind = PROF_CELL_COUNT },
    [GIVEN] = { .key = "given", .title = "GIVEN ~", .kind = PROF_CELL_COUNT },
    [TAKEN_BY] = { .key = "owned_taken", .title = "TAKEN =", .kind = PROF_CELL_COUNT },
    [GIVEN_BY] = { .key = "owned_given", .title = "GIVEN =", .kind = PROF_CELL_COUNT },
    [OPEN] = { .key = "open", .title = "OPEN", .kind = PROF_CELL_COUNT, .extra = true },
    [ALIVE] = { .key = "alive", .title = "ALIVE", .kind = PROF_CELL_COUNT },
    [DECIDES] = { .key = "undecided", .title = "UNDECIDED", .kind = PROF_CELL_COUNT },
    [TIED] = { .key = "tied", .title = "TIED", .kind = PROF_CELL_COUNT, .extra = true },
};

static struct prof_error *rows_of_sites(struct prof_view *view, const struct prof_coverage *coverage,
                                        const char *module, const struct prof_query *query,
                                        const struct prof_table **ret)
{
    struct rows rows;
    struct prof_error *error = rows_begin(&rows, view, site_columns, SITE_COLUMNS, query, NULL);
    const struct prof_coverage_site *list;
    size_t count = prof_coverage_sites(coverage, &list);
    if (error != NULL)
        return error;
    for (size_t i = 0; i < count; i++) {
        const struct prof_coverage_site *s = &list[i];
        if (module != NULL && !prof_module_fits(module, s->module))
            continue;
        struct prof_cell row[SITE_COLUMNS] = {
            [SITE] = cell_text(s->stack != 0 ? view_site_text(view, s->stack) : "(no stack)"),
            [OF] = cell_text(prof_heap_type(view->heap, s->type)->name),
            [MODULE] = cell_text(last_part(s->module)),
            [BIRTH] = cell_number(s->birth),
            [TAKEN] = cell_number(s->taken),
            [GIVEN] = cell_number(s->given),
            [TAKEN_BY] = cell_number(s->owned_taken),
            [GIVEN_BY] = cell_number(s->owned_given),
            [OPEN] = cell_number(s->open),
            [ALIVE] = cell_signed(s->alive),
            [DECIDES] = cell_number(s->objects),
            [TIED] = cell_number(s->tied),
        };
        rows_offer(&rows, row, i);
    }
    return rows_end(&rows, NULL, ret);
}

/* ---- One row for each type in a module --------------------------------------------------------------------------- */

enum { IN, WHAT, BORN, TOOK, GAVE, DIFFERENCE, LIVING, UNTOLD, MODULE_COLUMNS };
static const struct prof_column module_columns[MODULE_COLUMNS] = {
    [IN] = { .key = "module", .title = "MODULE", .kind = PROF_CELL_TEXT },
    [WHAT] = { .key = "type", .title = "TYPE", .kind = PROF_CELL_TEXT, .wide = true },
    [BORN] = { .key = "born", .title = "BORN", .kind = PROF_CELL_COUNT },
    [TOOK] = { .key = "taken", .title = "TOOK", .kind = PROF_CELL_COUNT },
    [GAVE] = { .key = "given", .title = "GAVE BACK", .kind = PROF_CELL_COUNT },
    [DIFFERENCE] = { .key = "difference", .title = "DIFFERENCE", .kind = PROF_CELL_COUNT },
    [LIVING] = { .key = "alive", .title = "ALIVE", .kind = PROF_CELL_COUNT },
    [UNTOLD] = { .key = "anonymous", .title = "NO OWNER", .kind = PROF_CELL_COUNT, .extra = true },
};

static struct prof_error *rows_of_modules(struct prof_view *view, const struct prof_coverage *coverage,
                                          const char *module, const struct prof_query *query,
                                          const struct prof_table **ret)
{
    struct rows rows;
    struct prof_error *error = rows_begin(&rows, view, module_columns, MODULE_COLUMNS, query, NULL);
    const struct prof_coverage_module *list;
    size_t count = prof_coverage_modules(coverage, &list);
    if (error != NULL)
        return error;
    for (size_t i = 0; i < count; i++) {
        const struct prof_coverage_module *m = &list[i];
        if (module != NULL && !prof_module_fits(module, m->module))
            continue;
        struct prof_cell row[MODULE_COLUMNS] = {
            [IN] = cell_text(m->module[0] != '\0' ? last_part(m->module) : "(unknown)"),
            [WHAT] = cell_text(prof_heap_type(view->heap, m->type)->name),
            [BORN] = cell_number(m->born),
            [TOOK] = cell_number(m->taken),
            [GAVE] = cell_number(m->given),
            [DIFFERENCE] = cell_signed((int64_t)m->taken - (int64_t)m->given),
            [LIVING] = cell_signed(m->alive),
            [UNTOLD] = cell_number(m->anonymous),
        };
        rows_offer(&rows, row, i);
    }
    return rows_end(&rows, NULL, ret);
}

struct prof_error *prof_view_coverage(struct prof_view *view, const struct prof_coverage *coverage,
                                      enum prof_coverage_table table, const char *module,
                                      const struct prof_query *query, const struct prof_table **ret)
{
    if (table == PROF_COVERAGE_TABLE_SITES)
        return rows_of_sites(view, coverage, module, query, ret);
    if (table == PROF_COVERAGE_TABLE_MODULES)
        return rows_of_modules(view, coverage, module, query, ret);
    return rows_of_types(view, coverage, query, ret);
}
