/* trial.c: trial deletion over rows, and what falls when a reference is given back. */
#include <graph/trial.h>

#include <stdlib.h>
#include <string.h>

#include "ahead.h"

enum {
    AHEAD_COUNT = 32, /* edges */
    BESIDE = 16       /* nodes */
};

static void subtract(const struct trial *t, int32_t *left)
{
    const struct graph *g = t->graph;
    uint32_t edges = g->first[g->n];

    for (uint32_t v = 0; v < g->n; v++) {
        if (!(t->flags[v] & TRIAL_CANDIDATE))
            continue;
        for (uint32_t e = g->first[v]; e < g->first[v + 1]; e++) {
            if (e + AHEAD_COUNT < edges)
                __builtin_prefetch(&left[g->to[e + AHEAD_COUNT]], 1);
            // Others' entries are changed, too, and never read.
            if (left[g->to[e]] != INT32_MIN)
                left[g->to[e]]--;
        }
    }
}

/* Marks as `class` what the queue leads to and is still trash. The queue has its first `tail` entries. Order does not
 * matter: of what lies beside its holder one is followed at once, so that lists are read as they lie in memory. */
static void spread(const struct trial *t, uint8_t *class_of, uint8_t class, uint32_t *queue, uint32_t tail)
{
    const struct graph *g = t->graph;

    for (uint32_t head = 0; head < tail; head++) {
        ahead_fetch(g, queue, head, tail, class_of, sizeof *class_of);
        for (uint32_t v = queue[head], next; v != GRAPH_NONE; v = next) {
            next = GRAPH_NONE;
            for (uint32_t e = g->first[v]; e < g->first[v + 1]; e++) {
                uint32_t to = g->to[e];
                if (class_of[to] != TRIAL_TRASH)
                    continue;
                class_of[to] = class;
                if (next == GRAPH_NONE && to - v + BESIDE < 2 * BESIDE)
                    next = to;
                else
                    queue[tail++] = to;
            }
        }
    }
}

/* Something counts it that is no candidate. */
static bool counted(const struct trial *t, const struct trial_result *r, uint32_t v)
{
    return r->left[v] > 0 || (t->known != NULL && t->known[v] > 0) || (r->notes[v] & TRIAL_UNDERFLOW);
}

bool trial_run(const struct trial *trial, struct trial_result *ret)
{
    uint32_t n = trial->graph->n, tail = 0;
    struct trial_result r = { 0 };
    uint32_t *queue = malloc(((size_t)n + 1) * sizeof *queue);

    r.class_of = calloc((size_t)n + 1, 1);
    r.notes = calloc((size_t)n + 1, 1);
    r.left = malloc(((size_t)n + 1) * sizeof *r.left);
    if (queue == NULL || r.class_of == NULL || r.notes == NULL || r.left == NULL) {
        free(queue);
        trial_result_deinit(&r);
        return false;
    }
    if (n > 0)
        memcpy(r.left, trial->count, (size_t)n * sizeof *r.left);
    subtract(trial, r.left);
    // Nobody is held twice: what roots lead to is alive whatever its counts, and only the rest asks for those.
    for (uint32_t v = 0; v < n; v++) {
        if (!(trial->flags[v] & TRIAL_CANDIDATE))
            continue;
        r.class_of[v] = TRIAL_TRASH;
        int64_t known = trial->known != NULL ? trial->known[v] : 0;
        if (r.left[v] < known) {
            r.notes[v] |= TRIAL_UNDERFLOW;
            r.underflow++;
        }
        if ((trial->flags[v] & (TRIAL_ROOT | TRIAL_PINNED | TRIAL_TOUCHED)) ||
            (!trial->whole && counted(trial, &r, v))) {
            r.class_of[v] = TRIAL_ALIVE;
            queue[tail++] = v;
        }
    }
    spread(trial, r.class_of, TRIAL_ALIVE, queue, tail);
    tail = 0;
    for (uint32_t v = 0; trial->whole && v < n; v++) {
        if (r.class_of[v] == TRIAL_TRASH && counted(trial, &r, v)) {
            r.class_of[v] = TRIAL_OVER;
            queue[tail++] = v;
        }
    }
    spread(trial, r.class_of, TRIAL_OVER, queue, tail);
    free(queue);
    for (uint32_t v = 0; v < n; v++) {
        r.alive += r.class_of[v] == TRIAL_ALIVE;
        r.over += r.class_of[v] == TRIAL_OVER;
        r.trash += r.class_of[v] == TRIAL_TRASH;
        if (r.class_of[v] == TRIAL_OVER && (r.left[v] > 0 || (r.notes[v] & TRIAL_UNDERFLOW)))
            r.notes[v] |= TRIAL_SOURCE;
    }
    *ret = r;
    return true;
}

void trial_result_deinit(struct trial_result *result)
{
    free(result->class_of);
    free(result->notes);
    free(result->left);
    *result = (struct trial_result){ 0 };
}

static bool lose_one(const int32_t *count, const uint8_t *flags, uint32_t v, int32_t *lost, struct trial_fall *fall)
{
    lost[v]++;
    if (lost[v] != count[v] || (flags[v] & TRIAL_PINNED))
        return true;
    if (fall->count == fall->room) {
        uint32_t room = fall->room + fall->room / 2 + 16;
        uint32_t *died = reallocarray(fall->died, room, sizeof *died);
        if (died == NULL)
            return false;
        fall->died = died;
        fall->room = room;
    }
    fall->died[fall->count++] = v;
    return true;
}

bool trial_what_if(const struct graph *graph, const int32_t *count, const uint8_t *flags, const uint32_t *drop,
                   size_t drop_count, int32_t *scratch, struct trial_fall *ret)
{
    bool good = true;

    ret->count = 0;
    for (size_t i = 0; good && i < drop_count; i++)
        good = lose_one(count, flags, drop[i], scratch, ret);
    for (uint32_t head = 0; good && head < ret->count; head++) {
        uint32_t v = ret->died[head];
        for (uint32_t e = graph->first[v]; good && e < graph->first[v + 1]; e++)
            good = lose_one(count, flags, graph->to[e], scratch, ret);
    }
    // Touched were the nodes dropped and what the dead hold.
    for (size_t i = 0; i < drop_count; i++)
        scratch[drop[i]] = 0;
    for (uint32_t i = 0; i < ret->count; i++)
        for (uint32_t e = graph->first[ret->died[i]]; e < graph->first[ret->died[i] + 1]; e++)
            scratch[graph->to[e]] = 0;
    return good;
}
