/* test_lines.c: what happens at different lines of one function are different findings with one fingerprint; how a
 * baseline tells new lines from known ones; numbers of findings that options do not change. */
#include "rig.h"

#include <stdlib.h>

#include "baseline.h"
#include "suppress.h"

static struct rig rig_;
static struct rig *const rig = &rig_;

static int begin(void **state)
{
    (void)state;
    rig_begin(rig);
    return 0;
}

static int end(void **state)
{
    (void)state;
    rig_end(rig);
    return 0;
}

/* Objects at `first` and the addresses behind it that are born, or get a reference, at a line of one function. */
static void born(uint64_t first, int count, const char *at)
{
    for (int i = 0; i < count; i++)
        mk_born(rig->t, "conn", first + (uint64_t)i * 0x100, 64, at);
}

static void taken(uint64_t first, int count, const char *at)
{
    for (int i = 0; i < count; i++) {
        mk_born(rig->t, "conn", first + (uint64_t)i * 0x100, 64, AT("conn_open net.c:31"));
        mk_ref(rig->t, first + (uint64_t)i * 0x100, LOCAL(1000 + i), at);
        mk_unref(rig->t, first + (uint64_t)i * 0x100, 0, AT("conn_close net.c:77"));
    }
}

/* ---- One finding for each line ----------------------------------------------------------------------------------- */

static void test_births(void **state)
{
    (void)state;
    born(0x10000, 3, AT("conn_open net.c:31 < main main.c:9"));
    born(0x20000, 2, AT("conn_open net.c:35 < main main.c:12"));
    rig_find(rig, NULL);
    rig_expect(rig, 2);
    assert_int_equal(rig->list[0].objects, 3);
    rig_at(rig, rig->list[0].place_stack, "conn_open:31");
    rig_at(rig, rig->list[0].open[0].stack, "conn_open:31");
    assert_int_equal(rig->list[0].open[0].count, 3);
    assert_int_equal(rig->list[1].objects, 2);
    rig_at(rig, rig->list[1].open[0].stack, "conn_open:35");
    assert_string_equal(rig->list[0].fingerprint, rig->list[1].fingerprint);
}

static void test_takings(void **state)
{
    (void)state;
    taken(0x10000, 3, AT("cache_put cache.c:10"));
    taken(0x20000, 2, AT("cache_put cache.c:14"));
    rig_find(rig, NULL);
    rig_expect(rig, 2);
    rig_at(rig, rig->list[0].open[0].stack, "cache_put:10");
    assert_int_equal(rig->list[0].open[0].count, 3);
    rig_at(rig, rig->list[1].open[0].stack, "cache_put:14");
    assert_int_equal(rig->list[1].open[0].count, 2);
    assert_string_equal(rig->list[0].fingerprint, rig->list[1].fingerprint);
}

/* Misuse, too. */
static void test_incidents(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 2; i++) {
        const char *at = i == 0 ? AT("put p.c:3") : AT("put p.c:7");
        mk_born(rig->t, "conn", 0x10000 + i * 0x100, 64, AT("conn_open net.c:31"));
        mk_unref(rig->t, 0x10000 + i * 0x100, 0, AT("conn_close net.c:77"));
        mk_unref(rig->t, 0x10000 + i * 0x100, 0, at);
    }
    rig_find(rig, NULL);
    size_t found = 0;
    for (size_t i = 0; i < rig->count; i++)
        found += rig->list[i].verdict == PROF_OVER_RELEASED;
    assert_int_equal(found, 2);
}

/* ---- Baselines --------------------------------------------------------------------------------------------------- */

/* What was born at a line of one function: objects at a line; 0 objects end a list. */
struct at_line {
    int objects, line;
};
enum { LINES = 4 };

static void leak_at(const struct at_line *lines)
{
    char text[64];
    for (uint64_t i = 0; i < LINES && lines[i].objects > 0; i++) {
        snprintf(text, sizeof text, "conn_open net.c:%d < main main.c:9", lines[i].line);
        born(0x10000 * (i + 1), lines[i].objects, AT(text));
    }
}

/* The findings so far as 'leaks --json' has them; with_lines: as it has them today. */
static struct prof_baseline *baseline_of(bool with_lines)
{
    struct prof_baseline *baseline;
    char text[2048] = "{\"schema\":1,\"findings\":[", site[64] = "";
    for (size_t i = 0; i < rig->count; i++) {
        const struct prof_finding *f = &rig->list[i];
        const struct prof_frame *frame = prof_symbols_site_frame(rig->symbols, f->place_stack);
        if (with_lines)
            snprintf(site, sizeof site, ",\"site\":{\"file\":\"%s\",\"line\":%u}", frame->file, frame->line);
        size_t length = strlen(text);
        snprintf(text + length, sizeof text - length, "%s{\"fingerprint\":\"%s\",\"objects\":%d%s}", i > 0 ? "," : "",
                 f->fingerprint, (int)f->objects, site);
    }
    strcat(text, "]}");
    assert_null(baseline_parse("b.json", text, strlen(text), &baseline));
    return baseline;
}

/* Then one run, which becomes the baseline; now another one: `fresh` are the lines that must count, 0 ends them. */
static void compare(bool with_lines, const struct at_line *then, const struct at_line *now, const int *fresh)
{
    rig_begin(rig);
    leak_at(then);
    rig_find(rig, NULL);
    struct prof_baseline *baseline = baseline_of(with_lines);
    rig_end(rig);
    rig_begin(rig);
    leak_at(now);
    struct prof_findings_options options = { .baseline = baseline };
    rig_find(rig, &options);
    for (size_t i = 0; i < rig->count; i++) {
        const struct prof_finding *f = &rig->list[i];
        int line = (int)prof_symbols_site_frame(rig->symbols, f->place_stack)->line;
        bool wanted = false;
        for (int j = 0; fresh[j] != 0; j++)
            wanted |= fresh[j] == line;
        if (f->gating != wanted)
            fail_msg("line %d: %s", line, f->gating ? "counts" : "is hidden");
        assert_true(f->baseline_objects > 0); // the function is known in all cases
    }
    rig_end(rig);
    prof_baseline_destroy(baseline);
}

static void test_baseline(void **state)
{
    static const struct {
        struct at_line then[LINES], now[LINES];
        int fresh[LINES];
    } cases[] = {
        { { { 5, 10 } }, { { 5, 10 } }, { 0 } },
        { { { 5, 10 } }, { { 5, 17 } }, { 0 } },                                   // moved
        { { { 5, 10 } }, { { 6, 10 } }, { 10 } },                                  // grew
        { { { 5, 10 } }, { { 3, 10 }, { 2, 20 } }, { 20 } },                       // one more line, not one object more
        { { { 5, 10 } }, { { 1, 17 }, { 4, 27 } }, { 17 } },                       // both moved: as far as objects tell
        { { { 5, 10 }, { 2, 20 } }, { { 5, 20 }, { 2, 30 } }, { 0 } },             // moved onto each other's places
        { { { 2, 10 }, { 5, 20 } }, { { 2, 20 }, { 5, 30 } }, { 0 } },             //
        { { { 5, 10 }, { 2, 20 } }, { { 2, 10 }, { 5, 20 } }, { 0 } },             // exchanged
        { { { 5, 10 }, { 5, 20 } }, { { 8, 20 } }, { 20 } },                       // one mended, the other grew
        { { { 5, 10 }, { 5, 20 } }, { { 1, 20 } }, { 0 } },                        //
        { { { 9, 10 }, { 1, 20 } }, { { 2, 10 }, { 2, 20 } }, { 20 } },            //
        { { { 3, 10 }, { 3, 20 } }, { { 3, 20 }, { 3, 10 }, { 1, 15 } }, { 15 } }, //
    };
    (void)state;
    rig_end(rig);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        compare(true, cases[i].then, cases[i].now, cases[i].fresh);
    rig_begin(rig);
}

/* Those that were written before lines were told: only sums are known. */
static void test_baseline_without_lines(void **state)
{
    static const int none[] = { 0 }, both[] = { 10, 20, 0 };
    (void)state;
    rig_end(rig);
    compare(false, (struct at_line[LINES]){ { 5, 10 } }, (struct at_line[LINES]){ { 3, 10 }, { 2, 20 } }, none);
    compare(false, (struct at_line[LINES]){ { 5, 10 } }, (struct at_line[LINES]){ { 3, 10 }, { 3, 20 } }, both);
    rig_begin(rig);
}

/* Without symbols offsets are what lines are else. */
static void test_baseline_offsets(void **state)
{
    struct prof_baseline *baseline;
    char text[256];
    (void)state;
    born(0x10000, 2, AT("+/usr/lib/libfoo.so:64"));
    born(0x20000, 1, AT("+/usr/lib/libfoo.so:128"));
    rig_find(rig, NULL);
    rig_expect(rig, 2);
    snprintf(text, sizeof text,
             "{\"schema\":1,\"findings\":[{\"fingerprint\":\"%s\",\"objects\":3,"
             "\"site\":{\"function\":null,\"file\":null,\"line\":null,\"module\":\"/lib/libfoo.so\",\"offset\":64}}]}",
             rig->list[0].fingerprint);
    assert_null(baseline_parse("b.json", text, strlen(text), &baseline));
    struct prof_findings_options options = { .baseline = baseline };
    rig_find(rig, &options);
    for (size_t i = 0; i < rig->count; i++)
        assert_int_equal(rig->list[i].gating, rig->list[i].objects == 1);
    prof_findings_destroy(rig->findings);
    rig->findings = NULL;
    prof_baseline_destroy(baseline);
}

/* ---- Numbers ----------------------------------------------------------------------------------------------------- */

static const char *type_of(uint32_t number)
{
    for (size_t i = 0; i < rig->count; i++)
        if (rig->list[i].id == number)
            return rig->list[i].type;
    return NULL;
}

/* @leak:N is the same finding whatever is suppressed, counts or is told apart. */
static void test_numbers(void **state)
{
    static const char *const types[] = { "big", "middle", "small" };
    const uint64_t grown = UINT64_C(1) << PROF_REACHABLE | UINT64_C(1) << PROF_UNFREED;
    struct prof_suppressions *s;
    (void)state;
    for (uint64_t i = 0; i < 3; i++)
        mk_born(rig->t, types[i], 0x10000 + i * 0x1000, 300 - i * 100, AT(i == 1 ? "mid_new m.c:3" : "new_it n.c:4"));
    fake_global(rig->symbols, 0x600000, 16, "g_all");
    for (uint64_t i = 0; i < 2; i++) {
        mk_born(rig->t, i == 0 ? "kept" : "more", 0x20000 + i * 0x1000, 4096, AT(i == 0 ? "keep k.c:3" : "keep k.c:4"));
        mk_ref(rig->t, 0x20000 + i * 0x1000, 0x600000 + 8 * i, AT("main main.c:9"));
        mk_unref(rig->t, 0x20000 + i * 0x1000, 0, AT("main main.c:10"));
    }
    mk_alloc(rig->t, 0x30000, 100, AT("buf_new b.c:3"));
    mk_alloc(rig->t, 0x40000, 50, AT("tab_new b.c:3"));
    assert_null(prof_suppressions_create(&s));
    assert_null(suppress_parse(s, "f.supp", "leak:new_it\n", 12));
    const struct prof_findings_options options[] = {
        { 0 },
        { .leak_kinds_all = true },
        { .suppressions = s },
        { .suppressions = s, .leak_kinds_all = true },
        { .fail_on = grown },
        { .fail_on = grown, .leak_kinds_all = true },
        { .fail_on = grown, .suppressions = s },
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        rig_find(rig, &options[i]);
        for (uint32_t n = 0; n < 3; n++)
            assert_string_equal(type_of(n + 1), types[n]);
        size_t apart = 0, totals = 0;
        for (size_t k = 0; k < rig->count; k++) {
            apart += rig->list[k].apart && rig->list[k].id > 3;
            totals += rig->list[k].total && rig->list[k].id == 0;
        }
        assert_int_equal(apart, options[i].leak_kinds_all ? 4 : 0);
        assert_int_equal(totals, options[i].leak_kinds_all ? 0 : 2);
        assert_int_equal(rig->count, 3 + apart + totals);
    }
    prof_findings_destroy(rig->findings);
    rig->findings = NULL;
    prof_suppressions_destroy(s);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_births),           CASE(test_takings), CASE(test_incidents),
        CASE(test_baseline),         CASE(test_numbers), CASE(test_baseline_without_lines),
        CASE(test_baseline_offsets),
    };
    return cmocka_run_group_tests_name("lines", tests, NULL, NULL);
}
