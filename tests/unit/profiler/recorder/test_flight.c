/* test_flight.c: reading rings that are written over, against a simulated producer that stops, or goes on between any
 * two loads of the reader, at any lap. What the reader returns was written, in order, without gaps; and what it says is
 * gone is what is gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "blocks.h"
#include "flight.h"

enum { SLOTS_MAX = 1 << 10, LOG_MAX = 1 << 16, MARGIN = 16 };

/* The producer of ring.c and record.c, in small: slots are reserved, extensions written before the first slot, the
 * header told at the soft limit. */
struct producer {
    struct trk_slot memory[SLOTS_MAX];
    struct trk_shm_ring shm;
    uint32_t log2;
    uint64_t start;  /* position of the first simulated slot: the ring has been written to before */
    uint64_t cursor; /* slots reserved */
    uint64_t done;   /* slots written */
    uint64_t limit, extras, events, tick;
    struct trk_slot log[LOG_MAX]; /* what every position holds; w0 0: never written */
    uint64_t begin, end;          /* of the record being written */
    bool finished;
};

static uint64_t random_state;
static uint64_t rnd(uint64_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % below;
}

static void tell(struct producer *p)
{
    p->shm.head = p->cursor;
    p->shm.extras_high = (uint32_t)(p->extras >> 31);
    p->shm.flight = p->extras << 32 | (uint32_t)p->cursor;
    p->limit = p->cursor + ((uint64_t)1 << p->log2) / 4;
}

static void write_slot(struct producer *p, uint64_t pos)
{
    struct trk_slot slot = p->log[pos - p->start];
    uint64_t lap = (pos >> p->log2 & 1) ^ 1;
    p->memory[pos & (((uint64_t)1 << p->log2) - 1)] = (struct trk_slot){ slot.w0 | lap, slot.w1 };
}

/* Reserves a record and what goes in front of it. */
static bool reserve(struct producer *p)
{
    unsigned exts = rnd(4) == 0 ? (unsigned)rnd(TRK_MAX_EXT) + 1 : 0;
    bool tick = rnd(6) == 0;
    if (p->cursor + exts + tick + 4 > p->limit)
        tell(p);
    if (p->cursor + exts + 8 - p->start > LOG_MAX)
        return false;
    p->begin = p->cursor;
    uint64_t at = p->cursor - p->start;
    if (tick) {
        p->tick += rnd(1000) + 1;
        p->log[at++] = slot_make(TRK_OP_TICK, 0, 0, p->tick, 0);
    }
    p->log[at++] = slot_make(TRK_OP_REF, 0, ++p->events & 0xffffffff, 0, 0);
    for (unsigned i = 0; i < exts; i++)
        p->log[at++] = slot_ext(TRK_EXT_VALUE, p->events * 8 + i);
    p->end = p->cursor = p->start + at;
    p->extras += exts + tick;
    p->done = p->begin;
    return true;
}

/* One store: ticks first, then extensions, the first slot last. */
static bool step(struct producer *p)
{
    if (p->finished || (p->done == p->end && !reserve(p)))
        return false;
    uint64_t first = p->begin;
    if (slot_op(&p->log[first - p->start]) == TRK_OP_TICK)
        first++;
    uint64_t pos = p->done < first ? p->done : p->done + 1 < p->end ? p->done + 1 : first;
    write_slot(p, pos);
    p->done++;
    return true;
}

static void start(struct producer *p, uint32_t log2, uint64_t position)
{
    memset(p, 0, sizeof *p);
    p->log2 = log2;
    p->start = p->cursor = p->begin = p->end = p->done = position;
    p->extras = position / 3;
    p->events = 0;
    /* The laps before: content of the right parity that is never returned. */
    for (uint64_t pos = position > SLOTS_MAX ? position - ((uint64_t)1 << log2) : 0; pos < position; pos++) {
        uint64_t lap = (pos >> log2 & 1) ^ 1;
        p->memory[pos & (((uint64_t)1 << log2) - 1)] = slot_make(TRK_OP_SKIP, 0, 0, 0, 0);
        p->memory[pos & (((uint64_t)1 << log2) - 1)].w0 |= lap;
    }
    tell(p);
}

/* The window is what the log says; position by position. */
static void check_window(const struct producer *p, const struct flight_window *w, bool running)
{
    uint64_t end = w->first + w->count, events_before = p->start - p->start / 3, begun = 0;
    assert_true(end <= p->cursor);
    for (uint64_t pos = p->start; pos < w->first && pos < p->cursor; pos++)
        events_before += slot_op(&p->log[pos - p->start]) == TRK_OP_REF;
    for (uint64_t i = 0; i < w->count; i++) {
        uint64_t pos = w->first + i;
        if (pos < p->start)
            continue; /* from before the simulation */
        const struct trk_slot *seen = &w->slots[i], *real = &p->log[pos - p->start];
        if (!running && seen->w0 == 0 && pos >= p->begin && pos < p->end) {
            begun = 1; /* the record that is being written */
            continue;
        }
        assert_int_equal(seen->w0, real->w0);
        assert_int_equal(seen->w1, real->w1);
    }
    if (w->first >= p->start)
        assert_in_range(w->before + 1, events_before + (running ? 0 : 1), events_before + (running ? 2 : 1));
    assert_true(w->unwritten <= begun);
    if (!running) { /* nothing that still is in the ring is missing */
        uint64_t nslots = (uint64_t)1 << p->log2;
        assert_true(end >= p->begin);
        assert_true(w->first <= (end > nslots ? end - nslots : 0));
    }
}

static uint64_t random_start(uint32_t log2)
{
    uint64_t nslots = (uint64_t)1 << log2;
    switch (rnd(4)) {
    case 0:
        return 0;
    case 1:
        return (rnd(1000) + 2) * nslots - rnd(nslots);
    case 2:
        return (UINT64_C(1) << 32) - rnd(3 * nslots); /* the told numbers go over 2^32 */
    default:
        return (rnd(UINT64_C(1) << 40) + 2) * nslots + rnd(nslots);
    }
}

static void test_stopped(void **state)
{
    (void)state;
    struct producer *p = calloc(1, sizeof *p);
    for (int round = 0; round < 3000; round++) {
        random_state = (uint64_t)round * 0x9e3779b97f4a7c15u + 1;
        uint32_t log2 = 8 + (uint32_t)rnd(3);
        start(p, log2, random_start(log2));
        for (uint64_t n = rnd(5000); n > 0 && step(p); n--)
            continue;
        struct flight_ring ring = { p->memory, log2 };
        struct flight_window window;
        assert_true(flight_copy(&ring, &p->shm, NULL, NULL, &window));
        check_window(p, &window, false);
        free(window.slots);
    }
    free(p);
}

/* The reader's copy is taken slot by slot while the producer goes on, as slowly or as fast as it likes. */
static void test_running(void **state)
{
    (void)state;
    struct producer *p = calloc(1, sizeof *p);
    struct trk_slot *image = calloc(SLOTS_MAX, sizeof *image);
    size_t kept = 0;
    for (int round = 0; round < 3000; round++) {
        random_state = (uint64_t)round * 0x9e3779b97f4a7c15u + 7;
        uint32_t log2 = 8 + (uint32_t)rnd(3);
        uint64_t speed = rnd(3) == 0 ? rnd(40) : 1 + rnd(3), nslots = (uint64_t)1 << log2;
        start(p, log2, random_start(log2));
        for (uint64_t n = rnd(3000); n > 0 && step(p); n--)
            continue;
        struct trk_shm_ring shm = p->shm;
        uint64_t first = p->cursor % nslots;
        for (uint64_t i = 0; i < nslots; i++) {
            uint64_t at = (first + i) % nslots;
            image[at].w0 = p->memory[at].w0;
            for (uint64_t n = rnd(speed + 1); n > 0 && step(p); n--)
                continue;
            image[at].w1 = p->memory[at].w1;
        }
        struct flight_ring ring = { image, log2 }, again = { p->memory, log2 };
        struct flight_window window;
        assert_true(flight_copy(&ring, &shm, &again, &p->shm, &window));
        check_window(p, &window, true);
        kept += window.count;
        free(window.slots);
    }
    assert_true(kept > 0);
    free(image);
    free(p);
}

static void test_since(void **state)
{
    (void)state;
    struct trk_slot slots[] = { slot_make(TRK_OP_REF, 0, 1, 0, 0),     slot_make(TRK_OP_TICK, 0, 0, 50, 0),
                                slot_make(TRK_OP_REF, 0, 2, 0, 0),     slot_ext(TRK_EXT_VALUE, 9),
                                slot_make(TRK_OP_THREAD, 0, 7, 80, 0), slot_make(TRK_OP_REF, 0, 3, 0, 0) };
    struct flight_window w = { .slots = slots, .count = 6, .cut = true };
    uint64_t us;
    assert_int_equal(flight_begin(&w, &us), 4); /* what is told first may have begun before */
    assert_int_equal(us, 80);
    assert_int_equal(flight_first_us(&w, 7), 50);
    assert_int_equal(flight_since(&w, 1, 50), 1);
    assert_int_equal(flight_since(&w, 1, 51), 4);
    assert_int_equal(flight_since(&w, 1, 81), 6);
    assert_int_equal(flight_events(&w, 0, 6), 3);
    w.cut = false;
    assert_int_equal(flight_begin(&w, &us), 0);
    assert_int_equal(us, 0);
    w = (struct flight_window){ .slots = slots, .count = 1, .cut = true };
    assert_int_equal(flight_begin(&w, &us), 0);
    assert_true(us == UINT64_MAX);
}

/* A header full of nonsense leads nowhere outside the ring. */
static void test_hostile(void **state)
{
    (void)state;
    struct trk_slot *memory = calloc(256, sizeof *memory);
    for (int round = 0; round < 500; round++) {
        random_state = (uint64_t)round + 99;
        struct trk_shm_ring shm = { .head = rnd(UINT64_MAX), .flight = rnd(UINT64_MAX), .extras_high = UINT32_MAX };
        for (int i = 0; i < 256; i++)
            memory[i] = (struct trk_slot){ rnd(UINT64_MAX), rnd(UINT64_MAX) };
        struct flight_ring ring = { memory, 8 };
        struct flight_window window;
        if (round == 0)
            shm.head = shm.flight = UINT64_MAX;
        assert_true(flight_copy(&ring, &shm, &ring, &shm, &window));
        assert_true(window.count <= 256);
        free(window.slots);
    }
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_running),
        cmocka_unit_test(test_since),
        cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
