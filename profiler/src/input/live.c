/* live.c: a trace that is not in a file: definitions are given to it as they appear. */
#include "trace.h"

#include <stdlib.h>

struct prof_error *prof_trace_live(struct prof_trace **ret)
{
    struct prof_trace *trace = calloc(1, sizeof *trace);
    if (trace == NULL)
        return prof_error_memory();
    trace->fd = -1;
    prof_arena_init(&trace->arena);
    trace->info.path = "";
    if (!define_info(trace)) {
        prof_trace_close(trace);
        return prof_error_memory();
    }
    *ret = trace;
    return NULL;
}

struct prof_error *prof_trace_define(struct prof_trace *trace, enum trk_block_kind kind, const void *payload,
                                     size_t bytes)
{
    bool done = true;
    switch (kind) {
    case TRK_BLOCK_META:
        done = define_meta(trace, payload, bytes) && define_info(trace);
        break;
    case TRK_BLOCK_MODULES:
        done = define_modules(trace, payload, bytes);
        break;
    case TRK_BLOCK_STACKS:
        done = define_stacks(trace, payload, bytes);
        break;
    case TRK_BLOCK_TYPES:
        done = define_types(trace, payload, bytes);
        break;
    case TRK_BLOCK_TEXTS:
        done = define_texts(trace, payload, bytes);
        break;
    default:
        return prof_error_create(PROF_ERROR_ARGUMENT, "a block of kind %u defines nothing", (unsigned)kind);
    }
    return done ? NULL : prof_error_memory();
}
