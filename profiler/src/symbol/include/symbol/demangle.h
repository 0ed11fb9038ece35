/* symbol/demangle.h: C++ and Rust names for people. Internal to layer symbol.
 *
 * No C library for this can be counted on. This reads the part of the Itanium C++ ABI that makes up the qualified name
 * of a function or variable: namespaces, classes, constructors, operators, lambdas, local names. Template arguments are
 * shown as <...> and parameters not at all: `std::vector<...>::push_back`. Rust's legacy scheme is the same with a hash
 * at the end, which is dropped. Names that need more (thunks, substitutions as a prefix, Rust's v0) stay mangled. */
#ifndef SYMBOL_DEMANGLE_H
#define SYMBOL_DEMANGLE_H

#include <stddef.h>

/* Writes the plain name, NUL-terminated, and returns its length; 0: not a mangled name, one this does not know, or
 * one that does not fit. Linear time, no recursion. */
size_t prof_demangle(const char *name, size_t length, char *buf, size_t size);

#endif
