/* prof/wrapper.h: functions that look as if they only counted references for their callers, and were not declared as
 * wrappers (TRK_WRAPPER, wrapper=, --wrapper): all that they take or give back is reported at one line, where it says
 * nothing.
 *
 * Layer analysis. Always a guess, from the shape of what was recorded: a function that takes and never gives back, or
 * gives back and never takes, for at least two different places that call it, and whose name says that it counts
 * ("conn_ref", "obj_put"), or through which nearly all references of a type pass. Where stacks end at the site, as with
 * `--stacks 64,1,1`, nothing can be seen. Read-only once made; borrows the symbols' strings. */
#ifndef PROF_WRAPPER_H
#define PROF_WRAPPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <prof/error.h>
#include <prof/heap.h>
#include <prof/symbol.h>

struct prof_wrapper {
    const char *function;  /* never NULL */
    const char *module;    /* path */
    const char *file;      /* NULL unknown */
    uint32_t line;         /* of an event in it; 0 unknown */
    uint32_t stack;        /* one of its stacks: its site is in the function */
    uint64_t taken, given; /* one of them is 0 */
    size_t callers;        /* different places that call it, at least 2 */
    bool named;            /* its name says that it counts; else only what passes through it does */
};
struct prof_wrappers;
/* PROF_ERROR_MEMORY only. */
struct prof_error *prof_wrappers_create(struct prof_heap *heap, struct prof_symbols *symbols,
                                        struct prof_wrappers **ret);
/* Those with most events first; lives as long as the wrappers. */
size_t prof_wrappers_list(const struct prof_wrappers *wrappers, const struct prof_wrapper **ret);
/* The one that the site of a stack lies in; NULL: none. */
const struct prof_wrapper *prof_wrappers_of(const struct prof_wrappers *wrappers, uint32_t stack);
void prof_wrappers_destroy(struct prof_wrappers *wrappers);

#endif
