/* hook/decode.h: lengths of x86-64 instructions, where they jump, and what in them depends on their place.
 *
 * Made for moving the first instructions of a function. Knows every encoding that compilers and assemblers emit for
 * user programs (legacy maps, VEX, EVEX, XOP) and says "unknown" to all others, among them what is invalid in 64-bit
 * mode and near branches whose size processors disagree about. Never reads beyond `max` bytes. Source of the opcode
 * maps: Intel SDM volume 2, appendix A; tests compare each instruction of installed libraries with Zydis.
 *
 * Pure functions without state, any thread, async-signal-safe. */
#ifndef TRACK_HOOK_DECODE_H
#define TRACK_HOOK_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TRK_INSN_MAX = 15 }; /* bytes */

enum trk_insn_kind {
    TRK_INSN_PLAIN = 0,
    TRK_INSN_JUMP,          /* jmp rel8, rel32 */
    TRK_INSN_JUMP_IF,       /* jcc rel8, rel32; `condition` */
    TRK_INSN_CALL,          /* call rel32 */
    TRK_INSN_LOOP,          /* loop, loope, loopne, jrcxz, xbegin: relative, and not to be widened */
    TRK_INSN_JUMP_INDIRECT, /* jmp r/m64 */
    TRK_INSN_CALL_INDIRECT, /* call r/m64 */
    TRK_INSN_RETURN,        /* ret, iret and what else goes nowhere near */
    TRK_INSN_TRAP,          /* int3, int1, ud2, hlt: who stands here is a debugger, or dead code */
    TRK_INSN_NOP,           /* one- and many-byte no-operations, endbr64 not among them */
};

struct trk_insn {
    uint8_t length;
    uint8_t kind;      /* enum trk_insn_kind */
    uint8_t condition; /* JUMP_IF: low four bits of the opcode */
    uint8_t disp_at;   /* offset of a 32-bit displacement from the next instruction (rip-relative memory); 0: none */
    uint8_t modrm_at;  /* offset of the ModRM byte; 0: none */
    uint8_t stack;     /* the memory operand's base is rsp */
    int64_t target;    /* JUMP, JUMP_IF, CALL, LOOP: bytes from the beginning of this instruction */
};

/* Decodes the instruction at `code`, of which `max` bytes may be read. False: unknown, or longer than that. */
bool trk_decode(const uint8_t *code, size_t max, struct trk_insn *ret);

/* The four bytes of endbr64 stand there. */
bool trk_is_endbr64(const uint8_t *code, size_t max);

#endif
