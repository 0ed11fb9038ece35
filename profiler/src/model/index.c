/* index.c: heaps by way of an index, see prof/index.h: the file beside the trace, who may be believed, and the state in
 * it. */
#include <prof/index.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <prof/resume.h>

enum {
    SLOTS_PER_10_BYTES = 3, /* well compressed events: so many are as much work as the least bytes */
    EVENTS_PER_RECORD = 4,  /* a state of more records than this is no shorter way than its events */
};

struct indexed {
    struct prof_trace *trace;
    const struct prof_heap_options *options;
    const struct prof_index_options *index;
    struct prof_index_result *result;
    struct prof_heap *heap;
    char *path;
    bool write, resumed;
};

/* ---- The file ---- */

/* Only what this user wrote is believed: a state that fits together is not questioned any further. */
static int open_index(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0)
        return fd;
    close(fd);
    return -1;
}

static bool trace_is_ours(const struct prof_trace *trace)
{
    struct stat st;
    return stat(prof_trace_info(trace)->path, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid();
}

static bool worth_it(const struct indexed *x, const struct prof_resume *resume)
{
    uint64_t bytes, slots;
    prof_resume_left(x->trace, resume, &bytes, &slots);
    return bytes >= x->index->least || slots >= x->index->least / 10 * SLOTS_PER_10_BYTES;
}

/* ---- Writing ---- */

static struct prof_error *write_part(void *ctx, const void *bytes, size_t size)
{
    return prof_writer_state(ctx, bytes, size);
}

static struct prof_error *write_index(const struct indexed *x, const struct prof_pause *pause, const char *file)
{
    struct prof_writer_options options = prof_writer_options_of(prof_trace_info(x->trace));
    options.zstd_level = 1;
    options.force = true;
    struct prof_writer *writer;
    struct prof_error *error = prof_writer_open(file, &options, &writer);
    if (error != NULL)
        return error;
    error = prof_pause_facts(pause, writer, x->index->version, prof_heap_type_max(x->heap));
    if (error == NULL)
        error = prof_heap_save(x->heap, write_part, writer);
    if (error == NULL)
        error = prof_pause_rest(pause, writer);
    struct prof_error *closed = prof_writer_close(writer);
    if (error == NULL)
        error = closed;
    else
        prof_error_destroy(closed);
    if (error == NULL && rename(file, x->path) != 0)
        error = prof_error_os(errno, "make", x->path, NULL);
    if (error != NULL)
        unlink(file);
    return error;
}

static void on_pause(void *ctx, const struct prof_pause *pause)
{
    struct indexed *x = ctx;
    const struct prof_heap_totals *totals = prof_heap_totals(x->heap);
    uint64_t records = totals->live_objects + totals->live_blocks + totals->mmap_blocks;
    if (records > totals->events / EVENTS_PER_RECORD)
        return;
    /* A name of its own: another reader may be doing the same. */
    char *file;
    if (asprintf(&file, "%s.%d", x->path, (int)getpid()) < 0)
        return;
    x->result->note = write_index(x, pause, file);
    x->result->written = x->result->note == NULL;
    free(file);
}

/* ---- Replay ---- */

static struct prof_error *on_events(void *ctx, const struct prof_event *events, size_t count)
{
    const struct indexed *x = ctx;
    return prof_heap_apply(x->heap, events, count);
}

static struct prof_error *on_mem(void *ctx, const struct trk_mem *mem)
{
    const struct indexed *x = ctx;
    return prof_heap_apply_mem(x->heap, mem);
}

static struct prof_error *on_memory(void *ctx, const struct prof_memory *memory)
{
    const struct indexed *x = ctx;
    return prof_heap_apply_memory(x->heap, memory);
}

static struct prof_error *on_state(void *ctx, struct prof_merge *merge, const void *bytes, size_t size)
{
    const struct indexed *x = ctx;
    /* An index knows by itself what the order has to know; the state that the trace begins with does not. */
    return prof_heap_restore(x->heap, x->resumed ? NULL : merge, bytes, size);
}

static bool on_progress(void *ctx, uint64_t done_bytes, uint64_t all_bytes)
{
    const struct indexed *x = ctx;
    return x->options->progress == NULL || x->options->progress(x->options->progress_ctx, done_bytes, all_bytes);
}

static struct prof_error *fill(struct indexed *x, const struct prof_resume *resume)
{
    static const struct prof_trace_sink sink = {
        .events = on_events, .mem = on_mem, .progress = on_progress, .state = on_state, .memory = on_memory
    };
    x->resumed = resume != NULL;
    struct prof_error *error = prof_heap_create_live(x->trace, x->options, &x->heap);
    if (error == NULL)
        error = prof_trace_replay_from(x->trace, resume, &sink, x, x->write && worth_it(x, resume) ? on_pause : NULL);
    if (error == NULL)
        error = prof_heap_finish(x->heap);
    if (error != NULL) {
        prof_heap_destroy(x->heap);
        x->heap = NULL;
    }
    return error;
}

static struct prof_error *create(struct indexed *x)
{
    int fd = open_index(x->path);
    struct prof_resume *resume = fd >= 0 ? prof_resume_open(x->trace, fd, x->path, x->index->version) : NULL;
    struct prof_error *error = NULL;
    if (resume != NULL) {
        error = fill(x, resume);
        prof_resume_close(resume);
        x->result->used = error == NULL;
        if (error == NULL || error->code == PROF_ERROR_NO_MEMORY || error->code == PROF_ERROR_CANCELLED)
            return error;
        prof_error_destroy(error);
        prof_error_destroy(x->result->note);
        *x->result = (struct prof_index_result){ .used = false };
    }
    return fill(x, NULL);
}

struct prof_error *prof_heap_create_indexed(struct prof_trace *trace, const struct prof_heap_options *options,
                                            const struct prof_index_options *index, struct prof_index_result *ret_index,
                                            struct prof_heap **ret)
{
    *ret_index = (struct prof_index_result){ .used = false };
    struct indexed x = { .trace = trace, .options = options, .index = index, .result = ret_index };
    /* What is small is neither written nor looked for. */
    if (options->until_us != 0 || options->until_mark != NULL || !worth_it(&x, NULL))
        return prof_heap_create(trace, options, ret);
    x.write = trace_is_ours(trace);
    if (index->path != NULL)
        x.path = strdup(index->path);
    else if (asprintf(&x.path, "%s.idx", prof_trace_info(trace)->path) < 0)
        x.path = NULL;
    struct prof_error *error = x.path != NULL ? create(&x) : prof_error_memory();
    free(x.path);
    if (error == NULL)
        *ret = x.heap;
    return error;
}

bool prof_trace_is_index(const struct prof_trace *trace)
{
    return prof_trace_meta(trace, "index_version") != NULL;
}
