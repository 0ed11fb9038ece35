/* near.c: memory for code within reach of 32-bit displacements. See stub.h.
 *
 * Ranges of a megabyte are reserved where they are needed and opened page by page. Pages are never writable and
 * executable together: what is open is data, and sealing it makes it code, for good. */
#include <sys/mman.h>

#include "../src/own.h"

#include "stub.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

enum { REGIONS = 64, REGION_BYTES = 1 << 20, PAGE = 4096 };
#define MB(n) ((uintptr_t)(n) << 20)

static struct region {
    uintptr_t start, next, open, opened; /* [start, open) is sealed, [open, opened) writable, blocks begin at next */
} regions[REGIONS];
static unsigned region_count;

static bool reaches(uintptr_t start, uintptr_t bytes, uintptr_t lo, uintptr_t hi)
{
    uintptr_t first = start < lo ? start : lo, end = start + bytes > hi ? start + bytes : hi;
    return end - first < MB(2047);
}

static uintptr_t reserve_at(uintptr_t start)
{
    long p = trk_sys6(SYS_mmap, (long)start, REGION_BYTES, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (trk_failed(p))
        return 0;
    if ((uintptr_t)p == start)
        return start;
    trk_unmap((void *)p, REGION_BYTES); /* a kernel that takes the address for a hint */
    return 0;
}

/* Below the code first: what follows it may want to grow (the heap). */
static uintptr_t reserve(uintptr_t lo, uintptr_t hi)
{
    uintptr_t low = lo & ~(uintptr_t)(PAGE - 1), high = (hi + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
    for (uintptr_t d = MB(1); d < MB(2000); d += d < MB(64) ? MB(1) : MB(16)) {
        uintptr_t at = low - REGION_BYTES - d;
        if (low < REGION_BYTES + d + MB(1) || !reaches(at, REGION_BYTES, lo, hi))
            break;
        if (reserve_at(at))
            return at;
    }
    for (uintptr_t d = MB(1900); d > 0; d -= MB(20)) {
        uintptr_t at = high + d;
        if (reaches(at, REGION_BYTES, lo, hi) && reserve_at(at))
            return at;
    }
    return 0;
}

static struct region *region_for(uintptr_t lo, uintptr_t hi)
{
    for (unsigned i = 0; i < region_count; i++)
        if (reaches(regions[i].start, REGION_BYTES, lo, hi) &&
            regions[i].next + TRK_BLOCK_BYTES <= regions[i].start + REGION_BYTES)
            return &regions[i];
    uintptr_t start = region_count < REGIONS ? reserve(lo, hi) : 0;
    if (start == 0)
        return NULL;
    struct region *r = &regions[region_count++];
    *r = (struct region){ .start = start, .next = start, .open = start, .opened = start };
    trk_own_add((const void *)start, REGION_BYTES, TRK_OWN_PRIVATE);
    return r;
}

uint8_t *trk_near_take(uintptr_t lo, uintptr_t hi)
{
    struct region *r = region_for(lo, hi);
    if (r == NULL)
        return NULL;
    if (r->next == r->opened) {
        if (trk_failed(trk_sys3(SYS_mprotect, r->opened, PAGE, PROT_READ | PROT_WRITE)))
            return NULL;
        r->opened += PAGE;
    }
    uint8_t *block = (uint8_t *)r->next;
    r->next += TRK_BLOCK_BYTES;
    return block;
}

bool trk_near_seal(void)
{
    bool ok = true;
    for (unsigned i = 0; i < region_count; i++) {
        struct region *r = &regions[i];
        if (r->opened == r->open)
            continue;
        ok &= !trk_failed(trk_sys3(SYS_mprotect, r->open, r->opened - r->open, PROT_READ | PROT_EXEC));
        r->open = r->next = r->opened;
    }
    return ok;
}
