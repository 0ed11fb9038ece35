/* hook/stub.h: what lies in memory near hooked functions, and the routines it leads to. Internal to libtrack/hook. */
#ifndef TRACK_HOOK_STUB_H
#define TRACK_HOOK_STUB_H

/* A block per function: stub, moved instructions, literals. Offsets are known to stub_x86_64.S. An entry stub is a call
 * right before the moved instructions, so that it returns to them; a return stub begins with the block. */
#define TRK_BLOCK_BYTES   128
#define TRK_BLOCK_ENTER   10
#define TRK_BLOCK_MOVED   16 /* TRK_MOVED_BYTES from here */
#define TRK_BLOCK_ROUTINE 96
#define TRK_BLOCK_HOOK    104

/* struct trk_hook */
#define TRK_HOOK_CODE        0
#define TRK_HOOK_ENTER       8
#define TRK_HOOK_ENTER_SLOW  16
#define TRK_HOOK_LEAVE       24
#define TRK_HOOK_LEAVE_SLOW  32
#define TRK_HOOK_TYPE        48
#define TRK_HOOK_INDEX       56
#define TRK_HOOK_WORD        60
#define TRK_HOOK_STACK_BYTES 72

/* What calls without handlers know of struct trk_thread, struct trk_tls, struct trk_engine, records and stacks:
 * quick.c compares. */
#define TRK_THREAD_CURSOR     16
#define TRK_THREAD_LIMIT      24
#define TRK_THREAD_DELTA      32
#define TRK_THREAD_MASK       40
#define TRK_THREAD_TICK       48
#define TRK_THREAD_SHIFT      56
#define TRK_THREAD_WANT       76
#define TRK_THREAD_LO         144
#define TRK_THREAD_HI         152
#define TRK_THREAD_CALLS      160
#define TRK_THREAD_SITES      4096
#define TRK_THREAD_SITE       1 /* TRK_SITE */
#define TRK_WANT_BIRTH        1 /* TRK_DEPTH_BIRTH */
#define TRK_WANT_REF          2
#define TRK_TLS_BIRTHS        144
#define TRK_TLS_BORN          152
#define TRK_TLS_BORN_COUNT    16
#define TRK_ENGINE_TYPE_TAG   56
#define TRK_ENGINE_TICK       64
#define TRK_ENGINE_SALT       72
#define TRK_SITE_FACTOR       0x9e3779b97f4a7c15
#define TRK_SITE_ADDRESS_BITS 48
#define TRK_SITE_INDEX_BITS   9
#define TRK_SITE_ID_BITS      24
#define TRK_TYPES             16384
#define TRK_RECORD_ADDR       17
#define TRK_RECORD_ARG        20
#define TRK_RECORD_STACK_HI   13
#define TRK_RECORD_STACK_LO   20
#define TRK_LEAST_OBJECT      4096

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hook.h"

/* Where stubs lead; never called from C. */
extern const char trk_stub_enter[] __attribute__((visibility("hidden")));
extern const char trk_stub_around[] __attribute__((visibility("hidden")));
extern const char trk_stub_quick1[] __attribute__((visibility("hidden")));
extern const char trk_stub_quick2[] __attribute__((visibility("hidden")));
extern const char trk_stub_quick3[] __attribute__((visibility("hidden")));
extern const char trk_stub_birth[] __attribute__((visibility("hidden")));

/* The routine that the stub of a hook leads to. quick.c */
const void *trk_stub_routine(const struct trk_hook *hook);

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
