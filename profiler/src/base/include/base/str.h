/* base/str.h: a growing string, and interning. Not thread-safe. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

/* Always NUL-terminated once something was added. `failed` sticks after the first lack of memory: check once, last. */
struct prof_str {
    char *text;
    size_t length, room;
    bool failed;
};
void prof_str_deinit(struct prof_str *str);
void prof_str_add(struct prof_str *str, const char *text);
void prof_str_addn(struct prof_str *str, const char *bytes, size_t length);
void prof_str_addf(struct prof_str *str, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Hands the text to the caller (free), leaves str empty; NULL when failed. An empty string yields "". */
char *prof_str_take(struct prof_str *str);

/* Interning: equal strings share one copy, valid until deinit. Zero-initialize. */
struct prof_intern_entry;
struct prof_intern {
    struct prof_intern_entry *table;
};
const char *prof_intern(struct prof_intern *intern, const char *bytes, size_t length); /* NULL without memory */
void prof_intern_deinit(struct prof_intern *intern);

#endif
