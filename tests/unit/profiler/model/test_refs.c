/* test_refs.c: references: births, slots, holders, anonymous balances, moves, counts. */
#include "helper.h"

#include <track/track.h>

enum { OBJ = 0x10000, HOLD = 0x20000, OTHER = 0x30000, GLOBAL = 0x900000 };

static void birth_waits_for_its_owner(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OBJ, 64, "new");
    struct prof_heap *heap = heap_of(t);
    const struct prof_obj *obj = obj_at(heap, OBJ);
    assert_int_equal(obj->state, PROF_OBJ_ALIVE);
    assert_int_equal(obj->count, 1);
    assert_int_equal(obj->opens, 1);
    assert_int_equal(obj->serial, 1);
    assert_int_equal(obj->size, 64);
    assert_int_equal(open_at(heap, obj, 0)->kind, PROF_OPEN_BIRTH);
    assert_int_equal(open_at(heap, obj, 0)->stack, mk_stack(t, "new"));
    assert_int_equal(prof_heap_obj_by_name(heap, "conn", 1), prof_heap_obj_by_addr(heap, OBJ));
    assert_int_equal(prof_heap_type(heap, obj->type)->refs_anon, 1);
    mk_destroy(t);
}

static void birth_gets_a_slot(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OBJ, 64, "new");
    mk_own(t, OBJ, GLOBAL, "own");
    struct prof_heap *heap = heap_of(t);
    const struct prof_obj *obj = obj_at(heap, OBJ);
    const struct prof_open *open = open_at(heap, obj, 0);
    assert_int_equal(open->kind, PROF_OPEN_SLOT);
    assert_int_equal(open->slot, GLOBAL);
    assert_int_equal(open->stack, mk_stack(t, "new"));
    assert_int_equal(open->moved_stack, mk_stack(t, "own"));
    assert_int_equal(open->flags, PROF_OPEN_WAS_BIRTH);
    const struct prof_type *type = prof_heap_type(heap, obj->type);
    assert_int_equal(type->births_owned, 1);
    assert_int_equal(type->refs_slot, 1);
    assert_int_equal(type->refs_anon, 0);
    mk_destroy(t);
}

static void birth_is_taken_by_an_anonymous_unref(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OBJ, 64, "new");
    mk_unref(t, OBJ, 0, "put");
    struct prof_heap *heap = heap_of(t);
    const struct prof_obj *obj = obj_at(heap, OBJ);
    assert_int_equal(obj->state, PROF_OBJ_ZERO);
    assert_int_equal(obj->opens, 0);
    assert_int_equal(site_at(heap, obj, mk_stack(t, "new"))->taken, 1);
    assert_int_equal(site_at(heap, obj, mk_stack(t, "put"))->given, 1);
    assert_int_equal(prof_heap_type(heap, obj->type)->zero, 1);
    mk_destroy(t);
}

static void anonymous_goes_before_birth(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OBJ, 64, "new");
    mk_ref(t, OBJ, 0, "get");
    mk_unref(t, OBJ, 0, "put");
    struct prof_heap *heap = heap_of(t);
    const struct prof_obj *obj = obj_at(heap, OBJ);
    assert_int_equal(obj->opens, 1);
    assert_int_equal(open_at(heap, obj, 0)->kind, PROF_OPEN_BIRTH);
    assert_null(site_at(heap, obj, mk_stack(t, "new")));
    assert_int_equal(site_at(heap, obj, mk_stack(t, "get"))->taken, 1);
    mk_destroy(t);
}

static void own_takes_the_newest(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OBJ, 64, "new");
    mk_ref(t, OBJ, 0, "get");
    mk_own(t, OBJ, GLOBAL, "own"); /* TRK_OWN(x, conn_ref(c)): not the birth */
    struct prof_heap *heap = heap_of(t);
    const struct prof_obj *obj = obj_at(heap, OBJ);
    assert_int_equal(obj->opens, 2);
    assert_int_equal(open_at(heap, obj, 0)->slot, GLOBAL);
    assert_int_equal(open_at(heap, obj, 0)->stack, mk_stack(t, "get"));
    assert_int_equal(open_at(heap, obj, 1)->kind, PROF_OPEN_BIRTH);
    assert_int_equal(site_at(heap, obj, mk_stack(t, "get"))->taken, 0);
    mk_destroy(t);
}

static void disown_and_own_again(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OBJ, 64, "new");
    mk_own(t, OBJ, GLOBAL, "own");
    mk_ref(t, OBJ, GLOBAL + 8, "get");
    mk_disown(t, OBJ, GLOBAL, "give");
    mk_disown(t, OBJ, GLOBAL + 8, "give");
    struct prof_heap *heap = heap_of(t);
    const struct prof_obj *obj = obj_at(heap, OBJ);
    assert_int_equal(obj->count, 2);
    assert_int_equal(obj->opens, 1);
    assert_int_equal(open_at(heap, obj, 0)->kind, PROF_OPEN_BIRTH);
    assert_int_equal(site_at(heap, obj, mk_stack(t, "get"))->taken, 1);
    assert_int_equal(prof_heap_type(heap, obj->type)->births_owned, 0);
    mk_destroy(t);
}

static void slots_pair_exactly(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OBJ, 64, "new");
    mk_ref(t, OBJ, GLOBAL, "first");
    mk_ref(t, OBJ, GLOBAL + 8, "second");
    mk_ref(t, OBJ, GLOBAL + 12, "odd"); /* not a multiple of 8 */
    mk_unref(t, OBJ, GLOBAL, "put");
    struct prof_heap *heap = heap_of(t);
    const struct prof_obj *obj = obj_at(heap, OBJ);
    assert_int_equal(obj->count, 3);
    assert_int_equal(obj->opens, 3);
    assert_int_equal(open_at(heap, obj, 0)->slot, GLOBAL + 12);
    assert_int_equal(open_at(heap, obj, 1)->stack, mk_stack(t, "second"));
    const struct prof_type_pair *pairs;
    assert_int_equal(prof_heap_type_pairs(heap, &pairs), 1);
    assert_int_equal(pairs[0].taken, mk_stack(t, "first"));
    assert_int_equal(pairs[0].given, mk_stack(t, "put"));
    assert_int_equal(pairs[0].count, 1);
    no_incidents(heap);
    mk_destroy(t);
}

static void same_slot_twice_newest_first(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OBJ, 64, "new");
    mk_ref(t, OBJ, GLOBAL, "one");
    mk_ref(t, OBJ, GLOBAL, "two");
    mk_ref(t, OBJ, GLOBAL, "three");
    mk_unref(t, OBJ, GLOBAL, "put");
    mk_unref(t, OBJ, GLOBAL, "put");
    struct prof_heap *heap = heap_of(t);
    const struct prof_obj *obj = obj_at(heap, OBJ);
    assert_int_equal(obj->opens, 2);
    assert_int_equal(open_at(heap, obj, 0)->stack, mk_stack(t, "one"));
    no_incidents(heap);
    mk_destroy(t);
}

static void holders_have_multiplicity(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_alloc(t, HOLD, 128, "table");
    mk_born(t, "conn", OBJ, 64, "new");
    mk_ref(t, OBJ, MK_HOLDER(HOLD), "put1");
    mk_ref(t, OBJ, MK_HOLDER(HOLD), "put2");
    mk_unref(t, OBJ, MK_HOLDER(HOLD), "remove");
    mk_move(t, OBJ, MK_HOLDER(HOLD), MK_HOLDER(HOLD + 64), "wrong"); /* nothing is there */
    struct prof_heap *heap = heap_of(t);
    const struct prof_obj *obj = obj_at(heap, OBJ);
    const struct prof_type *type = prof_heap_type(heap, obj->type);
    assert_int_equal(type->refs_holder, 3); /* the misplaced move takes the birth */
    assert_int_equal(type->unrefs_holder, 1);
    assert_int_equal(open_at(heap, obj, 0)->kind, PROF_OPEN_HOLDER);
    assert_int_equal(count_incidents(heap, PROF_INCIDENT_WRONG_SLOT), 1);
    mk_destroy(t);
}

static void holder_is_freed_with_its_references(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_alloc(t, HOLD, 128, "table");
    mk_born(t, "conn", OBJ, 64, "new");
    mk_ref(t, OBJ, MK_HOLDER(HOLD), "put");
    mk_free(t, HOLD, "free");
    struct prof_heap *heap = heap_of(t);
    const struct prof_incident *i = only_incident(heap, PROF_INCIDENT_HOLDER_FREED);
    assert_int_equal(i->stack, mk_stack(t, "free"));
    assert_int_equal(i->other_stack, mk_stack(t, "put"));
    mk_destroy(t);
}

static void wrong_slot_is_noticed(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OBJ, 64, "new");
    mk_own(t, OBJ, GLOBAL, "own");
    mk_ref(t, OBJ, 0, "get");
    mk_unref(t, OBJ, GLOBAL + 64, "put");
    struct prof_heap *heap = heap_of(t);
    const struct prof_incident *i = only_incident(heap, PROF_INCIDENT_WRONG_SLOT);
    assert_int_equal(i->stack, mk_stack(t, "put"));
    assert_int_equal(i->other_stack, mk_stack(t, "new"));
    assert_int_equal(i->slot, GLOBAL + 64);
    const struct prof_obj *obj = obj_at(heap, OBJ);
    assert_int_equal(obj->count, 1);
    assert_int_equal(obj->opens, 1);
    assert_int_equal(prof_heap_type(heap, obj->type)->unrefs_anon, 1);
    mk_destroy(t);
}

/* trk_own where trk_move was meant: two owners of one reference. Said once, with the owner that there was. */
static void owning_what_has_an_owner_is_noticed(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OBJ, 64, "new");
    mk_own(t, OBJ, GLOBAL, "own");
    mk_own(t, OBJ, GLOBAL + 8, "wrong");
    mk_born(t, "conn", OBJ + 64, 64, "new");
    mk_own(t, OBJ + 64, GLOBAL + 16, "own");
    mk_move(t, OBJ + 64, GLOBAL + 24, GLOBAL + 16, "right");
    mk_ref(t, OBJ + 64, 0, "get");
    mk_own(t, OBJ + 64, GLOBAL + 32, "own");
    struct prof_heap *heap = heap_of(t);
    const struct prof_incident *i = only_incident(heap, PROF_INCIDENT_NO_SOURCE);
    assert_int_equal(i->stack, mk_stack(t, "wrong"));
    assert_int_equal(i->other_stack, mk_stack(t, "own"));
    assert_int_equal(i->slot, GLOBAL + 8);
    const struct prof_obj *obj = obj_at(heap, OBJ);
    assert_int_equal(obj->count, 1);
    assert_int_equal(obj->opens, 2);
    assert_int_equal(open_at(heap, obj, 0)->flags & PROF_OPEN_NO_SOURCE, PROF_OPEN_NO_SOURCE);
    assert_int_equal(open_at(heap, obj, 1)->flags, PROF_OPEN_WAS_BIRTH | PROF_OPEN_DOUBTED);
    assert_false(prof_open_certain(open_at(heap, obj, 0)));
    obj = obj_at(heap, OBJ + 64);
    assert_int_equal(open_at(heap, obj, 0)->flags & PROF_OPEN_NO_SOURCE, 0);
    mk_destroy(t);
}

static void local_variable_may_release_the_birth(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OBJ, 64, "new");
    mk_unref(t, OBJ, GLOBAL, "put"); /* nobody else owns it: not a wrong slot */
    mk_gone(t, OBJ, "free");
    struct prof_heap *heap = heap_of(t);
    no_incidents(heap);
    mk_destroy(t);
}

static void move_between_slots(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OBJ, 64, "new");
    mk_ref(t, OBJ, GLOBAL, "get");
    mk_move(t, OBJ, GLOBAL + 800, GLOBAL, "steal");
    mk_move_range(t, GLOBAL + 1600, GLOBAL + 792, 64, "memcpy");
    mk_unref(t, OBJ, GLOBAL + 1608, "put");
    struct prof_heap *heap = heap_of(t);
    const struct prof_obj *obj = obj_at(heap, OBJ);
    assert_int_equal(obj->opens, 1);
    assert_int_equal(obj->count, 1);
    no_incidents(heap);
    mk_destroy(t);
}

static void overlap_in_an_assignment(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OBJ, 64, "new");
    mk_born(t, "conn", OTHER, 64, "new");
    mk_ref(t, OBJ, GLOBAL, "get");
    mk_ref(t, OTHER, GLOBAL, "set"); /* new in before old out */
    mk_unref(t, OBJ, GLOBAL, "set");
    struct prof_heap *heap = heap_of(t);
    no_incidents(heap);
    assert_int_equal(obj_at(heap, OBJ)->count, 1);
    assert_int_equal(open_at(heap, obj_at(heap, OTHER), 0)->flags, 0);
    mk_destroy(t);
}

static void overwritten_slot(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    for (unsigned k = 0; k < 4; k++) {
        mk_time(t, k);
        mk_born(t, "conn", (uint64_t)OBJ + 64 * k, 64, "new");
        mk_own(t, (uint64_t)OBJ + 64 * k, GLOBAL, "set");
    }
    struct prof_heap *heap = heap_of(t);
    const struct prof_incident *i = only_incident(heap, PROF_INCIDENT_OVERWRITTEN);
    assert_int_equal(i->repeats, 3);
    assert_int_equal(i->objects, 3);
    assert_int_equal(i->bytes, 3 * 64);
    assert_int_equal(i->stack, mk_stack(t, "set"));
    assert_int_equal(i->other_stack, mk_stack(t, "new"));
    assert_int_equal(i->slot, GLOBAL);
    assert_int_equal(open_at(heap, obj_at(heap, OBJ), 0)->flags, PROF_OPEN_OVERWRITTEN | PROF_OPEN_WAS_BIRTH);
    assert_int_equal(open_at(heap, obj_at(heap, OBJ + 192), 0)->flags, PROF_OPEN_WAS_BIRTH);
    mk_destroy(t);
}

static void overwritten_but_released_late(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    for (unsigned k = 0; k < 4; k++) {
        mk_born(t, "conn", (uint64_t)OBJ + 64 * k, 64, "new");
        mk_ref(t, (uint64_t)OBJ + 64 * k, GLOBAL, "set");
    }
    for (unsigned k = 0; k < 3; k++)
        mk_unref(t, (uint64_t)OBJ + 64 * k, GLOBAL, "put");
    struct prof_heap *heap = heap_of(t);
    no_incidents(heap);
    assert_int_equal(obj_at(heap, OBJ + 192)->opens, 2);
    mk_destroy(t);
}

static void holder_freed(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OBJ, 64, "new");
    mk_alloc(t, HOLD, 64, "h");
    mk_ref(t, OBJ, HOLD + 16, "get");
    mk_time(t, 3);
    mk_free(t, HOLD, "free");
    struct prof_heap *heap = heap_of(t);
    const struct prof_incident *i = only_incident(heap, PROF_INCIDENT_HOLDER_FREED);
    assert_int_equal(i->stack, mk_stack(t, "free"));
    assert_int_equal(i->other_stack, mk_stack(t, "get"));
    assert_int_equal(i->slot, HOLD + 16);
    assert_int_equal(i->at_us, 3);
    assert_int_equal(open_at(heap, obj_at(heap, OBJ), 0)->spoil_stack, mk_stack(t, "free"));
    mk_destroy(t);
}

static void destructor_frees_the_holder_first(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OBJ, 64, "new");
    mk_born(t, "conn", OTHER, 64, "new");
    mk_born(t, "session", HOLD, 64, "h");
    mk_ref(t, OBJ, HOLD + 16, "get");
    mk_own(t, OTHER, HOLD + 24, "own");
    mk_unref(t, HOLD, 0, "put");
    mk_gone(t, HOLD, "free");
    mk_alloc(t, HOLD, 64, "reuse"); /* the same memory serves somebody else */
    mk_unref(t, OBJ, HOLD + 16, "late");
    mk_move(t, OTHER, GLOBAL, HOLD + 24, "rescue");
    struct prof_heap *heap = heap_of(t);
    no_incidents(heap);
    assert_int_equal(obj_at(heap, OBJ)->opens, 1);
    assert_int_equal(open_at(heap, obj_at(heap, OTHER), 0)->slot, GLOBAL);
    mk_destroy(t);
}

/* Taken from the owner and given back at once: such a reference had an owner. One that stays without is anonymous. */
static void disowned_and_given_back(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OBJ, 64, "new");
    mk_own(t, OBJ, GLOBAL, "own");
    mk_ref(t, OBJ, GLOBAL + 8, "get");
    mk_ref(t, OBJ, MK_HOLDER(HOLD), "keep");
    mk_ref(t, OBJ, GLOBAL + 16, "get");
    mk_ref(t, OBJ, 0, "anonymous");
    mk_disown(t, OBJ, GLOBAL + 8, "drop"); /* passed on */
    mk_own(t, OBJ, GLOBAL + 24, "own");
    mk_disown(t, OBJ, GLOBAL + 24, "drop");
    mk_unref(t, OBJ, 0, "put");
    mk_disown(t, OBJ, MK_HOLDER(HOLD), "drop");
    mk_unref(t, OBJ, 0, "put");
    mk_unref(t, OBJ, 0, "put"); /* the anonymous one */
    mk_disown(t, OBJ, GLOBAL, "drop");
    mk_unref(t, OBJ, 0, "put");
    mk_disown(t, OBJ, GLOBAL + 16, "drop"); /* and kept */
    struct prof_heap *heap = heap_of(t);
    const struct prof_type *type = prof_heap_type(heap, obj_at(heap, OBJ)->type);
    assert_int_equal(obj_at(heap, OBJ)->count, 1);
    assert_int_equal(type->refs_slot, 2); /* the birth, and what was passed on */
    assert_int_equal(type->refs_holder, 1);
    assert_int_equal(type->refs_anon, 2);
    assert_int_equal(type->births_owned, 1);
    mk_destroy(t);
}

static void holders_have_names_after_death(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_type(t, "session", 32); /* its blocks are greater */
    for (uint64_t k = 0; k < 3; k++)
        mk_born(t, "conn", OBJ + 64 * k, 64, "new");
    mk_born(t, "session", HOLD, 64, "s");
    mk_own(t, OBJ, HOLD + 8, "inside");
    mk_own(t, OBJ + 64, HOLD + 40, "behind its type");
    mk_unref(t, HOLD, 0, "put");
    mk_del(t, HOLD, "del");
    mk_free(t, HOLD, "free");
    mk_alloc(t, HOLD, 64, "plain"); /* after an object at the same address */
    mk_own(t, OBJ + 128, HOLD + 8, "in a block");
    mk_free(t, HOLD, "free");
    struct prof_heap *heap = heap_of(t);
    struct prof_gone_holder gone = { 0 };
    for (uint64_t k = 0; k < 2; k++) {
        const struct prof_open *open = open_at(heap, obj_at(heap, OBJ + 64 * k), 0);
        assert_int_equal(open->flags & PROF_OPEN_HOLDER_FREED, PROF_OPEN_HOLDER_FREED);
        assert_true(prof_heap_gone_holder(heap, open, &gone));
        assert_string_equal(prof_heap_type(heap, gone.type)->name, "session");
        assert_int_equal(gone.serial, 1);
        assert_int_equal(gone.offset, k == 0 ? 8 : 40);
    }
    const struct prof_open *open = open_at(heap, obj_at(heap, OBJ + 128), 0);
    assert_int_equal(open->flags & PROF_OPEN_HOLDER_FREED, PROF_OPEN_HOLDER_FREED);
    assert_false(prof_heap_gone_holder(heap, open, &gone));
    mk_destroy(t);
}

static void many_leaks_through_one_address(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    for (unsigned k = 0; k < 2000; k++) {
        mk_born(t, "conn", 0x1000000 + 64ull * k, 64, "new");
        mk_alloc(t, HOLD, 64, "h");
        mk_own(t, 0x1000000 + 64ull * k, HOLD + 8, "own");
        mk_free(t, HOLD, "free");
    }
    struct prof_heap *heap = heap_of(t);
    assert_int_equal(only_incident(heap, PROF_INCIDENT_HOLDER_FREED)->repeats, 2000);
    mk_destroy(t);
}

static void block_and_objects_in_it_die_together(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_type(t, "a", 32);
    mk_type(t, "b", 32);
    mk_alloc(t, HOLD, 64, "h");
    mk_new(t, "a", HOLD, "na");
    mk_new(t, "b", HOLD + 32, "nb");
    mk_own(t, HOLD + 32, HOLD + 8, "o"); /* a holds b, in the same block */
    mk_unref(t, HOLD, 0, "put");
    mk_unref(t, HOLD + 32, HOLD + 8, "put");
    mk_free(t, HOLD, "free");
    struct prof_heap *heap = heap_of(t);
    no_incidents(heap);
    assert_int_equal(prof_heap_totals(heap)->live_objects, 0);
    mk_destroy(t);
}

static void over_release(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OBJ, 64, "new");
    mk_time(t, 4);
    mk_unref(t, OBJ, 0, "last");
    mk_time(t, 6);
    mk_unref(t, OBJ, 0, "extra");
    struct prof_heap *heap = heap_of(t);
    const struct prof_incident *i = only_incident(heap, PROF_INCIDENT_OVER_RELEASE);
    assert_int_equal(i->stack, mk_stack(t, "extra"));
    assert_int_equal(i->other_stack, mk_stack(t, "last"));
    assert_int_equal(i->other_us, 4);
    assert_int_equal(i->count, -1);
    mk_destroy(t);
}

static void counts_are_compared(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OBJ, 64, "new");
    mk_ref_rc(t, OBJ, 0, 2, "get");
    mk_ref_rc(t, OBJ, 0, 4, "get"); /* somebody counted without telling */
    mk_unref_rc(t, OBJ, 0, 3, "put");
    mk_born(t, "conn", OTHER, 64, "new");
    mk_ref_rc(t, OTHER, 0, 2, "get");
    mk_unref(t, OTHER, 0, "put");
    mk_count_seen(t, OTHER, 1);
    mk_ref_rc(t, OTHER, 0, 1000, "get");
    mk_unref_rc(t, OTHER, 0, 999, "get");
    struct prof_heap *heap = heap_of(t);
    const struct prof_obj *obj = obj_at(heap, OBJ);
    assert_int_equal(obj->observed, 3);
    assert_int_equal(obj->count, 2);
    assert_true((obj->flags & PROF_OBJ_MISCOUNT) != 0);
    assert_int_equal(obj_at(heap, OTHER)->observed, 999);
    assert_int_equal(prof_heap_totals(heap)->counts_seen, 7);
    assert_int_equal(prof_heap_totals(heap)->counts_wrong, 2);
    assert_int_equal(prof_heap_totals(heap)->counts_unsure, 0);
    mk_destroy(t);
}

/* Numbers tell which life a change belongs to only when births bear them. */
static void numbers_without_births(void **state)
{
    (void)state;
    for (unsigned numbered = 0; numbered < 2; numbered++) {
        struct mk_trace *t = mk_create();
        mk_born(t, "conn", OBJ, 64, "new");
        if (numbered)
            mk_seq(t, 10);
        mk_ref_seq(t, OBJ, 0, 2, 11, "get");
        mk_unref_seq(t, OBJ, 0, 5, 12, "put");
        struct prof_heap *heap = heap_of(t);
        assert_int_equal(prof_heap_totals(heap)->counts_wrong, 1);
        assert_int_equal(prof_heap_totals(heap)->counts_unsure, !numbered);
        mk_destroy(t);
    }
}

static void told_counts_decide_zero(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OBJ, 64, "new");
    mk_unref_rc(t, OBJ, 0, 1, "put"); /* its ref was not told */
    mk_born(t, "conn", OTHER, 64, "new");
    mk_ref(t, OTHER, 0, "get");
    mk_unref_rc(t, OTHER, 0, 0, "put"); /* an unref was not told */
    mk_gone(t, OTHER, "free");
    struct prof_heap *heap = heap_of(t);
    assert_int_equal(obj_at(heap, OBJ)->state, PROF_OBJ_ALIVE);
    no_incidents(heap);
    mk_destroy(t);
}

/* Of types that count in place only told counts decide. */
static void counts_in_place_prove_nothing(void **state)
{
    (void)state;
    enum { FREED = 0x40000, MISUSED = 0x50000 };
    struct mk_trace *t = mk_create();
    const struct trk_type_def def = { .flags = TRK_TYPE_INLINE, .count_offset = UINT32_MAX };
    mk_type_full(t, "value", &def);
    mk_born(t, "value", OBJ, 64, "new");
    mk_unref(t, OBJ, 0, "put");
    mk_unref(t, OBJ, 0, "put"); /* it was taken somewhere, too */
    mk_born(t, "value", OTHER, 64, "new");
    mk_ref_rc(t, OTHER, 0, 3, "get");
    mk_unref_rc(t, OTHER, 0, 0, "put"); /* told, and true */
    mk_born(t, "value", FREED, 64, "new");
    mk_ref(t, FREED, 0, "get");
    mk_gone(t, FREED, "free"); /* the last releases were not told */
    mk_born(t, "value", MISUSED, 64, "new");
    mk_gone(t, MISUSED, "free");
    mk_unref(t, MISUSED, 0, "put");
    struct prof_heap *heap = heap_of(t);
    assert_int_equal(obj_at(heap, OBJ)->state, PROF_OBJ_ALIVE);
    assert_int_equal(obj_at(heap, OBJ)->count, -1);
    assert_int_equal(obj_at(heap, OTHER)->state, PROF_OBJ_ZERO);
    const struct prof_incident *list;
    assert_int_equal(prof_heap_incidents(heap, &list), 1);
    assert_int_equal(list[0].kind, PROF_INCIDENT_USE_AFTER);
    mk_destroy(t);
}

/* Births of types that count in place may be untold: what a thread counted at the address of a dead one is another one,
 * as long as memory is there. */
static void lives_in_place_follow_untold(void **state)
{
    (void)state;
    enum { ARENA = 0x100000 };
    struct mk_trace *t = mk_create();
    const struct trk_type_def def = { .flags = TRK_TYPE_INLINE, .object_size = 64, .count_offset = UINT32_MAX };
    mk_type_full(t, "value", &def);
    mk_alloc(t, ARENA, 4096, "arena");
    for (uint64_t at = ARENA; at < ARENA + 4 * 64; at += 64) {
        mk_new(t, "value", at, "new");
        mk_del(t, at, "del");
    }
    mk_retype(t, ARENA, "value", "get");
    mk_ref_rc(t, ARENA, 0, 1, "get");
    mk_unref_rc(t, ARENA + 64, 0, 3, "put");
    mk_unref_rc(t, ARENA + 128, 0, -1, "put"); /* nobody lives there */
    mk_unref(t, ARENA + 192, 0, "put");
    mk_born(t, "value", OBJ, 64, "new");
    mk_gone(t, OBJ, "free");
    mk_unref_rc(t, OBJ, 0, 3, "put"); /* what was read is no count any more */
    struct prof_heap *heap = heap_of(t);
    const struct prof_incident *list;
    assert_int_equal(obj_at(heap, ARENA)->state, PROF_OBJ_ALIVE);
    assert_int_equal(obj_at(heap, ARENA)->count, 1);
    assert_string_equal(prof_heap_type(heap, obj_at(heap, ARENA)->type)->name, "value");
    assert_int_equal(obj_at(heap, ARENA + 64)->observed, 3);
    assert_int_equal(prof_heap_incidents(heap, &list), 3);
    mk_destroy(t);
}

/* What a container that counts in place was given, it gives back when it ends; other containers leave it behind. */
static void containers_in_place_give_back(void **state)
{
    (void)state;
    for (unsigned in_place = 0; in_place < 2; in_place++) {
        struct mk_trace *t = mk_create();
        const struct trk_type_def def = { .flags = in_place ? TRK_TYPE_INLINE : 0, .count_offset = UINT32_MAX };
        mk_type_full(t, "value", &def);
        mk_born(t, "value", HOLD, 64, "new");
        mk_born(t, "value", OBJ, 64, "new");
        mk_move(t, OBJ, MK_HOLDER(HOLD), 0, "give");
        mk_born(t, "value", OTHER, 64, "new");
        mk_move(t, OTHER, MK_HOLDER(HOLD), 0, "give");
        mk_ref_rc(t, OTHER, 0, 2, "get");
        mk_gone(t, HOLD, "free");
        struct prof_heap *heap = heap_of(t);
        const struct prof_obj *obj = obj_at(heap, OBJ), *other = obj_at(heap, OTHER);
        assert_int_equal(obj->count, in_place ? 0 : 1);
        assert_int_equal(obj->opens, in_place ? 0 : 1);
        assert_int_equal(obj->state, PROF_OBJ_ALIVE);
        assert_int_equal(other->count, in_place ? 1 : 2);
        assert_int_equal(other->observed, in_place ? 1 : 2);
        assert_int_equal(prof_heap_type(heap, obj->type)->unrefs_holder, in_place ? 2 : 0);
        mk_destroy(t);
    }
}

static void a_type_makes_an_object_known(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_type(t, "value", 8);
    mk_retype(t, OBJ, "value", "get");
    mk_ref_rc(t, OBJ, 0, 7, "get");
    mk_retype(t, OBJ, "value", "get");
    struct prof_heap *heap = heap_of(t);
    const struct prof_obj *obj = obj_at(heap, OBJ);
    assert_string_equal(prof_heap_type(heap, obj->type)->name, "value");
    assert_int_equal(prof_heap_type(heap, obj->type)->skewed, 1);
    assert_int_equal(prof_heap_type(heap, 0)->skewed, 0);
    assert_true((obj->flags & PROF_OBJ_SKEWED) != 0);
    assert_int_equal(obj->count, 7);
    mk_destroy(t);
}

static void unknown_objects_are_skewed(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_unref(t, OBJ, 0, "put");
    mk_unref(t, OBJ, GLOBAL, "put");
    mk_ref_rc(t, OTHER, 0, 7, "get");
    struct prof_heap *heap = heap_of(t);
    no_incidents(heap);
    assert_true((obj_at(heap, OBJ)->flags & PROF_OBJ_SKEWED) != 0);
    assert_int_equal(obj_at(heap, OBJ)->count, -2);
    assert_int_equal(obj_at(heap, OTHER)->count, 7);
    assert_false((obj_at(heap, OTHER)->flags & PROF_OBJ_MISCOUNT) != 0);
    assert_int_equal(prof_heap_totals(heap)->unknown_objects, 2);
    assert_int_equal(prof_heap_totals(heap)->counts_wrong, 0);
    mk_destroy(t);
}

static void many_sites_of_one_object(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OBJ, 64, "new");
    char name[32];
    for (unsigned k = 0; k < 400; k++) {
        snprintf(name, sizeof name, "s%u", k % 40);
        if (k % 3 == 2)
            mk_unref(t, OBJ, 0, name);
        else
            mk_ref(t, OBJ, 0, name);
    }
    struct prof_heap *heap = heap_of(t);
    const struct prof_obj *obj = obj_at(heap, OBJ);
    unsigned sites = 0, events = 0;
    for (uint32_t i = obj->first_site; i != 0; i = prof_heap_site_count(heap, i)->next) {
        sites++;
        events += prof_heap_site_count(heap, i)->taken + prof_heap_site_count(heap, i)->given;
    }
    assert_int_equal(sites, 40);
    assert_int_equal(events, 400);
    mk_destroy(t);
}

static void healthy_objects_teach(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    for (unsigned k = 0; k < 10; k++) {
        mk_born(t, "conn", OBJ, 64, "new");
        mk_ref(t, OBJ, 0, "get");
        if (k != 4)
            mk_unref(t, OBJ, 0, "put");
        mk_unref(t, OBJ, 0, "drop");
        mk_gone(t, OBJ, "free");
    }
    struct prof_heap *heap = heap_of(t);
    const struct prof_type_site *sites;
    size_t n = prof_heap_type_sites(heap, &sites);
    assert_int_equal(n, 4);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(sites[i].objects, 9);
        assert_int_equal(sites[i].taken + sites[i].given, 9);
    }
    const struct prof_incident *list = only_incident(heap, PROF_INCIDENT_FREED_ALIVE);
    assert_int_equal(list->count, 1);
    assert_int_equal(obj_at(heap, OBJ)->state, PROF_OBJ_DEAD); /* kept by the incident */
    assert_int_equal(obj_at(heap, OBJ)->serial, 5);
    mk_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(birth_waits_for_its_owner),
        cmocka_unit_test(birth_gets_a_slot),
        cmocka_unit_test(birth_is_taken_by_an_anonymous_unref),
        cmocka_unit_test(anonymous_goes_before_birth),
        cmocka_unit_test(own_takes_the_newest),
        cmocka_unit_test(disown_and_own_again),
        cmocka_unit_test(slots_pair_exactly),
        cmocka_unit_test(same_slot_twice_newest_first),
        cmocka_unit_test(holders_have_multiplicity),
        cmocka_unit_test(holder_is_freed_with_its_references),
        cmocka_unit_test(wrong_slot_is_noticed),
        cmocka_unit_test(owning_what_has_an_owner_is_noticed),
        cmocka_unit_test(local_variable_may_release_the_birth),
        cmocka_unit_test(move_between_slots),
        cmocka_unit_test(overlap_in_an_assignment),
        cmocka_unit_test(overwritten_slot),
        cmocka_unit_test(overwritten_but_released_late),
        cmocka_unit_test(holder_freed),
        cmocka_unit_test(destructor_frees_the_holder_first),
        cmocka_unit_test(disowned_and_given_back),
        cmocka_unit_test(holders_have_names_after_death),
        cmocka_unit_test(many_leaks_through_one_address),
        cmocka_unit_test(block_and_objects_in_it_die_together),
        cmocka_unit_test(over_release),
        cmocka_unit_test(counts_are_compared),
        cmocka_unit_test(told_counts_decide_zero),
        cmocka_unit_test(counts_in_place_prove_nothing),
        cmocka_unit_test(containers_in_place_give_back),
        cmocka_unit_test(lives_in_place_follow_untold),
        cmocka_unit_test(a_type_makes_an_object_known),
        cmocka_unit_test(numbers_without_births),
        cmocka_unit_test(unknown_objects_are_skewed),
        cmocka_unit_test(many_sites_of_one_object),
        cmocka_unit_test(healthy_objects_teach),
    };
    return cmocka_run_group_tests_name("model: references", tests, NULL, NULL);
}
