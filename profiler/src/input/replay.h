/* replay.h: a trace being read for a merge. Private to this folder. */
#ifndef INPUT_REPLAY_H
#define INPUT_REPLAY_H

#include "merge.h"

struct replay {
    struct prof_trace *trace;
    const struct prof_trace_sink *sink;
    void *ctx;
    struct prof_merge merge;
    struct block_buffer buffer;
    size_t next; /* in trace->stream */
    bool ended;  /* nothing more can be read */
};

/* Begins and hands on the state that the trace begins with. Ended by replay_deinit also when it fails. */
struct prof_error *replay_begin(struct replay *r, struct prof_trace *trace, const struct prof_trace_sink *sink,
                                void *ctx);
void replay_deinit(struct replay *r);
/* Reads an event block. *ret NULL: it is damaged (the trace then ends here) or has no events. */
struct prof_error *replay_load(struct replay *r, const struct block_ref *ref, struct loaded **ret);

#endif
