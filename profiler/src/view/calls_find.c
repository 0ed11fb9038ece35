/* calls_find.c: the next node of a tree of calls in whose name a text stands, in the order of a walk through the whole
 * tree. Subtrees without such a node are not entered: for each way it is known how far in the last one of its steps
 * with the text is. */
#include "calls.h"

#include <stdlib.h>
#include <string.h>

struct level {
    struct prof_calls_node node; /* on the way */
    struct prof_calls_node *siblings;
    size_t count, at; /* which of them it is */
};
struct find {
    struct prof_calls *calls;
    enum prof_calls_value by;
    bool *matches;   /* groups */
    uint32_t *reach; /* by way: the level behind its last step that matches; 0: none does */
    PROF_VEC(struct level) way;
};

static bool matches(const struct find *find, const struct prof_calls_node *node)
{
    const struct calls_pair *pair = &find->calls->order[node->first];
    const struct way *way = &find->calls->ways.items[pair->way];
    return find->matches[calls_group(find->calls, calls_step(find->calls, way, node->depth - 1))];
}

/* In the node itself or below it. */
static bool has_match(const struct find *find, const struct prof_calls_node *node)
{
    for (uint32_t i = node->first; i < node->end; i++)
        if (find->reach[find->calls->order[i].way] >= node->depth)
            return true;
    return false;
}

static bool has_match_below(const struct find *find, const struct prof_calls_node *node)
{
    for (uint32_t i = node->first; i < node->end; i++)
        if (find->reach[find->calls->order[i].way] > node->depth)
            return true;
    return false;
}

static void pop(struct find *find)
{
    free(find->way.items[--find->way.count].siblings);
}

/* The last node of the way; the root when it is empty. */
static struct prof_calls_node last_node(const struct find *find)
{
    struct prof_calls_node root;
    if (find->way.count > 0)
        return find->way.items[find->way.count - 1].node;
    prof_calls_root(find->calls, &root);
    return root;
}

/* Adds the children of the last node, none of them chosen: at is `at`. */
static struct prof_error *push(struct find *find, size_t at)
{
    struct prof_calls_node last = last_node(find);
    struct level level = { .at = at };
    struct prof_error *error = prof_calls_children(find->calls, &last, find->by, &level.siblings, &level.count);
    if (error != NULL)
        return error;
    if (!prof_vec_push(&find->way, level)) {
        free(level.siblings);
        return prof_error_memory();
    }
    return NULL;
}

/* Chooses a sibling at the last level. */
static void choose(struct find *find, size_t at)
{
    struct level *level = &find->way.items[find->way.count - 1];
    level->at = at;
    level->node = level->siblings[at];
}

/* The next (or the one before) of the last level's siblings with a match; false: none. */
static bool choose_next(struct find *find, bool back)
{
    struct level *level = &find->way.items[find->way.count - 1];
    for (size_t i = level->at; back ? i-- > 0 : ++i < level->count;)
        if (has_match(find, &level->siblings[i])) {
            choose(find, i);
            return true;
        }
    return false;
}

/* From a node with a match down to the first of them, or to the last. */
static struct prof_error *go_down(struct find *find, bool last)
{
    for (;;) {
        struct prof_calls_node node = last_node(find);
        bool here = node.depth > 0 && matches(find, &node);
        if (here && (!last || !has_match_below(find, &node)))
            return NULL;
        struct prof_error *error = push(find, 0);
        if (error != NULL)
            return error;
        struct level *level = &find->way.items[find->way.count - 1];
        level->at = last ? level->count : SIZE_MAX; /* SIZE_MAX + 1 is 0 */
        if (!choose_next(find, last))
            return prof_error_create(PROF_ERROR_NOT_FOUND, "the tree of calls contradicts itself");
    }
}

/* To the next node behind the way that matches; an empty way: there is none, the walk begins anew. */
static struct prof_error *go_on(struct find *find)
{
    struct prof_calls_node node = last_node(find);
    if (has_match_below(find, &node)) {
        struct prof_error *error = push(find, SIZE_MAX);
        if (error != NULL || (choose_next(find, false), error = go_down(find, false)) != NULL)
            return error;
        return NULL;
    }
    for (; find->way.count > 0; pop(find))
        if (choose_next(find, false))
            return go_down(find, false);
    return NULL;
}

static struct prof_error *go_back(struct find *find)
{
    while (find->way.count > 0) {
        if (choose_next(find, true))
            return go_down(find, true);
        pop(find);
        struct prof_calls_node node = last_node(find);
        if (node.depth > 0 && matches(find, &node))
            return NULL;
    }
    return NULL;
}

static struct prof_error *begin(struct find *find, const char *text)
{
    struct prof_calls *calls = find->calls;
    find->matches = calloc(calls->groups.count + 1, sizeof *find->matches);
    find->reach = calloc(calls->ways.count + 1, sizeof *find->reach);
    if (find->matches == NULL || find->reach == NULL)
        return prof_error_memory();
    for (size_t i = 0; i < calls->groups.count; i++)
        find->matches[i] = strcasestr(calls->groups.items[i]->name, text) != NULL;
    for (size_t i = 0; i < calls->ways.count; i++)
        for (uint32_t level = 0; level < calls->ways.items[i].length; level++)
            if (find->matches[calls_group(calls, calls_step(calls, &calls->ways.items[i], level))])
                find->reach[i] = level + 1;
    return NULL;
}

/* As far along the keys as there is a way. */
static struct prof_error *follow(struct find *find, const char *const *keys, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        struct prof_error *error = push(find, 0);
        if (error != NULL)
            return error;
        struct level *level = &find->way.items[find->way.count - 1];
        size_t i = 0;
        while (i < level->count && strcmp(level->siblings[i].key, keys[k]) != 0)
            i++;
        if (i == level->count) {
            pop(find);
            return NULL;
        }
        choose(find, i);
    }
    return NULL;
}

struct prof_error *prof_calls_find(struct prof_calls *calls, const char *const *keys, size_t count,
                                   enum prof_calls_value by, const char *text, bool back, const char ***ret_keys,
                                   size_t *ret_count)
{
    struct find find = { .calls = calls, .by = by };
    struct prof_calls_node root;
    const char **found = NULL;
    prof_calls_root(calls, &root);
    struct prof_error *error = begin(&find, text);
    bool any = error == NULL && text[0] != '\0' && has_match_below(&find, &root);
    if (any)
        error = follow(&find, keys, count);
    if (any && error == NULL)
        error = back ? go_back(&find) : go_on(&find);
    if (any && error == NULL && find.way.count == 0)
        error = go_down(&find, back);
    size_t length = error == NULL ? find.way.count : 0;
    if (length > 0) {
        found = calloc(length, sizeof *found);
        if (found == NULL)
            error = prof_error_memory();
        for (size_t i = 0; i < length && found != NULL; i++)
            found[i] = find.way.items[i].node.key;
    }
    while (find.way.count > 0)
        pop(&find);
    prof_vec_deinit(&find.way);
    free(find.matches);
    free(find.reach);
    if (error == NULL) {
        *ret_keys = found;
        *ret_count = length;
    }
    return error;
}
