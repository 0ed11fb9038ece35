/* cycle.c: one readable cycle out of a component: its edges, and a signature that equal cycles share. */
#include "group.h"
#include "hold.h"

#include <string.h>

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

bool cycle_edge(struct analysis *a, uint32_t from, uint32_t index, struct prof_finding_edge *ret)
{
    uint32_t label = a->graph.label[index];
    struct owner owner = { 0 };
    uint64_t at;

    if ((label & HOLD_WORD) == 0) {
        const struct prof_open *open = prof_heap_open(a->heap, label);
        if (from < a->n && !owner_of(a, open, &owner))
            return false;
        ret->stack = open->stack;
        ret->taken_us = open->at_us;
        ret->birth = (open->flags & PROF_OPEN_WAS_BIRTH) != 0;
        at = open->slot;
    } else {
        const struct hold_word *word = &a->hold->words.items[label & ~HOLD_WORD];
        if (from < a->n && !hold_owner(a, word, &owner))
            return false;
        ret->stack = word->stack;
        ret->birth = word->birth;
        ret->adopted = true;
        at = a->hold->memory->words[word->index].at;
    }
    ret->field = owner.field;
    return from < a->n ||
           owner_block_field(a, from - a->n, at - prof_heap_block(a->heap, from - a->n)->addr, &ret->field);
}

/* "buckets[]" of the object, then "val" of the block it leads to. Elements of an array are one place already. */
static bool through_block(struct analysis *a, const char **field, const char *inner)
{
    if (*field == NULL || inner == NULL)
        return true;
    bool element = strncmp(inner, "[]", 2) == 0;
    inner += element ? 2 : 0;
    const char *dot = element || inner[0] == '+' || inner[0] == '[' ? "" : ".";
    *field = prof_arena_printf(a->arena, "%s%s%s", *field, dot, inner);
    return *field != NULL;
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
        if (!cycle_edge(a, node, indices[i], &edge))
            return false;
        if (node == from && (node < a->n))
            field = to < a->n || edge.field == NULL ? edge.field : prof_arena_printf(a->arena, "%s[]", edge.field);
        else if (to < a->n && !through_block(a, &field, edge.field))
            return false;
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
