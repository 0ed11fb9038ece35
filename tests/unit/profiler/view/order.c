/* Objects in order as an index: the same rows, in the same order, as the table has; found and placed as a walk along
 * that table would; whatever the size of the steps. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include <prof/order.h>

#include "mktrace.h"
#include "rnd.h"

enum { OBJECTS = 3000, STEP = 64 };

static struct mk_trace *trace;
static struct prof_symbols *symbols;
static struct prof_findings *findings;
static struct prof_view *view;

static void none(struct prof_error *error)
{
    if (error != NULL)
        fail_msg("%s", error->message);
}

/* Names of which one begins like another; many equal sizes; contexts, scopes, pins. */
static int setup(void **state)
{
    static const char *const types[] = { "ab", "abc", "Z", "node", "node_list", "a b" };
    static const char *const sites[] = { "a.c:1 < m.c:1", "b.c:2 < m.c:1", "c.c:3", NULL };
    (void)state;
    seed(7);
    trace = mk_create();
    mk_root_add(trace, 0x100000, OBJECTS * 8, "roots");
    for (uint64_t i = 0; i < OBJECTS; i++) {
        uint64_t addr = 0x1000000 + i * STEP;
        mk_time(trace, 1000 + i / 8 * 10);
        if (i % 50 == 0)
            mk_context(trace, i % 100 == 0 ? "request" : NULL, i);
        if (i % 300 == 0)
            mk_scope_begin(trace, i % 600 == 0 ? "outer" : "inner", NULL);
        mk_born(trace, types[rnd(6)], addr, 8 + 8 * rnd(3), sites[rnd(4)]);
        if (rnd(3) != 0)
            mk_own(trace, addr, 0x100000 + i * 8, "m.c:9");
        for (uint64_t k = rnd(4); k > 0; k--)
            mk_ref(trace, addr, rnd(2) == 0 ? 0 : 0x200000 + rnd(1 << 16) * 8, "t.c:5");
        if (rnd(20) == 0)
            mk_pin(trace, addr, "on purpose");
        if (rnd(10) == 0)
            mk_gone(trace, addr, "d.c:1");
    }
    struct prof_heap *heap = mk_heap(trace);
    none(prof_symbols_create(prof_heap_trace(heap), &(struct prof_symbols_options){ 0 }, &symbols));
    none(prof_findings_create(heap, symbols, &(struct prof_findings_options){ 0 }, &findings));
    none(prof_view_create(heap, symbols, findings, &view));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    prof_view_destroy(view);
    prof_findings_destroy(findings);
    prof_symbols_destroy(symbols);
    mk_destroy(trace);
    return 0;
}

static struct prof_order *ordered(const struct prof_query *query, uint64_t step)
{
    struct prof_order *order;
    bool done = false;
    double share = 0;
    none(prof_order_create(view, query, &order));
    while (!done) {
        none(prof_order_go_on(order, step, &done));
        assert_true(prof_order_share(order) >= share);
        share = prof_order_share(order);
    }
    assert_true(share == 1);
    return order;
}

static void same_cells(const struct prof_table *a, size_t row_a, const struct prof_table *b, size_t row_b)
{
    for (size_t k = 0; k < a->column_count; k++) {
        const struct prof_cell *x = &a->cells[row_a * a->column_count + k], *y = &b->cells[row_b * b->column_count + k];
        assert_int_equal(x->none, y->none);
        assert_int_equal(x->number, y->number);
        if (a->columns[k].kind == PROF_CELL_TEXT)
            assert_string_equal(x->text, y->text);
    }
}

static size_t column(const struct prof_table *table, const char *key)
{
    for (size_t k = 0; k < table->column_count; k++)
        if (strcmp(table->columns[k].key, key) == 0)
            return k;
    fail_msg("no column %s", key);
    return 0;
}

static void compare(const struct prof_query *query, uint64_t step)
{
    const struct prof_table *table, *rows;
    uint64_t place;
    none(prof_view_table(view, PROF_TABLE_OBJECTS, query, &table));
    struct prof_order *order = ordered(query, step);
    assert_int_equal(prof_order_total(order), table->total_rows);
    for (size_t at = 0; at < table->row_count;) {
        size_t count = 1 + (size_t)rnd(700);
        none(prof_order_rows(order, at, count, &rows));
        assert_int_equal(rows->row_count, at + count > table->row_count ? table->row_count - at : count);
        for (size_t i = 0; i < rows->row_count; i++)
            same_cells(rows, i, table, at + i);
        at += rows->row_count;
    }
    none(prof_order_rows(order, table->row_count, 10, &rows));
    assert_int_equal(rows->row_count, 0);
    none(prof_order_rows(order, UINT64_MAX, UINT64_MAX, &rows));
    assert_int_equal(rows->row_count, 0);
    for (size_t i = 0; i < table->row_count; i += 37) {
        prof_obj_id id = (prof_obj_id)table->cells[i * table->column_count + column(table, "id")].number;
        assert_true(prof_order_place(order, id, &place));
        assert_int_equal(place, i);
    }
    assert_false(prof_order_place(order, 0, &place));
    assert_false(prof_order_place(order, UINT32_MAX, &place));
    prof_order_destroy(order);
}

static const char *const sorts[] = { NULL,
                                     "bytes",
                                     "-bytes",
                                     "object",
                                     "-object",
                                     "count",
                                     "owned",
                                     "age",
                                     "-age",
                                     "state",
                                     "site",
                                     "-finding",
                                     "type,-id",
                                     "addr",
                                     "observed,id",
                                     "-observed",
                                     "refs,unrefs,object",
                                     "context",
                                     "scope,-bytes",
                                     "flags",
                                     "last,tid",
                                     "born" };

static void test_sorts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sorts / sizeof *sorts; i++)
        compare(&(struct prof_query){ .sort = sorts[i] }, i % 2 == 0 ? 1 << 20 : 97);
}

static void test_filters(void **state)
{
    static const char *const wheres[] = {
        "object~abc",        "object~'#12'", "bytes>8 && count>1", "site~b.c || refs=0",       "!flags",  "finding",
        "context~request=1", "scope=inner",  "bytes>1000000",      "type=node && state=alive", "observed"
    };
    (void)state;
    for (size_t i = 0; i < sizeof wheres / sizeof *wheres; i++)
        compare(&(struct prof_query){ .where = wheres[i], .sort = sorts[(i * 5 + 1) % (sizeof sorts / sizeof *sorts)] },
                1000);
    compare(&(struct prof_query){ .type = "node", .sort = "object" }, 1000);
    compare(&(struct prof_query){ .type = "ab", .where = "count=1", .from_us = 1500, .to_us = 3000 }, 1000);
}

static void test_bad(void **state)
{
    static const struct prof_query bad[] = {
        { .sort = "nosuch" }, { .where = "nosuch=1" }, { .where = "(" }, { .type = "nosuch" }
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct prof_order *order;
        const struct prof_table *table;
        struct prof_error *ours = prof_order_create(view, &bad[i], &order),
                          *other = prof_view_table(view, PROF_TABLE_OBJECTS, &bad[i], &table);
        assert_non_null(ours);
        assert_non_null(other);
        assert_string_equal(ours->message, other->message);
        prof_error_destroy(ours);
        prof_error_destroy(other);
    }
}

/* As find in a list does it: forward or back from a row, round about, the row itself last. */
static bool walk(const struct prof_table *table, const char *text, bool back, uint64_t *at)
{
    for (uint64_t left = table->row_count; left > 0; left--) {
        *at = back ? (*at == 0 ? table->row_count : *at) - 1 : (*at + 1) % table->row_count;
        for (size_t k = 0; k < table->column_count; k++)
            if (table->columns[k].kind == PROF_CELL_TEXT &&
                strcasestr(table->cells[*at * table->column_count + k].text, text) != NULL)
                return true;
    }
    return false;
}

static void test_search(void **state)
{
    static const char *const texts[] = { "#12",           "NODE_LIST", "abc#100", "b.c:2", "list#7",
                                         "missing-unref", "nowhere",   "c#",      "9",     "outer" };
    const struct prof_table *table;
    const struct prof_query query = { .sort = "age,object" };
    (void)state;
    none(prof_view_table(view, PROF_TABLE_OBJECTS, &query, &table));
    struct prof_order *order = ordered(&query, 500);
    for (size_t i = 0; i < 200; i++) {
        struct prof_order_search search = { .text = texts[rnd(sizeof texts / sizeof *texts)],
                                            .back = rnd(2) == 0,
                                            .at = rnd(table->row_count),
                                            .left = table->row_count };
        uint64_t at = search.at;
        bool found = walk(table, search.text, search.back, &at);
        while (!search.found && search.left > 0)
            none(prof_order_search(order, &search, 1 + rnd(1000)));
        assert_int_equal(search.found, found);
        if (found)
            assert_int_equal(search.at, at);
    }
    prof_order_destroy(order);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_sorts), cmocka_unit_test(test_filters),
                                        cmocka_unit_test(test_bad), cmocka_unit_test(test_search) };
    return cmocka_run_group_tests(tests, setup, teardown);
}
