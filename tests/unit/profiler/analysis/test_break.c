/* test_break.c: which reference of a cycle should not count, what each would free, and what endangers taking it apart.
 */
#include "image.h"

#include <track/track.h>

static struct rig rig_, *const rig = &rig_;
static struct image image;

enum { A = 0x100000, B = 0x100100, C = 0x100200, D = 0x100300, BLOCK = 0x110000, BLOCK2 = 0x110100 };
#define GLOBAL MK_APP_DATA

static int begin(void **state)
{
    (void)state;
    rig_begin(rig);
    memset(&image, 0, sizeof image);
    fake_field(rig->symbols, "conn", 8, "peer");
    fake_field(rig->symbols, "conn", 16, "next");
    fake_field(rig->symbols, "conn", 24, "name");
    fake_field(rig->symbols, "table", 8, "buckets");
    fake_field(rig->symbols, "table", 16, "owner");
    fake_field(rig->symbols, "file", 8, "log");
    fake_field(rig->symbols, "log", 8, "files");
    fake_global(rig->symbols, GLOBAL, 8, "g_last");
    return 0;
}

static int end(void **state)
{
    (void)state;
    rig_end(rig);
    return 0;
}

static void born(const char *type, uint64_t addr, uint64_t size)
{
    mk_born(rig->t, type, addr, size, AT("make m.c:3 < main m.c:5"));
}

/* The birth reference of `to` is owned by a slot. */
static void own(uint64_t to, uint64_t slot)
{
    mk_own(rig->t, to, slot, AT("main m.c:6"));
}

/* A file owns its log, which refers back to it. */
static void file_and_log(uint64_t file, uint64_t log)
{
    born("file", file, 64);
    born("log", log, 32);
    own(log, file + 8);
    mk_ref(rig->t, file, log + 8, AT("main m.c:9"));
}

/* The program ends: the only finding of that verdict. */
static const struct prof_finding *found(enum prof_verdict verdict)
{
    mk_exit(rig->t, 0);
    rig_find(rig, NULL);
    return rig_one(rig, verdict);
}

static const struct prof_finding_edge *edge_called(const struct prof_finding *f, const char *field)
{
    for (size_t i = 0; i < f->edge_count; i++) {
        if (strcmp(f->edges[i].field, field) == 0)
            return &f->edges[i];
    }
    fail_msg("no edge %s", field);
    return NULL;
}

static void assert_frees(const struct prof_finding *f, const char *field, uint64_t objects, uint64_t bytes)
{
    const struct prof_finding_edge *edge = edge_called(f, field);
    assert_true(edge->tried);
    assert_int_equal(edge->frees_objects, objects);
    assert_int_equal(edge->frees_bytes, bytes);
}

/* conn#1.peer > conn#2.next > conn#1, and conn#2 is also in a cycle with conn#3 of the same fields. Breaking `next`
 * everywhere frees all; breaking `peer` does, too: the name and youth decide. What hangs on them goes, too. */
static void test_frees(void **state)
{
    (void)state;
    born("conn", A, 64);
    born("conn", B, 64);
    own(B, A + 8);
    mk_time(rig->t, 100);
    mk_ref(rig->t, A, B + 16, AT("main m.c:9"));
    mk_unref(rig->t, A, 0, AT("main m.c:10"));
    born("text", C, 40);
    own(C, B + 24);
    const struct prof_finding *f = found(PROF_CYCLE);
    assert_frees(f, "peer", 3, 168);
    assert_frees(f, "next", 3, 168);
    assert_string_equal(f->edges[f->break_edge].field, "next");
    assert_int_equal(f->closing_edge, f->break_edge);
    assert_int_equal(f->break_reason_count, 2);
    assert_string_equal(f->break_reasons[0], "it frees all 2 objects and 1 more");
    assert_string_equal(f->break_reasons[1], "it was taken last and closed the cycle");
    assert_int_equal(f->end_count, 3);
    assert_int_equal(f->ends[0], f->edges[f->break_edge].to);
    assert_int_equal(f->retained_objects, 3);
    assert_int_equal(f->retained_bytes, 168);
}

/* Two ways lead back from the log to the file: only the way forth, which both share, frees something. */
static void test_only_one_frees(void **state)
{
    (void)state;
    file_and_log(A, B);
    mk_ref(rig->t, A, B + 24, AT("main m.c:10"));
    mk_unref(rig->t, A, 0, AT("main m.c:11"));
    const struct prof_finding *f = found(PROF_CYCLE);
    assert_int_equal(f->edge_count, 2);
    assert_frees(f, "log", 2, 96);
    assert_frees(f, "+24", 0, 0);
    assert_string_equal(f->edges[f->break_edge].field, "log");
    assert_string_equal(f->break_reasons[0], "it frees all 2 objects");
}

/* One row for a thousand, and what making the field weak frees in all of them. */
static void test_thousand(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t a = 0x200000 + i * 0x100, b = a + 0x80;
        file_and_log(a, b);
        mk_unref(rig->t, a, 0, AT("main m.c:10"));
    }
    mk_exit(rig->t, 0);
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_CYCLE);
    assert_int_equal(f->objects, 2000);
    assert_frees(f, "files", 2000, 96000);
    assert_frees(f, "log", 2000, 96000);
    assert_int_equal(f->end_count, 8);
}

/* A cycle with a reference too many: giving that back alone frees nothing, weak fields free all once it is. */
static void test_held(void **state)
{
    (void)state;
    file_and_log(A, B);
    mk_ref(rig->t, B, 0, AT("main m.c:10"));
    mk_unref(rig->t, A, 0, AT("main m.c:11"));
    const struct prof_finding *f = found(PROF_CYCLE_HELD);
    assert_int_equal(f->release_objects, 0);
    assert_frees(f, "files", 2, 96);
    assert_frees(f, "log", 2, 96);
    rig_at(rig, f->open[0].stack, "main:10");
}

/* The way through plain blocks is one field; their bytes are freed with the objects, in a ring of blocks, too. */
static void test_blocks(void **state)
{
    (void)state;
    born("table", A, 64);
    born("conn", B, 64);
    mk_alloc(rig->t, BLOCK, 48, AT("grow m.c:20"));
    mk_alloc(rig->t, BLOCK2, 48, AT("grow m.c:21"));
    image_poke(&image, A + 8, BLOCK);
    image_poke(&image, BLOCK, BLOCK2);
    image_poke(&image, BLOCK2, BLOCK);
    image_poke(&image, BLOCK2 + 8, B);
    image_poke(&image, B + 8, A);
    own(B, BLOCK2 + 8);
    mk_ref(rig->t, A, B + 8, AT("main m.c:9"));
    mk_unref(rig->t, A, 0, AT("main m.c:11"));
    image_exit(&image, rig->t);
    rig_find(rig, NULL);
    const struct prof_finding *f = rig_one(rig, PROF_CYCLE);
    assert_int_equal(f->edge_count, 2);
    assert_frees(f, "buckets[]", 2, 224);
    assert_frees(f, "peer", 2, 224);
    assert_int_equal(f->retained_bytes, 224);
    assert_int_equal(f->strength, PROF_PROVEN);
}

/* What two keep alive belongs to neither. */
static void test_retained(void **state)
{
    (void)state;
    born("conn", A, 64);
    born("conn", B, 32);
    born("text", C, 40);
    born("text", D, 8);
    own(C, A + 8);
    mk_ref(rig->t, C, B + 8, AT("main m.c:9"));
    own(D, A + 16);
    const struct prof_finding *f = found(PROF_MISSING_UNREF);
    assert_int_equal(f->objects, 2);
    assert_int_equal(f->retained_objects, 3);
    assert_int_equal(f->retained_bytes, 64 + 32 + 8);
}

/* Both destructors need the other: no order is right. */
static void test_uncollectable(void **state)
{
    (void)state;
    static const struct trk_type_def ordered = { .object_size = 64,
                                                 .count_offset = UINT32_MAX,
                                                 .flags = TRK_TYPE_ORDERED_FINALIZER };
    mk_type_full(rig->t, "file", &ordered);
    file_and_log(A, B);
    mk_unref(rig->t, A, 0, AT("main m.c:11"));
    const struct prof_finding *f = found(PROF_UNCOLLECTABLE);
    assert_int_equal(f->objects, 2);
    assert_true(f->gating);
    assert_int_equal(f->need_count, 1);
    assert_string_equal(f->needs[0].field, "log");
    assert_string_equal(f->edges[f->break_edge].field, "files"); // what no destructor needs
}

/* Wherever the ticks of the clock fall between five events, the first of which happens in the first tick, and whether
 * the reference that closes the cycle is told with its slot or gets it later: it is known to be the last. */
static void closes_last(unsigned ticks, bool later)
{
    const struct prof_finding *f;
    uint64_t now = 0;
    int at = 0;

#define NEXT() mk_time(rig->t, now += (ticks >> at++) & 1)
    mk_time(rig->t, now);
    born("file", A, 64);
    NEXT();
    born("log", B, 32);
    NEXT();
    own(B, A + 8);
    NEXT();
    mk_ref(rig->t, A, later ? 0 : B + 8, AT("main m.c:9"));
    NEXT();
    if (later)
        own(A, B + 8);
    mk_unref(rig->t, A, 0, AT("main m.c:11"));
#undef NEXT
    f = found(PROF_CYCLE);
    assert_int_equal(f->edge_count, 2);
    assert_true(f->edges[0].timed && f->edges[1].timed);
    assert_ptr_equal(&f->edges[f->closing_edge], edge_called(f, "files"));
    assert_int_equal(f->break_edge, f->closing_edge);
}

static void test_order(void **state)
{
    for (unsigned ticks = 0; ticks < 16; ticks++) {
        for (int later = 0; later < 2; later++) {
            closes_last(ticks, later);
            end(state);
            begin(state);
        }
    }
}

/* A pointer from a global that owns nothing, and one from inside: only the first will dangle. */
static void test_hazard(void **state)
{
    (void)state;
    file_and_log(A, B);
    mk_weak_set(rig->t, A, GLOBAL, AT("watch m.c:30"));
    mk_weak_set(rig->t, A, B + 24, AT("watch m.c:31"));
    mk_unref(rig->t, A, 0, AT("main m.c:11"));
    const struct prof_finding *f = found(PROF_CYCLE);
    assert_int_equal(f->hazards_all, 1);
    assert_int_equal(f->hazard_count, 1);
    assert_string_equal(f->hazards[0].text, "global g_last");
    rig_at(rig, f->hazards[0].stack, "watch:30");
}

/* A weak pointer in memory that leads to a cycle does not make it held. */
static void test_weak_root(void **state)
{
    (void)state;
    file_and_log(A, B);
    mk_weak_set(rig->t, A, GLOBAL, AT("watch m.c:30"));
    mk_unref(rig->t, A, 0, AT("main m.c:11"));
    image_poke(&image, A + 8, B);
    image_poke(&image, B + 8, A);
    image_poke(&image, GLOBAL, A);
    image_exit(&image, rig->t);
    rig_find(rig, NULL);
    const struct prof_finding *f = rig_one(rig, PROF_CYCLE);
    assert_int_equal(f->strength, PROF_PROVEN);
    assert_int_equal(f->hazards_all, 1);
}

/* What holds a cycle from in front of it: giving that back frees it alone, and only breaking the cycle the rest. */
static void test_held_behind(void **state)
{
    (void)state;
    born("conn", A, 64);
    born("file", B, 32);
    born("log", C, 16);
    own(B, A + 8);
    own(C, B + 8);
    mk_ref(rig->t, B, C + 8, AT("main m.c:9"));
    mk_exit(rig->t, 0);
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    assert_int_equal(f->held_cycles, 1);
    assert_int_equal(f->edge_count, 2);
    assert_int_equal(f->release_objects, 1);
    assert_int_equal(f->release_bytes, 64);
    assert_frees(f, "files", 3, 112);
}

/* Two variables own it, and one release too many was told without naming either. */
static void test_underflow(void **state)
{
    (void)state;
    const struct prof_underflow *list;
    uint64_t all;
    born("conn", A, 64);
    own(A, GLOBAL);
    mk_ref(rig->t, A, GLOBAL + 8, AT("main m.c:9"));
    born("conn", B, 64);
    own(B, GLOBAL + 16);
    mk_unref(rig->t, A, 0, AT("main m.c:11"));
    mk_exit(rig->t, 0);
    rig_find(rig, NULL);
    assert_int_equal(prof_findings_underflows(rig->findings, &list, &all), 1);
    assert_int_equal(all, 1);
    assert_int_equal(list[0].obj, 1);
    assert_int_equal(list[0].count, 1);
    assert_int_equal(list[0].known, 2);
    assert_false(list[0].observed);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_frees),     TEST(test_only_one_frees), TEST(test_thousand),      TEST(test_held),
        TEST(test_blocks),    TEST(test_retained),       TEST(test_uncollectable), TEST(test_hazard),
        TEST(test_underflow), TEST(test_weak_root),      TEST(test_held_behind),   TEST(test_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
