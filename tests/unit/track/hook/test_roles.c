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

#define FLAGS(n)                                                                                                       \
    {                                                                                                                  \
        .base = (n), .reads = 1, .width = 4, .add = { 8 }                                                              \
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

/* What its with_memory needs. A type's name is told in three ways. */
static void fill_memory(void)
{
    const uint32_t title = table.text_bytes;
    memcpy(table.text + title, "title", 6);
    table.text_bytes += 6;
    RULE("sink_or_ref", .role = TRK_HOOK_REF, .object.base = 1, .count_offset = 12, .count_width = 4,
         .immortal_mask = 1u << 31, .immortal_value = 1u << 31,
         .test = { { .place = FLAGS(1), .mask = 2, .value = 2, .differs = 1 } });
    RULE("sink_or_ref", .role = TRK_HOOK_SINK, .object.base = 1,
         .test = { { .place = FLAGS(1), .mask = 2, .value = 2 } });
    RULE("give", .role = TRK_HOOK_MOVE, .object.base = 2, .slot.base = 1, .flags = TRK_HOOK_SLOT_IS_HOLDER);
    RULE("take", .role = TRK_HOOK_MOVE, .object.base = TRK_HOOK_RESULT, .from.base = 1,
         .flags = TRK_HOOK_FROM_IS_HOLDER);
    RULE("swap", .role = TRK_HOOK_UNREF, .object.base = 1);
    RULE("swap", .role = TRK_HOOK_REF, .object.base = 2);
    RULE("replace", .role = TRK_HOOK_UNREF, .object.base = 1);
    RULE("replace", .role = TRK_HOOK_REF, .object.base = TRK_HOOK_RESULT);
    RULE("park", .role = TRK_HOOK_PARK, .object.base = 1);
    RULE("reuse", .role = TRK_HOOK_REUSE, .object.base = TRK_HOOK_RESULT);
    RULE("lasting", .role = TRK_HOOK_STAYS, .object.base = TRK_HOOK_RESULT);
    RULE("string_new", .role = TRK_HOOK_NEW, .object.base = TRK_HOOK_RESULT, .flags = TRK_HOOK_FLOATING,
         .name_kind = TRK_HOOK_NAME_STRING, .name = { .base = TRK_HOOK_OBJECT, .reads = 2, .add = { 0, 8 } });
    RULE("title_new", .role = TRK_HOOK_NEW, .object.base = TRK_HOOK_RESULT, .name_kind = TRK_HOOK_NAME_CALL,
         .name_function = title, .name = VARIABLE(TRK_HOOK_OBJECT));
    RULE("looping_new", .role = TRK_HOOK_NEW, .object.base = TRK_HOOK_RESULT, .name_kind = TRK_HOOK_NAME_CALL,
         .name_function = title, .name = VARIABLE(TRK_HOOK_OBJECT));
    RULE("wild", .role = TRK_HOOK_REF, .object = { .base = 1, .reads = 3, .add = { 0, 4096, 1 << 30, -64 } });
}

struct expected {
    uint8_t op;
    int object;       /* bytes behind it */
    uint8_t ext_kind; /* 0: none */
    bool slot;        /* as argument */
    const char *type;
    uint8_t aux;
};

/* Whether the records of objects are these; `other` is the slot or holder, in an EXT slot one byte further. */
static void check_records(const struct testrec *rec, uint64_t object, uint64_t other, const struct expected *expected,
                          size_t count)
{
    size_t n = 0, first = 0;
    while (first < rec->count && !(rec->records[first].op == TRK_OP_NEW && rec->records[first].addr == object))
        first++;
    for (size_t i = first; i < rec->count && n < count; i++) {
        const struct testrec_record *r = &rec->records[i];
        const struct expected *e = &expected[n];
        if (r->op < TRK_OP_NEW || r->op > TRK_OP_REUSE)
            continue;
        assert_int_equal(r->op, e->op);
        assert_int_equal(r->addr, object + (unsigned)e->object);
        assert_int_equal(r->exts, e->ext_kind != 0);
        assert_true(r->exts == 0 || r->ext_kind[0] == e->ext_kind);
        if (r->exts != 0)
            assert_int_equal(r->ext[0], e->ext_kind == TRK_EXT_SLOT   ? other + 1
                                        : e->ext_kind == TRK_EXT_FROM ? other | (uint64_t)1 << 63
                                                                      : other);
        if (r->op == TRK_OP_NEW) {
            size_t length;
            const uint32_t *types = (const uint32_t *)(const void *)(rec->base + rec->hdr->types_off);
            const char *def = testrec_text(rec, types[r->arg], TRK_TEXT_TYPE, &length);
            assert_true(r->aux == e->aux && length == sizeof(struct trk_type_def) + strlen(e->type));
            assert_memory_equal(def + sizeof(struct trk_type_def), e->type, strlen(e->type));
        } else {
            assert_int_equal(r->arg, e->slot ? other >> 3 : 0);
        }
        assert_int_equal(r->stack != 0, r->op != TRK_OP_MAY_LEAK);
        n++;
    }
    assert_int_equal(n, count);
}

static uint64_t calls_of(const struct testrec *rec, uint32_t i)
{
    uint64_t calls = 0;
    for (uint64_t k = 0; k < rec->hdr->ring_count; k++)
        calls += rec->hooks->calls[k][i];
    for (uint64_t k = 0; k < TRK_PROC_MAX; k++)
        calls += rec->hooks->unringed[k][i];
    return calls;
}

/* How often TARGET calls a function. */
static unsigned calls_made(const char *name)
{
    static const char *const twice[] = { "first_ref", "tagged_ref", "string_new", "title_new" };
    static const char *const thrice[] = { "sink_or_ref", "looping_new", "wild" };
    for (size_t i = 0; i < sizeof twice / sizeof twice[0]; i++)
        if (strcmp(name, twice[i]) == 0)
            return 2;
    for (size_t i = 0; i < sizeof thrice / sizeof thrice[0]; i++)
        if (strcmp(name, thrice[i]) == 0)
            return 3;
    return 1;
}

static void check_roles(const struct testrec_config *base)
{
    static const struct expected simple[] = {
        { .op = TRK_OP_NEW, .type = "pair_new" },
        { .op = TRK_OP_NEW, .type = "out_new" },
        { .op = TRK_OP_REF },
        { .op = TRK_OP_UNREF },
        { .op = TRK_OP_UNREF },
        { .op = TRK_OP_REF, .slot = true },
        { .op = TRK_OP_REF, .ext_kind = TRK_EXT_SLOT },
        { .op = TRK_OP_REF },
        { .op = TRK_OP_REF, .object = 16 },
        { .op = TRK_OP_SINK, .slot = true },
        { .op = TRK_OP_WEAK_SET, .slot = true },
        { .op = TRK_OP_WEAK_CLEAR, .slot = true },
        { .op = TRK_OP_DEL },
    };
    static const struct expected memory[] = {
        { .op = TRK_OP_NEW, .type = "Red", .aux = 1 },
        { .op = TRK_OP_SINK },
        { .op = TRK_OP_REF },
        { .op = TRK_OP_NEW, .type = "Blue", .aux = 1 },
        { .op = TRK_OP_NEW, .type = "Class 2" },
        { .op = TRK_OP_NEW, .type = "looping_new", .object = 32 },
        { .op = TRK_OP_NEW, .type = "Class 1" },
        { .op = TRK_OP_NEW, .type = "looping_new", .object = 32 },
        { .op = TRK_OP_NEW, .type = "Class 1" },
        { .op = TRK_OP_MOVE, .ext_kind = TRK_EXT_TO_HOLDER },
        { .op = TRK_OP_MOVE, .ext_kind = TRK_EXT_FROM },
        { .op = TRK_OP_UNREF, .object = 16 },
        { .op = TRK_OP_REF },
        { .op = TRK_OP_UNREF, .object = 16 },
        { .op = TRK_OP_REF },
        { .op = TRK_OP_PARK },
        { .op = TRK_OP_REUSE },
        { .op = TRK_OP_MAY_LEAK },
    };
    struct testrec rec;
    struct testrec_config config = *base;
    uintptr_t object, slot, one, box;
    fill();
    fill_memory();
    config.hooks = &table;
    run(&rec, &config);
    assert_int_equal(rec.status, 3 << 8);
    assert_int_equal(sscanf(rec.output, "%lx %lx %lx %lx", &object, &slot, &one, &box), 4);
    check_records(&rec, object, slot, simple, sizeof simple / sizeof simple[0]);
    check_records(&rec, one, box, memory, sizeof memory / sizeof memory[0]);
    assert_int_equal(rec.hooks->used, table.rules);
    for (uint32_t i = 0; i < rec.hooks->used; i++) {
        const struct trk_shm_hook *found = &rec.hooks->found[i];
        assert_int_equal(found->state, TRK_HOOK_ON);
        assert_int_equal(calls_of(&rec, found->calls), calls_made(table.text + table.rule[found->rule].function));
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

static unsigned rounds = 24;

/* Anything, or what is nearly right. */
static void spoil_place(struct trk_hook_place *place)
{
    for (size_t i = 0; i < sizeof *place; i++)
        ((unsigned char *)place)[i] = (unsigned char)rand();
    if (rand() % 8 == 0)
        return;
    place->base = (uint8_t)(rand() % (TRK_HOOK_OBJECT + 1));
    place->reads = (uint8_t)(rand() % (TRK_HOOK_READS + 1));
    place->width = (uint8_t)(1 << rand() % 4);
    for (unsigned i = 0; i <= TRK_HOOK_READS && rand() % 4 != 0; i++)
        place->add[i] = rand() % 64 - 32;
}

/* A rule for one of TARGET's functions that says anything. */
static void spoil_rule(struct trk_hook_rule *r, uint32_t function)
{
    for (size_t i = 0; i < sizeof *r; i++)
        ((unsigned char *)r)[i] = (unsigned char)rand();
    r->library = r->type = 0;
    r->function = function;
    r->role = (uint8_t)(rand() % TRK_HOOK_ROLES);
    r->count_width = rand() % 2 == 0 ? (uint8_t)(1 << rand() % 4) : 0;
    spoil_place(&r->object);
    spoil_place(&r->slot);
    spoil_place(&r->from);
    spoil_place(&r->name);
    for (unsigned i = 0; i < TRK_HOOK_TESTS; i++) {
        spoil_place(&r->test[i].place);
        r->test[i].mask = rand() % 2 != 0 ? 0 : r->test[i].mask;
        r->test[i].value = rand() % 2 != 0 ? 0 : r->test[i].value;
    }
}

/* Tables of random bytes, and real ones in which some bytes are others. Only which functions of the program are called,
 * for a name or at the start, is a matter of trust: no rule says so here. */
static void test_hostile(void **state)
{
    (void)state;
    srand(7);
    for (unsigned round = 0; round < rounds; round++) {
        struct testrec rec;
        fill();
        fill_memory();
        uint32_t keep = table.rules;
        for (size_t i = 0; i < sizeof table.rule; i++)
            if (round % 4 == 0 || (round % 4 != 3 && rand() % 40 == 0))
                ((unsigned char *)table.rule)[i] = (unsigned char)rand();
        for (uint32_t i = 0; i < TRK_HOOK_RULES && round % 4 == 3; i++)
            spoil_rule(&table.rule[i], table.rule[(uint32_t)rand() % keep].function);
        for (size_t i = 0; i < sizeof table.text && round % 4 == 1; i++)
            table.text[i] = (char)(rand() % 8 == 0 ? rand() : table.text[i]);
        table.rules = round % 4 == 0 ? UINT32_MAX : round % 4 == 1 ? keep : TRK_HOOK_RULES;
        table.text_bytes = round % 5 == 0 ? UINT32_MAX : table.text_bytes;
        table.used = round % 7 == 0 ? UINT32_MAX : 0;
        for (uint32_t i = 0; i < TRK_HOOK_RULES; i++) {
            if (table.rule[i].name_kind == TRK_HOOK_NAME_CALL)
                table.rule[i].name_kind = TRK_HOOK_NAME_STRING;
            if (table.rule[i].role == TRK_HOOK_CALL)
                table.rule[i].role = TRK_HOOK_WRAPPER;
        }
        run(&rec, &(struct testrec_config){ .hooks = &table });
        if (rec.status != 3 << 8)
            fail_msg("round %u: status %x: %s", round, rec.status, rec.output);
        testrec_deinit(&rec);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1)
        rounds = (unsigned)strtoul(argv[1], NULL, 10);
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_stacks),
        cmocka_unit_test(test_exact_time_is_slow),
        cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
