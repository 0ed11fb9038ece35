/* fake.c: module maps made by hand or from ELF files. */
#include "fake.h"

#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void fake_map(struct fake *fake, uint32_t generation, uint64_t at_us)
{
    struct prof_module_map *map = &fake->maps[fake->map_count];
    *map = (struct prof_module_map){ .generation = generation, .at_us = at_us };
    map->modules = fake->modules[fake->map_count++];
}

struct prof_module *fake_module(struct fake *fake, const char *path, uint64_t start, uint64_t end, uint32_t prot)
{
    struct prof_module_map *map = &fake->maps[fake->map_count - 1];
    struct prof_module *module = &fake->modules[fake->map_count - 1][map->count++];
    *module = (struct prof_module){ .start = start, .end = end, .prot = prot, .path = path };
    return module;
}

bool fake_elf(struct fake *fake, const char *path, uint64_t base, bool with_build_id)
{
    elf_version(EV_CURRENT);
    int fd = open(path, O_RDONLY);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return false;
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    const void *id = NULL;
    ssize_t id_len = dwelf_elf_gnu_build_id(elf, &id);
    size_t count = 0;
    elf_getphdrnum(elf, &count);
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr phdr;
        if (gelf_getphdr(elf, (int)i, &phdr) == NULL || phdr.p_type != PT_LOAD)
            continue;
        uint64_t low = phdr.p_vaddr & ~(uint64_t)4095, high = (phdr.p_vaddr + phdr.p_filesz + 4095) & ~(uint64_t)4095;
        uint32_t prot = (phdr.p_flags & PF_R ? PROT_READ : 0) | (phdr.p_flags & PF_W ? PROT_WRITE : 0) |
                        (phdr.p_flags & PF_X ? PROT_EXEC : 0);
        struct prof_module *module = fake_module(fake, path, base + low, base + high, prot);
        module->file_offset = phdr.p_offset & ~(uint64_t)4095;
        module->dev = st.st_dev;
        module->ino = st.st_ino;
        if (with_build_id && id_len > 0 && (size_t)id_len <= sizeof module->build_id) {
            module->build_id_len = (uint8_t)id_len;
            memcpy(module->build_id, id, (size_t)id_len);
        }
        uint64_t bss = (phdr.p_vaddr + phdr.p_memsz + 4095) & ~(uint64_t)4095;
        if (bss > high)
            fake_module(fake, "", base + high, base + bss, prot);
    }
    elf_end(elf);
    close(fd);
    return true;
}

uint32_t fake_stack(struct fake *fake, uint16_t generation, size_t count, const uint64_t *pcs)
{
    memcpy(fake->pcs[fake->stack_count], pcs, count * sizeof *pcs);
    fake->stacks[fake->stack_count] = (struct prof_stack){
        .id = (uint32_t)fake->stack_count + 1,
        .generation = generation,
        .frames = (uint8_t)count,
        .pcs = fake->pcs[fake->stack_count],
    };
    return (uint32_t)++fake->stack_count;
}

static bool stack_of(const void *ctx, uint32_t id, struct prof_stack *ret)
{
    const struct fake *fake = ctx;
    if (id == 0 || id > fake->stack_count)
        return false;
    *ret = fake->stacks[id - 1];
    return true;
}

struct prof_symbols *fake_open(struct fake *fake, const struct prof_symbols_options *options)
{
    const struct prof_symbols_options none = { 0 };
    struct prof_symbols *symbols = NULL;
    fake->source.maps = fake->maps;
    fake->source.map_count = fake->map_count;
    fake->source.stack = stack_of;
    fake->source.ctx = fake;
    if (fake->source.exe == NULL)
        fake->source.exe = "";
    prof_error_destroy(prof_symbols_create_from(&fake->source, options != NULL ? options : &none, &symbols));
    return symbols;
}

uint64_t fake_symbol(const char *path, const char *name, uint64_t *size)
{
    uint64_t value = 0;
    elf_version(EV_CURRENT);
    int fd = open(path, O_RDONLY);
    Elf *elf = fd >= 0 ? elf_begin(fd, ELF_C_READ, NULL) : NULL;
    for (Elf_Scn *scn = NULL; elf != NULL && value == 0 && (scn = elf_nextscn(elf, scn)) != NULL;) {
        GElf_Shdr shdr;
        gelf_getshdr(scn, &shdr);
        if (shdr.sh_type != SHT_SYMTAB && shdr.sh_type != SHT_DYNSYM)
            continue;
        Elf_Data *data = elf_getdata(scn, NULL);
        GElf_Sym sym;
        for (int i = 0; value == 0 && gelf_getsym(data, i, &sym) != NULL; i++) {
            const char *found = elf_strptr(elf, shdr.sh_link, sym.st_name);
            if (found != NULL && strcmp(found, name) == 0) {
                value = sym.st_value;
                if (size != NULL)
                    *size = sym.st_size;
            }
        }
    }
    elf_end(elf);
    if (fd >= 0)
        close(fd);
    return value;
}

const char *fixture(const char *name)
{
    static char paths[16][512];
    static unsigned next;
    const char *folder = getenv("SYMBOL_FIXTURES");
    char *path = paths[next++ % 16];
    snprintf(path, sizeof paths[0], "%s/%s", folder != NULL ? folder : ".", name);
    return path;
}
