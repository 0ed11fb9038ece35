/* hook_check.h: what the program's file says of functions that are to be hooked. */
#ifndef CLI_HOOK_CHECK_H
#define CLI_HOOK_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#define CLI_HOOK_PROGRAM "program" /* the executable, as adapters call it */

struct prof_str;
struct rec_hooks;

/* The file that execvp would start, of at most `size` bytes; empty: there is none. */
void cli_hook_program(const char *program, char *ret, size_t size);

/* Whether one of the libraries, patterns with '|' between them, "" for any, may be the program of this path. */
bool cli_hook_is_program(const char *libraries, const char *path);

/* Notes for each rule that somebody asked for whether the compiler put its function into others, which are not hooked
 * themselves. */
void cli_hook_copies(struct rec_hooks *hooks, const char *program);

/* Appends what helps to name a function that nothing has: another name, or that the program is stripped. */
void cli_hook_advice(const char *program, const char *function, struct prof_str *ret);

#endif
