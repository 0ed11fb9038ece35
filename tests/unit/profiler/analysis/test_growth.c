/* test_growth.c: what keeps growing from mark to mark or over a run, and what must not be called so. */
#include "rig.h"

static struct rig rig_, *const rig = &rig_;
static uint64_t next_addr;

static int begin(void **state)
{
    (void)state;
    rig_begin(rig);
    fake_global(rig->symbols, MK_APP_DATA, 0x8000, "g_sessions");
    fake_field(rig->symbols, "session", 8, "next");
    fake_field(rig->symbols, "session", 16, "conn");
    mk_type(rig->t, "session", 64);
    mk_type(rig->t, "conn", 32);
    next_addr = 0x100000;
    return 0;
}

static int end(void **state)
{
    (void)state;
    rig_end(rig);
    return 0;
}

/* Sessions that a global table keeps. Returns the first. */
static uint64_t keep(unsigned count)
{
    uint64_t first = next_addr;
    for (; count > 0; count--, next_addr += 0x100) {
        mk_born(rig->t, "session", next_addr, 64, AT("session_new s.c:3 < serve s.c:20"));
        mk_own(rig->t, next_addr, MK_APP_DATA + (next_addr - 0x100000) / 0x100 * 8, AT("serve s.c:21"));
    }
    return first;
}

static void drop(uint64_t first, unsigned count)
{
    for (; count > 0; count--, first += 0x100) {
        mk_unref(rig->t, first, MK_APP_DATA + (first - 0x100000) / 0x100 * 8, AT("expire s.c:30"));
        mk_gone(rig->t, first, AT("expire s.c:31"));
    }
}

static void mark(const char *name)
{
    mk_mark(rig->t, name, AT("main main.c:5"));
}

static void sample(uint64_t at_us)
{
    struct trk_mem mem = { .at_us = at_us, .rss = 1 << 20 };
    mk_mem(rig->t, &mem);
}

static void test_two_marks(void **state)
{
    (void)state;
    keep(100);
    mark("warm");
    keep(400);
    mark("end");
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_GROWTH);
    assert_int_equal(f->headline, PROF_HEADLINE_GROWING);
    assert_int_equal(f->strength, PROF_SUSPECT);
    assert_false(f->gating);
    assert_string_equal(f->type, "session");
    assert_int_equal(f->objects, 500);
    assert_int_equal(f->bytes, 500 * 64);
    assert_string_equal(f->sentence, "between marks warm and end: +400 objects, +25600 bytes");
    assert_string_equal(f->reasons, "what fills up once looks the same between two marks; a third one would tell");
    assert_int_equal(f->step_count, 2);
    assert_string_equal(f->steps[0].mark, "warm");
    assert_int_equal(f->steps[0].objects, 100);
    assert_int_equal(f->steps[1].objects, 500);
    assert_int_equal(f->open_count, 1);
    assert_string_equal(f->open[0].holder_text, "global g_sessions");
    assert_int_equal(f->open[0].count, 500);
    rig_at(rig, f->open[0].moved_stack, "serve:21");
    rig_at(rig, f->born_stack, "session_new:3");
    assert_int_equal(f->sample_count, 8);
    assert_int_equal(rig_one(rig, PROF_REACHABLE)->objects, 500);

    // It fails a check only when that is asked for.
    struct prof_findings_options fail = { .fail_on = 1u << PROF_GROWTH };
    rig_find(rig, &fail);
    assert_int_equal(prof_findings_gating(rig->findings), 1);
}

/* Less at the end than at the last mark: it was given back, though more is left than at the first one. */
static void test_shrank(void **state)
{
    static const struct {
        unsigned given_back, again, findings;
    } cases[] = { { 0, 0, 1 }, { 100, 0, 0 }, { 100, 99, 0 }, { 100, 100, 1 } };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (i > 0)
            begin(NULL);
        keep(100);
        mark("one");
        uint64_t second = keep(200);
        mark("two");
        keep(200);
        mark("three");
        drop(second, cases[i].given_back);
        keep(cases[i].again);
        rig_find(rig, NULL);
        rig_expect(rig, cases[i].findings);
        if (i + 1 < sizeof cases / sizeof *cases)
            rig_end(rig);
    }
}

static void test_two_marks_too_little(void **state)
{
    // One interval: not a trickle, and nothing that did not exist before.
    (void)state;
    keep(200);
    mark("warm");
    keep(20); // a tenth
    mk_born(rig->t, "conn", 0x90000, 32, AT("conn_new c.c:3"));
    mk_own(rig->t, 0x90000, MK_APP_DATA + 0x7000, AT("init main.c:2"));
    mark("end");
    rig_find(rig, NULL);
    rig_expect(rig, 0);
    rig_end(rig);

    begin(NULL);
    mk_born(rig->t, "conn", 0x90000, 32, AT("conn_new c.c:3"));
    mk_own(rig->t, 0x90000, MK_APP_DATA + 0x7000, AT("init main.c:2"));
    mark("warm");
    keep(500);
    for (uint64_t i = 1; i <= 15; i++) {
        mk_born(rig->t, "conn", 0x90000 + i * 0x100, 32, AT("conn_new c.c:3"));
        mk_own(rig->t, 0x90000 + i * 0x100, MK_APP_DATA + 0x7000 + i * 8, AT("init main.c:2"));
    }
    mark("end");
    rig_find(rig, NULL);
    rig_expect(rig, 0);
}

static void test_four_marks(void **state)
{
    (void)state;
    keep(10);
    mark("a");
    for (int i = 0; i < 3; i++) {
        keep(5);
        drop(keep(100), 100); // comes and goes
        mark(i == 0 ? "b" : i == 1 ? "c" : "d");
    }
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_GROWTH);
    assert_int_equal(f->strength, PROF_STATISTICAL);
    assert_int_equal(f->objects, 25);
    assert_int_equal(f->step_count, 4);
    assert_int_equal(f->steps[1].objects, 15);
    assert_int_equal(f->steps[2].objects, 20);
    assert_string_equal(f->sentence, "between marks a and d: +15 objects, +960 bytes, more in each of 3 intervals");
}

static void test_steady(void **state)
{
    // A cache of constant size: everything in it is young, and nothing grows.
    (void)state;
    uint64_t old = keep(50);
    mark("a");
    for (int i = 0; i < 4; i++) {
        uint64_t fresh = keep(50);
        drop(old, 50);
        old = fresh;
        mark("again");
    }
    keep(30); // after the last mark: nobody asks
    rig_find(rig, NULL);
    rig_expect(rig, 0);
}

static void test_fills_up(void **state)
{
    // One interval without growth acquits, and so does one that adds hardly anything any more.
    (void)state;
    keep(10);
    mark("a");
    keep(100);
    mark("b");
    mark("c");
    keep(100);
    mark("d");
    rig_find(rig, NULL);
    rig_expect(rig, 0);
    rig_end(rig);

    begin(NULL);
    keep(10);
    mark("a");
    keep(100);
    mark("b");
    keep(4);
    mark("c");
    rig_find(rig, NULL);
    rig_expect(rig, 0);
}

/* Held, not growing at every mark, and yet more than ever: told as a rise, unless it is full again or was meant. */
static void test_rise(void **state)
{
    static const struct {
        unsigned kept[5], last;
        bool pinned, told;
    } cases[] = {
        { { 100, 0, 0, 200, 200 }, 10, false, true }, { { 0, 100, 0, 0, 200 }, 0, false, true },
        { { 100, 0, 0, 200, 0 }, 0, false, false },   { { 100, 0, 0, 0, 15 }, 0, false, false },
        { { 0, 100, 0, 0, 0 }, 200, false, false },   { { 100, 0, 0, 200, 200 }, 0, true, false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (i > 0)
            begin(NULL);
        unsigned all = 0;
        for (size_t m = 0; m < 5; m++) {
            uint64_t first = keep(cases[i].kept[m]);
            for (unsigned k = 0; cases[i].pinned && k < cases[i].kept[m]; k++)
                mk_pin(rig->t, first + k * 0x100, "meant");
            all += cases[i].kept[m];
            mark("at");
        }
        keep(cases[i].last);
        rig_find(rig, NULL);
        rig_expect(rig, 0);
        const struct prof_rise *rise = prof_findings_rise(rig->findings);
        assert_int_equal(rise != NULL, cases[i].told);
        if (rise != NULL) {
            assert_string_equal(rise->type, "session");
            assert_int_equal(rise->step_count, 5);
            assert_int_equal(rise->steps[4].objects, all);
            assert_int_equal(rise->now, all + cases[i].last);
            rig_at(rig, rise->born_stack, "session_new:3");
        }
        if (i + 1 < sizeof cases / sizeof *cases)
            rig_end(rig);
    }
}

static void test_given_back(void **state)
{
    // What was cleaned up after the last mark is not there any more.
    (void)state;
    uint64_t first = keep(10);
    mark("a");
    keep(10);
    mark("b");
    keep(10);
    mark("c");
    drop(first, 25);
    rig_find(rig, NULL);
    rig_expect(rig, 0);
}

static void test_lost_is_lost(void **state)
{
    // Leaked for certain: said once.
    (void)state;
    for (uint64_t i = 0; i < 30; i++) {
        mk_born(rig->t, "session", 0x200000 + i * 0x100, 64, AT("session_new s.c:3"));
        if (i % 10 == 9)
            mark("round");
    }
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    rig_one(rig, PROF_MISSING_UNREF);
    rig_end(rig);

    // While it runs nothing is lost for certain.
    begin(NULL);
    for (uint64_t i = 0; i < 30; i++) {
        mk_born(rig->t, "session", 0x200000 + i * 0x100, 64, AT("session_new s.c:3"));
        if (i % 10 == 9)
            mark("round");
    }
    mk_end(rig->t, TRK_END_STOPPED, 0);
    rig_find(rig, NULL);
    assert_int_equal(rig_one(rig, PROF_GROWTH)->objects, 30);
}

static void test_folds(void **state)
{
    // A chain from a global: each session holds the next one, and a connection. One finding.
    (void)state;
    uint64_t last = 0;
    for (unsigned i = 0; i < 60; i++, next_addr += 0x100) {
        mk_born(rig->t, "session", next_addr, 64, AT("session_new s.c:3"));
        mk_own(rig->t, next_addr, last != 0 ? last + 8 : MK_APP_DATA, AT("serve s.c:21"));
        last = next_addr;
        mk_born(rig->t, "conn", 0x800000 + i * 0x100, 32, AT("conn_new c.c:3"));
        mk_own(rig->t, 0x800000 + i * 0x100, last + 16, AT("session_open s.c:8"));
        if (i % 20 == 19)
            mark("round");
    }
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_GROWTH);
    assert_string_equal(f->type, "session");
    assert_int_equal(f->collateral_objects, 60);
    assert_int_equal(f->collateral_bytes, 60 * 32);
    assert_int_equal(f->open_count, 2);
    assert_string_equal(f->open[0].holder_text, "global g_sessions");
    assert_int_equal(f->open[0].count, 60);
    assert_string_equal(f->open[1].holder_type, "session");
    assert_string_equal(f->open[1].holder_field, "next");
    assert_int_equal(f->open[1].count, 59);
}

static void test_ring(void **state)
{
    // Kinds that hold each other, entered from a block nobody examined: one of them stands for both.
    (void)state;
    for (unsigned i = 0; i < 30; i++) {
        uint64_t session = 0x200000 + i * 0x100, conn = 0x800000 + i * 0x100;
        mk_born(rig->t, "session", session, 64, AT("session_new s.c:3"));
        mk_born(rig->t, "conn", conn, 32, AT("conn_new c.c:3"));
        mk_own(rig->t, conn, session + 16, AT("session_open s.c:8"));
        mk_own(rig->t, session, conn + 8, AT("session_open s.c:9"));
        if (i % 10 == 9)
            mark("round");
    }
    mk_end(rig->t, TRK_END_STOPPED, 0);
    rig_find(rig, NULL);
    assert_int_equal(rig_one(rig, PROF_GROWTH)->objects, 30);
    assert_int_equal(rig_one(rig, PROF_GROWTH)->collateral_objects, 30);
}

static void test_blocks(void **state)
{
    (void)state;
    mk_alloc(rig->t, 0x700000, 0x8000, AT("log_grow l.c:5"));
    mk_alloc(rig->t, 0x10000, 16, AT("small m.c:3"));
    mark("a");
    for (uint64_t i = 1; i <= 3; i++) {
        // 32 KiB more each time, in one buffer; and 16 bytes, which are no matter.
        uint64_t from = 0x700000 + (i - 1) * 0x100000;
        mk_realloc(rig->t, from, from + 0x100000, 0x8000 * (i + 1), AT("log_grow l.c:5"));
        mk_alloc(rig->t, 0x10000 + i * 0x100, 16, AT("small m.c:3"));
        mark("more");
    }
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_GROWTH);
    assert_string_equal(f->type, "");
    assert_int_equal(f->objects, 1);
    assert_int_equal(f->bytes, 0x20000);
    assert_int_equal(f->sample_count, 0);
    assert_int_equal(f->sample_addr, 0xa00000);
    rig_at(rig, f->born_stack, "log_grow:5");
    assert_string_equal(f->sentence, "between marks a and more: +0 blocks, +98304 bytes, more in each of 3 intervals");
}

static void test_window(void **state)
{
    // The warm-up left out: from the second mark on nothing grows.
    (void)state;
    keep(20);
    mk_time(rig->t, 1000);
    mark("a");
    keep(20);
    mk_time(rig->t, 2000);
    mark("b");
    keep(20);
    mk_time(rig->t, 3000);
    mark("c");
    mk_time(rig->t, 4000);
    mark("d");
    rig_find(rig, NULL);
    rig_expect(rig, 0);
    struct prof_findings_options first = { .to_us = 3000 };
    rig_find(rig, &first);
    assert_int_equal(rig_one(rig, PROF_GROWTH)->step_count, 3);
    struct prof_findings_options late = { .from_us = 3000 };
    rig_find(rig, &late);
    rig_expect(rig, 0);
}

/* A minute and a half, with as many sessions more every five seconds as `more` says. */
static void run_for_a_while(const int more[18])
{
    uint64_t first = 0x100000;
    for (unsigned i = 0; i < 18; i++) {
        mk_time(rig->t, i * 5000000 + 1000000);
        if (more[i] >= 0) {
            keep((unsigned)more[i]);
        } else {
            drop(first, (unsigned)-more[i]);
            first += (uint64_t)-more[i] * 0x100;
        }
        sample((i + 1) * 5000000);
    }
    rig_find(rig, NULL);
}

static void test_by_time(void **state)
{
    (void)state;
    run_for_a_while((const int[18]){ 50, 5, 5, 6, 5, 4, 5, 5, 5, 6, 5, 5, 5, 4, 5, 5, 5, 5 });
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_GROWTH);
    assert_int_equal(f->strength, PROF_STATISTICAL);
    assert_int_equal(f->objects, 135);
    assert_int_equal(f->step_count, 3);
    assert_null(f->steps[0].mark);
    assert_string_equal(f->sentence, "from 35 s to 85 s: +50 objects, +3200 bytes, more in each of 2 intervals");
}

static void test_time_without_growth(void **state)
{
    (void)state;
    // Fills up and stays.
    run_for_a_while((const int[18]){ 50, 50, 50, 50, 20, 10, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 });
    rig_expect(rig, 0);
    rig_end(rig);
    // Comes and goes: there is more at the end of both thirds, by chance.
    begin(NULL);
    run_for_a_while((const int[18]){ 100, 0, 0, 0, 0, 0, -50, 0, 100, 0, -90, 0, 20, 0, 90, 0, -60, 0 });
    rig_expect(rig, 0);
    rig_end(rig);
    // Too short to tell.
    begin(NULL);
    for (unsigned i = 0; i < 11; i++) {
        mk_time(rig->t, i * 5000000 + 1000000);
        keep(20);
        sample((i + 1) * 5000000);
    }
    rig_find(rig, NULL);
    rig_expect(rig, 0);
}

static void test_marks_of_the_start(void **state)
{
    // Marks around the beginning do not hide what a long run does afterwards.
    (void)state;
    mk_time(rig->t, 1000);
    mark("init");
    mark("listening");
    for (unsigned i = 0; i < 18; i++) {
        mk_time(rig->t, i * 5000000 + 1000000);
        keep(5);
        sample((i + 1) * 5000000);
    }
    rig_find(rig, NULL);
    assert_null(rig_one(rig, PROF_GROWTH)->steps[0].mark);
}

static void test_excused(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        uint64_t first = keep(10);
        for (unsigned i = 0; i < 10; i++)
            mk_may_leak(rig->t, first + i * 0x100, "interned");
        mark("round");
    }
    rig_find(rig, NULL);
    const struct prof_finding *f = rig_one(rig, PROF_GROWTH);
    assert_string_equal(f->suppressed_by, "may-leak: most of them");
    assert_int_equal(prof_findings_gating(rig->findings), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(two_marks),
        TEST(shrank),
        TEST(two_marks_too_little),
        TEST(four_marks),
        TEST(steady),
        TEST(fills_up),
        TEST(rise),
        TEST(given_back),
        TEST(lost_is_lost),
        TEST(folds),
        TEST(ring),
        TEST(blocks),
        TEST(window),
        TEST(by_time),
        TEST(time_without_growth),
        TEST(marks_of_the_start),
        TEST(excused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
