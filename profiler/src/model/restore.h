/* restore.h: a state that is being read: what its parts said that is not in the heap yet. Private to this folder. */
#ifndef MODEL_RESTORE_H
#define MODEL_RESTORE_H

#include "layout.h"

enum state_pool { POOL_BLOCKS = 0, POOL_OBJS, POOL_OPENS, POOL_SITES, POOL_WEAKS, POOLS };

/* A set of ids. */
typedef PROF_VEC(uint8_t) id_set;

static inline bool id_in(const id_set *set, uint32_t id)
{
    return id / 8 < set->count && (set->items[id / 8] >> id % 8 & 1) != 0;
}
/* Makes room for ids below `max`. */
bool id_set_cover(id_set *set, uint32_t max);
/* false: it was in there. The set covers id. */
static inline bool id_add(id_set *set, uint32_t id)
{
    uint8_t bit = (uint8_t)(1u << id % 8);
    if ((set->items[id / 8] & bit) != 0)
        return false;
    set->items[id / 8] |= bit;
    return true;
}

struct restored_pool {
    PROF_VEC(uint32_t) unused; /* the free list */
    id_set used;
    uint32_t rows, last; /* how many, the largest id */
};

struct restore {
    uint32_t part; /* the next one */
    unsigned kind; /* of the last section */
    bool failed;   /* what is in the heap is nothing */
    size_t ops;
    struct trk_state_head head;
    struct restored_pool pools[POOLS];
    uint8_t found[GRAVES];
    size_t spoils, weak_heads;
    PROF_VEC(prof_block_id) large;
    PROF_VEC(struct thread *) threads;
    PROF_VEC(struct row_weak_head) heads;
    /* By number: thread and place in its scopes. */
    PROF_VEC(struct open_at {
        struct thread *thread;
        size_t at;
    })
    open_scopes;
    PROF_VEC(struct row_checkpoint) checkpoints;
    PROF_VEC(char) names;
    PROF_VEC(struct prof_memory_area) areas; /* of the last checkpoint */
    PROF_VEC(struct prof_memory_word) words;
    bool again; /* some stood there at the checkpoint before */
    PROF_VEC(struct trk_memory_count) counts;
    /* Lives whose entries come behind them. */
    PROF_VEC(struct row_life) lives;
    PROF_VEC(uint32_t) life_types;
    size_t life_at; /* the one whose entries are being read */
    struct pairing_entry life[PAIRING_ENTRIES_MOST];
    size_t life_count;
    PROF_VEC(uint64_t) followed;
    uint64_t ignored;
    _Alignas(16) unsigned char scratch[SECTION_ROWS * sizeof(struct row_incident)];
};

/* rebuild.c: everything has been read: links, indexes and tables are made. A static text says what cannot be. */
const char *rebuild(struct prof_heap *h, struct restore *r);
/* remember.c: the same for checkpoints: what their rows said becomes what the heap knows of them. */
const char *remember_checkpoints(struct prof_heap *h, const struct restore *r);
/* put.c: where a row is read to, and what is done with it then. */
bool put_room(struct prof_heap *h, struct restore *r, const struct section_def *def, const uint32_t *ids, void **rows,
              size_t count, const char **ret_what);
const char *put_row(struct prof_heap *h, struct restore *r, unsigned kind, uint32_t id, const void *row);

#endif
