/* cfi_program.c: executes the programs of unwind tables and evaluates the expressions in them. */
#include "cfi_program.h"

enum {
    REMEMBER_MAX = 3, /* compilers nest 1 deep; the copies live on a stack that may be small */
    EXPR_MAX = 6,     /* operands */
};

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
static bool evaluate(struct trk_cfi_cursor c, uint64_t pc, bool with_cfa, struct operand *ret)
{
    struct operand stack[EXPR_MAX];
    unsigned n = 0;
    if (with_cfa)
        stack[n++] = (struct operand){ .form = FORM_CFA };
    while (c.p < c.end) {
        unsigned op = (unsigned)trk_cfi_take(&c, 1);
        struct operand push = { .form = FORM_NUMBER };
        struct operand *top = n ? &stack[n - 1] : NULL;
        struct operand *under = n > 1 ? &stack[n - 2] : NULL;
        if (op >= 0x30 && op <= 0x4f) { /* lit0..31 */
            push.add = op - 0x30;
        } else if (op >= 0x70 && op <= 0x8f) { /* breg0..31 */
            push.add = trk_cfi_sleb(&c);
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
                push.add = (int64_t)trk_cfi_take(&c, 1);
                break;
            case 0x09:
                push.add = (int8_t)trk_cfi_take(&c, 1);
                break;
            case 0x0a:
                push.add = (int64_t)trk_cfi_take(&c, 2);
                break;
            case 0x0b:
                push.add = (int16_t)trk_cfi_take(&c, 2);
                break;
            case 0x0c:
                push.add = (int64_t)trk_cfi_take(&c, 4);
                break;
            case 0x0d:
                push.add = (int32_t)trk_cfi_take(&c, 4);
                break;
            case 0x10: /* constu, consts */
                push.add = (int64_t)trk_cfi_uleb(&c);
                break;
            case 0x11:
                push.add = trk_cfi_sleb(&c);
                break;
            case 0x06: /* deref */
                if (!top || top->form != FORM_REG || !fits(top->add))
                    return false;
                *top = (struct operand){ .form = FORM_DEREF, .reg = top->reg, .off = (int32_t)top->add };
                continue;
            case 0x23: /* plus_uconst */
                if (!top)
                    return false;
                top->add = (int64_t)((uint64_t)top->add + trk_cfi_uleb(&c));
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

static void set_cfa_expression(struct trk_cfi_row *row, struct trk_cfi_cursor block, uint64_t pc)
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
static struct trk_cfi_rule expression_rule(struct trk_cfi_cursor block, uint64_t pc)
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

/* ---- Programs ------------------------------------------------------------------------------------------------ */

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

bool trk_cfi_execute(const struct trk_cie *cie, struct trk_cfi_cursor c, uint64_t loc, uint64_t pc,
                     const struct trk_cfi_row *initial, struct trk_cfi_row *row)
{
    struct trk_cfi_row remembered[REMEMBER_MAX];
    unsigned depth = 0;
    while (c.p < c.end && !c.bad) {
        unsigned op = (unsigned)trk_cfi_take(&c, 1);
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
            set_rule(row, low, offset_rule((int64_t)trk_cfi_uleb(&c), cie->data_align));
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
            uint64_t to = trk_cfi_pointer(&c, cie->encoding, 0);
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
            if (__builtin_mul_overflow(trk_cfi_take(&c, 1u << (op - 2)), cie->code_align, &advance))
                return false;
            if (advance > pc - loc)
                return !c.bad;
            loc += advance;
            break;
        case 0x05: /* offset_extended */
            reg = trk_cfi_uleb(&c);
            set_rule(row, reg, offset_rule((int64_t)trk_cfi_uleb(&c), cie->data_align));
            break;
        case 0x06: /* restore_extended */
            reg = trk_cfi_uleb(&c);
            if (trk_cfi_reg(reg) < TRK_CFI_REGS)
                row->rule[trk_cfi_reg(reg)] = initial->rule[trk_cfi_reg(reg)];
            break;
        case 0x07: /* undefined */
            set_rule(row, trk_cfi_uleb(&c), (struct trk_cfi_rule){ .how = TRK_CFI_UNDEFINED });
            break;
        case 0x08: /* same_value */
            set_rule(row, trk_cfi_uleb(&c), (struct trk_cfi_rule){ .how = TRK_CFI_SAME });
            break;
        case 0x09: /* register */
        case 0x14: /* val_offset, val_offset_sf: a value, not a place */
            reg = trk_cfi_uleb(&c);
            trk_cfi_uleb(&c);
            set_rule(row, reg, (struct trk_cfi_rule){ .how = TRK_CFI_LOST });
            break;
        case 0x15:
            reg = trk_cfi_uleb(&c);
            trk_cfi_sleb(&c);
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
            set_cfa_reg(row, trk_cfi_uleb(&c));
            set_cfa_off(row, (int64_t)trk_cfi_uleb(&c), 1);
            break;
        case 0x0d:
            set_cfa_reg(row, trk_cfi_uleb(&c));
            break;
        case 0x0e:
            set_cfa_off(row, (int64_t)trk_cfi_uleb(&c), 1);
            break;
        case 0x0f: /* def_cfa_expression */
            set_cfa_expression(row, trk_cfi_block(&c), pc);
            break;
        case 0x10: /* expression */
            reg = trk_cfi_uleb(&c);
            set_rule(row, reg, expression_rule(trk_cfi_block(&c), pc));
            break;
        case 0x16: /* val_expression */
            reg = trk_cfi_uleb(&c);
            trk_cfi_block(&c);
            set_rule(row, reg, (struct trk_cfi_rule){ .how = TRK_CFI_LOST });
            break;
        case 0x11: /* offset_extended_sf */
            reg = trk_cfi_uleb(&c);
            set_rule(row, reg, offset_rule(trk_cfi_sleb(&c), cie->data_align));
            break;
        case 0x12: /* def_cfa_sf, def_cfa_offset_sf */
            set_cfa_reg(row, trk_cfi_uleb(&c));
            set_cfa_off(row, trk_cfi_sleb(&c), cie->data_align);
            break;
        case 0x13:
            set_cfa_off(row, trk_cfi_sleb(&c), cie->data_align);
            break;
        case 0x2d: /* AARCH64_negate_ra_state: signed from here on, or not; the signature is stripped in any case */
            if (!TRK_CFI_SIGNED_RA)
                return false;
            break;
        case 0x2e: /* GNU_args_size */
            trk_cfi_uleb(&c);
            break;
        case 0x2f: /* GNU_negative_offset_extended */
            reg = trk_cfi_uleb(&c);
            set_rule(row, reg, offset_rule(-(int64_t)(trk_cfi_uleb(&c) & INT64_MAX), cie->data_align));
            break;
        default:
            return false;
        }
    }
    return !c.bad;
}
