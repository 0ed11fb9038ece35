/* test_salvage.c: what is known of the rings when a trace is taken over up to its last good block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <prof/salvage.h>
#include <track/format.h>

static char path[] = "/tmp/salvage-XXXXXX", copy[] = "/tmp/salvage-copy-XXXXXX";

static struct prof_writer *begin(const char *name)
{
    struct prof_writer_options options = { .pid = 1, .force = true };
    struct prof_writer *w;
    assert_null(prof_writer_open(name, &options, &w));
    return w;
}

static void put_meta(struct prof_writer *w, const char *pair)
{
    const char *const pairs[] = { pair, NULL };
    assert_null(prof_writer_meta(w, pairs));
}

/* References on one object, in ring 3. */
static void put_events(struct prof_writer *w, uint32_t count)
{
    struct trk_slot slots[8];
    struct trk_events_head head = { .ring = 3, .tid = 7, .slots = count };
    for (uint32_t i = 0; i < count; i++)
        slots[i] = (struct trk_slot){ (uint64_t)TRK_OP_REF << TRK_OP_SHIFT | 0x1000ull << TRK_ADDR_SHIFT, 0 };
    assert_null(prof_writer_events(w, &head, slots));
}

static struct prof_salvage salvage(struct prof_writer *w)
{
    static struct prof_salvage facts;
    struct prof_trace *trace;
    struct prof_writer *to = begin(copy);
    assert_null(prof_writer_close(w));
    assert_null(prof_trace_open(path, &trace));
    assert_null(prof_salvage(trace, to, &facts));
    assert_null(prof_writer_close(to));
    prof_trace_close(trace);
    return facts;
}

/* The trace of a fold: what the fold before it told, the state, events, and what it tells itself. */
static struct prof_writer *folded(void)
{
    struct prof_writer *w = begin(path);
    put_meta(w, "fold_rings=3,100,7,5000 ");
    struct trk_state_head head = { .version = TRK_STATE_VERSION, .flags = TRK_STATE_LAST, .events = 250 };
    assert_null(prof_writer_state(w, &head, sizeof head));
    put_events(w, 4);
    return w;
}

static void what_a_fold_tells_counts(void **state)
{
    (void)state;
    struct prof_writer *w = folded();
    put_meta(w, "fold_rings=3,250,7,9000 ");
    put_events(w, 2);
    struct prof_salvage facts = salvage(w);
    assert_true(facts.rings_told);
    assert_int_equal(facts.rings[3].events, 252);
}

/* The end of the file is gone, and with it what the fold told. */
static void what_an_earlier_fold_told_is_void(void **state)
{
    (void)state;
    struct prof_salvage facts = salvage(folded());
    assert_false(facts.rings_told);
    assert_int_equal(facts.rings[3].events, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(what_a_fold_tells_counts),
                                        cmocka_unit_test(what_an_earlier_fold_told_is_void) };
    close(mkstemp(path));
    close(mkstemp(copy));
    int failed = cmocka_run_group_tests_name("input: salvage", tests, NULL, NULL);
    unlink(path);
    unlink(copy);
    return failed;
}
