/* order.c: objects in the order of a query, as an index. See prof/order.h.
 *
 * Ranges of the first key are found by a sample, so they hold about equally many objects, but for values that very many
 * have: such a value gets a range of its own, which needs no sorting by it. Objects of a range stand in the order of
 * their ids until somebody looks into it. */
#include <prof/order.h>

#include <stdlib.h>
#include <string.h>

#include <base/radix.h>

#include "order_words.h"

enum { RANGES = 255, SAMPLE = 8192, TRIES = 65536 };
enum stage { WORDS, SPLIT, GATHER, SCATTER, DONE };

struct record {
    uint64_t key, id;
};

struct prof_order {
    struct prof_view *view;
    struct prof_query query;
    char *where, *sort_text;
    bool *named; /* types asked for; NULL: all */
    struct prof_filter *filter;
    struct prof_sort sort;
    uint32_t looked_at; /* columns that filter or sort need */
    struct order_words words;
    enum stage stage;
    prof_obj_id at, max;
    uint64_t split[RANGES]; /* range r holds keys from split[r - 1] on */
    size_t splits;
    uint8_t *range_of; /* by id: 0 not chosen, else range + 1 */
    uint64_t begin[RANGES + 1], filled[RANGES];
    bool sorted[RANGES];
    prof_obj_id *ids;
    struct prof_table window;
    struct prof_arena arena; /* of the window */
    struct order_memo memo;  /* of the last search */
};

struct prof_error *prof_order_create(struct prof_view *view, const struct prof_query *query, struct prof_order **ret)
{
    struct prof_order *o = calloc(1, sizeof *o);
    if (o == NULL)
        return prof_error_memory();
    o->view = view;
    o->max = prof_heap_obj_max(view->heap);
    o->query = (struct prof_query){ .from_us = query->from_us, .to_us = query->to_us, .stacks = query->stacks };
    prof_arena_init(&o->arena);
    struct prof_error *error =
        prof_sort_parse(object_columns, OBJECT_COLUMNS, query->sort != NULL ? query->sort : "bytes,id", &o->sort);
    if (error == NULL && query->where != NULL)
        error = prof_filter_create(object_columns, OBJECT_COLUMNS, query->where, &o->filter);
    if (error == NULL && query->type != NULL)
        o->named = object_types_named(view->heap, query->type, &error);
    o->looked_at = prof_filter_columns(o->filter);
    for (size_t i = 0; i < o->sort.count; i++)
        o->looked_at |= 1u << o->sort.keys[i].column;
    o->range_of = error == NULL ? calloc((size_t)o->max + 1, sizeof *o->range_of) : NULL;
    if (error == NULL && (o->range_of == NULL || !order_words_init(&o->words, view, o->looked_at)))
        error = prof_error_memory();
    o->stage = order_words_wanted(&o->words) ? WORDS : SPLIT;
    o->at = 1;
    if (error != NULL)
        prof_order_destroy(o);
    else
        *ret = o;
    return error;
}

void prof_order_destroy(struct prof_order *o)
{
    if (o == NULL)
        return;
    prof_filter_destroy(o->filter);
    order_words_deinit(&o->words);
    order_memo_deinit(&o->memo);
    prof_arena_deinit(&o->arena);
    free(o->named);
    free(o->range_of);
    free(o->ids);
    free(o);
}

/* ---- Keys ---- */

static bool chosen(struct prof_order *o, prof_obj_id id)
{
    struct object_texts texts;
    struct prof_cell row[OBJECT_COLUMNS];
    if (!object_is_listed(o->view->heap, &o->query, id) ||
        (o->named != NULL && !o->named[prof_heap_obj(o->view->heap, id)->type]))
        return false;
    if (o->filter == NULL)
        return true;
    uint32_t columns = prof_filter_columns(o->filter);
    for (size_t i = 0; columns >> i != 0; i++)
        if ((columns >> i & 1) != 0)
            row[i] = order_words_cell(&o->words, id, (enum object_column)i, &texts);
    return prof_filter_match(o->filter, row);
}

/* Ascending in the order that is wanted, by one of its keys. */
static uint64_t key_of(struct prof_order *o, prof_obj_id id, size_t which)
{
    enum object_column column = (enum object_column)o->sort.keys[which].column;
    bool known = true;
    uint64_t key = order_words_key(&o->words, id, column, &known);
    if (!known)
        return UINT64_MAX;
    key = o->sort.keys[which].ascending ? key : ~key;
    return key == UINT64_MAX ? key - 1 : key;
}

static int by_number(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static void add_split(struct prof_order *o, uint64_t key)
{
    if (o->splits < RANGES - 1 && (o->splits == 0 || o->split[o->splits - 1] < key))
        o->split[o->splits++] = key;
}

/* Keys of some objects, in order, at even distances; of those that are equal both ends, and the least at all. */
static struct prof_error *split(struct prof_order *o)
{
    uint64_t *keys = malloc(SAMPLE * sizeof *keys), random = 1;
    size_t count = 0;
    if (keys == NULL)
        return prof_error_memory();
    for (uint32_t i = 0; i < TRIES && i + 1 < o->max && count < SAMPLE && o->sort.count > 0; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        prof_obj_id id = o->max <= TRIES ? i + 1 : 1 + (prof_obj_id)((random >> 32) * (o->max - 1) >> 32);
        if (chosen(o, id))
            keys[count++] = key_of(o, id, 0);
    }
    if (count > 0)
        qsort(keys, count, sizeof *keys, by_number);
    size_t apart = count / (RANGES / 2) + 1;
    for (size_t i = 0; i < count; i += apart) {
        add_split(o, keys[i]);
        if (i >= apart && keys[i] == keys[i - apart])
            add_split(o, keys[i] + 1);
    }
    free(keys);
    return NULL;
}

static size_t range_of_key(const struct prof_order *o, uint64_t key)
{
    size_t low = 0;
    for (size_t length = o->splits; length > 0;) {
        size_t half = length / 2;
        bool right = o->split[low + half] <= key;
        low += right ? half + 1 : 0;
        length = right ? length - half - 1 : half;
    }
    return low;
}

/* ---- The pass ---- */

static struct prof_error *end_gathering(struct prof_order *o)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < RANGES; i++) {
        o->begin[i] = sum;
        sum += o->filled[i];
        o->filled[i] = o->begin[i];
    }
    o->begin[RANGES] = sum;
    o->ids = malloc((sum + 1) * sizeof *o->ids);
    return o->ids != NULL ? NULL : prof_error_memory();
}

static void gather(struct prof_order *o, prof_obj_id end)
{
    for (; o->at < end; o->at++) {
        if (!chosen(o, o->at))
            continue;
        size_t range = o->splits > 0 ? range_of_key(o, key_of(o, o->at, 0)) : 0;
        o->range_of[o->at] = (uint8_t)(range + 1);
        o->filled[range]++;
    }
}

static void scatter(struct prof_order *o, prof_obj_id end)
{
    for (; o->at < end; o->at++)
        if (o->range_of[o->at] != 0)
            o->ids[o->filled[o->range_of[o->at] - 1]++] = o->at;
}

struct prof_error *prof_order_go_on(struct prof_order *o, uint64_t objects, bool *ret_done)
{
    struct prof_error *error = NULL;
    prof_obj_id end = objects < o->max - o->at ? o->at + (prof_obj_id)objects : o->max;
    switch (o->stage) {
    case WORDS:
        error = order_words_gather(&o->words, o->at, end);
        o->at = end;
        if (error == NULL && o->at == o->max)
            error = order_words_end(&o->words);
        break;
    case SPLIT:
        error = split(o);
        break;
    case GATHER:
        gather(o, end);
        if (o->at == o->max)
            error = end_gathering(o);
        break;
    case SCATTER:
        scatter(o, end);
        break;
    case DONE:
        break;
    }
    if (error != NULL)
        return error;
    if (o->stage != DONE && (o->at == o->max || o->stage == SPLIT)) {
        o->stage++;
        o->at = 1;
    }
    *ret_done = o->stage == DONE;
    return NULL;
}

double prof_order_share(const struct prof_order *o)
{
    static const double begin[] = { [WORDS] = 0, [SPLIT] = 0.3, [GATHER] = 0.3, [SCATTER] = 0.9, [DONE] = 1 };
    if (o->stage == DONE)
        return 1;
    return begin[o->stage] + (begin[o->stage + 1] - begin[o->stage]) * o->at / o->max;
}

uint64_t prof_order_total(const struct prof_order *o)
{
    return o->begin[RANGES];
}

/* ---- Ranges ---- */

/* All objects of a range have the same first key. */
static bool is_one_key(const struct prof_order *o, size_t range)
{
    return o->sort.count == 0 || (range > 0 && range < o->splits && o->split[range] == o->split[range - 1] + 1);
}

/* By the last key first: equal ones stay in order. */
static struct prof_error *sort_range(struct prof_order *o, size_t range)
{
    prof_obj_id *ids = o->ids + o->begin[range];
    size_t count = o->begin[range + 1] - o->begin[range], first = is_one_key(o, range) ? 1 : 0;
    if (o->sorted[range] || count < 2 || o->sort.count <= first) {
        o->sorted[range] = true;
        return NULL;
    }
    struct record *records = malloc(count * sizeof *records);
    bool good = records != NULL;
    for (size_t i = 0; good && i < count; i++)
        records[i].id = ids[i];
    for (size_t which = o->sort.count; good && which-- > first;) {
        for (size_t i = 0; i < count; i++)
            records[i].key = key_of(o, (prof_obj_id)records[i].id, which);
        good = prof_radix_sort(records, count, sizeof *records);
    }
    for (size_t i = 0; good && i < count; i++)
        ids[i] = (prof_obj_id)records[i].id;
    free(records);
    o->sorted[range] = good;
    return good ? NULL : prof_error_memory();
}

/* The object of a row, which must be one. 0: *ret_error. */
static prof_obj_id object_at(struct prof_order *o, uint64_t row, struct prof_error **ret_error)
{
    size_t low = 0, high = RANGES;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        *(o->begin[middle] <= row ? &low : &high) = middle;
    }
    *ret_error = o->sorted[low] ? NULL : sort_range(o, low);
    return *ret_error == NULL ? o->ids[row] : 0;
}

bool prof_order_place(struct prof_order *o, prof_obj_id id, uint64_t *ret)
{
    if (o->stage != DONE || id == 0 || id >= o->max || o->range_of[id] == 0)
        return false;
    size_t range = (size_t)o->range_of[id] - 1;
    struct prof_error *error = sort_range(o, range);
    prof_error_destroy(error); /* without memory it is about there */
    for (uint64_t row = o->begin[range]; row < o->begin[range + 1]; row++)
        if (o->ids[row] == id) {
            *ret = row;
            return true;
        }
    return false;
}

struct prof_error *prof_order_rows(struct prof_order *o, uint64_t first, uint64_t count, const struct prof_table **ret)
{
    uint64_t total = prof_order_total(o), end = first > total ? first : count < total - first ? first + count : total;
    size_t rows = o->stage == DONE && first < total ? (size_t)(end - first) : 0;
    prof_arena_deinit(&o->arena);
    prof_arena_init(&o->arena);
    struct prof_cell *cells = prof_arena_alloc(&o->arena, (rows * OBJECT_COLUMNS + 1) * sizeof *cells);
    bool good = cells != NULL;
    for (size_t i = 0; good && i < rows; i++) {
        struct prof_error *error;
        prof_obj_id id = object_at(o, first + i, &error);
        if (error != NULL)
            return error;
        for (size_t k = 0; good && k < OBJECT_COLUMNS; k++) {
            struct object_texts texts;
            struct prof_cell *cell = &cells[i * OBJECT_COLUMNS + k];
            *cell = object_cell(o->view, id, (enum object_column)k, &texts);
            if (object_columns[k].kind == PROF_CELL_TEXT && cell->text != NULL)
                cell->text = prof_arena_strdup(&o->arena, cell->text);
            good = object_columns[k].kind != PROF_CELL_TEXT || cell->text != NULL;
        }
    }
    if (!good)
        return prof_error_memory();
    o->window = (struct prof_table){ .columns = object_columns,
                                     .column_count = OBJECT_COLUMNS,
                                     .cells = cells,
                                     .row_count = rows,
                                     .total_rows = total };
    *ret = &o->window;
    return NULL;
}

struct prof_error *prof_order_search(struct prof_order *o, struct prof_order_search *search, uint64_t rows)
{
    uint64_t total = prof_order_total(o);
    struct prof_error *error = order_memo_for(&o->memo, search->text) ? NULL : prof_error_memory();
    for (; error == NULL && rows > 0 && search->left > 0 && !search->found; rows--, search->left--) {
        search->at = search->back ? (search->at == 0 ? total : search->at) - 1 : (search->at + 1) % total;
        prof_obj_id id = object_at(o, search->at, &error);
        if (error == NULL)
            search->found = order_memo_has(&o->memo, o->view, id, &error);
    }
    return error;
}
