/* textfile.h: whole text files: read, and put in place at once, so that nobody ever sees a part of one. */
#ifndef TUI_TEXTFILE_H
#define TUI_TEXTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

/* All of a regular file of up to 1 MiB. The caller frees it; behind it stands a NUL. NULL: *ret_why says why not
 * (static or of strerror), or is NULL when it is just not there. */
char *tui_textfile_read(const char *path, size_t *ret_length, const char **ret_why);

/* Writes bytes to a file of its own in the same folder and renames it to path. replace: also when there is a file of
 * that name (false: errno EEXIST). false: errno, and no file was touched. */
bool tui_textfile_replace(const char *path, const char *bytes, size_t length, bool replace, mode_t mode);

/* The same in two steps, for what is written bit by bit. */
struct tui_textfile {
    FILE *out; /* written to; NULL: there is none */
    char path[4096], temporary[4112];
};
/* false: errno. mode: of the file, less the umask. */
bool tui_textfile_begin(struct tui_textfile *file, const char *path, mode_t mode);
/* Puts it in place. false: errno, and nothing is left of it. */
bool tui_textfile_end(struct tui_textfile *file, bool replace);
/* Throws it away. errno is kept. */
void tui_textfile_drop(struct tui_textfile *file);

#endif
