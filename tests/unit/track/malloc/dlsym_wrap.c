/* dlsym_wrap.c: a program that interposes dlsym. Its version allocates, frees and reallocates on the way, and RTLD_NEXT
 * means the next object after the program to it, which is the hooks again. */
#include <malloc.h>
#include <string.h>
#include <unistd.h>

#include "target.h"

static unsigned calls;
static void *kept[3];
static size_t usable;

void *dlsym(void *restrict handle, const char *restrict name)
{
    static void *(*next)(void *, const char *);
    if (!next)
        next = (void *(*)(void *, const char *))dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.2.5");
    if (!next)
        next = (void *(*)(void *, const char *))dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.34");
    if (calls++ == 0) {
        kept[0] = malloc(100);
        memset(kept[0], 'a', 100);
        kept[1] = realloc(calloc(10, 10), 200);
        kept[2] = memalign(256, 10);
        free(malloc(50));
        usable = malloc_usable_size(kept[0]);
    }
    return next(handle, name);
}

int main(void)
{
    struct stub_api stub = stub_api();
    CHECK(calls > 0 && kept[0] && kept[1] && kept[2]);
    CHECK(usable >= 100 && usable < 200);
    CHECK((uintptr_t)kept[2] % 256 == 0);
    CHECK(((char *)kept[1])[0] == 0 && ((char *)kept[1])[99] == 0);
    size_t boots = 0, frees = 0;
    for (size_t i = 0; stub.kept && i < stub.kept(); i++)
        boots += stub.event(i)->op == STUB_ALLOC && stub.event(i)->kind == TRK_ALLOC_BOOT;
    kept[0] = realloc(kept[0], 1000);
    CHECK(((char *)kept[0])[99] == 'a');
    for (size_t i = 0; i < 3; i++)
        free(kept[i]);
    for (size_t i = 0; stub.kept && i < stub.kept(); i++)
        frees += stub.event(i)->op == STUB_FREE && stub.event(i)->kind == TRK_ALLOC_BOOT;
    fprintf(stderr, "dlsym: %zu blocks of the arena, %zu freed, %u look-ups\n", boots, frees, calls);
    return stub.kept ? !(boots == 3 && frees == 3) : 0;
}
