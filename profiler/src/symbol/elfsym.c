/* elfsym.c: sorted tables of ELF symbols; .gnu_debugdata. */
#include <symbol/elfsym.h>

#include <base/vec.h>

#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#ifdef HAVE_LZMA
#include <lzma.h>
#endif

enum { MAX_SYMBOLS = 32 << 20, BACK_STEPS = 64 };

// Several names for one address: the plain one is what people know (`free`, not `__libc_free`), then the public one.
static uint8_t rank_of(const char *name, unsigned bind)
{
    unsigned score = 0;
    while (score < 3 && name[score] == '_')
        score++;
    score *= 3;
    return (uint8_t)(score + (bind == STB_GLOBAL ? 0 : bind == STB_WEAK ? 1 : 2));
}

struct wanted {
    bool yes;
    bool sizeless_ok; /* extends to the next symbol */
};

static struct wanted classify(const GElf_Sym *sym, const GElf_Shdr *section, enum prof_elfsym_kind kind)
{
    unsigned type = GELF_ST_TYPE(sym->st_info);
    bool code = (section->sh_flags & SHF_EXECINSTR) != 0;
    if (kind == PROF_ELFSYM_THREAD)
        return (struct wanted){ type == STT_TLS && sym->st_size != 0, false };
    if (kind == PROF_ELFSYM_OBJECTS)
        return (struct wanted){ (type == STT_OBJECT || type == STT_COMMON) && sym->st_size != 0, false };
    if (!code)
        return (struct wanted){ false, false };
    return (struct wanted){ type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE, true };
}

static bool add_table(struct prof_elfsym_table *table, Elf *elf, Elf_Scn *scn, const GElf_Shdr *shdr,
                      enum prof_elfsym_kind kind, uint64_t base)
{
    Elf_Data *data = elf_getdata(scn, NULL);
    if (data == NULL || shdr->sh_entsize == 0)
        return true;
    size_t count = data->d_size / shdr->sh_entsize;
    if (count > MAX_SYMBOLS)
        count = MAX_SYMBOLS;
    // Symbols of one section come in runs: keep the last header.
    GElf_Shdr section = { 0 };
    size_t section_index = 0;
    for (size_t i = 1; i < count; i++) {
        GElf_Sym sym;
        if (gelf_getsym(data, (int)i, &sym) == NULL)
            break;
        sym.st_value += base;
        if (sym.st_shndx == SHN_UNDEF || sym.st_shndx >= SHN_LORESERVE || sym.st_value == 0)
            continue;
        if (sym.st_shndx != section_index) {
            Elf_Scn *home = elf_getscn(elf, sym.st_shndx);
            if (home == NULL || gelf_getshdr(home, &section) == NULL)
                continue;
            section_index = sym.st_shndx;
        }
        struct wanted wanted = classify(&sym, &section, kind);
        if (!wanted.yes || sym.st_value < section.sh_addr || sym.st_value - section.sh_addr >= section.sh_size)
            continue;
        const char *name = elf_strptr(elf, shdr->sh_link, sym.st_name);
        if (name == NULL || name[0] == '\0' || (name[0] == '$' && name[1] != '\0' && name[2] == '\0'))
            continue;
        uint64_t section_end = section.sh_addr + section.sh_size;
        uint64_t end = sym.st_size != 0 ? sym.st_value + sym.st_size : section_end;
        if (end < sym.st_value || end > section_end)
            end = section_end;
        struct prof_elfsym item = {
            .start = sym.st_value,
            .end = end,
            .name = name,
            .name_len = (uint32_t)strcspn(name, "@"),
            .rank = rank_of(name, GELF_ST_BIND(sym.st_info)),
            .sized = sym.st_size != 0,
        };
        if (item.name_len != 0 && !prof_vec_push(table, item))
            return false;
    }
    return true;
}

bool prof_elfsym_add(struct prof_elfsym_table *table, const struct prof_image *image, enum prof_elfsym_kind kind)
{
    // Thread-local variables are told by their place in the segment.
    struct prof_image_tls tls = { 0 };
    if (kind == PROF_ELFSYM_THREAD && !prof_image_tls(image, &tls))
        return true;
    uint64_t base = tls.vaddr;
    for (Elf_Scn *scn = elf_nextscn(image->elf, NULL); scn != NULL; scn = elf_nextscn(image->elf, scn)) {
        GElf_Shdr shdr;
        if (gelf_getshdr(scn, &shdr) == NULL || (shdr.sh_type != SHT_SYMTAB && shdr.sh_type != SHT_DYNSYM))
            continue;
        if (!add_table(table, image->elf, scn, &shdr, kind, base))
            return false;
    }
    return true;
}

// By start; names of one start: with a size first, then by rank, the longer reach, and the alphabet.
static int compare(const void *left, const void *right)
{
    const struct prof_elfsym *a = left, *b = right;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    if (a->sized != b->sized)
        return a->sized ? -1 : 1;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    if (a->end != b->end)
        return a->end > b->end ? -1 : 1;
    return strcmp(a->name, b->name);
}

void prof_elfsym_finish(struct prof_elfsym_table *table)
{
    if (table->count == 0)
        return;
    qsort(table->items, table->count, sizeof *table->items, compare);
    size_t kept = 1;
    for (size_t i = 1; i < table->count; i++) {
        struct prof_elfsym *last = &table->items[kept - 1];
        if (table->items[i].start != last->start)
            table->items[kept++] = table->items[i];
        else if (table->items[i].sized && table->items[i].end > last->end)
            last->end = table->items[i].end;
    }
    table->count = kept;
    uint64_t reach = 0;
    for (size_t i = 0; i < kept; i++) {
        struct prof_elfsym *item = &table->items[i];
        if (!item->sized && i + 1 < kept && table->items[i + 1].start < item->end)
            item->end = table->items[i + 1].start;
        if (item->end > reach)
            reach = item->end;
        item->reach = reach;
    }
    struct prof_elfsym *fit = reallocarray(table->items, kept, sizeof *fit);
    if (fit != NULL) {
        table->items = fit;
        table->room = kept;
    }
}

void prof_elfsym_deinit(struct prof_elfsym_table *table)
{
    prof_vec_deinit(table);
}

const struct prof_elfsym *prof_elfsym_find(const struct prof_elfsym_table *table, uint64_t vaddr)
{
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (table->items[mid].start <= vaddr)
            low = mid + 1;
        else
            high = mid;
    }
    // The nearest may be a short one, or a mere label, inside a longer one: go back while an earlier one reaches here.
    const struct prof_elfsym *label = NULL;
    for (int step = 0; low > 0 && step < BACK_STEPS; step++) {
        const struct prof_elfsym *item = &table->items[--low];
        if (item->end > vaddr && item->sized)
            return item;
        if (item->end > vaddr && label == NULL)
            label = item;
        if (item->reach <= vaddr)
            break;
    }
    return label;
}

#ifdef HAVE_LZMA
// Unpacks an xz stream of bounded size into memory of malloc.
static char *unpack(const char *packed, size_t packed_size, size_t *size)
{
    const size_t most = (size_t)512 << 20;
    lzma_stream stream = LZMA_STREAM_INIT;
    if (lzma_stream_decoder(&stream, (uint64_t)256 << 20, 0) != LZMA_OK)
        return NULL;
    size_t room = packed_size < most / 8 ? packed_size * 4 + 4096 : most / 2, used = 0;
    char *bytes = malloc(room);
    stream.next_in = (const uint8_t *)packed;
    stream.avail_in = packed_size;
    lzma_ret ret = LZMA_OK;
    while (bytes != NULL && ret == LZMA_OK) {
        if (used == room) {
            char *grown = room < most ? realloc(bytes, room * 2) : NULL;
            if (grown == NULL)
                break;
            bytes = grown;
            room *= 2;
        }
        stream.next_out = (uint8_t *)bytes + used;
        stream.avail_out = room - used;
        ret = lzma_code(&stream, LZMA_FINISH);
        used = room - stream.avail_out;
    }
    lzma_end(&stream);
    if (ret != LZMA_STREAM_END) {
        free(bytes);
        return NULL;
    }
    *size = used;
    return bytes;
}

bool prof_elfsym_minidebug(const struct prof_image *image, struct prof_image *ret)
{
    size_t packed_size, size;
    const char *packed = prof_image_section_data(image, ".gnu_debugdata", &packed_size);
    char *bytes = packed != NULL ? unpack(packed, packed_size, &size) : NULL;
    return bytes != NULL && prof_image_memory(bytes, size, &(struct prof_image_wish){ 0 }, ret) == PROF_IMAGE_GOOD;
}
#else
bool prof_elfsym_minidebug(const struct prof_image *image, struct prof_image *ret)
{
    (void)image;
    (void)ret;
    return false;
}
#endif
