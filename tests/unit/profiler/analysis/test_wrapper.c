/* test_wrapper.c: which functions look like wrappers that nobody declared. */
#include "rig.h"

#include <prof/wrapper.h>

static struct rig rig_, *const rig = &rig_;
static struct prof_wrappers *wrappers;
static const struct prof_wrapper *list;
static size_t count;

static int begin(void **state)
{
    (void)state;
    rig_begin(rig);
    return 0;
}

static int end(void **state)
{
    (void)state;
    prof_wrappers_destroy(wrappers);
    wrappers = NULL;
    rig_end(rig);
    return 0;
}

static void find(void)
{
    struct prof_error *error = prof_wrappers_create(mk_heap(rig->t), rig->symbols, &wrappers);
    if (error != NULL)
        fail_msg("%s", error->message);
    count = prof_wrappers_list(wrappers, &list);
}

static uint64_t next_addr = 0x100000;

/* One object whose reference is taken and given back at these places. */
static void life(const char *take, const char *give)
{
    next_addr += 0x100;
    rig_healthy(rig, "conn", next_addr, AT("conn_new n.c:3 < main m.c:5"), AT(take), AT(give), AT("main m.c:60"));
}

/* conn_ref and conn_put are called from two lines each. */
static void test_pair(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        life("conn_ref n.c:10 < serve s.c:20 < main m.c:6", "conn_put n.c:12 < serve s.c:30 < main m.c:6");
    life("conn_ref n.c:10 < watch w.c:20 < main m.c:7", "conn_put n.c:12 < watch w.c:30 < main m.c:7");
    find();
    assert_int_equal(count, 2);
    assert_string_equal(list[0].function, "conn_put");
    assert_int_equal(list[0].given, 4);
    assert_int_equal(list[0].taken, 0);
    assert_int_equal(list[0].callers, 2);
    assert_true(list[0].named);
    assert_string_equal(list[1].function, "conn_ref");
    assert_int_equal(list[1].line, 10);
    assert_ptr_equal(prof_wrappers_of(wrappers, mk_stack(rig->t, "conn_ref n.c:10 < watch w.c:20 < main m.c:7")),
                     &list[1]);
    assert_null(prof_wrappers_of(wrappers, mk_stack(rig->t, "main m.c:60")));
}

/* One caller: its own line says as much. */
static void test_one_caller(void **state)
{
    (void)state;
    life("conn_ref n.c:10 < serve s.c:20 < main m.c:6", "conn_put n.c:12 < serve s.c:30 < main m.c:6");
    life("conn_ref n.c:10 < serve s.c:20 < main m.c:6", "conn_put n.c:12 < serve s.c:30 < main m.c:6");
    find();
    assert_int_equal(count, 0);
}

/* Takes and gives back: what happens there is its own business. Words inside words are none. */
static void test_user(void **state)
{
    (void)state;
    life("conn_get_info n.c:10 < serve s.c:20", "conn_get_info n.c:14 < serve s.c:20");
    life("conn_get_info n.c:10 < watch s.c:20", "conn_get_info n.c:14 < watch s.c:20");
    life("prefer n.c:40 < serve s.c:20", "computed n.c:44 < serve s.c:20");
    life("prefer n.c:40 < watch s.c:20", "computed n.c:44 < watch s.c:20");
    find();
    assert_int_equal(count, 0);
}

/* What owns references is where a reader wants to be, though several places call it. */
static void test_owner(void **state)
{
    (void)state;
    life("session_set n.c:10 < serve s.c:20", "session_free n.c:14 < serve s.c:20");
    life("session_set n.c:10 < watch s.c:20", "session_free n.c:14 < watch s.c:20");
    life("session_set n.c:10 < third s.c:20", "session_free n.c:14 < third s.c:20");
    find();
    assert_int_equal(count, 0);
}

/* A name that says nothing: all goes through it, from three places. Declared wrappers are none to find. */
static void test_share(void **state)
{
    (void)state;
    life("bump n.c:10 < serve s.c:20", "obj_unref o.c:5 < serve s.c:21");
    life("bump n.c:10 < watch s.c:22", "obj_unref o.c:5 < watch s.c:23");
    find();
    assert_int_equal(count, 0);
    prof_wrappers_destroy(wrappers);
    wrappers = NULL;
    mk_destroy(rig->t);
    prof_symbols_destroy(rig->symbols);
    rig_begin(rig);
    life("bump n.c:10 < serve s.c:20", "obj_unref o.c:5 < serve s.c:21");
    life("bump n.c:10 < watch s.c:22", "obj_unref o.c:5 < watch s.c:23");
    life("bump n.c:10 < third s.c:24", "obj_unref o.c:5 < third s.c:25");
    find();
    assert_int_equal(count, 1);
    assert_string_equal(list[0].function, "bump");
    assert_int_equal(list[0].callers, 3);
    assert_false(list[0].named);
}

/* Stacks that end at the site tell nothing. */
static void test_sites_only(void **state)
{
    (void)state;
    life("conn_ref n.c:10", "conn_put n.c:12");
    life("conn_ref n.c:11", "conn_put n.c:13");
    find();
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pair, begin, end),
        cmocka_unit_test_setup_teardown(test_one_caller, begin, end),
        cmocka_unit_test_setup_teardown(test_user, begin, end),
        cmocka_unit_test_setup_teardown(test_owner, begin, end),
        cmocka_unit_test_setup_teardown(test_share, begin, end),
        cmocka_unit_test_setup_teardown(test_sites_only, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
