/* symbol/statement.h: what a line of C or C++ says about the type of what it allocates. Internal to layer symbol.
 *
 * No compiler: words and brackets. What it does not know for sure it does not say. */
#ifndef SYMBOL_STATEMENT_H
#define SYMBOL_STATEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROF_STATEMENT_NAME = 128 };
/* A type as written: "struct conn", "ns::Conn"; or the name of a variable that points to it. */
struct prof_statement_type {
    char name[PROF_STATEMENT_NAME]; /* "": not said */
    unsigned stars;
    bool variable;
};
struct prof_statement {
    struct prof_statement_type size;    /* sizeof(T), sizeof *p; of allocating macros and new: their type */
    struct prof_statement_type cast;    /* (T *)malloc(...), without the last star */
    char assigned[PROF_STATEMENT_NAME]; /* the variable that gets the value: `... name = malloc(...)` */
    bool several_sizes;                 /* different ones: `size` is empty */
};
/* Reads the call at a line and column (0: unknown; then only if the statement has one call that may allocate). false:
 * no such call there. */
bool prof_statement_read(const char *text, size_t length, uint32_t line, uint32_t column, struct prof_statement *ret);

#endif
