/* malloc_owner.h: who serves malloc in this process. Internal to the allocator hooks. */
#ifndef TRACK_MALLOC_OWNER_H
#define TRACK_MALLOC_OWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "malloc_real.h"

/* Finds out whether the program's calls of malloc arrive here and who serves them: sets TRK_ODD_FOREIGN, SECOND,
 * NESTING and UNSEEN, any_realloc and any_free. Once, by the thread that looked up the real functions. */
void trk_owner_find(void) TRK_HIDDEN;

/* Tells the engine as much as is certain; once before and once after it started. */
void trk_owner_tell(void) TRK_HIDDEN;

/* From the library's constructor: a foreign malloc may yet hand on to us. Tries it, and tells the engine. */
void trk_owner_confirm(void) TRK_HIDDEN;

/* At the end of the process: tells the engine when the executable mapped much memory and never called malloc. Any time,
 * async-signal-safe. */
void trk_owner_conclude(void) TRK_HIDDEN;

/* While TRK_ODD_FOREIGN or UNSEEN: a call of malloc, calloc or realloc arrived from pc. Returns whether calls are worth
 * recording: not when only stray functions of the family come here. */
bool trk_owner_arrived(uintptr_t pc, bool core) TRK_HIDDEN;

/* While TRK_ODD_UNSEEN: the program mapped `length` anonymous bytes itself, from pc. */
void trk_owner_mapped(uintptr_t pc, size_t length) TRK_HIDDEN;

/* True when pc lies in the code of the allocator (when that is not libc): its maps are not the program's. */
bool trk_owner_is_allocator(uintptr_t pc) TRK_HIDDEN;

#endif
