/* test_index.c: a heap made by way of an index is the heap of the whole trace.
 *
 * Random programs of several threads, with and without numbered changes, are recorded as a recorder would find them:
 * rounds, a coarse clock, rings that lag. The trace grows by random bytes; after each step a heap is made with the
 * index of the step before and one without, and both must be the same in everything that can be asked. Then indexes are
 * damaged, foreign, stale. INDEX_RUNS programs (5, which are one of each kind: with and without numbers, losses, rings
 * that come later, short ones). Then the same recordings are folded at random rounds, and read on while they grow. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <prof/index.h>

#include <heapdump.h>
#include <rnd.h>
#include <rndmemory.h>

enum { RINGS = 4, PLACES = 40, ROUND_EVENTS = 60, PENDING = 8192 };

static void ok(struct prof_error *error)
{
    if (error != NULL)
        fail_msg("%s", error->message);
}

/* ---- Recordings ---- */

struct ring {
    struct trk_slot slots[PENDING];
    uint32_t count, tid;
    uint64_t us, start_us;
};
struct thing {
    bool allocated, born;
    int32_t count;
    uint32_t seq;
};
struct recording {
    struct prof_writer *writer;
    struct ring rings[RINGS];
    struct thing things[PLACES];
    uint64_t us;
    bool numbered;
    unsigned lost; /* one event of so many is not written, 0 none */
};

static void put(struct ring *ring, unsigned op, unsigned aux, uint64_t addr, uint64_t arg, uint32_t stack)
{
    ring->slots[ring->count++] =
        (struct trk_slot){ addr << TRK_ADDR_SHIFT | (uint64_t)aux << TRK_AUX_SHIFT | (uint64_t)op << TRK_OP_SHIFT,
                           arg << TRK_ARG_SHIFT | stack };
}

static void extend(struct ring *ring, enum trk_ext kind, uint64_t value)
{
    ring->slots[ring->count++] =
        (struct trk_slot){ (uint64_t)TRK_OP_EXT << TRK_OP_SHIFT | (uint64_t)kind << TRK_EXT_SHIFT, value };
}

static void count_change(struct recording *r, struct ring *ring, struct thing *t, uint64_t addr, bool up)
{
    t->count += up ? 1 : -1;
    t->seq++;
    if (r->lost != 0 && rnd(r->lost) == 0)
        return;
    put(ring, up ? TRK_OP_REF : TRK_OP_UNREF, rnd(8) == 0 ? TRK_COUNT_UNKNOWN : (unsigned)t->count, addr,
        rnd(2) * (0x1000 + rnd(30)), 1 + (uint32_t)rnd(20));
    if (r->numbered)
        extend(ring, TRK_EXT_SEQ, t->seq);
}

static void event(struct recording *r)
{
    struct ring *ring = &r->rings[rnd(RINGS)];
    uint64_t place = rnd(PLACES), addr = 0x10000 + place * 0x100;
    struct thing *t = &r->things[place];
    if (r->us > ring->us) {
        ring->us = r->us;
        put(ring, TRK_OP_TICK, 0, 0, r->us, 0);
    }
    unsigned what = (unsigned)rnd(20);
    if (what == 0) {
        put(ring, TRK_OP_MARK, 0, 0, 0, 2);
        extend(ring, TRK_EXT_TEXT, 1 + rnd(3));
    } else if (!t->allocated) {
        t->allocated = true;
        t->born = false;
        put(ring, TRK_OP_ALLOC, 0, addr, 64, 1 + (uint32_t)rnd(20));
    } else if (!t->born && what < 15) {
        t->born = true;
        t->count = 1;
        put(ring, TRK_OP_NEW, 0, addr, 1 + rnd(2), 1 + (uint32_t)rnd(20));
        if (r->numbered)
            extend(ring, TRK_EXT_SEQ, t->seq);
    } else if (!t->born || t->count == 0 || what == 1) {
        *t = (struct thing){ .seq = t->seq };
        put(ring, TRK_OP_FREE, 0, addr, 0, 3);
    } else {
        count_change(r, ring, t, addr, t->count < 40 && rnd(2) != 0);
    }
}

static void define(struct prof_writer *w)
{
    static const char *const texts[] = { "before", "now", "later" };
    for (uint32_t id = 1; id <= 3; id++)
        ok(prof_writer_text(w, id, texts[id - 1], strlen(texts[id - 1])));
    for (uint32_t id = 1; id <= 2; id++) {
        struct trk_type_def def = { .id = id, .object_size = 32 };
        ok(prof_writer_type(w, &def, id == 1 ? "conn" : "buffer", id == 1 ? 4 : 6));
    }
    for (uint32_t id = 1; id < 24; id++) {
        uint64_t pcs[2] = { 0x400000 + id * 16, 0x401000 };
        struct trk_stack_def def = { .id = id, .frames = 2 };
        ok(prof_writer_stack(w, &def, pcs));
    }
}

static void record(const char *path, uint64_t number, bool end)
{
    static struct recording r;
    r = (struct recording){ .numbered = number % 2 != 0, .lost = number % 4 >= 2 ? 200 : 0 };
    seed(number);
    struct prof_writer_options options = { .pid = 4711, .created_ns = 1, .zstd_level = 1, .force = true };
    ok(prof_writer_open(path, &options, &r.writer));
    define(r.writer);
    for (unsigned i = 0; i < RINGS; i++)
        r.rings[i].tid = 100 + i;
    uint32_t memories = 0;
    struct prof_memory *late = NULL; /* written some rounds behind its own */
    uint64_t rounds = number % 7 < 4 ? 240 : 60;
    for (uint64_t round = 0; round < rounds; round++) {
        for (unsigned n = (unsigned)rnd(ROUND_EVENTS); n > 0; n--) {
            event(&r);
            r.us += rnd(12) == 0;
        }
        if (rnd(4) == 0) {
            struct trk_mem mem = { .at_us = r.us, .rss = round };
            ok(prof_writer_mem(r.writer, &mem));
        }
        /* one thread for all the time, or in the beginning */
        unsigned rings = number % 5 == 4 || (number % 5 == 3 && round < 35) ? 1 : RINGS;
        for (unsigned i = 0; i < rings; i++) {
            struct ring *ring = &r.rings[i];
            if (ring->count == 0 || rnd(5) == 0)
                continue; /* what lags comes in the next look */
            struct trk_events_head head = {
                .ring = i * 3, .tid = ring->tid, .round = round, .start_us = ring->start_us, .slots = ring->count
            };
            ok(prof_writer_events(r.writer, &head, ring->slots));
            ring->count = 0;
            ring->start_us = ring->us;
        }
        if (late != NULL && rnd(3) == 0) {
            ok(prof_writer_memory(r.writer, late));
            prof_memory_destroy(late);
            late = NULL;
        }
        if (late == NULL && rnd(12) == 0) {
            late = random_memory(rnd, ++memories, r.us, round, (size_t)rnd(40));
            if (rnd(2) == 0) {
                ok(prof_writer_memory(r.writer, late));
                prof_memory_destroy(late);
                late = NULL;
            }
        }
        if (round == 30)
            define(r.writer); /* told twice: nothing changes */
        ok(prof_writer_flush(r.writer));
    }
    prof_memory_destroy(late);
    struct trk_end done = { .at_us = r.us, .reason = TRK_END_EXIT, .records = 12345 };
    if (end)
        ok(prof_writer_end(r.writer, &done));
    ok(prof_writer_close(r.writer));
}

/* ---- Comparing ---- */

struct files {
    char folder[64], whole[80], trace[80], index[88];
};

static struct files make_files(void)
{
    struct files f;
    const char *tmp = getenv("TMPDIR");
    snprintf(f.folder, sizeof f.folder, "%.40s/index.XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(f.folder));
    snprintf(f.whole, sizeof f.whole, "%s/whole", f.folder);
    snprintf(f.trace, sizeof f.trace, "%s/t.trk", f.folder);
    snprintf(f.index, sizeof f.index, "%s/t.trk.idx", f.folder);
    return f;
}

static void drop_files(const struct files *f)
{
    unlink(f->whole);
    unlink(f->trace);
    unlink(f->index);
    assert_int_equal(rmdir(f->folder), 0); /* nothing else was left there */
}

static char *read_file(const char *path, size_t *ret)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *bytes = malloc(1 << 22);
    assert_non_null(bytes);
    *ret = fread(bytes, 1, 1 << 22, file);
    fclose(file);
    return bytes;
}

static void write_file(const char *path, const char *bytes, size_t count)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
}

/* Everything that can be asked; `version` NULL: without an index. */
static char *ask(const char *path, const char *version, struct prof_index_result *result)
{
    struct prof_trace *trace;
    struct prof_heap *heap;
    static const struct prof_heap_options options = { .keep_type_sites = true };
    ok(prof_trace_open(path, &trace));
    if (version != NULL) {
        struct prof_index_options index = { .version = version };
        ok(prof_heap_create_indexed(trace, &options, &index, result, &heap));
    } else {
        ok(prof_heap_create(trace, &options, &heap));
    }
    const char *broken = prof_heap_check(heap);
    if (broken != NULL)
        fail_msg("invariant: %s", broken);
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    const struct prof_trace_info *info = prof_trace_info(trace);
    fprintf(out, "records=%llu end=%llu damage=%s state=%d\n", (unsigned long long)info->records,
            (unsigned long long)info->end_us, info->damage != NULL ? info->damage : "", info->has_state);
    heap_dump(out, heap);
    fclose(out);
    prof_heap_destroy(heap);
    prof_trace_close(trace);
    return text;
}

static struct prof_index_result same(const char *path, const char *version, uint64_t number)
{
    struct prof_index_result result;
    char *with = ask(path, version, &result), *without = ask(path, NULL, NULL);
    size_t at = 0, line = 0;
    for (; with[at] == without[at] && with[at] != '\0'; at++)
        if (with[at] == '\n')
            line = at + 1;
    if (with[at] != without[at])
        fail_msg("program %llu, index %s, differs:\n%.*s\n%.*s", (unsigned long long)number,
                 result.used ? "used" : "not used", (int)strcspn(without + line, "\n"), without + line,
                 (int)strcspn(with + line, "\n"), with + line);
    free(with);
    free(without);
    return result;
}

static unsigned runs(void)
{
    const char *told = getenv("INDEX_RUNS");
    return told != NULL ? (unsigned)atoi(told) : 5;
}

static void growing(void **state)
{
    (void)state;
    struct files f = make_files();
    unsigned used = 0, written = 0;
    for (uint64_t number = 0; number < runs(); number++) {
        record(f.whole, number, number % 3 != 0);
        size_t size, at = 0;
        char *bytes = read_file(f.whole, &size);
        unlink(f.index);
        for (unsigned step = 0; at < size; step++) {
            at += 200 + (size_t)rnd(size / 4);
            write_file(f.trace, bytes, at < size ? at : size);
            struct prof_index_result result = same(f.trace, "1", number);
            assert_null(result.note);
            used += result.used;
            written += result.written;
        }
        /* in a short one a number may be missing, or too much be alive for what happened */
        if (!same(f.trace, "1", number).used && number % 7 < 4 && number % 5 != 4)
            fail_msg("program %llu: the index of the whole trace is not used", (unsigned long long)number);
        free(bytes);
    }
    assert_true(written > runs() * 2 && used > runs() * 2);
    drop_files(&f);
}

/* The end of the last whole block within `room` bytes. */
static size_t whole_blocks(const char *bytes, size_t room)
{
    struct trk_file_header header;
    memcpy(&header, bytes, sizeof header);
    size_t at = header.header_bytes;
    for (;;) {
        struct trk_block block;
        if (room - at < sizeof block)
            return at;
        memcpy(&block, bytes + at, sizeof block);
        if (room - at - sizeof block < block.stored)
            return at;
        at += sizeof block + block.stored;
    }
}

static char *dump(struct prof_heap *heap)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    heap_dump(out, heap);
    fclose(out);
    return text;
}

static struct prof_heap_tail *open_tail(const char *path, size_t bytes, struct prof_trace **ret)
{
    static const struct prof_heap_options options = { .keep_type_sites = true };
    struct prof_heap_tail *tail;
    ok(prof_trace_open_fd(open(path, O_RDONLY), path, bytes, ret));
    ok(prof_heap_tail_open(*ret, &options, &tail));
    return tail;
}

/* In a child: the heap as it would be if the trace ended here is that of such a trace. */
static bool ends_well(struct prof_heap_tail *tail, const char *path, size_t bytes)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        struct prof_trace *trace;
        struct prof_heap *heap;
        static const struct prof_heap_options options = { .keep_type_sites = true };
        ok(prof_heap_tail_end(tail));
        ok(prof_trace_open_fd(open(path, O_RDONLY), path, bytes, &trace));
        ok(prof_heap_create(trace, &options, &heap));
        _exit(strcmp(dump(heap), dump(prof_heap_tail_heap(tail))) != 0 ||
              prof_heap_check(prof_heap_tail_heap(tail)) != NULL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void reading_on(void **state)
{
    (void)state;
    struct files f = make_files();
    unsigned steps = 0, again = 0;
    for (uint64_t number = 0; number < runs(); number++) {
        record(f.trace, number, number % 3 != 0);
        size_t size, at = 0;
        char *bytes = read_file(f.trace, &size);
        struct prof_trace *trace = NULL;
        struct prof_heap_tail *tail = NULL;
        while (at < size) {
            bool exact = false;
            size_t next = at + 200 + (size_t)rnd(size / 12);
            at = whole_blocks(bytes, next < size ? next : size);
            if (tail != NULL)
                ok(prof_heap_tail_on(tail, at, &exact));
            if (!exact) { /* from the beginning, as a whole */
                again += tail != NULL;
                prof_heap_tail_close(tail);
                prof_trace_close(trace);
                tail = open_tail(f.trace, at, &trace);
            }
            if (!ends_well(tail, f.trace, at))
                fail_msg("program %llu, %zu of %zu bytes: a heap that was read on differs", (unsigned long long)number,
                         at, size);
            steps++;
        }
        prof_heap_tail_close(tail);
        prof_trace_close(trace);
        free(bytes);
    }
    if (again * 3 > steps)
        fail_msg("%u of %u steps began again", again, steps);
    drop_files(&f);
}

static void odd_indexes(void **state)
{
    (void)state;
    struct files f = make_files();
    record(f.whole, 1, true);
    record(f.trace, 2, true);
    size_t size, index_size;
    char *other = read_file(f.whole, &size);
    struct stat st;
    assert_true(same(f.trace, "1", 2).written);
    assert_int_equal(stat(f.index, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    char *index = read_file(f.index, &index_size);
    /* another program's; one that others can write; a link; a folder */
    assert_false(same(f.trace, "2", 2).used);
    write_file(f.index, index, index_size);
    assert_int_equal(chmod(f.index, 0620), 0);
    assert_false(same(f.trace, "1", 2).used);
    assert_int_equal(rename(f.index, f.whole), 0);
    assert_int_equal(symlink(f.whole, f.index), 0);
    assert_false(same(f.trace, "1", 2).used);
    unlink(f.index);
    assert_int_equal(mkdir(f.index, 0700), 0);
    struct prof_index_result result = same(f.trace, "1", 2);
    assert_false(result.used || result.written);
    assert_non_null(result.note);
    prof_error_destroy(result.note);
    rmdir(f.index);
    /* cut, flipped */
    unsigned kept = 0, damages = 8 * runs();
    for (unsigned i = 0; i < damages; i++) {
        char *copy = malloc(index_size);
        assert_non_null(copy);
        memcpy(copy, index, index_size);
        size_t length = i % 2 != 0 ? (size_t)rnd(index_size) : index_size;
        copy[rnd(index_size)] ^= (char)(1 << rnd(8));
        write_file(f.index, copy, length);
        chmod(f.index, 0600);
        result = same(f.trace, "1", 2);
        kept += result.used;
        free(copy);
    }
    assert_true(kept * 4 < damages); /* a flip in the unused part of a header harms nobody */
    /* of another trace; the trace became shorter, or is another one of the same name */
    write_file(f.index, index, index_size);
    write_file(f.trace, other, size);
    assert_false(same(f.trace, "1", 1).used);
    record(f.trace, 2, true);
    char *mine = read_file(f.trace, &size);
    assert_true(same(f.trace, "1", 2).written); /* random ids: the same events are another trace */
    write_file(f.trace, mine, size / 2);
    assert_false(same(f.trace, "1", 2).used);
    unlink(f.index);
    assert_true(same(f.trace, "1", 2).written);
    /* the last block before the cut was replaced by another one */
    write_file(f.trace, mine, size);
    unlink(f.index);
    assert_true(same(f.trace, "1", 2).written);
    struct trk_file_header header;
    memcpy(&header, mine, sizeof header);
    header.pid++;
    memcpy(mine, &header, sizeof header);
    write_file(f.trace, mine, size);
    assert_false(same(f.trace, "1", 2).used);
    free(mine);
    free(other);
    free(index);
    drop_files(&f);
}

/* A state stands for what was before it, checkpoints included; those behind it are taken over. Compared is what the
 * heap knows of them: which events are guesses at the order may differ, as less is known behind a state. */
static void folded(void **state)
{
    (void)state;
    struct files f = make_files();
    unsigned checkpoints = 0;
    for (uint64_t number = 0; number < runs(); number += number % 4 == 1 ? 3 : 1) { /* those without losses */
        record(f.whole, number, false);
        char *whole = ask(f.whole, NULL, NULL);
        checkpoints += strstr(whole, "\nmemory ") != NULL;
        for (unsigned n = 0; n < 6; n++) {
            struct prof_trace *trace;
            struct prof_writer *writer;
            struct prof_writer_options options = { .pid = 4711, .created_ns = 1, .zstd_level = 1, .force = true };
            ok(prof_trace_open(n < 4 ? f.whole : f.trace, &trace)); /* the last ones fold what was folded */
            ok(prof_writer_open(n < 4 ? f.trace : f.index, &options, &writer));
            ok(prof_heap_fold(trace, rnd(60) + 30 * n, NULL, writer));
            ok(prof_writer_close(writer));
            prof_trace_close(trace);
            if (n >= 4)
                assert_int_equal(rename(f.index, f.trace), 0);
            char *text = ask(f.trace, NULL, NULL);
            const char *one = strstr(whole, "\ncheckpoints "), *two = strstr(text, "\ncheckpoints ");
            size_t at = 0, line = 0;
            for (; one[at] == two[at] && one[at] != '\0'; at++)
                if (one[at] == '\n')
                    line = at + 1;
            if (one[at] != two[at])
                fail_msg("program %llu, fold %u, differs:\n%.*s\n%.*s", (unsigned long long)number, n,
                         (int)strcspn(one + line, "\n"), one + line, (int)strcspn(two + line, "\n"), two + line);
            free(text);
        }
        free(whole);
    }
    assert_true(checkpoints > runs() / 4);
    drop_files(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(growing), cmocka_unit_test(reading_on),
                                        cmocka_unit_test(odd_indexes), cmocka_unit_test(folded) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
