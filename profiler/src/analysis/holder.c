/* holder.c: where a pointer stands, for people: object and field, through the plain blocks that belong to it. */
#include "hold.h"

enum { CLIMB_MOST = 64 };

static bool owner_of_root(struct analysis *a, const struct hold_word *word, struct owner *ret)
{
    enum prof_root_kind kind = (enum prof_root_kind)(a->reach->place[word->index] & REACH_PLACE_ROOT);

    // Without a kind it stands in memory that another object took over since.
    *ret = (struct owner){ .kind = word->kind == HOLD_STACK ? OWNER_STACK : OWNER_GLOBAL,
                           .text = reach_root_text(a, kind != PROF_ROOT_NONE ? kind : PROF_ROOT_FREED, word->index) };
    return ret->text != NULL;
}

static unsigned rank_of(const struct hold *hold, const struct hold_word *word)
{
    if (word->kind == HOLD_NODE)
        return word->from < hold->objects ? 0 : 2;
    return word->kind == HOLD_ROOT ? 1 : 3;
}

/* The word by which a block is held: one of the only object, else of a root, else of another block that was not passed
 * yet. NULL: none, or several objects hold it. */
static const struct hold_word *way_up(const struct hold *hold, uint32_t block, const uint32_t *passed, size_t count)
{
    const struct hold_word *best = NULL;

    for (uint32_t i = hold->row[block]; i < hold->row[block + 1]; i++) {
        const struct hold_word *word = &hold->words.items[i];
        bool seen = false;
        for (size_t j = 0; j < count && word->kind == HOLD_NODE; j++)
            seen |= passed[j] == word->from;
        if (seen)
            continue;
        unsigned rank = rank_of(hold, word);
        if (best != NULL && rank == 0 && rank_of(hold, best) == 0 && best->from != word->from)
            return NULL;
        if (best == NULL || rank < rank_of(hold, best))
            best = word;
    }
    return best;
}

static bool climb(struct analysis *a, uint32_t block, struct owner *ret)
{
    const struct hold *hold = a->hold;
    uint32_t passed[CLIMB_MOST];
    const struct hold_word *word = NULL;
    uint32_t at = block;

    for (size_t count = 0; count < CLIMB_MOST; at = word->from) {
        passed[count++] = at;
        word = way_up(hold, at, passed, count);
        if (word == NULL || rank_of(hold, word) != 2)
            break;
    }
    if (word == NULL || rank_of(hold, word) == 2)
        return owner_block(a, block - hold->objects, ret);
    if (word->kind != HOLD_NODE) {
        if (!owner_of_root(a, word, ret))
            return false;
        ret->text = prof_arena_printf(a->arena, "a block held by %s", ret->text);
        return ret->text != NULL;
    }
    if (!owner_object(a, word->from, hold->memory->words[word->index].at, ret))
        return false;
    ret->field = prof_arena_printf(a->arena, "%s[]", ret->field);
    return ret->field != NULL;
}

bool hold_owner(struct analysis *a, const struct hold_word *word, struct owner *ret)
{
    struct hold *hold = a->hold;

    if (word->kind != HOLD_NODE)
        return owner_of_root(a, word, ret);
    if (word->from < hold->objects)
        return owner_object(a, word->from, hold->memory->words[word->index].at, ret);
    uint32_t at = map_get(&hold->owner_of_block, word->from);
    if (at == UINT32_MAX) {
        struct owner owner;
        at = (uint32_t)hold->owners.count;
        if (!climb(a, word->from, &owner) || !prof_vec_push(&hold->owners, owner) ||
            !map_put(&hold->owner_of_block, word->from, at))
            return false;
    }
    *ret = hold->owners.items[at];
    return true;
}

/* Of several the first that does not stand in what leaks itself. */
static const struct hold_word *live_word(const struct analysis *a, prof_obj_id id)
{
    const struct hold *hold = a->hold;
    const struct hold_word *found = NULL;

    for (uint32_t i = hold->row[id]; i < hold->row[id + 1]; i++) {
        const struct hold_word *word = &hold->words.items[i];
        if (!word->live || word->from == id)
            continue;
        if (word->kind != HOLD_NODE || a->fate[word->from] != FATE_LEAKED)
            return word;
        if (found == NULL)
            found = word;
    }
    return found;
}

bool hold_live_place(struct analysis *a, prof_obj_id id, bool serial, const char **ret)
{
    const struct hold_word *word = live_word(a, id);
    struct owner owner;

    *ret = NULL;
    if (word == NULL)
        return true;
    if (!hold_owner(a, word, &owner))
        return false;
    const char *dot = owner.field != NULL && owner.field[0] != '+' ? "." : "";
    if (owner.kind != OWNER_OBJECT)
        *ret = owner.text;
    else if (!serial)
        *ret = prof_arena_printf(a->arena, "%s%s%s", owner.type, dot, owner.field);
    else
        *ret = prof_arena_printf(a->arena, "%s#%u%s%s", owner.type, prof_heap_obj(a->heap, owner.obj)->serial, dot,
                                 owner.field);
    return *ret != NULL;
}
