/* map.h: 64-bit keys to 32-bit values, open addressing; grows by itself, never shrinks. Key 0 is allowed. Not
 * thread-safe. */
#ifndef ANALYSIS_MAP_H
#define ANALYSIS_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map {
    uint64_t *keys;
    uint32_t *values; /* value + 1; 0: free */
    size_t count, room;
};

/* The value of key, or UINT32_MAX. */
uint32_t map_get(const struct map *map, uint64_t key);
/* Sets key to value (< UINT32_MAX - 1). false without memory: the map is as before. */
bool map_put(struct map *map, uint64_t key, uint32_t value);
void map_deinit(struct map *map);

/* A good mix of two words into one: for keys made of pairs. */
static inline uint64_t map_mix(uint64_t a, uint64_t b)
{
    uint64_t h = (a ^ 0x9e3779b97f4a7c15ull) * 0xff51afd7ed558ccdull;
    h ^= h >> 32;
    h = (h + b) * 0xc4ceb9fe1a85ec53ull;
    h ^= h >> 29;
    h *= 0x9fb21c651e98df25ull;
    return h ^ (h >> 32);
}

#endif
