/* reach.c: words to edges, and what the roots reach: three walks over whole arrays, breadth first. */
#include "reach.h"

#include <stdlib.h>
#include <string.h>

#include <base/large.h>

/* ---- Words ------------------------------------------------------------------------------------------------------- */

static bool in_region(const struct reach_input *input, uint64_t at)
{
    for (size_t i = 0; i < input->region_count; i++) {
        if (at >= input->regions[i].start && at - input->regions[i].start < input->regions[i].size)
            return true;
    }
    return false;
}

/* What kind of root the words of an area are that stand in no node. */
static enum prof_root_kind root_of_area(const struct prof_memory_area *area)
{
    switch (area->kind) {
    case TRK_AREA_DATA:
        return PROF_ROOT_GLOBAL;
    case TRK_AREA_STACK:
        return PROF_ROOT_STACK;
    case TRK_AREA_REGISTERS:
        return PROF_ROOT_REGISTER;
    case TRK_AREA_TLS:
        return PROF_ROOT_TLS;
    case TRK_AREA_MAPPED:
        return PROF_ROOT_MAPPED;
    default:
        return PROF_ROOT_NONE;
    }
}

/* Where a word stands. node: innermost around it. */
static uint8_t place_of(const struct reach_input *input, const struct prof_memory_area *area, uint64_t at,
                        uint32_t node)
{
    enum prof_root_kind root = root_of_area(area);
    uint8_t place = 0;

    if (area->kind != TRK_AREA_REGISTERS) {
        bool own = node != GRAPH_NONE && (input->nodes[node].flags & REACH_NODE_MMAP) == 0;
        if (own) {
            place = REACH_PLACE_NODE;
            root = PROF_ROOT_NONE;
        } else if (root == PROF_ROOT_NONE && node != GRAPH_NONE) {
            root = PROF_ROOT_MMAP;
        } else if (root == PROF_ROOT_NONE && input->freed != NULL && input->freed(input->ctx, at)) {
            root = PROF_ROOT_FREED;
        } else if (root == PROF_ROOT_NONE && input->unrecorded) {
            root = PROF_ROOT_UNRECORDED;
        }
        if (input->region_count > 0 && in_region(input, at))
            root = PROF_ROOT_REGION;
    }
    if (input->without >> root & 1)
        root = PROF_ROOT_NONE;
    return place | (uint8_t)root;
}

/* The thread library keeps the table of a thread's dynamic variables by a pointer behind its head. */
enum { DTV_HEAD = 16 };

static bool is_start(const struct reach_input *input, const struct prof_memory_area *area, uint64_t at,
                     const struct reach_node *node, uint64_t value)
{
    if (reach_in_vector(area, at))
        return false;
    if (value == node->start || (area->kind == TRK_AREA_TLS && value - node->start == DTV_HEAD))
        return true;
    return input->starts != NULL && input->starts(input->ctx, node, value);
}

/* The node that a word points into: around the address; or before it, where that is a start all the same. */
static uint32_t target_of(const struct reach *r, const struct reach_input *input, uint64_t value)
{
    uint32_t node = reach_index_at(r->index, value);
    if (node != GRAPH_NONE || input->starts == NULL)
        return node;
    node = reach_index_at(r->index, value - 1);
    bool behind = node != GRAPH_NONE && r->nodes[node].start + r->nodes[node].size == value &&
                  input->starts(input->ctx, &r->nodes[node], value);
    return behind ? node : GRAPH_NONE;
}

static bool skipped(const struct reach_input *input, const struct prof_memory_area *area,
                    const struct prof_memory_word *word)
{
    if (!input->no_unaligned || area->kind == TRK_AREA_REGISTERS)
        return false;
    bool half = word->how > 0 && word->how < 64 && (input->halves >> word->how & 1) != 0;
    return word->at % (half ? 4 : 8) != 0;
}

/* Two words of one address that mean the same block are one pointer, in the stronger of both meanings: a tag that is
 * not masked leads into the middle. */
static void join_meanings(struct reach *r, const struct prof_memory_area *area, size_t w, size_t *edges)
{
    const struct prof_memory_word *words = r->memory->words;

    for (size_t i = w; i-- > area->first && words[i].at == words[w].at;) {
        if (r->target[i] == r->target[w]) {
            bool better = (r->place[w] & REACH_PLACE_START) != 0 && (r->place[i] & REACH_PLACE_START) == 0;
            size_t other = better ? i : w;
            r->target[other] = GRAPH_NONE;
            *edges -= (r->place[other] & REACH_PLACE_NODE) != 0;
            r->root_count -= (r->place[other] & REACH_PLACE_ROOT) != 0;
            return;
        }
    }
}

/* How many words ahead caches are warmed: of the table, and of what it names. */
enum { SOON = 24, SOONER = 12 };

/* Resolves every word. Words whose place is not a node's and no root's are not followed, so not resolved either. */
static void resolve(struct reach *r, const struct reach_input *input, size_t *ret_edges)
{
    const struct prof_memory *memory = r->memory;

    for (size_t a = 0; a < memory->area_count; a++) {
        const struct prof_memory_area *area = &memory->areas[a];
        uint32_t before = area->count > 0 ? reach_index_before(r->index, memory->words[area->first].at) : GRAPH_NONE;
        for (size_t w = area->first; w < area->first + area->count; w++) {
            uint64_t at = memory->words[w].at, value = memory->words[w].value;
            if (w + SOON < memory->word_count)
                reach_index_soon(r->index, memory->words[w + SOON].value, false);
            if (w + SOONER < memory->word_count)
                reach_index_soon(r->index, memory->words[w + SOONER].value, true);
            before = reach_index_next(r->index, before, at);
            r->target[w] = GRAPH_NONE;
            r->place[w] = 0;
            if (skipped(input, area, &memory->words[w]))
                continue;
            uint32_t node = reach_index_climb(r->index, before, at);
            uint8_t place = place_of(input, area, at, node);
            uint32_t target = place != 0 ? target_of(r, input, value) : GRAPH_NONE;
            if (target != GRAPH_NONE && (place & REACH_PLACE_NODE) != 0 && input->number != NULL &&
                input->number(input->ctx, &r->nodes[node], at)) {
                place &= (uint8_t)~REACH_PLACE_NODE;
                target = place != 0 ? target : GRAPH_NONE;
            }
            if (target != GRAPH_NONE && is_start(input, area, at, &r->nodes[target], value))
                place |= REACH_PLACE_START;
            r->place[w] = place;
            r->target[w] = target;
            if (target == GRAPH_NONE)
                continue;
            *ret_edges += (place & REACH_PLACE_NODE) != 0;
            r->root_count += (place & REACH_PLACE_ROOT) != 0;
            join_meanings(r, area, w, ret_edges);
        }
    }
}

/* Calls for each edge, in order of words. */
static void each_edge(const struct reach *r, void (*each)(struct graph *g, uint32_t from, uint32_t to, uint32_t word),
                      struct graph *g)
{
    const struct prof_memory *memory = r->memory;

    for (size_t a = 0; a < memory->area_count; a++) {
        const struct prof_memory_area *area = &memory->areas[a];
        uint32_t before = area->count > 0 ? reach_index_before(r->index, memory->words[area->first].at) : GRAPH_NONE;
        for (size_t w = area->first; w < area->first + area->count; w++) {
            uint64_t at = memory->words[w].at;
            before = reach_index_next(r->index, before, at);
            if (r->target[w] != GRAPH_NONE && (r->place[w] & REACH_PLACE_NODE) != 0)
                each(g, reach_index_climb(r->index, before, at), r->target[w], (uint32_t)w);
        }
    }
}

static void count_out(struct graph *g, uint32_t from, uint32_t to, uint32_t word)
{
    (void)to;
    (void)word;
    graph_count(g, from);
}

static void count_in(struct graph *g, uint32_t from, uint32_t to, uint32_t word)
{
    (void)from;
    (void)word;
    graph_count(g, to);
}

static void put_in(struct graph *g, uint32_t from, uint32_t to, uint32_t word)
{
    graph_put(g, to, from, word);
}

static bool make_edges(struct reach *r, const struct reach_input *input)
{
    size_t edges = 0, words = r->memory->word_count;

    if (words >= GRAPH_NONE)
        return false;
    r->place = prof_large_malloc(words + 1, 1);
    r->target = prof_large_malloc(words + 1, sizeof *r->target);
    if (r->place == NULL || r->target == NULL)
        return false;
    resolve(r, input, &edges);
    r->root_word = malloc((r->root_count + 1) * sizeof *r->root_word);
    if (r->root_word == NULL || !graph_alloc(&r->out, r->n, edges))
        return false;
    prof_large_advise(r->out.first, ((size_t)r->n + 2) * sizeof *r->out.first);
    prof_large_advise(r->out.to, edges * sizeof *r->out.to);
    prof_large_advise(r->out.label, edges * sizeof *r->out.label);
    each_edge(r, count_out, &r->out);
    graph_rows(&r->out);
    each_edge(r, graph_put, &r->out);
    size_t roots = 0;
    for (size_t w = 0; w < words; w++) {
        if (r->target[w] != GRAPH_NONE && (r->place[w] & REACH_PLACE_ROOT) != 0)
            r->root_word[roots++] = (uint32_t)w;
    }
    return true;
}

bool reach_holders(struct reach *r)
{
    if (r->in.first != NULL)
        return true;
    size_t edges = r->n > 0 ? r->out.first[r->n] : 0;
    if (!graph_alloc(&r->in, r->n, edges + r->root_count))
        return false;
    for (size_t i = 0; i < r->root_count; i++)
        graph_count(&r->in, r->target[r->root_word[i]]);
    each_edge(r, count_in, &r->in);
    graph_rows(&r->in);
    for (size_t i = 0; i < r->root_count; i++)
        graph_put(&r->in, r->target[r->root_word[i]], GRAPH_NONE, r->root_word[i]);
    each_edge(r, put_in, &r->in);
    return true;
}

/* ---- What the roots reach ---------------------------------------------------------------------------------------- */

struct walk {
    struct reach *r;
    uint32_t *queue; /* held and possible nodes in the order in which they were reached */
    size_t tail;
};

static void enter(struct walk *walk, uint32_t node, enum reach_class class_, uint8_t root, uint32_t via, uint32_t from)
{
    struct reach *r = walk->r;

    if (r->class_[node] != REACH_UNKNOWN)
        return;
    r->class_[node] = (uint8_t)class_;
    r->root[node] = root;
    r->via[node] = via;
    r->from[node] = from;
    walk->queue[walk->tail++] = node;
}

/* How many nodes ahead caches are warmed: of their rows, and of their edges. */
enum { AHEAD = 16, NEAR = 8 };

/* From queue[head] on. Held: along start pointers. Possible: also along interior ones, which makes possible what was
 * not held before. */
static void flood(struct walk *walk, size_t head, enum reach_class class_)
{
    struct reach *r = walk->r;

    for (; head < walk->tail; head++) {
        uint32_t v = walk->queue[head];
        if (head + AHEAD < walk->tail)
            __builtin_prefetch(&r->out.first[walk->queue[head + AHEAD]]);
        if (head + NEAR < walk->tail) {
            uint32_t first = r->out.first[walk->queue[head + NEAR]];
            __builtin_prefetch(&r->out.to[first]);
            __builtin_prefetch(&r->out.label[first]);
        }
        for (uint32_t e = r->out.first[v]; e < r->out.first[v + 1]; e++) {
            uint32_t word = r->out.label[e];
            if (class_ == REACH_POSSIBLE || (r->place[word] & REACH_PLACE_START) != 0)
                enter(walk, r->out.to[e], class_, r->root[v], word, v);
        }
        uint32_t around = r->nodes[v].around;
        if (around != GRAPH_NONE)
            enter(walk, around, class_, r->root[v], GRAPH_NONE, v);
    }
}

static void enter_roots(struct walk *walk, enum reach_class class_)
{
    struct reach *r = walk->r;

    for (unsigned kind = PROF_ROOT_NONE + 1; kind < PROF_ROOT_COUNT_; kind++) {
        for (size_t i = 0; i < r->root_count; i++) {
            uint32_t word = r->root_word[i];
            if ((r->place[word] & REACH_PLACE_ROOT) == kind &&
                (class_ == REACH_POSSIBLE || (r->place[word] & REACH_PLACE_START) != 0))
                enter(walk, r->target[word], class_, (uint8_t)kind, word, GRAPH_NONE);
        }
    }
}

static bool mark(struct reach *r, const struct reach_input *input)
{
    struct walk walk = { .r = r, .queue = prof_large_malloc((size_t)r->n + 1, sizeof *walk.queue) };
    static const struct {
        uint8_t flag, kind;
    } roots[] = { { REACH_NODE_PURPOSE, PROF_ROOT_PURPOSE }, { REACH_NODE_LOADER, PROF_ROOT_LOADER } };

    if (walk.queue == NULL)
        return false;
    enter_roots(&walk, REACH_HELD);
    for (uint32_t v = 0; v < r->n; v++) {
        if (r->nodes[v].flags & REACH_NODE_MMAP)
            enter(&walk, v, REACH_HELD, PROF_ROOT_MMAP, GRAPH_NONE, GRAPH_NONE);
        for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++)
            if ((r->nodes[v].flags & roots[i].flag) != 0 && (input->without >> roots[i].kind & 1) == 0)
                enter(&walk, v, REACH_HELD, roots[i].kind, GRAPH_NONE, GRAPH_NONE);
    }
    flood(&walk, 0, REACH_HELD);
    enter_roots(&walk, REACH_POSSIBLE);
    flood(&walk, 0, REACH_POSSIBLE);
    free(walk.queue);
    return true;
}

/* ---- The rest ---------------------------------------------------------------------------------------------------- */

/* Components that no other lost one points into: their first member leads, one with counted objects if there is any.
 */
static bool find_leaders(struct reach *r, const uint8_t *lost)
{
    uint8_t *entered = calloc((size_t)r->component_count + 1, 1);

    r->component_size = calloc((size_t)r->component_count + 1, sizeof *r->component_size);
    if (entered == NULL || r->component_size == NULL) {
        free(entered);
        return false;
    }
    for (uint32_t v = 0; v < r->n; v++) {
        if (!lost[v])
            continue;
        r->component_size[r->component[v]]++;
        for (uint32_t e = r->out.first[v]; e < r->out.first[v + 1]; e++) {
            uint32_t to = r->out.to[e]; // never held or possible but for what leads out: those are lost[] == 0
            if (lost[to] && r->component[to] != r->component[v])
                entered[r->component[to]] = 1;
        }
    }
    for (int plain = 0; plain < 2; plain++) {
        for (uint32_t v = 0; v < r->n; v++) {
            bool counted = (r->nodes[v].flags & (REACH_NODE_OBJECT | REACH_NODE_COUNTED)) != 0;
            if (lost[v] && (counted || plain) && !entered[r->component[v]]) {
                r->class_[v] = REACH_LOST;
                entered[r->component[v]] = 1;
            }
        }
    }
    free(entered);
    return true;
}

/* Everything a leader leads to is its, unless an earlier leader has it. */
static bool fold(struct reach *r, const uint8_t *lost)
{
    uint32_t *queue = malloc(((size_t)r->n + 1) * sizeof *queue);

    if (queue == NULL)
        return false;
    for (uint32_t leader = 0; leader < r->n; leader++) {
        size_t head = 0, tail = 0;
        if (r->class_[leader] != REACH_LOST)
            continue;
        r->from[leader] = leader;
        queue[tail++] = leader;
        while (head < tail) {
            uint32_t v = queue[head++];
            for (uint32_t e = r->out.first[v]; e < r->out.first[v + 1]; e++) {
                uint32_t to = r->out.to[e];
                if (!lost[to] || r->class_[to] != REACH_UNKNOWN)
                    continue;
                r->class_[to] = REACH_INDIRECT;
                r->from[to] = leader;
                queue[tail++] = to;
            }
        }
    }
    free(queue);
    return true;
}

static bool judge_rest(struct reach *r)
{
    uint8_t *lost = malloc((size_t)r->n + 1);
    bool good = lost != NULL;

    for (uint32_t v = 0; good && v < r->n; v++)
        lost[v] = r->class_[v] == REACH_UNKNOWN;
    good = good && graph_components(&r->out, lost, r->component, &r->component_count) && find_leaders(r, lost) &&
           fold(r, lost);
    free(lost);
    return good;
}

static void sum_up(struct reach *r)
{
    for (uint32_t v = 0; v < r->n; v++) {
        if (r->nodes[v].flags & REACH_NODE_MMAP)
            continue;
        r->count[r->class_[v]]++;
        r->bytes[r->class_[v]] += r->nodes[v].size;
    }
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

struct prof_error *reach_create(const struct reach_input *input, struct reach **ret)
{
    struct reach *r = calloc(1, sizeof *r);
    size_t n = (size_t)input->n + 1;

    if (r == NULL) {
        free(input->nodes);
        return prof_error_memory();
    }
    r->memory = input->memory;
    r->nodes = input->nodes;
    r->n = input->n;
    r->class_ = prof_large_calloc(n, 1);
    r->root = prof_large_calloc(n, 1);
    r->via = prof_large_malloc(n, sizeof *r->via);
    r->from = prof_large_malloc(n, sizeof *r->from);
    r->component = prof_large_malloc(n, sizeof *r->component);
    r->index = reach_index_create(r->nodes, r->n);
    bool good = r->class_ != NULL && r->root != NULL && r->via != NULL && r->from != NULL && r->component != NULL &&
                r->index != NULL;
    if (good) {
        memset(r->via, 0xff, n * sizeof *r->via); // GRAPH_NONE
        memset(r->from, 0xff, n * sizeof *r->from);
    }
    if (!good || !make_edges(r, input) || !mark(r, input) || !judge_rest(r)) {
        reach_destroy(r);
        return prof_error_memory();
    }
    sum_up(r);
    *ret = r;
    return NULL;
}

void reach_destroy(struct reach *reach)
{
    if (reach == NULL)
        return;
    reach_index_destroy(reach->index);
    graph_deinit(&reach->out);
    graph_deinit(&reach->in);
    free(reach->nodes);
    free(reach->place);
    free(reach->target);
    free(reach->root_word);
    free(reach->class_);
    free(reach->root);
    free(reach->via);
    free(reach->from);
    free(reach->component);
    free(reach->component_size);
    free(reach);
}

uint32_t reach_at(const struct reach *reach, uint64_t addr)
{
    return reach_index_at(reach->index, addr);
}

size_t reach_path(const struct reach *reach, uint32_t node, uint32_t *ret, size_t most)
{
    size_t length = 0;

    for (uint32_t v = node; v != GRAPH_NONE; v = reach->from[v])
        length++;
    // Of a long path the ends are told: how it begins and what holds the node.
    size_t head = length <= most ? most : most - most / 2, at = length, to = length < most ? length : most;
    for (uint32_t v = node; v != GRAPH_NONE; v = reach->from[v]) {
        at--;
        if (at < head || length - at <= most - head)
            ret[--to] = reach->via[v];
    }
    return length;
}

const struct prof_memory_area *reach_area(const struct reach *reach, uint32_t word)
{
    size_t low = 0, high = reach->memory->area_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const struct prof_memory_area *area = &reach->memory->areas[mid];
        if (area->first + area->count <= word)
            low = mid + 1;
        else
            high = mid;
    }
    return &reach->memory->areas[low];
}
