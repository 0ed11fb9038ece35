/* record.h: the event path, inlined into the verbs. Internal.
 *
 * A record is written in this order: soft limit tested, slots reserved by one trk_take, EXT slots written, then the
 * first slot, whose w0 goes last with release order. A reader that sees the first slot therefore sees the whole record.
 */
#ifndef TRACK_RECORD_H
#define TRACK_RECORD_H

#include "engine.h"

/* Words of a first slot, lap bit clear. */
static inline uint64_t trk_w0(unsigned op, unsigned aux, uint64_t addr, uint32_t stack)
{
    return addr << TRK_ADDR_SHIFT | (uint64_t)(stack >> TRK_STACK_LO_BITS) << TRK_STACK_HI_SHIFT |
           (uint64_t)aux << TRK_AUX_SHIFT | (uint64_t)op << TRK_OP_SHIFT;
}

static inline uint64_t trk_w1(uint64_t arg, uint32_t stack)
{
    return arg << TRK_ARG_SHIFT | (stack & TRK_STACK_LO_MASK);
}

/* Writes the slot at position pos, which the caller reserved. delta and mask are read after the reservation: when a
 * fork came between, both are 0 and the slot lands in the scratch slot. delta is read first, in this order on any
 * processor: when another thread wipes them in between, mask is 0 wherever delta leads. */
static inline void trk_slot_write(struct trk_thread *st, uint64_t pos, uint64_t w0, uint64_t w1)
{
    char *data = (char *)st + __atomic_load_n(&st->delta, __ATOMIC_ACQUIRE);
    struct trk_slot *slot = (struct trk_slot *)(void *)data + (pos & trk_load64(&st->mask));
    uint64_t lap = ((pos >> st->shift) & 1) ^ 1;
    __atomic_store_n(&slot->w1, w1, __ATOMIC_RELAXED);
    __atomic_store_n(&slot->w0, w0 | lap, __ATOMIC_RELEASE); /* partner: the recorder's acquire load */
}

/* Cursor as a signal handler of this thread left it. */
static inline uint64_t trk_cursor(const struct trk_thread *st)
{
    return trk_load64(&st->cursor);
}

/* Call-site cache: one word per entry, so that handlers see it whole: 39 bits of the scrambled address, 24 bits of
 * stack id. Scrambling is a bijection of 48-bit addresses, so equal tags at equal index are equal addresses. */
enum { TRK_SITE_BITS = 48 };

/* Code beyond, which only some machines have, is left to the slower caches. */
static inline bool trk_site_fits(uintptr_t pc)
{
    return !TRK_HIGH_ADDRESSES || pc >> TRK_SITE_BITS == 0;
}

static inline uint64_t trk_site_scramble(uintptr_t pc)
{
    return ((pc + trk_eng.site_salt) * 0x9e3779b97f4a7c15ull) & (((uint64_t)1 << TRK_SITE_BITS) - 1);
}

static inline uint32_t trk_site_find(struct trk_thread *st, uintptr_t pc)
{
    uint64_t h = trk_site_scramble(pc);
    uint64_t entry = trk_load64(&trk_thread_sites(st)[h >> (TRK_SITE_BITS - TRK_SITES_LOG2)]);
    uint64_t tag = h & (((uint64_t)1 << (TRK_SITE_BITS - TRK_SITES_LOG2)) - 1);
    return entry >> TRK_STACK_ID_BITS == tag && trk_site_fits(pc) ? (uint32_t)entry & ((1u << TRK_STACK_ID_BITS) - 1)
                                                                  : 0;
}

static inline void trk_site_keep(struct trk_thread *st, uintptr_t pc, uint32_t id)
{
    uint64_t h = trk_site_scramble(pc);
    uint64_t tag = h & (((uint64_t)1 << (TRK_SITE_BITS - TRK_SITES_LOG2)) - 1);
    if (!trk_site_fits(pc))
        return;
    __atomic_store_n(&trk_thread_sites(st)[h >> (TRK_SITE_BITS - TRK_SITES_LOG2)], tag << TRK_STACK_ID_BITS | id,
                     __ATOMIC_RELAXED);
}

static inline uint64_t trk_ext_w0(enum trk_ext kind)
{
    return (uint64_t)kind << TRK_EXT_SHIFT | TRK_OP_EXT << TRK_OP_SHIFT;
}

/* This kind of event takes its call site, or nothing. */
static inline bool trk_site_only(const struct trk_thread *st, enum trk_depth depth)
{
    return (unsigned)st->want[depth] - TRK_SITE <= TRK_NO_STACK - TRK_SITE;
}

/* Something is due before the next record of so many slots: the time, room, or a wiped state. */
static inline bool trk_due(const struct trk_thread *st, unsigned slots)
{
    return TRK_UNLIKELY(trk_load64(trk_clock()) != st->tick || trk_cursor(st) + slots > trk_load64(&st->limit));
}

/* Reserves and writes a record without EXT slots, or with one, whose words are given. */
static inline void trk_write_one(struct trk_thread *st, uint64_t w0, uint64_t w1)
{
    trk_slot_write(st, trk_take(&st->cursor, 1), w0, w1);
}

static inline void trk_write_two(struct trk_thread *st, uint64_t w0, uint64_t w1, uint64_t ext_w0, uint64_t ext_w1)
{
    uint64_t pos = trk_take(&st->cursor, 2);
    trk_take(&st->extras, 1);
    trk_slot_write(st, pos + 1, ext_w0, ext_w1);
    trk_slot_write(st, pos, w0, w1);
}

/* The whole path of a one-slot event with a known call site. False: nothing was done, take trk_direct (direct.h) or
 * trk_emit. addr may be TRK_ADDR_UNFIT; where no address is, the compiler knows. */
static inline __attribute__((always_inline)) bool trk_fast(enum trk_op op, unsigned aux, uint64_t addr, uint64_t arg,
                                                           enum trk_depth depth, uintptr_t pc)
{
    struct trk_thread *st = trk_tls.self;
    if (TRK_UNLIKELY(st == NULL || !trk_site_only(st, depth) || addr >> TRK_ADDR_BITS))
        return false;
    uint32_t id = trk_site_find(st, pc);
    if (TRK_UNLIKELY(id == 0 && st->want[depth] != TRK_NO_STACK) || trk_due(st, 1))
        return false;
    trk_write_one(st, trk_w0(op, aux, addr, id), trk_w1(arg, id));
    return true;
}

/* The same for an event that never takes a stack. */
static inline __attribute__((always_inline)) bool trk_fast_bare(enum trk_op op, unsigned aux, uint64_t addr,
                                                                uint64_t arg)
{
    struct trk_thread *st = trk_tls.self;
    if (TRK_UNLIKELY(st == NULL || st->want[TRK_DEPTH_BIRTH] == TRK_STACK || addr >> TRK_ADDR_BITS) || trk_due(st, 1))
        return false;
    trk_write_one(st, trk_w0(op, aux, addr, 0), trk_w1(arg, 0));
    return true;
}

/* The same for a record with one EXT slot, which is written first. */
static inline __attribute__((always_inline)) bool trk_fast_ext(enum trk_op op, unsigned aux, uint64_t addr,
                                                               uint64_t arg, enum trk_depth depth, uintptr_t pc,
                                                               enum trk_ext kind, uint64_t value)
{
    struct trk_thread *st = trk_tls.self;
    if (TRK_UNLIKELY(st == NULL || !trk_site_only(st, depth) || addr >> TRK_ADDR_BITS))
        return false;
    uint32_t id = trk_site_find(st, pc);
    if (TRK_UNLIKELY(id == 0) || trk_due(st, 2))
        return false;
    trk_write_two(st, trk_w0(op, aux, addr, id), trk_w1(arg, id), trk_ext_w0(kind), value);
    return true;
}

#endif
