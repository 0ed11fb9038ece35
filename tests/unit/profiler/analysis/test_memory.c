/* test_memory.c: the N-th allocation fails, for every N: an error or the same findings, never a crash, never a leak
 * (run it with AddressSanitizer). */
#include "rig.h"

#include "../base/failing.h"
#include "baseline.h"
#include "suppress.h"

static struct rig rig_, *const rig = &rig_;

/* Objects without slots in a circle, in a table, in nothing; a slot that memory contradicts. */
static void fill_memory(void)
{
    for (uint64_t i = 0; i < 4; i++) {
        mk_born(rig->t, "ring", 0xd0000 + i * 0x100, 64, AT("ring_new r.c:3"));
        mk_ref(rig->t, 0xd0000 + i * 0x100, 0, AT("ring_link r.c:8"));
        mk_unref(rig->t, 0xd0000 + i * 0x100, 0, AT("main m.c:3"));
    }
    mk_alloc(rig->t, 0xe0000, 64, AT("box_new b.c:3"));
    mk_memory_begin(rig->t, TRK_RUNG_STOPPED);
    mk_memory_area(rig->t, TRK_AREA_ANON, 0, 0x10000, 0x100000);
    mk_memory_word(rig->t, 0x60008, 0x70000);
    mk_memory_word(rig->t, 0xd0008, 0xd0100);
    mk_memory_word(rig->t, 0xd0110, 0xe0000);
    mk_memory_word(rig->t, 0xe0008, 0xd0000);
    mk_memory_area(rig->t, TRK_AREA_DATA, 0, MK_APP_DATA, 0x100);
    mk_memory_word(rig->t, MK_APP_DATA + 16, 0xd0200);
    mk_memory_count(rig->t, 0xd0300, 2);
    mk_memory_end(rig->t);
}

/* A bit of everything. */
static void fill(void)
{
    fake_field(rig->symbols, "a", 8, "peer");
    fake_global(rig->symbols, MK_APP_DATA, 8, "g_cache");
    for (uint64_t i = 0; i < 5; i++)
        rig_healthy(rig, "conn", 0x10000, AT("conn_open net.c:31"), AT("enqueue q.c:5"), AT("dequeue q.c:9"),
                    AT("conn_close net.c:77"));
    for (uint64_t i = 0; i < 40; i++) {
        mk_born(rig->t, "conn", 0x20000 + i * 0x100, 64, AT("conn_open net.c:31"));
        mk_ref(rig->t, 0x20000 + i * 0x100, i % 2 ? LOCAL(i) : 0, AT("enqueue q.c:5"));
        mk_unref(rig->t, 0x20000 + i * 0x100, 0, AT("dequeue q.c:9"));
        mk_alloc(rig->t, 0x40000 + i * 0x100, 40, AT("buf_new b.c:3"));
    }
    mk_born(rig->t, "a", 0x60000, 64, AT("a_new a.c:3"));
    mk_born(rig->t, "b", 0x70000, 64, AT("b_new a.c:3"));
    mk_own(rig->t, 0x60000, 0x70008, AT("link a.c:20"));
    mk_own(rig->t, 0x70000, 0x60008, AT("link a.c:21"));
    mk_born(rig->t, "cache", 0x80000, 64, AT("cache_new c.c:3"));
    mk_own(rig->t, 0x80000, MK_APP_DATA, AT("init c.c:21"));
    mk_born(rig->t, "entry", 0x81000, 64, AT("entry_new c.c:3"));
    mk_own(rig->t, 0x81000, 0x40008, AT("add c.c:21"));
    mk_born(rig->t, "conf", 0x90000, 64, AT("conf_new c.c:3"));
    mk_may_leak(rig->t, 0x90000, "read once");
    for (uint64_t i = 0; i < 30; i++) {
        mk_born(rig->t, "session", 0xa0000 + i * 0x100, 64, AT("session_new s.c:3"));
        mk_own(rig->t, 0xa0000 + i * 0x100, i > 0 ? 0xa0008 + (i - 1) * 0x100 : MK_APP_DATA, AT("serve s.c:21"));
        mk_born(rig->t, "user", 0xb0000 + i * 0x100, 64, AT("user_new s.c:5"));
        mk_own(rig->t, 0xb0000 + i * 0x100, 0xa0010 + i * 0x100, AT("serve s.c:22"));
        if (i % 10 == 9)
            mk_mark(rig->t, "round", AT("main m.c:3"));
    }
    mk_unref(rig->t, 0x10000, 0, AT("late l.c:3"));
    fill_memory();
    mk_exit(rig->t, 0);
}

static void test_findings(void **state)
{
    static const char text[] = "leak:no_such\n{\nn\nMemcheck:Leak\n...\nfun:cache_*\n}\ntype:b fun:x* reason:why\n";
    static const char json[] = "{\"schema\":1,\"findings\":[{\"fingerprint\":\"0123456789abcdef\",\"objects\":1}]}";
    struct prof_suppressions *s;
    struct prof_baseline *baseline;
    (void)state;

    rig_begin(rig);
    fill();
    assert_null(prof_suppressions_create(&s));
    assert_null(suppress_parse(s, "f.supp", text, strlen(text)));
    assert_null(baseline_parse("b.json", json, strlen(json), &baseline));
    struct prof_findings_options options = { .suppressions = s, .baseline = baseline, .leak_kinds_all = true };
    rig_find(rig, &options);
    size_t count = rig->count, gating = prof_findings_gating(rig->findings);
    assert_true(count > 5 && gating > 2);
    struct prof_heap *heap = mk_heap(rig->t);
    long failures = 0;
    for (long n = 0;; n++) {
        struct prof_findings *findings = NULL;
        fail_after(n);
        struct prof_error *error = prof_findings_create(heap, rig->symbols, &options, &findings);
        int failed = has_failed();
        fail_after(-1);
        if (error != NULL) {
            assert_int_equal(error->code, PROF_ERROR_NO_MEMORY);
            assert_null(findings);
            failures++;
        } else {
            const struct prof_finding *list;
            assert_int_equal(prof_findings_gating(findings), gating);
            assert_int_equal(prof_findings_list(findings, &list), count);
            prof_findings_destroy(findings);
        }
        prof_error_destroy(error);
        if (!failed)
            break;
    }
    assert_true(failures > 50);
    prof_findings_destroy(rig->findings);
    rig->findings = NULL;
    prof_baseline_destroy(baseline);
    prof_suppressions_destroy(s);
    rig_end(rig);
}

static void test_readers(void **state)
{
    static const char text[] =
        "leak:a\n{\nn\nMemcheck:Leak\n...\nfun:b\nsrc:c.c:3\n}\ntype:struct x fun:y reason:z max:3\n";
    static const char json[] = "{\"schema\":1,\"findings\":[{\"fingerprint\":\"0123456789abcdef\",\"objects\":1},"
                               "{\"fingerprint\":\"0123456789abcde0\",\"objects\":1}]}";
    (void)state;

    for (long n = 0, failed = 1; failed; n++) {
        struct prof_suppressions *s = NULL;
        fail_after(n);
        struct prof_error *error = prof_suppressions_create(&s);
        if (error == NULL)
            error = suppress_parse(s, "f.supp", text, strlen(text));
        failed = has_failed();
        fail_after(-1);
        assert_int_equal(error != NULL, failed);
        if (error != NULL && s != NULL)
            assert_int_equal(s->rules.count, 0);
        prof_error_destroy(error);
        prof_suppressions_destroy(s);
    }
    for (long n = 0, failed = 1; failed; n++) {
        struct prof_baseline *baseline = NULL;
        fail_after(n);
        struct prof_error *error = baseline_parse("b.json", json, strlen(json), &baseline);
        failed = has_failed();
        fail_after(-1);
        assert_int_equal(error != NULL, failed);
        prof_error_destroy(error);
        prof_baseline_destroy(baseline);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_findings),
        cmocka_unit_test(test_readers),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
