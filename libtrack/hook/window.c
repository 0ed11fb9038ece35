/* window.c: functions that never look at arguments on the stack. See relocate.h.
 *
 * Sure because it gives up at whatever could lead to an address above the return address: no address of the stack may
 * get into a register other than rsp and rbp, or be computed with an index, and how far rsp is below its beginning is
 * known at each instruction that uses it. Depths are carried along the code and its jumps until nothing changes. */
#include "relocate.h"

#include "decode.h"

enum {
    CODE_MAX = 2048, /* bytes of a function that are looked at */
    PASSES = 6,
    UNKNOWN = INT16_MIN,
    DEPTH_MAX = 1 << 14,
    WORD = 8,
    RSP = 4,
    RBP = 5,
    NO_INDEX = 4,
    REX_W = 8,
    REX_R = 4,
    REX_X = 2,
    REX_B = 1,
};

struct reader {
    const uint8_t *code;
    size_t size;
    bool framed;             /* rbp is the frame's */
    int frame;               /* depth to which rbp points; UNKNOWN before that */
    int16_t depth[CODE_MAX]; /* of rsp at each instruction, as far as known */
    bool changed;
};

/* An instruction of the one-byte or 0f maps, taken apart. */
struct parts {
    const uint8_t *operand; /* ModRM */
    unsigned rex, map, op;
    unsigned mod, reg, rm;         /* with the bits of REX */
    bool has_modrm, short_operand; /* a prefix says 16 bits */
};

static bool is_prefix(uint8_t byte)
{
    return byte == 0x66 || byte == 0x67 || byte == 0xf0 || byte == 0xf2 || byte == 0xf3 || byte == 0x2e ||
           byte == 0x36 || byte == 0x3e || byte == 0x26 || byte == 0x64 || byte == 0x65;
}

/* False: an encoding with vector prefixes, or something else that is not taken apart here. */
static bool take_apart(const uint8_t *p, const struct trk_insn *in, struct parts *ret)
{
    const uint8_t *begin = p;
    *ret = (struct parts){ 0 };
    while (is_prefix(*p))
        ret->short_operand |= *p++ == 0x66;
    if ((*p & 0xf0) == 0x40)
        ret->rex = *p++;
    ret->op = *p++;
    if (ret->op == 0x0f) {
        ret->map = 1;
        ret->op = *p++;
        if (ret->op == 0x38 || ret->op == 0x3a) {
            ret->map = 2;
            ret->op = *p++;
        }
    } else if (ret->op == 0xc4 || ret->op == 0xc5 || ret->op == 0x62) {
        return false;
    }
    ret->has_modrm = in->modrm_at != 0;
    if (!ret->has_modrm)
        return true;
    if (begin + in->modrm_at != p)
        return false;
    ret->operand = p;
    ret->mod = *p >> 6;
    ret->reg = (*p >> 3 & 7) | (ret->rex & REX_R) << 1;
    ret->rm = (*p & 7) | (ret->rex & REX_B) << 3;
    return true;
}

/* Opcodes whose reg field is a part of the opcode. */
static bool is_group(const struct parts *x)
{
    return x->map == 0 && (x->op == 0x80 || x->op == 0x81 || x->op == 0x83 || x->op == 0x8f || x->op == 0xc0 ||
                           x->op == 0xc1 || x->op == 0xc6 || x->op == 0xc7 || (x->op >= 0xd0 && x->op <= 0xd3) ||
                           x->op == 0xf6 || x->op == 0xf7 || x->op == 0xfe || x->op == 0xff);
}

static int displacement(const uint8_t *at, unsigned mod)
{
    if (mod == 1)
        return (int8_t)*at;
    if (mod != 2)
        return 0;
    return (int)(at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24);
}

/* Whether the memory operand stays below the return address, which it may reach at most. depth: of rsp. */
static bool memory_ok(const struct reader *r, const struct parts *x, int depth)
{
    unsigned base = x->rm;
    bool index = false;
    const uint8_t *disp = x->operand + 1;
    if ((*x->operand & 7) == RSP) { /* a SIB byte */
        uint8_t sib = *disp++;
        base = (sib & 7) | (x->rex & REX_B) << 3;
        index = ((sib >> 3 & 7) | (x->rex & REX_X) << 2) != NO_INDEX;
        if ((sib & 7) == RBP && x->mod == 0)
            return true; /* no base */
    } else if ((*x->operand & 7) == RBP && x->mod == 0) {
        return true; /* relative to rip */
    }
    if (base != RSP && !(base == RBP && r->framed))
        return true;
    int below = base == RSP ? depth : r->frame;
    bool address = x->map == 0 && x->op == 0x8d; /* lea */
    bool wide = x->map == 1 && (x->op == 0xae || x->op == 0xc7);
    return below != UNKNOWN && !index && !address && !wide && displacement(disp, x->mod) - below <= -WORD;
}

/* Whether no register operand is rsp, or rbp when that is the frame's. */
static bool registers_ok(const struct reader *r, const struct parts *x)
{
    unsigned low = (x->op & 7) | (x->rex & REX_B) << 3;
    if (!x->has_modrm) {
        bool names = x->map == 0 && ((x->op >= 0x50 && x->op <= 0x5f) || (x->op >= 0x90 && x->op <= 0x97) ||
                                     (x->op >= 0xb8 && x->op <= 0xbf));
        names |= x->map == 1 && x->op >= 0xc8 && x->op <= 0xcf; /* bswap */
        return !names || (low != RSP && !(r->framed && low == RBP));
    }
    unsigned reg = is_group(x) ? 0 : x->reg;
    bool direct = x->mod == 3;
    return reg != RSP && !(direct && x->rm == RSP) && !(r->framed && (reg == RBP || (direct && x->rm == RBP)));
}

/* push, pop and arithmetic with rsp: how the depth changes. False: none of these. */
static bool moves_stack(const struct reader *r, const struct parts *x, const uint8_t *end, int *depth)
{
    unsigned low = (x->op & 7) | (x->rex & REX_B) << 3, extension = x->reg & 7;
    bool immediate = x->map == 0 && (x->op == 0x81 || x->op == 0x83) && x->mod == 3 && x->rm == RSP && x->rex & REX_W;
    int number = displacement(end - (x->op == 0x83 ? 1 : 4), x->op == 0x83 ? 1 : 2);
    bool again = r->framed && low == RBP && r->frame != UNKNOWN && *depth != r->frame - WORD; /* not what saves it */
    if (x->map != 0 || x->short_operand)
        return false;
    if ((x->op >= 0x50 && x->op <= 0x57 && low != RSP && !again) || x->op == 0x68 || x->op == 0x6a)
        *depth += WORD;
    else if (x->op >= 0x58 && x->op <= 0x5f && low != RSP)
        *depth -= WORD;
    else if (immediate && extension == 5 && number >= 0 && number < DEPTH_MAX)
        *depth += number;
    else if (immediate && extension == 0 && number >= -DEPTH_MAX && number < DEPTH_MAX)
        *depth -= number;
    else if (x->op == 0xc9 && r->framed && r->frame != UNKNOWN) /* leave */
        *depth = r->frame - WORD;
    else
        return false;
    return true;
}

static bool is_frame_move(const uint8_t *p, size_t length)
{
    return length == 3 && p[0] == 0x48 && ((p[1] == 0x89 && p[2] == 0xe5) || (p[1] == 0x8b && p[2] == 0xec));
}

static bool reach(struct reader *r, int64_t target, int depth)
{
    if (target < 0 || target >= (int64_t)r->size)
        return false;
    if (r->depth[target] == UNKNOWN) {
        r->depth[target] = (int16_t)depth;
        r->changed = true;
    }
    return r->depth[target] == depth;
}

/* One instruction whose depth is known; hands the depth on to what follows. */
static bool step(struct reader *r, size_t off, const struct trk_insn *in)
{
    const uint8_t *p = r->code + off;
    struct parts x;
    int depth = r->depth[off];
    if (is_frame_move(p, in->length)) {
        if (r->frame != UNKNOWN && r->frame != depth)
            return false;
        r->frame = depth;
        return reach(r, (int64_t)(off + in->length), depth);
    }
    if (!take_apart(p, in, &x))
        return false;
    bool other_stack = x.map == 0 && (x.op == 0xc8 || x.op == 0x9c || x.op == 0x9d || (x.op == 0x8f && x.has_modrm) ||
                                      (x.op == 0xff && (x.reg & 7) == 6)); /* enter, pushf, popf, pop m, push m */
    if (other_stack || (x.has_modrm && x.mod != 3 && !memory_ok(r, &x, depth)))
        return false;
    if (!moves_stack(r, &x, p + in->length, &depth) && !registers_ok(r, &x))
        return false;
    if (depth < 0 || depth > DEPTH_MAX)
        return false;
    switch (in->kind) {
    case TRK_INSN_RETURN:
        return depth == 0 && (x.op == 0xc3 || x.op == 0xc2) && x.map == 0;
    case TRK_INSN_TRAP:
        return true;
    case TRK_INSN_JUMP:
        return reach(r, (int64_t)off + in->target, depth);
    case TRK_INSN_JUMP_INDIRECT:
        return false;
    case TRK_INSN_CALL: /* one to itself begins another call; one into its middle is a trick */
        if ((int64_t)off + in->target > 0 && (int64_t)off + in->target < (int64_t)r->size)
            return false;
        break;
    case TRK_INSN_JUMP_IF:
    case TRK_INSN_LOOP:
        if (!reach(r, (int64_t)off + in->target, depth))
            return false;
        break;
    default:
        break;
    }
    /* What ends with a call calls what does not return. */
    if (off + in->length == r->size)
        return in->kind == TRK_INSN_CALL;
    return reach(r, (int64_t)(off + in->length), depth);
}

bool trk_ignores_stack(const uint8_t *code, size_t size)
{
    struct reader r = { .code = code, .size = size, .frame = UNKNOWN, .changed = true };
    struct trk_insn in;
    if (size == 0 || size > CODE_MAX)
        return false;
    for (size_t i = 0; i < size; i++)
        r.depth[i] = UNKNOWN;
    for (size_t off = 0; off < size; off += in.length) {
        if (!trk_decode(code + off, size - off, &in))
            return false;
        r.framed |= is_frame_move(code + off, in.length);
    }
    r.depth[0] = 0;
    for (unsigned pass = 0; pass < PASSES && r.changed; pass++) {
        r.changed = false;
        for (size_t off = 0; off < size; off += in.length) {
            trk_decode(code + off, size - off, &in);
            if (r.depth[off] != UNKNOWN && !step(&r, off, &in))
                return false;
        }
    }
    /* What was never reached was not looked at: padding, or code behind what this does not follow. */
    for (size_t off = 0; off < size; off += in.length) {
        trk_decode(code + off, size - off, &in);
        if (r.depth[off] == UNKNOWN && in.kind != TRK_INSN_NOP && code[off] != 0xcc)
            return false;
    }
    return !r.changed;
}
