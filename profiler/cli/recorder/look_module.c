/* look_module.c: what the headers of loaded files say about memory. They are read from the target's memory, where the
 * loader put them, and are believed only as far as mappings bear them out.
 *
 * Writable segments are data of the program, including what the loader made read-only afterwards and the zeroed rest
 * that has no file behind it; that rest may share a mapping with memory of malloc, so its end matters.
 *
 * The loader allocates before malloc is there, in anonymous memory of its own: descriptions of the first files, and the
 * first thread's block with its thread-local variables. They lead to blocks that it makes later. */
#include "look.h"

#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

enum { PHDR_MAX = 64, LINKS_MAX = 4096, TLS_MAX = 1 << 20, DYNAMIC_MAX = 256 };
#define ARENA_BYTES ((uint64_t)64 << 20) /* arenas of glibc's malloc begin at multiples of this */

struct module {
    uint64_t bias;
    unsigned count;
    Elf64_Phdr phdr[PHDR_MAX];
};

static uint64_t page_down(uint64_t address)
{
    return address & ~(uint64_t)(LOOK_PAGE - 1);
}

static uint64_t page_up(uint64_t address)
{
    return page_down(address + LOOK_PAGE - 1);
}

/* The file whose first bytes lie at the mapping. */
static bool read_module(struct look_reader *reader, const struct look_map *map, struct module *ret)
{
    Elf64_Ehdr ehdr;
    if (!look_read_all(reader, map->start, &ehdr, sizeof ehdr) || memcmp(ehdr.e_ident, ELFMAG, SELFMAG) != 0 ||
        ehdr.e_ident[EI_CLASS] != ELFCLASS64 || ehdr.e_phentsize != sizeof(Elf64_Phdr) || ehdr.e_phnum == 0 ||
        ehdr.e_phnum > PHDR_MAX || ehdr.e_phoff > map->end - map->start ||
        (ehdr.e_type != ET_DYN && ehdr.e_type != ET_EXEC) ||
        !look_read_all(reader, map->start + ehdr.e_phoff, ret->phdr, ehdr.e_phnum * sizeof(Elf64_Phdr)))
        return false;
    ret->count = ehdr.e_phnum;
    for (unsigned i = 0; i < ret->count; i++)
        if (ret->phdr[i].p_type == PT_LOAD && page_down(ret->phdr[i].p_offset) == 0) {
            ret->bias = map->start - page_down(ret->phdr[i].p_vaddr);
            return true;
        }
    return false;
}

/* A private mapping of the same file lies there. */
static bool bears_out(const struct look_maps *maps, uint64_t address, const struct look_map *file)
{
    const struct look_map *map = look_maps_find(maps, address);
    return map != NULL && !map->shared && map->ino == file->ino && map->dev == file->dev;
}

static bool paint_module(struct look_reader *reader, const struct look_maps *maps, const struct look_map *file,
                         struct look_areas *areas, uint64_t *tls)
{
    struct module module;
    if (!read_module(reader, file, &module))
        return true;
    bool believed = false, ok = true, ours = look_map_ours(maps, file);
    for (unsigned i = 0; i < module.count && ok; i++) {
        const Elf64_Phdr *phdr = &module.phdr[i];
        uint64_t start = module.bias + phdr->p_vaddr, end = page_up(start + phdr->p_memsz);
        if (phdr->p_type != PT_LOAD || !(phdr->p_flags & PF_W) || end <= start)
            continue;
        /* Without bytes in the file a segment has no mapping of it. */
        if (phdr->p_filesz > 0 && !bears_out(maps, page_down(start), file))
            continue;
        believed = true;
        ok = look_areas_paint(areas, page_down(start), end, ours ? 0 : TRK_AREA_DATA, 0, 0);
    }
    for (unsigned i = 0; i < module.count && believed; i++) {
        const Elf64_Phdr *phdr = &module.phdr[i];
        if (phdr->p_type == PT_TLS && phdr->p_memsz <= TLS_MAX && phdr->p_align <= LOOK_PAGE)
            *tls += phdr->p_memsz + (phdr->p_align != 0 ? phdr->p_align : 1);
    }
    return ok;
}

/* ---- The loader's memory ---- */

static bool is_candidate(const struct look_maps *maps, const struct look_map *map)
{
    return map != NULL && map->read && map->write && look_map_anonymous(maps, map) &&
           strcmp(look_map_name(maps, map), "[heap]") != 0 && map->start % ARENA_BYTES != 0;
}

static uint64_t auxiliary(pid_t task, uint64_t type)
{
    char path[64];
    uint64_t pair[2], value = 0;
    snprintf(path, sizeof path, "/proc/%d/auxv", (int)task);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    while (fread(pair, sizeof pair, 1, file) == 1 && pair[0] != AT_NULL)
        if (pair[0] == type)
            value = pair[1];
    fclose(file);
    return value;
}

/* Where the program's own list of loaded files begins, as debuggers find it; 0: nowhere. */
static uint64_t find_links(struct look_reader *reader)
{
    uint64_t at = auxiliary(reader->task, AT_PHDR), count = auxiliary(reader->task, AT_PHNUM);
    Elf64_Phdr phdr[PHDR_MAX];
    if (at == 0 || count == 0 || count > PHDR_MAX || !look_read_all(reader, at, phdr, count * sizeof *phdr))
        return 0;
    uint64_t bias = 0, dynamic = 0;
    for (uint64_t i = 0; i < count; i++) {
        if (phdr[i].p_type == PT_PHDR)
            bias = at - phdr[i].p_vaddr;
        if (phdr[i].p_type == PT_DYNAMIC)
            dynamic = phdr[i].p_vaddr;
    }
    Elf64_Dyn entry = { .d_tag = DT_NULL };
    for (unsigned i = 0; dynamic != 0 && i < DYNAMIC_MAX; i++) {
        if (!look_read_all(reader, bias + dynamic + i * sizeof entry, &entry, sizeof entry) || entry.d_tag == DT_NULL)
            return 0;
        if (entry.d_tag == DT_DEBUG)
            break;
    }
    struct r_debug debug;
    if (entry.d_tag != DT_DEBUG || !look_read_all(reader, entry.d_un.d_ptr, &debug, sizeof debug))
        return 0;
    return (uintptr_t)debug.r_map;
}

static bool paint_loader(struct look_reader *reader, const struct look_maps *maps, struct look_areas *areas)
{
    uint64_t at = find_links(reader), painted = 0;
    struct link_map link;
    for (unsigned i = 0; at != 0 && i < LINKS_MAX; i++) {
        if (!look_read_all(reader, at, &link, sizeof link))
            break;
        const struct look_map *map = look_maps_find(maps, at);
        if (is_candidate(maps, map) && map->start != painted) {
            painted = map->start;
            if (!look_areas_paint(areas, map->start, map->end, TRK_AREA_TLS, (uint32_t)reader->proc->pid, 1))
                return false;
        }
        at = (uintptr_t)link.l_next;
    }
    return true;
}

bool look_modules_paint(struct look_reader *reader, const struct look_maps *maps, struct look_areas *areas,
                        uint64_t *ret_tls)
{
    uint64_t tls = 0;
    /* First: data of files that mappings are shared with is painted over it. */
    if (!paint_loader(reader, maps, areas))
        return false;
    for (size_t i = 0; i < maps->items.count; i++) {
        const struct look_map *map = &maps->items.items[i];
        if (map->ino != 0 && map->offset == 0 && map->read && !map->shared &&
            !paint_module(reader, maps, map, areas, &tls))
            return false;
    }
    *ret_tls = tls < TLS_MAX ? tls : TLS_MAX;
    return true;
}
