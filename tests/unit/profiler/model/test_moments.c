/* test_moments.c: how much of each population was alive at marks and samples, against what the program did. */
#include "helper.h"

enum { GROUPS = 3, ROOM = 200 };

static const char *const types[GROUPS] = { "conn", "session", "node" };
static const char *const births[GROUPS] = { "conn.c:1", "session.c:1", "node.c:1" };

struct world {
    struct mk_trace *t;
    bool alive[GROUPS][ROOM];
    uint64_t live[GROUPS];
    uint64_t seed;
};

static uint64_t rnd(struct world *w, uint64_t below)
{
    w->seed ^= w->seed << 13;
    w->seed ^= w->seed >> 7;
    w->seed ^= w->seed << 17;
    return (w->seed >> 11) % below;
}

static uint64_t address(unsigned group, unsigned i)
{
    return 0x100000 + ((uint64_t)group * ROOM + i) * 0x100;
}

/* Group 0 has blocks only. The first of each group stays for ever: populations of the dead are not told. */
static void toggle(struct world *w, unsigned group, unsigned i)
{
    uint64_t addr = address(group, i), size = 16 * ((uint64_t)group + 1);
    bool alive = w->alive[group][i] = !w->alive[group][i];
    w->live[group] += alive ? 1 : (uint64_t)-1;
    if (group == 0 && alive)
        mk_alloc(w->t, addr, size, births[group]);
    else if (group == 0)
        mk_free(w->t, addr, "free.c:1");
    else if (alive)
        mk_born(w->t, types[group], addr, size, births[group]);
    else
        mk_gone(w->t, addr, "free.c:1");
}

static void begin(struct world *w, uint64_t seed)
{
    *w = (struct world){ .t = mk_create(), .seed = seed };
    for (unsigned group = 0; group < GROUPS; group++)
        toggle(w, group, 0);
}

static void change(struct world *w, unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        toggle(w, (unsigned)rnd(w, GROUPS), 1 + (unsigned)rnd(w, ROOM - 1));
}

static const struct prof_population *find(struct prof_heap *heap, struct mk_trace *t, unsigned group)
{
    const struct prof_population *list;
    size_t count;
    assert_null(prof_heap_populations(heap, &list, &count));
    for (size_t i = 0; i < count; i++)
        if (list[i].stack == mk_stack(t, births[group]) && list[i].blocks == (group == 0))
            return &list[i];
    fail_msg("no population of %s", births[group]);
    return NULL;
}

/* At moment `at` as many were alive as the program had. */
static void equal_at(struct prof_heap *heap, struct mk_trace *t, size_t at, const uint64_t live[GROUPS])
{
    for (unsigned group = 0; group < GROUPS; group++) {
        const struct prof_population *p = find(heap, t, group);
        assert_int_equal(p->then[at].live, live[group]);
        assert_int_equal(p->then[at].bytes, live[group] * 16 * (group + 1));
    }
}

static void test_marks(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        enum { MARKS = 12 };
        uint64_t then[MARKS][GROUPS];
        const struct prof_moment *moments;
        struct world w;
        begin(&w, seed);
        for (unsigned m = 0; m < MARKS; m++) {
            char name[16];
            // Often nothing, or nothing of one group, happens between two marks.
            change(&w, (unsigned)rnd(&w, m % 3 == 0 ? 2 : 300));
            snprintf(name, sizeof name, "m%u", m);
            mk_mark(w.t, name, "mark.c:1");
            memcpy(then[m], w.live, sizeof w.live);
        }
        change(&w, 100);
        struct prof_heap *heap = heap_of(w.t);
        assert_int_equal(prof_heap_moments(heap, &moments), MARKS);
        for (unsigned m = 0; m < MARKS; m++) {
            equal_at(heap, w.t, m, then[m]);
            assert_int_equal(moments[m].name[0], 'm');
        }
        for (unsigned group = 0; group < GROUPS; group++) {
            assert_int_equal(find(heap, w.t, group)->live, w.live[group]);
            assert_int_equal(find(heap, w.t, group)->with_objects, 0);
        }
        mk_destroy(w.t);
    }
}

static void test_many(void **state)
{
    // More moments than are kept, of both kinds: what is left is right and spread over the whole run.
    (void)state;
    enum { MARKS = 1000 };
    static uint64_t then[MARKS + 1][GROUPS];
    const struct prof_moment *moments;
    struct world w;
    begin(&w, 7);
    for (unsigned m = 1; m <= MARKS; m++) {
        mk_time(w.t, m * 1000 - 500);
        change(&w, 5);
        mk_time(w.t, m * 1000);
        if (m % 2 == 0) {
            mk_mark(w.t, "even", "mark.c:1");
        } else {
            struct trk_mem mem = { .at_us = m * 1000 };
            mk_mem(w.t, &mem);
        }
        memcpy(then[m], w.live, sizeof w.live);
    }
    struct prof_heap *heap = heap_of(w.t);
    size_t count = prof_heap_moments(heap, &moments), marks = 0, last_mark = 0;
    assert_in_range(count, 16, 32);
    for (size_t i = 0; i < count; i++) {
        size_t m = moments[i].at_us / 1000;
        assert_int_equal(moments[i].name == NULL, m % 2 == 1);
        equal_at(heap, w.t, i, then[m]);
        if (moments[i].name == NULL)
            continue;
        assert_in_range(m, marks == 0 ? 2 : last_mark + 2, marks == 0 ? 2 : last_mark + 2 * MARKS / 16);
        last_mark = m;
        marks++;
    }
    assert_in_range(marks, 8, 16);
    assert_in_range(last_mark, MARKS - 2 * MARKS / 16, MARKS);
    mk_destroy(w.t);
}

static void test_reuse(void **state)
{
    // An object of a pool is born again at another place, and retyped objects stay what they are called at the end.
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", 0x1000, 16, births[0]);
    mk_born(t, "conn", 0x2000, 16, births[0]);
    mk_mark(t, "first", "mark.c:1");
    mk_unref(t, 0x1000, 0, "put.c:1");
    mk_op(t, TRK_OP_PARK, 0x1000, "put.c:2");
    mk_op(t, TRK_OP_REUSE, 0x1000, births[1]);
    mk_mark(t, "second", "mark.c:1");
    struct prof_heap *heap = heap_of(t);
    const struct prof_population *list;
    size_t count;
    assert_null(prof_heap_populations(heap, &list, &count));
    for (size_t i = 0; i < count; i++) {
        if (list[i].blocks) {
            assert_int_equal(list[i].with_objects, 2);
            continue;
        }
        bool old = list[i].stack == mk_stack(t, births[0]);
        assert_int_equal(list[i].live, 1);
        assert_int_equal(list[i].then[0].live, old ? 2 : 0);
        assert_int_equal(list[i].then[1].live, 1);
    }
    assert_int_equal(count, 3);
    mk_destroy(t);
}

static void test_none(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    const struct prof_moment *moments;
    const struct prof_population *list;
    size_t count;
    mk_ref(t, 0x1000, 0, "get.c:1"); // its birth was not seen
    struct prof_heap *heap = heap_of(t);
    assert_int_equal(prof_heap_moments(heap, &moments), 0);
    assert_null(prof_heap_populations(heap, &list, &count));
    assert_int_equal(count, 0);
    mk_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_reuse),
        cmocka_unit_test(test_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
