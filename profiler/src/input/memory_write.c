/* memory_write.c: a checkpoint as MEMORY blocks, part by part while its memory is being read. */
#include <prof/memory.h>
#include <prof/salvage.h>

#include <stdlib.h>
#include <string.h>

#include <base/vec.h>

#include "planes.h"
#include "writer.h"

enum {
    WORD_BYTES = 8,
    PART_BYTES = 1 << 20,    /* so that neither side needs much memory for one */
    PACKED_WORD = 4 + 1 + 8, /* step, how, value */
};

struct prof_memory_writer {
    struct prof_writer *writer;
    struct trk_memory_head head;
    PROF_VEC(struct trk_memory_area) areas;
    PROF_VEC(uint32_t) steps;
    PROF_VEC(uint8_t) hows;
    PROF_VEC(uint64_t) values;
    PROF_VEC(struct trk_memory_count) counts;
    char *name;
    struct prof_memory_area area; /* the last one */
    uint64_t at;                  /* where its last word stands */
    bytes_vec payload;
    bool limited;
    uint64_t most;  /* bytes of all blocks */
    bytes_vec held; /* finished blocks of one that is limited */
};

static void set_head(struct trk_memory_head *head, const struct prof_memory *memory)
{
    uint32_t part = head->part;
    *head = (struct trk_memory_head){
        .version = TRK_MEMORY_VERSION,
        .flags = (uint16_t)((memory->cut ? TRK_MEMORY_CUT : 0) | (memory->single ? TRK_MEMORY_SINGLE : 0)),
        .part = part,
        .number = memory->number,
        .rung = (uint8_t)memory->rung,
        .why = (uint8_t)memory->why,
        .at_us = memory->at_us,
        .round = memory->round,
        .pause_us = memory->pause_us,
        .took_us = memory->took_us,
        .read_bytes = memory->read_bytes,
        .unread_bytes = memory->unread_bytes,
        .threads = memory->threads,
        .threads_unread = memory->threads_unread,
    };
}

static void writer_free(struct prof_memory_writer *out)
{
    prof_vec_deinit(&out->areas);
    prof_vec_deinit(&out->steps);
    prof_vec_deinit(&out->hows);
    prof_vec_deinit(&out->values);
    prof_vec_deinit(&out->counts);
    prof_vec_deinit(&out->payload);
    prof_vec_deinit(&out->held);
    free(out->name);
    free(out);
}

struct prof_error *prof_memory_writer_create(struct prof_writer *writer, const struct prof_memory *memory,
                                             struct prof_memory_writer **ret)
{
    struct prof_memory_writer *out = calloc(1, sizeof *out);
    if (out == NULL)
        return prof_error_memory();
    out->writer = writer;
    out->name = strdup(memory->name);
    if (out->name == NULL) {
        writer_free(out);
        return prof_error_memory();
    }
    set_head(&out->head, memory);
    *ret = out;
    return NULL;
}

static size_t padded(size_t bytes)
{
    return (bytes + 7) & ~(size_t)7;
}

static void append(bytes_vec *to, const void *bytes, size_t count)
{
    if (count > 0)
        memcpy(to->items + to->count, bytes, count);
    to->count += count;
}

static void append_padding(bytes_vec *to)
{
    static const unsigned char zero[8];
    append(to, zero, padded(to->count) - to->count);
}

static struct prof_error *end_part(struct prof_memory_writer *out, bool last)
{
    bytes_vec *to = &out->payload;
    size_t name_bytes = out->head.part == 0 ? strlen(out->name) : 0;
    out->head.flags = (uint16_t)(out->head.flags | (last ? TRK_MEMORY_LAST : 0));
    out->head.name_bytes = (uint16_t)name_bytes;
    out->head.areas = (uint32_t)out->areas.count;
    out->head.words = (uint32_t)out->values.count;
    out->head.counts = (uint32_t)out->counts.count;
    to->count = 0;
    size_t room = sizeof out->head + out->areas.count * sizeof *out->areas.items + out->values.count * PACKED_WORD + 8 +
                  out->counts.count * sizeof *out->counts.items + padded(name_bytes);
    if (!prof_vec_reserve(to, room))
        return prof_error_memory();
    append(to, &out->head, sizeof out->head);
    append(to, out->areas.items, out->areas.count * sizeof *out->areas.items);
    append(to, out->steps.items, out->steps.count * sizeof *out->steps.items);
    append(to, out->hows.items, out->hows.count);
    append_padding(to);
    planes_split_words(to->items + to->count, out->values.items, out->values.count);
    to->count += out->values.count * WORD_BYTES;
    append(to, out->counts.items, out->counts.count * sizeof *out->counts.items);
    append(to, out->name, name_bytes);
    append_padding(to);
    out->head.part++;
    out->areas.count = out->steps.count = out->hows.count = out->values.count = out->counts.count = 0;
    if (!out->limited)
        return writer_add_block(out->writer, TRK_BLOCK_MEMORY, to->items, to->count, 0);
    if (!writer_pack(out->writer, TRK_BLOCK_MEMORY, to->items, to->count, &out->held))
        return prof_error_memory();
    return out->held.count <= out->most ? NULL : prof_error_create(PROF_ERROR_ARGUMENT, "the checkpoint is too large");
}

void prof_memory_writer_limit(struct prof_memory_writer *out, uint64_t bytes)
{
    out->limited = true;
    out->most = bytes;
}

static struct prof_error *write_held(struct prof_memory_writer *out)
{
    struct prof_error *error = NULL;
    for (size_t at = 0; at < out->held.count && error == NULL;) {
        struct trk_block head;
        memcpy(&head, out->held.items + at, sizeof head);
        error = prof_writer_block(out->writer, &head, out->held.items + at + sizeof head, 0);
        at += sizeof head + head.stored;
    }
    return error;
}

static size_t part_bytes(const struct prof_memory_writer *out)
{
    return out->areas.count * sizeof *out->areas.items + out->values.count * PACKED_WORD +
           out->counts.count * sizeof *out->counts.items;
}

/* Begins another part when `more` bytes do not fit into this one. *ret: it did. */
static struct prof_error *make_room(struct prof_memory_writer *out, size_t more, bool *ret)
{
    size_t have = part_bytes(out);
    *ret = have > 0 && have + more > PART_BYTES;
    return *ret ? end_part(out, false) : NULL;
}

static bool push_area(struct prof_memory_writer *out)
{
    const struct prof_memory_area *area = &out->area;
    return prof_vec_push(
        &out->areas,
        (struct trk_memory_area){ .start = area->start, .size = area->size, .kind = area->kind, .tid = area->tid });
}

static bool push_step(struct prof_memory_writer *out, uint32_t step, unsigned how, uint64_t value)
{
    out->areas.items[out->areas.count - 1].words++;
    return prof_vec_push(&out->steps, step) && prof_vec_push(&out->hows, (uint8_t)how) &&
           prof_vec_push(&out->values, value);
}

struct prof_error *prof_memory_writer_area(struct prof_memory_writer *out, const struct prof_memory_area *area)
{
    bool ended;
    struct prof_error *error = make_room(out, sizeof *out->areas.items + PACKED_WORD, &ended);
    out->area = *area;
    out->at = area->start;
    if (error == NULL && !push_area(out))
        error = prof_error_memory();
    return error;
}

/* Adds words as long as they fit into the part and are near each other, as nearly all are. *ret: how many. */
static bool push_near(struct prof_memory_writer *out, const struct prof_memory_word *words, size_t count, size_t *ret)
{
    size_t have = part_bytes(out), room = have < PART_BYTES ? (PART_BYTES - have) / PACKED_WORD : 0, i = 0;
    if (count > room)
        count = room;
    if (!prof_vec_reserve(&out->steps, count) || !prof_vec_reserve(&out->hows, count) ||
        !prof_vec_reserve(&out->values, count))
        return false;
    uint32_t *steps = out->steps.items + out->steps.count;
    uint8_t *hows = out->hows.items + out->hows.count;
    uint64_t *values = out->values.items + out->values.count, at = out->at;
    for (; i < count && words[i].at - at < TRK_MEMORY_SKIP; i++) {
        steps[i] = (uint32_t)(words[i].at - at);
        hows[i] = words[i].how;
        values[i] = words[i].value;
        at = words[i].at;
    }
    out->steps.count += i;
    out->hows.count += i;
    out->values.count += i;
    out->areas.items[out->areas.count - 1].words += (uint32_t)i;
    out->at = at;
    *ret = i;
    return true;
}

struct prof_error *prof_memory_writer_words(struct prof_memory_writer *out, const struct prof_memory_word *words,
                                            size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t near;
        if (!push_near(out, words + i, count - i, &near))
            return prof_error_memory();
        i += near;
        if (i == count)
            break;
        const struct prof_memory_word *word = &words[i];
        bool ended;
        uint64_t skips = (word->at - out->at) / TRK_MEMORY_SKIP;
        struct prof_error *error = make_room(out, (skips + 1) * PACKED_WORD, &ended);
        if (error != NULL || (ended && !push_area(out)))
            return error != NULL ? error : prof_error_memory();
        for (; skips > 0; skips--, out->at += TRK_MEMORY_SKIP)
            if (!push_step(out, TRK_MEMORY_SKIP, 0, 0))
                return prof_error_memory();
        if (!push_step(out, (uint32_t)(word->at - out->at), word->how, word->value))
            return prof_error_memory();
        out->at = word->at;
    }
    return NULL;
}

struct prof_error *prof_memory_writer_counts(struct prof_memory_writer *out, const struct trk_memory_count *counts,
                                             size_t count)
{
    struct prof_error *error = NULL;
    for (size_t i = 0; i < count && error == NULL; i++) {
        bool ended;
        error = make_room(out, sizeof *counts, &ended);
        if (error == NULL && !prof_vec_push(&out->counts, counts[i]))
            error = prof_error_memory();
    }
    return error;
}

struct prof_error *prof_memory_writer_end(struct prof_memory_writer *out, const struct prof_memory *memory)
{
    struct prof_error *error = NULL;
    if (memory != NULL) {
        set_head(&out->head, memory);
        error = end_part(out, true);
        if (error == NULL)
            error = write_held(out);
    }
    writer_free(out);
    return error;
}
