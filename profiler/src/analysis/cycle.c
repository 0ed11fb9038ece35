/* cycle.c: one readable cycle out of a component: its edges, a signature that equal cycles share, the edge to break. */
#include "group.h"
#include "hold.h"

#include <string.h>
#include <strings.h>

struct step {
    const char *type, *field;
};

static int compare_steps(const struct step *a, const struct step *b)
{
    int order = a->type == b->type ? 0 : strcmp(a->type, b->type);
    if (order == 0)
        order = a->field == b->field ? 0 : strcmp(a->field, b->field);
    return order;
}

/* Start of the smallest rotation. */
static size_t smallest_rotation(const struct step *steps, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            int order = compare_steps(&steps[(i + j) % n], &steps[(best + j) % n]);
            if (order < 0)
                best = i;
            if (order != 0)
                break;
        }
    }
    return best;
}

/* Length of the pattern that the cycle repeats: rings of any length have one signature. */
static size_t period(const struct step *steps, size_t n)
{
    for (size_t p = 1; p < n; p++) {
        size_t i = 0;
        while (n % p == 0 && i + p < n && compare_steps(&steps[i], &steps[i + p]) == 0)
            i++;
        if (n % p == 0 && i + p == n)
            return p;
    }
    return n;
}

static const char *type_name(struct analysis *a, prof_obj_id id)
{
    return prof_heap_type(a->heap, prof_heap_obj(a->heap, id)->type)->name;
}

/* What an edge of the graph says: the place it starts from inside an object, and where the reference was taken. */
static bool edge_facts(struct analysis *a, uint32_t from, uint32_t index, struct prof_finding_edge *ret)
{
    uint32_t label = a->graph.label[index];
    struct owner owner = { 0 };

    if ((label & HOLD_WORD) == 0) {
        const struct prof_open *open = prof_heap_open(a->heap, label);
        if (!owner_of(a, open, &owner))
            return false;
        ret->field = owner.field;
        ret->stack = open->stack;
        return true;
    }
    const struct hold_word *word = &a->hold->words.items[label & ~HOLD_WORD];
    if (from < a->n && !hold_owner(a, word, &owner))
        return false;
    ret->field = owner.field;
    ret->stack = word->stack;
    ret->adopted = true;
    return true;
}

/* The edges of a cycle from object to object: those through plain blocks are part of the field that leads there. */
static bool walk_cycle(struct analysis *a, prof_obj_id start, const uint32_t *indices, size_t count,
                       struct prof_finding_edge *raw, struct step *steps, size_t *ret)
{
    prof_obj_id from = start;
    uint32_t node = start;
    const char *field = NULL;
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        struct prof_finding_edge edge = { 0 };
        uint32_t to = a->graph.to[indices[i]];
        if (!edge_facts(a, node, indices[i], &edge))
            return false;
        if (node == from && (node < a->n))
            field = to < a->n || edge.field == NULL ? edge.field : prof_arena_printf(a->arena, "%s[]", edge.field);
        node = to;
        if (to >= a->n)
            continue;
        edge.from = from;
        edge.to = to;
        edge.field = field;
        raw[n] = edge;
        steps[n++] = (struct step){ type_name(a, from), field != NULL ? field : "" };
        from = to;
    }
    *ret = n;
    return true;
}

bool cycle_describe(struct analysis *a, prof_obj_id start, struct prof_finding_edge *edges, size_t *ret_count,
                    const char **ret_signature)
{
    uint32_t indices[CYCLE_EDGES_MAX];
    struct prof_finding_edge raw[CYCLE_EDGES_MAX];
    struct step steps[CYCLE_EDGES_MAX] = { 0 };
    size_t n = graph_cycle(&a->graph, a->component, start, a->scratch, indices, CYCLE_EDGES_MAX);

    *ret_count = 0;
    if (n == 0) {
        *ret_signature = prof_arena_printf(a->arena, "%s ring", type_name(a, start));
        return *ret_signature != NULL;
    }
    if (!walk_cycle(a, start, indices, n, raw, steps, &n))
        return false;
    size_t first = smallest_rotation(steps, n);
    struct step turned[CYCLE_EDGES_MAX] = { 0 };
    for (size_t i = 0; i < n; i++) {
        edges[i] = raw[(first + i) % n];
        turned[i] = steps[(first + i) % n];
    }
    size_t p = period(turned, n);
    struct prof_str text = { 0 };
    for (size_t i = 0; i < p; i++) {
        const char *field = turned[i].field != NULL ? turned[i].field : "";
        prof_str_addf(&text, "%s%s%s%s", i > 0 ? " > " : "", turned[i].type, field[0] != '\0' ? "." : "", field);
    }
    *ret_signature = text.failed ? NULL : prof_arena_strdup(a->arena, text.text);
    prof_str_deinit(&text);
    *ret_count = n;
    return *ret_signature != NULL;
}

/* Names that people give to pointers to where they came from. */
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
        if (at != NULL && (at == last || at[-1] == '_') && (at[n] == '\0' || at[n] == '_' || at[n] == '['))
            return true;
    }
    return false;
}

/* When the newest reference was taken that may be this edge; 0 unknown. */
static uint64_t taken_at(struct analysis *a, const struct prof_finding_edge *edge)
{
    const struct prof_obj *to = prof_heap_obj(a->heap, edge->to);

    for (uint32_t at = edge->adopted ? 0 : to->first_open; at != 0;) {
        const struct prof_open *open = prof_heap_open(a->heap, at);
        if (open->stack == edge->stack)
            return open->at_us; // newest first
        at = open->next;
    }
    for (uint32_t at = edge->adopted ? to->first_site : 0; at != 0;) {
        const struct prof_site_count *site = prof_heap_site_count(a->heap, at);
        if (site->stack == edge->stack && site->taken > 0)
            return site->last_us;
        at = site->next;
    }
    return edge->adopted && edge->stack == to->stack ? to->born_us : 0;
}

uint32_t cycle_break(struct analysis *a, const struct prof_finding_edge *edges, size_t count, const char **ret_reason)
{
    uint32_t youngest = 0;
    uint64_t youngest_us = 0;

    for (size_t i = 0; i < count; i++) {
        if (cycle_points_back(edges[i].field)) {
            *ret_reason = "its name says that it points back";
            return (uint32_t)i;
        }
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t at_us = taken_at(a, &edges[i]);
        if (at_us >= youngest_us) {
            youngest_us = at_us;
            youngest = (uint32_t)i;
        }
    }
    *ret_reason = "it was taken last and closed the cycle";
    return youngest;
}
