/* find_trace.c: which trace is meant when nobody names a file: the newest of the folder, or the one that a running
 * process is filling. */
#include "cli.h"

#include <base/str.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <track/format.h>

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), n = strlen(end);
    return length >= n && strcmp(text + length - n, end) == 0;
}

/* The file is a trace of the process. Its name tells nothing: it may be any, and "app.4711.1.trk" is not that of 1. */
static bool is_trace_of(int folder, const char *name, uint64_t pid)
{
    struct trk_file_header header;
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return false;
    bool is = pread(fd, &header, sizeof header, 0) == (ssize_t)sizeof header &&
              memcmp(header.magic, TRK_FILE_MAGIC, sizeof header.magic) == 0 && header.pid == pid;
    close(fd);
    return is;
}

/* Newest regular file in a folder that ends in .trk and, with pid != 0, is a trace of the process. */
static char *newest_in(const char *folder, uint64_t pid)
{
    DIR *dir = opendir(folder);
    char *best = NULL;
    struct timespec best_time = { 0 };
    if (dir == NULL)
        return NULL;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        struct stat st;
        if (!ends_with(entry->d_name, ".trk") || fstatat(dirfd(dir), entry->d_name, &st, 0) != 0 ||
            !S_ISREG(st.st_mode) || (pid != 0 && !is_trace_of(dirfd(dir), entry->d_name, pid)))
            continue;
        if (best != NULL && (st.st_mtim.tv_sec < best_time.tv_sec ||
                             (st.st_mtim.tv_sec == best_time.tv_sec && st.st_mtim.tv_nsec <= best_time.tv_nsec)))
            continue;
        char *path = NULL;
        if (asprintf(&path, "%s%s%s", strcmp(folder, ".") == 0 ? "" : folder, strcmp(folder, ".") == 0 ? "" : "/",
                     entry->d_name) < 0)
            continue;
        free(best);
        best = path;
        best_time = st.st_mtim;
    }
    closedir(dir);
    return best;
}

char *cli_trace_newest(void)
{
    return newest_in(".", 0);
}

/* The folder of a link below /proc, malloc'ed. */
static char *process_link(uint64_t pid, const char *name)
{
    char path[64], target[4096];
    snprintf(path, sizeof path, "/proc/%llu/%s", (unsigned long long)pid, name);
    ssize_t length = readlink(path, target, sizeof target - 1);
    if (length <= 0)
        return NULL;
    target[length] = '\0';
    return strdup(target);
}

/* A file that a process holds open and that is the pid's trace: the recorder's output, wherever it was sent. */
static char *open_trace_of(uint64_t holder, uint64_t pid)
{
    char folder[64];
    snprintf(folder, sizeof folder, "/proc/%llu/fd", (unsigned long long)holder);
    DIR *dir = opendir(folder);
    char *found = NULL;
    if (dir == NULL)
        return NULL;
    for (struct dirent *entry; found == NULL && (entry = readdir(dir)) != NULL;) {
        char target[4096];
        ssize_t length = readlinkat(dirfd(dir), entry->d_name, target, sizeof target - 1);
        if (length <= 0)
            continue;
        target[length] = '\0';
        if (!ends_with(target, ".trk"))
            continue;
        /* the name need not tell the process; the header does */
        struct prof_trace *trace;
        struct prof_error *error = prof_trace_open(target, &trace);
        if (error != NULL) {
            prof_error_destroy(error);
            continue;
        }
        if (prof_trace_info(trace)->pid == pid)
            found = strdup(target);
        prof_trace_close(trace);
    }
    closedir(dir);
    return found;
}

/* Processes of this user called reftrack: one of them may be the recorder. */
static char *from_recorders(uint64_t pid)
{
    DIR *dir = opendir("/proc");
    char *found = NULL;
    if (dir == NULL)
        return NULL;
    for (struct dirent *entry; found == NULL && (entry = readdir(dir)) != NULL;) {
        uint64_t candidate;
        char path[320], name[32] = "";
        if (!cli_parse_number(entry->d_name, &candidate) || candidate == (uint64_t)getpid())
            continue;
        snprintf(path, sizeof path, "/proc/%s/comm", entry->d_name);
        FILE *comm = fopen(path, "re");
        if (comm == NULL)
            continue;
        if (fgets(name, sizeof name, comm) == NULL)
            name[0] = '\0';
        fclose(comm);
        if (strncmp(name, "reftrack", 8) == 0)
            found = open_trace_of(candidate, pid);
    }
    closedir(dir);
    return found;
}

char *cli_trace_of_pid(uint64_t pid)
{
    char *path = newest_in(".", pid);
    if (path != NULL)
        return path;
    path = from_recorders(pid);
    if (path != NULL)
        return path;
    char *cwd = process_link(pid, "cwd");
    if (cwd != NULL)
        path = newest_in(cwd, pid);
    free(cwd);
    return path;
}

bool cli_file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool cli_is_trace(const char *word)
{
    size_t length = strlen(word);
    return (length > 4 && strcmp(word + length - 4, ".trk") == 0) || cli_file_exists(word);
}

int cli_operands_object(const struct cli_command *command, const struct cli_operands *operands, const char **ret_path,
                        const char **ret_object)
{
    const char *object = operands->items[operands->count - 1];
    if (operands->count == 1 && cli_is_trace(object))
        return cli_usage(command,
                         "OBJECT is missing behind '%s': name one such as @leak:1 or 'struct conn#12'; 'reftrack "
                         "objects' lists them",
                         object);
    *ret_path = operands->count > 1 ? operands->items[0] : NULL;
    *ret_object = object;
    return -1;
}
