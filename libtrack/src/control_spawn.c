/* control_spawn.c: starts `reftrack recorder` for a program that runs alone (TRACK_OPTIONS=out=). The recorder is
 * nobody's child that the program could meet in wait(), and its start raises no SIGCHLD. */
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "engine.h"

#ifndef TRK_PREFIX
#define TRK_PREFIX "/usr/local"
#endif

enum {
    RECORDER_FD = 3,
    ENV_MAX = 4096,
    SIGSET_BYTES = 8,
    MAPS_CHUNK = 16 << 10,
};

static bool starts(const char *s, const char *with)
{
    while (*with && *s == *with)
        s++, with++;
    return *with == 0;
}

static bool runnable(const char *path)
{
    return trk_sys4(SYS_faccessat, AT_FDCWD, path, 1 /* X_OK */, 0) == 0;
}

static bool path_join(char *to, const char *dir, size_t dir_len, const char *name)
{
    struct trk_buf b;
    trk_buf_init(&b, to, TRK_PATH_MAX);
    trk_buf_put(&b, dir, dir_len);
    trk_buf_str(&b, name);
    return b.used + 1 < TRK_PATH_MAX && runnable(to);
}

/* The directory of the file in a line of /proc/self/maps, when its range holds `here`; else 0. */
static size_t line_directory(const char *line, size_t size, uintptr_t here, const char **ret)
{
    uintptr_t bounds[2] = { 0, 0 };
    size_t p = 0;
    for (unsigned k = 0; k < 2; k++, p++) {
        for (; p < size && line[p] != '-' && line[p] != ' '; p++) {
            unsigned c = (unsigned char)line[p];
            bounds[k] = bounds[k] << 4 | (c <= '9' ? c - '0' : c - 'a' + 10);
        }
    }
    if (here < bounds[0] || here >= bounds[1])
        return 0;
    while (p < size && line[p] != '/')
        p++;
    size_t last = size;
    while (last > p && line[last - 1] != '/')
        last--;
    *ret = line + p;
    return last > p + 1 ? last - 1 - p : 0;
}

/* Directory of the file that this copy's code was mapped from; 0 when not found. */
static size_t own_directory(char *to, size_t size)
{
    uintptr_t here = (uintptr_t)&own_directory;
    size_t found = 0;
    size_t have = 0;
    int fd = trk_open_read("/proc/self/maps");
    char *text = fd < 0 ? NULL : trk_map(MAPS_CHUNK);
    while (text != NULL && !found && have < MAPS_CHUNK) {
        long n = trk_sys3(SYS_read, fd, text + have, MAPS_CHUNK - have);
        if (n <= 0)
            break;
        have += (size_t)n;
        size_t line = 0;
        for (size_t i = 0; i < have && !found; i++) {
            const char *dir;
            if (text[i] != '\n')
                continue;
            found = line_directory(text + line, i - line, here, &dir);
            if (found && found < size)
                trk_copy(to, dir, found);
            line = i + 1;
        }
        for (size_t i = line; i < have; i++)
            text[i - line] = text[i];
        have -= line;
    }
    if (text != NULL)
        trk_unmap(text, MAPS_CHUNK);
    if (fd >= 0)
        trk_close(fd);
    return found < size ? found : 0;
}

static bool find_in_path(char *to, const char *path)
{
    while (path != NULL && *path) {
        size_t n = 0;
        while (path[n] && path[n] != ':')
            n++;
        if (n && path_join(to, path, n, "/reftrack"))
            return true;
        path += n + (path[n] == ':');
    }
    return false;
}

static bool find_recorder(char *to, const struct trk_env *env)
{
    static const char *const beside[] = { "/../bin/reftrack", "/../../bin/reftrack", "/../../../bin/reftrack",
                                          "/../profiler/cli/reftrack" };
    char dir[TRK_PATH_MAX];
    if (trk_options.recorder[0])
        return path_join(to, trk_options.recorder, trk_strlen(trk_options.recorder, TRK_PATH_MAX), "");
    size_t n = own_directory(dir, sizeof dir);
    for (unsigned i = 0; n && i < sizeof beside / sizeof beside[0]; i++) {
        if (path_join(to, dir, n, beside[i]))
            return true;
    }
    return path_join(to, TRK_PREFIX "/bin", sizeof TRK_PREFIX + 3, "/reftrack") ||
           find_in_path(to, trk_env_get(env, "PATH"));
}

/* fork without a signal at exit and without fork handlers. */
static long quiet_fork(void)
{
    return trk_sys5(SYS_clone, 0, 0, 0, 0, 0);
}

static void close_from(unsigned first)
{
#ifdef SYS_close_range
    if (trk_sys3(SYS_close_range, first, ~0u, 0) == 0)
        return;
#endif
    for (unsigned fd = first; fd < 65536; fd++)
        trk_close((int)fd);
}

/* Runs in the grandchild of the target: becomes the recorder. */
static __attribute__((noreturn)) void become_recorder(int sock, char *path, char **argv, char **envp)
{
    struct {
        void (*handler)(int);
        unsigned long flags;
        void (*restorer)(void);
        uint64_t mask;
    } dfl = { .handler = SIG_DFL };
    uint64_t none = 0;
    for (int sig = 1; sig <= 64; sig++)
        trk_sys4(SYS_rt_sigaction, sig, &dfl, 0, SIGSET_BYTES);
    trk_sys4(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0, SIGSET_BYTES);
    if (sock == RECORDER_FD)
        trk_sys3(SYS_fcntl, sock, F_SETFD, 0);
    else
        trk_sys3(SYS_dup3, sock, RECORDER_FD, 0);
    close_from(RECORDER_FD + 1);
    /* A pipe behind the target's stdout must end with the target. stderr stays: the recorder may have to say something.
     */
    long null = trk_sys4(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR, 0);
    if (null >= 0) {
        trk_sys3(SYS_dup3, null, 0, 0);
        trk_sys3(SYS_dup3, null, 1, 0);
        if (null > RECORDER_FD)
            trk_close((int)null);
    }
    trk_sys3(SYS_execve, path, argv, envp);
    for (;;)
        trk_sys1(SYS_exit_group, 127); /* the other end sees the socket close */
}

static void say_failure(const char *what, const char *about, const char *todo)
{
    char text[TRK_PATH_MAX + 256];
    struct trk_buf b;
    trk_buf_init(&b, text, sizeof text);
    trk_buf_str(&b, "libtrack: not recording: ");
    trk_buf_str(&b, what);
    trk_buf_str(&b, about);
    trk_buf_str(&b, "; ");
    trk_buf_str(&b, todo);
    trk_buf_str(&b, "\n");
    trk_buf_say(&b);
}

/* Where the pieces of the command live until exec. */
struct spawn {
    char path[TRK_PATH_MAX];
    char pid[32];
    char out[TRK_PATH_MAX + 8];
    char *argv[8];
    char *envp[ENV_MAX];
};

static void fill_command(struct spawn *s, const struct trk_env *env)
{
    static char name[] = "reftrack", command[] = "recorder", fd_arg[] = "--fd=3", options_arg[] = "--options";
    struct trk_buf b;
    size_t n = 0;
    trk_buf_init(&b, s->pid, sizeof s->pid);
    trk_buf_str(&b, "--pid=");
    trk_buf_num(&b, (uint64_t)trk_sys0(SYS_getpid));
    trk_buf_init(&b, s->out, sizeof s->out);
    trk_buf_str(&b, "--out=");
    trk_buf_str(&b, trk_options.out);
    s->argv[0] = name;
    s->argv[1] = command;
    s->argv[2] = fd_arg;
    s->argv[3] = s->pid;
    s->argv[4] = s->out;
    s->argv[5] = NULL;
    for (char **e = env->list; *e != NULL; e++) {
        /* The recorder is not to record itself; what is its business in the options it is told. */
        if (starts(*e, "TRACK_OPTIONS=")) {
            s->argv[5] = options_arg;
            s->argv[6] = *e + sizeof "TRACK_OPTIONS=" - 1;
            s->argv[7] = NULL;
        } else if (!starts(*e, "LD_PRELOAD=") && n + 1 < ENV_MAX) {
            s->envp[n++] = *e;
        }
    }
    s->envp[n] = NULL;
}

/* The double fork. The first child leads a session of its own and ends at once. */
static bool launch(struct spawn *s, int theirs)
{
    uint64_t all = ~(uint64_t)0;
    uint64_t old = 0;
    trk_sys4(SYS_rt_sigprocmask, SIG_SETMASK, &all, &old, SIGSET_BYTES);
    long child = quiet_fork();
    if (child == 0) {
        trk_sys0(SYS_setsid);
        if (quiet_fork() == 0)
            become_recorder(theirs, s->path, s->argv, s->envp);
        for (;;)
            trk_sys1(SYS_exit_group, 0);
    }
    trk_sys4(SYS_rt_sigprocmask, SIG_SETMASK, &old, 0, SIGSET_BYTES);
    if (child < 0)
        return false;
    while (trk_sys4(SYS_wait4, child, 0, __WCLONE, 0) == -EINTR)
        continue;
    return true;
}

int trk_control_spawn(void)
{
    struct trk_env env;
    int ours = -1;
    int fds[2] = { -1, -1 };
    struct spawn *s = trk_map(sizeof *s);
    if (s == NULL)
        return -1;
    trk_env_open(&env);
    if (!find_recorder(s->path, &env)) {
        bool given = trk_options.recorder[0];
        say_failure(given ? "cannot run the recorder " : "the reftrack program was not found",
                    given ? trk_options.recorder : "", "name it with TRACK_OPTIONS=recorder=/path/to/reftrack");
    } else if (trk_sys4(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) {
        say_failure("no socket for the recorder", "", "raise the limit of open files (ulimit -n)");
    } else {
        fill_command(s, &env);
        ours = fds[0];
        if (!launch(s, fds[1])) {
            say_failure("cannot start a process for the recorder", "", "raise the limit of processes (ulimit -u)");
            trk_close(ours);
            ours = -1;
        }
        trk_close(fds[1]);
    }
    trk_env_close(&env);
    trk_unmap(s, sizeof *s);
    return ours;
}
