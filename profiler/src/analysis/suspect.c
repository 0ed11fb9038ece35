/* suspect.c: nodes and kinds that retain a large share of everything, where that comes together, what leads there, and
 * where large sizes fall apart. */
#include <prof/suspect.h>

#include <stdlib.h>
#include <string.h>

#include <base/vec.h>

#include "map.h"

enum {
    SAMPLES = 10000,      /* ways of a group that are compared */
    STEPS_MOST = 4000000, /* links that are looked at for that */
    WAY = 2 * PROF_SUSPECT_PATH,
    SHARED_PERCENT = 80,
};

struct tally {
    const char *kind;
    uint64_t count, bytes;
    prof_node largest;
};
typedef PROF_VEC(struct tally) tallies;

struct prof_suspects {
    struct prof_graph *graph;
    uint64_t total, lost;
    prof_node *tops; /* what nothing alone keeps alive and is not lost, by size */
    size_t top_count;
    double percent, ratio, drop_percent;
    PROF_VEC(struct prof_suspect) list;
    PROF_VEC(struct prof_big_drop) drops;
};

/* ---- Kinds ------------------------------------------------------------------------------------------------------- */

static int tally_order(const void *left, const void *right)
{
    const struct tally *a = left, *b = right;

    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    return a->count != b->count ? (a->count > b->count ? -1 : 1) : strcmp(a->kind, b->kind);
}

/* Nodes by kind, the one that retains most first; the nodes come by size. false without memory. */
static bool tally(struct prof_graph *graph, const prof_node *nodes, size_t count, tallies *ret)
{
    struct map index = { 0 };
    bool good = true;

    for (size_t i = 0; i < count && good; i++) {
        const char *kind = prof_graph_kind(graph, nodes[i]);
        uint32_t at = kind != NULL ? map_get(&index, (uint64_t)(uintptr_t)kind) : UINT32_MAX;
        if (kind != NULL && at == UINT32_MAX) {
            at = (uint32_t)ret->count;
            good = map_put(&index, (uint64_t)(uintptr_t)kind, at) &&
                   prof_vec_push(ret, (struct tally){ .kind = kind, .largest = nodes[i] });
        }
        good = good && kind != NULL && at < ret->count;
        if (!good)
            break;
        ret->items[at].count++;
        ret->items[at].bytes += prof_graph_retained(graph, nodes[i]);
    }
    map_deinit(&index);
    if (good && ret->count > 1)
        qsort(ret->items, ret->count, sizeof *ret->items, tally_order);
    return good;
}

/* What a node keeps alive, by kind. false without memory. */
static bool largest_part(struct prof_graph *graph, prof_node node, size_t *ret_children, struct prof_suspect_part *ret)
{
    const prof_node *children;
    tallies kinds = { 0 };
    size_t count = prof_graph_dominated(graph, node, &children);
    bool good = tally(graph, children, count, &kinds);

    *ret_children = count;
    *ret = (struct prof_suspect_part){ 0 };
    if (good && kinds.count > 0)
        *ret = (struct prof_suspect_part){ kinds.items[0].kind, kinds.items[0].count, kinds.items[0].bytes };
    prof_vec_deinit(&kinds);
    return good;
}

/* ---- Ways -------------------------------------------------------------------------------------------------------- */

/* The nearest root; references without an owner only when there is no other. false: nothing leads to it. */
static bool nearest(const struct prof_graph *graph, prof_node node, enum prof_root_kind *ret)
{
    uint32_t best = UINT32_MAX;

    for (int i = 1; i <= PROF_ROOT_COUNT_; i++) {
        enum prof_root_kind kind = (enum prof_root_kind)(i % PROF_ROOT_COUNT_);
        uint32_t distance = prof_graph_distance(graph, kind, node);
        if (distance < best && (kind != PROF_ROOT_NONE || best == UINT32_MAX)) {
            best = distance;
            *ret = kind;
        }
    }
    return best != UINT32_MAX;
}

static void way_to(const struct prof_graph *graph, prof_node node, struct prof_suspect *s)
{
    s->unknown = prof_graph_keeping(graph, node) == PROF_KEEPING_UNKNOWN;
    if (!nearest(graph, node, &s->root))
        return;
    s->unknown = false;
    s->path_length = prof_graph_path(graph, s->root, node, s->path, PROF_SUSPECT_PATH);
    s->path_count = s->path_length < PROF_SUSPECT_PATH ? s->path_length : PROF_SUSPECT_PATH;
}

/* A way as far as it is compared: its root in words, then where each link leads to. */
struct way {
    enum prof_root_kind root;
    uint32_t place; /* index of the root's text */
    uint32_t count; /* links without the last, which leads to the member itself */
    struct prof_link links[PROF_SUSPECT_PATH];
    bool out;
};

static uint64_t step_of(const struct way *way, size_t at)
{
    return at == 0 ? (uint64_t)way->root << 32 | way->place : (uint64_t)way->links[at - 1].to;
}

/* The step at which most of the ways agree that are not out; 0 of them: all have ended. */
static uint64_t vote(const struct way *ways, size_t count, size_t at, size_t *ret_votes)
{
    uint64_t choice = 0;
    size_t votes = 0;

    *ret_votes = 0;
    for (size_t i = 0; i < count; i++) {
        if (ways[i].out || ways[i].count < at)
            continue;
        if (votes == 0)
            choice = step_of(&ways[i], at);
        votes += step_of(&ways[i], at) == choice ? 1 : (size_t)-1;
    }
    for (size_t i = 0; i < count; i++)
        *ret_votes += !ways[i].out && ways[i].count >= at && step_of(&ways[i], at) == choice;
    return choice;
}

/* The longest begin that more than 80 % have in common. */
static void agree(struct way *ways, size_t count, struct prof_suspect *s)
{
    s->sampled = count;
    for (size_t at = 0; at <= PROF_SUSPECT_PATH; at++) {
        size_t votes;
        uint64_t choice = vote(ways, count, at, &votes);
        if (votes * 100 <= count * SHARED_PERCENT)
            return;
        const struct way *one = NULL;
        for (size_t i = 0; i < count; i++) {
            ways[i].out |= ways[i].count < at || step_of(&ways[i], at) != choice;
            one = one == NULL && !ways[i].out ? &ways[i] : one;
        }
        if (one == NULL) // votes say otherwise
            return;
        s->shared = votes;
        s->root = one->root;
        // Of a root that leads to each member by itself, the one link that shows it.
        s->path_length = s->path_count = at > 0 ? at : 1;
        memcpy(s->path, one->links, s->path_count * sizeof *s->path);
    }
}

static bool root_text(struct prof_graph *graph, const struct prof_link *link, struct map *index, uint32_t *ret)
{
    const char *text = link->kind != 0 ? prof_graph_place(graph, link) : "";
    uint64_t key = 5381;

    if (text == NULL)
        return false;
    for (; *text != '\0'; text++)
        key = map_mix(key, (unsigned char)*text);
    *ret = map_get(index, key);
    if (*ret != UINT32_MAX)
        return true;
    *ret = (uint32_t)index->count;
    return map_put(index, key, *ret);
}

/* What is common to the ways to the members of a group. false without memory. */
static bool common_way(struct prof_suspects *s, const char *kind, struct prof_suspect *suspect)
{
    size_t count = 0;
    size_t room = suspect->members < SAMPLES ? (size_t)suspect->members : SAMPLES, steps = 0;
    struct way *ways = calloc(room + 1, sizeof *ways);
    struct map places = { 0 };
    bool good = ways != NULL;

    for (size_t i = 0; i < s->top_count && count < room && steps < STEPS_MOST && good; i++) {
        struct prof_link links[WAY];
        struct way *way = ways != NULL ? &ways[count] : NULL;
        const char *own = prof_graph_kind(s->graph, s->tops[i]);
        good = own != NULL && way != NULL;
        if (!good || own != kind || !nearest(s->graph, s->tops[i], &way->root))
            continue;
        size_t length = prof_graph_path(s->graph, way->root, s->tops[i], links, WAY);
        steps += length;
        if (length == 0)
            continue;
        way->count = (uint32_t)(length - 1 < PROF_SUSPECT_PATH ? length - 1 : PROF_SUSPECT_PATH);
        memcpy(way->links, links, (length < PROF_SUSPECT_PATH ? length : PROF_SUSPECT_PATH) * sizeof *links);
        good = root_text(s->graph, &links[0], &places, &way->place);
        count++;
    }
    suspect->unknown = count == 0 && prof_graph_keeping(s->graph, suspect->node) == PROF_KEEPING_UNKNOWN;
    if (good)
        agree(ways, count, suspect);
    free(ways);
    map_deinit(&places);
    return good;
}

/* ---- Suspects ---------------------------------------------------------------------------------------------------- */

/* Down to the largest child as long as it has most of what its parent has. */
static void accumulate(const struct prof_suspects *s, struct prof_suspect *suspect)
{
    const prof_node *children;

    suspect->at = suspect->node;
    while (prof_graph_dominated(s->graph, suspect->at, &children) > 0 &&
           (double)prof_graph_retained(s->graph, children[0]) >=
               s->ratio * (double)prof_graph_retained(s->graph, suspect->at)) {
        suspect->at = children[0];
        suspect->depth++;
    }
    suspect->at_bytes = prof_graph_retained(s->graph, suspect->at);
}

static bool complete(struct prof_suspects *s, struct prof_suspect *suspect)
{
    suspect->percent = (double)suspect->bytes / (double)s->total * 100;
    accumulate(s, suspect);
    if (!largest_part(s->graph, suspect->at, &suspect->at_children, &suspect->part))
        return false;
    if (suspect->group)
        return common_way(s, suspect->kind, suspect) && prof_vec_push(&s->list, *suspect);
    way_to(s->graph, suspect->at, suspect);
    return prof_vec_push(&s->list, *suspect);
}

/* Sorts out what is lost. */
static bool find_tops(struct prof_suspects *s)
{
    const prof_node *tops;
    size_t count = prof_graph_dominated(s->graph, PROF_NODE_NONE, &tops);

    s->tops = malloc((count + 1) * sizeof *s->tops);
    if (s->tops == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (prof_graph_keeping(s->graph, tops[i]) == PROF_KEEPING_LOST)
            s->lost += prof_graph_retained(s->graph, tops[i]);
        else
            s->tops[s->top_count++] = tops[i];
    }
    s->total -= s->lost;
    return true;
}

/* Keeps nothing alive but itself. */
static bool is_single(const struct prof_graph *graph, prof_node node)
{
    const prof_node *children;
    return prof_graph_dominated(graph, node, &children) == 0;
}

/* How many from the first one on are of one kind and size, and nothing hangs on them: told once, as what every thread
 * has, for example. What keeps others alive has a way of its own to be told. */
static size_t alike(struct prof_graph *graph, const prof_node *tops, size_t count)
{
    const char *kind = prof_graph_kind(graph, tops[0]);
    size_t n = 1;

    while (n < count && is_single(graph, tops[0]) && is_single(graph, tops[n]) &&
           prof_graph_retained(graph, tops[n]) == prof_graph_retained(graph, tops[0]) &&
           prof_graph_kind(graph, tops[n]) == kind)
        n++;
    return n;
}

static bool find_suspects(struct prof_suspects *s)
{
    const prof_node *tops = s->tops;
    size_t count = s->top_count, singles = 0;
    double least = (double)s->total * s->percent / 100;
    tallies kinds = { 0 };
    bool good = true;

    for (size_t run; singles < count && (double)prof_graph_retained(s->graph, tops[singles]) > least && good;
         singles += run) {
        run = alike(s->graph, tops + singles, count - singles);
        struct prof_suspect suspect = { .group = run > 1, .node = tops[singles], .members = run };
        suspect.bytes = run * prof_graph_retained(s->graph, suspect.node);
        suspect.kind = prof_graph_kind(s->graph, suspect.node);
        good = suspect.kind != NULL && complete(s, &suspect);
    }
    good = good && tally(s->graph, tops + singles, count - singles, &kinds);
    for (size_t i = 0; i < kinds.count && (double)kinds.items[i].bytes > least && good; i++) {
        struct prof_suspect suspect = { .group = true,
                                        .node = kinds.items[i].largest,
                                        .kind = kinds.items[i].kind,
                                        .members = kinds.items[i].count,
                                        .bytes = kinds.items[i].bytes };
        good = complete(s, &suspect);
    }
    prof_vec_deinit(&kinds);
    return good;
}

/* ---- Drops ------------------------------------------------------------------------------------------------------- */

static int drop_order(const void *left, const void *right)
{
    const struct prof_big_drop *a = left, *b = right;
    uint64_t by_a = a->bytes - a->child_bytes, by_b = b->bytes - b->child_bytes;

    if (by_a != by_b)
        return by_a > by_b ? -1 : 1;
    return (a->node > b->node) - (a->node < b->node);
}

static bool find_drops(struct prof_suspects *s)
{
    double least = (double)s->total * s->drop_percent / 100;
    PROF_VEC(prof_node) work = { 0 };
    prof_node node = PROF_NODE_NONE;
    bool good = true, more = true;

    while (good && more) {
        const prof_node *children;
        size_t count = s->top_count;
        if (node == PROF_NODE_NONE)
            children = s->tops;
        else
            count = prof_graph_dominated(s->graph, node, &children);
        for (size_t i = 0; i < count && (double)prof_graph_retained(s->graph, children[i]) > least && good; i++)
            good = prof_vec_push(&work, children[i]);
        struct prof_big_drop drop = { .node = node,
                                      .child = PROF_NODE_NONE,
                                      .bytes = prof_graph_retained(s->graph, node) };
        if (count > 0) {
            drop.child = children[0];
            drop.child_bytes = prof_graph_retained(s->graph, children[0]);
        }
        if (good && node != PROF_NODE_NONE && (double)(drop.bytes - drop.child_bytes) > least)
            good = largest_part(s->graph, node, &drop.children, &drop.part) && prof_vec_push(&s->drops, drop);
        more = work.count > 0;
        if (more)
            node = work.items[--work.count];
    }
    prof_vec_deinit(&work);
    if (s->drops.count > 1)
        qsort(s->drops.items, s->drops.count, sizeof *s->drops.items, drop_order);
    return good;
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

struct prof_error *prof_suspects_create(struct prof_graph *graph, const struct prof_suspects_options *options,
                                        struct prof_suspects **ret)
{
    static const struct prof_suspects_options none;
    struct prof_error *error = prof_graph_dominate(graph);

    for (int kind = 0; kind < PROF_ROOT_COUNT_ && error == NULL; kind++)
        error = prof_graph_distances(graph, (enum prof_root_kind)kind);
    if (error != NULL)
        return error;
    if (options == NULL)
        options = &none;
    struct prof_suspects *s = calloc(1, sizeof *s);
    if (s == NULL)
        return prof_error_memory();
    s->graph = graph;
    s->total = prof_graph_retained(graph, PROF_NODE_NONE);
    s->percent = options->percent > 0 ? options->percent : 10;
    s->ratio = options->ratio > 0 ? options->ratio : 0.7;
    s->drop_percent = options->drop_percent > 0 ? options->drop_percent : 1;
    if (!find_tops(s) || !find_suspects(s) || !find_drops(s)) {
        prof_suspects_destroy(s);
        return prof_error_memory();
    }
    *ret = s;
    return NULL;
}

void prof_suspects_destroy(struct prof_suspects *s)
{
    if (s == NULL)
        return;
    prof_vec_deinit(&s->list);
    prof_vec_deinit(&s->drops);
    free(s->tops);
    free(s);
}

uint64_t prof_suspects_total(const struct prof_suspects *s)
{
    return s->total;
}

uint64_t prof_suspects_lost(const struct prof_suspects *s)
{
    return s->lost;
}

size_t prof_suspects_list(const struct prof_suspects *s, const struct prof_suspect **ret)
{
    *ret = s->list.items;
    return s->list.count;
}

size_t prof_suspects_drops(const struct prof_suspects *s, const struct prof_big_drop **ret)
{
    *ret = s->drops.items;
    return s->drops.count;
}
