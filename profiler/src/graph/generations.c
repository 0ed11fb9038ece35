/* generations.c: lists of objects by survival, and the rules of when which is examined. */
#include <graph/generations.h>

#include <stdlib.h>
#include <string.h>

void generations_init(struct generations *g)
{
    *g = (struct generations){ .enabled = true, .threshold = { 10000, 10, 10 } };
    for (int i = 0; i < GENERATION_COUNT_; i++)
        g->head[i] = g->tail[i] = GENERATIONS_END;
}

void generations_deinit(struct generations *g)
{
    free(g->next);
    free(g->previous);
    free(g->where);
    *g = (struct generations){ 0 };
}

static bool make_room(struct generations *g, uint32_t id)
{
    if (id < g->room)
        return true;
    if (id == GENERATIONS_END)
        return false;
    uint64_t want = (uint64_t)id + 1 + id / 2 + 64;
    uint32_t room = want < GENERATIONS_END ? (uint32_t)want : GENERATIONS_END;
    uint32_t *next = reallocarray(g->next, room, sizeof *next);
    if (next != NULL)
        g->next = next;
    uint32_t *previous = reallocarray(g->previous, room, sizeof *previous);
    if (previous != NULL)
        g->previous = previous;
    uint8_t *where = realloc(g->where, room);
    if (where != NULL)
        g->where = where;
    if (next == NULL || previous == NULL || where == NULL)
        return false;
    memset(g->where + g->room, GENERATION_NONE, room - g->room);
    g->room = room;
    return true;
}

static void append(struct generations *g, uint32_t id, enum generation to)
{
    g->next[id] = GENERATIONS_END;
    g->previous[id] = g->tail[to];
    if (g->tail[to] == GENERATIONS_END)
        g->head[to] = id;
    else
        g->next[g->tail[to]] = id;
    g->tail[to] = id;
    g->where[id] = (uint8_t)to;
    g->size[to]++;
}

static void unlink_id(struct generations *g, uint32_t id)
{
    enum generation from = g->where[id];
    uint32_t next = g->next[id], previous = g->previous[id];

    if (previous == GENERATIONS_END)
        g->head[from] = next;
    else
        g->next[previous] = next;
    if (next == GENERATIONS_END)
        g->tail[from] = previous;
    else
        g->previous[next] = previous;
    g->where[id] = GENERATION_NONE;
    g->size[from]--;
}

bool generations_put(struct generations *g, uint32_t id, enum generation to)
{
    if (!make_room(g, id))
        return false;
    if (g->where[id] != GENERATION_NONE)
        unlink_id(g, id);
    if (to != GENERATION_NONE)
        append(g, id, to);
    return true;
}

bool generations_born(struct generations *g, uint32_t id)
{
    if (!generations_put(g, id, GENERATION_0))
        return false;
    if (g->count[0] < UINT32_MAX)
        g->count[0]++;
    return true;
}

void generations_died(struct generations *g, uint32_t id)
{
    if (generations_of(g, id) == GENERATION_NONE)
        return;
    unlink_id(g, id);
    if (g->count[0] > 0) // of whatever generation it was
        g->count[0]--;
}

static bool ripe(const struct generations *g)
{
    return g->count[0] > g->threshold[0] ||
           (g->every_events != 0 && g->events > g->last_events && g->events - g->last_events >= g->every_events) ||
           (g->every_us != 0 && g->now_us > g->last_us && g->now_us - g->last_us >= g->every_us);
}

int generations_due(const struct generations *g)
{
    if (!g->enabled || g->threshold[0] == 0 || g->collecting || !ripe(g))
        return -1;
    if (g->count[2] > g->threshold[2] && g->long_lived_pending >= g->long_lived_total / 4)
        return 2;
    return g->count[1] > g->threshold[1] ? 1 : 0;
}

/* All of `from` to the end of `to`, in order. */
static void merge(struct generations *g, enum generation from, enum generation to)
{
    if (g->size[from] == 0)
        return;
    for (uint32_t id = g->head[from]; id != GENERATIONS_END; id = g->next[id])
        g->where[id] = (uint8_t)to;
    if (g->tail[to] == GENERATIONS_END)
        g->head[to] = g->head[from];
    else
        g->next[g->tail[to]] = g->head[from];
    g->previous[g->head[from]] = g->tail[to];
    g->tail[to] = g->tail[from];
    g->size[to] += g->size[from];
    g->head[from] = g->tail[from] = GENERATIONS_END;
    g->size[from] = 0;
}

static void tell(const struct generations *g, bool stop, const struct generations_pass *pass)
{
    if (g->callback != NULL)
        g->callback(g->callback_ctx, stop, pass);
}

bool generations_collect(struct generations *g, unsigned generation,
                         bool (*examine)(void *ctx, const uint32_t *ids, size_t count, bool whole, uint8_t *kinds),
                         void *ctx, struct generations_pass *ret)
{
    struct generations_pass pass = { .generation = generation };
    uint32_t *ids = NULL, n = 0;
    uint8_t *kinds = NULL;

    if (ret != NULL)
        *ret = pass;
    if (g->collecting || generation > GENERATION_2)
        return true;
    g->collecting = true;
    if (generation < GENERATION_2)
        g->count[generation + 1]++;
    for (unsigned i = 0; i <= generation; i++)
        g->count[i] = 0;
    g->last_events = g->events;
    g->last_us = g->now_us;
    // Older ones first: they are older, and lists are in order of age.
    for (unsigned i = generation; i-- > 0;)
        merge(g, (enum generation)i, (enum generation)generation);
    pass.candidates = g->size[generation];
    tell(g, false, &pass);
    ids = malloc(((size_t)pass.candidates + 1) * sizeof *ids);
    kinds = calloc((size_t)pass.candidates + 1, 1);
    bool good = ids != NULL && kinds != NULL;
    for (uint32_t id = g->head[generation]; good && id != GENERATIONS_END; id = g->next[id])
        ids[n++] = id;
    good = good && examine(ctx, ids, n, generation == GENERATION_2, kinds);
    for (uint32_t i = 0; good && i < n; i++) {
        if (kinds[i] == GENERATIONS_ALIVE)
            continue;
        pass.collected += kinds[i] == GENERATIONS_FOUND;
        pass.uncollectable += kinds[i] == GENERATIONS_UNCOLLECTABLE;
        unlink_id(g, ids[i]);
        append(g, ids[i], GENERATION_GARBAGE);
    }
    free(ids);
    free(kinds);
    if (generation == GENERATION_1)
        g->long_lived_pending += g->size[GENERATION_1];
    if (generation < GENERATION_2) {
        merge(g, (enum generation)generation, (enum generation)(generation + 1));
    } else {
        g->long_lived_pending = 0;
        g->long_lived_total = g->size[GENERATION_2];
    }
    struct generations_stats *stats = &g->stats[generation];
    stats->collections++;
    stats->candidates += pass.candidates;
    stats->collected += pass.collected;
    stats->uncollectable += pass.uncollectable;
    tell(g, true, &pass);
    g->collecting = false;
    if (ret != NULL)
        *ret = pass;
    return good;
}

void generations_freeze(struct generations *g)
{
    for (int i = 2; i >= 0; i--)
        merge(g, (enum generation)i, GENERATION_PERMANENT);
    memset(g->count, 0, sizeof g->count);
}

void generations_unfreeze(struct generations *g)
{
    merge(g, GENERATION_PERMANENT, GENERATION_2);
}
