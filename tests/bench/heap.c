/* A plain malloc program: `heap BLOCKS ROUNDS` fills a table of lists, replaces entries over and over, and ends with
 * one entry in a hundred dropped without free. `heap BLOCKS ROUNDS check` prints how many seconds Valgrind, when it is
 * run by that, takes for a leak check of what is alive then. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#else
#define VALGRIND_DO_LEAK_CHECK (void)0
#endif

struct entry {
    struct entry *next;
    char *text;
    uint64_t key;
};
enum { BUCKETS = 4096 };
static struct entry *table[BUCKETS];

static __attribute__((noinline)) char *text_new(uint64_t key)
{
    char text[64];
    int length = snprintf(text, sizeof text, "entry %llu", (unsigned long long)key);
    char *copy = malloc((size_t)length + 1);
    if (copy == NULL)
        abort();
    return memcpy(copy, text, (size_t)length + 1);
}
static __attribute__((noinline)) void insert(uint64_t key)
{
    struct entry *entry = malloc(sizeof *entry);
    if (entry == NULL)
        abort();
    *entry = (struct entry){ .next = table[key % BUCKETS], .text = text_new(key), .key = key };
    table[key % BUCKETS] = entry;
}
static __attribute__((noinline)) void discard(uint64_t bucket, int forget)
{
    struct entry *entry = table[bucket % BUCKETS];
    if (entry == NULL)
        return;
    table[bucket % BUCKETS] = entry->next;
    if (!forget) {
        free(entry->text);
        free(entry);
    }
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
    uint64_t blocks = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000,
             rounds = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    uint64_t key = 0, seed = 1;
    for (uint64_t i = 0; i < blocks / 2; i++)
        insert(key++);
    for (uint64_t i = 0; i < rounds * blocks / 2; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        discard(seed >> 33, 0);
        insert(key++);
    }
    for (uint64_t i = 0; i < blocks / 200; i++)
        discard(i * 7, 1);
    if (argc > 3) {
        double begin = now();
        VALGRIND_DO_LEAK_CHECK;
        printf("check %f\n", now() - begin);
    }
    return 0;
}
