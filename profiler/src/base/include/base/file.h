/* base/file.h: reads a whole small file that a person named. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>

#include <prof/error.h>

/* The bytes of path (followed by a NUL that is not counted) in *ret, to be freed. Refuses anything but a regular file
 * or a pipe, and more than `most` bytes; `next` is what the error tells to do. */
struct prof_error *prof_file_read(const char *path, size_t most, const char *next, char **ret, size_t *ret_length);

#endif
