/* known.c: what ordering knows about addresses, kept in an index as it is: the heap's own view of them differs where
 * the order was a guess. An entry is as large as a slot, so that blocks of slots hold them: entries with equal flags
 * together, under a ring that no trace has. */
#include "resume.h"

#include <stdlib.h>
#include <string.h>

enum { FLAGS = 16, CHUNK = 32768 };

static unsigned flags_of(const struct causal_state *s)
{
    return (unsigned)(s->allocated | s->alive << 1 | s->counted << 2 | s->numbered << 3);
}

static size_t places(const struct causal *c)
{
    return c->states != NULL ? c->state_mask + 1 : 0;
}

uint64_t known_blocks(const struct causal *c)
{
    uint64_t counts[FLAGS] = { 0 }, blocks = 0;
    for (size_t i = 0; i < places(c); i++)
        if (c->states[i].key != 0)
            counts[flags_of(&c->states[i])]++;
    for (unsigned f = 0; f < FLAGS; f++)
        blocks += (counts[f] + CHUNK - 1) / CHUNK;
    return blocks;
}

struct prof_error *known_write(const struct causal *c, struct prof_writer *writer)
{
    struct trk_slot *slots = malloc(CHUNK * sizeof *slots);
    struct prof_error *error = NULL;
    if (slots == NULL)
        return prof_error_memory();
    for (unsigned f = 0; f < FLAGS && error == NULL; f++) {
        struct trk_events_head head = { .ring = RING_NUMBER_MAX, .tid = f };
        for (size_t i = 0; i < places(c) && error == NULL; i++) {
            const struct causal_state *s = &c->states[i];
            if (s->key == 0 || flags_of(s) != f)
                continue;
            slots[head.slots++] =
                (struct trk_slot){ (uint64_t)s->key << 4, (uint64_t)(uint32_t)s->count << 32 | s->seq };
            if (head.slots == CHUNK) {
                error = prof_writer_events(writer, &head, slots);
                head.slots = 0;
            }
        }
        if (error == NULL && head.slots > 0)
            error = prof_writer_events(writer, &head, slots);
    }
    free(slots);
    return error;
}

/* false: no memory. */
static bool take(struct causal *c, const unsigned char *raw, size_t bytes)
{
    struct trk_events_head head;
    memcpy(&head, raw, sizeof head);
    for (size_t at = sizeof head; bytes - at >= sizeof(struct trk_slot); at += sizeof(struct trk_slot)) {
        struct trk_slot slot;
        memcpy(&slot, raw + at, sizeof slot);
        struct causal_state s = { .key = slot.w0 >> 4,
                                  .allocated = head.tid & 1,
                                  .alive = head.tid >> 1 & 1,
                                  .counted = head.tid >> 2 & 1,
                                  .numbered = head.tid >> 3 & 1,
                                  .count = (int32_t)(uint32_t)(slot.w1 >> 32),
                                  .seq = (uint32_t)slot.w1 };
        if (s.key != 0 && !causal_put(c, &s))
            return false;
    }
    return true;
}

const char *known_read(struct causal *c, const struct prof_trace *index, size_t blocks)
{
    struct block_buffer buffer = { 0 };
    const char *what = NULL;
    for (size_t i = 0; i < blocks && what == NULL; i++) {
        const struct block_ref *ref = &index->stream.items[i];
        unsigned char *raw = malloc((size_t)ref->raw + 1);
        if (raw == NULL || ref->raw < sizeof(struct trk_events_head))
            what = "it is too short, or there is not enough memory";
        else
            what = block_load(index, ref, &buffer, raw);
        if (what == NULL && !take(c, raw, ref->raw))
            what = "there is not enough memory";
        free(raw);
    }
    block_buffer_deinit(&buffer);
    return what;
}
