/* own_arena.c: a program with an allocator under another name inside: it maps memory itself and never calls malloc,
 * until it is asked to. Exits with 0 when the stub was told so. */
#include <sys/mman.h>
#include <unistd.h>

#include "target.h"

static void *(*volatile do_malloc)(size_t) = malloc;

int main(void)
{
    struct stub_api stub = stub_api();
    if (stub.owner() != TRK_PROC_MALLOC_OURS)
        return 1;
    for (int i = 0; i < 4; i++)
        CHECK(mmap(NULL, 1 << 19, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    if (stub.owner() != TRK_PROC_MALLOC_FOREIGN)
        return 2;
    puts(stub.owner_text());
    free(do_malloc(1));
    return stub.owner() == TRK_PROC_MALLOC_OURS ? 0 : 3;
}
