/* wake_file.c: the small file of a wakeable process, and the directory it lies in. Whoever can write the file decides
 * where the process connects to, so the directory must be closed to everybody else. */
#include "wake.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "control.h"

enum {
    STAT_BYTES = 1024,
    START_FIELD = 22, /* of /proc/PID/stat */
    SWEEP_BYTES = 2048,
};

static int dir_open(const char *path)
{
    struct stat st = { .st_mode = 0 };
    trk_sys3(SYS_mkdirat, AT_FDCWD, path, 0700);
    long fd = trk_sys4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (!trk_failed(trk_sys2(SYS_fstat, fd, &st)) && S_ISDIR(st.st_mode) && (st.st_mode & 077) == 0 &&
        st.st_uid == (uid_t)trk_sys0(SYS_geteuid))
        return (int)fd;
    trk_close((int)fd);
    return -1;
}

int trk_wake_file_dir(char *dir)
{
    static const char *const shared[] = { "/dev/shm/libtrack-", "/tmp/libtrack-" };
    struct trk_env env;
    struct trk_buf b;
    int fd = -1;
    if (dir[0])
        return dir_open(dir);
    trk_env_open(&env);
    const char *runtime = trk_env_get(&env, "XDG_RUNTIME_DIR");
    trk_buf_init(&b, dir, TRK_WAKE_DIR);
    if (runtime != NULL && runtime[0] == '/' && trk_strlen(runtime, TRK_WAKE_DIR) < TRK_WAKE_DIR - 16) {
        trk_buf_str(&b, runtime);
        trk_buf_str(&b, "/libtrack");
        fd = dir_open(dir);
    }
    for (unsigned i = 0; fd < 0 && i < sizeof shared / sizeof shared[0]; i++) {
        trk_buf_init(&b, dir, TRK_WAKE_DIR);
        trk_buf_str(&b, shared[i]);
        trk_buf_num(&b, (uint64_t)trk_sys0(SYS_geteuid));
        fd = dir_open(dir);
    }
    trk_env_close(&env);
    if (fd < 0)
        dir[0] = 0;
    return fd;
}

/* When this process began, in clock ticks after boot; 0: not known. */
static uint64_t start_time(void)
{
    char text[STAT_BYTES];
    int fd = trk_open_read("/proc/self/stat");
    if (fd < 0)
        return 0;
    long n = trk_read_all(fd, text, sizeof text);
    trk_close(fd);
    long at = n - 1;
    while (at > 0 && text[at] != ')') /* the name before it may hold anything */
        at--;
    for (unsigned field = 2; at > 0 && at < n && field < START_FIELD; at++)
        field += text[at] == ' ';
    long end = at;
    while (end < n && text[end] != ' ')
        end++;
    uint64_t number;
    return at > 0 && at < end && trk_parse_num(text + at, (size_t)(end - at), &number) ? number : 0;
}

static uint64_t pid_namespace(void)
{
    struct stat st = { .st_ino = 0 };
    return trk_failed(trk_sys4(SYS_newfstatat, AT_FDCWD, "/proc/self/ns/pid", &st, 0)) ? 0 : st.st_ino;
}

/* The numbers of PID-STARTTIME-NAMESPACE; false for any other name. */
static bool name_read(const char *name, uint64_t *numbers)
{
    for (unsigned i = 0; i < 3; i++) {
        size_t n = 0;
        /* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Branch): a directory entry's name ends in a NUL */
        while (name[n] && name[n] != '-')
            n++;
        if (!trk_parse_num(name, n, &numbers[i]) || (name[n] == 0) != (i == 2))
            return false;
        name += n + 1;
    }
    return true;
}

/* Removes what dead processes of our pid namespace left, as far as one look at the directory shows it: every new file
 * takes some old ones away, so they do not pile up. */
static void sweep(int dir, uint64_t pid, uint64_t namespace)
{
    struct entry { /* struct linux_dirent64 */
        uint64_t ino, off;
        uint16_t bytes;
        uint8_t type;
        char name[];
    };
    char buf[SWEEP_BYTES] __attribute__((aligned(8)));
    long n = trk_sys3(SYS_getdents64, dir, buf, sizeof buf);
    for (long at = 0; at + (long)sizeof(struct entry) < n;) {
        const struct entry *e = (const struct entry *)(const void *)(buf + at);
        uint64_t numbers[3];
        if (name_read(e->name, numbers) && numbers[2] == namespace && numbers[0] <= INT32_MAX &&
            (numbers[0] == pid || trk_sys2(SYS_kill, numbers[0], 0) == -ESRCH))
            trk_sys3(SYS_unlinkat, dir, e->name, 0); /* our own number: from before exec, or another life's */
        at += e->bytes;
    }
}

int trk_wake_file_create(int dir, struct trk_control_page *content, char *name)
{
    uint64_t pid = (uint64_t)trk_sys0(SYS_getpid);
    uint64_t namespace = pid_namespace();
    struct trk_buf b;
    content->pid = (uint32_t)pid;
    content->start_time = start_time();
    if (content->start_time == 0 || namespace == 0)
        return -1;
    sweep(dir, pid, namespace);
    trk_buf_init(&b, name, TRK_WAKE_NAME);
    trk_buf_num(&b, pid);
    trk_buf_str(&b, "-");
    trk_buf_num(&b, content->start_time);
    trk_buf_str(&b, "-");
    trk_buf_num(&b, namespace);
    long fd = -EEXIST;
    for (unsigned i = 0; fd == -EEXIST && i < 2; i++) {
        if (i > 0) /* this process before it executed another program */
            trk_sys3(SYS_unlinkat, dir, name, 0);
        fd = trk_sys4(SYS_openat, dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    }
    if (fd < 0)
        return -1;
    /* Written, not only sized: a page that finds no room later would be a SIGBUS. */
    if (trk_sys4(SYS_pwrite64, fd, content, sizeof *content, 0) == (long)sizeof *content)
        return (int)fd;
    trk_sys3(SYS_unlinkat, dir, name, 0);
    trk_close((int)fd);
    return -1;
}
