/* test_balance.c: by call path, what leaked objects took and gave back, less what freed ones did. */
#include "rig.h"

#include <math.h>

#include <prof/balance.h>

static struct rig rig_, *const rig = &rig_;
static struct prof_balance *balance;
static const struct prof_balance_node *nodes;
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
    prof_balance_destroy(balance);
    balance = NULL;
    rig_end(rig);
    return 0;
}

static bool any(void *ctx, prof_obj_id id)
{
    (void)ctx;
    (void)id;
    return true;
}

static void make(const char *type, const struct prof_balance_options *options)
{
    struct prof_heap *heap = mk_heap(rig->t);
    for (prof_type_id id = 1; id < prof_heap_type_max(heap); id++) {
        if (strcmp(prof_heap_type(heap, id)->name, type) != 0)
            continue;
        struct prof_error *error = prof_balance_create(heap, rig->symbols, id, any, NULL, options, &balance);
        if (error != NULL)
            fail_msg("%s", error->message);
    }
    count = prof_balance_nodes(balance, &nodes);
    /* The tree is one: children come behind their parents, and sum up to them where nothing ends in between. */
    for (size_t i = 1; i < count; i++) {
        assert_true(nodes[i].parent < i);
        assert_int_equal(nodes[i].depth, nodes[nodes[i].parent].depth + 1);
    }
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (uint32_t child = nodes[i].first; child != PROF_BALANCE_NONE; child = nodes[child].next)
            sum += nodes[child].difference;
        assert_true(nodes[i].first == PROF_BALANCE_NONE || fabs(sum - nodes[i].difference) < 1e-9);
    }
}

/* The node at a path of "function" or "function:line" steps, outermost first. */
static const struct prof_balance_node *at(const char *path)
{
    uint32_t node = 0;
    while (*path != '\0') {
        size_t length = strcspn(path, "/");
        uint32_t child = nodes[node].first;
        for (; child != PROF_BALANCE_NONE; child = nodes[child].next) {
            char text[128];
            const struct prof_frame *frame = nodes[child].frame;
            snprintf(text, sizeof text, nodes[child].line ? "%s:%u" : "%s", frame->function, frame->line);
            if (strlen(text) == length && strncmp(text, path, length) == 0)
                break;
        }
        if (child == PROF_BALANCE_NONE)
            return NULL;
        node = child;
        path += length + (path[length] == '/');
    }
    return &nodes[node];
}

static void is(const struct prof_balance_node *node, double leaked, double freed)
{
    assert_non_null(node);
    assert_true(fabs(node->leaked - leaked) < 1e-9);
    assert_true(fabs(node->freed - freed) < 1e-9);
    assert_true(fabs(node->difference - (leaked - freed)) < 1e-9);
}

/* Three are freed, two lack the release in `done`. */
static void lives(void)
{
    for (uint64_t i = 0; i < 5; i++) {
        uint64_t addr = 0x100000 + i * 0x100;
        bool good = i < 3;
        mk_born(rig->t, "conn", addr, 64, AT("conn_new n.c:3 < main m.c:5 < start s.c:1"));
        mk_ref(rig->t, addr, 0, AT("send n.c:10 < serve n.c:20 < main m.c:6 < start s.c:1"));
        if (good)
            mk_unref(rig->t, addr, 0, AT("done n.c:14 < serve n.c:21 < main m.c:6 < start s.c:1"));
        mk_ref(rig->t, addr, LOCAL(1), AT("watch w.c:10 < main m.c:7 < start s.c:1"));
        mk_unref(rig->t, addr, LOCAL(1), AT("watch w.c:12 < main m.c:7 < start s.c:1"));
        mk_unref(rig->t, addr, 0, AT("main m.c:9 < start s.c:1"));
        if (good)
            mk_gone(rig->t, addr, AT("main m.c:9 < start s.c:1"));
    }
}

static void test_missing_release(void **state)
{
    (void)state;
    lives();
    make("conn", NULL);
    assert_int_equal(prof_balance_objects(balance), 2);
    assert_int_equal(prof_balance_freed(balance), 3);
    is(&nodes[0], 1, 0);
    is(at("main/serve"), 1, 0);
    is(at("main/serve/send/send:10"), 1, 1);
    is(at("main/serve/done/done:14"), 0, -1);
    is(at("main/main:9"), -1, -1);
    is(at("main/conn_new/conn_new:3"), 1, 1);
    assert_null(at("main/watch")); /* paired by its slot */
    assert_null(at("start"));      /* before main */
    assert_ptr_equal(&nodes[prof_balance_divergence(balance)], at("main/serve/done"));
}

/* Threads share only what began them, which has no part in it. */
static void test_threads(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 3; i++) {
        uint64_t addr = 0x100000 + i * 0x100;
        mk_born(rig->t, "conn", addr, 64, AT("conn_new n.c:3 < main m.c:5"));
        mk_ref(rig->t, addr, 0, AT("send p.c:10 < worker w.c:4 < start_thread t.c:1 < clone3 t.c:9"));
        if (i != 2)
            mk_unref(rig->t, addr, 0, AT("done d.c:14 < auditor w.c:9 < start_thread t.c:1 < clone3 t.c:9"));
        mk_unref(rig->t, addr, 0, AT("main m.c:9"));
        if (i != 2)
            mk_gone(rig->t, addr, AT("main m.c:9"));
    }
    make("conn", NULL);
    assert_null(at("clone3"));
    is(at("worker/send"), 1, 1);
    is(at("auditor/done"), 0, -1);
    assert_ptr_equal(&nodes[prof_balance_divergence(balance)], at("auditor/done"));
}

/* One more is taken, by a function that freed ones pass as well. */
static void test_extra_taking(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 6; i++) {
        uint64_t addr = 0x100000 + i * 0x100;
        mk_born(rig->t, "conn", addr, 64, AT("conn_new n.c:3 < main m.c:5"));
        mk_ref(rig->t, addr, 0, AT("retry r.c:10 < serve n.c:20 < main m.c:6"));
        if (i == 5)
            mk_ref(rig->t, addr, 0, AT("retry r.c:30 < serve n.c:20 < main m.c:6"));
        mk_unref(rig->t, addr, 0, AT("serve n.c:25 < main m.c:6"));
        mk_unref(rig->t, addr, 0, AT("main m.c:9"));
        if (i != 5)
            mk_gone(rig->t, addr, AT("main m.c:9"));
    }
    make("conn", NULL);
    is(at("main/serve/retry"), 2, 1);
    is(at("main/serve/retry/retry:30"), 1, 0);
    is(at("main/serve/serve:25"), -1, -1);
    assert_ptr_equal(&nodes[prof_balance_divergence(balance)], at("main/serve/retry"));
}

/* Two callees have half each: it is the caller's. */
static void test_shared(void **state)
{
    (void)state;
    rig_healthy(rig, "conn", 0x200000, AT("conn_new n.c:3 < main m.c:5"), NULL, NULL, AT("main m.c:9"));
    for (uint64_t i = 0; i < 2; i++) {
        uint64_t addr = 0x100000 + i * 0x100;
        mk_born(rig->t, "conn", addr, 64, AT("conn_new n.c:3 < main m.c:5"));
        mk_ref(rig->t, addr, 0,
               i == 0 ? AT("one r.c:10 < serve n.c:20 < main m.c:6") : AT("two r.c:20 < serve n.c:20 < main m.c:6"));
        mk_unref(rig->t, addr, 0, AT("main m.c:9"));
    }
    make("conn", NULL);
    is(at("main/serve"), 1, 0);
    is(at("main/serve/one"), 0.5, 0);
    assert_ptr_equal(&nodes[prof_balance_divergence(balance)], at("main/serve"));
}

static void test_options(void **state)
{
    static const char *const exclude[] = { "ser*", NULL };
    (void)state;
    lives();
    make("conn", &(struct prof_balance_options){ .reverse = true });
    is(at("done:14"), 0, -1);
    is(at("done:14/serve/main"), 0, -1);
    assert_null(at("done:14/done"));
    prof_balance_destroy(balance);
    make("conn", &(struct prof_balance_options){ .exclude = exclude });
    assert_null(at("main/serve"));
    assert_int_equal(prof_balance_excluded(balance), 5 + 3);
    is(&nodes[0], 0, 0);
    assert_int_equal(prof_balance_divergence(balance), 0);
    prof_balance_destroy(balance);
    make("conn", &(struct prof_balance_options){ .by = PROF_BALANCE_FILE });
    is(at("main/serve"), 2, 1); /* send, done and conn_new are in its file */
    is(at("main/serve/done:14"), 0, -1);
    prof_balance_destroy(balance);
    make("conn", &(struct prof_balance_options){ .by = PROF_BALANCE_LINE });
    size_t calls = 0;
    for (size_t i = 0; i < count; i++)
        calls += !nodes[i].line && i != 0 && strcmp(nodes[i].frame->function, "serve") == 0;
    assert_int_equal(calls, 2);
}

/* Births that were not seen: these objects are kept apart. */
static void test_skewed(void **state)
{
    (void)state;
    lives();
    mk_ref(rig->t, 0x900000, 0, AT("late l.c:3 < main m.c:8 < start s.c:1"));
    mk_retype(rig->t, 0x900000, "conn", AT("late l.c:4 < main m.c:8 < start s.c:1"));
    make("conn", NULL);
    assert_int_equal(prof_balance_objects(balance), 2);
    assert_int_equal(prof_balance_skewed(balance), 1);
    assert_null(at("main/late"));
    is(&nodes[0], 1, 0);
}

/* Nobody alive: there is nothing to compare. */
static void test_none(void **state)
{
    (void)state;
    rig_healthy(rig, "conn", 0x200000, AT("conn_new n.c:3"), NULL, NULL, AT("main m.c:9"));
    struct prof_heap *heap = mk_heap(rig->t);
    struct prof_error *error = prof_balance_create(heap, rig->symbols, 1, any, NULL, NULL, &balance);
    assert_non_null(error);
    prof_error_destroy(error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_missing_release, begin, end),
        cmocka_unit_test_setup_teardown(test_threads, begin, end),
        cmocka_unit_test_setup_teardown(test_extra_taking, begin, end),
        cmocka_unit_test_setup_teardown(test_shared, begin, end),
        cmocka_unit_test_setup_teardown(test_options, begin, end),
        cmocka_unit_test_setup_teardown(test_skewed, begin, end),
        cmocka_unit_test_setup_teardown(test_none, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
