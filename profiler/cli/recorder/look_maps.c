/* look_maps.c: the text of /proc/PID/maps as mappings. The text is the kernel's, the names in it are the target's. */
#include "look.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

enum { GUARD_MAX = 64 << 10 };

static bool add_name(struct look_maps *maps, const char *name, uint32_t *ret)
{
    size_t length = strlen(name) + 1;
    /* Mappings of one file follow each other. */
    if (maps->items.count > 0) {
        uint32_t last = maps->items.items[maps->items.count - 1].name;
        if (strcmp(maps->names.items + last, name) == 0) {
            *ret = last;
            return true;
        }
    }
    if (maps->names.count + length > UINT32_MAX || !prof_vec_reserve(&maps->names, length))
        return false;
    *ret = (uint32_t)maps->names.count;
    memcpy(maps->names.items + maps->names.count, name, length);
    maps->names.count += length;
    return true;
}

static bool parse_line(const char *line, struct look_map *ret, const char **ret_name)
{
    char perms[5] = "";
    unsigned high, low;
    int name = 0;
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n", &ret->start, &ret->end, perms,
               &ret->offset, &high, &low, &ret->ino, &name) < 7 ||
        name == 0 || ret->start >= ret->end || ((ret->start | ret->end) & (LOOK_PAGE - 1)) != 0 || strlen(perms) != 4)
        return false;
    ret->dev = makedev(high, low);
    ret->read = perms[0] == 'r';
    ret->write = perms[1] == 'w';
    ret->exec = perms[2] == 'x';
    ret->shared = perms[3] == 's';
    *ret_name = line + name;
    return true;
}

bool look_maps_parse(char *text, struct look_maps *ret)
{
    struct look_maps maps = { 0 };
    char *save = NULL;
    uint64_t last_end = 0;
    bool ok = true;
    for (char *line = strtok_r(text, "\n", &save); line != NULL && ok; line = strtok_r(NULL, "\n", &save)) {
        struct look_map map;
        const char *name;
        if (maps.items.count >= LOOK_MAPS_MAX)
            break;
        if (!parse_line(line, &map, &name) || map.start < last_end)
            continue;
        last_end = map.end;
        ok = add_name(&maps, name, &map.name) && prof_vec_push(&maps.items, map);
    }
    if (!ok) {
        look_maps_deinit(&maps);
        return false;
    }
    *ret = maps;
    return true;
}

void look_maps_deinit(struct look_maps *maps)
{
    prof_vec_deinit(&maps->items);
    prof_vec_deinit(&maps->names);
}

const struct look_map *look_maps_find(const struct look_maps *maps, uint64_t address)
{
    size_t low = 0, high = maps->items.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct look_map *map = &maps->items.items[middle];
        if (address < map->start)
            high = middle;
        else if (address >= map->end)
            low = middle + 1;
        else
            return map;
    }
    return NULL;
}

bool look_map_anonymous(const struct look_maps *maps, const struct look_map *map)
{
    const char *name = look_map_name(maps, map);
    return !map->shared && map->ino == 0 &&
           (name[0] == '\0' || strcmp(name, "[heap]") == 0 || strncmp(name, "[anon:", 6) == 0);
}

bool look_map_guarded(const struct look_maps *maps, const struct look_map *map)
{
    if (map == maps->items.items)
        return false;
    const struct look_map *below = map - 1;
    return below->end == map->start && !below->read && !below->write && !below->exec &&
           below->end - below->start <= GUARD_MAX;
}

bool look_map_ours(const struct look_maps *maps, const struct look_map *map)
{
    static const char *const names[] = { "/memfd:reftrack", "[anon:reftrack", "[anon:libtrack" };
    static const char *const files[] = { "libtrack.so", "libtrack-preload.so" };
    const char *name = look_map_name(maps, map);
    const char *slash = strrchr(name, '/');
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(name, names[i], strlen(names[i])) == 0)
            return true;
    for (size_t i = 0; slash != NULL && i < sizeof files / sizeof *files; i++)
        if (strncmp(slash + 1, files[i], strlen(files[i])) == 0)
            return true;
    return false;
}
