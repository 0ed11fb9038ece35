/* moment.c: how much of everything was alive at a few moments of the run: at the user's marks, and at samples of
 * memory.
 *
 * Nothing is counted when a moment comes. An object knows the last moment before its birth; when it dies later than the
 * next one, its death is counted under (type, stack, first and last moment it saw). A stack's live blocks are written
 * down as a run (first and last moment, live) when they change for the first time after a moment. What is alive at the
 * end completes both.
 *
 * Moments have two names: an ordinal, which never changes and is what objects remember, and an index into those that
 * are kept. When there are too many of one kind every second one is given up, and from then on only every second one is
 * taken, so that memory is bounded and ordinals grow with the logarithm of the moments. */
#include "state.h"

#include <stdlib.h>
#include <string.h>

enum { KINDS = 2, DROPPED = UINT8_MAX };

/* ---- Moments come and go ---- */

/* Index of the first kept moment later than this ordinal. */
static size_t index_after(const struct prof_heap *h, uint32_t ordinal)
{
    size_t i = h->moment_count;
    while (i > 0 && h->moments[i - 1].ordinal > ordinal)
        i--;
    return i;
}

/* [*first, *last] by the new indices; false: none of these moments is left. */
static bool map_range(const uint8_t *map, size_t count, uint8_t *first, uint8_t *last)
{
    size_t from = *first, to = *last;
    while (from < count && map[from] == DROPPED)
        from++;
    while (to > from && map[to] == DROPPED)
        to--;
    if (from > to || from >= count)
        return false;
    *first = map[from];
    *last = map[to];
    return true;
}

void moments_tell(struct prof_heap *h)
{
    for (size_t i = 0; i < h->moment_count; i++)
        h->moments_told[i] = h->moments[i].pub;
}

static void renumber(struct prof_heap *h, const uint8_t *map, size_t count)
{
    struct count_table old = h->moment_deaths;
    size_t kept = 0;
    h->moment_deaths = (struct count_table){ 0 };
    for (size_t i = 0; old.entries != NULL && i <= old.mask; i++) {
        uint8_t first = (uint8_t)(old.entries[i].low >> 8), last = (uint8_t)old.entries[i].low;
        if (old.entries[i].key == 0 || !map_range(map, count, &first, &last))
            continue;
        struct count_entry *c = count_at(h, &h->moment_deaths, old.entries[i].key, (uint32_t)first << 8 | last);
        if (c == NULL)
            break;
        c->objects += old.entries[i].objects;
        c->taken += old.entries[i].taken;
    }
    free(old.entries);
    for (size_t i = 0; i < h->moment_runs.count; i++) {
        struct moment_run run = h->moment_runs.items[i];
        if (map_range(map, count, &run.first, &run.last))
            h->moment_runs.items[kept++] = run;
    }
    h->moment_runs.count = kept;
}

/* Gives up every second moment of a kind; the first one stays. */
static void thin(struct prof_heap *h, unsigned kind)
{
    uint8_t map[MOMENTS_MAX * KINDS];
    size_t count = h->moment_count, kept = 0, seen = 0;
    for (size_t i = 0; i < count; i++) {
        bool drop = h->moments[i].kind == kind && seen++ % 2 == 1;
        map[i] = drop ? (uint8_t)DROPPED : (uint8_t)kept;
        if (!drop)
            h->moments[kept++] = h->moments[i];
    }
    h->moment_count = kept;
    h->moment_kinds[kind].kept = (seen + 1) / 2;
    h->moment_kinds[kind].stride *= 2;
    renumber(h, map, count);
    moments_tell(h);
}

void moment_add(struct prof_heap *h, const char *name, uint32_t text, uint64_t at_us)
{
    unsigned kind = name == NULL;
    struct moment_kind *k = &h->moment_kinds[kind];
    if (k->stride == 0)
        k->stride = 1;
    if (k->seen++ % k->stride != 0 || h->moment_now == UINT16_MAX)
        return;
    if (k->kept == MOMENTS_MAX) {
        thin(h, kind);
        if ((k->seen - 1) % k->stride != 0)
            return;
    }
    k->kept++;
    h->moments[h->moment_count++] =
        (struct moment){ .pub = { name, at_us }, .text = text, .ordinal = ++h->moment_now, .kind = (uint8_t)kind };
    moments_tell(h);
}

/* ---- What saw them ---- */

void moment_death(struct prof_heap *h, const struct prof_obj *obj)
{
    size_t first = index_after(h, obj->moment);
    if (first >= h->moment_count || (obj->flags & PROF_OBJ_SKEWED) != 0)
        return;
    struct count_entry *c = count_at(h, &h->moment_deaths, ((uint64_t)obj->type + 1) << 32 | obj->stack,
                                     (uint32_t)first << 8 | (uint32_t)(h->moment_count - 1));
    if (c == NULL)
        return;
    c->objects++;
    c->taken += obj->size;
}

void moment_stat(struct prof_heap *h, struct stat *stat)
{
    size_t first = index_after(h, stat->moment);
    stat->moment = h->moment_now;
    if (first >= h->moment_count || stat->pub.live == 0)
        return;
    struct moment_run run = { .stack = stat->stack,
                              .first = (uint8_t)first,
                              .last = (uint8_t)(h->moment_count - 1),
                              .live = stat->pub.live,
                              .bytes = stat->pub.live_bytes };
    if (!prof_vec_push(&h->moment_runs, run))
        h->no_memory = true;
}

void moments_finish(struct prof_heap *h)
{
    for (size_t i = 0; i < h->stats.count; i++) {
        if (h->stats.items[i].moment != h->moment_now)
            moment_stat(h, &h->stats.items[i]);
    }
}

void moments_forget(struct prof_heap *h)
{
    free(h->population_then);
    h->population_then = NULL;
    h->populations.count = 0;
}

void moments_deinit(struct prof_heap *h)
{
    moments_forget(h);
    free(h->moment_deaths.entries);
    prof_vec_deinit(&h->moment_runs);
    prof_vec_deinit(&h->populations);
}

/* ---- Populations: made on demand ---- */

/* The population of a key, made when new; its row in `then` comes later. NULL without memory. */
static struct prof_population *population(struct prof_heap *h, struct count_table *index, uint64_t key, bool make)
{
    if (!make && index->entries == NULL)
        return NULL;
    size_t before = index->count;
    struct count_entry *c = count_at(h, index, key, 0);
    if (c == NULL)
        return NULL;
    if (index->count != before) {
        c->taken = h->populations.count;
        struct prof_population fresh = { .stack = (uint32_t)key, .blocks = key >> 32 == UINT32_MAX };
        fresh.type = fresh.blocks ? 0 : (prof_type_id)(key >> 32) - 1;
        if (make && !prof_vec_push(&h->populations, fresh))
            return NULL;
    }
    return c->taken < h->populations.count ? &h->populations.items[c->taken] : NULL;
}

static uint64_t key_of_blocks(uint32_t stack)
{
    return (uint64_t)UINT32_MAX << 32 | stack;
}

static bool add_living(struct prof_heap *h, struct count_table *index)
{
    for (uint32_t id = 1; id < h->objs.max; id++) {
        const struct prof_obj *obj = obj_of(h, id);
        if (!obj_alive(obj) || (obj->flags & PROF_OBJ_SKEWED) != 0)
            continue;
        struct prof_population *p = population(h, index, ((uint64_t)obj->type + 1) << 32 | obj->stack, true);
        if (p == NULL)
            return false;
        p->live++;
        p->bytes += obj->size;
    }
    for (uint32_t id = 1; id < h->blocks.max; id++) {
        const struct prof_block *b = block_of(h, id);
        if ((b->flags & PROF_BLOCK_ALIVE) == 0 || b->kind == TRK_ALLOC_MMAP)
            continue;
        struct prof_population *p = population(h, index, key_of_blocks(b->stack), true);
        if (p == NULL)
            return false;
        p->live++;
        p->bytes += b->size;
        p->with_objects += (b->flags & PROF_BLOCK_HAS_OBJECT) != 0;
    }
    return true;
}

static void add_range(struct prof_then *then, size_t first, size_t last, uint64_t live, uint64_t bytes)
{
    for (size_t i = first; i <= last; i++) {
        then[i].live += live;
        then[i].bytes += bytes;
    }
}

/* Populations without living members have no row: what was seen of them is left out. */
static bool add_then(struct prof_heap *h, struct count_table *index)
{
    size_t n = h->moment_count;
    h->population_then = calloc(h->populations.count * n + 1, sizeof *h->population_then);
    if (h->population_then == NULL)
        return false;
    for (size_t i = 0; i < h->populations.count; i++)
        h->populations.items[i].then = h->population_then + i * n;
    struct prof_then *rows = h->population_then;
    for (uint32_t id = 1; id < h->objs.max; id++) {
        const struct prof_obj *obj = obj_of(h, id);
        if (!obj_alive(obj) || (obj->flags & PROF_OBJ_SKEWED) != 0)
            continue;
        const struct prof_population *p = population(h, index, ((uint64_t)obj->type + 1) << 32 | obj->stack, false);
        size_t first = index_after(h, obj->moment);
        if (p != NULL && first < n)
            add_range(rows + (size_t)(p - h->populations.items) * n, first, n - 1, 1, obj->size);
    }
    for (size_t i = 0; h->moment_deaths.entries != NULL && i <= h->moment_deaths.mask; i++) {
        const struct count_entry *c = &h->moment_deaths.entries[i];
        const struct prof_population *p = c->key != 0 ? population(h, index, c->key, false) : NULL;
        if (p != NULL)
            add_range(rows + (size_t)(p - h->populations.items) * n, c->low >> 8, c->low & UINT8_MAX, c->objects,
                      c->taken);
    }
    for (size_t i = 0; i < h->moment_runs.count; i++) {
        const struct moment_run *run = &h->moment_runs.items[i];
        const struct prof_population *p = population(h, index, key_of_blocks(run->stack), false);
        if (p != NULL)
            add_range(rows + (size_t)(p - h->populations.items) * n, run->first, run->last, run->live, run->bytes);
    }
    return true;
}

size_t prof_heap_moments(const struct prof_heap *h, const struct prof_moment **ret)
{
    *ret = h->moments_told;
    return h->moment_count;
}

struct prof_error *prof_heap_populations(struct prof_heap *h, const struct prof_population **ret, size_t *ret_count)
{
    if (h->population_then == NULL) {
        struct count_table index = { 0 };
        h->populations.count = 0;
        moments_finish(h); /* of a live heap: only sooner than the next change would */
        bool good = !h->no_memory && add_living(h, &index) && add_then(h, &index);
        free(index.entries);
        if (!good) {
            free(h->population_then);
            h->population_then = NULL;
            return prof_error_memory();
        }
    }
    *ret = h->populations.items;
    *ret_count = h->populations.count;
    return NULL;
}
