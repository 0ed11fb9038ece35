/* test_hold.c: programs without slots, and slots that memory contradicts: what pointers at a checkpoint make of them.
 */
#include "hold_rig.h"

/* The child counts its parent, and nobody tells it to let go. */
static void test_parent_child(void **state)
{
    (void)state;
    born("parent", A, "parent_new p.c:3 < main m.c:5");
    born("child", B, "child_new p.c:9 < parent_add p.c:12 < main m.c:6");
    image_poke(&image, A + 8, B);
    mk_ref(rig->t, A, 0, AT("parent_add p.c:13 < main m.c:6"));
    image_poke(&image, B + 8, A);
    mk_unref(rig->t, A, 0, AT("main m.c:9"));
    find();
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_CYCLE);
    assert_int_equal(f->objects, 2);
    assert_int_equal(f->strength, PROF_PROBABLE);
    assert_true(f->gating);
    assert_string_equal(f->reasons, "pointers in memory stand for references without a slot");
    assert_string_equal(f->sentence, "2 objects hold each other: 2 references counted, 2 of them from inside");
    assert_int_equal(f->edge_count, 2);
    assert_true(f->edges[0].adopted && f->edges[1].adopted);
    assert_string_equal(f->edges[0].field, "parent");
    rig_at(rig, f->edges[0].stack, "parent_add:13");
    assert_string_equal(f->edges[1].field, "child");
    rig_at(rig, f->edges[1].stack, "child_new:9");
    assert_int_equal(f->break_edge, 0);
}

/* The same pointers, but the child only borrows, and the program forgot its parent. */
static void test_borrowed_back_pointer(void **state)
{
    (void)state;
    born("parent", A, "parent_new p.c:3 < main m.c:5");
    mk_ref(rig->t, A, 0, AT("draw d.c:3 < main m.c:7"));
    mk_unref(rig->t, A, 0, AT("draw d.c:5 < main m.c:7"));
    born("child", B, "child_new p.c:9 < parent_add p.c:12 < main m.c:6");
    image_poke(&image, A + 8, B);
    image_poke(&image, B + 8, A);
    find();
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    assert_string_equal(f->type, "parent");
    assert_int_equal(f->objects, 1);
    assert_int_equal(f->collateral_objects, 1);
    assert_true(f->gating);
}

/* A pointer that is told to be weak owns nothing. */
static void test_weak_back_pointer(void **state)
{
    (void)state;
    born("parent", A, "parent_new p.c:3 < main m.c:5");
    born("child", B, "child_new p.c:9 < parent_add p.c:12 < main m.c:6");
    image_poke(&image, A + 8, B);
    mk_weak_set(rig->t, A, B + 8, AT("parent_add p.c:13 < main m.c:6"));
    image_poke(&image, B + 8, A);
    mk_ref(rig->t, A, 0, AT("keep k.c:3 < main m.c:7"));
    mk_unref(rig->t, A, 0, AT("main m.c:9"));
    find();
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    assert_string_equal(f->type, "parent");
    assert_int_equal(f->collateral_objects, 1);
}

/* More pointers than counts: some are borrowed, so that they prove no cycle. */
static void test_more_pointers_than_counts(void **state)
{
    (void)state;
    born("parent", A, "parent_new p.c:3 < main m.c:5");
    born("child", B, "child_new p.c:9 < parent_add p.c:12 < main m.c:6");
    born("child", C, "child_new p.c:9 < parent_add p.c:12 < main m.c:6");
    image_poke(&image, A + 8, B);
    image_poke(&image, A + 16, C);
    image_poke(&image, B + 8, A);
    image_poke(&image, C + 8, A);
    mk_ref(rig->t, A, 0, AT("draw d.c:3 < main m.c:7")); // and never given back
    mk_unref(rig->t, A, 0, AT("main m.c:9"));
    find();
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    assert_string_equal(f->type, "parent");
    assert_int_equal(f->collateral_objects, 2);
}

static void test_nowhere(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 3; i++) {
        born("node", A + i * 0x100, "node_new n.c:3 < main m.c:5");
        mk_ref(rig->t, A + i * 0x100, 0, AT("use u.c:4 < main m.c:6"));
        mk_unref(rig->t, A + i * 0x100, 0, AT("main m.c:7"));
        image_poke(&image, A + i * 0x100 + 8, A + i * 0x100); // in itself: no reference
    }
    image_poke(&image, A + 8, 0);
    find();
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    assert_int_equal(f->objects, 1);
    says(f, "count is 1 too high: 2 taken (birth included), 1 given back");
    says(f, "; no pointer to it exists anywhere: a release is missing");
    assert_true(f->gating);
    rig_expect(rig, 2); // those that point to themselves hold themselves
}

/* Most leak without any pointer to them: one that has a pointer in itself, left from before, is like the others. */
static void test_left_from_before(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 9; i++) {
        born("node", A + i * 0x100, "node_new n.c:3 < main m.c:5");
        mk_ref(rig->t, A + i * 0x100, 0, AT("use u.c:4 < main m.c:6"));
        mk_unref(rig->t, A + i * 0x100, 0, AT("main m.c:7"));
    }
    image_poke(&image, A + 0x408, A + 0x400);
    find();
    assert_int_equal(rig_one(rig, PROF_MISSING_UNREF)->objects, 9);
    rig_expect(rig, 1);
}

/* A hash table in a global: table, buckets, entries, values; nobody leaks. */
static void test_table(void **state)
{
    (void)state;
    born("table", A, "table_new t.c:3 < main m.c:5");
    image_poke(&image, GLOBAL, A);
    mk_alloc(rig->t, BLOCK, 64, AT("table_new t.c:4"));
    image_poke(&image, A + 8, BLOCK);
    mk_alloc(rig->t, BLOCK2, 32, AT("table_put t.c:9"));
    image_poke(&image, BLOCK + 24, BLOCK2);
    born("node", B, "node_new n.c:3 < main m.c:6");
    mk_ref(rig->t, B, 0, AT("table_put t.c:10"));
    image_poke(&image, BLOCK2 + 16, B);
    mk_unref(rig->t, B, 0, AT("main m.c:7"));
    find();
    rig_expect(rig, 0);
    const struct prof_finding *f = rig_one(rig, PROF_REACHABLE);
    assert_int_equal(f->objects, 2);
    assert_int_equal(prof_findings_gating(rig->findings), 0);
}

/* The table holds one reference; a second one was never given back. */
static void test_over_retained(void **state)
{
    (void)state;
    born("table", A, "table_new t.c:3 < main m.c:5");
    image_poke(&image, GLOBAL, A);
    mk_alloc(rig->t, BLOCK, 64, AT("table_new t.c:4"));
    image_poke(&image, A + 8, BLOCK);
    born("node", B, "node_new n.c:3 < main m.c:6");
    mk_ref(rig->t, B, 0, AT("table_put t.c:10 < main m.c:8"));
    image_poke(&image, BLOCK, B);
    find();
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_OVER_RETAINED);
    assert_string_equal(f->type, "node");
    says(f, "count is 1 too high: 2 taken (birth included), 0 given back");
    says(f, "only 1 pointer is left that can hold one, at table#1.buckets[]: a release is missing");
    assert_true(f->gating);
    bool shown = false;
    for (size_t i = 0; i < f->open_count; i++) {
        if (f->open[i].pairing != PROF_PAIR_ADOPTED)
            continue;
        shown = true;
        rig_at(rig, f->open[i].stack, "table_put:10");
        assert_string_equal(f->open[i].holder_type, "table");
        assert_string_equal(f->open[i].holder_field, "buckets[]");
    }
    assert_true(shown);
}

/* A callback that nobody counts keeps its subject by a counted pointer. */
static void test_closure(void **state)
{
    (void)state;
    born("subject", A, "subject_new s.c:3 < main m.c:5");
    mk_alloc(rig->t, BLOCK, 32, AT("subject_connect s.c:8"));
    image_poke(&image, A + 8, BLOCK);
    mk_ref(rig->t, A, 0, AT("subject_connect s.c:9 < main m.c:6"));
    image_poke(&image, BLOCK + 8, A);
    mk_unref(rig->t, A, 0, AT("main m.c:7"));
    find();
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_CYCLE);
    assert_int_equal(f->objects, 1);
    assert_int_equal(f->edge_count, 1);
    assert_string_equal(f->edges[0].field, "observers[]");
    rig_at(rig, f->edges[0].stack, "subject_connect:9");
}

/* A list whose head is lost: one cause, the rest below it. */
static void test_lost_list(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 4; i++) {
        born("node", A + i * 0x100, "node_new n.c:3 < push n.c:9 < main m.c:5");
        if (i > 0) {
            image_poke(&image, A + (i - 1) * 0x100 + 8, A + i * 0x100);
            image_poke(&image, A + i * 0x100 + 16, A + (i - 1) * 0x100); // borrowed
        }
    }
    find();
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    assert_int_equal(f->objects, 1);
    assert_int_equal(f->collateral_objects, 3);
    assert_int_equal(prof_heap_obj(mk_heap(rig->t), f->samples[0])->addr, A);
}

/* What a lost block holds is its consequence. */
static void test_in_lost_block(void **state)
{
    (void)state;
    mk_alloc(rig->t, BLOCK, 32, AT("enqueue q.c:3 < main m.c:5"));
    born("node", A, "node_new n.c:3 < main m.c:5");
    image_poke(&image, BLOCK + 8, A);
    find();
    const struct prof_finding *f = rig_one(rig, PROF_COLLATERAL);
    assert_int_equal(f->objects, 1);
    assert_false(f->gating);
    says(f, "held only by memory that is lost itself");
}

/* Freed since: whoever took over may hold it now. */
static void test_freed_since(void **state)
{
    (void)state;
    mk_alloc(rig->t, BLOCK, 32, AT("enqueue q.c:3 < main m.c:5"));
    born("node", A, "node_new n.c:3 < main m.c:5");
    image_poke(&image, BLOCK + 8, A);
    image_begin(&image, rig->t, TRK_RUNG_STOPPED);
    mk_memory_end(rig->t);
    mk_time(rig->t, 1000);
    mk_free(rig->t, BLOCK, AT("dequeue q.c:8"));
    mk_exit(rig->t, 0);
    rig_find(rig, NULL);
    rig_expect(rig, 0);
}

/* What happened to an object after the checkpoint makes memory silent about it. */
static void test_changed_since(void **state)
{
    (void)state;
    born("node", A, "node_new n.c:3 < main m.c:5");
    image_poke(&image, GLOBAL, A);
    image_begin(&image, rig->t, TRK_RUNG_STOPPED);
    mk_memory_end(rig->t);
    mk_time(rig->t, 1000);
    mk_ref(rig->t, A, 0, AT("use u.c:4 < main m.c:6"));
    mk_exit(rig->t, 0);
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    assert_null(strstr(f->sentence, "pointer"));
}

/* ---- Slots ------------------------------------------------------------------------------------------------------- */

static void test_slots_proven(void **state)
{
    (void)state;
    slot_cycle();
    find();
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_CYCLE);
    assert_int_equal(f->strength, PROF_PROVEN);
    assert_null(f->reasons);
    assert_false(f->edges[0].adopted);
    assert_int_equal(prof_findings_audit(rig->findings)->slots_checked, 2);
    assert_int_equal(prof_findings_audit(rig->findings)->slots_stale, 0);
}

static void rung(enum trk_memory_rung rung, bool single, bool cut, enum prof_strength strength)
{
    slot_cycle();
    struct prof_memory *memory = image_begin(&image, rig->t, rung);
    memory->single = single;
    memory->cut = cut;
    mk_memory_end(rig->t);
    mk_exit(rig->t, 0);
    rig_find(rig, NULL);
    assert_int_equal(rig_one(rig, PROF_CYCLE)->strength, strength);
}

static void test_rung_waiting(void **state)
{
    (void)state;
    rung(TRK_RUNG_WAITING, false, false, PROF_PROBABLE);
}

static void test_rung_waiting_alone(void **state)
{
    (void)state;
    rung(TRK_RUNG_WAITING, true, false, PROF_PROVEN);
}

static void test_rung_confirmed(void **state)
{
    (void)state;
    rung(TRK_RUNG_CONFIRMED, false, false, PROF_PROBABLE);
}

static void test_rung_cut(void **state)
{
    (void)state;
    rung(TRK_RUNG_STOPPED, true, true, PROF_PROBABLE);
}

/* A root reaches a member: no garbage, whatever the counts say. */
static void test_veto(void **state)
{
    (void)state;
    slot_cycle();
    image_poke(&image, GLOBAL + 8, B);
    find();
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_CYCLE_HELD);
    assert_int_equal(f->strength, PROF_SUSPECT);
    assert_int_equal(f->headline, PROF_HEADLINE_HELD);
    assert_false(f->gating);
    says(f, "a pointer is at global g_last, which took no reference: borrowed, or missing instrumentation");
    assert_int_equal(prof_findings_audit(rig->findings)->vetoed, 2);
}

/* Stacks end with the program, as references in them do. */
static void test_no_veto_by_stack(void **state)
{
    (void)state;
    slot_cycle();
    image_poke(&image, LOCAL(2), B);
    find();
    assert_int_equal(rig_one(rig, PROF_CYCLE)->strength, PROF_PROVEN);
}

/* Somebody counted without telling: the cycle is held from there. */
static void test_count_in_memory(void **state)
{
    (void)state;
    slot_cycle();
    image_begin(&image, rig->t, TRK_RUNG_STOPPED);
    mk_memory_count(rig->t, A, 2);
    mk_memory_count(rig->t, B, 1);
    mk_memory_end(rig->t);
    mk_exit(rig->t, 0);
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    const struct prof_finding *f = rig_one(rig, PROF_CYCLE_HELD);
    says(f, "; its own count is 2, events say 1: 1 reference taken without telling");
    assert_int_equal(f->strength, PROF_SUSPECT);
    assert_int_equal(prof_findings_audit(rig->findings)->memory_counts, 2);
    assert_int_equal(prof_findings_audit(rig->findings)->memory_more, 1);
    assert_int_equal(prof_findings_audit(rig->findings)->memory_less, 0);
}

/* ---- Own counts -------------------------------------------------------------------------------------------------- */

/* A count of each object that is alive; the run ends with it. */
static void find_counted(enum trk_memory_rung rung, int64_t a, int64_t b)
{
    mk_time(rig->t, 1000000);
    image_begin(&image, rig->t, rung);
    mk_memory_count(rig->t, A, a);
    mk_memory_count(rig->t, B, b);
    mk_memory_end(rig->t);
    mk_exit(rig->t, 0);
    rig_find(rig, NULL);
}

static void forgotten(uint64_t addr)
{
    born("node", addr, "node_new n.c:3 < main m.c:5");
    mk_ref(rig->t, addr, 0, AT("use u.c:4 < main m.c:6"));
    mk_unref(rig->t, addr, 0, AT("main m.c:7"));
}

/* Nobody points to it, and it says itself that it is referenced: no guess is left. */
static void test_count_agrees(void **state)
{
    (void)state;
    forgotten(A);
    find_counted(TRK_RUNG_STOPPED, 1, 1);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    assert_int_equal(f->strength, PROF_PROVEN);
    assert_null(f->reasons);
    says(f, "; its own count says the same; no pointer to it exists anywhere: a release is missing");
    assert_int_equal(prof_findings_audit(rig->findings)->memory_counts, 1);
}

static void test_count_agrees_unstopped(void **state)
{
    (void)state;
    forgotten(A);
    find_counted(TRK_RUNG_CONFIRMED, 1, 1);
    assert_int_equal(rig_one(rig, PROF_MISSING_UNREF)->strength, PROF_PROBABLE);
    assert_int_equal(prof_findings_audit(rig->findings)->memory_counts, 1);
}

/* While threads run, an event may bear the time of before the look and come behind it. */
static void test_count_of_busy_object(void **state)
{
    (void)state;
    mk_time(rig->t, 999900);
    forgotten(A);
    find_counted(TRK_RUNG_CONFIRMED, 2, 1);
    assert_int_equal(prof_findings_audit(rig->findings)->memory_counts, 0);
    assert_int_equal(rig_one(rig, PROF_MISSING_UNREF)->strength, PROF_PROBABLE);
}

/* One pointer, two references by its own count. */
static void test_count_over_retained(void **state)
{
    (void)state;
    born("node", A, "node_new n.c:3 < main m.c:5");
    mk_ref(rig->t, A, 0, AT("keep k.c:3 < main m.c:7"));
    image_poke(&image, GLOBAL, A);
    find_counted(TRK_RUNG_STOPPED, 2, 1);
    const struct prof_finding *f = rig_one(rig, PROF_OVER_RETAINED);
    assert_int_equal(f->strength, PROF_PROVEN);
    says(f, "; its own count says the same; only 1 pointer is left that can hold one");
}

/* A second pointer may be a reference that was copied: then nothing is proven. */
static void test_count_enough_pointers(void **state)
{
    (void)state;
    born("node", A, "node_new n.c:3 < main m.c:5");
    mk_ref(rig->t, A, 0, AT("keep k.c:3 < main m.c:7"));
    image_poke(&image, LOCAL(2), A);
    image_poke(&image, LOCAL(3), A);
    find_counted(TRK_RUNG_STOPPED, 2, 1);
    assert_int_equal(rig_one(rig, PROF_MISSING_UNREF)->strength, PROF_PROBABLE);
}

/* One reference more than what roots hold, and a pointer on the stack of a thread that the program's end stopped. */
static void test_running_thread(void **state)
{
    (void)state;
    born("node", A, "node_new n.c:3 < main m.c:5");
    mk_ref(rig->t, A, 0, AT("run r.c:3 < worker w.c:7"));
    image_poke(&image, GLOBAL, A);
    image_poke(&image, LOCAL(2), A);
    find_counted(TRK_RUNG_STOPPED, 2, 1);
    const struct prof_finding *f = rig_one(rig, PROF_OVER_RETAINED);
    assert_int_equal(f->strength, PROF_SUSPECT);
    assert_false(f->gating);
    assert_non_null(strstr(f->reasons, "a thread that still ran at the end"));
}

static void test_count_less(void **state)
{
    (void)state;
    born("node", A, "node_new n.c:3 < main m.c:5");
    mk_ref(rig->t, A, 0, AT("use u.c:4 < main m.c:6"));
    find_counted(TRK_RUNG_STOPPED, 1, 1);
    const struct prof_finding *f = rig_one(rig, PROF_MISSING_UNREF);
    assert_int_equal(f->strength, PROF_SUSPECT);
    says(f, "count is 1 too high");
    says(f, "; its own count is 1, events say 2: 1 reference given back without telling, or told and not counted");
    const struct prof_audit *audit = prof_findings_audit(rig->findings);
    assert_int_equal(audit->memory_less, 1);
    assert_false(audit->certain);
    assert_non_null(strstr(audit->why_uncertain,
                           "1 of 1 observed counts do not fit the events (node#1: its own count is "
                           "1, events say 2)"));
}

/* By its own count one pointer is enough to hold it. */
static void test_count_less_held(void **state)
{
    (void)state;
    born("node", A, "node_new n.c:3 < main m.c:5");
    mk_ref(rig->t, A, 0, AT("use u.c:4 < main m.c:6"));
    image_poke(&image, GLOBAL, A);
    find_counted(TRK_RUNG_STOPPED, 1, 1);
    rig_expect(rig, 0);
    assert_int_equal(rig_one(rig, PROF_REACHABLE)->objects, 1);
}

static void test_count_zero(void **state)
{
    (void)state;
    born("node", A, "node_new n.c:3 < main m.c:5");
    find_counted(TRK_RUNG_STOPPED, 0, 1);
    const struct prof_finding *f = rig_one(rig, PROF_ZERO_NOT_FREED);
    assert_int_equal(f->strength, PROF_SUSPECT);
    says(f, "count reached 0, but the object was not freed; its own count is 0, events say 1");
}

/* Somebody can still reach it: a pool that says nothing. */
static void test_count_zero_reached(void **state)
{
    (void)state;
    born("node", A, "node_new n.c:3 < main m.c:5");
    image_poke(&image, GLOBAL, A);
    find_counted(TRK_RUNG_STOPPED, 0, 1);
    assert_int_equal(prof_findings_gating(rig->findings), 0);
    assert_int_equal(prof_findings_audit(rig->findings)->memory_less, 1);
}

/* By the events it is over; by its own count somebody holds it. */
static void test_count_of_dead(void **state)
{
    (void)state;
    born("node", A, "node_new n.c:3 < main m.c:5");
    mk_unref(rig->t, A, 0, AT("main m.c:7"));
    find_counted(TRK_RUNG_STOPPED, 2, 1);
    const struct prof_finding *f = rig_one(rig, PROF_ZERO_NOT_FREED);
    assert_int_equal(f->strength, PROF_SUSPECT);
    says(f, "; its own count is 2, events say 0: 2 references taken without telling");
}

static void test_no_count(void **state)
{
    (void)state;
    forgotten(A);
    find_counted(TRK_RUNG_STOPPED, TRK_MEMORY_NO_COUNT, 1);
    assert_int_equal(rig_one(rig, PROF_MISSING_UNREF)->strength, PROF_PROBABLE);
    const struct prof_audit *audit = prof_findings_audit(rig->findings);
    assert_int_equal(audit->memory_counts, 0);
    assert_int_equal(audit->memory_none, 1);
    assert_true(audit->certain);
}

/* Different mistakes are different findings. */
static void test_counts_apart(void **state)
{
    (void)state;
    forgotten(A);
    forgotten(B);
    find_counted(TRK_RUNG_STOPPED, 3, 1);
    rig_expect(rig, 2);
    size_t proven = 0;
    for (size_t i = 0; i < rig->count; i++)
        proven += rig->list[i].strength == PROF_PROVEN;
    assert_int_equal(proven, 1);
}

/* What a root reaches is no garbage, also when all counts fit. */
static void test_veto_with_counts(void **state)
{
    (void)state;
    slot_cycle();
    image_poke(&image, GLOBAL + 8, B);
    find_counted(TRK_RUNG_STOPPED, 1, 1);
    rig_expect(rig, 1);
    assert_int_equal(rig_one(rig, PROF_CYCLE_HELD)->strength, PROF_SUSPECT);
    assert_int_equal(prof_findings_audit(rig->findings)->vetoed, 2);
}

/* The pointer took its reference without telling: a count that says so accounts for it. */
static void test_veto_counted(void **state)
{
    (void)state;
    slot_cycle();
    image_poke(&image, GLOBAL + 8, B);
    find_counted(TRK_RUNG_STOPPED, 1, 2);
    rig_expect(rig, 0);
    assert_int_equal(rig_one(rig, PROF_REACHABLE)->objects, 1);
    assert_int_equal(prof_findings_audit(rig->findings)->vetoed, 0);
    assert_int_equal(prof_findings_audit(rig->findings)->memory_more, 1);
}

/* ---- Freed holders ----------------------------------------------------------------------------------------------- */

/* The holder of a child is freed; its reference may have been copied to where a pointer stands. */
static const struct prof_finding *find_freed_holder(bool pointed)
{
    born("parent", A, "parent_new p.c:3 < main m.c:5");
    born("child", B, "child_new p.c:9 < main m.c:6");
    mk_own(rig->t, B, A + 8, AT("main m.c:7"));
    mk_unref(rig->t, A, 0, AT("main m.c:8"));
    mk_gone(rig->t, A, AT("parent_free p.c:20 < main m.c:8"));
    if (pointed)
        image_poke(&image, GLOBAL + 8, B);
    find();
    rig_expect(rig, 1);
    return rig_one(rig, PROF_HOLDER_FREED);
}

static void test_freed_holder(void **state)
{
    (void)state;
    const struct prof_finding *f = find_freed_holder(false);
    assert_int_equal(f->strength, PROF_PROVEN);
    assert_true(f->gating);
    says(f, "no pointer to it exists anywhere");
}

static void test_freed_holder_pointed(void **state)
{
    (void)state;
    const struct prof_finding *f = find_freed_holder(true);
    assert_int_equal(f->strength, PROF_SUSPECT);
    assert_false(f->gating);
    assert_string_equal(f->reasons, "a pointer that can be reached may own the reference by now");
    says(f, "a pointer is at global g_last");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_parent_child),
        TEST(test_borrowed_back_pointer),
        TEST(test_weak_back_pointer),
        TEST(test_more_pointers_than_counts),
        TEST(test_nowhere),
        TEST(test_left_from_before),
        TEST(test_table),
        TEST(test_over_retained),
        TEST(test_closure),
        TEST(test_lost_list),
        TEST(test_in_lost_block),
        TEST(test_freed_since),
        TEST(test_changed_since),
        TEST(test_slots_proven),
        TEST(test_rung_waiting),
        TEST(test_rung_waiting_alone),
        TEST(test_rung_confirmed),
        TEST(test_rung_cut),
        TEST(test_veto),
        TEST(test_no_veto_by_stack),
        TEST(test_count_in_memory),
        TEST(test_count_agrees),
        TEST(test_count_agrees_unstopped),
        TEST(test_count_of_busy_object),
        TEST(test_count_over_retained),
        TEST(test_count_enough_pointers),
        TEST(test_running_thread),
        TEST(test_count_less),
        TEST(test_count_less_held),
        TEST(test_count_zero),
        TEST(test_count_zero_reached),
        TEST(test_count_of_dead),
        TEST(test_no_count),
        TEST(test_counts_apart),
        TEST(test_veto_with_counts),
        TEST(test_veto_counted),
        TEST(test_freed_holder),
        TEST(test_freed_holder_pointed),
    };
    return cmocka_run_group_tests_name("hold", tests, NULL, NULL);
}
