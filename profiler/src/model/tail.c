/* tail.c: the heap of a trace that is still being written. */
#include "state.h"

#include <stdlib.h>

struct prof_heap_tail {
    struct prof_heap *heap;
    struct prof_tail *tail;
};

struct prof_error *prof_heap_tail_open(struct prof_trace *trace, const struct prof_heap_options *options,
                                       struct prof_heap_tail **ret)
{
    if (options != NULL && (options->until_us != 0 || options->until_mark != NULL))
        return prof_error_create(PROF_ERROR_ARGUMENT, "a heap that is read on has no end");
    struct prof_heap_tail *tail = calloc(1, sizeof *tail);
    if (tail == NULL)
        return prof_error_memory();
    struct prof_error *error = prof_heap_create_live(trace, options, &tail->heap);
    if (error == NULL)
        error = prof_tail_open(trace, &heap_sink, tail->heap, &tail->tail);
    if (error != NULL) {
        prof_heap_tail_close(tail);
        return error;
    }
    *ret = tail;
    return NULL;
}

struct prof_error *prof_heap_tail_on(struct prof_heap_tail *tail, uint64_t bytes, bool *ret_exact)
{
    heap_forget(tail->heap);
    return prof_tail_on(tail->tail, bytes, ret_exact);
}

struct prof_error *prof_heap_tail_end(struct prof_heap_tail *tail)
{
    heap_forget(tail->heap);
    struct prof_error *error = prof_tail_end(tail->tail);
    return error != NULL ? error : prof_heap_finish(tail->heap);
}

struct prof_heap *prof_heap_tail_heap(const struct prof_heap_tail *tail)
{
    return tail->heap;
}

void prof_heap_tail_close(struct prof_heap_tail *tail)
{
    if (tail == NULL)
        return;
    prof_tail_close(tail->tail);
    prof_heap_destroy(tail->heap);
    free(tail);
}
