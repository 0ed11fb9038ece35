/* file.c: finds the file of a mapping and loads its symbols and debug information when they are first needed. */
#include <symbol/file.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

enum { PAGE = 4096, VDSO_MAX = 64 << 10 };

// Our own vdso is the recorded one when its build-id says so: the same kernel still runs.
static enum prof_image_state open_vdso(const struct prof_image_wish *wish, struct prof_image *ret)
{
    const char *own = (const char *)getauxval(AT_SYSINFO_EHDR);
    if (own == NULL || wish->build_id_len == 0)
        return PROF_IMAGE_MISSING;
    Elf64_Ehdr ehdr;
    memcpy(&ehdr, own, sizeof ehdr);
    uint64_t size = ehdr.e_shoff + (uint64_t)ehdr.e_shnum * ehdr.e_shentsize;
    if (memcmp(ehdr.e_ident, ELFMAG, SELFMAG) != 0 || ehdr.e_ident[EI_CLASS] != ELFCLASS64 || size < sizeof ehdr ||
        size > VDSO_MAX)
        return PROF_IMAGE_MISSING;
    char *copy = malloc(size);
    if (copy == NULL)
        return PROF_IMAGE_MEMORY;
    memcpy(copy, own, size);
    return prof_image_memory(copy, size, wish, ret);
}

static enum prof_image_state open_at(struct prof_file *file, const char *prefix, const char *path,
                                     const struct prof_image_wish *wish)
{
    char *full = NULL;
    // The kernel appends this to files that were replaced; whether the new one is the same is decided by the wish.
    static const char deleted[] = " (deleted)";
    size_t length = strlen(path), cut = sizeof deleted - 1;
    if (length > cut && strcmp(path + length - cut, deleted) == 0)
        length -= cut;
    if (length >= PATH_MAX || asprintf(&full, "%s%.*s", prefix, (int)length, path) < 0)
        return PROF_IMAGE_MISSING;
    enum prof_image_state state = prof_image_open(full, wish, &file->image);
    if (state == PROF_IMAGE_GOOD)
        file->opened_path = full;
    else
        free(full);
    return state;
}

static enum prof_image_state find_image(struct prof_file *file, const struct prof_mapping *mapping,
                                        const struct prof_file_options *options)
{
    const struct prof_module *module = mapping->first;
    struct prof_image_wish wish = {
        .build_id = module->build_id,
        .build_id_len = module->build_id_len <= sizeof module->build_id ? module->build_id_len : 0,
    };
    if (strcmp(module->path, "[vdso]") == 0)
        return open_vdso(&wish, &file->image);
    if (module->path[0] != '/')
        return PROF_IMAGE_MISSING;
    enum prof_image_state state = PROF_IMAGE_MISSING;
    if (options->symfs != NULL && options->symfs[0] != '\0') {
        // Without a recorded build-id there is nothing to compare: who gives a --symfs vouches for it.
        state = open_at(file, options->symfs, module->path, &wish);
        if (state == PROF_IMAGE_GOOD)
            return state;
    }
    wish.same_file = true;
    wish.dev = module->dev;
    wish.ino = module->ino;
    if (options->created_ns != 0) // mapped after it was written; two seconds for clocks of file servers
        wish.max_mtime_ns = options->created_ns + mapping->at_us * 1000 + 2000000000u;
    enum prof_image_state plain = open_at(file, "", module->path, &wish);
    return plain == PROF_IMAGE_MISSING && state != PROF_IMAGE_GOOD ? state : plain;
}

static bool is_libtrack(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    return strncmp(name, "libtrack.so", 11) == 0 || strncmp(name, "libtrack-preload.so", 19) == 0 ||
           strncmp(name, "libtrack-malloc.so", 18) == 0;
}

struct prof_file *prof_file_create(const struct prof_mapping *mapping, const struct prof_file_options *options)
{
    struct prof_file *file = calloc(1, sizeof *file);
    if (file == NULL)
        return NULL;
    const struct prof_module *module = mapping->first;
    file->path = module->path;
    file->libtrack = is_libtrack(module->path);
    for (size_t i = 0; i < module->build_id_len && i < sizeof module->build_id; i++)
        snprintf(file->build_id + 2 * i, 3, "%02x", module->build_id[i]);
    file->state = find_image(file, mapping, options);
    uint64_t bytes;
    if (file->state == PROF_IMAGE_GOOD && prof_image_section(&file->image, "trk_wrapper", &file->wrapper_start, &bytes))
        file->wrapper_end = file->wrapper_start + bytes;
    return file;
}

void prof_file_destroy(struct prof_file *file)
{
    if (file == NULL)
        return;
    prof_lines_destroy(file->lines);
    prof_debug_close(&file->debug);
    prof_elfsym_deinit(&file->functions);
    prof_elfsym_deinit(&file->objects);
    prof_elfsym_deinit(&file->variables);
    prof_image_close(&file->mini);
    prof_image_close(&file->image);
    free(file->opened_path);
    free(file);
}

bool prof_file_vaddr(const struct prof_file *file, const struct prof_mapping *mapping, uint64_t addr, uint64_t *ret)
{
    if (file->state != PROF_IMAGE_GOOD)
        return false;
    uint64_t mapped = mapping->first->path[0] == '/' ? mapping->first->file_offset : 0;
    for (size_t i = 0; i < file->image.load_count; i++) {
        const struct prof_image_load *load = &file->image.loads[i];
        // Segments are mapped by whole pages: the lowest mapping begins with the page of its segment's first byte.
        if ((load->offset & ~(uint64_t)(PAGE - 1)) > mapped || mapped >= load->offset + load->file_bytes)
            continue;
        uint64_t vaddr = addr - mapping->base + load->vaddr - load->offset;
        if (prof_image_load_at(&file->image, vaddr) == NULL)
            return false;
        *ret = vaddr;
        return true;
    }
    return false;
}

static void find_debug(struct prof_file *file, const struct prof_file_options *options, bool download)
{
    if (file->has_debug)
        return;
    file->has_debug = true;
    if (file->state != PROF_IMAGE_GOOD || file->opened_path == NULL)
        return;
    struct prof_debug_where where = {
        .path = file->opened_path,
        .symfs = options->symfs,
        .debuginfod = options->debuginfod && download,
    };
    if (prof_debug_open(&file->image, &where, &file->debug) && file->debug.dwarf != NULL)
        file->lines = prof_lines_create(file->debug.dwarf, &file->image);
}

static void find_symbols(struct prof_file *file, const struct prof_file_options *options)
{
    if (file->has_symbols)
        return;
    file->has_symbols = true;
    if (file->state != PROF_IMAGE_GOOD)
        return;
    find_debug(file, options, true);
    prof_elfsym_minidebug(&file->image, &file->mini);
    const struct prof_image *images[] = { &file->image, &file->debug.separate, &file->mini };
    for (size_t i = 0; i < sizeof images / sizeof images[0]; i++) {
        if (images[i]->elf != NULL) {
            prof_elfsym_add(&file->functions, images[i], PROF_ELFSYM_FUNCTIONS);
            prof_elfsym_add(&file->objects, images[i], PROF_ELFSYM_OBJECTS);
            prof_elfsym_add(&file->variables, images[i], PROF_ELFSYM_THREAD);
        }
    }
    prof_elfsym_finish(&file->functions);
    prof_elfsym_finish(&file->objects);
    prof_elfsym_finish(&file->variables);
}

const struct prof_elfsym *prof_file_function(struct prof_file *file, const struct prof_file_options *options,
                                             uint64_t vaddr)
{
    find_symbols(file, options);
    return prof_elfsym_find(&file->functions, vaddr);
}

const struct prof_elfsym *prof_file_object(struct prof_file *file, const struct prof_file_options *options,
                                           uint64_t vaddr)
{
    find_symbols(file, options);
    return prof_elfsym_find(&file->objects, vaddr);
}

const struct prof_elfsym *prof_file_variable(struct prof_file *file, const struct prof_file_options *options,
                                             uint64_t vaddr)
{
    find_symbols(file, options);
    return prof_elfsym_find(&file->variables, vaddr);
}

size_t prof_file_lines(struct prof_file *file, const struct prof_file_options *options, uint64_t vaddr,
                       struct prof_line_frame *frames, size_t cap)
{
    find_debug(file, options, true);
    return file->lines != NULL ? prof_lines_find(file->lines, vaddr, frames, cap) : 0;
}

Dwarf *prof_file_dwarf(struct prof_file *file, const struct prof_file_options *options, bool download)
{
    find_debug(file, options, download);
    return file->debug.dwarf;
}

bool prof_file_is_trampoline(const struct prof_file *file, uint64_t vaddr)
{
    static const uint8_t code[] = { 0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05 };
    if (file->image.machine != EM_X86_64)
        return false;
    const uint8_t *bytes = prof_image_bytes(&file->image, vaddr, sizeof code);
    return bytes != NULL && memcmp(bytes, code, sizeof code) == 0;
}
