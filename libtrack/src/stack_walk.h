/* stack_walk.h: unwinding one stack. Internal to the stack part.
 *
 * Async-signal-safe; no locks, no allocation; keeps errno; reads only memory that is inside the known bounds of the
 * stack, on the page that the innermost call wrote its return address to, or on a page that the kernel was asked about.
 */
#ifndef TRACK_STACK_WALK_H
#define TRACK_STACK_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "cfi.h"
#include "stack.h"

/* Reads a word of somebody's stack frame. Which frame it belongs to is not known here, so sanitizers have no say. */
static inline __attribute__((no_sanitize("address"))) uintptr_t trk_stack_word(uintptr_t addr)
{
    return *(const volatile uintptr_t *)addr;
}

/* Memory known to be readable: [lo, hi). */
struct trk_window {
    uintptr_t lo, hi;
    uint32_t probes; /* questions asked so far */
};

/* The readable range that begins at sp without asking anybody: up to stack_hi when sp is inside [stack_lo, stack_hi),
 * else the rest of its page. */
static inline void trk_window_init(struct trk_window *w, uintptr_t sp, uintptr_t stack_lo, uintptr_t stack_hi)
{
    w->lo = sp;
    /* The word below sp was a return address: its page is there, the page of sp itself need not be. */
    w->hi = sp >= stack_lo && sp < stack_hi ? stack_hi & ~(uintptr_t)7 : ((sp - 8) | 4095) + 1;
    w->probes = 0;
}

/* Extends the window upwards until it covers [lo, hi), page by page; false when a page cannot be read or is too far. */
bool trk_window_extend(struct trk_window *w, uintptr_t hi);

enum { TRK_WALK_SEARCH = 16 }; /* frames among which `caller` is looked for */

/* One walk. The caller fills the first part; arrays are the caller's. */
struct trk_walk {
    uintptr_t lo, hi; /* bounds of the thread's stack, 0, 0: unknown */
    uintptr_t caller; /* 0, or the return address of the first frame to keep */
    uint64_t *pcs;    /* room for max */
    uint32_t *slots; /* room for slots_max: offsets from the starting sp, in words, of all stack memory that was read */
    unsigned max;
    unsigned slots_max; /* 0: not wanted */
    unsigned keep;      /* frames wanted, from `caller` on when it is met; <= max */

    unsigned n;     /* frames in pcs */
    unsigned first; /* the first of them to keep: where `caller` was met, else 0 */
    unsigned flags; /* TRK_STACK_* */
    unsigned nslots;
    bool used_fp;    /* the result depends on the starting frame pointer */
    bool repeatable; /* the result is a function of start, slots and loaded code, and slots is complete: it may be
                        cached */

    /* The walk's own state. */
    struct trk_window window;
    uintptr_t pc, sp, start_sp, start_fp;
    uintptr_t sought;              /* caller, until it was met */
    uintptr_t saved[TRK_CFI_REGS]; /* slot that holds this frame's value of a register; SAVED_* */
    unsigned general_at;           /* frames when the last general step was made */
    bool full;                     /* all registers are followed in each frame, not only FP */
    bool sp_lost;                  /* came by a frame pointer that does not tell it: only such can lead on */
};

/* Walks from `at`. Always yields at least one frame. */
void trk_walk_run(struct trk_walk *w, const struct trk_frame *at);

/* Grows with each trk_stack_flush. */
extern uint32_t trk_walk_epoch;

/* Forgets all rows. */
void trk_walk_flush(void);

#endif
