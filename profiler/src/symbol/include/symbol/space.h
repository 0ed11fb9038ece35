/* symbol/space.h: which mapping an address belongs to, at a time or in a generation. Internal to layer symbol. */
#ifndef SYMBOL_SPACE_H
#define SYMBOL_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <prof/trace.h>

struct prof_space;
/* Borrows the maps. NULL without memory. Maps may be in any order and their modules too (a hostile trace): they are
 * sorted when they are first used. */
struct prof_space *prof_space_create(const struct prof_module_map *maps, size_t count);
void prof_space_destroy(struct prof_space *space);

/* A mapping of the target, and the mapped object (all mappings of one copy of a file) it belongs to. */
struct prof_mapping {
    const struct prof_module *module;
    const struct prof_module *first; /* the object's lowest mapping */
    uint64_t base;                   /* address of the object's first byte: where file offset 0 is, or would be */
    uint64_t limit;                  /* start of the next mapping above, UINT64_MAX */
    uint64_t at_us;                  /* of the map */
    void **file;                     /* for the user: one word per object, NULL at first, kept as long as the space */
};

/* The mapping of a stack's pc. Several maps may have one generation, because a map is written whenever something was
 * loaded, and the generation changes only when something was unloaded: the newest of the generation counts, then the
 * older ones. Without a map of that generation, the newest earlier one; without that, the oldest. */
bool prof_space_find(struct prof_space *space, uint16_t generation, uint64_t addr, struct prof_mapping *ret);
/* The mapping that contains addr at a time; with `near`, else the nearest one below. */
bool prof_space_find_at(struct prof_space *space, uint64_t time_us, uint64_t addr, bool near, struct prof_mapping *ret);
/* Walks all objects of the newest map, in address order: *cursor starts at 0. */
bool prof_space_next(struct prof_space *space, size_t *cursor, struct prof_mapping *ret);

#endif
