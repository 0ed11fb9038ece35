/* seed.c: makes inputs to start from: `seed FOLDER TRACE...` writes FOLDER/{trace,graph,state,ring,query,suppress}/.
 *
 * A trace becomes two inputs of fuzz_trace and of fuzz_graph: the file as it is, and its blocks, unpacked, in the form
 * that gets correct headers there. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <track/format.h>
#include <zstd.h>

#include "ring_commands.h"

static const char *root;

static FILE *create(const char *fuzzer, const char *name, int number)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", root, fuzzer);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/%s/%s-%d", root, fuzzer, name, number);
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    return file;
}

static void text(const char *fuzzer, int number, const char *content)
{
    FILE *file = create(fuzzer, "text", number);
    fputs(content, file);
    fclose(file);
}

/* The blocks of a trace in the form of fuzz_file.h; a block that is too long for it is left out. */
static void put_blocks(FILE *out, const unsigned char *data, size_t size)
{
    static unsigned char raw[UINT16_MAX];
    struct trk_block block;
    for (size_t at = sizeof(struct trk_file_header); at + sizeof block <= size; at += sizeof block + block.stored) {
        memcpy(&block, data + at, sizeof block);
        if (block.magic != TRK_BLOCK_MAGIC || block.stored > size - at - sizeof block)
            return;
        const unsigned char *payload = data + at + sizeof block;
        size_t length = block.stored;
        if (block.flags & TRK_BLOCK_ZSTD) {
            length = ZSTD_decompress(raw, sizeof raw, payload, block.stored);
            payload = raw;
        }
        if (length > sizeof raw) /* errors of zstd are large, too */
            continue;
        const unsigned char head[4] = { (unsigned char)block.kind, (unsigned char)(block.flags & ~TRK_BLOCK_ZSTD),
                                        (unsigned char)length, (unsigned char)(length >> 8) };
        fwrite(head, 1, sizeof head, out);
        fwrite(payload, 1, length, out);
    }
}

/* The parts of the state that a trace begins with, as they are. */
static void put_states(const unsigned char *data, size_t size, int number)
{
    static unsigned char raw[1 << 20];
    struct trk_block block;
    for (size_t at = sizeof(struct trk_file_header); at + sizeof block <= size; at += sizeof block + block.stored) {
        memcpy(&block, data + at, sizeof block);
        if (block.magic != TRK_BLOCK_MAGIC || block.stored > size - at - sizeof block)
            return;
        if (block.kind != TRK_BLOCK_STATE)
            continue;
        const unsigned char *payload = data + at + sizeof block;
        size_t length = block.stored;
        if (block.flags & TRK_BLOCK_ZSTD) {
            length = ZSTD_decompress(raw, sizeof raw, payload, block.stored);
            payload = raw;
        }
        if (length > sizeof raw)
            continue;
        FILE *out = create("state", "part", number);
        fputc(0, out);
        fwrite(payload, 1, length, out);
        fclose(out);
    }
}

static void trace(const char *path, int number)
{
    static const char *const fuzzers[] = { "trace", "graph" };
    static unsigned char data[1 << 20];
    FILE *in = fopen(path, "rb");
    size_t size = in != NULL ? fread(data, 1, sizeof data, in) : 0;
    if (in != NULL)
        fclose(in);
    put_states(data, size, number);
    for (size_t i = 0; i < sizeof fuzzers / sizeof *fuzzers; i++) {
        FILE *out = create(fuzzers[i], "file", number);
        fputc(0, out);
        fwrite(data, 1, size, out);
        fclose(out);
        out = create(fuzzers[i], "blocks", number);
        fputc(1, out);
        put_blocks(out, data, size);
        fclose(out);
    }
}

/* A process with one ring that makes an object, refers to it, names it, and ends. */
static void ring(void)
{
    const uint64_t addr = (uint64_t)0x5000 << TRK_ADDR_SHIFT;
    const struct ring_command commands[] = {
        { .what = RING_CLAIM_PROC, .number = 7, .second = 3 },
        { .what = RING_CLAIM_RING, .number = 1 },
        { .what = RING_TEXT,
          .number = 3,
          .first = (uint64_t)TRK_TEXT_MAPS << TRK_TEXT_KIND_SHIFT | 8,
          .second = 0x30302d3030303030 },
        { .what = RING_TEXT,
          .number = 1,
          .first = (uint64_t)TRK_TEXT_STRING << TRK_TEXT_KIND_SHIFT | 4,
          .second = 0x74786574 },
        { .what = RING_TEXT, .number = 8, .first = (uint64_t)TRK_TEXT_TYPE << TRK_TEXT_KIND_SHIFT | 48 },
        { .what = RING_TYPE, .number = 2, .first = 8 },
        { .what = RING_STACK, .number = 1, .first = (uint64_t)1 << TRK_STACK_COUNT_SHIFT, .second = 0x401000 },
        { .what = RING_SLOT, .first = addr | TRK_OP_THREAD << TRK_OP_SHIFT, .second = (uint64_t)1 << TRK_ARG_SHIFT },
        { .what = RING_SLOT, .first = addr | TRK_OP_NEW << TRK_OP_SHIFT, .second = (uint64_t)2 << TRK_ARG_SHIFT | 1 },
        { .what = RING_LOOK },
        { .what = RING_SLOT, .first = addr | TRK_OP_TOUCH << TRK_OP_SHIFT },
        { .what = RING_SLOT,
          .first = (uint64_t)TRK_EXT_TEXT << TRK_EXT_SHIFT | TRK_OP_EXT << TRK_OP_SHIFT,
          .second = 1 },
        { .what = RING_SLOT, .number = 1, .first = addr | TRK_OP_REF << TRK_OP_SHIFT, .second = 1 },
        { .what = RING_LOOK, .which = 1 },
        { .what = RING_LOOK, .which = 3 },
        { .what = RING_SLOT, .first = addr | TRK_OP_DEL << TRK_OP_SHIFT },
        { .what = RING_LOOK, .which = 4 },
    };
    FILE *file = create("ring", "life", 0);
    fwrite(commands, sizeof commands[0], sizeof commands / sizeof commands[0], file);
    fclose(file);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    root = argv[1];
    mkdir(root, 0777);
    for (int i = 2; i < argc; i++)
        trace(argv[i], i);
    ring();
    text("query", 0, "live>100 && (type~json_ || bytes>=64KiB) && !(age<60s)");
    text("query", 1, "-bytes,type");
    text("query", 2, "type=='struct conn' || share>=50% && addr==0x55d0");
    text("suppress", 0, "{\n  name\n  Memcheck:Leak\n  fun:conn_*\n  ...\n  obj:*/libobj.so*\n}\n");
    text("suppress", 1,
         "# why\nverdict:cycle type:struct conn fun:a*b reason:by design expires:2030-01-01 max:3\nleak:obj_ref$\n");
    return 0;
}
