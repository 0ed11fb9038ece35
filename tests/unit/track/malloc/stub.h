/* stub.h: a stand-in for the engine that keeps every hook call, so that tests of the allocator hooks can compare them
 * one by one with what the program did. Linked into a shared library together with the hooks. */
#ifndef TEST_MALLOC_STUB_H
#define TEST_MALLOC_STUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hook.h"

enum stub_op {
    STUB_ALLOC,
    STUB_FREE,
    STUB_REALLOC_BEGIN,
    STUB_REALLOC_END,
    STUB_REALLOC_FAIL,
    STUB_UNLOADED,
    STUB_EXIT,
    STUB_ABORT,
    STUB_EXEC,
    STUB_EXEC_FAILED,
    STUB_OP_COUNT,
};

struct stub_event {
    enum stub_op op;
    enum trk_alloc_kind kind;
    const void *p, *old;
    size_t size; /* of ALLOC and REALLOC_END; length of FREE; status of EXIT */
    struct trk_frame at;
    int tid;
};

enum { STUB_EVENTS = 1 << 15 }; /* kept; counts go on beyond */

/* Calls per op since the last stub_reset; atomic. */
TRK_HOOK uint64_t stub_count(enum stub_op op);
/* Allocated minus freed (realloc: one of each), over all time since stub_reset. */
TRK_HOOK int64_t stub_balance(void);
/* Events kept since the last stub_reset; the i-th, NULL beyond. */
TRK_HOOK size_t stub_kept(void);
TRK_HOOK const struct stub_event *stub_event(size_t i);
/* Forgets all and opens or closes the gate. Single-threaded moments only. */
TRK_HOOK void stub_reset(bool record);
/* Last malloc owner told. */
TRK_HOOK uint32_t stub_owner(void);
TRK_HOOK const char *stub_owner_text(void);
TRK_HOOK unsigned stub_starts(void);

#endif
