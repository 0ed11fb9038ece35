/* sequence.c: the order of what several rings did to one address when the changes of its count bear numbers. The
 * numbers say it; births and ends stand where their rings have them. What comes next is always the next event of some
 * ring, so nothing is searched: the rings' next events wait in a heap by number, or in a list by kind.
 *
 * Numbers go on growing from life to life. Where each life begins anew and a moment has several, nothing is ordered
 * here: that is left to the told counts (plan.c). A number that is missing (lost, or a change that nobody told) is
 * stepped over. */
#include "causal.h"

#include <stdlib.h>

enum kind { ALLOC, FREE, NEW, DEL, PLAIN, LATER, KINDS, NUMBERED = KINDS };
enum { LOOK_BEHIND_BIRTH = 16, HALF = 1u << 31 };

/* One ring: its next event for the address, and the list that this stands in. */
struct head {
    uint32_t ring;
    uint32_t step;  /* index + 1; 0: no more */
    uint32_t first; /* where it began */
    uint32_t next;  /* in its list, index + 1 */
};
/* A place in the order. */
struct place {
    uint32_t ring;  /* with CAUSAL_GUESS */
    uint32_t birth; /* where the life began, 0: before the moment */
};

struct line {
    struct causal_step *steps;
    struct head *heads;
    uint32_t *heap; /* indexes of heads, by the distance of their number from base */
    uint32_t count, waiting;
    uint32_t lists[KINDS]; /* index + 1 of the first head */
    uint32_t base;
    uint32_t lives;
    bool unnumbered_births;
    bool doubtful; /* some number or told count did not follow the one before it */
    struct causal_state state;
    bool begun;  /* state.seq can be compared with the next number */
    bool unborn; /* alive only because somebody referred to it */
    struct place *places;
    uint32_t done, birth;
};

static const struct causal_step *step_at(const struct line *l, uint32_t head)
{
    return &l->steps[l->heads[head].step - 1];
}

static bool is(const struct causal_step *s, enum causal_class class)
{
    return (s->classes >> class & 1u) != 0;
}

static enum kind kind_of(const struct causal_step *s)
{
    if (is(s, CAUSAL_ALLOC))
        return ALLOC;
    if (is(s, CAUSAL_FREE))
        return FREE;
    if (is(s, CAUSAL_DEL))
        return DEL;
    if (s->numbered)
        return NUMBERED;
    return is(s, CAUSAL_NEW) ? NEW : PLAIN;
}

/* ---- The heap ---- */

static uint32_t distance(const struct line *l, uint32_t head)
{
    return step_at(l, head)->seq - l->base;
}

static void sift_down(struct line *l, uint32_t at, uint32_t head)
{
    for (uint32_t child; (child = at * 2 + 1) < l->waiting; at = child) {
        if (child + 1 < l->waiting && distance(l, l->heap[child + 1]) < distance(l, l->heap[child]))
            child++;
        if (distance(l, head) <= distance(l, l->heap[child]))
            break;
        l->heap[at] = l->heap[child];
    }
    l->heap[at] = head;
}

static void put_number(struct line *l, uint32_t head)
{
    uint32_t at = l->waiting++;
    for (; at > 0 && distance(l, head) < distance(l, l->heap[(at - 1) / 2]); at = (at - 1) / 2)
        l->heap[at] = l->heap[(at - 1) / 2];
    l->heap[at] = head;
}

static uint32_t pop_number(struct line *l)
{
    uint32_t head = l->heap[0];
    if (--l->waiting > 0)
        sift_down(l, 0, l->heap[l->waiting]);
    return head;
}

/* A head that is not wanted before the next life begins. */
static void put_later(struct line *l, uint32_t head)
{
    l->heads[head].next = l->lists[LATER];
    l->lists[LATER] = head + 1;
}

static void bring_later(struct line *l)
{
    for (uint32_t i = l->lists[LATER], next; i != 0; i = next) {
        next = l->heads[i - 1].next;
        put_number(l, i - 1);
    }
    l->lists[LATER] = 0;
}

/* ---- Steps ---- */

/* What the number of the next change is, when nothing is missing; only while the state is numbered. */
static uint32_t expected(const struct line *l)
{
    return l->state.seq + 1;
}

static bool fits_count(const struct line *l, const struct causal_step *s)
{
    return !is(s, CAUSAL_COUNTED) || !l->state.counted || s->start == l->state.count;
}

static bool is_held(const struct line *l)
{
    return l->state.alive && l->state.counted && l->state.count > 0;
}

static void enlist(struct line *l, uint32_t head)
{
    enum kind kind = kind_of(step_at(l, head));
    if (kind == NUMBERED) {
        put_number(l, head);
    } else {
        l->heads[head].next = l->lists[kind];
        l->lists[kind] = head + 1;
    }
}

static void begin_life(struct line *l, const struct causal_step *s)
{
    l->state.alive = l->state.counted = 1;
    l->state.count = 1;
    l->unborn = false;
    l->state.numbered = s->numbered;
    if (s->numbered)
        l->state.seq = s->seq;
    bring_later(l);
}

static void apply(struct line *l, const struct causal_step *s)
{
    struct causal_state *state = &l->state;
    if (is(s, CAUSAL_ALLOC)) {
        state->allocated = 1;
        state->alive = 0;
    } else if (is(s, CAUSAL_FREE)) {
        state->allocated = state->alive = 0;
    } else if (is(s, CAUSAL_NEW)) {
        begin_life(l, s);
    } else if (is(s, CAUSAL_DEL)) {
        state->alive = 0;
    } else {
        if (!state->alive) {
            state->alive = 1;
            state->counted = 0;
            l->unborn = true;
        }
        state->count += is(s, CAUSAL_REF) ? 1 : -1;
        if (is(s, CAUSAL_COUNTED)) {
            state->count = s->end;
            state->counted = 1;
        }
        l->doubtful |= s->numbered && ((l->begun && (int32_t)(s->seq - state->seq) <= 0) || !fits_count(l, s));
        if (s->numbered && (!state->numbered || (int32_t)(s->seq - state->seq) > 0)) {
            state->numbered = 1;
            state->seq = s->seq;
            l->begun = true;
        }
    }
}

/* The step from which the ring goes on, blocks without object left out. */
static uint32_t pass_floating(struct line *l, uint32_t step)
{
    while (step != 0) {
        struct causal_step *s = &l->steps[step - 1];
        struct causal_step *end = s->next != 0 ? &l->steps[s->next - 1] : NULL;
        if (end == NULL || !is(s, CAUSAL_ALLOC) || !is(end, CAUSAL_FREE))
            break;
        s->floats = end->floats = 1;
        step = end->next;
    }
    return step;
}

/* Does a ring that has just done `last` go on with s? Ends follow the change that brought them, a birth its block. */
static bool goes_on(const struct line *l, enum kind last, const struct causal_step *s)
{
    bool exact = l->waiting > 0 && l->state.alive && l->state.numbered && step_at(l, l->heap[0])->seq == expected(l);
    if (is(s, CAUSAL_DEL))
        return l->state.alive && !is_held(l) && !exact;
    if (is(s, CAUSAL_FREE))
        return l->state.allocated && !is_held(l) && !exact;
    return is(s, CAUSAL_NEW) && last == ALLOC;
}

static void take(struct line *l, uint32_t head, bool guess)
{
    struct head *h = &l->heads[head];
    for (bool on = true; on; guess = false) {
        struct causal_step *s = &l->steps[h->step - 1];
        if (is(s, CAUSAL_ALLOC) || (is(s, CAUSAL_NEW) && !l->state.allocated))
            l->birth = l->done;
        s->place = l->done;
        l->places[l->done++] = (struct place){ .ring = h->ring | (guess ? CAUSAL_GUESS : 0), .birth = l->birth };
        apply(l, s);
        h->step = pass_floating(l, s->next);
        on = h->step != 0 && goes_on(l, kind_of(s), step_at(l, head));
    }
    if (h->step != 0)
        enlist(l, head);
}

static void take_first(struct line *l, enum kind kind, bool guess)
{
    uint32_t head = l->lists[kind] - 1;
    l->lists[kind] = l->heads[head].next;
    take(l, head, guess);
}

/* ---- Births ---- */

/* Does the ring's next event begin a life with a number? Otherwise its birth_time is only the latest possible one. */
static bool is_numbered_birth(const struct line *l, uint32_t head)
{
    const struct causal_step *s = step_at(l, head);
    if (is(s, CAUSAL_ALLOC) && s->next != 0)
        s = &l->steps[s->next - 1];
    return is(s, CAUSAL_NEW) && s->numbered;
}

/* When the life that begins at a ring's next event begins, as a distance; greater ones later. A block that stays
 * without an object comes last. */
static uint64_t birth_time(const struct line *l, uint32_t head)
{
    const struct causal_step *s = step_at(l, head);
    if (is(s, CAUSAL_ALLOC)) {
        if (s->next == 0)
            return UINT64_MAX;
        s = &l->steps[s->next - 1];
    }
    for (unsigned seen = 0; !s->numbered && s->next != 0 && seen < LOOK_BEHIND_BIRTH; seen++)
        s = &l->steps[s->next - 1];
    return s->numbered ? s->seq - l->base : UINT64_MAX - 1;
}

/* The earliest birth among the ALLOC (or NEW) heads: the link that leads to it, NULL: none. */
static uint32_t *first_birth(struct line *l, enum kind kind, uint64_t *ret_time)
{
    uint32_t *best = NULL;
    for (uint32_t *link = &l->lists[kind]; *link != 0; link = &l->heads[*link - 1].next) {
        uint64_t time = birth_time(l, *link - 1);
        if (best == NULL || time < *ret_time) {
            best = link;
            *ret_time = time;
        }
    }
    return best;
}

/* Events of later moments are taken for their number only. */
static void drop_late(struct line *l)
{
    while (l->waiting > 0 && step_at(l, l->heap[0])->late)
        put_later(l, pop_number(l));
}

/* The object is not alive: takes its birth, or what comes before all births. false: nothing can be. */
static bool take_birth(struct line *l)
{
    uint64_t time = UINT64_MAX;
    uint32_t *link = l->state.allocated ? NULL : first_birth(l, ALLOC, &time);
    uint64_t other_time = UINT64_MAX;
    uint32_t *other = first_birth(l, NEW, &other_time);
    if (other != NULL && (link == NULL || other_time < time)) {
        link = other;
        time = other_time;
    }
    drop_late(l);
    if (l->waiting > 0 && (link == NULL || (is_numbered_birth(l, *link - 1) && distance(l, l->heap[0]) < time))) {
        take(l, pop_number(l), false);
        return true;
    }
    if (link == NULL)
        return false;
    uint32_t head = *link - 1;
    *link = l->heads[head].next;
    take(l, head, false);
    return true;
}

/* ---- One after the other ---- */

/* The number that continues the sequence. */
static bool take_exact(struct line *l)
{
    if (l->waiting == 0 || !l->state.alive || !l->state.numbered)
        return false;
    const struct causal_step *s = step_at(l, l->heap[0]);
    if (s->seq != expected(l) || is(s, CAUSAL_NEW))
        return false;
    take(l, pop_number(l), false);
    return true;
}

/* The object is alive where no memory is, its numbers do not go on, and a block with a birth in it begins before the
 * next number: somebody told late of a life that is over. */
static bool is_over(struct line *l)
{
    uint64_t time = UINT64_MAX;
    if (l->state.allocated || !l->state.numbered || l->waiting == 0 || l->lists[ALLOC] == 0)
        return false;
    const uint32_t *birth = first_birth(l, ALLOC, &time);
    return is_numbered_birth(l, *birth - 1) && time < distance(l, l->heap[0]);
}

static bool take_end(struct line *l)
{
    bool held = is_held(l);
    if (l->lists[DEL] != 0 && l->state.alive && !held)
        take_first(l, DEL, false);
    else if (l->lists[FREE] != 0 && l->state.allocated && !held)
        take_first(l, FREE, false);
    else
        return false;
    return true;
}

/* Changes that bear no number, on the same object: as soon as they can be. */
static bool take_plain(struct line *l)
{
    if (l->lists[PLAIN] == 0 || !l->state.alive)
        return false;
    const struct causal_step *s = step_at(l, l->lists[PLAIN] - 1);
    bool last = is(s, CAUSAL_UNREF) && l->state.counted && l->state.count <= 1;
    if ((last && l->waiting > 0) || !fits_count(l, s))
        return false;
    take_first(l, PLAIN, false);
    return true;
}

/* Alive, and the next number is missing: the smallest one, unless a life must end before it. */
static bool take_next(struct line *l)
{
    drop_late(l);
    if (l->waiting == 0)
        return false;
    const struct causal_step *s = step_at(l, l->heap[0]);
    bool ends = l->lists[DEL] != 0 || l->lists[FREE] != 0;
    uint64_t time = UINT64_MAX;
    if (is(s, CAUSAL_NEW) ? !l->unborn : ends && first_birth(l, ALLOC, &time) != NULL && time < distance(l, l->heap[0]))
        return false;
    // The same number twice is a release that the program took back.
    take(l, pop_number(l), l->state.numbered && (int32_t)(s->seq - l->state.seq) < 0 && !is(s, CAUSAL_NEW));
    return true;
}

/* Nothing fits: something is missing. */
static void take_any(struct line *l)
{
    static const enum kind kinds[] = { PLAIN, DEL, FREE, NEW, ALLOC, LATER };
    if (l->lists[NEW] != 0 && l->unborn) {
        take_first(l, NEW, false);
        return;
    }
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i] == NEW && l->waiting > 0) {
            take(l, pop_number(l), true);
            return;
        }
        uint32_t head = l->lists[kinds[i]];
        if (head != 0 && step_at(l, head - 1)->late) {
            l->lists[LATER] = l->heads[head - 1].next; /* its own moment will have it */
            return;
        }
        if (head != 0) {
            take_first(l, kinds[i], true);
            return;
        }
    }
}

static bool is_done(const struct line *l)
{
    uint32_t any = l->waiting;
    for (unsigned kind = 0; kind < KINDS; kind++)
        any |= l->lists[kind];
    return any == 0;
}

/* Collects the rings that touch the key. Returns the number of their steps. */
static uint32_t collect(const struct causal *c, uint64_t key, struct line *l)
{
    uint32_t steps = 0;
    for (const struct causal_coming *coming = causal_chain(c, key); coming != NULL;
         coming = coming->next != 0 ? &c->coming[coming->next - 1] : NULL) {
        if (coming->key != key || coming->first == 0)
            continue;
        if (l->heads != NULL)
            l->heads[l->count] = (struct head){ .ring = coming->ring, .step = coming->first, .first = coming->first };
        l->count++;
        for (uint32_t i = coming->first; i != 0; i = c->steps[i - 1].next, steps++) {
            c->steps[i - 1].place = UINT32_MAX;
            l->lives += is(&c->steps[i - 1], CAUSAL_NEW);
            l->unnumbered_births |= is(&c->steps[i - 1], CAUSAL_NEW) && !c->steps[i - 1].numbered;
        }
    }
    return steps;
}

/* A block without object lies between the lives that its ring had to do with before and after it: it comes at the
 * latest before the birth of the later one, or of the life that the moment ends in. Adds up in pairs[place] how many
 * steps of such blocks precede a place (done: the end); with `to`, pairs[place] says where the next one stands there,
 * and it is written. */
static void place_floating(const struct line *l, const struct head *h, uint32_t *pairs, uint32_t *to)
{
    uint32_t waiting = 0, behind = 0;
    for (uint32_t i = h->first;; i = l->steps[i - 1].next) {
        const struct causal_step *s = i != 0 ? &l->steps[i - 1] : NULL;
        if (s != NULL && s->place == UINT32_MAX && !s->floats)
            s = NULL; /* of a later moment */
        if (s != NULL && s->floats) {
            waiting++;
            continue;
        }
        uint32_t place = s != NULL ? l->places[s->place].birth : l->state.allocated ? l->birth : l->done;
        if (place < behind)
            place = s != NULL ? s->place : l->done;
        for (; waiting > 0; waiting--) {
            if (to != NULL)
                to[pairs[place]] = h->ring;
            pairs[place]++;
        }
        if (s == NULL)
            return;
        behind = s->place + 1;
    }
}

/* The order with the floating steps in it. NULL: out of memory. */
static uint32_t *whole_order(const struct line *l, uint32_t steps, uint32_t *ret_count)
{
    uint32_t *order = malloc((steps + 1) * sizeof *order);
    uint32_t *pairs = calloc((size_t)l->done + 1, sizeof *pairs);
    if (order != NULL && pairs != NULL) {
        for (uint32_t i = 0; i < l->count; i++)
            place_floating(l, &l->heads[i], pairs, NULL);
        /* From how many precede a place to where the first of them stands; then they are written there. */
        uint32_t at = 0;
        for (uint32_t i = 0; i <= l->done; i++) {
            uint32_t count = pairs[i];
            pairs[i] = at;
            at += count;
            if (i < l->done)
                order[at++] = l->places[i].ring;
        }
        for (uint32_t i = 0; i < l->count; i++)
            place_floating(l, &l->heads[i], pairs, order);
        *ret_count = at;
    } else {
        free(order);
        order = NULL;
    }
    free(pairs);
    return order;
}

static void run(struct line *l)
{
    // Nothing known: any number is a beginning as good as another.
    uint32_t first = expected(l);
    for (uint32_t i = 0; i < l->count; i++) {
        l->heads[i].step = pass_floating(l, l->heads[i].step);
        if (l->heads[i].step != 0 && !l->state.numbered && step_at(l, i)->numbered)
            first = step_at(l, i)->seq;
    }
    l->base = first - HALF; /* numbers behind the first are late and come first */
    for (uint32_t i = l->count; i > 0; i--)
        if (l->heads[i - 1].step != 0)
            enlist(l, i - 1);
    while (!is_done(l))
        if (!take_exact(l) && !take_end(l) && !take_plain(l) &&
            !(l->state.alive && !is_over(l) ? take_next(l) : take_birth(l)))
            take_any(l);
}

bool sequence_find(struct causal *c, uint64_t key, uint32_t **ret, uint32_t *ret_count)
{
    struct line l = { .steps = c->steps };
    uint32_t steps = collect(c, key, &l);
    l.places = malloc((steps + 1) * sizeof *l.places);
    l.heads = malloc((l.count + 1) * sizeof *l.heads);
    l.heap = malloc((l.count + 1) * sizeof *l.heap);
    uint32_t *order = NULL;
    if (l.places != NULL && l.heads != NULL && l.heap != NULL) {
        l.count = l.lives = 0;
        collect(c, key, &l);
        const struct causal_state *state = causal_state(c, key);
        if (state != NULL)
            l.state = *state;
        l.begun = l.state.numbered;
        l.lives += l.state.alive;
        run(&l);
        if (!l.unnumbered_births || !l.doubtful || l.lives < 2)
            order = whole_order(&l, steps, ret_count);
    }
    free(l.places);
    free(l.heads);
    free(l.heap);
    if (order == NULL)
        return false;
    *ret = order;
    return true;
}
