/* ahead.c: a change of a count whose thread was stopped, for longer than a round, before it could tell: its number is
 * missing until then. It is looked for among the first events of rounds to come, see order.h. Whether it is found
 * depends on those rounds only, not on how many of them are loaded for other numbers. */
#include "order.h"

static bool is_change(const struct prof_event *e)
{
    return (e->flags & PROF_EVENT_SEQ) != 0 && (e->op == TRK_OP_REF || e->op == TRK_OP_UNREF);
}

void order_ahead_spent(struct order *order, struct ring *ring)
{
    if (ring->spent || ring->ahead)
        return;
    ring->spent = true;
    ring->next_spent = order->spent;
    order->spent = ring;
}

void order_ahead_passed(struct order *order, struct ring *ring)
{
    if (ring->numbered)
        HASH_DEL(order->ahead, ring);
    ring->ahead = ring->numbered = false;
    order_ahead_spent(order, ring);
}

void order_ahead_reset(struct order *order)
{
    HASH_CLEAR(hh, order->ahead);
    order->spent = NULL;
    for (size_t i = 0; i < order->ring_count; i++)
        order->rings[i]->spent = order->rings[i]->ahead = order->rings[i]->numbered = false;
}

/* Learns the next events of those rings that have nothing visible any more. */
static void learn(struct order *order)
{
    uint64_t visible = order->visible;
    order->visible = UINT64_MAX;
    for (struct ring *ring = order->spent; ring != NULL; ring = ring->next_spent) {
        ring->spent = false;
        ring->ahead = true; /* when there is nothing: not before more is loaded */
        bool any = order_fill(order, ring);
        ring->ahead = !any || ring->round > visible;
        if (!any || !ring->ahead || !is_change(&ring->events[ring->at]))
            continue;
        const struct prof_event *e = &ring->events[ring->at];
        ring->ahead_key = (struct ahead_key){ causal_key(e), (uint32_t)e->from };
        HASH_ADD(hh, order->ahead, ahead_key, sizeof ring->ahead_key, ring);
        ring->numbered = ring->hh.tbl != NULL;
    }
    order->spent = NULL;
    order->visible = visible;
}

/* The number that should have come before e, as far as one can see. false: none is missing. A birth without number does
 * not say where the numbers of its life begin; then the told count shows that one is missing, and it is the one right
 * before e. */
static bool missing_before(const struct causal_state *s, const struct prof_event *e, uint32_t *ret)
{
    if (s == NULL || !s->alive)
        return false;
    if (s->numbered) {
        *ret = s->seq + 1u;
        return (int32_t)((uint32_t)e->from - s->seq) > 1;
    }
    *ret = (uint32_t)e->from - 1u;
    return s->counted && (e->flags & PROF_EVENT_COUNT) != 0 && s->count + (e->op == TRK_OP_REF ? 1 : -1) != e->count;
}

/* The ring that brings the missing number, NULL: none does. Several may be missing behind a birth without number: the
 * one that fits is meant, or else the first of those that are there. */
static struct ring *find_missing(struct order *order, uint64_t key, uint32_t number, bool *ret_fits)
{
    struct ring *found = NULL;
    *ret_fits = false;
    for (size_t i = 0; i < order->ring_count && !*ret_fits; i++, number--) {
        struct ahead_key at = { key, number };
        struct ring *ring;
        HASH_FIND(hh, order->ahead, &at, sizeof at, ring);
        if (ring == NULL)
            break;
        found = ring;
        *ret_fits = causal_fits(&order->causal, &ring->events[ring->at]);
    }
    return found;
}

enum ahead order_ahead(struct order *order, const struct prof_event *e, struct ring **ret)
{
    if (!is_change(e))
        return AHEAD_NONE;
    uint32_t number;
    if (!missing_before(causal_state(&order->causal, causal_key(e)), e, &number))
        return AHEAD_NONE;
    learn(order);
    bool fits;
    struct ring *ring = find_missing(order, causal_key(e), number, &fits);
    if (fits) {
        *ret = ring;
        return AHEAD_FOUND;
    }
    uint64_t most = order->round > UINT64_MAX - 1 - AHEAD_ROUNDS ? UINT64_MAX : order->round + 1 + AHEAD_ROUNDS;
    if (order->loaded >= most) {
        *ret = ring != NULL ? ring : *ret;
        return ring != NULL ? AHEAD_FOUND : AHEAD_NONE;
    }
    uint64_t step = order->loaded - order->round;
    order->wanted = step < most - order->loaded ? order->loaded + step : most;
    return AHEAD_LOADS;
}
