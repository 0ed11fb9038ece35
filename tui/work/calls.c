/* work/calls.c: trees of calls as answers: the children of a node, a part of a tree as a picture, the next node with a
 * text; and the stacks below a node, whose objects somebody wants to see. See work.h.
 *
 * The last few trees are kept. They are made in steps, between which other questions are answered. */
#include "calls.h"

#include <stdlib.h>
#include <string.h>

enum {
    TREES = 2,
    STEP = 1 << 10,
    TURN_MS = 8,
    CHILDREN = 200,
    CHILDREN_MOST = 20000,
    KEYS_MOST = 2048,
    NODES_MOST = 4000
};

struct kept {
    char *key; /* what was asked: by, lines, where */
    struct prof_calls *calls;
    bool done;
    uint64_t used;
};
struct work_calls {
    struct kept kept[TREES];
    uint64_t turns;
};

/* ---- Which tree -------------------------------------------------------------------------------------------------- */

static char *key_of(const json_t *question)
{
    json_t *key = json_pack("[O?,O?,O?]", json_object_get(question, "by"), json_object_get(question, "lines"),
                            json_object_get(question, "where"));
    char *text = key != NULL ? json_dumps(key, JSON_COMPACT) : NULL;
    json_decref(key);
    return text;
}

/* Events that are missing; those that came without a stack are there. */
static uint64_t lost_of(const struct prof_trace *trace)
{
    const struct trk_loss *loss = &prof_trace_info(trace)->loss;
    return loss->dropped + loss->holes + loss->emergency + loss->write_lost + loss->in_flight;
}

static struct kept *kept_of(struct work *work, const json_t *question, struct prof_error **ret_error)
{
    const char *by = work_asked(question, "by");
    const struct prof_calls_options options = { .by_callee = by != NULL && strcmp(by, "callee") == 0,
                                                .lines = json_is_true(json_object_get(question, "lines")),
                                                .lost = lost_of(work->trace),
                                                .where = work_asked(question, "where") };
    char *key = key_of(question);
    if (work->calls == NULL)
        work->calls = calloc(1, sizeof *work->calls);
    if (work->calls == NULL || key == NULL) {
        free(key);
        *ret_error = prof_error_create(PROF_ERROR_NO_MEMORY, "there is no memory");
        return NULL;
    }
    struct work_calls *all = work->calls;
    struct kept *oldest = &all->kept[0];
    for (size_t i = 0; i < TREES; i++) {
        struct kept *kept = &all->kept[i];
        if (kept->key != NULL && strcmp(kept->key, key) == 0) {
            free(key);
            kept->used = ++all->turns;
            return kept;
        }
        oldest = kept->used < oldest->used ? kept : oldest;
    }
    struct prof_calls *calls;
    *ret_error = prof_calls_begin(work->view, &options, &calls);
    if (*ret_error != NULL) {
        free(key);
        return NULL;
    }
    free(oldest->key);
    prof_calls_destroy(oldest->calls);
    *oldest = (struct kept){ .key = key, .calls = calls, .used = ++all->turns };
    return oldest;
}

struct prof_calls *work_calls_made(struct work *work, const json_t *question, double *ret_share,
                                   struct prof_error **ret_error)
{
    json_t *everything = json_pack("{s:s,s:b}", "by", "caller", "lines", 0);
    struct kept *kept = kept_of(work, question != NULL ? question : everything, ret_error);
    json_decref(everything);
    if (kept == NULL)
        return NULL;
    for (uint64_t begin = work_now_ms(); *ret_error == NULL && !kept->done && work_now_ms() - begin < TURN_MS;)
        *ret_error = prof_calls_go_on(kept->calls, STEP, &kept->done);
    *ret_share = prof_calls_share(kept->calls);
    return *ret_error == NULL && kept->done ? kept->calls : NULL;
}

/* The keys that a question gives; at most KEYS_MOST. Returns how many. */
static size_t keys_of(const json_t *question, const char *keys[KEYS_MOST])
{
    const json_t *way = json_object_get(question, "way");
    size_t count = 0, i;
    json_t *key;
    json_array_foreach(way, i, key) if (json_is_string(key) && count < KEYS_MOST) keys[count++] =
        json_string_value(key);
    return count;
}

static struct prof_error *node_of(struct prof_calls *calls, const json_t *question, struct prof_calls_node *ret)
{
    const char *keys[KEYS_MOST];
    size_t count = keys_of(question, keys);
    return prof_calls_at(calls, keys, count, ret);
}

static enum prof_calls_value metric_of(const json_t *question)
{
    enum prof_calls_value by = PROF_CALLS_BYTES;
    const char *sort = work_asked(question, "sort");
    if (sort != NULL)
        prof_calls_metric(sort, &by);
    return by;
}

/* ---- Nodes ------------------------------------------------------------------------------------------------------- */

json_t *work_calls_sum(const struct prof_calls_sum *sum)
{
    const uint64_t *v = sum->value;
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "bytes", (json_int_t)v[PROF_CALLS_BYTES], "objects",
                     (json_int_t)v[PROF_CALLS_OBJECTS], "open", (json_int_t)v[PROF_CALLS_OPEN], "events",
                     (json_int_t)v[PROF_CALLS_EVENTS], "blocks", (json_int_t)v[PROF_CALLS_BLOCKS], "allocs",
                     (json_int_t)v[PROF_CALLS_ALLOCS], "births", (json_int_t)v[PROF_CALLS_BIRTHS], "refs",
                     (json_int_t)v[PROF_CALLS_REFS], "unrefs", (json_int_t)v[PROF_CALLS_UNREFS], "guessed",
                     (json_int_t)sum->guessed);
}

static json_t *node_json(const struct prof_calls_node *node)
{
    char words[1024], place[1024];
    json_t *json = work_calls_sum(&node->sum);
    json_object_set_new(json, "key", work_text(node->key));
    json_object_set_new(json, "name", work_text(prof_calls_words(words, sizeof words, node)));
    json_object_set_new(json, "place", work_text(prof_calls_place(place, sizeof place, node)));
    json_object_set_new(json, "leaf", json_boolean(node->leaf));
    json_object_set_new(json, "special", json_boolean(node->frame == NULL && node->depth > 0));
    json_t *file = node->frame != NULL && node->frame->file != NULL ? json_string(node->frame->file) : NULL;
    if (file != NULL) { /* a name that is no UTF-8 cannot be asked for */
        json_object_set_new(json, "file", file);
        json_object_set_new(json, "line", json_integer(node->frame->line));
    }
    return json;
}

static json_t *whole_json(struct prof_calls *calls)
{
    struct prof_calls_node root;
    prof_calls_root(calls, &root);
    return work_calls_sum(&root.sum);
}

/* ---- Answers ----------------------------------------------------------------------------------------------------- */

static json_t *children(struct prof_calls *calls, const json_t *question, const struct prof_calls_node *node,
                        struct prof_error **ret_error)
{
    struct prof_calls_node *list;
    size_t count, most = (size_t)work_asked_number(question, "count", CHILDREN);
    most = most < CHILDREN_MOST ? most : CHILDREN_MOST;
    *ret_error = prof_calls_children(calls, node, metric_of(question), &list, &count);
    if (*ret_error != NULL)
        return NULL;
    json_t *rows = json_array();
    for (size_t i = 0; i < count && i < most; i++)
        json_array_append_new(rows, node_json(&list[i]));
    free(list);
    return json_pack("{s:o,s:o,s:I,s:o}", "self", node_json(node), "rows", rows, "more",
                     (json_int_t)(count > most ? count - most : 0), "whole", whole_json(calls));
}

static bool add_node(void *ctx, const struct prof_calls_node *node, uint32_t level, bool last, uint64_t trunks)
{
    json_t *nodes = ctx, *json = node_json(node);
    (void)last;
    (void)trunks;
    json_object_set_new(json, "level", json_integer(level));
    json_array_append_new(nodes, json);
    return json_array_size(nodes) < NODES_MOST;
}

static json_t *picture(struct prof_calls *calls, const json_t *question, const struct prof_calls_node *node,
                       struct prof_error **ret_error)
{
    json_t *nodes = json_array();
    uint64_t left_out = 0;
    const struct prof_calls_walk walk = { .by = metric_of(question),
                                          .depth = (uint32_t)work_asked_number(question, "depth", 1),
                                          .least = json_number_value(json_object_get(question, "least")),
                                          .each = add_node,
                                          .ctx = nodes };
    *ret_error = prof_calls_go(calls, node, &walk, &left_out);
    if (*ret_error == NULL)
        return json_pack("{s:o,s:o,s:I}", "nodes", nodes, "whole", whole_json(calls), "left_out", (json_int_t)left_out);
    json_decref(nodes);
    return NULL;
}

json_t *work_calls(struct work *work, const json_t *question, struct prof_error **ret_error)
{
    double share;
    struct prof_calls *calls = work_calls_made(work, question, &share, ret_error);
    struct prof_calls_node node;
    if (calls != NULL)
        *ret_error = node_of(calls, question, &node);
    if (*ret_error != NULL)
        return NULL;
    if (calls == NULL)
        return work_later(work, share);
    return json_object_get(question, "depth") != NULL ? picture(calls, question, &node, ret_error)
                                                      : children(calls, question, &node, ret_error);
}

json_t *work_calls_find(struct work *work, const json_t *question, struct prof_error **ret_error)
{
    double share;
    struct prof_calls *calls = work_calls_made(work, question, &share, ret_error);
    const char *text = work_asked(question, "text"), *keys[KEYS_MOST], **found;
    size_t count;
    if (*ret_error != NULL)
        return NULL;
    if (calls == NULL)
        return work_later(work, share);
    *ret_error = prof_calls_find(calls, keys, keys_of(question, keys), metric_of(question), text != NULL ? text : "",
                                 json_is_true(json_object_get(question, "back")), &found, &count);
    if (*ret_error != NULL)
        return NULL;
    json_t *way = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(way, work_text(found[i]));
    free(found);
    return json_pack("{s:o}", "way", way);
}

/* ---- Stacks ------------------------------------------------------------------------------------------------------ */

struct bits {
    uint64_t *words;
    size_t count;
    bool failed;
};

static void add_bit(void *ctx, uint32_t stack)
{
    struct bits *bits = ctx;
    if (stack >= bits->count) {
        size_t words = bits->count / 64, more = words > stack / 64 ? words : stack / 64 + 1;
        uint64_t *grown = reallocarray(bits->words, words + more, sizeof *grown);
        if (grown == NULL) {
            bits->failed = true;
            return;
        }
        memset(grown + words, 0, more * sizeof *grown);
        bits->words = grown;
        bits->count = (words + more) * 64;
    }
    bits->words[stack / 64] |= (uint64_t)1 << stack % 64;
}

/* Of a node, or of a line of a file. */
static struct prof_error *stacks_of(struct prof_calls *calls, const json_t *under, struct bits *bits)
{
    const char *file = work_asked(under, "file");
    struct prof_calls_node node;
    if (file != NULL)
        return prof_calls_line_stacks(calls, file, (uint32_t)work_asked_number(under, "line", 0),
                                      json_is_true(json_object_get(under, "any")), add_bit, bits);
    struct prof_error *error = node_of(calls, under, &node);
    if (error == NULL)
        prof_calls_stacks(calls, &node, add_bit, bits);
    return error;
}

bool work_stacks_of(struct work *work, const json_t *under, struct work_stacks *ret, double *ret_share,
                    struct prof_error **ret_error)
{
    struct prof_calls *calls =
        work_calls_made(work, work_asked(under, "file") != NULL ? NULL : under, ret_share, ret_error);
    struct bits bits = { 0 };
    if (calls == NULL)
        return false;
    add_bit(&bits, 0); /* there is memory, even of a node without stacks */
    if (!bits.failed)
        bits.words[0] = 0;
    *ret_error = stacks_of(calls, under, &bits);
    if (*ret_error == NULL && bits.failed)
        *ret_error = prof_error_create(PROF_ERROR_NO_MEMORY, "there is no memory");
    if (*ret_error != NULL) {
        free(bits.words);
        return false;
    }
    *ret = (struct work_stacks){ .bits = bits.words, .set = { .bits = bits.words, .count = bits.count } };
    return true;
}
