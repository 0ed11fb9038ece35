/* break.c: which reference of a cycle should not count: each field of the shortest cycle is tried. */
#include "group.h"
#include "hold.h"
#include "what_if.h"

#include <string.h>
#include <strings.h>

#include <track/track.h>

enum { ENDS_MAX = 8, REASONS_MAX = 4 };

bool cycle_points_back(const char *field)
{
    static const char *const words[] = { "parent",    "owner",     "prev",     "self",     "ctx",
                                         "context",   "user_data", "userdata", "back",     "up",
                                         "container", "delegate",  "listener", "observer", "data" };
    const char *last = field != NULL ? strrchr(field, '.') : NULL;

    last = last != NULL ? last + 1 : field;
    for (size_t i = 0; last != NULL && i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i]);
        const char *at = strcasestr(last, words[i]);
        if (at == NULL || (at != last && at[-1] != '_'))
            continue;
        at += n;
        if (*at == 's' && n > 4) // "observers"
            at++;
        if (*at == '\0' || *at == '_' || *at == '[')
            return true;
    }
    return false;
}

/* References without a slot are only counted by site: when the newest of them was taken. false: unknown. */
static bool taken_at(struct analysis *a, const struct prof_finding_edge *edge, uint64_t *ret)
{
    const struct prof_obj *to = prof_heap_obj(a->heap, edge->to);

    *ret = edge->taken_us;
    if (!edge->adopted)
        return true;
    for (uint32_t at = to->first_site; at != 0;) {
        const struct prof_site_count *site = prof_heap_site_count(a->heap, at);
        if (site->stack == edge->stack && site->taken > 0) {
            *ret = site->last_us;
            return true;
        }
        at = site->next;
    }
    *ret = edge->stack == to->stack ? to->born_us : 0;
    return edge->stack == to->stack;
}

/* Certainly taken later? The clock is coarse; in one tick, what is known is that a reference of an object was taken
 * after that object was born, and ids are in the order of births. The first tick has time 0, like any other. */
static bool is_later(const struct prof_finding_edge *x, const struct prof_finding_edge *y)
{
    if (!x->timed || !y->timed)
        return false;
    if (x->taken_us != y->taken_us || !y->birth)
        return x->taken_us > y->taken_us;
    if (x->birth)
        return x->to > y->to;
    return x->to >= y->to || x->from >= y->to;
}

/* ---- Which references are that field ------------------------------------------------------------------------------
 */

struct drops {
    struct analysis *a;
    struct what_if *w;
    const struct prof_finding_edge *edge;
    prof_type_id from, to;
    prof_obj_id cause;         /* holds the cycle from outside, 0 */
    PROF_VEC(uint32_t) nodes;  /* what loses a reference */
    PROF_VEC(uint32_t) blocks; /* still to be looked through */
    struct map seen;
};

/* A field that leads through plain blocks is called "field[]". */
static bool same_field(const char *field, bool through, const char *wanted)
{
    size_t length = field != NULL ? strlen(field) : 0;

    if (field == NULL || wanted == NULL)
        return field == wanted;
    return strncmp(field, wanted, length) == 0 &&
           (through ? strncmp(wanted + length, "[]", 2) == 0 : wanted[length] == '\0');
}

static bool is_target(const struct drops *d, uint32_t from, uint32_t to)
{
    return to < d->a->n && d->a->component[to] == d->a->component[from] && prof_heap_obj(d->a->heap, to)->type == d->to;
}

static bool add_block(struct drops *d, uint32_t v)
{
    if (map_get(&d->seen, v) != UINT32_MAX)
        return true;
    return map_put(&d->seen, v, 0) && prof_vec_push(&d->blocks, v);
}

/* References in the plain blocks that a field leads to. */
static bool through_blocks(struct drops *d)
{
    const struct graph *g = &d->a->graph;

    while (d->blocks.count > 0) {
        uint32_t v = d->blocks.items[--d->blocks.count];
        for (uint32_t e = g->first[v]; e < g->first[v + 1]; e++) {
            uint32_t to = g->to[e];
            if (is_target(d, v, to) && !prof_vec_push(&d->nodes, d->w->index[to]))
                return false;
            if (to >= d->a->n && d->a->component[to] == d->a->component[v] && !add_block(d, to))
                return false;
        }
    }
    return true;
}

static bool gather_object(struct drops *d, prof_obj_id id)
{
    const struct graph *g = &d->a->graph;

    for (uint32_t e = g->first[id]; e < g->first[id + 1]; e++) {
        uint32_t to = g->to[e];
        bool through = to >= d->a->n;
        struct prof_finding_edge edge = { 0 };
        if (d->a->component[to] != d->a->component[id] || (!through && !is_target(d, id, to)))
            continue;
        if (!cycle_edge(d->a, id, e, &edge))
            return false;
        if (!same_field(edge.field, through, d->edge->field))
            continue;
        if (!(through ? add_block(d, to) : prof_vec_push(&d->nodes, d->w->index[to])))
            return false;
    }
    return through_blocks(d);
}

static bool gather(struct drops *d, const struct group_members *members)
{
    uint64_t work = 0;

    for (size_t i = 0; i < members->count; i++) {
        prof_obj_id id = members->items[i];
        if (prof_heap_obj(d->a->heap, id)->type != d->from)
            continue;
        if (!gather_object(d, id))
            return false;
        work += d->a->graph.first[id + 1] - d->a->graph.first[id];
    }
    work += d->seen.count + members->count;
    d->w->budget -= work < d->w->budget ? work : d->w->budget;
    return true;
}

/* ---- References too many -------------------------------------------------------------------------------------------
 */

/* A cycle that is held goes only when what holds it is given back, too. An object whose count is all too many dies with
 * the last of it: that one is dropped like another. */
static bool give_back_of(struct drops *d, prof_obj_id id)
{
    int32_t extra = d->a->extra[id], *of = &d->w->count[d->w->index[id]];

    if (extra <= 0)
        return true;
    *of -= extra < *of ? extra : *of;
    if (*of != 0)
        return true;
    *of = 1;
    return prof_vec_push(&d->nodes, d->w->index[id]);
}

static bool give_back(struct drops *d, const struct group_members *members)
{
    bool good = d->cause == 0 || give_back_of(d, d->cause);

    for (size_t i = 0; good && i < members->count; i++)
        good = give_back_of(d, members->items[i]);
    return good;
}

static void take_again(struct drops *d, const struct group_members *members)
{
    if (d->cause != 0)
        d->w->count[d->w->index[d->cause]] = what_if_count(d->a, d->cause);
    for (size_t i = 0; i < members->count; i++)
        d->w->count[d->w->index[members->items[i]]] = what_if_count(d->a, members->items[i]);
}

/* ---- One edge after the other --------------------------------------------------------------------------------------
 */

bool cycle_same_field(struct analysis *a, const struct prof_finding_edge *x, const struct prof_finding_edge *y)
{
    return prof_heap_obj(a->heap, x->from)->type == prof_heap_obj(a->heap, y->from)->type &&
           prof_heap_obj(a->heap, x->to)->type == prof_heap_obj(a->heap, y->to)->type &&
           same_field(x->field, false, y->field);
}

/* Sets what the edge frees. edge NULL: what giving back alone frees. */
static bool try_edge(struct drops *d, const struct group_members *members, struct prof_finding_edge *edge,
                     uint64_t *ret_objects, uint64_t *ret_bytes)
{
    d->nodes.count = 0;
    d->edge = edge;
    map_deinit(&d->seen);
    if (edge != NULL) {
        d->from = prof_heap_obj(d->a->heap, edge->from)->type;
        d->to = prof_heap_obj(d->a->heap, edge->to)->type;
        if (!gather(d, members))
            return false;
    }
    bool good = give_back(d, members) && what_if_drop(d->w, d->nodes.items, d->nodes.count, ret_objects, ret_bytes);
    take_again(d, members);
    return good;
}

static bool try_all(struct drops *d, const struct group_members *members, struct prof_finding_edge *edges,
                    size_t edge_count)
{
    for (size_t i = 0; i < edge_count; i++) {
        size_t j = 0;
        while (j < i && !cycle_same_field(d->a, &edges[j], &edges[i]))
            j++;
        if (j < i) {
            edges[i].tried = edges[j].tried;
            edges[i].frees_objects = edges[j].frees_objects;
            edges[i].frees_bytes = edges[j].frees_bytes;
        } else if (d->w->budget > 0) {
            if (!try_edge(d, members, &edges[i], &edges[i].frees_objects, &edges[i].frees_bytes))
                return false;
            edges[i].tried = true;
        }
    }
    return true;
}

/* ---- Ranking --------------------------------------------------------------------------------------------------------
 */

/* What frees more comes first; then what no destructor needs, what points back by its name, what is younger. */
static bool is_better(const struct prof_finding_edge *x, const struct prof_finding_edge *y)
{
    if (x->frees_bytes != y->frees_bytes)
        return x->frees_bytes > y->frees_bytes;
    if (x->frees_objects != y->frees_objects)
        return x->frees_objects > y->frees_objects;
    if (x->needed != y->needed)
        return y->needed;
    return x->back && !y->back;
}

static const char *frees_words(struct analysis *a, const struct prof_finding_edge *edge, uint64_t all)
{
    unsigned long long n = edge->frees_objects, of = all;

    if (n == 0)
        return "making it weak alone frees nothing: there are other cycles through these objects";
    if (n == of)
        return prof_arena_printf(a->arena, of == 1 ? "it frees the object" : "it frees all %llu objects", of);
    if (n > of && of == 1)
        return prof_arena_printf(a->arena, "it frees the object and %llu more", n - of);
    if (n > of)
        return prof_arena_printf(a->arena, "it frees all %llu objects and %llu more", of, n - of);
    return prof_arena_printf(a->arena, "it frees %llu of %llu objects", n, of);
}

static bool give_reasons(struct analysis *a, size_t all, struct prof_finding *ret)
{
    const struct prof_finding_edge *best = &ret->edges[ret->break_edge];
    const char **reasons = prof_arena_alloc(a->arena, REASONS_MAX * sizeof *reasons);
    size_t n = 0;

    if (reasons == NULL)
        return false;
    if (best->back)
        reasons[n++] = "its name says that it points back";
    if (best->tried && (reasons[n++] = frees_words(a, best, all)) == NULL)
        return false;
    if (ret->closing_edge == ret->break_edge)
        reasons[n++] = "it was taken last and closed the cycle";
    if (n == 0)
        reasons[n++] = "no other reference of the cycle is better";
    ret->break_reasons = reasons;
    ret->break_reason_count = n;
    return true;
}

/* In which order objects would end. */
static bool tell_ends(struct drops *d, const struct group_members *members, struct prof_finding *ret)
{
    uint64_t objects, bytes;
    struct prof_finding_edge best = ret->edges[ret->break_edge];
    prof_obj_id *ends = prof_arena_alloc(d->a->arena, ENDS_MAX * sizeof *ends);

    if (ends == NULL || !try_edge(d, members, &best, &objects, &bytes))
        return false;
    for (uint32_t i = 0; i < d->w->fall.count && ret->end_count < ENDS_MAX; i++) {
        uint32_t v = d->w->fall.died[i];
        if (d->w->objects[v] != 0)
            ends[ret->end_count++] = d->w->node[v];
    }
    ret->ends = ends;
    return true;
}

static void describe_edges(struct analysis *a, struct prof_finding_edge *edges, size_t count, struct prof_finding *ret)
{
    size_t last = 0;

    for (size_t i = 0; i < count; i++) {
        const struct prof_type *type = prof_heap_type(a->heap, prof_heap_obj(a->heap, edges[i].from)->type);
        edges[i].back = cycle_points_back(edges[i].field);
        edges[i].needed = (type->flags & TRK_TYPE_ORDERED_FINALIZER) != 0;
        edges[i].timed = taken_at(a, &edges[i], &edges[i].taken_us);
        if (is_later(&edges[i], &edges[last]))
            last = i;
    }
    for (size_t i = 0; i < count && last < count; i++) {
        if (i != last && !is_later(&edges[last], &edges[i]))
            last = count;
    }
    ret->closing_edge = (uint32_t)last;
}

bool break_cycle(struct analysis *a, const struct group_members *members, prof_obj_id cause,
                 struct prof_finding_edge *edges, struct prof_finding *ret)
{
    struct drops d = { .a = a, .w = what_if_of(a), .cause = cause };
    size_t edge_count = ret->edge_count;

    if (d.w == NULL)
        return false;
    describe_edges(a, edges, edge_count, ret);
    ret->edges = edges;
    bool good =
        try_all(&d, members, edges, edge_count) &&
        (group_is_trash(ret->verdict) || try_edge(&d, members, NULL, &ret->release_objects, &ret->release_bytes));
    size_t best = ret->closing_edge < edge_count ? ret->closing_edge : 0; // the youngest among equals
    for (size_t i = 0; good && i < edge_count; i++) {
        if (is_better(&edges[i], &edges[best]))
            best = i;
    }
    ret->break_edge = (uint32_t)best;
    good = good && tell_ends(&d, members, ret) && give_reasons(a, members->count, ret);
    prof_vec_deinit(&d.nodes);
    prof_vec_deinit(&d.blocks);
    map_deinit(&d.seen);
    return good;
}
