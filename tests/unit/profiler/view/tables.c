/* Tables, object names and documents over small heaps: contents, filters, order, limits, hostile names. */
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
#include <prof/links.h>
#include <prof/view.h>

struct fixture {
    struct mk_trace *trace;
    struct prof_heap *heap;
    struct prof_symbols *symbols;
    struct prof_findings *findings;
    struct prof_view *view;
};

static void open_view(struct fixture *f)
{
    struct prof_symbols_options symbols_options = { .no_symbols = true };
    struct prof_findings_options findings_options = { .to_us = 0 };
    f->heap = mk_heap(f->trace);
    assert_null(prof_symbols_create(prof_heap_trace(f->heap), &symbols_options, &f->symbols));
    assert_null(prof_findings_create(f->heap, f->symbols, &findings_options, &f->findings));
    assert_null(prof_view_create(f->heap, f->symbols, f->findings, &f->view));
}

static void close_view(struct fixture *f)
{
    prof_view_destroy(f->view);
    prof_findings_destroy(f->findings);
    prof_symbols_destroy(f->symbols);
    mk_destroy(f->trace);
}

/* 100 blobs of growing size at three sites, each referenced i % 4 times without owner; 3 pins held by a global. */
static void some_objects(struct fixture *f)
{
    f->trace = mk_create();
    for (uint64_t i = 0; i < 100; i++) {
        char at[32];
        snprintf(at, sizeof at, "make%u < main", (unsigned)(i % 3));
        mk_time(f->trace, 1000000 + i * 10000);
        mk_born(f->trace, "blob", 0x5555557a0000 + i * 0x1000, 16 + i, at);
        for (uint64_t k = 0; k < i % 4; k++)
            mk_ref(f->trace, 0x5555557a0000 + i * 0x1000, 0, "keep < main");
    }
    for (uint64_t i = 0; i < 3; i++) {
        mk_born(f->trace, "pin", 0x555555900000 + i * 0x100, 32, "pin < main");
        mk_own(f->trace, 0x555555900000 + i * 0x100, MK_APP_DATA + i * 8, "pin < main");
    }
    mk_alloc(f->trace, 0x555555a00000, 5000, "plain < main");
    mk_mark(f->trace, "first", "main");
    mk_time(f->trace, 9000000);
    mk_alloc(f->trace, 0x555555a10000, 7000, "plain < main");
    mk_mark(f->trace, "second", "main");
    open_view(f);
}

static const struct prof_table *get(struct fixture *f, enum prof_table_kind kind, struct prof_query query)
{
    const struct prof_table *table = NULL;
    struct prof_error *error = prof_view_table(f->view, kind, &query, &table);
    if (error != NULL)
        fail_msg("%s", error->message);
    return table;
}

static const struct prof_cell *at(const struct prof_table *table, size_t row, const char *key)
{
    assert_true(row < table->row_count);
    for (size_t c = 0; c < table->column_count; c++)
        if (strcmp(table->columns[c].key, key) == 0)
            return &table->cells[row * table->column_count + c];
    fail_msg("no column %s", key);
    return NULL;
}

static void types(void **state)
{
    (void)state;
    struct fixture f;
    some_objects(&f);
    const struct prof_table *table = get(&f, PROF_TABLE_TYPES, (struct prof_query){ 0 });
    assert_int_equal(table->row_count, 3);
    assert_string_equal(at(table, 0, "type")->text, "(unknown type)"); /* of all blocks without objects and type */
    assert_string_equal(at(table, 0, "kind")->text, "blocks");
    assert_int_equal(at(table, 0, "bytes")->number, 5000 + 7000);
    assert_int_equal(at(table, 0, "live")->number, 2);
    assert_string_equal(at(table, 1, "type")->text, "blob");
    assert_int_equal(at(table, 1, "live")->number, 100);
    assert_int_equal(at(table, 1, "bytes")->number, 100 * 16 + 99 * 100 / 2);
    assert_int_equal(at(table, 1, "refs")->number, 250); /* births are references, too */
    assert_int_equal(at(table, 2, "live")->number, 3);
    table = get(&f, PROF_TABLE_TYPES, (struct prof_query){ .sort = "-live" });
    assert_string_equal(at(table, 1, "type")->text, "pin");
    table = get(&f, PROF_TABLE_TYPES, (struct prof_query){ .where = "live>50" });
    assert_int_equal(table->total_rows, 1);
    close_view(&f);
}

static void objects(void **state)
{
    (void)state;
    struct fixture f;
    some_objects(&f);
    const struct prof_table *table =
        get(&f, PROF_TABLE_OBJECTS, (struct prof_query){ .type = "blob", .sort = "bytes", .top = 7 });
    assert_int_equal(table->row_count, 7);
    assert_int_equal(table->total_rows, 100);
    for (size_t i = 0; i < 7; i++) {
        char name[32];
        snprintf(name, sizeof name, "blob#%zu", 100 - i);
        assert_string_equal(at(table, i, "object")->text, name);
        assert_int_equal(at(table, i, "bytes")->number, 115 - i);
        assert_string_not_equal(at(table, i, "site")->text, "");
    }
    /* cells that are filled late and those filled early say the same */
    const struct prof_table *early =
        get(&f, PROF_TABLE_OBJECTS,
            (struct prof_query){
                .where = "type==blob && site && object && owned>=0", .sort = "bytes,site,object,owned", .top = 7 });
    assert_int_equal(early->total_rows, 100);
    for (size_t i = 0; i < 7; i++) {
        assert_string_equal(at(early, i, "site")->text, at(table, i, "site")->text);
        assert_string_equal(at(early, i, "object")->text, at(table, i, "object")->text);
        assert_int_equal(at(early, i, "owned")->number, at(table, i, "owned")->number);
    }
    table = get(&f, PROF_TABLE_OBJECTS, (struct prof_query){ .where = "count==4" });
    assert_int_equal(table->total_rows, 25);
    table = get(&f, PROF_TABLE_OBJECTS, (struct prof_query){ .type = "pin" });
    assert_int_equal(table->total_rows, 3);
    assert_int_equal(at(table, 0, "owned")->number, 1);
    assert_int_equal(at(table, 0, "count")->number, 1);
    table = get(&f, PROF_TABLE_OBJECTS, (struct prof_query){ .from_us = 1500000, .to_us = 1600000 });
    assert_int_equal(table->total_rows, 11);
    const struct prof_table *none = NULL;
    struct prof_error *error =
        prof_view_table(f.view, PROF_TABLE_OBJECTS, &(struct prof_query){ .type = "nosuch" }, &none);
    assert_non_null(error);
    assert_non_null(strstr(error->message, "nosuch"));
    assert_null(none);
    prof_error_destroy(error);
    close_view(&f);
}

/* Cutting while rows come in gives the same rows as cutting at the end. */
static void limits(void **state)
{
    (void)state;
    struct fixture f = { .trace = mk_create() };
    for (uint64_t i = 0; i < 5000; i++)
        mk_alloc(f.trace, 0x5555557a0000 + i * 0x1000, 1 + (i * 7919) % 1000, "f");
    open_view(&f);
    static const char *const sorts[] = { "bytes", "-bytes,addr", "-id", "bytes,-id" };
    for (size_t s = 0; s < sizeof sorts / sizeof *sorts; s++) {
        const struct prof_table *all = get(&f, PROF_TABLE_BLOCKS, (struct prof_query){ .sort = sorts[s] });
        const struct prof_table *some = get(&f, PROF_TABLE_BLOCKS, (struct prof_query){ .sort = sorts[s], .top = 10 });
        assert_int_equal(all->row_count, 5000);
        assert_int_equal(some->row_count, 10);
        assert_int_equal(some->total_rows, 5000);
        for (size_t i = 0; i < 10; i++)
            assert_int_equal(at(some, i, "id")->number, at(all, i, "id")->number);
    }
    assert_int_equal(get(&f, PROF_TABLE_BLOCKS, (struct prof_query){ .top = 1000000 })->row_count, 5000);
    close_view(&f);
}

static void others(void **state)
{
    (void)state;
    struct fixture f;
    some_objects(&f);
    const struct prof_table *table = get(&f, PROF_TABLE_MARKS, (struct prof_query){ .where = "kind==mark" });
    assert_int_equal(table->row_count, 2);
    assert_string_equal(at(table, 0, "mark")->text, "first");
    assert_string_equal(at(table, 1, "mark")->text, "second");
    assert_int_equal(at(table, 1, "grown_bytes")->number, 7000);
    assert_int_equal(at(table, 1, "grown_objects")->number, 0);
    assert_int_equal(at(table, 1, "at")->number, 9000000);
    table = get(&f, PROF_TABLE_SITES, (struct prof_query){ .sort = "refs" });
    assert_int_equal(at(table, 0, "refs")->number, 150);
    uint64_t births = 0;
    for (size_t i = 0; i < table->row_count; i++)
        births += at(table, i, "births")->number;
    assert_int_equal(births, 103);
    table = get(&f, PROF_TABLE_BLOCKS, (struct prof_query){ .where = "!object" });
    assert_int_equal(table->row_count, 2);
    assert_int_equal(at(table, 0, "bytes")->number, 7000);
    assert_string_equal(at(table, 0, "kind")->text, "malloc");
    const struct prof_table *none = NULL;
    static const enum prof_table_kind kinds[] = { PROF_TABLE_TYPES, PROF_TABLE_OBJECTS, PROF_TABLE_SITES,
                                                  PROF_TABLE_MARKS, PROF_TABLE_BLOCKS };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct prof_error *error = prof_view_table(f.view, kinds[i], &(struct prof_query){ .where = "zzz>1" }, &none);
        assert_non_null(error);
        assert_non_null(strstr(error->message, "no key 'zzz'"));
        assert_null(none);
        prof_error_destroy(error);
    }
    close_view(&f);
}

static void find(void **state)
{
    (void)state;
    struct fixture f;
    some_objects(&f);
    prof_obj_id id = 0, other = 0;
    assert_null(prof_view_find(f.view, "blob#12", &id));
    assert_int_equal(prof_heap_obj(f.heap, id)->serial, 12);
    char spec[64];
    snprintf(spec, sizeof spec, "#%u", id);
    assert_null(prof_view_find(f.view, spec, &other));
    assert_int_equal(other, id);
    snprintf(spec, sizeof spec, "0x%llx", (unsigned long long)prof_heap_obj(f.heap, id)->addr + 3); /* inside */
    assert_null(prof_view_find(f.view, spec, &other));
    assert_int_equal(other, id);
    /* The block that it lies in, by its id; and an address of which the caller must ask the past. */
    struct prof_thing thing;
    prof_block_id block = prof_heap_obj(f.heap, id)->block;
    snprintf(spec, sizeof spec, "block#%u", block);
    assert_null(prof_view_find_thing(f.view, spec, &thing));
    assert_int_equal(thing.obj, 0);
    assert_int_equal(thing.block, block);
    assert_int_equal(thing.addr, prof_heap_block(f.heap, block)->addr);
    assert_null(prof_view_find_thing(f.view, "0x1", &thing));
    assert_true(thing.obj == 0 && thing.block == 0 && thing.addr == 1);
    static const struct {
        const char *spec;
        enum prof_error_code code;
    } bad[] = {
        { "block#0", PROF_ERROR_NOT_FOUND },
        { "block#", PROF_ERROR_SYNTAX },
        { "", PROF_ERROR_SYNTAX },
        { "blob", PROF_ERROR_SYNTAX },
        { "blob#", PROF_ERROR_SYNTAX },
        { "blob#x", PROF_ERROR_SYNTAX },
        { "blob#999", PROF_ERROR_NOT_FOUND },
        { "nosuch#1", PROF_ERROR_NOT_FOUND },
        { "#0", PROF_ERROR_NOT_FOUND },
        { "#4294967296", PROF_ERROR_NOT_FOUND },
        { "0xzz", PROF_ERROR_SYNTAX },
        { "0x1", PROF_ERROR_NOT_FOUND },
        { "@leak:999", PROF_ERROR_NOT_FOUND },
        { "@leak:", PROF_ERROR_SYNTAX },
        { "@leak:-1", PROF_ERROR_SYNTAX },
        { "0x555555a00010", PROF_ERROR_NOT_FOUND },
        { "blob#4294967308", PROF_ERROR_NOT_FOUND },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        id = 77;
        struct prof_error *error = prof_view_find(f.view, bad[i].spec, &id);
        if (error == NULL)
            fail_msg("'%s' found #%u", bad[i].spec, id);
        if (error->code != bad[i].code)
            fail_msg("'%s': %s", bad[i].spec, error->message);
        assert_int_equal(id, 77);
        prof_error_destroy(error);
    }
    close_view(&f);
}

/* Beside the one way that is shown: the other references that would keep it alive, not those of what it keeps alive. */
static void other_ways(void **state)
{
    (void)state;
    struct fixture f;
    struct prof_graph *graph;
    struct prof_ways ways;
    uint64_t others;
    const uint64_t at = 0x5555557a0000;
    f.trace = mk_create();
    mk_type(f.trace, "a", 64);
    for (uint64_t i = 0; i < 5; i++)
        mk_born(f.trace, "a", at + i * 0x1000, 64, "f");
    for (uint64_t i = 0; i < 3; i++)
        mk_ref(f.trace, at, MK_APP_DATA + 8 * i, "f");
    for (uint64_t i = 1; i < 3; i++) {
        mk_own(f.trace, at + i * 0x1000, MK_APP_DATA + 0x100 + 8 * i, "f");
        mk_ref(f.trace, at, at + i * 0x1000 + 8, "f");
    }
    mk_own(f.trace, at + 0x3000, at + 8, "f"); /* its child, which refers back */
    mk_ref(f.trace, at, at + 0x3000 + 8, "f");
    mk_own(f.trace, at + 0x4000, at + 0x3000 + 16, "f"); /* and a child of that */
    mk_ref(f.trace, at, at + 0x4000 + 8, "f");
    mk_unref(f.trace, at, 0, "f");
    open_view(&f);
    assert_null(prof_graph_create(f.heap, f.symbols, NULL, &graph));
    prof_node node = prof_graph_of_obj(graph, prof_heap_obj_at(f.heap, at));
    assert_null(prof_view_ways(f.view, graph, node, 8, &ways));
    assert_int_equal(ways.way_count, 1);
    assert_null(prof_view_other_ways(graph, node, &ways, &others));
    assert_int_equal(others, 2 + 2); /* globals, and objects that globals hold */
    node = prof_graph_of_obj(graph, prof_heap_obj_at(f.heap, at + 0x4000));
    assert_null(prof_view_ways(f.view, graph, node, 8, &ways));
    assert_null(prof_view_other_ways(graph, node, &ways, &others));
    assert_int_equal(others, 0);
    prof_graph_destroy(graph);
    close_view(&f);
}

static json_t *parsed(struct prof_error *error, char *text)
{
    json_error_t where;
    if (error != NULL)
        fail_msg("%s", error->message);
    json_t *root = json_loads(text, 0, &where);
    if (root == NULL)
        fail_msg("%s: %s", where.text, text);
    assert_int_equal(json_integer_value(json_object_get(root, "schema")), 1);
    free(text);
    return root;
}

static void documents(void **state)
{
    (void)state;
    struct fixture f;
    char *text = NULL;
    f.trace = mk_create();
    mk_type(f.trace, "evil\033[2J\"\xff", 32);
    mk_meta(f.trace, "program=\xfe\xff");
    mk_born(f.trace, "evil\033[2J\"\xff", 0x5555557a0000, 32, "f");
    mk_ref(f.trace, 0x5555557a0000, 0, "g");
    open_view(&f);
    struct prof_error *error = prof_json_leaks(f.view, &text);
    json_t *root = parsed(error, text);
    static const char *const keys[] = { "schema", "tool", "program", "memory", "audit", "findings" };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_non_null(json_object_get(root, keys[i]));
    assert_true(json_is_null(json_object_get(root, "memory"))); /* no sample */
    json_t *finding = json_array_get(json_object_get(root, "findings"), 0);
    assert_non_null(finding);
    static const char *const finding_keys[] = {
        "id",         "headline",       "class",   "verdict",     "strength",
        "type",       "objects",        "bytes",   "retained",    "rate_bytes_per_h",
        "first_seen", "born",           "open",    "missing",     "root_path",
        "cycle",      "objects_sample", "context", "fingerprint",
    };
    for (size_t i = 0; i < sizeof finding_keys / sizeof *finding_keys; i++)
        if (json_object_get(finding, finding_keys[i]) == NULL)
            fail_msg("no key %s", finding_keys[i]);
    assert_string_equal(json_string_value(json_object_get(finding, "type")), "evil\\x1b[2J\"\\xff");
    json_decref(root);

    error = prof_json_info(f.view, &text);
    root = parsed(error, text);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(root, "events"), "ref")), 1);
    json_decref(root);

    struct prof_graph *graph;
    assert_null(prof_graph_create(f.heap, f.symbols, NULL, &graph));
    error = prof_json_object(f.view, graph, 1, &text);
    root = parsed(error, text);
    assert_int_equal(json_array_size(json_object_get(root, "history")), 2);
    assert_int_equal(json_integer_value(json_object_get(root, "count")), 2);
    json_decref(root);
    assert_non_null(error = prof_json_object(f.view, graph, 99, &text));
    prof_error_destroy(error);
    prof_graph_destroy(graph);

    const struct prof_table *table = get(&f, PROF_TABLE_TYPES, (struct prof_query){ 0 });
    error = prof_json_table(f.view, "types", table, &text);
    root = parsed(error, text);
    json_t *row = json_array_get(json_object_get(root, "rows"), 0);
    assert_int_equal(json_object_size(row), table->column_count);
    assert_int_equal(json_integer_value(json_object_get(row, "live")), 1);
    assert_true(json_is_null(json_object_get(row, "miscounts")));
    json_decref(root);
    close_view(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types), cmocka_unit_test(objects),    cmocka_unit_test(limits),    cmocka_unit_test(others),
        cmocka_unit_test(find),  cmocka_unit_test(other_ways), cmocka_unit_test(documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
