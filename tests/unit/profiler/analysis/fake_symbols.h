/* fake_symbols.h: prof/symbol.h with made-up names, so that traces of tests can have functions, fields and globals.
 *
 * A stack's name says its frames: "conn_open net.c:31 < main main.c:9". A frame "+plugin.so:64" has no function, only a
 * module and an offset; a last frame "..." says that there are callers which were not recorded. Every stack must be
 * named through fake_at. */
#ifndef FAKE_SYMBOLS_H
#define FAKE_SYMBOLS_H

#include <prof/symbol.h>

#include "mktrace.h"

struct prof_symbols *fake_create(void);
/* Defines the stack in t and remembers what its id means; returns name. */
const char *fake_at(struct prof_symbols *symbols, struct mk_trace *t, const char *name);
void fake_field(struct prof_symbols *symbols, const char *type, uint64_t offset, const char *name);
void fake_global(struct prof_symbols *symbols, uint64_t addr, uint64_t size, const char *name);
/* What a function allocates is of this type; both must outlive the symbols. */
void fake_birth(struct prof_symbols *symbols, const char *function, char mark, const struct prof_layout *layout);
/* The only type of its size in the program. */
void fake_shape(struct prof_symbols *symbols, const struct prof_layout *layout);
/* Frames of this function are wrappers. */
void fake_wrapper(struct prof_symbols *symbols, const char *function);
/* All lines from now on are this much greater: another build of the same program. */
void fake_shift_lines(struct prof_symbols *symbols, uint32_t by);
/* Addresses of this range are the main thread's stack (besides [MK_STACK_BASE, 2^47)). */
void fake_stack_range(struct prof_symbols *symbols, uint64_t from, uint64_t to);

#endif
