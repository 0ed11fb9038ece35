/* test_verbs.c: what each verb writes, checked slot by slot; sites, types, texts, module maps, exit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "testrec.h"

/* A record as it must be; text: expected EXT_TEXT. */
struct expected {
    enum trk_op op;
    unsigned aux;
    uint64_t addr, arg;
    bool stack;
    unsigned ext_kind;
    uint64_t ext_value;
    const char *text;
    unsigned ext2_kind;
    uint64_t ext2_value;
};

#define U TRK_COUNT_UNKNOWN

static const struct expected expected[] = {
    { TRK_OP_NEW, 0, 0x10010, 1, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_NEW, 1, 0x10020, 2, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_NEW, 0, 0x10030, 0, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_REF, U, 0x10010, 0x20008 >> 3, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_REF, U, 0x10010, 0, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_REF, U, 0x10010, 0, true, TRK_EXT_SLOT, 0x20009, NULL, 0, 0 },
    { TRK_OP_REF, U, 0x10010, 0, true, TRK_EXT_HOLDER, 0x30010, NULL, 0, 0 },
    { TRK_OP_UNREF, U, 0x10010, 0x20008 >> 3, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_REF, 5, 0x10010, 0x20010 >> 3, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_UNREF, 61, 0x10010, 0x20010 >> 3, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_REF, TRK_COUNT_EXT, 0x10010, 0x20010 >> 3, true, TRK_EXT_COUNT, 62, NULL, 0, 0 },
    { TRK_OP_UNREF, TRK_COUNT_EXT, 0x10010, 0, true, TRK_EXT_COUNT, UINT64_MAX, NULL, TRK_EXT_SLOT, 0x20011 },
    { TRK_OP_MOVE, 0, 0x10010, 0x20018 >> 3, true, TRK_EXT_FROM, 0x20010, NULL, 0, 0 },
    { TRK_OP_MOVE, 0, 0x10010, 0, true, TRK_EXT_TO_HOLDER, 0x30010, NULL, TRK_EXT_FROM, 0x30020 | (uint64_t)1 << 63 },
    { TRK_OP_MOVE, 0, 0x10010, 0x20020 >> 3, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_MOVE, 0, 0x10010, 0, true, TRK_EXT_FROM, 0x20020, NULL, 0, 0 },
    { TRK_OP_MOVE_RANGE, 0, 0x40000, 256, false, TRK_EXT_FROM, 0x50000, NULL, 0, 0 },
    { TRK_OP_SINK, 0, 0x10020, 0x20028 >> 3, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_WEAK_SET, 0, 0x10010, 0x20030 >> 3, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_WEAK_CLEAR, 0, 0x10010, 0x20030 >> 3, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_BORROW, 0, 0x10010, 0x20038 >> 3, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_RETURN, 0, 0x10010, 0x20038 >> 3, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_NEW, 0, 0x10040, 1, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_REF, U, 0x10040, 0x20040 >> 3, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_UNREF, U, 0x10040, 0x20040 >> 3, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_REF, 2, 0x10040, 0x20040 >> 3, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_UNREF, 1, 0x10040, 0x20040 >> 3, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_MOVE, 0, 0x10040, 0x20048 >> 3, true, TRK_EXT_FROM, 0x20040, NULL, 0, 0 },
    { TRK_OP_DEL, 0, 0x10040, 0, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_RETYPE, 0, 0x10010, 2, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_DTOR_BEGIN, 0, 0x10010, 0, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_DTOR_END, 0, 0x10010, 0, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_PARK, 0, 0x10010, 0, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_REUSE, 0, 0x10010, 0, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_PIN, 0, 0x10010, 0, true, 0, 0, "why pin", 0, 0 },
    { TRK_OP_UNPIN, 0, 0x10010, 0, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_MAY_LEAK, 0, 0x10010, 0, true, 0, 0, "why leak", 0, 0 },
    { TRK_OP_ROOT_ADD, 0, 0x60000, 64, true, 0, 0, "my root", 0, 0 },
    { TRK_OP_ROOT_DEL, 0, 0x60000, 0, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_TOUCH, 0, 0x10010, 0, true, 0, 0, "crumb", 0, 0 },
    { TRK_OP_CONTEXT, 0, 0, 0, false, TRK_EXT_VALUE, 4711, "request", 0, 0 },
    { TRK_OP_CONTEXT, 0, 0, 0, false, 0, 0, NULL, 0, 0 },
    { TRK_OP_ALLOC, TRK_ALLOC_CUSTOM, 0x70000, 100, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_FREE, TRK_ALLOC_CUSTOM, 0x70000, 0, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_POOL, 1, 0x71000, 0, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_ALLOC, TRK_ALLOC_CUSTOM, 0x71010, 24, true, TRK_EXT_POOL, 0x71000, NULL, 0, 0 },
    { TRK_OP_FREE, TRK_ALLOC_CUSTOM, 0x71010, 0, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_POOL, 0, 0x71000, 0, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_IGNORE, 0, 0x72000, 0, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_TYPED, 0, 0x73000, 2, false, 0, 0, NULL, 0, 0 },
    { TRK_OP_TYPED, 1, 0x73000, 2, false, 0, 0, NULL, 0, 0 },
    { TRK_OP_DISABLE, 1, 0, 1, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_DISABLE, 1, 0, 2, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_DISABLE, 0, 0, 1, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_DISABLE, 0, 0, 0, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_DISABLE, 0, 0, 0, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_MARK, 0, 0, 0, true, 0, 0, "here", 0, 0 },
    { TRK_OP_SCOPE_BEGIN, 0, 0, 1, true, 0, 0, "outer", 0, 0 },
    { TRK_OP_SCOPE_BEGIN, 0, 0, 2, true, 0, 0, "inner", 0, 0 },
    { TRK_OP_SCOPE_END, 0, 0, 2, false, 0, 0, NULL, 0, 0 },
    { TRK_OP_SCOPE_END, 0, 0, 1, false, 0, 0, NULL, 0, 0 },
    { TRK_OP_ASSERT_FREED, 0, 0x10010, 0, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_COUNT_SEEN, 0, 0x10010, 0, false, TRK_EXT_COUNT, 17, NULL, 0, 0 },
    { TRK_OP_CHECKPOINT, 0, 0, 0, true, 0, 0, "look", 0, 0 },
    { TRK_OP_CHECKPOINT, 0, 0, 0, true, 0, 0, "leak check", 0, 0 },
    { TRK_OP_GC, TRK_GC_DO_ENABLE, 0, 0, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_GC, TRK_GC_DO_ENABLE, 0, 1, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_GC, TRK_GC_DO_THRESHOLD, 0, 700, true, TRK_EXT_VALUE, 10 | (uint64_t)11 << 32, NULL, 0, 0 },
    { TRK_OP_GC, TRK_GC_DO_FREEZE, 0, 1, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_GC, TRK_GC_DO_FREEZE, 0, 0, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_GC, TRK_GC_DO_DEBUG, 0, 38, true, 0, 0, NULL, 0, 0 },
    { TRK_OP_DEL, 0, 0x10010, 0, true, 0, 0, NULL, 0, 0 },
};
enum { EXPECTED = sizeof expected / sizeof expected[0], WRAPPER_BYTES = 300 };

static bool about_the_program(const struct testrec_record *r)
{
    return r->op != TRK_OP_TICK && r->op != TRK_OP_THREAD && r->op != TRK_OP_MODULES && r->op != TRK_OP_EXIT;
}

static void check_ext(const struct testrec_record *r, size_t i, unsigned kind, uint64_t value)
{
    uint64_t got;
    if (kind == 0)
        return;
    if (!testrec_ext(r, kind, &got) || got != value)
        fail_msg("record %zu: ext %u missing or wrong", i, kind);
}

static void check_record(const struct testrec *rec, const struct testrec_record *r, size_t i, bool exact)
{
    const struct expected *e = &expected[i];
    if (r->op != e->op || r->aux != e->aux || r->addr != e->addr || r->arg != e->arg || (r->stack != 0) != e->stack)
        fail_msg("record %zu: op %u aux %u addr %#lx arg %#lx stack %u, expected op %u aux %u addr %#lx arg %#lx", i,
                 r->op, r->aux, (long)r->addr, (long)r->arg, r->stack, e->op, e->aux, (long)e->addr, (long)e->arg);
    bool moment = e->op == TRK_OP_MARK || e->op == TRK_OP_CHECKPOINT || e->op == TRK_OP_SCOPE_BEGIN ||
                  e->op == TRK_OP_SCOPE_END || e->op == TRK_OP_EXIT;
    uint64_t clock;
    assert_int_equal(r->exts, (e->ext_kind != 0) + (e->ext2_kind != 0) + (e->text != NULL) + moment + exact);
    assert_true(!moment || testrec_ext(r, TRK_EXT_VALUE, &clock));
    check_ext(r, i, e->ext_kind, e->ext_value);
    check_ext(r, i, e->ext2_kind, e->ext2_value);
    if (e->text) {
        uint64_t id = 0;
        size_t size;
        assert_true(testrec_ext(r, TRK_EXT_TEXT, &id));
        const char *text = testrec_text(rec, id, TRK_TEXT_STRING, &size);
        assert_non_null(text);
        assert_int_equal(size, strlen(e->text));
        assert_memory_equal(text, e->text, size);
    }
}

static void run_verbs(struct testrec *rec, const char *program, unsigned depth, uint32_t flags)
{
    const char *argv[] = { program, "verbs", NULL };
    struct testrec_config config = { .birth = depth, .ref = depth, .free = depth, .flags = flags };
    testrec_record(rec, &config, argv, NULL, NULL);
    assert_int_equal(rec->status, 0);
    assert_int_equal(rec->bad, 0);
    assert_int_equal(rec->holes, 0);
    size_t n = 0;
    for (size_t i = 0; i < rec->count; i++) {
        if (about_the_program(&rec->records[i])) {
            assert_true(n < EXPECTED);
            check_record(rec, &rec->records[i], n++, flags & TRK_SHM_EXACT_TIME);
        }
    }
    assert_int_equal(n, EXPECTED);
    assert_int_equal(testrec_said(rec, "errno_kept"), 1);
    assert_int_equal(testrec_said(rec, "recording"), 1);
    assert_int_equal(testrec_said(rec, "registered"), 1);
    assert_int_equal(testrec_ring_dropped(rec) + testrec_proc_dropped(rec) + testrec_emergency(rec), 0);
}

static void verbs_static(void **state)
{
    (void)state;
    struct testrec rec;
    run_verbs(&rec, TARGET, 1, 0);
    assert_int_equal(rec.hello.flags & TRK_HELLO_LINKED, TRK_HELLO_LINKED);
    testrec_deinit(&rec);
}

static void verbs_shared(void **state)
{
    (void)state;
    struct testrec rec;
    run_verbs(&rec, TARGET_SHARED, 1, 0);
    testrec_deinit(&rec);
}

static void verbs_deep(void **state)
{
    (void)state;
    struct testrec rec;
    run_verbs(&rec, TARGET, 8, 0);
    /* main, run_verbs, verbs_first and libc's start at least */
    const uint64_t *pcs;
    assert_true(testrec_stack(&rec, testrec_find(&rec, TRK_OP_REF, 0)->stack, &pcs) >= 4);
    testrec_deinit(&rec);
}

/* Each record but TICK and THREAD bears the cycle counter, which never falls in one thread. */
static void check_cycles(const struct testrec *rec)
{
    uint64_t last = 0;
    for (size_t i = 0; i < rec->count; i++) {
        const struct testrec_record *r = &rec->records[i];
        uint64_t cycles = 0;
        bool told = testrec_ext(r, TRK_EXT_CYCLES, &cycles);
        assert_int_equal(told, r->op != TRK_OP_TICK && r->op != TRK_OP_THREAD);
        if (!told)
            continue;
        assert_true(cycles > last);
        last = cycles;
    }
    assert_true(last > 0);
}

static void verbs_exact(void **state)
{
    (void)state;
    const uint32_t flags = TRK_SHM_FOLLOW_CHILDREN | TRK_SHM_MALLOC | TRK_SHM_MMAP | TRK_SHM_EXACT_TIME;
    for (unsigned depth = 1; depth <= 8; depth += 7) {
        struct testrec rec;
        run_verbs(&rec, TARGET, depth, flags);
        check_cycles(&rec);
        testrec_deinit(&rec);
    }
}

/* Count, slot and number beside the cycles: as many EXT slots as a record may have. */
static void widest_record(void **state)
{
    (void)state;
    struct testrec rec;
    const char *argv[] = { TARGET, "widest", NULL };
    struct testrec_config config = { .flags = TRK_SHM_EXACT_TIME };
    testrec_record(&rec, &config, argv, NULL, NULL);
    const struct testrec_record *r = testrec_find(&rec, TRK_OP_UNREF, 0);
    uint64_t value;
    assert_non_null(r);
    assert_int_equal(r->exts, TRK_MAX_EXT);
    assert_true(testrec_ext(r, TRK_EXT_COUNT, &value) && value == 99);
    assert_true(testrec_ext(r, TRK_EXT_SLOT, &value) && value == 0x20009);
    assert_true(testrec_ext(r, TRK_EXT_SEQ, &value) && value == 7);
    assert_true(testrec_ext(r, TRK_EXT_CYCLES, &value) && value > 0);
    assert_int_equal(rec.bad, 0);
    testrec_deinit(&rec);
}

static void first_records(void **state)
{
    (void)state;
    struct testrec rec;
    const char *argv[] = { TARGET, "refs", "1", NULL };
    testrec_record(&rec, NULL, argv, NULL, NULL);
    assert_int_equal(rec.records[0].op, TRK_OP_THREAD);
    assert_int_equal(rec.records[0].addr, rec.procs[0].pid);
    assert_int_equal(rec.records[1].op, TRK_OP_TICK);
    assert_int_equal(rec.procs[0].state, TRK_PROC_LIVE);
    assert_int_equal(rec.procs[0].pid, rec.hello.pid);
    assert_int_equal(rec.procs[0].flags & TRK_PROC_MALLOC_NONE, TRK_PROC_MALLOC_NONE);
    testrec_deinit(&rec);
}

static void types(void **state)
{
    (void)state;
    struct testrec rec;
    const char *argv[] = { TARGET, "verbs", NULL };
    testrec_record(&rec, NULL, argv, NULL, NULL);
    const uint32_t *table = (const uint32_t *)(void *)(rec.base + rec.hdr->types_off);
    size_t size;
    const char *text = testrec_text(&rec, table[1], TRK_TEXT_TYPE, &size);
    assert_non_null(text);
    const struct trk_type_def *def = (const struct trk_type_def *)(const void *)text;
    assert_int_equal(def->id, 1);
    assert_int_equal(def->object_size, 8);
    assert_int_equal(def->count_offset, 4);
    assert_int_equal(def->count_width, 4);
    assert_int_equal(def->name_len, strlen("struct thing"));
    assert_int_equal(size, sizeof *def + def->name_len);
    assert_memory_equal(def + 1, "struct thing", def->name_len);
    text = testrec_text(&rec, table[2], TRK_TEXT_TYPE, &size);
    assert_non_null(text);
    assert_int_equal(((const struct trk_type_def *)(const void *)text)->count_offset, UINT32_MAX);
    assert_int_equal(table[3], 0);
    assert_int_equal(rec.hdr->type_next, 2);
    testrec_deinit(&rec);
}

static void modules(void **state)
{
    (void)state;
    struct testrec rec;
    const char *argv[] = { TARGET, "refs", "1", NULL };
    testrec_record(&rec, NULL, argv, NULL, NULL);
    const struct testrec_record *r = testrec_find(&rec, TRK_OP_MODULES, 0);
    size_t size;
    assert_non_null(r);
    assert_int_equal(rec.procs[0].modules_text, r->arg);
    const char *text = testrec_text(&rec, r->arg, TRK_TEXT_MAPS, &size);
    assert_non_null(text);
    char *copy = calloc(1, size + 1);
    memcpy(copy, text, size);
    assert_non_null(strstr(copy, TARGET));
    assert_non_null(strstr(copy, "libc.so"));
    assert_non_null(strstr(copy, "[stack]"));
    assert_null(strstr(copy, "[vvar]"));
    for (char *line = strtok(copy, "\n"); line; line = strtok(NULL, "\n"))
        assert_true(strchr(line, '/') || strchr(line, '['));
    free(copy);
    testrec_deinit(&rec);
}

/* A wrapper whose last action is its event must show itself, not its caller: no tail call into the library. */
static void site_is_inside_wrapper(void **state)
{
    (void)state;
    struct testrec rec;
    const char *argv[] = { TARGET, "site", NULL };
    testrec_record(&rec, NULL, argv, NULL, NULL);
    const struct testrec_record *r = testrec_find(&rec, TRK_OP_REF, 0);
    const uint64_t *pcs;
    assert_non_null(r);
    assert_int_equal(testrec_stack(&rec, r->stack, &pcs), 1);
    uint64_t wrapper = (uint64_t)testrec_said(&rec, "wrapper");
    assert_in_range(pcs[0], wrapper, wrapper + WRAPPER_BYTES);
    testrec_deinit(&rec);
}

static void exit_known(void **state)
{
    (void)state;
    struct testrec rec;
    const char *argv[] = { TARGET, "exit", "3", NULL };
    testrec_record(&rec, NULL, argv, NULL, NULL);
    assert_int_equal(WEXITSTATUS(rec.status), 3);
    assert_int_equal(testrec_count(&rec, TRK_OP_REF), 2);
    assert_int_equal(testrec_count(&rec, TRK_OP_EXIT), 1);
    const struct testrec_record *r = testrec_find(&rec, TRK_OP_EXIT, 0);
    assert_int_equal(r->aux, 1);
    assert_int_equal(r->arg, 3);
    /* The program's own exit handlers come before. */
    assert_true(r > testrec_find(&rec, TRK_OP_REF, 1));
    assert_int_equal(rec.procs[0].mem_request, 1);
    assert_int_equal(rec.procs[0].mem_done, 1);
    assert_int_equal(rec.procs[0].flags & TRK_PROC_EXITING, TRK_PROC_EXITING);
    testrec_deinit(&rec);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verbs_static), cmocka_unit_test(verbs_shared),  cmocka_unit_test(verbs_deep),
        cmocka_unit_test(verbs_exact),  cmocka_unit_test(widest_record), cmocka_unit_test(first_records),
        cmocka_unit_test(types),        cmocka_unit_test(modules),       cmocka_unit_test(site_is_inside_wrapper),
        cmocka_unit_test(exit_known),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
