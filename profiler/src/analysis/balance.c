/* balance.c: the tree of call paths of what leaked objects took and gave back, less what freed ones did. */
#include <prof/balance.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include <base/vec.h>

#include "glob.h"
#include "map.h"

static const double inherited_share = 0.75;

/* What happened at a stack, over all objects. */
struct sums {
    uint64_t taken, given, freed_taken, freed_given;
};
struct prof_balance {
    struct prof_heap *heap;
    struct prof_symbols *symbols;
    struct prof_balance_options options;
    prof_type_id type;
    uint64_t objects, freed, excluded, skewed;
    PROF_VEC(struct prof_balance_node) nodes;
    struct map child; /* (parent, step) -> node */
    PROF_VEC(struct sums) sums;
    PROF_VEC(uint32_t) stacks; /* of sums */
    struct map sums_of;        /* stack -> index */
    uint32_t divergence;
};

/* ---- What happened where ----------------------------------------------------------------------------------------- */

static struct sums *sums_of(struct prof_balance *b, uint32_t stack)
{
    uint32_t at = map_get(&b->sums_of, stack);
    if (at == UINT32_MAX) {
        at = (uint32_t)b->sums.count;
        if (!prof_vec_push(&b->sums, (struct sums){ 0 }) || !prof_vec_push(&b->stacks, stack) ||
            !map_put(&b->sums_of, stack, at))
            return NULL;
    }
    return &b->sums.items[at];
}

static bool add_object(struct prof_balance *b, const struct prof_obj *obj)
{
    b->objects++;
    for (uint32_t i = obj->first_site; i != 0;) {
        const struct prof_site_count *count = prof_heap_site_count(b->heap, i);
        struct sums *sums = sums_of(b, count->stack);
        i = count->next;
        if (sums == NULL)
            return false;
        sums->taken += count->taken;
        sums->given += count->given;
    }
    for (uint32_t i = obj->first_open; i != 0;) {
        const struct prof_open *open = prof_heap_open(b->heap, i);
        struct sums *sums = sums_of(b, open->stack);
        i = open->next;
        if (sums == NULL)
            return false;
        sums->taken++;
    }
    return true;
}

static bool add_freed(struct prof_balance *b)
{
    const struct prof_type_site *list;
    const struct prof_incident *incidents;
    size_t count = prof_heap_type_sites(b->heap, &list), incident_count = prof_heap_incidents(b->heap, &incidents);
    b->freed = prof_heap_type(b->heap, b->type)->died;
    for (size_t i = 0; i < incident_count; i++) {
        const struct prof_incident *incident = &incidents[i];
        if (incident->kind == PROF_INCIDENT_FREED_ALIVE && incident->obj != 0 &&
            prof_heap_obj(b->heap, incident->obj)->type == b->type)
            b->freed -= incident->objects < b->freed ? incident->objects : b->freed;
    }
    for (size_t i = 0; i < count; i++) {
        if (list[i].type != b->type || list[i].taken + list[i].given == 0)
            continue;
        struct sums *sums = sums_of(b, list[i].stack);
        if (sums == NULL)
            return false;
        sums->freed_taken += list[i].taken;
        sums->freed_given += list[i].given;
    }
    return true;
}

/* ---- The tree ---------------------------------------------------------------------------------------------------- */

static uint64_t text_key(const char *text, uint64_t seed)
{
    return text != NULL ? XXH64(text, strlen(text), seed) : seed;
}

/* Equal for frames that are one step. The line of an event is a step of its own. */
static uint64_t step_key(const struct prof_balance *b, const struct prof_frame *frame, bool line)
{
    uint64_t key = text_key(frame->module, line);
    if (!line && b->options.by == PROF_BALANCE_MODULE)
        return key;
    if (!line && b->options.by == PROF_BALANCE_FILE && frame->file != NULL)
        return text_key(frame->file, key);
    key = frame->function != NULL ? text_key(frame->function, key) : map_mix(key, frame->offset);
    return line || b->options.by == PROF_BALANCE_LINE ? map_mix(key, frame->line) : key;
}

static void add_sums(struct prof_balance_node *node, const struct sums *sums)
{
    node->taken += (double)sums->taken;
    node->given += (double)sums->given;
    node->freed_taken += (double)sums->freed_taken;
    node->freed_given += (double)sums->freed_given;
}

/* The child of a node for a step, with the sums added; PROF_BALANCE_NONE without memory. */
static uint32_t step_down(struct prof_balance *b, uint32_t parent, const struct prof_frame *frame, bool line,
                          const struct sums *sums)
{
    uint64_t key = map_mix(step_key(b, frame, line), parent);
    uint32_t at = map_get(&b->child, key);
    if (at == UINT32_MAX) {
        at = (uint32_t)b->nodes.count;
        struct prof_balance_node fresh = { .parent = parent,
                                           .first = PROF_BALANCE_NONE,
                                           .next = PROF_BALANCE_NONE,
                                           .depth = b->nodes.items[parent].depth + 1,
                                           .frame = frame,
                                           .line = line };
        if (!prof_vec_push(&b->nodes, fresh) || !map_put(&b->child, key, at))
            return PROF_BALANCE_NONE;
        b->nodes.items[at].next = b->nodes.items[parent].first;
        b->nodes.items[parent].first = at;
    }
    add_sums(&b->nodes.items[at], sums);
    return at;
}

static bool is_excluded(const struct prof_balance *b, const struct prof_path *path)
{
    for (const char *const *pattern = b->options.exclude; pattern != NULL && *pattern != NULL; pattern++)
        for (size_t i = 0; i < path->end; i++)
            if (path->frames[i]->function != NULL && glob_match(*pattern, path->frames[i]->function))
                return true;
    return false;
}

static bool add_stack(struct prof_balance *b, uint32_t stack, const struct sums *sums)
{
    struct prof_path path;
    bool known = prof_symbols_path(b->symbols, stack, &path);
    if (is_excluded(b, &path)) {
        b->excluded += sums->taken + sums->given + sums->freed_taken + sums->freed_given;
        return true;
    }
    add_sums(&b->nodes.items[0], sums);
    if (!known)
        return step_down(b, 0, prof_symbols_site_frame(b->symbols, stack), true, sums) != PROF_BALANCE_NONE;
    const struct prof_frame *site = path.frames[path.site];
    uint32_t at = b->options.reverse ? step_down(b, 0, site, true, sums) : 0;
    uint64_t before = 0;
    for (size_t i = path.site; i < path.end && at != PROF_BALANCE_NONE; i++) {
        const struct prof_frame *frame = path.frames[b->options.reverse ? i : path.site + path.end - 1 - i];
        uint64_t key = step_key(b, frame, false);
        bool own = b->options.reverse && i == path.site; /* the line says it already */
        if (!own && (b->options.by < PROF_BALANCE_FILE || key != before))
            at = step_down(b, at, frame, false, sums);
        before = key;
    }
    if (at != PROF_BALANCE_NONE && !b->options.reverse)
        at = step_down(b, at, site, true, sums);
    return at != PROF_BALANCE_NONE;
}

/* Sums to means. */
static void mean(struct prof_balance *b)
{
    double objects = (double)b->objects, freed = b->freed != 0 ? (double)b->freed : 1;
    for (size_t i = 0; i < b->nodes.count; i++) {
        struct prof_balance_node *node = &b->nodes.items[i];
        node->taken /= objects;
        node->given /= objects;
        node->freed_taken /= freed;
        node->freed_given /= freed;
        node->leaked = node->taken - node->given;
        node->freed = node->freed_taken - node->freed_given;
        node->difference = node->leaked - node->freed;
    }
}

static int by_difference(const void *left, const void *right, void *ctx)
{
    const struct prof_balance_node *nodes = ctx, *a = &nodes[*(const uint32_t *)left],
                                   *b = &nodes[*(const uint32_t *)right];
    double x = fabs(a->difference), y = fabs(b->difference);
    if (fabs(x - y) > 1e-9)
        return x < y ? 1 : -1;
    x = a->taken + a->given + a->freed_taken + a->freed_given;
    y = b->taken + b->given + b->freed_taken + b->freed_given;
    if (fabs(x - y) > 1e-9)
        return x < y ? 1 : -1;
    if (a->frame->line != b->frame->line)
        return a->frame->line < b->frame->line ? -1 : 1;
    return (a->frame->offset > b->frame->offset) - (a->frame->offset < b->frame->offset);
}

/* Brings children into order and nodes into the order of a walk, without recursion. */
static bool settle(struct prof_balance *b)
{
    size_t count = b->nodes.count, placed = 0, depth = 0;
    struct prof_balance_node *old = b->nodes.items, *fresh = calloc(count, sizeof *fresh);
    uint32_t *children = calloc(count, sizeof *children), *to_do = calloc(count, sizeof *to_do);
    uint32_t *new_of = calloc(count, sizeof *new_of);
    bool good = fresh != NULL && children != NULL && to_do != NULL && new_of != NULL;
    if (good)
        to_do[depth++] = 0;
    while (good && depth > 0) {
        uint32_t at = to_do[--depth];
        size_t n = 0;
        new_of[at] = (uint32_t)placed;
        fresh[placed] = old[at];
        fresh[placed].first = fresh[placed].next = PROF_BALANCE_NONE;
        if (at != 0)
            fresh[placed].parent = new_of[old[at].parent];
        placed++;
        for (uint32_t i = old[at].first; i != PROF_BALANCE_NONE; i = old[i].next)
            children[n++] = i;
        if (n > 1)
            qsort_r(children, n, sizeof *children, by_difference, old);
        while (n > 0)
            to_do[depth++] = children[--n];
    }
    for (size_t i = good ? count : 0; i-- > 1;) {
        fresh[i].next = fresh[fresh[i].parent].first;
        fresh[fresh[i].parent].first = (uint32_t)i;
    }
    if (good)
        memcpy(old, fresh, count * sizeof *old);
    free(fresh);
    free(children);
    free(to_do);
    free(new_of);
    return good;
}

static uint32_t find_divergence(const struct prof_balance *b)
{
    const struct prof_balance_node *nodes = b->nodes.items;
    uint32_t at = 0;
    while (nodes[0].difference > 1e-9) {
        uint32_t best = PROF_BALANCE_NONE;
        for (uint32_t i = nodes[at].first; i != PROF_BALANCE_NONE; i = nodes[i].next)
            if (!nodes[i].line && nodes[i].difference >= inherited_share * nodes[at].difference &&
                (best == PROF_BALANCE_NONE || nodes[i].difference > nodes[best].difference))
                best = i;
        if (best == PROF_BALANCE_NONE)
            break;
        at = best;
    }
    return at;
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

struct prof_error *prof_balance_create(struct prof_heap *heap, struct prof_symbols *symbols, prof_type_id type,
                                       bool (*member)(void *ctx, prof_obj_id id), void *ctx,
                                       const struct prof_balance_options *options, struct prof_balance **ret)
{
    struct prof_balance *b = calloc(1, sizeof *b);
    if (b == NULL)
        return prof_error_memory();
    *b = (struct prof_balance){ .heap = heap, .symbols = symbols, .type = type };
    if (options != NULL)
        b->options = *options;
    bool good = prof_vec_push(&b->nodes, (struct prof_balance_node){ .parent = PROF_BALANCE_NONE,
                                                                     .first = PROF_BALANCE_NONE,
                                                                     .next = PROF_BALANCE_NONE,
                                                                     .frame = prof_symbols_site_frame(symbols, 0) });
    for (prof_obj_id id = 1; good && id < prof_heap_obj_max(heap); id++) {
        const struct prof_obj *obj = prof_heap_obj(heap, id);
        if (obj->type != type || obj->state == PROF_OBJ_NONE || obj->state == PROF_OBJ_DEAD || !member(ctx, id))
            continue;
        if ((obj->flags & PROF_OBJ_SKEWED) != 0)
            b->skewed++;
        else
            good = add_object(b, obj);
    }
    if (good && b->objects == 0) {
        const char *what = b->skewed != 0 ? "alive was seen being born" : "is alive";
        prof_balance_destroy(b);
        return prof_error_create(PROF_ERROR_ARGUMENT, "no object of type %s %s: there is nothing to compare",
                                 prof_heap_type(heap, type)->name, what);
    }
    good = good && add_freed(b);
    for (size_t i = 0; good && i < b->sums.count; i++)
        good = add_stack(b, b->stacks.items[i], &b->sums.items[i]);
    if (good) {
        mean(b);
        good = settle(b);
    }
    if (!good) {
        prof_balance_destroy(b);
        return prof_error_memory();
    }
    b->divergence = b->options.reverse ? 0 : find_divergence(b);
    *ret = b;
    return NULL;
}

void prof_balance_destroy(struct prof_balance *balance)
{
    if (balance == NULL)
        return;
    prof_vec_deinit(&balance->nodes);
    prof_vec_deinit(&balance->sums);
    prof_vec_deinit(&balance->stacks);
    map_deinit(&balance->child);
    map_deinit(&balance->sums_of);
    free(balance);
}

size_t prof_balance_nodes(const struct prof_balance *balance, const struct prof_balance_node **ret)
{
    *ret = balance->nodes.items;
    return balance->nodes.count;
}

uint64_t prof_balance_objects(const struct prof_balance *balance)
{
    return balance->objects;
}

uint64_t prof_balance_freed(const struct prof_balance *balance)
{
    return balance->freed;
}

uint64_t prof_balance_skewed(const struct prof_balance *balance)
{
    return balance->skewed;
}

uint64_t prof_balance_excluded(const struct prof_balance *balance)
{
    return balance->excluded;
}

uint32_t prof_balance_divergence(const struct prof_balance *balance)
{
    return balance->divergence;
}
