/* test_recorded.c: the real preload library with a recorder inside this test: what ends up in the rings equals what an
 * independent counter behind the hooks saw in the same run, block by block where one thread did it all.
 * Argument: path of libtrack-preload.so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "../engine/testrec.h"

static const char *preload_path;
static char folder[4096], counts_path[4200], preload[16384];

struct counted {
    unsigned long long allocs, frees, reallocs, failed;
};

/* Runs a program built beside this one under the recorder, with the counter behind the hooks. */
static struct counted record(struct testrec *rec, const char *name, const char *mode)
{
    char program[4200];
    snprintf(program, sizeof(program), "%s/%s", folder, name);
    snprintf(preload, sizeof(preload), "%s:%s/libmalloc_count.so", preload_path, folder);
    const char *argv[] = { program, mode, NULL };
    unlink(counts_path);
    setenv("COUNT_OUT", counts_path, 1);
    testrec_record(rec, NULL, argv, NULL, preload);
    unsetenv("COUNT_OUT");
    if (!WIFEXITED(rec->status) || WEXITSTATUS(rec->status) != 0)
        fail_msg("%s %s: status %d\n%s", name, mode, rec->status, rec->output);
    assert_true(rec->hellos > 0);
    assert_int_equal(rec->holes, 0);
    assert_int_equal(rec->bad, 0);
    assert_int_equal(testrec_ring_dropped(rec) + testrec_proc_dropped(rec), 0);
    assert_int_equal(testrec_emergency(rec), 0);

    struct counted counted = { 0 };
    FILE *in = fopen(counts_path, "r");
    assert_non_null(in);
    char line[256];
    int pid;
    while (fgets(line, sizeof(line), in))
        assert_int_equal(sscanf(line, "pid %d allocs %llu frees %llu reallocs %llu failed %llu", &pid, &counted.allocs,
                                &counted.frees, &counted.reallocs, &counted.failed),
                         5);
    fclose(in);
    unlink(counts_path);
    return counted;
}

static struct counted recorded(const struct testrec *rec, uint32_t proc)
{
    struct counted n = { 0 };
    for (size_t i = 0; i < rec->count; i++) {
        const struct testrec_record *r = &rec->records[i];
        if (r->proc != proc || r->aux == TRK_ALLOC_MMAP)
            continue;
        n.allocs += r->op == TRK_OP_ALLOC && r->aux != TRK_ALLOC_REALLOC;
        n.reallocs += r->op == TRK_OP_ALLOC && r->aux == TRK_ALLOC_REALLOC;
        n.frees += r->op == TRK_OP_FREE;
        n.failed += r->op == TRK_OP_REALLOC_FAIL;
    }
    return n;
}

static void assert_same(const char *what, struct counted ours, struct counted theirs)
{
    if (memcmp(&ours, &theirs, sizeof(ours)) != 0)
        fail_msg("%s: recorded %llu allocs %llu frees %llu reallocs %llu failed, counted %llu %llu %llu %llu", what,
                 ours.allocs, ours.frees, ours.reallocs, ours.failed, theirs.allocs, theirs.frees, theirs.reallocs,
                 theirs.failed);
}

static void test_counts(void **state)
{
    (void)state;
    static const char *const programs[][2] = {
        { "malloc_target", "family" }, { "malloc_target", "owner" },         { "malloc_target", "threads" },
        { "malloc_plugin_host", "" },  { "malloc_target_static", "family" },
    };
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        struct testrec rec;
        struct counted counted = record(&rec, programs[i][0], programs[i][1]);
        assert_true(counted.allocs > 0);
        assert_same(programs[i][0], recorded(&rec, 0), counted);
        assert_true(rec.procs[0].flags & TRK_PROC_MALLOC_OURS);
        assert_false(rec.procs[0].flags & TRK_PROC_MALLOC_FOREIGN);
        assert_int_equal(rec.procs[0].malloc_text, 0);
        testrec_deinit(&rec);
    }
}

/* Blocks from before the real malloc was known lie in the data of the hooks, and the recorder knows where. */
static void test_boot_arena(void **state)
{
    (void)state;
    struct testrec rec;
    char program[4200];
    size_t boots = 0;
    snprintf(program, sizeof(program), "%s/malloc_dlsym_wrap", folder);
    testrec_record(&rec, NULL, (const char *[]){ program, NULL }, NULL, preload_path);
    assert_true(WIFEXITED(rec.status) && WEXITSTATUS(rec.status) == 0);
    for (size_t i = 0; i < rec.count; i++) {
        const struct testrec_record *r = &rec.records[i];
        if (r->op != TRK_OP_ALLOC || r->aux != TRK_ALLOC_BOOT)
            continue;
        assert_true(testrec_own(&rec, &rec.procs[0], r->addr, r->arg, TRK_OWN_BLOCKS));
        boots++;
    }
    assert_true(boots >= 3);
    testrec_deinit(&rec);
}

/* Live blocks by address: open addressing, never more than a few thousand. */
enum { TABLE = 1 << 16 };
static uint64_t table[TABLE];

static uint64_t *find(uint64_t address)
{
    size_t i = (address >> 4) * 0x9e3779b97f4a7c15ull >> 48;
    while (table[i % TABLE] && table[i % TABLE] != address)
        i++;
    return &table[i % TABLE];
}

/* One thread: no block is born twice without dying, none dies that was not born, each realloc is begun and ended. Dead
 * entries keep their place with bit 0 set. */
static void test_replay(void **state)
{
    (void)state;
    struct testrec rec;
    record(&rec, "malloc_target", "family");
    memset(table, 0, sizeof(table));
    uint64_t moving = 0;
    size_t live = 0;
    static bool alive[TABLE];
    memset(alive, 0, sizeof(alive));
    for (size_t i = 0; i < rec.count; i++) {
        const struct testrec_record *r = &rec.records[i];
        if (r->op != TRK_OP_ALLOC && r->op != TRK_OP_FREE && r->op != TRK_OP_REALLOC && r->op != TRK_OP_REALLOC_FAIL)
            continue;
        uint64_t *entry = find(r->addr);
        bool *is = &alive[entry - table];
        uint64_t old = 0;
        switch (r->op) {
        case TRK_OP_ALLOC:
            assert_false(*is);
            if (r->aux == TRK_ALLOC_REALLOC) {
                assert_true(testrec_ext(r, TRK_EXT_OLD, &old));
                assert_int_equal(old, moving);
            }
            assert_true(r->aux != TRK_ALLOC_REALLOC || moving);
            moving = 0;
            *entry = r->addr;
            *is = true;
            live++;
            break;
        case TRK_OP_FREE:
            assert_true(*is);
            *is = false;
            live--;
            break;
        case TRK_OP_REALLOC:
            assert_true(*is);
            assert_int_equal(moving, 0);
            moving = r->addr;
            *is = false;
            live--;
            break;
        default:
            assert_int_equal(moving, r->addr);
            moving = 0;
            *is = true;
            live++;
            break;
        }
        assert_int_not_equal(r->stack, 0);
    }
    assert_int_equal(moving, 0);
    assert_true(live < 100);
    testrec_deinit(&rec);
}

/* Forked children record into the same arena. The exit of a vfork child is no exit of the program, and its exec no
 * exec: what it becomes introduces itself (two shells, twice; the arena of this recorder has no place for them). */
static void test_children(void **state)
{
    (void)state;
    static const struct {
        const char *mode;
        unsigned hellos, exits, execs;
    } cases[] = { { "fork", 1, 5, 0 }, { "vfork", 5, 2, 1 } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct testrec rec;
        record(&rec, "malloc_target", cases[i].mode);
        assert_int_equal(rec.hellos, cases[i].hellos);
        assert_int_equal(testrec_count(&rec, TRK_OP_EXIT), cases[i].exits);
        assert_int_equal(testrec_count(&rec, TRK_OP_EXEC), cases[i].execs);
        assert_int_equal(testrec_count(&rec, TRK_OP_EXEC_FAIL), cases[i].execs);
        testrec_deinit(&rec);
    }
}

/* Nothing interposes dlopen: a plugin shows up in the module map because its code calls malloc. */
static void test_plugins(void **state)
{
    (void)state;
    struct testrec rec;
    record(&rec, "malloc_plugin_host", "");
    bool seen = false;
    const struct testrec_record *r;
    for (size_t i = 0; (r = testrec_find(&rec, TRK_OP_MODULES, i)) != NULL; i++) {
        size_t size = 0;
        const char *maps = testrec_text(&rec, r->arg, TRK_TEXT_MAPS, &size);
        seen |= maps && memmem(maps, size, "libmalloc_plugin_deep.so", 24);
    }
    assert_true(seen);
    testrec_deinit(&rec);
}

static void test_foreign(void **state)
{
    (void)state;
    struct testrec rec;
    record(&rec, "malloc_own_malloc", "");
    assert_true(rec.procs[0].flags & TRK_PROC_MALLOC_FOREIGN);
    size_t size = 0;
    const char *text = testrec_text(&rec, rec.procs[0].malloc_text, TRK_TEXT_STRING, &size);
    assert_non_null(text);
    assert_true(size > 10 && memcmp(text, "malloc in ", 10) == 0);
    assert_int_equal(recorded(&rec, 0).allocs, 0);
    testrec_deinit(&rec);
}

int main(int argc, char **argv)
{
    ssize_t n = readlink("/proc/self/exe", folder, sizeof(folder) - 1);
    if (n <= 0 || argc < 2)
        return 1;
    folder[n] = '\0';
    *strrchr(folder, '/') = '\0';
    preload_path = argv[1];
    snprintf(counts_path, sizeof(counts_path), "%s/malloc_counts.%d", folder, (int)getpid());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),   cmocka_unit_test(test_boot_arena), cmocka_unit_test(test_replay),
        cmocka_unit_test(test_children), cmocka_unit_test(test_plugins),    cmocka_unit_test(test_foreign),
    };
    return cmocka_run_group_tests_name("malloc_recorded", tests, NULL, NULL);
}
