/* cfi_aarch64.h: what unwinding needs to know about aarch64. Included by cfi.h only. Means what cfi_x86_64.h says. */
#ifndef TRACK_CFI_AARCH64_H
#define TRACK_CFI_AARCH64_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>

enum trk_cfi_reg {
    TRK_CFI_FP, /* x29 */
    TRK_CFI_X19,
    TRK_CFI_X28 = TRK_CFI_X19 + 9,
    TRK_CFI_VOLATILE,
    TRK_CFI_LINK = TRK_CFI_VOLATILE, /* x30 as a register: where a function that calls nobody has its return address */
    TRK_CFI_RA,                      /* x30 as the way back, which is what tables mean by it */
    TRK_CFI_REGS,
    TRK_CFI_SP,
    TRK_CFI_OTHER,
};

enum {
    TRK_CFI_DWARF_RA = 30,
    TRK_CFI_SIGNED_RA = 1,
    TRK_CFI_CFA_BITS = 15,
    TRK_CFI_SAVED_BITS = 11,
    /* A frame record holds the caller's fp and the return address, but may be anywhere in its frame. */
    TRK_CFI_RECORD_TELLS_SP = 0,
};

static inline enum trk_cfi_reg trk_cfi_reg(uint64_t dwarf)
{
    if (dwarf >= 19 && dwarf <= 28)
        return (enum trk_cfi_reg)(TRK_CFI_X19 + (dwarf - 19));
    switch (dwarf) {
    case 29:
        return TRK_CFI_FP;
    case TRK_CFI_DWARF_RA:
        return TRK_CFI_RA;
    case 31:
        return TRK_CFI_SP;
    default:
        return TRK_CFI_OTHER;
    }
}

/* Most rows say: x30 is at CFA - 8 * n, and x29 in the word below it or still in its register. */
static inline bool trk_cfi_pack(bool fp_saved, int32_t fp_off, int32_t ra_off, unsigned *ret)
{
    *ret = (unsigned)-ra_off / 8 << 1 | fp_saved;
    return ra_off < 0 && ra_off % 8 == 0 && (!fp_saved || fp_off == ra_off - 8);
}
static inline uintptr_t trk_cfi_packed_ra(uintptr_t cfa, unsigned packed)
{
    return cfa - (uintptr_t)(packed >> 1) * 8;
}
static inline uintptr_t trk_cfi_packed_fp(uintptr_t cfa, unsigned packed, uintptr_t keep)
{
    return packed & 1 ? cfa - (uintptr_t)(packed >> 1) * 8 - 8 : keep;
}

/* Without its signature, if it has one. The instruction does nothing on processors that sign nothing. */
static inline uintptr_t trk_cfi_return(uintptr_t word)
{
    register uintptr_t x30 __asm__("x30") = word;
    __asm__("hint 7" : "+r"(x30)); /* xpaclri */
    return x30;
}

static inline bool trk_cfi_local_exchange(uint64_t *p, uint64_t *old, uint64_t desired)
{
    return __atomic_compare_exchange_n(p, old, desired, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/* The signal number is invalid, so the action is copied in and thrown away. */
static inline long trk_cfi_probe(uintptr_t addr)
{
    register long x8 __asm__("x8") = SYS_rt_sigaction;
    register long x0 __asm__("x0") = 0;
    register uintptr_t x1 __asm__("x1") = addr;
    register long x2 __asm__("x2") = 0;
    register long x3 __asm__("x3") = 8;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
}

/* Handlers return to `mov x8, #__NR_rt_sigreturn; svc 0`, for which the tables of kernels say nothing, or that the code
 * was called by the one interrupted. */
enum { TRK_CFI_TRAMPOLINES = 1 };
static inline bool trk_cfi_trampoline_code(const uint32_t *code)
{
    return code[0] == 0xd2801168 && code[1] == 0xd4000001;
}

/* Where the kernel put a register, counted from sp behind the handler: struct rt_sigframe is a siginfo of 128 bytes and
 * a ucontext whose registers begin 184 bytes in. */
static inline int32_t trk_cfi_trampoline_off(enum trk_cfi_reg reg)
{
    const int32_t x0 = 128 + 184;
    if (reg == TRK_CFI_RA) /* pc */
        return x0 + 32 * 8;
    if (reg == TRK_CFI_SP)
        return x0 + 31 * 8;
    if (reg == TRK_CFI_LINK)
        return x0 + 30 * 8;
    return x0 + (reg == TRK_CFI_FP ? 29 : 19 + (int)(reg - TRK_CFI_X19)) * 8;
}

#endif
