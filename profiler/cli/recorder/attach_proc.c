/* attach_proc.c: what /proc tells about a process that may be woken: whose it is, which control file it has mapped, and
 * why it has none. */
#include "attach_proc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static FILE *proc_file(pid_t pid, const char *what)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, what);
    return fopen(path, "re");
}

/* Fills what /proc/PID/status tells; false: there is no such process, or it has ended. */
static bool read_status(struct attach_proc *ret)
{
    FILE *file = proc_file(ret->pid, "status");
    char line[256], state = 0;
    bool found = false;
    if (file == NULL)
        return false;
    ret->ns_pid = ret->pid;
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned uid, mode;
        char *last = strrchr(line, '\t');
        if (sscanf(line, "Name: %63[^\n]", ret->program) == 1) {
            for (char *c = ret->program; *c != '\0'; c++)
                if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
                    *c = '?';
        } else if (sscanf(line, "Uid: %*u %u", &uid) == 1) {
            ret->uid = uid;
            found = true;
        } else if (strncmp(line, "NSpid:", 6) == 0 && last != NULL) {
            ret->ns_pid = atoi(last + 1);
        } else if (sscanf(line, "Seccomp: %u", &mode) == 1) {
            ret->seccomp = mode != 0;
        } else {
            (void)sscanf(line, "State: %c", &state);
        }
    }
    fclose(file);
    return found && state != 'Z' && state != 'X';
}

static uint64_t read_start(pid_t pid)
{
    FILE *file = proc_file(pid, "stat");
    char text[1024];
    if (file == NULL)
        return 0;
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    uint64_t start = 0;
    char *at = strrchr(text, ')');
    for (unsigned field = 2; at != NULL && field < 22; field++)
        at = strchr(at + 1, ' ');
    if (at != NULL)
        (void)sscanf(at, "%" SCNu64, &start);
    return start;
}

/* .../libtrack/1-2-3 or .../libtrack-UID/1-2-3 */
static bool is_control_path(const char *path)
{
    const char *name = strrchr(path, '/');
    const char *dir = name;
    unsigned dashes = 0;
    if (name == NULL || name == path)
        return false;
    while (dir > path && dir[-1] != '/')
        dir--;
    if (strncmp(dir, "libtrack", 8) != 0 || (dir[8] != '/' && dir[8] != '-'))
        return false;
    for (const char *c = name + 1; *c != '\0'; c++) {
        if (*c == '-')
            dashes++;
        else if (*c < '0' || *c > '9')
            return false;
    }
    return dashes == 2;
}

/* Finds the control file in the memory map, and whether libtrack is there at all. errno when it cannot be read. */
static int read_maps(struct attach_proc *ret, bool *ret_carries)
{
    FILE *file = proc_file(ret->pid, "maps");
    char line[1024];
    if (file == NULL)
        return errno;
    errno = 0;
    while (ret->path[0] == '\0' && fgets(line, sizeof line, file) != NULL) {
        static const char deleted[] = " (deleted)";
        uint64_t inode;
        char *path = strchr(line, '/');
        if (path == NULL || sscanf(line, "%*s %*s %*s %*s %" SCNu64, &inode) != 1)
            continue;
        path[strcspn(path, "\n")] = '\0';
        size_t length = strlen(path);
        bool gone = length > sizeof deleted && strcmp(path + length - (sizeof deleted - 1), deleted) == 0;
        if (gone)
            path[length - (sizeof deleted - 1)] = '\0';
        *ret_carries |= strstr(path, "/libtrack") != NULL && strstr(path, ".so") != NULL;
        if (!is_control_path(path) || strlen(path) >= sizeof ret->path)
            continue;
        memcpy(ret->path, path, strlen(path) + 1);
        ret->inode = inode;
        ret->deleted = gone;
    }
    int error = ferror(file) ? (errno != 0 ? errno : EIO) : 0;
    fclose(file);
    return error;
}

struct prof_error *attach_proc_find(pid_t pid, struct attach_proc *ret)
{
    bool carries = false;
    *ret = (struct attach_proc){ .pid = pid };
    if (!read_status(ret))
        return prof_error_create(PROF_ERROR_NOT_FOUND, "there is no process %d (any more)", (int)pid);
    if (ret->uid != geteuid()) {
        const struct passwd *who = getpwuid(ret->uid);
        return prof_error_create(PROF_ERROR_ARGUMENT, "process %d (%s) belongs to user %s: run reftrack as that user",
                                 (int)pid, ret->program, who != NULL ? who->pw_name : "(without a name)");
    }
    ret->start_time = read_start(pid);
    int error = read_maps(ret, &carries);
    if (error == EACCES || error == EPERM)
        return prof_error_create(PROF_ERROR_ARGUMENT,
                                 "process %d (%s) is privileged or not dumpable: libtrack stays out of it", (int)pid,
                                 ret->program);
    if (error != 0)
        return prof_error_create(PROF_ERROR_NOT_FOUND, "there is no process %d (any more)", (int)pid);
    if (ret->path[0] != '\0' && !ret->deleted)
        return NULL;
    if (ret->path[0] != '\0')
        return prof_error_create(PROF_ERROR_NOT_FOUND,
                                 "process %d (%s) cannot be woken: its control file %s was removed; restart it, with "
                                 "TRACK_OPTIONS=out=FILE to record from the start",
                                 (int)pid, ret->program, ret->path);
    if (carries)
        return prof_error_create(PROF_ERROR_NOT_FOUND,
                                 "process %d (%s) carries libtrack but cannot be woken (TRACK_OPTIONS=wake=0, no "
                                 "directory for its control file, a child of many, or linked at fixed addresses with "
                                 "an older libtrack); restart it with TRACK_OPTIONS=out=FILE",
                                 (int)pid, ret->program);
    return prof_error_create(
        PROF_ERROR_NOT_FOUND,
        "process %d (%s) carries no libtrack that could be woken: start it with 'reftrack run', or "
        "link it with -Wl,--no-as-needed -ltrack",
        (int)pid, ret->program);
}

struct prof_error *attach_proc_page(const struct attach_proc *proc, int *ret_fd, struct trk_control_page **ret)
{
    char path[640];
    struct stat st;
    const char *name = strrchr(proc->path, '/') + 1;
    snprintf(path, sizeof path, "/proc/%d/root%.*s", (int)proc->pid, (int)(name - proc->path), proc->path);
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return prof_error_os(errno, "open", path, NULL);
    bool private = fstat(dir, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 077) == 0;
    int fd = *ret_fd = private ? openat(dir, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK) : -1;
    int problem = errno;
    close(dir);
    if (!private)
        return prof_error_create(PROF_ERROR_ARGUMENT,
                                 "the directory of %s is open to other users: remove it and restart process %d",
                                 proc->path, (int)proc->pid);
    if (fd < 0)
        return prof_error_os(problem, "open", proc->path, NULL);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_ino != proc->inode ||
        st.st_size != sizeof **ret)
        return prof_error_create(PROF_ERROR_FORMAT, "%s is not the file that process %d has mapped", proc->path,
                                 (int)proc->pid);
    void *page = mmap(NULL, sizeof **ret, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED)
        return prof_error_os(errno, "map", proc->path, NULL);
    *ret = page;
    return NULL;
}

pid_t attach_proc_recorder(const struct trk_control_page *page)
{
    uint32_t pid = __atomic_load_n(&page->recorder_pid, __ATOMIC_RELAXED);
    /* Partner: the target's release store behind recorder_pid. */
    if (__atomic_load_n(&page->state, __ATOMIC_ACQUIRE) != TRK_CONTROL_LIVE || pid == 0 || pid > INT32_MAX)
        return 0;
    return kill((pid_t)pid, 0) == 0 || errno != ESRCH ? (pid_t)pid : 0;
}
