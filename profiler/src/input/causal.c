/* causal.c: address states and the index of coming events, see causal.h. The state table is open addressing of our own:
 * it is touched by every event of a multi-threaded trace, and a chained table would cost a cache miss more each time.
 */
#include "causal.h"

#include <stdlib.h>
#include <string.h>

#include <input/decode.h>

enum {
    STATES_FIRST = 1 << 10,
    COMING_FIRST = 1 << 8,
    LOOK_AHEAD = 64, /* steps of one ring that are looked at */
};

void causal_deinit(struct causal *c)
{
    causal_turns_end(c);
    free(c->states);
    free(c->coming);
    free(c->coming_hash);
    free(c->pair_hash);
    free(c->steps);
    free(c->touches);
    memset(c, 0, sizeof *c);
}

/* ---- States ---- */

static struct causal_state *find_state(const struct causal *c, uint64_t key)
{
    if (c->states == NULL)
        return NULL;
    for (size_t i = causal_hash(key) & c->state_mask;; i = (i + 1) & c->state_mask) {
        if (c->states[i].key == key)
            return &c->states[i];
        if (c->states[i].key == 0)
            return NULL;
    }
}

static bool grow_states(struct causal *c)
{
    size_t room = c->states == NULL ? STATES_FIRST : (c->state_mask + 1) * 2;
    struct causal_state *fresh = calloc(room, sizeof *fresh);
    if (fresh == NULL)
        return false;
    for (size_t i = 0; c->states != NULL && i <= c->state_mask; i++) {
        if (c->states[i].key == 0)
            continue;
        size_t at = causal_hash(c->states[i].key) & (room - 1);
        while (fresh[at].key != 0)
            at = (at + 1) & (room - 1);
        fresh[at] = c->states[i];
    }
    free(c->states);
    c->states = fresh;
    c->state_mask = room - 1;
    return true;
}

static struct causal_state *make_state(struct causal *c, uint64_t key)
{
    struct causal_state *s = find_state(c, key);
    if (s != NULL)
        return s;
    if ((c->states == NULL || (c->state_count + 1) * 10 > (c->state_mask + 1) * 7) && !grow_states(c))
        return NULL;
    size_t i = causal_hash(key) & c->state_mask;
    while (c->states[i].key != 0)
        i = (i + 1) & c->state_mask;
    c->states[i] = (struct causal_state){ .key = key };
    c->state_count++;
    return &c->states[i];
}

/* Removes s; the entries behind it move up so that probing needs no tombstones. */
static void drop_state(struct causal *c, struct causal_state *s)
{
    size_t hole = (size_t)(s - c->states);
    for (size_t i = (hole + 1) & c->state_mask; c->states[i].key != 0; i = (i + 1) & c->state_mask) {
        size_t home = causal_hash(c->states[i].key) & c->state_mask;
        if (((i - home) & c->state_mask) >= ((i - hole) & c->state_mask)) {
            c->states[hole] = c->states[i];
            hole = i;
        }
    }
    c->states[hole].key = 0;
    c->state_count--;
}

/* Classes an event belongs to, as bits; 0: it neither waits nor is waited for. */
static unsigned classes_of(const struct prof_event *e)
{
    switch (e->op) {
    case TRK_OP_ALLOC:
    case TRK_OP_REALLOC_FAIL:
        return 1u << CAUSAL_ALLOC;
    case TRK_OP_FREE:
    case TRK_OP_REALLOC:
        return 1u << CAUSAL_FREE;
    case TRK_OP_NEW:
        return 1u << CAUSAL_NEW;
    case TRK_OP_DEL:
        return 1u << CAUSAL_DEL;
    case TRK_OP_REF:
        return 1u << CAUSAL_REF | ((e->flags & PROF_EVENT_COUNT) != 0 ? 1u << CAUSAL_COUNTED : 0);
    case TRK_OP_UNREF:
        return 1u << CAUSAL_UNREF | ((e->flags & PROF_EVENT_COUNT) != 0 ? 1u << CAUSAL_COUNTED : 0);
    default:
        return 0;
    }
}

/* Ops that need their object to be alive. */
static bool op_on_object(unsigned op)
{
    switch (op) {
    case TRK_OP_REF:
    case TRK_OP_UNREF:
    case TRK_OP_MOVE:
    case TRK_OP_DEL:
    case TRK_OP_WEAK_SET:
    case TRK_OP_BORROW:
    case TRK_OP_SINK:
    case TRK_OP_PIN:
    case TRK_OP_UNPIN:
    case TRK_OP_MAY_LEAK:
    case TRK_OP_PARK:
    case TRK_OP_REUSE:
    case TRK_OP_RETYPE:
    case TRK_OP_DTOR_BEGIN:
    case TRK_OP_DTOR_END:
    case TRK_OP_TOUCH:
    case TRK_OP_COUNT_SEEN:
        return true;
    default:
        return false;
    }
}

/* Met in its block before its birth was told. */
static bool is_unborn(const struct causal_state *s)
{
    return s->allocated && s->alive && !s->counted;
}

void causal_prefetch(const struct causal *c, const struct prof_event *e)
{
    if (c->states != NULL)
        __builtin_prefetch(&c->states[causal_hash(causal_key(e)) & c->state_mask]);
}

bool causal_apply(struct causal *c, const struct prof_event *e)
{
    struct causal_state *s;
    uint64_t key = causal_key(e);
    switch (e->op) {
    case TRK_OP_ALLOC:
    case TRK_OP_REALLOC_FAIL:
        s = make_state(c, key);
        if (s == NULL)
            return false;
        /* Whoever knows what lives, and not what lived before, must come to the same states: nothing of it stays. */
        if (e->op == TRK_OP_ALLOC)
            *s = (struct causal_state){ .key = key };
        s->allocated = 1;
        return true;
    case TRK_OP_FREE:
        s = find_state(c, key);
        if (s != NULL)
            drop_state(c, s);
        return true;
    case TRK_OP_REALLOC:
        /* The object in it, if any, moves with the block; its new address is learned from its next event. */
        s = find_state(c, key);
        if (s != NULL && s->alive)
            s->allocated = 0;
        else if (s != NULL)
            drop_state(c, s);
        return true;
    case TRK_OP_NEW:
    case TRK_OP_REUSE:
        s = make_state(c, key);
        if (s == NULL)
            return false;
        s->count = is_unborn(s) ? s->count + 1 : 1;
        s->alive = 1;
        s->counted = 1;
        s->numbered = (e->flags & PROF_EVENT_SEQ) != 0;
        s->seq = (uint32_t)e->from;
        return true;
    case TRK_OP_DEL:
        s = find_state(c, key);
        if (s != NULL && s->allocated)
            *s = (struct causal_state){ .key = key, .allocated = 1 };
        else if (s != NULL)
            drop_state(c, s);
        return true;
    case TRK_OP_REF:
    case TRK_OP_UNREF:
        s = make_state(c, key);
        if (s == NULL)
            return false;
        /* An object whose birth was not seen counts as alive from now on, so that nothing waits for it again. */
        s->alive = 1;
        s->count += e->op == TRK_OP_REF ? 1 : -1;
        if ((e->flags & PROF_EVENT_COUNT) != 0) {
            s->count = (int32_t)e->count;
            s->counted = 1;
        }
        /* One that is late does not lead the others back. */
        if ((e->flags & PROF_EVENT_SEQ) != 0 && (!s->numbered || (int32_t)((uint32_t)e->from - s->seq) > 0)) {
            s->numbered = 1;
            s->seq = (uint32_t)e->from;
        }
        return true;
    default:
        return true;
    }
}

bool causal_alive(struct causal *c, bool block, uint64_t addr, unsigned kind, int32_t count, bool known)
{
    struct prof_event e = { .addr = addr, .op = block ? TRK_OP_ALLOC : TRK_OP_NEW, .aux = (uint8_t)kind };
    struct causal_state *s = make_state(c, causal_key(&e));
    if (s == NULL)
        return false;
    if (block) {
        s->allocated = 1;
    } else {
        s->alive = 1;
        s->count = count;
        s->counted = known;
    }
    return true;
}

void causal_number(struct causal *c, uint64_t addr, uint32_t seq)
{
    struct prof_event e = { .addr = addr, .op = TRK_OP_NEW };
    struct causal_state *s = find_state(c, causal_key(&e));
    if (s == NULL || !s->alive)
        return;
    s->numbered = 1;
    s->seq = seq;
}

struct prof_error *causal_numbers(const struct causal *c,
                                  struct prof_error *(*each)(void *ctx, const struct trk_number *number), void *ctx)
{
    struct prof_error *error = NULL;
    struct trk_number number = { 0 };
    for (size_t i = 0; c->states != NULL && i <= c->state_mask && error == NULL; i++) {
        const struct causal_state *s = &c->states[i];
        number.addr = s->key & PROF_ADDR_MASK;
        number.seq = s->seq;
        if (s->key != 0 && s->alive && s->numbered)
            error = each(ctx, &number);
    }
    return error;
}

bool causal_put(struct causal *c, const struct causal_state *state)
{
    struct causal_state *s = make_state(c, state->key);
    if (s != NULL)
        *s = *state;
    return s != NULL;
}

bool causal_fits(const struct causal *c, const struct prof_event *e)
{
    const struct causal_state *s;
    switch (e->op) {
    case TRK_OP_ALLOC:
        s = find_state(c, causal_key(e));
        return s == NULL || !s->allocated;
    case TRK_OP_FREE:
    case TRK_OP_REALLOC:
        s = find_state(c, causal_key(e));
        return s != NULL && s->allocated && !(s->alive && s->counted && s->count > 0);
    case TRK_OP_NEW:
        s = find_state(c, causal_key(e));
        return s == NULL || !s->alive || is_unborn(s);
    case TRK_OP_DEL:
        s = find_state(c, causal_key(e));
        return s != NULL && s->alive && !(s->counted && s->count > 0);
    case TRK_OP_REF:
    case TRK_OP_UNREF:
        s = find_state(c, causal_key(e));
        if (s == NULL || !s->alive)
            return false;
        if (s->numbered && (e->flags & PROF_EVENT_SEQ) != 0)
            return (uint32_t)e->from == s->seq + 1;
        if (!s->counted)
            return true;
        if ((e->flags & PROF_EVENT_COUNT) != 0)
            return s->count + (e->op == TRK_OP_REF ? 1 : -1) == e->count;
        return e->op == TRK_OP_REF || s->count > 1;
    default:
        if (!op_on_object(e->op))
            return true;
        s = find_state(c, causal_key(e));
        return s != NULL && s->alive;
    }
}

/* ---- What is still to come in this moment ---- */

bool causal_moment(struct causal *c)
{
    if (c->touches == NULL) {
        c->touches = calloc(CAUSAL_TOUCHES, sizeof *c->touches);
        if (c->touches == NULL)
            return false;
    }
    if (++c->moment == 0) {
        memset(c->touches, 0, CAUSAL_TOUCHES * sizeof *c->touches);
        c->moment = 1;
    }
    c->any_shared = false;
    return true;
}

static struct causal_touch *touch_of(const struct causal *c, const struct prof_event *e)
{
    return &c->touches[causal_hash(causal_key(e)) & (CAUSAL_TOUCHES - 1)];
}

void causal_touch(struct causal *c, const struct prof_event *e, uint32_t ring)
{
    if (e->addr == 0)
        return;
    struct causal_touch *t = touch_of(c, e);
    if (t->moment != c->moment) {
        *t = (struct causal_touch){ c->moment, (uint16_t)ring, 0 };
    } else if (t->ring != (uint16_t)ring) {
        t->shared = 1;
        c->any_shared = true;
    }
}

void causal_index_begin(struct causal *c)
{
    c->coming_count = c->step_count = 0;
    if (c->coming_hash != NULL)
        memset(c->coming_hash, 0, (c->coming_mask + 1) * sizeof *c->coming_hash);
    if (c->pair_hash != NULL)
        memset(c->pair_hash, 0, (c->coming_mask + 1) * sizeof *c->pair_hash);
    c->indexed = true;
}

void causal_moment_end(struct causal *c)
{
    causal_turns_end(c);
    c->indexed = false;
    c->any_shared = false;
    c->coming_count = c->step_count = 0;
}

static size_t pair_bucket(const struct causal *c, uint64_t key, uint32_t ring)
{
    return causal_hash(key ^ (ring + 1) * 0xd6e8feb86659fd93ull) & c->coming_mask;
}

struct causal_coming *causal_coming_of(const struct causal *c, uint64_t key, uint32_t ring)
{
    if (c->pair_hash == NULL)
        return NULL;
    uint32_t i = c->pair_hash[pair_bucket(c, key, ring)];
    for (; i != 0; i = c->coming[i - 1].next_pair)
        if (c->coming[i - 1].key == key && c->coming[i - 1].ring == ring)
            return &c->coming[i - 1];
    return NULL;
}

/* Puts entry i into the chains of its key, and of key and ring. */
static void link_coming(struct causal *c, size_t i)
{
    struct causal_coming *entry = &c->coming[i];
    uint32_t *head = &c->coming_hash[causal_hash(entry->key) & c->coming_mask];
    uint32_t *pair = &c->pair_hash[pair_bucket(c, entry->key, entry->ring)];
    entry->next = *head;
    entry->next_pair = *pair;
    *head = *pair = (uint32_t)i + 1;
}

static bool grow_coming(struct causal *c)
{
    size_t room = c->coming_room == 0 ? COMING_FIRST : c->coming_room * 2;
    struct causal_coming *coming = reallocarray(c->coming, room, sizeof *coming);
    if (coming == NULL)
        return false;
    c->coming = coming;
    uint32_t *heads = calloc(room, sizeof *heads), *pairs = calloc(room, sizeof *pairs);
    if (heads == NULL || pairs == NULL) {
        free(heads);
        free(pairs);
        return false;
    }
    free(c->coming_hash);
    free(c->pair_hash);
    c->coming_hash = heads;
    c->pair_hash = pairs;
    c->coming_mask = room - 1;
    c->coming_room = room;
    for (size_t i = 0; i < c->coming_count; i++)
        link_coming(c, i);
    return true;
}

/* What the event changes, from where to where. */
static struct causal_step step_of(const struct prof_event *e)
{
    bool numbered = (e->flags & PROF_EVENT_SEQ) != 0;
    struct causal_step step = { .classes = (uint8_t)classes_of(e),
                                .numbered = numbered,
                                .seq = numbered ? (uint32_t)e->from : 0 };
    switch (e->op) {
    case TRK_OP_ALLOC:
    case TRK_OP_REALLOC_FAIL:
        step.scale = CAUSAL_BLOCK;
        step.end = 1;
        break;
    case TRK_OP_FREE:
    case TRK_OP_REALLOC:
        step.scale = CAUSAL_BLOCK;
        step.start = 1;
        break;
    case TRK_OP_NEW:
        step.scale = CAUSAL_COUNT;
        step.end = 1;
        break;
    case TRK_OP_REF:
    case TRK_OP_UNREF:
        if ((e->flags & PROF_EVENT_COUNT) != 0) {
            step.scale = CAUSAL_COUNT;
            step.end = (int32_t)e->count;
            step.start = e->op == TRK_OP_REF ? step.end - 1 : step.end + 1;
        }
        if ((e->flags & (PROF_EVENT_SLOT | PROF_EVENT_HOLDER)) != 0)
            step.slot = (uint32_t)(e->slot >> 2) | 1;
        break;
    default:
        break;
    }
    return step;
}

bool causal_index_add(struct causal *c, const struct prof_event *e, uint32_t ring, bool late)
{
    struct causal_step step = step_of(e);
    step.late = late;
    if (step.classes == 0 || !causal_shared(c, e))
        return true;
    uint64_t key = causal_key(e);
    struct causal_coming *entry = causal_coming_of(c, key, ring);
    if (entry == NULL) {
        if (c->coming_count == c->coming_room && !grow_coming(c))
            return false;
        entry = &c->coming[c->coming_count++];
        *entry = (struct causal_coming){ .key = key, .ring = ring };
        link_coming(c, c->coming_count - 1);
    }
    if (c->step_count == c->step_room) {
        size_t room = c->step_room == 0 ? COMING_FIRST : c->step_room * 2;
        struct causal_step *steps = reallocarray(c->steps, room, sizeof *steps);
        if (steps == NULL)
            return false;
        c->steps = steps;
        c->step_room = room;
    }
    c->steps[c->step_count++] = step;
    if (entry->first == 0)
        entry->first = (uint32_t)c->step_count;
    else
        c->steps[entry->last - 1].next = (uint32_t)c->step_count;
    entry->last = (uint32_t)c->step_count;
    for (unsigned kind = 0; kind < CAUSAL_CLASSES && !late; kind++)
        entry->left[kind] += step.classes >> kind & 1u;
    return true;
}

void causal_index_take(struct causal *c, const struct prof_event *e, uint32_t ring)
{
    if (classes_of(e) == 0)
        return;
    struct causal_coming *entry = causal_coming_of(c, causal_key(e), ring);
    if (entry == NULL || entry->first == 0)
        return;
    const struct causal_step *step = &c->steps[entry->first - 1];
    for (unsigned kind = 0; kind < CAUSAL_CLASSES && !step->late; kind++)
        entry->left[kind] -= step->classes >> kind & 1u;
    entry->first = step->next;
}

const struct causal_coming *causal_chain(const struct causal *c, uint64_t key)
{
    uint32_t first = c->coming_hash != NULL ? c->coming_hash[causal_hash(key) & c->coming_mask] : 0;
    return first != 0 ? &c->coming[first - 1] : NULL;
}

const struct causal_state *causal_state(const struct causal *c, uint64_t key)
{
    return find_state(c, key);
}

bool causal_comes_from(const struct causal *c, uint64_t key, uint32_t ring)
{
    const struct causal_coming *entry = causal_coming_of(c, key, ring);
    return entry != NULL && entry->first != 0;
}

/* What the ring's coming steps say about leaving a height by `like`: do they lead back to it without needing it first,
 * and does one start there? */
static void look_ahead(const struct causal *c, uint32_t step, const struct causal_step *like, bool *ret_back,
                       bool *ret_starts)
{
    for (unsigned seen = 0; step != 0 && seen < LOOK_AHEAD; step = c->steps[step - 1].next, seen++) {
        const struct causal_step *s = &c->steps[step - 1];
        if (s->late)
            return;
        if (s->scale != like->scale)
            continue;
        if (s->start == like->start) {
            *ret_starts = true;
            return;
        }
        if (s->start == like->end && s->end == like->start) {
            *ret_back = true;
            return;
        }
    }
}

static bool fills(const struct causal *c, uint32_t step, uint32_t slot)
{
    for (unsigned seen = 0; step != 0 && seen < LOOK_AHEAD; step = c->steps[step - 1].next, seen++) {
        const struct causal_step *s = &c->steps[step - 1];
        if (s->slot == slot && (s->classes & 1u << CAUSAL_REF) != 0)
            return true;
    }
    return false;
}

bool causal_better_later(const struct causal *c, const struct prof_event *e, uint32_t ring)
{
    struct causal_step step = step_of(e);
    uint64_t key = causal_key(e);
    const struct causal_coming *own = causal_coming_of(c, key, ring);
    if (own == NULL || own->first == 0)
        return false;
    bool scaled = step.scale != CAUSAL_NO_SCALE;
    bool releases = e->op == TRK_OP_UNREF && step.slot != 0;
    bool back = false, starts = false, own_starts = false;
    if (scaled)
        look_ahead(c, c->steps[own->first - 1].next, &step, &back, &own_starts);
    uint32_t i = c->coming_hash[causal_hash(key) & c->coming_mask];
    for (; i != 0; i = c->coming[i - 1].next) {
        const struct causal_coming *other = &c->coming[i - 1];
        if (other->key != key || other->ring == ring)
            continue;
        if (releases && fills(c, other->first, step.slot))
            return true;
        if (scaled && !back)
            look_ahead(c, other->first, &step, &back, &starts);
    }
    return scaled && !back && starts;
}

static bool has_left(const struct causal_coming *entry, unsigned classes)
{
    for (unsigned kind = 0; kind < CAUSAL_CLASSES; kind++)
        if ((classes >> kind & 1) != 0 && entry->left[kind] > 0)
            return true;
    return false;
}

/* Does another ring still bring an event of these classes for the key? */
static bool comes(const struct causal *c, uint64_t key, uint32_t ring, unsigned classes)
{
    if (c->coming_hash == NULL)
        return false;
    uint32_t i = c->coming_hash[causal_hash(key) & c->coming_mask];
    for (; i != 0; i = c->coming[i - 1].next) {
        const struct causal_coming *entry = &c->coming[i - 1];
        if (entry->key == key && entry->ring != ring && has_left(entry, classes))
            return true;
    }
    return false;
}

static const unsigned dying = 1u << CAUSAL_DEL | 1u << CAUSAL_FREE;

/* Classes of the ring's step for the key, 0: there is none in this moment. */
static unsigned classes_at(const struct causal *c, uint32_t step)
{
    return step != 0 && !c->steps[step - 1].late ? c->steps[step - 1].classes : 0;
}

static unsigned classes_behind(const struct causal *c, const struct causal_coming *entry)
{
    return entry->first != 0 ? classes_at(c, c->steps[entry->first - 1].next) : 0;
}

/* References that tell nothing about the count: all that is known of them is what must come before and behind. */
static const struct causal_state *untold_count(const struct causal *c, const struct prof_event *e, uint64_t key)
{
    if ((e->op != TRK_OP_REF && e->op != TRK_OP_UNREF) || (e->flags & (PROF_EVENT_COUNT | PROF_EVENT_SEQ)) != 0)
        return NULL;
    const struct causal_state *s = find_state(c, key);
    return s != NULL && s->alive && s->counted ? s : NULL;
}

bool causal_in_constructor(const struct causal *c, const struct prof_event *e, uint32_t ring)
{
    const struct causal_state *s = find_state(c, causal_key(e));
    const struct causal_coming *own = causal_coming_of(c, causal_key(e), ring);
    if (s == NULL || s->alive || !s->allocated || own == NULL || !has_left(own, 1u << CAUSAL_NEW))
        return false;
    uint32_t i = own->first;
    for (unsigned seen = 0; i != 0 && seen < LOOK_AHEAD; i = c->steps[i - 1].next, seen++) {
        unsigned classes = classes_at(c, i);
        if ((classes & 1u << CAUSAL_NEW) != 0)
            return true;
        if ((classes & (1u << CAUSAL_REF | 1u << CAUSAL_UNREF)) == 0)
            return false;
    }
    return false;
}

bool causal_next_life(const struct causal *c, const struct prof_event *e, uint32_t ring)
{
    uint64_t key = causal_key(e);
    const struct causal_state *s = untold_count(c, e, key);
    if (s == NULL || s->count > 0)
        return false;
    for (const struct causal_coming *other = causal_chain(c, key); other != NULL;
         other = other->next != 0 ? &c->coming[other->next - 1] : NULL)
        if (other->key == key && other->ring != ring && (classes_at(c, other->first) & dying) != 0)
            return true;
    return false;
}

bool causal_release_yields(const struct causal *c, const struct prof_event *e, uint32_t ring)
{
    uint64_t key = causal_key(e);
    const struct causal_coming *own = causal_coming_of(c, key, ring);
    return e->op == TRK_OP_UNREF && untold_count(c, e, key) != NULL && comes(c, key, ring, dying) &&
           (own == NULL || !has_left(own, dying));
}

bool causal_last_release(const struct causal *c, const struct prof_event *e, uint32_t ring, bool ends)
{
    uint64_t key = causal_key(e);
    const struct causal_state *s = untold_count(c, e, key);
    const struct causal_coming *own = causal_coming_of(c, key, ring);
    if (s == NULL || s->count != 1 || e->op != TRK_OP_UNREF || own == NULL)
        return false;
    bool ended = false;
    ends |= (classes_behind(c, own) & dying) != 0;
    for (const struct causal_coming *other = causal_chain(c, key); other != NULL;
         other = other->next != 0 ? &c->coming[other->next - 1] : NULL) {
        if (other->key != key || other->ring == ring)
            continue;
        unsigned next = classes_at(c, other->first);
        /* It could be the last one as well, or take a reference of this life before. */
        if ((next & 1u << CAUSAL_REF) != 0 ||
            ((next & 1u << CAUSAL_UNREF) != 0 && (!ends || (classes_behind(c, other) & dying) != 0)))
            return false;
        ended |= (next & dying) != 0;
    }
    return ends != ended;
}

bool causal_time_says(const struct causal *c, const struct prof_event *e, uint32_t ring)
{
    uint64_t key = causal_key(e);
    const struct causal_state *s = find_state(c, key);
    if ((e->flags & (PROF_EVENT_COUNT | PROF_EVENT_SEQ)) != 0 || comes(c, key, UINT32_MAX, 1u << CAUSAL_COUNTED))
        return false;
    switch (e->op) {
    case TRK_OP_FREE:
    case TRK_OP_REALLOC:
        return s != NULL && s->allocated;
    case TRK_OP_UNREF:
        if (s != NULL && s->alive && s->counted && s->count == 1 && comes(c, key, ring, 1u << CAUSAL_REF)) {
            const struct causal_coming *own = causal_coming_of(c, key, ring);
            /* It ends, or comes back, or ends with a block that begins elsewhere and is born again. */
            return own != NULL && (classes_behind(c, own) & (dying | 1u << CAUSAL_REF | 1u << CAUSAL_NEW)) != 0;
        }
        return s != NULL && s->alive;
    case TRK_OP_REF:
    case TRK_OP_DEL:
        return s != NULL && s->alive;
    case TRK_OP_NEW:
        return true; /* the life before may have ended with a block that begins elsewhere */
    default:
        return causal_fits(c, e);
    }
}

bool causal_should_wait(const struct causal *c, const struct prof_event *e, uint32_t ring)
{
    uint64_t key = causal_key(e);
    const struct causal_state *s = find_state(c, key);
    switch (e->op) {
    case TRK_OP_ALLOC:
        return comes(c, key, ring, 1u << CAUSAL_FREE);
    case TRK_OP_FREE:
    case TRK_OP_REALLOC:
        if (s == NULL || !s->allocated)
            return comes(c, key, ring, 1u << CAUSAL_ALLOC);
        return comes(c, key, ring, 1u << CAUSAL_UNREF);
    case TRK_OP_NEW:
        return comes(c, key, ring, dying);
    case TRK_OP_DEL:
        if (s == NULL || !s->alive)
            return comes(c, key, ring, 1u << CAUSAL_NEW);
        return comes(c, key, ring, 1u << CAUSAL_UNREF);
    case TRK_OP_REF:
    case TRK_OP_UNREF:
        if (s == NULL || !s->alive)
            return comes(c, key, ring, 1u << CAUSAL_NEW);
        if ((e->flags & PROF_EVENT_COUNT) != 0)
            return comes(c, key, ring, 1u << CAUSAL_COUNTED | 1u << CAUSAL_NEW | dying);
        /* The last release: whoever else touches the object in this moment did so before, unless the address begins
         * another life as well; then nothing can be said. */
        return comes(c, key, ring, 1u << CAUSAL_REF) && !comes(c, key, UINT32_MAX, 1u << CAUSAL_NEW);
    default:
        return (s == NULL || !s->alive) && comes(c, key, ring, 1u << CAUSAL_NEW);
    }
}
