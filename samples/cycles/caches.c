/* caches: two caches clear each other, so each owns the other one.
 *
 * Nothing is wrong with their entries: they are only there because the caches are, and are told below the cycle with
 * their number and bytes. The field is the same in both, so one change breaks the cycle wherever it is entered. */
#include "counted.h"

struct entry {
    struct counted base;
    struct entry *next;
    char value[96];
};
struct cache {
    struct counted base;
    struct cache *clears_too;
    struct entry *entries;
};
static TRK_TYPE_COUNTED(entry_type, struct entry, base.refs);
static TRK_TYPE_COUNTED(cache_type, struct cache, base.refs);

static void entry_destroy(void *object)
{
    struct entry *entry = object;
    counted_unref(entry->next, &entry->next);
}

static void cache_destroy(void *object)
{
    struct cache *cache = object;
    counted_unref(cache->entries, &cache->entries);
    counted_unref(cache->clears_too, &cache->clears_too);
}

static void cache_put(struct cache *cache)
{
    struct entry *entry;
    TRK_OWN(entry, counted_new(sizeof *entry, &entry_type, entry_destroy));
    entry->next = cache->entries;
    if (entry->next != NULL)
        trk_move(entry->next, &entry->next, &cache->entries);
    cache->entries = entry;
    trk_move(entry, &cache->entries, &entry);
}

int main(void)
{
    struct cache *users, *sessions;
    TRK_OWN(users, counted_new(sizeof *users, &cache_type, cache_destroy));
    TRK_OWN(sessions, counted_new(sizeof *sessions, &cache_type, cache_destroy));
    TRK_OWN(users->clears_too, counted_ref(sessions));
    TRK_OWN(sessions->clears_too, counted_ref(users));
    for (int i = 0; i < 20; i++)
        cache_put(i % 4 == 0 ? sessions : users);
    counted_unref(users, &users);
    counted_unref(sessions, &sessions);
    return 0;
}
