/* dl_hook.c: dlclose, after which code addresses may mean something else.
 *
 * dlopen is not interposed on purpose: it finds its caller by its return address, and that decides which RUNPATH,
 * $ORIGIN and namespace apply. A function between the program and dlopen would change what gets loaded. The engine
 * notices new objects by code addresses it does not know yet. */
#include "malloc_real.h"

TRK_DIRECT int dlclose(void *handle)
{
    int (*real)(void *) = TRK_REAL(dlclose);
    if (!real) {
        /* Looked up late: an old glibc has it in libdl, which need not be there at the start. */
        real = (int (*)(void *))trk_real_next("dlclose", (const void *)trk_our_dlclose);
        if (!real)
            return -1;
        __atomic_store_n(&trk_real.dlclose, real, __ATOMIC_RELAXED);
    }
    int failed = real(handle);
    if (!(trk_odd_bits() & TRK_ODD_SECOND))
        trk_hook_unloaded_v1();
    return failed;
}

TRK_OURS(dlclose);
