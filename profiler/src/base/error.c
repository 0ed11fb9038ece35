/* error.c: makes, formats and ends prof_error; the static out-of-memory error. */
#include <prof/error.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct prof_error memory_error = {
    .code = PROF_ERROR_NO_MEMORY,
    .offset = UINT64_MAX,
    .message = (char *)"out of memory; close other programs or use a smaller trace",
};

struct prof_error *prof_error_memory(void)
{
    return &memory_error;
}

static __attribute__((format(printf, 4, 0))) struct prof_error *
create(enum prof_error_code code, const char *path, uint64_t offset, const char *format, va_list args)
{
    struct prof_error *error = calloc(1, sizeof *error);
    if (error == NULL)
        return &memory_error;
    error->code = code;
    error->offset = offset;
    if (vasprintf(&error->message, format, args) < 0)
        error->message = NULL;
    if (path != NULL)
        error->path = strdup(path);
    if (error->message == NULL || (path != NULL && error->path == NULL)) {
        prof_error_destroy(error);
        return &memory_error;
    }
    return error;
}

struct prof_error *prof_error_create(enum prof_error_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct prof_error *error = create(code, NULL, UINT64_MAX, format, args);
    va_end(args);
    return error;
}

struct prof_error *prof_error_at(enum prof_error_code code, const char *path, uint64_t offset, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct prof_error *error = create(code, path, offset, format, args);
    va_end(args);
    return error;
}

struct prof_error *prof_error_os(int err, const char *verb, const char *path, const char *next)
{
    struct prof_error *error = prof_error_create(PROF_ERROR_OS, "cannot %s '%s': %s%s%s", verb, path, strerror(err),
                                                 next != NULL ? "; " : "", next != NULL ? next : "");
    if (error != &memory_error) {
        error->sys_errno = err;
        error->path = strdup(path);
    }
    return error;
}

void prof_error_destroy(struct prof_error *error)
{
    if (error == NULL || error == &memory_error)
        return;
    free(error->path);
    free(error->message);
    free(error);
}
