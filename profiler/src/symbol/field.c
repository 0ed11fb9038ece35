/* field.c: what lies at an offset of a type. Nothing here recurses, and every walk has a limit: debug information may
 * be damaged. */
#include <symbol/die.h>

#include <dwarf.h>
#include <string.h>

enum { MAX_DEPTH = 32, MAX_PEEL = 64, MAX_STEPS = 100000, MAX_DIMENSIONS = 8 };

bool prof_die_is_struct(int tag)
{
    return tag == DW_TAG_structure_type || tag == DW_TAG_union_type || tag == DW_TAG_class_type;
}

bool prof_die_next(Dwarf_Die *die)
{
    Dwarf_Die next;
    if (dwarf_siblingof(die, &next) != 0 || dwarf_dieoffset(&next) <= dwarf_dieoffset(die))
        return false;
    *die = next;
    return true;
}

bool prof_die_flag(Dwarf_Die *die, unsigned name)
{
    Dwarf_Attribute attr;
    bool value;
    return dwarf_attr(die, name, &attr) != NULL && dwarf_formflag(&attr, &value) == 0 && value;
}

bool prof_die_type(Dwarf_Die *die, Dwarf_Die *ret)
{
    Dwarf_Attribute attr;
    return dwarf_attr_integrate(die, DW_AT_type, &attr) != NULL && dwarf_formref_die(&attr, ret) != NULL;
}

bool prof_die_peel(Dwarf_Die *die)
{
    Dwarf_Attribute attr;
    Dwarf_Die unit;
    for (int i = 0; i < MAX_PEEL; i++) {
        switch (dwarf_tag(die)) {
        case DW_TAG_typedef:
        case DW_TAG_const_type:
        case DW_TAG_volatile_type:
        case DW_TAG_restrict_type:
        case DW_TAG_atomic_type:
            if (!prof_die_type(die, die))
                return false;
            break;
        default: // a struct whose description is a unit of its own (-fdebug-types-section)
            if (!prof_die_is_struct(dwarf_tag(die)) || dwarf_attr(die, DW_AT_signature, &attr) == NULL ||
                dwarf_formref_die(&attr, &unit) == NULL)
                return true;
            *die = unit;
        }
    }
    return false;
}

struct array {
    Dwarf_Die element;
    uint64_t element_size;
    uint64_t counts[MAX_DIMENSIONS];
    unsigned dimensions;
    bool open; /* without a length: `x[]`, `x[0]` */
};

static uint64_t plain_size(Dwarf_Die *die)
{
    int size = dwarf_bytesize(die);
    if (size >= 0)
        return (uint64_t)size;
    int tag = dwarf_tag(die);
    return tag == DW_TAG_pointer_type || tag == DW_TAG_reference_type || tag == DW_TAG_rvalue_reference_type ? 8 : 0;
}

static bool read_array(Dwarf_Die *die, struct array *array)
{
    Dwarf_Die child;
    *array = (struct array){ 0 };
    if (!prof_die_type(die, &array->element) || dwarf_child(die, &child) != 0)
        return false;
    do {
        if (dwarf_tag(&child) != DW_TAG_subrange_type || array->dimensions == MAX_DIMENSIONS)
            continue;
        Dwarf_Attribute attr;
        Dwarf_Word value, low = 0;
        uint64_t count = 0;
        if (dwarf_attr(&child, DW_AT_lower_bound, &attr) != NULL && dwarf_formudata(&attr, &low) != 0)
            low = 0;
        if (dwarf_attr(&child, DW_AT_count, &attr) != NULL && dwarf_formudata(&attr, &value) == 0)
            count = value;
        else if (dwarf_attr(&child, DW_AT_upper_bound, &attr) != NULL && dwarf_formudata(&attr, &value) == 0)
            count = value + 1 - low;
        if (count == 0)
            array->open = true;
        array->counts[array->dimensions++] = count;
    } while (prof_die_next(&child));
    return array->dimensions != 0;
}

bool prof_die_array(Dwarf_Die *array, Dwarf_Die *element, uint64_t *count)
{
    struct array read;
    uint64_t product = 1;
    if (!read_array(array, &read))
        return false;
    for (unsigned d = 0; d < read.dimensions; d++) {
        if (__builtin_mul_overflow(product, read.counts[d], &product))
            return false;
    }
    *element = read.element;
    *count = read.open ? 0 : product;
    return true;
}

uint64_t prof_die_size(Dwarf_Die type)
{
    uint64_t factor = 1;
    for (int i = 0; i < MAX_PEEL && prof_die_peel(&type); i++) {
        if (dwarf_tag(&type) != DW_TAG_array_type) {
            uint64_t bytes, size = plain_size(&type);
            return __builtin_mul_overflow(size, factor, &bytes) ? 0 : bytes;
        }
        struct array array;
        if (!read_array(&type, &array) || array.open)
            return 0;
        for (unsigned d = 0; d < array.dimensions; d++) {
            if (__builtin_mul_overflow(factor, array.counts[d], &factor))
                return 0;
        }
        type = array.element;
    }
    return 0;
}

// "[2][5]" for an offset into an array; *type and *offset go on to the element.
static bool enter_array(Dwarf_Die *type, uint64_t *offset, struct prof_str *path)
{
    struct array array;
    if (!read_array(type, &array))
        return false;
    uint64_t size = prof_die_size(array.element);
    if (size == 0)
        return false;
    uint64_t index = *offset / size, indexes[MAX_DIMENSIONS];
    for (unsigned d = array.dimensions; d-- > 0;) {
        bool open = d == 0 && array.open;
        if (array.counts[d] == 0 && !open)
            return false;
        indexes[d] = open ? index : index % array.counts[d];
        index = open ? 0 : index / array.counts[d];
    }
    if (index != 0)
        return false;
    for (unsigned d = 0; d < array.dimensions; d++)
        prof_str_addf(path, "[%llu]", (unsigned long long)indexes[d]);
    *offset %= size;
    *type = array.element;
    return true;
}

bool prof_die_number(Dwarf_Die *die, unsigned name, Dwarf_Word *ret)
{
    Dwarf_Attribute attr;
    return dwarf_attr(die, name, &attr) != NULL && dwarf_formudata(&attr, ret) == 0;
}

bool prof_die_bits(Dwarf_Die *member, uint64_t start, Dwarf_Word *first, Dwarf_Word *size)
{
    Dwarf_Word from_top, unit;
    if (!prof_die_number(member, DW_AT_bit_size, size) || *size == 0 || *size > 64)
        return false;
    if (prof_die_number(member, DW_AT_data_bit_offset, first))
        return true;
    // The old way counts from the most significant bit of a storage unit at `start`.
    if (!prof_die_number(member, DW_AT_bit_offset, &from_top) || !prof_die_number(member, DW_AT_byte_size, &unit) ||
        from_top + *size > unit * 8)
        return false;
    *first = start * 8 + unit * 8 - from_top - *size;
    return true;
}

// Does a member cover the offset? *type and *into get what lies there.
static bool member_covers(Dwarf_Die *member, uint64_t offset, bool outermost, Dwarf_Die *type, uint64_t *into)
{
    int tag = dwarf_tag(member);
    Dwarf_Attribute attr;
    Dwarf_Word start = 0, bits, bit_size;
    if ((tag != DW_TAG_member && tag != DW_TAG_inheritance) || prof_die_flag(member, DW_AT_external) ||
        prof_die_flag(member, DW_AT_declaration) || !prof_die_type(member, type))
        return false;
    if (dwarf_attr(member, DW_AT_data_member_location, &attr) != NULL && dwarf_formudata(&attr, &start) != 0)
        return false;
    if (prof_die_bits(member, start, &bits, &bit_size)) {
        *into = 0;
        return offset >= bits / 8 && offset <= (bits + bit_size - 1) / 8;
    }
    if (offset < start)
        return false;
    *into = offset - start;
    uint64_t size = prof_die_size(*type);
    if (size != 0)
        return *into < size;
    // An array without a length ends where the object's block does.
    Dwarf_Die plain = *type;
    struct array array;
    return outermost && prof_die_peel(&plain) && dwarf_tag(&plain) == DW_TAG_array_type && read_array(&plain, &array) &&
           array.open;
}

// A struct whose members are being tried.
struct step {
    Dwarf_Die member;
    bool tried; /* member was: go on with the next */
    uint64_t offset;
    size_t path_length;
};

static void cut(struct prof_str *path, size_t length)
{
    if (path->text != NULL && path->length > length) {
        path->length = length;
        path->text[length] = '\0';
    }
}

bool prof_die_field(const Dwarf_Die *type, uint64_t offset, struct prof_str *path)
{
    struct step steps[MAX_DEPTH];
    int depth = 0;
    size_t before = path->length;
    Dwarf_Die at = *type;
    for (int budget = MAX_STEPS; budget > 0; budget--) {
        if (prof_die_peel(&at)) {
            int tag = dwarf_tag(&at);
            if (tag == DW_TAG_array_type && enter_array(&at, &offset, path))
                continue;
            if (prof_die_is_struct(tag) && depth < MAX_DEPTH && dwarf_child(&at, &steps[depth].member) == 0) {
                steps[depth].tried = false;
                steps[depth].offset = offset;
                steps[depth++].path_length = path->length;
            } else if (tag != DW_TAG_array_type && !prof_die_is_struct(tag) && depth > 0) {
                return path->length > before && !path->failed;
            }
        }
        // To the next member that covers the offset, in the innermost struct that has one.
        for (bool found = false; !found;) {
            if (depth == 0 || budget-- <= 0) {
                cut(path, before);
                return false;
            }
            struct step *step = &steps[depth - 1];
            cut(path, step->path_length);
            if (step->tried && !prof_die_next(&step->member)) {
                depth--;
                continue;
            }
            step->tried = true;
            found = member_covers(&step->member, step->offset, depth == 1, &at, &offset);
            const char *name = found ? dwarf_diename(&step->member) : NULL;
            if (name != NULL)
                prof_str_addf(path, "%s%s", path->length > before ? "." : "", name);
        }
    }
    cut(path, before);
    return false;
}
