/* line.c: units and functions by address, inlined calls by the tree of the function.
 *
 * .debug_aranges is not used: some compilers do not write it. The tree of a unit is walked once, at its first address;
 * after that an address costs two binary searches and a walk through its function. */
#include <symbol/line.h>

#include <base/vec.h>
#include <symbol/die.h>

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_RANGES = 32 << 20, MAX_DEPTH = 64, MAX_INLINED = 60, BACK_STEPS = 64 };

struct range {
    uint64_t low, high;
    uint64_t reach; /* greatest high of this and all earlier ones */
    uint64_t what;  /* unit number, or offset of the function's entry */
};
struct ranges {
    struct range *items;
    size_t count, room;
};

struct unit {
    Dwarf_Off entry;
    Dwarf *home; /* where the functions' entries are: the Dwarf, or that of a .dwo file; NULL: nowhere */
    bool read;   /* functions is filled */
    bool nested; /* functions inside functions and classes were added too */
    struct ranges functions;
};

struct prof_lines {
    Dwarf *dwarf;
    const struct prof_image *image;
    struct ranges units_at;
    PROF_VEC(struct unit) units;
};

static int compare_ranges(const void *left, const void *right)
{
    const struct range *a = left, *b = right;
    if (a->low != b->low)
        return a->low < b->low ? -1 : 1;
    if (a->high != b->high)
        return a->high > b->high ? -1 : 1; // the longer first: the search meets the inner one before
    return a->what < b->what ? -1 : a->what > b->what;
}

static void ranges_finish(struct ranges *ranges)
{
    if (ranges->count == 0)
        return;
    qsort(ranges->items, ranges->count, sizeof *ranges->items, compare_ranges);
    uint64_t reach = 0;
    for (size_t i = 0; i < ranges->count; i++) {
        if (ranges->items[i].high > reach)
            reach = ranges->items[i].high;
        ranges->items[i].reach = reach;
    }
}

static const struct range *ranges_find(const struct ranges *ranges, uint64_t addr)
{
    size_t low = 0, high = ranges->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (ranges->items[mid].low <= addr)
            low = mid + 1;
        else
            high = mid;
    }
    for (int step = 0; low > 0 && step < BACK_STEPS; step++) {
        const struct range *range = &ranges->items[--low];
        if (range->high > addr)
            return range;
        if (range->reach <= addr)
            return NULL;
    }
    return NULL;
}

static bool is_code(const struct prof_image *image, uint64_t low, uint64_t high)
{
    const struct prof_image_load *load = prof_image_load_at(image, low);
    return load != NULL && (load->flags & PF_X) != 0 && high > low && high <= load->end;
}

// Adds what an entry covers. false without memory.
static bool add_ranges(struct prof_lines *lines, struct ranges *ranges, Dwarf_Die *die, uint64_t what)
{
    Dwarf_Addr base, low, high;
    for (ptrdiff_t at = 0; ranges->count < MAX_RANGES && (at = dwarf_ranges(die, at, &base, &low, &high)) > 0;) {
        struct range range = { .low = low, .high = high, .what = what };
        if (is_code(lines->image, low, high) && !prof_vec_push(ranges, range))
            return false;
    }
    return true;
}

struct prof_lines *prof_lines_create(Dwarf *dwarf, const struct prof_image *image)
{
    struct prof_lines *lines = calloc(1, sizeof *lines);
    if (lines == NULL)
        return NULL;
    lines->dwarf = dwarf;
    lines->image = image;
    Dwarf_CU *cu = NULL;
    Dwarf_Half version;
    uint8_t unit_type;
    Dwarf_Die die;
    while (dwarf_get_units(dwarf, cu, &cu, &version, &unit_type, &die, NULL) == 0) {
        if (unit_type == DW_UT_type || unit_type == DW_UT_partial || unit_type == DW_UT_split_type)
            continue;
        struct unit unit = { .entry = dwarf_dieoffset(&die) };
        if (!add_ranges(lines, &lines->units_at, &die, lines->units.count) || !prof_vec_push(&lines->units, unit))
            break;
    }
    ranges_finish(&lines->units_at);
    return lines;
}

void prof_lines_destroy(struct prof_lines *lines)
{
    if (lines == NULL)
        return;
    for (size_t i = 0; i < lines->units.count; i++)
        prof_vec_deinit(&lines->units.items[i].functions);
    prof_vec_deinit(&lines->units);
    prof_vec_deinit(&lines->units_at);
    free(lines);
}

static bool has_methods(int language)
{
    return language != DW_LANG_C && language != DW_LANG_C89 && language != DW_LANG_C99 && language != DW_LANG_C11 &&
           language != DW_LANG_Mips_Assembler;
}

// Walks the part of a unit's tree where functions can be. `nested`: also into functions and classes, where code hardly
// ever is described (GNU C's nested functions, methods of local classes) and most entries are.
static void read_functions(struct prof_lines *lines, struct unit *unit, bool nested)
{
    unit->functions.count = 0;
    unit->read = true;
    unit->nested = nested;
    Dwarf_Die stack[MAX_DEPTH], top;
    int depth = 0;
    if (dwarf_offdie(lines->dwarf, unit->entry, &top) == NULL || !prof_die_split(&top))
        return;
    unit->home = dwarf_cu_getdwarf(top.cu);
    if (dwarf_child(&top, &stack[0]) != 0)
        return;
    bool methods = has_methods(dwarf_srclang(&top));
    for (;;) {
        bool descend = false;
        switch (dwarf_tag(&stack[depth])) {
        case DW_TAG_subprogram:
            if (!add_ranges(lines, &unit->functions, &stack[depth], dwarf_dieoffset(&stack[depth])))
                goto out;
            descend = nested;
            break;
        case DW_TAG_lexical_block:
            descend = nested;
            break;
        case DW_TAG_namespace:
        case DW_TAG_module:
            descend = true;
            break;
        case DW_TAG_class_type:
        case DW_TAG_structure_type:
        case DW_TAG_union_type:
            descend = nested && methods;
            break;
        default:
            break;
        }
        if (descend && depth + 1 < MAX_DEPTH && dwarf_child(&stack[depth], &stack[depth + 1]) == 0) {
            depth++;
            continue;
        }
        while (!prof_die_next(&stack[depth])) {
            if (depth-- == 0)
                goto out;
        }
    }
out:
    ranges_finish(&unit->functions);
}

static const struct range *find_function(struct prof_lines *lines, struct unit *unit, uint64_t vaddr)
{
    if (!unit->read)
        read_functions(lines, unit, false);
    const struct range *range = ranges_find(&unit->functions, vaddr);
    if (range == NULL && !unit->nested) {
        read_functions(lines, unit, true);
        range = ranges_find(&unit->functions, vaddr);
    }
    return range;
}

// Collects the inlined calls around vaddr inside a function, outermost first.
static size_t find_inlined(Dwarf_Die *function, uint64_t vaddr, Dwarf_Die *chain)
{
    size_t count = 0;
    Dwarf_Die parent = *function, die;
    for (int depth = 0; depth < MAX_DEPTH && count < MAX_INLINED && dwarf_child(&parent, &die) == 0; depth++) {
        bool found = false;
        do {
            int tag = dwarf_tag(&die);
            if ((tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block || tag == DW_TAG_try_block ||
                 tag == DW_TAG_catch_block) &&
                dwarf_haspc(&die, vaddr) > 0) {
                if (tag == DW_TAG_inlined_subroutine)
                    chain[count++] = die;
                found = true;
                break;
            }
        } while (prof_die_next(&die));
        if (!found)
            break;
        parent = die;
    }
    return count;
}

static uint32_t number(Dwarf_Die *die, unsigned name)
{
    Dwarf_Attribute attr;
    Dwarf_Word value;
    if (dwarf_attr(die, name, &attr) == NULL || dwarf_formudata(&attr, &value) != 0 || value > UINT32_MAX)
        return 0;
    return (uint32_t)value;
}

static void name_function(Dwarf_Die *die, struct prof_line_frame *frame)
{
    Dwarf_Attribute attr;
    frame->function = dwarf_diename(die);
    const char *linkage = NULL;
    if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attr) != NULL ||
        dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attr) != NULL)
        linkage = dwarf_formstring(&attr);
    frame->linkage = linkage != NULL && linkage[0] == '_' && (linkage[1] == 'Z' || linkage[1] == 'R') ? linkage : NULL;
}

bool prof_lines_function(struct prof_lines *lines, uint64_t vaddr, Dwarf_Die *unit_die, Dwarf_Die *function)
{
    const struct range *range = ranges_find(&lines->units_at, vaddr);
    struct unit *unit = range != NULL ? &lines->units.items[range->what] : NULL;
    range = unit != NULL ? find_function(lines, unit, vaddr) : NULL;
    return range != NULL && dwarf_offdie(lines->dwarf, unit->entry, unit_die) != NULL && prof_die_split(unit_die) &&
           dwarf_offdie(unit->home, range->what, function) != NULL;
}

size_t prof_lines_find(struct prof_lines *lines, uint64_t vaddr, struct prof_line_frame *frames, size_t cap)
{
    const struct range *range = ranges_find(&lines->units_at, vaddr);
    if (range == NULL || cap == 0)
        return 0;
    struct unit *unit = &lines->units.items[range->what];
    Dwarf_Die unit_die, function;
    if (dwarf_offdie(lines->dwarf, unit->entry, &unit_die) == NULL)
        return 0;

    Dwarf_Attribute attr;
    const char *dir = dwarf_attr(&unit_die, DW_AT_comp_dir, &attr) != NULL ? dwarf_formstring(&attr) : NULL;
    struct prof_line_frame frame = { .dir = dir };
    Dwarf_Line *line = dwarf_getsrc_die(&unit_die, vaddr);
    if (line != NULL) {
        int value;
        frame.file = dwarf_linesrc(line, NULL, NULL);
        if (dwarf_lineno(line, &value) == 0 && value > 0)
            frame.line = (uint32_t)value;
        if (dwarf_linecol(line, &value) == 0 && value > 0)
            frame.column = (uint32_t)value;
    }
    range = find_function(lines, unit, vaddr);
    if (range == NULL || dwarf_offdie(unit->home, range->what, &function) == NULL) {
        frames[0] = frame;
        return frame.file != NULL ? 1 : 0;
    }

    Dwarf_Die chain[MAX_INLINED];
    size_t inlined = find_inlined(&function, vaddr, chain), count = 0;
    Dwarf_Files *files = NULL;
    size_t file_count = 0;
    if (inlined > 0 && (!prof_die_split(&unit_die) || dwarf_getsrcfiles(&unit_die, &files, &file_count) != 0))
        files = NULL;
    // Each frame has its own name and the place of the call that the next inner one recorded.
    for (size_t i = inlined; i > 0 && count + 1 < cap; i--) {
        name_function(&chain[i - 1], &frame);
        frames[count++] = frame;
        uint32_t file = number(&chain[i - 1], DW_AT_call_file);
        frame = (struct prof_line_frame){
            .dir = dir,
            .file = files != NULL && file < file_count ? dwarf_filesrc(files, file, NULL, NULL) : NULL,
            .line = number(&chain[i - 1], DW_AT_call_line),
            .column = number(&chain[i - 1], DW_AT_call_column),
        };
    }
    int language = prof_die_split(&unit_die) ? dwarf_srclang(&unit_die) : -1;
    if (language != DW_LANG_Mips_Assembler)
        name_function(&function, &frame);
    frame.qualifies = has_methods(language);
    frames[count++] = frame;
    return count;
}
