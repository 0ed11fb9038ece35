/* order.c: merges rings by time and, inside one tick of the clock, by cause and by exact time.
 *
 * All events of one tick form a moment. Rings whose next event belongs to the moment are let through one after the
 * other; an event that could not have happened yet (causal_fits) waits when another ring still brings its cause in the
 * same moment (causal_should_wait). Only events of old rounds must leave; those of the newest loaded round leave when
 * an old one waits for them, because what precedes them may not be loaded yet. When everything waits, the first is let
 * through and marked as a guess.
 *
 * References that tell no count go by what ends their object: a release by a thread that ends no object at the address
 * yields to the one that does, as far as that can go, so that it does not get into a life before its own.
 *
 * Exact times choose among the rings that could go. They are never a reason to hold back what a cause lets through, nor
 * to let through what it holds back: a thread that was stopped inside a verb has told a wrong one. Where no counts are
 * told there are no such causes, only guesses at them; times are better than these (causal_time_says). */
#include "order.h"

#include <stdlib.h>
#include <string.h>

bool order_init(struct order *order, uint64_t high, struct outlet *out)
{
    memset(order, 0, sizeof *order);
    order->out = out;
    order->high = high;
    order->by_number = calloc(RING_NUMBER_MAX, sizeof *order->by_number);
    return order->by_number != NULL;
}

void order_deinit(struct order *order)
{
    order_ahead_reset(order); /* its table */
    for (size_t i = 0; i < order->ring_count; i++) {
        struct ring *ring = order->rings[i];
        while (ring->first != NULL) {
            struct loaded *next = ring->first->next;
            free(ring->first);
            ring->first = next;
        }
        free(ring);
    }
    free(order->rings);
    free(order->by_number);
    causal_deinit(&order->causal);
}

struct ring *order_ring(struct order *order, uint32_t number)
{
    if (order->by_number[number] != 0)
        return order->rings[order->by_number[number] - 1];
    if (order->ring_count == order->ring_room) {
        size_t room = order->ring_room * 2 + 8;
        /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
        struct ring **rings = reallocarray(order->rings, room, sizeof *rings);
        if (rings == NULL)
            return NULL;
        order->rings = rings;
        order->ring_room = room;
    }
    struct ring *ring = calloc(1, sizeof *ring);
    if (ring == NULL)
        return NULL;
    ring->number = number;
    ring->decoder.high = order->high;
    ring->last = &ring->first;
    size_t at = order->ring_count++;
    for (; at > 0 && order->rings[at - 1]->number > number; at--) {
        order->rings[at] = order->rings[at - 1];
        order->by_number[order->rings[at]->number] = (uint32_t)at + 1;
    }
    order->rings[at] = ring;
    order->by_number[number] = (uint32_t)at + 1;
    return ring;
}

bool order_fill(struct order *order, struct ring *ring)
{
    while (ring->at == ring->count) {
        struct loaded *block = ring->first;
        if (block == NULL || block->head.round > order->visible) {
            order_ahead_spent(order, ring);
            return false;
        }
        if (block->pos == 0)
            prof_decoder_enter(&ring->decoder, &block->head);
        if (block->pos == block->count) {
            /* Used up to the last event: only now does it stop to hold its round open. */
            ring->first = block->next;
            if (ring->first == NULL)
                ring->last = &ring->first;
            if (block->head.round <= order->round)
                order->old_blocks--;
            free(block);
            continue;
        }
        ring->at = 0;
        ring->batch = ring->decoder;
        ring->batch_pos = block->pos;
        ring->count = prof_decode_ticks(&ring->decoder, block->slots, block->count, &block->pos, ring->events,
                                        ring->exact_us, RING_EVENTS);
        ring->round = block->head.round;
        for (size_t i = 0; i < ring->count; i++)
            causal_prefetch(&order->causal, &ring->events[i]);
    }
    if (ring->round <= order->visible)
        return true;
    /* Decoded when a number was looked for, in this round or one before it. */
    order_ahead_spent(order, ring);
    return false;
}

/* A numbered event of a later moment that is the first one behind this moment in its ring may have happened in it: its
 * thread was stopped before it could tell. Its number says whether it did. */
static bool may_be_late(const struct prof_event *e)
{
    return (e->flags & PROF_EVENT_SEQ) != 0 && e->op != TRK_OP_NEW;
}

/* Shows all loaded events of the moment in one ring, and the one that may be late, to the index: first who touches
 * what, then the steps. */
static bool show_ring(struct order *order, const struct ring *ring, uint64_t time_us, bool steps)
{
    struct prof_decoder decoder = ring->decoder;
    const struct loaded *block = ring->first;
    const struct prof_event *events = ring->events + ring->at;
    struct prof_event ahead[RING_EVENTS];
    uint64_t exact_us[RING_EVENTS];
    size_t count = ring->count - ring->at, pos = block != NULL ? block->pos : 0;
    if (count > 0 && ring->round > order->visible)
        return true;
    for (;;) {
        for (size_t i = 0; i < count; i++) {
            bool last = events[i].time_us != time_us;
            if (last && !may_be_late(&events[i]))
                return true;
            order->exact |= !last && events[i].fine != 0;
            if (!steps)
                causal_touch(&order->causal, &events[i], ring->number);
            else if (!causal_index_add(&order->causal, &events[i], ring->number, last))
                return false;
            if (last)
                return true;
        }
        while (block != NULL && pos == block->count) {
            block = block->next;
            pos = 0;
        }
        if (block == NULL || block->head.round > order->visible)
            return true;
        if (pos == 0)
            prof_decoder_enter(&decoder, &block->head);
        count = prof_decode_ticks(&decoder, block->slots, block->count, &pos, ahead, exact_us, RING_EVENTS);
        events = ahead;
    }
}

static bool begin_moment(struct order *order, uint64_t time_us)
{
    order->exact = false;
    if (!causal_moment(&order->causal))
        return false;
    for (size_t i = 0; i < order->ring_count; i++)
        show_ring(order, order->rings[i], time_us, false);
    if (!order->causal.any_shared)
        return true;
    causal_index_begin(&order->causal);
    for (size_t i = 0; i < order->ring_count; i++)
        if (!show_ring(order, order->rings[i], time_us, true))
            return false;
    return true;
}

static uint64_t *passed_key(struct order *order, const struct prof_event *e)
{
    return &order->passed_keys[causal_hash(causal_key(e)) & (PASSED_KEYS - 1)];
}

/* Hands out the ring's next event. */
static struct prof_error *pass(struct order *order, struct ring *ring, bool forced)
{
    order->passed++;
    struct outlet *out = order->out;
    struct prof_event *e = &ring->events[ring->at];
    *passed_key(order, e) = order->passed;
    ring->asked_at = 0;
    if (forced)
        e->flags |= PROF_EVENT_FORCED;
    if (order->causal.indexed && causal_shared(&order->causal, e)) {
        causal_turn_taken(&order->causal, e, ring->number);
        causal_index_take(&order->causal, e, ring->number);
    }
    if (!causal_apply(&order->causal, e))
        return prof_error_memory();
    if (e->fine != 0)
        e->time_us = ring->exact_us[ring->at];
    ring->at++;
    if (e->time_us > out->mem_us) {
        struct prof_error *error = outlet_flush(out);
        if (error != NULL)
            return error;
    }
    out->batch[out->count++] = *e;
    if (ring->ahead || ring->at == ring->count)
        order_ahead_passed(order, ring);
    return out->count == BATCH_EVENTS ? outlet_flush(out) : NULL;
}

/* A counted event is recorded after its operation, and its thread may have been stopped in between: its time is too
 * late then. When e does not follow the count as it stands, the ring whose next event, of a later moment, does is the
 * one that came first. It is the very next event of its ring, because the thread did nothing else in the meantime. */
static struct ring *late_cause(struct order *order, const struct ring *ring, const struct prof_event *e)
{
    uint64_t key = causal_key(e);
    for (size_t i = 0; i < order->ring_count; i++) {
        struct ring *other = order->rings[i];
        order->asked++;
        if (other == ring || !order_fill(order, other))
            continue;
        const struct prof_event *next = &other->events[other->at];
        bool numbers = (next->flags & e->flags & PROF_EVENT_SEQ) != 0;
        if (numbers && (int32_t)((uint32_t)next->from - (uint32_t)e->from) >= 0)
            continue; /* it may fit by its count, and comes later all the same */
        if (next->time_us > e->time_us && (next->flags & (PROF_EVENT_COUNT | PROF_EVENT_SEQ)) != 0 &&
            causal_key(next) == key && causal_fits(&order->causal, next))
            return other;
    }
    return NULL;
}

/* What goes first in place of ring's event e, which nobody else in this moment comes before. NULL: nothing; or more
 * must be loaded to know. */
static struct ring *what_first(struct order *order, const struct ring *ring, const struct prof_event *e,
                               bool *ret_loads)
{
    struct ring *first = NULL;
    *ret_loads = false;
    if ((e->flags & (PROF_EVENT_COUNT | PROF_EVENT_SEQ)) != 0 && (e->op == TRK_OP_REF || e->op == TRK_OP_UNREF) &&
        !causal_fits(&order->causal, e)) {
        first = late_cause(order, ring, e);
        *ret_loads = first == NULL && order_ahead(order, e, &first) == AHEAD_LOADS;
    }
    return first;
}

static enum ring_wait wait_for_first(struct order *order, const struct ring *ring, enum ring_wait otherwise)
{
    bool loads;
    if (what_first(order, ring, &ring->events[ring->at], &loads) != NULL)
        return RING_LATE;
    return loads ? RING_LOADS : otherwise;
}

/* The same for an event that comes next by its number. */
static enum ring_wait wait_for_ahead(struct order *order, const struct ring *ring)
{
    const struct prof_event *e = &ring->events[ring->at];
    if (causal_turn_late(&order->causal, e))
        return wait_for_first(order, ring, RING_GOES);
    struct ring *first;
    enum ahead ahead = order_ahead(order, e, &first);
    return ahead == AHEAD_FOUND ? RING_LATE : ahead == AHEAD_LOADS ? RING_LOADS : RING_GOES;
}

/* Why the ring's next event does not go now. */
static enum ring_wait why_wait(struct order *order, const struct ring *ring)
{
    const struct prof_event *e = &ring->events[ring->at];
    struct causal *c = &order->causal;
    order->asked++;
    if (!causal_shared(c, e))
        return wait_for_first(order, ring, RING_GOES);
    enum causal_turn turn = causal_turn(c, e, ring->number);
    switch (turn) {
    case CAUSAL_NOT_YET_EXACT:
        return RING_NUMBER;
    case CAUSAL_TURN_EXACT:
        /* What is missing before it may be in a round that is not loaded. */
        if (ring->round > order->pass_round && !order->over_gaps && may_be_late(e) && !causal_fits(c, e))
            return RING_NUMBER;
        return causal_fits(c, e) ? RING_GOES : wait_for_ahead(order, ring);
    case CAUSAL_TURN_GUESSED:
        return RING_GUESSES;
    case CAUSAL_TURN_LAST:
        return RING_YIELDS;
    case CAUSAL_TURN_ANY:
        /* Freed by the next event: it keeps nobody waiting. */
        return ring->at + 1 < ring->count && causal_key(e + 1) == causal_key(e) ? RING_GOES : RING_YIELDS;
    default:
        break;
    }
    if (order->exact && e->fine != 0 && causal_time_says(c, e, ring->number))
        return RING_GOES;
    if (turn == CAUSAL_NOT_YET)
        return RING_WAITS;
    if (turn == CAUSAL_TURN)
        return causal_better_later(c, e, ring->number) ? RING_YIELDS : RING_GOES;
    if (causal_next_life(c, e, ring->number))
        return RING_WAITS;
    bool fits = causal_fits(c, e) || causal_in_constructor(c, e, ring->number),
         yields = causal_release_yields(c, e, ring->number);
    /* Exact times say better when it was. */
    if (fits && !order->exact && yields)
        return RING_YIELDS;
    if (fits)
        return causal_better_later(c, e, ring->number) ? RING_YIELDS : RING_GOES;
    bool ends = ring->at + 1 < ring->count && causal_key(e + 1) == causal_key(e) &&
                (e[1].op == TRK_OP_DEL || e[1].op == TRK_OP_FREE); /* perhaps in the next moment */
    if (causal_last_release(c, e, ring->number, ends))
        return RING_GOES;
    if (yields)
        return RING_WAITS;
    if (causal_should_wait(c, e, ring->number))
        return RING_WAITS;
    return wait_for_first(order, ring, RING_GUESSES);
}

/* Is the ring's next event part of the moment, and of the wanted round? */
static bool takes_part(struct order *order, struct ring *ring, uint64_t time_us, bool new_round)
{
    return order_fill(order, ring) && ring->events[ring->at].time_us == time_us &&
           (ring->round > order->pass_round) == new_round;
}

/* The ring waits for a number: lets that through, wherever it is, and what it waits for itself in turn. So the rings
 * that share an object are not asked one after the other for each of its events. */
static struct prof_error *run_numbers(struct order *order, struct ring *ring, uint64_t time_us, bool *ret_progress)
{
    const struct ring *blocked = ring;
    size_t hops = 0;
    while (ring->events[ring->at].time_us == time_us && hops <= order->ring_count) {
        uint32_t number = causal_turn_of(&order->causal, &blocked->events[blocked->at]);
        struct ring *next = number < RING_NUMBER_MAX ? order_ring(order, number) : NULL;
        if (next == NULL || next == blocked || next->stuck_at == order->passed + 1 || !order_fill(order, next))
            break;
        const struct prof_event *e = &next->events[next->at];
        if (e->time_us != time_us && (e->time_us < time_us || !may_be_late(e)))
            break;
        enum ring_wait wait = why_wait(order, next);
        struct prof_error *error;
        if (wait == RING_GOES || wait == RING_GUESSES) {
            error = pass(order, next, wait == RING_GUESSES);
        } else if (wait == RING_NUMBER) {
            blocked = next;
            hops++;
            continue;
        } else {
            break;
        }
        *ret_progress = true;
        if (error != NULL || why_wait(order, ring) != RING_NUMBER)
            return error;
        blocked = ring;
        hops = 0;
    }
    ring->stuck_at = order->passed + 1;
    return NULL;
}

/* What a ring waits for happens at the address of its next event: has nothing happened there since it was asked? */
static bool still_waits(struct order *order, const struct ring *ring)
{
    return ring->asked_at != 0 && ring->asked_gaps == order->over_gaps &&
           ring->asked_at > *passed_key(order, &ring->events[ring->at]);
}

/* Is whoever the ring waits for asked as well? Rings of other rounds and moments are not: they go when somebody who
 * waits for a number leads to them. */
static bool is_served(struct order *order, const struct ring *ring, uint64_t time_us)
{
    if (ring->wait != RING_NUMBER)
        return true;
    uint32_t number = causal_turn_of(&order->causal, &ring->events[ring->at]);
    return number < RING_NUMBER_MAX && order->by_number[number] != 0 &&
           takes_part(order, order->rings[order->by_number[number] - 1], time_us, false);
}

/* Lets the ring's old events of the moment through until one does not go. */
static struct prof_error *run_ring(struct order *order, struct ring *ring, uint64_t time_us, bool *ret_progress)
{
    bool part = takes_part(order, ring, time_us, false);
    if (part && still_waits(order, ring))
        return NULL;
    ring->wait = RING_GOES;
    for (; part; part = takes_part(order, ring, time_us, false)) {
        ring->wait = why_wait(order, ring);
        struct prof_error *error = NULL;
        if (ring->wait == RING_NUMBER) {
            error = run_numbers(order, ring, time_us, ret_progress);
            ring->wait = error == NULL ? why_wait(order, ring) : ring->wait;
        }
        if (error == NULL && ring->wait != RING_GOES && ring->wait != RING_GUESSES) {
            ring->asked_at = is_served(order, ring, time_us) ? order->passed + 1 : 0;
            ring->asked_gaps = order->over_gaps;
            return NULL;
        }
        if (error == NULL)
            error = pass(order, ring, ring->wait == RING_GUESSES);
        if (error != NULL)
            return error;
        *ret_progress = true;
    }
    return NULL;
}

/* Exact time of the ring's next event; its tick when it has none. */
static uint64_t next_ns(const struct ring *ring)
{
    const struct prof_event *e = &ring->events[ring->at];
    return e->fine != 0 ? ring->exact_us[ring->at] * 1000 + e->fine - 1 : e->time_us * 1000;
}

/* The ring whose next event has the earliest exact time of all that need not wait, and up to when it is the earliest.
 * Events of the newest round take part, if they have an exact time, as long as an old one comes behind them: what is
 * not loaded is later than that. NULL: no ring. */
static struct ring *earliest(struct order *order, uint64_t time_us, uint64_t *ret_until, bool *ret_waits)
{
    struct ring *first = NULL;
    uint64_t first_ns = UINT64_MAX;
    bool any_old = false;
    *ret_until = UINT64_MAX;
    *ret_waits = false;
    for (size_t i = 0; i < order->ring_count; i++) {
        struct ring *ring = order->rings[i];
        order->asked++;
        if (!order_fill(order, ring) || ring->events[ring->at].time_us != time_us)
            continue;
        if (still_waits(order, ring)) {
            *ret_waits = true;
            continue;
        }
        bool old = ring->round <= order->pass_round;
        if (!old && ring->events[ring->at].fine == 0)
            continue;
        uint64_t ns = next_ns(ring);
        any_old |= old;
        if (first == NULL || ns < first_ns) {
            *ret_until = first_ns;
            first_ns = ns;
            first = ring;
        } else if (ns < *ret_until) {
            *ret_until = ns;
        }
    }
    return any_old ? first : NULL;
}

/* Lets events of the moment through in the order of their exact times, until none goes. */
static struct prof_error *run_by_time(struct order *order, uint64_t time_us, bool *ret_progress)
{
    struct prof_error *error = NULL;
    struct ring *ring;
    uint64_t until;
    bool waits;
    for (size_t i = 0; i < order->ring_count; i++)
        if (!still_waits(order, order->rings[i]))
            order->rings[i]->wait = RING_GOES;
    while (error == NULL && (ring = earliest(order, time_us, &until, &waits)) != NULL) {
        bool old = ring->round <= order->pass_round;
        uint64_t passed = order->passed;
        enum ring_wait wait = why_wait(order, ring);
        if (wait == RING_NUMBER) {
            error = run_numbers(order, ring, time_us, ret_progress);
            if (error != NULL || order->passed != passed)
                continue;
        }
        ring->wait = old ? wait : RING_GOES; /* run_new_round asks those of the newest round itself */
        if (wait != RING_GOES && wait != RING_GUESSES) {
            ring->asked_at = order->passed + 1;
            ring->asked_gaps = order->over_gaps;
            continue;
        }
        do {
            error = pass(order, ring, wait == RING_GUESSES);
            *ret_progress = true;
        } while (error == NULL && old && !waits && takes_part(order, ring, time_us, false) && next_ns(ring) <= until &&
                 (wait = why_wait(order, ring)) == RING_GOES);
    }
    return error;
}

/* Does the ring bring something for an address that an old event waits for? */
static bool is_wanted(const struct order *order, const struct ring *ring)
{
    for (size_t i = 0; i < order->ring_count; i++) {
        const struct ring *other = order->rings[i];
        if (other != ring && other->wait != RING_GOES &&
            causal_comes_from(&order->causal, causal_key(&other->events[other->at]), ring->number))
            return true;
    }
    return false;
}

/* Everything old waits: one event of the newest round that is the cause, or the cause of the cause. */
static struct prof_error *run_new_round(struct order *order, uint64_t time_us, bool *ret_progress)
{
    bool found = true;
    while (found) {
        found = false;
        for (size_t i = 0; i < order->ring_count; i++) {
            struct ring *ring = order->rings[i];
            if (ring->wait != RING_GOES || !takes_part(order, ring, time_us, true) || !is_wanted(order, ring))
                continue;
            ring->wait = why_wait(order, ring);
            if (ring->wait == RING_GOES || ring->wait == RING_GUESSES) {
                *ret_progress = true;
                return pass(order, ring, ring->wait == RING_GUESSES);
            }
            found = true;
        }
    }
    return NULL;
}

/* Something waits for an event whose time is too late: that one goes first. */
static struct prof_error *run_late(struct order *order, bool *ret_progress)
{
    for (size_t i = 0; i < order->ring_count; i++) {
        struct ring *ring = order->rings[i];
        bool loads;
        struct ring *late = ring->wait == RING_LATE ? what_first(order, ring, &ring->events[ring->at], &loads) : NULL;
        if (late != NULL) {
            *ret_progress = true;
            return pass(order, late, false);
        }
    }
    return NULL;
}

/* The first event that waits for this reason goes all the same. */
static struct prof_error *let_first(struct order *order, enum ring_wait wait, bool *ret_progress)
{
    struct ring *first = NULL;
    for (size_t i = 0; i < order->ring_count; i++) {
        struct ring *ring = order->rings[i];
        if (ring->wait == wait && (first == NULL || (order->exact && next_ns(ring) < next_ns(first))))
            first = ring;
    }
    if (first == NULL)
        return NULL;
    *ret_progress = true;
    return pass(order, first, wait == RING_WAITS || wait == RING_NUMBER);
}

/* Nothing goes: would more, when more rounds were loaded? Then the moment ends here, and begins again. */
static bool waits_for_more(const struct order *order)
{
    for (size_t i = 0; order->wanted != 0 && i < order->ring_count; i++)
        if (order->rings[i]->wait == RING_LOADS)
            return true;
    return false;
}

/* Merges the old events of one moment in which several rings take part. */
static struct prof_error *merge_moment(struct order *order, uint64_t time_us)
{
    if (!begin_moment(order, time_us))
        return prof_error_memory();
    for (size_t i = 0; i < order->ring_count; i++)
        order->rings[i]->asked_at = 0;
    struct prof_error *error = NULL;
    bool progress = true, more = false;
    order->over_gaps = false;
    while (error == NULL && progress) {
        order->wanted = 0;
        progress = false;
        if (order->exact)
            error = run_by_time(order, time_us, &progress);
        for (size_t i = 0; i < order->ring_count && error == NULL && !order->exact; i++)
            error = run_ring(order, order->rings[i], time_us, &progress);
        if (error == NULL && !progress)
            error = run_new_round(order, time_us, &progress);
        if (error == NULL && !progress)
            error = run_late(order, &progress);
        more = error == NULL && !progress && waits_for_more(order);
        if (more)
            break;
        if (error == NULL && !progress)
            error = let_first(order, RING_YIELDS, &progress);
        if (error == NULL && !progress && !order->over_gaps)
            order->over_gaps = progress = true;
        else
            order->over_gaps = false;
        if (error == NULL && !progress)
            error = let_first(order, RING_WAITS, &progress);
        if (error == NULL && !progress)
            error = let_first(order, RING_LATE, &progress);
        if (error == NULL && !progress)
            error = let_first(order, RING_NUMBER, &progress);
    }
    if (!more)
        order->wanted = 0;
    causal_moment_end(&order->causal);
    return error;
}

/* The ring is alone until `until_us` (exclusive). */
static struct prof_error *run_alone(struct order *order, struct ring *ring, uint64_t until_us)
{
    while (order_fill(order, ring) && order->old_blocks > 0 && ring->events[ring->at].time_us < until_us) {
        bool loads;
        struct ring *late = what_first(order, ring, &ring->events[ring->at], &loads);
        if (loads)
            return NULL;
        struct prof_error *error = pass(order, late != NULL ? late : ring, false);
        if (error != NULL)
            return error;
    }
    return NULL;
}

struct prof_error *order_merge(struct order *order, uint64_t round)
{
    order->round = order->pass_round = round;
    order->old_blocks = 0;
    order->wanted = 0;
    order_ahead_reset(order);
    for (size_t i = 0; i < order->ring_count; i++)
        for (const struct loaded *block = order->rings[i]->first; block != NULL && block->head.round <= round;
             block = block->next)
            order->old_blocks++;
    while (order->old_blocks > 0) {
        /* The moment is the earliest time of a next event; `after` is the earliest time of all other rings. */
        uint64_t first_us = UINT64_MAX, after_us = UINT64_MAX;
        struct ring *first = NULL;
        size_t old = 0;
        bool any_old = false;
        for (size_t i = 0; i < order->ring_count; i++) {
            struct ring *ring = order->rings[i];
            if (!order_fill(order, ring))
                continue;
            uint64_t time_us = ring->events[ring->at].time_us;
            any_old |= ring->round <= round;
            if (time_us < first_us) {
                after_us = first_us;
                first_us = time_us;
                first = ring;
                old = ring->round <= round;
            } else {
                if (time_us == first_us)
                    old += ring->round <= round;
                if (time_us < after_us)
                    after_us = time_us;
            }
        }
        if (first == NULL || !any_old)
            break;
        struct prof_error *error;
        if (after_us > first_us) {
            error = run_alone(order, first, after_us);
        } else if (old > 0) {
            error = merge_moment(order, first_us);
        } else {
            /* Only events of the newest round, earlier than every old one: they are complete, as nothing that is not
             * loaded can be older than an old event. */
            order->pass_round = UINT64_MAX;
            error = merge_moment(order, first_us);
            order->pass_round = round;
        }
        if (error != NULL || order->wanted != 0)
            return error;
    }
    for (size_t i = 0; i < order->ring_count; i++)
        order_fill(order, order->rings[i]);
    return NULL;
}
