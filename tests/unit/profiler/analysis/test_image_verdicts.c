/* test_image_verdicts.c: verdicts about objects against the truth of random programs whose memory was read
 * (programs.h): variables that nobody told of, references that moved on in silence, references that were forgotten.
 * PROGRAM_RUNS: programs of each kind (400).
 *
 * The oracle is the program itself: who is reached from variables lives; who is reached only from forgotten references
 * was forgotten; the rest is garbage. What lives is never garbage, and never accused but of its own forgotten
 * reference, or of hanging on an object that has one; a reference that moved on in silence from memory that was freed
 * is a suspicion at most. */
#include "programs.h"

enum class { ALIVE, FORGOTTEN, GARBAGE, CLASSES };
enum { VERDICTS = 32 };

struct tally {
    uint64_t seen[CLASSES];
    uint64_t with[CLASSES][VERDICTS]; /* 0: no finding */
};

static uint64_t told(const struct tally *tally, enum class class, enum prof_verdict verdict)
{
    return tally->with[class][verdict];
}

/* What hangs on objects that are lost, or have a forgotten reference. */
static uint64_t find_spoiled(void)
{
    uint64_t spoiled = 0;

    for (int i = 0; i < object_count; i++)
        spoiled |= dead[i] ? 0 : (uint64_t)1 << i;
    spoiled &= ~alive;
    for (int i = 0; i < ref_count; i++)
        spoiled |= refs[i].open && refs[i].at == 0 ? (uint64_t)1 << refs[i].object : 0;
    return spread(spoiled);
}

static void fail_at(int object, uint64_t number, const struct prof_finding *f, const char *what)
{
    rig_print(rig);
    for (int i = 0; i < ref_count; i++)
        if (refs[i].open)
            print_message("0x%llx is held at 0x%llx, told as 0x%llx\n", (unsigned long long)address(refs[i].object),
                          (unsigned long long)refs[i].at, (unsigned long long)refs[i].told);
    fail_msg("program %llu, object at 0x%llx: %s, but %s", (unsigned long long)number,
             (unsigned long long)address(object), what, f != NULL ? prof_verdict_name(f->verdict) : "nothing was said");
}

static bool is_trash(const struct prof_finding *f)
{
    return f != NULL && (f->verdict == PROF_CYCLE || f->verdict == PROF_UNCOLLECTABLE);
}

static bool is_accused(const struct prof_finding *f)
{
    return f != NULL && f->verdict != PROF_REACHABLE && f->strength <= PROF_PROBABLE;
}

static void compare(struct tally *tally, uint64_t number)
{
    struct prof_heap *heap = mk_heap(rig->t);
    uint64_t spoiled = find_spoiled();

    for (int i = 0; i < object_count; i++) {
        if (dead[i])
            continue;
        const struct prof_finding *f = prof_findings_of(rig->findings, prof_heap_obj_at(heap, address(i)));
        enum class class = alive >> i & 1 ? ALIVE : counted >> i & 1 ? FORGOTTEN : GARBAGE;
        tally->seen[class]++;
        tally->with[class][f != NULL ? f->verdict : 0]++;
        if (class == ALIVE && (is_trash(f) || (is_accused(f) && (spoiled >> i & 1) == 0)))
            fail_at(i, number, f, "alive");
        if (class == FORGOTTEN && is_trash(f))
            fail_at(i, number, f, "held by a forgotten reference");
        if (class != ALIVE && f == NULL)
            fail_at(i, number, f, "lost");
    }
}

static struct tally against(uint64_t first, struct odds of)
{
    static const char *const names[CLASSES] = { "alive", "forgotten", "garbage" };
    const char *more = getenv("PROGRAM_RUNS");
    uint64_t count = more != NULL ? strtoull(more, NULL, 10) : 400;
    struct tally tally = { 0 };

    for (uint64_t i = first; i < first + count; i++) {
        run(i, of);
        rig_begin(rig);
        tell(-1);
        tell_memory();
        mk_exit(rig->t, 0);
        rig_find(rig, NULL);
        compare(&tally, i);
        rig_end(rig);
    }
    for (enum class class = 0; class < CLASSES; class ++) {
        for (unsigned v = 0; v < VERDICTS; v++)
            if (tally.with[class][v] != 0)
                print_message("%s: %llu %s\n", names[class], (unsigned long long)tally.with[class][v],
                              prof_verdict_name((enum prof_verdict)v));
        assert_true(tally.seen[class] > count || of.leaks == 0); // of some interest
    }
    return tally;
}

/* P7: every leak that was made is found, and called what it is. */
static void p7_all_told(void **state)
{
    struct tally tally = against(1, (struct odds){ .leaks = 50 });
    (void)state;
    assert_int_equal(told(&tally, GARBAGE, PROF_CYCLE), tally.seen[GARBAGE]);
    assert_int_equal(told(&tally, FORGOTTEN, PROF_MISSING_UNREF) + told(&tally, FORGOTTEN, PROF_CYCLE_HELD),
                     tally.seen[FORGOTTEN]);
    assert_int_equal(told(&tally, ALIVE, PROF_REACHABLE), tally.seen[ALIVE]);
}

/* Pointers in memory stand for what was not told; a circle of births alone is a birth that was never given back. */
static void test_hidden(void **state)
{
    struct tally tally = against(100000, (struct odds){ .hidden = 20, .leaks = 20 });
    (void)state;
    assert_int_equal(told(&tally, GARBAGE, PROF_CYCLE) + told(&tally, GARBAGE, PROF_MISSING_UNREF),
                     tally.seen[GARBAGE]);
    assert_true(told(&tally, GARBAGE, PROF_CYCLE) > 10 * told(&tally, GARBAGE, PROF_MISSING_UNREF));
    assert_int_equal(told(&tally, FORGOTTEN, PROF_REACHABLE), 0);
}

/* A slot that points elsewhere owns nothing, whoever contains it. Believed is only one whose object has other pointers
 * when no variable of its place is seen to be a pointer: few, and that accuses nobody. */
static void test_silent(void **state)
{
    struct tally tally = against(200000, (struct odds){ .silent = 40 });
    (void)state;
    assert_true(told(&tally, GARBAGE, PROF_CYCLE) > 10 * told(&tally, GARBAGE, PROF_REACHABLE));
    assert_true(told(&tally, ALIVE, PROF_HOLDER_FREED) > 0);
}

static void test_silent_and_forgotten(void **state)
{
    (void)state;
    against(300000, (struct odds){ .silent = 40, .leaks = 40 });
}

static void test_mixed(void **state)
{
    (void)state;
    against(400000, (struct odds){ .silent = 20, .hidden = 20, .leaks = 20 });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(p7_all_told), cmocka_unit_test(test_hidden),
        cmocka_unit_test(test_silent), cmocka_unit_test(test_silent_and_forgotten),
        cmocka_unit_test(test_mixed),
    };
    return cmocka_run_group_tests_name("image verdicts", tests, NULL, NULL);
}
