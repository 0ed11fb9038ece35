/* classify.c: cause, consequence or held by design, for every object that was not released.
 *
 * An edge goes from the object whose field owns a reference to the object referred to. What hangs on roots is held.
 * In the rest, `extra` is the part of a count that no leaked object explains: where it is positive, somebody else
 * forgot a release (a cause). A strongly connected component without extra counts, and not held by another leaked
 * object, is a cycle. Everything else is a consequence of the cause it can be reached from. */
#include "hold.h"
#include "what_if.h"

#include <stdlib.h>

#include <track/track.h>

bool kept_on_purpose(const struct analysis *a, const struct prof_obj *obj)
{
    return (obj->flags & (PROF_OBJ_PINNED | PROF_OBJ_MAY_LEAK)) != 0 ||
           (prof_heap_type(a->heap, obj->type)->flags & TRK_TYPE_IMMORTAL) != 0;
}

/* Its birth was not seen, and since then it was not referenced more often than released: nothing speaks against it. */
static bool is_old_stock(const struct prof_obj *obj)
{
    bool one = (obj->flags & PROF_OBJ_BLOCK_BORN) != 0; // the reference that came with its block
    return (obj->flags & PROF_OBJ_SKEWED) != 0 && obj->refs + one <= obj->unrefs;
}

/* Count zero, but nobody ever reports the end of such objects: neither deletions nor frees were recorded. */
static bool ends_untold(const struct analysis *a, const struct prof_obj *obj)
{
    return obj->state == PROF_OBJ_ZERO && obj->block == 0 && prof_heap_type(a->heap, obj->type)->died == 0;
}

/* roots: slots in globals and root regions become edges, from GRAPH_NONE; else what they refer to is held.
 * ret_unbacked: there are edges that explain no count. */
static struct prof_error *gather(struct analysis *a, struct graph_edges *edges, uint8_t *held, bool roots,
                                 bool *ret_unbacked)
{
    *ret_unbacked = false;
    for (prof_obj_id id = 1; id < a->n; id++) {
        const struct prof_obj *obj = prof_heap_obj(a->heap, id);
        if (obj->state == PROF_OBJ_PARKED)
            held[id] = 1;
        if (obj->state != PROF_OBJ_ALIVE && obj->state != PROF_OBJ_ZERO)
            continue;
        if (ends_untold(a, obj))
            continue;
        a->fate[id] = FATE_LEAKED;
        a->extra[id] = obj->count;
        held[id] = kept_on_purpose(a, obj) || is_old_stock(obj);
        if (obj->state == PROF_OBJ_ZERO)
            continue; // slots that still name it own nothing
        for (uint32_t i = obj->first_open; i != 0;) {
            const struct prof_open *open = prof_heap_open(a->heap, i);
            struct owner owner;
            if (!owner_unnamed(a, open, &owner))
                return prof_error_memory();
            bool in_block = owner.kind == OWNER_BLOCK && a->nodes > a->n;
            if (owner.kind == OWNER_OBJECT || in_block) {
                uint32_t from = in_block ? a->n + owner.block : owner.obj;
                if (!prof_vec_push(edges, (struct graph_edge){ from, id, i }))
                    return prof_error_memory();
                *ret_unbacked |= !prof_open_backed(open);
            } else if (owner_is_root(a, &owner)) {
                bool lasting = owner.kind == OWNER_GLOBAL || owner.kind == OWNER_REGION; // no register has it instead
                held[id] |= !roots || !lasting;
                if (roots && lasting && !prof_vec_push(edges, (struct graph_edge){ GRAPH_NONE, id, i }))
                    return prof_error_memory();
            }
            i = open->next;
        }
    }
    return NULL;
}

/* Marks what hangs on held objects; root[] names the held object. */
static struct prof_error *mark_held(struct analysis *a, const uint8_t *held)
{
    uint32_t *seeds = malloc(((size_t)a->nodes + 1) * sizeof *seeds);
    size_t count = 0;

    if (seeds == NULL)
        return prof_error_memory();
    for (uint32_t v = 0; v < a->nodes; v++) {
        if (held[v])
            seeds[count++] = v;
    }
    bool good = graph_reach(&a->graph, NULL, seeds, count, a->root);
    free(seeds);
    if (!good)
        return prof_error_memory();
    for (uint32_t v = 0; v < a->nodes; v++) {
        if (a->root[v] == GRAPH_NONE)
            continue;
        if (a->fate[v] == FATE_LEAKED)
            a->fate[v] = FATE_REACHABLE;
    }
    return NULL;
}

/* Edges that explain no count have shown what they keep: in what leaks they would excuse others. */
static void drop_unbacked(struct analysis *a)
{
    struct graph *g = &a->graph;
    uint32_t kept = 0, next = 0;

    for (uint32_t v = 0; v < a->nodes; v++) {
        uint32_t e = next;
        next = g->first[v + 1];
        g->first[v] = kept;
        for (; e < next; e++) {
            if ((g->label[e] & HOLD_WORD) == 0 && !prof_open_backed(prof_heap_open(a->heap, g->label[e])))
                continue;
            g->to[kept] = g->to[e];
            g->label[kept++] = g->label[e];
        }
    }
    g->first[a->nodes] = kept;
}

/* Roles inside the leaked part, from components and extra counts. */
static struct prof_error *give_roles(struct analysis *a, const uint8_t *leaked)
{
    if (!graph_components(&a->graph, leaked, a->component, &a->component_count))
        return prof_error_memory();

    size_t n = (size_t)a->component_count + 1;
    uint8_t *entered = calloc(n, 1), *positive = calloc(n, 1), *loop = calloc(n, 1);
    a->component_size = calloc(n, sizeof *a->component_size);
    struct prof_error *error = NULL;
    if (entered == NULL || positive == NULL || loop == NULL || a->component_size == NULL) {
        error = prof_error_memory();
        goto out;
    }
    for (uint32_t v = 0; v < a->nodes; v++) {
        if (!leaked[v])
            continue;
        a->component_size[a->component[v]]++;
        for (uint32_t e = a->graph.first[v]; e < a->graph.first[v + 1]; e++) {
            uint32_t t = a->graph.to[e];
            if (!leaked[t])
                continue;
            a->extra[t]--;
            if (a->component[t] != a->component[v])
                entered[a->component[t]] = 1;
            else if (t == v)
                loop[a->component[v]] = 1;
        }
    }
    for (uint32_t v = 0; v < a->nodes; v++) {
        if (v < a->n && leaked[v] && a->extra[v] > 0)
            positive[a->component[v]] = 1;
    }
    for (uint32_t v = 0; v < a->nodes; v++) {
        if (!leaked[v])
            continue;
        uint32_t c = a->component[v];
        if (v < a->n && (a->extra[v] > 0 || hold_is_zero(a, v)))
            a->role[v] = ROLE_SOURCE;
        else if (entered[c] || positive[c])
            a->role[v] = ROLE_CONSEQUENCE;
        else if (a->component_size[c] > 1 || loop[c])
            a->role[v] = ROLE_CYCLE;
        else
            a->role[v] = ROLE_UNEXPLAINED;
    }
    if (a->hold != NULL)
        error = explain_cycles(a);
out:
    free(entered);
    free(positive);
    free(loop);
    return error;
}

/* Every consequence gets the cause it hangs on; members of one cycle share its first member as their cause. */
static struct prof_error *assign_causes(struct analysis *a, const uint8_t *leaked)
{
    uint32_t *seeds = malloc(((size_t)a->nodes + 1) * sizeof *seeds);
    uint32_t *first = malloc(((size_t)a->component_count + 1) * sizeof *first);
    struct prof_error *error = NULL;
    size_t count = 0;

    if (seeds == NULL || first == NULL) {
        error = prof_error_memory();
        goto out;
    }
    for (uint32_t c = 0; c < a->component_count; c++)
        first[c] = GRAPH_NONE;
    // What a cycle and a reference too many both lead to stays when the cycle goes: it belongs to the reference.
    for (int cycles = 0; cycles < 2; cycles++) {
        count = 0;
        for (uint32_t v = 0; v < a->n; v++) {
            if (leaked[v] && a->role[v] != ROLE_CONSEQUENCE && (a->role[v] == ROLE_CYCLE) == (cycles == 1))
                seeds[count++] = v;
        }
        if (!graph_reach(&a->graph, leaked, seeds, count, a->root)) {
            error = prof_error_memory();
            goto out;
        }
    }
    count = a->hold != NULL ? explain_lost_blocks(a, leaked, seeds) : 0;
    if (count > 0 && !graph_reach(&a->graph, leaked, seeds, count, a->root)) {
        error = prof_error_memory();
        goto out;
    }
    for (uint32_t v = 0; v < a->n; v++) {
        if (!leaked[v] || a->role[v] != ROLE_CYCLE)
            continue;
        uint32_t c = a->component[v];
        if (first[c] == GRAPH_NONE)
            first[c] = v;
    }
    for (uint32_t v = 0; v < a->nodes; v++) {
        if (!leaked[v] || a->root[v] == GRAPH_NONE || a->role[a->root[v]] != ROLE_CYCLE)
            continue;
        a->root[v] = first[a->component[a->root[v]]];
    }
out:
    free(seeds);
    free(first);
    return error;
}

/* Is there an object that pointers could hold? */
static bool any_object(const struct analysis *a)
{
    for (prof_obj_id id = 1; id < a->n; id++) {
        enum prof_obj_state state = prof_heap_obj(a->heap, id)->state;
        if (state != PROF_OBJ_NONE && state != PROF_OBJ_DEAD)
            return true;
    }
    return false;
}

struct prof_error *classify(struct analysis *a)
{
    struct graph_edges edges = { 0 };
    uint8_t *held = NULL, *leaked = NULL;
    struct prof_error *error = NULL;
    bool unbacked;

    a->n = prof_heap_obj_max(a->heap);
    if (a->n == 0)
        a->n = 1;
    bool pointers = a->reach != NULL && (a->pointers_wanted || any_object(a));
    a->nodes = a->n + (pointers ? prof_heap_block_max(a->heap) : 0);
    size_t n = a->nodes;
    a->fate = calloc(n, 1);
    a->role = calloc(n, 1);
    a->extra = calloc(n, sizeof *a->extra);
    a->component = malloc(n * sizeof *a->component);
    a->root = malloc(n * sizeof *a->root);
    a->scratch = malloc(n * sizeof *a->scratch);
    held = calloc(n, 1);
    leaked = calloc(n, 1);
    if (a->fate == NULL || a->role == NULL || a->extra == NULL || a->component == NULL || a->root == NULL ||
        a->scratch == NULL || held == NULL || leaked == NULL) {
        error = prof_error_memory();
        goto out;
    }
    for (size_t v = 0; v < n; v++)
        a->root[v] = a->scratch[v] = GRAPH_NONE;

    if ((error = gather(a, &edges, held, pointers, &unbacked)) != NULL ||
        (pointers &&
         ((error = hold_make(a, &edges, held)) != NULL || (error = explain_counts(a, &edges, held)) != NULL)))
        goto out;
    if (!graph_init(&a->graph, a->nodes, edges.items, edges.count)) {
        error = prof_error_memory();
        goto out;
    }
    prof_vec_deinit(&edges);
    a->cycle_budget = 4 * ((uint64_t)a->nodes + a->graph.first[a->nodes]) + 100000;
    if ((error = mark_held(a, held)) != NULL)
        goto out;
    if (unbacked)
        drop_unbacked(a);
    for (size_t v = 0; v < n; v++)
        leaked[v] = a->fate[v] == FATE_LEAKED;
    if ((error = give_roles(a, leaked)) == NULL && (error = assign_causes(a, leaked)) == NULL && a->hold != NULL &&
        !adopt_takes(a))
        error = prof_error_memory();
out:
    prof_vec_deinit(&edges);
    free(held);
    free(leaked);
    return error;
}

void classify_deinit(struct analysis *a)
{
    graph_deinit(&a->graph);
    what_if_free(a->what_if);
    hold_free(a->hold);
    free(a->fate);
    free(a->role);
    free(a->extra);
    free(a->component);
    free(a->root);
    free(a->scratch);
    free(a->component_size);
}
