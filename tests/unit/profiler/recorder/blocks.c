/* blocks.c: the block walk of blocks.h. */
#include "blocks.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <zstd.h>

static bool read_block(FILE *file, uint64_t seq, struct block *ret)
{
    struct block b;
    if (fread(&b.head, sizeof b.head, 1, file) != 1 || b.head.magic != TRK_BLOCK_MAGIC)
        return false;
    assert_int_equal(b.head.seq, seq);
    assert_true(b.head.raw <= TRK_BLOCK_MAX);
    unsigned char *stored = malloc(b.head.stored + 1);
    b.payload = malloc(b.head.raw + 1);
    assert_true(stored != NULL && b.payload != NULL);
    bool ok =
        fread(stored, 1, b.head.stored, file) == b.head.stored && XXH64(stored, b.head.stored, 0) == b.head.checksum;
    if (ok && (b.head.flags & TRK_BLOCK_ZSTD))
        assert_int_equal(ZSTD_decompress(b.payload, b.head.raw, stored, b.head.stored), b.head.raw);
    else if (ok)
        memcpy(b.payload, stored, b.head.raw);
    free(stored);
    if (ok && (b.head.flags & TRK_BLOCK_PLANES)) {
        size_t head = sizeof(struct trk_events_head), count = (b.head.raw - head) / TRK_SLOT_BYTES;
        unsigned char *slots = malloc(b.head.raw + 1);
        assert_int_equal(b.head.kind, TRK_BLOCK_EVENTS);
        memcpy(slots, b.payload, head);
        for (size_t i = 0; i < count; i++)
            for (size_t k = 0; k < TRK_SLOT_BYTES; k++)
                slots[head + i * TRK_SLOT_BYTES + k] = b.payload[head + k * count + i];
        free(b.payload);
        b.payload = slots;
    }
    if (!ok)
        free(b.payload);
    else
        *ret = b;
    return ok;
}

void blocks_read(const char *path, struct blocks *ret)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    memset(ret, 0, sizeof *ret);
    assert_int_equal(fread(&ret->header, sizeof ret->header, 1, file), 1);
    assert_memory_equal(ret->header.magic, TRK_FILE_MAGIC, 8);
    assert_int_equal(ret->header.header_bytes, sizeof ret->header);
    struct block b;
    long end = ftell(file);
    while (read_block(file, ret->count, &b)) {
        ret->items = reallocarray(ret->items, ret->count + 1, sizeof b);
        assert_non_null(ret->items);
        ret->items[ret->count++] = b;
        end = ftell(file);
    }
    fseek(file, 0, SEEK_END);
    ret->whole = ftell(file) == end;
    fclose(file);
}

void blocks_free(struct blocks *blocks)
{
    for (size_t i = 0; i < blocks->count; i++)
        free(blocks->items[i].payload);
    free(blocks->items);
    memset(blocks, 0, sizeof *blocks);
}

const struct block *blocks_find(const struct blocks *blocks, unsigned kind, size_t n)
{
    for (size_t i = 0; i < blocks->count; i++)
        if (blocks->items[i].head.kind == kind && n-- == 0)
            return &blocks->items[i];
    return NULL;
}

const char *blocks_meta(const struct blocks *blocks, const char *key)
{
    const char *found = NULL;
    const struct block *b;
    size_t length = strlen(key);
    for (size_t n = 0; (b = blocks_find(blocks, TRK_BLOCK_META, n)) != NULL; n++)
        for (size_t at = 0; at < b->head.raw; at += strlen((char *)b->payload + at) + 1)
            if (strncmp((char *)b->payload + at, key, length) == 0 && b->payload[at + length] == '=')
                found = (char *)b->payload + at + length + 1;
    return found;
}

const struct trk_end *blocks_end(const struct blocks *blocks)
{
    const struct block *b = blocks_find(blocks, TRK_BLOCK_END, 0);
    if (b == NULL)
        return NULL;
    assert_int_equal(b->head.raw, sizeof(struct trk_end));
    assert_ptr_equal(b, &blocks->items[blocks->count - 1]);
    return (const struct trk_end *)(const void *)b->payload;
}

struct trk_slot *blocks_slots(const struct blocks *blocks, uint32_t ring, size_t *ret_count)
{
    struct trk_slot *all = NULL;
    const struct block *b;
    *ret_count = 0;
    uint64_t round = 0;
    for (size_t n = 0; (b = blocks_find(blocks, TRK_BLOCK_EVENTS, n)) != NULL; n++) {
        struct trk_events_head head;
        memcpy(&head, b->payload, sizeof head);
        assert_int_equal(b->head.raw, sizeof head + head.slots * sizeof *all);
        assert_true(head.round >= round);
        round = head.round;
        if (head.ring != ring)
            continue;
        all = reallocarray(all, *ret_count + head.slots, sizeof *all);
        assert_non_null(all);
        memcpy(all + *ret_count, b->payload + sizeof head, head.slots * sizeof *all);
        *ret_count += head.slots;
    }
    return all;
}

const struct trk_stack_def *blocks_stack(const struct blocks *blocks, size_t before, uint32_t id)
{
    for (size_t i = 0; i < before && i < blocks->count; i++) {
        const struct block *b = &blocks->items[i];
        if (b->head.kind != TRK_BLOCK_STACKS)
            continue;
        for (size_t at = 0; at < b->head.raw;) {
            const struct trk_stack_def *def = (const void *)(b->payload + at);
            if (def->id == id)
                return def;
            at += sizeof *def + def->frames * sizeof(uint64_t);
        }
    }
    return NULL;
}

size_t blocks_with(const struct blocks *blocks, unsigned op)
{
    for (size_t i = 0; i < blocks->count; i++) {
        const struct trk_slot *slots = (const void *)(blocks->items[i].payload + sizeof(struct trk_events_head));
        struct trk_events_head head;
        if (blocks->items[i].head.kind != TRK_BLOCK_EVENTS)
            continue;
        memcpy(&head, blocks->items[i].payload, sizeof head);
        for (uint32_t k = 0; k < head.slots; k++)
            if (slot_op(&slots[k]) == op)
                return i;
    }
    return blocks->count;
}
