/* symbol/birth.h: what is known about the code that allocates: the evidence for the type of its blocks. Internal to
 * layer symbol. */
#ifndef SYMBOL_BIRTH_H
#define SYMBOL_BIRTH_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

#include <prof/symbol.h>
#include <symbol/line.h>
#include <symbol/types.h>

/* The machine code of a site. */
struct prof_birth_code {
    const struct prof_frame *frame;
    struct prof_types *types;
    struct prof_lines *lines;
    uint64_t vaddr;      /* where the call returns to */
    const uint8_t *code; /* behind the call */
    size_t bytes;
    unsigned inlined;  /* of the frames at vaddr, how many are inside the site's */
    uint64_t mtime_ns; /* of the module; 0 unknown: no source is read */
};

/* One thing that says what the block is. */
enum prof_birth_says {
    PROF_BIRTH_TYPE,     /* entry */
    PROF_BIRTH_NAMED,    /* name */
    PROF_BIRTH_POINTERS, /* name, with its stars */
    PROF_BIRTH_BYTES,    /* a string or buffer */
};
struct prof_birth_evidence {
    enum prof_birth_how how;
    enum prof_birth_says says;
    Dwarf_Die type;
    const char *name; /* lives as long as the symbols */
    bool assigned;    /* DECLARED: the source says that the variable gets the value of the call */
};
enum { PROF_BIRTH_EVIDENCE_MAX = 64 };
struct prof_birth_site {
    struct prof_birth_evidence items[PROF_BIRTH_EVIDENCE_MAX];
    size_t count;
    bool several; /* of one kind there were two that contradict each other: nothing is certain */
    bool unseen;  /* the source asks for the size of a type that is not known */
};
void prof_birth_gather(struct prof_symbols *symbols, const struct prof_birth_code *code, struct prof_birth_site *ret);

#endif
