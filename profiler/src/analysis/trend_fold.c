/* trend_fold.c: fields of one kind of holder that have no names, only offsets: where many of them lead to one type,
 * they are an array, and one edge. */
#include "trend.h"

#include <stdio.h>
#include <stdlib.h>

enum { ARRAY_LEAST = 4 }; /* fewer may be fields: left, right, parent */

/* An edge from a field that is called by its offset. */
struct element {
    const char *from; /* interned */
    prof_type_id to;
    bool seen;
    uint64_t offset;
    uint32_t edge;
};
struct fold {
    struct prof_growth *g;
    PROF_VEC(struct element) elements;
};

/* "+24"; names of fields never begin so. */
static bool is_offset(const char *field, uint64_t *ret)
{
    char *end;

    if (field[0] != '+')
        return false;
    *ret = strtoull(field + 1, &end, 10);
    return end != field + 1 && *end == '\0';
}

static int element_order(const void *left, const void *right)
{
    const struct element *a = left, *b = right;

    if (a->from != b->from)
        return (uintptr_t)a->from < (uintptr_t)b->from ? -1 : 1; // only what is equal matters
    if (a->to != b->to)
        return a->to < b->to ? -1 : 1;
    if (a->seen != b->seen)
        return a->seen ? 1 : -1;
    return (a->offset > b->offset) - (a->offset < b->offset);
}

static bool is_same_array(const struct element *a, const struct element *b)
{
    return a->from == b->from && a->to == b->to && a->seen == b->seen;
}

static bool gather(struct fold *f)
{
    for (size_t i = 0; i < f->g->edges.count; i++) {
        const struct trend_edge *edge = &f->g->edges.items[i];
        struct element element = { .from = edge->from, .to = edge->to, .seen = edge->seen, .edge = (uint32_t)i };
        if (edge->object != NULL && is_offset(edge->field, &element.offset) && !prof_vec_push(&f->elements, element))
            return false;
    }
    if (f->elements.count > 1)
        qsort(f->elements.items, f->elements.count, sizeof *f->elements.items, element_order);
    return true;
}

static void add_edge(struct prof_growth *g, uint32_t to, uint32_t from)
{
    struct prof_then *sum = trend_row(g->edge_then.items, to), *row = trend_row(g->edge_then.items, from);
    struct trend_edge *into = &g->edges.items[to];
    const struct trend_edge *edge = &g->edges.items[from];

    for (size_t m = 0; m < PROF_GROWTH_MOMENTS; m++) {
        sum[m].live += row[m].live;
        sum[m].bytes += row[m].bytes;
        row[m] = (struct prof_then){ 0 }; // what has no references does not grow
    }
    if (edge->newest_us > into->newest_us || (edge->newest_us == into->newest_us && edge->serial > into->serial)) {
        into->newest_us = edge->newest_us;
        into->serial = edge->serial;
        into->slot = edge->slot;
    }
}

/* What was inserted into elements, and left them, did so with the array. into: by edge, GRAPH_NONE: itself. */
static bool move_inserts(struct prof_growth *g, const uint32_t *into)
{
    for (size_t i = 0; i < g->inserts.count; i++) {
        struct trend_insert *insert = &g->inserts.items[i];
        uint32_t edge = into[insert->edge];
        if (edge == GRAPH_NONE)
            continue;
        uint64_t key = (uint64_t)edge << 32 | insert->site;
        uint32_t at = map_get(&g->insert_of, key);
        if (at == UINT32_MAX) {
            insert->edge = edge;
            if (!map_put(&g->insert_of, key, (uint32_t)i))
                return false;
            continue;
        }
        struct trend_insert *sum = &g->inserts.items[at];
        sum->first += insert->first;
        sum->last += insert->last;
        sum->last_us = insert->last_us > sum->last_us ? insert->last_us : sum->last_us;
        insert->last = 0; // nobody inserts there
    }
    return true;
}

static bool move_lefts(struct fold *f, const struct element *elements, size_t count, const char *field)
{
    struct prof_growth *g = f->g;
    struct map of_field = { 0 };
    bool good = true;

    for (size_t i = 0; good && i < count; i++)
        good = map_put(&of_field, (uint64_t)(uintptr_t)g->edges.items[elements[i].edge].field, 0);
    for (size_t i = 0; good && i < g->lefts.count; i++) {
        struct trend_left *left = &g->lefts.items[i];
        if (left->from == elements->from && left->type == elements->to &&
            map_get(&of_field, (uint64_t)(uintptr_t)left->field) != UINT32_MAX)
            left->field = field;
    }
    map_deinit(&of_field);
    return good;
}

static bool fold_array(struct fold *f, const struct element *elements, size_t count, uint32_t *into)
{
    struct prof_growth *g = f->g;
    uint32_t first = elements->edge;
    char text[32];
    int length = snprintf(text, sizeof text, "%+lld[]", (long long)elements->offset);
    const char *field = prof_intern(&g->a.intern, text, (size_t)length);

    if (field == NULL || (!elements->seen && !move_lefts(f, elements, count, field)))
        return false;
    for (size_t i = 1; i < count; i++) {
        add_edge(g, first, elements[i].edge);
        into[elements[i].edge] = first;
    }
    g->edges.items[first].field = field;
    return true;
}

bool trend_fold(struct prof_growth *g)
{
    struct fold f = { .g = g };
    uint32_t *into = malloc((g->edges.count + 1) * sizeof *into);
    bool good = into != NULL && gather(&f);

    for (size_t i = 0; good && i < g->edges.count; i++)
        into[i] = GRAPH_NONE;
    for (size_t i = 0, end; good && i < f.elements.count; i = end) {
        const struct element *first = &f.elements.items[i];
        for (end = i + 1; end < f.elements.count && is_same_array(first, &f.elements.items[end]);)
            end++;
        if (end - i >= ARRAY_LEAST)
            good = fold_array(&f, first, end - i, into);
    }
    good = good && move_inserts(g, into);
    prof_vec_deinit(&f.elements);
    free(into);
    return good;
}
