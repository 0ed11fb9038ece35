/* flight.c: see flight.h. */
#include "flight.h"

#include <stdlib.h>
#include <string.h>

#include "private.h"

static bool written(const struct flight_ring *ring, uint64_t pos, struct trk_slot *ret)
{
    const struct trk_slot *slot = &ring->slots[pos & (((uint64_t)1 << ring->log2_slots) - 1)];
    /* Partner: the producer's release store of w0 after w1. */
    uint64_t w0 = __atomic_load_n(&slot->w0, __ATOMIC_ACQUIRE);
    ret->w0 = w0 & ~(uint64_t)TRK_LAP_BITS;
    ret->w1 = __atomic_load_n(&slot->w1, __ATOMIC_RELAXED);
    return (w0 & 1) == ((pos >> ring->log2_slots & 1) ^ 1);
}

/* The number nearest to `about` that is `low` modulo 2^32. */
static uint64_t widen(uint64_t about, uint32_t low)
{
    return about + (uint64_t)(int64_t)(int32_t)(low - (uint32_t)about);
}

struct flight_base flight_base(const struct trk_shm_ring *shm)
{
    /* Partner: the producer's stores at its slow path. One word holds the pair, so that it is whole. */
    uint64_t pair = __atomic_load_n(&shm->flight, __ATOMIC_ACQUIRE);
    uint64_t position = widen(__atomic_load_n(&shm->head, __ATOMIC_RELAXED), (uint32_t)pair);
    /* Half a unit more, and a high word that is one step behind still leads to the right number. */
    uint64_t about = ((uint64_t)__atomic_load_n(&shm->extras_high, __ATOMIC_RELAXED) << 31) + (UINT64_C(1) << 30);
    uint64_t extras = widen(about, (uint32_t)(pair >> 32));
    return (struct flight_base){ position, extras <= position ? position - extras : 0 };
}

/* The first position from base on that is not written (yet). */
static uint64_t finished(const struct flight_ring *ring, uint64_t base)
{
    uint64_t pos = base, end = base + ((uint64_t)1 << ring->log2_slots) / 4 + FLIGHT_GAP;
    struct trk_slot slot;
    while (pos < end && written(ring, pos, &slot))
        pos++;
    return pos;
}

uint64_t flight_cursor(const struct flight_ring *ring, uint64_t base)
{
    uint64_t nslots = (uint64_t)1 << ring->log2_slots, newest = base;
    uint64_t end = base + nslots / 4 + FLIGHT_GAP;
    struct trk_slot slot;
    for (uint64_t pos = base; pos < end && pos - newest < FLIGHT_GAP; pos++)
        if (written(ring, pos, &slot))
            newest = pos + 1;
    return newest;
}

static uint64_t lap_before(const struct flight_ring *ring, uint64_t pos, uint64_t margin)
{
    uint64_t nslots = (uint64_t)1 << ring->log2_slots;
    return pos + margin > nslots ? pos + margin - nslots : 0;
}

/* A position that the producer had not passed by more than FLIGHT_MARGIN when the slots were looked at. */
static uint64_t not_beyond(const struct flight_ring *ring, const struct trk_shm_ring *shm)
{
    enum { TRIES = 4 };
    uint64_t told = flight_base(shm).position;
    for (int i = 0; i < TRIES; i++) {
        uint64_t cursor = flight_cursor(ring, told), later = flight_base(shm).position;
        if (later == told)
            return cursor; /* it was not at its limit meanwhile, so the search had it in sight */
        told = later;
    }
    return told + ((uint64_t)1 << ring->log2_slots) / 4 + FLIGHT_GAP;
}

/* *ret_exact: what was read is enough to count what is gone. */
static bool copy_once(const struct flight_ring *ring, const struct trk_shm_ring *shm, const struct flight_ring *again,
                      const struct trk_shm_ring *again_shm, struct flight_window *ret, bool *ret_exact)
{
    struct flight_base base = flight_base(shm);
    /* Of a running producer a slot may be missed while those behind it, written a little later, are seen: it is not a
     * hole, and what follows is left to a later look. */
    uint64_t end = again != NULL ? finished(ring, base.position) : flight_cursor(ring, base.position);
    uint64_t first = lap_before(ring, end, 0);
    struct flight_window window = { .slots = malloc((size_t)(end - first) * sizeof *window.slots + 1), .first = first };
    if (window.slots == NULL)
        return false;
    for (uint64_t pos = first; pos < end; pos++) {
        struct trk_slot slot;
        bool ok = written(ring, pos, &slot);
        window.slots[window.count++] = ok ? slot : (struct trk_slot){ 0, 0 };
    }
    uint64_t safe = first;
    if (again != NULL) {
        /* Partner: the order of the producer's own stores: what it wrote over before the slots seen now is known. */
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        safe = lap_before(ring, not_beyond(again, again_shm), FLIGHT_MARGIN);
        if (safe < first)
            safe = first;
        if (safe > end)
            safe = end;
    }
    /* Everything that was written up to `end`, less what is kept, is gone. */
    size_t drop = (size_t)(safe - first), told = base.position > first ? (size_t)(base.position - first) : 0;
    uint64_t begun = 0, begun_told = 0;
    for (size_t i = 0; i < window.count; i++) {
        bool gap = window.slots[i].w0 == 0 && (i == 0 || window.slots[i - 1].w0 != 0);
        begun += gap && i >= drop;
        begun_told += gap && i >= drop && i < told; /* the producer counted them */
    }
    window.unwritten = begun;
    uint64_t all = base.events + (told < window.count ? flight_events(&window, told, window.count) : 0);
    uint64_t kept = flight_events(&window, drop, window.count) + begun_told;
    window.before = all > kept ? all - kept : 0;
    window.cut = safe > 0;
    window.first = safe;
    window.count -= drop;
    memmove(window.slots, window.slots + drop, window.count * sizeof *window.slots);
    *ret = window;
    /* Events behind the told position are counted by looking at them. */
    *ret_exact = safe <= base.position || safe == lap_before(ring, end, 0);
    return true;
}

bool flight_copy(const struct flight_ring *ring, const struct trk_shm_ring *shm, const struct flight_ring *again,
                 const struct trk_shm_ring *again_shm, struct flight_window *ret)
{
    enum { TRIES = 8 };
    bool exact = false;
    for (int i = 0; i < TRIES && !exact; i++) {
        if (i > 0)
            free(ret->slots);
        if (!copy_once(ring, shm, again, again_shm, ret, &exact))
            return false;
        if (again == NULL || again->slots != ring->slots)
            break;
    }
    if (!exact) {
        /* The producer goes round faster than it can be followed: everything up to where it told last is gone. */
        struct flight_base base = flight_base(again != NULL ? again_shm : shm);
        ret->count = 0;
        ret->first = base.position;
        ret->before = base.events;
        ret->unwritten = 0;
        ret->cut = true;
    }
    return true;
}

uint64_t flight_events(const struct flight_window *window, size_t from, size_t to)
{
    uint64_t events = 0;
    for (size_t i = from; i < to; i++)
        events += rec_is_event(&window->slots[i]);
    return events;
}

static bool tells_time(const struct trk_slot *slot, uint64_t *ret_us)
{
    unsigned op = (unsigned)(slot->w0 >> TRK_OP_SHIFT) & TRK_OP_MASK;
    *ret_us = slot->w1 >> TRK_ARG_SHIFT;
    return op == TRK_OP_TICK || op == TRK_OP_THREAD;
}

uint64_t flight_first_us(const struct flight_window *window, uint64_t otherwise)
{
    uint64_t us;
    for (size_t i = 0; i < window->count; i++)
        if (tells_time(&window->slots[i], &us))
            return us;
    return otherwise;
}

size_t flight_begin(const struct flight_window *window, uint64_t *ret_us)
{
    size_t told = window->count;
    uint64_t us;
    *ret_us = 0;
    if (!window->cut)
        return 0;
    for (size_t i = 0; i < window->count; i++) {
        if (!tells_time(&window->slots[i], &us))
            continue;
        if (told < window->count && us > *ret_us) {
            *ret_us = us;
            return i;
        }
        if (told == window->count) {
            told = i;
            *ret_us = us;
        }
    }
    if (told < window->count)
        return told;
    *ret_us = UINT64_MAX;
    return 0;
}

size_t flight_since(const struct flight_window *window, size_t from, uint64_t us)
{
    uint64_t at;
    if (us == 0)
        return from;
    for (size_t i = from; i < window->count; i++)
        if (tells_time(&window->slots[i], &at) && at >= us)
            return i;
    return window->count;
}
