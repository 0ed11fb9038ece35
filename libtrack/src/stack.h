/* stack.h: call stacks of the running thread, unwound by cached .eh_frame rows. Internal to libtrack.
 *
 * Knows nothing of rings and events; depends on libc's _dl_find_object (glibc >= 2.35, looked up weakly) only. */
#ifndef TRACK_STACK_H
#define TRACK_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <track/format.h>

/* A point in a running function: the return address into it, the stack pointer after that return, and the frame pointer
 * register there. */
struct trk_frame {
    uintptr_t pc, sp, fp;
};

/* TRK_FRAME_CALLER, a struct trk_frame: the caller of the function this is used in. Needs -fno-omit-frame-pointer for
 * the using file (all of libtrack has it) and must be expanded directly in an exported (noinline) function. */
#if defined(__x86_64__)
#include "stack_x86_64.h"
#elif defined(__aarch64__)
#include "stack_aarch64.h"
#endif

/* Where interned stacks live: pointers into the arena, filled by the engine. */
struct trk_depot {
    uint32_t *hash;
    uint64_t hash_count; /* power of two */
    char *base;
    uint64_t bytes;
    uint64_t *used; /* atomic */
    uint64_t *full; /* atomic counter */
};

/* Interns a stack of n (1..TRK_STACK_MAX_FRAMES) addresses. Lock-free, async-signal-safe; returns the stack id, 0 when
 * there is no room (counted in *full). Equal input gives an equal id, except that two threads racing on a new stack may
 * leave one unused copy behind. */
uint32_t trk_depot_put(const struct trk_depot *depot, const uint64_t *pcs, unsigned n, unsigned flags,
                       unsigned generation);

/* Per-thread cache of finished captures; zero-filled memory of trk_stack_cache_bytes() bytes is a valid empty cache
 * (the engine maps it per thread, page-aligned; NULL is allowed and means uncached). Pages are touched as stacks come,
 * about 100 KiB at once. Signal handlers of the thread may use it at any point of an interrupted use, and may leave by
 * longjmp. It belongs to the stamp it was used with last (epoch, generation, depot) and empties itself when that
 * changes; a new depot at the same address as the old one (another arena in a forked child) needs a trk_stack_flush. */
struct trk_stack_cache;
size_t trk_stack_cache_bytes(void);

/* Captures and interns the stack that begins at `at` with at most `depth` frames.
 * lo, hi: bounds of the thread's stack as far as known (0, 0: unknown; every read is then limited to the page range
 * that the walk itself justifies, and each further page costs a system call of 100 ns); outside of them (coroutines,
 * signal stacks) the walk goes on with care, it never reads memory that may be unmapped. [sp, hi) must be mapped when
 * sp is in [lo, hi). caller: when not 0, frames up to but not including the one with this return address are left out
 * (all are kept when it is not met among the innermost 16). depth counts what is kept; 0 and 1: the site, 64 at most.
 * A frame that was interrupted by a signal is stored as its instruction + 1, so that all addresses are looked up alike.
 * Async-signal-safe, no locks, no malloc, keeps errno. Needs less than 1 KiB of stack for a hit, 3 KiB for a walk, and
 * 4 KiB when unwind tables are read. */
uint32_t trk_stack_capture(const struct trk_depot *depot, struct trk_stack_cache *cache, const struct trk_frame *at,
                           uintptr_t lo, uintptr_t hi, unsigned depth, uintptr_t caller, unsigned generation);

/* One-frame stack of a plain return address: the cheap form for call sites. */
uint32_t trk_stack_site(const struct trk_depot *depot, struct trk_stack_cache *cache, uintptr_t pc,
                        unsigned generation);

/* Code was unloaded: all caches of unwind rows are stale from now on (a global epoch; caches notice by themselves).
 * Call it after the unloading and before other code can be loaded at the same place. Any thread, async-signal-safe. */
void trk_stack_flush(void);

/* For tests: unwinds without interning and without looking for finished captures; returns the number of addresses,
 * *flags gets TRK_STACK_*. */
unsigned trk_stack_walk(struct trk_stack_cache *cache, const struct trk_frame *at, uintptr_t lo, uintptr_t hi,
                        uint64_t *pcs, unsigned max, unsigned *flags);

#endif
