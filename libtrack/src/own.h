/* own.h: which private memory of the process is libtrack's own. Internal. */
#ifndef TRACK_OWN_H
#define TRACK_OWN_H

#include <stddef.h>

#include <track/format.h>

#include "prim.h"

/* Makes a range known to the recorder of this process, and to those that come later; a known one is not added again.
 * bytes: a multiple of 8. Any thread, any time; ranges are never taken back. */
void trk_own_add(const void *start, size_t bytes, enum trk_own_kind kind);

/* Zeroed memory that nobody gives back, made known as private; NULL: there is none. */
void *trk_own_map(size_t bytes);

/* From now on all ranges, those known already included, stand in this table as well: the one of a process entry that
 * was just claimed. NULL: the arena has none. */
void trk_own_publish(struct trk_shm_own *table);

/* Where blocks of custom allocators were born so far; 0, 0: none was. Atomic; partner: trk_own_custom_grow. */
extern uint64_t trk_own_custom_start, trk_own_custom_end;
void trk_own_custom_grow(uint64_t start, uint64_t end);

/* A block of a custom allocator begins there: before its birth is told, the recorder knows that pointers there count.
 */
static inline void trk_own_custom(uint64_t start, uint64_t size)
{
    uint64_t end = start + (size != 0 ? size : 1);
    if (TRK_LIKELY(start - 1 >= trk_load64(&trk_own_custom_start) - 1 && end <= trk_load64(&trk_own_custom_end)))
        return;
    if (end > start)
        trk_own_custom_grow(start, end);
}

#endif
