/* stacks.c: the cost of one event with a full stack. stacks DEPTH EVENTS ROUNDS
 *
 * A chain of DEPTH functions ends in a loop (one stack, repeated), or its last six functions, each one of four, are
 * entered anew for every event (4096 stacks in a random order). In turns: nothing, trk_ref, libunwind's unw_backtrace
 * (which only collects addresses). Prints ns per event over the loop that does nothing. Compiled with and without frame
 * pointers. */
#define UNW_LOCAL_ONLY
#include <libunwind.h>

#include <track/track.h>

#include "clock.h"

enum { LEVELS = 32, CHOOSING = 6, CHOICES = 4, PATHS = 1 << 16, FRAMES = 64 };

enum what { NOTHING, VERB, UNWIND, WHATS };

typedef long (*level_fn)(int level, unsigned path);
static const level_fn table[LEVELS][CHOICES];

static enum what what;
static int depth, loop_level;
static long events, sink;
static uint16_t paths[PATHS];
static long object_word, slot_word;
static void *frames[FRAMES];

/* The innermost function: one event. */
static __attribute__((noinline)) void leaf(void)
{
    if (what == VERB)
        trk_ref(&object_word, &slot_word);
    else if (what == UNWIND)
        sink += unw_backtrace(frames, FRAMES);
    __asm__ volatile("" ::: "memory");
}

static inline __attribute__((always_inline)) long body(int level, unsigned path)
{
    long sum = 0;
    long turns = level == loop_level ? events : 1;
    for (long i = 0; i < turns; i++) {
        unsigned p = level == loop_level ? paths[i & (PATHS - 1)] : path;
        int left = depth - 1 - level;
        if (left == 0)
            leaf();
        else
            sum += table[level + 1][left <= CHOOSING ? p >> 2 * (left - 1) & 3 : 0](level + 1, p);
    }
    return sum + 1;
}

/* One function for each level and choice, so that stacks look like those of programs. */
#define ONE(name)                                                                                                      \
    static __attribute__((noinline)) long name(int level, unsigned path)                                               \
    {                                                                                                                  \
        return body(level, path);                                                                                      \
    }
#define LEVEL(n) ONE(a##n) ONE(b##n) ONE(c##n) ONE(d##n)
#define ROW(n)                                                                                                         \
    {                                                                                                                  \
        a##n, b##n, c##n, d##n                                                                                         \
    }
/* clang-format off */
LEVEL(0) LEVEL(1) LEVEL(2) LEVEL(3) LEVEL(4) LEVEL(5) LEVEL(6) LEVEL(7) LEVEL(8) LEVEL(9) LEVEL(10)
LEVEL(11) LEVEL(12) LEVEL(13) LEVEL(14) LEVEL(15) LEVEL(16) LEVEL(17) LEVEL(18) LEVEL(19) LEVEL(20) LEVEL(21)
LEVEL(22) LEVEL(23) LEVEL(24) LEVEL(25) LEVEL(26) LEVEL(27) LEVEL(28) LEVEL(29) LEVEL(30) LEVEL(31)
static const level_fn table[LEVELS][CHOICES] = {
    ROW(0), ROW(1), ROW(2), ROW(3), ROW(4), ROW(5), ROW(6), ROW(7), ROW(8), ROW(9), ROW(10), ROW(11), ROW(12), ROW(13),
    ROW(14), ROW(15), ROW(16), ROW(17), ROW(18), ROW(19), ROW(20), ROW(21), ROW(22), ROW(23), ROW(24), ROW(25),
    ROW(26), ROW(27), ROW(28), ROW(29), ROW(30), ROW(31),
};
/* clang-format on */

static void measure(const char *name, int level, int rounds)
{
    static double nothing[ROUNDS_MAX], spent[WHATS][ROUNDS_MAX];
    loop_level = level;
    for (int r = -1; r < rounds; r++) { /* the first one warms up */
        for (what = NOTHING; what < WHATS; what++) {
            double begin = bench_now_ns();
            sink += table[0][0](0, 0);
            double ns = (bench_now_ns() - begin) / (double)events;
            if (r >= 0 && what == NOTHING)
                nothing[r] = ns;
            else if (r >= 0)
                spent[what][r] = ns - nothing[r];
        }
    }
    char line[64];
    snprintf(line, sizeof line, "%s_reftrack", name);
    bench_say(line, bench_median(spent[VERB], rounds));
    snprintf(line, sizeof line, "%s_libunwind", name);
    bench_say(line, bench_median(spent[UNWIND], rounds));
}

int main(int argc, char **argv)
{
    depth = argc > 1 ? atoi(argv[1]) : 16;
    events = argc > 2 ? atol(argv[2]) : 200000;
    int rounds = argc > 3 ? atoi(argv[3]) : 15;
    if (depth <= CHOOSING || depth > LEVELS || events < 1 || rounds < 1 || rounds > ROUNDS_MAX)
        return 2;
    uint32_t random = 12345;
    for (int i = 0; i < PATHS; i++) {
        random = random * 1664525 + 1013904223;
        paths[i] = (uint16_t)(random >> 16) & ((1 << 2 * CHOOSING) - 1);
    }
    trk_new(&object_word, NULL);
    measure("repeated", depth - 1, rounds);
    measure("different", depth - 1 - CHOOSING, rounds);
    return sink == 0;
}
