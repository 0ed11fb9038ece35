/* addr.c: growing and removing in the address table, see addr.h. */
#include "addr.h"

#include <stdlib.h>
#include <string.h>

#include "pool.h"

enum { FIRST_SIZE = 1024 };

/* A table of this size with the `live` entries only. */
static bool rebuild(struct addr_table *t, uint64_t size, uint64_t live)
{
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
    t->count = live;
    for (uint64_t i = 0; i < old_size; i++) {
        if ((old[i].block | old[i].obj) == 0)
            continue;
        uint64_t at = addr_home(t, old[i].key);
        while (fresh[at].key != 0)
            at = at + 1 == size ? 0 : at + 1;
        fresh[at] = old[i];
    }
    free(old);
    return true;
}

static uint64_t count_live(const struct addr_table *t)
{
    uint64_t live = 0;
    for (uint64_t i = 0; i < t->size; i++)
        live += (t->entries[i].block | t->entries[i].obj) != 0;
    return live;
}

/* Larger by half, or of the same size when removed entries had filled it. */
static bool grow(struct addr_table *t)
{
    uint64_t live = count_live(t);
    uint64_t size = t->size == 0 ? FIRST_SIZE : live < t->limit / 2 ? t->size : t->size + t->size / 2;
    return rebuild(t, size, live);
}

bool addr_reserve(struct addr_table *t, uint64_t more)
{
    if (t->limit - t->count >= more && t->size != 0)
        return true;
    uint64_t live = count_live(t), size = (live + more) / 2 * 3 + FIRST_SIZE;
    return rebuild(t, size, live);
}

struct addr_entry *addr_make(struct addr_table *t, uint64_t key)
{
    if (t->count >= t->limit && !grow(t))
        return NULL;
    uint64_t i = addr_home(t, key);
    while (t->entries[i].key != key) {
        if (t->entries[i].key == 0) {
            t->entries[i].key = key;
            t->count++;
            break;
        }
        i = i + 1 == t->size ? 0 : i + 1;
    }
    return &t->entries[i];
}

void addr_deinit(struct addr_table *t)
{
    free(t->entries);
    memset(t, 0, sizeof *t);
}
