/* memories.c: the checkpoints of a trace: found by the heads of their parts when it is opened, read when their place
 * has come. One that is not whole leaves the others valid and is told. */
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "memories.h"

enum { PEEK_BYTES = 132 << 10 }; /* of a packed payload: more than one block of zstd */

/* ---- Finding ---- */

static bool say_lost(struct prof_trace *trace, uint32_t number, uint32_t block, const char *what)
{
    struct prof_trace_info *info = &trace->info;
    const char *text =
        prof_arena_printf(&trace->arena, "checkpoint %u cannot be used (block %u): %s", number, block, what);
    info->memory_damage = text;
    info->memories_lost++;
    return text != NULL;
}

/* The head of a part, without reading the rest. */
static bool peek_head(const struct prof_trace *trace, const struct block_ref *ref, struct trk_memory_head *ret)
{
    if (ref->raw < sizeof *ret)
        return false;
    if ((ref->flags & TRK_BLOCK_ZSTD) == 0)
        return read_at(trace->fd, ret, sizeof *ret, ref->offset);
    size_t bytes = ref->stored < PEEK_BYTES ? ref->stored : PEEK_BYTES;
    unsigned char *stored = malloc(bytes + 1);
    ZSTD_DCtx *zstd = ZSTD_createDCtx();
    ZSTD_inBuffer in = { .src = stored, .size = bytes };
    ZSTD_outBuffer out = { .dst = ret, .size = sizeof *ret };
    bool good = stored != NULL && zstd != NULL && read_at(trace->fd, stored, bytes, ref->offset);
    while (good && out.pos < out.size) {
        size_t before = in.pos + out.pos;
        good = !ZSTD_isError(ZSTD_decompressStream(zstd, &out, &in)) && (in.pos + out.pos > before);
    }
    ZSTD_freeDCtx(zstd);
    free(stored);
    return good;
}

/* The one that waits for its next part, the last one; NULL: none does. */
static struct memory_ref *unfinished(struct prof_trace *trace)
{
    size_t count = trace->memories.count;
    if (count == 0 || trace->memories.items[count - 1].whole || trace->memories.items[count - 1].lost)
        return NULL;
    return &trace->memories.items[count - 1];
}

static bool give_up(struct prof_trace *trace, uint32_t block, const char *what)
{
    struct memory_ref *open = unfinished(trace);
    if (open == NULL)
        return true;
    open->lost = true;
    return say_lost(trace, open->head.number, block, what);
}

/* A part that belongs to nothing: told once for each checkpoint. */
static bool stray(struct prof_trace *trace, uint32_t number, uint32_t block, const char *what)
{
    size_t count = trace->memories.count;
    if (count > 0 && trace->memories.items[count - 1].lost && trace->memories.items[count - 1].head.number == number)
        return true;
    struct memory_ref lost = { .head.number = number, .lost = true };
    return prof_vec_push(&trace->memories, lost) && say_lost(trace, number, block, what);
}

bool memories_take(struct prof_trace *trace, const struct block_ref *ref)
{
    struct trk_memory_head head;
    if (!peek_head(trace, ref, &head)) {
        if (unfinished(trace) != NULL)
            return give_up(trace, ref->number, "a part of it is damaged");
        return stray(trace, 0, ref->number, "a part of it is damaged");
    }
    if (head.version > TRK_MEMORY_VERSION) {
        trace->info.unknown_blocks++;
        return give_up(trace, ref->number, "a newer part follows");
    }
    if (head.part == 0) {
        struct memory_ref memory = { .first = trace->memory_blocks.count, .head = head };
        if (!give_up(trace, ref->number, "another one begins before its last part") ||
            !prof_vec_push(&trace->memories, memory))
            return false;
    }
    struct memory_ref *open = unfinished(trace);
    if (open == NULL || open->head.number != head.number || open->count != head.part)
        return give_up(trace, ref->number, "a part is missing before") &&
               stray(trace, head.number, ref->number, "a part is missing before");
    if (!prof_vec_push(&trace->memory_blocks, *ref))
        return false;
    open->count++;
    open->words += head.words;
    if ((head.flags & TRK_MEMORY_LAST) == 0)
        return true;
    open->head = head; /* the last part knows how it went */
    open->whole = true;
    trace->info.memories++;
    return true;
}

bool memories_end(struct prof_trace *trace)
{
    const struct prof_trace_info *info = &trace->info;
    /* What is still being written may get its last part yet. */
    if (!info->finished && info->damage == NULL)
        return true;
    return give_up(trace, info->blocks, "the trace ends before its last part");
}

/* ---- Reading ---- */

static struct prof_error *read_parts(const struct prof_trace *trace, const struct memory_ref *memory,
                                     struct block_buffer *buffer, struct prof_memory_reader *reader,
                                     const char **ret_what, struct prof_memory **ret)
{
    struct prof_error *error = NULL;
    for (size_t i = 0; i < memory->count && error == NULL && *ret_what == NULL && *ret == NULL; i++) {
        const struct block_ref *ref = &trace->memory_blocks.items[memory->first + i];
        unsigned char *raw = malloc((size_t)ref->raw + 1);
        if (raw == NULL)
            return prof_error_memory();
        *ret_what = block_load(trace, ref, buffer, raw);
        if (*ret_what == NULL)
            error = prof_memory_reader_add(reader, raw, ref->raw, ret);
        free(raw);
    }
    if (error == NULL && *ret_what == NULL && *ret == NULL)
        *ret_what = "it does not end with its last part"; /* the file was changed since */
    return error;
}

struct prof_error *memories_load(struct prof_trace *trace, size_t number, struct block_buffer *buffer,
                                 const struct prof_memory **ret)
{
    struct memory_ref *memory = &trace->memories.items[number];
    *ret = NULL;
    if (!memory->whole || memory->lost)
        return NULL;
    struct prof_memory_reader *reader;
    struct prof_error *error = prof_memory_reader_create(&reader);
    if (error != NULL)
        return error;
    struct prof_memory *made = NULL;
    const char *what = NULL;
    error = read_parts(trace, memory, buffer, reader, &what, &made);
    prof_memory_reader_destroy(reader);
    if (error != NULL && error->code == PROF_ERROR_FORMAT)
        what = error->message;
    if (what != NULL) {
        memory->lost = true;
        trace->info.memories--;
        bool told = say_lost(trace, memory->head.number, trace->memory_blocks.items[memory->first].number, what);
        prof_error_destroy(error);
        return told ? NULL : prof_error_memory();
    }
    if (error != NULL || made == NULL)
        return error;
    /* The state that the trace begins with stands for events behind its round. */
    made->late |= trace->info.has_state && made->at_us < trace->info.state_us;
    *ret = made;
    return NULL;
}
