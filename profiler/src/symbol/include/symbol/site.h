/* symbol/site.h: which functions a report looks through. Internal to layer symbol.
 *
 * The site of a stack is its first frame that is not
 *  - a wrapper: a function of libtrack, one named trk_..., one in section trk_wrapper, or one that a pattern names;
 *  - an allocator of the table in site.c: functions whose only purpose is to give memory to their caller;
 *  - code of libc or the loader, or of a module that the trace hides (adapters say which), unless nobody outside called
 *    it: what getline() allocates belongs to its caller. */
#ifndef SYMBOL_SITE_H
#define SYMBOL_SITE_H

#include <stdbool.h>
#include <stddef.h>

struct prof_site_rules {
    char **items; /* patterns of fnmatch */
    size_t count, room;
};
/* Adds patterns: a NULL-terminated array, or one string with separators ':', ',' and spaces. Either may be NULL. false
 * without memory. */
bool prof_site_rules_add(struct prof_site_rules *rules, const char *const *array, const char *list);
void prof_site_rules_deinit(struct prof_site_rules *rules);
/* By name; `plain` and `mangled` may be NULL. */
bool prof_site_is_wrapper(const struct prof_site_rules *rules, const char *plain, const char *mangled);
bool prof_site_is_allocator(const char *plain, const char *mangled);
/* Is it an allocator that returns the very block that it got? Others put something in front, or return a number. */
bool prof_site_returns_block(const char *plain);

/* libc, the loader, and the library of threads of older systems, by the path of the file. */
bool prof_site_is_libc(const char *path);
/* Whether the name of the file is one of these patterns of fnmatch, which have '|' between them, or begins with one and
 * a dot: libfoo.so also means libfoo.so.1.2. NULL: none. */
bool prof_site_is_hidden(const char *patterns, const char *path);

#endif
