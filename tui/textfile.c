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

bool tui_textfile_begin(struct tui_textfile *file, const char *path, mode_t mode)
{
    const char *slash = strrchr(path, '/');
    size_t folder = slash != NULL ? (size_t)(slash - path) + 1 : 0;
    file->out = NULL;
    if (*path == '\0' || path[folder] == '\0' || strlen(path) >= sizeof file->path) {
        errno = *path == '\0' || path[folder] == '\0' ? EISDIR : ENAMETOOLONG;
        return false;
    }
    snprintf(file->path, sizeof file->path, "%s", path);
    snprintf(file->temporary, sizeof file->temporary, "%.*s.reftrack-XXXXXX", (int)folder, path);
    int fd = mkostemp(file->temporary, O_CLOEXEC);
    if (fd < 0)
        return false;
    mode_t mask = umask(0);
    umask(mask);
    if (fchmod(fd, mode & ~mask) == 0)
        file->out = fdopen(fd, "w");
    if (file->out == NULL) {
        int kept = errno;
        close(fd);
        unlink(file->temporary);
        errno = kept;
    }
    return file->out != NULL;
}

void tui_textfile_drop(struct tui_textfile *file)
{
    int kept = errno;
    if (file->out != NULL) {
        fclose(file->out);
        unlink(file->temporary);
    }
    file->out = NULL;
    errno = kept;
}

bool tui_textfile_end(struct tui_textfile *file, bool replace)
{
    /* an error of the disk may show with any of these */
    bool good = fflush(file->out) == 0 && !ferror(file->out) && fsync(fileno(file->out)) == 0;
    int kept = errno;
    good = fclose(file->out) == 0 && good;
    file->out = NULL;
    if (good) {
        struct stat st;
        /* what is replaced is a file, never a device or a folder */
        if (replace && stat(file->path, &st) == 0 && !S_ISREG(st.st_mode)) {
            errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
            good = false;
        } else {
            good = replace ? rename(file->temporary, file->path) == 0 : link(file->temporary, file->path) == 0;
        }
        kept = errno;
    }
    if (!good || !replace)
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
