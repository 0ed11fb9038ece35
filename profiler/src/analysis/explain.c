/* explain.c: what pointers in memory change about cause and consequence.
 *
 * What a root reaches is never called garbage. Objects whose references without a slot are all accounted for by
 * reachable pointers are held; what is left over of others is a release too few. In what nothing reaches, pointers
 * stand for references: there even a wrong guess accuses nobody of a leak who has none. */
#include "group.h"
#include "hold.h"

#include <stdlib.h>

/* ---- Counts ------------------------------------------------------------------------------------------------------ */

static bool is_leaked(const struct analysis *a, uint32_t node)
{
    return a->fate[node] == FATE_LEAKED;
}

/* By the events the object leaks: what do reachable pointers say, and may others stand for references? */
static bool explain_object(struct analysis *a, prof_obj_id id, uint8_t *held)
{
    struct hold_facts *facts = &a->hold->facts[id];
    uint32_t living = facts->live + facts->middle;
    struct left left;

    if (!facts->examined)
        return true;
    a->extra[id] += facts->unaccounted;
    bool enough = living > 0 && living + facts->self + facts->dead >= facts->anonymous + facts->gone;
    facts->copied = enough && facts->gone > 0;
    if (facts->anonymous == 0)
        return true;
    facts->held = enough;
    if (facts->held) {
        held[id] = 1;
        return true;
    }
    a->extra[id] -= (int32_t)(living + facts->self);
    if (living > 0 || facts->dead == 0)
        return true;
    if (!adopt_kind(a, id, &left))
        return false;
    facts->borrowed = left.scoped;
    return true;
}

struct prof_error *explain_counts(struct analysis *a, struct graph_edges *edges, uint8_t *held)
{
    const struct hold *hold = a->hold;
    size_t kept = 0;

    // A slot in a block that a root reaches keeps its object as one in an object would.
    for (size_t i = 0; i < edges->count; i++) {
        if (edges->items[i].from >= a->n && hold->reached[edges->items[i].from])
            held[edges->items[i].to] = 1;
        else
            edges->items[kept++] = edges->items[i];
    }
    edges->count = kept;
    for (prof_block_id block = 1; block < prof_heap_block_max(a->heap); block++) {
        if (!hold->reached[a->n + block] && block_is_plain(prof_heap_block(a->heap, block)))
            a->fate[a->n + block] = FATE_LEAKED;
    }
    for (prof_obj_id id = 1; id < a->n; id++) {
        if (is_leaked(a, id) && !explain_object(a, id, held))
            return prof_error_memory();
    }
    for (size_t i = 0; i < hold->words.count; i++) {
        const struct hold_word *word = &hold->words.items[i];
        if (word->kind != HOLD_NODE || word->live || !is_leaked(a, word->from) || !is_leaked(a, word->to))
            continue;
        const struct hold_facts *to = word->to < a->n ? &hold->facts[word->to] : NULL;
        if (to != NULL && (!word->start || to->anonymous == 0 || to->borrowed || held[word->to]))
            continue;
        struct graph_edge edge = { word->from, word->to, HOLD_WORD | (uint32_t)i };
        if (!prof_vec_push(edges, edge))
            return prof_error_memory();
    }
    return NULL;
}

/* ---- Cycles ------------------------------------------------------------------------------------------------------ */

struct component {
    uint32_t source;  /* best candidate for the cause, when it is no cycle */
    bool objects;     /* has some */
    bool words;       /* pointers stand for references inside */
    bool uneven;      /* some count differs from what inside holds */
    bool other;       /* has a reference that is no birth: somebody took one inside */
    bool reached;     /* a root reaches it */
    bool source_back; /* the candidate is held by fields that point back */
    bool unsure;      /* of some pointer inside it is not known whether it stood there before */
    bool fresh;       /* some did not */
    bool loose;       /* some is in no field that is known to be one */
    bool chance;      /* the pointers to some object in it, which is marked as borrowed, are no references */
};

/* Is the object held inside only by fields whose names say that they point back? */
static bool only_back(struct analysis *a, prof_obj_id id, bool *ret)
{
    const struct hold *hold = a->hold;
    bool some = false;

    *ret = false;
    for (uint32_t i = hold->row[id]; i < hold->row[id + 1]; i++) {
        const struct hold_word *word = &hold->words.items[i];
        struct owner owner;
        if (!word->start || word->kind != HOLD_NODE || word->live)
            continue;
        if (!hold_owner(a, word, &owner))
            return false;
        if (owner.kind != OWNER_OBJECT || !cycle_points_back(owner.field))
            return true;
        some = true;
    }
    *ret = some;
    return true;
}

/* The object that most likely has a release too few, when pointers alone closed the circle: the one that the others
 * point back to, else the oldest, which the others were made for. */
static bool consider(struct analysis *a, prof_obj_id id, struct component *c)
{
    const struct prof_obj *obj = prof_heap_obj(a->heap, id);
    bool back;

    if (a->hold->facts[id].anonymous == 0)
        return true;
    if (!only_back(a, id, &back))
        return false;
    const struct prof_obj *best = c->source != GRAPH_NONE ? prof_heap_obj(a->heap, c->source) : NULL;
    bool older = best == NULL || obj->born_us < best->born_us || (obj->born_us == best->born_us && id < c->source);
    if (best == NULL || (back && !c->source_back) || (back == c->source_back && older)) {
        c->source = id;
        c->source_back = back;
    }
    return true;
}

/* A pointer from outside the component that a root reaches. */
static bool is_entered(const struct analysis *a, prof_obj_id id)
{
    const struct hold *hold = a->hold;

    for (uint32_t i = hold->row[id]; i < hold->row[id + 1]; i++) {
        const struct hold_word *word = &hold->words.items[i];
        if (word->live && (word->kind != HOLD_NODE || a->component[word->from] != a->component[id]))
            return true;
    }
    return false;
}

/* A pointer inside that stands for a reference, or leads to one that does. */
static void look_back(struct analysis *a, const struct hold_word *word, struct component *c)
{
    enum hold_again again = again_word(a, word);

    c->unsure |= again == HOLD_AGAIN_UNKNOWN;
    c->fresh |= again == HOLD_AGAIN_OTHER;
    c->loose |= !again_is_typed(a, word);
}

static struct prof_error *look_into(struct analysis *a, struct component *components)
{
    for (uint32_t v = 1; v < a->nodes; v++) {
        if (!is_leaked(a, v) || a->role[v] != ROLE_CYCLE)
            continue;
        struct component *c = &components[a->component[v]];
        for (uint32_t e = a->graph.first[v]; e < a->graph.first[v + 1]; e++) {
            uint32_t t = a->graph.to[e];
            if (a->component[t] != a->component[v] || (a->graph.label[e] & HOLD_WORD) == 0)
                continue;
            c->words |= t < a->n;
            look_back(a, &a->hold->words.items[a->graph.label[e] & ~HOLD_WORD], c);
        }
        if (v >= a->n)
            continue;
        c->objects = true;
        c->uneven |= a->extra[v] != 0;
        c->reached |= is_entered(a, v);
        struct left left = { 0 };
        if ((a->hold->facts[v].anonymous > 0 && !adopt_kind(a, v, &left)) || !consider(a, v, c))
            return prof_error_memory();
        c->other |= !left.births;
    }
    return NULL;
}

/* A pointer inside may be left from what stood there before: it is in no field that is known to be one, and it is not
 * known to have stood there at the checkpoint before. */
static void find_guesses(struct analysis *a)
{
    for (uint32_t v = 1; v < a->nodes; v++) {
        for (uint32_t e = a->graph.first[v]; is_leaked(a, v) && e < a->graph.first[v + 1]; e++) {
            if (!is_leaked(a, a->graph.to[e]) || a->component[a->graph.to[e]] != a->component[v] ||
                (a->graph.label[e] & HOLD_WORD) == 0)
                continue;
            const struct hold_word *word = &a->hold->words.items[a->graph.label[e] & ~HOLD_WORD];
            if (!again_is_typed(a, word) || again_word(a, word) != HOLD_AGAIN_SAME)
                a->hold->guess[a->component[v]] = 1;
        }
    }
}

static void find_twins(struct analysis *a, struct component *components, const struct twins *twins)
{
    for (prof_obj_id v = 1; v < a->n; v++) {
        struct component *c = is_leaked(a, v) && a->role[v] == ROLE_CYCLE ? &components[a->component[v]] : NULL;
        if (c != NULL && a->hold->guess[a->component[v]] && twin_has(a, twins, v)) {
            c->chance = true;
            a->hold->facts[v].borrowed = true;
        }
    }
}

static void give_role(struct analysis *a, uint32_t v, const struct component *c)
{
    struct hold_facts *facts = v < a->n ? &a->hold->facts[v] : NULL;

    if (!c->objects) {
        a->role[v] = ROLE_UNEXPLAINED;
    } else if (c->reached) {
        bool entry = facts != NULL && is_entered(a, v);
        a->role[v] = entry ? ROLE_SOURCE : ROLE_CONSEQUENCE;
        if (facts != NULL)
            facts->vetoed = true;
    } else if (c->chance) {
        bool cause = facts != NULL && facts->borrowed;
        a->role[v] = cause ? ROLE_SOURCE : ROLE_CONSEQUENCE;
        if (cause)
            a->extra[v] = (int32_t)facts->anonymous;
    } else if (c->words && (c->uneven || !c->other) && c->source != GRAPH_NONE) {
        a->role[v] = ROLE_CONSEQUENCE;
        if (v == c->source) {
            a->role[v] = ROLE_SOURCE;
            a->extra[v] = (int32_t)facts->anonymous;
            facts->borrowed = true;
        }
    } else if (c->words && facts != NULL) {
        facts->again = c->fresh ? HOLD_AGAIN_OTHER : c->unsure ? HOLD_AGAIN_UNKNOWN : HOLD_AGAIN_SAME;
        facts->loose = c->loose;
    }
}

struct prof_error *explain_cycles(struct analysis *a)
{
    struct component *components = calloc((size_t)a->component_count + 1, sizeof *components);
    struct twins twins = { 0 };
    struct prof_error *error;

    a->hold->guess = calloc((size_t)a->component_count + 1, 1);
    if (components == NULL || a->hold->guess == NULL) {
        free(components);
        return prof_error_memory();
    }
    for (uint32_t c = 0; c < a->component_count; c++)
        components[c].source = GRAPH_NONE;
    find_guesses(a);
    if ((error = look_into(a, components)) == NULL && !twin_find(a, &twins))
        error = prof_error_memory();
    if (error == NULL) {
        find_twins(a, components, &twins);
        for (uint32_t v = 1; v < a->nodes; v++) {
            if (is_leaked(a, v) && a->role[v] == ROLE_CYCLE)
                give_role(a, v, &components[a->component[v]]);
        }
    }
    twin_free(&twins);
    free(components);
    return error;
}

size_t explain_lost_blocks(struct analysis *a, const uint8_t *leaked, uint32_t *seeds)
{
    size_t count = 0;

    for (uint32_t v = a->n; v < a->nodes; v++) {
        if (!leaked[v] || a->root[v] != GRAPH_NONE)
            continue;
        for (uint32_t e = a->graph.first[v]; e < a->graph.first[v + 1]; e++) {
            uint32_t t = a->graph.to[e];
            if (t >= a->n || !leaked[t] || a->root[t] != GRAPH_NONE || a->hold->facts[t].in_lost)
                continue;
            a->hold->facts[t].in_lost = true;
            a->role[t] = ROLE_SOURCE;
            seeds[count++] = t;
        }
    }
    return count;
}
