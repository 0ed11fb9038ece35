/* prof/index.h: a heap of a large trace, by way of what an earlier reader left beside it.
 *
 * A reader that had to replay much leaves the state of the heap at the end of the last complete round in a file of its
 * own, the index. The next reader of the same trace, which may have grown, goes on from there. An index is only a
 * shortcut: when it is missing, damaged, foreign, of another version, or the trace is not what it was, everything is
 * replayed, and the heap is the same. docs/FORMAT.md describes the file. */
#ifndef PROF_INDEX_H
#define PROF_INDEX_H

#include <prof/heap.h>

/* Replaying less than this takes less than about 0.3 s: no index is made for it. */
#define PROF_INDEX_LEAST ((uint64_t)16 << 20)

struct prof_index_options {
    const char *path;    /* of the index; NULL: the trace's with ".idx" behind it */
    const char *version; /* of this program: indexes of other ones are left alone */
    uint64_t least;      /* bytes of events in the trace behind the index that are worth a new one; fewer do when they
                            hold many events */
};
struct prof_index_result {
    bool used;    /* the heap goes on from an index */
    bool written; /* a new one stands beside the trace */
    struct prof_error
        *note; /* why it could not be written; the caller destroys it. NULL: it was, or nothing was to do */
};
/* prof_heap_create; the results differ in nothing but prof_heap_named_before, which is told only by heaps without an
 * index. Heaps that end before the trace (until_us, until_mark) are made without one. An index is read when it is a
 * regular file of this user that nobody else can write, and written, 0600, when the trace is this user's. */
struct prof_error *prof_heap_create_indexed(struct prof_trace *trace, const struct prof_heap_options *options,
                                            const struct prof_index_options *index, struct prof_index_result *ret_index,
                                            struct prof_heap **ret);
/* The file is an index: the trace it belongs to is not in it. */
bool prof_trace_is_index(const struct prof_trace *trace);

#endif
