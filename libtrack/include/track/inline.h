/* track/inline.h: references that are recorded without a call. Opt-in: include this instead of track.h, or define
 * TRK_INLINE before track.h is included for the first time in a file.
 *
 * What changes: while the call site alone is recorded (stacks=1 for references) trk_ref, trk_unref, their _rc and _seq
 * forms and trk_refcount_inc and _dec write their record in place, on x86-64; everywhere else, and whenever something
 * else is due, they call as they always do. Each place in the code grows by about 200 bytes and 8 bytes of data, so use
 * it where a call would be felt. Records are the same either way. TRK_DISABLE wins.
 *
 * What it costs: the part of the recorder's state that track/layout.h describes becomes part of the binary. That layout
 * is version 1 and frozen: every libtrack that exports trk_inline_v1 keeps it, and one that must change it exports
 * another name instead. A binary that finds no trk_inline_v1 calls the ordinary verbs; it never reads what it does not
 * know. So binaries with inline verbs work with any libtrack, newer or older, and without one.
 *
 * How it works: each place has a word of its own, 0 at first. trk_inline_v1 records an event like the verb, and when
 * later ones may be written in place it stores there where the thread finds its state, the place's number in the
 * recording, and the recording it belongs to. Nothing of this is for use by programs. */
#ifndef TRACK_INLINE_H
#define TRACK_INLINE_H

#include <track/layout.h>

#if defined(TRACK_TRACK_H) && !defined(TRK_INLINE)
#error "track/track.h came first without TRK_INLINE: include track/inline.h before it, or instead of it"
#endif
#ifndef TRK_INLINE
#define TRK_INLINE 1
#endif

/* Whether this file's verbs are written in place. */
#if !defined(TRK_DISABLE) && defined(__x86_64__) && defined(__LP64__) && !defined(__code_model_large__)
#define TRK_INLINE_HERE 1

#ifdef __cplusplus
extern "C" {
#endif

/* Records, and fills the place's word when it can. Pointers are numbers here: they are never followed. */
extern void trk_inline_v1(uint32_t form, uintptr_t obj, uintptr_t slot, long count, uint32_t seq, uint64_t *place)
    __attribute__((weak));

/* clang-format off */
/* The word of the place that this is expanded at. */
#define TRK_INLINE_PLACE(place)                                                                                        \
    __asm__ __volatile__(".pushsection .bss.trk_place,\"aw\",@nobits\n\t.balign 8\n771:\n\t.zero 8\n\t.popsection\n\t" \
                         "{leaq 771b(%%rip), %0|lea %0, 771b[rip]}" : "=r"(place))
/* A member of struct trk_inline_self, by one instruction. */
#define TRK_INLINE_SELF(at, offset, ret)                                                                               \
    __asm__ __volatile__("{movq %%fs:" #offset "(%1), %0|mov %0, fs:[%1 + " #offset "]}"                               \
                         : "=r"(ret) : "r"(at) : "memory")
/* One instruction: a signal handler of this thread comes before it or after it. */
#define TRK_INLINE_TAKE(word, n)                                                                                       \
    __asm__ __volatile__("{xaddq %0, %1|xadd %1, %0}" : "+r"(n), "+m"(word) : : "cc", "memory")
/* clang-format on */

static inline __attribute__((always_inline)) void trk_inline_slot(struct trk_inline_ring *ring, uint64_t pos,
                                                                  uint64_t w0, uint64_t w1)
{
    /* In this order: when both become 0 in between, mask is 0 wherever delta leads. */
    char *slots = (char *)ring + __atomic_load_n(&ring->delta, __ATOMIC_ACQUIRE);
    uint64_t *slot = (uint64_t *)(void *)(slots + ((pos & __atomic_load_n(&ring->mask, __ATOMIC_RELAXED)) << 4));
    uint64_t lap = ((pos >> (ring->shift & 63)) & 1) ^ 1;
    __atomic_store_n(&slot[1], w1, __ATOMIC_RELAXED);
    __atomic_store_n(&slot[0], w0 | lap, __ATOMIC_RELEASE); /* partner: the recorder's acquire load */
}

/* 1: written. 0: nothing was done, call. */
static inline __attribute__((always_inline)) int trk_inline_write(uint32_t form, uintptr_t obj, uintptr_t slot,
                                                                  long count, uint32_t seq, const uint64_t *place)
{
    uint64_t word = __atomic_load_n(place, __ATOMIC_RELAXED);
    uint64_t need = form & TRK_INLINE_SEQ ? 2 : 1, pos = need, one = 1;
    uint64_t aux = form & TRK_INLINE_COUNT ? (uint64_t)count : (uint64_t)TRK_INLINE_COUNT_UNKNOWN;
    struct trk_inline_ring *ring;
    const uint64_t *clock;
    if (__builtin_expect(word == 0 || (slot & TRK_INLINE_SLOT_UNFIT) != 0, 0))
        return 0;
    if ((form & TRK_INLINE_COUNT) && __builtin_expect((unsigned long)count > TRK_INLINE_COUNT_MAX, 0))
        return 0;
    TRK_INLINE_SELF((int64_t)word >> 32, 0, ring); /* first: what is newer than it only leads to the call */
    if (__builtin_expect(ring == NULL || (uint8_t)ring->era != (uint8_t)word, 0))
        return 0;
    TRK_INLINE_SELF((int64_t)word >> 32, 8, clock);
    if (__builtin_expect(__atomic_load_n(clock, __ATOMIC_RELAXED) != ring->tick, 0) ||
        __builtin_expect(__atomic_load_n(&ring->cursor, __ATOMIC_RELAXED) + need >
                             __atomic_load_n(&ring->limit, __ATOMIC_RELAXED),
                         0))
        return 0;
    TRK_INLINE_TAKE(ring->cursor, pos);
    if (form & TRK_INLINE_SEQ) {
        TRK_INLINE_TAKE(ring->extras, one);
        trk_inline_slot(ring, pos + 1, TRK_INLINE_SEQ_SLOT, seq);
    }
    trk_inline_slot(ring, pos,
                    (uint64_t)obj << TRK_INLINE_OBJ_SHIFT | (word >> 28 & 15) << 13 | aux << 7 |
                        (uint64_t)(form & TRK_INLINE_OP) << 1,
                    (uint64_t)slot >> 3 << TRK_INLINE_ARG_SHIFT | (word >> 8 & 0xfffff));
    return 1;
}

#ifdef __cplusplus
}
#endif
#endif

#include <track/track.h>

#endif
