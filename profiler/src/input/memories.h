/* memories.h: the checkpoints of an open trace. Private to this folder. */
#ifndef INPUT_MEMORIES_H
#define INPUT_MEMORIES_H

#include "trace.h"

#include <prof/memory.h>

/* While the trace is opened: a MEMORY block; and the end of all blocks. false: no memory. */
bool memories_take(struct prof_trace *trace, const struct block_ref *ref);
bool memories_end(struct prof_trace *trace);
/* Reads number `number` of trace->memories. *ret, shared: NULL when it cannot be used, which is then told in
 * trace->info. */
struct prof_error *memories_load(struct prof_trace *trace, size_t number, struct block_buffer *buffer,
                                 const struct prof_memory **ret);

#endif
