/* order.h: the merge of all rings into one order. Private to this folder. */
#ifndef INPUT_ORDER_H
#define INPUT_ORDER_H

#include "causal.h"
#include "trace.h"

#include <base/table.h>
#include <input/decode.h>

enum {
    RING_EVENTS = 64,   /* decoded ahead per ring */
    BATCH_EVENTS = 256, /* given to the sink at once */
    RING_NUMBER_MAX = 65536,
    PASSED_KEYS = 4096,
    AHEAD_ROUNDS = 64, /* how far a missing number is looked for */
};

/* A block of one ring in memory. */
struct loaded {
    struct loaded *next;
    struct trk_events_head head;
    size_t place;      /* in the stream it comes from */
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
    RING_LOADS,   /* the number before it is missing in what is loaded */
};

struct ring {
    struct prof_decoder decoder;
    uint32_t number;
    struct loaded *first, **last;
    struct prof_event events[RING_EVENTS]; /* decoded ahead, all of one block */
    uint64_t exact_us[RING_EVENTS];        /* of those with `fine`; their time_us is the tick until they leave */
    size_t at, count;
    struct prof_decoder batch; /* as it was before they were decoded */
    size_t batch_pos;          /* where they begin in the block */
    uint64_t round;            /* of the decoded events */
    enum ring_wait wait;
    bool asked_gaps;   /* asked when order->over_gaps was this */
    uint64_t asked_at; /* order->passed + 1 when it was asked for its next event, and has to wait; 0: not asked */
    uint64_t stuck_at; /* order->passed + 1 when nothing led to what it waits for */
    bool spent;        /* in the list of order->spent: it may have nothing visible left */
    bool ahead;        /* it has not, and what it brings next is known, */
    bool numbered;     /* and in order->ahead */
    struct ring *next_spent;
    struct ahead_key {
        uint64_t key, seq;
    } ahead_key;
    UT_hash_handle hh;
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
    uint64_t high;
    struct ring **rings; /* by number: the order must not depend on where the stream begins */
    size_t ring_count, ring_room;
    uint32_t *by_number; /* RING_NUMBER_MAX entries: index + 1 */
    struct causal causal;
    size_t old_blocks; /* loaded blocks of rounds <= round, not used up */
    uint64_t round;
    bool exact;      /* events of this moment have times of their own */
    uint64_t passed; /* events handed out so far */
    uint64_t asked;  /* looks at the next event of a ring, to see whether it goes: what a merge costs */
    uint64_t passed_keys[PASSED_KEYS]; /* order->passed when an event of such an address was handed out last */
    bool over_gaps;                    /* everything waits: numbers of the newest round need not be complete any more */
    uint64_t pass_round;               /* events of rounds up to this one leave unasked: `round`, or all */
    uint64_t visible;                  /* events of later rounds are loaded for their numbers only */
    uint64_t loaded;                   /* all blocks up to this round are */
    uint64_t wanted;                   /* not 0: a number is missing, and may be in one of the rounds up to this one */
    struct ring *ahead;                /* uthash: rings whose next event, a numbered one, is not visible yet */
    struct ring *spent;                /* rings that may have become such */
};

/* high: of the decoders of its rings. */
bool order_init(struct order *order, uint64_t high, struct outlet *out);
void order_deinit(struct order *order);
/* The ring of this number, made when new. NULL without memory. */
struct ring *order_ring(struct order *order, uint32_t number);
/* Hands out events until no loaded block of a round <= `round` is left, and none that is used up, from blocks up to
 * order->visible, a later round; all up to order->loaded, visible at least, are loaded. When order->wanted is not 0
 * afterwards, it stopped before that: blocks up to that round should be loaded, then it goes on. What it hands out does
 * not depend on what else is loaded. */
struct prof_error *order_merge(struct order *order, uint64_t round);

/* ---- ahead.c ---- */
enum ahead {
    AHEAD_NONE,  /* nothing is missing, or it is nowhere */
    AHEAD_FOUND, /* the next event of *ret is the missing one */
    AHEAD_LOADS, /* order->wanted says how much should be loaded to know */
};
/* e is the next event for its address in what is visible. When its number does not follow the last one: the event with
 * the missing number, if that is the first one of a ring that has nothing else to bring before it. Its thread was
 * stopped for rounds before it could tell. */
enum ahead order_ahead(struct order *order, const struct prof_event *e, struct ring **ret);
/* The ring has no visible event left, or may have none. */
void order_ahead_spent(struct order *order, struct ring *ring);
/* The ring's event was handed out, and it has no visible one left, or may have none. */
void order_ahead_passed(struct order *order, struct ring *ring);
/* Forgets all: other rounds are visible now, or more is loaded. */
void order_ahead_reset(struct order *order);
/* Makes ring->events[ring->at] the ring's next event. false: nothing more is visible. */
bool order_fill(struct order *order, struct ring *ring);

#endif
