/* shapes.h: heaps made of numbers, for measuring what goes through whole object graphs. The same objects and references
 * are made for rows, for a trace, and (graph_peer.py) for CPython.
 *
 *     list    chains of 1 000, each held by a root
 *     tree    four children to a node, each with a pointer to its parent
 *     random  each object has an owner among the 65 536 before it (2 in 1 000: a root), 0.8 more references to such,
 * 0.3 to or from any; the last hundredth are pairs that hold each other and nothing else double  one list, linked both
 * ways */
#ifndef BENCH_SHAPES_H
#define BENCH_SHAPES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "rnd.h"

#define SHAPE_ROOT UINT32_MAX
enum { SHAPE_CHAIN = 1000, SHAPE_NEAR = 65536, SHAPE_WORDS = 8 /* references that an object has room for */ };

struct shape_sink {
    void (*born)(void *ctx, uint32_t v); /* before every reference from or to it */
    /* The first reference to an object is its owner's; `word` counts the references of one holder, roots included. */
    void (*edge)(void *ctx, uint32_t from, uint32_t to, uint32_t word, bool first);
    void *ctx;
    uint8_t *words; /* by object, 0 at first: references it holds; random only */
    uint32_t roots;
};

static void shape_edge(struct shape_sink *s, uint32_t from, uint32_t to, bool first)
{
    if (from == SHAPE_ROOT)
        s->edge(s->ctx, from, to, s->roots++, first);
    else if (s->words[from] < SHAPE_WORDS)
        s->edge(s->ctx, from, to, s->words[from]++, first);
}

static uint32_t shape_near(uint32_t v)
{
    return v - 1 - (uint32_t)rnd(v < SHAPE_NEAR ? v : SHAPE_NEAR);
}

static void shape_random(struct shape_sink *s, uint32_t n)
{
    uint32_t alive = n - (n / 100 & ~1u);

    for (uint32_t v = 0; v < n; v++) {
        s->born(s->ctx, v);
        if (v >= alive) {
            if ((v - alive) % 2 == 1) {
                shape_edge(s, v - 1, v, true);
                shape_edge(s, v, v - 1, true);
            }
            continue;
        }
        uint32_t owner = v == 0 || rnd(1000) < 2 ? SHAPE_ROOT : shape_near(v);
        if (owner != SHAPE_ROOT && s->words[owner] == SHAPE_WORDS)
            owner = SHAPE_ROOT;
        shape_edge(s, owner, v, true);
        if (v > 0 && rnd(10) < 8)
            shape_edge(s, v, shape_near(v), false);
        if (v > 0 && rnd(10) < 3) {
            uint32_t far = (uint32_t)rnd(v);
            if (rnd(2))
                shape_edge(s, v, far, false);
            else
                shape_edge(s, far, v, false);
        }
    }
}

/* false: there is no shape of this name. */
static bool shape_make(const char *name, uint32_t n, struct shape_sink *s)
{
    bool list = strcmp(name, "list") == 0, tree = strcmp(name, "tree") == 0;

    seed(5);
    if (strcmp(name, "random") == 0) {
        shape_random(s, n);
        return true;
    }
    if (!list && !tree && strcmp(name, "double") != 0)
        return false;
    for (uint32_t v = 0; v < n; v++) {
        uint32_t from = tree ? (v - 1) / 4 : v - 1;
        if (v == 0 || (list && v % SHAPE_CHAIN == 0))
            from = SHAPE_ROOT;
        s->born(s->ctx, v);
        shape_edge(s, from, v, true);
        if (!list && from != SHAPE_ROOT)
            shape_edge(s, v, from, false);
    }
    return true;
}

#endif
