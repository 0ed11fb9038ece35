/* test_verdict.c: each verdict from a trace of a few lines, with everything a report shows of it. */
#include "rig.h"

#include <track/track.h>

static struct rig rig_, *const rig = &rig_;

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

static void test_clean(void **state)
{
    const struct prof_audit *audit;
    (void)state;
    rig_healthy(rig, "conn", 0x10000, AT("conn_open net.c:31 < main main.c:9"), AT("enqueue q.c:5"),
                AT("dequeue q.c:9"), AT("conn_close net.c:77"));
    mk_exit(rig->t, 0);
    rig_find(rig, NULL);
    rig_expect(rig, 0);
    assert_int_equal(rig->count, 0);
    assert_int_equal(prof_findings_gating(rig->findings), 0);
    audit = prof_findings_audit(rig->findings);
    assert_true(audit->certain);
    assert_null(audit->why_uncertain);
    assert_int_equal(audit->lost, 0);
    assert_true(audit->coverage == 0);
}

static void test_local(void **state)
{
    (void)state;
    mk_born(rig->t, "conn", 0x10000, 64, AT("obj_new obj.c:3 < conn_open net.c:31 < main main.c:9"));
    mk_own(rig->t, 0x10000, LOCAL(1), AT("handle srv.c:12 < main main.c:9"));
    mk_exit(rig->t, 0);
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    assert_int_equal(f->id, 1);
    assert_int_equal(f->strength, PROF_PROVEN);
    assert_int_equal(f->headline, PROF_HEADLINE_LOST);
    assert_true(f->gating);
    assert_null(f->reasons);
    assert_string_equal(f->type, "conn");
    assert_int_equal(f->objects, 1);
    assert_int_equal(f->bytes, 64);
    assert_string_equal(f->sentence, "count is 1 too high: 1 taken (birth included), 0 given back");
    assert_int_equal(f->open_count, 1);
    assert_int_equal(f->open[0].pairing, PROF_PAIR_SLOT);
    assert_int_equal(f->open[0].count, 1);
    assert_true(f->open[0].birth);
    assert_null(f->open[0].holder_type);
    assert_string_equal(f->open[0].holder_text, "local variable of handle()");
    rig_at(rig, f->open[0].moved_stack, "handle:12");
    assert_int_equal(f->sample_count, 1);
    assert_ptr_equal(prof_findings_of(rig->findings, f->samples[0]), f);
}

static void test_counts_only(void **state)
{
    (void)state;
    mk_born(rig->t, "conn", 0x10000, 64, AT("conn_open net.c:31"));
    mk_ref(rig->t, 0x10000, 0, AT("enqueue q.c:5"));
    mk_ref(rig->t, 0x10000, 0, AT("watch w.c:5"));
    mk_unref(rig->t, 0x10000, 0, AT("dequeue q.c:9"));
    mk_unref(rig->t, 0x10000, 0, AT("unwatch w.c:9"));
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    assert_string_equal(f->sentence, "count is 1 too high: 3 taken (birth included), 2 given back");
    assert_int_equal(f->strength, PROF_PROBABLE);
    assert_true(f->gating);
    assert_int_equal(f->open_count, 3); // nothing to compare with: all that took
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(f->open[i].pairing, PROF_PAIR_ANONYMOUS);
    assert_int_equal(f->missing_stack, 0);
    assert_int_equal(f->site_count, 5);
}

static void test_same_function(void **state)
{
    // What one function takes and gives back itself is not under suspicion: the birth is left.
    (void)state;
    mk_born(rig->t, "conn", 0x10000, 64, AT("conn_open net.c:31"));
    mk_ref(rig->t, 0x10000, 0, AT("work w.c:5"));
    mk_unref(rig->t, 0x10000, 0, AT("work w.c:9"));
    rig_find(rig, NULL);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    assert_int_equal(f->open_count, 1);
    assert_int_equal(f->open[0].pairing, PROF_PAIR_COUNT);
    assert_true(f->open[0].birth);
    rig_at(rig, f->open[0].stack, "conn_open:31");
}

/* length(obj_ref(x)): what the statement calls gives back what it took, not the next release in the same function. */
static void test_handed_over(void **state)
{
    (void)state;
    const char *born = AT("conn_open net.c:31 < main main.c:9"), *get = AT("lookup l.c:4 < main main.c:10"),
               *copy = AT("use u.c:11 < main main.c:11"), *length = AT("length l.c:5 < use u.c:11 < main main.c:11"),
               *drop = AT("use u.c:13 < main main.c:11"), *last = AT("conn_close net.c:77 < main main.c:12");
    for (uint64_t i = 0; i < 45; i++) {
        uint64_t conn = 0x10000 + i * 0x100;
        mk_born(rig->t, "conn", conn, 64, born);
        mk_ref(rig->t, conn, 0, get);
        mk_ref(rig->t, conn, 0, copy);
        mk_unref(rig->t, conn, 0, length);
        if (i >= 5)
            mk_unref(rig->t, conn, 0, drop);
        mk_unref(rig->t, conn, 0, last);
        if (i >= 5)
            mk_gone(rig->t, conn, last);
    }
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    const struct prof_finding *f = &rig->list[0];
    assert_int_equal(f->objects, 5);
    rig_at(rig, f->open[0].stack, "lookup:4");
    rig_at(rig, f->missing_stack, "use:13");
}

static void test_siblings(void **state)
{
    (void)state;
    const char *born = AT("conn_open net.c:31 < main main.c:9"), *take = AT("enqueue q.c:5 < main main.c:9"),
               *give = AT("dequeue q.c:9 < loop main.c:20"), *last = AT("conn_close net.c:77 < main main.c:12");
    for (uint64_t i = 0; i < 96; i++)
        rig_healthy(rig, "conn", 0x10000 + i * 0x100, born, take, give, last);
    for (uint64_t i = 0; i < 23; i++) { // never closed
        mk_born(rig->t, "conn", 0x80000 + i * 0x100, 64, born);
        mk_ref(rig->t, 0x80000 + i * 0x100, 0, take);
        mk_unref(rig->t, 0x80000 + i * 0x100, 0, give);
    }
    for (uint64_t i = 0; i < 5; i++) { // never dequeued
        mk_born(rig->t, "conn", 0xa0000 + i * 0x100, 64, born);
        mk_ref(rig->t, 0xa0000 + i * 0x100, 0, take);
        mk_unref(rig->t, 0xa0000 + i * 0x100, 0, last);
    }
    rig_find(rig, NULL);
    rig_expect(rig, 2);
    const struct prof_finding *f = &rig->list[0];
    assert_int_equal(f->verdict, PROF_MISSING_UNREF);
    assert_int_equal(f->objects, 23);
    assert_string_equal(f->sentence, "each count is 1 too high: 2 taken (birth included), 1 given back");
    rig_at(rig, f->open[0].stack, "conn_open:31");
    assert_true(f->open[0].birth);
    assert_int_equal(f->open[0].pairing, PROF_PAIR_LEARNED);
    assert_int_equal(f->open[0].count, 23);
    rig_at(rig, f->missing_stack, "conn_close:77");
    assert_int_equal(f->missing_named, 23);
    assert_int_equal(f->missing_of, 23);
    assert_int_equal(f->healthy_named, 96);
    assert_int_equal(f->healthy_of, 96);
    f = &rig->list[1];
    assert_int_equal(f->objects, 5);
    rig_at(rig, f->open[0].stack, "enqueue:5");
    assert_false(f->open[0].birth);
    rig_at(rig, f->missing_stack, "dequeue:9");
    assert_string_not_equal(f->fingerprint, rig->list[0].fingerprint);
    assert_int_equal(f->sample_count, 5);
}

static void test_extra_take(void **state)
{
    // A reference that no healthy sibling ever takes stands out.
    (void)state;
    const char *born = AT("conn_open net.c:31"), *last = AT("conn_close net.c:77");
    for (uint64_t i = 0; i < 10; i++)
        rig_healthy(rig, "conn", 0x10000 + i * 0x100, born, AT("enqueue q.c:5"), AT("dequeue q.c:9"), last);
    mk_born(rig->t, "conn", 0x80000, 64, born);
    mk_ref(rig->t, 0x80000, 0, AT("enqueue q.c:5"));
    mk_ref(rig->t, 0x80000, 0, AT("log_error log.c:3"));
    mk_unref(rig->t, 0x80000, 0, AT("dequeue q.c:9"));
    mk_unref(rig->t, 0x80000, 0, last);
    rig_find(rig, NULL);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    rig_at(rig, f->open[0].stack, "log_error:3");
    assert_int_equal(f->open[0].pairing, PROF_PAIR_LEARNED);
    assert_int_equal(f->missing_stack, 0);
}

static void test_two_exits(void **state)
{
    // Healthy objects leave through two places; the leaked one through neither.
    (void)state;
    const char *born = AT("conn_open net.c:31");
    for (uint64_t i = 0; i < 10; i++)
        rig_healthy(rig, "conn", 0x10000 + i * 0x100, born, AT("enqueue q.c:5"), AT("dequeue q.c:9"),
                    i < 7 ? AT("conn_close net.c:77") : AT("conn_abort net.c:99"));
    mk_born(rig->t, "conn", 0x80000, 64, born);
    mk_ref(rig->t, 0x80000, 0, AT("enqueue q.c:5"));
    mk_unref(rig->t, 0x80000, 0, AT("dequeue q.c:9"));
    rig_find(rig, NULL);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    assert_true(f->open[0].birth);
    rig_at(rig, f->missing_stack, "conn_close:77");
}

static void test_slot_release_learned(void **state)
{
    (void)state;
    const char *take = AT("submit job.c:5"), *give = AT("finish job.c:50");
    for (uint64_t i = 0; i < 8; i++) {
        mk_born(rig->t, "job", 0x10000, 64, AT("job_new job.c:1"));
        mk_ref(rig->t, 0x10000, LOCAL(i), take);
        mk_unref(rig->t, 0x10000, LOCAL(i), give);
        mk_unref(rig->t, 0x10000, 0, AT("job_end job.c:70"));
        mk_gone(rig->t, 0x10000, AT("job_end job.c:70"));
    }
    mk_born(rig->t, "job", 0x20000, 64, AT("job_new job.c:1"));
    mk_ref(rig->t, 0x20000, LOCAL(9), take);
    mk_unref(rig->t, 0x20000, 0, AT("job_end job.c:70"));
    rig_find(rig, NULL);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    // job_end may have given it back instead of the birth: healthy ones say no, but nothing proves it.
    assert_int_equal(f->strength, PROF_PROBABLE);
    assert_int_equal(f->open[0].pairing, PROF_PAIR_TOLD);
    assert_non_null(
        strstr(f->reasons, "job_end job.c:70 names no owner and may have given back what submit job.c:5 took"));
    rig_at(rig, f->open[0].stack, "submit:5");
    assert_string_equal(f->open[0].holder_text, "local variable of submit()");
    rig_at(rig, f->missing_stack, "finish:50");
    assert_int_equal(f->healthy_named, 8);
    assert_int_equal(f->healthy_of, 8);
}

/* Objects that lack one release, objects that lack another one, and some that lack both. Not all healthy ones do the
 * same, else nothing would tell which release is whose. */
static void test_two_bugs_at_once(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 40; i++) {
        uint64_t addr = 0x100000 + i * 0x100;
        bool left_out[] = { i % 4 == 1 || i % 4 == 3, i % 4 == 2 || i % 4 == 3 };
        mk_born(rig->t, "session", addr, 64, AT("accept s.c:1"));
        bool routes = left_out[0] || i % 8 != 0, audits = left_out[1] || i % 12 != 0;
        if (routes)
            mk_ref(rig->t, addr, 0, AT("route s.c:20"));
        if (audits)
            mk_ref(rig->t, addr, 0, AT("audit s.c:30"));
        if (routes && !left_out[0])
            mk_unref(rig->t, addr, 0, AT("routed s.c:25"));
        if (audits && !left_out[1])
            mk_unref(rig->t, addr, 0, AT("audited s.c:35"));
        mk_unref(rig->t, addr, 0, AT("hang_up s.c:9"));
        if (!left_out[0] && !left_out[1])
            mk_gone(rig->t, addr, AT("hang_up s.c:9"));
    }
    rig_find(rig, NULL);
    uint64_t both = 0, all = 0;
    for (size_t i = 0; i < rig->count; i++) {
        const struct prof_finding *f = &rig->list[i];
        all += f->objects;
        if (f->also_count == 0)
            continue;
        assert_int_equal(f->also_count, 1);
        bool first = strcmp(prof_symbols_site_frame(rig->symbols, f->open[0].stack)->function, "route") == 0;
        rig_at(rig, f->open[0].stack, first ? "route:20" : "audit:30");
        rig_at(rig, f->open[1].stack, first ? "audit:30" : "route:20");
        assert_int_equal(f->open[0].count, 20);
        assert_int_equal(f->open[1].count, 10);
        rig_at(rig, f->missing_stack, first ? "routed:25" : "audited:35");
        rig_at(rig, f->also_missing[0].stack, first ? "audited:35" : "routed:25");
        rig_at(rig, f->also_missing[0].take_stack, first ? "audit:30" : "route:20");
        both += f->also_missing[0].named;
    }
    assert_int_equal(all, 30);
    assert_int_equal(both, 10);
}

static void test_global(void **state)
{
    (void)state;
    fake_global(rig->symbols, MK_APP_DATA, 8, "g_cache");
    mk_born(rig->t, "cache", 0x10000, 64, AT("cache_new cache.c:3"));
    mk_own(rig->t, 0x10000, MK_APP_DATA, AT("init main.c:2"));
    mk_born(rig->t, "entry", 0x20000, 64, AT("entry_new cache.c:30")); // held by the cache
    mk_own(rig->t, 0x20000, 0x10010, AT("cache_add cache.c:33"));
    rig_find(rig, NULL);
    rig_expect(rig, 0);
    const struct prof_finding *f = rig_one(rig, PROF_REACHABLE);
    assert_int_equal(f->headline, PROF_HEADLINE_HELD);
    assert_false(f->gating);
    assert_int_equal(f->objects, 1);
    assert_int_equal(f->collateral_objects, 1);
    assert_int_equal(prof_findings_gating(rig->findings), 0);

    struct prof_findings_options all = { .leak_kinds_all = true };
    rig_find(rig, &all);
    f = rig_one(rig, PROF_REACHABLE);
    assert_string_equal(f->type, "cache");
    assert_string_equal(f->open[0].holder_text, "global g_cache");
    assert_string_equal(f->sentence, "1 object alive at the end, held by design: global g_cache");

    struct prof_findings_options fail = { .fail_on = 1u << PROF_REACHABLE };
    rig_find(rig, &fail);
    assert_int_equal(prof_findings_gating(rig->findings), 1);
}

static void test_by_design(void **state)
{
    struct trk_type_def def = { .flags = TRK_TYPE_IMMORTAL, .object_size = 64, .count_offset = UINT32_MAX };
    (void)state;
    mk_type_full(rig->t, "atom", &def);
    mk_born(rig->t, "atom", 0x10000, 64, AT("atom_new a.c:3"));
    mk_born(rig->t, "app", 0x20000, 64, AT("app_new a.c:4"));
    mk_pin(rig->t, 0x20000, "the application object");
    mk_born(rig->t, "conf", 0x30000, 64, AT("conf_new a.c:5"));
    mk_may_leak(rig->t, 0x30000, "read once");
    mk_root_add(rig->t, 0x700000, 0x1000, "shared");
    mk_born(rig->t, "page", 0x40000, 64, AT("page_new a.c:6"));
    mk_own(rig->t, 0x40000, 0x700010, AT("page_new a.c:7"));
    mk_born(rig->t, "pooled", 0x50000, 64, AT("pooled_new a.c:8"));
    mk_unref(rig->t, 0x50000, 0, AT("pooled_put a.c:9"));
    mk_op(rig->t, TRK_OP_PARK, 0x50000, AT("pooled_put a.c:10"));
    struct prof_findings_options all = { .leak_kinds_all = true };
    rig_find(rig, &all);
    rig_expect(rig, 0);
    assert_int_equal(rig->count, 4);
    assert_int_equal(prof_findings_gating(rig->findings), 0);
    rig_find(rig, NULL);
    rig_expect(rig, 0);
    assert_int_equal(rig->count, 2); // may_leak is always listed
    for (size_t i = 0; i < rig->count; i++) {
        if (rig->list[i].suppressed_by != NULL) {
            assert_string_equal(rig->list[i].suppressed_by, "may-leak: read once");
            assert_string_equal(rig->list[i].type, "conf");
        }
    }
}

static void test_holder_freed(void **state)
{
    (void)state;
    mk_alloc(rig->t, 0x10000, 64, AT("session_new s.c:3"));
    mk_born(rig->t, "conn", 0x20000, 32, AT("conn_open net.c:31"));
    mk_ref(rig->t, 0x20000, 0x10008, AT("session_bind s.c:20"));
    mk_unref(rig->t, 0x20000, 0, AT("conn_open net.c:40"));
    mk_free(rig->t, 0x10000, AT("session_free s.c:60"));
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_HOLDER_FREED);
    assert_int_equal(f->strength, PROF_PROBABLE); // pointers may be copied
    assert_true(f->gating);
    rig_at(rig, f->open[0].stack, "session_bind:20");
    assert_string_equal(f->open[0].holder_text, "freed memory");
    rig_at(rig, f->other_stack, "session_free:60");
    assert_string_equal(f->other_what, "freed at");
    assert_string_equal(f->sentence,
                        "the memory that held the reference was freed; count is 1 too high: 2 taken (birth "
                        "included), 1 given back");
}

/* A holder that was an object keeps its name, when it was deleted first and when its block just went. */
static void test_holder_died(void **state)
{
    (void)state;
    fake_field(rig->symbols, "session", 16, "conn");
    for (uint64_t i = 0; i < 2; i++) {
        mk_born(rig->t, "session", 0x10000, 64, AT("session_new s.c:3"));
        mk_born(rig->t, "conn", 0x20000 + i * 0x100, 32, AT("conn_open net.c:31"));
        mk_ref(rig->t, 0x20000 + i * 0x100, 0x10010, AT("session_bind s.c:20"));
        mk_unref(rig->t, 0x20000 + i * 0x100, 0, AT("conn_open net.c:40"));
        mk_unref(rig->t, 0x10000, 0, AT("session_put s.c:60"));
        if (i == 0)
            mk_gone(rig->t, 0x10000, AT("session_put s.c:61"));
        else
            mk_free(rig->t, 0x10000, AT("session_put s.c:61"));
    }
    // Whoever lives there now is not meant.
    mk_born(rig->t, "other", 0x10000, 64, AT("other_new o.c:3"));
    mk_own(rig->t, 0x10000, MK_APP_DATA, AT("init c.c:21"));
    rig_find(rig, NULL);
    const struct prof_finding *f = rig_one(rig, PROF_HOLDER_FREED);
    assert_int_equal(f->objects, 2);
    assert_int_equal(f->open_count, 1);
    assert_int_equal(f->open[0].count, 2);
    assert_string_equal(f->open[0].holder_type, "session");
    assert_string_equal(f->open[0].holder_field, "conn");
    assert_int_equal(f->open[0].holder_serial, 1);
    assert_int_equal(f->open[0].holder_obj, 0);
    assert_string_equal(f->open[0].holder_text, "freed memory");
}

static void test_overwritten(void **state)
{
    (void)state;
    mk_alloc(rig->t, 0x10000, 64, AT("session_new s.c:3"));
    mk_born(rig->t, "conn", 0x20000, 32, AT("conn_open net.c:31"));
    mk_own(rig->t, 0x20000, 0x10008, AT("session_bind s.c:20"));
    mk_born(rig->t, "conn", 0x30000, 32, AT("conn_open net.c:31"));
    mk_own(rig->t, 0x30000, 0x10008, AT("session_rebind s.c:25"));
    mk_unref(rig->t, 0x30000, 0x10008, AT("session_free s.c:59"));
    mk_gone(rig->t, 0x30000, AT("session_free s.c:59"));
    mk_free(rig->t, 0x10000, AT("session_free s.c:60"));
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_SLOT_OVERWRITTEN);
    assert_int_equal(f->strength, PROF_PROVEN); // this type's births get owners: moves are reported
    rig_at(rig, f->open[0].stack, "conn_open:31");
    rig_at(rig, f->other_stack, "session_rebind:25");
    assert_string_equal(f->other_what, "overwritten at");
}

/* The program was killed: a later call used the same stack. That says nothing of the code that took the reference. */
static void test_local_used_again(void **state)
{
    (void)state;
    mk_born(rig->t, "conn", 0x20000, 32, AT("conn_open net.c:31"));
    mk_own(rig->t, 0x20000, LOCAL(0), AT("work w.c:20"));
    mk_born(rig->t, "conn", 0x30000, 32, AT("conn_open net.c:31"));
    mk_own(rig->t, 0x30000, LOCAL(0), AT("other w.c:40"));
    mk_unref(rig->t, 0x30000, LOCAL(0), AT("other w.c:45"));
    mk_gone(rig->t, 0x30000, AT("other w.c:45"));
    mk_end(rig->t, TRK_END_SIGNAL, 9);
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    rig_at(rig, f->open[0].stack, "conn_open:31");
    assert_string_equal(f->open[0].holder_text, "local variable of work()");
}

static void test_zero(void **state)
{
    (void)state;
    mk_born(rig->t, "conn", 0x20000, 32, AT("conn_open net.c:31"));
    mk_unref(rig->t, 0x20000, 0, AT("conn_close net.c:77"));
    mk_exit(rig->t, 0);
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_ZERO_NOT_FREED);
    assert_int_equal(f->strength, PROF_PROVEN);
    assert_true(f->gating);
    rig_at(rig, f->other_stack, "conn_close:77");
    assert_string_equal(f->other_what, "count reached 0 at");
    assert_string_equal(f->sentence, "count reached 0, but the object was not freed");
}

static void test_zero_untold(void **state)
{
    // Neither frees nor deletions are recorded: count zero is the end.
    (void)state;
    mk_new(rig->t, "conn", 0x20000, AT("conn_open net.c:31"));
    mk_unref(rig->t, 0x20000, 0, AT("conn_close net.c:77"));
    rig_find(rig, NULL);
    rig_expect(rig, 0);
}

static void test_over_released(void **state)
{
    (void)state;
    mk_born(rig->t, "conn", 0x20000, 32, AT("conn_open net.c:31"));
    mk_unref(rig->t, 0x20000, 0, AT("conn_close net.c:77"));
    mk_unref(rig->t, 0x20000, 0, AT("timeout t.c:40 < loop main.c:3"));
    mk_gone(rig->t, 0x20000, AT("conn_close net.c:78"));
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_OVER_RELEASED);
    assert_int_equal(f->headline, PROF_HEADLINE_MISUSED);
    assert_int_equal(f->strength, PROF_PROVEN);
    assert_true(f->gating);
    assert_string_equal(f->type, "conn");
    rig_at(rig, f->open[0].stack, "timeout:40");
    rig_at(rig, f->other_stack, "conn_close:77");
    assert_string_equal(f->other_what, "count reached 0 at");
    assert_string_equal(f->sentence, "released once more after its count had reached 0: count is -1");
}

/* Events are not objects: two objects, released too often three and two times. */
static void test_over_released_often(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 2; i++) {
        mk_born(rig->t, "conn", 0x20000 + i * 0x100, 32, AT("conn_open net.c:31"));
        mk_unref(rig->t, 0x20000 + i * 0x100, 0, AT("conn_close net.c:77"));
    }
    for (uint64_t i = 0; i < 5; i++)
        mk_unref(rig->t, 0x20000 + i % 2 * 0x100, 0, AT("timeout t.c:40"));
    rig_find(rig, NULL);
    const struct prof_finding *f = rig_one(rig, PROF_OVER_RELEASED);
    assert_int_equal(f->objects, 2);
    assert_int_equal(f->bytes, 64);
    assert_int_equal(f->open[0].count, 5);
    assert_string_equal(f->sentence, "released once more after its count had reached 0: count is -1 (5 times)");
}

static void test_use_after(void **state)
{
    (void)state;
    mk_born(rig->t, "conn", 0x20000, 32, AT("conn_open net.c:31"));
    mk_unref(rig->t, 0x20000, 0, AT("conn_close net.c:77"));
    mk_gone(rig->t, 0x20000, AT("conn_close net.c:78"));
    mk_ref(rig->t, 0x20000, 0, AT("timeout t.c:40"));
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_USE_AFTER_RELEASE);
    assert_true(f->gating);
    rig_at(rig, f->open[0].stack, "timeout:40");
    rig_at(rig, f->other_stack, "conn_close:77"); // the release, not the destructor that it called
    assert_string_equal(f->other_what, "last released at");
}

static void test_freed_alive(void **state)
{
    (void)state;
    mk_born(rig->t, "conn", 0x20000, 32, AT("conn_open net.c:31"));
    mk_ref(rig->t, 0x20000, 0, AT("enqueue q.c:5"));
    mk_ref(rig->t, 0x20000, 0, AT("enqueue q.c:5"));
    mk_free(rig->t, 0x20000, AT("conn_kill net.c:90"));
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_OVER_RELEASED);
    assert_int_equal(f->strength, PROF_PROBABLE);
    assert_string_equal(f->sentence, "freed while 3 references were open");
    rig_at(rig, f->open[0].stack, "conn_kill:90");
}

static void test_freed_by_last_owner(void **state)
{
    // if (c->refs == 1) free(c): nothing to complain about in a build.
    (void)state;
    mk_born(rig->t, "conn", 0x20000, 32, AT("conn_open net.c:31"));
    mk_free(rig->t, 0x20000, AT("conn_put net.c:90"));
    rig_find(rig, NULL);
    assert_int_equal(prof_findings_gating(rig->findings), 0);
}

static void test_assert_freed(void **state)
{
    (void)state;
    mk_born(rig->t, "conn", 0x20000, 32, AT("conn_open net.c:31"));
    mk_op(rig->t, TRK_OP_ASSERT_FREED, 0x20000, AT("test_close t.c:7"));
    mk_born(rig->t, "conn", 0x30000, 32, AT("conn_open2 net.c:32"));
    mk_op(rig->t, TRK_OP_ASSERT_FREED, 0x30000, AT("test_close t.c:8"));
    mk_unref(rig->t, 0x30000, 0, AT("later t.c:9"));
    mk_gone(rig->t, 0x30000, AT("later t.c:9"));
    rig_find(rig, NULL);
    rig_expect(rig, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct prof_finding *f = &rig->list[i];
        assert_int_equal(f->verdict, PROF_MISSING_UNREF);
        assert_true(f->gating);
        if (f->open[0].birth) { // leaks anyway: the assertion is a detail of that
            assert_string_equal(f->other_what, "asserted to be freed at");
            rig_at(rig, f->other_stack, "test_close:7");
        } else {
            assert_string_equal(f->sentence, "asserted to be freed, but its count was 1");
            rig_at(rig, f->open[0].stack, "test_close:8");
        }
    }
}

static void test_scope(void **state)
{
    (void)state;
    mk_scope_begin(rig->t, "test_login", AT("main t.c:1"));
    mk_born(rig->t, "conn", 0x20000, 32, AT("conn_open net.c:31"));
    mk_born(rig->t, "user", 0x30000, 32, AT("user_new u.c:31"));
    mk_time(rig->t, 50);
    mk_scope_end(rig->t);
    mk_unref(rig->t, 0x30000, 0, AT("late u.c:90"));
    mk_gone(rig->t, 0x30000, AT("late u.c:90"));
    rig_find(rig, NULL);
    rig_expect(rig, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct prof_finding *f = &rig->list[i];
        assert_int_equal(f->verdict, PROF_MISSING_UNREF);
        assert_string_equal(f->scope, "test_login");
        assert_int_equal(f->objects, 1);
        if (strcmp(f->type, "conn") == 0)
            assert_string_equal(f->sentence,
                                "count is 1 too high: 1 taken (birth included), 0 given back; born in scope "
                                "test_login, which left 2 objects alive");
        else
            assert_string_equal(f->sentence, "born in scope test_login and alive at its end");
    }
}

static void test_floating(void **state)
{
    (void)state;
    mk_alloc(rig->t, 0x20000, 32, AT("widget_new w.c:3"));
    mk_new_floating(rig->t, "widget", 0x20000, AT("widget_new w.c:3"));
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_FLOATING);
    assert_false(f->gating);
    assert_non_null(strstr(f->sentence, "never sunk"));
}

static void test_resurrected(void **state)
{
    (void)state;
    mk_born(rig->t, "conn", 0x20000, 32, AT("conn_open net.c:31"));
    mk_unref(rig->t, 0x20000, 0, AT("conn_close net.c:77"));
    mk_op(rig->t, TRK_OP_DTOR_BEGIN, 0x20000, AT("conn_fini net.c:80"));
    mk_ref(rig->t, 0x20000, LOCAL(1), AT("conn_fini net.c:81"));
    mk_op(rig->t, TRK_OP_DTOR_END, 0x20000, AT("conn_fini net.c:89"));
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    rig_one(rig, PROF_RESURRECTED);
}

static void test_weak(void **state)
{
    (void)state;
    mk_alloc(rig->t, 0x10000, 64, AT("table_new t.c:3"));
    mk_born(rig->t, "conn", 0x20000, 32, AT("conn_open net.c:31"));
    mk_weak_set(rig->t, 0x20000, 0x10008, AT("remember t.c:9"));
    mk_unref(rig->t, 0x20000, 0, AT("conn_close net.c:77"));
    mk_gone(rig->t, 0x20000, AT("conn_close net.c:78"));
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_WEAK_HAZARD);
    assert_false(f->gating);
    assert_int_equal(f->headline, PROF_HEADLINE_MISUSED);
}

static void test_double_free(void **state)
{
    (void)state;
    mk_alloc(rig->t, 0x10000, 64, AT("buf_new b.c:3"));
    mk_free(rig->t, 0x10000, AT("buf_free b.c:9"));
    mk_free(rig->t, 0x10000, AT("cleanup b.c:19"));
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_OVER_RELEASED);
    assert_string_equal(f->type, "");
    rig_at(rig, f->open[0].stack, "cleanup:19");
    rig_at(rig, f->other_stack, "buf_free:9");
    assert_string_equal(f->other_what, "first freed at");
}

static void test_blocks(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 10; i++)
        mk_alloc(rig->t, 0x10000 + i * 0x100, 40, AT("buf_new b.c:3 < read b.c:40"));
    for (uint64_t i = 0; i < 3; i++)
        mk_alloc(rig->t, 0x20000 + i * 0x1000, 1000, AT("table_new t.c:3"));
    mk_mmap(rig->t, 0x7000000, 65536, AT("map m.c:3"));
    mk_born(rig->t, "conn", 0x40000, 64, AT("conn_open net.c:31")); // its block is the object's
    mk_own(rig->t, 0x40000, LOCAL(1), AT("conn_open net.c:31"));
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_UNFREED);
    assert_false(f->gating);
    assert_int_equal(f->objects, 13);
    assert_int_equal(f->bytes, 3400);
    assert_int_equal(f->site_count, 2);
    rig_at(rig, f->sites[0].stack, "table_new:3");
    assert_int_equal(f->sites[0].taken, 3);
    assert_int_equal(f->sites[0].bytes, 3000);
    assert_int_equal(f->sites[1].taken, 10);

    struct prof_findings_options all = { .leak_kinds_all = true };
    rig_find(rig, &all);
    assert_int_equal(rig->count, 3);
    assert_int_equal(rig->list[1].verdict, PROF_UNFREED);
    assert_int_equal(rig->list[1].bytes, 3000);
    assert_int_equal(rig->list[2].bytes, 400);
    rig_at(rig, rig->list[2].born_stack, "buf_new:3");
}

static void test_block_holder(void **state)
{
    // In a bucket array that was not freed either: perhaps reachable, so not for a build to fail on.
    (void)state;
    mk_alloc(rig->t, 0x10000, 4096, AT("table_grow t.c:3"));
    mk_born(rig->t, "conn", 0x40000, 64, AT("conn_open net.c:31"));
    mk_own(rig->t, 0x40000, 0x10088, AT("table_add t.c:31"));
    rig_find(rig, NULL);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    assert_int_equal(f->strength, PROF_SUSPECT);
    assert_false(f->gating);
    assert_string_equal(f->open[0].holder_text, "malloc in table_grow()");
    assert_non_null(strstr(f->reasons, "not examined"));
}

static void test_loaders_block(void **state)
{
    // Nothing points at either; what the loader keeps about threads that are gone is no leak.
    (void)state;
    mk_alloc(rig->t, 0x10000, 64, AT("buf_new b.c:3"));
    mk_alloc(rig->t, 0x20000, 304, AT("+/lib64/ld-linux-x86-64.so.2:77 < main m.c:5"));
    mk_memory_begin(rig->t, TRK_RUNG_STOPPED);
    mk_memory_area(rig->t, TRK_AREA_ANON, 0, 0x10000, 0x20000);
    mk_memory_word(rig->t, 0x20008, 0x10000); // kept memory keeps what it points at
    mk_memory_end(rig->t);
    mk_exit(rig->t, 0);
    rig_find(rig, NULL);
    assert_int_equal(rig->count, 1);
    assert_int_equal(rig->list[0].verdict, PROF_REACHABLE);
    assert_int_equal(rig->list[0].objects, 2);
}

/* A variable that was told to own what nobody had left is no reference: the one that somebody else keeps holds the
 * cycle, which by itself would be called garbage. */
static void test_unbacked(void **state)
{
    enum { A = 0x20000, B = 0x20100 };
    (void)state;
    mk_born(rig->t, "node", A, 64, AT("node_new n.c:1 < main m.c:2"));
    mk_born(rig->t, "node", B, 64, AT("node_new n.c:1 < main m.c:3"));
    mk_own(rig->t, B, A + 8, AT("main m.c:4"));
    mk_own(rig->t, A, B + 8, AT("main m.c:5"));
    mk_own(rig->t, A, B + 16, AT("main m.c:6"));
    mk_ref(rig->t, A, 0, AT("keep k.c:7 < main m.c:7"));
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_CYCLE_HELD);
    assert_int_equal(f->objects + f->collateral_objects, 2);
    rig_at(rig, f->open[0].stack, "keep:7");
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin, end)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(clean),
        TEST(local),
        TEST(counts_only),
        TEST(same_function),
        TEST(siblings),
        TEST(handed_over),
        TEST(extra_take),
        TEST(two_exits),
        TEST(slot_release_learned),
        TEST(two_bugs_at_once),
        TEST(global),
        TEST(by_design),
        TEST(holder_freed),
        TEST(overwritten),
        TEST(local_used_again),
        TEST(zero),
        TEST(zero_untold),
        TEST(over_released),
        TEST(over_released_often),
        TEST(use_after),
        TEST(freed_alive),
        TEST(freed_by_last_owner),
        TEST(assert_freed),
        TEST(scope),
        TEST(floating),
        TEST(resurrected),
        TEST(weak),
        TEST(holder_died),
        TEST(double_free),
        TEST(blocks),
        TEST(unbacked),
        TEST(block_holder),
        TEST(loaders_block),
    };
    return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
