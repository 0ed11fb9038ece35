/* attach_list.c: which processes of this user can be woken or are recorded, and removing what dead ones left. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "attach.h"
#include "attach_proc.h"
#include "private.h"

typedef PROF_VEC(struct attach_row) row_vec;

static bool add_row(row_vec *rows, const struct attach_proc *proc, const struct trk_control_page *page)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    uint64_t start_s = proc->start_time / (uint64_t)sysconf(_SC_CLK_TCK);
    struct attach_row row = { .pid = proc->pid,
                              .age_s = (uint64_t)now.tv_sec > start_s ? (uint64_t)now.tv_sec - start_s : 0,
                              .recorder_pid = attach_proc_recorder(page),
                              .wakes_left = __atomic_load_n(&page->wakes_left, __ATOMIC_RELAXED) };
    memcpy(row.program, proc->program, sizeof row.program);
    return prof_vec_push(rows, row);
}

/* False only without memory: processes that cannot be woken are no rows. */
static bool look_at(row_vec *rows, pid_t pid)
{
    struct attach_proc proc;
    struct trk_control_page *page = NULL;
    int fd = -1;
    bool ok = true;
    struct prof_error *error = attach_proc_find(pid, &proc);
    if (error == NULL)
        error = attach_proc_page(&proc, &fd, &page);
    if (error == NULL && page->magic == TRK_CONTROL_MAGIC && page->abi == TRK_CONTROL_ABI &&
        page->pid == (uint32_t)proc.ns_pid && page->start_time == proc.start_time)
        ok = add_row(rows, &proc, page);
    prof_error_destroy(error);
    if (page != NULL)
        munmap(page, sizeof *page);
    if (fd >= 0)
        close(fd);
    return ok;
}

/* Removes the files of dead processes of our pid namespace. */
static void clean(const char *path)
{
    struct stat st, ns;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    DIR *dir =
        fstat(fd, &st) == 0 && st.st_uid == geteuid() && stat("/proc/self/ns/pid", &ns) == 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        close(fd);
        return;
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        int pid;
        uint64_t start, inode;
        char end;
        if (sscanf(entry->d_name, "%d-%" SCNu64 "-%" SCNu64 "%c", &pid, &start, &inode, &end) == 3 && pid > 0 &&
            inode == ns.st_ino && !rec_pid_alive(pid, -1))
            unlinkat(dirfd(dir), entry->d_name, 0);
    }
    closedir(dir);
}

static void clean_all(void)
{
    static const char *const shared[] = { "/dev/shm", "/tmp" };
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    char path[512];
    if (runtime != NULL && runtime[0] == '/' && snprintf(path, sizeof path, "%s/libtrack", runtime) < (int)sizeof path)
        clean(path);
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++) {
        snprintf(path, sizeof path, "%s/libtrack-%u", shared[i], (unsigned)geteuid());
        clean(path);
    }
}

static int by_pid(const void *a, const void *b)
{
    const struct attach_row *x = a, *y = b;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

struct prof_error *attach_list(struct attach_row **ret, size_t *ret_count)
{
    row_vec rows = { 0 };
    DIR *dir = opendir("/proc");
    bool ok = true;
    if (dir == NULL)
        return prof_error_os(errno, "read", "/proc", NULL);
    clean_all();
    for (struct dirent *entry; ok && (entry = readdir(dir)) != NULL;)
        if (isdigit((unsigned char)entry->d_name[0]))
            ok = look_at(&rows, atoi(entry->d_name));
    closedir(dir);
    if (!ok) {
        prof_vec_deinit(&rows);
        return prof_error_memory();
    }
    if (rows.count > 0)
        qsort(rows.items, rows.count, sizeof *rows.items, by_pid);
    *ret = rows.items;
    *ret_count = rows.count;
    return NULL;
}
