/* lives.c: what correctly freed objects did with references without owner, life by life: equal ones counted together, a
 * sample of the others, per type. */
#include "state.h"

#include <stdlib.h>

_Static_assert((int)PROF_LIFE_ENTRIES == (int)PAIRING_ENTRIES_MOST, "entries of a life");

static struct pairing_bag *bag_of(struct prof_heap *h, prof_type_id type)
{
    struct type_state *t = &h->types[type];
    if (t->lives == NULL && (t->lives = calloc(1, sizeof *t->lives)) == NULL)
        h->no_memory = true;
    return t->lives;
}

/* Too much is kept of all types together: whoever wants more gives up some of his own. */
static void keep_bounded(struct prof_heap *h, struct pairing_bag *bag, size_t before)
{
    h->life_entries += bag->entries.count - before;
    for (int i = 0; i < 4 && h->life_entries > LIFE_ENTRIES; i++) {
        before = bag->entries.count;
        pairing_bag_thin(bag);
        h->life_entries -= before - bag->entries.count;
    }
}

/* References that still have an owner: a release without one gave them back. Returns the new number of entries. */
static size_t add_untold(const struct prof_heap *h, const struct prof_obj *obj, struct pairing_entry *entries,
                         size_t count, int64_t *open)
{
    for (uint32_t at = obj->first_open; at != 0; at = open_of(h, at)->next) {
        const struct prof_open *ref = open_of(h, at);
        size_t i = 0, kept = count < PAIRING_ENTRIES_MOST ? count : PAIRING_ENTRIES_MOST;
        if (!prof_open_backed(ref))
            continue;
        (*open)++;
        while (i < kept && entries[i].key != ref->stack)
            i++;
        if (i < kept) {
            entries[i].taken++;
            continue;
        }
        if (count < PAIRING_ENTRIES_MOST)
            entries[count] = (struct pairing_entry){ .key = ref->stack, .taken = 1 };
        count++;
    }
    return count;
}

void lives_learn(struct prof_heap *h, prof_obj_id id)
{
    const struct prof_obj *obj = obj_of(h, id);
    struct pairing_entry entries[PAIRING_ENTRIES_MOST];
    size_t count = 0;
    int64_t open = 0;

    for (uint32_t at = obj->first_site; at != 0; at = site_of(h, at)->next) {
        const struct prof_site_count *site = site_of(h, at);
        if (site->taken + site->given == 0)
            continue; /* everything taken here got an owner */
        open += (int64_t)site->taken - (int64_t)site->given;
        if (count < PAIRING_ENTRIES_MOST)
            entries[count] = (struct pairing_entry){ .key = site->stack,
                                                     .taken = site->taken,
                                                     .given = site->given,
                                                     .first = site->first_event,
                                                     .last = site->last_event };
        count++;
    }
    count = add_untold(h, obj, entries, count, &open);
    if (count == 0)
        return;
    struct pairing_bag *bag = bag_of(h, obj->type);
    if (bag == NULL)
        return;
    if (count > PAIRING_ENTRIES_MOST || open != 0 || (obj->internal & OBJ_UNSURE) != 0) {
        bag->all++; /* too long, or not in balance: says nothing about pairs */
        return;
    }
    size_t before = bag->entries.count;
    if (!pairing_bag_add(bag, entries, count, 1))
        h->no_memory = true;
    keep_bounded(h, bag, before);
}

void lives_deinit(struct prof_heap *h)
{
    for (uint32_t id = 0; id < h->type_max; id++) {
        if (h->types[id].lives == NULL)
            continue;
        pairing_bag_deinit(h->types[id].lives);
        free(h->types[id].lives);
        h->types[id].lives = NULL;
    }
}

/* ---- Saved and restored ------------------------------------------------------------------------------------------ */

void lives_restore_bag(struct prof_heap *h, prof_type_id type, uint64_t all, uint32_t level)
{
    struct pairing_bag *bag = bag_of(h, type);
    if (bag == NULL)
        return;
    bag->all = all;
    bag->level = level;
}

bool lives_restore(struct prof_heap *h, prof_type_id type, const struct pairing_entry *entries, size_t count,
                   uint64_t lives)
{
    struct pairing_bag *bag = h->types[type].lives;
    size_t before = bag->entries.count;
    bool fits = pairing_bag_restore(bag, entries, count, lives, &h->no_memory);
    h->life_entries += bag->entries.count - before;
    return fits;
}

/* ---- Read -------------------------------------------------------------------------------------------------------- */

size_t prof_heap_lives(const struct prof_heap *heap, prof_type_id type, uint64_t *ret_left_out)
{
    const struct pairing_bag *bag = type < heap->type_max ? heap->types[type].lives : NULL;

    *ret_left_out = bag != NULL ? bag->all - bag->kept : 0;
    return bag != NULL ? bag->lives.count : 0;
}

size_t prof_heap_life(const struct prof_heap *heap, prof_type_id type, size_t index,
                      struct prof_life_entry entries[PROF_LIFE_ENTRIES], uint64_t *ret_lives)
{
    const struct pairing_bag *bag = heap->types[type].lives;
    const struct pairing_life *life = &bag->lives.items[index];

    for (uint32_t i = 0; i < life->count; i++) {
        const struct pairing_entry *e = &bag->entries.items[life->first + i];
        entries[i] = (struct prof_life_entry){ e->key, e->taken, e->given, e->first, e->last };
    }
    *ret_lives = life->lives;
    return life->count;
}
