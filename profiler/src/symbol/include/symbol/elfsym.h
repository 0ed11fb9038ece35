/* symbol/elfsym.h: addresses of an ELF file to the names of its symbol tables. Internal to layer symbol. */
#ifndef SYMBOL_ELFSYM_H
#define SYMBOL_ELFSYM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <symbol/image.h>

/* One symbol; names are borrowed from the image. */
struct prof_elfsym {
    uint64_t start, end; /* addresses of the file */
    uint64_t reach;      /* greatest end of this and all earlier ones */
    const char *name;
    uint32_t name_len; /* without a version ("@@GLIBC_2.2.5") */
    uint8_t rank;      /* lower is the better of several names */
    bool sized;
};
struct prof_elfsym_table {
    struct prof_elfsym *items; /* by start; one per start */
    size_t count, room;
};

enum prof_elfsym_kind {
    PROF_ELFSYM_FUNCTIONS, /* functions, and labels in code without a size (up to the next symbol) */
    PROF_ELFSYM_OBJECTS,   /* variables */
    PROF_ELFSYM_THREAD,    /* thread-local variables, at the addresses of their first values */
};
/* Adds the symbols of .symtab and .dynsym of one image; may be called for several images of the same module. Then
 * prof_elfsym_finish once. false without memory (what was read stays). */
bool prof_elfsym_add(struct prof_elfsym_table *table, const struct prof_image *image, enum prof_elfsym_kind kind);
void prof_elfsym_finish(struct prof_elfsym_table *table);
void prof_elfsym_deinit(struct prof_elfsym_table *table);
/* The symbol that covers vaddr, NULL: none does. */
const struct prof_elfsym *prof_elfsym_find(const struct prof_elfsym_table *table, uint64_t vaddr);

/* The image inside .gnu_debugdata (symbols of static functions of distributions that strip everything else). Needs
 * liblzma; false: there is none, it is damaged, or larger than 512 MiB. */
bool prof_elfsym_minidebug(const struct prof_image *image, struct prof_image *ret);

#endif
