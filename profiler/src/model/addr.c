/* addr.c: growing and removing in the address table, see addr.h. */
#include "addr.h"

#include <stdlib.h>
#include <string.h>

#include <base/large.h>
#include <base/vec.h>

enum { FIRST_SIZE = 1024 };

/* Puts an entry of a key that is in none yet. */
static void put(struct addr_table *t, struct addr_entry entry)
{
    uint64_t at = addr_home(t, entry.key);
    while (t->entries[at].key != 0)
        at = at + 1 == t->size ? 0 : at + 1;
    t->entries[at] = entry;
}

static bool is_removed(const struct addr_entry *entry)
{
    return (entry->block | entry->obj) == 0;
}

/* A fresh table of this size with the `live` entries only. */
static bool rebuild(struct addr_table *t, uint64_t size, uint64_t live)
{
    if (size > UINT32_MAX)
        return false;
    struct addr_table old = *t;
    struct addr_entry *fresh = prof_large_calloc(size, sizeof *fresh);
    if (fresh == NULL)
        return false;
    *t = (struct addr_table){ .entries = fresh, .size = size, .limit = size - size / 4, .count = live };
    for (uint64_t i = 0; i < old.size; i++)
        if (!is_removed(&old.entries[i]))
            put(t, old.entries[i]);
    free(old.entries);
    return true;
}

/* The same in place, for a larger size: what is asked of the system is only what is new. Homes keep their order and
 * move up, so from the top down every entry finds a place among those that have moved already. The few for which that
 * is not so (of chains that moved less than they are long, or reach over the end) wait until all old places are free.
 * Without memory for these the table is safe to look at, but lacks them. */
static bool stretch(struct addr_table *t, uint64_t size, uint64_t live)
{
    PROF_VEC(struct addr_entry) waiting = { 0 };
    uint64_t old_size = t->size;
    bool good = true;

    if (size > UINT32_MAX)
        return false;
    struct addr_entry *entries = reallocarray(t->entries, size, sizeof *entries);
    if (entries == NULL)
        return false;
    prof_large_advise(entries, size * sizeof *entries);
    memset(entries + old_size, 0, (size - old_size) * sizeof *entries);
    *t = (struct addr_table){ .entries = entries, .size = size, .limit = size - size / 4, .count = live };
    for (uint64_t i = old_size; i-- > 0;) {
        struct addr_entry entry = entries[i];
        if (entry.key == 0)
            continue;
        entries[i].key = 0;
        if (is_removed(&entry))
            continue;
        entries[i].block = entries[i].obj = 0;
        uint64_t home = addr_home(t, entry.key), at = home;
        while (at < size && entries[at].key != 0)
            at++;
        if (home >= i && at < size)
            entries[at] = entry;
        else
            good = prof_vec_push(&waiting, entry) && good;
    }
    for (size_t i = 0; i < waiting.count; i++)
        put(t, waiting.items[i]);
    prof_vec_deinit(&waiting);
    return good;
}

static uint64_t count_live(const struct addr_table *t)
{
    uint64_t live = 0;
    for (uint64_t i = 0; i < t->size; i++)
        live += !is_removed(&t->entries[i]);
    return live;
}

/* Larger by half, or of the same size when removed entries had filled it. */
static bool grow(struct addr_table *t)
{
    uint64_t live = count_live(t);
    uint64_t size = t->size == 0 ? FIRST_SIZE : live < t->limit / 2 ? t->size : t->size + t->size / 2;
    return size > t->size && t->size != 0 ? stretch(t, size, live) : rebuild(t, size, live);
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
