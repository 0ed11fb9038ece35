/* replay.c: streams the state and the event blocks of a trace into a sink, in one order. */
#include "memories.h"
#include "replay.h"
#include "resume.h"

#include <stdlib.h>
#include <string.h>

/* ---- Loading ---- */

const struct block_ref *replay_at(const struct replay *r, size_t place, struct prof_trace **ret_owner)
{
    size_t rest = 0, begin = 0, known = 0;
    if (r->resume != NULL) {
        known = r->resume->known;
        rest = r->resume->index->stream.count - known;
        begin = r->resume->begin;
    }
    struct prof_trace *owner = place < rest ? r->resume->index : r->trace;
    size_t i = place < rest ? place + known : place - rest + begin;
    *ret_owner = owner;
    return i < owner->stream.count ? &owner->stream.items[i] : NULL;
}

static void damaged(struct replay *r, struct prof_trace *owner, const struct block_ref *ref, const char *what)
{
    trace_damage(owner, ref->number, ref->offset - sizeof(struct trk_block), what);
    r->ended = true;
}

static struct prof_error *take_mem(struct replay *r, struct prof_trace *owner, const struct block_ref *ref)
{
    unsigned char *raw = malloc((size_t)ref->raw + 1);
    if (raw == NULL)
        return prof_error_memory();
    struct prof_error *error = NULL;
    const char *what = block_load(owner, ref, &r->buffer, raw);
    if (what != NULL) {
        damaged(r, owner, ref, what);
    } else {
        struct trk_mem mem;
        memset(&mem, 0xff, sizeof mem);
        mem.threads = mem.final_ = 0;
        memcpy(&mem, raw, ref->raw < sizeof mem ? ref->raw : sizeof mem);
        error = merge_mem(&r->merge, &mem);
    }
    free(raw);
    return error;
}

struct prof_error *replay_load(struct replay *r, size_t place, struct loaded **ret)
{
    struct prof_trace *owner;
    const struct block_ref *ref = replay_at(r, place, &owner);
    *ret = NULL;
    if (ref->raw < sizeof(struct trk_events_head)) {
        damaged(r, owner, ref, "it is too short for events");
        return NULL;
    }
    size_t bytes = sizeof(struct loaded) - sizeof(struct trk_events_head) + ref->raw;
    struct loaded *block = malloc(bytes);
    if (block == NULL)
        return prof_error_memory();
    /* The payload, head included, goes right in front of and into slots. */
    unsigned char *raw = (unsigned char *)block->slots - sizeof(struct trk_events_head);
    const char *what = block_load(owner, ref, &r->buffer, raw);
    if (what != NULL) {
        free(block);
        damaged(r, owner, ref, what);
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
    block->place = place;
    block->count = head.slots < count ? head.slots : count;
    block->pos = 0;
    block->bytes = bytes;
    *ret = block;
    return NULL;
}

/* The next event block of the file; memory samples on the way are queued. *ret NULL: none is left. */
static struct prof_error *next_block(void *ctx, struct loaded **ret)
{
    struct replay *r = ctx;
    *ret = NULL;
    struct prof_trace *owner;
    const struct block_ref *ref;
    while (!r->ended && (ref = replay_at(r, r->next, &owner)) != NULL) {
        if (ref->offset + ref->stored > owner->info.usable_bytes) {
            r->ended = true; /* found damaged by an earlier replay */
            return NULL;
        }
        size_t place = r->next++;
        struct prof_error *error = ref->kind == TRK_BLOCK_MEM ? take_mem(r, owner, ref) : replay_load(r, place, ret);
        if (error != NULL || *ret != NULL)
            return error;
    }
    return NULL;
}

/* ---- Running ---- */

static struct prof_error *report_progress(void *ctx, size_t place)
{
    const struct replay *r = ctx;
    uint64_t all = r->trace->info.usable_bytes, done = all;
    struct prof_trace *owner;
    const struct block_ref *ref = replay_at(r, place, &owner);
    if (ref != NULL && owner == r->trace && ref->offset < all)
        done = ref->offset;
    else if (ref != NULL && owner != r->trace)
        done = r->resume->offset;
    if (r->sink->progress == NULL || r->sink->progress(r->ctx, done, all))
        return NULL;
    return prof_error_create(PROF_ERROR_CANCELLED, "cancelled");
}

/* Applies the blocks in front of the window, all handed on by now, to the states. */
static struct prof_error *catch_up(void *ctx, struct causal *states, size_t window)
{
    struct replay *r = ctx;
    struct prof_decoder decoder = { .high = prof_decoder_high(r->trace->info.flags) };
    struct prof_error *error = NULL;
    struct prof_trace *owner;
    const struct block_ref *ref;
    if (r->resume != NULL)
        return prof_error_create(PROF_ERROR_FORMAT, "a second ring appeared behind an index that knows of one");
    for (size_t i = 0; i < window && error == NULL && (ref = replay_at(r, i, &owner)) != NULL; i++) {
        if (ref->kind != TRK_BLOCK_EVENTS)
            continue;
        struct loaded *block;
        error = replay_load(r, i, &block);
        if (error != NULL || block == NULL)
            continue;
        prof_decoder_enter(&decoder, &block->head);
        while (block->pos < block->count && error == NULL) {
            struct prof_event events[RING_EVENTS];
            size_t count = prof_decode(&decoder, block->slots, block->count, &block->pos, events, RING_EVENTS);
            for (size_t k = 0; k < count; k++)
                causal_prefetch(states, &events[k]);
            for (size_t k = 0; k < count && error == NULL; k++)
                if (!causal_apply(states, &events[k]))
                    error = prof_error_memory();
        }
        free(block);
    }
    return error;
}

/* What the trace begins with, or the index. A state that is not whole would make everything behind it wrong: no part
 * of it is left out. */
static struct prof_error *hand_on_states(struct replay *r)
{
    const struct prof_trace *trace = r->resume != NULL ? r->resume->index : r->trace;
    struct prof_error *error = NULL;
    for (size_t i = 0; i < trace->states.count && error == NULL; i++) {
        const struct block_ref *ref = &trace->states.items[i];
        if (r->sink->state == NULL)
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
            error = r->sink->state(r->ctx, &r->merge, raw, ref->raw);
        free(raw);
    }
    return error;
}

/* The last numbers of what lives in the state. Without them what follows is merged less exactly, not wrongly: what
 * cannot be read ends the trace there. */
static struct prof_error *hand_on_numbers(struct replay *r)
{
    const struct prof_trace *trace = r->trace;
    for (size_t i = 0; i < trace->numbers.count && !r->ended; i++) {
        const struct block_ref *ref = &trace->numbers.items[i];
        unsigned char *raw = malloc((size_t)ref->raw + 1);
        if (raw == NULL)
            return prof_error_memory();
        const char *what = block_load(trace, ref, &r->buffer, raw);
        if (what != NULL)
            damaged(r, r->trace, ref, what);
        for (size_t at = 0; what == NULL && ref->raw - at >= sizeof(struct trk_number);
             at += sizeof(struct trk_number)) {
            struct trk_number number;
            memcpy(&number, raw + at, sizeof number);
            causal_number(&r->merge.order.causal, number.addr & PROF_ADDR_MASK, number.seq);
        }
        free(raw);
    }
    return NULL;
}

/* Rings go on at the times they had reached, and the order with what it knew. */
static struct prof_error *enter_order(struct replay *r)
{
    const struct prof_resume *resume = r->resume;
    if (resume == NULL)
        return NULL;
    for (size_t i = 0; i < resume->rings.count; i++) {
        struct ring *ring = order_ring(&r->merge.order, resume->rings.items[i].number);
        if (ring == NULL)
            return prof_error_memory();
        ring->decoder.time_us = resume->rings.items[i].time_us;
        ring->decoder.numbers = resume->numbered;
    }
    r->merge.merging = resume->merging;
    r->merge.order.loaded = resume->loaded;
    const char *what = known_read(&r->merge.order.causal, resume->index, resume->known);
    if (what == NULL)
        return NULL;
    const char *path = resume->index->info.path;
    return prof_error_at(PROF_ERROR_FORMAT, path, 0, "'%s' cannot be used: %s", path, what);
}

static struct prof_error *load_memory(void *ctx, size_t number, const struct prof_memory **ret)
{
    struct replay *r = ctx;
    return memories_load(r->trace, number, &r->buffer, ret);
}

/* Checkpoints are announced with their rounds, wherever in the file they stand; not one that may still get its parts.
 */
struct prof_error *replay_announce(struct replay *r)
{
    const struct prof_trace *trace = r->trace;
    struct prof_error *error = NULL;
    for (; r->announced < trace->memories.count && error == NULL; r->announced++) {
        const struct memory_ref *memory = &trace->memories.items[r->announced];
        if (!memory->whole && !memory->lost)
            break; /* only the last one can be so */
        error = merge_memory(&r->merge, memory->head.round, r->announced, NULL);
    }
    return error;
}

static const struct merge_source file_source = {
    .next = next_block, .catch_up = catch_up, .used = report_progress, .memory = load_memory
};

struct prof_error *replay_begin(struct replay *r, struct prof_trace *trace, const struct prof_resume *resume,
                                const struct prof_trace_sink *sink, void *ctx)
{
    *r = (struct replay){ .trace = trace, .resume = resume, .sink = sink, .ctx = ctx };
    r->announced = resume != NULL ? resume->memories : 0;
    if (!merge_init(&r->merge, trace->info.flags, sink, ctx, &file_source, r))
        return prof_error_memory();
    if (trace->fd < 0)
        return prof_error_create(PROF_ERROR_ARGUMENT, "a trace in memory has no events to replay");
    struct prof_error *error = enter_order(r);
    if (error == NULL)
        error = hand_on_states(r);
    if (error == NULL)
        error = replay_announce(r);
    return error != NULL || resume != NULL ? error : hand_on_numbers(r);
}

void replay_deinit(struct replay *r)
{
    merge_deinit(&r->merge);
    block_buffer_deinit(&r->buffer);
}

struct prof_error *prof_trace_replay_from(struct prof_trace *trace, const struct prof_resume *resume,
                                          const struct prof_trace_sink *sink, void *ctx,
                                          void (*paused)(void *ctx, const struct prof_pause *pause))
{
    struct replay *r = malloc(sizeof *r);
    if (r == NULL)
        return prof_error_memory();
    struct prof_error *error = replay_begin(r, trace, resume, sink, ctx);
    if (error == NULL && paused != NULL)
        error = resume_pause(r, paused);
    if (error == NULL)
        error = merge_run(&r->merge, UINT64_MAX);
    if (error == NULL)
        error = merge_end(&r->merge);
    if (error == NULL && resume != NULL && resume->index->info.damage != NULL)
        error = prof_error_at(PROF_ERROR_FORMAT, resume->index->info.path, resume->index->info.usable_bytes, "%s",
                              resume->index->info.damage);
    if (error == NULL && !trace->records_known)
        trace->info.records = resume_records(r) + merge_records(&r->merge);
    if (error == NULL && sink->progress != NULL)
        (void)sink->progress(ctx, trace->info.usable_bytes, trace->info.usable_bytes);
    replay_deinit(r);
    free(r);
    return error;
}

struct prof_error *prof_trace_replay(struct prof_trace *trace, const struct prof_trace_sink *sink, void *ctx)
{
    return prof_trace_replay_from(trace, NULL, sink, ctx, NULL);
}
