/* mmap_hook.c: what the program maps itself. libc's own maps (thread stacks, malloc's arenas, loaded objects) do not
 * come through these names, and those of another allocator are left out: the blocks inside are what counts.
 *
 * A range is free from the moment the kernel is asked to unmap it, so the engine hears of it before; when the kernel
 * refuses after all, it is told that the range lives (again). */

/* With 64-bit file offsets by default the headers would rename mmap to mmap64; both are defined here. */
#undef _FILE_OFFSET_BITS

#include <stdarg.h>
#include <sys/syscall.h>

#include "malloc_owner.h"
#include "malloc_real.h"

#define RECORDING __builtin_expect(trk_malloc_gate_v1, 0)

void *trk_first_mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
{
    trk_real_settle();
    if (TRK_REAL(mmap) != trk_first_mmap)
        return TRK_REAL(mmap)(addr, length, prot, flags, fd, offset);
    return (void *)syscall(SYS_mmap, addr, length, prot, flags, fd, offset);
}

void *trk_first_mmap64(void *addr, size_t length, int prot, int flags, int fd, off64_t offset)
{
    trk_real_settle();
    if (TRK_REAL(mmap64) != trk_first_mmap64)
        return TRK_REAL(mmap64)(addr, length, prot, flags, fd, offset);
    return (void *)syscall(SYS_mmap, addr, length, prot, flags, fd, offset);
}

int trk_first_munmap(void *addr, size_t length)
{
    trk_real_settle();
    if (TRK_REAL(munmap) != trk_first_munmap)
        return TRK_REAL(munmap)(addr, length);
    return (int)syscall(SYS_munmap, addr, length);
}

void *trk_first_mremap(void *old, size_t old_length, size_t length, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    void *to = flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) ? va_arg(args, void *) : NULL;
    va_end(args);
    trk_real_settle();
    if (TRK_REAL(mremap) != trk_first_mremap)
        return TRK_REAL(mremap)(old, old_length, length, flags, to);
    return (void *)syscall(SYS_mremap, old, old_length, length, flags, to);
}

/* Is this a map of the program? */
static bool wanted(const struct trk_frame *at)
{
    unsigned odd = trk_odd_bits();
    if (__builtin_expect(!odd, 1))
        return true;
    if (odd & TRK_ODD_UNRESOLVED)
        trk_real_settle();
    return !(trk_odd_bits() & TRK_ODD_SECOND) && !trk_owner_is_allocator(at->pc);
}

static size_t whole_pages(size_t length)
{
    size_t page = (size_t)getpagesize();
    return length > SIZE_MAX - page ? length : (length + page - 1) & ~(page - 1);
}

static bool on_page(const void *addr)
{
    return ((uintptr_t)addr & ((uintptr_t)getpagesize() - 1)) == 0;
}

static void gone(void *addr, size_t length, const struct trk_frame *at)
{
    trk_hook_free_v1(addr, whole_pages(length), TRK_ALLOC_MMAP, at);
}

static void came(void *addr, size_t length, const struct trk_frame *at)
{
    trk_hook_alloc_v1(addr, whole_pages(length), TRK_ALLOC_MMAP, at);
}

/* Before the real mmap. Returns whether to record. */
static bool map_begin(void *addr, size_t length, int flags, const struct trk_frame *at)
{
    if (!wanted(at))
        return false;
    /* A fixed map replaces what was there. */
    if ((flags & MAP_FIXED) && (flags & MAP_FIXED_NOREPLACE) != MAP_FIXED_NOREPLACE && length && on_page(addr))
        gone(addr, length, at);
    return true;
}

static void map_end(void *p, size_t length, int flags, const struct trk_frame *at)
{
    if (p == MAP_FAILED)
        return;
    if ((flags & MAP_ANONYMOUS) && (trk_odd_bits() & TRK_ODD_UNSEEN))
        trk_owner_mapped(at->pc, length);
    came(p, length, at);
}

static TRK_NOINLINE void *seen_mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
{
    const struct trk_frame at = TRK_FRAME_CALLER;
    bool record = map_begin(addr, length, flags, &at);
    void *p = TRK_REAL(mmap)(addr, length, prot, flags, fd, offset);
    if (record)
        map_end(p, length, flags, &at);
    return p;
}

static TRK_NOINLINE void *seen_mmap64(void *addr, size_t length, int prot, int flags, int fd, off64_t offset)
{
    const struct trk_frame at = TRK_FRAME_CALLER;
    bool record = map_begin(addr, length, flags, &at);
    void *p = TRK_REAL(mmap64)(addr, length, prot, flags, fd, offset);
    if (record)
        map_end(p, length, flags, &at);
    return p;
}

static TRK_NOINLINE int seen_munmap(void *addr, size_t length)
{
    const struct trk_frame at = TRK_FRAME_CALLER;
    /* What the kernel refuses for sure frees nothing. */
    if (!length || !on_page(addr) || !wanted(&at))
        return TRK_REAL(munmap)(addr, length);
    gone(addr, length, &at);
    int failed = TRK_REAL(munmap)(addr, length);
    if (failed)
        came(addr, length, &at);
    return failed;
}

TRK_ENTRY void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
{
    if (RECORDING)
        TRK_TAIL seen_mmap(addr, length, prot, flags, fd, offset);
    TRK_TAIL TRK_REAL(mmap)(addr, length, prot, flags, fd, offset);
}

TRK_ENTRY void *mmap64(void *addr, size_t length, int prot, int flags, int fd, off64_t offset)
{
    if (RECORDING)
        TRK_TAIL seen_mmap64(addr, length, prot, flags, fd, offset);
    TRK_TAIL TRK_REAL(mmap64)(addr, length, prot, flags, fd, offset);
}

TRK_ENTRY int munmap(void *addr, size_t length)
{
    if (RECORDING)
        TRK_TAIL seen_munmap(addr, length);
    TRK_TAIL TRK_REAL(munmap)(addr, length);
}

TRK_DIRECT void *mremap(void *old, size_t old_length, size_t length, int flags, ...)
{
    const struct trk_frame at = TRK_FRAME_CALLER;
    va_list args;
    va_start(args, flags);
    void *to = flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) ? va_arg(args, void *) : NULL;
    va_end(args);
    if (!RECORDING || !length || !on_page(old) || !wanted(&at))
        return TRK_REAL(mremap)(old, old_length, length, flags, to);

    /* old_length 0 duplicates a shared map and DONTUNMAP leaves the old range mapped: nothing ends. A range that may
     * move ends before the call, or its addresses could be taken by another thread first; one that stays can fail to
     * grow as a matter of course, and is told afterwards. */
    bool ends = old_length && !(flags & MREMAP_DONTUNMAP);
    bool moves = flags & (MREMAP_MAYMOVE | MREMAP_FIXED);
    if (ends && moves)
        gone(old, old_length, &at);
    if (flags & MREMAP_FIXED)
        gone(to, length, &at);
    void *p = TRK_REAL(mremap)(old, old_length, length, flags, to);
    if (p != MAP_FAILED) {
        if (ends && !moves)
            gone(old, old_length, &at);
        came(p, length, &at);
    } else if (ends && moves) {
        came(old, old_length, &at);
    }
    return p;
}

TRK_OURS(mmap);
TRK_OURS(mmap64);
TRK_OURS(munmap);
TRK_OURS(mremap);
