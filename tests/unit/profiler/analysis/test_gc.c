/* test_gc.c: what the driver finds and when: the questions of CPython's Lib/test/test_gc.py, asked of a recorded heap.
 * Figures in comments are what CPython says. */
#include "gc_rig.h"

/* ---- What is found ---- */

/* l = []; l.append(l); del l */
static void g1_self_loop(void **state)
{
    (void)state;
    born(0);
    link_birth(0, 0, 0);
    assert_int_equal(collect(2), 1);
    assert_int_equal(generation(0), PROF_GC_GARBAGE);
}

/* A list and a tuple that hold each other, the tuple through a holder. */
static void g2_two_object_loop(void **state)
{
    (void)state;
    born(0);
    born(1);
    ref(1, HOLDER(OBJ(0)));
    assert_int_equal(collect(2), 0); // its birth is nobody's yet
    unref(1, 0);
    link_birth(1, 0, 0);
    assert_int_equal(collect(2), 2);
}

/* A container that holds itself twice. */
static void g3_value_slot(void **state)
{
    (void)state;
    born(0);
    ref(0, FIELD(0, 0));
    ref(0, FIELD(0, 1));
    assert_int_equal(collect(2), 0);
    unref(0, 0);
    assert_int_equal(collect(2), 1);
}

/* Counters as CPython keeps them. */
static void g9_get_count(void **state)
{
    (void)state;
    collect(2);
    assert_count(0, 0, 0);
    born(0);
    assert_count(1, 0, 0);
    released(0, 0);
    assert_count(0, 0, 0);
    born(1);
    collect(0);
    assert_count(0, 1, 0);
    released(1, 0);
    assert_count(0, 1, 0); // never below 0
}

static void g10_collect_generations(void **state)
{
    (void)state;
    collect(2);
    born(0);
    collect(0);
    assert_count(0, 1, 0);
    assert_int_equal(generation(0), 1);
    collect(1);
    assert_count(0, 0, 1);
    assert_int_equal(generation(0), 2);
    collect(2);
    assert_count(0, 0, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, gr_begin, gr_end)
    const struct CMUnitTest tests[] = {
        TEST(g1_self_loop), TEST(g2_two_object_loop),      TEST(g3_value_slot),
        TEST(g9_get_count), TEST(g10_collect_generations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
