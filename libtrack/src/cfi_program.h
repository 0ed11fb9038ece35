/* cfi_program.h: reading unwind tables byte by byte, and executing their programs. Internal to cfi.c and cfi_program.c.
 *
 * All input is treated as hostile: each access goes through a cursor that cannot leave its range, all loops are bounded
 * by the bytes they consume, and what is not understood refuses the row instead of guessing. */
#ifndef TRACK_CFI_PROGRAM_H
#define TRACK_CFI_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cfi.h"

/* How a pointer is encoded; names as in the standard. */
enum {
    TRK_PE_ABS = 0x00,
    TRK_PE_PCREL = 0x10,
    TRK_PE_DATAREL = 0x30,
    TRK_PE_INDIRECT = 0x80,
    TRK_PE_OMIT = 0xff,
    TRK_PE_TABLE = 0x3b, /* datarel | sdata4: the only table that can be searched */
};
/* A position in readable memory. After a read past the end `bad` is set and all further reads give 0. */
struct trk_cfi_cursor {
    const uint8_t *p, *end;
    bool bad;
};

static inline uint64_t trk_cfi_take(struct trk_cfi_cursor *c, unsigned bytes)
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

static inline void trk_cfi_skip(struct trk_cfi_cursor *c, uint64_t bytes)
{
    if ((uint64_t)(c->end - c->p) < bytes) {
        c->bad = true;
        c->p = c->end;
        return;
    }
    c->p += bytes;
}

static inline uint64_t trk_cfi_uleb(struct trk_cfi_cursor *c)
{
    uint64_t v = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint64_t b = trk_cfi_take(c, 1);
        if (shift < 64)
            v |= (b & 0x7f) << shift;
        if (!(b & 0x80))
            return v;
    }
}

static inline int64_t trk_cfi_sleb(struct trk_cfi_cursor *c)
{
    uint64_t v = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint64_t b = trk_cfi_take(c, 1);
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
static inline uint64_t trk_cfi_pointer(struct trk_cfi_cursor *c, unsigned encoding, uint64_t data)
{
    uint64_t at = (uint64_t)(uintptr_t)c->p;
    uint64_t v;
    switch (encoding & 0x0f) {
    case 0x00: /* absptr */
    case 0x04:
    case 0x0c:
        v = trk_cfi_take(c, 8);
        break;
    case 0x01:
        v = trk_cfi_uleb(c);
        break;
    case 0x02:
        v = trk_cfi_take(c, 2);
        break;
    case 0x03:
        v = trk_cfi_take(c, 4);
        break;
    case 0x09:
        v = (uint64_t)trk_cfi_sleb(c);
        break;
    case 0x0a:
        v = (uint64_t)(int64_t)(int16_t)trk_cfi_take(c, 2);
        break;
    case 0x0b:
        v = (uint64_t)(int64_t)(int32_t)trk_cfi_take(c, 4);
        break;
    default:
        c->bad = true;
        return 0;
    }
    switch (encoding & 0x70) {
    case TRK_PE_ABS:
        return v;
    case TRK_PE_PCREL:
        return v + at;
    case TRK_PE_DATAREL:
        return v + data;
    default:
        c->bad = true;
        return 0;
    }
}

/* The block of bytes in front of which its length stands; *c moves behind it. */
static inline struct trk_cfi_cursor trk_cfi_block(struct trk_cfi_cursor *c)
{
    uint64_t length = trk_cfi_uleb(c);
    struct trk_cfi_cursor block = { .p = c->p };
    trk_cfi_skip(c, length);
    block.end = c->bad ? block.p : c->p;
    return block;
}

/* What the functions of one common information entry share. */
struct trk_cie {
    uint64_t code_align;
    int64_t data_align;
    struct trk_cfi_cursor program;
    uint8_t encoding; /* of the pointers in its FDEs */
    bool has_augmentation;
    bool signal;
};

/* Executes a program whose first row begins at loc until the row of pc is complete. initial: what DW_CFA_restore goes
 * back to. False: malformed or unknown; *row is then in between. */
bool trk_cfi_execute(const struct trk_cie *cie, struct trk_cfi_cursor program, uint64_t loc, uint64_t pc,
                     const struct trk_cfi_row *initial, struct trk_cfi_row *row);

#endif
