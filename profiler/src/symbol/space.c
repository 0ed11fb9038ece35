/* space.c: module maps, sorted and grouped into objects when they are first asked. */
#include <symbol/space.h>

#include <stdlib.h>
#include <string.h>

struct entry {
    const struct prof_module *module;
    uint32_t object;
};
struct object {
    const struct prof_module *first;
    uint64_t base;
    void *file;
};
struct map {
    const struct prof_module_map *source;
    uint32_t order; /* as written: of equal age the later wins */
    bool built;
    struct entry *entries;
    size_t count;
    struct object *objects;
    size_t object_count;
};
struct prof_space {
    struct map *maps; /* by time */
    size_t count;
    uint32_t *by_generation; /* indexes of maps, by (generation & 0xffff, age) */
};

static int compare_time(const void *left, const void *right)
{
    const struct map *a = left, *b = right;
    if (a->source->at_us != b->source->at_us)
        return a->source->at_us < b->source->at_us ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

static unsigned short_generation(const struct map *map)
{
    return map->source->generation & TRK_STACK_GEN_MASK;
}

static int compare_generation(const void *left, const void *right, void *ctx)
{
    const struct prof_space *space = ctx;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    unsigned ga = short_generation(&space->maps[a]), gb = short_generation(&space->maps[b]);
    if (ga != gb)
        return ga < gb ? -1 : 1;
    return a < b ? -1 : a > b;
}

struct prof_space *prof_space_create(const struct prof_module_map *maps, size_t count)
{
    if (count > UINT32_MAX)
        count = UINT32_MAX;
    struct prof_space *space = calloc(1, sizeof *space);
    if (space == NULL)
        return NULL;
    space->maps = calloc(count + 1, sizeof *space->maps);
    space->by_generation = calloc(count + 1, sizeof *space->by_generation);
    if (space->maps == NULL || space->by_generation == NULL) {
        prof_space_destroy(space);
        return NULL;
    }
    space->count = count;
    for (size_t i = 0; i < count; i++) {
        space->maps[i] = (struct map){ .source = &maps[i], .order = (uint32_t)i };
        space->by_generation[i] = (uint32_t)i;
    }
    qsort(space->maps, count, sizeof *space->maps, compare_time);
    qsort_r(space->by_generation, count, sizeof *space->by_generation, compare_generation, space);
    return space;
}

void prof_space_destroy(struct prof_space *space)
{
    if (space == NULL)
        return;
    for (size_t i = 0; space->maps != NULL && i < space->count; i++) {
        free(space->maps[i].entries);
        free(space->maps[i].objects);
    }
    free(space->maps);
    free(space->by_generation);
    free(space);
}

static int compare_start(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    if (a->module->start != b->module->start)
        return a->module->start < b->module->start ? -1 : 1;
    return a->module < b->module ? -1 : a->module > b->module;
}

static bool same_file(const struct prof_module *a, const struct prof_module *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->build_id_len == b->build_id_len &&
           (a->path == b->path || strcmp(a->path, b->path) == 0);
}

// The loader maps a file's segments upward with growing file offsets. The same file from a lower offset again is a
// second copy of it; another file between ends the object; nameless memory between is its .bss.
static void group(struct map *map)
{
    struct object *object = NULL;
    const struct prof_module *last = NULL;
    for (size_t i = 0; i < map->count; i++) {
        const struct prof_module *module = map->entries[i].module;
        bool named = module->path[0] == '/';
        bool goes_on = named && last != NULL && same_file(last, module) && module->file_offset >= last->file_offset &&
                       !(module->file_offset == 0 && last->file_offset == 0 && module->prot == last->prot);
        if (!goes_on) {
            object = &map->objects[map->object_count++];
            object->first = module;
            object->base = module->start;
            if (named && module->file_offset <= module->start)
                object->base = module->start - module->file_offset;
        }
        map->entries[i].object = (uint32_t)(object - map->objects);
        if (module->path[0] != '\0')
            last = named ? module : NULL;
    }
}

static bool build(struct map *map)
{
    if (map->built)
        return map->entries != NULL;
    map->built = true;
    size_t count = map->source->count < UINT32_MAX ? map->source->count : UINT32_MAX;
    map->entries = calloc(count + 1, sizeof *map->entries);
    map->objects = calloc(count + 1, sizeof *map->objects);
    if (map->entries == NULL || map->objects == NULL) {
        free(map->entries);
        free(map->objects);
        map->entries = NULL;
        map->objects = NULL;
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct prof_module *module = &map->source->modules[i];
        if (module->start < module->end)
            map->entries[map->count++].module = module;
    }
    qsort(map->entries, map->count, sizeof *map->entries, compare_start);
    group(map);
    return true;
}

static void fill(struct map *map, size_t index, struct prof_mapping *ret)
{
    struct object *object = &map->objects[map->entries[index].object];
    *ret = (struct prof_mapping){
        .module = map->entries[index].module,
        .first = object->first,
        .base = object->base,
        .limit = index + 1 < map->count ? map->entries[index + 1].module->start : UINT64_MAX,
        .at_us = map->source->at_us,
        .file = &object->file,
    };
}

// Index of the last entry that starts at or below addr; false: none.
static bool below(struct map *map, uint64_t addr, size_t *ret)
{
    if (!build(map))
        return false;
    size_t low = 0, high = map->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (map->entries[mid].module->start <= addr)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == 0)
        return false;
    *ret = low - 1;
    return true;
}

static bool find_in(struct map *map, uint64_t addr, bool near, struct prof_mapping *ret)
{
    size_t index;
    if (!below(map, addr, &index) || (!near && addr >= map->entries[index].module->end))
        return false;
    fill(map, index, ret);
    return true;
}

bool prof_space_find(struct prof_space *space, uint16_t generation, uint64_t addr, struct prof_mapping *ret)
{
    size_t low = 0, high = space->count;
    while (low < high) { // first of a later generation
        size_t mid = low + (high - low) / 2;
        if (short_generation(&space->maps[space->by_generation[mid]]) <= generation)
            low = mid + 1;
        else
            high = mid;
    }
    if (space->count == 0)
        return false;
    if (low == 0)
        return find_in(&space->maps[space->by_generation[0]], addr, false, ret);
    unsigned found = short_generation(&space->maps[space->by_generation[low - 1]]);
    while (low > 0 && short_generation(&space->maps[space->by_generation[low - 1]]) == found) {
        if (find_in(&space->maps[space->by_generation[--low]], addr, false, ret))
            return true;
    }
    return false;
}

bool prof_space_find_at(struct prof_space *space, uint64_t time_us, uint64_t addr, bool near, struct prof_mapping *ret)
{
    size_t low = 0, high = space->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (space->maps[mid].source->at_us <= time_us)
            low = mid + 1;
        else
            high = mid;
    }
    if (space->count == 0)
        return false;
    return find_in(&space->maps[low > 0 ? low - 1 : 0], addr, near, ret);
}

bool prof_space_next(struct prof_space *space, size_t *cursor, struct prof_mapping *ret)
{
    if (space->count == 0)
        return false;
    struct map *map = &space->maps[space->count - 1];
    if (!build(map))
        return false;
    for (; *cursor < map->count; ++*cursor) {
        if (map->objects[map->entries[*cursor].object].first == map->entries[*cursor].module) {
            fill(map, (*cursor)++, ret);
            return true;
        }
    }
    return false;
}
