/* trial.c: trial deletion over rows, and what falls when a reference is given back. */
#include <graph/trial.h>

#include <stdlib.h>
#include <string.h>

#include <base/large.h>

#include "ahead.h"

enum {
    AHEAD_COUNT = 32, /* edges */
    BESIDE = 16       /* nodes */
};

/* All of it in one piece, so that it can be had with large pages: touching memory for the first time takes as long as
 * all the rest. What is used least comes last. */
struct work {
    int32_t *left;
    uint8_t *class_of, *notes;
    uint32_t *queue;
};
static bool work_alloc(struct work *ret, uint32_t n)
{
    size_t each = ((size_t)n + 8) & ~(size_t)7;
    char *all = prof_large_malloc(each, sizeof *ret->left + sizeof *ret->queue + 2);

    if (all == NULL)
        return false;
    ret->left = (int32_t *)(void *)all;
    ret->class_of = (uint8_t *)all + each * sizeof *ret->left;
    ret->notes = ret->class_of + each;
    ret->queue = (uint32_t *)(void *)(ret->notes + each);
    return true;
}

/* Takes from the counts what candidates hold; the edges of candidates that follow each other are one row. */
static void subtract(const struct trial *t, int32_t *left)
{
    const struct graph *g = t->graph;
    const uint32_t *to = g->to;
    const uint8_t *flags = t->flags;
    uint32_t edges = g->first[g->n], ahead = edges > AHEAD_COUNT ? edges - AHEAD_COUNT : 0;

    for (uint32_t v = 0, behind; v < g->n; v = behind) {
        for (behind = v; behind < g->n && (flags[behind] & TRIAL_CANDIDATE); behind++)
            ;
        uint32_t e = g->first[v], end = g->first[behind], near = end < ahead ? end : ahead;
        // Others' entries are changed, too, and never read.
        for (; e < near; e++) {
            __builtin_prefetch(&left[to[e + AHEAD_COUNT]], 1);
            left[to[e]] -= left[to[e]] != INT32_MIN;
        }
        for (; e < end; e++)
            left[to[e]] -= left[to[e]] != INT32_MIN;
        behind += behind == v;
    }
}

/* Marks as `class` what the queue leads to and is still trash; returns how many. The queue has its first `tail`
 * entries. Order does not matter: of what lies beside its holder one is followed at once, so that lists are read as
 * they lie in memory. */
static uint32_t spread(const struct graph *g, uint8_t *class_of, uint8_t class, uint32_t *queue, uint32_t tail)
{
    const uint32_t *first = g->first, *all = g->to;
    uint32_t marked = 0;

    for (uint32_t head = 0; head < tail; head++) {
        ahead_fetch(g, queue, head, tail, class_of, sizeof *class_of);
        for (uint32_t v = queue[head], next; v != GRAPH_NONE; v = next) {
            next = GRAPH_NONE;
            for (uint32_t e = first[v], end = first[v + 1]; e < end; e++) {
                uint32_t to = all[e];
                if (class_of[to] != TRIAL_TRASH)
                    continue;
                class_of[to] = class;
                marked++;
                if (next == GRAPH_NONE && to - v + BESIDE < 2 * BESIDE)
                    next = to;
                else
                    queue[tail++] = to;
            }
        }
    }
    return marked;
}

/* Gives candidates their class, as far as nobody leads to them: what is alive by itself goes into the queue. Nobody is
 * held twice: what roots lead to is alive whatever its counts, and only the rest asks for those. Returns the length of
 * the queue; *candidates. */
static uint32_t begin(const struct trial *t, const struct work *w, struct trial_result *r, uint32_t *candidates)
{
    const unsigned alive = TRIAL_ROOT | TRIAL_PINNED | TRIAL_TOUCHED;
    const int32_t *left = w->left;
    const uint32_t *known = t->known;
    uint8_t *class_of = w->class_of, *notes = w->notes;
    uint32_t tail = 0, count = 0, underflow = 0;

    for (uint32_t v = 0; v < t->graph->n; v++) {
        unsigned flags = t->flags[v];
        int64_t known_here = known != NULL ? known[v] : 0;
        bool under = (flags & TRIAL_CANDIDATE) != 0 && left[v] < known_here;
        notes[v] = under ? TRIAL_UNDERFLOW : 0;
        underflow += under;
        class_of[v] = flags & TRIAL_CANDIDATE ? TRIAL_TRASH : TRIAL_OUTSIDE;
        count += flags & TRIAL_CANDIDATE;
        bool counted = !t->whole && (left[v] > 0 || known_here > 0 || under);
        if ((flags & TRIAL_CANDIDATE) != 0 && ((flags & alive) != 0 || counted)) {
            class_of[v] = TRIAL_ALIVE;
            w->queue[tail++] = v;
        }
    }
    r->underflow = underflow;
    *candidates = count;
    return tail;
}

/* Of what is trash so far: what something counts that is no candidate. Returns the length of the queue. */
static uint32_t seek_counted(const struct trial *t, const struct work *w)
{
    const uint32_t *known = t->known;
    uint32_t tail = 0;

    for (uint32_t v = 0; v < t->graph->n; v++) {
        bool own = w->left[v] > 0 || (w->notes[v] & TRIAL_UNDERFLOW) != 0;
        if (w->class_of[v] != TRIAL_TRASH || !(own || (known != NULL && known[v] > 0)))
            continue;
        w->class_of[v] = TRIAL_OVER;
        if (own)
            w->notes[v] |= TRIAL_SOURCE;
        w->queue[tail++] = v;
    }
    return tail;
}

bool trial_run(const struct trial *trial, struct trial_result *ret)
{
    const struct graph *g = trial->graph;
    struct trial_result r = { 0 };
    struct work w;
    uint32_t candidates;

    if (!work_alloc(&w, g->n))
        return false;
    if (g->n > 0)
        memcpy(w.left, trial->count, (size_t)g->n * sizeof *w.left);
    subtract(trial, w.left);
    r.alive = begin(trial, &w, &r, &candidates);
    r.alive += spread(g, w.class_of, TRIAL_ALIVE, w.queue, r.alive);
    if (trial->whole && r.alive < candidates) {
        r.over = seek_counted(trial, &w);
        r.over += spread(g, w.class_of, TRIAL_OVER, w.queue, r.over);
    }
    r.trash = candidates - r.alive - r.over;
    r.left = w.left;
    r.class_of = w.class_of;
    r.notes = w.notes;
    *ret = r;
    return true;
}

void trial_result_deinit(struct trial_result *result)
{
    free(result->left); // all of it: see struct work
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
