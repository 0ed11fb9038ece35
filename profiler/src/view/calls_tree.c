/* calls_tree.c: trees of calls. The ways that go through a node stand together in the order of ways; its children are
 * found by sorting these by their next step, when somebody asks. */
#include "calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/radix.h>

void prof_calls_root(struct prof_calls *calls, struct prof_calls_node *ret)
{
    *ret = (struct prof_calls_node){ .key = "", .name = "all", .end = (uint32_t)calls->ways.count };
    for (size_t i = 0; i < calls->ways.count; i++)
        stack_sums_add(&ret->sum, &calls->ways.items[i].sum);
    ret->leaf = calls->ways.count == 0;
}

/* ---- Children ---------------------------------------------------------------------------------------------------- */

/* Brings the ways of a node into the order of their next steps: those that end here, then group by group, in each line
 * by line. false: no memory. */
static bool sort_ways(struct prof_calls *calls, const struct prof_calls_node *node)
{
    for (uint32_t i = node->first; i < node->end; i++) {
        const struct way *way = &calls->ways.items[calls->order[i].way];
        uint32_t step = way->length > node->depth ? calls_step(calls, way, node->depth) & STEP_SPOT : 0;
        calls->order[i].key = way->length > node->depth ? (uint64_t)(calls_group(calls, step) + 1) << 32 | step : 0;
    }
    return prof_radix_sort(&calls->order[node->first], node->end - node->first, sizeof *calls->order);
}

/* The ways from `first` on that take the same next step, as a node; its end is where others begin. */
static void make_node(const struct prof_calls *calls, const struct prof_calls_node *parent, uint32_t first,
                      enum prof_calls_value by, struct prof_calls_node *ret)
{
    uint64_t group = calls->order[first].key >> 32, line_value = 0, best = 0;
    const struct prof_frame *line_frame = NULL;
    *ret = (struct prof_calls_node){ .first = first, .depth = parent->depth + 1, .leaf = true };
    ret->key = calls->groups.items[group - 1]->key;
    ret->name = calls->groups.items[group - 1]->name;
    uint32_t i = first;
    for (; i < parent->end && calls->order[i].key >> 32 == group; i++) {
        const struct way *way = &calls->ways.items[calls->order[i].way];
        if (i == first || calls->order[i].key != calls->order[i - 1].key) {
            line_frame = calls->spots.items[(uint32_t)calls->order[i].key]->frame;
            ret->lines += line_frame != NULL && line_frame->line != 0;
            line_value = 0;
        }
        line_value += way->sum.value[by];
        if (ret->frame == NULL || line_value > best) {
            best = line_value;
            ret->frame = line_frame;
        }
        stack_sums_add(&ret->sum, &way->sum);
        ret->recursive |= (calls_step(calls, way, parent->depth) & STEP_REPEATED) != 0;
        if (way->length == ret->depth)
            stack_sums_add(&ret->self, &way->sum);
        else
            ret->leaf = false;
    }
    ret->end = i;
    ret->inlined = ret->frame != NULL && ret->frame->inlined;
}

static int greatest_first(const void *left, const void *right, void *ctx)
{
    const struct prof_calls_node *a = left, *b = right;
    const enum prof_calls_value order[] = { *(const enum prof_calls_value *)ctx, PROF_CALLS_BYTES, PROF_CALLS_OPEN,
                                            PROF_CALLS_EVENTS };
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (a->sum.value[order[i]] != b->sum.value[order[i]])
            return a->sum.value[order[i]] < b->sum.value[order[i]] ? 1 : -1;
    int c = strcmp(a->name, b->name);
    return c != 0 ? c : strcmp(a->key, b->key);
}

struct prof_error *prof_calls_children(struct prof_calls *calls, const struct prof_calls_node *node,
                                       enum prof_calls_value by, struct prof_calls_node **ret, size_t *ret_count)
{
    PROF_VEC(struct prof_calls_node) list = { 0 };
    *ret = NULL;
    *ret_count = 0;
    if (node->leaf)
        return NULL;
    if (!sort_ways(calls, node))
        return prof_error_memory();
    uint32_t at = node->first;
    while (at < node->end && calls->order[at].key == 0)
        at++;
    while (at < node->end) {
        struct prof_calls_node child;
        make_node(calls, node, at, by, &child);
        at = child.end;
        if (!prof_vec_push(&list, child)) {
            prof_vec_deinit(&list);
            return prof_error_memory();
        }
    }
    if (list.count > 1)
        qsort_r(list.items, list.count, sizeof *list.items, greatest_first, &by);
    *ret = list.items;
    *ret_count = list.count;
    return NULL;
}

struct prof_error *prof_calls_at(struct prof_calls *calls, const char *const *keys, size_t count,
                                 struct prof_calls_node *ret)
{
    struct prof_calls_node node;
    prof_calls_root(calls, &node);
    for (size_t level = 0; level < count; level++) {
        struct prof_calls_node *children;
        size_t n, i = 0;
        struct prof_error *error = prof_calls_children(calls, &node, PROF_CALLS_BYTES, &children, &n);
        if (error != NULL)
            return error;
        while (i < n && strcmp(children[i].key, keys[level]) != 0)
            i++;
        bool found = i < n;
        if (found)
            node = children[i];
        free(children);
        if (!found)
            return prof_error_create(PROF_ERROR_NOT_FOUND, "nothing goes this way at this moment");
    }
    *ret = node;
    return NULL;
}

void prof_calls_stacks(const struct prof_calls *calls, const struct prof_calls_node *node,
                       void (*each)(void *ctx, uint32_t stack), void *ctx)
{
    for (uint32_t i = node->first; i < node->end; i++)
        each(ctx, calls->ways.items[calls->order[i].way].stack);
}

/* ---- In words ---------------------------------------------------------------------------------------------------- */

char *prof_calls_words(char *buf, size_t size, const struct prof_calls_node *node)
{
    char name[1024];
    snprintf(buf, size, "%s%s%s", prof_escape_terminal(name, sizeof name, node->name), node->recursive ? " (r)" : "",
             node->inlined ? " (inlined)" : "");
    return buf;
}

char *prof_calls_place(char *buf, size_t size, const struct prof_calls_node *node)
{
    char raw[1024], place[1024], more[32] = "";
    buf[0] = '\0';
    if (node->frame == NULL || node->frame->function == NULL)
        return buf;
    if (node->lines > 1)
        snprintf(more, sizeof more, " +%u", node->lines - 1);
    prof_escape_terminal(place, sizeof place, prof_fmt_place(raw, sizeof raw, node->frame, false));
    snprintf(buf, size, "%s%s", place, more);
    return buf;
}

/* ---- A walk ------------------------------------------------------------------------------------------------------ */

struct level {
    struct prof_calls_node *nodes;
    size_t count, next;
};

static bool is_shown(const struct prof_calls_walk *walk, const struct prof_calls_node *node, double least)
{
    uint64_t value = node->sum.value[walk->by];
    return value > 0 ? (double)value >= least : walk->with_zeros;
}

/* The children that are shown, at the begin of the array. */
static size_t keep_shown(const struct prof_calls_walk *walk, double least, struct level *level)
{
    size_t kept = 0;
    for (size_t i = 0; i < level->count; i++)
        if (is_shown(walk, &level->nodes[i], least))
            level->nodes[kept++] = level->nodes[i];
    size_t left_out = level->count - kept;
    level->count = kept;
    return left_out;
}

struct prof_error *prof_calls_go(struct prof_calls *calls, const struct prof_calls_node *node,
                                 const struct prof_calls_walk *walk, uint64_t *ret_left_out)
{
    PROF_VEC(struct level) levels = { 0 };
    struct prof_error *error = NULL;
    struct prof_calls_node at = *node;
    double least = walk->least * (double)node->sum.value[walk->by];
    uint64_t left_out = 0, trunks = 0;
    bool goes_on = walk->each(walk->ctx, node, 0, true, 0);
    while (goes_on) {
        struct level below = { 0 };
        if (walk->depth == 0 || levels.count < walk->depth) {
            error = prof_calls_children(calls, &at, walk->by, &below.nodes, &below.count);
            left_out += keep_shown(walk, least, &below);
        }
        if (error == NULL && !prof_vec_push(&levels, below)) {
            free(below.nodes);
            error = prof_error_memory();
        }
        while (error == NULL && levels.count > 0 &&
               levels.items[levels.count - 1].next == levels.items[levels.count - 1].count)
            free(levels.items[--levels.count].nodes);
        if (error != NULL || levels.count == 0)
            break;
        struct level *top = &levels.items[levels.count - 1];
        at = top->nodes[top->next++];
        bool last = top->next == top->count;
        uint32_t level = (uint32_t)levels.count;
        goes_on = walk->each(walk->ctx, &at, level, last, level <= 64 ? trunks & ((1ull << (level - 1)) - 1) : trunks);
        if (level <= 64)
            trunks = (trunks & ~(1ull << (level - 1))) | (uint64_t)!last << (level - 1);
    }
    while (levels.count > 0)
        free(levels.items[--levels.count].nodes);
    prof_vec_deinit(&levels);
    if (error == NULL && ret_left_out != NULL)
        *ret_left_out = left_out;
    return error;
}
