/* type_name.c: names of types as people write them, kept by entry: finding what is around an entry of C++ means to walk
 * its unit. */
#include <symbol/type_name.h>

#include <base/table.h>
#include <symbol/die.h>

#include <dwarf.h>
#include <stdlib.h>

enum { MAX_STARS = 4, MAX_LINKS = 32 };

struct prof_type_names_entry {
    UT_hash_handle hh;
    const void *addr;
    const char *name;
};

void prof_type_names_deinit(struct prof_type_names *names)
{
    struct prof_type_names_entry *entry = names->table, *next;
    HASH_CLEAR(hh, names->table);
    for (; entry != NULL; entry = next) {
        next = entry->hh.next;
        free(entry);
    }
    prof_intern_deinit(&names->strings);
}

bool prof_type_is_c(Dwarf_Die *die)
{
    Dwarf_Die unit;
    if (dwarf_diecu(die, &unit, NULL, NULL) == NULL)
        return false;
    switch (dwarf_srclang(&unit)) {
    case DW_LANG_C:
    case DW_LANG_C89:
    case DW_LANG_C99:
    case DW_LANG_C11:
        return true;
    default:
        return false;
    }
}

void prof_type_scope(Dwarf_Die *die, struct prof_str *out)
{
    Dwarf_Die *scopes = NULL, declared;
    Dwarf_Attribute attr;
    if (dwarf_attr(die, DW_AT_specification, &attr) != NULL && dwarf_formref_die(&attr, &declared) != NULL)
        die = &declared;
    int count = dwarf_getscopes_die(die, &scopes);
    for (int i = count; i-- > 1;) {
        int tag = dwarf_tag(&scopes[i]);
        const char *name = tag == DW_TAG_namespace || prof_die_is_struct(tag) ? dwarf_diename(&scopes[i]) : NULL;
        if (name != NULL)
            prof_str_addf(out, "%s::", name);
    }
    free(scopes);
}

// Adds the name of a type that is no pointer; false: it has none.
static bool add_plain(Dwarf_Die type, struct prof_str *out)
{
    const char *alias = NULL, *prefix = "";
    for (int i = 0; i < MAX_LINKS; i++) {
        int tag = dwarf_tag(&type);
        if (tag == DW_TAG_typedef)
            alias = dwarf_diename(&type);
        else if (tag != DW_TAG_const_type && tag != DW_TAG_volatile_type && tag != DW_TAG_restrict_type &&
                 tag != DW_TAG_atomic_type)
            break;
        if (!prof_die_type(&type, &type))
            return false;
    }
    int tag = dwarf_tag(&type);
    const char *name = dwarf_diename(&type);
    bool is_struct = prof_die_is_struct(tag);
    if (name == NULL) {
        name = alias;
    } else if (is_struct && prof_type_is_c(&type)) {
        prefix = tag == DW_TAG_union_type ? "union " : "struct ";
    } else if (is_struct) {
        prof_type_scope(&type, out);
    }
    if (name != NULL)
        prof_str_addf(out, "%s%s", prefix, name);
    return name != NULL;
}

static const char *make_name(struct prof_type_names *names, Dwarf_Die type)
{
    struct prof_str text = { 0 };
    const char *name = NULL;
    int stars = 0;
    Dwarf_Die plain = type;
    bool known = true;
    while (known && stars < MAX_STARS && prof_die_peel(&plain) && dwarf_tag(&plain) == DW_TAG_pointer_type) {
        stars++;
        known = prof_die_type(&plain, &plain);
        type = plain;
    }
    if (!known)
        prof_str_add(&text, "void");
    if (!known || add_plain(type, &text)) {
        if (stars != 0)
            prof_str_addf(&text, " %.*s", stars, "****");
        if (!text.failed)
            name = prof_intern(&names->strings, text.text, text.length);
    }
    prof_str_deinit(&text);
    return name;
}

const char *prof_type_name(struct prof_type_names *names, const Dwarf_Die *type)
{
    struct prof_type_names_entry *entry;
    HASH_FIND(hh, names->table, &type->addr, sizeof type->addr, entry);
    if (entry != NULL)
        return entry->name;
    entry = calloc(1, sizeof *entry);
    if (entry == NULL)
        return NULL;
    entry->addr = type->addr;
    entry->name = make_name(names, *type);
    HASH_ADD(hh, names->table, addr, sizeof entry->addr, entry);
    const char *name = entry->name;
    if (entry->hh.tbl == NULL)
        free(entry);
    return name;
}
