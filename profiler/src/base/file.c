/* file.c: bounded reading; a pipe works too (process substitution of shells). */
#include <base/file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct prof_error *prof_file_read(const char *path, size_t most, const char *next, char **ret, size_t *ret_length)
{
    struct prof_error *error = NULL;
    struct stat st;
    char *bytes = NULL;
    size_t used = 0, room = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return prof_error_os(errno, "open", path, next);
    if (fstat(fd, &st) < 0) {
        error = prof_error_os(errno, "read", path, next);
        goto out;
    }
    if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode)) {
        error = prof_error_os(S_ISDIR(st.st_mode) ? EISDIR : EINVAL, "read", path, next);
        goto out;
    }
    for (;;) {
        if (used + 1 >= room) {
            size_t want = room == 0 ? 16 << 10 : room * 2;
            char *grown = realloc(bytes, want);
            if (grown == NULL) {
                error = prof_error_memory();
                goto out;
            }
            bytes = grown;
            room = want;
        }
        ssize_t n = read(fd, bytes + used, room - used - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            error = prof_error_os(errno, "read", path, next);
            goto out;
        }
        if (n == 0)
            break;
        used += (size_t)n;
        if (used > most) {
            error = prof_error_at(PROF_ERROR_FORMAT, path, UINT64_MAX, "'%s' is larger than %zu MiB; %s", path,
                                  most >> 20, next);
            goto out;
        }
    }
    bytes[used] = '\0';
    *ret = bytes;
    *ret_length = used;
    bytes = NULL;
out:
    free(bytes);
    close(fd);
    return error;
}
