/* rnd.h: random numbers that are the same in every run, for property tests: xorshift64 (Marsaglia 2003). One thread. */
#ifndef HARNESS_RND_H
#define HARNESS_RND_H

#include <stdint.h>

static uint64_t rng;

static inline uint64_t rnd(uint64_t below)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return (rng >> 11) % below;
}

/* Begins the sequence of this number. */
static inline void seed(uint64_t number)
{
    rng = (number + 1) * 0x9e3779b97f4a7c15ull;
    for (int i = 0; i < 8; i++)
        rnd(2);
}

#endif
