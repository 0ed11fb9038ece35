/* hook/stub.h: what lies in memory near hooked functions, and the routines it leads to. Internal to libtrack/hook. */
#ifndef TRACK_HOOK_STUB_H
#define TRACK_HOOK_STUB_H

/* A block per function: stub, moved instructions, literals. Offsets are known to stub_x86_64.S. */
#define TRK_BLOCK_BYTES   128
#define TRK_BLOCK_MOVED   16 /* TRK_MOVED_BYTES from here */
#define TRK_BLOCK_ROUTINE 96
#define TRK_BLOCK_HOOK    104
#define TRK_STUB_CALL     6 /* bytes of the call that an entry stub is */

/* struct trk_hook */
#define TRK_HOOK_CODE       0
#define TRK_HOOK_ENTER      8
#define TRK_HOOK_ENTER_SLOW 16
#define TRK_HOOK_LEAVE      24
#define TRK_HOOK_LEAVE_SLOW 32

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hook.h"

/* Where stubs lead; never called from C. */
extern const char trk_stub_enter[] __attribute__((visibility("hidden")));
extern const char trk_stub_around[] __attribute__((visibility("hidden")));

/* What saves the vector state: components for xsave, bytes; 0: fxsave. Set before the first hook is. */
extern uint64_t trk_vector_mask __attribute__((visibility("hidden")));
extern uint64_t trk_vector_bytes __attribute__((visibility("hidden")));
void trk_stub_init(void);

/* What trk_stub_around asks before the call: bytes of arguments on the stack to copy, a multiple of 64, all readable,
 * in bit 0 whether to call enter_slow first; and what to keep until after the call. */
struct trk_prelude {
    size_t window;
    uint64_t kept;
};
struct trk_prelude trk_stub_prelude(const struct trk_call *call, const struct trk_hook *hook)
    __attribute__((visibility("hidden")));

/* ---- near.c: memory for code, within reach of 32-bit displacements ---- */

/* A block from which all of [lo, hi) is within reach; writable until trk_near_seal. NULL: there is none. */
uint8_t *trk_near_take(uintptr_t lo, uintptr_t hi);
/* All blocks taken so far become code. False: the system forbids it; they are of no use then. */
bool trk_near_seal(void);
#endif
#endif
