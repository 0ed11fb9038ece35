/* malloc_owner.h: who serves malloc in this process. Internal to the allocator hooks. */
#ifndef TRACK_MALLOC_OWNER_H
#define TRACK_MALLOC_OWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "malloc_real.h"

/* Finds out whether the program's calls of malloc arrive here and who serves them, sets TRK_ODD_FOREIGN, NESTING and
 * UNSEEN, fills any_realloc and any_free, and tells the engine. Once, by the thread that looked up the real functions.
 */
void trk_owner_find(void) TRK_HIDDEN;

/* While TRK_ODD_FOREIGN or UNSEEN: a call of malloc, calloc or realloc arrived from pc. Returns whether calls are worth
 * recording: not when only stray functions of the family come here. */
bool trk_owner_arrived(uintptr_t pc, bool core) TRK_HIDDEN;

/* While TRK_ODD_UNSEEN: the program mapped `length` anonymous bytes itself, from pc. An executable that maps much and
 * never calls malloc has an allocator of its own inside. */
void trk_owner_mapped(uintptr_t pc, size_t length) TRK_HIDDEN;

/* True when pc lies in the code of the allocator (when that is not libc): its maps are not the program's. */
bool trk_owner_is_allocator(uintptr_t pc) TRK_HIDDEN;

#endif
