/* prof/memory.h: what a program's memory said at a checkpoint: which words may be pointers into its heap.
 *
 * Layer input: decoded MEMORY blocks (docs/FORMAT.md), every length checked; what the words mean is the business of
 * layer analysis. The words say nothing about blocks: whoever reads them asks the heap which block lies at an address.
 * Only blocks born before at_us were there when the words were read. */
#ifndef PROF_MEMORY_H
#define PROF_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <prof/error.h>
#include <track/format.h>

/* 16 bytes: there are many. */
struct prof_memory_word {
    uint64_t at : 56; /* address of the word; of registers: 8 * number */
    uint64_t how : 8; /* 0: as it stood; n: by the n-th pointer decoding of the trace (META keys pointer) */
    uint64_t value;   /* where it points, decoded */
};
struct prof_memory_area {
    uint64_t start, size;
    enum trk_area_kind kind;
    uint32_t tid;
    size_t first, count; /* into words */
};
/* One checkpoint. Immutable. First the areas of registers, in any order, then the others by address; they do not
 * overlap and end below 2^56. The words of an area ascend and lie in it with all their 8 bytes (those of decodings with
 * 4 at least); words may overlap. What leads somewhere in several ways is a word for each of them: at one address `how`
 * ascends. */
struct prof_memory {
    uint32_t number;
    enum trk_memory_rung rung;
    enum trk_memory_why why;
    bool cut;         /* not everything was read */
    bool single;      /* one thread, and that one waited */
    bool late;        /* it was told only when events behind its round had been applied */
    const char *name; /* "" */
    uint64_t at_us, round, pause_us, took_us, read_bytes, unread_bytes;
    uint32_t threads, threads_unread;
    const struct prof_memory_area *areas;
    size_t area_count;
    const struct prof_memory_word *words;
    size_t word_count;
    const struct trk_memory_count *counts; /* by address */
    size_t count_count;
};

/* Puts the parts of a checkpoint together. Distrusts every byte: PROF_ERROR_FORMAT for a malformed part, or one without
 * those before it; then the checkpoint that it belongs to is gone, and its later parts are stepped over. A first part
 * ends a checkpoint that is not complete. Blocks of a newer version are stepped over. */
struct prof_memory_reader;
struct prof_error *prof_memory_reader_create(struct prof_memory_reader **ret);
void prof_memory_reader_destroy(struct prof_memory_reader *reader);
/* One block's payload, uncompressed. *ret: the checkpoint that this part completed, owned by the caller, or NULL. */
struct prof_error *prof_memory_reader_add(struct prof_memory_reader *reader, const void *payload, size_t bytes,
                                          struct prof_memory **ret);
/* Of one that this layer made (a reader, a copy, what a sink is given). NULL is fine. */
void prof_memory_destroy(const struct prof_memory *memory);
/* Shares one that this layer made: it lasts until each sharer destroyed it. One thread at a time. */
const struct prof_memory *prof_memory_keep(const struct prof_memory *memory);
/* Copies any. PROF_ERROR_ARGUMENT when it is not in order. */
struct prof_error *prof_memory_copy(const struct prof_memory *memory, struct prof_memory **ret);

/* Writes a checkpoint as MEMORY blocks of about 1 MiB. PROF_ERROR_ARGUMENT when it is not in order. They may stand
 * anywhere in the file: readers put it behind the events of its round. */
struct prof_writer;
struct prof_error *prof_writer_memory(struct prof_writer *writer, const struct prof_memory *memory);

/* The same for one that is not in memory as a whole: created with what is known in advance (areas, words and counts of
 * `memory` are not looked at), then areas in order, each followed by its words in order, in as many calls as it takes,
 * then counts by address, then the end. The order is not checked: readers do that. Nothing else may be written to
 * `writer` as MEMORY blocks meanwhile, all other blocks may. Errors are of the writer and final for this checkpoint. */
struct prof_memory_writer;
struct prof_error *prof_memory_writer_create(struct prof_writer *writer, const struct prof_memory *memory,
                                             struct prof_memory_writer **ret);
/* Right behind create: its blocks stay in memory until the end and are given up when they are larger than `bytes`; that
 * is PROF_ERROR_ARGUMENT of whatever call finds out. */
void prof_memory_writer_limit(struct prof_memory_writer *out, uint64_t bytes);
/* area->first and count are not looked at. */
struct prof_error *prof_memory_writer_area(struct prof_memory_writer *out, const struct prof_memory_area *area);
struct prof_error *prof_memory_writer_words(struct prof_memory_writer *out, const struct prof_memory_word *words,
                                            size_t count);
struct prof_error *prof_memory_writer_counts(struct prof_memory_writer *out, const struct trk_memory_count *counts,
                                             size_t count);
/* Writes the last part, with what `memory` says now of rung, figures and the like; readers believe the last part. NULL:
 * gives up, and readers drop what was written. Frees it in any case. */
struct prof_error *prof_memory_writer_end(struct prof_memory_writer *out, const struct prof_memory *memory);

#endif
