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
/* The definition of a type by name. size: of an object of it, 0 unknown: one of exactly this size, else one that is
 * smaller. Reads all units. false: none, or several that differ;
 * *ret is undefined then. */
bool prof_types_find(struct prof_types *types, const char *name, uint64_t size, Dwarf_Die *ret);
/* The definition of a type that a unit only declares: by name, if there is only one (of `size`, when
 * that is not 0). false: none; *type is as before. */
bool prof_types_define(struct prof_types *types, Dwarf_Die *type, uint64_t size);
/* Calls visit for each named struct and union of a size (of typedefs of nameless ones, too; a type may come under two
 * names), until it returns false. */
typedef bool (*prof_types_visit)(void *ctx, const char *name, const Dwarf_Die *type);
void prof_types_each(struct prof_types *types, uint64_t size, prof_types_visit visit, void *ctx);

#endif
