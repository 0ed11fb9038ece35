/* hold_slot.c: do variables still point to what they were told to own? One that memory contradicts owns nothing: its
 * reference was forgotten, or moved on in silence, and then pointers elsewhere account for it.
 *
 * What only leaks by the events is accused unless something speaks for it, so every contradiction counts. A variable of
 * something that lives keeps its object alive; to give that up accuses, so it takes more: the program must have been
 * done with the object when memory was read, and variables at that place (a field of a type, globals with objects of a
 * type) must be pointers, as others there show, or nothing else may point to the object. */
#include "hold.h"

#include <stdlib.h>

struct slots {
    struct analysis *a;
    struct graph_edge *items; /* in objects and blocks, then in roots (from: GRAPH_NONE) */
    size_t count;
    uint8_t *state;         /* by slot: enum hold_slot */
    struct graph rows;      /* labels: slots */
    uint8_t *lives;         /* by node: kept by the events, as far as memory does not contradict them */
    struct map good_places; /* keys of places where some variable holds what it was told to own */
};

bool hold_word_at(const struct prof_memory *m, uint64_t at, uint32_t *ret)
{
    size_t lo = 0, hi = m->area_count;

    *ret = GRAPH_NONE;
    while (lo < hi) { // the first area that begins behind `at`
        size_t mid = lo + (hi - lo) / 2;
        if (m->areas[mid].kind == TRK_AREA_REGISTERS || m->areas[mid].start <= at)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == 0 || m->areas[lo - 1].kind == TRK_AREA_REGISTERS || at - m->areas[lo - 1].start >= m->areas[lo - 1].size)
        return false;
    const struct prof_memory_area *area = &m->areas[lo - 1];
    for (lo = area->first, hi = area->first + area->count; lo < hi;) {
        size_t mid = lo + (hi - lo) / 2;
        if (m->words[mid].at < at)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo < area->first + area->count && m->words[lo].at == at)
        *ret = (uint32_t)lo;
    return true;
}

bool hold_is_stale(const struct hold *hold, const struct prof_open *open)
{
    return hold != NULL && hold->stale.count > 0 && open->kind == PROF_OPEN_SLOT &&
           map_get(&hold->stale, hold_slot_key(open)) != UINT32_MAX;
}

/* ---- One variable ------------------------------------------------------------------------------------------------ */

/* Is one of the words that point to the object the variable? Most objects have few. */
static bool has_word(const struct hold *hold, const struct prof_open *open)
{
    enum { FEW = 16 };
    uint32_t first = hold->row[open->obj], end = hold->row[open->obj + 1];

    for (uint32_t i = first; i < end && i - first < FEW; i++) {
        if (hold->memory->words[hold->words.items[i].index].at == open->slot)
            return true;
    }
    return false;
}

static enum hold_slot check(struct analysis *a, const struct graph_edge *slot)
{
    const struct hold *hold = a->hold;
    const struct prof_open *open = prof_heap_open(a->heap, slot->label);
    const struct prof_obj *obj = prof_heap_obj(a->heap, open->obj);
    uint32_t word;

    if (open->kind != PROF_OPEN_SLOT || !hold->facts[open->obj].examined)
        return HOLD_SLOT_UNKNOWN;
    if (slot->from != GRAPH_NONE) { // the holder must have been there
        uint32_t holder = reach_at(a->reach, open->slot);
        if (holder == GRAPH_NONE || hold_node_of(a, holder, open->slot) == GRAPH_NONE)
            return HOLD_SLOT_UNKNOWN;
    }
    if (has_word(hold, open))
        return HOLD_SLOT_GOOD;
    if (!hold_word_at(hold->memory, open->slot, &word))
        return HOLD_SLOT_UNKNOWN;
    if (word == GRAPH_NONE)
        return HOLD_SLOT_STALE;
    const struct prof_memory *m = hold->memory;
    for (; word < m->word_count && m->words[word].at == open->slot; word++) {
        uint64_t value = m->words[word].value;
        uint32_t target = reach_at(a->reach, value);
        if (hold_points_to_start(obj, value) || (target != GRAPH_NONE && hold_node_of(a, target, value) == open->obj))
            return HOLD_SLOT_GOOD;
    }
    return HOLD_SLOT_STALE;
}

/* When memory was read, no thread was between telling of a reference and writing its variable. */
static bool is_settled(const struct analysis *a, const struct prof_obj *obj)
{
    const struct prof_memory *m = a->hold->memory;
    return m->single || (m->threads <= 1 && m->why == TRK_LOOK_EXIT) || obj->last_us + HOLD_CLOCK_STEP_US <= m->at_us;
}

/* ---- Places ------------------------------------------------------------------------------------------------------ */

static uint64_t place_key(const struct slots *s, const struct graph_edge *slot)
{
    enum { BLOCK = 1, ROOT };
    const struct analysis *a = s->a;
    const struct prof_open *open = prof_heap_open(a->heap, slot->label);

    if (slot->from == GRAPH_NONE)
        return map_mix(prof_heap_obj(a->heap, open->obj)->type, (uint64_t)ROOT << 62);
    if (slot->from >= a->n)
        return map_mix(prof_heap_block(a->heap, slot->from - a->n)->stack, (uint64_t)BLOCK << 62);
    const struct prof_obj *holder = prof_heap_obj(a->heap, slot->from);
    return map_mix(holder->type, open->slot - holder->start);
}

static bool note_places(struct slots *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->state[i] == HOLD_SLOT_GOOD && !map_put(&s->good_places, place_key(s, &s->items[i]), 0))
            return false;
    }
    return true;
}

/* A variable of something that lives: must it be believed? */
static bool is_believed(struct slots *s, size_t i)
{
    const struct prof_open *open = prof_heap_open(s->a->heap, s->items[i].label);
    struct hold *hold = s->a->hold;
    prof_obj_id id = open->obj;

    if (s->state[i] != HOLD_SLOT_STALE)
        return true;
    if (!is_settled(s->a, prof_heap_obj(s->a->heap, id)))
        return true;
    if (map_get(&s->good_places, place_key(s, &s->items[i])) != UINT32_MAX)
        return false;
    bool nowhere = hold->row[id] == hold->row[id + 1];
    hold->facts[id].odd |= nowhere;
    return !nowhere;
}

/* ---- All of them ------------------------------------------------------------------------------------------------- */

static bool make_rows(struct slots *s)
{
    size_t inner = 0;

    for (size_t i = 0; i < s->count; i++)
        inner += s->items[i].from != GRAPH_NONE;
    if (!graph_alloc(&s->rows, s->a->hold->nodes, inner))
        return false;
    for (size_t i = 0; i < s->count; i++)
        if (s->items[i].from != GRAPH_NONE)
            graph_count(&s->rows, s->items[i].from);
    graph_rows(&s->rows);
    for (size_t i = 0; i < s->count; i++)
        if (s->items[i].from != GRAPH_NONE)
            graph_put(&s->rows, s->items[i].from, s->items[i].to, (uint32_t)i);
    return true;
}

struct queue {
    PROF_VEC(uint32_t) nodes;
};
/* A variable of something that lives keeps what it points to, too, when it is believed: then it is not stale. */
static bool follow(struct slots *s, size_t slot, struct queue *queue)
{
    uint32_t to = s->items[slot].to;

    if (!is_believed(s, slot))
        return true;
    if (s->state[slot] == HOLD_SLOT_STALE)
        s->state[slot] = HOLD_SLOT_UNKNOWN;
    if (s->lives[to])
        return true;
    s->lives[to] = 1;
    return prof_vec_push(&queue->nodes, to);
}

/* From what is held by design and from variables of roots. */
static bool walk(struct slots *s, const uint8_t *held)
{
    struct queue queue = { 0 };
    bool good = true;

    for (uint32_t v = 0; good && v < s->a->hold->objects; v++) {
        s->lives[v] = held[v];
        good = !held[v] || prof_vec_push(&queue.nodes, v);
    }
    for (size_t i = 0; good && i < s->count; i++)
        good = s->items[i].from != GRAPH_NONE || follow(s, i, &queue);
    for (size_t head = 0; good && head < queue.nodes.count; head++) {
        uint32_t v = queue.nodes.items[head];
        for (uint32_t e = s->rows.first[v]; good && e < s->rows.first[v + 1]; e++)
            good = follow(s, s->rows.label[e], &queue);
    }
    prof_vec_deinit(&queue.nodes);
    return good;
}

/* Those of roots that are left have done their part: they hold. */
static bool drop(struct slots *s, struct graph_edges *slots, uint8_t *held)
{
    struct hold *hold = s->a->hold;

    slots->count = 0;
    for (size_t i = 0; i < s->count; i++) {
        struct graph_edge slot = s->items[i];
        const struct prof_open *open = prof_heap_open(s->a->heap, slot.label);
        bool stale = s->state[i] == HOLD_SLOT_STALE, root = slot.from == GRAPH_NONE;
        hold->checked += stale || (s->state[i] == HOLD_SLOT_GOOD && !root && !s->lives[slot.from]);
        if (root && !stale)
            held[slot.to] = 1;
        else if (!stale)
            slots->items[slots->count++] = slot;
        if (!stale)
            continue;
        hold->facts[open->obj].unowned += prof_open_backed(open);
        if (!map_put(&hold->stale, hold_slot_key(open), 0))
            return false;
    }
    return true;
}

bool hold_drop_stale(struct analysis *a, struct graph_edges *slots, uint8_t *held)
{
    struct slots s = { .a = a, .items = slots->items, .count = slots->count };
    bool stale = false;

    s.state = malloc(slots->count + 1);
    s.lives = calloc((size_t)a->hold->nodes + 1, 1);
    bool good = s.state != NULL && s.lives != NULL;
    for (size_t i = 0; good && i < s.count; i++) {
        s.state[i] = (uint8_t)check(a, &s.items[i]);
        stale |= s.state[i] == HOLD_SLOT_STALE;
    }
    good = good && (!stale || note_places(&s)) && make_rows(&s) && walk(&s, held) && drop(&s, slots, held);
    free(s.state);
    free(s.lives);
    graph_deinit(&s.rows);
    map_deinit(&s.good_places);
    return good;
}
