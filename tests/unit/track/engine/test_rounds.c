/* test_rounds.c: what a place in the code writes does not depend on how often it did before, nor on how it gets to the
 * ring: by a call, by a call that finds its stack in the cache, or in place (track/inline.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "testrec.h"

struct expected {
    enum trk_op op;
    unsigned aux;
    uint64_t addr, arg;
    unsigned ext_kind[2];
    uint64_t ext_value[2];
};

#define U TRK_COUNT_UNKNOWN

/* As rounds_target.c writes them. */
static const struct expected expected[] = {
    { TRK_OP_REF, U, 0x10010, 0x20008 >> 3, { 0, 0 }, { 0, 0 } },
    { TRK_OP_REF, U, 0x7ffffffffff8, 0, { 0, 0 }, { 0, 0 } },
    { TRK_OP_UNREF, U, 0x10010, 0x20008 >> 3, { 0, 0 }, { 0, 0 } },
    { TRK_OP_UNREF, U, 0x10010, 0, { TRK_EXT_SLOT, 0 }, { 0x20009, 0 } },
    { TRK_OP_REF, U, 0x10010, 0, { TRK_EXT_HOLDER, 0 }, { 0x30010, 0 } },
    { TRK_OP_REF, 61, 0x10010, 0x20010 >> 3, { 0, 0 }, { 0, 0 } },
    { TRK_OP_REF, TRK_COUNT_EXT, 0x10010, 0x20010 >> 3, { TRK_EXT_COUNT, 0 }, { 62, 0 } },
    { TRK_OP_UNREF, 0, 0x10010, 0x20010 >> 3, { 0, 0 }, { 0, 0 } },
    { TRK_OP_UNREF, TRK_COUNT_EXT, 0x10010, 0x20010 >> 3, { TRK_EXT_COUNT, 0 }, { UINT64_MAX, 0 } },
    { TRK_OP_REF, 2, 0x10010, 0x7ffffffffff8 >> 3, { TRK_EXT_SEQ, 0 }, { 0xfffffffe, 0 } },
    { TRK_OP_UNREF, TRK_COUNT_EXT, 0x10010, 0x20010 >> 3, { TRK_EXT_COUNT, TRK_EXT_SEQ }, { 99, 5 } },
    { TRK_OP_REF, 2, 0x10020, 0x20018 >> 3, { TRK_EXT_SEQ, 0 }, { 7, 0 } },
    { TRK_OP_UNREF, 1, 0x10020, 0x20018 >> 3, { TRK_EXT_SEQ, 0 }, { 8, 0 } },
};
enum { PLACES = sizeof expected / sizeof expected[0], ROUNDS = 200, PROCS = 2 };

static void check(const struct testrec_record *r, const struct expected *e, size_t n)
{
    unsigned exts = (e->ext_kind[0] != 0) + (e->ext_kind[1] != 0);
    if (r->op != e->op || r->aux != e->aux || r->addr != e->addr || r->arg != e->arg || r->exts != exts)
        fail_msg("event %zu: op %u aux %u addr %#lx arg %#lx exts %u", n, r->op, r->aux, (long)r->addr, (long)r->arg,
                 r->exts);
    for (unsigned i = 0; i < exts; i++) {
        uint64_t value;
        if (!testrec_ext(r, e->ext_kind[i], &value) || value != e->ext_value[i])
            fail_msg("event %zu: ext %u is missing or wrong", n, e->ext_kind[i]);
    }
}

/* Every record is that of its place, in each process; a place keeps its stack, and no two have the same. reloaded: the
 * code came anew after half of the rounds. */
static void check_all(const struct testrec *rec, const size_t rounds[PROCS], bool reloaded)
{
    size_t seen[PROCS] = { 0 };
    uint32_t stacks[PROCS][PLACES] = { { 0 } };
    for (size_t i = 0; i < rec->count; i++) {
        const struct testrec_record *r = &rec->records[i];
        if (r->op != TRK_OP_REF && r->op != TRK_OP_UNREF)
            continue;
        assert_true(r->proc < PROCS);
        size_t n = seen[r->proc]++, place = n % PLACES;
        uint32_t *stack = &stacks[r->proc][place];
        check(r, &expected[place], n);
        assert_int_not_equal(r->stack, 0);
        if (*stack == 0 || (reloaded && n / PLACES == rounds[0] / 2))
            *stack = r->stack;
        if (*stack != r->stack)
            fail_msg("event %zu: stack %u, before %u", n, r->stack, *stack);
        for (size_t other = 0; other < place; other++)
            assert_int_not_equal(stacks[r->proc][other], *stack);
    }
    for (size_t p = 0; p < PROCS; p++)
        assert_int_equal(seen[p], rounds[p] * PLACES);
    assert_int_equal(rec->bad + rec->holes, 0);
    assert_int_equal(testrec_ring_dropped(rec) + testrec_proc_dropped(rec) + testrec_emergency(rec), 0);
}

static void run(struct testrec *rec, const char *const argv[], unsigned depth)
{
    struct testrec_config config = { .birth = depth, .ref = depth, .free = depth };
    testrec_record(rec, &config, argv, NULL, NULL);
    if (rec->status != 0)
        fail_msg("%s: status %#x: %s", argv[0], (unsigned)rec->status, rec->output);
}

static const char *const programs[] = { ROUNDS_CALL, ROUNDS_INLINE, ROUNDS_STATIC, ROUNDS_FIXED };
enum { PROGRAMS = sizeof programs / sizeof programs[0] };

static void equal_rounds(void **state)
{
    (void)state;
    for (unsigned depth = 1; depth <= 8; depth += 7) {
        for (size_t p = 0; p < PROGRAMS; p++) {
            struct testrec rec;
            const char *argv[] = { programs[p], "rounds", "200", NULL };
            run(&rec, argv, depth);
            check_all(&rec, (size_t[]){ ROUNDS, 0 }, false);
            testrec_deinit(&rec);
        }
    }
}

/* The child's state was wiped, its words were not. */
static void after_fork(void **state)
{
    (void)state;
    for (unsigned depth = 1; depth <= 8; depth += 7) {
        for (size_t p = 0; p < PROGRAMS; p++) {
            struct testrec rec;
            const char *argv[] = { programs[p], "fork", "200", NULL };
            run(&rec, argv, depth);
            check_all(&rec, (size_t[]){ 3 * ROUNDS, ROUNDS }, false);
            testrec_deinit(&rec);
        }
    }
}

/* Loaded, unloaded, loaded again: its words begin anew with it. */
static void plugin(void **state)
{
    (void)state;
    for (size_t p = 0; p < PROGRAMS; p++) {
        struct testrec rec;
        const char *argv[] = { programs[p], "plugin", "100", ROUNDS_PLUGIN_FILE, NULL };
        run(&rec, argv, 1);
        assert_int_equal(testrec_said(&rec, "gone0"), 1);
        assert_int_equal(testrec_said(&rec, "gone1"), 1);
        check_all(&rec, (size_t[]){ ROUNDS, 0 }, true);
        testrec_deinit(&rec);
    }
}

/* Otherwise this test would not notice that nothing is ever written in place. A record is when it fits (eight of the
 * places), its call site is all that is asked for, and nothing is due. */
static void calls_are_rare(void **state)
{
    (void)state;
    struct testrec rec;
    const char *argv[] = { ROUNDS_COUNTED, "rounds", "200", NULL };
    run(&rec, argv, 1);
    assert_int_equal(testrec_count(&rec, TRK_OP_REF) + testrec_count(&rec, TRK_OP_UNREF), ROUNDS * PLACES);
    assert_in_range(testrec_said(&rec, "calls"), ROUNDS * 5, ROUNDS * 7);
    testrec_deinit(&rec);
    run(&rec, argv, 8);
    assert_int_equal(testrec_said(&rec, "calls"), ROUNDS * PLACES);
    testrec_deinit(&rec);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_rounds),
        cmocka_unit_test(after_fork),
        cmocka_unit_test(plugin),
        cmocka_unit_test(calls_are_rare),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
