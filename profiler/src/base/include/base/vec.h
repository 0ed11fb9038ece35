/* base/vec.h: typed growable arrays. `PROF_VEC(type) name = {0};` then prof_vec_push(&name, value). */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <base/large.h>

#define PROF_VEC(type)                                                                                                 \
    struct {                                                                                                           \
        type *items;                                                                                                   \
        size_t count, room;                                                                                            \
    }

/* Makes room for `extra` more items, which makes `items` an array even when `extra` is 0; false without memory. */
#define prof_vec_reserve(vec, extra)                                                                                   \
    prof_vec_grow((void **)&(vec)->items, &(vec)->room, (vec)->count, (extra),                                         \
                  sizeof *(vec)->items) /* NOLINT(bugprone-sizeof-expression): arrays of pointers are meant */
/* Appends a value; false without memory. */
#define prof_vec_push(vec, ...) (prof_vec_reserve((vec), 1) && ((vec)->items[(vec)->count++] = (__VA_ARGS__), true))
#define prof_vec_deinit(vec)    (free((vec)->items), (vec)->items = NULL, (vec)->count = (vec)->room = 0)

static inline bool prof_vec_grow(void **items, size_t *room, size_t count, size_t extra, size_t item_bytes)
{
    if (*room - count >= extra && *items != NULL)
        return true;
    size_t want = *room + *room / 2 + 8;
    if (want < count + extra)
        want = count + extra;
    void *grown = reallocarray(*items, want, item_bytes);
    if (grown == NULL)
        return false;
    prof_large_advise(grown, want * item_bytes);
    *items = grown;
    *room = want;
    return true;
}

#endif
