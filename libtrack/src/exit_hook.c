/* exit_hook.c: the ways out that skip exit handlers and destructors. Also called from signal handlers. A vfork child
 * leaves with _exit as a matter of course; that is not the end of the program whose memory it borrows. */
#undef NDEBUG /* without it the functions behind assert are not declared */
#include <assert.h>
#include <signal.h>
#include <sys/syscall.h>

#include "exit_vfork.h"
#include "malloc_owner.h"
#include "malloc_real.h"

static bool others_end(void)
{
    return (trk_odd_bits() & TRK_ODD_SECOND) || trk_vfork_child();
}

static void leaving(int status)
{
    if (others_end())
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

/* By the same rules as libc, which may not be there yet: a handler first, then without one. */
static void __attribute__((noreturn)) abort_plainly(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGABRT);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    raise(SIGABRT);
    signal(SIGABRT, SIG_DFL);
    raise(SIGABRT);
    leave_by(NULL, 127);
}

/* A failed assertion calls libc's own abort, past ours. Its text comes behind the look. */
static void aborting(void)
{
    if (!others_end())
        trk_hook_abort_v1();
}

TRK_DIRECT void abort(void)
{
    aborting();
    void (*real)(void) = TRK_REAL(exit_abort);
    if (real)
        real();
    abort_plainly();
}

TRK_DIRECT void __assert_fail(const char *what, const char *file, unsigned line, const char *function)
{
    aborting();
    void (*real)(const char *, const char *, unsigned, const char *) = TRK_REAL(exit_assert);
    if (real)
        real(what, file, line, function);
    abort_plainly();
}

TRK_DIRECT void __assert_perror_fail(int number, const char *file, unsigned line, const char *function)
{
    aborting();
    void (*real)(int, const char *, unsigned, const char *) = TRK_REAL(exit_assert_errno);
    if (real)
        real(number, file, line, function);
    abort_plainly();
}

TRK_OURS(_exit);
TRK_OURS(_Exit);
TRK_OURS(quick_exit);
TRK_OURS(abort);
TRK_OURS(__assert_fail);
TRK_OURS(__assert_perror_fail);
