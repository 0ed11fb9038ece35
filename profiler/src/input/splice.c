/* splice.c: blocks of one file go into another as they are, and a trace goes on in another file. A block's number is
 * not under its checksum, so that blocks need no more than a new number. */
#include "trace.h"
#include "writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <prof/salvage.h>

/* Appends the block at `offset`; *ret_bytes 0: no whole block stands there. */
static struct prof_error *copy_block(struct prof_writer *w, int fd, uint64_t offset, size_t *ret_bytes)
{
    struct trk_block block;
    *ret_bytes = 0;
    if (!read_at(fd, &block, sizeof block, offset) || block.magic != TRK_BLOCK_MAGIC ||
        block.stored > ZSTD_COMPRESSBOUND(TRK_BLOCK_MAX))
        return NULL;
    w->raw.count = 0;
    if (!prof_vec_reserve(&w->raw, block.stored + 1))
        return prof_error_memory();
    if (!read_at(fd, w->raw.items, block.stored, offset + sizeof block))
        return NULL;
    *ret_bytes = sizeof block + block.stored;
    return prof_writer_block(w, &block, w->raw.items, 0);
}

struct prof_error *writer_copy_block(struct prof_writer *w, int fd, uint64_t offset)
{
    size_t bytes;
    struct prof_error *error = copy_block(w, fd, offset, &bytes);
    if (error == NULL && bytes == 0)
        error =
            prof_error_create(PROF_ERROR_FORMAT, "a block at byte %llu cannot be copied", (unsigned long long)offset);
    return error;
}

struct prof_error *prof_writer_copy(struct prof_writer *w, int fd, uint64_t offset, uint64_t *ret_end)
{
    struct prof_error *error = NULL;
    size_t bytes = 1;
    while (error == NULL && bytes > 0) {
        error = copy_block(w, fd, offset, &bytes);
        offset += bytes;
    }
    *ret_end = offset;
    return error;
}

/* Copies what stands behind `offset` in the writer's file to the end of `fd`. */
static struct prof_error *copy_tail(const struct prof_writer *w, int fd, uint64_t *bytes, uint64_t *seq,
                                    uint64_t offset)
{
    unsigned char buffer[64 << 10];
    while (offset < w->offset) {
        struct trk_block block;
        if (!read_at(w->fd, &block, sizeof block, offset) || block.magic != TRK_BLOCK_MAGIC)
            return prof_error_os(errno, "read back", w->path, NULL);
        uint64_t from = offset;
        offset += sizeof block + block.stored;
        while (from < offset) {
            size_t n = offset - from < sizeof buffer ? (size_t)(offset - from) : sizeof buffer;
            if (!read_at(w->fd, buffer, n, from))
                return prof_error_os(errno, "read back", w->path, NULL);
            if (from + sizeof block + block.stored == offset)
                writer_set_seq(buffer, (*seq)++);
            ssize_t done = pwrite(fd, buffer, n, (off_t)*bytes);
            if (done != (ssize_t)n)
                return prof_error_os(done < 0 ? errno : ENOSPC, "write", w->path, NULL);
            *bytes += n;
            from += n;
        }
    }
    return NULL;
}

/* The name must still lead to the file that is being written: whoever moved it away wants to keep it. */
static bool is_in_place(const struct prof_writer *w)
{
    struct stat named, own;
    return lstat(w->path, &named) == 0 && fstat(w->fd, &own) == 0 && named.st_ino == own.st_ino &&
           named.st_dev == own.st_dev;
}

struct prof_error *prof_writer_replace(struct prof_writer *w, const char *file, uint64_t bytes, uint64_t seq,
                                       uint64_t offset)
{
    int fd = open(file, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return prof_error_os(errno, "open", file, NULL);
    struct prof_error *error = copy_tail(w, fd, &bytes, &seq, offset);
    if (error == NULL && !is_in_place(w))
        error = prof_error_create(PROF_ERROR_ARGUMENT, "'%s' was moved or replaced while it was written", w->path);
    if (error == NULL && rename(file, w->path) != 0)
        error = prof_error_os(errno, "replace", w->path, NULL);
    if (error != NULL) {
        close(fd);
        return error;
    }
    close(w->fd);
    w->fd = fd;
    w->offset = bytes;
    size_t at = 0;
    for (size_t i = 0; i < w->queue.count; at += w->queue.items[i++].bytes)
        writer_set_seq(w->out.items + at, seq++);
    w->seq = seq;
    return NULL;
}
