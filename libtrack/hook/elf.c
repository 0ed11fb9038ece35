/* elf.c: the file of a loaded object, and the functions that its symbol tables name. See hook.h.
 *
 * The file is what the program runs, but it is checked as if it were not: each place in it before it is used. */
#include <elf.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "../src/prim.h"

#include "hook.h"

enum { PATH_BYTES = 512 };

static bool fits(const struct trk_elf *m, uint64_t off, uint64_t count, uint64_t unit)
{
    return off % 8 == 0 && off <= m->file_bytes && count <= (m->file_bytes - off) / unit;
}

static bool equal(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;
    for (size_t i = 0; i < n; i++)
        if (x[i] != y[i])
            return false;
    return true;
}

static const Elf64_Ehdr *header(const struct trk_elf *m)
{
    return (const Elf64_Ehdr *)(const void *)m->file;
}

static const Elf64_Phdr *segments(const struct trk_elf *m)
{
    return (const Elf64_Phdr *)(const void *)(m->file + header(m)->e_phoff);
}

static bool is_elf(const struct trk_elf *m)
{
    const Elf64_Ehdr *e = header(m);
    return m->file_bytes >= sizeof *e && equal(e->e_ident, ELFMAG, SELFMAG) && e->e_ident[EI_CLASS] == ELFCLASS64 &&
           e->e_machine == TRK_MACHINE && e->e_phentsize == sizeof(Elf64_Phdr) &&
           fits(m, e->e_phoff, e->e_phnum, sizeof(Elf64_Phdr)) &&
           (e->e_shnum == 0 || e->e_shentsize == sizeof(Elf64_Shdr));
}

/* The headers in memory are those of the file. */
static bool is_loaded(const struct trk_elf *m, const struct link_map *map)
{
    const Elf64_Ehdr *e = header(m);
    const Elf64_Phdr *p = segments(m);
    bool here = false, dynamic = false;
    for (unsigned i = 0; i < e->e_phnum; i++) {
        dynamic |= p[i].p_type == PT_DYNAMIC && m->base + p[i].p_vaddr == (uintptr_t)map->l_ld;
        uint64_t end = e->e_phoff + (uint64_t)e->e_phnum * sizeof *p;
        if (p[i].p_type != PT_LOAD || p[i].p_offset != 0 || p[i].p_filesz < end)
            continue;
        unsigned char probe;
        uintptr_t at = m->base + p[i].p_vaddr;
        here = trk_peek(&probe, at, 1) && equal((const void *)at, e, sizeof *e) &&
               equal((const void *)(at + e->e_phoff), p, e->e_phnum * sizeof *p);
    }
    return here && dynamic;
}

static void find_text(struct trk_elf *m)
{
    const Elf64_Phdr *p = segments(m);
    for (unsigned i = 0; i < header(m)->e_phnum && m->texts < TRK_ELF_TEXTS; i++)
        if (p[i].p_type == PT_LOAD && p[i].p_flags & PF_X && p[i].p_filesz <= p[i].p_memsz &&
            p[i].p_vaddr + p[i].p_filesz >= p[i].p_vaddr) {
            m->text[m->texts].start = m->base + p[i].p_vaddr;
            m->text[m->texts++].end = m->base + p[i].p_vaddr + p[i].p_filesz;
        }
}

static void find_tables(struct trk_elf *m)
{
    const Elf64_Ehdr *e = header(m);
    m->stripped = true;
    if (!fits(m, e->e_shoff, e->e_shnum, sizeof(Elf64_Shdr)))
        return;
    const Elf64_Shdr *s = (const Elf64_Shdr *)(const void *)(m->file + e->e_shoff);
    for (unsigned i = 0; i < e->e_shnum && m->tables < TRK_ELF_TABLES; i++) {
        if ((s[i].sh_type != SHT_SYMTAB && s[i].sh_type != SHT_DYNSYM) || s[i].sh_link >= e->e_shnum)
            continue;
        const Elf64_Shdr *strings = &s[s[i].sh_link];
        uint64_t count = s[i].sh_size / sizeof(Elf64_Sym);
        if (!fits(m, s[i].sh_offset, count, sizeof(Elf64_Sym)) || strings->sh_offset > m->file_bytes ||
            strings->sh_size > m->file_bytes - strings->sh_offset || strings->sh_size == 0 ||
            m->file[strings->sh_offset + strings->sh_size - 1] != 0)
            continue;
        m->stripped &= s[i].sh_type != SHT_SYMTAB;
        m->table[m->tables].file = m->file;
        m->table[m->tables].symbols = s[i].sh_offset;
        m->table[m->tables].count = count;
        m->table[m->tables].strings = strings->sh_offset;
        m->table[m->tables++].strings_bytes = strings->sh_size;
    }
}

/* Maps a file that is an ELF file of this machine. */
static bool map_file(const char *path, struct trk_elf *m)
{
    struct stat st = { .st_size = 0 };
    int fd = trk_open_read(path);
    if (fd < 0)
        return false;
    if (!trk_failed(trk_sys2(SYS_fstat, fd, &st)) && S_ISREG(st.st_mode) && st.st_size > 0) {
        long p = trk_sys6(SYS_mmap, 0, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        m->file = trk_failed(p) ? NULL : (const uint8_t *)p;
        m->file_bytes = (size_t)st.st_size;
    }
    trk_close(fd);
    if (m->file != NULL && !is_elf(m))
        trk_elf_close(m);
    return m->file != NULL;
}

bool trk_elf_open(const struct link_map *map, const char *path, struct trk_elf *ret)
{
    struct trk_elf m = { .base = map->l_addr };
    if (!map_file(path != NULL ? path : map->l_name, &m))
        return false;
    if (!is_loaded(&m, map)) {
        trk_elf_close(&m);
        return false;
    }
    find_text(&m);
    find_tables(&m);
    *ret = m;
    return true;
}

void trk_elf_close(struct trk_elf *module)
{
    if (module->debug != NULL)
        trk_unmap((void *)(uintptr_t)module->debug, module->debug_bytes);
    trk_unmap((void *)(uintptr_t)module->file, module->file_bytes);
    module->file = module->debug = NULL;
}

/* ---- Symbols that were moved to another file ----------------------------------------------------------------------
 */

/* The build-id; 0: it has none. */
static size_t build_id(const struct trk_elf *m, const uint8_t **ret)
{
    const Elf64_Phdr *p = segments(m);
    for (unsigned i = 0; i < header(m)->e_phnum; i++) {
        uint64_t at = p[i].p_offset, end = at + p[i].p_filesz;
        if (p[i].p_type != PT_NOTE || at % 4 != 0 || end < at || end > m->file_bytes)
            continue;
        while (end - at >= sizeof(Elf64_Nhdr)) {
            const Elf64_Nhdr *n = (const Elf64_Nhdr *)(const void *)(m->file + at);
            uint64_t name = at + sizeof *n, id = name + (((uint64_t)n->n_namesz + 3) & ~3ull);
            uint64_t next = id + (((uint64_t)n->n_descsz + 3) & ~3ull);
            if (next > end)
                break;
            if (n->n_type == NT_GNU_BUILD_ID && n->n_namesz == 4 && equal(m->file + name, "GNU", 4)) {
                *ret = m->file + id;
                return n->n_descsz;
            }
            at = next;
        }
    }
    return 0;
}

/* The file name in .gnu_debuglink; NULL: there is none. */
static const char *debug_link(const struct trk_elf *m)
{
    const Elf64_Ehdr *e = header(m);
    if (!fits(m, e->e_shoff, e->e_shnum, sizeof(Elf64_Shdr)) || e->e_shstrndx >= e->e_shnum)
        return NULL;
    const Elf64_Shdr *s = (const Elf64_Shdr *)(const void *)(m->file + e->e_shoff), *names = &s[e->e_shstrndx];
    static const char wanted[] = ".gnu_debuglink";
    for (unsigned i = 0; i < e->e_shnum; i++) {
        uint64_t name = names->sh_offset + s[i].sh_name;
        const char *link = (const char *)m->file + s[i].sh_offset;
        if (name < m->file_bytes && m->file_bytes - name >= sizeof wanted &&
            equal(m->file + name, wanted, sizeof wanted) && s[i].sh_offset < m->file_bytes &&
            s[i].sh_size <= m->file_bytes - s[i].sh_offset && trk_strlen(link, s[i].sh_size) < s[i].sh_size)
            return link;
    }
    return NULL;
}

/* A path that is put together; too long: empty. */
struct path {
    char text[PATH_BYTES];
    size_t length;
};

static void add(struct path *p, const char *text, size_t length)
{
    if (p->length + length >= sizeof p->text) {
        p->length = sizeof p->text - 1; /* and nothing fits behind it */
        p->text[0] = 0;
        return;
    }
    trk_copy(p->text + p->length, text, length);
    p->length += length;
    p->text[p->length] = 0;
}

static void add_hex(struct path *p, const uint8_t *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++)
        add(p, (const char[]){ digits[bytes[i] >> 4], digits[bytes[i] & 15] }, 2);
}

/* Takes the symbols of the file at `path` when it is that module's. */
static bool take_debug(struct trk_elf *m, const char *path, const uint8_t *id, size_t id_bytes)
{
    struct trk_elf d = { .file = NULL };
    const uint8_t *its_id;
    if (path[0] == 0 || !map_file(path, &d))
        return false;
    find_tables(&d);
    if (d.stripped || build_id(&d, &its_id) != id_bytes || !equal(its_id, id, id_bytes)) {
        trk_elf_close(&d);
        return false;
    }
    for (unsigned i = 0; i < d.tables && m->tables < TRK_ELF_TABLES; i++)
        m->table[m->tables++] = d.table[i];
    m->debug = d.file;
    m->debug_bytes = d.file_bytes;
    return true;
}

void trk_elf_debug(struct trk_elf *m, const char *path)
{
    static const char usual[] = "/usr/lib/debug", *const folders[] = { "", ".debug/", usual };
    const uint8_t *id;
    size_t id_bytes = m->stripped ? build_id(m, &id) : 0, folder = 0;
    const char *link = debug_link(m);
    struct path p = { .length = 0 };
    if (id_bytes < 2)
        return;
    add(&p, usual, sizeof usual - 1);
    add(&p, "/.build-id/", 11);
    add_hex(&p, id, 1);
    add(&p, "/", 1);
    add_hex(&p, id + 1, id_bytes - 1);
    add(&p, ".debug", 6);
    bool found = take_debug(m, p.text, id, id_bytes);
    for (size_t i = 0; path[i] != 0; i++)
        folder = path[i] == '/' ? i + 1 : folder;
    for (unsigned i = 0; i < sizeof folders / sizeof folders[0] && link != NULL && !found; i++) {
        p = (struct path){ .length = 0 };
        if (folders[i] == usual)
            add(&p, usual, sizeof usual - 1);
        add(&p, path, folder);
        if (folders[i] != usual)
            add(&p, folders[i], trk_strlen(folders[i], PATH_BYTES));
        add(&p, link, trk_strlen(link, PATH_BYTES));
        found = take_debug(m, p.text, id, id_bytes);
    }
}

void trk_elf_functions(const struct trk_elf *m, bool (*each)(const struct trk_function *f, void *data), void *data)
{
    for (unsigned t = 0; t < m->tables; t++) {
        const Elf64_Sym *symbols = (const Elf64_Sym *)(const void *)(m->table[t].file + m->table[t].symbols);
        for (uint64_t i = 0; i < m->table[t].count; i++) {
            const Elf64_Sym *s = &symbols[i];
            unsigned type = ELF64_ST_TYPE(s->st_info);
            if ((type != STT_FUNC && type != STT_GNU_IFUNC) || s->st_shndx == SHN_UNDEF || s->st_value == 0 ||
                s->st_name >= m->table[t].strings_bytes)
                continue;
            struct trk_function f = { .name = (const char *)m->table[t].file + m->table[t].strings + s->st_name,
                                      .start = m->base + s->st_value,
                                      .size = s->st_size,
                                      .indirect = type == STT_GNU_IFUNC };
            if (!each(&f, data))
                return;
        }
    }
}

bool trk_elf_names(const struct trk_elf *m, bool (*is)(const char *symbol))
{
    for (unsigned t = 0; t < m->tables; t++) {
        const Elf64_Sym *symbols = (const Elf64_Sym *)(const void *)(m->table[t].file + m->table[t].symbols);
        for (uint64_t i = 0; i < m->table[t].count; i++)
            if (symbols[i].st_name < m->table[t].strings_bytes &&
                is((const char *)m->table[t].file + m->table[t].strings + symbols[i].st_name))
                return true;
    }
    return false;
}
