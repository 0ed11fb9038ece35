/* fold_help.c: the process that makes a trace shorter while its recorder goes on, and what such a process leaves
 * behind.
 *
 * It is forked and not started anew: all it needs is there, and a fork copies no page tables of shared memory, only
 * those of the few MiB that are the recorder's own.
 *
 * It has the old file open until the recorder has closed it: whoever closes a file last that has no name any more waits
 * until its pages are freed, which takes longer the longer the file is. For the same reason the blocks of the new file
 * get their place on the disk here: a rename over another file makes up for that. */
#include "private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/str.h>
#include <prof/heap.h>

#include "launch.h"

enum {
    COPY_ENOUGH = 64 << 10, /* what the recorder copies itself */
    COPY_ROUNDS = 16,
    NICE = 10,          /* the program and its recorder come first */
    SWEEP_MOST = 20000, /* entries of a folder that are looked at */
};

/* ---- Its work ---- */

/* Where each ring stands in front of what follows in the file, for `reftrack recover`. */
static char *ring_places(const struct proc *proc)
{
    struct prof_str str = { 0 };
    prof_str_add(&str, "fold_rings=");
    for (uint32_t i = 0; i < proc->arena->ring_count; i++) {
        const struct ring *ring = &proc->arena->rings[i];
        if (ring->proc == proc->index && ring->taken > 0)
            prof_str_addf(&str, "%" PRIu32 ",%" PRIu64 ",%" PRIu32 ",%" PRIu64 " ", i, ring->taken, ring->tid,
                          ring->now_us);
    }
    return prof_str_take(&str);
}

static struct prof_error *write_folds(struct prof_writer *writer, const struct proc *proc)
{
    char folds[32], failures[32], *rings = ring_places(proc);
    if (rings == NULL)
        return prof_error_memory();
    snprintf(folds, sizeof folds, "folds=%u", proc->fold.count + 1);
    snprintf(failures, sizeof failures, "folds_failed=%u", proc->fold.failed);
    const char *const pairs[] = { folds, failures, rings, NULL };
    struct prof_error *error = prof_writer_meta(writer, pairs);
    free(rings);
    return error;
}

static struct prof_error *copy_rest(struct prof_writer *writer, int fd, struct fold_report *report)
{
    struct prof_error *error = NULL;
    for (int i = 0; i < COPY_ROUNDS && error == NULL; i++) {
        uint64_t from = report->upto;
        error = prof_writer_copy(writer, fd, from, &report->upto);
        if (error == NULL)
            error = prof_writer_flush(writer);
        if (i == 0)
            (void)sync_file_range(prof_writer_fd(writer), 0, 0, SYNC_FILE_RANGE_WRITE);
        else if (report->upto - from < COPY_ENOUGH)
            break;
    }
    return error;
}

static struct prof_error *help(struct proc *proc, uint64_t round, uint64_t end, struct fold_report *report)
{
    struct fold *fold = &proc->fold;
    int fd = dup(prof_writer_fd(proc->writer));
    if (fd < 0)
        return prof_error_os(errno, "read back", proc->result.path, NULL);
    struct prof_trace *trace;
    struct prof_error *error = prof_trace_open_fd(fd, proc->result.path, end, &trace);
    if (error != NULL)
        return error;
    struct prof_writer_options options = prof_writer_options_of(prof_trace_info(trace));
    options.zstd_level = rec_zstd_level(&proc->arena->rec->options);
    struct prof_writer *writer;
    error = prof_writer_open(fold->file, &options, &writer);
    if (error != NULL)
        return error;
    /* As long as we live nobody takes it for a leftover. File systems without locks have none that are found. */
    if (flock(prof_writer_fd(writer), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return prof_error_os(errno, "lock", fold->file, NULL);
    /* The generations go along with it, and obey what the program said to them. */
    struct prof_gc_commands commands = { 0 };
    const struct prof_gc_options gc_options = { .event = prof_gc_obey, .event_ctx = &commands };
    struct prof_gc *gc = NULL;
    error = prof_gc_create(&gc_options, &gc);
    if (error == NULL)
        error = prof_heap_fold(trace, round, prof_gc_follow(gc), writer);
    if (error == NULL)
        error = write_folds(writer, proc);
    if (error == NULL)
        error = prof_writer_flush(writer);
    report->base = prof_writer_bytes(writer);
    report->upto = end;
    if (error == NULL)
        error = copy_rest(writer, fd, report);
    report->blocks = prof_writer_blocks(writer);
    report->bytes = prof_writer_bytes(writer);
    return error; /* the process ends: nothing is worth freeing */
}

/* In the child. It must not outlive the recorder, and must not be what the target waits for. */
static void run_helper(struct proc *proc, pid_t parent, int out, uint64_t round, uint64_t end)
{
    struct fold_report report = { 0 };
    char byte;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    launch_detach_files(-1);
    (void)setpriority(PRIO_PROCESS, 0, NICE);
    struct prof_error *error = help(proc, round, end, &report);
    if (error != NULL)
        snprintf(report.problem, sizeof report.problem, "%s", error->message);
    ssize_t n = write(out, &report, sizeof report);
    while (read(out, &byte, 1) < 0 && errno == EINTR)
        continue; /* until the recorder has closed its end, and the old file before */
    _exit(n == (ssize_t)sizeof report ? 0 : 1);
}

pid_t rec_fold_helper(struct proc *proc, uint64_t round, uint64_t end, int *ret_pipe)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return -1;
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        run_helper(proc, parent, ends[1], round, end);
    }
    int err = errno;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        errno = err;
        return -1;
    }
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    *ret_pipe = ends[0];
    return pid;
}

/* ---- What one left that was killed ---- */

/* ".NAME.trk.fold", with whatever NAME and suffix the user chose. */
static bool is_fold_name(const char *name)
{
    size_t length = strlen(name);
    return name[0] == '.' && length > 6 && strcmp(name + length - 5, ".fold") == 0;
}

/* Removes it if it is a trace of this user that nobody writes. */
static void sweep_file(int folder, const char *name)
{
    char magic[8];
    struct stat own, named;
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return;
    if (fstat(fd, &own) == 0 && S_ISREG(own.st_mode) && own.st_uid == geteuid() &&
        read(fd, magic, sizeof magic) == (ssize_t)sizeof magic && memcmp(magic, TRK_FILE_MAGIC, sizeof magic) == 0 &&
        flock(fd, LOCK_EX | LOCK_NB) == 0 && fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
        named.st_ino == own.st_ino && named.st_dev == own.st_dev)
        (void)unlinkat(folder, name, 0);
    close(fd);
}

void rec_fold_sweep(const char *trace)
{
    const char *slash = strrchr(trace, '/');
    char *folder = slash != NULL ? strndup(trace, (size_t)(slash + 1 - trace)) : strdup(".");
    DIR *dir = folder != NULL ? opendir(folder) : NULL;
    free(folder);
    if (dir == NULL)
        return;
    const struct dirent *entry;
    for (int i = 0; i < SWEEP_MOST && (entry = readdir(dir)) != NULL; i++)
        if (is_fold_name(entry->d_name))
            sweep_file(dirfd(dir), entry->d_name);
    closedir(dir);
}
