/* symbol/type_name.h: what types are called. Internal to layer symbol. */
#ifndef SYMBOL_TYPE_NAME_H
#define SYMBOL_TYPE_NAME_H

#include <elfutils/libdw.h>
#include <stdbool.h>

#include <base/str.h>

struct prof_type_names_entry;
/* Cache of names by entry. Zero-initialize; strings live as long as it does. */
struct prof_type_names {
    struct prof_type_names_entry *table;
    struct prof_intern strings;
};
void prof_type_names_deinit(struct prof_type_names *names);

/* Of any type but void, without qualifiers: "struct conn", "conn_t" (a typedef of a struct without a name), "ns::Conn"
 * in C++, "char *", "int". Equal names are equal pointers. NULL: it has none, or no memory. */
const char *prof_type_name(struct prof_type_names *names, const Dwarf_Die *type);
/* Adds the namespaces and classes around an entry, "ns::Conn::", to *out. */
void prof_type_scope(Dwarf_Die *die, struct prof_str *out);
/* Is it an entry of a language with structs in a name space of their own? */
bool prof_type_is_c(Dwarf_Die *die);

#endif
