/* A heap that goes along with a file while it grows, byte by byte and with blocks that are not whole yet, ends as one
 * that reads the whole file at once. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include <heapdump.h>
#include <mktrace.h>

enum { ROUNDS = 40, OBJECTS = 30, DUMP_MOST = 1 << 20 };

static struct mk_trace *make_trace(void)
{
    struct mk_trace *t = mk_create();
    for (unsigned round = 0; round < ROUNDS; round++) {
        char place[32];
        mk_time(t, (round + 1) * 1000);
        for (unsigned i = 0; i < OBJECTS; i++) {
            uint64_t addr = MK_HEAP_BASE + (uint64_t)(round * OBJECTS + i) * 64;
            snprintf(place, sizeof place, "a%u.c:%u", round, i);
            mk_born(t, i % 3 == 0 ? "conn" : "session", addr, 48, place);
            mk_ref(t, addr, addr + 8, "r.c:1");
            if (i % 2 == 0) {
                mk_unref(t, addr, addr + 8, "r.c:2");
                mk_unref(t, addr, 0, "r.c:3");
                mk_gone(t, addr, "r.c:4");
            }
        }
        mk_round(t);
    }
    return t;
}

static char *dump(struct prof_heap *heap)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    heap_dump(out, heap);
    fclose(out);
    return text;
}

/* The same file, of which `step` bytes more are there each time. */
static void grow(const char *path, uint64_t bytes, uint64_t step, const char *expected)
{
    struct prof_trace *trace;
    struct prof_heap_tail *tail;
    const struct prof_heap_options options = { .keep_type_sites = true };
    bool exact = true;
    uint64_t there = 256 < bytes ? 256 : bytes;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_null(prof_trace_open_fd(fd, path, there, &trace));
    assert_null(prof_heap_tail_open(trace, &options, &tail));
    while (there < bytes) {
        there = there + step < bytes ? there + step : bytes;
        assert_null(prof_heap_tail_on(tail, there, &exact));
        assert_true(exact);
    }
    assert_null(prof_trace_info(trace)->damage);
    assert_null(prof_heap_tail_end(tail));
    char *text = dump(prof_heap_tail_heap(tail));
    assert_string_equal(text, expected);
    free(text);
    prof_heap_tail_close(tail);
    prof_trace_close(trace);
}

static void test_blocks_that_are_not_whole(void **state)
{
    (void)state;
    static const uint64_t steps[] = { 1, 7, 97, 1000, 5000, 1 << 20 };
    struct mk_trace *t = make_trace();
    struct prof_heap *heap = mk_heap(t);
    char *expected = dump(heap);
    struct stat st;
    assert_int_equal(stat(mk_path(t), &st), 0);
    assert_non_null(strstr(expected, "session"));
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        grow(mk_path(t), (uint64_t)st.st_size, steps[i], expected);
    free(expected);
    mk_destroy(t);
}

/* What is broken stays broken, whatever comes behind it. */
static void test_damage_stays(void **state)
{
    (void)state;
    struct mk_trace *t = make_trace();
    struct prof_trace *trace;
    struct stat st;
    const char *path = mk_finish(t);
    assert_int_equal(stat(path, &st), 0);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "????", 4, st.st_size / 2), 4);
    assert_null(prof_trace_open_fd(fd, path, 256, &trace));
    struct prof_heap_tail *tail;
    bool exact;
    assert_null(prof_heap_tail_open(trace, NULL, &tail));
    for (uint64_t there = 256; there < (uint64_t)st.st_size; there += 4096)
        prof_error_destroy(prof_heap_tail_on(tail, there, &exact));
    prof_error_destroy(prof_heap_tail_on(tail, (uint64_t)st.st_size, &exact));
    prof_error_destroy(prof_heap_tail_end(tail));
    assert_non_null(prof_trace_info(trace)->damage);
    assert_true(prof_trace_info(trace)->usable_bytes < (uint64_t)st.st_size);
    prof_heap_tail_close(tail);
    prof_trace_close(trace);
    mk_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_that_are_not_whole),
        cmocka_unit_test(test_damage_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
