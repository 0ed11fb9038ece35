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

enum ahead order_ahead(struct order *order, const struct prof_event *e, struct ring **ret)
{
    if (!is_change(e))
        return AHEAD_NONE;
    const struct causal_state *s = causal_state(&order->causal, causal_key(e));
    if (s == NULL || !s->alive || !s->numbered || (int32_t)((uint32_t)e->from - s->seq) <= 1)
        return AHEAD_NONE;
    learn(order);
    struct ahead_key key = { causal_key(e), s->seq + 1u };
    struct ring *ring;
    HASH_FIND(hh, order->ahead, &key, sizeof key, ring);
    if (ring != NULL) {
        *ret = ring;
        return AHEAD_FOUND;
    }
    uint64_t most = order->round > UINT64_MAX - 1 - AHEAD_ROUNDS ? UINT64_MAX : order->round + 1 + AHEAD_ROUNDS;
    if (order->loaded >= most)
        return AHEAD_NONE;
    uint64_t step = order->loaded - order->round;
    order->wanted = step < most - order->loaded ? order->loaded + step : most;
    return AHEAD_LOADS;
}
