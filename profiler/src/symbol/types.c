/* types.c: index of type names. */
#include <symbol/types.h>

#include <base/arena.h>
#include <base/table.h>
#include <symbol/die.h>
#include <symbol/type_name.h>

#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_VARIANTS = 8, MAX_NAMESPACES = 16, MAX_NAME = 512 };

// One definition; those of one name differ in size or place, or are of different kinds.
struct variant {
    struct variant *next;
    Dwarf *dwarf;
    Dwarf_Off entry;
    uint64_t size; /* UINT64_MAX: a typedef */
    bool of_types; /* entry is an offset into .debug_types */
    bool opaque;   /* a typedef of a struct that its unit only declares */
    int tag;
    Dwarf_Word line; /* of its declaration, 0 unknown */
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
        if ((*end)->tag == variant->tag && (*end)->size == variant->size && (*end)->opaque == variant->opaque &&
            (*end)->line == variant->line)
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

static void add_type(struct prof_types *types, Dwarf_Die *die, bool of_types, const char *prefix)
{
    int tag = dwarf_tag(die);
    const char *name = dwarf_diename(die);
    Dwarf_Attribute attr;
    if (name == NULL || prof_die_flag(die, DW_AT_declaration))
        return;
    struct variant variant = {
        .dwarf = dwarf_cu_getdwarf(die->cu),
        .entry = dwarf_dieoffset(die),
        .of_types = of_types,
        .size = UINT64_MAX,
        .tag = tag == DW_TAG_class_type ? DW_TAG_structure_type : tag,
    };
    if (prof_die_is_struct(tag)) {
        int size = dwarf_bytesize(die);
        if (size < 0)
            return;
        variant.size = (uint64_t)size;
    } else {
        Dwarf_Die target;
        if (dwarf_attr(die, DW_AT_type, &attr) == NULL || dwarf_formref_die(&attr, &target) == NULL)
            return;
        if (prof_die_is_struct(dwarf_tag(&target)) && prof_die_flag(&target, DW_AT_declaration))
            variant.opaque = true;
    }
    prof_die_number(die, DW_AT_decl_line, &variant.line);
    struct prof_str full = { 0 };
    if (dwarf_attr(die, DW_AT_specification, &attr) != NULL) // in a type unit: the namespace has only a sign of it
        prof_type_scope(die, &full);
    prof_str_addf(&full, "%s%s", prefix, name);
    if (!full.failed && full.length < MAX_NAME)
        add_name(types, full.text, full.length, &variant);
    prof_str_deinit(&full);
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
        if (prof_die_is_struct(tag) || tag == DW_TAG_typedef) {
            add_type(types, &stack[depth], of_types, prefix);
        } else if (tag == DW_TAG_namespace && depth + 1 < MAX_NAMESPACES &&
                   dwarf_child(&stack[depth], &stack[depth + 1]) == 0) {
            const char *name = dwarf_diename(&stack[depth]);
            size_t length = name != NULL ? strlen(name) : 0;
            if (length != 0 && lengths[depth] + length + 3 < sizeof prefix) {
                char *at = mempcpy(prefix + lengths[depth], name, length);
                memcpy(at, "::", sizeof "::");
                length += 2;
            } else {
                length = 0; // an unnamed one adds nothing
            }
            lengths[depth + 1] = lengths[depth] + length;
            depth++;
            continue;
        }
        while (!prof_die_next(&stack[depth])) {
            if (depth-- == 0)
                return;
        }
        prefix[lengths[depth]] = '\0';
    }
}

// The type units of a .dwo file.
static void read_split_types(struct prof_types *types, Dwarf *dwarf)
{
    Dwarf_CU *unit = NULL;
    Dwarf_Half version;
    uint8_t unit_type;
    Dwarf_Die die;
    while (dwarf_get_units(dwarf, unit, &unit, &version, &unit_type, &die, NULL) == 0) {
        if (unit_type == DW_UT_split_type || unit_type == DW_UT_type)
            read_unit(types, &die, version < 5);
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
            if (prof_die_split(&die)) {
                read_unit(types, &die, unit_type == DW_UT_type && version < 5);
                if (dwarf_cu_getdwarf(die.cu) != dwarf)
                    read_split_types(types, dwarf_cu_getdwarf(die.cu));
            }
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
        if (prof_die_is_struct(v->tag) && (tag == 0 || v->tag == tag) && (size == 0 || v->size == size) &&
            entry_of(v, &die) && prof_die_field(&die, offset, path))
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
        if (v->tag != DW_TAG_typedef || !entry_of(v, &die) || !prof_die_peel(&die))
            continue;
        if (v->opaque) { // `typedef struct conn conn;` in a header, struct conn elsewhere
            const char *hidden = dwarf_diename(&die);
            if (hidden != NULL && try_structs(types, hidden, strlen(hidden), 0, size, offset, path))
                return true;
        } else if ((size == 0 || prof_die_size(die) == size) && prof_die_field(&die, offset, path)) {
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

// Collects what a name may mean, with what was read so far: definitions that fit into `size` bytes, those of exactly
// that size first. Returns how many different ones there are.
struct choice {
    uint64_t size; /* wanted, 0 any */
    int tag;       /* 0 any */
    const struct variant *exact, *smaller;
    unsigned exact_count, smaller_count;
};

static void choose_structs(struct prof_types *types, const char *name, size_t length, struct choice *choice)
{
    struct name_entry *entry = find_name(types, name, length);
    for (struct variant *v = entry != NULL ? entry->variants : NULL; v != NULL; v = v->next) {
        if (!prof_die_is_struct(v->tag) || (choice->tag != 0 && v->tag != choice->tag))
            continue;
        if (choice->size == 0 || v->size == choice->size) {
            choice->exact = v;
            choice->exact_count++;
        } else if (v->size < choice->size && v->size != 0) {
            choice->smaller = v;
            choice->smaller_count++;
        }
    }
    if (entry != NULL && entry->count >= MAX_VARIANTS) // perhaps more than were kept
        choice->exact_count = choice->smaller_count = 2;
}

static bool decide(const struct choice *choice, Dwarf_Die *ret)
{
    const struct variant *v = choice->exact_count != 0 ? choice->exact : choice->smaller;
    unsigned count = choice->exact_count != 0 ? choice->exact_count : choice->smaller_count;
    return count == 1 && entry_of(v, ret);
}

// A typedef of the name, if all of that name mean the same. *several: they do not.
static bool find_typedef(struct prof_types *types, const char *name, size_t length, uint64_t size, Dwarf_Die *ret,
                         bool *several)
{
    struct name_entry *entry = find_name(types, name, length);
    Dwarf_Die found = { 0 }, die;
    unsigned count = 0;
    for (struct variant *v = entry != NULL ? entry->variants : NULL; v != NULL; v = v->next) {
        Dwarf_Die alias;
        if (v->tag != DW_TAG_typedef || !entry_of(v, &alias))
            continue;
        die = alias;
        if (!prof_die_peel(&die))
            continue;
        if (v->opaque) {
            const char *hidden = dwarf_diename(&die);
            struct choice choice = { .size = size };
            if (hidden == NULL)
                continue;
            choose_structs(types, hidden, strlen(hidden), &choice);
            if (!decide(&choice, &die))
                continue;
        }
        uint64_t bytes = prof_die_size(die);
        if (bytes == 0 || (size != 0 && bytes > size) || (count != 0 && die.addr == found.addr))
            continue;
        found = die;
        *ret = dwarf_diename(&die) != NULL ? die : alias; // a struct without a name is called as its typedef
        count++;
    }
    *several = count > 1;
    return count == 1;
}

bool prof_types_find(struct prof_types *types, const char *type, uint64_t size, Dwarf_Die *ret)
{
    struct choice choice = { .size = size };
    size_t length;
    bool several;
    const char *name = plain_name(type, &choice.tag, &length);
    while (length != 0 && read_more(types)) {
    }
    if (length == 0)
        return false;
    if (choice.tag == 0 && find_typedef(types, name, length, size, ret, &several))
        return true;
    if (choice.tag == 0 && several)
        return false;
    choose_structs(types, name, length, &choice);
    return decide(&choice, ret);
}

bool prof_types_define(struct prof_types *types, Dwarf_Die *type, uint64_t size)
{
    Dwarf_Die other;
    const char *name = dwarf_diename(type);
    if (name == NULL)
        return false;
    struct choice choice = { .size = size };
    while (read_more(types)) {
    }
    struct prof_str full = { 0 };
    if (!prof_type_is_c(type))
        prof_type_scope(type, &full);
    prof_str_add(&full, name);
    if (!full.failed)
        choose_structs(types, full.text, full.length, &choice);
    prof_str_deinit(&full);
    if (choice.exact_count != 1 || !entry_of(choice.exact, &other))
        return false;
    *type = other;
    return true;
}

void prof_types_each(struct prof_types *types, uint64_t size, prof_types_visit visit, void *ctx)
{
    while (read_more(types)) {
    }
    for (struct name_entry *entry = types->names; entry != NULL; entry = entry->hh.next) {
        for (struct variant *v = entry->variants; v != NULL; v = v->next) {
            Dwarf_Die die;
            if (v->opaque || (prof_die_is_struct(v->tag) && v->size != size) || !entry_of(v, &die) ||
                !prof_die_peel(&die) || !prof_die_is_struct(dwarf_tag(&die)) || prof_die_size(die) != size)
                continue;
            if (!visit(ctx, entry->name, &die))
                return;
        }
    }
}
