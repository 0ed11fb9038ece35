/* track/adapt/count.h: for libraries that count in macros and inline functions of their header, so that no call is
 * there to be hooked. C and C++. jansson.h and cpython.h in this folder are done for two of them; this one helps with
 * others.
 *
 * What to do for a library "val" whose header has
 *
 *     static inline void val_dup(value v) { if (val_is_counted(v)) val_head(v)->refs++; }
 *     static inline void val_drop(value v) { if (val_is_counted(v) && --val_head(v)->refs == 0) val_delete(v); }
 *
 * Write a header that includes it and puts macros in the place of its functions:
 *
 *     #include <val.h>
 *     #include <track/adapt/count.h>
 *     static TRK_COUNT_INLINE void trk_val_dup(value v, const void *slot)
 *     {
 *         if (val_is_counted(v))
 *             TRK_COUNT_UP(val_head(v), slot, val_head(v)->refs);
 *     }
 *     static TRK_COUNT_INLINE void trk_val_drop(value v, const void *slot)
 *     {
 *         if (val_is_counted(v) && TRK_COUNT_DOWN(val_head(v), slot, val_head(v)->refs) == 0)
 *             val_delete(v);
 *     }
 *     #define val_dup(v)  trk_val_dup(v, 0)
 *     #define val_drop(v) trk_val_drop(v, 0)
 *
 * and compile the code that uses the library with it (`-include`). Inline functions of the library that call these two
 * were read before the macros were there: replace them, too. Immortal values (whose count never changes) are left out
 * by the test in front. Births and deaths are told by an adapter file: the functions that make and delete objects are
 * ordinary ones (docs/ADAPTERS.md).
 *
 * Slots are 0 where a macro cannot know the variable; TRK_OWN(lhs, expr) says it where the code does.
 *
 * Rules: as those of track/track.h. Without libtrack or a recorder each of these is what it stands for and a branch. */
#ifndef TRACK_ADAPT_COUNT_H
#define TRACK_ADAPT_COUNT_H

#include <track/track.h>

/* Of functions around the macros below: reports name the place that uses them. */
#define TRK_COUNT_INLINE inline __attribute__((always_inline, artificial, unused))

/* clang-format off */
/* One more: ++count, told, and its value. obj: the object; slot: the variable that owns the reference now, or 0; count:
 * the variable that counts, as the library has it. obj and slot are evaluated once, count is, too. */
#define TRK_COUNT_UP(obj, slot, count)   TRK_COUNT_STEP(trk_ref_rc, obj, slot, ++(count))
/* One less: --count, told, and its value. The object is still there: what deletes it comes behind. */
#define TRK_COUNT_DOWN(obj, slot, count) TRK_COUNT_STEP(trk_unref_rc, obj, slot, --(count))
/* The same for a count that several threads change. */
#define TRK_COUNT_UP_ATOMIC(obj, slot, count)                                                                          \
    TRK_COUNT_STEP(trk_ref_rc, obj, slot, __atomic_add_fetch(&(count), 1, __ATOMIC_RELAXED))
#define TRK_COUNT_DOWN_ATOMIC(obj, slot, count)                                                                        \
    TRK_COUNT_STEP(trk_unref_rc, obj, slot, __atomic_sub_fetch(&(count), 1, __ATOMIC_ACQ_REL))
/* verb: trk_ref_rc or trk_unref_rc; after: an expression that changes the count and yields what it is then. */
#define TRK_COUNT_STEP(verb, obj, slot, after)                                                                         \
    __extension__({                                                                                                    \
        const void *trk_counted_ = (obj), *trk_owner_ = (slot);                                                        \
        long trk_after_ = (long)(after);                                                                               \
        verb(trk_counted_, trk_owner_, trk_after_);                                                                    \
        trk_after_;                                                                                                    \
    })
/* clang-format on */

#endif
