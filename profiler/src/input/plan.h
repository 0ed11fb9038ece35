/* plan.h: an order of what several rings did to one address, such that every event could have happened when it is its
 * turn. Private to this folder.
 *
 * Each ring brings its events in their order; what an event needs (the block is allocated, the count is 3) and what it
 * leaves behind is known. Interleaving the sequences is a walk over the positions in all of them; the search goes depth
 * first, remembers positions that it has been at, and is bounded. A greedy merge can end where nothing fits any more;
 * this one only when no order exists. */
#ifndef INPUT_PLAN_H
#define INPUT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PLAN_RINGS = 16,      /* more rings at one address in one moment are not planned */
    PLAN_STEPS = 1 << 16, /* nor more events */
    PLAN_LOOKS = 1 << 18, /* positions looked at before the search gives up */
};

enum plan_kind {
    PLAN_ALLOC, /* needs a free address */
    PLAN_FREE,  /* needs an allocated one, with no living object that is still counted */
    PLAN_NEW,   /* needs no living object; count 1 */
    PLAN_DEL,   /* needs a living object with count 0 */
    PLAN_REF,   /* needs a living object and count - 1 */
    PLAN_UNREF, /* needs a living object and count + 1 */
};
struct plan_step {
    int32_t count; /* REF, UNREF: after it */
    uint8_t kind;
};
struct plan_state {
    int32_t count;
    bool allocated, alive;
    bool counted; /* count is known */
};
struct plan_ring {
    const struct plan_step *steps;
    uint32_t count;
};

/* Could the step happen in this state? Then *ret is the state behind it. */
bool plan_step_over(const struct plan_state *from, const struct plan_step *step, struct plan_state *ret);
/* Writes the index of the ring whose turn it is into order[0 .. sum of counts). false: no order was found (order is
 * undefined), or out of memory. */
bool plan_find(struct plan_state state, const struct plan_ring *rings, unsigned ring_count, uint8_t *order);

#endif
