/* symbol/die.h: entries of debug information: types and their fields. Internal to layer symbol. */
#ifndef SYMBOL_DIE_H
#define SYMBOL_DIE_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

#include <base/str.h>

/* The unit in a .dwo file that a skeleton unit (-gsplit-dwarf) stands for; a unit that is none stays. false: its file
 * cannot be had. libdw opens the file, if it is a regular one, and keeps it as long as the Dwarf. */
bool prof_die_split(Dwarf_Die *unit);
/* A struct, union or class by its tag. */
bool prof_die_is_struct(int tag);
/* Goes on to the next sibling; false: there is none. Entries only move forward, whatever a damaged link says. */
bool prof_die_next(Dwarf_Die *die);
/* The value of a flag; absent is false. */
bool prof_die_flag(Dwarf_Die *die, unsigned name);
/* Looks through typedefs and qualifiers, and goes to the description of a struct in a type unit. false: void, or a
 * damaged file chains them in a circle. */
bool prof_die_peel(Dwarf_Die *die);
/* The type that an entry refers to. false: none. */
bool prof_die_type(Dwarf_Die *die, Dwarf_Die *ret);
/* An attribute that is a plain number. false: it is absent, or something else. */
bool prof_die_number(Dwarf_Die *die, unsigned name, Dwarf_Word *ret);
/* Element type and number of elements, over all dimensions, of an array; 0: without a length. false: damaged. */
bool prof_die_array(Dwarf_Die *array, Dwarf_Die *element, uint64_t *count);
/* First bit, from the start of the struct, and bits of a bit field at byte `start`; false: it is none. */
bool prof_die_bits(Dwarf_Die *member, uint64_t start, Dwarf_Word *first, Dwarf_Word *size);
/* Bytes of a type, arrays included; 0: unknown or empty. */
uint64_t prof_die_size(Dwarf_Die type);
/* Appends the path of the field at `offset` of a type to *path. The first member that leads to something wins: a
 * union's second is looked at when the first has only padding there. false: no field there; *path is as before. */
bool prof_die_field(const Dwarf_Die *type, uint64_t offset, struct prof_str *path);

#endif
