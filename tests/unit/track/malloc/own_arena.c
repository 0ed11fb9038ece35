/* own_arena.c: a program with an allocator under another name inside: it maps memory itself and never calls malloc,
 * unless it has an argument. The stub writes who serves malloc when it ends. */
#include <sys/mman.h>
#include <unistd.h>

#include "target.h"

static void *(*volatile do_malloc)(size_t) = malloc;

int main(int argc, char **argv)
{
    (void)argv;
    struct stub_api stub = stub_api();
    CHECK(stub.owner() == TRK_PROC_MALLOC_OURS);
    for (int i = 0; i < 4; i++)
        CHECK(mmap(NULL, 1 << 19, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    if (argc > 1)
        free(do_malloc(1));
    _exit(0);
}
