/* cause.c: what one leaked or held object says about itself: verdict, doubts, references, the place that names it. */
#include "group.h"
#include "hold.h"

#include <string.h>

#include <track/track.h>
#include <xxhash.h>

uint64_t group_hash(const char *text)
{
    return text != NULL ? XXH64(text, strlen(text), 7) : 0;
}

bool group_holds_itself(const struct analysis *a, prof_obj_id v)
{
    for (uint32_t e = a->graph.first[v]; e < a->graph.first[v + 1]; e++) {
        if (a->graph.to[e] == v)
            return true;
    }
    return false;
}

uint8_t group_rank(const struct owner *owner)
{
    switch (owner->kind) {
    case OWNER_FREED:
    case OWNER_OVERWRITTEN:
    case OWNER_STACK:
    case OWNER_THREAD:
    case OWNER_GLOBAL:
    case OWNER_REGION:
        return 0;
    case OWNER_NOBODY:
        return 2;
    case OWNER_OBJECT:
        return 3;
    default:
        return 1;
    }
}

bool group_verdict(struct analysis *a, prof_obj_id id, enum prof_verdict *ret_verdict, uint16_t *ret_doubts)
{
    const struct prof_obj *obj = prof_heap_obj(a->heap, id);
    const struct hold_facts *facts = a->hold != NULL ? &a->hold->facts[id] : NULL;
    bool freed = false, overwritten = false;
    int64_t unchecked = 0;
    uint16_t doubts = 0;

    if (obj->flags & PROF_OBJ_SKEWED)
        doubts |= (obj->flags & PROF_OBJ_BLOCK_BORN) != 0 ? DOUBT_BORN : DOUBT_SKEWED;
    /* A type that counts in place, too, contradicts nobody: its counts are as memory has them. */
    bool in_place = (prof_heap_type(a->heap, obj->type)->flags & TRK_TYPE_INLINE) != 0;
    if ((obj->flags & PROF_OBJ_MISCOUNT) && !in_place)
        doubts |= DOUBT_MISCOUNT;
    if (facts != NULL && facts->unaccounted != 0 && !in_place)
        doubts |= facts->unaccounted > 0 ? DOUBT_MORE : DOUBT_LESS;
    if (facts != NULL && facts->copied)
        doubts |= DOUBT_COPIED;
    if (facts != NULL && facts->odd)
        doubts |= DOUBT_ODD;
    for (uint32_t i = obj->first_open; i != 0;) {
        const struct prof_open *open = prof_heap_open(a->heap, i);
        struct owner owner;
        if (!owner_of(a, open, &owner))
            return false;
        i = open->next;
        if (untold_open(a, open))
            continue;
        freed |= owner.kind == OWNER_FREED;
        overwritten |= owner.kind == OWNER_OVERWRITTEN;
        bool unknown = owner.kind == OWNER_HEAP || owner.kind == OWNER_UNKNOWN;
        unchecked += prof_open_backed(open) && (unknown || (owner.kind == OWNER_BLOCK && a->hold == NULL));
    }
    *ret_verdict = PROF_MISSING_UNREF;
    if (hold_is_zero(a, id)) {
        *ret_verdict = PROF_ZERO_NOT_FREED;
        if (obj->flags & PROF_OBJ_FINALIZING)
            doubts |= DOUBT_FINALIZING;
    } else if (freed) {
        *ret_verdict = PROF_HOLDER_FREED;
    } else if (overwritten) {
        *ret_verdict = PROF_SLOT_OVERWRITTEN;
    } else if (obj->flags & PROF_OBJ_FLOATING) {
        *ret_verdict = PROF_FLOATING;
    } else if (obj->flags & PROF_OBJ_RESURRECTED) {
        *ret_verdict = PROF_RESURRECTED;
    } else if (facts != NULL && facts->in_lost) {
        *ret_verdict = PROF_COLLATERAL;
    } else {
        if (facts != NULL && facts->examined && facts->anonymous > 0 && facts->live + facts->middle > 0)
            *ret_verdict = PROF_OVER_RETAINED;
        else if ((a->component_size[a->component[id]] > 1 || group_holds_itself(a, id)) &&
                 (facts == NULL || !facts->borrowed))
            *ret_verdict = PROF_CYCLE_HELD;
        if (facts != NULL && facts->vetoed)
            doubts |= DOUBT_VETOED;
        else if (*ret_verdict == PROF_OVER_RETAINED && facts->running > 0 &&
                 facts->live + facts->running >= facts->anonymous)
            doubts |= DOUBT_RUNNING;
        else if (a->extra[id] - unchecked <= 0)
            doubts |= DOUBT_UNCHECKED;
    }
    *ret_doubts = doubts;
    return true;
}

int64_t group_anonymous(struct analysis *a, const struct prof_obj *obj)
{
    int64_t count = obj->count;
    for (uint32_t i = obj->first_open; i != 0;) {
        const struct prof_open *open = prof_heap_open(a->heap, i);
        count -= untold_owns(a, open);
        i = open->next;
    }
    return count;
}

uint32_t group_adopted(struct analysis *a, prof_obj_id id, uint32_t stack, bool birth)
{
    uint32_t count = 0;

    if (a->hold == NULL || a->hold->facts[id].adopted == 0)
        return 0;
    for (uint32_t i = a->hold->row[id]; i < a->hold->row[id + 1]; i++) {
        const struct hold_word *word = &a->hold->words.items[i];
        count += word->adopted && (stack == 0 || (word->stack == stack && word->birth == birth));
    }
    return count;
}

int64_t group_unmatched(struct analysis *a, prof_obj_id id)
{
    int64_t count = group_anonymous(a, prof_heap_obj(a->heap, id)) - (int64_t)group_adopted(a, id, 0, false);
    return count > 0 ? count : 0;
}

/* Anonymous births among what was taken: the one that nobody owns yet, and those that an anonymous release took, which
 * count as taken where the object was born. */
uint64_t group_births(struct analysis *a, const struct prof_obj *obj)
{
    uint64_t births = 0;
    for (uint32_t i = obj->first_open; i != 0;) {
        const struct prof_open *open = prof_heap_open(a->heap, i);
        births += open->kind == PROF_OPEN_BIRTH || (open->stack == obj->stack && untold_open(a, open));
        i = open->next;
    }
    for (uint32_t i = obj->first_site; i != 0;) {
        const struct prof_site_count *count = prof_heap_site_count(a->heap, i);
        births += count->stack == obj->stack ? count->taken : 0;
        i = count->next;
    }
    return births;
}

const char *group_scope(struct analysis *a, const struct prof_obj *obj, uint64_t *ret_left)
{
    const struct prof_scope *scopes;
    size_t count = prof_heap_scopes(a->heap, &scopes);

    if (obj->scope == 0 || obj->scope >= count || scopes[obj->scope].end_us == 0 || scopes[obj->scope].left == 0)
        return NULL;
    *ret_left = scopes[obj->scope].left;
    return scopes[obj->scope].name;
}

/* The taking stack that stands for an object with owned references: the strongest evidence, then any fixed order that
 * does not depend on lines. 0: only anonymous ones. */
bool group_owned_take(struct analysis *a, const struct prof_obj *obj, uint32_t *ret)
{
    uint64_t best = UINT64_MAX;
    uint8_t best_rank = 2; // of others there is no need: births and holders that leak themselves explain nothing

    *ret = 0;
    for (uint32_t i = obj->first_open; i != 0;) {
        const struct prof_open *open = prof_heap_open(a->heap, i);
        struct owner owner;
        uint32_t site = site_of(a, open->stack);
        if (site == UINT32_MAX || !owner_of(a, open, &owner))
            return false;
        uint8_t rank = group_rank(&owner);
        uint64_t order = a->sites.items[site].function;
        i = open->next;
        if (untold_open(a, open))
            continue;
        if (rank < best_rank || (rank == best_rank && best_rank < 2 && order < best)) {
            best_rank = rank;
            best = order;
            *ret = open->stack;
        }
    }
    return true;
}

/* Why a held object is held, in words. */
bool group_held_reason(struct analysis *a, prof_obj_id id, const char **ret)
{
    const struct prof_obj *obj = prof_heap_obj(a->heap, id);
    const char *why = obj->why_text != 0 ? prof_trace_text(prof_heap_trace(a->heap), obj->why_text) : NULL;
    const char *text = NULL;

    if (obj->flags & PROF_OBJ_MAY_LEAK)
        text = prof_arena_printf(a->arena, "may leak: %s", why != NULL ? why : "no reason given");
    else if (obj->flags & PROF_OBJ_PINNED)
        text = prof_arena_printf(a->arena, "pinned: %s", why != NULL ? why : "no reason given");
    else if (prof_heap_type(a->heap, obj->type)->flags & TRK_TYPE_IMMORTAL)
        text = "immortal type";
    if (text == NULL && (obj->flags & (PROF_OBJ_MAY_LEAK | PROF_OBJ_PINNED)))
        return false;
    for (uint32_t i = obj->first_open; text == NULL && i != 0;) {
        const struct prof_open *open = prof_heap_open(a->heap, i);
        struct owner owner;
        if (!owner_of(a, open, &owner))
            return false;
        if (owner_is_root(a, &owner))
            text = owner.text;
        i = open->next;
    }
    if (text == NULL && a->hold != NULL && !hold_live_place(a, id, false, &text))
        return false;
    *ret = text != NULL ? text : "its birth was not seen";
    return true;
}

uint64_t group_bytes(struct analysis *a, const struct prof_obj *obj)
{
    if (obj->size != 0 || obj->block == 0)
        return obj->size;
    return prof_heap_block(a->heap, obj->block)->size;
}
