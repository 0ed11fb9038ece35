/* wrap.c: somebody else's preload library that wraps the family and hands everything on to the next one. */
#include <dlfcn.h>
#include <stddef.h>
#include <stdlib.h>

#define PUBLIC __attribute__((visibility("default")))

PUBLIC void *malloc(size_t size)
{
    static void *(*next)(size_t);
    if (!next)
        next = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    return next(size);
}

/* In terms of malloc, by name: with this library behind the hooks, one call of the program becomes two. */
PUBLIC void *calloc(size_t count, size_t size)
{
    char *p = malloc(count * size);
    for (volatile size_t i = 0; p && i < count * size; i++)
        p[i] = 0;
    return p;
}

PUBLIC void *realloc(void *old, size_t size)
{
    static void *(*next)(void *, size_t);
    if (!next)
        next = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
    return next(old, size);
}

PUBLIC void free(void *p)
{
    static void (*next)(void *);
    if (!next)
        next = (void (*)(void *))dlsym(RTLD_NEXT, "free");
    next(p);
}
