/* test_again.c: two checkpoints: pointers that stand for references, and stood there before or did not. */
#include "image.h"

static struct rig rig_, *const rig = &rig_;
static struct image image;
static uint64_t now_us;

enum { A = 0x100000, B = 0x100100, C = 0x100200 };
static const struct prof_layout_span spans[] = { { 8, 16, PROF_WORD_POINTER, "node" },
                                                 { 16, 24, PROF_WORD_MAYBE, "" } };
static const struct prof_layout node = { .type = "node", .size = 64, .spans = spans, .span_count = 2 };

static void later(uint64_t us)
{
    mk_time(rig->t, now_us += us);
}

static int begin(void **state)
{
    (void)state;
    now_us = 1000;
    rig_begin(rig);
    memset(&image, 0, sizeof image);
    fake_field(rig->symbols, "node", 8, "next");
    fake_field(rig->symbols, "node", 16, "extra");
    fake_birth(rig->symbols, "node_new", '=', &node);
    return 0;
}

static int end(void **state)
{
    (void)state;
    rig_end(rig);
    return 0;
}

/* Each holds the other, in the field at this offset, and nobody tells where. */
static void ring(uint64_t offset)
{
    later(0);
    mk_born(rig->t, "node", A, 64, AT("node_new n.c:3 < main m.c:5"));
    mk_born(rig->t, "node", B, 64, AT("node_new n.c:3 < main m.c:6"));
    image_poke(&image, A + offset, B);
    mk_ref(rig->t, A, 0, AT("link n.c:9 < main m.c:7"));
    image_poke(&image, B + offset, A);
    mk_unref(rig->t, A, 0, AT("main m.c:9"));
    later(1000000);
}

static struct prof_memory *look(void)
{
    return image_begin(&image, rig->t, TRK_RUNG_STOPPED);
}

static void looked(void)
{
    mk_memory_end(rig->t);
    later(1500000);
}

static const struct prof_finding *find(void)
{
    image_exit(&image, rig->t);
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    return rig_one(rig, PROF_CYCLE);
}

static const char guess[] = "pointers in memory stand for references without a slot";
static const char seen[] = "2 objects hold each other: 2 references counted, 2 of them from inside; the same pointers "
                           "stood there at a checkpoint 1.5 s before";

/* What is said of a ring, with pointers at this offset, that a checkpoint before its end saw, too. */
static const struct prof_finding *seen_twice(uint64_t offset)
{
    ring(offset);
    (void)look();
    looked();
    return find();
}

static void test_same(void **state)
{
    (void)state;
    const struct prof_finding *f = seen_twice(8);
    assert_int_equal(f->strength, PROF_PROVEN);
    assert_null(f->reasons);
    assert_string_equal(f->sentence, seen);
    assert_true(f->edges[0].adopted && f->edges[1].adopted);
}

/* A union or a void pointer may be something else. */
static void test_same_untyped(void **state)
{
    (void)state;
    const struct prof_finding *f = seen_twice(16);
    assert_int_equal(f->strength, PROF_PROBABLE);
    assert_string_equal(f->reasons,
                        "pointers in memory stand for references without a slot, not all in fields that are "
                        "known to be pointers");
    assert_string_equal(f->sentence, seen);
}

static void test_one(void **state)
{
    (void)state;
    ring(8);
    const struct prof_finding *f = find();
    assert_int_equal(f->strength, PROF_PROBABLE);
    assert_string_equal(f->reasons, guess);
    assert_null(strstr(f->sentence, "before"));
}

/* Only the last two are compared. */
static void test_last_two(void **state)
{
    (void)state;
    ring(8);
    image_poke(&image, B + 8, 0);
    (void)look();
    looked();
    image_poke(&image, B + 8, A);
    (void)look();
    looked();
    assert_int_equal(find()->strength, PROF_PROVEN);
}

/* Nobody told anything of the objects, and yet a pointer is new: somebody reached them. */
static void test_other(void **state)
{
    (void)state;
    ring(8);
    image_poke(&image, B + 8, 0);
    (void)look();
    looked();
    image_poke(&image, B + 8, A);
    const struct prof_finding *f = find();
    assert_int_equal(f->strength, PROF_SUSPECT);
    assert_string_equal(f->reasons,
                        "a pointer that stands for a reference did not stand there at the checkpoint before, "
                        "and nothing was told");
}

/* Another value is no agreement either. */
static void test_moved_on(void **state)
{
    (void)state;
    ring(8);
    image_poke(&image, B + 8, A + 24);
    (void)look();
    looked();
    image_poke(&image, B + 8, A);
    assert_int_equal(find()->strength, PROF_SUSPECT);
}

/* What was not read then contradicts nothing. */
static void incomplete(bool cut, uint64_t unread, enum trk_memory_rung rung)
{
    ring(8);
    image_poke(&image, B + 8, 0);
    struct prof_memory *memory = look();
    memory->cut = cut;
    memory->unread_bytes = unread;
    memory->rung = rung;
    looked();
    image_poke(&image, B + 8, A);
    const struct prof_finding *f = find();
    assert_int_equal(f->strength, PROF_PROBABLE);
    assert_string_equal(f->reasons, guess);
}

static void test_cut_before(void **state)
{
    (void)state;
    incomplete(true, 0, TRK_RUNG_STOPPED);
}

static void test_unread_before(void **state)
{
    (void)state;
    incomplete(false, 4096, TRK_RUNG_STOPPED);
}

static void test_running_before(void **state)
{
    (void)state;
    incomplete(false, 0, TRK_RUNG_CONFIRMED);
}

/* Somebody did something with a member in between: what stood there before says nothing. */
static void test_touched(void **state)
{
    (void)state;
    ring(8);
    (void)look();
    looked();
    mk_ref(rig->t, A, 0, AT("use u.c:3 < main m.c:8"));
    mk_unref(rig->t, A, 0, AT("use u.c:4 < main m.c:8"));
    later(1000);
    const struct prof_finding *f = find();
    assert_int_equal(f->strength, PROF_PROBABLE);
    assert_string_equal(f->reasons, guess);
}

/* The same pointers, of objects that lived there before them. */
static void test_others_lived_there(void **state)
{
    (void)state;
    ring(8);
    (void)look();
    looked();
    mk_unref(rig->t, A, 0, AT("main m.c:11"));
    mk_del(rig->t, A, AT("main m.c:11"));
    mk_free(rig->t, A, AT("main m.c:11"));
    mk_born(rig->t, "node", A, 64, AT("node_new n.c:3 < main m.c:12"));
    mk_ref(rig->t, A, 0, AT("link n.c:9 < main m.c:13"));
    mk_unref(rig->t, A, 0, AT("main m.c:14"));
    later(1000);
    const struct prof_finding *f = find();
    assert_int_equal(f->strength, PROF_PROBABLE);
    assert_string_equal(f->reasons, guess);
}

/* A root that reaches it ends the verdict, whatever stood there twice. */
static void veto(bool counts)
{
    ring(8);
    image_poke(&image, MK_APP_DATA + 8, B);
    (void)look();
    looked();
    look();
    if (counts) {
        mk_memory_count(rig->t, A, 1);
        mk_memory_count(rig->t, B, 1);
    }
    mk_memory_end(rig->t);
    mk_exit(rig->t, 0);
    rig_find(rig, NULL);
    for (size_t i = 0; i < rig->count; i++)
        assert_int_not_equal(rig->list[i].verdict, PROF_CYCLE);
    assert_int_equal(prof_findings_gating(rig->findings), 0);
}

static void test_veto(void **state)
{
    (void)state;
    veto(false);
}

static void test_veto_with_counts(void **state)
{
    (void)state;
    veto(true);
}

/* The members say themselves that something else counts. */
static void test_counts_differ(void **state)
{
    (void)state;
    ring(8);
    mk_ref(rig->t, A, 0, AT("use u.c:3 < main m.c:8"));
    later(1000);
    (void)look();
    looked();
    look();
    mk_memory_count(rig->t, A, 1); /* it was told and never counted */
    mk_memory_count(rig->t, B, 1);
    mk_memory_end(rig->t);
    mk_exit(rig->t, 0);
    rig_find(rig, NULL);
    const struct prof_finding *f = rig_one(rig, PROF_CYCLE);
    assert_int_equal(f->strength, PROF_SUSPECT);
    assert_non_null(strstr(f->reasons, "its own count does not fit the events"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_same),
        TEST(test_same_untyped),
        TEST(test_one),
        TEST(test_last_two),
        TEST(test_other),
        TEST(test_moved_on),
        TEST(test_cut_before),
        TEST(test_unread_before),
        TEST(test_running_before),
        TEST(test_touched),
        TEST(test_others_lived_there),
        TEST(test_veto),
        TEST(test_veto_with_counts),
        TEST(test_counts_differ),
    };
    return cmocka_run_group_tests_name("again", tests, NULL, NULL);
}
