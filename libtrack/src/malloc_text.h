/* malloc_text.h: the string functions that the allocator hooks need. Internal to them.
 *
 * The hooks settle before most of the process is initialised. Sanitizers interpose the string functions and system call
 * wrappers of libc, and theirs do not work that early; nothing here leaves the object. The empty asm statements keep
 * compilers from recognizing the loops and calling libc after all. */
#ifndef TRACK_MALLOC_TEXT_H
#define TRACK_MALLOC_TEXT_H

#include <stdbool.h>
#include <stddef.h>

static inline size_t trk_text_length(const char *s)
{
    size_t n = 0;
    for (; s[n]; n++)
        __asm__ volatile("");
    return n;
}

static inline void trk_text_bytes(void *to, const void *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ((char *)to)[i] = ((const char *)from)[i];
        __asm__ volatile("");
    }
}

static inline bool trk_text_same_bytes(const void *a, const void *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (((const char *)a)[i] != ((const char *)b)[i])
            return false;
        __asm__ volatile("");
    }
    return true;
}

static inline bool trk_text_same(const char *a, const char *b)
{
    for (; *a && *a == *b; a++, b++)
        __asm__ volatile("");
    return *a == *b;
}

/* Last slash of a path and what follows; all of it when there is none. */
static inline const char *trk_text_file(const char *path)
{
    const char *file = path;
    for (; *path; path++) {
        if (*path == '/')
            file = path;
        __asm__ volatile("");
    }
    return file;
}

static inline bool trk_text_contains(const char *s, const char *part)
{
    size_t n = trk_text_length(part), all = trk_text_length(s);
    for (size_t i = 0; i + n <= all; i++)
        if (trk_text_same_bytes(s + i, part, n))
            return true;
    return false;
}

#endif
