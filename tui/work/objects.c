/* work/objects.c: the table of objects, whatever their number: orders of all of them as an index, made in steps between
 * which other questions are answered; rows for the part that is shown. See work.h.
 *
 * The last few orders are kept, about 5 bytes for each object in them, so going back to one costs nothing. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include <prof/order.h>

enum { ORDERS = 3, STEP = 1 << 14, ROWS_A_STEP = 1 << 12, TURN_MS = 8, ROWS_MOST = 2000 };

struct kept {
    char *key; /* what was asked: where, sort, ... */
    struct prof_order *order;
    struct work_stacks stacks; /* that objects were born at, when only some are wanted */
    bool done;
    uint64_t used;
};
struct work_objects {
    struct kept kept[ORDERS];
    uint64_t turns;
    uint64_t searching; /* number of the question of the search; 0 none */
    struct prof_order_search search;
};

static char *key_of(const json_t *question)
{
    json_t *key = json_pack("[O?,O?,O?,O?,O?]", json_object_get(question, "where"), json_object_get(question, "sort"),
                            json_object_get(question, "type"), json_object_get(question, "from"),
                            json_object_get(question, "under"));
    char *text = key != NULL ? json_dumps(key, JSON_COMPACT) : NULL;
    json_decref(key);
    return text;
}

static struct kept *kept_with(struct work_objects *objects, const char *key)
{
    for (size_t i = 0; i < ORDERS; i++)
        if (objects->kept[i].key != NULL && strcmp(objects->kept[i].key, key) == 0) {
            objects->kept[i].used = ++objects->turns;
            return &objects->kept[i];
        }
    return NULL;
}

/* In the place of the one that was not used for the longest time. Takes over key and stacks. */
static struct kept *keep(struct work *work, const json_t *question, char *key, const struct work_stacks *stacks,
                         struct prof_error **ret_error)
{
    struct work_objects *objects = work->objects;
    struct kept *oldest = &objects->kept[0];
    for (size_t i = 1; i < ORDERS; i++)
        oldest = objects->kept[i].used < oldest->used ? &objects->kept[i] : oldest;
    free(oldest->key);
    prof_order_destroy(oldest->order);
    free(oldest->stacks.bits);
    *oldest = (struct kept){ .key = key, .stacks = *stacks, .used = ++objects->turns };
    const struct prof_query query = { .where = work_asked(question, "where"),
                                      .sort = work_asked(question, "sort"),
                                      .type = work_asked(question, "type"),
                                      .from_us = work_asked_number(question, "from", 0),
                                      .stacks = stacks->bits != NULL ? &oldest->stacks.set : NULL };
    *ret_error = prof_order_create(work->view, &query, &oldest->order);
    if (*ret_error == NULL)
        return oldest;
    free(key);
    free(stacks->bits);
    *oldest = (struct kept){ .key = NULL };
    return NULL;
}

/* The order that a question is about, perhaps not done. NULL: *ret_error, or the answer is to wait (*ret_share). */
static struct kept *order_of(struct work *work, const json_t *question, double *ret_share,
                             struct prof_error **ret_error)
{
    const json_t *under = json_object_get(question, "under");
    struct work_stacks stacks = { .bits = NULL };
    char *key = key_of(question);
    if (key == NULL) {
        *ret_error = prof_error_create(PROF_ERROR_NO_MEMORY, "there is no memory");
        return NULL;
    }
    struct kept *kept = kept_with(work->objects, key);
    if (kept == NULL && (under == NULL || work_stacks_of(work, under, &stacks, ret_share, ret_error)))
        return keep(work, question, key, &stacks, ret_error);
    free(key);
    return kept;
}

static struct prof_error *go_on(struct kept *kept)
{
    struct prof_error *error = NULL;
    for (uint64_t begin = work_now_ms(); error == NULL && !kept->done && work_now_ms() - begin < TURN_MS;)
        error = prof_order_go_on(kept->order, STEP, &kept->done);
    return error;
}

/* Goes on with the search of a question. true: it is over. */
static bool search(struct work *work, const json_t *question, struct kept *kept, struct prof_error **ret_error)
{
    struct work_objects *objects = work->objects;
    struct prof_order_search *search = &objects->search;
    uint64_t number = work_asked_number(question, "n", 0), total = prof_order_total(kept->order);
    if (objects->searching != number)
        *search = (struct prof_order_search){ .back = json_is_true(json_object_get(question, "back")),
                                              .at = total > 0 ? work_asked_number(question, "after", 0) % total : 0,
                                              .left = total };
    objects->searching = number;
    search->text = work_asked(question, "find"); /* of this turn: the question stays what it is */
    for (uint64_t begin = work_now_ms(); work_now_ms() - begin < TURN_MS && search->left > 0 && !search->found;)
        if ((*ret_error = prof_order_search(kept->order, search, ROWS_A_STEP)) != NULL)
            break;
    return *ret_error != NULL || search->found || search->left == 0;
}

/* The row that a question wants to know of. false: none of them. */
static bool row_of(struct work *work, const json_t *question, struct kept *kept, uint64_t *ret)
{
    const char *keep = work_asked(question, "keep");
    const struct prof_order_search *search = &work->objects->search;
    prof_obj_id id;
    if (keep == NULL) {
        *ret = search->at;
        return search->found;
    }
    struct prof_error *error = prof_view_find(work->view, keep, &id);
    bool known = error == NULL && prof_order_place(kept->order, id, ret);
    prof_error_destroy(error);
    return known;
}

json_t *work_objects(struct work *work, const json_t *question, struct prof_error **ret_error)
{
    uint64_t first = work_asked_number(question, "first", 0), count = work_asked_number(question, "count", 100), row;
    enum prof_units units = (enum prof_units)work_asked_number(question, "units", PROF_UNITS_IEC);
    const struct prof_table *table;
    bool find = work_asked(question, "find") != NULL, keep = work_asked(question, "keep") != NULL, found = false;
    if (work->objects == NULL && (work->objects = calloc(1, sizeof *work->objects)) == NULL) {
        *ret_error = prof_error_create(PROF_ERROR_NO_MEMORY, "there is no memory");
        return NULL;
    }
    double share = 0;
    struct kept *kept = order_of(work, question, &share, ret_error);
    if (kept != NULL)
        *ret_error = go_on(kept);
    if (*ret_error != NULL)
        return NULL;
    if (kept == NULL)
        return work_later(work, share);
    if (!kept->done)
        return work_later(work, prof_order_share(kept->order));
    uint64_t total = prof_order_total(kept->order);
    if (find && !search(work, question, kept, ret_error))
        return work_later(work, total > 0 ? 1 - (double)work->objects->search.left / (double)total : 1);
    if (*ret_error == NULL && (find || keep) && (found = row_of(work, question, kept, &row)))
        first = row > count / 2 ? row - count / 2 : 0;
    if (*ret_error == NULL)
        *ret_error = prof_order_rows(kept->order, first, count < ROWS_MOST ? count : ROWS_MOST, &table);
    if (*ret_error != NULL)
        return NULL;
    json_t *result = json_pack("{s:I,s:I,s:o,s:o}", "total", (json_int_t)total, "first", (json_int_t)first, "columns",
                               work_table_columns(table), "rows", work_table_rows(table, units));
    if ((find || keep) && result != NULL)
        json_object_set_new(result, "found", found ? json_integer((json_int_t)row) : json_null());
    return result;
}
