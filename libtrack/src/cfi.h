/* cfi.h: unwind rows of .eh_frame: how to find a caller's registers at one instruction. Internal to the stack part.
 *
 * Everything here is async-signal-safe, takes no locks, allocates nothing, keeps errno and reads only memory of loaded
 * modules. Malformed tables give a result other than TRK_CFI_OK, never a wild read. */
#ifndef TRACK_CFI_H
#define TRACK_CFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
#include "cfi_x86_64.h"
#elif defined(__aarch64__)
#include "cfi_aarch64.h"
#else
#error "stack capture has no description of this machine: write cfi_MACHINE.h beside cfi_x86_64.h"
#endif

/* Where the caller's value of a register is. */
enum trk_cfi_how {
    TRK_CFI_SAME,      /* still in the register */
    TRK_CFI_AT_CFA,    /* in memory at CFA + off */
    TRK_CFI_AT_REG,    /* in memory at reg + off, reg being this frame's */
    TRK_CFI_UNDEFINED, /* nowhere; for RA: this is the outermost frame */
    TRK_CFI_LOST,      /* somewhere this reader does not follow */
};
struct trk_cfi_rule {
    int32_t off;
    uint8_t how; /* enum trk_cfi_how */
    uint8_t reg; /* enum trk_cfi_reg */
};

enum trk_cfi_cfa {
    TRK_CFI_CFA_LOST,
    TRK_CFI_CFA_REG,   /* reg + off */
    TRK_CFI_CFA_DEREF, /* *(reg + off) + add */
};

/* One row: the rules that hold at one instruction. */
struct trk_cfi_row {
    struct trk_cfi_rule rule[TRK_CFI_REGS];
    int32_t cfa_off;
    int32_t cfa_add;
    uint8_t cfa_how; /* enum trk_cfi_cfa */
    uint8_t cfa_reg; /* enum trk_cfi_reg */
    uintptr_t begin; /* first instruction of the function that the row is of */
    uintptr_t end;   /* behind its last one */
    bool signal;     /* a signal frame: the caller was interrupted at the found address, it did not call */
};

enum trk_cfi_result {
    TRK_CFI_OK,
    TRK_CFI_NO_OBJECT, /* no loaded module covers the address (generated code, garbage, no lookup in this libc) */
    TRK_CFI_NO_ENTRY,  /* its module describes no function there */
    TRK_CFI_REFUSED,   /* described, but malformed or by means this reader does not know */
};

/* The row for the instruction at pc (for a return address: the address minus 1). *row is written on TRK_CFI_OK only. */
enum trk_cfi_result trk_cfi_find(uintptr_t pc, struct trk_cfi_row *row);

/* True when a loaded module covers pc. */
bool trk_cfi_known(uintptr_t pc);

/* A binary search table (.eh_frame_hdr) and the readable range that holds it and its .eh_frame. */
struct trk_cfi_table {
    uintptr_t hdr;
    uintptr_t lo, hi;
};

/* The reader behind trk_cfi_find: reads nothing outside [lo, hi). */
enum trk_cfi_result trk_cfi_read(const struct trk_cfi_table *table, uintptr_t pc, struct trk_cfi_row *row);

#endif
