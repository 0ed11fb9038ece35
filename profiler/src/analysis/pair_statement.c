/* pair_statement.c: references that the statement that takes them hands over: consume(obj_ref(x)).
 *
 * The release of such a reference is made by what that statement calls: the place of the taking stands among the
 * callers of the release. One function that consumes what many statements give it is recognised with each of them. */
#include "pair.h"

#include <string.h>

/* Callers of a release that are looked at; what is further out is a main loop sooner than a statement. */
enum { CALLERS_LOOKED = 6 };

/* Function and line as one number; 0: not known. */
static uint64_t statement_of(const struct prof_frame *f)
{
    uint64_t hash = f->line;

    if (f->function == NULL || f->line == 0)
        return 0;
    for (const char *at = f->function; *at != '\0'; at++)
        hash = map_mix(hash, (uint64_t)*at);
    return hash;
}

static uint64_t keys_pair(uint32_t take, uint32_t give)
{
    return (uint64_t)take << 32 | give;
}

struct taken {
    uint32_t key, next; /* next: one more of this statement, + 1 */
};
typedef PROF_VEC(struct taken) taken_vec;

/* The takings by their statement. */
static bool index_takings(struct analysis *a, const struct learned_type *t, struct map *by_statement, taken_vec *taken)
{
    for (size_t i = 0; i < t->key_of_stack.room; i++) {
        const struct prof_frame *frames;
        if (t->key_of_stack.values[i] == 0)
            continue;
        uint32_t key = t->key_of_stack.values[i] - 1, stack = (uint32_t)(t->key_of_stack.keys[i] >> 1);
        uint64_t statement = pair_frames(a, stack, &frames) > 0 ? statement_of(&frames[0]) : 0;
        if (statement == 0)
            continue;
        uint32_t at = map_get(by_statement, statement);
        struct taken one = { key, at != UINT32_MAX ? at + 1 : 0 };
        bool there = false;
        for (uint32_t n = one.next; n != 0 && !there; n = taken->items[n - 1].next)
            there = taken->items[n - 1].key == key;
        if (!there && (!map_put(by_statement, statement, (uint32_t)taken->count) || !prof_vec_push(taken, one)))
            return false;
    }
    return true;
}

bool pair_statements(struct analysis *a, struct learned_type *t)
{
    struct map by_statement = { 0 };
    taken_vec taken = { 0 };
    bool good = index_takings(a, t, &by_statement, &taken);

    map_deinit(&t->handed_over);
    for (size_t i = 0; good && i < t->key_of_stack.room; i++) {
        const struct prof_frame *frames;
        if (t->key_of_stack.values[i] == 0 || (t->key_of_stack.keys[i] & 1) != 0)
            continue;
        uint32_t give = t->key_of_stack.values[i] - 1;
        size_t count = pair_frames(a, (uint32_t)(t->key_of_stack.keys[i] >> 1), &frames);
        for (uint32_t depth = 0; good && depth < count && depth <= CALLERS_LOOKED; depth++) {
            uint64_t statement = statement_of(&frames[depth]);
            uint32_t at = statement != 0 ? map_get(&by_statement, statement) : UINT32_MAX;
            for (uint32_t n = at != UINT32_MAX ? at + 1 : 0; good && n != 0; n = taken.items[n - 1].next) {
                uint64_t pair = keys_pair(taken.items[n - 1].key, give);
                if (depth < map_get(&t->handed_over, pair))
                    good = map_put(&t->handed_over, pair, depth);
            }
        }
    }
    prof_vec_deinit(&taken);
    map_deinit(&by_statement);
    return good;
}

double pair_handed_over(const struct learned_type *t, uint32_t take, uint32_t give)
{
    uint32_t depth = map_get(&t->handed_over, keys_pair(take, give));
    return depth != UINT32_MAX ? 1.0 - 0.05 * depth : 0;
}
