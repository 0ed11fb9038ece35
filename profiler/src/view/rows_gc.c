/* rows_gc.c: the tables of the cycle detector's generations: statistics of each, passes, what was found by type, who
 * belongs to one. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- One row for each generation --------------------------------------------------------------------------------- */

enum { GENERATION, OBJECTS, COUNT, THRESHOLD, COLLECTIONS, COLLECTED, UNCOLLECTABLE, CANDIDATES, TOOK, STATS_COLUMNS };
static const struct prof_column stats_columns[STATS_COLUMNS] = {
    [GENERATION] = { .key = "generation", .title = "GENERATION", .kind = PROF_CELL_COUNT },
    [OBJECTS] = { .key = "objects", .title = "OBJECTS", .kind = PROF_CELL_COUNT },
    [COUNT] = { .key = "count", .title = "COUNT", .kind = PROF_CELL_COUNT },
    [THRESHOLD] = { .key = "threshold", .title = "THRESHOLD", .kind = PROF_CELL_COUNT },
    [COLLECTIONS] = { .key = "collections", .title = "PASSES", .kind = PROF_CELL_COUNT },
    [COLLECTED] = { .key = "collected", .title = "COLLECTED", .kind = PROF_CELL_COUNT },
    [UNCOLLECTABLE] = { .key = "uncollectable", .title = "UNCOLLECTABLE", .kind = PROF_CELL_COUNT },
    [CANDIDATES] = { .key = "candidates", .title = "EXAMINED", .kind = PROF_CELL_COUNT },
    [TOOK] = { .key = "took_us", .title = "TOOK us", .kind = PROF_CELL_COUNT, .extra = true },
};

static struct prof_error *rows_stats(struct prof_view *view, const struct prof_gc_report *report,
                                     const struct prof_query *query, const struct prof_table **ret)
{
    struct rows rows;
    struct prof_error *error = rows_begin(&rows, view, stats_columns, STATS_COLUMNS, query, NULL);
    struct prof_gc_stats stats[PROF_GC_GENERATIONS];
    struct prof_gc_totals totals;
    uint32_t count[PROF_GC_GENERATIONS], threshold[PROF_GC_GENERATIONS];

    if (error != NULL)
        return error;
    prof_gc_stats(report->gc, stats);
    prof_gc_totals(report->gc, &totals);
    prof_gc_count(report->gc, count);
    prof_gc_threshold(report->gc, threshold);
    for (unsigned i = 0; i < PROF_GC_GENERATIONS; i++) {
        struct prof_cell row[STATS_COLUMNS] = {
            [GENERATION] = cell_number(i),
            [OBJECTS] = cell_number(totals.size[i]),
            [COUNT] = cell_number(count[i]),
            [THRESHOLD] = cell_number(threshold[i]),
            [COLLECTIONS] = cell_number(stats[i].collections),
            [COLLECTED] = cell_number(stats[i].collected),
            [UNCOLLECTABLE] = cell_number(stats[i].uncollectable),
            [CANDIDATES] = cell_number(stats[i].candidates),
            [TOOK] = cell_number(stats[i].duration_us),
        };
        rows_offer(&rows, row, i);
    }
    return rows_end(&rows, NULL, ret);
}

/* ---- One row for each pass --------------------------------------------------------------------------------------- */

enum { NUMBER, AT, OF, WHY, EXAMINED, FOUND, STUCK, OVER, SOURCES, UNDERFLOW, STALE, EVENTS, LASTED, PASS_COLUMNS };
static const struct prof_column pass_columns[PASS_COLUMNS] = {
    [NUMBER] = { .key = "pass", .title = "PASS", .kind = PROF_CELL_COUNT },
    [AT] = { .key = "at", .title = "AT", .kind = PROF_CELL_MOMENT },
    [OF] = { .key = "generation", .title = "GENERATION", .kind = PROF_CELL_COUNT },
    [WHY] = { .key = "why", .title = "WHY", .kind = PROF_CELL_TEXT },
    [EXAMINED] = { .key = "candidates", .title = "EXAMINED", .kind = PROF_CELL_COUNT },
    [FOUND] = { .key = "collected", .title = "COLLECTED", .kind = PROF_CELL_COUNT },
    [STUCK] = { .key = "uncollectable", .title = "UNCOLLECTABLE", .kind = PROF_CELL_COUNT },
    [OVER] = { .key = "over", .title = "OVER", .kind = PROF_CELL_COUNT },
    [SOURCES] = { .key = "sources", .title = "SOURCES", .kind = PROF_CELL_COUNT, .extra = true },
    [UNDERFLOW] = { .key = "underflow", .title = "UNDERFLOW", .kind = PROF_CELL_COUNT, .extra = true },
    [STALE] = { .key = "stale", .title = "STALE", .kind = PROF_CELL_COUNT, .extra = true },
    [EVENTS] = { .key = "events", .title = "EVENTS", .kind = PROF_CELL_COUNT, .extra = true },
    [LASTED] = { .key = "took_us", .title = "TOOK us", .kind = PROF_CELL_COUNT, .extra = true },
};

static struct prof_error *rows_passes(struct prof_view *view, const struct prof_gc_report *report,
                                      const struct prof_query *query, const struct prof_table **ret)
{
    struct rows rows;
    struct prof_error *error = rows_begin(&rows, view, pass_columns, PASS_COLUMNS, query, NULL);

    if (error != NULL)
        return error;
    for (size_t i = 0; i < report->pass_count && !rows.failed; i++) {
        const struct prof_gc_pass *pass = &report->passes[i];
        bool whole = pass->generation == 2;
        struct prof_cell row[PASS_COLUMNS] = {
            [NUMBER] = cell_number(pass->number),
            [AT] = cell_number(pass->at_us),
            [OF] = cell_number(pass->generation),
            [WHY] = cell_text(pass->automatic ? "due" : "asked"),
            [EXAMINED] = cell_number(pass->candidates),
            [FOUND] = cell_number(pass->collected),
            [STUCK] = cell_number(pass->uncollectable),
            [OVER] = whole ? cell_number(pass->over) : cell_none(),
            [SOURCES] = whole ? cell_number(pass->sources) : cell_none(),
            [UNDERFLOW] = cell_number(pass->underflow),
            [STALE] = cell_number(pass->stale),
            [EVENTS] = cell_number(pass->events),
            [LASTED] = cell_number(pass->duration_us),
        };
        rows_offer(&rows, row, i);
    }
    return rows_end(&rows, NULL, ret);
}

/* ---- One row for each type of what was found --------------------------------------------------------------------- */

enum { TYPE, TRASH, BYTES, WITHIN, AT_MOST, BY_0, BY_1, BY_2, NO_ORDER, CONFIRMED, CHECKED, STRENGTH, GARBAGE_COLUMNS };
static const struct prof_column garbage_columns[GARBAGE_COLUMNS] = {
    [TYPE] = { .key = "type", .title = "TYPE", .kind = PROF_CELL_TEXT, .wide = true },
    [TRASH] = { .key = "objects", .title = "GARBAGE", .kind = PROF_CELL_COUNT },
    [BYTES] = { .key = "bytes", .title = "BYTES", .kind = PROF_CELL_BYTES },
    [WITHIN] = { .key = "found_after", .title = "FOUND AFTER", .kind = PROF_CELL_TIME },
    [AT_MOST] = { .key = "found_after_most", .title = "AT MOST", .kind = PROF_CELL_TIME },
    [BY_0] = { .key = "found_by_0", .title = "BY 0", .kind = PROF_CELL_COUNT, .extra = true },
    [BY_1] = { .key = "found_by_1", .title = "BY 1", .kind = PROF_CELL_COUNT, .extra = true },
    [BY_2] = { .key = "found_by_2", .title = "BY 2", .kind = PROF_CELL_COUNT, .extra = true },
    [NO_ORDER] = { .key = "uncollectable", .title = "UNCOLLECTABLE", .kind = PROF_CELL_COUNT },
    [CONFIRMED] = { .key = "confirmed", .title = "CONFIRMED", .kind = PROF_CELL_COUNT },
    [CHECKED] = { .key = "checked", .title = "CHECKED", .kind = PROF_CELL_COUNT, .extra = true },
    [STRENGTH] = { .key = "strength", .title = "STRENGTH", .kind = PROF_CELL_TEXT },
};

struct trash {
    prof_type_id type;
    uint64_t after; /* its birth, in microseconds */
    struct prof_gc_garbage garbage;
};
struct all_trash {
    struct prof_heap *heap;
    PROF_VEC(struct trash) list;
    bool failed;
};

static void gather_trash(void *ctx, const struct prof_gc_garbage *garbage)
{
    struct all_trash *all = ctx;
    const struct prof_obj *obj = prof_heap_obj(all->heap, garbage->obj);
    uint64_t after = garbage->found_us > obj->born_us ? garbage->found_us - obj->born_us : 0;
    all->failed |= !prof_vec_push(&all->list, (struct trash){ obj->type, after, *garbage });
}

static int by_type(const void *a, const void *b)
{
    const struct trash *x = a, *y = b;
    if (x->type != y->type)
        return x->type < y->type ? -1 : 1;
    return x->after != y->after ? (x->after < y->after ? -1 : 1) : 0;
}

/* Of one type, by time: half of them were found within the time of the middle one. */
static void offer_type(struct rows *rows, const struct prof_heap *heap, const struct trash *list, size_t count)
{
    uint64_t bytes = 0, by[PROF_GC_GENERATIONS] = { 0 }, stuck = 0, confirmed = 0, checked = 0;
    enum prof_strength weakest = PROF_PROVEN;
    char name[512];

    for (size_t i = 0; i < count; i++) {
        const struct prof_gc_garbage *garbage = &list[i].garbage;
        bytes += prof_heap_obj(heap, garbage->obj)->size;
        by[garbage->generation]++;
        stuck += garbage->uncollectable;
        confirmed += garbage->confirmed;
        checked += garbage->checked;
        weakest = garbage->strength > weakest ? garbage->strength : weakest;
    }
    struct prof_cell row[GARBAGE_COLUMNS] = {
        [TYPE] = cell_text(prof_escape_terminal(name, sizeof name, prof_heap_type(heap, list->type)->name)),
        [TRASH] = cell_number(count),
        [BYTES] = cell_number(bytes),
        [WITHIN] = cell_number(list[count / 2].after),
        [AT_MOST] = cell_number(list[count - 1].after),
        [BY_0] = cell_number(by[0]),
        [BY_1] = cell_number(by[1]),
        [BY_2] = cell_number(by[2]),
        [NO_ORDER] = cell_number(stuck),
        [CONFIRMED] = cell_number(confirmed),
        [CHECKED] = cell_number(checked),
        [STRENGTH] = cell_text(prof_strength_name(weakest)),
    };
    rows_offer(rows, row, list->type);
}

static struct prof_error *rows_garbage(struct prof_view *view, const struct prof_gc_report *report,
                                       const struct prof_query *query, const struct prof_table **ret)
{
    struct rows rows;
    struct all_trash all = { .heap = view->heap };
    struct prof_error *error = rows_begin(&rows, view, garbage_columns, GARBAGE_COLUMNS, query, "bytes,objects");

    if (error != NULL)
        return error;
    error = prof_gc_garbage(report->gc, gather_trash, &all);
    if (error == NULL && all.failed)
        error = prof_error_memory();
    if (error == NULL && all.list.count > 0) {
        qsort(all.list.items, all.list.count, sizeof *all.list.items, by_type);
        for (size_t i = 0, next; i < all.list.count && !rows.failed; i = next) {
            for (next = i + 1; next < all.list.count && all.list.items[next].type == all.list.items[i].type;)
                next++;
            offer_type(&rows, view->heap, &all.list.items[i], next - i);
        }
    }
    prof_vec_deinit(&all.list);
    const struct prof_table *table;
    struct prof_error *ended = rows_end(&rows, NULL, &table);
    if (error != NULL || ended != NULL) {
        if (error != NULL)
            prof_error_destroy(ended);
        return error != NULL ? error : ended;
    }
    *ret = table;
    return NULL;
}

/* ---- One row for each object of a generation --------------------------------------------------------------------- */

enum { OBJECT, PLACE, REFERENCES, SIZE, AGE, QUIET, SITE, KIND, ADDR, ID, OBJECT_COLUMNS };
static const struct prof_column object_columns[OBJECT_COLUMNS] = {
    [OBJECT] = { .key = "object", .title = "OBJECT", .kind = PROF_CELL_TEXT, .wide = true },
    [PLACE] = { .key = "generation", .title = "GENERATION", .kind = PROF_CELL_TEXT },
    [REFERENCES] = { .key = "count", .title = "COUNT", .kind = PROF_CELL_COUNT },
    [SIZE] = { .key = "bytes", .title = "BYTES", .kind = PROF_CELL_BYTES },
    [AGE] = { .key = "age", .title = "AGE", .kind = PROF_CELL_TIME },
    [QUIET] = { .key = "quiet", .title = "QUIET", .kind = PROF_CELL_TIME },
    [SITE] = { .key = "site", .title = "BORN AT", .kind = PROF_CELL_TEXT, .wide = true },
    [KIND] = { .key = "type", .title = "TYPE", .kind = PROF_CELL_TEXT, .extra = true },
    [ADDR] = { .key = "addr", .title = "ADDR", .kind = PROF_CELL_ADDR, .extra = true },
    [ID] = { .key = "id", .title = "ID", .kind = PROF_CELL_COUNT, .extra = true },
};

static void finish_object(struct rows *rows, struct prof_cell *row, uint64_t key)
{
    struct prof_view *view = rows->view;
    char name[512], shown[1024];

    row[SITE].text = view_site_text(view, prof_heap_obj(view->heap, (prof_obj_id)key)->stack);
    prof_fmt_obj(name, sizeof name, view->heap, (prof_obj_id)key);
    row[OBJECT].text = view_text(view, prof_escape_terminal(shown, sizeof shown, name));
    rows->failed |= row[SITE].text == NULL || row[OBJECT].text == NULL;
}

static struct prof_error *rows_members(struct prof_view *view, const struct prof_gc_report *report,
                                       const struct prof_query *query, const struct prof_table **ret)
{
    static const char *const names[] = { "0", "1", "2", "frozen", "garbage" };
    struct rows rows;
    struct prof_error *error = rows_begin(&rows, view, object_columns, OBJECT_COLUMNS, query, "age,id");
    uint64_t end = prof_heap_totals(view->heap)->end_us;

    if (error != NULL)
        return error;
    for (prof_obj_id id = 1; id < prof_heap_obj_max(view->heap) && !rows.failed; id++) {
        int generation = prof_gc_generation(report->gc, id);
        const struct prof_obj *obj = prof_heap_obj(view->heap, id);
        const char *type = prof_heap_type(view->heap, obj->type)->name;
        char shown[512];
        if (generation < 0 || (report->generation >= 0 && generation != report->generation) ||
            (query->type != NULL && strcmp(type, query->type) != 0))
            continue;
        struct prof_cell row[OBJECT_COLUMNS] = {
            [OBJECT] = cell_text(""),
            [PLACE] = cell_text(names[generation]),
            [REFERENCES] = cell_number((uint64_t)(int64_t)obj->count),
            [SIZE] = obj->size != 0 ? cell_number(obj->size) : cell_none(),
            [AGE] = cell_number(end > obj->born_us ? end - obj->born_us : 0),
            [QUIET] = cell_number(end > obj->last_us ? end - obj->last_us : 0),
            [SITE] = cell_text(""),
            [KIND] = cell_text(prof_escape_terminal(shown, sizeof shown, type)),
            [ADDR] = cell_number(obj->addr),
            [ID] = cell_number(id),
        };
        if (rows_wants(&rows, OBJECT) || rows_wants(&rows, SITE))
            finish_object(&rows, row, id);
        rows_offer(&rows, row, id);
    }
    return rows_end(&rows, finish_object, ret);
}

struct prof_error *prof_view_gc(struct prof_view *view, const struct prof_gc_report *report, enum prof_gc_table table,
                                const struct prof_query *query, const struct prof_table **ret)
{
    switch (table) {
    case PROF_GC_TABLE_STATS:
        return rows_stats(view, report, query, ret);
    case PROF_GC_TABLE_PASSES:
        return rows_passes(view, report, query, ret);
    case PROF_GC_TABLE_GARBAGE:
        return rows_garbage(view, report, query, ret);
    default:
        return rows_members(view, report, query, ret);
    }
}
