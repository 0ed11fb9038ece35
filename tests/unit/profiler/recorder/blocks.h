/* blocks.h: reads a trace file block by block, independently of the reader of the library. For tests. */
#ifndef TEST_RECORDER_BLOCKS_H
#define TEST_RECORDER_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <track/format.h>

struct block {
    struct trk_block head;
    unsigned char *payload; /* decompressed */
};

struct blocks {
    struct trk_file_header header;
    struct block *items;
    size_t count;
    bool whole; /* the file ends with a whole block */
};

/* Fails the running test when the file has no good header; a cut file gives the blocks in front of the cut. */
void blocks_read(const char *path, struct blocks *ret);
void blocks_free(struct blocks *blocks);

/* The n-th block of a kind (from 0), NULL when there are fewer. */
const struct block *blocks_find(const struct blocks *blocks, unsigned kind, size_t n);
/* Value of a META key (the last one), NULL absent. */
const char *blocks_meta(const struct blocks *blocks, const char *key);
/* END, NULL when missing. */
const struct trk_end *blocks_end(const struct blocks *blocks);
/* All slots of all event blocks of one ring in file order; malloc'ed. */
struct trk_slot *blocks_slots(const struct blocks *blocks, uint32_t ring, size_t *ret_count);
/* Definition of a stack in blocks [0, before), NULL missing. */
const struct trk_stack_def *blocks_stack(const struct blocks *blocks, size_t before, uint32_t id);
/* Index of the first event block with a record of this kind; count when there is none. */
size_t blocks_with(const struct blocks *blocks, unsigned op);

static inline unsigned slot_op(const struct trk_slot *slot)
{
    return (unsigned)(slot->w0 >> TRK_OP_SHIFT) & TRK_OP_MASK;
}

static inline struct trk_slot slot_make(unsigned op, unsigned aux, uint64_t addr, uint64_t arg, uint32_t stack)
{
    return (struct trk_slot){ addr << TRK_ADDR_SHIFT | (uint64_t)(stack >> TRK_STACK_LO_BITS) << TRK_STACK_HI_SHIFT |
                                  (uint64_t)aux << TRK_AUX_SHIFT | (uint64_t)op << TRK_OP_SHIFT,
                              arg << TRK_ARG_SHIFT | (stack & TRK_STACK_LO_MASK) };
}

static inline struct trk_slot slot_ext(unsigned kind, uint64_t value)
{
    return (struct trk_slot){ (uint64_t)kind << TRK_EXT_SHIFT | TRK_OP_EXT << TRK_OP_SHIFT, value };
}

#endif
