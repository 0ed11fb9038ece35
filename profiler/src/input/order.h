/* order.h: the merge of all rings into one order. Private to this folder. */
#ifndef INPUT_ORDER_H
#define INPUT_ORDER_H

#include "causal.h"
#include "trace.h"

#include <input/decode.h>

enum {
    RING_EVENTS = 64,   /* decoded ahead per ring */
    BATCH_EVENTS = 256, /* given to the sink at once */
    RING_NUMBER_MAX = 65536,
};

/* A block of one ring in memory. */
struct loaded {
    struct loaded *next;
    struct trk_events_head head;
    uint64_t offset;   /* in the file, for progress */
    size_t count, pos; /* slots */
    size_t bytes;      /* of this struct with its slots */
    struct trk_slot slots[];
};

enum ring_wait {
    RING_GOES = 0,
    RING_GUESSES, /* it goes, but it does not fit, and other threads act on the same address in this moment */
    RING_YIELDS,  /* another ring should go first, as far as one can see */
    RING_WAITS,   /* what must come before it is still to come */
    RING_LATE,    /* what must come before it bears a later time */
    RING_NUMBER,  /* another ring brings the number before it */
};

struct ring {
    struct prof_decoder decoder;
    uint32_t number;
    struct loaded *first, **last;
    struct prof_event events[RING_EVENTS]; /* decoded ahead, all of one block */
    size_t at, count;
    struct prof_decoder batch; /* as it was before they were decoded */
    size_t batch_pos;          /* where they begin in the block */
    uint64_t round;            /* of the decoded events */
    enum ring_wait wait;
    uint64_t stuck_at; /* order->passed + 1 when nothing led to what it waits for */
};

struct order;

/* Where merged events go. Batches are cut where a memory sample is due. */
struct outlet {
    const struct prof_trace_sink *sink;
    void *ctx;
    struct prof_event batch[BATCH_EVENTS];
    size_t count;
    PROF_VEC(struct trk_mem) mem; /* loaded, not yet handed on */
    size_t mem_at;
    uint64_t mem_us; /* time of the next one, UINT64_MAX */
};
struct prof_error *outlet_flush(struct outlet *out);

struct order {
    struct outlet *out;
    struct ring **rings; /* by number: the order must not depend on where the stream begins */
    size_t ring_count, ring_room;
    uint32_t *by_number; /* RING_NUMBER_MAX entries: index + 1 */
    struct causal causal;
    size_t old_blocks; /* loaded blocks of rounds <= round, not used up */
    uint64_t round;
    uint64_t passed;     /* events handed out so far */
    bool over_gaps;      /* everything waits: numbers of the newest round need not be complete any more */
    uint64_t pass_round; /* events of rounds up to this one leave unasked: `round`, or all */
};

bool order_init(struct order *order, struct outlet *out);
void order_deinit(struct order *order);
/* The ring of this number, made when new. NULL without memory. */
struct ring *order_ring(struct order *order, uint32_t number);
/* Hands out events until no loaded block of a round <= `round` is left, and none that is used up. */
struct prof_error *order_merge(struct order *order, uint64_t round);

#endif
