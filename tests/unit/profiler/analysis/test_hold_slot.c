/* test_hold_slot.c: variables that memory contradicts own nothing, in what leaks and in what lives. */
#include "hold_rig.h"

/* ---- Slots of what leaks ----------------------------------------------------------------------------------------- */

/* A pointer that was copied away took its reference along: the slot tells nothing any more. */
static void test_stale_slot(void **state)
{
    (void)state;
    slot_cycle();
    image_poke(&image, B + 8, 0);
    image_poke(&image, GLOBAL, A);
    find();
    rig_expect(rig, 0);
    assert_int_equal(rig_one(rig, PROF_REACHABLE)->objects, 1);
    assert_int_equal(prof_findings_audit(rig->findings)->slots_stale, 1);
}

static void test_stale_slot_nowhere(void **state)
{
    (void)state;
    slot_cycle();
    image_poke(&image, B + 8, 0);
    find();
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    assert_string_equal(f->type, "parent");
    assert_int_equal(f->collateral_objects, 1);
    assert_string_equal(f->open[0].holder_text, "child.parent, which points elsewhere by now");
    says(f, "no pointer to it exists anywhere");
}

/* A slot that points elsewhere leads nowhere: what hangs on it alone is not reached by the pointers in it either. */
static void test_stale_slot_reaches_nothing(void **state)
{
    (void)state;
    born("parent", A, "parent_new p.c:3 < main m.c:5");
    image_poke(&image, GLOBAL, A);
    born("child", B, "child_new p.c:9 < main m.c:6");
    mk_own(rig->t, B, A + 8, AT("main m.c:7"));
    image_poke(&image, B + 16, B); // moved there without telling
    find();
    rig_expect(rig, 1);
    assert_int_equal(rig_one(rig, PROF_CYCLE)->objects, 1);
}

/* ---- Slots of what lives ----------------------------------------------------------------------------------------- */

enum { SECOND = 0x120000 };

/* A parent in a global, its child, and, when there are siblings, another such pair. */
static void living_holder(bool siblings)
{
    born("parent", A, "parent_new p.c:3 < main m.c:5");
    mk_own(rig->t, A, GLOBAL, AT("main m.c:6"));
    image_poke(&image, GLOBAL, A);
    born("child", B, "child_new p.c:9 < main m.c:6");
    mk_own(rig->t, B, A + 8, AT("main m.c:7"));
    if (!siblings)
        return;
    born("parent", SECOND, "parent_new p.c:3 < main m.c:5");
    mk_own(rig->t, SECOND, GLOBAL + 8, AT("main m.c:6"));
    image_poke(&image, GLOBAL + 8, SECOND);
    born("child", SECOND + 0x100, "child_new p.c:9 < main m.c:6");
    mk_own(rig->t, SECOND + 0x100, SECOND + 8, AT("main m.c:7"));
    image_poke(&image, SECOND + 8, SECOND + 0x100);
}

/* parent->child = NULL, and no release. */
static void test_cleared_slot(void **state)
{
    (void)state;
    living_holder(true);
    find();
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    assert_string_equal(f->type, "child");
    assert_int_equal(f->objects, 1);
    assert_int_equal(f->strength, PROF_PROVEN);
    assert_string_equal(f->open[0].holder_text, "parent.child, which points elsewhere by now");
    says(f, "no pointer to it exists anywhere");
    assert_int_equal(prof_findings_audit(rig->findings)->slots_stale, 1);
}

/* None at this place is a pointer to what it owns: perhaps it is not meant to be one. */
static void test_cleared_slot_alone(void **state)
{
    (void)state;
    living_holder(false);
    find();
    rig_expect(rig, 1);
    assert_int_equal(rig_one(rig, PROF_MISSING_UNREF)->strength, PROF_PROBABLE);
}

/* And a pointer that stands elsewhere shows that the object is used: the slot is believed. */
static void test_slot_of_another_kind(void **state)
{
    (void)state;
    living_holder(false);
    mk_ref(rig->t, B, A + 16, AT("main m.c:8")); // this one is a pointer
    image_poke(&image, A + 16, B);
    image_poke(&image, GLOBAL + 8, B); // borrowed
    find();
    rig_expect(rig, 0);
    assert_int_equal(prof_findings_audit(rig->findings)->slots_stale, 0);
}

/* The reference went where a pointer stands. */
static void test_living_slot_moved(void **state)
{
    (void)state;
    living_holder(true);
    image_poke(&image, SECOND + 16, B);
    find();
    rig_expect(rig, 0);
    const struct prof_finding *f = rig_one(rig, PROF_REACHABLE);
    assert_int_equal(f->objects + f->collateral_objects, 4);
    assert_int_equal(prof_findings_audit(rig->findings)->slots_stale, 1);
}

/* A cycle that only a stale slot of something alive led to. */
static void test_cycle_behind_stale_slot(void **state)
{
    (void)state;
    living_holder(true);
    born("node", C, "node_new n.c:3 < main m.c:9");
    born("node", D, "node_new n.c:3 < main m.c:9");
    mk_own(rig->t, C, D + 8, AT("main m.c:10"));
    mk_own(rig->t, D, C + 8, AT("main m.c:10"));
    image_poke(&image, C + 8, D);
    image_poke(&image, D + 8, C);
    mk_ref(rig->t, C, B + 16, AT("main m.c:11"));
    image_poke(&image, B + 16, C);
    find();
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    assert_int_equal(f->collateral_objects, 2);
    assert_int_equal(f->held_cycles, 1);
}

/* g_table = NULL, and no release. */
static void test_cleared_global(void **state)
{
    (void)state;
    living_holder(true);
    image_poke(&image, GLOBAL, 0);
    image_poke(&image, A + 8, B);
    find();
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    assert_string_equal(f->type, "parent");
    assert_int_equal(f->strength, PROF_PROVEN);
    assert_int_equal(f->collateral_objects, 1);
}

/* A thread that was stopped may have told of a reference and not written its variable yet. */
static void find_in_the_middle(uint64_t later_us, size_t expect)
{
    living_holder(true);
    mk_time(rig->t, later_us);
    image_begin(&image, rig->t, TRK_RUNG_STOPPED);
    mk_memory_end(rig->t);
    mk_exit(rig->t, 0);
    rig_find(rig, NULL);
    rig_expect(rig, expect);
}

static void test_being_written(void **state)
{
    (void)state;
    find_in_the_middle(40000, 0);
}

static void test_written_long_ago(void **state)
{
    (void)state;
    find_in_the_middle(400000, 1);
}

/* What memory said before variables were moved together (a sorted array), it does not say of them now. */
static void test_moved_since(void **state)
{
    (void)state;
    fake_global(rig->symbols, GLOBAL + 16, 8, "g_moved");
    living_holder(true);
    image_poke(&image, A + 8, B);
    image_begin(&image, rig->t, TRK_RUNG_STOPPED)->why = TRK_LOOK_EXIT;
    mk_memory_end(rig->t);
    mk_time(rig->t, 1000000);
    mk_move_range(rig->t, GLOBAL + 16, GLOBAL, 8, AT("main m.c:20"));
    mk_exit(rig->t, 0);
    rig_find(rig, NULL);
    rig_expect(rig, 0);
    assert_int_equal(prof_findings_audit(rig->findings)->slots_stale, 0);
}

/* Two references in one variable: the older one moved on in silence. Nobody has it, or a pointer does. */
static void find_doubled(bool pointer, size_t expect)
{
    living_holder(true);
    image_poke(&image, A + 8, B);
    born("child", C, "child_new p.c:9 < main m.c:6");
    mk_own(rig->t, C, B + 8, AT("main m.c:7"));
    mk_ref(rig->t, C, B + 8, AT("main m.c:8"));
    mk_unref(rig->t, B, A + 8, AT("main m.c:12"));
    mk_ref(rig->t, B, C + 8, AT("main m.c:13")); // never zero: it was taken before
    image_poke(&image, A + 8, 0);
    image_poke(&image, B + 8, C);
    image_poke(&image, C + 8, B);
    if (pointer)
        image_poke(&image, SECOND + 16, C);
    find();
    rig_expect(rig, expect);
}

static void test_doubled(void **state)
{
    (void)state;
    find_doubled(false, 1);
    const struct prof_finding *f = rig_one(rig, PROF_CYCLE_HELD);
    assert_string_equal(f->open[0].holder_text, "a slot that owns a later reference to it by now");
}

static void test_doubled_elsewhere(void **state)
{
    (void)state;
    find_doubled(true, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_stale_slot),
        TEST(test_stale_slot_nowhere),
        TEST(test_stale_slot_reaches_nothing),
        TEST(test_cleared_slot),
        TEST(test_cleared_slot_alone),
        TEST(test_slot_of_another_kind),
        TEST(test_living_slot_moved),
        TEST(test_cycle_behind_stale_slot),
        TEST(test_cleared_global),
        TEST(test_being_written),
        TEST(test_moved_since),
        TEST(test_written_long_ago),
        TEST(test_doubled),
        TEST(test_doubled_elsewhere),
    };
    return cmocka_run_group_tests_name("slots in memory", tests, NULL, NULL);
}
