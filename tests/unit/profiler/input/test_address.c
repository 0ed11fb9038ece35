/* test_address.c: addresses of programs that have 48 bits of them, in records of 47. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <input/decode.h>
#include <mktrace.h>

#include "addr.h"

enum { ROUNDS = 200000 };
#define HIGH  ((uint64_t)1 << 47)
#define LOW   ((uint64_t)1 << TRK_ADDR_LOW_BITS)
#define PIE   0xaaaaaaaa0000ull
#define STACK 0xfffffffde000ull

static uint64_t seed = 88172645463325252ull;

static uint64_t rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

/* Any length, often close to where something changes. */
static uint64_t some_address(void)
{
    static const uint64_t edges[] = { 0, LOW, HIGH, HIGH + LOW, HIGH * 2, PIE, STACK, (uint64_t)1 << 46 };
    uint64_t r = rnd();
    if (r & 1)
        return edges[r >> 1 & 7] + (rnd() & 0xff) - 128;
    return rnd() >> (r >> 1 & 63);
}

/* What readers make of an object and a slot with these codes. */
static struct prof_event decoded(uint64_t addr, uint64_t slot, uint64_t high)
{
    const struct trk_slot record = { addr << TRK_ADDR_SHIFT | TRK_OP_REF << TRK_OP_SHIFT, slot >> 3 << TRK_ARG_SHIFT };
    struct prof_decoder decoder = { .high = high };
    struct prof_event event;
    size_t pos = 0;
    assert_int_equal(prof_decode(&decoder, &record, 1, &pos, &event, 1), 1);
    return event;
}

static void comes_back_or_is_refused(void **state)
{
    (void)state;
    unsigned fit = 0, refused = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t addr = some_address();
        for (unsigned high = 0; high < 2; high++) {
            uint64_t code = trk_addr_code(addr, high ? HIGH : 0);
            bool good = high ? addr < LOW || (addr >= HIGH + LOW && addr < HIGH * 2) : addr < HIGH;
            assert_int_equal(code != TRK_ADDR_UNFIT, good);
            fit += good;
            refused += !good;
            if (!good)
                continue;
            assert_int_equal(code >> TRK_ADDR_BITS, 0);
            struct prof_event event = decoded(code, code, high ? HIGH : 0);
            assert_int_equal(event.addr, addr);
            assert_int_equal(event.slot, addr & ~(uint64_t)7);
        }
    }
    assert_true(fit > ROUNDS / 4 && refused > ROUNDS / 4);
}

/* Every code is that of an address. */
static void no_code_is_wasted(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t code = rnd() >> 17 >> (rnd() & 31);
        for (unsigned high = 0; high < 2; high++)
            assert_int_equal(trk_addr_code(decoded(code, 0, high ? HIGH : 0).addr, high ? HIGH : 0), code);
    }
}

static void slots_that_fit(void **state)
{
    (void)state;
    assert_true(trk_addr_slot_fits(trk_addr_code(0, HIGH)));
    assert_true(trk_addr_slot_fits(trk_addr_code(STACK, HIGH)));
    assert_false(trk_addr_slot_fits(trk_addr_code(STACK + 4, HIGH)));
    assert_false(trk_addr_slot_fits(TRK_ADDR_UNFIT));
}

/* A whole file: two threads, so that the merge decodes it, with everything that has an address. */
static void file(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_high(t);
    mk_born(t, "conn", PIE + 0x1000, 64, "net.c:31");
    mk_thread(t, 101);
    mk_born(t, "low", 0x500000, 64, "net.c:32");
    mk_ref(t, 0x500000, STACK + 8, "net.c:33");
    mk_ref(t, 0x500000, STACK + 12, "net.c:34");
    mk_thread(t, 100);
    mk_round(t);
    mk_ref(t, PIE + 0x1000, 0x600000, "net.c:40");
    mk_ref(t, PIE + 0x1000, MK_HOLDER(0xffff80000000), "net.c:41");
    mk_move(t, PIE + 0x1000, 0xffff80000010, 0x600000, "net.c:42");
    struct prof_heap *heap = mk_heap(t);
    assert_int_equal(prof_trace_info(mk_open(t))->flags, TRK_FILE_HIGH);
    prof_obj_id id = prof_heap_obj_by_addr(heap, PIE + 0x1000);
    assert_int_not_equal(id, 0);
    assert_int_equal(prof_heap_obj_by_addr(heap, (PIE + 0x1000) & ~HIGH), 0);
    assert_int_equal(prof_heap_obj_at(heap, PIE + 0x1020), id);
    assert_int_not_equal(prof_heap_obj_by_addr(heap, 0x500000), 0);
    static const uint64_t wanted[2][3] = { { STACK + 8, STACK + 12, 0 }, { 0xffff80000000, 0xffff80000010, 0 } };
    for (unsigned i = 0; i < 2; i++) {
        const struct prof_obj *obj = prof_heap_obj(heap, i == 0 ? prof_heap_obj_by_addr(heap, 0x500000) : id);
        unsigned found = 0;
        for (uint32_t o = obj->first_open; o != 0; o = prof_heap_open(heap, o)->next)
            for (unsigned k = 0; wanted[i][k] != 0; k++)
                found += prof_heap_open(heap, o)->slot == wanted[i][k];
        assert_int_equal(found, 2);
    }
    mk_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_or_is_refused),
        cmocka_unit_test(no_code_is_wasted),
        cmocka_unit_test(slots_that_fit),
        cmocka_unit_test(file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
