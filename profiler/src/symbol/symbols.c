/* symbols.c: the public calls of layer symbol and their caches.
 *
 * Three caches, all keyed by what makes an answer: files by path and identity, code addresses by the mapped object they
 * lie in, stacks by id. Frames live in one arena as long as the symbols do. */
#include <symbol/demangle.h>
#include <symbol/state.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { MAX_FRAMES = 64, ALLOCATOR_LOOK_AHEAD = 4 };

static const struct prof_frame nowhere = { .module = "" };

struct prof_error *prof_symbols_create_from(const struct prof_symbols_source *source,
                                            const struct prof_symbols_options *options, struct prof_symbols **ret)
{
    struct prof_symbols *symbols = calloc(1, sizeof *symbols);
    if (symbols == NULL)
        return prof_error_memory();
    prof_arena_init(&symbols->arena);
    symbols->source = *source;
    symbols->no_symbols = options->no_symbols;
    if (options->symfs != NULL && options->symfs[0] != '\0') {
        symbols->symfs = strdup(options->symfs);
        if (symbols->symfs == NULL)
            goto fail;
        size_t length = strlen(symbols->symfs);
        while (length > 0 && symbols->symfs[length - 1] == '/') // module paths begin with one
            symbols->symfs[--length] = '\0';
    }
    symbols->file_options = (struct prof_file_options){
        .symfs = symbols->symfs,
        .debuginfod = options->debuginfod,
        .created_ns = source->created_ns,
    };
    symbols->space = prof_space_create(source->maps, source->map_count);
    if (symbols->space == NULL || !prof_site_rules_add(&symbols->rules, options->wrappers, source->wrappers))
        goto fail;
    *ret = symbols;
    return NULL;
fail:
    prof_symbols_destroy(symbols);
    return prof_error_memory();
}

void prof_symbols_destroy(struct prof_symbols *symbols)
{
    if (symbols == NULL)
        return;
    HASH_CLEAR(hh, symbols->pcs);
    HASH_CLEAR(hh, symbols->stacks);
    prof_births_deinit(symbols);
    prof_layouts_deinit(symbols);
    struct prof_file_entry *entry = symbols->files, *next;
    HASH_CLEAR(hh, symbols->files); // the entries stay linked
    for (; entry != NULL; entry = next) {
        next = entry->hh.next;
        prof_types_destroy(entry->types);
        prof_file_destroy(entry->file);
        free(entry);
    }
    prof_space_destroy(symbols->space);
    prof_site_rules_deinit(&symbols->rules);
    prof_intern_deinit(&symbols->strings);
    prof_arena_deinit(&symbols->arena);
    prof_vec_deinit(&symbols->gaps);
    free(symbols->symfs);
    free(symbols);
}

struct prof_file_entry *prof_symbols_file(struct prof_symbols *symbols, const struct prof_mapping *mapping)
{
    if (*mapping->file != NULL)
        return *mapping->file;
    const struct prof_module *module = mapping->first;
    size_t path_bytes = strlen(module->path) + 1, id_bytes = module->build_id_len;
    if (id_bytes > sizeof module->build_id)
        id_bytes = 0;
    size_t length = path_bytes + sizeof module->dev + sizeof module->ino + id_bytes;
    struct prof_file_entry *entry = calloc(1, sizeof *entry + length), *found;
    if (entry == NULL)
        return NULL;
    char *at = mempcpy(entry->key, module->path, path_bytes);
    at = mempcpy(at, &module->dev, sizeof module->dev);
    at = mempcpy(at, &module->ino, sizeof module->ino);
    memcpy(at, module->build_id, id_bytes);
    HASH_FIND(hh, symbols->files, entry->key, length, found);
    if (found == NULL) {
        entry->file = prof_file_create(mapping, &symbols->file_options);
        if (entry->file != NULL) {
            HASH_ADD_KEYPTR(hh, symbols->files, entry->key, length, entry);
            if (entry->hh.tbl != NULL)
                found = entry;
            else
                prof_file_destroy(entry->file);
        }
    }
    if (found != entry)
        free(entry);
    *mapping->file = found;
    return found;
}

const char *prof_symbols_keep(struct prof_symbols *symbols, const char *text, size_t length)
{
    return text != NULL ? prof_intern(&symbols->strings, text, length) : NULL;
}

// Removes "/.", "//" and "/x/.." from a path. Returns the length of the result, which is never longer.
static size_t shorten(const char *path, char *clean)
{
    size_t used = 0;
    for (const char *part = path; *part != '\0';) {
        size_t slashes = strspn(part, "/");
        const char *name = part + slashes;
        size_t length = strcspn(name, "/"), last = used;
        while (last > 0 && clean[last - 1] != '/')
            last--;
        bool can_go_up = last > 0 && used > last && !(used - last == 2 && memcmp(clean + last, "..", 2) == 0);
        if (slashes > 0 && length == 2 && memcmp(name, "..", 2) == 0 && can_go_up) {
            used = last - 1;
        } else if (slashes == 0 || (length != 0 && !(length == 1 && name[0] == '.'))) {
            if (slashes > 0)
                clean[used++] = '/';
            memcpy(clean + used, name, length);
            used += length;
        }
        part = name + length;
    }
    return used;
}

// "/build" and "../src/./a.c" as "/src/a.c".
static const char *keep_path(struct prof_symbols *symbols, const char *dir, const char *path)
{
    if (path == NULL)
        return NULL;
    size_t dir_length = dir != NULL && path[0] != '/' ? strlen(dir) : 0, length = strlen(path);
    char *joined = malloc(dir_length + length + 2), *clean = malloc(dir_length + length + 2);
    const char *kept = NULL;
    if (joined != NULL && clean != NULL) {
        char *end = joined;
        if (dir_length != 0) {
            end = mempcpy(joined, dir, dir_length);
            *end++ = '/';
        }
        memcpy(end, path, length + 1);
        kept = prof_symbols_keep(symbols, clean, shorten(joined, clean));
    }
    free(joined);
    free(clean);
    return kept;
}

const char *prof_symbols_keep_name(struct prof_symbols *symbols, const char *name, size_t length)
{
    char plain[1024];
    if (name == NULL)
        return NULL;
    size_t plain_length = prof_demangle(name, length, plain, sizeof plain);
    return plain_length != 0 ? prof_symbols_keep(symbols, plain, plain_length)
                             : prof_symbols_keep(symbols, name, length);
}

// Names, lines and kinds of one code address. Returns the number of frames and fills *entry's verdicts.
static size_t resolve(struct prof_symbols *symbols, struct prof_file_entry *home, const struct prof_mapping *mapping,
                      struct prof_pc_entry *entry, struct prof_frame *frames)
{
    uint64_t pc = entry->key.pc, vaddr;
    bool executable = (mapping->module->prot & PROT_EXEC) != 0;
    struct prof_frame bare = {
        .module = mapping->module->path[0] != '\0' ? mapping->module->path
                  : executable                     ? "[jit]"
                                                   : "",
        .pc = pc,
        .offset = pc - mapping->base,
    };
    frames[0] = bare;
    if (symbols->no_symbols || home == NULL || mapping->module->path[0] == '\0')
        return 1;
    struct prof_file *file = home->file;
    bare.wrapper = file->libtrack;
    frames[0] = bare;
    file->asked++;
    if (!prof_file_vaddr(file, mapping, pc, &vaddr))
        return 1;
    entry->trampoline = prof_file_is_trampoline(file, vaddr);
    if (entry->key.is_return && !entry->trampoline)
        vaddr--;

    struct prof_line_frame lines[MAX_FRAMES];
    size_t count = prof_file_lines(file, &symbols->file_options, vaddr, lines, MAX_FRAMES);
    if (count == 0) {
        lines[0] = (struct prof_line_frame){ 0 };
        count = 1;
    }
    struct prof_line_frame *outer = &lines[count - 1];
    const struct prof_elfsym *symbol = NULL;
    if (outer->linkage == NULL && (outer->function == NULL || outer->qualifies))
        symbol = prof_file_function(file, &symbols->file_options, vaddr);
    if (symbol != NULL && outer->function != NULL && strncmp(symbol->name, "_Z", 2) != 0)
        symbol = NULL;
    for (size_t i = 0; i < count; i++) {
        const char *mangled = lines[i].linkage;
        struct prof_frame frame = bare;
        frame.function = mangled != NULL ? prof_symbols_keep_name(symbols, mangled, strlen(mangled))
                         : lines[i].function != NULL
                             ? prof_symbols_keep(symbols, lines[i].function, strlen(lines[i].function))
                             : NULL;
        if (&lines[i] == outer && symbol != NULL) {
            mangled = prof_symbols_keep(symbols, symbol->name, symbol->name_len);
            frame.function = prof_symbols_keep_name(symbols, symbol->name, symbol->name_len);
        }
        if (frame.function == NULL && entry->trampoline)
            frame.function = "__restore_rt";
        frame.file = keep_path(symbols, lines[i].dir, lines[i].file);
        frame.line = lines[i].line;
        frame.column = lines[i].column;
        frame.inlined = i + 1 < count;
        bool in_section = &lines[i] == outer && vaddr >= file->wrapper_start && vaddr < file->wrapper_end;
        frame.wrapper = file->libtrack || in_section || prof_site_is_wrapper(&symbols->rules, frame.function, mangled);
        bool allocator = !frame.wrapper && prof_site_is_allocator(frame.function, mangled);
        if (entry->skip == i && (frame.wrapper || allocator))
            entry->skip++;
        if (entry->skip == i + 1)
            entry->allocator |= allocator;
        frames[i] = frame;
    }
    return count;
}

static struct prof_pc_entry *lookup_new(struct prof_symbols *symbols, uint16_t generation, uint64_t pc, bool is_return)
{
    struct prof_mapping mapping;
    struct prof_file_entry *home = NULL;
    // A call may be the last instruction of its mapping.
    bool mapped = prof_space_find(symbols->space, generation, is_return && pc != 0 ? pc - 1 : pc, &mapping);
    if (mapped && mapping.module->path[0] != '\0' && !symbols->no_symbols)
        home = prof_symbols_file(symbols, &mapping);
    struct prof_pc_key key = {
        .pc = pc,
        .base = mapped ? mapping.base : generation,
        .file = home,
        .is_return = is_return,
    };
    struct prof_pc_entry *entry;
    HASH_FIND(hh, symbols->pcs, &key, sizeof key, entry);
    if (entry != NULL)
        return entry;
    struct prof_frame frames[MAX_FRAMES];
    static const char recorder[] = "libtrack-preload.so"; // its routine around hooked functions whose result is wanted
    entry = prof_arena_alloc(&symbols->arena, sizeof *entry);
    if (entry == NULL)
        return NULL;
    entry->key = key;
    size_t count = 1;
    if (mapped) {
        entry->hidden = prof_site_is_libc(mapping.module->path) ||
                        prof_site_is_hidden(recorder, mapping.module->path) ||
                        prof_site_is_hidden(symbols->source.hidden, mapping.module->path);
        count = resolve(symbols, home, &mapping, entry, frames);
        if (count == 1 && frames[0].wrapper)
            entry->skip = 1;
    } else {
        frames[0] = nowhere;
        frames[0].pc = frames[0].offset = pc;
    }
    entry->frames = prof_arena_alloc(&symbols->arena, count * sizeof *frames);
    if (entry->frames == NULL)
        return NULL;
    memcpy(entry->frames, frames, count * sizeof *frames);
    entry->count = (uint32_t)count;
    HASH_ADD(hh, symbols->pcs, key, sizeof key, entry);
    return entry; // when the table had no room: not found again, but good
}

// The same addresses come again and again.
static struct prof_pc_entry *lookup(struct prof_symbols *symbols, uint16_t generation, uint64_t pc, bool is_return)
{
    struct prof_recent_pc *recent = &symbols->recent[(pc * 0x9e3779b97f4a7c15u >> 40) % PROF_RECENT_PCS];
    if (recent->entry == NULL || recent->pc != pc || recent->generation != generation || recent->is_return != is_return)
        *recent = (struct prof_recent_pc){ pc, generation, is_return, lookup_new(symbols, generation, pc, is_return) };
    return recent->entry;
}

size_t prof_symbols_pc(struct prof_symbols *symbols, uint16_t generation, uint64_t pc, bool is_return,
                       struct prof_frame *frames, size_t cap)
{
    const struct prof_pc_entry *entry = lookup(symbols, generation, pc, is_return);
    if (cap == 0)
        return 0;
    if (entry == NULL) {
        frames[0] = nowhere;
        frames[0].pc = frames[0].offset = pc;
        return 1;
    }
    // The outermost frame is the function itself: it stays when there is no room for all inlined ones.
    size_t count = entry->count < cap ? entry->count : cap;
    memcpy(frames, entry->frames, count * sizeof *frames);
    frames[count - 1] = entry->frames[entry->count - 1];
    return count;
}

static bool read_stack(struct prof_symbols *symbols, uint32_t id, struct prof_stack *stack)
{
    return id != 0 && symbols->source.stack(symbols->source.ctx, id, stack) && stack->frames > 0;
}

// Looks up the addresses of a stack. Returns how many; entries may be NULL without memory.
static size_t lookup_all(struct prof_symbols *symbols, const struct prof_stack *stack, struct prof_pc_entry **entries)
{
    bool is_return = true;
    for (size_t i = 0; i < stack->frames; i++) {
        entries[i] = lookup(symbols, stack->generation, stack->pcs[i], is_return);
        is_return = entries[i] == NULL || !entries[i]->trampoline;
    }
    return stack->frames;
}

// A function without a name that an allocator or wrapper of the same module called on the way in is one of its
// internals.
static bool is_inside_allocator(struct prof_pc_entry *const *entries, size_t count, size_t at)
{
    if (entries[at]->frames[0].function != NULL || entries[at]->count != 1)
        return false;
    for (size_t i = at + 1; i < count && i <= at + ALLOCATOR_LOOK_AHEAD; i++) {
        if (entries[i] == NULL || entries[i]->key.file != entries[at]->key.file)
            return false;
        if (entries[i]->frames[entries[i]->count - 1].function != NULL)
            return entries[i]->allocator || entries[i]->frames[entries[i]->count - 1].wrapper;
    }
    return false;
}

// Do the first frames of an address give their caller the block itself, or belong to libtrack?
static bool returns_block(const struct prof_pc_entry *entry, size_t frames)
{
    for (size_t i = 0; i < frames; i++) {
        if (!(entry->key.file != NULL && entry->key.file->file->libtrack) &&
            !prof_site_returns_block(entry->frames[i].function))
            return false;
    }
    return true;
}

// The leading frames of an address that are no site. Sets *ret_internal when they are an allocator's without a name.
static size_t skipped(struct prof_pc_entry *const *entries, size_t count, size_t at, bool *ret_internal)
{
    *ret_internal = entries[at]->skip == 0 && is_inside_allocator(entries, count, at);
    return *ret_internal ? 1 : entries[at]->skip;
}

// The code that runs before main(): whoever it calls has no caller in the program.
static bool is_start(const struct prof_pc_entry *entry)
{
    const char *function = entry->frames[0].function;
    return function == NULL || strcmp(function, "_start") == 0;
}

// From the inner frame on out of libc and of hidden modules.
static void leave_hidden(struct prof_pc_entry *const *entries, size_t count, size_t at, bool whole,
                         struct prof_stack_entry *stack)
{
    size_t before = stack->inner - (size_t)(stack->inner_frame - entries[at]->frames);
    for (size_t i = at; i < count && entries[i] != NULL; i++) {
        bool internal;
        size_t skip = entries[i]->hidden ? entries[i]->count : skipped(entries, count, i, &internal);
        if (whole && i + 1 == count && is_start(entries[i]))
            return;
        if (skip < entries[i]->count) {
            stack->site = (uint32_t)(before + skip);
            stack->site_frame = &entries[i]->frames[skip];
            return;
        }
        before += entries[i]->count;
    }
}

// whole: no frame is missing at the outer end.
static void find_site(struct prof_pc_entry *const *entries, size_t count, bool whole, struct prof_stack_entry *stack)
{
    size_t before = 0;
    stack->direct = true;
    for (size_t i = 0; i < count; i++) {
        if (entries[i] == NULL)
            break;
        bool internal;
        size_t skip = skipped(entries, count, i, &internal);
        if (!internal)
            stack->direct = stack->direct && returns_block(entries[i], skip);
        if (skip < entries[i]->count) {
            stack->inner_pc = entries[i];
            stack->inner = stack->site = (uint32_t)(before + skip);
            stack->inner_frame = stack->site_frame = &entries[i]->frames[skip];
            leave_hidden(entries, count, i, whole, stack);
            return;
        }
        before += entries[i]->count;
    }
    stack->site = stack->inner = 0;
    stack->site_frame = stack->inner_frame = count > 0 && entries[0] != NULL ? &entries[0]->frames[0] : &nowhere;
}

// The cached stack, with its site; NULL: unknown id or no memory.
static struct prof_stack_entry *stack_of(struct prof_symbols *symbols, uint32_t id)
{
    struct prof_stack_entry *entry;
    HASH_FIND(hh, symbols->stacks, &id, sizeof id, entry);
    if (entry != NULL)
        return entry;
    struct prof_stack stack;
    if (!read_stack(symbols, id, &stack))
        return NULL;
    struct prof_pc_entry *entries[UINT8_MAX];
    size_t count = lookup_all(symbols, &stack, entries);
    entry = prof_arena_alloc(&symbols->arena, sizeof *entry);
    if (entry == NULL)
        return NULL;
    entry->id = id;
    find_site(entries, count, (stack.flags & (TRK_STACK_TRUNCATED | TRK_STACK_SITE_ONLY | TRK_STACK_BROKEN)) == 0,
              entry);
    HASH_ADD(hh, symbols->stacks, id, sizeof entry->id, entry);
    return entry;
}

size_t prof_symbols_stack(struct prof_symbols *symbols, uint32_t id, const struct prof_frame **ret)
{
    struct prof_stack_entry *entry = stack_of(symbols, id);
    struct prof_stack stack;
    *ret = &nowhere;
    if (entry == NULL)
        return 0;
    if (entry->frames == NULL && read_stack(symbols, id, &stack)) {
        struct prof_pc_entry *entries[UINT8_MAX];
        size_t pcs = lookup_all(symbols, &stack, entries), count = 0;
        for (size_t i = 0; i < pcs; i++)
            count += entries[i] != NULL ? entries[i]->count : 0;
        struct prof_frame *frames = prof_arena_alloc(&symbols->arena, count * sizeof *frames);
        if (frames == NULL)
            return 0;
        entry->frames = frames;
        entry->count = count;
        for (size_t i = 0; i < pcs; i++) {
            if (entries[i] != NULL)
                frames = mempcpy(frames, entries[i]->frames, entries[i]->count * sizeof *frames);
        }
    }
    if (entry->frames == NULL)
        return 0;
    *ret = entry->frames;
    return entry->count;
}

static bool is_named(const struct prof_frame *frame, const char *function)
{
    return frame->function != NULL && strcmp(frame->function, function) == 0;
}

// Where the code begins that called main, or began a thread. hidden: how many frames at the outer end are libc's,
// behind what runs before main().
static size_t end_of(const struct prof_path *path, size_t hidden)
{
    for (size_t i = path->count; i > path->site; i--)
        if (is_named(path->frames[i - 1], "main"))
            return i;
    for (size_t i = path->count; i > path->site + 1; i--)
        if (is_named(path->frames[i - 1], "start_thread"))
            return i - 1;
    return path->count - hidden > path->site ? path->count - hidden : path->site + 1;
}

bool prof_symbols_path(struct prof_symbols *symbols, uint32_t id, struct prof_path *ret)
{
    struct prof_stack stack;
    struct prof_pc_entry *entries[UINT8_MAX];
    struct prof_stack_entry found = { .id = id };
    size_t hidden = 0, last;
    ret->count = ret->site = ret->end = 0;
    if (!read_stack(symbols, id, &stack))
        return false;
    size_t count = lookup_all(symbols, &stack, entries);
    ret->broken = (stack.flags & TRK_STACK_BROKEN) != 0;
    ret->cut = !ret->broken && (stack.flags & (TRK_STACK_TRUNCATED | TRK_STACK_SITE_ONLY)) != 0;
    find_site(entries, count, !ret->broken && !ret->cut, &found);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; entries[i] != NULL && k < entries[i]->count && ret->count < PROF_PATH_MOST; k++)
            ret->frames[ret->count++] = &entries[i]->frames[k];
    if (ret->count == 0)
        return false;
    last = count > 1 && entries[count - 1] != NULL && is_start(entries[count - 1]) && entries[count - 2] != NULL &&
           entries[count - 2]->hidden;
    for (size_t i = count - last; i > 0 && entries[i - 1] != NULL && entries[i - 1]->hidden; i--)
        hidden += entries[i - 1]->count;
    ret->site = found.site < ret->count ? found.site : 0;
    ret->end = end_of(ret, hidden + last);
    return true;
}

size_t prof_symbols_site(struct prof_symbols *symbols, uint32_t stack)
{
    const struct prof_stack_entry *entry = stack_of(symbols, stack);
    return entry != NULL ? entry->site : 0;
}

const struct prof_frame *prof_symbols_site_frame(struct prof_symbols *symbols, uint32_t stack)
{
    const struct prof_stack_entry *entry = stack_of(symbols, stack);
    return entry != NULL ? entry->site_frame : &nowhere;
}

size_t prof_symbols_inner(struct prof_symbols *symbols, uint32_t stack)
{
    const struct prof_stack_entry *entry = stack_of(symbols, stack);
    return entry != NULL ? entry->inner : 0;
}

const struct prof_frame *prof_symbols_inner_frame(struct prof_symbols *symbols, uint32_t stack)
{
    const struct prof_stack_entry *entry = stack_of(symbols, stack);
    return entry != NULL ? entry->inner_frame : &nowhere;
}

bool prof_symbols_site_code(struct prof_symbols *symbols, uint32_t id, struct prof_site_code *ret)
{
    const struct prof_stack_entry *entry = stack_of(symbols, id);
    const struct prof_pc_entry *pc = entry != NULL ? entry->inner_pc : NULL;
    struct prof_stack stack;
    struct prof_mapping mapping;
    uint64_t vaddr;
    if (pc == NULL || pc->key.file == NULL || !pc->key.is_return || !read_stack(symbols, id, &stack) ||
        !prof_space_find(symbols->space, stack.generation, pc->key.pc - 1, &mapping))
        return false;
    struct prof_file_entry *home = prof_symbols_file(symbols, &mapping);
    if (home != pc->key.file || !prof_file_vaddr(home->file, &mapping, pc->key.pc, &vaddr) || home->file->lines == NULL)
        return false;
    *ret = (struct prof_site_code){
        .pc = pc,
        .frame = entry->inner_frame,
        .home = home,
        .vaddr = vaddr,
        .inlined = (unsigned)(entry->inner_frame - pc->frames),
        .direct = entry->direct,
    };
    return true;
}
