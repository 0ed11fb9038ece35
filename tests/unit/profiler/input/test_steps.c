/* test_steps.c: what the merge costs: two hundred threads change one object in one tick of the clock, and the looks at
 * what goes next are counted. They are in proportion to the events, however many threads there are, and also when
 * numbers are missing or the tick lasts for several rounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <mktrace.h>

#include <replay.h>

enum { OBJ = 0x1000, EVENTS = 50000, MOST = 4 /* looks for one event */ };

struct seen {
    size_t events, forced;
    uint32_t last;
    bool back;
};

static struct prof_error *take(void *ctx, const struct prof_event *events, size_t count)
{
    struct seen *seen = ctx;
    for (size_t i = 0; i < count; i++) {
        seen->forced += (events[i].flags & PROF_EVENT_FORCED) != 0;
        if ((events[i].flags & PROF_EVENT_SEQ) != 0) {
            seen->back |= (uint32_t)events[i].from <= seen->last;
            seen->last = (uint32_t)events[i].from;
        }
    }
    seen->events += count;
    return NULL;
}

/* missing: one number of so many, 0 none. per_round: events in a round, 0 all. */
static void crowd(unsigned threads, unsigned missing, unsigned per_round)
{
    struct mk_trace *t = mk_create();
    mk_thread(t, 100);
    mk_time(t, 10);
    mk_born(t, "thing", OBJ, 16, NULL);
    uint32_t number = 1;
    for (uint32_t i = 0; i < EVENTS; i++, number++) {
        if (missing != 0 && i % missing == 0)
            number++;
        if (per_round != 0 && i % per_round == per_round - 1)
            mk_round(t);
        mk_thread(t, 101 + (i * 7 + i / threads) % threads);
        mk_ref_seq(t, OBJ, 0, number + 1, number, NULL);
    }
    static const struct prof_trace_sink sink = { .events = take };
    struct seen seen = { 0 };
    struct replay *r = malloc(sizeof *r);
    assert_non_null(r);
    assert_null(replay_begin(r, mk_open(t), NULL, &sink, &seen));
    assert_null(merge_run(&r->merge, UINT64_MAX));
    assert_int_equal(seen.events, EVENTS + 2);
    assert_int_equal(seen.forced, 0);
    assert_false(seen.back);
    assert_in_range(r->merge.order.asked, EVENTS, MOST * EVENTS);
    replay_deinit(r);
    free(r);
    mk_destroy(t);
}

static void numbers_cost_no_search(void **state)
{
    (void)state;
    crowd(2, 0, 0);
    crowd(200, 0, 0);
    crowd(200, 0, 10000);
}

static void missing_numbers_cost_no_search(void **state)
{
    (void)state;
    crowd(200, 10, 0);
    crowd(200, 2, 0);
    crowd(200, 10, 10000);
    crowd(200, 2, 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(numbers_cost_no_search),
                                        cmocka_unit_test(missing_numbers_cost_no_search) };
    return cmocka_run_group_tests_name("input: steps", tests, NULL, NULL);
}
