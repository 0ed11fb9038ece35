/* symbol/types.h: types of a program by name, and their fields by offset, by DWARF. Internal to layer symbol. */
#ifndef SYMBOL_TYPES_H
#define SYMBOL_TYPES_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/str.h>

/* Index of the named types of one Dwarf (and of the file it shares with others). Filled unit by unit as far as a
 * search has to look. */
struct prof_types;
struct prof_types *prof_types_create(Dwarf *dwarf, Dwarf *alt); /* borrows; NULL without memory */
void prof_types_destroy(struct prof_types *types);

/* Appends the path of the field at `offset` of a type to *path, e.g. "a.b[2].c". size: of the object, 0 unknown: of
 * several types of one name, the one of this size is taken. false: no such type here, or no field there (padding). */
bool prof_types_field(struct prof_types *types, const char *name, uint64_t size, uint64_t offset,
                      struct prof_str *path);

#endif
