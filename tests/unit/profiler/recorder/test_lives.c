/* test_lives.c: processes that fork, exec, exit and are killed while the recorder looks, and what is asked about them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"

/* ---- Lives and deaths ---------------------------------------------------------------------------------------------
 */

/* Runs `body` in a child process while the recorder works, until the child is dead and its traces are finished. */
static void with_child(struct recorder *rec, void (*body)(const char *socket))
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        body(rec_socket(rec));
        _exit(0);
    }
    siginfo_t info = { 0 };
    while (info.si_pid == 0 || rec_live(rec) > 0) {
        steps(rec, 1);
        info.si_pid = 0;
        waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT);
    }
    waitpid(pid, NULL, 0);
}

static struct fake child_joins(const char *socket)
{
    struct trk_hello hello = make_hello();
    struct fake fake;
    int fd = fake_hello(socket, &hello);
    if (fd < 0 || !fake_welcome(fd, &fake))
        _exit(99);
    fake_claim_proc(&fake, 0, 0);
    return fake;
}

static void is_killed(const char *socket)
{
    struct fake fake = child_joins(socket);
    struct fake_ring ring = fake_claim_ring(&fake, 0, 1 << 11);
    struct fake_ring other = fake_claim_ring(&fake, 0, 1 << 15);
    for (uint64_t i = 1; i <= 1000; i++)
        fake_put(&ring, slot_make(TRK_OP_DEL, 0, i, 0, 0));
    fake_reserve(&ring, 1); /* torn */
    for (uint64_t i = 1001; i <= 1500; i++)
        fake_put(&ring, slot_make(TRK_OP_DEL, 0, i, 0, 0));
    fake_reserve(&ring, 3);
    for (uint64_t i = 1; i <= 5000; i++)
        fake_put(&other, slot_make(TRK_OP_DEL, 0, i, 0, 0));
    fake.procs[0].dropped = 11;
    fake.rings[other.index].dropped = 4;
    kill(getpid(), SIGKILL);
}

static void test_killed(void **state)
{
    (void)state;
    struct recorder *rec = start_recorder(NULL);
    with_child(rec, is_killed);
    const struct rec_result *const *results;
    assert_int_equal(rec_results(rec, &results), 1);
    assert_true(results[0]->finished);
    assert_int_equal(results[0]->records, 6500);
    assert_int_equal(results[0]->reason, TRK_END_SIGNAL);
    struct blocks blocks;
    finish(rec, 0, &blocks);
    const struct trk_end *end = blocks_end(&blocks);
    assert_int_equal(end->reason, TRK_END_SIGNAL);
    assert_int_equal(end->value, SIGKILL);
    assert_int_equal(end->records, 6500);
    assert_int_equal(end->loss.in_flight, 1);
    assert_int_equal(end->loss.dropped, 15);
    blocks_free(&blocks);
}

static void forks(const char *socket)
{
    struct fake fake = child_joins(socket);
    struct fake_ring ring = fake_claim_ring(&fake, 0, 1 << 11);
    uint64_t pcs[] = { 0x401000 };
    uint32_t stack = fake_stack(&fake, pcs, 1, 0, 0);
    static const char maps[] = "00400000-00401000 r-xp 00000000 00:00 0 [vdso]\n";
    fake.procs[0].modules_text = fake_text(&fake, TRK_TEXT_MAPS, maps, sizeof maps - 1);
    fake_put(&ring, slot_make(TRK_OP_DEL, 0, 1, 0, stack));
    struct timespec nap = { .tv_nsec = 30000000 };
    nanosleep(&nap, NULL);
    pid_t pid = fork();
    if (pid == 0) {
        nanosleep(&nap, NULL); /* the parent is gone when this one writes for the first time */
        nanosleep(&nap, NULL);
        fake_claim_proc(&fake, 1, 0);
        struct fake_ring mine = fake_claim_ring(&fake, 1, 1 << 11);
        fake_put(&mine, slot_make(TRK_OP_DEL, 0, 2, 0, stack));
        fake_put(&mine, slot_make(TRK_OP_EXIT, 1, 0, 7, 0));
        nanosleep(&nap, NULL);
        _exit(7);
    }
    fake_put(&ring, slot_make(TRK_OP_FORK, 0, (uint64_t)pid, 0, 0));
    _exit(0);
}

static void test_forked_child(void **state)
{
    (void)state;
    struct recorder *rec = start_recorder(NULL);
    with_child(rec, forks);
    const struct rec_result *const *results;
    assert_int_equal(rec_results(rec, &results), 2);
    char parent[128];
    snprintf(parent, sizeof parent, "%s", strrchr(results[0]->path, '/') + 1);
    struct blocks blocks;
    blocks_read(results[0]->path, &blocks);
    assert_int_equal(blocks_end(&blocks)->reason, TRK_END_EXIT);
    assert_int_equal(blocks_end(&blocks)->records, 2);
    blocks_free(&blocks);
    finish(rec, 1, &blocks);
    assert_int_equal(blocks_end(&blocks)->records, 2);
    assert_int_equal(blocks_end(&blocks)->value, 7);
    assert_string_equal(blocks_meta(&blocks, "parent_trace"), parent); /* though that one ended before */
    assert_non_null(blocks_find(&blocks, TRK_BLOCK_MODULES, 0));
    /* Its own definitions, though the id was known in the parent's trace. */
    assert_non_null(blocks_stack(&blocks, blocks_with(&blocks, TRK_OP_DEL), 1));
    blocks_free(&blocks);
}

static void forks_and_waits(const char *socket)
{
    struct fake fake = child_joins(socket);
    struct timespec nap = { .tv_nsec = 30000000 };
    static const char maps[] = "00400000-00401000 r-xp 00000000 00:00 0 [vdso]\n";
    fake.procs[0].modules_text = fake_text(&fake, TRK_TEXT_MAPS, maps, sizeof maps - 1);
    struct fake_ring ring = fake_claim_ring(&fake, 0, 1 << 11);
    fake_put(&ring, slot_make(TRK_OP_MODULES, 0, 0, fake.procs[0].modules_text, 0));
    nanosleep(&nap, NULL);
    if (fork() == 0) {
        fake_claim_proc(&fake, 1, 0);
        nanosleep(&nap, NULL);
        kill(getpid(), SIGTERM);
    }
    wait(NULL);
}

static void test_child_names_parent(void **state)
{
    (void)state;
    struct recorder *rec = start_recorder(NULL);
    with_child(rec, forks_and_waits);
    char parent[128];
    snprintf(parent, sizeof parent, "%s", strrchr(path_of(rec, 0), '/') + 1);
    struct blocks blocks;
    finish(rec, 1, &blocks);
    assert_string_equal(blocks_meta(&blocks, "parent_trace"), parent);
    assert_non_null(blocks_find(&blocks, TRK_BLOCK_MODULES, 0));
    assert_int_equal(blocks_end(&blocks)->reason, TRK_END_SIGNAL);
    assert_int_equal(blocks_end(&blocks)->value, SIGTERM);
    blocks_free(&blocks);
}

/* A second hello of the same process: it executed another program. */
static void test_exec(void **state)
{
    (void)state;
    struct recorder *rec = start_recorder(NULL);
    struct fake first = join_recorder(rec);
    struct fake_ring ring = fake_claim_ring(&first, 0, 1 << 11);
    fake_put(&ring, slot_make(TRK_OP_EXEC, 0, 0, 0, 0));
    steps(rec, 2);
    fake_put(&ring, slot_make(TRK_OP_DEL, 0, 1, 0, 0));
    struct fake second = join_recorder(rec);
    steps(rec, 2);
    char path[200], expected[200];
    snprintf(path, sizeof path, "%s", path_of(rec, 0));
    snprintf(expected, sizeof expected, "%s/t.%d.trk", fixture_folder, (int)getpid());
    assert_string_equal(path, expected);
    struct blocks blocks;
    blocks_read(path, &blocks);
    assert_int_equal(blocks_end(&blocks)->reason, TRK_END_EXEC);
    assert_int_equal(blocks_end(&blocks)->records, 2);
    blocks_free(&blocks);
    const struct rec_result *const *results;
    rec_results(rec, &results);
    assert_false(results[0]->into_unknown);
    snprintf(expected, sizeof expected, "%s/t.%d.1.trk", fixture_folder, (int)getpid());
    assert_string_equal(path_of(rec, 1), expected);
    rec_destroy(rec);
    fake_unmap(&first);
    fake_unmap(&second);
}

/* A child's rings and entry come back empty. */
static void test_gives_back(void **state)
{
    (void)state;
    struct recorder *rec = start_recorder(&(struct rec_options){ .budget = 1 << 20 });
    struct fake fake = join_recorder(rec);
    steps(rec, 2);
    for (int generation = 0; generation < 70; generation++) {
        pid_t pid = fork();
        if (pid == 0) {
            fake_claim_proc(&fake, 1, 0);
            struct fake_ring ring = fake_claim_ring(&fake, 1, 256);
            for (int i = 0; i < 200; i++)
                fake_put(&ring, slot_make(TRK_OP_DEL, 0, 5, 0, 0));
            _exit(0);
        }
        waitpid(pid, NULL, 0);
        for (int i = 0; i < 100 && fake.procs[1].state != TRK_PROC_FREE; i++)
            steps(rec, 1);
        assert_int_equal(fake.procs[1].state, TRK_PROC_FREE);
        assert_int_equal(fake.procs[1].pid, 0);
    }
    for (uint32_t i = 0; i < fake.h->ring_count; i++) {
        const uint64_t *words = (const void *)(fake.base + fake.rings[i].data_off);
        assert_int_equal(fake.rings[i].state, TRK_RING_FREE);
        assert_int_equal(fake.rings[i].tail, 0);
        for (size_t k = 0; k < (2u << fake.rings[i].log2_slots); k++)
            assert_int_equal(words[k], 0);
    }
    const struct rec_result *const *results;
    size_t count = rec_results(rec, &results);
    assert_int_equal(count, 71);
    for (size_t i = 1; i < count; i++)
        assert_int_equal(results[i]->records, 200);
    rec_destroy(rec);
    fake_unmap(&fake);
}

static void test_memory_on_request(void **state)
{
    (void)state;
    struct recorder *rec = start_recorder(NULL);
    struct fake fake = join_recorder(rec);
    steps(rec, 2);
    fake.procs[0].mem_request = 5;
    steps(rec, 2);
    assert_int_equal(fake.procs[0].mem_done, 5);
    struct blocks blocks;
    finish(rec, 0, &blocks);
    const struct block *first = blocks_find(&blocks, TRK_BLOCK_MEM, 0), *last = blocks_find(&blocks, TRK_BLOCK_MEM, 1);
    assert_true(first != NULL && last != NULL);
    const struct trk_mem *mem = (const void *)last->payload;
    assert_int_equal(mem->final_, 1);
    assert_true(mem->rss > 100000 && mem->rss != UINT64_MAX);
    assert_int_equal(mem->rss, mem->heap + mem->anon + mem->stacks + mem->files + mem->reftrack);
    assert_true(mem->reftrack > 0 && mem->stacks > 0 && mem->files > 0);
    assert_true(mem->threads >= 1);
    assert_true(mem->vm_hwm >= 4096 && mem->vm_hwm != UINT64_MAX);
    blocks_free(&blocks);
    fake_unmap(&fake);
}

/* The real map of this process, with the build-id of its files. */
static void test_modules(void **state)
{
    (void)state;
    struct recorder *rec = start_recorder(NULL);
    struct fake fake = join_recorder(rec);
    static char maps[65536];
    FILE *file = fopen("/proc/self/maps", "r");
    size_t length = fread(maps, 1, sizeof maps, file);
    fclose(file);
    struct fake_ring ring = fake_claim_ring(&fake, 0, 1 << 11);
    uint32_t text = fake_text(&fake, TRK_TEXT_MAPS, maps, (uint32_t)length);
    fake_put(&ring, slot_make(TRK_OP_MODULES, 0, 0, text, 0));
    fake_put(&ring, slot_ext(TRK_EXT_VALUE, 3));
    steps(rec, 4);
    struct blocks blocks;
    finish(rec, 0, &blocks);
    const struct block *b;
    bool found = false;
    for (size_t n = 0; (b = blocks_find(&blocks, TRK_BLOCK_MODULES, n)) != NULL; n++) {
        const struct trk_module_head *head = (const void *)b->payload;
        const struct trk_module *modules = (const void *)(head + 1);
        const char *strings = (const char *)(modules + head->count);
        if (head->generation != 3)
            continue;
        assert_true(head->count > 5);
        for (uint32_t i = 0; i < head->count; i++) {
            if (strstr(strings + modules[i].path, "libc.so.6") == NULL)
                continue;
            assert_int_equal(modules[i].build_id_len, 20);
            found = true;
        }
    }
    assert_true(found);
    blocks_free(&blocks);
    fake_unmap(&fake);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_killed),  TEST(test_forked_child), TEST(test_child_names_parent),
        TEST(test_exec),    TEST(test_gives_back),   TEST(test_memory_on_request),
        TEST(test_modules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
