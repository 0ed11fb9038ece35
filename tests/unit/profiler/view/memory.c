/* Every allocation of tables, names, queries and documents fails once: an out-of-memory error, nothing leaked, and the
 * view still works afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mktrace.h>
#include <prof/order.h>

#include "failing.h"

static struct mk_trace *trace;
static struct prof_heap *heap;
static struct prof_symbols *symbols;
static struct prof_findings *findings;
static struct prof_graph *graph;

/* What is tried: one call into the view. */
enum what { TABLE, FILTERED, OBJECT_NAME, LEAKS, INFO, OBJECT, SITES, ORDER, WHAT_COUNT };

/* The whole way of one, to the last row and a text that is nowhere. */
static struct prof_error *order(struct prof_view *view, unsigned variant)
{
    struct prof_order *order = NULL;
    const struct prof_table *rows;
    bool done = false;
    struct prof_error *error = prof_order_create(
        view, &(struct prof_query){ .sort = variant % 2 == 0 ? "site,-object" : "context,bytes", .where = "type!=x" },
        &order);
    while (error == NULL && !done)
        error = prof_order_go_on(order, 3, &done);
    if (error == NULL)
        error = prof_order_rows(order, 0, 1000, &rows);
    struct prof_order_search search = { .text = "nowhere1", .left = 10 };
    if (error == NULL)
        error = prof_order_search(order, &search, 10);
    prof_order_destroy(order);
    return error;
}

static struct prof_error *attempt(struct prof_view *view, enum what what, unsigned variant)
{
    const struct prof_table *table = NULL;
    const struct prof_finding *list;
    const struct prof_site_total *totals;
    char *text = NULL;
    size_t count;
    prof_obj_id obj;
    struct prof_error *error = NULL;
    switch (what) {
    case TABLE:
        error = prof_view_table(view, PROF_TABLE_TYPES + variant % 5, &(struct prof_query){ .top = 3 }, &table);
        if (error == NULL)
            error = prof_json_table(view, "table", table, &text);
        break;
    case FILTERED:
        error = prof_view_table(
            view, PROF_TABLE_OBJECTS,
            &(struct prof_query){ .where = "(count>0 || site~main) && type!=x", .sort = "site,-object" }, &table);
        break;
    case ORDER:
        error = order(view, variant);
        break;
    case OBJECT_NAME:
        error = prof_view_find(view, "blob#2", &obj);
        break;
    case LEAKS:
        error = prof_json_leaks(view, &text);
        break;
    case INFO:
        error = prof_json_info(view, &text);
        break;
    case OBJECT:
        error = prof_json_object(view, graph, 1, &text);
        break;
    case SITES:
        if (prof_findings_list(findings, &list) != 0)
            error = prof_view_finding_sites(view, &list[0], &totals, &count);
        break;
    case WHAT_COUNT:
        break;
    }
    free(text);
    return error;
}

static void every_failure(void **state)
{
    (void)state;
    for (unsigned what = 0; what < WHAT_COUNT; what++) {
        for (unsigned variant = 0; variant < (what == TABLE ? 5 : 1); variant++) {
            long n = 0;
            for (;; n += 1 + n / 64) {
                struct prof_view *view;
                assert_null(prof_view_create(heap, symbols, findings, &view));
                fail_after(n);
                struct prof_error *error = attempt(view, (enum what)what, variant);
                bool met = has_failed();
                fail_after(-1);
                if (error != NULL && error->code != PROF_ERROR_NO_MEMORY)
                    fail_msg("%u: allocation %ld: %s", what, n, error->message);
                prof_error_destroy(error);
                /* it works again */
                error = attempt(view, (enum what)what, variant);
                if (error != NULL)
                    fail_msg("%u: after allocation %ld: %s", what, n, error->message);
                prof_view_destroy(view);
                if (!met)
                    break;
                assert_true(n < 100000);
            }
            assert_true(n > 0 || what == OBJECT_NAME || what == SITES); /* some calls need no memory */
        }
    }
}

int main(void)
{
    struct prof_symbols_options symbols_options = { .no_symbols = true };
    struct prof_findings_options findings_options = { .to_us = 0 };
    json_set_alloc_funcs(malloc, free);
    trace = mk_create();
    for (uint64_t i = 0; i < 6; i++) {
        mk_time(trace, i * 1000);
        mk_born(trace, i % 2 != 0 ? "blob" : "pin", 0x5555557a0000 + i * 0x1000, 16 + i, "make < main");
        mk_ref(trace, 0x5555557a0000 + i * 0x1000, 0, "keep < main");
        mk_ref(trace, 0x5555557a0000 + i * 0x1000, MK_APP_DATA + i * 8, "keep < main");
    }
    mk_alloc(trace, 0x555555a00000, 5000, "plain < main");
    mk_mark(trace, "first", "main");
    heap = mk_heap(trace);
    if (prof_symbols_create(prof_heap_trace(heap), &symbols_options, &symbols) != NULL ||
        prof_findings_create(heap, symbols, &findings_options, &findings) != NULL ||
        prof_graph_create(heap, symbols, NULL, &graph) != NULL)
        return 99;
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_failure) };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    prof_graph_destroy(graph);
    prof_findings_destroy(findings);
    prof_symbols_destroy(symbols);
    mk_destroy(trace);
    return failed;
}
