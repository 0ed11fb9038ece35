/* look_exit.c: see look_exit.h. */
#include "look_exit.h"

#undef NDEBUG /* without it the functions behind assert are not declared */
#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine.h"
#include "stack_walk.h"

enum { FRAMES = 32 }; /* handlers that run others in between are few */

/* They are the program's: ours where the hooks are in it, else those of libc. main returns to a call of exit. */
static bool ends_program(uintptr_t function)
{
    static void (*const by_status[])(int) = { exit, _exit, _Exit, quick_exit };
    for (unsigned i = 0; i < sizeof by_status / sizeof by_status[0]; i++)
        if (function == (uintptr_t)by_status[i])
            return true;
    return function == (uintptr_t)abort || function == (uintptr_t)__assert_fail ||
           function == (uintptr_t)__assert_perror_fail;
}

/* The outermost of at most `frames` frames. */
static void walk(struct trk_walk *w, const struct trk_frame *at, uint64_t *pcs, unsigned frames)
{
    const struct trk_thread *st = trk_tls.self;
    *w = (struct trk_walk){
        .lo = st != NULL ? st->lo : 0, .hi = st != NULL ? st->hi : 0, .pcs = pcs, .max = frames, .keep = frames
    };
    trk_walk_run(w, at);
}

uintptr_t trk_look_exit_sp(const struct trk_frame *at, uintptr_t sp)
{
    struct trk_walk w;
    struct trk_cfi_row row;
    uint64_t pcs[FRAMES];
    walk(&w, at, pcs, FRAMES);
    for (unsigned i = 0, n = w.n; i + 1 < n; i++) {
        if (trk_cfi_find(pcs[i] - 1, &row) != TRK_CFI_OK || !ends_program(row.begin))
            continue;
        walk(&w, at, pcs, i + 2);
        return w.n == i + 2 && !w.sp_lost && w.sp > sp ? w.sp : sp;
    }
    return sp;
}
