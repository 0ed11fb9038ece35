/* fuzz_file.h: the bytes of a fuzzer as a trace file.
 *
 * The first byte chooses: even, the rest is the file as it is. Odd, the rest is cut into blocks (kind, flags, two bytes
 * of length, payload) that get correct headers and checksums, so that the fuzzer reaches what lies behind them. */
#ifndef FUZZ_FILE_H
#define FUZZ_FILE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <prof/trace.h>

static void put(int fd, const void *bytes, size_t count)
{
    if (count != 0 && write(fd, bytes, count) != (ssize_t)count)
        abort();
}

static void put_blocks(int fd, const uint8_t *data, size_t size)
{
    struct trk_file_header header = { .major = TRK_FILE_MAJOR, .header_bytes = sizeof header, .machine = 62 };
    memcpy(header.magic, TRK_FILE_MAGIC, sizeof header.magic);
    put(fd, &header, sizeof header);
    for (uint64_t seq = 0; size >= 4; seq++) {
        size_t length = data[2] | (size_t)data[3] << 8;
        struct trk_block block = { .magic = TRK_BLOCK_MAGIC, .kind = data[0], .flags = data[1] & 7u, .seq = seq };
        data += 4;
        size -= 4;
        if (length > size)
            length = size;
        block.stored = (uint32_t)length;
        block.raw = (block.flags & TRK_BLOCK_ZSTD) != 0 ? 4096 : (uint32_t)length;
        block.checksum = XXH64(data, length, 0);
        put(fd, &block, sizeof block);
        put(fd, data, length);
        data += length;
        size -= length;
    }
}

/* Opens it; *ret_fd is to be closed when the trace is. Of an empty input there is none: *ret NULL. */
static struct prof_error *open_bytes(const uint8_t *data, size_t size, int *ret_fd, struct prof_trace **ret)
{
    char path[64];

    *ret = NULL;
    *ret_fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (*ret_fd < 0)
        abort();
    if (size == 0)
        return NULL;
    if ((data[0] & 1) != 0)
        put_blocks(*ret_fd, data + 1, size - 1);
    else
        put(*ret_fd, data + 1, size - 1);
    snprintf(path, sizeof path, "/proc/self/fd/%d", *ret_fd);
    return prof_trace_open(path, ret);
}

#endif
