/* test_load.c: many threads, full rings, kills, handlers, forks: every event is recorded, or counted as lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "testrec.h"

static uint64_t in_band_drops(const struct testrec *rec)
{
    uint64_t n = 0;
    for (size_t i = 0; i < rec->count; i++)
        n += rec->records[i].op == TRK_OP_DROP ? rec->records[i].arg : 0;
    return n;
}

/* The refs of one thread count up by one slot each, in order. */
static void check_sequences(const struct testrec *rec)
{
    uint64_t next[512] = { 0 };
    uint32_t tid[512] = { 0 };
    for (size_t i = 0; i < rec->count; i++) {
        const struct testrec_record *r = &rec->records[i];
        assert_in_range(r->ring, 0, 511);
        if (tid[r->ring] != r->tid)
            next[r->ring] = 0;
        tid[r->ring] = r->tid;
        if (r->op != TRK_OP_REF)
            continue;
        assert_true(r->arg >= (0x100000 >> 3) + next[r->ring]);
        next[r->ring] = r->arg - (0x100000 >> 3) + 1;
    }
}

static void check_clean(const struct testrec *rec)
{
    assert_int_equal(rec->bad, 0);
    assert_int_equal(rec->holes, 0);
    assert_int_equal(testrec_ring_dropped(rec), 0);
    assert_int_equal(testrec_proc_dropped(rec), 0);
    assert_int_equal(testrec_emergency(rec), 0);
}

static void run_threads(const char *threads, const char *events, uint64_t expected)
{
    struct testrec rec;
    const char *argv[] = { TARGET, "threads", threads, events, NULL };
    testrec_record(&rec, NULL, argv, NULL, NULL);
    assert_int_equal(rec.status, 0);
    check_clean(&rec);
    check_sequences(&rec);
    assert_int_equal(testrec_count(&rec, TRK_OP_REF), expected);
    testrec_deinit(&rec);
}

static void threads_2(void **state)
{
    (void)state;
    run_threads("2", "150000", 300000);
}

static void threads_16(void **state)
{
    (void)state;
    run_threads("16", "10000", 160000);
}

static void threads_200(void **state)
{
    (void)state;
    run_threads("200", "3000", 600000);
}

/* More threads than rings: those without one are counted. */
static void threads_without_ring(void **state)
{
    (void)state;
    struct testrec rec;
    struct testrec_config config = { .rings = { { 3, 10 } } };
    const char *argv[] = { TARGET, "threads", "30", "1000", NULL };
    testrec_record(&rec, &config, argv, NULL, NULL);
    assert_int_equal(rec.status, 0);
    assert_int_equal(testrec_count(&rec, TRK_OP_REF) + testrec_proc_dropped(&rec) + testrec_ring_dropped(&rec), 30000);
    testrec_deinit(&rec);
}

static void short_threads(void **state)
{
    (void)state;
    struct testrec rec;
    const char *argv[] = { TARGET, "short", "10000", "8", NULL };
    testrec_record(&rec, NULL, argv, NULL, NULL);
    assert_int_equal(rec.status, 0);
    check_clean(&rec);
    assert_int_equal(testrec_count(&rec, TRK_OP_REF), 10000);
    size_t rings = 0;
    for (uint64_t i = 0; i < rec.hdr->ring_count; i++)
        rings += rec.rings[i].proc != 0;
    assert_in_range(rings, 2, 24); /* a dying thread may still be there when the next one starts */
    /* Each event belongs to the thread that said THREAD before it. */
    for (size_t i = 0; i < rec.count; i++)
        assert_true(rec.records[i].tid != 0 || rec.records[i].op == TRK_OP_DROP);
    testrec_deinit(&rec);
}

static void drop_is_exact(void **state)
{
    (void)state;
    struct testrec rec;
    struct testrec_config config = { .rings = { { 2, 10 } }, .on_full = TRK_FULL_DROP };
    const char *argv[] = { TARGET, "refs", "200000", NULL };
    int out;
    pid_t pid = testrec_begin(&rec, &config, argv, &out);
    for (int i = 0; i < 20; i++) { /* slowly at first: some get through, some do not */
        usleep(1000);
        testrec_drain(&rec);
    }
    testrec_finish(&rec, pid, out, TESTREC_SECONDS);
    assert_int_equal(rec.status, 0);
    assert_int_equal(rec.bad + rec.holes, 0);
    uint64_t dropped = testrec_ring_dropped(&rec);
    assert_true(dropped > 0);
    assert_int_equal(testrec_emergency(&rec) + testrec_proc_dropped(&rec), 0);
    assert_int_equal(testrec_count(&rec, TRK_OP_REF) + dropped, 200001 - testrec_count(&rec, TRK_OP_EXIT));
    assert_true(in_band_drops(&rec) <= dropped);
    check_sequences(&rec);
    /* Between two records with a gap there is a DROP of just that size. */
    uint64_t next = 0x100000 >> 3, pending = 0;
    for (size_t i = 0; i < rec.count; i++) {
        const struct testrec_record *r = &rec.records[i];
        pending += r->op == TRK_OP_DROP ? r->arg : 0;
        if (r->op != TRK_OP_REF)
            continue;
        assert_int_equal(r->arg, next + pending);
        next = r->arg + 1;
        pending = 0;
    }
    testrec_deinit(&rec);
}

static void block_loses_nothing(void **state)
{
    (void)state;
    struct testrec rec;
    struct testrec_config config = { .rings = { { 2, 10 } } };
    const char *argv[] = { TARGET, "refs", "50000", NULL };
    testrec_record(&rec, &config, argv, NULL, NULL);
    assert_int_equal(rec.status, 0);
    check_clean(&rec);
    assert_int_equal(testrec_count(&rec, TRK_OP_REF), 50000);
    testrec_deinit(&rec);
}

/* The recorder stops in the middle: at most block_ms in total, then counted; it ends when the recorder says it is gone.
 */
static void block_is_bounded(void **state)
{
    (void)state;
    struct testrec rec;
    struct testrec_config config = { .rings = { { 2, 10 } }, .block_ms = 300 };
    const char *argv[] = { TARGET, "refs", "200000", NULL };
    int out;
    pid_t pid = testrec_begin(&rec, &config, argv, &out);
    rec.frozen = true;
    testrec_finish(&rec, pid, out, TESTREC_SECONDS);
    assert_int_equal(rec.status, 0);
    assert_in_range(testrec_said(&rec, "ms"), 250, TESTREC_SECONDS * 1000);
    assert_int_equal(testrec_count(&rec, TRK_OP_REF) + testrec_ring_dropped(&rec),
                     200001 - testrec_count(&rec, TRK_OP_EXIT));
    testrec_deinit(&rec);
}

static void recorder_gone(void **state)
{
    (void)state;
    struct testrec rec;
    struct testrec_config config = { .rings = { { 2, 10 } }, .block_ms = 60000 };
    const char *argv[] = { TARGET, "refs", "200000", NULL };
    int out;
    pid_t pid = testrec_begin(&rec, &config, argv, &out);
    rec.frozen = true;
    pid_t heart = fork(); /* beats on: it is not by this that the target sees the end */
    if (heart == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;; usleep(1000))
            __atomic_fetch_add(&rec.hdr->heartbeat, 1, __ATOMIC_RELAXED);
    }
    usleep(100000);
    rec.hdr->recorder_state = TRK_REC_GONE;
    testrec_finish(&rec, pid, out, TESTREC_SECONDS);
    kill(heart, SIGKILL);
    waitpid(heart, NULL, 0);
    assert_int_equal(rec.status, 0);
    assert_in_range(testrec_said(&rec, "ms"), 0, 30000);
    testrec_deinit(&rec);
}

/* A recorder that was killed cannot say so: its heart stands still and its process is gone. */
static void recorder_killed(void **state)
{
    (void)state;
    struct testrec rec;
    struct testrec_config config = { .rings = { { 2, 10 } }, .block_ms = 60000 };
    const char *argv[] = { TARGET, "refs", "200000", NULL };
    int out;
    pid_t dead = fork();
    if (dead == 0)
        _exit(0);
    waitpid(dead, NULL, 0);
    pid_t pid = testrec_begin(&rec, &config, argv, &out);
    rec.hdr->recorder_pid = (uint32_t)dead; /* looked at after a second */
    rec.frozen = true;
    testrec_finish(&rec, pid, out, TESTREC_SECONDS);
    assert_int_equal(rec.status, 0);
    assert_in_range(testrec_said(&rec, "ms"), 500, 30000);
    testrec_deinit(&rec);
}

static void kill_loses_nothing(void **state)
{
    (void)state;
    char counter[] = "/tmp/counter.XXXXXX";
    int fd = mkstemp(counter);
    assert_int_equal(ftruncate(fd, 4096), 0);
    volatile uint64_t *done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    setenv("TARGET_COUNTER", counter, 1);
    for (int round = 0; round < 6;) {
        struct testrec rec;
        const char *argv[] = { TARGET, "forever", NULL };
        int out;
        *done = 0;
        pid_t pid = testrec_begin(&rec, NULL, argv, &out);
        for (int i = 0; i < 3 + round; i++) {
            usleep(700);
            testrec_drain(&rec);
        }
        kill(pid, SIGKILL);
        testrec_finish(&rec, pid, out, TESTREC_SECONDS);
        if (testrec_again(&rec))
            continue;
        round++;
        uint64_t refs = testrec_count(&rec, TRK_OP_REF);
        assert_int_equal(rec.bad, 0);
        assert_true(rec.holes <= 1);
        assert_int_equal(testrec_ring_dropped(&rec), 0);
        assert_in_range(refs, *done, *done + 1);
        check_sequences(&rec);
        testrec_deinit(&rec);
    }
    munmap((void *)(uintptr_t)done, 4096);
    close(fd);
    unlink(counter);
}

static void handlers_record(void **state)
{
    (void)state;
    struct testrec rec;
    const char *argv[] = { TARGET, "signals", "600000", "50", NULL };
    testrec_record(&rec, NULL, argv, NULL, NULL);
    assert_int_equal(rec.status, 0);
    assert_int_equal(rec.bad + rec.holes, 0);
    int64_t handled = testrec_said(&rec, "handled");
    assert_true(handled > 10);
    uint64_t lost = testrec_ring_dropped(&rec) + testrec_emergency(&rec);
    assert_int_equal(testrec_count(&rec, TRK_OP_REF) + testrec_count(&rec, TRK_OP_UNREF) + lost, 600000 + 3 * handled);
    check_sequences(&rec);
    testrec_deinit(&rec);
}

/* Handlers that jump out of whatever they interrupted: each may tear at most one record, and nothing stalls. */
static void handlers_jump(void **state)
{
    (void)state;
    struct testrec rec;
    struct testrec_config config = { .rings = { { 8, 12 } } };
    const char *argv[] = { TARGET, "jumps", "300000", "50", NULL };
    testrec_record(&rec, &config, argv, NULL, NULL);
    assert_int_equal(rec.status, 0);
    assert_int_equal(rec.bad, 0);
    uint64_t handled = (uint64_t)testrec_said(&rec, "handled");
    assert_true(handled > 10);
    uint64_t seen = testrec_count(&rec, TRK_OP_REF);
    uint64_t lost = testrec_ring_dropped(&rec) + testrec_emergency(&rec);
    assert_in_range(seen, 300000 - handled - lost, 300000);
    assert_in_range(testrec_count(&rec, TRK_OP_UNREF), handled - lost, handled);
    assert_true(testrec_emergency(&rec) <= handled + 100); /* a mark left behind is noticed */
    check_sequences(&rec);
    testrec_deinit(&rec);
}

static int proc_of(const struct testrec *rec, uint64_t slot, size_t *ret_count)
{
    int proc = -1;
    *ret_count = 0;
    for (size_t i = 0; i < rec->count; i++) {
        if (rec->records[i].op == TRK_OP_REF && rec->records[i].arg == slot >> 3) {
            proc = (int)rec->records[i].proc;
            ++*ret_count;
        }
    }
    return proc;
}

static void fork_streams(void **state)
{
    (void)state;
    struct testrec rec;
    const char *argv[] = { TARGET, "fork", NULL };
    testrec_record(&rec, NULL, argv, NULL, NULL);
    assert_int_equal(rec.status, 0);
    check_clean(&rec);
    size_t n;
    assert_int_equal(proc_of(&rec, 0x100008, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(proc_of(&rec, 0x100010, &n), 0);
    assert_int_equal(n, 1);
    int child = proc_of(&rec, 0x200008, &n);
    assert_true(child > 0 && n == 1);
    assert_int_equal(proc_of(&rec, 0x200010, &n), child);
    int grandchild = proc_of(&rec, 0x300008, &n);
    assert_true(grandchild > 0 && grandchild != child && n == 1);
    int raw = proc_of(&rec, 0x400008, &n);
    assert_true(raw > 0 && raw != child && raw != grandchild && n == 1);
    assert_int_equal(proc_of(&rec, 0x500008, &n), 0); /* vfork: the parent's memory, the parent's ring */
    assert_int_equal(n, 1);
    assert_int_equal(rec.procs[child].pid, testrec_said(&rec, "child"));
    assert_int_equal(rec.procs[child].parent_pid, rec.procs[0].pid);
    assert_int_equal(rec.procs[child].parent_index, 0);
    assert_int_equal(rec.procs[grandchild].parent_index, child);
    assert_int_equal(rec.procs[child].modules_text, rec.procs[0].modules_text);
    const struct testrec_record *fork_record = testrec_find(&rec, TRK_OP_FORK, 0);
    assert_non_null(fork_record);
    assert_true(testrec_count(&rec, TRK_OP_FORK) == 2);
    for (size_t i = 0; i < 2; i++) {
        fork_record = testrec_find(&rec, TRK_OP_FORK, i);
        uint32_t expected = rec.procs[fork_record->proc == 0 ? child : grandchild].pid;
        assert_true(fork_record->addr == expected || fork_record->addr == 0);
    }
    testrec_deinit(&rec);
}

static void fork_not_followed(void **state)
{
    (void)state;
    struct testrec rec;
    struct testrec_config config = { .flags = TESTREC_NO_FLAGS };
    const char *argv[] = { TARGET, "fork", NULL };
    size_t n;
    testrec_record(&rec, &config, argv, NULL, NULL);
    assert_int_equal(rec.status, 0);
    check_clean(&rec);
    assert_int_equal(proc_of(&rec, 0x100010, &n), 0);
    assert_int_equal(proc_of(&rec, 0x200008, &n), -1);
    assert_int_equal(proc_of(&rec, 0x400008, &n), -1);
    assert_int_equal(rec.procs[1].state, TRK_PROC_FREE);
    testrec_deinit(&rec);
}

static void forks_among_threads(void **state)
{
    (void)state;
    struct testrec rec;
    const char *argv[] = { TARGET, "forks", "20", NULL };
    testrec_record(&rec, NULL, argv, NULL, NULL);
    assert_int_equal(rec.status, 0);
    assert_int_equal(testrec_said(&rec, "bad"), 0);
    assert_int_equal(rec.bad + rec.holes, 0);
    size_t in_children = 0;
    for (size_t i = 0; i < rec.count; i++)
        in_children += rec.records[i].op == TRK_OP_REF && rec.records[i].proc != 0;
    assert_int_equal(in_children + testrec_proc_dropped(&rec) + testrec_ring_dropped(&rec), 20 * 300);
    testrec_deinit(&rec);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_2),           cmocka_unit_test(threads_16),
        cmocka_unit_test(threads_200),         cmocka_unit_test(threads_without_ring),
        cmocka_unit_test(short_threads),       cmocka_unit_test(drop_is_exact),
        cmocka_unit_test(block_loses_nothing), cmocka_unit_test(block_is_bounded),
        cmocka_unit_test(recorder_gone),       cmocka_unit_test(recorder_killed),
        cmocka_unit_test(kill_loses_nothing),  cmocka_unit_test(handlers_record),
        cmocka_unit_test(handlers_jump),       cmocka_unit_test(fork_streams),
        cmocka_unit_test(fork_not_followed),   cmocka_unit_test(forks_among_threads),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
