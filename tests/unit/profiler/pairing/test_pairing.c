/* test_pairing.c: what is learned about pairs of takings and releases, against programs whose truth is known.
 *
 * PAIRING_RUNS: how many programs of each sort (the long form makes more). */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "workload.h"

enum { BIRTH = 1, LIST_ADD, TIMER_ADD, OWNER, LIST_DEL, TIMER_DEL, GET };

/* Adds a life of keys with 1 taken (positive) or given back (negative), in the order of the events; 0 ends it. */
static void add(struct pairing *p, uint64_t lives, const int *events)
{
    struct pairing_entry entries[16];
    size_t n = 0;

    for (uint32_t i = 0; events[i] != 0; i++) {
        uint32_t key = (uint32_t)abs(events[i]);
        entries[n++] = (struct pairing_entry){ key, events[i] > 0, events[i] < 0, i + 1, i + 1 };
    }
    assert_true(pairing_add(p, entries, n, lives));
}
#define LIFE(...) ((const int[]){ __VA_ARGS__, 0 })

static const struct pairing_suspect *first(const struct pairing *p, size_t want)
{
    const struct pairing_suspect *list;
    size_t count = pairing_suspects(p, &list);
    assert_int_equal(count, want);
    return list;
}

static void numbers_alone_pair(void **state)
{
    struct pairing *p = pairing_create(NULL);

    (void)state;
    add(p, 5, LIFE(BIRTH, -OWNER));
    add(p, 5, LIFE(BIRTH, LIST_ADD, -LIST_DEL, -OWNER));
    add(p, 5, LIFE(BIRTH, TIMER_ADD, LIST_ADD, -LIST_DEL, -TIMER_DEL, -OWNER));
    add(p, 3, LIFE(BIRTH, TIMER_ADD, LIST_ADD, -TIMER_DEL, -OWNER));
    assert_true(pairing_solve(p));
    assert_int_equal(pairing_healthy(p), 15);
    assert_int_equal(pairing_leaked(p), 3);
    assert_true(pairing_share(p, LIST_ADD, LIST_DEL) > 0.9);
    assert_true(pairing_share(p, TIMER_ADD, TIMER_DEL) > 0.8);
    assert_true(pairing_share(p, BIRTH, OWNER) > 0.9);
    assert_true(pairing_share(p, BIRTH, 99) == 0);
    const struct pairing_suspect *s = first(p, 1);
    assert_int_equal(s->take, LIST_ADD);
    assert_int_equal(s->missing, LIST_DEL);
    assert_int_equal(s->lives, 3);
    assert_int_equal(s->ties_all, 0);
    assert_int_equal(s->healthy_took, 10);
    assert_int_equal(s->healthy_gave, 10);
    pairing_destroy(p);
}

/* Nothing tells two takings apart that all objects make once: both are told, and the release is known all the same. */
static double by_name(void *ctx, uint32_t take, uint32_t give)
{
    (void)ctx;
    return (take == LIST_ADD && give == LIST_DEL) || (take == TIMER_ADD && give == TIMER_DEL) ? 1 : 0;
}

static void what_looks_the_same_is_a_tie(void **state)
{
    for (int names = 0; names < 2; names++) {
        struct pairing_options options = { .affinity = names ? by_name : NULL };
        struct pairing *p = pairing_create(&options);

        (void)state;
        add(p, 100, LIFE(BIRTH, LIST_ADD, TIMER_ADD, -LIST_DEL, -TIMER_DEL, -OWNER));
        add(p, 20, LIFE(BIRTH, -OWNER));
        add(p, 10, LIFE(BIRTH, LIST_ADD, TIMER_ADD, -TIMER_DEL, -OWNER));
        assert_true(pairing_solve(p));
        const struct pairing_suspect *s = first(p, 1);
        assert_int_equal(s->ties_all, names ? 0 : 1);
        if (names) {
            assert_int_equal(s->take, LIST_ADD);
            assert_int_equal(s->missing, LIST_DEL);
        } else {
            assert_int_equal(s->take + s->ties[0], LIST_ADD + TIMER_ADD);
        }
        pairing_destroy(p);
    }
}

/* What the leaked ones take and no healthy one ever does. */
static void never_seen_in_healthy_lives(void **state)
{
    struct pairing *p = pairing_create(NULL);

    (void)state;
    add(p, 5, LIFE(BIRTH, LIST_ADD, -LIST_DEL, -OWNER));
    add(p, 2, LIFE(BIRTH, GET, LIST_ADD, -LIST_DEL, -OWNER));
    assert_true(pairing_solve(p));
    const struct pairing_suspect *s = first(p, 1);
    assert_int_equal(s->take, GET);
    assert_int_equal(s->missing, PAIRING_NONE);
    assert_int_equal(s->ties_all, 0);
    pairing_destroy(p);
}

static void births_leak_too(void **state)
{
    struct pairing *p = pairing_create(NULL);

    (void)state;
    add(p, 8, LIFE(BIRTH, -OWNER));
    add(p, 8, LIFE(BIRTH, GET, -LIST_DEL, -OWNER));
    add(p, 4, LIFE(BIRTH, GET, GET, -LIST_DEL, -LIST_DEL));
    assert_true(pairing_solve(p));
    const struct pairing_suspect *s = first(p, 1);
    assert_int_equal(s->take, BIRTH);
    assert_int_equal(s->missing, OWNER);
    pairing_destroy(p);
}

/* A taking that ends at several releases: the missing one is what comes for objects born elsewhere, and never for those
 * that leak; where nobody born alike is freed, it is what others do. */
enum { BIRTH_2 = 20, BIRTH_3, PUT };
static bool is_birth(void *ctx, uint32_t take)
{
    (void)ctx;
    return take == BIRTH || take == BIRTH_2 || take == BIRTH_3;
}

static double by_owner(void *ctx, uint32_t take, uint32_t give)
{
    return is_birth(ctx, take) == (give == OWNER) ? 1 : 0;
}

static void rare_release_is_missing(void **state)
{
    struct pairing_options options = { .birth = is_birth, .affinity = by_owner };
    struct pairing *p = pairing_create(&options);

    (void)state;
    for (int birth = BIRTH; birth <= BIRTH_3; birth = birth == BIRTH ? BIRTH_2 : birth + 1) {
        add(p, 80, LIFE(birth, PUT, -OWNER, -LIST_DEL));
        if (birth != BIRTH_2)
            add(p, 20, LIFE(birth, PUT, -OWNER, -TIMER_DEL));
    }
    add(p, 20, LIFE(BIRTH_2, PUT, -OWNER));
    assert_true(pairing_solve(p));
    const struct pairing_suspect *s = first(p, 1);
    assert_int_equal(s->take, PUT);
    assert_int_equal(s->missing, TIMER_DEL);
    assert_int_equal(s->healthy_took, 280);
    assert_int_equal(s->healthy_gave, 40);
    pairing_destroy(p);
}

static void births_of_others_tell_the_release(void **state)
{
    for (int known = 0; known < 2; known++) {
        struct pairing_options options = { .birth = known ? is_birth : NULL };
        struct pairing *p = pairing_create(&options);

        (void)state;
        add(p, 30, LIFE(BIRTH, PUT, -OWNER, -LIST_DEL));
        add(p, 30, LIFE(BIRTH_3, PUT, -OWNER, -LIST_DEL));
        add(p, 9, LIFE(BIRTH_2, PUT, -LIST_DEL));
        assert_true(pairing_solve(p));
        const struct pairing_suspect *s = first(p, 1);
        assert_int_equal(s->take, BIRTH_2);
        assert_int_equal(s->missing, known ? (uint32_t)OWNER : PAIRING_NONE);
        pairing_destroy(p);
    }
}

static void two_causes_are_told_apart(void **state)
{
    struct pairing *p = pairing_create(NULL);
    struct pairing_entry life[3] = { { BIRTH, 1, 0, 1, 1 }, { TIMER_ADD, 1, 0, 2, 2 }, { OWNER, 0, 1, 3, 3 } };
    const struct pairing_suspect *list;

    (void)state;
    add(p, 9, LIFE(BIRTH, LIST_ADD, -LIST_DEL, -OWNER));
    add(p, 9, LIFE(BIRTH, TIMER_ADD, -TIMER_DEL, -OWNER));
    add(p, 5, LIFE(BIRTH, LIST_ADD, -OWNER));
    add(p, 3, LIFE(BIRTH, TIMER_ADD, -OWNER));
    assert_true(pairing_solve(p));
    assert_int_equal(pairing_suspects(p, &list), 2);
    assert_int_equal(list[0].take, LIST_ADD);
    assert_int_equal(list[1].take, TIMER_ADD);
    assert_int_equal(pairing_judge(p, life, 3), 1);
    life[1].key = LIST_ADD;
    assert_int_equal(pairing_judge(p, life, 3), 0);
    life[1].given = 1;
    assert_int_equal(pairing_judge(p, life, 3), SIZE_MAX); // as much given as taken
    pairing_destroy(p);
}

static void events_of_a_life_are_matched(void **state)
{
    const struct pairing_event events[] = { { BIRTH, true },      { LIST_ADD, true }, { TIMER_ADD, true },
                                            { LIST_DEL, false },  { LIST_ADD, true }, { OWNER, false },
                                            { TIMER_DEL, false }, { GET, false } };
    const size_t want[] = { 5, 3, 6, 1, SIZE_MAX, 0, 2, SIZE_MAX };
    size_t partner[8];
    struct pairing *p = pairing_create(NULL);

    (void)state;
    add(p, 5, LIFE(BIRTH, -OWNER));
    add(p, 5, LIFE(BIRTH, LIST_ADD, -LIST_DEL, -OWNER));
    add(p, 5, LIFE(BIRTH, TIMER_ADD, LIST_ADD, -LIST_DEL, -TIMER_DEL, -OWNER));
    assert_true(pairing_solve(p));
    assert_true(pairing_match(p, events, 8, partner));
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(partner[i], want[i]);
    pairing_destroy(p);
}

/* Ranks say which release came before which taking, and nothing more. */
static void order_is_kept_as_ranks(void **state)
{
    struct pairing_entry e[] = { { 7, 0, 1, 50, 60 }, { 3, 1, 0, 40, 40 }, { 3, 1, 0, 20, 20 },
                                 { 9, 0, 0, 1, 1 },   { 5, 0, 1, 30, 30 }, { 8, 1, 0, 31, 31 } };

    (void)state;
    assert_int_equal(pairing_tidy(e, 6), 4);
    assert_int_equal(e[0].key, 3);
    assert_int_equal(e[0].taken, 2);
    assert_int_equal(e[0].first, 0);
    assert_int_equal(e[1].key, 5);
    assert_int_equal(e[1].last, 0);
    assert_int_equal(e[2].key, 7);
    assert_int_equal(e[2].last, 1);
    assert_int_equal(e[3].key, 8);
    assert_int_equal(e[3].first, 1);
    struct pairing_entry again[4];
    memcpy(again, e, sizeof again);
    assert_int_equal(pairing_tidy(again, 4), 4);
    assert_memory_equal(again, e, sizeof again);
}

static void bags_are_bounded(void **state)
{
    struct pairing_bag bag = { 0 };
    uint64_t lives = 0, common = 0;

    (void)state;
    for (uint32_t i = 0; i < 20 * PAIRING_LIVES_MOST; i++) {
        struct pairing_entry e[2] = { { 1, i % 9973 + 2, 0, 1, 1 }, { 2, 0, i % 9973 + 2, 2, 2 } };
        struct pairing_entry usual[2] = { { 1, 1, 0, 1, 1 }, { 2, 0, 1, 2, 2 } };
        assert_true(pairing_bag_add(&bag, e, 2, 1));
        assert_true(pairing_bag_add(&bag, usual, 2, 3));
        lives += 4;
    }
    assert_true(bag.lives.count <= PAIRING_LIVES_MOST && bag.lives.count > PAIRING_LIVES_MOST / 8);
    assert_int_equal(bag.all, lives);
    lives = 0;
    for (size_t i = 0; i < bag.lives.count; i++) {
        lives += bag.lives.items[i].lives;
        if (bag.entries.items[bag.lives.items[i].first].taken == 1)
            common = bag.lives.items[i].lives;
    }
    assert_int_equal(bag.kept, lives);
    assert_int_equal(common, 60 * PAIRING_LIVES_MOST);
    pairing_bag_deinit(&bag);
}

/* ---- Programs whose truth is known ------------------------------------------------------------------------------- */

static unsigned runs(void)
{
    const char *text = getenv("PAIRING_RUNS");
    return text != NULL ? (unsigned)atoi(text) : 4;
}

static void programs(const struct work_options *options, struct work_tally ret[WORK_CLASSES])
{
    const unsigned objects[] = { 30, 200 }, refs[] = { 3, 8, 30 };
    const double missing[] = { 0.01, 0.15, 0.5 };

    memset(ret, 0, WORK_CLASSES * sizeof *ret);
    for (size_t o = 0; o < 2; o++) {
        for (size_t r = 0; r < 3; r++) {
            for (size_t m = 0; m < 3; m++) {
                struct work_options one = *options;
                one.objects = objects[o];
                one.refs = refs[r];
                one.missing = missing[m];
                work_measure(&one, runs(), ret);
            }
        }
    }
    for (size_t i = 0; i < WORK_CLASSES; i++)
        print_message("%4u runs: first %u, alone %u of them wrong %u, missing %u wrong %u; oldest %u newest %u\n",
                      ret[i].runs, ret[i].first, ret[i].alone, ret[i].alone_wrong, ret[i].missing, ret[i].missing_wrong,
                      ret[i].oldest, ret[i].newest);
    assert_true(ret[WORK_CLASSES - 1].runs >= 10 * runs());
}

/* In short runs one program more or less is chance. */
static bool most(unsigned of, unsigned all, double share)
{
    return of + 1 >= share * all;
}

static bool few(unsigned of, unsigned all, double share)
{
    return of <= share * all + 1;
}

/* The guilty taking is first in 99 %, the missing release is named in 95 %, and nothing named is wrong. */
static void bugs_are_found(void **state)
{
    const struct work_options sorts[] = {
        { .bugs = 1, .callers = true, .order = true, .alike = true },
        { .bugs = 1, .callers = true, .order = true },
        { .bugs = 2, .callers = true, .order = true, .alike = true },
    };
    struct work_tally t[WORK_CLASSES];
    const struct work_tally *all = &t[WORK_CLASSES - 1];

    (void)state;
    for (size_t i = 0; i < sizeof sorts / sizeof *sorts; i++) {
        programs(&sorts[i], t);
        assert_true(most(all->first, all->runs, 0.99));
        assert_true(most(all->missing, all->runs, 0.95));
        assert_true(few(all->missing_wrong, all->runs, 0));
        assert_true(few(all->alone_wrong, all->runs, 0));
        assert_true(all->oldest < all->first && all->newest < all->first / 2);
    }
}

/* One release in five goes another way: one leaked life tells little then, five do. What is named is right. */
static void detours_are_no_bugs(void **state)
{
    struct work_tally t[WORK_CLASSES];

    (void)state;
    for (unsigned bugs = 1; bugs <= 2; bugs++) {
        struct work_options o = { .bugs = bugs, .detour = 0.2, .callers = true, .order = true, .alike = true };
        programs(&o, t);
        assert_true(most(t[2].first, t[2].runs, bugs == 1 ? 0.96 : 0.93));
        assert_true(most(t[2].missing, t[2].runs, 0.88));
        assert_true(few(t[3].missing_wrong, t[3].runs, 0.03));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_alone_pair),
        cmocka_unit_test(what_looks_the_same_is_a_tie),
        cmocka_unit_test(never_seen_in_healthy_lives),
        cmocka_unit_test(births_leak_too),
        cmocka_unit_test(rare_release_is_missing),
        cmocka_unit_test(births_of_others_tell_the_release),
        cmocka_unit_test(two_causes_are_told_apart),
        cmocka_unit_test(events_of_a_life_are_matched),
        cmocka_unit_test(order_is_kept_as_ranks),
        cmocka_unit_test(bags_are_bounded),
        cmocka_unit_test(bugs_are_found),
        cmocka_unit_test(detours_are_no_bugs),
    };
    return cmocka_run_group_tests_name("pairing", tests, NULL, NULL);
}
