/* test_trace.c: symbols over a trace file: its module map, its stacks, its wrappers. */
#include "fake.h"

#include <mktrace.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <string.h>

static const uint64_t base = 0x7f1200000000;

static void trace(void **state)
{
    (void)state;
    static struct fake f;
    fake_map(&f, 0, 0);
    assert_true(fake_elf(&f, fixture("link.so"), base, true));
    uint64_t wrapper = base + fake_symbol(fixture("full.so"), "my_wrapper_ref", NULL) + 1;
    uint64_t entry = base + fake_symbol(fixture("full.so"), "shape_entry", NULL) + 1;
    struct mk_trace *t = mk_create();
    for (size_t i = 0; i < f.maps[0].count; i++)
        mk_mapping(t, &f.modules[0][i]);
    mk_meta(t, "wrapper=my_wrapper_ref:other");
    uint32_t id = mk_stack_pcs(t, "at", (uint64_t[]){ wrapper, entry }, 2);
    mk_alloc(t, 0x1000, 64, "at");

    struct prof_symbols *symbols = NULL;
    assert_null(prof_symbols_create(mk_open(t), &(struct prof_symbols_options){ 0 }, &symbols));
    const struct prof_frame *frames;
    assert_int_equal(prof_symbols_stack(symbols, id, &frames), 2);
    assert_string_equal(frames[0].function, "my_wrapper_ref");
    assert_true(frames[0].wrapper);
    assert_string_equal(prof_symbols_site_frame(symbols, id)->function, "shape_entry");
    assert_int_equal(prof_symbols_stack(symbols, id + 1000, &frames), 0);
    char field[32];
    assert_true(prof_symbols_field(symbols, "struct shape", 8, field, sizeof field));
    assert_string_equal(field, "next");
    prof_symbols_destroy(symbols);
    mk_destroy(t);
}

// The made-up modules of a trace for tests exist nowhere: module and offset are left.
static void no_files(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    uint32_t id = mk_stack(t, "a.c:1 < b.c:2");
    mk_alloc(t, 0x1000, 64, "a.c:1 < b.c:2");
    struct prof_symbols *symbols = NULL;
    assert_null(prof_symbols_create(mk_open(t), &(struct prof_symbols_options){ 0 }, &symbols));
    const struct prof_frame *frames;
    assert_int_equal(prof_symbols_stack(symbols, id, &frames), 2);
    assert_null(frames[0].function);
    assert_string_equal(frames[0].module, "/usr/bin/app");
    assert_int_equal(frames[0].offset, 0x31);
    struct prof_place place;
    prof_symbols_place(symbols, 0, MK_APP_DATA, &place);
    assert_int_equal(place.kind, PROF_PLACE_GLOBAL);
    prof_symbols_place(symbols, 0, MK_HEAP_BASE + 16, &place);
    assert_int_equal(place.kind, PROF_PLACE_HEAP);
    prof_symbols_place(symbols, 0, MK_STACK_BASE + 16, &place);
    assert_int_equal(place.kind, PROF_PLACE_STACK);
    prof_symbols_destroy(symbols);
    mk_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(trace), cmocka_unit_test(no_files) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
