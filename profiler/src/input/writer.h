/* writer.h: a trace being written, shared by the files of the writer. Private to this folder. */
#ifndef INPUT_WRITER_H
#define INPUT_WRITER_H

#include <prof/trace.h>

#include <base/vec.h>
#include <zstd.h>

enum { WRITER_OUT_BYTES = 256 << 10 }; /* blocks reach the file when this much gathered */

typedef PROF_VEC(unsigned char) bytes_vec;

/* One finished block that has not reached the file. */
struct queued {
    size_t bytes;
    uint64_t records;
    uint16_t kind;
};

/* Where a writer stood. */
struct writer_place {
    size_t out, queue;
    uint64_t seq, lost;
};

struct prof_writer {
    char *path;
    int fd;
    int level;
    bool failing; /* the last try to write failed; its error was handed out */
    ZSTD_CCtx *zstd;
    uint64_t offset; /* file size: end of the last whole block */
    uint64_t seq;    /* of the next block */
    uint64_t lost;   /* records */
    bytes_vec out;   /* finished blocks */
    size_t out_kept; /* bytes of out that a failed write left there */
    PROF_VEC(struct queued) queue;
    bool measuring;                 /* what comes is taken back: nothing reaches the file meanwhile */
    struct writer_place before;     /* that */
    bytes_vec raw;                  /* payload being built */
    bytes_vec planes;               /* the same with its slots as byte planes */
    bytes_vec stacks, types, texts; /* gathered definitions, payload form */
};

void writer_set_seq(unsigned char *block, uint64_t seq);
/* Writes all finished blocks. An error is returned when a series of failures begins, not for each of them. */
struct prof_error *writer_write_out(struct prof_writer *w);
/* Appends one block with this payload, of at most TRK_BLOCK_MAX bytes, to `to`. false: no memory. */
bool writer_pack(struct prof_writer *w, uint16_t kind, const void *payload, size_t raw, bytes_vec *to);
/* Queues one block with this payload, of at most TRK_BLOCK_MAX bytes. records: first slots in it. */
struct prof_error *writer_add_block(struct prof_writer *w, uint16_t kind, const void *payload, size_t raw,
                                    uint64_t records);
/* At most TRK_BLOCK_MAX bytes of them. */
struct prof_error *writer_numbers(struct prof_writer *w, const struct trk_number *numbers, size_t count);
/* Appends one block of another file, whose header stands at `offset` and was checked. */
struct prof_error *writer_copy_block(struct prof_writer *w, int fd, uint64_t offset);

#endif
