/* map.c: linear probing at a load of at most 2/3. */
#include "map.h"

#include <stdlib.h>

static size_t place(const struct map *map, uint64_t key)
{
    size_t at = (size_t)map_mix(key, 0x51) & (map->room - 1);

    while (map->values[at] != 0 && map->keys[at] != key)
        at = (at + 1) & (map->room - 1);
    return at;
}

uint32_t map_get(const struct map *map, uint64_t key)
{
    if (map->room == 0)
        return UINT32_MAX;
    return map->values[place(map, key)] - 1;
}

static bool grow(struct map *map)
{
    struct map bigger = { .room = map->room == 0 ? 64 : map->room * 2 };

    bigger.keys = malloc(bigger.room * sizeof *bigger.keys);
    bigger.values = calloc(bigger.room, sizeof *bigger.values);
    if (bigger.keys == NULL || bigger.values == NULL) {
        free(bigger.keys);
        free(bigger.values);
        return false;
    }
    for (size_t i = 0; i < map->room; i++) {
        if (map->values[i] == 0)
            continue;
        size_t at = place(&bigger, map->keys[i]);
        bigger.keys[at] = map->keys[i];
        bigger.values[at] = map->values[i];
    }
    free(map->keys);
    free(map->values);
    map->keys = bigger.keys;
    map->values = bigger.values;
    map->room = bigger.room;
    return true;
}

bool map_put(struct map *map, uint64_t key, uint32_t value)
{
    if (map->count >= map->room - map->room / 3 && !grow(map))
        return false;
    size_t at = place(map, key);
    if (map->values[at] == 0)
        map->count++;
    map->keys[at] = key;
    map->values[at] = value + 1;
    return true;
}

void map_deinit(struct map *map)
{
    free(map->keys);
    free(map->values);
    *map = (struct map){ 0 };
}
