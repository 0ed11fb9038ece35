/* object_fall.c: what would be freed if references were gone, in which order, and what would live on with fewer.
 *
 * References are counted (graph/trial.h); pointers to plain blocks are not, so blocks that reach each other are one
 * unit, which ends when nothing outside of it points to it. Only what the dropped lead to is looked at. */
#include "object_graph.h"

#include <graph/trial.h>

#include <stdlib.h>

struct fall {
    const struct prof_graph *g;
    const struct prof_drop *drops;
    size_t drop_count;
    struct graph rows; /* what retains, without the dropped links; labels are edges of g->to */
    uint8_t *in;       /* by node: the dropped lead to it */
    uint8_t *plain;    /* by node: of these, a block */
    uint32_t *region;  /* those nodes */
    size_t count;      /* of them */
    uint32_t *unit;    /* by node of these */
    uint32_t units;
    struct graph tree;          /* units; labels are not used */
    struct graph nodes;         /* by unit: its nodes */
    int32_t *counts;            /* by unit */
    uint8_t *flags;             /* by unit: enum trial_flags */
    int32_t *lost;              /* by unit */
    PROF_VEC(uint32_t) dropped; /* units that lose one each */
    struct trial_fall died;
};

static void deinit(struct fall *f)
{
    graph_deinit(&f->rows);
    graph_deinit(&f->tree);
    graph_deinit(&f->nodes);
    free(f->in);
    free(f->plain);
    free(f->region);
    free(f->unit);
    free(f->counts);
    free(f->flags);
    free(f->lost);
    free(f->died.died);
    prof_vec_deinit(&f->dropped);
}

static bool same_link(const struct prof_link *a, const struct prof_link *b)
{
    return a->from == b->from && a->to == b->to && a->kind == b->kind && a->at == b->at && a->open == b->open &&
           a->word == b->word;
}

static bool is_dropped(const struct fall *f, uint32_t from, uint32_t to, uint32_t label)
{
    struct prof_link link = { .from = PROF_NODE_NONE };
    for (size_t i = 0; i < f->drop_count; i++) {
        if (f->drops[i].node != PROF_NODE_NONE || f->drops[i].link.to != to)
            continue;
        link = object_link(f->g, from, to, label);
        if (same_link(&link, &f->drops[i].link))
            return true;
    }
    return false;
}

static void enter(struct fall *f, uint32_t v)
{
    if (f->in[v])
        return;
    f->in[v] = 1;
    f->plain[v] = v >= f->g->a.n;
    f->region[f->count++] = v;
}

/* What the dropped lead to. The dropped links themselves are no edges: who held them cannot give them back again. */
static void gather(struct fall *f)
{
    const struct prof_graph *g = f->g;
    for (size_t i = 0; i < f->drop_count; i++)
        enter(f, f->drops[i].node != PROF_NODE_NONE ? f->drops[i].node : f->drops[i].link.to);
    for (size_t head = 0; head < f->count; head++) {
        uint32_t v = f->region[head];
        for (uint32_t e = f->rows.first[v]; e < f->rows.first[v + 1]; e++) {
            uint32_t label = g->to.label[f->rows.label[e]], t = f->rows.to[e];
            if (!is_dropped(f, v, t, label) && !object_link(g, v, t, label).unbacked)
                enter(f, t);
            else
                f->rows.to[e] = GRAPH_NONE;
        }
    }
}

static bool is_edge(const struct fall *f, uint32_t v, uint32_t e)
{
    uint32_t t = f->rows.to[e];
    return t != GRAPH_NONE && (f->unit[v] != f->unit[t] || t < f->g->a.n);
}

/* Blocks that reach each other get one unit, each object gets its own. */
static bool make_units(struct fall *f)
{
    struct graph blocks = { 0 };
    size_t edges = 0;
    bool good;

    // Components want rows without holes.
    for (size_t i = 0; i < f->count; i++)
        for (uint32_t v = f->region[i], e = f->rows.first[v]; e < f->rows.first[v + 1]; e++)
            edges += f->rows.to[e] != GRAPH_NONE;
    good = graph_alloc(&blocks, f->g->a.nodes, edges);
    for (int put = 0; good && put < 2; put++) {
        for (size_t i = 0; i < f->count; i++) {
            uint32_t v = f->region[i];
            for (uint32_t e = f->rows.first[v]; e < f->rows.first[v + 1]; e++) {
                if (f->rows.to[e] == GRAPH_NONE)
                    continue;
                if (put)
                    graph_put(&blocks, v, f->rows.to[e], 0);
                else
                    graph_count(&blocks, v);
            }
        }
        if (!put)
            graph_rows(&blocks);
    }
    good = good && graph_components(&blocks, f->plain, f->unit, &f->units);
    graph_deinit(&blocks);
    for (size_t i = 0; good && i < f->count; i++)
        if (!f->plain[f->region[i]])
            f->unit[f->region[i]] = f->units++;
    return good;
}

static bool make_rows(struct fall *f)
{
    size_t edges = 0;
    for (size_t i = 0; i < f->count; i++)
        for (uint32_t v = f->region[i], e = f->rows.first[v]; e < f->rows.first[v + 1]; e++)
            edges += is_edge(f, v, e);
    if (!graph_alloc(&f->tree, f->units, edges) || !graph_alloc(&f->nodes, f->units, f->count))
        return false;
    for (int put = 0; put < 2; put++) {
        for (size_t i = 0; i < f->count; i++) {
            uint32_t v = f->region[i];
            if (put)
                graph_put(&f->nodes, f->unit[v], v, 0);
            else
                graph_count(&f->nodes, f->unit[v]);
            for (uint32_t e = f->rows.first[v]; e < f->rows.first[v + 1]; e++) {
                if (is_edge(f, v, e) && put)
                    graph_put(&f->tree, f->unit[v], f->unit[f->rows.to[e]], 0);
                else if (is_edge(f, v, e))
                    graph_count(&f->tree, f->unit[v]);
            }
        }
        if (!put) {
            graph_rows(&f->tree);
            graph_rows(&f->nodes);
        }
    }
    return true;
}

/* References of an object; pointers from outside of a block's unit, of the dropped ones each. */
static void count(struct fall *f)
{
    const struct prof_graph *g = f->g;
    for (size_t i = 0; i < f->count; i++) {
        uint32_t v = f->region[i], unit = f->unit[v];
        if (g->flags[v] & NODE_PINNED)
            f->flags[unit] |= TRIAL_PINNED;
        if (v < g->a.n) {
            struct prof_refcount rc = prof_graph_refcount(g, v);
            int64_t most = rc.count + (rc.unaccounted > 0 ? rc.unaccounted : 0);
            f->counts[unit] = most > INT32_MAX ? INT32_MAX : (int32_t)most;
            continue;
        }
        for (uint32_t e = g->from.first[v]; e < g->from.first[v + 1]; e++) {
            uint32_t u = g->from.to[e], label = g->from.label[e];
            if (!label_retains(g, v, label))
                continue;
            bool inside = u != GRAPH_NONE && f->in[u] && f->unit[u] == unit && !is_dropped(f, u, v, label);
            f->counts[unit] += !inside;
        }
    }
}

static bool drop(struct fall *f)
{
    for (size_t i = 0; i < f->drop_count; i++) {
        prof_node node = f->drops[i].node;
        if (node == PROF_NODE_NONE && f->drops[i].link.unbacked)
            continue; // no reference goes with it
        uint32_t unit = f->unit[node != PROF_NODE_NONE ? node : f->drops[i].link.to];
        if (node != PROF_NODE_NONE && f->counts[unit] > 1)
            f->counts[unit] = 1; // all at once
        if (node != PROF_NODE_NONE && f->counts[unit] <= 0)
            f->counts[unit] = 1; // it was not held at all
        if (!prof_vec_push(&f->dropped, unit))
            return false;
    }
    return true;
}

/* Units to nodes; and who lost something, with how much. */
static bool tell(struct fall *f, struct prof_fall *ret)
{
    struct prof_fall fall = { .count = 0 };
    size_t nodes = 0, losers = 0;
    for (uint32_t i = 0; i < f->died.count; i++)
        nodes += f->nodes.first[f->died.died[i] + 1] - f->nodes.first[f->died.died[i]];
    fall.freed = malloc((nodes + 1) * sizeof *fall.freed);
    fall.left = malloc(((size_t)f->units + 1) * sizeof *fall.left);
    if (fall.freed == NULL || fall.left == NULL) {
        prof_fall_deinit(&fall);
        return false;
    }
    for (uint32_t i = 0; i < f->died.count; i++) {
        uint32_t unit = f->died.died[i];
        f->lost[unit] = INT32_MIN; // no more a loser
        for (uint32_t n = f->nodes.first[unit]; n < f->nodes.first[unit + 1]; n++) {
            prof_node v = f->nodes.to[n];
            fall.freed[fall.count++] = v;
            fall.objects += v < f->g->a.n;
            fall.blocks += v >= f->g->a.n;
            fall.bytes += prof_graph_size((struct prof_graph *)f->g, v).flat;
        }
    }
    for (size_t i = 0; i < f->dropped.count; i++)
        if (f->lost[f->dropped.items[i]] >= 0 && f->lost[f->dropped.items[i]]++ == 0)
            fall.left[losers++].node = f->dropped.items[i];
    for (uint32_t i = 0; i < f->died.count; i++) {
        uint32_t unit = f->died.died[i];
        for (uint32_t e = f->tree.first[unit]; e < f->tree.first[unit + 1]; e++)
            if (f->lost[f->tree.to[e]] >= 0 && f->lost[f->tree.to[e]]++ == 0)
                fall.left[losers++].node = f->tree.to[e];
    }
    for (size_t i = 0; i < losers; i++) {
        uint32_t unit = fall.left[i].node;
        fall.left[i] = (struct prof_left){ .node = f->nodes.to[f->nodes.first[unit]],
                                           .before = f->counts[unit],
                                           .after = (int64_t)f->counts[unit] - f->lost[unit] };
    }
    fall.left_count = losers;
    *ret = fall;
    return true;
}

struct prof_error *prof_graph_what_if(struct prof_graph *g, const struct prof_drop *drops, size_t drop_count,
                                      struct prof_fall *ret)
{
    struct fall f = { .g = g, .drops = drops, .drop_count = drop_count };
    size_t room = (size_t)g->a.nodes + 1;

    f.in = calloc(room, 1);
    f.plain = calloc(room, 1);
    f.region = malloc(room * sizeof *f.region);
    f.unit = malloc(room * sizeof *f.unit);
    bool good = f.in != NULL && f.plain != NULL && f.region != NULL && f.unit != NULL && object_retaining(g, &f.rows);
    if (good) {
        gather(&f);
        good = make_units(&f);
    }
    if (good) {
        f.counts = calloc((size_t)f.units + 1, sizeof *f.counts);
        f.lost = calloc((size_t)f.units + 1, sizeof *f.lost);
        f.flags = calloc((size_t)f.units + 1, 1);
        good = f.counts != NULL && f.lost != NULL && f.flags != NULL && make_rows(&f);
    }
    if (good) {
        count(&f);
        good = drop(&f) && trial_what_if(&f.tree, f.counts, f.flags, f.dropped.items, f.dropped.count, f.lost, &f.died);
    }
    good = good && tell(&f, ret);
    deinit(&f);
    return good ? NULL : prof_error_memory();
}

void prof_fall_deinit(struct prof_fall *fall)
{
    free(fall->freed);
    free(fall->left);
    *fall = (struct prof_fall){ 0 };
}
