/* replay.c: streams the event blocks of a trace into a sink, in one order. Traces of one ring are decoded straight
 * through. When a second ring appears, the states that ordering needs are made up for by reading the blocks before it
 * once more: that is rare late in a trace and cheap early. */
#include "order.h"

#include <stdlib.h>
#include <string.h>

enum { WINDOW_BYTES = 256 << 20 }; /* more than this is never loaded at once, whatever the file says about rounds */

struct replay {
    struct prof_trace *trace;
    struct outlet out;
    struct order order;
    struct block_buffer buffer;
    size_t next;            /* in trace->stream */
    struct loaded *waiting; /* read, but of a later round */
    bool ended;             /* nothing more can be read */
    bool merging;           /* more than one ring */
    size_t window_bytes;
    uint64_t max_round;
    uint64_t done_bytes;
};

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

/* ---- Loading ---- */

static struct prof_error *take_mem(struct replay *r, const struct block_ref *ref)
{
    unsigned char *raw = malloc((size_t)ref->raw + 1);
    if (raw == NULL)
        return prof_error_memory();
    const char *what = block_load(r->trace, ref, &r->buffer, raw);
    if (what != NULL) {
        trace_damage(r->trace, ref->number, ref->offset - sizeof(struct trk_block), what);
        r->ended = true;
    } else {
        struct trk_mem mem;
        memset(&mem, 0xff, sizeof mem);
        mem.threads = mem.final_ = 0;
        memcpy(&mem, raw, ref->raw < sizeof mem ? ref->raw : sizeof mem);
        if (!prof_vec_push(&r->out.mem, mem)) {
            free(raw);
            return prof_error_memory();
        }
        if (r->out.mem_us == UINT64_MAX)
            r->out.mem_us = mem.at_us;
    }
    free(raw);
    return NULL;
}

/* Reads an event block. *ret NULL: it is damaged (the trace then ends here) or has no events. */
static struct prof_error *load_events(struct replay *r, const struct block_ref *ref, struct loaded **ret)
{
    *ret = NULL;
    if (ref->raw < sizeof(struct trk_events_head)) {
        trace_damage(r->trace, ref->number, ref->offset - sizeof(struct trk_block), "it is too short for events");
        r->ended = true;
        return NULL;
    }
    size_t bytes = sizeof(struct loaded) - sizeof(struct trk_events_head) + ref->raw;
    struct loaded *block = malloc(bytes);
    if (block == NULL)
        return prof_error_memory();
    /* The payload, head included, goes right in front of and into slots. */
    unsigned char *raw = (unsigned char *)block->slots - sizeof(struct trk_events_head);
    const char *what = block_load(r->trace, ref, &r->buffer, raw);
    if (what != NULL) {
        free(block);
        trace_damage(r->trace, ref->number, ref->offset - sizeof(struct trk_block), what);
        r->ended = true;
        return NULL;
    }
    struct trk_events_head head;
    memcpy(&head, raw, sizeof head);
    size_t count = (ref->raw - sizeof head) / sizeof(struct trk_slot);
    if (head.ring >= RING_NUMBER_MAX) {
        free(block);
        return NULL;
    }
    block->next = NULL;
    block->head = head;
    block->offset = ref->offset;
    block->count = head.slots < count ? head.slots : count;
    block->pos = 0;
    block->bytes = bytes;
    *ret = block;
    return NULL;
}

/* The next event block of the file; memory samples on the way are queued. *ret NULL: none is left. */
static struct prof_error *next_block(struct replay *r, struct loaded **ret)
{
    *ret = NULL;
    while (!r->ended && r->next < r->trace->stream.count) {
        const struct block_ref *ref = &r->trace->stream.items[r->next];
        if (ref->offset + ref->stored > r->trace->info.usable_bytes) {
            r->ended = true; /* found damaged by an earlier replay */
            return NULL;
        }
        r->next++;
        struct prof_error *error = ref->kind == TRK_BLOCK_MEM ? take_mem(r, ref) : load_events(r, ref, ret);
        if (error != NULL || *ret != NULL)
            return error;
    }
    return NULL;
}

/* Loads all blocks of rounds up to `round`, within the window. */
static struct prof_error *fill(struct replay *r, uint64_t round)
{
    for (;;) {
        if (r->waiting == NULL) {
            struct prof_error *error = next_block(r, &r->waiting);
            if (error != NULL || r->waiting == NULL)
                return error;
            /* Rounds never go back: a file that says so is not believed. */
            if (r->waiting->head.round < r->max_round)
                r->waiting->head.round = r->max_round;
            r->max_round = r->waiting->head.round;
        }
        if (r->waiting->head.round > round ||
            (r->window_bytes > 0 && r->window_bytes + r->waiting->bytes > WINDOW_BYTES))
            return NULL;
        struct ring *ring = order_ring(&r->order, r->waiting->head.ring);
        if (ring == NULL)
            return prof_error_memory();
        r->window_bytes += r->waiting->bytes;
        *ring->last = r->waiting;
        ring->last = &r->waiting->next;
        r->waiting = NULL;
    }
}

/* ---- One ring ---- */

static bool report_progress(struct replay *r, uint64_t offset)
{
    r->done_bytes = offset;
    return r->out.sink->progress == NULL || r->out.sink->progress(r->out.ctx, offset, r->trace->info.usable_bytes);
}

static struct prof_error *cancelled(void)
{
    return prof_error_create(PROF_ERROR_CANCELLED, "cancelled");
}

/* Everything loaded of the only ring, straight through. */
static struct prof_error *run_single(struct replay *r, struct ring *ring)
{
    struct outlet *out = &r->out;
    while (ring->first != NULL) {
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
        r->window_bytes -= block->bytes;
        uint64_t offset = block->offset;
        free(block);
        if (!report_progress(r, offset))
            return cancelled();
    }
    return NULL;
}

/* ---- Several rings ---- */

/* A second ring appeared: applies all that was handed on so far to the states. Nothing of the window was yet. */
static struct prof_error *catch_up(struct replay *r, uint64_t window_offset)
{
    struct prof_decoder decoder = { 0 };
    struct prof_error *error = NULL;
    for (size_t i = 0; i < r->trace->stream.count && error == NULL; i++) {
        const struct block_ref *ref = &r->trace->stream.items[i];
        if (ref->offset >= window_offset)
            break;
        if (ref->kind != TRK_BLOCK_EVENTS)
            continue;
        struct loaded *block;
        error = load_events(r, ref, &block);
        if (error != NULL || block == NULL)
            continue;
        prof_decoder_enter(&decoder, &block->head);
        while (block->pos < block->count && error == NULL) {
            struct prof_event events[RING_EVENTS];
            size_t count = prof_decode(&decoder, block->slots, block->count, &block->pos, events, RING_EVENTS);
            for (size_t k = 0; k < count; k++)
                causal_prefetch(&r->order.causal, &events[k]);
            for (size_t k = 0; k < count && error == NULL; k++)
                if (!causal_apply(&r->order.causal, &events[k]))
                    error = prof_error_memory();
        }
        free(block);
    }
    return error;
}

static uint64_t first_offset(const struct order *order)
{
    uint64_t offset = UINT64_MAX;
    for (size_t i = 0; i < order->ring_count; i++)
        if (order->rings[i]->first != NULL && order->rings[i]->first->offset < offset)
            offset = order->rings[i]->first->offset;
    return offset;
}

static struct prof_error *run_merge(struct replay *r, uint64_t round)
{
    struct order *order = &r->order;
    struct prof_error *error = NULL;
    if (!r->merging) {
        r->merging = true;
        error = catch_up(r, first_offset(order));
    }
    if (error == NULL)
        error = order_merge(order, round);
    if (error != NULL)
        return error;
    r->window_bytes = 0;
    for (size_t i = 0; i < order->ring_count; i++)
        for (const struct loaded *block = order->rings[i]->first; block != NULL; block = block->next)
            r->window_bytes += block->bytes;
    uint64_t offset = first_offset(order);
    if (offset == UINT64_MAX)
        offset = r->waiting != NULL ? r->waiting->offset : r->trace->info.usable_bytes;
    return report_progress(r, offset) ? NULL : cancelled();
}

/* Smallest round that is loaded or waits; false: nothing is. */
static bool lowest_round(const struct replay *r, uint64_t *ret)
{
    bool any = false;
    for (size_t i = 0; i < r->order.ring_count; i++) {
        const struct loaded *block = r->order.rings[i]->first;
        if (block != NULL && (!any || block->head.round < *ret)) {
            *ret = block->head.round;
            any = true;
        }
    }
    if (!any && r->waiting != NULL) {
        *ret = r->waiting->head.round;
        any = true;
    }
    return any;
}

static struct prof_error *run(struct replay *r)
{
    uint64_t round = 0;
    struct prof_error *error = fill(r, 0);
    while (error == NULL && lowest_round(r, &round)) {
        error = fill(r, round == UINT64_MAX ? round : round + 1);
        if (error != NULL)
            break;
        if (r->order.ring_count == 1)
            error = run_single(r, r->order.rings[0]);
        else
            error = run_merge(r, round);
    }
    return error;
}

/* What the trace begins with. A state that is not whole would make everything behind it wrong: no part of it is left
 * out. */
static struct prof_error *hand_on_states(struct replay *r)
{
    const struct prof_trace *trace = r->trace;
    struct prof_error *error = NULL;
    for (size_t i = 0; i < trace->states.count && error == NULL; i++) {
        const struct block_ref *ref = &trace->states.items[i];
        if (r->out.sink->state == NULL)
            return prof_error_at(PROF_ERROR_ARGUMENT, trace->info.path, ref->offset,
                                 "'%s' begins with a state of the heap, which cannot be used here", trace->info.path);
        unsigned char *raw = malloc((size_t)ref->raw + 1);
        if (raw == NULL)
            return prof_error_memory();
        const char *what = block_load(trace, ref, &r->buffer, raw);
        if (what != NULL)
            error = prof_error_at(PROF_ERROR_FORMAT, trace->info.path, ref->offset,
                                  "the state that '%s' begins with cannot be used: %s", trace->info.path, what);
        else
            error = r->out.sink->state(r->out.ctx, NULL, raw, ref->raw);
        free(raw);
    }
    return error;
}

struct prof_error *prof_trace_replay(struct prof_trace *trace, const struct prof_trace_sink *sink, void *ctx)
{
    if (trace->fd < 0)
        return prof_error_create(PROF_ERROR_ARGUMENT, "a trace in memory has no events to replay");
    struct replay *r = calloc(1, sizeof *r);
    if (r == NULL)
        return prof_error_memory();
    r->trace = trace;
    r->out.sink = sink;
    r->out.ctx = ctx;
    r->out.mem_us = UINT64_MAX;
    struct prof_error *error = order_init(&r->order, &r->out) ? hand_on_states(r) : prof_error_memory();
    if (error == NULL)
        error = run(r);
    if (error == NULL)
        error = flush_mem(&r->out);
    if (error == NULL && !trace->records_known) {
        trace->info.records = 0;
        for (size_t i = 0; i < r->order.ring_count; i++)
            trace->info.records += r->order.rings[i]->decoder.records;
    }
    if (error == NULL)
        (void)report_progress(r, trace->info.usable_bytes);
    order_deinit(&r->order);
    block_buffer_deinit(&r->buffer);
    free(r->waiting);
    prof_vec_deinit(&r->out.mem);
    free(r);
    return error;
}
