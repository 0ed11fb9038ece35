/* What rules say is what calls are recorded as; and no table, whatever is in it, harms the program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "../engine/testrec.h"

static struct trk_shm_hooks table;

static void rule(const char *function, const struct trk_hook_rule *what)
{
    struct trk_hook_rule *r = &table.rule[table.rules++];
    *r = *what;
    r->function = table.text_bytes;
    strcpy(table.text + table.text_bytes, function);
    table.text_bytes += (uint32_t)strlen(function) + 1;
}

#define RULE(name, ...) rule(name, &(struct trk_hook_rule){ __VA_ARGS__ })
#define VARIABLE(n)                                                                                                    \
    {                                                                                                                  \
        .base = (n), .reads = 1                                                                                        \
    }
#define FOUR_AT(where)                                                                                                 \
    {                                                                                                                  \
        {                                                                                                              \
            .place.base = (where), .mask = 4, .value = 4                                                               \
        }                                                                                                              \
    }

static void run(struct testrec *rec, const struct testrec_config *config)
{
    static const char *const argv[] = { TARGET, NULL };
    testrec_record(rec, config, argv, NULL, PRELOAD);
}

/* All the ways of TARGET, in its order. */
static void fill(void)
{
    memset(&table, 0, sizeof table);
    table.text_bytes = 1;
    RULE("pair_new", .role = TRK_HOOK_NEW, .object.base = TRK_HOOK_RESULT_HIGH, .test = FOUR_AT(TRK_HOOK_RESULT));
    RULE("out_new", .role = TRK_HOOK_NEW, .object = VARIABLE(1));
    RULE("first_ref", .role = TRK_HOOK_REF, .object.base = 1);
    RULE("third_unref", .role = TRK_HOOK_UNREF, .object.base = 3);
    RULE("clear", .role = TRK_HOOK_UNREF, .object = VARIABLE(1));
    RULE("into_slot", .role = TRK_HOOK_REF, .object.base = 1, .slot.base = 2);
    RULE("odd_slot", .role = TRK_HOOK_REF, .object.base = 1, .slot.base = 2);
    RULE("tagged_ref", .role = TRK_HOOK_REF, .object.base = 2, .test = FOUR_AT(1));
    RULE("result_ref", .role = TRK_HOOK_REF, .object.base = TRK_HOOK_RESULT);
    RULE("sink_it", .role = TRK_HOOK_SINK, .object.base = 1, .slot.base = 2);
    RULE("weak_set", .role = TRK_HOOK_WEAK_SET, .object.base = 2, .slot.base = 1);
    RULE("weak_clear", .role = TRK_HOOK_WEAK_CLEAR, .object.base = 2, .slot.base = 1);
    RULE("kill_it", .role = TRK_HOOK_FREE, .object.base = 1);
}

static void check_roles(const struct testrec_config *base)
{
    static const struct {
        uint8_t op;
        int object; /* bytes behind it */
        int slot;   /* 1: the slot; 2: as an EXT slot, one byte further */
    } expected[] = {
        { TRK_OP_NEW, 0, 0 },   { TRK_OP_NEW, 0, 0 },  { TRK_OP_REF, 0, 0 },      { TRK_OP_UNREF, 0, 0 },
        { TRK_OP_UNREF, 0, 0 }, { TRK_OP_REF, 0, 1 },  { TRK_OP_REF, 0, 2 },      { TRK_OP_REF, 0, 0 },
        { TRK_OP_REF, 16, 0 },  { TRK_OP_SINK, 0, 1 }, { TRK_OP_WEAK_SET, 0, 1 }, { TRK_OP_WEAK_CLEAR, 0, 1 },
        { TRK_OP_DEL, 0, 0 },
    };
    enum { EXPECTED = sizeof expected / sizeof expected[0] };
    struct testrec rec;
    struct testrec_config config = *base;
    uintptr_t object, slot;
    size_t n = 0;
    fill();
    config.hooks = &table;
    run(&rec, &config);
    assert_int_equal(rec.status, 3 << 8);
    assert_int_equal(sscanf(rec.output, "%lx %lx", &object, &slot), 2);
    for (size_t i = 0; i < rec.count; i++) {
        const struct testrec_record *r = &rec.records[i];
        if (r->op < TRK_OP_NEW || r->op > TRK_OP_SINK || r->op == TRK_OP_MOVE)
            continue;
        assert_true(n < EXPECTED);
        assert_int_equal(r->op, expected[n].op);
        assert_int_equal(r->addr, object + (unsigned)expected[n].object);
        if (r->op != TRK_OP_NEW)
            assert_int_equal(r->arg, expected[n].slot == 1 ? slot >> 3 : 0);
        assert_int_equal(r->exts, expected[n].slot == 2);
        if (r->exts)
            assert_true(r->ext_kind[0] == TRK_EXT_SLOT && r->ext[0] == slot + 1);
        assert_true(r->stack != 0);
        n++;
    }
    assert_int_equal(n, EXPECTED);
    assert_int_equal(rec.hooks->used, table.rules);
    for (uint32_t i = 0; i < rec.hooks->used; i++) {
        uint64_t calls = 0;
        for (uint64_t k = 0; k < rec.hdr->ring_count; k++)
            calls += rec.hooks->calls[k][i];
        for (uint64_t k = 0; k < TRK_PROC_MAX; k++)
            calls += rec.hooks->unringed[k][i];
        const char *name = table.text + table.rule[rec.hooks->found[i].rule].function;
        assert_int_equal(rec.hooks->found[i].state, TRK_HOOK_ON);
        assert_int_equal(calls, strcmp(name, "first_ref") == 0 || strcmp(name, "tagged_ref") == 0 ? 2 : 1);
    }
    testrec_deinit(&rec);
}

static void test_roles(void **state)
{
    (void)state;
    check_roles(&(struct testrec_config){ 0 });
}

/* The same with whole stacks: they begin at the caller. */
static void test_stacks(void **state)
{
    (void)state;
    check_roles(&(struct testrec_config){ .birth = 64, .ref = 8 });
}

static void test_exact_time_is_slow(void **state)
{
    struct testrec rec;
    (void)state;
    fill();
    run(&rec, &(struct testrec_config){ .hooks = &table, .filter = "objects=1/1" });
    assert_int_equal(rec.status, 3 << 8);
    testrec_deinit(&rec);
}

/* Tables of random bytes, and real ones in which some bytes are others. */
static void test_hostile(void **state)
{
    (void)state;
    srand(7);
    for (int round = 0; round < 24; round++) {
        struct testrec rec;
        fill();
        uint32_t keep = table.rules;
        for (size_t i = 0; i < sizeof table.rule; i++)
            if (round % 3 == 0 || rand() % 40 == 0)
                ((unsigned char *)table.rule)[i] = (unsigned char)rand();
        for (size_t i = 0; i < sizeof table.text && round % 3 == 1; i++)
            table.text[i] = (char)(rand() % 8 == 0 ? rand() : table.text[i]);
        table.rules = round % 4 == 0 ? UINT32_MAX : round % 4 == 1 ? keep : TRK_HOOK_RULES;
        table.text_bytes = round % 5 == 0 ? UINT32_MAX : table.text_bytes;
        table.used = round % 7 == 0 ? UINT32_MAX : 0;
        for (uint32_t i = 0; i < TRK_HOOK_RULES; i++)
            table.rule[i].role =
                table.rule[i].role == TRK_HOOK_NEW || table.rule[i].object.reads != 0
                    ? 0 /* a rule may say that a number is an address: that it is not is hard to know */
                    : table.rule[i].role;
        run(&rec, &(struct testrec_config){ .hooks = &table });
        if (rec.status != 3 << 8)
            fail_msg("round %d: status %x: %s", round, rec.status, rec.output);
        testrec_deinit(&rec);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_stacks),
        cmocka_unit_test(test_exact_time_is_slow),
        cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
