/* prof/resume.h: a replay that goes on where an earlier reader of the same trace stopped.
 *
 * Layer input. An index is a file in the format of a trace: facts (META keys index_*), the state of the heap at the end
 * of a round, what was in view behind it, and an END. Its definitions are those of the trace. This layer checks that it
 * belongs to the trace, the same bytes up to the block where it goes on, and reads and writes all but the state. */
#ifndef PROF_RESUME_H
#define PROF_RESUME_H

#include <prof/trace.h>

struct prof_resume;
/* Opens an index; takes fd over. NULL: it is damaged, of another version or of another trace, the trace is not what it
 * was, or there is no memory. `version`: of this program. Must not outlive the trace. */
struct prof_resume *prof_resume_open(const struct prof_trace *trace, int fd, const char *path, const char *version);
void prof_resume_close(struct prof_resume *resume);
/* How much of the trace's events lies behind the index (NULL: all of it). */
void prof_resume_left(const struct prof_trace *trace, const struct prof_resume *resume, uint64_t *ret_bytes,
                      uint64_t *ret_slots);

/* A replay that has handed on all events up to a round, and nothing else. */
struct prof_pause;
/* prof_trace_replay from where the index stopped (NULL: the beginning). paused (NULL: never) is called once, at the end
 * of the last round that nothing changes that may still be written; not when there is none. A damaged index is
 * PROF_ERROR_FORMAT, and so is one that knows of a single ring when there are more now. What a state of an index says
 * to be alive must not be told to the merge, which learns it from the index. */
struct prof_error *prof_trace_replay_from(struct prof_trace *trace, const struct prof_resume *resume,
                                          const struct prof_trace_sink *sink, void *ctx,
                                          void (*paused)(void *ctx, const struct prof_pause *pause));
/* While it is paused, into a fresh file: the facts; and, when the state stands behind them, the rest and the END.
 * types: those with smaller ids must be the same when the index is used. */
struct prof_error *prof_pause_facts(const struct prof_pause *pause, struct prof_writer *writer, const char *version,
                                    uint32_t types);
struct prof_error *prof_pause_rest(const struct prof_pause *pause, struct prof_writer *writer);

#endif
