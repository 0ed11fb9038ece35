/* exit_exec.c: the exec family. The engine hears before the program replaces itself, and again when that failed.
 *
 * libc's functions do not call each other by name, so each is interposed. In a vfork child nothing is told: the program
 * whose memory this is lives on. Everything here is async-signal-safe, as the originals are; posix_spawn, system and
 * popen stay inside libc and need nothing. */
#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include "exit_vfork.h"
#include "malloc_real.h"

static bool leaving(const struct trk_frame *at)
{
    bool ours = !(trk_odd_bits() & TRK_ODD_SECOND) && !trk_vfork_child();
    if (ours)
        trk_hook_exec_v1(at);
    return ours;
}

static int came_back(bool told, int result)
{
    if (told)
        trk_hook_exec_failed_v1();
    return result;
}

static int do_execve(const char *path, char *const argv[], char *const envp[])
{
    int (*real)(const char *, char *const[], char *const[]) = TRK_REAL(execve);
    return real ? real(path, argv, envp) : (int)syscall(SYS_execve, path, argv, envp);
}

static int do_execv(const char *path, char *const argv[])
{
    int (*real)(const char *, char *const[]) = TRK_REAL(execv);
    return real ? real(path, argv) : do_execve(path, argv, environ);
}

static int no_such_function(void)
{
    errno = ENOSYS;
    return -1;
}

static int do_execvp(const char *file, char *const argv[])
{
    int (*real)(const char *, char *const[]) = TRK_REAL(execvp);
    return real ? real(file, argv) : no_such_function();
}

TRK_DIRECT int execve(const char *path, char *const argv[], char *const envp[])
{
    const struct trk_frame at = TRK_FRAME_CALLER;
    bool told = leaving(&at);
    return came_back(told, do_execve(path, argv, envp));
}

TRK_DIRECT int execv(const char *path, char *const argv[])
{
    const struct trk_frame at = TRK_FRAME_CALLER;
    bool told = leaving(&at);
    return came_back(told, do_execv(path, argv));
}

TRK_DIRECT int execvp(const char *file, char *const argv[])
{
    const struct trk_frame at = TRK_FRAME_CALLER;
    bool told = leaving(&at);
    return came_back(told, do_execvp(file, argv));
}

TRK_DIRECT int execvpe(const char *file, char *const argv[], char *const envp[])
{
    const struct trk_frame at = TRK_FRAME_CALLER;
    bool told = leaving(&at);
    int (*real)(const char *, char *const[], char *const[]) = TRK_REAL(execvpe);
    return came_back(told, real ? real(file, argv, envp) : no_such_function());
}

TRK_DIRECT int fexecve(int fd, char *const argv[], char *const envp[])
{
    const struct trk_frame at = TRK_FRAME_CALLER;
    bool told = leaving(&at);
    int (*real)(int, char *const[], char *const[]) = TRK_REAL(fexecve);
    return came_back(told, real ? real(fd, argv, envp) : no_such_function());
}

TRK_DIRECT int execveat(int dir, const char *path, char *const argv[], char *const envp[], int flags)
{
    const struct trk_frame at = TRK_FRAME_CALLER;
    bool told = leaving(&at);
    /* Newer than some libcs, and nothing but the system call in the others. */
    return came_back(told, (int)syscall(SYS_execveat, dir, path, argv, envp, flags));
}

/* The list forms: the arguments after `first`, counted and then laid out as an array on the stack, as libc does. */
#define COUNT_LIST(first, count)                                                                                       \
    do {                                                                                                               \
        va_list list;                                                                                                  \
        va_start(list, first);                                                                                         \
        (count) = 1;                                                                                                   \
        while (va_arg(list, char *))                                                                                   \
            (count)++;                                                                                                 \
        va_end(list);                                                                                                  \
    } while (0)

#define FILL_LIST(first, count, argv, list)                                                                            \
    do {                                                                                                               \
        (argv)[0] = (char *)(uintptr_t)(first);                                                                        \
        for (size_t i = 1; i <= (count); i++)                                                                          \
            (argv)[i] = va_arg(list, char *);                                                                          \
    } while (0)

TRK_DIRECT int execl(const char *path, const char *arg, ...)
{
    const struct trk_frame at = TRK_FRAME_CALLER;
    size_t count;
    COUNT_LIST(arg, count);
    char **argv = __builtin_alloca((count + 1) * sizeof(*argv));
    va_list list;
    va_start(list, arg);
    FILL_LIST(arg, count, argv, list);
    va_end(list);
    bool told = leaving(&at);
    return came_back(told, do_execv(path, argv));
}

TRK_DIRECT int execlp(const char *file, const char *arg, ...)
{
    const struct trk_frame at = TRK_FRAME_CALLER;
    size_t count;
    COUNT_LIST(arg, count);
    char **argv = __builtin_alloca((count + 1) * sizeof(*argv));
    va_list list;
    va_start(list, arg);
    FILL_LIST(arg, count, argv, list);
    va_end(list);
    bool told = leaving(&at);
    return came_back(told, do_execvp(file, argv));
}

TRK_DIRECT int execle(const char *path, const char *arg, ...)
{
    const struct trk_frame at = TRK_FRAME_CALLER;
    size_t count;
    COUNT_LIST(arg, count);
    char **argv = __builtin_alloca((count + 1) * sizeof(*argv));
    va_list list;
    va_start(list, arg);
    FILL_LIST(arg, count, argv, list);
    char *const *envp = va_arg(list, char *const *);
    va_end(list);
    bool told = leaving(&at);
    return came_back(told, do_execve(path, argv, envp));
}

TRK_OURS(execve);
TRK_OURS(execv);
TRK_OURS(execvp);
TRK_OURS(execvpe);
TRK_OURS(fexecve);
