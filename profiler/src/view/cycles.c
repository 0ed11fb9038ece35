/* cycles.c: which findings speak of the object graph, part by part, and in which order; cycles in words. */
#include "internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_part(const struct prof_finding *f, enum prof_cycles_part part)
{
    switch (f->verdict) {
    case PROF_CYCLE:
    case PROF_UNCOLLECTABLE:
        return part == PROF_CYCLES_LEAKED;
    case PROF_CYCLE_HELD:
        return part == PROF_CYCLES_HELD;
    case PROF_ZERO_NOT_FREED:
        return part == PROF_CYCLES_ZERO && f->retained_objects != 0;
    case PROF_MISSING_UNREF:
    case PROF_OVER_RETAINED:
    case PROF_HOLDER_FREED:
    case PROF_SLOT_OVERWRITTEN:
    case PROF_FLOATING:
    case PROF_RESURRECTED:
    case PROF_COLLATERAL: // of memory that is lost
        return part == (f->held_cycles != 0 ? PROF_CYCLES_HELD : PROF_CYCLES_OVER) && f->retained_objects != 0;
    default:
        return false;
    }
}

double prof_finding_cost(const struct prof_view *view, const struct prof_finding *finding)
{
    uint64_t end_us = prof_heap_totals(view->heap)->end_us;
    uint64_t age_us = end_us > finding->first_us ? end_us - finding->first_us : 0;

    return (double)finding->retained_bytes * log2(2 + (double)age_us / 1e6);
}

struct ranked {
    const struct prof_finding *finding;
    double cost;
};

static int by_cost(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    if (a->cost != b->cost)
        return a->cost > b->cost ? -1 : 1;
    return a->finding->id < b->finding->id ? -1 : a->finding->id > b->finding->id;
}

struct prof_error *prof_view_cycles(struct prof_view *view, enum prof_cycles_part part,
                                    const struct prof_finding *const **ret, size_t *ret_count)
{
    const struct prof_finding *list;
    size_t count = prof_findings_list(view->findings, &list), n = 0;
    struct ranked *ranked = calloc(count + 1, sizeof *ranked);
    // NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers is meant
    const struct prof_finding **found = prof_arena_alloc(&view->arena, (count + 1) * sizeof *found);

    if (ranked == NULL || found == NULL) {
        free(ranked);
        return prof_error_memory();
    }
    for (size_t i = 0; i < count; i++) {
        if (list[i].suppressed_by == NULL && is_part(&list[i], part))
            ranked[n++] = (struct ranked){ &list[i], prof_finding_cost(view, &list[i]) };
    }
    if (n > 1)
        qsort(ranked, n, sizeof *ranked, by_cost);
    for (size_t i = 0; i < n; i++)
        found[i] = ranked[i].finding;
    free(ranked);
    *ret = found;
    *ret_count = n;
    return NULL;
}

/* The shortest pattern that the edges repeat: a ring of a thousand nodes reads as one step. */
static size_t period(struct prof_view *view, const struct prof_finding *f)
{
    size_t n = f->edge_count;

    for (size_t p = 1; p < n; p++) {
        size_t i = n % p == 0 ? 0 : n;
        for (; i + p < n; i++) {
            const struct prof_finding_edge *x = &f->edges[i], *y = &f->edges[i + p];
            bool field = x->field == y->field || (x->field != NULL && y->field != NULL && !strcmp(x->field, y->field));
            if (!field || prof_heap_obj(view->heap, x->from)->type != prof_heap_obj(view->heap, y->from)->type)
                break;
        }
        if (i + p == n)
            return p;
    }
    return n;
}

char *prof_view_cycle(struct prof_view *view, const struct prof_finding *f, char *buf, size_t size)
{
    size_t steps = f->edge_count != 0 ? period(view, f) : 0;
    struct prof_str str = { 0 };

    if (steps == 0)
        prof_str_addf(&str, "%s", f->type);
    for (size_t i = 0; i < steps; i++) {
        const struct prof_finding_edge *edge = &f->edges[i];
        const char *field = edge->field != NULL ? edge->field : "";
        bool dot = field[0] != '\0' && field[0] != '+';
        prof_str_addf(&str, "%s%s%s%s", i != 0 ? " > " : "",
                      prof_heap_type(view->heap, prof_heap_obj(view->heap, edge->from)->type)->name, dot ? "." : "",
                      field);
    }
    snprintf(buf, size, "%s", str.failed ? f->type : str.text);
    prof_str_deinit(&str);
    return buf;
}
