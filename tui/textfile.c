/* textfile.c: whole text files. See textfile.h. */
#include "textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MOST = 1 << 20 };

char *tui_textfile_read(const char *path, size_t *ret_length, const char **ret_why)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    *ret_why = fd < 0 && (errno == ENOENT || errno == ENOTDIR) ? NULL : strerror(errno);
    if (fd < 0)
        return NULL;
    char *text = NULL;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        *ret_why = "it is no regular file";
    else if (st.st_size > FILE_MOST)
        *ret_why = "it is longer than 1 MiB";
    else if ((text = malloc((size_t)st.st_size + 1)) == NULL)
        *ret_why = "there is no memory";
    size_t length = 0;
    for (ssize_t n = 1; text != NULL && n != 0 && length<(size_t)st.st_size; length += n> 0 ? (size_t)n : 0)
        if ((n = read(fd, text + length, (size_t)st.st_size - length)) < 0) {
            *ret_why = strerror(errno);
            free(text);
            text = NULL;
        }
    close(fd);
    if (text != NULL)
        text[length] = '\0';
    *ret_length = length;
    return text;
}

/* A file without a name in this folder, so that nothing is left of it whatever happens; where there are none, one with
 * a name of its own. -1: errno. */
static int open_temporary(struct tui_textfile *file, const char *folder, mode_t mode)
{
    int fd = open(folder[0] != '\0' ? folder : ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666 & mode);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;
    snprintf(file->temporary, sizeof file->temporary, "%s.reftrack-XXXXXX", folder);
    fd = mkostemp(file->temporary, O_CLOEXEC);
    mode_t mask = umask(0);
    umask(mask);
    if (fd >= 0)
        (void)fchmod(fd, mode & ~mask); /* stricter than wanted at worst */
    return fd;
}

bool tui_textfile_begin(struct tui_textfile *file, const char *path, mode_t mode)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash != NULL ? (size_t)(slash - path) + 1 : 0;
    char folder[sizeof file->path];
    file->out = NULL;
    file->temporary[0] = '\0';
    if (*path == '\0' || path[length] == '\0' || strlen(path) >= sizeof file->path) {
        errno = *path == '\0' || path[length] == '\0' ? EISDIR : ENAMETOOLONG;
        return false;
    }
    snprintf(file->path, sizeof file->path, "%s", path);
    snprintf(folder, sizeof folder, "%.*s", (int)length, path);
    int fd = open_temporary(file, folder, mode);
    file->out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (fd >= 0 && file->out == NULL) {
        int kept = errno;
        close(fd);
        if (file->temporary[0] != '\0')
            unlink(file->temporary);
        errno = kept;
    }
    return file->out != NULL;
}

void tui_textfile_drop(struct tui_textfile *file)
{
    int kept = errno;
    if (file->out != NULL)
        fclose(file->out);
    if (file->out != NULL && file->temporary[0] != '\0')
        unlink(file->temporary);
    file->out = NULL;
    errno = kept;
}

/* Gives a file without one a name: path, or one to be renamed. */
static bool name_it(struct tui_textfile *file, bool replace)
{
    char from[64];
    snprintf(from, sizeof from, "/proc/self/fd/%d", fileno(file->out));
    if (!replace)
        return linkat(AT_FDCWD, from, AT_FDCWD, file->path, AT_SYMLINK_FOLLOW) == 0;
    const char *slash = strrchr(file->path, '/');
    int length = slash != NULL ? (int)(slash - file->path) + 1 : 0;
    for (unsigned i = 0; i < 100; i++) {
        snprintf(file->temporary, sizeof file->temporary, "%.*s.reftrack-%d-%u", length, file->path, (int)getpid(), i);
        if (linkat(AT_FDCWD, from, AT_FDCWD, file->temporary, AT_SYMLINK_FOLLOW) == 0)
            return true;
        if (errno != EEXIST)
            break;
    }
    file->temporary[0] = '\0';
    return false;
}

bool tui_textfile_end(struct tui_textfile *file, bool replace)
{
    struct stat st;
    /* an error of the disk may show with any of these */
    bool good = fflush(file->out) == 0 && !ferror(file->out) && fsync(fileno(file->out)) == 0, nameless;
    /* what is replaced is a file, never a device or a folder */
    if (good && replace && stat(file->path, &st) == 0 && !S_ISREG(st.st_mode)) {
        errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
        good = false;
    }
    nameless = file->temporary[0] == '\0';
    good = good && (!nameless || name_it(file, replace));
    int kept = errno;
    if (fclose(file->out) != 0 && good) {
        kept = errno;
        good = false;
    }
    file->out = NULL;
    bool named = file->temporary[0] != '\0';
    if (good && named) {
        good = replace ? rename(file->temporary, file->path) == 0 : link(file->temporary, file->path) == 0;
        kept = errno;
    }
    if (named && (!good || !replace))
        unlink(file->temporary);
    errno = kept;
    return good;
}

bool tui_textfile_replace(const char *path, const char *bytes, size_t length, bool replace, mode_t mode)
{
    struct tui_textfile file;
    if (!tui_textfile_begin(&file, path, mode))
        return false;
    if (fwrite(bytes, 1, length, file.out) != length) {
        tui_textfile_drop(&file);
        return false;
    }
    return tui_textfile_end(&file, replace);
}
