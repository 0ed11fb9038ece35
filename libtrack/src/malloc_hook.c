/* malloc_hook.c: the malloc family as the program calls it. While idle each function is a load, a branch and a jump to
 * the real one; while recording it jumps to its seen_ function, which tells the engine and allocates. */
#include <errno.h>

#include "boot_arena.h"
#include "malloc_real.h"

/* Not declared by every libc. */
void cfree(void *p);
void free_sized(void *p, size_t size);
void free_aligned_sized(void *p, size_t align, size_t size);

#define RECORDING __builtin_expect(trk_malloc_gate_v1, 0)

static inline bool begin(const struct trk_frame *at, bool core)
{
    return __builtin_expect(!trk_odd_bits(), 1) || trk_odd_begin(at, core);
}

static inline void end(void)
{
    if (__builtin_expect(trk_odd_bits(), 0))
        trk_odd_end();
}

/* The last step of a recorded allocation. */
static inline void done(void *p, size_t size, enum trk_alloc_kind kind, const struct trk_frame *at)
{
    if (__builtin_expect(trk_odd_bits(), 0)) {
        kind = trk_odd_kind(p, kind);
        trk_odd_end();
    }
    trk_hook_alloc_v1(p, size, kind, at);
}

/* ---- While recording: entered by a jump, so that the caller of each is the program ----------------------------- */

static TRK_NOINLINE void *seen_malloc(size_t size)
{
    const struct trk_frame at = TRK_FRAME_CALLER;
    if (!begin(&at, true))
        return TRK_REAL(malloc)(size);
    void *p = TRK_REAL(malloc)(size);
    done(p, size, TRK_ALLOC_MALLOC, &at);
    return p;
}

static TRK_NOINLINE void *seen_calloc(size_t count, size_t size)
{
    const struct trk_frame at = TRK_FRAME_CALLER;
    if (!begin(&at, true))
        return TRK_REAL(calloc)(count, size);
    void *p = TRK_REAL(calloc)(count, size);
    done(p, count * size, TRK_ALLOC_CALLOC, &at);
    return p;
}

static void *record_realloc(void *old, size_t size, const struct trk_frame *at)
{
    if (!begin(at, true))
        return TRK_REAL(realloc)(old, size);
    void *fresh;
    if (!old) {
        fresh = TRK_REAL(realloc)(NULL, size);
        done(fresh, size, TRK_ALLOC_MALLOC, at);
        return fresh;
    }
    if (__builtin_expect(trk_odd_bits(), 0) && trk_boot_owns(old)) {
        fresh = trk_real_leave_arena(old, size, at);
    } else if (!size) {
        /* Frees with glibc; other allocators may give a fresh block of size 0. */
        trk_hook_free_v1(old, 0, TRK_ALLOC_MALLOC, at);
        fresh = TRK_REAL(realloc)(old, 0);
        trk_hook_alloc_v1(fresh, 0, TRK_ALLOC_MALLOC, at);
    } else {
        trk_hook_realloc_begin_v1(old, at);
        fresh = TRK_REAL(realloc)(old, size);
        if (fresh)
            trk_hook_realloc_end_v1(old, fresh, size, at);
        else
            trk_hook_realloc_fail_v1(old, at);
    }
    end();
    return fresh;
}

static TRK_NOINLINE void *seen_realloc(void *old, size_t size)
{
    const struct trk_frame at = TRK_FRAME_CALLER;
    return record_realloc(old, size, &at);
}

static TRK_NOINLINE void *seen_reallocarray(void *old, size_t count, size_t size)
{
    const struct trk_frame at = TRK_FRAME_CALLER;
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    /* Somebody else's realloc records by itself if it comes to us. */
    if (__builtin_expect(trk_odd_bits() & TRK_ODD_FOREIGN, 0))
        return TRK_REAL(any_realloc)(old, bytes);
    return record_realloc(old, bytes, &at);
}

static void record_free(void *p, const struct trk_frame *at)
{
    if (__builtin_expect(trk_odd_bits(), 0)) {
        if (trk_boot_owns(p)) {
            if (trk_boot_free(p))
                trk_hook_free_v1(p, 0, TRK_ALLOC_BOOT, at);
            return;
        }
        if (!trk_odd_begin(at, false)) {
            TRK_REAL(free)(p);
            return;
        }
        trk_hook_free_v1(p, 0, TRK_ALLOC_MALLOC, at);
        TRK_REAL(free)(p);
        trk_odd_end();
        return;
    }
    trk_hook_free_v1(p, 0, TRK_ALLOC_MALLOC, at);
    TRK_REAL(free)(p);
}

static TRK_NOINLINE void seen_free(void *p)
{
    const struct trk_frame at = TRK_FRAME_CALLER;
    if (p)
        record_free(p, &at);
}

/* For the other names of free. */
static TRK_NOINLINE void seen_any_free(void *p)
{
    const struct trk_frame at = TRK_FRAME_CALLER;
    if (!p)
        return;
    if (__builtin_expect(trk_odd_bits() & TRK_ODD_FOREIGN, 0))
        TRK_REAL(any_free)(p);
    else
        record_free(p, &at);
}

static TRK_NOINLINE void *seen_aligned_alloc(size_t align, size_t size)
{
    const struct trk_frame at = TRK_FRAME_CALLER;
    if (!begin(&at, false))
        return TRK_REAL(aligned_alloc)(align, size);
    void *p = TRK_REAL(aligned_alloc)(align, size);
    done(p, size, TRK_ALLOC_ALIGNED, &at);
    return p;
}

static TRK_NOINLINE int seen_posix_memalign(void **ret, size_t align, size_t size)
{
    const struct trk_frame at = TRK_FRAME_CALLER;
    if (!begin(&at, false))
        return TRK_REAL(posix_memalign)(ret, align, size);
    int failed = TRK_REAL(posix_memalign)(ret, align, size);
    done(failed ? NULL : *ret, size, TRK_ALLOC_ALIGNED, &at);
    return failed;
}

static TRK_NOINLINE void *seen_memalign(size_t align, size_t size)
{
    const struct trk_frame at = TRK_FRAME_CALLER;
    if (!begin(&at, false))
        return TRK_REAL(memalign)(align, size);
    void *p = TRK_REAL(memalign)(align, size);
    done(p, size, TRK_ALLOC_ALIGNED, &at);
    return p;
}

static TRK_NOINLINE void *seen_valloc(size_t size)
{
    const struct trk_frame at = TRK_FRAME_CALLER;
    if (!begin(&at, false))
        return TRK_REAL(valloc)(size);
    void *p = TRK_REAL(valloc)(size);
    done(p, size, TRK_ALLOC_ALIGNED, &at);
    return p;
}

static TRK_NOINLINE void *seen_pvalloc(size_t size)
{
    const struct trk_frame at = TRK_FRAME_CALLER;
    if (!begin(&at, false))
        return TRK_REAL(pvalloc)(size);
    void *p = TRK_REAL(pvalloc)(size);
    done(p, size, TRK_ALLOC_ALIGNED, &at);
    return p;
}

/* ---- What the program calls ----------------------------------------------------------------------------------- */

TRK_ENTRY void *malloc(size_t size)
{
    if (RECORDING)
        TRK_TAIL seen_malloc(size);
    TRK_TAIL TRK_REAL(malloc)(size);
}

TRK_ENTRY void *calloc(size_t count, size_t size)
{
    if (RECORDING)
        TRK_TAIL seen_calloc(count, size);
    TRK_TAIL TRK_REAL(calloc)(count, size);
}

TRK_ENTRY void *realloc(void *old, size_t size)
{
    if (RECORDING)
        TRK_TAIL seen_realloc(old, size);
    TRK_TAIL TRK_REAL(realloc)(old, size);
}

/* libc's own reallocarray would call realloc by name and come here a second time. */
static TRK_NOINLINE void *idle_reallocarray(void *old, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return TRK_REAL(any_realloc)(old, bytes);
}

TRK_ENTRY void *reallocarray(void *old, size_t count, size_t size)
{
    if (RECORDING)
        TRK_TAIL seen_reallocarray(old, count, size);
    TRK_TAIL idle_reallocarray(old, count, size);
}

TRK_ENTRY void free(void *p)
{
    if (RECORDING)
        TRK_TAIL seen_free(p);
    TRK_TAIL TRK_REAL(free)(p);
}

TRK_ENTRY void cfree(void *p)
{
    if (RECORDING)
        TRK_TAIL seen_any_free(p);
    TRK_TAIL TRK_REAL(any_free)(p);
}

/* The sizes are a promise of the program that the allocators here can do without. */
static TRK_NOINLINE void drop_sized(void *p, size_t size)
{
    (void)size;
    TRK_REAL(any_free)(p);
}

static TRK_NOINLINE void drop_aligned_sized(void *p, size_t align, size_t size)
{
    (void)align;
    (void)size;
    TRK_REAL(any_free)(p);
}

static TRK_NOINLINE void seen_free_sized(void *p, size_t size)
{
    const struct trk_frame at = TRK_FRAME_CALLER;
    (void)size;
    if (p && (trk_odd_bits() & TRK_ODD_FOREIGN))
        TRK_REAL(any_free)(p);
    else if (p)
        record_free(p, &at);
}

static TRK_NOINLINE void seen_free_aligned_sized(void *p, size_t align, size_t size)
{
    const struct trk_frame at = TRK_FRAME_CALLER;
    (void)align;
    (void)size;
    if (p && (trk_odd_bits() & TRK_ODD_FOREIGN))
        TRK_REAL(any_free)(p);
    else if (p)
        record_free(p, &at);
}

TRK_ENTRY void free_sized(void *p, size_t size)
{
    if (RECORDING)
        TRK_TAIL seen_free_sized(p, size);
    TRK_TAIL drop_sized(p, size);
}

TRK_ENTRY void free_aligned_sized(void *p, size_t align, size_t size)
{
    if (RECORDING)
        TRK_TAIL seen_free_aligned_sized(p, align, size);
    TRK_TAIL drop_aligned_sized(p, align, size);
}

TRK_ENTRY void *aligned_alloc(size_t align, size_t size)
{
    if (RECORDING)
        TRK_TAIL seen_aligned_alloc(align, size);
    TRK_TAIL TRK_REAL(aligned_alloc)(align, size);
}

TRK_ENTRY int posix_memalign(void **ret, size_t align, size_t size)
{
    if (RECORDING)
        TRK_TAIL seen_posix_memalign(ret, align, size);
    TRK_TAIL TRK_REAL(posix_memalign)(ret, align, size);
}

TRK_ENTRY void *memalign(size_t align, size_t size)
{
    if (RECORDING)
        TRK_TAIL seen_memalign(align, size);
    TRK_TAIL TRK_REAL(memalign)(align, size);
}

TRK_ENTRY void *valloc(size_t size)
{
    if (RECORDING)
        TRK_TAIL seen_valloc(size);
    TRK_TAIL TRK_REAL(valloc)(size);
}

TRK_ENTRY void *pvalloc(size_t size)
{
    if (RECORDING)
        TRK_TAIL seen_pvalloc(size);
    TRK_TAIL TRK_REAL(pvalloc)(size);
}

TRK_OURS(malloc);
TRK_OURS(calloc);
TRK_OURS(realloc);
TRK_OURS(free);
TRK_OURS(aligned_alloc);
TRK_OURS(posix_memalign);
TRK_OURS(memalign);
TRK_OURS(valloc);
TRK_OURS(pvalloc);
