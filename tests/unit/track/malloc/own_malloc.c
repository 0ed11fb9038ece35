/* own_malloc.c: a program that defines malloc itself (a bump arena), but not the rarer functions of the family. What it
 * does not define must go on working with its blocks, and nothing of it may be recorded. */
#include <malloc.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "target.h"

static char arena[8 << 20] __attribute__((aligned(64)));
static size_t used;
static size_t freed;

void *malloc(size_t size)
{
    size_t *p = (size_t *)(void *)(arena + __atomic_fetch_add(&used, (size + 31) / 16 * 16, __ATOMIC_RELAXED));
    p[0] = size;
    return p + 2;
}

void free(void *p)
{
    if (p && ((char *)p < arena || (char *)p >= arena + sizeof(arena)))
        _exit(97); /* not ours: the family is mixed up */
    freed += p != NULL;
}

void *calloc(size_t count, size_t size)
{
    return malloc(count * size); /* never reused, so still zero */
}

void *realloc(void *old, size_t size)
{
    char *p = malloc(size);
    if (old) {
        size_t was = ((size_t *)old)[-2];
        memcpy(p, old, was < size ? was : size);
        free(old);
    }
    return p;
}

void cfree(void *p) __attribute__((weak));
static void *(*volatile do_malloc)(size_t) = malloc;

int main(void)
{
    struct stub_api stub = stub_api();
    char *p = do_malloc(10);
    strcpy(p, "123456789");
    p = reallocarray(p, 100, 2); /* libc's or the hooks', on a block of ours */
    CHECK(strcmp(p, "123456789") == 0);
    CHECK((char *)p >= arena && (char *)p < arena + sizeof(arena));
    size_t before = freed;
    /* libc has one too, for old programs, which is unaware of us. */
    if (stub.count) {
        cfree(p);
        CHECK(freed == before + 1);
    }
    printf("%u %s\n", stub.owner ? stub.owner() : 0, stub.owner_text ? stub.owner_text() : "");
    return stub.count && stub.count(STUB_ALLOC) != 0;
}
