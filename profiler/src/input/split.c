/* split.c: cuts a trace into what happened up to a round, which is replayed, and the rest, which is written elsewhere.
 */
#include "replay.h"
#include "writer.h"

#include <stdlib.h>

struct prof_rest {
    struct replay replay;
};

struct prof_error *prof_trace_split(struct prof_trace *trace, uint64_t round, const struct prof_trace_sink *sink,
                                    void *ctx, struct prof_rest **ret)
{
    struct prof_rest *rest = malloc(sizeof *rest);
    if (rest == NULL)
        return prof_error_memory();
    struct prof_error *error = replay_begin(&rest->replay, trace, sink, ctx);
    if (error == NULL)
        error = merge_run(&rest->replay.merge, round);
    if (error != NULL) {
        prof_rest_destroy(rest);
        return error;
    }
    *ret = rest;
    return NULL;
}

void prof_rest_destroy(struct prof_rest *rest)
{
    if (rest == NULL)
        return;
    replay_deinit(&rest->replay);
    free(rest);
}

/* ---- What it cites ---- */

struct cited {
    void (*stack)(void *ctx, uint32_t id);
    void (*text)(void *ctx, uint32_t id);
    void *ctx;
};

static struct prof_error *cite_slots(void *ctx, const struct trk_events_head *head, const struct trk_slot *slots)
{
    const struct cited *cited = ctx;
    for (uint32_t i = 0; i < head->slots; i++) {
        uint64_t w0 = slots[i].w0, w1 = slots[i].w1;
        if ((w0 >> TRK_OP_SHIFT & TRK_OP_MASK) != TRK_OP_EXT) {
            uint64_t hi = w0 >> TRK_STACK_HI_SHIFT & TRK_STACK_HI_MASK;
            uint32_t stack = (uint32_t)(hi << TRK_STACK_LO_BITS | (w1 & TRK_STACK_LO_MASK));
            if (stack != 0)
                cited->stack(cited->ctx, stack);
        } else if ((w0 >> TRK_EXT_SHIFT & TRK_EXT_MASK) == TRK_EXT_TEXT && w1 <= UINT32_MAX) {
            cited->text(cited->ctx, (uint32_t)w1);
        }
    }
    return NULL;
}

struct prof_error *prof_rest_cited(struct prof_rest *rest, void (*stack)(void *ctx, uint32_t id),
                                   void (*text)(void *ctx, uint32_t id), void *ctx)
{
    struct cited cited = { stack, text, ctx };
    struct replay *r = &rest->replay;
    struct prof_error *error = prof_merge_rest(&r->merge, cite_slots, NULL, &cited);
    for (size_t i = r->next; i < r->trace->stream.count && error == NULL && !r->ended; i++) {
        struct loaded *block = NULL;
        if (r->trace->stream.items[i].kind == TRK_BLOCK_EVENTS)
            error = replay_load(r, &r->trace->stream.items[i], &block);
        if (block == NULL)
            continue;
        struct trk_events_head head = block->head;
        head.slots = (uint32_t)block->count;
        error = cite_slots(&cited, &head, block->slots);
        free(block);
    }
    return error;
}

/* ---- Writing ---- */

static struct prof_error *write_events(void *ctx, const struct trk_events_head *head, const struct trk_slot *slots)
{
    return prof_writer_events(ctx, head, slots);
}

static struct prof_error *write_mem(void *ctx, const struct trk_mem *mem)
{
    return prof_writer_mem(ctx, mem);
}

struct prof_error *prof_rest_write(const struct prof_rest *rest, struct prof_writer *writer)
{
    const struct replay *r = &rest->replay;
    struct prof_error *error = prof_merge_rest(&r->merge, write_events, write_mem, writer);
    for (size_t i = r->next; i < r->trace->stream.count && error == NULL && !r->ended; i++)
        error = writer_copy_block(writer, r->trace->fd, r->trace->stream.items[i].offset - sizeof(struct trk_block));
    return error;
}
