/* counter.c: frees blocks for ever and counts them in a file that others can read at any time. Usage: counter FILE */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int fd = argc > 1 ? open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600) : -1;
    if (fd < 0 || ftruncate(fd, sizeof(uint64_t)) != 0)
        return 1;
    volatile uint64_t *count = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (count == MAP_FAILED)
        return 1;
    for (unsigned i = 0;; i++) {
        void *volatile p = malloc(i % 100 + 1);
        free(p);
        *count = *count + 1;
    }
}
