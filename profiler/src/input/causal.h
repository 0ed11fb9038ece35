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
    uint64_t key; /* 0: empty */
    int32_t count;
    uint8_t allocated, alive, counted;
};

/* How many events of each class one ring has still to bring for one key, in the moment being merged. */
struct causal_coming {
    uint64_t key;
    uint32_t ring;
    uint32_t next; /* index + 1 of another ring's entry for the same key */
    uint32_t left[CAUSAL_CLASSES];
};

struct causal {
    struct causal_state *states;
    size_t state_mask, state_count;
    struct causal_coming *coming;
    size_t coming_count, coming_room;
    uint32_t *coming_hash; /* index + 1 of the first entry in the bucket's chain */
    size_t coming_mask;
    bool indexed; /* coming is filled for this moment */
};

void causal_deinit(struct causal *c);
/* Applies an event to the states. false: out of memory. */
bool causal_apply(struct causal *c, const struct prof_event *e);
/* Starts and ends the index of a moment. */
void causal_index_begin(struct causal *c);
bool causal_index_add(struct causal *c, const struct prof_event *e, uint32_t ring);
void causal_index_end(struct causal *c);
/* An indexed event was let through. */
void causal_index_take(struct causal *c, const struct prof_event *e, uint32_t ring);

/* Could this event have happened now? true also when nothing is known that speaks against it. */
bool causal_fits(const struct causal *c, const struct prof_event *e);
/* It does not fit: does another ring bring something in this moment that would make it fit? Needs the index. */
bool causal_should_wait(const struct causal *c, const struct prof_event *e, uint32_t ring);
/* Would letting `e` through change whether an event waiting on `key` fits? */
uint64_t causal_key(const struct prof_event *e);
void causal_prefetch(const struct causal *c, const struct prof_event *e);

#endif
