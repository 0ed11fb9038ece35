/* launch.c: starts the program with libtrack preloaded and the recorder's socket in TRACK_OPTIONS. */
#include "launch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/str.h>

#ifndef REFTRACK_LIBDIR
#define REFTRACK_LIBDIR     "lib"
#define REFTRACK_DATADIR    "share"
#define REFTRACK_LIBEXECDIR "libexec"
#define REFTRACK_PREFIX     "/usr/local"
#endif
#define PRELOAD_NAME "libtrack-preload.so"

static char *folder_of_self(void)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0)
        return NULL;
    path[n] = '\0';
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        return NULL;
    *slash = '\0';
    return strdup(path);
}

/* The first of `places` (from the folder of this program) that can be read, else `installed`. malloc'ed; NULL: none. */
static char *find(const char *const *places, size_t count, const char *installed)
{
    char *folder = folder_of_self();
    for (size_t i = 0; folder != NULL && i < count; i++) {
        struct prof_str name = { 0 };
        prof_str_add(&name, folder);
        prof_str_add(&name, places[i]);
        char *candidate = prof_str_take(&name);
        char *real = candidate != NULL && access(candidate, R_OK) == 0 ? realpath(candidate, NULL) : NULL;
        free(candidate);
        if (real != NULL) {
            free(folder);
            return real;
        }
    }
    free(folder);
    return access(installed, R_OK) == 0 ? strdup(installed) : NULL;
}

char *launch_find_preload(void)
{
    /* beside the command; in the build tree; installed beside bin/, wherever the whole tree was moved to */
    static const char *const places[] = { "/" PRELOAD_NAME, "/../../libtrack/" PRELOAD_NAME,
                                          "/../" REFTRACK_LIBDIR "/reftrack/" PRELOAD_NAME };
    return find(places, sizeof places / sizeof places[0],
                REFTRACK_PREFIX "/" REFTRACK_LIBDIR "/reftrack/" PRELOAD_NAME);
}

char *launch_find_adapters(void)
{
    static const char *const places[] = { "/../adapters/.", "/../" REFTRACK_DATADIR "/reftrack/adapters" };
    return find(places, sizeof places / sizeof places[0], REFTRACK_PREFIX "/" REFTRACK_DATADIR "/reftrack/adapters");
}

char *launch_find_viewer(void)
{
    static const char *const places[] = { "/reftrack-tui", "/../../tui/reftrack-tui",
                                          "/../" REFTRACK_LIBEXECDIR "/reftrack/reftrack-tui" };
    return find(places, sizeof places / sizeof places[0],
                REFTRACK_PREFIX "/" REFTRACK_LIBEXECDIR "/reftrack/reftrack-tui");
}

/* name=first, and what was there before behind the separator. */
static bool set_joined(const char *name, const char *first, const char *last, char separator)
{
    struct prof_str value = { 0 };
    if (first != NULL && first[0] != '\0')
        prof_str_add(&value, first);
    if (last != NULL && last[0] != '\0') {
        if (value.length > 0)
            prof_str_addn(&value, &separator, 1);
        prof_str_add(&value, last);
    }
    char *text = prof_str_take(&value);
    bool ok = text != NULL && setenv(name, text, 1) == 0;
    free(text);
    return ok;
}

static bool set_environment(const struct launch *launch)
{
    struct prof_str own = { 0 };
    const char *users = getenv("TRACK_OPTIONS");
    if (users != NULL && users[0] != '\0') {
        prof_str_add(&own, users);
        prof_str_add(&own, ":");
    }
    if (launch->options != NULL && launch->options[0] != '\0') {
        prof_str_add(&own, launch->options);
        prof_str_add(&own, ":");
    }
    prof_str_addf(&own, "sock=%s", launch->socket);
    char *text = prof_str_take(&own);
    bool ok = text != NULL && setenv("TRACK_OPTIONS", text, 1) == 0;
    free(text);
    // Thread caches hand out blocks as they are. What the user has set comes later, and counts.
    ok = ok && (!launch->fill || set_joined("GLIBC_TUNABLES", "glibc.malloc.perturb=165:glibc.malloc.tcache_count=0",
                                            getenv("GLIBC_TUNABLES"), ':'));
    return ok && (launch->preload == NULL || set_joined("LD_PRELOAD", launch->preload, getenv("LD_PRELOAD"), ':'));
}

static void place_files(const struct launch *launch)
{
    if (launch->session)
        setsid();
    for (int i = 0; i < 3; i++) {
        if (launch->files[i] >= 0)
            dup2(launch->files[i], i);
        if (launch->session && launch->files[i] >= 0 && isatty(i))
            ioctl(i, TIOCSCTTY, 0);
    }
}

static void child_side(const struct launch *launch, int report)
{
    int err = ENOMEM;
    place_files(launch);
    if (set_environment(launch)) {
        sigprocmask(SIG_SETMASK, launch->signals, NULL);
        execvp(launch->argv[0], launch->argv);
        err = errno;
    }
    ssize_t n = write(report, &err, sizeof err);
    _exit(n == (ssize_t)sizeof err ? 127 : 126);
}

static struct prof_error *explain(const char *program, int err, int *ret_code)
{
    *ret_code = err == ENOENT ? 127 : err == ENOMEM || err == EAGAIN ? 125 : 126;
    if (err != ENOENT)
        return prof_error_os(err, "run", program, err == EACCES ? "make it executable" : NULL);
    if (strchr(program, '/') != NULL && access(program, F_OK) == 0)
        return prof_error_os(err, "run", program, "the interpreter or loader that it names is missing");
    return prof_error_os(err, "run", program,
                         strchr(program, '/') != NULL ? "check the path" : "it is in no folder of PATH");
}

struct prof_error *launch_program(const struct launch *launch, pid_t *ret_pid, int *ret_code)
{
    int report[2];
    *ret_code = 125;
    if (pipe2(report, O_CLOEXEC) != 0)
        return prof_error_os(errno, "create", "a pipe", NULL);
    pid_t pid = fork();
    if (pid == 0)
        child_side(launch, report[1]);
    int err = errno;
    close(report[1]);
    if (pid < 0) {
        close(report[0]);
        return prof_error_os(err, "start", launch->argv[0], "too many processes, or no memory");
    }
    ssize_t n;
    do
        n = read(report[0], &err, sizeof err);
    while (n < 0 && errno == EINTR);
    close(report[0]);
    if (n == (ssize_t)sizeof err) {
        siginfo_t info;
        while (waitid(P_PID, (id_t)pid, &info, WEXITED) != 0 && errno == EINTR)
            continue;
        return explain(launch->argv[0], err, ret_code);
    }
    *ret_pid = pid;
    return NULL;
}

void launch_detach_files(int keep)
{
    DIR *dir = opendir("/proc/self/fd");
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        int fd = atoi(entry->d_name);
        if (entry->d_name[0] == '.' || fd <= 2 || fd == keep || fd == dirfd(dir))
            continue;
        int flags = fcntl(fd, F_GETFD);
        if (flags >= 0 && (flags & FD_CLOEXEC) == 0)
            close(fd);
    }
    if (dir != NULL)
        closedir(dir);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; null >= 0 && fd <= 2; fd++)
        if (fd != keep)
            dup2(null, fd);
    if (null > 2)
        close(null);
}
