/* test_fold.c: consequences below causes, cycles, components, grouping: what a graph of leaked objects is reduced to.
 */
#include "rig.h"

static struct rig rig_, *const rig = &rig_;

static int begin(void **state)
{
    (void)state;
    rig_begin(rig);
    fake_field(rig->symbols, "a", 8, "peer");
    fake_field(rig->symbols, "b", 8, "owner");
    fake_field(rig->symbols, "node", 16, "next");
    fake_field(rig->symbols, "node", 24, "prev");
    fake_field(rig->symbols, "table", 8, "buckets[0].val");
    fake_field(rig->symbols, "table", 16, "buckets[1].val");
    return 0;
}

static int end(void **state)
{
    (void)state;
    rig_end(rig);
    return 0;
}

/* a->peer = b_new(); b->owner = a_ref(a); then the program's own reference to a is given back. */
static void pair_of(uint64_t a, uint64_t b)
{
    mk_born(rig->t, "a", a, 64, AT("a_new a.c:3 < main main.c:9"));
    mk_own(rig->t, a, LOCAL(1), AT("main main.c:9"));
    mk_born(rig->t, "b", b, 32, AT("b_new b.c:3 < link a.c:20"));
    mk_own(rig->t, b, a + 8, AT("link a.c:20"));
    mk_ref(rig->t, a, b + 8, AT("link a.c:21"));
    mk_unref(rig->t, a, LOCAL(1), AT("main main.c:12"));
}

static void test_cycle(void **state)
{
    (void)state;
    pair_of(0x10000, 0x20000);
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_CYCLE);
    assert_int_equal(f->strength, PROF_PROBABLE);
    assert_true(f->gating);
    assert_string_equal(f->reasons, "no memory was read: the slots were not checked");
    assert_int_equal(f->objects, 2);
    assert_int_equal(f->bytes, 96);
    assert_int_equal(f->collateral_objects, 0);
    assert_string_equal(f->type, "a");
    assert_int_equal(f->edge_count, 2);
    assert_string_equal(f->edges[0].field, "peer");
    assert_string_equal(f->edges[1].field, "owner");
    assert_int_equal(f->edges[0].to, f->edges[1].from);
    assert_int_equal(f->edges[1].to, f->edges[0].from);
    rig_at(rig, f->edges[0].stack, "b_new:3");
    rig_at(rig, f->edges[1].stack, "link:21");
    assert_int_equal(f->break_edge, 1);
    assert_string_equal(f->break_reasons[0], "its name says that it points back");
    assert_string_equal(f->sentence, "2 objects hold each other: 2 references counted, 2 of them from inside");
}

static void test_cycles_grouped(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 20; i++)
        pair_of(0x10000 + i * 0x100, 0x20000 + i * 0x100);
    // The same shape, entered from the other side and linked at another place.
    mk_born(rig->t, "b", 0x40000, 32, AT("b_new b.c:3"));
    mk_born(rig->t, "a", 0x50000, 64, AT("a_new a.c:3"));
    mk_own(rig->t, 0x50000, 0x40008, AT("adopt b.c:9"));
    mk_own(rig->t, 0x40000, 0x50008, AT("adopt b.c:10"));
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_CYCLE);
    assert_int_equal(f->objects, 42);
    assert_string_equal(f->sentence,
                        "21 cycles of the same shape, 42 objects in them: 42 references counted, 42 of them "
                        "from inside");
    assert_int_equal(f->sample_count, 8);
}

static void test_self_loop(void **state)
{
    (void)state;
    mk_born(rig->t, "node", 0x10000, 64, AT("node_new n.c:3"));
    mk_own(rig->t, 0x10000, 0x10010, AT("node_new n.c:4"));
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_CYCLE);
    assert_int_equal(f->objects, 1);
    assert_int_equal(f->edge_count, 1);
    assert_string_equal(f->edges[0].field, "next");
    assert_string_equal(f->sentence, "the object holds itself: 1 reference counted, 1 of them from inside");
}

static void ring(uint64_t base, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        mk_born(rig->t, "node", base + i * 0x100, 64, AT("node_new n.c:3"));
    for (unsigned i = 0; i < n; i++)
        mk_own(rig->t, base + (i + 1) % n * 0x100, base + i * 0x100 + 16, AT("node_link n.c:9"));
}

static void test_rings(void **state)
{
    // Rings of any length are one shape; a list hanging on one is its consequence.
    (void)state;
    ring(0x10000, 3);
    ring(0x20000, 5);
    ring(0x100000, 600); // more than a report shows
    mk_born(rig->t, "leaf", 0x80000, 10, AT("leaf_new l.c:3"));
    mk_own(rig->t, 0x80000, 0x10020, AT("leaf_set l.c:4"));
    rig_find(rig, NULL);
    rig_expect(rig, 2); // the long ring has no description of its edges
    assert_int_equal(rig->list[0].verdict, PROF_CYCLE);
    assert_int_equal(rig->list[0].objects, 600);
    assert_int_equal(rig->list[1].objects, 8);
    assert_int_equal(rig->list[1].collateral_objects, 1);
    assert_int_equal(rig->list[1].collateral_bytes, 10);
}

static void test_cycle_held(void **state)
{
    (void)state;
    pair_of(0x10000, 0x20000);
    mk_ref(rig->t, 0x10000, 0, AT("watch w.c:5"));
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_CYCLE_HELD);
    assert_int_equal(f->objects, 1);
    assert_int_equal(f->collateral_objects, 1);
    assert_string_equal(f->type, "a");
    assert_int_equal(f->edge_count, 2);
    rig_at(rig, f->open[0].stack, "watch:5");
    assert_string_equal(f->sentence,
                        "a cycle is kept alive from outside: count is 1 too high: 3 taken (birth included), 1 "
                        "given back, 1 held by objects that leak too");
}

static void test_tree(void **state)
{
    // One forgotten root; everything below is its consequence, however deep and however often shared.
    (void)state;
    mk_born(rig->t, "root", 0x10000, 256, AT("root_new r.c:3"));
    for (uint64_t i = 1; i < 31; i++) {
        mk_born(rig->t, "node", 0x10000 + i * 0x100, 64, AT("node_new n.c:3"));
        uint64_t parent = 0x10000 + (i - 1) / 2 * 0x100;
        mk_own(rig->t, 0x10000 + i * 0x100, parent + 8 + i % 2 * 8, AT("node_add n.c:9"));
    }
    mk_ref(rig->t, 0x10000 + 30 * 0x100, 0x10000 + 128, AT("root_note r.c:9"));
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    assert_string_equal(f->type, "root");
    assert_int_equal(f->objects, 1);
    assert_int_equal(f->bytes, 256);
    assert_int_equal(f->collateral_objects, 30);
    assert_int_equal(f->collateral_bytes, 30 * 64);
}

static void test_child_with_own_leak(void **state)
{
    (void)state;
    mk_born(rig->t, "root", 0x10000, 256, AT("root_new r.c:3"));
    mk_born(rig->t, "node", 0x20000, 64, AT("node_new n.c:3"));
    mk_own(rig->t, 0x20000, 0x10008, AT("node_add n.c:9"));
    mk_ref(rig->t, 0x20000, LOCAL(1), AT("peek p.c:3"));
    rig_find(rig, NULL);
    rig_expect(rig, 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(rig->list[i].collateral_objects, 0);
    const struct prof_finding *f = strcmp(rig->list[0].type, "node") == 0 ? &rig->list[0] : &rig->list[1];
    rig_at(rig, f->open[0].stack, "peek:3"); // the cause before the holder that leaks too
    assert_int_equal(f->open_count, 2);
    assert_string_equal(f->open[1].holder_type, "root");
    assert_string_equal(f->sentence,
                        "count is 1 too high: 2 taken (birth included), 0 given back, 1 held by objects that "
                        "leak too");
}

static void test_cycle_below_leak(void **state)
{
    (void)state;
    mk_born(rig->t, "root", 0x30000, 256, AT("root_new r.c:3"));
    pair_of(0x10000, 0x20000);
    mk_ref(rig->t, 0x10000, 0x30008, AT("root_add r.c:9"));
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    assert_string_equal(f->type, "root");
    assert_int_equal(f->collateral_objects, 2);
}

static void test_cycle_on_global(void **state)
{
    (void)state;
    fake_global(rig->symbols, MK_APP_DATA, 64, "g_pairs");
    pair_of(0x10000, 0x20000);
    mk_ref(rig->t, 0x20000, MK_APP_DATA + 16, AT("keep k.c:3"));
    rig_find(rig, NULL);
    rig_expect(rig, 0);
    const struct prof_finding *f = rig_one(rig, PROF_REACHABLE);
    assert_int_equal(f->objects, 1);
    assert_int_equal(f->collateral_objects, 1);
}

static void test_groups(void **state)
{
    // Same type and birth, but two different forgotten places; holders in arrays are one place.
    (void)state;
    mk_born(rig->t, "table", 0x30000, 256, AT("table_new t.c:3"));
    for (uint64_t i = 0; i < 6; i++) {
        mk_born(rig->t, "conn", 0x10000 + i * 0x100, 64, AT("conn_open net.c:31"));
        mk_own(rig->t, 0x10000 + i * 0x100, LOCAL(i), i < 4 ? AT("serve s.c:3") : AT("probe p.c:3"));
    }
    for (uint64_t i = 0; i < 2; i++) {
        mk_born(rig->t, "val", 0x50000 + i * 0x100, 64, AT("val_new v.c:31"));
        mk_own(rig->t, 0x50000 + i * 0x100, 0x30008 + i * 8, AT("table_add t.c:9"));
        mk_ref(rig->t, 0x50000 + i * 0x100, LOCAL(20), AT("get v.c:3"));
    }
    rig_find(rig, NULL);
    rig_expect(rig, 3);
    const struct prof_finding *f = &rig->list[0];
    while (strcmp(f->type, "conn") != 0)
        f++;
    assert_int_equal(f->objects, 6);
    assert_int_equal(f->open_count, 2);
    assert_int_equal(f->open[0].count, 4);
    assert_string_equal(f->open[0].holder_text, "local variable of serve()");
    assert_string_equal(f->open[1].holder_text, "local variable of probe()");
    for (f = &rig->list[0]; strcmp(f->type, "val") != 0; f++)
        ;
    assert_int_equal(f->objects, 2);
    assert_string_equal(f->open[1].holder_field, "buckets[].val");
    assert_int_equal(f->open[1].count, 2);
}

static void test_holder_token(void **state)
{
    // TRK_HOLDER: an edge without a field.
    (void)state;
    mk_born(rig->t, "table", 0x30000, 256, AT("table_new t.c:3"));
    mk_born(rig->t, "val", 0x50000, 64, AT("val_new v.c:31"));
    mk_own(rig->t, 0x50000, MK_HOLDER(0x30000), AT("table_add t.c:9"));
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    assert_string_equal(f->type, "table");
    assert_int_equal(f->collateral_objects, 1);
}

static void test_block_tail(void **state)
{
    // The type is declared smaller than its block: fields behind it are still the object's.
    (void)state;
    mk_type(rig->t, "base", 16);
    mk_born(rig->t, "base", 0x30000, 256, AT("base_new t.c:3"));
    mk_born(rig->t, "val", 0x50000, 64, AT("val_new v.c:31"));
    mk_own(rig->t, 0x50000, 0x30080, AT("derived_set t.c:9"));
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    assert_int_equal(rig_one(rig, PROF_MISSING_UNREF)->collateral_objects, 1);
}

static void test_zero_holder(void **state)
{
    // What a dead-but-not-freed object holds is a consequence of that.
    (void)state;
    mk_born(rig->t, "root", 0x30000, 256, AT("root_new t.c:3"));
    mk_born(rig->t, "val", 0x50000, 64, AT("val_new v.c:31"));
    mk_own(rig->t, 0x50000, 0x30080, AT("root_set t.c:9"));
    mk_unref(rig->t, 0x30000, 0, AT("root_put t.c:20"));
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    assert_int_equal(rig_one(rig, PROF_ZERO_NOT_FREED)->collateral_objects, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin, end)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cycle),        TEST(cycles_grouped),      TEST(self_loop),        TEST(rings),           TEST(cycle_held),
        TEST(tree),         TEST(child_with_own_leak), TEST(cycle_below_leak), TEST(cycle_on_global), TEST(groups),
        TEST(holder_token), TEST(block_tail),          TEST(zero_holder),
    };
    return cmocka_run_group_tests_name("fold", tests, NULL, NULL);
}
