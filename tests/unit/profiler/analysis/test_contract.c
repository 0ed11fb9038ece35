/* test_contract.c: strength, losses, windows, fingerprints across builds, suppressions and baselines applied, the audit
 * and the byte identity. */
#include "rig.h"

#include <stdlib.h>

#include "analysis.h"
#include "baseline.h"
#include "suppress.h"

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

static void leak(uint64_t addr, const char *born)
{
    mk_born(rig->t, "conn", addr, 64, born);
    mk_own(rig->t, addr, LOCAL(1), born);
}

/* ---- Strength ---------------------------------------------------------------------------------------------------- */

static void test_lost_events(void **state)
{
    struct trk_loss loss = { .dropped = 2 };
    (void)state;
    for (uint64_t i = 0; i < 3; i++)
        leak(0x10000 + i * 0x100, AT("conn_open net.c:31"));
    mk_loss(rig->t, &loss);
    rig_find(rig, NULL);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    assert_int_equal(f->strength, PROF_PROBABLE); // two events cannot explain three objects
    assert_string_equal(f->reasons, "2 events were lost");
    const struct prof_audit *audit = prof_findings_audit(rig->findings);
    assert_int_equal(audit->lost, 2);
    assert_false(audit->certain);
    assert_string_equal(audit->why_uncertain, "2 events lost");
}

static void test_lost_too_many(void **state)
{
    struct trk_loss loss = { .dropped = 2, .write_lost = 7 };
    (void)state;
    leak(0x10000, AT("conn_open net.c:31"));
    mk_loss(rig->t, &loss);
    rig_find(rig, NULL);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    assert_int_equal(f->strength, PROF_SUSPECT);
    assert_false(f->gating);
    assert_false(prof_findings_audit(rig->findings)->certain);
}

static void test_killed(void **state)
{
    (void)state;
    leak(0x10000, AT("conn_open net.c:31"));
    mk_born(rig->t, "user", 0x20000, 64, AT("user_new u.c:3"));
    mk_end(rig->t, TRK_END_SIGNAL, 11);
    rig_find(rig, NULL);
    rig_expect(rig, 1); // the frame that owns the first is in use
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    assert_string_equal(f->type, "user");
    assert_int_equal(f->strength, PROF_SUSPECT);
    assert_non_null(strstr(f->reasons, "ended by signal 11"));
    assert_int_equal(f->headline, PROF_HEADLINE_HELD); // alive is not lost
    assert_true(f->broken_off);
    assert_null(strstr(f->sentence, "too high"));
    assert_int_equal(prof_findings_gating(rig->findings), 0);
    assert_string_equal(prof_findings_audit(rig->findings)->why_uncertain, "the program was ended by signal 11");
}

/* Releases that some of its kind saw are not missing where the others had no time for them; where most saw them, they
 * are. */
static void killed_after(size_t freed, size_t alive, bool lost)
{
    for (size_t i = 0; i < freed + alive; i++) {
        uint64_t addr = 0x20000 + i * 0x100;
        mk_born(rig->t, "user", addr, 64, AT("user_new u.c:3"));
        mk_ref(rig->t, addr, 0, AT("lookup u.c:12"));
        mk_unref(rig->t, addr, 0, AT("handle u.c:16"));
        if (i >= freed)
            continue;
        mk_unref(rig->t, addr, 0, AT("user_drop u.c:30"));
        mk_gone(rig->t, addr, AT("user_free u.c:9"));
    }
    mk_end(rig->t, TRK_END_SIGNAL, 11);
    rig_find(rig, NULL);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    assert_int_equal(f->headline, lost ? PROF_HEADLINE_LOST : PROF_HEADLINE_HELD);
    assert_int_equal(f->missing_stack != 0, lost);
    assert_int_equal(f->strength, PROF_SUSPECT);
}

static void test_killed_before_releases(void **state)
{
    (void)state;
    killed_after(3, 30, false);
}

static void test_killed_after_most_releases(void **state)
{
    (void)state;
    killed_after(30, 3, true);
}

static void test_no_end(void **state)
{
    (void)state;
    mk_born(rig->t, "user", 0x20000, 64, AT("user_new u.c:3"));
    mk_end(rig->t, 0, 0);
    rig_find(rig, NULL);
    assert_int_equal(rig_one(rig, PROF_MISSING_UNREF)->strength, PROF_SUSPECT);
    assert_string_equal(prof_findings_audit(rig->findings)->why_uncertain, "the trace has no end");
}

static void test_cut(void **state)
{
    struct prof_heap_options options = { .until_mark = "half", .keep_type_sites = true };
    struct prof_findings *findings;
    const struct prof_finding *list;
    (void)state;
    leak(0x10000, AT("conn_open net.c:31"));
    mk_mark(rig->t, "half", NULL);
    mk_unref(rig->t, 0x10000, LOCAL(1), AT("conn_close net.c:3"));
    mk_gone(rig->t, 0x10000, AT("conn_close net.c:3"));
    struct prof_heap *heap = mk_heap_with(rig->t, &options);
    assert_null(prof_findings_create(heap, rig->symbols, NULL, &findings));
    size_t count = prof_findings_list(findings, &list);
    for (size_t i = 0; i < count; i++)
        assert_false(list[i].gating);
    assert_false(prof_findings_audit(findings)->certain);
    prof_findings_destroy(findings);
}

static void test_born_before(void **state)
{
    // Late attach: only what was taken since, and not given back, says anything.
    (void)state;
    mk_ref(rig->t, 0x10000, 0, AT("get g.c:3"));
    mk_unref(rig->t, 0x10000, 0, AT("put g.c:4"));
    mk_ref(rig->t, 0x20000, 0, AT("get g.c:3"));
    rig_find(rig, NULL);
    assert_int_equal(prof_findings_gating(rig->findings), 0);
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    assert_int_equal(f->strength, PROF_SUSPECT);
    assert_int_equal(f->objects, 1);
    assert_non_null(strstr(f->sentence, "birth not seen"));
    assert_int_equal(prof_findings_audit(rig->findings)->skewed, 2);
}

static void test_miscount(void **state)
{
    (void)state;
    mk_born(rig->t, "conn", 0x10000, 64, AT("conn_open net.c:31"));
    mk_ref_rc(rig->t, 0x10000, 0, 3, AT("get g.c:3")); // one was taken behind our back
    mk_unref_rc(rig->t, 0x10000, 0, 2, AT("put g.c:4"));
    rig_find(rig, NULL);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    assert_int_equal(f->strength, PROF_SUSPECT);
    assert_non_null(strstr(f->reasons, "counts without telling"));
    const struct prof_audit *audit = prof_findings_audit(rig->findings);
    assert_true(audit->counts_wrong > 0);
    assert_false(audit->certain);
}

static void test_window(void **state)
{
    struct prof_findings_options options = { .from_us = 150, .to_us = 250 };
    (void)state;
    for (uint64_t i = 1; i <= 3; i++) {
        mk_time(rig->t, i * 100);
        leak(0x10000 + i * 0x100, AT("conn_open net.c:31"));
    }
    rig_find(rig, &options);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    assert_int_equal(f->objects, 1);
    assert_int_equal(f->first_us, 200);
    rig_find(rig, NULL);
    f = rig_one(rig, PROF_MISSING_UNREF);
    assert_int_equal(f->objects, 3);
    assert_int_equal(f->first_us, 100);
    assert_int_equal(f->last_us, 300);
}

/* ---- Fingerprints ------------------------------------------------------------------------------------------------ */

static void fingerprint_of(uint64_t addr, uint32_t shift, const char *born, char ret[20])
{
    rig_begin(rig);
    fake_shift_lines(rig->symbols, shift);
    leak(addr, AT(born));
    rig_find(rig, NULL);
    memcpy(ret, rig_one(rig, PROF_MISSING_UNREF)->fingerprint, 20);
    rig_end(rig);
}

static void test_fingerprint(void **state)
{
    char one[20], other[20];
    (void)state;
    fingerprint_of(0x10000, 0, "conn_open net.c:31 < serve s.c:3 < main main.c:9", one);
    assert_int_equal(strlen(one), 16);
    assert_int_equal(strspn(one, "0123456789abcdef"), 16);
    // Frozen: changing this value breaks every baseline in the world.
    assert_string_equal(one, "d9168d98c133ac53");
    fingerprint_of(0x777000, 100, "conn_open net.c:35 < serve other.c:3 < main main.c:9", other);
    assert_string_equal(one, other); // lines, files, addresses
    fingerprint_of(0x10000, 0, "obj_ref o.c:1 < conn_open net.c:31 < serve s.c:3 < main main.c:9", other);
    assert_string_equal(one, other); // wrappers
    fingerprint_of(0x10000, 0, "conn_open.part.0 net.c:31 < serve.constprop.1 s.c:3 < main main.c:9", other);
    assert_string_equal(one, other); // what compilers make of functions
    fingerprint_of(0x10000, 0, "conn_open net.c:31 < serve s.c:3 < work main.c:9", other);
    assert_string_not_equal(one, other);
    fingerprint_of(0x10000, 0, "f a.c:1 < g a.c:2 < h a.c:3 < i a.c:4 < j a.c:5", one);
    fingerprint_of(0x10000, 0, "f a.c:1 < g a.c:2 < h a.c:3 < i a.c:4 < k a.c:5", other);
    assert_string_equal(one, other); // four frames
    fingerprint_of(0x10000, 0, "open net.c:3 < +/usr/lib/libfoo.so.1:64 < main main.c:9", one);
    fingerprint_of(0x10000, 9, "open net.c:3 < +/opt/libfoo.so.2:128 < main main.c:9", other);
    assert_string_equal(one, other); // callers in modules without symbols: by name only
    fingerprint_of(0x10000, 0, "+/usr/lib/libfoo.so.1:64 < main main.c:9", one);
    fingerprint_of(0x777000, 0, "+/opt/libfoo.so.2:64 < main main.c:9", other);
    assert_string_equal(one, other);
    fingerprint_of(0x10000, 0, "+/usr/lib/libfoo.so.1:128 < main main.c:9", other);
    assert_string_not_equal(one, other); // sites in them are told apart
    rig_begin(rig);
}

/* ---- Suppressions and baselines ---------------------------------------------------------------------------------- */

static struct prof_suppressions *suppressions(const char *text)
{
    struct prof_suppressions *s;
    assert_null(prof_suppressions_create(&s));
    assert_null(suppress_parse(s, "f.supp", text, strlen(text)));
    return s;
}

/* Born for its caller, as trk_new_from tells it: other tools know the stack of the allocation. */
static void test_suppressed_by_allocation(void **state)
{
    static const struct {
        const char *text;
        bool hits;
    } cases[] = {
        { "leak:conn_new\n", true },
        { "{\nn\nMemcheck:Leak\nfun:calloc\nfun:conn_new\nfun:sess_open\nfun:main\n}\n", true },
        { "{\nn\nMemcheck:Leak\nfun:_ZnwmRKSt9nothrow_t\nfun:conn_new\n...\n}\n", true },
        { "{\nn\nMemcheck:Leak\nfun:calloc\nfun:main\n}\n", false },
        { "{\nn\nMemcheck:Leak\nfun:calloc\nfun:other_new\nfun:sess_open\nfun:main\n}\n", false },
        { "leak:other_new\n", false },
        { "verdict:missing-unref fun:conn_new\n", true },
    };
    (void)state;
    mk_alloc(rig->t, 0x10000, 64, AT("conn_new net.c:20 < sess_open s.c:5 < main main.c:9"));
    mk_new(rig->t, "conn", 0x10000, AT("sess_open s.c:5 < main main.c:9"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct prof_suppressions *s = suppressions(cases[i].text);
        struct prof_findings_options options = { .suppressions = s };
        rig_find(rig, &options);
        if ((rig_one(rig, PROF_MISSING_UNREF)->suppressed_by != NULL) != cases[i].hits)
            fail_msg("%s", cases[i].text);
        prof_suppressions_destroy(s);
    }
}

static void test_suppressed(void **state)
{
    const struct prof_suppression_use *uses;
    (void)state;
    leak(0x10000, AT("conn_open net.c:31 < main main.c:9"));
    leak(0x20000, AT("probe p.c:31 < main main.c:9"));
    mk_alloc(rig->t, 0x30000, 100, AT("buf_new b.c:3"));
    mk_alloc(rig->t, 0x40000, 50, AT("tab_new b.c:3"));
    struct prof_suppressions *s = suppressions("leak:conn_open\nverdict:unfreed fun:buf_new\nleak:never\n");
    struct prof_findings_options options = { .suppressions = s };
    rig_find(rig, &options);
    rig_expect(rig, 2);
    assert_int_equal(prof_findings_gating(rig->findings), 1);
    assert_true(rig->list[0].gating);
    assert_null(rig->list[0].suppressed_by);
    size_t hidden = 0;
    for (size_t i = 0; i < rig->count; i++)
        hidden += rig->list[i].suppressed_by != NULL && strcmp(rig->list[i].suppressed_by, "f.supp:1") == 0;
    assert_int_equal(hidden, 1);
    assert_int_equal(rig_one(rig, PROF_UNFREED)->bytes, 50); // a suppressed place is not in the total
    assert_int_equal(prof_suppressions_used(s, &uses), 3);
    assert_int_equal(uses[0].findings, 1);
    assert_int_equal(uses[1].bytes, 100);
    assert_int_equal(uses[2].findings, 0);
    prof_suppressions_destroy(s);
}

static void test_suppression_for(void **state)
{
    (void)state;
    leak(0x10000, AT("conn_open net.c:31 < main main.c:9"));
    mk_born(rig->t, "user", 0x20000, 64, AT("+/usr/lib/libfoo.so:64"));
    rig_find(rig, NULL);
    rig_expect(rig, 2);
    for (size_t i = 0; i < 2; i++) {
        char *text = prof_suppression_for(rig->findings, &rig->list[i]);
        assert_non_null(text);
        if (strcmp(rig->list[i].type, "conn") == 0)
            assert_non_null(strstr(text, "verdict:missing-unref type:conn fun:conn_open reason:"));
        else
            assert_non_null(strstr(text, "fingerprint:"));
        // What is offered works.
        struct prof_suppressions *s = suppressions(text);
        struct prof_findings_options options = { .suppressions = s };
        struct prof_findings *again;
        assert_null(prof_findings_create(mk_heap(rig->t), rig->symbols, &options, &again));
        assert_int_equal(prof_findings_gating(again), 1);
        prof_findings_destroy(again);
        prof_suppressions_destroy(s);
        free(text);
        rig_find(rig, NULL);
    }
}

static void test_baseline(void **state)
{
    struct prof_baseline *baseline;
    char text[512];
    const struct prof_baseline_gone *gone;
    (void)state;
    for (uint64_t i = 0; i < 3; i++)
        leak(0x10000 + i * 0x100, AT("conn_open net.c:31 < main main.c:9"));
    for (uint64_t i = 0; i < 2; i++)
        leak(0x20000 + i * 0x100, AT("probe p.c:31 < main main.c:9"));
    leak(0x30000, AT("fresh f.c:31 < main main.c:9"));
    rig_find(rig, NULL);
    rig_expect(rig, 3);
    snprintf(
        text, sizeof text,
        "{\"schema\":1,\"findings\":[{\"fingerprint\":\"%s\",\"objects\":3},{\"fingerprint\":\"%s\",\"objects\":1},"
        "{\"fingerprint\":\"00000000000000aa\",\"objects\":9,\"type\":\"old\",\"verdict\":\"cycle\"}]}",
        rig->list[0].fingerprint, rig->list[1].fingerprint);
    assert_int_equal(rig->list[0].objects, 3);
    assert_null(baseline_parse("b.json", text, strlen(text), &baseline));
    struct prof_findings_options options = { .baseline = baseline };
    rig_find(rig, &options);
    assert_int_equal(prof_findings_gating(rig->findings), 2);
    for (size_t i = 0; i < rig->count; i++) {
        const struct prof_finding *f = &rig->list[i];
        if (f->objects == 3) { // known
            assert_string_equal(f->suppressed_by, "baseline");
            assert_int_equal(f->baseline_objects, 3);
        } else if (f->objects == 2) { // grew
            assert_true(f->gating);
            assert_int_equal(f->baseline_objects, 1);
        } else { // new
            assert_true(f->gating);
            assert_int_equal(f->baseline_objects, 0);
        }
    }
    assert_int_equal(prof_findings_gone(rig->findings, &gone), 1);
    assert_string_equal(gone[0].fingerprint, "00000000000000aa");
    assert_string_equal(gone[0].type, "old");
    assert_int_equal(gone[0].objects, 9);
    prof_findings_destroy(rig->findings);
    rig->findings = NULL;
    prof_baseline_destroy(baseline);
}

static void test_names(void **state)
{
    enum prof_verdict verdict;
    (void)state;
    for (unsigned v = 1; v < PROF_VERDICT_COUNT_; v++) {
        assert_true(prof_verdict_parse(prof_verdict_name(v), &verdict));
        assert_int_equal(verdict, v);
    }
    assert_false(prof_verdict_parse("unknown", &verdict));
    assert_false(prof_verdict_parse("", &verdict));
    assert_true(prof_verdict_gates(PROF_CYCLE));
    assert_false(prof_verdict_gates(PROF_UNFREED));
    assert_string_equal(prof_strength_name(PROF_STATISTICAL), "growth");
    assert_string_equal(prof_pairing_name(PROF_PAIR_COUNT), "count");
    assert_string_equal(prof_headline_name(PROF_HEADLINE_HELD), "held");
}

/* ---- Audit and bytes --------------------------------------------------------------------------------------------- */

static void test_coverage(void **state)
{
    (void)state;
    mk_born(rig->t, "conn", 0x10000, 64, AT("conn_open net.c:31"));
    mk_own(rig->t, 0x10000, LOCAL(1), AT("conn_open net.c:32"));
    for (int i = 0; i < 3; i++) {
        mk_ref(rig->t, 0x10000, LOCAL(2 + i), AT("get g.c:3"));
        mk_unref(rig->t, 0x10000, LOCAL(2 + i), AT("put g.c:3"));
        mk_ref_rc(rig->t, 0x10000, 0, 2, AT("get g.c:4"));
        mk_unref_rc(rig->t, 0x10000, 0, 1, AT("put g.c:4"));
    }
    mk_unref(rig->t, 0x10000, LOCAL(1), AT("conn_close net.c:32"));
    mk_gone(rig->t, 0x10000, AT("conn_close net.c:32"));
    rig_find(rig, NULL);
    const struct prof_audit *audit = prof_findings_audit(rig->findings);
    assert_int_equal(audit->refs, 7);
    assert_int_equal(audit->refs_anon, 3);
    assert_true(audit->coverage > 0.57 && audit->coverage < 0.58);
    assert_int_equal(audit->counts_seen, 6);
    assert_int_equal(audit->counts_wrong, 0);
    assert_true(audit->certain);
}

static void test_nothing(void **state)
{
    (void)state;
    rig_find(rig, NULL);
    assert_int_equal(rig->count, 0);
    assert_false(prof_findings_audit(rig->findings)->certain);
    assert_true(prof_findings_audit(rig->findings)->coverage < 0);
    assert_false(prof_findings_bytes(rig->findings)->known);
    assert_null(prof_findings_of(rig->findings, 0));
    assert_null(prof_findings_of(rig->findings, 4000000000u));
}

static int64_t sum(const struct prof_bytes *b)
{
    return b->live + b->slack + b->retained + b->mmap + b->stacks + b->files + b->reftrack + b->unknown;
}

static void test_chunk(void **state)
{
    (void)state;
    assert_int_equal(bytes_usable(0), 24);
    assert_int_equal(bytes_usable(24), 24);
    assert_int_equal(bytes_usable(25), 40);
    assert_int_equal(bytes_usable(1000), 1000);
    assert_int_equal(bytes_usable(1001), 1016);
    assert_int_equal(bytes_chunk(24), 32);
    assert_int_equal(bytes_usable(UINT64_MAX), UINT64_MAX);
}

static void test_bytes(void **state)
{
    struct trk_mem mem = { .at_us = 1000,
                           .rss = 1 << 20,
                           .heap = 600 << 10,
                           .anon = 100 << 10,
                           .stacks = 20 << 10,
                           .files = 200 << 10,
                           .reftrack = 50 << 10 };
    (void)state;
    mk_time(rig->t, 10);
    for (uint64_t i = 0; i < 100; i++)
        mk_alloc(rig->t, 0x100000 + i * 0x1000, 1001, AT("buf_new b.c:3"));
    mk_mmap(rig->t, 0x7000000, 64 << 10, AT("map m.c:3"));
    mk_round(rig->t);
    mk_time(rig->t, 1000);
    mk_mem(rig->t, &mem);
    rig_find(rig, NULL);
    const struct prof_bytes *b = prof_findings_bytes(rig->findings);
    assert_true(b->known);
    assert_int_equal(b->rss, 1 << 20);
    assert_int_equal(b->live, 100100);
    assert_int_equal(b->slack, 100 * (1024 - 1001));
    assert_int_equal(b->mmap, 64 << 10);
    assert_int_equal(b->retained, (700 << 10) - b->live - b->slack - b->mmap);
    assert_int_equal(b->unknown, (1 << 20) - (970 << 10));
    assert_int_equal(b->untouched, 0);
    assert_int_equal(sum(b), b->rss);
    assert_false(b->slopes_known);
}

static void test_bytes_untouched(void **state)
{
    // More was asked for than was ever touched; members the kernel did not tell.
    struct trk_mem mem = { .at_us = 1000,
                           .rss = 1 << 20,
                           .heap = 100 << 10,
                           .anon = UINT64_MAX,
                           .stacks = UINT64_MAX,
                           .files = 200 << 10,
                           .reftrack = 0 };
    (void)state;
    mk_alloc(rig->t, 0x100000, 100 << 20, AT("buf_new b.c:3"));
    mk_time(rig->t, 1000);
    mk_mem(rig->t, &mem);
    rig_find(rig, NULL);
    const struct prof_bytes *b = prof_findings_bytes(rig->findings);
    assert_true(b->known);
    // Without the kernel's word on anonymous memory, blocks may be in all that nothing else explains.
    assert_int_equal(b->live, (1 << 20) - (200 << 10));
    assert_int_equal(b->slack, 0);
    assert_int_equal(b->retained, 0);
    assert_int_equal(b->unknown, 0);
    assert_int_equal(b->untouched, (100 << 20) + (int64_t)(bytes_chunk(100 << 20) - (100 << 20)) - b->live);
    assert_int_equal(sum(b), b->rss);
    assert_true(prof_findings_audit(rig->findings)->certain);
}

static void test_bytes_partly_untouched(void **state)
{
    // 8 MiB of malloc in its own mapping, of which 200 KiB are resident, and a mapping that must not take their place.
    struct trk_mem mem = { .at_us = 1000,
                           .rss = 1 << 20,
                           .heap = 100 << 10,
                           .anon = 200 << 10,
                           .stacks = 20 << 10,
                           .files = 600 << 10,
                           .reftrack = 50 << 10 };
    (void)state;
    mk_alloc(rig->t, 0x100000, 8 << 20, AT("buf_new b.c:3"));
    mk_mmap(rig->t, 0x7000000, 64 << 10, AT("map m.c:3"));
    mk_time(rig->t, 1000);
    mk_mem(rig->t, &mem);
    rig_find(rig, NULL);
    const struct prof_bytes *b = prof_findings_bytes(rig->findings);
    assert_int_equal(b->live, 300 << 10);
    assert_int_equal(b->slack + b->retained + b->mmap, 0);
    assert_int_equal(b->unknown, (1 << 20) - (970 << 10));
    assert_int_equal(b->untouched, (int64_t)bytes_chunk(8 << 20) - (300 << 10));
    assert_int_equal(sum(b), b->rss);
    assert_true(prof_findings_audit(rig->findings)->bytes_unknown_share < 0.06);
}

static void test_slopes(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 20; i++) {
        uint64_t at = i * 1000000;
        // 10 KiB per second after a start that jumps.
        struct trk_mem mem = { .at_us = at, .rss = (i < 2 ? 0 : 1 << 20) + i * 10240, .heap = 1 << 20, .anon = 0 };
        mk_time(rig->t, at);
        mk_alloc(rig->t, 0x100000 + i * 0x10000, 1000, AT("buf_new b.c:3"));
        mk_round(rig->t);
        mk_mem(rig->t, &mem);
    }
    rig_find(rig, NULL);
    const struct prof_bytes *b = prof_findings_bytes(rig->findings);
    assert_true(b->slopes_known);
    assert_true(b->rss_per_h > 36.86e6 && b->rss_per_h < 36.87e6);
    assert_true(b->live_per_h > 3.5e6 && b->live_per_h < 3.7e6);
    double parts = b->live_per_h + b->slack_per_h + b->retained_per_h + b->mmap_per_h + b->stacks_per_h +
                   b->files_per_h + b->reftrack_per_h + b->unknown_per_h;
    assert_true(parts - b->rss_per_h < 10 && b->rss_per_h - parts < 10);

    struct bytes_point flat[] = { { 5, 3.0 }, { 5, 9.0 } };
    assert_true(bytes_slope(flat, 2) == 0); // no time between them
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin, end)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lost_events),
        TEST(lost_too_many),
        TEST(killed),
        TEST(killed_before_releases),
        TEST(killed_after_most_releases),
        TEST(no_end),
        TEST(cut),
        TEST(born_before),
        TEST(miscount),
        TEST(window),
        TEST(suppressed),
        TEST(suppressed_by_allocation),
        TEST(suppression_for),
        TEST(baseline),
        TEST(names),
        TEST(coverage),
        TEST(nothing),
        TEST(chunk),
        TEST(bytes),
        TEST(bytes_untouched),
        TEST(bytes_partly_untouched),
        TEST(slopes),
        cmocka_unit_test_teardown(test_fingerprint, end),
    };
    return cmocka_run_group_tests_name("contract", tests, NULL, NULL);
}
