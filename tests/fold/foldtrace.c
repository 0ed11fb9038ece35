/* foldtrace.c: folds a finished trace at a part of its rounds, END included: foldtrace IN OUT PERCENT. For tests. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zstd.h>

#include <prof/gc.h>
#include <prof/heap.h>
#include <prof/trace.h>

static void ok(struct prof_error *error)
{
    if (error == NULL)
        return;
    fprintf(stderr, "foldtrace: %s\n", error->message);
    exit(1);
}

/* Where END stands, and the last round in front of it. */
static void survey(int fd, uint64_t *ret_end, uint64_t *ret_round)
{
    struct trk_file_header header;
    struct trk_block block;
    if (pread(fd, &header, sizeof header, 0) != sizeof header)
        exit(2);
    uint64_t offset = header.header_bytes;
    *ret_round = 0;
    while (pread(fd, &block, sizeof block, (off_t)offset) == sizeof block && block.kind != TRK_BLOCK_END) {
        if (block.kind == TRK_BLOCK_EVENTS) {
            void *stored = malloc(block.stored), *raw = malloc(block.raw);
            if (stored == NULL || raw == NULL ||
                pread(fd, stored, block.stored, (off_t)(offset + sizeof block)) != (ssize_t)block.stored)
                exit(2);
            struct trk_events_head head;
            if ((block.flags & TRK_BLOCK_ZSTD) != 0)
                ZSTD_decompress(raw, block.raw, stored, block.stored);
            else
                memcpy(raw, stored, block.stored);
            memcpy(&head, raw, sizeof head);
            *ret_round = head.round;
            free(stored);
            free(raw);
        }
        offset += sizeof block + block.stored;
    }
    *ret_end = offset;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    int fd = open(argv[1], O_RDONLY);
    uint64_t end, round, copied;
    if (fd < 0)
        return 2;
    survey(fd, &end, &round);
    struct prof_trace *trace;
    ok(prof_trace_open_fd(dup(fd), argv[1], end, &trace));
    const struct prof_trace_info *info = prof_trace_info(trace);
    struct prof_writer_options options = { .pid = info->pid,
                                           .created_ns = info->created_ns,
                                           .machine = info->machine,
                                           .flags = info->flags,
                                           .trace_id = info->trace_id,
                                           .zstd_level = 1 };
    struct prof_writer *writer;
    ok(prof_writer_open(argv[2], &options, &writer));
    struct prof_gc_commands commands = { 0 }; /* the generations go along, as in the recorder's helper */
    const struct prof_gc_options gc_options = { .event = prof_gc_obey, .event_ctx = &commands };
    struct prof_gc *gc;
    ok(prof_gc_create(&gc_options, &gc));
    ok(prof_heap_fold(trace, round * strtoul(argv[3], NULL, 10) / 100, prof_gc_follow(gc), writer));
    prof_gc_destroy(gc);
    ok(prof_writer_copy(writer, fd, end, &copied));
    ok(prof_writer_close(writer));
    prof_trace_close(trace);
    close(fd);
    return 0;
}
