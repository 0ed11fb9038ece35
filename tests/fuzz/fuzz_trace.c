/* fuzz_trace.c: any bytes as a trace, through reader, order and model, with all invariants checked.
 *
 * The first byte chooses: even, the rest is the file as it is. Odd, the rest is cut into blocks (kind, flags, two bytes
 * of length, payload) that get correct headers and checksums, so that the fuzzer reaches what lies behind them. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <prof/heap.h>
#include <prof/trace.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

/* What the reader lets through can be written again. */
static void must_be_in_order(const struct prof_memory *memory)
{
    struct prof_memory *copy = NULL;
    struct prof_error *error = memory != NULL ? prof_memory_copy(memory, &copy) : NULL;
    if (error != NULL && error->code != PROF_ERROR_NO_MEMORY) {
        fprintf(stderr, "invariant: %s\n", error->message);
        abort();
    }
    prof_error_destroy(error);
    prof_memory_destroy(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0)
        abort();
    if ((data[0] & 1) != 0)
        put_blocks(fd, data + 1, size - 1);
    else
        put(fd, data + 1, size - 1);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct prof_trace *trace = NULL;
    struct prof_error *error = prof_trace_open(path, &trace);
    if (error == NULL) {
        struct prof_heap *heap = NULL;
        struct prof_heap_options options = { .keep_type_sites = true };
        error = prof_heap_create(trace, &options, &heap);
        if (error == NULL) {
            const char *broken = prof_heap_check(heap);
            if (broken != NULL) {
                fprintf(stderr, "invariant: %s\n", broken);
                abort();
            }
            (void)prof_heap_obj_at(heap, 0x1000);
            (void)prof_heap_freed_since(heap, 0x1000);
            must_be_in_order(prof_heap_memory(heap));
            prof_heap_destroy(heap);
        }
        prof_trace_close(trace);
    }
    prof_error_destroy(error);
    close(fd);
    return 0;
}
