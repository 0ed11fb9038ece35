/* decode.c: lengths of x86-64 instructions. See decode.h. */
#include "decode.h"

/* What follows an opcode. */
enum {
    BAD = 0x80,
    MODRM = 0x40,
    NONE = 0,
    IMM8 = 1,  /* one byte */
    IMMZ = 2,  /* four bytes, two with an operand size prefix */
    IMMV = 3,  /* as IMMZ, eight with REX.W */
    IMM16 = 4, /* two bytes */
    ENTER = 5, /* three bytes */
    MOFFS = 6, /* an address: eight bytes, four with an address size prefix */
    REL8 = 7,
    REL32 = 8,
    UNARY8 = 9,  /* MODRM; one byte when its reg is 0 or 1 */
    UNARYZ = 10, /* the same, as IMMZ */
    WHAT = 0xf,
};

#define X4(a)  a, a, a, a
#define X8(a)  X4(a), X4(a)
#define X16(a) X8(a), X8(a)
/* add, or, adc, ...: four with ModRM, two with an immediate, two that are invalid or prefixes */
#define ALU X4(MODRM), IMM8, IMMZ, BAD, BAD

/* Prefixes and escapes are taken before these tables are asked. */
static const uint8_t one_byte[256] = {
    ALU,
    ALU,
    ALU,
    ALU,
    ALU,
    ALU,
    ALU,
    ALU, /* 00-3f */
    X16(BAD),
    X16(NONE), /* 40-5f */
    BAD,
    BAD,
    BAD,
    MODRM,
    X4(BAD),
    IMMZ,
    MODRM | IMMZ,
    IMM8,
    MODRM | IMM8,
    X4(NONE),  /* 60-6f */
    X16(REL8), /* 70-7f */
    MODRM | IMM8,
    MODRM | IMMZ,
    BAD,
    MODRM | IMM8,
    X4(MODRM),
    X8(MODRM), /* 80-8f */
    X8(NONE),
    NONE,
    NONE,
    BAD,
    X4(NONE),
    NONE, /* 90-9f */
    X4(MOFFS),
    X4(NONE),
    IMM8,
    IMMZ,
    X4(NONE),
    NONE,
    NONE, /* a0-af */
    X8(IMM8),
    X8(IMMV), /* b0-bf */
    MODRM | IMM8,
    MODRM | IMM8,
    IMM16,
    NONE,
    BAD,
    BAD,
    MODRM | IMM8,
    MODRM | IMMZ, /* c0-c7 */
    ENTER,
    NONE,
    IMM16,
    NONE,
    NONE,
    IMM8,
    BAD,
    NONE, /* c8-cf */
    X4(MODRM),
    BAD,
    BAD,
    BAD,
    NONE,
    X8(MODRM), /* d0-df */
    X4(REL8),
    X4(IMM8),
    REL32,
    REL32,
    BAD,
    REL8,
    X4(NONE), /* e0-ef */
    BAD,
    NONE,
    BAD,
    BAD,
    NONE,
    NONE,
    MODRM | UNARY8,
    MODRM | UNARYZ,
    X4(NONE),
    NONE,
    NONE,
    MODRM,
    MODRM, /* f0-ff */
};
/* 0f XX. System instructions that programs do not run are left out, and so is what AMD and Intel read differently. */
static const uint8_t two_byte[256] = {
    MODRM,
    MODRM,
    MODRM,
    MODRM,
    BAD,
    NONE,
    BAD,
    BAD,
    NONE,
    NONE,
    BAD,
    NONE,
    BAD,
    MODRM,
    BAD,
    BAD,        /* 00-0f */
    X16(MODRM), /* 10-1f */
    X8(BAD),
    X8(MODRM), /* 20-2f */
    BAD,
    NONE,
    BAD,
    NONE,
    BAD,
    BAD,
    BAD,
    BAD,
    X8(BAD), /* 30-3f */
    X16(MODRM),
    X16(MODRM),
    X16(MODRM), /* 40-6f */
    X4(MODRM | IMM8),
    MODRM,
    MODRM,
    MODRM,
    NONE,
    BAD,
    BAD,
    BAD,
    BAD,
    X4(MODRM), /* 70-7f */
    X16(REL32),
    X16(MODRM), /* 80-9f */
    NONE,
    NONE,
    NONE,
    MODRM,
    MODRM | IMM8,
    MODRM,
    BAD,
    BAD, /* a0-a7 */
    NONE,
    NONE,
    BAD,
    MODRM,
    MODRM | IMM8,
    MODRM,
    MODRM,
    MODRM, /* a8-af */
    X8(MODRM),
    MODRM,
    MODRM,
    MODRM | IMM8,
    MODRM,
    X4(MODRM), /* b0-bf */
    MODRM,
    MODRM,
    MODRM | IMM8,
    MODRM,
    MODRM | IMM8,
    MODRM | IMM8,
    MODRM | IMM8,
    MODRM,
    X8(NONE), /* c0-cf */
    X16(MODRM),
    X16(MODRM),
    X16(MODRM), /* d0-ff */
};

struct state {
    const uint8_t *code;
    size_t max, at;
    bool operand16, address32, wide, ok;
};

static uint8_t next(struct state *s)
{
    if (s->at >= s->max || s->at >= TRK_INSN_MAX) {
        s->ok = false;
        return 0;
    }
    return s->code[s->at++];
}

static int64_t number(const uint8_t *at, unsigned bytes)
{
    uint64_t n = 0;
    if (bytes == 0)
        return 0;
    for (unsigned i = 0; i < bytes; i++)
        n |= (uint64_t)at[i] << (8 * i);
    unsigned unused = 64 - 8 * bytes;
    return (int64_t)(n << unused) >> unused;
}

/* The ModRM byte and what belongs to it; returns it. */
static uint8_t take_modrm(struct state *s, struct trk_insn *ret)
{
    ret->modrm_at = (uint8_t)s->at;
    uint8_t modrm = next(s);
    unsigned mod = modrm >> 6, base = modrm & 7;
    bool near = mod == 0 && base == 5, absolute = false;
    if (mod == 3)
        return modrm;
    if (base == 4) {
        uint8_t sib = next(s);
        ret->stack = (sib & 7) == 4;
        absolute = mod == 0 && (sib & 7) == 5;
    }
    if (near)
        ret->disp_at = (uint8_t)s->at;
    s->at += mod == 1 ? 1 : mod == 2 || near || absolute ? 4 : 0;
    return modrm;
}

static unsigned immediate(const struct state *s, uint8_t what, uint8_t modrm)
{
    unsigned z = s->operand16 && !s->wide ? 2 : 4;
    bool test = (modrm >> 3 & 7) < 2;
    switch (what & WHAT) {
    case IMM8:
    case REL8:
        return 1;
    case IMMZ:
        return z;
    case IMMV:
        return s->wide ? 8 : z;
    case IMM16:
        return 2;
    case ENTER:
        return 3;
    case MOFFS:
        return s->address32 ? 4 : 8;
    case REL32:
        return 4;
    case UNARY8:
        return test ? 1 : 0;
    case UNARYZ:
        return test ? z : 0;
    default:
        return 0;
    }
}

static uint8_t kind_of_one(uint8_t op, uint8_t modrm)
{
    unsigned reg = modrm >> 3 & 7;
    if (op >= 0x70 && op <= 0x7f)
        return TRK_INSN_JUMP_IF;
    if (op == 0xe9 || op == 0xeb)
        return TRK_INSN_JUMP;
    if (op >= 0xe0 && op <= 0xe3)
        return TRK_INSN_LOOP;
    if (op == 0xc2 || op == 0xc3 || op == 0xca || op == 0xcb || op == 0xcf || (op == 0xff && reg == 5))
        return TRK_INSN_RETURN; /* and the far jump */
    if (op == 0xcc || op == 0xf1 || op == 0xf4)
        return TRK_INSN_TRAP;
    if (op == 0xff)
        return reg == 2 ? TRK_INSN_CALL_INDIRECT : reg == 4 ? TRK_INSN_JUMP_INDIRECT : TRK_INSN_PLAIN;
    return op == 0xe8 ? TRK_INSN_CALL : op == 0x90 ? TRK_INSN_NOP : TRK_INSN_PLAIN;
}

static uint8_t kind_of_two(uint8_t op)
{
    if (op >= 0x80 && op <= 0x8f)
        return TRK_INSN_JUMP_IF;
    return op == 0x0b || op == 0xb9 || op == 0xff ? TRK_INSN_TRAP : op == 0x1f ? TRK_INSN_NOP : TRK_INSN_PLAIN;
}

/* The bytes of an opcode behind 0f: its map (1: 0f, 2: 0f 38, 3: 0f 3a) and its last byte. */
static uint8_t take_escape(struct state *s, unsigned *ret_map)
{
    uint8_t op = next(s);
    *ret_map = op == 0x38 ? 2 : op == 0x3a ? 3 : 1;
    return *ret_map == 1 ? op : next(s);
}

static uint8_t what_follows(unsigned map, uint8_t op)
{
    return map == 0 ? one_byte[op] : map == 1 ? two_byte[op] : map == 3 ? MODRM | IMM8 : MODRM;
}

/* VEX (c5, c4), EVEX (62) or XOP (8f): the opcode's map and last byte. */
static uint8_t take_vector(struct state *s, uint8_t first, unsigned *ret_map)
{
    uint8_t p = next(s);
    unsigned map = first == 0xc5 ? 1 : first == 0x62 ? p & 7 : p & 0x1f;
    if (first != 0xc5)
        next(s);
    if (first == 0x62) {
        s->ok &= (p & 8) == 0; /* what comes after AVX-512 */
        next(s);
    }
    uint8_t op = next(s);
    if (first == 0x8f) { /* its maps: 8 with one byte, 9 without, 10 with four */
        s->ok &= map == 8 || map == 9;
        map = map == 8 ? 3 : 2;
    }
    s->ok &= map >= 1 && map <= (first == 0x62 ? 6u : 3u) && map != 4;
    *ret_map = map > 3 ? 2 : map;
    return op;
}

static bool is_prefix(struct state *s, uint8_t byte)
{
    s->operand16 |= byte == 0x66;
    s->address32 |= byte == 0x67;
    return byte == 0x66 || byte == 0x67 || byte == 0xf0 || byte == 0xf2 || byte == 0xf3 || byte == 0x2e ||
           byte == 0x36 || byte == 0x3e || byte == 0x26 || byte == 0x64 || byte == 0x65;
}

bool trk_decode(const uint8_t *code, size_t max, struct trk_insn *ret)
{
    struct state s = { .code = code, .max = max, .ok = true };
    struct trk_insn in = { 0 };
    uint8_t op = next(&s);
    while (s.ok && is_prefix(&s, op))
        op = next(&s);
    bool exchange = s.at > 1 && code[s.at - 2] == 0xf3; /* pause */
    if ((op & 0xf0) == 0x40) {
        s.wide = op & 8;
        exchange = true;
        op = next(&s);
        if ((op & 0xf0) == 0x40 || is_prefix(&s, op))
            return false; /* a REX prefix that is none: no compiler writes it */
    }
    unsigned map = 0;
    bool vector = op == 0xc4 || op == 0xc5 || op == 0x62 || (op == 0x8f && s.at < max && (code[s.at] & 0x1f) >= 8);
    if (vector)
        op = take_vector(&s, op, &map);
    else if (op == 0x0f)
        op = take_escape(&s, &map);
    uint8_t what = what_follows(map, op);
    if (vector && map == 1 && op != 0x77)
        what = MODRM | (what & IMM8);
    if (!s.ok || what & BAD)
        return false;
    uint8_t modrm = what & MODRM ? take_modrm(&s, &in) : 0;
    unsigned immediate_bytes = immediate(&s, what, modrm);
    size_t immediate_at = s.at;
    s.at += immediate_bytes;
    if (!s.ok || s.at > max || s.at > TRK_INSN_MAX)
        return false;
    in.length = (uint8_t)s.at;
    if (!vector)
        in.kind = map == 0 ? kind_of_one(op, modrm) : map == 1 ? kind_of_two(op) : TRK_INSN_PLAIN;
    if (in.kind == TRK_INSN_NOP && map == 0 && exchange)
        in.kind = TRK_INSN_PLAIN;
    if (map == 0 && !vector && op == 0xc7 && modrm == 0xf8)
        in.kind = TRK_INSN_LOOP; /* xbegin */
    bool relative = (what & WHAT) == REL8 || (what & WHAT) == REL32 || in.kind == TRK_INSN_LOOP;
    if (relative) {
        /* AMD's processors take 16 bits then. */
        if (s.operand16 && !s.wide)
            return false;
        in.target = in.length + number(code + immediate_at, immediate_bytes);
        in.condition = op & 0xf;
    }
    if (s.address32 && in.disp_at)
        return false; /* relative to eip */
    *ret = in;
    return true;
}

bool trk_is_endbr64(const uint8_t *code, size_t max)
{
    return max >= 4 && code[0] == 0xf3 && code[1] == 0x0f && code[2] == 0x1e && code[3] == 0xfa;
}
