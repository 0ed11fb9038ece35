/* rndmemory.h: checkpoints with random memory in them, for property tests: the same from the same random numbers. */
#ifndef HARNESS_RNDMEMORY_H
#define HARNESS_RNDMEMORY_H

#include <stdbool.h>
#include <stdio.h>

#include <prof/memory.h>

/* rnd(n): a number below n. About `words` words, in any areas that there may be, some of them wide apart. In order.
 * Prints and aborts on errors; ended by prof_memory_destroy. Never of the rung 0; its name may be empty. */
struct prof_memory *random_memory(uint64_t (*rnd)(uint64_t below), uint32_t number, uint64_t at_us, uint64_t round,
                                  size_t words);
bool same_memory(const struct prof_memory *one, const struct prof_memory *two);
/* Everything in it. NULL: says so. */
void memory_dump(FILE *out, const struct prof_memory *memory);

#endif
