/* salvage.c: copies the good blocks of a trace and finds out where each ring stood, see prof/salvage.h. */
#include "trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <input/decode.h>
#include <prof/salvage.h>

/* Follows the slots of one event block; returns its records. */
static uint64_t count_slots(struct prof_salvage *facts, const unsigned char *raw, size_t bytes)
{
    struct trk_events_head head;
    if (bytes < sizeof head)
        return 0;
    memcpy(&head, raw, sizeof head);
    const unsigned char *at = raw + sizeof head;
    size_t count = (bytes - sizeof head) / sizeof(struct trk_slot);
    struct prof_salvage_ring spare = { 0 }, *ring = head.ring <= TRK_RING_MAX ? &facts->rings[head.ring] : &spare;
    uint64_t records = 0;
    ring->tid = head.tid;
    ring->now_us = head.start_us;
    ring->events = ring == &spare ? 0 : ring->events;
    for (size_t i = 0; i < count; i++) {
        struct trk_slot slot;
        memcpy(&slot, at + i * sizeof slot, sizeof slot);
        unsigned op = (unsigned)(slot.w0 >> TRK_OP_SHIFT) & TRK_OP_MASK;
        if (op == TRK_OP_EXT)
            continue;
        records++;
        if (op == TRK_OP_THREAD)
            ring->tid = (uint32_t)(slot.w0 >> TRK_ADDR_SHIFT);
        if (op == TRK_OP_THREAD || op == TRK_OP_TICK)
            ring->now_us = slot.w1 >> TRK_ARG_SHIFT;
        ring->events += op > TRK_OP_THREAD && op != TRK_OP_DROP && op != TRK_OP_SKIP;
    }
    if (ring->now_us > facts->last_us)
        facts->last_us = ring->now_us;
    if (head.round > facts->round && head.round < UINT64_MAX / 2)
        facts->round = head.round;
    facts->records += records;
    facts->slots += count;
    return records;
}

/* A fold tells where the rings stood at this place of the file: its state stands for events that are not there. */
static void take_places(struct prof_salvage *facts, const char *text)
{
    uint32_t number, tid;
    uint64_t events, now_us;
    int bytes;
    for (; sscanf(text, "%" SCNu32 ",%" SCNu64 ",%" SCNu32 ",%" SCNu64 " %n", &number, &events, &tid, &now_us,
                  &bytes) == 4;
         text += bytes) {
        if (number >= TRK_RING_MAX || now_us > PROF_TIME_MAX)
            return;
        facts->rings[number] = (struct prof_salvage_ring){ .events = events, .now_us = now_us, .tid = tid };
        if (now_us > facts->last_us)
            facts->last_us = now_us;
    }
    facts->rings_told = true;
}

static void read_meta(struct prof_salvage *facts, unsigned char *raw, size_t bytes)
{
    static const char key[] = "fold_rings=";
    raw[bytes] = '\0'; /* there is room for it */
    for (const char *at = (const char *)raw, *end = at + bytes; at < end; at += strlen(at) + 1)
        if (strncmp(at, key, sizeof key - 1) == 0)
            take_places(facts, at + sizeof key - 1);
}

struct copier {
    struct block_buffer buffer;
    unsigned char *stored, *raw;
    size_t stored_room, raw_room;
};

static bool make_room(unsigned char **memory, size_t *room, size_t size)
{
    if (*room > size) /* never empty */
        return true;
    unsigned char *more = realloc(*memory, size + 1);
    if (more == NULL)
        return false;
    *memory = more;
    *room = size + 1;
    return true;
}

/* One block. *ret_good: it could be used. */
static struct prof_error *copy_block(const struct prof_trace *from, struct copier *c, const struct trk_block *block,
                                     uint64_t offset, struct prof_writer *to, struct prof_salvage *facts,
                                     bool *ret_good)
{
    *ret_good = false;
    if (!make_room(&c->stored, &c->stored_room, block->stored) || !make_room(&c->raw, &c->raw_room, block->raw))
        return prof_error_memory();
    struct block_ref ref = { .offset = offset + sizeof *block,
                             .checksum = block->checksum,
                             .stored = block->stored,
                             .raw = block->raw,
                             .kind = block->kind,
                             .flags = block->flags };
    if (block_load(from, &ref, &c->buffer, c->raw) != NULL || !read_at(from->fd, c->stored, block->stored, ref.offset))
        return NULL;
    *ret_good = true;
    if (block->kind == TRK_BLOCK_META)
        read_meta(facts, c->raw, block->raw);
    if (block->kind == TRK_BLOCK_STATE) { /* an earlier fold spoke of an earlier state */
        facts->rings_told = false;
        memset(facts->rings, 0, sizeof facts->rings);
    }
    uint64_t records = block->kind == TRK_BLOCK_EVENTS ? count_slots(facts, c->raw, block->raw) : 0;
    return block->kind == TRK_BLOCK_END ? NULL : prof_writer_block(to, block, c->stored, records);
}

struct prof_error *prof_salvage(const struct prof_trace *from, struct prof_writer *to, struct prof_salvage *ret)
{
    struct copier c = { .stored = NULL };
    struct trk_file_header header;
    struct prof_error *error = NULL;
    memset(ret, 0, sizeof *ret);
    if (!read_at(from->fd, &header, sizeof header, 0))
        return prof_error_os(errno, "read", from->info.path, NULL);
    uint64_t offset = header.header_bytes;
    /* prof_trace_open checked every header up to usable_bytes. */
    while (error == NULL && offset < from->info.usable_bytes) {
        struct trk_block block;
        bool good = read_at(from->fd, &block, sizeof block, offset) && block.magic == TRK_BLOCK_MAGIC &&
                    block.raw <= TRK_BLOCK_MAX && block.stored <= from->info.usable_bytes - offset;
        if (good)
            error = copy_block(from, &c, &block, offset, to, ret, &good);
        if (!good)
            break;
        offset += sizeof block + block.stored;
    }
    ret->bytes = offset;
    ret->whole = offset >= from->info.usable_bytes;
    free(c.stored);
    free(c.raw);
    block_buffer_deinit(&c.buffer);
    return error;
}
