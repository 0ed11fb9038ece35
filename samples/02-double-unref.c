/* 02-double-unref: one reference is given back twice.
 *
 * The cache drops its entry, and so does the request that only borrowed it. The count reaches zero too early: the
 * object is released once more than it was referenced. The report names both releases. (The sample keeps the memory, so
 * that it does not crash; a real program would free it twice.) */
#include <stdlib.h>
#include <track/track.h>

struct entry {
    int refs;
};
static TRK_TYPE_COUNTED(entry_type, struct entry, refs);

static struct entry *cached;

static struct entry *entry_new(void)
{
    struct entry *entry = calloc(1, sizeof *entry);
    entry->refs = 1;
    trk_new(entry, &entry_type);
    return entry;
}

TRK_WRAPPER static void entry_unref(struct entry *entry, const void *slot)
{
    trk_unref_from(entry, slot, TRK_CALLER);
    --entry->refs;
}

static void cache_drop(void)
{
    entry_unref(cached, &cached);
    cached = NULL;
}

static void request_end(struct entry *entry)
{
    entry_unref(entry, NULL); /* borrowed: nobody took a reference for it */
}

int main(void)
{
    TRK_OWN(cached, entry_new());
    struct entry *borrowed = cached;
    cache_drop();
    request_end(borrowed);
    trk_del(borrowed);
    free(borrowed);
    return 0;
}
