/* trend_tell.c: what the counts of trend.c mean: what is above its peak, what is new, which edge all growth hangs on,
 * who inserts there and who stopped removing. */
#include "trend.h"

#include <math.h>
#include <string.h>

/* ---- Series ------------------------------------------------------------------------------------------------------ */

static uint64_t value(const struct prof_then *then, bool bytes)
{
    return bytes ? then->bytes : then->live;
}

static uint64_t above(uint64_t now, uint64_t then)
{
    return now > then ? now - then : 0;
}

static size_t moments_of(const struct prof_growth *g, bool seen, const struct prof_growth_moment **ret)
{
    *ret = seen ? g->looks : g->moments;
    return seen ? g->look_count : g->moment_count;
}

/* Is something compared at this moment? Marks are moments at which the program should have the same again, so that two
 * of them leave those out that were only added; the ends of the window always count. */
static bool compared(const struct prof_growth *g, size_t moment)
{
    size_t marks = 0;

    for (size_t i = 0; i < g->moment_count; i++)
        marks += g->moments[i].mark != NULL;
    return marks < 2 || g->moments[moment].mark != NULL || moment + 1 == g->moment_count ||
           (moment == 0 && g->windowed);
}

/* seen: then is by look. */
static struct prof_growth_series series_of(const struct prof_growth *g, const struct prof_then *then, bool bytes,
                                           bool seen)
{
    struct prof_growth_series s = { .then = then, .seen = seen };
    const struct prof_growth_moment *moments;
    struct bytes_point points[PROF_GROWTH_MOMENTS];
    uint64_t values[PROF_GROWTH_MOMENTS];
    size_t n = moments_of(g, seen, &moments), at[PROF_GROWTH_MOMENTS], count = 0;
    double mean = 0;

    for (size_t i = 0; i < n; i++) {
        if (!seen && !compared(g, i))
            continue;
        values[count] = value(&then[i], bytes);
        points[count] = (struct bytes_point){ moments[i].at_us, (double)values[count] };
        mean += points[count].value;
        at[count++] = i;
    }
    if (count == 0)
        return s;
    mean /= (double)count;
    s.peak_at = at[growth_peak(values, count)];
    s.grows = value(&then[n - 1], bytes) > value(&then[s.peak_at], bytes);
    s.delta = above(then[n - 1].live, then[s.peak_at].live);
    s.delta_bytes = above(then[n - 1].bytes, then[s.peak_at].bytes);
    double slope = count > 1 ? bytes_slope(points, count) / 60 : 0;
    s.per_minute = isfinite(slope) ? slope : 0;
    s.percent_per_minute = mean > 0 ? s.per_minute / mean * 100 : 0;
    return s;
}

static int by_growth(const struct prof_growth_series *a, const struct prof_growth_series *b)
{
    if (a->delta_bytes != b->delta_bytes)
        return a->delta_bytes > b->delta_bytes ? -1 : 1;
    if (a->delta != b->delta)
        return a->delta > b->delta ? -1 : 1;
    return 0;
}

/* ---- Kinds ------------------------------------------------------------------------------------------------------- */

static int kind_order(const void *left, const void *right)
{
    const struct prof_growth_kind *a = left, *b = right;
    int order = by_growth(&a->series, &b->series);

    order = order != 0 ? order : strcmp(a->type, b->type);
    return order != 0 ? order : (a->stack > b->stack) - (a->stack < b->stack);
}

static bool tell_kinds(struct prof_growth *g)
{
    for (size_t i = 0; i < g->kinds.count; i++) {
        const struct trend_kind *kind = &g->kinds.items[i];
        struct prof_growth_kind told = { .blocks = kind->blocks,
                                         .type = kind->blocks ? "" : prof_heap_type(g->heap, kind->type)->name,
                                         .stack = kind->stack,
                                         .series =
                                             series_of(g, trend_row(g->kind_then.items, i), kind->blocks, false) };
        if (told.series.grows && !prof_vec_push(&g->told_kinds, told))
            return false;
    }
    if (g->told_kinds.count > 1)
        qsort(g->told_kinds.items, g->told_kinds.count, sizeof *g->told_kinds.items, kind_order);
    return true;
}

/* ---- What is new ------------------------------------------------------------------------------------------------- */

static int new_order(const void *left, const void *right)
{
    const struct prof_growth_new *a = left, *b = right;

    if (a->fresh != b->fresh)
        return a->fresh > b->fresh ? -1 : 1;
    return strcmp(a->type, b->type);
}

static void add_sample(struct prof_growth_new *told, uint32_t serial)
{
    size_t at = told->sample_count;

    if (at == PROF_GROWTH_SAMPLES && told->samples[at - 1] < serial)
        return;
    if (at == PROF_GROWTH_SAMPLES)
        at--;
    else
        told->sample_count++;
    for (; at > 0 && told->samples[at - 1] > serial; at--)
        told->samples[at] = told->samples[at - 1];
    told->samples[at] = serial;
}

bool trend_news(struct prof_growth *g)
{
    size_t types = g->type_then.count / PROF_GROWTH_MOMENTS, kept = 0;

    for (size_t type = 0; type < types; type++) {
        const struct prof_then *then = trend_row(g->type_then.items, type);
        struct prof_growth_new told = { .type = prof_heap_type(g->heap, (prof_type_id)type)->name,
                                        .old = then[0].live,
                                        .current = then[g->moment_count - 1].live,
                                        .per_minute = series_of(g, then, false, false).per_minute };
        if (!prof_vec_push(&g->told_news, told))
            return false;
    }
    for (prof_obj_id id = 1; id < prof_heap_obj_max(g->a.heap); id++) {
        const struct prof_obj *obj = prof_heap_obj(g->a.heap, id);
        if (obj->state != PROF_OBJ_ALIVE && obj->state != PROF_OBJ_ZERO && obj->state != PROF_OBJ_PARKED)
            continue;
        if (id < g->first_max && g->first_ids[id].type == obj->type && g->first_ids[id].serial == obj->serial)
            continue;
        g->told_news.items[obj->type].fresh++;
        add_sample(&g->told_news.items[obj->type], obj->serial);
    }
    for (size_t i = 0; i < types; i++)
        if (g->told_news.items[i].fresh > 0)
            g->told_news.items[kept++] = g->told_news.items[i];
    g->told_news.count = kept;
    if (kept > 1)
        qsort(g->told_news.items, kept, sizeof *g->told_news.items, new_order);
    return true;
}

/* ---- Which edges all growth hangs on ----------------------------------------------------------------------------- */

/* A growing edge, and the kinds at its ends as nodes. */
struct rising {
    uint32_t edge; /* index into edges */
    uint32_t from, to;
    bool top;
    bool flat; /* no more were added in the last half */
    size_t below;
    struct prof_growth_series series;
};
struct rise {
    struct prof_growth *g;
    PROF_VEC(struct rising) list;
    struct graph graph; /* kinds as nodes, label: index into list */
    struct map node_of;
    uint32_t nodes;
};

static uint32_t node_of(struct rise *r, const char *name)
{
    const char *own = prof_intern(&r->g->a.intern, name, strlen(name));
    uint32_t at = own != NULL ? map_get(&r->node_of, (uint64_t)(uintptr_t)own) : UINT32_MAX;

    if (own == NULL || at != UINT32_MAX)
        return at;
    at = r->nodes++;
    return map_put(&r->node_of, (uint64_t)(uintptr_t)own, at) ? at : UINT32_MAX;
}

static int rising_order(const void *left, const void *right)
{
    const struct rising *a = left, *b = right;
    int order = by_growth(&a->series, &b->series);
    return order != 0 ? order : (a->edge > b->edge) - (a->edge < b->edge);
}

/* No more of it was added over the last half of what is compared; *ret_us: since when. */
static bool is_flat(const struct prof_growth *g, const struct prof_growth_series *s, uint64_t *ret_us)
{
    enum { ENOUGH = 4 };
    const struct prof_growth_moment *moments;
    size_t n = moments_of(g, s->seen, &moments), at[PROF_GROWTH_MOMENTS], count = 0;

    for (size_t i = 0; i < n; i++)
        if (s->seen || compared(g, i))
            at[count++] = i;
    if (count < ENOUGH || s->then[at[count - 1]].live > s->then[at[(count - 1) / 2]].live)
        return false;
    *ret_us = moments[at[(count - 1) / 2]].at_us;
    return true;
}

/* Pointers of which nobody told stand for references only where none that were told explain the growth. */
static bool gather_rising(struct rise *r, bool seen, struct map *explained)
{
    const struct prof_growth *g = r->g;

    if (seen ? g->look_count < PROF_GROWTH_LOOKS : g->moment_count < PROF_GROWTH_ENOUGH)
        return true;
    for (size_t i = 0; i < g->edges.count; i++) {
        const struct trend_edge *edge = &g->edges.items[i];
        if (edge->seen != seen || (seen && map_get(explained, edge->to) != UINT32_MAX))
            continue;
        struct rising rising = { .edge = (uint32_t)i,
                                 .series = series_of(g, trend_row(g->edge_then.items, i), false, seen) };
        if (!rising.series.grows || rising.series.per_minute < 0)
            continue;
        uint64_t since_us = 0;
        rising.flat = is_flat(g, &rising.series, &since_us);
        // Full: what came since took the place of others. Else the program may have had nothing to do.
        if (rising.flat && edge->newest_us > since_us)
            continue;
        if (!prof_vec_push(&r->list, rising) || (!seen && !map_put(explained, edge->to, 0)))
            return false;
    }
    return true;
}

static bool gather(struct rise *r)
{
    struct graph_edges edges = { 0 };
    struct map explained = { 0 };
    bool gathered = gather_rising(r, false, &explained) && gather_rising(r, true, &explained);

    map_deinit(&explained);
    if (!gathered)
        return false;
    if (r->list.count > 1)
        qsort(r->list.items, r->list.count, sizeof *r->list.items, rising_order);
    bool good = true;
    for (size_t i = 0; i < r->list.count && good; i++) {
        struct rising *rising = &r->list.items[i];
        const struct trend_edge *edge = &r->g->edges.items[rising->edge];
        rising->from = node_of(r, edge->from);
        rising->to = node_of(r, prof_heap_type(r->g->heap, edge->to)->name);
        struct graph_edge e = { rising->from, rising->to, (uint32_t)i };
        good = rising->from != UINT32_MAX && rising->to != UINT32_MAX && prof_vec_push(&edges, e);
    }
    good = good && graph_init(&r->graph, r->nodes, edges.items, edges.count);
    prof_vec_deinit(&edges);
    return good;
}

/* Kinds that nothing else growing leads to: all their edges are told, or of those that lead back to them (lists) the
 * one that grew most. What leads to a list and grows next to nothing beside it (a table whose buckets begin chains)
 * does not make it longer. Components are numbered after what they reach. */
static bool choose_tops(struct rise *r)
{
    enum { BESIDE = 16 };
    uint64_t *longer = NULL; /* of loops: by how much the edge that grew most did */
    uint32_t count, *component = malloc((r->nodes + 1) * sizeof *component);
    uint8_t *fed = NULL, *loops = NULL, *growing = NULL;
    bool good = component != NULL && graph_components(&r->graph, NULL, component, &count);

    if (good) {
        fed = calloc(count + 1, 1);
        loops = calloc(count + 1, 1);
        growing = calloc(count + 1, 1);
        longer = calloc((size_t)count + 1, sizeof *longer);
        good = fed != NULL && loops != NULL && growing != NULL && longer != NULL;
    }
    for (size_t i = 0; good && i < r->list.count; i++) {
        const struct rising *rising = &r->list.items[i];
        uint32_t from = component[rising->from];
        if (from != component[rising->to])
            continue;
        loops[from] = 1;
        growing[from] |= !rising->flat;
        longer[from] = rising->series.delta > longer[from] ? rising->series.delta : longer[from];
    }
    for (size_t i = 0; good && i < r->list.count; i++) {
        const struct rising *rising = &r->list.items[i];
        uint32_t from = component[rising->from], to = component[rising->to];
        if (from != to && rising->series.delta >= longer[to] / BESIDE && !(rising->flat && growing[to]))
            fed[to] = 1;
    }
    for (size_t i = 0; good && i < r->list.count; i++) {
        struct rising *rising = &r->list.items[i];
        uint32_t from = component[rising->from], to = component[rising->to];
        if (fed[from] || loops[from] == 2 || (loops[from] && from != to))
            continue;
        rising->top = true;
        if (loops[from])
            loops[from] = 2; // told
    }
    free(component);
    free(fed);
    free(loops);
    free(growing);
    free(longer);
    return good;
}

/* Edges that are not told are counted below the first told one that leads to them. */
static bool fold_below(struct rise *r)
{
    uint32_t *seeds = malloc((r->list.count + 1) * sizeof *seeds), *reached = malloc((r->nodes + 1) * sizeof *reached);
    uint32_t *top_of = malloc((r->nodes + 1) * sizeof *top_of);
    size_t count = 0;
    bool good = seeds != NULL && reached != NULL && top_of != NULL;

    for (uint32_t v = 0; good && v < r->nodes; v++)
        reached[v] = top_of[v] = GRAPH_NONE;
    for (size_t i = 0; good && i < r->list.count; i++) {
        const struct rising *rising = &r->list.items[i];
        if (!rising->top || top_of[rising->to] != GRAPH_NONE)
            continue;
        top_of[rising->to] = (uint32_t)i;
        seeds[count++] = rising->to;
    }
    good = good && graph_reach(&r->graph, NULL, seeds, count, reached);
    for (size_t i = 0; good && i < r->list.count; i++) {
        const struct rising *rising = &r->list.items[i];
        uint32_t seed = reached[rising->from];
        if (!rising->top && seed != GRAPH_NONE)
            r->list.items[top_of[seed]].below++;
    }
    free(seeds);
    free(reached);
    free(top_of);
    return good;
}

/* ---- Who inserts, who stopped removing --------------------------------------------------------------------------- */

static int inserter_order(const void *left, const void *right)
{
    const struct prof_growth_inserter *a = left, *b = right;
    uint64_t by_a = above(a->last, a->first), by_b = above(b->last, b->first);

    if (by_a != by_b)
        return by_a > by_b ? -1 : 1;
    return a->last_us != b->last_us ? (a->last_us > b->last_us ? -1 : 1)
                                    : (a->stack > b->stack) - (a->stack < b->stack);
}

static int remover_order(const void *left, const void *right)
{
    const struct prof_growth_remover *a = left, *b = right;

    if ((a->late == 0) != (b->late == 0))
        return a->late == 0 ? -1 : 1;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return (a->stack > b->stack) - (a->stack < b->stack);
}

/* The moment behind which the last half of what was added was added. */
static size_t half_added(const struct prof_growth *g, const struct prof_growth_series *s)
{
    size_t at = g->moment_count - 1;
    uint64_t now = s->then[at].live;

    while (at > 0 && above(now, s->then[at].live) * 2 < s->delta)
        at--;
    return at;
}

/* What left an object is known to be of its edge; of variables and blocks only the sites tell. */
static bool may_leave(const struct trend_edge *edge, const struct trend_left *left)
{
    return left->from == edge->object && (edge->object == NULL || left->field == edge->field);
}

static bool tell_removers(struct prof_growth *g, uint32_t edge, prof_type_id to, size_t half,
                          struct prof_growth_edge *ret)
{
    PROF_VEC(struct prof_growth_remover) list = { 0 };
    struct map of_site = { 0 };
    bool good = true;

    for (size_t i = 0; i < g->lefts.count && good; i++) {
        const struct trend_left *left = &g->lefts.items[i];
        const uint64_t *counts = g->left_counts.items + i * PROF_GROWTH_MOMENTS;
        if (left->type != to || !may_leave(&g->edges.items[edge], left))
            continue;
        uint32_t put = site_of(&g->a, left->put), site = site_of(&g->a, left->left);
        good = put != UINT32_MAX && site != UINT32_MAX;
        if (!good || map_get(&g->insert_of, (uint64_t)edge << 32 | put) == UINT32_MAX)
            continue;
        uint32_t at = map_get(&of_site, site);
        if (at == UINT32_MAX) {
            at = (uint32_t)list.count;
            good = map_put(&of_site, site, at) &&
                   prof_vec_push(&list, (struct prof_growth_remover){ .stack = left->left });
        }
        good = good && at < list.count;
        if (!good)
            break;
        struct prof_growth_remover *remover = &list.items[at];
        remover->before += g->windowed ? counts[0] : 0;
        for (size_t m = g->windowed ? 1 : 0; m < g->moment_count; m++) {
            remover->count += counts[m];
            remover->late += m > half ? counts[m] : 0;
        }
        remover->last_us = left->last_us > remover->last_us ? left->last_us : remover->last_us;
    }
    size_t kept = 0;
    for (size_t i = 0; i < list.count; i++)
        if (list.items[i].count + list.items[i].before > 0)
            list.items[kept++] = list.items[i];
    if (kept > 1)
        qsort(list.items, kept, sizeof *list.items, remover_order);
    struct prof_growth_remover *told = good ? prof_arena_alloc(g->a.arena, (kept + 1) * sizeof *told) : NULL;
    if (told != NULL && kept > 0)
        memcpy(told, list.items, kept * sizeof *told);
    ret->removers = told;
    ret->remover_count = kept;
    prof_vec_deinit(&list);
    map_deinit(&of_site);
    return told != NULL;
}

static bool tell_inserters(struct prof_growth *g, uint32_t edge, struct prof_growth_edge *ret)
{
    size_t count = 0;

    for (size_t i = 0; i < g->inserts.count; i++)
        count += g->inserts.items[i].edge == edge && g->inserts.items[i].last > 0;
    struct prof_growth_inserter *told = prof_arena_alloc(g->a.arena, (count + 1) * sizeof *told);
    if (told == NULL)
        return false;
    ret->inserters = told;
    for (size_t i = 0; i < g->inserts.count; i++) {
        const struct trend_insert *insert = &g->inserts.items[i];
        if (insert->edge == edge && insert->last > 0)
            told[ret->inserter_count++] =
                (struct prof_growth_inserter){ insert->stack, insert->first, insert->last, insert->last_us };
    }
    if (count > 1)
        qsort(told, count, sizeof *told, inserter_order);
    return true;
}

static bool tell_edge(struct prof_growth *g, const struct rising *rising)
{
    const struct trend_edge *edge = &g->edges.items[rising->edge];
    const char *to = prof_heap_type(g->heap, edge->to)->name;
    struct prof_growth_edge told = { .from = edge->from,
                                     .field = edge->field,
                                     .to = to,
                                     .root = edge->root,
                                     .series = rising->series,
                                     .example_type = to,
                                     .example_serial = edge->serial,
                                     .example_slot = edge->slot,
                                     .below = rising->below };
    if (edge->seen)
        return prof_vec_push(&g->told_edges, told);
    size_t half = half_added(g, &rising->series);

    return tell_inserters(g, rising->edge, &told) && tell_removers(g, rising->edge, edge->to, half, &told) &&
           prof_vec_push(&g->told_edges, told);
}

static bool tell_edges(struct prof_growth *g)
{
    struct rise r = { .g = g };
    bool good = gather(&r) && choose_tops(&r) && fold_below(&r);

    for (size_t i = 0; i < r.list.count && good && g->told_edges.count < PROF_GROWTH_EDGES; i++)
        if (r.list.items[i].top)
            good = tell_edge(g, &r.list.items[i]);
    g->rising = r.list.count;
    prof_vec_deinit(&r.list);
    graph_deinit(&r.graph);
    map_deinit(&r.node_of);
    return good;
}

bool trend_tell(struct prof_growth *g)
{
    return tell_kinds(g) && tell_edges(g);
}

/* ---- Answers ----------------------------------------------------------------------------------------------------- */

size_t prof_growth_moments(const struct prof_growth *g, const struct prof_growth_moment **ret)
{
    *ret = g->moments;
    return g->moment_count;
}

size_t prof_growth_moments_of(const struct prof_growth *g, const struct prof_growth_series *series,
                              const struct prof_growth_moment **ret)
{
    return moments_of(g, series->seen, ret);
}

size_t prof_growth_kinds(const struct prof_growth *g, const struct prof_growth_kind **ret)
{
    *ret = g->told_kinds.items;
    return g->told_kinds.count;
}

size_t prof_growth_news(const struct prof_growth *g, const struct prof_growth_new **ret)
{
    *ret = g->told_news.items;
    return g->told_news.count;
}

size_t prof_growth_edges(const struct prof_growth *g, const struct prof_growth_edge **ret, size_t *ret_all)
{
    *ret = g->told_edges.items;
    *ret_all = g->rising;
    return g->told_edges.count;
}
