/* own.h: which private memory of the process is libtrack's own. Internal. */
#ifndef TRACK_OWN_H
#define TRACK_OWN_H

#include <stddef.h>

#include <track/format.h>

/* Makes a range known to the recorder of this process, and to those that come later; a known one is not added again.
 * bytes: a multiple of 8. Any thread, any time; ranges are never taken back. */
void trk_own_add(const void *start, size_t bytes, enum trk_own_kind kind);

/* From now on all ranges, those known already included, stand in this table as well: the one of a process entry that
 * was just claimed. NULL: the arena has none. */
void trk_own_publish(struct trk_shm_own *table);

#endif
