/* symbol/line.h: addresses of a module to functions, inlined calls and lines, by DWARF. Internal to layer symbol. */
#ifndef SYMBOL_LINE_H
#define SYMBOL_LINE_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <symbol/image.h>

/* A source-level frame; strings are borrowed from the Dwarf. */
struct prof_line_frame {
    const char *function; /* DW_AT_name, NULL; in assembler always NULL: there the symbol table knows better */
    const char *linkage;  /* DW_AT_linkage_name when it is a mangled name, NULL */
    const char *file;     /* NULL */
    const char *dir;      /* of the compiler run, when file is relative to it; NULL */
    uint32_t line, column;
    bool qualifies; /* the language mangles: a symbol may say more than function */
};

/* Tables of one Dwarf: units by address, functions of each unit that was asked for. */
struct prof_lines;
/* Borrows both; image says which addresses are code (ranges of functions that the linker dropped are not). NULL without
 * memory. Reads only the head of each unit. */
struct prof_lines *prof_lines_create(Dwarf *dwarf, const struct prof_image *image);
void prof_lines_destroy(struct prof_lines *lines);
/* Frames at an address, innermost first; 0: no unit covers it. A unit without functions (assembler) gives one frame
 * with a line and no function. */
size_t prof_lines_find(struct prof_lines *lines, uint64_t vaddr, struct prof_line_frame *frames, size_t cap);
/* The entries of the unit and of the machine function at an address. false: none. */
bool prof_lines_function(struct prof_lines *lines, uint64_t vaddr, Dwarf_Die *unit, Dwarf_Die *function);

#endif
