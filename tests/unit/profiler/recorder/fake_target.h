/* fake_target.h: plays libtrack's part by hand: the handshake, claims, rings, definitions. For tests. */
#ifndef TEST_RECORDER_FAKE_TARGET_H
#define TEST_RECORDER_FAKE_TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <track/format.h>

struct fake {
    unsigned char *base;
    uint64_t bytes;
    struct trk_shm_header *h;
    struct trk_shm_proc *procs;
    struct trk_shm_ring *rings;
    uint32_t pid; /* of the process that claimed an entry last, in this one or those it was forked from */
};

struct fake_ring {
    struct fake *fake;
    uint32_t index;
    uint64_t cursor;
    uint64_t nslots;
};

/* Connects and sends a hello; returns the descriptor, -1 when refused. */
int fake_hello(const char *socket, const struct trk_hello *hello);
/* Takes the welcome and maps the arena; false without one. Closes fd. */
bool fake_welcome(int fd, struct fake *ret);
void fake_unmap(struct fake *fake);

/* Claims process entry `index` for the calling process. */
void fake_claim_proc(struct fake *fake, int index, int parent_index);
/* Claims a free ring with at most max_slots slots. */
struct fake_ring fake_claim_ring(struct fake *fake, int proc_index, uint64_t max_slots);

/* Slots free before tail would be overrun. */
uint64_t fake_room(const struct fake_ring *ring);
/* Reserves n slots, writes nothing: what a killed thread leaves behind. */
uint64_t fake_reserve(struct fake_ring *ring, uint64_t n);
void fake_write(struct fake_ring *ring, uint64_t position, struct trk_slot slot);
/* Reserve and write. */
void fake_put(struct fake_ring *ring, struct trk_slot slot);

/* Publishes definitions; return ids. */
uint32_t fake_stack(struct fake *fake, const uint64_t *pcs, unsigned frames, unsigned flags, unsigned generation);
uint32_t fake_text(struct fake *fake, unsigned kind, const void *bytes, uint32_t length);

#endif
