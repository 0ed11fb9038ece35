/* trace.h: what the files of the reader share: an open trace, its blocks and definitions. Private to this folder. */
#ifndef INPUT_TRACE_H
#define INPUT_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/arena.h>
#include <base/vec.h>
#include <prof/trace.h>
#include <track/format.h>

/* Where a block of events or a memory sample stands in the file. */
struct block_ref {
    uint64_t offset; /* of the payload */
    uint64_t checksum;
    uint64_t chain; /* stands for the file header and all block headers up to this one */
    uint32_t stored, raw;
    uint32_t number; /* in the file, from 0 */
    uint16_t kind, flags;
};

/* A checkpoint, whole or not. */
struct memory_ref {
    size_t first, count;         /* into memory_blocks */
    struct trk_memory_head head; /* of the first part */
    uint64_t words;              /* of all */
    bool whole;                  /* all parts are there */
    bool lost;                   /* it cannot be used */
};

struct stack_rec {
    uint64_t first; /* index into pcs */
    uint32_t id;
    uint16_t generation;
    uint8_t frames, flags;
};
struct type_rec {
    struct trk_type_def def;
    const char *name; /* NULL: not defined */
};
struct text_rec;
struct meta_pair {
    const char *key, *value;
};

struct prof_trace {
    int fd;                  /* -1: no file, prof_trace_live */
    struct prof_arena arena; /* strings */
    struct prof_trace_info info;
    PROF_VEC(struct block_ref) stream;        /* EVENTS and MEM, in file order */
    PROF_VEC(struct block_ref) states;        /* STATE, in file order, before all of the stream */
    PROF_VEC(struct block_ref) numbers;       /* NUMBERS, the same */
    PROF_VEC(struct block_ref) memory_blocks; /* MEMORY, in file order: those of whole checkpoints, or of the last */
    PROF_VEC(struct memory_ref) memories;
    PROF_VEC(struct meta_pair) meta;
    PROF_VEC(const char *) args;
    PROF_VEC(uint32_t) stack_index; /* by stack id: index into stacks + 1 */
    PROF_VEC(struct stack_rec) stacks;
    PROF_VEC(uint64_t) pcs;
    PROF_VEC(struct type_rec) types; /* by id */
    PROF_VEC(struct prof_module_map) maps;
    struct text_rec *texts; /* uthash by id */
    bool records_known;     /* told by the END block */
    uint64_t chain;         /* of what was walked over */
    bool cut;               /* all that is wrong is that the last block is not whole */
};

/* A reusable pair of buffers with the decompressor. Zero-initialize. */
struct block_buffer {
    unsigned char *stored;
    size_t stored_room;
    unsigned char *planes;
    size_t planes_room;
    void *zstd;
};
void block_buffer_deinit(struct block_buffer *buffer);

/* Reads exactly `bytes` at `offset`; false: the file is shorter or cannot be read (errno, 0 at the end). */
bool read_at(int fd, void *into, size_t bytes, uint64_t offset);
/* Reads, checks and unpacks a payload of ref->raw bytes into `raw`. Static text: why it cannot be used;
 * NULL: it can. */
const char *block_load(const struct prof_trace *trace, const struct block_ref *ref, struct block_buffer *buffer,
                       void *raw);
/* The file, which is the same up to where it was read, has `bytes` bytes by now: reads what came. */
struct prof_error *trace_read_on(struct prof_trace *trace, uint64_t bytes);
/* Says once where the usable part of the trace ends. The first call wins. */
void trace_damage(struct prof_trace *trace, uint32_t block, uint64_t offset, const char *what);

/* Definitions (define.c). Each takes a checked payload; false: out of memory. Malformed entries end the payload. */
bool define_meta(struct prof_trace *trace, const unsigned char *payload, size_t bytes);
bool define_modules(struct prof_trace *trace, const unsigned char *payload, size_t bytes);
bool define_stacks(struct prof_trace *trace, const unsigned char *payload, size_t bytes);
bool define_types(struct prof_trace *trace, const unsigned char *payload, size_t bytes);
bool define_texts(struct prof_trace *trace, const unsigned char *payload, size_t bytes);
void define_deinit(struct prof_trace *trace);
/* Fills info's strings from META. false: out of memory. */
bool define_info(struct prof_trace *trace);

#endif
