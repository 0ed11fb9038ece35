/* A program for the viewer to watch: `viewer_live EVENTS` works for about half a microsecond per event, so it makes
 * about two million of them a second: references taken into variables of objects and given back, births and deaths of
 * 100 000 objects. Prints the seconds that the work took, by the clock and of its processor. */
#include <stdint.h>
#include <string.h>

#include <track/track.h>

#include "clock.h"

enum { OBJECTS = 100000, WORK = 170 };

struct node {
    int refs;
    struct node *held;
};
static TRK_TYPE_COUNTED(node_type, struct node, refs);
static struct node *table[OBJECTS];
static uint64_t sum = 1;

static void work(void)
{
    for (int i = 0; i < WORK; i++)
        sum = sum * 6364136223846793005u + 1442695040888963407u;
    __asm__ volatile("" : "+r"(sum));
}

static void put(uint64_t at)
{
    table[at] = calloc(1, sizeof *table[at]);
    if (table[at] == NULL)
        abort();
    trk_new(table[at], &node_type);
    trk_own(table[at], &table[at]);
}

static void drop(uint64_t at)
{
    trk_unref(table[at], &table[at]);
    trk_del(table[at]);
    free(table[at]);
}

int main(int argc, char **argv)
{
    uint64_t events = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000000;
    struct timespec cpu;
    for (uint64_t i = 0; i < OBJECTS; i++)
        put(i);
    double begin = bench_now_ns();
    for (uint64_t done = 0; done < events; done += 2) {
        uint64_t at = (sum >> 33) % OBJECTS;
        work();
        work();
        trk_ref(table[at], &table[at]->held);
        trk_unref(table[at], &table[at]->held);
        if (done % 64 == 0) {
            drop(at);
            put(at);
        }
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    bench_say("wall", (bench_now_ns() - begin) / 1e9);
    bench_say("cpu", (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9);
    return 0;
}
