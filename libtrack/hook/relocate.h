/* hook/relocate.h: the first instructions of a function, moved somewhere else so that a jump can take their place.
 *
 * Pure functions without state, any thread. Addresses and bytes are given apart, so that code can be looked at which is
 * not where it runs. */
#ifndef TRACK_HOOK_RELOCATE_H
#define TRACK_HOOK_RELOCATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <track/format.h>

enum {
    TRK_PATCH_BYTES = 5,  /* jmp rel32 */
    TRK_MOVED_BYTES = 80, /* what moved code takes at most, its literal included */
};

struct trk_moved {
    uintptr_t patch; /* where the jump goes: the function's start, or behind its endbr64 */
    uint8_t taken;   /* bytes there that the moved instructions had: TRK_PATCH_BYTES or more */
    uint8_t length;  /* bytes written */
};

/* Moves what stands in the first bytes of the function at address `at`, whose `size` bytes stand at `code` (and behind
 * them, as far as `padding` says, what belongs to no function), to address `to`; `out` has TRK_MOVED_BYTES. The moved
 * code ends by going on behind the bytes that were taken. A call among them keeps its return address: whoever walks the
 * stack sees the original function.
 * Returns TRK_HOOK_ON, or why it cannot be: then nothing was written that counts. */
enum trk_hook_state trk_relocate(const uint8_t *code, size_t size, size_t padding, uintptr_t at, uint8_t *out,
                                 uintptr_t to, struct trk_moved *ret);

/* Whether the function is known not to read or write arguments on the stack, nor to hand them to another one: then no
 * return hook has to copy them. False is also said of many that do not; what is said of a function holds as long as
 * these bytes are its code. window.c */
bool trk_ignores_stack(const uint8_t *code, size_t size);

/* Direct jumps and calls all over a module that would land inside of patched bytes. `span` is sorted by lo, without
 * overlaps. */
struct trk_span {
    uintptr_t start, end; /* the function */
    uintptr_t lo, hi;     /* patched bytes: nothing may jump into (lo, hi), and the function itself not to lo */
    uint32_t item;        /* the caller's */
    uint8_t state;        /* enum trk_hook_state; set when something was found */
};
void trk_find_jumps(const uint8_t *text, size_t size, uintptr_t at, struct trk_span *span, size_t count);
/* The span whose patched bytes hold the address; NULL. */
struct trk_span *trk_span_of(struct trk_span *span, size_t count, uintptr_t address);

#endif
