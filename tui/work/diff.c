/* work/diff.c: what changed between a moment and the one that is looked at. The earlier one is replayed, so what has
 * died altogether since then is told as well. See work.h. */
#include "internal.h"

#include <stdlib.h>

#include <base/vec.h>

enum { SITES = 100 };

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

/* ---- Types ---- */

/* Those that are alive and were born after the moment: of one type. */
struct stayed {
    uint64_t objects;
    uint32_t stack; /* of the newest */
};

static json_t *types_of(struct work *work, const struct stayed *stayed)
{
    json_t *rows = json_array();
    char site[1024];
    prof_type_id then_max = work->then != NULL ? prof_heap_type_max(work->then) : 0;
    for (prof_type_id id = 0; id < prof_heap_type_max(work->heap); id++) {
        const struct prof_type *now = prof_heap_type(work->heap, id);
        const struct prof_type *then = id < then_max ? prof_heap_type(work->then, id) : NULL;
        uint64_t live = then != NULL ? then->live : 0, bytes = then != NULL ? then->live_bytes : 0;
        if (now->live == 0 && live == 0 && now->born == (then != NULL ? then->born : 0))
            continue;
        json_array_append_new(
            rows,
            json_pack("{s:o,s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "name", work_text(now->name), "then", (json_int_t)live,
                      "now", (json_int_t)now->live, "bytes_then", (json_int_t)bytes, "bytes_now",
                      (json_int_t)now->live_bytes, "stayed", (json_int_t)stayed[id].objects, "born",
                      (json_int_t)(now->born - (then != NULL ? then->born : 0)), "site",
                      work_text(stayed[id].objects > 0 ? prof_view_site(work->view, stayed[id].stack, site, sizeof site)
                                                       : "")));
    }
    return rows;
}

/* ---- Sites ---- */

struct site_change {
    uint32_t stack;
    int64_t bytes;
    uint64_t then, now;
};
struct site_changes {
    struct site_change *items;
    size_t count, room;
    const struct prof_heap *then;
};

static void change_of(void *ctx, uint32_t stack, const struct prof_stack_stat *stat)
{
    struct site_changes *changes = ctx;
    const struct prof_stack_stat *was = changes->then != NULL ? prof_heap_stack_stat(changes->then, stack) : NULL;
    struct site_change change = { .stack = stack,
                                  .bytes = (int64_t)stat->live_bytes - (int64_t)(was != NULL ? was->live_bytes : 0),
                                  .then = was != NULL ? was->live : 0,
                                  .now = stat->live };
    if ((change.bytes != 0 || change.then != change.now) && !prof_vec_push(changes, change))
        changes->count = 0;
}

static int most_first(const void *left, const void *right)
{
    const struct site_change *a = left, *b = right;
    uint64_t x = (uint64_t)llabs(a->bytes), y = (uint64_t)llabs(b->bytes);
    return x != y ? (x > y ? -1 : 1) : (a->stack > b->stack) - (a->stack < b->stack);
}

static json_t *sites_of(struct work *work, size_t *ret_all)
{
    struct site_changes changes = { .then = work->then };
    json_t *rows = json_array();
    char site[1024];
    prof_heap_stack_each(work->heap, change_of, &changes);
    if (changes.count > 0)
        qsort(changes.items, changes.count, sizeof *changes.items, most_first);
    for (size_t i = 0; i < changes.count && i < SITES; i++)
        json_array_append_new(
            rows, json_pack("{s:o,s:I,s:I,s:I}", "site",
                            work_text(prof_view_site(work->view, changes.items[i].stack, site, sizeof site)), "then",
                            (json_int_t)changes.items[i].then, "now", (json_int_t)changes.items[i].now, "bytes",
                            (json_int_t)changes.items[i].bytes));
    *ret_all = changes.count;
    prof_vec_deinit(&changes);
    return rows;
}

json_t *work_diff(struct work *work, const json_t *question, struct prof_error **ret_error)
{
    const char *of = work_asked(question, "of");
    uint64_t from_us = of != NULL ? strtoull(of, NULL, 10) : 0, end_us = prof_heap_totals(work->heap)->end_us;
    size_t sites_all;
    if (from_us > end_us)
        *ret_error = prof_error_create(PROF_ERROR_ARGUMENT,
                                       "it would begin behind the moment that is looked at: [ moves the begin");
    else
        *ret_error = heap_then(work, from_us);
    if (*ret_error != NULL)
        return NULL;
    struct stayed *stayed = calloc(prof_heap_type_max(work->heap) + 1, sizeof *stayed);
    if (stayed == NULL) {
        *ret_error = prof_error_create(PROF_ERROR_NO_MEMORY, "there is no memory");
        return NULL;
    }
    for (prof_obj_id id = 1; id < prof_heap_obj_max(work->heap); id++) {
        const struct prof_obj *obj = prof_heap_obj(work->heap, id);
        bool alive = obj->state != PROF_OBJ_NONE && obj->state != PROF_OBJ_DEAD;
        if (!alive || (obj->born_us <= from_us && from_us > 0) || obj->type >= prof_heap_type_max(work->heap))
            continue;
        stayed[obj->type].objects++;
        stayed[obj->type].stack = obj->stack;
    }
    json_t *types = types_of(work, stayed), *sites = sites_of(work, &sites_all);
    free(stayed);
    return json_pack("{s:o,s:o,s:I,s:I,s:I}", "types", types, "sites", sites, "sites_all", (json_int_t)sites_all,
                     "from", (json_int_t)from_us, "to", (json_int_t)end_us);
}
