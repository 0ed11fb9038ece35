/* cfi.c: finds the .eh_frame entry of an instruction and executes it up to that instruction.
 *
 * All input is treated as hostile: each access goes through a cursor that cannot leave the readable range, all loops
 * are bounded by the bytes they consume, and what is not understood refuses the row instead of guessing. */
#include "cfi.h"

#include <elf.h>
#include <link.h>
#include <string.h>

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

/* DWARF numbers used below; names as in the standard. */
enum {
    PE_ABS = 0x00,
    PE_PCREL = 0x10,
    PE_DATAREL = 0x30,
    PE_INDIRECT = 0x80,
    PE_OMIT = 0xff,
    PE_TABLE = 0x3b, /* datarel | sdata4: the only table that can be searched */
};
enum {
    REMEMBER_MAX = 3, /* compilers nest 1 deep; the copies live on a stack that may be small */
    EXPR_MAX = 6,     /* operands */
    AUGMENTATION_MAX = 8,
};

/* A position in readable memory. After a read past the end `bad` is set and all further reads give 0. */
struct cursor {
    const uint8_t *p, *end;
    bool bad;
};

static uint64_t take(struct cursor *c, unsigned bytes)
{
    uint64_t v = 0;
    if ((size_t)(c->end - c->p) < bytes) {
        c->bad = true;
        c->p = c->end;
        return 0;
    }
    memcpy(&v, c->p, bytes);
    c->p += bytes;
    return v;
}

static void skip(struct cursor *c, uint64_t bytes)
{
    if ((uint64_t)(c->end - c->p) < bytes) {
        c->bad = true;
        c->p = c->end;
        return;
    }
    c->p += bytes;
}

static uint64_t take_uleb(struct cursor *c)
{
    uint64_t v = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint64_t b = take(c, 1);
        if (shift < 64)
            v |= (b & 0x7f) << shift;
        if (!(b & 0x80))
            return v;
    }
}

static int64_t take_sleb(struct cursor *c)
{
    uint64_t v = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint64_t b = take(c, 1);
        if (shift < 64)
            v |= (b & 0x7f) << shift;
        if (!(b & 0x80)) {
            if (shift + 7 < 64 && (b & 0x40))
                v |= ~0ull << (shift + 7);
            return (int64_t)v;
        }
    }
}

/* An encoded pointer; `data` is the base of data-relative ones. */
static uint64_t take_pointer(struct cursor *c, unsigned encoding, uint64_t data)
{
    uint64_t at = (uint64_t)(uintptr_t)c->p;
    uint64_t v;
    switch (encoding & 0x0f) {
    case 0x00: /* absptr */
    case 0x04:
    case 0x0c:
        v = take(c, 8);
        break;
    case 0x01:
        v = take_uleb(c);
        break;
    case 0x02:
        v = take(c, 2);
        break;
    case 0x03:
        v = take(c, 4);
        break;
    case 0x09:
        v = (uint64_t)take_sleb(c);
        break;
    case 0x0a:
        v = (uint64_t)(int64_t)(int16_t)take(c, 2);
        break;
    case 0x0b:
        v = (uint64_t)(int64_t)(int32_t)take(c, 4);
        break;
    default:
        c->bad = true;
        return 0;
    }
    switch (encoding & 0x70) {
    case PE_ABS:
        return v;
    case PE_PCREL:
        return v + at;
    case PE_DATAREL:
        return v + data;
    default:
        c->bad = true;
        return 0;
    }
}

/* ---- Expressions -------------------------------------------------------------------------------------------- */

/* Symbolic value: a number, or one of the forms that a row can keep. */
enum form {
    FORM_NUMBER, /* add */
    FORM_REG,    /* reg + add */
    FORM_CFA,    /* CFA + add */
    FORM_DEREF,  /* *(reg + off) + add */
};
struct operand {
    int64_t add;
    int32_t off;
    uint8_t form;
    uint8_t reg;
};

static bool fits(int64_t v)
{
    return v >= INT32_MIN && v <= INT32_MAX;
}

/* Evaluates an expression as far as the forms above reach. The program counter is a number here, since a row belongs to
 * one instruction: that covers the expression of procedure linkage tables. with_cfa: the CFA is on the stack at the
 * start. */
static bool evaluate(struct cursor c, uint64_t pc, bool with_cfa, struct operand *ret)
{
    struct operand stack[EXPR_MAX];
    unsigned n = 0;
    if (with_cfa)
        stack[n++] = (struct operand){ .form = FORM_CFA };
    while (c.p < c.end) {
        unsigned op = (unsigned)take(&c, 1);
        struct operand push = { .form = FORM_NUMBER };
        struct operand *top = n ? &stack[n - 1] : NULL;
        struct operand *under = n > 1 ? &stack[n - 2] : NULL;
        if (op >= 0x30 && op <= 0x4f) { /* lit0..31 */
            push.add = op - 0x30;
        } else if (op >= 0x70 && op <= 0x8f) { /* breg0..31 */
            push.add = take_sleb(&c);
            if (op - 0x70 == TRK_CFI_DWARF_RA) {
                push.add += (int64_t)pc;
            } else {
                push.form = FORM_REG;
                push.reg = (uint8_t)trk_cfi_reg(op - 0x70);
                if (push.reg == TRK_CFI_OTHER)
                    return false;
            }
        } else {
            switch (op) {
            case 0x08: /* const1u .. const4s */
                push.add = (int64_t)take(&c, 1);
                break;
            case 0x09:
                push.add = (int8_t)take(&c, 1);
                break;
            case 0x0a:
                push.add = (int64_t)take(&c, 2);
                break;
            case 0x0b:
                push.add = (int16_t)take(&c, 2);
                break;
            case 0x0c:
                push.add = (int64_t)take(&c, 4);
                break;
            case 0x0d:
                push.add = (int32_t)take(&c, 4);
                break;
            case 0x10: /* constu, consts */
                push.add = (int64_t)take_uleb(&c);
                break;
            case 0x11:
                push.add = take_sleb(&c);
                break;
            case 0x06: /* deref */
                if (!top || top->form != FORM_REG || !fits(top->add))
                    return false;
                *top = (struct operand){ .form = FORM_DEREF, .reg = top->reg, .off = (int32_t)top->add };
                continue;
            case 0x23: /* plus_uconst */
                if (!top)
                    return false;
                top->add = (int64_t)((uint64_t)top->add + take_uleb(&c));
                continue;
            case 0x22: /* plus */
                if (!under || (under->form != FORM_NUMBER && top->form != FORM_NUMBER))
                    return false;
                push = under->form == FORM_NUMBER ? *top : *under;
                push.add = (int64_t)((uint64_t)under->add + (uint64_t)top->add);
                *under = push;
                n--;
                continue;
            case 0x1a: /* and, shl, ge: of numbers only */
            case 0x24:
            case 0x2a:
                if (!under || under->form != FORM_NUMBER || top->form != FORM_NUMBER)
                    return false;
                if (op == 0x1a)
                    under->add &= top->add;
                else if (op == 0x2a)
                    under->add = under->add >= top->add;
                else
                    under->add = (uint64_t)top->add < 64 ? (int64_t)((uint64_t)under->add << top->add) : 0;
                n--;
                continue;
            default:
                return false;
            }
        }
        if (n == EXPR_MAX)
            return false;
        stack[n++] = push;
    }
    if (c.bad || n == 0 || !fits(stack[n - 1].add))
        return false;
    *ret = stack[n - 1];
    return true;
}

/* The block of bytes in front of which its length stands; *c moves behind it. */
static struct cursor take_block(struct cursor *c)
{
    uint64_t length = take_uleb(c);
    struct cursor block = { .p = c->p };
    skip(c, length);
    block.end = c->bad ? block.p : c->p;
    return block;
}

static void set_cfa_expression(struct trk_cfi_row *row, struct cursor block, uint64_t pc)
{
    struct operand v;
    row->cfa_how = TRK_CFI_CFA_LOST;
    if (!evaluate(block, pc, false, &v))
        return;
    if (v.form == FORM_REG) {
        row->cfa_how = TRK_CFI_CFA_REG;
        row->cfa_off = (int32_t)v.add;
        row->cfa_reg = v.reg;
    } else if (v.form == FORM_DEREF) {
        row->cfa_how = TRK_CFI_CFA_DEREF;
        row->cfa_off = v.off;
        row->cfa_add = (int32_t)v.add;
        row->cfa_reg = v.reg;
    }
}

/* The rule of "saved at the address that this expression gives". */
static struct trk_cfi_rule expression_rule(struct cursor block, uint64_t pc)
{
    struct operand v;
    if (evaluate(block, pc, true, &v)) {
        if (v.form == FORM_CFA)
            return (struct trk_cfi_rule){ .how = TRK_CFI_AT_CFA, .off = (int32_t)v.add };
        if (v.form == FORM_REG)
            return (struct trk_cfi_rule){ .how = TRK_CFI_AT_REG, .reg = v.reg, .off = (int32_t)v.add };
    }
    return (struct trk_cfi_rule){ .how = TRK_CFI_LOST };
}

/* ---- Entries ------------------------------------------------------------------------------------------------- */

struct cie {
    uint64_t code_align;
    int64_t data_align;
    struct cursor program;
    uint8_t encoding; /* of the pointers in its FDEs */
    bool has_augmentation;
    bool signal;
};

static void set_rule(struct trk_cfi_row *row, uint64_t dwarf, struct trk_cfi_rule rule)
{
    enum trk_cfi_reg reg = trk_cfi_reg(dwarf);
    if (reg < TRK_CFI_REGS)
        row->rule[reg] = rule;
}

static struct trk_cfi_rule offset_rule(int64_t factored, int64_t align)
{
    int64_t off;
    if (__builtin_mul_overflow(factored, align, &off) || !fits(off))
        return (struct trk_cfi_rule){ .how = TRK_CFI_LOST };
    return (struct trk_cfi_rule){ .how = TRK_CFI_AT_CFA, .off = (int32_t)off };
}

static void set_cfa_reg(struct trk_cfi_row *row, uint64_t dwarf)
{
    enum trk_cfi_reg reg = trk_cfi_reg(dwarf);
    row->cfa_reg = (uint8_t)reg;
    row->cfa_how = reg == TRK_CFI_OTHER || reg == TRK_CFI_RA ? TRK_CFI_CFA_LOST : TRK_CFI_CFA_REG;
}

static void set_cfa_off(struct trk_cfi_row *row, int64_t factored, int64_t align)
{
    int64_t off;
    if (__builtin_mul_overflow(factored, align, &off) || !fits(off))
        row->cfa_how = TRK_CFI_CFA_LOST;
    else
        row->cfa_off = (int32_t)off;
}

/* Executes a program whose first row begins at loc until the row of pc is complete. initial: what DW_CFA_restore goes
 * back to. False: malformed or unknown. */
static bool execute(const struct cie *cie, struct cursor c, uint64_t loc, uint64_t pc,
                    const struct trk_cfi_row *initial, struct trk_cfi_row *row)
{
    struct trk_cfi_row remembered[REMEMBER_MAX];
    unsigned depth = 0;
    while (c.p < c.end && !c.bad) {
        unsigned op = (unsigned)take(&c, 1);
        unsigned low = op & 0x3f;
        uint64_t reg, advance = 0;
        switch (op >> 6) {
        case 1: /* advance_loc */
            advance = low * cie->code_align;
            if (advance > pc - loc)
                return true;
            loc += advance;
            continue;
        case 2: /* offset */
            set_rule(row, low, offset_rule((int64_t)take_uleb(&c), cie->data_align));
            continue;
        case 3: /* restore */
            if (trk_cfi_reg(low) < TRK_CFI_REGS)
                row->rule[trk_cfi_reg(low)] = initial->rule[trk_cfi_reg(low)];
            continue;
        }
        switch (op) {
        case 0x00: /* nop */
            break;
        case 0x01: { /* set_loc */
            uint64_t to = take_pointer(&c, cie->encoding, 0);
            if (c.bad || to < loc)
                return false;
            if (to > pc)
                return true;
            loc = to;
            break;
        }
        case 0x02: /* advance_loc1, 2, 4 */
        case 0x03:
        case 0x04:
            if (__builtin_mul_overflow(take(&c, 1u << (op - 2)), cie->code_align, &advance))
                return false;
            if (advance > pc - loc)
                return !c.bad;
            loc += advance;
            break;
        case 0x05: /* offset_extended */
            reg = take_uleb(&c);
            set_rule(row, reg, offset_rule((int64_t)take_uleb(&c), cie->data_align));
            break;
        case 0x06: /* restore_extended */
            reg = take_uleb(&c);
            if (trk_cfi_reg(reg) < TRK_CFI_REGS)
                row->rule[trk_cfi_reg(reg)] = initial->rule[trk_cfi_reg(reg)];
            break;
        case 0x07: /* undefined */
            set_rule(row, take_uleb(&c), (struct trk_cfi_rule){ .how = TRK_CFI_UNDEFINED });
            break;
        case 0x08: /* same_value */
            set_rule(row, take_uleb(&c), (struct trk_cfi_rule){ .how = TRK_CFI_SAME });
            break;
        case 0x09: /* register */
        case 0x14: /* val_offset, val_offset_sf: a value, not a place */
            reg = take_uleb(&c);
            take_uleb(&c);
            set_rule(row, reg, (struct trk_cfi_rule){ .how = TRK_CFI_LOST });
            break;
        case 0x15:
            reg = take_uleb(&c);
            take_sleb(&c);
            set_rule(row, reg, (struct trk_cfi_rule){ .how = TRK_CFI_LOST });
            break;
        case 0x0a: /* remember_state, restore_state */
            if (depth == REMEMBER_MAX)
                return false;
            remembered[depth++] = *row;
            break;
        case 0x0b:
            if (depth == 0)
                return false;
            *row = remembered[--depth];
            break;
        case 0x0c: /* def_cfa, def_cfa_register, def_cfa_offset */
            set_cfa_reg(row, take_uleb(&c));
            set_cfa_off(row, (int64_t)take_uleb(&c), 1);
            break;
        case 0x0d:
            set_cfa_reg(row, take_uleb(&c));
            break;
        case 0x0e:
            set_cfa_off(row, (int64_t)take_uleb(&c), 1);
            break;
        case 0x0f: /* def_cfa_expression */
            set_cfa_expression(row, take_block(&c), pc);
            break;
        case 0x10: /* expression */
            reg = take_uleb(&c);
            set_rule(row, reg, expression_rule(take_block(&c), pc));
            break;
        case 0x16: /* val_expression */
            reg = take_uleb(&c);
            take_block(&c);
            set_rule(row, reg, (struct trk_cfi_rule){ .how = TRK_CFI_LOST });
            break;
        case 0x11: /* offset_extended_sf */
            reg = take_uleb(&c);
            set_rule(row, reg, offset_rule(take_sleb(&c), cie->data_align));
            break;
        case 0x12: /* def_cfa_sf, def_cfa_offset_sf */
            set_cfa_reg(row, take_uleb(&c));
            set_cfa_off(row, take_sleb(&c), cie->data_align);
            break;
        case 0x13:
            set_cfa_off(row, take_sleb(&c), cie->data_align);
            break;
        case 0x2e: /* GNU_args_size */
            take_uleb(&c);
            break;
        case 0x2f: /* GNU_negative_offset_extended */
            reg = take_uleb(&c);
            set_rule(row, reg, offset_rule(-(int64_t)(take_uleb(&c) & INT64_MAX), cie->data_align));
            break;
        default:
            return false;
        }
    }
    return !c.bad;
}

/* The body of the entry at `at`, behind its length. */
static bool entry_body(const struct trk_cfi_table *table, uintptr_t at, struct cursor *ret)
{
    if (at < table->lo || at >= table->hi)
        return false;
    struct cursor c = { .p = (const uint8_t *)at, .end = (const uint8_t *)table->hi };
    uint64_t length = take(&c, 4);
    /* 0 ends the section; all ones would announce a 64-bit length, which no linker writes here. */
    if (c.bad || length == 0 || length >= 0xfffffff0u || length > (uint64_t)(c.end - c.p))
        return false;
    c.end = c.p + length;
    *ret = c;
    return true;
}

static bool read_cie(const struct trk_cfi_table *table, uintptr_t at, struct cie *cie)
{
    struct cursor c;
    if (!entry_body(table, at, &c) || take(&c, 4) != 0)
        return false;
    unsigned version = (unsigned)take(&c, 1);
    if (version != 1 && version != 3)
        return false;
    char augmentation[AUGMENTATION_MAX];
    unsigned n = 0;
    while ((augmentation[n] = (char)take(&c, 1)) != 0)
        if (++n == AUGMENTATION_MAX)
            return false;
    *cie = (struct cie){ .code_align = take_uleb(&c), .data_align = take_sleb(&c) };
    if ((version == 1 ? take(&c, 1) : take_uleb(&c)) != TRK_CFI_DWARF_RA)
        return false;
    if (n != 0) {
        if (augmentation[0] != 'z')
            return false;
        cie->has_augmentation = true;
        struct cursor data = take_block(&c);
        for (unsigned i = 1; i < n; i++) {
            switch (augmentation[i]) {
            case 'R':
                cie->encoding = (uint8_t)take(&data, 1);
                break;
            case 'L':
                take(&data, 1);
                break;
            case 'P': { /* only passed over: what it points to does not matter */
                unsigned encoding = (unsigned)take(&data, 1);
                if (encoding != PE_OMIT)
                    take_pointer(&data, encoding & 0x0f, 0);
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
    return !c.bad && !(cie->encoding & PE_INDIRECT);
}

enum trk_cfi_result trk_cfi_read(const struct trk_cfi_table *table, uintptr_t pc, struct trk_cfi_row *row)
{
    if (table->hdr < table->lo || table->hdr >= table->hi)
        return TRK_CFI_REFUSED;
    struct cursor c = { .p = (const uint8_t *)table->hdr, .end = (const uint8_t *)table->hi };
    unsigned version = (unsigned)take(&c, 1), frame_enc = (unsigned)take(&c, 1);
    unsigned count_enc = (unsigned)take(&c, 1), table_enc = (unsigned)take(&c, 1);
    if (c.bad || version != 1 || table_enc != PE_TABLE)
        return TRK_CFI_REFUSED;
    take_pointer(&c, frame_enc, table->hdr);
    uint64_t count = take_pointer(&c, count_enc, table->hdr);
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
    struct cie cie;
    if (!entry_body(table, fde, &c))
        return TRK_CFI_REFUSED;
    uintptr_t back = (uintptr_t)c.p;
    uint64_t distance = take(&c, 4);
    if (c.bad || distance == 0 || !read_cie(table, back - (uintptr_t)distance, &cie))
        return TRK_CFI_REFUSED;
    uint64_t begin = take_pointer(&c, cie.encoding, table->hdr);
    uint64_t size = take_pointer(&c, cie.encoding & 0x0f, 0);
    if (cie.has_augmentation)
        take_block(&c);
    if (c.bad)
        return TRK_CFI_REFUSED;
    if (pc - begin >= size)
        return TRK_CFI_NO_ENTRY;

    struct trk_cfi_row first = { .cfa_how = TRK_CFI_CFA_LOST, .signal = cie.signal };
    struct trk_cfi_row now;
    if (!execute(&cie, cie.program, 0, UINT64_MAX, &first, &first))
        return TRK_CFI_REFUSED;
    now = first;
    if (!execute(&cie, c, begin, pc, &first, &now))
        return TRK_CFI_REFUSED;
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
