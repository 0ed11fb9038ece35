/* name.c: what a trace is called. Names never leave the folder that the user chose and hold plain characters only. */
#include "private.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/str.h>

enum { SERIAL_MAX = 9999, ZSTD_LEVEL = 1 };

static void add_safe(struct prof_str *str, const char *name)
{
    for (const char *c = name; *c != '\0' && c - name < 100; c++) {
        bool plain = isalnum((unsigned char)*c) || strchr("_+-", *c) != NULL || (*c == '.' && c != name);
        prof_str_addn(str, plain ? c : "_", 1);
    }
}

/* Fills a template; *ret_has_pid tells whether %p was in it. */
static char *fill(const char *template, const struct proc *proc, bool *ret_has_pid)
{
    struct prof_str str = { 0 };
    *ret_has_pid = false;
    for (const char *c = template; *c != '\0'; c++) {
        if (*c != '%') {
            prof_str_addn(&str, c, 1);
        } else if (c[1] == 'p') {
            prof_str_addf(&str, "%d", (int)proc->pid);
            *ret_has_pid = true;
            c++;
        } else if (c[1] == 'e') {
            add_safe(&str, proc->result.program);
            c++;
        } else {
            prof_str_add(&str, "%");
            c += c[1] == '%';
        }
    }
    return prof_str_take(&str);
}

/* "dir/app.trk" with something in front of the suffix: "dir/app.17.trk". */
static char *insert(const char *path, long number)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    size_t length = strlen(path);
    bool suffix = length >= 4 && path + length - 4 > base && strcmp(path + length - 4, ".trk") == 0;
    char *name;
    int stem = (int)(suffix ? length - 4 : length);
    return asprintf(&name, "%.*s.%ld%s", stem, path, number, suffix ? ".trk" : "") >= 0 ? name : NULL;
}

/* An own regular file that is a trace or empty: what may be replaced. */
static bool is_old_trace(const char *path)
{
    char magic[8];
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return false;
    struct stat st;
    bool regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid();
    ssize_t n = regular ? read(fd, magic, sizeof magic) : -1;
    close(fd);
    return n == 0 || (n == (ssize_t)sizeof magic && memcmp(magic, TRK_FILE_MAGIC, sizeof magic) == 0);
}

/* The wanted name before anything is known of what exists already. */
static char *wanted_name(struct proc *proc, bool *ret_exact)
{
    struct recorder *rec = proc->arena->rec;
    const char *out = rec->options.out != NULL ? rec->options.out : "%e.%p.trk";
    struct stat st;
    char *joined = NULL;
    size_t length = strlen(out);
    if (stat(out, &st) == 0 && S_ISDIR(st.st_mode)) {
        if (asprintf(&joined, "%s%s%%e.%%p.trk", out, length > 0 && out[length - 1] == '/' ? "" : "/") < 0)
            return NULL;
        out = joined;
    }
    bool has_pid;
    char *name = fill(out, proc, &has_pid);
    free(joined);
    *ret_exact = false;
    if (name == NULL || has_pid)
        return name;
    bool first = !rec->root_named && (rec->options.root == 0 || rec->options.root == proc->pid);
    if (first) {
        rec->root_named = true;
        *ret_exact = true;
        return name;
    }
    char *other = insert(name, proc->pid);
    free(name);
    return other;
}

/* Permission bits do not tell: /proc takes no file from anybody, a read-only file system not even from root. */
static struct prof_error *try_create(const char *folder)
{
    char *probe;
    if (asprintf(&probe, "%s/.reftrack-XXXXXX", folder) < 0)
        return prof_error_memory();
    struct prof_error *error = NULL;
    int fd = mkostemp(probe, O_CLOEXEC);
    if (fd < 0) {
        error = prof_error_os(errno, "create a file in", folder, "choose another folder");
    } else {
        close(fd);
        unlink(probe);
    }
    free(probe);
    return error;
}

struct prof_error *rec_output_check(const char *out, bool replace)
{
    struct stat st;
    if (out == NULL)
        out = ".";
    if (lstat(out, &st) == 0 && S_ISDIR(st.st_mode))
        return access(out, W_OK | X_OK) == 0 ? try_create(out)
                                             : prof_error_os(errno, "write into", out, "choose another folder");
    if (lstat(out, &st) == 0 && stat(out, &st) == 0 && S_ISDIR(st.st_mode))
        return try_create(out); /* a link to a folder */
    if (lstat(out, &st) == 0 && strchr(out, '%') == NULL && !(replace && is_old_trace(out)))
        return prof_error_os(EEXIST, "create", out,
                             replace ? "only a trace of yours is replaced; remove it or choose another name"
                                     : "remove it, choose another name, or replace it with --force");
    /* The folder must be there; what stands behind a per cent sign is not known yet. */
    char *folder = strdup(out);
    if (folder == NULL)
        return prof_error_memory();
    folder[strcspn(folder, "%")] = '\0';
    char *slash = strrchr(folder, '/');
    if (slash != NULL)
        slash[slash == folder] = '\0'; /* keeps the slash of the root */
    const char *where = slash != NULL ? folder : ".";
    struct prof_error *error = NULL;
    if (access(where, W_OK | X_OK) != 0)
        error = prof_error_os(errno, "write into", where, "create it or choose another folder");
    else
        error = try_create(where);
    free(folder);
    return error;
}

int rec_zstd_level(const struct rec_options *options)
{
    return options->zstd_level != 0 ? options->zstd_level : ZSTD_LEVEL;
}

/* Creates `path`, or the first free numbered name after it; takes path over. */
static struct prof_error *open_numbered(char *path, long serial, const struct prof_writer_options *options,
                                        struct prof_writer **ret, char **ret_path)
{
    char *name = serial == 0 ? strdup(path) : insert(path, serial);
    struct prof_error *error = NULL;
    for (;;) {
        if (name == NULL) {
            error = prof_error_memory();
            break;
        }
        error = prof_writer_open(name, options, ret);
        if (error == NULL || error->sys_errno != EEXIST || serial++ > SERIAL_MAX)
            break;
        prof_error_destroy(error);
        free(name);
        name = insert(path, serial);
    }
    free(path);
    if (error == NULL)
        *ret_path = name;
    else
        free(name);
    return error;
}

struct prof_error *rec_name_snapshot(struct proc *proc, const char *path, struct prof_writer **ret, char **ret_path)
{
    struct prof_writer_options options = { .pid = (uint32_t)proc->pid,
                                           .created_ns = proc->arena->realtime_ns,
                                           .machine = proc->arena->shape.machine,
                                           .flags = rec_file_flags(proc->arena),
                                           .zstd_level = rec_zstd_level(&proc->arena->rec->options) };
    if (path != NULL) {
        struct prof_error *error = prof_writer_open(path, &options, ret);
        *ret_path = error == NULL ? strdup(path) : NULL;
        return error;
    }
    if (proc->result.path == NULL)
        return prof_error_create(PROF_ERROR_NOT_FOUND, "process %d has no trace to put a snapshot beside; use -o FILE",
                                 (int)proc->pid);
    char *base = strdup(proc->result.path);
    return base != NULL ? open_numbered(base, 1, &options, ret, ret_path) : prof_error_memory();
}

struct prof_error *rec_name_open(struct proc *proc, struct prof_writer **ret, char **ret_path)
{
    const struct recorder *rec = proc->arena->rec;
    struct prof_writer_options options = {
        .pid = (uint32_t)proc->pid,
        .created_ns = proc->arena->realtime_ns,
        .machine = proc->arena->shape.machine,
        .flags = rec_file_flags(proc->arena),
        .zstd_level = rec_zstd_level(&rec->options),
    };
    bool exact;
    char *name = wanted_name(proc, &exact);
    if (name == NULL)
        return prof_error_memory();
    options.force = exact && rec->options.replace && is_old_trace(name);
    return open_numbered(name, 0, &options, ret, ret_path);
}
