/* work/diff.c: what changed between a moment and the one that is looked at. The earlier one is replayed, so what has
 * died altogether since then is told as well. See work.h. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include <base/vec.h>

/* The heap as it was then; made anew for another moment. NULL: at the very begin, when nothing was there. */
static struct prof_error *heap_then(struct work *work, uint64_t from_us)
{
    const struct prof_heap_options options = { .until_us = from_us };
    if (from_us == work->then_us)
        return NULL;
    prof_heap_destroy(work->then);
    work->then = NULL;
    work->then_us = 0;
    struct prof_error *error = prof_heap_create(work->trace, &options, &work->then);
    if (error == NULL)
        work->then_us = from_us;
    return error;
}

/* The begin of the difference that a question asks for, checked. */
static struct prof_error *begin(struct work *work, uint64_t from_us)
{
    if (from_us > prof_heap_totals(work->heap)->end_us)
        return prof_error_create(PROF_ERROR_ARGUMENT, "it would begin behind the moment that is looked at: [ moves it");
    return heap_then(work, from_us);
}

/* ---- Rows ---- */

/* Columns of both tables; sites have no BORN and STAY. */
enum { NAME, THEN, NOW, DELTA, BYTES_THEN, BYTES_NOW, BYTES, BORN, STAY, SITE, COLUMNS };
#define NUMBERS                                                                                                        \
    [THEN] = { .key = "then", .title = "THEN", .kind = PROF_CELL_COUNT },                                              \
    [NOW] = { .key = "now", .title = "NOW", .kind = PROF_CELL_COUNT },                                                 \
    [DELTA] = { .key = "delta", .title = "DELTA", .kind = PROF_CELL_MORE },                                            \
    [BYTES_THEN] = { .key = "bytes_then", .title = "BYTES THEN", .kind = PROF_CELL_BYTES, .extra = true },             \
    [BYTES_NOW] = { .key = "bytes_now", .title = "BYTES NOW", .kind = PROF_CELL_BYTES, .extra = true },                \
    [BYTES] = { .key = "bytes", .title = "BYTES", .kind = PROF_CELL_MORE_BYTES }
static const struct prof_column type_columns[COLUMNS] = {
    [NAME] = { .key = "type", .title = "TYPE", .kind = PROF_CELL_TEXT, .wide = true },
    NUMBERS,
    [BORN] = { .key = "born", .title = "BORN", .kind = PROF_CELL_COUNT },
    [STAY] = { .key = "stay", .title = "STAY", .kind = PROF_CELL_COUNT },
    [SITE] = { .key = "site", .title = "NEWEST BORN IN", .kind = PROF_CELL_TEXT, .wide = true },
};
enum { SITE_COLUMNS = BORN };
static const struct prof_column site_columns[SITE_COLUMNS] = {
    [NAME] = { .key = "site", .title = "SITE", .kind = PROF_CELL_TEXT, .wide = true },
    NUMBERS,
};

/* How much of a kind was there, and is. */
struct change {
    uint32_t id; /* of the type; of a stack */
    uint64_t then, now, bytes_then, bytes_now;
    uint64_t born, stay; /* types */
    uint32_t newest;     /* types: the stack of the newest that stays, 0 none */
};
struct changes {
    struct work *work;
    PROF_VEC(struct change) list;
    bool failed;
    char text[2][1024];
};

static void add(struct changes *changes, const struct change *change)
{
    changes->failed |= !prof_vec_push(&changes->list, *change);
}

static void numbers_of(const struct change *change, struct prof_cell *row)
{
    row[THEN].number = change->then;
    row[NOW].number = change->now;
    row[DELTA].number = change->now - change->then;
    row[BYTES_THEN].number = change->bytes_then;
    row[BYTES_NOW].number = change->bytes_now;
    row[BYTES].number = change->bytes_now - change->bytes_then;
}

static const char *site_text(struct changes *changes, uint32_t stack)
{
    char site[1024];
    return prof_escape_terminal(changes->text[1], sizeof changes->text[1],
                                prof_view_site(changes->work->view, stack, site, sizeof site));
}

static void known(struct prof_cell *row, size_t count)
{
    for (size_t c = 0; c < count; c++)
        row[c].none = false;
}

static void fill_type(void *ctx, size_t i, struct prof_cell *row)
{
    struct changes *changes = ctx;
    const struct change *change = &changes->list.items[i];
    const char *name = prof_heap_type(changes->work->heap, (prof_type_id)change->id)->name;
    known(row, COLUMNS);
    row[NAME].text = prof_escape_terminal(changes->text[0], sizeof changes->text[0], name);
    numbers_of(change, row);
    row[BORN].number = change->born;
    row[STAY].number = change->stay;
    row[SITE].text = change->newest != 0 ? site_text(changes, change->newest) : "";
}

static void fill_site(void *ctx, size_t i, struct prof_cell *row)
{
    struct changes *changes = ctx;
    known(row, SITE_COLUMNS);
    row[NAME].text = site_text(changes, changes->list.items[i].id);
    numbers_of(&changes->list.items[i], row);
}

static struct prof_error *finish(struct changes *changes, const struct prof_rows *given, const struct prof_table **ret)
{
    const struct prof_query all = { .top = 0 };
    struct prof_rows rows = *given;
    rows.ctx = changes;
    rows.count = changes->list.count;
    rows.sort = "bytes";
    struct prof_error *error = changes->failed ? prof_error_create(PROF_ERROR_NO_MEMORY, "there is no memory")
                                               : prof_view_rows(changes->work->view, &rows, &all, ret);
    prof_vec_deinit(&changes->list);
    return error;
}

/* ---- Types ---- */

/* Those of each type that are alive and were born after the moment. */
static void count_stayed(struct work *work, uint64_t from_us, struct change *types)
{
    for (prof_obj_id id = 1; id < prof_heap_obj_max(work->heap); id++) {
        const struct prof_obj *obj = prof_heap_obj(work->heap, id);
        bool alive = obj->state != PROF_OBJ_NONE && obj->state != PROF_OBJ_DEAD;
        if (!alive || (obj->born_us <= from_us && from_us > 0) || obj->type >= prof_heap_type_max(work->heap))
            continue;
        types[obj->type].stay++;
        types[obj->type].newest = obj->stack;
    }
}

struct prof_error *work_diff_types(struct work *work, const json_t *question, const struct prof_table **ret)
{
    static const struct prof_rows given = { .columns = type_columns, .column_count = COLUMNS, .fill = fill_type };
    struct changes changes = { .work = work };
    uint64_t from_us = work_asked_number(question, "from", 0);
    struct prof_error *error = begin(work, from_us);
    if (error != NULL)
        return error;
    struct change *types = calloc(prof_heap_type_max(work->heap) + 1, sizeof *types);
    changes.failed = types == NULL;
    if (types != NULL)
        count_stayed(work, from_us, types);
    prof_type_id then_max = work->then != NULL ? prof_heap_type_max(work->then) : 0;
    for (prof_type_id id = 0; types != NULL && id < prof_heap_type_max(work->heap); id++) {
        const struct prof_type *now = prof_heap_type(work->heap, id);
        const struct prof_type *then = id < then_max ? prof_heap_type(work->then, id) : NULL;
        struct change *change = &types[id];
        change->id = id;
        change->now = now->live;
        change->bytes_now = now->live_bytes;
        change->born = now->born - (then != NULL ? then->born : 0);
        change->then = then != NULL ? then->live : 0;
        change->bytes_then = then != NULL ? then->live_bytes : 0;
        if (change->now != 0 || change->then != 0 || change->born != 0)
            add(&changes, change);
    }
    free(types);
    return finish(&changes, &given, ret);
}

/* ---- Sites ---- */

static void change_of(void *ctx, uint32_t stack, const struct prof_stack_stat *stat)
{
    struct changes *changes = ctx;
    const struct prof_heap *then = changes->work->then;
    const struct prof_stack_stat *was = then != NULL ? prof_heap_stack_stat(then, stack) : NULL;
    const struct change change = { .id = stack,
                                   .then = was != NULL ? was->live : 0,
                                   .now = stat->live,
                                   .bytes_then = was != NULL ? was->live_bytes : 0,
                                   .bytes_now = stat->live_bytes };
    if (change.bytes_then != change.bytes_now || change.then != change.now)
        add(changes, &change);
}

struct prof_error *work_diff_sites(struct work *work, const json_t *question, const struct prof_table **ret)
{
    static const struct prof_rows given = { .columns = site_columns, .column_count = SITE_COLUMNS, .fill = fill_site };
    struct changes changes = { .work = work };
    uint64_t from_us = work_asked_number(question, "from", 0);
    struct prof_error *error = begin(work, from_us);
    if (error != NULL)
        return error;
    prof_heap_stack_each(work->heap, change_of, &changes);
    return finish(&changes, &given, ret);
}
