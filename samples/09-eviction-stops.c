/* 09-eviction-stops: a cache that lets go of its oldest entry for each new one, until a shortcut forgets to.
 *
 * Half way the program begins to insert entries that are kept "for the time being", and from then on nothing evicts.
 * The table holds every entry on purpose, so nothing is lost. `reftrack growth` says which references become more,
 * where they are put, and which line used to take them out and stopped. */
#include <stdlib.h>
#include <track/track.h>

enum { ROOM = 4096, KEPT = 64, ROUNDS = 200 };

struct entry {
    int refs;
    char payload[240];
};
static TRK_TYPE_COUNTED(entry_type, struct entry, refs);

struct bucket {
    int key;
    struct entry *val;
};
struct table {
    int refs;
    int first, end;
    struct bucket buckets[ROOM];
};
static TRK_TYPE_COUNTED(table_type, struct table, refs);

static struct table *g_cache;

static void entry_unref(struct entry *entry)
{
    if (--entry->refs == 0)
        free(entry);
}

static void evict(struct table *table)
{
    struct bucket *bucket = &table->buckets[table->first++ % ROOM];
    trk_unref(bucket->val, &bucket->val);
    entry_unref(bucket->val);
    bucket->val = NULL;
}

static void insert(struct table *table, int key)
{
    struct bucket *bucket = &table->buckets[table->end++ % ROOM];
    struct entry *entry = calloc(1, sizeof *entry);
    entry->refs = 1;
    trk_new(entry, &entry_type);
    bucket->key = key;
    bucket->val = entry;
    trk_own(entry, &bucket->val);
}

static void serve(struct table *table, int key, int keep)
{
    if (!keep && table->end - table->first >= KEPT)
        evict(table);
    insert(table, key);
}

int main(void)
{
    static const char *const marks[] = { "one", "two", "three", "four", "five", "six" };
    g_cache = calloc(1, sizeof *g_cache);
    g_cache->refs = 1;
    trk_new(g_cache, &table_type);
    trk_own(g_cache, &g_cache);
    for (int part = 0; part < 6; part++) {
        for (int i = 0; i < ROUNDS; i++)
            serve(g_cache, part * ROUNDS + i, part >= 3);
        trk_mark(marks[part]);
    }
    return 0;
}
