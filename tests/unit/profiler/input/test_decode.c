/* test_decode.c: slots to events, good and bad ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <input/decode.h>

static uint64_t w0(unsigned op, unsigned aux, uint64_t addr, uint32_t stack)
{
    return (uint64_t)op << TRK_OP_SHIFT | (uint64_t)aux << TRK_AUX_SHIFT |
           (uint64_t)(stack >> TRK_STACK_LO_BITS) << TRK_STACK_HI_SHIFT | addr << TRK_ADDR_SHIFT;
}

static uint64_t w1(uint64_t arg, uint32_t stack)
{
    return arg << TRK_ARG_SHIFT | (stack & TRK_STACK_LO_MASK);
}

static struct trk_slot ext(unsigned kind, uint64_t value)
{
    return (struct trk_slot){ (uint64_t)TRK_OP_EXT << TRK_OP_SHIFT | (uint64_t)kind << TRK_EXT_SHIFT, value };
}

static struct prof_decoder decoder;

static size_t decode(const struct trk_slot *slots, size_t count, struct prof_event *events, size_t room)
{
    size_t pos = 0;
    memset(&decoder, 0, sizeof decoder);
    memset(events, 0xaa, room * sizeof *events);
    size_t n = prof_decode(&decoder, slots, count, &pos, events, room);
    assert_true(n == room || pos == count);
    return n;
}

static void members(void **state)
{
    (void)state;
    const struct trk_slot slots[] = {
        { w0(TRK_OP_TICK, 0, 0, 0), w1(1234, 0) },
        { w0(TRK_OP_THREAD, 0, 77, 0), w1(1300, 0) },
        { w0(TRK_OP_ALLOC, TRK_ALLOC_CALLOC, 0x7fffffffffff, 0xabcdef), w1(((uint64_t)1 << 44) - 1, 0xabcdef) },
        { w0(TRK_OP_REF, 61, 0x1000, 5), w1(0x2000 >> 3, 5) },
        { w0(TRK_OP_UNREF, TRK_COUNT_UNKNOWN, 0x1000, 0), w1(0, 0) },
        { w0(TRK_OP_NEW, 1, 0x1000, 0), w1(3, 0) },
        { w0(TRK_OP_SKIP, 0, 0, 0), 0 },
        { 0, 0 },
    };
    struct prof_event e[8];
    assert_int_equal(decode(slots, 8, e, 8), 4);
    assert_int_equal(e[0].op, TRK_OP_ALLOC);
    assert_int_equal(e[0].addr, 0x7fffffffffff);
    assert_int_equal(e[0].size, ((uint64_t)1 << 44) - 1);
    assert_int_equal(e[0].stack, 0xabcdef);
    assert_int_equal(e[0].aux, TRK_ALLOC_CALLOC);
    assert_int_equal(e[0].time_us, 1300);
    assert_int_equal(e[0].tid, 77);
    assert_int_equal(e[0].flags, 0);
    assert_int_equal(e[0].from, 0);
    assert_int_equal(e[1].flags, PROF_EVENT_COUNT | PROF_EVENT_SLOT);
    assert_int_equal(e[1].count, 61);
    assert_int_equal(e[1].slot, 0x2000);
    assert_int_equal(e[2].flags, 0);
    assert_int_equal(e[3].size, 3);
    assert_int_equal(e[3].aux, 1);
    assert_int_equal(decoder.records, 8);
}

static void extensions(void **state)
{
    (void)state;
    const struct trk_slot slots[] = {
        { w0(TRK_OP_REF, TRK_COUNT_EXT, 0x1000, 0), w1(0, 0) },
        ext(TRK_EXT_COUNT, (uint64_t)-5),
        ext(TRK_EXT_SLOT, 0x2004),
        { w0(TRK_OP_MOVE, 0, 0x1000, 0), w1(0x3000 >> 3, 0) },
        ext(TRK_EXT_FROM, 0x4000 | (uint64_t)1 << 63),
        { w0(TRK_OP_MOVE, 0, 0x1000, 0), w1(0, 0) },
        ext(TRK_EXT_TO_HOLDER, 0x5000),
        { w0(TRK_OP_ALLOC, TRK_ALLOC_REALLOC, 0x1000, 0), w1(9, 0) },
        ext(TRK_EXT_OLD, 0x6000),
        ext(TRK_EXT_COUNT, 3), /* of no use here */
        { w0(TRK_OP_CONTEXT, 0, 0, 0), 0 },
        ext(TRK_EXT_TEXT, 8),
        ext(TRK_EXT_VALUE, 4711),
        { w0(TRK_OP_UNREF, TRK_COUNT_UNKNOWN, 0x1000, 0), w1(0, 0) },
        ext(TRK_EXT_HOLDER, 0x7000),
        ext(200, 1), /* unknown kind */
        { w0(TRK_OP_COUNT_SEEN, 0, 0x1000, 0), 0 },
        ext(TRK_EXT_COUNT, (uint64_t)1 << 40),
    };
    struct prof_event e[16];
    assert_int_equal(decode(slots, sizeof slots / sizeof slots[0], e, 16), 7);
    assert_int_equal(e[0].flags, PROF_EVENT_COUNT | PROF_EVENT_SLOT);
    assert_int_equal(e[0].count, -5);
    assert_int_equal(e[0].slot, 0x2004);
    assert_int_equal(e[1].flags, PROF_EVENT_SLOT | PROF_EVENT_FROM | PROF_EVENT_FROM_HOLDER);
    assert_int_equal(e[1].slot, 0x3000);
    assert_int_equal(e[1].from, 0x4000);
    assert_int_equal(e[2].flags, PROF_EVENT_HOLDER);
    assert_int_equal(e[2].slot, 0x5000);
    assert_int_equal(e[3].from, 0x6000);
    assert_int_equal(e[3].flags, 0);
    assert_int_equal(e[4].text, 8);
    assert_int_equal(e[4].count, 4711);
    assert_int_equal(e[5].flags, PROF_EVENT_HOLDER);
    assert_int_equal(e[5].slot, 0x7000);
    assert_int_equal(e[6].count, INT32_MAX);
    assert_int_equal(decoder.strays, 0);
}

static void nonsense_is_skipped(void **state)
{
    (void)state;
    const struct trk_slot slots[] = {
        ext(TRK_EXT_SLOT, 1),               /* stray */
        { w0(63, 0, 0x1000, 0), w1(1, 0) }, /* unknown op, with extensions */
        ext(TRK_EXT_TEXT, 1),
        ext(TRK_EXT_TEXT, 1),
        { w0(TRK_OP_NEW, 0, 0x1000, 0), w1(TRK_TYPE_MAX, 0) }, /* type out of range */
        { w0(TRK_OP_FREE, 40, 0x1000, 0), 0 },                 /* kind out of range */
        { w0(TRK_OP_TOUCH, 0, 0x1000, 0), 0 },
        ext(TRK_EXT_TEXT, (uint64_t)1 << 40), /* text out of range */
        ext(TRK_EXT_TEXT, (uint64_t)1 << 40),
        ext(TRK_EXT_TEXT, (uint64_t)1 << 40),
        ext(TRK_EXT_TEXT, (uint64_t)1 << 40),
        ext(TRK_EXT_TEXT, 7),                            /* the fifth belongs to nobody */
        { w0(TRK_OP_REF, TRK_COUNT_EXT, 0x1000, 0), 0 }, /* the count is missing */
        { w0(TRK_OP_REF, TRK_COUNT_UNKNOWN, 0x1000, 0), 0 },
        ext(TRK_EXT_SLOT, ~(uint64_t)0), /* no address can be that */
        { w0(TRK_OP_TICK, 0, 0, 0), w1(500, 0) },
        { w0(TRK_OP_TICK, 0, 0, 0), w1(400, 0) }, /* time does not go back */
        { w0(TRK_OP_DEL, 0, 0x1000, 0), 0 },
    };
    struct prof_event e[16];
    assert_int_equal(decode(slots, sizeof slots / sizeof slots[0], e, 16), 6);
    assert_int_equal(decoder.strays, 2);
    assert_int_equal(decoder.unknown, 1);
    assert_int_equal(e[0].size, 0);
    assert_int_equal(e[1].aux, TRK_ALLOC_MALLOC);
    assert_int_equal(e[2].text, 0);
    assert_int_equal(e[3].flags, 0);
    assert_int_equal(e[4].flags, PROF_EVENT_HOLDER);
    assert_true(e[4].slot <= PROF_ADDR_MASK);
    assert_int_equal(e[5].time_us, 500);
}

static void room_runs_out(void **state)
{
    (void)state;
    const struct trk_slot slots[] = {
        { w0(TRK_OP_DEL, 0, 0x1000, 0), 0 },    { w0(TRK_OP_MOVE, 0, 0x2000, 0), 0 }, ext(TRK_EXT_FROM, 0x10),
        { w0(TRK_OP_TICK, 0, 0, 0), w1(9, 0) }, { w0(TRK_OP_DEL, 0, 0x3000, 0), 0 },
    };
    struct prof_decoder d = { 0 };
    struct prof_event e[2];
    size_t pos = 0;
    assert_int_equal(prof_decode(&d, slots, 5, &pos, e, 1), 1);
    assert_int_equal(pos, 1);
    assert_int_equal(prof_decode(&d, slots, 5, &pos, e, 1), 1);
    assert_int_equal(pos, 3);
    assert_int_equal(e[0].from, 0x10);
    assert_int_equal(prof_decode(&d, slots, 5, &pos, e, 2), 1);
    assert_int_equal(e[0].time_us, 9);
    assert_int_equal(prof_decode(&d, slots, 5, &pos, e, 2), 0);
}

static void block_heads(void **state)
{
    (void)state;
    struct prof_decoder d = { 0 };
    struct trk_events_head head = { .ring = 3, .tid = 9, .start_us = 100 };
    prof_decoder_enter(&d, &head);
    assert_int_equal(d.time_us, 100);
    head.start_us = 50;
    head.tid = 10;
    prof_decoder_enter(&d, &head);
    assert_int_equal(d.time_us, 100);
    assert_int_equal(d.tid, 10);
    head.start_us = UINT64_MAX;
    prof_decoder_enter(&d, &head);
    assert_int_equal(d.time_us, 100);
}

static void numbers(void **state)
{
    (void)state;
    const struct trk_slot slots[] = {
        { w0(TRK_OP_REF, TRK_COUNT_EXT, 0x1000, 0), w1(0, 0) },
        ext(TRK_EXT_COUNT, 70),
        ext(TRK_EXT_SLOT, 0x2001),
        ext(TRK_EXT_SEQ, 0xffffffff),
        { w0(TRK_OP_NEW, 0, 0x1000, 0), w1(3, 0) },
        ext(TRK_EXT_SEQ, 0x1234500000007),
        { w0(TRK_OP_DEL, 0, 0x1000, 0), w1(0, 0) },
        ext(TRK_EXT_SEQ, 5),
    };
    struct prof_event e[4];
    assert_int_equal(decode(slots, 8, e, 4), 3);
    assert_int_equal(e[0].flags, PROF_EVENT_COUNT | PROF_EVENT_SLOT | PROF_EVENT_SEQ);
    assert_int_equal(e[0].from, 0xffffffff);
    assert_int_equal(e[0].count, 70);
    assert_int_equal(e[0].slot, 0x2001);
    assert_int_equal(e[1].flags, PROF_EVENT_SEQ);
    assert_int_equal(e[1].from, 7); /* 32 bits, whatever else is said */
    assert_int_equal(e[2].flags, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members),       cmocka_unit_test(numbers),
        cmocka_unit_test(extensions),    cmocka_unit_test(nonsense_is_skipped),
        cmocka_unit_test(room_runs_out), cmocka_unit_test(block_heads),
    };
    return cmocka_run_group_tests_name("input: decode", tests, NULL, NULL);
}
