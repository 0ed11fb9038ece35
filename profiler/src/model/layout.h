/* layout.h: which sections a saved state has, in their order, and the rows of those that are not records of the heap
 * themselves. Shared by save.c, restore.c and rebuild.c. Private to this folder.
 *
 * What a state leaves out because it follows from the rest: the address table, the table of large blocks but for who is
 * in it, the order of mappings, back links, the heads of chains, counters per page, the index of stack totals, spans,
 * populations and other results. site_cache is lost: it only shortens a search that finds the same. */
#ifndef MODEL_LAYOUT_H
#define MODEL_LAYOUT_H

#include "section.h"
#include "state.h"

enum state_section {
    STATE_SCALARS = 1,
    STATE_OPS,
    STATE_FREE_BLOCKS, /* the free lists, first free id first */
    STATE_FREE_OBJS,
    STATE_FREE_OPENS,
    STATE_FREE_SITES,
    STATE_FREE_WEAKS,
    STATE_TYPES,
    STATE_STATS,
    STATE_BLOCKS,
    STATE_OBJS,
    STATE_OPENS,
    STATE_SITES,
    STATE_WEAKS,
    STATE_WEAK_HEADS,
    STATE_SPOILS,
    STATE_GRAVES,
    STATE_FREED,
    STATE_LATE,
    STATE_LARGE,
    STATE_RECENT,
    STATE_FINALIZERS,
    STATE_DISOWNED,
    STATE_SITES_LEARNED,
    STATE_PAIRS_LEARNED,
    STATE_MOMENTS,
    STATE_MOMENT_KINDS,
    STATE_MOMENT_DEATHS,
    STATE_MOMENT_RUNS,
    STATE_SCOPES,
    STATE_CONTEXTS,
    STATE_THREADS,
    STATE_OPEN_SCOPES,
    STATE_SCOPE_BIRTHS,
    STATE_MARKS,
    STATE_MEM,
    STATE_MEM_LIVE,
    STATE_ROOTS,
    STATE_INCIDENTS,
    STATE_CHECKPOINTS,
    STATE_CHECKPOINT_NAMES, /* the bytes of all names, one behind the other */
    STATE_MEMORY_AREAS,     /* of the last checkpoint, as the next two */
    STATE_MEMORY_WORDS,
    STATE_MEMORY_COUNTS,
    STATE_FREED_SINCE,
    STATE_CHUNKS,
    STATE_BLOCK_TYPES,
    STATE_LIVES,        /* of correctly freed objects: what is kept of each type, */
    STATE_LIFE,         /* one kind of them after the other, */
    STATE_LIFE_ENTRIES, /* and what they did */
    STATE_FOLLOWER,     /* words of whoever went along: the generations */
    STATE_GUESSES,
    STATE_SECTIONS_,
};

/* NULL: unknown kind. */
const struct section_def *state_section(unsigned kind);

struct row_weak_head {
    uint32_t obj, first;
};
/* Ids are places in the list. */
struct row_grave {
    struct place death;
    uint64_t number;
    uint32_t obj;
    uint8_t by_free, found; /* found: the address table leads to it */
};
struct row_freed {
    struct place death;
    uint32_t block;
};
struct row_finalizer {
    struct place begin, ref;
    uint32_t obj;
    int32_t count;
};
/* An entry of a table of counters; low is a stack, or two indices of moments. */
struct row_count {
    uint64_t taken, given, objects;
    uint32_t type, stack, low;
};
struct row_moment {
    uint64_t at_us;
    uint32_t text;
    uint16_t ordinal;
    uint8_t kind;
};
struct row_scope {
    struct prof_scope pub;
    uint16_t parent;
};
struct row_context {
    uint64_t id;
    uint32_t text, users, next_free;
    uint8_t used;
};
struct row_thread {
    struct place limbo_place;
    uint64_t limbo_addr, context_id;
    uint32_t tid, last_alloc, limbo_block, limbo_opens, context_text, context;
    uint32_t disabled;
    uint8_t in_limbo;
};
/* Ids are types, for both. */
struct row_lives {
    uint64_t all;
    uint32_t level;
};
struct row_life {
    uint64_t lives;
    uint32_t entries;
};
struct row_chunk {
    uint64_t addr, pool;
};
/* Ids are those of blocks. */
struct row_block_type {
    uint32_t type;
    uint8_t array;
};
/* Innermost last, thread by thread in the order of STATE_THREADS; ids are numbers of threads in that order. */
struct row_open_scope {
    uint64_t number, begin_us, compact_at;
    uint32_t stack, text;
    uint16_t index, parent;
};
/* In the order of STATE_OPEN_SCOPES; ids are numbers of open scopes in that order. */
struct row_checkpoint {
    struct prof_checkpoint pub;
    uint32_t name_bytes;
};
struct row_word {
    uint64_t at, value;
    uint8_t how, again;
};
struct row_incident {
    struct prof_incident pub;
    uint32_t type, recent_at;
    uint32_t recent[INCIDENT_RECENT];
};

#endif
