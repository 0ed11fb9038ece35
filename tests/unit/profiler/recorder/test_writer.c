/* test_writer.c: trace files as the writer makes them, read back block by block; full disks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <prof/memory.h>
#include <prof/trace.h>

#include "blocks.h"

static char folder[64], path[128];

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/test-writer-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/a.trk", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void ok(struct prof_error *error)
{
    if (error != NULL)
        fail_msg("%s", error->message);
}

static struct prof_writer *open_writer(int level)
{
    struct prof_writer_options options = { .pid = 4711, .created_ns = 77, .zstd_level = level };
    struct prof_writer *w = NULL;
    ok(prof_writer_open(path, &options, &w));
    return w;
}

static void write_definitions(struct prof_writer *w)
{
    uint64_t pcs[3] = { 0x1000, 0x2000, 0x3000 };
    for (uint32_t id = 1; id <= 3; id++)
        ok(prof_writer_stack(w, &(struct trk_stack_def){ .id = id, .frames = (uint8_t)id, .generation = 5 }, pcs));
    ok(prof_writer_type(w, &(struct trk_type_def){ .id = 9, .object_size = 48 }, "struct foo", 10));
    ok(prof_writer_text(w, 6, "hello", 5));
}

static void test_all_kinds(void **state)
{
    (void)state;
    for (int level = -1; level <= 1; level++) {
        struct prof_writer *w = open_writer(level);
        ok(prof_writer_meta(w, (const char *const[]){ "program=x", "arg=x", "arg=-y", NULL }));
        struct prof_module modules[] = { { .start = 4096,
                                           .end = 8192,
                                           .ino = 3,
                                           .prot = PROT_READ,
                                           .path = "/bin/x",
                                           .build_id_len = 2,
                                           .build_id = { 0xab, 0xcd } },
                                         { .start = 8192, .end = 9000, .path = "" } };
        ok(prof_writer_modules(w, 7, 8, modules, 2));
        write_definitions(w);
        struct trk_slot slots[] = { slot_make(TRK_OP_REF, 3, 0x10, 0x20, 2), slot_ext(TRK_EXT_TEXT, 6) };
        slots[0].w0 |= 1; /* lap bits are no part of a file */
        slots[1].w0 |= 1;
        ok(prof_writer_events(w, &(struct trk_events_head){ .ring = 4, .tid = 5, .round = 6, .slots = 2 }, slots));
        ok(prof_writer_mem(w, &(struct trk_mem){ .rss = 12345 }));
        ok(prof_writer_loss(w, &(struct trk_loss){ .dropped = 1 }));
        ok(prof_writer_end(w, &(struct trk_end){ .reason = TRK_END_SIGNAL, .value = 9, .records = 1 }));
        assert_int_equal(prof_writer_lost(w), 0);
        ok(prof_writer_close(w));

        struct stat st;
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        struct blocks blocks;
        blocks_read(path, &blocks);
        assert_true(blocks.whole);
        assert_int_equal(blocks.header.pid, 4711);
        assert_int_equal(blocks.header.created_ns, 77);
        assert_string_equal(blocks_meta(&blocks, "arg"), "-y");
        const struct block *b = blocks_find(&blocks, TRK_BLOCK_MODULES, 0);
        const struct trk_module *module = (const void *)(b->payload + sizeof(struct trk_module_head));
        const char *strings = (const char *)(module + 2);
        assert_string_equal(strings + module[0].path, "/bin/x");
        assert_int_equal(module[1].path, 0);
        assert_int_equal(module[0].build_id[1], 0xcd);
        size_t events = blocks_with(&blocks, TRK_OP_REF);
        const struct trk_stack_def *def = blocks_stack(&blocks, events, 3);
        assert_non_null(def);
        assert_int_equal(def->frames, 3);
        assert_int_equal(((const uint64_t *)(def + 1))[2], 0x3000);
        b = blocks_find(&blocks, TRK_BLOCK_TYPES, 0);
        assert_memory_equal(b->payload + sizeof(struct trk_type_def), "struct foo", 10);
        assert_int_equal(b->head.raw % 8, 0);
        b = blocks_find(&blocks, TRK_BLOCK_TEXTS, 0);
        assert_memory_equal(b->payload + 8, "hello", 5);
        size_t count;
        struct trk_slot *read = blocks_slots(&blocks, 4, &count);
        assert_int_equal(count, 2);
        assert_int_equal(read[0].w0, slots[0].w0 & ~1ull);
        assert_int_equal(read[1].w1, 6);
        assert_int_equal(read[1].w0 & 1, 0);
        free(read);
        assert_int_equal(blocks_end(&blocks)->value, 9);
        blocks_free(&blocks);
        unlink(path);
    }
}

/* A long run becomes several blocks; none begins inside a record, each knows its thread and time. */
static void test_long_run(void **state)
{
    (void)state;
    enum { COUNT = 300000 };
    struct trk_slot *slots = calloc(COUNT, sizeof *slots);
    size_t n = 0;
    uint64_t number = 0;
    while (n + 6 < COUNT) {
        number++;
        if (number % 1000 == 0)
            slots[n++] = slot_make(TRK_OP_TICK, 0, 0, number, 0);
        if (number % 70000 == 0)
            slots[n++] = slot_make(TRK_OP_THREAD, 0, number, number, 0);
        slots[n++] = slot_make(TRK_OP_PIN, 0, number, number, 0);
        for (uint64_t e = 0; e < number % 4; e++)
            slots[n++] = slot_ext(TRK_EXT_VALUE, number);
    }
    struct prof_writer *w = open_writer(-3);
    ok(prof_writer_events(w, &(struct trk_events_head){ .ring = 1, .tid = 10, .start_us = 11, .slots = (uint32_t)n },
                          slots));
    ok(prof_writer_close(w));
    struct blocks blocks;
    blocks_read(path, &blocks);
    assert_true(blocks.count > 3);
    uint32_t tid = 10;
    uint64_t us = 11;
    size_t at = 0;
    for (size_t i = 0; i < blocks.count; i++) {
        struct trk_events_head head;
        memcpy(&head, blocks.items[i].payload, sizeof head);
        const struct trk_slot *s = (const void *)(blocks.items[i].payload + sizeof head);
        assert_int_equal(head.tid, tid);
        assert_int_equal(head.start_us, us);
        assert_int_not_equal(slot_op(&s[0]), TRK_OP_EXT);
        assert_memory_equal(s, slots + at, head.slots * sizeof *s);
        for (uint32_t k = 0; k < head.slots; k++) {
            if (slot_op(&s[k]) == TRK_OP_THREAD)
                tid = (uint32_t)(s[k].w0 >> TRK_ADDR_SHIFT);
            if (slot_op(&s[k]) == TRK_OP_THREAD || slot_op(&s[k]) == TRK_OP_TICK)
                us = s[k].w1 >> TRK_ARG_SHIFT;
        }
        at += head.slots;
    }
    assert_int_equal(at, n);
    blocks_free(&blocks);
    free(slots);
}

static void expect_errno(struct prof_error *error, int err)
{
    assert_non_null(error);
    assert_int_equal(error->code, PROF_ERROR_OS);
    assert_int_equal(error->sys_errno, err);
    assert_non_null(strstr(error->message, path));
    prof_error_destroy(error);
}

enum { MANY = 200000 };

static struct trk_slot *many_slots(void)
{
    static struct trk_slot slots[MANY];
    for (uint64_t i = 0; i < MANY; i++)
        slots[i] = slot_make(TRK_OP_REF, 3, i * 7919 % 65521 << 4, i, 2);
    return slots;
}

/* What was measured leaves nothing behind, and is what it then takes. */
static void test_measured(void **state)
{
    (void)state;
    struct trk_events_head head = { .ring = 4, .tid = 5, .round = 6, .slots = MANY };
    struct prof_writer *w = open_writer(1);
    for (int round = 0; round < 3; round++) {
        if (round == 1)
            write_definitions(w);
        ok(prof_writer_measure(w));
        uint64_t before = prof_writer_bytes(w) + prof_writer_gathered(w), blocks = prof_writer_blocks(w);
        ok(prof_writer_events(w, &head, many_slots()));
        assert_true(prof_writer_blocks(w) > blocks + 2);
        uint64_t bytes = prof_writer_measured(w);
        assert_int_equal(prof_writer_bytes(w) + prof_writer_gathered(w), before);
        assert_int_equal(prof_writer_blocks(w), blocks);
        ok(prof_writer_events(w, &head, many_slots()));
        assert_int_equal(prof_writer_bytes(w) + prof_writer_gathered(w), before + bytes);
    }
    assert_int_equal(prof_writer_lost(w), 0);
    ok(prof_writer_close(w));
    struct blocks blocks;
    blocks_read(path, &blocks);
    assert_true(blocks.whole);
    blocks_free(&blocks);
}

/* A checkpoint with more words than a part has; *ret: what its end said. */
static struct prof_error *write_memory(struct prof_writer *w, bool limited, uint64_t most)
{
    struct prof_memory head = { .number = 1, .rung = TRK_RUNG_STOPPED, .name = "m" };
    struct prof_memory_area area = { .start = 0x10000, .size = 8 * MANY, .kind = TRK_AREA_DATA };
    struct prof_memory_writer *out;
    ok(prof_memory_writer_create(w, &head, &out));
    if (limited)
        prof_memory_writer_limit(out, most);
    struct prof_error *error = prof_memory_writer_area(out, &area);
    for (uint64_t i = 0; i < MANY && error == NULL; i++) {
        struct prof_memory_word word = { .at = area.start + 8 * i, .value = i * i * 7919 };
        error = prof_memory_writer_words(out, &word, 1);
    }
    struct prof_error *end = prof_memory_writer_end(out, error == NULL ? &head : NULL);
    return error != NULL ? error : end;
}

static void test_limited_memory(void **state)
{
    (void)state;
    struct prof_writer *w = open_writer(1);
    ok(write_memory(w, false, 0));
    uint64_t bytes = prof_writer_bytes(w) + prof_writer_gathered(w) - sizeof(struct trk_file_header), once = bytes;
    uint64_t blocks = prof_writer_blocks(w);
    for (int i = 0; i < 3; i++) { /* in the first part, in the last one, not at all */
        const uint64_t limits[] = { 0, once - 1, once };
        struct prof_error *error = write_memory(w, true, limits[i]);
        if (i < 2) {
            assert_non_null(error);
            assert_int_equal(error->code, PROF_ERROR_ARGUMENT);
        } else {
            ok(error);
            bytes += once;
            blocks *= 2;
        }
        prof_error_destroy(error);
        assert_int_equal(prof_writer_bytes(w) + prof_writer_gathered(w), sizeof(struct trk_file_header) + bytes);
        assert_int_equal(prof_writer_blocks(w), blocks);
    }
    ok(prof_writer_close(w));
    struct prof_trace *trace;
    ok(prof_trace_open(path, &trace));
    assert_int_equal(prof_trace_info(trace)->memories, 2);
    assert_int_equal(prof_trace_info(trace)->memories_lost, 0);
    prof_trace_close(trace);
}

static void test_never_overwrites(void **state)
{
    (void)state;
    struct prof_writer_options options = { .pid = 1 };
    struct prof_writer *w = NULL;
    FILE *file = fopen(path, "w");
    fputs("precious", file);
    fclose(file);
    expect_errno(prof_writer_open(path, &options, &w), 17);
    options.force = true;
    ok(prof_writer_open(path, &options, &w));
    ok(prof_writer_close(w));
    /* Nothing but a regular file is ever replaced. */
    char target[140];
    snprintf(target, sizeof target, "%s.target", path);
    unlink(path);
    assert_int_equal(symlink(target, path), 0);
    w = NULL;
    expect_errno(prof_writer_open(path, &options, &w), 17);
    assert_null(w);
    assert_int_not_equal(access(target, F_OK), 0);
}

static void set_file_limit(rlim_t bytes)
{
    struct rlimit limit = { bytes, RLIM_INFINITY };
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The disk is full for a while: the file stays readable, what was lost is counted exactly, definitions survive, and
 * writing goes on when there is room. */
static void test_full_disk(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    enum { SLOTS = 1000 };
    struct trk_slot slots[SLOTS];
    uint64_t number = 0, issued = 0, errors = 0;
    struct prof_writer *w = open_writer(0);
    set_file_limit(300000);
    for (int round = 0; round < 100; round++) {
        if (round == 60)
            set_file_limit(RLIM_INFINITY);
        uint64_t pc = 0x1000;
        struct prof_error *error =
            prof_writer_stack(w, &(struct trk_stack_def){ .id = (uint32_t)round + 1, .frames = 1 }, &pc);
        assert_null(error);
        for (int i = 0; i < SLOTS; i++)
            slots[i] = slot_make(TRK_OP_REF, 0, ++number, 0, (uint32_t)round + 1);
        struct trk_events_head head = { .ring = 2, .round = (uint64_t)round, .slots = SLOTS };
        error = prof_writer_events(w, &head, slots);
        errors += error != NULL;
        prof_error_destroy(error);
        if (round % 10 == 9) {
            error = prof_writer_flush(w);
            errors += error != NULL;
            prof_error_destroy(error);
        }
        issued += SLOTS;
        if (round == 50) {
            struct blocks blocks;
            blocks_read(path, &blocks);
            assert_true(blocks.whole);
            blocks_free(&blocks);
        }
    }
    assert_int_equal(errors, 1); /* one failure lasted, it was told once */
    uint64_t lost = prof_writer_lost(w);
    assert_true(lost > 0);
    ok(prof_writer_close(w));
    struct blocks blocks;
    blocks_read(path, &blocks);
    assert_true(blocks.whole);
    size_t count;
    struct trk_slot *read = blocks_slots(&blocks, 2, &count);
    assert_int_equal(count + lost, issued);
    assert_int_equal(read[count - 1].w0, slots[SLOTS - 1].w0);
    for (uint32_t id = 1; id <= 100; id++)
        assert_non_null(blocks_stack(&blocks, blocks.count, id));
    free(read);
    blocks_free(&blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_kinds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_run, setup, teardown),
        cmocka_unit_test_setup_teardown(test_measured, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limited_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_never_overwrites, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
