/* Calls that need no handler: they are recorded as others are, leave every register as it was, can be unwound after
 * each of their instructions, and are few instructions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "../engine/testrec.h"

enum { CALLS = 1000, STEPPED = 8 };

/* An object in each register from which it is taken; what nasty_registers puts there. */
static const struct way {
    uint8_t role, base, op;
    uint64_t object;
    long steps; /* a call whose site is known has at most so many in libtrack */
} ways[] = {
    { TRK_HOOK_REF, 1, TRK_OP_REF, 0x1004, 80 }, { TRK_HOOK_UNREF, 1, TRK_OP_UNREF, 0x1004, 80 },
    { TRK_HOOK_REF, 2, TRK_OP_REF, 0x1003, 0 },  { TRK_HOOK_UNREF, 3, TRK_OP_UNREF, 0x1002, 0 },
    { TRK_HOOK_REF, 4, TRK_OP_REF, 0x1001, 0 }, /* by the handlers for all rules */
    { TRK_HOOK_FREE, 1, TRK_OP_DEL, 0x1004, 0 }, { TRK_HOOK_NEW, TRK_HOOK_RESULT, TRK_OP_NEW, 0x1000, 130 },
};

/* few: a call whose site is known takes the short way. */
static void judge(const struct way *way, struct testrec *rec, bool few)
{
    size_t seen = 0;
    if (rec->status != 0)
        fail_msg("the program ended with %x: %s", rec->status, rec->output);
    for (size_t i = 0; i < rec->count; i++) {
        if (rec->records[i].op != way->op)
            continue;
        assert_true(seen >= CALLS || rec->records[i].addr == way->object);
        assert_true(rec->records[i].stack != 0);
        seen++;
    }
    /* A second argument and further ones are not told in the second half. */
    assert_true(seen == CALLS + STEPPED || (way->base > 1 && way->base <= 6 && seen >= CALLS));
    assert_int_equal(testrec_said(rec, "changed"), 0);
    assert_int_equal(testrec_said(rec, "wrong"), 0);
    assert_int_equal(testrec_said(rec, "lost"), 0);
    assert_true(testrec_said(rec, "fewest") > 20);
    if (few && way->steps > 0 && testrec_said(rec, "fewest") > way->steps)
        fail_msg("%ld instructions, %ld are allowed", (long)testrec_said(rec, "fewest"), way->steps);
    for (uint32_t i = 0; i < rec->hooks->used; i++) {
        uint64_t calls = 0;
        for (uint64_t k = 0; k < rec->hdr->ring_count; k++)
            calls += rec->hooks->calls[k][i];
        assert_int_equal(rec->hooks->found[i].state, TRK_HOOK_ON);
        assert_int_equal(calls, i == 0 ? CALLS : STEPPED);
    }
    testrec_deinit(rec);
}

static void run(const struct way *way, bool frozen, const struct testrec_config *base)
{
    static struct trk_shm_hooks table;
    static const char *const names[] = { "nasty_changes_nothing", "nasty_next" };
    static const char *const argv[] = { TARGET, NULL };
    struct testrec_config config = *base;
    struct testrec rec;
    int out;
    memset(&table, 0, sizeof table);
    table.text_bytes = 1;
    for (int i = 0; i < 2; i++) {
        table.rule[table.rules++] =
            (struct trk_hook_rule){ .role = way->role, .function = table.text_bytes, .object.base = way->base };
        strcpy(table.text + table.text_bytes, names[i]);
        table.text_bytes += (uint32_t)strlen(names[i]) + 1;
    }
    config.hooks = &table;
    if (!frozen) {
        testrec_record(&rec, &config, argv, NULL, PRELOAD);
        judge(way, &rec, false);
        return;
    }
    testrec_init(&rec, &config);
    pid_t pid = testrec_spawn(&rec, argv, NULL, PRELOAD, &out);
    assert_true(testrec_accept(&rec, TESTREC_SECONDS * 1000));
    rec.frozen = true; /* its time stands still: no call has to look at what is due */
    testrec_finish(&rec, pid, out, TESTREC_SECONDS);
    judge(way, &rec, config.ref <= 1);
}

static void test_call_sites(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        run(&ways[i], true, &(struct testrec_config){ 0 });
}

static void test_stacks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i += sizeof ways / sizeof ways[0] - 1)
        run(&ways[i], true, &(struct testrec_config){ .birth = 64, .ref = 8 });
}

/* Rings that are full again and again: what is unusual is left to handlers that know what to do. */
static void test_small_rings(void **state)
{
    (void)state;
    run(&ways[0], false, &(struct testrec_config){ .rings = { { 4, 6 } } });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_call_sites),
        cmocka_unit_test(test_stacks),
        cmocka_unit_test(test_small_rings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
