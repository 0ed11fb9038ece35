/* pairing.c: the lives of one kind of objects, their keys, and what was learned about them. */
#include "state.h"

#include <stdlib.h>
#include <string.h>

struct pairing *pairing_create(const struct pairing_options *options)
{
    struct pairing *p = calloc(1, sizeof *p);

    if (p != NULL && options != NULL)
        p->options = *options;
    return p;
}

static void forget(struct pairing *p)
{
    struct side *sides[] = { &p->of_healthy, &p->of_leaked };
    double **numbers[] = { &p->prior, &p->share, &p->least, &p->flow, &p->rate, &p->taken };

    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        free(sides[i]->take);
        free(sides[i]->give);
        *sides[i] = (struct side){ 0 };
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        free(*numbers[i]);
        *numbers[i] = NULL;
    }
    prof_vec_deinit(&p->takes.items);
    prof_vec_deinit(&p->gives.items);
    prof_vec_deinit(&p->suspects);
}

void pairing_destroy(struct pairing *pairing)
{
    if (pairing == NULL)
        return;
    forget(pairing);
    pairing_bag_deinit(&pairing->healthy);
    pairing_bag_deinit(&pairing->leaked);
    free(pairing);
}

bool pairing_add(struct pairing *pairing, struct pairing_entry *entries, size_t count, uint64_t lives)
{
    int64_t open = 0;

    for (size_t i = 0; i < count; i++)
        open += (int64_t)entries[i].taken - (int64_t)entries[i].given;
    struct pairing_bag *bag = open > 0 ? &pairing->leaked : &pairing->healthy;
    if (open < 0)
        return true;
    if ((count = pairing_tidy(entries, count)) <= PAIRING_PLACES_MOST)
        return pairing_bag_add(bag, entries, count, lives);
    bag->all += lives;
    return true;
}

void pairing_left_out(struct pairing *pairing, uint64_t lives)
{
    pairing->left_out += lives;
}

/* ---- Keys -------------------------------------------------------------------------------------------------------- */

struct seen {
    uint32_t key;
    uint64_t lives;
};

static int by_key(const void *left, const void *right)
{
    const struct seen *a = left, *b = right;
    return a->key < b->key ? -1 : a->key > b->key;
}

static int by_lives(const void *left, const void *right)
{
    const struct seen *a = left, *b = right;
    if (a->lives != b->lives)
        return a->lives > b->lives ? -1 : 1;
    return by_key(left, right);
}

typedef PROF_VEC(struct seen) seen_vec;

static bool see(const struct pairing_bag *bag, bool takes, seen_vec *list)
{
    for (size_t i = 0; i < bag->lives.count; i++) {
        const struct pairing_life *life = &bag->lives.items[i];
        for (uint32_t e = 0; e < life->count; e++) {
            const struct pairing_entry *entry = &bag->entries.items[life->first + e];
            if ((takes ? entry->taken : entry->given) > 0 &&
                !prof_vec_push(list, (struct seen){ entry->key, life->lives }))
                return false;
        }
    }
    return true;
}

/* All keys with takings, or with releases: at most KEYS_MOST, the most frequent. */
static bool keys_gather(const struct pairing *p, bool takes, struct keys *ret)
{
    seen_vec list = { 0 };
    size_t to = 0;
    bool good = see(&p->healthy, takes, &list) && see(&p->leaked, takes, &list);

    if (list.count > 1)
        qsort(list.items, list.count, sizeof *list.items, by_key);
    for (size_t i = 0; i < list.count; i++) {
        if (to > 0 && list.items[to - 1].key == list.items[i].key)
            list.items[to - 1].lives += list.items[i].lives;
        else
            list.items[to++] = list.items[i];
    }
    if (to > KEYS_MOST) {
        qsort(list.items, to, sizeof *list.items, by_lives);
        to = KEYS_MOST;
        qsort(list.items, to, sizeof *list.items, by_key);
    }
    good = good && prof_vec_reserve(&ret->items, to);
    for (size_t i = 0; good && i < to; i++)
        ret->items.items[ret->items.count++] = list.items[i].key;
    prof_vec_deinit(&list);
    return good;
}

uint32_t keys_find(const struct keys *keys, uint32_t key)
{
    size_t from = 0, to = keys->items.count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (keys->items.items[middle] < key)
            from = middle + 1;
        else
            to = middle;
    }
    return from < keys->items.count && keys->items.items[from] == key ? (uint32_t)from : PAIRING_NONE;
}

static bool side_make(const struct pairing *p, const struct pairing_bag *bag, struct side *ret)
{
    size_t count = bag->entries.count + 1;

    ret->take = malloc(count * sizeof *ret->take);
    ret->give = malloc(count * sizeof *ret->give);
    if (ret->take == NULL || ret->give == NULL)
        return false;
    for (size_t i = 0; i < bag->entries.count; i++) {
        ret->take[i] = keys_find(&p->takes, bag->entries.items[i].key);
        ret->give[i] = keys_find(&p->gives, bag->entries.items[i].key);
    }
    return true;
}

bool pairing_solve(struct pairing *pairing)
{
    struct pairing *p = pairing;

    forget(p);
    if (!keys_gather(p, true, &p->takes) || !keys_gather(p, false, &p->gives) ||
        !side_make(p, &p->healthy, &p->of_healthy) || !side_make(p, &p->leaked, &p->of_leaked))
        return false;
    size_t takes = p->takes.items.count, cells = takes * p->gives.items.count;
    p->prior = calloc(cells + 1, sizeof *p->prior);
    p->share = calloc(cells + 1, sizeof *p->share);
    p->least = calloc(cells + 1, sizeof *p->least);
    p->flow = calloc(cells + 1, sizeof *p->flow);
    p->rate = calloc(takes + 1, sizeof *p->rate);
    p->taken = calloc(takes + 1, sizeof *p->taken);
    if (p->prior == NULL || p->share == NULL || p->least == NULL || p->flow == NULL || p->rate == NULL ||
        p->taken == NULL)
        return false;
    return learn(p) && judge(p);
}

/* ---- Questions --------------------------------------------------------------------------------------------------- */

uint64_t pairing_healthy(const struct pairing *pairing)
{
    return pairing->healthy.all + pairing->left_out;
}

uint64_t pairing_leaked(const struct pairing *pairing)
{
    return pairing->leaked.all;
}

size_t pairing_suspects(const struct pairing *pairing, const struct pairing_suspect **ret)
{
    *ret = pairing->suspects.items;
    return pairing->suspects.count;
}

static bool cell(const struct pairing *p, uint32_t take, uint32_t give, size_t *ret)
{
    uint32_t t = keys_find(&p->takes, take), g = keys_find(&p->gives, give);

    *ret = (size_t)t * p->gives.items.count + g;
    return t != PAIRING_NONE && g != PAIRING_NONE;
}

double pairing_share(const struct pairing *pairing, uint32_t take, uint32_t give)
{
    size_t at;
    return cell(pairing, take, give, &at) ? pairing->share[at] : 0;
}

double pairing_flow(const struct pairing *pairing, uint32_t take, uint32_t give)
{
    size_t at;
    return cell(pairing, take, give, &at) ? pairing->flow[at] : 0;
}

uint32_t pairing_release_of(const struct pairing *pairing, uint32_t take, double *ret_share)
{
    const struct pairing *p = pairing;
    size_t gives = p->gives.items.count, best = 0;
    uint32_t t = keys_find(&p->takes, take);
    double sum = 0;

    *ret_share = 0;
    if (t == PAIRING_NONE || gives == 0)
        return PAIRING_NONE;
    const double *row = &p->flow[t * gives];
    for (size_t g = 0; g < gives; g++) {
        sum += row[g];
        if (row[g] > row[best])
            best = g;
    }
    if (row[best] < 0.5)
        return PAIRING_NONE; // no healthy life took there
    *ret_share = row[best] / sum;
    return p->gives.items.items[best];
}
