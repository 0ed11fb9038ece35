/* test_filter.c: which events a filter lets through, and that what it takes is whole: each birth with all that follows,
 * nothing of what was left out, everything counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "testrec.h"

static void record(struct testrec *rec, const char *name, const char *filter, const char *extra)
{
    const char *const argv[] = { FILTER_TARGET, name, NULL };
    const struct testrec_config config = { .filter = filter };
    testrec_record(rec, &config, argv, extra, NULL);
    assert_true(WIFEXITED(rec->status) && WEXITSTATUS(rec->status) == 0);
    assert_int_equal(rec->bad, 0);
    assert_int_equal(testrec_emergency(rec), 0);
}

static size_t count_at(const struct testrec *rec, enum trk_op op, uint64_t addr)
{
    size_t n = 0;
    for (size_t i = 0; i < rec->count; i++)
        n += rec->records[i].op == op && rec->records[i].addr == addr;
    return n;
}

static size_t count_range(const struct testrec *rec, enum trk_op op, uint64_t from, uint64_t to)
{
    size_t n = 0;
    for (size_t i = 0; i < rec->count; i++)
        n += rec->records[i].op == op && rec->records[i].addr >= from && rec->records[i].addr < to;
    return n;
}

static void check_types(const struct testrec *rec)
{
    assert_int_equal(testrec_count(rec, TRK_OP_NEW), 4);
    assert_int_equal(count_at(rec, TRK_OP_NEW, 0x1000000), 1);
    assert_int_equal(count_at(rec, TRK_OP_NEW, 0x1000100), 1);
    assert_int_equal(count_at(rec, TRK_OP_REF, 0x1000000), 1);
    assert_int_equal(count_at(rec, TRK_OP_UNREF, 0x1000000), 2); /* its own and the late one, not the stranger's */
    assert_int_equal(count_at(rec, TRK_OP_DEL, 0x1000000), 1);
    assert_int_equal(count_at(rec, TRK_OP_REF, 0x1000100), 1);
    assert_int_equal(count_range(rec, TRK_OP_REF, 0x1000200, 0x1000500), 0);
    assert_int_equal(count_at(rec, TRK_OP_DEL, 0x1000400), 1); /* told when somebody else was born there */
    assert_int_equal(count_at(rec, TRK_OP_PARK, 0x1000500), 1);
    assert_int_equal(count_at(rec, TRK_OP_REUSE, 0x1000500), 1);
    assert_int_equal(testrec_count(rec, TRK_OP_MOVE_RANGE), 1);
    assert_int_equal(testrec_count(rec, TRK_OP_MARK), 1);
    assert_int_equal(testrec_filtered(rec), 4);
}

static void types(void **state)
{
    struct testrec rec;
    (void)state;
    record(&rec, "types", "types=Conn|Sess*", NULL);
    check_types(&rec);
    testrec_deinit(&rec);
    /* From the program's own options, which the recorder then finds in the header. */
    record(&rec, "types", NULL, "types=Conn|S?ssion");
    check_types(&rec);
    assert_string_equal(rec.hdr->filter, "types=Conn|S?ssion");
    testrec_deinit(&rec);
    /* The recorder's keys win; others are added. */
    record(&rec, "types", "types=Conn|Sess*", "types=nothing:modules=filter_tar*");
    check_types(&rec);
    assert_memory_equal(rec.hdr->filter, "types=Conn|Sess*\0modules=filter_tar*\0", 38);
    testrec_deinit(&rec);
}

static void modules(void **state)
{
    struct testrec rec;
    (void)state;
    record(&rec, "types", "modules=libc*|ld-*", NULL);
    assert_int_equal(testrec_count(&rec, TRK_OP_NEW), 0);
    assert_int_equal(testrec_count(&rec, TRK_OP_REF), 0);
    assert_int_equal(testrec_filtered(&rec), 8);
    testrec_deinit(&rec);
    record(&rec, "types", "modules=libc*|filter_target", NULL);
    assert_int_equal(testrec_count(&rec, TRK_OP_NEW), 8);
    assert_int_equal(testrec_filtered(&rec), 0);
    testrec_deinit(&rec);
}

/* Single objects, by number. Conn is born at 0x1000000, 0x1000400 and 0x1000500; Other four times. */
static void named(void **state)
{
    struct testrec rec;
    (void)state;
    record(&rec, "types", "objects=Conn#2-9|Session#2|Other#1,3", NULL);
    assert_int_equal(testrec_count(&rec, TRK_OP_NEW), 4);
    assert_int_equal(count_at(&rec, TRK_OP_NEW, 0x1000400), 2); /* the second Conn, the third Other */
    assert_int_equal(count_at(&rec, TRK_OP_NEW, 0x1000500), 1);
    assert_int_equal(count_at(&rec, TRK_OP_NEW, 0x1000200), 1);
    assert_int_equal(count_at(&rec, TRK_OP_REF, 0x1000200), 1);
    assert_int_equal(count_at(&rec, TRK_OP_REF, 0x1000000), 0);
    assert_int_equal(testrec_filtered(&rec), 4);
    testrec_deinit(&rec);
    /* Of those that the other keys let through; from the program's own options. */
    record(&rec, "types", NULL, "types=Conn|Session:objects=Conn#1|Other#1");
    assert_int_equal(testrec_count(&rec, TRK_OP_NEW), 1);
    assert_int_equal(count_at(&rec, TRK_OP_NEW, 0x1000000), 1);
    testrec_deinit(&rec);
}

/* A forked child counts for itself. */
static void named_forked(void **state)
{
    struct testrec rec;
    (void)state;
    record(&rec, "fork", "objects=Conn#1", NULL);
    assert_int_equal(count_at(&rec, TRK_OP_NEW, 0x5000000), 1);
    assert_int_equal(count_at(&rec, TRK_OP_NEW, 0x5000200), 1);
    testrec_deinit(&rec);
    record(&rec, "fork", "objects=Conn#2", NULL);
    assert_int_equal(testrec_count(&rec, TRK_OP_NEW), 0);
    testrec_deinit(&rec);
    /* Each number once, whoever bears. */
    record(&rec, "threads", "objects=Conn#1-100,39901-40000", NULL);
    assert_int_equal(testrec_count(&rec, TRK_OP_NEW), 200);
    assert_int_equal(testrec_count(&rec, TRK_OP_DEL), 200);
    testrec_deinit(&rec);
}

static void share(void **state)
{
    struct testrec rec;
    (void)state;
    record(&rec, "share", "objects=1/16", NULL);
    size_t births = testrec_count(&rec, TRK_OP_NEW);
    assert_in_range(births, 2 * 16000 / 16 * 3 / 4, 2 * 16000 / 16 * 5 / 4);
    assert_int_equal(births % 2, 0); /* the same in both rounds */
    assert_int_equal(testrec_count(&rec, TRK_OP_ALLOC), births);
    assert_int_equal(testrec_count(&rec, TRK_OP_FREE), births);
    assert_int_equal(testrec_count(&rec, TRK_OP_REF), births);
    assert_int_equal(testrec_count(&rec, TRK_OP_UNREF), births);
    assert_int_equal(testrec_count(&rec, TRK_OP_DEL), births / 2);
    assert_int_equal(testrec_filtered(&rec), 4 * 16000 - 2 * births);
    testrec_deinit(&rec);
}

static void inside(void **state)
{
    struct testrec rec;
    (void)state;
    record(&rec, "inside", "objects=1/8", NULL);
    size_t births = testrec_count(&rec, TRK_OP_NEW);
    assert_in_range(births, 100, 300);
    size_t blocks = testrec_count(&rec, TRK_OP_ALLOC);
    assert_true(blocks > births);
    assert_int_equal(testrec_count(&rec, TRK_OP_FREE), blocks);
    for (size_t i = 0; i < births; i++) {
        uint64_t addr = testrec_find(&rec, TRK_OP_NEW, i)->addr - 16;
        assert_int_equal(count_at(&rec, TRK_OP_ALLOC, addr), 1);
        assert_int_equal(count_at(&rec, TRK_OP_FREE, addr), 1);
    }
    testrec_deinit(&rec);
}

static void reallocs(void **state)
{
    struct testrec rec;
    (void)state;
    record(&rec, "realloc", "objects=1/4:types=Conn", NULL);
    for (uint64_t p = 0x4000000; p < 0x4000000 + 800 * 0x1000; p += 0x1000) {
        size_t born = count_at(&rec, TRK_OP_NEW, p + 32);
        size_t plain = count_at(&rec, TRK_OP_ALLOC, p);
        assert_true(plain >= born);
        assert_int_equal(count_at(&rec, TRK_OP_REALLOC, p), 2 * plain);
        assert_int_equal(count_at(&rec, TRK_OP_REALLOC_FAIL, p), plain);
        assert_true(count_at(&rec, TRK_OP_ALLOC, p + 0x400) >= plain);
        assert_int_equal(count_at(&rec, TRK_OP_REALLOC, p + 0x400), count_at(&rec, TRK_OP_ALLOC, p + 0x400));
        assert_true(count_at(&rec, TRK_OP_ALLOC, p + 0x800) >= count_at(&rec, TRK_OP_ALLOC, p + 0x400));
        assert_int_equal(count_at(&rec, TRK_OP_FREE, p + 0x800), count_at(&rec, TRK_OP_ALLOC, p + 0x800));
        assert_int_equal(count_at(&rec, TRK_OP_REF, p + 0x820), born);
        assert_int_equal(count_at(&rec, TRK_OP_DEL, p + 0x820), born);
    }
    for (size_t i = 0; i < testrec_count(&rec, TRK_OP_ALLOC); i++) { /* EXT_OLD only behind its REALLOC */
        const struct testrec_record *r = testrec_find(&rec, TRK_OP_ALLOC, i);
        uint64_t old;
        if (testrec_ext(r, TRK_EXT_OLD, &old))
            assert_true(count_at(&rec, TRK_OP_REALLOC, old) > 0);
    }
    testrec_deinit(&rec);
}

static void threads(void **state)
{
    struct testrec rec;
    (void)state;
    record(&rec, "threads", "types=Conn", NULL);
    assert_int_equal(testrec_count(&rec, TRK_OP_NEW), 40000);
    assert_int_equal(testrec_count(&rec, TRK_OP_REF), 40000);
    assert_int_equal(testrec_count(&rec, TRK_OP_UNREF), 40000);
    assert_int_equal(testrec_count(&rec, TRK_OP_DEL), 40000);
    assert_int_equal(testrec_filtered(&rec), 40000);
    assert_int_equal(testrec_ring_dropped(&rec) + testrec_proc_dropped(&rec), 0);
    testrec_deinit(&rec);
}

static void forked(void **state)
{
    struct testrec rec;
    (void)state;
    record(&rec, "fork", "types=Conn", NULL);
    assert_int_equal(count_at(&rec, TRK_OP_REF, 0x5000000), 1);
    assert_int_equal(count_at(&rec, TRK_OP_REF, 0x5000100), 0);
    assert_int_equal(count_at(&rec, TRK_OP_DEL, 0x5000200), 1);
    assert_int_equal(count_range(&rec, TRK_OP_NEW, 0x5000300, 0x5000400), 0);
    testrec_deinit(&rec);
}

/* What is wanted and cannot be remembered is lost, and said to be. */
static void full(void **state)
{
    struct testrec rec;
    (void)state;
    record(&rec, "full", "types=Conn", NULL);
    size_t births = testrec_count(&rec, TRK_OP_NEW);
    assert_in_range(births, 1000, 99999);
    assert_int_equal(births + testrec_proc_dropped(&rec), 100000);
    assert_int_equal(testrec_count(&rec, TRK_OP_DEL), births);
    testrec_deinit(&rec);
}

static void bad(void **state)
{
    static const char *const wrong[] = { "types=",       "types=|a",     "modules=a||b", "objects=2",
                                         "objects=1/0",  "objects=1/x",  "objects=2/3",  "objects=1/2097152",
                                         "objects=#1",   "objects=a#",   "objects=a#0",  "objects=a#2-1",
                                         "objects=a#1|", "objects=a#1,", "objects=a#1-", "objects=a#4294967296" };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct testrec rec;
        char line[160];
        record(&rec, "types", NULL, wrong[i]);
        snprintf(line, sizeof line,
                 "libtrack: bad value of option '%.*s' in TRACK_OPTIONS ignored; TRACK_OPTIONS=help=1 lists all "
                 "options\n",
                 (int)strcspn(wrong[i], "="), wrong[i]);
        assert_string_equal(rec.output, line);
        assert_int_equal(testrec_count(&rec, TRK_OP_NEW), 8);
        testrec_deinit(&rec);
    }
}

static void no_stacks(void **state)
{
    const char *const argv[] = { FILTER_TARGET, "types", NULL };
    const struct testrec_config config = { .no_stacks = true };
    struct testrec rec;
    (void)state;
    testrec_record(&rec, &config, argv, "stacks=0,0,0", NULL);
    assert_int_equal(rec.hello.wish_birth, TRK_WISH_NO_STACK);
    assert_int_equal(rec.hello.wish_free, TRK_WISH_NO_STACK);
    assert_int_equal(testrec_count(&rec, TRK_OP_NEW), 8);
    assert_int_equal(testrec_count(&rec, TRK_OP_REF), 5);
    for (size_t i = 0; i < rec.count; i++)
        assert_int_equal(rec.records[i].stack, 0);
    testrec_deinit(&rec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types),  cmocka_unit_test(named),  cmocka_unit_test(named_forked), cmocka_unit_test(modules),
        cmocka_unit_test(share),  cmocka_unit_test(inside), cmocka_unit_test(reallocs),     cmocka_unit_test(threads),
        cmocka_unit_test(forked), cmocka_unit_test(full),   cmocka_unit_test(bad),          cmocka_unit_test(no_stacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
