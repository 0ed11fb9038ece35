/* view.c: the view and the machinery of its tables: filtering while rows come in, keeping the best of them. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

struct prof_error *prof_view_create(struct prof_heap *heap, struct prof_symbols *symbols,
                                    struct prof_findings *findings, struct prof_view **ret)
{
    struct prof_view *view = calloc(1, sizeof *view);
    if (view == NULL)
        return prof_error_memory();
    view->heap = heap;
    view->symbols = symbols;
    view->findings = findings;
    prof_arena_init(&view->arena);
    *ret = view;
    return NULL;
}

void prof_view_compare(struct prof_view *view, const struct prof_ledgers *ledgers)
{
    view->ledgers = ledgers;
}

void prof_view_destroy(struct prof_view *view)
{
    if (view == NULL)
        return;
    HASH_CLEAR(hh, view->sites); /* the entries lie in the arena */
    view_apart_deinit(view);
    prof_intern_deinit(&view->texts);
    prof_arena_deinit(&view->arena);
    free(view);
}

const char *view_text(struct prof_view *view, const char *text)
{
    return prof_intern(&view->texts, text, strlen(text));
}

const char *view_site_text(struct prof_view *view, uint32_t stack)
{
    struct site_text *site;
    if (stack == 0)
        return "";
    HASH_FIND(hh, view->sites, &stack, sizeof stack, site);
    if (site != NULL)
        return site->text;
    char raw[1024], shown[1024];
    prof_view_site(view, stack, raw, sizeof raw);
    const char *text = view_text(view, prof_escape_terminal(shown, sizeof shown, raw));
    site = prof_arena_alloc(&view->arena, sizeof *site);
    if (text == NULL || site == NULL)
        return text;
    site->stack = stack;
    site->text = text;
    HASH_ADD(hh, view->sites, stack, sizeof site->stack, site); /* without memory it is asked for again */
    return text;
}

struct prof_error *prof_view_table(struct prof_view *view, enum prof_table_kind kind, const struct prof_query *query,
                                   const struct prof_table **ret)
{
    switch (kind) {
    case PROF_TABLE_TYPES:
        return rows_types(view, query, ret);
    case PROF_TABLE_OBJECTS:
        return rows_objects(view, query, ret);
    case PROF_TABLE_SITES:
        return rows_sites(view, query, ret);
    case PROF_TABLE_MARKS:
        return rows_marks(view, query, ret);
    case PROF_TABLE_BLOCKS:
        return rows_blocks(view, query, ret);
    }
    return prof_error_create(PROF_ERROR_ARGUMENT, "no table of kind %d", (int)kind);
}

/* ---- Rows ----------------------------------------------------------------------------------------------------------
 */
static void rows_drop(struct rows *rows)
{
    prof_filter_destroy(rows->filter);
    prof_vec_deinit(&rows->cells);
    prof_vec_deinit(&rows->keys);
    prof_vec_deinit(&rows->numbers);
}

struct prof_error *rows_begin(struct rows *rows, struct prof_view *view, const struct prof_column *columns,
                              size_t count, const struct prof_query *query, const char *default_sort)
{
    *rows = (struct rows){ .view = view, .columns = columns, .column_count = count, .top = query->top };
    const char *sort = query->sort != NULL ? query->sort : default_sort;
    struct prof_error *error = NULL;
    if (sort != NULL)
        error = prof_sort_parse(columns, count, sort, &rows->sort);
    if (error == NULL && query->where != NULL)
        error = prof_filter_create(columns, count, query->where, &rows->filter);
    if (error != NULL) {
        rows_drop(rows);
        return error;
    }
    for (size_t i = 0; i < rows->sort.count; i++)
        rows->early |= 1u << rows->sort.keys[i].column;
    rows->early |= prof_filter_columns(rows->filter);
    return NULL;
}

/* qsort_r context: rows by sort keys, then in the order they came. */
static int compare_rows(const void *a, const void *b, void *ctx)
{
    const struct rows *rows = ctx;
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    int c = prof_sort_compare(&rows->sort, &rows->cells.items[x * rows->column_count],
                              &rows->cells.items[y * rows->column_count]);
    if (c != 0)
        return c;
    return (rows->numbers.items[x] > rows->numbers.items[y]) - (rows->numbers.items[x] < rows->numbers.items[y]);
}

/* Brings the rows into order and drops all but the first `keep`. */
static void settle(struct rows *rows, size_t keep)
{
    size_t count = rows->keys.count, width = rows->column_count;
    size_t *order = calloc(count + 1, sizeof *order);
    struct prof_cell *cells = calloc(keep < count ? keep * width + 1 : count * width + 1, sizeof *cells);
    uint64_t *keys = calloc(count + 1, sizeof *keys), *numbers = calloc(count + 1, sizeof *numbers);
    if (order == NULL || cells == NULL || keys == NULL || numbers == NULL) {
        rows->failed = true;
        free(order);
        free(cells);
        free(keys);
        free(numbers);
        return;
    }
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    qsort_r(order, count, sizeof *order, compare_rows, rows);
    if (keep > count)
        keep = count;
    for (size_t i = 0; i < keep; i++) {
        memcpy(&cells[i * width], &rows->cells.items[order[i] * width], width * sizeof *cells);
        keys[i] = rows->keys.items[order[i]];
        numbers[i] = rows->numbers.items[order[i]];
    }
    free(order);
    free(rows->cells.items);
    rows->cells.items = cells;
    rows->cells.count = rows->cells.room = keep * width;
    free(rows->keys.items);
    rows->keys.items = keys;
    rows->keys.count = rows->keys.room = keep;
    free(rows->numbers.items);
    rows->numbers.items = numbers;
    rows->numbers.count = rows->numbers.room = keep;
}

void rows_offer(struct rows *rows, const struct prof_cell *row, uint64_t key)
{
    for (size_t i = 0; i < rows->column_count; i++)
        rows->failed |= rows->columns[i].kind == PROF_CELL_TEXT && row[i].text == NULL;
    if (rows->failed || (rows->filter != NULL && !prof_filter_match(rows->filter, row)))
        return;
    rows->total++;
    if (rows->has_threshold && prof_sort_compare(&rows->sort, row, rows->threshold) >= 0)
        return;
    if (!prof_vec_reserve(&rows->cells, rows->column_count) || !prof_vec_push(&rows->keys, key) ||
        !prof_vec_push(&rows->numbers, rows->total)) {
        rows->failed = true;
        return;
    }
    for (size_t i = 0; i < rows->column_count; i++) {
        struct prof_cell cell = row[i];
        if (rows->columns[i].kind == PROF_CELL_TEXT) {
            cell.text = view_text(rows->view, cell.text);
            if (cell.text == NULL) {
                rows->failed = true;
                return;
            }
        }
        rows->cells.items[rows->cells.count++] = cell;
    }
    if (rows->top != 0 && rows->top < UINT32_MAX && rows->keys.count >= rows->top * 4 + 1024) {
        settle(rows, (size_t)rows->top);
        if (rows->failed)
            return;
        memcpy(rows->threshold, &rows->cells.items[(rows->top - 1) * rows->column_count],
               rows->column_count * sizeof *rows->threshold);
        rows->has_threshold = true;
    }
}

struct prof_error *rows_end(struct rows *rows, void (*finish)(struct rows *rows, struct prof_cell *row, uint64_t key),
                            const struct prof_table **ret)
{
    struct prof_error *error = NULL;
    if (!rows->failed)
        settle(rows, rows->top != 0 && rows->top < SIZE_MAX ? (size_t)rows->top : SIZE_MAX);
    struct prof_table *table = prof_arena_alloc(&rows->view->arena, sizeof *table);
    struct prof_cell *cells = prof_arena_alloc(&rows->view->arena, (rows->cells.count + 1) * sizeof *cells);
    if (rows->failed || table == NULL || cells == NULL) {
        error = prof_error_memory();
    } else {
        if (rows->cells.count != 0)
            memcpy(cells, rows->cells.items, rows->cells.count * sizeof *cells);
        for (size_t i = 0; finish != NULL && i < rows->keys.count; i++)
            finish(rows, &cells[i * rows->column_count], rows->keys.items[i]);
        *table = (struct prof_table){ .columns = rows->columns,
                                      .column_count = rows->column_count,
                                      .cells = cells,
                                      .row_count = rows->keys.count,
                                      .total_rows = rows->total };
        if (rows->failed)
            error = prof_error_memory();
        else
            *ret = table;
    }
    rows_drop(rows);
    return error;
}

struct prof_error *prof_view_refine(struct prof_view *view, const struct prof_table *table,
                                    const struct prof_query *query, const struct prof_table **ret)
{
    struct rows rows;
    struct prof_error *error = rows_begin(&rows, view, table->columns, table->column_count, query, NULL);
    if (error != NULL)
        return error;
    for (size_t i = 0; i < table->row_count && !rows.failed; i++)
        rows_offer(&rows, &table->cells[i * table->column_count], i);
    return rows_end(&rows, NULL, ret);
}
