/* direct.h: the shortest path of an event that takes more than its call site: a verified walk is found in the thread's
 * cache, then one or two slots are written. No event is built; whatever is unusual is left to trk_emit. Internal.
 *
 * To be expanded in functions that do nothing else but end in a call: what lives across it costs as much as it does. */
#ifndef TRACK_DIRECT_H
#define TRACK_DIRECT_H

#include "record.h"
#include "stack_cache.h"

/* The stack of an event, 0 when it has to be walked, or when its thread does not know it as one that was looked at
 * before (trk_module_check). The depot is not compared: a state belongs to one arena. */
static inline __attribute__((always_inline)) uint32_t trk_known_stack(struct trk_thread *st, enum trk_depth depth,
                                                                      const struct trk_frame *at, uintptr_t caller)
{
    const unsigned want = st->want[depth];
    struct trk_stack_cache *cache = trk_thread_stack_cache(st);
    const uintptr_t hi = st->hi & ~(uintptr_t)7;
    if (TRK_UNLIKELY(want < TRK_WHOLE || at->sp < st->lo || at->sp >= hi ||
                     cache->stamp != trk_cache_stamp(trk_load32(&trk_eng.gen))))
        return 0;
    uint32_t id = trk_cache_find(cache, at->pc, at->sp, at->fp, hi, NULL, want - TRK_WHOLE, caller);
    return TRK_UNLIKELY(id > st->max_stack) ? 0 : id;
}

/* The whole path of an event that takes more than its call site, when its stack was met before. False: nothing
 * was done, take trk_emit. addr may be TRK_ADDR_UNFIT. */
static inline __attribute__((always_inline)) bool trk_direct(enum trk_op op, unsigned aux, uint64_t addr, uint64_t arg,
                                                             enum trk_depth depth, const struct trk_frame *at,
                                                             uintptr_t caller)
{
    const uint64_t w0 = trk_w0(op, aux, addr, 0), w1 = trk_w1(arg, 0);
    struct trk_thread *st = trk_tls.self;
    uint32_t id = st != NULL && !(addr >> TRK_ADDR_BITS) ? trk_known_stack(st, depth, at, caller) : 0;
    if (TRK_UNLIKELY(id == 0) || trk_due(st, 1))
        return false;
    trk_write_one(st, w0 | trk_w0(0, 0, 0, id), w1 | trk_w1(0, id));
    return true;
}

/* The same with one EXT slot. */
static inline __attribute__((always_inline)) bool trk_direct_ext(enum trk_op op, unsigned aux, uint64_t addr,
                                                                 uint64_t arg, enum trk_depth depth,
                                                                 const struct trk_frame *at, uintptr_t caller,
                                                                 enum trk_ext kind, uint64_t value)
{
    const uint64_t w0 = trk_w0(op, aux, addr, 0), w1 = trk_w1(arg, 0);
    struct trk_thread *st = trk_tls.self;
    uint32_t id = st != NULL && !(addr >> TRK_ADDR_BITS) ? trk_known_stack(st, depth, at, caller) : 0;
    if (TRK_UNLIKELY(id == 0) || trk_due(st, 2))
        return false;
    trk_write_two(st, w0 | trk_w0(0, 0, 0, id), w1 | trk_w1(0, id), trk_ext_w0(kind), value);
    return true;
}

#endif
