/* split.c: cuts a trace into what happened up to a round, which is replayed, and the rest, which is written elsewhere.
 */
#include "replay.h"
#include "writer.h"

#include <stdlib.h>

enum { NUMBERS_MOST = 1 << 16 }; /* in one block */

struct prof_rest {
    struct replay replay;
};

struct prof_error *prof_trace_split(struct prof_trace *trace, uint64_t round, const struct prof_trace_sink *sink,
                                    void *ctx, struct prof_rest **ret)
{
    struct prof_rest *rest = malloc(sizeof *rest);
    if (rest == NULL)
        return prof_error_memory();
    struct prof_error *error = replay_begin(&rest->replay, trace, NULL, sink, ctx);
    if (error == NULL)
        error = merge_run(&rest->replay.merge, round);
    if (error == NULL)
        error = merge_states(&rest->replay.merge, trace->numbers.count > 0);
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
            error = replay_load(r, i, &block);
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

typedef PROF_VEC(struct trk_number) numbers_vec;

static struct prof_error *gather_number(void *ctx, const struct trk_number *number)
{
    numbers_vec *numbers = ctx;
    return prof_vec_push(numbers, *number) ? NULL : prof_error_memory();
}

static int by_address(const void *a, const void *b)
{
    uint64_t one = ((const struct trk_number *)a)->addr, two = ((const struct trk_number *)b)->addr;
    return one < two ? -1 : one > two;
}

static struct prof_error *write_numbers(const struct causal *states, struct prof_writer *writer)
{
    numbers_vec numbers = { 0 };
    struct prof_error *error = causal_numbers(states, gather_number, &numbers);
    if (numbers.count > 0)
        qsort(numbers.items, numbers.count, sizeof *numbers.items, by_address);
    for (size_t at = 0, count; at < numbers.count && error == NULL; at += count) {
        count = numbers.count - at < NUMBERS_MOST ? numbers.count - at : NUMBERS_MOST;
        error = writer_numbers(writer, numbers.items + at, count);
    }
    prof_vec_deinit(&numbers);
    return error;
}

/* The checkpoints whose place has not come, as they are. */
static struct prof_error *write_memories(const struct replay *r, struct prof_writer *writer)
{
    const struct prof_trace *trace = r->trace;
    struct prof_error *error = NULL;
    for (size_t i = r->merge.memory_at; i < trace->memories.count; i++)
        for (size_t k = 0; k < trace->memories.items[i].count && error == NULL; k++)
            error = writer_copy_block(writer, trace->fd,
                                      trace->memory_blocks.items[trace->memories.items[i].first + k].offset -
                                          sizeof(struct trk_block));
    return error;
}

struct prof_error *prof_rest_write(const struct prof_rest *rest, struct prof_writer *writer)
{
    const struct replay *r = &rest->replay;
    struct prof_error *error = write_numbers(&r->merge.order.causal, writer);
    if (error == NULL)
        error = write_memories(r, writer);
    if (error == NULL)
        error = prof_merge_rest(&r->merge, write_events, write_mem, writer);
    for (size_t i = r->next; i < r->trace->stream.count && error == NULL && !r->ended; i++)
        error = writer_copy_block(writer, r->trace->fd, r->trace->stream.items[i].offset - sizeof(struct trk_block));
    return error;
}
