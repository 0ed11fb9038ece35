/* list_local.c: lists whose rows the viewer knows itself: ordered, filtered and searched here, as workers do it with
 * theirs. See list.h. */
#include "list.h"

#include <stdlib.h>
#include <string.h>

struct order {
    size_t column;
    bool reverse, none;
};

static struct order order_of(const struct tui_list *list)
{
    const struct tui_column *columns = list->spec->columns;
    struct order order = { .reverse = list->sort[0] == '-', .none = list->sort[0] == '\0' };
    while (columns[order.column].key != NULL && strcmp(columns[order.column].key, list->sort + order.reverse) != 0)
        order.column++;
    order.none = order.none || columns[order.column].key == NULL;
    return order;
}

/* Numbers: the largest first; texts by the alphabet. */
static int compare(const void *left, const void *right, void *ctx)
{
    const struct order *order = ctx;
    const json_t *a = *(json_t *const *)left, *b = *(json_t *const *)right,
                 *x = json_array_get(json_object_get(a, "keys"), order->column),
                 *y = json_array_get(json_object_get(b, "keys"), order->column);
    int sign = 0;
    if (json_is_string(x) && json_is_string(y))
        sign = strcmp(json_string_value(x), json_string_value(y));
    else if (json_number_value(x) != json_number_value(y))
        sign = json_number_value(x) > json_number_value(y) ? -1 : 1;
    if (sign == 0) /* as they came */
        sign = json_integer_value(json_object_get(a, "number")) < json_integer_value(json_object_get(b, "number")) ? -1
                                                                                                                   : 1;
    else if (order->reverse)
        sign = -sign;
    return sign;
}

static bool contains(const json_t *cells, const char *text)
{
    size_t i;
    json_t *cell;
    json_array_foreach(cells, i, cell)
    {
        if (json_is_string(cell) && strcasestr(json_string_value(cell), text) != NULL)
            return true;
    }
    return false;
}

static bool matches(const struct tui_list *list, const json_t *cells)
{
    bool not = list->where[0] == '!';
    return list->where[0] == '\0' || contains(cells, list->where + not ) != not ;
}

/* As a worker answers: where the search goes on. */
static json_t *find(const struct tui_list *list, const json_t *rows)
{
    size_t count = json_array_size(rows);
    for (size_t step = 1; step <= count; step++) {
        size_t i = (list->cursor % count + (list->seek_back ? count - step : step)) % count;
        if (contains(json_array_get(rows, i), list->find))
            return json_integer((json_int_t)i);
    }
    return json_null();
}

static json_t *columns_of(const struct tui_list *list)
{
    json_t *columns = json_array();
    for (const struct tui_column *column = list->spec->columns; column->key != NULL; column++)
        json_array_append_new(columns, json_pack("{s:s}", "key", column->key));
    return columns;
}

void tui_list_give(struct tui_list *list, json_t *rows)
{
    size_t count = json_array_size(rows), kept = 0;
    json_t **sorted = calloc(count + 1, sizeof(json_t *)), *shown = json_array();
    struct order order = order_of(list);
    for (size_t i = 0; sorted != NULL && i < count; i++) {
        json_t *row = json_array_get(rows, i);
        json_object_set_new(row, "number", json_integer((json_int_t)i));
        if (matches(list, json_object_get(row, "cells")))
            sorted[kept++] = row;
    }
    if (kept > 1 && !order.none)
        qsort_r(sorted, kept, sizeof(json_t *), compare, &order);
    for (size_t i = 0; i < kept; i++)
        json_array_append(shown, json_object_get(sorted[i], "cells"));
    free(sorted);
    json_decref(rows);
    json_t *found = list->seek ? find(list, shown) : NULL;
    json_t *answer = json_pack("{s:I,s:i,s:o,s:o}", "total", (json_int_t)kept, "first", 0, "columns", columns_of(list),
                               "rows", shown);
    if (found != NULL)
        json_object_set_new(answer, "found", found);
    if (json_equal(answer, list->query.answer)) {
        json_decref(answer);
        return;
    }
    json_decref(list->query.answer);
    list->query.answer = answer;
    list->query.version++;
    list->query.snapshot++;
}
