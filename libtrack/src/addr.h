/* addr.h: addresses of the program as records hold them. Internal.
 *
 * track/format.h tells the encoding. On machines without TRK_HIGH_ADDRESSES the 47 bits are the address, and nothing
 * here costs anything. On the others a kernel may give programs 48 bits; then trk_eng.addr_high is bit 47. Tags in the
 * top byte, which processors ignore and allocators use, do not belong to the address; but bit 63 of a slot or of a
 * place that something moves from says that it is a holder. */
#ifndef TRACK_ADDR_H
#define TRACK_ADDR_H

#include "engine.h"

#define TRK_ADDR_MASK  (((uint64_t)1 << TRK_ADDR_BITS) - 1)
#define TRK_ADDR_UNFIT (~(uint64_t)0) /* instead of a code: the address has none */
#define TRK_ADDR_PLAIN (((uint64_t)1 << 56) - 1)
#define TRK_ADDR_TOKEN ((uint64_t)1 << 63)

/* The code of an address without a tag, or TRK_ADDR_UNFIT: whatever does not come back by decoding has none. */
static inline uint64_t trk_addr_code(uint64_t addr, uint64_t high)
{
    uint64_t code = addr & TRK_ADDR_MASK;
    uint64_t back = code >> TRK_ADDR_LOW_BITS ? code | high : code;
    return TRK_LIKELY(back == addr) ? code : TRK_ADDR_UNFIT;
}

/* What first slots, and filters, know the address by. */
static inline uint64_t trk_addr(const void *p)
{
    uint64_t addr = (uintptr_t)p;
    return TRK_HIGH_ADDRESSES ? trk_addr_code(addr & TRK_ADDR_PLAIN, trk_eng.addr_high) : addr & TRK_ADDR_MASK;
}

/* The same for slots; what is no code stands for holders and addresses that need an EXT slot. */
static inline uint64_t trk_addr_slot(const void *slot)
{
    uint64_t addr = (uintptr_t)slot;
    if (!TRK_HIGH_ADDRESSES)
        return addr;
    return addr & TRK_ADDR_TOKEN ? TRK_ADDR_UNFIT : trk_addr_code(addr & TRK_ADDR_PLAIN, trk_eng.addr_high);
}

/* True for the code of a slot that fits the 44-bit argument (that of NULL does). */
static inline bool trk_addr_slot_fits(uint64_t code)
{
    return (code & ~(TRK_ADDR_MASK & ~(uint64_t)7)) == 0;
}

/* The whole address, for EXT slots; bit 63 stays. */
static inline uint64_t trk_addr_whole(const void *p)
{
    return TRK_HIGH_ADDRESSES ? (uintptr_t)p & (TRK_ADDR_PLAIN | TRK_ADDR_TOKEN) : (uintptr_t)p;
}

#endif
