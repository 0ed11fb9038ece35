/* site.c: anonymous references, balanced per object and stack; and what healthy objects teach about types. */
#include "state.h"

#include <string.h>

enum { SCAN = 8 }; /* sites of one object that are searched before the cache is asked */

static struct site_cached *cache_entry(struct prof_heap *h, prof_obj_id id, uint32_t stack)
{
    return &h->site_cache[mix64((uint64_t)id << 32 | stack) % SITE_CACHE];
}

/* Site of this stack, made when new; taken to the front of the list when `front`. 0: out of memory. */
static uint32_t site_get(struct prof_heap *h, prof_obj_id id, uint32_t stack, bool front)
{
    struct prof_obj *obj = obj_of(h, id);
    uint32_t before = 0, at = obj->first_site;
    unsigned steps = 0;
    while (at != 0 && site_of(h, at)->stack != stack) {
        before = at;
        at = site_of(h, at)->next;
        if (++steps == SCAN && at != 0 && !front) {
            const struct site_cached *c = cache_entry(h, id, stack);
            if (c->obj == id && c->serial == obj->serial && c->stack == stack)
                return c->index;
        }
    }
    if (at == 0) {
        at = pool_get(&h->sites, sizeof(struct prof_site_count));
        if (at == 0) {
            h->no_memory = true;
            return 0;
        }
        struct prof_site_count *site = site_of(h, at);
        site->stack = stack;
        site->next = obj->first_site;
        obj->first_site = at;
    } else if (front && before != 0) {
        site_of(h, before)->next = site_of(h, at)->next;
        site_of(h, at)->next = obj->first_site;
        obj->first_site = at;
    }
    if (steps >= SCAN)
        *cache_entry(h, id, stack) = (struct site_cached){ id, obj->serial, stack, at };
    return at;
}

static void touch(struct prof_site_count *site, uint64_t at_us, uint32_t number)
{
    if (site->taken + site->given == 0) {
        site->first_us = at_us;
        site->first_event = number;
    }
    if (at_us > site->last_us)
        site->last_us = at_us;
    if (number > site->last_event)
        site->last_event = number;
}

void site_take(struct prof_heap *h, prof_obj_id id, uint32_t stack, uint64_t at_us, uint32_t number)
{
    uint32_t at = site_get(h, id, stack, true);
    if (at != 0) {
        touch(site_of(h, at), at_us, number);
        site_of(h, at)->taken++;
    }
}

void site_give(struct prof_heap *h, prof_obj_id id, uint32_t stack, uint64_t at_us)
{
    uint32_t at = site_get(h, id, stack, false);
    if (at != 0) {
        touch(site_of(h, at), at_us, obj_of(h, id)->refs + obj_of(h, id)->unrefs);
        site_of(h, at)->given++;
    }
}

bool site_untake(struct prof_heap *h, prof_obj_id id, struct place *ret)
{
    uint32_t any = 0, at = obj_of(h, id)->first_site;
    for (; at != 0; at = site_of(h, at)->next) {
        const struct prof_site_count *site = site_of(h, at);
        if (site->taken > site->given)
            break;
        if (any == 0 && site->taken > 0)
            any = at;
    }
    if (at == 0)
        at = any;
    if (at == 0)
        return false;
    struct prof_site_count *site = site_of(h, at);
    *ret = (struct place){ site->last_us, site->stack, ret->tid };
    site->taken--;
    return true;
}

void site_drop_all(struct prof_heap *h, prof_obj_id id)
{
    struct prof_obj *obj = obj_of(h, id);
    unsigned count = 0;
    for (uint32_t at = obj->first_site; at != 0;) {
        struct prof_site_count *site = site_of(h, at);
        uint32_t next = site->next;
        if (count++ >= SCAN || next != 0) {
            struct site_cached *c = cache_entry(h, id, site->stack);
            if (c->index == at)
                c->obj = 0;
        }
        pool_put(&h->sites, at, sizeof *site);
        at = next;
    }
    obj->first_site = 0;
}

/* ---- Learning: counters in tables of our own, one increment per death and site, or per closed pair ---- */

struct count_entry *count_at(struct prof_heap *h, struct count_table *t, uint64_t key, uint32_t low)
{
    if (t->entries == NULL || (t->count + 1) * 10 > (t->mask + 1) * 7) {
        size_t room = t->entries == NULL ? 256 : (t->mask + 1) * 2;
        struct count_entry *fresh = calloc(room, sizeof *fresh);
        if (fresh == NULL) {
            h->no_memory = true;
            return NULL;
        }
        for (size_t i = 0; t->entries != NULL && i <= t->mask; i++) {
            const struct count_entry *old = &t->entries[i];
            if (old->key == 0)
                continue;
            size_t at = mix64(old->key ^ mix64(old->low)) & (room - 1);
            while (fresh[at].key != 0)
                at = (at + 1) & (room - 1);
            fresh[at] = *old;
        }
        free(t->entries);
        t->entries = fresh;
        t->mask = room - 1;
    }
    size_t at = mix64(key ^ mix64(low)) & t->mask;
    while (t->entries[at].key != 0 && (t->entries[at].key != key || t->entries[at].low != low))
        at = (at + 1) & t->mask;
    if (t->entries[at].key == 0) {
        t->entries[at].key = key;
        t->entries[at].low = low;
        t->count++;
    }
    return &t->entries[at];
}

/* Keys are never 0: types are counted from 1 in them. */
static uint64_t key_of(prof_type_id type, uint32_t stack)
{
    return ((uint64_t)type + 1) << 32 | stack;
}

/* `low` of counters of references whose owner no release named, and of those of objects that did not die correctly; 0
 * of others. */
enum { LEARNED_UNTOLD = 1, LEARNED_MISUSED };

void site_learn(struct prof_heap *h, prof_obj_id id)
{
    struct prof_obj *obj = obj_of(h, id);
    obj->internal |= OBJ_FOLDED;
    if (!h->options.keep_type_sites)
        return;
    lives_learn(h, id);
    for (uint32_t at = obj->first_site; at != 0; at = site_of(h, at)->next) {
        const struct prof_site_count *site = site_of(h, at);
        if (site->taken + site->given == 0)
            continue; /* everything taken here got an owner */
        struct count_entry *c = count_at(h, &h->sites_learned, key_of(obj->type, site->stack), 0);
        if (c == NULL)
            return;
        c->taken += site->taken;
        c->given += site->given;
        c->objects++;
    }
    for (uint32_t at = obj->first_open; at != 0; at = open_of(h, at)->next) {
        struct count_entry *c =
            prof_open_backed(open_of(h, at))
                ? count_at(h, &h->sites_learned, key_of(obj->type, open_of(h, at)->stack), LEARNED_UNTOLD)
                : NULL;
        if (c != NULL)
            c->taken++;
    }
}

void site_count_misused(struct prof_heap *h, prof_obj_id id)
{
    const struct prof_obj *obj = obj_of(h, id);
    if (!h->options.keep_type_sites)
        return;
    for (uint32_t at = obj->first_site; at != 0; at = site_of(h, at)->next) {
        const struct prof_site_count *site = site_of(h, at);
        struct count_entry *c = count_at(h, &h->sites_learned, key_of(obj->type, site->stack), LEARNED_MISUSED);
        if (c == NULL)
            return;
        c->taken += site->taken;
        c->given += site->given;
    }
    for (uint32_t at = obj->first_open; at != 0; at = open_of(h, at)->next) {
        struct count_entry *c =
            count_at(h, &h->sites_learned, key_of(obj->type, open_of(h, at)->stack), LEARNED_MISUSED);
        if (c != NULL)
            c->taken++;
    }
}

void site_count_late(struct prof_heap *h, prof_type_id type, const struct prof_event *e)
{
    bool counts = h->options.keep_type_sites && (e->op == TRK_OP_REF || e->op == TRK_OP_UNREF);
    struct count_entry *c = counts ? count_at(h, &h->sites_learned, key_of(type, e->stack), LEARNED_MISUSED) : NULL;
    if (c != NULL && e->op == TRK_OP_REF)
        c->taken++;
    else if (c != NULL)
        c->given++;
}

void site_learn_pair(struct prof_heap *h, prof_type_id type, uint32_t taken, uint32_t given)
{
    struct count_entry *c = count_at(h, &h->pairs_learned, key_of(type, taken), given);
    if (c != NULL)
        c->taken++;
}

static int by_site(const void *a, const void *b)
{
    const struct prof_type_site *x = a, *y = b;
    if (x->type != y->type)
        return x->type < y->type ? -1 : 1;
    return x->stack < y->stack ? -1 : x->stack > y->stack;
}

static int by_pair(const void *a, const void *b)
{
    const struct prof_type_pair *x = a, *y = b;
    if (x->type != y->type)
        return x->type < y->type ? -1 : 1;
    if (x->taken != y->taken)
        return x->taken < y->taken ? -1 : 1;
    return x->given < y->given ? -1 : x->given > y->given;
}

/* Adds up entries of the same type and stack in the sorted array. */
static void merge_sites(struct prof_heap *h)
{
    size_t to = 0;
    struct prof_type_site *items = h->type_sites.items;
    for (size_t i = 0; i < h->type_sites.count; i++) {
        if (to > 0 && by_site(&items[to - 1], &items[i]) == 0) {
            items[to - 1].taken += items[i].taken;
            items[to - 1].given += items[i].given;
            items[to - 1].objects += items[i].objects;
            items[to - 1].slot_taken += items[i].slot_taken;
            items[to - 1].slot_given += items[i].slot_given;
            items[to - 1].untold += items[i].untold;
            items[to - 1].misused_taken += items[i].misused_taken;
            items[to - 1].misused_given += items[i].misused_given;
        } else {
            items[to++] = items[i];
        }
    }
    h->type_sites.count = to;
}

void site_finish(struct prof_heap *h)
{
    bool ok = true;
    for (size_t i = 0; h->sites_learned.entries != NULL && i <= h->sites_learned.mask; i++) {
        const struct count_entry *c = &h->sites_learned.entries[i];
        if (c->key == 0)
            continue;
        struct prof_type_site site = { .type = (prof_type_id)(c->key >> 32) - 1, .stack = (uint32_t)c->key };
        if (c->low == LEARNED_UNTOLD) {
            site.untold = c->taken;
        } else if (c->low == LEARNED_MISUSED) {
            site.misused_taken = c->taken;
            site.misused_given = c->given;
        } else {
            site.taken = c->taken;
            site.given = c->given;
            site.objects = c->objects;
        }
        ok &= prof_vec_push(&h->type_sites, site);
    }
    for (size_t i = 0; h->pairs_learned.entries != NULL && i <= h->pairs_learned.mask; i++) {
        const struct count_entry *c = &h->pairs_learned.entries[i];
        if (c->key == 0)
            continue;
        prof_type_id type = (prof_type_id)(c->key >> 32) - 1;
        uint32_t stack = (uint32_t)c->key;
        ok &= prof_vec_push(&h->type_pairs, (struct prof_type_pair){ type, stack, c->low, c->taken });
        ok &= prof_vec_push(&h->type_sites,
                            (struct prof_type_site){ .type = type, .stack = stack, .slot_taken = c->taken });
        ok &= prof_vec_push(&h->type_sites,
                            (struct prof_type_site){ .type = type, .stack = c->low, .slot_given = c->taken });
    }
    if (!ok)
        h->no_memory = true;
    if (h->type_sites.count > 0)
        qsort(h->type_sites.items, h->type_sites.count, sizeof *h->type_sites.items, by_site);
    if (h->type_pairs.count > 0)
        qsort(h->type_pairs.items, h->type_pairs.count, sizeof *h->type_pairs.items, by_pair);
    merge_sites(h);
}

void sites_deinit(struct prof_heap *h)
{
    lives_deinit(h);
    free(h->sites.items);
    free(h->sites_learned.entries);
    free(h->pairs_learned.entries);
    prof_vec_deinit(&h->type_sites);
    prof_vec_deinit(&h->type_pairs);
}
