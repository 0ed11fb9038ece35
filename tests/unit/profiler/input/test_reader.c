/* test_reader.c: what a trace tells about itself, and what is left of it after damage at any byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <mktrace.h>

/* ---- A trace with everything in it ---- */

static struct mk_trace *example(int level)
{
    struct mk_trace *t = mk_create();
    mk_compress(t, level);
    mk_meta(t, "arg=-v");
    mk_meta(t, "wrapper=conn_ref");
    mk_meta(t, "pointer=xor=0xf0 base=0x7f0000000000:shift=3:bits=0x20 bits=16:bits=33 bits=1:mask=7 bits=40");
    mk_meta(t, "program=other");
    mk_alloc(t, 0x1000, 64, "net.c:31 < main.c:9");
    mk_new(t, "conn", 0x1000, "net.c:31 < main.c:9");
    mk_touch(t, 0x1000, "a crumb", "x.c:1");
    mk_round(t);
    mk_time(t, 500);
    mk_thread(t, 200);
    mk_ref_rc(t, 0x1000, 0x2004, 100, "y.c:1");
    struct trk_mem mem = { .at_us = 400, .rss = 1 << 20 };
    mk_mem(t, &mem);
    mk_thread(t, 100);
    mk_time(t, 900);
    mk_unref(t, 0x1000, 0x2004, "y.c:2");
    mk_realloc(t, 0x1000, 0x3000, 128, "r.c:1");
    struct trk_loss loss = { .dropped = 5 };
    mk_loss(t, &loss);
    mk_end(t, TRK_END_SIGNAL, 11);
    return t;
}

struct collected {
    struct prof_event events[64];
    size_t count;
    size_t mem_at, mem_count;
};

static struct prof_error *on_events(void *ctx, const struct prof_event *events, size_t n)
{
    struct collected *c = ctx;
    for (size_t i = 0; i < n && c->count < 64; i++)
        c->events[c->count++] = events[i];
    return NULL;
}

static struct prof_error *on_mem(void *ctx, const struct trk_mem *mem)
{
    struct collected *c = ctx;
    (void)mem;
    c->mem_at = c->count;
    c->mem_count++;
    return NULL;
}

static const struct prof_trace_sink sink = { .events = on_events, .mem = on_mem };

static void check_definitions(struct prof_trace *trace)
{
    const struct prof_trace_info *info = prof_trace_info(trace);
    assert_null(info->damage);
    assert_true(info->finished);
    assert_int_equal(info->end_reason, TRK_END_SIGNAL);
    assert_int_equal(info->end_value, 11);
    assert_int_equal(info->end_us, 900);
    assert_int_equal(info->usable_bytes, info->file_bytes);
    assert_int_equal(info->pid, 4711);
    assert_int_equal(info->parent_pid, 1);
    assert_string_equal(info->program, "other");
    assert_string_equal(info->exe, "/usr/bin/app");
    assert_string_equal(info->malloc_note, "");
    assert_string_equal(info->args[0], "app");
    assert_string_equal(info->args[1], "-v");
    assert_null(info->args[2]);
    assert_int_equal(info->loss.dropped, 5);
    assert_int_equal(info->unknown_blocks, 0);
    assert_string_equal(prof_trace_meta(trace, "wrapper"), "conn_ref");
    assert_null(prof_trace_meta(trace, "nothing"));
    assert_int_equal(prof_trace_halves(trace), 1 << 2 | 1 << 4);
    const struct prof_module_map *maps;
    assert_int_equal(prof_trace_module_maps(trace, &maps), 1);
    assert_int_equal(maps[0].count, 5);
    assert_string_equal(maps[0].modules[0].path, "/usr/bin/app");
    assert_int_equal(maps[0].modules[0].start, MK_APP_BASE);
    const char *name;
    assert_int_equal(prof_trace_type_max(trace), 2);
    assert_null(prof_trace_type(trace, 0, &name));
    assert_null(prof_trace_type(trace, 2, &name));
    assert_non_null(prof_trace_type(trace, 1, &name));
    assert_string_equal(name, "conn");
    assert_null(prof_trace_text(trace, 77));
}

static void tells_everything(void **state)
{
    (void)state;
    for (int level = 0; level < 2; level++) {
        struct mk_trace *t = example(level);
        struct prof_trace *trace = mk_open(t);
        check_definitions(trace);
        struct prof_stack stack;
        assert_true(prof_trace_stack(trace, mk_stack(t, "net.c:31 < main.c:9"), &stack));
        assert_int_equal(stack.frames, 2);
        assert_int_equal(stack.pcs[0], MK_APP_BASE + 0x31);
        assert_int_equal(stack.pcs[1], MK_APP_BASE + 0x131);
        assert_false(prof_trace_stack(trace, 1, &stack));
        assert_false(prof_trace_stack(trace, UINT32_MAX, &stack));
        assert_string_equal(prof_trace_text(trace, mk_text(t, "a crumb")), "a crumb");
        struct collected c = { .count = 0 };
        for (int twice = 0; twice < 2; twice++) {
            memset(&c, 0, sizeof c);
            assert_null(prof_trace_replay(trace, &sink, &c));
            assert_int_equal(c.count, 7);
            assert_int_equal(c.mem_count, 1);
            assert_int_equal(c.mem_at, 3);
        }
        assert_int_equal(c.events[3].tid, 200);
        assert_int_equal(c.events[3].count, 100);
        assert_int_equal(c.events[3].slot, 0x2004);
        assert_int_equal(c.events[6].from, 0x1000);
        assert_int_equal(c.events[6].time_us, 900);
        mk_destroy(t);
    }
}

static struct prof_error *stop(void *ctx, const struct prof_event *events, size_t n)
{
    (void)ctx;
    (void)events;
    (void)n;
    return prof_error_create(PROF_ERROR_ARGUMENT, "enough");
}

static bool cancel(void *ctx, uint64_t done, uint64_t all)
{
    (void)ctx;
    assert_true(done <= all);
    return false;
}

static void sinks_may_stop(void **state)
{
    (void)state;
    struct mk_trace *t = example(0);
    const struct prof_trace_sink stopper = { .events = stop };
    const struct prof_trace_sink canceller = { .progress = cancel };
    const struct prof_trace_sink nothing = { .events = NULL };
    struct prof_error *error = prof_trace_replay(mk_open(t), &stopper, NULL);
    assert_string_equal(error->message, "enough");
    prof_error_destroy(error);
    error = prof_trace_replay(mk_open(t), &canceller, NULL);
    assert_int_equal(error->code, PROF_ERROR_CANCELLED);
    prof_error_destroy(error);
    assert_null(prof_trace_replay(mk_open(t), &nothing, NULL));
    mk_destroy(t);
}

/* ---- Damage ---- */

struct bytes {
    unsigned char *data;
    size_t count;
};

static struct bytes slurp(const char *path)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    struct bytes b = { malloc(1 << 20), 0 };
    b.count = fread(b.data, 1, 1 << 20, f);
    fclose(f);
    return b;
}

static void spill(const char *path, const unsigned char *data, size_t count)
{
    unlink(path); /* file systems flush what is truncated and written anew */
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, count, f), count);
    fclose(f);
}

/* Opens and replays whatever is there. Returns the number of events, or -1 when it does not open. */
static int look(const char *path, struct collected *c, char *damage, size_t size)
{
    struct prof_trace *trace = NULL;
    struct prof_error *error = prof_trace_open(path, &trace);
    memset(c, 0, sizeof *c);
    damage[0] = '\0';
    if (error != NULL) {
        assert_non_null(error->message);
        prof_error_destroy(error);
        return -1;
    }
    assert_null(prof_trace_replay(trace, &sink, c));
    const struct prof_trace_info *info = prof_trace_info(trace);
    if (info->damage != NULL)
        snprintf(damage, size, "%s", info->damage);
    assert_true(info->usable_bytes <= info->file_bytes);
    prof_trace_close(trace);
    return (int)c->count;
}

static bool same_event(const struct prof_event *a, const struct prof_event *b)
{
    return a->op == b->op && a->addr == b->addr && a->slot == b->slot && a->from == b->from && a->size == b->size;
}

static void cut_anywhere(void **state)
{
    (void)state;
    for (int level = 0; level < 2; level++) {
        struct mk_trace *t = example(level);
        struct bytes b = slurp(mk_finish(t));
        struct collected whole, c;
        char damage[256];
        assert_int_equal(look(mk_path(t), &whole, damage, sizeof damage), 7);
        int most = -1;
        for (size_t cut = 0; cut < b.count; cut++) {
            spill(mk_path(t), b.data, cut);
            int n = look(mk_path(t), &c, damage, sizeof damage);
            assert_true(n >= most); /* more of the file never tells less */
            most = n;
            assert_true((n < 0) == (cut < sizeof(struct trk_file_header)));
            for (int i = 0; i < n; i++)
                assert_true(same_event(&c.events[i], &whole.events[i]));
        }
        assert_int_equal(most, 7);
        free(b.data);
        mk_destroy(t);
    }
}

/* Marks the bytes of block headers that say what a block is: no checksum covers them, and a block of an unknown kind is
 * skipped. A flip there may lose the block. */
static void mark_kinds(const struct bytes *b, bool *marked)
{
    struct trk_block block;
    for (size_t at = sizeof(struct trk_file_header); at < b->count; at += sizeof block + block.stored) {
        memcpy(&block, b->data + at, sizeof block);
        for (size_t i = offsetof(struct trk_block, kind); i < offsetof(struct trk_block, stored); i++)
            marked[at + i] = true;
    }
}

static void flipped_anywhere(void **state)
{
    (void)state;
    struct mk_trace *t = example(1);
    struct bytes b = slurp(mk_finish(t));
    struct collected whole, c;
    char damage[256];
    look(mk_path(t), &whole, damage, sizeof damage);
    bool *kinds = calloc(b.count, sizeof *kinds);
    mark_kinds(&b, kinds);
    for (size_t at = 0; at < b.count; at++) {
        unsigned char was = b.data[at];
        b.data[at] ^= (unsigned char)(1u << (at % 8));
        spill(mk_path(t), b.data, b.count);
        int n = look(mk_path(t), &c, damage, sizeof damage);
        assert_true(n <= 7);
        for (int i = 0; i < n && !kinds[at]; i++)
            assert_true(same_event(&c.events[i], &whole.events[i]));
        if (at >= sizeof(struct trk_file_header) && !kinds[at])
            assert_true(damage[0] != '\0');
        b.data[at] = was;
    }
    free(kinds);
    free(b.data);
    mk_destroy(t);
}

static void damage_names_block_and_byte(void **state)
{
    (void)state;
    struct mk_trace *t = example(0);
    struct bytes b = slurp(mk_finish(t));
    struct collected c;
    char damage[256], expected[64];
    /* The second event block: its payload is broken. */
    size_t at = sizeof(struct trk_file_header), number = 0, events = 0;
    for (;; number++) {
        struct trk_block block;
        memcpy(&block, b.data + at, sizeof block);
        if (block.kind == TRK_BLOCK_EVENTS && ++events == 2)
            break;
        at += sizeof block + block.stored;
    }
    b.data[at + sizeof(struct trk_block) + 40] ^= 0xff;
    spill(mk_path(t), b.data, b.count);
    assert_int_equal(look(mk_path(t), &c, damage, sizeof damage), 3);
    snprintf(expected, sizeof expected, "block %zu at byte %zu", number, at);
    assert_non_null(strstr(damage, expected));
    assert_non_null(strstr(damage, "checksum"));
    free(b.data);
    mk_destroy(t);
}

static void open_fails(const char *path, const unsigned char *data, size_t count, const char *says)
{
    spill(path, data, count);
    struct prof_trace *trace = (struct prof_trace *)&trace;
    struct prof_error *error = prof_trace_open(path, &trace);
    assert_non_null(error);
    assert_int_equal(error->code, PROF_ERROR_FORMAT);
    if (strstr(error->message, says) == NULL)
        fail_msg("'%s' does not say '%s'", error->message, says);
    prof_error_destroy(error);
    assert_ptr_equal(trace, &trace); /* untouched */
}

static void what_is_refused(void **state)
{
    (void)state;
    struct mk_trace *t = example(0);
    struct bytes b = slurp(mk_finish(t));
    const char *path = mk_path(t);
    open_fails(path, b.data, 10, "too short");
    open_fails(path, (const unsigned char *)"#!/bin/sh\necho this is no trace at all, but it is long enough to be", 64,
               "not a reftrack trace");
    struct trk_file_header header;
    memcpy(&header, b.data, sizeof header);
    unsigned char *copy = malloc(b.count + 64);
    memcpy(copy, b.data, b.count);
    header.major = 2;
    memcpy(copy, &header, sizeof header);
    open_fails(path, copy, b.count, "version 2.");
    header.major = 1;
    header.flags = TRK_FILE_FLAGS + 1;
    memcpy(copy, &header, sizeof header);
    open_fails(path, copy, b.count, "in a way");
    header.flags = 0;
    memcpy(header.magic, "reftrk\n\n", 8);
    memcpy(copy, &header, sizeof header);
    open_fails(path, copy, b.count, "text-mode");
    /* An unknown block is skipped, unless it is critical. */
    memcpy(copy, b.data, sizeof header);
    struct trk_block block = { .magic = TRK_BLOCK_MAGIC, .kind = 99, .flags = TRK_BLOCK_CRITICAL };
    memcpy(copy + sizeof header, &block, sizeof block);
    open_fails(path, copy, sizeof header + sizeof block, "newer reftrack");
    block.flags = 0;
    memcpy(copy + sizeof header, &block, sizeof block);
    spill(path, copy, sizeof header + sizeof block);
    struct prof_trace *trace;
    assert_null(prof_trace_open(path, &trace));
    assert_int_equal(prof_trace_info(trace)->unknown_blocks, 1);
    assert_null(prof_trace_info(trace)->damage);
    prof_trace_close(trace);
    free(copy);
    free(b.data);
    struct prof_error *error = prof_trace_open("/nonexistent/trace", &trace);
    assert_int_equal(error->code, PROF_ERROR_OS);
    prof_error_destroy(error);
    error = prof_trace_open("/tmp", &trace);
    assert_non_null(error);
    prof_error_destroy(error);
    mk_destroy(t);
}

static void unfinished_trace(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_end(t, 0, 0);
    mk_time(t, 100);
    mk_alloc(t, 0x1000, 64, "a");
    mk_time(t, 300);
    mk_free(t, 0x1000, "f");
    struct prof_trace *trace = mk_open(t);
    const struct prof_trace_info *info = prof_trace_info(trace);
    assert_false(info->finished);
    assert_null(info->damage);
    assert_int_equal(info->end_us, 300);
    struct collected c = { .count = 0 };
    assert_null(prof_trace_replay(trace, &sink, &c));
    assert_int_equal(info->records, 5); /* THREAD, TICK, ALLOC, TICK, FREE */
    assert_int_equal(info->slots, 5);
    mk_destroy(t);
}

static void replay_of_a_shrinking_file(void **state)
{
    (void)state;
    struct mk_trace *t = example(0);
    struct prof_trace *trace = mk_open(t);
    struct stat st;
    assert_int_equal(stat(mk_path(t), &st), 0);
    assert_int_equal(truncate(mk_path(t), (off_t)sizeof(struct trk_file_header) + 10), 0);
    struct collected c = { .count = 0 };
    assert_null(prof_trace_replay(trace, &sink, &c));
    assert_int_equal(c.count, 0);
    assert_non_null(prof_trace_info(trace)->damage);
    mk_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_everything),
        cmocka_unit_test(sinks_may_stop),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(flipped_anywhere),
        cmocka_unit_test(damage_names_block_and_byte),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(unfinished_trace),
        cmocka_unit_test(replay_of_a_shrinking_file),
    };
    return cmocka_run_group_tests_name("input: reader", tests, NULL, NULL);
}
