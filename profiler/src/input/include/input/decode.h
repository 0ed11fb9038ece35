/* input/decode.h: slots to events. Distrusts every bit: what comes out has a known op, addresses below 2^56, type ids
 * below TRK_TYPE_MAX and sizes below 2^44. Not thread-safe; no allocation, no errors. */
#ifndef INPUT_DECODE_H
#define INPUT_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <prof/trace.h>
#include <track/format.h>

#define PROF_ADDR_MASK (((uint64_t)1 << 56) - 1)
#define PROF_TID_MASK  (((uint32_t)1 << 22) - 1)           /* Linux has none above */
#define PROF_TIME_MAX  (((uint64_t)1 << TRK_ARG_BITS) - 1) /* microseconds */
#define PROF_DAY_US    ((uint64_t)86400 * 1000000)         /* an exact time further from its tick is none */

/* What one ring remembers from slot to slot. Zero-initialize but `high`; lives as long as the ring is read. */
struct prof_decoder {
    uint64_t high; /* prof_decoder_high: added to what is 2^TRK_ADDR_LOW_BITS or more */
    uint64_t time_us;
    uint32_t tid;
    uint32_t ring;
    uint64_t records; /* first slots seen */
    uint64_t strays;  /* EXT slots without a first slot */
    uint64_t unknown; /* records whose op this reader does not know */
    bool numbers;     /* some record bore the number of its change */
};

/* The bit that addresses of a trace with these TRK_FILE_* flags imply, 0: none. */
static inline uint64_t prof_decoder_high(uint32_t flags)
{
    return (flags & TRK_FILE_HIGH) != 0 ? (uint64_t)1 << TRK_ADDR_BITS : 0;
}

/* The ring goes on with a block: its head tells owner and time. Time never goes back. */
void prof_decoder_enter(struct prof_decoder *decoder, const struct trk_events_head *head);

/* Decodes slots[*pos..count) into at most `room` events (64 bytes each), moves *pos behind what was used, and returns
 * the number of events. Returns less than room only when the slots are used up. */
size_t prof_decode(struct prof_decoder *decoder, const struct trk_slot *slots, size_t count, size_t *pos,
                   struct prof_event *events, size_t room);
/* The same for who merges rings by their ticks: time_us stays that of the tick, and exact_us (as many as events) gets
 * what prof_decode would have put there, where `fine` is set. */
size_t prof_decode_ticks(struct prof_decoder *decoder, const struct trk_slot *slots, size_t count, size_t *pos,
                         struct prof_event *events, uint64_t *exact_us, size_t room);

#endif
