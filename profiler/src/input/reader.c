/* reader.c: opens a trace: checks the header, walks the block headers, reads the definitions, and says where the file
 * is damaged. Event blocks are only located here; their payload is checked when it is replayed. */
#include "memories.h"
#include "planes.h"
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>
#include <zstd.h>

#include <input/decode.h>

bool read_at(int fd, void *into, size_t bytes, uint64_t offset)
{
    unsigned char *to = into;
    while (bytes > 0) {
        ssize_t n = pread(fd, to, bytes, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            if (n == 0)
                errno = 0;
            return false;
        }
        to += n;
        offset += (size_t)n;
        bytes -= (size_t)n;
    }
    return true;
}

void block_buffer_deinit(struct block_buffer *buffer)
{
    free(buffer->stored);
    free(buffer->planes);
    ZSTD_freeDCtx(buffer->zstd);
    *buffer = (struct block_buffer){ 0 };
}

/* Turns the byte planes of an event block back into slots. */
static const char *join_planes(const struct block_ref *ref, struct block_buffer *buffer, unsigned char *raw)
{
    size_t head = sizeof(struct trk_events_head);
    if (ref->raw < head || (ref->raw - head) % TRK_SLOT_BYTES != 0)
        return "it has no whole slots";
    if (buffer->planes_room < ref->raw) {
        free(buffer->planes);
        buffer->planes = malloc(ref->raw);
        buffer->planes_room = buffer->planes != NULL ? ref->raw : 0;
    }
    if (buffer->planes == NULL)
        return "there is not enough memory to read it";
    memcpy(buffer->planes, raw + head, ref->raw - head);
    planes_join(raw + head, buffer->planes, (ref->raw - head) / TRK_SLOT_BYTES);
    return NULL;
}

const char *block_load(const struct prof_trace *trace, const struct block_ref *ref, struct block_buffer *buffer,
                       void *raw)
{
    bool packed = (ref->flags & TRK_BLOCK_ZSTD) != 0;
    unsigned char *into = raw;
    if (packed) {
        if (buffer->stored_room < ref->stored) {
            free(buffer->stored);
            buffer->stored = malloc(ref->stored);
            buffer->stored_room = buffer->stored != NULL ? ref->stored : 0;
        }
        if (buffer->zstd == NULL)
            buffer->zstd = ZSTD_createDCtx();
        if ((buffer->stored == NULL && ref->stored > 0) || buffer->zstd == NULL)
            return "there is not enough memory to read it";
        into = buffer->stored;
    }
    if (!read_at(trace->fd, into, ref->stored, ref->offset))
        return errno == 0 ? "the file became shorter" : "it cannot be read";
    if (XXH64(into, ref->stored, 0) != ref->checksum)
        return "its checksum does not match";
    if (packed && ZSTD_decompressDCtx(buffer->zstd, raw, ref->raw, into, ref->stored) != ref->raw)
        return "it does not decompress";
    if (ref->kind == TRK_BLOCK_EVENTS && (ref->flags & TRK_BLOCK_PLANES) != 0)
        return join_planes(ref, buffer, raw);
    return NULL;
}

/* What is wrong when only bytes are missing at the end. */
static const char ends_in_block[] = "the file ends inside it", ends_in_header[] = "the file ends inside its header";

void trace_damage(struct prof_trace *trace, uint32_t block, uint64_t offset, const char *what)
{
    if (trace->info.damage != NULL && offset >= trace->info.usable_bytes)
        return;
    const char *text =
        prof_arena_printf(&trace->arena, "block %u at byte %llu cannot be used: %s; the %llu bytes before it are",
                          block, (unsigned long long)offset, what, (unsigned long long)offset);
    trace->info.damage = text != NULL ? text : "damaged";
    trace->info.usable_bytes = offset;
    trace->cut = what == ends_in_block || what == ends_in_header;
}

/* Checks a block header at `offset`; a static text says what is wrong. */
static const char *check_block(const struct trk_block *block, uint64_t seq, uint64_t room)
{
    if (block->magic != TRK_BLOCK_MAGIC)
        return "no block begins there";
    if (block->seq != seq)
        return "blocks are missing before it";
    if (block->raw > TRK_BLOCK_MAX || block->stored > ZSTD_COMPRESSBOUND(TRK_BLOCK_MAX))
        return "its length is impossible";
    if ((block->flags & TRK_BLOCK_ZSTD) == 0 && block->raw != block->stored)
        return "its lengths differ";
    if (block->stored > room)
        return ends_in_block;
    return NULL;
}

static struct prof_error *check_header(int fd, const char *path, struct trk_file_header *ret)
{
    struct trk_file_header header;
    if (!read_at(fd, &header, sizeof header, 0)) {
        if (errno != 0)
            return prof_error_os(errno, "read", path, NULL);
        return prof_error_at(PROF_ERROR_FORMAT, path, 0, "'%s' is too short to be a trace", path);
    }
    if (memcmp(header.magic, TRK_FILE_MAGIC, sizeof header.magic) != 0) {
        if (memcmp(header.magic, TRK_FILE_MAGIC, 6) == 0)
            return prof_error_at(PROF_ERROR_FORMAT, path, 0,
                                 "'%s' was damaged by a text-mode transfer; copy it again as binary", path);
        return prof_error_at(PROF_ERROR_FORMAT, path, 0, "'%s' is not a reftrack trace", path);
    }
    if (header.major != TRK_FILE_MAJOR)
        return prof_error_at(
            PROF_ERROR_FORMAT, path, 8,
            "'%s' has format version %u.%u, this program reads %d.x; use the reftrack that recorded it", path,
            header.major, header.minor, TRK_FILE_MAJOR);
    if (header.header_bytes < sizeof header || header.header_bytes > 1 << 20)
        return prof_error_at(PROF_ERROR_FORMAT, path, 12, "'%s' has a damaged header", path);
    if ((header.flags & ~(uint32_t)TRK_FILE_FLAGS) != 0)
        return prof_error_at(PROF_ERROR_FORMAT, path, 48,
                             "'%s' was written in a way that this program does not know; use the reftrack that "
                             "recorded it",
                             path);
    *ret = header;
    return NULL;
}

/* A definition, LOSS or END block, or a block to replay later. `payload` has block->raw bytes. false: no memory. */
static bool take_block(struct prof_trace *trace, const struct trk_block *block, const unsigned char *payload)
{
    struct prof_trace_info *info = &trace->info;
    switch (block->kind) {
    case TRK_BLOCK_META:
        return define_meta(trace, payload, block->raw);
    case TRK_BLOCK_MODULES:
        return define_modules(trace, payload, block->raw);
    case TRK_BLOCK_STACKS:
        return define_stacks(trace, payload, block->raw);
    case TRK_BLOCK_TYPES:
        return define_types(trace, payload, block->raw);
    case TRK_BLOCK_TEXTS:
        return define_texts(trace, payload, block->raw);
    case TRK_BLOCK_LOSS:
        memset(&info->loss, 0, sizeof info->loss);
        memcpy(&info->loss, payload, block->raw < sizeof info->loss ? block->raw : sizeof info->loss);
        return true;
    case TRK_BLOCK_END: {
        struct trk_end end = { 0 };
        memcpy(&end, payload, block->raw < sizeof end ? block->raw : sizeof end);
        info->finished = true;
        info->end_reason = end.reason;
        info->end_value = end.value;
        info->end_us = end.at_us <= PROF_TIME_MAX ? end.at_us : PROF_TIME_MAX;
        info->loss = end.loss;
        info->records = end.records;
        trace->records_known = true;
        return true;
    }
    default:
        return true;
    }
}

static bool kind_is_definition(uint16_t kind)
{
    return kind >= TRK_BLOCK_META && kind <= TRK_BLOCK_END && kind != TRK_BLOCK_EVENTS && kind != TRK_BLOCK_MEM;
}

/* A part of a state; the first one says what it stands for. */
static const char *take_state(struct prof_trace *trace, const struct block_ref *ref, struct block_buffer *buffer)
{
    if (trace->stream.count > 0)
        return "a state of the heap stands behind events";
    if (trace->states.count == 0) {
        struct trk_state_head head;
        unsigned char *raw = malloc((size_t)ref->raw + 1);
        if (raw == NULL)
            return "there is not enough memory to read it";
        const char *what = ref->raw < sizeof head ? "it is too short for a state" : block_load(trace, ref, buffer, raw);
        if (what == NULL) {
            memcpy(&head, raw, sizeof head);
            trace->info.has_state = true;
            trace->info.state_us = head.at_us <= PROF_TIME_MAX ? head.at_us : PROF_TIME_MAX;
            trace->info.state_events = head.events;
        }
        free(raw);
        if (what != NULL)
            return what;
    }
    return prof_vec_push(&trace->states, *ref) ? NULL : "there is not enough memory to read it";
}

/* Walks all blocks behind those that were. Stops at the first one that fails, keeping what came before. */
static struct prof_error *walk(struct prof_trace *trace, uint64_t offset)
{
    struct prof_trace_info *info = &trace->info;
    struct block_buffer buffer = { 0 };
    struct prof_error *error = NULL;
    unsigned char *raw = NULL;
    size_t raw_room = 0;
    uint32_t number = info->blocks;
    info->usable_bytes = offset < info->file_bytes ? offset : info->file_bytes;
    for (; offset < info->file_bytes && number < UINT32_MAX; number++) {
        struct trk_block block;
        if (info->file_bytes - offset < sizeof block) {
            trace_damage(trace, number, offset, ends_in_header);
            break;
        }
        if (!read_at(trace->fd, &block, sizeof block, offset)) {
            trace_damage(trace, number, offset, "it cannot be read");
            break;
        }
        const char *what = check_block(&block, number, info->file_bytes - offset - sizeof block);
        if (what != NULL) {
            trace_damage(trace, number, offset, what);
            break;
        }
        trace->chain = XXH64(&block, sizeof block, trace->chain);
        struct block_ref ref = { .offset = offset + sizeof block,
                                 .checksum = block.checksum,
                                 .chain = trace->chain,
                                 .stored = block.stored,
                                 .raw = block.raw,
                                 .number = number,
                                 .kind = block.kind,
                                 .flags = block.flags };
        if (kind_is_definition(block.kind)) {
            if (raw_room <= block.raw) { /* never NULL, not even for an empty payload */
                free(raw);
                raw_room = (size_t)block.raw + 1;
                raw = malloc(raw_room);
                if (raw == NULL) {
                    error = prof_error_memory();
                    break;
                }
            }
            what = block_load(trace, &ref, &buffer, raw);
            if (what != NULL) {
                trace_damage(trace, number, offset, what);
                break;
            }
            if (!take_block(trace, &block, raw)) {
                error = prof_error_memory();
                break;
            }
        } else if (block.kind == TRK_BLOCK_STATE) {
            what = take_state(trace, &ref, &buffer);
            if (what != NULL) {
                trace_damage(trace, number, offset, what);
                break;
            }
        } else if (block.kind == TRK_BLOCK_NUMBERS) {
            if (trace->stream.count == 0 && !prof_vec_push(&trace->numbers, ref)) {
                error = prof_error_memory();
                break;
            }
        } else if (block.kind == TRK_BLOCK_MEMORY) {
            if (!memories_take(trace, &ref)) {
                error = prof_error_memory();
                break;
            }
        } else if (block.kind == TRK_BLOCK_EVENTS || block.kind == TRK_BLOCK_MEM) {
            if (!prof_vec_push(&trace->stream, ref)) {
                error = prof_error_memory();
                break;
            }
            if (block.kind == TRK_BLOCK_EVENTS && block.raw >= sizeof(struct trk_events_head))
                info->slots += (block.raw - sizeof(struct trk_events_head)) / sizeof(struct trk_slot);
        } else {
            if ((block.flags & TRK_BLOCK_CRITICAL) != 0) {
                error = prof_error_at(PROF_ERROR_FORMAT, info->path, offset,
                                      "'%s' (format %u.%u) needs a newer reftrack: block kind %u is unknown",
                                      info->path, info->major, info->minor, block.kind);
                break;
            }
            info->unknown_blocks++;
        }
        offset += sizeof block + block.stored;
        info->usable_bytes = offset;
        info->blocks++;
    }
    free(raw);
    block_buffer_deinit(&buffer);
    return error;
}

/* Time of the last usable event block, for traces without an END. */
static void find_end_time(struct prof_trace *trace)
{
    struct block_buffer buffer = { 0 };
    for (size_t i = trace->stream.count; i > 0; i--) {
        const struct block_ref *ref = &trace->stream.items[i - 1];
        if (ref->kind != TRK_BLOCK_EVENTS || ref->raw < sizeof(struct trk_events_head))
            continue;
        unsigned char *raw = malloc(ref->raw);
        if (raw != NULL && block_load(trace, ref, &buffer, raw) == NULL) {
            struct trk_events_head head;
            memcpy(&head, raw, sizeof head);
            struct prof_decoder decoder = { .high = prof_decoder_high(trace->info.flags) };
            prof_decoder_enter(&decoder, &head);
            const struct trk_slot *slots = (const struct trk_slot *)(const void *)(raw + sizeof head);
            size_t count = (ref->raw - sizeof head) / sizeof *slots, pos = 0;
            struct prof_event events[64];
            while (pos < count)
                prof_decode(&decoder, slots, count, &pos, events, 64);
            trace->info.end_us = decoder.time_us;
        }
        free(raw);
        break;
    }
    block_buffer_deinit(&buffer);
}

struct prof_error *prof_trace_open(const char *path, struct prof_trace **ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return prof_error_os(errno, "open", path, NULL);
    return prof_trace_open_fd(fd, path, UINT64_MAX, ret);
}

struct prof_error *prof_trace_open_fd(int fd, const char *path, uint64_t bytes, struct prof_trace **ret)
{
    struct stat st;
    struct trk_file_header header = { 0 };
    struct prof_error *error = NULL;
    if (fstat(fd, &st) != 0)
        error = prof_error_os(errno, "read", path, NULL);
    else if (!S_ISREG(st.st_mode))
        error = prof_error_at(PROF_ERROR_FORMAT, path, 0, "'%s' is not a regular file", path);
    else
        error = check_header(fd, path, &header);
    if (error != NULL) {
        close(fd);
        return error;
    }
    struct prof_trace *trace = calloc(1, sizeof *trace);
    if (trace == NULL) {
        close(fd);
        return prof_error_memory();
    }
    trace->fd = fd;
    trace->chain = XXH64(&header, sizeof header, 0);
    prof_arena_init(&trace->arena);
    struct prof_trace_info *info = &trace->info;
    info->file_bytes = (uint64_t)st.st_size < bytes ? (uint64_t)st.st_size : bytes;
    info->created_ns = header.created_ns;
    info->pid = header.pid;
    info->machine = header.machine;
    info->flags = header.flags;
    info->major = header.major;
    info->minor = header.minor;
    memcpy(info->trace_id, header.trace_id, sizeof info->trace_id);
    info->path = prof_arena_strdup(&trace->arena, path);
    if (info->path == NULL)
        error = prof_error_memory();
    if (error == NULL)
        error = walk(trace, header.header_bytes);
    if (error == NULL && (!memories_end(trace) || !define_info(trace)))
        error = prof_error_memory();
    if (error != NULL) {
        prof_trace_close(trace);
        return error;
    }
    if (!info->finished) {
        info->end_us = info->state_us;
        find_end_time(trace);
    }
    *ret = trace;
    return NULL;
}

struct prof_error *trace_read_on(struct prof_trace *trace, uint64_t bytes)
{
    struct prof_trace_info *info = &trace->info;
    struct stat st;
    if (fstat(trace->fd, &st) != 0)
        return prof_error_os(errno, "read", info->path, NULL);
    bytes = (uint64_t)st.st_size < bytes ? (uint64_t)st.st_size : bytes;
    if ((info->damage != NULL && !trace->cut) || info->finished || bytes <= info->file_bytes)
        return NULL;  /* there is nothing behind it */
    if (trace->cut) { /* a block was being written */
        info->damage = NULL;
        trace->cut = false;
    }
    info->file_bytes = bytes;
    struct prof_error *error = walk(trace, info->usable_bytes);
    if (error == NULL && (!memories_end(trace) || !define_info(trace)))
        error = prof_error_memory();
    if (error == NULL && !info->finished)
        find_end_time(trace);
    return error;
}

void prof_trace_close(struct prof_trace *trace)
{
    if (trace == NULL)
        return;
    if (trace->fd >= 0)
        close(trace->fd);
    define_deinit(trace);
    prof_vec_deinit(&trace->stream);
    prof_vec_deinit(&trace->states);
    prof_vec_deinit(&trace->numbers);
    prof_vec_deinit(&trace->memory_blocks);
    prof_vec_deinit(&trace->memories);
    prof_arena_deinit(&trace->arena);
    free(trace);
}

const struct prof_trace_info *prof_trace_info(const struct prof_trace *trace)
{
    return &trace->info;
}
