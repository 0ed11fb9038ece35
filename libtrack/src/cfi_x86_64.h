/* cfi_x86_64.h: what unwinding needs to know about x86-64. Included by cfi.h only.
 *
 * Another machine needs the same names: the registers that are followed, their DWARF numbers, where a call leaves the
 * return address, and the probe. The layout of signal frames is not needed: their unwind rows say where each register
 * is. */
#ifndef TRACK_CFI_X86_64_H
#define TRACK_CFI_X86_64_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>

/* Registers a row keeps rules for. All but RA are callee-saved: a caller's value survives in a register or in a slot.
 */
enum trk_cfi_reg {
    TRK_CFI_FP, /* rbp */
    TRK_CFI_RBX,
    TRK_CFI_R12,
    TRK_CFI_R13,
    TRK_CFI_R14,
    TRK_CFI_R15,
    TRK_CFI_VOLATILE, /* from here on calls destroy them */
    TRK_CFI_RAX = TRK_CFI_VOLATILE,
    TRK_CFI_R10,
    TRK_CFI_R11,
    TRK_CFI_RA,
    TRK_CFI_REGS, /* count of the above */
    TRK_CFI_SP,   /* has no rule: the caller's is the CFA */
    TRK_CFI_OTHER,
    TRK_CFI_LINK = TRK_CFI_OTHER, /* no register holds the return address */
};

enum {
    TRK_CFI_DWARF_RA = 16,
    TRK_CFI_SIGNED_RA = 0,       /* whether return addresses may be signed */
    TRK_CFI_CFA_BITS = 17,       /* of a row word, for the CFA's offset in words */
    TRK_CFI_SAVED_BITS = 9,      /* of a row word, for trk_cfi_pack; both together 26 */
    TRK_CFI_RECORD_TELLS_SP = 1, /* behind the words that a frame pointer points to lies the caller's frame */
};

/* Most rows say: the return address is at CFA - 8, where the call instruction stores it, and the caller's fp still in
 * its register (0) or at CFA - 8 * n. That n is what a row word keeps of them. */
static inline bool trk_cfi_pack(bool fp_saved, int32_t fp_off, int32_t ra_off, unsigned *ret)
{
    *ret = fp_saved ? (unsigned)-fp_off / 8 : 0;
    return ra_off == -8 && (!fp_saved || (fp_off < 0 && fp_off % 8 == 0));
}
static inline uintptr_t trk_cfi_packed_ra(uintptr_t cfa, unsigned packed)
{
    (void)packed;
    return cfa - 8;
}
/* The slot of the caller's fp: keep while it is still in its register. */
static inline uintptr_t trk_cfi_packed_fp(uintptr_t cfa, unsigned packed, uintptr_t keep)
{
    return packed ? cfa - packed * 8 : keep;
}

/* The address in a saved return address. */
static inline uintptr_t trk_cfi_return(uintptr_t word)
{
    return word;
}

/* The followed register of a DWARF register number. */
static inline enum trk_cfi_reg trk_cfi_reg(uint64_t dwarf)
{
    switch (dwarf) {
    case 0:
        return TRK_CFI_RAX;
    case 3:
        return TRK_CFI_RBX;
    case 6:
        return TRK_CFI_FP;
    case 7:
        return TRK_CFI_SP;
    case 10:
        return TRK_CFI_R10;
    case 11:
        return TRK_CFI_R11;
    case 12:
        return TRK_CFI_R12;
    case 13:
        return TRK_CFI_R13;
    case 14:
        return TRK_CFI_R14;
    case 15:
        return TRK_CFI_R15;
    case TRK_CFI_DWARF_RA:
        return TRK_CFI_RA;
    default:
        return TRK_CFI_OTHER;
    }
}

/* Compare-exchange that is atomic against signal handlers of this thread only, at a fraction of the price of a locked
 * one. False: *old got the present value. */
static inline bool trk_cfi_local_exchange(uint64_t *p, uint64_t *old, uint64_t desired)
{
    bool done;
    __asm__ volatile("cmpxchgq %3, %1" : "=@ccz"(done), "+m"(*p), "+a"(*old) : "r"(desired) : "memory");
    return done;
}

/* Asks the kernel to read 8 bytes at addr: -EINVAL when it could, -EFAULT when it could not; another value means that
 * the question was refused. Changes nothing: `how` is invalid, so the mask is copied in and thrown away. */
static inline long trk_cfi_probe(uintptr_t addr)
{
    long ret;
    register long size __asm__("r10") = 8;
    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "0"((long)SYS_rt_sigprocmask), "D"(-1L), "S"(addr), "d"(0L), "r"(size)
                     : "rcx", "r11", "memory");
    return ret;
}

/* Signal frames need no knowledge: the row of the code that handlers return to says where everything is. */
enum { TRK_CFI_TRAMPOLINES = 0 };
static inline bool trk_cfi_trampoline_code(const uint32_t *code)
{
    (void)code;
    return false;
}
static inline int32_t trk_cfi_trampoline_off(enum trk_cfi_reg reg)
{
    (void)reg;
    return 0;
}

#endif
