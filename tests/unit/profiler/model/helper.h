/* helper.h: short looks into a heap, for the tests of the model. */
#ifndef MODEL_HELPER_H
#define MODEL_HELPER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <mktrace.h>

/* A replayed heap whose invariants hold. */
static inline struct prof_heap *heap_of(struct mk_trace *t)
{
    struct prof_heap *heap = mk_heap(t);
    const char *broken = prof_heap_check(heap);
    if (broken != NULL)
        fail_msg("invariant: %s", broken);
    return heap;
}

/* Object at addr, alive or kept; fails when there is none. */
static inline const struct prof_obj *obj_at(struct prof_heap *heap, uint64_t addr)
{
    prof_obj_id id = prof_heap_obj_by_addr(heap, addr);
    assert_int_not_equal(id, 0);
    return prof_heap_obj(heap, id);
}

/* The n-th open reference of an object, newest first. */
static inline const struct prof_open *open_at(struct prof_heap *heap, const struct prof_obj *obj, unsigned n)
{
    uint32_t i = obj->first_open;
    for (; n > 0 && i != 0; n--)
        i = prof_heap_open(heap, i)->next;
    assert_int_not_equal(i, 0);
    return prof_heap_open(heap, i);
}

static inline const struct prof_site_count *site_at(struct prof_heap *heap, const struct prof_obj *obj, uint32_t stack)
{
    for (uint32_t i = obj->first_site; i != 0; i = prof_heap_site_count(heap, i)->next)
        if (prof_heap_site_count(heap, i)->stack == stack)
            return prof_heap_site_count(heap, i);
    return NULL;
}

static inline size_t count_incidents(struct prof_heap *heap, enum prof_incident_kind kind)
{
    const struct prof_incident *list;
    size_t n = prof_heap_incidents(heap, &list), found = 0;
    for (size_t i = 0; i < n; i++)
        found += list[i].kind == kind;
    return found;
}

/* The only incident; fails when there are more or others. */
static inline const struct prof_incident *only_incident(struct prof_heap *heap, enum prof_incident_kind kind)
{
    const struct prof_incident *list;
    assert_int_equal(prof_heap_incidents(heap, &list), 1);
    assert_int_equal(list[0].kind, kind);
    return list;
}

static inline void no_incidents(struct prof_heap *heap)
{
    const struct prof_incident *list;
    size_t n = prof_heap_incidents(heap, &list);
    if (n != 0)
        fail_msg("%zu incidents, the first of kind %d", n, list[0].kind);
}

#endif
