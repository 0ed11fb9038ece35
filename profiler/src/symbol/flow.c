/* flow.c: follows a returned value through plain 64-bit moves. Compilers without optimization write `mov
 * %rax,-8(%rbp)`, or fetch a pointer and store behind it; with optimization the first move is into a register that
 * outlives calls. */
#include <symbol/flow.h>

#include <stdbool.h>
#include <string.h>

enum { REGISTERS = 16, RAX = 0, RSP = 4, RBP = 5, MAX_STEPS = 6, STORE = 0x89, LOAD = 0x8b };

struct state {
    uint32_t value;          /* bits of registers that hold it */
    bool fetched[REGISTERS]; /* was loaded from the frame, at: */
    int64_t from[REGISTERS];
};
struct move {
    uint8_t op;
    unsigned reg, base; /* base: of memory; the other register when `direct` */
    bool direct, absolute, known;
    int64_t disp;
    size_t bytes;
};

static const uint8_t dwarf_numbers[REGISTERS] = { 0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15 };

static bool decode(const uint8_t *code, size_t bytes, struct move *ret)
{
    int32_t wide = 0;
    size_t at = 3;
    if (bytes < 3 || (code[0] & 0xf8) != 0x48 || (code[0] & 2) != 0 || (code[1] != STORE && code[1] != LOAD))
        return false;
    unsigned mod = code[2] >> 6, rm = code[2] & 7;
    *ret = (struct move){
        .op = code[1],
        .reg = (code[2] >> 3 & 7) | (code[0] & 4) << 1,
        .base = rm | (code[0] & 1) << 3,
        .direct = mod == 3,
    };
    if (!ret->direct && rm == 4) {
        if (at >= bytes || code[at] != 0x24) // an index
            return false;
        at++;
    }
    if (mod == 1) {
        if (at >= bytes)
            return false;
        wide = (int8_t)code[at++];
    } else if (mod == 2 || (mod == 0 && rm == 5)) {
        if (bytes - at < sizeof wide)
            return false;
        memcpy(&wide, code + at, sizeof wide);
        at += sizeof wide;
        ret->absolute = mod == 0;
    }
    ret->disp = wide;
    ret->bytes = at;
    return true;
}

static void note_store(const struct state *state, const struct move *move, uint64_t at, struct prof_flow *flow)
{
    *flow = (struct prof_flow){ .at = at };
    if (move->absolute) {
        flow->kind = PROF_FLOW_ADDRESS;
        flow->addr = at + move->bytes + (uint64_t)move->disp;
    } else if (move->base == RBP) {
        flow->kind = PROF_FLOW_FRAME;
        flow->disp = move->disp;
    } else if (state->fetched[move->base]) {
        flow->kind = PROF_FLOW_OF_FRAME;
        flow->disp = state->from[move->base];
        flow->member = move->disp;
    } else {
        flow->kind = PROF_FLOW_OF_REGISTER;
        flow->reg = dwarf_numbers[move->base];
        flow->member = move->disp;
    }
}

static void copy(struct state *state, unsigned to, unsigned from)
{
    state->value = (state->value & ~(1u << to)) | (state->value >> from & 1) << to;
    state->fetched[to] = state->fetched[from];
    state->from[to] = state->from[from];
}

size_t prof_flow_follow(const uint8_t *code, size_t bytes, uint64_t vaddr, struct prof_flow flows[PROF_FLOW_MAX])
{
    struct state state = { .value = 1u << RAX };
    size_t count = 0;
    flows[count++] = (struct prof_flow){ .kind = PROF_FLOW_REGISTER, .at = vaddr };
    struct move move;
    for (int i = 0; i < MAX_STEPS && decode(code, bytes, &move); i++) {
        bool store = move.op == STORE;
        unsigned from = store ? move.reg : move.base, to = store ? move.base : move.reg;
        if (move.direct) {
            copy(&state, to, from);
            if ((state.value >> to & 1) != 0)
                flows[count++] = (struct prof_flow){ .kind = PROF_FLOW_REGISTER,
                                                     .reg = dwarf_numbers[to],
                                                     .at = vaddr + move.bytes };
        } else if (store) {
            if ((state.value >> move.reg & 1) != 0 && move.base != RSP)
                note_store(&state, &move, vaddr, &flows[count++]);
        } else {
            state.value &= ~(1u << to);
            state.fetched[to] = move.base == RBP && !move.absolute;
            state.from[to] = move.disp;
        }
        code += move.bytes;
        bytes -= move.bytes;
        vaddr += move.bytes;
    }
    return count;
}
