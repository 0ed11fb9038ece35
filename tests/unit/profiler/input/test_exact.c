/* test_exact.c: threads whose events have times of their own come in the order of these, as far as causes allow. */
#include "seen.h"

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Some threads, nothing in common but an address now and then, whose true order is their times; ticks move now and
 * then, and rounds end, in which the rings are looked at one after the other. */
static void independent_events(uint32_t seed)
{
    enum { EVENTS = 2000 };
    struct mk_trace *t = mk_create();
    unsigned threads = 2 + next(&seed) % 7;
    uint64_t ns = 5000000, times[EVENTS];
    uint32_t owner[EVENTS];
    mk_meta(t, "clock=tsc");
    mk_thread(t, 100);
    mk_born(t, "thing", 0x9000, 16, NULL);
    mk_time(t, 1000);
    for (int i = 0; i < EVENTS; i++) {
        if (next(&seed) % 40 == 0)
            mk_time(t, ns / 1000);
        if (next(&seed) % 200 == 0)
            mk_round(t);
        ns += 1 + next(&seed) % 900;
        times[i] = ns;
        owner[i] = 100 + next(&seed) % threads;
        mk_thread(t, owner[i]);
        /* One in four is about an address that all touch. */
        mk_touch(t, next(&seed) % 4 == 0 ? 0x9000 : 0x10000u + owner[i] * 0x100u, "t", NULL);
        mk_at_ns(t, ns);
    }
    struct seen seen = replay(t);
    assert_int_equal(seen.count, EVENTS + 2);
    for (int i = 0; i < EVENTS; i++) {
        assert_int_equal(prof_event_ns(&seen.events[i + 2]), times[i]);
        assert_int_equal(seen.events[i + 2].tid, owner[i]);
    }
    assert_int_equal(seen.forced, 0);
    free(seen.events);
    mk_destroy(t);
}

static void order_is_time(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 60; seed++)
        independent_events(seed);
}

/* One look takes the rings one after the other: what a ring brings a round later may be earlier than what another one
 * brings now. */
static void rounds_overlap(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_time(t, 10);
    mk_thread(t, 101);
    mk_touch(t, 0x1000, "a", NULL);
    mk_at_ns(t, 10100);
    mk_thread(t, 102);
    mk_touch(t, 0x2000, "b", NULL);
    mk_at_ns(t, 10200);
    mk_touch(t, 0x2000, "d", NULL);
    mk_at_ns(t, 10400);
    mk_round(t);
    mk_touch(t, 0x2000, "f", NULL);
    mk_at_ns(t, 10600);
    mk_thread(t, 101);
    mk_touch(t, 0x1000, "c", NULL);
    mk_at_ns(t, 10300);
    mk_touch(t, 0x1000, "e", NULL);
    mk_at_ns(t, 10500);
    struct seen seen = replay(t);
    assert_int_equal(seen.count, 6);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(prof_event_ns(&seen.events[i]), 10100 + 100 * i);
    free(seen.events);
    mk_destroy(t);
}

/* Equal times, and events without any among them, whatever the round: all events come, those of a thread in their
 * order. */
static void equal_times(void **state)
{
    (void)state;
    enum { THREADS = 5, EACH = 60 };
    for (uint32_t seed = 1; seed <= 40; seed++) {
        struct mk_trace *t = mk_create();
        uint32_t random = seed, last[THREADS] = { 0 };
        mk_time(t, 10);
        for (uint32_t n = 1; n <= EACH; n++) {
            for (unsigned who = 0; who < THREADS; who++) {
                mk_thread(t, 100 + who);
                mk_touch(t, 0x1000 * n, "t", NULL);
                if (next(&random) % 4 != 0)
                    mk_at_ns(t, 10500 + next(&random) % 3);
            }
            if (next(&random) % 10 == 0)
                mk_round(t);
        }
        struct seen seen = replay(t);
        assert_int_equal(seen.count, THREADS * EACH);
        for (size_t i = 0; i < seen.count; i++) {
            uint32_t *before = &last[seen.events[i].tid - 100];
            assert_int_equal(seen.events[i].addr, 0x1000 * (*before + 1));
            ++*before;
        }
        free(seen.events);
        mk_destroy(t);
    }
}

/* Threads count one object by turns; the stamps of some are late, by up to a tick, as they were stopped in between.
 * Counts decide; what has nothing to do with it stays in the order of time as far as its own thread allows. */
static void contended(uint32_t seed, bool numbers)
{
    enum { EVENTS = 400, OBJ = 0x5000 };
    struct mk_trace *t = mk_create();
    uint64_t ns = 20000000, last[8] = { 0 };
    int64_t count = 1;
    uint32_t seq = 0;
    mk_meta(t, "clock=tsc");
    mk_time(t, 10000);
    mk_thread(t, 100);
    mk_born(t, "thing", OBJ, 16, NULL);
    mk_at_ns(t, 10000500);
    mk_time(t, 20000);
    for (int i = 0; i < EVENTS; i++) {
        unsigned who = next(&seed) % 4;
        bool up = count < 2 || next(&seed) % 2 == 0;
        ns += 50 + next(&seed) % 500;
        count += up ? 1 : -1;
        seq++;
        mk_thread(t, 100 + who);
        if (numbers && up)
            mk_ref_seq(t, OBJ, 0, count, seq, NULL);
        else if (numbers)
            mk_unref_seq(t, OBJ, 0, count, seq, NULL);
        else if (up)
            mk_ref_rc(t, OBJ, 0, count, NULL);
        else
            mk_unref_rc(t, OBJ, 0, count, NULL);
        uint64_t stamp = ns + (next(&seed) % 5 == 0 ? next(&seed) % 3000 : 0);
        if (stamp <= last[who])
            stamp = last[who] + 1;
        last[who] = stamp;
        mk_at_ns(t, stamp);
    }
    struct seen seen = replay(t);
    int64_t now = 1;
    uint32_t number = 0;
    for (size_t i = 0; i < seen.count; i++) {
        const struct prof_event *e = &seen.events[i];
        if (e->op != TRK_OP_REF && e->op != TRK_OP_UNREF)
            continue;
        now += e->op == TRK_OP_REF ? 1 : -1;
        assert_int_equal(e->count, now);
        if (numbers)
            assert_int_equal(e->from, ++number);
    }
    assert_int_equal(now, count);
    assert_int_equal(seen.forced, 0);
    free(seen.events);
    mk_destroy(t);
}

static void causes_go_first(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 40; seed++) {
        contended(seed, false);
        contended(seed, true);
    }
}

/* A free and the allocation of the same address by another thread, stamped the wrong way round. */
static void blocks_go_first(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_time(t, 10);
    mk_thread(t, 101);
    mk_alloc(t, 0x1000, 32, NULL);
    mk_at_ns(t, 10100);
    mk_time(t, 20);
    mk_free(t, 0x1000, NULL);
    mk_at_ns(t, 20900);
    mk_thread(t, 102);
    mk_touch(t, 0x7000, "before", NULL);
    mk_at_ns(t, 20100);
    mk_alloc(t, 0x1000, 48, NULL);
    mk_at_ns(t, 20300);
    mk_touch(t, 0x7000, "after", NULL);
    mk_at_ns(t, 20950);
    struct seen seen = replay(t);
    const uint64_t order[] = { 10100, 20100, 20900, 20300, 20950 };
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(prof_event_ns(&seen.events[i]), order[i]);
    assert_int_equal(seen.forced, 0);
    free(seen.events);
    mk_destroy(t);
}

/* Threads share objects and tell no counts, as hooked functions do: each counts, brings back what it has just let go (a
 * pool), or ends it, and the addresses are used again. Times are right, and so is their order. */
static void untold_counts(uint32_t seed)
{
    enum { EVENTS = 3000, OBJECTS = 6, THREADS = 5 };
    struct {
        unsigned count, ends; /* ends: the thread + 1 that has still to free it */
        bool lives;
    } objects[OBJECTS] = { 0 };
    struct mk_trace *t = mk_create();
    uint64_t ns = 5000000, times[EVENTS];
    int n = 0;
    mk_time(t, 1000);
    while (n + 2 <= EVENTS) {
        unsigned who = next(&seed) % THREADS, i = next(&seed) % OBJECTS;
        uint64_t addr = 0x1000 * (i + 1u);
        if (next(&seed) % 150 == 0)
            mk_time(t, ns / 1000);
        if (next(&seed) % 400 == 0)
            mk_round(t);
        if (objects[i].ends != 0 && objects[i].ends != who + 1)
            continue;
        mk_thread(t, 100 + who);
        times[n] = ns += 1 + next(&seed) % 900;
        if (!objects[i].lives) {
            mk_alloc(t, addr, 64, NULL);
            mk_at_ns(t, ns);
            mk_new(t, "thing", addr, NULL);
            times[++n] = ++ns;
            objects[i].lives = true;
            objects[i].count = 1;
        } else if (objects[i].ends != 0) {
            mk_free(t, addr, NULL);
            objects[i].ends = 0;
            objects[i].lives = false;
        } else if (objects[i].count < 2 + next(&seed) % 4) {
            mk_ref(t, addr, 0, NULL);
            objects[i].count++;
        } else {
            mk_unref(t, addr, 0, NULL);
            objects[i].count--;
        }
        mk_at_ns(t, ns);
        n++;
        if (objects[i].count != 1 || objects[i].ends != 0 || next(&seed) % 4 == 0 || n == EVENTS)
            continue;
        mk_unref(t, addr, 0, NULL);
        mk_at_ns(t, ns += 1 + next(&seed) % 900);
        times[n++] = ns;
        objects[i].ends = who + 1;
        objects[i].count = 0;
        if (next(&seed) % 2 == 0 || n == EVENTS)
            continue;
        mk_ref(t, addr, 0, NULL);
        mk_at_ns(t, ns += 1 + next(&seed) % 900);
        times[n++] = ns;
        objects[i].ends = 0;
        objects[i].count = 1;
    }
    struct seen seen = replay(t);
    assert_int_equal(seen.count, n);
    for (int i = 0; i < n; i++)
        assert_int_equal(prof_event_ns(&seen.events[i]), times[i]);
    assert_int_equal(seen.forced, 0);
    free(seen.events);
    mk_destroy(t);
}

static void times_stand_in_for_counts(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 60; seed++)
        untold_counts(seed);
}

/* A reference that was told late: its thread was stopped between taking it and telling. Without it the object would
 * have been let go by a thread that does not end it. */
static void late_reference(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_time(t, 10);
    mk_thread(t, 101);
    mk_born(t, "thing", 0x1000, 32, NULL);
    mk_time(t, 20);
    mk_unref(t, 0x1000, 0, NULL);
    mk_at_ns(t, 20300);
    mk_thread(t, 102);
    mk_ref(t, 0x1000, 0, NULL);
    mk_at_ns(t, 20500);
    mk_unref(t, 0x1000, 0, NULL);
    mk_at_ns(t, 20600);
    mk_free(t, 0x1000, NULL);
    mk_at_ns(t, 20700);
    struct seen seen = replay(t);
    const uint64_t order[] = { 20500, 20300, 20600, 20700 };
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(prof_event_ns(&seen.events[i + 2]), order[i]);
    assert_int_equal(seen.forced, 0);
    free(seen.events);
    mk_destroy(t);
}

/* Ticks are never overruled; times that make no sense, and events without any, are those of the tick. */
static void odd_times(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_time(t, 30);
    mk_thread(t, 101);
    mk_touch(t, 0x1000, "far off", NULL);
    mk_at_ns(t, UINT64_MAX);
    mk_touch(t, 0x1000, "two days", NULL);
    mk_at_ns(t, UINT64_C(2) * 86400 * 1000000000);
    mk_touch(t, 0x1000, "twice", NULL);
    mk_at_ns(t, 30700);
    mk_at_ns(t, 30800);
    mk_thread(t, 102);
    mk_touch(t, 0x2000, "none", NULL);
    mk_touch(t, 0x2000, "exact", NULL);
    mk_at_ns(t, 30001);
    mk_time(t, 40);
    mk_touch(t, 0x2000, "stopped", NULL);
    mk_at_ns(t, 29000);
    struct seen seen = replay(t);
    const uint64_t order[] = { 30000, 30000, 30000, 30001, 30700, 29000 };
    assert_int_equal(seen.count, 6);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(prof_event_ns(&seen.events[i]), order[i]);
    assert_int_equal(seen.events[0].fine, 0);
    assert_int_equal(seen.events[4].fine, 701);
    free(seen.events);
    mk_destroy(t);
}

/* A lone ring goes another way. */
static void one_thread(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_time(t, 10);
    for (unsigned i = 0; i < 300; i++) {
        mk_touch(t, 0x1000, "x", NULL);
        mk_at_ns(t, 10000 + 7 * i);
    }
    struct seen seen = replay(t);
    assert_int_equal(seen.count, 300);
    for (unsigned i = 0; i < 300; i++)
        assert_int_equal(prof_event_ns(&seen.events[i]), 10000 + 7 * i);
    assert_false(prof_trace_same_time(mk_open(t), 5, 6));
    free(seen.events);
    mk_destroy(t);
}

static void nearness(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_meta(t, "clock=tsc");
    const struct prof_trace *trace = mk_open(t);
    assert_true(prof_trace_same_time(trace, 5, 6));
    assert_true(prof_trace_same_time(trace, 6, 5));
    assert_false(prof_trace_same_time(trace, 5, 7));
    mk_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_time),   cmocka_unit_test(equal_times),
        cmocka_unit_test(rounds_overlap),  cmocka_unit_test(causes_go_first),
        cmocka_unit_test(blocks_go_first), cmocka_unit_test(odd_times),
        cmocka_unit_test(one_thread),      cmocka_unit_test(nearness),
        cmocka_unit_test(late_reference),  cmocka_unit_test(times_stand_in_for_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
