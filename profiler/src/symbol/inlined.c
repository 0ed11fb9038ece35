/* inlined.c: functions that the compiler put into their callers, as debug information says. */
#include <prof/symbol.h>

#include <dwarf.h>

#include <symbol/debug.h>
#include <symbol/die.h>
#include <symbol/image.h>

enum {
    MOST_BYTES = 32 << 20, /* of debug information: more would take too long before a program starts */
    DEPTH = 64,            /* of entries in each other */
};

struct walk {
    bool (*each)(void *data, const char *function, const char *into);
    void *data;
};

/* As symbols spell it; NULL: it has no name. */
static const char *name_of(Dwarf_Die *die)
{
    Dwarf_Attribute attr;
    Dwarf_Attribute *name = dwarf_attr_integrate(die, DW_AT_linkage_name, &attr);
    if (name == NULL)
        name = dwarf_attr_integrate(die, DW_AT_name, &attr);
    return name != NULL ? dwarf_formstring(name) : NULL;
}

static bool has_code(Dwarf_Die *die)
{
    return dwarf_hasattr(die, DW_AT_low_pc) || dwarf_hasattr(die, DW_AT_ranges) || dwarf_hasattr(die, DW_AT_entry_pc);
}

/* What is inside an entry; into: the function around it, NULL: none. False: enough. */
static bool walk_children(const struct walk *walk, Dwarf_Die *parent, const char *into, unsigned depth)
{
    Dwarf_Die die;
    if (depth == 0 || dwarf_child(parent, &die) != 0)
        return true;
    do {
        const char *around = into, *name;
        switch (dwarf_tag(&die)) {
        case DW_TAG_subprogram:
            around = has_code(&die) ? name_of(&die) : NULL;
            break;
        case DW_TAG_inlined_subroutine:
            name = has_code(&die) && into != NULL ? name_of(&die) : NULL;
            if (name != NULL && !walk->each(walk->data, name, into))
                return false;
            break;
        case DW_TAG_lexical_block:
        case DW_TAG_namespace:
        case DW_TAG_structure_type:
        case DW_TAG_class_type:
        case DW_TAG_try_block:
        case DW_TAG_catch_block:
            break;
        default:
            continue;
        }
        if (!walk_children(walk, &die, around, depth - 1))
            return false;
    } while (prof_die_next(&die));
    return true;
}

static void walk_units(const struct walk *walk, Dwarf *dwarf)
{
    Dwarf_CU *cu = NULL;
    Dwarf_Die unit, split;
    uint8_t type;
    while (dwarf_get_units(dwarf, cu, &cu, NULL, &type, &unit, &split) == 0) {
        Dwarf_Die *die = type == DW_UT_skeleton && dwarf_tag(&split) != DW_TAG_invalid ? &split : &unit;
        if ((type == DW_UT_compile || type == DW_UT_skeleton) && !walk_children(walk, die, NULL, DEPTH))
            return;
    }
}

void prof_file_inlined(const char *path, bool (*each)(void *data, const char *function, const char *into), void *data)
{
    struct prof_image image = { 0 };
    struct prof_debug debug = { 0 };
    const struct prof_image_wish any = { 0 };
    if (prof_image_open(path, &any, &image) != PROF_IMAGE_GOOD)
        return;
    if (prof_debug_open(&image, &(struct prof_debug_where){ .path = path }, &debug)) {
        if (debug.dwarf != NULL && prof_debug_bytes(&debug, &image) <= MOST_BYTES)
            walk_units(&(struct walk){ each, data }, debug.dwarf);
        prof_debug_close(&debug);
    }
    prof_image_close(&image);
}
