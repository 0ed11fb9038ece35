/* test_generations.c: the driver's rules, with figures that CPython's gc gives for the same steps (Lib/test/test_gc.py
 * has the questions: get_count, collect_generations, get_stats, get_objects, freeze, callbacks). */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <graph/generations.h>

/* What a pass says of ids: found below `trash`, uncollectable below `stuck`. */
struct verdicts {
    uint32_t trash, stuck, asked;
    bool whole, fail;
    struct generations *again; /* a pass from inside of a pass */
    bool nested_ran;
};
static bool examine(void *ctx, const uint32_t *ids, size_t count, bool whole, uint8_t *kinds)
{
    struct verdicts *v = ctx;
    struct generations_pass nested;

    v->asked = (uint32_t)count;
    v->whole = whole;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(kinds[i], GENERATIONS_ALIVE);
        kinds[i] = ids[i] < v->stuck   ? GENERATIONS_UNCOLLECTABLE
                   : ids[i] < v->trash ? GENERATIONS_FOUND
                                       : GENERATIONS_ALIVE;
    }
    if (v->again != NULL) {
        assert_int_equal(generations_due(v->again), -1);
        assert_true(generations_collect(v->again, 2, examine, ctx, &nested));
        v->nested_ran = nested.candidates != 0;
    }
    return !v->fail;
}
static struct verdicts collect(struct generations *g, unsigned generation, uint32_t trash)
{
    struct verdicts v = { .trash = trash };
    assert_true(generations_collect(g, generation, examine, &v, NULL));
    return v;
}
static void born(struct generations *g, uint32_t from, uint32_t to)
{
    for (uint32_t id = from; id < to; id++)
        assert_true(generations_born(g, id));
}
static void assert_counts(const struct generations *g, uint32_t a, uint32_t b, uint32_t c)
{
    assert_int_equal(g->count[0], a);
    assert_int_equal(g->count[1], b);
    assert_int_equal(g->count[2], c);
}

/* G9, G10 */
static void test_counts(void **state)
{
    struct generations g;
    (void)state;

    generations_init(&g);
    born(&g, 0, 3);
    assert_counts(&g, 3, 0, 0);
    generations_died(&g, 1);
    generations_died(&g, 1);   // dead already
    generations_died(&g, 999); // never heard of
    assert_counts(&g, 2, 0, 0);
    collect(&g, 0, 0);
    assert_counts(&g, 0, 1, 0);
    generations_died(&g, 0); // of generation 1: the counter of 0, not below zero
    assert_counts(&g, 0, 1, 0);
    born(&g, 5, 6);
    generations_died(&g, 2);
    assert_counts(&g, 0, 1, 0);
    collect(&g, 1, 0);
    assert_counts(&g, 0, 0, 1);
    collect(&g, 2, 0);
    assert_counts(&g, 0, 0, 0);
    generations_deinit(&g);
}

/* G23: an object grows old. */
static void test_ages(void **state)
{
    struct generations g;
    (void)state;

    generations_init(&g);
    born(&g, 0, 4);
    for (unsigned k = 0; k < 3; k++) {
        assert_int_equal(generations_of(&g, 2), k);
        assert_int_equal(collect(&g, k, 0).asked, 4);
    }
    assert_int_equal(generations_of(&g, 2), GENERATION_2);
    collect(&g, 2, 0);
    assert_int_equal(generations_of(&g, 2), GENERATION_2);
    assert_int_equal(generations_of(&g, 77), GENERATION_NONE);
    born(&g, 2, 3); // its id is given again
    assert_int_equal(generations_of(&g, 2), GENERATION_0);
    uint32_t order[] = { 0, 1, 3 }, i = 0;
    for (uint32_t id = generations_first(&g, GENERATION_2); id != GENERATIONS_END; id = generations_next(&g, id))
        assert_int_equal(id, order[i++]);
    assert_int_equal(i, 3);
    struct verdicts v = { 0 };
    struct generations_pass pass;
    assert_true(generations_collect(&g, 3, examine, &v, &pass)); // no such generation
    assert_int_equal(pass.candidates, 0);
    generations_deinit(&g);
}

/* G7, G19, G21: what is found is kept apart and never examined again; statistics of the generation examined only. */
static void test_found(void **state)
{
    struct generations g;
    struct verdicts v = { .trash = 5, .stuck = 4 };
    struct generations_pass pass;
    (void)state;

    generations_init(&g);
    born(&g, 0, 10);
    assert_true(generations_collect(&g, 1, examine, &v, &pass));
    assert_int_equal(pass.candidates, 10);
    assert_int_equal(pass.collected, 1);
    assert_int_equal(pass.uncollectable, 4);
    assert_int_equal(g.size[GENERATION_GARBAGE], 5);
    assert_int_equal(g.size[GENERATION_2], 5);
    assert_int_equal(generations_of(&g, 4), GENERATION_GARBAGE);
    assert_int_equal(collect(&g, 2, 5).asked, 5);
    assert_int_equal(g.stats[1].collections, 1);
    assert_int_equal(g.stats[1].collected, 1);
    assert_int_equal(g.stats[1].uncollectable, 4);
    assert_int_equal(g.stats[0].collections, 0);
    assert_int_equal(g.stats[2].collections, 1);
    assert_int_equal(g.stats[2].collected, 0);
    generations_died(&g, 4); // it was freed after all
    assert_int_equal(g.size[GENERATION_GARBAGE], 4);
    generations_deinit(&g);
}

/* G29: a full pass only when what is new is a quarter of what is old; else the next younger one that is due. */
static void test_quarter(void **state)
{
    struct generations g;
    (void)state;

    for (uint32_t extra = 0; extra < 2; extra++) {
        generations_init(&g);
        memcpy(g.threshold, (uint32_t[]){ 700, 10, 10 }, sizeof g.threshold);
        born(&g, 0, 1000);
        collect(&g, 2, 0);
        assert_int_equal(g.long_lived_total, 1000);
        born(&g, 1000, 1249 + extra);
        collect(&g, 1, 0);
        assert_int_equal(g.long_lived_pending, 249 + extra);
        g.count[2] = 11;
        g.count[1] = 11;
        born(&g, 2000, 2700);
        assert_int_equal(generations_due(&g), -1); // 700 do not exceed 700
        born(&g, 2700, 2701);
        assert_int_equal(generations_due(&g), extra ? 2 : 1);
        g.count[1] = 10;
        assert_int_equal(generations_due(&g), extra ? 2 : 0);
        generations_deinit(&g);
    }
}

/* G30, G8: switched off; no pass inside of a pass. */
static void test_off(void **state)
{
    struct generations g;
    struct verdicts v = { 0 };
    (void)state;

    generations_init(&g);
    memcpy(g.threshold, (uint32_t[]){ 1, 10, 10 }, sizeof g.threshold);
    born(&g, 0, 5);
    assert_int_equal(generations_due(&g), 0);
    g.enabled = false;
    assert_int_equal(generations_due(&g), -1);
    g.enabled = true;
    g.threshold[0] = 0;
    assert_int_equal(generations_due(&g), -1);
    g.threshold[0] = 1;
    v.again = &g;
    assert_true(generations_collect(&g, 0, examine, &v, NULL));
    assert_false(v.nested_ran);
    assert_false(g.collecting);
    assert_int_equal(g.stats[2].collections, 0);
    v = (struct verdicts){ .fail = true, .trash = 5 };
    assert_false(generations_collect(&g, 2, examine, &v, NULL));
    assert_int_equal(g.size[GENERATION_2], 5);
    assert_int_equal(g.size[GENERATION_GARBAGE], 0);
    generations_deinit(&g);
}

/* G22 */
static void test_freeze(void **state)
{
    struct generations g;
    (void)state;

    generations_init(&g);
    born(&g, 0, 6);
    collect(&g, 0, 0);
    born(&g, 6, 8);
    generations_freeze(&g);
    assert_int_equal(g.size[GENERATION_PERMANENT], 8);
    assert_counts(&g, 0, 0, 0);
    born(&g, 8, 9);
    assert_int_equal(collect(&g, 2, 9).asked, 1);
    assert_int_equal(generations_of(&g, 8), GENERATION_GARBAGE);
    generations_died(&g, 3);
    generations_unfreeze(&g);
    assert_int_equal(g.size[GENERATION_PERMANENT], 0);
    assert_int_equal(g.size[GENERATION_2], 7);
    assert_int_equal(collect(&g, 2, 0).asked, 7);
    generations_deinit(&g);
}

/* Passes by events and by time, which a heap of constant size needs. */
static void test_clock(void **state)
{
    struct generations g;
    (void)state;

    generations_init(&g);
    born(&g, 0, 1);
    generations_clock(&g, 1000000, 1000000);
    assert_int_equal(generations_due(&g), -1); // not asked for
    g.every_events = 500;
    assert_int_equal(generations_due(&g), 0);
    collect(&g, 0, 0);
    assert_int_equal(generations_due(&g), -1);
    generations_clock(&g, 1000499, 1000000);
    assert_int_equal(generations_due(&g), -1);
    generations_clock(&g, 1000500, 1000000);
    assert_int_equal(generations_due(&g), 0);
    g.every_events = 0;
    g.every_us = 10;
    assert_int_equal(generations_due(&g), -1);
    generations_clock(&g, 1000500, 1000010);
    g.count[1] = 11;
    assert_int_equal(generations_due(&g), 1);
    generations_clock(&g, 0, 0); // a merge may step back
    assert_int_equal(generations_due(&g), -1);
    generations_deinit(&g);
}

/* G26 */
struct heard {
    unsigned starts, stops;
    struct generations_pass last;
};
static void hear(void *ctx, bool stop, const struct generations_pass *pass)
{
    struct heard *heard = ctx;
    heard->starts += !stop;
    heard->stops += stop;
    if (!stop)
        assert_int_equal(pass->collected, 0);
    heard->last = *pass;
}
static void test_callbacks(void **state)
{
    struct generations g;
    struct heard heard = { 0 };
    (void)state;

    generations_init(&g);
    g.callback = hear;
    g.callback_ctx = &heard;
    born(&g, 0, 4);
    collect(&g, 1, 3);
    assert_int_equal(heard.starts, 1);
    assert_int_equal(heard.stops, 1);
    assert_int_equal(heard.last.generation, 1);
    assert_int_equal(heard.last.collected, 3);
    assert_int_equal(heard.last.candidates, 4);
    generations_deinit(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),  cmocka_unit_test(test_ages),      cmocka_unit_test(test_found),
        cmocka_unit_test(test_quarter), cmocka_unit_test(test_off),       cmocka_unit_test(test_freeze),
        cmocka_unit_test(test_clock),   cmocka_unit_test(test_callbacks),
    };
    return cmocka_run_group_tests_name("generations", tests, NULL, NULL);
}
