/* fail.c: preloaded into a program whose calls are to fail: FAIL_CALL=write|malloc, FAIL_AT=N (the N-th call from now
 * on, 1 is the first), FAIL_COUNT=N (so many in a row; 0 for ever), FAIL_HOW=NUMBER (an errno; 0: half of it is
 * written), FAIL_COMM=NAME (only in processes of that name). FAIL_LOG=FILE gets the number of calls at the end. Writes
 * are those to regular files. FAIL_CALL=kill: as soon as the file FAIL_AT exists, the process (none that it forked) is
 * killed right behind its next write, which is done. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

ssize_t write(int fd, const void *bytes, size_t size);
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset);

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
ssize_t __write(int fd, const void *bytes, size_t size);
ssize_t __pwrite64(int fd, const void *bytes, size_t size, off_t offset);

static bool on, mallocs, writes;
static long at, count, how, calls;
static const char *log_path, *kill_path;
static pid_t self;

static long number(const char *name, long otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? atol(text) : otherwise;
}

__attribute__((constructor)) static void start(void)
{
    const char *comm = getenv("FAIL_COMM");
    const char *call = getenv("FAIL_CALL");
    if (call == NULL || (comm != NULL && strcmp(comm, program_invocation_short_name) != 0))
        return;
    mallocs = strcmp(call, "malloc") == 0;
    writes = strcmp(call, "write") == 0;
    self = getpid();
    kill_path = strcmp(call, "kill") == 0 ? getenv("FAIL_AT") : NULL;
    at = kill_path == NULL ? number("FAIL_AT", 0) : 0;
    count = number("FAIL_COUNT", 1);
    how = number("FAIL_HOW", ENOSPC);
    log_path = getenv("FAIL_LOG");
    __atomic_store_n(&on, true, __ATOMIC_RELEASE);
}

__attribute__((destructor)) static void end(void)
{
    if (!__atomic_exchange_n(&on, false, __ATOMIC_ACQ_REL) || log_path == NULL)
        return;
    char text[32];
    int fd = open(log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0 && __write(fd, text, (size_t)snprintf(text, sizeof text, "%ld\n", calls)) < 0)
        errno = 0;
    if (fd >= 0)
        close(fd);
}

static bool fails(bool kind)
{
    if (!kind || !__atomic_load_n(&on, __ATOMIC_ACQUIRE))
        return false;
    long n = __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
    return at > 0 && n >= at && (count == 0 || n < at + count);
}

void *malloc(size_t size)
{
    if (!fails(mallocs))
        return __libc_malloc(size);
    errno = ENOMEM;
    return NULL;
}

void *calloc(size_t n, size_t size)
{
    if (!fails(mallocs))
        return __libc_calloc(n, size);
    errno = ENOMEM;
    return NULL;
}

void *realloc(void *old, size_t size)
{
    if (!fails(mallocs))
        return __libc_realloc(old, size);
    errno = ENOMEM;
    return NULL;
}

static bool is_file(int fd)
{
    struct stat st;
    return writes && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    if (!fails(is_file(fd)))
        return __write(fd, bytes, size);
    if (how == 0)
        return __write(fd, bytes, size / 2);
    errno = (int)how;
    return -1;
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    if (!fails(is_file(fd))) {
        ssize_t n = __pwrite64(fd, bytes, size, offset);
        if (kill_path != NULL && getpid() == self && access(kill_path, F_OK) == 0)
            kill(self, SIGKILL);
        return n;
    }
    if (how == 0)
        return __pwrite64(fd, bytes, size > 1 ? size / 2 : size, offset);
    errno = (int)how;
    return -1;
}
