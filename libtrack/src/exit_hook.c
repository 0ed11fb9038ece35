/* exit_hook.c: the ways out that skip exit handlers and destructors. A vfork child leaves with _exit as a matter of
 * course; that is not the end of the program whose memory it borrows. */
#include <sys/syscall.h>

#include "exit_vfork.h"
#include "malloc_owner.h"
#include "malloc_real.h"

static void leaving(int status)
{
    if ((trk_odd_bits() & TRK_ODD_SECOND) || trk_vfork_child())
        return;
    trk_owner_conclude();
    trk_hook_exit_v1(status);
}

static void __attribute__((noreturn)) leave_by(void (*real)(int), int status)
{
    if (real)
        real(status);
    for (;;)
        syscall(SYS_exit_group, status);
}

TRK_DIRECT void _exit(int status)
{
    leaving(status);
    leave_by(TRK_REAL(exit_now), status);
}

TRK_DIRECT void _Exit(int status)
{
    leaving(status);
    leave_by(TRK_REAL(exit_c99), status);
}

TRK_DIRECT void quick_exit(int status)
{
    leaving(status);
    leave_by(TRK_REAL(exit_quick), status);
}

TRK_OURS(_exit);
TRK_OURS(_Exit);
TRK_OURS(quick_exit);
