/* model.h: an exhaustive explorer of the ring protocol. The real code of the producer (record.h, record.c, ring.c,
 * thread.c) and of the reader (drain.c) is compiled once more, with every access to shared or per-thread memory turned
 * into a point where something else may happen: the reader goes on, a signal handler records, it leaves by siglongjmp,
 * the process is killed, time passes. All states that can be reached within the bounds of a scenario are visited.
 *
 * What is abstract: memory is sequentially consistent at these points (x86 keeps the order of stores, and of loads;
 * release and acquire are not weakened); one producing thread; the marks of the engine know exactly whether their frame
 * is alive; waiting returns at once, and its clock runs per call; the reader's clock moves by whole hole waits. Two
 * states are taken for equal when memory, what is booked, and for each unfinished function the accesses it made and
 * what it saw are equal (64-bit hashes of all that). */
#ifndef RING_MODEL_H
#define RING_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <track/format.h>

enum { MODEL_RINGS = 2, MODEL_SLOTS_MAX = 32, MODEL_EVENTS_MAX = 63, MODEL_DEPTH = 4 };

/* The arena, laid out like a real one. */
struct model_shared {
    struct trk_shm_header hdr;
    struct trk_shm_proc procs[TRK_PROC_MAX];
    struct trk_shm_ring rings[MODEL_RINGS];
    struct trk_slot slots[MODEL_RINGS][MODEL_SLOTS_MAX];
};
extern struct model_shared model_shared;
extern uint32_t model_log2;    /* of the slots of a ring */
extern uint32_t model_rings;   /* rings in use */
extern uint32_t model_on_full; /* enum trk_on_full */

/* Something happened that must never happen: says so and ends the program. */
void model_violation(const char *what) __attribute__((noreturn));

/* ---- explore.c: called by the code under test ---- */
/* Before an access to *p; after it, with the value. */
void model_point(const volatile void *p);
void model_saw(uint64_t value);
/* The producer reserved n slots from pos on. */
void model_reserved(uint32_t ring, uint64_t pos, uint64_t n);
/* The reader handed slots of a ring on. */
void model_taken(uint32_t ring, const struct trk_slot *slots, uint32_t count);
bool model_frame_alive(uint64_t id); /* of model_frame() */
uint64_t model_frame(void);
uint64_t model_time_us(void);

/* ---- producer.c ---- */
void model_producer_reset(void);
/* One verb: addr tells its number; fast: by the shortest path first. */
void model_producer_emit(uint64_t addr, uint64_t arg, bool fast, unsigned exts);
uint64_t model_producer_hash(uint64_t h); /* of what is private to the thread */
uint64_t model_producer_pending(void);    /* drops not told in band */
uint64_t model_producer_lost(void);       /* events without ring, or met inside the engine */
bool model_producer_has(const volatile void *p);
uint64_t model_producer_cursor(uint32_t ring);

/* ---- reader.c ---- */
void model_reader_reset(void);
void model_reader_look(void);
void model_reader_final(void); /* the process is dead */
bool model_reader_stuck(void); /* waits for a hole, and not long enough yet */
uint64_t model_reader_hash(uint64_t h);
uint64_t model_reader_holes(void);
uint64_t model_reader_in_flight(void);

static inline uint64_t model_mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15ull;
    return h ^ h >> 29;
}

static inline uint64_t model_mix_bytes(uint64_t h, const void *p, size_t bytes)
{
    for (size_t i = 0; i + 8 <= bytes; i += 8)
        h = model_mix(h, *(const uint64_t *)(const void *)((const char *)p + i));
    return h;
}

#endif
