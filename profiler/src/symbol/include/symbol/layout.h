/* symbol/layout.h: which words of a type are pointers, by DWARF. Internal to layer symbol. */
#ifndef SYMBOL_LAYOUT_H
#define SYMBOL_LAYOUT_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

#include <base/vec.h>
#include <prof/symbol.h>
#include <symbol/type_name.h>
#include <symbol/types.h>

struct prof_layout_spans {
    struct prof_layout_span *items;
    size_t count, room;
};
struct prof_layout_walk {
    struct prof_types *types;      /* where a type that is only declared may be defined; NULL: nowhere */
    struct prof_type_names *names; /* for pointees */
    struct prof_layout_spans spans;
    /* Of the struct itself, when its last member is an array without a length. */
    bool has_tail;
    uint64_t tail_start;
    Dwarf_Die tail;
};
/* Fills `spans` (sorted, disjoint) and the tail for a type of `size` bytes. No recursion; the work is bounded: what is
 * too deep, too long or damaged becomes MAYBE. false without memory. The caller frees the spans. */
bool prof_layout_walk(struct prof_layout_walk *walk, const Dwarf_Die *type, uint64_t size);

#endif
