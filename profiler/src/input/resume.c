/* resume.c: indexes: which trace one belongs to and where it goes on; and what a later reader needs besides the state.
 *
 * A round is relied on when nothing can change its order any more: the trace has its END, or the rounds in which a
 * missing number is looked for are complete, because a later one has begun.
 */
#include "resume.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <base/str.h>
#include <base/vec.h>
#include <input/decode.h>

/* Changes with everything that makes an older index unfit: its facts, the order of events, what the heap learns. */
#define INDEX_VERSION "2"

/* ---- Facts ---- */

/* A decimal number up to `end`, which ends it; *text moves behind that. */
static bool take_number(const char **text, char end, uint64_t *ret)
{
    char *behind;
    if (**text < '0' || **text > '9')
        return false;
    *ret = strtoull(*text, &behind, 10);
    if (*behind != end)
        return false;
    *text = behind + (end != '\0');
    return true;
}

static bool fact(const struct prof_trace *index, const char *key, uint64_t *ret)
{
    const char *text = prof_trace_meta(index, key);
    return text != NULL && take_number(&text, '\0', ret);
}

static bool fact_is(const struct prof_trace *index, const char *key, const char *value)
{
    const char *text = prof_trace_meta(index, key);
    return text != NULL && strcmp(text, value) == 0;
}

/* "0:1500;1:1400;" */
static bool take_rings(struct prof_resume *resume)
{
    const char *text = prof_trace_meta(resume->index, "index_rings");
    while (text != NULL && *text != '\0') {
        uint64_t number, time_us;
        if (!take_number(&text, ':', &number) || !take_number(&text, ';', &time_us) || number >= RING_NUMBER_MAX ||
            time_us > PROF_TIME_MAX ||
            !prof_vec_push(&resume->rings, (struct resume_ring){ (uint32_t)number, time_us }))
            return false;
    }
    return text != NULL;
}

static uint64_t hash_types(const struct prof_trace *trace, uint64_t count)
{
    uint64_t hash = 0;
    for (uint32_t id = 1; id < count; id++) {
        const char *name = "";
        const struct trk_type_def *def = prof_trace_type(trace, id, &name);
        hash = XXH64(name, strlen(name), hash + (def != NULL));
        if (def != NULL)
            hash = XXH64(def, sizeof *def, hash);
    }
    return hash;
}

/* The block of the stream that ends at `offset`, as index + 1; 0: none. */
static size_t stream_end(const struct prof_trace *trace, uint64_t offset)
{
    size_t low = 0, high = trace->stream.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct block_ref *ref = &trace->stream.items[middle];
        if (ref->offset + ref->stored < offset)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == trace->stream.count || trace->stream.items[low].offset + trace->stream.items[low].stored != offset)
        return 0;
    return low + 1;
}

/* Are the checkpoints that the index stands for those of the trace, and is no later one of a time before them or before
 * events that were handed on? `begun`: behind the last round of these. */
static bool same_memories(const struct prof_trace *trace, const struct prof_resume *resume, uint64_t begun)
{
    if (resume->memories > trace->memories.count)
        return false;
    for (size_t i = 0; i < trace->memories.count; i++) {
        const struct memory_ref *memory = &trace->memories.items[i];
        if (i >= resume->memories && memory->head.round + 1 < begun)
            return false;
        if (i < resume->memories && memory->count > 0 &&
            trace->memory_blocks.items[memory->first + memory->count - 1].offset >= resume->offset)
            return false;
    }
    return true;
}

/* Are all blocks there, as what they were written? Their headers have no checksum. */
static bool all_there(const struct prof_trace *index)
{
    uint64_t events = 0, mems = 0;
    for (size_t i = 0; i < index->stream.count; i++) {
        events += index->stream.items[i].kind == TRK_BLOCK_EVENTS;
        mems += index->stream.items[i].kind == TRK_BLOCK_MEM;
    }
    return events == index->info.records && mems == (uint64_t)index->info.end_value;
}

/* Is this the index of the trace, and the trace up to there what it was? */
static bool belongs(const struct prof_trace *trace, struct prof_resume *resume, const char *version)
{
    const struct prof_trace *index = resume->index;
    const struct prof_trace_info *info = &index->info;
    uint64_t chain, types, types_hash, known, merging, numbered, memories, begun;
    if (!info->finished || info->damage != NULL || index->states.count == 0 || !all_there(index) ||
        memcmp(info->trace_id, trace->info.trace_id, sizeof info->trace_id) != 0 ||
        !fact_is(index, "index_version", INDEX_VERSION) || !fact_is(index, "index_reader", version) ||
        !fact(index, "index_offset", &resume->offset) || !fact(index, "index_chain", &chain) ||
        !fact(index, "index_round", &resume->round) || !fact(index, "index_records", &resume->records) ||
        !fact(index, "index_loaded", &resume->loaded) || !fact(index, "index_known", &known) ||
        known > index->stream.count || !fact(index, "index_merging", &merging) ||
        !fact(index, "index_numbered", &numbered) || !fact(index, "index_memories", &memories) ||
        !fact(index, "index_begun", &begun) || !fact(index, "index_types", &types) ||
        !fact(index, "index_types_hash", &types_hash))
        return false;
    resume->known = known;
    resume->memories = memories;
    resume->merging = merging != 0;
    resume->numbered = numbered != 0;
    resume->begin = stream_end(trace, resume->offset);
    return resume->begin > 0 && trace->stream.items[resume->begin - 1].chain == chain && types <= TRK_TYPE_MAX &&
           hash_types(trace, types) == types_hash && take_rings(resume) && same_memories(trace, resume, begun);
}

struct prof_resume *prof_resume_open(const struct prof_trace *trace, int fd, const char *path, const char *version)
{
    struct prof_trace *index;
    struct prof_error *error = prof_trace_open_fd(fd, path, UINT64_MAX, &index);
    if (error != NULL) {
        prof_error_destroy(error);
        return NULL;
    }
    struct prof_resume *resume = calloc(1, sizeof *resume);
    if (resume == NULL) {
        prof_trace_close(index);
        return NULL;
    }
    resume->index = index;
    if (belongs(trace, resume, version))
        return resume;
    prof_resume_close(resume);
    return NULL;
}

void prof_resume_close(struct prof_resume *resume)
{
    if (resume == NULL)
        return;
    prof_trace_close(resume->index);
    prof_vec_deinit(&resume->rings);
    free(resume);
}

void prof_resume_left(const struct prof_trace *trace, const struct prof_resume *resume, uint64_t *ret_bytes,
                      uint64_t *ret_slots)
{
    *ret_bytes = *ret_slots = 0;
    for (size_t i = resume != NULL ? resume->begin : 0; i < trace->stream.count; i++) {
        *ret_bytes += trace->stream.items[i].stored;
        *ret_slots += trace->stream.items[i].raw / sizeof(struct trk_slot);
    }
}

uint64_t resume_records(const struct replay *r)
{
    return r->resume != NULL ? r->resume->records : r->trace->info.state_events;
}

/* ---- Pausing ---- */

enum { LOOKED_AT = AHEAD_ROUNDS + 1 }; /* rounds behind one, to hand it on whatever is missing */

struct prof_pause {
    const struct replay *replay;
    const struct block_ref *last; /* read, in the trace */
    uint64_t round;
};

/* The last round that is begun: those before it are complete. false: not known. */
static bool last_round(struct replay *r, uint64_t *ret)
{
    for (size_t i = r->trace->stream.count; i > 0; i--) {
        const struct block_ref *ref = &r->trace->stream.items[i - 1];
        if (ref->kind != TRK_BLOCK_EVENTS || ref->raw < sizeof(struct trk_events_head))
            continue;
        struct trk_events_head head = { .round = 0 };
        unsigned char *raw = malloc(ref->raw);
        bool loaded = raw != NULL && block_load(r->trace, ref, &r->buffer, raw) == NULL;
        if (loaded)
            memcpy(&head, raw, sizeof head);
        free(raw);
        *ret = head.round;
        return loaded;
    }
    return false;
}

/* A trace that has its END is looked at as by any replay. Else what is missing must not be looked for where more may be
 * written; when no change bears a number nothing is. */
struct prof_error *resume_run(struct replay *r, uint64_t *ret_round, bool *ret_late)
{
    uint64_t last;
    *ret_round = 0;
    *ret_late = false;
    if (!last_round(r, &last) || last < 2)
        return NULL;
    if (r->trace->info.finished) {
        *ret_round = last - 2;
        return merge_run_within(&r->merge, *ret_round, UINT64_MAX);
    }
    struct prof_error *error = NULL;
    if (last > LOOKED_AT) {
        *ret_round = last - 1 - LOOKED_AT;
        error = merge_run_within(&r->merge, *ret_round, last - 1);
    }
    if (error != NULL || merge_numbered(&r->merge))
        return error;
    *ret_round = last - 2;
    error = merge_run_within(&r->merge, *ret_round, last - 1);
    *ret_late = merge_numbered(&r->merge);
    return error;
}

struct prof_error *resume_pause(struct replay *r, void (*paused)(void *ctx, const struct prof_pause *pause))
{
    struct prof_pause pause = { .replay = r };
    bool late;
    struct prof_error *error = resume_run(r, &pause.round, &late);
    struct prof_trace *owner;
    pause.last = r->next > 0 ? replay_at(r, r->next - 1, &owner) : NULL;
    if (error != NULL || r->ended || late || !merge_reached(&r->merge, pause.round) || pause.last == NULL ||
        owner != r->trace || (r->resume != NULL && pause.round <= r->resume->round))
        return error;
    paused(r->ctx, &pause);
    return NULL;
}

struct known {
    struct prof_str rings;
    uint64_t records;
};

static void add_ring(void *ctx, uint32_t ring, uint64_t time_us, uint64_t records)
{
    struct known *known = ctx;
    prof_str_addf(&known->rings, "%u:%llu;", ring, (unsigned long long)time_us);
    known->records += records;
}

struct prof_error *prof_pause_facts(const struct prof_pause *pause, struct prof_writer *writer, const char *version,
                                    uint32_t types)
{
    const struct replay *r = pause->replay;
    const struct block_ref *last = pause->last;
    struct known known = { .records = resume_records(r) };
    prof_str_add(&known.rings, "index_rings=");
    merge_rings(&r->merge, add_ring, &known);
    const struct {
        const char *key;
        uint64_t value;
    } numbers[] = {
        { "offset", last->offset + last->stored },
        { "chain", last->chain },
        { "round", pause->round },
        { "records", known.records },
        { "merging", r->merge.merging },
        { "memories", (r->resume != NULL ? r->resume->memories : 0) + r->merge.memory_at },
        { "begun", r->merge.begun },
        { "loaded", r->merge.order.loaded },
        { "numbered", merge_numbered(&r->merge) },
        { "known", r->merge.merging ? known_blocks(&r->merge.order.causal) : 0 },
        { "types", types },
        { "types_hash", hash_types(r->trace, types) },
    };
    enum { NUMBERS = sizeof numbers / sizeof *numbers };
    char text[NUMBERS][48], reader[64];
    const char *pairs[NUMBERS + 4] = { "index_version=" INDEX_VERSION, reader, known.rings.text };
    snprintf(reader, sizeof reader, "index_reader=%s", version);
    for (size_t i = 0; i < NUMBERS; i++) {
        snprintf(text[i], sizeof text[i], "index_%s=%llu", numbers[i].key, (unsigned long long)numbers[i].value);
        pairs[3 + i] = text[i];
    }
    struct prof_error *error = known.rings.failed ? prof_error_memory() : prof_writer_meta(writer, pairs);
    prof_str_deinit(&known.rings);
    return error;
}

struct rest {
    struct prof_writer *writer;
    uint32_t mems;
};

static struct prof_error *write_events(void *ctx, const struct trk_events_head *head, const struct trk_slot *slots)
{
    const struct rest *rest = ctx;
    return prof_writer_events(rest->writer, head, slots);
}

static struct prof_error *write_mem(void *ctx, const struct trk_mem *mem)
{
    struct rest *rest = ctx;
    rest->mems++;
    return prof_writer_mem(rest->writer, mem);
}

struct prof_error *prof_pause_rest(const struct prof_pause *pause, struct prof_writer *writer)
{
    const struct prof_trace_info *info = &pause->replay->trace->info;
    struct trk_end end = { .at_us = info->end_us, .reason = TRK_END_SNAPSHOT };
    const struct prof_merge *merge = &pause->replay->merge;
    struct rest rest = { .writer = writer };
    uint64_t blocks = prof_writer_blocks(writer);
    struct prof_error *error = merge->merging ? known_write(&merge->order.causal, writer) : NULL;
    if (error == NULL)
        error = prof_merge_rest(merge, write_events, write_mem, &rest);
    end.records = prof_writer_blocks(writer) - blocks - rest.mems;
    end.value = (int32_t)rest.mems;
    return error != NULL ? error : prof_writer_end(writer, &end);
}
