/* causal.h: what order.c must know to put events of different threads into an order that could have happened: which
 * addresses are allocated, which objects are alive and how often they are counted; and, for the moment that is being
 * merged, which events of which rings are still to come. Private to this folder.
 *
 * Keys are addresses, tagged so that allocators that hand out the same addresses do not meet. */
#ifndef INPUT_CAUSAL_H
#define INPUT_CAUSAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <prof/trace.h>

/* Classes of events that others may wait for. */
enum causal_class {
    CAUSAL_ALLOC = 0, /* the address becomes allocated */
    CAUSAL_FREE,      /* it becomes free */
    CAUSAL_NEW,
    CAUSAL_DEL,
    CAUSAL_REF,
    CAUSAL_UNREF,
    CAUSAL_COUNTED, /* REF or UNREF that tells its count */
    CAUSAL_CLASSES,
};

struct causal_state {
    uint64_t key : 60; /* 0: empty */
    uint64_t allocated : 1, alive : 1;
    uint64_t counted : 1, numbered : 1; /* count, seq are known */
    int32_t count;
    uint32_t seq; /* number of the last change of the count */
};

/* What changes a number: the block of an address goes 0 -> 1 -> 0, the count of an object is told or begins at 1. Two
 * events that start at the same height compete for the next place. */
enum causal_scale { CAUSAL_NO_SCALE = 0, CAUSAL_BLOCK, CAUSAL_COUNT };

/* One event to come, in the order of its ring. */
struct causal_step {
    uint32_t next; /* index + 1 */
    int32_t start, end;
    uint32_t slot; /* of references: its address, shortened; 0 none */
    uint32_t seq;
    uint32_t place; /* while an order is made: index in it */
    uint8_t scale, classes, numbered;
    uint8_t late;   /* of a later moment, see order.c: it counts when its number is the one that is missing */
    uint8_t floats; /* of a block that no object is born in: anywhere between the lives at its address */
};
/* The events that one ring has still to bring for one key, in the moment being merged. */
struct causal_coming {
    uint64_t key;
    uint32_t ring;
    uint32_t next;        /* index + 1 of another entry in the key's bucket */
    uint32_t next_pair;   /* the same in the bucket of key and ring */
    uint32_t first, last; /* steps, index + 1 */
    uint32_t ahead;       /* events that were let through before their turn */
    uint32_t left[CAUSAL_CLASSES];
};
/* Who touches the keys of one bucket in this moment. */
struct causal_touch {
    uint32_t moment;
    uint16_t ring;
    uint16_t shared;
};

/* Whose turn it is at one address in this moment, see plan.h. */
struct causal_turns;

struct causal {
    struct causal_turns *turns; /* uthash, by key; of this moment */
    struct causal_state *states;
    size_t state_mask, state_count;
    struct causal_coming *coming;
    size_t coming_count, coming_room;
    uint32_t *coming_hash; /* by key: index + 1 of the first entry in the bucket's chain */
    uint32_t *pair_hash;   /* the same by key and ring: many rings may meet at one key */
    size_t coming_mask;
    struct causal_step *steps;
    size_t step_count, step_room;
    bool indexed; /* coming is filled for this moment */
    struct causal_touch *touches;
    uint32_t moment;
    bool any_shared;
};

enum { CAUSAL_TOUCHES = 1 << 15 };

static inline size_t causal_hash(uint64_t key)
{
    key *= 0x9e3779b97f4a7c15ull;
    return (size_t)(key ^ key >> 32);
}

/* Never 0. */
static inline uint64_t causal_key(const struct prof_event *e)
{
    if (e->op == TRK_OP_ALLOC || e->op == TRK_OP_FREE) {
        if (e->aux == TRK_ALLOC_CUSTOM)
            return e->addr | (uint64_t)1 << 59;
        if (e->aux == TRK_ALLOC_MMAP)
            return e->addr | (uint64_t)1 << 58;
    }
    return e->addr | (uint64_t)1 << 57;
}

/* Does more than one ring bring events for this key (or one that looks like it)? Then they must be indexed. */
static inline bool causal_shared(const struct causal *c, const struct prof_event *e)
{
    if (!c->any_shared)
        return false;
    const struct causal_touch *t = &c->touches[causal_hash(causal_key(e)) & (CAUSAL_TOUCHES - 1)];
    return t->moment == c->moment && t->shared;
}

void causal_deinit(struct causal *c);
/* Applies an event to the states. false: out of memory. */
bool causal_apply(struct causal *c, const struct prof_event *e);
/* The stream does not begin at the beginning, and this lives already, see prof_merge_alive. false: out of memory. */
bool causal_alive(struct causal *c, bool block, uint64_t addr, unsigned kind, int32_t count, bool known);
/* The number of the last change of an object that is alive. Unknown ones are ignored. */
void causal_number(struct causal *c, uint64_t addr, uint32_t seq);
/* Calls for each object that is alive and whose last number is known. */
struct prof_error *causal_numbers(const struct causal *c,
                                  struct prof_error *(*each)(void *ctx, const struct trk_number *number), void *ctx);
/* The same as it was known to an earlier reader. false: out of memory. */
bool causal_put(struct causal *c, const struct causal_state *state);
/* A moment begins: all its events of all rings are shown once to causal_touch. false: out of memory. */
bool causal_moment(struct causal *c);
void causal_touch(struct causal *c, const struct prof_event *e, uint32_t ring);
/* The index: all events of the moment again; only shared ones are taken. */
void causal_index_begin(struct causal *c);
bool causal_index_add(struct causal *c, const struct prof_event *e, uint32_t ring, bool late);
void causal_moment_end(struct causal *c);
/* An indexed event was let through. */
void causal_index_take(struct causal *c, const struct prof_event *e, uint32_t ring);
/* The coming events of all rings for a key: a chain that also holds other keys. NULL: none. */
const struct causal_coming *causal_chain(const struct causal *c, uint64_t key);
const struct causal_state *causal_state(const struct causal *c, uint64_t key);
/* What one ring brings for the key, NULL: nothing at all in this moment. */
struct causal_coming *causal_coming_of(const struct causal *c, uint64_t key, uint32_t ring);
/* Has the ring still events for the key? */
bool causal_comes_from(const struct causal *c, uint64_t key, uint32_t ring);

/* ---- turns.c ---- */
enum causal_turn {
    CAUSAL_NO_TURNS = 0, /* nothing was planned for this address: ask causal_fits and the like */
    CAUSAL_TURN,         /* the ring is next */
    CAUSAL_NOT_YET,
    CAUSAL_TURN_EXACT,   /* the ring is next: the numbers say so */
    CAUSAL_TURN_GUESSED, /* the same, but its number comes too late, or something is missing */
    CAUSAL_TURN_ANY,     /* a block without object: it can go, and nothing says that it must */
    CAUSAL_TURN_LAST,    /* a birth while such blocks are still to come: they go first if they can */
    CAUSAL_NOT_YET_EXACT,
};
/* Asks for the ring's next event, which is e; plans when that has not happened. Needs the index. */
enum causal_turn causal_turn(struct causal *c, const struct prof_event *e, uint32_t ring);
/* The ring's event e was let through, by its turn or by force; tell before the index is told. */
void causal_turn_taken(struct causal *c, const struct prof_event *e, uint32_t ring);
void causal_turns_end(struct causal *c);
/* There is an order by numbers: were events of later moments thought of for it? */
bool causal_turn_late(const struct causal *c, const struct prof_event *e);
/* The answer was CAUSAL_NOT_YET_EXACT: whose turn it is instead. */
uint32_t causal_turn_of(const struct causal *c, const struct prof_event *e);

/* ---- sequence.c ---- */
#define CAUSAL_GUESS 0x80000000u
/* Orders all coming events of a key by the numbers of its changes: rings in (*ret)[0 .. *ret_count), with CAUSAL_GUESS
 * where the place is one. The steps of blocks that are allocated and freed without an object are marked as floating:
 * they may go earlier than their place. The caller frees it. Linear but for a logarithm of the number of rings. false:
 * the numbers do not tell the lives of the moment apart, or out of memory. */
bool sequence_find(struct causal *c, uint64_t key, uint32_t **ret, uint32_t *ret_count);

/* Could this event have happened now? true also when nothing is known that speaks against it. */
bool causal_fits(const struct causal *c, const struct prof_event *e);
/* It does not fit: does another ring bring something in this moment that would make it fit? Needs the index. */
bool causal_should_wait(const struct causal *c, const struct prof_event *e, uint32_t ring);
/* It does not fit, since its object is not alive: is that because its own ring tells of the birth behind it? A
 * constructor that is seen when it returns took and gave references of what it made. Needs the index. */
bool causal_in_constructor(const struct causal *c, const struct prof_event *e, uint32_t ring);
/* A reference that tells no count meets an object whose count is 0, while another ring is about to end that one: it is
 * taken, or given back, in the next life at the address. Needs the index. */
bool causal_next_life(const struct causal *c, const struct prof_event *e, uint32_t ring);
/* A release that tells no count, by a ring that ends no life at the address while another one does: as late as
 * possible, it cannot get into a life before its own. Needs the index. */
bool causal_release_yields(const struct causal *c, const struct prof_event *e, uint32_t ring);
/* A release that tells no count leads to 0, and there is no choice in it: one ring ends the object next, this one or
 * another, and no third event could come before. `ends`: this ring does, as is known without the index. */
bool causal_last_release(const struct causal *c, const struct prof_event *e, uint32_t ring, bool ends);
/* Nobody tells counts at this address in this moment, and what is known of it does not speak against the event: when it
 * has a time of its own, and that is the earliest, it was next. Calls of hooked functions are told before they do
 * anything, allocations after and releases before, so that the order of these times is one that could have happened,
 * whatever a thread is stopped at. Only a reference that was taken and told then may come too late. Needs the index. */
bool causal_time_says(const struct causal *c, const struct prof_event *e, uint32_t ring);
/* It fits: should another ring go first all the same? That is so when nothing leads back to the height that it leaves
 * while another ring still starts there, and for the release of a slot that another ring is about to fill. */
bool causal_better_later(const struct causal *c, const struct prof_event *e, uint32_t ring);
void causal_prefetch(const struct causal *c, const struct prof_event *e);

#endif
