/* symbol/local.h: the variables that a piece of code can see, and what is put into them. Internal to layer symbol. */
#ifndef SYMBOL_LOCAL_H
#define SYMBOL_LOCAL_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

#include <base/vec.h>
#include <symbol/flow.h>
#include <symbol/line.h>

struct prof_local {
    Dwarf_Die die;
    unsigned level; /* of the function: as in prof_locals.levels, counted from the outermost */
};
struct prof_locals {
    Dwarf_Die unit;
    Dwarf_Die functions[64]; /* the machine function, then the inlined calls around the address */
    unsigned levels;         /* of them */
    struct {
        struct prof_local *items;
        size_t count, room;
    } list;
};
/* Variables and parameters in scope at an address, outermost first. false: no debug information there, no memory. */
bool prof_locals_read(struct prof_lines *lines, uint64_t vaddr, struct prof_locals *ret);
void prof_locals_deinit(struct prof_locals *locals);

/* The variable that holds the value, or the one whose member (at *member) gets it, or a struct variable of which
 * *member bytes are before it. behind: through a pointer. false: none that is known. */
struct prof_local_target {
    Dwarf_Die variable;
    uint64_t member;
    bool behind;
};
bool prof_locals_target(const struct prof_locals *locals, const struct prof_flow *flow, struct prof_local_target *ret);

#endif
