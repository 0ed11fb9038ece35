/* pairs.c: nanoseconds of one malloc and free, sixteen frames deep. pairs THREADS PAIRS ROUNDS
 *
 * Knows nothing of reftrack: the same program runs bare, under our recorder, under heaptrack and, compiled with it,
 * with LeakSanitizer. Prints the median over rounds and threads. */
#include <pthread.h>

#include "clock.h"

enum { DEPTH = 12, SIZES = 1 << 12 };

struct worker {
    pthread_t thread;
    double ns[ROUNDS_MAX];
};

static long pairs;
static int rounds;
static uint16_t sizes[SIZES];
static pthread_barrier_t barrier;

static __attribute__((noinline)) long chain(int level)
{
    if (level > 0)
        return chain(level - 1) + 1; /* not a tail call */
    for (long i = 0; i < pairs; i++) {
        char *volatile p = malloc(sizes[i & (SIZES - 1)]);
        p[0] = 1;
        free(p);
    }
    return 0;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    for (int r = -1; r < rounds; r++) {
        pthread_barrier_wait(&barrier);
        double begin = bench_now_ns();
        if (chain(DEPTH) != DEPTH)
            abort();
        if (r >= 0)
            w->ns[r] = (bench_now_ns() - begin) / (double)pairs;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 1;
    pairs = argc > 2 ? atol(argv[2]) : 200000;
    rounds = argc > 3 ? atoi(argv[3]) : 7;
    if (threads < 1 || threads > 64 || pairs < 1 || rounds < 1 || rounds > ROUNDS_MAX)
        return 2;
    uint32_t random = 12345;
    for (int i = 0; i < SIZES; i++) {
        random = random * 1664525 + 1013904223;
        sizes[i] = (uint16_t)(16 + (random >> 16) % 240);
    }
    struct worker *workers = calloc((size_t)threads, sizeof *workers);
    double *all = calloc((size_t)(threads * rounds), sizeof *all);
    if (workers == NULL || all == NULL)
        return 1;
    pthread_barrier_init(&barrier, NULL, (unsigned)threads);
    for (int t = 0; t < threads; t++)
        pthread_create(&workers[t].thread, NULL, work, &workers[t]);
    for (int t = 0; t < threads; t++) {
        pthread_join(workers[t].thread, NULL);
        for (int r = 0; r < rounds; r++)
            all[t * rounds + r] = workers[t].ns[r];
    }
    bench_say("pair", bench_median(all, threads * rounds));
    free(all);
    free(workers);
    return 0;
}
