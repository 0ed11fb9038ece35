/* test_untold.c: owners that were told once and not when they gave their reference on prove nothing. */
#include "rig.h"

static struct rig rig_, *const rig = &rig_;

static int begin(void **state)
{
    (void)state;
    rig_begin(rig);
    return 0;
}

static int end(void **state)
{
    (void)state;
    rig_end(rig);
    return 0;
}

/* Born into a local variable of main; a worker ends that reference. shown: its own reference is given back, too. */
static void life(uint64_t addr, bool told, bool shown)
{
    mk_born(rig->t, "conn", addr, 64, AT("conn_new n.c:3 < main m.c:5"));
    mk_own(rig->t, addr, LOCAL(1), AT("main m.c:5"));
    mk_ref(rig->t, addr, 0, AT("show p.c:10 < main m.c:6"));
    if (shown)
        mk_unref(rig->t, addr, 0, AT("show p.c:14 < main m.c:6"));
    mk_unref(rig->t, addr, told ? LOCAL(1) : 0, AT("worker w.c:9"));
    if (shown)
        mk_gone(rig->t, addr, AT("conn_free n.c:9 < worker w.c:9"));
}

static void lives(bool told)
{
    for (uint64_t i = 0; i < 13; i++)
        life(0x100000 + i * 0x100, told, i < 10);
    mk_exit(rig->t, 0);
    rig_find(rig, NULL);
}

static const struct prof_type_site *site_at(const char *place)
{
    const struct prof_type_site *list;
    size_t count = prof_heap_type_sites(mk_heap(rig->t), &list);
    for (size_t i = 0; i < count; i++) {
        char text[128];
        const struct prof_frame *frame = prof_symbols_site_frame(rig->symbols, list[i].stack);
        snprintf(text, sizeof text, "%s:%u", frame->function, frame->line);
        if (strcmp(text, place) == 0)
            return &list[i];
    }
    fail_msg("nothing is known of %s", place);
    return NULL;
}

/* The variable seems to own what is left of each; what healthy ones did says that it does not. */
static void test_handed_over(void **state)
{
    (void)state;
    lives(false);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    assert_int_equal(f->objects, 3);
    assert_int_equal(f->strength, PROF_PROBABLE);
    assert_non_null(strstr(f->reasons, "trk_disown or trk_move is missing"));
    assert_int_equal(f->open_count, 1);
    assert_int_equal(f->open[0].pairing, PROF_PAIR_LEARNED);
    rig_at(rig, f->open[0].stack, "show:10");
    rig_at(rig, f->missing_stack, "show:14");
    assert_int_equal(f->missing_named, 3);
    assert_int_equal(f->healthy_named, 10);
    assert_int_equal(site_at("conn_new:3")->untold, 10);
}

/* The same, told: nothing of this is in doubt. */
static void test_told(void **state)
{
    (void)state;
    lives(true);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    rig_at(rig, f->open[0].stack, "show:10");
    assert_null(strstr(f->reasons, "trk_disown"));
    assert_int_equal(site_at("conn_new:3")->untold, 0);
}

/* Nothing but the reference of the variable: of such an owner it is a guess all the same. */
static void test_never_certain(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 4; i++) {
        uint64_t addr = 0x100000 + i * 0x100;
        mk_born(rig->t, "conn", addr, 64, AT("conn_new n.c:3 < main m.c:5"));
        mk_own(rig->t, addr, LOCAL(1), AT("main m.c:5"));
        if (i == 0)
            continue;
        mk_unref(rig->t, addr, 0, AT("worker w.c:9"));
        mk_gone(rig->t, addr, AT("conn_free n.c:9 < worker w.c:9"));
    }
    mk_exit(rig->t, 0);
    rig_find(rig, NULL);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    assert_int_equal(f->objects, 1);
    assert_int_not_equal(f->strength, PROF_PROVEN);
    for (size_t i = 0; i < f->open_count; i++)
        assert_int_not_equal(f->open[i].pairing, PROF_PAIR_SLOT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = { TEST(test_handed_over), TEST(test_told), TEST(test_never_certain) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
