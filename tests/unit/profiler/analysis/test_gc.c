/* test_gc.c: what the driver finds: the questions of CPython's Lib/test/test_gc.py (G1 to G30, those of them that are
 * about what is garbage; test_gc_driver.c asks the others) and cases of references (R), of a recorded heap. */
#include "gc_rig.h"

/* ---- Shapes ------------------------------------------------------------------------------------------------------ */

/* l = []; l.append(l); del l */
static void g1_self_loop(void **state)
{
    (void)state;
    born(0);
    link_birth(0, 0, 0);
    assert_int_equal(collect(2), 1);
    assert_int_equal(generation(0), PROF_GC_GARBAGE);
}

/* A list and a tuple that hold each other, the tuple through a holder. */
static void g2_two_object_loop(void **state)
{
    (void)state;
    born(0);
    born(1);
    ref(1, HOLDER(OBJ(0)));
    link_birth(1, 0, 0);
    assert_int_equal(collect(2), 0); // the birth of 1 is nobody's yet
    unref(1, 0);
    assert_int_equal(collect(2), 2);
}

/* A container that holds itself by two of its values. */
static void g3_value_slot(void **state)
{
    (void)state;
    born(0);
    link_ref(0, 0, 0);
    link_ref(0, 1, 0);
    assert_int_equal(collect(2), 0);
    unref(0, 0);
    assert_int_equal(collect(2), 1);
}

/* Instances with their class, which knows itself: something is found, and nothing more after that. */
static void g4_class_and_instance(void **state)
{
    (void)state;
    for (int n = 0; n < 6; n += 2) {
        born_as(n, ORDERED); // the class
        born(n + 1);         // its instance
        link_ref(n, 0, n);
        link_ref(n + 1, 0, n);
        link_birth(n, 1, n + 1);
        unref(n, 0);
    }
    assert_int_not_equal(collect(2), 0);
    assert_int_equal(collect(2), 0);
}

/* An object stores a callback whose user data points back. */
static void g5_closure(void **state)
{
    (void)state;
    born(0);
    born(1);
    link_birth(0, 0, 1);
    link_ref(1, 1, 0);
    own(0, GLOBAL(0));
    assert_int_equal(collect(2), 0); // a variable holds it
    unref(0, GLOBAL(0));
    assert_int_equal(collect(2), 2);
}

/* A frame holds its object until it returns. */
static void g6_frame(void **state)
{
    (void)state;
    born(0);
    own(0, GLOBAL(0));
    link_ref(0, 0, 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(collect(i), 0);
    unref(0, GLOBAL(0));
    assert_int_equal(collect(0), 0); // it is old by now
    assert_int_equal(collect(2), 1);
}

/* What was found is kept, and is exactly that. */
static void g7_saveall(void **state)
{
    (void)state;
    born(0);
    born(1);
    own(1, GLOBAL(0));
    link_birth(0, 0, 0);
    prof_obj_id id = id_of(0);
    assert_int_equal(collect(2), 1);
    struct gr_list garbage = garbage_list();
    assert_int_equal(garbage.count, 1);
    assert_int_equal(garbage.ids[0], id);
    assert_int_equal(collect(2), 0);
    assert_int_equal(generation(1), 2);
}

/* A ring of a hundred thousand, and a tree of chains: nothing recurses. */
static void g11_deep(void **state)
{
    enum { DEEP = 100000 };
    const uint32_t never[3] = { 0, 0, 0 };
    (void)state;
    prof_gc_set_threshold(gr_gc, never);
    for (int n = 0; n < DEEP; n++)
        born(n);
    for (int n = 0; n < DEEP; n++)
        link_birth(n, 0, (n + 1) % DEEP);
    assert_int_equal(collect(2), DEEP);
    for (int n = DEEP; n < DEEP + 1000; n++) {
        born(n);
        if (n > DEEP)
            link_birth((n - 1 - DEEP) / 2 + DEEP, (n - DEEP) % 2, n);
    }
    own(DEEP, GLOBAL(0));
    assert_int_equal(collect(2), 0);
    move(DEEP, FIELD(DEEP + 999, 3), GLOBAL(0));
    assert_int_equal(collect(2), 1000);
}

/* ---- Generations, finalizers, weak pointers ---------------------------------------------------------------------- */

/* What a young cycle holds is old: it is no garbage by itself, and is told to go with the cycle. */
static void g17_across_generations(void **state)
{
    (void)state;
    born(0);
    own(0, GLOBAL(0));
    collect(0);
    collect(1);
    assert_int_equal(generation(0), 2);
    born(1);
    born(2);
    link_birth(1, 0, 2);
    link_birth(2, 0, 1);
    move(0, FIELD(1, 1), GLOBAL(0));
    assert_int_equal(collect(0), 2);
    assert_int_equal(generation(0), 2);
    struct gr_list retained = { .count = 0 };
    must(prof_gc_retained(gr_gc, gr_push, &retained));
    assert_int_equal(retained.count, 1);
    assert_true(gr_has(&retained, 0));
    assert_int_equal(collect(2), 0); // held by garbage, which holds what it holds
    assert_int_equal(generation(0), 2);
}

/* A cycle of which one member is old waits for a pass over all. */
static void g17_old_member(void **state)
{
    (void)state;
    born(0);
    own(0, GLOBAL(0));
    collect(1);
    born(1);
    link_birth(0, 0, 1);
    move(0, FIELD(1, 0), GLOBAL(0));
    assert_int_equal(collect(0), 0);
    assert_int_equal(collect(1), 0);
    assert_int_equal(collect(2), 2);
}

/* Two pairs that no order of destructors could free, and a loop: collected 1, uncollectable 4. */
static void g19_uncollectable(void **state)
{
    (void)state;
    for (int n = 0; n < 4; n += 2) {
        born_as(n, ORDERED);
        born_as(n + 1, ORDERED);
        link_birth(n, 0, n + 1);
        link_birth(n + 1, 0, n);
    }
    born(4);
    link_birth(4, 0, 4);
    struct prof_gc_pass pass = pass_of(2);
    assert_int_equal(pass.collected, 1);
    assert_int_equal(pass.uncollectable, 4);
    assert_int_equal(collect(2), 0);
}

/* What an uncollectable object leads to cannot be freed either; who leads to it can. */
static void g19_closure(void **state)
{
    (void)state;
    born(0); // loop -> ordered -> behind
    born_as(1, ORDERED);
    born(2);
    link_birth(0, 0, 0);
    link_birth(0, 1, 1);
    link_birth(1, 0, 2);
    link_ref(2, 0, 2);
    struct prof_gc_pass pass = pass_of(2);
    assert_int_equal(pass.collected, 1);
    assert_int_equal(pass.uncollectable, 2);
}

static void push_hazard(void *ctx, const struct prof_gc_hazard *hazard)
{
    struct prof_gc_hazard *list = ctx;
    for (int i = 0; i < 4; i++) {
        if (list[i].obj == 0) {
            list[i] = *hazard;
            return;
        }
    }
    fail();
}

/* Weak pointers among garbage go with it; those from outside would dangle. */
static void g16_weak(void **state)
{
    struct prof_gc_hazard hazards[4] = { 0 };
    (void)state;
    born(0);
    born(1);
    born(2);
    own(2, GLOBAL(0));
    link_birth(0, 0, 1);
    link_birth(1, 0, 0);
    op(TRK_OP_WEAK_SET, 0, FIELD(1, 1));
    op(TRK_OP_WEAK_SET, 0, FIELD(2, 1));
    op(TRK_OP_WEAK_SET, 1, GLOBAL(5));
    must(prof_gc_hazards(gr_gc, push_hazard, hazards));
    assert_int_equal(hazards[0].obj, 0); // nothing is garbage yet
    assert_int_equal(collect(2), 2);
    must(prof_gc_hazards(gr_gc, push_hazard, hazards));
    assert_int_equal(hazards[0].obj, id_of(0));
    assert_int_equal(hazards[0].holder, id_of(2));
    assert_int_equal(hazards[0].slot, FIELD(2, 1));
    assert_int_equal(hazards[1].obj, id_of(1));
    assert_int_equal(hazards[1].holder, 0);
    assert_int_equal(hazards[2].obj, 0);
    // A weak pointer is no reference: clearing it is an event on garbage.
    op(TRK_OP_WEAK_CLEAR, 1, GLOBAL(5));
    assert_int_equal(totals().revived, 1);
}

/* A holder that tells nothing hides what it holds: alive, no false garbage, whatever weak pointers say. */
static void g25_untold_holder(void **state)
{
    (void)state;
    born(0); // Y, in a cycle
    born(1); // Z, held by Y, which says nothing of it
    link_birth(0, 0, 0);
    op(TRK_OP_WEAK_SET, 1, FIELD(0, 1));
    struct prof_gc_pass pass = pass_of(2);
    assert_int_equal(pass.collected, 1);
    assert_int_equal(generation(1), 2);
    assert_int_equal(pass.over, 1); // by a count that nothing explains
    assert_int_equal(pass.sources, 1);
}

/* Garbage dies in any order: lists stay whole, and nothing dead is named. */
static void g18_g28_deaths(void **state)
{
    struct prof_gc_hazard hazards[4] = { 0 };
    (void)state;
    for (int n = 0; n < 7; n++)
        born(n);
    for (int n = 0; n < 7; n++)
        link_birth(n, 0, (n + 1) % 7);
    op(TRK_OP_WEAK_SET, 3, FIELD(5, 1));
    assert_int_equal(collect(1), 7);
    for (int n = 1; n < 7; n += 2)
        gone(n);
    assert_int_equal(totals().revived, 3);
    assert_int_equal(garbage_list().count, 0); // what they led to is not garbage for certain
    assert_int_equal(totals().revived, 7);
    must(prof_gc_hazards(gr_gc, push_hazard, hazards));
    assert_int_equal(hazards[0].obj, 0);
    assert_int_equal(totals().tracked, 4);
}

/* ---- Coming back ------------------------------------------------------------------------------------------------- */

static void ring(int first, int length)
{
    for (int n = first; n < first + length; n++)
        born(n);
    for (int n = first; n < first + length; n++)
        link_birth(n, 0, first + (n - first + 1) % length);
}

/* One of several cycles comes back through its destructor: the others are found all the same, once. */
static void g24_resurrection(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        ring(10 * i, 2);
    assert_int_equal(collect(2), 20);
    op(TRK_OP_DTOR_BEGIN, 0, 0);
    ref(0, GLOBAL(0));
    op(TRK_OP_DTOR_END, 0, 0);
    assert_int_equal(garbage_list().count, 18);
    assert_true(prof_gc_is_finalized(gr_gc, id_of(0)));
    assert_int_equal(collect(2), 0);
    unref(0, GLOBAL(0));
    assert_int_equal(collect(2), 2); // garbage once more
}

/* Whoever comes back brings along all that it leads to, and not who leads to it. */
static void g24_transitive(void **state)
{
    (void)state;
    ring(0, 3);
    born(3);
    link_birth(2, 1, 3);
    born(4); // a loop that leads to the ring
    link_birth(4, 0, 4);
    link_ref(4, 1, 0);
    assert_int_equal(collect(2), 5);
    op(TRK_OP_TOUCH, 1, 0);
    struct gr_list garbage = garbage_list();
    assert_int_equal(garbage.count, 1);
    assert_true(gr_has(&garbage, 4));
    assert_int_equal(totals().revived, 4);
    assert_int_equal(totals().found, 5);
}

static void push_garbage(void *ctx, const struct prof_gc_garbage *garbage)
{
    struct prof_gc_garbage *last = ctx;
    *last = *garbage;
}

/* Nothing happened to it between two passes: confirmed. Two passes at one moment confirm nothing. */
static void confirmed(void **state)
{
    struct prof_gc_garbage last = { 0 };
    (void)state;
    ring(0, 2);
    gr_now = 1000;
    born(5);
    assert_int_equal(collect(0), 2);
    must(prof_gc_garbage(gr_gc, push_garbage, &last));
    assert_int_equal(last.generation, 0);
    assert_int_equal(last.pass, 1);
    assert_int_equal(last.found_us, 1001);
    collect(0);
    must(prof_gc_garbage(gr_gc, push_garbage, &last));
    assert_false(last.confirmed);
    born(6);
    collect(0);
    must(prof_gc_garbage(gr_gc, push_garbage, &last));
    assert_true(last.confirmed);
    assert_false(last.checked); // memory was not read
    assert_int_equal(last.strength, PROF_PROBABLE);
    assert_int_equal(totals().confirmed, 2);
}

/* ---- Counts ------------------------------------------------------------------------------------------------------ */

/* The program counts less than there are references: alive, and told. */
static void g27_refcount_too_small(void **state)
{
    (void)state;
    born(0);
    own(0, GLOBAL(0));
    link_ref(0, 0, 0);
    seen(0, 1);
    struct prof_gc_pass pass = pass_of(0);
    assert_int_equal(pass.collected, 0);
    assert_int_equal(pass.underflow, 1);
    struct gr_list list = { .count = 0 };
    prof_gc_underflows(gr_gc, gr_push, &list);
    assert_int_equal(list.count, 1);
    assert_true(gr_has(&list, 0));
    assert_int_equal(pass_of(2).underflow, 1);
}

static struct gr_list sources(void)
{
    struct gr_list list = { .count = 0 };
    prof_gc_sources(gr_gc, gr_push, &list);
    return list;
}

/* One release is missing: the object, and nothing that it holds, is the source. */
static void r1_missing_unref(void **state)
{
    (void)state;
    born(0);
    born(1);
    link_birth(0, 0, 1);
    ref(0, 0);
    unref(0, 0);
    struct prof_gc_pass pass = pass_of(2);
    assert_int_equal(pass.over, 2);
    assert_int_equal(pass.sources, 1);
    struct gr_list list = sources();
    assert_true(gr_has(&list, 0));
}

/* A cycle that one count more keeps: garbage as soon as that is gone. */
static void r2_cycle_with_extra(void **state)
{
    (void)state;
    ring(0, 3);
    ref(1, 0);
    struct prof_gc_pass pass = pass_of(2);
    assert_int_equal(pass.collected, 0);
    assert_int_equal(pass.over, 3);
    struct gr_list list = sources();
    assert_int_equal(list.count, 1);
    assert_true(gr_has(&list, 1));
    unref(1, 0);
    assert_int_equal(collect(2), 3);
    assert_int_equal(sources().count, 0);
}

/* A variable that was overwritten, and one in freed memory, hold nothing; the counts are there. */
static void r4_r5_spoiled(void **state)
{
    (void)state;
    born(0);
    born(1);
    own(0, GLOBAL(0));
    own(1, GLOBAL(0));
    assert_int_equal(pass_of(2).over, 1);
    born(2);
    born(3);
    own(2, GLOBAL(1));
    link_birth(2, 0, 3);
    unref(2, GLOBAL(1));
    gone(2); // its destructor forgot the member
    struct prof_gc_pass pass = pass_of(2);
    assert_int_equal(pass.collected, 0);
    assert_int_equal(pass.over, 2);
    struct gr_list list = sources();
    assert_true(gr_has(&list, 0) && gr_has(&list, 3));
}

/* A holder that realloc moved holds at its new place. */
static void r6_moved_holder(void **state)
{
    (void)state;
    ring(0, 2);
    apply((struct prof_event){ .op = TRK_OP_REF, .addr = OBJ(1), .slot = GLOBAL(0) });
    assert_int_equal(collect(2), 0);
    apply((struct prof_event){
        .op = TRK_OP_MOVE_RANGE, .addr = OBJ(7), .from = OBJ(0), .size = 64, .flags = PROF_EVENT_FROM });
    unref(1, GLOBAL(0));
    assert_int_equal(collect(2), 0); // no object is known to be there
    born(7);
    assert_int_equal(collect(2), 0);
    link_birth(1, 2, 7);
    assert_int_equal(collect(2), 3); // 7 and 1, and 0, which 1 holds
}

/* Somebody counts without telling: alive. */
static void r9_untold_count(void **state)
{
    (void)state;
    ring(0, 2);
    seen(0, 2);
    assert_int_equal(collect(2), 0);
    assert_int_equal(sources().count, 1);
    seen(0, 1);
    assert_int_equal(collect(2), 2);
}

/* Another object at the address of garbage is another object. */
static void r10_address_reuse(void **state)
{
    (void)state;
    ring(0, 1);
    assert_int_equal(collect(2), 1);
    gone(0);
    born(0);
    assert_int_equal(garbage_list().count, 0);
    assert_int_equal(generation(0), 0);
}

/* One holder holds three times: three counts. */
static void r15_multiple_edges(void **state)
{
    (void)state;
    born(0);
    link_birth(0, 0, 0);
    link_ref(0, 1, 0);
    ref(0, HOLDER(OBJ(0)));
    assert_int_equal(collect(2), 1);
}

/* Kept by design: for the whole heap, too, that is no count too many. */
static void r16_pinned(void **state)
{
    (void)state;
    ring(0, 2);
    op(TRK_OP_PIN, 1, 0);
    born_as(2, ETERNAL);
    link_birth(2, 0, 2);
    struct prof_gc_pass pass = pass_of(2);
    assert_int_equal(pass.collected, 0);
    assert_int_equal(pass.over, 0);
    op(TRK_OP_UNPIN, 1, 0);
    assert_int_equal(collect(2), 2);
}

/* A field of an object that lies in another one is the inner one's. */
static void embedded(void **state)
{
    (void)state;
    apply((struct prof_event){ .op = TRK_OP_ALLOC, .addr = OBJ(0), .size = 128 });
    apply((struct prof_event){ .op = TRK_OP_NEW, .addr = OBJ(0), .size = NODE });
    apply((struct prof_event){ .op = TRK_OP_NEW, .addr = OBJ(0) + 64, .size = NODE });
    collect(1); // both are old
    own(0, OBJ(0) + 64 + 8);
    assert_int_equal(collect(2), 0);
    unref(0, OBJ(0) + 64 + 8);
    ref(0, OBJ(0) + 8);
    assert_int_equal(collect(2), 1);
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

/* What memory says at the places of these words, of all that is alive. */
static void look(const uint64_t (*words)[2], size_t count)
{
    struct prof_memory_word list[16];
    const struct prof_memory_area area = { .start = OBJ(0), .size = 0x10000, .kind = TRK_AREA_ANON, .count = count };
    for (size_t i = 0; i < count; i++)
        list[i] = (struct prof_memory_word){ .at = words[i][0], .value = words[i][1] };
    const struct prof_memory memory = { .number = (uint32_t)gr_now,
                                        .rung = TRK_RUNG_STOPPED,
                                        .name = "",
                                        .at_us = gr_now,
                                        .areas = &area,
                                        .area_count = 1,
                                        .words = list,
                                        .word_count = count };
    struct prof_memory *copy;
    must(prof_memory_copy(&memory, &copy));
    gr_now++;
    must(prof_heap_apply_memory(gr_heap, copy));
    prof_memory_destroy(copy);
}

/* A variable that was told to own what nobody had left is no reference: what somebody takes later is not explained. */
static void r14_owner_of_nothing(void **state)
{
    (void)state;
    born(0);
    born(1);
    link_birth(0, 0, 1);
    link_birth(1, 0, 0);
    own(0, FIELD(1, 1));
    ref(0, 0); // by somebody who lives
    assert_int_equal(collect(2), 0);
    unref(0, 0);
    assert_int_equal(collect(2), 2);
}

/* b->x = a->x; a->x = NULL without telling: the object lives, and so must the verdict. */
static void r14b_silent_move(void **state)
{
    (void)state;
    ring(0, 2);
    ring(2, 1);
    born(4);
    own(4, GLOBAL(0));
    look((const uint64_t[][2]){ { FIELD(1, 0), OBJ(0) }, { FIELD(2, 0), OBJ(2) }, { FIELD(4, 0), OBJ(1) } }, 3);
    struct prof_gc_pass pass = pass_of(2);
    assert_int_equal(pass.collected, 1);
    assert_int_equal(pass.stale, 1);
    assert_int_equal(generation(0), 2);
    struct prof_gc_garbage last = { 0 };
    born(5);
    collect(0);
    must(prof_gc_garbage(gr_gc, push_garbage, &last));
    assert_int_equal(last.obj, id_of(2));
    assert_true(last.checked);
    assert_int_equal(last.strength, PROF_PROVEN);
}

/* A reference leaves its variable in silence, and another one to the same object comes into it: a variable owns one,
 * although it was told of two, and the word in it confirms only one. */
static void r14b_twice_in_one_variable(void **state)
{
    (void)state;
    ring(0, 2);
    link_ref(1, 0, 0); // the first one is in GLOBAL(0) by now
    assert_int_equal(collect(2), 0);
    look((const uint64_t[][2]){ { FIELD(0, 0), OBJ(1) }, { FIELD(1, 0), OBJ(0) } }, 2);
    assert_int_equal(collect(2), 0);
    unref(0, 0); // and now it is given back
    assert_int_equal(collect(2), 2);
}

/* Memory that is read later takes verdicts back, with what they lead to. */
static void withdrawn(void **state)
{
    (void)state;
    ring(0, 2);
    ring(2, 1);
    assert_int_equal(collect(2), 3);
    look((const uint64_t[][2]){ { FIELD(1, 0), OBJ(0) }, { FIELD(2, 0), OBJ(2) } }, 2);
    assert_int_equal(garbage_list().count, 1);
    assert_int_equal(totals().withdrawn, 2);
    assert_int_equal(totals().revived, 0);
}

static void block(int n)
{
    apply((struct prof_event){ .op = TRK_OP_ALLOC, .addr = OBJ(n), .size = 64 });
}

/* Table.buckets[].val: what stands in a block that one object owns alone is held by that object; also through a block
 * that leads to another. */
static void folded_blocks(void **state)
{
    static const uint64_t mine[][2] = {
        { FIELD(0, 0), OBJ(8) }, { FIELD(1, 0), OBJ(0) }, { FIELD(8, 0), OBJ(9) }, { FIELD(9, 2), OBJ(1) }
    };
    static const uint64_t theirs[][2] = {
        { FIELD(1, 0), OBJ(0) }, { FIELD(2, 0), OBJ(8) }, { FIELD(8, 0), OBJ(9) }, { FIELD(9, 2), OBJ(1) }
    };
    (void)state;
    born(0);
    block(8);
    block(9);
    born(1);
    own(1, FIELD(9, 2));
    link_birth(1, 0, 0);             // the value holds the table
    assert_int_equal(collect(2), 0); // nobody knows whose the block is
    look(mine, 4);
    assert_int_equal(collect(2), 2);
    struct prof_gc_garbage last = { 0 };
    must(prof_gc_garbage(gr_gc, push_garbage, &last));
    assert_int_not_equal(last.strength, PROF_PROVEN);
    born(2);
    own(2, GLOBAL(0));
    look(theirs, 4); // who lives has the block now
    assert_int_equal(garbage_list().count, 0);
}

/* Two that point to a block; one that something happened to since; pointers that were not read. */
static void not_folded(void **state)
{
    static const uint64_t words[][2] = {
        { FIELD(0, 0), OBJ(8) }, { FIELD(1, 0), OBJ(0) }, { FIELD(8, 0), OBJ(1) }, { FIELD(12, 0), OBJ(8) }
    };
    (void)state;
    born(0);
    block(8);
    born(1);
    own(1, FIELD(8, 0));
    link_birth(1, 0, 0);
    born(12);
    own(12, GLOBAL(0));
    look(words, 4);
    assert_int_equal(collect(2), 0); // a second owner
    look(words, 3);
    ref(0, GLOBAL(1));
    unref(0, GLOBAL(1));
    assert_int_equal(collect(2), 0); // the program had it since
    look(words, 3);
    assert_int_equal(collect(2), 2);
}

/* Whom something happened to that leads to an owner: the program may have been there, and taken its block. */
static void doubted(void **state)
{
    static const uint64_t words[][2] = {
        { FIELD(0, 0), OBJ(8) }, { FIELD(1, 0), OBJ(2) }, { FIELD(2, 0), OBJ(0) }, { FIELD(8, 0), OBJ(1) }
    };
    (void)state;
    born(0);
    block(8);
    born(1);
    own(1, FIELD(8, 0));
    born(2);
    link_birth(1, 0, 2);
    link_birth(2, 0, 0);
    look(words, 4);
    ref(2, GLOBAL(0));
    unref(2, GLOBAL(0));
    assert_int_equal(collect(2), 0);
    look(words, 4);
    assert_int_equal(collect(2), 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, gr_begin, gr_end)
    const struct CMUnitTest tests[] = {
        TEST(g1_self_loop),
        TEST(g2_two_object_loop),
        TEST(g3_value_slot),
        TEST(g4_class_and_instance),
        TEST(g5_closure),
        TEST(g6_frame),
        TEST(g7_saveall),
        TEST(g11_deep),
        TEST(g16_weak),
        TEST(g17_across_generations),
        TEST(g17_old_member),
        TEST(g18_g28_deaths),
        TEST(g19_uncollectable),
        TEST(g19_closure),
        TEST(g24_resurrection),
        TEST(g24_transitive),
        TEST(g25_untold_holder),
        TEST(g27_refcount_too_small),
        TEST(confirmed),
        TEST(r1_missing_unref),
        TEST(r2_cycle_with_extra),
        TEST(r4_r5_spoiled),
        TEST(r6_moved_holder),
        TEST(r9_untold_count),
        TEST(r10_address_reuse),
        TEST(r14_owner_of_nothing),
        TEST(r14b_silent_move),
        TEST(r14b_twice_in_one_variable),
        TEST(r15_multiple_edges),
        TEST(r16_pinned),
        TEST(embedded),
        TEST(withdrawn),
        TEST(folded_blocks),
        TEST(not_folded),
        TEST(doubted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
