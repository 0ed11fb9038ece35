/* function_type.c: the type of object that a function returns or takes. */
#include <prof/symbol.h>

#include <dwarf.h>
#include <fnmatch.h>
#include <string.h>

#include <symbol/debug.h>
#include <symbol/die.h>
#include <symbol/elfsym.h>
#include <symbol/image.h>
#include <symbol/line.h>
#include <symbol/type_name.h>

enum { NAME_MAX_BYTES = 512 };

/* The result, or the n-th parameter from 1. */
static bool value_of(Dwarf_Die *function, unsigned parameter, Dwarf_Die *ret)
{
    Dwarf_Die child;
    *ret = *function;
    if (parameter == 0)
        return true;
    if (dwarf_child(function, &child) != 0)
        return false;
    do {
        if (dwarf_tag(&child) == DW_TAG_formal_parameter && --parameter == 0) {
            *ret = child;
            return true;
        }
    } while (prof_die_next(&child));
    return false;
}

/* The name of what the pointer points to, without the word struct; empty: it is no such pointer. */
static void name_pointee(Dwarf_Die *value, char *ret, size_t size)
{
    Dwarf_Attribute attr;
    Dwarf_Die type;
    struct prof_type_names names = { 0 };
    const char *name = NULL;
    ret[0] = '\0';
    if (dwarf_formref_die(dwarf_attr_integrate(value, DW_AT_type, &attr), &type) != NULL)
        name = prof_type_name(&names, &type);
    size_t length = name != NULL ? strlen(name) : 0, skip = 0;
    if (length > 2 && strcmp(name + length - 2, " *") == 0) {
        length -= 2;
        if (strncmp(name, "struct ", 7) == 0)
            skip = 7;
        else if (strncmp(name, "union ", 6) == 0)
            skip = 6;
        if (length - skip < size && !(length == 4 && strncmp(name, "void", 4) == 0)) {
            memcpy(ret, name + skip, length - skip);
            ret[length - skip] = '\0';
        }
    }
    prof_type_names_deinit(&names);
}

/* All functions that the pattern names must agree. */
static bool agree(const struct prof_elfsym_table *table, struct prof_lines *lines, const char *pattern,
                  unsigned parameter, char *ret, size_t size)
{
    char function[NAME_MAX_BYTES], name[NAME_MAX_BYTES];
    Dwarf_Die unit, die, value;
    bool any = false;
    for (size_t i = 0; i < table->count; i++) {
        const struct prof_elfsym *symbol = &table->items[i];
        if (!symbol->sized || symbol->name_len >= sizeof function)
            continue;
        memcpy(function, symbol->name, symbol->name_len);
        function[symbol->name_len] = '\0';
        if (fnmatch(pattern, function, FNM_NOESCAPE) != 0)
            continue;
        if (!prof_lines_function(lines, symbol->start, &unit, &die) || !value_of(&die, parameter, &value))
            return false;
        name_pointee(&value, name, sizeof name < size ? sizeof name : size);
        if (name[0] == '\0' || (any && strcmp(name, ret) != 0))
            return false;
        memcpy(ret, name, strlen(name) + 1);
        any = true;
    }
    return any;
}

bool prof_file_function_type(const char *path, const char *pattern, unsigned parameter, char *ret, size_t size)
{
    struct prof_image image = { 0 };
    struct prof_elfsym_table table = { 0 };
    struct prof_debug debug = { 0 };
    const struct prof_image_wish any = { 0 };
    char found[NAME_MAX_BYTES];
    bool good = false;
    if (prof_image_open(path, &any, &image) != PROF_IMAGE_GOOD)
        return false;
    if (prof_elfsym_add(&table, &image, PROF_ELFSYM_FUNCTIONS) &&
        prof_debug_open(&image, &(struct prof_debug_where){ .path = path }, &debug)) {
        struct prof_lines *lines = debug.dwarf != NULL ? prof_lines_create(debug.dwarf, &image) : NULL;
        good =
            lines != NULL && agree(&table, lines, pattern, parameter, found, sizeof found < size ? sizeof found : size);
        if (lines != NULL)
            prof_lines_destroy(lines);
        prof_debug_close(&debug);
    }
    if (good)
        memcpy(ret, found, strlen(found) + 1);
    prof_elfsym_deinit(&table);
    prof_image_close(&image);
    return good;
}
