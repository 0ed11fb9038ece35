/* hook.h: what allocator and loader hooks tell the engine. Internal to libtrack; implemented by the engine.
 *
 * All of these: any thread, any time, never fail, keep errno, never call the program's allocator. They return at
 * once while idle or while the calling thread is already inside the engine (such events are counted). */
#ifndef TRACK_HOOK_H
#define TRACK_HOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <track/format.h>

#include "stack.h"

/* Linkage between the engine and hooks that live in another shared object (libtrack-malloc beside libtrack). */
#define TRK_HOOK __attribute__((visibility("default")))

/* Starts the engine if that has not happened (constructor order is not ours to choose). Safe to call from the first
 * malloc of the process, before libc is fully up; cheap afterwards. */
TRK_HOOK void trk_hook_start_v1(void);

/* Nonzero while allocator events are wanted: test before anything else. */
extern TRK_HOOK volatile unsigned char trk_malloc_gate_v1;

/* After the real allocation. p NULL: ignored. */
TRK_HOOK void trk_hook_alloc_v1(const void *p, size_t size, enum trk_alloc_kind kind, const struct trk_frame *at);
/* Before the real free. length: for MMAP. */
TRK_HOOK void trk_hook_free_v1(const void *p, size_t length, enum trk_alloc_kind kind, const struct trk_frame *at);
/* Before a realloc of `old` (not NULL); after it exactly one of the two others, in the same thread. */
TRK_HOOK void trk_hook_realloc_begin_v1(const void *old, const struct trk_frame *at);
TRK_HOOK void trk_hook_realloc_end_v1(const void *old, const void *fresh, size_t size, const struct trk_frame *at);
TRK_HOOK void trk_hook_realloc_fail_v1(const void *old, const struct trk_frame *at);
/* After a dlclose that may have unloaded something; after a dlopen that may have loaded something. */
TRK_HOOK void trk_hook_unloaded_v1(void);
TRK_HOOK void trk_hook_loaded_v1(void);
/* Before _exit, _Exit and quick_exit, and before an exec family call and when it came back. */
TRK_HOOK void trk_hook_exit_v1(int status);
/* Before abort, and what calls it for a failed assertion: memory is looked at as at an exit, but nothing has ended;
 * SIGABRT may be handled. */
TRK_HOOK void trk_hook_abort_v1(void);
TRK_HOOK void trk_hook_exec_v1(const struct trk_frame *at);
TRK_HOOK void trk_hook_exec_failed_v1(void);
/* Who serves malloc: one of TRK_PROC_MALLOC_*, and a text for the report when foreign. May be called before start. */
TRK_HOOK void trk_hook_malloc_owner_v1(uint32_t flag, const char *who);
/* Memory of libtrack's own, bytes a multiple of 8 (own.h). May be called before start. */
TRK_HOOK void trk_hook_own_v1(const void *start, size_t bytes, enum trk_own_kind kind);
/* True while the calling thread is inside the engine: hooks must not record and must not wait. */
TRK_HOOK bool trk_hook_busy_v1(void);

#endif
