/* ring_commands.h: what an input of fuzz_ring is made of. */
#ifndef FUZZ_RING_COMMANDS_H
#define FUZZ_RING_COMMANDS_H

#include <stdint.h>

enum ring_what {
    RING_SLOT,       /* which: ring; number: slots left out before it; first, second: the slot */
    RING_WORD,       /* second is written at offset first of the arena */
    RING_STACK,      /* number: stack id; first: its head; second: its first frame */
    RING_TEXT,       /* number: text id; first: its head; second: its first bytes */
    RING_TYPE,       /* number: type id; first: text id */
    RING_CLAIM_RING, /* which: ring; number: process entry + 1; first: waiting */
    RING_CLAIM_PROC, /* which: entry; number: part of its pid; first: parent; second: ids of its texts */
    RING_LOOK,       /* which, bit 0: holes are old, 1: write, 2: process entry `number` ends */
    RING_COMMANDS,
};

struct ring_command {
    uint8_t what; /* enum ring_what, modulo */
    uint8_t which;
    uint16_t number;
    uint32_t pad;
    uint64_t first, second;
};

#endif
