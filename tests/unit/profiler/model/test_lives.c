/* test_lives.c: births, deaths, what comes after them; pools, destructors. */
#include "helper.h"

enum { OBJ = 0x10000, HOLD = 0x20000, OTHER = 0x30000, GLOBAL = 0x900000 };

static void natural_death(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OBJ, 64, "new");
    mk_unref(t, OBJ, 0, "put");
    mk_free(t, OBJ, "free"); /* without DEL */
    mk_born(t, "conn", OBJ, 64, "new");
    mk_unref(t, OBJ, 0, "put");
    mk_gone(t, OBJ, "free");
    struct prof_heap *heap = heap_of(t);
    no_incidents(heap);
    const struct prof_type *type = prof_heap_type(heap, 1);
    assert_string_equal(type->name, "conn");
    assert_int_equal(type->born, 2);
    assert_int_equal(type->died, 2);
    assert_int_equal(type->live, 0);
    assert_int_equal(type->peak_live, 1);
    assert_int_equal(type->peak_bytes, 64);
    assert_int_equal(prof_heap_obj_by_addr(heap, OBJ), 0);
    mk_destroy(t);
}

static void freed_alive(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OBJ, 64, "new");
    mk_ref(t, OBJ, GLOBAL, "get");
    mk_time(t, 8);
    mk_free(t, OBJ, "free");
    struct prof_heap *heap = heap_of(t);
    const struct prof_incident *i = only_incident(heap, PROF_INCIDENT_FREED_ALIVE);
    assert_int_equal(i->count, 2);
    assert_int_equal(i->stack, mk_stack(t, "free"));
    assert_int_equal(i->other_stack, mk_stack(t, "get"));
    assert_int_equal(i->at_us, 8);
    const struct prof_obj *obj = prof_heap_obj(heap, i->obj);
    assert_int_equal(obj->state, PROF_OBJ_DEAD);
    assert_int_equal(open_at(heap, obj, 0)->slot, GLOBAL);
    mk_destroy(t);
}

static void use_after_death(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OBJ, 64, "new");
    mk_unref(t, OBJ, 0, "put");
    mk_time(t, 5);
    mk_gone(t, OBJ, "free");
    mk_time(t, 6);
    mk_ref(t, OBJ, GLOBAL, "late");
    struct prof_heap *heap = heap_of(t);
    const struct prof_incident *i = only_incident(heap, PROF_INCIDENT_USE_AFTER);
    assert_int_equal(i->stack, mk_stack(t, "late"));
    assert_int_equal(i->other_stack, mk_stack(t, "free"));
    assert_int_equal(i->other_us, 5);
    assert_int_equal(i->slot, GLOBAL);
    assert_false(i->reused);
    assert_int_equal(prof_heap_totals(heap)->live_objects, 0);
    mk_destroy(t);
}

static void release_after_death_is_one_too_many(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OBJ, 64, "new");
    mk_unref(t, OBJ, 0, "put");
    mk_gone(t, OBJ, "free");
    mk_unref(t, OBJ, 0, "extra");
    struct prof_heap *heap = heap_of(t);
    const struct prof_incident *i = only_incident(heap, PROF_INCIDENT_OVER_RELEASE);
    assert_int_equal(i->stack, mk_stack(t, "extra"));
    assert_int_equal(i->other_stack, mk_stack(t, "put"));
    mk_destroy(t);
}

static void new_block_ends_the_suspicion(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_type(t, "inner", 8);
    mk_alloc(t, OBJ, 64, "new");
    mk_new(t, "inner", OBJ + 16, "new");
    mk_unref(t, OBJ + 16, 0, "put");
    mk_free(t, OBJ, "free");
    mk_time(t, 9);
    mk_alloc(t, OBJ, 64, "other");
    mk_ref(t, OBJ + 16, 0, "late"); /* inside somebody else's block now */
    mk_born(t, "conn", OTHER, 64, "new");
    mk_unref(t, OTHER, 0, "put");
    mk_gone(t, OTHER, "free");
    mk_alloc(t, OTHER, 64, "again");
    mk_ref(t, OTHER, 0, "new life");
    struct prof_heap *heap = heap_of(t);
    const struct prof_incident *i = only_incident(heap, PROF_INCIDENT_USE_AFTER);
    assert_true(i->reused);
    assert_int_equal(i->addr, OBJ + 16);
    assert_true((obj_at(heap, OTHER)->flags & PROF_OBJ_SKEWED) != 0);
    mk_destroy(t);
}

static void the_grave_is_left(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    for (unsigned k = 0; k < 6000; k++) {
        mk_born(t, "conn", 0x1000000 + 64ull * k, 64, "new");
        mk_unref(t, 0x1000000 + 64ull * k, 0, "put");
        mk_gone(t, 0x1000000 + 64ull * k, "free");
    }
    mk_ref(t, 0x1000000, 0, "much later"); /* nobody remembers: an unknown object */
    mk_ref(t, 0x1000000 + 64 * 5999, 0, "soon");
    struct prof_heap *heap = heap_of(t);
    assert_int_equal(only_incident(heap, PROF_INCIDENT_USE_AFTER)->stack, mk_stack(t, "soon"));
    assert_int_equal(prof_heap_totals(heap)->unknown_objects, 1);
    assert_true(prof_heap_obj_max(heap) < 5000);
    assert_true(prof_heap_block_max(heap) < 5000);
    mk_destroy(t);
}

/* Numbers tell what came before the last release, whenever it arrives, from what came after it. */
static void late_numbered_events(void **state)
{
    (void)state;
    static const uint32_t numbers[] = { 0xfffffffe, 0xffffffff, 0, 3 };
    for (size_t i = 0; i < 4; i++) {
        struct mk_trace *t = mk_create();
        mk_born(t, "conn", OBJ, 64, "new");
        mk_unref_seq(t, OBJ, 0, 0, 2, "put");
        mk_gone(t, OBJ, "free");
        mk_round(t);
        mk_ref_seq(t, OBJ, 0, 2, numbers[i], "late");
        mk_unref_seq(t, OBJ, 0, 1, numbers[i] + 1, "late");
        struct prof_heap *heap = heap_of(t);
        if (numbers[i] == 3)
            assert_true(prof_heap_incidents(heap, &(const struct prof_incident *){ NULL }) > 0);
        else
            no_incidents(heap);
        mk_destroy(t);
    }
}

static void late_counted_events(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OBJ, 64, "new");
    mk_ref_rc(t, OBJ, 0, 2, "get");
    mk_time(t, 1);
    mk_unref_rc(t, OBJ, 0, 0, "last"); /* 2 -> 1 happened in another thread, its record is late */
    mk_gone(t, OBJ, "free");
    mk_thread(t, 200);
    mk_time(t, 2);
    mk_unref_rc(t, OBJ, 0, 1, "late");
    mk_thread(t, 100);
    mk_time(t, 3);
    mk_born(t, "conn", OBJ, 64, "new");
    mk_ref_rc(t, OBJ, 0, 2, "get");
    mk_unref_rc(t, OBJ, 0, 0, "last");
    mk_gone(t, OBJ, "free");
    mk_born(t, "conn", OBJ, 64, "new"); /* its address lives again before the late record comes */
    mk_thread(t, 200);
    mk_time(t, 4);
    mk_unref_rc(t, OBJ, 0, 1, "late");
    struct prof_heap *heap = heap_of(t);
    no_incidents(heap);
    const struct prof_obj *obj = obj_at(heap, OBJ);
    assert_int_equal(obj->count, 1);
    assert_int_equal(obj->unrefs, 0);
    assert_int_equal(obj->state, PROF_OBJ_ALIVE);
    mk_destroy(t);
}

static void born_over_a_living_one(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_new(t, "conn", OBJ, "one");
    mk_new(t, "conn", OBJ, "two");
    mk_unref(t, OBJ, 0, "put");
    mk_new(t, "conn", OBJ, "three"); /* zero, and freed without telling: fine */
    struct prof_heap *heap = heap_of(t);
    const struct prof_incident *i = only_incident(heap, PROF_INCIDENT_FREED_ALIVE);
    assert_true(i->reused);
    assert_int_equal(obj_at(heap, OBJ)->serial, 3);
    assert_int_equal(prof_heap_totals(heap)->live_objects, 1);
    mk_destroy(t);
}

static void embedded_objects(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    struct trk_type_def def = { .object_size = 48, .obj_offset = 16, .count_offset = 0, .count_width = 4 };
    mk_type_full(t, "headed", &def);
    mk_alloc(t, OBJ, 64, "a");
    mk_new(t, "headed", OBJ + 16, "n");
    mk_alloc(t, HOLD, 100000, "big");
    mk_new(t, "headed", HOLD + 90016, "n");
    struct prof_heap *heap = heap_of(t);
    const struct prof_obj *obj = obj_at(heap, OBJ + 16);
    assert_int_equal(obj->start, OBJ);
    assert_int_equal(obj->size, 48);
    assert_int_equal(prof_heap_obj_at(heap, OBJ + 47), prof_heap_obj_by_addr(heap, OBJ + 16));
    assert_int_equal(prof_heap_obj_at(heap, OBJ + 48), 0);
    assert_int_equal(prof_heap_block(heap, obj_at(heap, HOLD + 90016)->block)->addr, HOLD);
    assert_true(prof_heap_type(heap, obj->type)->has_count);
    mk_destroy(t);
}

static void innermost_wins(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_type(t, "outer", 4096);
    mk_type(t, "inner", 64);
    mk_type(t, "core", 8);
    mk_alloc(t, OBJ, 4096, "a");
    mk_new(t, "outer", OBJ, "n");
    mk_new(t, "inner", OBJ + 128, "n");
    mk_new(t, "core", OBJ + 136, "n");
    mk_new(t, "inner", OBJ + 1024, "n");
    struct prof_heap *heap = heap_of(t);
    assert_int_equal(prof_heap_obj_at(heap, OBJ + 8), prof_heap_obj_by_addr(heap, OBJ));
    assert_int_equal(prof_heap_obj_at(heap, OBJ + 130), prof_heap_obj_by_addr(heap, OBJ + 128));
    assert_int_equal(prof_heap_obj_at(heap, OBJ + 137), prof_heap_obj_by_addr(heap, OBJ + 136));
    assert_int_equal(prof_heap_obj_at(heap, OBJ + 150), prof_heap_obj_by_addr(heap, OBJ + 128));
    assert_int_equal(prof_heap_obj_at(heap, OBJ + 500), prof_heap_obj_by_addr(heap, OBJ));
    assert_int_equal(prof_heap_obj_at(heap, OBJ + 4096), 0);
    mk_destroy(t);
}

static void pools(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OBJ, 64, "new");
    for (int k = 0; k < 3; k++) {
        mk_unref(t, OBJ, 0, "put");
        mk_op(t, TRK_OP_PARK, OBJ, "park");
        mk_time(t, 10u + (unsigned)k);
        mk_op(t, TRK_OP_REUSE, OBJ, "reuse");
    }
    mk_born(t, "conn", OTHER, 64, "new");
    mk_unref(t, OTHER, 0, "put");
    mk_op(t, TRK_OP_PARK, OTHER, "park");
    struct prof_heap *heap = heap_of(t);
    no_incidents(heap);
    const struct prof_obj *obj = obj_at(heap, OBJ);
    assert_int_equal(obj->births, 4);
    assert_int_equal(obj->count, 1);
    assert_int_equal(obj->unrefs, 0);
    assert_int_equal(obj->born_us, 12);
    assert_int_equal(obj->serial, 1);
    assert_int_equal(obj->stack, mk_stack(t, "reuse"));
    assert_int_equal(obj_at(heap, OTHER)->state, PROF_OBJ_PARKED);
    assert_int_equal(prof_heap_type(heap, obj->type)->parked, 1);
    assert_int_equal(prof_heap_type(heap, obj->type)->live, 2);
    mk_destroy(t);
}

/* Constructors that are only seen when they return take, give and sink references before. */
static void references_before_the_birth(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_alloc(t, OBJ, 64, "malloc");
    mk_ref(t, OBJ, GLOBAL, "init");
    mk_ref(t, OBJ, 0, "init");
    mk_unref(t, OBJ, 0, "init");
    mk_type(t, "conn", 64);
    mk_new(t, "conn", OBJ, "new");
    struct prof_heap *heap = heap_of(t);
    const struct prof_obj *obj = obj_at(heap, OBJ);
    assert_int_equal(obj->flags & (PROF_OBJ_SKEWED | PROF_OBJ_BLOCK_BORN), 0);
    assert_int_equal(obj->count, 2);
    assert_int_equal(obj->births, 1);
    assert_int_equal(obj->stack, mk_stack(t, "new"));
    assert_string_equal(prof_heap_type(heap, obj->type)->name, "conn");
    assert_int_equal(prof_heap_type(heap, obj->type)->born, 1);
    assert_int_equal(prof_heap_totals(heap)->unknown_objects, 0);
    mk_destroy(t);
    t = mk_create();
    mk_alloc(t, OBJ, 64, "malloc");
    mk_ref(t, OBJ, GLOBAL, "init");
    mk_type(t, "conn", 64);
    mk_new(t, "conn", OBJ, "new");
    mk_unref(t, OBJ, GLOBAL, "close");
    mk_unref(t, OBJ, 0, "put");
    mk_free(t, OBJ, "free");
    no_incidents(heap_of(t));
    mk_destroy(t);
}

/* ... but not those that were there before: another thread's, and those of a life that ended. */
static void births_that_are_not_first(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_type(t, "conn", 64);
    mk_alloc(t, OBJ, 64, "malloc");
    mk_ref(t, OBJ, 0, "use");
    mk_time(t, 5);
    mk_thread(t, 2);
    mk_new(t, "conn", OBJ, "new");
    mk_alloc(t, OTHER, 64, "malloc");
    mk_unref(t, OTHER, 0, "use");
    mk_unref(t, OTHER, 0, "use");
    mk_new(t, "conn", OTHER, "new");
    struct prof_heap *heap = heap_of(t);
    assert_int_equal(obj_at(heap, OBJ)->count, 1);
    assert_int_equal(obj_at(heap, OTHER)->count, 1);
    assert_int_equal(obj_at(heap, OTHER)->unrefs, 0);
    no_incidents(heap);
    mk_destroy(t);
}

/* No birth is told: the first object that lies alone in a block is as old as that. */
static void born_with_their_block(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_time(t, 3);
    mk_alloc(t, OBJ, 64, "malloc");
    mk_time(t, 7);
    mk_ref(t, OBJ, 0, "use");
    mk_ref(t, OTHER, 0, "use"); /* in no block */
    mk_alloc(t, HOLD, 64, "malloc");
    mk_unref(t, HOLD + 16, 0, "put");
    mk_free(t, HOLD, "free");
    struct prof_heap *heap = heap_of(t);
    const struct prof_obj *obj = obj_at(heap, OBJ);
    assert_int_equal(obj->flags & (PROF_OBJ_SKEWED | PROF_OBJ_BLOCK_BORN), PROF_OBJ_SKEWED | PROF_OBJ_BLOCK_BORN);
    assert_int_equal(obj->count, 2);
    assert_int_equal(obj->born_us, 3);
    assert_int_equal(obj->stack, mk_stack(t, "malloc"));
    assert_int_equal(obj_at(heap, OTHER)->flags & PROF_OBJ_BLOCK_BORN, 0);
    assert_int_equal(obj_at(heap, OTHER)->count, 1);
    no_incidents(heap);
    mk_destroy(t);
}

/* The pool keeps a reference of what is parked in it, as GstBufferPool does; what it made, nobody parked before. */
static void pools_that_keep(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "buffer", OBJ, 64, "new");
    for (int k = 0; k < 3; k++) {
        mk_raw(t, TRK_OP_REUSE, 1, OBJ, 0, mk_stack(t, "acquire"));
        mk_unref(t, OBJ, 0, "put");
        mk_ref(t, OBJ, 0, "dispose");
        mk_raw(t, TRK_OP_PARK, 1, OBJ, 0, mk_stack(t, "release"));
    }
    mk_born(t, "buffer", OTHER, 64, "new");
    mk_raw(t, TRK_OP_PARK, 1, OTHER, 0, mk_stack(t, "release"));
    mk_unref(t, OTHER, 0, "destroy");
    mk_free(t, OTHER, "destroy");
    struct prof_heap *heap = heap_of(t);
    no_incidents(heap);
    assert_int_equal(obj_at(heap, OBJ)->state, PROF_OBJ_PARKED);
    assert_int_equal(obj_at(heap, OBJ)->count, 0);
    mk_destroy(t);
}

/* ... but what is used and was never parked is not the pool's to hand out, nor is an unref of it after that one's own.
 */
static void pools_that_keep_are_watched(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "buffer", OBJ, 64, "new");
    mk_ref(t, OBJ, 0, "use");
    mk_raw(t, TRK_OP_REUSE, 1, OBJ, 0, mk_stack(t, "acquire"));
    struct prof_heap *heap = heap_of(t);
    only_incident(heap, PROF_INCIDENT_FREED_ALIVE);
    mk_destroy(t);
    t = mk_create();
    mk_born(t, "buffer", OBJ, 64, "new");
    mk_raw(t, TRK_OP_PARK, 1, OBJ, 0, mk_stack(t, "release"));
    mk_unref(t, OBJ, 0, "destroy");
    mk_unref(t, OBJ, 0, "put");
    only_incident(heap_of(t), PROF_INCIDENT_OVER_RELEASE);
    mk_destroy(t);
}

static void pool_is_freed(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OBJ, 64, "new");
    mk_unref(t, OBJ, 0, "put");
    mk_op(t, TRK_OP_PARK, OBJ, "park");
    mk_free(t, OBJ, "free");
    mk_op(t, TRK_OP_REUSE, OTHER, "reuse"); /* never seen before: an ordinary birth */
    struct prof_heap *heap = heap_of(t);
    no_incidents(heap);
    assert_int_equal(obj_at(heap, OTHER)->count, 1);
    mk_destroy(t);
}

static void types_change(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_type(t, "small", 16);
    mk_type(t, "large", 48);
    mk_alloc(t, OBJ, 64, "a");
    mk_new(t, "large", OTHER, "n");
    mk_new(t, "small", OBJ, "n");
    mk_retype(t, OBJ, "large", "r");
    struct prof_heap *heap = heap_of(t);
    const struct prof_obj *obj = obj_at(heap, OBJ);
    assert_int_equal(obj->size, 48);
    assert_int_equal(obj->serial, 2);
    assert_int_equal(prof_heap_type(heap, 1)->born, 0);
    assert_int_equal(prof_heap_type(heap, 2)->live_bytes, 96);
    mk_destroy(t);
}

static void destructors_and_resurrection(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OBJ, 64, "new");
    mk_unref(t, OBJ, 0, "put");
    mk_op(t, TRK_OP_DTOR_BEGIN, OBJ, "dtor");
    mk_ref(t, OBJ, GLOBAL, "keep");
    mk_op(t, TRK_OP_DTOR_END, OBJ, NULL);
    mk_born(t, "conn", OTHER, 64, "new");
    mk_unref(t, OTHER, 0, "put");
    mk_op(t, TRK_OP_DTOR_BEGIN, OTHER, "dtor");
    mk_ref(t, OTHER, 0, "log");
    mk_unref(t, OTHER, 0, "log");
    mk_op(t, TRK_OP_DTOR_END, OTHER, NULL);
    mk_gone(t, OTHER, "free");
    struct prof_heap *heap = heap_of(t);
    const struct prof_incident *i = only_incident(heap, PROF_INCIDENT_RESURRECTED);
    assert_int_equal(i->stack, mk_stack(t, "keep"));
    assert_int_equal(i->other_stack, mk_stack(t, "dtor"));
    const struct prof_obj *obj = obj_at(heap, OBJ);
    assert_int_equal(obj->state, PROF_OBJ_ALIVE);
    assert_true((obj->flags & PROF_OBJ_RESURRECTED) != 0);
    assert_true((obj->flags & PROF_OBJ_FINALIZED) != 0);
    mk_destroy(t);
}

/* One release too many in a life that begins `wait_us` after the order at its address was a guess. */
static bool guessed(uint64_t wait_us)
{
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OTHER, 64, "new");
    struct prof_heap *heap;
    assert_null(prof_heap_create_live(mk_open(t), NULL, &heap));
    const uint64_t later = 100 + wait_us;
    const struct prof_event events[] = {
        { .op = TRK_OP_ALLOC, .addr = OBJ, .size = 64, .tid = 1, .time_us = 100, .flags = PROF_EVENT_FORCED },
        { .op = TRK_OP_FREE, .addr = OBJ, .tid = 1, .time_us = 100 },
        { .op = TRK_OP_ALLOC, .addr = OBJ, .size = 64, .tid = 1, .time_us = later },
        { .op = TRK_OP_NEW, .addr = OBJ, .size = 1, .tid = 1, .time_us = later },
        { .op = TRK_OP_UNREF, .addr = OBJ, .tid = 1, .time_us = later },
        { .op = TRK_OP_FREE, .addr = OBJ, .tid = 1, .time_us = later },
        { .op = TRK_OP_UNREF, .addr = OBJ, .tid = 1, .time_us = later },
    };
    assert_null(prof_heap_apply(heap, events, sizeof events / sizeof events[0]));
    bool forced = only_incident(heap, PROF_INCIDENT_OVER_RELEASE)->forced;
    prof_heap_destroy(heap);
    mk_destroy(t);
    return forced;
}

static void what_follows_a_guess_is_one(void **state)
{
    (void)state;
    assert_true(guessed(1000));
    assert_false(guessed(1000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_follows_a_guess_is_one),
        cmocka_unit_test(natural_death),
        cmocka_unit_test(freed_alive),
        cmocka_unit_test(use_after_death),
        cmocka_unit_test(release_after_death_is_one_too_many),
        cmocka_unit_test(new_block_ends_the_suspicion),
        cmocka_unit_test(the_grave_is_left),
        cmocka_unit_test(late_counted_events),
        cmocka_unit_test(late_numbered_events),
        cmocka_unit_test(born_over_a_living_one),
        cmocka_unit_test(embedded_objects),
        cmocka_unit_test(innermost_wins),
        cmocka_unit_test(pools),
        cmocka_unit_test(references_before_the_birth),
        cmocka_unit_test(births_that_are_not_first),
        cmocka_unit_test(born_with_their_block),
        cmocka_unit_test(pools_that_keep),
        cmocka_unit_test(pools_that_keep_are_watched),
        cmocka_unit_test(pool_is_freed),
        cmocka_unit_test(types_change),
        cmocka_unit_test(destructors_and_resurrection),
    };
    return cmocka_run_group_tests_name("model: lives", tests, NULL, NULL);
}
