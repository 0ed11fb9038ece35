/* tail.c: a trace that is still being written is replayed as far as nothing can change any more, and read on from time
 * to time: what pauses of indexes do once (resume.c), again and again. */
#include "resume.h"

#include <stdlib.h>

struct prof_tail {
    struct replay replay;
    bool exact; /* what was handed on is what a replay of everything would hand on */
};

struct prof_error *prof_tail_open(struct prof_trace *trace, const struct prof_trace_sink *sink, void *ctx,
                                  struct prof_tail **ret)
{
    struct prof_tail *tail = calloc(1, sizeof *tail);
    if (tail == NULL)
        return prof_error_memory();
    tail->exact = true;
    struct prof_error *error = replay_begin(&tail->replay, trace, NULL, sink, ctx);
    if (error != NULL) {
        prof_tail_close(tail);
        return error;
    }
    *ret = tail;
    return NULL;
}

/* A checkpoint whose place was passed before it was written. */
static bool comes_late(const struct replay *r)
{
    const struct prof_trace *trace = r->trace;
    bool late = false;
    for (size_t i = r->announced; i < trace->memories.count; i++)
        late |= trace->memories.items[i].head.round + 1 < r->merge.begun;
    return late;
}

struct prof_error *prof_tail_on(struct prof_tail *tail, uint64_t bytes, bool *ret_exact)
{
    struct replay *r = &tail->replay;
    bool late = false;
    uint64_t round;
    struct prof_error *error = trace_read_on(r->trace, bytes);
    tail->exact = tail->exact && !comes_late(r);
    if (error == NULL)
        error = replay_announce(r);
    if (error == NULL)
        error = resume_run(r, &round, &late);
    tail->exact = tail->exact && !late && !r->ended;
    if (error == NULL)
        *ret_exact = tail->exact;
    return error;
}

struct prof_error *prof_tail_end(struct prof_tail *tail)
{
    struct prof_error *error = merge_run(&tail->replay.merge, UINT64_MAX);
    return error != NULL ? error : merge_end(&tail->replay.merge);
}

void prof_tail_close(struct prof_tail *tail)
{
    if (tail == NULL)
        return;
    replay_deinit(&tail->replay);
    free(tail);
}
