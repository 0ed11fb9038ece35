/* merge.c: puts the blocks of all rings into one order, window by window: two rounds are looked at to hand on one, more
 * when a number is missing. A single ring is decoded straight through. When a second ring appears, the states that
 * ordering needs are made up for by the source, which reads the blocks before it once more: that is rare late in a
 * trace and cheap early. A live merge has no past to read and keeps the states from its first event on.
 *
 * What is handed on depends on the blocks and their rounds only, not on when they arrive: blocks of later rounds wait
 * outside. So a stream that is interrupted at the end of a round, and goes on from the blocks of prof_merge_rest with
 * the states told by prof_merge_alive, gives the same order as one that was not. */
#include "merge.h"

#include <stdlib.h>
#include <string.h>

enum { WINDOW_BYTES = 256 << 20 }; /* more than this is never loaded at once, whatever the source says about rounds */

/* ---- Outlet ---- */

static struct prof_error *hand_on(struct outlet *out, const struct prof_event *events, size_t count)
{
    if (count == 0 || out->sink->events == NULL)
        return NULL;
    return out->sink->events(out->ctx, events, count);
}

static struct prof_error *hand_on_mem(struct outlet *out)
{
    const struct trk_mem *mem = &out->mem.items[out->mem_at++];
    out->mem_us = out->mem_at < out->mem.count ? out->mem.items[out->mem_at].at_us : UINT64_MAX;
    struct prof_error *error = out->sink->mem != NULL ? out->sink->mem(out->ctx, mem) : NULL;
    if (out->mem_at == out->mem.count)
        out->mem_at = out->mem.count = 0;
    return error;
}

struct prof_error *outlet_flush(struct outlet *out)
{
    size_t from = 0;
    struct prof_error *error = NULL;
    for (size_t i = 0; out->mem_us != UINT64_MAX && i < out->count && error == NULL; i++) {
        while (out->batch[i].time_us > out->mem_us && error == NULL) {
            error = hand_on(out, out->batch + from, i - from);
            from = i;
            if (error == NULL)
                error = hand_on_mem(out);
        }
    }
    if (error == NULL)
        error = hand_on(out, out->batch + from, out->count - from);
    out->count = 0;
    return error;
}

static struct prof_error *flush_mem(struct outlet *out)
{
    struct prof_error *error = outlet_flush(out);
    while (error == NULL && out->mem_at < out->mem.count)
        error = hand_on_mem(out);
    return error;
}

struct prof_error *merge_mem(struct prof_merge *merge, const struct trk_mem *mem)
{
    if (!prof_vec_push(&merge->out.mem, *mem))
        return prof_error_memory();
    if (merge->out.mem_us == UINT64_MAX)
        merge->out.mem_us = mem->at_us;
    return NULL;
}

struct prof_error *merge_memory(struct prof_merge *m, uint64_t round, size_t number, const struct prof_memory *memory)
{
    if (m->memories.count > 0 && m->memories.items[m->memories.count - 1].round > round)
        round = m->memories.items[m->memories.count - 1].round;
    if (round == UINT64_MAX) /* stands for the end of everything */
        round--;
    if (prof_vec_push(&m->memories, (struct merge_memory){ round, number, memory }))
        return NULL;
    prof_memory_destroy(memory);
    return prof_error_memory();
}

/* Hands on the checkpoints of rounds up to `round` and before `before`. */
static struct prof_error *hand_on_memories(struct prof_merge *m, uint64_t round, uint64_t before)
{
    struct outlet *out = &m->out;
    struct prof_error *error = NULL;
    while (error == NULL && m->memory_at < m->memories.count && m->memories.items[m->memory_at].round <= round &&
           m->memories.items[m->memory_at].round < before) {
        struct merge_memory *next = &m->memories.items[m->memory_at++];
        const struct prof_memory *memory = next->memory;
        next->memory = NULL;
        error = outlet_flush(out);
        if (error == NULL && memory == NULL && out->sink->memory != NULL)
            error = m->source->memory(m->source_ctx, next->number, &memory);
        if (error == NULL && memory != NULL && out->sink->memory != NULL)
            error = out->sink->memory(out->ctx, memory);
        prof_memory_destroy(memory);
    }
    return error;
}

/* ---- Loading ---- */

/* Gives blocks of rounds up to `round` to their rings, within the window. */
static struct prof_error *fill(struct prof_merge *m, uint64_t round)
{
    for (;;) {
        if (m->waiting == NULL) {
            struct prof_error *error = m->source->next(m->source_ctx, &m->waiting);
            if (error != NULL || m->waiting == NULL)
                return error;
            /* Rounds never go back: who says so is not believed. */
            if (m->waiting->head.round < m->max_round)
                m->waiting->head.round = m->max_round;
            m->max_round = m->waiting->head.round;
        }
        if (m->waiting->head.round > round ||
            (m->window_bytes > 0 && m->window_bytes + m->waiting->bytes > WINDOW_BYTES))
            return NULL;
        struct ring *ring = order_ring(&m->order, m->waiting->head.ring);
        if (ring == NULL)
            return prof_error_memory();
        m->window_bytes += m->waiting->bytes;
        *ring->last = m->waiting;
        ring->last = &m->waiting->next;
        m->waiting = NULL;
    }
}

static size_t first_place(const struct prof_merge *m)
{
    size_t place = m->waiting != NULL ? m->waiting->place : SIZE_MAX;
    for (size_t i = 0; i < m->order.ring_count; i++)
        if (m->order.rings[i]->first != NULL && m->order.rings[i]->first->place < place)
            place = m->order.rings[i]->first->place;
    return place;
}

static struct prof_error *used(const struct prof_merge *m, size_t place)
{
    return m->source->used != NULL ? m->source->used(m->source_ctx, place) : NULL;
}

/* ---- Handing on ---- */

/* The blocks of the only ring up to `round`, straight through. */
static struct prof_error *run_single(struct prof_merge *m, struct ring *ring, uint64_t round)
{
    struct outlet *out = &m->out;
    while (ring->first != NULL && ring->first->head.round <= round) {
        struct loaded *block = ring->first;
        prof_decoder_enter(&ring->decoder, &block->head);
        while (block->pos < block->count) {
            out->count += prof_decode(&ring->decoder, block->slots, block->count, &block->pos, out->batch + out->count,
                                      BATCH_EVENTS - out->count);
            if (out->count == BATCH_EVENTS) {
                struct prof_error *error = outlet_flush(out);
                if (error != NULL)
                    return error;
            }
        }
        ring->first = block->next;
        if (ring->first == NULL)
            ring->last = &ring->first;
        m->window_bytes -= block->bytes;
        size_t place = block->place;
        free(block);
        struct prof_error *error = used(m, place);
        if (error != NULL)
            return error;
    }
    return NULL;
}

static struct prof_error *begin_merging(struct prof_merge *m)
{
    if (m->merging)
        return NULL;
    m->merging = true;
    return m->source->catch_up(m->source_ctx, &m->order.causal, first_place(m));
}

bool merge_numbered(const struct prof_merge *m)
{
    bool numbers = false;
    for (size_t i = 0; i < m->order.ring_count; i++)
        numbers |= m->order.rings[i]->decoder.numbers;
    return numbers;
}

struct prof_error *merge_states(struct prof_merge *m, bool numbered)
{
    return numbered || merge_numbered(m) ? begin_merging(m) : NULL;
}

/* `most`: what is loaded for a missing number ends with this round. *ret_behind: it would have to be more. */
static struct prof_error *run_merge(struct prof_merge *m, uint64_t round, uint64_t most, bool *ret_behind)
{
    struct order *order = &m->order;
    struct prof_error *error = begin_merging(m);
    if (error == NULL)
        error = order_merge(order, round);
    while (error == NULL && order->wanted != 0 && order->loaded < most) {
        order->loaded = order->wanted < most ? order->wanted : most;
        error = fill(m, order->loaded);
        if (error == NULL)
            error = order_merge(order, round);
    }
    *ret_behind = order->wanted != 0;
    if (error != NULL)
        return error;
    m->window_bytes = 0;
    for (size_t i = 0; i < order->ring_count; i++)
        for (const struct loaded *block = order->rings[i]->first; block != NULL; block = block->next)
            m->window_bytes += block->bytes;
    return used(m, first_place(m));
}

static uint64_t round_after(uint64_t round)
{
    return round < UINT64_MAX ? round + 1 : round;
}

/* Smallest round that is loaded or waits; false: nothing is. */
static bool lowest_round(const struct prof_merge *m, uint64_t *ret)
{
    bool any = false;
    for (size_t i = 0; i < m->order.ring_count; i++) {
        const struct loaded *block = m->order.rings[i]->first;
        if (block != NULL && (!any || block->head.round < *ret)) {
            *ret = block->head.round;
            any = true;
        }
    }
    if (!any && m->waiting != NULL) {
        *ret = m->waiting->head.round;
        any = true;
    }
    return any;
}

static bool has_round(const struct prof_merge *m, uint64_t round)
{
    for (size_t i = 0; i < m->order.ring_count; i++)
        for (const struct loaded *block = m->order.rings[i]->first; block != NULL; block = block->next)
            if (block->head.round == round)
                return true;
    return false;
}

/* Loads what is looked at to hand on a round: the next one. When that is empty it may be that nobody looked, and what
 * belongs there came later. false: that is beyond `most`. */
static bool load_next(struct prof_merge *m, uint64_t round, uint64_t most, struct prof_error **ret_error)
{
    struct order *order = &m->order;
    order->visible = round_after(round);
    *ret_error = fill(m, order->visible);
    if (*ret_error == NULL && !has_round(m, order->visible)) {
        order->visible = round_after(order->visible);
        if (order->visible > most)
            return false;
        *ret_error = fill(m, order->visible);
    }
    if (order->loaded < order->visible)
        order->loaded = order->visible;
    return true;
}

struct prof_error *merge_run_within(struct prof_merge *m, uint64_t upto, uint64_t most)
{
    uint64_t round = 0;
    bool behind = false;
    struct prof_error *error = fill(m, m->order.loaded);
    while (error == NULL && !behind && lowest_round(m, &round) && round <= upto) {
        error = hand_on_memories(m, upto, round);
        if (error != NULL || !load_next(m, round, most, &error) || error != NULL)
            break;
        m->begun = round_after(round);
        if (m->order.ring_count == 1 && !m->merging)
            error = run_single(m, m->order.rings[0], round);
        else
            error = run_merge(m, round, most, &behind);
    }
    if (error == NULL)
        error = hand_on_memories(m, upto, lowest_round(m, &round) ? round : UINT64_MAX);
    return error != NULL ? error : outlet_flush(&m->out);
}

struct prof_error *merge_run(struct prof_merge *m, uint64_t upto)
{
    return merge_run_within(m, upto, round_after(upto));
}

struct prof_error *merge_end(struct prof_merge *m)
{
    struct prof_error *error = flush_mem(&m->out);
    return error != NULL ? error : hand_on_memories(m, UINT64_MAX, UINT64_MAX);
}

uint64_t merge_records(const struct prof_merge *m)
{
    uint64_t records = 0;
    for (size_t i = 0; i < m->order.ring_count; i++)
        records += m->order.rings[i]->decoder.records;
    return records;
}

bool merge_init(struct prof_merge *m, uint32_t flags, const struct prof_trace_sink *sink, void *ctx,
                const struct merge_source *source, void *source_ctx)
{
    memset(m, 0, sizeof *m);
    m->out.sink = sink;
    m->out.ctx = ctx;
    m->out.mem_us = UINT64_MAX;
    m->source = source;
    m->source_ctx = source_ctx;
    m->queue_end = &m->queue;
    return order_init(&m->order, prof_decoder_high(flags), &m->out);
}

void merge_deinit(struct prof_merge *m)
{
    order_deinit(&m->order);
    free(m->waiting);
    while (m->queue != NULL) {
        struct loaded *next = m->queue->next;
        free(m->queue);
        m->queue = next;
    }
    prof_vec_deinit(&m->out.mem);
    for (size_t i = m->memory_at; i < m->memories.count; i++)
        prof_memory_destroy(m->memories.items[i].memory);
    prof_vec_deinit(&m->memories);
}

/* ---- Live ---- */

static struct prof_error *next_added(void *ctx, struct loaded **ret)
{
    struct prof_merge *m = ctx;
    *ret = m->queue;
    if (m->queue == NULL)
        return NULL;
    m->queue = m->queue->next;
    if (m->queue == NULL)
        m->queue_end = &m->queue;
    (*ret)->next = NULL;
    return NULL;
}

static const struct merge_source live_source = { .next = next_added };

struct prof_error *prof_merge_create(uint32_t flags, const struct prof_trace_sink *sink, void *ctx,
                                     struct prof_merge **ret)
{
    struct prof_merge *m = malloc(sizeof *m);
    if (m == NULL || !merge_init(m, flags, sink, ctx, &live_source, m)) {
        free(m);
        return prof_error_memory();
    }
    m->merging = true;
    *ret = m;
    return NULL;
}

void prof_merge_destroy(struct prof_merge *m)
{
    if (m == NULL)
        return;
    merge_deinit(m);
    free(m);
}

struct prof_error *prof_merge_add(struct prof_merge *m, const struct trk_events_head *head,
                                  const struct trk_slot *slots)
{
    if (head->ring >= RING_NUMBER_MAX || head->slots == 0)
        return NULL;
    size_t bytes = sizeof(struct loaded) + head->slots * sizeof *slots;
    struct loaded *block = malloc(bytes);
    if (block == NULL)
        return prof_error_memory();
    *block = (struct loaded){ .head = *head, .count = head->slots, .bytes = bytes };
    memcpy(block->slots, slots, head->slots * sizeof *slots);
    *m->queue_end = block;
    m->queue_end = &block->next;
    return NULL;
}

struct prof_error *prof_merge_mem(struct prof_merge *m, const struct trk_mem *mem)
{
    return merge_mem(m, mem);
}

struct prof_error *prof_merge_memory(struct prof_merge *m, const struct prof_memory *memory)
{
    struct prof_memory *copy;
    struct prof_error *error = prof_memory_copy(memory, &copy);
    if (error != NULL)
        return error;
    copy->late |= m->begun > round_after(copy->round);
    return merge_memory(m, copy->round, 0, copy);
}

struct prof_error *prof_merge_run(struct prof_merge *m, uint64_t round)
{
    struct prof_error *error = merge_run(m, round);
    return error == NULL && round == UINT64_MAX ? merge_end(m) : error;
}

struct prof_error *prof_merge_alive(struct prof_merge *m, bool block, uint64_t addr, unsigned kind, int32_t count,
                                    bool known)
{
    return causal_alive(&m->order.causal, block, addr, kind, count, known) ? NULL : prof_error_memory();
}

/* ---- What is left ---- */

/* How far the ring's first block was handed on; *ret is the decoder as it is there. */
static size_t handed_on(const struct ring *ring, struct prof_decoder *ret)
{
    const struct loaded *block = ring->first;
    *ret = ring->decoder;
    if (block == NULL || block->pos == 0)
        return 0;
    /* Decodes what was handed on of the last batch once more, to know where it ends. */
    struct prof_event events[RING_EVENTS];
    size_t pos = ring->batch_pos;
    *ret = ring->batch;
    if (ring->at > 0)
        prof_decode(ret, block->slots, block->count, &pos, events, ring->at);
    return pos;
}

void merge_rings(const struct prof_merge *m, void (*each)(void *ctx, uint32_t ring, uint64_t time_us, uint64_t records),
                 void *ctx)
{
    for (size_t i = 0; i < m->order.ring_count; i++) {
        struct prof_decoder decoder;
        (void)handed_on(m->order.rings[i], &decoder);
        each(ctx, m->order.rings[i]->number, decoder.time_us, decoder.records);
    }
}

bool merge_reached(const struct prof_merge *m, uint64_t round)
{
    return m->order.wanted == 0 && m->waiting != NULL && m->waiting->head.round > round + 1;
}

/* One block that was not, or not wholly, handed on. first: the ring goes on here and not at the block's begin. */
static struct prof_error *rest_of(const struct ring *ring, const struct loaded *block, bool first,
                                  struct prof_error *(*each)(void *ctx, const struct trk_events_head *head,
                                                             const struct trk_slot *slots),
                                  void *ctx)
{
    struct trk_events_head head = block->head;
    size_t pos = 0;
    if (first && block->pos > 0) {
        struct prof_decoder decoder;
        pos = handed_on(ring, &decoder);
        head.tid = decoder.tid;
        head.start_us = decoder.time_us;
    }
    head.slots = (uint32_t)(block->count - pos);
    return head.slots > 0 ? each(ctx, &head, block->slots + pos) : NULL;
}

struct prof_error *prof_merge_rest(const struct prof_merge *m,
                                   struct prof_error *(*each)(void *ctx, const struct trk_events_head *head,
                                                              const struct trk_slot *slots),
                                   struct prof_error *(*mem)(void *ctx, const struct trk_mem *mem), void *ctx)
{
    struct prof_error *error = NULL;
    for (size_t i = m->out.mem_at; mem != NULL && i < m->out.mem.count && error == NULL; i++)
        error = mem(ctx, &m->out.mem.items[i]);
    /* In order of rounds; the blocks of one ring have them in order. */
    uint64_t round = 0;
    for (bool more = true; more && error == NULL; round++) {
        uint64_t next = UINT64_MAX;
        more = false;
        for (size_t i = 0; i < m->order.ring_count && error == NULL; i++) {
            const struct ring *ring = m->order.rings[i];
            for (const struct loaded *b = ring->first; b != NULL && error == NULL; b = b->next) {
                if (b->head.round == round)
                    error = rest_of(ring, b, b == ring->first, each, ctx);
                else if (b->head.round > round && b->head.round < next)
                    next = b->head.round;
            }
        }
        if (next != UINT64_MAX) {
            more = true;
            round = next - 1;
        }
    }
    if (m->waiting != NULL && error == NULL)
        error = rest_of(NULL, m->waiting, false, each, ctx);
    for (const struct loaded *b = m->queue; b != NULL && error == NULL; b = b->next)
        error = rest_of(NULL, b, false, each, ctx);
    return error;
}
