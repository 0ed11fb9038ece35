/* prof/error.h: what went wrong, where, and what to do next.
 *
 * Every fallible function of the profiler library returns `struct prof_error *`: NULL means success, and results are
 * written through the last `ret` parameter, which stays untouched on failure. The caller owns the error and ends it
 * with prof_error_destroy. The library never prints; only commands do. */
#ifndef PROF_ERROR_H
#define PROF_ERROR_H

#include <stdint.h>

enum prof_error_code {
    PROF_ERROR_NO_MEMORY = 1,
    PROF_ERROR_OS,        /* errno is in sys_errno */
    PROF_ERROR_NOT_FOUND, /* the named thing does not exist (object, mark, file) */
    PROF_ERROR_FORMAT,    /* not a trace, damaged beyond use, or a newer major version */
    PROF_ERROR_SYNTAX,    /* an option, expression or suppression that cannot be parsed */
    PROF_ERROR_ARGUMENT,
    PROF_ERROR_CANCELLED,
};

struct prof_error {
    enum prof_error_code code;
    int sys_errno;   /* 0 unless code is PROF_ERROR_OS */
    char *path;      /* file concerned, or NULL */
    uint64_t offset; /* byte in path, or line for text files; UINT64_MAX: none */
    char *message;   /* one line, no final newline: what, where, what to do next */
};

/* Makes an error with a printf-style message. Never returns NULL: without memory it returns the static
 * out-of-memory error. */
struct prof_error *prof_error_create(enum prof_error_code code, const char *format, ...)
    __attribute__((format(printf, 2, 3), returns_nonnull, warn_unused_result));
/* "cannot VERB 'PATH': strerror(err)" with code PROF_ERROR_OS; `next` (may be NULL) is appended after "; ". */
struct prof_error *prof_error_os(int err, const char *verb, const char *path, const char *next)
    __attribute__((returns_nonnull, warn_unused_result));
/* PROF_ERROR_FORMAT or PROF_ERROR_SYNTAX at a place of a file. */
struct prof_error *prof_error_at(enum prof_error_code code, const char *path, uint64_t offset, const char *format, ...)
    __attribute__((format(printf, 4, 5), returns_nonnull, warn_unused_result));
/* The static out-of-memory error. */
struct prof_error *prof_error_memory(void) __attribute__((returns_nonnull, warn_unused_result));
/* Ends an error; NULL and the static error are fine. */
void prof_error_destroy(struct prof_error *error);

#endif
