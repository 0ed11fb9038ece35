/* place.c: data addresses to variables, types to fields, and what was missing. */
#include <symbol/state.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

// How far below its recorded start the main stack may have grown since: the usual limit.
static const uint64_t stack_growth = 8 << 20;

static void name_variable(struct prof_symbols *symbols, struct prof_file *file, uint64_t vaddr, bool code,
                          struct prof_place *place)
{
    const struct prof_elfsym *symbol = code ? prof_file_function(file, &symbols->file_options, vaddr)
                                            : prof_file_object(file, &symbols->file_options, vaddr);
    const char *name = symbol != NULL ? prof_symbols_keep_name(symbols, symbol->name, symbol->name_len) : NULL;
    if (name != NULL) {
        place->name = name;
        place->offset = vaddr - symbol->start;
    }
}

// An address at or above a mapping of a file: inside the object, its .bss included?
static bool in_object(struct prof_symbols *symbols, const struct prof_mapping *mapping, uint64_t addr,
                      struct prof_place *ret)
{
    const struct prof_module *module = mapping->module;
    struct prof_place place = { .module = module->path, .offset = addr - mapping->base };
    struct prof_file_entry *home = symbols->no_symbols ? NULL : prof_symbols_file(symbols, mapping);
    uint64_t vaddr;
    if (home != NULL && prof_file_vaddr(home->file, mapping, addr, &vaddr)) {
        bool code = (prof_image_load_at(&home->file->image, vaddr)->flags & PF_X) != 0;
        place.kind = code ? PROF_PLACE_CODE : PROF_PLACE_GLOBAL;
        name_variable(symbols, home->file, vaddr, code, &place);
    } else if (addr < module->end) {
        place.kind = (module->prot & PROT_EXEC) != 0 ? PROF_PLACE_CODE : PROF_PLACE_GLOBAL;
    } else {
        return false;
    }
    *ret = place;
    return true;
}

void prof_symbols_place(struct prof_symbols *symbols, uint64_t time_us, uint64_t addr, struct prof_place *ret)
{
    *ret = (struct prof_place){ .kind = PROF_PLACE_UNKNOWN, .module = "", .offset = addr };
    struct prof_mapping mapping, other;
    if (!prof_space_find_at(symbols->space, time_us, addr, true, &mapping))
        return;
    const struct prof_module *module = mapping.module;
    bool inside = addr < module->end;
    if (module->path[0] == '/') {
        if (in_object(symbols, &mapping, addr, ret))
            return;
    } else if (strcmp(module->path, "[heap]") == 0) {
        // It grows upward and nothing else is put close above it.
        *ret = (struct prof_place){ PROF_PLACE_HEAP, NULL, module->path, addr - module->start };
        return;
    } else if (strcmp(module->path, "[stack]") == 0) {
        if (inside)
            *ret = (struct prof_place){ PROF_PLACE_STACK, NULL, module->path, addr - module->start };
        return;
    } else if (inside && module->path[0] == '\0') {
        // Nameless memory behind the data of a file is its .bss.
        if (module->start != 0 && prof_space_find_at(symbols->space, time_us, module->start - 1, false, &other) &&
            other.module->path[0] == '/' && (other.module->prot & PROT_WRITE) != 0 &&
            in_object(symbols, &other, addr, ret))
            return;
        if ((module->prot & PROT_EXEC) != 0)
            *ret = (struct prof_place){ PROF_PLACE_CODE, NULL, "[jit]", addr - module->start };
        return;
    } else if (inside) { // "[vdso]", "[vvar]" and whatever else has a name
        bool code = (module->prot & PROT_EXEC) != 0;
        *ret = (struct prof_place){ code ? PROF_PLACE_CODE : PROF_PLACE_UNKNOWN, NULL, module->path,
                                    addr - module->start };
        return;
    }
    if (!inside && mapping.limit != UINT64_MAX && mapping.limit - addr <= stack_growth &&
        prof_space_find_at(symbols->space, time_us, mapping.limit, false, &other) &&
        strcmp(other.module->path, "[stack]") == 0)
        *ret = (struct prof_place){ PROF_PLACE_STACK, NULL, other.module->path, addr - other.module->start };
}

// Where the program's own variables begin in a thread. On x86-64 they end at the thread pointer, rounded up so that the
// block is aligned as its first values are; elsewhere they begin behind two words.
static uint64_t block_start(const struct prof_image *image, const struct prof_image_tls *tls, uint64_t thread_pointer)
{
    uint64_t mask = tls->align - 1, first = -tls->vaddr & mask;
    if (image->machine != EM_X86_64)
        return thread_pointer + ((16 + mask) & ~mask) + (tls->vaddr & mask);
    return thread_pointer - (((tls->bytes - first + mask) & ~mask) + first);
}

bool prof_symbols_thread_place(struct prof_symbols *symbols, uint64_t thread_pointer, uint64_t addr,
                               struct prof_place *ret)
{
    struct prof_mapping mapping;
    struct prof_image_tls tls;
    for (size_t cursor = 0; !symbols->no_symbols && prof_space_next(symbols->space, &cursor, &mapping);) {
        if (strcmp(mapping.module->path, symbols->source.exe) != 0)
            continue;
        struct prof_file_entry *home = prof_symbols_file(symbols, &mapping);
        if (home == NULL || home->file->state != PROF_IMAGE_GOOD || !prof_image_tls(&home->file->image, &tls))
            return false;
        uint64_t offset = addr - block_start(&home->file->image, &tls, thread_pointer);
        if (offset >= tls.bytes)
            return false;
        *ret = (struct prof_place){ .kind = PROF_PLACE_GLOBAL, .module = mapping.module->path, .offset = offset };
        const struct prof_elfsym *symbol = prof_file_variable(home->file, &symbols->file_options, tls.vaddr + offset);
        const char *name = symbol != NULL ? prof_symbols_keep_name(symbols, symbol->name, symbol->name_len) : NULL;
        if (name != NULL) {
            ret->name = name;
            ret->offset = tls.vaddr + offset - symbol->start;
        }
        return true;
    }
    return false;
}

// Types are looked for in a module without frames only if that is cheap.
enum { CHEAP_DEBUG_BYTES = 64 << 20 };

struct prof_types *prof_symbols_types(struct prof_symbols *symbols, struct prof_file_entry *home)
{
    if (home == NULL || home->file->state != PROF_IMAGE_GOOD)
        return NULL;
    if (home->types_tried)
        return home->types;
    bool asked = home->file->asked > 0;
    Dwarf *dwarf = prof_file_dwarf(home->file, &symbols->file_options, asked);
    home->types_tried = true;
    if (dwarf != NULL && (asked || prof_debug_bytes(&home->file->debug, &home->file->image) <= CHEAP_DEBUG_BYTES))
        home->types = prof_types_create(dwarf, home->file->debug.alt);
    return home->types;
}

// The program's own types first: that is where most objects are defined. Then the modules that code was seen in,
// unloaded ones too, then all that are loaded.
bool prof_symbols_each_types(struct prof_symbols *symbols, prof_symbols_types_visit visit, void *ctx)
{
    struct prof_mapping mapping;
    struct prof_types *types;
    for (size_t cursor = 0; prof_space_next(symbols->space, &cursor, &mapping);) {
        if (strcmp(mapping.module->path, symbols->source.exe) == 0 &&
            (types = prof_symbols_types(symbols, prof_symbols_file(symbols, &mapping))) != NULL &&
            visit(symbols, types, ctx))
            return true;
    }
    for (struct prof_file_entry *entry = symbols->files; entry != NULL; entry = entry->hh.next) {
        if (entry->file->asked > 0 && (types = prof_symbols_types(symbols, entry)) != NULL &&
            visit(symbols, types, ctx))
            return true;
    }
    for (size_t cursor = 0; prof_space_next(symbols->space, &cursor, &mapping);) {
        if (mapping.module->path[0] == '/' &&
            (types = prof_symbols_types(symbols, prof_symbols_file(symbols, &mapping))) != NULL &&
            visit(symbols, types, ctx))
            return true;
    }
    return false;
}

struct field_query {
    const char *type;
    uint64_t object_size, offset;
    struct prof_str path;
};

static bool field_in(struct prof_symbols *symbols, struct prof_types *types, void *ctx)
{
    (void)symbols;
    struct field_query *query = ctx;
    return prof_types_field(types, query->type, query->object_size, query->offset, &query->path);
}

bool prof_symbols_field_sized(struct prof_symbols *symbols, const char *type, uint64_t object_size, uint64_t offset,
                              char *buf, size_t size)
{
    if (symbols->no_symbols || size == 0)
        return false;
    struct field_query query = { .type = type, .object_size = object_size, .offset = offset };
    bool found = prof_symbols_each_types(symbols, field_in, &query) && !query.path.failed && query.path.length != 0 &&
                 query.path.length < size;
    if (found)
        memcpy(buf, query.path.text, query.path.length + 1);
    prof_str_deinit(&query.path);
    return found;
}

bool prof_symbols_field(struct prof_symbols *symbols, const char *type, uint64_t offset, char *buf, size_t size)
{
    return prof_symbols_field_sized(symbols, type, 0, offset, buf, size);
}

static int compare_gaps(const void *left, const void *right)
{
    const struct prof_symbols_gap *a = left, *b = right;
    if (a->frames != b->frames)
        return a->frames > b->frames ? -1 : 1;
    return strcmp(a->module, b->module);
}

size_t prof_symbols_gaps(struct prof_symbols *symbols, const struct prof_symbols_gap **ret)
{
    symbols->gaps.count = 0;
    for (struct prof_file_entry *entry = symbols->files; entry != NULL; entry = entry->hh.next) {
        struct prof_file *file = entry->file;
        if (file->asked == 0 || file->debug.dwarf != NULL || strcmp(file->path, "[vdso]") == 0)
            continue;
        const char *what = file->state != PROF_IMAGE_GOOD ? prof_image_state_text(file->state)
                           : file->functions.count != 0   ? "no debug information"
                                                          : "no debug information, no symbols";
        char *text = file->build_id[0] != '\0'
                         ? prof_arena_printf(&symbols->arena, "%s (build-id %s)", what, file->build_id)
                         : prof_arena_strdup(&symbols->arena, what);
        struct prof_symbols_gap gap = { .module = file->path, .what = text, .frames = file->asked };
        if (text == NULL || !prof_vec_push(&symbols->gaps, gap))
            break;
    }
    if (symbols->gaps.count > 1)
        qsort(symbols->gaps.items, symbols->gaps.count, sizeof *symbols->gaps.items, compare_gaps);
    *ret = symbols->gaps.items;
    return symbols->gaps.count;
}
