/* test_sequence.c: events of several threads inside one tick of the clock come in the order of their numbers, also when
 * numbers are missing, double, late or nonsense, and however many threads there are. */
#include "seen.h"

enum { OBJ = 0x1000 };

/* The numbers of OBJ's changes in the order of the replay must be these. */
static void expect(struct mk_trace *t, const uint32_t *numbers, size_t count, size_t forced)
{
    struct seen seen = replay(t);
    size_t n = 0;
    for (size_t i = 0; i < seen.count; i++) {
        if ((seen.events[i].flags & PROF_EVENT_SEQ) == 0 || seen.events[i].op == TRK_OP_NEW)
            continue;
        assert_true(n < count);
        assert_int_equal(seen.events[i].from, numbers[n]);
        n++;
    }
    assert_int_equal(n, count);
    assert_int_equal(seen.forced, forced);
    free(seen.events);
    mk_destroy(t);
}

static void ref(struct mk_trace *t, uint32_t tid, int64_t count, uint32_t seq)
{
    mk_thread(t, tid);
    mk_ref_seq(t, OBJ, 0, count, seq, NULL);
}

static void unref(struct mk_trace *t, uint32_t tid, int64_t count, uint32_t seq)
{
    mk_thread(t, tid);
    mk_unref_seq(t, OBJ, 0, count, seq, NULL);
}

static struct mk_trace *begin(void)
{
    struct mk_trace *t = mk_create();
    mk_thread(t, 100);
    mk_time(t, 10);
    mk_born(t, "thing", OBJ, 16, NULL);
    return t;
}

static void numbers_decide(void **state)
{
    (void)state;
    struct mk_trace *t = begin();
    ref(t, 100, 4, 3);
    unref(t, 100, 3, 6);
    ref(t, 101, 2, 1);
    ref(t, 101, 5, 4);
    ref(t, 102, 3, 2);
    unref(t, 102, 4, 5);
    expect(t, (const uint32_t[]){ 1, 2, 3, 4, 5, 6 }, 6, 0);
}

static void numbers_wrap(void **state)
{
    (void)state;
    struct mk_trace *t = begin();
    mk_seq(t, 0xfffffffd); /* belongs to the NEW before it */
    ref(t, 101, 4, 0);
    ref(t, 101, 5, 1);
    ref(t, 102, 2, 0xfffffffe);
    ref(t, 102, 3, 0xffffffff);
    unref(t, 102, 4, 2);
    expect(t, (const uint32_t[]){ 0xfffffffe, 0xffffffff, 0, 1, 2 }, 5, 0);
}

static void missing_numbers_are_stepped_over(void **state)
{
    (void)state;
    struct mk_trace *t = begin();
    ref(t, 101, 4, 3);
    ref(t, 101, 9, 8);
    ref(t, 102, 2, 1);
    ref(t, 102, 7, 6);
    ref(t, 103, 6, 5);
    expect(t, (const uint32_t[]){ 1, 3, 5, 6, 8 }, 5, 0);
}

/* A release at count 0 that the program took back leaves its number twice. */
static void double_numbers_are_let_through(void **state)
{
    (void)state;
    struct mk_trace *t = begin();
    unref(t, 101, 0, 1);
    unref(t, 102, -1, 2);
    unref(t, 103, -1, 2);
    struct seen seen = replay(t);
    assert_int_equal(seen.count, 5);
    assert_int_equal(seen.events[2].from, 1);
    assert_int_equal(seen.forced, 0);
    free(seen.events);
    mk_destroy(t);
}

/* The thread was stopped between its change and its record, which then bears a later time. */
static void late_records_come_in_time(void **state)
{
    (void)state;
    struct mk_trace *t = begin();
    ref(t, 101, 2, 1);
    ref(t, 101, 4, 3);
    mk_thread(t, 102);
    mk_touch(t, OBJ, "busy", NULL);
    mk_time(t, 20);
    ref(t, 102, 3, 2);
    unref(t, 101, 3, 4);
    expect(t, (const uint32_t[]){ 1, 2, 3, 4 }, 4, 0);
}

/* Two lives at one address, made and ended by different threads. */
static void lives_are_told_apart(void **state)
{
    (void)state;
    struct mk_trace *t = begin();
    mk_seq(t, 100);
    ref(t, 101, 2, 101);
    unref(t, 101, 1, 504); /* of the second life */
    unref(t, 102, 1, 102);
    unref(t, 102, 0, 103);
    mk_gone(t, OBJ, NULL);
    mk_thread(t, 103);
    mk_born(t, "thing", OBJ, 16, NULL);
    mk_seq(t, 500);
    ref(t, 103, 2, 501);
    ref(t, 102, 3, 502);
    unref(t, 102, 2, 503);
    struct seen seen = replay(t);
    assert_int_equal(seen.forced, 0);
    size_t births = 0, second = 0;
    for (size_t i = 0; i < seen.count; i++) {
        births += seen.events[i].op == TRK_OP_NEW;
        if ((seen.events[i].flags & PROF_EVENT_SEQ) != 0)
            assert_int_equal(births, seen.events[i].from < 500 ? 1 : 2);
        second += births == 2;
    }
    assert_true(second >= 5);
    free(seen.events);
    mk_destroy(t);
}

/* Numbers that mean nothing cost order, not events. */
static void nonsense_is_survived(void **state)
{
    (void)state;
    uint64_t rng = 88172645463325252ull;
    for (unsigned run = 0; run < 60; run++) {
        struct mk_trace *t = mk_create();
        size_t count = 0;
        for (unsigned i = 0; i < 400; i++) {
            rng ^= rng << 13;
            rng ^= rng >> 7;
            rng ^= rng << 17;
            uint64_t addr = OBJ + 64 * (rng >> 8 & 3);
            static const unsigned ops[] = { TRK_OP_ALLOC, TRK_OP_FREE,  TRK_OP_NEW, TRK_OP_DEL,   TRK_OP_REALLOC_FAIL,
                                            TRK_OP_REF,   TRK_OP_UNREF, TRK_OP_REF, TRK_OP_UNREF, TRK_OP_REALLOC };
            mk_thread(t, 100 + (uint32_t)(rng >> 20) % 20);
            if ((rng >> 30) % 50 == 0)
                mk_time(t, i);
            if ((rng >> 40) % 60 == 0)
                mk_round(t);
            mk_raw(t, ops[(rng >> 12) % 10], (unsigned)(rng >> 16 & 3), addr, 0, 0);
            if ((rng >> 50 & 3) != 0)
                mk_seq(t, (uint32_t)(rng >> 32) >> (run % 32));
            count++;
        }
        struct seen seen = replay(t);
        assert_int_equal(seen.count, count);
        free(seen.events);
        mk_destroy(t);
    }
}

/* A thread is stopped between its change and the record of it, for some rounds of the recorder. */
static void stopped_threads_are_waited_for(void **state)
{
    (void)state;
    static const unsigned rounds[] = { 1, 2, 3, 10, 60 };
    for (size_t i = 0; i < sizeof rounds / sizeof rounds[0]; i++) {
        struct mk_trace *t = begin();
        uint32_t numbers[70], count = 0;
        ref(t, 101, 2, 1);
        ref(t, 103, 3, 2);
        ref(t, 102, 5, 4);
        for (count = 5; count < 5 + rounds[i]; count++) {
            mk_round(t);
            mk_time(t, count * 100);
            ref(t, 101 + count % 2, count + 1, count);
        }
        ref(t, 103, 4, 3);
        ref(t, 103, count + 1, count);
        for (uint32_t k = 0; k < count; k++)
            numbers[k] = k + 1;
        expect(t, numbers, count, 0);
    }
}

/* The birth has no number, and the thread of the life's first change tells it later than those of the others do. */
static void first_numbers_are_waited_for(void **state)
{
    (void)state;
    for (unsigned rounds = 0; rounds < 4; rounds++) {
        struct mk_trace *t = begin();
        mk_time(t, 20);
        ref(t, 101, 3, 2);
        ref(t, 102, 4, 3);
        unref(t, 102, 3, 4);
        mk_time(t, 25);
        unref(t, 100, 0, 7); /* fits the birth's count as well */
        for (unsigned i = 0; i < rounds; i++)
            mk_round(t);
        mk_time(t, 30);
        ref(t, 103, 2, 1);
        unref(t, 103, 2, 5);
        unref(t, 101, 1, 6);
        expect(t, (const uint32_t[]){ 1, 2, 3, 4, 5, 6, 7 }, 7, 0);
    }
}

/* Nobody looked at the rings in a round: what is behind it may still come before what was in front of it. */
static void empty_rounds_are_none(void **state)
{
    (void)state;
    for (unsigned empty = 0; empty < 2; empty++) {
        struct mk_trace *t = begin();
        ref(t, 101, 4, 3);
        ref(t, 101, 6, 5);
        for (unsigned i = 0; i <= empty; i++)
            mk_round(t);
        mk_thread(t, 102);
        mk_alloc(t, 0x2000, 16, NULL);
        ref(t, 102, 2, 1);
        ref(t, 102, 5, 4);
        mk_thread(t, 103);
        mk_alloc(t, 0x3000, 16, NULL);
        ref(t, 103, 3, 2);
        expect(t, (const uint32_t[]){ 1, 2, 3, 4, 5 }, 5, 0);
    }
}

/* A record that comes when its object is long gone, and behind it the next life at the address. */
static void the_dead_do_not_come_back(void **state)
{
    (void)state;
    struct mk_trace *t = begin();
    mk_seq(t, 100);
    ref(t, 101, 3, 102);
    unref(t, 101, 2, 103);
    unref(t, 101, 1, 104);
    unref(t, 102, 0, 105);
    mk_gone(t, OBJ, NULL);
    for (unsigned i = 0; i < 80; i++) {
        mk_round(t);
        mk_time(t, 100 + i * 10);
        mk_thread(t, 104);
        mk_alloc(t, 0x10000 + i * 0x40, 16, NULL);
    }
    ref(t, 103, 2, 101);
    mk_round(t);
    mk_time(t, 2000);
    ref(t, 101, 2, 201);
    ref(t, 102, 3, 202);
    mk_thread(t, 103);
    mk_born(t, "thing", OBJ, 16, NULL);
    mk_seq(t, 200);
    ref(t, 103, 4, 203);
    expect(t, (const uint32_t[]){ 102, 103, 104, 105, 101, 201, 202, 203 }, 8, 0);
}

/* Two hundred threads at one object within one tick, every number present, then every other one missing. */
static void crowds_are_no_burden(void **state)
{
    (void)state;
    enum { CROWD = 200, EACH = 500 };
    for (uint32_t apart = 1; apart <= 2; apart++) {
        struct mk_trace *t = begin();
        for (uint32_t k = 0; k < EACH; k++)
            for (uint32_t tid = 0; tid < CROWD; tid++)
                ref(t, 101 + (tid * 7 + k) % CROWD, 2 + (int64_t)(k * CROWD + tid) * apart,
                    (k * CROWD + tid) * apart + 1);
        struct seen seen = replay(t);
        assert_int_equal(seen.count, CROWD * EACH + 2);
        assert_int_equal(seen.forced, 0);
        for (size_t i = 3; i < seen.count; i++)
            assert_int_equal(seen.events[i].from, seen.events[i - 1].from + apart);
        free(seen.events);
        mk_destroy(t);
    }
}

/* A constructor that is seen when it returns took and gave references of what it made: before the birth, and in threads
 * that get the same memory one after the other in a moment. */
static void references_before_births(void **state)
{
    (void)state;
    enum { LIVES = 6, EVENTS = 8 };
    struct mk_trace *t = mk_create();
    mk_time(t, 10);
    mk_type(t, "thing", 16);
    for (unsigned k = 0; k < LIVES; k++) {
        mk_thread(t, 101 + k % 3);
        mk_alloc(t, OBJ, 16, NULL);
        mk_ref(t, OBJ, 0, NULL);
        mk_ref(t, OBJ, 0, NULL);
        mk_unref(t, OBJ, 0, NULL);
        mk_new(t, "thing", OBJ, NULL);
        mk_unref(t, OBJ, 0, NULL);
        mk_unref(t, OBJ, 0, NULL);
        mk_free(t, OBJ, NULL);
    }
    struct seen seen = replay(t);
    assert_int_equal(seen.forced, 0);
    static const uint8_t ops[EVENTS] = { TRK_OP_ALLOC, TRK_OP_REF,   TRK_OP_REF,   TRK_OP_UNREF,
                                         TRK_OP_NEW,   TRK_OP_UNREF, TRK_OP_UNREF, TRK_OP_FREE };
    size_t n = 0;
    for (size_t i = 0; i < seen.count; i++)
        if (seen.events[i].addr == OBJ)
            assert_int_equal(seen.events[i].op, ops[n++ % EVENTS]);
    assert_int_equal(n, LIVES * EVENTS);
    free(seen.events);
    mk_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_decide),
        cmocka_unit_test(numbers_wrap),
        cmocka_unit_test(missing_numbers_are_stepped_over),
        cmocka_unit_test(double_numbers_are_let_through),
        cmocka_unit_test(late_records_come_in_time),
        cmocka_unit_test(lives_are_told_apart),
        cmocka_unit_test(nonsense_is_survived),
        cmocka_unit_test(stopped_threads_are_waited_for),
        cmocka_unit_test(first_numbers_are_waited_for),
        cmocka_unit_test(empty_rounds_are_none),
        cmocka_unit_test(the_dead_do_not_come_back),
        cmocka_unit_test(crowds_are_no_burden),
        cmocka_unit_test(references_before_births),
    };
    return cmocka_run_group_tests_name("input: sequence", tests, NULL, NULL);
}
