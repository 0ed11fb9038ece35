/* types.c: index of type names; fields by offset. */
#include <symbol/types.h>

#include <base/arena.h>
#include <base/table.h>

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 32, MAX_VARIANTS = 8, MAX_NAMESPACES = 16, MAX_NAME = 512, MAX_PEEL = 64, MAX_STEPS = 100000 };
enum { MAX_DIMENSIONS = 8 };

// One definition; those of one name differ in size, or are of different kinds.
struct variant {
    struct variant *next;
    Dwarf *dwarf;
    Dwarf_Off entry;
    uint64_t size; /* UINT64_MAX: a typedef */
    bool of_types; /* entry is an offset into .debug_types */
    bool opaque;   /* a typedef of a struct that its unit only declares */
    int tag;
};
struct name_entry {
    UT_hash_handle hh;
    struct variant *variants; /* in the order they were found */
    unsigned count;
    char name[];
};

struct prof_types {
    Dwarf *files[2];
    int file; /* being read */
    Dwarf_CU *unit;
    bool done;
    struct name_entry *names;
    struct prof_arena arena;
};

struct prof_types *prof_types_create(Dwarf *dwarf, Dwarf *alt)
{
    struct prof_types *types = calloc(1, sizeof *types);
    if (types == NULL)
        return NULL;
    prof_arena_init(&types->arena);
    types->files[0] = dwarf;
    types->files[1] = alt;
    return types;
}

void prof_types_destroy(struct prof_types *types)
{
    if (types == NULL)
        return;
    HASH_CLEAR(hh, types->names);
    prof_arena_deinit(&types->arena);
    free(types);
}

static bool is_aggregate(int tag)
{
    return tag == DW_TAG_structure_type || tag == DW_TAG_union_type || tag == DW_TAG_class_type;
}

static void add_name(struct prof_types *types, const char *name, size_t length, const struct variant *variant)
{
    struct name_entry *entry;
    HASH_FIND(hh, types->names, name, length, entry);
    if (entry == NULL) {
        entry = prof_arena_alloc(&types->arena, sizeof *entry + length + 1);
        if (entry == NULL)
            return;
        memcpy(entry->name, name, length);
        HASH_ADD_KEYPTR(hh, types->names, entry->name, length, entry);
        if (entry->hh.tbl == NULL)
            return;
    }
    struct variant **end = &entry->variants;
    for (; *end != NULL; end = &(*end)->next) {
        if ((*end)->tag == variant->tag && (*end)->size == variant->size && (*end)->opaque == variant->opaque)
            return;
    }
    if (entry->count >= MAX_VARIANTS)
        return;
    struct variant *copy = prof_arena_alloc(&types->arena, sizeof *copy);
    if (copy == NULL)
        return;
    *copy = *variant;
    *end = copy;
    entry->count++;
}

// The next entry of a chain of siblings; entries only move forward, whatever a damaged link says.
static bool next_sibling(Dwarf_Die *die)
{
    Dwarf_Die next;
    if (dwarf_siblingof(die, &next) != 0 || dwarf_dieoffset(&next) <= dwarf_dieoffset(die))
        return false;
    *die = next;
    return true;
}

static bool has_flag(Dwarf_Die *die, unsigned name)
{
    Dwarf_Attribute attr;
    bool value;
    return dwarf_attr(die, name, &attr) != NULL && dwarf_formflag(&attr, &value) == 0 && value;
}

static void add_type(struct prof_types *types, Dwarf_Die *die, bool of_types, const char *prefix)
{
    int tag = dwarf_tag(die);
    const char *name = dwarf_diename(die);
    if (name == NULL || has_flag(die, DW_AT_declaration))
        return;
    struct variant variant = {
        .dwarf = types->files[types->file],
        .entry = dwarf_dieoffset(die),
        .of_types = of_types,
        .size = UINT64_MAX,
        .tag = tag == DW_TAG_class_type ? DW_TAG_structure_type : tag,
    };
    if (is_aggregate(tag)) {
        int size = dwarf_bytesize(die);
        if (size < 0)
            return;
        variant.size = (uint64_t)size;
    } else {
        Dwarf_Attribute attr;
        Dwarf_Die target;
        if (dwarf_attr(die, DW_AT_type, &attr) == NULL || dwarf_formref_die(&attr, &target) == NULL)
            return;
        if (is_aggregate(dwarf_tag(&target)) && has_flag(&target, DW_AT_declaration))
            variant.opaque = true;
    }
    char full[MAX_NAME];
    size_t before = strlen(prefix), length = strlen(name);
    if (before + length >= sizeof full)
        return;
    memcpy(full, prefix, before);
    memcpy(full + before, name, length);
    add_name(types, full, before + length, &variant);
}

static void read_unit(struct prof_types *types, Dwarf_Die *unit, bool of_types)
{
    Dwarf_Die stack[MAX_NAMESPACES];
    size_t lengths[MAX_NAMESPACES];
    char prefix[MAX_NAME] = "";
    int depth = 0;
    if (dwarf_child(unit, &stack[0]) != 0)
        return;
    lengths[0] = 0;
    for (;;) {
        int tag = dwarf_tag(&stack[depth]);
        if (is_aggregate(tag) || tag == DW_TAG_typedef) {
            add_type(types, &stack[depth], of_types, prefix);
        } else if (tag == DW_TAG_namespace && depth + 1 < MAX_NAMESPACES &&
                   dwarf_child(&stack[depth], &stack[depth + 1]) == 0) {
            const char *name = dwarf_diename(&stack[depth]);
            size_t length = name != NULL ? strlen(name) : 0;
            if (length != 0 && lengths[depth] + length + 3 < sizeof prefix) {
                char *at = mempcpy(prefix + lengths[depth], name, length);
                strcpy(at, "::");
                length += 2;
            } else {
                length = 0; // an unnamed one adds nothing
            }
            lengths[depth + 1] = lengths[depth] + length;
            depth++;
            continue;
        }
        while (!next_sibling(&stack[depth])) {
            if (depth-- == 0)
                return;
        }
        prefix[lengths[depth]] = '\0';
    }
}

// Reads one more unit. false: there is none.
static bool read_more(struct prof_types *types)
{
    while (!types->done) {
        Dwarf_Half version;
        uint8_t unit_type;
        Dwarf_Die die;
        Dwarf *dwarf = types->files[types->file];
        if (dwarf != NULL && dwarf_get_units(dwarf, types->unit, &types->unit, &version, &unit_type, &die, NULL) == 0) {
            // Before version 5 type units have a section, and so offsets, of their own.
            read_unit(types, &die, unit_type == DW_UT_type && version < 5);
            return true;
        }
        types->unit = NULL;
        types->done = ++types->file == 2;
    }
    return false;
}

static struct name_entry *find_name(struct prof_types *types, const char *name, size_t length)
{
    struct name_entry *entry;
    HASH_FIND(hh, types->names, name, length, entry);
    return entry;
}

// The type behind an attribute. false: none.
static bool type_of(Dwarf_Die *die, Dwarf_Die *ret)
{
    Dwarf_Attribute attr;
    return dwarf_attr_integrate(die, DW_AT_type, &attr) != NULL && dwarf_formref_die(&attr, ret) != NULL;
}

// Looks through typedefs and qualifiers; a damaged file may chain them in a circle.
static bool peel(Dwarf_Die *die)
{
    for (int i = 0; i < MAX_PEEL; i++) {
        switch (dwarf_tag(die)) {
        case DW_TAG_typedef:
        case DW_TAG_const_type:
        case DW_TAG_volatile_type:
        case DW_TAG_restrict_type:
        case DW_TAG_atomic_type:
            if (!type_of(die, die))
                return false;
            break;
        default:
            return true;
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
    if (!type_of(die, &array->element) || dwarf_child(die, &child) != 0)
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
    } while (next_sibling(&child));
    return array->dimensions != 0;
}

// Bytes of a type; 0: unknown or empty. Arrays of arrays are looked through here.
static uint64_t size_of(Dwarf_Die type)
{
    uint64_t factor = 1;
    for (int i = 0; i < MAX_PEEL && peel(&type); i++) {
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
    uint64_t size = size_of(array.element);
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

static bool number(Dwarf_Die *die, unsigned name, Dwarf_Word *ret)
{
    Dwarf_Attribute attr;
    return dwarf_attr(die, name, &attr) != NULL && dwarf_formudata(&attr, ret) == 0;
}

// First bit, from the start of the struct, and bits of a bit field; false: it is none.
static bool bit_field(Dwarf_Die *member, Dwarf_Word start, Dwarf_Word *first, Dwarf_Word *size)
{
    Dwarf_Word from_top, unit;
    if (!number(member, DW_AT_bit_size, size) || *size == 0 || *size > 64)
        return false;
    if (number(member, DW_AT_data_bit_offset, first))
        return true;
    // The old way counts from the most significant bit of a storage unit at `start`.
    if (!number(member, DW_AT_bit_offset, &from_top) || !number(member, DW_AT_byte_size, &unit) ||
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
    if ((tag != DW_TAG_member && tag != DW_TAG_inheritance) || has_flag(member, DW_AT_external) ||
        has_flag(member, DW_AT_declaration) || !type_of(member, type))
        return false;
    if (dwarf_attr(member, DW_AT_data_member_location, &attr) != NULL && dwarf_formudata(&attr, &start) != 0)
        return false;
    if (bit_field(member, start, &bits, &bit_size)) {
        *into = 0;
        return offset >= bits / 8 && offset <= (bits + bit_size - 1) / 8;
    }
    if (offset < start)
        return false;
    *into = offset - start;
    uint64_t size = size_of(*type);
    if (size != 0)
        return *into < size;
    // An array without a length ends where the object's block does.
    Dwarf_Die plain = *type;
    struct array array;
    return outermost && peel(&plain) && dwarf_tag(&plain) == DW_TAG_array_type && read_array(&plain, &array) &&
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

// Depth first, and the first member that leads to something wins: a union's second is looked at when the first has only
// padding there.
static bool find_field(const Dwarf_Die *type, uint64_t offset, struct prof_str *path)
{
    struct step steps[MAX_DEPTH];
    int depth = 0;
    size_t before = path->length;
    Dwarf_Die at = *type;
    for (int budget = MAX_STEPS; budget > 0; budget--) {
        if (peel(&at)) {
            int tag = dwarf_tag(&at);
            if (tag == DW_TAG_array_type && enter_array(&at, &offset, path))
                continue;
            if (is_aggregate(tag) && depth < MAX_DEPTH && dwarf_child(&at, &steps[depth].member) == 0) {
                steps[depth].tried = false;
                steps[depth].offset = offset;
                steps[depth++].path_length = path->length;
            } else if (tag != DW_TAG_array_type && !is_aggregate(tag) && depth > 0) {
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
            if (step->tried && !next_sibling(&step->member)) {
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

// Splits "const struct conn" into a kind (0: any) and a name.
static const char *plain_name(const char *name, int *tag, size_t *length)
{
    static const struct {
        const char *word;
        int tag;
    } words[] = {
        { "const", 0 },
        { "volatile", 0 },
        { "struct", DW_TAG_structure_type },
        { "class", DW_TAG_structure_type },
        { "union", DW_TAG_union_type },
    };
    *tag = 0;
    for (size_t i = 0; i < sizeof words / sizeof words[0];) {
        name += strspn(name, " \t");
        size_t word = strlen(words[i].word);
        if (strncmp(name, words[i].word, word) == 0 && (name[word] == ' ' || name[word] == '\t')) {
            *tag = words[i].tag != 0 ? words[i].tag : *tag;
            name += word;
            i = 0;
        } else {
            i++;
        }
    }
    *length = strlen(name);
    while (*length > 0 && (name[*length - 1] == ' ' || name[*length - 1] == '\t'))
        --*length;
    return name;
}

static bool entry_of(const struct variant *variant, Dwarf_Die *ret)
{
    return (variant->of_types ? dwarf_offdie_types(variant->dwarf, variant->entry, ret)
                              : dwarf_offdie(variant->dwarf, variant->entry, ret)) != NULL;
}

static bool try_structs(struct prof_types *types, const char *name, size_t length, int tag, uint64_t size,
                        uint64_t offset, struct prof_str *path)
{
    struct name_entry *entry = find_name(types, name, length);
    for (struct variant *v = entry != NULL ? entry->variants : NULL; v != NULL; v = v->next) {
        Dwarf_Die die;
        if (is_aggregate(v->tag) && (tag == 0 || v->tag == tag) && (size == 0 || v->size == size) &&
            entry_of(v, &die) && find_field(&die, offset, path))
            return true;
    }
    return false;
}

// With what was read so far. size 0: any.
static bool try_name(struct prof_types *types, const char *name, size_t length, int tag, uint64_t size, uint64_t offset,
                     struct prof_str *path)
{
    struct name_entry *entry = tag == 0 ? find_name(types, name, length) : NULL;
    for (struct variant *v = entry != NULL ? entry->variants : NULL; v != NULL; v = v->next) {
        Dwarf_Die die;
        if (v->tag != DW_TAG_typedef || !entry_of(v, &die) || !peel(&die))
            continue;
        if (v->opaque) { // `typedef struct conn conn;` in a header, struct conn elsewhere
            const char *hidden = dwarf_diename(&die);
            if (hidden != NULL && try_structs(types, hidden, strlen(hidden), 0, size, offset, path))
                return true;
        } else if ((size == 0 || size_of(die) == size) && find_field(&die, offset, path)) {
            return true;
        }
    }
    return try_structs(types, name, length, tag, size, offset, path);
}

bool prof_types_field(struct prof_types *types, const char *type, uint64_t size, uint64_t offset, struct prof_str *path)
{
    int tag;
    size_t length;
    const char *name = plain_name(type, &tag, &length);
    if (length == 0)
        return false;
    do {
        if (try_name(types, name, length, tag, size, offset, path))
            return true;
    } while (read_more(types));
    return size != 0 && try_name(types, name, length, tag, 0, offset, path);
}
