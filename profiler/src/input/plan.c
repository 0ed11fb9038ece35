/* plan.c: the search, see plan.h. */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

/* Positions that were visited: an open hash of their 64-bit names, grown by doubling. Two positions with one name
 * (2^-64) would only cost an order that exists. */
struct visited {
    uint64_t *names;
    size_t mask, count;
};

struct search {
    const struct plan_ring *rings;
    unsigned ring_count;
    uint32_t at[PLAN_RINGS];
    struct plan_state *states; /* by depth */
    struct visited visited;
};

static uint64_t name_of(const struct search *s)
{
    if (s->ring_count == 2)
        return ((uint64_t)s->at[0] << 32 | s->at[1]) + 1;
    uint64_t name = 0;
    for (unsigned i = 0; i < s->ring_count; i++) {
        name = (name ^ s->at[i]) * 0x9e3779b97f4a7c15ull;
        name ^= name >> 29;
    }
    return name | 1;
}

static void put(uint64_t *names, size_t mask, uint64_t name)
{
    size_t i = (size_t)(name * 0x9e3779b97f4a7c15ull >> 32) & mask;
    while (names[i] != 0)
        i = (i + 1) & mask;
    names[i] = name;
}

/* Notes the position. -1: out of memory; 0: it was noted before; 1: it is new. */
static int visit(struct visited *v, uint64_t name)
{
    if (v->names == NULL || (v->count + 1) * 2 > v->mask) {
        size_t room = v->names == NULL ? 256 : (v->mask + 1) * 2;
        uint64_t *names = calloc(room, sizeof *names);
        if (names == NULL)
            return -1;
        for (size_t i = 0; v->names != NULL && i <= v->mask; i++) {
            if (v->names[i] != 0)
                put(names, room - 1, v->names[i]);
        }
        free(v->names);
        v->names = names;
        v->mask = room - 1;
    }
    for (size_t i = (size_t)(name * 0x9e3779b97f4a7c15ull >> 32) & v->mask; v->names[i] != 0; i = (i + 1) & v->mask) {
        if (v->names[i] == name)
            return 0;
    }
    put(v->names, v->mask, name);
    v->count++;
    return 1;
}

bool plan_step_over(const struct plan_state *from, const struct plan_step *step, struct plan_state *ret)
{
    struct plan_state to = *from;
    bool known = from->alive && from->counted;
    switch (step->kind) {
    case PLAN_ALLOC:
        if (from->allocated)
            return false;
        to.allocated = true;
        to.alive = false;
        break;
    case PLAN_FREE:
        if (!from->allocated || (known && from->count > 0))
            return false;
        to.allocated = to.alive = false;
        break;
    case PLAN_NEW:
        if (from->alive)
            return false;
        to.alive = to.counted = true;
        to.count = 1;
        break;
    case PLAN_DEL:
        if (!from->alive || (known && from->count > 0))
            return false;
        to.alive = false;
        break;
    default:
        if (!from->alive || (known && from->count + (step->kind == PLAN_REF ? 1 : -1) != step->count))
            return false;
        to.counted = true;
        to.count = step->count;
        break;
    }
    *ret = to;
    return true;
}

/* One step deeper: the first ring, beginning with `first`, whose next step fits and leads to a new position. -1: out of
 * memory; 0: none; 1: taken, *ret_ring is the ring. */
static int descend(struct search *s, size_t depth, unsigned first, uint8_t *ret_ring)
{
    for (unsigned turn = 0; turn < s->ring_count; turn++) {
        unsigned ring = (first + turn) % s->ring_count;
        if (s->at[ring] == s->rings[ring].count ||
            !plan_step_over(&s->states[depth], &s->rings[ring].steps[s->at[ring]], &s->states[depth + 1]))
            continue;
        s->at[ring]++;
        int fresh = visit(&s->visited, name_of(s));
        if (fresh > 0)
            *ret_ring = (uint8_t)ring;
        if (fresh != 0)
            return fresh;
        s->at[ring]--;
    }
    return 0;
}

bool plan_find(struct plan_state state, const struct plan_ring *rings, unsigned ring_count, uint8_t *order)
{
    size_t steps = 0;
    for (unsigned i = 0; i < ring_count; i++)
        steps += rings[i].count;
    struct search s = { .rings = rings, .ring_count = ring_count };
    s.states = ring_count <= PLAN_RINGS && steps <= PLAN_STEPS ? malloc((steps + 1) * sizeof *s.states) : NULL;
    if (s.states == NULL)
        return false;
    s.states[0] = state;
    size_t depth = 0, looks = 0;
    bool possible = true;
    while (possible && depth < steps) {
        // Staying with a ring as long as it fits comes closest to how threads run.
        unsigned first = depth > 0 ? order[depth - 1] : 0;
        int taken = ++looks > PLAN_LOOKS ? -1 : descend(&s, depth, first, &order[depth]);
        if (taken > 0)
            depth++;
        else if (taken == 0 && depth > 0)
            s.at[order[--depth]]--;
        else
            possible = false;
    }
    free(s.visited.names);
    free(s.states);
    return possible;
}
