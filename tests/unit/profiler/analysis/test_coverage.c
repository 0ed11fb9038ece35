/* test_coverage.c: which references have an owner, by type, place and module; what should be annotated next. */
#include "rig.h"

#include <prof/coverage.h>

static struct rig rig_, *const rig = &rig_;
static struct prof_coverage *coverage;

static int begin(void **state)
{
    (void)state;
    rig_begin(rig);
    return 0;
}

static int end(void **state)
{
    (void)state;
    prof_coverage_destroy(coverage);
    coverage = NULL;
    rig_end(rig);
    return 0;
}

static void make(void)
{
    mk_exit(rig->t, 0);
    rig_find(rig, NULL);
    struct prof_error *error = prof_coverage_create(mk_heap(rig->t), rig->symbols, rig->findings, &coverage);
    if (error != NULL)
        fail_msg("%s", error->message);
}

static const char *type_name(prof_type_id type)
{
    return prof_heap_type(mk_heap(rig->t), type)->name;
}

/* The place "function:line" of a type; NULL: none. */
static const struct prof_coverage_site *site(const char *type, const char *place)
{
    const struct prof_coverage_site *list;
    size_t count = prof_coverage_sites(coverage, &list);
    for (size_t i = 0; i < count; i++) {
        char text[128];
        const struct prof_frame *frame = prof_symbols_site_frame(rig->symbols, list[i].stack);
        snprintf(text, sizeof text, "%s:%u", frame->function != NULL ? frame->function : frame->module, frame->line);
        if (strcmp(text, place) == 0 && strcmp(type_name(list[i].type), type) == 0)
            return &list[i];
    }
    return NULL;
}

static const struct prof_coverage_module *module(const char *path)
{
    const struct prof_coverage_module *list;
    size_t count = prof_coverage_modules(coverage, &list);
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].module, path) == 0)
            return &list[i];
    fail_msg("no module %s", path);
    return NULL;
}

/* Objects that were freed and one that was not; with and without owners. */
static void test_sums(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 3; i++) {
        uint64_t addr = 0x100000 + i * 0x100;
        mk_born(rig->t, "conn", addr, 64, AT("conn_new n.c:3 < main m.c:5"));
        mk_own(rig->t, addr, LOCAL(1), AT("main m.c:5"));
        mk_ref(rig->t, addr, 0, AT("show p.c:10 < main m.c:6"));
        mk_ref(rig->t, addr, LOCAL(2), AT("keep k.c:4 < main m.c:7"));
        if (i != 2)
            mk_unref(rig->t, addr, 0, AT("show p.c:14 < main m.c:6"));
        mk_unref(rig->t, addr, LOCAL(2), AT("keep k.c:8 < main m.c:7"));
        mk_unref(rig->t, addr, LOCAL(1), AT("main m.c:9"));
        if (i != 2)
            mk_gone(rig->t, addr, AT("main m.c:9"));
    }
    make();
    const struct prof_coverage_type *types;
    assert_int_equal(prof_coverage_types(coverage, &types), 1);
    assert_string_equal(types[0].name, "conn");
    assert_int_equal(types[0].refs, 9);
    assert_int_equal(types[0].slot, 6);
    assert_int_equal(types[0].anonymous, 3);
    assert_int_equal(types[0].unrefs, 8);
    assert_int_equal(types[0].unrefs_anonymous, 2);
    assert_int_equal(types[0].objects, 1);
    const struct prof_coverage_site *show = site("conn", "show:10"), *keep = site("conn", "keep:4");
    assert_non_null(show);
    assert_non_null(keep);
    assert_int_equal(show->taken, 3);
    assert_int_equal(show->owned_taken, 0);
    assert_int_equal(show->alive, 1);
    assert_int_equal(show->findings, 1);
    assert_int_equal(show->objects, 1);
    assert_int_equal(show->tied, 0);
    assert_int_equal(keep->taken, 0);
    assert_int_equal(keep->owned_taken, 3);
    assert_int_equal(keep->objects, 0);
    assert_int_equal(keep->open, 0);
    assert_int_equal(site("conn", "show:14")->given, 2);
    assert_true(site("conn", "conn_new:3")->birth);
    const struct prof_coverage_step *steps;
    assert_int_equal(prof_coverage_steps(coverage, &steps), 1);
    assert_ptr_equal(steps[0].take, show);
    assert_int_equal(steps[0].of, 3);
    assert_int_equal(steps[0].give_count, 1);
    assert_ptr_equal(steps[0].gives[0], site("conn", "show:14"));
    assert_null(steps[0].wrapper);
}

/* A plugin inside a program: what its own lines did. */
static void test_modules(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 3; i++) {
        uint64_t addr = 0x100000 + i * 0x100;
        mk_born(rig->t, "conn", addr, 64, AT("conn_new n.c:3 < main m.c:5"));
        mk_ref(rig->t, addr, 0, AT("+plugin.so:64 < main m.c:6"));
        if (i != 1)
            mk_unref(rig->t, addr, 0, AT("+plugin.so:96 < main m.c:6"));
        mk_unref(rig->t, addr, 0, AT("main m.c:9"));
        if (i != 1)
            mk_gone(rig->t, addr, AT("main m.c:9"));
    }
    make();
    const struct prof_coverage_module *plugin = module("plugin.so"), *app = module("/usr/bin/app");
    assert_int_equal(plugin->taken, 3);
    assert_int_equal(plugin->given, 2);
    assert_int_equal(plugin->born, 0);
    assert_int_equal(plugin->alive, 1);
    assert_int_equal(plugin->anonymous, 5);
    assert_int_equal(app->taken, 3);
    assert_int_equal(app->born, 3);
    assert_int_equal(app->given, 3);
    assert_int_equal(app->alive, 0);
}

/* An owner that no release named: each event counts once all the same. */
static void test_untold(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 3; i++) {
        uint64_t addr = 0x100000 + i * 0x100;
        mk_born(rig->t, "conn", addr, 64, AT("conn_new n.c:3 < main m.c:5"));
        mk_own(rig->t, addr, LOCAL(1), AT("main m.c:5"));
        mk_unref(rig->t, addr, 0, AT("worker w.c:9"));
        mk_gone(rig->t, addr, AT("conn_free n.c:9 < worker w.c:9"));
    }
    make();
    assert_int_equal(module("/usr/bin/app")->born, 3);
    assert_int_equal(module("/usr/bin/app")->taken, 3);
    assert_int_equal(module("/usr/bin/app")->given, 3);
}

/* What findings hang on goes before what is frequent. */
static void test_order(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 40; i++)
        rig_healthy(rig, "busy", 0x200000 + i * 0x100, AT("busy_new b.c:3"), AT("busy b.c:10"), AT("busy b.c:14"),
                    AT("main m.c:9"));
    for (uint64_t i = 0; i < 4; i++)
        rig_healthy(rig, "rare", 0x300000 + i * 0x100, AT("rare_new r.c:3"), AT("rare r.c:10"), AT("rare r.c:14"),
                    AT("main m.c:9"));
    mk_born(rig->t, "rare", 0x400000, 64, AT("rare_new r.c:3"));
    mk_ref(rig->t, 0x400000, 0, AT("rare r.c:10"));
    mk_unref(rig->t, 0x400000, 0, AT("main m.c:9"));
    make();
    const struct prof_coverage_step *steps;
    assert_true(prof_coverage_steps(coverage, &steps) >= 3);
    assert_ptr_equal(steps[0].take, site("rare", "rare:10"));
    assert_string_equal(type_name(steps[1].take->type), "busy");
}

/* Owners that were told around functions that know of none: what stands there already is not asked for again. */
static void test_disowned(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 3; i++) {
        uint64_t addr = 0x100000 + i * 0x100;
        mk_born(rig->t, "conn", addr, 64, AT("conn_new n.c:3 < main m.c:5"));
        mk_own(rig->t, addr, LOCAL(1), AT("main m.c:5"));
        mk_ref(rig->t, addr, 0, AT("show p.c:10 < main m.c:6"));
        mk_own(rig->t, addr, LOCAL(2), AT("show p.c:10 < main m.c:6"));
        mk_ref(rig->t, addr, 0, AT("keep k.c:4 < main m.c:7"));
        mk_unref(rig->t, addr, 0, AT("keep k.c:8 < main m.c:7"));
        mk_disown(rig->t, addr, LOCAL(2), AT("show p.c:14 < main m.c:6"));
        mk_unref(rig->t, addr, 0, AT("show p.c:14 < main m.c:6"));
        mk_disown(rig->t, addr, LOCAL(1), AT("main m.c:9"));
        mk_unref(rig->t, addr, 0, AT("main m.c:9"));
        mk_gone(rig->t, addr, AT("main m.c:9"));
    }
    make();
    const struct prof_coverage_step *steps;
    assert_int_equal(prof_coverage_steps(coverage, &steps), 1);
    assert_ptr_equal(steps[0].take, site("conn", "keep:4"));
    assert_int_equal(steps[0].give_count, 1);
    assert_ptr_equal(steps[0].gives[0], site("conn", "keep:8"));
    assert_int_equal(site("conn", "show:10")->taken, 0);
    assert_int_equal(site("conn", "show:10")->owned_taken, 3);
    assert_int_equal(site("conn", "show:14")->owned_given, 3);
}

/* Objects that died while referenced, or were released once more, count with the others. */
static void test_misused(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 4; i++) {
        uint64_t addr = 0x100000 + i * 0x100;
        mk_born(rig->t, "conn", addr, 64, AT("conn_new n.c:3 < main m.c:5"));
        mk_ref(rig->t, addr, 0, AT("show p.c:10 < main m.c:6"));
        if (i != 1)
            mk_unref(rig->t, addr, 0, AT("show p.c:14 < main m.c:6"));
        mk_unref(rig->t, addr, 0, AT("main m.c:9"));
        mk_gone(rig->t, addr, AT("main m.c:9"));
        if (i == 2)
            mk_unref(rig->t, addr, 0, AT("late l.c:2"));
    }
    make();
    const struct prof_coverage_module *app = module("/usr/bin/app");
    assert_int_equal(app->born, 4);
    assert_int_equal(app->taken, 8);
    assert_int_equal(app->given, 8);
    assert_int_equal(app->alive, 0);
    assert_int_equal(site("conn", "show:10")->taken, 4);
    assert_int_equal(site("conn", "show:14")->given, 3);
    assert_int_equal(site("conn", "late:2")->given, 1);
}

/* Two references that every life takes and gives back: nothing tells which release is whose. */
static void test_one_of(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 20; i++) {
        uint64_t addr = 0x100000 + i * 0x100;
        mk_born(rig->t, "conn", addr, 64, AT("main m.c:5"));
        mk_ref(rig->t, addr, 0, AT("main m.c:6"));
        mk_unref(rig->t, addr, 0, AT("serve s.c:9"));
        mk_unref(rig->t, addr, 0, AT("finish f.c:3"));
        mk_gone(rig->t, addr, AT("finish f.c:3"));
    }
    make();
    const struct prof_coverage_step *steps;
    assert_int_equal(prof_coverage_steps(coverage, &steps), 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(steps[i].give_count, 2);
        assert_true(steps[i].one_of);
    }
}

/* Nothing was counted. */
static void test_none(void **state)
{
    (void)state;
    mk_alloc(rig->t, 0x100000, 64, AT("main m.c:5"));
    make();
    const struct prof_coverage_type *types;
    const struct prof_coverage_step *steps;
    const struct prof_coverage_module *modules;
    assert_int_equal(prof_coverage_types(coverage, &types), 0);
    assert_int_equal(prof_coverage_steps(coverage, &steps), 0);
    assert_int_equal(prof_coverage_modules(coverage, &modules), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sums, begin, end),
        cmocka_unit_test_setup_teardown(test_modules, begin, end),
        cmocka_unit_test_setup_teardown(test_order, begin, end),
        cmocka_unit_test_setup_teardown(test_disowned, begin, end),
        cmocka_unit_test_setup_teardown(test_untold, begin, end),
        cmocka_unit_test_setup_teardown(test_misused, begin, end),
        cmocka_unit_test_setup_teardown(test_one_of, begin, end),
        cmocka_unit_test_setup_teardown(test_none, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
