/* turns.c: whose turn it is at an address that several rings touch in one moment. Where changes bear numbers, these say
 * it (sequence.c). Elsewhere it is a plan that proves that what is left can be brought to an end; another ring may go
 * first when that leaves a plan, too. Addresses with references that do not tell their count are not planned. */
#include "causal.h"
#include "plan.h"

#include <stdlib.h>

#include <base/table.h>

enum { LOOKS_MOST = 1 << 20 }; /* steps of plans made for one address in one moment; then the last plan stands */

struct causal_turns {
    uint64_t key;
    uint32_t rings[PLAN_RINGS];
    uint8_t *order;  /* indexes of rings; NULL: no plan */
    uint32_t *exact; /* rings in the order of the numbers, with CAUSAL_GUESS; NULL: there are none */
    uint32_t at, count;
    bool late;        /* an event of a later moment may belong into this one */
    uint32_t floats;  /* floating steps to come */
    uint32_t floater; /* ring of the floating block that is allocated now; UINT32_MAX: none */
    uint32_t looks;
    UT_hash_handle hh;
};

/* Steps of one ring for the key, as the plan wants them; false: they cannot be planned. */
static bool gather(const struct causal *c, const struct causal_coming *coming, struct plan_step **steps,
                   uint32_t *ret_count)
{
    uint32_t count = 0;
    for (uint32_t i = coming->first; i != 0 && !c->steps[i - 1].late; i = c->steps[i - 1].next, count++) {
        const struct causal_step *from = &c->steps[i - 1];
        struct plan_step *to = *steps + count;
        if (count == PLAN_STEPS)
            return false;
        to->count = from->end;
        if ((from->classes & 1u << CAUSAL_ALLOC) != 0)
            to->kind = PLAN_ALLOC;
        else if ((from->classes & 1u << CAUSAL_FREE) != 0)
            to->kind = PLAN_FREE;
        else if ((from->classes & 1u << CAUSAL_NEW) != 0)
            to->kind = PLAN_NEW;
        else if ((from->classes & 1u << CAUSAL_DEL) != 0)
            to->kind = PLAN_DEL;
        else if ((from->classes & 1u << CAUSAL_COUNTED) != 0)
            to->kind = (from->classes & 1u << CAUSAL_REF) != 0 ? PLAN_REF : PLAN_UNREF;
        else
            return false;
    }
    *ret_count = count;
    return true;
}

static uint64_t steps_left(const struct causal *c, uint64_t key)
{
    uint64_t left = 0;
    for (const struct causal_coming *coming = causal_chain(c, key); coming != NULL;
         coming = coming->next != 0 ? &c->coming[coming->next - 1] : NULL) {
        if (coming->key != key)
            continue;
        for (uint32_t i = coming->first; i != 0 && left <= PLAN_STEPS; i = c->steps[i - 1].next)
            left += !c->steps[i - 1].late;
    }
    return left;
}

/* A plan of what is left for turns->key, beginning with the next step of ring `first` (UINT32_MAX: with any). false:
 * there is none, and the plan of before stands. */
static bool make_plan(const struct causal *c, struct causal_turns *turns, uint32_t first)
{
    struct plan_ring rings[PLAN_RINGS];
    uint32_t numbers[PLAN_RINGS];
    uint64_t left = steps_left(c, turns->key);
    unsigned count = 0, first_index = PLAN_RINGS;
    bool fine = left > 0 && left <= PLAN_STEPS && turns->looks < LOOKS_MOST;
    struct plan_step *steps = fine ? malloc(left * sizeof *steps) : NULL;
    uint8_t *order = fine ? malloc(left) : NULL;
    struct plan_step *next = steps;
    fine = steps != NULL && order != NULL;
    turns->looks += (uint32_t)left;
    for (const struct causal_coming *coming = causal_chain(c, turns->key); fine && coming != NULL;
         coming = coming->next != 0 ? &c->coming[coming->next - 1] : NULL) {
        if (coming->key != turns->key || coming->first == 0 || c->steps[coming->first - 1].late)
            continue;
        fine = count < PLAN_RINGS && gather(c, coming, &next, &rings[count].count);
        if (fine) {
            rings[count].steps = next;
            next += rings[count].count;
            first_index = coming->ring == first ? count : first_index;
            numbers[count++] = coming->ring;
        }
    }
    const struct causal_state *state = causal_state(c, turns->key);
    struct plan_state now = { 0 };
    if (state != NULL)
        now = (struct plan_state){ state->count, state->allocated, state->alive, state->counted };
    unsigned done = 0;
    if (fine && first != UINT32_MAX) {
        fine = first_index < count && plan_step_over(&now, rings[first_index].steps, &now);
        if (fine) {
            rings[first_index].steps++;
            rings[first_index].count--;
            order[0] = (uint8_t)first_index;
            done = 1;
        }
    }
    fine = fine && count > 0 && plan_find(now, rings, count, order + done);
    free(steps);
    if (!fine) {
        free(order);
        return false;
    }
    free(turns->order);
    turns->order = order;
    for (unsigned i = 0; i < count; i++)
        turns->rings[i] = numbers[i];
    turns->at = 0;
    turns->count = (uint32_t)left;
    return true;
}

static bool is_step(const struct prof_event *e)
{
    switch (e->op) {
    case TRK_OP_ALLOC:
    case TRK_OP_FREE:
    case TRK_OP_REALLOC:
    case TRK_OP_REALLOC_FAIL:
    case TRK_OP_NEW:
    case TRK_OP_DEL:
    case TRK_OP_REF:
    case TRK_OP_UNREF:
        return true;
    default:
        return false;
    }
}

/* Counts what was marked by sequence_find. */
static uint32_t count_floats(const struct causal *c, uint64_t key, bool *ret_late)
{
    uint32_t count = 0;
    *ret_late = false;
    for (const struct causal_coming *coming = causal_chain(c, key); coming != NULL;
         coming = coming->next != 0 ? &c->coming[coming->next - 1] : NULL)
        for (uint32_t i = coming->key == key ? coming->first : 0; i != 0; i = c->steps[i - 1].next) {
            count += c->steps[i - 1].floats;
            *ret_late |= c->steps[i - 1].late;
        }
    return count;
}

static bool has_numbers(const struct causal *c, uint64_t key)
{
    for (const struct causal_coming *coming = causal_chain(c, key); coming != NULL;
         coming = coming->next != 0 ? &c->coming[coming->next - 1] : NULL)
        for (uint32_t i = coming->key == key ? coming->first : 0; i != 0; i = c->steps[i - 1].next)
            if (c->steps[i - 1].numbered)
                return true;
    return false;
}

/* The turn in the order of the numbers; rings that went ahead of theirs are passed over. */
static enum causal_turn exact_turn(struct causal *c, struct causal_turns *turns, uint32_t ring)
{
    const struct causal_coming *own = causal_coming_of(c, turns->key, ring);
    const struct causal_step *step = own != NULL && own->first != 0 ? &c->steps[own->first - 1] : NULL;
    const struct causal_state *state = causal_state(c, turns->key);
    bool taken = state != NULL && (state->allocated || state->alive);
    bool floats = step != NULL && step->floats;
    if (turns->floater != UINT32_MAX)
        return turns->floater == ring && floats ? CAUSAL_TURN_EXACT : CAUSAL_NOT_YET_EXACT;
    for (; turns->at < turns->count; turns->at++) {
        struct causal_coming *next = causal_coming_of(c, turns->key, turns->exact[turns->at] & ~CAUSAL_GUESS);
        if (next == NULL || next->ahead == 0)
            break;
        next->ahead--;
    }
    if (turns->at == turns->count)
        return CAUSAL_NO_TURNS;
    uint32_t next = turns->exact[turns->at];
    if ((next & ~CAUSAL_GUESS) != ring)
        return floats && !taken ? CAUSAL_TURN_ANY : CAUSAL_NOT_YET_EXACT;
    bool birth = step != NULL && !floats && (step->classes & 1u << CAUSAL_ALLOC) != 0;
    if (birth && turns->floats > 0 && !taken)
        return CAUSAL_TURN_LAST;
    return (next & CAUSAL_GUESS) != 0 ? CAUSAL_TURN_GUESSED : CAUSAL_TURN_EXACT;
}

enum causal_turn causal_turn(struct causal *c, const struct prof_event *e, uint32_t ring)
{
    if (!is_step(e))
        return CAUSAL_NO_TURNS;
    uint64_t key = causal_key(e);
    struct causal_turns *turns;
    HASH_FIND(hh, c->turns, &key, sizeof key, turns);
    if (turns == NULL) {
        turns = calloc(1, sizeof *turns);
        if (turns == NULL)
            return CAUSAL_NO_TURNS;
        turns->key = key;
        turns->floater = UINT32_MAX;
        HASH_ADD(hh, c->turns, key, sizeof key, turns);
        if (turns->hh.tbl == NULL) {
            free(turns);
            return CAUSAL_NO_TURNS;
        }
        if (has_numbers(c, key) && sequence_find(c, key, &turns->exact, &turns->count))
            turns->floats = count_floats(c, key, &turns->late);
        else
            make_plan(c, turns, UINT32_MAX);
    }
    if (turns->exact != NULL)
        return exact_turn(c, turns, ring);
    if (turns->order == NULL || turns->at == turns->count)
        return CAUSAL_NO_TURNS;
    // Any order that can be finished is as good as the planned one: what binds is only that it can be.
    if (turns->rings[turns->order[turns->at]] == ring || make_plan(c, turns, ring))
        return CAUSAL_TURN;
    return CAUSAL_NOT_YET;
}

static void drop(struct causal *c, struct causal_turns *turns)
{
    HASH_DEL(c->turns, turns);
    free(turns->exact);
    free(turns->order);
    free(turns);
}

void causal_turn_taken(struct causal *c, const struct prof_event *e, uint32_t ring)
{
    if (c->turns == NULL || !is_step(e))
        return;
    uint64_t key = causal_key(e);
    struct causal_turns *turns;
    HASH_FIND(hh, c->turns, &key, sizeof key, turns);
    if (turns == NULL)
        return;
    if (turns->exact != NULL) {
        struct causal_coming *coming = causal_coming_of(c, key, ring);
        if (coming == NULL || coming->first == 0)
            return; /* of a later moment */
        if (c->steps[coming->first - 1].floats) {
            turns->floater = turns->floater == ring ? UINT32_MAX : ring;
            turns->floats--;
        }
        if (turns->at < turns->count && (turns->exact[turns->at] & ~CAUSAL_GUESS) == ring)
            turns->at++;
        else
            coming->ahead++;
        return;
    }
    if (turns->order == NULL)
        return;
    if (turns->at < turns->count && turns->rings[turns->order[turns->at]] == ring)
        turns->at++;
    else
        drop(c, turns); /* out of turn: the next question makes a new plan */
}

void causal_turns_end(struct causal *c)
{
    struct causal_turns *turns, *next;
    HASH_ITER (hh, c->turns, turns, next)
        drop(c, turns);
}

bool causal_turn_late(const struct causal *c, const struct prof_event *e)
{
    uint64_t key = causal_key(e);
    struct causal_turns *turns;
    HASH_FIND(hh, c->turns, &key, sizeof key, turns);
    return turns != NULL && turns->late;
}

uint32_t causal_turn_of(const struct causal *c, const struct prof_event *e)
{
    uint64_t key = causal_key(e);
    struct causal_turns *turns;
    HASH_FIND(hh, c->turns, &key, sizeof key, turns);
    if (turns == NULL || turns->exact == NULL)
        return UINT32_MAX;
    if (turns->floater != UINT32_MAX)
        return turns->floater;
    if (turns->at == turns->count)
        return UINT32_MAX;
    return turns->exact[turns->at] & ~CAUSAL_GUESS;
}
