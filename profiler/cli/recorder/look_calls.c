/* look_calls.c: system calls in which threads were stopped go on as if they had not been.
 *
 * Most are begun again by the kernel. Not so: some end with EINTR although no signal came (signal(7) lists them);
 * and those that wait for a time are begun again as restart_syscall, which a sandbox may refuse or kill for, because
 * the program itself never makes that call. Both are told to begin again as themselves, unless a handler runs: what a
 * call with a timeout has waited so far then does not count. */
#include "look.h"

#include <elf.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>

#if defined(__x86_64__)
enum { CALL_INTR = -4, CALL_RESTART_NO_HANDLER = -514, CALL_RESTART_BLOCK = -516 }; /* of the kernel, not of libc */

/* Ends with EINTR when its thread is stopped, and has done nothing then. */
static bool is_cut_short(long long number)
{
    static const int calls[] = { SYS_epoll_wait, SYS_epoll_pwait,    SYS_epoll_pwait2, SYS_semop,   SYS_semtimedop,
                                 SYS_read,       SYS_readv,          SYS_recvfrom,     SYS_recvmsg, SYS_recvmmsg,
                                 SYS_accept,     SYS_accept4,        SYS_sendto,       SYS_sendmsg, SYS_write,
                                 SYS_writev,     SYS_rt_sigtimedwait };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (number == calls[i])
            return true;
    return false;
}

bool look_calls_go_on(struct look_thread *thread, bool sandboxed)
{
    struct user_regs_struct user;
    if (thread->register_count != sizeof user / sizeof thread->registers[0])
        return true;
    memcpy(&user, thread->registers, sizeof user);
    long long number = (long long)user.orig_rax, result = (long long)user.rax;
    if (number < 0 || !((result == CALL_RESTART_BLOCK && sandboxed) || (result == CALL_INTR && is_cut_short(number))))
        return true;
    user.rax = (unsigned long long)CALL_RESTART_NO_HANDLER;
    struct iovec io = { .iov_base = &user, .iov_len = sizeof user };
    return ptrace(PTRACE_SETREGSET, thread->tid, (void *)NT_PRSTATUS, &io) == 0;
}

bool look_calls_allow(bool sandboxed)
{
    (void)sandboxed;
    return true;
}
#else
bool look_calls_go_on(struct look_thread *thread, bool sandboxed)
{
    (void)thread;
    (void)sandboxed;
    return true;
}

bool look_calls_allow(bool sandboxed)
{
    return !sandboxed;
}
#endif
