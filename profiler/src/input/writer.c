/* writer.c: makes trace files, one self-contained block after the other.
 *
 * Finished blocks gather in `out` and reach the file together. The file always ends with a whole block: what a failed
 * write left behind is cut off at once, definitions stay queued for the next try, event blocks are counted and dropped.
 */
#include <prof/salvage.h>
#include <prof/trace.h>

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>
#include <zstd.h>

#include "planes.h"
#include "writer.h"

enum {
    DEFS_BYTES = 128 << 10, /* definitions of one kind make a block when this much gathered */
    KEEP_BYTES = 64 << 20,  /* most that waits for a full disk to have room again */
    /* Longer runs of one ring are split. No power of two: its planes would share cache lines. */
    EVENT_SLOTS = 64 * 1021,
};

static bool add_bytes(bytes_vec *vec, const void *bytes, size_t count)
{
    if (!prof_vec_reserve(vec, count))
        return false;
    if (count > 0)
        memcpy(vec->items + vec->count, bytes, count);
    vec->count += count;
    return true;
}

static bool add_padding(bytes_vec *vec)
{
    static const unsigned char zero[8];
    return add_bytes(vec, zero, -vec->count & 7);
}

/* What must survive a full disk: without it later events would mean nothing. */
static bool block_is_kept(uint16_t kind)
{
    return kind == TRK_BLOCK_META || kind == TRK_BLOCK_MODULES || kind == TRK_BLOCK_STACKS || kind == TRK_BLOCK_TYPES ||
           kind == TRK_BLOCK_TEXTS || kind == TRK_BLOCK_STATE || kind == TRK_BLOCK_END;
}

void writer_set_seq(unsigned char *block, uint64_t seq)
{
    memcpy(block + offsetof(struct trk_block, seq), &seq, sizeof seq);
}

/* After a failed write: `written` bytes of out are in the file. Cuts a torn block off, drops what may be dropped and
 * keeps the rest at the front of out. */
static void salvage(struct prof_writer *w, size_t written)
{
    size_t from = 0, first = 0;
    while (first < w->queue.count && from + w->queue.items[first].bytes <= written)
        from += w->queue.items[first++].bytes;
    w->offset += from;
    if (ftruncate(w->fd, (off_t)w->offset) != 0) {
        /* The torn block then stays until the next write covers it; readers stop in front of it. */
    }
    uint64_t seq = w->seq - (w->queue.count - first);
    size_t to = 0, kept = 0;
    for (size_t i = first; i < w->queue.count; i++) {
        struct queued block = w->queue.items[i];
        if (block_is_kept(block.kind) && to + block.bytes <= KEEP_BYTES) {
            memmove(w->out.items + to, w->out.items + from, block.bytes);
            writer_set_seq(w->out.items + to, seq++);
            w->queue.items[kept++] = block;
            to += block.bytes;
        } else {
            w->lost += block.records;
        }
        from += block.bytes;
    }
    w->seq = seq;
    w->queue.count = kept;
    w->out.count = w->out_kept = to;
}

/* Writes all finished blocks. An error is returned when a series of failures begins, not for each of them. */
struct prof_error *writer_write_out(struct prof_writer *w)
{
    size_t done = 0;
    while (done < w->out.count) {
        ssize_t n = pwrite(w->fd, w->out.items + done, w->out.count - done, (off_t)(w->offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            int err = n < 0 ? errno : ENOSPC;
            salvage(w, done);
            if (w->failing)
                return NULL;
            w->failing = true;
            return prof_error_os(err, "write", w->path,
                                 "recording goes on and counts what is lost until there is room");
        }
        done += (size_t)n;
    }
    w->offset += done;
    w->failing = false;
    w->out.count = w->out_kept = 0;
    w->queue.count = 0;
    return NULL;
}

bool writer_pack(struct prof_writer *w, uint16_t kind, const void *payload, size_t raw, bytes_vec *to)
{
    size_t room = raw;
    if (w->level != 0)
        room = ZSTD_compressBound(raw);
    if (!prof_vec_reserve(to, sizeof(struct trk_block) + room))
        return false;
    unsigned char *start = to->items + to->count, *body = start + sizeof(struct trk_block);
    struct trk_block head = { .magic = TRK_BLOCK_MAGIC, .kind = kind, .raw = (uint32_t)raw, .seq = w->seq };
    if (kind == TRK_BLOCK_STATE)
        head.flags |= TRK_BLOCK_CRITICAL;
    if (kind == TRK_BLOCK_EVENTS && w->level != 0)
        head.flags |= TRK_BLOCK_PLANES;
    size_t stored = 0;
    if (w->level != 0 && raw >= 64) {
        stored = ZSTD_compress2(w->zstd, body, room, payload, raw);
        if (ZSTD_isError(stored) || stored >= raw)
            stored = 0;
        else
            head.flags |= TRK_BLOCK_ZSTD;
    }
    if (stored == 0) {
        stored = raw;
        if (raw > 0)
            memcpy(body, payload, raw);
    }
    head.stored = (uint32_t)stored;
    head.checksum = XXH64(body, stored, 0);
    memcpy(start, &head, sizeof head);
    to->count += sizeof head + stored;
    return true;
}

struct prof_error *writer_add_block(struct prof_writer *w, uint16_t kind, const void *payload, size_t raw,
                                    uint64_t records)
{
    size_t start = w->out.count;
    if (!prof_vec_reserve(&w->queue, 1) || !writer_pack(w, kind, payload, raw, &w->out)) {
        w->lost += records;
        return prof_error_memory();
    }
    w->seq++;
    (void)prof_vec_push(&w->queue, (struct queued){ w->out.count - start, records, kind });
    return !w->measuring && w->out.count - w->out_kept >= WRITER_OUT_BYTES ? writer_write_out(w) : NULL;
}

struct prof_error *prof_writer_block(struct prof_writer *w, const struct trk_block *block, const void *stored,
                                     uint64_t records)
{
    struct trk_block head = *block;
    head.seq = w->seq;
    if (!prof_vec_reserve(&w->queue, 1) || !add_bytes(&w->out, &head, sizeof head)) {
        w->lost += records;
        return prof_error_memory();
    }
    if (!add_bytes(&w->out, stored, head.stored)) {
        w->out.count -= sizeof head;
        w->lost += records;
        return prof_error_memory();
    }
    w->seq++;
    (void)prof_vec_push(&w->queue, (struct queued){ sizeof head + head.stored, records, head.kind });
    return w->out.count - w->out_kept >= WRITER_OUT_BYTES ? writer_write_out(w) : NULL;
}

static struct prof_error *end_definitions(struct prof_writer *w, uint16_t kind, bytes_vec *defs)
{
    if (defs->count == 0)
        return NULL;
    size_t count = defs->count;
    defs->count = 0;
    return writer_add_block(w, kind, defs->items, count, 0);
}

/* The first error is the one to tell; the later one is only a consequence. */
static struct prof_error *first_of(struct prof_error *first, struct prof_error *later)
{
    if (first == NULL)
        return later;
    prof_error_destroy(later);
    return first;
}

static struct prof_error *end_all_definitions(struct prof_writer *w)
{
    struct prof_error *error = end_definitions(w, TRK_BLOCK_TEXTS, &w->texts);
    error = first_of(error, end_definitions(w, TRK_BLOCK_TYPES, &w->types));
    return first_of(error, end_definitions(w, TRK_BLOCK_STACKS, &w->stacks));
}

static uint32_t machine_here(void)
{
#if defined(__x86_64__)
    return EM_X86_64;
#elif defined(__aarch64__)
    return EM_AARCH64;
#else
    return EM_NONE;
#endif
}

static struct prof_error *write_header(struct prof_writer *w, const struct prof_writer_options *options)
{
    struct trk_file_header header = {
        .major = TRK_FILE_MAJOR,
        .minor = TRK_FILE_MINOR,
        .header_bytes = sizeof header,
        .created_ns = options->created_ns,
        .pid = options->pid,
        .machine = options->machine != 0 ? options->machine : machine_here(),
        .flags = options->flags,
    };
    memcpy(header.magic, TRK_FILE_MAGIC, sizeof header.magic);
    if (options->trace_id != NULL) {
        memcpy(header.trace_id, options->trace_id, sizeof header.trace_id);
    } else if (getrandom(header.trace_id, sizeof header.trace_id, GRND_NONBLOCK) != (ssize_t)sizeof header.trace_id) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        memcpy(header.trace_id, &now, sizeof now < 16 ? sizeof now : 16);
    }
    ssize_t n = pwrite(w->fd, &header, sizeof header, 0);
    if (n != (ssize_t)sizeof header)
        return prof_error_os(n < 0 ? errno : ENOSPC, "write", w->path, "choose another place with -o");
    w->offset = sizeof header;
    return NULL;
}

static struct prof_error *create_file(const char *path, bool force, int *ret)
{
    if (force) {
        struct stat st;
        if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && unlink(path) != 0)
            return prof_error_os(errno, "replace", path, NULL);
    }
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd < 0) {
        int err = errno;
        return prof_error_os(err, "create", path,
                             err == EEXIST ? "remove it or choose another name with -o"
                                           : "choose another place with -o");
    }
    *ret = fd;
    return NULL;
}

static void writer_free(struct prof_writer *w)
{
    if (w->fd >= 0)
        close(w->fd);
    ZSTD_freeCCtx(w->zstd);
    prof_vec_deinit(&w->out);
    prof_vec_deinit(&w->queue);
    prof_vec_deinit(&w->raw);
    prof_vec_deinit(&w->planes);
    prof_vec_deinit(&w->stacks);
    prof_vec_deinit(&w->types);
    prof_vec_deinit(&w->texts);
    free(w->path);
    free(w);
}

struct prof_writer_options prof_writer_options_of(const struct prof_trace_info *info)
{
    return (struct prof_writer_options){ .pid = info->pid,
                                         .created_ns = info->created_ns,
                                         .machine = info->machine,
                                         .flags = info->flags,
                                         .trace_id = info->trace_id };
}

struct prof_error *prof_writer_open(const char *path, const struct prof_writer_options *options,
                                    struct prof_writer **ret)
{
    struct prof_writer *w = calloc(1, sizeof *w);
    if (w == NULL)
        return prof_error_memory();
    w->fd = -1;
    w->level = options->zstd_level;
    w->path = strdup(path);
    if (w->level != 0)
        w->zstd = ZSTD_createCCtx();
    if (w->path == NULL || (w->level != 0 && w->zstd == NULL)) {
        writer_free(w);
        return prof_error_memory();
    }
    if (w->zstd != NULL)
        ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, w->level);
    struct prof_error *error = create_file(path, options->force, &w->fd);
    if (error == NULL) {
        error = write_header(w, options);
        if (error != NULL)
            unlink(path);
    }
    if (error != NULL) {
        writer_free(w);
        return error;
    }
    *ret = w;
    return NULL;
}

struct prof_error *prof_writer_meta(struct prof_writer *w, const char *const *pairs)
{
    w->raw.count = 0;
    for (; *pairs != NULL; pairs++) {
        size_t bytes = strlen(*pairs) + 1;
        if (w->raw.count + bytes > TRK_BLOCK_MAX)
            break;
        if (!add_bytes(&w->raw, *pairs, bytes))
            return prof_error_memory();
    }
    return writer_add_block(w, TRK_BLOCK_META, w->raw.items, w->raw.count, 0);
}

struct prof_error *prof_writer_modules(struct prof_writer *w, uint32_t generation, uint64_t at_us,
                                       const struct prof_module *modules, size_t count)
{
    struct trk_module_head head = { .generation = generation, .at_us = at_us };
    size_t string_bytes = 1;
    /* As many as fit into one block; a process with more mappings than that does not exist. */
    while (head.count < count) {
        size_t more = strlen(modules[head.count].path) + 1;
        size_t all = sizeof head + (head.count + 1) * sizeof(struct trk_module) + string_bytes + more;
        if (all > TRK_BLOCK_MAX)
            break;
        string_bytes += more;
        head.count++;
    }
    w->raw.count = 0;
    if (!prof_vec_reserve(&w->raw, sizeof head + head.count * sizeof(struct trk_module) + string_bytes))
        return prof_error_memory();
    add_bytes(&w->raw, &head, sizeof head);
    size_t string = 1;
    for (size_t i = 0; i < head.count; i++) {
        const struct prof_module *m = &modules[i];
        struct trk_module out = { .start = m->start,
                                  .end = m->end,
                                  .file_offset = m->file_offset,
                                  .dev = m->dev,
                                  .ino = m->ino,
                                  .prot = m->prot,
                                  .build_id_len = m->build_id_len };
        if (out.build_id_len > sizeof out.build_id)
            out.build_id_len = sizeof out.build_id;
        memcpy(out.build_id, m->build_id, out.build_id_len);
        if (m->path[0] != '\0') {
            out.path = (uint32_t)string;
            string += strlen(m->path) + 1;
        }
        add_bytes(&w->raw, &out, sizeof out);
    }
    add_bytes(&w->raw, "", 1);
    for (size_t i = 0; i < head.count; i++)
        if (modules[i].path[0] != '\0')
            add_bytes(&w->raw, modules[i].path, strlen(modules[i].path) + 1);
    return writer_add_block(w, TRK_BLOCK_MODULES, w->raw.items, w->raw.count, 0);
}

struct prof_error *prof_writer_stack(struct prof_writer *w, const struct trk_stack_def *def, const uint64_t *pcs)
{
    if (!prof_vec_reserve(&w->stacks, sizeof *def + def->frames * sizeof *pcs))
        return prof_error_memory();
    add_bytes(&w->stacks, def, sizeof *def);
    add_bytes(&w->stacks, pcs, def->frames * sizeof *pcs);
    return w->stacks.count >= DEFS_BYTES ? end_definitions(w, TRK_BLOCK_STACKS, &w->stacks) : NULL;
}

struct prof_error *prof_writer_type(struct prof_writer *w, const struct trk_type_def *def, const char *name,
                                    size_t name_len)
{
    if (name_len > TRK_TEXT_MAX)
        name_len = TRK_TEXT_MAX;
    struct trk_type_def out = *def;
    out.name_len = (uint32_t)name_len;
    if (!prof_vec_reserve(&w->types, sizeof out + name_len + 8))
        return prof_error_memory();
    add_bytes(&w->types, &out, sizeof out);
    add_bytes(&w->types, name, name_len);
    add_padding(&w->types);
    return w->types.count >= DEFS_BYTES ? end_definitions(w, TRK_BLOCK_TYPES, &w->types) : NULL;
}

struct prof_error *prof_writer_text(struct prof_writer *w, uint32_t id, const char *bytes, size_t length)
{
    if (length > TRK_TEXT_MAX)
        length = TRK_TEXT_MAX;
    uint32_t head[2] = { id, (uint32_t)length };
    if (!prof_vec_reserve(&w->texts, sizeof head + length + 8))
        return prof_error_memory();
    add_bytes(&w->texts, head, sizeof head);
    add_bytes(&w->texts, bytes, length);
    add_padding(&w->texts);
    return w->texts.count >= DEFS_BYTES ? end_definitions(w, TRK_BLOCK_TEXTS, &w->texts) : NULL;
}

static unsigned slot_op(const struct trk_slot *slot)
{
    return (unsigned)(slot->w0 >> TRK_OP_SHIFT) & TRK_OP_MASK;
}

/* One block of at most EVENT_SLOTS slots. *head is moved on to what follows. */
static struct prof_error *add_events(struct prof_writer *w, struct trk_events_head *head, const struct trk_slot *slots,
                                     uint32_t count)
{
    struct trk_events_head here = *head;
    here.slots = count;
    uint64_t records = 0;
    w->raw.count = 0;
    if (!prof_vec_reserve(&w->raw, sizeof here + count * sizeof *slots)) {
        for (uint32_t i = 0; i < count; i++)
            w->lost += slot_op(&slots[i]) != TRK_OP_EXT;
        return prof_error_memory();
    }
    add_bytes(&w->raw, &here, sizeof here);
    struct trk_slot *out = (struct trk_slot *)(void *)(w->raw.items + w->raw.count);
    for (uint32_t i = 0; i < count; i++) {
        struct trk_slot slot = slots[i];
        slot.w0 &= ~(uint64_t)TRK_LAP_BITS;
        unsigned op = slot_op(&slot);
        records += op != TRK_OP_EXT;
        if (op == TRK_OP_THREAD)
            head->tid = (uint32_t)(slot.w0 >> TRK_ADDR_SHIFT);
        if (op == TRK_OP_THREAD || op == TRK_OP_TICK)
            head->start_us = slot.w1 >> TRK_ARG_SHIFT;
        out[i] = slot;
    }
    w->raw.count += count * sizeof *slots;
    const unsigned char *payload = w->raw.items;
    if (w->level != 0) {
        w->planes.count = 0;
        if (!prof_vec_reserve(&w->planes, w->raw.count)) {
            w->lost += records;
            return prof_error_memory();
        }
        memcpy(w->planes.items, &here, sizeof here);
        planes_split(w->planes.items + sizeof here, out, count);
        payload = w->planes.items;
    }
    return writer_add_block(w, TRK_BLOCK_EVENTS, payload, w->raw.count, records);
}

struct prof_error *prof_writer_events(struct prof_writer *w, const struct trk_events_head *head,
                                      const struct trk_slot *slots)
{
    struct prof_error *error = end_all_definitions(w);
    struct trk_events_head rest = *head;
    while (rest.slots > 0) {
        uint32_t count = rest.slots;
        if (count > EVENT_SLOTS) {
            count = EVENT_SLOTS;
            while (count > EVENT_SLOTS - TRK_MAX_EXT && slot_op(&slots[count]) == TRK_OP_EXT)
                count--;
        }
        error = first_of(error, add_events(w, &rest, slots, count));
        slots += count;
        rest.slots -= count;
    }
    return error;
}

struct prof_error *prof_writer_state(struct prof_writer *w, const void *bytes, size_t size)
{
    if (size > TRK_BLOCK_MAX)
        return prof_error_create(PROF_ERROR_ARGUMENT, "a part of a state has %zu bytes, more than a block holds", size);
    struct prof_error *error = end_all_definitions(w);
    return first_of(error, writer_add_block(w, TRK_BLOCK_STATE, bytes, size, 0));
}

struct prof_error *writer_numbers(struct prof_writer *w, const struct trk_number *numbers, size_t count)
{
    return writer_add_block(w, TRK_BLOCK_NUMBERS, numbers, count * sizeof *numbers, 0);
}

struct prof_error *prof_writer_mem(struct prof_writer *w, const struct trk_mem *mem)
{
    return writer_add_block(w, TRK_BLOCK_MEM, mem, sizeof *mem, 0);
}

struct prof_error *prof_writer_loss(struct prof_writer *w, const struct trk_loss *loss)
{
    return writer_add_block(w, TRK_BLOCK_LOSS, loss, sizeof *loss, 0);
}

struct prof_error *prof_writer_end(struct prof_writer *w, const struct trk_end *end)
{
    struct prof_error *error = end_all_definitions(w);
    return first_of(error, writer_add_block(w, TRK_BLOCK_END, end, sizeof *end, 0));
}

struct prof_error *prof_writer_measure(struct prof_writer *w)
{
    struct prof_error *error = end_all_definitions(w);
    w->before = (struct writer_place){ w->out.count, w->queue.count, w->seq, w->lost };
    w->measuring = true;
    return error;
}

uint64_t prof_writer_measured(struct prof_writer *w)
{
    uint64_t bytes = w->out.count - w->before.out;
    w->measuring = false;
    w->out.count = w->before.out;
    w->queue.count = w->before.queue;
    w->seq = w->before.seq;
    w->lost = w->before.lost;
    return bytes;
}

struct prof_error *prof_writer_flush(struct prof_writer *w)
{
    struct prof_error *error = end_all_definitions(w);
    return first_of(error, writer_write_out(w));
}

int prof_writer_fd(const struct prof_writer *w)
{
    return w->fd;
}

uint64_t prof_writer_blocks(const struct prof_writer *w)
{
    return w->seq;
}

uint64_t prof_writer_bytes(const struct prof_writer *w)
{
    return w->offset;
}

uint64_t prof_writer_gathered(const struct prof_writer *w)
{
    return w->out.count;
}

uint64_t prof_writer_lost(const struct prof_writer *w)
{
    return w->lost;
}

struct prof_error *prof_writer_close(struct prof_writer *w)
{
    struct prof_error *error = prof_writer_flush(w);
    int fd = w->fd;
    w->fd = -1;
    if (close(fd) != 0 && errno != EINTR && error == NULL)
        error = prof_error_os(errno, "close", w->path, NULL);
    writer_free(w);
    return error;
}
