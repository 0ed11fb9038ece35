/* seen.h: replays a trace into an array, for tests of the order of events. */
#ifndef INPUT_SEEN_H
#define INPUT_SEEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <mktrace.h>

enum { SEEN_MAX = 1 << 18 };

struct seen {
    struct prof_event *events; /* the caller frees them */
    size_t count, forced;
};

static inline struct prof_error *seen_take(void *ctx, const struct prof_event *events, size_t n)
{
    struct seen *seen = ctx;
    for (size_t i = 0; i < n && seen->count < SEEN_MAX; i++) {
        seen->forced += (events[i].flags & PROF_EVENT_FORCED) != 0;
        seen->events[seen->count++] = events[i];
    }
    return NULL;
}

static inline struct seen replay(struct mk_trace *t)
{
    static const struct prof_trace_sink sink = { .events = seen_take };
    struct seen seen = { .events = malloc(SEEN_MAX * sizeof *seen.events) };
    assert_null(prof_trace_replay(mk_open(t), &sink, &seen));
    return seen;
}

#endif
