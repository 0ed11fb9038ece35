/* addr.c: growing and removing in the address table, see addr.h. */
#include "addr.h"

#include <stdlib.h>
#include <string.h>

#include "pool.h"

enum { FIRST_SIZE = 1024 };

static bool grow(struct addr_table *t)
{
    uint64_t size = t->size == 0 ? FIRST_SIZE : t->size + t->size / 2;
    if (size > UINT32_MAX)
        return false;
    struct addr_entry *old = t->entries;
    uint64_t old_size = t->size;
    struct addr_entry *fresh = calloc(size, sizeof *fresh);
    if (fresh == NULL)
        return false;
    pool_advise(fresh, size * sizeof *fresh);
    t->entries = fresh;
    t->size = size;
    t->limit = size - size / 4;
    for (uint64_t i = 0; i < old_size; i++) {
        if (old[i].key == 0)
            continue;
        uint64_t at = addr_home(t, old[i].key);
        while (fresh[at].key != 0)
            at = at + 1 == size ? 0 : at + 1;
        fresh[at] = old[i];
    }
    free(old);
    return true;
}

struct addr_entry *addr_make(struct addr_table *t, uint64_t key)
{
    struct addr_entry *found = addr_find(t, key);
    if (found != NULL)
        return found;
    if (t->count >= t->limit && !grow(t))
        return NULL;
    uint64_t i = addr_home(t, key);
    while (t->entries[i].key != 0)
        i = i + 1 == t->size ? 0 : i + 1;
    t->entries[i] = (struct addr_entry){ .key = key };
    t->count++;
    return &t->entries[i];
}

void addr_drop_empty(struct addr_table *t, struct addr_entry *entry)
{
    if (entry->block != 0 || entry->obj != 0)
        return;
    uint64_t hole = (uint64_t)(entry - t->entries);
    for (uint64_t i = hole + 1 == t->size ? 0 : hole + 1; t->entries[i].key != 0; i = i + 1 == t->size ? 0 : i + 1) {
        uint64_t home = addr_home(t, t->entries[i].key);
        uint64_t from_home = i >= home ? i - home : i + t->size - home;
        uint64_t from_hole = i >= hole ? i - hole : i + t->size - hole;
        if (from_home >= from_hole) {
            t->entries[hole] = t->entries[i];
            hole = i;
        }
    }
    t->entries[hole] = (struct addr_entry){ 0 };
    t->count--;
}

void addr_deinit(struct addr_table *t)
{
    free(t->entries);
    memset(t, 0, sizeof *t);
}
