/* base/large.h: arrays of many megabytes: asked for with large pages, which makes touching them several times cheaper.
 * A hint, without effect where it cannot be followed. For arrays that are used densely: of one that is touched here and
 * there, more would become resident. */
#ifndef BASE_LARGE_H
#define BASE_LARGE_H

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Nothing happens to smaller ones. Whole pages, with the allocator's head in front: a mapping of which a part is unlike
 * the rest cannot be moved by realloc, which would copy it then. */
static inline void prof_large_advise(void *items, size_t bytes)
{
    uintptr_t from = (uintptr_t)items & ~(uintptr_t)4095;
    uintptr_t to = ((uintptr_t)items + bytes + 4095) & ~(uintptr_t)4095;
    if (bytes >= (size_t)4 << 20 && items != NULL)
        (void)madvise((void *)from, to - from, MADV_HUGEPAGE);
}

/* As malloc and calloc; free() frees. */
static inline void *prof_large_malloc(size_t count, size_t bytes)
{
    void *items = reallocarray(NULL, count, bytes);
    prof_large_advise(items, count * bytes);
    return items;
}

static inline void *prof_large_calloc(size_t count, size_t bytes)
{
    void *items = calloc(count, bytes);
    prof_large_advise(items, count * bytes);
    return items;
}

#endif
