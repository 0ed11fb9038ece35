/* lives.c: equal lives counted together, and a bounded sample of those that differ. */
#include <pairing/lives.h>

#include <stdlib.h>
#include <string.h>

static int by_key(const void *left, const void *right)
{
    const struct pairing_entry *a = left, *b = right;
    return a->key < b->key ? -1 : a->key > b->key;
}

/* Lives are short as a rule. */
static void sort(struct pairing_entry *entries, size_t count)
{
    enum { SHORT = 24 };

    if (count > SHORT) {
        qsort(entries, count, sizeof *entries, by_key);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        struct pairing_entry e = entries[i];
        size_t at = i;
        for (; at > 0 && entries[at - 1].key > e.key; at--)
            entries[at] = entries[at - 1];
        entries[at] = e;
    }
}

/* One end of what happened at a key. */
struct mark {
    uint32_t at, entry;
    bool take; /* the first taking; else the last release */
};

/* Of equal moments takings come first: what is not known to be too early may have served. */
static int by_moment(const void *left, const void *right)
{
    const struct mark *a = left, *b = right;
    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    return (int)b->take - (int)a->take;
}

/* Releases with no taking between them, and takings with no release between them, get one rank: the fewest ranks that
 * still say which release came before which taking. */
static void rank(struct pairing_entry *entries, size_t count)
{
    struct mark marks[2 * PAIRING_ENTRIES_MOST];
    size_t n = 0;
    uint32_t now = 0;
    bool given = false;

    for (size_t i = 0; i < count; i++) {
        if (entries[i].taken > 0)
            marks[n++] = (struct mark){ entries[i].first, (uint32_t)i, true };
        if (entries[i].given > 0)
            marks[n++] = (struct mark){ entries[i].last, (uint32_t)i, false };
        entries[i].first = entries[i].last = 0;
    }
    // cppcheck-suppress uninitvar ; n of them are filled
    qsort(marks, n, sizeof *marks, by_moment);
    for (size_t i = 0; i < n; i++) {
        if (marks[i].take && given) {
            now++;
            given = false;
        }
        given |= !marks[i].take;
        *(marks[i].take ? &entries[marks[i].entry].first : &entries[marks[i].entry].last) = now;
    }
}

size_t pairing_tidy(struct pairing_entry *entries, size_t count)
{
    size_t to = 0;

    sort(entries, count);
    for (size_t i = 0; i < count; i++) {
        const struct pairing_entry e = entries[i];
        if (e.taken == 0 && e.given == 0)
            continue;
        if (to == 0 || entries[to - 1].key != e.key) {
            entries[to++] = e;
            continue;
        }
        struct pairing_entry *sum = &entries[to - 1];
        sum->taken += e.taken;
        sum->given += e.given;
        sum->first = e.first < sum->first ? e.first : sum->first;
        sum->last = e.last > sum->last ? e.last : sum->last;
    }
    if (to <= PAIRING_ENTRIES_MOST)
        rank(entries, to);
    return to;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

static uint64_t hash_of(const struct pairing_entry *entries, size_t count)
{
    uint64_t hash = count;

    for (size_t i = 0; i < count; i++) {
        hash = mix(hash, (uint64_t)entries[i].key << 32 | entries[i].taken);
        hash = mix(hash, (uint64_t)entries[i].given << 32 | (entries[i].first << 16 ^ entries[i].last));
    }
    return mix(hash, hash >> 31);
}

static bool wanted(const struct pairing_bag *bag, const struct pairing_life *life)
{
    return (life->hash & ((UINT64_C(1) << bag->level) - 1)) == 0 || life->lives >= PAIRING_COMMON;
}

static bool index_lives(struct pairing_bag *bag, size_t room)
{
    if (bag->index == NULL || bag->index_mask + 1 != room) {
        uint32_t *fresh = malloc(room * sizeof *fresh);
        if (fresh == NULL)
            return false;
        free(bag->index);
        bag->index = fresh;
        bag->index_mask = room - 1;
    }
    memset(bag->index, 0, room * sizeof *bag->index);
    for (size_t i = 0; i < bag->lives.count; i++) {
        size_t at = bag->lives.items[i].hash & bag->index_mask;
        while (bag->index[at] != 0)
            at = (at + 1) & bag->index_mask;
        bag->index[at] = (uint32_t)i + 1;
    }
    return true;
}

void pairing_bag_thin(struct pairing_bag *bag)
{
    size_t lives = 0, entries = 0;

    if (bag->level < 63)
        bag->level++;
    for (size_t i = 0; i < bag->lives.count; i++) {
        struct pairing_life life = bag->lives.items[i];
        if (!wanted(bag, &life)) {
            bag->kept -= life.lives;
            continue;
        }
        memmove(bag->entries.items + entries, bag->entries.items + life.first, life.count * sizeof *bag->entries.items);
        life.first = (uint32_t)entries;
        entries += life.count;
        bag->lives.items[lives++] = life;
    }
    bag->lives.count = lives;
    bag->entries.count = entries;
    if (bag->index != NULL)
        index_lives(bag, bag->index_mask + 1); // as large as before: needs no memory
}

static struct pairing_life *find(const struct pairing_bag *bag, uint64_t hash, const struct pairing_entry *entries,
                                 size_t count)
{
    for (size_t at = hash & bag->index_mask; bag->index != NULL && bag->index[at] != 0;
         at = (at + 1) & bag->index_mask) {
        struct pairing_life *life = &bag->lives.items[bag->index[at] - 1];
        if (life->hash == hash && life->count == count &&
            memcmp(bag->entries.items + life->first, entries, count * sizeof *entries) == 0)
            return life;
    }
    return NULL;
}

static bool append(struct pairing_bag *bag, struct pairing_life life, const struct pairing_entry *entries)
{
    life.first = (uint32_t)bag->entries.count;
    if (!prof_vec_reserve(&bag->entries, life.count) || !prof_vec_push(&bag->lives, life))
        return false;
    memcpy(bag->entries.items + life.first, entries, life.count * sizeof *entries);
    bag->entries.count += life.count;
    bag->kept += life.lives;
    size_t room = bag->index != NULL ? bag->index_mask + 1 : 64;
    if (bag->lives.count * 2 > room || bag->index == NULL)
        return index_lives(bag, bag->lives.count * 2 > room ? 2 * room : room);
    size_t at = life.hash & bag->index_mask;
    while (bag->index[at] != 0)
        at = (at + 1) & bag->index_mask;
    bag->index[at] = (uint32_t)bag->lives.count;
    return true;
}

bool pairing_bag_restore(struct pairing_bag *bag, const struct pairing_entry *entries, size_t count, uint64_t lives,
                         bool *no_memory)
{
    if (count == 0 || count > PAIRING_ENTRIES_MOST || bag->lives.count >= PAIRING_LIVES_MOST ||
        lives > bag->all - bag->kept)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].taken + (uint64_t)entries[i].given == 0 || (i > 0 && entries[i].key <= entries[i - 1].key))
            return false;
    }
    uint64_t hash = hash_of(entries, count);
    if (find(bag, hash, entries, count) != NULL)
        return false;
    if (!append(bag, (struct pairing_life){ hash, lives, 0, (uint32_t)count }, entries))
        *no_memory = true;
    return true;
}

bool pairing_bag_add(struct pairing_bag *bag, struct pairing_entry *entries, size_t count, uint64_t lives)
{
    bag->all += lives;
    count = pairing_tidy(entries, count);
    if (count == 0 || count > PAIRING_ENTRIES_MOST)
        return true;
    struct pairing_life fresh = { hash_of(entries, count), lives, 0, (uint32_t)count };
    struct pairing_life *life = find(bag, fresh.hash, entries, count);
    if (life != NULL) {
        life->lives += lives;
        bag->kept += lives;
        return true;
    }
    // What is common stays at any level; when all is common nothing new is kept.
    for (int i = 0; i < 8 && wanted(bag, &fresh) && bag->lives.count >= PAIRING_LIVES_MOST; i++)
        pairing_bag_thin(bag);
    return !wanted(bag, &fresh) || bag->lives.count >= PAIRING_LIVES_MOST || append(bag, fresh, entries);
}

void pairing_bag_deinit(struct pairing_bag *bag)
{
    prof_vec_deinit(&bag->lives);
    prof_vec_deinit(&bag->entries);
    free(bag->index);
    *bag = (struct pairing_bag){ 0 };
}
