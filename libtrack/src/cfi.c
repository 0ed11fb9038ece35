/* cfi.c: finds the entry of .eh_frame that describes an instruction, in loaded modules and in given tables. */
#include <elf.h>
#include <link.h>

#include "cfi.h"
#include "cfi_program.h"

/* glibc's struct dl_find_object, spelled out so that older headers do: the function is looked up weakly. */
struct found_object {
    unsigned long long flags;
    void *map_start;
    void *map_end;
    struct link_map *map;
    void *eh_frame; /* the .eh_frame_hdr */
    unsigned long long reserved[7];
};
extern int dl_find_object(void *pc, struct found_object *ret) __asm__("_dl_find_object") __attribute__((weak));

enum { AUGMENTATION_MAX = 8 };

/* ---- Entries ------------------------------------------------------------------------------------------------- */

/* The body of the entry at `at`, behind its length. */
static bool entry_body(const struct trk_cfi_table *table, uintptr_t at, struct trk_cfi_cursor *ret)
{
    if (at < table->lo || at >= table->hi)
        return false;
    struct trk_cfi_cursor c = { .p = (const uint8_t *)at, .end = (const uint8_t *)table->hi };
    uint64_t length = trk_cfi_take(&c, 4);
    /* 0 ends the section; all ones would announce a 64-bit length, which no linker writes here. */
    if (c.bad || length == 0 || length >= 0xfffffff0u || length > (uint64_t)(c.end - c.p))
        return false;
    c.end = c.p + length;
    *ret = c;
    return true;
}

static bool read_cie(const struct trk_cfi_table *table, uintptr_t at, struct trk_cie *cie)
{
    struct trk_cfi_cursor c;
    if (!entry_body(table, at, &c) || trk_cfi_take(&c, 4) != 0)
        return false;
    unsigned version = (unsigned)trk_cfi_take(&c, 1);
    if (version != 1 && version != 3)
        return false;
    char augmentation[AUGMENTATION_MAX];
    unsigned n = 0;
    while ((augmentation[n] = (char)trk_cfi_take(&c, 1)) != 0)
        if (++n == AUGMENTATION_MAX)
            return false;
    *cie = (struct trk_cie){ .code_align = trk_cfi_uleb(&c), .data_align = trk_cfi_sleb(&c) };
    if ((version == 1 ? trk_cfi_take(&c, 1) : trk_cfi_uleb(&c)) != TRK_CFI_DWARF_RA)
        return false;
    if (n != 0) {
        if (augmentation[0] != 'z')
            return false;
        cie->has_augmentation = true;
        struct trk_cfi_cursor data = trk_cfi_block(&c);
        for (unsigned i = 1; i < n; i++) {
            switch (augmentation[i]) {
            case 'R':
                cie->encoding = (uint8_t)trk_cfi_take(&data, 1);
                break;
            case 'L':
                trk_cfi_take(&data, 1);
                break;
            case 'P': { /* only passed over: what it points to does not matter */
                unsigned encoding = (unsigned)trk_cfi_take(&data, 1);
                if (encoding != TRK_PE_OMIT)
                    trk_cfi_pointer(&data, encoding & 0x0f, 0);
                break;
            }
            case 'S':
                cie->signal = true;
                break;
            case 'B': /* aarch64 pointer authentication, memory tagging: no data */
            case 'G':
                break;
            default:
                return false;
            }
        }
        if (data.bad)
            return false;
    }
    cie->program = c;
    return !c.bad && !(cie->encoding & TRK_PE_INDIRECT);
}

enum trk_cfi_result trk_cfi_read(const struct trk_cfi_table *table, uintptr_t pc, struct trk_cfi_row *row)
{
    if (table->hdr < table->lo || table->hdr >= table->hi)
        return TRK_CFI_REFUSED;
    struct trk_cfi_cursor c = { .p = (const uint8_t *)table->hdr, .end = (const uint8_t *)table->hi };
    unsigned version = (unsigned)trk_cfi_take(&c, 1), frame_enc = (unsigned)trk_cfi_take(&c, 1);
    unsigned count_enc = (unsigned)trk_cfi_take(&c, 1), table_enc = (unsigned)trk_cfi_take(&c, 1);
    if (c.bad || version != 1 || table_enc != TRK_PE_TABLE)
        return TRK_CFI_REFUSED;
    trk_cfi_pointer(&c, frame_enc, table->hdr);
    uint64_t count = trk_cfi_pointer(&c, count_enc, table->hdr);
    if (c.bad || count > (uint64_t)(c.end - c.p) / 8)
        return TRK_CFI_REFUSED;

    /* The last entry that begins at or below pc. */
    const uint8_t *rows = c.p;
    int64_t want = (int64_t)(pc - table->hdr);
    int32_t pair[2];
    uint64_t below = 0, above = count;
    while (below < above) {
        uint64_t mid = below + (above - below) / 2;
        memcpy(pair, rows + mid * 8, 4);
        if (pair[0] <= want)
            below = mid + 1;
        else
            above = mid;
    }
    if (below == 0)
        return TRK_CFI_NO_ENTRY;
    memcpy(pair, rows + (below - 1) * 8, 8);

    uintptr_t fde = table->hdr + (uintptr_t)(intptr_t)pair[1];
    struct trk_cie cie;
    if (!entry_body(table, fde, &c))
        return TRK_CFI_REFUSED;
    uintptr_t back = (uintptr_t)c.p;
    uint64_t distance = trk_cfi_take(&c, 4);
    if (c.bad || distance == 0 || !read_cie(table, back - (uintptr_t)distance, &cie))
        return TRK_CFI_REFUSED;
    uint64_t begin = trk_cfi_pointer(&c, cie.encoding, table->hdr);
    uint64_t size = trk_cfi_pointer(&c, cie.encoding & 0x0f, 0);
    if (cie.has_augmentation)
        trk_cfi_block(&c);
    if (c.bad)
        return TRK_CFI_REFUSED;
    if (pc - begin >= size)
        return TRK_CFI_NO_ENTRY;

    struct trk_cfi_row first = { .cfa_how = TRK_CFI_CFA_LOST, .signal = cie.signal };
    struct trk_cfi_row now;
    if (!trk_cfi_execute(&cie, cie.program, 0, UINT64_MAX, &first, &first))
        return TRK_CFI_REFUSED;
    now = first;
    if (!trk_cfi_execute(&cie, c, begin, pc, &first, &now))
        return TRK_CFI_REFUSED;
    now.begin = begin;
    now.end = begin + size;
    *row = now;
    return TRK_CFI_OK;
}

/* ---- Modules --------------------------------------------------------------------------------------------------- */

/* The readable segment of a module that holds addr; the whole module when its program headers are not in sight. */
static bool find_segment(const struct found_object *module, uintptr_t addr, struct trk_cfi_table *table)
{
    uintptr_t start = (uintptr_t)module->map_start, end = (uintptr_t)module->map_end;
    if (addr < start || addr >= end)
        return false;
    table->lo = start;
    table->hi = end;
    const ElfW(Ehdr) *ehdr = (const ElfW(Ehdr) *)start;
    if (end - start < 4096 || memcmp(ehdr->e_ident, ELFMAG, SELFMAG) != 0 || ehdr->e_phentsize != sizeof(ElfW(Phdr)) ||
        ehdr->e_phoff > 4096 || ehdr->e_phoff % 8 != 0 || ehdr->e_phnum > (4096 - ehdr->e_phoff) / sizeof(ElfW(Phdr)))
        return true;
    const ElfW(Phdr) *phdr = (const ElfW(Phdr) *)(start + ehdr->e_phoff);
    uintptr_t bias = 0;
    bool have_bias = false;
    for (unsigned i = 0; i < ehdr->e_phnum; i++) {
        if (phdr[i].p_type != PT_LOAD)
            continue;
        if (!have_bias) {
            bias = start - (phdr[i].p_vaddr & ~(ElfW(Addr))4095);
            have_bias = true;
        }
        uintptr_t lo = bias + phdr[i].p_vaddr;
        if ((phdr[i].p_flags & PF_R) && addr - lo < phdr[i].p_filesz && lo >= start && phdr[i].p_filesz <= end - lo) {
            table->lo = lo;
            table->hi = lo + phdr[i].p_filesz;
            return true;
        }
    }
    return false;
}

bool trk_cfi_known(uintptr_t pc)
{
    struct found_object module;
    return dl_find_object && dl_find_object((void *)pc, &module) == 0;
}

enum trk_cfi_result trk_cfi_find(uintptr_t pc, struct trk_cfi_row *row)
{
    struct found_object module;
    if (!dl_find_object || dl_find_object((void *)pc, &module) != 0)
        return TRK_CFI_NO_OBJECT;
    struct trk_cfi_table table = { .hdr = (uintptr_t)module.eh_frame };
    if (!module.eh_frame || !find_segment(&module, table.hdr, &table))
        return TRK_CFI_NO_ENTRY;
    return trk_cfi_read(&table, pc, row);
}
