/* bench.c: what the hooks cost while idle: malloc+free through them against libc's own entry points, in alternating
 * rounds of one process, so that the machine's moods hit both alike. Prints nanoseconds per pair and the median of the
 * ratios. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

extern void *__libc_malloc(size_t);
extern void __libc_free(void *);

enum { ROUNDS = 25, PAIRS = 200000 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double through_hooks(void)
{
    double start = now();
    for (int i = 0; i < PAIRS; i++) {
        void *p = malloc(64);
        __asm__ volatile("" : : "r"(p) : "memory");
        free(p);
    }
    return (now() - start) / PAIRS;
}

static double direct(void)
{
    double start = now();
    for (int i = 0; i < PAIRS; i++) {
        void *p = __libc_malloc(64);
        __asm__ volatile("" : : "r"(p) : "memory");
        __libc_free(p);
    }
    return (now() - start) / PAIRS;
}

int main(void)
{
    double bare[ROUNDS], hooked[ROUNDS], ratio[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        bare[i] = direct();
        hooked[i] = through_hooks();
        ratio[i] = hooked[i] / bare[i];
    }
    qsort(bare, ROUNDS, sizeof(bare[0]), by_value);
    qsort(hooked, ROUNDS, sizeof(hooked[0]), by_value);
    qsort(ratio, ROUNDS, sizeof(ratio[0]), by_value);
    printf("malloc+free: bare %.2f ns, idle hooks %.2f ns (medians); ratio %.2f\n", bare[ROUNDS / 2],
           hooked[ROUNDS / 2], ratio[ROUNDS / 2]);
    return 0;
}
