/* replay.h: a trace being read for a merge. Private to this folder. */
#ifndef INPUT_REPLAY_H
#define INPUT_REPLAY_H

#include "merge.h"

struct replay {
    struct prof_trace *trace;
    const struct prof_resume *resume; /* where an earlier reader stopped; NULL: from the beginning */
    const struct prof_trace_sink *sink;
    void *ctx;
    struct prof_merge merge;
    struct block_buffer buffer;
    size_t next;      /* in the stream: see replay_at */
    size_t announced; /* checkpoints in front of it were announced, or never will be */
    bool ended;       /* nothing more can be read */
};

/* Begins and hands on the state that the trace begins with, or that it is resumed from. Ended by replay_deinit also
 * when it fails. */
struct prof_error *replay_begin(struct replay *r, struct prof_trace *trace, const struct prof_resume *resume,
                                const struct prof_trace_sink *sink, void *ctx);
void replay_deinit(struct replay *r);
/* The trace was read on: tells the merge of checkpoints that are whole by now. */
struct prof_error *replay_announce(struct replay *r);
/* What is read: the trace's stream, or the rest that an index holds and the trace's stream from there on. NULL: it ends
 * before `place`. *ret_owner: the file. */
const struct block_ref *replay_at(const struct replay *r, size_t place, struct prof_trace **ret_owner);
/* Reads the event block at `place`. *ret NULL: it is damaged (the trace then ends here) or has no events. */
struct prof_error *replay_load(struct replay *r, size_t place, struct loaded **ret);

#endif
