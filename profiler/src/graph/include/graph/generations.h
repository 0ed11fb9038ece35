/* graph/generations.h: which objects are examined when. CPython's classic driver (Modules/gcmodule.c before 3.14):
 * three generations by survival, counters against thresholds, full passes only when what is new among the old is a
 * quarter of it, a permanent generation for what is frozen. Two things differ, since nothing is freed here: what is
 * found goes into `garbage` and is never examined again; and passes can also be due by events and time, because in a
 * steady heap CPython's counter hardly moves.
 *
 * Objects are ids below 2^32 - 1, given by the caller, who may use the id of a dead one again. 9 bytes per id. Not
 * thread-safe. Functions that can fail for lack of memory return false and change nothing. */
#ifndef GRAPH_GENERATIONS_H
#define GRAPH_GENERATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum generation {
    GENERATION_0 = 0,
    GENERATION_1,
    GENERATION_2,
    GENERATION_PERMANENT, /* frozen: never examined, keeps others alive */
    GENERATION_GARBAGE,   /* found: never examined again, keeps alive what it holds */
    GENERATION_COUNT_,
    GENERATION_NONE = 255, /* not an object, or not tracked */
};
enum generations_kind { /* what a pass says of a candidate */
                        GENERATIONS_ALIVE = 0,
                        GENERATIONS_FOUND,         /* trash */
                        GENERATIONS_UNCOLLECTABLE, /* trash that no order of destructors could free */
};
struct generations_stats { /* as gc.get_stats(): of passes over this generation */
    uint64_t collections, collected, uncollectable, candidates;
};
struct generations_pass { /* as the `info` of gc.callbacks */
    unsigned generation;
    uint64_t candidates, collected, uncollectable; /* collected, uncollectable: 0 at its start */
};

struct generations {
    bool enabled;          /* automatic passes; true at first */
    uint32_t threshold[3]; /* 10 000, 10, 10; the first 0: no automatic passes */
    uint32_t count[3]; /* births minus deaths since a pass over 0 (never below 0); passes over 0 since one over 1,... */
    uint64_t long_lived_pending,
        long_lived_total;            /* as in CPython: survivors of 1 since a full pass; of the last one */
    uint64_t every_events, every_us; /* a pass over 0 is due after so many events, so much time; 0: not. 0 at first */
    uint64_t events, now_us, last_events, last_us; /* the clock, and as it stood when a pass began */
    bool collecting;
    struct generations_stats stats[3];
    uint32_t size[GENERATION_COUNT_];
    uint32_t head[GENERATION_COUNT_], tail[GENERATION_COUNT_]; /* lists in order of age: GENERATIONS_END */
    uint32_t *next, *previous;
    uint8_t *where; /* enum generation */
    uint32_t room;
    void (*callback)(void *ctx, bool stop, const struct generations_pass *pass); /* start and stop of passes; NULL */
    void *callback_ctx;
};
#define GENERATIONS_END UINT32_MAX

void generations_init(struct generations *g);
void generations_deinit(struct generations *g);

/* A tracked object: the youngest of generation 0. */
bool generations_born(struct generations *g, uint32_t id);
/* Dead, or no longer tracked. An id that is in no generation is left alone. */
void generations_died(struct generations *g, uint32_t id);
/* Puts an id that is in a generation, or in none, at the end of another, or in none. No counter changes. */
bool generations_put(struct generations *g, uint32_t id, enum generation to);
static inline enum generation generations_of(const struct generations *g, uint32_t id)
{
    return id < g->room ? (enum generation)g->where[id] : GENERATION_NONE;
}

/* Which generation an automatic pass would examine now, -1: none is due. Counts as CPython's: a threshold must be
 * exceeded; a full pass also needs long_lived_pending >= long_lived_total / 4, otherwise younger ones are tried. A pass
 * by events or time examines what one by births would, generation 0 at least. */
int generations_due(const struct generations *g);
/* What happened so far, in events and time: for passes that are due by these. */
static inline void generations_clock(struct generations *g, uint64_t events, uint64_t now_us)
{
    g->events = events;
    g->now_us = now_us;
}

/* Examines generation 0..2 with all younger ones. `examine` says of each candidate what it is: kinds has count zeros
 * (GENERATIONS_ALIVE) on entry. False from it, or no memory: nothing is changed but the counters, as when nothing was
 * found. What is found moves to garbage, the rest to the next older generation. Inside of a pass nothing is done, and
 * *ret is all 0. ret may be NULL. */
bool generations_collect(struct generations *g, unsigned generation,
                         bool (*examine)(void *ctx, const uint32_t *ids, size_t count, bool whole, uint8_t *kinds),
                         void *ctx, struct generations_pass *ret);

void generations_freeze(struct generations *g);   /* all of 0..2 become permanent */
void generations_unfreeze(struct generations *g); /* and belong to generation 2 */

/* First of a generation, and the next one: GENERATIONS_END at the end. */
static inline uint32_t generations_first(const struct generations *g, enum generation generation)
{
    return g->head[generation];
}
static inline uint32_t generations_next(const struct generations *g, uint32_t id)
{
    return g->next[id];
}

#endif
